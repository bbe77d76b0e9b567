//! The append: whether a group may follow the head, how its events are sealed
//! and its entries set, and the two commit points. It reads nothing but what a
//! change replaces.

use std::collections::HashMap;

use prost::Message;

use super::codec::{self, MAX_WHOLE};
use super::engine::{Batch, CommitError, Engine};
use super::error::{AppendError, StoreError, Unfit};
use super::keyed::{KeyedStore, Writer, head_bytes};
use super::keys::{Key, ViewKey};
use super::place::Place;
use super::sealing;
use super::{Group, Head, SCHEMA_VERSION, StoredEvent, pb};
use crate::domain::Revision;
use crate::telemetry::trace::timed;

impl<E: Engine> KeyedStore<E> {
    /// See [`Store::append`](super::Store::append).
    pub(super) fn appended(&self, expected: &Head, group: &Group) -> Result<Head, AppendError> {
        let mut guard = self.writer()?;
        let appended = self.append_after(&mut guard, expected, group);
        self.full_where_read(&mut guard, appended)
    }

    fn append_after(&self, writer: &mut Writer, expected: &Head, group: &Group) -> Result<Head, AppendError> {
        let found = self.durable_head();
        if found != *expected {
            return Err(AppendError::Conflict { expected: *expected, found });
        }
        check_fit(&found, &group.events)?;
        if group.events.is_empty() && group.views.is_empty() {
            return Ok(found);
        }
        let mut batch = E::Batch::default();
        let mut head = found;
        let mut sealed = Vec::with_capacity(group.events.len());
        for event in &group.events {
            let event = match &self.keys {
                Some(ring) => seal(&sealing::sealed(ring, event).map_err(StoreError::from)?, &head),
                None => seal(event, &head),
            };
            head = Head { revision: event.revision, hash: event.hash() };
            writer.put_event(&mut batch, &event)?;
            sealed.push(event);
        }
        let mut written = HashMap::new();
        for (entry, change) in &group.views {
            self.change(writer, &mut batch, &mut written, (entry, change.as_deref()))?;
        }
        if sealed.is_empty() {
            self.commit(writer, batch)?;
            return Ok(found);
        }
        writer.put(&mut batch, &Key::head(), &head_bytes(&head))?;
        if let Some(journalled) = &self.journalled {
            self.journal(writer, &sealed)?;
            self.apply(writer, batch)?;
            self.publish(head);
            journalled.keeper.applied(head);
        } else {
            self.commit(writer, batch)?;
            self.publish(head);
        }
        Ok(head)
    }

    /// Sets or removes one entry, and removes what a longer value before it would leave behind. `written` holds the
    /// frames of entries that this batch has already set.
    pub(super) fn change(
        &self,
        writer: &mut Writer,
        batch: &mut E::Batch,
        written: &mut HashMap<ViewKey, u16>,
        (entry, change): (&ViewKey, Option<&[u8]>),
    ) -> Result<(), AppendError> {
        let key = entry.key();
        let mut before = 1;
        if entry.view().may_span() {
            before = match written.get(entry) {
                Some(frames) => *frames,
                None => self.frames(key)?,
            };
        }
        let now = match change {
            Some(payload) if payload.len() > MAX_WHOLE && !entry.view().may_span() => {
                let place = Place::of(key.as_ref());
                return Err(Unfit::TooLong { place, bytes: payload.len(), most: MAX_WHOLE }.into());
            }
            Some(payload) => {
                let sealed = match &self.keys {
                    Some(ring) => sealing::sealed_entry(ring, entry, payload).map_err(StoreError::from)?,
                    None => None,
                };
                match sealed {
                    Some((key_id, sealed)) => writer.put_sealed(batch, key, (key_id, &sealed))?,
                    None => writer.put(batch, key, payload)?,
                }
            }
            None => {
                batch.remove(key.as_ref());
                1
            }
        };
        for left in now..before {
            batch.remove(key.chunk(left).as_ref());
        }
        if now != before || written.contains_key(entry) {
            written.insert(*entry, now);
        }
        Ok(())
    }

    /// Frames that the value under `key` takes now.
    fn frames(&self, key: &Key) -> Result<u16, StoreError> {
        let Some(bytes) = self.engine.get(key.as_ref())? else { return Ok(1) };
        let frame = codec::decode(key.as_ref(), bytes.as_ref());
        frame.map(|frame| frame.part.frames()).map_err(|fault| StoreError::corrupt(key.as_ref(), fault))
    }

    /// Applies what is no event: without a journal it is on the disk when this returns, with one soon after.
    pub(super) fn commit(&self, writer: &mut Writer, batch: E::Batch) -> Result<(), AppendError> {
        self.apply(writer, batch)?;
        match &self.journalled {
            Some(journalled) => journalled.keeper.applied(self.durable_head()),
            None => self.sync(writer)?,
        }
        Ok(())
    }

    pub(super) fn apply(&self, writer: &mut Writer, batch: E::Batch) -> Result<(), AppendError> {
        timed("store.engine.apply", || self.engine.apply(batch)).map_err(|error| self.broke(writer, error))
    }

    pub(super) fn sync(&self, writer: &mut Writer) -> Result<(), AppendError> {
        timed("store.engine.sync", || self.engine.sync()).map_err(|error| self.broke(writer, error))
    }

    /// What a write reads of the engine may be the first to meet a disk that a write behind found full. That is not a
    /// failure for good: the engine is opened again as after any other.
    pub(super) fn full_where_read<T>(
        &self,
        writer: &mut Writer,
        done: Result<T, AppendError>,
    ) -> Result<T, AppendError> {
        match done {
            Err(AppendError::Failed(StoreError::Full)) => Err(self.full(writer)),
            done => done,
        }
    }

    /// The engine failed: no more writes are taken, for a while or for good.
    fn broke(&self, writer: &mut Writer, error: CommitError) -> AppendError {
        match error {
            CommitError::Full => self.full(writer),
            CommitError::Failed(error) => {
                self.stop(writer, &error.to_string());
                error.into()
            }
        }
    }
}

/// An event as it is stored after `head`: encoded, with the hash of the one before it.
fn seal(event: &pb::Event, head: &Head) -> StoredEvent {
    // Field 12, length-delimited, appended to the encoded event: spares a copy of the event to set one field.
    const PREVIOUS_HASH: [u8; 2] = [12 << 3 | 2, 32];
    let mut bytes = Vec::with_capacity(event.encoded_len() + PREVIOUS_HASH.len() + head.hash.len());
    event.encode(&mut bytes).expect("a growable buffer must take any message");
    bytes.extend_from_slice(&PREVIOUS_HASH);
    bytes.extend_from_slice(&head.hash);
    StoredEvent { revision: Revision(event.revision), schema_version: SCHEMA_VERSION, bytes }
}

/// Whether events may follow `head`.
fn check_fit(head: &Head, events: &[pb::Event]) -> Result<(), Unfit> {
    let mut expected = head.revision;
    for event in events {
        expected = expected.next();
        let revision = Revision(event.revision);
        if revision != expected {
            return Err(Unfit::Revision { found: revision, expected });
        }
        if !event.previous_hash.is_empty() {
            return Err(Unfit::Sealed { revision });
        }
        if event.body.is_none() {
            return Err(Unfit::NoBody { revision });
        }
        if event.schema_version != u32::from(SCHEMA_VERSION) {
            let (found, writes) = (event.schema_version, SCHEMA_VERSION.into());
            return Err(Unfit::Schema { revision, found, writes });
        }
        if event.key_id != 0 {
            return Err(Unfit::Encrypted { revision, key_id: event.key_id });
        }
    }
    Ok(())
}
