//! Proves a backup by restoring it: into a real store in a scratch directory,
//! read back from there the way that any store is read, and compared with the live
//! one. Only then does the file get its name. What cannot be restored today is
//! known today, and not on the day that it is needed.

use std::fs;
use std::io;
use std::path::Path;

use super::catalogue::BackupFile;
use super::error::BackupError;
use super::format::EXTENSION;
use super::read::Reader;
use super::write::{REFUSED, UNVERIFIED, Unverified};
use crate::domain::Revision;
use crate::store::pace::Steps;
use crate::store::sled_files::sync;
use crate::store::{EventHash, Head, Pace, SledStore, Stage, Store, StoreError};

/// A file that has been restored and compared, under its name: it counts.
pub type Verified = BackupFile;

/// Restores `unverified` into a new directory inside `scratch`, removed in any case, and compares it with `live`, the
/// store that it was written from.
///
/// # Errors
/// Where the file is not what it should be ([`BackupError::condemns`]) it is kept as `*.refused`, the last such one; where the proof could
/// not be brought to its end it is removed. Either way it does not count.
pub fn check(
    unverified: Unverified,
    live: &dyn Store,
    scratch: &Path,
    pace: &mut dyn Pace,
) -> Result<Verified, BackupError> {
    let path = unverified.path.clone();
    prove(&unverified, live, scratch, pace).and_then(|()| name(unverified)).inspect_err(|error| reject(&path, error))
}

fn prove(unverified: &Unverified, live: &dyn Store, scratch: &Path, pace: &mut dyn Pace) -> Result<(), BackupError> {
    let Unverified { header, trailer, path, .. } = unverified;
    fs::create_dir_all(scratch).map_err(BackupError::io("creating the directory", scratch))?;
    let directory = tempfile::Builder::new().prefix("scratch-backup-").tempdir_in(scratch);
    let directory = directory.map_err(BackupError::io("creating a scratch directory", scratch))?;
    let differs =
        |what, restored: String, live: String| BackupError::Differs { path: path.clone(), what, restored, live };
    let mut reader = Reader::open(path)?;
    if reader.header() != header {
        return Err(differs("the header of", described(reader.header()), described(header)));
    }
    let restored =
        SledStore::load_part(directory.path(), header.identity, &header.before, reader.by_ref(), &mut *pace)?;
    let head = read_back(&restored, &header.before, pace)?;
    if reader.trailer() != Some(trailer) || head != trailer.head {
        return Err(differs("head", head.to_string(), trailer.head.to_string()));
    }
    for (what, revision, hash) in
        [("the event before it", header.before.revision, header.before.hash), ("head", head.revision, head.hash)]
    {
        let told = |hash| Head { revision, hash }.to_string();
        let held = hash_at(live, revision)?;
        if held != hash {
            return Err(differs(what, told(hash), told(held)));
        }
    }
    drop(restored);
    directory.close().map_err(BackupError::io("removing the scratch directory of", path))
}

/// Walks a store just filled, from `before` to its head, every event decoded.
fn read_back(restored: &dyn Store, before: &Head, pace: &mut dyn Pace) -> Result<Head, BackupError> {
    let end = restored.head()?;
    let mut walked = *before;
    let mut steps = Steps::new(pace, Stage::Compare);
    for event in restored.stored_events(before.revision.next(), end.revision) {
        let event = event?;
        event.decode()?;
        walked = walked.followed_by(&event)?;
        if steps.event(event.bytes().len()).is_break() {
            return Err(BackupError::Stopped);
        }
    }
    if steps.end().is_break() {
        return Err(BackupError::Stopped);
    }
    if walked == end { Ok(walked) } else { Err(StoreError::BrokenChain { revision: walked.revision }.into()) }
}

/// The hash of the live store's event; zeros for revision 0.
fn hash_at(live: &dyn Store, revision: Revision) -> Result<EventHash, BackupError> {
    if revision == Head::EMPTY.revision {
        return Ok(Head::EMPTY.hash);
    }
    let event = live.stored_event(revision)?.ok_or(StoreError::MissingEvent { revision })?;
    Ok(event.hash())
}

fn described(header: &super::Header) -> String {
    format!("of {} after {}", uuid::Uuid::from_bytes(header.identity.store_id), header.before)
}

fn name(unverified: Unverified) -> Result<Verified, BackupError> {
    let Unverified { path: aside, name, header, trailer, bytes } = unverified;
    let path = aside.with_file_name(name);
    fs::rename(&aside, &path).map_err(BackupError::io("naming the backup", &path))?;
    if let Some(directory) = path.parent() {
        sync(directory)?;
    }
    Ok(BackupFile { path, header, trailer, bytes })
}

/// Sets a file aside that failed its proof, or removes one that could not be tried. Failing to is only told: without
/// its name the file does not count.
fn reject(path: &Path, error: &BackupError) {
    let outcome = if error.condemns() {
        let name = path.to_string_lossy();
        let refused = format!("{}{REFUSED}", name.strip_suffix(UNVERIFIED).unwrap_or(&name));
        tracing::error!(backup.file = %refused, error = %error, "a backup failed its proof and does not count");
        remove_refused(path).and_then(|()| fs::rename(path, &refused))
    } else {
        fs::remove_file(path)
    };
    if let Err(failed) = outcome {
        tracing::warn!(backup.file = %path.display(), error = %failed, "could not set a backup aside that does not count");
    }
}

/// Removes what was refused before: one is kept to be looked at, and a schedule must not fill the disk with them.
fn remove_refused(beside: &Path) -> io::Result<()> {
    let Some(directory) = beside.parent() else { return Ok(()) };
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        if path.to_string_lossy().ends_with(&format!("{EXTENSION}{REFUSED}")) {
            fs::remove_file(path)?;
        }
    }
    Ok(())
}
