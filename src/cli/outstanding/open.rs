//! `outstanding open` and `outstanding reopen`: a file begins, or begins again. Two
//! commands over one call, so that neither is done for the other by mistake.

use std::process::ExitCode;

use pbjson_types::Timestamp;

use super::terms::{Desk, Terms};
use crate::cli::word::{Typed, parser};
use crate::cli::write::{Receipt, WriteArgs, settled};
use crate::cli::{client, when};
use crate::domain::word::{Circulation, OutstandingReason};
use crate::pb;

/// Arguments of `outstanding open`.
#[derive(Debug, clap::Args)]
pub struct OpenArgs {
    /// The person's reference; a person not held before is taken in
    #[arg(value_name = "SUBJECT_REF")]
    subject: String,
    /// Why the person is outstanding
    #[arg(long, value_name = "REASON", value_parser = parser::<OutstandingReason>(), ignore_case = true)]
    reason: OutstandingReason,
    /// Id of the file, such as a warrant's number [default: the server makes one]
    #[arg(long, value_name = "ID", default_value_t, hide_default_value = true)]
    file: String,
    /// System that the file comes from [default: steelyard]
    #[arg(long, value_name = "SYSTEM", default_value_t, hide_default_value = true)]
    source: String,
    /// When the person became outstanding, as RFC 3339 [default: now]
    #[arg(long, value_name = "TIME", value_parser = when::typed)]
    at: Option<Timestamp>,
    #[command(flatten)]
    write: WriteArgs,
    #[command(flatten)]
    circulated: Circulated,
    #[command(flatten)]
    desk: Desk,
    #[command(flatten)]
    terms: Terms,
}

/// Arguments of `outstanding reopen`.
#[derive(Debug, clap::Args)]
pub struct ReopenArgs {
    /// The person's reference
    #[arg(value_name = "SUBJECT_REF")]
    subject: String,
    /// Id of the closed file
    #[arg(long, value_name = "ID")]
    file: String,
    /// When the person became outstanding again, as RFC 3339 [default: now]
    #[arg(long, value_name = "TIME", value_parser = when::typed)]
    at: Option<Timestamp>,
    /// Etag of the file [default: whatever version is in force]
    #[arg(long, value_name = "ETAG", default_value_t, hide_default_value = true)]
    etag: String,
    #[command(flatten)]
    write: WriteArgs,
    #[command(flatten)]
    circulated: Circulated,
    #[command(flatten)]
    desk: Desk,
    #[command(flatten)]
    terms: Terms,
}

/// Where the file is circulated already.
#[derive(Debug, Default, clap::Args)]
#[command(next_help_heading = "Circulated already")]
struct Circulated {
    /// Where
    #[arg(long, value_name = "WHERE", requires = "since", value_parser = parser::<Circulation>(), ignore_case = true)]
    circulation: Option<Circulation>,
    /// Since when, as RFC 3339
    #[arg(long = "circulated-at", value_name = "TIME", requires = "circulation", value_parser = when::typed)]
    since: Option<Timestamp>,
    /// Officer who did it
    #[arg(long = "circulated-by", value_name = "OFFICER", requires = "circulation")]
    by: Option<String>,
    /// Reference of the entry on that system
    #[arg(long, value_name = "REF", requires = "circulation")]
    system_ref: Option<String>,
}

impl Circulated {
    fn steps(&self) -> Vec<pb::CirculationStep> {
        let step = self.circulation.map(|circulation| pb::CirculationStep {
            circulation: circulation.number(),
            changed_time: self.since,
            officer: self.by.clone().unwrap_or_default(),
            system_ref: self.system_ref.clone().unwrap_or_default(),
        });
        step.into_iter().collect()
    }
}

fn terms(circulated: &Circulated, desk: &Desk, terms: &Terms) -> pb::OpenOutstandingRequest {
    pb::OpenOutstandingRequest {
        offence_ids: desk.offence.clone(),
        area: desk.area.clone().unwrap_or_default(),
        officer: desk.officer.clone().unwrap_or_default(),
        supervisor: desk.supervisor.clone().unwrap_or_default(),
        circulations: circulated.steps(),
        bail: terms.bail(),
        warrant: terms.warrant(),
        recall: terms.recall(),
        ..Default::default()
    }
}

impl OpenArgs {
    pub(super) fn request(&self, request_id: &str) -> pb::OpenOutstandingRequest {
        pb::OpenOutstandingRequest {
            request_id: request_id.to_owned(),
            subject_ref: self.subject.clone(),
            outstanding_id: self.file.clone(),
            source_system: self.source.clone(),
            reason: self.reason.number(),
            opened_time: self.at,
            ..terms(&self.circulated, &self.desk, &self.terms)
        }
    }
}

impl ReopenArgs {
    pub(super) fn request(&self, request_id: &str) -> pb::OpenOutstandingRequest {
        pb::OpenOutstandingRequest {
            request_id: request_id.to_owned(),
            subject_ref: self.subject.clone(),
            outstanding_id: self.file.clone(),
            opened_time: self.at,
            reopen: true,
            etag: self.etag.clone(),
            ..terms(&self.circulated, &self.desk, &self.terms)
        }
    }
}

/// Opens a file.
pub async fn open(args: &OpenArgs) -> anyhow::Result<ExitCode> {
    let id = args.write.request_id();
    send(&args.write, args.request(&id), "opened").await
}

/// Opens a closed file again.
pub async fn reopen(args: &ReopenArgs) -> anyhow::Result<ExitCode> {
    let id = args.write.request_id();
    send(&args.write, args.request(&id), "opened again").await
}

async fn send(write: &WriteArgs, request: pb::OpenOutstandingRequest, done: &str) -> anyhow::Result<ExitCode> {
    let id = request.request_id.clone();
    let mut client = client::outstanding(write.connect().await?);
    let answer = settled(client.open_outstanding(request).await, &id)?;
    let receipt = Receipt {
        done: format!("File {} {done}", answer.outstanding_id),
        id: answer.outstanding_id.clone(),
        revision: answer.revision,
        etag: answer.etag.clone(),
        remarks: Vec::new(),
    };
    write.tell(&receipt, &answer)
}
