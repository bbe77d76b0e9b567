//! What each sign says, in a sentence complete in itself. Sentences name dates,
//! grades and the rule's numbers; never another person, and never a source.

use super::{Basis, Indicator, Sign, facts};
use crate::domain::evidence::{Grade, Other};
use crate::domain::word::{Component, OutstandingReason, ThreatIndicator};
use crate::scoring::custody::stays;
use crate::scoring::{Case, Factor, Gap, Leaf};

/// The leaf of a sign. `capped`: all intelligence together is held to the policy's most.
pub(super) fn leaf(case: &Case<'_>, sign: &Sign<'_>, capped: bool) -> Leaf {
    Leaf {
        component: Component::Threat,
        rule: sign.indicator.rule(),
        date: Some(sign.date),
        evidence: evidence(case, sign),
        share: -libm::log1p(-sign.strength),
        description: description(case, sign),
        factors: factors(case, sign, capped),
    }
}

/// Dates that nobody knows may decide whether offences were repeated of late.
pub(super) fn undated(case: &Case<'_>) -> Gap {
    let window = facts::recent(case);
    let undated = case
        .allegations()
        .filter(|(_, offence, class)| offence.committed.is_none() && (window.which)(offence, class))
        .map(|(_, offence, _)| offence.id.into())
        .collect();
    Gap {
        reason: "OFFENCE_DATE_UNKNOWN",
        description: "The day of an offence is not known; if it was long before the report, the person has not \
                      offended on as many dates of late. The date of the offence would settle it."
            .to_owned(),
        evidence: undated,
        widens: true,
    }
}

fn evidence(case: &Case<'_>, sign: &Sign<'_>) -> Vec<Box<str>> {
    let own = std::iter::once(sign.id.into());
    match sign.indicator {
        Indicator::RepeatedRecently => facts::recent(case).dated(case).iter().map(|(_, id)| (*id).into()).collect(),
        Indicator::AtLargeForViolentOrSexualOffence => {
            let wanted = file(case, sign).into_iter().flat_map(|(_, ids)| violent_or_sexual(case, ids));
            own.chain(wanted).collect()
        }
        Indicator::BreachOfBail => match sign.basis {
            Basis::BailFile => own.chain(facts::breaches_told_by(case, sign.id).map(Into::into)).collect(),
            Basis::Fact | Basis::Intelligence(..) => own.collect(),
        },
        Indicator::ThreatToLife
        | Indicator::AccessToFirearm
        | Indicator::IntentToHarm
        | Indicator::ContactWithVulnerableVictim
        | Indicator::UnlawfullyAtLarge
        | Indicator::FailedToSurrender
        | Indicator::AtLarge
        | Indicator::AccessToWeapon
        | Indicator::BreachOfOrder
        | Indicator::ViolentMarker
        | Indicator::OrganisedCrime
        | Indicator::ReleaseDue => own.collect(),
    }
}

/// The file behind a sign of being at large: its reason and the offences it names.
fn file<'a>(case: &Case<'a>, sign: &Sign<'_>) -> Option<(OutstandingReason, &'a [Box<str>])> {
    case.own().filter(|filed| *filed.id == *sign.id).find_map(|filed| match &filed.kind {
        Other::Outstanding(file) => Some((file.reason, &*file.offence_ids)),
        Other::SanctionSummary(_)
        | Other::Custody(_)
        | Other::Marker(_)
        | Other::Intelligence(_)
        | Other::Assessment(_)
        | Other::Order { .. }
        | Other::Breach(_)
        | Other::Exploitation(_)
        | Other::CohortMembership(_)
        | Other::BandOverride(_) => None,
    })
}

fn violent_or_sexual(case: &Case<'_>, ids: &[Box<str>]) -> Vec<Box<str>> {
    case.named(ids)
        .filter(|(_, _, class)| class.violent || class.sexual)
        .map(|(_, offence, _)| offence.id.into())
        .collect()
}

fn description(case: &Case<'_>, sign: &Sign<'_>) -> String {
    let date = sign.date.spelt();
    match sign.basis {
        Basis::Intelligence(indicator, grade, _) => {
            let told = match indicator {
                ThreatIndicator::ThreatToLife => "threatens someone's life",
                ThreatIndicator::AccessToFirearm => "can get at a firearm",
                ThreatIndicator::IntentToHarmIdentifiedPerson => "means to harm an identified person",
                ThreatIndicator::ContactWithVulnerableVictim => "is in contact with a vulnerable victim",
                ThreatIndicator::AccessToWeapon => "can get at a weapon",
                ThreatIndicator::OrganisedCrimeLink => "is linked to organised crime",
            };
            format!("Intelligence of {date}, graded {}, says that this person {told}.", letters(grade))
        }
        Basis::BailFile => format!("Broke a condition of police bail: the file on it was first opened on {date}."),
        Basis::Fact => fact(case, sign),
    }
}

fn fact(case: &Case<'_>, sign: &Sign<'_>) -> String {
    let date = sign.date.spelt();
    let why = || file(case, sign).map_or("outstanding", |(reason, _)| why(reason));
    match sign.indicator {
        Indicator::ThreatToLife => {
            format!("A threat-to-life notice was served on this person, as the one who threatens, on {date}.")
        }
        Indicator::AccessToFirearm => format!("Warning marker for firearms, set on {date}."),
        Indicator::IntentToHarm => {
            format!("A statement of {date} tells that this person means to harm an identified person.")
        }
        Indicator::ContactWithVulnerableVictim => {
            format!("Known to be in contact with a vulnerable victim, recorded on {date}.")
        }
        Indicator::AtLargeForViolentOrSexualOffence => {
            format!("At large since {date} and wanted for a violent or sexual offence: {}.", why())
        }
        Indicator::UnlawfullyAtLarge => format!("Unlawfully at large since {date}: {}.", why()),
        Indicator::FailedToSurrender | Indicator::AtLarge => format!("At large since {date}: {}.", why()),
        Indicator::AccessToWeapon => format!("Warning marker for weapons, set on {date}."),
        Indicator::BreachOfOrder => format!("Broke a court order on {date}."),
        Indicator::RepeatedRecently => {
            let policy = &case.rules.policy.threat;
            format!(
                "Violent or sexual offences or burglaries of homes on {} or more dates within {} days, the latest on {date}.",
                policy.repeated_dates, policy.repeated_within_days,
            )
        }
        Indicator::BreachOfBail => format!("Broke a condition of bail on {date}."),
        Indicator::ViolentMarker => format!("Warning marker for violence, set on {date} and in force."),
        Indicator::OrganisedCrime => format!("Linked to organised crime, recorded on {date}."),
        Indicator::ReleaseDue => {
            let ended = stays(case).any(|(filed, stay)| *filed.id == *sign.id && stay.ended.is_some());
            if ended {
                format!("Released from prison on {date}.")
            } else {
                format!("Release from prison is planned for {date}.")
            }
        }
    }
}

/// A reason of an open file, in words.
const fn why(reason: OutstandingReason) -> &'static str {
    match reason {
        OutstandingReason::NamedSuspectNotArrested => "named as suspect and not yet arrested",
        OutstandingReason::FailedToSurrenderPoliceBail => "failed to surrender to police bail",
        OutstandingReason::BreachedPoliceBailConditions => "broke a condition of police bail",
        OutstandingReason::FailedToSurrenderCourtBail => "failed to surrender to court bail",
        OutstandingReason::CourtWarrantNotBacked => "a court warrant not backed for bail",
        OutstandingReason::CourtWarrantBacked => "a court warrant backed for bail",
        OutstandingReason::FineDefaultWarrant => "a warrant for unpaid fines",
        OutstandingReason::BreachWarrant => "a warrant for breach of a court order",
        OutstandingReason::RecallEmergency => "under emergency recall to prison and not returned",
        OutstandingReason::RecallStandard | OutstandingReason::RecallFixedTerm => "recalled to prison and not returned",
        OutstandingReason::Escape => "escaped from custody",
        OutstandingReason::AbscondFromOpenConditions => "absconded from open conditions",
        OutstandingReason::ExtraditionWarrant => "an extradition warrant",
        OutstandingReason::UntracedUnderInvestigation => "under investigation and not traced",
        OutstandingReason::NotificationBreach => "did not keep sex offender notification requirements",
    }
}

/// A grade as an officer writes it.
fn letters(grade: Grade) -> String {
    const LETTERS: [char; 5] = ['A', 'B', 'C', 'D', 'E'];
    match grade {
        Grade::Current { source, assessment } => format!("{source}{}", LETTERS[usize::from(assessment)]),
        Grade::Old { source, evaluation } => {
            format!("{}{evaluation} (5x5x5)", LETTERS[usize::from(source)])
        }
    }
}

fn factors(case: &Case<'_>, sign: &Sign<'_>, capped: bool) -> Vec<Factor> {
    let policy = &case.rules.policy.threat;
    let numbers = sign.indicator.numbers(policy);
    let mut factors = vec![Factor { name: "weight", value: numbers.weight.to_string(), unit: "x" }];
    if let Basis::Intelligence(_, _, grade) = sign.basis {
        factors.push(Factor { name: "grade", value: decimal(grade), unit: "x" });
    }
    if let Some(half_life) = numbers.half_life_days {
        factors.push(Factor { name: "age_days", value: sign.age.to_string(), unit: "clock days" });
        factors.push(Factor { name: "half_life_days", value: half_life.to_string(), unit: "clock days" });
    }
    factors.push(Factor { name: "strength", value: decimal(sign.strength), unit: "x" });
    if capped && sign.is_intelligence() {
        let most = policy.intelligence_most.to_string();
        factors.push(Factor { name: "all_intelligence_at_most", value: most, unit: "x" });
    }
    factors
}

/// Four decimals are as many as a reader can use.
fn decimal(value: f64) -> String {
    let text = format!("{value:.4}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}
