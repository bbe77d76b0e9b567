//! What the store promises, on disk and in memory alike.

mod crash;
mod damage;
mod faults;
mod model;
mod rules;

use super::{Group, Head, SCHEMA_VERSION, Store, ViewKey, pb};
use crate::domain::{Revision, SubjectId};

/// Enough for any test, little enough to have pages evicted.
const CACHE_BYTES: u64 = 4 << 20;

/// An event whose stored size follows `size`.
fn event(revision: u64, size: usize) -> pb::Event {
    let letter = char::from(b'a' + u8::try_from(revision % 26).unwrap());
    pb::Event {
        revision,
        recorded_micros: 1_700_000_000_000_000 + i64::try_from(revision).unwrap(),
        actor: "import".to_owned(),
        request_id: revision.to_be_bytes().repeat(2),
        subject_id: u32::try_from(revision % 7).unwrap(),
        has_subject: true,
        schema_version: SCHEMA_VERSION.into(),
        body: Some(pb::event::Body::EvidenceWithdrawn(pb::EvidenceWithdrawn {
            reason: letter.to_string().repeat(size),
            ..Default::default()
        })),
        ..Default::default()
    }
}

/// The events after `head`, one for each size.
fn events_after(head: &Head, sizes: &[usize]) -> Vec<pb::Event> {
    (head.revision.0 + 1..).zip(sizes).map(|(revision, size)| event(revision, *size)).collect()
}

fn append(store: &dyn Store, sizes: &[usize]) -> Head {
    let head = store.head().unwrap();
    store.append(&head, &Group { events: events_after(&head, sizes), views: Vec::new() }).unwrap()
}

fn set(store: &dyn Store, changes: &[(ViewKey, Option<&[u8]>)]) {
    let views = changes.iter().map(|(key, value)| (*key, value.map(<[u8]>::to_vec))).collect();
    let head = store.head().unwrap();
    assert_eq!(store.append(&head, &Group { events: Vec::new(), views }).unwrap(), head);
}

fn dossier(subject: u32) -> ViewKey {
    ViewKey::dossier(SubjectId(subject))
}

const ALL: (Revision, Revision) = (Revision(1), Revision(u64::MAX));
