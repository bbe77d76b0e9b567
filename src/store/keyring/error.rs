//! What can go wrong with the key ring, told by file. No text here ever holds a
//! key, or anything that was sealed under one.

use std::io;
use std::path::{Path, PathBuf};

/// Why the key ring cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyRingError {
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
    /// Another process has the ring open.
    #[error("{}: the key ring is in use by another process", path.display())]
    InUse {
        /// The lock that is held.
        path: PathBuf,
    },
    /// A file of keys is not guarded.
    #[error("{}: may be read or written by others (mode {mode:o}): {}", path.display(), crate::guarded::WANTED)]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// A file of keys is not what was written.
    #[error("{}: damaged, or not a file of this kind: take it back from its backup", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
    },
    /// The ring is there, and the key that it is wrapped under is not.
    #[error(
        "{}: missing, and the ring beside it cannot be opened without it: take it back from where it is kept, or the \
         sealed part of the store stays unreadable",
        path.display()
    )]
    NoKek {
        /// Where it should be.
        path: PathBuf,
    },
    /// The key-encryption key is there, and the ring is not.
    #[error(
        "{}: missing, and its key-encryption key is there: take the ring back from its backup; a new ring opens nothing \
         that was sealed before",
        path.display()
    )]
    NoRing {
        /// Where it should be.
        path: PathBuf,
    },
    /// The ring is wrapped under another key-encryption key.
    #[error("{}: key-encryption key {found}, and the ring is wrapped under {wanted}", path.display())]
    OtherKek {
        /// The file of the key.
        path: PathBuf,
        /// Its id.
        found: String,
        /// Id of the key that the ring names.
        wanted: String,
    },
    /// The ring was made for another store.
    #[error("{}: this key ring was made for another store", path.display())]
    OtherStore {
        /// The ring.
        path: PathBuf,
    },
    /// The store holds what was sealed under keys of a ring that is not this one.
    #[error(
        "{}: this key ring is new, and the store holds events that were sealed under another: take that one back from \
         its backup",
        path.display()
    )]
    NewBesideSealed {
        /// The ring.
        path: PathBuf,
    },
    /// Part of a file is sealed, and cannot be opened with the keys given.
    #[error("{what}: {unopened}")]
    Unopened {
        /// The part.
        what: String,
        /// Why.
        unopened: Unopened,
    },
    /// Part of a file is sealed, and no key ring is given.
    #[error("{what}: sealed, and no key ring is given: set `encryption.directory` to where the store's keys are")]
    NotGiven {
        /// The part.
        what: String,
    },
    /// The machine gave no random bytes, or the cipher refused.
    #[error("{doing} failed in the cryptographic library")]
    Cipher {
        /// What was being done.
        doing: &'static str,
    },
    /// A subject number has no key of its own any more.
    #[error("subject numbers from {0} on have no room for a key")]
    TooMany(u32),
}

impl KeyRingError {
    pub(super) fn io(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { doing, path: path.to_owned(), source }
    }
}

/// Why sealed bytes could not be opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unopened {
    /// The key was destroyed: what it sealed is gone for good, as was asked.
    #[error("sealed under a key that was destroyed")]
    Destroyed,
    /// The ring has no such key yet: it is older than what was sealed.
    #[error("sealed under a key that this ring does not hold")]
    Unknown,
    /// The bytes, or what they are bound to, are not those that were sealed.
    #[error("the seal does not hold")]
    Broken,
}
