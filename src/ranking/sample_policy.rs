//! A policy for the tests of this floor.

use std::collections::BTreeMap;

use crate::policy::{
    BandPolicy, CompositePolicy, FloorPolicy, HarmPolicy, IndicatorPolicy, InstrumentPolicy, OverridePolicy, Policy,
    QualityPolicy, RiskPolicy, ThreatPolicy, Weights,
};
use crate::reference::tables;
use crate::scoring::Rules;
use crate::scoring::harm::Catalogue;

/// The policy with its tables.
pub fn rules() -> Rules {
    let policy = policy();
    Rules { catalogue: Catalogue::new(tables(), &policy), policy }
}

/// A policy of noughts: nothing is weighed on this floor.
fn policy() -> Policy {
    let indicator = IndicatorPolicy { weight: 0.0, half_life_days: None };
    let instrument = InstrumentPolicy {
        weight: 0,
        medium: 0.0,
        high: 0.0,
        very_high: 0.0,
        full: 0.0,
        cap_male: None,
        cap_female: None,
    };
    Policy {
        version: "sample".to_owned(),
        harm: HarmPolicy {
            half_life_days: 1.0,
            grave_half_life_days: 1.0,
            grave_from_days: 1.0,
            scale_days: 1.0,
            full_days: 1.0,
            proof: BTreeMap::new(),
            evidential_difficulty: None,
            found_multiplier: 0.0,
            found_from_days: 0.0,
            victim_vulnerable: 0.0,
            victim_repeat: 0.0,
            victim_domestic: 0.0,
            victim_hate: 0.0,
            victim_most: 0.0,
            repeat_within_days: 0,
            category_estimate_most_days: 0.0,
            overrides: BTreeMap::new(),
        },
        risk: RiskPolicy {
            arp: instrument.clone(),
            vrp: instrument.clone(),
            svrp: instrument,
            settled_months: 0,
            contact_window_days: 0,
            contact_half_life_days: 1.0,
            contact_points: Vec::new(),
            no_sanction_top: 0.0,
            assumed_ages: (0, 0),
            least_sanction_age: 0,
        },
        threat: ThreatPolicy {
            threat_to_life: indicator,
            access_to_firearm: indicator,
            intent_to_harm: indicator,
            contact_with_vulnerable_victim: indicator,
            access_to_weapon: indicator,
            breach_of_order: indicator,
            repeated_recently: indicator,
            repeated_dates: 0,
            repeated_within_days: 0,
            breach_of_bail: indicator,
            violent_marker: indicator,
            organised_crime: indicator,
            release_due: indicator,
            release_window_days: (0, 0),
            at_large_violent_or_sexual: 0.0,
            at_large_unlawfully: 0.0,
            at_large_failed_to_surrender: 0.0,
            at_large_any: 0.0,
            intelligence_most: 0.0,
            sources_counted: 0,
            source_reliability: [0.0; 3],
            assessment: [0.0; 5],
            old_source: [1; 5],
            old_evaluation: [0; 5],
        },
        composite: CompositePolicy {
            cohort: Weights { threat: 25, risk: 35, harm: 40 },
            outstanding: Weights { threat: 40, risk: 20, harm: 40 },
            full_until_days: 28,
            least_from_days: 84,
            least: 3_000,
        },
        bands: BandPolicy { medium: 25_000, high: 40_000, very_high: 60_000 },
        floors: FloorPolicy {
            none_while_release_over_days: 0,
            threat_to_life_within_days: 0,
            threat_to_life_grade: 0.0,
            wanted_very_high_days: 0.0,
            wanted_high_days: 0.0,
            domestic_assessment_within_days: 0,
            release_days: 0.0,
            release_window_days: (0, 0),
            prolific_arp: 0.0,
            prolific_dates: 0,
            prolific_within_days: 0,
            recall_high_days: 0.0,
            domestic_dates: 0,
            domestic_within_days: 0,
            firearm_grade: 0.0,
            firearm_within_days: 0,
        },
        quality: QualityPolicy { stale_suspect_days: 0, stale_suspect_milli: 0, unknown_date_days: 0 },
        overrides: OverridePolicy { below_floor_days: 0 },
    }
}
