//! The records that moves of a file write, made from the version held.

use jiff::Timestamp;

use super::{Composed, FileRef, Part, stated};
use crate::domain::Date;
use crate::domain::evidence::{Outstanding, Supervision};
use crate::domain::moment::Moment;
use crate::domain::word::{Circulation, CloseOutcome};
use crate::pb;
use crate::pb::record::Kind;
use crate::service::fault::Fault;
use crate::service::group::Building;
use crate::service::judge::impossible;
use crate::service::timestamp;
use crate::service::writer::Writer;

impl Writer {
    pub(super) fn open(
        &self,
        record: &pb::Record,
        opened: Timestamp,
        reopen: bool,
        etag: &str,
        group: &Building<'_>,
    ) -> Result<Composed, Fault> {
        let held = self.state.holder(&record.id);
        if !reopen {
            return if held.is_some() { Err(Fault::FileExists) } else { Ok(Composed::one(record.clone(), "")) };
        }
        let Some(Kind::Outstanding(wanted)) = &record.kind else { return Err(Fault::UnknownFile) };
        let file = FileRef { subject_ref: record.subject_ref.clone(), id: record.id.clone(), etag: etag.to_owned() };
        let (_, before, record) = self.held_file(&file, group)?;
        if before.is_open() {
            return Err(Fault::FileOpen);
        }
        if wanted.reason != 0 && wanted.reason != i32::from(before.reason.proto()) {
            return Err(Fault::field(
                "reason",
                "CONTRADICTION",
                "reason is another than that of the file: open a file of its own for it",
            ));
        }
        let closed = before.terms.spans.last().and_then(|span| span.closed);
        if closed.is_some_and(|closed| Moment::of(opened) < closed) {
            return Err(Fault::field("opened_time", "DATES_OUT_OF_ORDER", "opened_time is before the file closed"));
        }
        revised(record, &before, &file.etag, |held| {
            held.periods.push(pb::OpenPeriod {
                opened_on: Date::in_london(opened).to_string(),
                opened_time: Some(timestamp(opened)),
                ..pb::OpenPeriod::default()
            });
            if !wanted.offence_ids.is_empty() {
                held.offence_ids.clone_from(&wanted.offence_ids);
            }
            if !wanted.officer.is_empty() {
                assign(held, &before, &wanted.officer, opened);
            }
            for (held, wanted) in [(&mut held.area, &wanted.area), (&mut held.supervisor, &wanted.supervisor)] {
                if !wanted.is_empty() {
                    held.clone_from(wanted);
                }
            }
            held.bail = wanted.bail.clone().or(held.bail.take());
            held.warrant = wanted.warrant.clone().or(held.warrant.take());
            held.recall = wanted.recall.clone().or(held.recall.take());
            for step in &wanted.circulations {
                held.circulation = step.circulation;
                held.circulations.push(step.clone());
            }
        })
    }

    pub(super) fn amend(
        &self,
        file: &FileRef,
        parts: &[Part],
        (terms, now): (&pb::Outstanding, Timestamp),
        group: &Building<'_>,
    ) -> Result<Composed, Fault> {
        let (_, before, record) = self.held_file(file, group)?;
        if !before.is_open() {
            return Err(Fault::FileClosed);
        }
        let cleared = |part: &Part| match part {
            Part::Area => terms.area.is_empty() && before.area.is_some(),
            Part::Supervisor => terms.supervisor.is_empty() && before.terms.supervisor.is_some(),
            Part::Officer
            | Part::OffenceIds
            | Part::Bail
            | Part::Warrant
            | Part::Recall
            | Part::OverseasConvictions
            | Part::Immigration => false,
        };
        if parts.iter().any(cleared) {
            return Err(Fault::field(
                "fields",
                "REQUIRED",
                "area and supervisor of an open file can be changed and not taken away: somebody must find it on their list",
            ));
        }
        revised(record, &before, &file.etag, |held| {
            for part in parts {
                match part {
                    Part::Area => held.area.clone_from(&terms.area),
                    Part::Officer => assign(held, &before, &terms.officer, now),
                    Part::Supervisor => held.supervisor.clone_from(&terms.supervisor),
                    Part::OffenceIds => held.offence_ids.clone_from(&terms.offence_ids),
                    Part::Bail => held.bail.clone_from(&terms.bail),
                    Part::Warrant => held.warrant.clone_from(&terms.warrant),
                    Part::Recall => held.recall.clone_from(&terms.recall),
                    Part::OverseasConvictions => held.overseas_convictions.clone_from(&terms.overseas_convictions),
                    Part::Immigration => held.immigration.clone_from(&terms.immigration),
                }
            }
        })
    }

    pub(super) fn circulate(
        &self,
        file: &FileRef,
        step: &pb::CirculationStep,
        group: &Building<'_>,
    ) -> Result<Composed, Fault> {
        let (_, before, record) = self.held_file(file, group)?;
        let at = step.changed_time.as_ref().map(|time| Moment(time.seconds));
        let early = before.first_opened().zip(at).is_some_and(|(opened, at)| at.day() < opened);
        if early {
            return Err(Fault::field("step.changed_time", "BEFORE_OPENING", "the file had not opened by that day"));
        }
        let taken_off = step.circulation == i32::from(Circulation::Cancelled.proto());
        if !before.is_open() && !taken_off {
            return Err(Fault::FileClosed);
        }
        revised(record, &before, &file.etag, |held| {
            if held.circulations.is_empty() && before.circulation != Circulation::NotCirculated {
                // It was circulated, and nobody wrote down when: from the beginning, as far as anybody knows.
                let began = before.terms.spans.first().map(|span| span.opened);
                let at = step.changed_time.as_ref().map(|time| Moment(time.seconds));
                held.circulations.push(pb::CirculationStep {
                    circulation: before.circulation.proto().into(),
                    changed_time: began.zip(at).map(|(began, at)| stated(began.min(at))),
                    ..pb::CirculationStep::default()
                });
            }
            held.circulation = step.circulation;
            held.circulations.push(step.clone());
        })
    }

    pub(super) fn close(
        &self,
        file: &FileRef,
        outcome: CloseOutcome,
        closed: Timestamp,
        officer: &str,
        group: &Building<'_>,
    ) -> Result<Composed, Fault> {
        let (subject, before, record) = self.held_file(file, group)?;
        if !before.is_open() {
            return Err(Fault::FileClosed);
        }
        let at = Moment::of(closed);
        let later = self.state.dossier(subject).supervised().iter().any(|held| match &held.kind {
            Supervision::Activity(activity) => activity.file.as_deref() == Some(&*file.id) && activity.done > at,
            Supervision::Review(review) => *review.file == *file.id && review.reviewed > at,
            Supervision::Decision(_) => false,
        });
        if later {
            return Err(Fault::field(
                "closed_time",
                "DATES_OUT_OF_ORDER",
                "closed_time is before something that was done about the file, or a review of it",
            ));
        }
        revised(record, &before, &file.etag, |held| {
            if let Some(period) = held.periods.last_mut() {
                period.closed_on = Date::in_london(closed).to_string();
                period.closed_time = Some(timestamp(closed));
                period.outcome = outcome.proto().into();
                officer.clone_into(&mut period.closed_by);
            }
        })
    }

    /// Something done, or a review: refused by name where the file does not allow it, so that no violation has to be read
    /// to know.
    pub(super) fn record(&self, record: &pb::Record) -> Result<Composed, Fault> {
        let (file, time) = match &record.kind {
            Some(Kind::Activity(activity)) => (&activity.outstanding_id, &activity.done_time),
            Some(Kind::Review(review)) => (&review.outstanding_id, &review.reviewed_time),
            Some(_) | None => return Err(Fault::Internal),
        };
        let subject = self.state.subject(&record.subject_ref).ok_or(Fault::UnknownSubject)?;
        if self.state.holding(subject, &record.id).is_some() {
            return Err(Fault::FileExists);
        }
        // What is done about a file is told of the history that the file is in.
        let subject = self.state.holding(subject, file).unwrap_or(subject);
        let dossier = self.state.dossier(subject);
        let moment = Moment(time.as_ref().map_or(0, |time| time.seconds));
        if !file.is_empty()
            && let Some(why) = impossible(dossier, file, moment)
        {
            return Err(why.fault());
        }
        let subject_ref = dossier.subject_ref().to_owned();
        Ok(Composed::one(pb::Record { subject_ref, ..record.clone() }, ""))
    }
}

/// Gives the case to an officer, and keeps whose it was.
fn assign(held: &mut pb::Outstanding, before: &Outstanding, officer: &str, from: Timestamp) {
    if held.officer == officer {
        return;
    }
    if held.officers.is_empty() {
        let from_time = before.terms.spans.first().map(|span| stated(span.opened));
        held.officers.push(pb::OfficerStep { officer: held.officer.clone(), from_time });
    }
    held.officers.push(pb::OfficerStep { officer: officer.to_owned(), from_time: Some(timestamp(from)) });
    officer.clone_into(&mut held.officer);
}

/// A later version of a file, what the version held says to the day alone put down as it was understood then.
fn revised(
    mut record: pb::Record,
    before: &Outstanding,
    etag: &str,
    change: impl FnOnce(&mut pb::Outstanding),
) -> Result<Composed, Fault> {
    let Some(Kind::Outstanding(held)) = &mut record.kind else { return Err(Fault::UnknownFile) };
    for (period, span) in held.periods.iter_mut().zip(&before.terms.spans) {
        if period.opened_time.is_none() {
            period.opened_time = Some(stated(span.opened));
        }
        if period.closed_time.is_none() {
            period.closed_time = span.closed.map(stated);
        }
    }
    change(held);
    Ok(Composed::one(record, etag))
}
