//! How far an import has come, kept beside the rejects, so that the same
//! command goes on from there. It counts and points; it holds nothing of any
//! person.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::batch::Origin;
use crate::intake::Place;

const VERSION: u32 = 2;

/// What became of the records of one file so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Totals {
    /// Rows read.
    pub rows: u64,
    /// Records that the rows gave.
    pub records: u64,
    /// Records written as new.
    pub created: u64,
    /// Records written as a later version.
    pub superseded: u64,
    /// Records the same as held.
    pub unchanged: u64,
    /// Records refused, and rows refused as a whole.
    pub refused: u64,
    /// Rows of which something was refused.
    pub refused_rows: u64,
}

/// How far an import has come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Checkpoint {
    version: u32,
    file: String,
    mapping: String,
    store: String,
    run: Uuid,
    offset: u64,
    lines: u64,
    /// Length of the rejects file, in bytes.
    pub rejects_length: u64,
    /// What became of the records before it.
    pub totals: Totals,
}

/// What a checkpoint file says of the file at hand.
#[derive(Debug, PartialEq, Eq)]
pub enum Found {
    /// There is none.
    Nothing,
    /// It is of this file through this mapping.
    Same(Checkpoint),
    /// It is of something else, or cannot be read: why.
    Other(&'static str),
}

impl Checkpoint {
    /// A checkpoint of one import at a place.
    pub fn new(origin: &Origin, place: Place, rejects_length: u64, totals: Totals) -> Self {
        Self {
            version: VERSION,
            file: hex(&origin.file),
            mapping: hex(&origin.mapping),
            store: hex(&origin.store),
            run: Uuid::from_bytes(origin.run),
            offset: place.offset,
            lines: place.lines,
            rejects_length,
            totals,
        }
    }

    /// Which import it is of.
    pub fn run(&self) -> [u8; 16] {
        self.run.into_bytes()
    }

    /// Where to go on.
    pub fn place(&self) -> Place {
        Place { offset: self.offset, lines: self.lines }
    }

    /// Reads a checkpoint file.
    pub fn find(path: &Path, origin: &Origin) -> Found {
        let bytes = match fs::read(path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Found::Nothing,
            Err(_) => return Found::Other("cannot be read"),
        };
        match serde_json::from_slice::<Self>(&bytes) {
            Ok(found) if found.version != VERSION => Found::Other("was written by another release"),
            Ok(found) if found.file != hex(&origin.file) => Found::Other("is of other content of the file"),
            Ok(found) if found.mapping != hex(&origin.mapping) => Found::Other("is of another mapping"),
            Ok(found) if found.store != hex(&origin.store) => {
                Found::Other("is of another store, or of before a restore")
            }
            Ok(found) => Found::Same(found),
            Err(_) => Found::Other("is not a checkpoint"),
        }
    }

    /// Replaces the checkpoint file in one step.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn save(&self, path: &Path) -> io::Result<()> {
        let mut beside = path.as_os_str().to_owned();
        beside.push(".new");
        let beside = Path::new(&beside);
        let mut file = File::create(beside)?;
        file.write_all(&serde_json::to_vec_pretty(self).map_err(io::Error::other)?)?;
        file.sync_all()?;
        fs::rename(beside, path)
    }

    /// Removes the checkpoint file, if it is there.
    ///
    /// # Errors
    /// When it is there and cannot be removed.
    pub fn remove(path: &Path) -> io::Result<()> {
        match fs::remove_file(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            result => result,
        }
    }
}

fn hex(digest: &[u8; 32]) -> String {
    blake3::Hash::from_bytes(*digest).to_hex().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ORIGIN: Origin = Origin { file: [1; 32], mapping: [2; 32], dry_run: false, store: [4; 32], run: [5; 16] };

    #[test]
    fn a_checkpoint_is_of_one_file_through_one_mapping() {
        let folder = tempfile::tempdir().expect("must make a folder");
        let path = folder.path().join("x.steelyard-import");
        assert_eq!(Checkpoint::find(&path, &ORIGIN), Found::Nothing);
        let totals = Totals { rows: 7, created: 6, refused: 1, ..Totals::default() };
        let checkpoint = Checkpoint::new(&ORIGIN, Place { offset: 99, lines: 8 }, 12, totals);
        checkpoint.save(&path).expect("must save");
        checkpoint.save(&path).expect("must save again");
        assert_eq!(Checkpoint::find(&path, &ORIGIN), Found::Same(checkpoint.clone()));
        assert_eq!(checkpoint.place(), Place { offset: 99, lines: 8 });
        let others = [
            Origin { file: [3; 32], ..ORIGIN },
            Origin { mapping: [3; 32], ..ORIGIN },
            Origin { store: [3; 32], ..ORIGIN },
        ];
        for other in others {
            assert!(matches!(Checkpoint::find(&path, &other), Found::Other(_)));
        }
        fs::write(&path, "{").expect("must write");
        assert!(matches!(Checkpoint::find(&path, &ORIGIN), Found::Other(_)));
        Checkpoint::remove(&path).expect("must remove");
        Checkpoint::remove(&path).expect("what is not there is removed already");
    }
}
