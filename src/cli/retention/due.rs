//! `retention due`: whose records are due for review, by group and date, with what
//! put them in their group.

use std::fmt::Write as _;
use std::process::ExitCode;

use crate::cli::client::{self, ServerArgs};
use crate::cli::exit::Exit;
use crate::cli::list::told_from;
use crate::cli::output::{self, Format, OutputArgs, Page, count, day, indented, left, lines, plain};
use crate::cli::paging::{Follow, Paging, follow};
use crate::cli::word::spoken_number;
use crate::domain::Date;
use crate::domain::word::{RetentionGround, RetentionOutcome};
use crate::pb;

/// Arguments of `retention due`.
#[derive(Debug, clap::Args)]
pub struct DueArgs {
    /// Only of this review group, 1 to 4 [default: all]
    #[arg(long, value_name = "GROUP", value_parser = clap::value_parser!(u8).range(1..=4))]
    group: Option<u8>,
    /// Due on this day or earlier [default: the day of the lists]
    #[arg(long, value_name = "DATE")]
    by: Option<Date>,
    #[command(flatten)]
    paging: Paging,
    #[command(flatten)]
    output: OutputArgs,
    #[command(flatten)]
    server: ServerArgs,
}

impl DueArgs {
    pub(super) fn request(&self) -> pb::ListRetentionDueRequest {
        pb::ListRetentionDueRequest {
            // Groups have their own numbers in the contract.
            group: self.group.map_or(0, i32::from),
            due_on_or_before: self.by.map_or_else(String::new, |by| by.to_string()),
            page_size: self.paging.size(),
            page_token: self.paging.token(),
            ..Default::default()
        }
    }
}

/// Prints who is due. Ends with 1 if nobody is.
pub async fn run(args: &DueArgs) -> anyhow::Result<ExitCode> {
    let mut client = client::evidence(args.server.connect().await?);
    let far = Follow::all(args.paging.all, Follow::OnePage);
    let answer = follow(args.request(), far, async |request| client.list_retention_due(request).await).await?;
    output::print(&match args.output.output {
        Format::Table => screen(&answer, Page::of_stdout()),
        Format::Json => output::json(&answer)?,
        Format::Csv => csv(&answer)?,
    })?;
    Ok(if answer.due.is_empty() { Exit::Nothing } else { Exit::Done }.into())
}

/// A row a person, and under it why they are in their group and what was decided last.
pub(super) fn screen(answer: &pb::ListRetentionDueResponse, page: Page) -> String {
    let people = if answer.total == 1 { "person" } else { "people" };
    let mut text = format!(
        "{}  {} {people}, the longest due first.\n{}\n",
        page.bold("RETENTION REVIEWS DUE"),
        count(answer.total),
        page.faint(&told_from(answer.context.as_ref()))
    );
    if answer.due.is_empty() {
        text.push_str("Nobody is due.\n");
        return text;
    }
    let mut table = page.table();
    table.set_header(["subject", "group", "last event", "last review", "due", "how it stands"].map(left));
    for row in &answer.due {
        let reviewed = row.last_review.as_ref().map(|review| day(&review.reviewed_on));
        table.add_row([
            left(&row.subject_ref),
            left(row.group.to_string()),
            left(if row.last_event_date.is_empty() { "none".to_owned() } else { day(&row.last_event_date) }),
            left(reviewed.unwrap_or_else(|| "none".to_owned())),
            left(day(&row.due_on)),
            left(standing(row.days_overdue)),
        ]);
    }
    let mut rows = lines(&mut table);
    // The headings and the rule under them.
    text.extend(rows.by_ref().take(2).map(|heading| heading + "\n"));
    for (line, row) in rows.zip(&answer.due) {
        text.push_str(&line);
        text.push('\n');
        text.push_str(&indented(&why(row), 4, page.width));
    }
    if !answer.next_page_token.is_empty() {
        text.push_str("There are more: --all follows them.\n");
    }
    text
}

fn standing(days_overdue: i32) -> String {
    let days = count(days_overdue.unsigned_abs());
    match days_overdue {
        0 => "due today".to_owned(),
        1 => "1 day overdue".to_owned(),
        2.. => format!("{days} days overdue"),
        -1 => "1 day to go".to_owned(),
        ..-1 => format!("{days} days to go"),
    }
}

/// Why the person is in their group, and what an officer decided last.
fn why(row: &pb::RetentionDue) -> String {
    let reason = |reason: &pb::RetentionReason| {
        let ground = spoken_number::<RetentionGround>(reason.ground);
        format!("{ground} {} of {}", plain(&reason.record_id), day(&reason.date))
    };
    let mut reasons: Vec<String> = row.reasons.iter().map(reason).collect();
    if row.further_reasons > 0 {
        reasons.push(format!("{} more", count(row.further_reasons)));
    }
    let mut told = if reasons.is_empty() {
        "No offence of their own is held.".to_owned()
    } else {
        format!("By {}.", reasons.join(", "))
    };
    if let Some(review) = &row.last_review {
        let outcome = match RetentionOutcome::from_proto(review.outcome) {
            Some(RetentionOutcome::Retain) => "To be kept",
            Some(RetentionOutcome::Dispose) => "No longer needed",
            None => "Reviewed",
        };
        let _ = write!(told, " {outcome}, by {}: {}.", plain(&review.officer), plain(&review.reason));
    }
    if row.child {
        told.push_str(" Under 18.");
    }
    if row.restricted {
        told.push_str(" Processing is restricted.");
    }
    told
}

const CSV_HEADER: [&str; 13] = [
    "subject_ref",
    "group",
    "record_ids",
    "further_reasons",
    "last_event_date",
    "counted_from",
    "reviewed_on",
    "outcome",
    "officer",
    "due_on",
    "days_overdue",
    "child",
    "restricted",
];

pub(super) fn csv(answer: &pb::ListRetentionDueResponse) -> anyhow::Result<String> {
    let rows = answer.due.iter().map(|row| {
        let review = row.last_review.clone().unwrap_or_default();
        let records: Vec<&str> = row.reasons.iter().map(|reason| &*reason.record_id).collect();
        [
            row.subject_ref.clone(),
            row.group.to_string(),
            records.join(" "),
            row.further_reasons.to_string(),
            row.last_event_date.clone(),
            row.counted_from.clone(),
            review.reviewed_on,
            spoken_number::<RetentionOutcome>(review.outcome),
            review.officer,
            row.due_on.clone(),
            row.days_overdue.to_string(),
            row.child.to_string(),
            row.restricted.to_string(),
        ]
    });
    output::csv(CSV_HEADER, rows)
}
