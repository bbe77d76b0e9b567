//! Shows a ranked list. Its order is its meaning: it can be narrowed, never re-sorted.

mod screen;

use std::process::ExitCode;

use tonic::Status;

use super::client::ServerArgs;
use super::exit::Exit;
use super::output::{self, Format, OutputArgs, Page};
use super::paging::{Follow, follow};
use super::word::{Typed, numbers, parser, spoken_number};
use crate::cli::client::Channel;
use crate::domain::word::{Band, Circulation, CohortStatus, CustodyState, List, OffenceGroup, OutstandingReason, Rag};
use crate::pb;
use crate::pb::ranking_service_client::RankingServiceClient;

pub use screen::screen;
pub(super) use screen::{notes, told_from};

/// Rows a page where nothing is asked for.
const DEFAULT_ROWS: u32 = 50;
/// Most rows a page.
const MOST_ROWS: u32 = 1_000;
/// Most rows a page with contributions.
const MOST_FULL_ROWS: u32 = 100;

/// Arguments of `list`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Which list
    #[arg(value_name = "LIST", value_parser = parser::<List>(), ignore_case = true, default_value = "cohort")]
    list: List,
    /// Rows a page, 1 to 1,000 (with --full: at most 100) [default: 50]
    #[arg(long, visible_alias = "page-size", value_name = "ROWS")]
    limit: Option<u32>,
    /// Follow the list to its end, page after page
    #[arg(long)]
    all: bool,
    /// Go on from this token of an earlier answer in JSON; the other arguments must be the same
    #[arg(long, value_name = "TOKEN", conflicts_with = "all")]
    page_token: Option<String>,
    /// Also the largest reasons of each (in JSON: everything that explains it)
    #[arg(long)]
    full: bool,
    #[command(flatten)]
    output: OutputArgs,
    #[command(flatten)]
    server: ServerArgs,
    // Last: its heading would otherwise take in the flags that follow it.
    #[command(flatten)]
    filter: Filter,
}

/// Narrows a list. Different flags combine with "and", values of one flag with "or".
#[derive(Debug, Default, clap::Args)]
#[command(next_help_heading = "Filters (each may be repeated, or hold values separated by commas)")]
struct Filter {
    /// Policing area
    #[arg(long, value_name = "AREA", value_delimiter = ',')]
    area: Vec<String>,
    /// Band shown
    #[arg(long, value_name = "BAND", value_delimiter = ',', value_parser = parser::<Band>(), ignore_case = true)]
    band: Vec<Band>,
    /// Offender manager's reference
    #[arg(long, value_name = "OFFICER", value_delimiter = ',')]
    officer: Vec<String>,
    /// Reason of an open outstanding file
    #[arg(long, value_name = "REASON", value_delimiter = ',', value_parser = parser::<OutstandingReason>(), ignore_case = true)]
    reason: Vec<OutstandingReason>,
    /// Circulation of an open outstanding file
    #[arg(long, value_name = "WHERE", value_delimiter = ',', value_parser = parser::<Circulation>(), ignore_case = true)]
    circulation: Vec<Circulation>,
    /// Home Office group of an offence with some proof
    #[arg(long, value_name = "GROUP", value_delimiter = ',', value_parser = parser::<OffenceGroup>(), ignore_case = true)]
    group: Vec<OffenceGroup>,
    /// How the nominal was chosen
    #[arg(long, value_name = "STATUS", value_delimiter = ',', value_parser = parser::<CohortStatus>(), ignore_case = true)]
    status: Vec<CohortStatus>,
    /// Where the person is
    #[arg(long, value_name = "STATE", value_parser = parser::<CustodyState>(), ignore_case = true)]
    custody: Option<CustodyState>,
    /// Outstanding for at least this many days
    #[arg(long, value_name = "DAYS")]
    min_days: Option<u32>,
    /// Only provisional standings
    #[arg(long)]
    provisional: bool,
    /// Only standings with an override in effect
    #[arg(long)]
    overridden: bool,
}

impl Filter {
    fn request(&self) -> pb::StandingFilter {
        pb::StandingFilter {
            areas: self.area.clone(),
            bands: numbers(&self.band),
            offender_managers: self.officer.clone(),
            cohort_statuses: numbers(&self.status),
            reasons: numbers(&self.reason),
            circulation_states: numbers(&self.circulation),
            offence_groups: numbers(&self.group),
            custody: self.custody.map_or(0, Typed::number),
            min_days_outstanding: self.min_days.unwrap_or(0),
            provisional_only: self.provisional,
            overridden_only: self.overridden,
        }
    }
}

impl Args {
    fn request(&self) -> pb::ListStandingsRequest {
        let most = if self.full { MOST_FULL_ROWS } else { MOST_ROWS };
        let default = if self.all { most } else { DEFAULT_ROWS };
        pb::ListStandingsRequest {
            list: self.list.number(),
            filter: Some(self.filter.request()),
            view: if self.full { pb::View::Full } else { pb::View::Basic }.into(),
            page_size: self.limit.unwrap_or(default),
            page_token: self.page_token.clone().unwrap_or_default(),
            ..Default::default()
        }
    }
}

/// Prints the list. Ends with 1 if nobody stands on it within the filter.
///
/// # Errors
/// The server does not answer or refuses.
pub async fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let mut client = args.server.ranking().await?;
    let request = args.request();
    let filtered = request.filter.as_ref().is_some_and(|filter| *filter != pb::StandingFilter::default());
    let answer = fetch(&mut client, request, args.all).await?;
    let text = match args.output.output {
        Format::Table => screen(args.list, &answer, filtered, Page::of_stdout()),
        Format::Json => output::json(&answer)?,
        Format::Csv => csv(args.list, &answer)?,
    };
    output::print(&text)?;
    Ok(if answer.standings.is_empty() { Exit::Nothing } else { Exit::Done }.into())
}

/// One page, or with `all` every page to the end as if it were one. Pages of one token chain come from one
/// snapshot, so that joined they are that snapshot's list.
///
/// # Errors
/// The server's refusal.
pub async fn fetch(
    client: &mut RankingServiceClient<Channel>,
    request: pb::ListStandingsRequest,
    all: bool,
) -> Result<pb::ListStandingsResponse, Status> {
    follow(request, Follow::all(all, Follow::OnePage), async |request| client.list_standings(request).await).await
}

const CSV_HEADER: [&str; 20] = [
    "list",
    "rank",
    "position",
    "filtered_position",
    "subject_ref",
    "effective_band",
    "computed_band",
    "composite_milli_points",
    "threat_milli_points",
    "risk_milli_points",
    "harm_milli_points",
    "provisional",
    "overridden",
    "child",
    "outstanding_since",
    "percentile_per_10000",
    "cohort_status",
    "rag",
    "custody",
    "circulation",
];

fn csv(list: List, answer: &pb::ListStandingsResponse) -> anyhow::Result<String> {
    let rows = answer.standings.iter().map(|row| {
        [
            list.contract_name().to_owned(),
            row.rank.to_string(),
            row.position.to_string(),
            row.filtered_position.to_string(),
            row.subject_ref.clone(),
            output::band_word(row.effective_band()).to_owned(),
            output::band_word(row.computed_band()).to_owned(),
            row.composite.to_string(),
            row.threat.to_string(),
            row.risk.to_string(),
            row.harm.to_string(),
            row.provisional.to_string(),
            row.overridden.to_string(),
            row.child.to_string(),
            row.outstanding_since.clone(),
            row.percentile.to_string(),
            spoken_number::<CohortStatus>(row.cohort_status),
            spoken_number::<Rag>(row.rag),
            spoken_number::<CustodyState>(row.custody),
            spoken_number::<Circulation>(row.circulation),
        ]
    });
    output::csv(CSV_HEADER, rows)
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    #[command(no_binary_name = true)]
    struct Line {
        #[command(flatten)]
        args: Args,
    }

    fn request(words: &[&str]) -> pb::ListStandingsRequest {
        Line::try_parse_from(words).unwrap().args.request()
    }

    #[test]
    fn nothing_said_is_the_first_fifty_of_the_cohort() {
        let request = request(&[]);
        assert_eq!((request.list(), request.page_size), (pb::List::Cohort, 50));
        assert_eq!(request.filter, Some(pb::StandingFilter::default()));
    }

    #[test]
    fn every_filter_reaches_the_request() {
        let request = request(&[
            "bail-failed",
            "--area",
            "north,east",
            "--band",
            "high",
            "--band",
            "VERY_HIGH",
            "--officer",
            "om-1",
            "--reason",
            "recall-standard",
            "--circulation",
            "pnc-wanted",
            "--group",
            "burglary",
            "--status",
            "fixed",
            "--custody",
            "at-liberty",
            "--min-days",
            "28",
            "--provisional",
            "--overridden",
            "--full",
            "--all",
        ]);
        let expected = pb::StandingFilter {
            areas: vec!["north".to_owned(), "east".to_owned()],
            bands: vec![pb::Band::High.into(), pb::Band::VeryHigh.into()],
            offender_managers: vec!["om-1".to_owned()],
            cohort_statuses: vec![pb::CohortStatus::Fixed.into()],
            reasons: vec![pb::OutstandingReason::RecallStandard.into()],
            circulation_states: vec![pb::Circulation::PncWanted.into()],
            offence_groups: vec![pb::OffenceGroup::Burglary.into()],
            custody: pb::CustodyState::AtLiberty.into(),
            min_days_outstanding: 28,
            provisional_only: true,
            overridden_only: true,
        };
        assert_eq!(request.filter, Some(expected));
        assert_eq!((request.list(), request.view(), request.page_size), (pb::List::BailFailed, pb::View::Full, 100));
    }

    #[tokio::test]
    async fn all_follows_the_tokens_to_the_end_and_one_page_does_not() {
        let mut client = super::super::test_server::fixed().await;
        let request = pb::ListStandingsRequest { list: List::Cohort.number(), page_size: 10, ..Default::default() };
        let page = fetch(&mut client, request.clone(), false).await.unwrap();
        assert_eq!((page.standings.len(), page.next_page_token.is_empty()), (10, false));
        let all = fetch(&mut client, request, true).await.unwrap();
        let positions: Vec<_> = all.standings.iter().map(|standing| standing.position).collect();
        assert_eq!(positions, (1..=25).collect::<Vec<_>>());
        assert!(all.next_page_token.is_empty());
    }

    #[test]
    fn csv_has_a_row_a_person_under_stable_headers() {
        let row = pb::Standing { rank: 1, subject_ref: "=cmd".to_owned(), composite: 62_150, ..Default::default() };
        let answer = pb::ListStandingsResponse { standings: vec![row], ..Default::default() };
        let text = csv(List::Cohort, &answer).unwrap();
        let mut lines = text.lines();
        assert_eq!(lines.next(), Some(CSV_HEADER.join(",").as_str()));
        assert_eq!(lines.next(), Some("COHORT,1,0,0,'=cmd,not stated,not stated,62150,0,0,0,false,false,false,,0,,,,"));
    }
}
