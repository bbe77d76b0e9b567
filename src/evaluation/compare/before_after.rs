//! Whether offending fell after people were selected for the managed cohort,
//! and whether the selection can have been why. People are selected at a peak,
//! and a peak passes: those selected are therefore set beside others who stood
//! at the same level and were not selected, and only what they fell *more* than
//! those is counted. The same comparison of the two periods before the
//! selection must show nothing. Even so it is no experiment: what made a panel
//! choose one of two alike remains unseen.

mod balance;
mod difference;
mod matching;
mod sets;
#[cfg(test)]
mod tests;
mod verdict;

pub use balance::Balance;
pub use difference::{Change, Rates};
pub use matching::Matched;
pub use verdict::{Reason, Verdict};

use super::interval::Interval;
use sets::Sets;

/// Time and offending of one person between two dates.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Period {
    /// Days at liberty, on which an offence was possible.
    pub days_at_liberty: u32,
    /// Offences.
    pub offences: f64,
    /// Harm of them, in days of imprisonment.
    pub harm: f64,
    /// Cost of them to society, in pounds.
    pub cost: f64,
}

/// A person who was selected, or could have been.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Unit<const M: usize> {
    /// Tells people apart.
    pub id: u32,
    /// Whether they were selected.
    pub selected: bool,
    /// The period before the one before, if known: for the placebo.
    pub earlier: Option<Period>,
    /// The period before the selection.
    pub before: Period,
    /// The period after.
    pub after: Period,
    /// What people are matched on, as at the selection: such as composite, age, offences and harm in the period before
    /// and the one before that, days at liberty.
    pub traits: [f64; M],
}

/// How to compare.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Design {
    /// Most people matched to one who was selected.
    pub matches: usize,
    /// Farthest that a match may be: the root mean square, over the traits, of the differences in pooled standard
    /// deviations.
    pub caliper: f64,
    /// Seed of the resampling.
    pub seed: u64,
}

impl Default for Design {
    /// Three matches within a quarter of a standard deviation: the width of Rosenbaum and Rubin (The American
    /// Statistician, 1985).
    fn default() -> Self {
        Self { matches: 3, caliper: 0.25, seed: 0 }
    }
}

/// What became of those selected beside those matched to them.
#[derive(Clone, Debug, PartialEq)]
pub struct BeforeAfter<const M: usize> {
    /// Who was matched and who was left out.
    pub matched: Matched,
    /// How alike the two sides are in each trait.
    pub balance: [Balance; M],
    /// Offences.
    pub offences: Change,
    /// Offences as ratios: how many times the rate of those selected changed, divided by how many times that of the
    /// matched did. Below 1 where it fell more. `None` where a rate is 0, or too often 0 when drawn anew.
    pub offence_ratio: Option<Interval>,
    /// Days of harm.
    pub harm: Change,
    /// Pounds.
    pub cost: Change,
}

/// Matches, compares and judges.
pub fn compare<const M: usize>(units: &[Unit<M>], design: &Design) -> BeforeAfter<M> {
    let matching = matching::matching(units, design);
    let balance = balance::balance(units, &matching);
    let sets = Sets::new(units, &matching.sets);
    let samples = sets.drawn_anew(design.seed);
    let shared = verdict::shared(&matching.told, &balance);
    let change = |of: fn(&Period) -> f64| difference::change(&sets, &samples, of, &shared);
    BeforeAfter {
        balance,
        offences: change(|period| period.offences),
        offence_ratio: difference::ratio(&sets, &samples, |period| period.offences),
        harm: change(|period| period.harm),
        cost: change(|period| period.cost),
        matched: matching.told,
    }
}
