//! Whose records are due for review, by group and date. The order is of one
//! snapshot and its day, and is made anew only when a first page is asked of
//! another snapshot; the clock decides nothing. What put somebody in a group is
//! found for the people of a page alone.

use std::borrow::Cow;
use std::sync::{Arc, Mutex};

use prost::Message;
use rayon::prelude::*;

use super::told;
use crate::access::{Caller, Disclosure, Permission};
use crate::domain::dossier::Dossier;
use crate::domain::life::Reviewed;
use crate::domain::retention::{Periods, Standing};
use crate::domain::word::RetentionGroup;
use crate::domain::{Date, Revision, SubjectId};
use crate::pb;
use crate::ranking::{Sight, Standings};
use crate::service::fault::Fault;
use crate::service::held::looked_at;
use crate::service::oversight::number;
use crate::service::oversight::orders::{Orders, lock};
use crate::service::{Seen, Service};
use crate::store::StoreError;
use crate::supervision::retention::{self, Reason};

/// Orders held for pages still to come. Each holds a snapshot, and twelve bytes a person.
const HELD: usize = 4;
/// Records told of one person, at most.
const REASONS: usize = 20;

/// A force's schedule, the newest order by it, and those held for pages.
#[derive(Debug)]
pub struct Retention {
    periods: Periods,
    newest: Mutex<Option<Arc<DueOrder>>>,
    held: Orders<DueOrder, HELD>,
}

impl Retention {
    /// Nothing asked yet, under a schedule.
    pub fn new(periods: Periods) -> Self {
        Self { periods, newest: Mutex::default(), held: Orders::default() }
    }

    /// The force's schedule.
    pub fn periods(&self) -> Periods {
        self.periods
    }

    /// Lets go of what no token leads to any more, and of an order of another snapshot than the newest: it holds all of that.
    pub fn sweep(&self, standings: Option<&Arc<Standings>>) {
        self.held.sweep();
        let mut newest = lock(&self.newest);
        *newest = newest.take().filter(|order| standings.is_some_and(|now| Arc::ptr_eq(&order.standings, now)));
    }

    /// Lets go of every order.
    pub fn forget(&self) {
        self.held.forget();
        lock(&self.newest).take();
    }

    fn order(&self, standings: &Arc<Standings>) -> Arc<DueOrder> {
        let mut newest = lock(&self.newest);
        if let Some(order) = newest.as_ref().filter(|order| Arc::ptr_eq(&order.standings, standings)) {
            return Arc::clone(order);
        }
        let order = Arc::new(DueOrder::build(Arc::clone(standings), self.periods));
        *newest = Some(Arc::clone(&order));
        order
    }
}

/// A person in an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Entry {
    due: Date,
    subject: SubjectId,
    group: RetentionGroup,
}

/// Everybody of whom anything is in force, the longest due first, then by reference.
#[derive(Debug)]
pub struct DueOrder {
    standings: Arc<Standings>,
    entries: Vec<Entry>,
}

/// Which of them.
#[derive(Clone, Copy, Debug)]
pub struct DueFilter {
    /// The group; `None`: all.
    pub group: Option<RetentionGroup>,
    /// Due on this day or earlier; `None`: on that of the lists.
    pub by: Option<Date>,
}

impl DueOrder {
    fn build(standings: Arc<Standings>, periods: Periods) -> Self {
        let count = u32::try_from(standings.subjects()).expect("a store must hold fewer than 2^32 subjects");
        let entry = |subject| {
            let (dossier, standing) = person(&standings, subject)?;
            let due = standing.due(periods, last_review(&dossier).as_ref());
            Some(Entry { due, subject, group: standing.group })
        };
        let mut entries: Vec<Entry> = (0..count).into_par_iter().map(SubjectId).filter_map(entry).collect();
        let reference = |entry: &Entry| standings.dossier(entry.subject).map(|dossier| dossier.subject_ref());
        entries.par_sort_unstable_by(|a, b| a.due.cmp(&b.due).then_with(|| reference(a).cmp(&reference(b))));
        Self { standings, entries }
    }

    /// Those whom a filter takes and a caller may see, with their places.
    fn matching<'a>(
        &'a self,
        filter: &DueFilter,
        sight: &'a Sight,
        restricted: bool,
    ) -> impl Iterator<Item = (usize, Entry)> + use<'a> {
        let by = filter.by.unwrap_or_else(|| self.standings.as_of());
        let group = filter.group;
        let due = self.entries.partition_point(|entry| entry.due <= by);
        let seen = move |entry: &Entry| {
            (restricted || !self.standings.restricted(entry.subject))
                && self.standings.row(entry.subject).is_some_and(|row| sight.knows(row))
        };
        let of_group = move |entry: &Entry| group.is_none_or(|group| group == entry.group);
        let due = self.entries[..due].iter().copied().enumerate();
        due.filter(move |(_, entry)| of_group(entry) && seen(entry))
    }
}

/// What is held of a person, with how it stands; `None` of a history that is part of another's, and where nothing is in force.
fn person(standings: &Standings, subject: SubjectId) -> Option<(Cow<'_, Dossier>, Standing)> {
    let shown = &**standings.dossier(subject)?;
    if shown.stands_by().is_some_and(|person| person != subject) {
        return None;
    }
    let dossier =
        if shown.is_restricted() { Cow::Owned(Dossier::joined(shown.histories())) } else { Cow::Borrowed(shown) };
    let standing = retention::standing(&dossier, standings.rules(), standings.as_of())?;
    Some((dossier, standing))
}

/// The last review of a person: of all their histories the latest.
fn last_review(dossier: &Dossier) -> Option<Reviewed> {
    let of = |dossier: &Dossier| dossier.life().and_then(|life| life.reviewed);
    match dossier.histories() {
        [] => of(dossier),
        histories => histories.iter().filter_map(|(_, held)| of(held)).reduce(Reviewed::or_later),
    }
}

impl Service {
    /// This service under a force's schedule of reviews.
    #[must_use]
    pub fn scheduled(self, periods: Periods) -> Self {
        Self { retention: Arc::new(Retention::new(periods)), ..self }
    }

    /// A page of whose records are due for review, the longest due first.
    ///
    /// # Errors
    /// [`Fault::NoActivePolicy`], faults of the token, or [`Fault::Internal`] when the ledger cannot be read.
    pub async fn retention_due(
        &self,
        caller: &Caller,
        asked: &pb::ListRetentionDueRequest,
        filter: DueFilter,
        size: usize,
    ) -> Result<Disclosure<pb::ListRetentionDueResponse>, Fault> {
        let arguments = arguments(asked);
        let (order, from) = if let Some((id, from)) = self.paging.read_pair(&asked.page_token, caller, &arguments)? {
            let held = self.retention.held.get(id);
            let order = held.filter(|order| self.paging.is_current(order.standings.revision()));
            (order.ok_or(Fault::PageTokenExpired)?, usize::try_from(from).unwrap_or(usize::MAX))
        } else {
            let standings = self.standings(Seen::new(asked.min_revision, &asked.store)).await?;
            let retention = Arc::clone(&self.retention);
            // Of a large force it takes longer than a thread that serves others may be kept.
            let made = tokio::task::spawn_blocking(move || retention.order(&standings)).await;
            (made.map_err(|_| Fault::Internal)?, 0)
        };
        let sight = Self::sight(caller, &order.standings);
        let (mut page, mut next, mut total) = (Vec::with_capacity(size.min(64)), None, 0);
        for (place, entry) in order.matching(&filter, &sight, caller.may(Permission::RestrictSubjects)) {
            total += 1;
            if place < from {
                continue;
            }
            if page.len() < size {
                page.push(entry);
            } else if next.is_none() {
                next = Some(place);
            }
        }
        let next_page_token = match next {
            Some(next) => self.paging.pair_token((self.retention.held.hold(&order), next as u64), caller, &arguments),
            None => String::new(),
        };
        let due = self.rows(&order, &page).await?;
        let context = Some(self.context(&order.standings));
        let answer = pb::ListRetentionDueResponse { context, due, next_page_token, total: number(total) };
        Ok(Self::disclosing(answer, page.iter().map(|entry| entry.subject)))
    }

    /// People of a page, each with what put them in their group and their last review.
    async fn rows(&self, order: &DueOrder, page: &[Entry]) -> Result<Vec<pb::RetentionDue>, Fault> {
        let standings = &order.standings;
        let mut reviews = Vec::new();
        let mut rows = Vec::with_capacity(page.len());
        for (place, entry) in page.iter().enumerate() {
            let (dossier, standing) = person(standings, entry.subject).ok_or(Fault::Internal)?;
            reviews.extend(last_review(&dossier).map(|review| (place, review.revision)));
            rows.push(row(standings, entry, &dossier, &standing));
        }
        let revisions: Vec<Revision> = reviews.iter().map(|(_, revision)| *revision).collect();
        let read = move |store: &dyn crate::store::Store| {
            let event =
                |revision: &Revision| store.event(*revision)?.ok_or(StoreError::MissingEvent { revision: *revision });
            revisions.iter().map(event).collect::<Result<Vec<_>, _>>()
        };
        let events = if reviews.is_empty() { Vec::new() } else { self.read_ledger(read).await? };
        for ((place, _), event) in reviews.iter().zip(&events) {
            rows[*place].last_review = told::review(event);
        }
        Ok(rows)
    }

    /// The day that a review set for the next one, by the revision that it was answered with; `None`: it was decided to dispose.
    ///
    /// # Errors
    /// [`Fault::Internal`] when the ledger cannot be read.
    pub async fn next_review(&self, revision: Revision) -> Result<Option<String>, Fault> {
        let read = move |store: &dyn crate::store::Store| store.event(revision);
        let event = self.read_ledger(read).await?;
        let review = event.as_ref().and_then(told::review).ok_or(Fault::Internal)?;
        Ok(Some(review.next_review_on).filter(|next| !next.is_empty()))
    }

    /// That a caller who reviews a person may look at what is held of them.
    ///
    /// # Errors
    /// [`Fault::ProcessingRestricted`], [`Fault::OutOfScope`], [`Fault::UnknownSubject`] or [`Fault::NoActivePolicy`].
    pub async fn reviewable(&self, caller: &Caller, subject_ref: &str) -> Result<(), Fault> {
        let standings = self.standings(Seen::new(0, "")).await?;
        let subject = Self::person_of_life(caller, &standings, subject_ref)?;
        looked_at(&standings, subject, caller).map(drop)
    }

    /// The force's schedule of reviews.
    pub fn periods(&self) -> Periods {
        self.retention.periods()
    }
}

fn row(standings: &Standings, entry: &Entry, dossier: &Dossier, standing: &Standing) -> pb::RetentionDue {
    let as_of = standings.as_of();
    let reasons = retention::reasons(dossier, standings.rules(), entry.group);
    let reason = |reason: &Reason<'_>| pb::RetentionReason {
        ground: reason.ground.proto().into(),
        record_id: reason.record_id.to_owned(),
        date: reason.date.to_string(),
    };
    pb::RetentionDue {
        subject_ref: dossier.subject_ref().to_owned(),
        group: entry.group.proto().into(),
        reasons: reasons.iter().take(REASONS).map(reason).collect(),
        further_reasons: number(reasons.len().saturating_sub(REASONS)),
        last_event_date: retention::last_event(dossier, as_of).map(|day| day.to_string()).unwrap_or_default(),
        counted_from: standing.since.to_string(),
        last_review: None,
        due_on: entry.due.to_string(),
        days_overdue: as_of - entry.due,
        child: standings.row(entry.subject).is_some_and(crate::ranking::Row::child),
        restricted: standings.restricted(entry.subject),
    }
}

/// Digest of what pages of one chain must share.
fn arguments(asked: &pb::ListRetentionDueRequest) -> [u8; 32] {
    let shared = pb::ListRetentionDueRequest {
        group: asked.group,
        due_on_or_before: asked.due_on_or_before.clone(),
        ..pb::ListRetentionDueRequest::default()
    };
    let mut hasher = blake3::Hasher::new();
    hasher.update(b"ListRetentionDue");
    hasher.update(&shared.encode_to_vec());
    *hasher.finalize().as_bytes()
}

#[cfg(test)]
#[path = "retention_tests.rs"]
mod tests;
