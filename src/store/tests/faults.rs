//! After a write whose outcome is unknown, no write is taken; the store itself still lets reads through.

use std::ops::Bound;
use std::sync::atomic::{AtomicBool, Ordering};

use super::super::engine::{CommitError, Engine, Row};
use super::super::keyed::KeyedStore;
use super::super::memory::{MemoryBatch, MemoryEngine};
use super::super::{AppendError, Identity, StoreError, View};
use super::*;

/// Memory whose commits can be made to fail.
#[derive(Default)]
struct Failing {
    memory: MemoryEngine,
    fails: AtomicBool,
    full: bool,
}

impl Engine for Failing {
    type Bytes = <MemoryEngine as Engine>::Bytes;
    type Batch = MemoryBatch;

    fn get(&self, key: &[u8]) -> Result<Option<Self::Bytes>, StoreError> {
        self.memory.get(key)
    }

    fn rows(&self, from: Bound<&[u8]>, until: &[u8], most: usize) -> Result<Vec<Row<Self::Bytes>>, StoreError> {
        self.memory.rows(from, until, most)
    }

    fn apply(&self, batch: MemoryBatch) -> Result<(), CommitError> {
        // The worst case: the sync fails, and yet it is there.
        self.memory.apply(batch)
    }

    fn sync(&self) -> Result<(), CommitError> {
        if !self.fails.load(Ordering::Relaxed) {
            return self.memory.sync();
        }
        if self.full {
            return Err(CommitError::Full);
        }
        Err(CommitError::Failed(StoreError::Engine { doing: "syncing", source: "no answer from the disk".into() }))
    }

    fn reopen(&self) -> Result<(), StoreError> {
        self.memory.reopen()
    }
}

fn failing(full: bool) -> KeyedStore<Failing> {
    let engine = Failing { full, ..Failing::default() };
    KeyedStore::create(&engine, Identity::fresh()).unwrap();
    KeyedStore::start(engine).unwrap()
}

fn try_append(store: &dyn Store) -> Result<Head, AppendError> {
    let head = store.head().unwrap();
    store.append(&head, &Group { events: events_after(&head, &[1]), views: Vec::new() })
}

#[test]
fn a_store_that_failed_to_sync_takes_no_more_writes() {
    let store = failing(false);
    let head = try_append(&store).unwrap();
    store.engine().fails.store(true, Ordering::Relaxed);
    assert!(matches!(try_append(&store), Err(AppendError::Failed(StoreError::Engine { .. }))));
    store.engine().fails.store(false, Ordering::Relaxed);
    let refused = [try_append(&store).map(drop), store.replace_view(View::Dossier, 1, &mut std::iter::empty())];
    for refused in refused {
        let error = refused.unwrap_err();
        assert!(matches!(error, AppendError::Failed(StoreError::Stopped { .. })), "{error}");
        assert!(error.to_string().contains("no answer from the disk"), "{error}");
    }
    assert_eq!(store.head().unwrap(), head, "what is not known to be durable is not published");
    assert!(store.event(head.revision).unwrap().is_some(), "reads go on");
    assert_eq!(store.event(head.revision.next()).unwrap(), None, "and stop at the head");
}

#[test]
fn a_store_on_a_full_disk_says_so_once_and_is_then_read_only() {
    let store = failing(true);
    try_append(&store).unwrap();
    store.engine().fails.store(true, Ordering::Relaxed);
    assert!(matches!(try_append(&store), Err(AppendError::Full)));
    store.engine().fails.store(false, Ordering::Relaxed);
    assert!(matches!(try_append(&store), Err(AppendError::ReadOnly)));
    assert_eq!(store.events(ALL.0, ALL.1).count(), 1);
}
