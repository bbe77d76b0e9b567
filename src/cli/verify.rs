//! Shows that a store is what its ledger says: of a running server by asking it, of
//! a stopped one by reading its directory. It changes nothing and prints no stored
//! value. Both ways speak in the messages of the contract, so that they print alike.

mod directory;
mod screen;
#[cfg(test)]
mod tests;

use std::io::IsTerminal as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::ValueEnum;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::client::{self, ServerArgs};
use super::exit::{Exit, Failure};
use super::keys;
use super::output::{self, Page};
use super::stated::StatedArgs;
use crate::pb;
use crate::pb::verify_store_response::Told;
use directory::Trial;
use screen::Verified;

/// How long the engine's files may take to open in a process of their own.
const OPEN_WITHIN: Duration = Duration::from_mins(10);

/// Arguments of `verify`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Read the data directory of a stopped server, instead of asking a running one. Nothing stored is changed, but
    /// the engine tidies its files when they are opened: of evidence, verify a copy
    #[arg(long, value_name = "DIR", conflicts_with_all = ["full_speed", "server"])]
    data_dir: Option<PathBuf>,
    /// Where its backups are, if not in `backups` inside it
    #[arg(long, value_name = "DIR", requires = "data_dir")]
    backups: Option<PathBuf>,
    /// Where its key ring is, if it is sealed
    #[arg(long, value_name = "DIR", requires = "data_dir")]
    keys: Option<PathBuf>,
    /// The key that the ring is wrapped under, if not in `kek` beside it
    #[arg(long, value_name = "FILE", requires = "keys")]
    kek_file: Option<PathBuf>,
    // Not as with other commands: given as a flag it contradicts `--data-dir`, and from the environment it does not.
    /// Server to ask [env: STEELYARD_SERVER=] [default: http://127.0.0.1:50051]
    #[arg(long, value_name = "URL")]
    server: Option<String>,
    #[command(flatten)]
    stated: StatedArgs,
    /// Do not hold the server back: faster, and reads and writes feel it
    #[arg(long)]
    full_speed: bool,
    /// Fold the ledger into standings too, compare them, and print their digest. Takes the memory of a server
    #[arg(long)]
    standings: bool,
    /// How to print
    #[arg(short, long, value_enum, value_name = "FORMAT", default_value_t)]
    output: Output,
    /// Show no progress
    #[arg(short, long)]
    quiet: bool,
}

/// How to print.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Output {
    /// For people
    #[default]
    Table,
    /// One object: the contract's findings, steps and outcome in canonical proto JSON
    Json,
}

/// Verifies, and prints what was found.
///
/// # Errors
/// The server does not answer, or the directory cannot be read or is in use.
pub async fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let mut told = Telling::new(args);
    if let Some(data) = args.data_dir.clone() {
        let backups = args.backups.clone().unwrap_or_else(|| data.join("backups"));
        let standings = args.standings;
        let keys = args.keys.as_deref().map(|keys| keys::open(keys, args.kek_file.as_deref())).transpose()?;
        let (send, mut receive) = tokio::sync::mpsc::channel(64);
        let reading = tokio::task::spawn_blocking(move || {
            // A listener that went away has ended the process.
            let trial = Trial::in_child(OPEN_WITHIN);
            directory::verify((&data, &backups), keys, standings, trial.as_ref(), &mut |message| {
                drop(send.blocking_send(message));
            })
        });
        while let Some(message) = receive.recv().await {
            told.take(message)?;
        }
        reading.await??;
    } else {
        let mut client =
            client::maintenance(ServerArgs::or_environment(args.server.clone(), args.stated.clone()).connect().await?);
        let request = pb::VerifyStoreRequest { standings: args.standings, full_speed: args.full_speed };
        let mut answers = client.verify_store(request).await?.into_inner();
        while let Some(message) = answers.message().await? {
            told.take(message)?;
        }
    }
    told.end()
}

/// Prints as it is told.
struct Telling {
    verified: Verified,
    output: Output,
    page: Page,
    bar: ProgressBar,
}

impl Telling {
    fn new(args: &Args) -> Self {
        let bar = if args.quiet || !std::io::stderr().is_terminal() {
            ProgressBar::hidden()
        } else {
            ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::stderr())
        };
        Self { verified: Verified::default(), output: args.output, page: Page::of_stdout(), bar }
    }

    fn take(&mut self, message: pb::VerifyStoreResponse) -> anyhow::Result<()> {
        let Some(message) = message.told else { return Ok(()) };
        if let Told::Progress(progress) = &message {
            self.show(progress);
        }
        if self.output == Output::Table
            && let Some(text) = screen::told(&message, self.page)
        {
            self.bar.suspend(|| output::print(&text))?;
        }
        self.verified.take(message);
        Ok(())
    }

    fn show(&self, progress: &pb::VerificationProgress) {
        let known = "{msg} [{bar:30}] {percent}%, {human_pos} of {human_len}";
        let template = if progress.of > 0 { known } else { "{msg} {spinner} {human_pos}" };
        let style = ProgressStyle::with_template(template).expect("the template must be right");
        self.bar.set_style(style.progress_chars("=> "));
        self.bar.set_message(screen::step_name(progress.step()));
        self.bar.set_length(progress.of.max(progress.done));
        self.bar.set_position(progress.done);
    }

    fn end(self) -> anyhow::Result<ExitCode> {
        self.bar.finish_and_clear();
        let Some(outcome) = &self.verified.outcome else {
            return Err(Failure::new(Exit::Unavailable, "the server stopped before the store was verified").into());
        };
        if self.output == Output::Json {
            output::print(&output::json(&self.verified)?)?;
        }
        Ok(if outcome.sound { Exit::Done } else { Exit::DataRefused }.into())
    }
}
