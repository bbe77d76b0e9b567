//! The thread that carries runs out.

use std::collections::HashMap;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use metrics::{counter, gauge};
use rayon::prelude::*;
use rayon::{ThreadPool, ThreadPoolBuildError, ThreadPoolBuilder};
use tracing::{error, info, warn};
use uuid::Uuid;

use super::checkpoint;
use super::publish::{Publication, RunStep};
use super::runs::{Run, RunId, RunState};
use super::target::Target;
use super::{Inner, retention, schedule, sealed, text};
use crate::access::Caller;
use crate::domain::dossier::Dossier;
use crate::domain::word::Family;
use crate::domain::{Date, SubjectId};
use crate::ranking::{Meta, Row, Standings, frame};
use crate::reference;
use crate::scoring::Rules;
use crate::scoring::composite::Weighed;
use crate::service::fault::Fault;
use crate::service::keeping::step_back;
use crate::service::mutation::{Mutation, MutationBody};
use crate::service::scorer;
use crate::service::victim::InMind;
use crate::store::archive::Partial;
use crate::store::pb::{RescoreEnded, RescoreFailure};
use crate::store::{KeyRing, StoreError};
use crate::telemetry::metrics as figures;

/// People weighed between two looks at whether the run is still wanted.
const TOGETHER: usize = 2_048;
/// People, and time, after which what was weighed is put on the disk: so much is weighed again after a kill, at most.
const KEPT_TOGETHER: usize = 32_768;
const KEPT_EVERY: Duration = Duration::from_millis(250);
/// Times that the run catches up with what was written before it leaves the rest to the writer.
const CATCHING_UP: usize = 4;
/// How often it looks whether a run is due by the schedule.
const LOOK_EVERY: Duration = Duration::from_secs(15);
/// How long after a refusal for want of room the publication is tried again.
const AGAIN: Duration = Duration::from_secs(1);

/// What is known of one person of a run.
pub(super) const WEIGHED: u8 = 1;
pub(super) const CHANGED: u8 = 2;
pub(super) const FAILED: u8 = 4;
pub(super) const RESUMED: u8 = 8;

/// Why a run did not come to its end.
enum Stopped {
    /// The server stops: it is taken up at the next start.
    Interrupted,
    /// Somebody cancelled it.
    Cancelled(String),
    /// It failed.
    Failed(String),
}

impl From<StoreError> for Stopped {
    fn from(fault: StoreError) -> Self {
        error!(fault = %fault, "a run could not be kept");
        Self::Failed(match fault {
            StoreError::Full => "the disk is full".to_owned(),
            _ => "its files could not be written or read: the log says why".to_owned(),
        })
    }
}

/// The threads that weigh: one a core, behind everybody else.
///
/// # Errors
/// They could not be started.
pub(super) fn pool() -> Result<ThreadPool, ThreadPoolBuildError> {
    ThreadPoolBuilder::new().thread_name(|number| format!("rescore-{number}")).start_handler(|_| step_back()).build()
}

/// Works until told to stop.
pub(super) fn run(inner: &Inner, pool: &ThreadPool) {
    step_back();
    sweep(inner);
    let mut schedule = schedule::Due::default();
    while !inner.stopping() {
        let runs = inner.service.board.runs();
        if let Some(going) = runs.running().cloned() {
            carry_out(inner, pool, &going);
            continue;
        }
        let dry = inner.state().dry;
        if let Some(id) = dry {
            dry_run(inner, pool, &id);
            continue;
        }
        schedule.look(inner);
        inner.wait(LOOK_EVERY);
    }
}

/// Removes what was never published, and what is not to be kept any longer.
fn sweep(inner: &Inner) {
    let runs = inner.service.board.runs();
    let unpublished = |numbers: Vec<u64>| {
        let mut never = numbers.into_iter().filter(|number| *number >= runs.next_generation());
        never.try_for_each(|number| inner.archive.remove(number))
    };
    let swept = inner.archive.forget_staged().and_then(|()| inner.archive.generations()).and_then(unpublished);
    if let Err(fault) = swept {
        warn!(fault = %fault, "what was never published could not be removed");
    }
    keep_to_retention(inner);
}

fn keep_to_retention(inner: &Inner) {
    let runs = inner.service.board.runs();
    let Ok(kept) = inner.archive.generations() else { return };
    for number in retention::surplus(runs.generations(), &kept, &inner.settings.retention) {
        match inner.archive.remove(number) {
            Ok(()) => info!(generation = number, "a generation is not kept any longer"),
            Err(fault) => warn!(generation = number, fault = %fault, "a generation could not be removed"),
        }
    }
}

/// Carries out the run that goes on.
fn carry_out(inner: &Inner, pool: &ThreadPool, going: &Run) {
    let begun = Instant::now();
    info!(rescore.run = %text(&going.id), rescore.attempt = going.attempt, as_of = %going.as_of, "a run begins");
    inner.progress.reset();
    let outcome = unpanicked(|| attempt(inner, pool, going));
    inner.state().cancel = None;
    let stopped = match outcome {
        Ok(()) => {
            counter!(figures::RESCORE_RUNS, "outcome" => "published").increment(1);
            gauge!(figures::RESCORE_SECONDS).set(begun.elapsed().as_secs_f64());
            if let Err(fault) = inner.archive.forget_runs_but(None) {
                warn!(fault = %fault, "a run's file could not be removed");
            }
            keep_to_retention(inner);
            return;
        }
        Err(stopped) => stopped,
    };
    let (cancelled, reason) = match stopped {
        Stopped::Interrupted => {
            info!(rescore.run = %text(&going.id), "a run is interrupted: the next start takes it up");
            // Where the server does not stop, its writer has: it will.
            inner.wait(AGAIN);
            return;
        }
        Stopped::Cancelled(reason) => (true, reason),
        Stopped::Failed(reason) => (false, reason),
    };
    let outcome = if cancelled { "cancelled" } else { "failed" };
    counter!(figures::RESCORE_RUNS, "outcome" => outcome).increment(1);
    if cancelled {
        // Why was said by a person, and is in the ledger.
        info!(rescore.run = %text(&going.id), "a run was cancelled");
    } else {
        warn!(rescore.run = %text(&going.id), reason, "a run failed");
    }
    let ended = RescoreEnded {
        run_id: going.id.to_vec(),
        attempt: going.attempt,
        cancelled,
        reason,
        counters: Some(inner.progress.counters()),
    };
    // Until the ledger says that it has ended, it goes on.
    let mut told = false;
    while !inner.stopping() {
        match inner.service.change_blocking(mutation(MutationBody::Run(RunStep::End(ended.clone())))) {
            Ok(_) | Err(Fault::ShuttingDown) => return,
            Err(fault) => {
                if !std::mem::replace(&mut told, true) {
                    warn!(fault = %fault, "the end of a run cannot be written yet");
                }
                inner.wait(AGAIN);
            }
        }
    }
}

/// What a fault of the program becomes: the end of this run, and of nothing else.
fn unpanicked<T>(work: impl FnOnce() -> Result<T, Stopped>) -> Result<T, Stopped> {
    let worked = panic::catch_unwind(AssertUnwindSafe(work));
    worked.unwrap_or_else(|_| Err(Stopped::Failed("a fault of the program, told on standard error".to_owned())))
}

fn mutation(body: MutationBody) -> Mutation {
    let request_id = Uuid::new_v4().into_bytes();
    Mutation { caller: Caller::service(), request_id, digest: [0; 32], body }
}

fn dry_run(inner: &Inner, pool: &ThreadPool, id: &RunId) {
    let Some(told) = inner.dry_run(id) else { return };
    inner.progress.reset();
    let weighed = unpanicked(|| {
        let (base, target) = begin(inner, &told.run)?;
        weigh_everybody(inner, pool, &told.run, base, &target, None)
    });
    let reference = |standings: &Standings, subject: u32| {
        standings.dossier(SubjectId(subject)).map_or_else(String::new, |dossier| dossier.subject_ref().to_owned())
    };
    inner.end_dry(id, |told| {
        told.run.counters = inner.progress.counters();
        match weighed {
            Ok(weighed) => {
                told.completed = true;
                let failures = weighed.failures.iter().take(super::publish::FAILURES_KEPT);
                told.failures =
                    failures.map(|one| (reference(&weighed.standings, one.subject_id), one.reason.clone())).collect();
            }
            Err(stopped) => {
                let (cancelled, reason) = match stopped {
                    Stopped::Interrupted => (true, "the server stopped".to_owned()),
                    Stopped::Cancelled(reason) => (true, reason),
                    Stopped::Failed(reason) => (false, reason),
                };
                told.run.state = RunState::Ended { cancelled, reason };
            }
        }
    });
}

/// What a run begins with.
fn begin(inner: &Inner, run: &Run) -> Result<(Arc<Standings>, Target), Stopped> {
    let board = &inner.service.board;
    let base = board.standings().ok_or_else(|| Stopped::Failed("no policy is active".to_owned()))?;
    if run.as_of < base.as_of() {
        return Err(Stopped::Failed(format!("the lists are of {} already", base.as_of())));
    }
    if let Err(short) = inner.service.store.room() {
        // What a run keeps must not take the room that writes need.
        return Err(Stopped::Failed(format!("the disk is low: {short}")));
    }
    let target = Target::of(board, &base).map_err(Stopped::Failed)?;
    Ok((base, target))
}

/// One attempt, up to its publication.
fn attempt(inner: &Inner, pool: &ThreadPool, going: &Run) -> Result<(), Stopped> {
    let (base, target) = begin(inner, going)?;
    let (identity, tables) = (inner.service.store.identity(), reference::tables().digest());
    let conditions = checkpoint::conditions(&identity, going.as_of, &target.policy_digest, &tables[..]);
    let name = text(&going.id);
    inner.archive.forget_runs_but(Some(&name))?;
    let keys = inner.service.store.keys().map(|keys| &**keys);
    let (mut records, mut partial) = inner.archive.run(&name)?;
    let mut held = HashMap::new();
    match records.first() {
        Some(first) if *first == conditions => {
            let weighed = records.drain(1..).map(|record| sealed::opened_record(keys, record));
            held = checkpoint::read(&weighed.collect::<Result<Vec<_>, _>>()?);
        }
        Some(_) => {
            partial.clear()?;
            partial.append(&conditions)?;
        }
        None => partial.append(&conditions)?,
    }
    drop(records);
    let kept = Kept { held, keys, partial: &mut partial, pending: Vec::new(), people: 0, since: Instant::now() };
    let Everybody { standings, failures } = weigh_everybody(inner, pool, going, base, &target, Some(kept))?;
    let (frames, digest) = pool.install(|| frame::generation(&standings));
    let frames = frames.into_iter().enumerate().map(|(number, frame)| sealed::kept(keys, number, frame));
    let frames: Vec<Vec<u8>> = frames.collect::<Result<_, _>>()?;
    wanted(inner, going)?;
    let bytes = pool.install(|| inner.archive.stage(&frames))?;
    drop(frames);
    gauge!(figures::GENERATION_BYTES).set(figures::float(bytes));
    let publication = Publication {
        run: going.id,
        attempt: going.attempt,
        standings: Arc::new(standings),
        digest,
        counters: inner.progress.counters(),
        failures,
        policy_digest: target.policy_digest,
        policy: target.policy,
        archive: Arc::clone(&inner.archive),
    };
    let audited = super::combination::record(&inner.service, &publication);
    audited.map_err(|_| Stopped::Failed("the audit could not be written: the log says why".to_owned()))?;
    publish(inner, going, &publication)
}

/// Has the writer publish, as often as it takes on a disk without room.
fn publish(inner: &Inner, going: &Run, publication: &Publication) -> Result<(), Stopped> {
    let mut told = false;
    loop {
        // It may be published although the answer said otherwise: the ledger tells, once the store is open again.
        let state = inner.service.board.runs().get(&going.id).map(|run| run.state.clone());
        if let Some(RunState::Published(_)) = state {
            return Ok(());
        }
        wanted(inner, going)?;
        match inner.service.change_blocking(mutation(MutationBody::Publish(Box::new(publication.clone())))) {
            Ok(_) => return Ok(()),
            Err(Fault::ShuttingDown) => return Err(Stopped::Interrupted),
            Err(fault @ (Fault::ReadOnly | Fault::DiskLow { .. } | Fault::QueueFull)) => {
                if !std::mem::replace(&mut told, true) {
                    warn!(fault = %fault, "a run cannot be published yet");
                }
                inner.wait(AGAIN);
            }
            Err(Fault::PolicyNotApproved) => {
                let why = "what it was weighed under is neither in force nor waits for a run any more";
                return Err(Stopped::Failed(why.to_owned()));
            }
            Err(fault) => return Err(Stopped::Failed(fault.to_string())),
        }
    }
}

/// Everybody as weighed.
struct Everybody {
    standings: Standings,
    failures: Vec<RescoreFailure>,
}

/// Who was weighed, and how it went.
struct Tally {
    /// By subject, see [`WEIGHED`].
    marks: Vec<u8>,
    failures: Vec<RescoreFailure>,
}

type Person = (Arc<Dossier>, Row);

/// What is held of an earlier attempt, and where to keep what this one weighs.
struct Kept<'a, 'b> {
    held: HashMap<SubjectId, (u64, Weighed)>,
    keys: Option<&'a KeyRing>,
    partial: &'a mut Partial<'b>,
    pending: Vec<u8>,
    people: usize,
    since: Instant,
}

impl Kept<'_, '_> {
    fn add(&mut self, record: Vec<u8>, people: usize) -> Result<(), StoreError> {
        self.pending.extend(record);
        self.people += people;
        if self.people < KEPT_TOGETHER && self.since.elapsed() < KEPT_EVERY {
            return Ok(());
        }
        if !self.pending.is_empty() {
            self.partial.append(&sealed::record(self.keys, std::mem::take(&mut self.pending))?)?;
        }
        (self.people, self.since) = (0, Instant::now());
        Ok(())
    }
}

fn weigh_everybody(
    inner: &Inner,
    pool: &ThreadPool,
    run: &Run,
    mut base: Arc<Standings>,
    target: &Target,
    mut kept: Option<Kept<'_, '_>>,
) -> Result<Everybody, Stopped> {
    let service = &inner.service;
    inner.progress.universe.store(count(base.subjects()), Ordering::Relaxed);
    let mut tally = Tally { marks: vec![0; base.subjects()], failures: Vec::new() };
    let mut chunks: Vec<Vec<Person>> = Vec::with_capacity(base.subjects().div_ceil(TOGETHER));
    for from in (0..base.subjects()).step_by(TOGETHER) {
        wanted(inner, run)?;
        let subjects = (from..(from + TOGETHER).min(base.subjects())).map(subject).collect();
        chunks.push(weigh(inner, pool, &base, (target, run.as_of), subjects, &mut kept, &mut tally)?);
    }
    for _ in 0..if target.may_catch_up() { CATCHING_UP } else { 0 } {
        let newest = service.board.standings().unwrap_or_else(|| Arc::clone(&base));
        let written: Vec<SubjectId> = newest
            .differing(&base)
            .filter(|subject| {
                let (then, now) = (base.dossier(*subject), newest.dossier(*subject));
                then.zip(now).is_none_or(|(then, now)| {
                    !Arc::ptr_eq(then, now) && (then.revision() != now.revision() || then.repeats() != now.repeats())
                })
            })
            .chain((base.subjects()..newest.subjects()).map(subject))
            .collect();
        let written: std::collections::BTreeSet<SubjectId> =
            written.into_iter().filter(|subject| subject.index() < newest.subjects()).collect();
        let done = written.is_empty();
        base = newest;
        tally.marks.resize(base.subjects(), 0);
        inner.progress.universe.store(count(base.subjects()), Ordering::Relaxed);
        for together in written.into_iter().collect::<Vec<_>>().chunks(TOGETHER) {
            wanted(inner, run)?;
            tally.failures.retain(|failure| !together.contains(&SubjectId(failure.subject_id)));
            let people = weigh(inner, pool, &base, (target, run.as_of), together.to_vec(), &mut kept, &mut tally)?;
            for (subject, person) in together.iter().zip(people) {
                place(&mut chunks, subject.index(), person);
            }
        }
        if done {
            break;
        }
    }
    let universe = base.subjects();
    // Everybody once, however often they were weighed.
    inner.progress.settle(&tally.marks);
    let mut failures = tally.failures;
    if universe > 0 && failures.len() == universe {
        return Err(Stopped::Failed(format!("none of {universe} people could be weighed")));
    }
    wanted(inner, run)?;
    let meta = Meta {
        revision: base.revision(),
        as_of: run.as_of,
        rules: Arc::clone(&target.rules),
        generation: service.board.runs().next_generation(),
        published: service.now(),
    };
    let (names, references) = (Arc::clone(base.names()), Arc::clone(base.references()));
    // Neither is needed while the lists are made, which take their room.
    drop((base, kept));
    let standings = pool.install(|| Standings::load(meta, names, references, chunks.into_iter().flatten()));
    failures.sort_by_key(|failure| failure.subject_id);
    Ok(Everybody { standings, failures })
}

/// Puts a person into their place; the next free one is a new person's.
fn place(chunks: &mut Vec<Vec<Person>>, index: usize, person: Person) {
    let (chunk, within) = (index / TOGETHER, index % TOGETHER);
    if chunks.len() <= chunk {
        chunks.push(Vec::new());
    }
    match chunks[chunk].get_mut(within) {
        Some(held) => *held = person,
        None => chunks[chunk].push(person),
    }
}

/// Weighs these people, but for those that an earlier attempt had weighed from the same.
fn weigh(
    inner: &Inner,
    pool: &ThreadPool,
    base: &Standings,
    (target, as_of): (&Target, Date),
    subjects: Vec<SubjectId>,
    kept: &mut Option<Kept<'_, '_>>,
    tally: &mut Tally,
) -> Result<Vec<Person>, Stopped> {
    let rules: &Rules = &target.rules;
    let held = kept.as_ref().map(|kept| &kept.held);
    let one = |in_mind: &mut InMind, subject: SubjectId| {
        let (before, held_now) = base.person(subject)?;
        let dossier = &target.dossier(base, held_now, in_mind);
        let print = checkpoint::fingerprint(dossier);
        let known =
            held.and_then(|held| held.get(&subject)).filter(|(of, _)| *of == print).map(|(_, weighed)| *weighed);
        let weighed = match known {
            Some(weighed) => Ok(weighed),
            None => scorer::weigh(dossier, rules, as_of),
        };
        let failed = weighed.err();
        let weighed = weighed.unwrap_or_else(|_| scorer::unknown(dossier, rules, as_of));
        let row = Row::new(dossier, &weighed, rules, as_of, base.names());
        let changed = differs(before, &row);
        Some((subject, print, weighed, known.is_some(), failed, changed, (Arc::clone(dossier), row)))
    };
    let weighed: Vec<_> =
        pool.install(|| subjects.into_par_iter().map_init(InMind::default, one).flatten_iter().collect());
    if let Some(kept) = kept {
        let fresh = weighed.iter().filter(|(.., known, failed, _, _)| !known && failed.is_none());
        let record = checkpoint::record(fresh.map(|(subject, print, weighed, ..)| (*subject, *print, *weighed)));
        kept.add(record, weighed.len())?;
    }
    let mut people = Vec::with_capacity(weighed.len());
    let progress = &inner.progress;
    for (subject, _, _, known, failed, changed, person) in weighed {
        let mark = &mut tally.marks[subject.index()];
        if *mark == 0 {
            progress.scored.fetch_add(1, Ordering::Relaxed);
        }
        *mark = WEIGHED;
        for (holds, bit) in [(changed, CHANGED), (failed.is_some(), FAILED), (known, RESUMED)] {
            *mark |= if holds { bit } else { 0 };
        }
        if let Some(fault) = failed {
            tally.failures.push(RescoreFailure { subject_id: subject.0, reason: fault.to_string() });
        }
        people.push(person);
    }
    Ok(people)
}

/// Whether somebody stands otherwise.
fn differs(before: &Row, after: &Row) -> bool {
    let points = |row: &Row| [row.threat, row.risk, row.harm];
    let composed = |row: &Row, family| {
        let composed = row.composed(family);
        (composed.point, composed.effective)
    };
    points(before) != points(after)
        || [Family::Cohort, Family::Outstanding]
            .into_iter()
            .any(|family| composed(before, family) != composed(after, family))
}

fn wanted(inner: &Inner, run: &Run) -> Result<(), Stopped> {
    if inner.stopping() {
        return Err(Stopped::Interrupted);
    }
    match inner.cancelled(run) {
        Some(reason) => Err(Stopped::Cancelled(reason)),
        None => Ok(()),
    }
}

fn count(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

fn subject(index: usize) -> SubjectId {
    SubjectId(u32::try_from(index).expect("a store must hold fewer than 2^32 subjects"))
}
