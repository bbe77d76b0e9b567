//! What is asked for, and that the screen is one screen.

use clap::Parser;
use tonic::{Response, Status};

use super::ask::{Since, part};
use super::*;
use crate::cli::test_screens::{agrees_with, cohort_review, context, gap, london, movements, standing, victim_update};

#[derive(Debug, Parser)]
#[command(no_binary_name = true)]
struct Line {
    #[command(flatten)]
    args: Args,
}

fn listed(list: List, people: u32) -> (List, Option<Listed>) {
    let band = |name: &str, count| pb::NamedCount { name: name.to_owned(), count };
    let mut standings: Vec<_> = (1..=people.min(4))
        .map(|place| standing(&format!("S-{:06}", place * 113), place, pb::Band::VeryHigh, 62_150 - place))
        .collect();
    for standing in &mut standings {
        standing.outstanding_since = "2026-03-12".to_owned();
        standing.circulation = pb::Circulation::PncWanted.into();
    }
    if let Some(second) = standings.get_mut(1) {
        second.provisional = true;
        second.computed_band = pb::Band::High.into();
        second.custody = pb::CustodyState::Remand.into();
    }
    let summary = pb::GetListSummaryResponse {
        context: Some(context()),
        size: people,
        by_band: vec![
            band("BAND_VERY_HIGH", people.min(12)),
            band("BAND_HIGH", people.saturating_sub(12)),
            band("BAND_MEDIUM", 0),
        ],
        ..Default::default()
    };
    let first = pb::ListStandingsResponse { context: Some(context()), standings, ..Default::default() };
    (list, Some(Listed { summary, first }))
}

fn morning() -> Morning {
    let gaps = (1..=4).map(|place| gap(&format!("S-{:06}", place * 7), "out-7", pb::Band::VeryHigh, place)).collect();
    let victims = (1..=4).map(|place| victim_update("S-000113", &format!("v-{place}"), 400_000)).collect();
    let reviews = (1..=4).map(|place| cohort_review(&format!("S-{:06}", place * 11), 273_600)).collect();
    let closed = |outcome: pb::CloseOutcome, files| pb::ClosedCount { outcome: outcome.into(), files };
    Morning {
        now: london("2026-03-31T09:00:00+01:00"),
        areas: Vec::new(),
        lists: vec![
            listed(List::Cohort, 1_412),
            listed(List::Outstanding, 388),
            listed(List::Wanted, 200),
            listed(List::BailFailed, 1),
            listed(List::Recalls, 14),
            listed(List::Warrants, 173),
        ],
        moved: vec![
            (List::Cohort, Moved::Told(Box::new(movements(2)))),
            (List::Outstanding, Moved::Told(Box::new(movements(2)))),
        ],
        gaps: Some(pb::ListSupervisionGapsResponse {
            gaps,
            open_files: 1_412,
            overdue_files: 57,
            never_reviewed: 12,
            ..Default::default()
        }),
        victims: Some(pb::ListVictimUpdatesResponse { updates: victims, files: 31, ..Default::default() }),
        reviews: Some(pb::ListCohortReviewsResponse { reviews, members: 412, overdue: 9, ..Default::default() }),
        yesterday: Some(pb::GetOutstandingReturnResponse {
            as_at: "2026-03-30".to_owned(),
            opened: 12,
            closed: vec![closed(pb::CloseOutcome::Arrested, 7), closed(pb::CloseOutcome::Withdrawn, 2)],
            closed_still_circulated: 3,
            total: Some(pb::ReturnCounts {
                open: 1_410,
                never_circulated: 80,
                with_vulnerable_victim: 41,
                ..Default::default()
            }),
            ..Default::default()
        }),
    }
}

fn fits(text: &str) {
    let widest = text.lines().map(|line| line.chars().count()).max().unwrap_or_default();
    assert!(text.lines().count() <= 50 && widest <= 100, "{} lines, {widest} wide:\n{text}", text.lines().count());
}

#[test]
fn the_morning_is_one_screen() {
    let text = screen(&morning(), Page::PLAIN);
    fits(&text);
    agrees_with("briefing.txt", &text);
}

#[test]
fn long_references_are_cut_where_it_shows_and_the_screen_still_fits() {
    let long = "x".repeat(64);
    let mut morning = morning();
    morning.areas = vec!["a".repeat(20)];
    for (_, listed) in &mut morning.lists {
        for standing in &mut listed.as_mut().unwrap().first.standings {
            standing.subject_ref.clone_from(&long);
            standing.overridden = true;
        }
    }
    for (_, moved) in &mut morning.moved {
        let Moved::Told(answer) = moved else { panic!("they must be told") };
        for movement in &mut answer.movements {
            movement.subject_ref.clone_from(&long);
            movement.causes.as_mut().unwrap().evidence_ids = vec![long.clone(); 20];
        }
    }
    for gap in &mut morning.gaps.as_mut().unwrap().gaps {
        gap.subject_ref.clone_from(&long);
        gap.officer.clone_from(&long);
        gap.supervisor.clone_from(&long);
        gap.clocks[0].clock = pb::SupervisionClock::ChiefInspector.into();
        gap.clocks[0].overdue_seconds = 1_000 * 86_400 - 1;
    }
    for update in &mut morning.victims.as_mut().unwrap().updates {
        update.officer.clone_from(&long);
        update.victim.as_mut().unwrap().victim_ref.clone_from(&long);
        update.victim.as_mut().unwrap().updated_time = Some(london("2026-03-20T08:00:00Z"));
    }
    for review in &mut morning.reviews.as_mut().unwrap().reviews {
        review.subject_ref.clone_from(&long);
        review.offender_manager.clone_from(&long);
    }
    let text = screen(&morning, Page::PLAIN);
    fits(&text);
    let heading = text.lines().position(|line| line.starts_with("WHAT IS OVERDUE")).unwrap();
    let row = text.lines().nth(heading + 1).unwrap();
    assert!(
        row.matches('…').count() >= 2 && row.contains("review 999 days"),
        "what gives way is not what is overdue: {row}"
    );
}

#[test]
fn an_empty_force_and_one_that_may_not_look_are_told_apart() {
    let nothing = Morning {
        lists: vec![listed(List::Cohort, 0), listed(List::Outstanding, 0), listed(List::Recalls, 0)],
        moved: vec![
            (List::Cohort, Moved::Nothing("nothing to compare with yet")),
            (List::Outstanding, Moved::Told(Box::default())),
        ],
        gaps: Some(pb::ListSupervisionGapsResponse::default()),
        victims: Some(pb::ListVictimUpdatesResponse::default()),
        reviews: Some(pb::ListCohortReviewsResponse::default()),
        ..morning()
    };
    let text = screen(&nothing, Page::PLAIN);
    for said in [
        "0 of 0 open files",
        "nobody's update is overdue",
        "none is overdue",
        "nothing to compare with yet",
        "nobody moved",
    ] {
        assert!(text.contains(said), "{said} is missing from\n{text}");
    }
    assert!(!text.contains("RECALLS") && !text.contains("not permitted"), "{text}");
    let barred = Morning {
        lists: vec![(List::Cohort, None), (List::Outstanding, None), (List::Recalls, None)],
        moved: vec![(List::Cohort, Moved::NotPermitted)],
        gaps: None,
        victims: None,
        reviews: None,
        yesterday: None,
        ..morning()
    };
    assert_eq!(screen(&barred, Page::PLAIN).matches("not permitted").count(), 8);
}

#[tokio::test]
async fn only_what_is_not_permitted_is_left_out() {
    assert_eq!(part(async { Ok(Response::new(7)) }).await.unwrap(), Some(7));
    assert_eq!(part::<u32>(async { Err(Status::permission_denied("no")) }).await.unwrap(), None);
    assert!(part::<u32>(async { Err(Status::unavailable("no")) }).await.is_err());
}

#[tokio::test]
async fn a_briefing_is_put_together_from_three_services() {
    let channel = crate::cli::test_services::supervised().await;
    let asked = Asked { areas: Vec::new(), top: 5, yesterday: "2026-03-30".parse().unwrap() };
    let morning = super::ask::ask(channel, &asked, london("2026-03-31T09:00:00+01:00")).await.unwrap();
    let sizes: Vec<_> = morning.lists.iter().map(|(list, it)| (*list, it.as_ref().unwrap().summary.size)).collect();
    let empty =
        [List::Outstanding, List::Wanted, List::BailFailed, List::Recalls, List::Warrants].map(|list| (list, 0));
    assert_eq!(sizes, [vec![(List::Cohort, 25)], empty.to_vec()].concat());
    assert_eq!(morning.lists[0].1.as_ref().unwrap().first.standings.len(), 5);
    match &morning.moved[..] {
        [(List::Cohort, Moved::Told(answer)), (List::Outstanding, Moved::Nothing(why))] => {
            assert_eq!(answer.movements.len(), 3);
            assert!(why.starts_with("nothing to compare with yet"), "{why}");
        }
        other => panic!("told where there is something to compare with, and why not elsewhere: {other:?}"),
    }
    assert_eq!((morning.gaps.unwrap().gaps.len(), morning.victims.unwrap().updates.len()), (1, 1));
    let reviews = morning.reviews.unwrap();
    assert_eq!((reviews.overdue, reviews.context.unwrap().revision), (9, context().revision));
    assert_eq!(morning.yesterday, None, "what the caller may not see is left out");
}

#[test]
fn every_part_is_of_the_areas_asked_for_and_no_older_than_the_first() {
    let args = Line::try_parse_from(["--area", "north,east", "--top", "3"]).unwrap().args;
    let yesterday: Date = "2026-03-30".parse().unwrap();
    let asked = Asked { areas: args.area, top: args.top, yesterday };
    let since = Since { revision: 9, store: "1f0c3a9b-77d2e410".to_owned() };
    let areas = vec!["north".to_owned(), "east".to_owned()];
    let filter = Some(pb::StandingFilter { areas: areas.clone(), ..Default::default() });
    let summary = asked.summary(List::Recalls, &since);
    assert_eq!((summary.list(), &summary.filter, summary.min_revision), (pb::List::Recalls, &filter, 9));
    let standings = asked.standings(List::Recalls, &since);
    assert_eq!((standings.list(), &standings.filter, standings.page_size), (pb::List::Recalls, &filter, 3));
    assert_eq!((standings.min_revision, &standings.store), (9, &since.store));
    let moved = asked.movements(List::Outstanding, &since);
    assert_eq!((moved.list(), &moved.areas, moved.page_size), (pb::List::Outstanding, &areas, 2));
    assert_eq!((moved.from_generation, moved.to_generation, moved.min_revision), (0, 0, 9));
    let gaps = asked.gaps(&since);
    let filter = Some(pb::GapFilter { areas: areas.clone(), ..Default::default() });
    assert_eq!((&gaps.filter, gaps.page_size, gaps.min_revision), (&filter, 3, 9));
    let victims = asked.victims(&since);
    assert_eq!((&victims.areas, victims.overdue_only, victims.page_size), (&areas, true, 3));
    let reviews = asked.reviews(&since);
    assert_eq!((&reviews.areas, reviews.overdue_only, reviews.most), (&areas, true, 3));
    let day = asked.yesterday();
    assert_eq!((day.as_at.as_str(), day.from.as_str(), &day.areas), ("2026-03-30", "2026-03-30", &areas));
}

#[test]
fn json_holds_every_answer_under_its_part() {
    let mut morning = morning();
    morning.lists.truncate(1);
    morning.victims = None;
    let value = parts(&morning).unwrap();
    assert_eq!(value["lists"]["COHORT"]["summary"]["size"], 1_412);
    assert_eq!(value["moved"]["COHORT"]["from"]["generation"], "12");
    assert_eq!(value["gaps"]["openFiles"], 1_412);
    assert_eq!(value["yesterday"]["opened"], 12);
    assert_eq!(value["victims"], Value::Null);
}
