//! Whether selection falls on groups of people alike: how many of each are
//! selected, how often that is wrong in either direction, and whether the
//! probabilities given to each come true. Which group a person belongs to is
//! asked here and nowhere else; it does not reach a score. What is told has
//! been through suppression, so that nobody is found in a small group.

mod against;
mod counts;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use thiserror::Error;

pub use against::{Against, Verdict};
pub use counts::Calibration;
pub(super) use counts::{Counts, Measure};

use super::proportion::Proportion;
use super::suppress::{self, Level, Told};
use against::Redrawn;

/// The value of those about whom the characteristic is not recorded.
pub const NOT_STATED: &str = "not stated";

/// One person, as one characteristic sees them.
#[derive(Clone, Copy, Debug)]
pub struct Person<'a> {
    /// Value of the characteristic; `None` where it is not stated.
    pub group: Option<&'a str>,
    /// Whether they were selected, such as by standing among the first so many.
    pub selected: bool,
    /// Whether what was predicted came about.
    pub outcome: bool,
    /// Probability given to it, 0 to 1.
    pub probability: Option<f64>,
}

/// Nobody has the value that the others were to be compared with.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("no person belongs to the reference group {0:?}")]
pub struct UnknownReference(pub String);

/// The groups of one characteristic, as far as they may be told.
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    /// Value of the group with which the others are compared; `None` where nobody's is stated.
    pub reference: Option<String>,
    /// Everybody together.
    pub all: Row,
    /// The groups, by value.
    pub groups: Vec<Row>,
}

/// One group.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Value of the characteristic.
    pub value: String,
    /// People in it.
    pub people: Told<u32>,
    /// Selected, of all.
    pub selected: Told<Rate>,
    /// Selected, of those without the outcome.
    pub false_positive: Told<Rate>,
    /// Not selected, of those with the outcome.
    pub false_negative: Told<Rate>,
    /// With the outcome, of those selected.
    pub predictive_value: Told<Rate>,
    /// Outcomes against probabilities; `None` where somebody in the group has no probability.
    pub calibration: Told<Option<Calibration>>,
}

/// One rate of a group.
#[derive(Clone, Debug, PartialEq)]
pub struct Rate {
    /// The rate and its numbers.
    pub share: Proportion,
    /// Beside the same rate of the reference group: suppressed where that one is; `None` for the reference itself, for
    /// everybody together, and where there is no reference.
    pub against: Told<Option<Against>>,
}

/// Compares the groups of one characteristic with the largest whose value is stated, or with the one named.
pub fn compare(people: &[Person<'_>], reference: Option<&str>, seed: u64) -> Result<Table, UnknownReference> {
    let mut tallied: BTreeMap<&str, Counts> = BTreeMap::new();
    let mut all = Counts::default();
    for person in people {
        tallied.entry(person.group.unwrap_or(NOT_STATED)).or_default().add(person);
        all.add(person);
    }
    let values: Vec<&str> = tallied.keys().copied().collect();
    let counts: Vec<Counts> = tallied.into_values().collect();
    let reference = match reference {
        Some(named) => {
            Some(values.iter().position(|value| *value == named).ok_or_else(|| UnknownReference(named.to_owned()))?)
        }
        None => largest(&values, &counts),
    };
    let levels = suppress::levels(&counts);
    let redrawn: Vec<Redrawn> = (0..).zip(&counts).map(|(stream, counts)| Redrawn::new(counts, seed, stream)).collect();
    let row = |at: usize| {
        let against = |measure: Measure| {
            let Some(reference) = reference else { return Told::Number(None) };
            levels[reference]
                .rate(measure, || (reference != at).then(|| Against::new(measure, &redrawn[at], &redrawn[reference])))
        };
        Row::new(values[at], &counts[at], levels[at], against)
    };
    Ok(Table {
        reference: reference.map(|at| values[at].to_owned()),
        all: Row::new("all", &all, suppress::level_of_all(&all), |_| Told::Number(None)),
        groups: (0..values.len()).map(row).collect(),
    })
}

/// The largest group whose value is stated; of several, the first by value.
fn largest(values: &[&str], counts: &[Counts]) -> Option<usize> {
    (0..values.len())
        .filter(|at| values[*at] != NOT_STATED)
        .max_by(|a, b| counts[*a].people().cmp(&counts[*b].people()).then(b.cmp(a)))
}

impl Row {
    fn new(value: &str, counts: &Counts, level: Level, against: impl Fn(Measure) -> Told<Option<Against>>) -> Self {
        let rate = |measure: Measure| {
            level.rate(measure, || Rate {
                share: counts.share(measure).expect("a rate that may be told must be of somebody"),
                against: against(measure),
            })
        };
        Self {
            value: value.to_owned(),
            people: level.people(|| counts.people()),
            selected: rate(Measure::Selected),
            false_positive: rate(Measure::FalsePositive),
            false_negative: rate(Measure::FalseNegative),
            predictive_value: rate(Measure::PredictiveValue),
            calibration: level.outcomes(|| Calibration::new(counts)),
        }
    }
}
