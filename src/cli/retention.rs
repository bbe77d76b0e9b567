//! Review of retention from the command line: whose records are due for review,
//! and what an officer decided of somebody's. Nothing is disposed of here.

mod due;
mod review;
#[cfg(test)]
mod tests;

use std::process::ExitCode;

/// Arguments of `retention`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Show whose records are due for review, the longest due first
    Due(due::DueArgs),
    /// Record that an officer reviewed whether to go on keeping a person's records
    Review(review::ReviewArgs),
}

/// Runs the command.
///
/// # Errors
/// The server does not answer or refuses.
pub async fn run(args: &Args) -> anyhow::Result<ExitCode> {
    match &args.command {
        Command::Due(args) => due::run(args).await,
        Command::Review(args) => review::run(args).await,
    }
}
