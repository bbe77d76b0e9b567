//! The bytes of a segment: its header, and one frame for each group of entries.
//! Pure: it neither reads nor writes files, and never panics on what it is given.
//!
//! Every checksum takes in which log, which segment and which offset the bytes
//! belong to, as in the recovery journal: a sound frame found elsewhere is not a
//! frame. Checksums find accidents; that nobody altered an entry is for the hashes
//! to say, each of which covers the one before.

use thiserror::Error;

use super::entry::BadEntry;

/// Version of the format that this build writes and reads.
pub const FORMAT: u16 = 1;
/// Length of a segment's header, bytes.
pub const HEADER: usize = 72;
/// Length of a frame's header, bytes.
pub const FRAME_HEADER: usize = 24;
/// What a frame's header begins with.
pub const SYNC: [u8; 4] = [0xf5, b'S', b'A', 0xa7];
/// Longest body of a frame, bytes. Bounds what a reader allocates, together with the length of the file.
pub const MAX_BODY: usize = 64 << 20;
/// Bytes that each entry takes beside its message: length, number, hash of the entry before.
pub const ENTRY_HEADER: usize = 4 + ENTRY_SEALED;

const MAGIC: [u8; 8] = *b"SYAUDITS";
const ENTRY_SEALED: usize = 8 + 32;
const CHECKSUM: usize = 4;

/// Where a log ends: how many entries there are, and the hash of the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AuditHead {
    /// Entries, which is also the number of the last.
    pub entries: u64,
    /// BLAKE3 of the last; 32 zero bytes where there is none.
    pub hash: [u8; 32],
}

impl AuditHead {
    /// Of a log without entries.
    pub const EMPTY: Self = Self { entries: 0, hash: [0; 32] };

    /// The hash, 64 hexadecimal digits.
    pub fn hex(&self) -> String {
        blake3::Hash::from_bytes(self.hash).to_hex().to_string()
    }
}

/// What is wrong with the bytes of an audit log.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Why {
    /// The file ends within its header.
    #[error("the segment ends within its header")]
    HeaderCutShort,
    /// The header does not begin as every header does, or its checksum differs.
    #[error("does not begin as a segment does")]
    Header,
    /// Written by a newer build.
    #[error("written in audit format {found}, this build reads up to {FORMAT}: start the newer build")]
    Format {
        /// Format found.
        found: u16,
    },
    /// The header belongs under another name.
    #[error("its header says that it begins with entry {says}, its name says otherwise")]
    Name {
        /// First entry by its header.
        says: u64,
    },
    /// The segment is of another log.
    #[error("belongs to another audit log")]
    OtherLog,
    /// The segment does not follow the one before it.
    #[error("does not follow entry {entries}, the last of the segment before: something was taken out or put in")]
    DoesNotFollow {
        /// Where the segment before ends.
        entries: u64,
    },
    /// Bytes that are no sound frame, where a frame or the end should be.
    #[error("neither a sound frame begins here nor does the segment end here")]
    NotAFrame,
    /// An earlier segment has something after its last frame.
    #[error("something stands behind the last frame of a sealed segment")]
    NotSealed,
    /// The checksum is right and the inside is not what any build writes.
    #[error("a frame with a right checksum is not laid out as a frame is")]
    Layout,
    /// An entry has another number than the one due.
    #[error("entry {found} stands where {expected} is due")]
    Number {
        /// Number found.
        found: u64,
        /// Number due.
        expected: u64,
    },
    /// An entry was not written after the one before it.
    #[error("entry {number} was not written after the entry before it")]
    Chain {
        /// The entry that does not follow.
        number: u64,
    },
    /// An entry cannot be read.
    #[error("entry {number} {bad}")]
    Entry {
        /// The entry.
        number: u64,
        /// Why.
        bad: BadEntry,
    },
    /// The index of a sealed segment does not say what the segment says.
    #[error("the index of subjects does not say what the segment says: delete the index, and it is made anew")]
    Index,
    /// The log ends before what was written down of it outside.
    #[error("the log ends with entry {entries}; entry {anchored} was written down in the ledger: entries were cut off")]
    CutOff {
        /// Entries found.
        entries: u64,
        /// Entries written down.
        anchored: u64,
    },
    /// An entry is not the one that was written down outside.
    #[error("the hash of entry {number} is not the one that was written down in the ledger: the log was written anew")]
    NotAnchored {
        /// The entry.
        number: u64,
    },
}

/// What a segment's header says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Drawn when the log was made.
    pub log: [u8; 16],
    /// The end of the log before its first entry.
    pub before: AuditHead,
}

impl Header {
    /// Number of its first entry.
    pub const fn first(&self) -> u64 {
        self.before.entries.saturating_add(1)
    }

    /// Its bytes.
    pub fn encode(&self) -> [u8; HEADER] {
        let mut bytes = Vec::with_capacity(HEADER);
        bytes.extend_from_slice(&MAGIC);
        bytes.extend_from_slice(&FORMAT.to_be_bytes());
        bytes.extend_from_slice(&[0; 2]);
        bytes.extend_from_slice(&self.log);
        bytes.extend_from_slice(&self.before.entries.to_be_bytes());
        bytes.extend_from_slice(&self.before.hash);
        let checksum = crc32c::crc32c(&bytes);
        bytes.extend_from_slice(&checksum.to_be_bytes());
        bytes.try_into().expect("the fields of a header must add up to its length")
    }

    /// Checks the first bytes of a segment.
    ///
    /// # Errors
    /// The first thing wrong with them.
    pub fn decode(bytes: &[u8]) -> Result<Self, Why> {
        let bytes: &[u8; HEADER] = bytes.first_chunk().ok_or(Why::HeaderCutShort)?;
        let (sealed, checksum) = bytes.split_last_chunk::<CHECKSUM>().ok_or(Why::HeaderCutShort)?;
        if u32::from_be_bytes(*checksum) != crc32c::crc32c(sealed) {
            return Err(Why::Header);
        }
        let mut fields = Fields(sealed);
        let decoded = (|| {
            if fields.take()? != &MAGIC {
                return None;
            }
            let format = u16::from_be_bytes(*fields.take()?);
            let [0, 0] = *fields.take()? else { return None };
            let log = *fields.take()?;
            let before = AuditHead { entries: u64::from_be_bytes(*fields.take()?), hash: *fields.take()? };
            Some((format, Self { log, before }))
        })();
        match decoded {
            Some((FORMAT, header)) => Ok(header),
            Some((found, _)) => Err(Why::Format { found }),
            None => Err(Why::Header),
        }
    }

    /// What the checksum of a frame at `offset` begins with.
    fn place(&self, offset: u64) -> u32 {
        let mut bytes = [0; 32];
        bytes[..16].copy_from_slice(&self.log);
        bytes[16..24].copy_from_slice(&self.before.entries.to_be_bytes());
        bytes[24..].copy_from_slice(&offset.to_be_bytes());
        crc32c::crc32c(&bytes)
    }
}

/// One entry as it stands in a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kept<'a> {
    /// Its number, from 1.
    pub number: u64,
    /// Hash of the entry before.
    pub previous: &'a [u8; 32],
    /// The message.
    pub message: &'a [u8],
    sealed: &'a [u8],
}

impl Kept<'_> {
    /// BLAKE3 of number, hash of the entry before and message.
    pub fn hash(&self) -> [u8; 32] {
        *blake3::hash(self.sealed).as_bytes()
    }
}

/// A frame that is being put together.
#[derive(Debug)]
pub struct Group {
    bytes: Vec<u8>,
    head: AuditHead,
    count: u32,
}

impl Group {
    /// An empty one after `head`, in a buffer that is used again.
    pub fn after(head: AuditHead, mut buffer: Vec<u8>) -> Self {
        buffer.clear();
        buffer.resize(FRAME_HEADER, 0);
        Self { bytes: buffer, head, count: 0 }
    }

    /// Adds an entry. Its number.
    pub fn push(&mut self, message: &[u8]) -> u64 {
        let length = u32::try_from(message.len()).expect("an entry must be within its bounds");
        self.bytes.extend_from_slice(&length.to_be_bytes());
        let begin = self.bytes.len();
        let number = self.head.entries + 1;
        self.bytes.extend_from_slice(&number.to_be_bytes());
        self.bytes.extend_from_slice(&self.head.hash);
        self.bytes.extend_from_slice(message);
        self.head = AuditHead { entries: number, hash: *blake3::hash(&self.bytes[begin..]).as_bytes() };
        self.count += 1;
        number
    }

    /// Where the log ends with it.
    pub const fn head(&self) -> AuditHead {
        self.head
    }

    /// Length of the frame, bytes.
    pub fn length(&self) -> u64 {
        self.bytes.len() as u64
    }

    /// The frame, for one offset of one segment.
    pub fn seal(mut self, segment: &Header, offset: u64) -> Vec<u8> {
        let body = u32::try_from(self.bytes.len() - FRAME_HEADER).expect("a frame must be within its bounds");
        let first = self.head.entries - u64::from(self.count) + 1;
        self.bytes[4..8].copy_from_slice(&body.to_be_bytes());
        self.bytes[8..12].copy_from_slice(&self.count.to_be_bytes());
        self.bytes[12..20].copy_from_slice(&first.to_be_bytes());
        self.bytes[..4].copy_from_slice(&SYNC);
        let checksum = checksum(segment, offset, &self.bytes);
        self.bytes[20..24].copy_from_slice(&checksum.to_be_bytes());
        self.bytes
    }
}

/// Everything of a frame but the checksum itself.
fn checksum(segment: &Header, offset: u64, frame: &[u8]) -> u32 {
    let (header, body) = frame.split_at(FRAME_HEADER);
    let sealed = &header[..FRAME_HEADER - CHECKSUM];
    crc32c::crc32c_append(crc32c::crc32c_append(segment.place(offset), sealed), body)
}

/// Length of the body and number of the first entry that a frame's header claims; `None`: it is no header of a frame.
pub fn claimed(header: &[u8; FRAME_HEADER]) -> Option<(usize, u64)> {
    let mut fields = Fields(header);
    if fields.take()? != &SYNC {
        return None;
    }
    let body = usize::try_from(u32::from_be_bytes(*fields.take()?)).ok().filter(|body| *body <= MAX_BODY)?;
    let _count: &[u8; 4] = fields.take()?;
    Some((body, u64::from_be_bytes(*fields.take()?)))
}

/// The entries of the frame at `offset` of the segment, whole and nothing behind it. Says nothing of the chain.
///
/// # Errors
/// The first thing wrong with it.
pub fn entries<'a>(segment: &Header, offset: u64, frame: &'a [u8]) -> Result<Vec<Kept<'a>>, Why> {
    let header: &[u8; FRAME_HEADER] = frame.first_chunk().ok_or(Why::NotAFrame)?;
    let (body, _) = claimed(header).ok_or(Why::NotAFrame)?;
    let mut fields = Fields(header);
    let read = (|| {
        let [_sync, _body] = [*fields.take::<4>()?, *fields.take::<4>()?];
        let count = u32::from_be_bytes(*fields.take()?);
        let first = u64::from_be_bytes(*fields.take()?);
        Some((count, first, u32::from_be_bytes(*fields.take()?)))
    })();
    let (count, first, sum) = read.ok_or(Why::NotAFrame)?;
    if frame.len() - FRAME_HEADER != body || sum != checksum(segment, offset, frame) {
        return Err(Why::NotAFrame);
    }
    let mut fields = Fields(&frame[FRAME_HEADER..]);
    let mut kept = Vec::new();
    for place in 0..u64::from(count) {
        let entry = fields.entry().ok_or(Why::Layout)?;
        let expected = first.checked_add(place).ok_or(Why::Layout)?;
        if entry.number != expected {
            return Err(Why::Number { found: entry.number, expected });
        }
        kept.push(entry);
    }
    if kept.is_empty() || !fields.0.is_empty() { Err(Why::Layout) } else { Ok(kept) }
}

/// That entries follow one another and `before`. Where the log ends with them.
///
/// # Errors
/// The first that does not.
pub fn chained(before: AuditHead, entries: &[Kept<'_>]) -> Result<AuditHead, Why> {
    let mut head = before;
    for kept in entries {
        let expected = head.entries.saturating_add(1);
        if kept.number != expected {
            return Err(Why::Number { found: kept.number, expected });
        }
        if *kept.previous != head.hash {
            return Err(Why::Chain { number: kept.number });
        }
        head = AuditHead { entries: kept.number, hash: kept.hash() };
    }
    Ok(head)
}

/// Bytes read one field after another.
struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn take<const N: usize>(&mut self) -> Option<&'a [u8; N]> {
        let (field, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(field)
    }

    fn entry(&mut self) -> Option<Kept<'a>> {
        let length = usize::try_from(u32::from_be_bytes(*self.take()?)).ok()?;
        let (sealed, rest) = self.0.split_at_checked(length.checked_add(ENTRY_SEALED)?)?;
        self.0 = rest;
        let mut fields = Fields(sealed);
        Some(Kept { number: u64::from_be_bytes(*fields.take()?), previous: fields.take()?, message: fields.0, sealed })
    }
}
