//! Who follows lists just now, and how far they have been brought: counted, so
//! that a reader who falls behind is seen before it is too late. It knows no
//! caller and no list, and holds nobody up.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::domain::Revision;

/// The streams that follow a list.
#[derive(Clone, Debug, Default)]
pub struct Watched(Arc<Mutex<Streams>>);

#[derive(Debug, Default)]
struct Streams {
    next: u64,
    held: HashMap<u64, Arc<AtomicU64>>,
}

impl Watched {
    /// Counts a stream until what this gives is dropped.
    pub fn begin(&self) -> Watch {
        let mut streams = self.streams();
        let number = streams.next;
        streams.next += 1;
        let brought = Arc::new(AtomicU64::new(u64::MAX));
        streams.held.insert(number, Arc::clone(&brought));
        Watch { watched: self.clone(), number, brought }
    }

    /// How many streams there are.
    pub fn count(&self) -> usize {
        self.streams().held.len()
    }

    /// By how many revisions the furthest behind is behind the newest.
    pub fn lag(&self, newest: Revision) -> u64 {
        let behind = |brought: &Arc<AtomicU64>| newest.0.saturating_sub(brought.load(Ordering::Relaxed));
        self.streams().held.values().map(behind).max().unwrap_or(0)
    }

    fn streams(&self) -> MutexGuard<'_, Streams> {
        // Changed by single steps only, so that a poisoned lock still guards a whole table.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One stream.
#[derive(Debug)]
pub struct Watch {
    watched: Watched,
    number: u64,
    brought: Arc<AtomicU64>,
}

impl Watch {
    /// It has been brought so far. `None`: it begins anew, and is behind nothing.
    pub fn brought(&self, revision: Option<Revision>) {
        self.brought.store(revision.map_or(u64::MAX, |revision| revision.0), Ordering::Relaxed);
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.watched.streams().held.remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_furthest_behind_counts_and_whoever_went_does_not() {
        let watched = Watched::default();
        assert_eq!((watched.count(), watched.lag(Revision(9))), (0, 0));
        let (near, far) = (watched.begin(), watched.begin());
        assert_eq!((watched.count(), watched.lag(Revision(9))), (2, 0));
        near.brought(Some(Revision(8)));
        far.brought(Some(Revision(2)));
        assert_eq!(watched.lag(Revision(9)), 7);
        drop(far);
        assert_eq!((watched.count(), watched.lag(Revision(9))), (1, 1));
        near.brought(None);
        assert_eq!(watched.lag(Revision(9)), 0);
    }
}
