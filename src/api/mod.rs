//! The gRPC edge: parse, authorise, call, map. No rule of the field lives here.

pub mod answer;
pub mod audit;
#[cfg(test)]
mod audit_tests;
pub mod auditor;
pub mod codec;
pub mod cohort;
pub mod counted;
pub mod detail;
pub mod erasure;
pub mod error;
mod evaluation;
pub mod evidence;
pub mod filter;
pub mod gate;
pub mod health_http;
pub mod http;
pub mod identity;
pub mod lifecycle;
pub mod maintenance;
pub mod movement;
pub mod moves;
#[cfg(test)]
mod outage_tests;
pub mod outstanding;
pub mod page;
pub mod policy;
pub mod ranking;
pub mod rescore;
mod retention;
pub mod sensitive;
pub mod serving;
pub mod signin;
pub mod standing;
pub mod subject_export;
pub mod verification;
pub mod watching;
mod what_if;

use tonic::{Request, Status};
use tracing::warn;

use crate::access::Caller;
use crate::access::audit::AuditLog;
use crate::service::Service;
use crate::service::fault::Fault;
use crate::service::keeping::Keeping;
use crate::service::rescore::Rescoring;
use auditor::Auditor;
pub use serving::{Listeners, run, run_on};

/// What every service at the edge shares.
pub struct Edge {
    /// The use cases.
    pub service: Service,
    /// The keeping of backups.
    pub keeping: Keeping,
    /// Runs, and what they published.
    pub rescoring: Rescoring,
    /// Who looked at whom.
    pub audit: AuditLog,
    /// What writes it.
    pub auditor: Auditor,
}

impl Edge {
    /// A fault as a status, logged once: what callers do wrong at debug, what goes wrong inside as a warning.
    pub fn refuse(&self, method: &'static str, caller: &Caller, fault: &Fault) -> Status {
        caller.look.failed(error::reason(fault));
        let reason = error::reason(fault).as_str_name();
        match fault {
            Fault::Internal | Fault::BackupFailed(_) | Fault::AuditUnavailable => {
                warn!(rpc.method = method, rpc.reason = reason, correlation_id = %caller.correlation_id, "refused");
            }
            Fault::Invalid(_)
            | Fault::UnknownSubject
            | Fault::Unidentified(_)
            | Fault::OutOfScope
            | Fault::NotPermitted(_)
            | Fault::Limited(_)
            | Fault::DeadlineExceeded
            | Fault::NotOnList
            | Fault::NotYetScored
            | Fault::NoActivePolicy
            | Fault::PageTokenExpired
            | Fault::PageTokenOfOtherArguments
            | Fault::PageTokenOfAnotherStore
            | Fault::StoreRestored
            | Fault::AnotherStore
            | Fault::PageTokenInvalid
            | Fault::RevisionNotReached
            | Fault::RevisionCompacted { .. }
            | Fault::RequestIdReused
            | Fault::EtagMismatch
            | Fault::UnknownRecord
            | Fault::QueueFull
            // That the store went into this state has been logged, once.
            | Fault::DiskLow { .. }
            | Fault::ReadOnly
            | Fault::ShuttingDown
            | Fault::TooLarge
            | Fault::BackupRunning
            | Fault::NoDataDirectory
            | Fault::VerificationRunning
            | Fault::UnknownFile
            | Fault::FileClosed
            | Fault::FileOpen
            | Fault::FileExists
            | Fault::AlreadyManaged
            | Fault::NotManaged
            | Fault::RescoreRunning(_)
            | Fault::UnknownRun
            | Fault::UnknownGeneration
            | Fault::GenerationNotKept
            | Fault::ReplayRunning
            | Fault::UnknownPolicy
            | Fault::SecondPersonRequired
            | Fault::PolicyNotApproved
            | Fault::PolicyApproved
            | Fault::PolicyActivated
            | Fault::SimulationRunning
            | Fault::EvaluationRunning
            | Fault::EvaluationRequired(_)
            | Fault::AlreadyMerged
            | Fault::NotMerged
            | Fault::ProcessingRestricted
            | Fault::AlreadyRestricted
            | Fault::NotRestricted => {
                tracing::debug!(rpc.method = method, rpc.reason = reason, correlation_id = %caller.correlation_id, "refused");
            }
        }
        error::status(fault, &caller.correlation_id)
    }
}

/// The caller of a request, as the gate let it in.
pub fn correlated<T>(request: &Request<T>) -> Caller {
    request.extensions().get::<Caller>().cloned().expect("the gate must stand before every handler")
}
