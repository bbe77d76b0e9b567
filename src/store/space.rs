//! Room on the disk: how much is free, from when on writes are refused, and a
//! ballast file whose blocks are given up when the disk is full all the same.
//! sled will not open on a full disk; with the ballast gone it does.
//! Nothing here reads or writes a stored value.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::{Duration, Instant};

use rustix::fs::{FallocateFlags, fallocate, statvfs};

use super::status::{DiskStatus, NoRoom};

/// How long what the engine takes is remembered.
const REMEMBERED: Duration = Duration::from_secs(15);

/// How much room is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes free under which writes are refused. 0: none.
    pub least_bytes: u64,
    /// Bytes of the ballast file. 0: none.
    pub ballast_bytes: u64,
}

impl Limits {
    /// No watch and no ballast, for scratch stores and tests.
    pub const NONE: Self = Self { least_bytes: 0, ballast_bytes: 0 };
}

/// The disk that one store is on.
#[derive(Debug)]
pub struct Space {
    root: PathBuf,
    ballast: PathBuf,
    limits: Limits,
    held: Mutex<u64>,
    /// Bytes of the engine's files, and when they were looked at.
    engine: Mutex<Option<(Instant, u64)>>,
}

impl Space {
    /// The disk of the store in `root`. Takes no ballast yet.
    pub fn new(root: &Path, limits: Limits) -> Self {
        let ballast = root.join("ballast");
        let held = fs::metadata(&ballast).map_or(0, |file| file.len());
        Self { root: root.to_owned(), ballast, limits, held: Mutex::new(held), engine: Mutex::default() }
    }

    /// Bytes free to this process.
    ///
    /// # Errors
    /// What the file system refused.
    pub fn free(&self) -> io::Result<u64> {
        let disk = statvfs(&self.root)?;
        Ok(disk.f_bavail.saturating_mul(disk.f_frsize))
    }

    /// Whether there is room for writes. A file system that does not say has room until it refuses one.
    ///
    /// # Errors
    /// How much is free and how much there should be.
    pub fn room(&self) -> Result<(), NoRoom> {
        if self.limits.least_bytes == 0 {
            return Ok(());
        }
        let Ok(free_bytes) = self.free() else { return Ok(()) };
        let least_bytes = self.limits.least_bytes;
        if free_bytes < least_bytes { Err(NoRoom { free_bytes, least_bytes }) } else { Ok(()) }
    }

    /// How the disk stands.
    pub fn status(&self) -> DiskStatus {
        let ballast_bytes = *self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let least_bytes = self.limits.least_bytes;
        let engine_bytes = self.engine_bytes();
        DiskStatus { free_bytes: self.free().unwrap_or(0), least_bytes, ballast_bytes, engine_bytes }
    }

    /// Bytes on the disk of the engine's files, as they were some seconds ago at most.
    fn engine_bytes(&self) -> u64 {
        let mut engine = self.engine.lock().unwrap_or_else(PoisonError::into_inner);
        match *engine {
            Some((at, bytes)) if at.elapsed() < REMEMBERED => bytes,
            Some(_) | None => {
                let bytes = on_disk(&self.root.join("sled"));
                *engine = Some((Instant::now(), bytes));
                bytes
            }
        }
    }

    /// Gives the ballast's blocks back to the disk.
    pub fn give_up(&self) {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        match fs::remove_file(&self.ballast) {
            Ok(()) => tracing::warn!(store.ballast_bytes = *held, "the disk is full: gave up the ballast"),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => tracing::error!(error = %error, "the ballast could not be given up"),
        }
        *held = 0;
    }

    /// Takes the ballast where there is room for it beside what must be free.
    pub fn take_ballast(&self) {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let wanted = self.limits.ballast_bytes;
        if *held == wanted {
            return;
        }
        if wanted == 0 {
            drop(fs::remove_file(&self.ballast));
            *held = 0;
            return;
        }
        let free = self.free().unwrap_or(u64::MAX).saturating_add(*held);
        if free < wanted.saturating_add(self.limits.least_bytes) {
            tracing::warn!(store.free_bytes = free, store.ballast_bytes = wanted, "no room for the ballast");
            return;
        }
        match reserve(&self.ballast, wanted) {
            Ok(()) => *held = wanted,
            Err(error) => {
                tracing::warn!(error = %error, store.ballast_bytes = wanted, "the ballast could not be taken");
                drop(fs::remove_file(&self.ballast));
                *held = 0;
            }
        }
    }
}

/// A file of real blocks. A file system that cannot reserve them gets them written.
fn reserve(path: &Path, bytes: u64) -> io::Result<()> {
    let mut file = File::options().create(true).truncate(true).write(true).open(path)?;
    match fallocate(&file, FallocateFlags::empty(), 0, bytes) {
        Ok(()) => return Ok(()),
        Err(rustix::io::Errno::OPNOTSUPP | rustix::io::Errno::NOSYS | rustix::io::Errno::INVAL) => {}
        Err(error) => return Err(error.into()),
    }
    let zeros = vec![0; 1 << 20];
    let mut left = bytes;
    while left > 0 {
        let piece = usize::try_from(left).unwrap_or(zeros.len()).min(zeros.len());
        file.write_all(&zeros[..piece])?;
        left -= piece as u64;
    }
    file.sync_all()
}

/// Bytes that a directory's files take; what goes meanwhile, or cannot be looked at, takes none.
pub(super) fn on_disk(directory: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(directory) else { return 0 };
    let of = |entry: fs::DirEntry| match entry.metadata() {
        Ok(file) if file.is_dir() => on_disk(&entry.path()),
        Ok(file) => file.blocks() * 512,
        Err(_) => 0,
    };
    entries.flatten().map(of).sum()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt;

    use super::*;

    #[test]
    fn the_ballast_is_real_blocks_and_is_given_up_whole() {
        let home = tempfile::tempdir().unwrap();
        let space = Space::new(home.path(), Limits { least_bytes: 0, ballast_bytes: 1 << 20 });
        space.take_ballast();
        let file = fs::metadata(home.path().join("ballast")).unwrap();
        assert_eq!((file.len(), space.status().ballast_bytes), (1 << 20, 1 << 20));
        assert!(file.blocks() * 512 >= 1 << 20, "a file of holes would free nothing");
        space.give_up();
        assert_eq!(space.status().ballast_bytes, 0);
        assert!(!home.path().join("ballast").exists());
    }

    #[test]
    fn writes_are_refused_under_the_least_that_must_be_free() {
        let home = tempfile::tempdir().unwrap();
        let of = |least_bytes| Space::new(home.path(), Limits { least_bytes, ballast_bytes: 0 });
        of(1).room().unwrap();
        let refused = of(u64::MAX).room().unwrap_err();
        assert_eq!(refused.least_bytes, u64::MAX);
        assert!(refused.free_bytes > 0);
    }
}
