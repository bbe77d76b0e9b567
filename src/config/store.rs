//! Where the ledger is kept, and how much memory its cache may take.

use std::path::{Path, PathBuf};

use super::Concern;
use super::key::{Key, Shape};
use super::reader::{Reader, switch, whole};

/// Where the ledger is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Store {
    /// The place.
    pub home: Home,
    /// Cache of the store, in bytes. The store may take about twice as much.
    pub cache_bytes: u64,
}

/// The place of the ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Home {
    /// Memory alone: everything is forgotten when the server stops.
    Memory,
    /// A directory, made where it is missing.
    Directory(PathBuf),
}

pub(super) const DATA_DIR: Key = Key {
    name: "data_dir",
    flag: "data-dir",
    variable: "STEELYARD_DATA_DIR",
    shape: Shape::Value("DIR"),
    takes: "a directory on a local disk",
    default: None,
    meaning: "Where the ledger and its views are kept. Made if it is missing. One server at a time may use it. \
              Required unless `memory` is true.",
};

pub(super) const MEMORY: Key = Key {
    name: "memory",
    flag: "memory",
    variable: "STEELYARD_MEMORY",
    shape: Shape::Switch,
    takes: "true or false",
    default: Some("false"),
    meaning: "Keep everything in memory and forget it when the server stops. For trials and tests.",
};

pub(super) const CACHE_MB: Key = Key {
    name: "store.cache_mb",
    flag: "store-cache-mb",
    variable: "STEELYARD_STORE_CACHE_MB",
    shape: Shape::Value("MIB"),
    takes: "16 to 65536, MiB",
    default: Some("128"),
    meaning: "Cache of the store on disk. The store may take about twice as much. Ranked lists do not use it: they \
              are kept in memory of their own.",
};

pub(super) const CONCERN: Concern = Concern { title: "Store", keys: &[&DATA_DIR, &MEMORY, &CACHE_MB] };

pub(super) fn settle(reader: &mut Reader<'_>) -> Option<Store> {
    let directory = reader.optional(&DATA_DIR, directory);
    let memory = reader.value(&MEMORY, switch);
    let cache_mb = reader.value(&CACHE_MB, |text| whole(text, 16..=65_536));
    let home = match (directory?, memory?) {
        (Some(_), true) => {
            reader.refuse(&DATA_DIR, "`memory` is true as well; give one of the two");
            None
        }
        (None, false) => {
            reader.refuse(&DATA_DIR, "is required; name a directory, or give --memory to keep nothing");
            None
        }
        (Some(path), false) => Some(Home::Directory(path)),
        (None, true) => Some(Home::Memory),
    };
    Some(Store { home: home?, cache_bytes: cache_mb? * 1024 * 1024 })
}

fn directory(text: &str) -> Result<PathBuf, String> {
    if text.is_empty() {
        return Err("is empty; name a directory".to_owned());
    }
    let path = Path::new(text);
    if path.exists() && !path.is_dir() {
        return Err("is a file; name a directory".to_owned());
    }
    Ok(path.to_owned())
}
