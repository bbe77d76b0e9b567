//! How a command ends: one exit code for each thing that a script may want to tell
//! apart, and one place that turns an error into a code and a text.

use std::fmt;
use std::io;
use std::process::ExitCode;

use tonic::{Code, Status};

use super::client;
use crate::access::authenticate::AuthenticatorFault;
use crate::access::transport::CredentialsFault;
use crate::api::signin::SigningInFault;
use crate::config;
use crate::pb::ErrorReason;
use crate::service::StartFault;
use crate::service::outage::Halt;
use crate::service::start::OpenError;
use crate::store::StoreError;
use crate::store::backup::BackupError;
use crate::store::journal::JournalError;
use crate::store::keyring::KeyRingError;
use crate::store::recovery::RecoveryError;

/// Exit codes, as `--help` shows them.
pub const HELP: &str = "\
Exit codes:
   0  done
   1  nothing there: unknown person, not on that list, no match
  64  wrong usage or settings
  65  data refused, the store found damaged, or the doctor found something wrong
  66  an input is missing or cannot be read
  69  the server is not there or cannot answer now
  70  something failed inside
  74  reading or writing failed
  77  not permitted";

/// How a command ended. The codes follow `sysexits.h` where it has one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Done.
    Done = 0,
    /// Nothing there: unknown person, not on that list, no match.
    Nothing = 1,
    /// Wrong usage or settings.
    Usage = 64,
    /// Data refused, or the store found damaged.
    DataRefused = 65,
    /// An input is missing or cannot be read.
    InputMissing = 66,
    /// The server is not there or cannot answer now.
    Unavailable = 69,
    /// Something failed inside.
    Internal = 70,
    /// Reading or writing failed.
    InputOutput = 74,
    /// Not permitted.
    NotPermitted = 77,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// A failure that knows how the command should end.
#[derive(Debug)]
pub struct Failure {
    exit: Exit,
    message: String,
}

impl Failure {
    /// A failure with its code and what to tell the person at the terminal.
    pub fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self { exit, message: message.into() }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}

/// Tells the error on standard error and gives its code.
pub fn report(error: &anyhow::Error) -> ExitCode {
    eprintln!("steelyard: {}", told(error));
    of(error).into()
}

/// The error as told: each cause once, a status with everything that it carries.
pub fn told(error: &anyhow::Error) -> String {
    let mut parts: Vec<String> = Vec::new();
    for cause in error.chain() {
        let status = cause.downcast_ref::<Status>();
        let part = status.map_or_else(|| cause.to_string(), client::describe);
        if !parts.iter().any(|told| told.contains(&part)) {
            parts.push(part);
        }
        // What lies below a status is how the network library says the same again.
        if status.is_some() {
            break;
        }
    }
    parts.join(": ")
}

/// The code of an error, from the first cause that has one.
pub fn of(error: &anyhow::Error) -> Exit {
    error
        .chain()
        .find_map(|cause| {
            if let Some(failure) = cause.downcast_ref::<Failure>() {
                Some(failure.exit)
            } else if cause.is::<config::Invalid>()
                || cause.is::<CredentialsFault>()
                || cause.is::<AuthenticatorFault>()
                || cause.is::<SigningInFault>()
                || matches!(cause.downcast_ref::<StartFault>(), Some(StartFault::Policy(_)))
            {
                Some(Exit::Usage)
            } else if let Some(StartFault::Halted(halt)) = cause.downcast_ref::<StartFault>() {
                Some(of_halt(halt))
            } else if let Some(halt) = cause.downcast_ref::<Halt>() {
                Some(of_halt(halt))
            } else if matches!(cause.downcast_ref::<StartFault>(), Some(StartFault::Full)) {
                Some(Exit::InputOutput)
            } else if let Some(status) = cause.downcast_ref::<Status>() {
                Some(of_status(status))
            } else if let Some(error) = cause.downcast_ref::<BackupError>() {
                Some(of_backup(error))
            } else if let Some(error) = cause.downcast_ref::<KeyRingError>() {
                Some(of_keys(error))
            } else if let Some(exit) = of_store(cause) {
                Some(exit)
            } else if cause.is::<tonic::transport::Error>() {
                Some(Exit::Unavailable)
            } else {
                cause.downcast_ref::<io::Error>().map(of_io)
            }
        })
        .unwrap_or(Exit::Internal)
}

fn of_halt(halt: &Halt) -> Exit {
    if halt.of_disk() { Exit::InputOutput } else { Exit::Internal }
}

/// The code of a store that was not opened.
fn of_store(cause: &(dyn std::error::Error + 'static)) -> Option<Exit> {
    let recovery = match cause.downcast_ref::<OpenError>() {
        Some(OpenError::Recovery(error)) => Some(error),
        Some(OpenError::Start(_)) => None,
        None => cause.downcast_ref::<RecoveryError>(),
    };
    let store = match recovery {
        Some(RecoveryError::Store(error)) => Some(error),
        Some(RecoveryError::Journal(JournalError::Io { source, .. } | JournalError::Sync { source, .. })) => {
            return Some(of_io(source));
        }
        Some(_) => return Some(Exit::DataRefused),
        None => cause.downcast_ref::<StoreError>(),
    };
    match store? {
        StoreError::InUse { .. } => Some(Exit::Unavailable),
        StoreError::Full => Some(Exit::InputOutput),
        StoreError::Io { source, .. } => Some(of_io(source)),
        StoreError::Keys(error) => Some(of_keys(error)),
        StoreError::NoKeys { .. } => Some(Exit::Usage),
        StoreError::Corrupt { .. }
        | StoreError::MissingEvent { .. }
        | StoreError::BrokenChain { .. }
        | StoreError::NewerSchema { .. }
        | StoreError::NotAStore { .. }
        | StoreError::Engine { .. }
        | StoreError::Sealed { .. }
        | StoreError::Stopped { .. } => None,
    }
}

/// The code of a backup or restore that failed.
pub fn of_backup(error: &BackupError) -> Exit {
    match error {
        BackupError::Damaged { .. }
        | BackupError::Differs { .. }
        | BackupError::OtherStore { .. }
        | BackupError::Gap { .. }
        | BackupError::SeveralStores { .. }
        | BackupError::NoFull { .. } => Exit::DataRefused,
        BackupError::NothingNew { .. } | BackupError::OutOfReach { .. } => Exit::Nothing,
        BackupError::NotEmpty { .. } => Exit::Usage,
        BackupError::Io { source, .. } => of_io(source),
        BackupError::Journal(error) => match error {
            JournalError::Damaged { .. }
            | JournalError::Missing { .. }
            | JournalError::OtherStore { .. }
            | JournalError::NotHeld { .. } => Exit::DataRefused,
            JournalError::Exists { .. } => Exit::Usage,
            JournalError::Sync { source, .. } | JournalError::Io { source, .. } => of_io(source),
        },
        BackupError::Store(error) => match error {
            StoreError::InUse { .. } => Exit::Unavailable,
            StoreError::Corrupt { .. }
            | StoreError::MissingEvent { .. }
            | StoreError::BrokenChain { .. }
            | StoreError::NewerSchema { .. }
            | StoreError::Sealed { .. }
            | StoreError::NotAStore { .. } => Exit::DataRefused,
            StoreError::Io { source, .. } => of_io(source),
            StoreError::Full => Exit::InputOutput,
            StoreError::Engine { .. } | StoreError::Stopped { .. } => Exit::Internal,
            StoreError::Keys(error) => of_keys(error),
            StoreError::NoKeys { .. } => Exit::Usage,
        },
        BackupError::Stopped => Exit::Unavailable,
    }
}

/// The code of a key ring that cannot be used.
pub fn of_keys(error: &KeyRingError) -> Exit {
    match error {
        KeyRingError::Io { source, .. } => of_io(source),
        KeyRingError::InUse { .. } => Exit::Unavailable,
        KeyRingError::Exposed { .. } => Exit::NotPermitted,
        KeyRingError::NoKek { .. } | KeyRingError::NoRing { .. } => Exit::InputMissing,
        KeyRingError::Damaged { .. }
        | KeyRingError::OtherKek { .. }
        | KeyRingError::OtherStore { .. }
        | KeyRingError::NewBesideSealed { .. }
        | KeyRingError::Unopened { .. }
        | KeyRingError::TooMany(_) => Exit::DataRefused,
        KeyRingError::NotGiven { .. } => Exit::Usage,
        KeyRingError::Cipher { .. } => Exit::Internal,
    }
}

fn of_io(error: &io::Error) -> Exit {
    match error.kind() {
        io::ErrorKind::NotFound => Exit::InputMissing,
        io::ErrorKind::PermissionDenied => Exit::NotPermitted,
        _ => Exit::InputOutput,
    }
}

/// The code of a server's answer: by its reason, or else by its status code.
pub fn of_status(status: &Status) -> Exit {
    if client::broke_off(status) {
        return Exit::Unavailable;
    }
    client::reason(status).and_then(of_reason).unwrap_or_else(|| of_code(status.code()))
}

fn of_reason(reason: ErrorReason) -> Option<Exit> {
    Some(match reason {
        ErrorReason::Unspecified => return None,
        ErrorReason::UnknownSubject
        | ErrorReason::NotOnList
        | ErrorReason::NotYetScored
        | ErrorReason::UnknownRecord
        | ErrorReason::UnknownFile
        | ErrorReason::UnknownRun
        | ErrorReason::UnknownGeneration
        | ErrorReason::GenerationNotKept
        | ErrorReason::UnknownPolicy => Exit::Nothing,
        ErrorReason::InvalidArgument
        | ErrorReason::PageTokenOfOtherArguments
        | ErrorReason::PageTokenOfAnotherStore
        | ErrorReason::StoreRestored
        | ErrorReason::AnotherStore
        | ErrorReason::PageTokenInvalid
        | ErrorReason::RevisionCompacted
        | ErrorReason::NoDataDirectory => Exit::Usage,
        ErrorReason::RequestIdReused
        | ErrorReason::EtagMismatch
        | ErrorReason::TooLarge
        | ErrorReason::FileClosed
        | ErrorReason::FileOpen
        | ErrorReason::FileExists
        | ErrorReason::AlreadyManaged
        | ErrorReason::NotManaged
        | ErrorReason::SecondPersonRequired
        | ErrorReason::PolicyNotApproved
        | ErrorReason::PolicyApproved
        | ErrorReason::PolicyActivated
        | ErrorReason::EvaluationRequired
        | ErrorReason::AlreadyMerged
        | ErrorReason::NotMerged
        | ErrorReason::AlreadyRestricted
        | ErrorReason::NotRestricted => Exit::DataRefused,
        ErrorReason::NoActivePolicy
        | ErrorReason::PageTokenExpired
        | ErrorReason::RevisionNotReached
        | ErrorReason::QueueFull
        | ErrorReason::StoreReadOnly
        | ErrorReason::DiskLow
        | ErrorReason::BackupRunning
        | ErrorReason::VerificationRunning
        | ErrorReason::RescoreRunning
        | ErrorReason::ReplayRunning
        | ErrorReason::SimulationRunning
        | ErrorReason::EvaluationRunning
        | ErrorReason::AuditUnavailable
        | ErrorReason::RateLimited
        | ErrorReason::TooManyCalls
        | ErrorReason::Overloaded
        | ErrorReason::DeadlineExceeded
        | ErrorReason::ShuttingDown => Exit::Unavailable,
        ErrorReason::BackupFailed => Exit::InputOutput,
        ErrorReason::PermissionDenied
        | ErrorReason::ProcessingRestricted
        | ErrorReason::Unauthenticated
        | ErrorReason::TokenMalformed
        | ErrorReason::TokenExpired
        | ErrorReason::TokenNotYetValid
        | ErrorReason::TokenWrongIssuer
        | ErrorReason::TokenWrongAudience
        | ErrorReason::TokenSignatureInvalid
        | ErrorReason::TokenKeyUnknown
        | ErrorReason::TokenAlgorithmRefused
        | ErrorReason::TokenClaimsInvalid
        | ErrorReason::CertificateUnknown
        | ErrorReason::IdentityContradictory => Exit::NotPermitted,
        ErrorReason::Internal => Exit::Internal,
    })
}

fn of_code(code: Code) -> Exit {
    match code {
        Code::Ok => Exit::Done,
        Code::NotFound => Exit::Nothing,
        Code::InvalidArgument | Code::OutOfRange => Exit::Usage,
        Code::AlreadyExists | Code::FailedPrecondition | Code::Aborted => Exit::DataRefused,
        Code::Unavailable
        | Code::DeadlineExceeded
        | Code::ResourceExhausted
        | Code::Cancelled
        | Code::Unimplemented => Exit::Unavailable,
        Code::PermissionDenied | Code::Unauthenticated => Exit::NotPermitted,
        Code::Unknown | Code::Internal | Code::DataLoss => Exit::Internal,
    }
}

#[cfg(test)]
mod tests {
    use anyhow::{Context, anyhow};
    use tonic_types::{ErrorDetails, StatusExt};

    use super::*;
    use crate::domain::Revision;
    use crate::store::{AppendError, Unfit};

    fn status(code: Code, reason: &str) -> Status {
        let details = ErrorDetails::with_error_info(reason, "steelyard", std::collections::HashMap::default());
        Status::with_error_details(code, "no", details)
    }

    #[test]
    fn the_reason_tells_more_than_the_code() {
        assert_eq!(of_status(&status(Code::FailedPrecondition, "NOT_ON_LIST")), Exit::Nothing);
        assert_eq!(of_status(&status(Code::FailedPrecondition, "PAGE_TOKEN_EXPIRED")), Exit::Unavailable);
        assert_eq!(of_status(&status(Code::FailedPrecondition, "OF_A_LATER_RELEASE")), Exit::DataRefused);
        assert_eq!(of_status(&Status::permission_denied("no")), Exit::NotPermitted);
    }

    #[test]
    fn a_code_is_found_under_what_was_being_done() {
        let error = anyhow::Error::from(io::Error::from(io::ErrorKind::NotFound)).context("cannot open the file");
        assert_eq!(of(&error), Exit::InputMissing);
        let error = Err::<(), _>(Failure::new(Exit::DataRefused, "3 rows refused")).context("importing").unwrap_err();
        assert_eq!(of(&error), Exit::DataRefused);
        assert_eq!(told(&error), "importing: 3 rows refused");
        assert_eq!(of(&anyhow!("unheard of")), Exit::Internal);
    }

    #[test]
    fn a_writer_that_stopped_ends_the_process_by_what_failed() {
        let engine = StoreError::Engine { doing: "syncing", source: "no answer from the disk".into() };
        let failed = Halt::Write { after: Revision(0), cause: AppendError::Failed(engine) };
        let error = anyhow::Error::from(failed).context("serving");
        assert_eq!(of(&error), Exit::InputOutput);
        assert!(told(&error).contains("no answer from the disk") && told(&error).contains("look at the disk"));
        assert_eq!(of(&Halt::Panicked.into()), Exit::Internal);
        let unfit = AppendError::Unfit(Unfit::NoBody { revision: Revision(1) });
        assert_eq!(of(&Halt::Write { after: Revision(0), cause: unfit }.into()), Exit::Internal);
    }

    #[test]
    fn help_names_every_code() {
        use Exit::{DataRefused, Done, InputMissing, InputOutput, Internal, NotPermitted, Nothing, Unavailable, Usage};
        let named: Vec<u8> = HELP.lines().filter_map(|line| line.split_whitespace().next()?.parse().ok()).collect();
        let codes = [Done, Nothing, Usage, DataRefused, InputMissing, Unavailable, Internal, InputOutput, NotPermitted];
        assert_eq!(named, codes.map(|exit| exit as u8));
    }
}
