//! Rows in at most 256 cells of neighbouring chances, ties together, so that a sample
//! costs the fit 256 points and not a point for each row.
//!
//! A cell stands for its rows by means: the chance and its squared error, of cases and
//! controls apart, the logit, and the area within. On everybody these means give back
//! the exact sums; in a sample they neglect only how the draws of a cell differ from
//! its mean. What the fit of cells differs by from the exact one on everybody is added
//! to that of every sample. With no more than 256 different chances nothing of the fit
//! is neglected.

use std::ops::Range;

use super::exact::{self, logit};
use super::logistic::{Line, Point};
use super::parts::parts;
use super::{Calibrated, CalibrationMeasure, Chance, Numbers, Sums};
use crate::evaluation::measure::estimate::Replicates;
use crate::evaluation::measure::question::distinct;
use crate::evaluation::measure::resample::{LANES, Lanes, Weights};

/// Cells at most.
const CELLS: usize = 256;

/// A predictor's chances, measured on everybody and ready for samples.
pub(crate) struct Grouped {
    ordered: Vec<Chance>,
    people: u32,
    values: Numbers,
    cells: Vec<Cell>,
    /// The fit of the cells on everybody, and what the exact one differs by.
    near: Line,
    correction: Line,
}

/// Rows of neighbouring chances.
struct Cell {
    controls: Half,
    cases: Half,
    logit: f64,
    /// Share of its own pairs in which the case has the higher chance.
    within: f64,
}

/// The cases of a cell or its controls.
struct Half {
    people: Vec<u32>,
    expected: f64,
    square: f64,
}

impl Grouped {
    pub fn of(chances: &[Chance], people: u32) -> Self {
        // Adding nothing turns a negative zero into the one that it equals.
        let mut ordered: Vec<Chance> =
            chances.iter().map(|row| Chance { probability: row.probability + 0.0, ..*row }).collect();
        ordered.sort_by(|one, other| one.probability.total_cmp(&other.probability));
        let probabilities: Vec<f64> = ordered.iter().map(|row| row.probability).collect();
        let cells: Vec<Cell> = cells(&probabilities).into_iter().map(|cell| Cell::of(&ordered[cell])).collect();
        let everybody: Vec<Point> = cells.iter().map(Cell::everybody).collect();
        let grouped = Line::through(&everybody, Line::RIGHT);
        let (values, exact) = exact::numbers(&ordered, grouped.unwrap_or(Line::RIGHT));
        let (near, correction) = match (grouped, exact) {
            (Some(grouped), Some(exact)) => {
                let correction =
                    Line { intercept: exact.intercept - grouped.intercept, slope: exact.slope - grouped.slope };
                (grouped, correction)
            }
            (None, _) | (_, None) => (Line::RIGHT, Line { intercept: 0.0, slope: 0.0 }),
        };
        let people = distinct(people, ordered.iter().map(|row| row.person));
        Self { ordered, people, values, cells, near, correction }
    }

    /// Every measure in each sample, in the order of [`CalibrationMeasure::ALL`].
    pub fn measures(&self, weights: &Weights) -> Vec<Lanes<Option<f64>>> {
        let drawn: Vec<[Lanes<u32>; 2]> =
            self.cells.iter().map(|cell| [cell.controls.drawn(weights), cell.cases.drawn(weights)]).collect();
        let mut found = vec![[None; LANES]; CalibrationMeasure::ALL.len()];
        let mut points = Vec::with_capacity(self.cells.len());
        for lane in 0..LANES {
            let mut sums = Sums::default();
            points.clear();
            for (cell, drawn) in self.cells.iter().zip(&drawn) {
                let (controls, cases) = (f64::from(drawn[0][lane]), f64::from(drawn[1][lane]));
                cell.add(controls, cases, &mut sums);
                points.push(Point { x: cell.logit, n: controls + cases, cases });
            }
            let line = Line::through(&points, self.near).map(|line| line.moved(self.correction, 1.0));
            for (found, number) in found.iter_mut().zip(sums.numbers(line)) {
                found[lane] = number;
            }
        }
        found
    }

    /// With its samples, measure by measure.
    pub fn calibrated(self, samples: &mut impl Iterator<Item = Vec<f64>>) -> Calibrated {
        let numbers = self.values.iter().zip(samples).map(|(value, of)| Replicates::new(*value, of, self.people));
        Calibrated {
            rows: u32::try_from(self.ordered.len()).expect("rows must be fewer than 2^32"),
            bins: exact::bins(&self.ordered),
            numbers: numbers.collect(),
        }
    }
}

/// A cell for each different chance where they are few enough, else parts as equal as ties allow.
fn cells(ordered: &[f64]) -> Vec<Range<usize>> {
    let different = parts(ordered, ordered.len());
    if different.len() <= CELLS { different } else { parts(ordered, CELLS) }
}

impl Cell {
    fn of(rows: &[Chance]) -> Self {
        let sums = exact::sums(rows);
        let pairs = sums.cases * (sums.n - sums.cases);
        Self {
            controls: Half::of(rows, false),
            cases: Half::of(rows, true),
            logit: rows.iter().map(|row| logit(row.probability)).sum::<f64>() / rows.len() as f64,
            within: if pairs > 0.0 { sums.won / pairs } else { 0.0 },
        }
    }

    fn everybody(&self) -> Point {
        let (controls, cases) = (self.controls.people.len() as f64, self.cases.people.len() as f64);
        Point { x: self.logit, n: controls + cases, cases }
    }

    fn add(&self, controls: f64, cases: f64, sums: &mut Sums) {
        sums.won += cases * (sums.n - sums.cases + self.within * controls);
        sums.n += controls + cases;
        sums.cases += cases;
        sums.expected += controls * self.controls.expected + cases * self.cases.expected;
        sums.squares += controls * self.controls.square + cases * self.cases.square;
    }
}

impl Half {
    fn of(rows: &[Chance], outcome: bool) -> Self {
        let rows: Vec<&Chance> = rows.iter().filter(|row| row.outcome == outcome).collect();
        // Nobody can be drawn from an empty half: what it would stand for does not matter.
        let number = rows.len().max(1) as f64;
        let error = |row: &Chance| f64::from(u8::from(outcome)) - row.probability;
        Self {
            people: rows.iter().map(|row| row.person).collect(),
            expected: rows.iter().map(|row| row.probability).sum::<f64>() / number,
            square: rows.iter().map(|row| error(row) * error(row)).sum::<f64>() / number,
        }
    }

    fn drawn(&self, weights: &Weights) -> Lanes<u32> {
        weights.total(&self.people)
    }
}
