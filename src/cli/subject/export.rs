//! `subject export`: everything held of a person, for that person, as JSON lines
//! for machines and as a text to be read. What is not given is counted. A file is
//! named only once it is whole, is closed to other users, and is never written
//! over another.

use std::fmt::Write as _;
use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail};

use crate::cli::client::{self, ServerArgs};
use crate::cli::exit::Exit;
use crate::cli::output::{self, Page, count, day, indented, plain, points};
use crate::cli::when;
use crate::cli::word::list_name;
use crate::pb;
use crate::pb::export_subject_response::Part;
use crate::pb::exported_event::Event;

/// Arguments of `subject export`.
#[derive(Debug, clap::Args)]
pub struct ExportArgs {
    /// The person's reference
    #[arg(value_name = "SUBJECT_REF")]
    subject: String,
    /// Write JSON lines, a part a line, to this file
    #[arg(long, value_name = "FILE")]
    ndjson: Option<PathBuf>,
    /// Write a text to be read to this file [default, without --ndjson: standard output]
    #[arg(long, value_name = "FILE")]
    text: Option<PathBuf>,
    /// Also give the references of officers and of callers
    #[arg(long)]
    include_officers: bool,
    #[command(flatten)]
    server: ServerArgs,
}

impl ExportArgs {
    pub(super) fn request(&self) -> pb::ExportSubjectRequest {
        pb::ExportSubjectRequest {
            subject_ref: self.subject.clone(),
            include_officers: self.include_officers,
            ..Default::default()
        }
    }
}

/// Exports.
pub async fn run(args: &ExportArgs) -> anyhow::Result<ExitCode> {
    let mut client = client::evidence(args.server.connect().await?);
    let mut stream = client.export_subject(args.request()).await?.into_inner();
    let mut parts = Vec::new();
    while let Some(message) = stream.message().await? {
        parts.extend(message.part);
    }
    if !matches!(parts.last(), Some(Part::Sum(_))) {
        bail!("the export broke off before its end, and nothing was written: ask again");
    }
    if let Some(file) = &args.ndjson {
        keep(file, &ndjson(&parts)?)?;
    }
    match (&args.text, &args.ndjson) {
        (Some(file), _) => keep(file, &readable(&parts, Page::PLAIN))?,
        (None, None) => output::print(&readable(&parts, Page::of_stdout()))?,
        (None, Some(_)) => {}
    }
    Ok(Exit::Done.into())
}

/// A part a line.
pub(super) fn ndjson(parts: &[Part]) -> anyhow::Result<String> {
    let mut text = String::new();
    for part in parts {
        let message = pb::ExportSubjectResponse { part: Some(part.clone()) };
        text.push_str(&serde_json::to_string(&message)?);
        text.push('\n');
    }
    Ok(text)
}

fn keep(file: &Path, text: &str) -> anyhow::Result<()> {
    if file.exists() {
        bail!("{} is there already, and is not written over", file.display());
    }
    let mut name = file.as_os_str().to_owned();
    name.push(".part");
    let unfinished = PathBuf::from(name);
    let written = (|| {
        let mut open = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&unfinished)?;
        open.write_all(text.as_bytes())?;
        open.sync_all()?;
        fs::rename(&unfinished, file)
    })();
    written.with_context(|| format!("cannot write {}", file.display()))
}

/// A text to be read.
pub(super) fn readable(parts: &[Part], page: Page) -> String {
    let mut text = String::new();
    let mut section = "";
    for part in parts {
        let (heading, lines) = told(part);
        if heading != section {
            text.push_str(&page.heading(heading));
            section = heading;
        }
        text.push_str(&indented(&lines, 2, page.width));
    }
    text
}

/// The section that a part belongs to, and what it says.
fn told(part: &Part) -> (&'static str, String) {
    match part {
        Part::Head(head) => {
            let as_of = head.context.as_ref().map_or_else(String::new, |context| day(&context.as_of));
            let told = format!(
                "Everything held of {} ({}), weighed on {as_of}, exported {}.",
                plain(&head.standing_ref),
                plain(&head.references.join(", ")),
                when::told(head.exported_time.as_ref())
            );
            ("WHAT IS HELD", told)
        }
        Part::Record(record) => ("RECORDS", of_record(record)),
        Part::Event(event) => ("WHAT BECAME OF THE RECORDS", of_event(event)),
        Part::Standing(listed) => {
            let standing = listed.standing.clone().unwrap_or_default();
            let mut told = format!(
                "{}: rank {} of {}, {} points.",
                list_name(listed.list),
                count(standing.rank),
                count(listed.list_size),
                points(standing.composite)
            );
            for share in standing.detail.iter().flat_map(|detail| &detail.contributions) {
                let why = if share.description.is_empty() { "withheld" } else { &share.description };
                let _ = write!(told, " {} points: {}", points(share.milli_points), plain(why));
            }
            ("HOW THE PERSON STANDS", told)
        }
        Part::History(history) => {
            let mut told = format!("{} on {}:", plain(&history.subject_ref), list_name(history.list));
            for entry in &history.entries {
                let standing = entry.standing.unwrap_or_default();
                let _ = write!(
                    told,
                    " {} rank {}, {} points;",
                    day(&entry.as_of),
                    standing.rank,
                    points(standing.composite)
                );
            }
            ("HOW THE PERSON STOOD", told)
        }
        Part::Sum(sum) => {
            let told = format!(
                "{} versions of records and {} events. Withheld: {} records of sensitive intelligence, {} references of others, {} \
                 of officers and callers. {} texts written freely may name others: read them before this is handed over.",
                count(sum.records),
                count(sum.events),
                count(sum.sensitive_records_withheld),
                count(sum.third_party_references_withheld),
                count(sum.officer_references_withheld),
                count(sum.free_texts)
            );
            ("WHAT IS NOT GIVEN", told)
        }
    }
}

fn of_record(record: &pb::ExportedRecord) -> String {
    let held = record.held.clone().unwrap_or_default();
    let state = match held.state() {
        pb::RecordState::InForce => "in force",
        pb::RecordState::Superseded => "superseded",
        pb::RecordState::Withdrawn => "withdrawn",
        pb::RecordState::Unspecified => "",
    };
    let stated = held.record.unwrap_or_default();
    let only = pb::Record { kind: stated.kind.clone(), ..pb::Record::default() };
    let body = serde_json::to_string(&only).unwrap_or_default();
    let mut told = format!(
        "{} of {}, {state}, taken in {} from {}: {}",
        plain(&stated.id),
        day(&stated.event_date),
        when::told(held.ingested_time.as_ref()),
        plain(&stated.source_system),
        plain(&body)
    );
    if !record.withheld.is_empty() {
        let _ = write!(told, " Withheld: {}.", record.withheld.join(", "));
    }
    told
}

fn of_event(event: &pb::ExportedEvent) -> String {
    let what = match &event.event {
        Some(Event::Merged(told)) => format!("{} was merged into {}: {}", told.merged_ref, told.into_ref, told.reason),
        Some(Event::Unmerged(told)) => {
            format!("{} was taken apart from {}: {}", told.merged_ref, told.into_ref, told.reason)
        }
        Some(Event::Restricted(told)) => format!("processing was restricted: {}", told.reason),
        Some(Event::Lifted(told)) => format!("the restriction ended: {}", told.reason),
        Some(Event::Disclosed(told)) => {
            format!("{} was disclosed to {} for {} ({})", told.what, told.recipient, told.purpose, told.legal_basis)
        }
        Some(Event::Reviewed(told)) => {
            let next = if told.next_review_on.is_empty() {
                "they are no longer needed".to_owned()
            } else {
                format!("kept until a review by {}", day(&told.next_review_on))
            };
            format!(
                "whether to keep the records was reviewed on {}, and {next}: {}",
                day(&told.reviewed_on),
                told.reason
            )
        }
        None => String::new(),
    };
    format!("{}: {}.", when::told(event.recorded_time.as_ref()), plain(&what))
}
