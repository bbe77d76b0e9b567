//! `retention review`: a review of whether to go on keeping a person's records.

use std::process::ExitCode;

use crate::cli::client;
use crate::cli::output::day;
use crate::cli::word::{Typed, parser};
use crate::cli::write::{Receipt, WriteArgs, settled};
use crate::domain::Date;
use crate::domain::word::RetentionOutcome;
use crate::pb;

/// Arguments of `retention review`.
#[derive(Debug, clap::Args)]
pub struct ReviewArgs {
    /// The person's reference
    #[arg(value_name = "SUBJECT_REF")]
    subject: String,
    /// What was decided
    #[arg(long, value_name = "OUTCOME", value_parser = parser::<RetentionOutcome>(), ignore_case = true)]
    outcome: RetentionOutcome,
    /// Officer who reviewed
    #[arg(long, value_name = "OFFICER")]
    officer: String,
    /// Why, 10 to 500 characters
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// Day of the review [default: the day of the lists]
    #[arg(long, value_name = "DATE")]
    on: Option<Date>,
    /// Day by which to review again, sooner than the schedule has it [default: what the schedule has]
    #[arg(long, value_name = "DATE")]
    next: Option<Date>,
    /// Etag of the person [default: whatever is held]
    #[arg(long, value_name = "ETAG", default_value_t, hide_default_value = true)]
    etag: String,
    #[command(flatten)]
    write: WriteArgs,
}

impl ReviewArgs {
    pub(super) fn request(&self, request_id: &str) -> pb::RecordRetentionReviewRequest {
        let date = |date: Option<Date>| date.map_or_else(String::new, |date| date.to_string());
        pb::RecordRetentionReviewRequest {
            request_id: request_id.to_owned(),
            subject_ref: self.subject.clone(),
            outcome: self.outcome.number(),
            officer: self.officer.clone(),
            reason: self.reason.clone(),
            reviewed_on: date(self.on),
            next_review_on: date(self.next),
            etag: self.etag.clone(),
        }
    }
}

/// Records the review.
pub async fn run(args: &ReviewArgs) -> anyhow::Result<ExitCode> {
    let id = args.write.request_id();
    let mut client = client::evidence(args.write.connect().await?);
    let answer = settled(client.record_retention_review(args.request(&id)).await, &id)?;
    args.write.tell(&receipt(&args.subject, &answer), &answer)
}

pub(super) fn receipt(subject: &str, answer: &pb::RecordRetentionReviewResponse) -> Receipt {
    let next = if answer.next_review_on.is_empty() {
        "no longer needed".to_owned()
    } else {
        format!("kept until a review by {}", day(&answer.next_review_on))
    };
    Receipt {
        done: format!("Records of {subject} reviewed and {next}, written"),
        id: subject.to_owned(),
        revision: answer.revision,
        etag: String::new(),
        remarks: answer.remarks.clone(),
    }
}
