//! The dossiers against the ledger. Each is read, then compared with the fold
//! of its subject's events up to the revision that it names: those never change,
//! so that the comparison is exact while the writer goes on.

use prost::Message;

use super::indexes::Lacking;
use super::ledger::{Ledger, reaches};
use super::report::Stepping;
use super::told::Severity;
use super::{Ended, Verification};
use crate::domain::{Revision, SubjectId};
use crate::service::group::fold_dossier;
use crate::store::inspect::entries;
use crate::store::pb::StoredDossier;
use crate::store::{StoreError, View, ViewKey};

/// Subjects without a dossier in one run that are looked at one by one.
const LOOKED_AT: u32 = 1 << 20;

/// Checks every dossier.
///
/// # Errors
/// [`Ended`].
pub fn check(
    verification: &Verification<'_>,
    step: &mut Stepping<'_, '_>,
    ledger: &Ledger,
    lacking: &Lacking,
) -> Result<(), Ended> {
    if !verification.complete(step, View::Dossier)? {
        return Ok(());
    }
    let (mut next, mut bytes, mut not_compared) = (0, 0, 0_u64);
    for key in entries(verification.store, View::Dossier) {
        let key = key?;
        let Some(subject) = key.subject() else { continue };
        missing(verification, step, next, subject.0)?;
        next = subject.0.saturating_add(1);
        match compare(verification, subject, ledger, lacking, &mut bytes)? {
            Compared::Same => {}
            Compared::Differs(what) => step.damaged(format!("{key:?}"), what, &verification.rebuild()),
            Compared::Not => not_compared += 1,
        }
        step.checked(1);
        verification.rest(next.into(), &mut bytes)?;
    }
    missing(verification, step, next, ledger.subjects)?;
    if not_compared > 0 {
        step.found(
            Severity::Information,
            "s/",
            format!(
                "{not_compared} dossiers could not be compared: they, or events of theirs, are damaged as told above"
            ),
            "verify again once that is mended",
        );
    }
    Ok(())
}

enum Compared {
    Same,
    Differs(String),
    Not,
}

/// Tells which of the subjects `from..until` should have a dossier: those that have events.
fn missing(verification: &Verification<'_>, step: &mut Stepping<'_, '_>, from: u32, until: u32) -> Result<(), Ended> {
    let what = "missing: the ledger holds events of this subject";
    for subject in (from..until).take(usize::try_from(LOOKED_AT).unwrap_or(usize::MAX)).map(SubjectId) {
        let mut events = verification.store.scan_subject(subject, Revision(1), verification.head.revision);
        if events.next().transpose()?.is_some() {
            step.damaged(format!("{:?}", ViewKey::dossier(subject)), what, &verification.rebuild());
        }
    }
    if until.saturating_sub(from) > LOOKED_AT {
        let place = format!("s/ subjects {} to {until}", from + LOOKED_AT);
        step.damaged(place, "no dossiers, although the ledger names subjects beyond", &verification.rebuild());
    }
    Ok(())
}

fn compare(
    verification: &Verification<'_>,
    subject: SubjectId,
    ledger: &Ledger,
    lacking: &Lacking,
    bytes: &mut u64,
) -> Result<Compared, Ended> {
    let Ok(value) = verification.steady(&ViewKey::dossier(subject))? else { return Ok(Compared::Not) };
    // Dossiers never go while the store is served.
    let Some(value) = value else { return Ok(Compared::Differs("gone while it was looked at".to_owned())) };
    *bytes += value.len() as u64;
    let Ok(stored) = StoredDossier::decode(&*value) else {
        return Ok(Compared::Differs("does not decode as a dossier".to_owned()));
    };
    let at = Revision(stored.revision);
    let head = verification.head.revision;
    if at > head && !reaches(verification.store, at, verification.asked.serving) {
        return Ok(Compared::Differs(format!("names revision {at}, which the ledger has not reached")));
    }
    let mut revisions: Vec<Revision> = lacking.get(&subject).cloned().unwrap_or_default();
    for entry in verification.store.scan_subject(subject, Revision(1), at.max(head)) {
        match entry {
            Ok((key, _)) => revisions.extend(key.revision()),
            // An index entry that is no value has been told.
            Err(StoreError::Corrupt { .. } | StoreError::NewerSchema { .. }) => return Ok(Compared::Not),
            Err(error) => return Err(error.into()),
        }
    }
    revisions.sort_unstable();
    let mut folded = StoredDossier::default();
    let mut later = None;
    for revision in revisions {
        if ledger.is_unreadable(revision) {
            return Ok(Compared::Not);
        }
        let event = match verification.store.event(revision) {
            Ok(Some(event)) if event.has_subject && event.subject_id == subject.0 => event,
            // An entry too many, which has been told; or one of a group that is just being committed.
            Ok(Some(_) | None) => continue,
            Err(StoreError::Corrupt { .. } | StoreError::MissingEvent { .. } | StoreError::NewerSchema { .. }) => {
                return Ok(Compared::Not);
            }
            Err(error) => return Err(error.into()),
        };
        if revision <= at {
            *bytes += event.encoded_len() as u64;
            fold_dossier(&mut folded, &event);
        } else if revision <= head {
            later = Some(revision);
        }
    }
    Ok(match later {
        _ if folded == StoredDossier::default() => Compared::Differs(
            "a dossier too many: the ledger holds no event of this subject up to its revision".to_owned(),
        ),
        Some(later) => Compared::Differs(format!("stands at revision {at}, and the ledger holds event {later}")),
        None if folded == stored => Compared::Same,
        None => Compared::Differs(format!("is not what the subject's events fold to at revision {at}")),
    })
}
