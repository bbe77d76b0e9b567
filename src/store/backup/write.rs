//! Writes a run of the ledger to a file, aside: `*.partial` while it is written,
//! `*.unverified` when all of it is on the disk. It reads the store as anyone may
//! while it serves: events up to an acknowledged revision are never changed.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::error::BackupError;
use super::format::{Header, Raw, Trailer};
use crate::store::pace::Steps;
use crate::store::sled_files::{make_private, sync};
use crate::store::{Head, Pace, Stage, Store, StoreError};

pub(super) const PARTIAL: &str = ".partial";
pub(super) const UNVERIFIED: &str = ".unverified";
pub(super) const REFUSED: &str = ".refused";

/// A file that is wholly on the disk and does not count yet: give it to [`check`](super::check()).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unverified {
    /// The file as it is called now.
    pub path: PathBuf,
    /// As it is to be called.
    pub name: String,
    /// How it begins.
    pub header: Header,
    /// How it ends.
    pub trailer: Trailer,
    /// Its bytes.
    pub bytes: u64,
}

/// Writes the events after `before` ([`Head::EMPTY`]: a full backup) up to `through`, which `store` must have
/// acknowledged, to a new file in `directory`, made where it is missing. `created` is the instant of the backup.
///
/// # Errors
/// [`BackupError::NothingNew`], the store's, the file system's, or [`BackupError::Stopped`]. No file is left.
pub fn write(
    store: &dyn Store,
    before: Head,
    through: Head,
    directory: &Path,
    created: Timestamp,
    pace: &mut dyn Pace,
) -> Result<Unverified, BackupError> {
    let full = before == Head::EMPTY;
    if through.revision < before.revision || (through.revision == before.revision && !full) {
        return Err(BackupError::NothingNew { before, through });
    }
    make_private(directory).map_err(BackupError::io("creating the directory", directory))?;
    let header = Header::new(store.identity(), before, created);
    let name = header.file_name(&through);
    let partial = Partial { path: directory.join(format!("{name}{PARTIAL}")) };
    let (trailer, bytes) = write_file(store, &header, &through, &partial.path, pace)?;
    let path = directory.join(format!("{name}{UNVERIFIED}"));
    fs::rename(&partial.path, &path).map_err(BackupError::io("naming the backup", &path))?;
    sync(directory)?;
    Ok(Unverified { path, name, header, trailer, bytes })
}

fn write_file(
    store: &dyn Store,
    header: &Header,
    through: &Head,
    path: &Path,
    pace: &mut dyn Pace,
) -> Result<(Trailer, u64), BackupError> {
    let failed = |error| BackupError::io("writing", path)(error);
    let file = File::create(path).map_err(failed)?;
    let mut output = Output { file: BufWriter::with_capacity(1 << 20, file), digest: blake3::Hasher::new(), bytes: 0 };
    output.put(&header.encode()).map_err(failed)?;
    let mut steps = Steps::new(pace, Stage::Write);
    let mut raw = Raw::default();
    let mut walked = header.before;
    for event in store.stored_events(header.before.revision.next(), through.revision) {
        let event = event?;
        walked = walked.followed_by(&event)?;
        raw.push(&event);
        if raw.is_full() {
            output.put(&raw.frame().map_err(failed)?).map_err(failed)?;
        }
        if steps.event(event.bytes().len()).is_break() {
            return Err(BackupError::Stopped);
        }
    }
    if walked.revision < through.revision {
        return Err(StoreError::MissingEvent { revision: walked.revision.next() }.into());
    }
    if walked.hash != through.hash {
        return Err(StoreError::BrokenChain { revision: walked.revision }.into());
    }
    if !raw.is_empty() {
        output.put(&raw.frame().map_err(failed)?).map_err(failed)?;
    }
    let digest = *output.digest.finalize().as_bytes();
    let trailer = Trailer { head: walked, events: walked.revision.0 - header.before.revision.0, digest };
    output.put(&trailer.encode()).map_err(failed)?;
    let bytes = output.bytes;
    let file = output.file.into_inner().map_err(|error| failed(error.into_error()))?;
    file.sync_all().map_err(BackupError::io("syncing", path))?;
    if steps.end().is_break() {
        return Err(BackupError::Stopped);
    }
    Ok((trailer, bytes))
}

struct Output {
    file: BufWriter<File>,
    digest: blake3::Hasher,
    bytes: u64,
}

impl Output {
    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.digest.update(bytes);
        self.bytes += bytes.len() as u64;
        self.file.write_all(bytes)
    }
}

/// A file still being written: removed where the writing fails.
struct Partial {
    path: PathBuf,
}

impl Drop for Partial {
    fn drop(&mut self) {
        // After the rename there is nothing to remove.
        if let Err(error) = fs::remove_file(&self.path)
            && error.kind() != io::ErrorKind::NotFound
        {
            tracing::warn!(backup.file = %self.path.display(), error = %error, "could not remove an unfinished backup");
        }
    }
}
