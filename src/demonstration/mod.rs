//! A demonstration force: invented people with believable records, so that Steelyard can be seen,
//! tried and measured without one real person in it.
//!
//! Everything is plainly marked: subjects are `DEMO-000001` and so on, systems `demo-crime`,
//! `demo-pnc` and the like, areas belong to no place, and nobody has a name. It never reads a
//! clock, a file or the machine's own randomness: the same number of people, seed and date give
//! the same bytes everywhere, and the person of a number has the same records however many
//! people follow.
//!
//! Its figures are *shaped after* what is widely published about offending in England and Wales,
//! and are not measurements of it. Offending is concentrated: some six or seven people in a
//! hundred make most of the offences here, and most people are known for one matter. It rises
//! through the teens, peaks in early adulthood and falls with age, later for fraud, domestic and
//! sexual offences than for vehicle theft or robbery. About four suspects in five are men.
//! Violence and theft make up the larger part of recorded crime. Most reports of violence between
//! partners and of sexual offences end without a charge, above all for evidential difficulty;
//! courts take months. A minority of victims are harmed again within the year, some by others.
//! Every weight is this project's own round number. Nothing may be read off a demonstration force
//! as a fact about any real one, and no result on it says how well the method predicts.
//!
//! - `dice`: chance, the same on every machine
//! - `crimes`, `career`, `mixes`, `outcome`: what is done, by whom, and what comes of it
//! - `thousand`: what a thousand people share: incidents, victims, rare things
//! - `plan`, `living`, `victims`, `life`: one person's dates, and whom they harm
//! - `pen`, `papers`, `signals`, `assessed`: the records that tell of them
//! - `supervised`, `circulated`, `terms`, `searched`, `reviewed`: how well their files are looked after, and the
//!   records of that
//! - `ndjson`: the records as lines

mod assessed;
mod career;
mod circulated;
mod crimes;
mod dice;
mod life;
mod living;
mod mixes;
mod ndjson;
mod outcome;
mod papers;
mod pen;
mod plan;
mod reviewed;
mod searched;
mod signals;
mod supervised;
mod terms;
#[cfg(test)]
mod tests;
mod thousand;
mod victims;

use std::ops::RangeInclusive;

pub use ndjson::{Written, write_ndjson};

use crate::domain::Date;
use crate::pb;
use life::Setting;
use thousand::Thousand;

/// Hours from midnight by which everything of the day of weighing has been done.
pub const LAST_DAY_HOURS: i64 = 8;

/// People that a force may have.
pub const SUBJECTS: RangeInclusive<u32> = 1..=10_000_000;

/// Mean records of a person that may be asked for.
pub const RECORDS_PER_SUBJECT: RangeInclusive<u32> = 5..=40;

/// Mean records of a person unless another is asked for.
pub const USUAL_RECORDS_PER_SUBJECT: u32 = 10;

/// First and last day that a force may be drawn for: lives reach some ninety years back, sentences some twenty on.
pub const AS_OF: (i16, i16) = (2015, 2150);

/// A demonstration force to be drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Config {
    subjects: u32,
    seed: u64,
    as_of: Date,
    records_per_subject: u32,
}

/// Why a force cannot be drawn.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Undrawable {
    /// Too few or too many people.
    #[error("subjects is {0}: it must be from {first} to {last}", first = SUBJECTS.start(), last = SUBJECTS.end())]
    Subjects(u32),
    /// Too long ago, or too far ahead.
    #[error("as-of is {0}: it must be from {first}-01-01 to {last}-12-31", first = AS_OF.0, last = AS_OF.1)]
    AsOf(Date),
    /// Too few or too many records.
    #[error(
        "records-per-subject is {0}: it must be from {first} to {last}",
        first = RECORDS_PER_SUBJECT.start(),
        last = RECORDS_PER_SUBJECT.end()
    )]
    RecordsPerSubject(u32),
}

impl Config {
    /// A force of `subjects` people under a seed, its records as they stand at the end of `as_of`,
    /// on average about `records_per_subject` of each person; what is done and reviewed in their files comes on top.
    ///
    /// # Errors
    /// Everything that is out of its range, at once.
    pub fn new(subjects: u32, seed: u64, as_of: Date, records_per_subject: u32) -> Result<Self, Vec<Undrawable>> {
        let mut refused = Vec::new();
        if !SUBJECTS.contains(&subjects) {
            refused.push(Undrawable::Subjects(subjects));
        }
        if !(AS_OF.0..=AS_OF.1).contains(&as_of.ymd().0) {
            refused.push(Undrawable::AsOf(as_of));
        }
        if !RECORDS_PER_SUBJECT.contains(&records_per_subject) {
            refused.push(Undrawable::RecordsPerSubject(records_per_subject));
        }
        if refused.is_empty() { Ok(Self { subjects, seed, as_of, records_per_subject }) } else { Err(refused) }
    }

    /// Number of people.
    pub fn subjects(&self) -> u32 {
        self.subjects
    }

    /// The day that the records stand at.
    pub fn as_of(&self) -> Date {
        self.as_of
    }

    /// Repeated offences drawn for every thousand that tiers and ranks give.
    fn volume(&self) -> u32 {
        (self.records_per_subject * 100).saturating_sub(RECORDS_WITHOUT_REPEATS) * 1000 / RECORDS_OF_REPEATS
    }

    /// Thousands that the force falls into; the last may be short.
    fn thousands(&self) -> u32 {
        self.subjects.div_ceil(thousand::SIZE)
    }

    /// Records of everyone in one thousand.
    fn of_thousand(self, thousand: Thousand) -> impl Iterator<Item = pb::Record> {
        let first = thousand.number() * thousand::SIZE;
        let people = (self.subjects - first).min(thousand::SIZE);
        (0..people).flat_map(move |place| {
            let setting = Setting {
                thousand: &thousand,
                lot: thousand.lot(place),
                number: first + place + 1,
                as_of: self.as_of,
                volume: self.volume(),
            };
            papers::records_of(setting, self.seed)
        })
    }
}

/// An invented offender manager of an area of the force; `nth` spreads people over the area's managers. `None`: no such area.
pub fn offender_manager(area: &str, nth: u32) -> Option<String> {
    papers::letters_of(area).map(|letters| format!("DEMO-OM-{letters}{}", 1 + nth % 4))
}

/// Hundredths of a record that a person has, on average, if nobody repeats anything; counted on forces drawn.
const RECORDS_WITHOUT_REPEATS: u32 = 265;

/// Hundredths of a record that repeated offences, and what follows from them, add at a volume of 1,000; counted likewise.
const RECORDS_OF_REPEATS: u32 = 705;

/// Every record of a force, person by person in order of reference, each person's Person record
/// first and no record before one that it names. Holds one thousand people at a time.
pub fn records(config: Config) -> impl Iterator<Item = pb::Record> {
    (0..config.thousands()).flat_map(move |number| config.of_thousand(Thousand::draw(config.seed, number)))
}
