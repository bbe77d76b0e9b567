//! A store without the bytes of erased people: its events are copied into new
//! engine files, with stubs in the place of those that lay open, and the old files,
//! the journal and what lies in quarantine are removed. The ledger's hashes are
//! what they were. Backups are noted, to be removed once a full one was made and
//! proved.
//!
//! The copy gets its name once it is whole and on the disk itself, and from then
//! on it is the ledger: whatever a crash left of the old files goes at the next
//! start, before any of them is looked at. A crash before that leaves the old files
//! as they were, and the next start does it again.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use super::error::RecoveryError;
use super::{Options, backups};
use crate::domain::Revision;
use crate::store::checkpoint::Checkpoint;
use crate::store::sled_files::{Home, SCRATCH, sync, sync_tree};
use crate::store::{LoadError, SledStore, Store, StoreError, StoredEvent, Unpaced};

/// Engine files without what is to be forgotten, whole.
const COPY: &str = "sled-erased";

/// Puts stubs in the place of these events, by revision with the number of their kind, in every file of the store.
///
/// # Errors
/// The file system or the engine refused: the next start does it again.
pub fn forget(options: &Options, store: SledStore, events: &BTreeMap<Revision, u8>) -> Result<(), RecoveryError> {
    let (identity, head, root) = (store.identity(), store.head()?, options.directory.as_path());
    tracing::warn!(erasure.events = events.len(), "copying the store without what lay open of erased people");
    let scratch = root.join(format!("{SCRATCH}erasure"));
    remove(&scratch)?;
    let left = |event: Result<StoredEvent, StoreError>| {
        let event = event?;
        match events.get(&event.revision) {
            Some(kind) => event.stub(*kind),
            None => Ok(event),
        }
    };
    let copied = store.stored_events(Revision(1), head.revision).map(|event| left(event).map_err(LoadError::from));
    let reached = SledStore::load(&scratch, identity, copied, &mut Unpaced).map_err(refused)?;
    if reached != head {
        return Err(StoreError::BrokenChain { revision: reached.revision }.into());
    }
    // Before anything is removed, so that it is known what must go in the end.
    backups::note(root, &options.backups)?;
    drop(store);
    let home = Home::enter(root)?;
    let copy = root.join(COPY);
    sync_tree(&scratch)?;
    fs::rename(scratch.join("sled"), &copy).map_err(StoreError::io("naming the copy", &copy))?;
    sync(root)?;
    complete(&home)?;
    Checkpoint::open(root, identity, options.run)?.write(head, true)?;
    remove(&scratch)?;
    tracing::warn!(
        ledger.revision = head.revision.0,
        ledger.head = %head,
        "the store holds nothing of erased people any more; backups of before are removed once a full one was proved"
    );
    Ok(())
}

/// Puts a copy that is whole in the place of everything that the store was before. Without one there is nothing to do.
///
/// # Errors
/// The file system refused: the next start goes on.
pub fn complete(home: &Home) -> Result<(), StoreError> {
    let root = home.root();
    let copy = root.join(COPY);
    if !copy.exists() {
        return Ok(());
    }
    for name in ["journal", "quarantine"] {
        remove(&root.join(name))?;
    }
    remove(&home.engine())?;
    home.adopt(&copy)
}

fn remove(directory: &Path) -> Result<(), StoreError> {
    if directory.exists() {
        fs::remove_dir_all(directory).map_err(StoreError::io("removing", directory))?;
    }
    Ok(())
}

fn refused(error: LoadError) -> RecoveryError {
    match error {
        LoadError::Store(error) => error.into(),
        error @ (LoadError::Occupied { .. } | LoadError::Stopped) => {
            RecoveryError::StillDamaged { reason: error.to_string() }
        }
    }
}
