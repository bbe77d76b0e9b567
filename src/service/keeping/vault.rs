//! What keeping needs of the place where backups are, so that when and how often
//! is told apart from how a file is written and proved.

use jiff::Timestamp;

use crate::domain::Revision;
use crate::service::verify::files;
use crate::store::{Head, Store};

/// What a backup holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The whole ledger.
    Full,
    /// What came after the backup before it.
    Incremental,
}

impl Kind {
    /// Its name, as in logs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Incremental => "incremental",
        }
    }
}

/// A verified backup.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Backup {
    /// Name of its file.
    pub name: String,
    /// What it holds.
    pub kind: Kind,
    /// The last event before the first one held.
    pub before: Revision,
    /// The last event held.
    pub head: Head,
    /// Bytes of the file.
    pub bytes: u64,
    /// Events held.
    pub events: u64,
    /// When it was written.
    pub created: Timestamp,
}

/// A file that does not count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unusable {
    /// Name of the file.
    pub name: String,
    /// Why, as a sentence without any stored value.
    pub problem: String,
}

/// What there is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Survey {
    /// Verified backups of this store, oldest first.
    pub backups: Vec<Backup>,
    /// Files that do not count.
    pub unusable: Vec<Unusable>,
    /// The backup that reaches furthest into this store's ledger, without a gap: the next one follows it.
    pub newest: Option<Backup>,
}

impl Survey {
    /// When the newest full one up to there was written.
    pub fn newest_full(&self) -> Option<Timestamp> {
        let newest = self.newest.as_ref()?.head.revision;
        let fulls = self.backups.iter().filter(|backup| backup.kind == Kind::Full && backup.head.revision <= newest);
        fulls.map(|backup| backup.created).max()
    }
}

/// What is being done to a backup.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Events are written to the file.
    Writing,
    /// The file is restored and compared.
    Checking,
}

/// How far a backup has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// What is being done.
    pub phase: Phase,
    /// Bytes gone through in this phase, as the ledger stores them.
    pub bytes: u64,
    /// Events gone through in this phase.
    pub events: u64,
    /// The last event gone through.
    pub revision: Revision,
    /// The last event that the backup will hold.
    pub through: Revision,
}

/// Why there is no backup.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VaultFault {
    /// It was asked to stop.
    #[error("the server stops")]
    GivenUp,
    /// The sentence names files and places, and never a stored value.
    #[error("{0}")]
    Failed(String),
}

/// The place where backups are. Every call blocks.
pub trait Vault: Send + Sync + 'static {
    /// What there is of `store`.
    ///
    /// # Errors
    /// The place or the store cannot be read.
    fn survey(&self, store: &dyn Store) -> Result<Survey, VaultFault>;

    /// What lies beside the engine's files of `store`, to be verified; `None`: there are no files.
    fn files(&self, store: &dyn Store) -> Option<files::Survey> {
        let _ = store;
        None
    }

    /// Writes a backup of the ledger as it is now, dated `created`, proves it, and gives it its name. Where there is
    /// nothing for an incremental one to follow it is full. `pace` is called after each portion of work, may block,
    /// and says whether to go on.
    ///
    /// # Errors
    /// Nothing that counts is left behind then.
    fn back_up(
        &self,
        store: &dyn Store,
        kind: Kind,
        created: Timestamp,
        pace: &mut dyn FnMut(Progress) -> bool,
    ) -> Result<Backup, VaultFault>;

    /// Removes what is older than the full backups to be kept, and nothing that leads to `newest`. Gives the number of
    /// files removed.
    ///
    /// # Errors
    /// A file could not be removed.
    fn prune(&self, keep_full: usize, newest: &Head) -> Result<usize, VaultFault>;
}
