//! `cohort decisions`: who decided what and why, and where the person stood at that
//! moment. One that says word for word what another says of somebody else is marked.

use std::process::ExitCode;

use comfy_table::ColumnConstraint;
use tonic::Status;

use crate::cli::client::Channel;
use crate::cli::client::{self, ServerArgs};
use crate::cli::exit::Exit;
use crate::cli::list::told_from;
use crate::cli::output::{self, Format, OutputArgs, Page, band_word, count, indented, left, lines, points};
use crate::cli::paging::{Follow, Paging, follow};
use crate::cli::when;
use crate::cli::word::{list_name, numbers, parser, spoken_number};
use crate::domain::Date;
use crate::domain::word::{CohortStatus, DecisionKind, Rag};
use crate::pb;
use crate::pb::cohort_service_client::CohortServiceClient;

/// Most rows a page with the explanations.
const MOST_DETAILED_ROWS: u32 = 100;

/// Arguments of `cohort decisions`.
#[derive(Debug, clap::Args)]
pub struct DecisionsArgs {
    /// In JSON: also the explanation of each frozen standing (at most 100 rows a page)
    #[arg(long)]
    with_detail: bool,
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

/// Narrows the list. Different flags combine with "and", values of one flag with "or".
#[derive(Debug, Default, clap::Args)]
#[command(next_help_heading = "Filters (each may be repeated, or hold values separated by commas)")]
struct Filter {
    /// The person's reference
    #[arg(long, value_name = "SUBJECT_REF", value_delimiter = ',')]
    subject: Vec<String>,
    /// What was decided
    #[arg(long, value_name = "DECISION", value_delimiter = ',', value_parser = parser::<DecisionKind>(), ignore_case = true)]
    decision: Vec<DecisionKind>,
    /// Status
    #[arg(long, value_name = "STATUS", value_delimiter = ',', value_parser = parser::<CohortStatus>(), ignore_case = true)]
    status: Vec<CohortStatus>,
    /// Officer who decided
    #[arg(long, value_name = "OFFICER", value_delimiter = ',')]
    officer: Vec<String>,
    /// Policing area
    #[arg(long, value_name = "AREA", value_delimiter = ',')]
    area: Vec<String>,
    /// First day decided
    #[arg(long, value_name = "DATE")]
    from: Option<Date>,
    /// Last day decided
    #[arg(long, value_name = "DATE")]
    to: Option<Date>,
    /// Only those whose rationale stands word for word in another person's decision
    #[arg(long)]
    identical_rationale: bool,
}

fn date(date: Option<Date>) -> String {
    date.map_or_else(String::new, |date| date.to_string())
}

impl DecisionsArgs {
    pub(super) fn request(&self) -> pb::ListDecisionsRequest {
        let size = self.paging.size();
        // Only what nobody asked for is made smaller; too many asked for is the server's to refuse.
        let size = if self.with_detail && self.paging.limit.is_none() { size.min(MOST_DETAILED_ROWS) } else { size };
        pb::ListDecisionsRequest {
            filter: Some(pb::DecisionFilter {
                subject_refs: self.filter.subject.clone(),
                decisions: numbers(&self.filter.decision),
                statuses: numbers(&self.filter.status),
                officers: self.filter.officer.clone(),
                areas: self.filter.area.clone(),
                from: date(self.filter.from),
                to: date(self.filter.to),
                identical_rationale_only: self.filter.identical_rationale,
            }),
            with_detail: self.with_detail,
            page_size: size,
            page_token: self.paging.token(),
            ..Default::default()
        }
    }
}

/// Prints the decisions. Ends with 1 if there are none.
pub async fn run(args: &DecisionsArgs) -> anyhow::Result<ExitCode> {
    let mut client = client::cohort(args.server.connect().await?);
    let answer = fetch(&mut client, args.request(), args.paging.all).await?;
    output::print(&match args.output.output {
        Format::Table => screen(&answer, Page::of_stdout()),
        Format::Json => output::json(&answer)?,
        Format::Csv => csv(&answer)?,
    })?;
    Ok(if answer.decisions.is_empty() { Exit::Nothing } else { Exit::Done }.into())
}

/// One page, or with `all` every page to the end as if it were one.
pub(super) async fn fetch(
    client: &mut CohortServiceClient<Channel>,
    request: pb::ListDecisionsRequest,
    all: bool,
) -> Result<pb::ListDecisionsResponse, Status> {
    follow(request, Follow::all(all, Follow::OnePage), async |request| client.list_decisions(request).await).await
}

/// A row a decision, and under it why.
pub(super) fn screen(answer: &pb::ListDecisionsResponse, page: Page) -> String {
    let mut text = format!(
        "{}  {}, {} of them word for word as another person's.\n{}\n",
        page.bold("DECISIONS"),
        count(answer.total),
        count(answer.with_identical_rationale),
        page.faint(&told_from(answer.context.as_ref()))
    );
    if answer.decisions.is_empty() {
        text.push_str("No decision matches.\n");
        return text;
    }
    let mut table = page.table();
    table.set_header(["decided", "subject", "decision", "status", "by", "stood"].map(left));
    for recorded in &answer.decisions {
        let decision = recorded.decision.clone().unwrap_or_default();
        table.add_row([
            left(when::told(decision.decided_time.as_ref())),
            left(&recorded.subject_ref),
            left(spoken_number::<DecisionKind>(decision.decision)),
            left(status(&decision)),
            left(&decision.officer),
            left(stood(&decision)),
        ]);
    }
    // A row is one line, so that what follows a row can follow its line.
    for column in table.column_iter_mut() {
        column.set_constraint(ColumnConstraint::ContentWidth);
    }
    text.push('\n');
    let under = [None, None].into_iter().chain(answer.decisions.iter().map(|it| Some(why(it))));
    for (line, under) in lines(&mut table).zip(under) {
        text.push_str(&line);
        text.push('\n');
        if let Some(under) = under {
            text.extend(indented(&under, 6, page.width).lines().map(|line| page.faint(line) + "\n"));
        }
    }
    let shown = u64::try_from(answer.decisions.len()).expect("a length must fit in 64 bits");
    let more = if answer.next_page_token.is_empty() { "" } else { " More follow: --all shows them." };
    text + &format!("\n{}\n", page.faint(&format!("{} shown, newest first.{more}", count(shown))))
}

fn status(decision: &pb::CohortDecision) -> String {
    let words = [spoken_number::<CohortStatus>(decision.status), spoken_number::<Rag>(decision.rag)];
    words.into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>().join(", ")
}

/// Where the person stood when it was decided: `3 of 412 COHORT, HIGH 59.960`.
fn stood(decision: &pb::CohortDecision) -> String {
    let Some(standing) = &decision.standing else { return "not weighed".to_owned() };
    format!(
        "{} of {} {}, {} {}",
        count(standing.rank),
        count(decision.list_size),
        list_name(decision.list),
        band_word(standing.effective_band()),
        points(standing.composite)
    )
}

fn why(recorded: &pb::RecordedDecision) -> String {
    let decision = recorded.decision.clone().unwrap_or_default();
    let panel = if decision.panel.is_empty() { String::new() } else { format!(" Panel: {}.", decision.panel) };
    let heard = if decision.representations_received { " The person's representations were read." } else { "" };
    let same = match recorded.identical_rationales {
        0 => String::new(),
        1 => " WORD FOR WORD as 1 decision about another person.".to_owned(),
        more => format!(" WORD FOR WORD as {} decisions about other people.", count(more)),
    };
    format!("{}{panel}{heard}{same} [{}]", decision.rationale, recorded.decision_id)
}

pub(super) const CSV_HEADER: [&str; 23] = [
    "decision_id",
    "subject_ref",
    "revision",
    "decided_time",
    "recorded_time",
    "actor",
    "decision",
    "status",
    "rag",
    "officer",
    "panel",
    "representations_received",
    "offender_manager",
    "area",
    "minutes",
    "list",
    "rank",
    "list_size",
    "effective_band",
    "composite_milli_points",
    "policy_version",
    "identical_rationales",
    "rationale",
];

pub(super) fn csv(answer: &pb::ListDecisionsResponse) -> anyhow::Result<String> {
    let rows = answer.decisions.iter().map(|recorded| {
        let decision = recorded.decision.clone().unwrap_or_default();
        let list = decision.standing.as_ref().map(|_| list_name(decision.list)).unwrap_or_default();
        let standing = decision.standing.unwrap_or_default();
        [
            recorded.decision_id.clone(),
            recorded.subject_ref.clone(),
            recorded.revision.to_string(),
            when::utc(decision.decided_time.as_ref()),
            when::utc(recorded.recorded_time.as_ref()),
            recorded.actor.clone(),
            spoken_number::<DecisionKind>(decision.decision),
            spoken_number::<CohortStatus>(decision.status),
            spoken_number::<Rag>(decision.rag),
            decision.officer,
            decision.panel,
            decision.representations_received.to_string(),
            decision.offender_manager,
            decision.area,
            decision.minutes.to_string(),
            list.to_owned(),
            standing.rank.to_string(),
            decision.list_size.to_string(),
            band_word(standing.effective_band()).to_owned(),
            standing.composite.to_string(),
            decision.policy_version,
            recorded.identical_rationales.to_string(),
            decision.rationale,
        ]
    });
    output::csv(CSV_HEADER, rows)
}
