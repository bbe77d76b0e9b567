//! What the ledger tells of a person's histories as a whole, for whoever reads
//! of the person: who merged what into them, and what restricts looking.

use crate::domain::{Date, SubjectId};
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
            merged.extend(merged_reference(&event, standings));
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

/// A review of whether to keep a history, where an event tells of one.
pub fn review(event: &Event) -> Option<pb::RetentionReview> {
    let Some(Body::RetentionReviewed(told)) = &event.body else { return None };
    let day = |days: i32| Date::from_days(days).to_string();
    Some(pb::RetentionReview {
        outcome: i32::try_from(told.outcome).unwrap_or_default(),
        officer: told.officer.clone(),
        reason: told.reason.clone(),
        reviewed_on: day(told.reviewed_days),
        next_review_on: told.next_days.map(day).unwrap_or_default(),
        group: i32::try_from(told.group).unwrap_or_default(),
        recorded_time: recorded_time(event),
        revision: event.revision,
        actor: event.actor.clone(),
    })
}

/// Of the second event of a merge or its end, which tells the numbers alone: the number of the history that the first is of.
pub fn other_side(event: &Event) -> Option<u32> {
    let merged = match &event.body {
        Some(Body::SubjectsMerged(told)) => told.merged_id,
        Some(Body::SubjectsUnmerged(told)) => told.merged_id,
        Some(_) | None => return None,
    };
    (merged != event.subject_id).then_some(merged)
}

/// What an event tells of a history as a whole, for the person; `None`: it tells of something else.
pub fn exported(event: &Event, subject_ref: &str, standings: &Standings) -> Option<pb::ExportedEvent> {
    use pb::exported_event::Event as Told;
    let told = merged_reference(event, standings).map(Told::Merged);
    let told = told.or_else(|| unmerged_reference(event, standings).map(Told::Unmerged));
    let told = told.or_else(|| restriction(event).map(Told::Restricted));
    let told = told.or_else(|| lifted(event).map(Told::Lifted));
    let told = told.or_else(|| disclosure(event).map(Told::Disclosed));
    let told = told.or_else(|| review(event).map(Told::Reviewed))?;
    Some(pb::ExportedEvent {
        revision: event.revision,
        recorded_time: recorded_time(event),
        subject_ref: subject_ref.to_owned(),
        event: Some(told),
    })
}

fn merged_reference(event: &Event, standings: &Standings) -> Option<pb::MergedReference> {
    let Some(Body::SubjectsMerged(told)) = &event.body else { return None };
    Some(reference(event, (&told.merged_ref, told.survivor_id), (&told.officer, &told.reason), standings))
}

fn unmerged_reference(event: &Event, standings: &Standings) -> Option<pb::MergedReference> {
    let Some(Body::SubjectsUnmerged(told)) = &event.body else { return None };
    Some(reference(event, (&told.merged_ref, told.survivor_id), (&told.officer, &told.reason), standings))
}

/// A merge or its end. Whoever was erased since has no reference any more.
fn reference(
    event: &Event,
    (merged_ref, into): (&str, u32),
    (officer, reason): (&str, &str),
    standings: &Standings,
) -> pb::MergedReference {
    let into = standings.dossier(SubjectId(into));
    pb::MergedReference {
        merged_ref: merged_ref.to_owned(),
        into_ref: into.map(|into| into.subject_ref().to_owned()).unwrap_or_default(),
        officer: officer.to_owned(),
        reason: reason.to_owned(),
        recorded_time: recorded_time(event),
        revision: event.revision,
        actor: event.actor.clone(),
    }
}

fn lifted(event: &Event) -> Option<pb::Restriction> {
    let Some(Body::RestrictionLifted(told)) = &event.body else { return None };
    Some(pb::Restriction {
        subject_ref: told.subject_ref.clone(),
        officer: told.officer.clone(),
        reason: told.reason.clone(),
        recorded_time: recorded_time(event),
        revision: event.revision,
        actor: event.actor.clone(),
        ..pb::Restriction::default()
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
