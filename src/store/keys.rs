//! Keys of the one tree, and nothing else that knows their bytes.
//!
//! Every part is fixed-width and big-endian, so that byte order is numeric
//! order and a range of keys is a range of revisions. A key never holds
//! personal data: keys are logged, listed in errors, and outlive erasure.

use std::fmt;

use super::error::{Fault, StoreError};
use super::place::Place;
use crate::domain::{Revision, SubjectId};

const CAPACITY: usize = 40;
const SEPARATOR: u8 = b'/';
/// Bytes that a chunk's key is longer by than its entry's.
pub(super) const CHUNK_SUFFIX: usize = 3;
/// Bytes of an event's key.
pub(super) const EVENT_LENGTH: usize = 10;

/// Bytes of one key. The bytes behind `length` are always zero, so that the derived order is byte order.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    bytes: [u8; CAPACITY],
    length: u8,
}

impl Key {
    fn join(parts: &[&[u8]]) -> Self {
        let mut key = Self { bytes: [0; CAPACITY], length: 0 };
        for part in parts {
            key.push(part);
        }
        key
    }

    fn push(&mut self, part: &[u8]) {
        let start = usize::from(self.length);
        let end = start + part.len();
        self.bytes[start..end].copy_from_slice(part);
        self.length = u8::try_from(end).expect("a key must fit its capacity");
    }

    /// `m/schema`: version of the layout.
    pub fn schema() -> Self {
        Self::join(&[b"m/schema"])
    }

    /// `m/store_id`: random, for ever.
    pub fn store_id() -> Self {
        Self::join(&[b"m/store_id"])
    }

    /// `m/incarnation`: random, new after a restore that may have dropped revisions.
    pub fn incarnation() -> Self {
        Self::join(&[b"m/incarnation"])
    }

    /// `m/head`: last revision and its hash.
    pub fn head() -> Self {
        Self::join(&[b"m/head"])
    }

    /// `m/view/<name>`: version of a view.
    pub fn view_version(view: View) -> Self {
        Self::join(&[b"m/view/", view.name().as_bytes()])
    }

    /// `e/<revision>`: a ledger event.
    pub fn event(revision: Revision) -> Self {
        Self::join(&[b"e/", &revision.0.to_be_bytes()])
    }

    /// The same key with `/<chunk>`: a further part of a long value, from 1.
    pub fn chunk(mut self, number: u16) -> Self {
        self.push(&[SEPARATOR]);
        self.push(&number.to_be_bytes());
        self
    }

    /// A stored key; `None` where it is longer than any that is written.
    pub fn read(bytes: &[u8]) -> Option<Self> {
        (bytes.len() <= CAPACITY).then(|| Self::join(&[bytes]))
    }

    /// The smallest key above this one.
    pub fn successor(mut self) -> Self {
        self.push(&[0]);
        self
    }
}

impl AsRef<[u8]> for Key {
    fn as_ref(&self) -> &[u8] {
        &self.bytes[..usize::from(self.length)]
    }
}

/// As [`Place`].
impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&Place::of(self.as_ref()), f)
    }
}

/// The revision of a ledger key; `None` where the key is a further part of a long event.
pub fn event_revision(key: &[u8]) -> Option<Revision> {
    let revision = key.strip_prefix(b"e/")?;
    (key.len() == EVENT_LENGTH).then(|| Revision(u64_at(revision, 0)))
}

/// A view: entries that can be rebuilt from the ledger, and are when their version is missing or older.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum View {
    /// `s/<subject>`: packed evidence of one subject, for scoring.
    Dossier,
    /// `i/<subject>/<revision>`: events of one subject.
    SubjectIndex,
    /// `k/<kind>/<revision>`: events of one kind.
    KindIndex,
    /// `r/<caller><request id>`: answers, for retries. The only view whose entries expire.
    Request,
}

impl View {
    /// Every view.
    pub const ALL: [Self; 4] = [Self::Dossier, Self::SubjectIndex, Self::KindIndex, Self::Request];

    /// Its name in `m/view/<name>`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Dossier => "dossier",
            Self::SubjectIndex => "subject_index",
            Self::KindIndex => "kind_index",
            Self::Request => "request",
        }
    }

    /// Whether a value may be longer than one frame. Index entries may not: this spares a look-up of the old
    /// value at every write of one.
    pub const fn may_span(self) -> bool {
        match self {
            Self::Dossier | Self::Request => true,
            Self::SubjectIndex | Self::KindIndex => false,
        }
    }

    /// What its keys begin with.
    pub(super) const fn prefix(self) -> [u8; 2] {
        match self {
            Self::Dossier => *b"s/",
            Self::SubjectIndex => *b"i/",
            Self::KindIndex => *b"k/",
            Self::Request => *b"r/",
        }
    }

    /// Bytes of an entry's key.
    pub(super) const fn key_length(self) -> usize {
        match self {
            Self::Dossier => 6,
            Self::SubjectIndex => 15,
            Self::KindIndex => 12,
            Self::Request => 34,
        }
    }
}

/// Key of one entry of a view.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ViewKey {
    view: View,
    key: Key,
}

impl ViewKey {
    /// Key of a subject's dossier.
    pub fn dossier(subject: SubjectId) -> Self {
        Self::new(View::Dossier, &[&subject.0.to_be_bytes()])
    }

    /// Key of the entry that one event has in its subject's index.
    pub fn subject_index(subject: SubjectId, revision: Revision) -> Self {
        Self::new(View::SubjectIndex, &[&subject.0.to_be_bytes(), &[SEPARATOR], &revision.0.to_be_bytes()])
    }

    /// Key of the entry that one event has in the index of its kind.
    pub fn kind_index(kind: u8, revision: Revision) -> Self {
        Self::new(View::KindIndex, &[&[kind], &[SEPARATOR], &revision.0.to_be_bytes()])
    }

    /// Key of the answer to a request. The caller's name is hashed: keys hold no personal data.
    pub fn request(caller: &str, request_id: &[u8; 16]) -> Self {
        let caller = blake3::hash(caller.as_bytes());
        Self::new(View::Request, &[&caller.as_bytes()[..16], request_id])
    }

    fn new(view: View, parts: &[&[u8]]) -> Self {
        let mut key = Key::join(&[&view.prefix()]);
        for part in parts {
            key.push(part);
        }
        debug_assert_eq!(key.as_ref().len(), view.key_length(), "a view's keys must be of one width");
        Self { view, key }
    }

    /// The view that the entry belongs to.
    pub const fn view(&self) -> View {
        self.view
    }

    /// The subject, in keys that name one.
    pub fn subject(&self) -> Option<SubjectId> {
        match self.view {
            View::Dossier | View::SubjectIndex => Some(SubjectId(u32_at(self.key.as_ref(), 2))),
            View::KindIndex | View::Request => None,
        }
    }

    /// The kind, in keys of the index by kind.
    pub fn kind(&self) -> Option<u8> {
        match self.view {
            View::KindIndex => Some(self.key.as_ref()[2]),
            View::Dossier | View::SubjectIndex | View::Request => None,
        }
    }

    /// The revision, in keys of an index.
    pub fn revision(&self) -> Option<Revision> {
        match self.view {
            View::SubjectIndex => Some(Revision(u64_at(self.key.as_ref(), 7))),
            View::KindIndex => Some(Revision(u64_at(self.key.as_ref(), 4))),
            View::Dossier | View::Request => None,
        }
    }

    /// The error of a value under this key that is not what it should be.
    pub fn corrupt(&self, fault: Fault) -> StoreError {
        StoreError::corrupt(self.key.as_ref(), fault)
    }

    /// Its bytes, as stored.
    pub(super) const fn key(&self) -> &Key {
        &self.key
    }

    /// What a stored key of `view` is: an entry, or a further part of one. `None`: neither.
    pub(super) fn read(view: View, bytes: &[u8]) -> Option<StoredKey> {
        let entry = view.key_length();
        if !bytes.starts_with(&view.prefix()) {
            None
        } else if bytes.len() == entry {
            Some(StoredKey::Entry(Self { view, key: Key::join(&[bytes]) }))
        } else if bytes.len() == entry + CHUNK_SUFFIX && bytes[entry] == SEPARATOR {
            Some(StoredKey::Chunk)
        } else {
            None
        }
    }
}

impl fmt::Debug for ViewKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.key.fmt(f)
    }
}

/// What a stored key of a view turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum StoredKey {
    /// An entry, or the first part of a long one.
    Entry(ViewKey),
    /// A further part of a long entry.
    Chunk,
}

/// A run of neighbouring entries of one view.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeySpan {
    view: View,
    from: Key,
    until: Key,
}

impl KeySpan {
    /// Every entry of a view.
    pub fn all(view: View) -> Self {
        let [letter, separator] = view.prefix();
        Self { view, from: Key::join(&[&[letter, separator]]), until: Key::join(&[&[letter, separator + 1]]) }
    }

    /// A subject's events with a revision in `from..=through`.
    pub fn subject_index(subject: SubjectId, from: Revision, through: Revision) -> Self {
        Self::between(ViewKey::subject_index(subject, from), ViewKey::subject_index(subject, through))
    }

    /// Events of one kind with a revision in `from..=through`.
    pub fn kind_index(kind: u8, from: Revision, through: Revision) -> Self {
        Self::between(ViewKey::kind_index(kind, from), ViewKey::kind_index(kind, through))
    }

    fn between(first: ViewKey, last: ViewKey) -> Self {
        Self { view: first.view, from: first.key, until: last.key.successor() }
    }

    /// The view.
    pub const fn view(&self) -> View {
        self.view
    }

    /// First key inside, first key beyond.
    pub(super) const fn bounds(&self) -> (&Key, &Key) {
        (&self.from, &self.until)
    }
}

fn u32_at(bytes: &[u8], start: usize) -> u32 {
    u32::from_be_bytes(bytes[start..start + 4].try_into().expect("a range of four must be four bytes"))
}

fn u64_at(bytes: &[u8], start: usize) -> u64 {
    u64::from_be_bytes(bytes[start..start + 8].try_into().expect("a range of eight must be eight bytes"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn byte_order_is_numeric_order(a: (u32, u64, u8), b: (u32, u64, u8)) {
            let event = |(_, revision, _)| Key::event(Revision(revision)).as_ref().to_vec();
            prop_assert_eq!(event(a).cmp(&event(b)), a.1.cmp(&b.1));
            let dossier = |(subject, _, _)| ViewKey::dossier(SubjectId(subject)).key().as_ref().to_vec();
            prop_assert_eq!(dossier(a).cmp(&dossier(b)), a.0.cmp(&b.0));
            let index = |(subject, revision, _)| {
                ViewKey::subject_index(SubjectId(subject), Revision(revision)).key().as_ref().to_vec()
            };
            prop_assert_eq!(index(a).cmp(&index(b)), (a.0, a.1).cmp(&(b.0, b.1)));
            let kind = |(_, revision, kind)| ViewKey::kind_index(kind, Revision(revision)).key().as_ref().to_vec();
            prop_assert_eq!(kind(a).cmp(&kind(b)), (a.2, a.1).cmp(&(b.2, b.1)));
        }

        #[test]
        fn the_order_of_keys_is_the_order_of_their_bytes(a: (u64, u16), b: (u64, u16)) {
            let key = |(revision, chunk)| Key::event(Revision(revision)).chunk(chunk);
            prop_assert_eq!(key(a).cmp(&key(b)), key(a).as_ref().cmp(key(b).as_ref()));
            prop_assert!(Key::event(Revision(a.0)) < key(a));
            if let Some(next) = a.0.checked_add(1) {
                prop_assert!(key(a) < Key::event(Revision(next)), "a chunk must sort before the next entry");
            }
        }

        #[test]
        fn a_key_gives_back_what_it_was_made_of(subject: u32, revision: u64, kind: u8) {
            let key = ViewKey::subject_index(SubjectId(subject), Revision(revision));
            prop_assert_eq!((key.subject(), key.revision()), (Some(SubjectId(subject)), Some(Revision(revision))));
            let key = ViewKey::kind_index(kind, Revision(revision));
            prop_assert_eq!((key.kind(), key.revision()), (Some(kind), Some(Revision(revision))));
            prop_assert_eq!(event_revision(Key::event(Revision(revision)).as_ref()), Some(Revision(revision)));
            let stored = ViewKey::read(View::KindIndex, key.key().as_ref());
            prop_assert_eq!(stored, Some(StoredKey::Entry(key)));
        }
    }

    #[test]
    fn a_request_key_does_not_tell_who_asked() {
        let key = ViewKey::request("sergeant.jones", &[7; 16]);
        assert!(!key.key().as_ref().windows(5).any(|part| part == b"jones"));
        assert_ne!(key, ViewKey::request("sergeant.smith", &[7; 16]));
        assert_ne!(key, ViewKey::request("sergeant.jones", &[8; 16]));
    }

    #[test]
    fn a_span_of_a_view_holds_all_of_it_and_nothing_else() {
        let span = KeySpan::all(View::KindIndex);
        let (from, until) = span.bounds();
        let inside = |key: ViewKey| from <= key.key() && key.key() < until;
        assert!(inside(ViewKey::kind_index(0, Revision(0))));
        assert!(inside(ViewKey::kind_index(u8::MAX, Revision(u64::MAX))));
        assert!(!inside(ViewKey::subject_index(SubjectId(u32::MAX), Revision(u64::MAX))));
        assert!(!inside(ViewKey::request("", &[0; 16])));
    }
}
