//! The floors in effect, each in a sentence an officer can repeat.

use super::grounds;
use super::{Rule, RuleSet, is_suspended};
use crate::domain::word::{Band, Family};
use crate::policy::FloorPolicy;
use crate::scoring::Case;
use crate::scoring::custody::Stay;

/// A rule that raised the band, or would have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Floor {
    /// Rule in UPPER_SNAKE.
    pub rule: &'static str,
    /// Least band it allows.
    pub band: Band,
    /// Records behind it, each once, in order of id.
    pub evidence: Vec<Box<str>>,
    /// The rule in a sentence.
    pub description: String,
}

/// The floors of a family in effect by the best estimate, those of the highest band first. `arp` is the one
/// that R uses and `arp_evidence` the records that it rests on.
pub fn list(case: &Case<'_>, family: Family, arp: Option<f64>, arp_evidence: &[Box<str>]) -> Vec<Floor> {
    if is_suspended(case, &Stay::of(case)) {
        return Vec::new();
    }
    let policy = &case.rules.policy.floors;
    let standing = RuleSet::standing(policy, family, arp);
    let mut behind: Vec<(Rule, Vec<Box<str>>)> = Vec::new();
    grounds::visit(case, &mut |rule, held, ids| {
        if held.point && standing.contains(rule) {
            let ids = ids.iter().map(|id| Box::from(*id));
            match behind.iter_mut().find(|(told, _)| *told == rule) {
                Some((_, evidence)) => evidence.extend(ids),
                None => behind.push((rule, ids.collect())),
            }
        }
    });
    behind.sort_by_key(|(rule, _)| *rule);
    let highest = behind.first().map(|(rule, _)| rule.band());
    // "Any recall" speaks only where nothing higher does.
    behind.retain(|(rule, _)| *rule != Rule::Recalled || highest == Some(Rule::Recalled.band()));
    let told = |(rule, mut evidence): (Rule, Vec<Box<str>>)| {
        if rule.needs_arp() {
            evidence.extend(arp_evidence.iter().cloned());
        }
        evidence.sort_unstable();
        evidence.dedup();
        Floor { rule: rule.name(), band: rule.band(), evidence, description: sentence(rule, policy, arp) }
    };
    behind.into_iter().map(told).collect()
}

fn sentence(rule: Rule, policy: &FloorPolicy, arp: Option<f64>) -> String {
    let chance = || format!("{:.0} %", 100.0 * arp.unwrap_or_default());
    let line = || format!("{:.0} %", 100.0 * policy.prolific_arp);
    match rule {
        Rule::MappaLevel3 => "Managed under MAPPA at level 3.".to_owned(),
        Rule::ThreatToLife => format!(
            "A threat to life by this person within {} days: a notice served, or intelligence graded well enough.",
            policy.threat_to_life_within_days
        ),
        Rule::EmergencyRecall => "Under emergency recall to prison and not returned.".to_owned(),
        Rule::Escape => "Escaped from custody and not returned.".to_owned(),
        Rule::WantedForGravestOffence => {
            format!("Wanted for an offence of {} harm days or more.", policy.wanted_very_high_days)
        }
        Rule::MappaLevel2 => "Managed under MAPPA at level 2.".to_owned(),
        Rule::SeriousHarmVeryHigh => "Probation assesses the risk of serious harm as very high.".to_owned(),
        Rule::SexualReoffendingHigh => {
            "Probation assesses the likelihood of a contact sexual offence (OSP-DC) as high or very high.".to_owned()
        }
        Rule::ArmsHigh => "Police assess this registered sex offender (ARMS) as high or very high.".to_owned(),
        Rule::MaracPerpetrator => format!(
            "Discussed as perpetrator at a multi-agency risk assessment conference within {} days.",
            policy.domestic_assessment_within_days
        ),
        Rule::DashHigh => format!(
            "Assessed as high in the domestic-abuse checklist (DASH), as perpetrator, within {} days.",
            policy.domestic_assessment_within_days
        ),
        Rule::ReleaseFromGraveSentence => format!(
            "From {} days before to {} after release from a sentence for an offence of {} harm days or more.",
            policy.release_window_days.0, policy.release_window_days.1, policy.release_days
        ),
        Rule::ProlificNeighbourhoodCrime => format!(
            "Burglary, robbery, theft from the person or vehicle crime on {} or more dates in {} days, and a \
             likelihood of reoffending (ARP) of {}, the line being {}.",
            policy.prolific_dates,
            policy.prolific_within_days,
            chance(),
            line()
        ),
        Rule::WantedForGraveOffence => {
            format!("Wanted for an offence of {} harm days or more.", policy.wanted_high_days)
        }
        Rule::WantedForDomesticAbuse => "Wanted for domestic abuse of a vulnerable or repeat victim.".to_owned(),
        Rule::Absconded => "Absconded from open conditions and not returned.".to_owned(),
        Rule::RecalledWithSeriousHarmHigh => {
            "Recalled to prison and not returned, where probation assesses the risk of serious harm as high.".to_owned()
        }
        Rule::RecalledAfterGraveOffence => format!(
            "Recalled to prison and not returned; the offence of the sentence has {} harm days or more.",
            policy.recall_high_days
        ),
        Rule::RegisteredSexOffender => "Registered sex offender.".to_owned(),
        Rule::DomesticAbuseRepeated => format!(
            "Domestic abuse on {} or more dates in {} days.",
            policy.domestic_dates, policy.domestic_within_days
        ),
        Rule::ReoffendingVeryLikely => {
            format!("A likelihood of reoffending within two years (ARP) of {}, the line being {}.", chance(), line())
        }
        Rule::Recalled => "Recalled to prison and not returned.".to_owned(),
        Rule::FirearmIntelligence => {
            format!("Well graded intelligence of a firearm within {} days.", policy.firearm_within_days)
        }
    }
}
