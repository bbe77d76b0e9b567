//! Whole values, and runs of them, read from an engine a page at a time. A run
//! ends at its first error. Nothing here writes.

use super::codec::{self, Value};
use super::engine::{Engine, Row, Rows};
use super::error::{Fault, StoreError};
use super::keys::{Key, KeySpan, StoredKey, View, ViewKey, event_revision};
use super::{Head, SCHEMA_VERSION, StoredEvent};
use crate::domain::Revision;

/// The whole value whose first frame is `first`.
///
/// # Errors
/// [`StoreError::Corrupt`], [`StoreError::NewerSchema`], or the engine's.
pub fn value<E: Engine>(engine: &E, key: &Key, first: &[u8]) -> Result<Value, StoreError> {
    let corrupt = |key: &Key, fault| StoreError::corrupt(key.as_ref(), fault);
    let value = codec::assemble(key, first, |part| engine.get(part.as_ref()), corrupt)?;
    if value.schema_version > SCHEMA_VERSION {
        let (found, known) = (value.schema_version.into(), SCHEMA_VERSION.into());
        return Err(StoreError::NewerSchema { found, known });
    }
    Ok(value)
}

/// Events in order, without gaps.
pub struct Events<'a, E: Engine> {
    engine: &'a E,
    rows: Rows<'a, E>,
    next: Revision,
    through: Revision,
}

impl<'a, E: Engine> Events<'a, E> {
    /// Events `next..=through`.
    pub fn new(engine: &'a E, next: Revision, through: Revision) -> Self {
        let rows = Rows::new(engine, &Key::event(next), &Key::event(through).successor());
        Self { engine, rows, next, through }
    }

    fn read(&mut self) -> Result<StoredEvent, StoreError> {
        let missing = StoreError::MissingEvent { revision: self.next };
        loop {
            let Some(row) = self.rows.next() else { return Err(missing) };
            let (stored_key, first): Row<E::Bytes> = row?;
            // Further parts of a long event are fetched by key; events beyond the one wanted mean a gap.
            match event_revision(stored_key.as_ref()) {
                None => {}
                Some(revision) if revision == self.next => {
                    let Value { schema_version, payload, key_id: _ } =
                        value(self.engine, &Key::event(revision), first.as_ref())?;
                    self.next = revision.next();
                    return Ok(StoredEvent { revision, schema_version, bytes: payload });
                }
                Some(_) => return Err(missing),
            }
        }
    }
}

impl<E: Engine> Iterator for Events<'_, E> {
    type Item = Result<StoredEvent, StoreError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.next > self.through {
            return None;
        }
        let event = self.read();
        if event.is_err() {
            self.through = Head::EMPTY.revision;
        }
        Some(event)
    }
}

/// Entries of a view in key order, as stored: what is sealed is sealed.
pub struct Entries<'a, E: Engine> {
    engine: &'a E,
    rows: Rows<'a, E>,
    view: View,
    failed: bool,
}

impl<'a, E: Engine> Entries<'a, E> {
    /// Entries inside `span`.
    pub fn new(engine: &'a E, span: &KeySpan) -> Self {
        let (from, until) = span.bounds();
        Self { engine, rows: Rows::new(engine, from, until), view: span.view(), failed: false }
    }

    fn read(&mut self) -> Option<Result<(ViewKey, Value), StoreError>> {
        loop {
            let (stored_key, first) = match self.rows.next()? {
                Ok(row) => row,
                Err(error) => return Some(Err(error)),
            };
            match ViewKey::read(self.view, stored_key.as_ref()) {
                Some(StoredKey::Chunk) => {}
                Some(StoredKey::Entry(entry)) => {
                    let read = value(self.engine, entry.key(), first.as_ref());
                    return Some(read.map(|value| (entry, value)));
                }
                None => return Some(Err(StoreError::corrupt(stored_key.as_ref(), Fault::Key))),
            }
        }
    }
}

impl<E: Engine> Iterator for Entries<'_, E> {
    type Item = Result<(ViewKey, Value), StoreError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed {
            return None;
        }
        let entry = self.read();
        self.failed = matches!(entry, Some(Err(_)));
        entry
    }
}
