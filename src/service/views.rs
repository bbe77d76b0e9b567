//! Views as they follow from the ledger: of its last events, as a start fills
//! the engine from the journal, and of all of it, where a view is missing or of
//! another version. Both read the ledger; neither trusts a dossier that is there.

use std::collections::{BTreeMap, BTreeSet};

use prost::Message;
use rayon::prelude::*;
use tracing::info;

use super::group::{DOSSIER_VERSION, entries_of, fold_dossier};
use super::start::StartError;
use crate::domain::{Revision, SubjectId};
use crate::store::inspect::entries;
use crate::store::pb::{Event, StoredDossier};
use crate::store::{Changes, Entry, Fault, Group, Head, Store, StoreError, StoredEvent, View, ViewKey};

/// Events decoded at a time, on every core.
const DECODED_TOGETHER: usize = 4_096;
/// Entries and bytes written at a time.
const WRITTEN_ENTRIES: usize = 4_096;
const WRITTEN_BYTES: usize = 1 << 20;
/// Bytes of events folded into dossiers that are kept in memory before they are written: they take about four times as
/// much. Then each subject met again costs a look-up.
const FOLDED_BYTES: usize = 64 << 20;

/// Version of each view that this build writes.
pub const fn version(view: View) -> u32 {
    match view {
        View::Dossier => DOSSIER_VERSION,
        View::SubjectIndex | View::KindIndex | View::Request => 1,
    }
}

/// What follows from `events`, the next of the ledger after what `store` is known to hold. Dossiers of the subjects
/// concerned are folded anew from every event of theirs, by the index.
///
/// # Errors
/// The store's.
pub fn derive(store: &dyn Store, events: &[Event]) -> Result<Changes, StoreError> {
    let Some(first) = events.first() else { return Ok(Vec::new()) };
    let before = Revision(first.revision - 1);
    let touched: BTreeSet<u32> =
        events.iter().filter(|event| event.has_subject).map(|event| event.subject_id).collect();
    let mut dossiers: BTreeMap<u32, StoredDossier> = BTreeMap::new();
    for subject in touched {
        dossiers.insert(subject, dossier_at(store, SubjectId(subject), before)?);
    }
    let mut views = Vec::with_capacity(events.len() * 3);
    for event in events {
        views.extend(entries_of(event).map(|(key, value)| (key, Some(value))));
        if event.has_subject {
            fold_dossier(dossiers.entry(event.subject_id).or_default(), event);
        }
    }
    for (subject, dossier) in dossiers {
        views.push((ViewKey::dossier(SubjectId(subject)), Some(dossier.encode_to_vec())));
    }
    Ok(views)
}

/// The dossier of a subject as the ledger up to a revision told of it; empty where it told nothing.
///
/// # Errors
/// The store's.
pub fn dossier_at(store: &dyn Store, subject: SubjectId, through: Revision) -> Result<StoredDossier, StoreError> {
    let mut dossier = StoredDossier::default();
    for entry in store.scan_subject(subject, Revision(1), through) {
        let Some(revision) = entry?.0.revision() else { continue };
        let event = store.event(revision)?.ok_or(StoreError::MissingEvent { revision })?;
        fold_dossier(&mut dossier, &event);
    }
    Ok(dossier)
}

/// Rebuilds every view that is missing or of another version, in one pass over the ledger.
///
/// # Errors
/// The ledger cannot be read, or the store takes no writes.
pub fn rebuild(store: &dyn Store, head: &Head) -> Result<(), StartError> {
    rebuild_within(store, head, FOLDED_BYTES)
}

fn rebuild_within(store: &dyn Store, head: &Head, most: usize) -> Result<(), StartError> {
    let mut stale = Vec::new();
    for view in View::ALL {
        if store.view_version(view)? != Some(version(view)) {
            stale.push(view);
        }
    }
    if stale.is_empty() {
        return Ok(());
    }
    for view in &stale {
        info!(view = view.name(), ledger.revision = head.revision.0, "building a view from the ledger");
    }
    store.begin_views(&stale)?;
    let mut rebuild = Rebuild {
        store,
        head,
        pending: Vec::new(),
        bytes: 0,
        dossiers: BTreeMap::new(),
        folded: 0,
        spilled: false,
        most,
        indexed: BTreeMap::new(),
    };
    let dossiers = stale.contains(&View::Dossier);
    let mut stored = store.stored_events(Revision(1), head.revision).peekable();
    while stored.peek().is_some() {
        let raw: Vec<StoredEvent> = stored.by_ref().take(DECODED_TOGETHER).collect::<Result<_, _>>()?;
        let decoded: Vec<(usize, Event)> = raw
            .par_iter()
            .map(|stored| Ok((stored.bytes().len(), store.open_event(stored)?)))
            .collect::<Result<_, StoreError>>()?;
        for (bytes, event) in decoded {
            for entry in entries_of(&event).filter(|(key, _)| stale.contains(&key.view())) {
                rebuild.put(entry)?;
            }
            if dossiers && event.has_subject {
                rebuild.fold(&event, bytes)?;
            }
        }
    }
    rebuild.spill()?;
    rebuild.write()?;
    for (view, written) in std::mem::take(&mut rebuild.indexed) {
        met_again(store, view, written)?;
    }
    let versions: Vec<(View, u32)> = stale.into_iter().map(|view| (view, version(view))).collect();
    Ok(store.finish_views(&versions)?)
}

/// Whether a walk through an index that was just filled meets every entry. In damaged files of the engine an entry can
/// be there for whoever asks for it by its key, and for nobody else, however often it is written.
fn met_again(store: &dyn Store, view: View, written: u64) -> Result<(), StartError> {
    let mut found = 0;
    for key in entries(store, view) {
        key?;
        found += 1;
    }
    if found == written { Ok(()) } else { Err(StartError::Astray { view: view.name(), written, found }) }
}

/// A rebuild under way.
struct Rebuild<'a> {
    store: &'a dyn Store,
    head: &'a Head,
    pending: Changes,
    bytes: usize,
    dossiers: BTreeMap<SubjectId, StoredDossier>,
    folded: usize,
    /// Whether dossiers were written already, so that a subject met for the first time may have one.
    spilled: bool,
    /// Bytes of events in `dossiers` after which they are written.
    most: usize,
    /// Entries written to each index, of which an event has one at most.
    indexed: BTreeMap<View, u64>,
}

impl Rebuild<'_> {
    fn put(&mut self, (key, value): Entry) -> Result<(), StartError> {
        if matches!(key.view(), View::SubjectIndex | View::KindIndex) {
            *self.indexed.entry(key.view()).or_default() += 1;
        }
        self.bytes += value.len();
        self.pending.push((key, Some(value)));
        if self.pending.len() >= WRITTEN_ENTRIES || self.bytes >= WRITTEN_BYTES { self.write() } else { Ok(()) }
    }

    fn write(&mut self) -> Result<(), StartError> {
        self.bytes = 0;
        let views = std::mem::take(&mut self.pending);
        self.store.append(self.head, &Group { events: Vec::new(), views })?;
        Ok(())
    }

    fn fold(&mut self, event: &Event, bytes: usize) -> Result<(), StartError> {
        let subject = SubjectId(event.subject_id);
        if self.spilled && !self.dossiers.contains_key(&subject) {
            let key = ViewKey::dossier(subject);
            let dossier = match self.store.get(&key)? {
                Some(bytes) => StoredDossier::decode(&*bytes)
                    .map_err(|error| key.corrupt(Fault::Undecodable { reason: error.to_string() }))?,
                None => StoredDossier::default(),
            };
            self.dossiers.insert(subject, dossier);
        }
        fold_dossier(self.dossiers.entry(subject).or_default(), event);
        self.folded += bytes;
        if self.folded >= self.most { self.spill() } else { Ok(()) }
    }

    fn spill(&mut self) -> Result<(), StartError> {
        for (subject, dossier) in std::mem::take(&mut self.dossiers) {
            self.put((ViewKey::dossier(subject), dossier.encode_to_vec()))?;
        }
        // Whoever is met again must find what was written.
        self.write()?;
        self.folded = 0;
        self.spilled = true;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pb::Record;
    use crate::store::pb::event::Body;
    use crate::store::pb::{EvidenceWithdrawn, EvidenceWritten, RequestAnswer};
    use crate::store::{Identity, KeySpan, MemoryStore, SCHEMA_VERSION};

    /// Records of five subjects, written, superseded, and now and then withdrawn.
    fn event(revision: u64) -> Event {
        let subject = revision % 5;
        let record_id = format!("r-{subject}-{}", revision % 3);
        let subject_ref = format!("S-{subject}");
        let body = if revision.is_multiple_of(7) {
            Body::EvidenceWithdrawn(EvidenceWithdrawn { subject_ref, record_id, ..EvidenceWithdrawn::default() })
        } else {
            let event_date = format!("2026-01-{:02}", 1 + revision % 28);
            let record = Record { id: record_id, subject_ref, event_date, ..Record::default() };
            Body::EvidenceWritten(EvidenceWritten { record: Some(record), supersedes: 0 })
        };
        Event {
            revision,
            actor: "import".to_owned(),
            request_id: revision.to_be_bytes().repeat(2),
            subject_id: u32::try_from(subject).unwrap(),
            has_subject: true,
            schema_version: SCHEMA_VERSION.into(),
            body: Some(body),
            answer: revision.is_multiple_of(4).then(RequestAnswer::default),
            ..Event::default()
        }
    }

    fn views(store: &dyn Store) -> Vec<Entry> {
        View::ALL.into_iter().flat_map(|view| store.scan(&KeySpan::all(view)).map(Result::unwrap)).collect()
    }

    #[test]
    fn views_of_a_tail_are_those_that_a_rebuild_gives_however_little_memory_it_has() {
        let identity = Identity { store_id: [1; 16], incarnation: [2; 16] };
        let brought_up = MemoryStore::new(identity);
        let mut head = Head::EMPTY;
        for size in [1, 9, 30, 4, 56] {
            let events: Vec<Event> = (head.revision.0 + 1..).take(size).map(event).collect();
            let views = derive(&brought_up, &events).unwrap();
            head = brought_up.append(&head, &Group { events, views }).unwrap();
        }
        for most in [usize::MAX, 1, 700] {
            let rebuilt = MemoryStore::new(identity);
            let events = (1..=head.revision.0).map(event).collect();
            rebuilt.append(&Head::EMPTY, &Group { events, views: Vec::new() }).unwrap();
            rebuild_within(&rebuilt, &head, most).unwrap();
            assert!(views(&rebuilt) == views(&brought_up), "with {most} bytes");
            assert!(!views(&rebuilt).is_empty());
            for view in View::ALL {
                assert_eq!(rebuilt.view_version(view).unwrap(), Some(version(view)));
            }
        }
    }

    #[test]
    fn a_dossier_that_is_there_is_not_trusted_by_a_replay() {
        let store = MemoryStore::new(Identity { store_id: [1; 16], incarnation: [2; 16] });
        let events: Vec<Event> = (1..=20).map(event).collect();
        let whole = derive(&store, &events).unwrap();
        let head = store.append(&Head::EMPTY, &Group { events: events[..10].to_vec(), views: whole.clone() }).unwrap();
        assert_eq!(head.revision, Revision(10), "the store holds ten events and the views of twenty");
        let key = ViewKey::dossier(SubjectId(1));
        let of = |views: &[(ViewKey, Option<Vec<u8>>)]| views.iter().find(|(found, _)| *found == key).cloned();
        assert_eq!(of(&derive(&store, &events[10..]).unwrap()), of(&whole));
    }
}
