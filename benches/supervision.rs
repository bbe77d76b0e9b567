//! Supervision: pages of gaps against an echo of the same replies; an outstanding
//! return against one scan of what it is made of; and a write about a victim of
//! hundreds of offences against one about a victim of none.

mod common;

use std::time::Instant;

use bytes::Bytes;
use common::calls::{Calls, Pairs};
use common::force::Force;
use common::server::Server;
use common::verdict::{Target, heading, note, tell};
use common::{Options, raw, run};
use prost::Message;
use steelyard::domain::{Date, Revision};
use steelyard::pb;
use steelyard::pb::evidence_service_client::EvidenceServiceClient;
use steelyard::pb::outstanding_service_client::OutstandingServiceClient;
use steelyard::pb::record::Kind;
use steelyard::service::group::event_kind;
use steelyard::service::record::{ACTIVITY, OUTSTANDING, REVIEW};
use steelyard::store::{KeySpan, SledStore, Store};
use uuid::Uuid;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const GAPS: &str = "/steelyard.v1.OutstandingService/ListSupervisionGaps";
/// Rows on a page.
const ROWS: u32 = 50;
/// Activities and reviews of each file.
const ACTIVITIES: u32 = 12;
const REVIEWS: u32 = 6;
/// Records in one batch of an import.
const BATCH: usize = 1_000;
/// Offences in which the much-harmed victim stands, each by another suspect.
const HARMED: u32 = 500;
/// Writes about each victim on a side of a pair.
const WRITES: u32 = 50;
const DAY: i64 = 86_400;

fn main() -> anyhow::Result<()> {
    run(measure)
}

fn measure(options: &Options) -> anyhow::Result<()> {
    let files = options.scale(100_000);
    let scratch = options.scratch("supervision")?;
    let now = jiff::Timestamp::now();
    let force = Force::import(files, &scratch, batches(files, now))?;
    note(&format!("{files} open files, {} records, imported in {:.0} s", force.records, force.seconds));
    gaps(options, &force, &scratch, files)?;
    returns(options, &force, now)?;
    victims(options, &force)?;
    std::fs::remove_dir_all(scratch)?;
    Ok(())
}

fn gaps(options: &Options, force: &Force, scratch: &std::path::Path, files: u32) -> anyhow::Result<()> {
    let server = Server::on(&force.data(), &[])?;
    heading(&format!("ListSupervisionGaps, {ROWS} rows, {files} open files, 4 connections x 16 in flight"));
    let request = pb::ListSupervisionGapsRequest { page_size: ROWS, ..Default::default() };
    let calls = Calls::new(scratch, "gaps", GAPS, &[request])?;
    let echo = calls.echo(&server)?;
    let pairs = Pairs::measure(&calls, &echo, &server, options)?;
    tell("gaps: of the echo's calls", &pairs.rate, Target::AtLeast(0.4));
    tell("gaps: times the echo's p99", &pairs.p99, Target::Told);
    pairs.note();
    server.stop()
}

/// The return as at yesterday, and the scan that it cannot do without: every event of files, of work on them and of notes,
/// read and decoded one after another.
fn returns(options: &Options, force: &Force, now: jiff::Timestamp) -> anyhow::Result<()> {
    heading("GetOutstandingReturn for a past day");
    let mut ratios = Vec::new();
    let as_at = (Date::in_london(now) - 1).to_string();
    for _ in 0..options.pairs {
        let (scanned, events, ledger) = scan(force)?;
        let server = Server::on(&force.data(), &[])?;
        let answered = jiff::Timestamp::now();
        let known_at = Some(pbjson_types::Timestamp { seconds: answered.as_second(), nanos: 0 });
        let request = pb::GetOutstandingReturnRequest { as_at: as_at.clone(), known_at, ..Default::default() };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let started = Instant::now();
        let answer = runtime.block_on(async {
            let mut client = OutstandingServiceClient::connect(format!("http://{}", server.address)).await?;
            anyhow::Ok(client.get_outstanding_return(request).await?.into_inner())
        })?;
        let returned = started.elapsed().as_secs_f64();
        server.stop()?;
        ratios.push(returned / scanned);
        let open = answer.total.map_or(0, |total| total.open);
        note(&format!(
            "{open} open files counted in {returned:.2} s; {events} of {ledger} events scanned in {scanned:.2} s"
        ));
    }
    tell("return: times one scan of what it is made of", &ratios, Target::AtMost(2.0));
    Ok(())
}

fn scan(force: &Force) -> anyhow::Result<(f64, u64, u64)> {
    let store = SledStore::open(&force.data(), raw::CACHE_BYTES)?;
    let head = store.head()?.revision;
    let started = Instant::now();
    let mut events = 0;
    for kind in [OUTSTANDING, ACTIVITY, REVIEW, event_kind::EVIDENCE_WITHDRAWN, event_kind::OUTSTANDING_NOTED] {
        for entry in store.scan(&KeySpan::kind_index(kind, Revision(0), head)) {
            if let Some(revision) = entry?.0.revision() {
                events += u64::from(store.event(revision)?.is_some());
            }
        }
    }
    Ok((started.elapsed().as_secs_f64(), events, head.0))
}

fn victims(options: &Options, force: &Force) -> anyhow::Result<()> {
    heading(&format!("A write about a victim of {HARMED} offences by as many suspects"));
    let server = Server::on(&force.data(), &[])?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let ratios = runtime.block_on(async {
        let mut client = EvidenceServiceClient::connect(format!("http://{}", server.address)).await?;
        for number in 0..HARMED {
            client.write_evidence(harm(number, "V-MUCH")).await?;
        }
        let mut ratios = Vec::new();
        let mut number = HARMED;
        for _ in 0..options.pairs {
            let mut seconds = [0.0; 2];
            for (side, victim) in ["V-ONCE", "V-MUCH"].into_iter().enumerate() {
                let started = Instant::now();
                for _ in 0..WRITES {
                    number += 1;
                    let victim = if side == 0 { format!("{victim}-{number}") } else { victim.to_owned() };
                    client.write_evidence(harm(number, &victim)).await?;
                }
                seconds[side] = started.elapsed().as_secs_f64();
            }
            ratios.push(seconds[1] / seconds[0]);
            note(&format!(
                "{:.2} ms a write about the much-harmed, {:.2} ms about others",
                seconds[1] * 1_000.0 / f64::from(WRITES),
                seconds[0] * 1_000.0 / f64::from(WRITES)
            ));
        }
        anyhow::Ok(ratios)
    })?;
    tell("victim of hundreds: times a victim of one", &ratios, Target::Told);
    server.stop()
}

/// An offence by another suspect each time.
fn harm(number: u32, victim: &str) -> pb::WriteEvidenceRequest {
    let offence = pb::Offence {
        cjs_code: "OF61102".to_owned(),
        outcome: pb::Outcome::Charged.into(),
        victim: Some(pb::Victim { victim_ref: victim.to_owned(), natural_person: true, ..Default::default() }),
        ..Default::default()
    };
    let day = 1 + number % 28;
    let record = record(
        &format!("HARM-{number}"),
        &format!("H-{number:06}"),
        &format!("2026-03-{day:02}"),
        Kind::Offence(offence),
    );
    pb::WriteEvidenceRequest { request_id: Uuid::new_v4().to_string(), records: vec![record], ..Default::default() }
}

fn record(id: &str, subject_ref: &str, event_date: &str, kind: Kind) -> pb::Record {
    pb::Record {
        id: id.to_owned(),
        subject_ref: subject_ref.to_owned(),
        source_system: "bench".to_owned(),
        event_date: event_date.to_owned(),
        kind: Some(kind),
        ..Default::default()
    }
}

/// Every record of people who each have one open file that is looked after more or less.
fn batches(files: u32, now: jiff::Timestamp) -> impl Iterator<Item = Bytes> + Send + 'static {
    let now = now.as_second();
    let mut records = (0..files).flat_map(move |number| person(number, now));
    std::iter::from_fn(move || {
        let records: Vec<pb::Record> = records.by_ref().take(BATCH).collect();
        let request =
            pb::ImportEvidenceRequest { request_id: Uuid::new_v4().to_string(), records, ..Default::default() };
        (!request.records.is_empty()).then(|| request.encode_to_vec().into())
    })
}

fn person(number: u32, now: i64) -> Vec<pb::Record> {
    let name = format!("F-{number:06}");
    let file = format!("W-{number:06}");
    let age = 20 + i64::from(number % 80);
    let opened = now - age * DAY;
    let at = |seconds: i64| Some(pbjson_types::Timestamp { seconds, nanos: 0 });
    let day = |seconds: i64| {
        Date::in_london(jiff::Timestamp::from_second(seconds).expect("a moment near now must be one")).to_string()
    };
    let mut records = Vec::new();
    let level = pb::Assessment {
        assessment_kind: pb::AssessmentKind::Mappa.into(),
        mappa_category: 2,
        mappa_level: 1 + number % 3,
        ..Default::default()
    };
    records.push(record(&format!("M-{number:06}"), &name, &day(opened), Kind::Assessment(level)));
    let outstanding = pb::Outstanding {
        reason: 1 + i32::try_from(number % 16).unwrap_or(0),
        periods: vec![pb::OpenPeriod { opened_on: day(opened), opened_time: at(opened), ..Default::default() }],
        area: format!("AREA-{}", number % 12),
        officer: format!("PC-{}", number % 700),
        supervisor: format!("PS-{}", number % 90),
        ..Default::default()
    };
    records.push(record(&file, &name, &day(opened), Kind::Outstanding(outstanding)));
    let spread = |place: u32, of: u32| opened + (age - 2) * DAY * i64::from(place) / i64::from(of);
    for place in 0..ACTIVITIES {
        let done = spread(place, ACTIVITIES);
        let activity = pb::Activity {
            activity_kind: 1 + i32::try_from(place % 5).unwrap_or(0),
            officer: format!("PC-{}", number % 700),
            done_time: at(done),
            minutes: 30,
            target_ref: format!("A-{place}"),
            outstanding_id: file.clone(),
            ..Default::default()
        };
        records.push(record(&format!("A-{number:06}-{place}"), &name, &day(done), Kind::Activity(activity)));
    }
    for place in 0..REVIEWS {
        let reviewed = spread(place, REVIEWS) + 3_600;
        let review = pb::Review {
            outstanding_id: file.clone(),
            officer: format!("PS-{}", number % 90),
            rank: pb::SupervisorRank::Sergeant.into(),
            reviewed_time: at(reviewed),
            findings: "One more address to try.".to_owned(),
            ..Default::default()
        };
        records.push(record(&format!("R-{number:06}-{place}"), &name, &day(reviewed), Kind::Review(review)));
    }
    records
}
