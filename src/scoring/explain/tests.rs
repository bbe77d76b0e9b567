//! Rules of the explanation.

use super::super::composite::weigh;
use super::super::fixture::{ABH, BURGLARY, RAPE, Records, SHOP_THEFT, day, rules};
use super::*;
use crate::domain::evidence::Finding;
use crate::domain::word::{
    AssessmentKind, Band, MarkerKind, Outcome, OutstandingReason, OverrideScope, PersonCategory, Sex, ThreatIndicator,
};

fn explained(records: &Records, family: Family) -> Explanation {
    explain(&records.dossier(), rules(), day(0), family)
}

fn reasons(explanation: &Explanation) -> Vec<&'static str> {
    explanation.gaps.iter().map(|gap| gap.reason).collect()
}

fn career() -> Records {
    Records::new()
        .person(Some(day(-30 * 366)), Some(Sex::Male), (0, 0), day(-900))
        .offence("o1", BURGLARY, day(-700), Outcome::Convicted)
        .offence("o2", ABH, day(-300), Outcome::Charged)
        .offence("o3", RAPE, day(-40), Outcome::Suspected)
        .marker("m1", MarkerKind::Violent, day(-500), None)
        .report("i1", ThreatIndicator::AccessToWeapon, day(-20), "2B", Some("src"))
        .report("i2", ThreatIndicator::OrganisedCrimeLink, day(-70), "1C", None)
        .file("f1", OutstandingReason::NamedSuspectNotArrested, &[(day(-30), None)], &["o3"])
}

#[test]
fn contributions_sum_to_the_composite_and_come_largest_first() {
    for family in [Family::Cohort, Family::Outstanding] {
        let explanation = explained(&career(), family);
        let total: u32 = explanation.contributions.iter().map(|part| part.milli).sum();
        assert_eq!(total, explanation.weighed.composed(family).point.get());
        assert!(explanation.contributions.is_sorted_by(|one, next| one.milli >= next.milli));
        assert!(explanation.contributions.iter().all(|part| part.description.ends_with('.')));
        let threat = explanation.given_by(Component::Threat);
        let weight = if family == Family::Cohort { 25 } else { 40 };
        let exact = explanation.weighed.threat.point.get() * weight / 100;
        assert!(threat.abs_diff(exact) <= 6, "a component's share is off by rounding alone: {threat} of {exact}");
    }
}

#[test]
fn an_explanation_explains_what_ranking_weighed() {
    let dossier = career().dossier();
    for family in [Family::Cohort, Family::Outstanding] {
        assert_eq!(explain(&dossier, rules(), day(0), family).weighed, weigh(&dossier, rules(), day(0)));
    }
}

#[test]
fn differences_between_two_people_sum_to_the_gap() {
    let (above, below) = (explained(&career(), Family::Outstanding), {
        let records = Records::new().marker("m", MarkerKind::Weapons, day(-77), None);
        explained(&records, Family::Outstanding)
    });
    let points = |explanation: &Explanation| explanation.weighed.outstanding.point.get().cast_signed();
    let gap: i32 = differences(&above, &below).iter().map(Difference::gap).sum();
    assert_eq!(gap, points(&above) - points(&below));
    assert_eq!(differences(&below, &above).map(|part| part.gap()).iter().sum::<i32>(), -gap);
}

#[test]
fn a_child_is_read_about_before_any_number() {
    let child = Records::new().person(Some(day(-15 * 366)), Some(Sex::Female), (0, 0), day(-9));
    let explanation = explained(&child, Family::Cohort);
    assert!(explanation.safeguarding[0].starts_with("Under 18"));
    assert!(reasons(&explanation).contains(&"NOT_VALIDATED_FOR_CHILDREN"));
}

#[test]
fn possible_exploitation_is_told_until_it_is_reviewed() {
    let referred = |reviewed| {
        let records = Records::new().offence("o", BURGLARY, day(-9), Outcome::Charged).exploitation(
            "nrm",
            ExploitationStatus::Pending,
            day(-5),
            &["o"],
            reviewed,
        );
        explained(&records.seen_as(PersonCategory::Victim), Family::Cohort)
    };
    let open = referred(None);
    assert_eq!(open.safeguarding.len(), 1);
    assert_eq!(open.weighed.harm.point.get(), 0);
    assert!(referred(Some(day(-1))).safeguarding.is_empty());
}

#[test]
fn an_override_is_shown_with_its_record() {
    let records = Records::new().band_override("v", Band::High, OverrideScope::Cohort, day(-3), day(9), None);
    let (id, decision) = explained(&records, Family::Cohort).overridden.expect("must be in effect");
    assert_eq!((&*id, decision.band), ("v", Band::High));
    assert!(explained(&records, Family::Outstanding).overridden.is_none());
}

#[test]
fn custody_is_explained_where_it_counts() {
    let inside = Records::new().sentence("c", day(-50), Some(day(56)), None, &[]);
    assert_eq!(explained(&inside, Family::Cohort).custody_factor, 6_500);
    assert_eq!(explained(&inside, Family::Outstanding).custody_factor, 10_000);
    let remand = Records::new().remand("r", day(-50), None);
    assert!(reasons(&explained(&remand, Family::Cohort)).contains(&"ON_REMAND"));
    assert!(!reasons(&explained(&remand, Family::Outstanding)).contains(&"ON_REMAND"));
    let unknown = Records::new().sentence("c", day(-50), None, None, &[]);
    let explanation = explained(&unknown, Family::Cohort);
    let gap = explanation.gaps.iter().find(|gap| gap.reason == "RELEASE_DATE_UNKNOWN").expect("must be told");
    assert_eq!(*gap.evidence, ["c".into()]);
}

#[test]
fn a_stale_suspicion_is_a_gap_that_names_its_record() {
    let records = Records::new().offence("old", RAPE, day(-600), Outcome::Suspected);
    let explanation = explained(&records, Family::Cohort);
    let gap = explanation.gaps.iter().find(|gap| gap.reason == "STALE_SUSPECT_RECORD").expect("must be told");
    assert_eq!(*gap.evidence, ["old".into()]);
    assert!(gap.widens);
}

#[test]
fn a_file_that_does_not_say_for_what_is_a_gap() {
    let open = |reason, offences: &[&str]| {
        let records = Records::new().offence("o", ABH, day(-9), Outcome::Suspected);
        explained(&records.file("f", reason, &[(day(-3), None)], offences), Family::Outstanding)
    };
    let told = |explanation: &Explanation| reasons(explanation).contains(&"WANTED_OFFENCE_NOT_HELD");
    assert!(told(&open(OutstandingReason::NamedSuspectNotArrested, &[])));
    assert!(told(&open(OutstandingReason::NamedSuspectNotArrested, &["not held"])));
    assert!(!told(&open(OutstandingReason::NamedSuspectNotArrested, &["o"])));
    assert!(!told(&open(OutstandingReason::FineDefaultWarrant, &[])));
}

#[test]
fn an_expired_assessment_is_a_gap() {
    let made = |expires| {
        let finding = Finding::Mappa { category: 2, level: 3 };
        let records = Records::new().assessment("a", AssessmentKind::Mappa, day(-99), finding, Some(day(expires)));
        reasons(&explained(&records, Family::Cohort)).contains(&"ASSESSMENT_EXPIRED")
    };
    assert!(made(-1));
    assert!(!made(0));
}

#[test]
fn offending_grows_when_the_last_year_holds_more_harm_days_than_the_one_before() {
    let escalating = |records: &Records| explained(records, Family::Cohort).escalating;
    let growing = Records::new().offence("a", SHOP_THEFT, day(-400), Outcome::Convicted).offence(
        "b",
        RAPE,
        day(-365),
        Outcome::Suspected,
    );
    assert!(escalating(&growing));
    let fading = Records::new().offence("a", SHOP_THEFT, day(-300), Outcome::Convicted).offence(
        "b",
        RAPE,
        day(-366),
        Outcome::Suspected,
    );
    assert!(!escalating(&fading));
    // The same burglary in three systems is one.
    let thrice = Records::new()
        .offence("a", BURGLARY, day(-300), Outcome::Suspected)
        .offence("b", BURGLARY, day(-300), Outcome::Suspected)
        .offence("c", BURGLARY, day(-400), Outcome::Suspected);
    assert!(!escalating(&thrice));
}
