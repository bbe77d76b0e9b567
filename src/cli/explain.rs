//! Shows why a person stands where they stand, so that somebody who has never seen
//! this program can answer "why is this person third?" from the one screen.

mod parts;
mod screen;
mod what_if;

use std::process::ExitCode;

use super::client::ServerArgs;
use super::exit::{Exit, Failure};
use super::output::{self, Format, OutputArgs, Page};
use super::word::{Typed, component, list_name, parser, typed};
use crate::cli::client::Channel;
use crate::domain::word::List;
use crate::pb;
use crate::pb::ranking_service_client::RankingServiceClient;

pub use screen::screen;

/// Neighbours shown on each side.
const NEIGHBOURS: u32 = 3;
/// Rows a page when looking for the holder of a place.
const PLACES: u32 = 1_000;

/// Arguments of `explain`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The person's reference
    #[arg(value_name = "SUBJECT_REF", required_unless_present = "rank")]
    subject: Option<String>,
    /// Whoever holds this place on the list, from 1
    #[arg(long, value_name = "PLACE", conflicts_with = "subject", value_parser = clap::value_parser!(u32).range(1..))]
    rank: Option<u32>,
    /// The list to explain [default: the most specific one that the person stands on; with --rank, cohort]
    #[arg(long, value_parser = parser::<List>(), ignore_case = true)]
    list: Option<List>,
    /// Every reason, however small
    #[arg(long)]
    all: bool,
    /// Also what would move the band, and which rank each table of harm gives; not in CSV
    #[arg(long)]
    what_if: bool,
    #[command(flatten)]
    output: OutputArgs,
    #[command(flatten)]
    server: ServerArgs,
}

/// Everything that the screen tells, as the server gave it.
#[derive(Clone, Debug)]
pub struct Story {
    /// The person on each list.
    pub standing: pb::GetStandingResponse,
    /// Which of these lists is explained.
    pub listed: pb::ListedStanding,
    /// Those around the person on it.
    pub neighbourhood: pb::GetNeighbourhoodResponse,
    /// Why the next above stands above. `None`: nobody does.
    pub above: Option<pb::CompareStandingsResponse>,
    /// Why the next below stands below. `None`: nobody does.
    pub below: Option<pb::CompareStandingsResponse>,
}

/// Prints the explanation.
///
/// # Errors
/// The server does not answer or refuses; the person is not on the list, or nobody holds that place.
pub async fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let mut client = args.server.ranking().await?;
    let (subject, list) = match (&args.subject, args.rank) {
        (Some(subject), _) => (subject.clone(), args.list),
        (None, rank) => {
            let list = args.list.unwrap_or(List::Cohort);
            (holder(&mut client, list, rank.unwrap_or(1)).await?, Some(list))
        }
    };
    let text = match args.output.output {
        Format::Table => {
            let mut text = screen(&story(&mut client, &subject, list).await?, args.all, Page::of_stdout());
            if args.what_if {
                let told = standing(&mut client, &subject, true).await?;
                text.push_str(&what_if::screen(&told, listed(&told, list)?, Page::of_stdout()));
            }
            text
        }
        Format::Json => output::json(&standing(&mut client, &subject, args.what_if).await?)?,
        Format::Csv => csv(&standing(&mut client, &subject, false).await?, list)?,
    };
    output::print(&text)?;
    Ok(Exit::Done.into())
}

async fn standing(
    client: &mut RankingServiceClient<Channel>,
    subject: &str,
    what_if: bool,
) -> anyhow::Result<pb::GetStandingResponse> {
    let request = pb::GetStandingRequest {
        subject_ref: subject.to_owned(),
        with_counterfactuals: what_if,
        with_harm_tables: what_if,
        ..Default::default()
    };
    Ok(client.get_standing(request).await?.into_inner())
}

/// Who holds a place, the list being walked from its top.
async fn holder(client: &mut RankingServiceClient<Channel>, list: List, place: u32) -> anyhow::Result<String> {
    let mut request =
        pb::ListStandingsRequest { list: list.number(), page_size: place.min(PLACES), ..Default::default() };
    loop {
        let page = client.list_standings(request.clone()).await?.into_inner();
        if let Some(held) = page.standings.into_iter().find(|standing| standing.position == place) {
            return Ok(held.subject_ref);
        }
        if page.next_page_token.is_empty() {
            let text = format!("nobody is in place {place} on {}: it holds {}", list.contract_name(), page.list_size);
            return Err(Failure::new(Exit::Nothing, text).into());
        }
        request.page_token = page.next_page_token;
    }
}

/// Asks everything that the screen tells of a person on a list (`None`: the most specific that they stand on).
///
/// # Errors
/// The server refuses, or the person does not stand on that list.
pub async fn story(
    client: &mut RankingServiceClient<Channel>,
    subject: &str,
    list: Option<List>,
) -> anyhow::Result<Story> {
    let standing = standing(client, subject, false).await?;
    let listed = listed(&standing, list)?.clone();
    let (min_revision, store) =
        standing.context.as_ref().map_or((0, ""), |context| (context.revision, context.store.as_str()));
    let request = pb::GetNeighbourhoodRequest {
        list: listed.list,
        subject_ref: subject.to_owned(),
        k: NEIGHBOURS,
        min_revision,
        store: store.to_owned(),
    };
    let neighbourhood = client.get_neighbourhood(request).await?.into_inner();
    let above = neighbourhood.above.last().map(|standing| standing.subject_ref.clone());
    let below = neighbourhood.below.first().map(|standing| standing.subject_ref.clone());
    let mut compared = [None, None];
    for (place, other) in [above, below].into_iter().enumerate() {
        if let Some(other) = other {
            let request = pb::CompareStandingsRequest {
                list: listed.list,
                subject_ref_a: subject.to_owned(),
                subject_ref_b: other,
                min_revision,
                store: store.to_owned(),
            };
            compared[place] = Some(client.compare_standings(request).await?.into_inner());
        }
    }
    let [above, below] = compared;
    Ok(Story { standing, listed, neighbourhood, above, below })
}

fn listed(standing: &pb::GetStandingResponse, list: Option<List>) -> Result<&pb::ListedStanding, Failure> {
    let found = match list {
        Some(list) => standing.standings.iter().find(|listed| listed.list == list.number()),
        None => standing.standings.first(),
    };
    found.ok_or_else(|| {
        let stands: Vec<_> = standing.standings.iter().map(|listed| list_name(listed.list)).collect();
        let stands = if stands.is_empty() { "no list".to_owned() } else { stands.join(", ") };
        let list = list.map_or_else(|| "any list".to_owned(), typed);
        Failure::new(Exit::Nothing, format!("the person does not stand on {list}; they stand on {stands}"))
    })
}

/// One row a reason, of the list asked for or of every list.
fn csv(standing: &pb::GetStandingResponse, list: Option<List>) -> anyhow::Result<String> {
    let wanted: Vec<_> = match list {
        Some(_) => vec![listed(standing, list)?],
        None => standing.standings.iter().collect(),
    };
    let rows = wanted.into_iter().flat_map(|listed| {
        let detail = listed.standing.as_ref().and_then(|standing| standing.detail.as_ref());
        let contributions = detail.map(|detail| detail.contributions.as_slice()).unwrap_or_default();
        contributions.iter().map(|it| {
            [
                standing.subject_ref.clone(),
                list_name(listed.list).to_owned(),
                component(it.component()).to_owned(),
                it.rule.clone(),
                it.milli_points.to_string(),
                it.event_date.clone(),
                it.evidence_ids.join(" "),
                it.description.clone(),
            ]
        })
    });
    let header =
        ["subject_ref", "list", "component", "rule", "milli_points", "event_date", "evidence_ids", "description"];
    output::csv(header, rows)
}

#[cfg(test)]
mod tests;
