//! Area under the receiver operating characteristic curve: the chance that of two
//! people, one whose outcome came about and one whose did not, the first stands
//! higher (Hanley and McNeil, Radiology 143, 1982). A tie counts a half.
//!
//! An order of more than 4,096 places is cut into about as many cells of neighbours,
//! equals together. Pairs of different cells are counted in every sample; of those
//! within a cell, the share lost is that on everybody. The value itself is exact, and
//! what a sample is off by is thousands of times smaller than how samples vary. Up to
//! 4,096 places, and wherever equals fill a cell, samples are exact too.

use super::question::Row;
use super::ranking::{Ranking, Run};
use super::resample::{LANES, Lanes, Weights};

/// About how many cells an order is cut into.
const CELLS: usize = 4_096;

/// An order laid out in cells.
#[derive(Debug)]
pub(super) struct Curve {
    /// People, cell by cell; in each those whose outcome did not come about and then those whose did.
    people: Vec<u32>,
    cells: Vec<Cell>,
}

/// Neighbours of an order.
#[derive(Clone, Copy, Debug)]
struct Cell {
    controls: usize,
    cases: usize,
    /// Of the pairs of a case and a control in it, the share in which the control stands higher, a tie counting a half.
    lost: f64,
}

impl Curve {
    /// Of a ranking of rows.
    pub fn of(ranking: &Ranking, rows: &[Row]) -> Self {
        Self::in_cells(ranking, rows, CELLS)
    }

    pub(super) fn in_cells(ranking: &Ranking, rows: &[Row], cells: usize) -> Self {
        let most = u32::try_from(rows.len().div_ceil(cells)).expect("rows of a date must be fewer than 2^32");
        let mut curve = Self { people: Vec::with_capacity(rows.len()), cells: Vec::new() };
        for run in ranking.runs(most) {
            curve.add(run, rows);
        }
        curve
    }

    fn add(&mut self, run: Run<'_>, rows: &[Row]) {
        let of = |row: &u32| &rows[*row as usize];
        let (mut controls, mut lost) = (0, 0.0);
        for group in run.groups() {
            let cases = group.iter().filter(|row| of(row).outcome).count();
            let equals = group.len() - cases;
            lost += cases as f64 * (controls as f64 + equals as f64 / 2.0);
            controls += equals;
        }
        let cases = run.rows.len() - controls;
        for outcome in [false, true] {
            self.people.extend(run.rows.iter().map(of).filter(|row| row.outcome == outcome).map(|row| row.person));
        }
        // Without a pair there is nothing to share, whatever the divisor.
        self.cells.push(Cell { controls, cases, lost: lost / (controls * cases).max(1) as f64 });
    }

    /// The area in each sample. `None` where nobody's outcome came about or everybody's did.
    pub fn areas(&self, weights: &Weights) -> Lanes<Option<f64>> {
        // Counts of people and of their pairs are whole numbers below 2^53.
        let (mut above, mut cases_above, mut lost) = ([0.0; LANES], [0.0; LANES], [0.0; LANES]);
        let mut rest = self.people.as_slice();
        for cell in &self.cells {
            let (controls, after) = rest.split_at(cell.controls);
            let (cases, after) = after.split_at(cell.cases);
            let (controls, cases) = (weights.total(controls), weights.total(cases));
            for lane in 0..LANES {
                let (controls, cases) = (f64::from(controls[lane]), f64::from(cases[lane]));
                lost[lane] += cases * (above[lane] + cell.lost * controls);
                above[lane] += controls;
                cases_above[lane] += cases;
            }
            rest = after;
        }
        std::array::from_fn(|lane| {
            let pairs = above[lane] * cases_above[lane];
            (pairs > 0.0).then(|| (pairs - lost[lane]) / pairs)
        })
    }
}
