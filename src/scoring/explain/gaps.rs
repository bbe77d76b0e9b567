//! What is missing or doubtful about a person, beyond what the components
//! report themselves. Every gap says which input would settle it.

use crate::domain::dossier::Filed;
use crate::domain::evidence::{Other, Outstanding};
use crate::domain::word::{CustodyKind, CustodyState, Family, OutstandingReason};
use crate::scoring::composite::{Doubts, Whole};
use crate::scoring::custody::stays;
use crate::scoring::{Case, Gap, floors};

/// Every gap of a person in one family; those that the components heard come first.
pub(super) fn all(whole: &Whole<'_>, doubts: &Doubts<'_>, family: Family, heard: Vec<Gap>) -> Vec<Gap> {
    let case = &whole.case;
    let mut gaps: Vec<Gap> = Vec::with_capacity(heard.len());
    for gap in heard {
        // Two components may miss the same thing.
        if !gaps.iter().any(|held| held.reason == gap.reason && held.evidence == gap.evidence) {
            gaps.push(gap);
        }
    }
    gaps.extend(stale(case, doubts.places(family)));
    match family {
        Family::Cohort => gaps.extend(open_ended(whole)),
        Family::Outstanding => {}
    }
    gaps.extend(unnamed_offences(case));
    gaps.extend(expired(case));
    gaps.extend(whole.child.then(|| child(case)));
    gaps
}

fn child(case: &Case<'_>) -> Gap {
    Gap {
        reason: "NOT_VALIDATED_FOR_CHILDREN",
        description: "Under 18: the method is not validated for children, so the standing stays provisional. Nothing \
                      settles it before the person is 18."
            .to_owned(),
        evidence: case.dossier.person().map(|person| person.id.into()).into_iter().collect(),
        widens: false,
    }
}

fn stale(case: &Case<'_>, places: &[usize]) -> impl Iterator<Item = Gap> {
    let days = case.rules.policy.quality.stale_suspect_days;
    let stale = case.allegations().filter(|(place, _, _)| places.contains(place));
    stale.map(move |(_, offence, _)| Gap {
        reason: "STALE_SUSPECT_RECORD",
        description: format!(
            "A suspicion last updated on {}, {days} days ago or more, gives a point or more of the score. Its outcome \
             would settle it.",
            offence.updated.spelt()
        ),
        evidence: vec![offence.id.into()],
        widens: true,
    })
}

/// Held, and nobody knows until when.
fn open_ended(whole: &Whole<'_>) -> Option<Gap> {
    let (reason, description, kind) = match whole.stay.state {
        CustodyState::AtLiberty => return None,
        CustodyState::Remand => (
            "ON_REMAND",
            "On remand: how long is not known, so the score is not lowered for custody. The sentence and its planned \
             release, or the end of the remand, would settle it.",
            CustodyKind::Remand,
        ),
        CustodyState::Sentence => (
            "RELEASE_DATE_UNKNOWN",
            "Serving a sentence without a planned release date, so the score is not lowered for custody. The date \
             would settle it.",
            CustodyKind::Sentence,
        ),
    };
    let unknown = stays(&whole.case)
        .filter(|(_, stay)| stay.ended.is_none() && stay.kind == kind)
        .filter(|(_, stay)| kind == CustodyKind::Remand || stay.planned_release.is_none());
    whole.stay.is_open_ended().then(|| Gap {
        reason,
        description: description.to_owned(),
        evidence: unknown.map(|(filed, _)| filed.id.clone()).collect(),
        widens: false,
    })
}

/// Open files that name no offence held, where a floor would ask which it is.
fn unnamed_offences<'a>(case: &Case<'a>) -> impl Iterator<Item = Gap> + use<'a> {
    let held: Vec<&'a Filed> = case
        .own()
        .filter(|filed| match &filed.kind {
            Other::Outstanding(file) => file.is_open() && asks_for_offence(file) && !names_held(case, file),
            Other::SanctionSummary(_)
            | Other::Custody(_)
            | Other::Marker(_)
            | Other::Intelligence(_)
            | Other::Assessment(_)
            | Other::Order { .. }
            | Other::Breach(_)
            | Other::Exploitation(_)
            | Other::CohortMembership(_)
            | Other::BandOverride(_) => false,
        })
        .collect();
    held.into_iter().map(|filed| Gap {
        reason: "WANTED_OFFENCE_NOT_HELD",
        description:
            "The file names no offence that is held, so the rules on what a person is wanted for cannot apply. \
                      The record of the offence would settle it."
                .to_owned(),
        evidence: vec![filed.id.clone()],
        widens: false,
    })
}

fn names_held(case: &Case<'_>, file: &Outstanding) -> bool {
    case.dossier.offences().any(|offence| file.offence_ids.iter().any(|id| **id == *offence.id))
}

const fn asks_for_offence(file: &Outstanding) -> bool {
    match file.reason {
        OutstandingReason::NamedSuspectNotArrested
        | OutstandingReason::FailedToSurrenderPoliceBail
        | OutstandingReason::BreachedPoliceBailConditions
        | OutstandingReason::FailedToSurrenderCourtBail
        | OutstandingReason::CourtWarrantNotBacked
        | OutstandingReason::CourtWarrantBacked
        | OutstandingReason::RecallEmergency
        | OutstandingReason::RecallStandard
        | OutstandingReason::RecallFixedTerm
        | OutstandingReason::ExtraditionWarrant
        | OutstandingReason::UntracedUnderInvestigation => true,
        OutstandingReason::FineDefaultWarrant
        | OutstandingReason::BreachWarrant
        | OutstandingReason::Escape
        | OutstandingReason::AbscondFromOpenConditions
        | OutstandingReason::NotificationBreach => false,
    }
}

/// Assessments that would act through a floor and have expired without a newer one.
fn expired<'a>(case: &Case<'a>) -> impl Iterator<Item = Gap> + use<'a> {
    floors::expired(case).into_iter().map(|(id, last)| Gap {
        reason: "ASSESSMENT_EXPIRED",
        description: format!(
            "The newest assessment of its kind expired after {} and no longer counts. A new assessment would settle it.",
            last.spelt()
        ),
        evidence: vec![id.into()],
        widens: false,
    })
}
