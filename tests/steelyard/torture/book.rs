//! What one caller was told, and what the ledger must therefore hold: every
//! acknowledged version at its revision, and of what was never answered either
//! all or nothing.

use std::collections::BTreeMap;

use steelyard::pb;
use steelyard::pb::RecordState;

/// What a caller asked for, under an id that it keeps until it has an answer.
#[derive(Clone, Debug)]
pub struct Request {
    /// The same at every attempt.
    pub id: String,
    /// What is asked for.
    pub body: Body,
}

/// What is asked for.
#[derive(Clone, Debug)]
pub enum Body {
    /// Records, in one `WriteEvidence`.
    Write(Vec<pb::Record>),
    /// Records, in one batch of an import.
    Import(Vec<pb::Record>),
    /// A record taken out of every score.
    Withdraw {
        /// Whose.
        subject_ref: String,
        /// Which.
        record_id: String,
    },
}

/// A version of a record that was, or may have been, written.
#[derive(Clone, Debug)]
struct Version {
    record: pb::Record,
    /// `None`: not told yet.
    revision: Option<u64>,
    state: RecordState,
}

/// Every version that a caller wrote of the people that only it writes about.
#[derive(Clone, Debug, Default)]
pub struct Book {
    people: BTreeMap<String, Vec<Version>>,
}

/// What the server lists of each person, with history.
pub type Listed = BTreeMap<String, Vec<pb::HeldRecord>>;

impl Book {
    /// Whether a version of this record is in force, so that another supersedes it.
    pub fn in_force(&self, subject_ref: &str, record_id: &str) -> bool {
        self.versions(subject_ref).iter().any(|version| is_in_force(version, record_id))
    }

    /// Enters a request that was carried out: its last event was written at `revision`, and those of its other records
    /// just before. `None`: at a revision that nobody has told yet.
    pub fn enter(&mut self, request: &Request, revision: Option<u64>) {
        match &request.body {
            Body::Write(records) | Body::Import(records) => {
                for (record, back) in records.iter().zip((0..records.len() as u64).rev()) {
                    let versions = self.people.entry(record.subject_ref.clone()).or_default();
                    let earlier = versions.iter_mut().find(|version| is_in_force(version, &record.id));
                    if let Some(earlier) = earlier {
                        earlier.state = RecordState::Superseded;
                    }
                    let revision = revision.map(|last| last - back);
                    versions.push(Version { record: record.clone(), revision, state: RecordState::InForce });
                }
            }
            Body::Withdraw { subject_ref, record_id } => {
                let versions = self.people.entry(subject_ref.clone()).or_default();
                let version = versions.iter_mut().find(|version| is_in_force(version, record_id));
                version.expect("only a record in force is withdrawn").state = RecordState::Withdrawn;
            }
        }
    }

    /// Everybody written about.
    pub fn people(&self) -> impl Iterator<Item = &str> {
        self.people.keys().map(String::as_str)
    }

    /// Every record in force.
    pub fn records_in_force(&self) -> impl Iterator<Item = &pb::Record> {
        let versions = self.people.values().flatten();
        versions.filter(|version| version.state == RecordState::InForce).map(|version| &version.record)
    }

    /// A record of each person of whom nothing is in force any more: they are still known.
    pub fn withdrawn_whole(&self) -> impl Iterator<Item = &pb::Record> {
        let nothing_left =
            |versions: &&Vec<Version>| versions.iter().all(|version| version.state != RecordState::InForce);
        self.people.values().filter(nothing_left).filter_map(|versions| versions.last()).map(|version| &version.record)
    }

    /// Every revision told.
    pub fn revisions(&self) -> impl Iterator<Item = u64> {
        self.people.values().flatten().filter_map(|version| version.revision)
    }

    /// Of `unanswered` requests, sent in this order, how many the ledger holds: the first so many, each whole.
    ///
    /// # Errors
    /// What is listed is the work of no such number of them: something is lost, torn or there twice.
    pub fn applied(&self, unanswered: &[Request], listed: &Listed) -> Result<usize, String> {
        let mut book = self.clone();
        let mut contradictions = Vec::new();
        for applied in 0..=unanswered.len() {
            match book.contradicted(listed) {
                None => return Ok(applied),
                Some(contradiction) => {
                    contradictions.push(format!("with {applied} unanswered applied: {contradiction}"));
                }
            }
            if let Some(next) = unanswered.get(applied) {
                book.enter(next, None);
            }
        }
        Err(contradictions.join("\n"))
    }

    /// The first place where what is listed is not what this book says; `None`: they agree.
    pub fn contradicted(&self, listed: &Listed) -> Option<String> {
        listed.iter().find_map(|(subject_ref, rows)| {
            let versions = self.versions(subject_ref);
            if rows.len() != versions.len() {
                return Some(format!("{subject_ref} has {} versions, {} are due", rows.len(), versions.len()));
            }
            rows.iter().zip(versions).find(|(row, version)| !agree(row, version)).map(|(row, version)| {
                let found = (row.revision, row.state(), row.record.as_ref().map(|record| record.id.as_str()));
                let due = (version.revision, version.state, &version.record.id);
                format!("{subject_ref} has {found:?} where {due:?} is due, or their contents differ")
            })
        })
    }

    fn versions(&self, subject_ref: &str) -> &[Version] {
        self.people.get(subject_ref).map_or(&[], Vec::as_slice)
    }
}

fn is_in_force(version: &Version, record_id: &str) -> bool {
    version.state == RecordState::InForce && version.record.id == record_id
}

fn agree(row: &pb::HeldRecord, version: &Version) -> bool {
    row.record.as_ref() == Some(&version.record)
        && row.state() == version.state
        && version.revision.is_none_or(|revision| revision == row.revision)
}

/// The checks themselves must be able to fail.
#[test]
fn a_book_contradicts_loss_a_torn_group_and_a_second_application() {
    use crate::people::Somebody;
    let records = Somebody::man("P", "1990-01-01").charged("TH68010", "2026-01-10").records();
    let request = Request { id: String::new(), body: Body::Write(records.clone()) };
    let row = |place: usize, revision| pb::HeldRecord {
        record: Some(records[place].clone()),
        revision,
        state: RecordState::InForce.into(),
        ..pb::HeldRecord::default()
    };
    let listed = |rows: Vec<pb::HeldRecord>| Listed::from([("P".to_owned(), rows)]);
    let empty = Book::default();
    let unanswered = std::slice::from_ref(&request);
    assert_eq!(empty.applied(unanswered, &listed(vec![])), Ok(0));
    assert_eq!(empty.applied(unanswered, &listed(vec![row(0, 4), row(1, 5)])), Ok(1));
    assert!(empty.applied(unanswered, &listed(vec![row(0, 4)])).is_err(), "half a group");
    assert!(empty.applied(unanswered, &listed(vec![row(0, 4), row(1, 5), row(1, 6)])).is_err(), "applied twice");
    let mut told = Book::default();
    told.enter(&request, Some(5));
    assert_eq!(told.contradicted(&listed(vec![row(0, 4), row(1, 5)])), None);
    assert!(told.contradicted(&listed(vec![])).is_some(), "lost");
    assert!(told.contradicted(&listed(vec![row(0, 5), row(1, 6)])).is_some(), "at other revisions");
}
