//! Tests of the measures as a whole: known answers, agreement with slow and plain
//! versions, and what intervals promise.

mod calibrating;
mod intervals;
mod known;
mod plain;
mod undefined;

use std::num::NonZeroU32;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::{Evaluated, IndexDate, Question, Ranking, Row, evaluate};

/// Random numbers that are the same in every run.
fn source(seed: u64) -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(seed)
}

/// A standard normal number (Box and Muller, Annals of Mathematical Statistics 29, 1958).
fn normal(source: &mut impl Rng) -> f64 {
    let (radius, turn) = (1.0 - source.random::<f64>(), source.random::<f64>());
    libm::sqrt(-2.0 * libm::log(radius)) * libm::cos(std::f64::consts::TAU * turn)
}

/// One date on which everybody stands, person by person.
fn date(outcomes: &[bool], harm: &[f64], scores: &[&[f64]], k: u32) -> IndexDate {
    let rows = (0..).zip(outcomes.iter().zip(harm)).map(|(person, (outcome, harm))| Row {
        person,
        outcome: *outcome,
        harm: *harm,
    });
    IndexDate {
        rows: rows.collect(),
        rankings: scores.iter().map(|scores| Ranking::by_score(scores)).collect(),
        capacity: NonZeroU32::new(k).unwrap(),
    }
}

/// Everybody's outcome and a score that tells of it to some degree, one in three with the outcome; harm where it came
/// about.
fn people(number: usize, seed: u64) -> (Vec<bool>, Vec<f64>, Vec<f64>) {
    let mut source = source(seed);
    let (mut outcomes, mut harm, mut scores) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..number {
        let outcome = source.random::<f64>() < 1.0 / 3.0;
        outcomes.push(outcome);
        harm.push(if outcome { -100.0 * libm::log(1.0 - source.random::<f64>()) } else { 0.0 });
        scores.push(f64::from(u8::from(outcome)) + normal(&mut source));
    }
    (outcomes, harm, scores)
}

fn asked(people: u32, dates: &[IndexDate], samples: u32, seed: u64) -> Evaluated {
    evaluate(&Question { people, dates, chances: &[], samples, seed })
}

fn assert_close(found: f64, expected: f64, within: f64) {
    assert!((found - expected).abs() <= within, "{found}, expected {expected}");
}
