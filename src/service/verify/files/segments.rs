//! The recovery journal: every segment, then event by event against the store.

use super::super::report::{Report, Stepping};
use super::super::told::{Severity, Step};
use super::{LOOKS, Site, name};
use crate::domain::Revision;
use crate::store::StoreError;
use crate::store::journal::{JournalError, SegmentState, peek};

/// Bytes between two rests.
const PORTION: u64 = 1 << 20;

/// Checks the journal.
pub fn check(site: &Site<'_>, report: &mut Report<'_>) {
    let mut step = report.step(Step::Journal, None);
    let sound = match &site.survey.segments {
        Ok(segments) if segments.is_empty() => {
            let what = "there is none: what a lost engine file held could be had from a backup alone";
            step.found(Severity::Warning, "journal/", what, "start the server: it makes one");
            step.skipped("there is no journal");
            false
        }
        Ok(segments) => {
            for segment in segments {
                let place = format!("journal/{}", name(&segment.segment));
                match &segment.state {
                    SegmentState::Sound => {}
                    SegmentState::Torn { .. } | SegmentState::Unfinished if site.serving => {}
                    SegmentState::Torn { .. } | SegmentState::Unfinished => {
                        let remedy = "nothing: no such write was ever acknowledged";
                        step.found(Severity::Information, place, &segment.state, remedy);
                    }
                    SegmentState::Damaged { .. } | SegmentState::OtherStore { .. } | SegmentState::AfterGap { .. } => {
                        step.damaged(place, &segment.state, &remedy(site));
                    }
                }
            }
            segments.iter().all(|segment| segment.state.is_usable())
        }
        Err(error) if site.serving && error.is_let_go() => {
            step.skipped("segments were let go of again and again");
            false
        }
        Err(error) => {
            step.damaged("journal/", format!("it cannot be read: {error}"), "find out what the file system refuses");
            false
        }
    };
    if sound {
        compare(site, &mut step);
    }
    step.end();
}

fn remedy(site: &Site<'_>) -> String {
    let set_aside = "with the server stopped, take a copy of the data directory; the server does not start with this \
                     journal, so move `journal/` out of the directory and keep it, start again, and run `steelyard \
                     backup` at once";
    if site.serving {
        format!(
            "do not stop the server: it would not start with this journal. Run `steelyard backup --full` against it: \
             the engine's files hold these events too, and the journal lets go of whole segments that a verified \
             backup covers. Then verify again. If this is still told: {set_aside}"
        )
    } else if site.store.is_some() {
        format!("the engine's files hold these events too: {set_aside}")
    } else {
        "keep the data directory as it is and take a copy of it; restore what backups and sound segments hold with \
         `steelyard restore`"
            .to_owned()
    }
}

/// Every event of the journal against the same of the store. Segments that are let go of meanwhile are passed over: a
/// verified backup holds them.
fn compare(site: &Site<'_>, step: &mut Stepping<'_, '_>) {
    let mut next = Revision(1);
    for _ in 0..LOOKS {
        match pass(site, step, &mut next) {
            Ok(()) => return,
            Err(error) if site.serving && error.is_let_go() => {}
            Err(error) => return step.damaged("journal/", error, &remedy(site)),
        }
    }
    step.skipped("segments were let go of again and again");
}

/// Compares from `next` on, which is moved along.
fn pass(site: &Site<'_>, step: &mut Stepping<'_, '_>, next: &mut Revision) -> Result<(), JournalError> {
    let survey = site.survey;
    // Before the journal is looked at: what is committed meanwhile is in both or in the journal alone.
    let head = match site.store.map(crate::store::Store::head) {
        Some(Ok(head)) => Some(head),
        Some(Err(_)) | None => None,
    };
    let Some(peeked) = peek(&survey.journal_directory)? else { return Ok(()) };
    if let (Some(store), true) = (site.store, head.is_some())
        && store.identity() != peeked.identity
    {
        let what = "it is of another store, or of another incarnation, than the engine's files";
        step.damaged("journal/", what, "keep both, and find out which of them belongs here");
        return Ok(());
    }
    let (mut bytes, mut ahead) = (0, 0_u64);
    let held = peeked.reader.extent();
    for event in peeked.reader.events((*next).max(held.before.revision.next())) {
        let event = event?;
        *next = event.revision.next();
        step.checked(1);
        bytes += event.bytes().len() as u64;
        if bytes >= PORTION {
            site.pace.rest(std::mem::take(&mut bytes));
            if site.pace.given_up() {
                step.skipped("given up");
                return Ok(());
            }
        }
        let (Some(store), Some(head)) = (site.store, head) else { continue };
        if event.revision > head.revision {
            ahead += 1;
            continue;
        }
        match store.stored_event(event.revision) {
            Ok(Some(stored)) if stored.hash() == event.hash() => {}
            Ok(Some(_)) => step.damaged(
                format!("journal/ revision {}", event.revision),
                "the journal and the engine's files hold two different events",
                "keep the data directory as it is: the server refuses to start with it; compare both with a backup",
            ),
            // Told where the chain was walked.
            Ok(None)
            | Err(StoreError::Corrupt { .. } | StoreError::MissingEvent { .. } | StoreError::NewerSchema { .. }) => {}
            Err(error) => {
                step.skipped(format!("the store cannot be read: {error}"));
                return Ok(());
            }
        }
    }
    let Some(head) = head else { return Ok(()) };
    if ahead > 0 && !site.serving {
        let what = format!("it is {ahead} events ahead of the engine's files, which end at revision {}", head.revision);
        step.found(Severity::Information, "journal/", what, "start the server: it fills the engine's files");
    }
    let end = held.head.revision;
    if end < head.revision {
        let what = format!(
            "it ends at revision {end}, and the engine's files at {}: nothing is ever written to these first",
            head.revision
        );
        let remedy = "find out who removed files from `journal/`; then start the server and run `steelyard backup`";
        step.damaged("journal/", what, remedy);
    }
    Ok(())
}
