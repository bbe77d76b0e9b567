//! Drawing again: how many of a group would have been selected, or had the
//! outcome, had the same people been drawn anew. To draw people with
//! replacement and count is to draw the counts from the binomial distribution,
//! which takes a thousandth of the time.

use rand::Rng;

/// A draw from the binomial distribution of `count` trials with success `part` of `whole`.
///
/// By inversion outward from the mode (Kemp, Journal of Applied Probability, 1986): some square root of the variance
/// steps.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a mode lies between 0 and the number of trials"
)]
pub(super) fn binomial(dice: &mut impl Rng, trials: u32, part: u32, whole: u32) -> u32 {
    if trials == 0 || part == 0 {
        return 0;
    }
    if part >= whole {
        return trials;
    }
    let (n, odds) = (f64::from(trials), f64::from(part) / f64::from(whole - part));
    let share = f64::from(part) / f64::from(whole);
    let mode = (((n + 1.0) * share) as u32).min(trials);
    let at_mode = libm::exp(log_choose(n, f64::from(mode)) + log_chance(n, f64::from(mode), share));
    let mut left = dice.random::<f64>() - at_mode;
    let (mut below, mut above) = ((mode, at_mode), (mode, at_mode));
    while left >= 0.0 && (below.0 > 0 || above.0 < trials) {
        if above.0 < trials {
            let at = f64::from(above.0);
            above = (above.0 + 1, above.1 * odds * (n - at) / (at + 1.0));
            left -= above.1;
            if left < 0.0 {
                return above.0;
            }
        }
        if below.0 > 0 {
            let at = f64::from(below.0);
            below = (below.0 - 1, below.1 * at / ((n - at + 1.0) * odds));
            left -= below.1;
            if left < 0.0 {
                return below.0;
            }
        }
        // What rounding leaves over belongs to no count; the mode is as good as any.
        if above.1 + below.1 < f64::MIN_POSITIVE {
            break;
        }
    }
    mode
}

/// Logarithm of the number of ways to choose.
fn log_choose(n: f64, k: f64) -> f64 {
    libm::lgamma(n + 1.0) - libm::lgamma(k + 1.0) - libm::lgamma(n - k + 1.0)
}

/// Logarithm of the chance of one such way.
fn log_chance(n: f64, k: f64, share: f64) -> f64 {
    k * libm::log(share) + (n - k) * libm::log1p(-share)
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    use super::*;

    #[test]
    fn draws_have_the_mean_and_the_spread_of_counting_people() {
        let mut dice = ChaCha8Rng::seed_from_u64(2);
        for (trials, part, whole) in [(1_u32, 1_u32, 3_u32), (12, 1, 12), (50, 49, 50), (400, 30, 400), (90_000, 1, 3)]
        {
            let draws: Vec<f64> = (0..20_000).map(|_| f64::from(binomial(&mut dice, trials, part, whole))).collect();
            let mean = draws.iter().sum::<f64>() / draws.len() as f64;
            let variance = draws.iter().map(|draw| (draw - mean) * (draw - mean)).sum::<f64>() / draws.len() as f64;
            let share = f64::from(part) / f64::from(whole);
            let expected = f64::from(trials) * share;
            let spread = expected * (1.0 - share);
            assert!((mean - expected).abs() < 5.0 * libm::sqrt(spread / draws.len() as f64), "{mean} {expected}");
            assert!((variance / spread - 1.0).abs() < 0.06, "{variance} {spread}");
        }
    }

    #[test]
    fn small_draws_come_as_often_as_the_formula_says() {
        let mut dice = ChaCha8Rng::seed_from_u64(3);
        let mut seen = [0_u32; 5];
        for _ in 0..100_000 {
            seen[usize::try_from(binomial(&mut dice, 4, 1, 4)).unwrap()] += 1;
        }
        let expected = [0.316_406, 0.421_875, 0.210_938, 0.046_875, 0.003_906];
        for (count, share) in seen.into_iter().zip(expected) {
            assert!((f64::from(count) / 100_000.0 - share).abs() < 0.006, "{seen:?}");
        }
    }

    #[test]
    fn certainty_needs_no_dice() {
        let mut dice = ChaCha8Rng::seed_from_u64(4);
        assert_eq!(binomial(&mut dice, 7, 0, 3), 0);
        assert_eq!(binomial(&mut dice, 7, 3, 3), 7);
        assert_eq!(binomial(&mut dice, 0, 1, 3), 0);
        assert_eq!(binomial(&mut dice, 0, 0, 0), 0);
    }
}
