//! The end of a ledger that no backup has yet, from a journal: read, never changed.

use std::path::{Path, PathBuf};

use super::error::BackupError;
use super::restore::Tail;
use crate::domain::Revision;
use crate::store::journal::{self, Peeked};
use crate::store::{Head, StoredEvent};

/// A journal after backups.
#[derive(Clone, Debug)]
pub struct JournalTail {
    directory: PathBuf,
    peeked: Peeked,
}

impl JournalTail {
    /// The journal in `directory`, checked whole; `None`: there is none.
    ///
    /// # Errors
    /// [`BackupError::Journal`].
    pub fn open(directory: &Path) -> Result<Option<Self>, BackupError> {
        let peeked = journal::peek(directory)?;
        Ok(peeked.map(|peeked| Self { directory: directory.to_owned(), peeked }))
    }

    /// Whether an interrupted write stands at its end. It was never acknowledged, and is passed over.
    pub const fn is_torn(&self) -> bool {
        self.peeked.torn
    }
}

impl Tail for JournalTail {
    fn place(&self) -> &Path {
        &self.directory
    }

    fn store_id(&self) -> [u8; 16] {
        self.peeked.identity.store_id
    }

    fn before(&self) -> Head {
        self.peeked.reader.extent().before
    }

    fn head(&self) -> Head {
        self.peeked.reader.extent().head
    }

    fn events(&self, from: Revision) -> Box<dyn Iterator<Item = Result<StoredEvent, BackupError>> + '_> {
        Box::new(self.peeked.reader.events(from).map(|event| Ok(event?)))
    }
}
