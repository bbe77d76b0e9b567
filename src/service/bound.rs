//! How long what is written may become: a record, what is in force for one
//! person, the answer kept of a request, a group. The store refuses longer
//! values, and by then the state is ahead of it and the writer has to stop: so
//! whatever could grow that far is refused here, before anything is staged.

use std::collections::BTreeMap;

use prost::Message;

use super::group::Building;
use super::state::State;
use crate::pb;
use crate::store::StoreError;
use crate::store::codec::MAX_VALUE;

/// Longest record, bytes as encoded: about twice what the longest lists and texts that it may hold come to.
pub const MOST_RECORD: usize = 128 << 10;
/// Longest list of refusals that is kept as a request's answer, bytes as encoded. With its record it fits one value.
pub const MOST_REFUSALS: usize = 3 << 20;
/// Bytes of events after which no further request joins a group: bounds its memory, and with the longest request it is
/// still far from what the journal takes at once.
pub const GROUP_BYTES: usize = 16 << 20;

/// What a person's records in force may come to: what one value holds, less what is kept beside them.
const MOST_HELD: usize = MAX_VALUE - 1024;
/// What is kept beside a record in a person's dossier, at most: revision, instant and lengths.
const BESIDE: usize = 64;

/// What a record adds to its person's dossier, at most.
pub fn weight(record: &pb::Record) -> usize {
    record.encoded_len() + BESIDE
}

/// Whether the refusals among the verdicts of a request are too many to be kept and told.
pub fn too_long(refused: &[(&pb::Record, &[pb::Violation])]) -> bool {
    let bytes = |violation: &pb::Violation| violation.encoded_len() + BESIDE;
    let verdict = |(record, violations): &(&pb::Record, &[pb::Violation])| {
        record.id.len() + BESIDE + violations.iter().map(bytes).sum::<usize>()
    };
    refused.iter().map(verdict).sum::<usize>() > MOST_REFUSALS
}

/// How much each person named in one request may still be given.
pub struct Room<'a> {
    state: &'a State,
    group: &'a Building<'a>,
    people: BTreeMap<Box<str>, Held>,
}

#[derive(Clone, Copy, Default)]
struct Held {
    /// Bytes before the request: at most this, or exactly.
    before: usize,
    exact: bool,
    staged: usize,
}

impl<'a> Room<'a> {
    /// Room on top of what is held and of what the group has staged.
    pub fn new(state: &'a State, group: &'a Building<'a>) -> Self {
        Self { state, group, people: BTreeMap::new() }
    }

    /// Whether the record is short enough, by itself and with what is in force for its person. A later version counts
    /// beside the one that it replaces.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn judge(&mut self, record: &pb::Record) -> Result<Option<pb::Violation>, StoreError> {
        let bytes = record.encoded_len();
        if bytes > MOST_RECORD {
            let description = format!("the record takes {bytes} bytes; at most {MOST_RECORD} are allowed");
            return Ok(Some(too_large("id", description)));
        }
        let subject = self.state.subject(&record.subject_ref);
        if !self.people.contains_key(&*record.subject_ref) {
            // Nobody's dossier is read to be measured while the number of their records says enough.
            let records = subject.map_or(0, |subject| self.state.dossier(subject).record_ids().count());
            let held = Held { before: records * (MOST_RECORD + BESIDE), ..Held::default() };
            self.people.insert(record.subject_ref.as_str().into(), held);
        }
        let held = self.people.entry(record.subject_ref.as_str().into()).or_default();
        let after = |held: &Held| held.before + held.staged + weight(record);
        if let Some(subject) = subject
            && after(held) > MOST_HELD
            && !held.exact
        {
            *held = Held { before: self.group.dossier_bytes(subject)?, exact: true, ..*held };
        }
        let description =
            "what is in force for this person would take more than 16 MiB: withdraw what no longer counts";
        Ok((after(held) > MOST_HELD).then(|| too_large("subject_ref", description.to_owned())))
    }

    /// Counts a record that was accepted.
    pub fn take(&mut self, record: &pb::Record) {
        self.people.entry(record.subject_ref.as_str().into()).or_default().staged += weight(record);
    }
}

fn too_large(field: &str, description: String) -> pb::Violation {
    pb::Violation { field: field.to_owned(), reason: "TOO_LARGE".to_owned(), description }
}
