//! What the writer does of a run: its beginning and its end in the ledger, and
//! the one step in which it is published. Whatever was written while everybody
//! was weighed is weighed here, on top, before anybody sees the new lists.

use std::collections::BTreeSet;
use std::sync::Arc;

use rayon::prelude::*;
use tracing::{error, info};

use super::runs::{RunId, RunState};
use super::text;
use crate::domain::{Date, SubjectId};
use crate::ranking::{Change, Meta, Row, Standings};
use crate::service::fault::Fault;
use crate::service::group::Building;
use crate::service::mutation::{Answer, Mutation, MutationBody};
use crate::service::scorer;
use crate::service::state::Touched;
use crate::service::writer::Writer;
use crate::store::StoreError;
use crate::store::archive::Archive;
use crate::store::pb::event::Body;
use crate::store::pb::{
    GenerationBlanked, GenerationPublished, OutstandingNoted, PolicyActivated, RescoreCounters, RescoreEnded,
    RescoreFailure, RescoreStarted,
};

/// Failures that are kept with a generation.
pub const FAILURES_KEPT: usize = 20;

/// A step of a run in the ledger.
#[derive(Clone, Debug)]
pub enum RunStep {
    /// Its beginning.
    Start {
        /// Its id.
        id: RunId,
        /// The day.
        as_of: Date,
    },
    /// Its end without a publication.
    End(RescoreEnded),
    /// Rows of erased people were blanked in what a run published.
    Blanked(GenerationBlanked),
}

/// What a run made.
#[derive(Clone, Debug)]
pub struct Publication {
    /// The run.
    pub run: RunId,
    /// Its attempt.
    pub attempt: u32,
    /// Everybody as weighed, of the ledger up to their revision.
    pub standings: Arc<Standings>,
    /// Their digest.
    pub digest: [u8; 32],
    /// What the run did.
    pub counters: RescoreCounters,
    /// Those that could not be weighed.
    pub failures: Vec<RescoreFailure>,
    /// BLAKE3 of the policy's text.
    pub policy_digest: Vec<u8>,
    /// The policy, where it comes into force with this run.
    pub policy: Option<PolicyActivated>,
    /// Where the frames are staged.
    pub archive: Arc<Archive>,
}

/// Why nobody is weighed on a day, where lists are of `held`; `None`: they may be.
pub fn refused(as_of: Date, held: Option<Date>, today: Date) -> Option<Fault> {
    let Some(held) = held else { return Some(Fault::NoActivePolicy) };
    let reason = match as_of {
        day if day < held => "BEFORE_THE_LISTS",
        day if day > today.max(held) => "IN_THE_FUTURE",
        _ => return None,
    };
    let description =
        format!("as_of {as_of} lies outside {held}, the day that lists are weighed on, to {today}, today");
    Some(Fault::field("as_of", reason, description))
}

impl Writer {
    /// A step of a run. A beginning that was made before is answered as it was.
    pub(in crate::service) fn run_step(
        &mut self,
        mutation: &Mutation,
        step: &RunStep,
        group: &mut Building<'_>,
        touched: &mut Touched,
    ) -> Result<Answer, Fault> {
        let body = match step {
            RunStep::Start { id, as_of } => match self.beginning(id, *as_of)? {
                Some(attempt) => {
                    let (run_id, as_of) = (id.to_vec(), as_of.to_string());
                    Some(Body::RescoreStarted(RescoreStarted { run_id, attempt, as_of }))
                }
                None => None,
            },
            RunStep::End(ended) => {
                let runs = self.state.runs();
                let running =
                    runs.running().filter(|run| run.id[..] == ended.run_id[..] && run.attempt == ended.attempt);
                running.map(|_| Body::RescoreEnded(ended.clone()))
            }
            RunStep::Blanked(blanked) => {
                let told = self.state.runs().generation(blanked.generation).ok_or(Fault::UnknownGeneration)?;
                (*told.erased != *blanked.subject_ids).then(|| Body::GenerationBlanked(blanked.clone()))
            }
        };
        if let Some(body) = body {
            if let Some(short) = self.low {
                return Err(short.into());
            }
            self.push(group, touched, &mutation.caller, &mutation.request_id, None, body)?;
        }
        Ok(Answer { revision: group.head(), verdicts: Vec::new(), remarks: Vec::new() })
    }

    /// The attempt to begin; `None`: the run goes on or has published.
    fn beginning(&self, id: &RunId, as_of: Date) -> Result<Option<u32>, Fault> {
        let runs = self.state.runs();
        let before = runs.get(id);
        if before.is_some_and(|run| run.as_of != as_of) {
            return Err(Fault::RequestIdReused);
        }
        match before.map(|run| &run.state) {
            Some(RunState::Running | RunState::Published(_)) => return Ok(None),
            Some(RunState::Ended { .. }) | None => {}
        }
        if let Some(other) = runs.running() {
            return Err(Fault::RescoreRunning(text(&other.id)));
        }
        if let Some(refused) = refused(as_of, self.state.as_of(), Date::in_london((self.now)())) {
            return Err(refused);
        }
        Ok(Some(before.map_or(1, |run| run.attempt + 1)))
    }

    /// Publishes a run: one commit, then the new lists with all that was written meanwhile.
    pub(in crate::service) fn publish_run(&mut self, mutation: &Mutation) -> Result<Answer, Fault> {
        let MutationBody::Publish(publication) = &mutation.body else { return Err(Fault::Internal) };
        let runs = Arc::clone(self.state.runs());
        let due = runs.get(&publication.run).filter(|run| run.attempt == publication.attempt);
        match due.map(|run| &run.state) {
            // Asked again: it is done.
            Some(RunState::Published(_)) => return Ok(self.answered()),
            Some(RunState::Running) => {}
            Some(RunState::Ended { .. }) | None => return Err(Fault::UnknownRun),
        }
        if let Some(short) = self.low {
            return Err(short.into());
        }
        let standings = &publication.standings;
        let stands = match &publication.policy {
            None => runs.policy_digest() == publication.policy_digest,
            Some(policy) => self.state.next_policy().is_some_and(|next| *next.text == *policy.text),
        };
        if !stands {
            return Err(Fault::PolicyNotApproved);
        }
        // The day may have been set further at a start.
        if let Some(refused) = refused(standings.as_of(), self.state.as_of(), standings.as_of()) {
            return Err(refused);
        }
        let generation = runs.next_generation();
        publication.archive.name(generation).map_err(|fault| match fault {
            StoreError::Full => Fault::ReadOnly,
            fault => {
                error!(fault = %fault, "a generation could not be kept");
                Fault::Internal
            }
        })?;
        self.append_publication(mutation, publication, generation)?;
        self.moved = true;
        let mut next = self.with_the_written(standings)?;
        let notes = self.unnoted_by(&next);
        let histories = self.state.histories();
        let noted: BTreeSet<SubjectId> = notes.iter().flat_map(|(subject, _)| histories.of(*subject)).collect();
        let noted = noted.into_iter().collect();
        self.note_these(&notes)?;
        next = next.with(&self.changes(noted), self.meta()?);
        self.board.publish_run(&self.state, next);
        self.note_alignment()?;
        info!(
            generation,
            rescore.subjects = publication.counters.scored,
            ledger.revision = self.head.revision.0,
            "a generation was published"
        );
        Ok(self.answered())
    }

    fn answered(&self) -> Answer {
        Answer { revision: self.head.revision, verdicts: Vec::new(), remarks: Vec::new() }
    }

    fn append_publication(
        &mut self,
        mutation: &Mutation,
        publication: &Publication,
        generation: u64,
    ) -> Result<(), Fault> {
        let standings = &publication.standings;
        let started = self.state.runs().get(&publication.run).map_or(0, |run| run.started_micros);
        let store = Arc::clone(&self.store);
        let now = self.stamp();
        let mut group = Building::new(&*store, self.head.revision, self.state.next_subject(), now.as_microsecond());
        let mut touched = Touched::default();
        if let Some(policy) = &publication.policy {
            let body = Body::PolicyActivated(policy.clone());
            self.push(&mut group, &mut touched, &mutation.caller, &mutation.request_id, None, body)?;
        }
        let body = Body::GenerationPublished(GenerationPublished {
            run_id: publication.run.to_vec(),
            attempt: publication.attempt,
            generation,
            as_of: standings.as_of().to_string(),
            policy_version: standings.rules().policy.version.clone(),
            policy_digest: publication.policy_digest.clone(),
            tables_digest: self.state.tables().digest().to_vec(),
            engine_version: env!("CARGO_PKG_VERSION").to_owned(),
            weighed_revision: standings.revision().0,
            digest: publication.digest.to_vec(),
            counters: Some(publication.counters),
            started_micros: started,
            failures: publication.failures.iter().take(FAILURES_KEPT).cloned().collect(),
        });
        self.push(&mut group, &mut touched, &mutation.caller, &mutation.request_id, None, body)?;
        self.state.settle(&mut touched);
        self.append(group)
    }

    fn meta(&self) -> Result<Meta, Fault> {
        let rules = self.state.rules().ok_or(Fault::NoActivePolicy)?;
        let as_of = self.state.as_of().ok_or(Fault::NoActivePolicy)?;
        Ok(Meta {
            revision: self.state.revision(),
            as_of,
            rules: Arc::clone(rules),
            generation: self.state.runs().current(),
            published: (self.now)(),
        })
    }

    /// The standings of a run, with everybody of whom something else is held by now weighed anew.
    fn with_the_written(&self, standings: &Standings) -> Result<Standings, Fault> {
        let subjects = (0..self.state.next_subject().0).into_par_iter().map(SubjectId);
        let written = subjects.filter(|subject| {
            let now = self.state.shown(*subject);
            standings.dossier(*subject).is_none_or(|then| {
                !Arc::ptr_eq(&now, then) && (now.revision() != then.revision() || now.repeats() != then.repeats())
            })
        });
        let next = standings.with(&self.changes(written.collect()), self.meta()?);
        Ok(next.referring(Arc::clone(self.state.references())))
    }

    /// These people as the state holds them, weighed anew.
    fn changes(&self, subjects: Vec<SubjectId>) -> Vec<Change> {
        let (Some(rules), Some(as_of)) = (self.state.rules(), self.state.as_of()) else { return Vec::new() };
        let change = |subject: SubjectId| {
            let dossier = self.state.shown(subject);
            let weighed = scorer::weigh_or_unknown(&dossier, rules, as_of);
            let row = Row::new(&dossier, &weighed, rules, as_of, self.board.names());
            Change { subject, dossier, row }
        };
        subjects.into_par_iter().map(change).collect()
    }

    /// What is to be noted of people as they stand now.
    fn unnoted_by(&self, standings: &Standings) -> Vec<(SubjectId, OutstandingNoted)> {
        let subjects = (0..standings.subjects()).into_par_iter();
        let note = |index: usize| {
            let subject = SubjectId(u32::try_from(index).expect("a store must hold fewer than 2^32 subjects"));
            let band = standings.row(subject).map(|row| row.outstanding.effective);
            band.map(|band| self.unnoted_of(subject, band)).unwrap_or_default()
        };
        subjects.flat_map_iter(note).collect()
    }
}
