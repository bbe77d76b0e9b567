//! What a policy file is held to.
#![expect(clippy::float_cmp, reason = "known answers are exact")]

use proptest::prelude::*;

use super::*;

/// The reference text with one line or fragment changed.
fn changed(from: &str, to: &str) -> String {
    let text = Policy::default_text();
    assert!(text.contains(from), "the reference policy must hold {from:?}");
    text.replacen(from, to, 1)
}

/// Path and reason of everything wrong with a text.
fn faults(text: &str) -> Vec<(String, &'static str)> {
    let violations = Policy::parse(text).expect_err("must be refused");
    violations.into_iter().map(|violation| (violation.path, violation.reason)).collect()
}

fn one_fault(text: &str, path: &str, reason: &'static str) {
    assert_eq!(faults(text), [(path.to_owned(), reason)]);
}

#[test]
fn the_reference_policy_says_what_the_method_says() {
    let policy = Policy::reference();
    assert_eq!(policy.version, "thr-2026.1");
    assert_eq!(policy.harm.proof[&Outcome::Charged], 0.8);
    assert_eq!(policy.harm.proof.len(), Outcome::ALL.len());
    assert_eq!(policy.harm.evidential_difficulty, None);
    assert_eq!(policy.harm.overrides["083"].days, 1.0);
    assert_eq!(policy.harm.overrides.len(), 14);
    assert_eq!(policy.risk.contact_points, [(1, 6.0), (2, 12.0), (4, 20.0), (7, 28.0)]);
    assert_eq!((policy.risk.svrp.cap_male, policy.risk.svrp.cap_female), (Some(37), Some(34)));
    assert_eq!((policy.risk.arp.cap_male, policy.risk.arp.cap_female), (None, None));
    assert_eq!(policy.threat.at_large_unlawfully, 0.35);
    assert_eq!(policy.threat.violent_marker.half_life_days, None);
    assert_eq!(policy.threat.old_evaluation, [0, 0, 1, 3, 4]);
    assert_eq!(policy.composite.cohort, Weights { threat: 25, risk: 35, harm: 40 });
    assert_eq!((policy.composite.full_until_days, policy.composite.least_from_days), (28, 84));
    assert_eq!(policy.composite.least, 3_000);
    assert_eq!(policy.bands, BandPolicy { medium: 25_000, high: 40_000, very_high: 60_000 });
    assert_eq!(policy.quality.stale_suspect_milli, 1_000);
    assert_eq!(policy.floors.release_window_days, (28, 90));
}

#[test]
fn a_misspelt_key_is_unknown_and_the_right_one_missing() {
    let text = changed("half_life_days = 730", "halflife_days = 730");
    let expected = [("harm.half_life_days", "MISSING_KEY"), ("harm.halflife_days", "UNKNOWN_KEY")];
    assert_eq!(faults(&text), expected.map(|(path, reason)| (path.to_owned(), reason)));
    one_fault(&format!("extra = 1\n{}", Policy::default_text()), "extra", "UNKNOWN_KEY");
}

#[test]
fn a_missing_section_is_one_fault_not_one_a_key() {
    one_fault(&changed("[floors.recall]\nfrom_harm_days = 365\n", ""), "floors.recall", "MISSING_KEY");
}

#[test]
fn every_rule_of_the_file_is_kept() {
    for (from, to, path, reason) in [
        ("half_life_days = 730", "half_life_days = 0", "harm.half_life_days", "OUT_OF_RANGE"),
        ("half_life_days = 730", "half_life_days = -730", "harm.half_life_days", "OUT_OF_RANGE"),
        ("half_life_days = 730", "half_life_days = nan", "harm.half_life_days", "OUT_OF_RANGE"),
        ("half_life_days = 730", "half_life_days = \"730\"", "harm.half_life_days", "WRONG_TYPE"),
        ("convicted = 1\n", "convicted = 1.1\n", "harm.proof.convicted", "OUT_OF_RANGE"),
        ("charged = 0.8", "charged = 0.4", "harm.proof.charged", "NOT_ASCENDING"),
        ("most = 1.6", "most = 0.9", "harm.victim.most", "OUT_OF_RANGE"),
        ("MD71132 =", "MD7113X =", "harm_override.MD7113X", "UNKNOWN_CODE"),
        ("\"083\" =", "\"883/1\" =", "harm_override.\"883/1\"", "UNKNOWN_CODE"),
        ("days = 1, decided = 2026-11-01", "days = 1, decided = 1826-11-01", "harm_override.083.decided", "NOT_A_DATE"),
        (
            "days = 1, decided = 2026-11-01",
            "days = 1, decided = 2026-11-01T09:00:00",
            "harm_override.083.decided",
            "NOT_A_DATE",
        ),
        (
            "days = 1, decided = 2026-11-01",
            "days = 1, decided = \"2026-11-01\"",
            "harm_override.083.decided",
            "WRONG_TYPE",
        ),
        ("days = 1, decided", "days = 0, decided", "harm_override.083.days", "OUT_OF_RANGE"),
        (
            "reason = \"Riot: not in the index; its category would give 5\"",
            "reason = \" \"",
            "harm_override.PU86001.reason",
            "EMPTY",
        ),
        ("weight = 40", "weight = 41", "risk", "WEIGHTS_DO_NOT_SUM"),
        ("medium = 0.30", "medium = 0.60", "risk.vrp.high", "NOT_ASCENDING"),
        ("dates = 2, points = 12", "dates = 1, points = 12", "risk.contact_points[1].dates", "NOT_ASCENDING"),
        ("dates = 2, points = 12", "dates = 2, points = 5", "risk.contact_points[1].points", "NOT_ASCENDING"),
        ("least = 18, most = 60", "least = 61, most = 60", "risk.assumed_ages.most", "NOT_ASCENDING"),
        ("settled_months = 36", "settled_months = 36.0", "risk.settled_months", "WRONG_TYPE"),
        ("weight = 0.70", "weight = 1", "threat.threat_to_life.weight", "OUT_OF_RANGE"),
        (
            "[threat.violent_marker]",
            "[threat.violent_marker]\nhalf_life_days = 9",
            "threat.violent_marker.half_life_days",
            "UNKNOWN_KEY",
        ),
        ("2 = 0.6, 3 = 0.2", "2 = 0.1, 3 = 0.2", "threat.grade.source.3", "NOT_DESCENDING"),
        ("C = 2, D = 3", "C = 4, D = 3", "threat.old_grade.source.C", "OUT_OF_RANGE"),
        ("4 = \"D\"", "4 = \"F\"", "threat.old_grade.evaluation.4", "UNKNOWN_GRADE"),
        ("threat = 25", "threat = 26", "composite.cohort", "WEIGHTS_DO_NOT_SUM"),
        ("least = 0.3\n", "least = 0.30001\n", "composite.custody.least", "TOO_PRECISE"),
        ("least_from_days = 84", "least_from_days = 28", "composite.custody.least_from_days", "NOT_ASCENDING"),
        ("high = 40\n", "high = 61\n", "bands.very_high", "NOT_ASCENDING"),
        (
            "high_from_harm_days = 365",
            "high_from_harm_days = 2000",
            "floors.wanted.very_high_from_harm_days",
            "NOT_ASCENDING",
        ),
        ("on = false", "on = 0", "harm.evidential_difficulty.on", "WRONG_TYPE"),
        ("version = \"thr-2026.1\"", "version = \"a\\u0007b\"", "version", "UNPRINTABLE"),
    ] {
        assert_eq!(faults(&changed(from, to)), [(path.to_owned(), reason)], "{to}");
    }
}

#[test]
fn all_faults_are_told_at_once() {
    let text = changed("half_life_days = 730", "half_life_days = 0")
        .replace("high = 40\n", "high = 61\n")
        .replace("threat = 25", "threat = 26")
        .replace("MD71132 =", "MD7113X =");
    let reasons: Vec<_> = faults(&text).into_iter().map(|(_, reason)| reason).collect();
    assert_eq!(reasons, ["OUT_OF_RANGE", "UNKNOWN_CODE", "WEIGHTS_DO_NOT_SUM", "NOT_ASCENDING"]);
}

#[test]
fn an_empty_file_misses_every_part() {
    let missing = faults("");
    assert!(missing.iter().all(|(_, reason)| *reason == "MISSING_KEY"));
    assert_eq!(missing.len(), 10);
}

#[test]
fn what_is_no_toml_is_told_with_its_place() {
    one_fault("version = \"a\"\n[harm\n", "line 2, column 6", "NOT_TOML");
    one_fault("version = 1\nversion = 2\n", "line 2, column 1", "NOT_TOML");
}

#[test]
fn the_evidential_switch_sets_its_proof() {
    let policy = Policy::parse(&changed("on = false", "on = true")).expect("must be valid");
    assert_eq!(policy.harm.evidential_difficulty, Some(0.2));
}

proptest! {
    #[test]
    fn no_text_makes_the_parser_panic(text in "\\PC{0,200}") {
        let _ = Policy::parse(&text);
    }

    #[test]
    fn no_change_of_the_reference_text_makes_the_parser_panic(
        at in 0.0..1.0_f64, cut in 0_usize..40, put in "[-\\[\\]{}=\"'#.,0-9a-z_\n ]{0,12}",
    ) {
        let text: Vec<char> = Policy::default_text().chars().collect();
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a place within the text")]
        let at = (at * text.len() as f64) as usize;
        let mutated: String =
            text[..at].iter().copied().chain(put.chars()).chain(text.iter().skip(at + cut).copied()).collect();
        if let Err(violations) = Policy::parse(&mutated) {
            prop_assert!(!violations.is_empty());
        }
    }

    #[test]
    fn a_number_anywhere_is_accepted_or_refused_by_name(line in 0_usize..400, number in prop::num::f64::ANY) {
        let mut lines: Vec<String> = Policy::default_text().lines().map(str::to_owned).collect();
        let at = line % lines.len();
        if let Some((key, _)) = lines[at].clone().split_once(" = ").filter(|(key, _)| !key.contains('#')) {
            lines[at] = format!("{key} = {number:?}");
            if let Err(violations) = Policy::parse(&lines.join("\n")) {
                prop_assert!(violations.iter().all(|violation| !violation.path.is_empty()));
            }
        }
    }
}
