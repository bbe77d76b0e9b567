//! Counts of a list within a filter. Nothing is kept: a summary always agrees
//! with the pages of its snapshot.

use std::ops::ControlFlow;
use std::sync::Arc;

use super::filter::{Filter, Sieve};
use super::key::band_place;
use super::row::Row;
use super::sight::Sight;
use super::snapshot::{Standings, subjects};
use crate::domain::Date;
use crate::domain::word::{Band, Family, List, OutstandingReason};

/// Last day of each age of case but the oldest, which has none.
pub const CASE_AGES: [u32; 4] = [7, 28, 90, 365];

/// Counts of a list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// People on the list within the filter.
    pub size: u32,
    /// By effective band, from LOW; see [`Summary::in_band`].
    by_band: [u32; 4],
    /// By area, in alphabetical order; who is of two areas counts in both.
    pub by_area: Vec<(Arc<str>, u32)>,
    /// By reason of open files, where there are any; who has two reasons counts in both.
    pub by_reason: Vec<(OutstandingReason, u32)>,
    /// By days in the longest open period: 0-7, 8-28, 29-90, 91-365, over 365.
    pub by_case_age: [u32; 5],
    /// By composite in steps of five points: from 0 to under 5, up to 95 and over.
    pub distribution: [u32; 20],
    /// Provisional standings.
    pub provisional: u32,
    /// Standings with an override in effect.
    pub overridden: u32,
}

impl Summary {
    /// How many stand in a band.
    pub const fn in_band(&self, band: Band) -> u32 {
        self.by_band[band as usize]
    }
}

impl Standings {
    /// How many stand on a list by effective band, from LOW. The list is in order of bands: nobody is looked at one by one.
    pub fn in_bands(&self, list: List) -> [(Band, usize); Band::ALL.len()] {
        let tree = self.tree(list);
        // Places count from the highest band.
        let until = |place: u8| tree.count_before(|key| key.band_place() <= place);
        [Band::Low, Band::Medium, Band::High, Band::VeryHigh].map(|band| {
            let place = band_place(band);
            (band, until(place) - place.checked_sub(1).map_or(0, until))
        })
    }

    /// Counts those on a list who are in sight and match a filter. Areas out of sight are not named.
    pub fn summary(&self, list: List, filter: &Filter, sight: &Sight) -> Summary {
        let mut tally = Tally::new(list.family(), self.as_of());
        let narrow = !filter.areas.is_empty() || !filter.offender_managers.is_empty() || sight.areas().is_some();
        if narrow || self.size(list) < self.subjects() / 8 {
            self.scan(list, filter, sight, None, |key, _| {
                tally.count(self.row(key.subject()).expect("a key must be of a subject held"));
                ControlFlow::Continue(())
            });
        } else {
            // Most people are on the list: rows are read as they lie, not in the list's order.
            let sieve = Sieve::new(filter, list.family(), self.as_of());
            for (_, slot) in subjects(&self.slots) {
                let band = band_place(slot.row.composed(list.family()).effective);
                let on_list = slot.row.lists.holds(list) && sight.sees(&slot.row);
                if on_list && sieve.wants_band(band) && sieve.passes(&slot.row) {
                    tally.count(&slot.row);
                }
            }
        }
        tally.finish(self, sight)
    }
}

struct Tally {
    family: Family,
    as_of: Date,
    summary: Summary,
    areas: Vec<(super::names::AreaId, u32)>,
    reasons: [u32; OutstandingReason::ALL.len()],
}

impl Tally {
    fn new(family: Family, as_of: Date) -> Self {
        Self {
            family,
            as_of,
            summary: Summary::default(),
            areas: Vec::new(),
            reasons: [0; OutstandingReason::ALL.len()],
        }
    }

    fn count(&mut self, row: &Row) {
        let composed = row.composed(self.family);
        let summary = &mut self.summary;
        summary.size += 1;
        summary.by_band[composed.effective as usize] += 1;
        summary.distribution[(composed.point.get() / 5_000).min(19) as usize] += 1;
        summary.provisional += u32::from(composed.provisional);
        summary.overridden += u32::from(composed.overridden);
        if let Some(days) = row.days_outstanding(self.as_of) {
            summary.by_case_age[CASE_AGES.partition_point(|last| *last < days)] += 1;
        }
        row.reasons().for_each(|reason| self.reasons[reason as usize] += 1);
        for area in row.areas.as_slice() {
            match self.areas.binary_search_by_key(area, |(area, _)| *area) {
                Ok(place) => self.areas[place].1 += 1,
                Err(place) => self.areas.insert(place, (*area, 1)),
            }
        }
    }

    fn finish(self, standings: &Standings, sight: &Sight) -> Summary {
        let mut summary = self.summary;
        let named = self.areas.into_iter().filter(|(area, _)| sight.names(*area));
        summary.by_area = named.map(|(area, count)| (standings.names.area_name(area), count)).collect();
        summary.by_area.sort_unstable();
        summary.by_reason = OutstandingReason::ALL
            .iter()
            .map(|reason| (*reason, self.reasons[*reason as usize]))
            .filter(|(_, count)| *count > 0)
            .collect();
        summary
    }
}
