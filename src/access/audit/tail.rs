//! The segment that is being written, from its making to its sealing.
//!
//! Its file grows by stretches of zeros, each written together with the frame
//! that needed it: most frames then replace zeros in place, and their sync has no
//! length of a file to write. A sealed segment ends with its last frame.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use tracing::warn;

use super::entry::Entry;
use super::error::AuditError;
use super::files;
use super::frame::{self, AuditHead, HEADER, Header, Why};
use super::walk::{Step, Walk, only_zeros};

/// Bytes of zeros that a segment grows by.
const STRETCH: u64 = 512 << 10;
/// Microseconds of a day.
const DAY: i64 = 86_400_000_000;

/// Writes and syncs. It is there so that a disk's refusals can be rehearsed.
pub trait Medium: Send + Sync {
    /// Writes all of `bytes` at `offset`.
    ///
    /// # Errors
    /// What the disk refused. Some of it may have been written.
    fn write(&self, file: &File, bytes: &[u8], offset: u64) -> io::Result<()>;

    /// Has what was written on the disk itself.
    ///
    /// # Errors
    /// What the disk refused.
    fn sync(&self, file: &File) -> io::Result<()>;
}

/// The disk.
pub struct Disk;

impl Medium for Disk {
    fn write(&self, file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
        file.write_all_at(bytes, offset)
    }

    fn sync(&self, file: &File) -> io::Result<()> {
        file.sync_data()
    }
}

/// The segment that groups are appended to.
#[derive(Debug)]
pub struct Tail {
    file: File,
    pub path: PathBuf,
    pub header: Header,
    /// Where the next frame goes.
    pub end: u64,
    /// Length of the file.
    length: u64,
    /// Day of its first entry, since 1970; `None`: it has none.
    pub day: Option<i64>,
}

/// The day of an instant, since 1970.
pub const fn day(micros: i64) -> i64 {
    micros.div_euclid(DAY)
}

impl Tail {
    /// Makes the segment after `before`; its header and its name are on the disk itself when this returns. Nothing is left
    /// of it where the disk has no room.
    ///
    /// # Errors
    /// What the file system refused.
    pub fn create(directory: &Path, log: [u8; 16], before: AuditHead, medium: &dyn Medium) -> Result<Self, AuditError> {
        let header = Header { log, before };
        let path = directory.join(files::name(header.first()));
        let file = OpenOptions::new().read(true).write(true).create_new(true).open(&path);
        let file = file.map_err(AuditError::io("creating an audit segment", &path))?;
        if let Err(error) = medium.write(&file, &header.encode(), 0) {
            fs::remove_file(&path).map_err(AuditError::io("removing a segment that found no room", &path))?;
            return Err(AuditError::io("writing an audit segment's header", &path)(error));
        }
        medium.sync(&file).map_err(AuditError::sync(&path))?;
        files::sync_names(directory)?;
        Ok(Self { file, path, header, end: HEADER as u64, length: HEADER as u64, day: None })
    }

    /// Goes on with the last segment of a log: checks all of it, cuts off what an interrupted write left, and writes its
    /// last frame again, since a sync that failed before may have left it in memory alone, marked as written. With it
    /// where the log ends. `None`: the segment was being made and never held a frame; it is gone.
    ///
    /// # Errors
    /// Damage that no interrupted write explains, or what the file system refused.
    pub fn resume(path: &Path, first: u64) -> Result<Option<(Self, AuditHead)>, AuditError> {
        let io = |doing| AuditError::io(doing, path);
        let damaged = |offset, why| AuditError::Damaged { segment: path.to_owned(), offset, why };
        let file = OpenOptions::new().read(true).write(true).open(path).map_err(io("opening an audit segment"))?;
        let source = file.try_clone().map_err(io("opening an audit segment"))?;
        let mut walk = match Walk::begin(source, None).map_err(io("reading an audit segment"))? {
            Ok(walk) => walk,
            Err(why) => return unfinished(&file, path, why).map(|()| None),
        };
        if walk.header.first() != first {
            return Err(damaged(0, Why::Name { says: walk.header.first() }));
        }
        let mut head = walk.header.before;
        let (mut last, mut first_day) = (None, None);
        let torn = loop {
            let (at, step) = (walk.offset, walk.step().map_err(io("reading an audit segment"))?);
            match step {
                Step::Group(offset, entries) => {
                    head = frame::chained(head, &entries).map_err(|why| damaged(at, why))?;
                    if first_day.is_none() {
                        let kept = entries.first().expect("a frame must hold an entry");
                        let entry = Entry::decode(kept.message);
                        let entry = entry.map_err(|bad| damaged(at, Why::Entry { number: kept.number, bad }))?;
                        first_day = Some(day(entry.micros));
                    }
                    last = Some(offset);
                }
                Step::End => break false,
                Step::Bad(Why::NotAFrame) => break true,
                Step::Bad(why) => return Err(damaged(at, why)),
            }
        };
        if torn {
            if walk.goes_on().map_err(io("reading an audit segment"))? {
                return Err(damaged(walk.offset, Why::NotAFrame));
            }
            warn!(
                audit.segment = %path.display(), audit.offset = walk.offset, audit.entries = head.entries,
                "the end of the audit was torn by an interrupted write and is cut off"
            );
        }
        let end = walk.offset;
        file.set_len(end).map_err(io("cutting an audit segment"))?;
        let again = (|| {
            let from = last.unwrap_or(0);
            let mut bytes = vec![0; usize::try_from(end - from).map_err(io::Error::other)?];
            file.read_exact_at(&mut bytes, from)?;
            file.write_all_at(&bytes, from)?;
            file.write_all_at(&walk.header.encode(), 0)
        })();
        again.map_err(io("writing the last entries again"))?;
        file.sync_all().map_err(AuditError::sync(path))?;
        let header = walk.header;
        Ok(Some((Self { file, path: path.to_owned(), header, end, length: end, day: first_day }, head)))
    }

    /// Writes one frame, made for [`Self::end`], and has it on the disk itself.
    ///
    /// # Errors
    /// The write's or the sync's failure. After a write that found no room nothing of the frame is left.
    pub fn append(&mut self, frame: &mut Vec<u8>, medium: &dyn Medium) -> Result<(), AuditError> {
        let end = self.end + frame.len() as u64;
        let length = if end > self.length { end + STRETCH } else { self.length };
        if length > self.length {
            frame.resize(usize::try_from(length - self.end).expect("a frame and a stretch must fit memory"), 0);
        }
        if let Err(error) = medium.write(&self.file, frame, self.end) {
            let error = AuditError::io("writing the audit", &self.path)(error);
            if error.is_full() {
                self.cut()?;
            }
            return Err(error);
        }
        medium.sync(&self.file).map_err(AuditError::sync(&self.path))?;
        (self.end, self.length) = (end, length);
        Ok(())
    }

    /// Takes off what a write that found no room left.
    fn cut(&mut self) -> Result<(), AuditError> {
        self.file.set_len(self.end).map_err(AuditError::io("cutting back the audit", &self.path))?;
        self.file.sync_all().map_err(AuditError::sync(&self.path))?;
        self.length = self.end;
        Ok(())
    }

    /// Has the file end with its last frame: nothing is ever appended to it again.
    ///
    /// # Errors
    /// What the file system refused.
    pub fn seal(&mut self) -> Result<(), AuditError> {
        self.cut()
    }
}

/// A segment without a sound header: gone where it was being made when the process ended, and damage otherwise.
fn unfinished(file: &File, path: &Path, why: Why) -> Result<(), AuditError> {
    let length = file.metadata().map_err(AuditError::io("measuring an audit segment", path))?.len();
    let empty = only_zeros(file, (HEADER as u64).min(length), length);
    let empty = empty.map_err(AuditError::io("reading an audit segment", path))?;
    match why {
        Why::HeaderCutShort | Why::Header if empty => {
            fs::remove_file(path).map_err(AuditError::io("removing an unfinished audit segment", path))?;
            path.parent().map_or(Ok(()), files::sync_names)
        }
        why => Err(AuditError::Damaged { segment: path.to_owned(), offset: 0, why }),
    }
}
