//! A rate of one group beside that of another. Intervals come from drawing the
//! people of each group anew, with replacement and as many as there are.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use super::{Counts, Measure};
use crate::evaluation::compare::interval::{Interval, SAMPLES};
use crate::evaluation::compare::resample::binomial;

/// A rate of a group beside the same rate of the reference group.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Against {
    /// Its rate divided by the reference's; `None` where that is 0, or too often 0 when drawn anew.
    pub ratio: Option<Interval>,
    /// Its rate less the reference's.
    pub difference: Option<Interval>,
    /// What that amounts to.
    pub verdict: Verdict,
}

/// Whether two rates differ by more than chance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The interval of the difference excludes 0.
    Differs,
    /// It spans 0, or there is none. This is not evidence that the rates are equal.
    Inconclusive,
}

/// A group as counted, and as counted when its people are drawn anew.
pub(super) struct Redrawn {
    counts: Counts,
    samples: Vec<Counts>,
}

impl Redrawn {
    /// Each group has a stream of its own, so that no group changes with the others.
    pub fn new(counts: &Counts, seed: u64, stream: u64) -> Self {
        let mut dice = ChaCha8Rng::seed_from_u64(seed);
        dice.set_stream(stream);
        let draw = |dice: &mut ChaCha8Rng| {
            let selected = binomial(dice, counts.people(), counts.selected(), counts.people());
            let positive = binomial(dice, selected, counts.true_positive, counts.selected());
            let passed_over = counts.people() - selected;
            let negative = binomial(dice, passed_over, counts.false_negative, counts.not_selected());
            Counts::new(positive, selected - positive, negative, passed_over - negative)
        };
        Self { counts: *counts, samples: (0..SAMPLES).map(|_| draw(&mut dice)).collect() }
    }

    /// Whether none or all of those asked about have it: then every sample agrees, however few they are.
    fn uniform(&self, measure: Measure) -> bool {
        self.counts.share(measure).is_none_or(|share| share.count == 0 || share.count == share.of)
    }
}

impl Against {
    /// One rate of a group beside the reference's.
    pub(super) fn new(measure: Measure, group: &Redrawn, reference: &Redrawn) -> Self {
        let difference = compared(measure, group, reference, |rate, other| Some(rate - other));
        let ratio = compared(measure, group, reference, |rate, other| (other > 0.0).then(|| rate / other));
        // Drawn anew, a group in which nobody has it never shows anybody who has, and would seem certain. The exact
        // interval knows better.
        let apart = if group.uniform(measure) || reference.uniform(measure) {
            match (group.counts.share(measure), reference.counts.share(measure)) {
                (Some(share), Some(other)) => share.high < other.low || other.high < share.low,
                (None | Some(_), None) | (None, Some(_)) => false,
            }
        } else {
            true
        };
        let excludes = difference.is_some_and(|difference| !difference.spans(0.0));
        let verdict = if excludes && apart { Verdict::Differs } else { Verdict::Inconclusive };
        Self { ratio, difference, verdict }
    }
}

/// What becomes of two rates, as counted and in every sample.
fn compared(
    measure: Measure,
    group: &Redrawn,
    reference: &Redrawn,
    combine: impl Fn(f64, f64) -> Option<f64>,
) -> Option<Interval> {
    let of = |group: &Counts, reference: &Counts| combine(group.rate(measure)?, reference.rate(measure)?);
    let samples: Vec<_> = group.samples.iter().zip(&reference.samples).map(|(a, b)| of(a, b)).collect();
    Interval::percentile(of(&group.counts, &reference.counts), &samples)
}
