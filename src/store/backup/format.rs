//! The bytes of a backup. Numbers are big-endian.
//!
//! | header | |
//! |---|---|
//! | 8 | magic `SYBACKUP` |
//! | 2 | format version |
//! | 2 | schema version of the layout that wrote it |
//! | 1 | kind: 1 full, 2 incremental |
//! | 16, 16 | store id, incarnation |
//! | 8, 32 | `before`: revision and hash of the event before the first (zeros in a full one) |
//! | 8 | instant of creation, microseconds since 1970 |
//! | 1, n | program that wrote it: length, text |
//! | 4 | crc32c of all of the above |
//!
//! | frame of events | |
//! |---|---|
//! | 1 | `E` |
//! | 4, 4, 4 | compressed bytes, bytes before compression, number of events |
//! | 4 | crc32c of the 13 bytes above and the compressed bytes |
//! | n | zstd: of each event its schema version (2), length (4) and stored bytes |
//!
//! | trailer | |
//! |---|---|
//! | 1 | `T` |
//! | 8, 32 | head: revision and hash of the last event |
//! | 8 | number of events |
//! | 32 | BLAKE3 of every byte before the trailer |
//! | 4 | crc32c of all of the trailer above |
//!
//! Nothing follows the trailer. The revisions are implied. Nothing here opens a file.

use jiff::Timestamp;

use super::error::FileFault;
use crate::domain::Revision;
use crate::store::codec::MAX_VALUE;
use crate::store::{Head, Identity, SCHEMA_VERSION, StoredEvent};

/// What every name of a backup that counts ends with.
pub const EXTENSION: &str = ".steelyard";

pub(super) const MAGIC: [u8; 8] = *b"SYBACKUP";
const FORMAT_VERSION: u16 = 1;
/// Bytes of the header before the program's text.
pub(super) const HEADER_FIXED: usize = 8 + 2 + 2 + 1 + 16 + 16 + 40 + 8 + 1;
pub(super) const CHECKSUM: usize = 4;
pub(super) const EVENTS: u8 = b'E';
pub(super) const TRAILER: u8 = b'T';
/// Bytes of a frame before its compressed bytes, with the tag and the checksum.
pub(super) const FRAME_FIXED: usize = 1 + 12 + CHECKSUM;
/// Bytes of the trailer, with the tag and the checksum.
pub(super) const TRAILER_BYTES: usize = 1 + 40 + 8 + 32 + CHECKSUM;
const EVENT_FIXED: usize = 2 + 4;

/// Bytes and events after which a frame is full.
const FRAME_BYTES: usize = 256 << 10;
const FRAME_EVENTS: u32 = 1_000;
/// Most bytes of a frame before compression: one event more than full. Bounds what a damaged length may allocate.
pub(super) const MAX_RAW: usize = FRAME_BYTES + EVENT_FIXED + MAX_VALUE;
const LEVEL: i32 = 3;

/// Whether a backup begins with the first event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// It does.
    Full,
    /// It begins after the last event of another backup.
    Incremental,
}

impl Kind {
    /// As it stands in names.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Incremental => "incremental",
        }
    }
}

/// How a backup begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// Store that it is of.
    pub identity: Identity,
    /// Schema version of the layout that wrote it.
    pub schema_version: u16,
    /// Whether it begins with the first event.
    pub kind: Kind,
    /// The end of the ledger before its first event.
    pub before: Head,
    /// When it was made.
    pub created: Timestamp,
    /// Program that wrote it, at most 255 bytes.
    pub program: String,
}

/// How a backup ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trailer {
    /// Its last event.
    pub head: Head,
    /// Its events.
    pub events: u64,
    /// BLAKE3 of every byte before the trailer.
    pub digest: [u8; 32],
}

impl Header {
    /// Of a backup that begins after `before`.
    pub fn new(identity: Identity, before: Head, created: Timestamp) -> Self {
        let kind = if before == Head::EMPTY { Kind::Full } else { Kind::Incremental };
        // As it is kept, so that a header is equal to the one read back.
        let created = Timestamp::from_microsecond(created.as_microsecond()).expect("an instant must stay one");
        let program = concat!("steelyard ", env!("CARGO_PKG_VERSION"), ", sled 0.34.7").to_owned();
        Self { identity, schema_version: SCHEMA_VERSION, kind, before, created, program }
    }

    /// Name of the file that begins with this and ends with `head`.
    pub fn file_name(&self, head: &Head) -> String {
        let first = self.before.revision.next();
        let hash = blake3::Hash::from_bytes(head.hash).to_hex();
        format!("{:020}-{:020}-{}.{}{EXTENSION}", first.0, head.revision.0, &hash[..8], self.kind.name())
    }

    /// Its bytes.
    pub fn encode(&self) -> Vec<u8> {
        let program = self.program.as_bytes();
        let length = u8::try_from(program.len()).expect("the program's name must be short");
        let kind = match self.kind {
            Kind::Full => 1,
            Kind::Incremental => 2,
        };
        let mut bytes = MAGIC.to_vec();
        bytes.extend_from_slice(&FORMAT_VERSION.to_be_bytes());
        bytes.extend_from_slice(&self.schema_version.to_be_bytes());
        bytes.push(kind);
        bytes.extend_from_slice(&self.identity.store_id);
        bytes.extend_from_slice(&self.identity.incarnation);
        put_head(&mut bytes, &self.before);
        bytes.extend_from_slice(&self.created.as_microsecond().to_be_bytes());
        bytes.push(length);
        bytes.extend_from_slice(program);
        seal(&mut bytes);
        bytes
    }

    /// Bytes of the whole header whose fixed part is `fixed`.
    pub(super) fn length(fixed: &[u8; HEADER_FIXED]) -> usize {
        HEADER_FIXED + usize::from(fixed[HEADER_FIXED - 1]) + CHECKSUM
    }

    /// Reads what [`encode`](Self::encode) wrote.
    ///
    /// # Errors
    /// The first thing wrong with it.
    pub fn decode(bytes: &[u8]) -> Result<Self, FileFault> {
        let mut fields = Fields { rest: bytes, within: "header" };
        if fields.take()? != MAGIC {
            return Err(FileFault::Magic);
        }
        let found = u16::from_be_bytes(fields.take()?);
        if found > FORMAT_VERSION {
            return Err(FileFault::NewerFormat { found, known: FORMAT_VERSION });
        }
        check_seal(bytes, "header")?;
        if found == 0 {
            return Err(FileFault::Field { field: "format", found: 0 });
        }
        let schema_version = u16::from_be_bytes(fields.take()?);
        let [kind] = fields.take()?;
        let identity = Identity { store_id: fields.take()?, incarnation: fields.take()? };
        let before = fields.head()?;
        let micros = i64::from_be_bytes(fields.take()?);
        let [length] = fields.take()?;
        let program = fields.rest.get(..usize::from(length)).ok_or(FileFault::Short { within: "header" })?;
        if fields.rest.len() != usize::from(length) + CHECKSUM {
            return Err(FileFault::Field { field: "length of the program's name", found: length.into() });
        }
        if schema_version > SCHEMA_VERSION {
            return Err(FileFault::NewerSchema { found: schema_version, known: SCHEMA_VERSION });
        }
        let kind = match (kind, before == Head::EMPTY) {
            (1, true) => Kind::Full,
            (2, false) if before.revision > Head::EMPTY.revision => Kind::Incremental,
            (found, _) => return Err(FileFault::Field { field: "kind", found: found.into() }),
        };
        let created = Timestamp::from_microsecond(micros)
            .map_err(|_| FileFault::Field { field: "instant of creation", found: micros.cast_unsigned() })?;
        let program = String::from_utf8_lossy(program).into_owned();
        Ok(Self { identity, schema_version, kind, before, created, program })
    }
}

impl Trailer {
    /// Its bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = vec![TRAILER];
        put_head(&mut bytes, &self.head);
        bytes.extend_from_slice(&self.events.to_be_bytes());
        bytes.extend_from_slice(&self.digest);
        seal(&mut bytes);
        bytes
    }

    /// Reads what [`encode`](Self::encode) wrote.
    ///
    /// # Errors
    /// The first thing wrong with it.
    pub fn decode(bytes: &[u8]) -> Result<Self, FileFault> {
        let mut fields = Fields { rest: bytes, within: "trailer" };
        let [tag] = fields.take()?;
        if tag != TRAILER {
            return Err(FileFault::Field { field: "first byte of the trailer", found: tag.into() });
        }
        check_seal(bytes, "trailer")?;
        let head = fields.head()?;
        let events = u64::from_be_bytes(fields.take()?);
        Ok(Self { head, events, digest: fields.take()? })
    }
}

/// Events gathered for one frame.
#[derive(Debug, Default)]
pub(super) struct Raw {
    bytes: Vec<u8>,
    events: u32,
}

impl Raw {
    pub(super) fn push(&mut self, event: &StoredEvent) {
        let length = u32::try_from(event.bytes().len()).expect("a stored event must be at most 16 MiB");
        self.bytes.extend_from_slice(&event.schema_version().to_be_bytes());
        self.bytes.extend_from_slice(&length.to_be_bytes());
        self.bytes.extend_from_slice(event.bytes());
        self.events += 1;
    }

    pub(super) const fn is_full(&self) -> bool {
        self.bytes.len() >= FRAME_BYTES || self.events >= FRAME_EVENTS
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.events == 0
    }

    /// The frame, and begins anew.
    pub(super) fn frame(&mut self) -> std::io::Result<Vec<u8>> {
        let frame = frame(&self.bytes, self.events)?;
        self.bytes.clear();
        self.events = 0;
        Ok(frame)
    }
}

/// Compresses and seals `raw` as a frame said to hold so many events, whatever it holds.
///
/// # Errors
/// The compressor's.
pub fn frame(raw: &[u8], events: u32) -> std::io::Result<Vec<u8>> {
    let compressed = zstd::bulk::compress(raw, LEVEL)?;
    let length = |bytes: &[u8]| u32::try_from(bytes.len()).map_err(std::io::Error::other);
    let mut bytes = vec![EVENTS];
    bytes.extend_from_slice(&length(&compressed)?.to_be_bytes());
    bytes.extend_from_slice(&length(raw)?.to_be_bytes());
    bytes.extend_from_slice(&events.to_be_bytes());
    let checksum = crc32c::crc32c_append(crc32c::crc32c(&bytes), &compressed);
    bytes.extend_from_slice(&checksum.to_be_bytes());
    bytes.extend_from_slice(&compressed);
    Ok(bytes)
}

/// The fixed part of a frame, read after its tag.
#[derive(Clone, Copy, Debug)]
pub(super) struct FrameHead {
    pub(super) compressed: usize,
    raw: usize,
    pub(super) events: u32,
    checksum: u32,
    sealed: u32,
}

impl FrameHead {
    /// # Errors
    /// A length that no frame has.
    pub(super) fn decode(bytes: &[u8; FRAME_FIXED]) -> Result<Self, FileFault> {
        let mut fields = Fields { rest: &bytes[1..], within: "frame" };
        let mut number = || fields.take().map(u32::from_be_bytes);
        let (compressed, raw, events, checksum) = (number()?, number()?, number()?, number()?);
        let length = |field, found: u32| {
            let length = usize::try_from(found).unwrap_or(usize::MAX);
            let fits = length <= zstd::zstd_safe::compress_bound(MAX_RAW);
            if fits { Ok(length) } else { Err(FileFault::Field { field, found: found.into() }) }
        };
        let compressed = length("compressed length of a frame", compressed)?;
        let raw = length("length of a frame", raw)?;
        let sealed = crc32c::crc32c(&bytes[..FRAME_FIXED - CHECKSUM]);
        Ok(Self { compressed, raw, events, checksum, sealed })
    }

    /// What was compressed.
    ///
    /// # Errors
    /// The checksum differs, or the decompressor refuses.
    pub(super) fn decompress(&self, compressed: &[u8]) -> Result<Vec<u8>, FileFault> {
        if crc32c::crc32c_append(self.sealed, compressed) != self.checksum {
            return Err(FileFault::Checksum { of: "frame" });
        }
        let raw = zstd::bulk::decompress(compressed, self.raw).ok().filter(|raw| raw.len() == self.raw);
        raw.ok_or(FileFault::Compressed { raw: self.raw })
    }
}

/// The next event of a frame's bytes from `at`, and where it ends.
pub(super) fn event(raw: &[u8], at: usize, revision: Revision) -> Result<(StoredEvent, usize), FileFault> {
    let fault = || FileFault::Events { revision };
    let rest = raw.get(at..).ok_or_else(fault)?;
    let (fixed, rest) = rest.split_first_chunk::<EVENT_FIXED>().ok_or_else(fault)?;
    let [s0, s1, l0, l1, l2, l3] = *fixed;
    let (schema_version, length) = (u16::from_be_bytes([s0, s1]), u32::from_be_bytes([l0, l1, l2, l3]));
    let length = usize::try_from(length).unwrap_or(usize::MAX);
    let bytes = rest.get(..length).ok_or_else(fault)?;
    if schema_version > SCHEMA_VERSION {
        return Err(FileFault::NewerSchema { found: schema_version, known: SCHEMA_VERSION });
    }
    Ok((StoredEvent::new(revision, schema_version, bytes.to_vec()), at + EVENT_FIXED + length))
}

fn put_head(bytes: &mut Vec<u8>, head: &Head) {
    bytes.extend_from_slice(&head.revision.0.to_be_bytes());
    bytes.extend_from_slice(&head.hash);
}

fn seal(bytes: &mut Vec<u8>) {
    let checksum = crc32c::crc32c(bytes);
    bytes.extend_from_slice(&checksum.to_be_bytes());
}

fn check_seal(bytes: &[u8], of: &'static str) -> Result<(), FileFault> {
    let (sealed, checksum) = bytes.split_last_chunk::<CHECKSUM>().ok_or(FileFault::Short { within: of })?;
    if u32::from_be_bytes(*checksum) == crc32c::crc32c(sealed) { Ok(()) } else { Err(FileFault::Checksum { of }) }
}

/// Fields of fixed width, one after another.
struct Fields<'a> {
    rest: &'a [u8],
    within: &'static str,
}

impl Fields<'_> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], FileFault> {
        let (field, rest) = self.rest.split_first_chunk::<N>().ok_or(FileFault::Short { within: self.within })?;
        self.rest = rest;
        Ok(*field)
    }

    fn head(&mut self) -> Result<Head, FileFault> {
        Ok(Head { revision: Revision(u64::from_be_bytes(self.take()?)), hash: self.take()? })
    }
}
