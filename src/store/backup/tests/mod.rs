//! What a backup promises: the same bytes back, or an error that names the file.

mod chains;
mod damage;
mod older;
mod restores;
mod round;

use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::{BackupError, BackupFile, Catalogue, Unverified, check, write};
use crate::domain::{Revision, SubjectId};
use crate::store::{Group, Head, Identity, MemoryStore, SCHEMA_VERSION, SledStore, Store, StoredEvent, Unpaced, pb};

const CACHE_BYTES: u64 = 4 << 20;
/// Instant of the first event; each later one is recorded a second after the one before.
const BEGIN_SECONDS: i64 = 1_700_000_000;

pub(crate) fn recorded(revision: u64) -> Timestamp {
    Timestamp::from_second(BEGIN_SECONDS + i64::try_from(revision).unwrap()).unwrap()
}

/// An event whose stored size follows `size`.
fn event(revision: u64, size: usize) -> pb::Event {
    let letter = char::from(b'a' + u8::try_from(revision % 26).unwrap());
    pb::Event {
        revision,
        recorded_micros: recorded(revision).as_microsecond(),
        actor: "import".to_owned(),
        request_id: revision.to_be_bytes().repeat(2),
        subject_id: SubjectId(u32::try_from(revision % 7).unwrap()).0,
        has_subject: true,
        schema_version: SCHEMA_VERSION.into(),
        body: Some(pb::event::Body::EvidenceWithdrawn(pb::EvidenceWithdrawn {
            reason: letter.to_string().repeat(size),
            ..Default::default()
        })),
        ..Default::default()
    }
}

pub(crate) fn append(store: &dyn Store, sizes: &[usize]) -> Head {
    let head = store.head().unwrap();
    let events = (head.revision.0 + 1..).zip(sizes).map(|(revision, size)| event(revision, *size)).collect();
    store.append(&head, &Group { events, views: Vec::new() }).unwrap()
}

pub(crate) fn memory() -> MemoryStore {
    MemoryStore::new(Identity::fresh())
}

fn open(directory: &Path) -> SledStore {
    SledStore::open(directory, CACHE_BYTES).unwrap()
}

pub(crate) fn all(store: &dyn Store) -> Vec<StoredEvent> {
    store.stored_events(Revision(1), Revision(u64::MAX)).map(Result::unwrap).collect()
}

/// The head of `store` at an earlier revision.
pub(crate) fn head_at(store: &dyn Store, revision: u64) -> Head {
    let event = store.stored_event(Revision(revision)).unwrap();
    event.map_or(Head::EMPTY, |event| Head { revision: event.revision, hash: event.hash() })
}

/// A directory for backups and one for scratch.
pub(crate) struct Place {
    home: tempfile::TempDir,
}

impl Place {
    pub(crate) fn new() -> Self {
        Self { home: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    pub(crate) fn backups(&self) -> PathBuf {
        self.path("backups")
    }

    fn written(&self, store: &dyn Store, before: Head, through: Head, at: Timestamp) -> Unverified {
        write(store, before, through, &self.backups(), at, &mut Unpaced).unwrap()
    }

    fn checked(&self, unverified: Unverified, live: &dyn Store) -> Result<BackupFile, BackupError> {
        check(unverified, live, &self.path("scratch"), &mut Unpaced)
    }

    /// A verified backup of `before`..`through`, made when the event `through` was recorded.
    pub(crate) fn between(&self, store: &dyn Store, before: u64, through: u64) -> BackupFile {
        let (before, through) = (head_at(store, before), head_at(store, through));
        let unverified = self.written(store, before, through, recorded(through.revision.0));
        self.checked(unverified, store).unwrap()
    }

    pub(crate) fn catalogue(&self) -> Catalogue {
        Catalogue::read(&self.backups()).unwrap()
    }

    pub(crate) fn names(&self, of: &str) -> Vec<String> {
        let Ok(entries) = std::fs::read_dir(self.path(of)) else { return Vec::new() };
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }
}
