//! Whom a caller may see, asked in one place by every read and by every change
//! about a person. Permission comes before existence: a caller who does not see
//! everybody is told the same of somebody out of sight and of nobody at all.

use super::Service;
use super::fault::Fault;
use super::mutation::{About, Answer, Mutation, MutationBody};
use crate::access::look::Written;
use crate::access::{Caller, Permission};
use crate::domain::SubjectId;
use crate::domain::word::List;
use crate::ranking::{Sight, Standings};

impl Service {
    /// Whom a caller may see in a snapshot.
    pub fn sight(caller: &Caller, standings: &Standings) -> Sight {
        caller.look.read(standings.revision(), standings.meta().generation);
        Self::sight_with(caller, standings, caller.may(Permission::SeeChildren))
    }

    fn sight_with(caller: &Caller, standings: &Standings, children: bool) -> Sight {
        let scope = caller.scope();
        let areas = scope.areas().map(|areas| areas.iter().map(|area| &**area));
        let lists = scope.lists().map(|lists| lists.iter().copied());
        Sight::new(standings.names(), areas, lists, children)
    }

    /// Whom a caller may see on a list that they ask for.
    ///
    /// # Errors
    /// [`Fault::OutOfScope`] where it is not theirs to read.
    pub fn sight_of(caller: &Caller, standings: &Standings, list: List) -> Result<Sight, Fault> {
        caller.look.list(list);
        let sight = Self::sight(caller, standings);
        if sight.admits(list) { Ok(sight) } else { Err(Fault::OutOfScope) }
    }

    /// A person asked for by reference.
    ///
    /// # Errors
    /// [`Fault::UnknownSubject`]; to a caller who does not see everybody [`Fault::OutOfScope`], whether the person is held
    /// or not.
    pub fn person(caller: &Caller, standings: &Standings, subject_ref: &str) -> Result<SubjectId, Fault> {
        Self::person_in(caller, &Self::sight(caller, standings), standings, subject_ref)
    }

    /// The same for one of many, whose sight is known.
    ///
    /// # Errors
    /// As [`person`](Self::person).
    pub fn person_in(
        caller: &Caller,
        sight: &Sight,
        standings: &Standings,
        subject_ref: &str,
    ) -> Result<SubjectId, Fault> {
        let found = standings.find(subject_ref);
        if sight.is_whole() {
            return found.ok_or(Fault::UnknownSubject);
        }
        match found {
            Some(subject) if standings.row(subject).is_some_and(|row| sight.knows(row)) => Ok(subject),
            Some(subject) => {
                caller.look.attempted(subject);
                Err(Fault::OutOfScope)
            }
            None => Err(Fault::OutOfScope),
        }
    }

    /// A person asked for by reference for whom something is done that is everybody's right, children's too.
    ///
    /// # Errors
    /// As [`person`](Self::person).
    pub fn person_of_life(caller: &Caller, standings: &Standings, subject_ref: &str) -> Result<SubjectId, Fault> {
        Self::person_in(caller, &Self::sight_of_life(caller, standings), standings, subject_ref)
    }

    /// Whom a caller may see where something is done that is everybody's right.
    pub fn sight_of_life(caller: &Caller, standings: &Standings) -> Sight {
        Self::sight_with(caller, standings, true)
    }

    /// A person asked for by reference who is to be told of as the lists have them.
    ///
    /// # Errors
    /// As [`person`](Self::person), and [`Fault::ProcessingRestricted`].
    pub fn listed_in(
        caller: &Caller,
        sight: &Sight,
        standings: &Standings,
        subject_ref: &str,
    ) -> Result<SubjectId, Fault> {
        let subject = Self::person_in(caller, sight, standings, subject_ref)?;
        if standings.restricted(subject) { Err(Fault::ProcessingRestricted) } else { Ok(subject) }
    }

    /// Areas that sums are made of: those asked for, or all that are the caller's. Sums name nobody and count everybody of
    /// an area, so that a return has one figure.
    ///
    /// # Errors
    /// [`Fault::OutOfScope`] for an area that is not the caller's, or where sums of the list are not.
    pub fn areas_of(caller: &Caller, list: List, asked: &[String]) -> Result<Vec<String>, Fault> {
        let scope = caller.scope();
        if !scope.admits(list) {
            return Err(Fault::OutOfScope);
        }
        let Some(areas) = scope.areas() else { return Ok(asked.to_vec()) };
        if areas.is_empty() || asked.iter().any(|area| !areas.contains(area.as_str())) {
            return Err(Fault::OutOfScope);
        }
        Ok(if asked.is_empty() { areas.iter().map(ToString::to_string).collect() } else { asked.to_vec() })
    }

    /// Whether a caller may change what is held of people. Whoever sends records of other systems, or keeps them, may do so
    /// for children too: to write is not to see.
    ///
    /// # Errors
    /// [`Fault::OutOfScope`].
    pub(super) fn admit(&self, mutation: &Mutation) -> Result<(), Fault> {
        let caller = &mutation.caller;
        let of_life = matches!(mutation.body, MutationBody::Life(_) | MutationBody::Erase(_));
        let children = of_life || caller.may(Permission::SeeChildren) || caller.may(Permission::WriteEvidence);
        if caller.scope().is_whole() && children {
            return Ok(());
        }
        let refs = mutation.subject_refs();
        if refs.is_empty() {
            return Ok(());
        }
        let standings = self.newest().ok_or(Fault::NoActivePolicy)?;
        let sight = Self::sight_with(caller, &standings, children);
        refs.iter().try_for_each(|subject_ref| Self::person_in(caller, &sight, &standings, subject_ref).map(drop))
    }

    /// What a change that was answered came to, for the audit.
    pub fn written(&self, about: &About, answer: &Answer) -> Written {
        let weighed = self.newest().filter(|_| about.weighs);
        Written {
            concerned: self.subjects(&about.refs),
            revision: about.writes.then_some(answer.revision),
            policy: weighed.map(|standings| standings.rules().policy.version.as_str().into()),
        }
    }

    /// Those of some references who are held.
    fn subjects(&self, refs: &[String]) -> Vec<SubjectId> {
        let Some(standings) = self.newest() else { return Vec::new() };
        refs.iter().filter_map(|subject_ref| standings.find(subject_ref)).collect()
    }
}
