//! Calibration: bins, cells, and when there is no slope.

use rand::Rng;

use super::super::calibration::Bin;
use super::super::resample::{BLOCK, LANES, Weights};
use super::super::{Calibrated, CalibrationMeasure, Chance, Question, evaluate};
use super::{assert_close, normal, source};

fn calibrated(people: u32, chances: &[Chance], samples: u32) -> Calibrated {
    evaluate(&Question { people, dates: &[], chances: &[chances.to_vec()], samples, seed: 9 }).calibrations()[0].clone()
}

/// Chances that are spread too far: the true slope is 0.7.
fn overdone(number: u32, seed: u64) -> Vec<Chance> {
    let mut source = source(seed);
    let chance = |person| {
        let logit = 1.5 * normal(&mut source) - 1.0;
        let truth = 1.0 / (1.0 + libm::exp(-0.7 * logit - 0.2));
        Chance { person, probability: 1.0 / (1.0 + libm::exp(-logit)), outcome: source.random::<f64>() < truth }
    };
    (0..number).map(chance).collect()
}

/// A sample of which every drawn copy is a row of its own.
fn copies(chances: &[Chance], weights: &Weights, lane: usize) -> Vec<Chance> {
    chances.iter().flat_map(|row| std::iter::repeat_n(*row, usize::from(weights.of(row.person)[lane]))).collect()
}

#[test]
fn cells_agree_with_the_bootstrap_of_rows() {
    // Every sample is fitted again, row by row, by evaluating its copies as if they were everybody.
    let chances = overdone(5_000, 81);
    let grouped = calibrated(5_000, &chances, 64);
    for block in 0..4 {
        let weights = Weights::drawn(9, block, 5_000);
        for lane in 0..LANES {
            let plain = calibrated(5_000, &copies(&chances, &weights, lane), 0);
            for (measure, within) in [
                (CalibrationMeasure::Expected, 2e-4),
                (CalibrationMeasure::Observed, 1e-12),
                (CalibrationMeasure::InTheLarge, 2e-4),
                (CalibrationMeasure::Ratio, 1e-3),
                (CalibrationMeasure::Slope, 0.01),
                (CalibrationMeasure::Intercept, 0.01),
                (CalibrationMeasure::Brier, 2e-4),
                (CalibrationMeasure::BrierSkill, 1e-3),
                (CalibrationMeasure::Auc, 1e-4),
            ] {
                let sample = grouped.of(measure).samples().nth((block * BLOCK) as usize + lane).unwrap().unwrap();
                let plain = plain.of(measure).value().unwrap();
                assert!((sample - plain).abs() <= within, "{measure:?}: {sample}, row by row {plain}");
            }
        }
    }
}

#[test]
fn cells_do_not_shift_the_slope() {
    // Of 1,000 rows cells alone would tell 0.004 less, in one sample as in another.
    let chances = overdone(1_000, 91);
    let grouped = calibrated(1_000, &chances, BLOCK);
    let weights = Weights::drawn(9, 0, 1_000);
    for measure in [CalibrationMeasure::Slope, CalibrationMeasure::Intercept] {
        let off = grouped.of(measure).samples().enumerate().map(|(lane, sample)| {
            sample.unwrap() - calibrated(1_000, &copies(&chances, &weights, lane), 0).of(measure).value().unwrap()
        });
        assert_close(off.sum::<f64>() / f64::from(BLOCK), 0.0, 0.0015);
    }
}

#[test]
fn with_few_different_chances_cells_leave_nothing_out() {
    let chances: Vec<Chance> = overdone(2_000, 82)
        .into_iter()
        .map(|row| Chance { probability: (row.probability * 200.0).round() / 200.0, ..row })
        .collect();
    let grouped = calibrated(2_000, &chances, 16);
    let weights = Weights::drawn(9, 0, 2_000);
    for lane in 0..LANES {
        let plain = calibrated(2_000, &copies(&chances, &weights, lane), 0);
        for measure in CalibrationMeasure::ALL {
            let sample = grouped.of(measure).samples().nth(lane).unwrap().unwrap();
            assert_close(sample, plain.of(measure).value().unwrap(), 1e-7);
        }
    }
}

#[test]
fn chances_spread_too_far_have_a_slope_below_one() {
    let found = calibrated(5_000, &overdone(5_000, 83), 500);
    let slope = found.of(CalibrationMeasure::Slope).estimate().unwrap();
    assert!(slope.low().unwrap() < 0.7 && slope.high().unwrap() > 0.7 && slope.high().unwrap() < 0.9, "{slope:?}");
    assert_eq!((found.rows(), slope.n), (5_000, 5_000));
}

fn rows(chances: &[(f64, bool)]) -> Vec<Chance> {
    (0..)
        .zip(chances)
        .map(|(person, (probability, outcome))| Chance { person, probability: *probability, outcome: *outcome })
        .collect()
}

#[test]
fn where_a_threshold_tells_all_there_is_no_slope() {
    let line = |chances: &[(f64, bool)]| {
        let found = calibrated(8, &rows(chances), 0);
        (found.of(CalibrationMeasure::Slope).value(), found.of(CalibrationMeasure::Intercept).value())
    };
    let apart = [(0.1, false), (0.2, false), (0.3, true), (0.4, true)];
    let touching = [(0.1, false), (0.3, false), (0.3, true), (0.4, true)];
    let wrong = [(0.1, true), (0.2, true), (0.3, false), (0.4, false)];
    let alike = [(0.3, true), (0.3, false), (0.3, false)];
    let all = [(0.1, true), (0.3, true)];
    for chances in [&apart[..], &touching, &wrong, &alike, &all, &[]] {
        assert_eq!(line(chances), (None, None), "{chances:?}");
    }
    let across = [(0.1, false), (0.2, true), (0.3, false), (0.4, true)];
    assert!(line(&across).0.is_some());
}

#[test]
fn of_nobody_nothing_is_known() {
    let found = calibrated(3, &[], 20);
    assert!(CalibrationMeasure::ALL.iter().all(|measure| found.of(*measure).estimate().is_none()));
    assert!(found.bins().is_empty());
}

#[test]
fn where_everybody_did_it_there_is_no_skill_and_no_area() {
    let found = calibrated(2, &rows(&[(0.5, true), (0.9, true)]), 0);
    let value = |measure| found.of(measure).value();
    assert_eq!((value(CalibrationMeasure::BrierSkill), value(CalibrationMeasure::Auc)), (None, None));
    assert_close(value(CalibrationMeasure::InTheLarge).unwrap(), 0.3, 1e-12);
}

#[test]
fn chances_of_nothing_and_of_certainty_are_held_off_for_the_slope_alone() {
    let chances = [(0.0, false), (0.0, true), (0.4, false), (0.6, true), (1.0, true), (1.0, false)];
    let found = calibrated(6, &rows(&chances), 0);
    assert!(found.of(CalibrationMeasure::Slope).value().unwrap().is_finite());
    assert_close(found.of(CalibrationMeasure::Expected).value().unwrap(), 0.5, 1e-15);
    assert_close(found.of(CalibrationMeasure::Brier).value().unwrap(), (1.0 + 0.16 + 0.16 + 1.0) / 6.0, 1e-15);
}

#[test]
fn a_bin_tells_who_was_expected_and_who_did_it() {
    let chances: Vec<(f64, bool)> = (0..20).map(|at| (f64::from(at) / 20.0, at % 4 == 0)).collect();
    let found = calibrated(20, &rows(&chances), 0);
    assert_eq!(found.bins().len(), 10);
    assert_eq!(found.bins()[2], Bin { n: 2, expected: f64::midpoint(0.2, 0.25), observed: 1 });
    let tied: Vec<(f64, bool)> = (0..20).map(|at| (if at < 15 { 0.1 } else { 0.5 }, at % 5 == 0)).collect();
    let bins = calibrated(20, &rows(&tied), 0).bins().to_vec();
    assert_eq!(bins.iter().map(|bin| (bin.n, bin.observed)).collect::<Vec<_>>(), [(15, 3), (5, 1)]);
}

#[test]
fn people_are_counted_once_and_rows_each() {
    let mut chances = overdone(50, 84);
    chances.extend(overdone(50, 85));
    let found = calibrated(50, &chances, 20);
    assert_eq!((found.rows(), found.of(CalibrationMeasure::Observed).people()), (100, 50));
}
