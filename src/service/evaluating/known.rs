//! The ledger as it was known at several instants, one after another. One pass
//! reads it; what was not known by the first instant waits for the one by which
//! it was, and what was known by none is counted and let go. Each person's records
//! are put together at once; it comes to what the one fold makes of them, which
//! the leakage check and a test hold it to.
//!
//! A version of a record is known from when its source recorded it, or from
//! when the server took it in, as the terms say. Merging and withdrawing are
//! known from when they were done here. Restriction holds whenever it was
//! imposed: nobody who is restricted today is evaluated.

use std::collections::BTreeMap;
use std::sync::Arc;

use hashbrown::HashMap;
use rayon::prelude::*;

use crate::domain::dossier::Dossier;
use crate::domain::evidence::Evidence;
use crate::domain::{Revision, SubjectId};
use crate::pb;
use crate::reference::Tables;
use crate::scoring::Rules;
use crate::service::fault::Fault;
use crate::service::record::{from_stored, recorded_micros};
use crate::service::rescore::generation::failed;
use crate::service::state::{State, Touched};
use crate::store::pb::event::Body;
use crate::store::pb::{Event, EvidenceWritten};
use crate::store::{Store, StoreError, StoredEvent};

/// Events that are decoded together, on every thread there is.
const TOGETHER: usize = 65_536;

/// What was known at one instant after another.
pub struct Known {
    state: State,
    /// Revision that dossiers are of.
    through: Revision,
    instants: Vec<i64>,
    /// The instant that the state is of.
    at: usize,
    /// What becomes known by each instant, in the ledger's order.
    waiting: Vec<Vec<Change>>,
    /// Versions of records known by no instant.
    never: u64,
    /// Everything that the ledger tells of some people, to weigh them again by another way.
    sampled: BTreeMap<SubjectId, Vec<(i64, Event)>>,
}

/// How the ledger is read.
pub struct Reading<'a> {
    /// The ledger.
    pub store: &'a dyn Store,
    /// Through which revision.
    pub through: Revision,
    /// By when a record counts as known.
    pub by: pb::KnownBy,
    /// Instants in microseconds since 1970, ascending.
    pub instants: Vec<i64>,
    /// Every how many-th person is kept to be weighed again.
    pub sample_every: u32,
}

/// What becomes known.
enum Change {
    /// A version of a record.
    Written(SubjectId, Box<Evidence>),
    /// That a record is wrong.
    Withdrawn(SubjectId, Box<str>),
    /// Which histories are one person, who is restricted, who was erased.
    Person(Box<Event>),
}

/// An event as far as it is needed.
struct Read {
    change: Option<Change>,
    /// From when it is known, and the instant by which: one past the last for none.
    since: i64,
    by: usize,
    /// Of a record: whom it is of.
    written: Option<(SubjectId, Box<str>)>,
    /// The event, where somebody is weighed again who it is of.
    sampled: Option<Event>,
}

impl Known {
    /// Reads the ledger, and stands at the first instant.
    ///
    /// # Errors
    /// [`Fault::Internal`] where it cannot be read, and what `told` says of going on.
    pub fn read(
        reading: &Reading<'_>,
        tables: &'static Tables,
        rules: Arc<Rules>,
        mut told: impl FnMut(u64, u64) -> Result<(), Fault>,
    ) -> Result<Self, Fault> {
        let mut known = Self {
            state: State::under(tables, rules),
            through: reading.through,
            instants: reading.instants.clone(),
            at: 0,
            waiting: reading.instants.iter().map(|_| Vec::new()).collect(),
            never: 0,
            sampled: BTreeMap::new(),
        };
        let mut stored = reading.store.stored_events(Revision(1), reading.through);
        loop {
            let batch: Result<Vec<StoredEvent>, StoreError> = stored.by_ref().take(TOGETHER).collect();
            let batch = batch.map_err(|fault| failed(&fault))?;
            if batch.is_empty() {
                break;
            }
            let read: Result<Vec<Read>, Fault> = batch.par_iter().map(|stored| reading.event(stored, tables)).collect();
            let mut last = 0;
            for (event, stored) in read?.into_iter().zip(&batch) {
                last = stored.revision.0;
                known.take_in(event)?;
            }
            // What is known by the first instant is put together while it is at hand: records of one person come together.
            known.become_known()?;
            told(last, reading.through.0)?;
        }
        known.state.settle_widely();
        Ok(known)
    }

    fn take_in(&mut self, read: Read) -> Result<(), Fault> {
        let Read { change, since, by, written, sampled } = read;
        if let Some((subject, reference)) = &written {
            self.state.meet(*subject, reference);
        }
        if let Some(event) = sampled {
            self.sampled.entry(SubjectId(event.subject_id)).or_default().push((since, event));
        }
        match (change, self.waiting.get_mut(by)) {
            // Who is erased takes a number too, and has to be met in the ledger's order.
            (Some(Change::Person(event)), Some(_)) if matches!(event.body, Some(Body::Erased(_))) => {
                self.apply(&event)?;
            }
            (Some(change), Some(waiting)) => waiting.push(change),
            (Some(Change::Written(..)), None) => self.never += 1,
            (Some(Change::Withdrawn(..) | Change::Person(_)) | None, _) => {}
        }
        Ok(())
    }

    fn apply(&mut self, event: &Event) -> Result<(), Fault> {
        self.state.apply(event, &mut Touched::default()).map_err(|fault| {
            tracing::error!(fault = %fault, "an event cannot be read for an evaluation");
            Fault::Internal
        })
    }

    /// Everything that waits for the instant becomes known: each person's records at once, on every thread there is.
    fn become_known(&mut self) -> Result<(), Fault> {
        let mut of: HashMap<SubjectId, Vec<Change>> = HashMap::new();
        let mut people = Vec::new();
        for change in std::mem::take(&mut self.waiting[self.at]) {
            match &change {
                Change::Written(subject, _) | Change::Withdrawn(subject, _) => {
                    of.entry(*subject).or_default().push(change);
                }
                Change::Person(_) => people.push(change),
            }
        }
        let (state, through) = (&self.state, self.through);
        let after = |(subject, changes): (SubjectId, Vec<Change>)| {
            let held = state.dossier(subject);
            (!held.is_erased()).then(|| (subject, changed(held, through, changes)))
        };
        let of: Vec<(SubjectId, Vec<Change>)> = of.into_iter().collect();
        let mut after: Vec<(SubjectId, Dossier)> = of.into_par_iter().filter_map(after).collect();
        after.par_sort_unstable_by_key(|(subject, _)| *subject);
        self.state.rewrite(after);
        for change in people {
            if let Change::Person(event) = change {
                self.apply(&event)?;
            }
        }
        Ok(())
    }

    /// Goes on to the next instant; `false` at the last.
    ///
    /// # Errors
    /// [`Fault::Internal`] where an event cannot be read.
    pub fn advance(&mut self) -> Result<bool, Fault> {
        if self.at + 1 >= self.instants.len() {
            return Ok(false);
        }
        self.at += 1;
        self.become_known()?;
        self.state.settle_widely();
        Ok(true)
    }

    /// What is known at the instant.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// The same, to be weighed by other rules.
    pub fn weigh_by(&mut self, rules: &Arc<Rules>) {
        self.state.weigh_by(Arc::clone(rules));
        self.state.settle_widely();
    }

    /// Versions of records that are not known by the instant.
    pub fn not_known_yet(&self) -> u64 {
        let records = |changes: &Vec<Change>| {
            changes.iter().filter(|change| matches!(change, Change::Written(..))).count() as u64
        };
        self.never + self.waiting.iter().map(records).sum::<u64>()
    }

    /// Everything that the ledger tells of some people, with the instant from which each is known; in the ledger's order.
    pub fn sampled(&self) -> &BTreeMap<SubjectId, Vec<(i64, Event)>> {
        &self.sampled
    }
}

/// A dossier after changes in the ledger's order: of each record the last counts.
fn changed(held: &Dossier, through: Revision, changes: Vec<Change>) -> Dossier {
    let mut written: Vec<Evidence> = Vec::with_capacity(changes.len());
    let mut withdrawn: Vec<Box<str>> = Vec::new();
    for change in changes {
        match change {
            Change::Written(_, evidence) => {
                withdrawn.retain(|id| **id != *evidence.id);
                match written.iter_mut().find(|earlier| earlier.id == evidence.id) {
                    Some(earlier) => *earlier = *evidence,
                    None => written.push(*evidence),
                }
            }
            Change::Withdrawn(_, id) => {
                written.retain(|earlier| *earlier.id != *id);
                withdrawn.push(id);
            }
            Change::Person(_) => {}
        }
    }
    held.with_all(through, written, |id| withdrawn.iter().all(|gone| **gone != *id))
}

impl Reading<'_> {
    /// An event as far as it is needed.
    fn event(&self, stored: &StoredEvent, tables: &'static Tables) -> Result<Read, Fault> {
        let event = self.store.open_event(stored).map_err(|fault| failed(&fault))?;
        let subject = SubjectId(event.subject_id);
        let mut read = Read { change: None, since: i64::MIN, by: 0, written: None, sampled: None };
        match &event.body {
            Some(Body::EvidenceWritten(EvidenceWritten { record: Some(record), .. })) => {
                let recorded = recorded_micros(record, event.recorded_micros);
                read.since = match self.by {
                    pb::KnownBy::Server => event.recorded_micros,
                    pb::KnownBy::Source | pb::KnownBy::Unspecified => recorded,
                };
                let evidence =
                    from_stored(record, recorded, Revision(event.revision), tables).ok_or(Fault::Internal)?;
                read.change = Some(Change::Written(subject, Box::new(evidence)));
                read.written = Some((subject, record.subject_ref.as_str().into()));
            }
            Some(Body::EvidenceWithdrawn(withdrawn)) => {
                read.since = event.recorded_micros;
                read.change = Some(Change::Withdrawn(subject, withdrawn.record_id.as_str().into()));
            }
            Some(Body::SubjectsMerged(_) | Body::SubjectsUnmerged(_)) => {
                read.since = event.recorded_micros;
                read.change = Some(Change::Person(Box::new(event.clone())));
            }
            // Who was erased is gone whenever it was done, and who is restricted is left alone.
            Some(
                Body::Erased(_) | Body::SubjectErased(_) | Body::ProcessingRestricted(_) | Body::RestrictionLifted(_),
            ) => read.change = Some(Change::Person(Box::new(event.clone()))),
            Some(
                Body::EvidenceWritten(EvidenceWritten { record: None, .. })
                | Body::AsOfMoved(_)
                | Body::PolicyActivated(_)
                | Body::PolicyDrafted(_)
                | Body::PolicyApproved(_)
                | Body::PolicyScheduled(_)
                | Body::RequestAnswered(_)
                | Body::AuditAnchored(_)
                | Body::OutstandingNoted(_)
                | Body::AlignmentNoted(_)
                | Body::DisclosureRecorded(_)
                | Body::RetentionReviewed(_)
                | Body::RescoreStarted(_)
                | Body::RescoreEnded(_)
                | Body::GenerationPublished(_)
                | Body::GenerationBlanked(_),
            )
            | None => {}
        }
        read.by = self.instants.partition_point(|instant| *instant < read.since);
        let of_records = matches!(event.body, Some(Body::EvidenceWritten(_) | Body::EvidenceWithdrawn(_)));
        if of_records && subject.0.is_multiple_of(self.sample_every) {
            read.sampled = Some(event);
        }
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::service::evaluating::tests::{served, stop, versions, write, wronged};
    use crate::service::{Seen, state};

    /// Offences and other records of somebody, as text, so that dossiers of other revisions compare.
    fn told(dossier: &Dossier) -> String {
        let offences: Vec<String> = dossier.offences().map(|offence| format!("{offence:?}")).collect();
        format!("{} {offences:?} {:?} {:?}", dossier.subject_ref(), dossier.others(), dossier.repeats())
    }

    #[tokio::test]
    async fn records_put_together_at_once_come_to_what_the_fold_makes_of_them_one_by_one() {
        let started = served();
        write(&started.service, 1, wronged()).await;
        write(&started.service, 2, versions()).await;
        let standings = started.service.standings(Seen::default()).await.unwrap();
        let rules = Arc::clone(standings.rules());
        let tables = crate::reference::tables();
        let middle = "2023-01-01T12:00:00Z".parse::<jiff::Timestamp>().unwrap().as_microsecond();
        let reading = Reading {
            store: &*started.service.store,
            through: standings.revision(),
            by: pb::KnownBy::Source,
            instants: vec![middle, i64::MAX],
            sample_every: 1,
        };
        let mut known = Known::read(&reading, tables, Arc::clone(&rules), |_, _| Ok(())).unwrap();
        for until in [middle, i64::MAX] {
            let mut folded = State::under(tables, Arc::clone(&rules));
            let mut touched = state::Touched::default();
            for event in reading.store.events(Revision(1), reading.through) {
                let event = event.unwrap();
                let Some(Body::EvidenceWritten(written)) = &event.body else { continue };
                let record = written.record.as_ref().unwrap();
                folded.meet(SubjectId(event.subject_id), &record.subject_ref);
                if recorded_micros(record, event.recorded_micros) <= until {
                    folded.apply(&event, &mut touched).unwrap();
                }
            }
            folded.settle(&mut touched);
            let people = |state: &State| state.dossiers().iter().map(|dossier| told(dossier)).collect::<Vec<_>>();
            assert_eq!(people(known.state()), people(&folded));
            assert!(until == middle || folded.dossiers().iter().any(|dossier| !dossier.repeats().is_empty()));
            known.advance().unwrap();
        }
        stop(started);
    }
}
