//! How far two orders of the same people agree. Kendall's tau-b (Biometrika,
//! 1945) weighs every pair of people and corrects for ties; it is counted with
//! one merge sort (Knight, Journal of the American Statistical Association,
//! 1966), so that a whole force takes a few milliseconds. The overlap looks
//! only at the head of the list, which is what an officer sees.

use std::collections::HashSet;
use std::hash::Hash;

/// Kendall's tau-b of two scores per person: 1 where the orders agree, 0 where they have nothing to do with each other,
/// -1 where one is the reverse of the other. `None` where either gives everybody the same score, or for fewer than two
/// people. Scores must be numbers; -0 equals 0.
pub fn kendall_tau_b(scores: &[(f64, f64)]) -> Option<f64> {
    // Adding 0 makes -0 into 0, which the total order would tell apart.
    let mut scores: Vec<(f64, f64)> = scores.iter().map(|(first, second)| (first + 0.0, second + 0.0)).collect();
    scores.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
    let all = pairs(scores.len());
    let tied_first = tied(&scores, |a, b| same(a.0, b.0));
    let tied_both = tied(&scores, |a, b| same(a.0, b.0) && same(a.1, b.1));

    let mut seconds: Vec<f64> = scores.iter().map(|(_, second)| *second).collect();
    let discordant = exchanges(&mut seconds);
    let tied_second = tied(&seconds, |a, b| same(*a, *b));

    let (all, first, second, both) = (all as f64, tied_first as f64, tied_second as f64, tied_both as f64);
    let spread = libm::sqrt(all - first) * libm::sqrt(all - second);
    let concordant_less_discordant = all - first - second + both - 2.0 * discordant as f64;
    (spread > 0.0).then(|| (concordant_less_discordant / spread).clamp(-1.0, 1.0))
}

/// Pairs among so many.
fn pairs(people: usize) -> u64 {
    let people = people as u64;
    people * people.saturating_sub(1) / 2
}

/// Whether two scores are tied: to the bit, as a fraction of a point orders people too.
fn same(a: f64, b: f64) -> bool {
    a.to_bits() == b.to_bits()
}

/// Pairs within runs of equals.
fn tied<T>(sorted: &[T], equal: impl Fn(&T, &T) -> bool) -> u64 {
    sorted.chunk_by(equal).map(|run| pairs(run.len())).sum()
}

/// Sorts by merging, and counts the pairs that stood in the wrong order.
fn exchanges(values: &mut Vec<f64>) -> u64 {
    let mut merged = values.clone();
    let mut count = 0;
    let mut width = 1;
    while width < values.len() {
        for (run, into) in values.chunks(2 * width).zip(merged.chunks_mut(2 * width)) {
            let (left, right) = run.split_at(width.min(run.len()));
            count += merge(left, right, into);
        }
        std::mem::swap(values, &mut merged);
        width *= 2;
    }
    count
}

/// Merges two ordered runs; each value taken from the right passes all that are left on the left.
fn merge(left: &[f64], right: &[f64], into: &mut [f64]) -> u64 {
    let (mut l, mut r, mut count) = (0, 0, 0);
    for place in into {
        if r == right.len() || (l < left.len() && left[l] <= right[r]) {
            *place = left[l];
            l += 1;
        } else {
            *place = right[r];
            r += 1;
            count += (left.len() - l) as u64;
        }
    }
    count
}

/// How much of the head of one list is in the head of another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Overlap {
    /// People at the head of either list: as many as asked for, fewer where both lists are shorter.
    pub of: u32,
    /// Of these, in both.
    pub both: u32,
}

impl Overlap {
    /// As a share, 0 to 1; of an empty head there is none.
    pub fn share(&self) -> Option<f64> {
        (self.of > 0).then(|| f64::from(self.both) / f64::from(self.of))
    }
}

/// Overlap of the first `k` of two orders, each naming a person once, highest first. Who stands at the line is for the
/// order to say: a total order has no ties there.
pub fn overlap<Id: Eq + Hash>(first: &[Id], second: &[Id], k: u32) -> Overlap {
    let most = usize::try_from(k).unwrap_or(usize::MAX);
    let of = most.min(first.len().max(second.len()));
    let head: HashSet<&Id> = first.iter().take(of).collect();
    let both = second.iter().take(of).filter(|id| head.contains(id)).count();
    let counted = |people: usize| u32::try_from(people).expect("at most as many people as were asked for");
    Overlap { of: counted(of), both: counted(both) }
}

#[cfg(test)]
mod tests {
    use rand::{Rng, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;

    /// Every pair looked at.
    fn by_pairs(scores: &[(f64, f64)]) -> Option<f64> {
        let (mut sum, mut first, mut second) = (0.0, 0.0, 0.0);
        for (at, a) in scores.iter().enumerate() {
            for b in &scores[..at] {
                let sign = |x: f64, y: f64| f64::from(i8::from(x > y) - i8::from(x < y));
                let (one, other) = (sign(a.0, b.0), sign(a.1, b.1));
                sum += one * other;
                first += one * one;
                second += other * other;
            }
        }
        (first * second > 0.0).then(|| sum / libm::sqrt(first * second))
    }

    #[test]
    fn the_merge_counts_what_looking_at_every_pair_counts() {
        let mut dice = ChaCha8Rng::seed_from_u64(1);
        for people in 0..60_u32 {
            for values in [2, 5, 1_000] {
                let scores: Vec<(f64, f64)> = (0..people)
                    .map(|_| (f64::from(dice.random_range(0..values)), f64::from(dice.random_range(0..values))))
                    .collect();
                match (kendall_tau_b(&scores), by_pairs(&scores)) {
                    (Some(merged), Some(paired)) => assert!((merged - paired).abs() < 1e-12, "{scores:?}"),
                    (merged, paired) => assert_eq!(merged, paired, "{scores:?}"),
                }
            }
        }
    }

    #[test]
    fn known_answers_of_scipy_hold() {
        // scipy.stats.kendalltau(first, second).statistic
        let known: [(&[(f64, f64)], f64); 3] = [
            (&[(12.0, 1.0), (2.0, 4.0), (1.0, 7.0), (12.0, 1.0), (2.0, 0.0)], -0.471_404_520_791_032),
            (
                &[(1.0, 2.0), (2.0, 1.0), (3.0, 4.0), (4.0, 3.0), (5.0, 6.0), (6.0, 5.0), (7.0, 8.0), (8.0, 7.0)],
                0.714_285_714_286,
            ),
            (
                &[
                    (1.0, 3.0),
                    (1.0, 3.0),
                    (2.0, 1.0),
                    (2.0, 2.0),
                    (3.0, 2.0),
                    (3.0, 5.0),
                    (4.0, 5.0),
                    (4.0, 4.0),
                    (5.0, 4.0),
                ],
                0.343_75,
            ),
        ];
        for (scores, tau) in known {
            assert!((kendall_tau_b(scores).unwrap() - tau).abs() < 1e-12, "{scores:?}");
        }
    }

    #[test]
    fn the_same_order_is_one_and_its_reverse_minus_one() {
        let rising: Vec<_> = (0..50).map(|at| (f64::from(at), f64::from(at * at))).collect();
        let falling: Vec<_> = rising.iter().map(|(first, second)| (*first, -second)).collect();
        assert_eq!(kendall_tau_b(&rising), Some(1.0));
        assert_eq!(kendall_tau_b(&falling), Some(-1.0));
    }

    #[test]
    fn nothing_is_said_where_everybody_has_the_same_score() {
        assert_eq!(kendall_tau_b(&[(1.0, 1.0), (1.0, 2.0)]), None);
        assert_eq!(kendall_tau_b(&[(0.0, 1.0), (-0.0, 2.0)]), None);
        assert_eq!(kendall_tau_b(&[(1.0, 1.0)]), None);
        assert_eq!(kendall_tau_b(&[]), None);
    }

    #[test]
    fn the_overlap_is_the_share_of_the_head_that_is_in_both() {
        let (first, second) = (["a", "b", "c", "d"], ["b", "a", "d", "e"]);
        assert_eq!(overlap(&first, &second, 1), Overlap { of: 1, both: 0 });
        assert_eq!(overlap(&first, &second, 2), Overlap { of: 2, both: 2 });
        assert_eq!(overlap(&first, &second, 3).share(), Some(2.0 / 3.0));
    }

    #[test]
    fn lists_shorter_than_the_head_are_compared_whole() {
        assert_eq!(overlap(&[1, 2], &[2, 3, 4], 10), Overlap { of: 3, both: 1 });
        assert_eq!(overlap(&[1], &[1], 0).share(), None);
        assert_eq!(overlap::<u8>(&[], &[], 5).share(), None);
    }
}
