//! How the fold takes in that somebody was erased: the number stays taken, and
//! nothing else is known of whoever had it.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::{State, Touched};
use crate::domain::dossier::Dossier;
use crate::domain::{Revision, SubjectId};
use crate::service::victim;

impl State {
    /// An event about somebody who was erased since: the number stays taken, and nothing else is known.
    pub(super) fn stand_in(&mut self, subject: SubjectId, revision: Revision) -> Result<(), &'static str> {
        let erased = Arc::new(Dossier::erased(revision));
        if subject.index() == self.dossiers.len() {
            self.dossiers.push(erased);
        } else {
            *self.dossiers.get_mut(subject.index()).ok_or("its subject was never admitted")? = erased;
        }
        Ok(())
    }

    /// Takes a person out of everything that is known. The number is never given to anybody else.
    pub(super) fn erase(
        &mut self,
        subject: SubjectId,
        revision: Revision,
        touched: &mut Touched,
    ) -> Result<(), &'static str> {
        let before = Arc::clone(self.dossiers.get(subject.index()).ok_or("its subject was never admitted")?);
        for id in before.record_ids() {
            self.records.remove(id, subject);
        }
        for reference in victim::distinct(&before) {
            self.victims.remove(reference, subject);
            self.unsettled.extend(self.victims.candidates(reference));
        }
        self.unsettled.remove(&subject);
        touched.subjects.extend(self.histories.of(subject));
        self.histories.forget(subject);
        touched.subjects.insert(subject);
        self.dossiers[subject.index()] = Arc::new(Dossier::erased(revision));
        Ok(())
    }

    /// Other people who share a victim with a person.
    pub fn sharing_victims(&self, subject: SubjectId) -> BTreeSet<SubjectId> {
        let dossier = self.dossier(subject);
        let linked = victim::distinct(dossier).into_iter().flat_map(|reference| self.victims.candidates(reference));
        let shares = |other: &SubjectId| {
            let theirs = victim::distinct(self.dossier(*other));
            *other != subject && victim::distinct(dossier).into_iter().any(|reference| theirs.contains(&reference))
        };
        linked.collect::<BTreeSet<_>>().into_iter().filter(shares).collect()
    }
}
