//! A value with the interval around it, and how an interval is read off the
//! values of resampled data: the percentile bootstrap (Efron, Annals of
//! Statistics, 1979).

/// Samples drawn for one interval.
pub const SAMPLES: usize = 1_000;

/// Share of the samples in which a value may be undefined; with more, there is no interval.
const MOST_UNDEFINED: f64 = 0.05;

/// A value and its 95 % interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    /// As measured.
    pub value: f64,
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

impl Interval {
    /// From the values of resampled data, in any order; `None` for those in which it is undefined. There is no
    /// interval where the value itself, or more than one sample in twenty, is undefined.
    pub(super) fn percentile(value: Option<f64>, samples: &[Option<f64>]) -> Option<Self> {
        let value = value?;
        let mut sorted: Vec<f64> = samples.iter().copied().flatten().collect();
        let undefined = samples.len() - sorted.len();
        if sorted.is_empty() || undefined as f64 > MOST_UNDEFINED * samples.len() as f64 {
            return None;
        }
        sorted.sort_unstable_by(f64::total_cmp);
        Some(Self { value, low: quantile(&sorted, 0.025), high: quantile(&sorted, 0.975) })
    }

    /// Whether a value lies within, ends included.
    pub fn spans(&self, value: f64) -> bool {
        self.low <= value && value <= self.high
    }
}

/// Quantile of ordered values, linear between the two nearest (the seventh definition of Hyndman and Fan, The American
/// Statistician, 1996).
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a place in a list is a whole number of at least 0"
)]
fn quantile(sorted: &[f64], share: f64) -> f64 {
    let place = share * (sorted.len() - 1) as f64;
    let below = place as usize;
    let above = (below + 1).min(sorted.len() - 1);
    (place - below as f64).mul_add(sorted[above] - sorted[below], sorted[below])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ends_are_the_quantiles_of_the_samples() {
        // numpy.quantile(range(101), [0.025, 0.975])
        let samples: Vec<_> = (0..=100).rev().map(|value| Some(f64::from(value))).collect();
        let interval = Interval::percentile(Some(50.0), &samples).unwrap();
        assert!((interval.low - 2.5).abs() < 1e-12 && (interval.high - 97.5).abs() < 1e-12);
        assert_eq!(interval.value.to_bits(), 50.0_f64.to_bits());
    }

    #[test]
    fn too_many_undefined_samples_leave_no_interval() {
        let samples = |undefined: usize| {
            (0..100).map(|at| (at >= undefined).then_some(f64::from(u8::try_from(at).unwrap()))).collect::<Vec<_>>()
        };
        assert!(Interval::percentile(Some(1.0), &samples(5)).is_some());
        assert!(Interval::percentile(Some(1.0), &samples(6)).is_none());
        assert!(Interval::percentile(None, &samples(0)).is_none());
        assert!(Interval::percentile(Some(1.0), &[]).is_none());
    }
}
