//! Whether selection for the managed cohort follows threat, risk and harm, with a number
//! first. People not where the scores would put them are named with the recorded reason,
//! or as having none: a reason is what makes the difference, not the number.

mod screen;

use std::process::ExitCode;

use super::client::{self, ServerArgs};
use super::exit::Exit;
use super::output::{self, Format, OutputArgs, Page, band_word};
use super::word::spoken_number;
use crate::domain::word::{CohortStatus, DecisionKind};
use crate::pb;

use screen::screen;

/// People named on each side of each line where nothing is asked for.
const DEFAULT_MOST: u32 = 20;

/// Arguments of `alignment`.
#[derive(Debug, clap::Args)]
#[command(after_help = "CSV has one line for each person named; the numbers are in the table and in JSON.")]
pub struct Args {
    /// Policing area (may be repeated, or hold values separated by commas): only its people are named and counted
    #[arg(long, value_name = "AREA", value_delimiter = ',')]
    area: Vec<String>,
    /// People named on each side of each line, 1 to 1,000
    #[arg(long, value_name = "PEOPLE", default_value_t = DEFAULT_MOST, value_parser = clap::value_parser!(u32).range(1..))]
    most: u32,
    #[command(flatten)]
    output: OutputArgs,
    #[command(flatten)]
    server: ServerArgs,
}

impl Args {
    fn request(&self) -> pb::GetAlignmentRequest {
        pb::GetAlignmentRequest { areas: self.area.clone(), most: self.most, ..Default::default() }
    }
}

/// Prints the alignment. Ends with 1 if there is no member in scope.
///
/// # Errors
/// The server does not answer or refuses.
pub async fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let mut client = client::cohort(args.server.connect().await?);
    let answer = client.get_alignment(args.request()).await?.into_inner();
    output::print(&match args.output.output {
        Format::Table => screen(&answer, Page::of_stdout()),
        Format::Json => output::json(&answer)?,
        Format::Csv => csv(&answer)?,
    })?;
    Ok(if answer.members == 0 { Exit::Nothing } else { Exit::Done }.into())
}

const CSV_HEADER: [&str; 11] = [
    "status",
    "side",
    "position",
    "subject_ref",
    "band",
    "composite_milli_points",
    "areas",
    "decision",
    "decided_on",
    "decision_id",
    "rationale",
];

/// One line for each person named.
fn csv(answer: &pb::GetAlignmentResponse) -> anyhow::Result<String> {
    let rows = answer.statuses.iter().flat_map(|status| {
        let passed_over = status.passed_over_people.iter().map(|person| ("passed over", person));
        let below = status.below_people.iter().map(|person| ("below", person));
        passed_over.chain(below).map(move |(side, person)| {
            [
                spoken_number::<CohortStatus>(status.status),
                side.to_owned(),
                person.position.to_string(),
                person.subject_ref.clone(),
                band_word(person.band()).to_owned(),
                person.composite.to_string(),
                person.areas.join(" "),
                spoken_number::<DecisionKind>(person.decision),
                person.decided_on.clone(),
                person.decision_id.clone(),
                person.rationale.clone(),
            ]
        })
    });
    output::csv(CSV_HEADER, rows)
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::cli::test_screens::{agrees_with, context};

    #[derive(Debug, Parser)]
    #[command(no_binary_name = true)]
    struct Line {
        #[command(flatten)]
        args: Args,
    }

    fn person(subject_ref: &str, position: u32, rationale: &str) -> pb::Misalignment {
        let decided = !rationale.is_empty();
        pb::Misalignment {
            subject_ref: subject_ref.to_owned(),
            position,
            composite: 59_960,
            band: pb::Band::High.into(),
            areas: vec!["north".to_owned()],
            decision: if decided { pb::DecisionKind::Decline } else { pb::DecisionKind::Unspecified }.into(),
            decision_id: if decided { "dec-1" } else { "" }.to_owned(),
            rationale: rationale.to_owned(),
            decided_on: if decided { "2026-03-02" } else { "" }.to_owned(),
        }
    }

    fn answer() -> pb::GetAlignmentResponse {
        let status = |status: pb::CohortStatus| pb::StatusAlignment { status: status.into(), ..Default::default() };
        let fixed = pb::StatusAlignment {
            members: 300,
            aligned: 250,
            aligned_share: 8_333,
            passed_over: 50,
            passed_over_with_reason: 12,
            below: 50,
            below_with_reason: 49,
            passed_over_people: vec![
                person("S-000113", 3, "Serving four years; to be looked at again on release."),
                person("S-000042", 17, ""),
            ],
            below_people: vec![person("S-000007", 1_204, "")],
            ..status(pb::CohortStatus::Fixed)
        };
        let flex =
            pb::StatusAlignment { members: 112, aligned: 112, aligned_share: 10_000, ..status(pb::CohortStatus::Flex) };
        let point = |as_of: &str, aligned| pb::AlignmentPoint {
            as_of: as_of.to_owned(),
            revision: 9,
            status: pb::CohortStatus::Fixed.into(),
            members: 300,
            aligned,
            passed_over: 300 - aligned,
            passed_over_with_reason: 4,
            below_with_reason: 2,
        };
        let area =
            |area: &str| pb::AreaAlignment { area: area.to_owned(), members: 206, aligned: 181, passed_over: 25 };
        pb::GetAlignmentResponse {
            context: Some(context()),
            statuses: vec![fixed, flex, status(pb::CohortStatus::Free)],
            members: 412,
            aligned: 362,
            aligned_share: 8_786,
            by_area: vec![area("east"), area("north")],
            over_time: vec![point("2026-03-30", 240), point("2026-03-31", 250)],
        }
    }

    #[test]
    fn what_is_asked_for_reaches_the_request() {
        let line = "--area north,east --most 7".split_whitespace();
        let request = Line::try_parse_from(line).unwrap().args.request();
        let areas = vec!["north".to_owned(), "east".to_owned()];
        assert_eq!(request, pb::GetAlignmentRequest { areas, most: 7, ..Default::default() });
        let none: [&str; 0] = [];
        assert_eq!(Line::try_parse_from(none).unwrap().args.request().most, 20);
    }

    #[test]
    fn the_number_stands_first_and_whoever_has_no_reason_is_named_so() {
        let text = screen(&answer(), Page::PLAIN);
        assert!(text.starts_with("ALIGNMENT  87.86 %"), "{text}");
        agrees_with("alignment.txt", &text);
    }

    #[test]
    fn a_force_without_members_is_told_so() {
        let text = screen(&pb::GetAlignmentResponse::default(), Page::PLAIN);
        assert!(text.contains("Nobody is managed."), "{text}");
    }

    #[test]
    fn csv_has_a_line_a_person_under_stable_headers() {
        let mut answer = answer();
        answer.statuses[0].passed_over_people[0].rationale = "=1+1 is why".to_owned();
        let text = csv(&answer).unwrap();
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines[0], CSV_HEADER.join(","));
        assert_eq!(lines[1], "fixed,passed over,3,S-000113,HIGH,59960,north,decline,2026-03-02,dec-1,'=1+1 is why");
        assert_eq!(lines[3], "fixed,below,1204,S-000007,HIGH,59960,north,,,,");
    }
}
