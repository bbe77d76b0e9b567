//! How alike those selected and those beside them are in each trait, before
//! matching and after: the difference of the means in pooled standard
//! deviations, which unlike a test of significance does not shrink with the
//! number of people (Austin, Statistics in Medicine, 2009).

use super::Unit;
use super::matching::{Matching, pooled_deviations};

/// Standardised mean differences of one trait, selected less others; infinite where neither side varies and the two are
/// not equal.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Balance {
    /// All selected against all others.
    pub before_matching: f64,
    /// Those with a match against their matches. The spread is that before matching, so that the two can be compared
    /// (Stuart, 2010).
    pub after_matching: f64,
}

/// Of each trait.
pub(super) fn balance<const M: usize>(units: &[Unit<M>], matching: &Matching) -> [Balance; M] {
    let spread = pooled_deviations(units);
    std::array::from_fn(|of| {
        let side =
            |selected: bool| mean(units.iter().filter(|unit| unit.selected == selected).map(|unit| unit.traits[of]));
        let selected = mean(matching.sets.iter().map(|set| units[set.selected].traits[of]));
        let matched = mean(matching.sets.iter().map(|set| mean(set.matches.iter().map(|at| units[*at].traits[of]))));
        Balance {
            before_matching: standardised(side(true) - side(false), spread[of]),
            after_matching: standardised(selected - matched, spread[of]),
        }
    })
}

/// In standard deviations. No difference is none, also where there is no spread.
fn standardised(difference: f64, spread: f64) -> f64 {
    if difference.abs() > 0.0 { difference / spread } else { 0.0 }
}

/// Mean; of nothing, 0.
fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (count, sum) = values.fold((0.0, 0.0), |(count, sum), value| (count + 1.0, sum + value));
    if count > 0.0 { sum / count } else { 0.0 }
}
