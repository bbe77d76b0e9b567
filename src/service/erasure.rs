//! Erasure of a person: the event that says so, and then the destruction of the
//! key that everything about the person is sealed under. What was asked is in the
//! ledger before anything is destroyed, so that a process which ends in between
//! finds at its next start what is left to do.
//!
//! It removes no event and no revision. It never acknowledges an erasure whose key
//! is still there. Where nothing is sealed the person is taken out of everything
//! that is served, and it is told how many events still lie open.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use tracing::{error, info, warn};

use super::fault::Fault;
use super::group::{Building, event_kind, kind_of};
use super::mutation::{Answer, Mutation};
use super::policies::judge::same_officer;
use super::start::StartError;
use super::state::Touched;
use super::writer::Writer;
use super::{Seen, Service};
use crate::access::look::Written;
use crate::domain::{Revision, SubjectId};
use crate::store::pb::SubjectErased;
use crate::store::pb::event::Body;
use crate::store::{KeySpan, Store, StoreError};

/// Whom to erase, who wants it, and why.
#[derive(Clone, Debug)]
pub struct Erasure {
    /// The person.
    pub subject_ref: String,
    /// The officer who asks.
    pub officer: String,
    /// The person who authorises it.
    pub second_officer: String,
    /// Why.
    pub reason: String,
    /// On what ground in law.
    pub legal_ground: String,
}

impl Writer {
    /// Judges an erasure, and stages it. The key is destroyed once the group is kept: see
    /// [`destroy_erased`](Self::destroy_erased).
    pub(super) fn erase(
        &mut self,
        mutation: &Mutation,
        erasure: &Erasure,
        group: &mut Building<'_>,
        touched: &mut Touched,
    ) -> Result<Answer, Fault> {
        let Erasure { subject_ref, officer, second_officer, reason, legal_ground } = erasure.clone();
        // Whoever calls cannot be the one who looks at it a second time.
        if same_officer(&officer, &second_officer) || same_officer(mutation.caller.person(), &second_officer) {
            return Err(Fault::SecondPersonRequired);
        }
        let subject = self.state.subject(&subject_ref).ok_or(Fault::UnknownSubject)?;
        let histories = self.state.histories().of(subject);
        let mut told = SubjectErased {
            officer,
            second_officer,
            reason,
            legal_ground,
            histories: u32::try_from(histories.len()).unwrap_or(u32::MAX),
            ..SubjectErased::default()
        };
        for history in &histories {
            (told.events, told.unsealed) = self.events_of(*history, group).map_err(|fault| self.unread(&fault))?;
            let records = self.state.dossier(*history).record_ids().count();
            told.records = u32::try_from(records).unwrap_or(u32::MAX);
            let others = self.state.sharing_victims(*history).into_iter().filter(|other| !histories.contains(other));
            told.weighed_anew = others.map(|other| other.0).collect();
            let body = Body::SubjectErased(told.clone());
            self.push(group, touched, &mutation.caller, &mutation.request_id, Some(*history), body)?;
        }
        self.erasing.extend(histories);
        let answer = Answer { revision: group.head(), verdicts: Vec::new(), remarks: Vec::new() };
        group.answer(&mutation.caller, mutation.request_id, mutation.digest, &answer, true);
        Ok(answer)
    }

    /// Events about a person so far, and how many of them lie open.
    fn events_of(&self, subject: SubjectId, group: &Building<'_>) -> Result<(u64, u64), StoreError> {
        let staged = group.events_of(subject);
        let (mut events, mut unsealed) = (staged, if self.store.keys().is_some() { 0 } else { staged });
        for entry in self.store.scan_subject(subject, Revision(1), self.head.revision) {
            let Some(revision) = entry?.0.revision() else { continue };
            let event = self.store.stored_event(revision)?.ok_or(StoreError::MissingEvent { revision })?;
            events += 1;
            unsealed += u64::from(event.decode()?.key_id == 0);
        }
        Ok((events, unsealed))
    }

    /// Destroys the keys of those whose erasure was just kept. Nobody is told of it before.
    ///
    /// # Errors
    /// The ring could not be written: the process ends, and the next start does what is left.
    pub(super) fn destroy_erased(&mut self) -> Result<(), Fault> {
        let erased = std::mem::take(&mut self.erasing);
        let (false, Some(keys)) = (erased.is_empty(), self.store.keys().map(Arc::clone)) else { return Ok(()) };
        match keys.destroy(&erased) {
            Ok(destroyed) => {
                info!(erasure.keys = destroyed, "destroyed the keys of people who were erased");
                Ok(())
            }
            Err(fault) => Err(self.broke(&fault)),
        }
    }
}

/// Everybody whose erasure the ledger tells of, in the order of their erasure, with its revision.
///
/// # Errors
/// The store's.
pub fn erased(store: &dyn Store) -> Result<Vec<(SubjectId, Revision)>, StoreError> {
    let mut subjects = Vec::new();
    let head = store.head()?.revision;
    for entry in store.scan(&KeySpan::kind_index(event_kind::SUBJECT_ERASED, Revision(0), head)) {
        let Some(revision) = entry?.0.revision() else { continue };
        let event = store.stored_event(revision)?.ok_or(StoreError::MissingEvent { revision })?;
        subjects.push((SubjectId(event.decode()?.subject_id), revision));
    }
    Ok(subjects)
}

/// Events of erased people that lie open in the store, with the numbers of their kinds (0: none): from before there were
/// keys, or of a store without any.
///
/// # Errors
/// The store's.
pub fn lying_open(store: &dyn Store) -> Result<BTreeMap<Revision, u8>, StoreError> {
    let mut open = BTreeMap::new();
    for (subject, at) in erased(store)? {
        for entry in store.scan_subject(subject, Revision(1), Revision(at.0 - 1)) {
            let Some(revision) = entry?.0.revision() else { continue };
            let stored = store.stored_event(revision)?.ok_or(StoreError::MissingEvent { revision })?;
            if stored.is_stub() {
                continue;
            }
            let event = stored.decode()?;
            if event.key_id == 0 {
                open.insert(revision, kind_of(&event).unwrap_or(0));
            }
        }
    }
    Ok(open)
}

/// Does what erasures of before were interrupted in: every key that should be gone is.
///
/// # Errors
/// The store's, or the ring's.
pub(super) fn complete(store: &dyn Store) -> Result<(), StartError> {
    let erased = erased(store)?;
    if erased.is_empty() {
        return Ok(());
    }
    // What lay open of them was taken out of the store's files when it was opened.
    if let Some(keys) = store.keys() {
        let subjects: Vec<SubjectId> = erased.iter().map(|(subject, _)| *subject).collect();
        let destroyed = keys.destroy(&subjects).map_err(StoreError::from)?;
        if destroyed > 0 {
            warn!(erasure.keys = destroyed, "ended an erasure that was interrupted");
        }
    }
    Ok(())
}

/// What an erasure came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Erased {
    /// Revision of the last event that says so.
    pub revision: Revision,
    /// Numbers of the person's histories.
    pub subjects: Vec<SubjectId>,
    /// Events about the person that cannot be read any more.
    pub events: u64,
    /// Of these, those that lie open.
    pub unsealed: u64,
    /// Records of the person that were in force.
    pub records: u32,
    /// Other people who share a victim with the person.
    pub weighed_anew: BTreeSet<SubjectId>,
}

impl Service {
    /// Whether what is written is sealed.
    pub fn seals(&self) -> bool {
        self.store.keys().is_some()
    }

    /// Erases a person: durable, and the key gone, when this returns. Pages and caches of before are let go of.
    ///
    /// # Errors
    /// [`Fault::UnknownSubject`], [`Fault::SecondPersonRequired`], or the writer's.
    pub async fn erase(&self, mutation: Mutation) -> Result<Erased, Fault> {
        let look = Arc::clone(&mutation.caller.look);
        let revision = self.change(mutation).await?.revision;
        // Pages under way show people as they stood.
        self.paging.forget(revision);
        self.gaps.forget();
        self.retention.forget();
        self.standings(Seen::new(revision.0, "")).await?;
        let erased = self.read_ledger(move |store| came_to(store, revision)).await?;
        if erased.subjects.is_empty() {
            error!(revision = revision.0, "the ledger has no erasure where it was answered");
            return Err(Fault::Internal);
        }
        // By reference they are not found any more.
        look.written(Written { concerned: erased.subjects.clone(), revision: Some(revision), policy: None });
        Ok(erased)
    }
}

/// What the ledger tells of an erasure whose last event has this revision.
fn came_to(store: &dyn Store, last: Revision) -> Result<Erased, StoreError> {
    let mut erased = Erased {
        revision: last,
        subjects: Vec::new(),
        events: 0,
        unsealed: 0,
        records: 0,
        weighed_anew: BTreeSet::new(),
    };
    let mut next = last;
    loop {
        let event = store.event(next)?.ok_or(StoreError::MissingEvent { revision: next })?;
        let Some(Body::SubjectErased(told)) = event.body else { return Ok(erased) };
        erased.subjects.push(SubjectId(event.subject_id));
        erased.events += told.events;
        erased.unsealed += told.unsealed;
        erased.records = erased.records.saturating_add(told.records);
        erased.weighed_anew.extend(told.weighed_anew.into_iter().map(SubjectId));
        if erased.subjects.len() >= told.histories as usize {
            return Ok(erased);
        }
        next = Revision(next.0 - 1);
    }
}
