//! The screen on answers made by hand, and the rules of what is asked for.

use super::*;
use crate::cli::test_screens::{agrees_with, context, standing};

fn contribution(part: pb::Component, rule: &str, milli: u32, description: &str, ids: &[&str]) -> pb::Contribution {
    pb::Contribution {
        component: part.into(),
        rule: rule.to_owned(),
        milli_points: milli,
        description: description.to_owned(),
        evidence_ids: ids.iter().map(|id| (*id).to_owned()).collect(),
        ..Default::default()
    }
}

fn factor(name: &str, value: &str, unit: &str) -> pb::Factor {
    pb::Factor { name: name.to_owned(), value: value.to_owned(), unit: unit.to_owned() }
}

fn predictor(instrument: &str, probability: f64, band: pb::PredictorBand, scored: bool) -> pb::Predictor {
    pb::Predictor {
        instrument: instrument.to_owned(),
        probability,
        band: band.into(),
        source: pb::PredictorSource::Computed.into(),
        scored,
        ..Default::default()
    }
}

fn detail() -> pb::StandingDetail {
    use pb::Component::{Harm, Risk, Threat};
    let mut robbery = contribution(
        Harm,
        "OFFENCE",
        20_100,
        "Convicted of robbery on 3 January 2026; the victim is vulnerable.",
        &["niche-off-4411"],
    );
    robbery.factors =
        vec![factor("harm_days", "365", "days"), factor("proof", "1", "x"), factor("victim", "1.25", "x")];
    pb::StandingDetail {
        contributions: vec![
            robbery,
            contribution(Risk, "ARP", 9_800, "ARP of 81.20 %: any reoffending within two years.", &["niche-off-4411"]),
            contribution(
                Threat,
                "ACCESS_TO_WEAPON",
                7_400,
                "Intelligence that he carries a knife, graded 1A.",
                &["intel-9"],
            ),
            contribution(
                Risk,
                "VRP",
                6_200,
                "VRP of 44.10 %: violent reoffending within two years.",
                &["niche-off-4411"],
            ),
            contribution(
                Harm,
                "OFFENCE",
                6_200,
                "Charged with burglary of a dwelling on 9 February 2026.",
                &["niche-off-4500"],
            ),
            contribution(
                Risk,
                "SVRP",
                5_350,
                "SVRP of 2.10 %: serious violence within two years.",
                &["niche-off-4411"],
            ),
            contribution(
                Threat,
                "BREACH_OF_ORDER",
                4_600,
                "Breached a restraining order on 1 March 2026.",
                &["brd-1", "brd-2", "brd-3", "brd-4", "brd-5"],
            ),
            contribution(Harm, "OFFENCE", 2_500, "Convicted of common assault on 4 May 2024.", &["niche-off-3000"]),
        ],
        predictors: vec![
            predictor("ARP", 0.812, pb::PredictorBand::High, true),
            pb::Predictor {
                instrument: "OGRS3".to_owned(),
                missing: "age at first sanction".to_owned(),
                ..Default::default()
            },
        ],
        floors: vec![pb::Floor {
            sensitive: false,
            rule: "MAPPA_LEVEL_3".to_owned(),
            band: pb::Band::VeryHigh.into(),
            evidence_ids: vec!["visor-77".to_owned()],
            description: "Managed at MAPPA level 3.".to_owned(),
        }],
        interval: Some(pb::ScoreInterval {
            low: 55_000,
            high: 66_100,
            low_band: pb::Band::High.into(),
            high_band: pb::Band::VeryHigh.into(),
        }),
        gaps: vec![pb::Gap {
            sensitive: false,
            reason: "HARM_ESTIMATED".to_owned(),
            description: "The index does not list one offence; naming its exact code would settle it.".to_owned(),
            evidence_ids: vec!["niche-off-4500".to_owned()],
            widens_interval: true,
        }],
        custody_factor: 10_000,
        escalating: true,
        weights: vec![25, 35, 40],
        ..Default::default()
    }
}

fn made() -> Story {
    let mut third = standing("S-000113", 3, pb::Band::VeryHigh, 62_150);
    third.computed_band = pb::Band::High.into();
    third.provisional = true;
    third.detail = Some(detail());
    let mut wanted = standing("S-000113", 12, pb::Band::VeryHigh, 60_200);
    wanted.outstanding_since = "2026-03-02".to_owned();
    let listed = |list: pb::List, standing: pb::Standing, list_size| pb::ListedStanding {
        list: list.into(),
        family: pb::Family::Cohort.into(),
        standing: Some(standing),
        list_size,
        ..Default::default()
    };
    let compared = |explanation: &str| {
        Some(pb::CompareStandingsResponse { explanation: explanation.to_owned(), ..Default::default() })
    };
    let cohort = listed(pb::List::Cohort, third.clone(), 412);
    Story {
        standing: pb::GetStandingResponse {
            context: Some(context()),
            subject_ref: "S-000113".to_owned(),
            standings: vec![cohort.clone(), listed(pb::List::Outstanding, wanted, 90)],
            areas: vec!["north".to_owned()],
            offender_manager: "om-12".to_owned(),
            ..Default::default()
        },
        listed: cohort,
        neighbourhood: pb::GetNeighbourhoodResponse {
            context: Some(context()),
            above: vec![
                standing("S-000008", 1, pb::Band::VeryHigh, 71_004),
                standing("S-000071", 2, pb::Band::VeryHigh, 64_700),
            ],
            subject: Some(third),
            below: vec![standing("S-000042", 4, pb::Band::High, 69_960)],
            list_size: 412,
        },
        above: compared("S-000071 scores 2.550 points more, mainly for harm."),
        below: compared("S-000042 is in the band HIGH"),
    }
}

#[test]
fn why_is_this_person_third() {
    agrees_with("explain.txt", &screen(&made(), false, Page::PLAIN));
}

#[test]
fn the_shares_shown_sum_to_the_score_also_when_small_ones_are_gathered() {
    let mut story = made();
    let standing = story.listed.standing.as_mut().unwrap();
    let detail = standing.detail.as_mut().unwrap();
    let small = (0..40).map(|n| contribution(pb::Component::Harm, "OFFENCE", 10, "Shop theft.", &[&format!("o-{n}")]));
    detail.contributions.extend(small);
    standing.composite += 400;
    let shown = screen(&story, false, Page::PLAIN);
    let all = screen(&story, true, Page::PLAIN);
    for text in [&shown, &all] {
        let start = text.find("WHAT THE SCORE IS MADE OF").unwrap();
        let part = text[start..].split("-------").next().unwrap();
        let milli: u32 = part
            .lines()
            .filter_map(|line| line.get(2..9)?.trim().parse::<f64>().ok())
            .map(|points| crate::domain::MilliPoints::from_points(points).get())
            .sum();
        assert_eq!(milli, 62_550, "{part}");
    }
    assert!(shown.contains("smaller ones together; --all shows each"));
    assert!(all.contains("[o-39]") && !all.contains("smaller ones together"));
}

#[test]
fn a_first_place_alone_on_a_list_without_evidence_is_told_plainly() {
    let mut story = made();
    story.above = None;
    story.below = None;
    story.neighbourhood.above.clear();
    story.neighbourhood.below.clear();
    let standing = story.listed.standing.as_mut().unwrap();
    standing.provisional = false;
    standing.effective_band = pb::Band::Low.into();
    standing.computed_band = pb::Band::Low.into();
    standing.detail = Some(pb::StandingDetail::default());
    let text = screen(&story, false, Page::PLAIN);
    for said in [
        "Nobody stands higher.",
        "Nobody else stands on this list.",
        "Nothing held adds to the score.",
        "Nothing that would change the score.",
        "No rule raises it and nobody overrides it.",
    ] {
        assert!(text.contains(said), "{said} is missing from\n{text}");
    }
}

#[test]
fn an_override_and_safeguarding_are_told_with_who_and_why() {
    let mut story = made();
    let standing = story.listed.standing.as_mut().unwrap();
    standing.overridden = true;
    standing.child = true;
    let detail = standing.detail.as_mut().unwrap();
    detail.safeguarding = vec!["Under 18: the score is not validated for children.".to_owned()];
    detail.r#override = Some(pb::StandingOverride {
        record_id: "ovr-1".to_owned(),
        band: pb::Band::VeryHigh.into(),
        officer: "off-5".to_owned(),
        rationale: "New threats\u{1b}[2J reported overnight".to_owned(),
        expires_on: "2026-04-14".to_owned(),
        second_officer: "insp-2".to_owned(),
    });
    let text = screen(&story, false, Page::PLAIN);
    assert!(text.contains("Overridden to VERY HIGH by off-5, with insp-2, until 14 April 2026: New threats"), "{text}");
    assert!(!text.contains('\u{1b}'));
    assert!(text.find("SAFEGUARDING FIRST").unwrap() < text.find("IN SHORT").unwrap());
}

#[test]
fn without_a_list_the_most_specific_is_explained_and_another_can_be_asked_for() {
    let standing = made().standing;
    assert_eq!(listed(&standing, None).unwrap().list(), pb::List::Cohort);
    assert_eq!(listed(&standing, Some(List::Outstanding)).unwrap().list(), pb::List::Outstanding);
    let refused = listed(&standing, Some(List::Recalls)).unwrap_err().to_string();
    assert_eq!(refused, "the person does not stand on recalls; they stand on COHORT, OUTSTANDING");
}

#[test]
fn csv_has_a_row_a_reason() {
    let text = csv(&made().standing, Some(List::Cohort)).unwrap();
    assert_eq!(text.lines().count(), 9);
    assert_eq!(
        text.lines().nth(3),
        Some(
            "S-000113,COHORT,threat,ACCESS_TO_WEAPON,7400,,intel-9,\"Intelligence that he carries a knife, graded 1A.\""
        )
    );
}

#[tokio::test]
async fn the_holder_of_a_place_is_found_and_an_empty_place_is_told() {
    let mut client = crate::cli::test_server::fixed().await;
    assert_eq!(holder(&mut client, List::Cohort, 3).await.unwrap(), "S-003");
    let error = holder(&mut client, List::Cohort, 26).await.unwrap_err();
    assert_eq!(error.to_string(), "nobody is in place 26 on COHORT: it holds 25");
    assert_eq!(crate::cli::exit::of(&error), Exit::Nothing);
}

#[tokio::test]
async fn a_story_is_told_against_the_nearest_on_each_side() {
    let mut client = crate::cli::test_server::fixed().await;
    let third = story(&mut client, "S-003", None).await.unwrap();
    assert_eq!(third.above.unwrap().explanation, "S-002 scores more than S-003.");
    assert_eq!(third.below.unwrap().explanation, "S-003 scores more than S-004.");
    let first = story(&mut client, "S-001", Some(List::Cohort)).await.unwrap();
    assert!(first.above.is_none());
    let last = story(&mut client, "S-025", None).await.unwrap();
    assert!(last.below.is_none());
    let error = story(&mut client, "S-999", None).await.unwrap_err();
    assert_eq!(crate::cli::exit::of(&error), Exit::Nothing);
}
