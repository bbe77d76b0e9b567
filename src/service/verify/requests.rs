//! The answers kept for retries, against the events that carry them: what is
//! kept must be what was answered, and what has not expired must be kept. That
//! answers go meanwhile is the way of things.

use prost::Message;

use super::ledger::{Ledger, reaches};
use super::report::Stepping;
use super::walk::{Met, Walk};
use super::{Ended, Verification};
use crate::domain::Revision;
use crate::service::expiry::expired;
use crate::store::inspect::entries;
use crate::store::pb::{Event, RequestAnswer};
use crate::store::{StoreError, View, ViewKey};

/// Checks the answers.
///
/// # Errors
/// [`Ended`].
pub fn check(verification: &Verification<'_>, step: &mut Stepping<'_, '_>, ledger: &Ledger) -> Result<(), Ended> {
    if !verification.complete(step, View::Request)? {
        return Ok(());
    }
    let (mut done, mut bytes) = (0, 0);
    for key in entries(verification.store, View::Request) {
        let key = key?;
        if let Ok(Some(value)) = verification.steady(&key)? {
            bytes += value.len() as u64;
            if let Some(what) = kept(verification, &key, &value, ledger)? {
                step.damaged(format!("{key:?}"), what, &verification.rebuild());
            }
            step.checked(1);
        }
        done += 1;
        verification.rest(done, &mut bytes)?;
    }
    let first = first_unexpired(verification)?;
    let mut events = Walk::new(verification.store, first, verification.head.revision);
    while let Some(met) = events.next() {
        let (revision, met) = met?;
        verification.rest(revision.0, &mut events.bytes)?;
        if let Met::Event(event, _) = met
            && let Some(what) = not_kept(verification, &event)?
        {
            let place = format!("r/ the answer of e/ revision {revision}");
            step.damaged(place, what, &verification.rebuild());
        }
    }
    Ok(())
}

/// What is wrong with an answer that is kept.
fn kept(
    verification: &Verification<'_>,
    key: &ViewKey,
    value: &[u8],
    ledger: &Ledger,
) -> Result<Option<String>, Ended> {
    let Ok(answer) = RequestAnswer::decode(value) else {
        return Ok(Some("does not decode as an answer".to_owned()));
    };
    let written = Revision(answer.written_revision);
    if ledger.is_unreadable(written) {
        return Ok(None);
    }
    let surplus = || Ok(Some(format!("names event {written} as the one that it answers, and that does not exist")));
    if written > verification.head.revision && !reaches(verification.store, written, verification.asked.serving) {
        return surplus();
    }
    match verification.store.event(written) {
        Ok(Some(event)) if key_of(&event).as_ref() == Some(key) && event.answer.as_ref() == Some(&answer) => Ok(None),
        Ok(Some(_)) => Ok(Some(format!("is not the answer that event {written} carries"))),
        Ok(None) => surplus(),
        Err(StoreError::Corrupt { .. } | StoreError::NewerSchema { .. } | StoreError::MissingEvent { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// What is wrong where the answer that an event carries should be kept.
fn not_kept(verification: &Verification<'_>, event: &Event) -> Result<Option<String>, Ended> {
    let (Some(key), Some(answer)) = (key_of(event), &event.answer) else { return Ok(None) };
    let Ok(value) = verification.steady(&key)? else { return Ok(None) };
    let gone = || {
        let now = (verification.asked.now)();
        expired(answer.answered_micros, now) || expired(event.recorded_micros, now)
    };
    Ok(match value.map(|value| RequestAnswer::decode(&*value)) {
        // An id may be used again once its answer has expired.
        Some(Ok(kept)) if kept.written_revision >= event.revision => None,
        Some(Ok(kept)) => Some(format!("still that of event {}", kept.written_revision)),
        // Told from the other side.
        Some(Err(_)) => None,
        // Asked after the look: an answer may have expired just now.
        None if gone() => None,
        None => {
            Some("missing, and it has not expired: the same request sent again would be carried out again".to_owned())
        }
    })
}

fn key_of(event: &Event) -> Option<ViewKey> {
    event.answer.as_ref()?;
    let id = <[u8; 16]>::try_from(&*event.request_id).unwrap_or_default();
    Some(ViewKey::request(&event.actor, &id))
}

/// The first event whose answer is still kept, or one before it. Instants of the ledger ascend but for steps of the
/// clock.
fn first_unexpired(verification: &Verification<'_>) -> Result<Revision, Ended> {
    let now = (verification.asked.now)();
    let (mut low, mut high) = (1, verification.head.revision.0 + 1);
    while low < high {
        let middle = low + (high - low) / 2;
        match verification.store.event(Revision(middle)) {
            Ok(Some(event)) if expired(event.recorded_micros, now) => low = middle + 1,
            Ok(Some(_) | None)
            | Err(StoreError::Corrupt { .. } | StoreError::NewerSchema { .. } | StoreError::MissingEvent { .. }) => {
                high = middle
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(Revision(low))
}
