//! `audit list`: who did what, through which method, with what outcome, and about how
//! many people.

use std::process::ExitCode;

use crate::cli::client::Channel;
use pbjson_types::Timestamp;
use tonic::Status;

use super::{Outcome, kind, list, method, outcome, under, who};
use crate::cli::client::{self, ServerArgs};
use crate::cli::exit::Exit;
use crate::cli::output::{self, Format, OutputArgs, Page, count, drawn, left, right};
use crate::cli::paging::{Follow, Paging, follow};
use crate::cli::when;
use crate::pb;
use crate::pb::audit_service_client::AuditServiceClient;

/// Arguments of `audit list`.
#[derive(Debug, clap::Args)]
pub struct ListArgs {
    #[command(flatten)]
    paging: Paging,
    #[command(flatten)]
    output: OutputArgs,
    #[command(flatten)]
    server: ServerArgs,
    // Last: its heading would otherwise take in the flags that follow it.
    #[command(flatten)]
    filter: Filter,
}

/// Narrows the audit. Different flags combine with "and", values of one flag with "or".
#[derive(Debug, Default, clap::Args)]
#[command(next_help_heading = "Filters (those of several values may be repeated, or hold values separated by commas)")]
struct Filter {
    /// Who acted
    #[arg(long, value_name = "ACTOR", value_delimiter = ',')]
    actor: Vec<String>,
    /// Full name of the method, such as steelyard.v1.RankingService/ListStandings
    #[arg(long, value_name = "RPC", value_delimiter = ',')]
    rpc: Vec<String>,
    /// How it ended
    #[arg(long, value_name = "OUTCOME", value_delimiter = ',', value_enum, ignore_case = true)]
    outcome: Vec<Outcome>,
    /// From this instant on, such as 2026-03-31T00:00:00+01:00
    #[arg(long, value_name = "INSTANT", value_parser = when::typed)]
    from: Option<Timestamp>,
    /// Before this instant
    #[arg(long, value_name = "INSTANT", value_parser = when::typed)]
    to: Option<Timestamp>,
    /// Reference of the person seen, or tried to be
    #[arg(long, value_name = "SUBJECT_REF")]
    subject: Option<String>,
}

impl ListArgs {
    pub(super) fn request(&self) -> pb::ListAuditEventsRequest {
        let filter = &self.filter;
        pb::ListAuditEventsRequest {
            filter: Some(pb::AuditFilter {
                actors: filter.actor.clone(),
                rpcs: filter.rpc.clone(),
                outcomes: filter.outcome.iter().map(|outcome| outcome.proto().into()).collect(),
                from: filter.from,
                to: filter.to,
                subject_ref: filter.subject.clone().unwrap_or_default(),
            }),
            page_size: self.paging.size(),
            page_token: self.paging.token(),
        }
    }
}

/// Prints the entries. Ends with 1 if there are none.
pub async fn run(args: &ListArgs) -> anyhow::Result<ExitCode> {
    let mut client = client::audit(args.server.connect().await?);
    let answer = fetch(&mut client, args.request(), args.paging.all).await?;
    output::print(&match args.output.output {
        Format::Table => screen(&answer, Page::of_stdout()),
        Format::Json => output::json(&answer)?,
        Format::Csv => csv(&answer)?,
    })?;
    Ok(if answer.events.is_empty() { Exit::Nothing } else { Exit::Done }.into())
}

/// One page, or with `all` every page to the end as if it were one. A page without entries is passed over: the server
/// looks at a bounded number for each.
async fn fetch(
    client: &mut AuditServiceClient<Channel>,
    request: pb::ListAuditEventsRequest,
    all: bool,
) -> Result<pb::ListAuditEventsResponse, Status> {
    follow(request, Follow::all(all, Follow::FirstRow), async |request| client.list_audit_events(request).await).await
}

/// The entries as a table.
pub(super) fn screen(answer: &pb::ListAuditEventsResponse, page: Page) -> String {
    let mut text = format!("{}\n", page.bold("AUDIT"));
    if answer.events.is_empty() {
        text.push_str("No entry matches.\n");
        return text;
    }
    let mut table = page.table();
    table.set_header(["entry", "when", "who", "purpose", "what", "list", "outcome", "people"].map(left));
    for event in &answer.events {
        table.add_row([
            right(count(event.number)),
            left(when::told(event.instant.as_ref())),
            left(who(&event.actor, &event.on_behalf_of)),
            left(&event.purpose),
            left(what(event)),
            left(list(event.list)),
            left(outcome(event.outcome())),
            left(people(event)),
        ]);
    }
    text.push_str(&drawn(&mut table, 0));
    text + &format!("\n{}\n", page.faint(&under(answer.events.len(), &answer.next_page_token, answer.head.as_ref())))
}

fn what(event: &pb::AuditEvent) -> &str {
    if event.rpc.is_empty() { kind(event.kind()) } else { method(&event.rpc) }
}

/// One is named; of more, how many.
fn people(event: &pb::AuditEvent) -> String {
    match (event.subject_count, event.subject_refs.as_slice()) {
        (0, _) if !event.attempted_ref.is_empty() => format!("not {}", event.attempted_ref),
        (0, _) => String::new(),
        (1, [one]) => one.clone(),
        (people, _) => count(people),
    }
}

const CSV_HEADER: [&str; 19] = [
    "number",
    "instant",
    "kind",
    "outcome",
    "actor",
    "roles",
    "on_behalf_of",
    "purpose",
    "rpc",
    "code",
    "reason",
    "list",
    "revision",
    "generation",
    "rows",
    "subject_count",
    "subject_refs",
    "attempted_ref",
    "correlation_id",
];

fn csv(answer: &pb::ListAuditEventsResponse) -> anyhow::Result<String> {
    let rows = answer.events.iter().map(|event| {
        [
            event.number.to_string(),
            when::utc(event.instant.as_ref()),
            kind(event.kind()).to_owned(),
            outcome(event.outcome()).to_lowercase(),
            event.actor.clone(),
            event.roles.join(" "),
            event.on_behalf_of.clone(),
            event.purpose.clone(),
            event.rpc.clone(),
            event.code.to_string(),
            event.reason().as_str_name().trim_start_matches("ERROR_REASON_").to_owned(),
            list(event.list).to_owned(),
            event.revision.to_string(),
            event.generation.to_string(),
            event.rows.to_string(),
            event.subject_count.to_string(),
            event.subject_refs.join(" "),
            event.attempted_ref.clone(),
            event.correlation_id.clone(),
        ]
    });
    output::csv(CSV_HEADER, rows)
}
