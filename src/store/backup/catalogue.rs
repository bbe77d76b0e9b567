//! Which backups are there, and what they reach together. Only files with the
//! name of a proved backup count, and only headers and trailers are read here: that
//! a file is whole shows when it is read whole, as a restore does. A file that
//! does not fit is told by name and never in the way of those that do.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use uuid::Uuid;

use super::error::{BackupError, FileFault};
use super::format::{EXTENSION, Header, Kind, TRAILER_BYTES, Trailer};
use super::plan::{Plan, Until};
use super::read::Reader;
use super::write::{PARTIAL, UNVERIFIED};
use crate::domain::Revision;
use crate::store::sled_files::sync;
use crate::store::{Head, Identity, Store, StoreError};

/// A backup that counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BackupFile {
    /// The file.
    pub path: PathBuf,
    /// How it begins.
    pub header: Header,
    /// How it ends.
    pub trailer: Trailer,
    /// Its bytes.
    pub bytes: u64,
}

/// A file that is not taken, and why.
#[derive(Debug)]
pub struct Misfit {
    /// The file.
    pub path: PathBuf,
    /// Why.
    pub reason: BackupError,
}

/// The backups of some directories and files.
#[derive(Debug, Default)]
pub struct Catalogue {
    /// Those that count, by what they begin after, then by where they end.
    pub files: Vec<BackupFile>,
    /// Those that cannot be read, or are not what their name says.
    pub misfits: Vec<Misfit>,
}

impl Catalogue {
    /// The backups in `directory`. None, if it is not there.
    ///
    /// # Errors
    /// The directory cannot be listed.
    pub fn read(directory: &Path) -> Result<Self, BackupError> {
        let mut catalogue = Self::default();
        match fs::read_dir(directory) {
            Ok(entries) => {
                for entry in entries {
                    let path = entry.map_err(BackupError::io("listing", directory))?.path();
                    if path.to_string_lossy().ends_with(EXTENSION) {
                        catalogue.take(&path);
                    }
                }
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(BackupError::io("listing", directory)(error)),
        }
        catalogue.order();
        Ok(catalogue)
    }

    /// The backups among files and directories named one by one; a file counts under any name here, as whoever names
    /// it vouches for it. Each place that is not there is a misfit.
    ///
    /// # Errors
    /// A directory cannot be listed.
    pub fn of(places: &[PathBuf]) -> Result<Self, BackupError> {
        let mut catalogue = Self::default();
        for place in places {
            if place.is_dir() {
                let Self { files, misfits } = Self::read(place)?;
                catalogue.files.extend(files);
                catalogue.misfits.extend(misfits);
            } else {
                match BackupFile::read(place) {
                    Ok(file) => catalogue.files.push(file),
                    Err(reason) => catalogue.misfits.push(Misfit { path: place.clone(), reason }),
                }
            }
        }
        catalogue.order();
        Ok(catalogue)
    }

    fn take(&mut self, path: &Path) {
        let named = BackupFile::read(path).and_then(|file| {
            let expected = file.header.file_name(&file.trailer.head);
            if path.file_name().is_some_and(|name| *name == *expected) {
                return Ok(file);
            }
            Err(BackupError::Damaged { path: path.to_owned(), offset: 0, fault: FileFault::Name { expected } })
        });
        match named {
            Ok(file) => self.files.push(file),
            Err(reason) => self.misfits.push(Misfit { path: path.to_owned(), reason }),
        }
    }

    fn order(&mut self) {
        self.files.sort_by_key(|file| (file.header.before.revision, file.trailer.head.revision, file.path.clone()));
        self.files.dedup_by(|file, kept| file.path == kept.path);
        self.misfits.sort_by(|a, b| a.path.cmp(&b.path));
    }

    /// Without the files of other stores, which become misfits.
    pub fn of_store(mut self, store_id: [u8; 16]) -> Self {
        let (files, others) = self.files.into_iter().partition(|file| file.header.identity.store_id == store_id);
        self.files = files;
        self.misfits.extend(others.into_iter().map(|file: BackupFile| {
            let found = Uuid::from_bytes(file.header.identity.store_id);
            let expected = Uuid::from_bytes(store_id);
            Misfit { path: file.path.clone(), reason: BackupError::OtherStore { path: file.path, found, expected } }
        }));
        self
    }

    /// Runs of files that follow each other: each begins with a full one and cannot be continued. Files of one store,
    /// each beginning after the very event that the one before ends with.
    pub fn chains(&self) -> Vec<Vec<&BackupFile>> {
        self.files.iter().filter(|file| file.header.kind == Kind::Full).flat_map(|full| self.from(full)).collect()
    }

    fn from<'a>(&'a self, full: &'a BackupFile) -> Vec<Vec<&'a BackupFile>> {
        let of_store = |file: &&BackupFile| file.header.identity.store_id == full.header.identity.store_id;
        // Files are in the order of what they begin after, so that one pass meets each after all that lead to it.
        let mut led: BTreeMap<(Revision, [u8; 32]), Vec<&BackupFile>> = BTreeMap::new();
        let key = |head: &Head| (head.revision, head.hash);
        led.insert(key(&full.trailer.head), vec![full]);
        let mut continued = BTreeSet::new();
        for file in self.files.iter().filter(of_store).filter(|file| file.header.kind == Kind::Incremental) {
            let before = key(&file.header.before);
            if let Some(chain) = led.get(&before) {
                let mut chain = chain.clone();
                chain.push(file);
                continued.insert(before);
                // Of several ways to one event, the one with the fewest files.
                let shorter = led.get(&key(&file.trailer.head)).is_none_or(|known| chain.len() < known.len());
                if shorter {
                    led.insert(key(&file.trailer.head), chain);
                }
            }
        }
        led.into_iter().filter(|(head, _)| !continued.contains(head)).map(|(_, chain)| chain).collect()
    }

    /// Ways to restore `until`, the best first: of the history that was written to last, as a restore that dropped
    /// something leaves another behind it, the one that reaches furthest, then that with the fewest files. Another is of
    /// use where a file of the first turns out to be damaged.
    ///
    /// # Errors
    /// [`BackupError::SeveralStores`], [`BackupError::NoFull`], [`BackupError::OutOfReach`].
    pub fn plans(&self, until: Until) -> Result<Vec<Plan>, BackupError> {
        let stores: BTreeSet<Uuid> =
            self.files.iter().map(|file| Uuid::from_bytes(file.header.identity.store_id)).collect();
        if stores.len() > 1 {
            return Err(BackupError::SeveralStores { stores: stores.into_iter().collect() });
        }
        let mut chains = self.chains();
        let latest_of = |incarnation: [u8; 16]| {
            let of = self.files.iter().filter(|file| file.header.identity.incarnation == incarnation);
            of.map(|file| file.header.created).max()
        };
        chains.sort_by_key(|chain| {
            let last = chain.last().expect("a chain must begin with a full backup");
            let history = latest_of(last.header.identity.incarnation);
            std::cmp::Reverse((history, last.trailer.head.revision, std::cmp::Reverse(chain.len())))
        });
        let Some(furthest) = chains.first().and_then(|chain| chain.last()) else {
            return Err(BackupError::NoFull { incrementals: self.files.len() });
        };
        let reaches = furthest.trailer.head;
        let plans: Vec<Plan> = chains.iter().filter_map(|chain| Plan::of(chain, until)).collect();
        if plans.is_empty() {
            return Err(BackupError::OutOfReach { asked: until.to_string(), reaches });
        }
        Ok(plans)
    }

    /// The best of [`plans`](Self::plans).
    ///
    /// # Errors
    /// As [`plans`](Self::plans).
    pub fn plan(&self, until: Until) -> Result<Plan, BackupError> {
        Ok(self.plans(until)?.swap_remove(0))
    }

    /// Where the best plan ends. `None`: there is none, or there are files of several stores.
    pub fn latest(&self) -> Option<Head> {
        self.plan(Until::End).ok().map(|plan| plan.reaches())
    }

    /// What the next incremental backup of `store` begins after: the furthest event that a chain of its files ends with
    /// and that is in its ledger. `None`: a full backup is due.
    ///
    /// # Errors
    /// The store's.
    pub fn base_for(&self, store: &dyn Store) -> Result<Option<Head>, StoreError> {
        let Identity { store_id, .. } = store.identity();
        let ends = self.chains().into_iter().flatten().filter(|file| file.header.identity.store_id == store_id);
        let mut ends: Vec<Head> = ends.map(|file| file.trailer.head).filter(|head| *head != Head::EMPTY).collect();
        ends.sort_by_key(|head| std::cmp::Reverse(head.revision));
        for end in ends {
            if store.stored_event(end.revision)?.is_some_and(|event| event.hash() == end.hash) {
                return Ok(Some(end));
            }
        }
        Ok(None)
    }

    /// Removes what is older than the `keep_full`-th newest full backup of each store, with the incremental ones that
    /// only continue what is removed, and gives what was removed. At least one full backup of each store is kept, and
    /// so is whatever leads to `covered`, up to which the journal was let go, however old the clock makes it look. A
    /// misfit is never touched. What a kill half-way leaves is whole.
    ///
    /// # Errors
    /// A file cannot be removed; those before it are.
    pub fn prune(&mut self, keep_full: usize, covered: &Head) -> Result<Vec<PathBuf>, BackupError> {
        let mut doomed: Vec<PathBuf> = Vec::new();
        let leads = |chain: &Vec<&BackupFile>| chain.iter().any(|file| file.trailer.head == *covered);
        let needed: BTreeSet<&Path> =
            self.chains().into_iter().filter(leads).flatten().map(|file| file.path.as_path()).collect();
        let stores: BTreeSet<[u8; 16]> = self.files.iter().map(|file| file.header.identity.store_id).collect();
        for store in stores {
            let of_store = || self.files.iter().filter(|file| file.header.identity.store_id == store);
            let mut fulls: Vec<&BackupFile> = of_store().filter(|file| file.header.kind == Kind::Full).collect();
            fulls.sort_by_key(|full| std::cmp::Reverse((full.header.created, full.trailer.head.revision)));
            fulls.truncate(keep_full.max(1));
            let Some(oldest) = fulls.last().map(|full| full.header.created) else { continue };
            let kept: BTreeSet<&Path> =
                fulls.iter().flat_map(|full| self.from(full)).flatten().map(|file| file.path.as_path()).collect();
            let spared = |path: &Path| kept.contains(path) || needed.contains(path);
            let old = of_store().filter(|file| file.header.created <= oldest && !spared(&file.path));
            // The last first, so that no incremental backup is ever without what it continues.
            let mut old: Vec<&BackupFile> = old.collect();
            old.sort_by_key(|file| std::cmp::Reverse((file.header.before.revision, file.trailer.head.revision)));
            doomed.extend(old.into_iter().map(|file| file.path.clone()));
        }
        for path in &doomed {
            fs::remove_file(path).map_err(BackupError::io("removing an old backup", path))?;
            self.files.retain(|file| file.path != *path);
        }
        let directories: BTreeSet<&Path> = doomed.iter().filter_map(|path| path.parent()).collect();
        for directory in directories {
            sync(directory)?;
        }
        Ok(doomed)
    }
}

impl BackupFile {
    /// Reads header and trailer.
    ///
    /// # Errors
    /// The file cannot be read, or they are not what they should be.
    pub fn read(path: &Path) -> Result<Self, BackupError> {
        let header = Reader::open(path)?.header().clone();
        let failed = |error| BackupError::io("reading", path)(error);
        let mut file = File::open(path).map_err(failed)?;
        let bytes = file.metadata().map_err(failed)?.len();
        let mut trailer = [0; TRAILER_BYTES];
        let offset = bytes.saturating_sub(TRAILER_BYTES as u64);
        let damaged = |fault| BackupError::Damaged { path: path.to_owned(), offset, fault };
        if offset < header.encode().len() as u64 {
            return Err(damaged(FileFault::Short { within: "trailer" }));
        }
        file.seek(SeekFrom::Start(offset)).map_err(failed)?;
        file.read_exact(&mut trailer).map_err(failed)?;
        let trailer = Trailer::decode(&trailer).map_err(damaged)?;
        let events = trailer.head.revision.0.checked_sub(header.before.revision.0);
        if events != Some(trailer.events) {
            let found = events.unwrap_or(0);
            return Err(damaged(FileFault::Count { says: trailer.events, found }));
        }
        Ok(Self { path: path.to_owned(), header, trailer, bytes })
    }
}

/// Removes files that a backup left unfinished before `before`: call it with the start of this process, as a file
/// that is newer may be in the making. Gives what was removed.
///
/// # Errors
/// What the file system refused.
pub fn sweep(directory: &Path, before: SystemTime) -> Result<Vec<PathBuf>, BackupError> {
    let mut swept = Vec::new();
    let entries = match fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(swept),
        Err(error) => return Err(BackupError::io("listing", directory)(error)),
    };
    for entry in entries {
        let path = entry.map_err(BackupError::io("listing", directory))?.path();
        let name = path.to_string_lossy();
        let unfinished = [PARTIAL, UNVERIFIED].iter().any(|end| name.ends_with(&format!("{EXTENSION}{end}")));
        if !unfinished {
            continue;
        }
        let written = fs::metadata(&path).and_then(|metadata| metadata.modified());
        if written.map_err(BackupError::io("looking at", &path))? < before {
            fs::remove_file(&path).map_err(BackupError::io("removing an unfinished backup", &path))?;
            swept.push(path.clone());
        }
    }
    swept.sort();
    Ok(swept)
}
