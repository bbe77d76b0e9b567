//! Proof that a store is what its ledger says. Every stored value is checked,
//! the chain is walked from the first event to the head, and every view is
//! compared with what the ledger folds to, both ways.
//!
//! It never writes, never shows a stored value, and takes bounded memory (but
//! for standings, which are a server's). It is exact on a store that is being
//! written meanwhile: the ledger up to the head at the beginning never changes,
//! and what does change is compared with the ledger at its own revision. What is
//! damaged is told once, where it is, and not again by what follows from it.
//!
//! - [`told`]: the words; [`report`]: counts and tells
//! - [`values`], [`ledger`], [`indexes`], [`requests`], [`dossiers`],
//!   [`standings`]: the steps; [`files`]: what lies beside the engine's files
//! - [`walk`], [`sketch`]: the ledger past its damage; two sets compared

mod dossiers;
pub mod files;
mod indexes;
mod ledger;
pub mod pace;
mod report;
mod requests;
mod sketch;
mod standings;
#[cfg(test)]
pub(crate) mod tests;
pub mod told;
mod values;
mod walk;

use crate::reference::Tables;
use crate::store::{Fault, Head, Store, StoreError, View, ViewKey};
pub use pace::{FullSpeed, Pace};
use report::{Report, Stepping};
pub use told::{Anchor, Asked, Finding, Outcome, Severity, StandingsAsked, Step, StepOutcome, Told};

/// Portions of work between two rests.
const PORTION: u64 = 512;
/// Times that a long value is read again while a writer changes it.
const ATTEMPTS: usize = 16;

/// Verifies a store through its head as it is now. Blocks.
///
/// # Errors
/// The head cannot be read. What is found wrong is told, and is no error.
pub fn verify(
    store: &dyn Store,
    tables: &'static Tables,
    asked: &Asked,
    pace: &dyn Pace,
    tell: &mut dyn FnMut(Told),
) -> Result<Outcome, StoreError> {
    let head = store.head()?;
    let verification = Verification { store, tables, head, asked, pace };
    let mut report = Report::new(tell);
    let mut standings = None;
    let given_up = verification.steps(&mut report, &mut standings).is_err();
    Ok(Outcome { head, steps: report.into_steps(), standings, given_up })
}

/// What every step is about.
struct Verification<'a> {
    store: &'a dyn Store,
    tables: &'static Tables,
    head: Head,
    asked: &'a Asked,
    pace: &'a dyn Pace,
}

/// Why a step ended before its time.
enum Ended {
    GivenUp,
    Failed(StoreError),
}

impl From<StoreError> for Ended {
    fn from(error: StoreError) -> Self {
        Self::Failed(error)
    }
}

/// Nobody wants the outcome any more.
struct GivenUp;

impl Verification<'_> {
    fn steps(&self, report: &mut Report<'_>, digest: &mut Option<[u8; 32]>) -> Result<(), GivenUp> {
        let values = self.run(report, Step::Values, None, |step| values::check(self, step))?;
        let frames_damaged = values.unwrap_or(true);
        let events = Some(self.head.revision.0);
        let walked = self.run(report, Step::Chain, events, |step| ledger::walk(self, step, frames_damaged))?;
        let unread = match &walked {
            None => Some("the ledger could not be read"),
            Some(ledger) if ledger.in_ruins => Some("too much of the ledger is damaged to compare with it"),
            Some(_) => None,
        };
        if let (None, Some(ledger)) = (unread, walked) {
            self.views(report, &ledger, digest)
        } else {
            for step in [Step::SubjectIndex, Step::KindIndex, Step::Requests, Step::Dossiers, Step::Standings] {
                report.skip(step, unread.unwrap_or_default());
            }
            Ok(())
        }
    }

    fn views(
        &self,
        report: &mut Report<'_>,
        ledger: &ledger::Ledger,
        digest: &mut Option<[u8; 32]>,
    ) -> Result<(), GivenUp> {
        let of = Some(ledger.of_subjects);
        let by_subject = self.run(report, Step::SubjectIndex, of, |step| indexes::by_subject(self, step, ledger))?;
        let of = Some(ledger.of_kinds);
        self.run(report, Step::KindIndex, of, |step| indexes::by_kind(self, step, ledger))?;
        self.run(report, Step::Requests, None, |step| requests::check(self, step, ledger))?;
        match by_subject.flatten() {
            Some(lacks) => {
                let of = Some(ledger.subjects.into());
                self.run(report, Step::Dossiers, of, |step| dossiers::check(self, step, ledger, &lacks))?;
            }
            None => report.skip(Step::Dossiers, "they are read through the index by subject, which is not whole"),
        }
        if !matches!(self.asked.standings, StandingsAsked::No) {
            let of = Some(ledger.subjects.into());
            *digest = self.run(report, Step::Standings, of, |step| standings::check(self, step))?.flatten();
        }
        Ok(())
    }

    /// Runs one step. A store that cannot be read is a finding, and the next step is tried.
    fn run<T>(
        &self,
        report: &mut Report<'_>,
        step: Step,
        of: Option<u64>,
        body: impl FnOnce(&mut Stepping<'_, '_>) -> Result<T, Ended>,
    ) -> Result<Option<T>, GivenUp> {
        let mut stepping = report.step(step, of);
        let outcome = match body(&mut stepping) {
            Ok(found) => Ok(Some(found)),
            Err(Ended::Failed(error)) => {
                stepping.damaged("the store", format!("it cannot be read here: {error}"), &self.rebuild());
                stepping.skipped("the store could not be read to its end");
                Ok(None)
            }
            Err(Ended::GivenUp) => {
                stepping.skipped("given up");
                Err(GivenUp)
            }
        };
        stepping.end();
        outcome
    }

    /// To be called with the number of things done so far and the bytes read since the last rest.
    fn rest(&self, done: u64, bytes: &mut u64) -> Result<(), Ended> {
        if done.is_multiple_of(PORTION) {
            self.pace.rest(std::mem::take(bytes));
            if self.pace.given_up() {
                return Err(Ended::GivenUp);
            }
        }
        Ok(())
    }

    /// What to do about damage that only a rebuild from elsewhere mends.
    fn rebuild(&self) -> String {
        match &self.asked.rebuilt_from {
            Some(source) if self.asked.serving => format!(
                "restart the server: it then checks everything, sets `sled/` aside whole where the ledger in it is \
                 damaged, and rebuilds it from {source}"
            ),
            Some(source) => format!(
                "stop the server, move `sled/` out of the data directory and keep it, start again: the store is \
                 rebuilt from {source}"
            ),
            None if self.asked.serving => {
                "keep the server running and take no more writes than needed: no verified backup is known that, with \
                 the journal, reaches the end of the ledger; run `steelyard backup --full`, look for an older backup, \
                 and take a copy of the data directory before a restart, which then checks everything"
                    .to_owned()
            }
            None => "keep the data directory as it is and take a copy of it: no verified backup is known that, with \
                     the journal, reaches the end of the ledger; look for one before anything is written"
                .to_owned(),
        }
    }

    /// Whether a view is complete in the version of this build. Tells where it is not.
    fn complete(&self, step: &mut Stepping<'_, '_>, view: View) -> Result<bool, Ended> {
        let expected = super::views::version(view);
        let what = match self.store.view_version(view) {
            Ok(Some(found)) if found == expected => return Ok(true),
            Ok(Some(found)) => format!("built by another version: {found}, this one builds {expected}"),
            Ok(None) => "missing: the view was never completely built, or a rebuild was interrupted".to_owned(),
            Err(StoreError::Corrupt { fault: fault @ Fault::Shape { .. }, .. }) => fault.to_string(),
            // Not a value at all: told with the other values.
            Err(StoreError::Corrupt { .. } | StoreError::NewerSchema { .. }) => "damaged".to_owned(),
            Err(error) => return Err(error.into()),
        };
        // A server builds its views before it serves; a store at rest may have been restored and never started.
        let severity = if self.asked.serving { Severity::Damage } else { Severity::Warning };
        let remedy = "start the server again: it builds the view from the ledger before it serves";
        step.found(severity, format!("m/view/{}", view.name()), what, remedy);
        step.skipped("the view is not complete");
        Ok(false)
    }

    /// An entry's value. `Err`: it is damaged, which is told with the other values.
    fn steady(&self, key: &ViewKey) -> Result<Result<Option<Vec<u8>>, StoreError>, Ended> {
        let mut last = None;
        for attempt in 0..ATTEMPTS {
            match self.store.get(key) {
                Ok(value) => return Ok(Ok(value)),
                Err(error @ (StoreError::Corrupt { .. } | StoreError::NewerSchema { .. })) => last = Some(error),
                Err(error) => return Err(error.into()),
            }
            // The parts of a long value may be of two versions while it is written.
            if attempt > 2 {
                std::thread::sleep(std::time::Duration::from_millis(1));
            }
        }
        Ok(Err(last.expect("an attempt must have failed")))
    }
}
