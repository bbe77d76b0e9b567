//! The bytes of a segment: its header, and one frame for each group. Pure: it
//! neither reads nor writes files, and never panics on what it is given.
//!
//! Every checksum takes in which store, which segment and which offset the bytes
//! belong to. A sound frame found elsewhere (a block that went astray, what a
//! reused block held before) is thus not a frame at all, and neither is a frame
//! that somebody put into the text of a record.

use thiserror::Error;

use super::super::{EventHash, Head, Identity, StoredEvent};
use crate::domain::Revision;

/// Version of the format that this build writes and reads.
pub const FORMAT: u16 = 1;
/// Length of a segment's header, bytes: the same in every version, with the checksum at its end.
pub const HEADER: usize = 88;
/// Length of a frame's header, bytes.
pub const FRAME_HEADER: usize = 24;
/// What a frame's header begins with: what a search for frames looks for.
pub const SYNC: [u8; 4] = [0xf5, b'S', b'J', 0xa7];
/// Longest body of a frame, bytes. Bounds what a reader allocates, together with the length of the file.
pub const MAX_BODY: usize = 256 << 20;

const MAGIC: [u8; 8] = *b"SYJOURNL";
const EVENT_HEADER: usize = 6;
/// No event is shorter: each ends with the hash of the one before it. Bounds the events that a body can hold.
const LEAST_EVENT: usize = EVENT_HEADER + 34;
const HASH: usize = 32;
const CHECKSUM: usize = 4;

/// What is wrong with the bytes of a journal.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Why {
    /// The file ends within a header.
    #[error("the segment ends within its header")]
    HeaderCutShort,
    /// The header does not begin as every header does.
    #[error("does not begin as a segment does")]
    Magic,
    /// The header's checksum differs.
    #[error("the checksum of the segment's header differs")]
    HeaderChecksum,
    /// Written by a newer build.
    #[error("written in journal format {found}, this build reads up to {FORMAT}: start the newer build")]
    Format {
        /// Format found.
        found: u16,
    },
    /// The header belongs under another name.
    #[error("its header says that it begins with revision {says}, its name says otherwise")]
    Name {
        /// First revision by its header.
        says: Revision,
    },
    /// The header's hash is not that of the event before.
    #[error("its header does not follow from revision {}, the last of the segment before", before.revision)]
    DoesNotFollow {
        /// Where the segment before ends.
        before: Head,
    },
    /// The segment repeats what the one before holds.
    #[error("begins with revision {first}, which the segment before holds already (it ends with {last})")]
    Overlap {
        /// Its first revision.
        first: Revision,
        /// The last revision of the segment before.
        last: Revision,
    },
    /// Bytes that are not the header of a frame, where a frame or the end should be.
    #[error("neither a sound frame begins here nor does the segment end here")]
    NotAFrame,
    /// The file ends within the frame.
    #[error("the segment ends within a frame")]
    CutShort,
    /// The frame's checksum differs.
    #[error("the checksum of a frame differs")]
    Checksum,
    /// The checksum is right and the inside is not what any build writes.
    #[error("a frame with a right checksum is not laid out as a frame is")]
    Layout,
    /// The frame begins with another revision than the one due.
    #[error("a frame begins with revision {found} where {expected} is due")]
    Revision {
        /// Revision found.
        found: Revision,
        /// Revision due.
        expected: Revision,
    },
    /// The event does not decode, or its envelope contradicts its place.
    #[error("{reason}")]
    Event {
        /// Why, by place and without what is kept there.
        reason: String,
    },
    /// An event was not written after the one before it.
    #[error("revision {revision} was not written after the event before it")]
    Chain {
        /// The event that does not follow.
        revision: Revision,
    },
}

impl Why {
    /// Whether a write that was interrupted can leave this. Everything else has a right checksum around it, and can
    /// only have been written so or forged.
    pub const fn may_be_torn(&self) -> bool {
        match self {
            Self::HeaderCutShort
            | Self::Magic
            | Self::HeaderChecksum
            | Self::NotAFrame
            | Self::CutShort
            | Self::Checksum => true,
            Self::Format { .. }
            | Self::Name { .. }
            | Self::DoesNotFollow { .. }
            | Self::Overlap { .. }
            | Self::Layout
            | Self::Revision { .. }
            | Self::Event { .. }
            | Self::Chain { .. } => false,
        }
    }
}

/// What a segment's header says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Which store it belongs to.
    pub identity: Identity,
    /// The end of the ledger before its first event.
    pub before: Head,
}

impl Header {
    /// Its bytes.
    pub fn encode(&self) -> [u8; HEADER] {
        let mut bytes = Vec::with_capacity(HEADER);
        bytes.extend_from_slice(&MAGIC);
        bytes.extend_from_slice(&FORMAT.to_be_bytes());
        bytes.extend_from_slice(&[0; 2]);
        bytes.extend_from_slice(&self.identity.store_id);
        bytes.extend_from_slice(&self.identity.incarnation);
        bytes.extend_from_slice(&self.before.revision.next().0.to_be_bytes());
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
        let mut fields = Fields(bytes);
        if fields.take() != Some(&MAGIC) {
            return Err(Why::Magic);
        }
        let (sealed, checksum) = bytes.split_last_chunk::<CHECKSUM>().ok_or(Why::HeaderCutShort)?;
        if u32::from_be_bytes(*checksum) != crc32c::crc32c(sealed) {
            return Err(Why::HeaderChecksum);
        }
        let decoded = (|| {
            let format = u16::from_be_bytes(*fields.take()?);
            let [_reserved, _too] = *fields.take()?;
            let identity = Identity { store_id: *fields.take()?, incarnation: *fields.take()? };
            let first = u64::from_be_bytes(*fields.take()?);
            let before = Head { revision: Revision(first.checked_sub(1)?), hash: *fields.take()? };
            Some((format, Self { identity, before }))
        })();
        match decoded {
            Some((FORMAT, header)) => Ok(header),
            Some((found, _)) => Err(Why::Format { found }),
            None => Err(Why::Layout),
        }
    }

    /// What the checksum of a frame at `offset` begins with.
    fn place(&self, offset: u64) -> u32 {
        let mut bytes = [0; 48];
        bytes[..16].copy_from_slice(&self.identity.store_id);
        bytes[16..32].copy_from_slice(&self.identity.incarnation);
        bytes[32..40].copy_from_slice(&self.before.revision.0.to_be_bytes());
        bytes[40..].copy_from_slice(&offset.to_be_bytes());
        crc32c::crc32c(&bytes)
    }
}

/// What the header of a frame says, once its checksum was found right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameHeader {
    /// Bytes after the header.
    pub body: usize,
    /// Events.
    pub count: u32,
    /// Revision of the first event.
    pub first: Revision,
}

impl FrameHeader {
    /// Checks the header of a frame at `offset` of the segment.
    ///
    /// # Errors
    /// [`Why::NotAFrame`], or [`Why::Layout`] where the checksum is right and the figures cannot be.
    pub fn decode(segment: &Header, offset: u64, bytes: &[u8; FRAME_HEADER]) -> Result<Self, Why> {
        let (sealed, checksum) = bytes.split_last_chunk::<CHECKSUM>().ok_or(Why::NotAFrame)?;
        if !bytes.starts_with(&SYNC)
            || u32::from_be_bytes(*checksum) != crc32c::crc32c_append(segment.place(offset), sealed)
        {
            return Err(Why::NotAFrame);
        }
        let mut fields = Fields(&sealed[SYNC.len()..]);
        let decoded = (|| {
            let body = usize::try_from(u32::from_be_bytes(*fields.take()?)).ok()?;
            let count = u32::from_be_bytes(*fields.take()?);
            let first = Revision(u64::from_be_bytes(*fields.take()?));
            let least = (count as usize).checked_mul(LEAST_EVENT)?.checked_add(HASH + CHECKSUM)?;
            first.0.checked_add(count.into())?;
            (count > 0 && body <= MAX_BODY && body >= least).then_some(Self { body, count, first })
        })();
        decoded.ok_or(Why::Layout)
    }
}

/// Length of the body of a frame that holds `events`.
pub fn body_length(events: &[StoredEvent]) -> usize {
    events.iter().map(|event| EVENT_HEADER + event.bytes().len()).sum::<usize>() + HASH + CHECKSUM
}

/// Appends the frame of a group at `offset` of the segment to `frame`. The group is not empty and its body is at most
/// [`MAX_BODY`] long; `chain` is the hash of its last event.
pub fn encode(segment: &Header, offset: u64, events: &[StoredEvent], chain: &EventHash, frame: &mut Vec<u8>) {
    let first = events.first().expect("a group must hold an event").revision;
    frame.reserve(FRAME_HEADER + body_length(events));
    seal(segment, offset, number(events.len()), first, frame, |body| {
        for event in events {
            body.extend_from_slice(&event.schema_version().to_be_bytes());
            body.extend_from_slice(&number(event.bytes().len()).to_be_bytes());
            body.extend_from_slice(event.bytes());
        }
        body.extend_from_slice(chain);
    });
}

/// Appends a frame at `offset` of the segment to `frame`, with right checksums around whatever body is written.
pub fn seal(
    segment: &Header,
    offset: u64,
    count: u32,
    first: Revision,
    frame: &mut Vec<u8>,
    body: impl FnOnce(&mut Vec<u8>),
) {
    let place = segment.place(offset);
    let start = frame.len();
    let begin = start + FRAME_HEADER;
    frame.resize(begin, 0);
    body(frame);
    let length = number(frame.len() - begin + CHECKSUM);
    let mut header = Vec::with_capacity(FRAME_HEADER);
    header.extend_from_slice(&SYNC);
    header.extend_from_slice(&length.to_be_bytes());
    header.extend_from_slice(&count.to_be_bytes());
    header.extend_from_slice(&first.0.to_be_bytes());
    let checksum = crc32c::crc32c_append(place, &header);
    header.extend_from_slice(&checksum.to_be_bytes());
    frame[start..begin].copy_from_slice(&header);
    let checksum = crc32c::crc32c_append(place, &frame[start..]);
    frame.extend_from_slice(&checksum.to_be_bytes());
}

fn number(count: usize) -> u32 {
    u32::try_from(count).expect("a frame must be within its bounds")
}

/// Checks the frame at `offset` of the segment, whose header was read before, and that its group follows `walked`.
///
/// # Errors
/// The first thing wrong with it.
pub fn decode(
    segment: &Header,
    offset: u64,
    header: &FrameHeader,
    frame: &[u8],
    walked: &Head,
) -> Result<Vec<StoredEvent>, Why> {
    let (sealed, checksum) = frame.split_last_chunk::<CHECKSUM>().ok_or(Why::CutShort)?;
    if u32::from_be_bytes(*checksum) != crc32c::crc32c_append(segment.place(offset), sealed) {
        return Err(Why::Checksum);
    }
    let expected = walked.revision.next();
    if header.first != expected {
        return Err(Why::Revision { found: header.first, expected });
    }
    let (events, chain) = sealed.split_last_chunk::<HASH>().ok_or(Why::Layout)?;
    let mut fields = Fields(events.get(FRAME_HEADER..).ok_or(Why::Layout)?);
    let mut group = Vec::with_capacity(header.count as usize);
    let mut hash = walked.hash;
    for (revision, _) in (header.first.0..).zip(0..header.count) {
        let revision = Revision(revision);
        let event = fields.event(revision).ok_or(Why::Layout)?;
        let decoded = event.decode().map_err(|error| Why::Event { reason: error.to_string() })?;
        if decoded.previous_hash != hash {
            return Err(Why::Chain { revision });
        }
        hash = event.hash();
        group.push(event);
    }
    if !fields.0.is_empty() || hash != *chain {
        return Err(Why::Layout);
    }
    Ok(group)
}

/// Bytes read one field after another.
struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn take<const N: usize>(&mut self) -> Option<&'a [u8; N]> {
        let (field, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(field)
    }

    fn event(&mut self, revision: Revision) -> Option<StoredEvent> {
        let schema_version = u16::from_be_bytes(*self.take()?);
        let length = usize::try_from(u32::from_be_bytes(*self.take()?)).ok()?;
        let (bytes, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(StoredEvent::new(revision, schema_version, bytes.to_vec()))
    }
}
