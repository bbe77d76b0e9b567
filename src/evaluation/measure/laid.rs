//! One index date laid out so that a block of samples is measured in one pass an
//! order: sorted and packed once, before the first sample is drawn.

use rayon::prelude::*;

use super::evaluate::Measure;
use super::question::{IndexDate, Row};
use super::ranking::Ranking;
use super::resample::{LANES, Lanes, Weights};
use super::roc::Curve;
use super::top::{All, Top};

/// One number or none for each sample.
type Numbers = Lanes<Option<f64>>;

/// An index date.
pub(super) struct Laid<'a> {
    k: u32,
    rows: &'a [Row],
    orders: Vec<(&'a Ranking, Curve)>,
    /// By harm done, the most first.
    worst: Ranking,
}

impl<'a> Laid<'a> {
    pub fn out(date: &'a IndexDate) -> Self {
        let orders = date.rankings.par_iter().map(|ranking| (ranking, Curve::of(ranking, &date.rows))).collect();
        let worst = Ranking::by_score(&date.rows.iter().map(|row| row.harm).collect::<Vec<_>>());
        Self { k: date.capacity.get(), rows: &date.rows, orders, worst }
    }

    /// Every measure of every order, the random one last.
    pub fn measures(&self, weights: &Weights) -> Vec<Numbers> {
        let all = All::of(self.rows, weights);
        let best = Top::of(self.k, &self.worst, self.rows, weights);
        let mut found = Vec::with_capacity((self.orders.len() + 1) * Measure::ALL.len());
        for (ranking, curve) in &self.orders {
            let top = Top::of(self.k, ranking, self.rows, weights);
            found.extend(self.of(&all, &best, curve.areas(weights), |lane| (top.cases(lane), top.harm[lane])));
        }
        let areas =
            std::array::from_fn(|lane| (0 < all.cases[lane] && all.cases[lane] < all.people[lane]).then_some(0.5));
        // Of a random order the first k hold k/N of everything.
        found.extend(self.of(&all, &best, areas, |lane| {
            let share = self.taken(&all, lane) / f64::from(all.people[lane]);
            (share * f64::from(all.cases[lane]), share * all.harm[lane])
        }));
        found
    }

    /// The measures of one order, in the order of [`Measure::ALL`], by the cases and the harm that its first k hold.
    fn of(&self, all: &All, best: &Top, areas: Numbers, top: impl Fn(usize) -> (f64, f64)) -> [Numbers; 6] {
        let mut found = [[None; LANES]; Measure::ALL.len()];
        for lane in 0..LANES {
            let (cases, harm) = top(lane);
            let taken = self.taken(all, lane);
            let captured = share(harm, all.harm[lane]);
            for measure in Measure::ALL {
                found[measure as usize][lane] = match measure {
                    Measure::Auc => areas[lane],
                    Measure::Precision => share(cases, taken),
                    Measure::Recall => share(cases, f64::from(all.cases[lane])),
                    Measure::HarmCaptured => captured,
                    Measure::HarmLift => captured.map(|captured| captured * f64::from(all.people[lane]) / taken),
                    Measure::HarmOfBest => share(harm, best.harm[lane]),
                };
            }
        }
        found
    }

    /// k, or everybody drawn where they are fewer.
    fn taken(&self, all: &All, lane: usize) -> f64 {
        f64::from(self.k.min(all.people[lane]))
    }
}

/// A part of a whole, `None` of nothing. Sums of the same harm in another order may differ in the last bit, so that it
/// is held to 1.
fn share(part: f64, whole: f64) -> Option<f64> {
    (whole > 0.0).then(|| (part / whole).min(1.0))
}
