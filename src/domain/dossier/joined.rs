//! Dossiers that lists are made from, where these are not simply one history:
//! of a person with several, of one who is part of another, and of one whose
//! processing is restricted. The histories themselves stay as they are, apart.

use std::sync::Arc;

use super::{Dossier, Packer};
use crate::domain::life::Life;
use crate::domain::word::Band;
use crate::domain::{Moment, Revision, SubjectId};

/// Why the lists see a dossier otherwise than as its one history.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Shown {
    /// The history that the person stands by.
    person: SubjectId,
    /// What there is of the person: the one that they stand by first.
    histories: Box<[(SubjectId, Arc<Dossier>)]>,
    restricted: bool,
    stands: bool,
}

impl Dossier {
    /// What became of the history as a whole. `None`: nothing.
    pub fn life(&self) -> Option<&Life> {
        self.life.as_deref()
    }

    /// This dossier with what became of the history as a whole.
    #[must_use]
    pub fn with_life(mut self, life: Life) -> Self {
        self.life = Some(Box::new(life)).filter(|life| !life.is_empty());
        self
    }

    /// Histories of one person as one dossier, by which they are weighed; the first, of which there must be one, is the one
    /// that they stand by. Bands were noted of each history, and are found by its files.
    pub fn joined(histories: &[(SubjectId, Arc<Self>)]) -> Self {
        let mut packer = Packer::new(histories.first().map_or("", |(_, held)| held.subject_ref()));
        for (_, held) in histories {
            packer.copy(held, |_| true);
        }
        let mut repeats: Vec<_> = histories.iter().flat_map(|(_, held)| held.repeats.iter().cloned()).collect();
        let mut dossier = packer.finish(newest(histories), Box::default());
        // In order of offence, as one history has them.
        repeats.sort_by_cached_key(|repeat| dossier.offences().position(|offence| *offence.id == *repeat.offence_id));
        dossier.repeats = repeats.into_boxed_slice();
        dossier.shown = shown(histories, (false, true));
        dossier
    }

    /// What the lists see of a history that stands nowhere by itself: its reference, and whom it is part of. The person is the
    /// first of `histories`.
    #[must_use]
    pub fn absent(&self, histories: &[(SubjectId, Arc<Self>)], restricted: bool) -> Self {
        let mut dossier = Self::new(self.subject_ref());
        dossier.revision = newest(histories);
        dossier.shown = shown(histories, (restricted, false));
        dossier
    }

    /// Whether lists may show the person by this dossier.
    pub fn stands(&self) -> bool {
        self.shown.as_ref().is_none_or(|shown| shown.stands)
    }

    /// Whether the processing of the person is restricted.
    pub fn is_restricted(&self) -> bool {
        self.shown.as_ref().is_some_and(|shown| shown.restricted)
    }

    /// The history that the person stands by, where it may be another than this.
    pub fn stands_by(&self) -> Option<SubjectId> {
        self.shown.as_ref().map(|shown| shown.person)
    }

    /// Histories of the person, the one that they stand by first. Empty: this dossier is the only one.
    pub fn histories(&self) -> &[(SubjectId, Arc<Self>)] {
        self.shown.as_ref().map_or(&[], |shown| &shown.histories)
    }

    /// Bands noted of a file's person, from the history that the file is in; see [`bands`](Self::bands).
    pub fn bands_of(&self, file: &str) -> &[(Moment, Option<Band>)] {
        match self.histories().iter().find(|(_, held)| held.file(file).is_some()) {
            Some((_, held)) => held.bands(),
            None => self.bands(),
        }
    }
}

fn newest(histories: &[(SubjectId, Arc<Dossier>)]) -> Revision {
    histories.iter().map(|(_, held)| held.revision).max().unwrap_or_default()
}

fn shown(histories: &[(SubjectId, Arc<Dossier>)], (restricted, stands): (bool, bool)) -> Option<Box<Shown>> {
    let (person, _) = histories.first()?;
    Some(Box::new(Shown { person: *person, histories: histories.into(), restricted, stands }))
}
