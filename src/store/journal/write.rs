//! The segment that is being written.
//!
//! Its file grows by stretches of zeros, each written together with the frame
//! that needed it: most frames then replace zeros in place, their sync has no
//! length of a file to write, and a disk that fills up is noticed before the
//! last stretch is used up. Nothing here decides when a segment is full.

use std::fs::{File, OpenOptions};
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::time::Instant;

use metrics::histogram;

use super::super::{Head, Identity, StoredEvent};
use super::error::JournalError;
use super::files;
use super::frame::{self, FRAME_HEADER, HEADER, Header};
use crate::telemetry::metrics::{JOURNAL_APPEND_SECONDS, JOURNAL_SYNC_SECONDS};
use crate::telemetry::trace::did;

/// Bytes of zeros that a segment grows by.
const STRETCH: u64 = 1 << 20;
/// A buffer that grew beyond this for one long group is let go of.
const KEPT_BUFFER: usize = 4 << 20;

/// The segment that groups are appended to.
#[derive(Debug)]
pub struct Tail {
    pub file: File,
    pub path: PathBuf,
    pub header: Header,
    /// Where the next frame goes.
    pub end: u64,
    /// Length of the file.
    pub length: u64,
    frame: Vec<u8>,
}

impl Tail {
    /// Makes the segment after `before`; its header and its name are on the disk itself when this returns.
    ///
    /// # Errors
    /// What the file system refused.
    pub fn create(
        directory: &Path,
        identity: Identity,
        before: Head,
        segment_bytes: u64,
    ) -> Result<Self, JournalError> {
        let path = directory.join(files::name(before.revision.next()));
        let header = Header { identity, before };
        let mut bytes = header.encode().to_vec();
        let length = segment_bytes.min(STRETCH).max(HEADER as u64);
        bytes.resize(usize::try_from(length).expect("a stretch must fit memory"), 0);
        let file = OpenOptions::new().read(true).write(true).create_new(true).open(&path);
        let file = file.map_err(JournalError::io("creating a journal segment", &path))?;
        file.write_all_at(&bytes, 0).map_err(JournalError::io("writing a journal segment's header", &path))?;
        file.sync_data().map_err(|source| JournalError::Sync { path: path.clone(), source })?;
        files::sync_names(directory)?;
        Ok(Self { file, path, header, end: HEADER as u64, length, frame: Vec::new() })
    }

    /// Goes on with a segment that was checked, whose last sound frame (or header) is `last`. What was written last
    /// and may never have reached the disk is written again: a sync that failed before may have left it in memory
    /// alone, marked as written.
    ///
    /// # Errors
    /// What the file system refused.
    pub fn resume(path: &Path, header: Header, last: Range<u64>) -> Result<Self, JournalError> {
        let again = |file: &File| {
            let mut bytes = vec![0; usize::try_from(last.end - last.start).map_err(io::Error::other)?];
            file.read_exact_at(&mut bytes, last.start)?;
            file.write_all_at(&bytes, last.start)?;
            file.write_all_at(&header.encode(), 0)
        };
        let file = OpenOptions::new().read(true).write(true).open(path);
        let file = file.map_err(JournalError::io("opening a journal segment", path))?;
        again(&file).map_err(JournalError::io("writing the last group again", path))?;
        file.sync_data().map_err(|source| JournalError::Sync { path: path.to_owned(), source })?;
        let length = file.metadata().map_err(JournalError::io("measuring a journal segment", path))?.len();
        Ok(Self { file, path: path.to_owned(), header, end: last.end, length, frame: Vec::new() })
    }

    /// Where a group would end.
    pub fn end_with(&self, events: &[StoredEvent]) -> u64 {
        self.end + (FRAME_HEADER + frame::body_length(events)) as u64
    }

    /// Writes one group as one frame, and has it on the disk itself.
    ///
    /// # Errors
    /// The write's or the sync's failure. The frame may be there in part or whole.
    pub fn append(&mut self, events: &[StoredEvent], head: &Head, segment_bytes: u64) -> Result<(), JournalError> {
        let begun = Instant::now();
        let mut frame = std::mem::take(&mut self.frame);
        frame.clear();
        frame::encode(&self.header, self.end, events, &head.hash, &mut frame);
        let end = self.end + frame.len() as u64;
        let mut length = self.length;
        if end > length {
            length = (end + STRETCH).min(segment_bytes).max(end);
            frame.resize(usize::try_from(length - self.end).expect("a frame and a stretch must fit memory"), 0);
        }
        self.file.write_all_at(&frame, self.end).map_err(JournalError::io("writing a group", &self.path))?;
        let written = Instant::now();
        self.file.sync_data().map_err(|source| JournalError::Sync { path: self.path.clone(), source })?;
        let synced = Instant::now();
        histogram!(JOURNAL_APPEND_SECONDS).record(written.duration_since(begun).as_secs_f64());
        histogram!(JOURNAL_SYNC_SECONDS).record(synced.duration_since(written).as_secs_f64());
        did("store.journal.append", begun, written);
        did("store.journal.sync", written, synced);
        self.end = end;
        self.length = length;
        if frame.capacity() <= KEPT_BUFFER {
            self.frame = frame;
        }
        Ok(())
    }
}
