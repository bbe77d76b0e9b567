//! The audit log: who looked at whom, when, why, and what came of it. It is on
//! the disk before the answer leaves, or the answer does not leave. Apart from
//! the ledger, so that reads neither move revisions nor wait behind imports. It
//! never drops an entry, never changes one, and holds no name and no reference.
//!
//! A directory of segments, each named after its first entry. Numbers are
//! big-endian.
//!
//! | bytes | segment header |
//! |---|---|
//! | 8 | magic `SYAUDITS` |
//! | 2, 2 | format version; zeros |
//! | 16 | drawn when the log was made |
//! | 8, 32 | number and hash of the entry before its first |
//! | 4 | crc32c of the above |
//!
//! | bytes | frame, one for each group |
//! |---|---|
//! | 4 | sync word |
//! | 4, 4, 8 | bytes after this header, entries, number of the first |
//! | 4 | crc32c of all the rest, of log, segment and offset |
//! | 4, 8, 32, n | each entry: length of its message, number, hash of the entry before, message |
//!
//! The hash of an entry is BLAKE3 of its number, the hash before and its message.
//! The last segment may end in zeros; a sealed one ends with its last frame.
//!
//! **Torn or damaged.** One group is synced before the next is written. A bad
//! frame with no sound one behind it, at the end of the last segment, was never
//! acknowledged and is cut at the next start. Anything else in the last segment
//! refuses the start: nothing may be appended to what cannot be trusted. Earlier
//! segments are not read at a start: damage there is told by verification and by
//! reads, and the server serves. What cannot be told apart is a last group damaged
//! after it was acknowledged: the head in the ledger tells that.
//!
//! - [`entry`] and [`subjects`]: what is kept; [`frame`]: its bytes; [`walk`]: reading them
//! - [`tail`], [`writer`]: writing; [`index`]: who is in which frame
//! - [`read`]: asking; [`verify`]: the whole chain

pub mod entry;
mod error;
mod files;
pub mod frame;
pub mod index;
mod read;
pub mod subjects;
mod tail;
#[cfg(test)]
mod tests;
mod verify;
pub mod walk;
mod writer;

use std::fs::{DirBuilder, File, TryLockError};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

use arc_swap::ArcSwap;
use smallvec::{SmallVec, smallvec};
use tempfile::TempDir;
use tokio::sync::{Semaphore, mpsc, oneshot};

pub use entry::{Entry, EntryKind, Outcome, SeenScope};
pub use error::{AuditError, AuditFault};
pub use frame::{AuditHead, Why};
pub use read::{Event, Page, Query, Way};
pub use subjects::SubjectSet;
use tail::{Disk, Medium, Tail};
pub use verify::{Fault, Report, verify};
use writer::{MOST_MESSAGE, Queued, Together, Told, Writer};

/// Entries that may wait for the writer before whoever records waits for a place.
const QUEUE: usize = 4_096;

/// Longest segment, bytes: an index holds offsets of 32 bits.
const MOST_SEGMENT: u64 = 1 << 30;

/// How a log is kept.
#[derive(Clone)]
pub struct Options {
    /// Bytes at which a segment is sealed. Default 16 MiB.
    pub segment_bytes: u64,
    medium: Arc<dyn Medium>,
}

impl Default for Options {
    fn default() -> Self {
        Self { segment_bytes: 16 << 20, medium: Arc::new(Disk) }
    }
}

/// An entry that is on the disk itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// Its number, from 1.
    pub number: u64,
}

/// Whether entries are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum AuditCondition {
    /// They are.
    Open,
    /// The disk is full: they are refused until it has room.
    Full,
    /// Writing failed: none is taken until the next start.
    Failed,
    /// The log was closed.
    Stopped,
}

impl AuditCondition {
    const ALL: [Self; 4] = [Self::Open, Self::Full, Self::Failed, Self::Stopped];

    /// Why nothing can be disclosed, as a sentence; `None`: it can.
    pub const fn refusal(self) -> Option<&'static str> {
        match self {
            Self::Open => None,
            Self::Full => Some("the disk is full and the audit cannot be written: free space"),
            Self::Failed => Some("writing the audit failed: look at the disk and the kernel's log, then start again"),
            Self::Stopped => Some("the audit is closed: the server is ending"),
        }
    }
}

/// What of the log is on the disk itself.
#[derive(Debug)]
struct Durable {
    head: AuditHead,
    /// First entry of the segment that is written.
    segment: u64,
    /// Where in it the last frame ends.
    end: u64,
}

/// What the writer tells everybody.
struct Shared {
    durable: ArcSwap<Durable>,
    condition: AtomicU8,
}

impl Shared {
    fn condition(&self) -> AuditCondition {
        let number = self.condition.load(Ordering::Acquire);
        AuditCondition::ALL.into_iter().find(|it| *it as u8 == number).expect("a condition must be one of them")
    }

    fn set_condition(&self, condition: AuditCondition) {
        self.condition.store(condition as u8, Ordering::Release);
    }
}

/// The audit log. Cheap to clone; its thread ends when the last clone is gone and everything queued is written.
#[derive(Clone)]
pub struct AuditLog(Arc<Inner>);

struct Inner {
    directory: PathBuf,
    queue: mpsc::UnboundedSender<Told>,
    places: Arc<Semaphore>,
    shared: Arc<Shared>,
    thread: Mutex<Option<JoinHandle<()>>>,
    /// Held as long as the log is open.
    _lock: File,
    /// Gone with the log, of a log that is kept in passing.
    _passing: Option<TempDir>,
}

impl AuditLog {
    /// Opens the log of a directory, or makes it there. Blocks.
    ///
    /// # Errors
    /// Damage in the last segment that no interrupted write explains, a log that is open already, or what the file
    /// system refused.
    pub fn open(directory: &Path, options: Options) -> Result<Self, AuditError> {
        Self::opened(directory, options, None)
    }

    /// A log in a temporary directory that goes with it, for a server whose store is in memory too. Blocks.
    ///
    /// # Errors
    /// What the file system refused.
    pub fn in_passing() -> Result<Self, AuditError> {
        let passing = tempfile::Builder::new().prefix("steelyard-audit-").tempdir();
        let passing = passing.map_err(AuditError::io("making a temporary directory in", &std::env::temp_dir()))?;
        let directory = passing.path().to_owned();
        Self::opened(&directory, Options::default(), Some(passing))
    }

    fn opened(directory: &Path, options: Options, passing: Option<TempDir>) -> Result<Self, AuditError> {
        let there = directory.is_dir();
        // Closed to other users, like the data directory.
        let made = DirBuilder::new().recursive(true).mode(0o700).create(directory);
        made.map_err(AuditError::io("creating", directory))?;
        if !there && let Some(parent) = directory.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            files::sync_names(parent)?;
        }
        let lock = lock(directory)?;
        let (tail, head) = last(directory, &*options.medium)?;
        files::sync_names(directory)?;
        let durable = Durable { head, segment: tail.header.first(), end: tail.end };
        let shared = Arc::new(Shared {
            durable: ArcSwap::from_pointee(durable),
            condition: AtomicU8::new(AuditCondition::Open as u8),
        });
        let (queue, waiting) = mpsc::unbounded_channel();
        let writer = Writer {
            directory: directory.to_owned(),
            tail,
            head,
            segment_bytes: options.segment_bytes.min(MOST_SEGMENT),
            medium: options.medium,
            shared: Arc::clone(&shared),
            failed: None,
            buffer: Vec::new(),
            indexing: None,
        };
        let thread = thread::Builder::new().name("audit".to_owned()).spawn(move || writer.run(waiting));
        let thread = Mutex::new(Some(thread.map_err(AuditError::io("starting the audit's thread", directory))?));
        let places = Arc::new(Semaphore::new(QUEUE));
        let directory = directory.to_owned();
        Ok(Self(Arc::new(Inner { directory, queue, places, shared, thread, _lock: lock, _passing: passing })))
    }

    /// Records an entry: it is on the disk itself when this returns. Waits for a place where many wait. An entry whose
    /// recording was begun (polled once) is recorded also when nobody waits for it any more.
    ///
    /// # Errors
    /// Why it is not there; whatever it was about must then not be disclosed.
    pub async fn record(&self, entry: Entry) -> Result<Recorded, AuditFault> {
        self.record_all([entry]).await
    }

    /// As [`record`](Self::record), entries of one call: they come to the writer together, so they are one group, or the end
    /// of one and the beginning of the next. Gives the number of the last; of none, 0.
    ///
    /// # Errors
    /// Why one of them is not there. Where one is too long, none is.
    pub async fn record_all(&self, entries: impl IntoIterator<Item = Entry>) -> Result<Recorded, AuditFault> {
        let encoded = entries.into_iter().map(encoded).collect::<Result<SmallVec<[Encoded; 1]>, _>>()?;
        // Never more than there are: however many a call has, it gets its turn.
        let places = u32::try_from(encoded.len().min(QUEUE)).expect("a place must be counted in 32 bits");
        // Go into the queue also when this future is dropped while it waits for places.
        let mut unsent = Unsent { queue: &self.0.queue, entries: encoded };
        let places = Arc::clone(&self.0.places).acquire_many_owned(places).await.map_err(|_| AuditFault::Stopped)?;
        let mut replies: SmallVec<[_; 1]> = SmallVec::new();
        let mut queued: Together = SmallVec::new();
        for (message, micros) in std::mem::take(&mut unsent.entries) {
            let (reply, recorded) = oneshot::channel();
            queued.push(Queued { message, micros, places: None, reply: Some(reply) });
            replies.push(recorded);
        }
        if let Some(last) = queued.last_mut() {
            // The last is answered last.
            last.places = Some(places);
        }
        self.0.queue.send(Told::Entries(queued)).map_err(|_| AuditFault::Stopped)?;
        let mut last = Recorded { number: 0 };
        for recorded in replies {
            last = recorded.await.unwrap_or(Err(AuditFault::Stopped))?;
        }
        Ok(last)
    }

    /// As [`record`](Self::record), for a thread that may block. Waits for no place.
    ///
    /// # Errors
    /// As [`record`](Self::record).
    pub fn record_blocking(&self, entry: Entry) -> Result<Recorded, AuditFault> {
        let (message, micros) = encoded(entry)?;
        let (reply, recorded) = oneshot::channel();
        let queued = Queued { message, micros, places: None, reply: Some(reply) };
        self.0.queue.send(Told::Entries(smallvec![queued])).map_err(|_| AuditFault::Stopped)?;
        recorded.blocking_recv().unwrap_or(Err(AuditFault::Stopped))
    }

    /// Where the log ends on the disk itself.
    pub fn head(&self) -> AuditHead {
        self.0.shared.durable.load().head
    }

    /// Whether entries are taken.
    pub fn condition(&self) -> AuditCondition {
        self.0.shared.condition()
    }

    /// Where the log is kept.
    pub fn directory(&self) -> &Path {
        &self.0.directory
    }

    /// Checks the last `most` entries (`None`: all), and that what was written down outside is among them. Blocks.
    ///
    /// # Errors
    /// What the file system refused. What is wrong with the log is in the report.
    pub fn verify(&self, most: Option<u64>, against: Option<AuditHead>) -> Result<Report, AuditError> {
        let durable = self.0.shared.durable.load_full();
        let from = most.map_or(1, |most| durable.head.entries.saturating_sub(most) + 1);
        verify::check(&self.0.directory, from, Some(&durable), against)
    }

    /// A page of entries. Safe while entries are appended; blocks.
    ///
    /// # Errors
    /// What the file system refused, or damage where the page lies.
    pub fn read(&self, query: &Query) -> Result<Page, AuditError> {
        let durable = self.0.shared.durable.load_full();
        read::page(&self.0.directory, &durable, query)
    }

    /// Writes everything queued and ends the log, whoever else holds it. Blocks until that is done.
    pub fn stop(&self) {
        // Gone already: then everything is written.
        let _ = self.0.queue.send(Told::Stop);
        self.0.join();
    }
}

impl Inner {
    fn join(&self) {
        let thread = self.thread.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take();
        if let Some(thread) = thread
            && thread.join().is_err()
        {
            tracing::error!("the audit's thread ended in a panic: nothing more is recorded");
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        let _ = self.queue.send(Told::Stop);
        self.join();
    }
}

/// An entry's message, and its microseconds since 1970.
type Encoded = (Vec<u8>, i64);

fn encoded(entry: Entry) -> Result<Encoded, AuditFault> {
    let micros = entry.micros;
    let message = entry.encode();
    if message.len() > MOST_MESSAGE { Err(AuditFault::TooLong { bytes: message.len() }) } else { Ok((message, micros)) }
}

/// Entries on their way into the queue.
struct Unsent<'a> {
    queue: &'a mpsc::UnboundedSender<Told>,
    entries: SmallVec<[Encoded; 1]>,
}

impl Drop for Unsent<'_> {
    fn drop(&mut self) {
        let unsent = std::mem::take(&mut self.entries);
        if !unsent.is_empty() {
            let queued = |(message, micros)| Queued { message, micros, places: None, reply: None };
            // Refused only by a log that was stopped.
            let _ = self.queue.send(Told::Entries(unsent.into_iter().map(queued).collect()));
        }
    }
}

/// Takes the log for this process.
fn lock(directory: &Path) -> Result<File, AuditError> {
    let path = directory.join("lock");
    let file = File::options().create(true).truncate(false).write(true).open(&path);
    let file = file.map_err(AuditError::io("opening the lock of the audit", &path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(AuditError::InUse { directory: directory.to_owned() }),
        Err(TryLockError::Error(error)) => Err(AuditError::io("locking", &path)(error)),
    }
}

/// The segment to go on with, and where the log ends.
fn last(directory: &Path, medium: &dyn Medium) -> Result<(Tail, AuditHead), AuditError> {
    let mut segments = files::segments(directory)?;
    while let Some((first, path)) = segments.pop() {
        if let Some(found) = Tail::resume(&path, first)? {
            return Ok(found);
        }
    }
    let log = *uuid::Uuid::new_v4().as_bytes();
    Ok((Tail::create(directory, log, AuditHead::EMPTY, medium)?, AuditHead::EMPTY))
}
