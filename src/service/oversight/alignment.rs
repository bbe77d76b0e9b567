//! Whether selection follows threat, risk and harm, answered with a number:
//! members and candidates of one status side by side, and for everybody whose
//! place and management do not agree the recorded reason, or that there is none.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::Arc;

use rayon::prelude::*;

use super::number;
use super::reviews::members;
use crate::access::{Caller, Disclosure};
use crate::domain::dossier::Dossier;
use crate::domain::evidence::Supervision;
use crate::domain::moment::Moment;
use crate::domain::word::{Band, CohortStatus, DecisionKind, List};
use crate::domain::{Revision, SubjectId};
use crate::pb;
use crate::ranking::{Row, Sight, Standings};
use crate::scoring::composite;
use crate::service::fault::Fault;
use crate::service::group::event_kind;
use crate::service::held::areas;
use crate::service::{Seen, Service};
use crate::store::pb::event::Body;
use crate::store::pb::{AlignmentNoted, NotedAlignment};
use crate::store::{KeySpan, Store, StoreError};
use crate::supervision::alignment::{Compare, Compared, Merit, compare, stream};

/// Every status with its comparison, FIXED first.
pub fn compared(standings: &Standings) -> Vec<(CohortStatus, Compare)> {
    let rules = standings.rules();
    let policy = &rules.policy.cohort;
    let as_member = |(subject, dossier, membership): (SubjectId, &Dossier, &_)| {
        let membership: &crate::domain::evidence::CohortMembership = membership;
        let row = standings.row(subject).filter(|row| row.lists.holds(List::Cohort))?;
        Some((membership.status, person(subject, dossier, row, true)))
    };
    // Not the list of candidates: an override may have taken somebody off it, and overrides are left out here.
    let everybody = (0..standings.subjects()).map(|place| SubjectId(number(place)));
    let passable = |row: &Row| row.cohort_status().is_none() && !row.child() && row.cohort.floored >= Band::Medium;
    let candidates: Vec<SubjectId> =
        everybody.filter(|subject| standings.row(*subject).is_some_and(passable)).collect();
    let as_candidate = |subject: &SubjectId| {
        let (row, dossier) = standings.person(*subject)?;
        let asked = composite::selection(dossier, rules, standings.as_of(), policy.neighbourhood_within_days);
        Some((stream(policy, asked.arp, asked.neighbourhood), person(*subject, dossier, row, false)))
    };
    let mut pools: BTreeMap<CohortStatus, Vec<Compared>> = BTreeMap::new();
    let candidates: Vec<_> = candidates.par_iter().filter_map(as_candidate).collect();
    for (status, person) in members(standings).filter_map(as_member).chain(candidates) {
        pools.entry(status).or_default().push(person);
    }
    let pool = |status: &CohortStatus| (*status, compare(pools.remove(status).unwrap_or_default()));
    CohortStatus::ALL.iter().map(pool).collect()
}

fn person(subject: SubjectId, dossier: &Dossier, row: &Row, member: bool) -> Compared {
    let merit: Merit = (
        Reverse(row.cohort.floored),
        Reverse(row.cohort.point),
        Reverse(row.harm),
        Reverse(row.threat),
        Reverse(row.risk),
    );
    Compared { subject, member, merit, reference: dossier.subject_ref().into() }
}

/// The latest decision that explains why a person is managed, or is not: when, what, and where it is written.
fn reason(dossier: &Dossier, member: bool) -> Option<(Moment, DecisionKind, Revision)> {
    let decided = dossier.supervised().iter().filter_map(|held| match &held.kind {
        Supervision::Decision(decision) => Some((decision.decided, decision.kind, held.revision)),
        Supervision::Activity(_) | Supervision::Review(_) => None,
    });
    let explains = |kind: DecisionKind| match kind {
        DecisionKind::Select | DecisionKind::Retain | DecisionKind::ChangeStatus => member,
        DecisionKind::Decline | DecisionKind::Deselect => !member,
    };
    decided.filter(|(_, kind, _)| explains(*kind)).max_by_key(|(decided, _, revision)| (*decided, *revision))
}

fn explained(standings: &Standings, people: &[(SubjectId, usize)], member: bool) -> usize {
    let has = |subject: SubjectId| standings.dossier(subject).is_some_and(|dossier| reason(dossier, member).is_some());
    people.iter().filter(|(subject, _)| has(*subject)).count()
}

/// What the ledger notes of the alignment of a snapshot; `None` where nobody is managed.
pub fn noted(standings: &Standings) -> Option<AlignmentNoted> {
    let small = |count: usize| number(count);
    let status = |(status, compare): (CohortStatus, Compare)| NotedAlignment {
        status: u32::try_from(i32::from(status.proto())).unwrap_or(0),
        members: small(compare.members),
        aligned: small(compare.aligned.len()),
        passed_over: small(compare.passed_over.len()),
        passed_over_with_reason: small(explained(standings, &compare.passed_over, false)),
        below_with_reason: small(explained(standings, &compare.below, true)),
    };
    let statuses: Vec<NotedAlignment> =
        compared(standings).into_iter().filter(|(_, compare)| compare.members > 0).map(status).collect();
    (!statuses.is_empty()).then(|| AlignmentNoted { as_of: standings.as_of().to_string(), statuses })
}

/// Alignment as it was noted up to a revision, oldest first.
fn over_time(store: &dyn Store, through: Revision) -> Result<Vec<pb::AlignmentPoint>, StoreError> {
    let mut points = Vec::new();
    for entry in store.scan(&KeySpan::kind_index(event_kind::ALIGNMENT_NOTED, Revision(0), through)) {
        let Some(revision) = entry?.0.revision() else { continue };
        let event = store.event(revision)?.ok_or(StoreError::MissingEvent { revision })?;
        let Some(Body::AlignmentNoted(noted)) = event.body else { continue };
        let point = |status: &NotedAlignment| pb::AlignmentPoint {
            as_of: noted.as_of.clone(),
            revision: revision.0,
            status: i32::try_from(status.status).unwrap_or(0),
            members: status.members,
            aligned: status.aligned,
            passed_over: status.passed_over,
            passed_over_with_reason: status.passed_over_with_reason,
            below_with_reason: status.below_with_reason,
        };
        points.extend(noted.statuses.iter().map(point));
    }
    Ok(points)
}

/// A share in ten-thousandths, rounded down; 0 of nothing.
fn share(part: u32, whole: u32) -> u32 {
    let share = u64::from(part) * 10_000 / u64::from(whole.max(1));
    u32::try_from(share).unwrap_or(u32::MAX)
}

impl Service {
    /// Whether selection follows threat, risk and harm.
    ///
    /// # Errors
    /// [`Fault::OutOfScope`], [`Fault::NoActivePolicy`], or [`Fault::Internal`] when the ledger cannot be read.
    pub async fn alignment(
        &self,
        caller: &Caller,
        asked: &pb::GetAlignmentRequest,
        most: usize,
    ) -> Result<Disclosure<pb::GetAlignmentResponse>, Fault> {
        let standings = self.standings(Seen::new(asked.min_revision, &asked.store)).await?;
        let scope = Self::areas_of(caller, List::Cohort, &asked.areas)?;
        let sight = Self::sight(caller, &standings);
        let held = Arc::clone(&standings);
        let read = move |store: &dyn Store| {
            let told = Telling { store, standings: &held, scope: &scope, sight: &sight, most };
            let through = held.revision();
            let mut statuses = Vec::new();
            let mut by_area: BTreeMap<String, pb::AreaAlignment> = BTreeMap::new();
            let mut subjects = Vec::new();
            for (status, compare) in compared(&held) {
                told.areas(&compare, &mut by_area);
                statuses.push(told.status(status, &compare, &mut subjects)?);
            }
            // What was noted over time is of the whole force.
            let over_time = if sight.is_whole() { over_time(store, through)? } else { Vec::new() };
            Ok((statuses, by_area.into_values().collect::<Vec<_>>(), over_time, subjects))
        };
        let (statuses, by_area, over_time, subjects) = self.read_ledger(read).await?;
        let members = statuses.iter().map(|status| status.members).sum();
        let aligned = statuses.iter().map(|status| status.aligned).sum();
        let answer = pb::GetAlignmentResponse {
            context: Some(self.context(&standings)),
            members,
            aligned,
            aligned_share: share(aligned, members),
            statuses,
            by_area,
            over_time,
        };
        Ok(Self::disclosing(answer, subjects))
    }
}

/// Tells comparisons in the contract.
struct Telling<'a> {
    store: &'a dyn Store,
    standings: &'a Standings,
    scope: &'a [String],
    sight: &'a Sight,
    most: usize,
}

impl Telling<'_> {
    fn scoped(&self, people: &[(SubjectId, usize)]) -> Vec<(SubjectId, usize)> {
        let in_scope = |subject: SubjectId| {
            self.standings.row(subject).is_some_and(|row| self.sight.sees(row))
                && (self.scope.is_empty()
                    || areas(self.standings, subject).iter().any(|area| self.scope.contains(area)))
        };
        people.iter().filter(|(subject, _)| in_scope(*subject)).copied().collect()
    }

    fn status(
        &self,
        status: CohortStatus,
        compare: &Compare,
        subjects: &mut Vec<SubjectId>,
    ) -> Result<pb::StatusAlignment, StoreError> {
        let (aligned, passed, below) =
            (self.scoped(&compare.aligned), self.scoped(&compare.passed_over), self.scoped(&compare.below));
        let members = number(aligned.len() + below.len());
        let mut people = |found: &[(SubjectId, usize)], member: bool| -> Result<Vec<_>, StoreError> {
            let named = found.iter().take(self.most);
            subjects.extend(named.clone().map(|(subject, _)| *subject));
            named.filter_map(|(subject, place)| self.person(*subject, *place, member).transpose()).collect()
        };
        Ok(pb::StatusAlignment {
            status: status.proto().into(),
            members,
            aligned: number(aligned.len()),
            aligned_share: share(number(aligned.len()), members),
            passed_over: number(passed.len()),
            passed_over_with_reason: number(explained(self.standings, &passed, false)),
            below: number(below.len()),
            below_with_reason: number(explained(self.standings, &below, true)),
            passed_over_people: people(&passed, false)?,
            below_people: people(&below, true)?,
        })
    }

    fn person(&self, subject: SubjectId, place: usize, member: bool) -> Result<Option<pb::Misalignment>, StoreError> {
        let Some((row, dossier)) = self.standings.person(subject) else { return Ok(None) };
        let mut told = pb::Misalignment {
            subject_ref: dossier.subject_ref().to_owned(),
            position: number(place),
            composite: row.cohort.point.get(),
            band: row.cohort.floored.proto().into(),
            areas: areas(self.standings, subject),
            ..pb::Misalignment::default()
        };
        if let Some((decided, kind, revision)) = reason(dossier, member) {
            let event = self.store.event(revision)?.ok_or(StoreError::MissingEvent { revision })?;
            if let Some(Body::EvidenceWritten(written)) = event.body
                && let Some(record) = written.record
                && let Some(pb::record::Kind::CohortDecision(decision)) = record.kind
            {
                told.decision = kind.proto().into();
                told.decision_id = record.id;
                told.rationale = decision.rationale;
                told.decided_on = decided.day().to_string();
            }
        }
        Ok(Some(told))
    }

    fn areas(&self, compare: &Compare, by_area: &mut BTreeMap<String, pb::AreaAlignment>) {
        let mut add = |people: &[(SubjectId, usize)], count: fn(&mut pb::AreaAlignment)| {
            for (subject, _) in people {
                if !self.standings.row(*subject).is_some_and(|row| self.sight.sees(row)) {
                    continue;
                }
                for area in areas(self.standings, *subject) {
                    if self.scope.is_empty() || self.scope.contains(&area) {
                        let entry = by_area.entry(area.clone());
                        count(entry.or_insert_with(|| pb::AreaAlignment { area, ..pb::AreaAlignment::default() }));
                    }
                }
            }
        };
        add(&compare.aligned, |area| {
            area.members += 1;
            area.aligned += 1;
        });
        add(&compare.below, |area| area.members += 1);
        add(&compare.passed_over, |area| area.passed_over += 1);
    }
}
