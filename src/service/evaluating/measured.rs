//! The order of the policy and those that it is held against, measured on the
//! same people and the same samples; the predictors' chances; and that outcomes
//! dealt out at random tell nothing.

use std::num::NonZeroU32;

use hashbrown::HashMap;
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use super::leakage::WeighedAgain;
use super::people::{INSTRUMENTS, Person};
use super::run::{Dated, number};
use super::stability::ranks;
use super::terms::Terms;
use crate::domain::SubjectId;
use crate::evaluation::compare::proportion::Proportion;
use crate::evaluation::measure::calibration::Bin;
use crate::evaluation::measure::{
    Calibrated, CalibrationMeasure, Chance, Difference, Evaluated, IndexDate, Measure, Order, Question, Ranking,
    Replicates, Row, Verdict, evaluate, harm_curve,
};
use crate::pb;

/// Shares of people at which the curve of harm is told.
const CURVE: [f64; 13] = [0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0];

/// What was measured.
pub struct Measured {
    /// Orders, that of the policy first.
    pub orders: Vec<pb::EvaluatedOrder>,
    /// Predictors.
    pub calibrations: Vec<pb::Calibration>,
}

/// An order to measure.
struct Named {
    name: &'static str,
    description: String,
    /// Scores of the people of each date, higher further up; `None`: not ranked by it.
    scores: Vec<Vec<Option<f64>>>,
}

/// Measures everything.
pub fn measure(dates: &[Dated], capacity: u32, terms: &Terms) -> Measured {
    let numbers = numbers(dates);
    let orders = orders(dates, terms);
    let capacity = NonZeroU32::new(capacity).unwrap_or(NonZeroU32::MIN);
    let asked: Vec<IndexDate> = dates
        .par_iter()
        .enumerate()
        .map(|(at, date)| IndexDate {
            rows: date.people.iter().map(|person| row(person, &numbers)).collect(),
            rankings: orders.par_iter().map(|order| Ranking::by_score_if_any(&order.scores[at])).collect(),
            capacity,
        })
        .collect();
    let held = (0..INSTRUMENTS.len()).filter_map(|place| chances(dates, place, &numbers).map(|held| (place, held)));
    let (places, chances): (Vec<usize>, Vec<Vec<Chance>>) = held.unzip();
    let found = evaluate(&Question {
        people: number(numbers.len()),
        dates: &asked,
        chances: &chances,
        samples: terms.stated.samples,
        seed: terms.stated.seed,
    });
    let theirs = orders.iter().position(|order| order.name == "force_list").map(Order::Ranked);
    let mut told: Vec<pb::EvaluatedOrder> = orders
        .iter()
        .enumerate()
        .map(|(place, order)| {
            let curve = harm_curve(&asked, place, &CURVE).unwrap_or_default();
            told(&found, dates.len(), Order::Ranked(place), (order.name, &order.description), theirs, curve)
        })
        .collect();
    let lot = ("random", "By lot: the mean over every order there is.");
    told.push(self::told(&found, dates.len(), Order::Random, lot, theirs, CURVE.to_vec()));
    let all: usize = dates.iter().map(|date| date.people.len()).sum();
    let calibrations = places.iter().zip(found.calibrations()).zip(&chances);
    let calibrations = calibrations
        .map(|((place, calibrated), held)| calibration(*place, calibrated, number(all - held.len())))
        .collect();
    Measured { orders: told, calibrations }
}

/// Everybody on any date, numbered from 0.
fn numbers(dates: &[Dated]) -> HashMap<SubjectId, u32> {
    let mut numbers = HashMap::new();
    for person in dates.iter().flat_map(|date| &date.people) {
        let next = number(numbers.len());
        numbers.entry(person.subject).or_insert(next);
    }
    numbers
}

fn row(person: &Person, numbers: &HashMap<SubjectId, u32>) -> Row {
    Row { person: numbers[&person.subject], outcome: person.after.outcome, harm: person.after.harm_days }
}

fn orders(dates: &[Dated], terms: &Terms) -> Vec<Named> {
    let by = |score: &dyn Fn(&Person) -> Option<f64>| -> Vec<Vec<Option<f64>>> {
        dates.iter().map(|date| date.people.iter().map(score).collect()).collect()
    };
    let placed = |orders: &dyn Fn(&Dated) -> Vec<super::people::Order>| -> Vec<Vec<Option<f64>>> {
        dates.iter().map(|date| ranks(&orders(date)).into_iter().map(|rank| Some(-rank)).collect()).collect()
    };
    let named = |name, description: &str, scores| Named { name, description: description.to_owned(), scores };
    let component = |place: usize| move |person: &Person| Some(f64::from(person.components[place]));
    let version = &terms.policy.version;
    let mut orders = vec![named(
        "policy",
        &format!("The order of the list by {version}: band, composite, harm, threat, risk."),
        placed(&|date| date.people.iter().map(|person| person.order).collect()),
    )];
    if let Some(compared) = &terms.compared {
        let told = format!("The order of the same people by {}.", compared.version);
        orders.push(named("compared", &told, placed(&|date| date.compared.clone())));
    }
    orders.extend([
        named("threat", "Threat alone.", by(&component(0))),
        named("risk", "Risk alone.", by(&component(1))),
        named("harm", "Harm alone: what was done, fading.", by(&component(2))),
        named("arp", "ARP as published; people without one come last.", by(&|person| person.predictors[0])),
        named(
            "count",
            "How many offences are alleged, or sanctions counted where only totals are held.",
            by(&|person| Some(f64::from(person.count))),
        ),
        named(
            "recency",
            "How late the latest alleged offence was.",
            by(&|person| Some(f64::from(person.latest?.days()))),
        ),
        named("prior_harm", "Harm days of everything alleged, not fading.", by(&|person| Some(person.prior_harm))),
        named("ogrs3", "OGRS3 as published; people without one come last.", by(&|person| person.predictors[3])),
    ]);
    match &terms.force_list {
        Some(list) => orders.push(named(
            "force_list",
            "The force's own list, as it was sent; people who are not on it come last.",
            by(&|person| list.get(&person.subject).copied()),
        )),
        None if dates.iter().any(|date| date.people.iter().any(|person| person.managed)) => orders.push(named(
            "force_list",
            "Whom the force managed on the day, before all others.",
            by(&|person| Some(f64::from(u8::from(person.managed)))),
        )),
        None => {}
    }
    orders
}

fn told(
    found: &Evaluated,
    dates: usize,
    order: Order,
    (name, description): (&str, &str),
    theirs: Option<Order>,
    harm_curve: Vec<f64>,
) -> pb::EvaluatedOrder {
    let measures = |date: Option<usize>| {
        let of = |measure| {
            let replicates = match date {
                Some(date) => found.on(date, order, measure),
                None => found.over_dates(order, measure),
            };
            Some(estimate(replicates))
        };
        pb::OrderMeasures {
            date: date.map(number),
            auc: of(Measure::Auc),
            precision: of(Measure::Precision),
            recall: of(Measure::Recall),
            harm_captured: of(Measure::HarmCaptured),
            harm_lift: of(Measure::HarmLift),
            harm_of_best: of(Measure::HarmOfBest),
        }
    };
    let policy = Order::Ranked(0);
    let less = |first: Order, second: Order, measure| {
        let difference = found.over_dates(first, measure).less(found.over_dates(second, measure));
        Some(difference.map_or_else(undecided, |difference| concluded(&difference)))
    };
    let against_policy = |measure| if order == policy { None } else { less(policy, order, measure) };
    let against_theirs = |measure| theirs.filter(|theirs| *theirs != order).and_then(|it| less(order, it, measure));
    pb::EvaluatedOrder {
        name: name.to_owned(),
        description: description.to_owned(),
        measures: (0..dates).map(Some).chain([None]).map(measures).collect(),
        auc_difference: against_policy(Measure::Auc),
        harm_captured_difference: against_policy(Measure::HarmCaptured),
        auc_over_force_list: against_theirs(Measure::Auc),
        harm_captured_over_force_list: against_theirs(Measure::HarmCaptured),
        harm_curve,
    }
}

/// A value and its interval in the contract.
fn estimate(replicates: &Replicates) -> pb::Estimate {
    let found = replicates.estimate();
    pb::Estimate {
        value: found.map(|found| found.value),
        low: found.and_then(|found| found.low()),
        high: found.and_then(|found| found.high()),
        n: replicates.people(),
    }
}

fn concluded(difference: &Difference) -> pb::Difference {
    let Difference { estimate, verdict } = difference;
    let conclusion = match verdict {
        Verdict::Better => pb::Conclusion::Higher,
        Verdict::Worse => pb::Conclusion::Lower,
        Verdict::Inconclusive => pb::Conclusion::Inconclusive,
    };
    let told = pb::Estimate { value: Some(estimate.value), low: estimate.low(), high: estimate.high(), n: estimate.n };
    pb::Difference { estimate: Some(told), verdict: conclusion.into() }
}

fn undecided() -> pb::Difference {
    pb::Difference { estimate: Some(pb::Estimate::default()), verdict: pb::Conclusion::Inconclusive.into() }
}

/// The outcome that an instrument forecasts, where it is known.
fn forecast(place: usize, person: &Person) -> Option<bool> {
    match INSTRUMENTS[place] {
        "VRP" => person.after.violent,
        "SVRP" => person.after.serious,
        _any_reoffending => Some(person.after.any),
    }
}

/// Chances of an instrument for people at liberty; `None`: what it forecasts is not known of anybody.
fn chances(dates: &[Dated], place: usize, numbers: &HashMap<SubjectId, u32>) -> Option<Vec<Chance>> {
    let people = || dates.iter().flat_map(|date| &date.people);
    if people().all(|person| forecast(place, person).is_none()) {
        return None;
    }
    let chance = |person: &Person| {
        let (probability, outcome) = (person.predictors[place]?, forecast(place, person)?);
        (!person.in_custody).then(|| Chance { person: numbers[&person.subject], probability, outcome })
    };
    Some(people().filter_map(chance).collect())
}

fn calibration(place: usize, calibrated: &Calibrated, without: u32) -> pb::Calibration {
    let outcome = match INSTRUMENTS[place] {
        "VRP" => pb::EvaluatedOutcome::ViolentOffence,
        "SVRP" => pb::EvaluatedOutcome::SeriousViolentOffence,
        _any_reoffending => pb::EvaluatedOutcome::AnyOffence,
    };
    let of = |measure| Some(estimate(calibrated.of(measure)));
    pb::Calibration {
        instrument: INSTRUMENTS[place].to_owned(),
        outcome: outcome.into(),
        people: calibrated.rows(),
        without,
        expected: calibrated.of(CalibrationMeasure::Expected).value().unwrap_or_default(),
        observed: of(CalibrationMeasure::Observed),
        in_the_large: of(CalibrationMeasure::InTheLarge),
        ratio: of(CalibrationMeasure::Ratio),
        slope: of(CalibrationMeasure::Slope),
        brier: of(CalibrationMeasure::Brier),
        auc: of(CalibrationMeasure::Auc),
        bins: calibrated.bins().iter().map(bin).collect(),
    }
}

fn bin(bin: &Bin) -> pb::ReliabilityBin {
    let observed = Proportion::new(bin.observed, bin.n);
    let observed = pb::Estimate {
        value: observed.map(|it| it.value),
        low: observed.map(|it| it.low),
        high: observed.map(|it| it.high),
        n: bin.n,
    };
    pb::ReliabilityBin { expected: bin.expected, observed: Some(observed) }
}

/// That outcomes dealt out at random tell nothing, and that nothing later was used.
pub fn leakage(dates: &[Dated], capacity: u32, terms: &Terms, again: WeighedAgain) -> pb::LeakageCheck {
    let numbers = numbers(dates);
    let mut random = ChaCha8Rng::seed_from_u64(terms.stated.seed ^ 0x5eed);
    let asked: Vec<IndexDate> = dates
        .iter()
        .map(|date| {
            let mut rows: Vec<Row> = date.people.iter().map(|person| row(person, &numbers)).collect();
            let mut outcomes: Vec<(bool, f64)> = rows.iter().map(|row| (row.outcome, row.harm)).collect();
            outcomes.shuffle(&mut random);
            for (row, (outcome, harm)) in rows.iter_mut().zip(outcomes) {
                (row.outcome, row.harm) = (outcome, harm);
            }
            let orders: Vec<super::people::Order> = date.people.iter().map(|person| person.order).collect();
            let scores: Vec<f64> = ranks(&orders).into_iter().map(|rank| -rank).collect();
            let capacity = NonZeroU32::new(capacity).unwrap_or(NonZeroU32::MIN);
            IndexDate { rows, rankings: vec![Ranking::by_score(&scores)], capacity }
        })
        .collect();
    let question = Question {
        people: number(numbers.len()),
        dates: &asked,
        chances: &[],
        samples: SHUFFLED_SAMPLES,
        seed: terms.stated.seed,
    };
    let found = evaluate(&question);
    let auc = estimate(found.over_dates(Order::Ranked(0), Measure::Auc));
    // At 99.9 % and not at 95: a check that raises the alarm at one sound evaluation in twenty would not be believed.
    let half = auc.low.zip(auc.high).zip(auc.value).is_none_or(|((low, high), value)| {
        let reach = (high - low) / 2.0 * WIDER;
        (value - 0.5).abs() <= reach
    });
    pb::LeakageCheck {
        shuffled_auc: Some(auc),
        people_weighed_again: again.people,
        differed: again.differed,
        records_left_out: dates.iter().map(|date| date.not_known_yet).max().unwrap_or(0),
        passed: half && again.differed == 0,
    }
}

/// Samples for the outcomes dealt out at random.
const SHUFFLED_SAMPLES: u32 = 200;
/// An interval of 99.9 % over one of 95 %, where errors are normal.
const WIDER: f64 = 1.679;
