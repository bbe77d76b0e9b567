//! Damage beneath the store is found and named, never read as something else.

use super::super::codec::{Encoder, decode};
use super::super::keys::Key;
use super::super::{Fault, KeySpan, SledStore, StoreError, View, verify_chain};
use super::*;

struct Damaged {
    home: tempfile::TempDir,
    store: SledStore,
}

impl Damaged {
    /// Ten events, the fifth of several frames.
    fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        let store = SledStore::open(home.path(), CACHE_BYTES).unwrap();
        append(&store, &[40, 40, 40, 40, 10_000, 40, 40, 40, 40, 40]);
        Self { home, store }
    }

    fn raw(&self, key: &Key) -> Vec<u8> {
        self.store.engine().tree().get(key).unwrap().unwrap().to_vec()
    }

    fn overwrite(&self, key: &Key, bytes: &[u8]) {
        self.store.engine().tree().insert(key, bytes).unwrap();
    }

    fn remove(&self, key: &Key) {
        self.store.engine().tree().remove(key).unwrap().unwrap();
    }

    fn reopen(self) -> Result<SledStore, StoreError> {
        drop(self.store);
        SledStore::open(self.home.path(), CACHE_BYTES)
    }

    /// Replaces an event by another that decodes, with a sound frame and the old previous hash.
    fn forge(&self, revision: u64) {
        let key = Key::event(Revision(revision));
        let mut event = self.store.event(Revision(revision)).unwrap().unwrap();
        event.actor = "another".to_owned();
        Encoder::default()
            .encode(&key, SCHEMA_VERSION, &prost::Message::encode_to_vec(&event), |key, frame| {
                self.overwrite(key, frame);
            })
            .unwrap();
    }
}

fn told(result: Result<Head, StoreError>) -> String {
    result.unwrap_err().to_string()
}

#[test]
fn one_flipped_byte_in_the_middle_is_named() {
    let damaged = Damaged::new();
    let key = Key::event(Revision(6));
    let mut bytes = damaged.raw(&key);
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    damaged.overwrite(&key, &bytes);
    let error = verify_chain(&damaged.store, Revision(1)).unwrap_err();
    assert!(matches!(error, StoreError::Corrupt { fault: Fault::Checksum, .. }), "{error}");
    assert!(error.to_string().starts_with("e/ revision 6: "), "{error}");
    assert!(damaged.store.event(Revision(6)).is_err());
    assert!(damaged.store.event(Revision(7)).unwrap().is_some(), "sound events stay readable");
}

#[test]
fn a_forged_event_with_a_sound_frame_breaks_the_chain_at_its_revision() {
    let damaged = Damaged::new();
    damaged.forge(3);
    assert_eq!(damaged.store.event(Revision(3)).unwrap().unwrap().actor, "another");
    let error = verify_chain(&damaged.store, Revision(1)).unwrap_err();
    assert!(matches!(error, StoreError::BrokenChain { revision: Revision(3) }), "{error}");
    assert!(verify_chain(&damaged.store, Revision(4)).is_err(), "the event before the window is its anchor");
    verify_chain(&damaged.store, Revision(5)).unwrap();
}

#[test]
fn a_forged_last_event_is_found_at_start() {
    let damaged = Damaged::new();
    damaged.forge(10);
    assert!(matches!(
        verify_chain(&damaged.store, Revision(1)),
        Err(StoreError::BrokenChain { revision: Revision(10) })
    ));
    assert!(matches!(damaged.reopen(), Err(StoreError::BrokenChain { revision: Revision(10) })));
}

#[test]
fn a_missing_event_is_named() {
    for revision in [1, 4, 7] {
        let damaged = Damaged::new();
        damaged.remove(&Key::event(Revision(revision)));
        let error = format!("e/ revision {revision}: missing from the ledger");
        assert_eq!(told(verify_chain(&damaged.store, Revision(1))), error);
        assert_eq!(damaged.store.event(Revision(revision)).unwrap_err().to_string(), error);
    }
    let damaged = Damaged::new();
    damaged.remove(&Key::event(Revision(10)));
    assert!(matches!(damaged.reopen(), Err(StoreError::MissingEvent { revision: Revision(10) })));
}

#[test]
fn a_missing_or_foreign_part_of_a_long_value_is_named() {
    let key = Key::event(Revision(5));
    let damaged = Damaged::new();
    damaged.remove(&key.chunk(2));
    assert_eq!(told(verify_chain(&damaged.store, Revision(1))), "e/ revision 5: part 2 of the value is missing");

    let damaged = Damaged::new();
    damaged.overwrite(&key.chunk(1), &damaged.raw(&key.chunk(2)));
    let error = told(verify_chain(&damaged.store, Revision(1)));
    assert!(error.starts_with("e/ revision 5, chunk 1: checksum differs"), "{error}");

    let damaged = Damaged::new();
    damaged.overwrite(&key, &damaged.raw(&Key::event(Revision(4))));
    let error = told(verify_chain(&damaged.store, Revision(1)));
    assert!(error.starts_with("e/ revision 5: checksum differs"), "{error}");
}

#[test]
fn parts_of_two_versions_never_pass_for_one_value() {
    let damaged = Damaged::new();
    let (entry, other) = (dossier(1), dossier(2));
    set(&damaged.store, &[(entry, Some(&[1; 9_000]))]);
    let stale = damaged.raw(&entry.key().chunk(1));
    set(&damaged.store, &[(entry, Some(&[2; 9_000])), (other, Some(&[3]))]);
    damaged.overwrite(&entry.key().chunk(1), &stale);
    let error = damaged.store.get(&entry).unwrap_err();
    assert!(matches!(error, StoreError::Corrupt { fault: Fault::PartsDiffer, .. }), "{error}");

    let mut scan = damaged.store.scan(&KeySpan::all(View::Dossier));
    assert!(scan.next().unwrap().is_err());
    assert!(scan.next().is_none(), "a scan ends at its first error");
    drop(scan);
    assert!(damaged.store.replace_view(View::Dossier, 1, &mut std::iter::empty()).is_ok(), "a rebuild heals");
    assert_eq!(damaged.store.engine().tree().scan_prefix(b"s/").count(), 0);
}

#[test]
fn an_event_at_another_revision_than_its_own_is_named() {
    let damaged = Damaged::new();
    let from = Key::event(Revision(2));
    let bytes = damaged.raw(&from);
    let payload = decode(from.as_ref(), &bytes).unwrap().payload.to_vec();
    let to = Key::event(Revision(3));
    Encoder::default().encode(&to, SCHEMA_VERSION, &payload, |key, frame| damaged.overwrite(key, frame)).unwrap();
    let error = damaged.store.event(Revision(3)).unwrap_err();
    assert_eq!(error.to_string(), "e/ revision 3: its envelope says revision 2, its place says 3");
}

#[test]
fn a_foreign_key_inside_a_view_is_named() {
    let damaged = Damaged::new();
    damaged.store.engine().tree().insert(b"s/xyz", b"").unwrap();
    let found = damaged.store.scan(&KeySpan::all(View::Dossier)).next().unwrap();
    assert!(matches!(found, Err(StoreError::Corrupt { fault: Fault::Key, .. })));
}
