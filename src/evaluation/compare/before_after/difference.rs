//! Difference in differences: how much the rate of those selected changed, less
//! how much that of their matches did. Rates are per year at liberty, so that a
//! year in prison is not a year without offending.

use super::Period;
use super::sets::{Between, Quad, Samples, Sets, Sum};
use super::verdict::{Reason, Verdict, verdict};
use crate::evaluation::compare::interval::Interval;

/// Days of a year, leap years included.
const YEAR: f64 = 365.25;

/// Fewest sets of which the earlier period is known to everybody, for a placebo.
const FEWEST_EARLIER: usize = 20;

/// Rates per year at liberty, before the selection and after.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rates {
    /// Those selected, before. This and the next alone are the naive comparison, which takes a peak that passed for an
    /// effect.
    pub selected_before: f64,
    /// Those selected, after.
    pub selected_after: f64,
    /// Those matched to them, before.
    pub matched_before: f64,
    /// Those matched, after.
    pub matched_after: f64,
}

impl Rates {
    /// From the sums of sets; `None` where a side was not at liberty for a day.
    fn new(sums: &Quad) -> Option<Self> {
        let rate = |sum: Sum| (sum.days > 0.0).then(|| sum.amount / sum.days * YEAR);
        Some(Self {
            selected_before: rate(sums[0])?,
            selected_after: rate(sums[1])?,
            matched_before: rate(sums[2])?,
            matched_after: rate(sums[3])?,
        })
    }

    /// How much the rate of those selected changed, whatever the reason.
    pub fn naive(&self) -> f64 {
        self.selected_after - self.selected_before
    }

    /// How much the rate of those who stood at the same level and were not selected changed.
    pub fn without_selection(&self) -> f64 {
        self.matched_after - self.matched_before
    }

    fn difference(&self) -> f64 {
        self.naive() - self.without_selection()
    }

    fn ratio(&self) -> Option<f64> {
        let ratio = |after: f64, before: f64| (before > 0.0 && after > 0.0).then(|| after / before);
        Some(ratio(self.selected_after, self.selected_before)? / ratio(self.matched_after, self.matched_before)?)
    }
}

/// What became of one measure.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// The rates; `None` where a side was not at liberty for a day.
    pub rates: Option<Rates>,
    /// Difference in differences, per year at liberty: below 0 where those selected fell more.
    pub effect: Option<Interval>,
    /// The same between the two periods before the selection, where nothing should show; `None` where the earlier one
    /// is known for too few. Then a drift apart before the selection has not been ruled out.
    pub placebo: Option<Interval>,
    /// What that amounts to.
    pub verdict: Verdict,
}

/// Rates, effect, placebo and verdict of one measure.
pub(super) fn change(sets: &Sets, samples: &Samples, of: fn(&Period) -> f64, shared: &[Reason]) -> Change {
    let difference = |rates: &Rates| Some(rates.difference());
    let (_, measured, drawn) = sets.summed(samples, Between::Selection, of);
    let effect = interval(&measured, &drawn, difference);
    let (known, earlier, drawn) = sets.summed(samples, Between::Placebo, of);
    let placebo = (known >= FEWEST_EARLIER).then(|| interval(&earlier, &drawn, difference)).flatten();
    Change { rates: Rates::new(&measured), effect, placebo, verdict: verdict(effect, placebo, shared) }
}

/// Ratio of the ratios of the rates.
pub(super) fn ratio(sets: &Sets, samples: &Samples, of: fn(&Period) -> f64) -> Option<Interval> {
    let (_, measured, drawn) = sets.summed(samples, Between::Selection, of);
    interval(&measured, &drawn, Rates::ratio)
}

fn interval(measured: &Quad, drawn: &[Quad], value: impl Fn(&Rates) -> Option<f64>) -> Option<Interval> {
    let of = |sums: &Quad| Rates::new(sums).and_then(|rates| value(&rates));
    let samples: Vec<_> = drawn.iter().map(of).collect();
    Interval::percentile(of(measured), &samples)
}
