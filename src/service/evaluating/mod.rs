//! A policy held against what people went on to do. The ledger is read as it was
//! known on each index date ([`known`]), everybody is scored on it ([`people`]),
//! and the order is measured against what came after ([`measured`]): how well it
//! does, whether it is fair, how it holds when its numbers move, and what became
//! of those who were selected. Nothing is published, and what was sent in is
//! forgotten with the evaluation that it was sent for.

mod after_selection;
mod drift;
mod fairness;
mod judge;
pub mod kept;
mod known;
mod leakage;
mod limits;
mod measured;
mod people;
mod run;
mod stability;
mod tables;
pub mod terms;
#[cfg(test)]
mod tests;

use std::panic::{self, AssertUnwindSafe};
use std::sync::Arc;

use tokio::sync::mpsc;
use tracing::error;

use super::Service;
use super::fault::Fault;
use super::keeping::step_back;
use crate::access::Caller;
use crate::pb;
use run::Run;
use terms::Asked;

/// Told of an evaluation.
#[derive(Debug)]
pub enum Evaluating {
    /// What is being done, how much of it is done and of how much.
    Progress(&'static str, u64, u64),
    /// The last word: the evaluation.
    Done(Box<pb::Evaluation>),
    /// The last word: it could not be made.
    Failed(Fault),
}

impl Service {
    /// Evaluates a policy. What is received ends with [`Evaluating::Done`] or [`Evaluating::Failed`].
    ///
    /// # Errors
    /// [`Fault::OutOfScope`] for a list that is not the caller's to read, and for a caller who does not see the whole force;
    /// [`Fault::UnknownPolicy`], [`Fault::EvaluationRunning`], [`Fault::NoActivePolicy`], or everything wrong with what is
    /// asked.
    pub fn evaluate(&self, caller: &Caller, asked: &Asked) -> Result<mpsc::Receiver<Evaluating>, Fault> {
        let standings = self.newest().ok_or(Fault::NoActivePolicy)?;
        let list = crate::domain::word::List::from_proto(asked.terms.list);
        Self::sight_of(caller, &standings, list.unwrap_or(crate::domain::word::List::All))?;
        // Its numbers are of everybody, so they are for those alone who may see every area.
        if caller.scope().areas().is_some() {
            return Err(Fault::OutOfScope);
        }
        let policies = self.policies();
        let now = (self.now)();
        let terms = judge::judge(asked, &standings, &policies, now)?;
        let tables = tables::tables(asked)?;
        let permit = Arc::clone(&self.evaluating).try_acquire_owned().map_err(|_| Fault::EvaluationRunning)?;
        let (tell, heard) = mpsc::channel(4);
        let approved = policies.get(&terms.policy.version).and_then(|known| known.seen.clone());
        let context = self.context(&standings);
        let service = self.clone();
        let spawned = std::thread::Builder::new().name("evaluation".to_owned()).spawn(move || {
            step_back();
            let run = Run {
                store: &*service.store,
                now: &standings,
                terms,
                tables,
                approved,
                context,
                made: now,
                tell: &tell,
            };
            let made = panic::catch_unwind(AssertUnwindSafe(|| run.evaluation()));
            let last = match made.unwrap_or(Err(Fault::Internal)) {
                Ok(evaluation) => {
                    if !evaluation.terms.as_ref().is_some_and(|terms| terms.version.is_empty()) {
                        service.kept.evaluated(&evaluation);
                    }
                    Evaluating::Done(Box::new(evaluation))
                }
                Err(fault) => Evaluating::Failed(fault),
            };
            // Held until here, though whoever asked may be gone by then; and let go of before they hear that it is over.
            drop(permit);
            let _ = tell.blocking_send(last);
        });
        spawned.map_err(|error| {
            error!(error = %error, "an evaluation could not be started");
            Fault::Internal
        })?;
        Ok(heard)
    }
}
