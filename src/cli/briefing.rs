//! One screen for a morning meeting: who comes first, who moved since yesterday and why,
//! what is overdue and who looks, whom to tell, and what yesterday brought. Put together from what other commands
//! show in full; it computes nothing of its own.

mod ask;
mod screen;
#[cfg(test)]
mod tests;

use std::process::ExitCode;

use clap::ValueEnum;
use serde_json::{Value, json};

use super::client::ServerArgs;
use super::exit::Exit;
use super::output::{self, Page};
use super::word::Typed as _;
use crate::domain::Date;
use crate::domain::word::List;
use crate::pb;

use ask::Asked;
use screen::screen;

/// Arguments of `briefing`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Policing area (may be repeated, or hold values separated by commas) [default: the whole force]
    #[arg(long, value_name = "AREA", value_delimiter = ',')]
    area: Vec<String>,
    /// Rows of each part, 1 to 50; four fit one screen
    #[arg(long, value_name = "ROWS", default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=50))]
    top: u32,
    /// How to print
    #[arg(short, long, value_enum, value_name = "FORMAT", default_value_t)]
    output: Output,
    #[command(flatten)]
    server: ServerArgs,
}

/// How to print.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Output {
    /// For people
    #[default]
    Table,
    /// The answers in canonical proto JSON, each under its part
    Json,
}

/// A list: how many stand on it, and its first.
#[derive(Clone, Debug)]
pub struct Listed {
    /// How many, by band.
    pub summary: pb::GetListSummaryResponse,
    /// The first rows.
    pub first: pb::ListStandingsResponse,
}

/// Who moved on a list since the day before.
#[derive(Clone, Debug)]
pub enum Moved {
    /// They are told.
    Told(Box<pb::ListMovementsResponse>),
    /// The caller may not see it.
    NotPermitted,
    /// There is nothing to compare with: why.
    Nothing(&'static str),
}

/// Everything that the screen tells, as the server gave it. `None`: the caller may not see that part.
#[derive(Clone, Debug)]
pub struct Morning {
    /// When it was asked.
    pub now: pbjson_types::Timestamp,
    /// Areas asked for.
    pub areas: Vec<String>,
    /// Lists, the two that lead first.
    pub lists: Vec<(List, Option<Listed>)>,
    /// Who moved, on the two lists that lead.
    pub moved: Vec<(List, Moved)>,
    /// What is overdue on outstanding files.
    pub gaps: Option<pb::ListSupervisionGapsResponse>,
    /// Victims to be told.
    pub victims: Option<pb::ListVictimUpdatesResponse>,
    /// Members whose review is overdue.
    pub reviews: Option<pb::ListCohortReviewsResponse>,
    /// The day before, alone.
    pub yesterday: Option<pb::GetOutstandingReturnResponse>,
}

/// Prints the briefing.
///
/// # Errors
/// The server does not answer or refuses for another reason than that a part is not permitted.
pub async fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let now = jiff::Timestamp::now();
    let asked = Asked { areas: args.area.clone(), top: args.top, yesterday: Date::in_london(now) - 1 };
    let now = pbjson_types::Timestamp { seconds: now.as_second(), nanos: 0 };
    let morning = ask::ask(args.server.connect().await?, &asked, now).await?;
    output::print(&match args.output {
        Output::Table => screen(&morning, Page::of_stdout()),
        Output::Json => output::json(&parts(&morning)?)?,
    })?;
    Ok(Exit::Done.into())
}

/// The answers, each under its part; null where it may not be seen.
fn parts(morning: &Morning) -> serde_json::Result<Value> {
    let lists = morning.lists.iter().map(|(list, listed)| {
        let answers = match listed {
            Some(listed) => json!({
                "summary": serde_json::to_value(&listed.summary)?,
                "first": serde_json::to_value(&listed.first)?,
            }),
            None => Value::Null,
        };
        Ok((list.contract_name().to_owned(), answers))
    });
    let moved = morning.moved.iter().map(|(list, moved)| {
        let answer = match moved {
            Moved::Told(answer) => serde_json::to_value(answer)?,
            Moved::NotPermitted => Value::Null,
            Moved::Nothing(why) => json!({ "nothing": why }),
        };
        Ok((list.contract_name().to_owned(), answer))
    });
    Ok(json!({
        "lists": lists.collect::<serde_json::Result<serde_json::Map<_, _>>>()?,
        "moved": moved.collect::<serde_json::Result<serde_json::Map<_, _>>>()?,
        "gaps": serde_json::to_value(&morning.gaps)?,
        "victims": serde_json::to_value(&morning.victims)?,
        "reviews": serde_json::to_value(&morning.reviews)?,
        "yesterday": serde_json::to_value(&morning.yesterday)?,
    }))
}
