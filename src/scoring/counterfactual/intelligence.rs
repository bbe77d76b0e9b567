//! Reports of intelligence graded otherwise, by the fewest steps of the 3x5x2
//! grade: a step is one of the three of the source or one of the five of the
//! assessment. An old grade counts as what policy converts it to.

use super::search::{Candidate, Person, Tried, newest, search};
use super::{Unmoved, own};
use crate::domain::dossier::Filed;
use crate::domain::evidence::{Evidence, Grade, Intelligence, Kind, Other};
use crate::domain::word::Handling;
use crate::policy::ThreatPolicy;

pub(super) fn tried(person: &Person<'_>, sensitive: bool) -> Tried {
    let held: Vec<(&Filed, &Intelligence)> = own(person.dossier).filter_map(report).collect();
    let all = held.len();
    let seen: Vec<_> = held.into_iter().filter(|(_, report)| sensitive || report.handling == Handling::P).collect();
    let unseen = all - seen.len();
    let (seen, left_out) = newest(seen, |(_, report)| report.date);
    // That there is more is no secret; what it says is.
    let withheld = if unseen > 0 { " Reports under handling code C are left out: they need a permission." } else { "" };
    if seen.is_empty() {
        return Tried::nothing(&format!("No report of intelligence is held that could be graded otherwise.{withheld}"));
    }
    let policy = &person.rules.policy.threat;
    let candidates = seen.iter().flat_map(|(filed, report)| {
        let (source, assessment) = current(policy, report.grade);
        grades().filter_map(move |(to_source, to_assessment)| {
            let steps = u32::from(to_source.abs_diff(source)) + u32::from(to_assessment.abs_diff(assessment));
            (steps > 0).then(|| candidate(person, filed, report, steps, (to_source, to_assessment)))
        })
    });
    let (up, down) = search(person, candidates.collect());
    let none = Unmoved {
        reason: "NO_SINGLE_CHANGE",
        description: format!("No single report, however it were graded, would move the band this way.{withheld}"),
    };
    Tried { up, down, none, records: "reports of intelligence", left_out }
}

fn report(filed: &Filed) -> Option<(&Filed, &Intelligence)> {
    match &filed.kind {
        Other::Intelligence(report) => Some((filed, report)),
        Other::SanctionSummary(_)
        | Other::Custody(_)
        | Other::Marker(_)
        | Other::Assessment(_)
        | Other::Order { .. }
        | Other::Breach(_)
        | Other::Exploitation(_)
        | Other::Outstanding(_)
        | Other::CohortMembership(_)
        | Other::BandOverride(_) => None,
    }
}

/// Every grade: source 1 to 3, assessment 0 for A to 4 for E.
fn grades() -> impl Iterator<Item = (u8, u8)> {
    (1..=3).flat_map(|source| (0..=4).map(move |assessment| (source, assessment)))
}

/// A grade in 3x5x2.
fn current(policy: &ThreatPolicy, grade: Grade) -> (u8, u8) {
    match grade {
        Grade::Current { source, assessment } => (source, assessment),
        Grade::Old { source, evaluation } => {
            (policy.old_source[usize::from(source)], policy.old_evaluation[usize::from(evaluation).saturating_sub(1)])
        }
    }
}

fn candidate<'a>(
    person: &'a Person<'_>,
    filed: &'a Filed,
    report: &'a Intelligence,
    size: u32,
    to: (u8, u8),
) -> Candidate<'a> {
    let regraded = Intelligence { grade: Grade::Current { source: to.0, assessment: to.1 }, ..report.clone() };
    let evidence = Evidence {
        id: filed.id.clone(),
        revision: filed.revision,
        category: filed.category,
        updated: filed.updated,
        kind: Kind::Other(Other::Intelligence(regraded)),
    };
    let from = current(&person.rules.policy.threat, report.grade);
    Candidate {
        size,
        evidence: vec![filed.id.clone()],
        what: format!(
            "Were the report of {}, graded {}, graded {} instead",
            report.date.spelt(),
            letters(from),
            letters(to)
        ),
        made: Box::new(move || person.dossier.with(evidence.clone())),
    }
}

fn letters((source, assessment): (u8, u8)) -> String {
    format!("{source}{}", char::from(b'A' + assessment))
}
