//! What can go wrong with a journal, told by segment and offset, and never with
//! anything that is kept in it.

use std::io;
use std::path::{Path, PathBuf};

use super::frame::Why;
use crate::domain::Revision;

/// Why a journal could not be opened or read.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// Damage that no interrupted write explains.
    #[error("journal segment {}: damaged at offset {offset}: {why}", segment.display())]
    Damaged {
        /// The file.
        segment: PathBuf,
        /// Where in it, bytes.
        offset: u64,
        /// What is wrong there.
        why: Why,
    },
    /// Events between two segments are not there.
    #[error(
        "journal segment {}: it begins with revision {next}, and the segment before it ends with revision {last}: \
         what was between them is missing",
        segment.display()
    )]
    Missing {
        /// The segment after the gap.
        segment: PathBuf,
        /// The last revision before the gap.
        last: Revision,
        /// The first revision after the gap.
        next: Revision,
    },
    /// The journal belongs to another store, or to this one before a restore.
    #[error("journal segment {}: belongs to another store: its {field} differs", segment.display())]
    OtherStore {
        /// The file.
        segment: PathBuf,
        /// Which part of the identity differs.
        field: &'static str,
    },
    /// A journal is to be created where there is one.
    #[error("{}: holds a journal already", directory.display())]
    Exists {
        /// The journal's directory.
        directory: PathBuf,
    },
    /// Events are asked for that the journal has let go of, or never held.
    #[error("the journal does not hold revision {asked}: it begins with {first}")]
    NotHeld {
        /// Revision asked for.
        asked: Revision,
        /// The first revision held.
        first: Revision,
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

impl JournalError {
    pub(super) fn io(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { doing, path: path.to_owned(), source }
    }

    /// Whether the disk has no room, which passes.
    pub fn is_full(&self) -> bool {
        match self {
            Self::Io { source, .. } => no_room(source),
            Self::Damaged { .. }
            | Self::Missing { .. }
            | Self::OtherStore { .. }
            | Self::Exists { .. }
            | Self::Sync { .. }
            | Self::NotHeld { .. } => false,
        }
    }
}

impl JournalError {
    /// Whether what was to be read is not there any more: a server lets go of segments that a backup covers.
    pub fn is_let_go(&self) -> bool {
        match self {
            Self::NotHeld { .. } => true,
            Self::Io { source, .. } => source.kind() == io::ErrorKind::NotFound,
            Self::Damaged { .. }
            | Self::Missing { .. }
            | Self::OtherStore { .. }
            | Self::Exists { .. }
            | Self::Sync { .. } => false,
        }
    }
}

/// Whether a write failed for want of room: on the disk, by quota, or by a limit on the length of files.
pub(super) fn no_room(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge)
}

/// Why a group was not appended.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JournalFault {
    /// The disk has no room. The group may or may not be there when the journal is opened again, whole. No group is
    /// taken until then.
    #[error("the disk is full")]
    Full,
    /// A write or a sync failed, now or before; it is not tried again. The group may or may not be there when the
    /// journal is opened again, whole. No group is taken until then.
    #[error("the journal takes no more groups: {cause}")]
    Failed {
        /// The first failure, by path.
        cause: String,
    },
    /// A fault of the caller: the group is empty, too long, or does not follow the head. Nothing was written, and the
    /// journal goes on.
    #[error("the group cannot be journalled: {reason}")]
    Unfit {
        /// Which rule it breaks.
        reason: &'static str,
    },
}

impl From<JournalError> for JournalFault {
    fn from(error: JournalError) -> Self {
        if error.is_full() { Self::Full } else { Self::Failed { cause: error.to_string() } }
    }
}
