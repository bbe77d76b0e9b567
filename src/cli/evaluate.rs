//! `steelyard evaluate`: how well a policy's order agreed with what people went on to do,
//! and whether it was fair. Files are read and judged here, every wrong line at once,
//! before anything is sent; the server does the rest, and what comes back names nobody.

mod line;
mod people;
pub(super) mod screen;
mod sent;
mod sheet;
mod tables;
#[cfg(test)]
mod tests;
mod typed;

use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::builder::RangedU64ValueParser;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use pbjson_types::Timestamp;

use super::client::{self, ServerArgs};
use super::exit::{Exit, Failure};
use super::output::{self, Page, plain};
use super::policy::named::Named;
use super::when;
use super::word::{Typed as _, parser};
use crate::domain::Date;
use crate::domain::word::List;
use crate::evaluation::report;
use crate::pb;
use crate::pb::simulate_policy_request::Policy;

use sent::Sent;
use sheet::Faults;
use typed::{Form, Input, KnownBy, Outcome, Standard};

/// Most index dates of one evaluation.
const MOST_DATES: usize = 12;

/// Arguments of `evaluate`.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = HELP)]
pub struct Args {
    /// A version that the server knows, or a policy file [default: the policy in force]
    #[arg(long, value_name = "VERSION|FILE", default_value_t, hide_default_value = true)]
    policy: String,
    /// Version of another policy to compare with, on the same people
    #[arg(long, value_name = "VERSION", default_value_t, hide_default_value = true)]
    compare: String,
    /// Day on which everybody is scored (may be repeated, 12 at most) [default: the day of each row of --outcomes; else the latest day whose follow-up is over]
    #[arg(long, value_name = "DATE")]
    index_date: Vec<Date>,
    /// Days after the index date in which outcomes count, 28 to 3,650 [default: 730]
    #[arg(long, value_name = "DAYS", value_parser = range(28, 3_650))]
    follow_up: Option<u32>,
    /// By which clock a record counts as known
    #[arg(long, value_enum, value_name = "CLOCK", default_value = "source")]
    known_by: KnownBy,
    /// With one index date: count only what was known by this instant, as RFC 3339 [default: the end of that day]
    #[arg(long, value_name = "INSTANT", value_parser = when::typed)]
    known_at: Option<Timestamp>,
    /// The list whose order is evaluated
    #[arg(long, value_name = "LIST", value_parser = parser::<List>(), ignore_case = true, default_value = "all")]
    list: List,
    /// How many people can be managed, 1 to 1,000,000 [default: as many as were managed on the first index date]
    #[arg(long, value_name = "K", value_parser = range(1, 1_000_000))]
    capacity: Option<u32>,
    /// What counts as having happened
    #[arg(long, value_enum, value_name = "OUTCOME", default_value = "any")]
    outcome: Outcome,
    /// Least proof at which an offence counts, per cent: arrested 50, charged 80, convicted 100 [default: 80]
    #[arg(long, value_name = "PERCENT", value_parser = range(1, 100))]
    least_proof: Option<u32>,
    /// What people did, in place of what the ledger holds
    #[arg(long, value_name = "FILE.csv")]
    outcomes: Option<PathBuf>,
    /// Monitored characteristics of people; forgotten when the evaluation ends
    #[arg(long, value_name = "FILE.csv", requires = "declare")]
    groups: Option<PathBuf>,
    /// The idea of fairness that the force declares to matter
    #[arg(long, value_enum, value_name = "STANDARD", requires = "groups")]
    declare: Option<Standard>,
    /// The force's own list to compare with, best first
    #[arg(long, value_name = "FILE")]
    force_list: Option<PathBuf>,
    /// Another table of harm to weigh by, named by its file (may be repeated)
    #[arg(long, value_name = "FILE.csv")]
    harm_table: Vec<PathBuf>,
    /// What crimes cost, in place of the built-in table
    #[arg(long, value_name = "FILE.csv")]
    costs: Option<PathBuf>,
    /// An input to leave out, to show how ranks shift (may be repeated, or hold values separated by commas)
    #[arg(long, value_enum, value_name = "INPUT", value_delimiter = ',')]
    without: Vec<Input>,
    /// Compare offending before and after selection into the cohort with that of like candidates not selected
    #[arg(long)]
    before_and_after: bool,
    /// Days before and after selection, 90 to 1,825 [default: 365]
    #[arg(long, value_name = "DAYS", value_parser = range(90, 1_825), requires = "before_and_after")]
    window: Option<u32>,
    /// Samples of the bootstrap, 100 to 10,000 [default: 1,000]
    #[arg(long, value_name = "N", value_parser = range(100, 10_000))]
    samples: Option<u32>,
    /// Seed of every random draw: the same one gives the same evaluation
    #[arg(long, value_name = "N", default_value_t)]
    seed: u64,
    /// How to print
    #[arg(long, short, value_enum, value_name = "FORMAT", default_value_t)]
    output: Form,
    /// Write there instead of printing
    #[arg(long, value_name = "PATH")]
    file: Option<PathBuf>,
    /// Show no progress
    #[arg(short, long)]
    quiet: bool,
    #[command(flatten)]
    server: ServerArgs,
}

const HELP: &str = "\
Files, each with a header:
  --outcomes    subject_ref,index_date,any,violent,serious_violent,harm_days   (0, 1, true, false; index_date and the
                last three may be absent)
  --groups      subject_ref, and a column for each of at most 8 characteristics; an empty cell is not stated
  --force-list  one reference a line, best first; a header subject_ref may be absent; or subject_ref,score
  --harm-table  code,harm_days
  --costs       offence_kind,unit_cost_gbp,source,ho_classes   (classes separated by |)

Ends with 65 where the check for leakage did not hold, or a number left the bounds set at approval; what was found is
printed all the same.";

fn range(least: u64, most: u64) -> RangedU64ValueParser<u32> {
    RangedU64ValueParser::<u32>::new().range(least..=most)
}

/// Evaluates a policy.
///
/// # Errors
/// An argument or a file is wrong; the server does not answer or refuses; the report cannot be written.
pub async fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let (terms, sent) = prepared(args)?;
    let evaluation = evaluated(args, terms, sent).await?;
    let text = match args.output {
        Form::Table => screen::screen(&evaluation, if args.file.is_some() { Page::PLAIN } else { Page::of_stdout() }),
        Form::Html => report::html(&evaluation),
        Form::Json => output::json(&evaluation)?,
    };
    match &args.file {
        Some(path) => {
            std::fs::write(path, text).map_err(|error| {
                Failure::new(Exit::InputOutput, format!("cannot write {}: {error}", path.display()))
            })?;
            output::print(&format!("Evaluation {} written to {}\n", plain(&evaluation.id), path.display()))?;
        }
        None => output::print(&text)?,
    }
    Ok(ended(&evaluation).into())
}

/// Terms and files, all of them right.
fn prepared(args: &Args) -> anyhow::Result<(pb::EvaluationTerms, Sent)> {
    let terms = args.terms()?;
    if let Some(folder) = args.file.as_deref().and_then(Path::parent)
        && !folder.as_os_str().is_empty()
        && !folder.is_dir()
    {
        let told = format!("--file: there is no folder {}", folder.display());
        return Err(Failure::new(Exit::InputMissing, told).into());
    }
    let mut faults = Faults::default();
    let sent = args.read(&mut faults)?;
    faults.settled()?;
    args.dates_agree(&sent)?;
    Ok((terms, sent))
}

impl Args {
    fn terms(&self) -> anyhow::Result<pb::EvaluationTerms> {
        let wrong = |told: String| Err(Failure::new(Exit::Usage, told).into());
        let twice = self.index_date.iter().enumerate().find(|(at, date)| self.index_date[..*at].contains(date));
        if let Some((_, date)) = twice {
            return wrong(format!("--index-date {date} is given twice"));
        }
        if self.index_date.len() > MOST_DATES {
            return wrong(format!("{} index dates are given; at most {MOST_DATES} are taken", self.index_date.len()));
        }
        if self.known_at.is_some() && self.index_date.len() != 1 {
            return wrong("--known-at goes with one --index-date".to_owned());
        }
        let (version, text) = match Named::of(&self.policy).tried()? {
            Policy::Version(version) => (version, String::new()),
            Policy::Text(text) => (String::new(), text),
        };
        Ok(pb::EvaluationTerms {
            version,
            text,
            compared_version: self.compare.clone(),
            index_dates: self.index_date.iter().map(ToString::to_string).collect(),
            follow_up_days: self.follow_up.unwrap_or_default(),
            known_by: self.known_by.proto().into(),
            known_at: self.known_at,
            list: self.list.number(),
            capacity: self.capacity.unwrap_or_default(),
            outcome: self.outcome.proto().into(),
            least_proof: self.least_proof.unwrap_or_default(),
            samples: self.samples.unwrap_or_default(),
            seed: self.seed,
            without: self.without.iter().map(|input| input.proto().into()).collect(),
            declared_fairness: self.declare.map_or(0, |standard| standard.proto().into()),
            before_and_after: self.before_and_after,
            window_days: self.window.unwrap_or_default(),
        })
    }

    /// Reads every file, whatever is wrong with another.
    fn read(&self, faults: &mut Faults) -> Result<Sent, Failure> {
        Ok(Sent {
            outcomes: self
                .outcomes
                .as_ref()
                .map(|path| people::outcomes(path, faults))
                .transpose()?
                .unwrap_or_default(),
            groups: self.groups.as_ref().map(|path| people::groups(path, faults)).transpose()?.unwrap_or_default(),
            force_list: self
                .force_list
                .as_ref()
                .map(|path| people::force_list(path, faults))
                .transpose()?
                .unwrap_or_default(),
            harm_tables: self.harm_table.iter().map(|path| tables::harm(path, faults)).collect::<Result<_, _>>()?,
            costs: self.costs.as_ref().map(|path| tables::costs(path, faults)).transpose()?,
        })
    }

    /// An index date is stated by the arguments or by each row, and not by both.
    fn dates_agree(&self, sent: &Sent) -> Result<(), Failure> {
        let wrong = |told: String| Err(Failure::new(Exit::Usage, told));
        let Some(path) = &self.outcomes else { return Ok(()) };
        match (self.index_date.is_empty(), sent.outcomes.dated) {
            (false, true) => wrong(format!(
                "--index-date is given, and {} has a column index_date: only one can hold",
                path.display()
            )),
            (true, true | false) | (false, false) => Ok(()),
        }
    }
}

async fn evaluated(args: &Args, terms: pb::EvaluationTerms, sent: Sent) -> anyhow::Result<pb::Evaluation> {
    let mut client = client::policies(args.server.connect().await?);
    let asked = tokio_stream::iter(sent::messages(terms, sent));
    let mut answers = client.evaluate_policy(asked).await?.into_inner();
    let bar = bar(args.quiet);
    let mut evaluation = None;
    while let Some(answer) = answers.message().await? {
        bar.set_message(plain(&answer.phase));
        bar.set_length(answer.of);
        bar.set_position(answer.done);
        evaluation = answer.evaluation.or(evaluation);
    }
    bar.finish_and_clear();
    let stopped = || Failure::new(Exit::Unavailable, "the server stopped before the evaluation had ended");
    Ok(evaluation.ok_or_else(stopped)?)
}

fn bar(quiet: bool) -> ProgressBar {
    if quiet || !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::stderr());
    let style = ProgressStyle::with_template("[{bar:30}] {human_pos} of {human_len}, {msg}");
    bar.set_style(style.expect("the template must be right").progress_chars("=> "));
    bar
}

/// How it ends: what must not be overlooked is said on standard error too.
fn ended(evaluation: &pb::Evaluation) -> Exit {
    let warnings = warnings(evaluation);
    for warning in &warnings {
        eprintln!("steelyard: {warning}");
    }
    if warnings.is_empty() { Exit::Done } else { Exit::DataRefused }
}

fn warnings(evaluation: &pb::Evaluation) -> Vec<String> {
    let mut told = Vec::new();
    if !evaluation.leakage.as_ref().is_some_and(|check| check.passed) {
        told.push("the check that nothing later was used did not hold: do not rely on this evaluation".to_owned());
    }
    let left = evaluation.drift.iter().filter(|drift| drift.left);
    told.extend(
        left.map(|drift| format!("{} left the bounds set when the policy was approved", plain(&drift.measure))),
    );
    told
}
