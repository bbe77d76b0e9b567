//! What the contract says of every record, and sense says of every life, held against a force.

use std::collections::{BTreeMap, BTreeSet};

use super::supervised;
use crate::domain::Date;
use crate::pb::{self, Outcome, PersonCategory, Record, record::Kind};

/// Everything wrong with the records of one person, each with the record's id.
pub(super) fn faults(records: &[Record], as_of: Date) -> Vec<String> {
    let mut check = Check { as_of, faults: Vec::new(), at: String::new(), before: BTreeMap::new() };
    let born = born(records);
    for (place, record) in records.iter().enumerate() {
        check.at.clone_from(&record.id);
        check.that(matches!(record.kind, Some(Kind::Person(_))) == (place == 0), "the person comes first, and once");
        check.heading(record);
        check.facts(record);
        check.ages(record, born);
        check.kind(record);
        check.before.insert(record.id.clone(), record.clone());
    }
    check.custody(records);
    check.faults.extend(supervised::faults(records, as_of));
    check.faults
}

fn born(records: &[Record]) -> Option<Date> {
    records.iter().find_map(|record| match &record.kind {
        Some(Kind::Person(person)) => person.birth_date.parse().ok(),
        _ => None,
    })
}

/// A date that must be one if it is there at all.
fn date(text: &str) -> Option<Date> {
    (!text.is_empty()).then(|| text.parse().unwrap_or_else(|_| panic!("{text} must be a date")))
}

/// Every date of a fact in a record, in no order; not plans and expiries.
fn facts(record: &Record) -> Vec<Date> {
    let mut texts = vec![record.event_date.as_str()];
    match record.kind.as_ref().expect("every record must have a kind") {
        Kind::Person(person) => texts.push(&person.birth_date),
        Kind::Offence(offence) => texts.extend([offence.report_date.as_str(), &offence.outcome_date]),
        Kind::SanctionSummary(summary) => texts.push(&summary.first_sanction_date),
        Kind::Custody(custody) => texts.push(&custody.ended_on),
        Kind::Exploitation(exploitation) => texts.push(&exploitation.reviewed_on),
        Kind::Outstanding(file) => {
            texts.extend(file.periods.iter().flat_map(|period| [period.opened_on.as_str(), &period.closed_on]));
        }
        Kind::CohortMembership(membership) => texts.push(&membership.ended_on),
        Kind::Marker(_)
        | Kind::Intelligence(_)
        | Kind::Assessment(_)
        | Kind::Order(_)
        | Kind::Breach(_)
        | Kind::BandOverride(_)
        | Kind::Activity(_)
        | Kind::Review(_)
        | Kind::CohortDecision(_) => {}
    }
    texts.into_iter().filter_map(date).collect()
}

struct Check {
    as_of: Date,
    faults: Vec<String>,
    at: String,
    before: BTreeMap<String, Record>,
}

impl Check {
    fn that(&mut self, holds: bool, rule: &str) {
        if !holds {
            self.faults.push(format!("{}: {rule}", self.at));
        }
    }

    fn named(&mut self, ids: &[String], most: usize, is: impl Fn(&Kind) -> bool) {
        self.that(ids.len() <= most, "names few enough records");
        self.that(ids.iter().collect::<BTreeSet<_>>().len() == ids.len(), "names a record once");
        for id in ids {
            let found = self.before.get(id).and_then(|record| record.kind.as_ref()).is_some_and(&is);
            self.that(found, "names records that came before it, of the right kind");
        }
    }

    fn reference(&mut self, text: &str, least: usize, most: usize) {
        let fits = (least..=most).contains(&text.chars().count()) && !text.chars().any(char::is_control);
        self.that(fits, "references are of the length that the contract allows");
    }

    fn heading(&mut self, record: &Record) {
        self.reference(&record.id, 1, 64);
        self.reference(&record.subject_ref, 1, 64);
        self.reference(&record.source_system, 1, 32);
        self.that(record.subject_ref.starts_with("DEMO-"), "subjects are marked as invented");
        self.that(record.source_system.starts_with("demo-"), "systems are marked as invented");
        self.that(record.id.starts_with(&format!("{}-", record.source_system)), "ids begin with their system");
        let basis = match record.kind {
            Some(Kind::Intelligence(_)) => pb::Basis::Intelligence,
            Some(Kind::Assessment(_)) => pb::Basis::Assessment,
            _ => pb::Basis::Fact,
        };
        self.that(record.basis() == basis, "the basis is the kind's own");
    }

    fn facts(&mut self, record: &Record) {
        let Some(recorded) = &record.recorded_time else { return self.that(false, "is recorded at some time") };
        let day = Date::from_days(i32::try_from(recorded.seconds.div_euclid(86_400)).expect("must fit"));
        let second = recorded.seconds.rem_euclid(86_400);
        self.that((7 * 3600..22 * 3600).contains(&second), "is recorded at a time that is of the same day in London");
        self.that(day <= self.as_of, "is recorded by the day of drawing");
        for fact in facts(record) {
            self.that(fact <= self.as_of, "no fact is later than the day of drawing");
            self.that(fact <= day, "no fact is later than its recording");
        }
        let may_lack_a_date = matches!(record.kind, Some(Kind::Offence(_)));
        self.that(may_lack_a_date || !record.event_date.is_empty(), "says when");
    }

    fn ages(&mut self, record: &Record, born: Option<Date>) {
        let Some(born) = born else { return };
        let least = match record.kind {
            Some(Kind::Person(_)) => 0,
            Some(Kind::CohortMembership(_)) => 18,
            _ => 10,
        };
        if let Some(event) = date(&record.event_date) {
            self.that(born.completed_years(event) >= least, "is of someone old enough");
        }
        if let Some(Kind::SanctionSummary(summary)) = &record.kind
            && let Some(first) = date(&summary.first_sanction_date)
        {
            self.that(born.completed_years(first) >= 10, "no child under ten was sanctioned");
        }
    }

    fn kind(&mut self, record: &Record) {
        let event = date(&record.event_date);
        match record.kind.as_ref().expect("every record must have a kind") {
            Kind::Person(person) => self.person(person),
            // Their own rules stand with those of supervision.
            Kind::Activity(_) | Kind::Review(_) => {}
            Kind::CohortDecision(_) => self.that(false, "decisions are made through the service"),
            Kind::Offence(offence) => self.offence(record, offence, event),
            Kind::SanctionSummary(summary) => {
                self.that((1..=1000).contains(&summary.sanction_occasions), "totals are in range");
                self.that(summary.violent_sanction_occasions <= summary.sanction_occasions, "violent ones are some");
                let age = summary.age_at_first_sanction;
                let date_known = !summary.first_sanction_date.is_empty();
                self.that(date_known != (10..=110).contains(&age), "a first sanction has a date or an age");
                self.that(date(&summary.first_sanction_date) <= event, "the first sanction is not after the totals");
            }
            Kind::Custody(custody) => {
                self.that(custody.custody_kind() != pb::CustodyKind::Unspecified, "custody has a kind");
                self.named(&custody.offence_ids, 64, |kind| matches!(kind, Kind::Offence(_)));
                self.that(date(&custody.ended_on).is_none_or(|end| Some(end) > event), "custody ends after it begins");
                let planned = date(&custody.planned_release);
                self.that(planned.is_none_or(|day| Some(day) > event), "release is planned for after the start");
                let open = custody.ended_on.is_empty();
                self.that(!open || planned.is_none_or(|day| day > self.as_of), "nobody is held beyond release");
            }
            Kind::Marker(marker) => {
                self.that(marker.marker_kind() != pb::MarkerKind::Unspecified, "a marker warns of something");
                self.that(date(&marker.expires_on).is_none_or(|day| Some(day) > event), "expires after it was set");
            }
            Kind::Intelligence(report) => self.intelligence(report),
            Kind::Assessment(assessment) => self.assessment(assessment, event),
            Kind::Order(order) => {
                self.reference(&order.title, 1, 64);
                self.that(date(&order.expires_on).is_none_or(|day| Some(day) > event), "expires after it was made");
            }
            Kind::Breach(breach) => {
                self.that(breach.breach_kind() != pb::BreachKind::Unspecified, "a breach is of something");
                let of = |id: &String| if id.is_empty() { Vec::new() } else { vec![id.clone()] };
                self.named(&of(&breach.order_id), 1, |kind| matches!(kind, Kind::Order(_)));
                self.named(&of(&breach.outstanding_id), 1, |kind| matches!(kind, Kind::Outstanding(_)));
                let made = self.before.get(&breach.order_id).and_then(|order| date(&order.event_date));
                self.that(made.is_none() || made <= event, "no order is breached before it is made");
            }
            Kind::Exploitation(exploitation) => {
                self.that(exploitation.status() != pb::ExploitationStatus::Unspecified, "a referral stands somewhere");
                self.named(&exploitation.offence_ids, 256, |kind| matches!(kind, Kind::Offence(_)));
                self.that(!exploitation.offence_ids.is_empty(), "a referral is linked to offences");
                self.that(date(&exploitation.reviewed_on).is_none_or(|day| Some(day) >= event), "is reviewed later");
            }
            Kind::Outstanding(file) => self.outstanding(file, event),
            Kind::CohortMembership(membership) => {
                self.that(membership.status() != pb::CohortStatus::Unspecified, "a member has a status");
                self.reference(&membership.offender_manager, 1, 64);
                self.reference(&membership.area, 1, 32);
                self.that(date(&membership.ended_on).is_none_or(|end| Some(end) >= event), "ends after it began");
            }
            Kind::BandOverride(over) => {
                self.that(over.band() != pb::Band::Unspecified, "an override shows a band");
                self.that(over.scope() != pb::OverrideScope::Unspecified, "an override reaches a list");
                self.reference(&over.rationale, 10, 2000);
                self.reference(&over.officer, 1, 64);
                let expires = date(&over.expires_on).expect("an override must expire");
                let decided = event.expect("must be dated");
                self.that((1..=28).contains(&(expires - decided)), "an override lasts four weeks at most");
            }
        }
    }

    fn person(&mut self, person: &pb::Person) {
        self.that((1..=8).contains(&person.areas.len()), "belongs to some areas");
        for area in &person.areas {
            self.reference(area, 1, 32);
        }
        self.that(person.name.is_empty() && person.pnc_id.is_empty(), "nobody is named");
        let (from, to) = (person.apparent_age_from, person.apparent_age_to);
        let given = (10..=110).contains(&from) && (10..=110).contains(&to) && from <= to;
        self.that(given || (from == 0 && to == 0), "apparent ages are a range or not given");
        self.that(person.birth_date.is_empty() || from == 0, "apparent ages stand in for a birth date alone");
    }

    fn offence(&mut self, record: &Record, offence: &pb::Offence, event: Option<Date>) {
        self.that(!offence.cjs_code.is_empty() || !offence.ho_code.is_empty(), "an offence has a code");
        self.that(event.is_some() || !offence.report_date.is_empty(), "an offence has a date or was reported on one");
        let reported = date(&offence.report_date).or(event);
        self.that(event.is_none() || reported >= event, "is reported after it is done");
        let outcome_date = date(&offence.outcome_date);
        self.that(outcome_date.is_none() || outcome_date >= reported, "comes to something after it is reported");
        let outcome = offence.outcome();
        self.that(outcome != Outcome::Unspecified, "has an outcome");
        let sanction =
            matches!(outcome, Outcome::Convicted | Outcome::Cautioned | Outcome::Reprimanded | Outcome::Warned);
        self.that(!sanction || outcome_date.is_some(), "a sanction has a date");
        let convicted = record.category() == PersonCategory::Convicted;
        self.that(!convicted || !matches!(outcome, Outcome::Suspected | Outcome::Charged), "convicts are proved so");
        self.that(record.category() != PersonCategory::Unspecified, "says who the person is in it");
        if !offence.incident_ref.is_empty() {
            self.reference(&offence.incident_ref, 1, 64);
        }
        if let Some(victim) = &offence.victim {
            self.reference(&victim.victim_ref, 0, 64);
            self.that(victim.natural_person || !victim.vulnerable, "no shop is vulnerable");
        }
    }

    fn intelligence(&mut self, report: &pb::Intelligence) {
        self.that(report.indicator() != pb::ThreatIndicator::Unspecified, "intelligence tells something");
        self.reference(&report.source_ref, 0, 64);
        let current = (1..=3).contains(&report.source_reliability)
            && matches!(report.assessment.as_str(), "A" | "B" | "C" | "D" | "E")
            && report.handling() != pb::Handling::Unspecified;
        let old: Vec<char> = report.old_grade.chars().collect();
        let old_form = old.len() == 3
            && ('A'..='E').contains(&old[0])
            && ('1'..='5').contains(&old[1])
            && ('1'..='5').contains(&old[2]);
        let without = report.source_reliability == 0 && report.assessment.is_empty() && report.handling == 0;
        self.that((current && old.is_empty()) || (old_form && without), "is graded one way or the other");
    }

    fn assessment(&mut self, assessment: &pb::Assessment, event: Option<Date>) {
        use pb::AssessmentKind as Is;
        let level = assessment.level != 0;
        let mappa = (1..=4).contains(&assessment.mappa_category) && (1..=3).contains(&assessment.mappa_level);
        let no_mappa = assessment.mappa_category == 0 && assessment.mappa_level == 0;
        let probable = assessment.probability > 0.0 && assessment.probability < 1.0;
        let says = match assessment.assessment_kind() {
            Is::Unspecified => false,
            Is::Mappa => mappa && !level && !probable,
            Is::OasysRosh | Is::OspDc | Is::OspIic | Is::Arms | Is::Dash | Is::Sara => level && no_mappa && !probable,
            Is::Marac => !level && no_mappa && !probable,
            Is::Arp | Is::Vrp | Is::Svrp => probable && !level && no_mappa,
        };
        self.that(says, "says what its instrument says");
        self.reference(&assessment.version, 0, 32);
        self.that(date(&assessment.expires_on).is_none_or(|day| Some(day) > event), "expires after it was made");
    }

    fn outstanding(&mut self, file: &pb::Outstanding, event: Option<Date>) {
        self.that(file.reason() != pb::OutstandingReason::Unspecified, "a file has a reason");
        self.that(file.circulation() != pb::Circulation::Unspecified, "a file is circulated somewhere or not");
        self.named(&file.offence_ids, 64, |kind| matches!(kind, Kind::Offence(_)));
        self.that((1..=64).contains(&file.periods.len()), "a file was open at some time");
        self.that(file.periods.first().and_then(|first| date(&first.opened_on)) == event, "is dated at first opening");
        self.reference(&file.area, 1, 32);
        self.reference(&file.officer, 1, 64);
        let mut free_from = None;
        for (place, period) in file.periods.iter().enumerate() {
            let (opened, closed) = (date(&period.opened_on), date(&period.closed_on));
            self.that(opened.is_some() && opened >= free_from, "periods come one after another");
            self.that(closed.is_none() || closed >= opened, "closes after it opens");
            self.that(closed.is_some() == (period.outcome != 0), "says how it closed");
            self.that(closed.is_some() || place + 1 == file.periods.len(), "only the last period may be open");
            free_from = closed;
        }
    }

    /// Nobody offends in custody, is in it twice, or is looked for while in it.
    fn custody(&mut self, records: &[Record]) {
        let stays: Vec<(Date, Option<Date>)> = records
            .iter()
            .filter_map(|record| match &record.kind {
                Some(Kind::Custody(custody)) => Some((date(&record.event_date)?, date(&custody.ended_on))),
                _ => None,
            })
            .collect();
        let held = |day: Date, from_start: bool| {
            stays
                .iter()
                .any(|(start, end)| (*start < day || (from_start && *start == day)) && end.is_none_or(|end| day < end))
        };
        for (place, (start, _)) in stays.iter().enumerate() {
            let twice = stays
                .iter()
                .enumerate()
                .any(|(other, (from, to))| other != place && from <= start && to.is_none_or(|to| *start < to));
            self.that(!twice, "nobody is in custody twice at once");
        }
        for record in records {
            self.at.clone_from(&record.id);
            match &record.kind {
                Some(Kind::Offence(_))
                    if matches!(record.category(), PersonCategory::Suspect | PersonCategory::Convicted) =>
                {
                    let inside = date(&record.event_date).is_some_and(|day| held(day, false));
                    self.that(!inside, "nobody offends in custody");
                }
                Some(Kind::Outstanding(file)) => {
                    let open = file.periods.last().is_some_and(|period| period.closed_on.is_empty());
                    let since = file.periods.last().and_then(|period| date(&period.opened_on));
                    let inside = held(self.as_of, true) || since.is_some_and(|day| held(day, true));
                    self.that(!(open && inside), "nobody in custody is looked for");
                }
                _ => {}
            }
        }
    }
}
