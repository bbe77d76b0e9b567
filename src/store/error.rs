//! What can go wrong in the store, told by place and fault. No text here ever
//! holds a stored value: errors are logged, and values are about people.

use std::error::Error;
use std::io;
use std::path::{Path, PathBuf};

use super::Head;
use super::keyring::{KeyRingError, Unopened};
use super::keys::{Key, View};
use super::place::Place;
use super::sled_log::LogDamage;
use crate::domain::Revision;

/// Why the store could not be opened or read.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A stored value is not what was written.
    #[error("{place}: {fault}")]
    Corrupt {
        /// Where.
        place: Place,
        /// What is wrong with it.
        fault: Fault,
    },
    /// The ledger has a gap.
    #[error("e/ revision {revision}: missing from the ledger")]
    MissingEvent {
        /// The first revision missing.
        revision: Revision,
    },
    /// The stored bytes of an event are not those that the event after it, or the head, was written after.
    #[error("e/ revision {revision}: its bytes are not those that the chain was built on")]
    BrokenChain {
        /// The event that differs.
        revision: Revision,
    },
    /// The store was last opened by a newer build.
    #[error("the store has schema version {found}, this build reads versions up to {known}: start the newer build")]
    NewerSchema {
        /// Version found.
        found: u32,
        /// Highest version that this build reads.
        known: u32,
    },
    /// A fact that every store has from its creation is not there.
    #[error("{place}: missing, so this is not a store that steelyard finished creating")]
    NotAStore {
        /// What is missing.
        place: Place,
    },
    /// Another process, or another part of this one, has the store open.
    #[error("{}: the store is in use by another process", path.display())]
    InUse {
        /// The lock that is held.
        path: PathBuf,
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
    /// The engine beneath refused.
    #[error("{doing} failed: {source}")]
    Engine {
        /// What was being done.
        doing: &'static str,
        /// Why it failed.
        source: Box<dyn Error + Send + Sync>,
    },
    /// The disk has no room to create or open the store.
    #[error("the disk is full")]
    Full,
    /// What is sealed cannot be opened with the keys that there are.
    #[error("{place}: {unopened}")]
    Sealed {
        /// Where.
        place: Place,
        /// Why.
        unopened: Unopened,
    },
    /// Something is sealed, and no key ring is set.
    #[error("{place}: sealed, and no key ring is given: set `encryption.directory` to where the store's keys are")]
    NoKeys {
        /// Where.
        place: Place,
    },
    /// The key ring refused.
    #[error(transparent)]
    Keys(#[from] KeyRingError),
    /// An earlier write failed in a way that leaves unknown what is on disk. Writes need a reopened store.
    /// Until then a read fails where the failed group touched a node of the engine.
    #[error("no writes are taken since an earlier one failed: {cause}")]
    Stopped {
        /// The earlier failure.
        cause: String,
    },
}

impl StoreError {
    /// Whether stored bytes are damaged or gone, as against a disk that is full, a lock that is held, or a file system
    /// that refuses: only then may other files be put in their place.
    pub fn is_damage(&self) -> bool {
        match self {
            // The first value that is read: a newer build's store is not a damaged one.
            Self::Corrupt { place, fault: Fault::Codec { .. } } => *place != Place::of(Key::schema().as_ref()),
            Self::Corrupt { fault, .. } => fault.is_damage(),
            Self::MissingEvent { .. } | Self::BrokenChain { .. } | Self::NotAStore { .. } => true,
            Self::Engine { source, .. } => match source.downcast_ref::<sled::Error>() {
                Some(sled::Error::Io(error)) => is_damage(error),
                Some(
                    sled::Error::CollectionNotFound(_)
                    | sled::Error::Unsupported(_)
                    | sled::Error::ReportableBug(_)
                    | sled::Error::Corruption { .. },
                ) => true,
                // A panic of the engine, a log that it would pass over in silence, or a fault of ours.
                None => source.is::<Panicked>() || source.is::<LogDamage>(),
            },
            Self::Io { source, .. } => source.kind() == io::ErrorKind::NotFound,
            // By its frame it is what was written, unless the seal itself does not hold.
            Self::Sealed { unopened, .. } => match unopened {
                Unopened::Broken => true,
                Unopened::Destroyed | Unopened::Unknown => false,
            },
            Self::NewerSchema { .. }
            | Self::InUse { .. }
            | Self::Full
            | Self::NoKeys { .. }
            | Self::Keys(_)
            | Self::Stopped { .. } => false,
        }
    }

    pub(super) fn corrupt(key: &[u8], fault: Fault) -> Self {
        Self::Corrupt { place: Place::of(key), fault }
    }

    /// What the file system refused; for want of room, [`Full`](Self::Full).
    pub(crate) fn io(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| if is_no_room(&source) { Self::Full } else { Self::refused(doing, path)(source) }
    }

    /// What the file system refused, for want of room too: a failed sync is final whatever it failed with.
    pub(super) fn refused(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { doing, path: path.to_owned(), source }
    }
}

/// Whether the disk, or what this user may take of it, is used up.
pub(super) fn is_no_room(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge)
}

/// The engine panicked where its files are not what it expects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the engine panicked on its files")]
pub struct Panicked;

/// Whether an error of the file system says that the bytes of a file are not to be had.
fn is_damage(error: &io::Error) -> bool {
    const EIO: i32 = 5;
    match error.kind() {
        io::ErrorKind::UnexpectedEof | io::ErrorKind::InvalidData | io::ErrorKind::NotFound => true,
        // Without a number it is the engine's own, not the system's.
        _ => error.raw_os_error() == Some(EIO) || error.raw_os_error().is_none(),
    }
}

/// What is wrong with a stored value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// Too few or too many bytes to be a frame.
    #[error("{found} bytes cannot be a value")]
    Size {
        /// Bytes found.
        found: usize,
    },
    /// It does not begin as every value does.
    #[error("does not begin as a value does")]
    Magic,
    /// Written by a newer build.
    #[error("written with codec version {found}, which this build does not read")]
    Codec {
        /// Version found.
        found: u8,
    },
    /// The checksum over key and value differs.
    #[error("checksum differs: the value was damaged, or belongs to another key")]
    Checksum,
    /// The value is compressed, and this build does not decompress.
    #[error("compressed, which this build does not read")]
    Compressed,
    /// Flags that no build sets together, or that this build does not know.
    #[error("flags {found:#010b} are not known")]
    Flags {
        /// Flags found.
        found: u8,
    },
    /// A key id on a value that is not sealed, or none on one that is.
    #[error("names key {key_id}, which says otherwise than its flags whether it is sealed")]
    KeyId {
        /// Key id found.
        key_id: u32,
    },
    /// The length written differs from the bytes there.
    #[error("says {says} bytes, holds {found}")]
    Length {
        /// Length written.
        says: usize,
        /// Bytes there.
        found: usize,
    },
    /// Parts and total length of a long value cannot both be right.
    #[error("says {total} bytes in {frames} parts, which cannot be")]
    Parts {
        /// Parts written.
        frames: u16,
        /// Total length written.
        total: usize,
    },
    /// A further part stands where a value should begin, or the reverse.
    #[error("a part of a long value stands in the wrong place")]
    PartMisplaced,
    /// A part of a long value is gone.
    #[error("part {chunk} of the value is missing")]
    PartMissing {
        /// Its number, from 1.
        chunk: u16,
    },
    /// The parts are each sound but are not of one value.
    #[error("its parts do not belong together")]
    PartsDiffer,
    /// A part that belongs to no value, or lies beyond the end of its value.
    #[error("a part of a value that is not there, or that ends before it")]
    PartSurplus,
    /// Written in a schema that this build does not read.
    #[error("written in schema version {found}, this build reads versions up to {known}")]
    Schema {
        /// Version found.
        found: u16,
        /// Highest version that this build reads.
        known: u16,
    },
    /// A fact that every store has from its creation is gone.
    #[error("missing, although every store has it from its creation")]
    Missing,
    /// The stored head is not that of the ledger.
    #[error("names another head than that of the ledger")]
    OtherHead,
    /// Bytes that do not decode as the message they should be.
    #[error("does not decode: {reason}")]
    Undecodable {
        /// The decoder's reason, which names fields and never values.
        reason: String,
    },
    /// A value of the wrong shape for its key.
    #[error("has {found} bytes where {expected} are kept")]
    Shape {
        /// Bytes kept under this key.
        expected: usize,
        /// Bytes found.
        found: usize,
    },
    /// Envelope and key, or envelope and frame, contradict each other.
    #[error("its envelope says {field} {says}, its place says {place}")]
    Envelope {
        /// The field.
        field: &'static str,
        /// In the envelope.
        says: u64,
        /// By key or frame.
        place: u64,
    },
    /// A key that no build writes.
    #[error("a key of this form is never written")]
    Key,
    /// An index that does not lead to the events that it should lead to.
    #[error("the index does not lead to what the ledger holds")]
    Astray,
}

impl Fault {
    /// Whether the bytes are not those that some build wrote, as against those of a build that this one cannot read.
    pub const fn is_damage(&self) -> bool {
        match self {
            Self::Compressed | Self::Schema { .. } => false,
            Self::Codec { .. }
            | Self::Size { .. }
            | Self::Magic
            | Self::Checksum
            | Self::KeyId { .. }
            | Self::Length { .. }
            | Self::Flags { .. }
            | Self::Parts { .. }
            | Self::PartMisplaced
            | Self::PartMissing { .. }
            | Self::PartsDiffer
            | Self::PartSurplus
            | Self::Missing
            | Self::OtherHead
            | Self::Undecodable { .. }
            | Self::Shape { .. }
            | Self::Envelope { .. }
            | Self::Key
            | Self::Astray => true,
        }
    }
}

/// Why a group was not appended.
#[derive(Debug, thiserror::Error)]
pub enum AppendError {
    /// The ledger has moved: fold what is missing, validate again, retry. Nothing was written.
    #[error("the ledger is at revision {}, the write was prepared at {}", found.revision, expected.revision)]
    Conflict {
        /// Head that the writer knew.
        expected: Head,
        /// Head of the store.
        found: Head,
    },
    /// The disk is full. The group may or may not be there after a reopen.
    #[error("the disk is full")]
    Full,
    /// An earlier append found the disk full: space and a reopened store are needed. Until then a
    /// read fails where the refused group touched a node of the engine. Nothing was written.
    #[error("read-only since the disk was full")]
    ReadOnly,
    /// The group breaks a rule of the ledger: a fault of the writer. Nothing was written.
    #[error("the group cannot be appended: {0}")]
    Unfit(#[from] Unfit),
    /// Anything else. After a failed write (see [`StoreError::Stopped`]) it is unknown whether the group is kept.
    #[error(transparent)]
    Failed(#[from] StoreError),
}

/// A rule of the ledger that a group breaks.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// Revisions follow each other without gaps.
    #[error("an event has revision {found} where {expected} is next")]
    Revision {
        /// Revision found.
        found: Revision,
        /// Revision due.
        expected: Revision,
    },
    /// The store seals events: the hash of the event before is not the writer's to set.
    #[error("event {revision} brings its own previous hash")]
    Sealed {
        /// The event.
        revision: Revision,
    },
    /// Nothing happened in it.
    #[error("event {revision} has no body")]
    NoBody {
        /// The event.
        revision: Revision,
    },
    /// Written in a schema that is not this build's.
    #[error("event {revision} has schema version {found}, this build writes {writes}")]
    Schema {
        /// The event.
        revision: Revision,
        /// Version found.
        found: u32,
        /// Version that this build writes.
        writes: u32,
    },
    /// Says that it is sealed: that is the store's to do.
    #[error("event {revision} names key {key_id}, and it is the store that seals")]
    Encrypted {
        /// The event.
        revision: Revision,
        /// Key id found.
        key_id: u32,
    },
    /// A value is longer than the store keeps.
    #[error("{place}: {bytes} bytes, at most {most} are kept")]
    TooLong {
        /// Where it was to be kept.
        place: Place,
        /// Bytes of the value.
        bytes: usize,
        /// Bytes allowed there.
        most: usize,
    },
    /// An entry offered to a view belongs to another.
    #[error("{place}: not a key of the view {}", view.name())]
    OtherView {
        /// The entry's key.
        place: Place,
        /// The view being replaced.
        view: View,
    },
}
