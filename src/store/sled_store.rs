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
//! - **E**: it skips what is damaged in its log as it opens, without a word, and
//!   goes on with pages of different ages. The log is checked first ([`sled_log`]).
//!
//! [`sled_files`]: super::sled_files
//! [`sled_log`]: super::sled_log

use std::fs::{File, TryLockError};
use std::ops::Bound;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Instant;

use metrics::histogram;

use super::Identity;
use super::engine::{Batch, CommitError, Engine, Row};
use super::error::{Panicked, StoreError, is_no_room};
use super::keyed::KeyedStore;
use super::sled_files::{Home, holds_files, patiently, remove_half_written_snapshots, sync};
use super::sled_log;
use crate::telemetry::metrics::ENGINE_SYNC_SECONDS;

/// A store on disk.
pub type SledStore = KeyedStore<SledEngine>;

/// Syncs flush, so a thread that flushes now and then would only compete with it. Its other work, rewriting
/// sparse segments, made no difference to the size that the files settle at.
const FLUSH_EVERY_MS: Option<u64> = None;

/// Commits between looks at the directory of oversized nodes.
const BLOB_LOOK_EVERY: u64 = 4096;

/// Keys of a batch after which the collector is called once: it takes 512 things a call, and each key leaves a few,
/// which are free only two calls later.
const KEYS_A_COLLECTION: usize = 64;

impl SledStore {
    /// Opens the store in directory `path`, or creates one there, without a recovery journal: every write is synced
    /// before it returns. For benchmarks, scratch stores and tests; the service opens through [`super::recovery`].
    /// `cache_bytes` bounds sled's page cache, which it overruns about twofold. A store has one opener at a time; an
    /// earlier one is waited for, two seconds.
    ///
    /// # Errors
    /// [`StoreError::InUse`], [`StoreError::NewerSchema`], [`StoreError::NotAStore`], [`StoreError::Corrupt`],
    /// [`StoreError::BrokenChain`], or what file system or engine refused.
    pub fn open(path: &Path, cache_bytes: u64) -> Result<Self, StoreError> {
        let home = Home::enter(path)?;
        if !home.engine().exists() {
            create(&home, cache_bytes, Identity::fresh())?;
        }
        let mut engine = SledEngine::open_existing(&home.engine(), cache_bytes)?;
        engine.hold(Arc::new(home));
        Self::start(engine)
    }
}

/// Makes the engine's files of a new store, whole or not at all.
///
/// # Errors
/// What file system or engine refused.
pub(super) fn create(home: &Home, cache_bytes: u64, identity: Identity) -> Result<(), StoreError> {
    let engine = SledEngine::open(&home.unfinished(), cache_bytes)?;
    SledStore::create(&engine, identity)?;
    drop(engine);
    home.finish()
}

/// sled, which can be closed and opened again in place, and the lock. Fields are dropped in this order: the lock last.
#[derive(Debug)]
pub struct SledEngine {
    /// `None`: closed, and could not be opened again. Readers hold this for a page at a time.
    open: RwLock<Option<Open>>,
    directory: PathBuf,
    cache_bytes: u64,
    commits: AtomicU64,
    warned_of_blobs: AtomicBool,
    home: Option<Arc<Home>>,
}

/// sled, and its data file once more.
#[derive(Debug)]
struct Open {
    db: sled::Db,
    data: File,
}

impl Open {
    /// sled meets damage by panicking as often as by an error: both are errors here.
    fn new(directory: &Path, cache_bytes: u64) -> Result<Self, StoreError> {
        let opened = catch_unwind(AssertUnwindSafe(|| Self::unguarded(directory, cache_bytes)));
        opened.unwrap_or_else(|_| Err(StoreError::Engine { doing: "opening the engine", source: Panicked.into() }))
    }

    fn unguarded(directory: &Path, cache_bytes: u64) -> Result<Self, StoreError> {
        let data_path = directory.join("db");
        std::fs::create_dir_all(directory).map_err(StoreError::io("creating the directory", directory))?;
        let data = File::options()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .open(&data_path)
            .map_err(StoreError::io("opening the engine's data", &data_path))?;
        check_log(directory, &data, &data_path)?;
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
        Ok(Self { db, data })
    }
}

impl SledEngine {
    /// Opens the engine in `directory`, or makes one there.
    ///
    /// # Errors
    /// What file system or engine refused; a panic of the engine is an error of it.
    pub(super) fn open(directory: &Path, cache_bytes: u64) -> Result<Self, StoreError> {
        let engine = Self {
            open: RwLock::new(Some(Open::new(directory, cache_bytes)?)),
            directory: directory.to_owned(),
            cache_bytes,
            commits: AtomicU64::new(0),
            warned_of_blobs: AtomicBool::new(false),
            home: None,
        };
        engine.look_for_blobs()?;
        Ok(engine)
    }

    /// As [`open`](Self::open), and never makes a data file: sled would make a missing one anew, empty.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub(super) fn open_existing(directory: &Path, cache_bytes: u64) -> Result<Self, StoreError> {
        let data = directory.join("db");
        match std::fs::metadata(&data) {
            Ok(_) => Self::open(directory, cache_bytes),
            Err(error) => Err(StoreError::io("opening the engine's data", &data)(error)),
        }
    }

    /// Keeps the directory's lock for as long as the engine is open.
    pub(super) fn hold(&mut self, home: Arc<Home>) {
        self.home = Some(home);
    }

    fn look_for_blobs(&self) -> Result<(), StoreError> {
        let blobs = self.directory.join("blobs");
        if !self.warned_of_blobs.load(Ordering::Relaxed) && holds_files(&blobs)? {
            self.warned_of_blobs.store(true, Ordering::Relaxed);
            tracing::warn!(
                store.directory = %blobs.display(),
                "the engine keeps oversized nodes outside its log, where a power cut can lose them: back up now"
            );
        }
        Ok(())
    }

    /// Runs something on the open engine; a panic of it on damaged files is an error. A poisoned lock guards a whole
    /// engine: nothing panics while it is replaced.
    fn with<T, X: From<StoreError>>(
        &self,
        doing: &'static str,
        run: impl FnOnce(&Open) -> Result<T, X>,
    ) -> Result<T, X> {
        let open = self.open.read().unwrap_or_else(PoisonError::into_inner);
        let open = open.as_ref().ok_or_else(closed)?;
        let ran = catch_unwind(AssertUnwindSafe(|| run(open)));
        ran.unwrap_or_else(|_| Err(StoreError::Engine { doing, source: Panicked.into() }.into()))
    }

    /// The tree, for tests that damage it.
    #[cfg(test)]
    pub fn tree(&self) -> sled::Tree {
        let open = self.open.read().unwrap();
        (**open.as_ref().map(|open| &open.db).unwrap()).clone()
    }
}

impl Engine for SledEngine {
    type Bytes = sled::IVec;
    type Batch = SledBatch;

    fn get(&self, key: &[u8]) -> Result<Option<sled::IVec>, StoreError> {
        self.with("reading", |open| open.db.get(key).map_err(reading))
    }

    fn rows(&self, from: Bound<&[u8]>, until: &[u8], most: usize) -> Result<Vec<Row<sled::IVec>>, StoreError> {
        self.with("reading", |open| {
            let range = open.db.range::<&[u8], _>((from, Bound::Excluded(until)));
            range.take(most).map(|row| row.map_err(reading)).collect()
        })
    }

    fn apply(&self, batch: SledBatch) -> Result<(), CommitError> {
        self.with("writing a batch", |open| open.db.apply_batch(batch.writes).map_err(failed("writing a batch")))?;
        collect(batch.keys);
        if self.commits.fetch_add(1, Ordering::Relaxed) % BLOB_LOOK_EVERY == BLOB_LOOK_EVERY - 1
            && let Err(error) = self.look_for_blobs()
        {
            // The batch is kept: failing to look beside it must not say otherwise.
            tracing::warn!(error = %error, "could not look for oversized nodes");
        }
        Ok(())
    }

    fn sync(&self) -> Result<(), CommitError> {
        let begun = Instant::now();
        self.with("flushing", |open| {
            open.db.flush().map_err(failed("flushing"))?;
            // Whatever fdatasync fails with, a full disk too, pages may have been dropped: it is final.
            let data = self.directory.join("db");
            open.data.sync_data().map_err(|error| CommitError::Failed(StoreError::refused("syncing", &data)(error)))?;
            histogram!(ENGINE_SYNC_SECONDS).record(begun.elapsed().as_secs_f64());
            Ok(())
        })
    }

    fn reopen(&self) -> Result<(), StoreError> {
        let mut open = self.open.write().unwrap_or_else(PoisonError::into_inner);
        // Closing flushes, which a broken engine may answer with a panic of its own.
        let closing = open.take();
        if catch_unwind(AssertUnwindSafe(|| drop(closing))).is_err() {
            tracing::warn!("the engine panicked while it was closed");
        }
        remove_half_written_snapshots(&self.directory)?;
        *open = Some(Open::new(&self.directory, self.cache_bytes)?);
        Ok(())
    }
}

/// Checks what sled is about to replay, while nobody else can be writing it: an earlier sled holds the same lock until
/// all its threads are done.
fn check_log(directory: &Path, data: &File, data_path: &Path) -> Result<(), StoreError> {
    patiently(data_path, || match data.try_lock() {
        Ok(()) => Ok(Some(())),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(StoreError::io("locking", data_path)(error)),
    })?;
    let checked = sled_log::check(directory, data);
    data.unlock().map_err(StoreError::io("unlocking", data_path))?;
    checked
}

/// The engine is closed since the disk was full.
fn closed() -> StoreError {
    StoreError::Full
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

/// A write behind that found the disk full fails what is read next: that is no damage.
fn reading(source: sled::Error) -> StoreError {
    if is_full(&source) {
        return StoreError::Full;
    }
    StoreError::Engine { doing: "reading", source: source.into() }
}

/// sled tells of a held lock in its message alone.
fn is_locked(error: &sled::Error) -> bool {
    matches!(error, sled::Error::Io(error) if error.to_string().starts_with("could not acquire lock"))
}

fn is_full(error: &sled::Error) -> bool {
    matches!(error, sled::Error::Io(error) if is_no_room(error))
}
