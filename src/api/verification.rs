//! What a verification tells, in the words of the contract.

use crate::pb;
use crate::pb::verify_store_response::Told as Message;
use crate::service::verify::{Finding, Outcome, Severity, Step, StepOutcome, Told};

/// A message on the way.
pub fn told(told: Told) -> pb::VerifyStoreResponse {
    let message = match told {
        Told::Progress { step, done, of } => {
            Message::Progress(pb::VerificationProgress { step: number(step).into(), done, of: of.unwrap_or_default() })
        }
        Told::Finding(found) => Message::Finding(finding(found)),
        Told::Done(outcome) => Message::Step(step_outcome(&outcome)),
    };
    pb::VerifyStoreResponse { told: Some(message) }
}

/// The last message.
pub fn outcome(outcome: &Outcome) -> pb::VerifyStoreResponse {
    let hex = |digest: [u8; 32]| blake3::Hash::from_bytes(digest).to_hex().to_string();
    let outcome = pb::VerificationOutcome {
        revision: outcome.head.revision.0,
        head_hash: hex(outcome.head.hash),
        sound: outcome.sound(),
        damage: outcome.damage(),
        warnings: outcome.warnings(),
        standings_digest: outcome.standings.map(hex).unwrap_or_default(),
    };
    pb::VerifyStoreResponse { told: Some(Message::Outcome(outcome)) }
}

fn finding(found: Finding) -> pb::VerificationFinding {
    let severity = match found.severity {
        Severity::Information => pb::FindingSeverity::Information,
        Severity::Warning => pb::FindingSeverity::Warning,
        Severity::Damage => pb::FindingSeverity::Damage,
    };
    pb::VerificationFinding {
        step: number(found.step).into(),
        severity: severity.into(),
        place: found.place,
        description: found.what,
        remedy: found.remedy,
    }
}

fn step_outcome(outcome: &StepOutcome) -> pb::VerificationStepOutcome {
    pb::VerificationStepOutcome {
        step: number(outcome.step).into(),
        checked: outcome.checked,
        damage: outcome.damage,
        warnings: outcome.warnings,
        skipped: outcome.skipped.clone().unwrap_or_default(),
        took: Some(pbjson_types::Duration {
            seconds: i64::try_from(outcome.took.as_secs()).unwrap_or(i64::MAX),
            nanos: i32::try_from(outcome.took.subsec_nanos()).unwrap_or_default(),
        }),
    }
}

const fn number(step: Step) -> pb::VerificationStep {
    match step {
        Step::Values => pb::VerificationStep::Values,
        Step::Chain => pb::VerificationStep::Chain,
        Step::SubjectIndex => pb::VerificationStep::SubjectIndex,
        Step::KindIndex => pb::VerificationStep::KindIndex,
        Step::Requests => pb::VerificationStep::Requests,
        Step::Dossiers => pb::VerificationStep::Dossiers,
        Step::Standings => pb::VerificationStep::Standings,
        Step::Journal => pb::VerificationStep::Journal,
        Step::Backups => pb::VerificationStep::Backups,
        Step::Directory => pb::VerificationStep::Directory,
    }
}
