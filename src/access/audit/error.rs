//! What can go wrong with an audit log, told by file and offset, and never with
//! anything that is kept in it.

use std::io;
use std::path::{Path, PathBuf};

use super::frame::Why;

/// Why an audit log could not be opened or read.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    /// Damage that no interrupted write explains.
    #[error(
        "audit segment {}: damaged at offset {offset}: {why}; keep the directory as it is, and move it away whole to \
         begin a new log",
        segment.display()
    )]
    Damaged {
        /// The file.
        segment: PathBuf,
        /// Where in it, bytes.
        offset: u64,
        /// What is wrong there.
        why: Why,
    },
    /// Another process has the log open.
    #[error("{}: another process has this audit log open", directory.display())]
    InUse {
        /// The directory.
        directory: PathBuf,
    },
    /// A sync failed. It is not tried again: what was to be on the disk may be in memory alone, marked as written.
    #[error("{}: syncing failed: {source}", path.display())]
    Sync {
        /// What was synced.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
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
}

impl AuditError {
    pub(super) fn io(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { doing, path: path.to_owned(), source }
    }

    pub(super) fn sync(path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Sync { path: path.to_owned(), source }
    }

    /// Whether the disk has no room, which passes.
    pub fn is_full(&self) -> bool {
        match self {
            Self::Io { source, .. } => matches!(
                source.kind(),
                io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge
            ),
            Self::Damaged { .. } | Self::InUse { .. } | Self::Sync { .. } => false,
        }
    }
}

/// Why an entry was not recorded. Whatever was to be disclosed must not be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AuditFault {
    /// The disk has no room. The entry is not there; later ones are taken once room returns.
    #[error("the audit cannot be written: the disk is full")]
    Full,
    /// A write or a sync failed, now or before; it is not tried again. The entry may or may not be there when the log is
    /// opened again. No entry is taken until then.
    #[error("the audit cannot be written: {cause}")]
    Failed {
        /// The first failure, by path.
        cause: String,
    },
    /// The server is ending.
    #[error("the audit is closed: the server is ending")]
    Stopped,
    /// The entry is longer than an entry may be.
    #[error("an entry of {bytes} bytes is longer than the audit takes")]
    TooLong {
        /// Its length.
        bytes: usize,
    },
}

impl From<AuditError> for AuditFault {
    fn from(error: AuditError) -> Self {
        if error.is_full() { Self::Full } else { Self::Failed { cause: error.to_string() } }
    }
}
