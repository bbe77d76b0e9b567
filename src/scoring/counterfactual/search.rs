//! The search: changes from the smallest to the largest, each weighed, until the
//! band has moved every way that it can. Risk is not monotone in anything, so
//! nothing is skipped.

use super::{Change, Direction, MOST_RECORDS, Unmoved, words};
use crate::domain::Date;
use crate::domain::dossier::Dossier;
use crate::domain::word::Family;
use crate::scoring::Rules;
use crate::scoring::composite::{self, Composed};

/// Somebody whose band is to move.
pub(super) struct Person<'a> {
    pub dossier: &'a Dossier,
    pub rules: &'a Rules,
    pub as_of: Date,
    pub family: Family,
    /// As they stand.
    pub now: Composed,
}

impl Person<'_> {
    pub(super) fn weigh(&self, dossier: &Dossier, as_of: Date) -> Composed {
        *composite::weigh(dossier, self.rules, as_of).composed(self.family)
    }

    /// Which way a band is from the one now. `None`: it is the same.
    pub(super) fn direction(&self, composed: &Composed) -> Option<Direction> {
        match composed.floored.cmp(&self.now.floored) {
            std::cmp::Ordering::Greater => Some(Direction::Up),
            std::cmp::Ordering::Less => Some(Direction::Down),
            std::cmp::Ordering::Equal => None,
        }
    }

    /// What would follow, as sentences after `what`.
    pub(super) fn follows(&self, what: &str, after: &Composed) -> String {
        let mut text = format!(
            "{what}: the band would be {} at {} points; it is {} at {}.",
            words(after.floored),
            after.point,
            words(self.now.floored),
            self.now.point
        );
        if after.overridden && after.effective == self.now.effective {
            text.push_str(" An override would still hold the band shown.");
        }
        text
    }
}

/// A change to be tried.
pub(super) struct Candidate<'a> {
    pub size: u32,
    pub evidence: Vec<Box<str>>,
    /// What is changed, as the beginning of a sentence.
    pub what: String,
    /// The person with it made.
    pub made: Box<dyn Fn() -> Dossier + 'a>,
}

/// What came of trying one kind of change.
pub(super) struct Tried {
    pub up: Option<Change>,
    pub down: Option<Change>,
    /// Why there is none, where there is none.
    pub none: Unmoved,
    /// What was tried, in words.
    pub records: &'static str,
    /// Records that were not.
    pub left_out: usize,
}

impl Tried {
    /// There is nothing that could be changed.
    pub(super) fn nothing(description: &str) -> Self {
        let none = Unmoved { reason: "NOTHING_HELD", description: description.to_owned() };
        Self { up: None, down: None, none, records: "", left_out: 0 }
    }
}

/// The newest records, and how many are left out.
pub(super) fn newest<T>(mut records: Vec<T>, date: impl Fn(&T) -> Date) -> (Vec<T>, usize) {
    records.sort_by_key(|record| std::cmp::Reverse(date(record)));
    let left_out = records.len().saturating_sub(MOST_RECORDS);
    records.truncate(MOST_RECORDS);
    (records, left_out)
}

/// Tries changes, which need be in no order.
pub(super) fn search(person: &Person<'_>, mut candidates: Vec<Candidate<'_>>) -> (Option<Change>, Option<Change>) {
    // Of the same size the first record id is told, so that the same question has the same answer.
    candidates.sort_by(|a, b| a.size.cmp(&b.size).then_with(|| a.evidence.cmp(&b.evidence)));
    let (mut up, mut down) = (None, None);
    for Candidate { size, evidence, what, made } in candidates {
        let done =
            |direction: Direction, found: &Option<Change>| found.is_some() || !direction.leads_on(person.now.floored);
        if done(Direction::Up, &up) && done(Direction::Down, &down) {
            break;
        }
        let after = person.weigh(&made(), person.as_of);
        let slot = match person.direction(&after) {
            Some(Direction::Up) => &mut up,
            Some(Direction::Down) => &mut down,
            None => continue,
        };
        if slot.is_none() {
            *slot = Some(Change {
                size,
                evidence,
                as_of: person.as_of,
                composite: after.point,
                band: after.floored,
                shown: after.effective,
                description: person.follows(&what, &after),
            });
        }
    }
    (up, down)
}
