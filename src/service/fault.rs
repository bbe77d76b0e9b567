//! Everything that can go wrong for a caller, told apart. The edge turns each
//! into a status; nothing of the inside goes with it.

use crate::access::Permission;
use crate::access::authenticate::IdentityFault;
use crate::access::limit::Limited;
use crate::domain::Revision;
use crate::pb;
use crate::store::NoRoom;

/// What an approver has not seen of a policy.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unseen {
    /// Which: `evaluation`, `simulation`, or both with a comma.
    pub missing: String,
    /// Id of the evaluation that there is; empty: none that is fresh.
    pub evaluation_id: String,
    /// Id of the simulation that there is; empty: none that is fresh.
    pub simulation_id: String,
}

/// Why a request was not answered as asked.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Fault {
    /// Fields are wrong: all of them are listed.
    #[error("the request is invalid: {} fault(s)", .0.len())]
    Invalid(Vec<pb::Violation>),
    /// No record of that subject is held.
    #[error("no such subject")]
    UnknownSubject,
    /// The caller may not see that, whether it is there or not.
    #[error("the caller may not see this")]
    OutOfScope,
    /// It cannot be told who calls.
    #[error("{0}")]
    Unidentified(IdentityFault),
    /// The caller's roles do not allow it.
    #[error("the caller may not do this: it needs the permission {0}")]
    NotPermitted(Permission),
    /// Who looked cannot be recorded.
    #[error(
        "the audit cannot be written just now: nothing was disclosed, and whether anything was done is not known until it is sent again with the same request_id"
    )]
    AuditUnavailable,
    /// More is asked than is allowed at a time.
    #[error("{}", limited(.0))]
    Limited(Limited),
    /// The time that the caller gave, or that a call may take, is over.
    #[error(
        "the time for this call is over; whether anything was done is not known until it is sent again with the same request_id"
    )]
    DeadlineExceeded,
    /// Known, but not on this list.
    #[error("the subject does not stand on this list")]
    NotOnList,
    /// Known, but not weighed.
    #[error("the subject has not been weighed")]
    NotYetScored,
    /// No policy is active.
    #[error("no policy is active")]
    NoActivePolicy,
    /// The page token's snapshot is gone.
    #[error("the page token's snapshot is no longer held")]
    PageTokenExpired,
    /// The page token was made for other arguments.
    #[error("the page token was made for other arguments")]
    PageTokenOfOtherArguments,
    /// The page token is another store's.
    #[error("the page token was made by another store")]
    PageTokenOfAnotherStore,
    /// The store was restored since the token or the revision was handed out.
    #[error("the store was restored since this was handed out: revisions of before may be gone; begin again")]
    StoreRestored,
    /// The mark given with a revision is another store's.
    #[error("the revision was read under another store")]
    AnotherStore,
    /// The page token is not one of ours.
    #[error("the page token is not one that this server made")]
    PageTokenInvalid,
    /// `min_revision` did not arrive in time.
    #[error("the revision asked for was not reached in time")]
    RevisionNotReached,
    /// Changes since the revision of a token are no longer kept.
    #[error("changes since then are no longer kept: begin again with an empty token, which gives the whole list")]
    RevisionCompacted {
        /// The oldest revision since which they are.
        oldest: Revision,
    },
    /// The request id was used with other content.
    #[error("this request_id was used before with other content")]
    RequestIdReused,
    /// The record changed since its etag was read.
    #[error("the record changed since its etag was read")]
    EtagMismatch,
    /// No such record in force.
    #[error("no such record is in force for this subject")]
    UnknownRecord,
    /// The writer's queue is full.
    #[error("the writer's queue is full")]
    QueueFull,
    /// The disk has less room than is kept free. Nothing was kept.
    #[error("the disk has {free_mb} MB free, {least_mb} MB are required to take writes: nothing was written")]
    DiskLow {
        /// Free, in whole megabytes of 1,048,576 bytes.
        free_mb: u64,
        /// Required, rounded up.
        least_mb: u64,
    },
    /// The store takes no writes for now. Of a write that met it first, nobody knows yet whether it was kept.
    #[error(
        "the store takes no writes just now; whether this one was kept is not known until it is sent again with the same request_id"
    )]
    ReadOnly,
    /// The service is stopping.
    #[error("the service is stopping")]
    ShuttingDown,
    /// The reply would be too large.
    #[error("the reply would be larger than is allowed: ask for fewer rows, or send fewer records at once")]
    TooLarge,
    /// A backup is being made already.
    #[error("a backup is being made already; there is one at a time")]
    BackupRunning,
    /// The backup does not count. The sentence names places and never a stored value.
    #[error("the backup does not count: {0}")]
    BackupFailed(String),
    /// The store has no files.
    #[error("the store is kept in memory alone: there are no files to back up")]
    NoDataDirectory,
    /// A verification is running already.
    #[error("a verification is running already; there is one at a time")]
    VerificationRunning,
    /// The person has no such file.
    #[error("the person has no such outstanding file")]
    UnknownFile,
    /// The file is closed.
    #[error("the outstanding file is closed, or was at that moment")]
    FileClosed,
    /// The file is open.
    #[error("the outstanding file is open already")]
    FileOpen,
    /// A record of that id is held.
    #[error("a record of that id is held already: to open a closed file again, say so")]
    FileExists,
    /// The person is managed.
    #[error("the person is in the managed cohort already")]
    AlreadyManaged,
    /// The person is not managed.
    #[error("the person is not in the managed cohort")]
    NotManaged,
    /// A run goes on already.
    #[error("run {0} goes on already; there is one at a time")]
    RescoreRunning(String),
    /// No such run.
    #[error("there is no such run")]
    UnknownRun,
    /// No such generation.
    #[error(
        "no such generation has been published: none of that number, or, where none was named, none of an earlier day"
    )]
    UnknownGeneration,
    /// The generation's file is gone.
    #[error("the generation is not kept any more")]
    GenerationNotKept,
    /// A replay goes on already.
    #[error("a generation is being replayed already; there is one at a time")]
    ReplayRunning,
    /// No such policy.
    #[error("no policy of that version is known")]
    UnknownPolicy,
    /// One person would bring numbers into force alone.
    #[error("a second person is required: nobody brings a policy into force alone")]
    SecondPersonRequired,
    /// The policy is a draft.
    #[error("the policy has not been approved")]
    PolicyNotApproved,
    /// The policy is approved.
    #[error("the policy has been approved already")]
    PolicyApproved,
    /// The policy is in force, or will be.
    #[error("the policy is in force, or waits for a run, already")]
    PolicyActivated,
    /// A simulation is running already.
    #[error("a simulation is running already; there is one at a time")]
    SimulationRunning,
    /// An evaluation is running already.
    #[error("an evaluation is running already; there is one at a time")]
    EvaluationRunning,
    /// Nobody approves what they have not seen evaluated and tried.
    #[error(
        "the policy cannot be approved without a fresh evaluation and a fresh simulation of it that the approver has seen"
    )]
    EvaluationRequired(Box<Unseen>),
    /// The reference is part of another person.
    #[error(
        "one of the references was merged into another already: name the one that the person stands by, or unmerge first"
    )]
    AlreadyMerged,
    /// The reference stands by itself.
    #[error("the reference was not merged into another")]
    NotMerged,
    /// The person's records may be looked at by few.
    #[error("the processing of this person's records is restricted")]
    ProcessingRestricted,
    /// A restriction is in force.
    #[error("the processing of this person's records is restricted already")]
    AlreadyRestricted,
    /// No restriction is in force.
    #[error("the processing of this person's records is not restricted")]
    NotRestricted,
    /// Something failed inside; it has been logged.
    #[error("an internal fault; the log has it under the correlation id")]
    Internal,
}

fn limited(limited: &Limited) -> &'static str {
    match limited {
        Limited::Overloaded => "the server has as many calls in flight as it takes: try again in a moment",
        Limited::TooManyCalls => "this identity has as many calls in flight as one may have",
        Limited::TooManyStreams => "this identity has as many streams in flight as one may have",
        Limited::TooFast(_) => "this identity asks faster than one may",
    }
}

impl From<IdentityFault> for Fault {
    fn from(fault: IdentityFault) -> Self {
        Self::Unidentified(fault)
    }
}

impl From<Limited> for Fault {
    fn from(limited: Limited) -> Self {
        Self::Limited(limited)
    }
}

impl From<NoRoom> for Fault {
    fn from(short: NoRoom) -> Self {
        Self::DiskLow { free_mb: short.free_bytes >> 20, least_mb: short.least_bytes.div_ceil(1 << 20) }
    }
}

impl Fault {
    /// One field is wrong.
    pub fn field(field: &str, reason: &str, description: impl Into<String>) -> Self {
        Self::Invalid(vec![pb::Violation {
            field: field.to_owned(),
            reason: reason.to_owned(),
            description: description.into(),
        }])
    }
}
