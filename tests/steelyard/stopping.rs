//! SIGTERM under load: writers, importers, readers and watchers call a real server
//! as it is asked to stop. Every call of theirs is answered or ends with UNAVAILABLE,
//! nothing acknowledged is lost, and the process ends by itself, with 0, within the
//! grace that its settings give.
//!
//! `just stopping ROUNDS [SEED]` runs more rounds than the ordinary tests do.

use std::collections::BTreeSet;
use std::env;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use hyper_util::rt::TokioIo;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use steelyard::pb;
use tokio::net::TcpStream;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio::task::JoinSet;
use tonic::transport::Endpoint;
use tonic::{Code, Status};
use tower::service_fn;

use crate::client::{Client, new_id, told};
use crate::harness::Server;
use crate::people::{AS_OF, Somebody};

/// Rounds in the ordinary tests.
const ROUNDS: u32 = 6;
/// Seconds in which calls in flight may end.
const GRACE: &str = "10";
const GRACE_SECONDS: u64 = 10;
/// Callers of each kind.
const CALLERS: u32 = 3;
/// Records that one person may have before the next is written about.
const RECORDS: u32 = 60;

/// A record that was acknowledged: of whom, and which.
type Kept = (String, String);

/// How a caller's last call ended, and what it was acknowledged before.
struct Ended {
    caller: String,
    calls: u64,
    last: Result<(), Status>,
    acknowledged: Vec<Kept>,
}

fn setting<T: std::str::FromStr>(name: &str, otherwise: T) -> T {
    env::var(name).map_or(otherwise, |text| text.parse().unwrap_or_else(|_| panic!("{name} must be a whole number")))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_asked_to_stop_under_load_answers_or_says_so_and_loses_nothing() {
    let rounds = setting("STEELYARD_STOPPING_ROUNDS", ROUNDS);
    let seed = setting("STEELYARD_STOPPING_SEED", 1_u64);
    let mut dice = StdRng::seed_from_u64(seed);
    let home = tempfile::tempdir().expect("a temporary directory");
    let mut server = start(home.path());
    let mut slowest = Duration::ZERO;
    let (mut calls, mut cut_off, mut kept) = (0, 0, 0);
    for round in 1..=rounds {
        let enough = dice.random_range(0..200);
        let moment = Duration::from_micros(dice.random_range(0..20_000));
        let log = server.kept_log();
        let (took, ended) = stopped_under_load(server, round, enough, moment).await;
        slowest = slowest.max(took);
        assert!(
            took < Duration::from_secs(GRACE_SECONDS),
            "round {round}: it took {took:?} to end\n{}",
            log.lock().unwrap()
        );
        for ended in &ended {
            calls += ended.calls;
            let Err(status) = &ended.last else { continue };
            cut_off += 1;
            if never_left(status) {
                continue;
            }
            let (code, said) = (status.code(), told(status));
            assert_eq!(code, Code::Unavailable, "seed {seed}, round {round}, {}: {said}: {status:?}", ended.caller);
        }
        server = start(home.path());
        let acknowledged: BTreeSet<Kept> = ended.into_iter().flat_map(|ended| ended.acknowledged).collect();
        kept += acknowledged.len();
        let missing = missing(&server, &acknowledged).await;
        assert!(missing.is_empty(), "seed {seed}, round {round}: acknowledged and gone: {missing:?}");
    }
    println!(
        "{rounds} rounds: {calls} calls, {cut_off} callers ended by UNAVAILABLE, {kept} acknowledged records all there, \
         the slowest end took {} ms of {GRACE_SECONDS} s",
        slowest.as_millis()
    );
    assert!(kept > 0 && cut_off > 0, "a drill that stops an idle server shows nothing");
}

fn start(home: &Path) -> Server {
    let small = ["--store-cache-mb", "16", "--store-segment-mb", "4", "--store-ballast-mb", "1"];
    let more = ["--as-of", AS_OF, "--shutdown-grace-seconds", GRACE, "--backup-every-minutes", "0"];
    Server::on(home, &[&small[..], &more[..]].concat())
}

/// Whether a call was still with its client when the connection ended: the client's library says so itself, and tonic
/// calls it CANCELLED, where others say UNAVAILABLE. The server never heard of it.
fn never_left(status: &Status) -> bool {
    let causes = std::iter::successors(std::error::Error::source(status), |cause| cause.source());
    status.code() == Code::Cancelled && causes.map(ToString::to_string).any(|cause| cause == "operation was canceled")
}

/// Asks the server to stop once it has acknowledged `enough` calls and a moment has passed. How long it then took, and
/// how each caller's last call ended.
async fn stopped_under_load(server: Server, round: u32, enough: u32, moment: Duration) -> (Duration, Vec<Ended>) {
    let (tell, mut told) = unbounded_channel();
    let mut callers = JoinSet::new();
    for number in 0..CALLERS {
        let (client, tell) = (let_in(&server).await, tell.clone());
        callers.spawn(write(client, format!("W{round}-{number}"), tell));
    }
    for number in 0..CALLERS {
        let (client, tell) = (let_in(&server).await, tell.clone());
        callers.spawn(import(client, format!("I{round}-{number}"), tell));
    }
    for number in 0..CALLERS {
        callers.spawn(list(let_in(&server).await, format!("L{number}")));
        callers.spawn(watch(let_in(&server).await, format!("S{number}")));
    }
    drop(tell);
    for _ in 0..enough {
        tokio::time::timeout(Duration::from_mins(1), told.recv()).await.expect("calls must be answered");
    }
    tokio::time::sleep(moment).await;
    let asked = Instant::now();
    let status = server.stop().await;
    let took = asked.elapsed();
    assert!(status.success(), "round {round}: a server that is asked to stop ends with 0, and not {status}");
    let ended = tokio::time::timeout(Duration::from_mins(1), callers.join_all()).await;
    (took, ended.expect("no caller must wait for a server that is gone"))
}

/// A client on one connection, which the server has taken. It makes no other: one that waits at the door of a server that
/// goes is turned away by the system.
async fn let_in(server: &Server) -> Client {
    let url = server.url();
    let address = url.trim_start_matches("http://");
    let stream = TcpStream::connect(address).await.expect("a ready server must take connections");
    let only = Arc::new(Mutex::new(Some(stream)));
    let connector = service_fn(move |_| {
        let stream = only.lock().expect("nobody panics while holding it").take();
        async move { stream.map(TokioIo::new).ok_or_else(|| io::Error::from(io::ErrorKind::NotConnected)) }
    });
    let channel = Endpoint::from_shared(url).expect("an address must be a URI").connect_with_connector(connector).await;
    let mut client = Client::over(channel.expect("a connection that is there must do"));
    client.maintenance.get_store_status(pb::GetStoreStatusRequest {}).await.expect("a running server must answer");
    client
}

/// Writes until a call is not answered.
async fn write(mut client: Client, name: String, tell: UnboundedSender<()>) -> Ended {
    let mut ended = Ended { caller: name.clone(), calls: 0, last: Ok(()), acknowledged: Vec::new() };
    for number in 0.. {
        let record = record(&name, number);
        let kept = (record.subject_ref.clone(), record.id.clone());
        ended.calls += 1;
        match client.try_write(vec![record]).await {
            Ok(_) => ended.acknowledged.push(kept),
            Err(status) => {
                ended.last = Err(status);
                break;
            }
        }
        // Nobody counts any more once the server was asked to stop.
        let _ = tell.send(());
    }
    ended
}

/// Imports, one stream after another, until one is not answered to its end.
async fn import(mut client: Client, name: String, tell: UnboundedSender<()>) -> Ended {
    const BATCHES: u32 = 4;
    const BATCH: u32 = 5;
    let mut ended = Ended { caller: name.clone(), calls: 0, last: Ok(()), acknowledged: Vec::new() };
    for stream in 0.. {
        let batches: Vec<_> = (0..BATCHES)
            .map(|batch| pb::ImportEvidenceRequest {
                request_id: new_id(),
                sequence: u64::from(batch) + 1,
                records: (0..BATCH).map(|row| record(&name, (stream * BATCHES + batch) * BATCH + row)).collect(),
                validate_only: false,
            })
            .collect();
        ended.calls += 1;
        let outcome = stream_of(&mut client, &batches, &mut ended.acknowledged, &tell).await;
        if let Err(status) = outcome {
            ended.last = Err(status);
            break;
        }
    }
    ended
}

async fn stream_of(
    client: &mut Client,
    batches: &[pb::ImportEvidenceRequest],
    acknowledged: &mut Vec<Kept>,
    tell: &UnboundedSender<()>,
) -> Result<(), Status> {
    let mut answers = client.evidence.import_evidence(tokio_stream::iter(batches.to_vec())).await?.into_inner();
    for batch in batches {
        let Some(answer) = answers.message().await? else {
            panic!("an import ended in order before all its batches were answered");
        };
        assert_eq!(answer.sequence, batch.sequence);
        acknowledged.extend(batch.records.iter().map(|record| (record.subject_ref.clone(), record.id.clone())));
        let _ = tell.send(());
    }
    Ok(())
}

/// Pages through the list until a call is not answered.
async fn list(mut client: Client, name: String) -> Ended {
    let mut ended = Ended { caller: name, calls: 0, last: Ok(()), acknowledged: Vec::new() };
    while ended.last.is_ok() {
        ended.calls += 1;
        let whole = client.try_whole(pb::List::Outstanding, pb::View::Full, 20).await;
        ended.last = whole.map(drop);
    }
    ended
}

/// Watches the list until the stream ends.
async fn watch(mut client: Client, name: String) -> Ended {
    let mut ended = Ended { caller: name, calls: 1, last: Ok(()), acknowledged: Vec::new() };
    let request = pb::WatchStandingsRequest { list: pb::List::Outstanding.into(), ..Default::default() };
    let watched = async {
        let mut told = client.ranking.watch_standings(request).await?.into_inner();
        while told.message().await?.is_some() {}
        panic!("a watch ended in order: whoever follows it would believe that nothing more comes");
    };
    ended.last = watched.await;
    ended
}

/// What somebody is suspected of, and second that they are wanted for the first of it.
fn record(name: &str, number: u32) -> pb::Record {
    let somebody = Somebody::new(&format!("{name}-P{}", number / RECORDS));
    let somebody = match number % RECORDS {
        1 => {
            let first = format!("{name}-R{}", number - 1);
            somebody.outstanding(pb::OutstandingReason::NamedSuspectNotArrested, "2026-02-01", &[&first])
        }
        _ => somebody.suspected("TH68036", "2026-01-15"),
    };
    let mut record = somebody.records().remove(0);
    record.id = format!("{name}-R{number}");
    record
}

/// What was acknowledged and is not held.
async fn missing(server: &Server, acknowledged: &BTreeSet<Kept>) -> Vec<Kept> {
    let mut client = server.client().await;
    let people: BTreeSet<&String> = acknowledged.iter().map(|(person, _)| person).collect();
    let mut held = BTreeSet::new();
    for person in people {
        let rows = client.try_held(person, false, 1_000).await.unwrap_or_default();
        held.extend(rows.into_iter().filter_map(|row| Some((person.clone(), row.record?.id))));
    }
    acknowledged.difference(&held).cloned().collect()
}
