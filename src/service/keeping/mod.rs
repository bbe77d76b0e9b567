//! Keeps the ledger backed up while it is served. A thread of its own, with the
//! lowest claim on the processor, makes the backups that are due and those asked
//! for, one at a time; after one was verified the recovery journal may be
//! shortened and old backups go.
//!
//! It writes nothing to the ledger, and never counts a backup that was not proved.
//!
//! - [`due`]: when, and of which kind
//! - [`vault`]: what is asked of the place where backups are
//! - [`files`]: that place, in a directory
//! - [`proof`]: verifying the store while it is served
//! - [`detail`]: how the store stands, with its backups

pub mod detail;
pub mod due;
pub mod files;
pub mod proof;
mod run;
#[cfg(test)]
mod tests;
pub mod vault;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::mpsc;

use super::fault::Fault;
use super::verify::files as files_beside;
use super::writer::Now;
use crate::config;
use crate::store::Store;
pub use detail::{BackupDetail, Detail};
pub(in crate::service) use run::step_back;
pub use vault::{Backup, Kind, Phase, Progress, Survey, Unusable, Vault, VaultFault};

/// Messages of a backup that may wait for its caller. One place is always kept for the last.
const WAITING: usize = 16;

/// Told to whoever asked for a backup.
#[derive(Debug)]
pub enum Told {
    /// How far it has come. Left out where the caller is slow.
    Progress(Progress),
    /// It is verified. The last message.
    Done(Backup),
    /// It does not count. The last message.
    Failed(Fault),
}

/// The keeping of one store. Cheap to clone; [`stop`](Self::stop) ends the thread.
#[derive(Clone)]
pub struct Keeping(Arc<Inner>);

struct Inner {
    store: Arc<dyn Store>,
    /// `None`: the store is in memory alone, and there is nothing to keep.
    vault: Option<Box<dyn Vault>>,
    settings: config::Backup,
    now: Now,
    state: Mutex<State>,
    bell: Condvar,
    stopping: AtomicBool,
    thread: Mutex<Option<JoinHandle<()>>>,
    turn: proof::Turn,
}

#[derive(Default)]
struct State {
    /// A backup is being made, or will be as soon as the thread wakes.
    running: bool,
    asked: Option<Asked>,
    newest: Option<Backup>,
    newest_full: Option<Timestamp>,
    /// When the files of the backups were looked at last.
    surveyed: Option<Timestamp>,
    /// The last one that was asked for, with its request.
    answered: Option<([u8; 16], Backup)>,
    failures: u64,
    failures_in_a_row: u32,
    problem: Option<String>,
    retry_at: Option<Timestamp>,
    uncovered_since: Option<Timestamp>,
}

struct Asked {
    kind: Option<Kind>,
    request_id: [u8; 16],
    tell: mpsc::Sender<Told>,
}

impl Keeping {
    /// Begins to keep a store backed up. Without a vault there is nothing to do, and whoever asks is told so.
    ///
    /// # Errors
    /// The thread could not be started.
    pub fn start(
        store: Arc<dyn Store>,
        vault: Option<Box<dyn Vault>>,
        settings: config::Backup,
        now: Now,
    ) -> std::io::Result<Self> {
        let keeps = vault.is_some();
        let keeping = Self::idle(store, vault, settings, now);
        if keeps {
            let inner = Arc::clone(&keeping.0);
            let thread = thread::Builder::new().name("keeping".to_owned()).spawn(move || run::run(&inner))?;
            *keeping.0.thread.lock().unwrap_or_else(PoisonError::into_inner) = Some(thread);
        }
        Ok(keeping)
    }

    /// Without its thread.
    fn idle(store: Arc<dyn Store>, vault: Option<Box<dyn Vault>>, settings: config::Backup, now: Now) -> Self {
        Self(Arc::new(Inner {
            store,
            vault,
            settings,
            now,
            state: Mutex::default(),
            bell: Condvar::new(),
            stopping: AtomicBool::new(false),
            thread: Mutex::default(),
            turn: proof::Turn::default(),
        }))
    }

    /// Asks for a backup: of `kind`, or as is due. What is received ends with [`Told::Done`] or [`Told::Failed`],
    /// or without either where the server stops first. The id of the last one that was finished gives its result.
    ///
    /// # Errors
    /// [`Fault::BackupRunning`], [`Fault::NoDataDirectory`] or [`Fault::ShuttingDown`].
    pub fn back_up(&self, kind: Option<Kind>, request_id: [u8; 16]) -> Result<mpsc::Receiver<Told>, Fault> {
        if self.0.vault.is_none() {
            return Err(Fault::NoDataDirectory);
        }
        let (tell, told) = mpsc::channel(WAITING);
        let mut state = self.0.state();
        // Looked at under the lock that the thread takes last: nobody is left waiting for a thread that has ended.
        if self.0.stopping() {
            return Err(Fault::ShuttingDown);
        }
        if let Some((_, made)) = state.answered.as_ref().filter(|(id, _)| *id == request_id) {
            // Nothing waits in a channel just made.
            let _ = tell.try_send(Told::Done(made.clone()));
            return Ok(told);
        }
        if state.running {
            return Err(Fault::BackupRunning);
        }
        state.running = true;
        state.asked = Some(Asked { kind, request_id, tell });
        drop(state);
        self.0.bell.notify_all();
        Ok(told)
    }

    /// What backups there are. Reads their files: blocks.
    ///
    /// # Errors
    /// [`Fault::NoDataDirectory`], or [`Fault::BackupFailed`] where they cannot be read.
    pub fn survey(&self) -> Result<Survey, Fault> {
        let vault = self.0.vault.as_ref().ok_or(Fault::NoDataDirectory)?;
        vault.survey(&*self.0.store).map_err(|fault| Fault::BackupFailed(fault.to_string()))
    }

    /// What lies beside the engine's files. Reads them: blocks.
    fn files(&self) -> Option<files_beside::Survey> {
        self.0.vault.as_ref()?.files(&*self.0.store)
    }

    /// How backups stand.
    pub fn detail(&self) -> BackupDetail {
        let state = self.0.state();
        BackupDetail {
            last: state.newest.clone(),
            running: state.running,
            failures: state.failures,
            problem: state.problem.clone(),
        }
    }

    /// Asks the thread to end, giving up a backup that is being made.
    pub fn give_up(&self) {
        self.0.stopping.store(true, Ordering::Relaxed);
        // Taken and let go of, so that a thread that has just looked is waiting by now.
        drop(self.0.state());
        self.0.bell.notify_all();
    }

    /// Ends the thread as [`give_up`](Self::give_up), and blocks until it has ended.
    pub fn stop(&self) {
        self.give_up();
        let thread = self.0.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(Err(_)) = thread.map(JoinHandle::join) {
            // The panic itself was logged where it happened.
            tracing::warn!("backups had ended before the server");
        }
    }
}

impl Inner {
    /// A panic of the thread leaves figures behind that still hold.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn stopping(&self) -> bool {
        self.stopping.load(Ordering::Relaxed)
    }

    /// Waits until somebody asks, it is to end, or `time` has passed.
    fn wait(&self, time: Duration) -> Option<Asked> {
        let state = self.state();
        let woken = self.bell.wait_timeout_while(state, time, |state| state.asked.is_none() && !self.stopping());
        woken.unwrap_or_else(PoisonError::into_inner).0.asked.take()
    }
}
