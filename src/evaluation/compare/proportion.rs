//! A share of people with its exact 95 % interval, after Clopper and Pearson
//! (Biometrika, 1934): however few the people, the interval holds the true
//! share at least 95 times in 100. It is wider than an approximation would be,
//! which errs on the side of not seeing a difference that is not there.

use statrs::distribution::{Beta, ContinuousCDF};

/// Chance that the true share lies beyond either end.
const TAIL: f64 = 0.025;

/// A share of people.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Proportion {
    /// People looked at, at least one.
    pub of: u32,
    /// Those for whom it holds.
    pub count: u32,
    /// The share, 0 to 1.
    pub value: f64,
    /// Lower end of the interval.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

impl Proportion {
    /// `count` of `of` people; of nobody, there is no share.
    ///
    /// # Panics
    /// Where `count` exceeds `of`.
    pub fn new(count: u32, of: u32) -> Option<Self> {
        assert!(count <= of, "a part must not exceed the whole");
        if of == 0 {
            return None;
        }
        let (with, without) = (f64::from(count), f64::from(of - count));
        // The ends are quantiles of beta distributions, save where nobody or everybody leaves one end certain.
        let low = if count == 0 { 0.0 } else { quantile(with, without + 1.0, TAIL) };
        let high = if count == of { 1.0 } else { quantile(with + 1.0, without, 1.0 - TAIL) };
        Some(Self { of, count, value: with / f64::from(of), low, high })
    }
}

/// Quantile of a beta distribution. It does not enter a score, so that the last bits may differ between platforms.
fn quantile(a: f64, b: f64, share: f64) -> f64 {
    Beta::new(a, b).expect("shapes of at least one must make a distribution").inverse_cdf(share)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_are_those_of_scipy() {
        // scipy.stats.binomtest(count, of).proportion_ci(0.95, method="exact")
        let known = [
            (0, 1, 0.0, 0.975),
            (1, 1, 0.025, 1.0),
            (0, 10, 0.0, 0.308_497_107_819),
            (1, 10, 0.002_528_578_544, 0.445_016_117_028),
            (5, 10, 0.187_086_028_447, 0.812_913_971_553),
            (10, 10, 0.691_502_892_181, 1.0),
            (3, 30, 0.021_117_137_03, 0.265_288_450_474),
            (17, 100, 0.102_264_910_036, 0.258_175_410_632),
            (999, 1_000, 0.994_441_075_72, 0.999_974_682_513),
            (250, 100_000, 0.002_199_999_496, 0.002_829_410_06),
            (99999, 100_000, 0.999_944_284_84, 0.999_999_746_822),
        ];
        for (count, of, low, high) in known {
            let found = Proportion::new(count, of).unwrap();
            assert!((found.low - low).abs() < 1e-8 && (found.high - high).abs() < 1e-8, "{found:?}: {low} to {high}");
        }
    }

    #[test]
    fn a_share_lies_within_its_interval_and_mirrors_its_complement() {
        for of in 1..=120 {
            for count in 0..=of {
                let share = Proportion::new(count, of).unwrap();
                let rest = Proportion::new(of - count, of).unwrap();
                assert!(0.0 <= share.low && share.low <= share.value, "{share:?}");
                assert!(share.value <= share.high && share.high <= 1.0, "{share:?}");
                assert!((share.low - (1.0 - rest.high)).abs() < 1e-8, "{share:?} {rest:?}");
            }
        }
    }

    #[test]
    fn of_nobody_there_is_no_share() {
        assert_eq!(Proportion::new(0, 0), None);
    }

    #[test]
    #[should_panic(expected = "a part must not exceed the whole")]
    fn a_part_larger_than_the_whole_is_a_fault() {
        let _ = Proportion::new(2, 1);
    }
}
