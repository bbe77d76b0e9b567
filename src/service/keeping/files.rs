//! Backups in a directory: the place where they are, over the file functions of
//! the store. Sentences name files, never the directories that they are in.

use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use jiff::Timestamp;
use tracing::info;

use super::detail::name;
use super::vault::{Backup, Kind, Phase, Progress, Survey, Unusable, Vault, VaultFault};
use crate::domain::Revision;
use crate::service::verify;
use crate::store::backup::{self, BackupError, BackupFile, Catalogue};
use crate::store::{Head, Stage, Step, Store, recovery};

/// Backups in a directory.
#[derive(Clone, Debug)]
pub struct Files {
    directory: PathBuf,
    /// The data directory. Backups are restored there for proof: a folder in it comes and goes.
    home: PathBuf,
    /// Bytes that a proof must leave free there.
    spare_bytes: u64,
}

/// Space that a restored ledger takes, for each byte of its events: the engine's own copies and its indexes.
const RESTORED_TIMES: u64 = 3;

impl Files {
    /// Backups in `directory` of the store in `home`, restored for proof inside that, where `spare_bytes` stay free. Removes what a
    /// backup left that did not come to its end.
    pub fn new(directory: PathBuf, home: PathBuf, spare_bytes: u64) -> Self {
        match backup::sweep(&directory, SystemTime::now()) {
            Ok(swept) if swept.is_empty() => {}
            Ok(swept) => info!(backup.removed_files = swept.len(), "removed backups that were not finished"),
            Err(error) => tracing::warn!(error = %error, "backups that were not finished could not be removed"),
        }
        Self { directory, home, spare_bytes }
    }

    fn failed(&self, error: &BackupError) -> VaultFault {
        match error {
            BackupError::Stopped => VaultFault::GivenUp,
            error => VaultFault::Failed(self.sentence(error)),
        }
    }

    /// The error without the directories, which are nobody's business outside.
    fn sentence(&self, error: &BackupError) -> String {
        [&self.directory, &self.home]
            .iter()
            .fold(error.to_string(), |text, directory| text.replace(&format!("{}/", directory.display()), ""))
    }

    /// Whether a ledger of so many bytes can be restored for proof without taking the room that writes need.
    fn room_to_prove(&self, bytes: u64) -> Result<(), VaultFault> {
        // Where the free space cannot be told, the proof itself will tell.
        let Ok(disk) = rustix::fs::statvfs(&self.home) else { return Ok(()) };
        let free = disk.f_bavail.saturating_mul(disk.f_frsize);
        let needed = bytes.saturating_mul(RESTORED_TIMES).saturating_add(self.spare_bytes);
        if free >= needed {
            return Ok(());
        }
        let (free, needed) = (free >> 20, needed.div_ceil(1 << 20));
        let short =
            format!("restoring it for proof needs about {needed} MiB on the disk of the store, {free} MiB are free");
        Err(VaultFault::Failed(short))
    }

    /// Backups that are to go, as they hold somebody who was erased.
    fn noted(&self) -> Result<Vec<String>, VaultFault> {
        recovery::backups::noted(&self.home).map_err(|error| self.failed(&error.into()))
    }

    fn catalogue(&self) -> Result<Catalogue, VaultFault> {
        Catalogue::read(&self.directory).map_err(|error| self.failed(&error))
    }
}

impl Vault for Files {
    fn survey(&self, store: &dyn Store) -> Result<Survey, VaultFault> {
        let catalogue = self.catalogue()?;
        let end = catalogue.base_for(store).map_err(|error| self.failed(&error.into()))?;
        let store_id = store.identity().store_id;
        let (ours, others): (Vec<&BackupFile>, Vec<&BackupFile>) =
            catalogue.files.iter().partition(|file| file.header.identity.store_id == store_id);
        let mut backups: Vec<Backup> = ours.into_iter().map(told).collect();
        backups.sort_by_key(|backup| (backup.created, backup.head.revision));
        let misfits = catalogue.misfits.iter();
        let misfits =
            misfits.map(|misfit| Unusable { name: name(&misfit.path), problem: self.sentence(&misfit.reason) });
        let others = others
            .into_iter()
            .map(|file| Unusable { name: name(&file.path), problem: "is a backup of another store".to_owned() });
        Ok(Survey {
            unusable: misfits.chain(others).chain(refused(&self.directory)).collect(),
            newest: end.and_then(|end| backups.iter().rev().find(|backup| backup.head == end).cloned()),
            backups,
        })
    }

    fn files(&self, store: &dyn Store) -> Option<verify::files::Survey> {
        let mut survey = verify::files::Survey::of_served(&self.home, &self.directory);
        survey.keep_those_of(store);
        Some(survey)
    }

    fn back_up(
        &self,
        store: &dyn Store,
        kind: Kind,
        created: Timestamp,
        pace: &mut dyn FnMut(Progress) -> bool,
    ) -> Result<Backup, VaultFault> {
        let through = store.head().map_err(|error| self.failed(&error.into()))?;
        // Those of before hold somebody who was erased: nothing may lean on them any more.
        let kind = if self.noted()?.is_empty() { kind } else { Kind::Full };
        let before = match kind {
            Kind::Full => None,
            Kind::Incremental => self.catalogue()?.base_for(store).map_err(|error| self.failed(&error.into()))?,
        };
        let before = before.unwrap_or(Head::EMPTY);
        let mut gone_through = GoneThrough::of(before.revision, through.revision);
        let written = backup::write(store, before, through, &self.directory, created, &mut gone_through.paced(pace));
        let written = written.map_err(|error| self.failed(&error))?;
        self.room_to_prove(gone_through.bytes).inspect_err(|_| {
            // What stays behind does not count, and the next start removes it.
            let _ = fs::remove_file(&written.path);
        })?;
        let verified = backup::check(written, store, &self.home, &mut gone_through.paced(pace));
        verified.map(|file| told(&file)).map_err(|error| self.failed(&error))
    }

    fn prune(&self, keep_full: usize, newest: &Head) -> Result<usize, VaultFault> {
        let removed = self.catalogue()?.prune(keep_full, Some(newest)).map_err(|error| self.failed(&error))?;
        let erased = recovery::backups::remove(&self.home, &self.directory);
        let erased = erased.map_err(|error| self.failed(&error.into()))?;
        if erased > 0 {
            info!(backup.removed_files = erased, "removed backups that held people who were erased");
        }
        Ok(removed.len() + erased)
    }
}

/// Adds up the steps of a stage.
struct GoneThrough {
    before: Revision,
    through: Revision,
    stage: Stage,
    events: u64,
    bytes: u64,
}

impl GoneThrough {
    fn of(before: Revision, through: Revision) -> Self {
        Self { before, through, stage: Stage::Write, events: 0, bytes: 0 }
    }

    /// A pace that tells `pace` the sums.
    fn paced(&mut self, pace: &mut dyn FnMut(Progress) -> bool) -> impl FnMut(Step) -> ControlFlow<()> {
        move |step| if pace(self.with(step)) { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    }

    fn with(&mut self, step: Step) -> Progress {
        if step.stage != self.stage {
            (self.stage, self.events, self.bytes) = (step.stage, 0, 0);
        }
        self.events += step.events;
        self.bytes += step.bytes;
        let phase = match step.stage {
            Stage::Write => Phase::Writing,
            Stage::Read | Stage::Load | Stage::Compare => Phase::Checking,
        };
        let revision = Revision((self.before.0 + self.events).min(self.through.0));
        Progress { phase, bytes: self.bytes, events: self.events, revision, through: self.through }
    }
}

fn told(file: &BackupFile) -> Backup {
    let kind = match file.header.kind {
        backup::Kind::Full => Kind::Full,
        backup::Kind::Incremental => Kind::Incremental,
    };
    Backup {
        name: name(&file.path),
        kind,
        before: file.header.before.revision,
        head: file.trailer.head,
        bytes: file.bytes,
        events: file.trailer.events,
        created: file.header.created,
    }
}

/// Files that failed their proof when they were made.
fn refused(directory: &Path) -> Vec<Unusable> {
    // A directory that is not there holds none; one that cannot be read has been told of by the catalogue.
    let Ok(entries) = fs::read_dir(directory) else { return Vec::new() };
    let names = entries.flatten().map(|entry| name(&entry.path())).filter(|name| name.ends_with(".refused"));
    let mut refused: Vec<Unusable> =
        names.map(|name| Unusable { name, problem: "failed its proof when it was made".to_owned() }).collect();
    refused.sort_by(|a, b| a.name.cmp(&b.name));
    refused
}
