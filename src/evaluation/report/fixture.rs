//! Evaluations made by hand for tests: one that has every part, and one of nobody.

use crate::pb;
use crate::pb::{Conclusion, EvaluatedOutcome, FairnessStandard, KnownBy, List, ScoringInput};

/// A number that no page or screen may show, for it is withheld; no share is like it, so that every trace is found.
pub const SECRET: f64 = 8_765.432_1;

fn estimate(value: f64, low: f64, high: f64, n: u32) -> pb::Estimate {
    pb::Estimate { value: Some(value), low: Some(low), high: Some(high), n }
}

fn difference(value: f64, low: f64, high: f64, verdict: Conclusion) -> pb::Difference {
    pb::Difference { estimate: Some(estimate(value, low, high, 5_204)), verdict: verdict.into() }
}

fn terms() -> pb::EvaluationTerms {
    pb::EvaluationTerms {
        version: "thr-2026.2".to_owned(),
        compared_version: "thr-2026.1".to_owned(),
        index_dates: vec!["2023-01-01".to_owned(), "2023-07-01".to_owned()],
        follow_up_days: 730,
        known_by: KnownBy::Source.into(),
        list: List::All.into(),
        capacity: 50,
        outcome: EvaluatedOutcome::AnyOffence.into(),
        least_proof: 80,
        samples: 1_000,
        seed: 7,
        without: vec![ScoringInput::Intelligence.into(), ScoringInput::UnprovedAllegations.into()],
        declared_fairness: FairnessStandard::EqualFalsePositiveRates.into(),
        before_and_after: true,
        window_days: 365,
        ..Default::default()
    }
}

fn date(day: &str, people: u32, with_outcome: u32) -> pb::EvaluatedDate {
    pb::EvaluatedDate {
        index_date: day.to_owned(),
        known_at: Some(pbjson_types::Timestamp { seconds: 1_672_617_600, nanos: 0 }),
        people,
        with_outcome,
        harm_days: 91_250.5,
        capacity: 50,
        records_not_known_yet: 1_310,
        people_not_listed: 212,
        people_erased: 3,
        in_custody: 118,
    }
}

fn measures(date: Option<u32>, auc: f64, captured: f64) -> pb::OrderMeasures {
    pb::OrderMeasures {
        date,
        auc: Some(estimate(auc, auc - 0.018, auc + 0.018, 5_204)),
        precision: Some(estimate(0.64, 0.49, 0.77, 100)),
        recall: Some(estimate(0.041, 0.031, 0.053, 1_561)),
        harm_captured: Some(estimate(captured, (captured - 0.04).max(0.002), captured + 0.05, 5_204)),
        harm_lift: Some(estimate(captured * 52.0, captured * 45.0, captured * 60.0, 5_204)),
        harm_of_best: Some(estimate(captured * 1.4, captured, captured * 1.7, 5_204)),
    }
}

fn order(name: &str, description: &str, auc: f64, captured: f64) -> pb::EvaluatedOrder {
    // A curve of the right shape: it begins steep, by how well the order does, and ends at all of the harm.
    let shares = [0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0];
    let bend = (2.0 - 2.0 * auc).clamp(0.2, 1.0);
    let verdict = match name {
        "random" | "harm" => Conclusion::Higher,
        "force_list" => Conclusion::Lower,
        _ => Conclusion::Inconclusive,
    };
    let (low, high) = match verdict {
        Conclusion::Higher => (0.004, 0.041),
        Conclusion::Lower => (-0.052, -0.006),
        Conclusion::Unspecified | Conclusion::Inconclusive => (-0.008, 0.021),
    };
    let less = |scale: f64| difference(f64::midpoint(low, high) * scale, low * scale, high * scale, verdict);
    let is_policy = name == "policy";
    pb::EvaluatedOrder {
        name: name.to_owned(),
        description: description.to_owned(),
        measures: vec![
            measures(Some(0), auc + 0.006, captured),
            measures(Some(1), auc - 0.005, captured),
            measures(None, auc, captured),
        ],
        auc_difference: (!is_policy).then(|| less(1.0)),
        harm_captured_difference: (!is_policy).then(|| less(2.0)),
        harm_curve: shares.iter().map(|share: &f64| libm::pow(*share, bend)).collect(),
        ..Default::default()
    }
}

fn orders() -> Vec<pb::EvaluatedOrder> {
    [
        ("policy", "The policy's own order.", 0.724, 0.312),
        ("compared", "The order of the policy compared with it.", 0.719, 0.301),
        ("threat", "By the threat component alone.", 0.661, 0.22),
        ("risk", "By the risk component alone.", 0.715, 0.19),
        ("harm", "By the harm component alone.", 0.684, 0.27),
        ("random", "Dealt out at random from the seed.", 0.501, 0.012),
        ("count", "By how many offences are recorded.", 0.712, 0.24),
        ("recency", "By how recent the last offence is.", 0.655, 0.16),
        ("prior_harm", "By the harm days recorded, without fading.", 0.676, 0.26),
        ("ogrs3", "By the Offender Group Reconviction Scale 3.", 0.709, 0.14),
        ("force_list", "The list that the force sent.", 0.741, 0.33),
    ]
    .map(|(name, description, auc, captured)| order(name, description, auc, captured))
    .into()
}

fn calibration(instrument: &str, outcome: EvaluatedOutcome, most: f64) -> pb::Calibration {
    let bins = (1..=10_u32).map(|part| {
        let expected = most * f64::from(part) / 10.0;
        let observed = (expected * 1.06 + most * 0.01).min(1.0);
        let observed = estimate(observed, observed * 0.88, (observed * 1.13).min(1.0), 480);
        pb::ReliabilityBin { expected, observed: Some(observed) }
    });
    pb::Calibration {
        instrument: instrument.to_owned(),
        outcome: outcome.into(),
        people: 4_800,
        without: 404,
        expected: most * 0.55,
        observed: Some(estimate(most * 0.593, most * 0.57, most * 0.61, 4_800)),
        in_the_large: Some(estimate(most * 0.043, most * 0.02, most * 0.06, 4_800)),
        ratio: Some(estimate(1.078, 1.036, 1.11, 4_800)),
        slope: Some(estimate(0.97, 0.89, 1.05, 4_800)),
        brier: Some(estimate(0.181, 0.174, 0.188, 4_800)),
        auc: Some(estimate(0.715, 0.697, 0.733, 4_800)),
        bins: bins.collect(),
    }
}

fn rate(value: f64, of: u32) -> pb::GroupNumber {
    let width = (value * 0.2).abs();
    // A share stays one; a ratio or a shift of ranks may be any number.
    let high = if (0.0..=1.0).contains(&value) { (value + width).min(1.0) } else { value + width };
    pb::GroupNumber { value: Some(value), low: Some(value - width), high: Some(high), of, suppressed: false }
}

fn group(name: &str, people: u32, reference: bool, base: f64, verdict: Conclusion) -> pb::EvaluatedGroup {
    pb::EvaluatedGroup {
        group: name.to_owned(),
        reference,
        people: Some(people),
        selection_rate: Some(rate(base * 0.1, people)),
        selection_ratio: Some(rate(base * 3.1, people)),
        false_positive_rate: Some(rate(base * 0.04, people * 7 / 10)),
        false_negative_rate: Some(rate(1.0 - base * 0.3, people * 3 / 10)),
        positive_predictive_value: Some(rate(0.64, people / 20)),
        calibration: Some(rate(0.013, people)),
        declared_verdict: verdict.into(),
        rank_shifts: [4.2, -11.0].map(|shift| rate(shift, people)).into(),
    }
}

/// A group that is withheld, with numbers that must not be told all the same.
fn withheld(name: &str) -> pb::EvaluatedGroup {
    let secret = || {
        Some(pb::GroupNumber { value: Some(SECRET), low: Some(SECRET), high: Some(SECRET), of: 0, suppressed: true })
    };
    pb::EvaluatedGroup {
        group: name.to_owned(),
        people: None,
        selection_rate: secret(),
        selection_ratio: secret(),
        false_positive_rate: secret(),
        false_negative_rate: secret(),
        positive_predictive_value: secret(),
        // Not marked: the size of the group is withheld, and so must this be.
        calibration: Some(rate(SECRET, 8_765)),
        declared_verdict: Conclusion::Higher.into(),
        rank_shifts: secret().into_iter().chain(secret()).collect(),
        ..Default::default()
    }
}

fn fairness() -> Vec<pb::Fairness> {
    let mut asian = group("Asian", 410, false, 0.42, Conclusion::Higher);
    asian.positive_predictive_value =
        Some(pb::GroupNumber { value: Some(SECRET), suppressed: true, ..Default::default() });
    vec![
        pb::Fairness {
            characteristic: "ethnicity".to_owned(),
            groups: vec![
                group("White", 4_020, true, 0.31, Conclusion::Unspecified),
                asian,
                group("Black", 388, false, 0.35, Conclusion::Inconclusive),
                group("not stated", 340, false, 0.2, Conclusion::Lower),
                withheld("Mixed"),
                withheld("Other <b>&amp;</b>"),
            ],
            suppressed: false,
        },
        pb::Fairness {
            characteristic: "sex".to_owned(),
            groups: vec![
                group("male", 4_410, true, 0.33, Conclusion::Unspecified),
                group("female", 794, false, 0.21, Conclusion::Inconclusive),
            ],
            suppressed: false,
        },
        pb::Fairness {
            characteristic: "disability".to_owned(),
            groups: vec![withheld("yes"), withheld("no")],
            suppressed: true,
        },
    ]
}

fn before_after() -> pb::BeforeAfter {
    let measure = |measure: &str, [a, b, c, d]: [f64; 4], difference| pb::BeforeAfterRate {
        measure: measure.to_owned(),
        selected_before: a,
        selected_after: b,
        matched_before: c,
        matched_after: d,
        difference_in_differences: Some(difference),
    };
    pb::BeforeAfter {
        selected: 84,
        matched: 77,
        pool: 1_920,
        window_days: 365,
        rates: vec![
            measure("offences", [6.21, 3.4, 6.02, 3.61], difference(-0.4, -1.1, 0.31, Conclusion::Inconclusive)),
            measure(
                "harm_days",
                [212.0, 120.0, 198.0, 131.0],
                difference(-25.0, -61.0, 12.0, Conclusion::Inconclusive),
            ),
            measure(
                "cost_gbp",
                [24_810.0, 12_040.0, 23_950.0, 13_300.0],
                difference(-2_120.0, -4_010.0, -230.0, Conclusion::Lower),
            ),
        ],
        imbalance_before: 1.21,
        imbalance_after: 0.14,
        verdict: Conclusion::Inconclusive.into(),
        reasons: vec!["INTERVAL_SPANS_ZERO".to_owned()],
        unpriced: 61,
        cost_source: "Heeks, Reed, Tafsiri and Prince (2018) Home Office Research Report 99".to_owned(),
    }
}

/// One that has every part.
pub fn whole() -> pb::Evaluation {
    let stable = |change: &str, kendall_tau, overlap, bands_changed| pb::Stability {
        change: change.to_owned(),
        kendall_tau,
        overlap,
        bands_changed,
    };
    let drift = |measure: &str, low, high, now, left| pb::Drift {
        measure: measure.to_owned(),
        low,
        high,
        now: Some(now),
        left,
    };
    pb::Evaluation {
        id: "3fa2b1c09d44".repeat(6).chars().take(64).collect(),
        policy_version: "thr-2026.2".to_owned(),
        policy_digest: "b1".repeat(32),
        engine_version: "0.1.0".to_owned(),
        context: Some(pb::ReadContext {
            revision: 20_114,
            as_of: "2026-03-31".to_owned(),
            policy_version: "thr-2026.1".to_owned(),
            ..Default::default()
        }),
        time: Some(pbjson_types::Timestamp { seconds: 1_774_958_700, nanos: 0 }),
        terms: Some(terms()),
        outcomes_sent: false,
        dates: vec![date("2023-01-01", 5_204, 1_561), date("2023-07-01", 5_390, 1_602)],
        orders: orders(),
        calibrations: vec![
            calibration("ARP", EvaluatedOutcome::AnyOffence, 0.84),
            calibration("VRP", EvaluatedOutcome::ViolentOffence, 0.46),
            calibration("SVRP", EvaluatedOutcome::SeriousViolentOffence, 0.031),
            calibration("OGRS3", EvaluatedOutcome::AnyOffence, 0.9),
        ],
        stability: vec![
            stable("weight of threat + 20 %", 0.961, 0.94, 61),
            stable("weight of risk + 20 %", 0.955, 0.92, 70),
            stable("harm by MAXIMUM_SENTENCE", 0.812, 0.7, 402),
            stable("without intelligence", 0.934, 0.86, 133),
            stable("without unproved allegations", 0.774, 0.62, 611),
        ],
        fairness: fairness(),
        before_after: Some(before_after()),
        leakage: Some(pb::LeakageCheck {
            shuffled_auc: Some(estimate(0.498, 0.482, 0.515, 5_204)),
            people_weighed_again: 500,
            differed: 0,
            records_left_out: 2_620,
            passed: true,
        }),
        drift: vec![
            drift("ARP observed over expected", 0.9, 1.05, estimate(1.078, 1.056, 1.11, 4_800), true),
            drift("AUC", 0.69, 0.76, estimate(0.724, 0.706, 0.742, 5_204), false),
        ],
        limits: vec![
            "An offence that nobody recorded is not seen: the evaluation is of recorded offending.".to_owned(),
            "People who were managed may have offended less because they were managed.".to_owned(),
        ],
        rows_unused: 12,
        ..Default::default()
    }
}

/// One of nobody: no number in it can be computed.
pub fn empty() -> pb::Evaluation {
    let undefined = || Some(pb::Estimate::default());
    let measures = pb::OrderMeasures {
        date: None,
        auc: undefined(),
        precision: undefined(),
        recall: undefined(),
        harm_captured: undefined(),
        harm_lift: undefined(),
        harm_of_best: undefined(),
    };
    let less =
        || Some(pb::Difference { estimate: Some(pb::Estimate::default()), verdict: Conclusion::Inconclusive.into() });
    let order = |name: &str, less: fn() -> Option<pb::Difference>| pb::EvaluatedOrder {
        name: name.to_owned(),
        measures: vec![measures],
        auc_difference: less(),
        harm_captured_difference: less(),
        ..Default::default()
    };
    pb::Evaluation {
        policy_version: "thr-2026.2".to_owned(),
        orders: vec![order("policy", || None), order("count", less)],
        calibrations: vec![pb::Calibration {
            instrument: "ARP".to_owned(),
            observed: undefined(),
            in_the_large: undefined(),
            ..Default::default()
        }],
        ..Default::default()
    }
}

/// How [`SECRET`] would look if it were told, in any form.
pub const TRACES: [&str; 4] = ["8765", "8,765", "876543", "876,543"];
