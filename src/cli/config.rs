//! Shows the settings: all that there are, or those in force. Never changes any.

use std::process::ExitCode;

use super::exit::Exit;
use super::output::{self, Format, OutputArgs, Page, drawn, left};
use crate::config::{self, Effective, Flags};

/// Arguments of `config`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Print the reference page of every setting, in Markdown
    Reference,
    /// Check the settings that `serve` would run by, and print each with its source
    Show(ShowArgs),
}

#[derive(Debug, clap::Args)]
struct ShowArgs {
    #[command(flatten)]
    output: OutputArgs,
    #[command(flatten)]
    settings: Flags,
}

/// Shows what was asked for.
///
/// # Errors
/// The settings are wrong, or standard output cannot be written.
pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let text = match &args.command {
        Command::Reference => config::reference_page(),
        Command::Show(args) => {
            let effective = config::effective(&args.settings)?;
            match args.output.output {
                Format::Table => table(&effective, Page::of_stdout()),
                Format::Json => {
                    let values: serde_json::Map<_, _> = effective
                        .into_iter()
                        .map(|it| (it.key.to_owned(), serde_json::json!({"value": it.value, "source": it.source})))
                        .collect();
                    output::json(&values)?
                }
                Format::Csv => {
                    let rows =
                        effective.into_iter().map(|it| [it.key.to_owned(), it.value.unwrap_or_default(), it.source]);
                    output::csv(["key", "value", "source"], rows)?
                }
            }
        }
    };
    output::print(&text)?;
    Ok(Exit::Done.into())
}

fn table(effective: &[Effective], page: Page) -> String {
    let mut table = page.table();
    table.set_header(["key", "value", "source"]);
    for it in effective {
        table.add_row([left(it.key), left(it.value.as_deref().unwrap_or("")), left(&it.source)]);
    }
    drawn(&mut table, 0)
}
