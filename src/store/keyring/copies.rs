//! The ring's own backup: each writing, with the key-encryption key that it is
//! wrapped under, kept for a short while in a directory of its own. The ring has
//! no copy in the store's backups, which are kept for years: an erasure must
//! reach every copy, and it reaches these.

use std::fs;
use std::io;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use super::error::KeyRingError;
use super::files;

const RING: &str = "ring-";
const KEK: &str = "kek-";

/// Where copies are kept, and for how long.
#[derive(Debug)]
pub struct Copies {
    directory: Option<PathBuf>,
    keep: Duration,
}

impl Copies {
    /// Copies in a directory, made where it is missing; none without one.
    ///
    /// # Errors
    /// The file system refused.
    pub fn new(directory: Option<PathBuf>, keep: Duration) -> Result<Self, KeyRingError> {
        if let Some(directory) = &directory {
            files::make_directory(directory)?;
        }
        Ok(Self { directory, keep })
    }

    /// Keeps a writing of the ring, with its key-encryption key.
    ///
    /// # Errors
    /// The file system refused.
    pub fn keep(&self, sequence: u64, ring: &[u8], kek: &[u8]) -> Result<(), KeyRingError> {
        let Some(directory) = &self.directory else { return Ok(()) };
        files::replace(&directory.join(format!("{KEK}{sequence}")), kek)?;
        files::replace(&directory.join(format!("{RING}{sequence}")), ring)
    }

    /// Lets go of copies older than they are kept for, but never of the newest.
    ///
    /// # Errors
    /// The file system refused.
    pub fn tidy(&self) -> Result<(), KeyRingError> {
        let newest = self.sequences()?.into_iter().max();
        self.forget(|sequence, age| Some(sequence) != newest && age > self.keep)
    }

    /// Overwrites and removes every copy but that of one writing.
    ///
    /// # Errors
    /// The file system refused.
    pub fn leave_only(&self, sequence: u64) -> Result<(), KeyRingError> {
        self.forget(|found, _| found != sequence)
    }

    fn forget(&self, unwanted: impl Fn(u64, Duration) -> bool) -> Result<(), KeyRingError> {
        let Some(directory) = &self.directory else { return Ok(()) };
        for sequence in self.sequences()? {
            let paths = [KEK, RING].map(|prefix| directory.join(format!("{prefix}{sequence}")));
            let age = |path: &PathBuf| {
                let written = fs::metadata(path).and_then(|meta| meta.modified()).ok()?;
                SystemTime::now().duration_since(written).ok()
            };
            let age = paths.iter().filter_map(age).max().unwrap_or_default();
            if unwanted(sequence, age) {
                paths.iter().try_for_each(|path| files::forget(path))?;
            }
        }
        Ok(())
    }

    /// Numbers of the writings kept, whole or in part.
    fn sequences(&self) -> Result<Vec<u64>, KeyRingError> {
        let Some(directory) = &self.directory else { return Ok(Vec::new()) };
        let mut found = Vec::new();
        let entries = fs::read_dir(directory).map_err(KeyRingError::io("listing", directory))?;
        for entry in entries.collect::<io::Result<Vec<_>>>().map_err(KeyRingError::io("listing", directory))? {
            let name = entry.file_name();
            let name = name.to_str().unwrap_or_default().trim_end_matches(".new");
            let number = name.strip_prefix(RING).or_else(|| name.strip_prefix(KEK));
            found.extend(number.and_then(|number| number.parse::<u64>().ok()));
        }
        found.sort_unstable();
        found.dedup();
        Ok(found)
    }
}
