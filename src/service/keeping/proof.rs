//! Verifies the store while it is served, on a thread with the lowest claim on
//! the processor: one at a time, and given up when nobody listens any more.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use tokio::sync::mpsc;

use super::{Keeping, run};
use crate::reference;
use crate::service::Service;
use crate::service::fault::Fault;
use crate::service::verify::{self, Asked, Outcome, Pace, Severity, StandingsAsked, files};
use crate::store::StoreError;

/// Messages that may wait for whoever listens.
const WAITING: usize = 64;
/// Longest rest after one portion of work.
const REST_AT_MOST: Duration = Duration::from_millis(100);

/// Told while a verification runs, and at its end.
#[derive(Debug)]
pub enum Proving {
    /// On the way.
    Told(verify::Told),
    /// It has ended. The last message.
    Ended(Outcome),
    /// It could not begin, or was given up as the server stops. The last message.
    Failed(Fault),
}

/// That a verification runs.
#[derive(Clone, Debug, Default)]
pub(super) struct Turn(Arc<AtomicBool>);

impl Turn {
    fn take(&self) -> Option<Taken> {
        (!self.0.swap(true, Ordering::AcqRel)).then(|| Taken(Arc::clone(&self.0)))
    }
}

/// Gives the turn back when it goes.
struct Taken(Arc<AtomicBool>);

impl Drop for Taken {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}

/// Rests as long as it works, unless told otherwise, and ends when nobody listens.
struct Gentle<'a> {
    keeping: &'a Keeping,
    listener: &'a mpsc::Sender<Proving>,
    rests: bool,
    worked_since: Mutex<Instant>,
}

impl Pace for Gentle<'_> {
    fn rest(&self, _: u64) {
        if !self.rests {
            return;
        }
        let mut since = self.worked_since.lock().unwrap_or_else(PoisonError::into_inner);
        thread::sleep(since.elapsed().min(REST_AT_MOST));
        *since = Instant::now();
    }

    fn given_up(&self) -> bool {
        self.listener.is_closed() || self.keeping.0.stopping()
    }
}

impl Service {
    /// Begins to verify the store; what is received ends with [`Proving::Ended`] or [`Proving::Failed`]. Dropping the
    /// receiver ends it.
    ///
    /// # Errors
    /// [`Fault::VerificationRunning`], or [`Fault::Internal`] where no thread could be started.
    pub fn verify(
        &self,
        keeping: &Keeping,
        standings: bool,
        held_back: bool,
    ) -> Result<mpsc::Receiver<Proving>, Fault> {
        let turn = keeping.0.turn.take().ok_or(Fault::VerificationRunning)?;
        let (tell, told) = mpsc::channel(WAITING);
        let (service, keeping) = (self.clone(), keeping.clone());
        let prove = move || {
            run::step_back();
            let last = service.prove(&keeping, standings, held_back, &tell);
            // Given back before the end is told, so that whoever hears of it may ask again.
            drop(turn);
            // Let go of before somebody waits for the writer to end.
            drop((service, keeping));
            let _ = tell.blocking_send(last);
        };
        let started = thread::Builder::new().name("verification".to_owned()).spawn(prove);
        started.map(|_| told).map_err(|error| {
            tracing::warn!(error = %error, "the thread of a verification could not be started");
            Fault::Internal
        })
    }

    fn prove(&self, keeping: &Keeping, standings: bool, held_back: bool, tell: &mpsc::Sender<Proving>) -> Proving {
        let pace = Gentle { keeping, listener: tell, rests: held_back, worked_since: Mutex::new(Instant::now()) };
        let mut suspect = None;
        let mut told = |told: verify::Told| {
            if let verify::Told::Finding(finding) = &told
                && suspect.is_none()
                && finding.severity == Severity::Damage
                && finding.step.is_of_the_engine()
            {
                suspect = Some(format!("{}: {}", finding.place, finding.what));
            }
            match told {
                verify::Told::Progress { .. } => drop(tell.try_send(Proving::Told(told))),
                // Waits for a slow listener; one that went away is noticed at the next rest.
                verify::Told::Finding(_) | verify::Told::Done(_) => drop(tell.blocking_send(Proving::Told(told))),
            }
        };
        let proved = self.prove_all(keeping, standings, &pace, &mut told);
        if let Some(what) = suspect {
            // Also where nobody listens any more: the next start is to check everything.
            self.store.suspect(&what);
        }
        match proved {
            Ok(outcome) if outcome.given_up => Proving::Failed(Fault::ShuttingDown),
            Ok(outcome) => {
                tracing::info!(
                    ledger.head = %outcome.head,
                    verification.damage = outcome.damage(),
                    verification.warnings = outcome.warnings(),
                    verification.sound = outcome.sound(),
                    "verified the store"
                );
                Proving::Ended(outcome)
            }
            Err(fault) => {
                tracing::warn!(fault = %fault, "the store could not be verified");
                Proving::Failed(Fault::Internal)
            }
        }
    }

    /// The store, then what lies beside it.
    fn prove_all(
        &self,
        keeping: &Keeping,
        standings: bool,
        pace: &dyn Pace,
        told: &mut dyn FnMut(verify::Told),
    ) -> Result<Outcome, StoreError> {
        let files = keeping.files();
        // After the files were looked at: whatever they name has been reached by now.
        let end = self.store.head()?.revision;
        let asked = Asked {
            serving: true,
            now: Arc::clone(&self.now),
            anchors: files.as_ref().map(|files| files.anchors(end)).unwrap_or_default(),
            rebuilt_from: files.as_ref().and_then(files::Survey::rebuilt_from),
            standings: match self.board.standings().filter(|_| standings) {
                Some(published) => StandingsAsked::Published(published),
                None => StandingsAsked::No,
            },
        };
        let mut outcome = verify::verify(&*self.store, reference::tables(), &asked, pace, told)?;
        if let Some(files) = files.filter(|_| !outcome.given_up) {
            outcome.steps.extend(files.verify(Some(&*self.store), true, pace, told));
            outcome.given_up = pace.given_up();
        }
        Ok(outcome)
    }
}
