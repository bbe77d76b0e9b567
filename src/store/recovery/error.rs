//! Why a store is not opened, told so that a person can act on it; and what may
//! be met on the way that another attempt can mend.

use std::path::PathBuf;

use crate::domain::Revision;
use crate::store::backup::BackupError;
use crate::store::journal::JournalError;
use crate::store::{EventHash, LoadError, StoreError};

/// Why a store was not opened. Nothing that was there is gone.
#[derive(Debug, thiserror::Error)]
pub enum RecoveryError {
    /// In use, full, of a newer build, or the file system refused.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The recovery journal is damaged, or another store's.
    #[error(transparent)]
    Journal(JournalError),
    /// Two different events at one revision: which of them was acknowledged cannot be told.
    #[error(
        "revision {revision} is there twice and differs: hash {} in the engine's files, hash {} in the journal; one of \
         the two belongs to another store or history: put the right one in its place",
        blake3::Hash::from_bytes(*engine).to_hex(),
        blake3::Hash::from_bytes(*journal).to_hex()
    )]
    Conflict {
        /// The revision.
        revision: Revision,
        /// Hash of the event in the engine's files.
        engine: EventHash,
        /// Hash of the event in the journal.
        journal: EventHash,
    },
    /// Parts of the directory are of different stores.
    #[error("{}: belongs to another store than the engine's files beside it", path.display())]
    OtherIdentity {
        /// The part that differs.
        path: PathBuf,
    },
    /// The engine's files cannot be used, and backup and journal do not hold the whole ledger.
    #[error(
        "the engine's files cannot be used ({reason}), and backups and journal do not hold the whole ledger: revisions \
         {} to {} are missing; bring back the backups that hold them{}",
        missing.0, missing.1, listed(misfits)
    )]
    Unreachable {
        /// Why the engine's files cannot be used.
        reason: String,
        /// First and last revision that is missing.
        missing: (Revision, Revision),
        /// Backups that are there and cannot be used.
        misfits: Vec<String>,
    },
    /// The recovery journal is gone, and with it perhaps what was acknowledged last.
    #[error(
        "{}: the recovery journal is not there, and the store was not closed in order: what was acknowledged last may be \
         in it alone ({reason}); bring it back, or {instead}",
        directory.display()
    )]
    NoJournal {
        /// Where it should be.
        directory: PathBuf,
        /// What else is known.
        reason: String,
        /// What to do where it is lost for good.
        instead: &'static str,
    },
    /// A backup that is needed cannot be read.
    #[error("the engine's files cannot be used ({reason}), and a backup that is needed neither: {source}")]
    Backup {
        /// Why the engine's files cannot be used.
        reason: String,
        /// What is wrong with the backup.
        source: Box<BackupError>,
    },
    /// Nothing is here but backups.
    #[error(
        "{}: holds backups, and the data directory neither the engine's files nor a journal; bring those back (is their \
         disk mounted?), restore from the backups, or name another place for the backups of a new store",
        directory.display()
    )]
    OnlyBackups {
        /// Where the backups are.
        directory: PathBuf,
    },
    /// What was rebuilt fails as well.
    #[error("the engine's files were rebuilt and fail again: {reason}")]
    StillDamaged {
        /// How.
        reason: String,
    },
}

impl RecoveryError {
    /// Whether the disk has no room, which passes.
    pub fn is_full(&self) -> bool {
        match self {
            Self::Store(error) => matches!(error, StoreError::Full),
            Self::Backup { source, .. } => matches!(**source, BackupError::Store(StoreError::Full)),
            Self::Journal(error) => error.is_full(),
            Self::Conflict { .. }
            | Self::OtherIdentity { .. }
            | Self::Unreachable { .. }
            | Self::NoJournal { .. }
            | Self::OnlyBackups { .. }
            | Self::StillDamaged { .. } => false,
        }
    }
}

impl From<JournalError> for RecoveryError {
    fn from(error: JournalError) -> Self {
        if error.is_full() { Self::Store(StoreError::Full) } else { Self::Journal(error) }
    }
}

fn listed(misfits: &[String]) -> String {
    if misfits.is_empty() { String::new() } else { format!(" (not usable: {})", misfits.join("; ")) }
}

/// Why the engine's files are not to be trusted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    /// In words, without anything that was stored.
    pub reason: String,
    /// The highest revision that was seen in them.
    pub known: Revision,
}

impl Damage {
    /// Damage to files of which no more is known.
    pub fn new(reason: &str) -> Self {
        Self { reason: reason.to_owned(), known: Revision(0) }
    }
}

/// What stops an attempt to open.
#[derive(Debug)]
pub(super) enum Halt {
    /// The engine's files: others can be made.
    Damage(Damage),
    /// Anything else.
    Refuse(RecoveryError),
}

impl From<RecoveryError> for Halt {
    fn from(error: RecoveryError) -> Self {
        Self::Refuse(error)
    }
}

impl From<JournalError> for Halt {
    fn from(error: JournalError) -> Self {
        Self::Refuse(error.into())
    }
}

/// What the events of a rebuild are met with.
#[derive(Debug)]
pub(super) enum Unread {
    /// A backup.
    Backup(BackupError),
    /// The journal.
    Journal(JournalError),
    /// The new engine.
    Load(LoadError),
}

impl From<LoadError> for Unread {
    fn from(error: LoadError) -> Self {
        Self::Load(error)
    }
}
