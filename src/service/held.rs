//! Reads of what is held: records with their versions, from immutable keys of
//! the ledger, on a few blocking threads. They are found through the index by
//! subject, which has no checksum over what is not there: so what it leads to
//! must be what the dossier says, and each version must follow on the one before.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::fault::Fault;
use super::life;
use super::note;
use super::record::kind_name;
use super::{SPECIFIC_FIRST, Seen, Service, etag, timestamp};
use crate::access::{Caller, Disclosure, Permission};
use crate::domain::dossier::Dossier;
use crate::domain::evidence::{Other, Supervision};
use crate::domain::word::Band;
use crate::domain::{Moment, Revision, SubjectId};
use crate::pb;
use crate::ranking::Standings;
use crate::store::pb::Event;
use crate::store::pb::event::Body;
use crate::store::{Fault as StoredFault, Store, StoreError, ViewKey};
use prost::Message;

impl Service {
    /// What is held of a person, in outline.
    ///
    /// # Errors
    /// [`Fault::OutOfScope`], [`Fault::UnknownSubject`] or [`Fault::NoActivePolicy`].
    pub async fn subject(
        &self,
        caller: &Caller,
        subject_ref: &str,
        seen: Seen<'_>,
    ) -> Result<Disclosure<pb::GetSubjectResponse>, Fault> {
        let standings = self.standings(seen).await?;
        let sight = Self::sight(caller, &standings);
        let subject = Self::person_in(caller, &sight, &standings, subject_ref)?;
        let row = standings.row(subject).ok_or(Fault::UnknownSubject)?;
        let dossier = &*looked_at(&standings, subject, caller)?;
        let answered_from = Arc::clone(&standings);
        let (merged, restrictions) =
            self.read_ledger(move |store| life::told::of_person(store, &answered_from, subject)).await?;
        let mut records_in_force = BTreeMap::new();
        let mut count = |kind: &str, number: usize| {
            if number > 0 {
                *records_in_force.entry(kind.to_owned()).or_insert(0) += u32::try_from(number).unwrap_or(u32::MAX);
            }
        };
        count("offence", dossier.offence_count());
        for filed in dossier.others() {
            count(other_name(&filed.kind), 1);
        }
        for held in dossier.supervised() {
            count(supervision_name(&held.kind), 1);
        }
        let others = dossier.offence_count() + dossier.others().len() + dossier.supervised().len();
        count("person", dossier.record_ids().count() - others);
        let answer = pb::GetSubjectResponse {
            context: Some(self.context(&standings)),
            subject_ref: subject_ref.to_owned(),
            lists: SPECIFIC_FIRST
                .into_iter()
                .filter(|list| row.lists.holds(*list) && sight.admits(*list))
                .map(|list| list.proto().into())
                .collect(),
            areas: areas(&standings, subject),
            records_in_force,
            etag: etag(dossier.revision()),
            child: row.child(),
            standing_ref: dossier.subject_ref().to_owned(),
            merged,
            restrictions,
        };
        Ok(Disclosure { answer, subjects: vec![subject] })
    }

    /// Versions of a person's records, oldest revision first, as at the revision of the first page.
    ///
    /// # Errors
    /// [`Fault::OutOfScope`], [`Fault::UnknownSubject`], faults of the token, or [`Fault::Internal`] when the store cannot be read.
    pub async fn evidence(
        &self,
        caller: &Caller,
        asked: pb::ListEvidenceRequest,
        size: usize,
    ) -> Result<Disclosure<pb::ListEvidenceResponse>, Fault> {
        let standings = self.standings(Seen::new(asked.min_revision, &asked.store)).await?;
        let subject = Self::person(caller, &standings, &asked.subject_ref)?;
        looked_at(&standings, subject, caller)?;
        let arguments = arguments(&asked);
        let (through, after) = match self.paging.read_pair(&asked.page_token, caller, &arguments)? {
            Some((through, after)) => (Revision(through), Revision(after)),
            None => (standings.revision(), Revision(0)),
        };
        let answered_from = Arc::clone(&standings);
        let held = self.read_ledger(move |store| held(store, &answered_from, subject, through)).await?;
        let mut wanted = held.all.into_iter().filter(|held| {
            held.revision > after.0
                && (asked.include_history || held.state == i32::from(pb::RecordState::InForce))
                && (asked.kinds.is_empty()
                    || held
                        .record
                        .as_ref()
                        .is_some_and(|record| asked.kinds.iter().any(|kind| kind == kind_name(record))))
        });
        let records: Vec<pb::HeldRecord> = wanted.by_ref().take(size).collect();
        let next_page_token = match (wanted.next(), records.last()) {
            (Some(_), Some(last)) => self.paging.pair_token((through.0, last.revision), caller, &arguments),
            (Some(_) | None, _) => String::new(),
        };
        let answer = pb::ListEvidenceResponse { context: Some(self.context(&standings)), records, next_page_token };
        Ok(Disclosure { answer, subjects: vec![subject] })
    }
}

/// Everything in force of a person, for those who may look at it.
///
/// # Errors
/// [`Fault::ProcessingRestricted`] where it is restricted and the caller may not restrict, or [`Fault::UnknownSubject`].
pub fn looked_at(standings: &Standings, subject: SubjectId, caller: &Caller) -> Result<Arc<Dossier>, Fault> {
    let shown = standings.dossier(subject).ok_or(Fault::UnknownSubject)?;
    if !shown.is_restricted() {
        return Ok(Arc::clone(shown));
    }
    if caller.may(Permission::RestrictSubjects) {
        Ok(Arc::new(Dossier::joined(shown.histories())))
    } else {
        Err(Fault::ProcessingRestricted)
    }
}

/// Histories of a person as a snapshot knows them, the one that they stand by first.
pub fn histories(standings: &Standings, subject: SubjectId) -> Vec<(SubjectId, Arc<Dossier>)> {
    let Some(shown) = standings.dossier(subject) else { return Vec::new() };
    match shown.histories() {
        [] => vec![(subject, Arc::clone(shown))],
        histories => histories.to_vec(),
    }
}

/// Names of the areas a person belongs to.
pub fn areas(standings: &Standings, subject: SubjectId) -> Vec<String> {
    let areas = standings.row(subject).map_or(&[][..], |row| row.areas.as_slice());
    let mut names: Vec<String> = areas.iter().map(|area| standings.names().area_name(*area).to_string()).collect();
    names.sort_unstable();
    names
}

fn other_name(other: &Other) -> &'static str {
    match other {
        Other::SanctionSummary(_) => "sanction_summary",
        Other::Custody(_) => "custody",
        Other::Marker(_) => "marker",
        Other::Intelligence(_) => "intelligence",
        Other::Assessment(_) => "assessment",
        Other::Order { .. } => "order",
        Other::Breach(_) => "breach",
        Other::Exploitation(_) => "exploitation",
        Other::Outstanding(_) => "outstanding",
        Other::CohortMembership(_) => "cohort_membership",
        Other::BandOverride(_) => "band_override",
    }
}

fn supervision_name(kind: &Supervision) -> &'static str {
    match kind {
        Supervision::Activity(_) => "activity",
        Supervision::Review(_) => "review",
        Supervision::Decision(_) => "cohort_decision",
    }
}

/// Digest of what pages of one chain must share.
fn arguments(asked: &pb::ListEvidenceRequest) -> [u8; 32] {
    let shared = pb::ListEvidenceRequest {
        page_size: 0,
        page_token: String::new(),
        min_revision: 0,
        store: String::new(),
        ..asked.clone()
    };
    *blake3::hash(&shared.encode_to_vec()).as_bytes()
}

/// Versions of a person's records, and the bands noted of them.
#[derive(Debug, Default)]
pub struct Held {
    all: Vec<pb::HeldRecord>,
    in_force: BTreeMap<String, usize>,
    /// Bands, oldest first.
    pub bands: Vec<BandNote>,
}

impl Held {
    /// Every version of a record, oldest first.
    pub fn versions(&self, id: &str) -> impl Iterator<Item = &pb::HeldRecord> {
        self.all.iter().filter(move |held| held.record.as_ref().is_some_and(|record| record.id == id))
    }

    /// Every version of every record, oldest first.
    pub fn into_versions(self) -> Vec<pb::HeldRecord> {
        self.all
    }

    /// The version of a record that is in force.
    pub fn in_force(&self, id: &str) -> Option<&pb::HeldRecord> {
        self.in_force.get(id).map(|place| &self.all[*place])
    }
}

/// A band as it was noted of a person.
#[derive(Debug)]
pub struct BandNote {
    /// When.
    pub when: Moment,
    /// Revision.
    pub revision: Revision,
    /// Which.
    pub band: Band,
    /// Files that were open.
    pub files: Vec<String>,
}

/// Every version of a person's records up to a revision, with its state as at that revision, and the bands noted of the
/// person. The events after it, as far as the standings go, are read too: only at the end can it be told whether any are
/// missing.
///
/// # Errors
/// The store's, also where what it holds is not what the standings were made from.
pub fn held(
    store: &dyn Store,
    standings: &Standings,
    subject: SubjectId,
    through: Revision,
) -> Result<Held, StoreError> {
    let mut all = Held::default();
    for (history, dossier) in histories(standings, subject) {
        let Held { all: versions, in_force: _, bands } =
            held_of(store, (history, &dossier), (through, standings.revision()))?;
        all.all.extend(versions);
        all.bands.extend(bands);
    }
    all.all.sort_by_key(|held| held.revision);
    all.bands.sort_by_key(|note| note.revision);
    let in_force = i32::from(pb::RecordState::InForce);
    for (place, held) in all.all.iter().enumerate().filter(|(_, held)| held.state == in_force) {
        all.in_force.extend(held.record.as_ref().map(|record| (record.id.clone(), place)));
    }
    Ok(all)
}

fn held_of(
    store: &dyn Store,
    (subject, dossier): (SubjectId, &Dossier),
    (through, until): (Revision, Revision),
) -> Result<Held, StoreError> {
    let mut held = Held::default();
    let mut followed = Followed::default();
    for entry in store.scan_subject(subject, Revision(1), until) {
        let key = entry?.0;
        let Some(revision) = key.revision() else { continue };
        let event = store.event(revision)?.ok_or(StoreError::MissingEvent { revision })?;
        if let Some(Body::Erased(_) | Body::SubjectErased(_)) = event.body {
            // The person was erased since these standings: nothing of them is held.
            return Ok(Held::default());
        }
        if !followed.follow(subject, &event) {
            return Err(astray(store, key));
        }
        if revision > through {
            continue;
        }
        if let Some(Body::OutstandingNoted(noted)) = &event.body {
            let when = Moment::of_micros(event.recorded_micros);
            let files = noted.files.iter().map(|file| file.outstanding_id.clone()).collect();
            held.bands.extend(note::band(noted.band).map(|band| BandNote { when, revision, band, files }));
        }
        take_in(event, &mut held.all, &mut held.in_force);
    }
    if followed.leads_to(dossier) {
        Ok(held)
    } else {
        Err(astray(store, ViewKey::subject_index(subject, followed.last)))
    }
}

/// The error of an index that is not what the ledger says, noted for the next start.
fn astray(store: &dyn Store, key: ViewKey) -> StoreError {
    let error = key.corrupt(StoredFault::Astray);
    store.suspect(&error.to_string());
    error
}

/// What was read of one person's events so far: the version in force of each record, what was noted last, and the last event.
#[derive(Default)]
struct Followed {
    in_force: BTreeMap<String, Revision>,
    noted: u64,
    last: Revision,
}

impl Followed {
    /// Whether an event is about the person and follows on those before it: a version, or a withdrawal, names the version
    /// that it puts an end to.
    fn follow(&mut self, subject: SubjectId, event: &Event) -> bool {
        self.last = Revision(event.revision);
        let follows = match &event.body {
            Some(Body::EvidenceWritten(written)) => written.record.as_ref().is_some_and(|record| {
                let before = self.in_force.insert(record.id.clone(), self.last);
                before.unwrap_or_default() == Revision(written.supersedes)
            }),
            Some(Body::EvidenceWithdrawn(withdrawn)) => {
                self.in_force.remove(&withdrawn.record_id) == Some(Revision(withdrawn.withdrawn_revision))
            }
            Some(Body::OutstandingNoted(noted)) => {
                self.noted = note::digest(noted);
                true
            }
            Some(
                Body::SubjectsMerged(_)
                | Body::SubjectsUnmerged(_)
                | Body::ProcessingRestricted(_)
                | Body::RestrictionLifted(_)
                | Body::DisclosureRecorded(_)
                | Body::RetentionReviewed(_),
            ) => true,
            Some(
                Body::AsOfMoved(_)
                | Body::PolicyActivated(_)
                | Body::PolicyDrafted(_)
                | Body::PolicyApproved(_)
                | Body::PolicyScheduled(_)
                | Body::RequestAnswered(_)
                | Body::AuditAnchored(_)
                | Body::AlignmentNoted(_)
                | Body::RescoreStarted(_)
                | Body::RescoreEnded(_)
                | Body::GenerationPublished(_)
                | Body::Erased(_)
                | Body::SubjectErased(_)
                | Body::GenerationBlanked(_),
            )
            | None => false,
        };
        follows && event.has_subject && event.subject_id == subject.0
    }

    /// Whether what is in force now is what the dossier holds, and the last event the last that it knows of.
    fn leads_to(&self, dossier: &Dossier) -> bool {
        self.last == dossier.revision()
            && self.noted == dossier.noted()
            && self.in_force.len() == dossier.record_ids().count()
            && self.in_force.iter().all(|(id, revision)| dossier.revision_of(id) == Some(*revision))
    }
}

fn take_in(event: Event, versions: &mut Vec<pb::HeldRecord>, in_force: &mut BTreeMap<String, usize>) {
    let mut end = |versions: &mut Vec<pb::HeldRecord>, id: &str, state: pb::RecordState, reason: &str| {
        if let Some(place) = in_force.remove(id) {
            versions[place].state = state.into();
            versions[place].etag = String::new();
            reason.clone_into(&mut versions[place].withdrawal_reason);
        }
    };
    match event.body {
        Some(Body::EvidenceWritten(written)) => {
            let Some(record) = written.record else { return };
            end(versions, &record.id, pb::RecordState::Superseded, "");
            in_force.insert(record.id.clone(), versions.len());
            let ingested = jiff::Timestamp::from_microsecond(event.recorded_micros).map(timestamp).ok();
            versions.push(pb::HeldRecord {
                record: Some(record),
                revision: event.revision,
                ingested_time: ingested,
                actor: event.actor,
                state: pb::RecordState::InForce.into(),
                etag: etag(Revision(event.revision)),
                withdrawal_reason: String::new(),
                content_withheld: false,
            });
        }
        Some(Body::EvidenceWithdrawn(withdrawn)) => {
            end(versions, &withdrawn.record_id, pb::RecordState::Withdrawn, &withdrawn.reason);
        }
        Some(
            Body::AsOfMoved(_)
            | Body::PolicyDrafted(_)
            | Body::PolicyApproved(_)
            | Body::PolicyScheduled(_)
            | Body::PolicyActivated(_)
            | Body::RequestAnswered(_)
            | Body::AuditAnchored(_)
            | Body::OutstandingNoted(_)
            | Body::AlignmentNoted(_)
            | Body::RescoreStarted(_)
            | Body::RescoreEnded(_)
            | Body::GenerationPublished(_)
            | Body::SubjectsMerged(_)
            | Body::SubjectsUnmerged(_)
            | Body::ProcessingRestricted(_)
            | Body::RestrictionLifted(_)
            | Body::DisclosureRecorded(_)
            | Body::RetentionReviewed(_)
            | Body::Erased(_)
            | Body::SubjectErased(_)
            | Body::GenerationBlanked(_),
        )
        | None => {}
    }
}

#[cfg(test)]
mod tests;
