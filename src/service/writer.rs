//! The one writer. It alone owns the state and appends to the store: it drains
//! what waits, judges each request against what is held, commits the group,
//! publishes the new standings, and only then acknowledges.

use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use metrics::{Histogram, histogram};
use tokio::runtime::Runtime;
use tokio::sync::mpsc;
use tracing::{debug, warn};

use super::anchor::Anchoring;
use super::board::Board;
use super::expiry::Expiry;
use super::fault::Fault;
use super::group::{BuildError, Building, GROUP_EVENTS};
use super::mutation::{MutationBody, Queued};
use super::outage::{Backoff, Halt, Pace};
use super::rescore::target;
use super::start::StartError;
use super::state::{State, Touched};
use super::traced::Following;
use crate::access::Caller;
use crate::domain::{Date, SubjectId};
use crate::store::pb::AsOfMoved;
use crate::store::pb::event::Body;
use crate::store::{AppendError, Group, Head, NoRoom, Store, StoreError, ViewKey};
use crate::telemetry::metrics::{WRITER_COMMIT_SECONDS, WRITER_GROUP, float};
use crate::telemetry::trace::timed;

/// Most requests in one group.
const GROUP_REQUESTS: usize = 256;

/// Where the writer takes the time from.
pub type Now = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// The writer.
pub struct Writer {
    pub(super) store: Arc<dyn Store>,
    pub(super) state: State,
    pub(super) head: Head,
    pub(super) board: Arc<Board>,
    pub(super) now: Now,
    pub(super) expiry: Expiry,
    pub(super) pace: Pace,
    /// The disk has too little room: writes are refused, nothing else is wrong.
    pub(super) low: Option<NoRoom>,
    /// A write found the disk full: when to open the store again. The state is not to be trusted until then.
    pub(super) read_only: Option<Instant>,
    pub(super) backoff: Backoff,
    /// Why nothing is ever written again by this process.
    pub(super) halt: Option<Halt>,
    /// No event is stamped before this, whatever the clock says: what was known by a moment that has passed must never
    /// change. Microseconds since 1970.
    pub(super) stamped: i64,
    /// The day or the policy moved since alignment was noted.
    pub(super) moved: bool,
    /// The audit, whose head goes into the ledger.
    pub(super) anchoring: Arc<Anchoring>,
    /// When its head was looked at last.
    pub(super) anchored: Instant,
    /// People whose erasure is staged: their keys are destroyed once it is kept.
    pub(super) erasing: Vec<SubjectId>,
    grouped: Histogram,
    committed: Histogram,
}

/// A change that the service makes by itself, at start.
#[derive(Debug)]
pub enum OwnChange {
    /// The day on which lists are weighed moves.
    AsOf(Date),
    /// A policy comes into force.
    Policy {
        /// Its version.
        version: String,
        /// Its full text.
        text: String,
    },
}

impl Writer {
    /// A writer on a state that was read from `store` up to `head`. Takes expired answers out of the store.
    ///
    /// # Errors
    /// When the store cannot be read or written.
    pub fn new(
        store: Arc<dyn Store>,
        state: State,
        head: Head,
        board: Arc<Board>,
        now: Now,
    ) -> Result<Self, StartError> {
        let (expiry, gone) = Expiry::begin(&*store, head.revision, now())?;
        let stamped = store.event(head.revision)?.map_or(i64::MIN, |last| last.recorded_micros);
        let pace = Pace::default();
        let mut writer = Self {
            store,
            state,
            head,
            board,
            now,
            expiry,
            pace,
            low: None,
            read_only: None,
            backoff: Backoff::new(pace),
            halt: None,
            stamped,
            moved: false,
            anchoring: Arc::default(),
            anchored: Instant::now(),
            erasing: Vec::new(),
            grouped: histogram!(WRITER_GROUP),
            committed: histogram!(WRITER_COMMIT_SECONDS),
        };
        writer.look();
        // What expired is passed over whether it is still there or not: on a disk that is low it can stay.
        if writer.low.is_none() {
            for keys in gone.chunks(GROUP_EVENTS) {
                match writer.store.append(&writer.head, &removal(keys)) {
                    Ok(_) => {}
                    Err(AppendError::Full | AppendError::ReadOnly) => {
                        writer.fill();
                        break;
                    }
                    Err(fault) => return Err(fault.into()),
                }
            }
        }
        Ok(writer)
    }

    /// Looks at the disk, and tries a full store again, at another pace.
    #[must_use]
    pub const fn paced(mut self, pace: Pace) -> Self {
        self.pace = pace;
        self.backoff = Backoff::new(pace);
        self
    }

    /// Writes the head of this audit down.
    #[must_use]
    pub(super) fn anchoring(mut self, anchoring: Arc<Anchoring>) -> Self {
        self.anchoring = anchoring;
        self
    }

    /// Where the ledger stands.
    pub fn head(&self) -> Head {
        self.head
    }

    /// Works until every sender of the queue is gone, then leaves the store in order. `clock` keeps the time between
    /// two looks at the disk.
    ///
    /// # Errors
    /// Why it stopped before that. Whoever waited has been turned away.
    pub fn run(mut self, clock: &Runtime, mut queue: mpsc::Receiver<Queued>) -> Result<(), Halt> {
        let mut waiting = Vec::with_capacity(GROUP_REQUESTS);
        while self.halt.is_none() {
            match next(clock, &mut queue, self.pace.look) {
                Ok(first) => waiting.push(first),
                Err(Waited::Quiet) => {
                    self.look();
                    self.anchoring.look((self.now)());
                    self.anchor();
                    continue;
                }
                Err(Waited::Gone) => break,
            }
            while waiting.len() < GROUP_REQUESTS
                && let Ok(next) = queue.try_recv()
            {
                waiting.push(next);
            }
            self.serve(&mut waiting);
            self.expire();
            self.anchoring.look((self.now)());
            self.anchor();
        }
        let Some(halt) = self.halt else { return Ok(()) };
        queue.close();
        while let Ok(queued) = queue.try_recv() {
            queued.tell(Err(Fault::ShuttingDown));
        }
        Err(halt)
    }

    /// Takes a few expired answers out of the store. What cannot be done now is done later.
    fn expire(&mut self) {
        if self.closed().is_some() || self.low.is_some() {
            return;
        }
        match self.expiry.due(&*self.store, self.head.revision, (self.now)()) {
            Ok(gone) if gone.is_empty() => {}
            Ok(gone) => {
                let appended = self.store.append(&self.head, &removal(&gone));
                if let Err(fault) = appended {
                    self.failed(fault);
                }
            }
            Err(fault) => warn!(fault = %fault, "expired answers could not be found"),
        }
    }

    /// What everybody is told while nothing can be judged.
    pub(super) fn closed(&self) -> Option<Fault> {
        if self.halt.is_some() { Some(Fault::ShuttingDown) } else { self.read_only.map(|_| Fault::ReadOnly) }
    }

    /// Serves what waits in as few groups as the size of a group allows.
    fn serve(&mut self, waiting: &mut Vec<Queued>) {
        let alone = |queued: &Queued| matches!(queued.mutation.body, MutationBody::Publish(_));
        let mut rest = waiting.drain(..).peekable();
        while rest.peek().is_some() {
            self.look();
            if let Some(refusal) = self.closed() {
                rest.for_each(|queued| queued.tell(Err(refusal.clone())));
                return;
            }
            if let Some(queued) = rest.next_if(alone) {
                let published = self.publish_run(&queued.mutation);
                queued.tell(published);
                continue;
            }
            let store = Arc::clone(&self.store);
            let now = self.stamp();
            let mut group = Building::new(&*store, self.head.revision, self.state.next_subject(), now.as_microsecond());
            let mut touched = Touched::default();
            let mut answers = Vec::new();
            let mut following = Following::default();
            while !group.is_full()
                && let Some(queued) = rest.next_if(|queued| !alone(queued))
            {
                let taken = following.taken(&queued);
                let outcome = match queued.ended() {
                    Some(refusal) => Err(refusal),
                    None => queued.note(self.execute(&queued.mutation, &mut group, &mut touched, now)),
                };
                if let Err(Fault::ReadOnly) = outcome
                    && self.read_only.is_none()
                {
                    self.fill_at_once();
                }
                following.judged(&queued, taken);
                answers.push((queued, outcome));
                if self.closed().is_some() {
                    break;
                }
            }
            self.grouped.record(float(answers.len() as u64));
            let committed = self.commit(group, touched, now).and_then(|()| self.destroy_erased());
            self.erasing.clear();
            following.end(answers.len(), self.head.revision);
            for (queued, outcome) in answers {
                let answer = match (&committed, outcome) {
                    (Ok(()), outcome) => outcome,
                    // Asking this one again would end as it did.
                    (Err(_), Err(Fault::Internal)) => Err(Fault::Internal),
                    (Err(fault), _) => Err(fault.clone()),
                };
                queued.tell(answer);
            }
        }
    }

    /// Now, and never before anything stamped earlier.
    pub(super) fn stamp(&mut self) -> Timestamp {
        let now = (self.now)();
        if now.as_microsecond() >= self.stamped {
            self.stamped = now.as_microsecond();
            return now;
        }
        Timestamp::from_microsecond(self.stamped).unwrap_or(now)
    }

    /// Makes a change of the service's own, at start. Nobody is weighed by it: see [`Self::publish_all`].
    ///
    /// # Errors
    /// When it cannot be committed.
    pub fn change(&mut self, change: OwnChange) -> Result<(), Fault> {
        let store = Arc::clone(&self.store);
        let now = self.stamp();
        let mut group = Building::new(&*store, self.head.revision, self.state.next_subject(), now.as_microsecond());
        let mut touched = Touched::default();
        let body = match change {
            OwnChange::AsOf(as_of) => Body::AsOfMoved(AsOfMoved { as_of: as_of.to_string() }),
            OwnChange::Policy { version, text } => Body::PolicyActivated(target::activated(&version, &text)),
        };
        self.push(&mut group, &mut touched, &Caller::service(), &[], None, body)?;
        self.moved = true;
        self.append(group)
    }

    /// Publishes the state as it stands, weighed in full: the first thing after a start. Bands and victims of people with
    /// open files that are not as the ledger noted them last are noted first: the day or the policy may have moved, or
    /// the process ended before it came to that.
    ///
    /// # Errors
    /// When they cannot be written.
    pub fn publish_all(&mut self) -> Result<(), Fault> {
        let mut touched = Touched { everyone: true, ..Touched::default() };
        self.state.settle(&mut touched);
        let weighing = Board::weigh(&self.state, &touched);
        self.note_everyone(&weighing)?;
        let now = self.stamp();
        self.board.publish(&self.state, &weighing, now);
        self.note_alignment()
    }

    /// Adds an event to the group and folds it in, so that the next request is judged on top of it.
    pub(super) fn push(
        &mut self,
        group: &mut Building<'_>,
        touched: &mut Touched,
        caller: &Caller,
        request_id: &[u8],
        subject: Option<SubjectId>,
        body: Body,
    ) -> Result<(), Fault> {
        let event = group.push(caller, request_id, subject, body);
        self.state.apply(event, touched).map_err(|fault| self.broke(&fault))
    }

    pub(super) fn fold_last(&mut self, group: &Building<'_>, touched: &mut Touched) -> Result<(), Fault> {
        let last = group.event(group.head()).map_err(|fault| self.unread(&fault))?;
        let last = last.expect("a group must hold its own head");
        self.state.apply(&last, touched).map_err(|fault| self.broke(&fault))
    }

    /// Weighs whoever the group touched, adds what is to be noted of them, commits it and shows it.
    pub(super) fn commit(
        &mut self,
        mut group: Building<'_>,
        mut touched: Touched,
        now: Timestamp,
    ) -> Result<(), Fault> {
        if let Some(refusal) = self.closed() {
            return Err(refusal);
        }
        if group.is_empty() {
            return Ok(());
        }
        let judged = Instant::now();
        self.state.settle(&mut touched);
        let weighing = timed("writer.weigh", || Board::weigh(&self.state, &touched));
        self.note(&mut group, &weighing)?;
        self.append(group)?;
        timed("writer.publish", || self.board.publish(&self.state, &weighing, now));
        self.committed.record(judged.elapsed().as_secs_f64());
        Ok(())
    }

    /// Commits a group.
    pub(super) fn append(&mut self, mut group: Building<'_>) -> Result<(), Fault> {
        let audit = self.anchoring.due(self.head.revision);
        if let Some(head) = audit {
            group.anchor(head);
        }
        let finished = match group.finish() {
            Ok(finished) => finished,
            Err(BuildError::Store(StoreError::Full)) => {
                self.fill_at_once();
                return Err(Fault::ReadOnly);
            }
            Err(fault @ (BuildError::Store(_) | BuildError::View(_) | BuildError::Unreadable(_))) => {
                self.inconsistent(&fault);
                return Err(Fault::ShuttingDown);
            }
        };
        let events = finished.events.len();
        match self.store.append(&self.head, &finished) {
            Ok(head) => {
                self.head = head;
                self.backoff.written();
                if let Some(audit) = audit {
                    self.anchoring.written(audit, head.revision);
                    self.anchored = Instant::now();
                }
            }
            Err(fault) => {
                self.failed(fault);
                // Not known whether it is kept, whatever comes of the store.
                return Err(Fault::ReadOnly);
            }
        }
        debug!(commit.events = events, commit.revision = self.head.revision.0, "committed");
        Ok(())
    }

    /// A write was not taken, or will not be: the state may be ahead of what is known to be kept.
    pub(super) fn failed(&mut self, fault: AppendError) {
        match fault {
            AppendError::Full | AppendError::ReadOnly => self.fill(),
            AppendError::Failed(StoreError::Full) => self.fill_at_once(),
            cause @ (AppendError::Conflict { .. } | AppendError::Unfit(_) | AppendError::Failed(_)) => {
                self.stop(Halt::Write { after: self.head.revision, cause });
            }
        }
    }

    /// What is kept could not be read while the state may be ahead of it.
    pub(super) fn unread(&mut self, fault: &StoreError) -> Fault {
        if let StoreError::Full = fault {
            self.fill_at_once();
            return Fault::ReadOnly;
        }
        self.broke(fault)
    }

    /// The state is ahead of the store: nothing more may be written by this process.
    pub(super) fn broke(&mut self, fault: &(impl std::fmt::Display + ?Sized)) -> Fault {
        self.inconsistent(fault);
        Fault::Internal
    }
}

/// Why nothing came from the queue.
enum Waited {
    /// Nobody asked anything for a while.
    Quiet,
    /// Nobody can ask anything more.
    Gone,
}

fn next(clock: &Runtime, queue: &mut mpsc::Receiver<Queued>, patience: Duration) -> Result<Queued, Waited> {
    // Under load something waits already, and no timer is needed.
    match queue.try_recv() {
        Ok(first) => return Ok(first),
        Err(mpsc::error::TryRecvError::Disconnected) => return Err(Waited::Gone),
        Err(mpsc::error::TryRecvError::Empty) => {}
    }
    match clock.block_on(async { tokio::time::timeout(patience, queue.recv()).await }) {
        Ok(next) => next.ok_or(Waited::Gone),
        Err(_) => Err(Waited::Quiet),
    }
}

fn removal(keys: &[ViewKey]) -> Group {
    Group { events: Vec::new(), views: keys.iter().map(|key| (*key, None)).collect() }
}
