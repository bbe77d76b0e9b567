//! The files of a store on disk: who may open them, what a kill leaves behind,
//! and what must be on the disk itself before the store counts as created.
//!
//! | in the store's directory | |
//! |---|---|
//! | `lock` | held for as long as the store is open |
//! | `sled/` | the engine's files |
//! | `sled.new/` | a creation that was not finished; removed |
//!
//! Nothing here reads or writes a stored value.

use std::fs::{self, DirBuilder, File, TryLockError};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use super::error::StoreError;

/// What the names of directories begin with whose contents are worth nothing to a later process.
pub const SCRATCH: &str = "scratch-";

/// How long an earlier holder of a lock is waited for: sled may hold its lock for some time after it is dropped.
const PATIENCE: Duration = Duration::from_secs(2);
const BETWEEN_ATTEMPTS: Duration = Duration::from_millis(5);

/// The directory of a store, ours alone while this lives.
#[derive(Debug)]
pub struct Home {
    root: PathBuf,
    _lock: File,
}

impl Home {
    /// Makes the directory if there is none, takes its lock, and removes what an interrupted start left behind.
    ///
    /// # Errors
    /// [`StoreError::InUse`] after two seconds, or what the file system refused.
    pub fn enter(root: &Path) -> Result<Self, StoreError> {
        make_private(root).map_err(StoreError::io("creating the directory", root))?;
        let path = root.join("lock");
        let lock = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .map_err(StoreError::io("opening the lock", &path))?;
        patiently(&path, || match lock.try_lock() {
            Ok(()) => Ok(Some(())),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(StoreError::io("locking", &path)(error)),
        })?;
        let home = Self { root: root.to_owned(), _lock: lock };
        remove_half_written_snapshots(&home.engine())?;
        let unfinished = home.unfinished();
        if unfinished.exists() {
            fs::remove_dir_all(&unfinished).map_err(StoreError::io("removing an unfinished store", &unfinished))?;
        }
        Ok(home)
    }

    /// The store's directory.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Directory of the engine's files.
    pub fn engine(&self) -> PathBuf {
        self.root.join("sled")
    }

    /// Directory in which the engine's files are first made.
    pub fn unfinished(&self) -> PathBuf {
        self.root.join("sled.new")
    }

    /// Gives a completely written engine its name, so that a store exists whole or not at all. Every file, the
    /// directories and the parent are on the disk when this returns.
    ///
    /// # Errors
    /// What the file system refused.
    pub fn finish(&self) -> Result<(), StoreError> {
        self.adopt(&self.unfinished())?;
        let root = self.root.canonicalize().map_err(StoreError::io("resolving", &self.root))?;
        root.parent().map_or(Ok(()), sync)
    }

    /// Makes a directory beside them the engine's files, whole and on the disk.
    ///
    /// # Errors
    /// What the file system refused.
    pub fn adopt(&self, directory: &Path) -> Result<(), StoreError> {
        let engine = self.engine();
        sync_tree(directory)?;
        fs::rename(directory, &engine).map_err(StoreError::io("naming the new store", &engine))?;
        sync(&self.root)
    }

    /// Removes what an interrupted rebuild, backup or restore was working in.
    ///
    /// # Errors
    /// What the file system refused.
    pub fn remove_scratch(&self) -> Result<(), StoreError> {
        for path in entries(&self.root)? {
            let scratch = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(SCRATCH));
            if scratch && path.is_dir() {
                fs::remove_dir_all(&path).map_err(StoreError::io("removing a scratch directory", &path))?;
                tracing::info!(store.directory = %path.display(), "removed what interrupted work left");
            }
        }
        Ok(())
    }
}

/// Makes a directory, with those above it, that nobody else may look into. One that is there stays as whoever made it
/// wanted it.
///
/// # Errors
/// What the file system refused.
pub fn make_private(directory: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(directory)
}

/// Makes `attempt` until it succeeds, for two seconds.
///
/// # Errors
/// [`StoreError::InUse`] naming `path`, or the first error of `attempt`.
pub fn patiently<T>(path: &Path, mut attempt: impl FnMut() -> Result<Option<T>, StoreError>) -> Result<T, StoreError> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(done) = attempt()? {
            return Ok(done);
        }
        if Instant::now() >= deadline {
            return Err(StoreError::InUse { path: path.to_owned() });
        }
        thread::sleep(BETWEEN_ATTEMPTS);
    }
}

/// A kill while sled writes a snapshot leaves `snap.*.generating`, which sled 0.34.7 then takes for a snapshot and
/// will not open. Safe only under our lock: another process could be writing one.
///
/// # Errors
/// What the file system refused.
pub fn remove_half_written_snapshots(engine: &Path) -> Result<(), StoreError> {
    if !engine.exists() {
        return Ok(());
    }
    for path in entries(engine)? {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name.starts_with("snap.") && name.ends_with(".generating") {
            fs::remove_file(&path).map_err(StoreError::io("removing a half-written snapshot", &path))?;
            tracing::info!(store.file = %path.display(), "removed a snapshot that a kill left half-written");
        }
    }
    Ok(())
}

/// Whether a directory holds anything.
///
/// # Errors
/// What the file system refused.
pub fn holds_files(directory: &Path) -> Result<bool, StoreError> {
    Ok(!entries(directory)?.is_empty())
}

/// Has a file, or the names in a directory, on the disk itself.
///
/// # Errors
/// What the file system refused.
pub fn sync(path: &Path) -> Result<(), StoreError> {
    File::open(path).and_then(|file| file.sync_all()).map_err(StoreError::io("syncing", path))
}

/// Syncs a directory and everything in it.
///
/// # Errors
/// What the file system refused.
pub fn sync_tree(path: &Path) -> Result<(), StoreError> {
    if path.is_dir() {
        for entry in entries(path)? {
            sync_tree(&entry)?;
        }
    }
    sync(path)
}

fn entries(directory: &Path) -> Result<Vec<PathBuf>, StoreError> {
    fs::read_dir(directory)
        .and_then(|entries| entries.map(|entry| Ok(entry?.path())).collect::<io::Result<_>>())
        .map_err(StoreError::io("listing", directory))
}
