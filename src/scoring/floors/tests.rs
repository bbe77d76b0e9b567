//! Rules of the floors.

use super::super::fixture::{ABH, BURGLARY, MURDER, RAPE, ROBBERY, Records, SHOP_THEFT, WOUNDING, day, rules};
use super::*;
use crate::domain::Date;
use crate::domain::dossier::Repeat;
use crate::domain::evidence::{Finding, Grade, Victim};
use crate::domain::word::{
    AssessmentKind, AssessmentLevel, ExploitationStatus, MarkerKind, Outcome, OutstandingReason, PersonCategory,
    ThreatIndicator,
};
use Band::{High, Medium, VeryHigh};

/// The rules in effect in a family.
fn rules_of(records: &Records, family: Family, arp: Option<f64>) -> Vec<&'static str> {
    let dossier = records.dossier();
    let case = Case::new(&dossier, rules(), day(0));
    let floors = list(&case, family, arp, &[]);
    assert_eq!(floors.iter().map(|floor| floor.band).max(), highest(&case, family, arp), "both paths must agree");
    floors.iter().map(|floor| floor.rule).collect()
}

fn bands(records: &Records) -> (Option<Band>, Option<Band>) {
    let dossier = records.dossier();
    let case = Case::new(&dossier, rules(), day(0));
    (highest(&case, Family::Cohort, None), highest(&case, Family::Outstanding, None))
}

fn assessed(kind: AssessmentKind, finding: Finding) -> Records {
    Records::new().assessment("a", kind, day(-10), finding, None)
}

fn mappa(category: u8, level: u8) -> Finding {
    Finding::Mappa { category, level }
}

fn open(reason: OutstandingReason, offences: &[&str]) -> Records {
    Records::new().file("f", reason, &[(day(-3), None)], offences)
}

#[test]
fn rules_stand_in_order_of_band() {
    assert!(Rule::ALL.is_sorted_by(|one, other| one < other && one.band() >= other.band()));
    assert!(Rule::ALL.iter().enumerate().all(|(place, rule)| *rule as usize == place));
}

#[test]
fn partners_assessments_raise_to_the_bands_of_the_method() {
    let level = Finding::Level;
    let known = [
        (assessed(AssessmentKind::Mappa, mappa(2, 3)), Some(VeryHigh)),
        (assessed(AssessmentKind::Mappa, mappa(2, 2)), Some(High)),
        (assessed(AssessmentKind::Mappa, mappa(1, 1)), Some(Medium)),
        (assessed(AssessmentKind::Mappa, mappa(2, 1)), None),
        (assessed(AssessmentKind::OasysRosh, level(AssessmentLevel::VeryHigh)), Some(High)),
        (assessed(AssessmentKind::OasysRosh, level(AssessmentLevel::High)), None),
        (assessed(AssessmentKind::OspDc, level(AssessmentLevel::High)), Some(High)),
        (assessed(AssessmentKind::OspDc, level(AssessmentLevel::Medium)), None),
        (assessed(AssessmentKind::OspIic, level(AssessmentLevel::VeryHigh)), None),
        (assessed(AssessmentKind::Arms, level(AssessmentLevel::VeryHigh)), Some(High)),
        (assessed(AssessmentKind::Marac, Finding::Held), Some(High)),
        (assessed(AssessmentKind::Dash, level(AssessmentLevel::High)), Some(High)),
        (assessed(AssessmentKind::Dash, level(AssessmentLevel::Medium)), None),
        (assessed(AssessmentKind::Sara, level(AssessmentLevel::VeryHigh)), None),
    ];
    for (records, expected) in known {
        assert_eq!(bands(&records), (expected, expected), "{:?}", records.0);
    }
}

#[test]
fn only_the_newest_assessment_counts_and_expired_means_none() {
    let kind = AssessmentKind::Mappa;
    let eased = assessed(kind, mappa(2, 3)).assessment("b", kind, day(-5), mappa(2, 1), None);
    assert_eq!(bands(&eased), (None, None));
    let lapsed = assessed(kind, mappa(2, 3)).assessment("b", kind, day(-5), mappa(2, 2), Some(day(-1)));
    assert_eq!(bands(&lapsed), (None, None), "the older one does not come back");
    let last_day = Records::new().assessment("a", kind, day(-50), mappa(2, 3), Some(day(0)));
    assert_eq!(bands(&last_day), (Some(VeryHigh), Some(VeryHigh)));
}

#[test]
fn an_assessment_of_the_victim_raises_nobody() {
    let dash = assessed(AssessmentKind::Dash, Finding::Level(AssessmentLevel::High));
    assert_eq!(bands(&dash.seen_as(PersonCategory::Victim)), (None, None));
}

#[test]
fn domestic_assessments_reach_back_365_days_of_the_clock() {
    let made = |days: i32| Records::new().assessment("a", AssessmentKind::Marac, day(days), Finding::Held, None);
    assert_eq!(bands(&made(-365)).0, Some(High));
    assert_eq!(bands(&made(-366)).0, None);
    assert_eq!(bands(&made(-366).remand("r", day(-20), Some(day(-10)))).0, Some(High));
}

#[test]
fn a_threat_to_life_raises_for_thirty_days_as_a_fact_or_well_graded() {
    let notice = |days| Records::new().marker("m", MarkerKind::ThreatToLifeSource, day(days), None);
    assert_eq!(bands(&notice(-30)), (Some(VeryHigh), Some(VeryHigh)));
    assert_eq!(bands(&notice(-31)), (None, None));
    let told = |grade, days| Records::new().report("i", ThreatIndicator::ThreatToLife, day(days), grade, None);
    assert_eq!(bands(&told("1C", -30)).0, Some(VeryHigh), "c is .5");
    assert_eq!(bands(&told("2B", -30)).0, None, "c is .48");
    assert_eq!(bands(&told("1A", -31)).0, None);
    let threatened = Records::new().marker("m", MarkerKind::ThreatToLifeThreatened, day(0), None);
    assert_eq!(bands(&threatened), (None, None));
}

#[test]
fn well_graded_firearm_intelligence_raises_for_ninety_days() {
    let told = |grade, days| Records::new().report("i", ThreatIndicator::AccessToFirearm, day(days), grade, None);
    assert_eq!(bands(&told("1B", -90)), (Some(Medium), Some(Medium)));
    assert_eq!(bands(&told("2A", -90)).0, None);
    assert_eq!(bands(&told("1A", -91)).0, None);
    let old = told("1B", -1).edit(|record| {
        if let crate::domain::evidence::Kind::Other(crate::domain::evidence::Other::Intelligence(report)) =
            &mut record.kind
        {
            report.grade = Grade::Old { source: 0, evaluation: 2 };
        }
    });
    assert_eq!(bands(&old).0, Some(Medium), "an old grade counts as converted");
}

#[test]
fn open_files_raise_the_outstanding_family_by_their_reason() {
    let known = [
        (OutstandingReason::RecallEmergency, Some(Medium), Some(VeryHigh)),
        (OutstandingReason::RecallStandard, Some(Medium), Some(Medium)),
        (OutstandingReason::Escape, None, Some(VeryHigh)),
        (OutstandingReason::AbscondFromOpenConditions, None, Some(High)),
        (OutstandingReason::FineDefaultWarrant, None, None),
    ];
    for (reason, cohort, outstanding) in known {
        assert_eq!(bands(&open(reason, &[])), (cohort, outstanding), "{reason:?}");
    }
    let closed = Records::new().file("f", OutstandingReason::Escape, &[(day(-3), Some(day(-1)))], &[]);
    assert_eq!(bands(&closed), (None, None));
    let reopened =
        Records::new().file("f", OutstandingReason::Escape, &[(day(-9), Some(day(-5))), (day(-1), None)], &[]);
    assert_eq!(bands(&reopened).1, Some(VeryHigh));
}

#[test]
fn wanted_persons_are_raised_by_the_harm_days_of_the_offence() {
    let wanted =
        |code, outcome| open(OutstandingReason::NamedSuspectNotArrested, &["o"]).offence("o", code, day(-90), outcome);
    let suspected = Outcome::Suspected;
    assert_eq!(bands(&wanted(MURDER, suspected)), (None, Some(VeryHigh)));
    assert_eq!(bands(&wanted(RAPE, suspected)).1, Some(VeryHigh), "1,825 is enough");
    assert_eq!(bands(&wanted(WOUNDING, suspected)).1, Some(High));
    assert_eq!(bands(&wanted(ROBBERY, suspected)).1, Some(High), "365 is enough");
    assert_eq!(bands(&wanted(ABH, suspected)).1, None);
    assert_eq!(bands(&wanted(MURDER, Outcome::NoCrime)).1, None);
    assert_eq!(bands(&wanted(MURDER, suspected).seen_as(PersonCategory::Witness)).1, None);
    let trafficked = wanted(MURDER, suspected).exploitation("nrm", ExploitationStatus::Pending, day(-2), &["o"], None);
    assert_eq!(bands(&trafficked).1, None);
}

#[test]
fn one_who_escaped_is_not_wanted_for_the_offence_of_the_sentence() {
    let absconded =
        open(OutstandingReason::AbscondFromOpenConditions, &["o"]).offence("o", MURDER, day(-900), Outcome::Convicted);
    assert_eq!(bands(&absconded).1, Some(High));
}

#[test]
fn wanted_for_domestic_abuse_of_a_vulnerable_or_repeat_victim_is_high() {
    let wanted = |domestic, vulnerable, repeat| {
        open(OutstandingReason::NamedSuspectNotArrested, &["o"])
            .offence("o", ABH, day(-90), Outcome::Suspected)
            .edit_offence(|offence| {
                offence.domestic_abuse = domestic;
                offence.victim = Some(Victim { reference: Some("V".into()), natural_person: true, vulnerable, repeat });
            })
    };
    assert_eq!(bands(&wanted(true, true, false)), (None, Some(High)));
    assert_eq!(bands(&wanted(true, false, true)).1, Some(High));
    assert_eq!(bands(&wanted(true, false, false)).1, None);
    assert_eq!(bands(&wanted(false, true, true)).1, None);
    let linked = |other: i32| {
        let repeat = Repeat { offence_id: "o".into(), dates: [day(other), day(-90)].into() };
        let dossier = wanted(true, false, false).dossier().with_repeats([repeat].into());
        highest(&Case::new(&dossier, rules(), day(0)), Family::Outstanding, None)
    };
    assert_eq!(linked(-90 - 365), Some(High), "the victim index found another date");
    assert_eq!(linked(-90 - 366), None);
}

#[test]
fn a_recall_is_high_where_serious_harm_or_the_index_offence_is() {
    let recall =
        |code| open(OutstandingReason::RecallStandard, &["o"]).offence("o", code, day(-900), Outcome::Convicted);
    assert_eq!(bands(&recall(ROBBERY)), (Some(Medium), Some(High)));
    assert_eq!(bands(&recall(BURGLARY)), (Some(Medium), Some(Medium)));
    let rosh = recall(BURGLARY).assessment(
        "r",
        AssessmentKind::OasysRosh,
        day(-20),
        Finding::Level(AssessmentLevel::High),
        None,
    );
    assert_eq!(bands(&rosh), (Some(Medium), Some(High)));
    assert_eq!(rules_of(&rosh, Family::Outstanding, None), ["RECALLED_WITH_ROSH_HIGH"]);
    assert_eq!(rules_of(&rosh, Family::Cohort, None), ["RECALLED"], "shown where no higher floor is");
}

#[test]
fn release_from_a_grave_sentence_raises_28_days_before_to_90_after() {
    let due = |days: i32, code| {
        Records::new().offence("o", code, day(-3_000), Outcome::Convicted).sentence(
            "c",
            day(-2_900),
            Some(day(days)),
            None,
            &["o"],
        )
    };
    assert_eq!(bands(&due(28, RAPE)), (Some(High), Some(High)));
    assert_eq!(bands(&due(29, RAPE)), (None, None));
    assert_eq!(bands(&due(-90, RAPE)).0, Some(High));
    assert_eq!(bands(&due(-91, RAPE)).0, None);
    assert_eq!(bands(&due(1, WOUNDING)).0, None, "1,460 is not enough");
}

#[test]
fn nothing_stands_while_a_known_release_is_over_84_days_off() {
    let until = |release: Option<i32>| {
        assessed(AssessmentKind::Mappa, mappa(2, 3)).sentence("c", day(-400), release.map(day), None, &[])
    };
    assert_eq!(bands(&until(Some(84))), (Some(VeryHigh), Some(VeryHigh)));
    assert_eq!(bands(&until(Some(85))), (None, None));
    assert!(rules_of(&until(Some(85)), Family::Cohort, Some(0.99)).is_empty());
    assert_eq!(bands(&until(None)).0, Some(VeryHigh), "an unknown release is not a far one");
    let remand = assessed(AssessmentKind::Mappa, mappa(2, 3)).remand("c", day(-400), None);
    assert_eq!(bands(&remand).0, Some(VeryHigh));
}

fn thefts(dates: impl IntoIterator<Item = i32>, code: &str) -> Records {
    dates.into_iter().enumerate().fold(Records::new(), |records, (place, date)| {
        records.offence(&format!("o{place}"), code, day(date), Outcome::Suspected)
    })
}

#[test]
fn the_prolific_are_raised_by_their_arp() {
    let burglar = thefts([-1, -20, -40, -60, -80, -365], BURGLARY);
    assert_eq!(
        rules_of(&burglar, Family::Cohort, Some(0.75)),
        ["PROLIFIC_NEIGHBOURHOOD_CRIME", "REOFFENDING_VERY_LIKELY"]
    );
    assert_eq!(rules_of(&burglar, Family::Outstanding, Some(0.75)), ["REOFFENDING_VERY_LIKELY"]);
    assert!(rules_of(&burglar, Family::Cohort, Some(0.7499)).is_empty());
    assert!(rules_of(&burglar, Family::Cohort, None).is_empty());
    let five = thefts([-1, -20, -40, -60, -80, -80, -366], BURGLARY);
    assert_eq!(rules_of(&five, Family::Cohort, Some(0.9)), ["REOFFENDING_VERY_LIKELY"]);
    let shoplifter = thefts([-1, -20, -40, -60, -80, -100], SHOP_THEFT);
    assert_eq!(rules_of(&shoplifter, Family::Cohort, Some(0.9)), ["REOFFENDING_VERY_LIKELY"]);
}

#[test]
fn each_end_of_the_interval_has_the_floors_of_its_arp_and_dates() {
    let burglar = thefts([-1, -20, -40, -60, -80], BURGLARY)
        .offence("u", BURGLARY, day(-100), Outcome::Suspected)
        .edit_offence(|offence| offence.committed = None);
    let dossier = burglar.dossier();
    let case = Case::new(&dossier, rules(), day(0));
    let grounds = Grounds::of(&case, &Stay::of(&case));
    let at = |arp, end| grounds.highest(&rules().policy.floors, Family::Cohort, Some(arp), end);
    assert_eq!(at(0.8, End::Point), Some(High));
    assert_eq!(at(0.8, End::Low), Some(Medium), "the sixth may have been a year before its report");
    assert_eq!(at(0.7, End::Low), None);
    assert_eq!(at(0.8, End::High), Some(High));
}

#[test]
fn domestic_abuse_on_three_dates_is_medium() {
    let abuse = |dates: &[i32], outcome| {
        dates.iter().enumerate().fold(Records::new(), |records, (place, date)| {
            records
                .offence(&format!("o{place}"), ABH, day(*date), outcome)
                .edit_offence(|offence| offence.domestic_abuse = true)
        })
    };
    assert_eq!(bands(&abuse(&[-1, -2, -365], Outcome::Suspected)), (Some(Medium), Some(Medium)));
    assert_eq!(bands(&abuse(&[-1, -1, -365], Outcome::Suspected)).0, None);
    assert_eq!(bands(&abuse(&[-1, -2, -366], Outcome::Suspected)).0, None);
    assert_eq!(bands(&abuse(&[-1, -2, -3], Outcome::NoFurtherAction)).0, None);
}

#[test]
fn a_registered_sex_offender_is_medium_while_the_marker_stands() {
    let until =
        |expires: Option<Date>| Records::new().marker("m", MarkerKind::RegisteredSexOffender, day(-900), expires);
    assert_eq!(bands(&until(None)), (Some(Medium), Some(Medium)));
    assert_eq!(bands(&until(Some(day(-1)))), (None, None));
}

#[test]
fn a_floor_names_the_records_behind_it() {
    let wanted =
        open(OutstandingReason::NamedSuspectNotArrested, &["o"]).offence("o", MURDER, day(-90), Outcome::Suspected);
    let dossier = wanted.dossier();
    let floors = list(&Case::new(&dossier, rules(), day(0)), Family::Outstanding, Some(0.8), &["sanction".into()]);
    assert_eq!(floors.len(), 2);
    assert_eq!(*floors[0].evidence, ["f".into(), "o".into()]);
    assert_eq!(*floors[1].evidence, ["sanction".into()]);
    assert!(floors.iter().all(|floor| floor.description.ends_with('.')));
}
