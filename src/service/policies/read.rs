//! What readers are told of policies.

use std::sync::Arc;

use jiff::Timestamp;

use super::{Known, Policies, Stage, Step, Term, judge};
use crate::access::{Caller, Disclosure};
use crate::pb;
use crate::policy::numbers::{Changed, changes, stated_version};
use crate::policy::{Policy, PolicyViolation};
use crate::service::fault::Fault;
use crate::service::{Seen, Service, timestamp};

impl Service {
    /// Every policy as the newest commit leaves it.
    pub fn policies(&self) -> Arc<Policies> {
        self.board.policies()
    }

    /// One policy, or the one in force.
    ///
    /// # Errors
    /// [`Fault::UnknownPolicy`], and as [`standings`](Self::standings).
    pub async fn policy(
        &self,
        _caller: &Caller,
        asked: &pb::GetPolicyRequest,
    ) -> Result<Disclosure<pb::GetPolicyResponse>, Fault> {
        let standings = self.standings(Seen::new(asked.min_revision, &asked.store)).await?;
        let policies = self.policies();
        let known = if asked.version.is_empty() { policies.in_force() } else { policies.get(&asked.version) };
        let known = known.ok_or(Fault::UnknownPolicy)?;
        let (evaluation, simulation, bounds) = match &known.seen {
            Some(seen) => (Some(seen.evaluation.clone()), Some(seen.simulation.clone()), seen.bounds.clone()),
            None => self.kept.of(&known.version),
        };
        let answer = pb::GetPolicyResponse {
            context: Some(self.context(&standings)),
            policy: Some(outline(&policies, known)),
            text: known.text.to_string(),
            changes: changes_to(policies.get(&known.base), &known.text),
            evaluation,
            simulation,
            bounds,
        };
        Ok(nobody(answer))
    }

    /// The newest policies.
    ///
    /// # Errors
    /// As [`standings`](Self::standings).
    pub async fn list_policies(
        &self,
        _caller: &Caller,
        asked: &pb::ListPoliciesRequest,
        limit: usize,
    ) -> Result<Disclosure<pb::ListPoliciesResponse>, Fault> {
        let standings = self.standings(Seen::new(asked.min_revision, &asked.store)).await?;
        let policies = self.policies();
        let known = policies.newest_first();
        let answer = pb::ListPoliciesResponse {
            context: Some(self.context(&standings)),
            total: u32::try_from(known.len()).unwrap_or(u32::MAX),
            policies: known.into_iter().take(limit).map(|known| outline(&policies, known)).collect(),
            awaiting_version: policies.next().map(|next| next.version.to_string()).unwrap_or_default(),
        };
        Ok(nobody(answer))
    }

    /// Everything wrong with a text, and what it changes.
    ///
    /// # Errors
    /// As [`standings`](Self::standings).
    pub async fn validate_policy(
        &self,
        _caller: &Caller,
        asked: &pb::ValidatePolicyRequest,
    ) -> Result<Disclosure<pb::ValidatePolicyResponse>, Fault> {
        let standings = self.standings(Seen::new(asked.min_revision, &asked.store)).await?;
        let policies = self.policies();
        let violations = self.faults_of(&asked.text, "");
        let changes = if violations.is_empty() { changes_to(policies.in_force(), &asked.text) } else { Vec::new() };
        let answer = pb::ValidatePolicyResponse {
            context: Some(self.context(&standings)),
            version: stated_version(&asked.text).unwrap_or_default(),
            violations,
            changes,
        };
        Ok(nobody(answer))
    }

    /// Everything wrong with a text that is to be a draft made from `base`: of itself, that its version is taken, that there
    /// is no such base.
    pub fn faults_of(&self, text: &str, base: &str) -> Vec<pb::Violation> {
        let policies = self.policies();
        let mut faults = Policy::parse(text).err().map(|faults| violations(&faults)).unwrap_or_default();
        if let Some(version) = stated_version(text).filter(|version| policies.get(version).is_some()) {
            faults.push(judge::version_taken(&version));
        }
        if !base.is_empty() && policies.get(base).is_none() {
            faults.push(judge::unknown_base(base));
        }
        faults
    }

    /// The base of a draft that was kept, and what it changes.
    pub fn drafted(&self, version: &str) -> (String, Vec<pb::NumberChange>) {
        let policies = self.policies();
        let Some(known) = policies.get(version) else { return (String::new(), Vec::new()) };
        (known.base.to_string(), changes_to(policies.get(&known.base), &known.text))
    }
}

/// An answer about policies discloses nobody.
fn nobody<T>(answer: T) -> Disclosure<T> {
    Disclosure { answer, subjects: Vec::new() }
}

/// Faults of a text in the contract: the field is the key at fault.
pub fn violations(faults: &[PolicyViolation]) -> Vec<pb::Violation> {
    let violation = |fault: &PolicyViolation| pb::Violation {
        field: fault.path.clone(),
        reason: fault.reason.to_owned(),
        description: format!("{} {}", fault.path, fault.message),
    };
    faults.iter().map(violation).collect()
}

/// Numbers in which a text differs from a policy; none where there is no policy.
pub(super) fn changes_to(base: Option<&Arc<Known>>, text: &str) -> Vec<pb::NumberChange> {
    let change = |Changed { key, from, to }| pb::NumberChange { key, from, to };
    base.map(|base| changes(&base.text, text).into_iter().map(change).collect()).unwrap_or_default()
}

fn outline(policies: &Policies, known: &Known) -> pb::Policy {
    pb::Policy {
        version: known.version.to_string(),
        state: match policies.stage(known) {
            Stage::Draft => pb::PolicyState::Draft,
            Stage::Approved => pb::PolicyState::Approved,
            Stage::AwaitingRun => pb::PolicyState::AwaitingRun,
            Stage::InForce => pb::PolicyState::InForce,
            Stage::Superseded => pb::PolicyState::Superseded,
        }
        .into(),
        base_version: known.base.to_string(),
        drafted: known.drafted.as_ref().map(step),
        approved: known.approved.as_ref().map(step),
        activated: known.scheduled.as_ref().map(step),
        terms: known.terms.iter().map(term).collect(),
        digest: blake3::hash(known.text.as_bytes()).to_hex().to_string(),
    }
}

fn step(step: &Step) -> pb::PolicyStep {
    pb::PolicyStep {
        officer: step.officer.to_string(),
        reason: step.reason.to_string(),
        time: instant(step.micros),
        revision: step.revision.0,
        actor: step.actor.to_string(),
    }
}

fn term(term: &Term) -> pb::PolicyTerm {
    pb::PolicyTerm {
        from_time: instant(term.from_micros),
        from_revision: term.from.0,
        until_time: term.until_micros.and_then(instant),
    }
}

fn instant(micros: i64) -> Option<pbjson_types::Timestamp> {
    Timestamp::from_microsecond(micros).map(timestamp).ok()
}
