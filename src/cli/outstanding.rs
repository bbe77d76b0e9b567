//! Outstanding files from the command line: opens, amends, circulates, closes them,
//! records what was done and who looked, and shows a person's files with their clocks.
//! What counts and what is overdue the server says; nothing is computed here.

mod act;
mod amend;
mod open;
mod screen;
mod show;
mod terms;
#[cfg(test)]
mod tests;
mod timeline;

use std::process::ExitCode;

pub use screen::screen;
pub(super) use screen::{clock_word, last_told, victim_ref, victim_standing, victim_word};

/// Arguments of `outstanding`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Open a file: why a person is outstanding, and on what terms
    Open(open::OpenArgs),
    /// Open a closed file again: its days stay on the clock
    Reopen(open::ReopenArgs),
    /// Put other terms into an open file
    Amend(amend::AmendArgs),
    /// Say where a file is circulated from now on
    Circulate(act::CirculateArgs),
    /// Record something done to find a person, or with a managed nominal
    Activity(act::ActivityArgs),
    /// Record a supervisor's review
    Review(act::ReviewArgs),
    /// Close a file with its outcome
    Close(act::CloseArgs),
    /// Show a person's files: what is due, whom to tell, and everything that happened
    Show(show::ShowArgs),
}

/// Runs the command.
///
/// # Errors
/// The server does not answer or refuses.
pub async fn run(args: &Args) -> anyhow::Result<ExitCode> {
    match &args.command {
        Command::Open(args) => open::open(args).await,
        Command::Reopen(args) => open::reopen(args).await,
        Command::Amend(args) => amend::run(args).await,
        Command::Circulate(args) => act::circulate(args).await,
        Command::Activity(args) => act::activity(args).await,
        Command::Review(args) => act::review(args).await,
        Command::Close(args) => act::close(args).await,
        Command::Show(args) => show::run(args).await,
    }
}
