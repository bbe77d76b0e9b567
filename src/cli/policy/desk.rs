//! `policy draft`, `approve` and `activate`: by named officers, two at least. Nobody is
//! weighed anew by any of them.

use std::path::PathBuf;
use std::process::ExitCode;

use super::{read, show};
use crate::cli::client;
use crate::cli::write::{Receipt, WriteArgs, settled};
use crate::pb;

/// Arguments of `policy draft`.
#[derive(Clone, Debug, clap::Args)]
pub struct DraftArgs {
    /// The policy file
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Officer who drafts
    #[arg(long, value_name = "OFFICER")]
    officer: String,
    /// Why the numbers should change, 10 to 2,000 characters
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// Version that it is made from [default: the one in force]
    #[arg(long, value_name = "VERSION", default_value_t, hide_default_value = true)]
    base: String,
    #[command(flatten)]
    write: WriteArgs,
}

/// Keeps a draft.
pub async fn draft(args: &DraftArgs) -> anyhow::Result<ExitCode> {
    let id = args.write.request_id();
    let request = pb::CreatePolicyDraftRequest {
        request_id: id.clone(),
        text: read(&args.file)?,
        officer: args.officer.clone(),
        reason: args.reason.clone(),
        base_version: args.base.clone(),
    };
    let mut client = client::policies(args.write.connect().await?);
    let answer = settled(client.create_policy_draft(request).await, &id)?;
    let against = if answer.base_version.is_empty() { String::new() } else { format!(" from {}", answer.base_version) };
    let receipt = Receipt {
        done: format!("Draft {} kept ({}{against})", answer.version, show::values(answer.changes.len())),
        id: answer.version.clone(),
        revision: answer.revision,
        remarks: answer.remarks.clone(),
        ..Receipt::default()
    };
    args.write.tell(&receipt, &answer)
}

/// Arguments of `policy approve`.
#[derive(Clone, Debug, clap::Args)]
pub struct ApproveArgs {
    /// The policy
    #[arg(value_name = "VERSION")]
    version: String,
    /// Officer who approves: another than drafted it
    #[arg(long, value_name = "OFFICER")]
    officer: String,
    /// What the officer says of it
    #[arg(long, value_name = "TEXT", default_value_t, hide_default_value = true)]
    note: String,
    #[command(flatten)]
    write: WriteArgs,
}

/// Approves a policy.
pub async fn approve(args: &ApproveArgs) -> anyhow::Result<ExitCode> {
    let id = args.write.request_id();
    let request = pb::ApprovePolicyRequest {
        request_id: id.clone(),
        version: args.version.clone(),
        officer: args.officer.clone(),
        note: args.note.clone(),
    };
    let mut client = client::policies(args.write.connect().await?);
    let answer = settled(client.approve_policy(request).await, &id)?;
    args.write.tell(&receipt("approved", &args.version, answer.revision, &[]), &answer)
}

/// Arguments of `policy activate`.
#[derive(Clone, Debug, clap::Args)]
pub struct ActivateArgs {
    /// The policy; the one in force calls off another that waits for a run
    #[arg(value_name = "VERSION")]
    version: String,
    /// Officer who wants it in force
    #[arg(long, value_name = "OFFICER")]
    officer: String,
    /// Why now, 10 to 2,000 characters
    #[arg(long, value_name = "TEXT")]
    reason: String,
    #[command(flatten)]
    write: WriteArgs,
}

/// Has a policy come into force.
pub async fn activate(args: &ActivateArgs) -> anyhow::Result<ExitCode> {
    let id = args.write.request_id();
    let request = pb::ActivatePolicyRequest {
        request_id: id.clone(),
        version: args.version.clone(),
        officer: args.officer.clone(),
        reason: args.reason.clone(),
    };
    let mut client = client::policies(args.write.connect().await?);
    let answer = settled(client.activate_policy(request).await, &id)?;
    args.write.tell(&receipt("activated", &args.version, answer.revision, &answer.remarks), &answer)
}

fn receipt(done: &str, version: &str, revision: u64, remarks: &[String]) -> Receipt {
    Receipt {
        done: format!("Policy {version} {done}"),
        id: version.to_owned(),
        revision,
        remarks: remarks.to_vec(),
        ..Receipt::default()
    }
}
