//! `policy simulate`: who would change band, who would enter or leave the top of a list,
//! how many would stand in each band. Nothing is published.

use std::fmt::Write as _;
use std::process::ExitCode;

use comfy_table::Cell;

use super::named::Named;
use super::show;
use crate::cli::client::{self, ServerArgs};
use crate::cli::exit::Exit;
use crate::cli::list::told_from;
use crate::cli::output::{self, Format, OutputArgs, Page, band_cell, count, drawn, left, plain, right, short_points};
use crate::cli::word::{Typed, list_name, parser};
use crate::domain::word::List;
use crate::pb;

/// Arguments of `policy simulate`.
#[derive(Clone, Debug, clap::Args)]
pub struct SimulateArgs {
    /// A version that the server knows, or a policy file
    #[arg(value_name = "VERSION|FILE")]
    policy: String,
    /// The list
    #[arg(long, value_name = "LIST", value_parser = parser::<List>(), ignore_case = true, default_value = "all")]
    list: List,
    /// How many from the top count as the top, 1 to 10,000
    #[arg(long, value_name = "N", default_value_t = 50)]
    top: u32,
    /// Most people shown of each kind, 1 to 1,000
    #[arg(long, value_name = "ROWS", default_value_t = 50)]
    limit: u32,
    #[command(flatten)]
    output: OutputArgs,
    #[command(flatten)]
    server: ServerArgs,
}

/// Tries a policy.
pub async fn run(args: &SimulateArgs) -> anyhow::Result<ExitCode> {
    let request = pb::SimulatePolicyRequest {
        policy: Some(Named::of(&args.policy).tried()?),
        list: args.list.number(),
        top_n: args.top,
        limit: args.limit,
        ..Default::default()
    };
    let mut client = client::policies(args.server.connect().await?);
    let answer = client.simulate_policy(request).await?.into_inner();
    output::print(&match args.output.output {
        Format::Table => screen(&answer, Page::of_stdout()),
        Format::Json => output::json(&answer)?,
        Format::Csv => output::csv(COLUMNS, rows(&answer))?,
    })?;
    Ok(Exit::Done.into())
}

const COLUMNS: [&str; 8] =
    ["kind", "subject_ref", "from_band", "to_band", "from_composite", "to_composite", "from_position", "to_position"];

fn rows(answer: &pb::SimulatePolicyResponse) -> impl Iterator<Item = [String; 8]> {
    let kinds = [("changed", &answer.changed), ("entered_top", &answer.entered_top), ("left_top", &answer.left_top)];
    kinds.into_iter().flat_map(|(kind, people)| {
        people.iter().map(move |it| {
            [
                kind.to_owned(),
                it.subject_ref.clone(),
                it.from_band().as_str_name().trim_start_matches("BAND_").to_owned(),
                it.to_band().as_str_name().trim_start_matches("BAND_").to_owned(),
                it.from_composite.to_string(),
                it.to_composite.to_string(),
                it.from_position.to_string(),
                it.to_position.to_string(),
            ]
        })
    })
}

pub(super) fn screen(answer: &pb::SimulatePolicyResponse, page: Page) -> String {
    let list = list_name(answer.list);
    let heading = format!("{} TRIED ON {list}", plain(&answer.version));
    let in_force = answer.context.as_ref().map_or("", |context| context.policy_version.as_str());
    let mut text = format!(
        "{}  {} from {}, which stays in force. Nothing was published.\n{}\n",
        page.bold(&heading),
        show::values(answer.changes.len()),
        plain(in_force),
        page.faint(&told_from(answer.context.as_ref()))
    );
    text.push_str(&bands(answer, page));
    let kinds = [
        ("CHANGE BAND, ENTER THE LIST OR LEAVE IT".to_owned(), answer.changed_total, &answer.changed),
        (format!("ENTER THE TOP {}", answer.top_n), answer.entered_top_total, &answer.entered_top),
        (format!("LEAVE THE TOP {}", answer.top_n), answer.left_top_total, &answer.left_top),
    ];
    for (what, total, people) in kinds {
        text.push_str(&page.heading(&format!("{} {what}", count(total))));
        text.push_str(&moves(total, people, page));
    }
    if !answer.simulation_id.is_empty() {
        let _ = writeln!(text, "\nSimulation {}", plain(&answer.simulation_id));
    }
    text
}

fn bands(answer: &pb::SimulatePolicyResponse, page: Page) -> String {
    let share = |ten_thousandths: u32| format!("{}.{:02} %", ten_thousandths / 100, ten_thousandths % 100);
    let mut table = page.table();
    table.set_header([left("band"), right("now"), right("share"), right("then"), right("share")]);
    for band in &answer.bands {
        let numbers =
            [count(band.people_before), share(band.share_before), count(band.people_after), share(band.share_after)];
        table.add_row(std::iter::once(band_cell(band.band())).chain(numbers.map(right)));
    }
    let all = [count(answer.list_size_before), String::new(), count(answer.list_size_after), String::new()];
    table.add_row(std::iter::once(left("all")).chain(all.map(right)));
    page.heading("BANDS") + &drawn(&mut table, 2)
}

fn moves(total: u32, people: &[pb::SimulatedMove], page: Page) -> String {
    if people.is_empty() {
        return "  nobody\n".to_owned();
    }
    let mut table = page.table();
    let header =
        [left("person"), left("band"), left("then"), right("composite"), right("then"), right("place"), right("then")];
    table.set_header(header);
    for it in people {
        table.add_row([
            left(&it.subject_ref),
            band(it.from_band()),
            band(it.to_band()),
            right(short_points(it.from_composite)),
            right(short_points(it.to_composite)),
            place(it.from_position),
            place(it.to_position),
        ]);
    }
    let more = u64::from(total).saturating_sub(people.len() as u64);
    let rest = if more == 0 { String::new() } else { format!("  and {} more: --limit shows more\n", count(more)) };
    drawn(&mut table, 2) + &rest
}

fn band(band: pb::Band) -> Cell {
    match band {
        pb::Band::Unspecified => left("not listed"),
        pb::Band::Low | pb::Band::Medium | pb::Band::High | pb::Band::VeryHigh => band_cell(band),
    }
}

fn place(position: u32) -> Cell {
    if position == 0 { right("") } else { right(count(position)) }
}
