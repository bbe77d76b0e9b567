//! One group of mutations on its way to the store: events, answers and views
//! that are committed together, or not at all.

use std::collections::BTreeMap;

use prost::Message;

use super::bound::{self, GROUP_BYTES};
use super::life;
use super::mutation::Answer;
use super::note;
use super::record;
use super::state::Unreadable;
use crate::access::Caller;
use crate::access::audit::AuditHead;
use crate::domain::{Revision, SubjectId};
use crate::pb;
use crate::store::pb::event::Body;
use crate::store::pb::{Event, EvidenceWritten, NotedBand, RequestAnswer, StoredDossier, StoredEvidence};
use crate::store::{Group, SCHEMA_VERSION, Store, StoreError, ViewKey};

/// Version of the packing of stored dossiers.
pub const DOSSIER_VERSION: u32 = 2;

/// Events after which no further request joins a group. sled copies a node at every key it sets and frees none of the
/// copies before the batch ends: eight times as many events took 800 MB.
pub const GROUP_EVENTS: usize = 1_000;

/// Kind numbers of events that are no records, as in the kind index.
pub mod event_kind {
    /// The day moved.
    pub const AS_OF_MOVED: u8 = 1;
    /// A policy came into force.
    pub const POLICY_ACTIVATED: u8 = 2;
    /// A record was withdrawn.
    pub const EVIDENCE_WITHDRAWN: u8 = 3;
    /// Band and victims of a person with open files were noted.
    pub const OUTSTANDING_NOTED: u8 = 4;
    /// Alignment was noted.
    pub const ALIGNMENT_NOTED: u8 = 5;
    /// A run was begun.
    pub const RESCORE_STARTED: u8 = 6;
    /// A run ended without publishing.
    pub const RESCORE_ENDED: u8 = 7;
    /// A generation was published.
    pub const GENERATION_PUBLISHED: u8 = 8;
    /// A person was erased.
    pub const SUBJECT_ERASED: u8 = 200;
    /// Rows of erased people were blanked in a generation.
    pub const GENERATION_BLANKED: u8 = 201;
    /// A policy was drafted, approved or scheduled. From 10 on the numbers are those of records.
    pub const POLICY_STEP: u8 = 9;
    /// Two histories became one person.
    pub const SUBJECTS_MERGED: u8 = 60;
    /// A history stands by itself again.
    pub const SUBJECTS_UNMERGED: u8 = 61;
    /// Processing was restricted.
    pub const PROCESSING_RESTRICTED: u8 = 62;
    /// A restriction was lifted.
    pub const RESTRICTION_LIFTED: u8 = 63;
    /// A disclosure was recorded.
    pub const DISCLOSURE_RECORDED: u8 = 64;
    /// Whether to go on keeping a history was reviewed.
    pub const RETENTION_REVIEWED: u8 = 65;
}

/// Kind number of an event, as in the kind index; `None`: not indexed.
pub fn kind_of(event: &Event) -> Option<u8> {
    match event.body.as_ref()? {
        Body::EvidenceWritten(written) => written.record.as_ref().map(record::kind_number),
        Body::EvidenceWithdrawn(_) => Some(event_kind::EVIDENCE_WITHDRAWN),
        Body::AsOfMoved(_) => Some(event_kind::AS_OF_MOVED),
        Body::PolicyActivated(_) => Some(event_kind::POLICY_ACTIVATED),
        Body::OutstandingNoted(_) => Some(event_kind::OUTSTANDING_NOTED),
        Body::AlignmentNoted(_) => Some(event_kind::ALIGNMENT_NOTED),
        Body::RescoreStarted(_) => Some(event_kind::RESCORE_STARTED),
        Body::RescoreEnded(_) => Some(event_kind::RESCORE_ENDED),
        Body::GenerationPublished(_) => Some(event_kind::GENERATION_PUBLISHED),
        Body::PolicyDrafted(_) | Body::PolicyApproved(_) | Body::PolicyScheduled(_) => Some(event_kind::POLICY_STEP),
        Body::SubjectsMerged(_) => Some(event_kind::SUBJECTS_MERGED),
        Body::SubjectsUnmerged(_) => Some(event_kind::SUBJECTS_UNMERGED),
        Body::ProcessingRestricted(_) => Some(event_kind::PROCESSING_RESTRICTED),
        Body::RestrictionLifted(_) => Some(event_kind::RESTRICTION_LIFTED),
        Body::DisclosureRecorded(_) => Some(event_kind::DISCLOSURE_RECORDED),
        Body::RetentionReviewed(_) => Some(event_kind::RETENTION_REVIEWED),
        Body::SubjectErased(_) => Some(event_kind::SUBJECT_ERASED),
        Body::GenerationBlanked(_) => Some(event_kind::GENERATION_BLANKED),
        // What it was of stands beside it.
        Body::Erased(_) => u8::try_from(event.kind).ok().filter(|kind| *kind > 0),
        Body::RequestAnswered(_) | Body::AuditAnchored(_) => None,
    }
}

/// Answers kept in a group or in the store.
type RequestKey = (Box<str>, [u8; 16]);

/// A group under construction.
pub struct Building<'a> {
    store: &'a dyn Store,
    base: Revision,
    now_micros: i64,
    events: Vec<Event>,
    answers: BTreeMap<RequestKey, RequestAnswer>,
    dossiers: BTreeMap<SubjectId, StoredDossier>,
    first_new_subject: SubjectId,
    /// Of the events, as encoded, with the answers kept beside them once more.
    bytes: usize,
    /// What the records staged here add to each person's dossier, at most.
    added: BTreeMap<SubjectId, usize>,
}

impl<'a> Building<'a> {
    /// An empty group on top of `base`.
    pub fn new(store: &'a dyn Store, base: Revision, first_new_subject: SubjectId, now_micros: i64) -> Self {
        Self {
            store,
            base,
            now_micros,
            events: Vec::new(),
            answers: BTreeMap::new(),
            dossiers: BTreeMap::new(),
            first_new_subject,
            bytes: 0,
            added: BTreeMap::new(),
        }
    }

    /// Revision of the last event of the group; the base where there is none.
    pub fn head(&self) -> Revision {
        Revision(self.base.0 + self.events.len() as u64)
    }

    /// Number of events so far that are about a subject.
    pub fn events_of(&self, subject: SubjectId) -> u64 {
        self.events.iter().filter(|event| event.has_subject && event.subject_id == subject.0).count() as u64
    }

    /// Number of events so far.
    pub fn len(&self) -> usize {
        self.events.len()
    }

    /// Whether no further request may join.
    pub fn is_full(&self) -> bool {
        self.events.len() >= GROUP_EVENTS || self.bytes >= GROUP_BYTES
    }

    /// Stamps every further event at this moment or later, microseconds since 1970.
    pub fn stamp_from(&mut self, micros: i64) {
        self.now_micros = self.now_micros.max(micros);
    }

    /// Writes down on the last event where the audit stands. Nothing is written for it alone.
    pub fn anchor(&mut self, head: AuditHead) {
        if let Some(last) = self.events.last_mut() {
            let head = crate::store::pb::AuditHead { entries: head.entries, hash: head.hash.to_vec() };
            self.bytes += head.encoded_len();
            last.audit_head = Some(head);
        }
    }

    /// Whether there is nothing to commit.
    pub fn is_empty(&self) -> bool {
        self.events.is_empty()
    }

    /// Adds an event and returns it with its revision set.
    pub fn push(&mut self, caller: &Caller, request_id: &[u8], subject: Option<SubjectId>, body: Body) -> &Event {
        let revision = self.head().next();
        if let (Some(subject), Body::EvidenceWritten(EvidenceWritten { record: Some(record), .. })) = (subject, &body) {
            *self.added.entry(subject).or_default() += bound::weight(record);
        }
        let event = Event {
            revision: revision.0,
            recorded_micros: self.now_micros,
            actor: caller.actor.to_string(),
            on_behalf_of: caller.on_behalf_of.to_string(),
            purpose: caller.purpose.to_string(),
            correlation_id: caller.correlation_id.to_string(),
            request_id: request_id.to_vec(),
            subject_id: subject.map_or(0, |subject| subject.0),
            has_subject: subject.is_some(),
            key_id: 0,
            schema_version: SCHEMA_VERSION.into(),
            previous_hash: Vec::new(),
            sealed: Vec::new(),
            sealed_answer: Vec::new(),
            erased_hash: Vec::new(),
            kind: 0,
            body: Some(body),
            answer: None,
            audit_head: None,
        };
        let event = Event { kind: kind_of(&event).map_or(0, u32::from), ..event };
        self.bytes += event.encoded_len();
        self.events.push(event);
        self.events.last().expect("an event was just pushed")
    }

    /// An event of this group or of the store.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn event(&self, revision: Revision) -> Result<Option<Event>, StoreError> {
        match revision.0.checked_sub(self.base.0 + 1) {
            Some(place) => Ok(usize::try_from(place).ok().and_then(|place| self.events.get(place)).cloned()),
            None => self.store.event(revision),
        }
    }

    /// Notes the answer to a request on its last event; one is made where the request wrote nothing.
    pub fn answer(&mut self, caller: &Caller, request_id: [u8; 16], digest: [u8; 32], answer: &Answer, wrote: bool) {
        let refused_place = |verdict: &pb::RecordVerdict| verdict.verdict == i32::from(pb::Verdict::Refused);
        let mut stored = RequestAnswer {
            request_digest: digest.to_vec(),
            verdicts: answer.verdicts.iter().map(|verdict| u8::try_from(verdict.verdict).unwrap_or(0)).collect(),
            revisions: answer.verdicts.iter().map(|verdict| verdict.revision).collect(),
            answered_micros: self.now_micros,
            caller: caller.actor.to_string(),
            refused: answer.verdicts.iter().filter(|verdict| refused_place(verdict)).map(nameless).collect(),
            refused_positions: (0..)
                .zip(&answer.verdicts)
                .filter(|(_, verdict)| refused_place(verdict))
                .map(|(place, _)| place)
                .collect(),
            written_revision: 0,
            remarks: answer.remarks.clone(),
        };
        if !wrote {
            self.push(caller, &request_id, None, Body::RequestAnswered(crate::store::pb::RequestAnswered {}));
        }
        stored.written_revision = self.head().0;
        let last = self.events.last_mut().expect("a request that wrote something must have an event");
        last.answer = Some(stored.clone());
        self.bytes += 2 * stored.encoded_len();
        self.answers.insert((caller.actor.clone(), request_id), stored);
    }

    /// The answer given to a request before, in this group or in the store.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn answered(&self, caller: &Caller, request_id: [u8; 16]) -> Result<Option<RequestAnswer>, StoreError> {
        if let Some(answer) = self.answers.get(&(caller.actor.clone(), request_id)) {
            return Ok(Some(answer.clone()));
        }
        let Some(bytes) = self.store.get(&ViewKey::request(&caller.actor, &request_id))? else { return Ok(None) };
        Ok(RequestAnswer::decode(&*bytes).ok())
    }

    /// Bytes that a person's dossier takes with what is staged here, at most.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn dossier_bytes(&self, subject: SubjectId) -> Result<usize, StoreError> {
        let mut bytes = self.added.get(&subject).copied().unwrap_or(0);
        if subject < self.first_new_subject {
            bytes += self.store.get(&ViewKey::dossier(subject))?.map_or(0, |dossier| dossier.len());
        }
        Ok(bytes)
    }

    /// The group for the store: events, and the views that follow from them.
    ///
    /// # Errors
    /// When the store cannot be read, or holds a view that cannot.
    pub fn finish(mut self) -> Result<Group, BuildError> {
        let mut views: Vec<(ViewKey, Option<Vec<u8>>)> = Vec::with_capacity(self.events.len() * 2 + 16);
        let events = std::mem::take(&mut self.events);
        for event in &events {
            views.extend(entries_of(event).map(|(key, value)| (key, Some(value))));
            if event.has_subject {
                let dossier = self.stored_dossier(SubjectId(event.subject_id))?;
                fold_dossier(dossier, event);
            }
        }
        for (subject, dossier) in &self.dossiers {
            views.push((ViewKey::dossier(*subject), Some(dossier.encode_to_vec())));
        }
        Ok(Group { events, views })
    }

    fn stored_dossier(&mut self, subject: SubjectId) -> Result<&mut StoredDossier, BuildError> {
        use std::collections::btree_map::Entry;
        match self.dossiers.entry(subject) {
            Entry::Occupied(held) => Ok(held.into_mut()),
            Entry::Vacant(vacant) => {
                let held = if subject < self.first_new_subject {
                    let bytes = self.store.get(&ViewKey::dossier(subject))?.ok_or(BuildError::View(subject))?;
                    StoredDossier::decode(&*bytes).map_err(|_| BuildError::View(subject))?
                } else {
                    StoredDossier::default()
                };
                Ok(vacant.insert(held))
            }
        }
    }
}

/// The entries that one event has in the views that hold one for each: by kind, by subject, and its answer.
pub fn entries_of(event: &Event) -> impl Iterator<Item = (ViewKey, Vec<u8>)> + use<> {
    let revision = Revision(event.revision);
    let kind = kind_of(event).map(|kind| (ViewKey::kind_index(kind, revision), Vec::new()));
    let subject = SubjectId(event.subject_id);
    let subject = event.has_subject.then(|| (ViewKey::subject_index(subject, revision), Vec::new()));
    let answer = event.answer.as_ref().map(|answer| {
        let id = <[u8; 16]>::try_from(&*event.request_id).unwrap_or_default();
        (ViewKey::request(&event.actor, &id), answer.encode_to_vec())
    });
    [kind, subject, answer].into_iter().flatten()
}

/// Why a group could not be finished.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// The store cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The view of a subject's dossier is missing or cannot be read.
    #[error("the stored dossier of subject {} is missing or cannot be read", .0.0)]
    View(SubjectId),
    /// An event cannot be read.
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
}

/// Folds an event into the view of its subject's dossier.
pub fn fold_dossier(dossier: &mut StoredDossier, event: &Event) {
    match &event.body {
        Some(Body::EvidenceWritten(written)) => {
            let Some(record) = &written.record else { return };
            if dossier.evidence.is_empty() && dossier.subject_ref.is_empty() {
                dossier.version = DOSSIER_VERSION;
                dossier.subject_ref.clone_from(&record.subject_ref);
            }
            let evidence = StoredEvidence {
                revision: event.revision,
                recorded_micros: record::recorded_micros(record, event.recorded_micros),
                record: Some(record::stripped(record)),
            };
            match place(dossier, &record.id) {
                Ok(place) => dossier.evidence[place] = evidence,
                Err(place) => dossier.evidence.insert(place, evidence),
            }
        }
        Some(Body::EvidenceWithdrawn(withdrawn)) => {
            if let Ok(place) = place(dossier, &withdrawn.record_id) {
                dossier.evidence.remove(place);
            }
        }
        Some(Body::OutstandingNoted(noted)) => {
            dossier.noted = note::digest(noted);
            let band = if noted.files.is_empty() { 0 } else { noted.band };
            if dossier.bands.last().map_or(0, |last| last.band) != band {
                dossier.bands.push(NotedBand { micros: event.recorded_micros, band });
            }
        }
        Some(Body::Erased(_) | Body::SubjectErased(_)) => {
            *dossier = StoredDossier { version: DOSSIER_VERSION, erased: true, ..StoredDossier::default() };
        }
        Some(
            body @ (Body::SubjectsMerged(_)
            | Body::SubjectsUnmerged(_)
            | Body::ProcessingRestricted(_)
            | Body::RestrictionLifted(_)
            | Body::DisclosureRecorded(_)
            | Body::RetentionReviewed(_)),
        ) => life::fold(dossier, event, body),
        Some(
            Body::AsOfMoved(_)
            | Body::PolicyActivated(_)
            | Body::PolicyDrafted(_)
            | Body::PolicyApproved(_)
            | Body::PolicyScheduled(_)
            | Body::RequestAnswered(_)
            | Body::AuditAnchored(_)
            | Body::AlignmentNoted(_)
            | Body::RescoreStarted(_)
            | Body::RescoreEnded(_)
            | Body::GenerationPublished(_)
            | Body::GenerationBlanked(_),
        )
        | None => return,
    }
    dossier.revision = event.revision;
}

/// Without the record's id, which the request has: the answer outlives an erasure.
fn nameless(verdict: &pb::RecordVerdict) -> pb::RecordVerdict {
    pb::RecordVerdict { record_id: String::new(), ..verdict.clone() }
}

fn place(dossier: &StoredDossier, record_id: &str) -> Result<usize, usize> {
    dossier
        .evidence
        .binary_search_by(|evidence| evidence.record.as_ref().map_or("", |record| record.id.as_str()).cmp(record_id))
}
