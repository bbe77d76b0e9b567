//! A person's files with their timelines: everything that was done about them,
//! when, when the server was told, and whether it counts.

use std::sync::Arc;

use smallvec::SmallVec;

use super::instant;
use crate::access::{Caller, Disclosure};
use crate::domain::dossier::Dossier;
use crate::domain::evidence::Outstanding;
use crate::domain::word::{ActivityKind, ActivityOutcome, Band, CloseOutcome, Family};
use crate::domain::{Moment, SubjectId};
use crate::pb;
use crate::pb::record::Kind;
use crate::policy::SupervisionPolicy;
use crate::service::fault::Fault;
use crate::service::held::{self, Held};
use crate::service::{Seen, Service};
use crate::store::Store;
use crate::supervision::clocks::{self, Clock};
use crate::supervision::count::{self, Discounted};
use crate::supervision::{Facts, victims};

impl Service {
    /// A person's files, or one of them.
    ///
    /// # Errors
    /// [`Fault::OutOfScope`], [`Fault::UnknownSubject`], [`Fault::UnknownFile`], [`Fault::NoActivePolicy`], or [`Fault::Internal`] when the ledger
    /// cannot be read.
    pub async fn outstanding_files(
        &self,
        caller: &Caller,
        asked: &pb::GetOutstandingRequest,
    ) -> Result<Disclosure<pb::GetOutstandingResponse>, Fault> {
        let standings = self.standings(Seen::new(asked.min_revision, &asked.store)).await?;
        let subject = Self::person(caller, &standings, &asked.subject_ref)?;
        let row = standings.row(subject).ok_or(Fault::UnknownSubject)?;
        let dossier = &*held::looked_at(&standings, subject, caller)?;
        if !asked.outstanding_id.is_empty() && dossier.file(&asked.outstanding_id).is_none() {
            return Err(Fault::UnknownFile);
        }
        let answered_from = Arc::clone(&standings);
        let read = move |store: &dyn Store| held::held(store, &answered_from, subject, answered_from.revision());
        let held = self.read_ledger(read).await?;
        let now = self.moment();
        let telling = Telling {
            dossier,
            policy: &standings.rules().policy.supervision,
            held: &held,
            now,
            band: dossier.is_outstanding().then_some(row.composed(Family::Outstanding).effective),
        };
        let wanted = |id: &str| asked.outstanding_id.is_empty() || asked.outstanding_id == id;
        let files = dossier.files().filter(|(filed, _)| wanted(&filed.id));
        let mut files: Vec<pb::OutstandingFile> =
            files.filter_map(|(filed, file)| telling.file(&filed.id, file)).collect();
        let opened = |file: &pb::OutstandingFile| file.opened_time.as_ref().map_or(0, |time| time.seconds);
        files.sort_by(|a, b| (b.open, opened(b), &a.outstanding_id).cmp(&(a.open, opened(a), &b.outstanding_id)));
        let answer = pb::GetOutstandingResponse {
            context: Some(self.context(&standings)),
            instant: Some(instant(now)),
            subject_ref: asked.subject_ref.clone(),
            files,
        };
        Ok(Self::disclosing(answer, [subject] as [SubjectId; 1]))
    }
}

/// A clock in the contract.
pub fn reading(clock: &Clock, now: Moment) -> pb::ClockReading {
    pb::ClockReading {
        clock: clock.kind.proto().into(),
        since_time: Some(instant(clock.since)),
        due_time: Some(instant(clock.due)),
        overdue_seconds: clock.overdue(now),
    }
}

/// A linked victim in the contract.
pub fn linked(victim: &victims::Linked, telling: Option<victims::Telling>, now: Moment) -> pb::LinkedVictim {
    pb::LinkedVictim {
        victim_ref: victim.reference.to_string(),
        vulnerable: victim.vulnerable,
        repeat: victim.repeat,
        updated_time: telling.and_then(|telling| telling.told).map(instant),
        due_time: telling.map(|telling| instant(telling.due)),
        overdue_seconds: telling.map_or(0, |telling| now - telling.due),
    }
}

struct Telling<'a> {
    dossier: &'a Dossier,
    policy: &'a SupervisionPolicy,
    held: &'a Held,
    now: Moment,
    band: Option<Band>,
}

impl Telling<'_> {
    fn file(&self, id: &str, file: &Outstanding) -> Option<pb::OutstandingFile> {
        let facts = Facts::held(self.dossier, id, file, self.policy);
        let read = clocks::read(&facts, self.policy, Moment::END)?;
        let held = self.held.in_force(id)?;
        let Some(Kind::Outstanding(stated)) = held.record.as_ref().and_then(|record| record.kind.clone()) else {
            return None;
        };
        let victims = victims::linked(self.dossier, file);
        let tellings =
            victims.iter().map(|victim| victims::telling(&facts, &read.run, victim, self.policy, Moment::END));
        let mut clocks: Vec<Clock> = read.clocks.iter().copied().chain(victims::clock(tellings)).collect();
        clocks.sort_by_key(|clock| (clock.due, clock.kind));
        let told = |victim: &victims::Linked| {
            let telling = victims::telling(&facts, &read.run, victim, self.policy, Moment::END);
            linked(victim, telling, self.now)
        };
        let open = read.run.closed.is_none();
        Some(pb::OutstandingFile {
            outstanding_id: id.to_owned(),
            etag: held.etag.clone(),
            open,
            opened_time: Some(instant(read.run.opened)),
            band: self.band.filter(|_| open).map_or(0, |band| band.proto().into()),
            clocks: clocks.iter().map(|clock| reading(clock, self.now)).collect(),
            victims: victims.iter().map(told).collect(),
            timeline: self.timeline(id, &facts, &read.run, (held, &stated)),
            prompts: prompts(file, &stated, open),
            file: Some(stated),
        })
    }

    fn timeline(
        &self,
        id: &str,
        facts: &Facts<'_>,
        run: &count::Run,
        (held, stated): (&pb::HeldRecord, &pb::Outstanding),
    ) -> Vec<pb::TimelineEntry> {
        let file = facts.file;
        // What the file says now was told by the first version that said so, and not by the last.
        let told_by = |says: &dyn Fn(&pb::Outstanding) -> bool| {
            let says = |held: &&pb::HeldRecord| match held.record.as_ref().and_then(|record| record.kind.as_ref()) {
                Some(Kind::Outstanding(stated)) => says(stated),
                Some(_) | None => false,
            };
            self.held.versions(id).find(says).unwrap_or(held)
        };
        let from = |held: &pb::HeldRecord, kind: pb::TimelineKind, when: Moment| pb::TimelineEntry {
            kind: kind.into(),
            event_time: Some(instant(when)),
            recorded_time: held.ingested_time,
            revision: held.revision,
            record_id: held.record.as_ref().map_or_else(String::new, |record| record.id.clone()),
            actor: held.actor.clone(),
            counts: true,
            ..pb::TimelineEntry::default()
        };
        let mut entries = Vec::new();
        for (place, (span, period)) in file.terms.spans.iter().zip(&stated.periods).enumerate() {
            let same =
                |told: &pb::Outstanding| told.periods.get(place).map(|told| &told.opened_on) == Some(&period.opened_on);
            let opened_by = told_by(&same);
            entries.push(pb::TimelineEntry {
                officer: stated.officer.clone(),
                description: if place == 0 { "File opened.".to_owned() } else { "File opened again.".to_owned() },
                ..from(opened_by, pb::TimelineKind::Opened, span.opened)
            });
            if let Some(closed) = span.closed {
                let outcome = CloseOutcome::from_proto(period.outcome);
                let closes = |told: &pb::Outstanding| {
                    let told = told.periods.get(place).map(|told| (&told.closed_on, told.outcome));
                    told == Some((&period.closed_on, period.outcome))
                };
                let closed_by = told_by(&closes);
                entries.push(pb::TimelineEntry {
                    officer: period.closed_by.clone(),
                    description: format!("File closed: {}.", outcome.map_or("not said how", close_words)),
                    outcome: period.outcome,
                    ..from(closed_by, pb::TimelineKind::Closed, closed)
                });
            }
        }
        for (step, stated) in file.terms.steps.iter().zip(&stated.circulations) {
            let stops = self.policy.circulated.contains(&step.circulation);
            let name = step.circulation.proto().as_str_name().trim_start_matches("CIRCULATION_").replace('_', " ");
            entries.push(pb::TimelineEntry {
                officer: stated.officer.clone(),
                description: format!("Circulation: {}.", name.to_lowercase()),
                circulation: stated.circulation,
                counts: stops,
                why_not: if stops {
                    String::new()
                } else {
                    "By policy this does not stop the clock of circulation.".into()
                },
                ..from(told_by(&|told| told.circulations.contains(stated)), pb::TimelineKind::Circulation, step.changed)
            });
        }
        for (id, activity, why_not) in count::activities(facts, run, self.policy, Moment::END) {
            let Some(held) = self.held.in_force(id) else { continue };
            let Some(Kind::Activity(stated)) = held.record.as_ref().and_then(|record| record.kind.clone()) else {
                continue;
            };
            let told =
                count::tells_victim(activity, &stated.victim_ref) && activity.kind == ActivityKind::VictimUpdated;
            entries.push(pb::TimelineEntry {
                officer: stated.officer.clone(),
                description: activity_words(activity.kind, activity.outcome, stated.minutes),
                counts: why_not.is_none() || told,
                why_not: if told { String::new() } else { why_not.map_or("", Discounted::sentence).to_owned() },
                activity: Some(stated),
                ..from(held, pb::TimelineKind::Activity, activity.done)
            });
        }
        for (id, review, why_not) in count::reviews(facts, run, Moment::END) {
            let Some(held) = self.held.in_force(id) else { continue };
            let Some(Kind::Review(stated)) = held.record.as_ref().and_then(|record| record.kind.clone()) else {
                continue;
            };
            let rank = review.rank.proto().as_str_name().trim_start_matches("SUPERVISOR_RANK_").replace('_', " ");
            entries.push(pb::TimelineEntry {
                officer: stated.officer.clone(),
                description: format!("Reviewed ({}).", rank.to_lowercase()),
                counts: why_not.is_none(),
                why_not: why_not.map_or("", Discounted::sentence).to_owned(),
                review: Some(stated),
                ..from(held, pb::TimelineKind::Review, review.reviewed)
            });
        }
        entries.extend(self.bands(id));
        entries.sort_by_key(|entry| {
            (entry.event_time.as_ref().map_or(0, |time| time.seconds), entry.kind, entry.revision)
        });
        entries
    }

    /// Changes of band while the file was open.
    fn bands(&self, id: &str) -> Vec<pb::TimelineEntry> {
        let mut before = None;
        let mut entries = Vec::new();
        for note in self.held.bands.iter().filter(|note| note.files.iter().any(|file| file == id)) {
            if before.replace(note.band) == Some(note.band) {
                continue;
            }
            let name = note.band.proto().as_str_name().trim_start_matches("BAND_").replace('_', " ");
            entries.push(pb::TimelineEntry {
                kind: pb::TimelineKind::Band.into(),
                event_time: Some(instant(note.when)),
                recorded_time: Some(instant(note.when)),
                revision: note.revision.0,
                actor: "steelyard".to_owned(),
                description: format!("The person stands at {}.", name.to_lowercase()),
                band: note.band.proto().into(),
                counts: true,
                ..pb::TimelineEntry::default()
            });
        }
        entries
    }
}

/// What an officer may want to do next.
fn prompts(file: &Outstanding, stated: &pb::Outstanding, open: bool) -> Vec<String> {
    let mut prompts = Vec::new();
    if open {
        for (what, check) in
            [("Convictions overseas", &stated.overseas_convictions), ("Immigration status", &stated.immigration)]
        {
            let asked = check.as_ref().is_some_and(|check| !check.asked_on.is_empty());
            let answered = check.as_ref().is_some_and(|check| !check.answered_on.is_empty());
            match (asked, answered) {
                (false, _) => prompts.push(format!("{what}: not asked for.")),
                (true, false) => prompts.push(format!("{what}: asked for, and not answered.")),
                (true, true) => {}
            }
        }
        if file.terms.supervisor.is_none() {
            prompts.push("No supervisor is named.".to_owned());
        }
        if file.offence_ids.is_empty() {
            prompts.push(
                "No offence is named: victims cannot be linked, nor the gravity of what is wanted for.".to_owned(),
            );
        }
    } else if file.circulation.is_circulated() {
        prompts
            .push("Closed and still circulated: take the entry off, or the person may be arrested again.".to_owned());
    }
    prompts
}

const fn close_words(outcome: CloseOutcome) -> &'static str {
    match outcome {
        CloseOutcome::Arrested => "arrested",
        CloseOutcome::Surrendered => "surrendered",
        CloseOutcome::Withdrawn => "withdrawn",
        CloseOutcome::Executed => "executed",
        CloseOutcome::Deceased => "died",
    }
}

fn activity_words(kind: ActivityKind, outcome: Option<ActivityOutcome>, minutes: u32) -> String {
    let kind = match kind {
        ActivityKind::AddressVisited => "Address visited",
        ActivityKind::AssociateOrFamilySpokenTo => "Associate or family spoken to",
        ActivityKind::AgencyEnquiry => "Another agency asked",
        ActivityKind::MediaOrDigitalEnquiry => "Media or digital enquiry",
        ActivityKind::IntelligenceTasked => "Intelligence tasked",
        ActivityKind::VictimUpdated => "Victim updated",
        ActivityKind::FileOpened => "File opened to read",
        ActivityKind::ReviewedWithoutAction => "Read without action",
        ActivityKind::Reallocated => "Given to another officer",
        ActivityKind::NominalSeen => "Nominal seen",
        ActivityKind::PartnerMeeting => "Meeting with a partner agency",
        ActivityKind::Other => "Other",
    };
    let outcome = outcome.map(|outcome| match outcome {
        ActivityOutcome::NoTrace => "no trace",
        ActivityOutcome::Information => "information",
        ActivityOutcome::Pending => "not answered yet",
        ActivityOutcome::Seen => "seen, not detained",
        ActivityOutcome::Arrested => "arrested",
        ActivityOutcome::Reached => "reached",
        ActivityOutcome::NotReached => "not reached",
    });
    let outcome = outcome.map_or_else(String::new, |outcome| format!(": {outcome}"));
    let minutes = if minutes == 0 { String::new() } else { format!(" ({minutes} min)") };
    format!("{kind}{outcome}{minutes}.")
}

/// The most overdue clocks of an open file; of one on which nothing is, the next due.
pub fn shown(clocks: impl Iterator<Item = Clock>, now: Moment) -> Vec<pb::ClockReading> {
    let mut clocks: SmallVec<[Clock; 8]> = clocks.collect();
    clocks.sort_by_key(|clock| (clock.due, clock.kind));
    let overdue = clocks.iter().take_while(|clock| clock.overdue(now) > 0).count();
    clocks.iter().take(overdue.max(1)).map(|clock| reading(clock, now)).collect()
}
