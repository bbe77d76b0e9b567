//! `subject merge` and `subject unmerge`: two references that are one person, and
//! two that are not, after all. Neither loses a record.

use std::process::ExitCode;

use super::Accounted;
use crate::cli::client;
use crate::cli::write::{Receipt, WriteArgs, settled};
use crate::pb;

/// Arguments of `subject merge`.
#[derive(Debug, clap::Args)]
pub struct MergeArgs {
    /// Reference that no longer stands by itself
    #[arg(value_name = "MERGED_REF")]
    merged: String,
    /// Reference that the person stands by
    #[arg(long, value_name = "SUBJECT_REF")]
    into: String,
    #[command(flatten)]
    accounted: Accounted,
    /// Etag of the person merged [default: whatever is held]
    #[arg(long, value_name = "ETAG", default_value_t, hide_default_value = true)]
    etag: String,
    /// Etag of the person merged into [default: whatever is held]
    #[arg(long, value_name = "ETAG", default_value_t, hide_default_value = true)]
    into_etag: String,
    #[command(flatten)]
    write: WriteArgs,
}

impl MergeArgs {
    pub(super) fn request(&self, request_id: &str) -> pb::MergeSubjectsRequest {
        pb::MergeSubjectsRequest {
            request_id: request_id.to_owned(),
            survivor_ref: self.into.clone(),
            merged_ref: self.merged.clone(),
            officer: self.accounted.officer.clone(),
            reason: self.accounted.reason.clone(),
            survivor_etag: self.into_etag.clone(),
            merged_etag: self.etag.clone(),
        }
    }
}

/// Merges.
pub async fn merge(args: &MergeArgs) -> anyhow::Result<ExitCode> {
    let id = args.write.request_id();
    let mut client = client::evidence(args.write.connect().await?);
    let answer = settled(client.merge_subjects(args.request(&id)).await, &id)?;
    let receipt = Receipt {
        done: format!("{} and {} are one person, who stands by {}, written", args.merged, args.into, args.into),
        id: args.into.clone(),
        revision: answer.revision,
        etag: String::new(),
        remarks: answer.remarks.clone(),
    };
    args.write.tell(&receipt, &answer)
}

/// Arguments of `subject unmerge`.
#[derive(Debug, clap::Args)]
pub struct UnmergeArgs {
    /// Reference that stands by itself again
    #[arg(value_name = "MERGED_REF")]
    merged: String,
    #[command(flatten)]
    accounted: Accounted,
    /// Etag of the person [default: whatever is held]
    #[arg(long, value_name = "ETAG", default_value_t, hide_default_value = true)]
    etag: String,
    #[command(flatten)]
    write: WriteArgs,
}

impl UnmergeArgs {
    pub(super) fn request(&self, request_id: &str) -> pb::UnmergeSubjectsRequest {
        pb::UnmergeSubjectsRequest {
            request_id: request_id.to_owned(),
            merged_ref: self.merged.clone(),
            officer: self.accounted.officer.clone(),
            reason: self.accounted.reason.clone(),
            etag: self.etag.clone(),
        }
    }
}

/// Takes a merge back.
pub async fn unmerge(args: &UnmergeArgs) -> anyhow::Result<ExitCode> {
    let id = args.write.request_id();
    let mut client = client::evidence(args.write.connect().await?);
    let answer = settled(client.unmerge_subjects(args.request(&id)).await, &id)?;
    let receipt = Receipt {
        done: format!("{} stands by itself again, written", args.merged),
        id: args.merged.clone(),
        revision: answer.revision,
        ..Receipt::default()
    };
    args.write.tell(&receipt, &answer)
}
