//! Where staff time went, what it brought, and who carries how much now. Beside the
//! score, as all supervision is: no minute spent moves anybody on a list.

use std::process::ExitCode;

use super::client::{self, ServerArgs};
use super::exit::Exit;
use super::list::told_from;
use super::output::{self, Format, OutputArgs, Page, band_cell, band_word, count, day, drawn, left, plain, right};
use super::word::spoken_number;
use crate::domain::Date;
use crate::domain::word::ActivityKind;
use crate::pb;

/// Arguments of `demand`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// First day
    #[arg(long, value_name = "DATE")]
    from: Date,
    /// Last day
    #[arg(long, value_name = "DATE")]
    to: Date,
    /// Policing area (may be repeated, or hold values separated by commas)
    #[arg(long, value_name = "AREA", value_delimiter = ',')]
    area: Vec<String>,
    #[command(flatten)]
    output: OutputArgs,
    #[command(flatten)]
    server: ServerArgs,
}

impl Args {
    fn request(&self) -> pb::GetDemandRequest {
        pb::GetDemandRequest {
            from: self.from.to_string(),
            to: self.to.to_string(),
            areas: self.area.clone(),
            ..Default::default()
        }
    }
}

/// Prints what was spent and what it brought.
///
/// # Errors
/// The server does not answer or refuses.
pub async fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let mut client = client::outstanding(args.server.connect().await?);
    let request = args.request();
    let answer = client.get_demand(request.clone()).await?.into_inner();
    output::print(&match args.output.output {
        Format::Table => screen(&request, &answer, Page::of_stdout()),
        Format::Json => output::json(&answer)?,
        Format::Csv => csv(&request, &answer)?,
    })?;
    Ok(Exit::Done.into())
}

/// Minutes as hours and minutes.
fn hours(minutes: u64) -> String {
    format!("{} h {:02} min", count(minutes / 60), minutes % 60)
}

/// Thousandths of harm days, exactly.
fn harm_days(milli: u64) -> String {
    format!("{}.{:03}", count(milli / 1_000), milli % 1_000)
}

fn screen(request: &pb::GetDemandRequest, answer: &pb::GetDemandResponse, page: Page) -> String {
    let areas = if request.areas.is_empty() { "whole force".to_owned() } else { plain(&request.areas.join(", ")) };
    let title = format!("DEMAND  {} to {}, {areas}", day(&request.from), day(&request.to));
    let each = if answer.arrests == 0 {
        "no arrest in the period".to_owned()
    } else {
        format!("{} of these for each of {} arrests", hours(answer.minutes_per_arrest), count(answer.arrests))
    };
    format!(
        "{}\n{}\n\n  {} recorded in all\n  {} on outstanding files; {each}\n  {} on the cohort, decisions included\n  \
         {} harm days of people taken into the cohort, {} for each officer-hour on it\n{}{}",
        page.bold(&title),
        page.faint(&told_from(answer.context.as_ref())),
        hours(answer.minutes),
        hours(answer.minutes_outstanding),
        hours(answer.minutes_cohort),
        harm_days(answer.harm_milli_days_selected),
        harm_days(answer.harm_milli_days_per_hour),
        spent(answer, page),
        workloads(answer, page)
    )
}

fn spent(answer: &pb::GetDemandResponse, page: Page) -> String {
    let title = page.heading("WHERE TIME WENT");
    if answer.spent.is_empty() {
        return title + "  No activity is recorded in the period.\n";
    }
    let mut table = page.table();
    table.set_header([left("work"), left("area"), left("band then"), right("activities"), right("time")]);
    for row in &answer.spent {
        table.add_row([
            left(spoken_number::<ActivityKind>(row.kind)),
            left(if row.area.is_empty() { "not recorded" } else { &row.area }),
            band_cell(row.band()),
            right(count(row.activities)),
            right(hours(row.minutes)),
        ]);
    }
    title + &drawn(&mut table, 2)
}

fn workloads(answer: &pb::GetDemandResponse, page: Page) -> String {
    let title = page.heading("WHO CARRIES HOW MUCH NOW");
    if answer.workloads.is_empty() {
        return title + "  Nobody manages a nominal.\n";
    }
    let mut table = page.table();
    let numbers = ["nominals", "VERY HIGH", "HIGH", "MEDIUM", "LOW", "weighted"];
    table.set_header(std::iter::once(left("offender manager")).chain(numbers.map(right)));
    for row in &answer.workloads {
        let bands = (0..4).map(|place| row.by_band.get(place).map_or_else(String::new, |number| count(*number)));
        let numbers = std::iter::once(count(row.nominals)).chain(bands).chain([count(row.weighted)]);
        table.add_row(std::iter::once(left(&row.offender_manager)).chain(numbers.map(right)));
    }
    title + &drawn(&mut table, 2)
}

const CSV_HEADER: [&str; 7] = ["from", "to", "work", "area", "band", "activities", "minutes"];

/// One line for each kind of work, area and band.
fn csv(request: &pb::GetDemandRequest, answer: &pb::GetDemandResponse) -> anyhow::Result<String> {
    let rows = answer.spent.iter().map(|row| {
        [
            request.from.clone(),
            request.to.clone(),
            spoken_number::<ActivityKind>(row.kind),
            row.area.clone(),
            band_word(row.band()).to_owned(),
            row.activities.to_string(),
            row.minutes.to_string(),
        ]
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

    fn request() -> pb::GetDemandRequest {
        let line = "--from 2026-03-01 --to 2026-03-30 --area north,east";
        Line::try_parse_from(line.split_whitespace()).unwrap().args.request()
    }

    fn answer() -> pb::GetDemandResponse {
        let spent = |kind: pb::ActivityKind, area: &str, band: pb::Band, activities, minutes| pb::MinutesSpent {
            kind: kind.into(),
            area: area.to_owned(),
            band: band.into(),
            activities,
            minutes,
        };
        let workload = |offender_manager: &str, nominals, by_band: [u32; 4], weighted| pb::Workload {
            offender_manager: offender_manager.to_owned(),
            nominals,
            by_band: by_band.to_vec(),
            weighted,
        };
        pb::GetDemandResponse {
            context: Some(context()),
            spent: vec![
                spent(pb::ActivityKind::AddressVisited, "north", pb::Band::VeryHigh, 1_204, 60_005),
                spent(pb::ActivityKind::NominalSeen, "", pb::Band::Unspecified, 7, 59),
            ],
            minutes: 60_064,
            minutes_outstanding: 60_005,
            minutes_cohort: 59,
            arrests: 12,
            minutes_per_arrest: 5_000,
            harm_milli_days_selected: 4_365_250,
            harm_milli_days_per_hour: 4_439,
            workloads: vec![workload("om-1", 21, [5, 9, 4, 3], 61), workload("om-2", 2, [0, 0, 1, 1], 3)],
        }
    }

    #[test]
    fn what_is_asked_for_reaches_the_request() {
        let expected = pb::GetDemandRequest {
            from: "2026-03-01".to_owned(),
            to: "2026-03-30".to_owned(),
            areas: vec!["north".to_owned(), "east".to_owned()],
            ..Default::default()
        };
        assert_eq!(request(), expected);
        assert!(Line::try_parse_from(["--from", "2026-03-01"]).is_err());
    }

    #[test]
    fn time_and_what_it_brought_read_well() {
        agrees_with("demand.txt", &screen(&request(), &answer(), Page::PLAIN));
        let nothing = screen(&request(), &pb::GetDemandResponse::default(), Page::PLAIN);
        assert!(nothing.contains("no arrest in the period") && nothing.contains("Nobody manages"), "{nothing}");
    }

    #[test]
    fn csv_has_a_line_a_kind_area_and_band_under_stable_headers() {
        let mut answer = answer();
        answer.spent[0].area = "=cmd".to_owned();
        let text = csv(&request(), &answer).unwrap();
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines[0], CSV_HEADER.join(","));
        assert_eq!(lines[1], "2026-03-01,2026-03-30,address visited,'=cmd,VERY HIGH,1204,60005");
        assert_eq!(lines[2], "2026-03-01,2026-03-30,nominal seen,,not stated,7,59");
    }
}
