//! The store on disk: sled 0.34.7, used so that it loses nothing.
//!
//! Guards against faults of this version, each for a loss that was shown:
//!
//! - **A**: its `flush` is `sync_file_range`, which leaves the disk's cache and
//!   the file's size unwritten. After it we `fdatasync` a handle of our own.
//!   The handle is opened before sled writes, so that a write-back error that
//!   sled's own syncing meets and only logs is reported to ours too.
//! - **B**: half-written snapshots are removed before it opens ([`sled_files`]).
//! - Not a loss, but a leak: it copies a node at every key it sets and leaves the
//!   copies to a collector that runs once in 128 operations and takes 512 things
//!   at a time, so that batches of thousands of keys outrun it for good: 3 KB of
//!   memory a record. After each batch we have it collect as much as was left.
//! - **C**: tree nodes over 128 KiB go to files that are never synced. Frames
//!   are at most 4 KiB ([`super::codec`]), and a file there is warned of.
//!
//! [`sled_files`]: super::sled_files

use std::fs::File;
use std::io;
use std::ops::Bound;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::Identity;
use super::engine::{Batch, CommitError, Engine, Row};
use super::error::StoreError;
use super::keyed::KeyedStore;
use super::sled_files::{Home, holds_files, patiently, sync};

/// A store on disk.
pub type SledStore = KeyedStore<SledEngine>;

/// Every commit flushes, so a thread that flushes now and then would only compete with it. Its other work, rewriting
/// sparse segments, made no difference to the size that the files settle at.
const FLUSH_EVERY_MS: Option<u64> = None;

/// Commits between looks at the directory of oversized nodes.
const BLOB_LOOK_EVERY: u64 = 4096;

/// Keys of a batch after which the collector is called once: it takes 512 things a call, and each key leaves a few,
/// which are free only two calls later.
const KEYS_A_COLLECTION: usize = 64;

impl SledStore {
    /// Opens the store in directory `path`, or creates one there. `cache_bytes` bounds sled's page cache, which it
    /// overruns about twofold. A store has one opener at a time; an earlier one is waited for, two seconds.
    ///
    /// # Errors
    /// [`StoreError::InUse`], [`StoreError::NewerSchema`], [`StoreError::NotAStore`], [`StoreError::Corrupt`],
    /// [`StoreError::BrokenChain`], or what file system or engine refused.
    pub fn open(path: &Path, cache_bytes: u64) -> Result<Self, StoreError> {
        let home = Home::enter(path)?;
        if !home.engine().exists() {
            let unfinished = home.unfinished();
            let engine = SledEngine::open(&unfinished, cache_bytes)?;
            Self::create(&engine, Identity::fresh())?;
            drop(engine);
            home.finish()?;
        }
        // sled would make a missing data file anew, empty.
        let data = home.engine().join("db");
        if !data.exists() {
            return Err(StoreError::io("opening the engine's data", &data)(io::ErrorKind::NotFound.into()));
        }
        let mut engine = SledEngine::open(&home.engine(), cache_bytes)?;
        engine.home = Some(home);
        Self::start(engine)
    }
}

/// sled, its data file once more, and the lock. Fields are dropped in this order: the lock last.
#[derive(Debug)]
pub struct SledEngine {
    db: sled::Db,
    data: File,
    data_path: PathBuf,
    blobs: PathBuf,
    commits: AtomicU64,
    warned_of_blobs: AtomicBool,
    home: Option<Home>,
}

impl SledEngine {
    pub(super) fn open(directory: &Path, cache_bytes: u64) -> Result<Self, StoreError> {
        let data_path = directory.join("db");
        std::fs::create_dir_all(directory).map_err(StoreError::io("creating the directory", directory))?;
        let data = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&data_path)
            .map_err(StoreError::io("opening the engine's data", &data_path))?;
        let config = sled::Config::new()
            .path(directory)
            .cache_capacity(cache_bytes)
            // The default; this version keeps the mode and never reads it.
            .mode(sled::Mode::LowSpace)
            .flush_every_ms(FLUSH_EVERY_MS);
        let db = patiently(&data_path, || match config.open() {
            Ok(db) => Ok(Some(db)),
            Err(error) if is_locked(&error) => Ok(None),
            Err(error) if is_full(&error) => Err(StoreError::Full),
            Err(source) => Err(StoreError::Engine { doing: "opening the engine", source: source.into() }),
        })?;
        // Opening may have written a snapshot and removed the one before it.
        sync(directory)?;
        let engine = Self {
            db,
            data,
            data_path,
            blobs: directory.join("blobs"),
            commits: AtomicU64::new(0),
            warned_of_blobs: AtomicBool::new(false),
            home: None,
        };
        engine.look_for_blobs()?;
        Ok(engine)
    }

    fn look_for_blobs(&self) -> Result<(), StoreError> {
        if !self.warned_of_blobs.load(Ordering::Relaxed) && holds_files(&self.blobs)? {
            self.warned_of_blobs.store(true, Ordering::Relaxed);
            tracing::warn!(
                store.directory = %self.blobs.display(),
                "the engine keeps oversized nodes outside its log, where a power cut can lose them: back up now"
            );
        }
        Ok(())
    }

    /// Applies all of `batch` or none of it; visible, and not durable before the next commit.
    pub(super) fn apply(&self, batch: SledBatch) -> Result<(), CommitError> {
        let keys = batch.keys;
        self.db.apply_batch(batch.writes).map_err(failed("writing a batch"))?;
        collect(keys);
        Ok(())
    }

    /// The tree, for tests that damage it.
    #[cfg(test)]
    pub fn tree(&self) -> &sled::Tree {
        &self.db
    }
}

impl Engine for SledEngine {
    type Bytes = sled::IVec;
    type Batch = SledBatch;

    fn get(&self, key: &[u8]) -> Result<Option<sled::IVec>, StoreError> {
        self.db.get(key).map_err(reading)
    }

    fn rows(&self, from: Bound<&[u8]>, until: &[u8], most: usize) -> Result<Vec<Row<sled::IVec>>, StoreError> {
        let range = self.db.range::<&[u8], _>((from, Bound::Excluded(until)));
        range.take(most).map(|row| row.map_err(reading)).collect()
    }

    fn commit(&self, batch: SledBatch) -> Result<(), CommitError> {
        self.db.apply_batch(batch.writes).map_err(failed("writing a batch"))?;
        self.db.flush().map_err(failed("flushing a batch"))?;
        self.data.sync_data().map_err(|error| {
            if is_no_room(&error) {
                CommitError::Full
            } else {
                CommitError::Failed(StoreError::io("syncing", &self.data_path)(error))
            }
        })?;
        collect(batch.keys);
        if self.commits.fetch_add(1, Ordering::Relaxed) % BLOB_LOOK_EVERY == BLOB_LOOK_EVERY - 1
            && let Err(error) = self.look_for_blobs()
        {
            // The batch is durable: failing to look beside it must not say otherwise.
            tracing::warn!(error = %error, "could not look for oversized nodes");
        }
        Ok(())
    }
}

/// A batch of the one tree.
#[derive(Debug, Default)]
pub struct SledBatch {
    writes: sled::Batch,
    keys: usize,
}

impl Batch for SledBatch {
    fn put(&mut self, key: &[u8], value: &[u8]) {
        self.writes.insert(key, value);
        self.keys += 1;
    }

    fn remove(&mut self, key: &[u8]) {
        self.writes.remove(key);
        self.keys += 1;
    }
}

/// Has the collector that sled shares with this process free what a batch of so many keys left.
fn collect(keys: usize) {
    for _ in 0..=keys / KEYS_A_COLLECTION {
        crossbeam_epoch::pin().flush();
    }
}

fn failed(doing: &'static str) -> impl FnOnce(sled::Error) -> CommitError {
    move |error| {
        if is_full(&error) {
            CommitError::Full
        } else {
            CommitError::Failed(StoreError::Engine { doing, source: error.into() })
        }
    }
}

fn reading(source: sled::Error) -> StoreError {
    StoreError::Engine { doing: "reading", source: source.into() }
}

/// sled tells of a held lock in its message alone.
fn is_locked(error: &sled::Error) -> bool {
    matches!(error, sled::Error::Io(error) if error.to_string().starts_with("could not acquire lock"))
}

fn is_full(error: &sled::Error) -> bool {
    matches!(error, sled::Error::Io(error) if is_no_room(error))
}

fn is_no_room(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge)
}
