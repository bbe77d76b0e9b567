//! The bootstrap of people: as many are drawn as there are, with replacement, and
//! whoever is drawn twice counts twice on every index date (Efron, Annals of
//! Statistics 7, 1979; of clusters: Davison and Hinkley, Bootstrap Methods and
//! their Application, 1997, section 3.8).
//!
//! Sixteen samples are drawn at a time and kept person by person, so that one load
//! of sixteen bytes serves them all. A sample depends on the seed and its own number
//! alone, never on which thread drew it.

use rand::{RngCore, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Samples in a block.
pub const BLOCK: u32 = 16;

/// The same, as a length.
pub const LANES: usize = BLOCK as usize;

/// One number for each sample of a block.
pub type Lanes<T> = [T; LANES];

/// What this use of a seed is told apart by from every other.
const DOMAIN: &[u8; 24] = b"bootstrap of people, v1.";

/// How often each person is drawn in each sample of a block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Weights {
    drawn: Vec<Lanes<u8>>,
    most: u8,
}

impl Weights {
    /// Everybody once in every sample: what gives the value itself.
    pub fn once(people: u32) -> Self {
        Self { drawn: vec![[1; LANES]; people as usize], most: 1 }
    }

    /// Samples `16 block` to `16 block + 15`.
    pub fn drawn(seed: u64, block: u32, people: u32) -> Self {
        let mut drawn = vec![[0; LANES]; people as usize];
        for lane in 0..LANES {
            let mut source = source(seed, u64::from(block) * u64::from(BLOCK) + lane as u64);
            draw(&mut drawn, lane, || below(&mut source, people));
        }
        let most = drawn.iter().flatten().fold(0, |most, count| most.max(*count));
        Self { drawn, most }
    }

    /// Draws that are given, person by person.
    #[cfg(test)]
    pub(super) fn given(drawn: &[Lanes<u8>]) -> Self {
        Self { drawn: drawn.to_vec(), most: drawn.iter().flatten().copied().max().unwrap_or(0) }
    }

    /// How often anybody is drawn at most, in any of the samples.
    pub fn most(&self) -> u8 {
        self.most
    }

    /// How often a person is drawn, sample by sample.
    #[inline]
    pub fn of(&self, person: u32) -> &Lanes<u8> {
        &self.drawn[person as usize]
    }

    /// How often all of these are drawn, sample by sample.
    #[inline]
    pub fn total(&self, people: &[u32]) -> Lanes<u32> {
        let mut total = [0; LANES];
        // So many people, each drawn at most 255 times, are counted in 16 bits.
        for some in people.chunks(256) {
            let mut sum = [0_u16; LANES];
            for person in some {
                for (sum, drawn) in sum.iter_mut().zip(self.of(*person)) {
                    *sum += u16::from(*drawn);
                }
            }
            for (total, sum) in total.iter_mut().zip(sum) {
                *total += u32::from(sum);
            }
        }
        total
    }
}

/// The random numbers of one sample.
fn source(seed: u64, sample: u64) -> ChaCha8Rng {
    let mut key = [0; 32];
    key[..8].copy_from_slice(&seed.to_le_bytes());
    key[8..].copy_from_slice(DOMAIN);
    let mut source = ChaCha8Rng::from_seed(key);
    source.set_stream(sample);
    source
}

/// A whole number below a bound, each as likely (Lemire, ACM Transactions on Modeling and Computer Simulation 29,
/// 2019). Written out here because a library may change how it draws, and the numbers are to stay the same.
#[inline]
fn below(source: &mut impl RngCore, bound: u32) -> u32 {
    loop {
        let [a, b, c, d, whole @ ..] = (u64::from(source.next_u32()) * u64::from(bound)).to_le_bytes();
        let (whole, rest) = (u32::from_le_bytes(whole), u32::from_le_bytes([a, b, c, d]));
        if rest >= bound || rest >= bound.wrapping_neg() % bound {
            return whole;
        }
    }
}

/// As many draws as there are people. Where somebody has been drawn 255 times, which takes more than 255 people and
/// a chance below one in 10^500, the draw is made again: the sample keeps its size and no count wraps.
fn draw(drawn: &mut [Lanes<u8>], lane: usize, mut next: impl FnMut() -> u32) {
    for _ in 0..drawn.len() {
        loop {
            let count = &mut drawn[next() as usize][lane];
            if let Some(more) = count.checked_add(1) {
                *count = more;
                break;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{LANES, Weights, below, draw, source};

    #[test]
    fn every_sample_draws_as_many_as_there_are() {
        for people in [0, 1, 2, 300, 5_000] {
            let weights = Weights::drawn(3, 1, people);
            for lane in 0..LANES {
                assert_eq!((0..people).map(|person| u32::from(weights.of(person)[lane])).sum::<u32>(), people);
            }
        }
    }

    #[test]
    fn a_sample_is_that_of_its_seed_and_number() {
        let weights = Weights::drawn(7, 2, 40);
        assert_eq!(weights, Weights::drawn(7, 2, 40));
        assert_ne!(weights, Weights::drawn(8, 2, 40));
        assert_ne!(weights, Weights::drawn(7, 3, 40));
        let lane = |lane: usize| (0..40).map(|person| weights.of(person)[lane]).collect::<Vec<_>>();
        assert_ne!(lane(0), lane(1));
    }

    #[test]
    fn the_draws_never_change() {
        // From ChaCha8 and the rule of `below` written out apart from this program. A change here would change every
        // interval told before.
        let sample = |number: usize| -> Vec<u8> {
            let weights = Weights::drawn(7, u32::try_from(number / LANES).unwrap(), 12);
            (0..12).map(|person| weights.of(person)[number % LANES]).collect()
        };
        assert_eq!(sample(0), [2, 2, 0, 2, 1, 1, 1, 0, 2, 0, 1, 0]);
        assert_eq!(sample(35), [0, 1, 2, 1, 0, 1, 3, 0, 0, 1, 2, 1]);
    }

    #[test]
    fn everybody_is_as_likely() {
        let mut source = source(1, 0);
        let mut counts = [0_u32; 7];
        for _ in 0..70_000 {
            counts[below(&mut source, 7) as usize] += 1;
        }
        // Chi-squared of six degrees: above 22.5 once in a thousand.
        let chi: f64 = counts.iter().map(|count| (f64::from(*count) - 1e4) * (f64::from(*count) - 1e4) / 1e4).sum();
        assert!(chi < 22.5, "{counts:?}");
    }

    #[test]
    fn nobody_is_drawn_more_often_than_can_be_counted() {
        let mut drawn = vec![[0_u8; LANES]; 300];
        let mut calls = 0;
        draw(&mut drawn, 4, || {
            calls += 1;
            u32::from(calls > 260)
        });
        assert_eq!((drawn[0][4], drawn[1][4]), (255, 45));
        assert_eq!(calls, 305);
    }

    #[test]
    fn a_total_is_right_however_many_there_are() {
        let weights = Weights::given(&[[255; LANES], [1; LANES]]);
        let people: Vec<u32> = (0..1_001).map(|at| at % 2).collect();
        assert_eq!(weights.total(&people), [501 * 255 + 500; LANES]);
        assert_eq!(weights.total(&[]), [0; LANES]);
    }
}
