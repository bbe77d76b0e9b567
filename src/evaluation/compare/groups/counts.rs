//! The four counts of which every rate of a group is made: selected or not,
//! with the outcome or without.

use super::Person;
use crate::evaluation::compare::interval::Interval;
use crate::evaluation::compare::proportion::Proportion;

/// A group counted. Never told as it is.
#[derive(Clone, Copy, Default)]
pub(in crate::evaluation::compare) struct Counts {
    /// Selected, with the outcome.
    pub true_positive: u32,
    /// Selected, without.
    pub false_positive: u32,
    /// Not selected, with the outcome.
    pub false_negative: u32,
    /// Not selected, without.
    pub true_negative: u32,
    /// People with a probability.
    with_probability: u32,
    /// Their sum.
    expected: f64,
}

impl Counts {
    /// A group of these, without probabilities.
    pub fn new(true_positive: u32, false_positive: u32, false_negative: u32, true_negative: u32) -> Self {
        Self { true_positive, false_positive, false_negative, true_negative, ..Self::default() }
    }

    /// Counts somebody.
    pub fn add(&mut self, person: &Person<'_>) {
        *match (person.selected, person.outcome) {
            (true, true) => &mut self.true_positive,
            (true, false) => &mut self.false_positive,
            (false, true) => &mut self.false_negative,
            (false, false) => &mut self.true_negative,
        } += 1;
        if let Some(probability) = person.probability {
            self.with_probability += 1;
            self.expected += probability;
        }
    }

    pub fn people(&self) -> u32 {
        self.selected() + self.not_selected()
    }

    pub fn selected(&self) -> u32 {
        self.true_positive + self.false_positive
    }

    pub fn not_selected(&self) -> u32 {
        self.false_negative + self.true_negative
    }

    pub fn with_outcome(&self) -> u32 {
        self.true_positive + self.false_negative
    }

    pub fn without_outcome(&self) -> u32 {
        self.false_positive + self.true_negative
    }

    /// Numerator and denominator of a rate.
    fn parts(&self, measure: Measure) -> (u32, u32) {
        match measure {
            Measure::Selected => (self.selected(), self.people()),
            Measure::FalsePositive => (self.false_positive, self.without_outcome()),
            Measure::FalseNegative => (self.false_negative, self.with_outcome()),
            Measure::PredictiveValue => (self.true_positive, self.selected()),
        }
    }

    /// A rate with its exact interval; of nobody there is none.
    pub fn share(&self, measure: Measure) -> Option<Proportion> {
        let (count, of) = self.parts(measure);
        Proportion::new(count, of)
    }

    /// A rate alone.
    pub fn rate(&self, measure: Measure) -> Option<f64> {
        let (count, of) = self.parts(measure);
        (of > 0).then(|| f64::from(count) / f64::from(of))
    }
}

/// The rates that are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::evaluation::compare) enum Measure {
    /// Selected, of all.
    Selected,
    /// Selected, of those without the outcome.
    FalsePositive,
    /// Not selected, of those with it.
    FalseNegative,
    /// With the outcome, of those selected.
    PredictiveValue,
}

/// How many had the outcome, against how many the probabilities expected.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Calibration {
    /// People with a probability.
    pub of: u32,
    /// Those with the outcome.
    pub observed: u32,
    /// Sum of the probabilities.
    pub expected: f64,
    /// Observed less expected, per person: above 0 where the probabilities were too low. The interval is the exact one
    /// of the observed share, with the probabilities taken as given.
    pub difference: Interval,
}

impl Calibration {
    /// Only where everybody in the group has a probability: else the people who have one would be a smaller group
    /// within it, with numbers of its own to protect.
    pub(super) fn new(counts: &Counts) -> Option<Self> {
        if counts.with_probability < counts.people() {
            return None;
        }
        let share = Proportion::new(counts.with_outcome(), counts.people())?;
        let mean = counts.expected / f64::from(share.of);
        let difference = Interval { value: share.value - mean, low: share.low - mean, high: share.high - mean };
        Some(Self { of: share.of, observed: share.count, expected: counts.expected, difference })
    }
}
