//! Rules of the threat component.

use super::super::fixture::{ABH, BURGLARY, RAPE, Records, SHOP_THEFT, day, rules};
use super::super::{Case, Heard, Leaf, Scored, Silent};
use super::*;
use crate::domain::word::{
    BreachKind, MarkerKind, Outcome, OutstandingReason, PersonCategory, ThreatIndicator as Told,
};

fn scored(records: &Records) -> Scored {
    let dossier = records.dossier();
    weigh(&Case::new(&dossier, rules(), day(0)), &mut Silent)
}

fn points(records: &Records) -> u32 {
    let Scored { point, low, high } = scored(records);
    assert_eq!((low, high), (point, point), "nothing is unknown");
    point.get()
}

fn leaves(records: &Records) -> Vec<Leaf> {
    let dossier = records.dossier();
    let mut heard = Heard::default();
    weigh(&Case::new(&dossier, rules(), day(0)), &mut heard);
    heard.leaves
}

fn only_leaf(records: &Records) -> Leaf {
    let mut leaves = leaves(records);
    assert_eq!(leaves.len(), 1, "{leaves:?}");
    leaves.remove(0)
}

fn marker(kind: MarkerKind) -> Records {
    Records::new().marker("m", kind, day(0), None)
}

#[test]
fn each_indicator_of_today_gives_its_weight() {
    let known = [
        (MarkerKind::ThreatToLifeSource, 70_000),
        (MarkerKind::Firearms, 60_000),
        (MarkerKind::StatedIntentToHarm, 50_000),
        (MarkerKind::ContactWithVulnerableVictim, 40_000),
        (MarkerKind::Weapons, 35_000),
        (MarkerKind::Violent, 25_000),
    ];
    for (kind, expected) in known {
        assert_eq!(points(&marker(kind)), expected, "{kind:?}");
    }
    assert_eq!(points(&Records::new().breach("b", BreachKind::Order, day(0), None)), 30_000);
    assert_eq!(points(&Records::new().breach("b", BreachKind::BailConditions, day(0), None)), 25_000);
    // Organised crime comes from intelligence alone.
    assert_eq!(points(&Records::new().report("i", Told::OrganisedCrimeLink, day(0), "1A", None)), 25_000);
}

#[test]
fn health_signals_and_notices_served_on_the_one_threatened_give_nothing() {
    for kind in [
        MarkerKind::Ailment,
        MarkerKind::MentalHealth,
        MarkerKind::SelfHarm,
        MarkerKind::Contagious,
        MarkerKind::ThreatToLifeThreatened,
        MarkerKind::Drugs,
        MarkerKind::Escaper,
        MarkerKind::OffendsOnBail,
        MarkerKind::RegisteredSexOffender,
    ] {
        assert_eq!(points(&marker(kind)), 0, "{kind:?}");
    }
}

#[test]
fn a_sign_halves_in_strength_by_its_half_life() {
    let aged = |days: i32| Records::new().marker("m", MarkerKind::Firearms, day(-days), None);
    assert_eq!(points(&aged(180)), 30_000);
    assert_eq!(points(&aged(360)), 15_000);
    // .60 x 2^(-90/180) = .424264
    assert_eq!(points(&aged(90)), 42_426);
}

#[test]
fn a_marker_stands_to_the_last_day_of_its_expiry() {
    for kind in [MarkerKind::Violent, MarkerKind::Firearms, MarkerKind::Weapons] {
        let until = |last| Records::new().marker("m", kind, day(0), Some(day(last)));
        assert!(points(&until(0)) > 0, "{kind:?}");
        assert_eq!(points(&until(-1)), 0, "{kind:?}");
    }
}

#[test]
fn a_violent_marker_does_not_fade_and_counts_once() {
    let two = Records::new().marker("b", MarkerKind::Violent, day(-3_000), None).marker(
        "a",
        MarkerKind::Violent,
        day(-10),
        None,
    );
    assert_eq!(points(&two), 25_000);
    assert_eq!(*only_leaf(&two).evidence, ["a".into()]);
}

#[test]
fn facts_of_one_indicator_and_date_count_once_by_the_lowest_record() {
    let breaches =
        Records::new().breach("b", BreachKind::Order, day(-5), None).breach("a", BreachKind::Order, day(-5), None);
    let one = Records::new().breach("a", BreachKind::Order, day(-5), None);
    assert_eq!(points(&breaches), points(&one));
    assert_eq!(*only_leaf(&breaches).evidence, ["a".into()]);
    let other_day = breaches.breach("c", BreachKind::Order, day(-6), None);
    assert!(points(&other_day) > points(&one));
}

#[test]
fn signs_combine_as_independent_chances() {
    let both = marker(MarkerKind::Firearms).marker("n", MarkerKind::Violent, day(0), None);
    // 1 - (1 - .60)(1 - .25)
    assert_eq!(points(&both), 70_000);
    let leaves = leaves(&both);
    let total: f64 = leaves.iter().map(|leaf| leaf.share).sum();
    assert!((total + libm::log(0.30)).abs() < 1e-12, "shares are -ln(1 - x)");
}

#[test]
fn an_e_graded_report_never_scores() {
    for source in ["1E", "2E", "3E"] {
        let report = Records::new().report("i", Told::ThreatToLife, day(0), source, Some("src"));
        assert_eq!(points(&report), 0);
        assert!(leaves(&report).is_empty());
    }
}

#[test]
fn a_report_counts_by_its_grade() {
    let told = |grade| points(&Records::new().report("i", Told::AccessToWeapon, day(0), grade, None));
    // .35 times source 1, .6, .2 times assessment 1, .8, .5, .3
    assert_eq!(told("1A"), 35_000);
    assert_eq!(told("2B"), 16_800);
    assert_eq!(told("3D"), 2_100);
}

#[test]
fn an_old_grade_is_converted_by_the_policy() {
    let policy = &rules().policy.threat;
    for (source, evaluation) in [(0_u8, 1_u8), (3, 4), (4, 5)] {
        let converted = Grade::Current {
            source: policy.old_source[usize::from(source)],
            assessment: policy.old_evaluation[usize::from(evaluation) - 1],
        };
        let same = grade(policy, Grade::Old { source, evaluation }).total_cmp(&grade(policy, converted));
        assert!(same.is_eq(), "{source} {evaluation}");
    }
    assert!(grade(policy, Grade::Old { source: 0, evaluation: 5 }) <= 0.0);
}

#[test]
fn each_source_counts_once_at_its_strongest_report() {
    let one = Records::new().report("a", Told::AccessToFirearm, day(0), "2B", Some("src"));
    let said_often = one.clone().report("b", Told::AccessToFirearm, day(0), "2C", Some("src")).report(
        "c",
        Told::AccessToFirearm,
        day(-60),
        "2B",
        Some("src"),
    );
    assert_eq!(points(&said_often), points(&one));
    assert_eq!(*only_leaf(&said_often).evidence, ["a".into()]);
    let other = one.clone().report("b", Told::AccessToFirearm, day(0), "2C", Some("other"));
    assert!(points(&other) > points(&one));
}

#[test]
fn reports_without_a_source_are_one_source() {
    let one = Records::new().report("a", Told::AccessToWeapon, day(0), "2B", None);
    let two = one.clone().report("b", Told::AccessToWeapon, day(-1), "2B", None);
    assert_eq!(points(&two), points(&one));
}

#[test]
fn one_source_may_count_for_several_indicators() {
    let one = Records::new().report("a", Told::AccessToWeapon, day(0), "2B", Some("src"));
    let two = one.clone().report("b", Told::OrganisedCrimeLink, day(0), "2B", Some("src"));
    assert!(points(&two) > points(&one));
}

#[test]
fn only_the_three_strongest_sources_count() {
    let told =
        |records: Records, id: &str, grade: &str| records.report(id, Told::OrganisedCrimeLink, day(0), grade, Some(id));
    let three = ["a", "b", "c"].iter().fold(Records::new(), |records, id| told(records, id, "2C"));
    assert_eq!(points(&told(three.clone(), "d", "2D")), points(&three));
    assert!(points(&told(three.clone(), "d", "2B")) > points(&three), "a stronger fourth takes the weakest's place");
}

#[test]
fn all_intelligence_together_is_held_to_sixty() {
    let much = [Told::ThreatToLife, Told::AccessToFirearm, Told::IntentToHarmIdentifiedPerson]
        .iter()
        .enumerate()
        .fold(Records::new(), |records, (place, told)| records.report(&format!("i{place}"), *told, day(0), "1A", None));
    assert_eq!(points(&much), 60_000);
    // A fact adds to it: 1 - (1 - .60)(1 - .70)
    assert_eq!(points(&much.marker("m", MarkerKind::ThreatToLifeSource, day(0), None)), 88_000);
}

#[test]
fn a_threat_to_life_from_intelligence_says_so_and_names_no_source() {
    let leaf = only_leaf(&Records::new().report("i", Told::ThreatToLife, day(-3), "2B", Some("SRC-77")));
    assert_eq!(leaf.rule, "THREAT_TO_LIFE");
    assert!(leaf.description.contains("Intelligence") && leaf.description.contains("2B"), "{}", leaf.description);
    let told = format!("{leaf:?}");
    assert!(!told.contains("SRC-77"), "{told}");
}

#[test]
fn a_bail_breach_file_makes_one_breach_dated_at_its_first_opening() {
    let reason = OutstandingReason::BreachedPoliceBailConditions;
    let closed = Records::new().file("f", reason, &[(day(-100), Some(day(-10)))], &[]);
    // 10 days on the clock since the opening, for 90 were spent with the file open.
    let leaf = only_leaf(&closed);
    assert_eq!((leaf.rule, leaf.date), ("BREACH_OF_BAIL_CONDITIONS", Some(day(-100))));
    assert_eq!(points(&closed), MilliPoints::from_points(25.0 * libm::exp2(-10.0 / 90.0)).get());

    let reopened = Records::new().file("f", reason, &[(day(-100), Some(day(-10))), (day(-1), None)], &[]);
    let breach = leaves(&reopened).into_iter().find(|leaf| leaf.rule == "BREACH_OF_BAIL_CONDITIONS");
    assert_eq!(breach.expect("must still be told").date, Some(day(-100)));
}

#[test]
fn a_breach_that_names_the_file_is_the_files_own() {
    let reason = OutstandingReason::BreachedPoliceBailConditions;
    let file = Records::new().file("f", reason, &[(day(-40), Some(day(-30)))], &[]);
    let named = file.clone().breach("b", BreachKind::BailConditions, day(-41), Some("f"));
    assert_eq!(points(&named), points(&file));
    assert_eq!(*only_leaf(&named).evidence, ["f".into(), "b".into()]);
    // One that does not name it is another, even of the same day; so is one that names a file not held.
    let unnamed = file.clone().breach("b", BreachKind::BailConditions, day(-40), None);
    assert!(points(&unnamed) > points(&file));
    let lost = file.clone().breach("b", BreachKind::BailConditions, day(-41), Some("gone"));
    assert!(points(&lost) > points(&file));
}

#[test]
fn being_at_large_counts_by_the_gravest_reason_alone() {
    let open =
        |records: Records, id: &str, reason, offences: &[&str]| records.file(id, reason, &[(day(-3), None)], offences);
    let fine = open(Records::new(), "fine", OutstandingReason::FineDefaultWarrant, &[]);
    assert_eq!(points(&fine), 20_000);
    let bail = open(fine.clone(), "bail", OutstandingReason::FailedToSurrenderCourtBail, &[]);
    assert_eq!(points(&bail), 25_000);
    assert_eq!(only_leaf(&bail).rule, "FAILED_TO_SURRENDER");
    for reason in
        [OutstandingReason::RecallStandard, OutstandingReason::Escape, OutstandingReason::AbscondFromOpenConditions]
    {
        let recalled = open(bail.clone(), "recall", reason, &[]);
        assert_eq!(points(&recalled), 35_000);
        assert_eq!(only_leaf(&recalled).rule, "UNLAWFULLY_AT_LARGE");
    }
}

#[test]
fn wanted_for_a_violent_or_sexual_offence_counts_only_while_the_allegation_stands() {
    let wanted = |outcome, code, category| {
        let records = Records::new().offence("o", code, day(-900), outcome).seen_as(category);
        records.file("f", OutstandingReason::NamedSuspectNotArrested, &[(day(-800), None)], &["o"])
    };
    let suspect = PersonCategory::Suspect;
    let rape = wanted(Outcome::Suspected, RAPE, suspect);
    assert_eq!(points(&rape), 35_000);
    let leaf = only_leaf(&rape);
    assert_eq!(leaf.rule, "AT_LARGE_FOR_VIOLENT_OR_SEXUAL_OFFENCE");
    assert_eq!(*leaf.evidence, ["f".into(), "o".into()]);
    assert_eq!(points(&wanted(Outcome::NoCrime, RAPE, suspect)), 20_000);
    assert_eq!(points(&wanted(Outcome::Suspected, SHOP_THEFT, suspect)), 20_000);
    assert_eq!(points(&wanted(Outcome::Suspected, RAPE, PersonCategory::Victim)), 20_000);
}

#[test]
fn nobody_in_custody_or_with_a_closed_file_is_at_large() {
    let open = Records::new().file("f", OutstandingReason::Escape, &[(day(-30), None)], &[]);
    assert_eq!(points(&open.clone().remand("r", day(-1), None)), 0);
    assert_eq!(points(&open.remand("r", day(-20), Some(day(-10)))), 35_000);
    let closed = Records::new().file("f", OutstandingReason::Escape, &[(day(-30), Some(day(-2)))], &[]);
    assert_eq!(points(&closed), 0);
}

#[test]
fn offences_repeated_of_late_need_three_dates_in_ninety_days_of_the_clock() {
    let on = |days: &[i32], outcome, code| {
        days.iter().enumerate().fold(Records::new(), |records, (place, date)| {
            records.offence(&format!("o{place}"), code, day(*date), outcome)
        })
    };
    assert_eq!(points(&on(&[-1, -40, -90], Outcome::Suspected, ABH)), 25_000);
    assert_eq!(points(&on(&[-1, -40, -90], Outcome::Suspected, BURGLARY)), 25_000);
    assert_eq!(points(&on(&[-1, -40, -91], Outcome::Suspected, ABH)), 0);
    assert_eq!(points(&on(&[-1, -1, -40], Outcome::Suspected, ABH)), 0, "two of one day are one date");
    assert_eq!(points(&on(&[-1, -40, -90], Outcome::NoCrime, ABH)), 0);
    assert_eq!(points(&on(&[-1, -40, -90], Outcome::Convicted, SHOP_THEFT)), 0);
    let inside = on(&[-301, -340, -389], Outcome::Suspected, ABH).sentence("c", day(-300), None, Some(day(-1)), &[]);
    let leaf = leaves(&inside).into_iter().find(|leaf| leaf.rule == "REPEATED_RECENTLY").expect("must be told");
    assert_eq!(*leaf.evidence, ["o2".into(), "o1".into(), "o0".into()]);
}

#[test]
fn an_unknown_date_leaves_open_whether_offences_were_repeated() {
    let records = Records::new()
        .offence("a", ABH, day(-1), Outcome::Suspected)
        .offence("b", ABH, day(-40), Outcome::Suspected)
        .offence("c", ABH, day(-80), Outcome::Suspected)
        .edit_offence(|offence| offence.committed = None);
    let Scored { low, point, high } = scored(&records);
    assert_eq!((low.get(), point.get(), high.get()), (0, 25_000, 25_000));
}

#[test]
fn release_is_due_from_28_days_before_to_28_after() {
    let planned = |days| points(&Records::new().sentence("c", day(-400), Some(day(days)), None, &[]));
    assert_eq!((planned(28), planned(29)), (20_000, 0));
    assert_eq!((planned(-28), planned(-29)), (20_000, 0));
    // Once ended, the day it ended counts and the plan does not.
    let ended = |days| points(&Records::new().sentence("c", day(-400), Some(day(-1)), Some(day(days)), &[]));
    assert_eq!((ended(-28), ended(-29)), (20_000, 0));
    assert_eq!(points(&Records::new().remand("r", day(-40), Some(day(-1)))), 0);
}

#[test]
fn a_fact_dated_after_the_day_counts_as_of_the_day() {
    let tomorrow = Records::new().breach("b", BreachKind::Order, day(1), None);
    assert_eq!(points(&tomorrow), 30_000);
}

#[test]
fn records_of_a_victim_or_witness_give_nothing() {
    for category in [PersonCategory::Victim, PersonCategory::Witness] {
        let all = [
            Records::new().marker("r", MarkerKind::Firearms, day(0), None),
            Records::new().breach("r", BreachKind::Order, day(0), None),
            Records::new().report("r", Told::ThreatToLife, day(0), "1A", None),
            Records::new().file("r", OutstandingReason::Escape, &[(day(-3), None)], &[]),
            Records::new().sentence("r", day(-400), Some(day(3)), None, &[]),
        ];
        for records in all {
            assert_ne!(points(&records), 0);
            assert_eq!(points(&records.seen_as(category)), 0);
        }
    }
}
