//! The store without a disk, for tests and dry runs. The same rules, frames
//! and keys as on disk; nothing outlives the process.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::{Arc, PoisonError, RwLock};

use super::Identity;
use super::engine::{Batch, CommitError, Engine, Row};
use super::error::StoreError;
use super::keyed::KeyedStore;

/// An in-memory store.
pub type MemoryStore = KeyedStore<MemoryEngine>;

impl MemoryStore {
    /// An empty store.
    pub fn new(identity: Identity) -> Self {
        let engine = MemoryEngine::default();
        Self::create(&engine, identity).expect("an empty map must take the first keys");
        Self::start(engine).expect("a store just created must open")
    }
}

type Bytes = Arc<[u8]>;

/// A sorted map behind a lock.
#[derive(Debug, Default)]
pub struct MemoryEngine {
    rows: RwLock<BTreeMap<Bytes, Bytes>>,
}

impl Engine for MemoryEngine {
    type Bytes = Bytes;
    type Batch = MemoryBatch;

    fn get(&self, key: &[u8]) -> Result<Option<Bytes>, StoreError> {
        // A batch is applied without a call that can panic half-way, so a poisoned lock still guards whole batches.
        Ok(self.rows.read().unwrap_or_else(PoisonError::into_inner).get(key).cloned())
    }

    fn rows(&self, from: Bound<&[u8]>, until: &[u8], most: usize) -> Result<Vec<Row<Bytes>>, StoreError> {
        let rows = self.rows.read().unwrap_or_else(PoisonError::into_inner);
        let range = rows.range::<[u8], _>((from, Bound::Unbounded));
        let inside = range.take_while(|(key, _)| key.as_ref() < until);
        Ok(inside.take(most).map(|(key, value)| (Arc::clone(key), Arc::clone(value))).collect())
    }

    fn apply(&self, batch: MemoryBatch) -> Result<(), CommitError> {
        let mut rows = self.rows.write().unwrap_or_else(PoisonError::into_inner);
        for (key, value) in batch.writes {
            match value {
                Some(value) => rows.insert(key, value),
                None => rows.remove(&key),
            };
        }
        Ok(())
    }

    fn sync(&self) -> Result<(), CommitError> {
        Ok(())
    }

    fn reopen(&self) -> Result<(), StoreError> {
        Ok(())
    }
}

/// Writes in the order in which they were made.
#[derive(Debug, Default)]
pub struct MemoryBatch {
    writes: Vec<(Bytes, Option<Bytes>)>,
}

impl Batch for MemoryBatch {
    fn put(&mut self, key: &[u8], value: &[u8]) {
        self.writes.push((key.into(), Some(value.into())));
    }

    fn remove(&mut self, key: &[u8]) {
        self.writes.push((key.into(), None));
    }
}
