//! `subject disclose` and `subject disclosures`: what was given to whom outside
//! the force, on what basis. Disclosing itself is done elsewhere: this keeps that
//! it was.

use std::process::ExitCode;

use crate::cli::client::Channel;
use pbjson_types::Timestamp;
use tonic::Status;

use crate::cli::client::{self, ServerArgs};
use crate::cli::exit::Exit;
use crate::cli::list::told_from;
use crate::cli::output::{self, Format, OutputArgs, Page, indented, left, lines, plain};
use crate::cli::paging::{Follow, Paging, follow};
use crate::cli::when;
use crate::cli::write::{Receipt, WriteArgs, settled};
use crate::domain::Date;
use crate::pb;
use crate::pb::evidence_service_client::EvidenceServiceClient;

/// Arguments of `subject disclose`.
#[derive(Debug, clap::Args)]
pub struct DiscloseArgs {
    /// The person's reference
    #[arg(value_name = "SUBJECT_REF")]
    subject: String,
    /// To whom: an organisation, and whom there
    #[arg(long, value_name = "TEXT")]
    recipient: String,
    /// What for, 10 to 500 characters
    #[arg(id = "disclosure_purpose", long = "for", value_name = "TEXT")]
    purpose: String,
    /// What: which records or which standing, in words, 10 to 2,000 characters
    #[arg(long, value_name = "TEXT")]
    what: String,
    /// On what legal basis
    #[arg(long, value_name = "TEXT")]
    legal_basis: String,
    /// Officer who disclosed it
    #[arg(long, value_name = "OFFICER")]
    officer: String,
    /// When, as RFC 3339 [default: now]
    #[arg(long, value_name = "TIME", value_parser = when::typed)]
    at: Option<Timestamp>,
    /// Reference of the case or the request
    #[arg(long, value_name = "REF", default_value_t, hide_default_value = true)]
    case_ref: String,
    #[command(flatten)]
    write: WriteArgs,
}

impl DiscloseArgs {
    pub(super) fn request(&self, request_id: &str) -> pb::RecordDisclosureRequest {
        pb::RecordDisclosureRequest {
            request_id: request_id.to_owned(),
            subject_ref: self.subject.clone(),
            recipient: self.recipient.clone(),
            purpose: self.purpose.clone(),
            what: self.what.clone(),
            legal_basis: self.legal_basis.clone(),
            officer: self.officer.clone(),
            disclosed_time: self.at,
            case_ref: self.case_ref.clone(),
        }
    }
}

/// Records a disclosure.
pub async fn disclose(args: &DiscloseArgs) -> anyhow::Result<ExitCode> {
    let id = args.write.request_id();
    let mut client = client::evidence(args.write.connect().await?);
    let answer = settled(client.record_disclosure(args.request(&id)).await, &id)?;
    let receipt = Receipt {
        done: format!("Disclosure of {} to {} recorded", args.subject, args.recipient),
        id: args.subject.clone(),
        revision: answer.revision,
        ..Receipt::default()
    };
    args.write.tell(&receipt, &answer)
}

/// Arguments of `subject disclosures`.
#[derive(Debug, clap::Args)]
pub struct DisclosuresArgs {
    /// The person's reference [default: everybody]
    #[arg(value_name = "SUBJECT_REF", default_value_t, hide_default_value = true)]
    subject: String,
    /// Only to recipients whose name contains this
    #[arg(long, value_name = "TEXT", default_value_t, hide_default_value = true)]
    recipient: String,
    /// First day disclosed
    #[arg(long, value_name = "DATE")]
    from: Option<Date>,
    /// Last day disclosed
    #[arg(long, value_name = "DATE")]
    to: Option<Date>,
    #[command(flatten)]
    paging: Paging,
    #[command(flatten)]
    output: OutputArgs,
    #[command(flatten)]
    server: ServerArgs,
}

impl DisclosuresArgs {
    pub(super) fn request(&self) -> pb::ListDisclosuresRequest {
        let date = |date: Option<Date>| date.map_or_else(String::new, |date| date.to_string());
        pb::ListDisclosuresRequest {
            subject_ref: self.subject.clone(),
            recipient: self.recipient.clone(),
            from: date(self.from),
            to: date(self.to),
            page_size: self.paging.size(),
            page_token: self.paging.token(),
            ..Default::default()
        }
    }
}

/// Prints the disclosures. Ends with 1 if there are none.
pub async fn disclosures(args: &DisclosuresArgs) -> anyhow::Result<ExitCode> {
    let mut client = client::evidence(args.server.connect().await?);
    let answer = fetch(&mut client, args.request(), args.paging.all).await?;
    output::print(&match args.output.output {
        Format::Table => screen(&answer, Page::of_stdout()),
        Format::Json => output::json(&answer)?,
        Format::Csv => csv(&answer)?,
    })?;
    Ok(if answer.disclosures.is_empty() { Exit::Nothing } else { Exit::Done }.into())
}

async fn fetch(
    client: &mut EvidenceServiceClient<Channel>,
    request: pb::ListDisclosuresRequest,
    all: bool,
) -> Result<pb::ListDisclosuresResponse, Status> {
    follow(request, Follow::all(all, Follow::OnePage), async |request| client.list_disclosures(request).await).await
}

/// A row a disclosure, and under it what and on what basis.
pub(super) fn screen(answer: &pb::ListDisclosuresResponse, page: Page) -> String {
    let mut text = format!("{}\n{}\n", page.bold("DISCLOSURES"), page.faint(&told_from(answer.context.as_ref())));
    if answer.disclosures.is_empty() {
        text.push_str("No disclosure matches.\n");
        return text;
    }
    let mut table = page.table();
    table.set_header(["disclosed", "subject", "recipient", "by"].map(left));
    for one in &answer.disclosures {
        let when = when::told(one.disclosed_time.as_ref());
        table.add_row([left(when), left(&one.subject_ref), left(plain(&one.recipient)), left(&one.officer)]);
    }
    let mut rows = lines(&mut table);
    // The headings and the rule under them.
    text.extend(rows.by_ref().take(2).map(|heading| heading + "\n"));
    for (row, one) in rows.zip(&answer.disclosures) {
        text.push_str(&row);
        text.push('\n');
        let why = format!("{}. For: {}. Basis: {}.", plain(&one.what), plain(&one.purpose), plain(&one.legal_basis));
        text.push_str(&indented(&why, 4, page.width));
    }
    if !answer.next_page_token.is_empty() {
        text.push_str("There are more: --all follows them.\n");
    }
    text
}

fn csv(answer: &pb::ListDisclosuresResponse) -> anyhow::Result<String> {
    let row = |one: &pb::Disclosure| {
        [
            one.subject_ref.clone(),
            one.recipient.clone(),
            one.purpose.clone(),
            one.what.clone(),
            one.legal_basis.clone(),
            one.officer.clone(),
            when::utc(one.disclosed_time.as_ref()),
            one.case_ref.clone(),
            one.revision.to_string(),
        ]
    };
    let header = [
        "subject_ref",
        "recipient",
        "purpose",
        "what",
        "legal_basis",
        "officer",
        "disclosed_time",
        "case_ref",
        "revision",
    ];
    output::csv(header, answer.disclosures.iter().map(row))
}
