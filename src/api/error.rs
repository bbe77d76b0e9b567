//! The one map from a fault to a gRPC status.

use std::collections::HashMap;
use std::time::Duration;

use tonic::{Code, Status};
use tonic_types::{ErrorDetails, FieldViolation, StatusExt};

use crate::access::limit::Limited;
use crate::pb;
use crate::service::fault::Fault;

/// Domain of every `ErrorInfo`.
pub const DOMAIN: &str = "steelyard";

/// When a caller turned away by a full queue may try again.
const RETRY: Duration = Duration::from_millis(250);
/// When a caller may try again whose write met a store that has just become read-only: it is tried each second at first.
const RETRY_READ_ONLY: Duration = Duration::from_secs(2);
/// When a caller may try again that was refused for want of room: somebody has to make some.
const RETRY_DISK_LOW: Duration = Duration::from_secs(10);

/// The contract's reason of a fault.
pub fn reason(fault: &Fault) -> pb::ErrorReason {
    match fault {
        Fault::Invalid(_) => pb::ErrorReason::InvalidArgument,
        Fault::UnknownSubject => pb::ErrorReason::UnknownSubject,
        Fault::Unidentified(fault) => super::identity::reason(fault),
        Fault::OutOfScope | Fault::NotPermitted(_) => pb::ErrorReason::PermissionDenied,
        Fault::AuditUnavailable => pb::ErrorReason::AuditUnavailable,
        Fault::Limited(Limited::TooFast(_)) => pb::ErrorReason::RateLimited,
        Fault::Limited(Limited::TooManyCalls | Limited::TooManyStreams) => pb::ErrorReason::TooManyCalls,
        Fault::Limited(Limited::Overloaded) => pb::ErrorReason::Overloaded,
        Fault::DeadlineExceeded => pb::ErrorReason::DeadlineExceeded,
        Fault::NotOnList => pb::ErrorReason::NotOnList,
        Fault::NotYetScored => pb::ErrorReason::NotYetScored,
        Fault::NoActivePolicy => pb::ErrorReason::NoActivePolicy,
        Fault::PageTokenExpired => pb::ErrorReason::PageTokenExpired,
        Fault::PageTokenOfOtherArguments => pb::ErrorReason::PageTokenOfOtherArguments,
        Fault::PageTokenOfAnotherStore => pb::ErrorReason::PageTokenOfAnotherStore,
        Fault::StoreRestored => pb::ErrorReason::StoreRestored,
        Fault::AnotherStore => pb::ErrorReason::AnotherStore,
        Fault::PageTokenInvalid => pb::ErrorReason::PageTokenInvalid,
        Fault::RevisionNotReached => pb::ErrorReason::RevisionNotReached,
        Fault::RevisionCompacted { .. } => pb::ErrorReason::RevisionCompacted,
        Fault::RequestIdReused => pb::ErrorReason::RequestIdReused,
        Fault::EtagMismatch => pb::ErrorReason::EtagMismatch,
        Fault::UnknownRecord => pb::ErrorReason::UnknownRecord,
        Fault::QueueFull => pb::ErrorReason::QueueFull,
        Fault::DiskLow { .. } => pb::ErrorReason::DiskLow,
        Fault::ReadOnly => pb::ErrorReason::StoreReadOnly,
        Fault::ShuttingDown => pb::ErrorReason::ShuttingDown,
        Fault::TooLarge => pb::ErrorReason::TooLarge,
        Fault::BackupRunning => pb::ErrorReason::BackupRunning,
        Fault::BackupFailed(_) => pb::ErrorReason::BackupFailed,
        Fault::NoDataDirectory => pb::ErrorReason::NoDataDirectory,
        Fault::VerificationRunning => pb::ErrorReason::VerificationRunning,
        Fault::UnknownFile => pb::ErrorReason::UnknownFile,
        Fault::FileClosed => pb::ErrorReason::FileClosed,
        Fault::FileOpen => pb::ErrorReason::FileOpen,
        Fault::FileExists => pb::ErrorReason::FileExists,
        Fault::AlreadyManaged => pb::ErrorReason::AlreadyManaged,
        Fault::NotManaged => pb::ErrorReason::NotManaged,
        Fault::RescoreRunning(_) => pb::ErrorReason::RescoreRunning,
        Fault::UnknownRun => pb::ErrorReason::UnknownRun,
        Fault::UnknownGeneration => pb::ErrorReason::UnknownGeneration,
        Fault::GenerationNotKept => pb::ErrorReason::GenerationNotKept,
        Fault::ReplayRunning => pb::ErrorReason::ReplayRunning,
        Fault::UnknownPolicy => pb::ErrorReason::UnknownPolicy,
        Fault::SecondPersonRequired => pb::ErrorReason::SecondPersonRequired,
        Fault::PolicyNotApproved => pb::ErrorReason::PolicyNotApproved,
        Fault::PolicyApproved => pb::ErrorReason::PolicyApproved,
        Fault::PolicyActivated => pb::ErrorReason::PolicyActivated,
        Fault::SimulationRunning => pb::ErrorReason::SimulationRunning,
        Fault::EvaluationRunning => pb::ErrorReason::EvaluationRunning,
        Fault::EvaluationRequired(_) => pb::ErrorReason::EvaluationRequired,
        Fault::AlreadyMerged => pb::ErrorReason::AlreadyMerged,
        Fault::NotMerged => pb::ErrorReason::NotMerged,
        Fault::ProcessingRestricted => pb::ErrorReason::ProcessingRestricted,
        Fault::AlreadyRestricted => pb::ErrorReason::AlreadyRestricted,
        Fault::NotRestricted => pb::ErrorReason::NotRestricted,
        Fault::Internal => pb::ErrorReason::Internal,
    }
}

/// The code of a fault.
fn code(fault: &Fault) -> Code {
    match fault {
        Fault::Invalid(_) | Fault::PageTokenInvalid | Fault::PageTokenOfOtherArguments => Code::InvalidArgument,
        Fault::UnknownSubject
        | Fault::NotOnList
        | Fault::UnknownRecord
        | Fault::UnknownFile
        | Fault::UnknownRun
        | Fault::UnknownGeneration
        | Fault::UnknownPolicy => Code::NotFound,
        Fault::NotYetScored
        | Fault::NoActivePolicy
        | Fault::PageTokenExpired
        | Fault::PageTokenOfAnotherStore
        | Fault::StoreRestored
        | Fault::AnotherStore
        | Fault::RevisionCompacted { .. }
        | Fault::NoDataDirectory
        | Fault::FileClosed
        | Fault::FileOpen
        | Fault::AlreadyManaged
        | Fault::NotManaged
        | Fault::GenerationNotKept
        | Fault::SecondPersonRequired
        | Fault::PolicyNotApproved
        | Fault::PolicyApproved
        | Fault::PolicyActivated
        | Fault::EvaluationRequired(_)
        | Fault::AlreadyMerged
        | Fault::NotMerged
        | Fault::ProcessingRestricted
        | Fault::AlreadyRestricted
        | Fault::NotRestricted => Code::FailedPrecondition,
        Fault::RequestIdReused | Fault::FileExists => Code::AlreadyExists,
        Fault::EtagMismatch
        | Fault::BackupRunning
        | Fault::VerificationRunning
        | Fault::RescoreRunning(_)
        | Fault::ReplayRunning
        | Fault::SimulationRunning
        | Fault::EvaluationRunning => Code::Aborted,
        Fault::RevisionNotReached | Fault::DeadlineExceeded => Code::DeadlineExceeded,
        Fault::QueueFull
        | Fault::DiskLow { .. }
        | Fault::TooLarge
        | Fault::Limited(Limited::TooFast(_) | Limited::TooManyCalls | Limited::TooManyStreams) => {
            Code::ResourceExhausted
        }
        Fault::ReadOnly | Fault::ShuttingDown | Fault::AuditUnavailable | Fault::Limited(Limited::Overloaded) => {
            Code::Unavailable
        }
        Fault::Unidentified(_) => Code::Unauthenticated,
        Fault::OutOfScope | Fault::NotPermitted(_) => Code::PermissionDenied,
        Fault::BackupFailed(_) | Fault::Internal => Code::Internal,
    }
}

/// A fault as a status, with its reason and every field violation. Joined to the log by `correlation_id`.
pub fn status(fault: &Fault, correlation_id: &str) -> Status {
    let reason = reason(fault).as_str_name().trim_start_matches("ERROR_REASON_");
    let mut metadata = HashMap::from([("correlation_id".to_owned(), correlation_id.to_owned())]);
    if let Fault::Invalid(violations) = fault {
        metadata.insert("violations".to_owned(), violations.len().to_string());
    }
    if let Fault::RescoreRunning(run) = fault {
        metadata.insert("run_id".to_owned(), run.clone());
    }
    if let Fault::RevisionCompacted { oldest } = fault {
        metadata.insert("oldest_revision".to_owned(), oldest.to_string());
    }
    if let Fault::EvaluationRequired(unseen) = fault {
        metadata.insert("missing".to_owned(), unseen.missing.clone());
        metadata.insert("evaluation_id".to_owned(), unseen.evaluation_id.clone());
        metadata.insert("simulation_id".to_owned(), unseen.simulation_id.clone());
    }
    let mut details = ErrorDetails::with_error_info(reason, DOMAIN, metadata);
    match fault {
        Fault::Invalid(violations) => {
            let fields = fitting(violations).iter().map(|violation| {
                let mut field = FieldViolation::new(&violation.field, &violation.description);
                field.reason.clone_from(&violation.reason);
                field
            });
            details.set_bad_request(fields.collect::<Vec<_>>());
        }
        Fault::QueueFull | Fault::Limited(Limited::TooManyCalls | Limited::TooManyStreams | Limited::Overloaded) => {
            details.set_retry_info(Some(RETRY));
        }
        Fault::Limited(Limited::TooFast(wait)) => {
            details.set_retry_info(Some(*wait));
        }
        Fault::ReadOnly => {
            details.set_retry_info(Some(RETRY_READ_ONLY));
        }
        Fault::DiskLow { .. } | Fault::AuditUnavailable => {
            details.set_retry_info(Some(RETRY_DISK_LOW));
        }
        Fault::UnknownSubject
        | Fault::Unidentified(_)
        | Fault::OutOfScope
        | Fault::NotPermitted(_)
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
        | Fault::ShuttingDown
        | Fault::TooLarge
        | Fault::BackupRunning
        | Fault::BackupFailed(_)
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
        | Fault::NotRestricted
        | Fault::Internal => {}
    }
    Status::with_error_details(code(fault), message(fault), details)
}

/// Most bytes of violations in one status. Details travel in a header, base64-encoded, and clients refuse more than
/// 8 KiB of headers: past that they would hear of nothing at all.
const DETAIL_BYTES: usize = 4_500;

/// The violations that fit a status. `ErrorInfo` says how many there are; `validate_only` tells all of them, as its
/// verdicts travel in the body.
fn fitting(violations: &[pb::Violation]) -> &[pb::Violation] {
    let mut bytes = 0;
    let fit = violations.iter().take_while(|violation| {
        bytes += violation.field.len() + violation.reason.len() + violation.description.len() + 12;
        bytes <= DETAIL_BYTES
    });
    &violations[..fit.count()]
}

/// Most violations told in the message.
const TOLD: usize = 3;

fn message(fault: &Fault) -> String {
    let Fault::Invalid(violations) = fault else { return fault.to_string() };
    let mut told: Vec<String> = violations.iter().take(TOLD).map(|violation| violation.description.clone()).collect();
    if violations.len() > TOLD {
        told.push(format!("and {} more", violations.len() - TOLD));
    }
    if fitting(violations).len() < violations.len() {
        told.push(
            "too many for one error: ask again with validate_only, or ValidatePolicy, for all of them".to_owned(),
        );
    }
    told.join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use tonic_types::StatusExt;

    fn violation(field: &str) -> pb::Violation {
        pb::Violation { field: field.into(), reason: "REQUIRED".into(), description: "is required".into() }
    }

    #[test]
    fn every_violation_travels_with_the_status() {
        let fault = Fault::Invalid((0..5).map(|place| violation(&format!("records[{place}].id"))).collect());
        let status = status(&fault, "c-1");
        assert_eq!(status.code(), Code::InvalidArgument);
        let details = status.get_error_details();
        assert_eq!(
            details.error_info().map(|info| (info.reason.as_str(), info.domain.as_str())),
            Some(("INVALID_ARGUMENT", "steelyard"))
        );
        assert_eq!(details.bad_request().map(|bad| bad.field_violations.len()), Some(5));
        assert!(status.message().ends_with("and 2 more"), "{}", status.message());
    }

    #[test]
    fn a_disk_that_is_low_is_told_in_megabytes_with_a_time_to_try_again() {
        let short = crate::store::NoRoom { free_bytes: 180 << 20, least_bytes: (256 << 20) - 1 };
        let status = status(&Fault::from(short), "c-1");
        assert_eq!(status.code(), Code::ResourceExhausted);
        assert!(status.message().contains("180 MB free, 256 MB are required"), "{}", status.message());
        let details = status.get_error_details();
        assert_eq!(details.error_info().map(|info| info.reason.as_str()), Some("DISK_LOW"));
        assert!(details.retry_info().and_then(|retry| retry.retry_delay).is_some());
    }

    #[test]
    fn a_write_of_unknown_outcome_is_unavailable_with_a_time_to_try_again() {
        let status = status(&Fault::ReadOnly, "c-1");
        assert_eq!(status.code(), Code::Unavailable);
        let details = status.get_error_details();
        assert_eq!(details.error_info().map(|info| info.reason.as_str()), Some("STORE_READ_ONLY"));
        assert!(details.retry_info().and_then(|retry| retry.retry_delay).is_some());
        assert!(status.message().contains("same request_id"), "{}", status.message());
    }

    #[test]
    fn a_restored_store_is_told_from_another_one() {
        let reasons = [Fault::StoreRestored, Fault::PageTokenOfAnotherStore, Fault::AnotherStore].map(|fault| {
            let status = status(&fault, "c-1");
            assert_eq!(status.code(), Code::FailedPrecondition);
            status.get_error_details().error_info().expect("must have a reason").reason.clone()
        });
        assert_eq!(reasons, ["STORE_RESTORED", "PAGE_TOKEN_OF_ANOTHER_STORE", "ANOTHER_STORE"]);
    }

    #[test]
    fn a_compacted_revision_is_told_with_the_oldest_one_left() {
        let status = status(&Fault::RevisionCompacted { oldest: crate::domain::Revision(812) }, "c-1");
        assert_eq!(status.code(), Code::FailedPrecondition);
        let details = status.get_error_details();
        let info = details.error_info().expect("must have a reason");
        assert_eq!((info.reason.as_str(), info.metadata["oldest_revision"].as_str()), ("REVISION_COMPACTED", "812"));
    }

    #[test]
    fn more_violations_than_headers_hold_are_counted_and_the_way_to_all_is_told() {
        let fault = Fault::Invalid((0..400).map(|place| violation(&format!("records[{place}].id"))).collect());
        let status = status(&fault, "c-1");
        let details = status.get_error_details();
        let told = details.bad_request().map_or(0, |bad| bad.field_violations.len());
        assert!((50..400).contains(&told), "{told}");
        assert_eq!(
            details.error_info().and_then(|info| info.metadata.get("violations").cloned()).as_deref(),
            Some("400")
        );
        assert!(status.message().contains("validate_only"), "{}", status.message());
        let encoded = status.details().len() * 4 / 3;
        assert!(encoded + status.message().len() < 7_500, "{encoded} bytes of header");
    }

    #[test]
    fn a_full_queue_says_when_to_try_again() {
        let details = status(&Fault::QueueFull, "c-1").get_error_details();
        assert!(details.retry_info().is_some_and(|retry| retry.retry_delay.is_some()));
    }
}
