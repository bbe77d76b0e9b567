//! The thread that writes the audit: whatever waits becomes one frame, one write
//! and one sync, and only then is anybody answered. It never drops an entry, and
//! never tries again what failed for another reason than want of room.

use std::path::PathBuf;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use metrics::{counter, gauge};
use smallvec::SmallVec;
use tokio::sync::{OwnedSemaphorePermit, mpsc, oneshot};
use tracing::{error, info, warn};

use super::error::{AuditError, AuditFault};
use super::frame::{AuditHead, ENTRY_HEADER, FRAME_HEADER, Group, HEADER};
use super::tail::{Medium, Tail, day};
use super::{AuditCondition, Durable, Recorded, Shared, index};
use crate::telemetry::metrics::{
    AUDIT_ENTRIES, AUDIT_GROUP_ENTRIES, AUDIT_SYNC_SECONDS, AUDIT_SYNCS, AUDIT_WAITING, AUDIT_WRITABLE, flag, float,
};

/// Most entries of one frame.
const GROUP_ENTRIES: usize = 4_096;
/// Bytes after which a frame takes no further entry.
const GROUP_BYTES: u64 = 4 << 20;
/// A buffer that grew beyond this for one long group is let go of.
const KEPT_BUFFER: usize = 8 << 20;

/// An entry that waits to be written.
pub struct Queued {
    pub message: Vec<u8>,
    pub micros: i64,
    /// Given back when the entry was answered: its place in the queue, and those of the entries that came with it.
    pub places: Option<OwnedSemaphorePermit>,
    /// `None`: nobody waits any more.
    pub reply: Option<oneshot::Sender<Result<Recorded, AuditFault>>>,
}

/// Entries that come together, most often one.
pub type Together = SmallVec<[Queued; 1]>;

/// What the thread is told.
pub enum Told {
    Entries(Together),
    /// Write what waits, and end.
    Stop,
}

/// The writer.
pub struct Writer {
    pub directory: PathBuf,
    pub tail: Tail,
    pub head: AuditHead,
    pub segment_bytes: u64,
    pub medium: Arc<dyn Medium>,
    pub shared: Arc<Shared>,
    pub failed: Option<AuditFault>,
    pub buffer: Vec<u8>,
    /// The thread that makes the index of the segment sealed last.
    pub indexing: Option<JoinHandle<()>>,
}

impl Writer {
    /// Works until nobody can ask anything more, or it is told to stop.
    pub fn run(mut self, mut queue: mpsc::UnboundedReceiver<Told>) {
        let mut waiting = Vec::new();
        gauge!(AUDIT_ENTRIES).set(float(self.head.entries));
        gauge!(AUDIT_WRITABLE).set(flag(true));
        while let Some(told) = queue.blocking_recv() {
            take(told, &mut queue, &mut waiting);
            while !waiting.is_empty() {
                while waiting.len() < GROUP_ENTRIES
                    && let Ok(told) = queue.try_recv()
                {
                    take(told, &mut queue, &mut waiting);
                }
                gauge!(AUDIT_WAITING).set(float((waiting.len() + queue.len()) as u64));
                self.write(&mut waiting);
            }
            gauge!(AUDIT_WAITING).set(0.0);
        }
        self.indexed();
        info!(audit.entries = self.head.entries, audit.head = %self.head.hex(), "the audit is closed");
    }

    /// Writes the first of what waits as one group, and answers it.
    fn write(&mut self, waiting: &mut Vec<Queued>) {
        let mut group = Group::after(self.head, std::mem::take(&mut self.buffer));
        let mut count = 0;
        for queued in waiting.iter() {
            if count == GROUP_ENTRIES || group.length() >= GROUP_BYTES {
                break;
            }
            group.push(&queued.message);
            count += 1;
        }
        let first = self.head.entries + 1;
        let newest = waiting.iter().take(count).map(|queued| queued.micros).max().unwrap_or(0);
        let outcome = self.commit(group, day(newest));
        if outcome.is_ok() {
            gauge!(AUDIT_ENTRIES).set(float(self.head.entries));
            gauge!(AUDIT_GROUP_ENTRIES).set(float(count as u64));
        }
        for (number, queued) in (first..).zip(waiting.drain(..count)) {
            drop(queued.places);
            if let Some(reply) = queued.reply {
                // Whoever does not wait any more learns of it from the log.
                let _ = reply.send(outcome.clone().map(|()| Recorded { number }));
            }
        }
    }

    fn commit(&mut self, group: Group, day: i64) -> Result<(), AuditFault> {
        if let Some(fault) = &self.failed {
            return Err(fault.clone());
        }
        let written = self.append(group, day);
        match written {
            Ok(()) => {
                if self.shared.condition() == AuditCondition::Full {
                    info!("the audit can be written again");
                    gauge!(AUDIT_WRITABLE).set(flag(true));
                }
                self.shared.set_condition(AuditCondition::Open);
                Ok(())
            }
            Err(cause) => Err(self.refused(cause)),
        }
    }

    fn refused(&mut self, cause: AuditError) -> AuditFault {
        gauge!(AUDIT_WRITABLE).set(flag(false));
        let fault = AuditFault::from(cause);
        if fault == AuditFault::Full {
            if self.shared.condition() != AuditCondition::Full {
                warn!("the disk is full: the audit cannot be written, and nothing is disclosed until it can");
            }
            self.shared.set_condition(AuditCondition::Full);
        } else {
            error!(fault = %fault, "the audit failed for good: nothing is disclosed by this process any more");
            self.shared.set_condition(AuditCondition::Failed);
            self.failed = Some(fault.clone());
        }
        fault
    }

    fn append(&mut self, group: Group, day: i64) -> Result<(), AuditError> {
        let long = self.tail.end + group.length() > self.segment_bytes;
        let another_day = self.tail.day.is_some_and(|begun| begun < day);
        if self.tail.end > HEADER as u64 && (long || another_day) {
            self.roll()?;
        }
        let head = group.head();
        let mut frame = group.seal(&self.tail.header, self.tail.end);
        let begun = Instant::now();
        let appended = self.tail.append(&mut frame, &*self.medium);
        if frame.capacity() <= KEPT_BUFFER {
            self.buffer = frame;
        }
        appended?;
        told(begun.elapsed());
        self.head = head;
        self.tail.day.get_or_insert(day);
        self.shared.durable.store(Arc::new(Durable { head, segment: self.tail.header.first(), end: self.tail.end }));
        Ok(())
    }

    /// Seals the segment and goes on with the next. Its index is made by a thread of its own: nobody waits for it.
    fn roll(&mut self) -> Result<(), AuditError> {
        self.tail.seal()?;
        let next = Tail::create(&self.directory, self.tail.header.log, self.head, &*self.medium)?;
        let sealed = std::mem::replace(&mut self.tail, next);
        info!(
            audit.segment = %sealed.path.display(), audit.entries = self.head.entries, audit.head = %self.head.hex(),
            "an audit segment is sealed: write its head down outside"
        );
        let (directory, first) = (self.directory.clone(), sealed.header.first());
        self.indexed();
        let indexing = thread::Builder::new().name("audit-index".to_owned()).spawn(move || {
            if let Err(error) = index::of_sealed(&directory, first) {
                warn!(error = %error, "the index of an audit segment could not be kept; it is made when it is needed");
            }
        });
        match indexing {
            Ok(indexing) => self.indexing = Some(indexing),
            Err(error) => {
                warn!(error = %error, "no thread for the index of an audit segment; it is made when it is needed");
            }
        }
        Ok(())
    }

    /// Waits for the index that is being made: one at a time, and none when the log is closed.
    fn indexed(&mut self) {
        if let Some(indexing) = self.indexing.take()
            && indexing.join().is_err()
        {
            warn!("making the index of an audit segment ended in a panic; it is made when it is needed");
        }
    }
}

fn take(told: Told, queue: &mut mpsc::UnboundedReceiver<Told>, waiting: &mut Vec<Queued>) {
    match told {
        Told::Entries(together) => waiting.extend(together),
        // What was sent before is still received.
        Told::Stop => queue.close(),
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        // However the thread ended: nothing is taken any more.
        self.shared.set_condition(AuditCondition::Stopped);
    }
}

fn told(took: Duration) {
    gauge!(AUDIT_SYNC_SECONDS).set(took.as_secs_f64());
    counter!(AUDIT_SYNCS).increment(1);
}

/// Bytes that an entry takes at most, so that a group of it alone is within the bounds of a frame.
pub const MOST_MESSAGE: usize = super::frame::MAX_BODY / 2 - ENTRY_HEADER - FRAME_HEADER;
