//! Keeps count of what a verification finds, and tells it. A store in ruins
//! would otherwise be told value by value: of each step only the first findings
//! are told, the rest are counted.

use std::time::Instant;

use super::told::{Finding, Severity, Step, StepOutcome, Told};

/// Findings of one step that are told one by one.
pub const TOLD_ONE_BY_ONE: u64 = 100;
/// Rows between two tellings of progress.
const PROGRESS_EVERY: u64 = 4_096;

/// The steps so far.
pub struct Report<'a> {
    tell: &'a mut dyn FnMut(Told),
    steps: Vec<StepOutcome>,
}

impl<'a> Report<'a> {
    /// Nothing found yet.
    pub fn new(tell: &'a mut dyn FnMut(Told)) -> Self {
        Self { tell, steps: Vec::new() }
    }

    /// Begins a step of `of` things.
    pub fn step(&mut self, step: Step, of: Option<u64>) -> Stepping<'_, 'a> {
        (self.tell)(Told::Progress { step, done: 0, of });
        let outcome =
            StepOutcome { step, checked: 0, damage: 0, warnings: 0, skipped: None, took: std::time::Duration::ZERO };
        Stepping { report: self, outcome, of, began: Instant::now() }
    }

    /// Tells that a step is not gone through, and why.
    pub fn skip(&mut self, step: Step, why: &str) {
        let mut stepping = self.step(step, None);
        stepping.skipped(why);
        stepping.end();
    }

    /// The steps gone through.
    pub fn into_steps(self) -> Vec<StepOutcome> {
        self.steps
    }
}

/// A step that is being gone through.
pub struct Stepping<'r, 'a> {
    report: &'r mut Report<'a>,
    outcome: StepOutcome,
    of: Option<u64>,
    began: Instant,
}

impl Stepping<'_, '_> {
    /// Counts some things gone through.
    pub fn checked(&mut self, more: u64) {
        let before = self.outcome.checked;
        self.outcome.checked += more;
        if before / PROGRESS_EVERY != self.outcome.checked / PROGRESS_EVERY {
            let (step, done) = (self.outcome.step, self.outcome.checked);
            (self.report.tell)(Told::Progress { step, done, of: self.of.map(|of| of.max(done)) });
        }
    }

    /// Findings of damage so far.
    pub fn damage(&self) -> u64 {
        self.outcome.damage
    }

    /// Tells damage.
    pub fn damaged(&mut self, place: impl ToString, what: impl ToString, remedy: &str) {
        self.found(Severity::Damage, place, what, remedy);
    }

    /// Tells something found.
    pub fn found(&mut self, severity: Severity, place: impl ToString, what: impl ToString, remedy: &str) {
        let count = match severity {
            Severity::Information => None,
            Severity::Warning => Some(&mut self.outcome.warnings),
            Severity::Damage => Some(&mut self.outcome.damage),
        };
        if let Some(count) = count {
            *count += 1;
        }
        if self.outcome.damage + self.outcome.warnings <= TOLD_ONE_BY_ONE {
            let (place, what, remedy) = (place.to_string(), what.to_string(), remedy.to_owned());
            let step = self.outcome.step;
            (self.report.tell)(Told::Finding(Finding { step, severity, place, what, remedy }));
        }
    }

    /// Notes that the step is not gone through, or not to its end, and why.
    pub fn skipped(&mut self, why: impl Into<String>) {
        self.outcome.skipped = Some(why.into());
    }

    /// Ends the step.
    pub fn end(mut self) {
        self.outcome.took = self.began.elapsed();
        let untold = (self.outcome.damage + self.outcome.warnings).saturating_sub(TOLD_ONE_BY_ONE);
        if untold > 0 {
            let (step, severity) =
                (self.outcome.step, if self.outcome.damage > 0 { Severity::Damage } else { Severity::Warning });
            let what = format!("{untold} further findings of this step are counted and not told one by one");
            (self.report.tell)(Told::Finding(Finding {
                step,
                severity,
                place: step.name().to_owned(),
                what,
                remedy: "the same as for those told".to_owned(),
            }));
        }
        (self.report.tell)(Told::Done(self.outcome.clone()));
        self.report.steps.push(self.outcome);
    }
}
