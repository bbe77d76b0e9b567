//! What a store with a recovery journal does beyond one without: the journal
//! before the engine, the engine close behind it, and, after a full disk, the
//! engine opened again and filled from the journal. No rule of the ledger is
//! judged here, and nothing is acknowledged.

use std::collections::HashMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::engine::{CommitError, Engine};
use super::error::{AppendError, StoreError};
use super::journal::{Journal, JournalError, JournalFault, Opened, Reader};
use super::keeper::{self, Failure, Keeper};
use super::keyed::{Fate, KeyedStore, Writer, head_bytes, stored};
use super::keys::Key;
use super::space::Space;
use super::status::{Recovered, Status};
use super::suspicion::Suspicion;
use super::{Derive, Head, Store, StoredEvent, pb};
use crate::domain::Revision;

/// Events and bytes of a batch while the engine is filled.
const FILL_EVENTS: usize = 1_000;
const FILL_BYTES: usize = 4 << 20;

/// What a journalled store keeps beside its engine.
pub(super) struct Journalled {
    pub keeper: Keeper,
    pub space: Space,
    pub suspicion: Suspicion,
    pub derive: Arc<Derive>,
    pub directory: PathBuf,
    pub segment_bytes: u64,
    pub reader: Mutex<Reader>,
    pub recovered: Option<Recovered>,
    /// See [`Store::refills`].
    pub refills: AtomicU64,
}

impl fmt::Debug for Journalled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Journalled").field("directory", &self.directory).finish_non_exhaustive()
    }
}

impl Journalled {
    /// Whether the engine is behind the ledger just now.
    pub fn refilling(&self) -> bool {
        self.refills.load(Ordering::SeqCst) % 2 == 1
    }

    pub fn status(&self) -> Status {
        let reader = self.reader.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Status {
            journal: Some(reader.extent()),
            engine_synced: self.keeper.synced().revision,
            disk: Some(self.space.status()),
            recovered: self.recovered.clone(),
            suspect: self.suspicion.told(),
        }
    }
}

/// Why the engine could not be filled.
#[derive(Debug)]
pub enum FillError<X> {
    /// The engine.
    Store(StoreError),
    /// Where the events come from.
    Source(X),
    /// The engine has another event where the source has this one.
    Conflict {
        /// At which revision.
        revision: Revision,
        /// Hash of the engine's.
        engine: super::EventHash,
        /// Hash of the source's.
        source: super::EventHash,
    },
}

impl<X> From<StoreError> for FillError<X> {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl<X> From<AppendError> for FillError<X> {
    fn from(error: AppendError) -> Self {
        Self::Store(match error {
            AppendError::Failed(error) => error,
            AppendError::Full | AppendError::ReadOnly => StoreError::Full,
            error @ (AppendError::Conflict { .. } | AppendError::Unfit(_)) => {
                StoreError::Engine { doing: "filling the engine", source: error.into() }
            }
        })
    }
}

impl<E: Engine> KeyedStore<E> {
    /// Waits for the engine's files where they are far behind, and learns here what the keeper failed with.
    pub(super) fn keep_up(&self, writer: &mut Writer) -> Result<(), AppendError> {
        let Some(journalled) = &self.journalled else { return Ok(()) };
        match journalled.keeper.wait_room() {
            Ok(()) => Ok(()),
            Err(Failure::Full) => Err(self.full(writer)),
            Err(Failure::Failed(cause)) => {
                writer.fate = Fate::Stopped(cause.clone());
                Err(StoreError::Stopped { cause }.into())
            }
        }
    }

    /// The commit point: on the disk itself when this returns.
    pub(super) fn journal(&self, writer: &mut Writer, sealed: &[StoredEvent]) -> Result<(), AppendError> {
        let journal = writer.journal.as_mut().expect("a journalled store that takes writes must hold its journal");
        match journal.append(sealed) {
            Ok(_) => Ok(()),
            Err(JournalFault::Full) => Err(self.full(writer)),
            Err(JournalFault::Failed { cause }) => {
                writer.fate = Fate::Stopped(cause.clone());
                Err(StoreError::Engine { doing: "journalling a group", source: cause.into() }.into())
            }
            Err(JournalFault::Unfit { reason }) => {
                Err(StoreError::Engine { doing: "journalling a group", source: reason.into() }.into())
            }
        }
    }

    /// No more writes, for good.
    pub(super) fn stop(&self, writer: &mut Writer, cause: &str) {
        writer.fate = Fate::Stopped(cause.to_owned());
        if let Some(journalled) = &self.journalled {
            journalled.keeper.fail(Failure::Failed(cause.to_owned()));
        }
    }

    /// The disk is full: no writes until [`Store::reopen`]. With a journal, the ballast makes room enough to open the
    /// engine again and fill it at once, so that reads go on.
    pub(super) fn full(&self, writer: &mut Writer) -> AppendError {
        writer.fate = Fate::Full;
        if let Some(journalled) = &self.journalled {
            journalled.keeper.fail(Failure::Full);
            journalled.space.give_up();
            if let Err(error) = self.refill(writer, journalled) {
                tracing::error!(error = %error, "the disk is full and the engine cannot be read until there is room");
            }
        }
        AppendError::Full
    }

    /// [Refills](Self::fill_again), and lets it be told apart what was read meanwhile.
    fn refill(&self, writer: &mut Writer, journalled: &Journalled) -> Result<Head, StoreError> {
        let before = journalled.refills.fetch_or(1, Ordering::SeqCst) | 1;
        let filled = self.fill_again(writer, journalled);
        match &filled {
            Ok(_) => journalled.refills.store(before + 1, Ordering::SeqCst),
            Err(error) => journalled.suspicion.note(error),
        }
        filled
    }

    /// Opens journal and engine again, and fills the engine from what it is known to have had on the disk.
    fn fill_again(&self, writer: &mut Writer, journalled: &Journalled) -> Result<Head, StoreError> {
        // Closed first: there is one writer of a journal at a time.
        writer.journal = None;
        let Journalled { directory, segment_bytes, .. } = journalled;
        let opened = Journal::open(directory, self.identity, *segment_bytes).map_err(from_journal)?;
        let Opened { journal, .. } = opened.ok_or_else(|| StoreError::Engine {
            doing: "opening the journal again",
            source: "it is not there any more".into(),
        })?;
        *journalled.reader.lock().unwrap_or_else(PoisonError::into_inner) = journal.reader();
        self.engine.reopen()?;
        let synced = journalled.keeper.synced();
        let mut events = journal.events(synced.revision.next());
        let filled = self.fill(writer, synced, &mut events, Some(&*journalled.derive));
        let head = filled.map_err(|error| match error {
            FillError::Store(error) => error,
            FillError::Source(error) => from_journal(error),
            FillError::Conflict { revision, .. } => StoreError::BrokenChain { revision },
        })?;
        writer.journal = Some(journal);
        self.publish(head);
        Ok(head)
    }

    /// See [`Store::reopen`].
    pub(super) fn reopened(&self) -> Result<Head, StoreError> {
        let stopped = |_| StoreError::Stopped { cause: "the engine panicked during a write".to_owned() };
        let mut writer = self.writer.lock().map_err(stopped)?;
        let Some(journalled) = &self.journalled else { return Ok(self.durable_head()) };
        match &writer.fate {
            // A read may have met the full disk before any write did.
            Fate::Open => match self.engine.sync() {
                Ok(()) => return Ok(self.durable_head()),
                Err(CommitError::Full) => {
                    self.full(&mut writer);
                    return Err(StoreError::Full);
                }
                Err(CommitError::Failed(error)) => {
                    self.stop(&mut writer, &error.to_string());
                    return Err(error);
                }
            },
            Fate::Stopped(cause) => return Err(StoreError::Stopped { cause: cause.clone() }),
            Fate::Full => {}
        }
        if journalled.space.room().is_err() {
            return Err(StoreError::Full);
        }
        let refilled = self.refill(&mut writer, journalled);
        let done = refilled.and_then(|head| self.engine.sync().map_err(StoreError::from).map(|()| head));
        match done {
            Ok(head) => {
                writer.fate = Fate::Open;
                journalled.keeper.resume(head);
                journalled.space.take_ballast();
                tracing::info!(ledger.revision = head.revision.0, "there is room again: writes are taken");
                Ok(head)
            }
            Err(StoreError::Full) => {
                journalled.space.give_up();
                Err(StoreError::Full)
            }
            // Whatever closed the engine may hold its files a little longer on a busy machine.
            Err(error @ StoreError::InUse { .. }) => Err(error),
            Err(error) => {
                self.stop(&mut writer, &error.to_string());
                Err(error)
            }
        }
    }

    /// Writes the events after `from`, unchanged, with what `derive` says follows from them (without it the views are
    /// to be rebuilt later, whole), and gives the head that they lead to. What the engine holds there already is written again, for it may not all be on the disk.
    pub(super) fn fill<X>(
        &self,
        writer: &mut Writer,
        from: Head,
        events: &mut dyn Iterator<Item = Result<StoredEvent, X>>,
        derive: Option<&Derive>,
    ) -> Result<Head, FillError<X>> {
        let mut at = from;
        let mut events = events.peekable();
        while events.peek().is_some() {
            let mut batch = E::Batch::default();
            let mut decoded: Vec<pb::Event> = Vec::new();
            let (mut count, mut bytes) = (0, 0);
            while count < FILL_EVENTS
                && bytes < FILL_BYTES
                && let Some(event) = events.next()
            {
                let event = event.map_err(FillError::Source)?;
                at = at.followed_by(&event)?;
                self.same(event.revision, at.hash)?;
                if derive.is_some() {
                    decoded.push(self.open_event(&event)?);
                }
                writer.put_event(&mut batch, &event).map_err(AppendError::from)?;
                count += 1;
                bytes += event.bytes.len();
            }
            if let Some(derive) = derive {
                let mut written = HashMap::new();
                for (entry, change) in derive(self, &decoded)? {
                    self.change(writer, &mut batch, &mut written, (&entry, change.as_deref()))?;
                }
            }
            writer.put(&mut batch, &Key::head(), &head_bytes(&at)).map_err(AppendError::from)?;
            // Not through `apply`: a full disk here is not met with another attempt to fill.
            self.engine.apply(batch).map_err(StoreError::from)?;
            if self.durable_head().revision < at.revision {
                self.publish(at);
            }
        }
        Ok(at)
    }

    /// Whether the engine has this event, or none that can be read: a torn one is about to be replaced.
    fn same<X>(&self, revision: Revision, source: super::EventHash) -> Result<(), FillError<X>> {
        match stored(&*self.engine, revision) {
            Ok(Some(event)) if event.hash() == source => Ok(()),
            Ok(Some(event)) => Err(FillError::Conflict { revision, engine: event.hash(), source }),
            Ok(None) | Err(StoreError::Corrupt { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// See [`Store::release_journal`].
    pub(super) fn release(&self, covered: &Head) -> Result<u64, StoreError> {
        let Some(journalled) = &self.journalled else { return Ok(0) };
        if let Some(event) = self.stored_event(covered.revision)?
            && event.hash() != covered.hash
        {
            return Err(StoreError::BrokenChain { revision: covered.revision });
        }
        let through = keeper::released(journalled.keeper.synced(), *covered);
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        match &mut writer.journal {
            Some(journal) => journal.retire(through).map_err(from_journal),
            None => Ok(0),
        }
    }

    /// Notes damage for the next start. An engine that is behind the ledger while it is filled again is not damaged.
    pub(super) fn noted<T>(&self, read: Result<T, StoreError>) -> Result<T, StoreError> {
        if let (Err(error), Some(journalled)) = (&read, &self.journalled)
            && !journalled.refilling()
        {
            journalled.suspicion.note(error);
        }
        read
    }
}

fn from_journal(error: JournalError) -> StoreError {
    if error.is_full() {
        StoreError::Full
    } else {
        StoreError::Engine { doing: "reading the journal", source: error.into() }
    }
}

impl From<CommitError> for AppendError {
    fn from(error: CommitError) -> Self {
        match error {
            CommitError::Full => Self::Full,
            CommitError::Failed(error) => Self::Failed(error),
        }
    }
}
