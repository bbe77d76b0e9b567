//! Every stored row, whatever it is, judged where it lies: for whoever verifies
//! a store. What is judged is named by place and fault; no value leaves here.
//!
//! Rows are read a page at a time while a writer may be changing them, so that
//! the parts of a long value may be of two versions. Whatever looks wrong is
//! read again, and only what is wrong in the same bytes twice is a flaw: a value
//! is never written twice in the same bytes but by the same event.
//!
//! Nothing here writes.

use std::ops::Bound;
use std::thread;
use std::time::Duration;

use super::codec::{self, Part};
use super::engine::{Engine, Row};
use super::error::{Fault, StoreError};
use super::keys::{CHUNK_SUFFIX, EVENT_LENGTH, Key, KeySpan, SEPARATOR, StoredKey, View, ViewKey, event_revision};
use super::place::{KeyKind, Place};
use super::{Head, SCHEMA_VERSION, Store};
use crate::domain::Revision;

/// Times that a value is read again before it counts as one that a writer is always ahead of.
const ATTEMPTS: usize = 64;
const BETWEEN_ATTEMPTS: Duration = Duration::from_millis(1);
/// Above every key.
const END: [u8; 64] = [u8::MAX; 64];
/// Keys read together by [`entries`].
const KEYS: usize = 512;

/// What every store has from its creation.
const FACTS: [fn() -> Key; 4] = [Key::schema, Key::store_id, Key::incarnation, Key::head];

/// A position between two stored rows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mark(Vec<u8>);

impl Mark {
    fn bound(&self) -> Bound<&[u8]> {
        if self.0.is_empty() { Bound::Unbounded } else { Bound::Excluded(&self.0) }
    }
}

/// Something wrong with what is stored in one place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flaw {
    /// Where.
    pub place: Place,
    /// What is wrong.
    pub fault: Fault,
}

/// A page of rows, judged.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inspected {
    /// Rows gone through.
    pub rows: u64,
    /// Their bytes.
    pub bytes: u64,
    /// What is wrong with them.
    pub flaws: Vec<Flaw>,
    /// The last event among them. Beyond the head it is one that is just being committed, or one that never was.
    pub last_event: Option<Revision>,
}

/// How far an inspection of a whole store has come, and the value that it is in the middle of.
#[derive(Debug, Default)]
pub struct Inspection {
    after: Mark,
    value: Judged,
    facts: [bool; FACTS.len()],
    ended: bool,
}

/// What a row is, by its key alone.
enum Spot {
    Whole(Key),
    Part { of: Key, number: u16 },
    Unknown,
}

impl Spot {
    fn of(bytes: &[u8]) -> Self {
        let Some(key) = Key::read(bytes) else { return Self::Unknown };
        let length = match Place::of(bytes).kind() {
            KeyKind::Meta => return Self::Whole(key),
            KeyKind::Unknown => return Self::Unknown,
            KeyKind::Event => EVENT_LENGTH,
            KeyKind::View(view) => view.key_length(),
        };
        if bytes.len() == length {
            return Self::Whole(key);
        }
        // The first part is the entry itself.
        match (Key::read(&bytes[..length]), &bytes[length..]) {
            (Some(of), [SEPARATOR, high, low]) if (*high, *low) != (0, 0) => {
                Self::Part { of, number: u16::from_be_bytes([*high, *low]) }
            }
            (Some(_) | None, _) => Self::Unknown,
        }
    }
}

/// The value that rows are being read of, and what was wrong with it so far.
#[derive(Debug, Default)]
struct Judged {
    key: Option<Key>,
    flaws: Vec<Flaw>,
    open: Open,
}

/// What parts may follow.
#[derive(Debug, Default)]
enum Open {
    /// None.
    #[default]
    Closed,
    /// Some, but how many cannot be known: the first is damaged.
    Unknown,
    /// This one next.
    Next { number: u16, frames: u16, schema_version: u16, left: usize, running: u32, checksum: u32 },
}

impl Judged {
    fn flaw(&mut self, bytes: &[u8], fault: Fault) {
        self.flaws.push(Flaw { place: Place::of(bytes), fault });
    }

    fn whole(&mut self, key: Key, value: &[u8]) {
        self.key = Some(key);
        let frame = match codec::decode(key.as_ref(), value) {
            Ok(frame) => frame,
            Err(fault) => {
                self.open = Open::Unknown;
                return self.flaw(key.as_ref(), fault);
            }
        };
        if frame.schema_version > SCHEMA_VERSION {
            let (found, known) = (frame.schema_version, SCHEMA_VERSION);
            self.flaw(key.as_ref(), Fault::Schema { found, known });
        }
        self.open = match frame.part {
            Part::Whole => Open::Closed,
            Part::First { frames, total, checksum } => Open::Next {
                number: 1,
                frames,
                schema_version: frame.schema_version,
                left: total - frame.payload.len(),
                running: crc32c::crc32c(frame.payload),
                checksum,
            },
            Part::Further => {
                self.flaw(key.as_ref(), Fault::PartMisplaced);
                Open::Unknown
            }
        };
    }

    fn part(&mut self, of: Key, found: u16, value: &[u8]) {
        let place = of.chunk(found);
        if self.key != Some(of) {
            self.key = Some(of);
            self.open = Open::Closed;
        }
        let frame = codec::decode(place.as_ref(), value);
        let fault = match (&frame, &mut self.open) {
            (_, Open::Closed) => Fault::PartSurplus,
            (_, Open::Next { frames, .. }) if found >= *frames => Fault::PartSurplus,
            (Err(fault), _) => fault.clone(),
            (Ok(frame), _) if frame.part != Part::Further => Fault::PartMisplaced,
            (Ok(_), Open::Unknown) => return,
            (Ok(_), Open::Next { number, .. }) if found != *number => {
                let missing = Fault::PartMissing { chunk: *number };
                self.open = Open::Unknown;
                return self.flaw(of.as_ref(), missing);
            }
            (Ok(frame), Open::Next { number, frames, schema_version, left, running, checksum }) => {
                *number += 1;
                *running = crc32c::crc32c_append(*running, frame.payload);
                let differs = match left.checked_sub(frame.payload.len()) {
                    Some(rest) => {
                        *left = rest;
                        frame.schema_version != *schema_version
                            || (*number == *frames && (rest != 0 || *running != *checksum))
                    }
                    None => true,
                };
                if differs {
                    self.open = Open::Unknown;
                    self.flaw(of.as_ref(), Fault::PartsDiffer);
                }
                return;
            }
        };
        if !matches!(fault, Fault::PartSurplus) {
            self.open = Open::Unknown;
        }
        self.flaw(place.as_ref(), fault);
    }

    /// Ends the value, and gives its key and what is wrong with it.
    fn end(&mut self) -> (Option<Key>, Vec<Flaw>) {
        if let (Open::Next { number, frames, .. }, Some(key)) = (&self.open, self.key)
            && number < frames
        {
            let chunk = *number;
            self.flaw(key.as_ref(), Fault::PartMissing { chunk });
        }
        let Self { key, flaws, open: _ } = std::mem::take(self);
        (key, flaws)
    }
}

/// Goes through up to `most` further rows.
///
/// # Errors
/// The engine's.
pub(super) fn inspect<E: Engine>(
    engine: &E,
    head: impl Fn() -> Head,
    inspection: &mut Inspection,
    most: usize,
) -> Result<Option<Inspected>, StoreError> {
    if inspection.ended {
        return Ok(None);
    }
    let rows = engine.rows(inspection.after.bound(), &END, most)?;
    let mut page = Inspected { rows: rows.len() as u64, ..Inspected::default() };
    inspection.ended = rows.len() < most;
    for (key, value) in &rows {
        let (key, value) = (key.as_ref(), value.as_ref());
        page.bytes += (key.len() + value.len()) as u64;
        page.last_event = event_revision(key).max(page.last_event);
        match Spot::of(key) {
            Spot::Whole(key) => {
                settle(engine, &mut inspection.value, &mut page.flaws)?;
                inspection.value.whole(key, value);
                for (fact, seen) in FACTS.iter().zip(&mut inspection.facts) {
                    *seen |= fact() == key;
                }
            }
            Spot::Part { of, number } => {
                if inspection.value.key != Some(of) {
                    settle(engine, &mut inspection.value, &mut page.flaws)?;
                }
                inspection.value.part(of, number, value);
            }
            Spot::Unknown => {
                if engine.get(key)?.is_some() {
                    page.flaws.push(Flaw { place: Place::of(key), fault: Fault::Key });
                }
            }
        }
    }
    if let Some((key, _)) = rows.last() {
        inspection.after = Mark(key.as_ref().to_vec());
    }
    if inspection.ended {
        settle(engine, &mut inspection.value, &mut page.flaws)?;
        for (fact, _) in FACTS.iter().zip(inspection.facts).filter(|(_, seen)| !seen) {
            page.flaws.push(Flaw { place: Place::of(fact().as_ref()), fault: Fault::Missing });
        }
        page.flaws.extend(stored_head(engine, &head())?);
    }
    Ok(Some(page))
}

/// Ends the value that rows were read of. What looks wrong with it is read again, until it is not, or the same.
fn settle<E: Engine>(engine: &E, value: &mut Judged, flaws: &mut Vec<Flaw>) -> Result<(), StoreError> {
    let (Some(key), wrong) = value.end() else { return Ok(()) };
    if wrong.is_empty() {
        return Ok(());
    }
    let mut before = None;
    for _ in 0..ATTEMPTS {
        let rows = engine.rows(Bound::Included(key.as_ref()), key.chunk(u16::MAX).successor().as_ref(), usize::MAX)?;
        let read = digest(&rows);
        let mut again = Judged::default();
        for (key, value) in &rows {
            match Spot::of(key.as_ref()) {
                Spot::Whole(key) => again.whole(key, value.as_ref()),
                Spot::Part { of, number } => again.part(of, number, value.as_ref()),
                Spot::Unknown => {}
            }
        }
        let (_, wrong) = again.end();
        if wrong.is_empty() {
            return Ok(());
        }
        if before == Some(read) {
            flaws.extend(wrong);
            return Ok(());
        }
        before = Some(read);
        thread::sleep(BETWEEN_ATTEMPTS);
    }
    Ok(())
}

fn digest<V: AsRef<[u8]>>(rows: &[Row<V>]) -> blake3::Hash {
    let mut hasher = blake3::Hasher::new();
    for (key, value) in rows {
        for bytes in [key.as_ref(), value.as_ref()] {
            hasher.update(&(bytes.len() as u64).to_be_bytes()).update(bytes);
        }
    }
    hasher.finalize()
}

/// Whether the stored head is that of the ledger. It may be ahead of the one told so far: by a group that is just
/// being committed, whose events lie beside it.
#[expect(clippy::comparison_chain, reason = "three cases of unlike length")]
fn stored_head<E: Engine>(engine: &E, told: &Head) -> Result<Option<Flaw>, StoreError> {
    let key = Key::head();
    let flaw = |fault| Some(Flaw { place: Place::of(key.as_ref()), fault });
    // What is no frame has been found already.
    let Some(bytes) = engine.get(key.as_ref())? else { return Ok(None) };
    let Ok(frame) = codec::decode(key.as_ref(), bytes.as_ref()) else { return Ok(None) };
    let Some((revision, hash)) = frame.payload.split_first_chunk::<8>().filter(|(_, hash)| hash.len() == 32) else {
        return Ok(flaw(Fault::Shape { expected: 40, found: frame.payload.len() }));
    };
    let revision = Revision(u64::from_be_bytes(*revision));
    let expected = if revision == told.revision {
        told.hash
    } else if revision < told.revision {
        return Ok(flaw(Fault::OtherHead));
    } else {
        let event = Key::event(revision);
        let Some(first) = engine.get(event.as_ref())? else { return Ok(flaw(Fault::OtherHead)) };
        match super::reads::value(engine, &event, first.as_ref()) {
            Ok(value) => super::stub::link(&value.payload),
            Err(_) => return Ok(None),
        }
    };
    Ok(if hash == expected { None } else { flaw(Fault::OtherHead) })
}

/// Keys of up to `most` rows of a view, entries only, whatever their values; and where the next begin.
pub(super) fn entry_keys<E: Engine>(
    engine: &E,
    view: View,
    after: Option<&Mark>,
    most: usize,
) -> Result<(Vec<ViewKey>, Option<Mark>), StoreError> {
    let span = KeySpan::all(view);
    let (from, until) = span.bounds();
    let from = after.map_or(Bound::Included(from.as_ref()), Mark::bound);
    let rows = engine.rows(from, until.as_ref(), most)?;
    let entry = |key: &[u8]| match ViewKey::read(view, key) {
        Some(StoredKey::Entry(entry)) => Some(entry),
        Some(StoredKey::Chunk) | None => None,
    };
    let keys = rows.iter().filter_map(|(key, _)| entry(key.as_ref())).collect();
    let next = rows.last().filter(|_| rows.len() == most).map(|(key, _)| Mark(key.as_ref().to_vec()));
    Ok((keys, next))
}

/// Keys of every entry of a view, in order, whatever is damaged among them. After its first error it ends.
pub fn entries(store: &dyn Store, view: View) -> impl Iterator<Item = Result<ViewKey, StoreError>> {
    let mut after = Some(None);
    let mut page = Vec::new().into_iter();
    std::iter::from_fn(move || {
        loop {
            if let Some(key) = page.next() {
                return Some(Ok(key));
            }
            let from: Option<Mark> = after.take()?;
            match store.entry_keys(view, from.as_ref(), KEYS) {
                Ok((keys, next)) => {
                    page = keys.into_iter();
                    after = next.map(Some);
                }
                Err(error) => return Some(Err(error)),
            }
        }
    })
}

const _: () = assert!(CHUNK_SUFFIX == 3, "a part's number must be two bytes after a separator");
