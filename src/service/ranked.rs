//! Reads of the ranked lists. Each takes a caller and says whom it disclosed.

use std::sync::Arc;

use super::fault::Fault;
use super::{SPECIFIC_FIRST, Seen, Service};
use crate::access::{Caller, Disclosure};
use crate::domain::SubjectId;
use crate::domain::word::{Family, List};
use crate::ranking::place::Neighbours;
use crate::ranking::{Comparison, Cursor, Filter, Page, Place, Placed, Sight, Standings, Start, Summary};
use crate::scoring::composite::{self, Explanation};

/// An answer together with the standings it was read from.
#[derive(Debug)]
pub struct Reading<T> {
    /// What it was read from.
    pub standings: Arc<Standings>,
    /// What was read.
    pub found: T,
}

/// A page, and the token of the next.
#[derive(Debug)]
pub struct TokenedPage {
    /// The rows.
    pub page: Page,
    /// Token of the next page; `None`: this was the last.
    pub next: Option<String>,
    /// People on the list whom the caller may see.
    pub size: usize,
}

/// People next to somebody.
#[derive(Debug)]
pub struct Neighbourhood {
    /// They, and the person.
    pub neighbours: Neighbours,
    /// People on the list whom the caller may see.
    pub size: usize,
}

/// What a page is of.
#[derive(Clone, Debug)]
pub struct PageOf {
    /// The list.
    pub list: List,
    /// What narrows it.
    pub filter: Filter,
    /// Rows a page.
    pub size: usize,
    /// Token of the page wanted; empty: the first.
    pub token: String,
    /// Digest of everything that pages of one chain must share.
    pub arguments: [u8; 32],
}

/// Two people compared, explained.
#[derive(Debug)]
pub struct Compared {
    /// Who stands above, and by what.
    pub comparison: Comparison,
    /// Place and explanation of the one above.
    pub above: (Placed, Explanation),
    /// Place and explanation of the one below.
    pub below: (Placed, Explanation),
}

type Read<T> = Result<Disclosure<Reading<T>>, Fault>;

fn disclose<T>(standings: Arc<Standings>, found: T, subjects: Vec<SubjectId>) -> Disclosure<Reading<T>> {
    Disclosure { answer: Reading { standings, found }, subjects }
}

impl Service {
    /// A page of a list.
    ///
    /// # Errors
    /// [`Fault::OutOfScope`] for a list that is not the caller's to read, faults of the token, or
    /// [`Fault::NoActivePolicy`].
    pub async fn page(&self, caller: &Caller, asked: &PageOf, seen: Seen<'_>) -> Read<TokenedPage> {
        let newest = self.standings(seen).await?;
        let sight = Self::sight_of(caller, &newest, asked.list)?;
        let (standings, start) = self.paging.open(newest, caller, asked)?;
        Ok(self.tokened(caller, &sight, asked, standings, start))
    }

    /// The page after `cursor` of a snapshot that the caller of this still holds: for exports, whose parts are of one
    /// snapshot however long they take.
    pub fn page_after(
        &self,
        caller: &Caller,
        asked: &PageOf,
        standings: &Arc<Standings>,
        cursor: Cursor,
    ) -> Disclosure<Reading<TokenedPage>> {
        let sight = Self::sight(caller, standings);
        self.tokened(caller, &sight, asked, Arc::clone(standings), Start::After(cursor))
    }

    fn tokened(
        &self,
        caller: &Caller,
        sight: &Sight,
        asked: &PageOf,
        standings: Arc<Standings>,
        start: Start,
    ) -> Disclosure<Reading<TokenedPage>> {
        let page = standings.page(asked.list, &asked.filter, sight, start, asked.size);
        let next = page.next.map(|cursor| self.paging.next(&standings, cursor, caller, asked));
        let subjects = page.rows.iter().map(|placed| placed.subject).collect();
        let size = standings.size_in(asked.list, sight);
        disclose(standings, TokenedPage { page, next, size }, subjects)
    }

    /// A person's place on each of their lists, the most specific first.
    ///
    /// # Errors
    /// [`Fault::OutOfScope`], [`Fault::UnknownSubject`] or [`Fault::NoActivePolicy`].
    pub async fn standing(
        &self,
        caller: &Caller,
        subject_ref: &str,
        seen: Seen<'_>,
    ) -> Read<(SubjectId, Vec<(List, Place)>)> {
        let standings = self.standings(seen).await?;
        let sight = Self::sight(caller, &standings);
        let subject = Self::listed_in(caller, &sight, &standings, subject_ref)?;
        let places = SPECIFIC_FIRST
            .into_iter()
            .filter(|list| sight.admits(*list))
            .filter_map(|list| standings.place(list, subject).map(|place| (list, place)))
            .collect();
        Ok(disclose(standings, (subject, places), vec![subject]))
    }

    /// Why a person stands where they stand in a family of lists.
    pub fn explain(standings: &Standings, subject: SubjectId, family: Family) -> Option<Explanation> {
        let dossier = standings.dossier(subject)?;
        Some(composite::explain(dossier, standings.rules(), standings.as_of(), family))
    }

    /// Places of many people on one list, each found or not.
    ///
    /// # Errors
    /// [`Fault::OutOfScope`] for a list that is not the caller's to read, or [`Fault::NoActivePolicy`].
    pub async fn batch(
        &self,
        caller: &Caller,
        list: List,
        subject_refs: &[String],
        seen: Seen<'_>,
    ) -> Read<Vec<Result<Placed, Fault>>> {
        let standings = self.standings(seen).await?;
        let sight = Self::sight_of(caller, &standings, list)?;
        let place = |subject_ref: &String| {
            let subject = Self::listed_in(caller, &sight, &standings, subject_ref)?;
            standings.place(list, subject).map(|place| placed(subject, place)).ok_or(Fault::NotOnList)
        };
        let places: Vec<Result<Placed, Fault>> = subject_refs.iter().map(place).collect();
        let subjects = places.iter().filter_map(|place| place.as_ref().ok()).map(|placed| placed.subject).collect();
        Ok(disclose(standings, places, subjects))
    }

    /// A person with their neighbours.
    ///
    /// # Errors
    /// [`Fault::OutOfScope`], [`Fault::UnknownSubject`], [`Fault::NotOnList`] or [`Fault::NoActivePolicy`].
    pub async fn neighbourhood(
        &self,
        caller: &Caller,
        list: List,
        subject_ref: &str,
        k: usize,
        seen: Seen<'_>,
    ) -> Read<Neighbourhood> {
        let standings = self.standings(seen).await?;
        let sight = Self::sight_of(caller, &standings, list)?;
        let subject = Self::listed_in(caller, &sight, &standings, subject_ref)?;
        let neighbours = standings.neighbours(list, &sight, subject, k).ok_or(Fault::NotOnList)?;
        let people = neighbours.above.iter().chain([&neighbours.subject]).chain(&neighbours.below);
        let subjects = people.map(|placed| placed.subject).collect();
        let size = standings.size_in(list, &sight);
        Ok(disclose(standings, Neighbourhood { neighbours, size }, subjects))
    }

    /// Why one person stands above another.
    ///
    /// # Errors
    /// [`Fault::OutOfScope`], [`Fault::UnknownSubject`], [`Fault::NotOnList`] or [`Fault::NoActivePolicy`].
    pub async fn compare(&self, caller: &Caller, list: List, (a, b): (&str, &str), seen: Seen<'_>) -> Read<Compared> {
        let standings = self.standings(seen).await?;
        let sight = Self::sight_of(caller, &standings, list)?;
        let find = |subject_ref| Self::listed_in(caller, &sight, &standings, subject_ref);
        let (a, b) = (find(a)?, find(b)?);
        let comparison = standings.compare(list, a, b).ok_or(Fault::NotOnList)?;
        let explained = |subject: SubjectId| {
            let place = standings.place(list, subject)?;
            Some((placed(subject, place), Self::explain(&standings, subject, list.family())?))
        };
        let above = explained(comparison.above).ok_or(Fault::NotOnList)?;
        let below = explained(comparison.below).ok_or(Fault::NotOnList)?;
        Ok(disclose(standings, Compared { comparison, above, below }, vec![a, b]))
    }

    /// Counts of a list, of those whom the caller may see.
    ///
    /// # Errors
    /// [`Fault::OutOfScope`] for a list that is not the caller's to read, or [`Fault::NoActivePolicy`].
    pub async fn summary(&self, caller: &Caller, list: List, filter: &Filter, seen: Seen<'_>) -> Read<Summary> {
        let standings = self.standings(seen).await?;
        let sight = Self::sight_of(caller, &standings, list)?;
        let summary = standings.summary(list, filter, &sight);
        Ok(disclose(standings, summary, Vec::new()))
    }
}

/// A place outside any filter.
pub fn placed(subject: SubjectId, place: Place) -> Placed {
    Placed { subject, rank: place.rank, position: place.position, filtered_position: place.position }
}
