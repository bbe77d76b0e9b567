//! How one person stood from generation to generation. Of each only the frame
//! that the person is in is read.

use std::sync::Arc;

use super::Rescoring;
use super::runs::Generation;
use crate::access::{Caller, Disclosure};
use crate::domain::word::{Band, Family, List};
use crate::domain::{MilliPoints, SubjectId};
use crate::ranking::frame::Past;
use crate::ranking::{Row, Standings};
use crate::service::fault::Fault;
use crate::service::ranked::Reading;
use crate::service::{Seen, Service};

/// What is asked.
#[derive(Clone, Debug)]
pub struct HistoryOf {
    /// The person.
    pub subject_ref: String,
    /// The list.
    pub list: List,
    /// First generation; 0: of all.
    pub from: u64,
    /// Last generation; 0: the newest.
    pub to: u64,
    /// Generations a page.
    pub size: usize,
    /// Token of the page wanted; empty: the first.
    pub token: String,
    /// Digest of everything that pages of one chain must share.
    pub arguments: [u8; 32],
}

/// How a person stood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Point {
    /// Competition rank, where they were on the list.
    pub rank: Option<u32>,
    /// Threat, risk and harm.
    pub points: [MilliPoints; 3],
    /// Composite in the list's family.
    pub composite: MilliPoints,
    /// Band of the composite alone.
    pub computed: Band,
    /// Band shown.
    pub effective: Band,
    /// The ends of the interval are in other bands.
    pub provisional: bool,
    /// An override was in effect.
    pub overridden: bool,
}

impl Point {
    fn of(row: &Row, family: Family, rank: Option<u32>) -> Self {
        let composed = row.composed(family);
        Self {
            rank,
            points: [row.threat, row.risk, row.harm],
            composite: composed.point,
            computed: composed.computed,
            effective: composed.effective,
            provisional: composed.provisional,
            overridden: composed.overridden,
        }
    }
}

/// One generation.
#[derive(Clone, Debug)]
pub struct Entry {
    /// What the ledger tells of it.
    pub told: Generation,
    /// Whether it can be read back.
    pub kept: bool,
    /// How the person stood; `None`: they were not held, or it is not kept.
    pub point: Option<Point>,
}

/// A page of a person's history.
#[derive(Debug)]
pub struct History {
    /// Now.
    pub now: Point,
    /// Generations, the newest first.
    pub entries: Vec<Entry>,
    /// Token of the next page; `None`: this was the last.
    pub next: Option<String>,
}

impl Rescoring {
    /// A page of a person's history.
    ///
    /// # Errors
    /// [`Fault::OutOfScope`], [`Fault::UnknownSubject`], [`Fault::UnknownGeneration`] for a bound that was never published, faults of the token, or
    /// [`Fault::Internal`] where a generation is damaged.
    pub async fn history(
        &self,
        caller: &Caller,
        asked: HistoryOf,
        seen: Seen<'_>,
    ) -> Result<Disclosure<Reading<History>>, Fault> {
        let service = &self.0.service;
        let standings = service.standings(seen).await?;
        let sight = Service::sight_of(caller, &standings, asked.list)?;
        let subject = Service::listed_in(caller, &sight, &standings, &asked.subject_ref)?;
        let row = standings.row(subject).ok_or(Fault::NotYetScored)?;
        let (list, rank) = (asked.list, standings.place(asked.list, subject).map(|place| place.rank));
        let now = Point::of(row, list.family(), rank);
        let newest = service.board.runs().next_generation() - 1;
        if asked.from.max(asked.to) > newest {
            return Err(Fault::UnknownGeneration);
        }
        let last = if asked.to == 0 { newest } else { asked.to };
        let token = service.paging.read_lasting_pair(&asked.token, caller, &asked.arguments)?;
        let last = token.map_or(last, |(last, _)| last);
        let first = asked.from.max(1);
        let rescoring = self.clone();
        let permit = Arc::clone(&service.blocking).acquire_owned().await.map_err(|_| Fault::ShuttingDown)?;
        let size = asked.size as u64;
        let read = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            let wanted = (first..=last).rev().take_while(|number| last - number < size);
            wanted.map(|number| rescoring.entry(number, list, subject)).collect::<Result<Vec<Entry>, Fault>>()
        });
        let entries = read.await.map_err(|_| Fault::Internal)??;
        let before = entries.last().map_or(0, |entry| entry.told.number - 1);
        let next = (before >= first).then(|| service.paging.lasting_pair_token((before, 0), caller, &asked.arguments));
        Ok(Disclosure { answer: Reading { standings, found: History { now, entries, next } }, subjects: vec![subject] })
    }

    /// Every list that one history of a person stood on in each generation that is kept, the newest generation first.
    ///
    /// # Errors
    /// [`Fault::Internal`] where a generation is damaged.
    pub async fn stood(&self, subject: SubjectId) -> Result<Vec<(List, Entry)>, Fault> {
        let permit = Arc::clone(&self.0.service.blocking).acquire_owned().await.map_err(|_| Fault::ShuttingDown)?;
        let rescoring = self.clone();
        let read = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            let runs = rescoring.0.service.board.runs();
            let mut stood = Vec::new();
            for told in runs.generations().iter().rev() {
                let past = match rescoring.past(told.number, subject) {
                    Ok(Some(past)) => past,
                    Ok(None) | Err(Fault::GenerationNotKept) => continue,
                    Err(fault) => return Err(fault),
                };
                for list in past.row.lists.iter() {
                    let point = Some(Point::of(&past.row, list.family(), past.rank(list)));
                    stood.push((list, Entry { told: told.clone(), kept: true, point }));
                }
            }
            Ok(stood)
        });
        read.await.map_err(|_| Fault::Internal)?
    }

    /// How people of the lists of now stood in the newest kept generation of an earlier day. `None`: there is none.
    ///
    /// # Errors
    /// [`Fault::Internal`] where it is damaged.
    pub async fn before(
        &self,
        list: List,
        standings: &Arc<Standings>,
        subjects: Vec<SubjectId>,
    ) -> Result<Option<(Generation, Vec<Option<Point>>)>, Fault> {
        let permit = Arc::clone(&self.0.service.blocking).acquire_owned().await.map_err(|_| Fault::ShuttingDown)?;
        let (rescoring, standings) = (self.clone(), Arc::clone(standings));
        let read = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            let Some(number) = rescoring.of_an_earlier_day(&standings, 0) else { return Ok(None) };
            let told = rescoring.0.service.board.runs().generation(number).cloned().ok_or(Fault::Internal)?;
            let stood = match rescoring.past_of_many(number, &subjects) {
                Ok(stood) => stood,
                // It went between the two.
                Err(Fault::GenerationNotKept) => return Ok(None),
                Err(fault) => return Err(fault),
            };
            let point = |past: Past| Point::of(&past.row, list.family(), past.rank(list));
            Ok(Some((told, stood.into_iter().map(|past| past.map(point)).collect())))
        });
        read.await.map_err(|_| Fault::Internal)?
    }

    fn entry(&self, number: u64, list: List, subject: SubjectId) -> Result<Entry, Fault> {
        let told = self.0.service.board.runs().generation(number).cloned().ok_or(Fault::Internal)?;
        let (kept, past) = match self.past(number, subject) {
            Ok(past) => (true, past),
            Err(Fault::GenerationNotKept) => (false, None),
            Err(fault) => return Err(fault),
        };
        let point = past.map(|past| Point::of(&past.row, list.family(), past.rank(list)));
        Ok(Entry { told, kept, point })
    }
}
