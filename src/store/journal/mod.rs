//! The recovery journal: every group, on the disk itself before anything else
//! is touched. It exists because the engine beneath the store may lose its
//! files; what was acknowledged is here. It never changes a group, never leaves
//! out what it cannot read, and never judges what an event means.
//!
//! A directory of segments, each named after its first revision. Numbers are
//! big-endian.
//!
//! | bytes | segment header |
//! |---|---|
//! | 8 | magic `SYJOURNL` |
//! | 2, 2 | format version; zeros |
//! | 16, 16 | store id, incarnation |
//! | 8 | first revision |
//! | 32 | hash of the event before it |
//! | 4 | crc32c of the above |
//!
//! | bytes | frame, one for each group |
//! |---|---|
//! | 4 | sync word |
//! | 4, 4, 8 | bytes after this header, events, revision of the first |
//! | 4 | crc32c of the above, of store, segment and offset |
//! | 2, 4, n | each event: schema version, length, stored bytes |
//! | 32 | hash of the last event |
//! | 4 | crc32c of all the above, of store, segment and offset |
//!
//! After the last frame come zeros, which the next frames replace.
//!
//! **Torn or damaged.** A frame is synced before the next is written. So a frame
//! that was not written whole is the last thing in the last segment: it was never
//! acknowledged, and is cut. A bad frame with the header of a later one behind it,
//! or in an earlier segment, had been whole: that is damage, and refused. So is
//! anything wrong under a right checksum. This relies on the disk keeping what a
//! sector holds when the sector is written again with more behind it. What cannot be told apart is a last
//! group damaged after it was acknowledged: compare the head with the engine's.
//!
//! - [`frame`]: the bytes; [`walk`]: reading and checking them
//! - [`write`]: the segment that is written; [`read`]: reading meanwhile
//! - [`inspect`]: the state of every segment, for people
//! - [`peek`]: reading a journal that nobody has open, without changing it

mod error;
mod files;
pub mod frame;
mod inspect;
mod peek;
mod read;
#[cfg(test)]
mod tests;
mod walk;
mod write;

use std::fs::{self, File, OpenOptions};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use super::{Head, Identity, JournalStatus, StoredEvent};
use crate::domain::Revision;
use frame::{HEADER, MAX_BODY};
use read::{Held, Now, Shared};
use walk::{Checked, Verdict};
use write::Tail;

pub use error::{JournalError, JournalFault};
pub use frame::Why;
pub use inspect::{SegmentReport, SegmentState, inspect, inspect_bytes};
pub use peek::{Peeked, peek};
pub use read::{Events, Reader};

/// The recovery journal of one store, open for writing. Of one directory there must be one at a time: the store's
/// lock sees to that.
#[derive(Debug)]
pub struct Journal {
    shared: Arc<Shared>,
    segment_bytes: u64,
    tail: Tail,
    head: Head,
    fate: Option<JournalFault>,
}

/// A journal that was there.
#[derive(Debug)]
pub struct Opened {
    /// The journal.
    pub journal: Journal,
    /// What was cut from its end.
    pub cut: Option<Cut>,
}

/// What an interrupted write had left at the end of the journal: never acknowledged, and cut.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cut {
    /// The file.
    pub segment: PathBuf,
    /// Where it was cut, bytes. 0: the whole file was removed, it had not been created completely.
    pub offset: u64,
    /// Bytes cut, with the zeros after them.
    pub bytes: u64,
    /// How it showed.
    pub why: Why,
}

impl Journal {
    /// Makes a journal that begins after `before`. It is on the disk itself when this returns.
    ///
    /// # Errors
    /// [`JournalError::Exists`], or what the file system refused ([`JournalError::is_full`]).
    pub fn create(
        directory: &Path,
        identity: Identity,
        before: Head,
        segment_bytes: u64,
    ) -> Result<Self, JournalError> {
        if !files::segments(directory)?.is_empty() {
            return Err(JournalError::Exists { directory: directory.to_owned() });
        }
        fs::create_dir_all(directory).map_err(JournalError::io("creating the directory", directory))?;
        let directory = directory.canonicalize().map_err(JournalError::io("resolving", directory))?;
        if let Some(parent) = directory.parent() {
            files::sync_names(parent)?;
        }
        let tail = Tail::create(&directory, identity, before, segment_bytes)?;
        Ok(Self::over(directory, tail, Vec::new(), before, segment_bytes))
    }

    /// Checks the whole journal, cuts what an interrupted write left at its end, and goes on after it. `None`: there
    /// is none. All that it then holds is on the disk itself.
    ///
    /// # Errors
    /// Damage, a gap, another store's journal, each by segment; or what the file system refused. Nothing was changed
    /// unless it is the latter.
    pub fn open(directory: &Path, identity: Identity, segment_bytes: u64) -> Result<Option<Opened>, JournalError> {
        let mut segments = Vec::new();
        let mut last: Option<Checked> = None;
        let mut cut = None;
        let found = files::segments(directory)?;
        for (number, (first, path)) in found.iter().enumerate() {
            let is_last = number + 1 == found.len();
            let before = last.as_ref().map(|checked| checked.head);
            let checked = File::open(path)
                .and_then(|file| walk::check(file, *first, Some(&identity), before.as_ref(), is_last))
                .map_err(JournalError::io("reading a journal segment", path))?;
            match (&checked.verdict, &checked.header) {
                (Verdict::Unfinished(why), _) => {
                    cut = Some(Cut { segment: path.clone(), offset: 0, bytes: checked.length, why: why.clone() });
                }
                (Verdict::Sound | Verdict::Torn(_), Some(header)) => {
                    segments.push(Held { path: path.clone(), before: header.before, bytes: checked.length });
                    last = Some(checked);
                }
                (verdict, _) => return Err(refusal(path, *first, verdict)),
            }
        }
        if let Some(unfinished) = &cut {
            let path = &unfinished.segment;
            fs::remove_file(path).map_err(JournalError::io("removing an unfinished journal segment", path))?;
            files::sync_names(directory)?;
        }
        let (Some(held), Some(Checked { header: Some(header), head, last_frame, end, length, verdict })) =
            (segments.pop(), last)
        else {
            return Ok(None);
        };
        if let Verdict::Torn(why) = verdict {
            truncate(&held.path, end)?;
            cut = Some(Cut { segment: held.path.clone(), offset: end, bytes: length - end, why });
        }
        let tail = Tail::resume(&held.path, header, last_frame..end)?;
        files::sync_names(directory)?;
        let journal = Self::over(directory.to_owned(), tail, segments, head, segment_bytes);
        Ok(Some(Opened { journal, cut }))
    }

    fn over(directory: PathBuf, tail: Tail, mut segments: Vec<Held>, head: Head, segment_bytes: u64) -> Self {
        segments.push(Held { path: tail.path.clone(), before: tail.header.before, bytes: tail.length });
        let now = Mutex::new(Now { segments, head });
        let shared = Arc::new(Shared { directory, identity: tail.header.identity, now });
        Self { shared, segment_bytes, tail, head, fate: None }
    }

    /// Writes a group, whole or not at all; it is on the disk itself when this returns `Ok`, with the new head.
    ///
    /// # Errors
    /// See [`JournalFault`].
    pub fn append(&mut self, events: &[StoredEvent]) -> Result<Head, JournalFault> {
        if let Some(fault) = &self.fate {
            return Err(fault.clone());
        }
        let head = self.judge(events)?;
        if let Err(error) = self.write(events, &head) {
            let fault = JournalFault::from(error);
            self.fate = Some(fault.clone());
            return Err(fault);
        }
        self.head = head;
        let mut now = self.shared.now();
        now.head = head;
        if let Some(segment) = now.segments.last_mut() {
            segment.bytes = self.tail.length;
        }
        Ok(head)
    }

    /// Whether a group may follow the head, and the head that it leads to.
    fn judge(&self, events: &[StoredEvent]) -> Result<Head, JournalFault> {
        if events.is_empty() {
            return Err(JournalFault::Unfit { reason: "it holds no event" });
        }
        if u32::try_from(events.len()).is_err() || frame::body_length(events) > MAX_BODY {
            return Err(JournalFault::Unfit { reason: "it is longer than a group can be" });
        }
        let mut head = self.head;
        for event in events {
            if event.revision != head.revision.next() {
                return Err(JournalFault::Unfit { reason: "its revisions do not follow the head" });
            }
            if !sealed_after(event, &head) {
                return Err(JournalFault::Unfit { reason: "its chain does not follow the head" });
            }
            head = Head { revision: event.revision, hash: event.hash() };
        }
        Ok(head)
    }

    fn write(&mut self, events: &[StoredEvent], head: &Head) -> Result<(), JournalError> {
        if self.tail.end_with(events) > self.segment_bytes && self.tail.end > HEADER as u64 {
            let identity = self.shared.identity;
            let tail = Tail::create(&self.shared.directory, identity, self.head, self.segment_bytes);
            self.tail = tail?;
            let held = Held { path: self.tail.path.clone(), before: self.head, bytes: self.tail.length };
            self.shared.now().segments.push(held);
        }
        self.tail.append(events, head, self.segment_bytes)
    }

    /// What the journal holds.
    pub fn extent(&self) -> JournalStatus {
        self.shared.now().status()
    }

    /// Reads the journal from any thread, while it is written.
    pub fn reader(&self) -> Reader {
        Reader { shared: Arc::clone(&self.shared) }
    }

    /// As [`Reader::events`].
    pub fn events(&self, from: Revision) -> Events {
        self.reader().events(from)
    }

    /// Removes the segments that hold nothing after `through`, oldest first and never the last, and gives the bytes
    /// let go of. Whoever reads one of them goes on reading it.
    ///
    /// # Errors
    /// What the file system refused. What was removed until then is gone, the rest is a whole journal.
    pub fn retire(&mut self, through: Revision) -> Result<u64, JournalError> {
        let mut bytes = 0;
        loop {
            let now = self.shared.now();
            let oldest = match &*now.segments {
                [oldest, next, ..] if next.before.revision <= through => oldest.clone(),
                [_, ..] | [] => return Ok(bytes),
            };
            drop(now);
            fs::remove_file(&oldest.path).map_err(JournalError::io("removing a journal segment", &oldest.path))?;
            self.shared.now().segments.remove(0);
            bytes += oldest.bytes;
            // Each before the next: a crash must not leave a gap.
            files::sync_names(&self.shared.directory)?;
        }
    }
}

/// Whether an event carries the hash of the head. Sealing puts it at the end of the stored bytes, where it is found
/// without decoding the rest.
fn sealed_after(event: &StoredEvent, head: &Head) -> bool {
    const PREVIOUS_HASH: [u8; 2] = [12 << 3 | 2, 32];
    let at_the_end = event.bytes().split_last_chunk::<32>();
    at_the_end.is_some_and(|(before, hash)| before.ends_with(&PREVIOUS_HASH) && *hash == head.hash)
        || event.decode().is_ok_and(|event| event.previous_hash == head.hash)
}

/// Why a journal with a segment in this state is not opened.
fn refusal(path: &Path, first: Revision, verdict: &Verdict) -> JournalError {
    let segment = path.to_owned();
    match verdict {
        Verdict::Damaged(offset, why) => JournalError::Damaged { segment, offset: *offset, why: why.clone() },
        Verdict::OtherStore(field) => JournalError::OtherStore { segment, field },
        Verdict::AfterGap(last) => JournalError::Missing { segment, last: *last, next: first },
        Verdict::Sound | Verdict::Torn(_) | Verdict::Unfinished(_) => {
            unreachable!("a segment whose header is sound and whose end is not damaged must be usable")
        }
    }
}

/// Cuts a segment off at `end`, on the disk itself.
fn truncate(path: &Path, end: u64) -> Result<(), JournalError> {
    let file = OpenOptions::new().write(true).open(path);
    let cut = file.and_then(|file| file.set_len(end).map(|()| file));
    let file = cut.map_err(JournalError::io("cutting an unfinished group off", path))?;
    file.sync_all().map_err(|source| JournalError::Sync { path: path.to_owned(), source })
}
