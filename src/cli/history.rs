//! Shows how a person stood from generation to generation: the curve of the
//! composite in one line, and the last entries.

use std::fmt::Write as _;
use std::process::ExitCode;

use super::client::ServerArgs;
use super::exit::Exit;
use super::list::told_from;
use super::output::{
    self, Format, OutputArgs, Page, band_cell, band_word, count, day, drawn, left, plain, points, right, short_points,
    signed_points,
};
use super::word::{Typed, parser};
use crate::domain::word::List;
use crate::pb;

/// Rows of the table.
const ROWS: usize = 14;
/// Heights of the curve, lowest first.
const HEIGHTS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
/// Stands in the curve where there is nothing to show.
const NOTHING: char = '·';

/// Arguments of `history`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The person's reference
    #[arg(value_name = "SUBJECT_REF")]
    subject_ref: String,
    /// The list that ranks are of
    #[arg(long, value_parser = parser::<List>(), ignore_case = true, default_value = "all")]
    list: List,
    /// First generation [default: the first of all]
    #[arg(long, value_name = "GENERATION")]
    from: Option<u64>,
    /// Last generation [default: the newest]
    #[arg(long, value_name = "GENERATION")]
    to: Option<u64>,
    /// Generations, 1 to 1,000, the newest ones [default: 90]
    #[arg(long, visible_alias = "page-size", value_name = "GENERATIONS")]
    limit: Option<u32>,
    /// Go on from this token of an earlier answer in JSON; the other arguments must be the same
    #[arg(long, value_name = "TOKEN")]
    page_token: Option<String>,
    #[command(flatten)]
    output: OutputArgs,
    #[command(flatten)]
    server: ServerArgs,
}

impl Args {
    fn request(&self) -> pb::ListStandingHistoryRequest {
        pb::ListStandingHistoryRequest {
            subject_ref: self.subject_ref.clone(),
            list: self.list.number(),
            from_generation: self.from.unwrap_or(0),
            to_generation: self.to.unwrap_or(0),
            page_size: self.limit.unwrap_or(0),
            page_token: self.page_token.clone().unwrap_or_default(),
            ..Default::default()
        }
    }
}

/// Prints the history. Ends with 1 if no generation was published.
///
/// # Errors
/// The server does not answer or refuses: the person is unknown.
pub async fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let mut client = args.server.ranking().await?;
    let answer = client.list_standing_history(args.request()).await?.into_inner();
    let text = match args.output.output {
        Format::Table => screen(args.list, &answer, Page::of_stdout()),
        Format::Json => output::json(&answer)?,
        Format::Csv => csv(args.list, &answer)?,
    };
    output::print(&text)?;
    Ok(if answer.entries.is_empty() { Exit::Nothing } else { Exit::Done }.into())
}

/// A character a value, from the lowest of them to the highest. Where all are alike, all are of the middle height.
fn sparkline(values: &[Option<u32>]) -> String {
    let (least, most) = (values.iter().flatten().min().copied(), values.iter().flatten().max().copied());
    let height = |value: &Option<u32>| {
        let (Some(value), Some(least), Some(most)) = (*value, least, most) else { return NOTHING };
        let top = u64::try_from(HEIGHTS.len() - 1).expect("eight must fit in 64 bits");
        let place = match u64::from(most - least) {
            0 => top / 2,
            span => (u64::from(value - least) * top + span / 2) / span,
        };
        usize::try_from(place).ok().and_then(|place| HEIGHTS.get(place)).copied().unwrap_or(NOTHING)
    };
    values.iter().map(height).collect()
}

fn notes(entry: &pb::HistoryEntry, point: &pb::HistoryPoint) -> String {
    let mut notes = Vec::new();
    if point.provisional {
        notes.push("provisional".to_owned());
    }
    if point.overridden {
        notes.push(format!("override, computed {}", band_word(point.computed_band())));
    } else if point.effective_band != point.computed_band {
        notes.push(format!("raised from {}", band_word(point.computed_band())));
    }
    if !entry.policy_version.is_empty() {
        notes.insert(0, plain(&entry.policy_version));
    }
    notes.join(", ")
}

/// The curve, oldest first, and the last entries, newest first.
fn screen(list: List, answer: &pb::ListStandingHistoryResponse, page: Page) -> String {
    let title = format!("{} on {}", plain(&answer.subject_ref), list.contract_name());
    let mut text = format!("{}  {}\n", page.bold(&title), told_from(answer.context.as_ref()));
    let now = answer.now.unwrap_or_default();
    let rank = if now.rank == 0 { "not on it".to_owned() } else { format!("rank {}", count(now.rank)) };
    let _ = writeln!(text, "Now: {}, {} points, {rank}.", band_word(now.effective_band()), points(now.composite));
    if answer.entries.is_empty() {
        text.push_str("No generation has been published yet: a run over everybody publishes the first.\n");
        return text;
    }
    let composite = |entry: &pb::HistoryEntry| entry.standing.map(|point| point.composite);
    let room = page.width.saturating_sub(2).max(1);
    let mut values: Vec<Option<u32>> = answer.entries.iter().take(room).map(composite).collect();
    values.reverse();
    let known = || values.iter().flatten().copied();
    let range = match (known().min(), known().max()) {
        (Some(least), Some(most)) => format!("{} to {} points", points(least), points(most)),
        (_, None) | (None, _) => "the person was not held then, or nothing is kept".to_owned(),
    };
    let first = answer.entries.iter().take(room).next_back().map(|entry| day(&entry.as_of)).unwrap_or_default();
    let _ = writeln!(text, "\n  {}", sparkline(&values));
    let _ = writeln!(text, "  {}\n", page.faint(&format!("a generation each since {first}: {range}")));
    text.push_str(&table(answer, page));
    let shown = u64::try_from(answer.entries.len().min(ROWS)).expect("a length must fit in 64 bits");
    let more = answer.entries.len() > ROWS || !answer.next_page_token.is_empty();
    if more {
        let said = format!("The last {}; --output csv and json hold more.", count(shown));
        let _ = writeln!(text, "\n{}", page.faint(&said));
    }
    text
}

fn table(answer: &pb::ListStandingHistoryResponse, page: Page) -> String {
    let mut table = page.table();
    table.set_header([
        right("gen"),
        left("as of"),
        right("#"),
        left("band"),
        right("score"),
        right("change"),
        right("threat"),
        right("risk"),
        right("harm"),
        left("notes"),
    ]);
    let before = answer.entries.iter().skip(1).map(|entry| entry.standing).chain([None]);
    for (entry, before) in answer.entries.iter().zip(before).take(ROWS) {
        let mut row = vec![right(count(entry.generation)), left(&entry.as_of)];
        if let Some(point) = entry.standing {
            let change = before.map(|before| point.composite.cast_signed() - before.composite.cast_signed());
            row.extend([
                right(if point.rank == 0 { "-".to_owned() } else { count(point.rank) }),
                band_cell(point.effective_band()),
                right(points(point.composite)),
                right(change.map_or_else(String::new, signed_points)),
            ]);
            row.extend([point.threat, point.risk, point.harm].map(|milli| right(short_points(milli))));
            row.push(left(notes(entry, &point)));
        } else {
            row.extend((0..7).map(|_| left("")));
            row.push(left(if entry.kept { "not held then" } else { "not kept any more" }));
        }
        table.add_row(row);
    }
    drawn(&mut table, 0)
}

const CSV_HEADER: [&str; 14] = [
    "subject_ref",
    "list",
    "generation",
    "as_of",
    "policy_version",
    "kept",
    "rank",
    "effective_band",
    "computed_band",
    "composite_milli_points",
    "threat_milli_points",
    "risk_milli_points",
    "harm_milli_points",
    "marks",
];

fn csv(list: List, answer: &pb::ListStandingHistoryResponse) -> anyhow::Result<String> {
    let rows = answer.entries.iter().map(|entry| {
        let of = |tell: fn(&pb::HistoryPoint) -> String| entry.standing.as_ref().map_or_else(String::new, tell);
        [
            answer.subject_ref.clone(),
            list.contract_name().to_owned(),
            entry.generation.to_string(),
            entry.as_of.clone(),
            entry.policy_version.clone(),
            entry.kept.to_string(),
            of(|it| if it.rank == 0 { String::new() } else { it.rank.to_string() }),
            of(|it| band_word(it.effective_band()).to_owned()),
            of(|it| band_word(it.computed_band()).to_owned()),
            of(|it| it.composite.to_string()),
            of(|it| it.threat.to_string()),
            of(|it| it.risk.to_string()),
            of(|it| it.harm.to_string()),
            of(|it| {
                let marks = [(it.provisional, "provisional"), (it.overridden, "overridden")];
                marks.iter().filter(|(holds, _)| *holds).map(|(_, mark)| *mark).collect::<Vec<_>>().join(" ")
            }),
        ]
    });
    output::csv(CSV_HEADER, rows)
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::cli::test_screens::{agrees_with, context};
    use crate::domain::Date;

    #[derive(Debug, Parser)]
    #[command(no_binary_name = true)]
    struct Line {
        #[command(flatten)]
        args: Args,
    }

    fn point(composite: u32) -> pb::HistoryPoint {
        pb::HistoryPoint {
            rank: 7,
            effective_band: pb::Band::High.into(),
            computed_band: pb::Band::High.into(),
            composite,
            threat: 48_000,
            risk: 61_000,
            harm: 72_000,
            ..Default::default()
        }
    }

    /// A month, the newest first: not held on the first days, one generation gone, risen on the 20th.
    fn answer() -> pb::ListStandingHistoryResponse {
        let last: Date = "2026-03-31".parse().unwrap();
        let entry = |ago: u32| {
            let number = 31 - ago;
            let (kept, held) = (number != 15, number > 3);
            let composite = if number < 20 { 41_000 - number * 40 } else { 52_000 - number * 35 };
            pb::HistoryEntry {
                generation: number.into(),
                as_of: (last - i32::try_from(ago).unwrap()).to_string(),
                policy_version: "thr-2026.1".to_owned(),
                kept,
                standing: (kept && held).then(|| point(composite)),
                ..Default::default()
            }
        };
        let mut entries: Vec<_> = (0..31).map(entry).collect();
        let raised = entries[2].standing.as_mut().unwrap();
        (raised.rank, raised.provisional, raised.computed_band) = (0, true, pb::Band::Medium.into());
        entries[3].kept = false;
        entries[3].standing = None;
        pb::ListStandingHistoryResponse {
            context: Some(context()),
            subject_ref: "S-000113".to_owned(),
            now: Some(point(50_915)),
            entries,
            next_page_token: String::new(),
        }
    }

    #[test]
    fn a_history_reads_well() {
        agrees_with("history.txt", &screen(List::Cohort, &answer(), Page::PLAIN));
    }

    #[test]
    fn before_the_first_generation_it_is_said_that_there_is_none() {
        let answer = pb::ListStandingHistoryResponse { entries: Vec::new(), ..answer() };
        assert!(screen(List::All, &answer, Page::PLAIN).contains("No generation has been published yet"));
    }

    #[test]
    fn a_sparkline_reaches_from_the_lowest_to_the_highest() {
        assert_eq!(sparkline(&[Some(0), Some(50), None, Some(100), Some(100_000)]), "▁▁·▁█");
        assert_eq!(sparkline(&[Some(0), Some(1), Some(2), Some(3), Some(4), Some(5), Some(6), Some(7)]), "▁▂▃▄▅▆▇█");
        assert_eq!(
            (sparkline(&[Some(9), Some(9)]), sparkline(&[None]), sparkline(&[])),
            ("▄▄".into(), "·".into(), String::new())
        );
    }

    #[test]
    fn every_argument_reaches_the_request() {
        let request =
            Line::try_parse_from("S-1 --list wanted --from 3 --to 9 --limit 7".split(' ')).unwrap().args.request();
        assert_eq!((request.subject_ref.as_str(), request.list(), request.page_size), ("S-1", pb::List::Wanted, 7));
        assert_eq!((request.from_generation, request.to_generation), (3, 9));
        let request = Line::try_parse_from(["S-1"]).unwrap().args.request();
        assert_eq!((request.list(), request.page_size), (pb::List::All, 0));
    }

    #[test]
    fn csv_has_a_row_a_generation() {
        let text = csv(List::All, &answer()).unwrap();
        assert_eq!(text.lines().count(), 32);
        let newest = "S-000113,ALL,31,2026-03-31,thr-2026.1,true,7,HIGH,HIGH,50915,48000,61000,72000,";
        assert_eq!(text.lines().nth(1), Some(newest));
        assert_eq!(text.lines().nth(4), Some("S-000113,ALL,28,2026-03-28,thr-2026.1,false,,,,,,,,"));
    }
}
