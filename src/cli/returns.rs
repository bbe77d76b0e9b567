//! The return on outstanding suspects that an inspectorate asks for, as at the end of
//! any past day. Asked again with the same arguments it says the same, so that a number
//! once given out can be shown again.

mod screen;

use std::process::ExitCode;

use pbjson_types::Timestamp;

use super::client::{self, ServerArgs};
use super::exit::Exit;
use super::output::{self, Format, OutputArgs, Page, band_word};
use super::when;
use super::word::spoken_number;
use crate::domain::Date;
use crate::domain::word::{CaseAge, OutstandingReason};
use crate::pb;

use screen::screen;

/// Arguments of `return`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "CSV has one line for each reason, age, band and circulation; totals and medians are in the table and in JSON."
)]
pub struct Args {
    /// The day at whose end to count; it must be over
    #[arg(long, value_name = "DATE")]
    as_at: Date,
    /// Count only what the server knew by then, as RFC 3339 [default: the end of that day]
    #[arg(long, value_name = "TIME", value_parser = when::typed)]
    known_at: Option<Timestamp>,
    /// First day for what opened and closed [default: the first of that month]
    #[arg(long, value_name = "DATE")]
    from: Option<Date>,
    /// Policing area that looks for the person (may be repeated, or hold values separated by commas)
    #[arg(long, value_name = "AREA", value_delimiter = ',')]
    area: Vec<String>,
    #[command(flatten)]
    output: OutputArgs,
    #[command(flatten)]
    server: ServerArgs,
}

impl Args {
    fn request(&self) -> pb::GetOutstandingReturnRequest {
        pb::GetOutstandingReturnRequest {
            as_at: self.as_at.to_string(),
            known_at: self.known_at,
            from: self.from.map_or_else(String::new, |from| from.to_string()),
            areas: self.area.clone(),
        }
    }
}

/// Prints the return.
///
/// # Errors
/// The server does not answer or refuses, such as a day that is not over.
pub async fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let mut client = client::outstanding(args.server.connect().await?);
    let answer = client.get_outstanding_return(args.request()).await?.into_inner();
    output::print(&match args.output.output {
        Format::Table => screen(&answer, Page::of_stdout()),
        Format::Json => output::json(&answer)?,
        Format::Csv => csv(&answer)?,
    })?;
    Ok(Exit::Done.into())
}

const CSV_HEADER: [&str; 20] = [
    "as_at",
    "known_at",
    "from",
    "areas",
    "revision",
    "policy_version",
    "store",
    "reason",
    "age",
    "band",
    "circulated",
    "open",
    "active_in_time",
    "reviewed_in_time",
    "never_circulated",
    "never_reviewed",
    "with_vulnerable_victim",
    "with_repeat_victim",
    "with_victim_to_update",
    "victims_updated_in_time",
];

/// One line a cell, each with what the whole return was asked by.
fn csv(answer: &pb::GetOutstandingReturnResponse) -> anyhow::Result<String> {
    let rows = answer.cells.iter().map(|cell| {
        let counts = cell.counts.unwrap_or_default();
        [
            answer.as_at.clone(),
            when::utc(answer.known_at.as_ref()),
            answer.from.clone(),
            answer.areas.join(" "),
            answer.revision.to_string(),
            answer.policy_version.clone(),
            answer.store.clone(),
            spoken_number::<OutstandingReason>(cell.reason),
            spoken_number::<CaseAge>(cell.age),
            band_word(cell.band()).to_owned(),
            cell.circulated.to_string(),
            counts.open.to_string(),
            counts.active_in_time.to_string(),
            counts.reviewed_in_time.to_string(),
            counts.never_circulated.to_string(),
            counts.never_reviewed.to_string(),
            counts.with_vulnerable_victim.to_string(),
            counts.with_repeat_victim.to_string(),
            counts.with_victim_to_update.to_string(),
            counts.victims_updated_in_time.to_string(),
        ]
    });
    output::csv(CSV_HEADER, rows)
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::cli::test_screens::{agrees_with, london};

    #[derive(Debug, Parser)]
    #[command(no_binary_name = true)]
    struct Line {
        #[command(flatten)]
        args: Args,
    }

    fn counts(open: u32) -> pb::ReturnCounts {
        pb::ReturnCounts {
            open,
            active_in_time: open / 2,
            reviewed_in_time: open / 3,
            never_circulated: open / 4,
            never_reviewed: open / 5,
            with_vulnerable_victim: open / 6,
            with_repeat_victim: open / 7,
            with_victim_to_update: open / 8,
            victims_updated_in_time: open / 9,
        }
    }

    fn answer() -> pb::GetOutstandingReturnResponse {
        use pb::CaseAge::{From8To28Days, To7Days};
        use pb::OutstandingReason::{Escape, FailedToSurrenderPoliceBail};
        let cell = |reason: pb::OutstandingReason, age: pb::CaseAge, band: pb::Band, circulated, open| pb::ReturnCell {
            reason: reason.into(),
            age: age.into(),
            band: band.into(),
            circulated,
            counts: Some(counts(open)),
        };
        let closed = |outcome: pb::CloseOutcome, files| pb::ClosedCount { outcome: outcome.into(), files };
        let median = |files, seconds| Some(pb::Median { files, seconds });
        pb::GetOutstandingReturnResponse {
            as_at: "2026-03-30".to_owned(),
            known_at: Some(london("2026-03-31T00:00:00+01:00")),
            from: "2026-03-01".to_owned(),
            areas: vec!["north".to_owned(), "east".to_owned()],
            revision: 20_114,
            policy_version: "thr-2026.1".to_owned(),
            store: "1f0c3a9b".to_owned(),
            cells: vec![
                cell(FailedToSurrenderPoliceBail, To7Days, pb::Band::High, true, 900),
                cell(FailedToSurrenderPoliceBail, From8To28Days, pb::Band::High, false, 512),
                cell(FailedToSurrenderPoliceBail, From8To28Days, pb::Band::Unspecified, false, 3),
                cell(Escape, To7Days, pb::Band::VeryHigh, true, 5),
            ],
            total: Some(counts(1_420)),
            people: 1_300,
            people_failed_repeatedly: 42,
            opened: 88,
            closed: vec![closed(pb::CloseOutcome::Arrested, 50), closed(pb::CloseOutcome::Withdrawn, 7)],
            to_circulate: median(61, 14_400),
            to_first_activity: median(70, 93_600),
            to_close: median(0, 0),
            closed_still_circulated: 4,
            documented_late: 19,
        }
    }

    #[test]
    fn what_is_asked_for_reaches_the_request() {
        let line = "--as-at 2026-03-30 --known-at 2026-03-31T12:00:00Z --from 2026-03-24 --area north,east";
        let request = Line::try_parse_from(line.split_whitespace()).unwrap().args.request();
        let expected = pb::GetOutstandingReturnRequest {
            as_at: "2026-03-30".to_owned(),
            known_at: Some(london("2026-03-31T12:00:00Z")),
            from: "2026-03-24".to_owned(),
            areas: vec!["north".to_owned(), "east".to_owned()],
        };
        assert_eq!(request, expected);
        assert!(Line::try_parse_from([""; 0]).is_err(), "a return without its day is none");
        assert!(Line::try_parse_from(["--as-at", "30/03/2026"]).is_err());
    }

    #[test]
    fn totals_stand_first_then_reasons_by_band() {
        agrees_with("return.txt", &screen(&answer(), Page::PLAIN));
    }

    #[test]
    fn a_return_of_nothing_reads_as_one() {
        let answer = pb::GetOutstandingReturnResponse { as_at: "2026-03-30".to_owned(), ..Default::default() };
        let text = screen(&answer, Page::PLAIN);
        assert!(text.contains("0  open files") && text.contains("whole force"), "{text}");
        assert!(!text.contains("BY REASON"), "{text}");
    }

    #[test]
    fn csv_has_a_line_a_cell_under_stable_headers() {
        let mut answer = answer();
        answer.areas = vec!["=cmd".to_owned()];
        let text = csv(&answer).unwrap();
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines[0], CSV_HEADER.join(","));
        assert_eq!(
            lines[4],
            "2026-03-30,2026-03-30T23:00:00Z,2026-03-01,'=cmd,20114,thr-2026.1,1f0c3a9b,escape,to 7 days,VERY HIGH,\
             true,5,2,1,1,1,0,0,0,0"
        );
        assert_eq!(lines.len(), 5);
    }
}
