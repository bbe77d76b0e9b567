//! The indexes against the ledger, both ways. First as sums, which costs one
//! scan; only where the sums differ, entry by entry.

use std::collections::BTreeMap;

use super::ledger::{Ledger, entry};
use super::report::Stepping;
use super::sketch::Sketch;
use super::walk::{Met, Walk};
use super::{Ended, Verification};
use crate::domain::{Revision, SubjectId};
use crate::service::group::kind_of;
use crate::store::inspect::entries;
use crate::store::pb::Event;
use crate::store::{StoreError, View, ViewKey};

/// Missing entries that are kept in mind, so that dossiers can be folded all the same.
const KEPT_IN_MIND: usize = 10_000;

/// Entries that the index by subject lacks.
pub type Lacking = BTreeMap<SubjectId, Vec<Revision>>;

/// Checks the index by subject. Gives what it lacks, if that is little enough to be read past.
///
/// # Errors
/// [`Ended`].
pub fn by_subject(
    verification: &Verification<'_>,
    step: &mut Stepping<'_, '_>,
    ledger: &Ledger,
) -> Result<Option<Lacking>, Ended> {
    let Some(lacking) = check(verification, step, View::SubjectIndex, &ledger.by_subject, ledger)? else {
        return Ok(None);
    };
    if lacking.len() >= KEPT_IN_MIND {
        return Ok(None);
    }
    let mut by_subject = Lacking::new();
    for key in lacking {
        if let (Some(subject), Some(revision)) = (key.subject(), key.revision()) {
            by_subject.entry(subject).or_default().push(revision);
        }
    }
    Ok(Some(by_subject))
}

/// Checks the index by kind.
///
/// # Errors
/// [`Ended`].
pub fn by_kind(verification: &Verification<'_>, step: &mut Stepping<'_, '_>, ledger: &Ledger) -> Result<(), Ended> {
    check(verification, step, View::KindIndex, &ledger.by_kind, ledger).map(drop)
}

/// `None`: the view is not complete, or cannot be walked through. Otherwise the first entries that it lacks.
fn check(
    verification: &Verification<'_>,
    step: &mut Stepping<'_, '_>,
    view: View,
    expected: &Sketch,
    ledger: &Ledger,
) -> Result<Option<Vec<ViewKey>>, Ended> {
    if !verification.complete(step, view)? {
        return Ok(None);
    }
    let through = verification.head.revision;
    let mut sketch = expected.clone();
    let (mut done, mut bytes) = (0, 0);
    for key in entries(verification.store, view) {
        let (_, revision, short) = parts(&key?);
        if revision <= through {
            sketch.take(&short);
            step.checked(1);
        }
        done += 1;
        bytes += short.len() as u64;
        verification.rest(done, &mut bytes)?;
    }
    if sketch.same() {
        return Ok(Some(Vec::new()));
    }
    let surplus = surplus(verification, step, view, &sketch, ledger)?;
    let lacking = missing(verification, step, view, &sketch)?;
    // An event that cannot be read has an entry that nothing was added for.
    if surplus == 0 && lacking.is_empty() && ledger.unreadable.is_empty() {
        let what = "a walk through the index does not meet the entries that are found by their keys";
        step.damaged(view.name(), what, &verification.rebuild());
        return Ok(None);
    }
    Ok(Some(lacking))
}

/// Entries that no event asks for. Gives their number.
fn surplus(
    verification: &Verification<'_>,
    step: &mut Stepping<'_, '_>,
    view: View,
    sketch: &Sketch,
    ledger: &Ledger,
) -> Result<u64, Ended> {
    let (mut done, mut surplus) = (0, 0);
    for key in entries(verification.store, view) {
        let key = key?;
        let (_, revision, short) = parts(&key);
        done += 1;
        verification.rest(done, &mut 0)?;
        // An event that cannot be read has been told, and may have had this entry.
        if revision > verification.head.revision || !sketch.suspects(&short) || ledger.is_unreadable(revision) {
            continue;
        }
        let event = verification.store.event(revision)?;
        if event.and_then(|event| entry_of(view, &event)) != Some(key) {
            surplus += 1;
            step.damaged(
                format!("{key:?}"),
                "an entry too many: the event of this revision does not belong here",
                &verification.rebuild(),
            );
        }
    }
    Ok(surplus)
}

/// Events whose entry is not there.
fn missing(
    verification: &Verification<'_>,
    step: &mut Stepping<'_, '_>,
    view: View,
    sketch: &Sketch,
) -> Result<Vec<ViewKey>, Ended> {
    let mut lacking = Vec::new();
    let mut events = Walk::new(verification.store, Revision(1), verification.head.revision);
    while let Some(met) = events.next() {
        let (revision, met) = met?;
        verification.rest(revision.0, &mut events.bytes)?;
        let Met::Event(event, _) = met else { continue };
        let Some(key) = entry_of(view, &event) else { continue };
        if !sketch.suspects(&parts(&key).2) {
            continue;
        }
        match verification.store.get(&key) {
            Ok(Some(_)) | Err(StoreError::Corrupt { .. } | StoreError::NewerSchema { .. }) => {}
            Ok(None) => {
                step.damaged(
                    format!("{key:?}"),
                    "missing from the index: the event is in the ledger and is not found through it",
                    &verification.rebuild(),
                );
                if lacking.len() < KEPT_IN_MIND {
                    lacking.push(key);
                }
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(lacking)
}

/// The entry that an event has in an index.
fn entry_of(view: View, event: &Event) -> Option<ViewKey> {
    let revision = Revision(event.revision);
    match view {
        View::SubjectIndex => event.has_subject.then(|| ViewKey::subject_index(SubjectId(event.subject_id), revision)),
        View::KindIndex => kind_of(event).map(|kind| ViewKey::kind_index(kind, revision)),
        View::Dossier | View::Request => None,
    }
}

fn parts(key: &ViewKey) -> (u32, Revision, [u8; 12]) {
    let of = key.subject().map(|subject| subject.0).or(key.kind().map(u32::from)).unwrap_or_default();
    let revision = key.revision().unwrap_or_default();
    (of, revision, entry(of, revision))
}
