//! Decisions about the cohort: the decision itself, with the standing frozen
//! into it, and the membership that follows from it.

use super::{Composed, Decide, held_record};
use crate::domain::dossier::Dossier;
use crate::domain::evidence::CohortMembership;
use crate::domain::word::DecisionKind;
use crate::pb;
use crate::pb::record::Kind;
use crate::service::fault::Fault;
use crate::service::group::Building;
use crate::service::writer::Writer;

/// Most characters of a decision's id: the membership that it begins is named after it.
pub const DECISION_ID: usize = 60;

impl Writer {
    pub(super) fn decide(&self, decide: &Decide, group: &Building<'_>) -> Result<Composed, Fault> {
        let mut record = decide.record.clone();
        let Some(Kind::CohortDecision(decision)) = &decide.record.kind else { return Err(Fault::Internal) };
        let subject = self.state.subject(&record.subject_ref).ok_or(Fault::UnknownSubject)?;
        let dossier = &*self.state.whole(subject);
        if self.state.holder(&record.id).is_some() {
            return Err(Fault::FileExists);
        }
        let policy = self.state.rules().ok_or(Fault::NoActivePolicy)?;
        let same = dossier.revision() == decide.seen
            && self.state.as_of() == Some(decide.as_of)
            && policy.policy.version == decide.policy_version;
        if !same {
            // Something was written of the person since the standing was read: whoever asks reads it again.
            return Err(Fault::EtagMismatch);
        }
        let held = dossier.membership();
        // A decision about a member goes to the history that the membership is in.
        if let Some(history) = held.and_then(|(filed, _)| self.state.holding(subject, &filed.id)) {
            self.state.dossier(history).subject_ref().clone_into(&mut record.subject_ref);
        }
        if let (DecisionKind::Retain | DecisionKind::Deselect, Some((_, membership))) = (decide.kind, held)
            && decision.status != i32::from(membership.status.proto())
        {
            return Err(Fault::field(
                "status",
                "CONTRADICTION",
                "status is another than the person has: record CHANGE_STATUS for that",
            ));
        }
        let membership = match (decide.kind, held) {
            (DecisionKind::Select, None) => {
                let membership = selected(&record, decision);
                if self.state.holder(&membership.id).is_some() {
                    return Err(Fault::FileExists);
                }
                Some(membership)
            }
            (DecisionKind::Decline, None) => None,
            (DecisionKind::Select | DecisionKind::Decline, Some(_)) => return Err(Fault::AlreadyManaged),
            (DecisionKind::Retain | DecisionKind::Deselect | DecisionKind::ChangeStatus, None) => {
                return Err(Fault::NotManaged);
            }
            (DecisionKind::Retain, Some((filed, held))) => {
                let unchanged = same_terms(held, decision);
                if unchanged { None } else { Some(changed(dossier, &filed.id, decision, "", group)?) }
            }
            (DecisionKind::ChangeStatus, Some((filed, held))) => {
                if decision.status == i32::from(held.status.proto()) {
                    return Err(Fault::field(
                        "status",
                        "CONTRADICTION",
                        "status is the one that the person has already",
                    ));
                }
                Some(changed(dossier, &filed.id, decision, "", group)?)
            }
            (DecisionKind::Deselect, Some((filed, _))) => {
                Some(changed(dossier, &filed.id, decision, &record.event_date, group)?)
            }
        };
        Ok(Composed { records: [Some(record), membership].into_iter().flatten().collect(), etags: Vec::new() })
    }
}

/// The membership held with what the decision says, ended where it says so.
fn changed(
    dossier: &Dossier,
    id: &str,
    decision: &pb::CohortDecision,
    ended_on: &str,
    group: &Building<'_>,
) -> Result<pb::Record, Fault> {
    let revision = dossier.revision_of(id).ok_or(Fault::NotManaged)?;
    let mut record = held_record(revision, group)?;
    let Some(Kind::CohortMembership(held)) = &mut record.kind else { return Err(Fault::NotManaged) };
    if decision.status != 0 {
        held.status = decision.status;
    }
    if decision.rag != 0 {
        held.rag = decision.rag;
    }
    if !decision.offender_manager.is_empty() {
        held.offender_manager.clone_from(&decision.offender_manager);
    }
    if !decision.area.is_empty() {
        held.area.clone_from(&decision.area);
    }
    ended_on.clone_into(&mut held.ended_on);
    Ok(record)
}

fn selected(record: &pb::Record, decision: &pb::CohortDecision) -> pb::Record {
    let membership = pb::CohortMembership {
        status: decision.status,
        rag: decision.rag,
        offender_manager: decision.offender_manager.clone(),
        area: decision.area.clone(),
        ended_on: String::new(),
    };
    pb::Record {
        id: format!("{}-m", record.id),
        kind: Some(Kind::CohortMembership(membership)),
        basis: 0,
        ..record.clone()
    }
}

fn same_terms(held: &CohortMembership, decision: &pb::CohortDecision) -> bool {
    let text = |held: Option<&str>, stated: &str| stated.is_empty() || held == Some(stated);
    (decision.rag == 0 || held.rag.map(|rag| rag.proto().into()) == Some(decision.rag))
        && text(held.offender_manager.as_deref(), &decision.offender_manager)
        && text(held.area.as_deref(), &decision.area)
}
