//! Whole dossiers. What an offence code means is left to the catalogue's own tests, so these rest on people
//! whose risk does not depend on one.

use super::fixture::{date, from_probation, policy, summary};
use crate::domain::dossier::{Dossier, Filed};
use crate::domain::evidence::{Evidence, Kind, Offence, Person};
use crate::domain::offence::OffenceCode;
use crate::domain::word::{AssessmentKind, Component, Outcome, PersonCategory, Sex};
use crate::domain::{MilliPoints, Revision};
use crate::reference::tables;
use crate::scoring::harm::Catalogue;
use crate::scoring::risk::{Risk, Source, possible_births, report, weigh};
use crate::scoring::{Case, Heard, Rules, Scored, Silent};

const AS_OF: &str = "2026-01-01";

fn record(id: &str, category: PersonCategory, kind: Kind) -> Evidence {
    Evidence { id: id.into(), revision: Revision(1), category, updated: date(AS_OF), kind }
}

fn person(birth: Option<&str>, sex: Option<Sex>) -> Evidence {
    let kind = Kind::Person(Person {
        birth: birth.map(date),
        sex,
        apparent_age: (20, 22),
        made: date(AS_OF),
        areas: Vec::new(),
    });
    record("person", PersonCategory::Suspect, kind)
}

fn robbery(id: &str, category: PersonCategory, committed: Option<&str>, outcome: Outcome) -> Evidence {
    let kind = Kind::Offence(Offence {
        code: OffenceCode { cjs: None, ho: tables().ho("034/01") },
        committed: committed.map(date),
        reported: date(committed.unwrap_or(AS_OF)),
        outcome,
        outcome_date: None,
        incident: None,
        victim: None,
        domestic_abuse: false,
        hate: false,
        proactive: false,
    });
    record(id, category, kind)
}

fn other(filed: Filed) -> Evidence {
    record(&filed.id, filed.category, Kind::Other(filed.kind))
}

/// Weighs with and without explanation, which must agree.
fn weighed(records: Vec<Evidence>, scores: &[bool]) -> (Risk, Heard) {
    with_case(records, scores, |case| {
        let mut heard = Heard::default();
        let risk = weigh(case, &mut heard);
        assert_eq!(risk, weigh(case, &mut Silent));
        (risk, heard)
    })
}

fn with_case<T>(records: Vec<Evidence>, scores: &[bool], read: impl FnOnce(&Case<'_>) -> T) -> T {
    let policy = policy();
    let rules = Rules { catalogue: Catalogue::new(tables(), &policy), policy };
    let dossier = Dossier::from_evidence("S-1", Revision(1), records);
    let mut case = Case::new(&dossier, &rules, date(AS_OF));
    case.scores = scores.iter().copied().collect();
    case.alleged = case.alleged.iter().zip(scores).map(|(alleged, scores)| *alleged && *scores).collect();
    read(&case)
}

fn scored(point: u32, low: u32, high: u32) -> Scored {
    Scored { point: MilliPoints::new(point), low: MilliPoints::new(low), high: MilliPoints::new(high) }
}

fn reasons(heard: &Heard) -> Vec<&'static str> {
    heard.gaps.iter().map(|gap| gap.reason).collect()
}

#[test]
fn a_person_without_a_sanction_lies_between_the_fallback_and_25_above() {
    let known = || person(Some("1990-01-01"), Some(Sex::Male));
    let (risk, heard) = weighed(vec![known()], &[]);
    assert_eq!((risk.score, risk.arp), (scored(0, 0, 25_000), None));
    assert_eq!(reasons(&heard), ["NO_SANCTION_HISTORY"]);
    assert!(heard.leaves.is_empty());

    let contact = robbery("o", PersonCategory::Suspect, Some(AS_OF), Outcome::Arrested);
    let (risk, heard) = weighed(vec![known(), contact], &[true]);
    assert_eq!(risk.score, scored(6_000, 6_000, 31_000));
    let [leaf] = &heard.leaves[..] else { panic!("one leaf") };
    assert_eq!((leaf.component, leaf.rule, leaf.date), (Component::Risk, "RECENT_CONTACT", Some(date(AS_OF))));
    assert_eq!(leaf.evidence, [Box::from("o")]);
}

#[test]
fn what_may_not_score_is_no_contact() {
    let score = |category, outcome, scores| {
        weighed(vec![robbery("o", category, Some("2025-12-01"), outcome)], &[scores]).0.score.point.get()
    };
    assert!(score(PersonCategory::Suspect, Outcome::Suspected, true) > 5_000);
    assert_eq!(score(PersonCategory::Suspect, Outcome::Suspected, false), 0, "linked to exploitation");
    assert_eq!(score(PersonCategory::Suspect, Outcome::NoFurtherAction, true), 0, "no proof");
    let old = robbery("o", PersonCategory::Suspect, Some("2024-01-01"), Outcome::Suspected);
    assert_eq!(weighed(vec![old], &[true]).0.score.point.get(), 0, "731 days ago");
}

#[test]
fn a_contact_of_unknown_date_lies_between_its_report_and_a_year_before() {
    let (risk, _) = weighed(vec![robbery("o", PersonCategory::Suspect, None, Outcome::Suspected)], &[true]);
    assert_eq!(risk.score, scored(6_000, 3_000, 31_000));
}

#[test]
fn sanctions_without_a_category_leave_the_top_open() {
    let known = person(Some("1990-01-01"), Some(Sex::Male));
    let (risk, heard) = weighed(vec![known, other(summary("2025-01-01", 9, 2, Some("2010-01-01")))], &[]);
    assert_eq!((risk.score, risk.arp), (scored(0, 0, 25_000), None));
    assert_eq!(reasons(&heard), ["SANCTION_CATEGORY_UNKNOWN"]);
    assert_eq!(heard.gaps[0].evidence, [Box::from("summary")]);
    assert!(heard.gaps[0].widens);
}

#[test]
fn predictors_from_probation_settle_an_unknown_age() {
    let kinds = [AssessmentKind::Svrp, AssessmentKind::Arp, AssessmentKind::Vrp];
    let given = kinds.map(|kind| other(from_probation(&format!("{kind:?}"), kind, "2025-06-01", 0.03, None)));
    let records: Vec<_> = given.into_iter().chain([person(None, None)]).collect();
    let (risk, heard) = weighed(records.clone(), &[]);
    // 0.40 of 1.5 points, 0.25 of 2.5 and 0.35 of 50.
    assert_eq!(risk.score, scored(18_725, 18_725, 18_725));
    let arp = risk.arp.expect("must be supplied");
    assert_eq!((arp.low, arp.point, arp.high), (0.03, 0.03, 0.03));
    assert_eq!(heard.leaves.iter().map(|leaf| leaf.rule).collect::<Vec<_>>(), ["ARP", "SVRP", "VRP"]);
    assert_eq!(heard.leaves[1].evidence, [Box::from("Svrp")]);
    assert_eq!(
        heard.leaves[0].description,
        "Probation's ARP of 2025-06-01 puts the chance of any proven reoffence within two years at 3.0 %."
    );
    let share: f64 = heard.leaves.iter().map(|leaf| leaf.share).sum();
    assert!((share - 1_872.5).abs() < 1e-9, "shares are weight in percent times points");
    assert_eq!(reasons(&heard), ["BIRTH_DATE_UNKNOWN", "SEX_UNKNOWN", "NO_SANCTION_HISTORY"]);
    assert!(heard.gaps.iter().all(|gap| !gap.widens));

    let reported = with_case(records, &[], report);
    let told: Vec<_> = reported.iter().map(|told| (told.instrument, told.scored, told.band)).collect();
    assert_eq!(told, [("ARP", true, Some(0)), ("VRP", true, Some(0)), ("SVRP", true, Some(2)), ("OGRS3", false, None)]);
    assert_eq!(reported[0].value, Ok((0.03, Source::Probation)));
    assert_eq!(reported[0].evidence.as_deref(), Some("Arp"));
}

#[test]
fn a_predictor_that_cannot_be_computed_says_all_that_is_missing() {
    let reported = with_case(vec![person(None, None)], &[], report);
    assert_eq!(reported.len(), 4);
    for told in reported {
        let missing = told.value.expect_err("must be missing");
        for what in ["conviction", "birth date", "sex"] {
            assert!(missing.contains(what), "{}: {missing}", told.instrument);
        }
        assert_eq!((told.band, told.evidence), (None, None));
    }
}

#[test]
fn births_are_the_known_one_or_the_apparent_ages_oldest_first() {
    let of = |records| with_case(records, &[], possible_births);
    assert_eq!(of(vec![person(Some("1990-01-01"), None)]), [date("1990-01-01")]);
    assert_eq!(of(vec![person(None, None)]), [date("2004-01-01"), date("2005-01-01"), date("2006-01-01")]);
    assert_eq!(of(Vec::new()).len(), 43);
}
