//! What can go wrong with a backup, told by file, offset and fault. No text here
//! holds anything of an event but its revision.

use std::io;
use std::path::{Path, PathBuf};

use crate::domain::Revision;
use crate::store::journal::JournalError;
use crate::store::{Head, LoadError, StoreError};

/// Why a backup was not made, not trusted, or not restored.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// A file is not what was written.
    #[error("{}: at byte {offset}: {fault}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Where in it.
        offset: u64,
        /// What is wrong there.
        fault: FileFault,
    },
    /// The file system refused.
    #[error("{}: {doing} failed: {source}", path.display())]
    Io {
        /// What was being done.
        doing: &'static str,
        /// To what.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
    /// The live store could not be read, or the new one not be filled.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The journal after the backups could not be read.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The pace said stop.
    #[error("stopped as asked")]
    Stopped,
    /// There is nothing after the event that an incremental backup was to begin after, or it is not in the store.
    #[error("no events to back up after {before}: the store's ledger is asked for through {through}")]
    NothingNew {
        /// What it was to begin after.
        before: Head,
        /// What it was to end with.
        through: Head,
    },
    /// A file restored for proof is not the ledger of the live store.
    #[error("{}: restored, it has {what} {restored}, the live store {live}", path.display())]
    Differs {
        /// The file.
        path: PathBuf,
        /// What differs.
        what: &'static str,
        /// Of the restored ledger.
        restored: String,
        /// Of the live one.
        live: String,
    },
    /// A file is of another store than those before it.
    #[error("{}: is a backup of another store ({found}, not {expected})", path.display())]
    OtherStore {
        /// The file.
        path: PathBuf,
        /// Store that it is of.
        found: uuid::Uuid,
        /// Store that was expected.
        expected: uuid::Uuid,
    },
    /// Files do not follow each other.
    #[error("{}: begins after {begins}, and what comes before it ends at {ends}", path.display())]
    Gap {
        /// The file, or the journal.
        path: PathBuf,
        /// What it begins after.
        begins: Head,
        /// The end of the file before it.
        ends: Head,
    },
    /// Files of several stores, and nothing that says which is meant.
    #[error("the files are backups of {} stores: name files of one", stores.len())]
    SeveralStores {
        /// The stores.
        stores: Vec<uuid::Uuid>,
    },
    /// No file begins with the first event.
    #[error("no full backup that can be read is there{}", if *incrementals == 0 { String::new() } else { format!(", only {incrementals} incremental ones") })]
    NoFull {
        /// Incremental files found.
        incrementals: usize,
    },
    /// What is asked for lies outside of what the files hold.
    #[error("{asked} is not in the files: they reach from revision 1 to {reaches}")]
    OutOfReach {
        /// What was asked for.
        asked: String,
        /// Where the files end.
        reaches: Head,
    },
    /// The target holds something. Nothing in it was touched.
    #[error("{}: holds {found} already; a restore needs an empty directory, or none", path.display())]
    NotEmpty {
        /// The target.
        path: PathBuf,
        /// A name found in it.
        found: String,
    },
}

impl BackupError {
    pub(super) fn io(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { doing, path: path.to_owned(), source }
    }

    /// Whether it says that a file is not to be trusted, as against that something around it failed.
    pub const fn condemns(&self) -> bool {
        match self {
            Self::Damaged { .. } | Self::Differs { .. } | Self::OtherStore { .. } | Self::Gap { .. } => true,
            Self::Store(error) => match error {
                StoreError::Corrupt { .. }
                | StoreError::MissingEvent { .. }
                | StoreError::BrokenChain { .. }
                | StoreError::NewerSchema { .. }
                | StoreError::NotAStore { .. } => true,
                StoreError::InUse { .. }
                | StoreError::Io { .. }
                | StoreError::Engine { .. }
                | StoreError::Full
                | StoreError::Sealed { .. }
                | StoreError::NoKeys { .. }
                | StoreError::Keys(_)
                | StoreError::Stopped { .. } => false,
            },
            Self::Io { .. }
            | Self::Journal(_)
            | Self::Stopped
            | Self::NothingNew { .. }
            | Self::SeveralStores { .. }
            | Self::NoFull { .. }
            | Self::OutOfReach { .. }
            | Self::NotEmpty { .. } => false,
        }
    }
}

impl From<LoadError> for BackupError {
    fn from(error: LoadError) -> Self {
        match error {
            LoadError::Occupied { path } => {
                let found = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
                Self::NotEmpty { path: path.parent().unwrap_or(&path).to_owned(), found }
            }
            LoadError::Stopped => Self::Stopped,
            LoadError::Store(error) => Self::Store(error),
        }
    }
}

/// What is wrong in a file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FileFault {
    /// It ends before it should.
    #[error("the file ends inside its {within}")]
    Short {
        /// What is not whole.
        within: &'static str,
    },
    /// It does not begin as a backup does.
    #[error("does not begin as a backup does")]
    Magic,
    /// Written by a newer build.
    #[error("written in format {found}; this build reads formats up to {known}")]
    NewerFormat {
        /// Format found.
        found: u16,
        /// Highest format that this build reads.
        known: u16,
    },
    /// Events of a newer schema.
    #[error("holds events of schema {found}; this build reads schemas up to {known}")]
    NewerSchema {
        /// Schema found.
        found: u16,
        /// Highest schema that this build reads.
        known: u16,
    },
    /// A checksum differs.
    #[error("checksum of the {of} differs")]
    Checksum {
        /// What was damaged.
        of: &'static str,
    },
    /// A field that no build writes so.
    #[error("the {field} cannot be {found}")]
    Field {
        /// The field.
        field: &'static str,
        /// Value found.
        found: u64,
    },
    /// The compressed bytes do not become what was compressed.
    #[error("does not decompress to the {raw} bytes that it should")]
    Compressed {
        /// Bytes that there should be.
        raw: usize,
    },
    /// Events end inside one, or something follows the last.
    #[error("its events do not fill its frame: revision {revision} does not end with it")]
    Events {
        /// The event.
        revision: Revision,
    },
    /// An event that is damaged, or was not written after the one before it.
    #[error("{reason}")]
    Event {
        /// What is wrong with it.
        reason: String,
    },
    /// The end of the ledger in the file is not the one that its trailer names.
    #[error("its events end at {found}, its trailer says {says}")]
    Head {
        /// As the trailer says.
        says: Head,
        /// As found.
        found: Head,
    },
    /// Events were lost or added.
    #[error("holds {found} events, its trailer says {says}")]
    Count {
        /// As the trailer says.
        says: u64,
        /// As found.
        found: u64,
    },
    /// The digest over the whole file differs.
    #[error("the digest over the whole file differs")]
    Digest,
    /// Something follows the trailer.
    #[error("something follows its end")]
    Trailing,
    /// The name says other things than the file.
    #[error("its name should be {expected}")]
    Name {
        /// The name of a file with these contents.
        expected: String,
    },
}
