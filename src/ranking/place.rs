//! Where one person stands on a list, and who stands next to them. Nothing is
//! stored: places are found by counting, so they can never be out of date.

use super::key::Key;
use super::query::{Placed, one_based};
use super::sight::Sight;
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

    /// A person with up to `k` above and `k` below on a list, of those in sight; `None` where they do not stand on it. The
    /// person is taken to be in sight.
    pub fn neighbours(&self, list: List, sight: &Sight, subject: SubjectId, k: usize) -> Option<Neighbours> {
        let key = self.key(list, subject)?;
        let tree = self.tree(list);
        let own = tree.position(key, self)?;
        let seen = |key: &Key| sight.is_whole() || self.row(key.subject()).is_some_and(|row| sight.sees(row));
        let mut above: Vec<(usize, Key)> = Vec::with_capacity(k);
        let mut end = own;
        while above.len() < k && end > 0 {
            // One reader's neighbours may lie far apart in the whole list.
            let start = end.saturating_sub((k - above.len()).max(AT_ONCE));
            let part: Vec<(usize, Key)> = (start..end).zip(tree.iter_from(start)).collect();
            above.extend(part.into_iter().rev().filter(|(_, key)| seen(key)).take(k - above.len()));
            end = start;
        }
        above.reverse();
        let below = (own + 1..).zip(tree.iter_from(own + 1)).filter(|(_, key)| seen(key)).take(k);
        let mut last: Option<(usize, Key, u32)> = None;
        let mut placed = |(position, key): (usize, Key)| {
            let rank = match last {
                Some((_, above, rank)) if above.merit() == key.merit() => rank,
                Some((above, ..)) if above + 1 == position => one_based(position),
                Some(_) | None => one_based(tree.count_before(|held| held.merit() < key.merit())),
            };
            last = Some((position, key, rank));
            let position = one_based(position);
            Placed { subject: key.subject(), rank, position, filtered_position: position }
        };
        Some(Neighbours {
            above: above.into_iter().map(&mut placed).collect(),
            subject: placed((own, key)),
            below: below.map(&mut placed).collect(),
        })
    }
}

/// Fewest people looked at together on the way up a list.
const AT_ONCE: usize = 64;

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
