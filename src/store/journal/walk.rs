//! Reads a segment group by group, checking everything, and tells how it ends:
//! well, within a write that was interrupted, or in damage. Reads a frame at a
//! time, never a whole segment; writes nothing.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use super::super::{Head, Identity, StoredEvent};
use super::frame::{self, FRAME_HEADER, FrameHeader, HEADER, Header, SYNC, Why};
use crate::domain::Revision;

/// Bytes read at a time where only zeros or the beginning of a frame are looked for.
const STRETCH: usize = 64 << 10;

/// Where the bytes of a segment are read from.
pub trait Source {
    /// How many there are now.
    ///
    /// # Errors
    /// What the file system refused.
    fn length(&self) -> io::Result<u64>;

    /// Fills `bytes` with those from `offset` on.
    ///
    /// # Errors
    /// What the file system refused, or there are not as many.
    fn read_exact_at(&self, bytes: &mut [u8], offset: u64) -> io::Result<()>;
}

impl Source for File {
    fn length(&self) -> io::Result<u64> {
        self.metadata().map(|metadata| metadata.len())
    }

    fn read_exact_at(&self, bytes: &mut [u8], offset: u64) -> io::Result<()> {
        FileExt::read_exact_at(self, bytes, offset)
    }
}

impl Source for &[u8] {
    fn length(&self) -> io::Result<u64> {
        Ok(self.len() as u64)
    }

    fn read_exact_at(&self, bytes: &mut [u8], offset: u64) -> io::Result<()> {
        let held = usize::try_from(offset).ok().and_then(|offset| self.get(offset..)?.get(..bytes.len()));
        bytes.copy_from_slice(held.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }
}

/// A segment being read.
#[derive(Debug)]
pub struct Walk<S> {
    source: S,
    /// What its header says.
    pub header: Header,
    /// Length of the file when it was opened.
    pub length: u64,
    /// Where the next frame begins.
    pub offset: u64,
    /// Where the last frame read began; the header's 0 where none was.
    pub last_frame: u64,
    /// The last event read, or the head before the first.
    pub walked: Head,
    frame: Vec<u8>,
}

/// What comes next in a segment.
#[derive(Debug)]
pub enum Step {
    /// A sound group.
    Group(Vec<StoredEvent>),
    /// Nothing but zeros up to the end of the file, where the next group will be written.
    End,
    /// Something else.
    Bad(Why),
}

impl<S: Source> Walk<S> {
    /// Checks the header of a segment and begins with its first frame; or gives back the segment and its length.
    ///
    /// # Errors
    /// What the file system refused.
    pub fn begin(source: S) -> io::Result<Result<Self, (S, u64, Why)>> {
        let length = source.length()?;
        let mut bytes = [0; HEADER];
        let held = usize::try_from(length).map_or(HEADER, |length| length.min(HEADER));
        source.read_exact_at(&mut bytes[..held], 0)?;
        Ok(match Header::decode(&bytes[..held]) {
            Err(why) => Err((source, length, why)),
            Ok(header) => {
                let (walked, frame) = (header.before, Vec::new());
                Ok(Self { source, header, length, offset: HEADER as u64, last_frame: 0, walked, frame })
            }
        })
    }

    /// The next group.
    ///
    /// # Errors
    /// What the file system refused.
    pub fn step(&mut self) -> io::Result<Step> {
        let left = self.length - self.offset;
        let mut bytes = [0; FRAME_HEADER];
        if left < FRAME_HEADER as u64 {
            let only_zeros = only_zeros(&self.source, self.offset, self.length)?;
            return Ok(if only_zeros { Step::End } else { Step::Bad(Why::CutShort) });
        }
        self.source.read_exact_at(&mut bytes, self.offset)?;
        let header = match FrameHeader::decode(&self.header, self.offset, &bytes) {
            Ok(header) => header,
            Err(Why::NotAFrame) if only_zeros(&self.source, self.offset, self.length)? => return Ok(Step::End),
            Err(why) => return Ok(Step::Bad(why)),
        };
        if left - (FRAME_HEADER as u64) < header.body as u64 {
            return Ok(Step::Bad(Why::CutShort));
        }
        self.frame.resize(FRAME_HEADER + header.body, 0);
        self.source.read_exact_at(&mut self.frame, self.offset)?;
        match frame::decode(&self.header, self.offset, &header, &self.frame, &self.walked) {
            Err(why) => Ok(Step::Bad(why)),
            Ok(group) => {
                let last = group.last().expect("a frame must hold an event");
                self.walked = Head { revision: last.revision, hash: last.hash() };
                self.last_frame = self.offset;
                self.offset += self.frame.len() as u64;
                Ok(Step::Group(group))
            }
        }
    }

    /// Whether the writer had gone on after the bad frame here: then that frame had been written whole, and it was
    /// damaged afterwards.
    fn goes_on(&self) -> io::Result<bool> {
        let mut stretch = vec![0; STRETCH + FRAME_HEADER];
        let mut at = self.offset + 1;
        while at < self.length {
            let held = usize::try_from(self.length - at).map_or(stretch.len(), |left| left.min(stretch.len()));
            let held = &mut stretch[..held];
            self.source.read_exact_at(held, at)?;
            for (offset, bytes) in (at..).zip(held.windows(FRAME_HEADER)) {
                if bytes.starts_with(&SYNC)
                    && let Some(bytes) = bytes.first_chunk()
                    && FrameHeader::decode(&self.header, offset, bytes) != Err(Why::NotAFrame)
                {
                    return Ok(true);
                }
            }
            at += STRETCH as u64;
        }
        Ok(false)
    }
}

/// Whether a file holds only zeros in `from..until`.
fn only_zeros(source: &impl Source, from: u64, until: u64) -> io::Result<bool> {
    let mut stretch = vec![0; STRETCH];
    let mut at = from;
    while at < until {
        let held = usize::try_from(until - at).map_or(STRETCH, |left| left.min(STRETCH));
        source.read_exact_at(&mut stretch[..held], at)?;
        if stretch[..held].iter().any(|byte| *byte != 0) {
            return Ok(false);
        }
        at += held as u64;
    }
    Ok(true)
}

/// How a segment was found.
#[derive(Debug)]
pub struct Checked {
    /// Its header, where it is sound.
    pub header: Option<Header>,
    /// The last sound event, or the head before the first.
    pub head: Head,
    /// Where the last sound frame begins; 0: there is none.
    pub last_frame: u64,
    /// Where the last sound frame ends.
    pub end: u64,
    /// Length of the file.
    pub length: u64,
    /// How it ends.
    pub verdict: Verdict,
}

/// How a segment ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Well.
    Sound,
    /// Within a write that was interrupted: never acknowledged, to be cut. Only ever said of the last segment.
    Torn(Why),
    /// It was being created, and holds nothing. Only ever said of the last segment.
    Unfinished(Why),
    /// In damage, at this offset.
    Damaged(u64, Why),
    /// It belongs to another store: this part of the identity differs.
    OtherStore(&'static str),
    /// It begins after a gap: the segment before ends with this revision.
    AfterGap(Revision),
}

/// Checks a whole segment named after `first`. `before`: where the segment before ended, if known. `last`: whether an
/// interrupted write can have happened in it.
///
/// # Errors
/// What the file system refused.
pub fn check(
    source: impl Source,
    first: Revision,
    identity: Option<&Identity>,
    before: Option<&Head>,
    last: bool,
) -> io::Result<Checked> {
    let found = |length, header, verdict| Checked { header, head: Head::EMPTY, last_frame: 0, end: 0, length, verdict };
    let mut walk = match Walk::begin(source)? {
        Ok(walk) => walk,
        Err((source, length, why)) => {
            // The header is on the disk before the first frame is written: without a header and with nothing after
            // it, the segment never held a frame.
            let empty = last && why.may_be_torn() && only_zeros(&source, (HEADER as u64).min(length), length)?;
            let verdict = if empty { Verdict::Unfinished(why) } else { Verdict::Damaged(0, why) };
            return Ok(found(length, None, verdict));
        }
    };
    if let Some(verdict) = misplaced(&walk.header, first, identity, before) {
        return Ok(found(walk.length, Some(walk.header), verdict));
    }
    let verdict = loop {
        match walk.step()? {
            Step::Group(_) => {}
            Step::End => break Verdict::Sound,
            Step::Bad(why) if last && why.may_be_torn() && !walk.goes_on()? => break Verdict::Torn(why),
            Step::Bad(why) => break Verdict::Damaged(walk.offset, why),
        }
    };
    let Walk { header, length, walked: head, last_frame, offset: end, .. } = walk;
    Ok(Checked { header: Some(header), head, last_frame, end, length, verdict })
}

/// Whether a sound header stands in the wrong place.
fn misplaced(header: &Header, first: Revision, identity: Option<&Identity>, before: Option<&Head>) -> Option<Verdict> {
    if let Some(identity) = identity {
        if header.identity.store_id != identity.store_id {
            return Some(Verdict::OtherStore("store id"));
        }
        if header.identity.incarnation != identity.incarnation {
            return Some(Verdict::OtherStore("incarnation"));
        }
    }
    let says = header.before.revision.next();
    if says != first {
        return Some(Verdict::Damaged(0, Why::Name { says }));
    }
    let before = before?;
    match header.before.revision.cmp(&before.revision) {
        std::cmp::Ordering::Greater => Some(Verdict::AfterGap(before.revision)),
        std::cmp::Ordering::Less => Some(Verdict::Damaged(0, Why::Overlap { first, last: before.revision })),
        std::cmp::Ordering::Equal if header.before.hash != before.hash => {
            Some(Verdict::Damaged(0, Why::DoesNotFollow { before: *before }))
        }
        std::cmp::Ordering::Equal => None,
    }
}
