//! What put one person above another: the first part of the order in which
//! they differ. The shares of the gap are the explanation's business.

use std::cmp::Ordering;

use super::key::Part;
use super::snapshot::Standings;
use crate::domain::SubjectId;
use crate::domain::word::List;

/// The part of the order that decided, first to last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum DecidedBy {
    /// Effective band.
    EffectiveBand,
    /// Composite.
    Composite,
    /// Harm, the composites being equal.
    Harm,
    /// Threat.
    Threat,
    /// Risk.
    Risk,
    /// Outstanding for longer, or outstanding at all.
    OutstandingSince,
    /// Everything else equal: the order of references.
    SubjectRef,
}

/// Two people on a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Comparison {
    /// The one who stands above.
    pub above: SubjectId,
    /// The one who stands below.
    pub below: SubjectId,
    /// What decided.
    pub decided_by: DecidedBy,
}

impl Standings {
    /// Which of two people stands above the other on a list, and by what. `None` where one of them
    /// does not stand on it, or both are the same person.
    pub fn compare(&self, list: List, a: SubjectId, b: SubjectId) -> Option<Comparison> {
        let (key_a, key_b) = (self.key(list, a)?, self.key(list, b)?);
        let (above, below) = match key_a.compare(key_b, self) {
            Ordering::Less => (a, b),
            Ordering::Greater => (b, a),
            Ordering::Equal => return None,
        };
        let decided_by = match key_a.first_difference(key_b) {
            Some(Part::Band) => DecidedBy::EffectiveBand,
            Some(Part::Composite) => DecidedBy::Composite,
            Some(Part::Harm) => DecidedBy::Harm,
            Some(Part::Threat) => DecidedBy::Threat,
            Some(Part::Risk) => DecidedBy::Risk,
            Some(Part::Since) => DecidedBy::OutstandingSince,
            None => DecidedBy::SubjectRef,
        };
        Some(Comparison { above, below, decided_by })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ranking::sample::{People, person};

    #[test]
    fn the_first_difference_decides() {
        let decided = |a: &str, b: &str| {
            let people = People::of([person("B", a), person("A", b)]);
            let found = people.standings().compare(List::All, SubjectId(1), SubjectId(0)).expect("both are on ALL");
            assert_eq!((found.above, found.below), (SubjectId(0), SubjectId(1)), "{a} | {b}");
            found.decided_by
        };
        assert_eq!(decided("band=HIGH composite=7", "composite=9"), DecidedBy::EffectiveBand);
        assert_eq!(decided("composite=9 harm=1", "composite=8 harm=2"), DecidedBy::Composite);
        assert_eq!(decided("harm=2", "harm=1 threat=9"), DecidedBy::Harm);
        assert_eq!(decided("threat=2", "threat=1 risk=9"), DecidedBy::Threat);
        assert_eq!(decided("risk=2", "risk=1 since=4"), DecidedBy::Risk);
        assert_eq!(decided("since=4", "since=5"), DecidedBy::OutstandingSince);
        let people = People::of([person("B", ""), person("A", "")]);
        let found = people.standings().compare(List::All, SubjectId(0), SubjectId(1)).expect("both are on ALL");
        assert_eq!((found.above, found.decided_by), (SubjectId(1), DecidedBy::SubjectRef));
    }

    #[test]
    fn who_is_not_on_the_list_cannot_be_compared() {
        let people = People::of([person("B", "since=5"), person("A", "")]);
        let standings = people.standings();
        assert_eq!(standings.compare(List::Outstanding, SubjectId(0), SubjectId(1)), None);
        assert_eq!(standings.compare(List::All, SubjectId(0), SubjectId(0)), None);
        assert_eq!(standings.compare(List::All, SubjectId(0), SubjectId(2)), None);
    }
}
