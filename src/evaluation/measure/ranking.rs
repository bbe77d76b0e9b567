//! People of one index date in order, best first. Who scores the same is tied:
//! no measure lets the order among them count.

/// An order of the rows of one index date.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ranking {
    /// Rows, best first; within a tie in the order of the rows.
    order: Vec<u32>,
    /// Where in the order each group of equals ends, one past its last.
    ends: Vec<u32>,
}

impl Ranking {
    /// By score, the highest first. A score that is not a number is a fault of the program.
    pub fn by_score(scores: &[f64]) -> Self {
        Self::sorted(scores.iter().map(|score| descending(*score)))
    }

    /// By score, the highest first; those without one are tied below all who have one.
    pub fn by_score_if_any(scores: &[Option<f64>]) -> Self {
        Self::sorted(scores.iter().map(|score| score.map_or(u64::MAX, descending)))
    }

    fn sorted(keys: impl Iterator<Item = u64>) -> Self {
        let mut keyed: Vec<(u64, u32)> = keys.zip(0..).collect();
        keyed.sort_unstable();
        let mut end = 0;
        let ends = keyed.chunk_by(|one, other| one.0 == other.0).map(|tied| {
            end += u32::try_from(tied.len()).expect("rows of a date must be fewer than 2^32");
            end
        });
        let ends = ends.collect();
        Self { order: keyed.into_iter().map(|(_, row)| row).collect(), ends }
    }

    /// How many rows it orders.
    pub fn len(&self) -> usize {
        self.order.len()
    }

    /// Whether it orders nobody.
    pub fn is_empty(&self) -> bool {
        self.order.is_empty()
    }

    /// Rows, best first.
    pub fn order(&self) -> &[u32] {
        &self.order
    }

    /// Groups of equals, best first, each with its rows.
    pub fn groups(&self) -> impl Iterator<Item = &[u32]> {
        Run { rows: &self.order, ends: &self.ends, start: 0 }.groups()
    }

    /// Groups of equals in runs, best first: as many whole groups as have at most so many rows together, or one group
    /// that has more.
    pub(super) fn runs(&self, most: u32) -> impl Iterator<Item = Run<'_>> {
        let (mut start, mut ends) = (0, self.ends.as_slice());
        std::iter::from_fn(move || {
            let first = *ends.first()?;
            let groups = ends.iter().take_while(|end| **end <= first.max(start + most)).count();
            let (run, after) = ends.split_at(groups);
            let end = *run.last()?;
            let run = Run { rows: &self.order[start as usize..end as usize], ends: run, start };
            (start, ends) = (end, after);
            Some(run)
        })
    }
}

/// Whole groups of equals that follow one another.
#[derive(Clone, Copy, Debug)]
pub(super) struct Run<'a> {
    pub rows: &'a [u32],
    /// Where each group ends, counted as `start` is.
    ends: &'a [u32],
    start: u32,
}

impl<'a> Run<'a> {
    pub fn groups(self) -> impl Iterator<Item = &'a [u32]> {
        let at = move |place: u32| (place - self.start) as usize;
        let starts = std::iter::once(self.start).chain(self.ends.iter().copied());
        starts.zip(self.ends).map(move |(start, end)| &self.rows[at(start)..at(*end)])
    }
}

/// A whole number that is the smaller the higher the score, and never the largest there is.
fn descending(score: f64) -> u64 {
    assert!(!score.is_nan(), "a score must be a number");
    // Adding nothing turns a negative zero into the one that it equals.
    let bits = (score + 0.0).to_bits();
    // The bits of positive numbers rise with them, those of negative ones fall.
    if bits >> 63 == 0 { !bits & (u64::MAX >> 1) } else { bits }
}

#[cfg(test)]
mod tests {
    use super::Ranking;

    fn groups(ranking: &Ranking) -> Vec<&[u32]> {
        ranking.groups().collect()
    }

    #[test]
    fn the_highest_score_stands_first() {
        let ranking = Ranking::by_score(&[0.5, -2.0, f64::INFINITY, -1.0, f64::NEG_INFINITY, 3.0]);
        assert_eq!(ranking.order(), [2, 5, 0, 3, 1, 4]);
        assert_eq!(ranking.groups().count(), 6);
    }

    #[test]
    fn equal_scores_are_tied() {
        assert_eq!(groups(&Ranking::by_score(&[1.0, 2.0, 1.0, 2.0, 0.0, -0.0])), [&[1, 3], &[0, 2], &[4, 5]]);
    }

    #[test]
    fn those_without_a_score_are_tied_at_the_bottom() {
        let scores = [None, Some(-5.0), None, Some(f64::NEG_INFINITY), Some(1.0)];
        assert_eq!(groups(&Ranking::by_score_if_any(&scores)), [&[4][..], &[1], &[3], &[0, 2]]);
    }

    #[test]
    fn nobody_makes_no_group() {
        let nobody = Ranking::by_score(&[]);
        assert!(nobody.is_empty());
        assert_eq!(nobody.groups().count(), 0);
    }

    #[test]
    fn a_run_cuts_no_group() {
        let ranking = Ranking::by_score(&[9.0, 8.0, 8.0, 7.0, 6.0, 6.0, 6.0, 6.0, 5.0]);
        let runs: Vec<Vec<&[u32]>> = ranking.runs(3).map(|run| run.groups().collect()).collect();
        assert_eq!(runs, [vec![&[0][..], &[1, 2]], vec![&[3]], vec![&[4, 5, 6, 7]], vec![&[8]]]);
    }

    #[test]
    #[should_panic(expected = "a score must be a number")]
    fn a_score_that_is_not_a_number_is_a_fault() {
        Ranking::by_score(&[f64::NAN]);
    }
}
