//! The end of a ledger that no backup has yet, from a journal: read, never changed.

use std::path::{Path, PathBuf};

use uuid::Uuid;

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
    /// The journal in `directory`, checked whole; `None`: there is none. It must be of the store `store_id`, of
    /// whichever incarnation, as the chain shows whether it goes on where the backups end.
    ///
    /// # Errors
    /// [`BackupError::Journal`], [`BackupError::OtherStore`].
    pub fn open(directory: &Path, store_id: [u8; 16]) -> Result<Option<Self>, BackupError> {
        let Some(peeked) = journal::peek(directory)? else { return Ok(None) };
        if peeked.identity.store_id != store_id {
            let (found, expected) = (Uuid::from_bytes(peeked.identity.store_id), Uuid::from_bytes(store_id));
            return Err(BackupError::OtherStore { path: directory.to_owned(), found, expected });
        }
        Ok(Some(Self { directory: directory.to_owned(), peeked }))
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
