//! Shows who moved on a list between two states of it, and why.

use std::fmt::Write as _;
use std::process::ExitCode;

use comfy_table::Cell;
use tonic::Status;

use super::client::ServerArgs;
use super::exit::Exit;
use super::output::{
    self, Format, OutputArgs, Page, band_word, count, day, drawn, indented, left, plain, right, signed_points,
};
use super::paging::{Follow, follow};
use super::word::{Typed, numbers, parser, spoken_number, typed};
use crate::cli::client::Channel;
use crate::domain::word::{List, MovementCause, MovementKind};
use crate::pb;
use crate::pb::ranking_service_client::RankingServiceClient;

/// Rows a page where nothing is asked for.
const DEFAULT_ROWS: u32 = 50;
/// Most rows a page.
const MOST_ROWS: u32 = 100;

/// Arguments of `movements`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Which list
    #[arg(value_name = "LIST", value_parser = parser::<List>(), ignore_case = true, default_value = "cohort")]
    list: List,
    /// The earlier state: a published generation [default: the newest of an earlier day]
    #[arg(long, value_name = "GENERATION")]
    from: Option<u64>,
    /// The later state: a published generation [default: the lists of now]
    #[arg(long, value_name = "GENERATION")]
    to: Option<u64>,
    /// Only these (may be repeated, or hold values separated by commas)
    #[arg(long, value_name = "KIND", value_delimiter = ',', value_parser = parser::<MovementKind>(), ignore_case = true)]
    kind: Vec<MovementKind>,
    /// Only people of this policing area, before or after (may be repeated, or hold values separated by commas)
    #[arg(long, value_name = "AREA", value_delimiter = ',')]
    area: Vec<String>,
    /// Rows a page, 1 to 100 [default: 50]
    #[arg(long, visible_alias = "page-size", value_name = "ROWS")]
    limit: Option<u32>,
    /// Follow the list to its end, page after page
    #[arg(long)]
    all: bool,
    /// Go on from this token of an earlier answer in JSON; the other arguments must be the same
    #[arg(long, value_name = "TOKEN", conflicts_with = "all")]
    page_token: Option<String>,
    #[command(flatten)]
    output: OutputArgs,
    #[command(flatten)]
    server: ServerArgs,
}

impl Args {
    fn request(&self) -> pb::ListMovementsRequest {
        pb::ListMovementsRequest {
            list: self.list.number(),
            from_generation: self.from.unwrap_or(0),
            to_generation: self.to.unwrap_or(0),
            kinds: numbers(&self.kind),
            areas: self.area.clone(),
            page_size: self.limit.unwrap_or(if self.all { MOST_ROWS } else { DEFAULT_ROWS }),
            page_token: self.page_token.clone().unwrap_or_default(),
            ..Default::default()
        }
    }
}

/// Prints who moved. Ends with 1 if nobody did.
///
/// # Errors
/// The server does not answer or refuses: a generation is unknown, or not kept.
pub async fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let mut client = args.server.ranking().await?;
    let answer = fetch(&mut client, args.request(), args.all).await?;
    let text = match args.output.output {
        Format::Table => screen(args.list, &answer, Page::of_stdout()),
        Format::Json => output::json(&answer)?,
        Format::Csv => csv(args.list, &answer)?,
    };
    output::print(&text)?;
    Ok(if answer.movements.is_empty() { Exit::Nothing } else { Exit::Done }.into())
}

/// One page, or with `all` every page to the end as if it were one.
async fn fetch(
    client: &mut RankingServiceClient<Channel>,
    request: pb::ListMovementsRequest,
    all: bool,
) -> Result<pb::ListMovementsResponse, Status> {
    follow(request, Follow::all(all, Follow::OnePage), async |request| client.list_movements(request).await).await
}

/// One end in words: "generation 12 of 30 March 2026".
pub(super) fn end_words(end: Option<&pb::MovementEnd>) -> String {
    end.map_or_else(String::new, |end| match end.generation {
        0 => format!("now, {}", day(&end.as_of)),
        number => format!("generation {} of {}", count(number), day(&end.as_of)),
    })
}

/// How many did what: "3 entered, 1 left".
pub(super) fn counted(counts: &[pb::MovementCount]) -> String {
    let some = counts.iter().filter(|it| it.people > 0);
    let some: Vec<_> =
        some.map(|it| format!("{} {}", count(it.people), spoken_number::<MovementKind>(it.kind))).collect();
    if some.is_empty() { "nobody moved".to_owned() } else { some.join(", ") }
}

/// The band, or from which to which.
pub(super) fn bands(movement: &pb::Movement) -> String {
    let of = |place: &Option<pb::MovementPlace>| place.as_ref().map(pb::MovementPlace::effective_band);
    match (of(&movement.before), of(&movement.after)) {
        (Some(before), Some(after)) if before != after => format!("{} to {}", band_word(before), band_word(after)),
        (_, Some(band)) | (Some(band), None) => band_word(band).to_owned(),
        (None, None) => String::new(),
    }
}

/// From which rank to which, "-" where not on the list.
fn ranks(movement: &pb::Movement) -> String {
    let of = |place: &Option<pb::MovementPlace>| place.as_ref().map_or_else(|| "-".to_owned(), |it| count(it.rank));
    format!("{} to {}", of(&movement.before), of(&movement.after))
}

/// Change of the composite, milli-points.
pub(super) const fn change(movement: &pb::Movement) -> i32 {
    movement.composite_after.cast_signed() - movement.composite_before.cast_signed()
}

/// What it comes from mainly, with the records behind it: "evidence: off-1, off-2 and 3 more".
pub(super) fn reason(movement: &pb::Movement) -> String {
    let Some(causes) = &movement.causes else { return String::new() };
    let mut text = spoken_number::<MovementCause>(causes.mainly);
    if !causes.evidence_ids.is_empty() {
        text.push_str(": ");
        text.push_str(&causes.evidence_ids.join(", "));
    }
    if causes.more_evidence > 0 {
        let _ = write!(text, " and {} more", count(causes.more_evidence));
    }
    text
}

/// Who moved: what is compared, how many did what, and a row a person.
fn screen(list: List, answer: &pb::ListMovementsResponse, page: Page) -> String {
    let span = format!("from {} to {}", end_words(answer.from.as_ref()), end_words(answer.to.as_ref()));
    let mut text = format!("{}  {span}\n", page.bold(&format!("MOVED ON {}", list.contract_name())));
    text.push_str(&indented(&format!("{}.", counted(&answer.counts)), 0, page.width));
    if answer.movements.is_empty() {
        return text;
    }
    text.push('\n');
    let mut table = page.table();
    let header: [Cell; 9] = [
        left("subject"),
        left("what"),
        left("band"),
        left("rank"),
        right("change"),
        right("time"),
        right("evidence"),
        right("policy"),
        left("mainly"),
    ];
    table.set_header(header);
    for it in &answer.movements {
        let causes = it.causes.clone().unwrap_or_default();
        table.add_row([
            left(&it.subject_ref),
            left(spoken_number::<MovementKind>(it.kind)),
            left(bands(it)),
            left(ranks(it)),
            right(signed_points(change(it))),
            right(signed_points(causes.time)),
            right(signed_points(causes.evidence)),
            right(signed_points(causes.policy)),
            left(reason(it)),
        ]);
    }
    text.push_str(&drawn(&mut table, 0));
    let shown = u64::try_from(answer.movements.len()).expect("a length must fit in 64 bits");
    let more = if answer.next_page_token.is_empty() { "" } else { " More follow: --all shows them." };
    let first = plain(&answer.movements[0].subject_ref);
    let hint = format!("How somebody came there: steelyard history {first} --list {}", typed(list));
    text + &format!("\n{}\n{}\n", page.faint(&format!("{} shown.{more}", count(shown))), page.faint(&hint))
}

const CSV_HEADER: [&str; 15] = [
    "list",
    "subject_ref",
    "kind",
    "rank_before",
    "rank_after",
    "band_before",
    "band_after",
    "composite_before_milli_points",
    "composite_after_milli_points",
    "time_milli_points",
    "evidence_milli_points",
    "policy_milli_points",
    "mainly",
    "evidence_ids",
    "more_evidence",
];

fn csv(list: List, answer: &pb::ListMovementsResponse) -> anyhow::Result<String> {
    let rank = |place: &Option<pb::MovementPlace>| place.as_ref().map_or_else(String::new, |it| it.rank.to_string());
    let band = |place: &Option<pb::MovementPlace>| {
        place.as_ref().map_or_else(String::new, |it| band_word(it.effective_band()).to_owned())
    };
    let rows = answer.movements.iter().map(|it| {
        let causes = it.causes.clone().unwrap_or_default();
        [
            list.contract_name().to_owned(),
            it.subject_ref.clone(),
            spoken_number::<MovementKind>(it.kind),
            rank(&it.before),
            rank(&it.after),
            band(&it.before),
            band(&it.after),
            it.composite_before.to_string(),
            it.composite_after.to_string(),
            causes.time.to_string(),
            causes.evidence.to_string(),
            causes.policy.to_string(),
            spoken_number::<MovementCause>(causes.mainly),
            causes.evidence_ids.join(" "),
            causes.more_evidence.to_string(),
        ]
    });
    output::csv(CSV_HEADER, rows)
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::cli::test_screens::{agrees_with, movement, movements};

    #[derive(Debug, Parser)]
    #[command(no_binary_name = true)]
    struct Line {
        #[command(flatten)]
        args: Args,
    }

    #[test]
    fn movements_read_well() {
        let mut answer = movements(2);
        let causes =
            |time, mainly: pb::MovementCause| pb::MovementCauses { time, mainly: mainly.into(), ..Default::default() };
        answer.movements.push(pb::Movement {
            kind: pb::MovementKind::Left.into(),
            after: None,
            composite_after: 59_000,
            causes: Some(pb::MovementCauses {
                evidence_ids: vec!["member-9".to_owned()],
                more_evidence: 4,
                ..causes(0, pb::MovementCause::Evidence)
            }),
            ..movement("S-000907", 9)
        });
        answer.movements.push(pb::Movement {
            kind: pb::MovementKind::Fell.into(),
            before: movement("", 12).after,
            composite_before: 62_150,
            composite_after: 62_000,
            causes: Some(causes(-150, pb::MovementCause::Time)),
            ..movement("S-000012", 12)
        });
        agrees_with("movements.txt", &screen(List::Cohort, &answer, Page::PLAIN));
    }

    #[test]
    fn that_nobody_moved_is_said() {
        let text = screen(List::Recalls, &pb::ListMovementsResponse::default(), Page::PLAIN);
        assert!(text.contains("nobody moved."), "{text}");
    }

    #[test]
    fn every_argument_reaches_the_request() {
        let line = "recalls --from 3 --to 7 --kind entered,LEFT --kind changed-band --area north --all";
        let request = Line::try_parse_from(line.split(' ')).unwrap().args.request();
        let kinds = [pb::MovementKind::Entered, pb::MovementKind::Left, pb::MovementKind::ChangedBand];
        assert_eq!(request.kinds().collect::<Vec<_>>(), kinds);
        assert_eq!((request.list(), request.from_generation, request.to_generation), (pb::List::Recalls, 3, 7));
        assert_eq!((request.areas, request.page_size), (vec!["north".to_owned()], 100));
        let nothing = Line::try_parse_from::<[&str; 0], &str>([]).unwrap().args.request();
        assert_eq!((nothing.list(), nothing.from_generation, nothing.page_size), (pb::List::Cohort, 0, 50));
    }

    #[tokio::test]
    async fn all_follows_the_tokens_to_the_end() {
        let mut client = super::super::test_server::fixed().await;
        let request = pb::ListMovementsRequest { list: List::Cohort.number(), page_size: 10, ..Default::default() };
        assert_eq!(fetch(&mut client, request.clone(), false).await.unwrap().movements.len(), 10);
        let all = fetch(&mut client, request, true).await.unwrap();
        assert_eq!((all.movements.len(), all.next_page_token.as_str()), (25, ""));
    }

    #[test]
    fn csv_has_a_row_a_person() {
        let text = csv(List::Cohort, &movements(1)).unwrap();
        assert_eq!(
            text.lines().nth(1),
            Some("COHORT,S-000113,changed band,4,1,HIGH,VERY HIGH,59000,62150,-250,3400,0,evidence,off-1 off-2,0")
        );
    }
}
