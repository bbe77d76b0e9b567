//! Why a person stands where they stand: every milli-point of the composite
//! with the rule and the records behind it, the floors, what is missing, and
//! what to read first.
//!
//! Runs the same rules as the quick path, with an ear open. It decides nothing
//! and names nobody but the person.

mod compare;
mod gaps;
mod movement;
mod shares;

pub use compare::{Difference, differences};

use super::case::exploitation;
use super::composite::{Doubts, Weighed, Whole, in_effect};
use super::floors::{self, End, Floor};
use super::{Case, Factor, Gap, Heard, Rules, risk};
use crate::domain::Date;
use crate::domain::dossier::Dossier;
use crate::domain::evidence::{BandOverride, Other};
use crate::domain::word::{Component, ExploitationStatus, Family};

/// A share of the composite.
#[derive(Clone, Debug, PartialEq)]
pub struct Contribution {
    /// Threat, risk or harm.
    pub component: Component,
    /// Rule.
    pub rule: &'static str,
    /// Milli-points of the composite, above 0.
    pub milli: u32,
    /// Date of the event.
    pub date: Option<Date>,
    /// Records behind it.
    pub evidence: Vec<Box<str>>,
    /// What it says.
    pub description: String,
    /// Numbers it was computed from.
    pub factors: Vec<Factor>,
}

/// Why a person stands where they stand, in one family.
#[derive(Clone, Debug, PartialEq)]
pub struct Explanation {
    /// The standing explained.
    pub weighed: Weighed,
    /// Shares of the composite; they sum to its point exactly. Largest first. What comes to less than half a
    /// milli-point and gets none is left out.
    pub contributions: Vec<Contribution>,
    /// Floors in effect.
    pub floors: Vec<Floor>,
    /// What is missing or doubtful.
    pub gaps: Vec<Gap>,
    /// Predictors as published.
    pub predictors: Vec<risk::Reported>,
    /// Override in effect: its record id and content.
    pub overridden: Option<(Box<str>, BandOverride)>,
    /// The factor `a`, in ten-thousandths; 10,000 in the outstanding family.
    pub custody_factor: u32,
    /// Harm days of the last 365 days exceed those of the 365 before. Shown, never scored.
    pub escalating: bool,
    /// What to read first: a child, possible exploitation.
    pub safeguarding: Vec<String>,
}

/// Weighs a person and says why.
pub fn explain(dossier: &Dossier, rules: &Rules, as_of: Date, family: Family) -> Explanation {
    let mut heard = Heard::default();
    let whole = Whole::of(Case::new(dossier, rules, as_of), &mut heard);
    let doubts = Doubts::of(&whole);
    let weighed = whole.weighed(&doubts);
    let composed = weighed.composed(family);
    let predictors = risk::report(&whole.case);
    let arp = whole.parts.arp(End::Point);
    let floors = floors::list(&whole.case, family, arp, &arp_evidence(&whole.case, &predictors));
    let floor = floors.iter().map(|floor| floor.band).max();
    let overridden = in_effect(&whole.case, family, composed.floored, floor);
    Explanation {
        contributions: shares::share_out(&whole, family, heard.leaves, composed.point),
        gaps: gaps::all(&whole, &doubts, family, heard.gaps),
        custody_factor: whole.factor(family),
        escalating: movement::is_escalating(&whole.case),
        safeguarding: safeguarding(&whole.case, &weighed),
        overridden: overridden.map(|(id, decision)| (id.into(), decision.clone())),
        floors,
        predictors,
        weighed,
    }
}

/// The records that the ARP rests on: probation's own, or the sanctions it was computed from.
fn arp_evidence(case: &Case<'_>, predictors: &[risk::Reported]) -> Vec<Box<str>> {
    let supplied = predictors.iter().find(|predictor| predictor.instrument == "ARP" && predictor.scored);
    if let Some(id) = supplied.and_then(|predictor| predictor.evidence.clone()) {
        return vec![id];
    }
    let sanctions = case
        .dossier
        .offences()
        .enumerate()
        .filter(|(_, offence)| super::case::is_own(offence.category) && offence.outcome.is_sanction());
    let totals = case.own().filter(|filed| matches!(filed.kind, Other::SanctionSummary(_)));
    sanctions.map(|(_, offence)| offence.id.into()).chain(totals.map(|filed| filed.id.clone())).collect()
}

/// What to read before any number: possible exploitation, and childhood.
fn safeguarding(case: &Case<'_>, weighed: &Weighed) -> Vec<String> {
    let mut reasons = Vec::new();
    if weighed.child {
        reasons.push(
            "Under 18: a child first. Consider safeguarding before anything else; this method is not validated for \
             children, and its score must not decide about one."
                .to_owned(),
        );
    }
    for (_, referral) in exploitation(case.dossier) {
        let date = referral.date.spelt();
        let standing = match referral.status {
            ExploitationStatus::Pending => format!("Referred on {date} as a possible victim of modern slavery"),
            ExploitationStatus::Positive => format!("Found on {date} to be a victim of modern slavery"),
            // A refused referral shields nothing and is not among these.
            ExploitationStatus::Negative => continue,
        };
        let linked = match referral.offence_ids.len() {
            0 => "no offence is linked to it".to_owned(),
            1 => "the offence linked to it is kept out of harm and threat until a supervisor reviews it".to_owned(),
            count => {
                format!(
                    "the {count} offences linked to it are kept out of harm and threat until a supervisor reviews them"
                )
            }
        };
        reasons.push(format!("{standing}; {linked}."));
    }
    reasons
}

#[cfg(test)]
mod tests;
