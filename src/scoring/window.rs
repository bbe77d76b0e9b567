//! Counting the days on which something was done within a window of the clock:
//! several offences of one day are one date.
//!
//! Where the day of an offence is unknown it may lie anywhere between its
//! report and some time before; a count is then known only to lie between two.

use smallvec::SmallVec;

use super::Case;
use super::harm::Classified;
use crate::domain::Date;
use crate::domain::dossier::OffenceView;

/// Days within a window, each with the record that tells of it, in order.
pub(super) type Dated<'a> = SmallVec<[(Date, &'a str); 8]>;

/// Alleged offences within a window of the clock.
pub(super) struct Window<F> {
    /// Clock days that it reaches back, both ends counted.
    pub days: u32,
    /// Distinct dates needed.
    pub needed: u32,
    /// Which offences count.
    pub which: F,
}

/// Whether a rule holds, given what is unknown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Held {
    /// On the dates known, an unknown date counting as its report.
    pub point: bool,
    /// Whatever the unknown dates are.
    pub low: bool,
    /// For some of the dates possible.
    pub high: bool,
}

impl<F: Fn(&OffenceView<'_>, &Classified) -> bool> Window<F> {
    /// Whether there are dates enough. `most` is a count that the offences cannot exceed: below what is
    /// needed, none is looked at.
    pub fn held(&self, case: &Case<'_>, most: u32) -> Held {
        if most < self.needed {
            return Held::default();
        }
        let dated = self.dated(case);
        let point = distinct(&dated) >= self.needed;
        if case.tally.undated == 0 {
            return Held { point, low: point, high: point };
        }
        // An offence of unknown day may be of any day before its report: of one already counted, of one more, or of
        // one before the window.
        let known = distinct(&self.of(case, |offence| offence.committed));
        let unknown = self.of(case, |offence| offence.committed.is_none().then_some(offence.reported)).len();
        let most = known.saturating_add(u32::try_from(unknown).unwrap_or(u32::MAX));
        Held { point, low: known >= self.needed, high: most >= self.needed }
    }

    /// The dates and the records that tell of them.
    pub fn dated<'a>(&self, case: &Case<'a>) -> Dated<'a> {
        self.of(case, |offence| Some(offence.date()))
    }

    /// The same, each on the day that is asked of it.
    fn of<'a>(&self, case: &Case<'a>, day: impl Fn(&OffenceView<'a>) -> Option<Date>) -> Dated<'a> {
        let mut dated: Dated<'a> = case
            .allegations()
            .filter(|(_, offence, class)| (self.which)(offence, class))
            .filter_map(|(_, offence, _)| Some((case.day(day(&offence)?), offence.id)))
            .filter(|(date, _)| case.clock.within(*date, self.days))
            .collect();
        dated.sort_unstable();
        dated
    }
}

/// Distinct dates.
pub(super) fn distinct(dated: &Dated<'_>) -> u32 {
    let mut count = 0;
    let mut last = None;
    for (date, _) in dated {
        count += u32::from(last != Some(*date));
        last = Some(*date);
    }
    count
}
