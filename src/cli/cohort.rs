//! Decisions about the managed cohort from the command line. A score ranks; who is taken
//! in, kept or let go a named officer decides here, with a rationale, and the server
//! freezes beside it what they had before them.

mod decide;
mod decisions;
mod overrides;
mod reviews;
#[cfg(test)]
mod tests;

use std::process::ExitCode;

/// Arguments of `cohort`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Record a decision about a person and carry it out
    Decide(decide::DecideArgs),
    /// Show another band than the computed one, until it expires
    Override(overrides::OverrideArgs),
    /// End an override before it expires
    WithdrawOverride(overrides::WithdrawArgs),
    /// Show decisions, newest first, with what their makers had before them
    Decisions(decisions::DecisionsArgs),
    /// Show whose review is due, the most overdue first
    Reviews(reviews::ReviewsArgs),
}

/// Runs the command.
///
/// # Errors
/// The server does not answer or refuses.
pub async fn run(args: &Args) -> anyhow::Result<ExitCode> {
    match &args.command {
        Command::Decide(args) => decide::run(args).await,
        Command::Override(args) => overrides::set(args).await,
        Command::WithdrawOverride(args) => overrides::withdraw(args).await,
        Command::Decisions(args) => decisions::run(args).await,
        Command::Reviews(args) => reviews::run(args).await,
    }
}
