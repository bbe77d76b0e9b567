//! Looks at everything that a server on this machine is given, by the settings that it
//! would run by: those settings, certificates and keys, the clock, the disk, the store
//! and the schedule. Says of each what it sees and, where something is amiss, what to
//! do. It may run beside the server and without one; it asks the server nothing that
//! needs a token, repairs nothing, writes nothing, and prints nothing about a person.

mod certificates;
mod clock;
mod disk;
mod finding;
mod schedule;
mod server;
mod settings;
mod store;
#[cfg(test)]
mod tests;

use std::process::ExitCode;

use clap::ValueEnum;
use jiff::Timestamp;

use super::exit::Exit;
use super::output::{self, Page};
use crate::config::{self, Flags, Settings};
use finding::{Area, Finding, Verdict};
use server::Server;

/// Arguments of `doctor`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// How to print
    #[arg(short, long, value_enum, value_name = "FORMAT", default_value_t)]
    output: Output,
    #[command(flatten)]
    settings: Flags,
}

/// How to print.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Output {
    /// For people
    #[default]
    Table,
    /// One object: every finding with its area, verdict, what is seen and what to do
    Json,
}

/// Looks, and prints what it finds. Ends with 0 where nothing is wrong, with 64 where the settings or what they name
/// are, and with 65 where something else is.
///
/// # Errors
/// Standard output cannot be written.
pub async fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let findings = match config::load(&args.settings) {
        Ok(settings) => examine(&settings).await,
        Err(invalid) => invalid.violations.iter().map(settings::violation).collect(),
    };
    output::print(&match args.output {
        Output::Table => finding::screen(&findings, Page::of_stdout()),
        Output::Json => output::json(&finding::Report::of(&findings))?,
    })?;
    Ok(exit(&findings).into())
}

async fn examine(settings: &Settings) -> Vec<Finding> {
    let now = Timestamp::now();
    let looked = store::look(settings);
    let server = Server::ask(settings, looked.in_use()).await;
    let mut findings = settings::examine(settings);
    findings.extend(certificates::examine(settings, now).await);
    findings.extend(clock::examine(settings, now).await);
    findings.extend(disk::examine(settings, &looked, now));
    findings.extend(store::examine(&looked, &server));
    findings.extend(server.findings(settings));
    findings.extend(schedule::examine(settings, &server, now));
    findings
}

fn exit(findings: &[Finding]) -> Exit {
    let wrong = |area: Area| findings.iter().any(|it| it.verdict == Verdict::Wrong && it.area == area);
    if wrong(Area::Settings) || wrong(Area::Certificates) {
        Exit::Usage
    } else if findings.iter().any(|it| it.verdict == Verdict::Wrong) {
        Exit::DataRefused
    } else {
        Exit::Done
    }
}
