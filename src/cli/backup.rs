//! Asks the server for a backup, or which there are. The server writes it, restores
//! it for proof and keeps it; nothing is read from its files here.

use std::fmt::Write as _;
use std::io::IsTerminal as _;
use std::process::ExitCode;

use clap::ValueEnum;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use uuid::Uuid;

use super::client::{self, ServerArgs};
use super::exit::{Exit, Failure};
use super::output::{self, Page, count, plain};
use crate::cli::client::Channel;
use crate::pb;
use crate::pb::maintenance_service_client::MaintenanceServiceClient;

/// Arguments of `backup`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    server: ServerArgs,
    /// Make a full backup
    #[arg(long, conflicts_with_all = ["incremental", "list"])]
    full: bool,
    /// Make an incremental backup: what came after the newest one
    #[arg(long, conflicts_with = "list")]
    incremental: bool,
    /// Make none; show which there are
    #[arg(long)]
    list: bool,
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
    /// The answer in canonical proto JSON
    Json,
}

/// Makes a backup and prints which, or prints those that there are.
///
/// # Errors
/// The server does not answer, a backup is running already, or it does not count.
pub async fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let mut client = client::maintenance(args.server.connect().await?);
    if args.list {
        let answer = client.list_backups(pb::ListBackupsRequest {}).await?.into_inner();
        output::print(&match args.output {
            Output::Json => output::json(&answer)?,
            Output::Table => listed(&answer, Page::of_stdout()),
        })?;
        return Ok(if answer.backups.is_empty() { Exit::Nothing } else { Exit::Done }.into());
    }
    let kind = match (args.full, args.incremental) {
        (true, _) => pb::BackupKind::Full,
        (false, true) => pb::BackupKind::Incremental,
        (false, false) => pb::BackupKind::Unspecified,
    };
    let made = make(&mut client, kind, args.quiet).await?;
    output::print(&match args.output {
        Output::Json => output::json(&made)?,
        Output::Table => told(&made),
    })?;
    Ok(Exit::Done.into())
}

/// Asks for a backup and follows it to its end.
async fn make(
    client: &mut MaintenanceServiceClient<Channel>,
    kind: pb::BackupKind,
    quiet: bool,
) -> anyhow::Result<pb::Backup> {
    let request_id = Uuid::new_v4().to_string();
    let request = pb::CreateBackupRequest { request_id, kind: kind.into() };
    let mut answers = client.create_backup(request).await?.into_inner();
    let bar = bar(quiet);
    let mut made = None;
    while let Some(answer) = answers.message().await? {
        show(&bar, &answer);
        made = answer.backup.or(made);
    }
    bar.finish_and_clear();
    made.ok_or_else(|| Failure::new(Exit::Unavailable, "the server stopped before the backup was verified").into())
}

fn bar(quiet: bool) -> ProgressBar {
    if quiet || !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::stderr());
    let style = ProgressStyle::with_template("{msg} [{bar:30}] {percent}%, {human_pos} of {human_len} revisions");
    bar.set_style(style.expect("the template must be right").progress_chars("=> "));
    bar
}

fn show(bar: &ProgressBar, answer: &pb::CreateBackupResponse) {
    bar.set_message(match answer.phase() {
        pb::BackupPhase::Unspecified | pb::BackupPhase::Writing => "writing ",
        pb::BackupPhase::Checking | pb::BackupPhase::Done => "checking",
    });
    bar.set_length(answer.through_revision);
    bar.set_position(answer.revision);
}

/// A backup just made, as a person reads it. The head is told whole: it is the anchor to be written down elsewhere.
fn told(made: &pb::Backup) -> String {
    format!(
        "{}\n  {}, {} events in {} bytes, verified\n  head {}:{}\n",
        plain(&made.name),
        held(made),
        count(made.events),
        count(made.bytes),
        made.revision,
        plain(&made.head_hash)
    )
}

fn held(backup: &pb::Backup) -> String {
    let from = backup.before_revision.saturating_add(1);
    format!("{}, revisions {} to {}", kind(backup), count(from), count(backup.revision))
}

fn kind(backup: &pb::Backup) -> &'static str {
    match backup.kind() {
        pb::BackupKind::Unspecified => "of an unknown kind",
        pb::BackupKind::Full => "full",
        pb::BackupKind::Incremental => "incremental",
    }
}

/// Those that there are, as a person reads them.
fn listed(answer: &pb::ListBackupsResponse, page: Page) -> String {
    let mut text = if answer.backups.is_empty() {
        "There are no verified backups.\n".to_owned()
    } else {
        let mut table = page.table();
        table.set_header(["created", "kind", "revisions", "events", "bytes", "file"]);
        for backup in &answer.backups {
            table.add_row([
                backup.create_time.as_ref().map(instant).unwrap_or_default(),
                kind(backup).to_owned(),
                format!("{}-{}", backup.before_revision.saturating_add(1), backup.revision),
                count(backup.events),
                count(backup.bytes),
                plain(&backup.name),
            ]);
        }
        output::drawn(&mut table, 0)
    };
    if !answer.unusable.is_empty() {
        text.push_str("\nFiles that do not count:\n");
        for file in &answer.unusable {
            let _ = writeln!(text, "  {}: {}", plain(&file.name), plain(&file.problem));
        }
    }
    text
}

/// An instant of the contract, in UTC to the second.
pub(super) fn instant(time: &pbjson_types::Timestamp) -> String {
    jiff::Timestamp::from_second(time.seconds).map(|instant| instant.to_string()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn backup() -> pb::Backup {
        pb::Backup {
            name: "00000000000000000101-00000000000000001500-9f3ac2d1.incremental.steelyard".to_owned(),
            kind: pb::BackupKind::Incremental.into(),
            before_revision: 100,
            revision: 1_500,
            head_hash: "9f3ac2d1".repeat(8),
            bytes: 40_000,
            events: 1_400,
            create_time: Some(pbjson_types::Timestamp { seconds: 1_780_000_000, nanos: 5 }),
        }
    }

    #[test]
    fn a_backup_made_is_told_with_the_head_to_write_down() {
        let text = told(&backup());
        assert!(text.contains("incremental, revisions 101 to 1,500, 1,400 events in 40,000 bytes, verified"), "{text}");
        assert!(text.contains(&format!("head 1500:{}\n", "9f3ac2d1".repeat(8))), "{text}");
    }

    #[test]
    fn files_that_do_not_count_are_listed_with_reasons() {
        let unusable = pb::UnusableBackup { name: "x.full.steelyard".to_owned(), problem: "is short".to_owned() };
        let answer = pb::ListBackupsResponse { backups: vec![backup()], unusable: vec![unusable] };
        let text = listed(&answer, Page::PLAIN);
        assert!(text.contains("2026-05-28T20:26:40Z") && text.contains("101-1500"), "{text}");
        assert!(text.contains("Files that do not count:\n  x.full.steelyard: is short\n"), "{text}");
        assert!(listed(&pb::ListBackupsResponse::default(), Page::PLAIN).contains("no verified backups"));
    }
}
