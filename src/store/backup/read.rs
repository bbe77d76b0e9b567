//! Reads one backup from its first byte to its last, checking everything on the
//! way: checksums, the chain, the count, the digest. A file that was not read to
//! its end has not been proved. Whatever the bytes, the outcome is an error that
//! names file and offset, never a panic, and never more memory than one frame.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};

use super::error::{BackupError, FileFault};
use super::format::{self, FRAME_FIXED, FrameHead, HEADER_FIXED, Header, TRAILER_BYTES, Trailer};
use crate::domain::Revision;
use crate::store::{Head, StoredEvent};

const BUFFER: usize = 1 << 18;

/// The events of one backup, in order. It ends after its first error.
#[derive(Debug)]
pub struct Reader<R> {
    input: Input<R>,
    header: Header,
    walked: Head,
    events: u64,
    frame: Frame,
    ended: bool,
    trailer: Option<Trailer>,
}

/// A frame of which events are still to be given.
#[derive(Debug, Default)]
struct Frame {
    offset: u64,
    raw: Vec<u8>,
    at: usize,
    left: u32,
}

impl Reader<BufReader<File>> {
    /// Opens a file.
    ///
    /// # Errors
    /// The file cannot be opened, or its header is not one.
    pub fn open(path: &Path) -> Result<Self, BackupError> {
        let file = File::open(path).map_err(BackupError::io("opening", path))?;
        Self::new(path, BufReader::with_capacity(BUFFER, file))
    }
}

impl<R: Read> Reader<R> {
    /// Reads the header from `input`, called `path` in errors.
    ///
    /// # Errors
    /// It cannot be read, or is not a header.
    pub fn new(path: &Path, input: R) -> Result<Self, BackupError> {
        let mut input = Input { path: path.to_owned(), source: input, offset: 0, digest: blake3::Hasher::new() };
        let mut fixed = [0; HEADER_FIXED];
        input.fill(&mut fixed, "header").map_err(|error| foreign(error, &fixed))?;
        let mut bytes = fixed.to_vec();
        bytes.resize(Header::length(&fixed), 0);
        // A length that is no header's must not hide that the file is no backup at all.
        input.fill(&mut bytes[HEADER_FIXED..], "header").map_err(|error| foreign(error, &fixed))?;
        let header = Header::decode(&bytes).map_err(|fault| input.fault(0, fault))?;
        input.digest.update(&bytes);
        let walked = header.before;
        Ok(Self { input, header, walked, events: 0, frame: Frame::default(), ended: false, trailer: None })
    }

    /// How it begins.
    pub const fn header(&self) -> &Header {
        &self.header
    }

    /// How it ends: known once it has been read to the end without an error.
    pub const fn trailer(&self) -> Option<&Trailer> {
        self.trailer.as_ref()
    }

    /// The last event given.
    pub const fn walked(&self) -> Head {
        self.walked
    }

    fn read(&mut self) -> Result<Option<StoredEvent>, BackupError> {
        while self.frame.left == 0 {
            if !self.turn()? {
                return Ok(None);
            }
        }
        let Frame { offset, ref raw, at, left } = self.frame;
        let fault = |fault| self.input.fault(offset, fault);
        let revision = self.walked.revision.0.checked_add(1).map(Revision);
        let revision = revision.ok_or_else(|| fault(FileFault::Field { field: "revision", found: u64::MAX }))?;
        let (event, end) = format::event(raw, at, revision).map_err(fault)?;
        let walked = self.walked.followed_by(&event);
        let walked = walked.map_err(|error| fault(FileFault::Event { reason: error.to_string() }))?;
        if left == 1 && end != raw.len() {
            return Err(fault(FileFault::Events { revision }));
        }
        self.walked = walked;
        self.events += 1;
        self.frame.at = end;
        self.frame.left = left - 1;
        Ok(Some(event))
    }

    /// Goes to the next frame of events; false at the end of the file, which is then proved.
    fn turn(&mut self) -> Result<bool, BackupError> {
        let offset = self.input.offset;
        let mut tag = [0; 1];
        self.input.fill(&mut tag, "frames")?;
        match tag[0] {
            format::EVENTS => {
                let mut fixed = [0; FRAME_FIXED];
                fixed[0] = tag[0];
                self.input.fill(&mut fixed[1..], "frame")?;
                let head = FrameHead::decode(&fixed).map_err(|fault| self.input.fault(offset, fault))?;
                let compressed = self.input.take(head.compressed, "frame")?;
                let raw = head.decompress(&compressed).map_err(|fault| self.input.fault(offset, fault))?;
                if head.events == 0 {
                    return Err(self.input.fault(offset, FileFault::Field { field: "number of events", found: 0 }));
                }
                self.input.digest.update(&fixed).update(&compressed);
                self.frame = Frame { offset, raw, at: 0, left: head.events };
                Ok(true)
            }
            format::TRAILER => {
                let mut bytes = [0; TRAILER_BYTES];
                bytes[0] = tag[0];
                self.input.fill(&mut bytes[1..], "trailer")?;
                let fault = |fault| self.input.fault(offset, fault);
                let trailer = Trailer::decode(&bytes).map_err(fault)?;
                if trailer.digest != *self.input.digest.finalize().as_bytes() {
                    return Err(fault(FileFault::Digest));
                }
                if trailer.head != self.walked {
                    return Err(fault(FileFault::Head { says: trailer.head, found: self.walked }));
                }
                if trailer.events != self.events {
                    return Err(fault(FileFault::Count { says: trailer.events, found: self.events }));
                }
                let end = self.input.offset;
                if !self.input.is_at_end()? {
                    return Err(self.input.fault(end, FileFault::Trailing));
                }
                self.trailer = Some(trailer);
                Ok(false)
            }
            found => {
                Err(self.input.fault(offset, FileFault::Field { field: "first byte of a frame", found: found.into() }))
            }
        }
    }
}

impl<R: Read> Iterator for Reader<R> {
    type Item = Result<StoredEvent, BackupError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let event = self.read().transpose();
        self.ended = !matches!(event, Some(Ok(_)));
        event
    }
}

/// A file too short to be a backup is told as one that is none, if it does not begin as one.
fn foreign(error: BackupError, read: &[u8]) -> BackupError {
    match error {
        BackupError::Damaged { path, fault: FileFault::Short { .. }, .. } if !read.starts_with(&format::MAGIC) => {
            BackupError::Damaged { path, offset: 0, fault: FileFault::Magic }
        }
        other => other,
    }
}

/// Bytes, how many have been read, and their digest.
#[derive(Debug)]
struct Input<R> {
    path: PathBuf,
    source: R,
    offset: u64,
    digest: blake3::Hasher,
}

impl<R: Read> Input<R> {
    fn fault(&self, offset: u64, fault: FileFault) -> BackupError {
        BackupError::Damaged { path: self.path.clone(), offset, fault }
    }

    fn failed(&self, error: io::Error, within: &'static str) -> BackupError {
        match error.kind() {
            io::ErrorKind::UnexpectedEof => self.fault(self.offset, FileFault::Short { within }),
            _ => BackupError::Io { doing: "reading", path: self.path.clone(), source: error },
        }
    }

    fn fill(&mut self, bytes: &mut [u8], within: &'static str) -> Result<(), BackupError> {
        self.source.read_exact(bytes).map_err(|error| self.failed(error, within))?;
        self.offset += bytes.len() as u64;
        Ok(())
    }

    /// As many bytes as told, allotted as they come: a damaged length allots no more than the file has.
    fn take(&mut self, count: usize, within: &'static str) -> Result<Vec<u8>, BackupError> {
        let mut bytes = Vec::new();
        let read = self.source.by_ref().take(count as u64).read_to_end(&mut bytes);
        let read = read.map_err(|error| self.failed(error, within))?;
        if read < count {
            return Err(self.fault(self.offset, FileFault::Short { within }));
        }
        self.offset += count as u64;
        Ok(bytes)
    }

    fn is_at_end(&mut self) -> Result<bool, BackupError> {
        match self.source.read_exact(&mut [0; 1]) {
            Ok(()) => Ok(false),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(true),
            Err(error) => Err(self.failed(error, "end")),
        }
    }
}
