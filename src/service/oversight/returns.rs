//! The outstanding return, read from the ledger up to the last event that was
//! known by the moment asked for. Events never change and are never stamped
//! before an earlier one, so a day and a moment that have passed have one return.

use jiff::Timestamp;
use rayon::prelude::*;

use crate::access::{Caller, Disclosure};
use crate::domain::evidence::Evidence;
use crate::domain::word::List;
use crate::domain::{Date, Moment, Revision};
use crate::pb;
use crate::policy::Policy;
use crate::reference;
use crate::service::fault::Fault;
use crate::service::group::event_kind;
use crate::service::mutation::{Mutation, MutationBody};
use crate::service::record::{self, ACTIVITY, OUTSTANDING, REVIEW};
use crate::service::rescore::generation::policy_before;
use crate::service::{Service, note, timestamp};
use crate::store::pb::Event;
use crate::store::pb::event::Body;
use crate::store::{KeySpan, Store, StoreError};
use crate::supervision::returns::{Asked, Cell, Counts, Known, Tables};

/// Events read at a time, on every core.
const READ_TOGETHER: usize = 8_192;

/// What a return is asked of.
#[derive(Clone, Debug)]
pub struct ReturnOf {
    /// The day.
    pub as_at: Date,
    /// Only what was known by then counts.
    pub known_at: Timestamp,
    /// First day of the period.
    pub from: Date,
    /// Areas; empty: all.
    pub areas: Vec<String>,
}

/// What an event says to a return.
enum Said {
    Record(u32, Moment, Box<Evidence>),
    Withdrawn(u32, String),
    Noted(u32, Moment, Option<crate::supervision::note::Noted>),
    Nothing,
}

fn said(event: Event) -> Said {
    let (subject, when) = (event.subject_id, Moment::of_micros(event.recorded_micros));
    match event.body {
        Some(Body::EvidenceWritten(written)) => {
            let Some(record) = written.record else { return Said::Nothing };
            let recorded = record::recorded_micros(&record, event.recorded_micros);
            match record::from_stored(&record, recorded, Revision(event.revision), reference::tables()) {
                Some(evidence) => Said::Record(subject, when, Box::new(evidence)),
                None => Said::Nothing,
            }
        }
        Some(Body::EvidenceWithdrawn(withdrawn)) => Said::Withdrawn(subject, withdrawn.record_id),
        Some(Body::OutstandingNoted(noted)) => Said::Noted(subject, when, note::read(noted)),
        Some(
            Body::AsOfMoved(_)
            | Body::PolicyActivated(_)
            | Body::PolicyDrafted(_)
            | Body::PolicyApproved(_)
            | Body::PolicyScheduled(_)
            | Body::RequestAnswered(_)
            | Body::AuditAnchored(_)
            | Body::SubjectsMerged(_)
            | Body::SubjectsUnmerged(_)
            | Body::ProcessingRestricted(_)
            | Body::RestrictionLifted(_)
            | Body::DisclosureRecorded(_)
            | Body::RetentionReviewed(_)
            | Body::AlignmentNoted(_)
            | Body::RescoreStarted(_)
            | Body::RescoreEnded(_)
            | Body::GenerationPublished(_)
            | Body::Erased(_)
            | Body::SubjectErased(_)
            | Body::GenerationBlanked(_),
        )
        | None => Said::Nothing,
    }
}

/// The last revision stamped at or before a moment.
fn known_by(store: &dyn Store, micros: i64) -> Result<Revision, StoreError> {
    let (mut known, mut beyond) = (0, store.head()?.revision.0 + 1);
    while known + 1 < beyond {
        let middle = known.midpoint(beyond);
        let revision = Revision(middle);
        let event = store.event(revision)?.ok_or(StoreError::MissingEvent { revision })?;
        *if event.recorded_micros <= micros { &mut known } else { &mut beyond } = middle;
    }
    Ok(Revision(known))
}

/// Everything that files, work on them and notes say, up to a revision.
fn known(store: &dyn Store, through: Revision) -> Result<Known, StoreError> {
    let mut revisions: Vec<Revision> = Vec::new();
    let kinds = [OUTSTANDING, ACTIVITY, REVIEW, event_kind::EVIDENCE_WITHDRAWN, event_kind::OUTSTANDING_NOTED];
    for kind in kinds {
        for entry in store.scan(&KeySpan::kind_index(kind, Revision(0), through)) {
            revisions.extend(entry?.0.revision());
        }
    }
    revisions.par_sort_unstable();
    let mut known = Known::default();
    for chunk in revisions.chunks(READ_TOGETHER) {
        let read = |revision: &Revision| {
            let event = store.event(*revision)?.ok_or(StoreError::MissingEvent { revision: *revision })?;
            Ok(said(event))
        };
        let read: Vec<Said> = chunk.par_iter().map(read).collect::<Result<_, StoreError>>()?;
        for said in read {
            match said {
                Said::Record(subject, when, evidence) => known.write(subject, when, *evidence),
                Said::Withdrawn(subject, id) => known.withdraw(subject, &id),
                Said::Noted(subject, when, noted) => known.note(subject, when, noted),
                Said::Nothing => {}
            }
        }
    }
    Ok(known)
}

/// The policy in force at a revision; the reference policy before the first.
fn policy(store: &dyn Store, through: Revision) -> Result<Policy, StoreError> {
    let text = policy_before(store, through)?;
    // A start reads this same text, so one that does not parse never comes so far.
    Ok(text.and_then(|text| Policy::parse(&text).ok()).unwrap_or_else(Policy::reference))
}

impl Service {
    /// The outstanding return. `known_at` must not lie in the future.
    ///
    /// # Errors
    /// [`Fault::OutOfScope`], [`Fault::Internal`] when the ledger cannot be read, or what the writer says of a moment that has only just passed.
    pub async fn outstanding_return(
        &self,
        caller: &Caller,
        mut asked: ReturnOf,
    ) -> Result<Disclosure<pb::GetOutstandingReturnResponse>, Fault> {
        asked.areas = Self::areas_of(caller, List::Outstanding, &asked.areas)?;
        self.pass(caller, asked.known_at).await?;
        let store_mark = self.mark.store().to_owned();
        let read = move |store: &dyn Store| {
            let revision = known_by(store, asked.known_at.as_microsecond())?;
            let policy = policy(store, revision)?;
            let of = Asked { as_at: asked.as_at, from: asked.from, areas: &asked.areas };
            let tables = known(store, revision)?.tabulate(&of, &policy.supervision);
            Ok(told(&asked, revision, policy.version, store_mark.clone(), &tables))
        };
        // Sums of many; nobody is named.
        Ok(Self::disclosing(self.read_ledger(read).await?, []))
    }

    /// Returns once everything stamped up to an instant is kept, and no later event can be stamped so early.
    async fn pass(&self, caller: &Caller, instant: Timestamp) -> Result<(), Fault> {
        let micros = instant.as_microsecond();
        let later = move |store: &dyn Store| {
            let head = store.head()?.revision;
            Ok(store.event(head)?.is_some_and(|last| last.recorded_micros > micros))
        };
        if self.read_ledger(later).await? {
            return Ok(());
        }
        let body = MutationBody::Pass { micros };
        self.change(Mutation { caller: caller.clone(), request_id: [0; 16], digest: [0; 32], body }).await.map(drop)
    }
}

fn told(
    asked: &ReturnOf,
    revision: Revision,
    policy_version: String,
    store: String,
    tables: &Tables,
) -> pb::GetOutstandingReturnResponse {
    let median = |(files, seconds): (u32, u64)| Some(pb::Median { files, seconds });
    let cell = |(cell, counts): (&Cell, &Counts)| pb::ReturnCell {
        reason: cell.reason.proto().into(),
        age: cell.age.proto().into(),
        band: cell.band.map_or(0, |band| band.proto().into()),
        circulated: cell.circulated,
        counts: Some(counted(counts)),
    };
    pb::GetOutstandingReturnResponse {
        as_at: asked.as_at.to_string(),
        known_at: Some(timestamp(asked.known_at)),
        from: asked.from.to_string(),
        areas: asked.areas.clone(),
        revision: revision.0,
        policy_version,
        store,
        cells: tables.cells.iter().map(cell).collect(),
        total: Some(counted(&tables.total)),
        people: tables.people,
        people_failed_repeatedly: tables.failed_repeatedly,
        opened: tables.opened,
        closed: tables
            .closed
            .iter()
            .map(|(outcome, files)| pb::ClosedCount { outcome: outcome.proto().into(), files: *files })
            .collect(),
        to_circulate: median(tables.to_circulate),
        to_first_activity: median(tables.to_first_activity),
        to_close: median(tables.to_close),
        closed_still_circulated: tables.closed_still_circulated,
        documented_late: tables.documented_late,
    }
}

fn counted(counts: &Counts) -> pb::ReturnCounts {
    pb::ReturnCounts {
        open: counts.open,
        active_in_time: counts.active_in_time,
        reviewed_in_time: counts.reviewed_in_time,
        never_circulated: counts.never_circulated,
        never_reviewed: counts.never_reviewed,
        with_vulnerable_victim: counts.with_vulnerable_victim,
        with_repeat_victim: counts.with_repeat_victim,
        with_victim_to_update: counts.with_victim_to_update,
        victims_updated_in_time: counts.victims_updated_in_time,
    }
}
