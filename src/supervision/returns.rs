//! The outstanding return, as at the end of a day. It is made from files, what
//! was done and reviewed, and what the ledger noted of bands and victims, all as
//! known by one moment; nothing else enters, so that the same day and moment
//! give the same return for ever.

use std::collections::BTreeMap;

use hashbrown::HashMap;

use super::clocks::{self, Supervised};
use super::note::Noted;
use super::{Facts, victims};
use crate::domain::evidence::{Activity, Evidence, Kind, Other, Outstanding, Review, Supervision};
use crate::domain::moment::DAY;
use crate::domain::word::{Band, CaseAge, CloseOutcome, OutstandingReason, SupervisionClock};
use crate::domain::{Date, Moment};
use crate::policy::SupervisionPolicy;

/// A version in force.
#[derive(Debug)]
struct Held<T> {
    value: T,
    /// When the server first was told what it says.
    written: Moment,
    /// Steps of circulation that the server was told of more than a day late.
    late_steps: u32,
}

/// What is known of one person.
#[derive(Debug, Default)]
struct Person {
    files: BTreeMap<Box<str>, Held<Outstanding>>,
    activities: BTreeMap<Box<str>, Held<Activity>>,
    reviews: BTreeMap<Box<str>, Held<Review>>,
    /// What was noted, oldest first; none once no file was open.
    notes: Vec<(Moment, Option<Noted>)>,
}

/// What is known of everybody with a file.
#[derive(Debug, Default)]
pub struct Known {
    people: HashMap<u32, Person>,
}

impl Known {
    /// Takes in a version of a record, in the order of the ledger.
    pub fn write(&mut self, subject: u32, written: Moment, evidence: Evidence) {
        let Evidence { id, kind, .. } = evidence;
        let person = self.person(subject);
        match kind {
            Kind::Other(Other::Outstanding(file)) => {
                let before = person.files.remove(&id);
                person.forget(&id);
                let opened = |file: &Outstanding| (file.periods.len(), file.periods.last().map(|period| period.opened));
                let same = before.as_ref().filter(|before| opened(&before.value) == opened(&file));
                let known = before.as_ref().map_or(&[][..], |before| &before.value.terms.steps);
                let new = file.terms.steps.iter().filter(|step| !known.contains(step));
                let late = new.filter(|step| written - step.changed > DAY).count();
                let late_steps =
                    before.as_ref().map_or(0, |before| before.late_steps) + u32::try_from(late).unwrap_or(0);
                let written = same.map_or(written, |before| before.written);
                person.files.insert(id, Held { value: file, written, late_steps });
            }
            Kind::Supervision(Supervision::Activity(activity)) if activity.file.is_some() => {
                let before = person.activities.get(&id).filter(|before| before.value.done == activity.done);
                let written = before.map_or(written, |before| before.written);
                person.forget(&id);
                person.activities.insert(id, Held { value: activity, written, late_steps: 0 });
            }
            Kind::Supervision(Supervision::Review(review)) => {
                let before = person.reviews.get(&id).filter(|before| before.value.reviewed == review.reviewed);
                let written = before.map_or(written, |before| before.written);
                person.forget(&id);
                person.reviews.insert(id, Held { value: review, written, late_steps: 0 });
            }
            Kind::Person(_) | Kind::Offence(_) | Kind::Other(_) | Kind::Supervision(_) => person.forget(&id),
        }
    }

    /// Takes a record out.
    pub fn withdraw(&mut self, subject: u32, id: &str) {
        if let Some(person) = self.people.get_mut(&subject) {
            person.forget(id);
        }
    }

    /// Takes in what was noted of a person.
    pub fn note(&mut self, subject: u32, when: Moment, noted: Option<Noted>) {
        self.person(subject).notes.push((when, noted));
    }

    fn person(&mut self, subject: u32) -> &mut Person {
        self.people.entry(subject).or_default()
    }

    /// The return as at the end of a day, for files of these areas (none: of all).
    pub fn tabulate(&self, asked: &Asked<'_>, policy: &SupervisionPolicy) -> Tables {
        let mut tables = Tables::default();
        let mut durations = Durations::default();
        for person in self.people.values() {
            person.tabulate(asked, policy, &mut tables, &mut durations);
        }
        tables.to_circulate = median(durations.circulate);
        tables.to_first_activity = median(durations.first_activity);
        tables.to_close = median(durations.close);
        tables
    }
}

/// What a return is asked of.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// The day.
    pub as_at: Date,
    /// First day of the period.
    pub from: Date,
    /// Areas; empty: all.
    pub areas: &'a [String],
}

/// Files that are alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cell {
    /// Reason.
    pub reason: OutstandingReason,
    /// Age of the case.
    pub age: CaseAge,
    /// Band, where one was noted.
    pub band: Option<Band>,
    /// Circulated at all.
    pub circulated: bool,
}

/// Counts of open files.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Open.
    pub open: u32,
    /// No activity overdue.
    pub active_in_time: u32,
    /// No review overdue.
    pub reviewed_in_time: u32,
    /// Never circulated.
    pub never_circulated: u32,
    /// Never reviewed.
    pub never_reviewed: u32,
    /// Linked to a vulnerable victim.
    pub with_vulnerable_victim: u32,
    /// Linked to a repeat victim.
    pub with_repeat_victim: u32,
    /// Linked to a victim to be told.
    pub with_victim_to_update: u32,
    /// Of these, none overdue.
    pub victims_updated_in_time: u32,
}

impl Counts {
    fn add(&mut self, other: &Self) {
        self.open += other.open;
        self.active_in_time += other.active_in_time;
        self.reviewed_in_time += other.reviewed_in_time;
        self.never_circulated += other.never_circulated;
        self.never_reviewed += other.never_reviewed;
        self.with_vulnerable_victim += other.with_vulnerable_victim;
        self.with_repeat_victim += other.with_repeat_victim;
        self.with_victim_to_update += other.with_victim_to_update;
        self.victims_updated_in_time += other.victims_updated_in_time;
    }
}

/// A return.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tables {
    /// Open files by cell.
    pub cells: BTreeMap<Cell, Counts>,
    /// All open files.
    pub total: Counts,
    /// People with an open file.
    pub people: u32,
    /// Of these, with failures to surrender on two or more days.
    pub failed_repeatedly: u32,
    /// Periods that opened in the period asked for.
    pub opened: u32,
    /// Periods that closed in it.
    pub closed: BTreeMap<CloseOutcome, u32>,
    /// Median of becoming outstanding to being circulated, and of how many.
    pub to_circulate: (u32, u64),
    /// To the first activity that counts.
    pub to_first_activity: (u32, u64),
    /// To the close.
    pub to_close: (u32, u64),
    /// Closed and still circulated as wanted.
    pub closed_still_circulated: u32,
    /// Records of open files written more than a day late.
    pub documented_late: u32,
}

#[derive(Default)]
struct Durations {
    circulate: Vec<u64>,
    first_activity: Vec<u64>,
    close: Vec<u64>,
}

/// The lower median, and of how many.
fn median(mut seconds: Vec<u64>) -> (u32, u64) {
    let count = u32::try_from(seconds.len()).unwrap_or(u32::MAX);
    if seconds.is_empty() {
        return (0, 0);
    }
    let middle = (seconds.len() - 1) / 2;
    (count, *seconds.select_nth_unstable(middle).1)
}

/// The age of a case in whole days.
pub const fn case_age(days: i32) -> CaseAge {
    match days {
        i32::MIN..=7 => CaseAge::To7Days,
        8..=28 => CaseAge::From8To28Days,
        29..=90 => CaseAge::From29To90Days,
        91..=365 => CaseAge::From91To365Days,
        366..=i32::MAX => CaseAge::Over365Days,
    }
}

impl Person {
    fn forget(&mut self, id: &str) {
        self.files.remove(id);
        self.activities.remove(id);
        self.reviews.remove(id);
    }

    /// What was noted by a moment, or else first: a band holds for the time before it was noted.
    fn noted(&self, upto: Moment) -> Option<&Noted> {
        let by = self.notes.partition_point(|(when, _)| *when <= upto);
        let before = self.notes[..by].last().and_then(|(_, noted)| noted.as_ref());
        before.or_else(|| self.notes[by..].iter().find_map(|(_, noted)| noted.as_ref()))
    }

    fn tabulate(&self, asked: &Asked<'_>, policy: &SupervisionPolicy, tables: &mut Tables, durations: &mut Durations) {
        let upto = Moment::end_of(asked.as_at) + -1;
        let bands: Vec<(Moment, Option<Band>)> =
            self.notes.iter().map(|(when, noted)| (*when, noted.as_ref().map(|noted| noted.band))).collect();
        let noted = self.noted(upto);
        let files: Vec<(&str, &Outstanding)> = self.files.iter().map(|(id, held)| (&**id, &held.value)).collect();
        let mut open = false;
        for (id, held) in &self.files {
            let file = &held.value;
            let in_area = |area: &str| asked.areas.iter().any(|wanted| wanted == area);
            // A file without an area of its own is of the person's.
            let of_area = match file.area.as_deref() {
                Some(area) => in_area(area),
                None => noted.is_some_and(|noted| noted.areas.iter().any(|area| in_area(area))),
            };
            if !asked.areas.is_empty() && !of_area {
                continue;
            }
            let facts = self.facts(id, file, &bands).among(id, &files, policy);
            periods(asked, &facts, tables, durations, upto);
            let Some(read) = clocks::read(&facts, policy, upto) else { continue };
            let within = |moment: Moment| moment.day() >= asked.from;
            let lasted = |durations: &mut Vec<u64>, moment: Option<Moment>| {
                if let Some(moment) = moment.filter(|moment| within(*moment)) {
                    durations.push(u64::try_from(moment - read.run.began).unwrap_or(0));
                }
            };
            lasted(&mut durations.circulate, read.first_circulated);
            lasted(&mut durations.first_activity, read.first_activity);
            if read.run.closed.is_some() {
                tables.closed_still_circulated += u32::from(read.circulation.is_circulated());
                continue;
            }
            open = true;
            let victims = self.linked(id, upto);
            let counts = counts(&facts, &read, victims, policy, upto);
            let cell = Cell {
                reason: file.reason,
                age: case_age(asked.as_at - read.run.began.day()),
                band: noted.map(|noted| noted.band),
                circulated: read.circulation.is_circulated(),
            };
            tables.cells.entry(cell).or_default().add(&counts);
            tables.total.add(&counts);
            tables.documented_late += self.late(id, held, &read, upto);
        }
        tables.people += u32::from(open);
        tables.failed_repeatedly += u32::from(open && self.failures(asked.as_at) > 1);
    }

    /// Victims of a file as noted by a moment; of one that was noted later, as then.
    fn linked(&self, id: &str, upto: Moment) -> &[victims::Linked] {
        let of_file = |noted: &'_ Option<Noted>| {
            noted.as_ref().is_some_and(|noted| noted.files.iter().any(|(file, _)| **file == *id))
        };
        let by = self.notes.partition_point(|(when, _)| *when <= upto);
        let before = self.notes[..by].iter().rev().find(|(_, noted)| of_file(noted));
        let found = before.or_else(|| self.notes[by..].iter().find(|(_, noted)| of_file(noted)));
        let noted = found.and_then(|(_, noted)| noted.as_ref());
        let file = noted.and_then(|noted| noted.files.iter().find(|(file, _)| **file == *id));
        file.map_or(&[], |(_, victims)| victims)
    }

    fn facts<'a>(&'a self, id: &str, file: &'a Outstanding, bands: &'a [(Moment, Option<Band>)]) -> Facts<'a> {
        let activities = self.activities.iter().filter(|(_, held)| held.value.file.as_deref() == Some(id));
        let reviews = self.reviews.iter().filter(|(_, held)| &*held.value.file == id);
        Facts::new(
            file,
            activities.map(|(id, held)| (&**id, &held.value)),
            reviews.map(|(id, held)| (&**id, &held.value)),
            bands,
        )
    }

    /// Days on which the person failed to surrender, up to a day.
    fn failures(&self, as_at: Date) -> usize {
        let failed = self.files.values().filter(|held| held.value.reason.is_failure_to_surrender());
        let mut days: Vec<Date> = failed
            .flat_map(|held| held.value.periods.iter().map(|period| period.opened))
            .filter(|day| *day <= as_at)
            .collect();
        days.sort_unstable();
        days.dedup();
        days.len()
    }

    /// Records of an open file written more than a day after what they tell of.
    fn late(&self, id: &str, held: &Held<Outstanding>, read: &Supervised, upto: Moment) -> u32 {
        let late = |written: Moment, happened: Moment| {
            happened >= read.run.began && happened <= upto && written - happened > DAY
        };
        let activities = self.activities.values().filter(|held| held.value.file.as_deref() == Some(id));
        let activities = activities.filter(|held| late(held.written, held.value.done)).count();
        let reviews = self.reviews.values().filter(|held| &*held.value.file == id);
        let reviews = reviews.filter(|held| late(held.written, held.value.reviewed)).count();
        let opened = usize::from(late(held.written, read.run.opened));
        u32::try_from(activities + reviews + opened).unwrap_or(u32::MAX).saturating_add(held.late_steps)
    }
}

/// What opened and closed in the period asked for. A period that goes on with the one before, since nobody was found in
/// between, opens nothing.
fn periods(asked: &Asked<'_>, facts: &Facts<'_>, tables: &mut Tables, durations: &mut Durations, upto: Moment) {
    let within = |day: Date| asked.from <= day && day <= asked.as_at;
    let mut began = facts.carried;
    for (span, period) in facts.file.terms.spans.iter().zip(&facts.file.periods) {
        tables.opened += u32::from(began.is_none() && within(period.opened));
        let start = *began.get_or_insert(span.opened);
        let Some((closed, (day, outcome))) = span.closed.zip(period.closed) else { continue };
        if within(day) && closed <= upto {
            *tables.closed.entry(outcome).or_default() += 1;
            durations.close.push(u64::try_from(closed - start).unwrap_or(0));
        }
        if outcome.is_found() {
            began = None;
        }
    }
}

fn counts(
    facts: &Facts<'_>,
    read: &Supervised,
    linked: &[victims::Linked],
    policy: &SupervisionPolicy,
    upto: Moment,
) -> Counts {
    let tellings: Vec<_> =
        linked.iter().filter_map(|victim| victims::telling(facts, &read.run, victim, policy, upto)).collect();
    let told = tellings.iter().all(|telling| telling.due >= upto);
    Counts {
        open: 1,
        active_in_time: u32::from(read.in_time(SupervisionClock::Activity, upto)),
        reviewed_in_time: u32::from(read.in_time(SupervisionClock::Review, upto)),
        never_circulated: u32::from(!read.ever_circulated),
        never_reviewed: u32::from(read.last_review.is_none()),
        with_vulnerable_victim: u32::from(linked.iter().any(|victim| victim.vulnerable)),
        with_repeat_victim: u32::from(linked.iter().any(|victim| victim.repeat)),
        with_victim_to_update: u32::from(!tellings.is_empty()),
        victims_updated_in_time: u32::from(!tellings.is_empty() && told),
    }
}
