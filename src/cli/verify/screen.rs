//! A verification as a person reads it: one line a step, under it what was found,
//! what that means and what to do; at the end one line that says how it stands.

use std::fmt::Write as _;

use serde::Serialize;

use super::super::output::{Page, count, indented, plain};
use crate::pb;
use crate::pb::verify_store_response::Told;
use crate::service::verify::Step;

/// Everything that was told, as `-o json` prints it.
#[derive(Debug, Default, Serialize)]
pub struct Verified {
    findings: Vec<pb::VerificationFinding>,
    steps: Vec<pb::VerificationStepOutcome>,
    /// How it ended.
    pub outcome: Option<pb::VerificationOutcome>,
}

impl Verified {
    /// Keeps what is told, but progress.
    pub fn take(&mut self, told: Told) {
        match told {
            Told::Progress(_) => {}
            Told::Finding(finding) => self.findings.push(finding),
            Told::Step(step) => self.steps.push(step),
            Told::Outcome(outcome) => self.outcome = Some(outcome),
        }
    }
}

/// What one message says; `None`: nothing that is printed.
pub fn told(told: &Told, page: Page) -> Option<String> {
    match told {
        Told::Progress(_) => None,
        Told::Finding(found) => Some(finding(found, page)),
        Told::Step(outcome) => Some(step(outcome)),
        Told::Outcome(outcome) => Some(end(outcome, page)),
    }
}

/// The name of a step.
pub const fn step_name(step: pb::VerificationStep) -> &'static str {
    match step {
        pb::VerificationStep::Unspecified => "verifying",
        pb::VerificationStep::Values => Step::Values.name(),
        pb::VerificationStep::Chain => Step::Chain.name(),
        pb::VerificationStep::SubjectIndex => Step::SubjectIndex.name(),
        pb::VerificationStep::KindIndex => Step::KindIndex.name(),
        pb::VerificationStep::Requests => Step::Requests.name(),
        pb::VerificationStep::Dossiers => Step::Dossiers.name(),
        pb::VerificationStep::Standings => Step::Standings.name(),
        pb::VerificationStep::Journal => Step::Journal.name(),
        pb::VerificationStep::Backups => Step::Backups.name(),
        pb::VerificationStep::Directory => Step::Directory.name(),
    }
}

const fn counts(step: pb::VerificationStep) -> &'static str {
    match step {
        pb::VerificationStep::Unspecified => "",
        pb::VerificationStep::Values => Step::Values.counts(),
        pb::VerificationStep::Chain => Step::Chain.counts(),
        pb::VerificationStep::SubjectIndex => Step::SubjectIndex.counts(),
        pb::VerificationStep::KindIndex => Step::KindIndex.counts(),
        pb::VerificationStep::Requests => Step::Requests.counts(),
        pb::VerificationStep::Dossiers => Step::Dossiers.counts(),
        pb::VerificationStep::Standings => Step::Standings.counts(),
        pb::VerificationStep::Journal => Step::Journal.counts(),
        pb::VerificationStep::Backups => Step::Backups.counts(),
        pb::VerificationStep::Directory => Step::Directory.counts(),
    }
}

fn finding(found: &pb::VerificationFinding, page: Page) -> String {
    let word = match found.severity() {
        pb::FindingSeverity::Unspecified | pb::FindingSeverity::Information => "note",
        pb::FindingSeverity::Warning => "warning",
        pb::FindingSeverity::Damage => "DAMAGE",
    };
    let head = format!("  {word}: {}", plain(&found.place));
    let head = if found.severity() == pb::FindingSeverity::Damage { page.bold(&head) } else { head };
    let text = indented(&found.description, 4, page.width);
    format!("{head}\n{text}{}", indented(&format!("do: {}", found.remedy), 4, page.width))
}

fn step(outcome: &pb::VerificationStepOutcome) -> String {
    let took = outcome.took.as_ref().map_or((0, 0), |took| (took.seconds, took.nanos / 100_000_000));
    let step = outcome.step();
    let mut line =
        format!("{:<16}{:>12} {:<9}{:>5}.{} s  ", step_name(step), count(outcome.checked), counts(step), took.0, took.1);
    let found = findings(outcome.damage, outcome.warnings);
    line += match (outcome.skipped.is_empty(), found.is_empty()) {
        (true, true) => "sound",
        (true, false) => &found,
        (false, true) => "not checked",
        (false, false) => &found,
    };
    if !outcome.skipped.is_empty() {
        let _ = write!(line, ": {}", plain(&outcome.skipped));
    }
    line + "\n"
}

/// Such as `2 findings, 1 warning`.
fn findings(damage: u64, warnings: u64) -> String {
    let of = |number: u64, word: &str| match number {
        0 => None,
        1 => Some(format!("1 {word}")),
        more => Some(format!("{} {word}s", count(more))),
    };
    [of(damage, "finding"), of(warnings, "warning")].into_iter().flatten().collect::<Vec<_>>().join(", ")
}

fn end(outcome: &pb::VerificationOutcome, page: Page) -> String {
    let mut text = String::new();
    if outcome.revision > 0 {
        let _ = writeln!(text, "head {}:{}", outcome.revision, plain(&outcome.head_hash));
    }
    if !outcome.standings_digest.is_empty() {
        let _ = writeln!(text, "standings {}", plain(&outcome.standings_digest));
    }
    let found = findings(outcome.damage, outcome.warnings);
    let last = match (outcome.sound, found.is_empty()) {
        (true, true) => "sound".to_owned(),
        (true, false) => format!("sound, {found}"),
        (false, true) => "not verified to its end".to_owned(),
        (false, false) => found,
    };
    text + &page.bold(&last) + "\n"
}
