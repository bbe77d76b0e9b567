//! `outstanding show`: a person's files with their clocks and everything that happened.

use std::process::ExitCode;

use super::screen;
use super::timeline::kind_word;
use crate::cli::client::{self, ServerArgs};
use crate::cli::exit::Exit;
use crate::cli::output::{self, Format, OutputArgs, Page};
use crate::cli::when;
use crate::cli::word::spoken_number;
use crate::domain::word::OutstandingReason;
use crate::pb;

/// Arguments of `outstanding show`.
#[derive(Debug, clap::Args)]
pub struct ShowArgs {
    /// The person's reference
    #[arg(value_name = "SUBJECT_REF")]
    subject: String,
    /// Id of one file [default: every file of the person]
    #[arg(long, value_name = "ID", default_value_t, hide_default_value = true)]
    file: String,
    #[command(flatten)]
    output: OutputArgs,
    #[command(flatten)]
    server: ServerArgs,
}

impl ShowArgs {
    pub(super) fn request(&self) -> pb::GetOutstandingRequest {
        pb::GetOutstandingRequest {
            subject_ref: self.subject.clone(),
            outstanding_id: self.file.clone(),
            ..Default::default()
        }
    }
}

/// Prints the files. Ends with 1 if the person has none.
pub async fn run(args: &ShowArgs) -> anyhow::Result<ExitCode> {
    let mut client = client::outstanding(args.server.connect().await?);
    let answer = client.get_outstanding(args.request()).await?.into_inner();
    output::print(&match args.output.output {
        Format::Table => screen(&answer, Page::of_stdout()),
        Format::Json => output::json(&answer)?,
        Format::Csv => csv(&answer)?,
    })?;
    Ok(if answer.files.is_empty() { Exit::Nothing } else { Exit::Done }.into())
}

pub(super) const CSV_HEADER: [&str; 14] = [
    "subject_ref",
    "outstanding_id",
    "reason",
    "open",
    "kind",
    "event_time",
    "recorded_time",
    "revision",
    "record_id",
    "officer",
    "actor",
    "counts",
    "why_not",
    "description",
];

/// One row for each thing that happened.
pub(super) fn csv(answer: &pb::GetOutstandingResponse) -> anyhow::Result<String> {
    let rows = answer.files.iter().flat_map(|file| {
        let reason = file.file.as_ref().map_or(0, |record| record.reason);
        file.timeline.iter().map(move |entry| {
            [
                answer.subject_ref.clone(),
                file.outstanding_id.clone(),
                spoken_number::<OutstandingReason>(reason),
                file.open.to_string(),
                kind_word(entry.kind()).to_owned(),
                when::utc(entry.event_time.as_ref()),
                when::utc(entry.recorded_time.as_ref()),
                entry.revision.to_string(),
                entry.record_id.clone(),
                entry.officer.clone(),
                entry.actor.clone(),
                entry.counts.to_string(),
                entry.why_not.clone(),
                entry.description.clone(),
            ]
        })
    });
    output::csv(CSV_HEADER, rows)
}
