//! Weighing everybody anew on another day. A thread of its own, with the lowest
//! claim on the processor, weighs the newest standings on every core, keeps what
//! it weighed in a file as it goes, catches up with what was written meanwhile,
//! and hands the whole to the writer, which publishes it in one step. That a run
//! was begun and how it ended is in the ledger: a start takes up what goes on.
//!
//! Nothing here changes what a person is weighed by, and no reader waits for it.
//!
//! - [`runs`]: runs and generations, as the ledger tells of them
//! - [`target`]: the rules of a run, a policy that waits for it among them
//! - [`run`]: the thread; [`checkpoint`]: what it has weighed, over a kill
//! - [`publish`]: the writer's part
//! - [`generation`]: what was published, read back; [`replay`]: weighed again
//! - [`movement`]: who moved between two of them, and why; [`history`]: how one person stood in each
//! - [`retention`]: which generations are kept; [`schedule`]: when a run is due

pub mod blank;
pub mod checkpoint;
mod combination;
pub mod generation;
pub mod history;
pub mod movement;
pub mod publish;
pub mod replay;
pub mod retention;
mod run;
pub mod runs;
pub mod schedule;
mod sealed;
pub mod target;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

use jiff::Timestamp;
use uuid::Uuid;

use super::fault::Fault;
use super::mutation::{Mutation, MutationBody, content_digest};
use super::{Seen, Service};
use crate::access::Caller;
use crate::config;
use crate::domain::{Date, Revision};
use crate::pb;
use crate::store::archive::Archive;
use crate::store::pb::RescoreCounters;
use publish::RunStep;
use runs::{Run, RunId, RunState};

/// Dry runs that are remembered.
const DRY_RUNS: usize = 16;

/// A run's id as text.
pub fn text(id: &RunId) -> String {
    Uuid::from_bytes(*id).to_string()
}

/// The run id that a day's run has, wherever it is asked for.
pub fn id_of_day(as_of: Date) -> RunId {
    let name = format!("steelyard rescore {as_of}");
    *Uuid::new_v5(&Uuid::NAMESPACE_OID, name.as_bytes()).as_bytes()
}

/// One run as it is told.
#[derive(Clone, Debug)]
pub struct Told {
    /// The run.
    pub run: Run,
    /// Nothing is published.
    pub dry: bool,
    /// A dry run came to its end.
    pub completed: bool,
    /// References of those that could not be weighed, with the reason.
    pub failures: Vec<(String, String)>,
}

/// The runs of one store. Cheap to clone; [`stop`](Self::stop) ends the thread.
#[derive(Clone)]
pub struct Rescoring(Arc<Inner>);

struct Inner {
    service: Service,
    archive: Arc<Archive>,
    settings: config::Rescore,
    state: Mutex<State>,
    bell: Condvar,
    stopping: AtomicBool,
    progress: Progress,
    thread: Mutex<Option<JoinHandle<()>>>,
    replaying: AtomicBool,
    read: generation::Cache,
    /// Held while rows of erased people are blanked.
    blanking: Mutex<()>,
}

#[derive(Default)]
struct State {
    /// Told to look for work.
    rung: bool,
    /// The dry run that is wanted or goes on.
    dry: Option<RunId>,
    dry_runs: VecDeque<Told>,
    /// The attempt that is to be cancelled, and why.
    cancel: Option<(RunId, u32, String)>,
}

/// How far the run has come that is carried out.
#[derive(Debug, Default)]
struct Progress {
    universe: AtomicU32,
    scored: AtomicU32,
    changed: AtomicU32,
    failed: AtomicU32,
    resumed: AtomicU32,
}

impl Progress {
    fn reset(&self) {
        for count in [&self.universe, &self.scored, &self.changed, &self.failed, &self.resumed] {
            count.store(0, Ordering::Relaxed);
        }
    }

    /// Counts everybody once.
    fn settle(&self, marks: &[u8]) {
        let of = |bit: u8| u32::try_from(marks.iter().filter(|mark| **mark & bit != 0).count()).unwrap_or(u32::MAX);
        let failed = of(run::FAILED);
        self.failed.store(failed, Ordering::Relaxed);
        self.scored.store(of(run::WEIGHED) - failed, Ordering::Relaxed);
        self.changed.store(of(run::CHANGED), Ordering::Relaxed);
        self.resumed.store(of(run::RESUMED), Ordering::Relaxed);
    }

    fn counters(&self) -> RescoreCounters {
        let of = |count: &AtomicU32| count.load(Ordering::Relaxed);
        RescoreCounters {
            universe: of(&self.universe),
            scored: of(&self.scored),
            changed: of(&self.changed),
            failed: of(&self.failed),
            resumed: of(&self.resumed),
        }
    }
}

impl Rescoring {
    /// Takes up the run that goes on, and waits for others.
    ///
    /// # Errors
    /// The thread could not be started.
    pub fn start(service: Service, archive: Arc<Archive>, settings: config::Rescore) -> std::io::Result<Self> {
        let rescoring = Self(Arc::new(Inner {
            service,
            archive,
            settings,
            state: Mutex::new(State { rung: true, ..State::default() }),
            bell: Condvar::new(),
            stopping: AtomicBool::new(false),
            progress: Progress::default(),
            thread: Mutex::default(),
            replaying: AtomicBool::new(false),
            read: generation::Cache::default(),
            blanking: Mutex::new(()),
        }));
        let pool = run::pool().map_err(std::io::Error::other)?;
        let inner = Arc::clone(&rescoring.0);
        let thread = thread::Builder::new().name("rescore".to_owned()).spawn(move || run::run(&inner, &pool))?;
        *rescoring.0.thread.lock().unwrap_or_else(PoisonError::into_inner) = Some(thread);
        Ok(rescoring)
    }

    /// Begins a run, or gives the one of this id; with the revision at which the ledger says so, 0 for a dry run.
    ///
    /// # Errors
    /// [`Fault::RescoreRunning`], [`Fault::RequestIdReused`], a day that is not allowed, or what the writer says.
    pub async fn begin(
        &self,
        caller: &Caller,
        id: RunId,
        as_of: Option<Date>,
        dry: bool,
    ) -> Result<(Told, Revision), Fault> {
        let service = &self.0.service;
        let standings = service.standings(Seen::new(0, "")).await?;
        let today = Date::in_london(service.now());
        if let Some(known) = self.0.dry_run(&id) {
            let same = dry && as_of.is_none_or(|as_of| known.run.as_of == as_of);
            return if same { Ok((known, Revision(0))) } else { Err(Fault::RequestIdReused) };
        }
        let known = service.board.runs().get(&id).cloned();
        if dry {
            let as_of = as_of.unwrap_or(today);
            if known.is_some() {
                return Err(Fault::RequestIdReused);
            }
            if let Some(refused) = publish::refused(as_of, Some(standings.as_of()), today) {
                return Err(refused);
            }
            return Ok((self.0.begin_dry(caller, id, as_of)?, Revision(0)));
        }
        // Asked again without a day, the day is the run's: a night may have passed.
        let as_of = as_of.unwrap_or_else(|| known.as_ref().map_or(today, |run| run.as_of));
        let goes_on = known.is_some_and(|run| !matches!(run.state, RunState::Ended { .. }));
        if let Some(other) = self.0.state().dry.filter(|_| !goes_on) {
            return Err(Fault::RescoreRunning(text(&other)));
        }
        let body = MutationBody::Run(RunStep::Start { id, as_of });
        let digest = content_digest("StartRescore", &pb::StartRescoreRequest::default());
        let answer = service.change(Mutation { caller: caller.clone(), request_id: id, digest, body }).await?;
        self.0.ring();
        let run = self.get(&id).ok_or(Fault::Internal)?;
        Ok((run, answer.revision))
    }

    /// A run as it is now.
    pub fn get(&self, id: &RunId) -> Option<Told> {
        if let Some(dry) = self.0.dry_run(id) {
            return Some(dry);
        }
        let run = self.0.service.board.runs().get(id).cloned();
        run.map(|run| self.told(run))
    }

    /// Runs that the ledger tells of, the newest first, a page at a time.
    ///
    /// # Errors
    /// Faults of the token.
    pub fn page_of_runs(&self, caller: &Caller, token: &str, size: usize) -> Result<(Vec<Told>, String), Fault> {
        let runs = self.0.service.board.runs();
        let all = runs.newest_first().into_iter().map(|run| (run.revision.0, run));
        let (page, next) = self.page_of(caller, "ListRescoreRuns", token, size, all)?;
        Ok((page.into_iter().map(|run| self.told(run.clone())).collect(), next))
    }

    /// A page of what is numbered, the highest number first, and the token of the next: what is added meanwhile comes before.
    fn page_of<T>(
        &self,
        caller: &Caller,
        of: &str,
        token: &str,
        size: usize,
        all: impl Iterator<Item = (u64, T)>,
    ) -> Result<(Vec<T>, String), Fault> {
        let (paging, arguments) = (&self.0.service.paging, blake3::hash(of.as_bytes()));
        let below = paging.read_lasting_pair(token, caller, arguments.as_bytes())?.map(|(number, _)| number);
        let mut rest = all.filter(|(number, _)| below.is_none_or(|below| *number < below)).peekable();
        let page: Vec<(u64, T)> = rest.by_ref().take(size).collect();
        let next = match (page.last(), rest.peek()) {
            (Some((last, _)), Some(_)) => paging.lasting_pair_token((*last, 0), caller, arguments.as_bytes()),
            _ => String::new(),
        };
        Ok((page.into_iter().map(|(_, item)| item).collect(), next))
    }

    fn told(&self, mut run: Run) -> Told {
        let board = &self.0.service.board;
        let standings = board.standings();
        // The ledger says so a moment before anybody can see it: whoever hears of a publication finds it.
        if let RunState::Published(number) = run.state
            && let Some(generation) = board.runs().generation(number)
            && standings.as_ref().is_some_and(|standings| standings.revision() < generation.published)
        {
            (run.state, run.ended_micros) = (RunState::Running, 0);
        }
        if run.state == RunState::Running {
            run.counters = self.0.progress.counters();
        }
        let reference = |subject: u32| {
            let dossier = standings.as_ref()?.dossier(crate::domain::SubjectId(subject))?;
            Some(dossier.subject_ref().to_owned())
        };
        let failures = run.failures.iter();
        let failures =
            failures.map(|one| (reference(one.subject_id).unwrap_or_default(), one.reason.clone())).collect();
        Told { run, dry: false, completed: false, failures }
    }

    /// Cancels a run; one that has ended stays as it is.
    ///
    /// # Errors
    /// [`Fault::UnknownRun`].
    pub fn cancel(&self, id: &RunId, reason: &str) -> Result<Told, Fault> {
        let told = self.get(id).ok_or(Fault::UnknownRun)?;
        if told.run.state == RunState::Running && !told.completed {
            self.0.state().cancel = Some((*id, told.run.attempt, reason.to_owned()));
            self.0.ring();
        }
        self.get(id).ok_or(Fault::UnknownRun)
    }

    /// Asks the thread to end. A run that goes on is taken up at the next start.
    pub fn give_up(&self) {
        self.0.stopping.store(true, Ordering::Relaxed);
        self.0.ring();
    }

    /// Ends the thread as [`give_up`](Self::give_up), and blocks until it has ended.
    pub fn stop(&self) {
        self.give_up();
        let thread = self.0.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(Err(_)) = thread.map(JoinHandle::join) {
            // The panic itself was logged where it happened.
            tracing::warn!("runs had ended before the server");
        }
    }

    /// Whether it is to end.
    pub fn stopping(&self) -> bool {
        self.0.stopping()
    }

    /// Lets go of generations that nobody has asked for in a while. To be called now and then.
    pub fn tend(&self) {
        self.0.read.tend();
    }

    /// The use cases that runs are made of.
    pub fn service(&self) -> &Service {
        &self.0.service
    }
}

impl Inner {
    /// A panic of the thread leaves what is known of runs as it was.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn stopping(&self) -> bool {
        self.stopping.load(Ordering::Relaxed)
    }

    fn ring(&self) {
        self.state().rung = true;
        self.bell.notify_all();
    }

    /// Waits until there may be something to do, or for so long.
    fn wait(&self, time: std::time::Duration) {
        let waiting = self.bell.wait_timeout_while(self.state(), time, |state| !state.rung && !self.stopping());
        waiting.unwrap_or_else(PoisonError::into_inner).0.rung = false;
    }

    /// Why this attempt is to be cancelled, if it is.
    fn cancelled(&self, run: &Run) -> Option<String> {
        let state = self.state();
        let wanted = state.cancel.as_ref().filter(|(id, attempt, _)| *id == run.id && *attempt == run.attempt);
        wanted.map(|(_, _, reason)| reason.clone())
    }

    fn dry_run(&self, id: &RunId) -> Option<Told> {
        let state = self.state();
        let mut told = state.dry_runs.iter().find(|told| told.run.id == *id).cloned()?;
        if state.dry == Some(*id) {
            told.run.counters = self.progress.counters();
        }
        Some(told)
    }

    fn begin_dry(&self, caller: &Caller, id: RunId, as_of: Date) -> Result<Told, Fault> {
        let mut state = self.state();
        let running = self.service.board.runs().running().map(|run| run.id);
        if let Some(other) = running.or(state.dry) {
            return Err(Fault::RescoreRunning(text(&other)));
        }
        let run = Run {
            id,
            attempt: 1,
            as_of,
            state: RunState::Running,
            counters: RescoreCounters::default(),
            failures: Vec::new(),
            started_micros: self.service.now().as_microsecond(),
            ended_micros: 0,
            actor: caller.actor.clone(),
            revision: Revision(0),
        };
        let told = Told { run, dry: true, completed: false, failures: Vec::new() };
        state.dry = Some(id);
        if state.dry_runs.len() == DRY_RUNS {
            state.dry_runs.pop_front();
        }
        state.dry_runs.push_back(told.clone());
        drop(state);
        self.ring();
        Ok(told)
    }

    /// What became of the dry run.
    fn end_dry(&self, id: &RunId, change: impl FnOnce(&mut Told)) {
        let now: Timestamp = self.service.now();
        let mut state = self.state();
        (state.dry, state.cancel) = (None, None);
        if let Some(told) = state.dry_runs.iter_mut().find(|told| told.run.id == *id) {
            told.run.ended_micros = now.as_microsecond();
            change(told);
        }
    }
}
