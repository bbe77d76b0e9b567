//! The one writer. It alone owns the state and appends to the store: it drains
//! what waits, judges each request against what is held, commits the group,
//! publishes the new standings, and only then acknowledges.

use std::sync::Arc;

use jiff::Timestamp;
use tokio::sync::mpsc;
use tracing::{debug, error, warn};

use super::board::Board;
use super::expiry::{Expiry, expired};
use super::fault::Fault;
use super::group::{BuildError, Building};
use super::judge::{HeldVersion, Judge, Judgement};
use super::mutation::{Answer, Mutation, MutationBody, Queued, Records};
use super::start::StartError;
use super::state::{State, Touched};
use crate::access::Caller;
use crate::domain::{Date, Revision, SubjectId};
use crate::pb;
use crate::store::pb::event::Body;
use crate::store::pb::{AsOfMoved, EvidenceWithdrawn, EvidenceWritten, PolicyActivated, RequestAnswer};
use crate::store::{AppendError, Group, Head, Store, ViewKey};

/// Most requests in one group.
const GROUP_REQUESTS: usize = 256;
/// Events after which no further request joins a group. sled copies a node at every key it sets and frees none of the
/// copies before the batch ends: eight times as many events took 800 MB.
const GROUP_EVENTS: usize = 1_000;

/// Where the writer takes the time from.
pub type Now = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// The writer.
pub struct Writer {
    store: Arc<dyn Store>,
    state: State,
    head: Head,
    board: Arc<Board>,
    now: Now,
    expiry: Expiry,
    broken: bool,
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
        for keys in gone.chunks(GROUP_EVENTS) {
            store.append(&head, &removal(keys))?;
        }
        Ok(Self { store, state, head, board, now, expiry, broken: false })
    }

    /// Where the ledger stands.
    pub fn head(&self) -> Head {
        self.head
    }

    /// Works until every sender of the queue is gone, then leaves the store in order.
    pub fn run(mut self, mut queue: mpsc::Receiver<Queued>) {
        let mut waiting = Vec::with_capacity(GROUP_REQUESTS);
        while let Some(first) = queue.blocking_recv() {
            waiting.push(first);
            while waiting.len() < GROUP_REQUESTS
                && let Ok(next) = queue.try_recv()
            {
                waiting.push(next);
            }
            self.serve(&mut waiting);
            self.expire();
        }
    }

    /// Takes a few expired answers out of the store. What cannot be done now is done later.
    fn expire(&mut self) {
        if self.broken {
            return;
        }
        match self.expiry.due(&*self.store, self.head.revision, (self.now)()) {
            Ok(gone) if gone.is_empty() => {}
            Ok(gone) => {
                if let Err(fault) = self.store.append(&self.head, &removal(&gone)) {
                    self.broke(&fault);
                }
            }
            Err(fault) => warn!(fault = %fault, "expired answers could not be found"),
        }
    }

    /// Serves what waits in as few groups as the size of a group allows.
    fn serve(&mut self, waiting: &mut Vec<Queued>) {
        let mut rest = waiting.drain(..).peekable();
        while rest.peek().is_some() {
            if self.broken {
                rest.for_each(|queued| drop(queued.reply.send(Err(Fault::ReadOnly))));
                return;
            }
            let store = Arc::clone(&self.store);
            let now = (self.now)();
            let mut group = Building::new(&*store, self.head.revision, self.state.next_subject(), now.as_microsecond());
            let mut touched = Touched::default();
            let mut answers = Vec::new();
            while group.len() < GROUP_EVENTS
                && let Some(queued) = rest.next()
            {
                let outcome = self.execute(&queued.mutation, &mut group, &mut touched, now);
                answers.push((queued.reply, outcome));
                if self.broken {
                    break;
                }
            }
            let committed = self.commit(group, touched, now);
            for (reply, outcome) in answers {
                // A caller that went away has nobody to tell.
                drop(reply.send(committed.clone().and(outcome)));
            }
        }
    }

    /// Makes a change of the service's own, at start.
    ///
    /// # Errors
    /// When it cannot be committed.
    pub fn change(&mut self, change: OwnChange) -> Result<(), Fault> {
        let store = Arc::clone(&self.store);
        let now = (self.now)();
        let mut group = Building::new(&*store, self.head.revision, self.state.next_subject(), now.as_microsecond());
        let mut touched = Touched::default();
        let body = match change {
            OwnChange::AsOf(as_of) => Body::AsOfMoved(AsOfMoved { as_of: as_of.to_string() }),
            OwnChange::Policy { version, text } => Body::PolicyActivated(PolicyActivated {
                version,
                digest: blake3::hash(text.as_bytes()).as_bytes().to_vec(),
                text,
                tables_digest: self.state.tables().digest().to_vec(),
                engine_version: env!("CARGO_PKG_VERSION").to_owned(),
            }),
        };
        self.push(&mut group, &mut touched, &Caller::service(), &[], None, body)?;
        self.commit(group, touched, now)
    }

    /// Publishes the state as it stands, weighed in full: the first thing after a start.
    pub fn publish_all(&mut self) {
        let mut touched = Touched { everyone: true, ..Touched::default() };
        self.state.settle(&mut touched);
        self.board.publish(&self.state, &touched, (self.now)());
    }

    fn execute(
        &mut self,
        mutation: &Mutation,
        group: &mut Building<'_>,
        touched: &mut Touched,
        now: Timestamp,
    ) -> Result<Answer, Fault> {
        let repeated = group.answered(&mutation.caller, mutation.request_id).map_err(|fault| self.broke(&fault))?;
        if let Some(answer) = repeated.filter(|answer| !expired(answer.answered_micros, now)) {
            return again(&answer, mutation, group.head());
        }
        match &mutation.body {
            MutationBody::Write(records) => self.write(mutation, records, group, touched, now),
            MutationBody::Withdraw { subject_ref, record_id, reason, etag } => {
                self.withdraw(mutation, (subject_ref, record_id, reason, etag), group, touched)
            }
        }
    }

    fn write(
        &mut self,
        mutation: &Mutation,
        records: &Records,
        group: &mut Building<'_>,
        touched: &mut Touched,
        now: Timestamp,
    ) -> Result<Answer, Fault> {
        let judgements = self.judge(records, group, now)?;
        let refused: Vec<pb::Violation> = judgements
            .iter()
            .enumerate()
            .filter_map(|(place, judgement)| match judgement {
                Judgement::Refuse(violations) => Some((place, violations)),
                Judgement::Create | Judgement::Supersede(_) | Judgement::Unchanged(_) => None,
            })
            .flat_map(|(place, violations)| violations.iter().map(move |violation| within_record(place, violation)))
            .collect();
        if records.all_or_none && !records.validate_only && !refused.is_empty() {
            let stale = refused.iter().all(|violation| violation.reason == "ETAG_MISMATCH");
            return Err(if stale { Fault::EtagMismatch } else { Fault::Invalid(refused) });
        }
        let before = group.head();
        let mut verdicts = Vec::with_capacity(judgements.len());
        for (record, judgement) in records.records.iter().zip(judgements) {
            verdicts.push(self.carry_out(mutation, records.validate_only, record, judgement, group, touched)?);
        }
        let wrote = group.head() > before;
        let mut answer = Answer { revision: group.head(), verdicts };
        if !records.validate_only {
            group.answer(&mutation.caller, mutation.request_id, mutation.digest, &answer, wrote);
            if !wrote {
                self.fold_last(group, touched)?;
            }
            answer.revision = group.head();
        }
        Ok(answer)
    }

    fn judge(&self, records: &Records, group: &Building<'_>, now: Timestamp) -> Result<Vec<Judgement>, Fault> {
        let held = |revision: Revision| -> Result<HeldVersion, Fault> {
            let event = group.event(revision).map_err(|fault| report(&fault))?;
            if let Some((ingested_micros, Body::EvidenceWritten(EvidenceWritten { record: Some(record), .. }))) =
                event.and_then(|event| Some((event.recorded_micros, event.body?)))
            {
                Ok(HeldVersion { record, ingested_micros })
            } else {
                error!(revision = revision.0, "the ledger has no record where the state says that there is one");
                Err(Fault::Internal)
            }
        };
        let mut judge = Judge::new(&self.state, now, held);
        records
            .records
            .iter()
            .map(|record| judge.judge(record, records.etags.get(&record.id).map(String::as_str)))
            .collect()
    }

    fn carry_out(
        &mut self,
        mutation: &Mutation,
        validate_only: bool,
        record: &pb::Record,
        judgement: Judgement,
        group: &mut Building<'_>,
        touched: &mut Touched,
    ) -> Result<pb::RecordVerdict, Fault> {
        let (verdict, supersedes) = match judgement {
            Judgement::Create => (pb::Verdict::Created, Revision(0)),
            Judgement::Supersede(revision) => (pb::Verdict::Superseded, revision),
            Judgement::Unchanged(revision) => {
                return Ok(verdict_of(record, pb::Verdict::Unchanged, revision, Vec::new()));
            }
            Judgement::Refuse(violations) => {
                return Ok(verdict_of(record, pb::Verdict::Refused, Revision(0), violations));
            }
        };
        if validate_only {
            return Ok(verdict_of(record, verdict, Revision(0), Vec::new()));
        }
        let subject = self.state.subject(&record.subject_ref).unwrap_or_else(|| self.state.next_subject());
        let body = Body::EvidenceWritten(EvidenceWritten { record: Some(record.clone()), supersedes: supersedes.0 });
        self.push(group, touched, &mutation.caller, &mutation.request_id, Some(subject), body)?;
        Ok(verdict_of(record, verdict, group.head(), Vec::new()))
    }

    fn withdraw(
        &mut self,
        mutation: &Mutation,
        (subject_ref, record_id, reason, etag): (&str, &str, &str, &str),
        group: &mut Building<'_>,
        touched: &mut Touched,
    ) -> Result<Answer, Fault> {
        let subject = self.state.subject(subject_ref).ok_or(Fault::UnknownSubject)?;
        let revision = self.state.dossier(subject).revision_of(record_id).ok_or(Fault::UnknownRecord)?;
        if !etag.is_empty() && etag != revision.to_string() {
            return Err(Fault::EtagMismatch);
        }
        let body = Body::EvidenceWithdrawn(EvidenceWithdrawn {
            subject_ref: subject_ref.to_owned(),
            record_id: record_id.to_owned(),
            withdrawn_revision: revision.0,
            reason: reason.to_owned(),
        });
        self.push(group, touched, &mutation.caller, &mutation.request_id, Some(subject), body)?;
        let answer = Answer { revision: group.head(), verdicts: Vec::new() };
        group.answer(&mutation.caller, mutation.request_id, mutation.digest, &answer, true);
        Ok(answer)
    }

    /// Adds an event to the group and folds it in, so that the next request is judged on top of it.
    fn push(
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

    fn fold_last(&mut self, group: &Building<'_>, touched: &mut Touched) -> Result<(), Fault> {
        let last = group.event(group.head()).map_err(|fault| self.broke(&fault))?;
        let last = last.expect("a group must hold its own head");
        self.state.apply(&last, touched).map_err(|fault| self.broke(&fault))
    }

    fn commit(&mut self, group: Building<'_>, mut touched: Touched, now: Timestamp) -> Result<(), Fault> {
        if self.broken {
            return Err(Fault::ReadOnly);
        }
        if group.is_empty() {
            return Ok(());
        }
        let finished = match group.finish() {
            Ok(finished) => finished,
            Err(fault @ (BuildError::Store(_) | BuildError::View(_) | BuildError::Unreadable(_))) => {
                return Err(self.broke(&fault));
            }
        };
        let events = finished.events.len();
        match self.store.append(&self.head, &finished) {
            Ok(head) => self.head = head,
            Err(AppendError::Full | AppendError::ReadOnly) => {
                self.broke("the store takes no writes");
                return Err(Fault::ReadOnly);
            }
            Err(fault) => return Err(self.broke(&fault)),
        }
        self.state.settle(&mut touched);
        self.board.publish(&self.state, &touched, now);
        debug!(commit.events = events, commit.revision = self.head.revision.0, "committed");
        Ok(())
    }

    /// The state is ahead of the store: nothing more may be written by this process.
    fn broke(&mut self, fault: &(impl std::fmt::Display + ?Sized)) -> Fault {
        error!(fault = %fault, "the writer stops: what it knows is ahead of what is kept; restart the service");
        self.broken = true;
        self.board.set_writable(false);
        Fault::Internal
    }
}

fn removal(keys: &[ViewKey]) -> Group {
    Group { events: Vec::new(), views: keys.iter().map(|key| (*key, None)).collect() }
}

fn report(fault: &impl std::fmt::Display) -> Fault {
    error!(fault = %fault, "the store could not be read");
    Fault::Internal
}

/// The answer given before, to the same request.
fn again(answer: &RequestAnswer, mutation: &Mutation, head: Revision) -> Result<Answer, Fault> {
    if answer.request_digest != mutation.digest {
        return Err(Fault::RequestIdReused);
    }
    let mut refused = answer.refused.iter();
    let verdicts: Vec<pb::RecordVerdict> = match &mutation.body {
        MutationBody::Write(records) => records
            .records
            .iter()
            .zip(answer.verdicts.iter().zip(&answer.revisions))
            .map(|(record, (verdict, revision))| match pb::Verdict::try_from(i32::from(*verdict)) {
                Ok(pb::Verdict::Refused) => refused.next().cloned().unwrap_or_default(),
                Ok(verdict) => verdict_of(record, verdict, Revision(*revision), Vec::new()),
                Err(_) => pb::RecordVerdict::default(),
            })
            .collect(),
        MutationBody::Withdraw { .. } => Vec::new(),
    };
    let revision = if answer.written_revision > 0 { Revision(answer.written_revision) } else { head };
    Ok(Answer { revision, verdicts })
}

fn verdict_of(
    record: &pb::Record,
    verdict: pb::Verdict,
    revision: Revision,
    violations: Vec<pb::Violation>,
) -> pb::RecordVerdict {
    pb::RecordVerdict { record_id: record.id.clone(), verdict: verdict.into(), revision: revision.0, violations }
}

fn within_record(place: usize, violation: &pb::Violation) -> pb::Violation {
    pb::Violation { field: format!("records[{place}].{}", violation.field), ..violation.clone() }
}
