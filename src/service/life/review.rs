//! A review of whether to go on keeping what is held of a person: by a named
//! officer, who decides. It is written of every history of theirs, since all of
//! them were reviewed; nothing is disposed of by it.

use super::change::Written;
use crate::domain::Date;
use crate::domain::dossier::Dossier;
use crate::domain::retention::{Periods, Standing};
use crate::domain::word::{RetentionGroup, RetentionOutcome};
use crate::pb;
use crate::service::fault::Fault;
use crate::service::writer::Writer;
use crate::store::pb::RetentionReviewed;
use crate::store::pb::event::Body;
use crate::supervision::retention;

/// A review whose arguments were judged.
#[derive(Debug)]
pub struct Review {
    /// What was asked.
    pub asked: pb::RecordRetentionReviewRequest,
    /// What was decided.
    pub outcome: RetentionOutcome,
    /// The day of the review; `None`: that of the lists.
    pub day: Option<Date>,
    /// The day by which the officer wants the next.
    pub next: Option<Date>,
    /// The force's schedule.
    pub periods: Periods,
}

impl Writer {
    /// The events of a review, and what is to be said of it.
    pub(super) fn review(&self, review: &Review) -> Result<Written, Fault> {
        let Review { asked, outcome, periods, .. } = review;
        let (subject, whole) = self.named(&asked.subject_ref, &asked.etag)?;
        let (rules, as_of) = self.state.rules().zip(self.state.as_of()).ok_or(Fault::NoActivePolicy)?;
        let day = review.day.unwrap_or(as_of);
        let standing = retention::standing(&whole, rules, as_of)
            // Nothing is in force: what is left is the least there can be.
            .unwrap_or(Standing { group: RetentionGroup::Four, since: day, birth: None });
        let next = match outcome {
            RetentionOutcome::Retain => Some(next(review, &standing, day)?),
            RetentionOutcome::Dispose => None,
        };
        let told = |subject_ref: &str| RetentionReviewed {
            subject_ref: subject_ref.to_owned(),
            outcome: outcome.proto() as u32,
            officer: asked.officer.clone(),
            reason: asked.reason.clone(),
            reviewed_days: day.days(),
            next_days: next.map(Date::days),
            group: standing.group.proto() as u32,
        };
        let histories = self.state.histories().of(subject).into_iter();
        let bodies = histories.map(|history| {
            let body = Body::RetentionReviewed(told(self.state.dossier(history).subject_ref()));
            (history, body)
        });
        Ok((bodies.collect(), remarks(next, day, &whole, &standing, *periods)))
    }
}

/// The day by which to review again: what the officer stated, where the schedule allows it, or what the schedule has.
fn next(review: &Review, standing: &Standing, day: Date) -> Result<Date, Fault> {
    let latest = standing.latest_next(review.periods, day);
    match review.next {
        Some(next) if next > latest => {
            let group = standing.group as u8 + 1;
            let description = format!(
                "next_review_on is {next}; of group {group}, reviewed on {day}, the schedule has {latest} at the latest"
            );
            Err(Fault::field("next_review_on", "LATER_THAN_SCHEDULED", description))
        }
        Some(next) => Ok(next),
        None => Ok(latest),
    }
}

/// What follows from a review, and what speaks against it.
fn remarks(next: Option<Date>, day: Date, whole: &Dossier, standing: &Standing, periods: Periods) -> Vec<String> {
    if next.is_some() {
        return Vec::new();
    }
    let mut remarks = vec!["Nothing was disposed of: the person stays due until they are erased.".to_owned()];
    if let Some(until) = standing.kept_until(periods).filter(|until| *until > day) {
        remarks.push(format!(
            "In group 1 records are kept until the person would be {}, on {}.",
            periods.group_1_until_age,
            until.spelt()
        ));
    }
    if whole.is_outstanding() {
        remarks.push("An outstanding file is open: close it first.".to_owned());
    }
    if whole.membership().is_some() {
        remarks.push("The person is in the managed cohort: deselect them first.".to_owned());
    }
    remarks
}
