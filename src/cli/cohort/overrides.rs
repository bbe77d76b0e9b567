//! `cohort override` and `cohort withdraw-override`: another band than the computed one,
//! by a named officer, for a time. The computed band stays in sight beside it.

use std::process::ExitCode;

use crate::cli::client;
use crate::cli::word::{Typed, parser};
use crate::cli::write::{Receipt, RecordArgs, WriteArgs, settled};
use crate::domain::Date;
use crate::domain::word::{Band, OverrideScope};
use crate::pb;

/// Arguments of `cohort override`.
#[derive(Debug, clap::Args)]
pub struct OverrideArgs {
    /// The person's reference
    #[arg(value_name = "SUBJECT_REF")]
    subject: String,
    /// Band to show
    #[arg(long, value_name = "BAND", value_parser = parser::<Band>(), ignore_case = true)]
    band: Band,
    /// Lists that it reaches
    #[arg(long, value_name = "SCOPE", value_parser = parser::<OverrideScope>(), ignore_case = true)]
    scope: OverrideScope,
    /// Officer who decides
    #[arg(long, value_name = "OFFICER")]
    officer: String,
    /// Why, 10 to 2,000 characters
    #[arg(long, value_name = "TEXT")]
    rationale: String,
    /// Last day on which it stands
    #[arg(long, value_name = "DATE")]
    expires_on: Date,
    /// Officer of inspector rank who agrees, needed below a floor
    #[arg(long, value_name = "OFFICER", default_value_t, hide_default_value = true)]
    second_officer: String,
    /// Etag of the override that it changes
    #[arg(long, value_name = "ETAG", default_value_t, hide_default_value = true)]
    etag: String,
    #[command(flatten)]
    record: RecordArgs,
    #[command(flatten)]
    write: WriteArgs,
}

impl OverrideArgs {
    pub(super) fn request(&self, request_id: &str) -> pb::OverrideBandRequest {
        pb::OverrideBandRequest {
            request_id: request_id.to_owned(),
            subject_ref: self.subject.clone(),
            override_id: self.record.id.clone(),
            source_system: self.record.source.clone(),
            r#override: Some(pb::BandOverride {
                band: self.band.number(),
                scope: self.scope.number(),
                rationale: self.rationale.clone(),
                officer: self.officer.clone(),
                expires_on: self.expires_on.to_string(),
                second_officer: self.second_officer.clone(),
            }),
            etag: self.etag.clone(),
        }
    }
}

/// Sets an override.
pub async fn set(args: &OverrideArgs) -> anyhow::Result<ExitCode> {
    let id = args.write.request_id();
    let mut client = client::cohort(args.write.connect().await?);
    let answer = settled(client.override_band(args.request(&id)).await, &id)?;
    let receipt = Receipt {
        done: format!("Override {} until {} written", answer.override_id, args.expires_on.spelt()),
        id: answer.override_id.clone(),
        revision: answer.revision,
        etag: answer.etag.clone(),
        remarks: Vec::new(),
    };
    args.write.tell(&receipt, &answer)
}

/// Arguments of `cohort withdraw-override`.
#[derive(Debug, clap::Args)]
pub struct WithdrawArgs {
    /// The person's reference
    #[arg(value_name = "SUBJECT_REF")]
    subject: String,
    /// Id of the override
    #[arg(long, value_name = "ID")]
    id: String,
    /// Why, 10 to 500 characters without personal data
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// Etag of the override [default: whatever version is in force]
    #[arg(long, value_name = "ETAG", default_value_t, hide_default_value = true)]
    etag: String,
    #[command(flatten)]
    write: WriteArgs,
}

impl WithdrawArgs {
    pub(super) fn request(&self, request_id: &str) -> pb::WithdrawOverrideRequest {
        pb::WithdrawOverrideRequest {
            request_id: request_id.to_owned(),
            subject_ref: self.subject.clone(),
            override_id: self.id.clone(),
            reason: self.reason.clone(),
            etag: self.etag.clone(),
        }
    }
}

/// Ends an override.
pub async fn withdraw(args: &WithdrawArgs) -> anyhow::Result<ExitCode> {
    let id = args.write.request_id();
    let mut client = client::cohort(args.write.connect().await?);
    let answer = settled(client.withdraw_override(args.request(&id)).await, &id)?;
    let receipt = Receipt {
        done: format!("Override {} withdrawn", args.id),
        id: args.id.clone(),
        revision: answer.revision,
        ..Receipt::default()
    };
    args.write.tell(&receipt, &answer)
}
