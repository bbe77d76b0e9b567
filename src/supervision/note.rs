//! What the ledger notes of a person with open files: the effective band, and
//! the victims linked to each file. With these, what was due on any past day
//! follows from the file's own events, without scores and without anybody
//! else's records.

use super::victims::{self, Linked};
use crate::domain::dossier::Dossier;
use crate::domain::word::Band;

/// What there is to note of a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Noted {
    /// Effective band on the outstanding lists.
    pub band: Band,
    /// Areas of the person: of a file without one of its own.
    pub areas: Vec<Box<str>>,
    /// Open files, in order of id, with their victims.
    pub files: Vec<(Box<str>, Vec<Linked>)>,
}

/// What there is to note of a person who stands in `band` on the outstanding lists; `None` where no file is open.
pub fn of(dossier: &Dossier, band: Band) -> Option<Noted> {
    let files: Vec<_> = dossier
        .files()
        .filter(|(_, file)| file.is_open())
        .map(|(filed, file)| (filed.id.clone(), victims::linked(dossier, file)))
        .collect();
    let areas = dossier.person().into_iter().flat_map(|person| person.areas()).map(Box::from).collect();
    (!files.is_empty()).then_some(Noted { band, areas, files })
}
