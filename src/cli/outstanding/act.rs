//! What is done to a file once it is open: circulated, worked on, reviewed, closed. The
//! server says in remarks what of it does not count, or is left to do.

use std::process::ExitCode;

use pbjson_types::Timestamp;

use super::terms::date;
use crate::cli::word::{Typed, number_or_none, parser, spoken};
use crate::cli::write::{Receipt, RecordArgs, WriteArgs, settled};
use crate::cli::{client, when};
use crate::domain::Date;
use crate::domain::word::{ActivityKind, ActivityOutcome, Circulation, CloseOutcome, SupervisorRank};
use crate::pb;

/// Arguments of `outstanding circulate`.
#[derive(Debug, clap::Args)]
pub struct CirculateArgs {
    /// The person's reference
    #[arg(value_name = "SUBJECT_REF")]
    subject: String,
    /// Id of the file
    #[arg(long, value_name = "ID")]
    file: String,
    /// Where it is circulated from then on; of a closed file: cancelled
    #[arg(long, value_name = "WHERE", value_parser = parser::<Circulation>(), ignore_case = true)]
    circulation: Circulation,
    /// When that was done, as RFC 3339 [default: now]
    #[arg(long, value_name = "TIME", value_parser = when::typed)]
    at: Option<Timestamp>,
    /// Officer who did it
    #[arg(long, value_name = "OFFICER", default_value_t, hide_default_value = true)]
    officer: String,
    /// Reference of the entry on that system
    #[arg(long, value_name = "REF", default_value_t, hide_default_value = true)]
    system_ref: String,
    /// Etag of the file [default: whatever version is in force]
    #[arg(long, value_name = "ETAG", default_value_t, hide_default_value = true)]
    etag: String,
    #[command(flatten)]
    write: WriteArgs,
}

impl CirculateArgs {
    pub(super) fn request(&self, request_id: &str) -> pb::UpdateCirculationRequest {
        pb::UpdateCirculationRequest {
            request_id: request_id.to_owned(),
            subject_ref: self.subject.clone(),
            outstanding_id: self.file.clone(),
            step: Some(pb::CirculationStep {
                circulation: self.circulation.number(),
                changed_time: self.at,
                officer: self.officer.clone(),
                system_ref: self.system_ref.clone(),
            }),
            etag: self.etag.clone(),
        }
    }
}

/// Adds a step to where the file is circulated.
pub async fn circulate(args: &CirculateArgs) -> anyhow::Result<ExitCode> {
    let id = args.write.request_id();
    let mut client = client::outstanding(args.write.connect().await?);
    let answer = settled(client.update_circulation(args.request(&id)).await, &id)?;
    let receipt = Receipt {
        done: format!("Circulation of {} is {}, written", args.file, spoken(args.circulation)),
        id: args.file.clone(),
        revision: answer.revision,
        etag: answer.etag.clone(),
        remarks: Vec::new(),
    };
    args.write.tell(&receipt, &answer)
}

/// Arguments of `outstanding activity`.
#[derive(Debug, clap::Args)]
pub struct ActivityArgs {
    /// The person's reference
    #[arg(value_name = "SUBJECT_REF")]
    subject: String,
    /// What was done
    #[arg(long, value_name = "KIND", value_parser = parser::<ActivityKind>(), ignore_case = true)]
    kind: ActivityKind,
    /// Id of the file it is about; none with nominal-seen and partner-meeting
    #[arg(long, value_name = "ID", default_value_t, hide_default_value = true)]
    file: String,
    /// What came of it
    #[arg(long, value_name = "OUTCOME", value_parser = parser::<ActivityOutcome>(), ignore_case = true)]
    outcome: Option<ActivityOutcome>,
    /// Officer who did it
    #[arg(long, value_name = "OFFICER")]
    officer: String,
    /// When it was done, as RFC 3339 [default: now]
    #[arg(long, value_name = "TIME", value_parser = when::typed)]
    at: Option<Timestamp>,
    /// Officer time spent, minutes
    #[arg(long, value_name = "MINUTES", default_value_t)]
    minutes: u32,
    /// Opaque reference of the address, person or agency concerned
    #[arg(long, value_name = "REF", default_value_t, hide_default_value = true)]
    target: String,
    /// Opaque reference of the victim told, with victim-updated alone
    #[arg(long, value_name = "REF", default_value_t, hide_default_value = true)]
    victim: String,
    /// What happened
    #[arg(long, value_name = "TEXT", default_value_t, hide_default_value = true)]
    note: String,
    #[command(flatten)]
    record: RecordArgs,
    #[command(flatten)]
    write: WriteArgs,
}

impl ActivityArgs {
    pub(super) fn request(&self, request_id: &str) -> pb::RecordActivityRequest {
        pb::RecordActivityRequest {
            request_id: request_id.to_owned(),
            subject_ref: self.subject.clone(),
            activity_id: self.record.id.clone(),
            source_system: self.record.source.clone(),
            activity: Some(pb::Activity {
                activity_kind: self.kind.number(),
                outcome: number_or_none(self.outcome),
                officer: self.officer.clone(),
                done_time: self.at,
                minutes: self.minutes,
                target_ref: self.target.clone(),
                outstanding_id: self.file.clone(),
                victim_ref: self.victim.clone(),
                note: self.note.clone(),
            }),
        }
    }
}

/// Records something done.
pub async fn activity(args: &ActivityArgs) -> anyhow::Result<ExitCode> {
    let id = args.write.request_id();
    let mut client = client::outstanding(args.write.connect().await?);
    let answer = settled(client.record_activity(args.request(&id)).await, &id)?;
    let receipt = Receipt {
        done: format!("Activity {} recorded", answer.activity_id),
        id: answer.activity_id.clone(),
        revision: answer.revision,
        etag: String::new(),
        remarks: answer.remarks.clone(),
    };
    args.write.tell(&receipt, &answer)
}

/// Arguments of `outstanding review`.
#[derive(Debug, clap::Args)]
pub struct ReviewArgs {
    /// The person's reference
    #[arg(value_name = "SUBJECT_REF")]
    subject: String,
    /// Id of the file reviewed
    #[arg(long, value_name = "ID")]
    file: String,
    /// Officer who reviews; a review of one's own activity does not count
    #[arg(long, value_name = "OFFICER")]
    officer: String,
    /// Rank in which the officer reviews
    #[arg(long, value_name = "RANK", value_parser = parser::<SupervisorRank>(), ignore_case = true)]
    rank: SupervisorRank,
    /// What was found
    #[arg(long, value_name = "TEXT")]
    findings: String,
    /// What is to be done
    #[arg(long, value_name = "TEXT", default_value_t, hide_default_value = true)]
    instructions: String,
    /// Day by which to review again, where sooner than policy asks
    #[arg(long, value_name = "DATE")]
    next_review_on: Option<Date>,
    /// When it was reviewed, as RFC 3339 [default: now]
    #[arg(long, value_name = "TIME", value_parser = when::typed)]
    at: Option<Timestamp>,
    #[command(flatten)]
    record: RecordArgs,
    #[command(flatten)]
    write: WriteArgs,
}

impl ReviewArgs {
    pub(super) fn request(&self, request_id: &str) -> pb::RecordReviewRequest {
        pb::RecordReviewRequest {
            request_id: request_id.to_owned(),
            subject_ref: self.subject.clone(),
            review_id: self.record.id.clone(),
            source_system: self.record.source.clone(),
            review: Some(pb::Review {
                outstanding_id: self.file.clone(),
                officer: self.officer.clone(),
                rank: self.rank.number(),
                reviewed_time: self.at,
                findings: self.findings.clone(),
                instructions: self.instructions.clone(),
                next_review_on: date(self.next_review_on),
            }),
        }
    }
}

/// Records a supervisor's review.
pub async fn review(args: &ReviewArgs) -> anyhow::Result<ExitCode> {
    let id = args.write.request_id();
    let mut client = client::outstanding(args.write.connect().await?);
    let answer = settled(client.record_review(args.request(&id)).await, &id)?;
    let receipt = Receipt {
        done: format!("Review {} recorded", answer.review_id),
        id: answer.review_id.clone(),
        revision: answer.revision,
        etag: String::new(),
        remarks: answer.remarks.clone(),
    };
    args.write.tell(&receipt, &answer)
}

/// Arguments of `outstanding close`.
#[derive(Debug, clap::Args)]
pub struct CloseArgs {
    /// The person's reference
    #[arg(value_name = "SUBJECT_REF")]
    subject: String,
    /// Id of the file
    #[arg(long, value_name = "ID")]
    file: String,
    /// How it closed
    #[arg(long, value_name = "OUTCOME", value_parser = parser::<CloseOutcome>(), ignore_case = true)]
    outcome: CloseOutcome,
    /// Officer who closes it
    #[arg(long, value_name = "OFFICER")]
    officer: String,
    /// When, as RFC 3339 [default: now]
    #[arg(long, value_name = "TIME", value_parser = when::typed)]
    at: Option<Timestamp>,
    /// Etag of the file [default: whatever version is in force]
    #[arg(long, value_name = "ETAG", default_value_t, hide_default_value = true)]
    etag: String,
    #[command(flatten)]
    write: WriteArgs,
}

impl CloseArgs {
    pub(super) fn request(&self, request_id: &str) -> pb::CloseOutstandingRequest {
        pb::CloseOutstandingRequest {
            request_id: request_id.to_owned(),
            subject_ref: self.subject.clone(),
            outstanding_id: self.file.clone(),
            outcome: self.outcome.number(),
            closed_time: self.at,
            officer: self.officer.clone(),
            etag: self.etag.clone(),
        }
    }
}

/// Closes a file.
pub async fn close(args: &CloseArgs) -> anyhow::Result<ExitCode> {
    let id = args.write.request_id();
    let mut client = client::outstanding(args.write.connect().await?);
    let answer = settled(client.close_outstanding(args.request(&id)).await, &id)?;
    let receipt = Receipt {
        done: format!("File {} closed as {}", args.file, spoken(args.outcome)),
        id: args.file.clone(),
        revision: answer.revision,
        etag: answer.etag.clone(),
        remarks: answer.remarks.clone(),
    };
    args.write.tell(&receipt, &answer)
}
