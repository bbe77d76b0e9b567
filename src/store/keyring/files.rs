//! Files of keys: written aside, on the disk itself before they get their name,
//! readable by their owner alone, and overwritten before they are let go of.
//! What is in them is for others to say.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use super::error::KeyRingError;
use crate::guarded;

/// The file beside `path` that is written before it takes its name.
pub fn aside(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    path.with_file_name(name)
}

/// Reads a file of keys; `None` where there is none.
///
/// # Errors
/// The file system refused, or it is not guarded.
pub fn read(path: &Path) -> Result<Option<Vec<u8>>, KeyRingError> {
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(KeyRingError::io("opening", path)(error)),
    };
    if let Some(mode) = guarded::exposed(&file.metadata().map_err(KeyRingError::io("reading", path))?) {
        return Err(KeyRingError::Exposed { path: path.to_owned(), mode });
    }
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes).map_err(KeyRingError::io("reading", path))?;
    Ok(Some(bytes))
}

/// Writes a new file, for its owner alone; it and its name are on the disk itself when this returns.
///
/// # Errors
/// The file system refused.
pub fn write(path: &Path, bytes: &[u8]) -> Result<(), KeyRingError> {
    forget(path)?;
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .map_err(KeyRingError::io("creating", path))?;
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(KeyRingError::io("writing", path))?;
    sync_parent(path)
}

/// Writes a file aside and gives it its name: the old one or the new one is there, whole, at any moment.
///
/// # Errors
/// The file system refused.
pub fn replace(path: &Path, bytes: &[u8]) -> Result<(), KeyRingError> {
    let aside = aside(path);
    write(&aside, bytes)?;
    rename(&aside, path)
}

/// Gives a file another name, in place of what had it.
///
/// # Errors
/// The file system refused.
pub fn rename(from: &Path, to: &Path) -> Result<(), KeyRingError> {
    fs::rename(from, to).map_err(KeyRingError::io("naming", to))?;
    sync_parent(to)
}

/// Overwrites what a file holds, and leaves it there empty of meaning. A disk that writes elsewhere keeps the old
/// bytes until it uses them again: see the operations page.
///
/// # Errors
/// The file system refused.
pub fn overwrite(path: &Path) -> Result<(), KeyRingError> {
    let mut file = match OpenOptions::new().write(true).open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(KeyRingError::io("overwriting", path)(error)),
    };
    let length = file.metadata().map_err(KeyRingError::io("overwriting", path))?.len();
    let mut zeros = io::repeat(0).take(length);
    io::copy(&mut zeros, &mut file).and_then(|_| file.sync_all()).map_err(KeyRingError::io("overwriting", path))
}

/// Overwrites a file and removes it, if it is there.
///
/// # Errors
/// The file system refused.
pub fn forget(path: &Path) -> Result<(), KeyRingError> {
    overwrite(path)?;
    match fs::remove_file(path) {
        Ok(()) => sync_parent(path),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(KeyRingError::io("removing", path)(error)),
    }
}

/// Makes a directory, for its owner alone, where it is missing.
///
/// # Errors
/// The file system refused.
pub fn make_directory(path: &Path) -> Result<(), KeyRingError> {
    if path.is_dir() {
        return Ok(());
    }
    crate::store::sled_files::make_private(path).map_err(KeyRingError::io("creating the directory", path))?;
    sync_parent(path)
}

fn sync_parent(path: &Path) -> Result<(), KeyRingError> {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(parent).and_then(|directory| directory.sync_all()).map_err(KeyRingError::io("syncing", parent))
}
