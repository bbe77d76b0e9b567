//! `audit access`: who saw one person, when, why, on whose behalf and through what; and
//! who was turned away.

use std::process::ExitCode;

use crate::cli::client::Channel;
use pbjson_types::Timestamp;
use tonic::Status;

use super::{kind, list, method, outcome, under, who};
use crate::cli::client::{self, ServerArgs};
use crate::cli::exit::Exit;
use crate::cli::output::{self, Format, OutputArgs, Page, count, drawn, left, plain, right};
use crate::cli::paging::{Follow, Paging, follow};
use crate::cli::when;
use crate::pb;
use crate::pb::audit_service_client::AuditServiceClient;

/// Arguments of `audit access`.
#[derive(Debug, clap::Args)]
pub struct AccessArgs {
    /// The person's reference
    #[arg(value_name = "SUBJECT_REF")]
    subject: String,
    /// From this instant on, such as 2026-03-31T00:00:00+01:00
    #[arg(long, value_name = "INSTANT", value_parser = when::typed)]
    from: Option<Timestamp>,
    /// Before this instant
    #[arg(long, value_name = "INSTANT", value_parser = when::typed)]
    to: Option<Timestamp>,
    #[command(flatten)]
    paging: Paging,
    #[command(flatten)]
    output: OutputArgs,
    #[command(flatten)]
    server: ServerArgs,
}

impl AccessArgs {
    pub(super) fn request(&self) -> pb::ListSubjectAccessRequest {
        pb::ListSubjectAccessRequest {
            subject_ref: self.subject.clone(),
            from: self.from,
            to: self.to,
            page_size: self.paging.size(),
            page_token: self.paging.token(),
        }
    }
}

/// Prints who saw the person. Ends with 1 if nobody did.
pub async fn run(args: &AccessArgs) -> anyhow::Result<ExitCode> {
    let mut client = client::audit(args.server.connect().await?);
    let answer = fetch(&mut client, args.request(), args.paging.all).await?;
    output::print(&match args.output.output {
        Format::Table => screen(&args.subject, &answer, Page::of_stdout()),
        Format::Json => output::json(&answer)?,
        Format::Csv => csv(&answer)?,
    })?;
    Ok(if answer.accesses.is_empty() { Exit::Nothing } else { Exit::Done }.into())
}

/// One page, or with `all` every page to the end as if it were one. A page without entries is passed over.
async fn fetch(
    client: &mut AuditServiceClient<Channel>,
    request: pb::ListSubjectAccessRequest,
    all: bool,
) -> Result<pb::ListSubjectAccessResponse, Status> {
    follow(request, Follow::all(all, Follow::FirstRow), async |request| client.list_subject_access(request).await).await
}

/// Who saw the person, as a table.
pub(super) fn screen(subject: &str, answer: &pb::ListSubjectAccessResponse, page: Page) -> String {
    let mut text = format!("{}\n", page.bold(&format!("WHO SAW {}", plain(subject))));
    if answer.accesses.is_empty() {
        text.push_str("Nobody did in that time.\n");
        return text;
    }
    let mut table = page.table();
    table.set_header(["entry", "when", "who", "as", "purpose", "through", "list", "outcome", "with"].map(left));
    for access in &answer.accesses {
        let others = if access.other_subjects == 0 { String::new() } else { count(access.other_subjects) + " others" };
        table.add_row([
            right(count(access.number)),
            left(when::told(access.instant.as_ref())),
            left(who(&access.actor, &access.on_behalf_of)),
            left(access.roles.join(", ")),
            left(&access.purpose),
            left(if access.rpc.is_empty() { kind(access.kind()) } else { method(&access.rpc) }),
            left(list(access.list)),
            left(outcome(access.outcome())),
            left(others),
        ]);
    }
    text.push_str(&drawn(&mut table, 0));
    text + &format!("\n{}\n", page.faint(&under(answer.accesses.len(), &answer.next_page_token, answer.head.as_ref())))
}

const CSV_HEADER: [&str; 12] = [
    "number",
    "instant",
    "kind",
    "outcome",
    "actor",
    "roles",
    "on_behalf_of",
    "purpose",
    "rpc",
    "list",
    "other_subjects",
    "correlation_id",
];

fn csv(answer: &pb::ListSubjectAccessResponse) -> anyhow::Result<String> {
    let rows = answer.accesses.iter().map(|access| {
        [
            access.number.to_string(),
            when::utc(access.instant.as_ref()),
            kind(access.kind()).to_owned(),
            outcome(access.outcome()).to_lowercase(),
            access.actor.clone(),
            access.roles.join(" "),
            access.on_behalf_of.clone(),
            access.purpose.clone(),
            access.rpc.clone(),
            list(access.list).to_owned(),
            access.other_subjects.to_string(),
            access.correlation_id.clone(),
        ]
    });
    output::csv(CSV_HEADER, rows)
}
