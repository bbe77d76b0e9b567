//! The writer's notes: whenever the effective band of a person with an open
//! file changes, or whom that file's victims are, the ledger says so in the same
//! commit. What was due on any past day then follows from the files' own events.

use std::sync::Arc;

use tracing::warn;

use super::board::Weighing;
use super::fault::Fault;
use super::group::{Building, GROUP_EVENTS};
use super::note;
use super::oversight::alignment;
use super::state::Touched;
use super::writer::Writer;
use crate::access::Caller;
use crate::domain::SubjectId;
use crate::domain::word::Band;
use crate::store::pb::OutstandingNoted;
use crate::store::pb::event::Body;

impl Writer {
    /// Adds to the group what is to be noted of those weighed.
    pub(super) fn note(&mut self, group: &mut Building<'_>, weighing: &Weighing) -> Result<(), Fault> {
        for (subject, weighed) in weighing.weighed() {
            for (history, noted) in self.unnoted_of(*subject, weighed.outstanding.effective) {
                self.push_note(group, history, noted)?;
            }
        }
        Ok(())
    }

    /// Notes everybody who was weighed, in groups of their own.
    pub(super) fn note_everyone(&mut self, weighing: &Weighing) -> Result<(), Fault> {
        let notes = weighing
            .weighed()
            .iter()
            .flat_map(|(subject, weighed)| self.unnoted_of(*subject, weighed.outstanding.effective));
        let notes: Vec<(SubjectId, OutstandingNoted)> = notes.collect();
        self.note_these(&notes)
    }

    /// Notes what was not noted, in groups of its own.
    pub(super) fn note_these(&mut self, notes: &[(SubjectId, OutstandingNoted)]) -> Result<(), Fault> {
        if notes.is_empty() {
            return Ok(());
        }
        if self.low.is_some() {
            warn!(notes = notes.len(), "bands of people with open files are not noted while the disk is low");
            return Ok(());
        }
        let store = Arc::clone(&self.store);
        for chunk in notes.chunks(GROUP_EVENTS) {
            let now = self.stamp();
            let mut group = Building::new(&*store, self.head.revision, self.state.next_subject(), now.as_microsecond());
            for (subject, noted) in chunk {
                self.push_note(&mut group, *subject, noted.clone())?;
            }
            self.append(group)?;
        }
        Ok(())
    }

    /// Notes how far selection follows the scores, where the day or the policy moved: what it was then can be told ever after.
    pub(super) fn note_alignment(&mut self) -> Result<(), Fault> {
        let Some(standings) = self.board.standings().filter(|_| self.moved && self.low.is_none()) else {
            return Ok(());
        };
        self.moved = false;
        let Some(noted) = alignment::noted(&standings) else { return Ok(()) };
        let store = Arc::clone(&self.store);
        let now = self.stamp();
        let mut group = Building::new(&*store, self.head.revision, self.state.next_subject(), now.as_microsecond());
        let mut touched = Touched::default();
        self.push(&mut group, &mut touched, &Caller::service(), &[], None, Body::AlignmentNoted(noted))?;
        self.append(group)?;
        // Nobody moved; readers see the revision.
        self.board.publish(&self.state, &Weighing::Some(Vec::new()), now);
        Ok(())
    }

    /// What is to be noted of a person, for each of their histories: a file's clocks are read from the history that it is in. Of
    /// one whose processing is restricted nothing is.
    pub(super) fn unnoted_of(&self, subject: SubjectId, band: Band) -> Vec<(SubjectId, OutstandingNoted)> {
        let histories = self.state.histories();
        let of = |history: SubjectId| Some((history, self.unnoted(history, band)?));
        if histories.is_plain(subject) {
            return of(subject).into_iter().collect();
        }
        if histories.is_merged(subject) || histories.is_restricted(subject) {
            return Vec::new();
        }
        histories.of(subject).into_iter().filter_map(of).collect()
    }

    /// What is to be noted of one history; `None` where the ledger says it already.
    fn unnoted(&self, subject: SubjectId, band: Band) -> Option<OutstandingNoted> {
        let dossier = self.state.dossier(subject);
        // Nearly everybody: no file is open, and none was when something was noted last.
        if dossier.noted() == 0 && !dossier.is_outstanding() {
            return None;
        }
        let noted = crate::supervision::note::of(dossier, band);
        let noted = note::stored(dossier.subject_ref(), noted);
        (note::digest(&noted) != dossier.noted()).then_some(noted)
    }

    fn push_note(
        &mut self,
        group: &mut Building<'_>,
        subject: SubjectId,
        noted: OutstandingNoted,
    ) -> Result<(), Fault> {
        // A note changes nothing that anybody is weighed by.
        let mut touched = Touched::default();
        self.push(group, &mut touched, &Caller::service(), &[], Some(subject), Body::OutstandingNoted(noted))
    }
}
