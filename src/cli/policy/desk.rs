//! `policy draft`, `approve` and `activate`: by named officers, two at least. Nobody is
//! weighed anew by any of them. Whoever approves states which evaluation and which
//! simulation they have seen; where they do not, both are shown and they are asked.

use std::io::{self, IsTerminal as _, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use super::named::ask;
use super::seen::{self, Seen};
use super::{read, show};
use crate::cli::client::{self, Channel};
use crate::cli::exit::{Exit, Failure};
use crate::cli::output::{Page, plain};
use crate::cli::write::{Receipt, WriteArgs, settled};
use crate::pb;
use crate::pb::policy_service_client::PolicyServiceClient;

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
    /// Id of the evaluation that the officer has seen [default: shown, and asked]
    #[arg(long, value_name = "ID", requires = "simulation")]
    evaluation: Option<String>,
    /// Id of the simulation that the officer has seen [default: shown, and asked]
    #[arg(long, value_name = "ID", requires = "evaluation")]
    simulation: Option<String>,
    #[command(flatten)]
    write: WriteArgs,
}

/// Approves a policy.
pub async fn approve(args: &ApproveArgs) -> anyhow::Result<ExitCode> {
    let mut client = client::policies(args.write.connect().await?);
    let seen = match (&args.evaluation, &args.simulation) {
        (Some(evaluation), Some(simulation)) => Seen { evaluation: evaluation.clone(), simulation: simulation.clone() },
        (Some(_) | None, _) => asked(&args.version, &mut client).await?,
    };
    let id = args.write.request_id();
    let request = pb::ApprovePolicyRequest {
        request_id: id.clone(),
        version: args.version.clone(),
        officer: args.officer.clone(),
        note: args.note.clone(),
        evaluation_id: seen.evaluation,
        simulation_id: seen.simulation,
        bounds: Vec::new(),
    };
    let answer = settled(client.approve_policy(request).await, &id)?;
    args.write.tell(&receipt("approved", &args.version, answer.revision, &[]), &answer)
}

/// Shows what there is to be seen of a policy, and asks whether it was read. On standard error: what is printed on
/// standard output is the answer to the approval.
async fn asked(version: &str, client: &mut PolicyServiceClient<Channel>) -> anyhow::Result<Seen> {
    let answer = ask(client, version).await?;
    let seen = Seen::of(&answer);
    io::stderr().write_all(seen::shown(&answer, Page::of_stdout()).as_bytes())?;
    let seen = seen?;
    let version = plain(version);
    if !(io::stdin().is_terminal() && io::stderr().is_terminal()) {
        let told = format!(
            "say that you have read both:\n  steelyard policy approve {version} --officer OFFICER --evaluation {} \
             --simulation {}",
            plain(&seen.evaluation),
            plain(&seen.simulation)
        );
        return Err(Failure::new(Exit::Usage, told).into());
    }
    if seen::confirmed(&version, &mut io::stdin().lock(), &mut io::stderr())? {
        return Ok(seen);
    }
    Err(Failure::new(Exit::Usage, format!("{version} was not typed, and is not approved")).into())
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
