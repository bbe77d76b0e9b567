//! Known answers of the clocks, and what does not count.

use proptest::prelude::*;

use super::clocks::{self, Clock, Supervised};
use super::count::{self, Discounted};
use super::victims::{self, Linked};
use super::{Facts, alignment, returns};
use crate::domain::evidence::{
    Activity, CirculationStep, Decision, Evidence, FileTerms, Kind, OpenPeriod, Outstanding, Review, Span, Supervision,
};
use crate::domain::moment::{DAY, HOUR, Moment};
use crate::domain::word::{
    ActivityKind, ActivityOutcome, Band, CaseAge, Circulation, CloseOutcome, CohortStatus, DecisionKind,
    OutstandingReason, PersonCategory, SupervisionClock, SupervisorRank, WarrantCategory,
};
use crate::domain::{Date, MilliPoints, Revision, SubjectId};
use crate::policy::{Policy, SupervisionPolicy};
use crate::scoring::composite;
use crate::scoring::fixture::{self, Records};

/// Noon in London on a day of March 2026, from 1.
fn noon(day: i64) -> Moment {
    Moment::of("2026-03-01T12:00:00Z".parse().expect("must be an instant")) + (day - 1) * DAY
}

fn policy() -> SupervisionPolicy {
    Policy::reference().supervision
}

/// A file that opened at each first moment and closed, where it did, at the second.
fn file(spans: &[(Moment, Option<(Moment, CloseOutcome)>)]) -> Outstanding {
    let period = |(opened, closed): &(Moment, Option<(Moment, CloseOutcome)>)| OpenPeriod {
        opened: opened.day(),
        closed: closed.map(|(closed, outcome)| (closed.day(), outcome)),
    };
    let span = |(opened, closed): &(Moment, Option<(Moment, CloseOutcome)>)| Span {
        opened: *opened,
        closed: closed.map(|(closed, _)| closed),
    };
    Outstanding {
        reason: OutstandingReason::FailedToSurrenderCourtBail,
        periods: spans.iter().map(period).collect(),
        circulation: Circulation::NotCirculated,
        offence_ids: Vec::new(),
        area: None,
        officer: Some("PC-1".into()),
        terms: Box::new(FileTerms { spans: spans.iter().map(span).collect(), ..FileTerms::default() }),
    }
}

fn open() -> Outstanding {
    file(&[(noon(1), None)])
}

fn circulated(mut file: Outstanding, steps: &[(i64, Circulation)]) -> Outstanding {
    file.terms.steps = steps
        .iter()
        .map(|(day, circulation)| CirculationStep { circulation: *circulation, changed: noon(*day) })
        .collect();
    file.circulation = steps.last().map_or(Circulation::NotCirculated, |(_, circulation)| *circulation);
    file
}

fn act(officer: &str, kind: ActivityKind, done: Moment, target: &str) -> Activity {
    Activity {
        kind,
        outcome: None,
        done,
        minutes: 20,
        officer: officer.into(),
        target: (!target.is_empty()).then(|| target.into()),
        file: Some("F".into()),
        victim: None,
    }
}

fn visit(done: Moment, target: &str) -> Activity {
    act("PC-2", ActivityKind::AddressVisited, done, target)
}

fn look(officer: &str, rank: SupervisorRank, reviewed: Moment) -> Review {
    Review { file: "F".into(), officer: officer.into(), rank, reviewed, next: None }
}

fn facts<'a>(
    file: &'a Outstanding,
    activities: &'a [Activity],
    reviews: &'a [Review],
    bands: &'a [(Moment, Option<Band>)],
) -> Facts<'a> {
    Facts::new(file, activities.iter().map(|it| ("a", it)), reviews.iter().map(|it| ("r", it)), bands)
}

fn read(
    file: &Outstanding,
    activities: &[Activity],
    reviews: &[Review],
    bands: &[(Moment, Option<Band>)],
) -> Supervised {
    clocks::read(&facts(file, activities, reviews, bands), &policy(), Moment::END).expect("the file has opened")
}

fn clock(read: &Supervised, kind: SupervisionClock) -> Clock {
    *read.clock(kind).expect("the clock must run")
}

const VERY_HIGH: [(Moment, Option<Band>); 1] = [(Moment(0), Some(Band::VeryHigh))];
const LOW: [(Moment, Option<Band>); 1] = [(Moment(0), Some(Band::Low))];

#[test]
fn allowances_are_those_of_the_method() {
    let due = |band: Band, kind| {
        let bands = [(Moment(0), Some(band))];
        let clock = clock(&read(&open(), &[], &[], &bands), kind);
        assert_eq!(clock.since, noon(1));
        (clock.due - clock.since) / HOUR
    };
    let of = |kind| Band::ALL.iter().rev().map(|band| due(*band, kind)).collect::<Vec<_>>();
    assert_eq!(of(SupervisionClock::Circulation), [24, 72, 7 * 24, 7 * 24]);
    assert_eq!(of(SupervisionClock::Activity), [24, 72, 7 * 24, 28 * 24]);
    assert_eq!(of(SupervisionClock::Review), [24, 7 * 24, 14 * 24, 28 * 24]);
    assert_eq!(of(SupervisionClock::Inspector), [28 * 24; 4]);
    assert_eq!(of(SupervisionClock::ChiefInspector), [90 * 24; 4]);
}

#[test]
fn the_gap_is_elapsed_over_allowed_less_one() {
    let clock = Clock { kind: SupervisionClock::Review, since: noon(1), due: noon(8) };
    assert_eq!(clock.gap(noon(8)), 0);
    assert_eq!(clock.gap(noon(15)), 10_000);
    assert_eq!(clock.gap(noon(1)), -10_000);
    assert_eq!(clock.gap(noon(8) + 1), 0, "rounded down");
    assert_eq!(clock.overdue(noon(10)), 2 * DAY);
}

#[test]
fn a_change_of_band_never_puts_a_due_time_off() {
    let due = |bands: &[(Moment, Option<Band>)]| clock(&read(&open(), &[], &[], bands), SupervisionClock::Activity).due;
    assert_eq!(due(&[(Moment(0), Some(Band::Low))]), noon(29));
    // Raised on the fifth: three days from then.
    assert_eq!(due(&[(Moment(0), Some(Band::Low)), (noon(5), Some(Band::High))]), noon(8));
    // Raised when little was left anyway.
    assert_eq!(due(&[(Moment(0), Some(Band::Low)), (noon(28), Some(Band::High))]), noon(29));
    // Lowered: what was due stays due.
    assert_eq!(due(&[(Moment(0), Some(Band::VeryHigh)), (noon(1) + HOUR, Some(Band::Low))]), noon(2));
    // The first note holds for the time before it.
    assert_eq!(due(&[(noon(4), Some(Band::High))]), noon(4));
    // What stood before a time without an open file says nothing of the time after it.
    let (before, none) = ((Moment(0), Some(Band::VeryHigh)), (Moment(1), None));
    assert_eq!(due(&[before, none, (noon(2), Some(Band::Low))]), noon(29));
}

#[test]
fn pending_does_not_stop_the_clock_of_circulation_and_being_taken_off_starts_it_again() {
    let at = |steps: &[(i64, Circulation)]| read(&circulated(open(), steps), &[], &[], &VERY_HIGH);
    let pending = at(&[(1, Circulation::Pending)]);
    assert_eq!(clock(&pending, SupervisionClock::Circulation).since, noon(1));
    assert!(!pending.ever_circulated);
    for stops in [Circulation::PncWanted, Circulation::ForceOnly, Circulation::International] {
        assert!(at(&[(1, Circulation::Pending), (2, stops)]).clock(SupervisionClock::Circulation).is_none());
    }
    let locate = at(&[(2, Circulation::PncLocateTrace)]);
    assert!(locate.clock(SupervisionClock::Circulation).is_some() && locate.ever_circulated);
    let off = at(&[(2, Circulation::PncWanted), (6, Circulation::Cancelled)]);
    assert_eq!(clock(&off, SupervisionClock::Circulation).since, noon(6));
    assert_eq!(off.first_circulated, Some(noon(2)));
}

#[test]
fn the_same_door_counts_once_in_a_week() {
    let visits =
        [visit(noon(2), "A"), visit(noon(5), "A"), visit(noon(5), "B"), visit(noon(9), "A"), visit(noon(11), "B")];
    let (file, policy) = (open(), policy());
    let facts = facts(&file, &visits, &[], &LOW);
    let run = count::run_of(&facts, Moment::END).unwrap();
    let found: Vec<_> = count::activities(&facts, &run, &policy, Moment::END).map(|(_, _, why_not)| why_not).collect();
    let again = Some(Discounted::SameTarget);
    assert_eq!(found, [None, again, None, None, again]);
    // Leaving the address out is no way round it.
    let unnamed = [visit(noon(2), ""), visit(noon(4), "")];
    assert_eq!(read(&file, &unnamed, &[], &LOW).last_activity, Some(noon(2)));
    // Another kind of work at that door is other work.
    let other = [visit(noon(2), "A"), act("PC-2", ActivityKind::AgencyEnquiry, noon(3), "A")];
    assert_eq!(read(&file, &other, &[], &LOW).last_activity, Some(noon(3)));
}

#[test]
fn reading_a_file_or_handing_it_on_is_no_activity() {
    for kind in [ActivityKind::FileOpened, ActivityKind::ReviewedWithoutAction, ActivityKind::Reallocated] {
        assert_eq!(read(&open(), &[act("PC-2", kind, noon(3), "")], &[], &LOW).last_activity, None, "{kind:?}");
    }
}

#[test]
fn nobody_reviews_their_own_work() {
    let (file, sergeant) = (open(), SupervisorRank::Sergeant);
    let reviewed = |activities: &[Activity], reviews: &[Review]| read(&file, activities, reviews, &LOW).last_review;
    let knock = act("PS-9", ActivityKind::AddressVisited, noon(3), "A");
    assert_eq!(reviewed(&[], &[look("PS-9", sergeant, noon(4))]), Some(noon(4)));
    assert_eq!(reviewed(std::slice::from_ref(&knock), &[look("PS-9", sergeant, noon(4))]), None, "own activity");
    assert_eq!(reviewed(&[], &[look("PC-1", sergeant, noon(4))]), None, "own case");
    // Once somebody else has reviewed what the sergeant did, the sergeant may review what came after.
    let both = [look("PS-7", sergeant, noon(4)), look("PS-9", sergeant, noon(9))];
    assert_eq!(reviewed(std::slice::from_ref(&knock), &both), Some(noon(9)));
    // What is told late of the sergeant's work before the review takes the review back.
    let late = [knock, act("PS-9", ActivityKind::IntelligenceTasked, noon(8), "")];
    assert_eq!(reviewed(&late, &both), Some(noon(4)));
}

#[test]
fn handing_a_case_on_does_not_make_a_review_of_it_good_or_bad() {
    let mut file = open();
    file.officer = Some("PS-9".into());
    file.terms.officers = vec![(noon(1), Some("PC-1".into())), (noon(6), Some("PS-9".into()))];
    let reviewed = |officer: &str, day: i64| {
        read(&file, &[], &[look(officer, SupervisorRank::Sergeant, noon(day))], &LOW).last_review.is_some()
    };
    assert!(!reviewed("PC-1", 4) && !reviewed("PC-1", 8), "theirs since the last review, if not at that moment");
    assert!(reviewed("PS-9", 4) && !reviewed("PS-9", 8), "the sergeant's from the sixth on");
    let both = [look("PS-7", SupervisorRank::Sergeant, noon(7)), look("PC-1", SupervisorRank::Sergeant, noon(9))];
    assert_eq!(read(&file, &[], &both, &LOW).last_review, Some(noon(9)), "what came after it was never theirs");
}

#[test]
fn a_reviewer_may_ask_for_less_time_and_not_for_more() {
    let asked = |day: i64| Review { next: Some(noon(day).day()), ..look("PS-9", SupervisorRank::Sergeant, noon(2)) };
    let due = |day: i64| clock(&read(&open(), &[], &[asked(day)], &LOW), SupervisionClock::Review).due;
    assert_eq!(due(5), Moment::end_of(noon(5).day()));
    assert_eq!(due(60), noon(30));
}

#[test]
fn a_long_open_file_goes_up_the_ranks() {
    let at = |reviews: &[Review]| read(&open(), &[], reviews, &LOW);
    let runs = |read: &Supervised, kind| read.clock(kind).is_some();
    let sergeant = at(&[look("PS-9", SupervisorRank::Sergeant, noon(27))]);
    assert!(runs(&sergeant, SupervisionClock::Inspector));
    assert!(runs(&at(&[look("IN-1", SupervisorRank::Inspector, noon(10))]), SupervisionClock::Inspector), "too early");
    let inspector = at(&[look("IN-1", SupervisorRank::Inspector, noon(24))]);
    assert!(!runs(&inspector, SupervisionClock::Inspector) && runs(&inspector, SupervisionClock::ChiefInspector));
    let chief = at(&[look("CI-1", SupervisorRank::ChiefInspector, noon(88))]);
    assert!(!runs(&chief, SupervisionClock::Inspector) && !runs(&chief, SupervisionClock::ChiefInspector));
}

#[test]
fn closing_and_reopening_resets_no_clock_unless_the_person_was_found() {
    let reopened = |outcome| file(&[(noon(1), Some((noon(10), outcome))), (noon(11), None)]);
    let visits = [visit(noon(3), "A")];
    for outcome in CloseOutcome::ALL {
        let read = read(&reopened(*outcome), &visits, &[], &LOW);
        assert_eq!(read.run.opened, noon(11));
        let (began, last) = if outcome.is_found() { (noon(11), None) } else { (noon(1), Some(noon(3))) };
        assert_eq!((read.run.began, read.last_activity), (began, last), "{outcome:?}");
        assert_eq!(clock(&read, SupervisionClock::Inspector).due, began + 28 * DAY);
    }
}

#[test]
fn a_new_file_of_the_same_reason_soon_after_is_no_new_case() {
    let ended = |outcome| file(&[(noon(1), Some((noon(10), outcome)))]);
    let began = |before: &Outstanding, after: &Outstanding| {
        let policy = policy();
        let files = [("old", before), ("new", after)];
        let facts = facts(after, &[], &[], &LOW).among("new", &files, &policy);
        clocks::read(&facts, &policy, Moment::END).expect("it has opened").run.began
    };
    let new = file(&[(noon(11), None)]);
    assert_eq!(began(&ended(CloseOutcome::Withdrawn), &new), noon(1));
    assert_eq!(began(&ended(CloseOutcome::Arrested), &new), noon(11));
    assert_eq!(began(&ended(CloseOutcome::Withdrawn), &file(&[(noon(60), None)])), noon(60), "long after");
    let other = Outstanding { reason: OutstandingReason::Escape, ..new };
    assert_eq!(began(&ended(CloseOutcome::Withdrawn), &other), noon(11), "another reason");
}

#[test]
fn another_way_of_writing_a_door_or_a_name_makes_no_other_of_it() {
    let doors = [visit(noon(2), "12 High St"), visit(noon(3), "12 high  st"), visit(noon(4), "12, HIGH ST.")];
    assert_eq!(read(&open(), &doors, &[], &LOW).last_activity, Some(noon(2)));
    let reviews = [look("pc 1", SupervisorRank::Sergeant, noon(4))];
    assert_eq!(read(&open(), &[], &reviews, &LOW).last_review, None, "the officer in the case is PC-1");
}

#[test]
fn what_was_done_on_the_opening_day_before_the_file_opened_is_of_the_file() {
    let early = [visit(noon(1) + -3 * HOUR, "A")];
    let read = read(&open(), &early, &[], &LOW);
    assert_eq!(read.last_activity, Some(noon(1) + -3 * HOUR));
    assert_eq!(clock(&read, SupervisionClock::Activity).since, noon(1), "the clock starts when the file does");
}

#[test]
fn a_file_is_read_as_it_stood_at_any_moment() {
    let file = circulated(file(&[(noon(2), Some((noon(20), CloseOutcome::Arrested)))]), &[(6, Circulation::PncWanted)]);
    let visits = [visit(noon(4), "A"), visit(noon(15), "B")];
    let facts = facts(&file, &visits, &[], &LOW);
    let at = |day: i64| clocks::read(&facts, &policy(), noon(day));
    assert_eq!(at(1), None);
    assert_eq!(at(5).unwrap().circulation, Circulation::NotCirculated);
    assert_eq!(at(5).unwrap().last_activity, Some(noon(4)));
    assert_eq!(at(16).unwrap().last_activity, Some(noon(15)));
    assert!(at(19).unwrap().run.closed.is_none());
    let closed = at(21).unwrap();
    assert!(closed.run.closed == Some(noon(20)) && closed.clocks.is_empty());
}

#[test]
fn a_warrant_has_its_target_or_that_of_its_category() {
    let due = |change: fn(&mut FileTerms)| {
        let mut file = open();
        change(&mut file.terms);
        read(&file, &[], &[], &LOW).clock(SupervisionClock::Execution).map(|clock| clock.due)
    };
    assert_eq!(due(|_| {}), None);
    assert_eq!(due(|terms| terms.warrant = Some(WarrantCategory::A)), Some(Moment::end_of(noon(15).day())));
    assert_eq!(due(|terms| terms.target = Some(noon(4).day())), Some(Moment::end_of(noon(4).day())));
    assert!(!read(&open(), &[], &[], &LOW).clocks.iter().any(|clock| !clock.orders()));
}

#[test]
fn a_victim_is_told_within_a_day_or_five_and_again_in_four_weeks() {
    let victim = |vulnerable, repeat| Linked { reference: "V-1".into(), vulnerable, repeat };
    let (file, policy) = (open(), policy());
    let told = |done, outcome| Activity {
        victim: Some("V-1".into()),
        outcome: Some(outcome),
        ..act("PC-2", ActivityKind::VictimUpdated, done, "")
    };
    let due = |victim: &Linked, activities: &[Activity]| {
        let facts = facts(&file, activities, &[], &LOW);
        let run = count::run(&file, Moment::END).unwrap();
        victims::telling(&facts, &run, victim, &policy, Moment::END).map(|telling| telling.due)
    };
    assert_eq!(due(&victim(true, false), &[]), Some(noon(2)));
    assert_eq!(due(&victim(false, true), &[]), Some(noon(2)));
    assert_eq!(due(&victim(false, false), &[]), Some(noon(6)));
    assert_eq!(due(&victim(true, false), &[told(noon(3), ActivityOutcome::Reached)]), Some(noon(31)));
    assert_eq!(due(&victim(true, false), &[told(noon(3), ActivityOutcome::NotReached)]), Some(noon(2)));
    assert_eq!(due(&Linked { reference: "".into(), ..victim(true, true) }, &[]), None);
}

#[test]
fn cases_age_as_the_return_counts_them() {
    let ages = [0, 7, 8, 28, 29, 90, 91, 365, 366].map(returns::case_age);
    assert_eq!(
        ages,
        [
            CaseAge::To7Days,
            CaseAge::To7Days,
            CaseAge::From8To28Days,
            CaseAge::From8To28Days,
            CaseAge::From29To90Days,
            CaseAge::From29To90Days,
            CaseAge::From91To365Days,
            CaseAge::From91To365Days,
            CaseAge::Over365Days
        ]
    );
}

#[test]
fn alignment_counts_members_above_the_line_and_names_those_on_the_wrong_side() {
    use std::cmp::Reverse;
    let person = |id: u32, member: bool, points: u32| alignment::Compared {
        subject: SubjectId(id),
        member,
        merit: (
            Reverse(Band::Medium),
            Reverse(MilliPoints::new(points)),
            Reverse(MilliPoints::ZERO),
            Reverse(MilliPoints::ZERO),
            Reverse(MilliPoints::ZERO),
        ),
        reference: format!("S-{id}").into(),
    };
    let pool = vec![
        person(0, true, 50_000),
        person(1, false, 49_000),
        person(2, true, 48_000),
        person(3, true, 20_000),
        person(4, false, 10_000),
    ];
    let found = alignment::compare(pool);
    assert_eq!(found.members, 3);
    assert_eq!(found.aligned, [(SubjectId(0), 1), (SubjectId(2), 3)]);
    assert_eq!(found.passed_over, [(SubjectId(1), 2)]);
    assert_eq!(found.below, [(SubjectId(3), 4)]);
    let cohort = Policy::reference().cohort;
    assert_eq!(alignment::stream(&cohort, Some(0.80), true), CohortStatus::Fixed);
    assert_eq!(alignment::stream(&cohort, Some(0.60), true), CohortStatus::Flex);
    assert_eq!(alignment::stream(&cohort, Some(0.80), false), CohortStatus::Free);
    assert_eq!(alignment::stream(&cohort, None, true), CohortStatus::Free);
}

/// A management record of any kind.
fn managed() -> impl Strategy<Value = Supervision> {
    let kind = prop::sample::select(ActivityKind::ALL.to_vec());
    let rank = prop::sample::select(SupervisorRank::ALL.to_vec());
    let decision = prop::sample::select(DecisionKind::ALL.to_vec());
    prop_oneof![
        (kind, 1..60_i64, 0..3_u8, prop::option::of(0..3_u8)).prop_map(|(kind, day, officer, target)| {
            let target = target.map(|target| format!("A-{target}")).unwrap_or_default();
            Supervision::Activity(Activity {
                victim: (kind == ActivityKind::VictimUpdated).then(|| "V-1".into()),
                ..act(&format!("PC-{officer}"), kind, noon(day), &target)
            })
        }),
        (rank, 1..60_i64, 0..3_u8)
            .prop_map(|(rank, day, officer)| { Supervision::Review(look(&format!("PC-{officer}"), rank, noon(day))) }),
        (decision, 1..60_i64).prop_map(|(kind, day)| Supervision::Decision(Decision { kind, decided: noon(day) })),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn no_sequence_of_supervision_records_changes_threat_risk_or_harm(records in prop::collection::vec(managed(), 1..40)) {
        let as_of: Date = fixture::day(0);
        let before = Records::new()
            .person(Some(as_of.plus_years(-30)), None, (0, 0), as_of - 30)
            .offence("o", "008/06", as_of - 40, crate::domain::word::Outcome::Charged)
            .file("F", OutstandingReason::NamedSuspectNotArrested, &[(as_of - 20, None)], &["o"])
            .dossier();
        let weighed = composite::weigh(&before, fixture::rules(), as_of);
        let mut dossier = before.clone();
        for (number, kind) in (0_u64..).zip(records) {
            dossier = dossier.with(Evidence {
                id: format!("m-{}", number % 20).into(),
                revision: Revision(100 + number),
                category: PersonCategory::Suspect,
                updated: as_of,
                kind: Kind::Supervision(kind),
            });
            prop_assert_eq!(composite::weigh(&dossier, fixture::rules(), as_of), weighed);
        }
        prop_assert!(!dossier.supervised().is_empty());
    }

    #[test]
    fn more_counted_work_never_makes_anything_due_sooner(
        days in prop::collection::btree_set(2..40_i64, 1..8), extra in 2..40_i64,
    ) {
        let visits: Vec<Activity> = days.iter().map(|day| visit(noon(*day), &format!("A-{day}"))).collect();
        let due = |visits: &[Activity]| {
            let mut visits = visits.to_vec();
            visits.sort_by_key(|visit| visit.done);
            clock(&read(&open(), &visits, &[], &LOW), SupervisionClock::Activity).due
        };
        let mut more = visits.clone();
        more.push(visit(noon(extra), "elsewhere"));
        prop_assert!(due(&more) >= due(&visits));
    }
}
