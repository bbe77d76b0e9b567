//! A person's records as a whole from the command line: references that are one
//! person, restrictions of processing, disclosures, erasure. Every change names an officer and a
//! reason; what follows from it the server says.

mod disclose;
mod erase;
mod export;
mod merge;
mod restrict;
#[cfg(test)]
mod tests;

use std::process::ExitCode;

/// Arguments of `subject`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Say that two references are one person
    Merge(merge::MergeArgs),
    /// Say that a reference is not the person it was merged into
    Unmerge(merge::UnmergeArgs),
    /// Take a person off every list, and what is held out of sight of all but a few
    Restrict(restrict::RestrictArgs),
    /// End a restriction
    Lift(restrict::LiftArgs),
    /// Record that something held of a person was disclosed outside the force
    Disclose(disclose::DiscloseArgs),
    /// Write out everything held of a person, for that person
    Export(export::ExportArgs),
    /// Show what was disclosed to whom
    Disclosures(disclose::DisclosuresArgs),
    /// Erase a person for good: takes two people
    Erase(erase::Args),
}

/// Who answers for a change, and why it is made.
#[derive(Clone, Debug, clap::Args)]
struct Accounted {
    /// Officer who answers for it
    #[arg(long, value_name = "OFFICER")]
    officer: String,
    /// Why, 10 to 500 characters
    #[arg(long, value_name = "TEXT")]
    reason: String,
}

/// Runs the command.
///
/// # Errors
/// The server does not answer or refuses.
pub async fn run(args: &Args) -> anyhow::Result<ExitCode> {
    match &args.command {
        Command::Merge(args) => merge::merge(args).await,
        Command::Unmerge(args) => merge::unmerge(args).await,
        Command::Restrict(args) => restrict::restrict(args).await,
        Command::Lift(args) => restrict::lift(args).await,
        Command::Disclose(args) => disclose::disclose(args).await,
        Command::Export(args) => export::run(args).await,
        Command::Disclosures(args) => disclose::disclosures(args).await,
        Command::Erase(args) => erase::run(args).await,
    }
}
