//! `subject restrict` and `subject lift`: a person off every list, and on again.
//! What is held stays, and records still arrive.

use std::process::ExitCode;

use super::Accounted;
use crate::cli::client;
use crate::cli::write::{Receipt, WriteArgs, settled};
use crate::pb;

/// On what ground processing is restricted.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Ground {
    /// The person contests accuracy, and it cannot be ascertained
    AccuracyContested,
    /// To be erased, but needed as evidence
    KeptAsEvidence,
    /// Ordered by the Information Commissioner or a court
    Ordered,
}

impl Ground {
    const fn proto(self) -> pb::RestrictionGround {
        match self {
            Self::AccuracyContested => pb::RestrictionGround::AccuracyContested,
            Self::KeptAsEvidence => pb::RestrictionGround::KeptAsEvidence,
            Self::Ordered => pb::RestrictionGround::Ordered,
        }
    }
}

/// Arguments of `subject restrict`.
#[derive(Debug, clap::Args)]
pub struct RestrictArgs {
    /// The person's reference
    #[arg(value_name = "SUBJECT_REF")]
    subject: String,
    /// On what ground
    #[arg(long, value_name = "GROUND")]
    ground: Ground,
    #[command(flatten)]
    accounted: Accounted,
    /// Why the person may leave the lists with open outstanding files; required where any is open
    #[arg(long, value_name = "TEXT", default_value_t, hide_default_value = true)]
    open_files_reason: String,
    /// Etag of the person [default: whatever is held]
    #[arg(long, value_name = "ETAG", default_value_t, hide_default_value = true)]
    etag: String,
    #[command(flatten)]
    write: WriteArgs,
}

impl RestrictArgs {
    pub(super) fn request(&self, request_id: &str) -> pb::RestrictProcessingRequest {
        pb::RestrictProcessingRequest {
            request_id: request_id.to_owned(),
            subject_ref: self.subject.clone(),
            ground: self.ground.proto().into(),
            officer: self.accounted.officer.clone(),
            reason: self.accounted.reason.clone(),
            open_files_reason: self.open_files_reason.clone(),
            etag: self.etag.clone(),
        }
    }
}

/// Restricts.
pub async fn restrict(args: &RestrictArgs) -> anyhow::Result<ExitCode> {
    let id = args.write.request_id();
    let mut client = client::evidence(args.write.connect().await?);
    let answer = settled(client.restrict_processing(args.request(&id)).await, &id)?;
    let receipt = Receipt {
        done: format!("Processing of {} is restricted, written", args.subject),
        id: args.subject.clone(),
        revision: answer.revision,
        etag: String::new(),
        remarks: answer.remarks.clone(),
    };
    args.write.tell(&receipt, &answer)
}

/// Arguments of `subject lift`.
#[derive(Debug, clap::Args)]
pub struct LiftArgs {
    /// The person's reference
    #[arg(value_name = "SUBJECT_REF")]
    subject: String,
    #[command(flatten)]
    accounted: Accounted,
    /// Etag of the person [default: whatever is held]
    #[arg(long, value_name = "ETAG", default_value_t, hide_default_value = true)]
    etag: String,
    #[command(flatten)]
    write: WriteArgs,
}

impl LiftArgs {
    pub(super) fn request(&self, request_id: &str) -> pb::LiftRestrictionRequest {
        pb::LiftRestrictionRequest {
            request_id: request_id.to_owned(),
            subject_ref: self.subject.clone(),
            officer: self.accounted.officer.clone(),
            reason: self.accounted.reason.clone(),
            etag: self.etag.clone(),
        }
    }
}

/// Lifts a restriction.
pub async fn lift(args: &LiftArgs) -> anyhow::Result<ExitCode> {
    let id = args.write.request_id();
    let mut client = client::evidence(args.write.connect().await?);
    let answer = settled(client.lift_restriction(args.request(&id)).await, &id)?;
    let receipt = Receipt {
        done: format!("The restriction of {} is lifted, written", args.subject),
        id: args.subject.clone(),
        revision: answer.revision,
        ..Receipt::default()
    };
    args.write.tell(&receipt, &answer)
}
