//! Judges records against what is held: whose is this id, which version is
//! newer, was the person born by then, may this override stand. Judging changes
//! nothing; what it accepts is staged, so that later records of a batch are
//! judged as if the earlier ones were held.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;

use super::fault::Fault;
use super::record::{self, Intake};
use super::state::State;
use crate::domain::dossier::Dossier;
use crate::domain::evidence::{BandOverride, Evidence, Kind, Other, Outstanding, Supervision};
use crate::domain::word::{Family, OverrideScope};
use crate::domain::{Date, Moment, Revision, SubjectId};
use crate::pb;
use crate::scoring::composite;

/// What is to become of a record.
#[derive(Clone, Debug, PartialEq)]
pub enum Judgement {
    /// New.
    Create,
    /// A later version of the one written at this revision.
    Supersede(Revision),
    /// The same as the version written at this revision.
    Unchanged(Revision),
    /// Refused, with everything wrong.
    Refuse(Vec<pb::Violation>),
}

/// A version of a record as the ledger holds it.
#[derive(Clone, Debug)]
pub struct HeldVersion {
    /// The record.
    pub record: pb::Record,
    /// Instant at which the server took it in, microseconds since 1970.
    pub ingested_micros: i64,
}

/// Judges the records of one request in order.
pub struct Judge<'a, F> {
    state: &'a State,
    held: F,
    now: Timestamp,
    decisions: bool,
    staged_dossiers: BTreeMap<Box<str>, Dossier>,
    staged_records: BTreeMap<Box<str>, (Box<str>, pb::Record)>,
}

impl<'a, F, E> Judge<'a, F>
where
    F: Fn(Revision) -> Result<HeldVersion, E>,
{
    /// A judge of one request. `held` reads a version from the ledger.
    pub fn new(state: &'a State, now: Timestamp, held: F) -> Self {
        let (staged_dossiers, staged_records) = (BTreeMap::new(), BTreeMap::new());
        Self { state, held, now, decisions: false, staged_dossiers, staged_records }
    }

    /// A judge who takes decisions about the cohort, if `taken`.
    #[must_use]
    pub fn taking_decisions(mut self, taken: bool) -> Self {
        self.decisions = taken;
        self
    }

    /// Judges one record, and stages it if it is accepted.
    ///
    /// # Errors
    /// Only when the ledger cannot be read.
    pub fn judge(&mut self, record: &pb::Record, etag: Option<&str>) -> Result<Judgement, E> {
        let intake = match record::take_in(record, self.state.tables(), self.now) {
            Ok(intake) => intake,
            Err(violations) => return Ok(Judgement::Refuse(violations)),
        };
        if let Some((subject_ref, earlier)) = self.staged_records.get(&intake.evidence.id) {
            return Ok(repeated_in_batch(subject_ref, earlier, record, &intake));
        }
        let judgement = self.against_held(record, &intake, etag)?;
        if let Judgement::Create | Judgement::Supersede(_) = judgement {
            let violations = self.in_context(&intake);
            if !violations.is_empty() {
                return Ok(Judgement::Refuse(violations));
            }
            self.stage(record, intake);
        }
        Ok(judgement)
    }

    fn against_held(&self, record: &pb::Record, intake: &Intake, etag: Option<&str>) -> Result<Judgement, E> {
        let Some((subject, revision)) = self.state.holder(&intake.evidence.id) else {
            return Ok(match etag {
                None => Judgement::Create,
                Some(_) => {
                    refuse("id", "ETAG_MISMATCH", "an etag was given, but no version of this record is in force")
                }
            });
        };
        if self.state.dossier(subject).subject_ref() != &*intake.subject_ref {
            return Ok(refuse(
                "subject_ref",
                "RECORD_OF_ANOTHER_SUBJECT",
                "this record id is in force for another subject; withdraw it there first",
            ));
        }
        if etag.is_some_and(|etag| etag != revision.to_string()) {
            return Ok(refuse("id", "ETAG_MISMATCH", "the record changed since its etag was read"));
        }
        let held = (self.held)(revision)?;
        let same = || dated(self.state.dossier(subject), record).is_some_and(|dated| dated == held.record);
        if held.record == *record || same() {
            return Ok(Judgement::Unchanged(revision));
        }
        let (was, is) = (record::kind_name(&held.record), record::kind_name(record));
        if was != is {
            return Ok(refuse(
                "id",
                "KIND_DIFFERS",
                &format!("this record id is in force for a record of kind {was}: a later version is of the same kind"),
            ));
        }
        let held_micros = record::recorded_micros(&held.record, held.ingested_micros);
        if intake.recorded_micros < held_micros {
            return Ok(refuse(
                "recorded_time",
                "OLDER_THAN_HELD",
                "recorded_time is before that of the version in force; a version in force is superseded only by a later one",
            ));
        }
        Ok(Judgement::Supersede(revision))
    }

    /// What the rest of the person's records say about this one.
    fn in_context(&self, intake: &Intake) -> Vec<pb::Violation> {
        let before = self.dossier(&intake.subject_ref);
        let joined = self.joined(&intake.subject_ref);
        let person = joined.as_ref().or(before);
        let mut violations = Vec::new();
        if let Some(violation) = born_after(person, &intake.evidence) {
            violations.push(violation);
        }
        if let Kind::Other(Other::BandOverride(decision)) = &intake.evidence.kind {
            let without = person.map(|dossier| dossier.without(&intake.evidence.id, dossier.revision()));
            let dossier = without.unwrap_or_else(|| Dossier::new(&intake.subject_ref));
            violations.extend(self.unlawful(&dossier, decision));
        }
        if let Kind::Other(Other::Outstanding(file)) = &intake.evidence.kind
            && let Some(held) = before.and_then(|dossier| dossier.file(&intake.evidence.id))
        {
            violations.extend(rewritten(held, file));
        }
        if let Kind::Supervision(kind) = &intake.evidence.kind {
            violations.extend(self.unsupervised((before, person), kind));
        }
        violations
    }

    /// An override that lowers below a floor needs a second officer and a near end.
    fn unlawful(&self, dossier: &Dossier, decision: &BandOverride) -> Vec<pb::Violation> {
        let (Some(rules), Some(as_of)) = (self.state.rules(), self.state.as_of()) else { return Vec::new() };
        let families: &[Family] = match decision.scope {
            OverrideScope::Both => &[Family::Cohort, Family::Outstanding],
            OverrideScope::Cohort => &[Family::Cohort],
            OverrideScope::Outstanding => &[Family::Outstanding],
        };
        let below_floor = families
            .iter()
            .filter_map(|family| composite::floor(dossier, rules, as_of, *family))
            .any(|floor| decision.band < floor);
        let mut violations = Vec::new();
        if below_floor && decision.second_officer.is_none() {
            violations.push(violation(
                "band_override.second_officer",
                "SECOND_OFFICER_REQUIRED",
                "the band lies below a floor: a second officer of inspector rank is required",
            ));
        }
        let most = rules.policy.overrides.below_floor_days;
        if below_floor && decision.expires - decision.decided > most {
            violations.push(violation(
                "band_override.expires_on",
                "OVERRIDE_TOO_LONG",
                &format!("the band lies below a floor: the override may last at most {most} days"),
            ));
        }
        violations
    }

    /// What a management record presupposes: a file that was open then, a nominal who is managed, a decision of the
    /// service's own.
    fn unsupervised(
        &self,
        (before, person): (Option<&Dossier>, Option<&Dossier>),
        kind: &Supervision,
    ) -> Option<pb::Violation> {
        let of_file = |field: &str, file: &str, moment: Moment| {
            let why = match before {
                Some(dossier) => impossible(dossier, file, moment),
                None => Some(Impossible::UnknownFile),
            };
            why.map(|why| violation(field, why.reason(), why.sentence()))
        };
        match kind {
            Supervision::Activity(activity) => match &activity.file {
                Some(file) => of_file("activity.outstanding_id", file, activity.done),
                None => (!person.is_some_and(|dossier| managed_on(dossier, activity.done.day()))).then(|| {
                    violation(
                        "activity.activity_kind",
                        "NOT_MANAGED",
                        "the person was not in the managed cohort when this was done",
                    )
                }),
            },
            Supervision::Review(review) => of_file("review.outstanding_id", &review.file, review.reviewed),
            Supervision::Decision(_) => (!self.decisions).then(|| {
                violation(
                    "cohort_decision",
                    "NOT_WRITTEN_HERE",
                    "decisions are recorded through CohortService.RecordDecision, which freezes the standing into them",
                )
            }),
        }
    }

    fn dossier(&self, subject_ref: &str) -> Option<&Dossier> {
        self.staged_dossiers
            .get(subject_ref)
            .or_else(|| self.state.subject(subject_ref).map(|subject| &**self.state.dossier(subject)))
    }

    /// Everything of a person with several histories, with what is staged of each. `None`: there is one history at most.
    fn joined(&self, subject_ref: &str) -> Option<Dossier> {
        let subject = self.state.subject(subject_ref)?;
        if self.state.histories().is_plain(subject) {
            return None;
        }
        let staged = |history: SubjectId| {
            let held = self.state.dossier(history);
            let staged = self.staged_dossiers.get(held.subject_ref());
            (history, staged.map_or_else(|| Arc::clone(held), |staged| Arc::new(staged.clone())))
        };
        let parts: Vec<_> = self.state.histories().of(subject).into_iter().map(staged).collect();
        (parts.len() > 1).then(|| Dossier::joined(&parts))
    }

    fn stage(&mut self, record: &pb::Record, intake: Intake) {
        let staged = match self.dossier(&intake.subject_ref) {
            Some(dossier) => dossier.with(intake.evidence.clone()),
            None => Dossier::new(&intake.subject_ref).with(intake.evidence.clone()),
        };
        self.staged_dossiers.insert(intake.subject_ref.clone(), staged);
        self.staged_records.insert(intake.evidence.id, (intake.subject_ref, record.clone()));
    }
}

/// A later version of a file that knows openings and closes to the day alone, with the moments by which the version held
/// understood the same days: being told again makes nothing younger. `None`: there is nothing to keep.
pub fn dated(dossier: &Dossier, record: &pb::Record) -> Option<pb::Record> {
    let Some(pb::record::Kind::Outstanding(stated)) = &record.kind else { return None };
    let held = dossier.file(&record.id)?;
    let mut file = stated.clone();
    for ((period, before), span) in file.periods.iter_mut().zip(&held.periods).zip(&held.terms.spans) {
        let of = |moment: Moment| Some(super::timestamp(moment.instant()));
        if period.opened_time.is_none() && period.opened_on == before.opened.to_string() {
            period.opened_time = of(span.opened);
        }
        if let (None, Some((day, _)), Some(closed)) = (&period.closed_time, before.closed, span.closed)
            && period.closed_on == day.to_string()
        {
            period.closed_time = of(closed);
        }
    }
    (file != *stated).then(|| pb::Record { kind: Some(pb::record::Kind::Outstanding(file)), ..record.clone() })
}

/// A version of a file that would make it younger, or forget that it was open: nobody's clock is reset by it.
fn rewritten(held: &Outstanding, file: &Outstanding) -> Option<pb::Violation> {
    if file.first_opened() > held.first_opened() {
        return Some(violation(
            "outstanding.periods[0].opened_on",
            "OPENING_MOVED",
            "the file opened earlier, as held: an opening is corrected to an earlier day, never to a later one; withdraw \
             the record, with the reason, if it was never a file",
        ));
    }
    (file.periods.len() < held.periods.len()).then(|| {
        violation("outstanding.periods", "PERIOD_DROPPED", "a period that is held is missing from this version")
    })
}

/// Why nothing can have been done about a file at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Impossible {
    /// The person has no such file.
    UnknownFile,
    /// It had not opened by that day.
    BeforeOpening,
    /// It was closed.
    Closed,
}

impl Impossible {
    const fn reason(self) -> &'static str {
        match self {
            Self::UnknownFile => "UNKNOWN_FILE",
            Self::BeforeOpening => "BEFORE_OPENING",
            Self::Closed => "FILE_CLOSED",
        }
    }

    const fn sentence(self) -> &'static str {
        match self {
            Self::UnknownFile => "the person has no outstanding file of that id: send the file first",
            Self::BeforeOpening => "the file had not opened by that day",
            Self::Closed => "the file was closed at that moment",
        }
    }

    /// The fault of a call that does nothing else.
    pub fn fault(self) -> Fault {
        match self {
            Self::UnknownFile => Fault::UnknownFile,
            Self::BeforeOpening => Fault::field("outstanding_id", self.reason(), self.sentence()),
            Self::Closed => Fault::FileClosed,
        }
    }
}

/// Why nothing can have been done about a file at a moment; `None`: it can. A file is often opened on the day of the first
/// attempt, after it, so its first day counts whole.
pub fn impossible(dossier: &Dossier, file: &str, moment: Moment) -> Option<Impossible> {
    let Some(file) = dossier.file(file) else { return Some(Impossible::UnknownFile) };
    let day = moment.day();
    let began = |opened: Moment| opened <= moment || opened.day() <= day;
    let mut spans = file.terms.spans.iter().filter(|span| began(span.opened)).peekable();
    if spans.peek().is_none() {
        return Some(Impossible::BeforeOpening);
    }
    let open = spans.any(|span| span.closed.is_none_or(|closed| moment <= closed));
    (!open).then_some(Impossible::Closed)
}

/// Whether the person was in the managed cohort on a day.
fn managed_on(dossier: &Dossier, day: Date) -> bool {
    let mut memberships = dossier.memberships();
    memberships.any(|(_, held)| held.selected <= day && held.ended.is_none_or(|ended| day <= ended))
}

/// An id that came twice in one batch.
fn repeated_in_batch(subject_ref: &str, earlier: &pb::Record, record: &pb::Record, intake: &Intake) -> Judgement {
    if subject_ref != &*intake.subject_ref {
        return refuse("id", "DUPLICATE_RECORD_ID", "this record id stands twice in the request, for two subjects");
    }
    if earlier == record {
        return Judgement::Unchanged(Revision(0));
    }
    refuse("id", "DUPLICATE_RECORD_ID", "this record id stands twice in the request, with different content")
}

/// A fact dated before the person was born, whichever of the two came first.
fn born_after(before: Option<&Dossier>, evidence: &Evidence) -> Option<pb::Violation> {
    if let Kind::Person(person) = &evidence.kind {
        let birth = person.birth?;
        let first = first_fact(before?)?;
        return (birth > first).then(|| {
            violation(
                "person.birth_date",
                "BORN_AFTER_OFFENCE",
                &format!("person.birth_date is {birth}, after a fact held of this person on {first}"),
            )
        });
    }
    let birth = before?.person()?.birth?;
    let date = event_date(evidence)?;
    (date < birth).then(|| {
        violation(
            "event_date",
            "BORN_AFTER_OFFENCE",
            &format!("event_date is {date}, before the person's birth date as held"),
        )
    })
}

/// The day of the first fact held of a person, supervision apart.
fn first_fact(dossier: &Dossier) -> Option<Date> {
    let others = dossier.others().iter().filter_map(|filed| other_date(&filed.kind));
    dossier.offences().map(|offence| offence.date()).chain(others).min()
}

/// The birth date held of a person and the day of a fact before it, where there is one.
pub fn born_too_late(dossier: &Dossier) -> Option<(Date, Date)> {
    let birth = dossier.person()?.birth?;
    first_fact(dossier).filter(|first| birth > *first).map(|first| (birth, first))
}

fn event_date(evidence: &Evidence) -> Option<Date> {
    match &evidence.kind {
        Kind::Person(_) => None,
        Kind::Offence(offence) => Some(offence.committed.unwrap_or(offence.reported)),
        Kind::Other(other) => other_date(other),
        Kind::Supervision(Supervision::Activity(activity)) => Some(activity.done.day()),
        Kind::Supervision(Supervision::Review(review)) => Some(review.reviewed.day()),
        Kind::Supervision(Supervision::Decision(decision)) => Some(decision.decided.day()),
    }
}

fn other_date(other: &Other) -> Option<Date> {
    Some(match other {
        Other::SanctionSummary(summary) => summary.first.unwrap_or(summary.as_at),
        Other::Custody(custody) => custody.start,
        Other::Marker(marker) => marker.set,
        Other::Intelligence(intelligence) => intelligence.date,
        Other::Assessment(assessment) => assessment.made,
        Other::Order { made } => *made,
        Other::Breach(breach) => breach.date,
        Other::Exploitation(exploitation) => exploitation.date,
        Other::Outstanding(file) => file.first_opened()?,
        Other::CohortMembership(membership) => membership.selected,
        Other::BandOverride(decision) => decision.decided,
    })
}

fn violation(field: &str, reason: &str, description: &str) -> pb::Violation {
    pb::Violation { field: field.to_owned(), reason: reason.to_owned(), description: description.to_owned() }
}

fn refuse(field: &str, reason: &str, description: &str) -> Judgement {
    Judgement::Refuse(vec![violation(field, reason, description)])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pb::record::Kind as Stated;
    use crate::reference::tables;

    fn record(id: &str, date: &str, kind: Stated) -> pb::Record {
        let (subject_ref, source_system) = ("S-1".to_owned(), "test".to_owned());
        let event_date = date.to_owned();
        pb::Record {
            id: id.to_owned(),
            subject_ref,
            source_system,
            event_date,
            kind: Some(kind),
            ..pb::Record::default()
        }
    }

    #[test]
    fn nobody_does_anything_before_birth_whichever_is_told_first() {
        let born = |date: &str| {
            let person = pb::Person { birth_date: date.to_owned(), ..pb::Person::default() };
            record("p", "2026-01-01", Stated::Person(person))
        };
        let undated = pb::Offence {
            ho_code: "008/06".to_owned(),
            report_date: "2000-01-02".to_owned(),
            ..pb::Offence::default()
        };
        let facts =
            [record("o", "", Stated::Offence(undated)), record("d", "2000-01-02", Stated::Order(pb::Order::default()))];
        let now: Timestamp = "2026-03-01T12:00:00Z".parse().expect("must be an instant");
        let state = State::new(tables());
        let refused = |records: [&pb::Record; 2]| {
            let mut judge = Judge::new(&state, now, |_| -> Result<HeldVersion, ()> { Err(()) });
            records.map(|record| judge.judge(record, None)).map(|judged| matches!(judged, Ok(Judgement::Refuse(_))))
        };
        for fact in &facts {
            assert_eq!(refused([&born("2000-01-03"), fact]), [false, true]);
            assert_eq!(refused([fact, &born("2000-01-03")]), [false, true]);
            assert_eq!(refused([fact, &born("2000-01-02")]), [false, false]);
        }
    }
}
