//! Runs and the generations they published, as the ledger tells of them. Folded
//! with everything else, so that a run outlives a restart and its id never
//! expires. How far a run has come is not here: that is known only to whoever
//! carries it out.

use std::collections::BTreeMap;

use crate::domain::{Date, Revision};
use crate::store::pb::{
    Event, GenerationBlanked, GenerationPublished, RescoreCounters, RescoreEnded, RescoreFailure, RescoreStarted,
};

/// Id of a run.
pub type RunId = [u8; 16];

/// State of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RunState {
    /// It goes on.
    Running,
    /// It published this generation.
    Published(u64),
    /// It ended before that.
    Ended {
        /// Somebody wanted it to.
        cancelled: bool,
        /// Why.
        reason: String,
    },
}

/// One run, as its last attempt went.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    /// Its id.
    pub id: RunId,
    /// From 1.
    pub attempt: u32,
    /// The day.
    pub as_of: Date,
    /// State.
    pub state: RunState,
    /// What it did, once it has ended.
    pub counters: RescoreCounters,
    /// Those that could not be weighed.
    pub failures: Vec<RescoreFailure>,
    /// When this attempt was begun, microseconds since 1970.
    pub started_micros: i64,
    /// When it ended; 0 while it goes on.
    pub ended_micros: i64,
    /// Who asked for this attempt.
    pub actor: Box<str>,
    /// Revision of the event that began its first attempt: runs are told in this order.
    pub revision: Revision,
}

/// A published generation.
#[derive(Clone, Debug, PartialEq)]
pub struct Generation {
    /// Its number.
    pub number: u64,
    /// The day.
    pub as_of: Date,
    /// Version of the policy.
    pub policy_version: Box<str>,
    /// Of the ledger up to here.
    pub weighed: Revision,
    /// Revision of its publication.
    pub published: Revision,
    /// When it was published, microseconds since 1970.
    pub published_micros: i64,
    /// The run.
    pub run: RunId,
    /// Digest of everybody's standings.
    pub digest: [u8; 32],
    /// People in it.
    pub subjects: u32,
    /// Version of the program that weighed.
    pub engine_version: Box<str>,
    /// Numbers of people in it who were erased since, in order: their rows are blank, and the digest is of that.
    pub erased: Box<[u32]>,
}

/// Every run and every generation.
#[derive(Clone, Debug, Default)]
pub struct Runs {
    by_id: BTreeMap<RunId, Run>,
    generations: Vec<Generation>,
    /// The generation that the lists rest on; 0: the day or the policy was set otherwise since.
    current: u64,
    policy_digest: Box<[u8]>,
}

impl Runs {
    /// A run.
    pub fn get(&self, id: &RunId) -> Option<&Run> {
        self.by_id.get(id)
    }

    /// The run that goes on.
    pub fn running(&self) -> Option<&Run> {
        self.by_id.values().find(|run| run.state == RunState::Running)
    }

    /// Every run, the one begun last first, whatever attempts followed.
    pub fn newest_first(&self) -> Vec<&Run> {
        let mut runs: Vec<&Run> = self.by_id.values().collect();
        runs.sort_by_key(|run| std::cmp::Reverse(run.revision));
        runs
    }

    /// The run that ended last, however it did.
    pub fn ended_last(&self) -> Option<&Run> {
        self.by_id.values().filter(|run| run.state != RunState::Running).max_by_key(|run| run.ended_micros)
    }

    /// Every generation, by number from 1.
    pub fn generations(&self) -> &[Generation] {
        &self.generations
    }

    /// A generation.
    pub fn generation(&self, number: u64) -> Option<&Generation> {
        self.generations.get(usize::try_from(number.checked_sub(1)?).ok()?)
    }

    /// The generation that the lists rest on; 0: none.
    pub const fn current(&self) -> u64 {
        self.current
    }

    /// The number of the next generation.
    pub fn next_generation(&self) -> u64 {
        self.generations.len() as u64 + 1
    }

    /// BLAKE3 of the text of the policy in force.
    pub fn policy_digest(&self) -> &[u8] {
        &self.policy_digest
    }

    /// A policy came into force.
    pub fn activated(&mut self, digest: &[u8]) {
        self.current = 0;
        self.policy_digest = digest.into();
    }

    /// The day was set otherwise than by a run.
    pub fn moved(&mut self) {
        self.current = 0;
    }

    /// Folds the beginning of an attempt in.
    ///
    /// # Errors
    /// What cannot be read of the event.
    pub fn started(&mut self, event: &Event, started: &RescoreStarted) -> Result<(), &'static str> {
        let id = id(&started.run_id)?;
        let first = self.by_id.get(&id).map_or(Revision(event.revision), |run| run.revision);
        let run = Run {
            id,
            attempt: started.attempt,
            as_of: started.as_of.parse().map_err(|_| "its as_of is not a date")?,
            state: RunState::Running,
            counters: RescoreCounters::default(),
            failures: Vec::new(),
            started_micros: event.recorded_micros,
            ended_micros: 0,
            actor: event.actor.as_str().into(),
            revision: first,
        };
        self.by_id.insert(id, run);
        Ok(())
    }

    /// Folds the end of a run that published nothing in.
    ///
    /// # Errors
    /// What cannot be read of the event.
    pub fn ended(&mut self, event: &Event, ended: &RescoreEnded) -> Result<(), &'static str> {
        let run = self.by_id.get_mut(&id(&ended.run_id)?).ok_or("its run was never begun")?;
        run.state = RunState::Ended { cancelled: ended.cancelled, reason: ended.reason.clone() };
        run.counters = ended.counters.unwrap_or_default();
        run.ended_micros = event.recorded_micros;
        Ok(())
    }

    /// Folds in that rows of erased people were blanked.
    ///
    /// # Errors
    /// What cannot be read of the event.
    pub fn blanked(&mut self, blanked: &GenerationBlanked) -> Result<(), &'static str> {
        let place = blanked.generation.checked_sub(1).and_then(|place| usize::try_from(place).ok());
        let generation = place.and_then(|place| self.generations.get_mut(place));
        let generation = generation.ok_or("its generation was never published")?;
        generation.digest = blanked.new_digest.as_slice().try_into().map_err(|_| "its digest is not one")?;
        generation.erased = blanked.subject_ids.as_slice().into();
        Ok(())
    }

    /// Folds a publication in.
    ///
    /// # Errors
    /// What cannot be read of the event.
    pub fn published(&mut self, event: &Event, published: &GenerationPublished) -> Result<(), &'static str> {
        let id = id(&published.run_id)?;
        if published.generation != self.next_generation() {
            return Err("its generation is not the next");
        }
        let counters = published.counters.unwrap_or_default();
        let generation = Generation {
            number: published.generation,
            as_of: published.as_of.parse().map_err(|_| "its as_of is not a date")?,
            policy_version: published.policy_version.as_str().into(),
            weighed: Revision(published.weighed_revision),
            published: Revision(event.revision),
            published_micros: event.recorded_micros,
            run: id,
            digest: published.digest.as_slice().try_into().map_err(|_| "its digest is not one")?,
            subjects: counters.universe,
            engine_version: published.engine_version.as_str().into(),
            erased: Box::default(),
        };
        self.current = generation.number;
        self.generations.push(generation);
        let run = self.by_id.get_mut(&id).ok_or("its run was never begun")?;
        run.state = RunState::Published(published.generation);
        run.counters = counters;
        run.failures.clone_from(&published.failures);
        run.ended_micros = event.recorded_micros;
        Ok(())
    }
}

fn id(bytes: &[u8]) -> Result<RunId, &'static str> {
    bytes.try_into().map_err(|_| "its run has no id")
}
