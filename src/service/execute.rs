//! One request on top of what is held: asked before, refused, or staged in the
//! group. Nothing here is durable, and nobody is told anything yet: the group is
//! committed, or not, by the [`writer`](super::writer).

use jiff::Timestamp;
use tracing::error;

use super::bound::{self, Room};
use super::expiry::expired;
use super::fault::Fault;
use super::group::Building;
use super::judge::{self, HeldVersion, Judge, Judgement};
use super::mutation::{Answer, Mutation, MutationBody, Records};
use super::state::Touched;
use super::writer::Writer;
use crate::domain::Revision;
use crate::pb;
use crate::store::StoreError;
use crate::store::pb::event::Body;
use crate::store::pb::{EvidenceWithdrawn, EvidenceWritten, RequestAnswer};

impl Writer {
    /// One request: its answer of before, or what is to become of it, staged in `group` and folded into the state.
    pub(super) fn execute(
        &mut self,
        mutation: &Mutation,
        group: &mut Building<'_>,
        touched: &mut Touched,
        now: Timestamp,
    ) -> Result<Answer, Fault> {
        if let MutationBody::Pass { micros } = mutation.body {
            return self.pass(mutation, micros, group, touched);
        }
        if let MutationBody::Run(step) = &mutation.body {
            return self.run_step(mutation, step, group, touched);
        }
        let repeated = group.answered(&mutation.caller, mutation.request_id).map_err(|fault| self.unread(&fault))?;
        if let Some(answer) = repeated.filter(|answer| !expired(answer.answered_micros, now)) {
            return again(&answer, mutation, group.head());
        }
        if let Some(short) = self.low
            && mutation.body.writes()
        {
            return Err(short.into());
        }
        match &mutation.body {
            MutationBody::Write(records) => self.write(mutation, records, group, touched, now),
            MutationBody::Withdraw { subject_ref, record_id, reason, etag } => {
                self.withdraw(mutation, (subject_ref, record_id, reason, etag), group, touched)
            }
            MutationBody::Move(made) => self.make(mutation, made, group, touched, now),
            MutationBody::Life(change) => self.change_life(mutation, change, group, touched),
            // Carried out elsewhere.
            MutationBody::Pass { .. } | MutationBody::Run(_) | MutationBody::Publish(_) => Err(Fault::Internal),
            MutationBody::Erase(erasure) => self.erase(mutation, erasure, group, touched),
            MutationBody::Policy(change) => self.change_policy(mutation, change, group, touched),
        }
    }

    /// Sees to it that nothing is ever stamped at a moment again, or before it: by an event that is, unless one is already.
    /// A floor in memory alone would be forgotten by a restart on a clock that was set back.
    fn pass(
        &mut self,
        mutation: &Mutation,
        micros: i64,
        group: &mut Building<'_>,
        touched: &mut Touched,
    ) -> Result<Answer, Fault> {
        let last = group.event(group.head()).map_err(|fault| self.unread(&fault))?;
        if last.is_none_or(|last| last.recorded_micros <= micros) {
            if let Some(short) = self.low {
                return Err(short.into());
            }
            self.stamped = self.stamped.max(micros.saturating_add(1));
            group.stamp_from(self.stamped);
            let body = Body::RequestAnswered(crate::store::pb::RequestAnswered {});
            self.push(group, touched, &mutation.caller, &[], None, body)?;
        }
        Ok(Answer { revision: group.head(), verdicts: Vec::new(), remarks: Vec::new() })
    }

    fn write(
        &mut self,
        mutation: &Mutation,
        records: &Records,
        group: &mut Building<'_>,
        touched: &mut Touched,
        now: Timestamp,
    ) -> Result<Answer, Fault> {
        let before = group.head();
        let verdicts = self.stage(mutation, records, group, touched, now)?;
        let wrote = group.head() > before;
        let mut answer = Answer { revision: group.head(), verdicts, remarks: Vec::new() };
        if !records.validate_only {
            group.answer(&mutation.caller, mutation.request_id, mutation.digest, &answer, wrote);
            if !wrote {
                self.fold_last(group, touched)?;
            }
            answer.revision = group.head();
        }
        Ok(answer)
    }

    /// Judges records, and stages those that are to be written.
    pub(super) fn stage(
        &mut self,
        mutation: &Mutation,
        records: &Records,
        group: &mut Building<'_>,
        touched: &mut Touched,
        now: Timestamp,
    ) -> Result<Vec<pb::RecordVerdict>, Fault> {
        let judgements = self.judge(records, group, now)?;
        let refusals: Vec<_> = records
            .records
            .iter()
            .zip(&judgements)
            .filter_map(|(record, judgement)| match judgement {
                Judgement::Refuse(violations) => Some((record, &**violations)),
                Judgement::Create | Judgement::Supersede(_) | Judgement::Unchanged(_) => None,
            })
            .collect();
        if bound::too_long(&refusals) {
            return Err(Fault::TooLarge);
        }
        let refused: Vec<pb::Violation> = judgements
            .iter()
            .enumerate()
            .filter_map(|(place, judgement)| match judgement {
                Judgement::Refuse(violations) => Some((place, violations)),
                Judgement::Create | Judgement::Supersede(_) | Judgement::Unchanged(_) => None,
            })
            .flat_map(|(place, violations)| violations.iter().map(move |violation| within_record(place, violation)))
            .collect();
        if records.all_or_none && !records.validate_only && !refused.is_empty() {
            let stale = refused.iter().all(|violation| violation.reason == "ETAG_MISMATCH");
            return Err(if stale { Fault::EtagMismatch } else { Fault::Invalid(refused) });
        }
        let mut verdicts = Vec::with_capacity(judgements.len());
        for (record, judgement) in records.records.iter().zip(judgements) {
            verdicts.push(self.carry_out(mutation, records.validate_only, record, judgement, group, touched)?);
        }
        Ok(verdicts)
    }

    fn judge(&self, records: &Records, group: &Building<'_>, now: Timestamp) -> Result<Vec<Judgement>, Fault> {
        let held = |revision: Revision| -> Result<HeldVersion, Fault> {
            let event = group.event(revision).map_err(|fault| report(&fault))?;
            if let Some((ingested_micros, Body::EvidenceWritten(EvidenceWritten { record: Some(record), .. }))) =
                event.and_then(|event| Some((event.recorded_micros, event.body?)))
            {
                Ok(HeldVersion { record, ingested_micros })
            } else {
                error!(revision = revision.0, "the ledger has no record where the state says that there is one");
                Err(Fault::Internal)
            }
        };
        let mut judge = Judge::new(&self.state, now, held).taking_decisions(records.decisions);
        let mut room = Room::new(&self.state, group);
        let mut judge = |record: &pb::Record| {
            if let Some(violation) = room.judge(record).map_err(|fault| report(&fault))? {
                return Ok(Judgement::Refuse(vec![violation]));
            }
            let judgement = judge.judge(record, records.etags.get(&record.id).map(String::as_str))?;
            if let Judgement::Create | Judgement::Supersede(_) = judgement {
                room.take(record);
            }
            Ok(judgement)
        };
        records.records.iter().map(&mut judge).collect()
    }

    fn carry_out(
        &mut self,
        mutation: &Mutation,
        validate_only: bool,
        record: &pb::Record,
        judgement: Judgement,
        group: &mut Building<'_>,
        touched: &mut Touched,
    ) -> Result<pb::RecordVerdict, Fault> {
        let (verdict, supersedes) = match judgement {
            Judgement::Create => (pb::Verdict::Created, Revision(0)),
            Judgement::Supersede(revision) => (pb::Verdict::Superseded, revision),
            Judgement::Unchanged(revision) => {
                return Ok(verdict_of(record, pb::Verdict::Unchanged, revision, Vec::new()));
            }
            Judgement::Refuse(violations) => {
                return Ok(verdict_of(record, pb::Verdict::Refused, Revision(0), violations));
            }
        };
        if validate_only {
            return Ok(verdict_of(record, verdict, Revision(0), Vec::new()));
        }
        let subject = self.state.subject(&record.subject_ref).unwrap_or_else(|| self.state.next_subject());
        let written = match supersedes {
            Revision(0) => None,
            Revision(_) => judge::dated(self.state.dossier(subject), record),
        };
        let written = written.unwrap_or_else(|| record.clone());
        let body = Body::EvidenceWritten(EvidenceWritten { record: Some(written), supersedes: supersedes.0 });
        self.push(group, touched, &mutation.caller, &mutation.request_id, Some(subject), body)?;
        Ok(verdict_of(record, verdict, group.head(), Vec::new()))
    }

    fn withdraw(
        &mut self,
        mutation: &Mutation,
        (subject_ref, record_id, reason, etag): (&str, &str, &str, &str),
        group: &mut Building<'_>,
        touched: &mut Touched,
    ) -> Result<Answer, Fault> {
        let subject = self.state.subject(subject_ref).ok_or(Fault::UnknownSubject)?;
        // A record is withdrawn from the history that it was written to, by whichever reference the person is named.
        let subject = self.state.holding(subject, record_id).ok_or(Fault::UnknownRecord)?;
        let revision = self.state.dossier(subject).revision_of(record_id).ok_or(Fault::UnknownRecord)?;
        if !etag.is_empty() && etag != revision.to_string() {
            return Err(Fault::EtagMismatch);
        }
        let body = Body::EvidenceWithdrawn(EvidenceWithdrawn {
            subject_ref: self.state.dossier(subject).subject_ref().to_owned(),
            record_id: record_id.to_owned(),
            withdrawn_revision: revision.0,
            reason: reason.to_owned(),
        });
        self.push(group, touched, &mutation.caller, &mutation.request_id, Some(subject), body)?;
        let answer = Answer { revision: group.head(), verdicts: Vec::new(), remarks: Vec::new() };
        group.answer(&mutation.caller, mutation.request_id, mutation.digest, &answer, true);
        Ok(answer)
    }
}

/// What the writer could not read. On a full disk a read fails as a write does, and the writer [fills](Writer::fill) up.
pub(super) fn report(fault: &StoreError) -> Fault {
    if let StoreError::Full = fault {
        return Fault::ReadOnly;
    }
    error!(fault = %fault, "the store could not be read");
    Fault::Internal
}

/// The answer given before, to the same request.
fn again(answer: &RequestAnswer, mutation: &Mutation, head: Revision) -> Result<Answer, Fault> {
    if answer.request_digest != mutation.digest {
        return Err(Fault::RequestIdReused);
    }
    let mut refused = answer.refused.iter();
    let verdicts: Vec<pb::RecordVerdict> = match &mutation.body {
        MutationBody::Write(records) => records
            .records
            .iter()
            .zip(answer.verdicts.iter().zip(&answer.revisions))
            .map(|(record, (verdict, revision))| match pb::Verdict::try_from(i32::from(*verdict)) {
                Ok(pb::Verdict::Refused) => {
                    let told = refused.next().cloned().unwrap_or_default();
                    pb::RecordVerdict { record_id: record.id.clone(), ..told }
                }
                Ok(verdict) => verdict_of(record, verdict, Revision(*revision), Vec::new()),
                Err(_) => pb::RecordVerdict::default(),
            })
            .collect(),
        // A move knows its records only while it is made; what it is answered with are their revisions.
        MutationBody::Move(_) => answer
            .verdicts
            .iter()
            .zip(&answer.revisions)
            .map(|(verdict, revision)| pb::RecordVerdict {
                verdict: i32::from(*verdict),
                revision: *revision,
                ..pb::RecordVerdict::default()
            })
            .collect(),
        MutationBody::Withdraw { .. }
        | MutationBody::Life(_)
        | MutationBody::Policy(_)
        | MutationBody::Erase(_)
        | MutationBody::Pass { .. }
        | MutationBody::Run(_)
        | MutationBody::Publish(_) => Vec::new(),
    };
    let revision = if answer.written_revision > 0 { Revision(answer.written_revision) } else { head };
    Ok(Answer { revision, verdicts, remarks: answer.remarks.clone() })
}

fn verdict_of(
    record: &pb::Record,
    verdict: pb::Verdict,
    revision: Revision,
    violations: Vec<pb::Violation>,
) -> pb::RecordVerdict {
    pb::RecordVerdict { record_id: record.id.clone(), verdict: verdict.into(), revision: revision.0, violations }
}

fn within_record(place: usize, violation: &pb::Violation) -> pb::Violation {
    pb::Violation { field: format!("records[{place}].{}", violation.field), ..violation.clone() }
}
