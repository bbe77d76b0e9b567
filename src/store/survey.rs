//! How a store looks from outside, to somebody who has not opened it: whether a
//! server has it open, which files are there, and what those say that can be read
//! beside a running server. Takes no lock for longer than it looks at it, makes
//! nothing, and writes nothing.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use super::checkpoint::Checkpoint;
use super::error::StoreError;
use super::journal::{self, JournalError, SegmentReport};
use super::sled_log;
use super::space::on_disk;
use super::suspicion::Suspicion;
use crate::domain::Revision;

/// What was found in a data directory.
#[derive(Debug)]
pub struct Survey {
    /// A server has it open.
    pub in_use: bool,
    /// Bytes of the engine's files; `None`: there are none.
    pub engine_bytes: Option<u64>,
    /// The engine's log as a start would find it: what is wrong. Not looked at while a server writes it.
    pub engine_log: Option<String>,
    /// The segments of the journal.
    pub journal: Vec<SegmentReport>,
    /// How far the engine is known to have the ledger on the disk, and whether the store was closed in order after that.
    pub checkpoint: Option<(Revision, bool)>,
    /// Damage that an earlier server met and left to the next start.
    pub suspect: Option<String>,
    /// What earlier starts set aside.
    pub quarantine: Vec<PathBuf>,
}

/// Why a data directory cannot be looked at.
#[derive(Debug, thiserror::Error)]
pub enum SurveyError {
    /// The file system refused.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The journal cannot be read.
    #[error(transparent)]
    Journal(#[from] JournalError),
}

impl Survey {
    /// Looks at the store in `root`. `None`: there is no store.
    ///
    /// # Errors
    /// What the file system refused.
    pub fn of(root: &Path) -> Result<Option<Self>, SurveyError> {
        let (engine, segments) = (root.join("sled"), root.join("journal"));
        if !engine.exists() && !segments.exists() {
            return Ok(None);
        }
        let in_use = in_use(root)?;
        let engine_log = if in_use { None } else { log_fault(&engine)? };
        Ok(Some(Self {
            in_use,
            engine_bytes: engine.exists().then(|| on_disk(&engine)),
            engine_log,
            journal: if segments.exists() { journal::inspect(&segments)? } else { Vec::new() },
            checkpoint: Checkpoint::read(root)?.map(|kept| (kept.synced.revision, kept.closed)),
            suspect: Suspicion::of(root).earlier()?,
            quarantine: entries(&root.join("quarantine"))?,
        }))
    }
}

/// Whether somebody has the store open. The lock is asked for and let go of at once; a server that starts in that moment
/// asks for it again.
///
/// # Errors
/// What the file system refused.
pub fn in_use(root: &Path) -> Result<bool, StoreError> {
    let path = root.join("lock");
    let lock = match File::open(&path) {
        Ok(lock) => lock,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(StoreError::io("opening the lock", &path)(error)),
    };
    match lock.try_lock() {
        Ok(()) => Ok(false),
        Err(TryLockError::WouldBlock) => Ok(true),
        Err(TryLockError::Error(error)) => Err(StoreError::io("trying the lock", &path)(error)),
    }
}

fn log_fault(engine: &Path) -> Result<Option<String>, StoreError> {
    let path = engine.join("db");
    let data = match File::open(&path) {
        Ok(data) => data,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(StoreError::io("opening the engine's log", &path)(error)),
    };
    match sled_log::check(engine, &data) {
        Ok(()) => Ok(None),
        Err(error @ StoreError::Engine { .. }) => Ok(Some(error.to_string())),
        Err(error) => Err(error),
    }
}

/// What is in a directory, in order; nothing where it is not there.
fn entries(directory: &Path) -> Result<Vec<PathBuf>, StoreError> {
    let listed = match fs::read_dir(directory) {
        Ok(listed) => listed,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(StoreError::io("listing", directory)(error)),
    };
    let mut paths: Vec<PathBuf> = listed
        .map(|entry| Ok(entry?.path()))
        .collect::<io::Result<_>>()
        .map_err(StoreError::io("listing", directory))?;
    paths.sort();
    Ok(paths)
}
