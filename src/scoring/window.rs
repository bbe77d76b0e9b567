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
        let point = distinct(&self.dated(case)) >= self.needed;
        let earlier = if case.tally.undated == 0 {
            point
        } else {
            distinct(&self.at(case, case.rules.policy.quality.unknown_date_days)) >= self.needed
        };
        Held { point, low: point && earlier, high: point || earlier }
    }

    /// The dates and the records that tell of them.
    pub fn dated<'a>(&self, case: &Case<'a>) -> Dated<'a> {
        self.at(case, 0)
    }

    /// The same with every unknown date `shift` calendar days before its report.
    fn at<'a>(&self, case: &Case<'a>, shift: i32) -> Dated<'a> {
        let mut dated: Dated<'a> = case
            .allegations()
            .filter(|(_, offence, class)| (self.which)(offence, class))
            .map(|(_, offence, _)| (case.day(offence.committed.unwrap_or(offence.reported - shift)), offence.id))
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
