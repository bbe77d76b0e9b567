//! What one call asked for, noted on its way for the audit: which list, through
//! which filter, and whom it was refused. Nothing is decided by it.

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::table::Rule;
use crate::domain::word::List;
use crate::domain::{Revision, SubjectId};
use crate::pb;

/// One call's notes.
#[derive(Debug, Default)]
pub struct Look {
    /// What the call needs; `None`: it is none, but the server's own work.
    rule: Option<&'static Rule>,
    notes: Mutex<Notes>,
}

/// What was noted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Notes {
    /// The list asked for.
    pub list: Option<List>,
    /// The filter, encoded as in the contract: typed words, areas and officers, nobody's reference.
    pub filter: Vec<u8>,
    /// Revision of the snapshot read last, and the generation that it rests on.
    pub read: Option<(Revision, u64)>,
    /// What was written.
    pub written: Written,
    /// People asked for and refused.
    pub attempted: Vec<SubjectId>,
    /// Why the call failed. `None`: it did not.
    pub reason: Option<pb::ErrorReason>,
}

/// What was written about people, by a call or by a part of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// Whom it was about, also where it was judged alone.
    pub concerned: Vec<SubjectId>,
    /// Revision of the last event that it was written at. `None`: nothing was to be written.
    pub revision: Option<Revision>,
    /// Version of the policy by which they were weighed anew. `None`: what was written weighs nothing.
    pub policy: Option<Box<str>>,
}

/// Refused people noted of one call.
const ATTEMPTED: usize = 1_000;

impl Look {
    /// Notes of a call that is about to be made.
    pub fn of(rule: &'static Rule) -> Self {
        Self { rule: Some(rule), notes: Mutex::default() }
    }

    /// What the call needs.
    pub const fn rule(&self) -> Option<&'static Rule> {
        self.rule
    }

    /// The call asks for a list.
    pub fn list(&self, list: List) {
        self.notes().list = Some(list);
    }

    /// The call narrows it.
    pub fn filter(&self, filter: Vec<u8>) {
        self.notes().filter = filter;
    }

    /// The call reads a snapshot.
    pub fn read(&self, revision: Revision, generation: u64) {
        self.notes().read = Some((revision, generation));
    }

    /// The call wrote something.
    pub fn written(&self, written: Written) {
        self.notes().written = written;
    }

    /// The call asked for somebody whom its caller may not see.
    pub fn attempted(&self, subject: SubjectId) {
        let mut notes = self.notes();
        if notes.attempted.len() < ATTEMPTED && !notes.attempted.contains(&subject) {
            notes.attempted.push(subject);
        }
    }

    /// The call failed.
    pub fn failed(&self, reason: pb::ErrorReason) {
        self.notes().reason = Some(reason);
    }

    /// Everything noted so far.
    pub fn taken(&self) -> Notes {
        self.notes().clone()
    }

    fn notes(&self) -> MutexGuard<'_, Notes> {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
