//! Suspicions that nobody has touched for a year. One that gives a point or
//! more of the composite may be a case that ended without the record saying so:
//! the interval then reaches to what the person would score without it.
//!
//! What a record gives is its own part of harm; threat and risk rest on several
//! records together. Costs next to nothing for the many who have no such record.

use super::Whole;
use super::whole::UNIT;
use crate::domain::word::Family;
use crate::scoring::{Silent, harm};

/// Stale suspicions that matter, by family, and the person without them.
pub(in crate::scoring) struct Doubts<'a> {
    cohort: Vec<usize>,
    outstanding: Vec<usize>,
    /// Without those of the cohort family.
    without_cohort: Option<Whole<'a>>,
    /// Without those of the outstanding family, where they are others.
    without_outstanding: Option<Whole<'a>>,
}

impl<'a> Doubts<'a> {
    /// Finds the stale suspicions of a person that matter.
    pub fn of(whole: &Whole<'a>) -> Self {
        let (at_cohort, at_outstanding) = (least(whole, Family::Cohort), least(whole, Family::Outstanding));
        let cohort = places(whole, at_cohort);
        let outstanding =
            if at_outstanding.total_cmp(&at_cohort).is_eq() { cohort.clone() } else { places(whole, at_outstanding) };
        let without =
            |places: &[usize]| (!places.is_empty()).then(|| Whole::of(whole.case.without(places), &mut Silent));
        Self {
            without_cohort: without(&cohort),
            without_outstanding: if outstanding == cohort { None } else { without(&outstanding) },
            cohort,
            outstanding,
        }
    }

    /// The person without the records that matter in a family; `None` where none does.
    pub fn absence(&self, family: Family) -> Option<&Whole<'a>> {
        match family {
            Family::Cohort => self.without_cohort.as_ref(),
            Family::Outstanding if self.outstanding == self.cohort => self.without_cohort.as_ref(),
            Family::Outstanding => self.without_outstanding.as_ref(),
        }
    }

    /// Places of the records that matter in a family.
    pub fn places(&self, family: Family) -> &[usize] {
        match family {
            Family::Cohort => &self.cohort,
            Family::Outstanding => &self.outstanding,
        }
    }
}

/// Milli-points of H that come to the policy's line in a family's composite. Infinite where harm has no weight.
#[expect(clippy::cast_precision_loss, reason = "at most a million")]
fn least(whole: &Whole<'_>, family: Family) -> f64 {
    let [_, _, scale] = whole.scale(family);
    f64::from(whole.case.rules.policy.quality.stale_suspect_milli) * UNIT as f64 / scale as f64
}

/// Places of the stale suspicions that give at least so much of H.
fn places(whole: &Whole<'_>, least: f64) -> Vec<usize> {
    harm::stale(&whole.case, least).into_vec()
}
