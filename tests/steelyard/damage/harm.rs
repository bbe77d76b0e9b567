//! What is done to a file, and copies of directories to do it to.

use std::fmt;
use std::fs;
use std::path::Path;

use rand::Rng;
use rand::rngs::StdRng;

/// One damage to one file.
pub struct Harm {
    /// Whether the engine's files are lost as well, so that the backups are needed.
    engine_lost: bool,
    file: String,
    size: u64,
    kind: Kind,
}

enum Kind {
    Flip {
        offset: u64,
        bit: u8,
    },
    Cut {
        length: u64,
    },
    /// An empty file can only be made longer.
    Grown,
}

impl fmt::Display for Harm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.engine_lost {
            f.write_str("the engine's files lost, and ")?;
        }
        match self.kind {
            Kind::Flip { offset, bit } => write!(f, "bit {bit} of byte {offset} of {} in {}", self.size, self.file),
            Kind::Cut { length } => write!(f, "{} of {} bytes cut to {length}", self.file, self.size),
            Kind::Grown => write!(f, "a byte put into the empty {}", self.file),
        }
    }
}

impl Harm {
    /// A damage to this file: three bits flipped for each end cut off. A file that is mostly holes is hit where it is not.
    pub fn chosen(home: &Path, file: &str, dice: &mut StdRng) -> Self {
        let bytes = fs::read(home.join(file)).expect("the file must be there");
        let size = bytes.len() as u64;
        let kind = if size == 0 {
            Kind::Grown
        } else if dice.random_ratio(1, 4) {
            Kind::Cut { length: dice.random_range(0..size) }
        } else {
            let written = bytes.iter().rposition(|byte| *byte != 0).map_or(size, |last| last as u64 + 1);
            Kind::Flip { offset: dice.random_range(0..written), bit: dice.random_range(0..8) }
        };
        let engine_lost = file.starts_with("backups/") && dice.random();
        Self { engine_lost, file: file.to_owned(), size, kind }
    }

    /// Does it.
    pub fn done_to(&self, home: &Path) {
        let path = home.join(&self.file);
        let mut bytes = fs::read(&path).expect("the file must be there");
        match self.kind {
            Kind::Flip { offset, bit } => {
                bytes[usize::try_from(offset).expect("a file that was read fits into memory")] ^= 1 << bit;
            }
            Kind::Cut { length } => {
                bytes.truncate(usize::try_from(length).expect("a file that was read fits into memory"));
            }
            Kind::Grown => bytes.push(1),
        }
        fs::write(&path, bytes).expect("the file must be written");
        if self.engine_lost {
            fs::remove_dir_all(home.join("sled")).expect("the engine's files must be there");
        }
    }
}

/// Every file under a directory, by its path from there.
pub fn files(home: &Path) -> Vec<String> {
    let mut files = Vec::new();
    let mut directories = vec![home.to_owned()];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(directory).expect("a directory must be listed") {
            let path = entry.expect("a directory must be listed").path();
            if path.is_dir() {
                directories.push(path);
            } else {
                let inside = path.strip_prefix(home).expect("it was found there");
                files.push(inside.to_str().expect("names are text").to_owned());
            }
        }
    }
    files.sort();
    files
}

/// Copies a directory, file by file.
pub fn copy(from: &Path, to: &Path) {
    for file in files(from) {
        let target = to.join(&file);
        fs::create_dir_all(target.parent().expect("a file is in a directory")).expect("a directory must be made");
        fs::copy(from.join(&file), target).expect("a file must be copied");
    }
}
