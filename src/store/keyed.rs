//! The store over any ordered key-value engine: what it is made of, where the
//! ledger ends, and which reads are exact. How it is written is in [`commit`]
//! and [`views`]. It holds one lock for writers and none for readers.
//!
//! With a journal the commit point is the journal's sync: the engine takes the
//! same group at once and has it on the disk a little later. Without one, for
//! stores in memory and scratch work, it is the engine's own sync. In both the
//! engine takes events, views and head as one atomic batch, and the head is
//! published only after the commit point: reads of the ledger stop there, so
//! that nobody is told what a power cut could take back.
//!
//! [`commit`]: super::commit
//! [`views`]: super::views

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::codec::{Encoder, Value};
use super::engine::{Batch, Engine};
use super::error::{AppendError, Fault, StoreError, Unfit};
use super::inspect::{self, Inspected, Inspection, Mark};
use super::journal::Journal;
use super::journalled::Journalled;
use super::keyring::KeyRing;
use super::keys::{Key, KeySpan, View, ViewKey};
use super::place::Place;
use super::reads::{Entries, Events, value};
use super::sealing;
use super::status::{NoRoom, Status};
use super::{Entry, Group, Head, Identity, SCHEMA_VERSION, Scan, Store, StoredEvent};
use crate::domain::Revision;

/// Times that a long value is read while a writer changes it.
const ATTEMPTS: usize = 4;

/// A store over an ordered key-value engine. Fields are dropped in this order: the journal's keeper has the engine
/// synced once more.
#[derive(Debug)]
pub struct KeyedStore<E: Engine> {
    pub(super) journalled: Option<Journalled>,
    pub(super) writer: Mutex<Writer>,
    pub(super) engine: Arc<E>,
    pub(super) identity: Identity,
    pub(super) head: Mutex<Head>,
    /// What values are sealed under. `None`: they lie open.
    pub(super) keys: Option<Arc<KeyRing>>,
}

/// What only the writer touches.
#[derive(Debug, Default)]
pub(super) struct Writer {
    pub(super) encoder: Encoder,
    pub(super) journal: Option<Journal>,
    pub(super) fate: Fate,
}

/// Whether writes are still taken.
#[derive(Debug, Default)]
pub(super) enum Fate {
    #[default]
    Open,
    Full,
    Stopped(String),
}

impl Writer {
    fn may_write(&self) -> Result<(), AppendError> {
        match &self.fate {
            Fate::Open => Ok(()),
            Fate::Full => Err(AppendError::ReadOnly),
            Fate::Stopped(cause) => Err(StoreError::Stopped { cause: cause.clone() }.into()),
        }
    }

    /// Keeps `payload` under `key`, and says in how many frames.
    pub(super) fn put(&mut self, batch: &mut impl Batch, key: &Key, payload: &[u8]) -> Result<u16, Unfit> {
        self.encoder.encode(key, SCHEMA_VERSION, payload, |key, frame| batch.put(key.as_ref(), frame))
    }

    /// As [`put`](Self::put), of what was sealed under a key.
    pub(super) fn put_sealed(
        &mut self,
        batch: &mut impl Batch,
        key: &Key,
        (key_id, sealed): (u32, &[u8]),
    ) -> Result<u16, Unfit> {
        let put = |key: &Key, frame: &[u8]| batch.put(key.as_ref(), frame);
        self.encoder.encode_under(key, key_id, SCHEMA_VERSION, sealed, put)
    }

    /// Keeps an event, in the schema that it was written in.
    pub(super) fn put_event(&mut self, batch: &mut impl Batch, event: &StoredEvent) -> Result<u16, Unfit> {
        let put = |key: &Key, frame: &[u8]| batch.put(key.as_ref(), frame);
        self.encoder.encode(&Key::event(event.revision), event.schema_version, &event.bytes, put)
    }
}

/// What every store has from its creation.
#[derive(Clone, Copy, Debug)]
pub(super) struct Facts {
    /// Version of the layout, this build's or an older one.
    pub schema: u32,
    pub identity: Identity,
    pub head: Head,
}

impl Facts {
    pub(super) fn read<E: Engine>(engine: &E) -> Result<Self, StoreError> {
        let schema = u32::from_be_bytes(required(engine, &Key::schema())?);
        let known = u32::from(SCHEMA_VERSION);
        if schema > known {
            return Err(StoreError::NewerSchema { found: schema, known });
        }
        let identity = Identity {
            store_id: required(engine, &Key::store_id())?,
            incarnation: required(engine, &Key::incarnation())?,
        };
        let bytes: [u8; 40] = required(engine, &Key::head())?;
        let (revision, hash) = bytes.split_first_chunk::<8>().expect("40 bytes must begin with 8");
        let head = Head {
            revision: Revision(u64::from_be_bytes(*revision)),
            hash: hash.try_into().expect("32 of 40 bytes must remain after 8"),
        };
        Ok(Self { schema, identity, head })
    }
}

impl<E: Engine> KeyedStore<E> {
    /// Writes what every store has from its creation into an empty engine.
    pub(super) fn create(engine: &E, identity: Identity) -> Result<(), StoreError> {
        let mut writer = Writer::default();
        let mut batch = E::Batch::default();
        let mut put = |key: Key, payload: &[u8]| {
            writer.put(&mut batch, &key, payload).expect("a fact about the store must fit one frame");
        };
        facts(&identity, &mut put);
        put(Key::head(), &head_bytes(&Head::EMPTY));
        Ok(engine.commit(batch)?)
    }

    /// Writes that the layout is this build's, so that an older build refuses it.
    pub(super) fn raise_schema(engine: &E) -> Result<(), StoreError> {
        let mut batch = E::Batch::default();
        let version = u32::from(SCHEMA_VERSION).to_be_bytes();
        let put = Writer::default().put(&mut batch, &Key::schema(), &version);
        put.expect("a fact about the store must fit one frame");
        Ok(engine.commit(batch)?)
    }

    /// Reads the facts of a created store, and that the head is the last event.
    pub(super) fn start(engine: E) -> Result<Self, StoreError> {
        let facts = Facts::read(&engine)?;
        if facts.schema < u32::from(SCHEMA_VERSION) {
            Self::raise_schema(&engine)?;
        }
        let store = Self::over(engine, facts.identity, facts.head);
        store.check_head()?;
        Ok(store)
    }

    /// A store without a journal, whose ledger ends with `head`. Checks nothing.
    pub(super) fn over(engine: E, identity: Identity, head: Head) -> Self {
        let (head, writer) = (Mutex::new(head), Mutex::default());
        Self { journalled: None, writer, engine: Arc::new(engine), identity, head, keys: None }
    }

    /// The value of an entry whose first frame is `first`.
    fn entry(&self, key: &Key, first: &[u8]) -> Result<Vec<u8>, StoreError> {
        sealing::opened_entry(self.keys.as_deref(), key, value(&*self.engine, key, first)?)
    }

    /// This store with the keys that it is sealed under.
    ///
    /// # Errors
    /// The ring is another store's, or new beside what was sealed already.
    pub fn with_keys(mut self, keys: Arc<KeyRing>) -> Result<Self, StoreError> {
        // What cannot be read is told where it is read.
        let last = self.stored_event(self.durable_head().revision).ok().flatten().and_then(|event| event.decode().ok());
        keys.bind(self.identity.store_id, last.is_some_and(|event| event.key_id > 0))?;
        self.keys = Some(keys);
        Ok(self)
    }

    /// Whether the head is the last event.
    pub(super) fn check_head(&self) -> Result<(), StoreError> {
        let head = self.durable_head();
        match self.stored_event(head.revision)? {
            Some(last) if last.hash() != head.hash => Err(StoreError::BrokenChain { revision: head.revision }),
            Some(_) | None => Ok(()),
        }
    }

    /// The engine beneath, for tests that damage it or make it fail.
    #[cfg(test)]
    pub(super) fn engine(&self) -> &E {
        &self.engine
    }

    pub(super) fn durable_head(&self) -> Head {
        // Only ever set as a whole, so a poisoned lock still holds a whole head.
        *self.head.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn publish(&self, head: Head) {
        *self.head.lock().unwrap_or_else(PoisonError::into_inner) = head;
    }

    /// The writer's part, where writes are taken.
    pub(super) fn writer(&self) -> Result<MutexGuard<'_, Writer>, AppendError> {
        let stopped = |_| StoreError::Stopped { cause: "the engine panicked during a write".to_owned() };
        let mut writer = self.writer.lock().map_err(stopped)?;
        writer.may_write()?;
        self.keep_up(&mut writer)?;
        Ok(writer)
    }
}

impl<E: Engine> Store for KeyedStore<E> {
    fn identity(&self) -> Identity {
        self.identity
    }

    fn head(&self) -> Result<Head, StoreError> {
        Ok(self.durable_head())
    }

    fn append(&self, expected: &Head, group: &Group) -> Result<Head, AppendError> {
        self.appended(expected, group)
    }

    fn stored_event(&self, revision: Revision) -> Result<Option<StoredEvent>, StoreError> {
        if revision == Head::EMPTY.revision || revision > self.durable_head().revision {
            return Ok(None);
        }
        let found = stored(&*self.engine, revision);
        self.noted(found.and_then(|event| event.ok_or(StoreError::MissingEvent { revision }))).map(Some)
    }

    fn stored_events(&self, from: Revision, through: Revision) -> Scan<'_, StoredEvent> {
        let next = from.max(Revision(1));
        let through = through.min(self.durable_head().revision);
        Box::new(Events::new(&*self.engine, next, through).map(|event| self.noted(event)))
    }

    fn get(&self, key: &ViewKey) -> Result<Option<Vec<u8>>, StoreError> {
        let key = key.key();
        let mut first = self.noted(self.engine.get(key.as_ref()))?;
        for _ in 1..ATTEMPTS {
            let read = first.as_ref().map(|first| self.entry(key, first.as_ref()));
            if !read.as_ref().is_some_and(|read| read.as_ref().is_err_and(StoreError::is_damage)) {
                return self.noted(read.transpose());
            }
            // A writer may have put a new value there between the reading of two parts: then its first part differs.
            let again = self.noted(self.engine.get(key.as_ref()))?;
            let same = again.as_ref().map(AsRef::as_ref) == first.as_ref().map(AsRef::as_ref);
            if same {
                return self.noted(read.transpose());
            }
            first = again;
        }
        // Written again and again: whoever reads it may try once more, and nothing says that it is damaged.
        first.map(|first| self.entry(key, first.as_ref())).transpose()
    }

    fn scan(&self, span: &KeySpan) -> Scan<'_, Entry> {
        let keys = self.keys.as_deref();
        let opened = Entries::new(&*self.engine, span).map(move |entry| {
            let (entry, value) = entry?;
            Ok((entry, sealing::opened_entry(keys, entry.key(), value)?))
        });
        Box::new(opened.map(|entry| self.noted(entry)))
    }

    fn view_version(&self, view: View) -> Result<Option<u32>, StoreError> {
        Ok(self.noted(fact(&*self.engine, &Key::view_version(view)))?.map(u32::from_be_bytes))
    }

    fn inspect(&self, inspection: &mut Inspection, most: usize) -> Result<Option<Inspected>, StoreError> {
        inspect::inspect(&*self.engine, || self.durable_head(), inspection, most)
    }

    fn entry_keys(
        &self,
        view: View,
        after: Option<&Mark>,
        most: usize,
    ) -> Result<(Vec<ViewKey>, Option<Mark>), StoreError> {
        inspect::entry_keys(&*self.engine, view, after, most)
    }

    fn replace_view(
        &self,
        view: View,
        version: u32,
        entries: &mut dyn Iterator<Item = Result<Entry, StoreError>>,
    ) -> Result<(), AppendError> {
        self.replaced(view, version, entries)
    }

    fn begin_views(&self, views: &[View]) -> Result<(), AppendError> {
        self.begun(views)
    }

    fn finish_views(&self, views: &[(View, u32)]) -> Result<(), AppendError> {
        self.finished(views)
    }

    fn keys(&self) -> Option<&Arc<KeyRing>> {
        self.keys.as_ref()
    }

    fn room(&self) -> Result<(), NoRoom> {
        self.journalled.as_ref().map_or(Ok(()), |journalled| journalled.space.room())
    }

    fn writable(&self) -> Result<(), AppendError> {
        self.writer().map(drop)
    }

    fn reopen(&self) -> Result<Head, StoreError> {
        self.reopened()
    }

    fn status(&self) -> Status {
        self.journalled.as_ref().map_or_else(Status::default, Journalled::status)
    }

    fn suspect(&self, what: &str) {
        if let Some(journalled) = &self.journalled
            && !journalled.refilling()
        {
            journalled.suspicion.mark(what.to_owned());
        }
    }

    fn refills(&self) -> u64 {
        self.journalled.as_ref().map_or(0, |journalled| journalled.refills.load(Ordering::SeqCst))
    }

    fn release_journal(&self, covered: &Head) -> Result<u64, StoreError> {
        self.release(covered)
    }
}

/// What a store keeps from its creation, but for its head.
pub(super) fn facts(identity: &Identity, mut put: impl FnMut(Key, &[u8])) {
    put(Key::schema(), &u32::from(SCHEMA_VERSION).to_be_bytes());
    put(Key::store_id(), &identity.store_id);
    put(Key::incarnation(), &identity.incarnation);
}

pub(super) fn head_bytes(head: &Head) -> [u8; 40] {
    let mut bytes = [0; 40];
    bytes[..8].copy_from_slice(&head.revision.0.to_be_bytes());
    bytes[8..].copy_from_slice(&head.hash);
    bytes
}

/// The event with this revision, wherever the ledger ends.
pub(super) fn stored<E: Engine>(engine: &E, revision: Revision) -> Result<Option<StoredEvent>, StoreError> {
    let key = Key::event(revision);
    let Some(first) = engine.get(key.as_ref())? else { return Ok(None) };
    let Value { schema_version, payload, key_id: _ } = value(engine, &key, first.as_ref())?;
    Ok(Some(StoredEvent { revision, schema_version, bytes: payload }))
}

/// A fact of fixed size under an `m/` key.
fn fact<E: Engine, const N: usize>(engine: &E, key: &Key) -> Result<Option<[u8; N]>, StoreError> {
    let Some(first) = engine.get(key.as_ref())? else { return Ok(None) };
    let payload = value(engine, key, first.as_ref())?.payload;
    let shape = Fault::Shape { expected: N, found: payload.len() };
    payload.try_into().map(Some).map_err(|_| StoreError::corrupt(key.as_ref(), shape))
}

fn required<E: Engine, const N: usize>(engine: &E, key: &Key) -> Result<[u8; N], StoreError> {
    fact(engine, key)?.ok_or(StoreError::NotAStore { place: Place::of(key.as_ref()) })
}
