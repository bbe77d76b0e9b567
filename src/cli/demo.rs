//! Invents a force, serves it, imports it through the real API, and shows who comes
//! first and why. Everything runs as it would for a force: only the records are invented.

mod decisions;
mod signing;

use std::fmt::Write;
use std::future::Future;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context, bail};
use indicatif::{ProgressBar, ProgressStyle};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use uuid::Uuid;

use super::exit::{Exit, Failure};
use super::output::{self, Page, count, day, plain};
use super::stated::StatedArgs;
use super::word::{Typed, typed};
use super::{client, explain, list, serve};
use crate::api::Listeners;
use crate::cli::client::Channel;
use crate::config::Settings;
use crate::demonstration::{self, Config, LAST_DAY_HOURS, USUAL_RECORDS_PER_SUBJECT};
use crate::domain::Date;
use crate::domain::word::List;
use crate::pb::evidence_service_client::EvidenceServiceClient;
use crate::{pb, telemetry};
use signing::Signing;

/// Port that commands connect to where no server is named.
const USUAL_PORT: u16 = 50_051;
/// Port of the pages.
const USUAL_HTTP_PORT: u16 = 8_080;
/// Records in one batch of the import.
const BATCH: usize = 1_000;
/// Batches sent ahead of their acknowledgement.
const AHEAD: usize = 4;
/// Rows shown of each list.
const ROWS: u32 = 10;

/// Arguments of `demo`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// How many people to invent
    #[arg(long, value_name = "COUNT", default_value_t = 2_000)]
    subjects: u32,
    /// The same seed invents the same people
    #[arg(long, default_value_t = 7)]
    seed: u64,
    /// Day on which they are weighed
    #[arg(long, value_name = "DATE", default_value_t = latest(jiff::Timestamp::now()))]
    as_of: Date,
    /// Keep the data in this directory; without it they are forgotten
    #[arg(long, value_name = "DIR")]
    keep: Option<PathBuf>,
    /// Port to serve on, 0 for any free one [default: 50051, or any free one if that is taken]
    #[arg(long)]
    port: Option<u16>,
    /// Port to serve the pages on, 0 for any free one [default: 8080, or any free one if that is taken]
    #[arg(long, value_name = "PORT")]
    http_port: Option<u16>,
    /// Have whoever looks at the pages sign in first, at an issuer for development as one of several invented people
    #[arg(long)]
    sign_in: bool,
    /// End after showing
    #[arg(long)]
    once: bool,
}

impl Args {
    fn force(&self) -> Result<Config, Failure> {
        Config::new(self.subjects, self.seed, self.as_of, USUAL_RECORDS_PER_SUBJECT).map_err(|refused| {
            let all: Vec<_> = refused.iter().map(ToString::to_string).collect();
            Failure::new(Exit::Usage, all.join("; "))
        })
    }
}

/// Shows the demonstration and, unless `--once`, serves until Ctrl-C.
///
/// # Errors
/// The port is taken, the directory cannot be used, or the server fails.
pub async fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let force = args.force()?;
    let stop = serve::stop_signal()?;
    let grpc = listen(args.port, USUAL_PORT).await?;
    let http = listen(args.http_port, USUAL_HTTP_PORT).await?;
    let place = Place { grpc: grpc.local_addr()?, http: http.local_addr()? };
    let scratch = tempfile::Builder::new().prefix("steelyard-demo-").tempdir().context("cannot make a directory")?;
    let directory = args.keep.clone().unwrap_or_else(|| scratch.path().join("data"));
    let settings = Settings::trial(place.grpc, directory, args.as_of);
    telemetry::start(&settings.log)?;
    let (settings, signing) = if args.sign_in {
        let (signing, listener) = Signing::begin(scratch.path(), place.http).await?;
        let settings = signing.settle(settings);
        tokio::spawn(signing.issuer.clone().serve(listener));
        (settings, Some(signing))
    } else {
        (settings, None)
    };

    // The show ends the server by ending `stop`: with --once after the last line, otherwise at the signal.
    let (shown, ended) = tokio::sync::oneshot::channel();
    let show = async {
        let outcome = show(args, force, place, signing.as_ref()).await;
        if args.once || outcome.is_err() {
            let _ = shown.send(());
        } else {
            // Kept, so that the receiver goes on waiting.
            std::future::pending::<()>().await;
        }
        outcome
    };
    let listeners = Listeners { grpc, http: Some(http), health: None };
    let (served, outcome) = Box::pin(together(&settings, listeners, show, async {
        tokio::select! {
            () = stop => {}
            _ = ended => {}
        }
    }))
    .await;
    outcome.transpose()?;
    Ok(served?.into())
}

/// Runs the show beside the server until the server ends.
async fn together(
    settings: &Settings,
    listeners: Listeners,
    show: impl Future<Output = anyhow::Result<()>>,
    stop: impl Future<Output = ()>,
) -> (anyhow::Result<Exit>, Option<anyhow::Result<()>>) {
    let mut show = pin!(show);
    let mut server = pin!(serve::serve(settings, listeners, stop));
    let outcome = tokio::select! {
        served = &mut server => return (served, None),
        outcome = &mut show => outcome,
    };
    (server.await, Some(outcome))
}

/// Where it is served.
#[derive(Clone, Copy, Debug)]
struct Place {
    grpc: SocketAddr,
    http: SocketAddr,
}

async fn listen(port: Option<u16>, usual: u16) -> anyhow::Result<TcpListener> {
    let at = |port| SocketAddr::from(([127, 0, 0, 1], port));
    match port {
        Some(port) => serve::bind(at(port)).await,
        None => match serve::bind(at(usual)).await {
            Ok(listener) => Ok(listener),
            Err(_) => serve::bind(at(0)).await,
        },
    }
}

async fn show(args: &Args, force: Config, place: Place, signing: Option<&Signing>) -> anyhow::Result<()> {
    let page = Page::of_stdout();
    output::print(&greeting(args, page))?;
    let server = client::ServerArgs {
        server: format!("http://{}", place.grpc),
        stated: signing.map_or_else(StatedArgs::default, |signing| StatedArgs::of_token_file(&signing.token)),
    };
    let channel = server.connect().await.context("cannot connect to the server just started")?;
    // What a panel decided and what officers wrote is later than any record invented again: a kept force is left as it is.
    let revision = if let Some(revision) = decisions::held(channel.clone()).await? {
        output::print("This directory holds a force already, decided about: it is shown as it was left.\n")?;
        revision
    } else {
        let (imported, revision) = import(channel.clone(), force).await?;
        output::print(&format!("{imported}\n"))?;
        let decided = decisions::record(channel.clone(), args.subjects, revision).await?;
        output::print(&format!("{} decisions of an invented panel recorded.\n", count(decided.count)))?;
        decided.revision
    };

    let mut ranking = client::ranking(channel);
    for shown in [List::Cohort, List::Outstanding] {
        let request = pb::ListStandingsRequest {
            list: shown.number(),
            page_size: ROWS,
            min_revision: revision,
            ..Default::default()
        };
        let answer = list::fetch(&mut ranking, request, false).await?;
        output::print(&format!("\n{}", list::screen(shown, &answer, false, page)))?;
        if let (List::Cohort, Some(first)) = (shown, answer.standings.first()) {
            let story = explain::story(&mut ranking, &first.subject_ref, Some(shown)).await?;
            let title = page.bold("WHY THE FIRST OF THEM IS FIRST");
            output::print(&format!("\n{title}\n\n{}", explain::screen(&story, false, page)))?;
        }
    }
    output::print(&farewell(args, place, signing.map(|signing| signing.token.as_path()), &program(), page))?;
    Ok(())
}

/// Today in London: the lists of a demonstration are not to look stale. Until its morning is past, yesterday: nothing
/// that the force did may lie ahead.
fn latest(now: jiff::Timestamp) -> Date {
    Date::in_london(now - jiff::SignedDuration::from_hours(LAST_DAY_HOURS))
}

fn greeting(args: &Args, page: Page) -> String {
    format!(
        "{}\nEverything below is invented: no person, crime, victim or officer in it exists.\n\
         A score ranks. It decides nothing: that is for a named officer.\n\n\
         {} people, seed {}, weighed as of {}.\n",
        page.bold("Steelyard: a demonstration force"),
        count(args.subjects),
        args.seed,
        day(&args.as_of.to_string())
    )
}

/// Sends the invented records through ImportEvidence. How that went, and the last revision written.
async fn import(channel: Channel, force: Config) -> anyhow::Result<(String, u64)> {
    let started = Instant::now();
    let bar = ProgressBar::new_spinner();
    bar.set_style(ProgressStyle::with_template("{spinner} importing: {human_pos} records, {per_sec}")?);
    let (send, receive) = mpsc::channel(AHEAD);
    // Inventing takes the processor for a while, so it has a thread where that hinders nobody.
    let inventing = tokio::task::spawn_blocking(move || {
        for (sequence, records) in (0..).zip(batches(demonstration::records(force))) {
            let request_id = Uuid::new_v4().to_string();
            let batch = pb::ImportEvidenceRequest { request_id, sequence, records, validate_only: false };
            if send.blocking_send(batch).is_err() {
                break;
            }
        }
    });
    let mut answers =
        EvidenceServiceClient::new(channel).import_evidence(ReceiverStream::new(receive)).await?.into_inner();
    let mut accepted = 0_u64;
    let mut refused = Vec::new();
    let mut revision = 0;
    while let Some(answer) = answers.message().await? {
        accepted += u64::from(answer.created) + u64::from(answer.superseded) + u64::from(answer.unchanged);
        refused.extend(answer.refused);
        revision = answer.revision;
        bar.set_position(accepted);
    }
    inventing.await.context("inventing the records failed")?;
    bar.finish_and_clear();
    if let Some(first) = refused.first() {
        let why = first.violations.first().map(|it| format!("{}: {}", it.field, it.description)).unwrap_or_default();
        bail!("{} invented records were refused, the first for {}", refused.len(), plain(&why));
    }
    let told = format!(
        "{} records imported through the API in {:.1} s, none refused.",
        count(accepted),
        started.elapsed().as_secs_f64()
    );
    Ok((told, revision))
}

fn batches(records: impl Iterator<Item = pb::Record>) -> impl Iterator<Item = Vec<pb::Record>> {
    let mut records = records.peekable();
    std::iter::from_fn(move || {
        records.peek()?;
        Some(records.by_ref().take(BATCH).collect())
    })
}

/// The command as it was started, to be typed again.
fn program() -> String {
    let name = std::env::args_os().next().map(PathBuf::from);
    let name = name.filter(|path| path.components().count() > 1);
    name.as_deref().map_or_else(|| "steelyard".to_owned(), |path: &Path| path.display().to_string())
}

/// How to go on. `token`: the file with the token that commands need.
fn farewell(args: &Args, place: Place, token: Option<&Path>, program: &str, page: Page) -> String {
    if args.once {
        return match &args.keep {
            Some(kept) => format!("\nKept. To serve it: {program} serve --data-dir {}\n", kept.display()),
            None => "\nNothing was kept.\n".to_owned(),
        };
    }
    let server = format!("http://{}", place.grpc);
    let mut flags = if server == client::DEFAULT_SERVER { String::new() } else { format!(" --server {server}") };
    if let Some(token) = token {
        let _ = write!(flags, " --token-file {}", token.display());
    }
    let commands = [
        format!("list {}{flags}", typed(List::Outstanding)),
        format!("list cohort --band very-high,high{flags}"),
        format!("explain --rank 3 --list cohort{flags}"),
        format!("list recalls --output csv{flags}"),
    ];
    let mut text = format!("\n{}\n\n  http://{}/\n", page.bold("Look at the pages"), place.http);
    let _ = match token {
        Some(_) => writeln!(
            text,
            "  Sign in as one of several invented people. The issuer is for development: anybody on this machine can be\n  \
             any of them."
        ),
        None => writeln!(text, "  Anybody on this machine sees everything; with --sign-in people sign in first."),
    };
    let _ = writeln!(text, "\n{}", page.bold("Try next, in another terminal"));
    for command in commands {
        let _ = writeln!(text, "  {program} {command}");
    }
    let kept = match &args.keep {
        Some(kept) => format!("The data stay in {}.", kept.display()),
        None => "The data go when it stops.".to_owned(),
    };
    let _ = writeln!(text, "\nServing gRPC at {server} until Ctrl-C. {kept}");
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(keep: Option<PathBuf>, once: bool) -> Args {
        let as_of = "2026-03-31".parse().unwrap();
        Args { subjects: 2_000, seed: 7, as_of, keep, port: None, http_port: None, sign_in: false, once }
    }

    #[test]
    fn the_usual_day_is_one_whose_morning_is_past() {
        let of = |now: &str| latest(now.parse().unwrap()).to_string();
        assert_eq!(of("2026-11-28T07:59:59Z"), "2026-11-27");
        assert_eq!(of("2026-11-28T08:00:00Z"), "2026-11-28");
        assert_eq!(of("2026-07-01T06:30:00Z"), "2026-06-30", "half past seven in London");
    }

    #[test]
    fn the_first_screen_says_that_the_data_are_invented() {
        let text = greeting(&args(None, false), Page::PLAIN);
        assert!(text.contains("Everything below is invented"), "{text}");
        assert!(text.contains("2,000 people, seed 7, weighed as of 31 March 2026."), "{text}");
    }

    fn place(port: u16) -> Place {
        Place { grpc: SocketAddr::from(([127, 0, 0, 1], port)), http: SocketAddr::from(([127, 0, 0, 1], 8_080)) }
    }

    #[test]
    fn commands_to_try_name_the_server_only_where_it_is_not_the_usual_one() {
        let usual = farewell(&args(None, false), place(USUAL_PORT), None, "steelyard", Page::PLAIN);
        assert!(usual.contains("steelyard explain --rank 3 --list cohort\n"), "{usual}");
        let other = farewell(&args(None, false), place(4_711), None, "steelyard", Page::PLAIN);
        assert!(other.contains("steelyard list outstanding --server http://127.0.0.1:4711\n"), "{other}");
        let kept = farewell(&args(Some("force".into()), true), place(USUAL_PORT), None, "steelyard", Page::PLAIN);
        assert!(kept.contains("steelyard serve --data-dir force"), "{kept}");
    }

    #[test]
    fn whoever_has_to_sign_in_is_told_where_and_with_what_commands_go_on() {
        let open = farewell(&args(None, false), place(USUAL_PORT), None, "steelyard", Page::PLAIN);
        assert!(open.contains("http://127.0.0.1:8080/\n") && !open.contains("--token-file"), "{open}");
        let token = Some(Path::new("/scratch/token"));
        let signed = farewell(&args(None, false), place(USUAL_PORT), token, "steelyard", Page::PLAIN);
        assert!(signed.contains("list cohort --token-file /scratch/token\n"), "{signed}");
        assert!(signed.contains("The issuer is for development"), "{signed}");
    }

    #[test]
    fn batches_hold_every_record_once_and_none_is_empty() {
        let records = (0..2_500).map(|n| pb::Record { id: n.to_string(), ..Default::default() });
        let batches: Vec<_> = batches(records).collect();
        assert_eq!(batches.iter().map(Vec::len).collect::<Vec<_>>(), [1_000, 1_000, 500]);
        assert_eq!(batches[2][499].id, "2499");
        assert_eq!(super::batches(std::iter::empty()).count(), 0);
    }

    #[tokio::test]
    async fn a_port_that_was_asked_for_is_not_swapped_for_another() {
        let held = listen(Some(0), USUAL_PORT).await.unwrap();
        let port = held.local_addr().unwrap().port();
        assert!(listen(Some(port), USUAL_PORT).await.is_err());
    }
}
