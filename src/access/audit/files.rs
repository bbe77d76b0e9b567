//! The names in the directory of an audit log, and having names on the disk itself.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use super::error::AuditError;

/// Name of the segment that begins with entry `first`.
pub fn name(first: u64) -> String {
    format!("{first:020}.audit")
}

/// Name of the index beside it.
pub fn index_name(first: u64) -> String {
    format!("{first:020}.subjects")
}

fn first(name: &str) -> Option<u64> {
    let first = name.strip_suffix(".audit").filter(|digits| digits.len() == 20)?.parse().ok()?;
    // A plus sign parses as well.
    (self::name(first) == name).then_some(first)
}

/// The segments of a directory, by first entry. A directory that is not there has none.
///
/// # Errors
/// What the file system refused.
pub fn segments(directory: &Path) -> Result<Vec<(u64, PathBuf)>, AuditError> {
    let entries = match fs::read_dir(directory) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.and_then(Iterator::collect::<io::Result<Vec<_>>>),
    };
    let entries = entries.map_err(AuditError::io("listing", directory))?;
    let mut segments: Vec<_> =
        entries.into_iter().filter_map(|entry| Some((first(entry.file_name().to_str()?)?, entry.path()))).collect();
    segments.sort_unstable();
    Ok(segments)
}

/// Has the names in a directory on the disk itself.
///
/// # Errors
/// What the file system refused.
pub fn sync_names(directory: &Path) -> Result<(), AuditError> {
    let handle = File::open(directory).map_err(AuditError::io("opening", directory))?;
    handle.sync_all().map_err(AuditError::sync(directory))
}
