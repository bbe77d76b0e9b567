//! The ledger and its views, behind one door: [`Store`].
//!
//! The ledger of events is the truth; a view is only what can be rebuilt from
//! it. The store keeps bytes, in order, durably, and says precisely when it
//! cannot. It allots nothing (no revision, no subject, no time), judges no
//! evidence, and never changes or removes an event.
//!
//! A stored event is hashed together with the hash of the one before it, so
//! that an altered ledger shows. The hash is of the stored bytes, never of a
//! message encoded again.
//!
//! - [`keys`]: what is where; [`place`]: told in words
//! - [`codec`]: the frame around every value
//! - [`keyring`]: the keys that values are sealed under, kept elsewhere; `sealing`: which value under which
//! - [`keyed`]: the store over any [`engine`]: [`commit`] is its append, [`views`] the rebuild of its views
//! - [`sled_store`] and [`memory`]: the two engines; [`sled_log`]: what sled passes over in silence
//! - [`chain`]: checking the ledger
//! - [`journal`]: every group, on the disk before the engine has it; the engine's files
//!   follow within a second, and a checkpoint says how far
//! - [`recovery`]: from what a kill or a failing disk left to a store that serves
//! - [`space`]: room on the disk, and the ballast; [`survey`]: a store seen from outside, by whoever has not opened it
//! - [`archive`]: published generations, and the run that makes one
//! - [`backup`]: the ledger in files; [`load`]: a new store from them

pub mod archive;
pub mod backup;
pub mod chain;
mod checkpoint;
pub mod codec;
mod commit;
mod engine;
mod envelope;
pub mod error;
pub mod inspect;
pub mod journal;
mod journalled;
mod keeper;
pub mod keyed;
pub mod keyring;
pub mod keys;
pub mod load;
pub mod memory;
pub mod pace;
pub mod place;
mod reads;
pub mod recovery;
mod sealing;
mod sled_files;
mod sled_log;
pub mod sled_store;
pub mod space;
#[cfg(test)]
pub mod spoil;
pub mod status;
mod stub;
pub mod survey;
mod suspicion;
#[cfg(test)]
mod tests;
mod upcast;
mod views;

use std::fmt;
use std::sync::Arc;

use prost::Message;

use crate::domain::{Revision, SubjectId};
/// What the ledger keeps, as generated from `proto/steelyard/store/v1`.
pub use crate::generated::store::v1 as pb;

pub use chain::verify_chain;
pub use envelope::Envelope;
pub use error::{AppendError, Fault, StoreError, Unfit};
pub use inspect::{Flaw, Inspected, Inspection, Mark};
pub use keyring::KeyRing;
pub use keys::{KeySpan, View, ViewKey};
pub use load::LoadError;
pub use memory::MemoryStore;
pub use pace::{Pace, Stage, Step, Unpaced};
pub use place::{KeyKind, Place};
pub use sled_store::SledStore;
pub use status::{DiskStatus, JournalStatus, NoRoom, Recovered, Status};

/// Version of the layout, of events and of view entries that this build writes. It reads this one and older ones.
pub const SCHEMA_VERSION: u16 = 4;

/// BLAKE3 of an event's stored bytes.
pub type EventHash = [u8; 32];

/// Entries read one after another.
pub type Scan<'a, T> = Box<dyn Iterator<Item = Result<T, StoreError>> + Send + 'a>;

/// Entries of views to set (`Some`) or remove (`None`).
pub type Changes = Vec<(ViewKey, Option<Vec<u8>>)>;

/// An entry of a view.
pub type Entry = (ViewKey, Vec<u8>);

/// Which store this is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Random, made at creation, for ever.
    pub store_id: [u8; 16],
    /// Random, new after any restore that may have dropped revisions: what was handed out before then is void.
    pub incarnation: [u8; 16],
}

impl Identity {
    /// A new store's.
    pub fn fresh() -> Self {
        Self { store_id: uuid::Uuid::new_v4().into_bytes(), incarnation: uuid::Uuid::new_v4().into_bytes() }
    }
}

/// The end of the ledger.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct Head {
    /// The last event. 0: none yet.
    pub revision: Revision,
    /// Its hash. Zeros: none yet.
    pub hash: EventHash,
}

impl Head {
    /// Head of an empty ledger.
    pub const EMPTY: Self = Self { revision: Revision(0), hash: [0; 32] };
}

/// Such as `17:9f3a…` with all 64 hexadecimal digits: what is published outside as the anchor of the chain.
impl fmt::Display for Head {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.revision, blake3::Hash::from_bytes(self.hash).to_hex())
    }
}

impl fmt::Debug for Head {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// What is written together: events that follow the head, and the view entries that follow from them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Group {
    /// Events with the revisions after the head, in order, not sealed: `previous_hash` is empty, the store sets
    /// it. May be empty, for changes of views alone (an expired request).
    pub events: Vec<pb::Event>,
    /// Entries to set (`Some`) or remove (`None`). Of several for one key, the last counts.
    pub views: Vec<(ViewKey, Option<Vec<u8>>)>,
}

/// An event as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredEvent {
    /// Its revision.
    pub revision: Revision,
    schema_version: u16,
    bytes: Vec<u8>,
}

impl StoredEvent {
    /// An event from its stored bytes, as a journal or a backup holds them. [`decode`](Self::decode) judges them.
    pub const fn new(revision: Revision, schema_version: u16, bytes: Vec<u8>) -> Self {
        Self { revision, schema_version, bytes }
    }

    /// Version of the schema that it was written in.
    pub const fn schema_version(&self) -> u16 {
        self.schema_version
    }

    /// The stored bytes: an encoded [`pb::Event`], sealed. Two stores that hold the same event hold these bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Its link in the chain: the hash of its stored bytes; of a stub, of those that stood there before.
    pub fn hash(&self) -> EventHash {
        stub::link(&self.bytes)
    }

    /// The event, without what is sealed in it: see [`Store::open_event`].
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] where the bytes are not an event, or its envelope contradicts its place.
    pub fn decode(&self) -> Result<pb::Event, StoreError> {
        Ok(upcast::event(self.schema_version, self.decode_sealed()?))
    }

    /// The event in the schema that it was written in, without what is sealed in it.
    fn decode_sealed(&self) -> Result<pb::Event, StoreError> {
        let corrupt = |fault| StoreError::corrupt(keys::Key::event(self.revision).as_ref(), fault);
        let event = pb::Event::decode(&*self.bytes)
            .map_err(|error| corrupt(Fault::Undecodable { reason: error.to_string() }))?;
        let envelope = [
            ("revision", event.revision, self.revision.0),
            ("schema version", event.schema_version.into(), self.schema_version.into()),
            ("bytes of previous hash", event.previous_hash.len() as u64, 32),
        ];
        match envelope.into_iter().find(|(_, says, place)| says != place) {
            Some((field, says, place)) => Err(corrupt(Fault::Envelope { field, says, place })),
            None => sealing::check(&event).map(|()| event).map_err(corrupt),
        }
    }
}

/// What the views should hold after `events`, the next of the ledger after what the store holds: entries to set or
/// remove. It reads the events of the subjects concerned, and trusts no view but the indexes.
pub type Derive = dyn Fn(&dyn Store, &[pb::Event]) -> Result<Changes, StoreError> + Send + Sync;

/// The only door to what is kept.
///
/// Every call blocks: call from a thread of your own, never from a task of an async runtime. One writer calls
/// [`append`](Self::append) and [`replace_view`](Self::replace_view); anyone may read. Reads of events and of the
/// indexes up to a revision that has been acknowledged are exact at any time, as these are never changed. Scans of
/// the other views are exact only on the writer's thread: a write may land half-way through.
pub trait Store: Send + Sync + 'static {
    /// Which store this is.
    fn identity(&self) -> Identity;

    /// The end of the ledger, as last made durable. With a journal that is the last group that the journal has.
    ///
    /// # Errors
    /// The store cannot be reached.
    fn head(&self) -> Result<Head, StoreError>;

    /// Writes a group after `expected`, all or nothing; durable when it returns `Ok`, with the new head.
    ///
    /// # Errors
    /// See [`AppendError`], whose variants say whether anything was written.
    fn append(&self, expected: &Head, group: &Group) -> Result<Head, AppendError>;

    /// The event with this revision; `None` beyond the head.
    ///
    /// # Errors
    /// [`StoreError::MissingEvent`], [`StoreError::Corrupt`], or the engine's.
    fn stored_event(&self, revision: Revision) -> Result<Option<StoredEvent>, StoreError>;

    /// Events `from..=through`, without gaps, up to the head as it is now. Reads ahead a page at a time.
    /// After its first error it ends.
    fn stored_events(&self, from: Revision, through: Revision) -> Scan<'_, StoredEvent>;

    /// An entry of a view.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`], or the engine's.
    fn get(&self, key: &ViewKey) -> Result<Option<Vec<u8>>, StoreError>;

    /// Entries of one view, in key order. Reads ahead a page at a time. After its first error it ends.
    fn scan(&self, span: &KeySpan) -> Scan<'_, Entry>;

    /// Version that a view was last completely rebuilt in; `None`: never, or a rebuild was interrupted.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`], or the engine's.
    fn view_version(&self, view: View) -> Result<Option<u32>, StoreError>;

    /// Goes through up to `most` further stored rows, whatever they are, and judges each. `None`: there are none left.
    /// Exact at any time: what a writer is changing is read again.
    ///
    /// # Errors
    /// The engine's.
    fn inspect(&self, inspection: &mut Inspection, most: usize) -> Result<Option<Inspected>, StoreError>;

    /// Keys of the entries among up to `most` rows of a view after `after`, whatever their values, and where the next
    /// begin. `None`: there are none left. See [`inspect::entries`].
    ///
    /// # Errors
    /// The engine's.
    fn entry_keys(
        &self,
        view: View,
        after: Option<&Mark>,
        most: usize,
    ) -> Result<(Vec<ViewKey>, Option<Mark>), StoreError>;

    /// Empties a view and fills it with `entries`, in batches of bounded size. The version is removed first and set
    /// last: an interrupted rebuild is seen as a missing view. `entries` may read this store.
    ///
    /// # Errors
    /// The first error of `entries`, or as [`append`](Self::append).
    fn replace_view(
        &self,
        view: View,
        version: u32,
        entries: &mut dyn Iterator<Item = Result<Entry, StoreError>>,
    ) -> Result<(), AppendError>;

    /// Begins a rebuild of several views at once: empties them and takes their versions away. Their entries then
    /// follow through [`append`](Self::append), in groups without events.
    ///
    /// # Errors
    /// As [`append`](Self::append).
    fn begin_views(&self, views: &[View]) -> Result<(), AppendError>;

    /// Ends it: once all that was written is on the disk, the views have these versions.
    ///
    /// # Errors
    /// As [`append`](Self::append).
    fn finish_views(&self, views: &[(View, u32)]) -> Result<(), AppendError>;

    /// Whether there is room on the disk for writes, with a margin: asked before each group is judged.
    ///
    /// # Errors
    /// How much is free and how much there should be.
    fn room(&self) -> Result<(), NoRoom> {
        Ok(())
    }

    /// Whether an append would be taken, as far as is known without one: what goes on behind the last append may fail
    /// after it was acknowledged. Asked now and then while nothing is written; may wait as an append does.
    ///
    /// # Errors
    /// What the next [`append`](Self::append) would be refused with.
    fn writable(&self) -> Result<(), AppendError> {
        Ok(())
    }

    /// After [`AppendError::Full`] or [`AppendError::ReadOnly`]: once there is room, closes and opens again what is
    /// beneath and fills it from the journal. Writes are taken again when this returns `Ok`, at the head given; what was
    /// journalled and never acknowledged may have become part of the ledger.
    ///
    /// # Errors
    /// [`StoreError::Full`] while there is no room: try again later. Anything else is final.
    fn reopen(&self) -> Result<Head, StoreError> {
        self.head()
    }

    /// How the store stands.
    fn status(&self) -> Status {
        Status::default()
    }

    /// How often what is read was taken away and brought back, from the first on; odd while it is away. What was read
    /// while this changed, or was odd, may lack what is acknowledged.
    fn refills(&self) -> u64 {
        0
    }

    /// Tells that what is stored was found to be damaged, where and how, and never with what is stored: the next start
    /// checks everything before it trusts it.
    fn suspect(&self, what: &str) {
        let _ = what;
    }

    /// Tells that a verified backup holds the ledger through `covered`: the journal may let go of that, once the
    /// engine has it on the disk too. Gives the bytes let go of.
    ///
    /// # Errors
    /// The file system refused.
    fn release_journal(&self, covered: &Head) -> Result<u64, StoreError> {
        let _ = covered;
        Ok(0)
    }

    /// The keys that what is stored is sealed under. `None`: nothing is.
    fn keys(&self) -> Option<&Arc<KeyRing>> {
        None
    }

    /// A stored event with what is sealed in it. Where the key was destroyed its body is [`pb::Erased`].
    ///
    /// # Errors
    /// As [`StoredEvent::decode`]; [`StoreError::NoKeys`] or [`StoreError::Sealed`] where it cannot be opened.
    fn open_event(&self, stored: &StoredEvent) -> Result<pb::Event, StoreError> {
        sealing::opened(self.keys().map(|keys| &**keys), stored)
    }

    /// As [`stored_event`](Self::stored_event), decoded.
    ///
    /// # Errors
    /// As [`stored_event`](Self::stored_event).
    fn event(&self, revision: Revision) -> Result<Option<pb::Event>, StoreError> {
        self.stored_event(revision)?.as_ref().map(|stored| self.open_event(stored)).transpose()
    }

    /// As [`stored_events`](Self::stored_events), decoded.
    fn events(&self, from: Revision, through: Revision) -> Scan<'_, pb::Event> {
        Box::new(self.stored_events(from, through).map(|stored| self.open_event(&stored?)))
    }

    /// The index entries of one subject's events with a revision in `from..=through`.
    fn scan_subject(&self, subject: SubjectId, from: Revision, through: Revision) -> Scan<'_, Entry> {
        self.scan(&KeySpan::subject_index(subject, from, through))
    }
}
