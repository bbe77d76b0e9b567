//! People and figures for the tests. The policy's figures are METHOD's.

use std::collections::BTreeMap;

use crate::domain::dossier::Filed;
use crate::domain::evidence::{Assessment, Custody, Finding, Other, SanctionSummary};
use crate::domain::offence::{Category, OffenceCode};
use crate::domain::word::{AssessmentKind, CustodyKind, Outcome, PersonCategory};
use crate::domain::{Date, Revision};
use crate::policy::{
    BandPolicy, CompositePolicy, FloorPolicy, HarmPolicy, IndicatorPolicy, InstrumentPolicy, OverridePolicy, Policy,
    QualityPolicy, RiskPolicy, ThreatPolicy, Weights,
};
use crate::scoring::clock::Clock;
use crate::scoring::risk::history::{History, Own};

pub fn date(text: &str) -> Date {
    text.parse().expect("must be a date")
}

pub fn clock(as_of: &str) -> Clock {
    Clock::new(date(as_of), Vec::new())
}

/// An offence committed on a day and not decided: theft, 2 harm days.
pub fn alleged(id: &'static str, on: &str) -> Own<'static> {
    Own {
        id,
        code: OffenceCode { cjs: None, ho: None },
        alleged: date(on),
        dated: true,
        outcome: Outcome::Suspected,
        outcome_date: None,
        days: 2.0,
        category: Some(Category::TheftNonMotor),
        violent: false,
    }
}

/// The same, convicted on that day.
pub fn convicted(id: &'static str, on: &str) -> Own<'static> {
    Own { outcome: Outcome::Convicted, outcome_date: Some(date(on)), ..alleged(id, on) }
}

pub fn filed(id: &str, kind: Other) -> Filed {
    let updated = Date::from_days(0);
    Filed { id: id.into(), revision: Revision(1), category: PersonCategory::Suspect, updated, kind }
}

pub fn sentence(id: &str, start: &str, ended: Option<&str>, offence_ids: &[&str]) -> Filed {
    let custody = Custody {
        kind: CustodyKind::Sentence,
        start: date(start),
        planned_release: None,
        ended: ended.map(date),
        offence_ids: offence_ids.iter().map(|id| Box::from(*id)).collect(),
    };
    filed(id, Other::Custody(custody))
}

pub fn summary(as_at: &str, occasions: u32, violent: u32, first: Option<&str>) -> Filed {
    let totals = SanctionSummary {
        as_at: date(as_at),
        occasions,
        violent_occasions: violent,
        first: first.map(date),
        age_at_first: None,
    };
    filed("summary", Other::SanctionSummary(totals))
}

pub fn from_probation(id: &str, kind: AssessmentKind, made: &str, probability: f64, expires: Option<&str>) -> Filed {
    let finding = Finding::Probability(probability);
    filed(id, Other::Assessment(Assessment { kind, made: date(made), finding, expires: expires.map(date) }))
}

pub fn history<'a>(own: &[Own<'a>], others: &'a [Filed], as_of: &str) -> History<'a> {
    History::gather(own.iter().copied(), others, &clock(as_of))
}

pub fn risk_policy() -> RiskPolicy {
    let instrument = |weight, bands: [f64; 4], cap_male, cap_female| InstrumentPolicy {
        weight,
        medium: bands[0],
        high: bands[1],
        very_high: bands[2],
        full: bands[3],
        cap_male,
        cap_female,
    };
    RiskPolicy {
        arp: instrument(40, [0.50, 0.75, 0.90, 1.0], None, None),
        vrp: instrument(25, [0.30, 0.60, 0.80, 1.0], Some(92), Some(75)),
        svrp: instrument(35, [0.010, 0.030, 0.069, 0.15], Some(37), Some(34)),
        settled_months: 36,
        contact_window_days: 730,
        contact_half_life_days: 365.0,
        contact_points: vec![(1, 6.0), (2, 12.0), (4, 20.0), (7, 28.0)],
        no_sanction_top: 25.0,
        assumed_ages: (18, 60),
        least_sanction_age: 10,
    }
}

/// A whole policy. Figures that risk does not read are only well-formed.
pub fn policy() -> Policy {
    Policy {
        version: "test".to_owned(),
        harm: harm_policy(),
        risk: risk_policy(),
        threat: threat_policy(),
        composite: CompositePolicy {
            cohort: Weights { threat: 25, risk: 35, harm: 40 },
            outstanding: Weights { threat: 40, risk: 20, harm: 40 },
            full_until_days: 28,
            least_from_days: 84,
            least: 3_000,
        },
        bands: BandPolicy { medium: 25_000, high: 40_000, very_high: 60_000 },
        floors: FloorPolicy {
            none_while_release_over_days: 84,
            threat_to_life_within_days: 30,
            threat_to_life_grade: 0.5,
            wanted_very_high_days: 1_825.0,
            wanted_high_days: 365.0,
            domestic_assessment_within_days: 365,
            release_days: 1_825.0,
            release_window_days: (28, 90),
            prolific_arp: 0.75,
            prolific_dates: 6,
            prolific_within_days: 365,
            recall_high_days: 365.0,
            domestic_dates: 3,
            domestic_within_days: 365,
            firearm_grade: 0.8,
            firearm_within_days: 90,
        },
        quality: QualityPolicy { stale_suspect_days: 365, stale_suspect_milli: 1_000, unknown_date_days: 365 },
        overrides: OverridePolicy { below_floor_days: 28 },
        supervision: crate::policy::Policy::reference().supervision,
        cohort: crate::policy::Policy::reference().cohort,
    }
}

fn harm_policy() -> HarmPolicy {
    let ended = [
        Outcome::Acquitted,
        Outcome::Discontinued,
        Outcome::Withdrawn,
        Outcome::NoCrime,
        Outcome::Eliminated,
        Outcome::NoFurtherAction,
        Outcome::NotGuiltyInsanity,
        Outcome::EvidentialDifficulty,
    ];
    let proof = Outcome::ALL.iter().map(|outcome| (*outcome, if ended.contains(outcome) { 0.0 } else { 0.5 }));
    HarmPolicy {
        half_life_days: 730.0,
        grave_half_life_days: 1_825.0,
        grave_from_days: 365.0,
        scale_days: 2.0,
        full_days: 5_475.0,
        proof: proof.collect(),
        evidential_difficulty: None,
        found_multiplier: 0.5,
        found_from_days: 180.0,
        victim_vulnerable: 0.25,
        victim_repeat: 0.25,
        victim_domestic: 0.15,
        victim_hate: 0.15,
        victim_most: 1.6,
        repeat_within_days: 365,
        category_estimate_most_days: 100.0,
        overrides: BTreeMap::new(),
    }
}

fn threat_policy() -> ThreatPolicy {
    let indicator = IndicatorPolicy { weight: 0.5, half_life_days: Some(90.0) };
    ThreatPolicy {
        threat_to_life: indicator,
        access_to_firearm: indicator,
        intent_to_harm: indicator,
        contact_with_vulnerable_victim: indicator,
        access_to_weapon: indicator,
        breach_of_order: indicator,
        repeated_recently: indicator,
        repeated_dates: 3,
        repeated_within_days: 90,
        breach_of_bail: indicator,
        violent_marker: indicator,
        organised_crime: indicator,
        release_due: indicator,
        release_window_days: (28, 28),
        at_large_violent_or_sexual: 0.35,
        at_large_unlawfully: 0.35,
        at_large_failed_to_surrender: 0.25,
        at_large_any: 0.2,
        intelligence_most: 0.6,
        sources_counted: 3,
        source_reliability: [1.0, 0.6, 0.2],
        assessment: [1.0, 0.8, 0.5, 0.3, 0.0],
        old_source: [1, 1, 2, 2, 3],
        old_evaluation: [0, 1, 2, 3, 4],
    }
}
