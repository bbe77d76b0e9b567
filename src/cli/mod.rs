//! The command line: one file a subcommand, or one folder. `serve` and `demo` run a server;
//! `generate`, `offence`, `predict`, `policy check`, `token`, `config` and `completions` need none;
//! `restore` makes a data directory that no server has open; `verify` asks a server
//! or reads the directory of a stopped one; `doctor` looks at what a server is given,
//! whether it runs or not; every other is a gRPC client and never touches the store.

pub mod alignment;
pub mod audit;
pub mod backup;
pub mod briefing;
pub mod client;
pub mod cohort;
pub mod compare;
pub mod completions;
pub mod config;
pub mod demand;
pub mod demo;
pub mod doctor;
pub mod evaluate;
pub mod exit;
pub mod explain;
pub mod gaps;
pub mod generate;
pub mod health;
pub mod history;
pub mod import;
pub mod issuer;
pub mod keys;
pub mod list;
pub mod movements;
pub mod offence;
pub mod output;
pub mod outstanding;
mod paging;
pub mod policy;
pub mod predict;
pub mod probe_store;
pub mod replay;
pub mod rescore;
pub mod restore;
pub mod retention;
pub mod returns;
pub mod serve;
mod sheet;
mod signer;
pub mod stated;
pub mod subject;
#[cfg(test)]
mod test_policies;
#[cfg(test)]
mod test_screens;
#[cfg(test)]
mod test_server;
#[cfg(test)]
mod test_services;
pub mod token;
pub mod verify;
pub mod victims;
pub mod watch;
mod when;
pub mod word;
mod write;

use std::future::Future;
use std::process::ExitCode;

use anyhow::Context;
use clap::{Parser, Subcommand};
use rustix::process::{Resource, Rlimit, setrlimit};

use exit::Exit;

/// Weighs the managed cohort and the outstanding suspects of a police force by threat, risk and harm, and says why.
///
/// A score ranks. It decides nothing: only a named officer with a rationale selects, deselects, overrides or closes.
#[derive(Debug, Parser)]
#[command(name = "steelyard", version, after_help = exit::HELP, max_term_width = 110)]
pub struct Root {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the server
    Serve(serve::Args),
    /// Invent a force, serve it, and show who comes first and why
    Demo(demo::Args),
    /// Write the records of an invented force
    Generate(generate::Args),
    /// Send records to the server
    Import(import::Args),
    /// Show a ranked list
    List(list::Args),
    /// Show what changes on a list, as it happens
    Watch(watch::Args),
    /// Show why a person stands where they stand
    Explain(explain::Args),
    /// Show why one person stands above another
    Compare(compare::Args),
    /// Show who moved on a list since a published generation, and why
    Movements(movements::Args),
    /// Show how a person stood from generation to generation
    History(history::Args),
    /// Open, work on, review and close outstanding files, and show those of a person
    Outstanding(Box<outstanding::Args>),
    /// Show what is overdue on outstanding files, worst first
    Gaps(gaps::Args),
    /// Show which victims of outstanding suspects are to be told, the most overdue first
    Victims(victims::Args),
    /// Make the return on outstanding suspects as at the end of a day
    Return(returns::Args),
    /// Show where staff time went and who carries how much
    Demand(demand::Args),
    /// Decide about the managed cohort, override bands, and show what was decided and is due
    Cohort(cohort::Args),
    /// Show whether selection follows threat, risk and harm
    Alignment(alignment::Args),
    /// Show one screen for a morning meeting
    Briefing(briefing::Args),
    /// Merge references of one person, restrict processing, record disclosures, and erase
    Subject(subject::Args),
    /// Show whose records are due for review, and record what was decided
    Retention(retention::Args),
    /// Show how the key ring of a store stands, or wrap it under a new key
    Keys(keys::Args),
    /// Look up an offence: title, category, harm days
    Offence(offence::Args),
    /// Compute the published predictors for cases given as JSON lines
    Predict(predict::Args),
    /// Check a policy file; draft, try, approve, activate and show policies
    Policy(policy::Args),
    /// Hold the order of a policy against what people went on to do, and say whether it was fair
    Evaluate(Box<evaluate::Args>),
    /// Weigh everybody anew on another day, and show runs and what they published
    Rescore(rescore::Args),
    /// Weigh a published generation again from the ledger, and compare
    Replay(replay::Args),
    /// Show who looked at whom, and that the audit is what was written
    Audit(audit::Args),
    /// Make a backup, or show which there are
    Backup(backup::Args),
    /// Make a data directory from backups
    Restore(restore::Args),
    /// Show that the store is what its ledger says
    Verify(verify::Args),
    /// Ask whether the server is ready
    Health(health::Args),
    /// Check settings, certificates, clock, disk, store and schedule of the server on this machine, and say what to do
    Doctor(doctor::Args),
    /// Make a token for development
    Token(token::Args),
    /// Show the settings
    Config(config::Args),
    /// Print shell completions
    Completions(completions::Args),
    /// Try the files of a store in a process of its own
    #[command(hide = true)]
    ProbeStore(probe_store::Args),
}

/// Runs the command that the process was started with.
pub fn main() -> ExitCode {
    write_no_core_file();
    let root = match Root::try_parse() {
        Ok(root) => root,
        Err(refused) => {
            // Help and version arrive here too, as "errors" that go to standard output and succeed.
            let code = if refused.use_stderr() { Exit::Usage } else { Exit::Done };
            let _ = refused.print();
            return code.into();
        }
    };
    run(&root.command).unwrap_or_else(|error| exit::report(&error))
}

/// A core file would hold what the ledger holds, where nobody guards it.
fn write_no_core_file() {
    let none = Rlimit { current: Some(0), maximum: Some(0) };
    // Whoever started the process may have forbidden it to change limits: then theirs hold.
    let _ = setrlimit(Resource::Core, none);
}

fn run(command: &Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Serve(args) => wait(serve::run(args)),
        Command::Demo(args) => wait(demo::run(args)),
        Command::Generate(args) => generate::run(args),
        Command::Import(args) => wait(import::run(args)),
        Command::List(args) => wait(list::run(args)),
        Command::Watch(args) => wait(watch::run(args)),
        Command::Explain(args) => wait(explain::run(args)),
        Command::Compare(args) => wait(compare::run(args)),
        Command::Movements(args) => wait(movements::run(args)),
        Command::History(args) => wait(history::run(args)),
        Command::Outstanding(args) => wait(outstanding::run(args)),
        Command::Gaps(args) => wait(gaps::run(args)),
        Command::Victims(args) => wait(victims::run(args)),
        Command::Return(args) => wait(returns::run(args)),
        Command::Demand(args) => wait(demand::run(args)),
        Command::Cohort(args) => wait(cohort::run(args)),
        Command::Alignment(args) => wait(alignment::run(args)),
        Command::Briefing(args) => wait(briefing::run(args)),
        Command::Subject(args) => wait(subject::run(args)),
        Command::Retention(args) => wait(retention::run(args)),
        Command::Keys(args) => keys::run(args),
        Command::Offence(args) => offence::run(args),
        Command::Predict(args) => predict::run(args),
        Command::Policy(args) => policy::run(args),
        Command::Evaluate(args) => wait(evaluate::run(args)),
        Command::Rescore(args) => wait(rescore::run(args)),
        Command::Replay(args) => wait(replay::run(args)),
        Command::Audit(args) => wait(audit::run(args)),
        Command::Backup(args) => wait(backup::run(args)),
        Command::Restore(args) => restore::run(args),
        Command::Verify(args) => wait(verify::run(args)),
        Command::Health(args) => wait(health::run(args)),
        Command::Doctor(args) => wait(doctor::run(args)),
        Command::Token(args) => token::run(args),
        Command::Config(args) => config::run(args),
        Command::Completions(args) => completions::run(args),
        Command::ProbeStore(args) => Ok(probe_store::run(args)),
    }
}

fn wait(command: impl Future<Output = anyhow::Result<ExitCode>>) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .thread_name("steelyard-io")
        .build()
        .context("cannot start the threads that do input and output")?;
    let outcome = runtime.block_on(command);
    // A blocking call that outlived the grace of a shutdown must not hold up the exit.
    runtime.shutdown_background();
    outcome
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Root::command().debug_assert();
    }

    #[test]
    fn every_command_says_what_it_is_for() {
        for command in Root::command().get_subcommands() {
            assert!(command.get_about().is_some(), "{} has no help", command.get_name());
        }
    }
}
