//! An evaluation of a whole force over five index dates with a thousand samples,
//! from the ledger to the report: against weighing everybody once.

mod common;

use std::collections::BTreeMap;
use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;
use common::verdict::{Target, heading, note, tell};
use common::{AS_OF, Options, force, run};
use jiff::Timestamp;
use rayon::prelude::*;
use steelyard::access::Caller;
use steelyard::domain::{Date, SubjectId};
use steelyard::pb;
use steelyard::scoring::composite;
use steelyard::service::evaluating::Evaluating;
use steelyard::service::evaluating::terms::Asked;
use steelyard::service::mutation::{Mutation, MutationBody, Records};
use steelyard::service::{Options as Settings, Seen, Service, Started};
use steelyard::store::{Identity, MemoryStore};
use uuid::Uuid;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Records in one write.
const BATCH: usize = 1_000;
/// Half a year apart, each with a year after it.
const INDEX_DATES: [&str; 5] = ["2023-03-31", "2023-09-30", "2024-03-31", "2024-09-30", "2025-03-31"];
const FOLLOW_UP: u32 = 365;
const SAMPLES: u32 = 1_000;
/// What the first phase is called.
const READING: &str = "reading the ledger";

fn main() -> anyhow::Result<()> {
    run(measure)
}

fn measure(options: &Options) -> anyhow::Result<()> {
    let subjects = options.scale(100_000);
    heading(&format!(
        "Evaluating {subjects} people over {} index dates with {SAMPLES} samples, against weighing them once",
        INDEX_DATES.len()
    ));
    let as_of: Date = AS_OF.parse().map_err(|_| anyhow::anyhow!("the day is no date"))?;
    let settings = Settings {
        as_of: Some(as_of),
        policy: None,
        stale_after: Duration::MAX,
        page_pins: 1,
        now: Arc::new(Timestamp::now),
    };
    let Started { service, writer, .. } = Service::start(Arc::new(MemoryStore::new(Identity::fresh())), settings)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let people = runtime.block_on(write(&service, subjects))?;
    note(&format!("{people} records in the ledger"));

    let (mut of_all, mut of_people, mut last) = (Vec::new(), Vec::new(), (0.0, 0.0));
    for _ in 0..options.pairs {
        let plain = runtime.block_on(weighed(&service, as_of))?;
        let (evaluating, phases) = runtime.block_on(evaluated(&service))?;
        note(&phases.iter().map(|(phase, seconds)| format!("{phase} {seconds:.2} s")).collect::<Vec<_>>().join(", "));
        let reading: f64 = phases.iter().filter(|(phase, _)| *phase == READING).map(|(_, seconds)| seconds).sum();
        of_people.push((evaluating - reading) / plain);
        of_all.push(evaluating / plain);
        last = (plain, evaluating);
    }
    tell("evaluation, the ledger once read: times weighing everybody once", &of_people, Target::AtMost(20.0));
    tell("with reading the ledger", &of_all, Target::AtMost(20.0));
    note(&format!("last pair: weighed in {:.2} s, evaluated in {:.2} s", last.0, last.1));
    drop(service);
    writer.join().map_err(|_| anyhow::anyhow!("the writer ended in a panic"))??;
    Ok(())
}

async fn write(service: &Service, subjects: u32) -> anyhow::Result<u64> {
    let mut written = 0;
    let mut records = force::records(subjects)?.peekable();
    while records.peek().is_some() {
        let records: Vec<pb::Record> = records.by_ref().take(BATCH).collect();
        written += records.len() as u64;
        let records =
            Records { records, etags: BTreeMap::default(), all_or_none: false, validate_only: false, decisions: false };
        let mutation = Mutation {
            caller: Caller::service(),
            request_id: Uuid::new_v4().into_bytes(),
            digest: [0; 32],
            body: MutationBody::Write(records),
        };
        service.change(mutation).await.context("the records were not taken")?;
    }
    Ok(written)
}

/// Seconds to weigh everybody once, on every core.
async fn weighed(service: &Service, as_of: Date) -> anyhow::Result<f64> {
    let standings = service.standings(Seen::default()).await?;
    let subjects: Vec<SubjectId> = (0..u32::try_from(standings.subjects())?).map(SubjectId).collect();
    let begun = Instant::now();
    subjects.par_iter().for_each(|subject| {
        if let Some(dossier) = standings.dossier(*subject) {
            black_box(composite::weigh(dossier, standings.rules(), as_of));
        }
    });
    Ok(begun.elapsed().as_secs_f64())
}

/// What an evaluation does, and seconds.
type Phase = (&'static str, f64);

/// Seconds of an evaluation, and what they went into.
async fn evaluated(service: &Service) -> anyhow::Result<(f64, Vec<Phase>)> {
    let terms = pb::EvaluationTerms {
        index_dates: INDEX_DATES.map(str::to_owned).to_vec(),
        follow_up_days: FOLLOW_UP,
        samples: SAMPLES,
        ..pb::EvaluationTerms::default()
    };
    let asked = Asked { terms, ..Asked::default() };
    let begun = Instant::now();
    let mut heard = service.evaluate(&Caller::service(), &asked)?;
    let mut phases: Vec<(&'static str, Instant)> = Vec::new();
    while let Some(told) = heard.recv().await {
        match told {
            Evaluating::Progress(phase, ..) => {
                if phases.last().is_none_or(|(last, _)| *last != phase) {
                    phases.push((phase, Instant::now()));
                }
            }
            Evaluating::Done(evaluation) => {
                let ended = Instant::now();
                anyhow::ensure!(evaluation.dates.len() == INDEX_DATES.len(), "an index date is missing");
                anyhow::ensure!(evaluation.leakage.as_ref().is_some_and(|it| it.passed), "something later was used");
                return Ok((begun.elapsed().as_secs_f64(), spent(&phases, ended)));
            }
            Evaluating::Failed(fault) => return Err(fault.into()),
        }
    }
    anyhow::bail!("the evaluation ended without a word")
}

fn spent(phases: &[(&'static str, Instant)], ended: Instant) -> Vec<Phase> {
    let ends = phases.iter().skip(1).map(|(_, begun)| *begun).chain([ended]);
    let mut sums: Vec<Phase> = Vec::new();
    for ((phase, begun), end) in phases.iter().zip(ends) {
        let seconds = end.duration_since(*begun).as_secs_f64();
        match sums.iter_mut().find(|(held, _)| held == phase) {
            Some((_, sum)) => *sum += seconds,
            None => sums.push((phase, seconds)),
        }
    }
    sums
}
