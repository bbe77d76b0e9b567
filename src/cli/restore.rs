//! `steelyard restore`: makes a data directory from backups, without a server. It
//! never writes into a directory that holds anything, nor into a backup or journal.

use std::fmt::Write as _;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use jiff::Timestamp;

use super::exit::{self, Exit, Failure};
use crate::domain::Revision;
use crate::service::mark::Mark;
use crate::store::Unpaced;
use crate::store::backup::{
    self, BackupError, BackupFile, Catalogue, Incarnation, JournalTail, Kind, Plan, Restored, Tail, Until,
};
use crate::store::survey;

/// Make a data directory from backups, up to the end, a revision or a moment.
///
/// What the server handed out since (page tokens, positions to resume from) is void afterwards: the store gets a new
/// incarnation, and refuses them by name.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// Where the backups are: directories, or the files themselves
    #[arg(long, value_name = "PATH", required = true, num_args = 1..)]
    pub from: Vec<PathBuf>,
    /// Data directory to make: must be empty, or not there
    #[arg(long, value_name = "DIR", env = "STEELYARD_DATA_DIR")]
    pub data_dir: PathBuf,
    /// Restore up to this revision
    #[arg(long, value_name = "N", conflicts_with = "moment", value_parser = clap::value_parser!(u64).range(1..))]
    pub revision: Option<u64>,
    /// Restore up to the last event recorded at or before this moment, such as 2026-11-22T14:00:00Z
    #[arg(long, value_name = "RFC3339")]
    pub moment: Option<Timestamp>,
    /// Journal with the events after the last backup: the directory journal/ of the lost data directory
    #[arg(long, value_name = "DIR")]
    pub journal: Option<PathBuf>,
    /// Read and check everything, say what would be restored, and write nothing
    #[arg(long)]
    pub dry_run: bool,
}

impl Args {
    fn until(&self) -> Until {
        match (self.revision, self.moment) {
            (Some(revision), _) => Until::Revision(Revision(revision)),
            (None, Some(moment)) => Until::Moment(moment),
            (None, None) => Until::End,
        }
    }
}

/// Restores, and says what from, how far, and what is missing.
///
/// # Errors
/// All that stands in the way, at once; or what failed on the way. Nothing is in the data directory then.
pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let (restored, report) = carry_out(args)?;
    print!("{report}");
    let nothing = restored.head.revision == Revision(0);
    Ok(if nothing { Exit::Nothing } else { Exit::Done }.into())
}

fn carry_out(args: &Args) -> anyhow::Result<(Restored, String)> {
    let sources = Sources::find(args)?;
    let tail = sources.journal.as_ref().map(|tail| tail as &dyn Tail);
    let until = args.until();
    let mut passed_over: Vec<BackupError> = Vec::new();
    for plan in &sources.plans {
        let outcome = if args.dry_run {
            backup::examine(plan, tail, until, Incarnation::New, &mut Unpaced)
        } else {
            backup::restore(plan, tail, until, &args.data_dir, Incarnation::New, &mut Unpaced)
        };
        match outcome {
            Ok(restored) => {
                let report = report(args, plan, &sources, &restored, &passed_over);
                return Ok((restored, report));
            }
            // Another full backup may hold what a damaged file does not give.
            Err(error @ BackupError::Damaged { .. }) => passed_over.push(error),
            Err(error) => return Err(error.into()),
        }
    }
    let told: Vec<String> = passed_over.iter().map(ToString::to_string).collect();
    Err(Failure::new(Exit::DataRefused, told.join("\n")).into())
}

/// What there is to restore from.
#[derive(Debug)]
struct Sources {
    plans: Vec<Plan>,
    catalogue: Catalogue,
    journal: Option<JournalTail>,
}

impl Sources {
    /// # Errors
    /// Every problem that can be seen before anything is read whole.
    fn find(args: &Args) -> anyhow::Result<Self> {
        let mut problems: Vec<(Exit, String)> = Vec::new();
        let mut fails = |error: &BackupError| problems.push((exit::of_backup(error), error.to_string()));
        if !args.dry_run
            && let Err(error) = backup::must_be_empty(&args.data_dir)
        {
            fails(&error);
        }
        let (there, gone): (Vec<_>, Vec<_>) = args.from.iter().cloned().partition(|place| place.exists());
        for path in gone {
            fails(&BackupError::Io { doing: "finding backups", path, source: io::ErrorKind::NotFound.into() });
        }
        let mut plans = Vec::new();
        let catalogue = Catalogue::of(&there).unwrap_or_else(|error| {
            fails(&error);
            Catalogue::default()
        });
        // With a journal, the files need not reach as far as is asked.
        let until = if args.journal.is_some() { Until::End } else { args.until() };
        match catalogue.plans(until) {
            Ok(found) => plans = found,
            Err(error) => {
                catalogue.misfits.iter().for_each(|misfit| fails(&misfit.reason));
                fails(&error);
            }
        }
        let journal = args.journal.as_deref().and_then(|directory| {
            let opened = JournalTail::open(directory).and_then(|journal| {
                let missing = || BackupError::Io {
                    doing: "finding a journal",
                    path: directory.to_owned(),
                    source: io::ErrorKind::NotFound.into(),
                };
                journal.ok_or_else(missing)
            });
            opened.map_err(|error| fails(&error)).ok()
        });
        let served = |directory: &Path| directory.parent().is_some_and(|home| survey::in_use(home).unwrap_or(false));
        if let Some(directory) = args.journal.as_deref().filter(|directory| !args.dry_run && served(directory)) {
            // What it acknowledges from now on would be missing in what is made of it.
            let told = format!("{}: a server is writing this journal; stop it first", directory.display());
            problems.push((Exit::Unavailable, told));
        }
        let Some((exit, _)) = problems.first() else { return Ok(Self { plans, catalogue, journal }) };
        let told: Vec<&str> = problems.iter().map(|(_, told)| told.as_str()).collect();
        Err(Failure::new(*exit, told.join("\n")).into())
    }
}

fn report(args: &Args, plan: &Plan, sources: &Sources, restored: &Restored, passed_over: &[BackupError]) -> String {
    let mut report = String::new();
    let mut row = |name: &str, told: &str| {
        writeln!(report, "{name:<12} {told}").expect("a text must take what is written to it");
    };
    row(if args.dry_run { "would give" } else { "restored" }, &restored.head.to_string());
    let mut name = "from";
    for file in plan.files() {
        let kind = match file.header.kind {
            Kind::Full => "full",
            Kind::Incremental => "incremental",
        };
        let (first, last) = (file.header.before.revision.next(), file.trailer.head.revision);
        row(name, &format!("{} ({kind}, {first} to {last}, made {})", file.path.display(), file.header.created));
        name = "";
    }
    if let Some(journal) = &sources.journal
        && restored.head.revision > restored.from_backups
    {
        let first = restored.from_backups.next();
        row(name, &format!("{} (journal, {first} to {})", journal.place().display(), restored.head.revision));
    }
    row("events", &restored.head.revision.to_string());
    if let Some(recorded) = restored.recorded_micros.and_then(|micros| Timestamp::from_microsecond(micros).ok()) {
        row("recorded", &format!("{recorded}, the last of them"));
    }
    // As every answer of the server and `health --detail` show it: what page tokens are sealed with is never shown.
    let (before, now) = (Mark::of(plan.identity()), Mark::of(restored.identity));
    let told = if args.dry_run {
        format!("{before}; it would get a new mark, and page tokens and positions of this one be refused")
    } else {
        format!("{now}, a new mark: page tokens and positions of {before} are refused from now on")
    };
    row("store", &told);
    let left_out = restored.reaches.revision.0 - restored.head.revision.0;
    if left_out > 0 {
        row("left out", &format!("{left_out} events up to {}, as asked", restored.reaches));
    }
    for told in missing(plan, sources, restored) {
        row("missing", &told);
    }
    let misfits = sources.catalogue.misfits.iter().map(|misfit| &misfit.reason);
    for error in passed_over.iter().chain(misfits) {
        row("not used", &error.to_string());
    }
    row("next", &next(args));
    report
}

/// What the restored store does not have, as far as that is known.
fn missing(plan: &Plan, sources: &Sources, restored: &Restored) -> Vec<String> {
    let mut missing = Vec::new();
    match &sources.journal {
        None => missing.push(format!(
            "whatever was acknowledged after {} ({}); no journal was given",
            plan.reaches(),
            plan.created()
        )),
        Some(journal) if journal.is_torn() => {
            missing.push("the journal ends in an interrupted write, which was never acknowledged".to_owned());
        }
        Some(_) => {}
    }
    let further = |file: &&BackupFile| file.trailer.head.revision > restored.reaches.revision;
    for file in sources.catalogue.files.iter().filter(further) {
        let path = file.path.display();
        missing.push(format!("{path} reaches further, to {}, and does not follow: another history", file.trailer.head));
    }
    missing
}

fn next(args: &Args) -> String {
    let directory = quoted(&args.data_dir);
    if args.dry_run {
        "the same without --dry-run".to_owned()
    } else {
        format!("steelyard serve --data-dir {directory}")
    }
}

/// As a shell takes it.
fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = |letter: char| letter.is_alphanumeric() || "/._-+:@".contains(letter);
    if !text.is_empty() && text.chars().all(plain) { text } else { format!("'{}'", text.replace('\'', r"'\''")) }
}

#[cfg(test)]
mod tests;
