//! From a text to the subjects it concerns, at eight bytes an entry: record
//! ids and victim references, of which there are ten times as many as people.
//! It keeps hashes alone, so its answers are candidates: who asks must check.

use std::hash::{BuildHasher, RandomState};

use hashbrown::HashTable;

use crate::domain::SubjectId;

/// Tables that an index is split into, so that growing one is short. Not a power of two: tables
/// double, and this many keep a million entries at 14 bytes each rather than 19.
pub(super) const SHARDS: usize = 48;

/// A text's hash, and a subject it concerns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) hash: u32,
    pub(super) subject: SubjectId,
}

/// The high half of a hash.
pub(super) const fn hash32(hash: u64) -> u32 {
    (hash >> 32) as u32
}

/// The table of a hash: even whatever the number of tables.
pub(super) const fn shard(hash: u32) -> usize {
    ((hash as u64 * SHARDS as u64) >> 32) as usize
}

/// 32 bits of hash over 64, so that place and tag within a table both depend on all of them.
pub(super) const fn spread(hash: u32) -> u64 {
    (hash as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_right(29)
}

/// Subjects by text. One owner; not shared between threads.
///
/// A bag: what is told twice is held twice and must be taken back twice, so that two records
/// that tell the same, or two texts whose hashes agree, never take each other's entry away.
/// Asking and telling are in proportion to the entries of one text: index natural victims, not shops.
#[derive(Debug)]
pub struct HashIndex {
    hasher: RandomState,
    shards: Box<[HashTable<Entry>]>,
    len: usize,
}

impl Default for HashIndex {
    fn default() -> Self {
        Self { hasher: RandomState::new(), shards: (0..SHARDS).map(|_| HashTable::new()).collect(), len: 0 }
    }
}

impl HashIndex {
    /// Number of entries held.
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether nothing is held.
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Remembers that a text concerns a subject.
    pub fn insert(&mut self, text: &str, subject: SubjectId) {
        let hash = hash32(self.hasher.hash_one(text));
        self.shards[shard(hash)].insert_unique(spread(hash), Entry { hash, subject }, |held| spread(held.hash));
        self.len += 1;
    }

    /// Takes back one telling that a text concerns a subject. False where none was held.
    pub fn remove(&mut self, text: &str, subject: SubjectId) -> bool {
        let hash = hash32(self.hasher.hash_one(text));
        let entry = Entry { hash, subject };
        let held = self.shards[shard(hash)].find_entry(spread(hash), |held| *held == entry);
        let known = held.is_ok();
        if let Ok(held) = held {
            held.remove();
            self.len -= 1;
        }
        known
    }

    /// Subjects that the text may concern, in no order and as often as told: all that it does concern, and rarely one that it does not.
    pub fn candidates<'a>(&'a self, text: &str) -> impl Iterator<Item = SubjectId> + use<'a> {
        let hash = hash32(self.hasher.hash_one(text));
        self.shards[shard(hash)].iter_hash(spread(hash)).filter(move |held| held.hash == hash).map(|held| held.subject)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn tables_are_evenly_filled() {
        let mut counts = [0_u32; SHARDS];
        let hasher = RandomState::new();
        for n in 0..48_000 {
            counts[shard(hash32(hasher.hash_one(n)))] += 1;
        }
        assert!(counts.iter().all(|count| (800..1200).contains(count)), "{counts:?}");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn it_agrees_with_a_map_of_bags(steps in prop::collection::vec((any::<bool>(), 0_u8..12, 0_u32..12), 0..400)) {
            let mut index = HashIndex::default();
            let mut model: BTreeMap<(u8, u32), usize> = BTreeMap::new();
            for (insert, text, subject) in steps {
                let told = model.entry((text, subject)).or_default();
                if insert {
                    index.insert(&format!("V-{text}"), SubjectId(subject));
                    *told += 1;
                } else {
                    prop_assert_eq!(index.remove(&format!("V-{text}"), SubjectId(subject)), *told > 0);
                    *told = told.saturating_sub(1);
                }
            }
            for text in 0..12 {
                let mut found = BTreeMap::new();
                for subject in index.candidates(&format!("V-{text}")) {
                    *found.entry((text, subject.0)).or_insert(0) += 1;
                }
                let told: BTreeMap<_, _> =
                    model.iter().filter(|((of, _), times)| *of == text && **times > 0).map(|(k, v)| (*k, *v)).collect();
                prop_assert_eq!(found, told);
            }
            prop_assert_eq!(index.len(), model.values().sum::<usize>());
        }
    }
}
