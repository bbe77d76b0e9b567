//! What the writer does when the store cannot take writes. Low on room: nothing
//! is begun. Full all the same: read-only, until the store could be opened again
//! and the state read from it anew. Anything else: the writer stops for good and
//! the process ends, as what is on the disk is then known only to the next start.
//! A failed sync is never tried again here.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tracing::{error, info, warn};

use super::board::Condition;
use super::expiry::Expiry;
use super::start::{self, StartError};
use super::state::State;
use super::writer::Writer;
use crate::domain::Revision;
use crate::reference;
use crate::store::keyring::KeyRingError;
use crate::store::{AppendError, Head, StoreError};

/// Why the writer stopped for good: what the person who has to start it again should know.
#[derive(Debug, thiserror::Error)]
pub enum Halt {
    /// A write failed: how much of it the disk holds is not known.
    #[error(
        "a write to the store failed after revision {after}: {cause}; everything acknowledged is kept: look at the disk and \
         the kernel's log, then start again, and the start brings the store in order"
    )]
    Write {
        /// The last revision acknowledged.
        after: Revision,
        /// What the store said.
        cause: AppendError,
    },
    /// A store that was full could not be opened or read again.
    #[error(
        "the store was full and could not be opened again after revision {after}: {cause}; everything acknowledged is kept: \
         look at the disk and the kernel's log, then start again"
    )]
    Reopen {
        /// The last revision acknowledged.
        after: Revision,
        /// Why.
        cause: StartError,
    },
    /// A store that was opened again lacks what was acknowledged, or holds something else in its place.
    #[error(
        "the store was opened again at {found} and does not hold what was acknowledged at {acknowledged}: keep the data \
         directory as it is and start again; if the start refuses, restore from a backup"
    )]
    Lost {
        /// What was acknowledged last.
        acknowledged: Head,
        /// Where the store stands.
        found: Head,
    },
    /// What the writer knows and what the store holds cannot both be right.
    #[error(
        "the writer could not go on after revision {after}: {what}; everything acknowledged is kept: start again, and if it \
         comes back, run steelyard verify"
    )]
    Inconsistent {
        /// The last revision acknowledged.
        after: Revision,
        /// What was wrong.
        what: String,
    },
    /// The writer panicked.
    #[error(
        "the writer ended in a panic, told on standard error: a fault of the program; everything acknowledged is kept: \
         start again, and report it"
    )]
    Panicked,
}

impl Halt {
    /// Whether the disk or its file system is what failed, and not the program.
    pub fn of_disk(&self) -> bool {
        let store = match self {
            Self::Write { cause: AppendError::Failed(store), .. }
            | Self::Reopen {
                cause: StartError::Store(store) | StartError::Rebuild(AppendError::Failed(store)), ..
            } => store,
            Self::Write { .. }
            | Self::Reopen { .. }
            | Self::Lost { .. }
            | Self::Inconsistent { .. }
            | Self::Panicked => return false,
        };
        match store {
            StoreError::Io { .. } | StoreError::Engine { .. } | StoreError::Full | StoreError::Stopped { .. } => true,
            StoreError::Corrupt { .. }
            | StoreError::MissingEvent { .. }
            | StoreError::BrokenChain { .. }
            | StoreError::NewerSchema { .. }
            | StoreError::NotAStore { .. }
            | StoreError::Sealed { .. }
            | StoreError::NoKeys { .. }
            | StoreError::InUse { .. } => false,
            StoreError::Keys(error) => matches!(error, KeyRingError::Io { .. }),
        }
    }
}

/// How often the writer looks at the disk, and how it spaces its attempts to open a full store again.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// Between two looks while nobody asks anything.
    pub look: Duration,
    /// From the first refusal to the first attempt; doubles with each that finds no room.
    pub first: Duration,
    /// Longest time between two attempts.
    pub most: Duration,
    /// After which the audit's head is written down though nothing else is written.
    pub anchor: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            look: Duration::from_secs(1),
            first: Duration::from_secs(1),
            most: Duration::from_secs(15),
            anchor: Duration::from_mins(1),
        }
    }
}

/// How long to leave a full store alone before it is opened again. A store that opens and is full again at the next
/// write is still full: only a write that was taken makes the next pause short again.
#[derive(Clone, Copy, Debug)]
pub(super) struct Backoff {
    pause: Duration,
    pace: Pace,
}

impl Backoff {
    pub(super) const fn new(pace: Pace) -> Self {
        Self { pause: pace.first, pace }
    }

    /// When to try, of a store found full, or still full, at `now`.
    fn due(self, now: Instant) -> Instant {
        now + self.pause
    }

    fn tried(&mut self) {
        self.pause = (self.pause * 2).min(self.pace.most);
    }

    /// A write was taken.
    pub(super) fn written(&mut self) {
        self.pause = self.pace.first;
    }
}

impl Writer {
    /// Looks whether there is room and whether what runs behind the last write has failed, tries a full store again when that is due, and says how things stand.
    pub(super) fn look(&mut self) {
        if self.halt.is_some() {
            return;
        }
        let was_low = self.low.is_some();
        self.low = self.store.room().err();
        if let Some(due) = self.read_only
            && (due <= Instant::now() || (was_low && self.low.is_none()))
        {
            self.reopen();
        }
        // Learnt here, and not only from the next write: there may be none for hours.
        if self.halt.is_none()
            && self.read_only.is_none()
            && let Err(fault) = self.store.writable()
        {
            self.failed(fault);
        }
        self.tell();
    }

    /// A write found the disk full: what the state knows may never have been kept.
    pub(super) fn fill(&mut self) {
        self.read_only = Some(self.backoff.due(Instant::now()));
        self.tell();
    }

    /// A read found the disk full: the store learns of it by being opened again, which lets reads go on.
    pub(super) fn fill_at_once(&mut self) {
        self.read_only = Some(Instant::now());
        self.tell();
    }

    /// Stops for good. The first reason is the one that is told.
    pub(super) fn stop(&mut self, halt: Halt) {
        if self.halt.is_none() {
            error!(halt = %halt, ledger.revision = self.head.revision.0, "the writer stops: nothing more is acknowledged");
            self.halt = Some(halt);
            self.board.set_condition(Condition::Stopped);
        }
    }

    /// As [`stop`](Self::stop), for what cannot be.
    pub(super) fn inconsistent(&mut self, what: &(impl std::fmt::Display + ?Sized)) {
        self.stop(Halt::Inconsistent { after: self.head.revision, what: what.to_string() });
    }

    /// Puts up how things stand, and logs it where it has changed.
    fn tell(&self) {
        let condition = match (&self.halt, &self.read_only, &self.low) {
            (Some(_), _, _) => Condition::Stopped,
            (None, Some(_), _) => Condition::ReadOnly,
            (None, None, Some(_)) => Condition::Low,
            (None, None, None) => Condition::Open,
        };
        if !self.board.set_condition(condition) {
            return;
        }
        let revision = self.head.revision.0;
        match (condition, self.low) {
            (Condition::Low, Some(short)) => warn!(
                disk.free_bytes = short.free_bytes,
                disk.least_bytes = short.least_bytes,
                ledger.revision = revision,
                "the disk is low: writes are refused until there is room, reads go on"
            ),
            (Condition::ReadOnly, _) => warn!(
                ledger.revision = revision,
                "the store is full: no writes until it could be opened again, lists go on"
            ),
            (Condition::Open | Condition::Low, _) => info!(ledger.revision = revision, "writes are taken"),
            (Condition::Stopped, _) => {}
        }
    }

    fn reopen(&mut self) {
        self.backoff.tried();
        match self.resume() {
            Ok(()) => {
                self.read_only = None;
                info!(ledger.revision = self.head.revision.0, "the store was opened again and read anew");
            }
            Err(Unready::Full) => self.read_only = Some(self.backoff.due(Instant::now())),
            Err(Unready::For(halt)) => self.stop(halt),
        }
    }

    /// Opens the store again, checks that it holds what was acknowledged, and takes everything known from it.
    fn resume(&mut self) -> Result<(), Unready> {
        let acknowledged = self.head;
        let unready = |cause: StartError| Unready::of(acknowledged.revision, cause);
        let store = Arc::clone(&self.store);
        let found = store.reopen().map_err(|cause| unready(cause.into()))?;
        let held = match acknowledged {
            Head::EMPTY => true,
            Head { revision, hash } => {
                let event = store.stored_event(revision).map_err(|cause| unready(cause.into()))?;
                event.is_some_and(|event| event.hash() == hash)
            }
        };
        if !held {
            return Err(Unready::For(Halt::Lost { acknowledged, found }));
        }
        // The old state may know what was never kept, and goes first: two would need twice the memory.
        self.state = State::new(reference::tables());
        let (head, state) = start::read(&*store, reference::tables()).map_err(unready)?;
        let (expiry, _) = Expiry::begin(&*store, head.revision, (self.now)()).map_err(|cause| unready(cause.into()))?;
        (self.head, self.state, self.expiry) = (head, state, expiry);
        self.publish_all().map_err(|_| match self.halt.take() {
            Some(halt) => Unready::For(halt),
            None => Unready::Full,
        })
    }
}

/// Why a full store does not take writes yet.
enum Unready {
    /// There is still no room, or what was closed has not let go of its files yet.
    Full,
    /// It never will in this process.
    For(Halt),
}

impl Unready {
    fn of(after: Revision, cause: StartError) -> Self {
        match cause {
            StartError::Store(StoreError::Full | StoreError::InUse { .. })
            | StartError::Rebuild(AppendError::Full | AppendError::ReadOnly | AppendError::Failed(StoreError::Full)) => {
                Self::Full
            }
            StartError::Store(_)
            | StartError::Rebuild(_)
            | StartError::Unreadable(_)
            | StartError::Astray { .. }
            | StartError::Gap(_) => Self::For(Halt::Reopen { after, cause }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pauses(backoff: &mut Backoff, attempts: usize) -> Vec<u64> {
        let now = Instant::now();
        let pause = |_| {
            let pause = (backoff.due(now) - now).as_secs();
            backoff.tried();
            pause
        };
        (0..attempts).map(pause).collect()
    }

    #[test]
    fn attempts_are_ever_further_apart_up_to_a_bound_until_a_write_is_taken() {
        let mut backoff = Backoff::new(Pace::default());
        assert_eq!(pauses(&mut backoff, 6), [1, 2, 4, 8, 15, 15]);
        backoff.written();
        assert_eq!(pauses(&mut backoff, 2), [1, 2]);
    }
}
