//! Finding, for each person selected, others like them who were not: the
//! nearest by the traits, with replacement, within a caliper. With replacement
//! each gets the best there is, at the price that one person may stand for many
//! (Stuart, Statistical Science, 2010).

use super::{Design, Unit};

/// Who was matched.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Matched {
    /// People selected.
    pub selected: u32,
    /// Of these, with at least one match.
    pub with_match: u32,
    /// Of these, without: left out of everything that follows.
    pub without_match: u32,
    /// People not selected among whom matches were sought.
    pub candidates: u32,
    /// Different people among the matches.
    pub distinct_matches: u32,
    /// How often the match used most was used.
    pub most_used: u32,
}

/// One person selected and their matches, as places in the list of units.
pub(super) struct Set {
    pub selected: usize,
    pub matches: Vec<usize>,
}

/// The sets, and what is told of them.
pub(super) struct Matching {
    pub sets: Vec<Set>,
    pub told: Matched,
}

/// Matches everybody selected.
pub(super) fn matching<const M: usize>(units: &[Unit<M>], design: &Design) -> Matching {
    let spread = pooled_deviations(units);
    let candidates: Vec<usize> = (0..units.len()).filter(|at| !units[*at].selected).collect();
    let mut used = vec![0_u32; units.len()];
    let mut told = Matched { candidates: count(candidates.len()), ..Matched::default() };
    let mut sets = Vec::new();
    for selected in (0..units.len()).filter(|at| units[*at].selected) {
        told.selected += 1;
        let matches = nearest(units, selected, &candidates, &spread, design);
        if matches.is_empty() {
            told.without_match += 1;
            continue;
        }
        told.with_match += 1;
        for at in &matches {
            used[*at] += 1;
        }
        sets.push(Set { selected, matches });
    }
    told.distinct_matches = count(used.iter().filter(|times| **times > 0).count());
    told.most_used = used.into_iter().max().unwrap_or(0);
    Matching { sets, told }
}

fn count(people: usize) -> u32 {
    u32::try_from(people).expect("people must be fewer than the numbers that tell them apart")
}

/// The nearest candidates within the caliper, nearest first; of those equally near, the lower id.
fn nearest<const M: usize>(
    units: &[Unit<M>],
    selected: usize,
    candidates: &[usize],
    spread: &[f64; M],
    design: &Design,
) -> Vec<usize> {
    // Squares are compared; a mean over the traits becomes a sum.
    let mut farthest = design.caliper * design.caliper * M as f64;
    let mut kept: Vec<(f64, usize)> = Vec::with_capacity(design.matches + 1);
    for at in candidates {
        let Some(apart) = square_distance(&units[selected].traits, &units[*at].traits, spread, farthest) else {
            continue;
        };
        let nearer = |kept: &(f64, usize)| kept.0.total_cmp(&apart).then(units[kept.1].id.cmp(&units[*at].id)).is_lt();
        kept.insert(kept.partition_point(nearer), (apart, *at));
        kept.truncate(design.matches);
        // Whoever is farther than the last of enough is not looked at further.
        if let Some((last, _)) = kept.last().filter(|_| kept.len() == design.matches) {
            farthest = *last;
        }
    }
    kept.into_iter().map(|(_, at)| at).collect()
}

/// Sum of the squared differences in standard deviations, unless more than the farthest allowed.
fn square_distance<const M: usize>(a: &[f64; M], b: &[f64; M], spread: &[f64; M], farthest: f64) -> Option<f64> {
    let mut sum = 0.0;
    for ((a, b), spread) in a.iter().zip(b).zip(spread) {
        let apart = a - b;
        // Where a trait has no spread on either side, only an equal value is near.
        if apart.abs() > 0.0 {
            sum += (apart / spread) * (apart / spread);
        }
        if sum.is_nan() || sum > farthest {
            return None;
        }
    }
    Some(sum)
}

/// Standard deviation of each trait: root of the mean of the variances of those selected and those not (Rosenbaum and
/// Rubin, 1985), which does not depend on how many of each there are.
pub(super) fn pooled_deviations<const M: usize>(units: &[Unit<M>]) -> [f64; M] {
    std::array::from_fn(|of| {
        let side = |selected: bool| {
            variance(units.iter().filter(|unit| unit.selected == selected).map(|unit| unit.traits[of]))
        };
        libm::sqrt(f64::midpoint(side(true), side(false)))
    })
}

/// Variance of a sample; of fewer than two, 0.
fn variance(values: impl Iterator<Item = f64> + Clone) -> f64 {
    let count = values.clone().count() as f64;
    if count < 2.0 {
        return 0.0;
    }
    let mean = values.clone().sum::<f64>() / count;
    values.map(|value| (value - mean) * (value - mean)).sum::<f64>() / (count - 1.0)
}
