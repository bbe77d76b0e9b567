//! `steelyard import`: sends the records of NDJSON and CSV files to a server.
//!
//! It refuses what the contract cannot hold, lets the server judge the rest,
//! and writes down every refusal with the row that it came from. A run that
//! stops can be run again: it goes on where it stopped, and what was written
//! before is not written twice. It never mends a row.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser;
use clap::builder::RangedU64ValueParser;
use tonic::Code;

use super::client::ServerArgs;
use crate::intake::{Form, Mapping, Rows, Unreadable};
use crate::pb;
use client::{Settings, Stopped};
use run::{File, Report};

mod batch;
mod checkpoint;
mod client;
pub mod progress;
mod rejects;
mod run;

/// How a run ended, as the process tells it. `docs/IMPORT.md` lists them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
enum End {
    /// Everything was written, or held already.
    Written = 0,
    /// The arguments or the mapping are wrong; nothing was sent.
    Usage = 64,
    /// Some rows were refused, or a file held none.
    Refused = 65,
    /// A file is missing or cannot be read.
    NoInput = 66,
    /// The server is unavailable, or refused the import as a whole.
    Unavailable = 69,
}

/// Sends the records of files to a server. Without --mapping, files are NDJSON: one record a line, in the contract's
/// JSON form. With --mapping, they are CSV.
#[derive(Debug, Parser)]
pub struct Args {
    /// Files to import; `-` is standard input
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,

    /// Server to send to
    #[command(flatten)]
    pub server: ServerArgs,

    /// Mapping of CSV columns to records; the files are then CSV
    #[arg(long, value_name = "MAP.toml")]
    pub mapping: Option<PathBuf>,

    /// Where refused rows go [default: the file's name with .rejects.csv, in this folder]
    #[arg(long, value_name = "FILE")]
    pub rejects: Option<PathBuf>,

    /// Where it is kept how far the import has come [default: the file's name with .steelyard-import, beside the
    /// rejects]
    #[arg(long, value_name = "FILE")]
    pub checkpoint: Option<PathBuf>,

    /// Let the server judge every record and write none
    #[arg(long)]
    pub dry_run: bool,

    /// Records sent at once
    #[arg(long, value_name = "N", default_value_t = 500, value_parser = RangedU64ValueParser::<u16>::new().range(1..=1000))]
    pub batch: u16,

    /// Go on where an earlier run of the same file stopped (this is the default)
    #[arg(long, overrides_with = "no_resume")]
    pub resume: bool,

    /// Begin every file anew
    #[arg(long, overrides_with = "resume")]
    pub no_resume: bool,

    /// Tell nothing but errors
    #[arg(long, short)]
    pub quiet: bool,
}

/// Runs the import.
///
/// # Errors
/// When the rejects or the checkpoint cannot be written. Everything else is told, and in the exit code.
pub async fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let end = import(args, None).await?;
    Ok(ExitCode::from(end as u8))
}

/// Digest of the mark of the store behind a server, so that what one store took is not thought to be in another.
async fn store(server: &ServerArgs) -> anyhow::Result<[u8; 32]> {
    let mut ranking = super::client::ranking(server.connect().await?);
    let question = pb::ListStandingsRequest { list: pb::List::All.into(), page_size: 1, ..Default::default() };
    let mark = match ranking.list_standings(question).await {
        Ok(page) => page.into_inner().context.unwrap_or_default().store,
        // A server that takes evidence alone has no mark to tell.
        Err(status) if status.code() == Code::Unimplemented => String::new(),
        Err(status) => return Err(status.into()),
    };
    Ok(*blake3::hash(mark.as_bytes()).as_bytes())
}

/// Runs the import, with other settings of the client in tests.
async fn import(args: &Args, settings: Option<Settings>) -> anyhow::Result<End> {
    let (form, settings) = match prepare(args, settings) {
        Ok(prepared) => prepared,
        Err(problems) => {
            for problem in problems {
                eprintln!("error: {problem}");
            }
            return Ok(End::Usage);
        }
    };
    if let Some(end) = look_at_files(args, &form) {
        return Ok(end);
    }
    // A server that is not there at all is said at once; one that goes away later is waited for.
    let store = match store(&args.server).await {
        Ok(store) => store,
        Err(error) => {
            eprintln!("error: {error:#}");
            return Ok(End::Unavailable);
        }
    };
    let mut end = End::Written;
    for path in &args.files {
        let file =
            File { path, form: &form, rejects: rejects_path(args, path), checkpoint: checkpoint_path(args, path) };
        let (report, stopped) = file.import(args, &settings, store).await?;
        if !args.quiet {
            print!("{}", summary(args, &file, &report));
        }
        if report.totals.refused > 0 || report.totals.rows == 0 && stopped.is_none() {
            end = end.max(End::Refused);
        }
        if stopped.is_none() && report.totals.rows == 0 {
            eprintln!("error: {} holds no row", path.display());
        }
        if let Some(stopped) = stopped {
            return stop(stopped, &file, &report);
        }
    }
    Ok(end)
}

/// Turns arguments into settings; everything wrong with them at once.
fn prepare(args: &Args, settings: Option<Settings>) -> Result<(Form, Settings), Vec<String>> {
    let mut problems = Vec::new();
    let several = args.files.len() > 1;
    for (name, given) in [("--rejects", &args.rejects), ("--checkpoint", &args.checkpoint)] {
        if several && given.is_some() {
            problems.push(format!("{name} takes one file; with several FILEs each has its own beside the others"));
        }
    }
    if args.files.iter().filter(|path| is_stdin(path)).count() > 1 {
        problems.push("standard input can be read only once".to_owned());
    }
    clashes(args, &mut problems);
    let csv = |path: &Path| path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("csv"));
    let json = |path: &Path| {
        path.extension()
            .is_some_and(|ending| ["ndjson", "jsonl", "json"].iter().any(|json| ending.eq_ignore_ascii_case(json)))
    };
    for path in &args.files {
        let path = path.as_path();
        if args.mapping.is_none() && csv(path) {
            problems.push(format!("{} is CSV: --mapping must say what its columns mean", path.display()));
        } else if args.mapping.is_some() && json(path) {
            problems.push(format!("{} is NDJSON, to which --mapping does not apply", path.display()));
        }
    }
    let form = match &args.mapping {
        None => Some(Form::Ndjson),
        Some(path) => match Mapping::load(path) {
            Ok(mapping) => Some(Form::Csv(Arc::new(mapping))),
            Err(violations) => {
                problems.extend(violations.iter().map(|violation| format!("{}: {violation}", path.display())));
                None
            }
        },
    };
    let settings = settings.or_else(|| match args.server.way() {
        Ok((endpoint, stated)) => Some(Settings::new(endpoint, stated)),
        Err(problem) => {
            problems.push(format!("--server: {problem}"));
            None
        }
    });
    match (form, settings) {
        (Some(form), Some(settings)) if problems.is_empty() => Ok((form, settings)),
        (_, _) => Err(problems),
    }
}

/// No file may be written that is also read, or written twice.
fn clashes(args: &Args, problems: &mut Vec<String>) {
    let real = |path: &Path| std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let mut taken: BTreeSet<PathBuf> = args.files.iter().chain(&args.mapping).map(|path| real(path)).collect();
    let mut sources = BTreeSet::new();
    for path in args.files.iter().filter(|path| !is_stdin(path)) {
        if !sources.insert(real(path)) {
            problems.push(format!("{} is named twice", path.display()));
            continue;
        }
        for written in [rejects_path(args, path), checkpoint_path(args, path)] {
            if !taken.insert(real(&written)) {
                problems.push(format!(
                    "{} would be written over; name another --rejects or --checkpoint",
                    written.display()
                ));
            }
        }
    }
}

/// Opens every file once before anything is sent, so that a missing file or column is told at the beginning.
fn look_at_files(args: &Args, form: &Form) -> Option<End> {
    let mut worst = None;
    for path in args.files.iter().filter(|path| !is_stdin(path)) {
        if let Err(error) = Rows::open(path, form, None) {
            worst = worst.max(Some(tell(&error)));
        }
    }
    worst
}

fn tell(error: &Unreadable) -> End {
    match error {
        Unreadable::Io { error: io, .. } => {
            eprintln!("error: {error}");
            if io.kind() == std::io::ErrorKind::InvalidData { End::Refused } else { End::NoInput }
        }
        Unreadable::Empty { .. } | Unreadable::Header { .. } => {
            eprintln!("error: {error}");
            End::Refused
        }
        Unreadable::Columns { path, violations } => {
            for violation in violations {
                eprintln!("error: {}: {violation}", path.display());
            }
            End::Usage
        }
    }
}

fn stop(stopped: Stopped, file: &File<'_>, report: &Report) -> anyhow::Result<End> {
    let end = match stopped {
        Stopped::Unreadable(error) => return Ok(tell(&error)),
        Stopped::Local(error) => return Err(error),
        Stopped::Unavailable(_) | Stopped::Refused(_) | Stopped::Answer(_) => End::Unavailable,
    };
    eprintln!("error: {stopped}");
    if report.resumable {
        eprintln!(
            "{} rows of {} are settled. Run the same command again to go on after line {}.",
            report.totals.rows,
            file.path.display(),
            report.lines
        );
    }
    Ok(end)
}

fn is_stdin(path: &Path) -> bool {
    path == Path::new("-")
}

fn file_name(path: &Path) -> String {
    if is_stdin(path) {
        return "stdin".to_owned();
    }
    path.file_name().map_or_else(|| "import".to_owned(), |name| name.to_string_lossy().into_owned())
}

fn rejects_path(args: &Args, path: &Path) -> PathBuf {
    args.rejects.clone().unwrap_or_else(|| PathBuf::from(format!("{}.rejects.csv", file_name(path))))
}

fn checkpoint_path(args: &Args, path: &Path) -> PathBuf {
    args.checkpoint
        .clone()
        .unwrap_or_else(|| rejects_path(args, path).with_file_name(format!("{}.steelyard-import", file_name(path))))
}

/// What became of one file, as a person reads it.
fn summary(args: &Args, file: &File<'_>, report: &Report) -> String {
    let totals = &report.totals;
    let mut text = format!("{}\n", file.path.display());
    if args.dry_run {
        text.push_str("  dry run: judged by the server, nothing written\n");
    }
    let mut line = |name: &str, number: u64, note: &str| {
        writeln!(text, "  {name:<18}{number:>12}{note}").expect("writing to a String must succeed");
    };
    line("rows read", totals.rows, "");
    line("records", totals.records, "");
    line("  created", totals.created, "");
    line("  superseded", totals.superseded, "");
    line("  unchanged", totals.unchanged, "");
    let note = if totals.refused == 0 {
        String::new()
    } else {
        format!("  of {} rows, in {}", totals.refused_rows, file.rejects.display())
    };
    line("  refused", totals.refused, &note);
    let seconds = report.elapsed.as_secs_f64();
    let rate = progress::per_second(report.rows_this_run, report.elapsed);
    writeln!(text, "  {seconds:.1} seconds, {rate} rows a second").expect("writing to a String must succeed");
    text
}

#[cfg(test)]
mod tests;
