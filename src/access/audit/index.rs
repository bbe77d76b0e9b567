//! Who is in which frame of a sealed segment, in a file beside it: so that who
//! saw a person is found without reading every entry. Made from the segment
//! alone, and made anew where it is missing or damaged. It proves nothing:
//! verification compares it with the segment.
//!
//! Numbers are big-endian: magic `SYAUDIDX`, format version and zeros (2, 2),
//! first entry (8), earliest and latest instant (8, 8), entries (8), hash of the
//! last (32), count of wide frames (4) with their offsets (4 each), count of people
//! (4) with id, and begin and count of their frames (4 each), then the offsets of
//! frames as ascending differences; at the end a crc32c of all of it.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

use super::entry::Entry;
use super::error::AuditError;
use super::files;
use super::frame::{self, AuditHead, Kept, Why};
use super::subjects::{read_varint, varint};
use super::walk::{Step, Walk};
use crate::domain::SubjectId;

const MAGIC: [u8; 8] = *b"SYAUDIDX";
const FORMAT: u16 = 1;
/// An entry that discloses more people than this is looked at whoever is asked for: listing it for each of them would
/// take more room than the segment.
const WIDE: usize = 4_096;

/// Where the frames of each person are, while a segment is read.
#[derive(Debug)]
pub struct Indexing {
    first: u64,
    head: AuditHead,
    micros: (i64, i64),
    wide: Vec<u32>,
    people: BTreeMap<SubjectId, Frames>,
}

/// The frames of one person.
#[derive(Debug, Default)]
struct Frames {
    last: u32,
    count: u32,
    differences: Vec<u8>,
}

impl Indexing {
    /// Of a segment that begins after `before`.
    pub fn after(before: AuditHead) -> Self {
        let first = before.entries.saturating_add(1);
        Self { first, head: before, micros: (i64::MAX, i64::MIN), wide: Vec::new(), people: BTreeMap::new() }
    }

    /// Takes the entries of one frame in, which were found to follow.
    ///
    /// # Errors
    /// An entry that cannot be read.
    pub fn take(&mut self, offset: u64, entries: &[Kept<'_>], head: AuditHead) -> Result<(), Why> {
        let offset = u32::try_from(offset).map_err(|_| Why::Layout)?;
        for kept in entries {
            let entry = Entry::decode(kept.message).map_err(|bad| Why::Entry { number: kept.number, bad })?;
            self.micros = (self.micros.0.min(entry.micros), self.micros.1.max(entry.micros));
            if entry.subjects.len() > WIDE {
                if self.wide.last() != Some(&offset) {
                    self.wide.push(offset);
                }
            } else {
                for subject in entry.subjects.iter() {
                    self.people.entry(subject).or_default().add(offset);
                }
            }
            if let Some(subject) = entry.attempted {
                self.people.entry(subject).or_default().add(offset);
            }
        }
        self.head = head;
        Ok(())
    }

    /// The bytes of the index.
    pub fn encode(&self) -> Vec<u8> {
        let number = |count: usize| u32::try_from(count).expect("an index must be within its bounds").to_be_bytes();
        let mut bytes = Vec::new();
        bytes.extend_from_slice(&MAGIC);
        bytes.extend_from_slice(&FORMAT.to_be_bytes());
        bytes.extend_from_slice(&[0; 2]);
        bytes.extend_from_slice(&self.first.to_be_bytes());
        bytes.extend_from_slice(&self.micros.0.to_be_bytes());
        bytes.extend_from_slice(&self.micros.1.to_be_bytes());
        bytes.extend_from_slice(&self.head.entries.to_be_bytes());
        bytes.extend_from_slice(&self.head.hash);
        bytes.extend_from_slice(&number(self.wide.len()));
        self.wide.iter().for_each(|offset| bytes.extend_from_slice(&offset.to_be_bytes()));
        bytes.extend_from_slice(&number(self.people.len()));
        let mut begin = 0;
        for (subject, frames) in &self.people {
            bytes.extend_from_slice(&subject.0.to_be_bytes());
            bytes.extend_from_slice(&number(begin));
            bytes.extend_from_slice(&frames.count.to_be_bytes());
            begin += frames.differences.len();
        }
        self.people.values().for_each(|frames| bytes.extend_from_slice(&frames.differences));
        let checksum = crc32c::crc32c(&bytes);
        bytes.extend_from_slice(&checksum.to_be_bytes());
        bytes
    }
}

impl Frames {
    fn add(&mut self, offset: u32) {
        if self.count > 0 && self.last == offset {
            return;
        }
        varint(offset - self.last, &mut self.differences);
        self.last = offset;
        self.count += 1;
    }
}

/// An index that was read.
#[derive(Debug)]
pub struct Index {
    /// Number of the segment's first entry.
    pub first: u64,
    /// Earliest and latest instant of an entry, microseconds since 1970.
    pub micros: (i64, i64),
    wide: Vec<u32>,
    /// Person, begin and count of frames.
    people: Vec<[u32; 3]>,
    differences: Vec<u8>,
}

impl Index {
    /// The index that bytes hold; `None`: they hold none. Never panics; memory is bounded by their length.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let (sealed, checksum) = bytes.split_last_chunk::<4>()?;
        if u32::from_be_bytes(*checksum) != crc32c::crc32c(sealed) {
            return None;
        }
        let mut rest = sealed;
        if take(&mut rest)? != MAGIC || u16::from_be_bytes(take(&mut rest)?) != FORMAT {
            return None;
        }
        let _zeros: [u8; 2] = take(&mut rest)?;
        let first = u64::from_be_bytes(take(&mut rest)?);
        let micros = (i64::from_be_bytes(take(&mut rest)?), i64::from_be_bytes(take(&mut rest)?));
        let _head: [u8; 40] = take(&mut rest)?;
        let mut wide = Vec::new();
        for _ in 0..u32::from_be_bytes(take(&mut rest)?) {
            wide.push(u32::from_be_bytes(take(&mut rest)?));
        }
        let mut people = Vec::new();
        for _ in 0..u32::from_be_bytes(take(&mut rest)?) {
            let mut figure = || take(&mut rest).map(u32::from_be_bytes);
            people.push([figure()?, figure()?, figure()?]);
        }
        Some(Self { first, micros, wide, people, differences: rest.to_vec() })
    }

    /// Offsets of the frames to look at for a person, ascending; `None`: the index contradicts itself.
    pub fn frames(&self, subject: SubjectId) -> Option<Vec<u64>> {
        let mut frames: Vec<_> = self.wide.iter().map(|offset| u64::from(*offset)).collect();
        if let Ok(place) = self.people.binary_search_by_key(&subject.0, |person| person[0]) {
            let [_, begin, count] = self.people[place];
            let mut rest = self.differences.get(usize::try_from(begin).ok()?..)?;
            let mut offset = 0_u64;
            for _ in 0..count {
                offset += u64::from(read_varint(&mut rest)?);
                frames.push(offset);
            }
        }
        frames.sort_unstable();
        frames.dedup();
        Some(frames)
    }
}

fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (field, left) = rest.split_first_chunk()?;
    *rest = left;
    Some(*field)
}

/// The bytes beside a segment, if any.
///
/// # Errors
/// What the file system refused.
pub fn kept(directory: &Path, first: u64) -> Result<Option<Vec<u8>>, AuditError> {
    let path = directory.join(files::index_name(first));
    match fs::read(&path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(AuditError::io("reading the index of an audit segment", &path)(error)),
    }
}

/// The index of a sealed segment: the one beside it, or one made from it and put there.
///
/// # Errors
/// Damage in the segment, or what the file system refused of it. That the index itself cannot be put there is logged.
pub fn of_sealed(directory: &Path, first: u64) -> Result<Index, AuditError> {
    let held = kept(directory, first)?.and_then(|bytes| Index::decode(&bytes)).filter(|index| index.first == first);
    if let Some(index) = held {
        return Ok(index);
    }
    let bytes = made(&directory.join(files::name(first)))?.encode();
    if let Err(error) = put(directory, first, &bytes) {
        tracing::warn!(error = %error, "the index of an audit segment could not be kept; it is made when it is needed");
    }
    Ok(Index::decode(&bytes).expect("an index that was just made must be one"))
}

fn made(path: &Path) -> Result<Indexing, AuditError> {
    let io = |doing| AuditError::io(doing, path);
    let damaged = |offset, why| AuditError::Damaged { segment: path.to_owned(), offset, why };
    let file = File::open(path).map_err(io("opening an audit segment"))?;
    let walk = Walk::begin(file, None).map_err(io("reading an audit segment"))?;
    let mut walk = walk.map_err(|why| damaged(0, why))?;
    let mut head = walk.header.before;
    let mut indexing = Indexing::after(head);
    loop {
        let at = walk.offset;
        match walk.step().map_err(io("reading an audit segment"))? {
            Step::Group(offset, entries) => {
                head = frame::chained(head, &entries).map_err(|why| damaged(at, why))?;
                indexing.take(offset, &entries, head).map_err(|why| damaged(at, why))?;
            }
            Step::End => return Ok(indexing),
            Step::Bad(why) => return Err(damaged(at, why)),
        }
    }
}

/// Puts an index beside its segment, whole or not at all.
fn put(directory: &Path, first: u64, bytes: &[u8]) -> io::Result<()> {
    let mut file = tempfile::NamedTempFile::new_in(directory)?;
    file.write_all(bytes)?;
    file.as_file().sync_data()?;
    file.persist(directory.join(files::index_name(first)))?;
    Ok(())
}
