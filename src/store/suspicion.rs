//! Damage that a read met while serving. A marker file says so to the next
//! start, which then checks everything before it trusts the engine's files.
//! Nothing here repairs, and the marker never says what was stored.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use super::error::StoreError;
use super::sled_files::sync;

/// The marker of one store.
#[derive(Debug)]
pub struct Suspicion {
    path: PathBuf,
    told: Mutex<Option<String>>,
}

impl Suspicion {
    /// The marker of the store in `root`.
    pub fn of(root: &Path) -> Self {
        Self { path: root.join("suspect"), told: Mutex::new(None) }
    }

    /// What an earlier process wrote; `None`: nothing.
    ///
    /// # Errors
    /// What the file system refused.
    pub fn earlier(&self) -> Result<Option<String>, StoreError> {
        match fs::read(&self.path) {
            Ok(text) => Ok(Some(String::from_utf8_lossy(&text).trim().to_owned())),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(StoreError::io("reading", &self.path)(error)),
        }
    }

    /// Notes an error if it means damage. Best effort: the error itself is reported by whoever met it.
    pub fn note(&self, error: &StoreError) {
        if error.is_damage() {
            self.mark(error.to_string());
        }
    }

    /// Notes damage that was found, in words. Best effort, as [`note`](Self::note); the first word stands.
    pub fn mark(&self, text: String) {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if told.is_some() {
            return;
        }
        let written = File::create(&self.path).and_then(|mut file| {
            writeln!(file, "{text}")?;
            file.sync_all()
        });
        if let Err(refused) = written {
            tracing::warn!(error = %refused, "damage was met and could not be marked for the next start");
        } else if let Some(Err(refused)) = self.path.parent().map(sync) {
            tracing::warn!(error = %refused, "the mark for the next start may not outlive a power cut");
        }
        tracing::error!(
            store.damage = %text,
            "stored bytes are damaged: restart to have the whole store checked and, if need be, rebuilt"
        );
        *told = Some(text);
    }

    /// What was met by this process.
    pub fn told(&self) -> Option<String> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Removes the marker: everything was checked, or made anew.
    ///
    /// # Errors
    /// What the file system refused.
    pub fn lift(&self) -> Result<(), StoreError> {
        match fs::remove_file(&self.path) {
            Ok(()) => self.path.parent().map_or(Ok(()), sync),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(StoreError::io("removing", &self.path)(error)),
        }
    }
}
