//! Open outstanding files on which something is overdue, worst first: the list that a
//! supervisor works down. Neglect stands beside the score, never in it.

use std::process::ExitCode;

use tonic::Status;

use super::client::{self, ServerArgs};
use super::exit::Exit;
use super::list::told_from;
use super::output::{self, Format, OutputArgs, Page, band_cell, band_word, count, drawn, left, right};
use super::outstanding::clock_word;
use super::paging::{Follow, Paging, follow};
use super::when;
use super::word::{numbers, parser, spoken_number};
use crate::cli::client::Channel;
use crate::domain::word::{Band, Circulation, OutstandingReason, SupervisionClock};
use crate::pb;
use crate::pb::outstanding_service_client::OutstandingServiceClient;

/// Arguments of `gaps`.
#[derive(Debug, clap::Args)]
pub struct Args {
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
    /// Policing area that looks for the person
    #[arg(long, value_name = "AREA", value_delimiter = ',')]
    area: Vec<String>,
    /// Officer in the case
    #[arg(long, value_name = "OFFICER", value_delimiter = ',')]
    officer: Vec<String>,
    /// The officer's supervisor
    #[arg(long, value_name = "OFFICER", value_delimiter = ',')]
    supervisor: Vec<String>,
    /// Band shown
    #[arg(long, value_name = "BAND", value_delimiter = ',', value_parser = parser::<Band>(), ignore_case = true)]
    band: Vec<Band>,
    /// Reason of the file
    #[arg(long, value_name = "REASON", value_delimiter = ',', value_parser = parser::<OutstandingReason>(), ignore_case = true)]
    reason: Vec<OutstandingReason>,
    /// What must be overdue
    #[arg(long, value_name = "CLOCK", value_delimiter = ',', value_parser = parser::<SupervisionClock>(), ignore_case = true)]
    clock: Vec<SupervisionClock>,
    /// Only files never reviewed since they opened, overdue or not
    #[arg(long)]
    never_reviewed: bool,
    /// Only files never circulated since they opened, overdue or not
    #[arg(long)]
    never_circulated: bool,
}

impl Args {
    fn request(&self) -> pb::ListSupervisionGapsRequest {
        let filter = &self.filter;
        pb::ListSupervisionGapsRequest {
            filter: Some(pb::GapFilter {
                areas: filter.area.clone(),
                officers: filter.officer.clone(),
                supervisors: filter.supervisor.clone(),
                bands: numbers(&filter.band),
                reasons: numbers(&filter.reason),
                clocks: numbers(&filter.clock),
                never_reviewed_only: filter.never_reviewed,
                never_circulated_only: filter.never_circulated,
            }),
            page_size: self.paging.size(),
            page_token: self.paging.token(),
            ..Default::default()
        }
    }
}

/// Prints the list. Ends with 1 if no file is on it.
///
/// # Errors
/// The server does not answer or refuses.
pub async fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let mut client = client::outstanding(args.server.connect().await?);
    let answer = fetch(&mut client, args.request(), args.paging.all).await?;
    output::print(&match args.output.output {
        Format::Table => screen(&answer, Page::of_stdout()),
        Format::Json => output::json(&answer)?,
        Format::Csv => csv(&answer)?,
    })?;
    Ok(if answer.gaps.is_empty() { Exit::Nothing } else { Exit::Done }.into())
}

/// One page, or with `all` every page to the end as if it were one.
async fn fetch(
    client: &mut OutstandingServiceClient<Channel>,
    request: pb::ListSupervisionGapsRequest,
    all: bool,
) -> Result<pb::ListSupervisionGapsResponse, Status> {
    follow(request, Follow::all(all, Follow::OnePage), async |request| client.list_supervision_gaps(request).await)
        .await
}

/// How many files there are, and how many of them are neglected.
pub(super) fn counted(answer: &pb::ListSupervisionGapsResponse) -> String {
    let files = if answer.open_files == 1 { "file" } else { "files" };
    format!(
        "{} open {files}, {} with something overdue, {} never reviewed, {} never circulated.",
        count(answer.open_files),
        count(answer.overdue_files),
        count(answer.never_reviewed),
        count(answer.never_circulated)
    )
}

/// Everything that is overdue of a file, or what is due next.
fn overdue(gap: &pb::SupervisionGap) -> String {
    let told: Vec<_> = gap.clocks.iter().map(reading).collect();
    if told.is_empty() { "nothing is due".to_owned() } else { told.join("; ") }
}

/// One clock with how it stands: "review 12 days 4 h overdue".
pub(super) fn reading(reading: &pb::ClockReading) -> String {
    format!("{} {}", clock_word(reading.clock), when::standing(reading.overdue_seconds))
}

/// The list as a table.
fn screen(answer: &pb::ListSupervisionGapsResponse, page: Page) -> String {
    let mut text = format!(
        "{}  {} in London: {}\n{}\n",
        page.bold("GAPS"),
        when::told(answer.instant.as_ref()),
        counted(answer),
        page.faint(&told_from(answer.context.as_ref()))
    );
    if answer.gaps.is_empty() {
        text.push_str("No file matches.\n");
        return text;
    }
    let mut table = page.table();
    let names = ["band", "subject", "file", "reason", "area", "officer", "what is overdue"].map(left);
    table.set_header(std::iter::once(right("#")).chain(names));
    for gap in &answer.gaps {
        table.add_row([
            right(count(gap.position)),
            band_cell(gap.band()),
            left(&gap.subject_ref),
            left(&gap.outstanding_id),
            left(spoken_number::<OutstandingReason>(gap.reason)),
            left(&gap.area),
            left(&gap.officer),
            left(overdue(gap)),
        ]);
    }
    text.push('\n');
    text.push_str(&drawn(&mut table, 0));
    let more = if answer.next_page_token.is_empty() { "" } else { " More follow: --all shows them." };
    let shown = format!("{} shown, by band and then by the worst gap.{more}", count(length(&answer.gaps)));
    let hint =
        format!("What was done about one: steelyard outstanding show {}", output::plain(&answer.gaps[0].subject_ref));
    text + &format!("\n{}\n{}\n", page.faint(&shown), page.faint(&hint))
}

fn length<T>(rows: &[T]) -> u64 {
    u64::try_from(rows.len()).expect("a length must fit in 64 bits")
}

const CSV_HEADER: [&str; 16] = [
    "position",
    "subject_ref",
    "outstanding_id",
    "band",
    "reason",
    "area",
    "officer",
    "supervisor",
    "circulation",
    "opened_time",
    "last_activity_time",
    "last_review_time",
    "gap_per_10000",
    "worst_clock",
    "worst_due_time",
    "worst_overdue_seconds",
];

fn csv(answer: &pb::ListSupervisionGapsResponse) -> anyhow::Result<String> {
    let rows = answer.gaps.iter().map(|gap| {
        let worst = gap.clocks.first();
        [
            gap.position.to_string(),
            gap.subject_ref.clone(),
            gap.outstanding_id.clone(),
            band_word(gap.band()).to_owned(),
            spoken_number::<OutstandingReason>(gap.reason),
            gap.area.clone(),
            gap.officer.clone(),
            gap.supervisor.clone(),
            spoken_number::<Circulation>(gap.circulation),
            when::utc(gap.opened_time.as_ref()),
            when::utc(gap.last_activity_time.as_ref()),
            when::utc(gap.last_review_time.as_ref()),
            gap.gap.to_string(),
            worst.map_or_else(String::new, |clock| spoken_number::<SupervisionClock>(clock.clock)),
            worst.map_or_else(String::new, |clock| when::utc(clock.due_time.as_ref())),
            worst.map_or_else(String::new, |clock| clock.overdue_seconds.to_string()),
        ]
    });
    output::csv(CSV_HEADER, rows)
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::cli::test_screens::{agrees_with, context, gap, london};

    #[derive(Debug, Parser)]
    #[command(no_binary_name = true)]
    struct Line {
        #[command(flatten)]
        args: Args,
    }

    fn request(words: &str) -> pb::ListSupervisionGapsRequest {
        Line::try_parse_from(words.split_whitespace()).unwrap().args.request()
    }

    fn answer() -> pb::ListSupervisionGapsResponse {
        let mut second = gap("S-000042", "out-9", pb::Band::High, 2);
        second.clocks = vec![pb::ClockReading {
            clock: pb::SupervisionClock::Inspector.into(),
            overdue_seconds: -18_000,
            ..Default::default()
        }];
        pb::ListSupervisionGapsResponse {
            context: Some(context()),
            instant: Some(london("2026-03-31T09:00:00+01:00")),
            gaps: vec![gap("S-000113", "out-7", pb::Band::VeryHigh, 1), second],
            next_page_token: "more".to_owned(),
            open_files: 1_412,
            overdue_files: 57,
            never_reviewed: 12,
            never_circulated: 9,
        }
    }

    #[test]
    fn every_filter_reaches_the_request() {
        let request = request(
            "--area north,east --officer pc-1 --supervisor ps-2 --band high --reason escape --clock review \
             --clock chief-inspector --never-reviewed --never-circulated --limit 7",
        );
        let expected = pb::GapFilter {
            areas: vec!["north".to_owned(), "east".to_owned()],
            officers: vec!["pc-1".to_owned()],
            supervisors: vec!["ps-2".to_owned()],
            bands: vec![pb::Band::High.into()],
            reasons: vec![pb::OutstandingReason::Escape.into()],
            clocks: vec![pb::SupervisionClock::Review.into(), pb::SupervisionClock::ChiefInspector.into()],
            never_reviewed_only: true,
            never_circulated_only: true,
        };
        assert_eq!((request.filter, request.page_size), (Some(expected), 7));
    }

    #[tokio::test]
    async fn all_follows_the_tokens_to_the_end_and_one_page_does_not() {
        let mut client = client::outstanding(crate::cli::test_services::supervised().await);
        let page = fetch(&mut client, request(""), false).await.unwrap();
        assert_eq!((page.gaps.len(), page.next_page_token.is_empty()), (1, false));
        let all = fetch(&mut client, request("--all"), true).await.unwrap();
        let people: Vec<_> = all.gaps.iter().map(|gap| gap.subject_ref.as_str()).collect();
        assert_eq!((people, all.next_page_token.is_empty()), (vec!["S-1", "S-2", "S-3"], true));
    }

    #[test]
    fn nothing_said_is_the_first_fifty_and_all_comes_in_large_pages() {
        assert_eq!(request("").filter, Some(pb::GapFilter::default()));
        assert_eq!((request("").page_size, request("--all").page_size), (50, 1_000));
        assert_eq!(request("--page-token abc").page_token, "abc");
    }

    #[test]
    fn the_worst_stand_first_with_what_is_overdue() {
        agrees_with("gaps.txt", &screen(&answer(), Page::PLAIN));
    }

    #[test]
    fn nothing_overdue_is_said() {
        let answer = pb::ListSupervisionGapsResponse { gaps: Vec::new(), ..answer() };
        let text = screen(&answer, Page::PLAIN);
        assert!(text.contains("1,412 open files") && text.ends_with("No file matches.\n"), "{text}");
    }

    #[test]
    fn csv_has_a_row_a_file_under_stable_headers() {
        let mut answer = answer();
        answer.gaps[0].subject_ref = "=cmd".to_owned();
        let text = csv(&answer).unwrap();
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines[0], CSV_HEADER.join(","));
        assert_eq!(
            lines[1],
            "1,'=cmd,out-7,VERY HIGH,failed to surrender court bail,north,pc-1,ps-2,not circulated,\
             2026-03-19T10:30:00Z,2026-03-20T08:00:00Z,,42000,review,2026-03-20T10:30:00Z,941400"
        );
        assert_eq!(lines.len(), 3);
    }
}
