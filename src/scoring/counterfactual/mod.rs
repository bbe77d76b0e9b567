//! What would have to be otherwise for a person's band to move: the least single
//! change of each kind, found by weighing the person with it made, never read
//! off a formula.
//!
//! It is arithmetic about the method. It advises nobody to do anything, and
//! least of all to grade a report for the sake of a band.

mod allegations;
mod assessments;
mod files;
mod intelligence;
mod search;
#[cfg(test)]
mod tests;
mod time;

use super::case::Case;
use super::{Rules, composite};
use crate::domain::dossier::{Dossier, Filed};
use crate::domain::word::{Band, Family};
use crate::domain::{Date, MilliPoints};
use search::Person;

pub use time::MONTHS;

/// Most records of a kind that are tried, the newest first.
pub const MOST_RECORDS: usize = 100;

/// What is said before anything else.
pub const NOT_ADVICE: &str = "This is arithmetic about the method and advises nobody to do anything. An assessment says what \
                              its author finds, an outcome what a court or prosecutor decides, and a report is graded on \
                              its merits, never in order to move a person.";

/// A kind of change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Whole months pass with nothing new.
    OffenceFreeTime,
    /// An assessment is renewed today, at its level or another.
    AssessmentRenewed,
    /// A report of intelligence is graded otherwise.
    IntelligenceRegraded,
    /// An allegation not yet decided ends without a finding.
    RecordCleared,
    /// An allegation not yet decided ends in a conviction.
    AllegationProved,
    /// An open outstanding file is closed.
    FileClosed,
}

impl Kind {
    /// Every kind, in the order told.
    pub const ALL: [Self; 6] = [
        Self::OffenceFreeTime,
        Self::AssessmentRenewed,
        Self::IntelligenceRegraded,
        Self::RecordCleared,
        Self::AllegationProved,
        Self::FileClosed,
    ];

    /// What its size counts.
    pub const fn unit(self) -> &'static str {
        match self {
            Self::OffenceFreeTime => "months",
            Self::AssessmentRenewed => "levels",
            Self::IntelligenceRegraded => "steps",
            Self::RecordCleared | Self::AllegationProved | Self::FileClosed => "records",
        }
    }

    /// The ways in which such a change is expected to move a band: that none does is told of these alone.
    const fn expected(self) -> &'static [Direction] {
        match self {
            Self::AssessmentRenewed | Self::IntelligenceRegraded => &[Direction::Up, Direction::Down],
            Self::AllegationProved => &[Direction::Up],
            Self::OffenceFreeTime | Self::RecordCleared | Self::FileClosed => &[Direction::Down],
        }
    }
}

/// Which way a band moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Direction {
    /// To a higher band.
    Up,
    /// To a lower one.
    Down,
}

impl Direction {
    const BOTH: [Self; 2] = [Self::Up, Self::Down];

    /// Whether there is a band that way.
    fn leads_on(self, from: Band) -> bool {
        match self {
            Self::Up => from < Band::VeryHigh,
            Self::Down => from > Band::Low,
        }
    }
}

/// A change that moves the band.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// How large it is, in the unit of its kind. 0: an assessment renewed as it is.
    pub size: u32,
    /// Records that would be otherwise; none for time alone.
    pub evidence: Vec<Box<str>>,
    /// The day weighed on.
    pub as_of: Date,
    /// Composite that would follow.
    pub composite: MilliPoints,
    /// Band that would follow, with its floors.
    pub band: Band,
    /// Band that would be shown: an override may hold it.
    pub shown: Band,
    /// All this in sentences.
    pub description: String,
}

/// Why no change of a kind is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unmoved {
    /// Reason in UPPER_SNAKE.
    pub reason: &'static str,
    /// The reason in a sentence.
    pub description: String,
}

/// The least change of one kind in one direction, or why there is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counterfactual {
    /// The kind.
    pub kind: Kind,
    /// Which way.
    pub direction: Direction,
    /// The change, or why none.
    pub answer: Result<Change, Unmoved>,
}

/// What would move the band of a person in one family.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WhatIf {
    /// Composite now.
    pub composite: MilliPoints,
    /// Band now, with its floors and without an override: the one that is to move.
    pub band: Band,
    /// The least change of each kind and direction, those found first: by size, then by kind.
    pub told: Vec<Counterfactual>,
    /// What has to be known to read them, in sentences.
    pub notes: Vec<String>,
}

/// Looks for the least change of each kind. Without `sensitive`, reports under handling code C are not tried, so that
/// nothing is told of what they say.
pub fn what_if(dossier: &Dossier, rules: &Rules, as_of: Date, family: Family, sensitive: bool) -> WhatIf {
    let weighed = composite::weigh(dossier, rules, as_of);
    let now = *weighed.composed(family);
    let person = Person { dossier, rules, as_of, family, now };
    let case = Case::new(dossier, rules, as_of);
    let mut notes = vec![NOT_ADVICE.to_owned()];
    if now.overridden {
        notes.push(format!(
            "An officer's override holds the band shown at {}. What follows is of the band without it, {}: the band \
             shown does not move before the override ends.",
            words(now.effective),
            words(now.floored)
        ));
    }
    if weighed.child {
        notes.push("Under 18: the method is not validated for children, and neither is this.".to_owned());
    }
    let mut told = Vec::new();
    for kind in Kind::ALL {
        let tried = match kind {
            Kind::OffenceFreeTime => time::tried(&person),
            Kind::AssessmentRenewed => assessments::tried(&person),
            Kind::IntelligenceRegraded => intelligence::tried(&person, sensitive),
            Kind::RecordCleared => allegations::cleared(&person, &case),
            Kind::AllegationProved => allegations::proved(&person, &case),
            Kind::FileClosed => files::tried(&person),
        };
        if tried.left_out > 0 {
            notes.push(format!(
                "Of {} the newest {MOST_RECORDS} were tried and {} left out.",
                tried.records, tried.left_out
            ));
        }
        for direction in Direction::BOTH.into_iter().filter(|direction| direction.leads_on(now.floored)) {
            let found = match direction {
                Direction::Up => tried.up.clone(),
                Direction::Down => tried.down.clone(),
            };
            let answer = found.ok_or_else(|| tried.none.clone());
            if answer.is_ok() || kind.expected().contains(&direction) {
                told.push(Counterfactual { kind, direction, answer });
            }
        }
    }
    told.sort_by_key(|it| (it.answer.as_ref().map_or(u32::MAX, |change| change.size), it.kind, it.direction));
    WhatIf { composite: now.point, band: now.floored, told, notes }
}

/// Records other than offences that are of the person's own conduct.
fn own(dossier: &Dossier) -> impl Iterator<Item = &Filed> {
    dossier.others().iter().filter(|filed| super::case::is_own(filed.category))
}

/// A band as it is spoken.
const fn words(band: Band) -> &'static str {
    match band {
        Band::VeryHigh => "VERY HIGH",
        Band::High => "HIGH",
        Band::Medium => "MEDIUM",
        Band::Low => "LOW",
    }
}
