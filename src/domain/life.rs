//! What becomes of a person's records as a whole: histories of several
//! references that are one person, a restriction of processing, a review of
//! whether to go on keeping them. It says where the ledger tells more, and holds
//! no text; no rule of scoring reads it.

use std::collections::{BTreeMap, BTreeSet};

use super::{Date, Revision, SubjectId};

/// What became of one history: everything written under one reference.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Life {
    /// It is part of another person's.
    pub merged: Option<Merged>,
    /// Histories that were merged into this one, in order of number.
    pub members: Vec<SubjectId>,
    /// The event by which processing was restricted, while it is.
    pub restricted: Option<Revision>,
    /// The last review of whether to keep it.
    pub reviewed: Option<Reviewed>,
}

impl Life {
    /// Whether nothing became of it.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// A history that is part of another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Merged {
    /// The history that it was merged into.
    pub into: SubjectId,
    /// The event that says who did it, when and why.
    pub revision: Revision,
}

/// A review of whether to keep a history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reviewed {
    /// The event that says who reviewed it, and why it was decided so.
    pub revision: Revision,
    /// The day of the review.
    pub day: Date,
    /// The day of the next one. `None`: it was decided to dispose of the history.
    pub next: Option<Date>,
}

impl Reviewed {
    /// Of two reviews the one that counts: of the later day; of one day, the one recorded later.
    #[must_use]
    pub fn or_later(self, other: Self) -> Self {
        if (other.day, other.revision) > (self.day, self.revision) { other } else { self }
    }
}

/// Which histories are one person, and whose processing is restricted: what the lives of all say together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Histories {
    into: BTreeMap<SubjectId, SubjectId>,
    members: BTreeMap<SubjectId, BTreeSet<SubjectId>>,
    restricted: BTreeSet<SubjectId>,
}

impl Histories {
    /// Takes in what became of one history.
    pub fn admit(&mut self, subject: SubjectId, life: &Life) {
        if let Some(merged) = life.merged {
            self.merge(subject, merged.into);
        }
        self.restrict(subject, life.restricted.is_some());
    }

    /// Joins a history to another, which must not be part of it.
    pub fn merge(&mut self, merged: SubjectId, into: SubjectId) {
        self.into.insert(merged, into);
        self.members.entry(into).or_default().insert(merged);
    }

    /// Takes a history out of the one that it was merged into.
    pub fn unmerge(&mut self, merged: SubjectId) {
        let Some(into) = self.into.remove(&merged) else { return };
        if let Some(members) = self.members.get_mut(&into) {
            members.remove(&merged);
            if members.is_empty() {
                self.members.remove(&into);
            }
        }
    }

    /// Lets go of a history that was erased. What had been merged into it stands by itself.
    pub fn forget(&mut self, erased: SubjectId) {
        self.unmerge(erased);
        for member in self.members.remove(&erased).unwrap_or_default() {
            self.into.remove(&member);
        }
        self.restricted.remove(&erased);
    }

    /// Restricts the processing of a history, or no longer.
    pub fn restrict(&mut self, subject: SubjectId, restricted: bool) {
        if restricted {
            self.restricted.insert(subject);
        } else {
            self.restricted.remove(&subject);
        }
    }

    /// The history that a person stands on the lists by: that into which all others of theirs were merged.
    pub fn person(&self, subject: SubjectId) -> SubjectId {
        let mut person = subject;
        // Nobody is merged into a part of themselves, so this ends.
        while let Some(into) = self.into.get(&person) {
            person = *into;
        }
        person
    }

    /// Every history of the person whom a history is of: the one that they stand by, then the others in order of number.
    pub fn of(&self, subject: SubjectId) -> Vec<SubjectId> {
        let person = self.person(subject);
        let mut others = Vec::new();
        let mut waiting = vec![person];
        while let Some(next) = waiting.pop() {
            if let Some(members) = self.members.get(&next) {
                others.extend(members);
                waiting.extend(members);
            }
        }
        others.sort_unstable();
        others.insert(0, person);
        others
    }

    /// Whether a history is the only one of its person, and unrestricted: nearly all are.
    pub fn is_plain(&self, subject: SubjectId) -> bool {
        (self.into.is_empty() && self.restricted.is_empty())
            || !(self.into.contains_key(&subject)
                || self.members.contains_key(&subject)
                || self.restricted.contains(&subject))
    }

    /// Whether a history is part of another.
    pub fn is_merged(&self, subject: SubjectId) -> bool {
        self.into.contains_key(&subject)
    }

    /// Whether the processing of a person is restricted: of any history of theirs.
    pub fn is_restricted(&self, subject: SubjectId) -> bool {
        !self.restricted.is_empty() && self.of(subject).iter().any(|history| self.restricted.contains(history))
    }

    /// Every history of every person whose processing is restricted.
    pub fn restricted(&self) -> BTreeSet<SubjectId> {
        self.restricted.iter().flat_map(|subject| self.of(*subject)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(histories: &Histories, subject: u32) -> Vec<u32> {
        histories.of(SubjectId(subject)).into_iter().map(|subject| subject.0).collect()
    }

    #[test]
    fn a_chain_of_merges_is_one_person_and_comes_apart_where_it_is_cut() {
        let mut histories = Histories::default();
        for (merged, into) in [(0, 1), (3, 1), (1, 2)] {
            histories.merge(SubjectId(merged), SubjectId(into));
        }
        assert_eq!(of(&histories, 0), [2, 0, 1, 3]);
        assert_eq!(of(&histories, 2), [2, 0, 1, 3]);
        histories.unmerge(SubjectId(1));
        assert_eq!(of(&histories, 2), [2]);
        assert_eq!(of(&histories, 3), [1, 0, 3], "what had been merged before stays together");
        histories.unmerge(SubjectId(0));
        histories.unmerge(SubjectId(3));
        assert_eq!(histories, Histories::default());
    }

    #[test]
    fn of_a_history_that_was_erased_nothing_is_left() {
        let mut histories = Histories::default();
        for (merged, into) in [(0, 1), (1, 2)] {
            histories.merge(SubjectId(merged), SubjectId(into));
        }
        histories.restrict(SubjectId(1), true);
        histories.forget(SubjectId(1));
        assert_eq!(histories, Histories::default());
    }

    #[test]
    fn a_restriction_of_one_history_is_one_of_the_person() {
        let mut histories = Histories::default();
        histories.restrict(SubjectId(4), true);
        histories.merge(SubjectId(4), SubjectId(5));
        assert!(histories.is_restricted(SubjectId(5)) && histories.is_restricted(SubjectId(4)));
        histories.unmerge(SubjectId(4));
        assert!(!histories.is_restricted(SubjectId(5)) && histories.is_restricted(SubjectId(4)));
        assert!(histories.is_plain(SubjectId(5)) && !histories.is_plain(SubjectId(4)));
    }
}
