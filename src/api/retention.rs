//! Review of retention at the edge: whose records are due, and what an officer
//! decided of somebody's. Parse, call, map.

use tonic::{Request, Response, Status};

use super::evidence::read_request_id;
use super::filter::Arguments;
use super::lifecycle::accounted;
use super::{Edge, correlated};
use crate::domain::Date;
use crate::domain::word::{RetentionGroup, RetentionOutcome};
use crate::pb;
use crate::service::fault::Fault;
use crate::service::life::retention::DueFilter;
use crate::service::life::{LifeChange, Review};
use crate::service::mutation::{Mutation, MutationBody, content_digest};

/// Whose records are due for review.
///
/// # Errors
/// The fault as a status.
pub async fn due(
    edge: &Edge,
    request: Request<pb::ListRetentionDueRequest>,
) -> Result<Response<pb::ListRetentionDueResponse>, Status> {
    let caller = correlated(&request);
    let asked = request.into_inner();
    let answer = async {
        let mut arguments = Arguments::default();
        let group = match asked.group {
            0 => None,
            number => arguments.one("group", number, RetentionGroup::from_proto),
        };
        let by = optional_day(&mut arguments, "due_on_or_before", &asked.due_on_or_before);
        let size = arguments.size("page_size", asked.page_size, 50, 1_000);
        arguments.finish()?;
        edge.service.retention_due(&caller, &asked, DueFilter { group, by }, size).await
    };
    edge.answer("ListRetentionDue", &caller, answer.await)
}

/// Records a review.
///
/// # Errors
/// The fault as a status.
pub async fn review(
    edge: &Edge,
    request: Request<pb::RecordRetentionReviewRequest>,
) -> Result<Response<pb::RecordRetentionReviewResponse>, Status> {
    let caller = correlated(&request);
    let mut asked = request.into_inner();
    let answer = async {
        let mut arguments = Arguments::default();
        let request_id = read_request_id(&mut arguments, &std::mem::take(&mut asked.request_id));
        let digest = content_digest("RecordRetentionReview", &asked);
        let review = read(edge, arguments, asked)?;
        edge.service.reviewable(&caller, &review.asked.subject_ref).await?;
        let body = MutationBody::Life(LifeChange::Review(review));
        let mutation = Mutation { caller: caller.clone(), request_id, digest, body };
        let answer = edge.service.change(mutation).await?;
        let next = edge.service.next_review(answer.revision).await?;
        Ok(pb::RecordRetentionReviewResponse {
            revision: answer.revision.0,
            next_review_on: next.unwrap_or_default(),
            remarks: answer.remarks,
        })
    };
    let answer = answer.await;
    edge.done("RecordRetentionReview", &caller, answer)
}

fn read(edge: &Edge, mut arguments: Arguments, asked: pb::RecordRetentionReviewRequest) -> Result<Review, Fault> {
    arguments.subject_ref("subject_ref", &asked.subject_ref);
    let outcome = arguments.one("outcome", asked.outcome, RetentionOutcome::from_proto);
    accounted(&mut arguments, &asked.officer, &asked.reason);
    let day = optional_day(&mut arguments, "reviewed_on", &asked.reviewed_on);
    let next = optional_day(&mut arguments, "next_review_on", &asked.next_review_on);
    let lists = edge.service.newest().map(|standings| standings.as_of());
    let today = Date::in_london(edge.service.now());
    if day.is_some_and(|day| day > lists.map_or(today, |lists| lists.max(today))) {
        arguments.wrong(
            "reviewed_on",
            "IN_THE_FUTURE",
            "reviewed_on is later than today and than the day of the lists",
        );
    }
    if let (Some(next), Some(day)) = (next, day.or(lists))
        && next <= day
    {
        arguments.wrong("next_review_on", "DATES_OUT_OF_ORDER", "next_review_on is not after the day of the review");
    }
    if outcome == Some(RetentionOutcome::Dispose) && !asked.next_review_on.is_empty() {
        let description = "next_review_on is for RETAIN: whom it was decided to dispose of is due at once";
        arguments.wrong("next_review_on", "CONTRADICTION", description);
    }
    arguments.finish()?;
    // What is missing is among the violations.
    let outcome = outcome.ok_or(Fault::Internal)?;
    Ok(Review { asked, outcome, day, next, periods: edge.service.periods() })
}

fn optional_day(arguments: &mut Arguments, field: &str, text: &str) -> Option<Date> {
    if text.is_empty() { None } else { arguments.date(field, text) }
}
