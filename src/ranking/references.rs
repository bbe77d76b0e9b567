//! From the force's reference to the subject. One table serves every snapshot:
//! it is only added to, holds eight bytes an entry, and keeps no text. The
//! dossier has the last word on whether an entry is the one meant.

use std::hash::{BuildHasher, RandomState};
use std::sync::{PoisonError, RwLock};

use hashbrown::HashTable;

use super::hash_index::{Entry, SHARDS, hash32, shard, spread};
use crate::domain::SubjectId;

/// Subject references by hash; many readers, one writer.
///
/// About 14 bytes a subject. Hashes are keyed per process, so that nobody outside can choose
/// references that collide.
#[derive(Debug)]
pub struct References {
    hasher: RandomState,
    shards: Box<[RwLock<HashTable<Entry>>]>,
}

impl Default for References {
    fn default() -> Self {
        Self { hasher: RandomState::new(), shards: (0..SHARDS).map(|_| RwLock::default()).collect() }
    }
}

impl References {
    /// Remembers a reference of a subject. Called by the writer when it allots a subject, before
    /// the snapshot that holds the subject is published.
    pub fn insert(&self, reference: &str, subject: SubjectId) {
        let hash = hash32(self.hasher.hash_one(reference));
        let entry = Entry { hash, subject };
        let mut table = self.shards[shard(hash)].write().unwrap_or_else(PoisonError::into_inner);
        if table.find(spread(hash), |held| *held == entry).is_none() {
            table.insert_unique(spread(hash), entry, |held| spread(held.hash));
        }
    }

    /// The subject of a reference: the first entry of its hash that `is_it` confirms. `is_it` must
    /// compare the reference exactly, and refuse subjects that the caller's snapshot does not hold.
    pub fn find(&self, reference: &str, mut is_it: impl FnMut(SubjectId) -> bool) -> Option<SubjectId> {
        let hash = hash32(self.hasher.hash_one(reference));
        let table = self.shards[shard(hash)].read().unwrap_or_else(PoisonError::into_inner);
        table.find(spread(hash), |held| held.hash == hash && is_it(held.subject)).map(|held| held.subject)
    }

    /// Number of references.
    pub fn len(&self) -> usize {
        self.shards.iter().map(|shard| shard.read().unwrap_or_else(PoisonError::into_inner).len()).sum()
    }

    /// Whether none is held.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_is_found_only_when_confirmed() {
        let references = References::default();
        let texts: Vec<String> = (0..5_000).map(|n| format!("S-{n}")).collect();
        for (n, text) in texts.iter().enumerate() {
            references.insert(text, SubjectId(u32::try_from(n).unwrap()));
        }
        for (n, text) in texts.iter().enumerate() {
            let found = references.find(text, |subject| texts[subject.index()] == *text);
            assert_eq!(found.map(SubjectId::index), Some(n));
        }
        assert_eq!(references.find("S-5000", |subject| texts[subject.index()] == "S-5000"), None);
        assert_eq!(references.find("S-7", |subject| subject.0 < 7), None, "a later subject is out of sight");
    }

    #[test]
    fn telling_a_reference_twice_holds_it_once() {
        let references = References::default();
        references.insert("S-1", SubjectId(0));
        references.insert("S-1", SubjectId(0));
        assert_eq!(references.len(), 1);
    }
}
