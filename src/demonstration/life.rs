//! One invented life as it was lived: offences, stays in custody, files.

use super::crimes::Crime;
use super::plan::File;
use super::thousand::{Lot, Thousand};
use crate::domain::Date;
use crate::pb::{CustodyKind, Outcome, Sex, Victim};

/// Where and when a life is drawn.
#[derive(Clone, Copy, Debug)]
pub(super) struct Setting<'a> {
    pub(super) thousand: &'a Thousand,
    pub(super) lot: &'a Lot,
    /// The person's number in the force, 1 the first.
    pub(super) number: u32,
    pub(super) as_of: Date,
    /// Offences of the repeated kind per thousand drawn: how the volume asked for is met.
    pub(super) volume: u32,
}

/// One offence of a life.
#[derive(Clone, Debug)]
pub(super) struct Case {
    pub(super) crime: &'static Crime,
    pub(super) committed: Date,
    pub(super) reported: Date,
    pub(super) outcome: Outcome,
    pub(super) outcome_date: Option<Date>,
    /// Crime reference. Empty: none was written.
    pub(super) incident: String,
    pub(super) victim: Option<Victim>,
    pub(super) domestic_abuse: bool,
    pub(super) hate_crime: bool,
    pub(super) proactive: bool,
}

/// One stay in custody: `start <= day < ended`.
#[derive(Clone, Debug)]
pub(super) struct Stay {
    pub(super) kind: CustodyKind,
    pub(super) cases: Vec<usize>,
    pub(super) start: Date,
    pub(super) planned: Option<Date>,
    pub(super) ended: Option<Date>,
}

impl Stay {
    pub(super) fn covers(&self, day: Date) -> bool {
        self.start <= day && self.ended.is_none_or(|ended| day < ended)
    }

    pub(super) fn overlaps(&self, start: Date, end: Option<Date>) -> bool {
        end.is_none_or(|end| self.start < end) && self.ended.is_none_or(|ended| start < ended)
    }
}

/// One life.
#[derive(Clone, Debug)]
pub(super) struct Life {
    pub(super) born: Date,
    pub(super) sex: Sex,
    /// Last day on which courts and officers dealt with the person as usual.
    pub(super) horizon: Date,
    pub(super) cases: Vec<Case>,
    pub(super) stays: Vec<Stay>,
    /// Files on why the person is or was outstanding, their names places among `cases`.
    pub(super) files: Vec<File>,
    /// The day an order was made that the first file says was breached.
    pub(super) order_made: Option<Date>,
}

impl Life {
    /// Completed years on a day.
    pub(super) fn age(&self, on: Date) -> i32 {
        self.born.completed_years(on)
    }

    /// The stay that covers a day.
    pub(super) fn in_custody(&self, on: Date) -> Option<&Stay> {
        self.stays.iter().find(|stay| stay.covers(on))
    }

    /// Whether the person is being looked for.
    pub(super) fn is_wanted(&self) -> bool {
        self.files.iter().any(|file| file.periods.last().is_some_and(|period| period.closed.is_none()))
    }

    /// Places of cases that satisfy a rule.
    pub(super) fn places(&self, rule: impl Fn(&Case) -> bool) -> Vec<usize> {
        (0..self.cases.len()).filter(|place| rule(&self.cases[*place])).collect()
    }
}
