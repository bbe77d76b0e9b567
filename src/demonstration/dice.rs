//! Chance that is the same on every machine: a stream cipher's bits, and whole numbers
//! made of them here, so that no library's change of sampling changes a force.
//!
//! Never asks the operating system for anything, and never uses floating point.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};

use crate::domain::Date;

/// What a stream of chance is for. Streams of different purposes never share bits.
#[derive(Clone, Copy, Debug)]
pub(super) enum Purpose {
    /// What a thousand people share.
    Thousand,
    /// One person's life.
    Subject,
    /// How one person's files and management are looked after.
    Supervision,
}

/// One stream of chance.
#[derive(Debug)]
pub(super) struct Dice(ChaCha8Rng);

impl Dice {
    /// The stream of one purpose and number under a seed.
    pub(super) fn new(seed: u64, purpose: Purpose, number: u64) -> Self {
        let mut key = [0; 32];
        key[..8].copy_from_slice(&seed.to_le_bytes());
        key[8..16].copy_from_slice(&number.to_le_bytes());
        key[16] = match purpose {
            Purpose::Thousand => 1,
            Purpose::Subject => 2,
            Purpose::Supervision => 3,
        };
        Self(ChaCha8Rng::from_seed(key))
    }

    /// A number from 0 to `end`, `end` left out. `end` must be above 0.
    pub(super) fn below(&mut self, end: u32) -> u32 {
        debug_assert!(end > 0, "there must be something to choose from");
        let product = u64::from(self.0.next_u32()) * u64::from(end);
        u32::try_from(product >> 32).expect("the upper half of a product must fit in 32 bits")
    }

    /// A whole number from `least` to `most`, both included; `least` where `most` is not above it.
    pub(super) fn between(&mut self, least: i32, most: i32) -> i32 {
        let Ok(width) = u32::try_from(most.saturating_sub(least)) else { return least };
        least + i32::try_from(self.below(width.saturating_add(1))).expect("a draw must lie within its bounds")
    }

    /// As [`Self::between`], the lower the likelier.
    pub(super) fn sooner(&mut self, least: i32, most: i32) -> i32 {
        self.between(least, most).min(self.between(least, most))
    }

    /// True `per_mille` times in a thousand.
    pub(super) fn chance(&mut self, per_mille: u32) -> bool {
        self.below(1000) < per_mille
    }

    /// One of several, each as likely.
    pub(super) fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        let count = u32::try_from(from.len()).expect("a choice must be of few things");
        from[self.below(count) as usize]
    }

    /// One of several, each as likely as its weight says.
    pub(super) fn weighted<T: Copy>(&mut self, from: &[(u32, T)]) -> T {
        let mut left = self.below(from.iter().map(|(weight, _)| weight).sum());
        for (weight, value) in from {
            if left < *weight {
                return *value;
            }
            left -= weight;
        }
        unreachable!("a draw below the sum of weights must fall within one of them")
    }

    /// A day from `first` to `last`, both included; `first` where `last` is not after it.
    pub(super) fn day(&mut self, first: Date, last: Date) -> Date {
        first + self.between(0, last - first)
    }

    /// Puts things in an order in which every order is as likely.
    pub(super) fn shuffle<T>(&mut self, things: &mut [T]) {
        for end in (2..=things.len()).rev() {
            let bound = u32::try_from(end).expect("a shuffle must be of few things");
            things.swap(end - 1, self.below(bound) as usize);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_is_pinned_to_its_seed_purpose_and_number() {
        let draw = |seed, purpose, number| {
            let mut dice = Dice::new(seed, purpose, number);
            [dice.below(1_000_000), dice.below(1_000_000), dice.below(1_000_000)]
        };
        assert_eq!(draw(7, Purpose::Subject, 1), draw(7, Purpose::Subject, 1));
        assert_ne!(draw(7, Purpose::Subject, 1), draw(8, Purpose::Subject, 1));
        assert_ne!(draw(7, Purpose::Subject, 1), draw(7, Purpose::Thousand, 1));
        assert_ne!(draw(7, Purpose::Subject, 1), draw(7, Purpose::Supervision, 1));
        assert_ne!(draw(7, Purpose::Subject, 1), draw(7, Purpose::Subject, 2));
    }

    #[test]
    fn every_draw_keeps_its_bounds_and_reaches_them() {
        let mut dice = Dice::new(1, Purpose::Subject, 1);
        let draws: Vec<i32> = (0..500).map(|_| dice.between(-2, 3)).collect();
        assert_eq!(draws.iter().min(), Some(&-2));
        assert_eq!(draws.iter().max(), Some(&3));
        assert_eq!(dice.between(5, 4), 5);
        assert!((0..100).all(|_| dice.weighted(&[(0, 'a'), (3, 'b')]) == 'b'));
        assert!((0..100).all(|_| !dice.chance(0) && dice.chance(1000)));
    }
}
