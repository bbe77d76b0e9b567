//! The audit from the command line: what was looked at, who looked at one person, and
//! whether the log is what was written. It changes nothing.

mod access;
mod list;
#[cfg(test)]
mod tests;
mod verify;

use std::process::ExitCode;

use clap::ValueEnum;

use super::word::list_name;
use crate::pb;

/// Arguments of `audit`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Show entries, newest first
    List(list::ListArgs),
    /// Show who saw a person, or tried to, newest first
    Access(access::AccessArgs),
    /// Show that the audit is what was written, and that the ledger's head is in it
    Verify(verify::VerifyArgs),
    /// Show where the audit ends: what to write down outside
    Head(verify::HeadArgs),
}

/// Runs the command.
///
/// # Errors
/// The server does not answer or refuses.
pub async fn run(args: &Args) -> anyhow::Result<ExitCode> {
    match &args.command {
        Command::List(args) => list::run(args).await,
        Command::Access(args) => access::run(args).await,
        Command::Verify(args) => verify::run(args).await,
        Command::Head(args) => verify::head(args).await,
    }
}

/// How what an entry tells of ended, as it is typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Outcome {
    /// Answered
    Allowed,
    /// Turned away for want of identity, permission or scope
    Refused,
    /// Allowed, and not answered for another reason
    Failed,
}

impl Outcome {
    const fn proto(self) -> pb::AuditOutcome {
        match self {
            Self::Allowed => pb::AuditOutcome::Allowed,
            Self::Refused => pb::AuditOutcome::Refused,
            Self::Failed => pb::AuditOutcome::Failed,
        }
    }
}

const fn outcome(outcome: pb::AuditOutcome) -> &'static str {
    match outcome {
        pb::AuditOutcome::Unspecified => "",
        pb::AuditOutcome::Allowed => "allowed",
        pb::AuditOutcome::Refused => "REFUSED",
        pb::AuditOutcome::Failed => "failed",
    }
}

const fn kind(kind: pb::AuditKind) -> &'static str {
    match kind {
        pb::AuditKind::Unspecified => "",
        pb::AuditKind::Access => "access",
        pb::AuditKind::Write => "write",
        pb::AuditKind::Combination => "combination",
        pb::AuditKind::Lifecycle => "lifecycle",
    }
}

/// The method without the name of its package: `RankingService/ListStandings`.
fn method(rpc: &str) -> &str {
    rpc.strip_prefix("steelyard.v1.").unwrap_or(rpc)
}

/// Who acted, and on whose behalf: `ann for sgt-4`.
fn who(actor: &str, on_behalf_of: &str) -> String {
    if on_behalf_of.is_empty() { actor.to_owned() } else { format!("{actor} for {on_behalf_of}") }
}

fn list(list: i32) -> &'static str {
    if list == 0 { "" } else { list_name(list) }
}

/// What stands under a page: how many, and where the audit ends.
fn under(shown: usize, next_page_token: &str, head: Option<&pb::AuditHead>) -> String {
    let shown = super::output::count(u64::try_from(shown).expect("a length must fit in 64 bits"));
    let more = if next_page_token.is_empty() { "" } else { " More follow: --all shows them." };
    let entries = super::output::count(head.map_or(0, |head| head.entries));
    format!("{shown} shown, newest first, of an audit of {entries} entries.{more}")
}
