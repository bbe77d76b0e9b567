//! The one fold: [`State::apply`] is the only thing that changes what is known.
//! The writer, a start from views, a rebuild from the ledger and any later
//! replay all go through it. It judges nothing and reads no clock: whatever was
//! decided is in the event.

mod erased;
mod persons;

use std::collections::BTreeSet;
use std::sync::Arc;

use rayon::prelude::*;

use super::note;
use super::policies::{NextPolicy, Policies};
use super::record;
use super::rescore::runs::Runs;
use super::victim::{self, InMind};
use crate::domain::dossier::Dossier;
use crate::domain::evidence::Evidence;
use crate::domain::life::Histories;
use crate::domain::{Date, Moment, Revision, SubjectId};
use crate::policy::Policy;
use crate::ranking::References;
use crate::ranking::hash_index::HashIndex;
use crate::reference::Tables;
use crate::scoring::Rules;
use crate::scoring::harm::Catalogue;
use crate::store::pb::event::Body;
use crate::store::pb::{Event, EvidenceWithdrawn, EvidenceWritten, OutstandingNoted, PolicyActivated};

/// An event that this version cannot fold: the store was written by another.
#[derive(Debug, thiserror::Error)]
#[error("event {revision} cannot be read by this version: {why}")]
pub struct Unreadable {
    /// Its revision.
    pub revision: Revision,
    /// Why.
    pub why: &'static str,
}

/// What must be weighed anew after some events.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Touched {
    /// Subjects concerned.
    pub subjects: BTreeSet<SubjectId>,
    /// Everybody: the day or the policy changed.
    pub everyone: bool,
}

/// Everything that the ledger folds to, but the standings.
#[derive(Debug)]
pub struct State {
    tables: &'static Tables,
    revision: Revision,
    as_of: Option<Date>,
    rules: Option<Arc<Rules>>,
    /// Text of the policy in force, and digest of the tables that it was activated over.
    activated: Option<(String, Vec<u8>)>,
    policies: Arc<Policies>,
    dossiers: Vec<Arc<Dossier>>,
    references: Arc<References>,
    records: HashIndex,
    victims: HashIndex,
    histories: Histories,
    /// Runs and what they published.
    runs: Arc<Runs>,
    /// Subjects whose victims must be linked anew by [`State::settle`].
    unsettled: BTreeSet<SubjectId>,
}

impl State {
    /// The state of an empty ledger.
    pub fn new(tables: &'static Tables) -> Self {
        Self {
            tables,
            revision: Revision(0),
            as_of: None,
            rules: None,
            activated: None,
            policies: Arc::default(),
            dossiers: Vec::new(),
            references: Arc::default(),
            records: HashIndex::default(),
            victims: HashIndex::default(),
            histories: Histories::default(),
            runs: Arc::default(),
            unsettled: BTreeSet::new(),
        }
    }

    /// The state of an empty ledger, to be weighed by rules that need not be in it.
    pub fn under(tables: &'static Tables, rules: Arc<Rules>) -> Self {
        Self { rules: Some(rules), ..Self::new(tables) }
    }

    /// The same people, to be weighed by other rules: who is a repeat victim is found anew by the next
    /// [`settle`](Self::settle).
    pub fn weigh_by(&mut self, rules: Arc<Rules>) {
        let linked = self.rules.as_ref().is_some_and(|held| held.policy.harm == rules.policy.harm);
        self.rules = Some(rules);
        if !linked {
            self.unsettle_everyone();
        }
    }

    /// Gives a subject its number before anything is known of it, so that the ledger's numbers hold where not all of its
    /// records are folded in. It is not found by its reference.
    pub fn meet(&mut self, subject: SubjectId, subject_ref: &str) {
        if subject.index() == self.dossiers.len() {
            self.dossiers.push(Arc::new(Dossier::new(subject_ref)));
        }
    }

    /// Puts dossiers in place of others, whatever differs in them. Records are not found by their ids afterwards.
    pub fn rewrite(&mut self, dossiers: Vec<(SubjectId, Dossier)>) {
        for (subject, after) in dossiers {
            let before = std::mem::replace(&mut self.dossiers[subject.index()], Arc::new(after));
            let after = Arc::clone(&self.dossiers[subject.index()]);
            let (was, is) = (victim::distinct(&before), victim::distinct(&after));
            for gone in was.difference(&is) {
                self.victims.remove(gone, subject);
            }
            for new in is.difference(&was) {
                self.victims.insert(new, subject);
            }
            for reference in was.union(&is) {
                self.unsettled.extend(self.victims.candidates(reference));
                self.unsettled.insert(subject);
            }
        }
    }

    /// As [`settle`](Self::settle), on every thread there is, where nobody asks who was touched.
    pub fn settle_widely(&mut self) {
        let unsettled: Vec<SubjectId> = std::mem::take(&mut self.unsettled).into_iter().collect();
        let linked = |in_mind: &mut InMind, subject: &SubjectId| Some((*subject, self.linked(*subject, in_mind)?));
        let linked: Vec<(SubjectId, Dossier)> =
            unsettled.par_iter().map_init(InMind::default, linked).flatten_iter().collect();
        for (subject, dossier) in linked {
            self.dossiers[subject.index()] = Arc::new(dossier);
        }
    }

    /// Takes in what the view of dossiers holds, by subject id from 0, as at a revision. The day and the
    /// policy are applied before, from their own events.
    pub fn admit(&mut self, revision: Revision, dossiers: Vec<Dossier>) {
        debug_assert!(self.dossiers.is_empty(), "dossiers must be admitted once");
        self.dossiers.reserve_exact(dossiers.len());
        for dossier in dossiers {
            let subject = self.next_subject();
            if !dossier.is_erased() {
                self.references.insert(dossier.subject_ref(), subject);
            }
            for id in dossier.record_ids() {
                self.records.insert(id, subject);
            }
            for reference in victim::distinct(&dossier) {
                self.victims.insert(reference, subject);
            }
            if let Some(life) = dossier.life() {
                self.histories.admit(subject, life);
            }
            self.dossiers.push(Arc::new(dossier));
        }
        self.unsettle_everyone();
        self.revision = revision;
    }

    /// Revision of the last event folded in.
    pub fn revision(&self) -> Revision {
        self.revision
    }

    /// The day on which lists are weighed, once one is set.
    pub fn as_of(&self) -> Option<Date> {
        self.as_of
    }

    /// The policy in force with its catalogue, once one is active.
    pub fn rules(&self) -> Option<&Arc<Rules>> {
        self.rules.as_ref()
    }

    /// Text of the policy in force, where it was activated over other tables than this binary's: its figures may
    /// have changed, and the ledger must say so.
    pub fn policy_over_other_tables(&self) -> Option<&str> {
        let (text, tables) = self.activated.as_ref()?;
        (*tables != self.tables.digest()).then_some(text)
    }

    /// Runs and what they published.
    pub fn runs(&self) -> &Arc<Runs> {
        &self.runs
    }

    /// Every policy: drafts, those that were in force, and the one that is.
    pub fn policies(&self) -> &Arc<Policies> {
        &self.policies
    }

    /// The policy that was approved and activated and comes into force with the next run that begins and publishes: with its
    /// `PolicyActivated` it no longer waits.
    pub fn next_policy(&self) -> Option<&NextPolicy> {
        self.policies.next()
    }

    /// The published tables.
    pub fn tables(&self) -> &'static Tables {
        self.tables
    }

    /// Every dossier, by subject id.
    pub fn dossiers(&self) -> &[Arc<Dossier>] {
        &self.dossiers
    }

    /// The dossier of one history: of what was written under one reference. See [`State::whole`] and [`State::shown`] for what
    /// there is of the person.
    pub fn dossier(&self, subject: SubjectId) -> &Arc<Dossier> {
        &self.dossiers[subject.index()]
    }

    /// The id that the next new subject gets.
    pub fn next_subject(&self) -> SubjectId {
        SubjectId(u32::try_from(self.dossiers.len()).expect("a store must hold fewer than 2^32 subjects"))
    }

    /// The subject whose history was written under a reference.
    pub fn subject(&self, subject_ref: &str) -> Option<SubjectId> {
        let is_it = |subject: SubjectId| {
            self.dossiers.get(subject.index()).is_some_and(|held| held.subject_ref() == subject_ref)
        };
        self.references.find(subject_ref, is_it)
    }

    /// References of every subject, for the standings to share.
    pub fn references(&self) -> &Arc<References> {
        &self.references
    }

    /// The subject that holds a record in force, and the revision of its version.
    pub fn holder(&self, record_id: &str) -> Option<(SubjectId, Revision)> {
        self.records
            .candidates(record_id)
            .find_map(|subject| Some((subject, self.dossier(subject).revision_of(record_id)?)))
    }

    /// Folds one event in and notes who must be weighed anew.
    ///
    /// # Errors
    /// When the event was written by a version whose records this one cannot read.
    pub fn apply(&mut self, event: &Event, touched: &mut Touched) -> Result<(), Unreadable> {
        let revision = Revision(event.revision);
        let unreadable = |why| Unreadable { revision, why };
        match &event.body {
            Some(Body::EvidenceWritten(written)) => {
                let subject = SubjectId(event.subject_id);
                self.write(subject, revision, event.recorded_micros, written, touched).map_err(unreadable)?;
            }
            Some(Body::EvidenceWithdrawn(withdrawn)) => {
                self.withdraw(SubjectId(event.subject_id), revision, withdrawn, touched);
            }
            Some(Body::AsOfMoved(moved)) => {
                self.as_of = Some(moved.as_of.parse().map_err(|_| unreadable("its as_of is not a date"))?);
                Arc::make_mut(&mut self.runs).moved();
                touched.everyone = true;
            }
            Some(Body::PolicyDrafted(_) | Body::PolicyApproved(_) | Body::PolicyScheduled(_)) => {
                self.recall(event).map_err(unreadable)?;
            }
            Some(Body::PolicyActivated(activated)) => {
                self.recall(event).map_err(unreadable)?;
                self.bring_into_force(activated).map_err(unreadable)?;
                touched.everyone = true;
            }
            Some(Body::OutstandingNoted(noted)) => {
                self.note(SubjectId(event.subject_id), event, noted, touched).map_err(unreadable)?;
            }
            Some(Body::RescoreStarted(started)) => {
                Arc::make_mut(&mut self.runs).started(event, started).map_err(unreadable)?;
            }
            Some(Body::RescoreEnded(ended)) => {
                Arc::make_mut(&mut self.runs).ended(event, ended).map_err(unreadable)?;
            }
            Some(Body::GenerationPublished(published)) => {
                self.as_of = Some(published.as_of.parse().map_err(|_| unreadable("its as_of is not a date"))?);
                Arc::make_mut(&mut self.runs).published(event, published).map_err(unreadable)?;
                touched.everyone = true;
            }
            Some(
                body @ (Body::SubjectsMerged(_)
                | Body::SubjectsUnmerged(_)
                | Body::ProcessingRestricted(_)
                | Body::RestrictionLifted(_)
                | Body::DisclosureRecorded(_)
                | Body::RetentionReviewed(_)),
            ) => self.live(event, body, touched).map_err(unreadable)?,
            Some(Body::Erased(_)) => self.stand_in(SubjectId(event.subject_id), revision).map_err(unreadable)?,
            Some(Body::SubjectErased(_)) => {
                self.erase(SubjectId(event.subject_id), revision, touched).map_err(unreadable)?;
            }
            Some(Body::GenerationBlanked(blanked)) => {
                Arc::make_mut(&mut self.runs).blanked(blanked).map_err(unreadable)?;
            }
            Some(Body::RequestAnswered(_) | Body::AlignmentNoted(_) | Body::AuditAnchored(_)) => {}
            None => return Err(unreadable("its kind is unknown")),
        }
        self.revision = revision;
        Ok(())
    }

    /// Folds what an event says of policies, and nothing else of it: nobody is weighed by it.
    ///
    /// # Errors
    /// When it is about a policy that is not known.
    pub(super) fn recall(&mut self, event: &Event) -> Result<(), &'static str> {
        Arc::make_mut(&mut self.policies).fold(event)
    }

    fn write(
        &mut self,
        subject: SubjectId,
        revision: Revision,
        ingested_micros: i64,
        written: &EvidenceWritten,
        touched: &mut Touched,
    ) -> Result<(), &'static str> {
        let record = written.record.as_ref().ok_or("it holds no record")?;
        let evidence = read(record, ingested_micros, revision, self.tables).ok_or("its record cannot be read")?;
        if subject.index() == self.dossiers.len() {
            self.references.insert(&record.subject_ref, subject);
            self.dossiers.push(Arc::new(Dossier::new(&record.subject_ref)));
        }
        let before = Arc::clone(self.dossiers.get(subject.index()).ok_or("its subject was never admitted")?);
        if before.revision_of(&evidence.id).is_none() {
            self.records.insert(&evidence.id, subject);
        }
        self.replace(subject, &record.id, before.with(evidence), touched);
        Ok(())
    }

    fn withdraw(
        &mut self,
        subject: SubjectId,
        revision: Revision,
        withdrawn: &EvidenceWithdrawn,
        touched: &mut Touched,
    ) {
        let before = Arc::clone(self.dossier(subject));
        self.records.remove(&withdrawn.record_id, subject);
        self.replace(subject, &withdrawn.record_id, before.without(&withdrawn.record_id, revision), touched);
    }

    fn note(
        &mut self,
        subject: SubjectId,
        event: &Event,
        noted: &OutstandingNoted,
        touched: &mut Touched,
    ) -> Result<(), &'static str> {
        let before = self.dossiers.get(subject.index()).ok_or("its subject was never admitted")?;
        let mut bands = before.bands().to_vec();
        let band =
            if noted.files.is_empty() { None } else { Some(note::band(noted.band).ok_or("its band is unknown")?) };
        if bands.last().and_then(|(_, last)| *last) != band {
            bands.push((Moment::of_micros(event.recorded_micros), band));
        }
        let after = before.at(Revision(event.revision)).with_notes(bands, note::digest(noted));
        self.dossiers[subject.index()] = Arc::new(after);
        touched.subjects.insert(subject);
        Ok(())
    }

    /// Puts a dossier in place of another that differs in one record. The index of victims holds each person
    /// once for each victim of theirs.
    fn replace(&mut self, subject: SubjectId, record_id: &str, after: Dossier, touched: &mut Touched) {
        let after = Arc::new(after);
        let before = std::mem::replace(&mut self.dossiers[subject.index()], Arc::clone(&after));
        let (was, is) = (victim::reference(&before, record_id), victim::reference(&after, record_id));
        let among = |dossier: &Dossier, wanted: &str| victim::references(dossier).any(|held| held == wanted);
        if let Some(gone) = was.filter(|gone| !among(&after, gone)) {
            self.victims.remove(gone, subject);
        }
        if let Some(new) = is.filter(|new| !among(&before, new)) {
            self.victims.insert(new, subject);
        }
        touched.subjects.insert(subject);
        // The victims of the person's other records are victims of the same records as before.
        for reference in was.into_iter().chain(is) {
            self.unsettled.extend(self.victims.candidates(reference));
            self.unsettled.insert(subject);
        }
    }

    /// Links victims after a group of events: what [`Self::apply`] leaves open, since one victim may
    /// stand in many records of a group. Idempotent; the outcome depends on the dossiers alone.
    pub fn settle(&mut self, touched: &mut Touched) {
        let unsettled = std::mem::take(&mut self.unsettled);
        let mut in_mind = InMind::default();
        for subject in unsettled {
            if self.link(subject, &mut in_mind) {
                touched.subjects.insert(subject);
            }
        }
        self.gather(touched);
    }

    /// Brings a policy into force.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn bring_into_force(&mut self, activated: &PolicyActivated) -> Result<(), &'static str> {
        self.rules = Some(self.activate(activated)?);
        self.activated = Some((activated.text.clone(), activated.tables_digest.clone()));
        self.unsettle_everyone();
        Arc::make_mut(&mut self.runs).activated(&activated.digest);
        Ok(())
    }

    fn activate(&self, activated: &PolicyActivated) -> Result<Arc<Rules>, &'static str> {
        let policy = Policy::parse(&activated.text).map_err(|_| "its policy does not validate")?;
        let catalogue = Catalogue::new(self.tables, &policy);
        Ok(Arc::new(Rules { policy, catalogue }))
    }

    /// Leaves everybody's victims to be linked anew: proof, and so repetition, is policy.
    fn unsettle_everyone(&mut self) {
        let subjects = (0..self.next_subject().0).map(SubjectId);
        let linked = subjects.filter(|subject| victim::references(self.dossier(*subject)).next().is_some());
        self.unsettled = linked.collect();
    }

    /// Finds anew which of one person's victims are repeat victims; whether anything changed.
    fn link(&mut self, subject: SubjectId, in_mind: &mut InMind) -> bool {
        let Some(linked) = self.linked(subject, in_mind) else { return false };
        self.dossiers[subject.index()] = Arc::new(linked);
        true
    }

    /// A person with their repeat victims found anew; `None` where they are the same. `in_mind` holds what was read of each
    /// victim since the last event: linking changes nothing that it is read from.
    fn linked(&self, subject: SubjectId, in_mind: &mut InMind) -> Option<Dossier> {
        let rules = self.rules.as_ref()?;
        let people = |reference: &str| {
            let linked = self.victims.candidates(reference).filter(|linked| !self.histories.is_restricted(*linked));
            linked.map(|linked| &*self.dossiers[linked.index()])
        };
        victim::linked(self.dossier(subject), rules, in_mind, people)
    }
}

/// Evidence of a record in the ledger; a record without `recorded_time` was recorded when it was taken in.
fn read(record: &crate::pb::Record, ingested_micros: i64, revision: Revision, tables: &Tables) -> Option<Evidence> {
    record::from_stored(record, record::recorded_micros(record, ingested_micros), revision, tables)
}
