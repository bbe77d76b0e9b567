//! Reads a segment frame by frame, and tells how it ends. Holds one frame at a
//! time; writes nothing.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use super::frame::{self, FRAME_HEADER, HEADER, Header, Kept, SYNC, Why};

/// Bytes read at a time where only zeros or the beginning of a frame are looked for.
const STRETCH: usize = 64 << 10;

/// Where the bytes of a segment are read from.
pub trait Source {
    /// Fills `bytes` with those from `offset` on.
    ///
    /// # Errors
    /// What the file system refused, or there are not as many.
    fn read_at(&self, bytes: &mut [u8], offset: u64) -> io::Result<()>;

    /// How many bytes there are now.
    ///
    /// # Errors
    /// What the file system refused.
    fn length(&self) -> io::Result<u64>;
}

impl Source for File {
    fn read_at(&self, bytes: &mut [u8], offset: u64) -> io::Result<()> {
        self.read_exact_at(bytes, offset)
    }

    fn length(&self) -> io::Result<u64> {
        Ok(self.metadata()?.len())
    }
}

impl Source for &[u8] {
    fn read_at(&self, bytes: &mut [u8], offset: u64) -> io::Result<()> {
        let held = usize::try_from(offset).ok().and_then(|offset| self.get(offset..)?.get(..bytes.len()));
        bytes.copy_from_slice(held.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }

    fn length(&self) -> io::Result<u64> {
        Ok(self.len() as u64)
    }
}

/// A segment being read.
#[derive(Debug)]
pub struct Walk<S> {
    source: S,
    /// What its header says.
    pub header: Header,
    /// Where reading ends: the length of the file, or what is durable of it.
    pub until: u64,
    /// Where the next frame begins.
    pub offset: u64,
    frame: Vec<u8>,
}

/// Where a frame stands, by its header alone.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    /// Where in the segment it begins.
    pub offset: u64,
    /// Number of its first entry.
    pub first: u64,
}

/// What comes next in a segment.
#[derive(Debug)]
pub enum Step<'a> {
    /// A sound frame, at this offset.
    Group(u64, Vec<Kept<'a>>),
    /// Nothing but zeros, or nothing at all.
    End,
    /// Something else.
    Bad(Why),
}

impl<S: Source> Walk<S> {
    /// Checks the header of a segment and begins with its first frame.
    ///
    /// # Errors
    /// What the file system refused.
    pub fn begin(source: S, until: Option<u64>) -> io::Result<Result<Self, Why>> {
        let length = source.length()?;
        let mut bytes = [0; HEADER];
        let held = usize::try_from(length).map_or(HEADER, |length| length.min(HEADER));
        source.read_at(&mut bytes[..held], 0)?;
        Ok(Header::decode(&bytes[..held]).map(|header| {
            let until = until.map_or(length, |until| until.min(length));
            Self { source, header, until, offset: HEADER as u64, frame: Vec::new() }
        }))
    }

    /// The next frame.
    ///
    /// # Errors
    /// What the file system refused.
    pub fn step(&mut self) -> io::Result<Step<'_>> {
        let offset = self.offset;
        if !self.fetch(offset)? {
            let only_zeros = only_zeros(&self.source, offset, self.until)?;
            return Ok(if only_zeros { Step::End } else { Step::Bad(Why::NotAFrame) });
        }
        Ok(match frame::entries(&self.header, offset, &self.frame) {
            Err(why) => Step::Bad(why),
            Ok(entries) => {
                self.offset = offset + self.frame.len() as u64;
                Step::Group(offset, entries)
            }
        })
    }

    /// The entries of the frame at an offset.
    ///
    /// # Errors
    /// What the file system refused.
    pub fn at(&mut self, offset: u64) -> io::Result<Result<Vec<Kept<'_>>, Why>> {
        if !self.fetch(offset)? {
            return Ok(Err(Why::NotAFrame));
        }
        Ok(frame::entries(&self.header, offset, &self.frame))
    }

    /// Where the frame here stands, passing over it on the word of its header; `None`: none begins here.
    ///
    /// # Errors
    /// What the file system refused.
    pub fn skip(&mut self) -> io::Result<Option<Place>> {
        let offset = self.offset;
        let Some((length, first)) = self.claimed(offset)? else { return Ok(None) };
        self.offset = offset + length;
        Ok(Some(Place { offset, first }))
    }

    /// Length and first entry of the frame at an offset by its header, where it fits.
    fn claimed(&self, offset: u64) -> io::Result<Option<(u64, u64)>> {
        let left = self.until.saturating_sub(offset);
        if left < FRAME_HEADER as u64 {
            return Ok(None);
        }
        let mut header = [0; FRAME_HEADER];
        self.source.read_at(&mut header, offset)?;
        let claimed = frame::claimed(&header).map(|(body, first)| ((FRAME_HEADER + body) as u64, first));
        Ok(claimed.filter(|(length, _)| *length <= left))
    }

    fn fetch(&mut self, offset: u64) -> io::Result<bool> {
        let Some((length, _)) = self.claimed(offset)? else { return Ok(false) };
        self.frame.resize(usize::try_from(length).expect("a frame must fit memory"), 0);
        self.source.read_at(&mut self.frame, offset)?;
        Ok(true)
    }

    /// Whether a sound frame begins anywhere after here: then the bad one here had been written whole, and was damaged
    /// afterwards.
    ///
    /// # Errors
    /// What the file system refused.
    pub fn goes_on(&mut self) -> io::Result<bool> {
        let mut stretch = vec![0; STRETCH + SYNC.len()];
        let mut at = self.offset + 1;
        while at < self.until {
            let held = usize::try_from(self.until - at).map_or(stretch.len(), |left| left.min(stretch.len()));
            self.source.read_at(&mut stretch[..held], at)?;
            for place in 0..held.min(STRETCH) {
                let offset = at + place as u64;
                if stretch[place..held].starts_with(&SYNC) && self.at(offset)?.is_ok() {
                    return Ok(true);
                }
            }
            at += STRETCH as u64;
        }
        Ok(false)
    }
}

/// Whether a file holds only zeros in `from..until`.
///
/// # Errors
/// What the file system refused.
pub fn only_zeros(source: &impl Source, from: u64, until: u64) -> io::Result<bool> {
    let mut stretch = vec![0; STRETCH];
    let mut at = from;
    while at < until {
        let held = usize::try_from(until - at).map_or(STRETCH, |left| left.min(STRETCH));
        source.read_at(&mut stretch[..held], at)?;
        if stretch[..held].iter().any(|byte| *byte != 0) {
            return Ok(false);
        }
        at += held as u64;
    }
    Ok(true)
}
