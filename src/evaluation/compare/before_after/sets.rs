//! Matched sets as numbers, and drawing them anew. Those selected are drawn
//! with replacement, and their matches go with them. Somebody who is matched to
//! several binds their sets together, which drawing sets apart does not see
//! (Abadie and Imbens, Econometrica, 2008): each such match is therefore given
//! a weight of its own in every sample, as much above 1 as below, that adds
//! just the variance that is missing.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::matching::Set;
use super::{Period, Unit};
use crate::evaluation::compare::interval::SAMPLES;

/// The two periods that are compared.
#[derive(Clone, Copy)]
pub(super) enum Between {
    /// Before the selection and after.
    Selection,
    /// The earlier period and the one before.
    Placebo,
}

/// The periods of one person.
struct Side {
    earlier: Option<Period>,
    before: Period,
    after: Period,
}

impl Side {
    fn new<const M: usize>(unit: &Unit<M>) -> Self {
        Self { earlier: unit.earlier, before: unit.before, after: unit.after }
    }

    /// Amounts and days of one measure in the two periods.
    fn pair(&self, between: Between, of: fn(&Period) -> f64) -> Option<[Sum; 2]> {
        let (first, second) = match between {
            Between::Selection => (self.before, self.after),
            Between::Placebo => (self.earlier?, self.before),
        };
        Some([first, second].map(|period| Sum { amount: of(&period), days: f64::from(period.days_at_liberty) }))
    }
}

/// Amount and days at liberty.
#[derive(Clone, Copy, Default)]
pub(super) struct Sum {
    pub amount: f64,
    pub days: f64,
}

impl Sum {
    fn add(&mut self, other: Self, weight: f64) {
        self.amount += weight * other.amount;
        self.days += weight * other.days;
    }
}

/// Sums over sets: those selected in the first period and the second, and the same of those matched.
pub(super) type Quad = [Sum; 4];

/// All sets.
pub(super) struct Sets {
    selected: Vec<Side>,
    /// For each selected, their matches, as places in the next.
    matches: Vec<Vec<usize>>,
    matched: Vec<Side>,
    /// How many sets each of those is in.
    uses: Vec<u32>,
}

/// One sample.
struct Sample {
    /// The sets drawn.
    sets: Vec<usize>,
    /// Weight of each match.
    weights: Vec<f64>,
}

/// All samples: the same for every measure, so that what is said of one can be set beside another.
pub(super) struct Samples(Vec<Sample>);

impl Sets {
    pub fn new<const M: usize>(units: &[Unit<M>], sets: &[Set]) -> Self {
        let mut used: Vec<usize> = sets.iter().flat_map(|set| &set.matches).copied().collect();
        used.sort_unstable();
        let (mut matched, mut uses) = (Vec::new(), Vec::new());
        for same in used.chunk_by(|a, b| a == b) {
            matched.push(Side::new(&units[same[0]]));
            uses.push(u32::try_from(same.len()).expect("sets must be fewer than the numbers that tell people apart"));
        }
        used.dedup();
        let place = |unit: &usize| used.binary_search(unit).expect("a match must be among those used");
        Self {
            selected: sets.iter().map(|set| Side::new(&units[set.selected])).collect(),
            matches: sets.iter().map(|set| set.matches.iter().map(place).collect()).collect(),
            matched,
            uses,
        }
    }

    /// Draws all samples.
    pub fn drawn_anew(&self, seed: u64) -> Samples {
        let mut dice = ChaCha8Rng::seed_from_u64(seed);
        let people = self.selected.len();
        let mut draw = || Sample {
            sets: (0..people).map(|_| dice.random_range(0..people)).collect(),
            weights: self.uses.iter().map(|uses| weight(&mut dice, *uses)).collect(),
        };
        Samples((0..SAMPLES).map(|_| draw()).collect())
    }

    /// Sums as measured, and in every sample, of the sets of which everybody's periods are known; with the number of
    /// those.
    pub fn summed(&self, samples: &Samples, between: Between, of: fn(&Period) -> f64) -> (usize, Quad, Vec<Quad>) {
        let pairs = |sides: &[Side]| sides.iter().map(|side| side.pair(between, of)).collect::<Vec<_>>();
        let (selected, matched) = (pairs(&self.selected), pairs(&self.matched));
        let known: Vec<bool> = selected
            .iter()
            .zip(&self.matches)
            .map(|(pair, matches)| pair.is_some() && matches.iter().all(|at| matched[*at].is_some()))
            .collect();
        let sum = |sets: &mut dyn Iterator<Item = usize>, weight_of: &dyn Fn(usize) -> f64| {
            let mut quad = Quad::default();
            for set in sets.filter(|set| known[*set]) {
                let share = 1.0 / self.matches[set].len() as f64;
                for (at, sum) in selected[set].iter().flatten().enumerate() {
                    quad[at].add(*sum, 1.0);
                }
                for place in &self.matches[set] {
                    for (at, sum) in matched[*place].iter().flatten().enumerate() {
                        quad[2 + at].add(*sum, share * weight_of(*place));
                    }
                }
            }
            quad
        };
        let measured = sum(&mut (0..known.len()), &|_| 1.0);
        let drawn = samples
            .0
            .iter()
            .map(|sample| sum(&mut sample.sets.iter().copied(), &|place| sample.weights[place]))
            .collect();
        (known.into_iter().filter(|known| *known).count(), measured, drawn)
    }
}

/// Weight of a match in one sample: 1 give or take, with variance (u - 1) / u for one used u times. Its noise enters u
/// times over, with a variance of u squared; drawing the sets apart yields u of it, and the weight the rest.
fn weight(dice: &mut ChaCha8Rng, uses: u32) -> f64 {
    let uses = f64::from(uses);
    let apart = libm::sqrt((uses - 1.0) / uses);
    if dice.random::<bool>() { 1.0 + apart } else { 1.0 - apart }
}
