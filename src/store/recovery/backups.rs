//! Which backups hold what was erased since: noted in the data directory when the
//! store itself has been freed of it, and removed once a full backup was made and
//! proved after that. Until then they count, as nothing else leads to the ledger.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::store::StoreError;
use crate::store::sled_files::sync;

const NOTE: &str = "backups-to-remove";

/// Notes every file that is among the backups now.
///
/// # Errors
/// The file system refused.
pub fn note(root: &Path, backups: &Path) -> Result<(), StoreError> {
    let mut names = noted(root)?;
    match fs::read_dir(backups) {
        Ok(entries) => {
            let files = entries.flatten().filter(|entry| entry.path().is_file());
            names.extend(files.filter_map(|entry| entry.file_name().into_string().ok()));
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(StoreError::io("listing", backups)(error)),
    }
    names.sort();
    names.dedup();
    let (path, aside) = (root.join(NOTE), root.join(format!("{NOTE}.new")));
    let written = fs::File::create(&aside).and_then(|mut file| {
        file.write_all(names.join("\n").as_bytes())?;
        file.sync_all()
    });
    written.map_err(StoreError::io("writing", &aside))?;
    fs::rename(&aside, &path).map_err(StoreError::io("naming", &path))?;
    sync(root)
}

/// Names of the files that are to go; empty where there are none.
///
/// # Errors
/// The file system refused.
pub fn noted(root: &Path) -> Result<Vec<String>, StoreError> {
    let path = root.join(NOTE);
    match fs::read_to_string(&path) {
        Ok(text) => Ok(text.lines().map(str::to_owned).collect()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(StoreError::io("reading", &path)(error)),
    }
}

/// Removes them, and the note last. To be called once a full backup was proved that was begun after they were noted.
///
/// # Errors
/// The file system refused: what is left is removed the next time.
pub fn remove(root: &Path, backups: &Path) -> Result<usize, StoreError> {
    let names = noted(root)?;
    let mut removed = 0;
    for path in names.iter().map(|name| -> PathBuf { backups.join(name) }) {
        match fs::remove_file(&path) {
            Ok(()) => removed += 1,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(StoreError::io("removing", &path)(error)),
        }
    }
    if !names.is_empty() {
        sync(backups)?;
        let note = root.join(NOTE);
        fs::remove_file(&note).map_err(StoreError::io("removing", &note))?;
        sync(root)?;
    }
    Ok(removed)
}
