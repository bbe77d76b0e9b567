//! Reads of the ranked lists. Each takes a caller and says whom it disclosed.

use std::sync::Arc;

use super::fault::Fault;
use super::{SPECIFIC_FIRST, Seen, Service};
use crate::access::{Caller, Disclosure};
use crate::domain::SubjectId;
use crate::domain::word::{Family, List};
use crate::ranking::place::Neighbours;
use crate::ranking::{Comparison, Cursor, Filter, Page, Place, Placed, Standings, Start, Summary};
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
    /// Faults of the token, or [`Fault::NoActivePolicy`].
    pub async fn page(&self, caller: &Caller, asked: &PageOf, seen: Seen<'_>) -> Read<TokenedPage> {
        let newest = self.standings(seen).await?;
        let (standings, start) = self.paging.open(newest, caller, asked)?;
        Ok(self.tokened(caller, asked, standings, start))
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
        self.tokened(caller, asked, Arc::clone(standings), Start::After(cursor))
    }

    fn tokened(
        &self,
        caller: &Caller,
        asked: &PageOf,
        standings: Arc<Standings>,
        start: Start,
    ) -> Disclosure<Reading<TokenedPage>> {
        let page = standings.page(asked.list, &asked.filter, start, asked.size);
        let next = page.next.map(|cursor| self.paging.next(&standings, cursor, caller, asked));
        let subjects = page.rows.iter().map(|placed| placed.subject).collect();
        disclose(standings, TokenedPage { page, next }, subjects)
    }

    /// A person, for those that take one.
    fn find(standings: &Standings, subject_ref: &str) -> Result<SubjectId, Fault> {
        let subject = standings.find(subject_ref).ok_or(Fault::UnknownSubject)?;
        if standings.restricted(subject) { Err(Fault::ProcessingRestricted) } else { Ok(subject) }
    }

    /// A person's place on each of their lists, the most specific first.
    ///
    /// # Errors
    /// [`Fault::UnknownSubject`] or [`Fault::NoActivePolicy`].
    pub async fn standing(
        &self,
        _caller: &Caller,
        subject_ref: &str,
        seen: Seen<'_>,
    ) -> Read<(SubjectId, Vec<(List, Place)>)> {
        let standings = self.standings(seen).await?;
        let subject = Self::find(&standings, subject_ref)?;
        let places = SPECIFIC_FIRST
            .into_iter()
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
    /// [`Fault::NoActivePolicy`].
    pub async fn batch(
        &self,
        _caller: &Caller,
        list: List,
        subject_refs: &[String],
        seen: Seen<'_>,
    ) -> Read<Vec<Result<Placed, Fault>>> {
        let standings = self.standings(seen).await?;
        let place = |subject_ref: &String| {
            let subject = Self::find(&standings, subject_ref)?;
            standings.place(list, subject).map(|place| placed(subject, place)).ok_or(Fault::NotOnList)
        };
        let places: Vec<Result<Placed, Fault>> = subject_refs.iter().map(place).collect();
        let subjects = places.iter().filter_map(|place| place.as_ref().ok()).map(|placed| placed.subject).collect();
        Ok(disclose(standings, places, subjects))
    }

    /// A person with their neighbours.
    ///
    /// # Errors
    /// [`Fault::UnknownSubject`], [`Fault::NotOnList`] or [`Fault::NoActivePolicy`].
    pub async fn neighbourhood(
        &self,
        _caller: &Caller,
        list: List,
        subject_ref: &str,
        k: usize,
        seen: Seen<'_>,
    ) -> Read<Neighbours> {
        let standings = self.standings(seen).await?;
        let subject = Self::find(&standings, subject_ref)?;
        let found = standings.neighbours(list, subject, k).ok_or(Fault::NotOnList)?;
        let people = found.above.iter().chain([&found.subject]).chain(&found.below);
        let subjects = people.map(|placed| placed.subject).collect();
        Ok(disclose(standings, found, subjects))
    }

    /// Why one person stands above another.
    ///
    /// # Errors
    /// [`Fault::UnknownSubject`], [`Fault::NotOnList`] or [`Fault::NoActivePolicy`].
    pub async fn compare(&self, _caller: &Caller, list: List, (a, b): (&str, &str), seen: Seen<'_>) -> Read<Compared> {
        let standings = self.standings(seen).await?;
        let (a, b) = (Self::find(&standings, a)?, Self::find(&standings, b)?);
        let comparison = standings.compare(list, a, b).ok_or(Fault::NotOnList)?;
        let explained = |subject: SubjectId| {
            let place = standings.place(list, subject)?;
            Some((placed(subject, place), Self::explain(&standings, subject, list.family())?))
        };
        let above = explained(comparison.above).ok_or(Fault::NotOnList)?;
        let below = explained(comparison.below).ok_or(Fault::NotOnList)?;
        Ok(disclose(standings, Compared { comparison, above, below }, vec![a, b]))
    }

    /// Counts of a list.
    ///
    /// # Errors
    /// [`Fault::NoActivePolicy`].
    pub async fn summary(&self, _caller: &Caller, list: List, filter: &Filter, seen: Seen<'_>) -> Read<Summary> {
        let standings = self.standings(seen).await?;
        let summary = standings.summary(list, filter);
        Ok(disclose(standings, summary, Vec::new()))
    }
}

/// A place outside any filter.
pub fn placed(subject: SubjectId, place: Place) -> Placed {
    Placed { subject, rank: place.rank, position: place.position, filtered_position: place.position }
}
