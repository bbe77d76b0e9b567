//! What lies beside the engine's files: journal, backups, and whatever else is
//! in the data directory. Read before the store is opened, as that tidies up;
//! checked after, against the store, or without one where it does not open.
//!
//! Nothing here changes a file, nor lists what a record says.

mod backups;
mod directory;
mod segments;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use super::pace::Pace;
use super::report::Report;
use super::told::{Anchor, Severity, Step, StepOutcome, Told};
use crate::domain::Revision;
use crate::store::backup::{BackupError, BackupFile, Catalogue};
use crate::store::journal::{self, JournalError, SegmentReport};
use crate::store::{Head, JournalStatus, Store};
use directory::Stray;

/// What was found beside the engine's files.
#[derive(Debug)]
pub struct Survey {
    journal_directory: PathBuf,
    backup_directory: PathBuf,
    segments: Result<Vec<SegmentReport>, JournalError>,
    catalogue: Result<Catalogue, BackupError>,
    /// Where the journal begins and ends, if it is whole.
    extent: Option<JournalStatus>,
    stray: Vec<Stray>,
    /// Names of backups that hold what the ledger went on with before it was restored to an earlier event.
    left_behind: Vec<String>,
}

/// Times that a directory is looked through again while what is found there changes.
const LOOKS: usize = 5;

/// What the files say of the ledger, and how the store stands to it.
struct Site<'a> {
    survey: &'a Survey,
    /// The store, where it opens.
    store: Option<&'a dyn Store>,
    /// Whether a server is at work in the directory.
    serving: bool,
    pace: &'a dyn Pace,
}

impl Survey {
    /// Reads what is in a data directory, and in the directory of its backups. Nothing is there to be changed.
    pub fn of(data: &Path, backups: &Path) -> Self {
        let journal_directory = data.join("journal");
        let segments = journal::inspect(&journal_directory);
        let store_id = segments.as_ref().ok().and_then(|segments| segments.iter().find_map(|segment| segment.identity));
        // Before the backups: what the journal lets go of meanwhile is in one of them.
        let extent = journal::peek(&journal_directory).ok().flatten().map(|peeked| peeked.reader.extent());
        let catalogue = Catalogue::read(backups).map(|catalogue| match store_id {
            Some(identity) => catalogue.of_store(identity.store_id),
            None => catalogue,
        });
        Self {
            extent,
            segments,
            catalogue,
            stray: directory::strays(data, backups),
            journal_directory,
            backup_directory: backups.to_owned(),
            left_behind: Vec::new(),
        }
    }

    /// As [`of`](Self::of), while a server is at work there: segments and backups come and go under the look, so that
    /// only what is wrong twice in a row is taken for wrong.
    pub fn of_served(data: &Path, backups: &Path) -> Self {
        let mut survey = Self::of(data, backups);
        let mut wrong = survey.wrong();
        for _ in 1..LOOKS {
            if wrong.is_empty() {
                break;
            }
            survey = Self::of(data, backups);
            let before = std::mem::replace(&mut wrong, survey.wrong());
            if wrong == before {
                break;
            }
        }
        survey
    }

    fn wrong(&self) -> Vec<String> {
        let mut wrong = Vec::new();
        match &self.segments {
            Ok(segments) => {
                let unusable = segments.iter().filter(|segment| !segment.state.is_usable());
                wrong.extend(unusable.map(|segment| format!("{} {}", segment.segment.display(), segment.state)));
                if wrong.is_empty() && !segments.is_empty() && self.extent.is_none() {
                    wrong.push("the journal cannot be read".to_owned());
                }
            }
            Err(error) => wrong.push(error.to_string()),
        }
        match &self.catalogue {
            Ok(catalogue) => wrong.extend(catalogue.misfits.iter().map(|misfit| misfit.reason.to_string())),
            Err(error) => wrong.push(error.to_string()),
        }
        wrong
    }

    /// Leaves out the backups of other stores, and those of an earlier incarnation that the ledger of this one left
    /// behind when it was restored: neither says anything of it.
    pub fn keep_those_of(&mut self, store: &dyn Store) {
        let identity = store.identity();
        let leads_here = |file: &BackupFile| {
            let held = store.stored_event(file.trailer.head.revision);
            file.header.identity.incarnation == identity.incarnation
                // What cannot be read is told where the chain is walked.
                || held.map_or(true, |held| held.is_some_and(|held| held.hash() == file.trailer.head.hash))
        };
        if let Ok(catalogue) = &mut self.catalogue {
            let mut of_store = std::mem::take(catalogue).of_store(identity.store_id);
            let (files, others): (Vec<_>, Vec<_>) = of_store.files.into_iter().partition(leads_here);
            self.left_behind = others.iter().map(|file| name(&file.path)).collect();
            of_store.files = files;
            *catalogue = of_store;
        }
    }

    /// Heads that backups and journal name: what the ledger of the store, which ends at `end`, must lead to. What the
    /// journal goes on to hold is left out: the engine's files may be behind it.
    pub fn anchors(&self, end: Revision) -> Vec<Anchor> {
        let files = self.catalogue.iter().flat_map(|catalogue| &catalogue.files);
        let of_file =
            |file: &BackupFile| Anchor { head: file.trailer.head, origin: format!("backup {}", name(&file.path)) };
        let mut anchors: Vec<Anchor> = files.map(of_file).collect();
        let journal = "the beginning of the journal".to_owned();
        anchors.extend(self.extent.map(|extent| Anchor { head: extent.before, origin: journal }));
        let filled_at_start = self.extent.map_or(end, |extent| extent.head.revision);
        anchors.retain(|Anchor { head, .. }| head.revision <= end || head.revision > filled_at_start);
        anchors
    }

    /// What the whole ledger could be rebuilt from, if backup and journal leave no gap between them.
    pub fn rebuilt_from(&self) -> Option<String> {
        let usable = |segments: &Vec<SegmentReport>| segments.iter().all(|segment| segment.state.is_usable());
        if !self.segments.as_ref().is_ok_and(usable) {
            return None;
        }
        let before = self.journal_before()?;
        if before == Head::EMPTY {
            return Some("the journal".to_owned());
        }
        let newest = self.newest_backup()?;
        (newest.1.revision >= before.revision).then(|| format!("backup {} and the journal", newest.0))
    }

    /// Checks journal, backups and directory: against the store, where it opens. While a server is at work what it may
    /// be about to finish, or to let go of, is not told.
    pub fn verify(
        &self,
        store: Option<&dyn Store>,
        serving: bool,
        pace: &dyn Pace,
        tell: &mut dyn FnMut(Told),
    ) -> Vec<StepOutcome> {
        let site = Site { survey: self, store, serving, pace };
        let mut tell = |told| tell(self.without_directories(told));
        let mut report = Report::new(&mut tell);
        segments::check(&site, &mut report);
        backups::check(&site, &mut report);
        directory::check(&site, &mut report);
        report.into_steps()
    }

    /// Tells that the engine's files do not open, and that nothing inside them could be checked.
    pub fn unopened(&self, why: &str, tell: &mut dyn FnMut(Told)) -> Vec<StepOutcome> {
        let mut report = Report::new(tell);
        let mut step = report.step(Step::Values, None);
        let remedy = match self.rebuilt_from() {
            Some(source) => format!("start the server: it sets `sled/` aside, whole, and rebuilds it from {source}"),
            None => {
                "keep the data directory as it is and take a copy of it: no verified backup is known that, with the \
                     journal, holds the whole ledger; look for one before anything is written"
                    .to_owned()
            }
        };
        step.found(Severity::Damage, "sled/", format!("the engine's files do not open: {why}"), &remedy);
        step.skipped("the engine's files do not open");
        step.end();
        for step in [Step::Chain, Step::SubjectIndex, Step::KindIndex, Step::Requests, Step::Dossiers] {
            report.skip(step, "the engine's files do not open");
        }
        report.into_steps()
    }

    /// Sentences name files, never the directories that they are in.
    fn without_directories(&self, told: Told) -> Told {
        let Told::Finding(mut finding) = told else { return told };
        for (directory, short) in [(&self.journal_directory, "journal/"), (&self.backup_directory, "")] {
            let long = format!("{}/", directory.display());
            finding.place = finding.place.replace(&long, short);
            finding.what = finding.what.replace(&long, short);
        }
        Told::Finding(finding)
    }

    /// Where the ledger stood before the first event of the journal.
    fn journal_before(&self) -> Option<Head> {
        self.extent.map(|extent| extent.before)
    }

    /// Name and end of the best chain of backups.
    fn newest_backup(&self) -> Option<(String, Head)> {
        let plan = self.catalogue.as_ref().ok()?.plan(crate::store::backup::Until::End).ok()?;
        let last = plan.files().last()?;
        Some((name(&last.path), plan.reaches()))
    }

    /// The highest revision that any file tells of.
    fn known(&self) -> Revision {
        let backups =
            self.catalogue.iter().flat_map(|catalogue| &catalogue.files).map(|file| file.trailer.head.revision);
        let journal = self.segments.iter().flatten().filter_map(|segment| segment.last.map(|last| last.revision));
        backups.chain(journal).max().unwrap_or_default()
    }
}

/// The name of a file, without where it lies.
fn name(path: &Path) -> String {
    path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}
