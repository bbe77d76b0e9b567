//! Open outstanding files as lists of supervision see them: how each stands and
//! what is due, without going back to the dossier. Read anew whenever the person
//! is written or weighed; what is overdue depends on the clock and is asked later.

use std::sync::Arc;

use super::names::{AreaId, Names, OfficerId};
use crate::domain::Moment;
use crate::domain::dossier::Dossier;
use crate::domain::word::{Band, OutstandingReason};
use crate::policy::SupervisionPolicy;
use crate::supervision::Facts;
use crate::supervision::clocks::{self, Clock, Supervised};
use crate::supervision::victims::{self, Linked, Telling};

/// An open file.
#[derive(Clone, Debug, PartialEq)]
pub struct OpenFile {
    /// Its id.
    pub id: Box<str>,
    /// Why the person is outstanding.
    pub reason: OutstandingReason,
    /// Area that looks for the person.
    pub area: Option<AreaId>,
    /// Officer in the case.
    pub officer: Option<OfficerId>,
    /// The officer's supervisor.
    pub supervisor: Option<OfficerId>,
    /// Effective band of the person on the outstanding lists.
    pub band: Band,
    /// How its supervision stands.
    pub supervised: Supervised,
    /// Linked victims, and when each is to be told.
    pub victims: Box<[(Linked, Option<Telling>)]>,
}

/// Open files of one person; most people have none.
pub type OpenFiles = Option<Arc<[OpenFile]>>;

impl OpenFile {
    /// Largest share by which any of its clocks is past what is allowed, in ten-thousandths; negative: nothing is due.
    pub fn gap(&self, now: Moment) -> i64 {
        self.ordering().map(|clock| clock.gap(now)).max().unwrap_or(i64::MIN)
    }

    /// Clocks by which gaps are ordered.
    pub fn ordering(&self) -> impl Iterator<Item = &Clock> {
        self.supervised.clocks.iter().filter(|clock| clock.orders())
    }

    /// Every clock that runs, those of execution and of victims too.
    pub fn clocks(&self) -> impl Iterator<Item = Clock> {
        let tellings = self.victims.iter().map(|(_, telling)| *telling);
        self.supervised.clocks.iter().copied().chain(victims::clock(tellings))
    }

    /// Whether any of those that order gaps is overdue.
    pub fn is_overdue(&self, now: Moment) -> bool {
        self.ordering().any(|clock| clock.overdue(now) > 0)
    }
}

/// The open files of a person who stands in `band` on the outstanding lists.
pub fn open(dossier: &Dossier, band: Band, policy: &SupervisionPolicy, names: &Names) -> OpenFiles {
    let files: Vec<OpenFile> = dossier
        .files()
        .filter(|(_, file)| file.is_open())
        .filter_map(|(filed, file)| {
            let facts = Facts::held(dossier, &filed.id, file, policy);
            let supervised = clocks::read(&facts, policy, Moment::END)?;
            let victims = victims::linked(dossier, file).into_iter().map(|victim| {
                let telling = victims::telling(&facts, &supervised.run, &victim, policy, Moment::END);
                (victim, telling)
            });
            Some(OpenFile {
                id: filed.id.clone(),
                reason: file.reason,
                area: file.area.as_deref().map(|area| names.area(area)),
                officer: file.officer.as_deref().map(|officer| names.officer(officer)),
                supervisor: file.terms.supervisor.as_deref().map(|officer| names.officer(officer)),
                band,
                victims: victims.collect(),
                supervised,
            })
        })
        .collect();
    (!files.is_empty()).then(|| files.into())
}
