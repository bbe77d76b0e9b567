//! Shows what changes on a list as it happens. What it prints is for people to look at
//! and for scripts to apply; with `--resume` a script that was killed goes on where it was.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;

use super::client::ServerArgs;
use super::exit::{Exit, Failure};
use super::list::told_from;
use super::output::{band_word, count, day, plain, points};
use super::word::{Typed, parser};
use crate::domain::word::List;
use crate::pb;
use crate::pb::watch_standings_response::Event;

/// Arguments of `watch`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Which list
    #[arg(value_name = "LIST", value_parser = parser::<List>(), ignore_case = true)]
    list: List,
    /// End once everything up to now is shown, and do not wait for more
    #[arg(long)]
    once: bool,
    /// Print the messages in canonical proto JSON, one a line
    #[arg(long)]
    json: bool,
    /// Go on from the token in this file, if it is there, and keep the token in it after each message
    #[arg(long, value_name = "FILE")]
    resume: Option<PathBuf>,
    #[command(flatten)]
    server: ServerArgs,
}

/// Prints changes until it is told to stop.
///
/// # Errors
/// The server does not answer, refuses or stops, or the file cannot be read or written.
pub async fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let resume_token = args.resume.as_deref().map_or_else(|| Ok(String::new()), kept)?;
    let mut client = args.server.ranking().await?;
    let request = pb::WatchStandingsRequest { list: args.list.number(), resume_token, ..Default::default() };
    let mut messages = client.watch_standings(request).await?.into_inner();
    while let Some(message) = messages.message().await? {
        let text = if args.json { serde_json::to_string(&message)? + "\n" } else { screen(&message) };
        match print(&text) {
            // Nobody looks any more, such as `head`.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(Exit::Done.into()),
            printed => printed?,
        }
        // After printing: killed in between, it prints again rather than not at all.
        if let Some(file) = &args.resume {
            keep(file, &message.resume_token)?;
        }
        if args.once && is_up_to_date(&message) {
            return Ok(Exit::Done.into());
        }
    }
    Err(Failure::new(Exit::Unavailable, "the server ended the stream without saying why").into())
}

/// Whether what was told so far is the list as the message was read from.
fn is_up_to_date(message: &pb::WatchStandingsResponse) -> bool {
    let revision = message.context.as_ref().map_or(0, |context| context.revision);
    message.complete_revision > 0 && message.complete_revision == revision
}

fn print(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}

/// The token in a file; empty where there is no such file.
fn kept(file: &Path) -> anyhow::Result<String> {
    match fs::read_to_string(file) {
        Ok(token) => Ok(token.trim().to_owned()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(String::new()),
        Err(error) => Err(Failure::new(Exit::InputMissing, format!("{}: {error}", file.display())).into()),
    }
}

/// Puts a token in place of the one kept, so that there is always a whole one.
fn keep(file: &Path, token: &str) -> anyhow::Result<()> {
    let mut beside = file.as_os_str().to_owned();
    beside.push(".new");
    let written = fs::write(&beside, token).and_then(|()| fs::rename(&beside, file));
    written.with_context(|| format!("the token could not be kept in {}", file.display()))
}

/// A message as a person reads it; nothing for a checkpoint.
fn screen(message: &pb::WatchStandingsResponse) -> String {
    match &message.event {
        Some(Event::Boundary(boundary)) => {
            let what = match boundary.kind() {
                pb::BoundaryKind::Initial => "The whole list",
                pb::BoundaryKind::Publication => "Everybody was weighed anew",
                pb::BoundaryKind::Unspecified => "Something new",
            };
            let people = if boundary.list_size == 1 { "person" } else { "people" };
            let size = count(boundary.list_size);
            format!("{what}: {size} {people}. {}\n", told_from(message.context.as_ref()))
        }
        Some(Event::Changes(set)) => set.changes.iter().map(line).collect(),
        Some(Event::Checkpoint(_)) | None => String::new(),
    }
}

fn line(change: &pb::StandingChange) -> String {
    let subject = plain(&change.subject_ref);
    let word = match change.kind() {
        pb::ChangeKind::Entered => "entered",
        pb::ChangeKind::Changed => "changed",
        pb::ChangeKind::Left => return format!("left     {subject}\n"),
        pb::ChangeKind::Unspecified => "?",
    };
    let since = &change.outstanding_since;
    let since = if since.is_empty() { String::new() } else { format!("  outstanding since {}", day(since)) };
    let (band, composite) = (band_word(change.effective_band()), points(change.composite));
    let parts = [change.threat, change.risk, change.harm].map(points).join(" / ");
    format!("{word:<8} {subject}  {band} {composite}  (threat / risk / harm {parts}){since}\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::test_screens::context;

    fn message(event: Event) -> pb::WatchStandingsResponse {
        pb::WatchStandingsResponse { context: Some(context()), event: Some(event), ..Default::default() }
    }

    #[test]
    fn a_change_is_a_line_and_a_checkpoint_none() {
        let entered = pb::StandingChange {
            kind: pb::ChangeKind::Entered.into(),
            subject_ref: "S-1".to_owned(),
            effective_band: pb::Band::High.into(),
            composite: 41_250,
            harm: 3,
            threat: 50_000,
            risk: 20_000,
            outstanding_since: "2026-03-01".to_owned(),
        };
        let left = pb::StandingChange {
            kind: pb::ChangeKind::Left.into(),
            subject_ref: "S\u{1b}2".to_owned(),
            ..Default::default()
        };
        assert_eq!(
            screen(&message(Event::Changes(pb::ChangeSet { changes: vec![entered, left] }))),
            "entered  S-1  HIGH 41.250  (threat / risk / harm 50.000 / 20.000 / 0.003)  outstanding since 1 March 2026\n\
             left     S 2\n"
        );
        assert_eq!(screen(&message(Event::Checkpoint(pb::ChangeCheckpoint {}))), "");
    }

    #[test]
    fn once_ends_where_all_is_told_and_not_before() {
        let mut message = message(Event::Checkpoint(pb::ChangeCheckpoint {}));
        let revision = message.context.as_ref().unwrap().revision;
        for (complete, ends) in [(0, false), (revision - 1, false), (revision, true)] {
            message.complete_revision = complete;
            assert_eq!(is_up_to_date(&message), ends, "{complete}");
        }
    }

    #[test]
    fn a_token_is_kept_whole_and_none_is_the_beginning() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("token");
        assert_eq!(kept(&file).unwrap(), "");
        for token in ["first", "second"] {
            keep(&file, token).unwrap();
            assert_eq!(kept(&file).unwrap(), token);
        }
        assert!(keep(&folder.path().join("missing/token"), "x").is_err());
    }
}
