//! Intelligence under handling code C: whoever may not see its content sees that
//! it counts and how much, and nothing of what it says.

use crate::domain::dossier::Dossier;
use crate::domain::evidence::Other;
use crate::domain::word::Handling;
use crate::pb;

/// The rule that is told in place of one that would tell what the intelligence says.
const RULE: &str = "SENSITIVE_INTELLIGENCE";
const WITHHELD: &str =
    "Rests on intelligence under handling code C: it counts as told, and what it says needs a permission.";

/// Ids of the reports under handling code C.
pub fn reports(dossier: &Dossier) -> Vec<&str> {
    let reports = dossier.others().iter().filter_map(|filed| match &filed.kind {
        Other::Intelligence(report) => (report.handling == Handling::C).then_some(&*filed.id),
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
    });
    reports.collect()
}

/// Marks all that rests on sensitive intelligence.
pub fn mark(detail: &mut pb::StandingDetail, dossier: &Dossier) {
    let sensitive = reports(dossier);
    if sensitive.is_empty() {
        return;
    }
    let rests = |ids: &[String]| ids.iter().any(|id| sensitive.contains(&id.as_str()));
    for contribution in &mut detail.contributions {
        contribution.sensitive = rests(&contribution.evidence_ids);
    }
    for floor in &mut detail.floors {
        floor.sensitive = rests(&floor.evidence_ids);
    }
    for gap in &mut detail.gaps {
        gap.sensitive = rests(&gap.evidence_ids);
    }
}

/// Takes out of what is marked everything but how much it counts, and which records are behind it.
pub fn withhold(detail: &mut pb::StandingDetail) {
    for contribution in detail.contributions.iter_mut().filter(|it| it.sensitive) {
        RULE.clone_into(&mut contribution.rule);
        WITHHELD.clone_into(&mut contribution.description);
        contribution.event_date.clear();
        contribution.factors.clear();
    }
    for floor in detail.floors.iter_mut().filter(|it| it.sensitive) {
        RULE.clone_into(&mut floor.rule);
        WITHHELD.clone_into(&mut floor.description);
    }
    for gap in detail.gaps.iter_mut().filter(|it| it.sensitive) {
        RULE.clone_into(&mut gap.reason);
        WITHHELD.clone_into(&mut gap.description);
    }
}

/// Takes the content out of a held record, where it is sensitive intelligence. What was sent without a code is under C.
pub fn withhold_record(held: &mut pb::HeldRecord) {
    if let Some(record) = &mut held.record
        && let Some(pb::record::Kind::Intelligence(report)) = &mut record.kind
        && report.handling != i32::from(pb::Handling::P)
    {
        *report = pb::Intelligence { handling: pb::Handling::C.into(), ..pb::Intelligence::default() };
        held.content_withheld = true;
    }
}
