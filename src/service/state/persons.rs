//! Which histories are one person, and whose processing is restricted: how the
//! fold takes it in, and which dossier a person is weighed and shown by. The
//! histories themselves are never mixed, so that they can be taken apart again.

use std::sync::Arc;

use super::{State, Touched};
use crate::domain::dossier::Dossier;
use crate::domain::life::{Histories, Life, Merged};
use crate::domain::{Revision, SubjectId};
use crate::service::{life, victim};
use crate::store::pb::Event;
use crate::store::pb::event::Body;

impl State {
    /// Which histories are one person, and whose processing is restricted.
    pub fn histories(&self) -> &Histories {
        &self.histories
    }

    /// Everything in force about the person whom a history is of, restricted or not: what is judged and decided by.
    pub fn whole(&self, subject: SubjectId) -> Arc<Dossier> {
        if self.histories.is_plain(subject) {
            return Arc::clone(self.dossier(subject));
        }
        match &*self.parts(subject) {
            [(_, only)] => Arc::clone(only),
            parts => Arc::new(Dossier::joined(parts)),
        }
    }

    /// What the lists see of a history: of one that a person stands by, all of theirs together; of any other, and of one whose
    /// processing is restricted, nothing.
    pub fn shown(&self, subject: SubjectId) -> Arc<Dossier> {
        if self.histories.is_plain(subject) {
            return Arc::clone(self.dossier(subject));
        }
        let parts = self.parts(subject);
        let restricted = self.histories.is_restricted(subject);
        if restricted || self.histories.is_merged(subject) {
            return Arc::new(self.dossier(subject).absent(&parts, restricted));
        }
        Arc::new(Dossier::joined(&parts))
    }

    /// Histories of the person whom a history is of, the one that they stand by first.
    fn parts(&self, subject: SubjectId) -> Vec<(SubjectId, Arc<Dossier>)> {
        let of = self.histories.of(subject).into_iter();
        of.map(|history| (history, Arc::clone(self.dossier(history)))).collect()
    }

    /// Which history of a person holds a record, where any does: they may be asked for by each of their references.
    pub fn holding(&self, subject: SubjectId, record_id: &str) -> Option<SubjectId> {
        let holds = |history: &SubjectId| self.dossier(*history).revision_of(record_id).is_some();
        if holds(&subject) {
            return Some(subject);
        }
        self.histories.of(subject).into_iter().find(holds)
    }

    /// Folds in what became of a history as a whole.
    pub(super) fn live(&mut self, event: &Event, body: &Body, touched: &mut Touched) -> Result<(), &'static str> {
        let (subject, revision) = (SubjectId(event.subject_id), Revision(event.revision));
        self.known(subject)?;
        match body {
            Body::SubjectsMerged(told) => {
                let (merged, into) = (SubjectId(told.merged_id), SubjectId(told.survivor_id));
                self.known(merged)?;
                self.known(into)?;
                if subject == merged {
                    if self.histories.is_merged(merged) || self.histories.person(into) == merged {
                        return Err("it merges a subject twice, or into a part of itself");
                    }
                    self.histories.merge(merged, into);
                    self.amend(subject, revision, |life| life.merged = Some(Merged { into, revision }));
                } else {
                    self.amend(subject, revision, |life| join(&mut life.members, merged));
                }
            }
            Body::SubjectsUnmerged(told) => {
                let (merged, survivor) = (SubjectId(told.merged_id), SubjectId(told.survivor_id));
                self.known(survivor)?;
                touched.subjects.extend(self.histories.of(survivor));
                if subject == merged {
                    // Of a restricted person all victims are out of mind, and some come back.
                    self.unsettle_person(subject);
                    self.histories.unmerge(merged);
                    self.amend(subject, revision, |life| life.merged = None);
                } else {
                    self.amend(subject, revision, |life| life.members.retain(|member| *member != merged));
                }
            }
            Body::ProcessingRestricted(_) => {
                self.histories.restrict(subject, true);
                self.amend(subject, revision, |life| life.restricted = Some(revision));
            }
            Body::RestrictionLifted(_) => {
                self.unsettle_person(subject);
                self.histories.restrict(subject, false);
                self.amend(subject, revision, |life| life.restricted = None);
            }
            Body::DisclosureRecorded(_) => {
                self.amend(subject, revision, |_| ());
                touched.subjects.insert(subject);
                return Ok(());
            }
            Body::RetentionReviewed(told) => {
                let new = life::reviewed(revision, told);
                self.amend(subject, revision, |life| {
                    life.reviewed = Some(life.reviewed.map_or(new, |held| held.or_later(new)));
                });
                touched.subjects.insert(subject);
                return Ok(());
            }
            Body::EvidenceWritten(_)
            | Body::EvidenceWithdrawn(_)
            | Body::AsOfMoved(_)
            | Body::PolicyActivated(_)
            | Body::PolicyDrafted(_)
            | Body::PolicyApproved(_)
            | Body::PolicyScheduled(_)
            | Body::RequestAnswered(_)
            | Body::AuditAnchored(_)
            | Body::OutstandingNoted(_)
            | Body::AlignmentNoted(_)
            | Body::RescoreStarted(_)
            | Body::RescoreEnded(_)
            | Body::GenerationPublished(_)
            | Body::Erased(_)
            | Body::SubjectErased(_)
            | Body::GenerationBlanked(_) => return Err("it tells of no history as a whole"),
        }
        self.unsettle_person(subject);
        touched.subjects.extend(self.histories.of(subject));
        Ok(())
    }

    fn known(&self, subject: SubjectId) -> Result<(), &'static str> {
        if subject.index() < self.dossiers.len() { Ok(()) } else { Err("its subject was never admitted") }
    }

    fn amend(&mut self, subject: SubjectId, revision: Revision, change: impl FnOnce(&mut Life)) {
        let held = self.dossier(subject);
        let mut life = held.life().cloned().unwrap_or_default();
        change(&mut life);
        let after = held.at(revision).with_life(life);
        self.dossiers[subject.index()] = Arc::new(after);
    }

    /// Has everybody linked anew who shares a victim with a person.
    fn unsettle_person(&mut self, subject: SubjectId) {
        for history in self.histories.of(subject) {
            let held = Arc::clone(self.dossier(history));
            for reference in victim::distinct(&held) {
                self.unsettled.extend(self.victims.candidates(reference));
            }
        }
    }

    /// People of whom one history was touched are weighed anew by all of theirs.
    pub(super) fn gather(&self, touched: &mut Touched) {
        let by = touched.subjects.iter().filter(|subject| !self.histories.is_plain(**subject));
        let by: Vec<SubjectId> = by.flat_map(|subject| self.histories.of(*subject)).collect();
        touched.subjects.extend(by);
    }
}

fn join(members: &mut Vec<SubjectId>, merged: SubjectId) {
    if let Err(place) = members.binary_search(&merged) {
        members.insert(place, merged);
    }
}
