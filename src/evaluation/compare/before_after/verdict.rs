//! What a comparison amounts to. Anything that casts doubt makes it
//! inconclusive, and is named; a fall is claimed only where nothing does.

use super::{Balance, Matched};
use crate::evaluation::compare::interval::Interval;

/// Fewest people selected, with a match, from whom anything is concluded.
const FEWEST_MATCHED: u32 = 20;

/// Largest standardised mean difference that passes for balance (Stuart, Statistical Science, 2010, after Rubin, Health
/// Services and Outcomes Research Methodology, 2001).
const MOST_APART: f64 = 0.25;

/// Whether offending changed more than among people alike.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It fell more, or rose less.
    Fell,
    /// It rose more, or fell less.
    Rose,
    /// It cannot be said, for at least one reason.
    Inconclusive(Vec<Reason>),
}

/// Why nothing is concluded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    /// The interval of the difference spans 0, or there is none.
    IntervalSpansZero,
    /// Fewer than twenty people selected had a match.
    TooFewMatched,
    /// After matching, some trait still differs by more than a quarter of a standard deviation.
    PoorBalance,
    /// The two sides already moved apart before the selection.
    NotParallelBefore,
}

impl Reason {
    /// As it is written where it is told.
    pub fn code(self) -> &'static str {
        match self {
            Self::IntervalSpansZero => "INTERVAL_SPANS_ZERO",
            Self::TooFewMatched => "TOO_FEW_MATCHED",
            Self::PoorBalance => "POOR_BALANCE",
            Self::NotParallelBefore => "NOT_PARALLEL_BEFORE",
        }
    }
}

/// Reasons that hold whatever is measured.
pub(super) fn shared(matched: &Matched, balance: &[Balance]) -> Vec<Reason> {
    let few = matched.with_match < FEWEST_MATCHED;
    // Written so that a difference that is no number counts as poor.
    let balanced = balance.iter().all(|of| of.after_matching.abs() <= MOST_APART);
    let mut reasons = Vec::new();
    reasons.extend(few.then_some(Reason::TooFewMatched));
    reasons.extend((!balanced).then_some(Reason::PoorBalance));
    reasons
}

/// The verdict on one measure.
pub(super) fn verdict(effect: Option<Interval>, placebo: Option<Interval>, shared: &[Reason]) -> Verdict {
    let mut reasons = Vec::new();
    let clear = effect.filter(|effect| !effect.spans(0.0));
    reasons.extend(clear.is_none().then_some(Reason::IntervalSpansZero));
    reasons.extend(shared);
    reasons.extend(placebo.is_some_and(|placebo| !placebo.spans(0.0)).then_some(Reason::NotParallelBefore));
    match clear {
        Some(effect) if reasons.is_empty() => {
            if effect.value < 0.0 {
                Verdict::Fell
            } else {
                Verdict::Rose
            }
        }
        Some(_) | None => Verdict::Inconclusive(reasons),
    }
}
