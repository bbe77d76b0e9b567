//! A generation weighed again, from the ledger alone: every event up to the
//! revision it is of is folded anew, with no view and nothing in memory to lean
//! on, and everybody is weighed under the policy that the ledger has. What comes
//! out must have the digest that was published.

use std::panic::{self, AssertUnwindSafe};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use jiff::Timestamp;
use rayon::prelude::*;
use tokio::sync::mpsc;
use tracing::error;

use super::Rescoring;
use super::blank::erased_since;
use super::generation::{blank_row, failed, last_policy, repeating};
use super::runs::Generation;
use crate::domain::dossier::{Dossier, Repeat};
use crate::domain::{Revision, SubjectId};
use crate::ranking::frame::{self, Past, PastRepeat};
use crate::ranking::{Meta, Names, Row, Standings};
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
    /// The last word: what came of it.
    Done(Box<Again>),
    /// The last word: it could not be carried out.
    Failed(Fault),
}

/// A generation weighed again.
#[derive(Debug)]
pub struct Again {
    /// The generation as the ledger tells of it.
    pub told: Generation,
    /// Digest of the standings weighed again.
    pub digest: [u8; 32],
    /// How many people they are.
    pub people: u32,
    /// Of these, people whose repeat victims are taken from what was published: records that told of them were erased.
    pub repeats_as_published: u32,
}

impl Rescoring {
    /// Weighs a generation again. What is received ends with [`Replayed::Done`] or [`Replayed::Failed`].
    ///
    /// # Errors
    /// [`Fault::UnknownGeneration`] or [`Fault::ReplayRunning`]. Where somebody was erased since the generation was weighed
    /// and it is not kept any more, what is received ends with [`Fault::GenerationNotKept`].
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
            let replay = AssertUnwindSafe(|| rescoring.replayed(told, &tell));
            let outcome = panic::catch_unwind(replay).unwrap_or(Err(Fault::Internal));
            rescoring.0.replaying.store(false, Ordering::Release);
            let last = match outcome {
                Ok(again) => Replayed::Done(Box::new(again)),
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

    fn replayed(&self, told: Generation, tell: &mpsc::Sender<Replayed>) -> Result<Again, Fault> {
        let store = &*self.0.service.store;
        let newest = self.0.service.board.standings().ok_or(Fault::NoActivePolicy)?;
        let told = self.blanked(told, &newest)?;
        // Who was erased left gaps in the ranks, and repeat victims that no record tells of any more.
        let gaps = erased_since(&told, &newest).next().is_some();
        let published = if gaps { Some(self.people(&told, &newest)?) } else { None };
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
        pool.install(|| {
            let (standings, repeats_as_published) =
                self.weighed_again(&state, &told, (published.as_deref(), &newest), tell)?;
            self.wanted(tell)?;
            let digest = match &published {
                Some(published) => frame::without_erased(&standings, published),
                None => frame::generation(&standings).1,
            };
            let people = u32::try_from(standings.subjects()).unwrap_or(u32::MAX);
            Ok(Again { told, digest, people, repeats_as_published })
        })
    }

    /// Whether anybody still waits for the outcome, and may.
    fn wanted(&self, tell: &mpsc::Sender<Replayed>) -> Result<(), Fault> {
        if self.0.stopping() || tell.is_closed() { Err(Fault::ShuttingDown) } else { Ok(()) }
    }

    /// Everybody of a state, weighed as the generation was, and how many of them with the repeat victims that were
    /// published. `published`: the generation as it is kept, where somebody in it was erased.
    fn weighed_again(
        &self,
        state: &State,
        told: &Generation,
        (published, newest): (Option<&[Past]>, &Standings),
        tell: &mpsc::Sender<Replayed>,
    ) -> Result<(Standings, u32), Fault> {
        let rules = state.rules().ok_or(Fault::NoActivePolicy)?;
        let names = Arc::new(Names::default());
        let meta = Meta {
            revision: told.weighed,
            as_of: told.as_of,
            rules: Arc::clone(rules),
            generation: told.number,
            published: Timestamp::UNIX_EPOCH,
        };
        let taken = AtomicU32::new(0);
        let person = |subject: u32| {
            let mut dossier = state.shown(SubjectId(subject));
            if let Some(past) = published.and_then(|published| published.get(subject as usize)) {
                if told.erased.binary_search(&subject).is_ok() {
                    // What lies open of somebody who was erased is still read here; of whoever else, only the row is blank.
                    let gone = newest.dossier(SubjectId(subject)).is_none_or(|held| held.is_erased());
                    let left = if gone { Dossier::erased(Revision(0)) } else { dossier.with_repeats(Box::default()) };
                    return (Arc::new(left), blank_row(rules, told.as_of, &names));
                }
                if lacks(dossier.repeats(), &past.repeats) {
                    taken.fetch_add(1, Ordering::Relaxed);
                    dossier = Arc::new(repeating(&dossier, &past.repeats));
                }
            }
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
        let standings = Standings::load(meta, Arc::clone(&names), Arc::clone(state.references()), people);
        Ok((standings, taken.into_inner()))
    }
}

/// Whether dates of repeat victims are gone, and none was found that was not published.
fn lacks(found: &[Repeat], published: &[PastRepeat]) -> bool {
    let known = |repeat: &Repeat| {
        let mark = frame::mark(&repeat.offence_id);
        let past = published.iter().find(|past| past.offence == mark);
        past.is_some_and(|past| repeat.dates.iter().all(|date| past.dates.contains(date)))
    };
    let now: usize = found.iter().map(|repeat| repeat.dates.len()).sum();
    let then: usize = published.iter().map(|past| past.dates.len()).sum();
    now < then && found.iter().all(known)
}
