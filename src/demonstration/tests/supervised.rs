//! How files are looked after: every record lawful, every state met, the neglected beside the exemplary.

use std::collections::{BTreeMap, BTreeSet};

use super::{AS_OF, force, people};
use crate::domain::evidence::{self, Evidence, Other, Outstanding, Supervision};
use crate::domain::word::{Band, SupervisionClock};
use crate::domain::{Date, Moment};
use crate::pb::{self, ActivityKind, Record, record::Kind};
use crate::policy::{Policy, SupervisionPolicy};
use crate::reference::tables;
use crate::service::record::take_in;
use crate::supervision::clocks::{self, Supervised};
use crate::supervision::{Facts, count};

/// As taken in by the service, at the end of the day of drawing.
fn taken_in(record: &Record, as_of: Date) -> Result<Evidence, String> {
    let now = Moment::end_of(as_of).instant();
    let intake = take_in(record, tables(), now).map_err(|violations| format!("{}: {violations:?}", record.id))?;
    Ok(intake.evidence)
}

fn moment(stated: Option<&pbjson_types::Timestamp>) -> Option<Moment> {
    stated.map(|stated| Moment(stated.seconds))
}

/// Everything wrong with how the files of one person are looked after.
pub(super) fn faults(records: &[Record], as_of: Date) -> Vec<String> {
    let mut faults = Vec::new();
    let mut files: BTreeMap<&str, (&pb::Outstanding, Outstanding)> = BTreeMap::new();
    for record in records {
        let evidence = match taken_in(record, as_of) {
            Ok(evidence) => evidence,
            Err(fault) => {
                faults.push(fault);
                continue;
            }
        };
        let mut that = |holds: bool, rule: &str| {
            if !holds {
                faults.push(format!("{}: {rule}", record.id));
            }
        };
        let open = |files: &BTreeMap<&str, (&pb::Outstanding, Outstanding)>, id: &str, at: Moment| {
            files.get(id).is_some_and(|(_, file)| open_at(file, at))
        };
        let recorded = moment(record.recorded_time.as_ref()).expect("must be recorded at some time");
        match (record.kind.as_ref().expect("must have a kind"), evidence.kind) {
            (Kind::Outstanding(stated), evidence::Kind::Other(Other::Outstanding(file))) => {
                let changed = stated.circulations.iter().filter_map(|step| moment(step.changed_time.as_ref()));
                let closed = stated.periods.iter().filter_map(|period| moment(period.closed_time.as_ref()));
                that(changed.chain(closed).all(|moment| moment <= recorded), "tells of nothing after its recording");
                that(stated.supervisor != stated.officer, "nobody supervises themselves");
                that(stated.supervisor.is_empty() || stated.supervisor.starts_with("DEMO-SGT-"), "marks supervisors");
                for span in &file.terms.spans {
                    that(span.opened.day() <= as_of + 1, "opens by the day of drawing");
                }
                files.insert(&record.id, (stated, file));
            }
            (Kind::Activity(stated), evidence::Kind::Supervision(Supervision::Activity(activity))) => {
                that(activity.done <= recorded, "is done before it is recorded");
                that(activity.done.day() <= as_of, "is done by the day of drawing");
                that(stated.officer.starts_with("DEMO-"), "marks officers");
                that(stated.target_ref.is_empty() || stated.target_ref.starts_with("DEMO-"), "marks targets");
                if activity.kind.is_for_cohort() {
                    let day = activity.done.day();
                    let managed = records.iter().any(|record| {
                        matches!(&record.kind, Some(Kind::CohortMembership(member))
                            if record.event_date.parse().is_ok_and(|selected: Date| selected <= day)
                                && member.ended_on.parse().map_or(true, |ended: Date| day <= ended))
                    });
                    that(managed, "is done with a managed nominal");
                    continue;
                }
                that(open(&files, &stated.outstanding_id, activity.done), "is done while the file is open");
                let named = files.get(&*stated.outstanding_id).map_or(&[][..], |(file, _)| &file.offence_ids);
                let harmed = records.iter().filter(|record| named.contains(&record.id)).any(|record| {
                    matches!(&record.kind, Some(Kind::Offence(offence))
                        if offence.victim.as_ref().is_some_and(|victim| victim.natural_person && victim.victim_ref == stated.victim_ref))
                });
                that(stated.victim_ref.is_empty() || harmed, "tells a victim of what the person is wanted for");
            }
            (Kind::Review(stated), evidence::Kind::Supervision(Supervision::Review(review))) => {
                that(review.reviewed <= recorded, "is reviewed before it is recorded");
                that(review.reviewed.day() <= as_of, "is reviewed by the day of drawing");
                that(open(&files, &stated.outstanding_id, review.reviewed), "is reviewed while the file is open");
                that(stated.findings.starts_with("Demonstration: "), "marks what was found");
            }
            _ => {}
        }
    }
    for id in files.keys() {
        let about = |record: &&Record| match &record.kind {
            Some(Kind::Activity(activity)) => activity.outstanding_id == *id,
            Some(Kind::Review(review)) => review.outstanding_id == *id,
            _ => false,
        };
        let found = records.iter().filter(about).count();
        if found > 25 {
            faults.push(format!("{id}: {found} records are more than anybody reads"));
        }
    }
    faults
}

/// A file with every record of the person.
struct Kept {
    person: Vec<(String, Evidence)>,
    id: String,
    file: Outstanding,
}

/// Every file of a force with what was done about it.
struct Files(Vec<Kept>);

impl Files {
    fn of(records: &[Record], as_of: Date) -> Self {
        let mut held = Vec::new();
        for person in people(records) {
            let all: Vec<(String, Evidence)> =
                person.iter().map(|record| (record.id.clone(), taken_in(record, as_of).unwrap())).collect();
            for (id, evidence) in &all {
                if let evidence::Kind::Other(Other::Outstanding(file)) = &evidence.kind {
                    held.push(Kept { person: all.clone(), id: id.clone(), file: file.clone() });
                }
            }
        }
        Self(held)
    }

    /// What a reading of each open file gives, everybody in one band.
    fn open<T>(
        &self,
        as_of: Date,
        band: Band,
        policy: &SupervisionPolicy,
        read: impl Fn(&Facts<'_>, Supervised) -> T,
    ) -> Vec<T> {
        let upto = Moment::end_of(as_of) + -1;
        let bands = [(Moment(0), Some(band))];
        let facts = self.0.iter().map(|Kept { person: all, id, file }| {
            let activities = all.iter().filter_map(|(record, evidence)| match &evidence.kind {
                evidence::Kind::Supervision(Supervision::Activity(activity))
                    if activity.file.as_deref() == Some(&**id) =>
                {
                    Some((&**record, activity))
                }
                _ => None,
            });
            let reviews = all.iter().filter_map(|(record, evidence)| match &evidence.kind {
                evidence::Kind::Supervision(Supervision::Review(review)) if *review.file == **id => {
                    Some((&**record, review))
                }
                _ => None,
            });
            Facts::new(file, activities, reviews, &bands)
        });
        facts
            .filter(|facts| facts.file.is_open())
            .map(|facts| read(&facts, clocks::read(&facts, policy, upto).expect("an open file has opened")))
            .collect()
    }
}

fn as_of() -> Date {
    AS_OF.parse().unwrap()
}

#[track_caller]
fn assert_share(what: &str, of: &[bool], least: f64, most: f64) {
    let share = of.iter().filter(|holds| **holds).count() as f64 / of.len() as f64;
    assert!((least..=most).contains(&share), "{what}: {share:.3} of {}, not from {least} to {most}", of.len());
}

#[test]
fn some_files_are_exemplary_and_some_neglected() {
    let policy = Policy::reference().supervision;
    let files = Files::of(&force(6_000, 61), as_of());
    let now = Moment::end_of(as_of()) + -1;
    let open = |read: &dyn Fn(&Facts<'_>, Supervised) -> bool| files.open(as_of(), Band::Medium, &policy, read);
    let nothing_late =
        |_: &Facts<'_>, read: Supervised| read.clocks.iter().all(|clock| !clock.orders() || clock.overdue(now) <= 0);
    assert_share("nothing late", &open(&nothing_late), 0.2, 0.5);
    let both_late = |_: &Facts<'_>, read: Supervised| {
        [SupervisionClock::Activity, SupervisionClock::Review].iter().all(|clock| !read.in_time(*clock, now))
    };
    assert_share("activity and review late", &open(&both_late), 0.2, 0.5);
    assert_share("never circulated", &open(&|_, read| !read.ever_circulated), 0.06, 0.25);
    assert_share("never reviewed", &open(&|_, read| read.last_review.is_none()), 0.15, 0.4);
    assert_share("nothing ever done", &open(&|_, read| read.last_activity.is_none()), 0.1, 0.35);
    assert_share("circulated on a known day", &open(&|_, read| read.first_circulated.is_some()), 0.6, 0.85);
    let mut hours: Vec<i64> = files
        .open(as_of(), Band::Medium, &policy, |_, read| Some((read.first_circulated? - read.run.began) / 3_600))
        .into_iter()
        .flatten()
        .collect();
    hours.sort_unstable();
    assert!(hours[hours.len() / 2] <= 72 && hours[hours.len() - 1] > 24 * 14, "{hours:?}");
}

#[test]
fn what_does_not_count_is_there_too() {
    let policy = Policy::reference().supervision;
    let files = Files::of(&force(3_000, 62), as_of());
    let upto = Moment::end_of(as_of()) + -1;
    let why_not = files.open(as_of(), Band::Medium, &policy, |facts, read| {
        let activities = count::activities(facts, &read.run, &policy, upto).filter_map(|(_, _, why)| why);
        activities.chain(count::reviews(facts, &read.run, upto).filter_map(|(_, _, why)| why)).collect::<Vec<_>>()
    });
    let met: BTreeSet<String> = why_not.into_iter().flatten().map(|why| format!("{why:?}")).collect();
    let all = ["EarlierPeriod", "NotMeaningful", "OwnActivity", "OwnCase", "SameTarget"].map(str::to_owned);
    assert_eq!(met, BTreeSet::from(all));
}

#[test]
fn every_activity_close_circulation_and_term_is_met() {
    let records = force(6_000, 63);
    let mut met: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    let mut met_one = |what: &'static str, name: &'static str| {
        met.entry(what).or_default().insert(name);
    };
    for record in &records {
        match record.kind.as_ref().unwrap() {
            Kind::Activity(activity) => {
                met_one("activity", activity.activity_kind().as_str_name());
                met_one("came of it", activity.outcome().as_str_name());
            }
            Kind::Review(review) => met_one("rank", review.rank().as_str_name()),
            Kind::Outstanding(file) => {
                met_one("circulation", file.circulation().as_str_name());
                for period in &file.periods {
                    met_one("close", period.outcome().as_str_name());
                }
                if let Some(warrant) = &file.warrant {
                    met_one("warrant", warrant.category().as_str_name());
                }
                for (there, name) in [
                    (file.bail.is_some(), "bail"),
                    (file.bail.as_ref().is_some_and(|bail| !bail.extended_to.is_empty()), "extended"),
                    (file.recall.is_some(), "recall"),
                    (file.overseas_convictions.is_some(), "convictions"),
                    (file.immigration.as_ref().is_some_and(|asked| asked.answered_on.is_empty()), "asked"),
                    (file.circulations.len() > 1, "steps"),
                    (file.supervisor.is_empty(), "nobody supervises"),
                ] {
                    if there {
                        met_one("term", name);
                    }
                }
            }
            _ => {}
        }
    }
    let numbers: BTreeMap<&str, usize> = met.iter().map(|(what, names)| (*what, names.len())).collect();
    // Of circulation, activity and rank every value but the one not stated; of outcomes and closes that one too.
    let expected = [
        ("activity", 12),
        ("came of it", 8),
        ("circulation", 7),
        ("close", 6),
        ("rank", 3),
        ("term", 7),
        ("warrant", 4),
    ];
    assert_eq!(numbers, BTreeMap::from(expected), "{met:#?}");
}

#[test]
fn a_handful_of_records_is_kept_of_a_file() {
    let records = force(4_000, 64);
    let files = records.iter().filter(|record| matches!(record.kind, Some(Kind::Outstanding(_)))).count();
    let about = records
        .iter()
        .filter(|record| match &record.kind {
            Some(Kind::Activity(activity)) => !activity.outstanding_id.is_empty(),
            Some(Kind::Review(_)) => true,
            _ => false,
        })
        .count();
    assert!((4 * files..=9 * files).contains(&about), "{about} of {files}");
    let managed = records.iter().filter(|record| matches!(record.kind, Some(Kind::CohortMembership(_)))).count();
    let seen = records.iter().filter(
        |record| matches!(&record.kind, Some(Kind::Activity(it)) if it.activity_kind() == ActivityKind::NominalSeen),
    );
    assert!((2 * managed..6 * managed).contains(&seen.count()), "{managed}");
}

#[test]
fn some_findings_are_copied_word_for_word_and_most_are_not() {
    let records = force(4_000, 65);
    let mut findings: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for record in &records {
        if let Some(Kind::Review(review)) = &record.kind {
            findings.entry(&review.findings).or_default().insert(&record.subject_ref);
        }
    }
    let of_several: Vec<bool> = findings.values().flat_map(|people| people.iter().map(|_| people.len() > 1)).collect();
    assert_share("copied", &of_several, 0.08, 0.3);
}

fn open_at(file: &Outstanding, moment: Moment) -> bool {
    let spans = file.terms.spans.iter();
    spans.filter(|span| span.opened <= moment).any(|span| span.closed.is_none_or(|closed| moment < closed))
}
