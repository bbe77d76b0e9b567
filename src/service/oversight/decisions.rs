//! Decisions as they were recorded, with what their makers had before them, and
//! how many say word for word what another says.

use std::collections::BTreeMap;
use std::sync::Arc;

use hashbrown::HashMap;
use prost::Message;

use super::number;
use crate::access::{Caller, Disclosure, Permission};
use crate::domain::word::{CohortStatus, DecisionKind, List};
use crate::domain::{Date, Moment, Revision, SubjectId};
use crate::pb;
use crate::pb::record::Kind;
use crate::ranking::{Placed, Standings};
use crate::service::fault::Fault;
use crate::service::group::event_kind;
use crate::service::ranked::placed;
use crate::service::record::COHORT_DECISION;
use crate::service::{Seen, Service, timestamp};
use crate::store::pb::event::Body;
use crate::store::{KeySpan, Store, StoreError};

/// A decision in force.
#[derive(Clone, Debug)]
pub struct Kept {
    /// Revision at which it was written.
    pub revision: Revision,
    /// When the server took it in, microseconds since 1970.
    pub recorded_micros: i64,
    /// Who wrote it.
    pub actor: String,
    /// The person.
    pub subject: SubjectId,
    /// The force's reference of the person.
    pub subject_ref: String,
    /// Id of its record.
    pub id: String,
    /// The decision, with the standing frozen into it.
    pub decision: Box<pb::CohortDecision>,
}

impl Kept {
    /// The day decided.
    pub fn day(&self) -> Date {
        let seconds = self.decision.decided_time.as_ref().map_or(0, |time| time.seconds);
        Moment(seconds).day()
    }
}

/// Narrows decisions.
#[derive(Clone, Debug, Default)]
pub struct DecisionFilter {
    /// People.
    pub subject_refs: Vec<String>,
    /// What was decided.
    pub decisions: Vec<DecisionKind>,
    /// Statuses.
    pub statuses: Vec<CohortStatus>,
    /// Officers.
    pub officers: Vec<String>,
    /// Areas.
    pub areas: Vec<String>,
    /// First day.
    pub from: Option<Date>,
    /// Last day.
    pub to: Option<Date>,
    /// Only with a rationale that another person's decision has too.
    pub identical: bool,
}

impl DecisionFilter {
    fn takes(&self, kept: &Kept, standings: &Standings) -> bool {
        let among = |asked: &[String], found: &str| asked.is_empty() || asked.iter().any(|wanted| wanted == found);
        let decision = &kept.decision;
        let numbered = |asked: &[i32], found: i32| asked.is_empty() || asked.contains(&found);
        let kinds: Vec<i32> = self.decisions.iter().map(|kind| kind.proto().into()).collect();
        let statuses: Vec<i32> = self.statuses.iter().map(|status| status.proto().into()).collect();
        // By any reference of the person.
        let person =
            |subject: SubjectId| standings.dossier(subject).and_then(|dossier| dossier.stands_by()).unwrap_or(subject);
        let theirs = |wanted: &String| standings.find(wanted) == Some(person(kept.subject));
        (self.subject_refs.is_empty() || self.subject_refs.iter().any(theirs))
            && among(&self.officers, &decision.officer)
            && among(&self.areas, &decision.area)
            && numbered(&kinds, decision.decision)
            && numbered(&statuses, decision.status)
            && self.from.is_none_or(|from| kept.day() >= from)
            && self.to.is_none_or(|to| kept.day() <= to)
    }
}

/// Every decision in force at a revision, in the order in which they were written.
///
/// # Errors
/// The store's.
pub fn all(store: &dyn Store, through: Revision) -> Result<Vec<Kept>, StoreError> {
    let mut revisions = Vec::new();
    for kind in [COHORT_DECISION, event_kind::EVIDENCE_WITHDRAWN] {
        for entry in store.scan(&KeySpan::kind_index(kind, Revision(0), through)) {
            revisions.extend(entry?.0.revision());
        }
    }
    revisions.sort_unstable();
    let mut kept: BTreeMap<String, Kept> = BTreeMap::new();
    for revision in revisions {
        let event = store.event(revision)?.ok_or(StoreError::MissingEvent { revision })?;
        match event.body {
            Some(Body::EvidenceWritten(written)) => {
                let Some(record) = written.record else { continue };
                let Some(Kind::CohortDecision(decision)) = record.kind else { continue };
                let one = Kept {
                    revision,
                    recorded_micros: event.recorded_micros,
                    actor: event.actor,
                    subject: SubjectId(event.subject_id),
                    subject_ref: record.subject_ref,
                    id: record.id.clone(),
                    decision,
                };
                kept.insert(record.id, one);
            }
            Some(Body::EvidenceWithdrawn(withdrawn)) => {
                kept.remove(&withdrawn.record_id);
            }
            Some(
                Body::AsOfMoved(_)
                | Body::PolicyDrafted(_)
                | Body::PolicyApproved(_)
                | Body::PolicyScheduled(_)
                | Body::PolicyActivated(_)
                | Body::RequestAnswered(_)
                | Body::AuditAnchored(_)
                | Body::SubjectsMerged(_)
                | Body::SubjectsUnmerged(_)
                | Body::ProcessingRestricted(_)
                | Body::RestrictionLifted(_)
                | Body::DisclosureRecorded(_)
                | Body::RetentionReviewed(_)
                | Body::OutstandingNoted(_)
                | Body::AlignmentNoted(_)
                | Body::RescoreStarted(_)
                | Body::RescoreEnded(_)
                | Body::GenerationPublished(_)
                | Body::Erased(_)
                | Body::SubjectErased(_)
                | Body::GenerationBlanked(_),
            )
            | None => {}
        }
    }
    let mut kept: Vec<Kept> = kept.into_values().collect();
    kept.sort_unstable_by_key(|kept| kept.revision);
    Ok(kept)
}

/// A rationale as it is compared: case and spacing left out.
fn wording(rationale: &str) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    for word in rationale.split_whitespace() {
        hasher.update(word.to_lowercase().as_bytes());
        hasher.update(b" ");
    }
    *hasher.finalize().as_bytes()
}

/// How often each rationale stands in decisions about whom.
pub struct Wordings(HashMap<[u8; 32], HashMap<SubjectId, u32>>);

impl Wordings {
    /// Of these decisions.
    pub fn of<'a>(kept: impl IntoIterator<Item = &'a Kept>) -> Self {
        let mut wordings: HashMap<[u8; 32], HashMap<SubjectId, u32>> = HashMap::new();
        for one in kept {
            *wordings.entry(wording(&one.decision.rationale)).or_default().entry(one.subject).or_default() += 1;
        }
        Self(wordings)
    }

    /// Decisions about other people with the same rationale.
    pub fn elsewhere(&self, rationale: &str, subject: Option<SubjectId>) -> u32 {
        let Some(people) = self.0.get(&wording(rationale)) else { return 0 };
        people.iter().filter(|(other, _)| Some(**other) != subject).map(|(_, count)| count).sum()
    }
}

/// The standing that a decision about a person is made on.
#[derive(Debug)]
pub struct Before {
    /// The snapshot.
    pub standings: Arc<Standings>,
    /// The person.
    pub subject: SubjectId,
    /// The list.
    pub list: List,
    /// The place on it.
    pub placed: Placed,
    /// People on it.
    pub list_size: u32,
    /// Decisions about others with the same rationale.
    pub identical: u32,
}

impl Service {
    /// What the makers of a decision about a person have before them now.
    ///
    /// # Errors
    /// [`Fault::OutOfScope`], [`Fault::UnknownSubject`] or [`Fault::NoActivePolicy`].
    pub async fn before_decision(
        &self,
        caller: &Caller,
        subject_ref: &str,
        rationale: &str,
    ) -> Result<Disclosure<Before>, Fault> {
        let standings = self.standings(Seen::new(0, "")).await?;
        let sight = Self::sight(caller, &standings);
        let subject = Self::listed_in(caller, &sight, &standings, subject_ref)?;
        let lists = [List::Children, List::Cohort, List::Candidates, List::All];
        let found = lists.into_iter().find_map(|list| standings.place(list, subject).map(|place| (list, place)));
        let (list, place) = found.ok_or(Fault::NotYetScored)?;
        let through = standings.revision();
        let kept = self.read_ledger(move |store| all(store, through)).await?;
        let identical = Wordings::of(&kept).elsewhere(rationale, Some(subject));
        let before =
            Before { subject, list, placed: placed(subject, place), list_size: place.size, identical, standings };
        Ok(Self::disclosing(before, [subject]))
    }

    /// Decisions, newest first.
    ///
    /// # Errors
    /// [`Fault::NoActivePolicy`], faults of the token, or [`Fault::Internal`] when the ledger cannot be read.
    pub async fn decisions(
        &self,
        caller: &Caller,
        asked: &pb::ListDecisionsRequest,
        filter: DecisionFilter,
        size: usize,
    ) -> Result<Disclosure<pb::ListDecisionsResponse>, Fault> {
        let standings = self.standings(Seen::new(asked.min_revision, &asked.store)).await?;
        let arguments = arguments(asked);
        let (through, from) = match self.paging.read_pair(&asked.page_token, caller, &arguments)? {
            Some((through, from)) => (Revision(through), usize::try_from(from).unwrap_or(usize::MAX)),
            None => (standings.revision(), 0),
        };
        let mut kept = self.read_ledger(move |store| all(store, through)).await?;
        let sight = Self::sight(caller, &standings);
        kept.retain(|kept| sight.is_whole() || standings.row(kept.subject).is_some_and(|row| sight.knows(row)));
        let wordings = Wordings::of(&kept);
        let elsewhere = |kept: &Kept| wordings.elsewhere(&kept.decision.rationale, Some(kept.subject));
        let found: Vec<Kept> = kept
            .into_iter()
            .rev()
            .filter(|kept| caller.may(Permission::RestrictSubjects) || !standings.restricted(kept.subject))
            .filter(|kept| filter.takes(kept, &standings) && (!filter.identical || elsewhere(kept) > 0))
            .collect();
        let (total, identical) = (found.len(), found.iter().filter(|kept| elsewhere(kept) > 0).count());
        let next = (from.saturating_add(size) < total).then_some(from + size);
        let page: Vec<Kept> = found.into_iter().skip(from).take(size).collect();
        let subjects: Vec<SubjectId> = page.iter().map(|kept| kept.subject).collect();
        let row = |kept: Kept| {
            let identical_rationales = elsewhere(&kept);
            let mut decision = *kept.decision;
            if !asked.with_detail
                && let Some(standing) = &mut decision.standing
            {
                standing.detail = None;
            }
            pb::RecordedDecision {
                decision_id: kept.id,
                subject_ref: kept.subject_ref,
                revision: kept.revision.0,
                recorded_time: jiff::Timestamp::from_microsecond(kept.recorded_micros).ok().map(timestamp),
                actor: kept.actor,
                decision: Some(decision),
                identical_rationales,
            }
        };
        let next = next.map(|next| self.paging.pair_token((through.0, next as u64), caller, &arguments));
        let answer = pb::ListDecisionsResponse {
            context: Some(self.context(&standings)),
            decisions: page.into_iter().map(row).collect(),
            next_page_token: next.unwrap_or_default(),
            total: number(total),
            with_identical_rationale: number(identical),
        };
        Ok(Self::disclosing(answer, subjects))
    }
}

/// Digest of what pages of one chain must share.
fn arguments(asked: &pb::ListDecisionsRequest) -> [u8; 32] {
    let shared = pb::ListDecisionsRequest { filter: asked.filter.clone(), ..pb::ListDecisionsRequest::default() };
    let mut hasher = blake3::Hasher::new();
    hasher.update(b"ListDecisions");
    hasher.update(&[u8::from(asked.with_detail)]);
    hasher.update(&shared.encode_to_vec());
    *hasher.finalize().as_bytes()
}
