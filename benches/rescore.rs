//! A whole run, durable and published: against scanning and decoding what it is
//! made of once on one thread, and against one statement of PostgreSQL that
//! computes the decayed sum of harm alone. And what a run costs others: lists
//! read meanwhile, memory, and the bytes of a generation.

mod common;

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use bytes::Bytes;
use common::force::Force;
use common::process;
use common::server::Server;
use common::verdict::{Target, heading, note, tell};
use common::{AS_OF, Options, raw, run};
use prost::Message;
use steelyard::domain::Date;
use steelyard::pb;
use steelyard::pb::ranking_service_client::RankingServiceClient;
use steelyard::pb::record::Kind;
use steelyard::pb::rescore_service_client::RescoreServiceClient;
use steelyard::reference;
use steelyard::service::rescore::{id_of_day, text};
use steelyard::service::start;
use steelyard::store::{KeySpan, SledStore, Store, View};
use tonic::transport::Channel;
use uuid::Uuid;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Offences of each person.
const OFFENCES: u32 = 10;
/// Records in one batch of an import.
const BATCH: usize = 1_000;
/// Rows of the lists that are read during a run, and the pause between two of them: a run stands back behind every reader, so
/// that one who never pauses would be what is measured.
const ROWS: u32 = 50;
const PAUSE: Duration = Duration::from_millis(2);

fn main() -> anyhow::Result<()> {
    run(measure)
}

fn measure(options: &Options) -> anyhow::Result<()> {
    let subjects = options.scale(100_000);
    heading(&format!("A run over {subjects} subjects of {OFFENCES} offences each, durable and published"));
    let scratch = options.scratch("rescore")?;
    let force = Force::import(subjects, &scratch, batches(subjects))?;
    note(&format!("{} records, imported in {:.0} s", force.records, force.seconds));
    let first: Date = AS_OF.parse().map_err(|_| anyhow::anyhow!("the day is no date"))?;
    let (mut decoding, mut runs, mut lists, mut memory) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for pair in 0..options.pairs {
        let decoded = decode(&force, subjects)?;
        let day = first + 1 + i32::try_from(pair)?;
        let ran = a_run(&force.data(), day)?;
        note(&format!(
            "decoded in {decoded:.2} s; run in {:.2} s; lists p99 {:.1} ms idle, {:.1} ms during the run ({} calls); {} MB more",
            ran.seconds,
            ran.idle_p99 * 1_000.0,
            ran.during_p99 * 1_000.0,
            ran.calls,
            ran.more_bytes >> 20
        ));
        decoding.push(ran.seconds / decoded);
        runs.push(ran.seconds);
        lists.push(ran.during_p99 / ran.idle_p99);
        memory.push(ran.more_bytes as f64 / f64::from(subjects));
    }
    tell("run: times decoding once on one thread", &decoding, Target::AtMost(1.0));
    tell("lists during a run: times the idle p99", &lists, Target::AtMost(2.0));
    tell("memory: more bytes a subject during a run", &memory, Target::AtMost(300.0));
    let newest = u64::try_from(options.pairs)?;
    let file = std::fs::metadata(force.data().join("generations").join(format!("g-{newest:08}")))?.len();
    tell("a stored generation: bytes a subject", &[file as f64 / f64::from(subjects)], Target::AtMost(24.0));
    match postgres(subjects, options.pairs)? {
        Some(statements) => {
            let ratios: Vec<f64> = runs.iter().zip(statements).map(|(run, statement)| run / statement).collect();
            tell("run: times one statement of PostgreSQL", &ratios, Target::AtMost(0.1));
        }
        None => note("PostgreSQL: not compared; initdb, postgres, psql and pg_ctl are needed"),
    }
    std::fs::remove_dir_all(scratch)?;
    Ok(())
}

/// Everything that the scores of everybody are made of, read and decoded one after another.
fn decode(force: &Force, subjects: u32) -> anyhow::Result<f64> {
    let store = SledStore::open(&force.data(), raw::CACHE_BYTES)?;
    let started = Instant::now();
    let mut people = 0_u32;
    for entry in store.scan(&KeySpan::all(View::Dossier)) {
        let (key, bytes) = entry?;
        let dossier = start::decode(&key, &bytes, reference::tables())?;
        people += u32::from(dossier.offences().count() > 0);
    }
    ensure!(people == subjects, "{people} of {subjects} subjects have offences");
    Ok(started.elapsed().as_secs_f64())
}

struct Ran {
    seconds: f64,
    idle_p99: f64,
    during_p99: f64,
    calls: usize,
    more_bytes: u64,
}

/// A run on a server of its own.
fn a_run(data: &Path, day: Date) -> anyhow::Result<Ran> {
    let server = Server::on(data, &["--backup-every-minutes", "0"])?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let address = format!("http://{}", server.address);
    let before = server.usage()?;
    let watched = watch_memory(server.id());
    let ran = runtime.block_on(async {
        let channel = Channel::from_shared(address)?.connect().await?;
        let mut ranking = RankingServiceClient::new(channel.clone());
        let mut idle = Vec::new();
        let started = Instant::now();
        while started.elapsed() < Duration::from_secs(2) {
            idle.push(list(&mut ranking).await?.0);
            tokio::time::sleep(PAUSE).await;
        }
        let request =
            pb::StartRescoreRequest { request_id: text(&id_of_day(day)), as_of: day.to_string(), dry_run: false };
        let mut during = Vec::new();
        let began = Instant::now();
        RescoreServiceClient::new(channel).start_rescore(request).await?;
        let wanted = day.to_string();
        let seconds = loop {
            let (took, as_of) = list(&mut ranking).await?;
            during.push(took);
            if as_of == wanted {
                break began.elapsed().as_secs_f64();
            }
            ensure!(began.elapsed() < Duration::from_mins(10), "the run did not publish");
            tokio::time::sleep(PAUSE).await;
        };
        anyhow::Ok((seconds, idle, during))
    });
    let peak = watched();
    let (seconds, mut idle, mut during) = ran?;
    let calls = during.len();
    server.stop()?;
    Ok(Ran {
        seconds,
        idle_p99: p99(&mut idle),
        during_p99: p99(&mut during),
        calls,
        more_bytes: peak.saturating_sub(before.resident),
    })
}

/// Seconds that a page took, and the day that it is of.
async fn list(client: &mut RankingServiceClient<Channel>) -> anyhow::Result<(f64, String)> {
    let request =
        pb::ListStandingsRequest { list: pb::List::All.into(), page_size: ROWS, ..pb::ListStandingsRequest::default() };
    let started = Instant::now();
    let page = client.list_standings(request).await?.into_inner();
    Ok((started.elapsed().as_secs_f64(), page.context.unwrap_or_default().as_of))
}

fn p99(seconds: &mut [f64]) -> f64 {
    seconds.sort_by(f64::total_cmp);
    seconds.get(seconds.len() * 99 / 100).copied().unwrap_or_default()
}

/// Looks at how much a process has resident until told to stop; the most that it saw.
fn watch_memory(pid: u32) -> impl FnOnce() -> u64 {
    let stop = Arc::new(AtomicBool::new(false));
    let stopped = Arc::clone(&stop);
    let looking = std::thread::spawn(move || {
        let mut most = 0;
        while !stopped.load(Ordering::Relaxed) {
            most = most.max(process::usage(pid).map_or(0, |usage| usage.resident));
            std::thread::sleep(Duration::from_millis(5));
        }
        most
    });
    move || {
        stop.store(true, Ordering::Relaxed);
        looking.join().unwrap_or_default()
    }
}

/// Everybody's records.
fn batches(subjects: u32) -> impl Iterator<Item = Bytes> + Send + 'static {
    let mut records = (0..subjects).flat_map(person);
    std::iter::from_fn(move || {
        let records: Vec<pb::Record> = records.by_ref().take(BATCH).collect();
        let request =
            pb::ImportEvidenceRequest { request_id: Uuid::new_v4().to_string(), records, ..Default::default() };
        (!request.records.is_empty()).then(|| request.encode_to_vec().into())
    })
}

/// A person, a member or wanted now and then, with ten offences over five years.
fn person(number: u32) -> Vec<pb::Record> {
    let name = format!("R-{number:07}");
    let day = |ago: u32| {
        let first: Date = AS_OF.parse().expect("a constant must be a date");
        (first - i32::try_from(ago).expect("few days")).to_string()
    };
    let record = |id: String, event: String, kind: Kind| pb::Record {
        id,
        subject_ref: name.clone(),
        source_system: "bench".to_owned(),
        event_date: event,
        kind: Some(kind),
        ..Default::default()
    };
    let who = pb::Person {
        birth_date: day(365 * (18 + number % 40)),
        sex: if number.is_multiple_of(6) { pb::Sex::Female } else { pb::Sex::Male }.into(),
        areas: vec![format!("AREA-{}", number % 12)],
        ..Default::default()
    };
    let mut records = vec![record(format!("{name}-P"), day(30), Kind::Person(who))];
    let codes = ["OF61016", "TH68010", "OF61102"];
    for place in 0..OFFENCES {
        let offence = pb::Offence {
            cjs_code: codes[((number + place) % 3) as usize].to_owned(),
            outcome: pb::Outcome::Charged.into(),
            victim: Some(pb::Victim {
                victim_ref: format!("V-{}", u64::from(number) * 7 + u64::from(place)),
                natural_person: true,
                ..Default::default()
            }),
            ..Default::default()
        };
        let ago = 3 + (number * 37 + place * 181) % 1_800;
        records.push(record(format!("{name}-{place}"), day(ago), Kind::Offence(offence)));
    }
    if number.is_multiple_of(50) {
        let membership = pb::CohortMembership {
            status: pb::CohortStatus::Fixed.into(),
            offender_manager: format!("OM-{}", number / 3_000),
            area: format!("AREA-{}", number % 12),
            ..Default::default()
        };
        records.push(record(format!("{name}-C"), day(20), Kind::CohortMembership(membership)));
    }
    if number.is_multiple_of(33) {
        let opened = day(2 + number % 90);
        let file = pb::Outstanding {
            reason: pb::OutstandingReason::NamedSuspectNotArrested.into(),
            offence_ids: vec![format!("{name}-0")],
            periods: vec![pb::OpenPeriod { opened_on: opened.clone(), ..Default::default() }],
            ..Default::default()
        };
        records.push(record(format!("{name}-O"), opened, Kind::Outstanding(file)));
    }
    records
}

/// Seconds that one statement takes, each time anew, on a PostgreSQL of its own; `None`: there is none here.
fn postgres(subjects: u32, pairs: usize) -> anyhow::Result<Option<Vec<f64>>> {
    let found = |name: &str| Command::new(name).arg("--version").output().is_ok_and(|output| output.status.success());
    if !["initdb", "postgres", "psql", "pg_ctl"].into_iter().all(found) {
        return Ok(None);
    }
    let home = std::env::temp_dir().join(format!("steelyard-postgres-{}", std::process::id()));
    std::fs::create_dir_all(&home)?;
    let outcome = statements(&home, subjects, pairs);
    // Whatever came of it, nothing is left running or lying about.
    let stopped = as_postgres(&home, &format!("pg_ctl -D {0}/data -m immediate stop", home.display()));
    drop(stopped);
    std::fs::remove_dir_all(&home)?;
    // A machine may have the programs and no user to run them as: that is no fault of what is measured.
    Ok(outcome.map_err(|why| note(&format!("PostgreSQL could not be run here, and is not compared: {why:#}"))).ok())
}

fn statements(home: &Path, subjects: u32, pairs: usize) -> anyhow::Result<Vec<f64>> {
    let at = home.display();
    if rustix::process::getuid().is_root() {
        ensure!(Command::new("chown").arg("postgres").arg(home).status()?.success(), "there is no user postgres");
    }
    as_postgres(home, &format!("initdb -D {at}/data -A trust -U postgres --no-sync > {at}/initdb.log"))?;
    let settings =
        format!("-k {at} -c listen_addresses= -c max_wal_size=8GB -c shared_buffers=512MB -c work_mem=256MB");
    as_postgres(home, &format!("pg_ctl -D {at}/data -w -l {at}/log -o '{settings}' start > {at}/start.log"))?;
    let psql = |sql: &str| as_postgres(home, &format!("psql -q -h {at} -U postgres -v ON_ERROR_STOP=1 -c \"{sql}\""));
    psql("CREATE TABLE standings (subject int PRIMARY KEY, harm double precision NOT NULL)")?;
    psql("CREATE TABLE offences (subject int NOT NULL, harm_days double precision NOT NULL, happened date NOT NULL)")?;
    psql(&format!("INSERT INTO standings SELECT n, 0 FROM generate_series(0, {}) n", subjects - 1))?;
    psql(&format!(
        "INSERT INTO offences SELECT n / {OFFENCES}, 10 + n % 900, DATE '{AS_OF}' - (3 + (n * 37) % 1800)::int \
         FROM generate_series(0::bigint, {}::bigint) n",
        u64::from(subjects) * u64::from(OFFENCES) - 1
    ))?;
    psql("CREATE INDEX ON offences (subject)")?;
    psql("VACUUM ANALYZE")?;
    let mut seconds = Vec::new();
    for pair in 0..pairs {
        let started = Instant::now();
        psql(&format!(
            "UPDATE standings s SET harm = o.harm FROM (SELECT subject, sum(harm_days * power(0.5, \
             (DATE '{AS_OF}' + {} - happened) / 730.0)) AS harm FROM offences GROUP BY subject) o \
             WHERE o.subject = s.subject",
            pair + 1
        ))?;
        let took = started.elapsed().as_secs_f64();
        note(&format!("PostgreSQL: {subjects} standings updated from {OFFENCES} rows each in {took:.2} s"));
        seconds.push(took);
        psql("VACUUM standings")?;
    }
    Ok(seconds)
}

/// Runs a command as the user that a PostgreSQL server may run as.
fn as_postgres(home: &Path, command: &str) -> anyhow::Result<()> {
    let mut shell = if rustix::process::getuid().is_root() {
        let mut shell = Command::new("su");
        shell.args(["postgres", "-s", "/bin/sh", "-c", command]);
        shell
    } else {
        let mut shell = Command::new("sh");
        shell.args(["-c", command]);
        shell
    };
    let status = shell.current_dir(home).status().context("a shell is needed")?;
    ensure!(status.success(), "PostgreSQL: {command} failed");
    Ok(())
}
