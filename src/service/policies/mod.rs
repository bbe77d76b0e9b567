//! Policies by version: who drafted, approved and activated each, when and why.
//! [`Policies`] is what the ledger folds to; readers see an immutable copy of it.
//! A policy that was activated waits here for a run: nobody is weighed by it
//! before a run publishes under it.

pub(super) mod judge;
mod read;
mod simulate;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::access::Caller;
use crate::domain::Revision;
use crate::pb;
use crate::store::pb::Event;
use crate::store::pb::event::Body;

pub use judge::{PolicyChange, Seen};
pub use read::violations;
pub use simulate::Trial;

/// Most bytes of a policy's text: the reference policy takes an eighth.
pub const TEXT_BYTES: usize = 128 << 10;

/// One thing done to a policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// The officer.
    pub officer: Box<str>,
    /// Why, in the officer's words.
    pub reason: Box<str>,
    /// Who called the service.
    pub actor: Box<str>,
    /// On whose behalf; empty: their own.
    pub on_behalf_of: Box<str>,
    /// When it was kept, microseconds since 1970.
    pub micros: i64,
    /// Revision at which.
    pub revision: Revision,
}

impl Step {
    /// Who decided, as far as callers are told apart.
    fn person(&self) -> &str {
        if self.on_behalf_of.is_empty() { &self.actor } else { &self.on_behalf_of }
    }

    /// Whether an officer whom a caller names is the one of this step, or the caller is. References of one officer are the
    /// same in whichever case they are written.
    pub fn is_of(&self, officer: &str, caller: &Caller) -> bool {
        self.officer.eq_ignore_ascii_case(officer) || caller.person().eq_ignore_ascii_case(self.person())
    }
}

/// A time in which a policy was in force; microseconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Term {
    /// From when.
    pub from_micros: i64,
    /// From which revision.
    pub from: Revision,
    /// Until when; `None`: it still is.
    pub until_micros: Option<i64>,
}

/// What an approver had seen of a policy, and the bounds that they set.
#[derive(Clone, Debug, PartialEq)]
pub struct Approval {
    /// The evaluation.
    pub evaluation: pb::Evaluation,
    /// The simulation.
    pub simulation: pb::KeptSimulation,
    /// Bounds beyond which a later evaluation flags drift.
    pub bounds: Vec<pb::DriftBound>,
}

/// A policy that is known.
#[derive(Clone, Debug, PartialEq)]
pub struct Known {
    /// Its version.
    pub version: Arc<str>,
    /// Its full text.
    pub text: Arc<str>,
    /// Version that its numbers are compared with; empty: none.
    pub base: Box<str>,
    /// Revision at which it became known.
    pub since: Revision,
    /// Who drafted it; `None`: the service was started with it.
    pub drafted: Option<Step>,
    /// Who approved it.
    pub approved: Option<Step>,
    /// What the approver had seen; `None`: nobody approved it, or that was before it was asked for.
    pub seen: Option<Arc<Approval>>,
    /// Who activated it last.
    pub scheduled: Option<Step>,
    /// When it was in force, the oldest first.
    pub terms: Vec<Term>,
}

/// A policy that was approved and activated and is not in force yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NextPolicy {
    /// Its version.
    pub version: Arc<str>,
    /// Its full text.
    pub text: Arc<str>,
}

/// How far a policy has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Drafted.
    Draft,
    /// Approved.
    Approved,
    /// Waits for a run.
    AwaitingRun,
    /// In force.
    InForce,
    /// Was in force.
    Superseded,
}

/// Every policy that the ledger knows.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Policies {
    known: BTreeMap<Arc<str>, Arc<Known>>,
    in_force: Option<Arc<str>>,
    next: Option<NextPolicy>,
}

impl Policies {
    /// A policy by its version.
    pub fn get(&self, version: &str) -> Option<&Arc<Known>> {
        self.known.get(version)
    }

    /// The policy in force.
    pub fn in_force(&self) -> Option<&Arc<Known>> {
        self.get(self.in_force.as_deref()?)
    }

    /// The policy that comes into force with the next run that begins and publishes.
    pub fn next(&self) -> Option<&NextPolicy> {
        self.next.as_ref()
    }

    /// Every policy, the newest first.
    pub fn newest_first(&self) -> Vec<&Arc<Known>> {
        let mut known: Vec<&Arc<Known>> = self.known.values().collect();
        known.sort_unstable_by_key(|known| std::cmp::Reverse(known.since));
        known
    }

    /// How far a policy has come.
    pub fn stage(&self, known: &Known) -> Stage {
        if self.next.as_ref().is_some_and(|next| next.version == known.version) {
            Stage::AwaitingRun
        } else if self.in_force.as_deref() == Some(&*known.version) {
            Stage::InForce
        } else if !known.terms.is_empty() {
            Stage::Superseded
        } else if known.approved.is_some() {
            Stage::Approved
        } else {
            Stage::Draft
        }
    }

    /// Folds an event in; of any other kind than policies it changes nothing.
    ///
    /// # Errors
    /// When it is about a policy that the ledger does not know.
    pub(super) fn fold(&mut self, event: &Event) -> Result<(), &'static str> {
        let step = |officer: &str, reason: &str| Step {
            officer: officer.into(),
            reason: reason.into(),
            actor: event.actor.as_str().into(),
            on_behalf_of: event.on_behalf_of.as_str().into(),
            micros: event.recorded_micros,
            revision: Revision(event.revision),
        };
        match &event.body {
            Some(Body::PolicyDrafted(drafted)) => {
                let known = Known {
                    version: drafted.version.as_str().into(),
                    text: drafted.text.as_str().into(),
                    base: drafted.base_version.as_str().into(),
                    since: Revision(event.revision),
                    drafted: Some(step(&drafted.officer, &drafted.reason)),
                    approved: None,
                    seen: None,
                    scheduled: None,
                    terms: Vec::new(),
                };
                self.known.insert(Arc::clone(&known.version), Arc::new(known));
            }
            Some(Body::PolicyApproved(approved)) => {
                let known = self.change(&approved.version).ok_or("it approves a policy that is not known")?;
                known.approved = Some(step(&approved.officer, &approved.note));
                known.seen =
                    approved.evaluation.clone().zip(approved.simulation.clone()).map(|(evaluation, simulation)| {
                        Arc::new(Approval { evaluation, simulation, bounds: approved.bounds.clone() })
                    });
            }
            Some(Body::PolicyScheduled(scheduled)) => {
                let in_force = self.in_force.as_deref() == Some(&*scheduled.version);
                let known = self.change(&scheduled.version).ok_or("it activates a policy that is not known")?;
                // Activating the one in force calls the other off: who brought it in stays who that was.
                if !in_force || known.scheduled.is_none() {
                    known.scheduled = Some(step(&scheduled.officer, &scheduled.reason));
                }
                let next = NextPolicy { version: Arc::clone(&known.version), text: Arc::clone(&known.text) };
                self.next = (self.in_force.as_deref() != Some(&*next.version)).then_some(next);
            }
            Some(Body::PolicyActivated(activated)) => self.activate(event, &activated.version, &activated.text),
            Some(
                Body::EvidenceWritten(_)
                | Body::EvidenceWithdrawn(_)
                | Body::AsOfMoved(_)
                | Body::RequestAnswered(_)
                | Body::AuditAnchored(_)
                | Body::SubjectsMerged(_)
                | Body::SubjectsUnmerged(_)
                | Body::ProcessingRestricted(_)
                | Body::RestrictionLifted(_)
                | Body::DisclosureRecorded(_)
                | Body::RetentionReviewed(_)
                | Body::OutstandingNoted(_)
                | Body::AlignmentNoted(_)
                | Body::RescoreStarted(_)
                | Body::RescoreEnded(_)
                | Body::GenerationPublished(_)
                | Body::Erased(_)
                | Body::SubjectErased(_)
                | Body::GenerationBlanked(_),
            )
            | None => {}
        }
        Ok(())
    }

    fn change(&mut self, version: &str) -> Option<&mut Known> {
        self.known.get_mut(version).map(Arc::make_mut)
    }

    fn activate(&mut self, event: &Event, version: &str, text: &str) {
        let base = self.in_force.clone();
        let again = base.as_deref() == Some(version);
        if let Some(before) = base.as_deref().filter(|_| !again).and_then(|before| self.change(before))
            && let Some(term) = before.terms.last_mut()
        {
            term.until_micros = Some(event.recorded_micros);
        }
        let known = self.known.entry(version.into()).or_insert_with_key(|version| {
            Arc::new(Known {
                version: Arc::clone(version),
                text: text.into(),
                base: base.as_deref().unwrap_or_default().into(),
                since: Revision(event.revision),
                drafted: None,
                approved: None,
                seen: None,
                scheduled: None,
                terms: Vec::new(),
            })
        });
        let known = Arc::make_mut(known);
        // What people are weighed by is the text of the event, whatever was drafted.
        if *known.text != *text {
            known.text = text.into();
        }
        if !again {
            let (from_micros, from) = (event.recorded_micros, Revision(event.revision));
            known.terms.push(Term { from_micros, from, until_micros: None });
        }
        self.in_force = Some(Arc::clone(&known.version));
        if self.next.as_ref().is_some_and(|next| *next.version == *version) {
            self.next = None;
        }
    }
}
