//! The backups: each read whole, as a restore would, and how far they reach with
//! the journal. That they are of this very ledger shows in the chain, which is
//! compared with the head that each of them names.

use super::super::report::{Report, Stepping};
use super::super::told::{Severity, Step};
use super::{Site, name};
use crate::store::Head;
use crate::store::backup::{BackupError, BackupFile, Catalogue, Reader};

/// Bytes between two rests.
const PORTION: u64 = 1 << 20;

/// Checks the backups.
pub fn check(site: &Site<'_>, report: &mut Report<'_>) {
    let mut step = report.step(Step::Backups, None);
    match &site.survey.catalogue {
        Ok(catalogue) => {
            for misfit in &catalogue.misfits {
                let remedy = "it is not used; remove it once a newer backup is verified";
                // Only what was verified has such a name: if it does not read, it has changed since.
                let damaged = matches!(misfit.reason, BackupError::Damaged { .. });
                let severity = if damaged { Severity::Damage } else { Severity::Warning };
                step.found(severity, name(&misfit.path), &misfit.reason, remedy);
            }
            for name in &site.survey.left_behind {
                let what = "holds events that the ledger was restored to before: it is of the time before that restore";
                let remedy = "keep it, apart from the others, as long as somebody may ask for what was given up";
                step.found(Severity::Information, name, what, remedy);
            }
            read_all(site, catalogue, &mut step);
        }
        Err(error) => {
            step.found(Severity::Warning, "backups", error, "find out what the file system refuses");
        }
    }
    coverage(site, &mut step);
    step.end();
}

fn read_all(site: &Site<'_>, catalogue: &Catalogue, step: &mut Stepping<'_, '_>) {
    for file in &catalogue.files {
        match damage(site, file) {
            // An old one, which went when a newer one was verified.
            Some(_) if site.serving && !file.path.exists() => {}
            Some(what) => {
                let remedy =
                    "run `steelyard backup --full` now; a restore will pass this file over if another way is left";
                step.damaged(name(&file.path), what, remedy);
                step.checked(1);
            }
            None => step.checked(1),
        }
        if site.pace.given_up() {
            return step.skipped("given up");
        }
    }
}

fn damage(site: &Site<'_>, file: &BackupFile) -> Option<String> {
    let reader = match Reader::open(&file.path) {
        Ok(reader) => reader,
        Err(error) => return Some(error.to_string()),
    };
    let mut bytes = 0;
    for event in reader {
        match event {
            Ok(event) => bytes += event.bytes().len() as u64,
            Err(error) => return Some(error.to_string()),
        }
        if bytes >= PORTION {
            site.pace.rest(std::mem::take(&mut bytes));
            if site.pace.given_up() {
                return None;
            }
        }
    }
    None
}

/// Whether backups and journal reach the end of the ledger without a gap.
fn coverage(site: &Site<'_>, step: &mut Stepping<'_, '_>) {
    let survey = site.survey;
    let run = "run `steelyard backup` against the running server";
    let Some((newest, reaches)) = survey.newest_backup() else {
        return step.found(Severity::Warning, "backups", "no verified backup is here", run);
    };
    let before = survey.journal_before();
    if let Some(before) = before
        && reaches.revision < before.revision
    {
        let what = format!(
            "the backups end at revision {}, and the journal begins after {}: what is between them is in the engine's \
             files alone",
            reaches.revision, before.revision
        );
        step.found(Severity::Warning, newest, what, run);
    } else if before.is_none() {
        let end =
            site.store.and_then(|store| store.head().ok()).map_or(survey.known(), |Head { revision, .. }| revision);
        if reaches.revision < end {
            let what = format!(
                "it ends at revision {}, the ledger at {end}: without a whole journal what is between them is in the engine's \
                 files alone",
                reaches.revision
            );
            step.found(Severity::Warning, newest, what, run);
        }
    }
}
