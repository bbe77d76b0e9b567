//! Whether a force has the shapes that it is said to be drawn after, and every rare thing that
//! a demonstration needs.

use std::collections::{BTreeMap, BTreeSet};

use super::super::crimes::{ALL, LOCAL};
use super::{AS_OF, force, people};
use crate::demonstration::{Config, records};
use crate::domain::Date;
use crate::pb::{self, Outcome, OutstandingReason, PersonCategory, Record, record::Kind};

/// Every code of the published list, with its Home Office code and category.
fn codes() -> BTreeMap<String, (String, String)> {
    let table = include_bytes!("../../../reference/offences/cjs_offence_codes.csv");
    let mut reader = csv::Reader::from_reader(&table[..]);
    reader
        .records()
        .map(|row| row.unwrap())
        .map(|row| (row[0].to_owned(), (row[2].to_owned(), row[3].to_owned())))
        .collect()
}

fn groups() -> BTreeMap<String, String> {
    let table = include_bytes!("../../../reference/offences/home_office_codes.csv");
    let mut reader = csv::Reader::from_reader(&table[..]);
    reader.records().map(|row| row.unwrap()).map(|row| (row[0].to_owned(), row[1].to_owned())).collect()
}

fn kinds(records: &[Record]) -> impl Iterator<Item = (&Record, &Kind)> {
    records.iter().map(|record| (record, record.kind.as_ref().unwrap()))
}

/// What the person is suspected or convicted of.
fn offences(records: &[Record]) -> impl Iterator<Item = (&Record, &pb::Offence)> {
    kinds(records).filter_map(|(record, kind)| match kind {
        Kind::Offence(offence) if matches!(record.category(), PersonCategory::Suspect | PersonCategory::Convicted) => {
            Some((record, offence))
        }
        _ => None,
    })
}

fn date(text: &str) -> Option<Date> {
    text.parse().ok()
}

fn as_of() -> Date {
    AS_OF.parse().unwrap()
}

fn birth(person: &[Record]) -> Option<Date> {
    kinds(person).find_map(|(_, kind)| match kind {
        Kind::Person(person) => date(&person.birth_date),
        _ => None,
    })
}

/// How many of the records satisfy a rule.
fn count(records: &[Record], rule: impl Fn(&Kind) -> bool) -> usize {
    kinds(records).filter(|(_, kind)| rule(kind)).count()
}

#[track_caller]
fn assert_share(what: &str, part: usize, whole: usize, least: f64, most: f64) {
    let share = part as f64 / whole as f64;
    assert!((least..=most).contains(&share), "{what}: {share:.4}, not from {least} to {most}");
}

#[test]
fn every_code_in_the_catalogue_is_a_published_offence_of_that_class() {
    let (codes, groups) = (codes(), groups());
    for crime in ALL {
        let (ho, category) = codes.get(crime.cjs).unwrap_or_else(|| panic!("{} is not published", crime.cjs));
        assert_eq!(ho, crime.ho, "{}", crime.cjs);
        assert!(matches!(category.as_str(), "CI" | "CE" | "CS" | "CM"), "{} is no offence: {category}", crime.cjs);
        assert!(crime.ho == LOCAL || (groups.contains_key(ho) && ho != "999/99"), "{} has no class", crime.cjs);
    }
}

#[test]
fn every_code_written_is_in_the_published_lists() {
    let (codes, groups) = (codes(), groups());
    let mut locals = 0;
    for (_, kind) in kinds(&force(2_000, 21)) {
        let Kind::Offence(offence) = kind else { continue };
        assert!(offence.ho_code.is_empty() || groups.contains_key(&offence.ho_code), "{}", offence.ho_code);
        if offence.cjs_code.is_empty() {
            continue;
        }
        let (ho, _) = &codes[&offence.cjs_code];
        assert!(offence.ho_code.is_empty() || *ho == offence.ho_code, "{} is not {ho}", offence.cjs_code);
        locals += usize::from(ho == LOCAL);
    }
    assert!(locals >= 5, "{locals} local codes");
}

#[test]
fn a_few_people_make_most_of_the_offences_and_most_are_known_for_one() {
    let records = force(4_000, 31);
    let mut counts: Vec<usize> = people(&records).iter().map(|person| offences(person).count()).collect();
    counts.sort_unstable_by(|a, b| b.cmp(a));
    let all: usize = counts.iter().sum();
    let few = counts.len() * 65 / 1000;
    assert_share("offences of the most prolific 6.5 %", counts[..few].iter().sum(), all, 0.52, 0.75);
    assert_share("people known for one", counts.iter().filter(|count| **count <= 1).count(), counts.len(), 0.45, 0.62);
    assert!(counts[0] > 120, "{}", counts[0]);
}

#[test]
fn people_are_young_mostly_men_and_some_are_children() {
    let records = force(4_000, 32);
    let people = people(&records);
    let ages: Vec<i32> =
        people.iter().filter_map(|person| birth(person)).map(|born| born.completed_years(as_of())).collect();
    let aged = |from: i32, to: i32| ages.iter().filter(|age| (from..to).contains(*age)).count();
    assert_share("children", aged(0, 18), ages.len(), 0.03, 0.10);
    assert_share("over sixty", aged(60, 120), ages.len(), 0.03, 0.12);
    assert!(aged(20, 30) > aged(30, 40) && aged(30, 40) > aged(40, 50) && aged(40, 50) > aged(50, 60));
    let of_sex = |sex: pb::Sex| count(&records, |kind| matches!(kind, Kind::Person(person) if person.sex() == sex));
    assert_share("women", of_sex(pb::Sex::Female), people.len(), 0.14, 0.26);
    assert_share("sex unknown", of_sex(pb::Sex::Unspecified), people.len(), 0.004, 0.025);
    assert_share("birth date unknown", people.len() - ages.len(), people.len(), 0.008, 0.03);
}

#[test]
fn offences_fall_into_the_groups_in_believable_shares() {
    let (codes, groups) = (codes(), groups());
    let records = force(4_000, 33);
    let mut shares: BTreeMap<&str, usize> = BTreeMap::new();
    let mut all = 0;
    for (_, offence) in offences(&records) {
        let ho = if offence.ho_code.is_empty() { &codes[&offence.cjs_code].0 } else { &offence.ho_code };
        *shares.entry(&groups[ho]).or_default() += 1;
        all += 1;
    }
    for (group, least, most) in [
        ("Violence against the person", 0.22, 0.36),
        ("Theft and handling", 0.20, 0.34),
        ("Sexual offences", 0.015, 0.05),
        ("Robbery", 0.008, 0.035),
        ("Burglary", 0.04, 0.11),
        ("Drug offences", 0.05, 0.14),
        ("Criminal damage", 0.03, 0.09),
        ("Fraud forgery", 0.008, 0.04),
    ] {
        assert_share(group, shares.get(group).copied().unwrap_or(0), all, least, most);
    }
}

#[test]
fn cases_end_as_cases_do() {
    let records = force(3_000, 34);
    let all = offences(&records).count();
    let ended = |outcomes: &[Outcome]| offences(&records).filter(|(_, it)| outcomes.contains(&it.outcome())).count();
    assert_share("convicted", ended(&[Outcome::Convicted]), all, 0.28, 0.48);
    assert_share("evidential difficulty", ended(&[Outcome::EvidentialDifficulty]), all, 0.15, 0.30);
    assert_share("no further action", ended(&[Outcome::NoFurtherAction]), all, 0.06, 0.16);
    assert!(ended(&[Outcome::Cautioned]) > 100 && ended(&[Outcome::Charged]) > 50 && ended(&[Outcome::Bailed]) > 50);
    let later = offences(&records).filter(|(record, offence)| {
        offence.outcome() == Outcome::Convicted && date(&record.event_date) < date(&offence.outcome_date)
    });
    assert_share("heard after the day of the offence", later.count(), ended(&[Outcome::Convicted]), 0.97, 1.0);
    let domestic: Vec<_> = offences(&records).filter(|(_, offence)| offence.domestic_abuse).collect();
    let without_charge = domestic.iter().filter(|(_, it)| it.outcome() == Outcome::EvidentialDifficulty).count();
    assert_share("domestic abuse ended for evidential difficulty", without_charge, domestic.len(), 0.33, 0.55);
}

#[test]
fn a_force_of_a_thousand_has_files_of_every_reason_open_and_some_closed_and_reopened() {
    let records = force(1_000, 35);
    let (mut open, mut closed, mut reopened, mut neglected) = (BTreeMap::new(), 0, 0, 0);
    let mut circulations = BTreeSet::new();
    for (_, kind) in kinds(&records) {
        let Kind::Outstanding(file) = kind else { continue };
        let last = file.periods.last().unwrap();
        if !last.closed_on.is_empty() {
            closed += 1;
            continue;
        }
        *open.entry(file.reason().as_str_name()).or_insert(0) += 1;
        circulations.insert(file.circulation().as_str_name());
        reopened += usize::from(file.periods.len() > 1);
        let days = as_of() - date(&last.opened_on).unwrap();
        neglected += usize::from(days > 30 && file.circulation() == pb::Circulation::NotCirculated);
        let abroad = file.reason() == OutstandingReason::ExtraditionWarrant;
        assert_eq!(file.offence_ids.is_empty(), abroad, "{:?}", file.reason());
    }
    assert_eq!(open.len(), 16, "{open:?}");
    assert!(open.values().all(|files| *files >= 3), "{open:?}");
    assert!(closed >= 5 && reopened >= 1 && circulations.len() >= 4, "{closed} {reopened} {circulations:?}");
    assert!(neglected >= 1, "{neglected}");
}

#[test]
fn some_three_in_a_hundred_are_outstanding_and_one_is_managed() {
    let records = force(10_000, 36);
    let open = count(
        &records,
        |kind| matches!(kind, Kind::Outstanding(file) if file.periods.last().is_some_and(|last| last.closed_on.is_empty())),
    );
    assert!((250..400).contains(&open), "{open}");
    let managed = |ended: bool| {
        count(&records, |kind| matches!(kind, Kind::CohortMembership(it) if it.ended_on.is_empty() != ended))
    };
    assert!((100..150).contains(&managed(false)) && managed(true) >= 10, "{} {}", managed(false), managed(true));
    let mut days: Vec<i32> = kinds(&records)
        .filter_map(|(_, kind)| match kind {
            Kind::Outstanding(file) => file.periods.last().filter(|last| last.closed_on.is_empty()),
            _ => None,
        })
        .map(|period| as_of() - date(&period.opened_on).unwrap())
        .collect();
    days.sort_unstable();
    assert!(days[0] <= 2 && days[days.len() - 1] > 730, "{days:?}");
}

#[test]
fn a_thousand_hold_thirty_managed_people_of_every_status_mostly_the_prolific() {
    let records = force(1_000, 37);
    let mut statuses = BTreeSet::new();
    let mut rags = BTreeSet::new();
    let (mut members, mut offences_of_members, mut adults) = (0, 0, 0);
    for person in people(&records) {
        for (_, kind) in kinds(person) {
            let Kind::CohortMembership(membership) = kind else { continue };
            if membership.ended_on.is_empty() {
                members += 1;
                statuses.insert(membership.status().as_str_name());
                rags.insert(membership.rag().as_str_name());
                offences_of_members += offences(person).count();
                adults += usize::from(birth(person).is_none_or(|born| born.completed_years(as_of()) >= 18));
            }
        }
    }
    assert!(members >= 30, "{members}");
    assert_eq!(statuses.len(), 3, "{statuses:?}");
    assert!(rags.len() >= 4, "{rags:?}");
    assert_eq!(adults, members);
    let mean = offences(&records).count() / 1_000;
    assert!(offences_of_members / members > 3 * mean, "{offences_of_members} of {members}, mean {mean}");
}

#[test]
fn some_victims_are_harmed_again_within_a_year_also_by_others() {
    let records = force(2_000, 38);
    let mut incidents: BTreeMap<&str, BTreeSet<(Date, &str, &str)>> = BTreeMap::new();
    let (mut natural, mut vulnerable, mut bodies) = (0, 0, 0);
    for (record, offence) in offences(&records) {
        let Some(victim) = &offence.victim else { continue };
        bodies += usize::from(!victim.natural_person);
        natural += usize::from(victim.natural_person);
        vulnerable += usize::from(victim.vulnerable);
        if victim.natural_person && !victim.victim_ref.is_empty() && !offence.incident_ref.is_empty() {
            let known = date(&record.event_date).map(|day| (day, &*offence.incident_ref, &*record.subject_ref));
            incidents.entry(&victim.victim_ref).or_default().extend(known);
        }
    }
    let again = |by_others: bool| {
        incidents.values().filter(move |of| {
            of.iter().any(|(day, incident, suspect)| {
                of.iter().any(|(other_day, other, by)| {
                    day < other_day && *other_day - *day <= 365 && incident != other && (suspect != by) == by_others
                })
            })
        })
    };
    assert_share("victims harmed again by the same person", again(false).count(), incidents.len(), 0.01, 0.15);
    assert!(again(true).count() >= 10, "{}", again(true).count());
    assert_share("vulnerable victims", vulnerable, natural, 0.07, 0.25);
    assert!(bodies > 500, "{bodies}");
}

#[test]
fn some_incidents_have_several_suspects_and_some_offences_stand_in_two_systems() {
    let records = force(2_000, 39);
    let mut suspects: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    let mut systems: BTreeMap<(&str, &str, &str, &str), BTreeSet<&str>> = BTreeMap::new();
    for (record, offence) in offences(&records) {
        if !offence.incident_ref.is_empty() {
            suspects.entry(&offence.incident_ref).or_default().insert(&record.subject_ref);
            let same = (&*record.subject_ref, &*offence.incident_ref, &*offence.cjs_code, &*record.event_date);
            systems.entry(same).or_default().insert(&record.source_system);
        }
    }
    assert!(suspects.values().filter(|of| of.len() > 1).count() >= 40);
    assert!(systems.values().filter(|of| of.len() > 1).count() >= 30);
}

#[test]
fn custody_holds_every_state_that_a_release_can_be_in() {
    let records = force(2_000, 40);
    let near = |day: &str, from: i32, to: i32| date(day).is_some_and(|day| (from..=to).contains(&(day - as_of())));
    let is =
        |rule: &dyn Fn(&pb::Custody) -> bool| count(&records, |kind| matches!(kind, Kind::Custody(it) if rule(it)));
    let sentence = |custody: &pb::Custody| custody.custody_kind() == pb::CustodyKind::Sentence;
    let open = |custody: &pb::Custody| custody.ended_on.is_empty();
    assert!(is(&|it| sentence(it) && open(it) && near(&it.planned_release, 1, 28)) >= 4);
    assert!(is(&|it| sentence(it) && near(&it.ended_on, -27, 0)) >= 4);
    assert!(is(&|it| sentence(it) && open(it) && near(&it.planned_release, 85, 9_999)) >= 4);
    assert!(is(&|it| sentence(it) && open(it) && it.planned_release.is_empty()) >= 2);
    assert!(is(&|it| !sentence(it) && open(it)) >= 2);
    assert!(is(&|it| it.offence_ids.len() > 1) >= 2);
}

#[test]
fn every_marker_indicator_assessment_and_status_is_met() {
    let records = force(10_000, 41);
    let mut met: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    let mut old_grades = 0;
    for (_, kind) in kinds(&records) {
        let (what, name) = match kind {
            Kind::Marker(marker) => ("marker", marker.marker_kind().as_str_name()),
            Kind::Assessment(assessment) => ("assessment", assessment.assessment_kind().as_str_name()),
            Kind::Exploitation(exploitation) => ("exploitation", exploitation.status().as_str_name()),
            Kind::Breach(breach) => ("breach", breach.breach_kind().as_str_name()),
            Kind::Intelligence(report) => {
                old_grades += usize::from(!report.old_grade.is_empty());
                met.entry("letter").or_default().insert(&report.assessment);
                ("indicator", report.indicator().as_str_name())
            }
            Kind::BandOverride(band_override) => ("override", band_override.scope().as_str_name()),
            _ => continue,
        };
        met.entry(what).or_default().insert(name);
    }
    let numbers: BTreeMap<&str, usize> = met.iter().map(|(what, names)| (*what, names.len())).collect();
    // Sixteen kinds of marker less none stated; five letters and none beside an old grade.
    let expected = [
        ("assessment", 11),
        ("breach", 2),
        ("exploitation", 3),
        ("indicator", 6),
        ("letter", 6),
        ("marker", 15),
        ("override", 3),
    ];
    assert_eq!(numbers, BTreeMap::from(expected), "{met:#?}");
    assert!(old_grades >= 20, "{old_grades}");
}

#[test]
fn children_in_county_lines_are_linked_to_a_referral() {
    let records = force(4_000, 42);
    let children = people(&records)
        .into_iter()
        .filter(|person| birth(person).is_some_and(|born| born.completed_years(as_of()) < 18))
        .filter(|person| count(person, |kind| matches!(kind, Kind::Exploitation(_))) == 1)
        .count();
    assert!(children >= 5, "{children}");
}

#[test]
fn gaps_are_there_to_be_seen() {
    let records = force(4_000, 43);
    let all = offences(&records).count();
    let undated = offences(&records).filter(|(record, _)| record.event_date.is_empty()).count();
    assert_share("offences without a date", undated, all, 0.001, 0.02);
    let unnamed = offences(&records)
        .filter(|(_, offence)| offence.victim.as_ref().is_some_and(|victim| victim.victim_ref.is_empty()))
        .count();
    assert_share("offences whose victim is not known", unnamed, all, 0.005, 0.06);
    assert!(count(&records, |kind| matches!(kind, Kind::SanctionSummary(_))) >= 60);
    let seen = |category: PersonCategory| records.iter().filter(|record| record.category() == category).count();
    assert!(seen(PersonCategory::Witness) >= 10 && seen(PersonCategory::Victim) >= 40);
}

#[test]
fn the_mean_number_of_records_is_about_what_was_asked_for() {
    for mean in [5, 10, 20] {
        let config = Config::new(3_000, 44, as_of(), mean).unwrap();
        // How files are looked after comes on top.
        let told = |record: &Record| !matches!(record.kind, Some(Kind::Activity(_) | Kind::Review(_)));
        let found = records(config).filter(told).count();
        assert_share(&format!("records, {mean} asked for"), found, 3_000 * mean as usize, 0.88, 1.12);
    }
}

/// A debug build draws tens of thousands of records a second on one core; the bound is far below,
/// so that a busy machine passes and work that grows with the square of anything does not.
#[test]
fn a_force_is_drawn_while_one_waits() {
    let begun = std::time::Instant::now();
    let drawn = force(2_000, 45).len();
    let seconds = begun.elapsed().as_secs_f64();
    assert!(drawn as f64 / seconds > 2_000.0, "{drawn} records in {seconds:.1} s");
}
