//! What a start makes of every state that a kill, a power cut or a failing disk can leave behind.

mod backups;
mod damage;
mod journal;
mod serving;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::domain::SubjectId;
use crate::store::{Changes, Group, Head, KeySpan, SCHEMA_VERSION, View, ViewKey, pb, verify_chain};

const CACHE_BYTES: u64 = 4 << 20;
const SUBJECTS: u64 = 5;
/// The keeper never syncs by itself: a kill then finds the engine as far behind as it can be.
const NEVER: Bounds = Bounds { time: Duration::from_hours(1), events: u64::MAX, most: u64::MAX };
const ALL: (Revision, Revision) = (Revision(1), Revision(u64::MAX));

fn event(revision: u64, word: &str) -> pb::Event {
    pb::Event {
        revision,
        actor: "import".to_owned(),
        subject_id: u32::try_from(revision % SUBJECTS).unwrap(),
        has_subject: true,
        schema_version: SCHEMA_VERSION.into(),
        body: Some(pb::event::Body::EvidenceWithdrawn(pb::EvidenceWithdrawn {
            reason: word.repeat(1 + usize::try_from(revision * 37 % 900).unwrap()),
            ..Default::default()
        })),
        ..Default::default()
    }
}

/// The views of these tests: an index by subject, and as a subject's dossier the revisions of its events.
fn derived(store: &dyn Store, events: &[pb::Event]) -> Result<Changes, StoreError> {
    let before = Revision(events[0].revision - 1);
    let subjects: BTreeSet<u32> = events.iter().map(|event| event.subject_id).collect();
    let mut dossiers: BTreeMap<u32, Vec<u8>> = BTreeMap::new();
    for subject in subjects {
        let dossier = dossiers.entry(subject).or_default();
        for entry in store.scan_subject(SubjectId(subject), Revision(1), before) {
            dossier.extend(entry?.0.revision().unwrap().0.to_be_bytes());
        }
    }
    let mut views = Vec::new();
    for event in events {
        views.push((ViewKey::subject_index(SubjectId(event.subject_id), Revision(event.revision)), Some(Vec::new())));
        dossiers.entry(event.subject_id).or_default().extend(event.revision.to_be_bytes());
    }
    views.extend(dossiers.into_iter().map(|(id, dossier)| (ViewKey::dossier(SubjectId(id)), Some(dossier))));
    Ok(views)
}

fn options(home: &Path) -> Options {
    let options = Options::new(home, CACHE_BYTES, Arc::new(derived));
    Options { bounds: NEVER, run: Some(Run::named("one")), segment_bytes: 4_096, ..options }
}

/// Writes `groups` groups of seven events with their views.
fn write(store: &dyn Store, groups: usize, word: &str) -> Head {
    let mut head = store.head().unwrap();
    for _ in 0..groups {
        let events: Vec<_> = (head.revision.0 + 1..).take(7).map(|revision| event(revision, word)).collect();
        let views = derived(store, &events).unwrap();
        head = store.append(&head, &Group { events, views }).unwrap();
    }
    head
}

/// A store closed in order with some events, of which views are known to be whole.
fn closed(home: &Path, groups: usize) -> Head {
    let store = open(&options(home)).unwrap();
    let head = write(&store, groups, "a");
    let versions: Vec<_> = View::ALL.into_iter().map(|view| (view, 1)).collect();
    store.finish_views(&versions).unwrap();
    head
}

/// What a kill would leave of an open store: its files as they are now.
fn killed(home: &Path) -> tempfile::TempDir {
    let copy = tempfile::tempdir().unwrap();
    copy_into(home, copy.path());
    copy
}

fn copy_into(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            fs::create_dir_all(&target).unwrap();
            copy_into(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// Everything up to the head is there, and the views are what follows from it.
fn check(store: &SledStore, head: Head) {
    assert_eq!(store.head().unwrap(), head);
    assert_eq!(verify_chain(store, Revision(1)).unwrap(), head);
    let events: Vec<pb::Event> = store.events(ALL.0, ALL.1).map(Result::unwrap).collect();
    assert_eq!(events.len() as u64, head.revision.0);
    let empty = crate::store::MemoryStore::new(store.identity());
    let expected: BTreeMap<_, _> =
        derived(&empty, &events).unwrap().into_iter().map(|(key, value)| (key, value.unwrap())).collect();
    for view in [View::Dossier, View::SubjectIndex] {
        let found: Vec<_> = store.scan(&KeySpan::all(view)).map(Result::unwrap).collect();
        let expected: Vec<_> =
            expected.iter().filter(|(key, _)| key.view() == view).map(|(key, value)| (*key, value.clone())).collect();
        assert!(found == expected, "{} differs", view.name());
    }
}

/// As [`check`], of a store whose views are still to be rebuilt.
fn check_rebuilt(store: &SledStore, head: Head) {
    assert_eq!(verify_chain(store, Revision(1)).unwrap(), head);
    for view in View::ALL {
        assert_eq!(store.view_version(view).unwrap(), None, "the service must be told to rebuild it");
    }
    let mut events: Vec<pb::Event> = store.events(ALL.0, ALL.1).map(Result::unwrap).collect();
    assert_eq!(events.len() as u64, head.revision.0);
    store.begin_views(&View::ALL).unwrap();
    if events.is_empty() {
        return;
    }
    let empty = crate::store::MemoryStore::new(store.identity());
    let views = derived(&empty, &events).unwrap();
    store.append(&head, &Group { events: Vec::new(), views }).unwrap();
    events.clear();
    check(store, head);
}

fn refusal(home: &Path) -> RecoveryError {
    open(&options(home)).map(drop).unwrap_err()
}
