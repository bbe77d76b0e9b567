//! Where the ledger is kept, how much memory its cache and how much of the disk its
//! safeguards may take.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::Concern;
use super::key::{Key, Shape};
use super::reader::{Reader, mebibytes, switch, whole};

/// Where the ledger is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Store {
    /// The place.
    pub home: Home,
    /// Cache of the store, in bytes. The store may take about twice as much.
    pub cache_bytes: u64,
    /// Bytes of one segment of the recovery journal.
    pub segment_bytes: u64,
    /// Bytes of disk held back, given up when the disk is full so that the store can be closed in order. 0: none.
    pub ballast_bytes: u64,
    /// Free bytes of the disk under which writes are refused.
    pub min_free_bytes: u64,
    /// How long the engine's files may take to open before they count as damaged.
    pub open_within: Duration,
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

pub(super) const SEGMENT_MB: Key = Key {
    name: "store.segment_mb",
    flag: "store-segment-mb",
    variable: "STEELYARD_STORE_SEGMENT_MB",
    shape: Shape::Value("MIB"),
    takes: "1 to 1024, MiB",
    default: Some("64"),
    meaning: "Size of one segment of the recovery journal. Whole segments are removed once a verified backup covers \
              them.",
};

pub(super) const BALLAST_MB: Key = Key {
    name: "store.ballast_mb",
    flag: "store-ballast-mb",
    variable: "STEELYARD_STORE_BALLAST_MB",
    shape: Shape::Value("MIB"),
    takes: "0 to 65536, MiB",
    default: Some("64"),
    meaning: "Space held back on the disk of `data_dir` by a file that is given up when the disk is full, so that the \
              store can be closed in order and opened again. 0: none.",
};

pub(super) const MIN_FREE_MB: Key = Key {
    name: "store.min_free_mb",
    flag: "store-min-free-mb",
    variable: "STEELYARD_STORE_MIN_FREE_MB",
    shape: Shape::Value("MIB"),
    takes: "0 to 1048576, MiB",
    default: Some("256"),
    meaning: "Free space on the disk of `data_dir` under which writes are refused with DISK_LOW. Reads go on. 0: \
              writes are refused only when the disk is full.",
};

pub(super) const OPEN_SECONDS: Key = Key {
    name: "store.open_seconds",
    flag: "store-open-seconds",
    variable: "STEELYARD_STORE_OPEN_SECONDS",
    shape: Shape::Value("SECONDS"),
    takes: "1 to 86400, seconds",
    default: Some("120"),
    meaning: "How long the store's files may take to open at the start. Files that take longer count as damaged: they \
              are put aside whole, and the store is rebuilt from the last verified backup and the journal.",
};

pub(super) const CONCERN: Concern = Concern {
    title: "Store",
    keys: &[&DATA_DIR, &MEMORY, &CACHE_MB, &SEGMENT_MB, &BALLAST_MB, &MIN_FREE_MB, &OPEN_SECONDS],
};

pub(super) fn settle(reader: &mut Reader<'_>) -> Option<Store> {
    let directory = reader.optional(&DATA_DIR, directory);
    let memory = reader.value(&MEMORY, switch);
    let cache = reader.value(&CACHE_MB, |text| mebibytes(text, 16..=65_536));
    let segment = reader.value(&SEGMENT_MB, |text| mebibytes(text, 1..=1_024));
    let ballast = reader.value(&BALLAST_MB, |text| mebibytes(text, 0..=65_536));
    let min_free = reader.value(&MIN_FREE_MB, |text| mebibytes(text, 0..=1_048_576));
    let open_seconds = reader.value(&OPEN_SECONDS, |text| whole(text, 1..=86_400));
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
    Some(Store {
        home: home?,
        cache_bytes: cache?,
        segment_bytes: segment?,
        ballast_bytes: ballast?,
        min_free_bytes: min_free?,
        open_within: Duration::from_secs(open_seconds?),
    })
}

pub(super) fn directory(text: &str) -> Result<PathBuf, String> {
    if text.is_empty() {
        return Err("is empty; name a directory".to_owned());
    }
    let path = Path::new(text);
    if path.exists() && !path.is_dir() {
        return Err("is a file; name a directory".to_owned());
    }
    Ok(path.to_owned())
}
