//! How the store stands, in figures: for health, metrics and whoever decides
//! when to back up. Nothing here is about a person.

use std::path::PathBuf;

use jiff::Timestamp;

use super::Head;
use crate::domain::Revision;

/// How the store stands. Everything is `None` or empty for a store in memory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// The recovery journal.
    pub journal: Option<JournalStatus>,
    /// The last event that the engine beneath is known to have on the disk itself.
    pub engine_synced: Revision,
    /// The disk.
    pub disk: Option<DiskStatus>,
    /// What the last start had to repair.
    pub recovered: Option<Recovered>,
    /// Damage that a read met while serving: the next start checks everything first.
    pub suspect: Option<String>,
}

/// The recovery journal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct JournalStatus {
    /// The end of the ledger before the first event held. Everything up to here must be in a verified backup.
    pub before: Head,
    /// The last event held: the commit point of the whole store.
    pub head: Head,
    /// Bytes of all segments.
    pub bytes: u64,
    /// Segments.
    pub segments: usize,
}

/// The disk that the store is on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DiskStatus {
    /// Bytes free to this process.
    pub free_bytes: u64,
    /// Bytes under which writes are refused.
    pub least_bytes: u64,
    /// Bytes of the ballast file, given up so that a full disk can be recovered from. 0: given up.
    pub ballast_bytes: u64,
    /// Bytes of the engine's files, as they were some seconds ago at most.
    pub engine_bytes: u64,
}

/// A start that had to rebuild the engine's files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recovered {
    /// When.
    pub at: Timestamp,
    /// Why the engine's files were not used, without anything about a person.
    pub reason: String,
    /// Where they were put, whole.
    pub quarantine: PathBuf,
    /// The last event that came from a backup; 0: none did.
    pub from_backup: Revision,
    /// Where the ledger stood when done.
    pub head: Head,
}

/// Why no write is taken now although nothing is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the disk has {free_bytes} bytes free; writes are refused under {least_bytes}")]
pub struct NoRoom {
    /// Bytes free.
    pub free_bytes: u64,
    /// Bytes under which writes are refused.
    pub least_bytes: u64,
}
