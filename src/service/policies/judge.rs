//! What may be done to a policy from where it stands, and by whom: nobody brings
//! numbers into force alone.

use super::{Approval, Known, Stage};
use crate::access::Caller;
use crate::pb;
use crate::policy::Policy;
use crate::policy::numbers;
use crate::service::fault::{Fault, Unseen};
use crate::service::group::Building;
use crate::service::mutation::{Answer, Mutation};
use crate::service::state::Touched;
use crate::service::writer::Writer;
use crate::store::pb::event::Body;
use crate::store::pb::{PolicyApproved, PolicyDrafted, PolicyScheduled};

/// Something to be done to a policy.
#[derive(Clone, Debug)]
pub enum PolicyChange {
    /// Keep a text that validates as a draft.
    Draft {
        /// The version that it states.
        version: String,
        /// The text.
        text: String,
        /// Version that it is compared with; empty: the one in force.
        base: String,
        /// Who.
        officer: String,
        /// Why.
        reason: String,
    },
    /// Approve one.
    Approve {
        /// Its version.
        version: String,
        /// Who.
        officer: String,
        /// What they say of it.
        note: String,
        /// What they have seen of it.
        seen: Box<Seen>,
    },
    /// Have one come into force with the next run that begins and publishes.
    Activate {
        /// Its version.
        version: String,
        /// Who.
        officer: String,
        /// Why.
        reason: String,
    },
}

/// What an approver has seen, as far as the server that they ask has it.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// The evaluation and the simulation, where both are fresh and are those that the approver names.
    pub approval: Option<Approval>,
    /// What is missing else.
    pub unseen: Unseen,
}

impl Writer {
    /// Judges a change of policies, and stages it.
    pub(in crate::service) fn change_policy(
        &mut self,
        mutation: &Mutation,
        change: &PolicyChange,
        group: &mut Building<'_>,
        touched: &mut Touched,
    ) -> Result<Answer, Fault> {
        let (body, remarks) = match change.clone() {
            PolicyChange::Draft { version, text, base, officer, reason } => {
                let (base_version, remarks) = self.draft(&version, &text, base)?;
                let digest = blake3::hash(text.as_bytes()).as_bytes().to_vec();
                let drafted = PolicyDrafted { version, text, digest, base_version, officer, reason };
                (Body::PolicyDrafted(drafted), remarks)
            }
            PolicyChange::Approve { version, officer, note, seen } => {
                self.approve(&version, &officer, &mutation.caller)?;
                let Seen { approval, unseen } = *seen;
                let Some(Approval { evaluation, simulation, bounds }) = approval else {
                    return Err(Fault::EvaluationRequired(Box::new(unseen)));
                };
                let (evaluation, simulation) = (Some(evaluation), Some(simulation));
                let approved = PolicyApproved { version, officer, note, evaluation, simulation, bounds };
                (Body::PolicyApproved(approved), Vec::new())
            }
            PolicyChange::Activate { version, officer, reason } => {
                let remarks = self.activate(&version, &officer, &mutation.caller)?;
                (Body::PolicyScheduled(PolicyScheduled { version, officer, reason }), remarks)
            }
        };
        self.push(group, touched, &mutation.caller, &mutation.request_id, None, body)?;
        let answer = Answer { revision: group.head(), verdicts: Vec::new(), remarks };
        group.answer(&mutation.caller, mutation.request_id, mutation.digest, &answer, true);
        Ok(answer)
    }

    /// The version that a draft is compared with, and what its drafter may want to look at again.
    fn draft(&self, version: &str, text: &str, base: String) -> Result<(String, Vec<String>), Fault> {
        let policies = self.state.policies();
        let in_force = policies.in_force().map_or("", |known| &*known.version);
        let base = if base.is_empty() { in_force.to_owned() } else { base };
        let mut violations = Vec::new();
        // Two that look alike would be taken for each other by whoever approves.
        let alike = |known: &str| known.trim().eq_ignore_ascii_case(version.trim());
        if policies.newest_first().iter().any(|known| alike(&known.version)) {
            violations.push(version_taken(version));
        }
        let held = policies.get(&base);
        if held.is_none() && !base.is_empty() {
            violations.push(unknown_base(&base));
        }
        if !violations.is_empty() {
            return Err(Fault::Invalid(violations));
        }
        let mut remarks = Vec::new();
        if base != in_force {
            remarks.push(format!("It is made from {base}, but {in_force} is in force: compare them too."));
        }
        if held.is_some_and(|held| numbers::changes(&held.text, text).is_empty()) {
            remarks.push(format!("No number differs from {base}."));
        }
        Ok((base, remarks))
    }

    fn approve(&self, version: &str, officer: &str, caller: &Caller) -> Result<(), Fault> {
        let known = self.state.policies().get(version).ok_or(Fault::UnknownPolicy)?;
        if known.approved.is_some() {
            return Err(Fault::PolicyApproved);
        }
        if known.drafted.as_ref().is_some_and(|drafted| drafted.is_of(officer, caller)) {
            return Err(Fault::SecondPersonRequired);
        }
        Ok(())
    }

    /// What follows from having a policy come into force.
    fn activate(&self, version: &str, officer: &str, caller: &Caller) -> Result<Vec<String>, Fault> {
        let policies = self.state.policies();
        let known = policies.get(version).ok_or(Fault::UnknownPolicy)?;
        let called_off = policies.next().map(|next| format!("{} no longer waits for a run.", next.version));
        match policies.stage(known) {
            Stage::AwaitingRun => return Err(Fault::PolicyActivated),
            Stage::InForce => return called_off.map(|told| vec![told]).ok_or(Fault::PolicyActivated),
            Stage::Draft | Stage::Approved | Stage::Superseded => {}
        }
        two_people(known, officer, caller)?;
        // It was valid when it was drafted, perhaps over the tables of another version.
        Policy::parse(&known.text).map_err(|violations| Fault::Invalid(super::read::violations(&violations)))?;
        let in_force = policies.in_force().map_or("", |known| &*known.version);
        let mut remarks = vec![format!(
            "Nothing has changed yet: everybody is weighed by {in_force} until a run publishes under {version}."
        )];
        remarks.extend(called_off);
        if known.drafted.is_some() && *known.base != *in_force {
            remarks.push(format!("It was made from {}, but {in_force} is in force: compare them too.", known.base));
        }
        Ok(remarks)
    }
}

/// Whether two people stand behind a policy: drafter and approver, or, where nobody drafted it, approver and this officer.
fn two_people(known: &Known, officer: &str, caller: &Caller) -> Result<(), Fault> {
    let approved = known.approved.as_ref().ok_or(Fault::PolicyNotApproved)?;
    if known.drafted.is_none() && approved.is_of(officer, caller) {
        return Err(Fault::SecondPersonRequired);
    }
    Ok(())
}

/// Whether two references are of one officer, in whichever case they are written.
pub fn same_officer(one: &str, other: &str) -> bool {
    one.eq_ignore_ascii_case(other)
}

/// A version is one set of numbers for ever.
pub(super) fn version_taken(version: &str) -> pb::Violation {
    violation(
        "version",
        "VERSION_TAKEN",
        format!("a policy {version} is known already: give this one a version of its own"),
    )
}

/// What differs is told against a policy that is known.
pub(super) fn unknown_base(base: &str) -> pb::Violation {
    violation("base_version", "UNKNOWN_POLICY", format!("no policy {base} is known"))
}

fn violation(field: &str, reason: &str, description: String) -> pb::Violation {
    pb::Violation { field: field.to_owned(), reason: reason.to_owned(), description }
}
