//! Writes records about one person as source systems would: an id, a system, and the time of
//! writing, which is never before anything that the record tells.

use super::dice::Dice;
use super::life::Setting;
use crate::domain::moment::{DAY, HOUR};
use crate::domain::{Date, Moment};
use crate::pb::{Basis, PersonCategory, Record, record::Kind};

/// A source system of the demonstration force.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum System {
    Crime,
    Custody,
    Intelligence,
    Pnc,
    Probation,
    Management,
}

impl System {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Crime => "demo-crime",
            Self::Custody => "demo-custody",
            Self::Intelligence => "demo-intel",
            Self::Pnc => "demo-pnc",
            Self::Probation => "demo-probation",
            Self::Management => "demo-iom",
        }
    }
}

/// What one record says of itself.
#[derive(Clone, Copy, Debug)]
pub(super) struct Heading {
    pub(super) system: System,
    pub(super) basis: Basis,
    pub(super) category: PersonCategory,
    /// The day that the record tells of. `None`: not known.
    pub(super) event: Option<Date>,
    /// The latest day of any fact in it; planned days and expiries do not count.
    pub(super) latest: Date,
}

impl Heading {
    /// A fact of one day.
    pub(super) const fn fact(system: System, event: Date) -> Self {
        Self { system, basis: Basis::Fact, category: PersonCategory::Unspecified, event: Some(event), latest: event }
    }

    /// A fact of one day, of which something later is told too.
    pub(super) fn until(mut self, latest: Option<Date>) -> Self {
        self.latest = latest.map_or(self.latest, |latest| latest.max(self.latest));
        self
    }

    /// Known in another way than as a fact.
    pub(super) const fn known_by(mut self, basis: Basis) -> Self {
        self.basis = basis;
        self
    }

    /// The person as something else than a suspect.
    pub(super) const fn of(mut self, category: PersonCategory) -> Self {
        self.category = category;
        self
    }
}

/// Writes the records of one person.
#[derive(Debug)]
pub(super) struct Pen {
    number: u32,
    subject_ref: String,
    as_of: Date,
    records: Vec<Record>,
}

impl Pen {
    pub(super) fn new(setting: Setting<'_>) -> Self {
        let number = setting.number;
        Self { number, subject_ref: subject_ref(number), as_of: setting.as_of, records: Vec::with_capacity(16) }
    }

    /// Writes one record. Its id.
    pub(super) fn write(&mut self, heading: Heading, kind: Kind, dice: &mut Dice) -> String {
        let Heading { system, basis, category, event, latest } = heading;
        debug_assert!(latest <= self.as_of, "no fact may lie after the day the force is drawn for");
        let nth = self.records.len();
        let id = format!("{}-{:06}-{nth:03}", system.name(), self.number);
        let day = (latest + dice.sooner(0, 3)).min(self.as_of);
        // Working hours in London the year round, so that the day in London is the day in UTC.
        let second = dice.between(9 * 3600, 16 * 3600);
        self.records.push(Record {
            id: id.clone(),
            subject_ref: self.subject_ref.clone(),
            source_system: system.name().to_owned(),
            basis: basis.into(),
            category: category.into(),
            event_date: written(event),
            recorded_time: Some(pbjson_types::Timestamp {
                seconds: i64::from(day.days()) * 86_400 + i64::from(second),
                nanos: 0,
            }),
            kind: Some(kind),
        });
        id
    }

    /// Writes what was done at a moment: after it, in working hours. Its id.
    pub(super) fn write_at(&mut self, system: System, moment: Moment, kind: Kind, dice: &mut Dice) -> String {
        let id = self.write(Heading::fact(system, moment.day()), kind, dice);
        if let Some(record) = self.records.last_mut() {
            record_after(record, moment);
        }
        id
    }

    /// Everything written so far, in order.
    pub(super) fn so_far(&self) -> &[Record] {
        &self.records
    }

    /// A record written before, to be brought up to date.
    pub(super) fn again(&mut self, id: &str) -> Option<&mut Record> {
        self.records.iter_mut().find(|record| record.id == id)
    }

    /// Everything written, in order.
    pub(super) fn finish(self) -> Vec<Record> {
        self.records
    }
}

/// Puts off the time of writing to the first working hour after a moment, where it is not after it already.
pub(super) fn record_after(record: &mut Record, moment: Moment) {
    let (day, second) = (moment.0.div_euclid(DAY), moment.0.rem_euclid(DAY));
    let after = match second / HOUR {
        0..9 => day * DAY + 9 * HOUR,
        9..21 => moment.0 + 300,
        _ => (day + 1) * DAY + 9 * HOUR,
    };
    if let Some(recorded) = &mut record.recorded_time {
        recorded.seconds = recorded.seconds.max(after);
    }
}

/// A moment as the contract writes it.
pub(super) fn stamp(moment: Moment) -> pbjson_types::Timestamp {
    pbjson_types::Timestamp { seconds: moment.0, nanos: 0 }
}

/// The reference of the person of a number, 1 the first.
pub(super) fn subject_ref(number: u32) -> String {
    format!("DEMO-{number:06}")
}

/// A date as the contract writes it; empty where there is none.
pub(super) fn written(date: Option<Date>) -> String {
    date.map(|date| date.to_string()).unwrap_or_default()
}
