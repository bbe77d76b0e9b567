//! A generation weighed again, from the ledger alone: every event up to the
//! revision it is of is folded anew, with no view and nothing in memory to lean
//! on, and everybody is weighed under the policy that the ledger has. What comes
//! out must have the digest that was published.

use std::panic::{self, AssertUnwindSafe};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use jiff::Timestamp;
use rayon::prelude::*;
use tokio::sync::mpsc;
use tracing::error;

use super::Rescoring;
use super::generation::{failed, last_policy};
use super::runs::Generation;
use crate::domain::{Revision, SubjectId};
use crate::ranking::{Meta, Names, Row, Standings, frame};
use crate::reference;
use crate::service::fault::Fault;
use crate::service::keeping::step_back;
use crate::service::scorer;
use crate::service::state::{State, Touched};
use crate::store::pb::event::Body;

/// Events between two words on how it goes.
const TELL_EVERY: u64 = 20_000;
/// People weighed between two looks at whether anybody still waits.
const TOGETHER: usize = STEP as usize;
const STEP: u32 = 16_384;

/// Told of a replay.
#[derive(Debug)]
pub enum Replayed {
    /// Events folded so far, of those that the generation is of.
    Progress(u64, u64),
    /// The last word: the generation, the digest of the standings weighed again, and how many people they are.
    Done(Box<Generation>, [u8; 32], u32),
    /// The last word: it could not be carried out.
    Failed(Fault),
}

impl Rescoring {
    /// Weighs a generation again. What is received ends with [`Replayed::Done`] or [`Replayed::Failed`].
    ///
    /// # Errors
    /// [`Fault::UnknownGeneration`] or [`Fault::ReplayRunning`].
    pub fn replay(&self, number: u64) -> Result<mpsc::Receiver<Replayed>, Fault> {
        let runs = self.0.service.board.runs();
        let told = runs.generation(number).cloned().ok_or(Fault::UnknownGeneration)?;
        if self.0.replaying.swap(true, Ordering::AcqRel) {
            return Err(Fault::ReplayRunning);
        }
        let (tell, heard) = mpsc::channel(2);
        let rescoring = self.clone();
        let spawned = std::thread::Builder::new().name("replay".to_owned()).spawn(move || {
            step_back();
            let replay = AssertUnwindSafe(|| rescoring.replayed(&told, &tell));
            let outcome = panic::catch_unwind(replay).unwrap_or(Err(Fault::Internal));
            rescoring.0.replaying.store(false, Ordering::Release);
            let last = match outcome {
                Ok((digest, people)) => Replayed::Done(Box::new(told), digest, people),
                Err(fault) => Replayed::Failed(fault),
            };
            // Whoever asked may have gone away.
            drop(rescoring);
            let _ = tell.blocking_send(last);
        });
        if let Err(error) = spawned {
            self.0.replaying.store(false, Ordering::Release);
            error!(error = %error, "a replay could not be started");
            return Err(Fault::Internal);
        }
        Ok(heard)
    }

    fn replayed(&self, told: &Generation, tell: &mpsc::Sender<Replayed>) -> Result<([u8; 32], u32), Fault> {
        let store = &*self.0.service.store;
        let mut state = State::new(reference::tables());
        let mut touched = Touched::default();
        let unreadable = |fault: crate::service::state::Unreadable| {
            error!(fault = %fault, "a generation cannot be replayed");
            Fault::Internal
        };
        let policy = last_policy(store, told.published).map_err(|fault| failed(&fault))?;
        for event in store.events(Revision(1), told.weighed) {
            let event = event.map_err(|fault| failed(&fault))?;
            // A policy of before need not validate any more, as at a start.
            if !matches!(event.body, Some(Body::PolicyActivated(_))) || policy == Some(Revision(event.revision)) {
                state.apply(&event, &mut touched).map_err(unreadable)?;
            }
            touched.subjects.clear();
            if event.revision.is_multiple_of(TELL_EVERY) {
                self.wanted(tell)?;
                // Left out where the listener is slow.
                let _ = tell.try_send(Replayed::Progress(event.revision, told.weighed.0));
            }
        }
        // A policy that came into force with the publication itself stands after what was weighed.
        for event in store.events(told.weighed.next(), told.published) {
            let event = event.map_err(|fault| failed(&fault))?;
            if let Some(Body::PolicyActivated(activated)) = &event.body {
                state.bring_into_force(activated).map_err(|why| {
                    error!(why, "the policy of a generation cannot be read");
                    Fault::Internal
                })?;
            }
        }
        self.wanted(tell)?;
        state.settle(&mut touched);
        // On every core, behind everybody else.
        let pool =
            rayon::ThreadPoolBuilder::new().start_handler(|_| step_back()).build().map_err(|_| Fault::Internal)?;
        let (digest, people) = pool.install(|| {
            let standings = self.weighed_again(&state, told, tell)?;
            self.wanted(tell)?;
            Ok::<_, Fault>((frame::generation(&standings).1, standings.subjects()))
        })?;
        Ok((digest, u32::try_from(people).unwrap_or(u32::MAX)))
    }

    /// Whether anybody still waits for the outcome, and may.
    fn wanted(&self, tell: &mpsc::Sender<Replayed>) -> Result<(), Fault> {
        if self.0.stopping() || tell.is_closed() { Err(Fault::ShuttingDown) } else { Ok(()) }
    }

    /// Everybody of a state, weighed as the generation was.
    fn weighed_again(
        &self,
        state: &State,
        told: &Generation,
        tell: &mpsc::Sender<Replayed>,
    ) -> Result<Standings, Fault> {
        let rules = state.rules().ok_or(Fault::NoActivePolicy)?;
        let names = Arc::new(Names::default());
        let meta = Meta {
            revision: told.weighed,
            as_of: told.as_of,
            rules: Arc::clone(rules),
            generation: told.number,
            published: Timestamp::UNIX_EPOCH,
        };
        let person = |subject: u32| {
            let dossier = state.shown(SubjectId(subject));
            let weighed = scorer::weigh_or_unknown(&dossier, rules, told.as_of);
            let row = Row::new(&dossier, &weighed, rules, told.as_of, &names);
            (dossier, row)
        };
        let mut chunks = Vec::new();
        for from in (0..state.next_subject().0).step_by(TOGETHER) {
            self.wanted(tell)?;
            let until = from.saturating_add(STEP).min(state.next_subject().0);
            chunks.push((from..until).into_par_iter().map(person).collect::<Vec<_>>());
        }
        let people = chunks.into_iter().flatten();
        Ok(Standings::load(meta, Arc::clone(&names), Arc::clone(state.references()), people))
    }
}
