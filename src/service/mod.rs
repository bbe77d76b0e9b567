//! Use cases. [`Service`] is what the edges call: it queues changes for the
//! single [`writer`] and answers reads from the newest standings. Time enters
//! here, and only here.

pub mod anchor;
#[cfg(test)]
mod anchor_tests;
pub mod board;
mod bound;
#[cfg(test)]
mod bound_tests;
pub mod changes;
pub mod erasure;
pub mod evaluating;
mod execute;
pub mod expiry;
pub mod fault;
#[cfg(test)]
pub mod faulty;
pub mod group;
pub mod harm_ranks;
pub mod held;
pub mod judge;
pub mod keeping;
pub mod life;
pub mod mark;
pub mod moves;
pub mod mutation;
pub mod note;
mod noting;
mod observed;
pub mod outage;
#[cfg(test)]
mod outage_tests;
pub mod oversight;
pub mod paging;
pub mod policies;
pub mod ranked;
pub mod record;
#[cfg(test)]
mod replay_tests;
pub mod rescore;
pub mod scorer;
mod seeing;
pub mod start;
pub mod state;
mod traced;
pub mod verify;
pub mod victim;
pub mod views;
pub mod watch;
pub mod watched;
mod weighing;
pub mod writer;

use std::panic::{self, AssertUnwindSafe};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::{Semaphore, mpsc, oneshot};
use tracing::{error, warn};

use crate::domain::evidence::Other;
use crate::domain::retention::Periods;
use crate::domain::word::List;
use crate::domain::{Date, Revision};
use crate::pb;
use crate::policy::Policy;
use crate::ranking::Standings;
use crate::ranking::pins::{Holder, PinId};
use crate::ranking::retire::Retirement;
use crate::reference;
use crate::store::{Head, Store};
use anchor::Anchoring;
use board::{Board, Condition};
use fault::Fault;
use harm_ranks::HarmRanks;
use life::retention::Retention;
use mark::Mark;
pub use mark::Seen;
use mutation::{Answer, Mutation, Queued, Stream};
use outage::{Halt, Pace};
use oversight::gaps::Gaps;
use paging::Paging;
use start::StartError;
use writer::{Now, OwnChange, Writer};

/// Requests that may wait for the writer.
const QUEUE: usize = 256;
/// Record reads that may block at once.
const BLOCKING_READS: usize = 4;
/// Longest wait for a `min_revision`.
const REVISION_WAIT: Duration = Duration::from_secs(5);

/// What the service is started with.
pub struct Options {
    /// Day to weigh on from now on. `None`: what the ledger says; today in London on a new store.
    pub as_of: Option<Date>,
    /// Text of a policy to bring into force. `None`: what the ledger says; the reference policy on a new store.
    pub policy: Option<String>,
    /// How long after the start of `as_of` answers are stale.
    pub stale_after: Duration,
    /// Most snapshots kept for pages.
    pub page_pins: usize,
    /// The time.
    pub now: Now,
}

/// Why the service cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartFault {
    /// The store cannot be read.
    #[error(transparent)]
    Store(#[from] StartError),
    /// The policy does not validate: everything wrong with it.
    #[error("the policy does not validate:\n{}", .0.join("\n"))]
    Policy(Vec<String>),
    /// The first events could not be written.
    #[error("the ledger did not take the policy or the day: {0}")]
    Write(#[from] Fault),
    /// The disk has no room for the first events.
    #[error("the disk is full, so the ledger did not take the policy or the day asked for: free space and start again")]
    Full,
    /// Writing them failed.
    #[error(transparent)]
    Halted(Halt),
    /// The writer's thread could not be started.
    #[error("the writer's thread could not be started: {0}")]
    Thread(#[from] std::io::Error),
}

/// The use cases. Cheap to clone; the writer stops when the last clone is gone.
#[derive(Clone)]
pub struct Service {
    board: Arc<Board>,
    store: Arc<dyn Store>,
    queue: mpsc::Sender<Queued>,
    paging: Arc<Paging>,
    gaps: Arc<Gaps>,
    retention: Arc<Retention>,
    anchoring: Arc<Anchoring>,
    mark: Arc<Mark>,
    streams: watch::Streams,
    watched: watched::Watched,
    blocking: Arc<Semaphore>,
    simulating: Arc<Semaphore>,
    evaluating: Arc<Semaphore>,
    kept: Arc<evaluating::kept::Kept>,
    harm: Arc<HarmRanks>,
    stale_after: Duration,
    now: Now,
}

/// The writer's thread, and where the ledger stood when it started.
pub struct Started {
    /// The use cases.
    pub service: Service,
    /// Ends when the last clone of the service is gone and everything queued is answered; before that only with the
    /// reason why it stopped for good. It never ends in a panic.
    pub writer: JoinHandle<Result<(), Halt>>,
    /// Where the ledger stands.
    pub head: Head,
}

impl Service {
    /// Reads the store, brings policy and day into force where asked or missing, puts up the first standings and
    /// starts the writer. Blocks.
    ///
    /// # Errors
    /// See [`StartFault`].
    pub fn start(store: Arc<dyn Store>, options: Options) -> Result<Started, StartFault> {
        Self::start_paced(store, options, Pace::default())
    }

    /// As [`start`](Self::start), with another pace of looking at the disk.
    ///
    /// # Errors
    /// See [`StartFault`].
    pub fn start_paced(store: Arc<dyn Store>, options: Options, pace: Pace) -> Result<Started, StartFault> {
        let (head, state) = start::read(&*store, reference::tables())?;
        Self::start_at(start::Opened { store, head, state }, options, pace)
    }

    /// As [`start`](Self::start), from a store that was opened and read.
    ///
    /// # Errors
    /// See [`StartFault`].
    pub fn start_from(opened: start::Opened, options: Options) -> Result<Started, StartFault> {
        Self::start_at(opened, options, Pace::default())
    }

    fn start_at(opened: start::Opened, options: Options, pace: Pace) -> Result<Started, StartFault> {
        let start::Opened { store, head, state } = opened;
        erasure::complete(&*store)?;
        let retirement = Retirement::start();
        let board = Arc::new(Board::new(retirement.clone()));
        let changes = own_changes(&state, &options)?;
        let mut writer = Writer::new(Arc::clone(&store), state, head, Arc::clone(&board), Arc::clone(&options.now))?;
        let anchoring = Arc::<Anchoring>::default();
        writer = writer.paced(pace).anchoring(Arc::clone(&anchoring));
        let written = changes.into_iter().try_for_each(|change| writer.change(change));
        written.and_then(|()| writer.publish_all()).map_err(|fault| match (writer.halt.take(), fault) {
            (Some(halt), _) => StartFault::Halted(halt),
            (None, Fault::ReadOnly) => StartFault::Full,
            (None, fault) => StartFault::Write(fault),
        })?;
        let (queue, waiting) = mpsc::channel(QUEUE);
        let head = writer.head();
        let clock = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
        let watched = Arc::clone(&board);
        let writer = thread::Builder::new().name("writer".to_owned()).spawn(move || {
            // Nothing of the writer is used again after a panic: only that it is gone has to be told.
            let ended = panic::catch_unwind(AssertUnwindSafe(move || writer.run(&clock, waiting)));
            ended.unwrap_or_else(|_| {
                error!("the writer ended in a panic: nothing more is acknowledged");
                watched.set_condition(Condition::Stopped);
                Err(Halt::Panicked)
            })
        })?;
        let service = Self {
            mark: Arc::new(Mark::of(store.identity())),
            paging: Arc::new(Paging::new(store.identity(), options.page_pins, retirement)),
            gaps: Arc::default(),
            retention: Arc::new(Retention::new(Periods::PUBLISHED)),
            anchoring,
            streams: watch::Streams::default(),
            watched: watched::Watched::default(),
            board,
            store,
            queue,
            blocking: Arc::new(Semaphore::new(BLOCKING_READS)),
            simulating: Arc::new(Semaphore::new(1)),
            evaluating: Arc::new(Semaphore::new(1)),
            kept: Arc::default(),
            harm: Arc::default(),
            stale_after: options.stale_after,
            now: options.now,
        };
        Ok(Started { service, writer, head })
    }

    /// Queues a change and waits until it is durable and visible.
    ///
    /// # Errors
    /// [`Fault::OutOfScope`] about somebody whom the caller may not see, what the writer found, or [`Fault::QueueFull`].
    pub async fn change(&self, mutation: Mutation) -> Result<Answer, Fault> {
        self.admit(&mutation)?;
        let (look, about) = (Arc::clone(&mutation.caller.look), mutation.about());
        let (reply, answer) = oneshot::channel();
        let answer = match self.queue.try_send(Queued::new(mutation, reply, None)) {
            Ok(()) => self.reply(answer).await,
            Err(mpsc::error::TrySendError::Full(_)) => Err(Fault::QueueFull),
            Err(mpsc::error::TrySendError::Closed(_)) => Err(Fault::ShuttingDown),
        }?;
        look.written(self.written(&about, &answer));
        Ok(answer)
    }

    /// As [`change`](Self::change), for a thread that may block; waits for a place in the queue.
    ///
    /// # Errors
    /// What the writer found.
    pub fn change_blocking(&self, mutation: Mutation) -> Result<Answer, Fault> {
        let (reply, answer) = oneshot::channel();
        let queued = Queued::new(mutation, reply, None);
        self.queue.blocking_send(queued).map_err(|_| Fault::ShuttingDown)?;
        answer.blocking_recv().unwrap_or(Err(Fault::ShuttingDown))
    }

    /// Queues a change of an import, waiting for a place: the stream's own flow control holds its sender back. Once one
    /// change of the stream is refused, so are all behind it.
    ///
    /// # Errors
    /// [`Fault::OutOfScope`] about somebody whom the caller may not see, or [`Fault::ShuttingDown`].
    pub async fn queue(
        &self,
        stream: &Stream,
        mutation: Mutation,
    ) -> Result<oneshot::Receiver<Result<Answer, Fault>>, Fault> {
        self.admit(&mutation)?;
        let (reply, answer) = oneshot::channel();
        let stream = Some(stream.clone());
        self.queue.send(Queued::new(mutation, reply, stream)).await.map_err(|_| Fault::ShuttingDown)?;
        Ok(answer)
    }

    /// Waits for the answer to a queued change.
    ///
    /// # Errors
    /// What the writer found.
    pub async fn reply(&self, answer: oneshot::Receiver<Result<Answer, Fault>>) -> Result<Answer, Fault> {
        answer.await.unwrap_or(Err(Fault::ShuttingDown))
    }

    /// The newest standings, at the revision seen or later.
    ///
    /// # Errors
    /// [`Fault::StoreRestored`] or [`Fault::AnotherStore`] where that was not seen in this store as it is now,
    /// [`Fault::NoActivePolicy`], or [`Fault::RevisionNotReached`] after five seconds.
    pub async fn standings(&self, seen: Seen<'_>) -> Result<Arc<Standings>, Fault> {
        self.mark.admits(seen.store)?;
        let newest = self.board.standings().ok_or(Fault::NoActivePolicy)?;
        if newest.revision().0 >= seen.revision {
            return Ok(newest);
        }
        let mut revisions = self.board.revisions();
        let reached = revisions.wait_for(|revision| revision.0 >= seen.revision);
        match tokio::time::timeout(REVISION_WAIT, reached).await {
            Ok(Ok(_)) => self.board.standings().ok_or(Fault::NoActivePolicy),
            Ok(Err(_)) | Err(_) => Err(Fault::RevisionNotReached),
        }
    }

    /// The newest standings; `None` before there is a policy.
    pub fn newest(&self) -> Option<Arc<Standings>> {
        self.board.standings()
    }

    /// What an answer from these standings says of itself.
    pub fn context(&self, standings: &Standings) -> pb::ReadContext {
        let meta = standings.meta();
        pb::ReadContext {
            revision: meta.revision.0,
            as_of: meta.as_of.to_string(),
            policy_version: meta.rules.policy.version.clone(),
            generation: meta.generation,
            published_time: Some(timestamp(meta.published)),
            stale: self.stale(meta.as_of),
            store: self.mark.to_string(),
        }
    }

    /// The pin under which the pages of these standings are read on.
    pub fn pages_of(&self, standings: &Arc<Standings>) -> Option<PinId> {
        self.paging.pin_of(standings)
    }

    /// Whether whoever holds a page of a snapshot can still read the next.
    pub fn pages_on(&self, pin: PinId, holder: Holder) -> bool {
        self.paging.prolong(pin, holder)
    }

    /// Whether lists weighed on a day are older than allowed.
    pub fn stale(&self, as_of: Date) -> bool {
        !self.stale_by(as_of).is_zero()
    }

    /// By how much lists weighed on a day are older than allowed.
    fn stale_by(&self, as_of: Date) -> Duration {
        let age = (self.now)().duration_since(as_of.london_midnight());
        Duration::try_from(age).unwrap_or_default().saturating_sub(self.stale_after)
    }

    /// Now.
    pub fn now(&self) -> Timestamp {
        (self.now)()
    }

    /// Now, in the contract.
    pub fn instant(&self) -> pbjson_types::Timestamp {
        timestamp((self.now)())
    }

    /// Refuses to withdraw as an override what is none. A record that is gone already is left for the writer to tell of.
    ///
    /// # Errors
    /// [`Fault::UnknownRecord`], or [`Fault::NoActivePolicy`].
    pub async fn withdrawable_override(&self, mutation: &Mutation) -> Result<(), Fault> {
        let mutation::MutationBody::Withdraw { subject_ref, record_id, .. } = &mutation.body else { return Ok(()) };
        let standings = self.standings(Seen::new(0, "")).await?;
        self.admit(mutation)?;
        let dossier = standings.find(subject_ref).and_then(|subject| standings.dossier(subject));
        let held = dossier.and_then(|dossier| dossier.others().iter().find(|filed| *filed.id == **record_id));
        let other = dossier.is_some_and(|dossier| dossier.revision_of(record_id).is_some());
        match held {
            Some(filed) if matches!(filed.kind, Other::BandOverride(_)) => Ok(()),
            None if !other => Ok(()),
            Some(_) | None => Err(Fault::UnknownRecord),
        }
    }

    /// Tells whether writes are taken, and of every change. Ends with the service.
    pub fn conditions(&self) -> tokio::sync::watch::Receiver<Condition> {
        self.board.conditions()
    }

    /// Lets go of snapshots whose page tokens have expired. To be called now and then.
    pub fn tend(&self) {
        let newest = self.board.standings();
        if let Some(newest) = &newest {
            self.paging.sweep(newest);
        }
        self.gaps.sweep();
        self.retention.sweep(newest.as_ref());
    }
}

/// An instant in the contract, where a part of a second counts forwards before 1970 too.
pub fn timestamp(instant: Timestamp) -> pbjson_types::Timestamp {
    let (seconds, nanos) = (instant.as_second(), instant.subsec_nanosecond());
    if nanos < 0 {
        return pbjson_types::Timestamp { seconds: seconds - 1, nanos: nanos + 1_000_000_000 };
    }
    pbjson_types::Timestamp { seconds, nanos }
}

/// Lists, the most specific first: the order in which a person's standings are told.
pub const SPECIFIC_FIRST: [List; 9] = [
    List::Recalls,
    List::Warrants,
    List::BailFailed,
    List::Wanted,
    List::Outstanding,
    List::Children,
    List::Cohort,
    List::Candidates,
    List::All,
];

/// Policy and day to bring into force at start: those asked for that differ, and those missing.
fn own_changes(state: &state::State, options: &Options) -> Result<Vec<OwnChange>, StartFault> {
    let mut changes = Vec::new();
    let text = match (&options.policy, state.rules()) {
        (Some(text), _) => Some(text.as_str()),
        (None, None) => Some(Policy::default_text()),
        // The same policy over other tables weighs otherwise: that is an event like any change of policy.
        (None, Some(_)) => state.policy_over_other_tables(),
    };
    if let Some(text) = text {
        let policy = Policy::parse(text)
            .map_err(|violations| StartFault::Policy(violations.iter().map(ToString::to_string).collect()))?;
        let held = state.rules().map(|rules| &rules.policy);
        if held.is_some_and(|held| held.version == policy.version && *held != policy) {
            return Err(StartFault::Policy(vec![format!(
                "version: {} is in force with other numbers; a policy that differs needs a version of its own",
                policy.version
            )]));
        }
        let known = state.policies().get(&policy.version);
        let same = known.and_then(|known| Policy::parse(&known.text).ok());
        if same.is_some_and(|known| known != policy) {
            return Err(StartFault::Policy(vec![format!(
                "version: {} is known with other numbers; a policy that differs needs a version of its own",
                policy.version
            )]));
        }
        if known.is_some() && held.is_some_and(|held| held.version != policy.version) {
            // Drafted, or in force before: a start with old settings must not undo what two people decided.
            warn!(
                policy = %policy.version,
                "the policy of the settings is known and not in force, and stays so: approve and activate it instead"
            );
        } else if held != Some(&policy) || state.policy_over_other_tables().is_some() {
            changes.push(OwnChange::Policy { version: policy.version, text: text.to_owned() });
        }
    }
    let as_of = match (options.as_of, state.as_of()) {
        // A start with old settings must not undo the nights since.
        (Some(asked), Some(held)) if asked < held && !state.runs().generations().is_empty() => {
            warn!(as_of = %asked, held = %held, "the day of the settings is over: lists stay on the day of the last run");
            None
        }
        (Some(asked), held) if held != Some(asked) => Some(asked),
        (None, None) => Some(Date::in_london((options.now)())),
        (Some(_) | None, _) => None,
    };
    let today = Date::in_london((options.now)());
    if let Some(ahead) = as_of.filter(|as_of| *as_of > today) {
        warn!(as_of = %ahead, "lists are weighed on a day that has not come: everything fades up to then");
    }
    changes.extend(as_of.map(OwnChange::AsOf));
    Ok(changes)
}

/// The newest revision that anything held of a person rests on: their etag.
pub fn etag(revision: Revision) -> String {
    revision.to_string()
}
