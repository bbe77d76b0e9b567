//! Signs that are graded reports. Intelligence inflates with volume, so each
//! source counts once for an indicator, at its strongest report; reports whose
//! source nobody named are one source; and only the strongest few sources count.

use smallvec::SmallVec;

use super::{Basis, Indicator, Sign, Signs};
use crate::domain::evidence::{Grade, Intelligence, Other};
use crate::domain::word::ThreatIndicator;
use crate::policy::ThreatPolicy;
use crate::scoring::Case;

/// The multiplier `c` of a grade, 0 to 1: reliability of the source times assessment of the report. An old
/// 5x5x5 grade is converted by the policy's table first. E gives 0.
pub fn grade(policy: &ThreatPolicy, grade: Grade) -> f64 {
    let (source, assessment) = match grade {
        Grade::Current { source, assessment } => (source, assessment),
        Grade::Old { source, evaluation } => {
            (policy.old_source[usize::from(source)], policy.old_evaluation[usize::from(evaluation).saturating_sub(1)])
        }
    };
    policy.source_reliability[usize::from(source).saturating_sub(1)] * policy.assessment[usize::from(assessment)]
}

const fn points_to(report: &Intelligence) -> Indicator {
    match report.indicator {
        ThreatIndicator::ThreatToLife => Indicator::ThreatToLife,
        ThreatIndicator::AccessToFirearm => Indicator::AccessToFirearm,
        ThreatIndicator::IntentToHarmIdentifiedPerson => Indicator::IntentToHarm,
        ThreatIndicator::ContactWithVulnerableVictim => Indicator::ContactWithVulnerableVictim,
        ThreatIndicator::AccessToWeapon => Indicator::AccessToWeapon,
        ThreatIndicator::OrganisedCrimeLink => Indicator::OrganisedCrime,
    }
}

/// A report that may count.
#[derive(Clone, Copy)]
struct Report<'a> {
    sign: Sign<'a>,
    source: Option<&'a str>,
}

/// Adds the reports that count.
pub(super) fn gather<'a>(case: &Case<'a>, signs: &mut Signs<'a>) {
    let policy = &case.rules.policy.threat;
    let mut reports: SmallVec<[Report<'a>; 8]> = SmallVec::new();
    for filed in case.own() {
        if let Other::Intelligence(report) = &filed.kind {
            let basis = Basis::Intelligence(report.indicator, report.grade, grade(policy, report.grade));
            let sign = Sign::new(case, points_to(report), basis, report.date, &filed.id);
            if sign.strength > 0.0 {
                reports.push(Report { sign, source: report.source.as_deref() });
            }
        }
    }
    reports.sort_unstable_by(|a, b| {
        let strongest = b.sign.strength.total_cmp(&a.sign.strength);
        a.sign.indicator.cmp(&b.sign.indicator).then(strongest).then(a.sign.id.cmp(b.sign.id))
    });
    for same in reports.chunk_by(|a, b| a.sign.indicator == b.sign.indicator) {
        let mut heard: SmallVec<[Option<&str>; 4]> = SmallVec::new();
        for report in same {
            if heard.len() < policy.sources_counted && !heard.contains(&report.source) {
                heard.push(report.source);
                signs.push(report.sign);
            }
        }
    }
}
