//! How well a score orders people by what they went on to do: the area under
//! the curve, which is the chance that of two people, one who reoffended and
//! one who did not, the first scores higher. A tie counts a half.
//!
//! The variance is that of DeLong, DeLong and Clarke-Pearson (Biometrics 44,
//! 1988, 837-845), over midranks as Sun and Xu (IEEE Signal Processing Letters
//! 21, 2014, 1389-1393) compute it.

/// Standard errors on either side of the estimate that 95 % of estimates fall within.
const NINETY_FIVE: f64 = 1.959_963_984_540_054;

/// An area under the curve.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Area {
    /// The estimate, 0 to 1; chance alone gives a half.
    pub value: f64,
    /// Its standard error.
    pub error: f64,
}

impl Area {
    /// Of scores, each with whether what it forecasts came about. `None` unless at least two came about and two did
    /// not: below that there is no variance.
    pub fn under(scored: &[(f64, bool)]) -> Option<Self> {
        let of = |wanted: bool| -> Vec<f64> {
            scored.iter().filter(|(_, happened)| *happened == wanted).map(|(score, _)| *score).collect()
        };
        let (cases, controls) = (of(true), of(false));
        if cases.len() < 2 || controls.len() < 2 {
            return None;
        }
        let together: Vec<f64> = cases.iter().chain(&controls).copied().collect();
        let (in_all, in_cases, in_controls) = (midranks(&together), midranks(&cases), midranks(&controls));
        let (case_number, control_number) = (cases.len() as f64, controls.len() as f64);
        let (case_ranks, control_ranks) = in_all.split_at(cases.len());
        // Of each case, the share of controls below it; of each control, the share of cases above it.
        let below: Vec<f64> = case_ranks.iter().zip(&in_cases).map(|(all, own)| (all - own) / control_number).collect();
        let above: Vec<f64> =
            control_ranks.iter().zip(&in_controls).map(|(all, own)| 1.0 - (all - own) / case_number).collect();
        let variance = variance(&below) / case_number + variance(&above) / control_number;
        Some(Self { value: mean(&below), error: libm::sqrt(variance) })
    }

    /// The ends between which it lies with 95 % confidence.
    pub fn interval(&self) -> (f64, f64) {
        let reach = NINETY_FIVE * self.error;
        ((self.value - reach).max(0.0), (self.value + reach).min(1.0))
    }
}

/// Rank of each value from 1; equal values share the mean of their ranks.
fn midranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|a, b| values[*a].total_cmp(&values[*b]));
    let mut ranks = vec![0.0; values.len()];
    let mut before = 0;
    for equal in order.chunk_by(|a, b| values[*a].total_cmp(&values[*b]).is_eq()) {
        let middle = f64::midpoint(before as f64 + 1.0, (before + equal.len()) as f64);
        for place in equal {
            ranks[*place] = middle;
        }
        before += equal.len();
    }
    ranks
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

fn variance(values: &[f64]) -> f64 {
    let mean = mean(values);
    values.iter().map(|value| (value - mean) * (value - mean)).sum::<f64>() / (values.len() as f64 - 1.0)
}

fn area(cases: &[f64], controls: &[f64]) -> Option<Area> {
    let cases = cases.iter().map(|score| (*score, true));
    Area::under(&cases.chain(controls.iter().map(|score| (*score, false))).collect::<Vec<_>>())
}

fn assert_area(found: Option<Area>, value: f64, variance: f64) {
    let found = found.expect("must have an area");
    assert!((found.value - value).abs() < 1e-12, "{found:?}, expected {value}");
    assert!((found.error * found.error - variance).abs() < 1e-12, "{found:?}, expected a variance of {variance}");
}

#[test]
fn equal_values_share_the_mean_of_their_ranks() {
    assert_eq!(midranks(&[7.0, 1.0, 7.0, 3.0, 7.0]), [4.0, 1.0, 4.0, 2.0, 4.0]);
}

#[test]
fn an_area_is_the_share_of_pairs_in_the_right_order() {
    // Three of four pairs; shares below 1 and 1/2, above 1/2 and 1: variance 1/8 over 2, twice.
    assert_area(area(&[0.8, 0.4], &[0.6, 0.2]), 0.75, 0.125);
    // Four of six pairs; below 1, 1/2, 1/2 (variance 1/12 over 3), above 1/3 and 1 (variance 2/9 over 2).
    assert_area(area(&[4.0, 2.0, 2.0], &[3.0, 1.0]), 2.0 / 3.0, 5.0 / 36.0);
    assert_area(area(&[3.0, 4.0], &[1.0, 2.0]), 1.0, 0.0);
    assert_area(area(&[1.0, 2.0], &[3.0, 4.0]), 0.0, 0.0);
}

#[test]
fn a_tie_counts_a_half() {
    assert_area(area(&[5.0, 5.0], &[5.0, 5.0, 5.0]), 0.5, 0.0);
    // Three pairs and a half of four; below 1 and 3/4, above 3/4 and 1: variance 1/32 over 2, twice.
    assert_area(area(&[2.0, 1.0], &[1.0, 0.0]), 0.875, 1.0 / 32.0);
}

#[test]
fn an_interval_reaches_as_far_on_either_side_and_never_beyond_all_or_nothing() {
    let wide = area(&[4.0, 2.0, 2.0], &[3.0, 1.0]).expect("must have an area");
    assert!((wide.interval().1 - 1.0).abs() < 1e-12);
    let area = Area { value: 0.7, error: 0.01 };
    let (low, high) = area.interval();
    assert!((low - 0.680_400_360_154_599_5).abs() < 1e-12 && (high - 0.719_599_639_845_400_5).abs() < 1e-12);
}

#[test]
fn one_of_a_kind_has_no_area() {
    assert_eq!(area(&[1.0], &[0.0, 2.0]), None);
    assert_eq!(area(&[1.0, 2.0], &[]), None);
}
