//! What a caller may ask the writer to do, and what it answers.

use std::sync::{Arc, OnceLock};
use std::time::Instant;

use prost::Message;
use tokio::sync::oneshot;
use uuid::Uuid;

use super::erasure::Erasure;
use super::fault::Fault;
use super::life::LifeChange;
use super::moves::Move;
use super::policies::PolicyChange;
use super::rescore::publish::{Publication, RunStep};
use crate::access::Caller;
use crate::domain::Revision;
use crate::pb;

/// A request to change something.
#[derive(Debug)]
pub struct Mutation {
    /// Who asks.
    pub caller: Caller,
    /// The caller's id of the request.
    pub request_id: [u8; 16],
    /// BLAKE3 of the request's content, without its id.
    pub digest: [u8; 32],
    /// What to do.
    pub body: MutationBody,
}

/// What to do.
#[derive(Debug)]
pub enum MutationBody {
    /// Write records.
    Write(Records),
    /// Withdraw a record.
    Withdraw {
        /// The person.
        subject_ref: String,
        /// The record.
        record_id: String,
        /// Why.
        reason: String,
        /// Etag; empty: whatever is in force.
        etag: String,
    },
    /// Make one move under supervision, of which the records follow from what is held.
    Move(Move),
    /// Change a person's records as a whole.
    Life(LifeChange),
    /// Draft, approve or activate a policy.
    Policy(PolicyChange),
    /// Erase a person.
    Erase(Erasure),
    /// Write nothing: once it is answered, everything stamped up to a moment (microseconds since 1970) is kept and no
    /// event will be stamped so early again.
    Pass {
        /// The moment.
        micros: i64,
    },
    /// Begin a run, or end one.
    Run(RunStep),
    /// Show what a run made. Alone in its group.
    Publish(Box<Publication>),
}

impl MutationBody {
    /// Whether it would be kept, and not only be judged.
    pub fn writes(&self) -> bool {
        match self {
            Self::Write(records) => !records.validate_only,
            Self::Withdraw { .. }
            | Self::Move(_)
            | Self::Life(_)
            | Self::Policy(_)
            | Self::Erase(_)
            | Self::Run(_)
            | Self::Publish(_) => true,
            Self::Pass { .. } => false,
        }
    }

    /// Whether what it writes about people is merged with what is held of them into scores.
    pub fn weighs(&self) -> bool {
        match self {
            Self::Write(records) => !records.validate_only,
            Self::Withdraw { .. } | Self::Move(_) => true,
            Self::Life(change) => change.weighs(),
            // Takes away, or is about nobody by name. A run says by itself whom it weighed.
            Self::Erase(_) | Self::Policy(_) | Self::Pass { .. } | Self::Run(_) | Self::Publish(_) => false,
        }
    }
}

/// Whom a mutation is about, and what it may do to them: what the audit wants to know once it was answered.
#[derive(Debug)]
pub struct About {
    /// References of the people, each once.
    pub refs: Vec<String>,
    /// Whether it would be kept.
    pub writes: bool,
    /// Whether it would be merged into scores.
    pub weighs: bool,
}

impl Mutation {
    /// Whom it is about, and what it may do to them.
    pub fn about(&self) -> About {
        About { refs: self.subject_refs(), writes: self.body.writes(), weighs: self.body.weighs() }
    }

    /// References of the people whom it is about, each once.
    pub fn subject_refs(&self) -> Vec<String> {
        let mut refs: Vec<&str> = match &self.body {
            MutationBody::Write(records) => records.records.iter().map(|record| record.subject_ref.as_str()).collect(),
            MutationBody::Withdraw { subject_ref, .. } => vec![subject_ref],
            MutationBody::Move(made) => vec![made.subject_ref()],
            MutationBody::Life(change) => change.subject_refs(),
            MutationBody::Erase(erasure) => vec![&erasure.subject_ref],
            MutationBody::Policy(_) | MutationBody::Pass { .. } | MutationBody::Run(_) | MutationBody::Publish(_) => {
                Vec::new()
            }
        };
        refs.sort_unstable();
        refs.dedup();
        refs.into_iter().map(str::to_owned).collect()
    }
}

/// Records to write.
#[derive(Debug)]
pub struct Records {
    /// The records.
    pub records: Vec<pb::Record>,
    /// Etags by record id.
    pub etags: std::collections::BTreeMap<String, String>,
    /// Whether one refused record refuses them all.
    pub all_or_none: bool,
    /// Judge, write nothing.
    pub validate_only: bool,
    /// Whether decisions about the cohort may be among them: only those that the service freezes standings into.
    pub decisions: bool,
}

/// What became of a mutation.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// Revision of the last event written; the head where nothing needed writing.
    pub revision: Revision,
    /// What became of each record, in order; empty for other mutations.
    pub verdicts: Vec<pb::RecordVerdict>,
    /// Sentences on what was written: that it does not count, what is left to do.
    pub remarks: Vec<String>,
}

/// A mutation in the writer's queue.
#[derive(Debug)]
pub struct Queued {
    /// What to do.
    pub mutation: Mutation,
    /// Where the answer goes, once it is durable.
    pub reply: oneshot::Sender<Result<Answer, Fault>>,
    /// The stream that it came on; none for a call of its own.
    pub stream: Option<Stream>,
    /// Since when it has waited. `None`: its call is not traced.
    pub since: Option<Instant>,
}

/// The changes that came on one stream, in their order: after one that was refused none is taken, though it may wait
/// in the queue already. Its sender begins again at the one refused.
#[derive(Clone, Debug, Default)]
pub struct Stream(Arc<OnceLock<Fault>>);

impl Queued {
    /// A mutation that begins to wait.
    pub fn new(mutation: Mutation, reply: oneshot::Sender<Result<Answer, Fault>>, stream: Option<Stream>) -> Self {
        let traced = mutation.caller.trace.as_ref().is_some_and(|call| call.is_traced());
        Self { mutation, reply, stream, since: traced.then(Instant::now) }
    }

    /// Whether a change before it on its stream was refused, and why.
    pub fn ended(&self) -> Option<Fault> {
        self.stream.as_ref().and_then(|stream| stream.0.get()).cloned()
    }

    /// Has its stream take no more, where this is a refusal.
    pub fn note<T>(&self, outcome: Result<T, Fault>) -> Result<T, Fault> {
        if let (Some(stream), Err(fault)) = (&self.stream, &outcome) {
            // The first reason stays.
            let _ = stream.0.set(fault.clone());
        }
        outcome
    }

    /// Tells whoever asked. A caller that went away has nobody to tell.
    pub fn tell(self, answer: Result<Answer, Fault>) {
        let answer = self.note(answer);
        drop(self.reply.send(answer));
    }
}

/// A request id as the contract has it.
///
/// # Errors
/// When it is not a UUID.
pub fn request_id(text: &str) -> Result<[u8; 16], pb::Violation> {
    let parsed = Uuid::try_parse(text).ok().filter(|_| text.len() == 36);
    parsed.map(Uuid::into_bytes).ok_or_else(|| pb::Violation {
        field: "request_id".to_owned(),
        reason: "INVALID_REQUEST_ID".to_owned(),
        description: "request_id is a UUID such as 0b9a6a1e-9f0e-4c39-8a3e-2f1a64f0a7c1".to_owned(),
    })
}

/// Digest of a request's content: the message with its request id emptied by the caller.
pub fn content_digest(method: &str, message: &impl Message) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(method.as_bytes());
    hasher.update(&message.encode_to_vec());
    *hasher.finalize().as_bytes()
}
