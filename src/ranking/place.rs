//! Where one person stands on a list, and who stands next to them. Nothing is
//! stored: places are found by counting, so they can never be out of date.

use super::query::{Placed, one_based};
use super::snapshot::Standings;
use crate::domain::SubjectId;
use crate::domain::word::List;

/// A person's place on a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Competition rank on effective band and composite, from 1.
    pub rank: u32,
    /// Place in the list, from 1; nobody shares it.
    pub position: u32,
    /// People on the list.
    pub size: u32,
}

impl Place {
    /// In how many per ten thousand of the list this place lies, rounded down.
    pub fn percentile(self) -> u32 {
        percentile(self.position, self.size)
    }
}

/// 10,000 x (size - position) / size, rounded down: 0 for the last.
pub fn percentile(position: u32, size: u32) -> u32 {
    let below = u64::from(size.saturating_sub(position));
    u32::try_from(below * 10_000 / u64::from(size.max(1))).expect("a part must be at most the whole")
}

/// A person with those next to them on a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Neighbours {
    /// Those above, best first.
    pub above: Vec<Placed>,
    /// The person.
    pub subject: Placed,
    /// Those below, best first.
    pub below: Vec<Placed>,
}

impl Standings {
    /// Where a person stands on a list; `None` where they do not.
    pub fn place(&self, list: List, subject: SubjectId) -> Option<Place> {
        let key = self.key(list, subject)?;
        let tree = self.tree(list);
        let position = tree.position(key, self)?;
        let outranking = tree.count_before(|held| held.merit() < key.merit());
        Some(Place {
            rank: one_based(outranking),
            position: one_based(position),
            size: u32::try_from(tree.len()).expect("a list must be no longer than its SubjectIds"),
        })
    }

    /// A person with up to `k` above and `k` below on a list; `None` where they do not stand on it.
    pub fn neighbours(&self, list: List, subject: SubjectId, k: usize) -> Option<Neighbours> {
        let key = self.key(list, subject)?;
        let tree = self.tree(list);
        let own = tree.position(key, self)?;
        let first = own.saturating_sub(k);
        let mut placed: Vec<Placed> = Vec::with_capacity(2 * k + 1);
        let mut merit = None;
        for (position, key) in (first..=own + k).zip(tree.iter_from(first)) {
            let rank = match placed.last() {
                Some(above) if merit == Some(key.merit()) => above.rank,
                Some(_) => one_based(position),
                None => one_based(tree.count_before(|held| held.merit() < key.merit())),
            };
            merit = Some(key.merit());
            let position = one_based(position);
            placed.push(Placed { subject: key.subject(), rank, position, filtered_position: position });
        }
        let below = placed.split_off(own - first + 1);
        let subject = placed.pop().expect("the person must be among their neighbours");
        Some(Neighbours { above: placed, subject, below })
    }
}

#[cfg(test)]
mod tests {
    use super::percentile;

    #[test]
    fn percentile_is_the_part_of_the_list_below() {
        assert_eq!(percentile(1, 1), 0);
        assert_eq!(percentile(1, 3), 6_666);
        assert_eq!(percentile(3, 3), 0);
        assert_eq!(percentile(1, 1_000_000), 9_999);
        assert_eq!(percentile(u32::MAX, u32::MAX), 0);
    }
}
