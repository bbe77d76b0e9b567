//! Professional assessments renewed today, as they are or at another level. Of
//! each kind the newest is tried, since only the newest counts.

use super::search::{Candidate, Person, Tried, newest, search};
use super::{Unmoved, own};
use crate::domain::Date;
use crate::domain::dossier::Filed;
use crate::domain::evidence::{Assessment, Evidence, Finding, Kind, Other};
use crate::domain::word::{AssessmentKind, AssessmentLevel};

pub(super) fn tried(person: &Person<'_>) -> Tried {
    let held: Vec<(&Filed, &Assessment)> = own(person.dossier).filter_map(assessment).collect();
    let counting = AssessmentKind::ALL.iter().filter_map(|kind| {
        let of_kind = held.iter().filter(|(_, assessment)| assessment.kind == *kind);
        of_kind.max_by_key(|(filed, assessment)| (assessment.made, filed.revision)).copied()
    });
    let (counting, left_out) = newest(counting.collect(), |(_, assessment)| assessment.made);
    if counting.is_empty() {
        return Tried::nothing("No assessment is held that could be renewed.");
    }
    let candidates = counting.iter().flat_map(|(filed, assessment)| {
        findings(assessment.finding)
            .into_iter()
            .map(|(size, finding)| candidate(person, filed, assessment, size, finding))
    });
    let (up, down) = search(person, candidates.collect());
    let none = Unmoved {
        reason: "NO_SINGLE_CHANGE",
        description: "No assessment held, renewed today at any level, would move the band this way by itself."
            .to_owned(),
    };
    Tried { up, down, none, records: "assessments", left_out }
}

fn assessment(filed: &Filed) -> Option<(&Filed, &Assessment)> {
    match &filed.kind {
        Other::Assessment(assessment) => Some((filed, assessment)),
        Other::SanctionSummary(_)
        | Other::Custody(_)
        | Other::Marker(_)
        | Other::Intelligence(_)
        | Other::Order { .. }
        | Other::Breach(_)
        | Other::Exploitation(_)
        | Other::Outstanding(_)
        | Other::CohortMembership(_)
        | Other::BandOverride(_) => None,
    }
}

/// What it could find, with the levels in between. What has no levels can only be renewed as it is.
fn findings(held: Finding) -> Vec<(u32, Finding)> {
    match held {
        Finding::Level(level) => AssessmentLevel::ALL
            .iter()
            .map(|other| (u32::from((*other as u8).abs_diff(level as u8)), Finding::Level(*other)))
            .collect(),
        Finding::Mappa { category, level } => (1..=3)
            .map(|other: u8| (u32::from(other.abs_diff(level)), Finding::Mappa { category, level: other }))
            .collect(),
        Finding::Probability(_) | Finding::Held => vec![(0, held)],
    }
}

fn candidate<'a>(
    person: &'a Person<'_>,
    filed: &'a Filed,
    held: &'a Assessment,
    size: u32,
    finding: Finding,
) -> Candidate<'a> {
    let renewed = held.made.max(person.as_of);
    // It is good for as long as the one before it was.
    let expires = held.expires.map(|last| renewed + (last - held.made).max(0));
    let evidence = Evidence {
        id: filed.id.clone(),
        revision: filed.revision,
        category: filed.category,
        updated: person.as_of,
        kind: Kind::Other(Other::Assessment(Assessment { kind: held.kind, made: renewed, finding, expires })),
    };
    Candidate {
        size,
        evidence: vec![filed.id.clone()],
        what: what(held, person.as_of, finding, size),
        made: Box::new(move || person.dossier.with(evidence.clone())),
    }
}

fn what(held: &Assessment, as_of: Date, finding: Finding, size: u32) -> String {
    let expired = match held.expires {
        Some(last) if last < as_of => format!(", expired after {}", last.spelt()),
        Some(_) | None => String::new(),
    };
    let to = match (size, level(finding)) {
        (0, _) | (_, None) => "as it is".to_owned(),
        (_, Some(to)) => format!("at {to}"),
    };
    let from = level(held.finding).map_or_else(String::new, |from| format!(" at {from}"));
    format!("{} of {}{from}{expired}, renewed today {to}", name(held.kind), held.made.spelt())
}

fn level(finding: Finding) -> Option<String> {
    match finding {
        Finding::Level(level) => Some(
            match level {
                AssessmentLevel::Low => "low",
                AssessmentLevel::Medium => "medium",
                AssessmentLevel::High => "high",
                AssessmentLevel::VeryHigh => "very high",
            }
            .to_owned(),
        ),
        Finding::Mappa { category, level } => Some(format!("category {category}, level {level}")),
        Finding::Probability(_) | Finding::Held => None,
    }
}

const fn name(kind: AssessmentKind) -> &'static str {
    match kind {
        AssessmentKind::Mappa => "MAPPA",
        AssessmentKind::OasysRosh => "OASys risk of serious harm",
        AssessmentKind::OspDc => "OSP-DC",
        AssessmentKind::OspIic => "OSP-IIC",
        AssessmentKind::Arms => "ARMS",
        AssessmentKind::Dash => "DASH",
        AssessmentKind::Marac => "MARAC",
        AssessmentKind::Sara => "SARA",
        AssessmentKind::Arp => "ARP from probation",
        AssessmentKind::Vrp => "VRP from probation",
        AssessmentKind::Svrp => "SVRP from probation",
    }
}
