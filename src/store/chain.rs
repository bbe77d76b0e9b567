//! Checking the ledger: each event carries the hash of the one before it, and
//! the head the hash of the last. An edit breaks the chain where it was made.
//! A truncation with a forged head does not: compare the head with one that
//! was published outside the store. Nothing here writes or repairs.

use super::{EventHash, Head, Store, StoreError};
use crate::domain::Revision;

/// Checks every event from `from` (0 or 1: the first) to the head, and gives the head that they lead to.
///
/// # Errors
/// The first event that is damaged, missing, or not the one its successor was written after.
pub fn verify_chain(store: &dyn Store, from: Revision) -> Result<Head, StoreError> {
    let head = store.head()?;
    let from = from.max(Revision(1));
    let before = Revision(from.0 - 1);
    let mut walked = match store.stored_event(before)? {
        Some(event) => Head { revision: before, hash: event.hash() },
        None if before == Head::EMPTY.revision => Head::EMPTY,
        None => return Ok(head),
    };
    for stored in store.stored_events(from, head.revision) {
        let stored = stored?;
        follows(&walked, &stored.decode()?.previous_hash)?;
        walked = Head { revision: stored.revision, hash: stored.hash() };
    }
    follows(&walked, &head.hash)?;
    Ok(head)
}

/// The revision that the check of the last `events` events starts from.
pub fn last(events: u64, head: &Head) -> Revision {
    Revision(head.revision.0.saturating_sub(events) + 1)
}

fn follows(walked: &Head, previous_hash: &[u8]) -> Result<(), StoreError> {
    let told: Result<EventHash, _> = previous_hash.try_into();
    if told.is_ok_and(|told| told == walked.hash) {
        Ok(())
    } else {
        Err(StoreError::BrokenChain { revision: walked.revision })
    }
}
