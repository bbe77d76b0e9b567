//! How much of each group is told: first by its own numbers, then by what the
//! totals would give away.

use super::{FEWEST, Told};
use crate::evaluation::compare::groups::{Counts, Measure};

/// How much of a group may be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::evaluation::compare) enum Level {
    /// Not even how many people it has.
    Nothing,
    /// People and selected.
    Selection,
    /// Also what came of it.
    Everything,
}

impl Level {
    /// The number of people.
    pub fn people<T>(self, number: impl FnOnce() -> T) -> Told<T> {
        self.told(Self::Selection, number)
    }

    /// A rate, which is worked out only if it may be told.
    pub fn rate<T>(self, measure: Measure, number: impl FnOnce() -> T) -> Told<T> {
        let needed = match measure {
            Measure::Selected => Self::Selection,
            Measure::FalsePositive | Measure::FalseNegative | Measure::PredictiveValue => Self::Everything,
        };
        self.told(needed, number)
    }

    /// A number about outcomes.
    pub fn outcomes<T>(self, number: impl FnOnce() -> T) -> Told<T> {
        self.told(Self::Everything, number)
    }

    fn told<T>(self, needed: Self, number: impl FnOnce() -> T) -> Told<T> {
        if self >= needed { Told::Number(number()) } else { Told::Suppressed }
    }

    /// By a group's own numbers.
    fn alone(counts: &Counts, fewest: u32) -> Self {
        if !selection_told(counts, fewest) {
            Self::Nothing
        } else if outcomes_told(counts, fewest) {
            Self::Everything
        } else {
            Self::Selection
        }
    }
}

/// Whether there are enough people on either side of the selection, and so in all.
fn selection_told(counts: &Counts, fewest: u32) -> bool {
    counts.selected() >= fewest && counts.not_selected() >= fewest
}

/// Whether there are enough with and without the outcome.
fn outcomes_told(counts: &Counts, fewest: u32) -> bool {
    counts.with_outcome() >= fewest && counts.without_outcome() >= fewest
}

/// How much of everybody together may be told. What is withheld from groups is made safe by what is withheld from other
/// groups, never by withholding a total, which stands in other places too.
pub(in crate::evaluation::compare) fn level_of_all(all: &Counts) -> Level {
    Level::alone(all, FEWEST)
}

/// How much of each group may be told, in the order given.
pub(in crate::evaluation::compare) fn levels(groups: &[Counts]) -> Vec<Level> {
    levels_from(groups, FEWEST)
}

/// The same with another number of fewest people.
pub(super) fn levels_from(groups: &[Counts], fewest: u32) -> Vec<Level> {
    let mut levels: Vec<Level> = groups.iter().map(|counts| Level::alone(counts, fewest)).collect();
    hide_more(groups, &mut levels, Level::Nothing, |hidden| selection_told(hidden, fewest));
    hide_more(groups, &mut levels, Level::Selection, |hidden| {
        // Were none of the hidden people wrongly selected, say, the total less the told groups would say so of each.
        let each = [hidden.true_positive, hidden.false_positive, hidden.false_negative, hidden.true_negative];
        outcomes_told(hidden, fewest) && each.into_iter().all(|count| count > 0)
    });
    levels
}

/// Unless no group had to be there in the first place, lowers the smallest of those above a level to it, until at least
/// two are there and what follows about them together may be told.
fn hide_more(groups: &[Counts], levels: &mut [Level], to: Level, together: impl Fn(&Counts) -> bool) {
    if levels.iter().all(|level| *level > to) {
        return;
    }
    loop {
        let hidden = || groups.iter().zip(&*levels).filter(|(_, level)| **level <= to).map(|(counts, _)| counts);
        if hidden().count() >= 2 && together(&pooled(hidden())) {
            return;
        }
        let next = (0..groups.len()).filter(|at| levels[*at] > to).min_by_key(|at| (groups[*at].people(), *at));
        let Some(next) = next else { return };
        levels[next] = to;
    }
}

/// Several groups as one.
fn pooled<'a>(groups: impl Iterator<Item = &'a Counts>) -> Counts {
    groups.fold(Counts::default(), |sum, group| {
        Counts::new(
            sum.true_positive + group.true_positive,
            sum.false_positive + group.false_positive,
            sum.false_negative + group.false_negative,
            sum.true_negative + group.true_negative,
        )
    })
}
