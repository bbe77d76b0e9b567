//! The policy file: which keys it has, what each may be, and which must agree.
//! Read in full before anything is refused; see [`super::section`].

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::sync::LazyLock;

use toml::Table;

use super::management;
use super::section::{Faults, Section};
use super::{
    BandPolicy, CompositePolicy, FloorPolicy, HarmOverride, HarmPolicy, IndicatorPolicy, InstrumentPolicy,
    OverridePolicy, Policy, PolicyViolation, QualityPolicy, RiskPolicy, ThreatPolicy, Weights,
};
use crate::domain::word::Outcome;
use crate::reference;

/// A probability, a proof or a grade.
const SHARE: RangeInclusive<f64> = 0.0..=1.0;
/// A half-life, from a day to a century. Never 0: nothing may fade at once.
const HALF_LIFE: RangeInclusive<f64> = 1.0..=36_525.0;
/// Harm days. 36,525 are a century's imprisonment.
const HARM_DAYS: RangeInclusive<f64> = 0.0..=36_525.0;
/// Harm days of one offence that is weighed at all.
const SOME_HARM_DAYS: RangeInclusive<f64> = 0.1..=36_525.0;
/// A window in days.
const WINDOW: RangeInclusive<i64> = 0..=36_525;
/// A number of dates, sources or occasions.
const COUNT: RangeInclusive<i64> = 1..=1_000;
const PERCENT: RangeInclusive<i64> = 0..=100;
const POINTS: RangeInclusive<f64> = 0.0..=100.0;
/// The weight of an indicator: certainty would hide every other.
const WEIGHT: RangeInclusive<f64> = 0.001..=0.999;

/// Sections that a policy without them takes from the reference policy: policies of before they were thought of.
pub(super) const FROM_REFERENCE: [&str; 2] = ["supervision", "cohort"];

/// The reference policy's keys and values.
pub(super) fn reference() -> &'static Table {
    static REFERENCE: LazyLock<Table> =
        LazyLock::new(|| super::REFERENCE.parse().expect("the compiled-in policy must be TOML"));
    &REFERENCE
}

pub(super) fn parse(text: &str) -> Result<Policy, Vec<PolicyViolation>> {
    let table: Table = text.parse().map_err(|error| vec![no_toml(text, &error)])?;
    let faults = Faults::default();
    let policy = policy(&Section::root(&table, &faults));
    let faults = faults.into_inner();
    if faults.is_empty() { Ok(policy) } else { Err(faults) }
}

fn no_toml(text: &str, error: &toml::de::Error) -> PolicyViolation {
    let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    PolicyViolation {
        path: format!("line {line}, column {column}"),
        reason: "NOT_TOML",
        message: format!("is not TOML: {}", error.message().trim().replace('\n', "; ")),
    }
}

fn policy(root: &Section<'_>) -> Policy {
    Policy {
        version: root.text("version", 64),
        harm: harm(&root.section("harm"), &root.section("harm_override")),
        risk: risk(&root.section("risk")),
        threat: threat(&root.section("threat")),
        composite: composite(&root.section("composite")),
        bands: bands(&root.section("bands")),
        floors: floors(&root.section("floors")),
        quality: quality(&root.section("quality")),
        overrides: OverridePolicy { below_floor_days: root.section("overrides").whole("below_floor_days", 1..=365) },
        supervision: management::supervision(&root.section_or_reference(FROM_REFERENCE[0])),
        cohort: management::cohort(&root.section_or_reference(FROM_REFERENCE[1])),
    }
}

fn harm(section: &Section<'_>, overrides: &Section<'_>) -> HarmPolicy {
    let evidential = section.section("evidential_difficulty");
    let (on, evidential_proof) = (evidential.flag("on"), evidential.number("proof", SHARE));
    let found = section.section("found");
    let victim = section.section("victim");
    let uplift = |key| victim.number(key, 0.0..=10.0);
    HarmPolicy {
        half_life_days: section.number("half_life_days", HALF_LIFE),
        grave_half_life_days: section.number("grave_half_life_days", HALF_LIFE),
        grave_from_days: section.number("grave_from_days", HARM_DAYS),
        scale_days: section.number("scale_days", SOME_HARM_DAYS),
        full_days: section.number("full_days", SOME_HARM_DAYS),
        proof: proof(&section.section("proof")),
        evidential_difficulty: on.then_some(evidential_proof),
        found_multiplier: found.number("multiplier", SHARE),
        found_from_days: found.number("from_days", HARM_DAYS),
        victim_vulnerable: uplift("vulnerable"),
        victim_repeat: uplift("repeat"),
        victim_domestic: uplift("domestic_abuse"),
        victim_hate: uplift("hate"),
        victim_most: victim.number("most", 1.0..=10.0),
        repeat_within_days: victim.whole("repeat_within_days", WINDOW),
        category_estimate_most_days: section.number("category_estimate_most_days", HARM_DAYS),
        overrides: harm_overrides(overrides),
    }
}

/// An outcome's key: its word in the contract, in lower case.
fn outcome_key(outcome: Outcome) -> String {
    outcome.proto().as_str_name().trim_start_matches("OUTCOME_").to_lowercase()
}

fn proof(section: &Section<'_>) -> BTreeMap<Outcome, f64> {
    let proof: BTreeMap<Outcome, f64> =
        Outcome::ALL.iter().map(|outcome| (*outcome, section.number(&outcome_key(*outcome), SHARE))).collect();
    // A case that goes further must never weigh less.
    let stages: [&[Outcome]; 5] = [
        &[Outcome::Suspected],
        &[Outcome::Arrested],
        &[Outcome::Bailed, Outcome::ReleasedUnderInvestigation],
        &[Outcome::Charged, Outcome::Summonsed, Outcome::PostalRequisition],
        &[Outcome::Convicted],
    ];
    for stage in stages.windows(2) {
        for later in stage[1] {
            if let Some(earlier) = stage[0].iter().find(|earlier| proof[earlier] > proof[later]) {
                let message =
                    format!("must not be below {}: a case that goes further never weighs less", outcome_key(*earlier));
                section.fault(&outcome_key(*later), "NOT_ASCENDING", &message);
            }
        }
    }
    proof
}

fn harm_overrides(section: &Section<'_>) -> BTreeMap<String, HarmOverride> {
    let tables = reference::tables();
    let mut overrides = BTreeMap::new();
    for code in section.keys() {
        if tables.cjs(code).is_none() && tables.ho(code).is_none() && !tables.has_class(code) {
            section.fault(code, "UNKNOWN_CODE", "is no CJS code, Home Office code or Home Office class of the tables");
        }
        let set = section.section(code);
        let set = HarmOverride {
            days: set.number("days", SOME_HARM_DAYS),
            reason: set.text("reason", 500),
            decided: set.date("decided"),
        };
        overrides.insert(code.clone(), set);
    }
    overrides
}

fn risk(section: &Section<'_>) -> RiskPolicy {
    section.sums_to_100(&[&["arp", "weight"], &["vrp", "weight"], &["svrp", "weight"]]);
    let ages = section.section("assumed_ages");
    let assumed_ages: (u8, u8) = (ages.whole("least", 10..=120), ages.whole("most", 10..=120));
    if assumed_ages.0 > assumed_ages.1 && assumed_ages.1 > 0 {
        ages.fault("most", "NOT_ASCENDING", "must not be below least");
    }
    RiskPolicy {
        arp: instrument(&section.section("arp")),
        vrp: instrument(&section.section("vrp")),
        svrp: instrument(&section.section("svrp")),
        settled_months: section.whole("settled_months", 0..=600),
        contact_window_days: section.whole("contact_window_days", WINDOW),
        contact_half_life_days: section.number("contact_half_life_days", HALF_LIFE),
        contact_points: contact_points(section),
        no_sanction_top: section.number("no_sanction_top", POINTS),
        assumed_ages,
        least_sanction_age: section.whole("least_sanction_age", 0..=120),
    }
}

fn contact_points(section: &Section<'_>) -> Vec<(u32, f64)> {
    let steps = section.sections("contact_points");
    let points: Vec<(u32, f64)> =
        steps.iter().map(|step| (step.whole("dates", COUNT), step.number("points", POINTS))).collect();
    for (pair, step) in points.windows(2).zip(steps.iter().skip(1)) {
        // A date of 0 stands in for one that was refused.
        if pair[0].0 >= pair[1].0 && pair[1].0 > 0 {
            step.fault("dates", "NOT_ASCENDING", "must be above that of the step before");
        }
        if pair[0].1 > pair[1].1 {
            step.fault("points", "NOT_ASCENDING", "must not be below those of the step before");
        }
    }
    points
}

fn instrument(section: &Section<'_>) -> InstrumentPolicy {
    section.ascending(&["medium", "high", "very_high", "full"]);
    let probability = |key| section.number(key, 0.000_1..=1.0);
    InstrumentPolicy {
        weight: section.whole("weight", PERCENT),
        medium: probability("medium"),
        high: probability("high"),
        very_high: probability("very_high"),
        full: probability("full"),
        cap_male: section.optional_whole("cap_male", COUNT),
        cap_female: section.optional_whole("cap_female", COUNT),
    }
}

/// An indicator that fades.
fn fading(section: &Section<'_>) -> IndicatorPolicy {
    IndicatorPolicy {
        weight: section.number("weight", WEIGHT),
        half_life_days: Some(section.number("half_life_days", HALF_LIFE)),
    }
}

/// An indicator that stands in full or not at all.
fn lasting(section: &Section<'_>) -> IndicatorPolicy {
    IndicatorPolicy { weight: section.number("weight", WEIGHT), half_life_days: None }
}

fn threat(section: &Section<'_>) -> ThreatPolicy {
    let repeated = section.section("repeated_recently");
    let release = section.section("release_due");
    let at_large = section.section("at_large");
    let grade = section.section("grade");
    let (source, assessment) = (grade.section("source"), grade.section("assessment"));
    let old = section.section("old_grade");
    let (old_source, old_evaluation) = (old.section("source"), old.section("evaluation"));
    ThreatPolicy {
        threat_to_life: fading(&section.section("threat_to_life")),
        access_to_firearm: fading(&section.section("access_to_firearm")),
        intent_to_harm: fading(&section.section("intent_to_harm")),
        contact_with_vulnerable_victim: fading(&section.section("contact_with_vulnerable_victim")),
        access_to_weapon: fading(&section.section("access_to_weapon")),
        breach_of_order: fading(&section.section("breach_of_order")),
        repeated_recently: lasting(&repeated),
        repeated_dates: repeated.whole("dates", COUNT),
        repeated_within_days: repeated.whole("within_days", WINDOW),
        breach_of_bail: fading(&section.section("breach_of_bail")),
        violent_marker: lasting(&section.section("violent_marker")),
        organised_crime: fading(&section.section("organised_crime")),
        release_due: lasting(&release),
        release_window_days: around(&release),
        at_large_violent_or_sexual: at_large.number("violent_or_sexual", WEIGHT),
        at_large_unlawfully: at_large.number("unlawfully", WEIGHT),
        at_large_failed_to_surrender: at_large.number("failed_to_surrender", WEIGHT),
        at_large_any: at_large.number("any", WEIGHT),
        intelligence_most: section.number("intelligence_most", SHARE),
        sources_counted: section.whole("sources_counted", COUNT),
        source_reliability: falling(&source, ["1", "2", "3"]),
        assessment: falling(&assessment, ["A", "B", "C", "D", "E"]),
        old_source: ["A", "B", "C", "D", "E"].map(|letter| old_source.whole(letter, 1..=3)),
        old_evaluation: ["1", "2", "3", "4", "5"].map(|number| assessment_letter(&old_evaluation, number)),
    }
}

/// Multipliers that never rise from the best grade to the worst: a better grade never weighs less.
fn falling<const N: usize>(section: &Section<'_>, keys: [&str; N]) -> [f64; N] {
    let read = keys.map(|key| section.number(key, SHARE));
    for (values, keys) in read.windows(2).zip(keys.windows(2)) {
        if values[1] > values[0] {
            section.fault(
                keys[1],
                "NOT_DESCENDING",
                &format!("must not be above {}: a better grade never weighs less", keys[0]),
            );
        }
    }
    read
}

/// An assessment letter, as 0 for A to 4 for E.
fn assessment_letter(section: &Section<'_>, key: &str) -> u8 {
    let letter = section.text(key, 64);
    match letter.as_str() {
        // The empty text stands in for one that is missing or no text: said already.
        "A" | "" => 0,
        "B" => 1,
        "C" => 2,
        "D" => 3,
        "E" => 4,
        _ => {
            section.fault(key, "UNKNOWN_GRADE", "must be a letter from A to E");
            0
        }
    }
}

fn around(section: &Section<'_>) -> (i32, i32) {
    (section.whole("days_before", WINDOW), section.whole("days_after", WINDOW))
}

fn weights(section: &Section<'_>) -> Weights {
    section.sums_to_100(&[&["threat"], &["risk"], &["harm"]]);
    let percent = |key| section.whole(key, PERCENT);
    Weights { threat: percent("threat"), risk: percent("risk"), harm: percent("harm") }
}

fn composite(section: &Section<'_>) -> CompositePolicy {
    let custody = section.section("custody");
    custody.ascending(&["full_until_days", "least_from_days"]);
    CompositePolicy {
        cohort: weights(&section.section("cohort")),
        outstanding: weights(&section.section("outstanding")),
        full_until_days: custody.whole("full_until_days", WINDOW),
        least_from_days: custody.whole("least_from_days", WINDOW),
        least: custody.fixed("least", SHARE, 4),
    }
}

fn bands(section: &Section<'_>) -> BandPolicy {
    section.ascending(&["medium", "high", "very_high"]);
    let begins = |key| section.fixed(key, 0.001..=100.0, 3);
    BandPolicy { medium: begins("medium"), high: begins("high"), very_high: begins("very_high") }
}

fn floors(section: &Section<'_>) -> FloorPolicy {
    let life = section.section("threat_to_life");
    let wanted = section.section("wanted");
    wanted.ascending(&["high_from_harm_days", "very_high_from_harm_days"]);
    let release = section.section("release");
    let prolific = section.section("prolific");
    let domestic = section.section("domestic_abuse");
    let firearm = section.section("firearm");
    FloorPolicy {
        none_while_release_over_days: section.whole("none_while_release_over_days", WINDOW),
        threat_to_life_within_days: life.whole("within_days", WINDOW),
        threat_to_life_grade: life.number("grade", SHARE),
        wanted_very_high_days: wanted.number("very_high_from_harm_days", SOME_HARM_DAYS),
        wanted_high_days: wanted.number("high_from_harm_days", SOME_HARM_DAYS),
        domestic_assessment_within_days: section.section("domestic_assessment").whole("within_days", WINDOW),
        release_days: release.number("from_harm_days", SOME_HARM_DAYS),
        release_window_days: around(&release),
        prolific_arp: prolific.number("arp", 0.000_1..=1.0),
        prolific_dates: prolific.whole("dates", COUNT),
        prolific_within_days: prolific.whole("within_days", WINDOW),
        recall_high_days: section.section("recall").number("from_harm_days", SOME_HARM_DAYS),
        domestic_dates: domestic.whole("dates", COUNT),
        domestic_within_days: domestic.whole("within_days", WINDOW),
        firearm_grade: firearm.number("grade", SHARE),
        firearm_within_days: firearm.whole("within_days", WINDOW),
    }
}

fn quality(section: &Section<'_>) -> QualityPolicy {
    QualityPolicy {
        stale_suspect_days: section.whole("stale_suspect_days", 1..=36_525),
        stale_suspect_milli: section.fixed("stale_suspect_points", POINTS, 3),
        unknown_date_days: section.whole("unknown_date_days", WINDOW),
    }
}
