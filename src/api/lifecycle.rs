//! The part of `EvidenceService` that concerns a person's records as a whole:
//! parse, call, map. Every change names an officer and a reason.

use jiff::Timestamp;
use tonic::{Request, Response, Status};

use super::evidence::read_request_id;
use super::filter::Arguments;
use super::{Edge, correlated};
use crate::access::Caller;
use crate::pb;
use crate::service::fault::Fault;
use crate::service::life::LifeChange;
use crate::service::mutation::{Answer, Mutation, MutationBody, content_digest};

/// Says that two references are one person.
///
/// # Errors
/// The fault as a status.
pub async fn merge(
    edge: &Edge,
    request: Request<pb::MergeSubjectsRequest>,
) -> Result<Response<pb::MergeSubjectsResponse>, Status> {
    let caller = correlated(&request);
    let mut asked = request.into_inner();
    let mut arguments = Arguments::default();
    let id = read_request_id(&mut arguments, &std::mem::take(&mut asked.request_id));
    arguments.subject_ref("survivor_ref", &asked.survivor_ref);
    arguments.subject_ref("merged_ref", &asked.merged_ref);
    if asked.survivor_ref == asked.merged_ref {
        arguments.wrong("merged_ref", "SAME_SUBJECT", "merged_ref is survivor_ref: two references are merged");
    }
    accounted(&mut arguments, &asked.officer, &asked.reason);
    arguments.nameless("reason", &asked.reason, &[&asked.survivor_ref, &asked.merged_ref]);
    let digest = content_digest("MergeSubjects", &asked);
    let answer = change(edge, &caller, arguments, (id, digest), LifeChange::Merge(asked)).await;
    edge.done(
        "MergeSubjects",
        &caller,
        answer.map(|answer| pb::MergeSubjectsResponse { revision: answer.revision.0, remarks: answer.remarks }),
    )
}

/// Says that a reference is not the person it was merged into.
///
/// # Errors
/// The fault as a status.
pub async fn unmerge(
    edge: &Edge,
    request: Request<pb::UnmergeSubjectsRequest>,
) -> Result<Response<pb::UnmergeSubjectsResponse>, Status> {
    let caller = correlated(&request);
    let mut asked = request.into_inner();
    let mut arguments = Arguments::default();
    let id = read_request_id(&mut arguments, &std::mem::take(&mut asked.request_id));
    arguments.subject_ref("merged_ref", &asked.merged_ref);
    accounted(&mut arguments, &asked.officer, &asked.reason);
    let digest = content_digest("UnmergeSubjects", &asked);
    let answer = change(edge, &caller, arguments, (id, digest), LifeChange::Unmerge(asked)).await;
    edge.done(
        "UnmergeSubjects",
        &caller,
        answer.map(|answer| pb::UnmergeSubjectsResponse { revision: answer.revision.0 }),
    )
}

/// Restricts the processing of a person's records.
///
/// # Errors
/// The fault as a status.
pub async fn restrict(
    edge: &Edge,
    request: Request<pb::RestrictProcessingRequest>,
) -> Result<Response<pb::RestrictProcessingResponse>, Status> {
    let caller = correlated(&request);
    let mut asked = request.into_inner();
    let mut arguments = Arguments::default();
    let id = read_request_id(&mut arguments, &std::mem::take(&mut asked.request_id));
    arguments.subject_ref("subject_ref", &asked.subject_ref);
    arguments.one("ground", asked.ground, |number| {
        pb::RestrictionGround::try_from(number).ok().filter(|ground| *ground != pb::RestrictionGround::Unspecified)
    });
    accounted(&mut arguments, &asked.officer, &asked.reason);
    if !asked.open_files_reason.is_empty() {
        arguments.text("open_files_reason", &asked.open_files_reason, 10, 500);
    }
    let digest = content_digest("RestrictProcessing", &asked);
    let made = LifeChange::Restrict(asked);
    let answer = change(edge, &caller, arguments, (id, digest), made).await;
    edge.done(
        "RestrictProcessing",
        &caller,
        answer.map(|answer| pb::RestrictProcessingResponse { revision: answer.revision.0, remarks: answer.remarks }),
    )
}

/// Lifts a restriction.
///
/// # Errors
/// The fault as a status.
pub async fn lift(
    edge: &Edge,
    request: Request<pb::LiftRestrictionRequest>,
) -> Result<Response<pb::LiftRestrictionResponse>, Status> {
    let caller = correlated(&request);
    let mut asked = request.into_inner();
    let mut arguments = Arguments::default();
    let id = read_request_id(&mut arguments, &std::mem::take(&mut asked.request_id));
    arguments.subject_ref("subject_ref", &asked.subject_ref);
    accounted(&mut arguments, &asked.officer, &asked.reason);
    let digest = content_digest("LiftRestriction", &asked);
    let answer = change(edge, &caller, arguments, (id, digest), LifeChange::Lift(asked)).await;
    edge.done(
        "LiftRestriction",
        &caller,
        answer.map(|answer| pb::LiftRestrictionResponse { revision: answer.revision.0 }),
    )
}

/// Records a disclosure.
///
/// # Errors
/// The fault as a status.
pub async fn disclose(
    edge: &Edge,
    request: Request<pb::RecordDisclosureRequest>,
) -> Result<Response<pb::RecordDisclosureResponse>, Status> {
    let caller = correlated(&request);
    let mut asked = request.into_inner();
    let mut arguments = Arguments::default();
    let id = read_request_id(&mut arguments, &std::mem::take(&mut asked.request_id));
    arguments.subject_ref("subject_ref", &asked.subject_ref);
    arguments.text("recipient", &asked.recipient, 1, 200);
    arguments.text("purpose", &asked.purpose, 10, 500);
    arguments.text("what", &asked.what, 10, 2_000);
    arguments.text("legal_basis", &asked.legal_basis, 3, 500);
    arguments.subject_ref("officer", &asked.officer);
    if !asked.case_ref.is_empty() {
        arguments.subject_ref("case_ref", &asked.case_ref);
    }
    let now = edge.service.now();
    let at = match &asked.disclosed_time {
        None => now,
        Some(stated) => Timestamp::new(stated.seconds, stated.nanos).unwrap_or_else(|_| {
            arguments.wrong(
                "disclosed_time",
                "INVALID_TIME",
                "disclosed_time is not an instant between years 1 and 9999",
            );
            now
        }),
    };
    if at > now {
        arguments.wrong("disclosed_time", "IN_THE_FUTURE", "disclosed_time is later than now");
    }
    let digest = content_digest("RecordDisclosure", &asked);
    let made = LifeChange::Disclose(asked, at.as_microsecond());
    let answer = change(edge, &caller, arguments, (id, digest), made).await;
    edge.done(
        "RecordDisclosure",
        &caller,
        answer.map(|answer| pb::RecordDisclosureResponse { revision: answer.revision.0 }),
    )
}

/// What was disclosed to whom.
///
/// # Errors
/// The fault as a status.
pub async fn disclosures(
    edge: &Edge,
    request: Request<pb::ListDisclosuresRequest>,
) -> Result<Response<pb::ListDisclosuresResponse>, Status> {
    let caller = correlated(&request);
    let asked = request.into_inner();
    let answer = async {
        let mut arguments = Arguments::default();
        if !asked.subject_ref.is_empty() {
            arguments.subject_ref("subject_ref", &asked.subject_ref);
        }
        arguments.text("recipient", &asked.recipient, 0, 200);
        let size = arguments.size("page_size", asked.page_size, 50, 1_000);
        let mut day = |field: &str, text: &str| if text.is_empty() { None } else { arguments.date(field, text) };
        let days = (day("from", &asked.from), day("to", &asked.to));
        arguments.finish()?;
        edge.service.disclosures(&caller, asked, days, size).await
    };
    edge.answer("ListDisclosures", &caller, answer.await)
}

/// Who did it, and why.
pub(super) fn accounted(arguments: &mut Arguments, officer: &str, reason: &str) {
    arguments.subject_ref("officer", officer);
    arguments.text("reason", reason, 10, 500);
}

/// Has the writer make a change, if nothing is wrong with its arguments.
async fn change(
    edge: &Edge,
    caller: &Caller,
    arguments: Arguments,
    (request_id, digest): ([u8; 16], [u8; 32]),
    made: LifeChange,
) -> Result<Answer, Fault> {
    arguments.finish()?;
    let body = MutationBody::Life(made);
    edge.service.change(Mutation { caller: caller.clone(), request_id, digest, body }).await
}
