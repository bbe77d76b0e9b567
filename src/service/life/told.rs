//! What the ledger tells of a person's histories as a whole, for whoever reads
//! of the person: who merged what into them, and what restricts looking.

use crate::domain::SubjectId;
use crate::pb;
use crate::ranking::Standings;
use crate::service::held::histories;
use crate::service::timestamp;
use crate::store::pb::Event;
use crate::store::pb::event::Body;
use crate::store::{Store, StoreError};

/// References merged into a person, in the order in which they were, and restrictions in force.
///
/// # Errors
/// The store's.
pub fn of_person(
    store: &dyn Store,
    standings: &Standings,
    subject: SubjectId,
) -> Result<(Vec<pb::MergedReference>, Vec<pb::Restriction>), StoreError> {
    let (mut merged, mut restrictions) = (Vec::new(), Vec::new());
    for (_, held) in histories(standings, subject) {
        let Some(life) = held.life() else { continue };
        for revision in life.merged.map(|merged| merged.revision).into_iter().chain(life.restricted) {
            let event = store.event(revision)?.ok_or(StoreError::MissingEvent { revision })?;
            merged.extend(merged_reference(&event));
            restrictions.extend(restriction(&event));
        }
    }
    merged.sort_by_key(|one| one.revision);
    restrictions.sort_by_key(|one| one.revision);
    Ok((merged, restrictions))
}

/// When an event was recorded, in the contract.
pub fn recorded_time(event: &Event) -> Option<pbjson_types::Timestamp> {
    jiff::Timestamp::from_microsecond(event.recorded_micros).map(timestamp).ok()
}

/// A disclosure, where an event tells of one.
pub fn disclosure(event: &Event) -> Option<pb::Disclosure> {
    let Some(Body::DisclosureRecorded(told)) = &event.body else { return None };
    Some(pb::Disclosure {
        subject_ref: told.subject_ref.clone(),
        recipient: told.recipient.clone(),
        purpose: told.purpose.clone(),
        what: told.what.clone(),
        legal_basis: told.legal_basis.clone(),
        officer: told.officer.clone(),
        disclosed_time: jiff::Timestamp::from_microsecond(told.disclosed_micros).map(timestamp).ok(),
        case_ref: told.case_ref.clone(),
        recorded_time: recorded_time(event),
        revision: event.revision,
        actor: event.actor.clone(),
    })
}

fn merged_reference(event: &Event) -> Option<pb::MergedReference> {
    let Some(Body::SubjectsMerged(told)) = &event.body else { return None };
    Some(pb::MergedReference {
        merged_ref: told.merged_ref.clone(),
        into_ref: told.survivor_ref.clone(),
        officer: told.officer.clone(),
        reason: told.reason.clone(),
        recorded_time: recorded_time(event),
        revision: event.revision,
        actor: event.actor.clone(),
    })
}

fn restriction(event: &Event) -> Option<pb::Restriction> {
    let Some(Body::ProcessingRestricted(told)) = &event.body else { return None };
    Some(pb::Restriction {
        subject_ref: told.subject_ref.clone(),
        ground: i32::try_from(told.ground).unwrap_or_default(),
        officer: told.officer.clone(),
        reason: told.reason.clone(),
        open_files_reason: told.open_files_reason.clone(),
        recorded_time: recorded_time(event),
        revision: event.revision,
        actor: event.actor.clone(),
    })
}
