//! How well a score orders people by what they went on to do: the area under
//! the curve, which is the chance that of two people, one who reoffended and
//! one who did not, the first scores higher. A tie counts a half.
//!
//! The variance is that of DeLong, DeLong and Clarke-Pearson (Biometrics 44,
//! 1988, 837-845), over midranks as Sun and Xu (IEEE Signal Processing Letters
//! 21, 2014, 1389-1393) compute it. Two scores of the same people are compared by
//! the same formula: what they share drops out of the variance of the difference.

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

/// The area of one score less that of another on the same people.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AreaDifference {
    /// The estimate, -1 to 1.
    pub value: f64,
    /// Its standard error.
    pub error: f64,
}

impl Area {
    /// Of scores, each with whether what it forecasts came about. `None` unless at least two came about and two did
    /// not: below that there is no variance.
    pub fn under(scored: &[(f64, bool)]) -> Option<Self> {
        let placements = Placements::of(scored.iter().copied())?;
        Some(Self { value: mean(&placements.below), error: placements.error() })
    }

    /// The ends between which it lies with 95 % confidence.
    pub fn interval(&self) -> (f64, f64) {
        let reach = NINETY_FIVE * self.error;
        ((self.value - reach).max(0.0), (self.value + reach).min(1.0))
    }
}

impl AreaDifference {
    /// Of people, each with a first score, a second and whether what they forecast came about. `None` unless at least
    /// two came about and two did not.
    pub fn between(scored: &[(f64, f64, bool)]) -> Option<Self> {
        let first = Placements::of(scored.iter().map(|(first, _, happened)| (*first, *happened)))?;
        let second = Placements::of(scored.iter().map(|(_, second, happened)| (*second, *happened)))?;
        let value = mean(&first.below) - mean(&second.below);
        Some(Self { value, error: first.less(&second).error() })
    }

    /// The ends between which it lies with 95 % confidence.
    pub fn interval(&self) -> (f64, f64) {
        let reach = NINETY_FIVE * self.error;
        ((self.value - reach).max(-1.0), (self.value + reach).min(1.0))
    }
}

/// What each person adds to the area.
struct Placements {
    /// Of each case, the share of controls below it.
    below: Vec<f64>,
    /// Of each control, the share of cases above it.
    above: Vec<f64>,
}

impl Placements {
    fn of(scored: impl Iterator<Item = (f64, bool)>) -> Option<Self> {
        let (mut cases, mut controls) = (Vec::new(), Vec::new());
        for (score, happened) in scored {
            if happened { &mut cases } else { &mut controls }.push(score);
        }
        if cases.len() < 2 || controls.len() < 2 {
            return None;
        }
        let together: Vec<f64> = cases.iter().chain(&controls).copied().collect();
        let (in_all, in_cases, in_controls) = (midranks(&together), midranks(&cases), midranks(&controls));
        let (case_number, control_number) = (cases.len() as f64, controls.len() as f64);
        let (case_ranks, control_ranks) = in_all.split_at(cases.len());
        let below = case_ranks.iter().zip(&in_cases).map(|(all, own)| (all - own) / control_number).collect();
        let above = control_ranks.iter().zip(&in_controls).map(|(all, own)| 1.0 - (all - own) / case_number).collect();
        Some(Self { below, above })
    }

    /// Person by person, which is what makes the comparison paired.
    fn less(&self, other: &Self) -> Self {
        let less = |one: &[f64], other: &[f64]| one.iter().zip(other).map(|(one, other)| one - other).collect();
        Self { below: less(&self.below, &other.below), above: less(&self.above, &other.above) }
    }

    fn error(&self) -> f64 {
        let of = |values: &[f64]| variance(values) / values.len() as f64;
        libm::sqrt(of(&self.below) + of(&self.above))
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

#[cfg(test)]
mod tests {
    use super::{Area, AreaDifference, midranks};

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
        assert_eq!(AreaDifference::between(&[(1.0, 2.0, true), (0.0, 1.0, false), (0.0, 2.0, false)]), None);
    }

    #[test]
    fn a_difference_is_that_of_the_definition() {
        // From the structural components over all pairs, by their definition, with NumPy 2.4.6.
        let first = [9, 8, 8, 7, 7, 7, 6, 5, 5, 4, 4, 3, 3, 3, 2, 2, 1, 1, 0, 0];
        let second = [5, 9, 3, 8, 2, 7, 7, 1, 6, 4, 0, 5, 3, 2, 4, 1, 2, 0, 3, 1];
        let happened = [1, 1, 0, 1, 0, 1, 0, 1, 0, 0, 1, 0, 1, 0, 0, 0, 1, 0, 0, 0];
        let scored: Vec<(f64, f64, bool)> = first
            .iter()
            .zip(second)
            .zip(happened)
            .map(|((first, second), happened)| (f64::from(*first), f64::from(second), happened == 1))
            .collect();
        let found = AreaDifference::between(&scored).unwrap();
        assert!((found.value - 0.119_791_666_666_666_7).abs() < 1e-12, "{found:?}");
        assert!((found.error - 0.126_682_512_287_816_07).abs() < 1e-12, "{found:?}");
        let firsts: Vec<(f64, bool)> = scored.iter().map(|(first, _, happened)| (*first, *happened)).collect();
        assert!((Area::under(&firsts).unwrap().error - 0.120_943_37).abs() < 1e-8);
    }

    #[test]
    fn a_score_differs_from_itself_by_nothing() {
        let scored: Vec<(f64, f64, bool)> =
            [(3.0, true), (1.0, false), (2.0, true), (2.5, false)].map(|(score, of)| (score, score, of)).to_vec();
        assert_eq!(AreaDifference::between(&scored), Some(AreaDifference { value: 0.0, error: 0.0 }));
    }
}
