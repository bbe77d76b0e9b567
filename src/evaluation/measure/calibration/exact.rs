//! The measures of everybody, row by row.

use super::logistic::{Line, Point};
use super::parts::parts;
use super::{Bin, Chance, Numbers, Sums};

/// Parts of the reliability plot.
const BINS: usize = 10;

/// The least chance, and the least left to 1, that a logit is made of: that of 0 has no number.
const CLIP: f64 = 1e-6;

/// Where a chance lies on the line of the fit.
pub(super) fn logit(probability: f64) -> f64 {
    let clipped = probability.clamp(CLIP, 1.0 - CLIP);
    libm::log(clipped / (1.0 - clipped))
}

/// Of rows in order of the chance, the line fitted from a near one.
pub(super) fn numbers(ordered: &[Chance], near: Line) -> (Numbers, Option<Line>) {
    let line = Line::through(&points(ordered), near);
    (sums(ordered).numbers(line), line)
}

/// One point for each different chance, in order.
pub(super) fn points(ordered: &[Chance]) -> Vec<Point> {
    let equals = ordered.chunk_by(|one, other| one.probability.total_cmp(&other.probability).is_eq());
    equals.map(|equal| Point { x: logit(equal[0].probability), n: equal.len() as f64, cases: cases(equal) }).collect()
}

/// Of rows in order of the chance.
pub(super) fn sums(ordered: &[Chance]) -> Sums {
    let mut sums = Sums::default();
    for equal in ordered.chunk_by(|one, other| one.probability.total_cmp(&other.probability).is_eq()) {
        let (probability, n, cases) = (equal[0].probability, equal.len() as f64, cases(equal));
        let controls = n - cases;
        sums.won += cases * (sums.n - sums.cases + controls / 2.0);
        sums.n += n;
        sums.cases += cases;
        sums.expected += n * probability;
        sums.squares += cases * (1.0 - probability) * (1.0 - probability) + controls * probability * probability;
    }
    sums
}

/// The reliability plot.
pub(super) fn bins(ordered: &[Chance]) -> Vec<Bin> {
    let chances: Vec<f64> = ordered.iter().map(|row| row.probability).collect();
    let count = |count: usize| u32::try_from(count).expect("rows must be fewer than 2^32");
    let bin = |rows: &[Chance]| Bin {
        n: count(rows.len()),
        expected: rows.iter().map(|row| row.probability).sum::<f64>() / rows.len() as f64,
        observed: count(rows.iter().filter(|row| row.outcome).count()),
    };
    parts(&chances, BINS).into_iter().map(|part| bin(&ordered[part])).collect()
}

fn cases(rows: &[Chance]) -> f64 {
    rows.iter().filter(|row| row.outcome).count() as f64
}
