//! Suspicions that nobody has touched for a year. One that gives a point or
//! more of the composite may be a case that ended without the record saying so:
//! the interval then reaches to what the person would score without it.
//!
//! What a record gives is its own leaf of harm; threat and risk rest on several
//! records together. Costs nothing for the many who have no such record.

use super::{Whole, part};
use crate::domain::word::Family;
use crate::scoring::floors::End;
use crate::scoring::{Case, Heard, Silent, harm};

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
        let mut doubts =
            Self { cohort: Vec::new(), outstanding: Vec::new(), without_cohort: None, without_outstanding: None };
        if whole.case.tally.stale == 0 {
            return doubts;
        }
        let shares = shares(&whole.case);
        doubts.cohort = weighty(whole, &shares, Family::Cohort);
        doubts.outstanding = weighty(whole, &shares, Family::Outstanding);
        let without =
            |places: &[usize]| (!places.is_empty()).then(|| Whole::of(whole.case.without(places), &mut Silent));
        doubts.without_cohort = without(&doubts.cohort);
        if doubts.outstanding != doubts.cohort {
            doubts.without_outstanding = without(&doubts.outstanding);
        }
        doubts
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

/// Each stale suspicion with its share of H, 0 to 1.
fn shares(case: &Case<'_>) -> Vec<(usize, f64)> {
    let mut heard = Heard::default();
    harm::weigh(case, &mut heard);
    let all: f64 = heard.leaves.iter().map(|leaf| leaf.share).sum();
    let own = |id: &str| -> f64 {
        let names = |evidence: &[Box<str>]| evidence.iter().any(|named| **named == *id);
        heard.leaves.iter().filter(|leaf| names(&leaf.evidence)).map(|leaf| leaf.share).sum()
    };
    case.allegations()
        .filter(|(_, offence, _)| case.is_stale(offence))
        .map(|(place, offence, _)| (place, if all > 0.0 { own(offence.id) / all } else { 0.0 }))
        .collect()
}

/// Places of those that give at least as much of a family's composite as policy says.
fn weighty(whole: &Whole<'_>, shares: &[(usize, f64)], family: Family) -> Vec<usize> {
    let [_, _, scale] = whole.scale(family);
    let [_, _, harm] = whole.parts.at(End::Point);
    let least = f64::from(whole.case.rules.policy.quality.stale_suspect_milli);
    shares.iter().filter(|(_, share)| part(scale, harm) * share >= least).map(|(place, _)| *place).collect()
}
