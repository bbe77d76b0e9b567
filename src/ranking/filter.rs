//! What a reader may narrow a list by. Fields combine with "and", values within
//! a field with "or"; an empty field narrows nothing. A filter never changes a
//! rank or a position: those are of the whole list.

use std::ops::RangeInclusive;

use super::facets::{Facet, Facets};
use super::key::band_place;
use super::row::Row;
use crate::domain::Date;
use crate::domain::word::{Band, Circulation, CohortStatus, CustodyState, Family, OffenceGroup, OutstandingReason};

/// Narrows a list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Areas, by name.
    pub areas: Vec<String>,
    /// Effective bands.
    pub bands: Vec<Band>,
    /// Offender managers' references.
    pub offender_managers: Vec<String>,
    /// Cohort statuses.
    pub cohort_statuses: Vec<CohortStatus>,
    /// Reasons of open files.
    pub reasons: Vec<OutstandingReason>,
    /// Circulation of open files.
    pub circulation_states: Vec<Circulation>,
    /// Groups of own offences with proof above 0.
    pub offence_groups: Vec<OffenceGroup>,
    /// Custody on the day.
    pub custody: Option<CustodyState>,
    /// Whole days in the longest open period, at least; 0: any, outstanding or not.
    pub min_days_outstanding: u32,
    /// Only standings that are provisional in the list's family.
    pub provisional_only: bool,
    /// Only standings with an override in effect in the list's family.
    pub overridden_only: bool,
}

/// The part of a filter that is asked of each person, made ready.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sieve {
    /// A person must meet each of the first `masks_used`.
    masks: [Facets; 8],
    masks_used: usize,
    /// Latest day on which the longest open period may have begun.
    opened_by: Option<Date>,
    /// Bit by place of the band in the order.
    bands: u8,
}

impl Sieve {
    pub(super) fn new(filter: &Filter, family: Family, as_of: Date) -> Self {
        let mut sieve = Self { masks: [Facets::NONE; 8], masks_used: 0, opened_by: None, bands: 0b1111 };
        sieve.one_of(&filter.cohort_statuses);
        sieve.one_of(&filter.reasons);
        sieve.one_of(&filter.circulation_states);
        sieve.one_of(&filter.offence_groups);
        sieve.one_of(filter.custody.as_slice());
        if filter.provisional_only {
            sieve.meet(Facets::provisional(family));
        }
        if filter.overridden_only {
            sieve.meet(Facets::overridden(family));
        }
        if filter.min_days_outstanding > 0 {
            // Every open file has a reason, so parts of a list without one are passed over.
            sieve.one_of(OutstandingReason::ALL);
            let days = i32::try_from(filter.min_days_outstanding).unwrap_or(i32::MAX);
            sieve.opened_by = Some(as_of - days);
        }
        if !filter.bands.is_empty() {
            sieve.bands = filter.bands.iter().fold(0, |bits, band| bits | 1 << band_place(*band));
        }
        sieve
    }

    fn one_of<W: Facet>(&mut self, words: &[W]) {
        if !words.is_empty() {
            self.meet(Facets::of(words));
        }
    }

    fn meet(&mut self, mask: Facets) {
        self.masks[self.masks_used] = mask;
        self.masks_used += 1;
    }

    /// Whether people must be looked at one by one.
    pub(super) const fn asks(&self) -> bool {
        self.masks_used > 0
    }

    /// Whether people with these facets together may hold one who matches.
    pub(super) fn may(&self, facets: Facets) -> bool {
        self.masks[..self.masks_used].iter().all(|mask| facets.meets(*mask))
    }

    /// Whether a person matches, apart from band, area and officer.
    pub(super) fn passes(&self, row: &Row) -> bool {
        self.may(row.facets)
            && self.opened_by.is_none_or(|latest| row.outstanding_since().is_some_and(|since| since <= latest))
    }

    /// Whether the band at a place of the order is wanted.
    pub(super) const fn wants_band(&self, place: u8) -> bool {
        self.bands & 1 << place != 0
    }

    /// Runs of wanted bands, best first, as places in the order.
    pub(super) fn band_runs(&self) -> impl Iterator<Item = RangeInclusive<u8>> {
        let sieve = *self;
        let starts =
            (0..4).filter(move |place| sieve.wants_band(*place) && (*place == 0 || !sieve.wants_band(place - 1)));
        starts.map(move |start| start..=(start..4).take_while(|place| sieve.wants_band(*place)).last().unwrap_or(start))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bands_become_runs_of_the_order() {
        let runs = |bands: &[Band]| {
            let filter = Filter { bands: bands.to_vec(), ..Filter::default() };
            let sieve = Sieve::new(&filter, Family::Cohort, Date::from_days(0));
            sieve.band_runs().collect::<Vec<_>>()
        };
        assert_eq!(runs(&[]), [0..=3]);
        assert_eq!(runs(&[Band::Low, Band::VeryHigh]), [0..=0, 3..=3]);
        assert_eq!(runs(&[Band::High, Band::Medium]), [1..=2]);
        assert_eq!(runs(&[Band::VeryHigh, Band::Medium, Band::High]), [0..=2]);
    }
}
