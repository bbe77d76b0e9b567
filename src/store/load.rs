//! A new store on disk, filled with events that another one acknowledged: their
//! stored bytes unchanged, under the schema that each was written in. Fast,
//! because nothing is durable until all of it is: no batch is synced, and the
//! engine's files get their name when every one of them is on the disk. Views are
//! left to whoever can derive them.
//!
//! It never adds to a store that is there, and never seals or judges an event; it
//! does check that each follows the one before.

use std::path::{Path, PathBuf};

use super::codec::Encoder;
use super::engine::{Batch, CommitError, Engine};
use super::error::StoreError;
use super::keyed::{KeyedStore, facts, head_bytes};
use super::keys::Key;
use super::pace::{Pace, Stage, Steps};
use super::sled_files::Home;
use super::sled_store::{SledBatch, SledEngine, SledStore};
use super::{Head, Identity, SCHEMA_VERSION, StoredEvent};

/// Cache of the engine while it is filled: in key order, so that little of it is needed twice.
const CACHE_BYTES: u64 = 64 << 20;
/// Events and bytes of a batch.
const BATCH_EVENTS: usize = 4_096;
const BATCH_BYTES: usize = 4 << 20;

/// Why a store could not be filled.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// There is a store already.
    #[error("{}: a store is there already; only a new one can be filled", path.display())]
    Occupied {
        /// Its engine's files.
        path: PathBuf,
    },
    /// The pace said stop.
    #[error("stopped as asked")]
    Stopped,
    /// The events do not follow each other, or engine or file system refused.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl SledStore {
    /// Fills a new store in `directory` with `events` from the first on, and gives its head. Whatever else is in
    /// the directory stays. Open it with [`SledStore::open`].
    ///
    /// # Errors
    /// [`LoadError`], or the first error of `events`. No store is there then.
    pub fn load<E: From<LoadError>>(
        directory: &Path,
        identity: Identity,
        events: impl Iterator<Item = Result<StoredEvent, E>>,
        pace: &mut dyn Pace,
    ) -> Result<Head, E> {
        let home = Home::enter(directory).map_err(LoadError::from)?;
        fill(&home, identity, &Head::EMPTY, events, pace)
    }

    /// As [`load`](Self::load), of a ledger that begins after `before`, opened to be read back. For proving a
    /// backup: such a store cannot serve, as its first events are not in it.
    pub(super) fn load_part<E: From<LoadError>>(
        directory: &Path,
        identity: Identity,
        before: &Head,
        events: impl Iterator<Item = Result<StoredEvent, E>>,
        pace: &mut dyn Pace,
    ) -> Result<Self, E> {
        let home = Home::enter(directory).map_err(LoadError::from)?;
        fill(&home, identity, before, events, pace)?;
        let opened = SledEngine::open(&home.engine(), CACHE_BYTES).and_then(KeyedStore::start);
        Ok(opened.map_err(LoadError::from)?)
    }
}

/// Fills the engine of a directory that is held already with the events after `before`.
///
/// # Errors
/// [`LoadError`], or the first error of `events`. No engine is there then.
pub fn fill<E: From<LoadError>>(
    home: &Home,
    identity: Identity,
    before: &Head,
    events: impl Iterator<Item = Result<StoredEvent, E>>,
    pace: &mut dyn Pace,
) -> Result<Head, E> {
    if home.engine().exists() {
        return Err(LoadError::Occupied { path: home.engine() }.into());
    }
    let unfinished = Unfinished { path: home.unfinished() };
    let engine = SledEngine::open(&unfinished.path, CACHE_BYTES).map_err(LoadError::from)?;
    let mut filling = Filling { engine, encoder: Encoder::default(), batch: SledBatch::default(), head: *before };
    facts(&identity, |key, payload| filling.put(&key, SCHEMA_VERSION, payload));
    let mut steps = Steps::new(pace, Stage::Load);
    let (mut count, mut bytes) = (0, 0);
    for event in events {
        let event = event?;
        filling.event(&event).map_err(LoadError::from)?;
        (count, bytes) = (count + 1, bytes + event.bytes().len());
        if count >= BATCH_EVENTS || bytes >= BATCH_BYTES {
            filling.apply().map_err(LoadError::from)?;
            (count, bytes) = (0, 0);
        }
        if steps.event(event.bytes().len()).is_break() {
            return Err(LoadError::Stopped.into());
        }
    }
    let head = filling.finish().map_err(LoadError::from)?;
    home.finish().map_err(LoadError::from)?;
    if steps.end().is_break() {
        tracing::debug!("told to stop when nothing was left to do");
    }
    Ok(head)
}

/// An engine being filled.
struct Filling {
    engine: SledEngine,
    encoder: Encoder,
    batch: SledBatch,
    head: Head,
}

impl Filling {
    fn put(&mut self, key: &Key, schema_version: u16, payload: &[u8]) {
        let batch = &mut self.batch;
        let put = |key: &Key, frame: &[u8]| batch.put(key.as_ref(), frame);
        self.encoder.encode(key, schema_version, payload, put).expect("a fact about the store must fit one frame");
    }

    fn event(&mut self, event: &StoredEvent) -> Result<(), StoreError> {
        self.head = self.head.followed_by(event)?;
        let batch = &mut self.batch;
        let put = |key: &Key, frame: &[u8]| batch.put(key.as_ref(), frame);
        let kept = self.encoder.encode(&Key::event(event.revision), event.schema_version(), event.bytes(), put);
        kept.map_err(|unfit| StoreError::Engine { doing: "filling the store", source: unfit.into() })?;
        Ok(())
    }

    fn apply(&mut self) -> Result<(), StoreError> {
        self.engine.apply(std::mem::take(&mut self.batch)).map_err(refused)
    }

    /// The head last, and all of it on the disk.
    fn finish(mut self) -> Result<Head, StoreError> {
        let head = self.head;
        self.put(&Key::head(), SCHEMA_VERSION, &head_bytes(&head));
        self.engine.commit(self.batch).map_err(refused)?;
        Ok(head)
    }
}

fn refused(error: CommitError) -> StoreError {
    match error {
        CommitError::Full => StoreError::Full,
        CommitError::Failed(error) => error,
    }
}

/// The engine's files until they have their name: removed where the filling fails. A kill leaves them, for the next
/// to enter the directory to remove.
struct Unfinished {
    path: PathBuf,
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        if self.path.exists()
            && let Err(error) = std::fs::remove_dir_all(&self.path)
        {
            tracing::warn!(store.file = %self.path.display(), error = %error, "could not remove an unfinished store");
        }
    }
}
