//! The ledger from end to end, whatever is damaged in it: where a scan of the
//! store would end at its first error, this goes on with the next event.

use crate::domain::Revision;
use crate::store::pb::Event;
use crate::store::{EventHash, Scan, Store, StoreError, StoredEvent};

/// An event, or why there is none.
pub enum Met {
    /// An event that can be read.
    Event(Box<Event>, EventHash),
    /// The bytes are those that were written, by their frame, but they are no event of this place.
    Misfit(EventHash, StoreError),
    /// The frame is damaged.
    Damaged(StoreError),
    /// There is none.
    Missing,
}

/// Every revision of a part of the ledger, one after another.
pub struct Walk<'a> {
    store: &'a dyn Store,
    scan: Scan<'a, StoredEvent>,
    next: Revision,
    through: Revision,
    /// Bytes of events read since this was last asked.
    pub bytes: u64,
}

impl<'a> Walk<'a> {
    /// Revisions `from..=through`.
    pub fn new(store: &'a dyn Store, from: Revision, through: Revision) -> Self {
        let next = from.max(Revision(1));
        Self { store, scan: store.stored_events(next, through), next, through, bytes: 0 }
    }

    fn meet(&mut self) -> Result<Met, StoreError> {
        let found = self.scan.next().unwrap_or(Err(StoreError::MissingEvent { revision: self.next }));
        let met = match found {
            Ok(stored) => {
                self.bytes += stored.bytes().len() as u64;
                let hash = stored.hash();
                match self.store.open_event(&stored) {
                    Ok(event) => Met::Event(event.into(), hash),
                    // Nothing is wrong with the bytes, and nothing can be said of any of them.
                    Err(error @ StoreError::NoKeys { .. }) => return Err(error),
                    Err(error) => Met::Misfit(hash, error),
                }
            }
            Err(StoreError::MissingEvent { .. }) => Met::Missing,
            Err(error @ (StoreError::Corrupt { .. } | StoreError::NewerSchema { .. })) => Met::Damaged(error),
            Err(error) => return Err(error),
        };
        self.next = self.next.next();
        if matches!(met, Met::Missing | Met::Damaged(_)) {
            self.scan = self.store.stored_events(self.next, self.through);
        }
        Ok(met)
    }
}

impl Iterator for Walk<'_> {
    type Item = Result<(Revision, Met), StoreError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.next > self.through {
            return None;
        }
        let revision = self.next;
        let met = self.meet();
        if met.is_err() {
            self.through = Revision(0);
        }
        Some(met.map(|met| (revision, met)))
    }
}
