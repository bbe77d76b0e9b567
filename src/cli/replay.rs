//! Has the server weigh a published generation again from the ledger alone, and
//! says whether the same comes out.

use std::io::IsTerminal as _;
use std::process::ExitCode;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::client::{self, ServerArgs};
use super::exit::{Exit, Failure};
use super::output::{self, count, plain};
use super::rescore::Output;
use crate::pb;

/// Arguments of `replay`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    server: ServerArgs,
    /// The generation's number
    #[arg(value_name = "GENERATION", value_parser = clap::value_parser!(u64).range(1..))]
    generation: u64,
    /// How to print
    #[arg(short, long, value_enum, value_name = "FORMAT", default_value_t)]
    output: Output,
    /// Show no progress
    #[arg(short, long)]
    quiet: bool,
}

/// Replays a generation.
///
/// # Errors
/// The server does not answer or refuses.
pub async fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let mut client = client::rescore(args.server.connect().await?);
    let request = pb::ReplayGenerationRequest { generation: args.generation };
    let mut answers = client.replay_generation(request).await?.into_inner();
    let bar = bar(args.quiet);
    let mut outcome = None;
    while let Some(answer) = answers.message().await? {
        bar.set_length(answer.of_events);
        bar.set_position(answer.events);
        outcome = answer.outcome.or(outcome);
    }
    bar.finish_and_clear();
    let outcome =
        outcome.ok_or_else(|| Failure::new(Exit::Unavailable, "the server stopped before the replay had ended"))?;
    output::print(&match args.output {
        Output::Json => output::json(&outcome)?,
        Output::Table => told(&outcome),
    })?;
    Ok(if outcome.same { Exit::Done } else { Exit::DataRefused }.into())
}

fn bar(quiet: bool) -> ProgressBar {
    if quiet || !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::stderr());
    let style = ProgressStyle::with_template("[{bar:30}] {percent}%, {human_pos} of {human_len} events, {eta} left");
    bar.set_style(style.expect("the template must be right").progress_chars("=> "));
    bar
}

/// What came of a replay, as a person reads it.
fn told(outcome: &pb::ReplayOutcome) -> String {
    let generation = outcome.generation.clone().unwrap_or_default();
    let of = format!(
        "generation {} of {}, {} people, revision {}, policy {}",
        generation.generation,
        plain(&generation.as_of),
        count(outcome.subjects),
        generation.weighed_revision,
        plain(&generation.policy_version)
    );
    let erased = match (outcome.rows_blanked, outcome.repeats_as_published) {
        (0, _) => String::new(),
        (rows, repeats) => format!(
            "  somebody was erased since: rows left out {}, people with repeat victims as published {}\n",
            count(rows),
            count(repeats)
        ),
    };
    if outcome.same {
        return format!("the same: {of}\n  digest {}\n{erased}", plain(&outcome.digest));
    }
    let program = env!("CARGO_PKG_VERSION");
    format!(
        "NOT the same: {of}\n  published {} by {}\n  replayed  {} by {program}\n{erased}",
        plain(&generation.digest),
        plain(&generation.engine_version),
        plain(&outcome.digest)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_is_told_with_both_digests_and_who_weighed() {
        let generation = pb::Generation {
            generation: 7,
            as_of: "2026-11-28".to_owned(),
            digest: "ab".repeat(32),
            engine_version: "0.0.9".to_owned(),
            ..pb::Generation::default()
        };
        let mut outcome = pb::ReplayOutcome {
            generation: Some(generation),
            digest: "cd".repeat(32),
            subjects: 1_000,
            ..pb::ReplayOutcome::default()
        };
        let text = told(&outcome);
        assert!(text.starts_with("NOT the same: generation 7 of 2026-11-28, 1,000 people"), "{text}");
        assert!(text.contains(&format!("published {} by 0.0.9", "ab".repeat(32))), "{text}");
        assert!(text.contains(&format!("replayed  {}", "cd".repeat(32))), "{text}");
        outcome.same = true;
        assert!(told(&outcome).starts_with("the same: generation 7"));
        assert!(!told(&outcome).contains("erased"));
        (outcome.rows_blanked, outcome.repeats_as_published) = (2, 1);
        let erased = "somebody was erased since: rows left out 2, people with repeat victims as published 1";
        assert!(told(&outcome).contains(erased), "{}", told(&outcome));
    }
}
