//! Has the server weigh everybody anew, and follows it to its end. The run's id
//! follows from the day, so that a job which is run again asks for the same run.
//! The store is never opened here.

use std::fmt::Write as _;
use std::io::IsTerminal as _;
use std::process::ExitCode;
use std::time::Instant;

use clap::{Subcommand, ValueEnum};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use uuid::Uuid;

use super::backup::instant;
use super::client::{self, ServerArgs};
use super::exit::{Exit, Failure};
use super::import::progress::per_second;
use super::output::{self, Page, count, plain};
use crate::cli::client::Channel;
use crate::domain::Date;
use crate::pb;
use crate::pb::rescore_service_client::RescoreServiceClient;
use crate::service::rescore::{id_of_day, text};

/// Arguments of `rescore`.
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Args {
    #[command(subcommand)]
    other: Option<Other>,
    #[command(flatten)]
    start: Start,
}

#[derive(Debug, Subcommand)]
enum Other {
    /// Show runs, the newest first
    Runs(Shown),
    /// Show published generations, the newest first
    Generations(Shown),
    /// Cancel the run that goes on
    Cancel(Cancel),
}

#[derive(Debug, clap::Args)]
struct Start {
    #[command(flatten)]
    server: ServerArgs,
    /// Day on which everybody is weighed; today in London if left out
    #[arg(long, value_name = "DAY")]
    as_of: Option<Date>,
    /// Weigh and count, and publish nothing
    #[arg(long)]
    dry_run: bool,
    /// Id of the run, a UUID; the day's own if left out
    #[arg(long, value_name = "UUID")]
    request_id: Option<Uuid>,
    /// Do not wait for its end
    #[arg(long)]
    detach: bool,
    /// How to print
    #[arg(short, long, value_enum, value_name = "FORMAT", default_value_t)]
    output: Output,
    /// Show no progress
    #[arg(short, long)]
    quiet: bool,
}

#[derive(Debug, clap::Args)]
struct Shown {
    #[command(flatten)]
    server: ServerArgs,
    /// Most to show
    #[arg(long, value_name = "COUNT", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=1000))]
    limit: u32,
    /// How to print
    #[arg(short, long, value_enum, value_name = "FORMAT", default_value_t)]
    output: Output,
}

#[derive(Debug, clap::Args)]
struct Cancel {
    #[command(flatten)]
    server: ServerArgs,
    /// The run's id
    #[arg(value_name = "UUID")]
    run: Uuid,
    /// Why, without personal data
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// How to print
    #[arg(short, long, value_enum, value_name = "FORMAT", default_value_t)]
    output: Output,
}

/// How to print.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Output {
    /// For people
    #[default]
    Table,
    /// The answer in canonical proto JSON
    Json,
}

/// Runs the command.
///
/// # Errors
/// The server does not answer or refuses, or the run did not publish.
pub async fn run(args: &Args) -> anyhow::Result<ExitCode> {
    match &args.other {
        None => start(&args.start).await,
        Some(Other::Runs(shown)) => runs(shown).await,
        Some(Other::Generations(shown)) => generations(shown).await,
        Some(Other::Cancel(cancel)) => cancelled(cancel).await,
    }
}

async fn start(args: &Start) -> anyhow::Result<ExitCode> {
    let mut client = client::rescore(args.server.connect().await?);
    let today = || Date::in_london(jiff::Timestamp::now());
    let as_of = args.as_of.unwrap_or_else(today);
    let request_id = match args.request_id {
        Some(id) => id.to_string(),
        // A dry run is not the day's run.
        None if args.dry_run => Uuid::new_v4().to_string(),
        None => text(&id_of_day(as_of)),
    };
    let request = pb::StartRescoreRequest { request_id, as_of: as_of.to_string(), dry_run: args.dry_run };
    let begun = client.start_rescore(request).await?.into_inner().run.unwrap_or_default();
    let run = if args.detach { begun } else { follow(&mut client, begun, args.quiet).await? };
    output::print(&match args.output {
        Output::Json => output::json(&run)?,
        Output::Table => told(&run),
    })?;
    match run.state() {
        pb::RescoreState::Published | pb::RescoreState::Completed => Ok(Exit::Done.into()),
        pb::RescoreState::Running if args.detach => Ok(Exit::Done.into()),
        pb::RescoreState::Cancelled => Err(Failure::new(Exit::Unavailable, "the run was cancelled").into()),
        pb::RescoreState::Unspecified | pb::RescoreState::Running | pb::RescoreState::Failed => {
            Err(Failure::new(Exit::Internal, "the run did not publish").into())
        }
    }
}

/// Follows a run to its end.
async fn follow(
    client: &mut RescoreServiceClient<Channel>,
    begun: pb::RescoreRun,
    quiet: bool,
) -> anyhow::Result<pb::RescoreRun> {
    let (bar, started) = (bar(quiet), Instant::now());
    let mut answers =
        client.watch_rescore_run(pb::WatchRescoreRunRequest { run_id: begun.run_id.clone() }).await?.into_inner();
    let mut last = begun;
    while let Some(answer) = answers.message().await? {
        last = answer.run.unwrap_or(last);
        let counters = last.counters.unwrap_or_default();
        bar.set_length(counters.universe.into());
        bar.set_position(counters.scored.into());
        bar.set_message(format!("{} a second", count(per_second(counters.scored.into(), started.elapsed()))));
    }
    bar.finish_and_clear();
    Ok(last)
}

fn bar(quiet: bool) -> ProgressBar {
    if quiet || !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::stderr());
    let style =
        ProgressStyle::with_template("[{bar:30}] {percent}%, {human_pos} of {human_len} people, {msg}, {eta} left");
    bar.set_style(style.expect("the template must be right").progress_chars("=> "));
    bar
}

/// A run as a person reads it.
fn told(run: &pb::RescoreRun) -> String {
    let counters = run.counters.unwrap_or_default();
    let mut text = match run.state() {
        pb::RescoreState::Published => format!("generation {} of {} is published\n", run.generation, plain(&run.as_of)),
        pb::RescoreState::Completed => format!("dry run of {}: nothing was published\n", plain(&run.as_of)),
        _ => format!("{} run of {}{}\n", state(run), plain(&run.as_of), because(run)),
    };
    let _ = writeln!(
        text,
        "  run {}, attempt {}\n  {} of {} people weighed, {} stand otherwise than before",
        plain(&run.run_id),
        run.attempt,
        count(counters.scored),
        count(counters.universe),
        count(counters.changed)
    );
    if counters.resumed > 0 {
        let _ = writeln!(text, "  {} of them by an attempt that was interrupted", count(counters.resumed));
    }
    if counters.failed > 0 {
        let _ = writeln!(text, "  {} could not be weighed:", count(counters.failed));
        for failure in &run.failures {
            let _ = writeln!(text, "    {}: {}", plain(&failure.subject_ref), plain(&failure.reason));
        }
    }
    text
}

fn because(run: &pb::RescoreRun) -> String {
    if run.reason.is_empty() { String::new() } else { format!(": {}", plain(&run.reason)) }
}

fn state(run: &pb::RescoreRun) -> &'static str {
    match run.state() {
        pb::RescoreState::Unspecified => "unknown",
        pb::RescoreState::Running => "running",
        pb::RescoreState::Published => "published",
        pb::RescoreState::Failed => "failed",
        pb::RescoreState::Cancelled => "cancelled",
        pb::RescoreState::Completed => "completed",
    }
}

async fn runs(args: &Shown) -> anyhow::Result<ExitCode> {
    let mut client = client::rescore(args.server.connect().await?);
    let request = pb::ListRescoreRunsRequest { page_size: args.limit, page_token: String::new() };
    let answer = client.list_rescore_runs(request).await?.into_inner();
    output::print(&match args.output {
        Output::Json => output::json(&answer)?,
        Output::Table if answer.runs.is_empty() => "There has been no run.\n".to_owned(),
        Output::Table => {
            let mut table = Page::of_stdout().table();
            table.set_header(["day", "state", "generation", "people", "failed", "begun", "run"]);
            for run in &answer.runs {
                let counters = run.counters.unwrap_or_default();
                table.add_row([
                    plain(&run.as_of),
                    format!("{}{}", state(run), because(run)),
                    if run.generation > 0 { run.generation.to_string() } else { String::new() },
                    count(counters.scored),
                    count(counters.failed),
                    run.start_time.as_ref().map(instant).unwrap_or_default(),
                    plain(&run.run_id),
                ]);
            }
            output::drawn(&mut table, 0)
        }
    })?;
    Ok(if answer.runs.is_empty() { Exit::Nothing } else { Exit::Done }.into())
}

async fn generations(args: &Shown) -> anyhow::Result<ExitCode> {
    let mut client = client::rescore(args.server.connect().await?);
    let request = pb::ListGenerationsRequest { page_size: args.limit, page_token: String::new() };
    let answer = client.list_generations(request).await?.into_inner();
    output::print(&match args.output {
        Output::Json => output::json(&answer)?,
        Output::Table if answer.generations.is_empty() => "No generation has been published.\n".to_owned(),
        Output::Table => {
            let mut table = Page::of_stdout().table();
            table.set_header(["generation", "day", "policy", "people", "revision", "published", "kept", "digest"]);
            for generation in &answer.generations {
                table.add_row([
                    generation.generation.to_string(),
                    plain(&generation.as_of),
                    plain(&generation.policy_version),
                    count(generation.subjects),
                    generation.weighed_revision.to_string(),
                    generation.published_time.as_ref().map(instant).unwrap_or_default(),
                    if generation.kept { "yes" } else { "no" }.to_owned(),
                    plain(generation.digest.get(..16).unwrap_or(&generation.digest)),
                ]);
            }
            output::drawn(&mut table, 0)
        }
    })?;
    Ok(if answer.generations.is_empty() { Exit::Nothing } else { Exit::Done }.into())
}

async fn cancelled(args: &Cancel) -> anyhow::Result<ExitCode> {
    let mut client = client::rescore(args.server.connect().await?);
    let request = pb::CancelRescoreRunRequest { run_id: args.run.to_string(), reason: args.reason.clone() };
    let run = client.cancel_rescore_run(request).await?.into_inner().run.unwrap_or_default();
    let run = follow(&mut client, run, true).await?;
    output::print(&match args.output {
        Output::Json => output::json(&run)?,
        Output::Table => told(&run),
    })?;
    Ok(Exit::Done.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn a_run(state: pb::RescoreState) -> pb::RescoreRun {
        pb::RescoreRun {
            run_id: text(&id_of_day("2026-11-28".parse().unwrap())),
            attempt: 2,
            as_of: "2026-11-28".to_owned(),
            state: state.into(),
            counters: Some(pb::RescoreCounters {
                universe: 1_205,
                scored: 1_204,
                changed: 900,
                failed: 1,
                resumed: 600,
                skipped: 0,
            }),
            failures: vec![pb::RescoreFailure { subject_ref: "N-7".to_owned(), reason: "a fault".to_owned() }],
            generation: if state == pb::RescoreState::Published { 31 } else { 0 },
            reason: if state == pb::RescoreState::Failed { "the disk is full".to_owned() } else { String::new() },
            ..pb::RescoreRun::default()
        }
    }

    #[test]
    fn a_run_is_told_with_whom_it_could_not_weigh() {
        let text = told(&a_run(pb::RescoreState::Published));
        assert!(text.starts_with("generation 31 of 2026-11-28 is published\n"), "{text}");
        assert!(text.contains("1,204 of 1,205 people weighed, 900 stand otherwise than before"), "{text}");
        assert!(text.contains("600 of them by an attempt that was interrupted"), "{text}");
        assert!(text.contains("1 could not be weighed:\n    N-7: a fault\n"), "{text}");
        let text = told(&a_run(pb::RescoreState::Failed));
        assert!(text.starts_with("failed run of 2026-11-28: the disk is full\n"), "{text}");
    }

    #[test]
    fn a_day_has_one_run_whoever_asks() {
        let id = |day: &str| text(&id_of_day(day.parse().unwrap()));
        assert_eq!(id("2026-11-28"), id("2026-11-28"));
        assert_ne!(id("2026-11-28"), id("2026-11-29"));
        assert!(Uuid::try_parse(&id("2026-11-28")).is_ok());
    }
}
