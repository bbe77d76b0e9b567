//! What intervals promise.

use rand::Rng;
use rand::seq::SliceRandom;

use super::super::delong::{Area, AreaDifference};
use super::super::{CalibrationMeasure, Chance, Estimate, Measure, Order, Question, Verdict, evaluate};
use super::{asked, assert_close, date, normal, people, source};

fn width(estimate: &Estimate) -> f64 {
    estimate.high().unwrap() - estimate.low().unwrap()
}

fn holds(estimate: &Estimate, truth: f64) -> bool {
    (estimate.low().unwrap()..=estimate.high().unwrap()).contains(&truth)
}

#[test]
fn about_19_of_20_intervals_of_the_area_hold_the_truth() {
    // Scores one standard deviation apart have the area of the normal distribution at the root of a half.
    let truth = 0.760_249_938_906_524_6;
    let held = (0..300).filter(|round| {
        let (outcomes, harm, scores) = people(250, 1_000 + round);
        let found = asked(250, &[date(&outcomes, &harm, &[&scores], 25)], 400, *round);
        holds(&found.on(0, Order::Ranked(0), Measure::Auc).estimate().unwrap(), truth)
    });
    // 285 are due, with a standard deviation of 3.8; the percentile interval of 250 people holds a little less.
    let held = held.count();
    assert!((271..=296).contains(&held), "{held} of 300");
}

#[test]
fn about_19_of_20_intervals_of_calibration_hold_the_truth() {
    // Chances that are right by the way they were made have no bias and a slope of 1.
    let (mut biases, mut slopes) = (0, 0);
    for round in 0..100 {
        let mut source = source(5_000 + round);
        let chances: Vec<Chance> = (0..250)
            .map(|person| {
                let probability = 1.0 / (1.0 + libm::exp(-normal(&mut source)));
                Chance { person, probability, outcome: source.random::<f64>() < probability }
            })
            .collect();
        let found = evaluate(&Question { people: 250, dates: &[], chances: &[chances], samples: 400, seed: round });
        let estimate = |measure| found.calibrations()[0].of(measure).estimate().unwrap();
        biases += u32::from(holds(&estimate(CalibrationMeasure::InTheLarge), 0.0));
        slopes += u32::from(holds(&estimate(CalibrationMeasure::Slope), 1.0));
    }
    // 95 are due, with a standard deviation of 2.2.
    assert!((88..=100).contains(&biases) && (88..=100).contains(&slopes), "{biases} and {slopes} of 100");
}

#[test]
fn the_bootstrap_agrees_with_the_formula_of_delong() {
    let (outcomes, harm, scores) = people(3_000, 31);
    let mut source = source(32);
    let noisy: Vec<f64> = scores.iter().map(|score| score + normal(&mut source)).collect();
    let found = asked(3_000, &[date(&outcomes, &harm, &[&scores, &noisy], 100)], 4_000, 33);
    let of = |ranking| found.on(0, Order::Ranked(ranking), Measure::Auc);

    let scored: Vec<(f64, bool)> = scores.iter().copied().zip(outcomes.iter().copied()).collect();
    let (formula, estimate) = (Area::under(&scored).unwrap(), of(0).estimate().unwrap());
    assert_close(estimate.value, formula.value, 1e-12);
    assert_close(estimate.low().unwrap(), formula.interval().0, 0.05 * 2.0 * formula.error);
    assert_close(estimate.high().unwrap(), formula.interval().1, 0.05 * 2.0 * formula.error);

    let pairs: Vec<(f64, f64, bool)> =
        scored.iter().zip(&noisy).map(|((score, outcome), noisy)| (*score, *noisy, *outcome)).collect();
    let (formula, found) = (AreaDifference::between(&pairs).unwrap(), of(0).less(of(1)).unwrap());
    assert_close(found.estimate.value, formula.value, 1e-12);
    assert_close(width(&found.estimate), formula.interval().1 - formula.interval().0, 0.1 * 3.92 * formula.error);
    assert_eq!(found.verdict, Verdict::Better);
    assert_eq!(of(1).less(of(0)).unwrap().verdict, Verdict::Worse);
}

#[test]
fn outcomes_dealt_out_at_random_leave_an_area_of_a_half() {
    let (mut outcomes, harm, scores) = people(5_000, 41);
    outcomes.shuffle(&mut source(42));
    let found = asked(5_000, &[date(&outcomes, &harm, &[&scores], 100)], 1_000, 43);
    let area = found.on(0, Order::Ranked(0), Measure::Auc);
    assert!(holds(&area.estimate().unwrap(), 0.5), "{area:?}");
    let random = found.on(0, Order::Random, Measure::Auc);
    assert_eq!(area.less(random).unwrap().verdict, Verdict::Inconclusive);
}

#[test]
fn an_order_is_neither_better_nor_worse_than_itself() {
    let (outcomes, harm, scores) = people(300, 51);
    let found = asked(300, &[date(&outcomes, &harm, &[&scores, &scores], 30)], 200, 52);
    for measure in Measure::ALL {
        let of = |ranking| found.over_dates(Order::Ranked(ranking), measure);
        let difference = of(0).less(of(1)).unwrap();
        assert_eq!((difference.estimate.low(), difference.estimate.high()), (Some(0.0), Some(0.0)));
        assert_eq!(difference.verdict, Verdict::Inconclusive);
    }
}

#[test]
fn a_person_on_five_dates_is_not_five_people() {
    // The same 400 on five dates with much the same scores and outcomes, against 2,000 of whom 400 stand on each.
    let (outcomes, harm, scores) = people(400, 61);
    let same: Vec<_> = (0..5).map(|_| date(&outcomes, &harm, &[&scores], 40)).collect();
    let different: Vec<_> = (0..5_u32)
        .map(|at| {
            let mut date = date(&outcomes, &harm, &[&scores], 40);
            date.rows.iter_mut().for_each(|row| row.person += 400 * at);
            date
        })
        .collect();
    let of = |people, dates: &[_], measure| {
        asked(people, dates, 1_000, 62).over_dates(Order::Ranked(0), measure).estimate().unwrap()
    };
    for measure in Measure::ALL {
        let (same, different) = (of(400, &same, measure), of(2_000, &different, measure));
        assert_close(same.value, different.value, 1e-12);
        assert_eq!((same.n, different.n), (400, 2_000));
        let wider = width(&same) / width(&different);
        // The root of five is 2.24.
        assert!((1.9..2.6).contains(&wider), "{measure:?} {wider}");
    }
}

#[test]
fn the_same_seed_gives_the_same_bits_on_any_number_of_threads() {
    let (outcomes, harm, scores) = people(5_000, 71);
    let dates = [date(&outcomes, &harm, &[&scores], 200)];
    let chances: Vec<Chance> = (0..)
        .zip(outcomes.iter().zip(&scores))
        .map(|(person, (outcome, score))| Chance {
            person,
            probability: 1.0 / (1.0 + libm::exp(-score)),
            outcome: *outcome,
        })
        .collect();
    let on = |threads: usize, seed: u64| -> Vec<u64> {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let question =
            Question { people: 5_000, dates: &dates, chances: std::slice::from_ref(&chances), samples: 50, seed };
        let found = pool.install(|| evaluate(&question));
        let measures = Measure::ALL.map(|measure| found.over_dates(Order::Ranked(0), measure));
        let calibrations = CalibrationMeasure::ALL.map(|measure| found.calibrations()[0].of(measure));
        measures.iter().chain(&calibrations).flat_map(|of| of.samples()).map(|of| of.unwrap().to_bits()).collect()
    };
    assert_eq!(on(1, 7).len(), 15 * 50);
    assert_eq!(on(1, 7), on(4, 7));
    assert_ne!(on(1, 7), on(1, 8));
}
