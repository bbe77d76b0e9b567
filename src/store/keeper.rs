//! The thread that keeps the engine's files close behind the journal: it has
//! the engine synced and then writes the checkpoint, at most a second or some
//! thousand events behind. What it fails with stops the writer; it never tries
//! a sync again.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::Head;
use super::checkpoint::Checkpoint;
use super::engine::{CommitError, Engine};
use super::error::StoreError;
use crate::domain::Revision;

/// How far the engine's files may be behind the journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Longest time between a write and the sync after it.
    pub time: Duration,
    /// Events after which it is synced at once.
    pub events: u64,
    /// Events after which the writer waits.
    pub most: u64,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { time: Duration::from_secs(1), events: 4_096, most: 16_384 }
    }
}

/// Why the engine's files fell behind for good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The disk is full.
    Full,
    /// Anything else.
    Failed(String),
}

/// The thread, and what it shares with the writer. When this is dropped the engine has been synced and the
/// checkpoint says that the store was closed in order, unless something had failed.
#[derive(Debug)]
pub struct Keeper {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
    /// Held from the last look at `failed` to the checkpoint: nobody reopens the engine in between.
    syncing: Mutex<()>,
    bounds: Bounds,
}

#[derive(Debug)]
struct State {
    applied: Head,
    synced: Head,
    /// When the first write after the last sync was made.
    since: Option<Instant>,
    failed: Option<Failure>,
    stop: bool,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        // Changed by single assignments only, so that a poisoned lock still guards a whole state.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(&self, state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        self.changed.wait(state).unwrap_or_else(PoisonError::into_inner)
    }
}

impl Keeper {
    /// Starts the thread over an engine that is synced through `synced`, as `checkpoint` already says.
    ///
    /// # Errors
    /// The thread could not be started.
    pub fn start<E: Engine>(
        engine: Arc<E>,
        checkpoint: Checkpoint,
        synced: Head,
        bounds: Bounds,
    ) -> Result<Self, StoreError> {
        let state = State { applied: synced, synced, since: None, failed: None, stop: false };
        let shared =
            Arc::new(Shared { state: Mutex::new(state), changed: Condvar::new(), syncing: Mutex::new(()), bounds });
        let run = Arc::clone(&shared);
        let thread = thread::Builder::new().name("keeper".to_owned()).spawn(move || keep(&run, &*engine, checkpoint));
        let thread = thread
            .map_err(|error| StoreError::Engine { doing: "starting the keeper's thread", source: error.into() })?;
        Ok(Self { shared, thread: Some(thread) })
    }

    /// Waits while the engine's files are too far behind.
    ///
    /// # Errors
    /// They will not follow any more.
    pub fn wait_room(&self) -> Result<(), Failure> {
        let mut state = self.shared.state();
        loop {
            if let Some(failure) = &state.failed {
                return Err(failure.clone());
            }
            if state.applied.revision.0 - state.synced.revision.0.min(state.applied.revision.0)
                <= self.shared.bounds.most
            {
                return Ok(());
            }
            state = self.shared.wait(state);
        }
    }

    /// Tells that the engine has taken writes up to `head`.
    pub fn applied(&self, head: Head) {
        let mut state = self.shared.state();
        let woke = state.since.is_none();
        state.applied = head;
        state.since.get_or_insert_with(Instant::now);
        let far = head.revision.0.saturating_sub(state.synced.revision.0) >= self.shared.bounds.events;
        drop(state);
        if woke || far {
            self.shared.changed.notify_all();
        }
    }

    /// Tells that the engine failed: it is not synced any more, until [`resume`](Self::resume). When this returns no
    /// sync is running.
    pub fn fail(&self, failure: Failure) {
        self.shared.state().failed.get_or_insert(failure);
        self.shared.changed.notify_all();
        drop(self.shared.syncing.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// Goes on with an engine that was reopened and filled up to `head`.
    pub fn resume(&self, head: Head) {
        let mut state = self.shared.state();
        state.failed = None;
        state.applied = head;
        state.since = Some(Instant::now());
        drop(state);
        self.shared.changed.notify_all();
    }

    /// The last event that the engine is known to have on the disk itself.
    pub fn synced(&self) -> Head {
        self.shared.state().synced
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.shared.state().stop = true;
        self.shared.changed.notify_all();
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the thread that syncs the engine's files ended in a panic");
        }
    }
}

fn keep<E: Engine>(shared: &Shared, engine: &E, mut checkpoint: Checkpoint) {
    while let Some(last) = due(shared) {
        let turn = shared.syncing.lock().unwrap_or_else(PoisonError::into_inner);
        let target = {
            let mut state = shared.state();
            if state.failed.is_some() {
                continue;
            }
            state.since = None;
            state.applied
        };
        // A panic of the engine is a failure like any other.
        let synced = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| engine.sync()));
        let panicked =
            || Err(CommitError::Failed(StoreError::Engine { doing: "syncing", source: "it panicked".into() }));
        let written = synced.unwrap_or_else(|_| panicked()).and_then(|()| Ok(checkpoint.write(target, last)?));
        let mut state = shared.state();
        match written {
            Ok(()) => state.synced = target,
            Err(CommitError::Full) => state.failed = Some(Failure::Full),
            Err(CommitError::Failed(error)) => {
                tracing::error!(error = %error, "the engine's files could not be synced: no more writes are taken");
                state.failed = Some(Failure::Failed(error.to_string()));
            }
        }
        drop(state);
        drop(turn);
        shared.changed.notify_all();
        if last {
            return;
        }
    }
}

/// Waits until a sync is due. `Some(true)`: the last, as the store closes. `None`: it closes after a failure.
fn due(shared: &Shared) -> Option<bool> {
    let mut state = shared.state();
    loop {
        if state.stop {
            return state.failed.is_none().then_some(true);
        }
        let behind = state.applied.revision.0.saturating_sub(state.synced.revision.0);
        match state.since {
            Some(_) if state.failed.is_some() => state = shared.wait(state),
            Some(since) => {
                let waited = since.elapsed();
                let left = shared.bounds.time.saturating_sub(waited);
                if behind >= shared.bounds.events || left.is_zero() {
                    return Some(false);
                }
                let waiting = shared.changed.wait_timeout(state, left);
                state = waiting.unwrap_or_else(PoisonError::into_inner).0;
            }
            None => state = shared.wait(state),
        }
    }
}

/// The revision behind which the journal may let go: both on the disk and backed up.
pub fn released(synced: Head, covered: Head) -> Revision {
    synced.revision.min(covered.revision)
}
