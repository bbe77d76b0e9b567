//! Answers known from elsewhere: scikit-learn 1.9.1 (`roc_auc_score` with and without
//! `sample_weight`, `brier_score_loss`, `LogisticRegression(C=inf)`) and NumPy 2.4.6
//! (`quantile`), on the twenty people below.

use super::super::estimate::Replicates;
use super::super::resample::Weights;
use super::super::roc::Curve;
use super::super::{CalibrationMeasure, Chance, Measure, Order, Question, evaluate};
use super::{asked, assert_close, date};

const SCORES: [f64; 20] =
    [9.0, 8.0, 8.0, 7.0, 7.0, 7.0, 6.0, 5.0, 5.0, 4.0, 4.0, 3.0, 3.0, 3.0, 2.0, 2.0, 1.0, 1.0, 0.0, 0.0];
const OTHER: [f64; 20] =
    [5.0, 9.0, 3.0, 8.0, 2.0, 7.0, 7.0, 1.0, 6.0, 4.0, 0.0, 5.0, 3.0, 2.0, 4.0, 1.0, 2.0, 0.0, 3.0, 1.0];
const HAPPENED: [u8; 20] = [1, 1, 0, 1, 0, 1, 0, 1, 0, 0, 1, 0, 1, 0, 0, 0, 1, 0, 0, 0];
const DRAWN: [u8; 20] = [1, 0, 2, 1, 3, 0, 1, 1, 2, 0, 1, 4, 0, 1, 2, 1, 1, 0, 3, 1];
const CHANCES: [f64; 20] =
    [0.91, 0.85, 0.85, 0.7, 0.66, 0.6, 0.52, 0.5, 0.45, 0.4, 0.38, 0.3, 0.3, 0.22, 0.2, 0.15, 0.1, 0.08, 0.04, 0.02];

fn happened() -> Vec<bool> {
    HAPPENED.iter().map(|happened| *happened == 1).collect()
}

#[test]
fn the_area_is_that_of_scikit_learn_ties_among_them() {
    let dates = [date(&happened(), &[0.0; 20], &[&SCORES, &OTHER], 5)];
    let found = asked(20, &dates, 0, 0);
    let area = |ranking| found.on(0, Order::Ranked(ranking), Measure::Auc).value().unwrap();
    assert_close(area(0), 0.718_75, 1e-15);
    assert_close(area(1), 0.598_958_333_333_333_3, 1e-15);
}

#[test]
fn the_area_of_a_sample_is_that_of_scikit_learn_with_its_weights() {
    let date = date(&happened(), &[0.0; 20], &[&SCORES], 5);
    let curve = Curve::of(&date.rankings[0], &date.rows);
    let areas = curve.areas(&Weights::given(&DRAWN.map(|drawn| [drawn; 16])));
    assert_close(areas[0].unwrap(), 0.655, 1e-15);
    assert_eq!(areas, [areas[0]; 16]);
}

#[test]
fn calibration_is_that_of_scikit_learn() {
    let chances: Vec<Chance> = (0..)
        .zip(CHANCES.iter().zip(happened()))
        .map(|(person, (probability, outcome))| Chance { person, probability: *probability, outcome })
        .collect();
    let found = evaluate(&Question { people: 20, dates: &[], chances: &[chances], samples: 0, seed: 0 });
    let value = |measure| found.calibrations()[0].of(measure).value().unwrap();
    assert_close(value(CalibrationMeasure::Expected), 0.4115, 1e-12);
    assert_close(value(CalibrationMeasure::Observed), 0.4, 1e-12);
    assert_close(value(CalibrationMeasure::InTheLarge), -0.0115, 1e-12);
    assert_close(value(CalibrationMeasure::Ratio), 0.4 / 0.4115, 1e-12);
    assert_close(value(CalibrationMeasure::Brier), 0.210_765, 1e-12);
    assert_close(value(CalibrationMeasure::BrierSkill), 0.121_812_5, 1e-12);
    assert_close(value(CalibrationMeasure::Slope), 0.602_590_047_695_968_1, 1e-9);
    assert_close(value(CalibrationMeasure::Intercept), -0.161_409_132_845_468_98, 1e-9);
}

#[test]
fn the_ends_are_the_quantiles_of_numpy() {
    let samples = (0..30).rev().map(|root| f64::from(root * root)).collect();
    let estimate = Replicates::new(Some(1.0), samples, 1).estimate().unwrap();
    assert_close(estimate.low().unwrap(), 0.725, 1e-12);
    assert_close(estimate.high().unwrap(), 799.675, 1e-9);
}
