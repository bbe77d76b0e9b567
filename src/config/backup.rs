//! When the ledger is backed up, where to, and what is kept.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::key::{Key, Shape};
use super::reader::{Reader, mebibytes, whole};
use super::{Concern, Home, Store, store};

/// When the ledger is backed up, where to, and what is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Backup {
    /// Where backups are written. `None`: the ledger is kept in memory alone and there is nothing to back up.
    pub directory: Option<PathBuf>,
    /// Time between two backups that the server makes by itself. `None`: it makes none.
    pub every: Option<Duration>,
    /// Time between two full backups; those between are incremental.
    pub full_every: Duration,
    /// Bytes of recovery journal beyond which a backup is made without waiting for its time.
    pub journal_bytes: u64,
    /// Full backups kept, each with the incremental ones that follow it.
    pub keep_full: usize,
}

impl Backup {
    /// Where backups go unless another place is set.
    pub fn default_directory(home: &Path) -> PathBuf {
        home.join("backups")
    }
}

pub(super) const DIRECTORY: Key = Key {
    name: "backup.directory",
    flag: "backup-directory",
    variable: "STEELYARD_BACKUP_DIRECTORY",
    shape: Shape::Value("DIR"),
    takes: "a directory; without it, `backups` inside `data_dir`",
    default: None,
    meaning: "Where backups are written. Made if it is missing. Another disk than that of `data_dir` outlives it; copy \
              the files to another machine in any case.",
};

pub(super) const EVERY_MINUTES: Key = Key {
    name: "backup.every_minutes",
    flag: "backup-every-minutes",
    variable: "STEELYARD_BACKUP_EVERY_MINUTES",
    shape: Shape::Value("MINUTES"),
    takes: "0 to 10080, minutes",
    default: Some("60"),
    meaning: "Time between two backups that the server makes by itself, if anything was written meanwhile. 0: it makes \
              none, and the recovery journal grows until somebody else makes one.",
};

pub(super) const FULL_EVERY_HOURS: Key = Key {
    name: "backup.full_every_hours",
    flag: "backup-full-every-hours",
    variable: "STEELYARD_BACKUP_FULL_EVERY_HOURS",
    shape: Shape::Value("HOURS"),
    takes: "1 to 8760, hours",
    default: Some("24"),
    meaning: "Time between two full backups. Those between are incremental: they hold what came after the one before.",
};

pub(super) const JOURNAL_MB: Key = Key {
    name: "backup.journal_mb",
    flag: "backup-journal-mb",
    variable: "STEELYARD_BACKUP_JOURNAL_MB",
    shape: Shape::Value("MIB"),
    takes: "2 to 1048576, MiB, at least twice `store.segment_mb`",
    default: Some("512"),
    meaning: "Size of the recovery journal beyond which a backup is made without waiting for its time, so that the \
              journal can be shortened.",
};

pub(super) const KEEP_FULL: Key = Key {
    name: "backup.keep_full",
    flag: "backup-keep-full",
    variable: "STEELYARD_BACKUP_KEEP_FULL",
    shape: Shape::Value("COUNT"),
    takes: "1 to 1000",
    default: Some("3"),
    meaning: "Full backups kept, each with the incremental ones that follow it. Older ones are removed after a backup \
              was verified, never before.",
};

pub(super) const CONCERN: Concern =
    Concern { title: "Backup", keys: &[&DIRECTORY, &EVERY_MINUTES, &FULL_EVERY_HOURS, &JOURNAL_MB, &KEEP_FULL] };

pub(super) fn settle(reader: &mut Reader<'_>, store: Option<&Store>) -> Option<Backup> {
    let directory = reader.optional(&DIRECTORY, store::directory);
    let minutes = reader.value(&EVERY_MINUTES, |text| whole(text, 0..=10_080));
    let hours = reader.value(&FULL_EVERY_HOURS, |text| whole(text, 1..=8_760));
    let journal_bytes = reader.value(&JOURNAL_MB, |text| mebibytes(text, 2..=1_048_576));
    let keep_full = reader.value(&KEEP_FULL, |text| whole(text, 1..=1_000));
    if let (Some(most), Some(store)) = (journal_bytes, store)
        && most < store.segment_bytes.saturating_mul(2)
    {
        let problem = "must be at least twice `store.segment_mb`: the segment being written is never released";
        reader.refuse(&JOURNAL_MB, problem);
        return None;
    }
    let directory = match (directory?, store.map(|store| &store.home)) {
        (Some(_), Some(Home::Memory)) => {
            reader.refuse(&DIRECTORY, "`memory` is true as well: what is forgotten is not backed up");
            return None;
        }
        (None, Some(Home::Directory(home))) => Some(Backup::default_directory(home)),
        (given, None | Some(Home::Memory | Home::Directory(_))) => given,
    };
    let minutes = minutes?;
    Some(Backup {
        directory,
        every: (minutes > 0).then(|| Duration::from_mins(minutes)),
        full_every: Duration::from_hours(hours?),
        journal_bytes: journal_bytes?,
        keep_full: usize::try_from(keep_full?).expect("a number within its range must fit"),
    })
}
