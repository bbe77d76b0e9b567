//! The names of a journal's segments, and having names on the disk itself.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use super::error::JournalError;
use crate::domain::Revision;

/// Name of the segment that begins with `first`.
pub fn name(first: Revision) -> String {
    format!("{:020}.log", first.0)
}

/// The revision that the name of a segment gives; `None`: another file, which is no business of the journal's.
fn first(name: &str) -> Option<Revision> {
    let revision = name.strip_suffix(".log").filter(|digits| digits.len() == 20)?.parse().ok()?;
    // A plus sign parses as well.
    (self::name(Revision(revision)) == name).then_some(Revision(revision))
}

/// The segments of a directory, by first revision. A directory that is not there has none.
///
/// # Errors
/// What the file system refused.
pub fn segments(directory: &Path) -> Result<Vec<(Revision, PathBuf)>, JournalError> {
    let entries = match fs::read_dir(directory) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.and_then(Iterator::collect::<io::Result<Vec<_>>>),
    };
    let entries = entries.map_err(JournalError::io("listing", directory))?;
    let mut segments: Vec<_> =
        entries.into_iter().filter_map(|entry| Some((first(entry.file_name().to_str()?)?, entry.path()))).collect();
    segments.sort_unstable();
    Ok(segments)
}

/// Has the names in a directory on the disk itself.
///
/// # Errors
/// What the file system refused.
pub fn sync_names(directory: &Path) -> Result<(), JournalError> {
    let handle = File::open(directory).map_err(JournalError::io("opening", directory))?;
    handle.sync_all().map_err(|source| JournalError::Sync { path: directory.to_owned(), source })
}
