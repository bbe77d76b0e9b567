//! `cohort reviews`: whose management is due to be looked at again, by their grade.

use std::process::ExitCode;

use crate::cli::client::{self, ServerArgs};
use crate::cli::exit::Exit;
use crate::cli::list::told_from;
use crate::cli::output::{self, Format, OutputArgs, Page, band_cell, band_word, count, drawn, left};
use crate::cli::when;
use crate::cli::word::spoken_number;
use crate::domain::word::{CohortStatus, Rag};
use crate::pb;

/// Rows where nothing is asked for.
const DEFAULT_ROWS: u32 = 50;

/// Arguments of `cohort reviews`.
#[derive(Debug, clap::Args)]
pub struct ReviewsArgs {
    /// Rows, 1 to 1,000
    #[arg(long, visible_alias = "page-size", value_name = "ROWS", default_value_t = DEFAULT_ROWS)]
    limit: u32,
    #[command(flatten)]
    output: OutputArgs,
    #[command(flatten)]
    server: ServerArgs,
    // Last: its heading would otherwise take in the flags that follow it.
    #[command(flatten)]
    filter: Filter,
}

/// Narrows the list. Different flags combine with "and", values of one flag with "or".
#[derive(Debug, Default, clap::Args)]
#[command(next_help_heading = "Filters (each may be repeated, or hold values separated by commas)")]
struct Filter {
    /// Policing area
    #[arg(long, value_name = "AREA", value_delimiter = ',')]
    area: Vec<String>,
    /// Offender manager
    #[arg(long, value_name = "OFFICER", value_delimiter = ',')]
    officer: Vec<String>,
    /// Only members whose review is overdue
    #[arg(long)]
    overdue: bool,
}

impl ReviewsArgs {
    pub(super) fn request(&self) -> pb::ListCohortReviewsRequest {
        pb::ListCohortReviewsRequest {
            areas: self.filter.area.clone(),
            offender_managers: self.filter.officer.clone(),
            overdue_only: self.filter.overdue,
            most: self.limit,
            ..Default::default()
        }
    }
}

/// Prints the list. Ends with 1 if nobody is on it.
pub async fn run(args: &ReviewsArgs) -> anyhow::Result<ExitCode> {
    let mut client = client::cohort(args.server.connect().await?);
    let answer = client.list_cohort_reviews(args.request()).await?.into_inner();
    output::print(&match args.output.output {
        Format::Table => screen(&answer, Page::of_stdout()),
        Format::Json => output::json(&answer)?,
        Format::Csv => csv(&answer)?,
    })?;
    Ok(if answer.reviews.is_empty() { Exit::Nothing } else { Exit::Done }.into())
}

/// How a member's review stands.
pub(in crate::cli) fn review_standing(review: &pb::CohortReview) -> String {
    let due = review.due_time.as_ref();
    due.map_or_else(|| "none is due".to_owned(), |_| when::standing(review.overdue_seconds))
}

pub(super) fn screen(answer: &pb::ListCohortReviewsResponse, page: Page) -> String {
    let members = if answer.members == 1 { "member" } else { "members" };
    let mut text = format!(
        "{}  {} in London: {} {members}, {} overdue.\n{}\n",
        page.bold("COHORT REVIEWS"),
        when::told(answer.instant.as_ref()),
        count(answer.members),
        count(answer.overdue),
        page.faint(&told_from(answer.context.as_ref()))
    );
    if answer.reviews.is_empty() {
        text.push_str("Nobody matches.\n");
        return text;
    }
    let mut table = page.table();
    let header = ["subject", "band", "status", "grade", "manager", "area", "last decision", "how it stands"];
    table.set_header(header.map(left));
    for review in &answer.reviews {
        let last = review.reviewed_time.as_ref();
        table.add_row([
            left(&review.subject_ref),
            band_cell(review.band()),
            left(spoken_number::<CohortStatus>(review.status)),
            left(spoken_number::<Rag>(review.rag)),
            left(&review.offender_manager),
            left(&review.area),
            left(last.map_or_else(|| "none since selected".to_owned(), |time| when::told(Some(time)))),
            left(review_standing(review)),
        ]);
    }
    text.push('\n');
    text.push_str(&drawn(&mut table, 0));
    let shown = u64::try_from(answer.reviews.len()).expect("a length must fit in 64 bits");
    text + &format!("\n{}\n", page.faint(&format!("{} shown, the most overdue first.", count(shown))))
}

pub(super) const CSV_HEADER: [&str; 9] = [
    "subject_ref",
    "status",
    "rag",
    "band",
    "offender_manager",
    "area",
    "reviewed_time",
    "due_time",
    "overdue_seconds",
];

pub(super) fn csv(answer: &pb::ListCohortReviewsResponse) -> anyhow::Result<String> {
    let rows = answer.reviews.iter().map(|review| {
        [
            review.subject_ref.clone(),
            spoken_number::<CohortStatus>(review.status),
            spoken_number::<Rag>(review.rag),
            band_word(review.band()).to_owned(),
            review.offender_manager.clone(),
            review.area.clone(),
            when::utc(review.reviewed_time.as_ref()),
            when::utc(review.due_time.as_ref()),
            review.overdue_seconds.to_string(),
        ]
    });
    output::csv(CSV_HEADER, rows)
}
