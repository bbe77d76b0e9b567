//! Events and entries of views on their way to and from the disk, where there is
//! a key ring. An event about a subject is sealed under the subject's key, any
//! other under the store's, and so is every answer. The envelope stays open: place,
//! instants, who wrote it, which subject number, which kind. Without a ring
//! everything is kept as it is; what was kept so before is read for ever.
//!
//! Here it is decided what is sealed under which key, and what becomes of an event
//! whose key was destroyed: it is read as [`Erased`](pb::Erased), never as damage.

use prost::Message;

use super::error::{Fault, StoreError};
use super::keyring::{Bound, KeyId, KeyRing, KeyRingError, Unopened};
use super::keys::{Key, View, ViewKey};
use super::pb::event::Body;
use super::place::Place;
use super::{StoredEvent, codec, pb, upcast};
use crate::domain::{Revision, SubjectId};

/// An event as it is stored under a ring, but for the hash of the one before it.
///
/// # Errors
/// The ring's.
pub fn sealed(ring: &KeyRing, event: &pb::Event) -> Result<pb::Event, KeyRingError> {
    let key = key_of(event)?;
    if let Some(subject) = key.subject() {
        ring.cover(subject)?;
    }
    let inner = pb::Event { body: event.body.clone(), ..pb::Event::default() };
    let sealed_answer = match &event.answer {
        Some(answer) => ring.seal(KeyId::STORE, &Bound::Answer(event.revision), &answer.encode_to_vec())?,
        None => Vec::new(),
    };
    Ok(pb::Event {
        actor: event.actor.clone(),
        on_behalf_of: event.on_behalf_of.clone(),
        purpose: event.purpose.clone(),
        correlation_id: event.correlation_id.clone(),
        request_id: event.request_id.clone(),
        key_id: key.number(),
        sealed: ring.seal(key, &Bound::Body(event.revision), &inner.encode_to_vec())?,
        sealed_answer,
        previous_hash: Vec::new(),
        erased_hash: Vec::new(),
        body: None,
        answer: None,
        revision: event.revision,
        recorded_micros: event.recorded_micros,
        subject_id: event.subject_id,
        has_subject: event.has_subject,
        schema_version: event.schema_version,
        kind: event.kind,
        audit_head: event.audit_head.clone(),
    })
}

/// The key that an event's body is sealed under. That somebody was erased outlives the key of whoever was.
fn key_of(event: &pb::Event) -> Result<KeyId, KeyRingError> {
    let subject = SubjectId(event.subject_id);
    match &event.body {
        Some(Body::SubjectErased(_)) => Ok(KeyId::STORE),
        _ if event.has_subject => KeyId::of(subject).ok_or(KeyRingError::TooMany(subject.0)),
        Some(_) | None => Ok(KeyId::STORE),
    }
}

/// Whether the envelope of an event agrees with what it holds.
///
/// # Errors
/// What contradicts what.
pub fn check(event: &pb::Event) -> Result<(), Fault> {
    let sealed = !event.sealed.is_empty();
    let open = event.body.is_some() || event.answer.is_some();
    if sealed == (event.key_id == 0) || sealed && open || !sealed && !event.sealed_answer.is_empty() {
        return Err(Fault::KeyId { key_id: event.key_id });
    }
    Ok(())
}

/// A stored event, opened. One whose key was destroyed says that it was erased.
///
/// # Errors
/// As [`StoredEvent::decode`]; [`StoreError::NoKeys`] or [`StoreError::Sealed`] where it cannot be opened.
pub fn opened(ring: Option<&KeyRing>, stored: &StoredEvent) -> Result<pb::Event, StoreError> {
    let mut event = stored.decode_sealed()?;
    if let Some(key) = KeyId::read(event.key_id) {
        let place = || Place::of(Key::event(stored.revision).as_ref());
        let ring = ring.ok_or_else(|| StoreError::NoKeys { place: place() })?;
        let inner = |bytes: Vec<u8>| decoded::<pb::Event>(stored.revision, &bytes);
        let revision = stored.revision.0;
        event.body = match ring.unseal(key, &Bound::Body(revision), &std::mem::take(&mut event.sealed)) {
            Ok(bytes) => inner(bytes)?.body,
            Err(Unopened::Destroyed) => Some(Body::Erased(pb::Erased {})),
            Err(unopened @ (Unopened::Unknown | Unopened::Broken)) => {
                return Err(StoreError::Sealed { place: place(), unopened });
            }
        };
        let answer = std::mem::take(&mut event.sealed_answer);
        if !answer.is_empty() {
            let opened = ring.unseal(KeyId::STORE, &Bound::Answer(revision), &answer);
            let bytes = opened.map_err(|unopened| StoreError::Sealed { place: place(), unopened })?;
            event.answer = Some(decoded(stored.revision, &bytes)?);
        }
    }
    Ok(upcast::event(stored.schema_version(), event))
}

fn decoded<M: Message + Default>(revision: Revision, bytes: &[u8]) -> Result<M, StoreError> {
    M::decode(bytes).map_err(|error| {
        StoreError::corrupt(Key::event(revision).as_ref(), Fault::Undecodable { reason: error.to_string() })
    })
}

/// An entry's value as it is stored under a ring, and the number of its key. What is left of an erased person is
/// nothing that would have to be sealed.
///
/// # Errors
/// The ring's.
pub fn sealed_entry(ring: &KeyRing, entry: &ViewKey, value: &[u8]) -> Result<Option<(u32, Vec<u8>)>, KeyRingError> {
    let key = match (entry.view(), entry.subject()) {
        (View::Dossier, Some(subject)) if ring.is_destroyed(subject) || is_tombstone(value) => return Ok(None),
        (View::Dossier, Some(subject)) => {
            ring.cover(subject)?;
            KeyId::of(subject).ok_or(KeyRingError::TooMany(subject.0))?
        }
        (View::Request, _) => KeyId::STORE,
        (View::Dossier, None) | (View::SubjectIndex | View::KindIndex, _) => return Ok(None),
    };
    let sealed = ring.seal(key, &Bound::View(entry.key().as_ref()), value)?;
    Ok(Some((key.number(), sealed)))
}

/// Whether a dossier is what is left of an erased person: it outlives the person's key, and holds nothing to be sealed.
fn is_tombstone(value: &[u8]) -> bool {
    // Version, revision and one flag.
    const LONGEST: usize = 16;
    value.len() <= LONGEST && pb::StoredDossier::decode(value).is_ok_and(|dossier| dossier.erased)
}

/// An entry's value, opened.
///
/// # Errors
/// [`StoreError::NoKeys`] or [`StoreError::Sealed`].
pub fn opened_entry(ring: Option<&KeyRing>, key: &Key, value: codec::Value) -> Result<Vec<u8>, StoreError> {
    let Some(id) = KeyId::read(value.key_id) else { return Ok(value.payload) };
    let place = || Place::of(key.as_ref());
    let ring = ring.ok_or_else(|| StoreError::NoKeys { place: place() })?;
    ring.unseal(id, &Bound::View(key.as_ref()), &value.payload)
        .map_err(|unopened| StoreError::Sealed { place: place(), unopened })
}
