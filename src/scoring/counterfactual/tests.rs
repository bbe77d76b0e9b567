//! What would move a band: each kind both ways, and what is said where nothing does.

use super::*;
use crate::domain::evidence::{Finding, Other};
use crate::domain::word::AssessmentKind::{Dash, Marac, OasysRosh};
use crate::domain::word::AssessmentLevel::{High, Low, VeryHigh};
use crate::domain::word::MarkerKind::Violent;
use crate::domain::word::{Handling, Outcome, OutstandingReason, OverrideScope, Sex, ThreatIndicator};
use crate::scoring::fixture::{ABH, MURDER, RAPE, ROBBERY, Records, SHOP_THEFT, WOUNDING, day, rules};
use Direction::{Down, Up};

fn told(records: &Records, family: Family) -> WhatIf {
    what_if(&records.dossier(), rules(), day(0), family, true)
}

/// The answer of a kind in a direction.
fn answer(what_if: &WhatIf, kind: Kind, direction: Direction) -> &Result<Change, Unmoved> {
    let found = what_if.told.iter().find(|it| it.kind == kind && it.direction == direction);
    &found.unwrap_or_else(|| panic!("{kind:?} {direction:?} must be told of: {what_if:#?}")).answer
}

fn change(what_if: &WhatIf, kind: Kind, direction: Direction) -> &Change {
    answer(what_if, kind, direction).as_ref().unwrap_or_else(|none| panic!("{kind:?} {direction:?}: {none:?}"))
}

fn reason(what_if: &WhatIf, kind: Kind, direction: Direction) -> &'static str {
    answer(what_if, kind, direction).as_ref().expect_err("must not move").reason
}

fn adult() -> Records {
    Records::new().person(Some(day(-30 * 365)), Some(Sex::Male), (0, 0), day(-90))
}

/// A man with a robbery of a year ago: in the middle of the bands.
fn robber() -> Records {
    adult().offence("robbery", ROBBERY, day(-365), Outcome::Convicted)
}

#[test]
fn months_with_nothing_new_bring_a_band_down_and_the_least_number_is_told() {
    let records = robber();
    let what_if = told(&records, Family::Cohort);
    let found = change(&what_if, Kind::OffenceFreeTime, Down);
    let band = |months: u32| {
        let as_of = day(0).plus_months(i32::try_from(months).unwrap());
        composite::weigh(&records.dossier(), rules(), as_of).cohort.floored
    };
    assert!(what_if.band > Band::Low && found.size > 0);
    assert!(band(found.size) < what_if.band && found.band == band(found.size));
    assert!((1..found.size).all(|months| band(months) >= what_if.band), "the least number of months");
    assert!(found.evidence.is_empty());
    assert!(found.description.contains(&format!("nothing new for {} month", found.size)), "{}", found.description);
    assert!(found.description.contains("Planned dates"));
}

#[test]
fn while_a_file_is_open_waiting_changes_nothing_and_that_is_said() {
    let records =
        robber().file("wanted", OutstandingReason::NamedSuspectNotArrested, &[(day(-30), None)], &["robbery"]);
    let what_if = told(&records, Family::Outstanding);
    assert_eq!(reason(&what_if, Kind::OffenceFreeTime, Down), "CLOCK_STOPPED");
    let Err(none) = answer(&what_if, Kind::OffenceFreeTime, Down) else { panic!("must not move") };
    assert!(none.description.contains("an outstanding file is open"), "{}", none.description);
}

#[test]
fn a_release_that_draws_near_brings_a_band_up_without_anything_new() {
    let records = adult().offence("wounding", WOUNDING, day(-300), Outcome::Convicted).sentence(
        "stay",
        day(-290),
        Some(day(400)),
        None,
        &["wounding"],
    );
    let what_if = told(&records, Family::Cohort);
    let found = change(&what_if, Kind::OffenceFreeTime, Up);
    assert!((10..=14).contains(&found.size), "{found:?}");
    assert!(found.description.contains("the person is in custody"), "{}", found.description);
}

#[test]
fn an_assessment_at_another_level_moves_a_band_either_way_by_the_nearest_level() {
    let records = adult().assessment("rosh", OasysRosh, day(-10), Finding::Level(High), Some(day(300)));
    let what_if = told(&records, Family::Cohort);
    let up = change(&what_if, Kind::AssessmentRenewed, Up);
    assert_eq!((up.size, &*up.evidence[0], up.band), (1, "rosh", Band::High));
    assert!(up.description.contains("renewed today at very high"), "{}", up.description);

    let records = adult().assessment("rosh", OasysRosh, day(-10), Finding::Level(VeryHigh), Some(day(300)));
    let what_if = told(&records, Family::Cohort);
    let down = change(&what_if, Kind::AssessmentRenewed, Down);
    assert_eq!((down.size, down.band), (1, Band::Low));
    assert_eq!(reason(&what_if, Kind::AssessmentRenewed, Up), "NO_SINGLE_CHANGE");
}

#[test]
fn one_that_expired_moves_a_band_when_it_is_renewed_as_it_was() {
    let records = adult().assessment("marac", Marac, day(-500), Finding::Held, Some(day(-100))).assessment(
        "older",
        Dash,
        day(-600),
        Finding::Level(Low),
        None,
    );
    let what_if = told(&records, Family::Cohort);
    let up = change(&what_if, Kind::AssessmentRenewed, Up);
    assert_eq!((up.size, &*up.evidence[0]), (0, "marac"));
    assert!(up.description.contains("expired after") && up.description.contains("renewed today as it is"));
    assert_eq!(what_if.told[0].kind, Kind::AssessmentRenewed, "the smallest change comes first");
}

#[test]
fn a_report_graded_otherwise_moves_a_band_by_the_fewest_steps() {
    let firearm = ThreatIndicator::AccessToFirearm;
    let records = adult().report("r", firearm, day(-5), "1A", Some("s")).report("q", firearm, day(-6), "3E", Some("t"));
    let what_if = told(&records, Family::Cohort);
    assert_eq!(what_if.band, Band::Medium, "well graded intelligence of a firearm");
    let down = change(&what_if, Kind::IntelligenceRegraded, Down);
    assert_eq!((&*down.evidence[0], down.band), ("r", Band::Low));
    // 1B still counts .8 and keeps the floor: source 2 is .6, assessment C .5.
    assert_eq!(down.size, 1);
    assert!(down.description.contains("graded 1A, graded 2A instead"), "{}", down.description);

    let records = adult().report("r", firearm, day(-5), "2B", Some("s"));
    let up = told(&records, Family::Cohort);
    let up = change(&up, Kind::IntelligenceRegraded, Up);
    assert_eq!((up.size, up.band), (1, Band::Medium), "{up:?}");
}

#[test]
fn a_report_that_may_not_be_seen_is_not_tried_and_only_that_there_is_more_is_said() {
    let records = adult().report("secret", ThreatIndicator::AccessToFirearm, day(-5), "1A", Some("s"));
    let told = |sensitive| what_if(&records.dossier(), rules(), day(0), Family::Cohort, sensitive);
    assert!(answer(&told(true), Kind::IntelligenceRegraded, Down).is_ok());
    let without = told(false);
    let Err(none) = answer(&without, Kind::IntelligenceRegraded, Down) else { panic!("must not be told") };
    assert!(none.description.contains("handling code C are left out"), "{}", none.description);
    assert!(!format!("{without:?}").contains("secret") && !format!("{without:?}").contains("1A"));
    let open = records.edit(|record| {
        if let crate::domain::evidence::Kind::Other(Other::Intelligence(report)) = &mut record.kind {
            report.handling = Handling::P;
        }
    });
    let open = what_if(&open.dossier(), rules(), day(0), Family::Cohort, false);
    assert!(answer(&open, Kind::IntelligenceRegraded, Down).is_ok());
}

#[test]
fn an_allegation_ended_either_way_moves_a_band() {
    let records = adult().offence("rape", RAPE, day(-20), Outcome::Suspected).marker("m", Violent, day(-5), None);
    let what_if = told(&records, Family::Cohort);
    let down = change(&what_if, Kind::RecordCleared, Down);
    assert_eq!((&*down.evidence[0], down.composite.get(), down.band), ("rape", 6_250, Band::Low), "the marker's alone");
    let up = change(&what_if, Kind::AllegationProved, Up);
    assert_eq!(&*up.evidence[0], "rape");
    assert!(up.composite > what_if.composite && up.band > what_if.band);
}

#[test]
fn a_decided_case_is_nobody_s_to_end_again() {
    let what_if = told(&robber(), Family::Cohort);
    assert_eq!(reason(&what_if, Kind::RecordCleared, Down), "NOTHING_HELD");
    assert_eq!(reason(&what_if, Kind::AllegationProved, Up), "NOTHING_HELD");
}

#[test]
fn an_open_file_closed_takes_its_threat_and_its_floor_away() {
    let records = robber().file("recall", OutstandingReason::RecallEmergency, &[(day(-3), None)], &["robbery"]);
    let what_if = told(&records, Family::Outstanding);
    assert_eq!(what_if.band, Band::VeryHigh);
    let down = change(&what_if, Kind::FileClosed, Down);
    assert_eq!(&*down.evidence[0], "recall");
    assert!(down.description.contains("would leave the outstanding lists"), "{}", down.description);
    assert!(what_if.told.iter().all(|it| it.direction == Down), "no band lies above the highest");
}

#[test]
fn with_nothing_held_every_kind_says_that_there_is_nothing() {
    let what_if = told(&adult(), Family::Cohort);
    assert_eq!((what_if.band, what_if.composite), (Band::Low, MilliPoints::ZERO));
    let kinds: Vec<Kind> = what_if.told.iter().map(|it| it.kind).collect();
    assert_eq!(kinds, [Kind::AssessmentRenewed, Kind::IntelligenceRegraded, Kind::AllegationProved]);
    for it in &what_if.told {
        assert_eq!((it.direction, it.answer.as_ref().expect_err("nothing is held").reason), (Up, "NOTHING_HELD"));
    }
}

#[test]
fn an_override_that_holds_the_band_is_told_first() {
    let records = robber().band_override("o", Band::VeryHigh, OverrideScope::Both, day(-2), day(4_000), None);
    let what_if = told(&records, Family::Cohort);
    assert!(what_if.band < Band::VeryHigh, "the band without the override is the one that moves");
    assert!(what_if.notes.iter().any(|note| note.contains("holds the band shown at VERY HIGH")), "{:?}", what_if.notes);
    let down = change(&what_if, Kind::OffenceFreeTime, Down);
    assert_eq!(down.shown, Band::VeryHigh);
    assert!(down.description.contains("would still hold the band shown"), "{}", down.description);
}

#[test]
fn a_child_s_is_told_with_what_the_method_is_not_made_for() {
    let records = Records::new().person(Some(day(-16 * 365)), Some(Sex::Male), (0, 0), day(-90)).offence(
        "theft",
        SHOP_THEFT,
        day(-9),
        Outcome::Charged,
    );
    let notes = told(&records, Family::Cohort).notes;
    assert_eq!(notes[0], NOT_ADVICE);
    assert!(notes.iter().any(|note| note.contains("not validated for children")), "{notes:?}");
}

#[test]
fn of_very_many_records_the_newest_are_tried_and_the_rest_is_counted() {
    let records = (0..MOST_RECORDS + 7).fold(adult(), |records, number| {
        let date = day(-i32::try_from(number).unwrap() - 1);
        records.offence(&format!("o-{number:03}"), ABH, date, Outcome::Suspected)
    });
    let what_if = told(&records, Family::Cohort);
    let told = "Of undecided allegations the newest 100 were tried and 7 left out.";
    assert!(what_if.notes.iter().any(|note| note == told), "{:?}", what_if.notes);
}

/// The search stops at the first change that moves the band: nothing smaller may be left untried.
#[test]
fn no_smaller_change_of_its_kind_moves_the_band() {
    let records = adult()
        .offence("murder", MURDER, day(-3_000), Outcome::Suspected)
        .offence("robbery", ROBBERY, day(-40), Outcome::Charged)
        .report("r1", ThreatIndicator::AccessToWeapon, day(-9), "2C", Some("a"))
        .report("r2", ThreatIndicator::IntentToHarmIdentifiedPerson, day(-30), "2B", Some("b"));
    let dossier = records.dossier();
    let what_if = told(&records, Family::Cohort);
    let moves = |found: &Change, grade: (u8, u8), id: &str| {
        let filed = dossier.others().iter().find(|filed| *filed.id == *id).unwrap();
        let Other::Intelligence(report) = &filed.kind else { panic!("must be a report") };
        let regraded = crate::domain::evidence::Intelligence {
            grade: crate::domain::evidence::Grade::Current { source: grade.0, assessment: grade.1 },
            ..report.clone()
        };
        let record = crate::domain::evidence::Evidence {
            id: filed.id.clone(),
            revision: filed.revision,
            category: filed.category,
            updated: filed.updated,
            kind: crate::domain::evidence::Kind::Other(Other::Intelligence(regraded)),
        };
        let after = composite::weigh(&dossier.with(record), rules(), day(0)).cohort.floored;
        (after > what_if.band) == (found.band > what_if.band) && after != what_if.band
    };
    for it in what_if.told.iter().filter(|it| it.kind == Kind::IntelligenceRegraded) {
        let Ok(found) = &it.answer else { continue };
        for (id, source, assessment) in [("r1", 2_u8, 2_u8), ("r2", 2, 1)] {
            for to in (1..=3).flat_map(|source| (0..=4).map(move |assessment| (source, assessment))) {
                let steps = u32::from(u8::abs_diff(to.0, source)) + u32::from(u8::abs_diff(to.1, assessment));
                assert!(steps >= found.size || !moves(found, to, id), "{id} {to:?} {found:?}");
            }
        }
    }
}
