//! `policy diff`: the values that differ between two policies, by key, whichever way
//! the files are laid out. A server is asked where a version is named.

use std::process::ExitCode;

use serde_json::json;

use super::named::Named;
use super::show;
use crate::cli::client::ServerArgs;
use crate::cli::exit::{Exit, Failure};
use crate::cli::output::{self, Format, OutputArgs, Page, plain};
use crate::pb;
use crate::policy::numbers::{Changed, changes, stated_version};

/// Arguments of `policy diff`.
#[derive(Clone, Debug, clap::Args)]
pub struct DiffArgs {
    /// A policy file, or a version that the server knows
    #[arg(value_name = "A")]
    from: String,
    /// Another
    #[arg(value_name = "B")]
    to: String,
    #[command(flatten)]
    output: OutputArgs,
    #[command(flatten)]
    server: ServerArgs,
}

/// Shows what differs. Exit code 1 where nothing does.
pub async fn run(args: &DiffArgs) -> anyhow::Result<ExitCode> {
    let mut texts = Vec::new();
    for name in [&args.from, &args.to] {
        let text = Named::of(name).text(&args.server).await?;
        if text.parse::<toml::Table>().is_err() {
            return Err(Failure::new(Exit::DataRefused, format!("{name} is not TOML")).into());
        }
        texts.push(text);
    }
    let change = |Changed { key, from, to }| pb::NumberChange { key, from, to };
    let changes: Vec<pb::NumberChange> = changes(&texts[0], &texts[1]).into_iter().map(change).collect();
    let versions = [&texts[0], &texts[1]].map(|text| stated_version(text).unwrap_or_default());
    output::print(&match args.output.output {
        Format::Table => told(&versions, &changes, Page::of_stdout()),
        Format::Json => output::json(&json!({"from": versions[0], "to": versions[1], "changes": changes}))?,
        Format::Csv => show::changes_csv(&changes)?,
    })?;
    Ok(if changes.is_empty() { Exit::Nothing } else { Exit::Done }.into())
}

pub(super) fn told([from, to]: &[String; 2], changes: &[pb::NumberChange], page: Page) -> String {
    let (from, to) = (plain(from), plain(to));
    if changes.is_empty() {
        return format!("No value differs between {from} and {to}.\n");
    }
    format!("{} between {from} and {to}.\n\n{}", show::values(changes.len()), show::changes_table(changes, page))
}
