//! `audit verify` and `audit head`: whether the audit is what was written, and the one
//! line that shows it later when it is kept outside.

use std::process::ExitCode;

use crate::cli::client::{self, ServerArgs};
use crate::cli::exit::Exit;
use crate::cli::output::{self, Page, count, plain};
use crate::pb;

/// Arguments of `audit verify`.
#[derive(Debug, clap::Args)]
pub struct VerifyArgs {
    /// Check only the newest entries, at least so many [default: every entry]
    #[arg(long, value_name = "ENTRIES", value_parser = clap::value_parser!(u64).range(1..))]
    newest: Option<u64>,
    /// Print the answer in canonical proto JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    server: ServerArgs,
}

/// Arguments of `audit head`.
#[derive(Debug, clap::Args)]
pub struct HeadArgs {
    /// Print the head in canonical proto JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    server: ServerArgs,
}

impl VerifyArgs {
    pub(super) fn request(&self) -> pb::VerifyAuditRequest {
        pb::VerifyAuditRequest { newest: self.newest.unwrap_or(0) }
    }
}

/// Prints what was checked and found. Ends with 65 if the audit is not what was written.
pub async fn run(args: &VerifyArgs) -> anyhow::Result<ExitCode> {
    let mut client = client::audit(args.server.connect().await?);
    let answer = client.verify_audit(args.request()).await?.into_inner();
    output::print(&if args.json { output::json(&answer)? } else { screen(&answer, Page::of_stdout()) })?;
    Ok(if answer.sound { Exit::Done } else { Exit::DataRefused }.into())
}

/// Prints where the audit ends.
pub async fn head(args: &HeadArgs) -> anyhow::Result<ExitCode> {
    let mut client = client::audit(args.server.connect().await?);
    let request = pb::ListAuditEventsRequest { page_size: 1, ..Default::default() };
    let head = client.list_audit_events(request).await?.into_inner().head.unwrap_or_default();
    output::print(&if args.json { output::json(&head)? } else { format!("{} {}\n", head.entries, plain(&head.hash)) })?;
    Ok(Exit::Done.into())
}

/// What was checked and found, in sentences.
pub(super) fn screen(answer: &pb::VerifyAuditResponse, page: Page) -> String {
    let segments = if answer.segments == 1 { "segment" } else { "segments" };
    let mut text = format!(
        "{}\nChecked {} entries from entry {} on, in {} {segments}.\n",
        page.bold("AUDIT"),
        count(answer.entries),
        count(answer.first_entry),
        count(answer.segments)
    );
    let compared = match &answer.anchored {
        None => "The ledger holds no head of the audit yet.\n".to_owned(),
        Some(anchored) if answer.anchor_compared => {
            format!("Entry {} is the one that the ledger tells of.\n", count(anchored.entries))
        }
        Some(anchored) => {
            format!("The ledger tells of entry {}, which was not among them.\n", count(anchored.entries))
        }
    };
    text.push_str(&compared);
    let head = answer.head.clone().unwrap_or_default();
    text.extend(["Head: ", &head.entries.to_string(), " ", &plain(&head.hash), "\n"]);
    let verdict = match &answer.flaw {
        None => "SOUND: every entry follows the one before it.\n".to_owned(),
        Some(flaw) if flaw.segment.is_empty() => format!("NOT SOUND: {}.\n", plain(&flaw.why)),
        Some(flaw) => format!(
            "NOT SOUND: {}, where entry {} is due (offset {}): {}.\n",
            plain(&flaw.segment),
            count(flaw.entry),
            count(flaw.offset),
            plain(&flaw.why)
        ),
    };
    text.push_str(&verdict);
    if answer.flaw.is_some() {
        text.push_str("Keep the directory of the audit as it is, and compare the heads that were kept outside.\n");
    }
    text
}
