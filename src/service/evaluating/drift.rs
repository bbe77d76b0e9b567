//! Whether a policy still does what it did when it was approved: bounds are set
//! with the approval, and every later evaluation is held against them.

use crate::pb;

/// Observed over expected may move by this factor either way, beyond its own interval.
const RATIO: f64 = 1.25;
/// Rates of groups may move by so much either way, beyond their own intervals.
const RATE: f64 = 0.05;
/// The area under the curve may fall by so much, below its own interval.
const AREA: f64 = 0.03;

/// A number that can be bound, as it is now.
struct Bindable {
    measure: String,
    now: pb::Estimate,
    kind: Kind,
}

#[derive(Clone, Copy)]
enum Kind {
    Ratio,
    Rate,
    Area,
}

/// Bounds that an approval with this evaluation sets unless its officer states others.
pub fn proposed(evaluation: &pb::Evaluation) -> Vec<pb::DriftBound> {
    let bound = |Bindable { measure, now, kind }: Bindable| {
        let (low, high) = now.low.zip(now.high)?;
        let (low, high) = match kind {
            Kind::Ratio => (low / RATIO, high * RATIO),
            Kind::Rate => ((low - RATE).max(0.0), (high + RATE).min(1.0)),
            // It is no fault to do better.
            Kind::Area => ((low - AREA).max(0.0), 1.0),
        };
        Some(pb::DriftBound { measure, low, high })
    };
    bindable(evaluation).into_iter().filter_map(bound).collect()
}

/// Where the numbers of an evaluation are among bounds. One that is not there any more is told without a value.
pub fn of(evaluation: &pb::Evaluation, bounds: &[pb::DriftBound]) -> Vec<pb::Drift> {
    let found = bindable(evaluation);
    let drift = |bound: &pb::DriftBound| {
        let now = found.iter().find(|it| it.measure == bound.measure).map(|it| it.now).unwrap_or_default();
        // What lies outside by chance alone does not count: its whole interval has to.
        let left = now.low.zip(now.high).is_some_and(|(low, high)| high < bound.low || low > bound.high);
        pb::Drift { measure: bound.measure.clone(), low: bound.low, high: bound.high, now: Some(now), left }
    };
    bounds.iter().map(drift).collect()
}

fn bindable(evaluation: &pb::Evaluation) -> Vec<Bindable> {
    let mut found = Vec::new();
    let policy = evaluation.orders.first().and_then(|order| order.measures.iter().find(|it| it.date.is_none()));
    if let Some(now) = policy.and_then(|measures| measures.auc) {
        found.push(Bindable { measure: "area under the curve".to_owned(), now, kind: Kind::Area });
    }
    for calibration in &evaluation.calibrations {
        if let Some(now) = calibration.ratio {
            let measure = format!("{} observed over expected", calibration.instrument);
            found.push(Bindable { measure, now, kind: Kind::Ratio });
        }
    }
    for fairness in &evaluation.fairness {
        for group in &fairness.groups {
            for (rate, number) in rates(group) {
                let Some(number) = number.filter(|number| !number.suppressed && number.value.is_some()) else {
                    continue;
                };
                let measure = format!("{} {} {rate}", fairness.characteristic, group.group);
                let now = pb::Estimate { value: number.value, low: number.low, high: number.high, n: number.of };
                found.push(Bindable { measure, now, kind: Kind::Rate });
            }
        }
    }
    found
}

fn rates(group: &pb::EvaluatedGroup) -> [(&'static str, Option<&pb::GroupNumber>); 4] {
    [
        ("selection rate", group.selection_rate.as_ref()),
        ("false positive rate", group.false_positive_rate.as_ref()),
        ("false negative rate", group.false_negative_rate.as_ref()),
        ("positive predictive value", group.positive_predictive_value.as_ref()),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn evaluation(low: f64, high: f64) -> pb::Evaluation {
        let ratio = pb::Estimate { value: Some(f64::midpoint(low, high)), low: Some(low), high: Some(high), n: 500 };
        let number = |suppressed| {
            Some(pb::GroupNumber { value: Some(0.2), low: Some(0.1), high: Some(0.3), of: 40, suppressed })
        };
        let group = |name: &str, suppressed| pb::EvaluatedGroup {
            group: name.to_owned(),
            false_positive_rate: number(suppressed),
            ..Default::default()
        };
        pb::Evaluation {
            calibrations: vec![pb::Calibration {
                instrument: "ARP".to_owned(),
                ratio: Some(ratio),
                ..Default::default()
            }],
            fairness: vec![pb::Fairness {
                characteristic: "sex".to_owned(),
                groups: vec![group("Female", false), group("Other", true)],
                suppressed: false,
            }],
            ..Default::default()
        }
    }

    #[test]
    fn bounds_are_wider_than_what_they_were_set_by_and_never_of_a_suppressed_number() {
        let bounds = proposed(&evaluation(0.9, 1.1));
        let named: Vec<&str> = bounds.iter().map(|bound| bound.measure.as_str()).collect();
        assert_eq!(named, ["ARP observed over expected", "sex Female false positive rate"]);
        assert!(bounds[0].low < 0.9 && bounds[0].high > 1.1 && bounds[1].low < 0.1 && bounds[1].high > 0.3);
    }

    #[test]
    fn a_number_has_left_once_its_whole_interval_lies_outside() {
        let bounds = proposed(&evaluation(0.9, 1.1));
        let left = |low, high| of(&evaluation(low, high), &bounds)[0].left;
        assert!(!left(0.9, 1.1) && !left(1.2, 1.6), "the interval reaches in");
        assert!(left(1.5, 1.9) && left(0.3, 0.6));
        let gone = of(&pb::Evaluation::default(), &bounds);
        assert!(gone.iter().all(|drift| !drift.left && drift.now.as_ref().is_some_and(|now| now.value.is_none())));
    }
}
