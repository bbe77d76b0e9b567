//! What each subcommand asks for, and the screen on answers made by hand.

use clap::Parser;

use super::*;
use crate::cli::output::Page;
use crate::cli::test_screens::{agrees_with, clock, context, london};
use crate::pb;

#[derive(Debug, Parser)]
#[command(no_binary_name = true)]
struct Line {
    #[command(flatten)]
    args: Args,
}

fn parsed(words: &[&str]) -> Command {
    Line::try_parse_from(words).unwrap_or_else(|error| panic!("{error}")).args.command
}

fn refused(line: &str) -> bool {
    Line::try_parse_from(line.split_whitespace()).is_err()
}

fn words(line: &str) -> Command {
    parsed(&line.split_whitespace().collect::<Vec<_>>())
}

#[test]
fn every_term_of_a_new_file_reaches_the_request() {
    let Command::Open(args) = words(
        "open S-1 --reason court-warrant-backed --file W-7 --source courts --at 2026-03-19T10:30:00Z \
         --circulation pnc-wanted --circulated-at 2026-03-19T11:00:00Z --circulated-by pc-9 --system-ref PNC/1 \
         --area north --officer pc-1 --supervisor ps-2 --offence o-1,o-2 --surrender-on 2026-03-18 \
         --bail-place Northtown --extended-to 2026-03-20 --condition curfew --warrant-category b \
         --warrant-issued 2026-03-19 --warrant-target 2026-04-09 --court Northtown \
         --recall-notified 2026-03-19T09:00:00Z --recall-target 2026-03-22",
    ) else {
        panic!("must be open")
    };
    let expected = pb::OpenOutstandingRequest {
        request_id: "id".to_owned(),
        subject_ref: "S-1".to_owned(),
        outstanding_id: "W-7".to_owned(),
        source_system: "courts".to_owned(),
        reason: pb::OutstandingReason::CourtWarrantBacked.into(),
        opened_time: Some(london("2026-03-19T10:30:00Z")),
        reopen: false,
        offence_ids: vec!["o-1".to_owned(), "o-2".to_owned()],
        area: "north".to_owned(),
        officer: "pc-1".to_owned(),
        supervisor: "ps-2".to_owned(),
        circulations: vec![pb::CirculationStep {
            circulation: pb::Circulation::PncWanted.into(),
            changed_time: Some(london("2026-03-19T11:00:00Z")),
            officer: "pc-9".to_owned(),
            system_ref: "PNC/1".to_owned(),
        }],
        bail: Some(pb::BailTerms {
            surrender_on: "2026-03-18".to_owned(),
            place: "Northtown".to_owned(),
            extended_to: vec!["2026-03-20".to_owned()],
            conditions: vec!["curfew".to_owned()],
        }),
        warrant: Some(pb::WarrantTerms {
            category: pb::WarrantCategory::B.into(),
            issued_on: "2026-03-19".to_owned(),
            target_on: "2026-04-09".to_owned(),
            court: "Northtown".to_owned(),
        }),
        recall: Some(pb::RecallTerms {
            notified_time: Some(london("2026-03-19T09:00:00Z")),
            target_on: "2026-03-22".to_owned(),
        }),
        etag: String::new(),
    };
    assert_eq!(args.request("id"), expected);
}

#[test]
fn what_is_not_said_is_left_to_the_server() {
    let Command::Open(args) = words("open S-1 --reason escape") else { panic!("must be open") };
    let expected = pb::OpenOutstandingRequest {
        request_id: "id".to_owned(),
        subject_ref: "S-1".to_owned(),
        reason: pb::OutstandingReason::Escape.into(),
        ..Default::default()
    };
    assert_eq!(args.request("id"), expected);
    for line in [
        "open S-1",
        "open S-1 --reason escape --circulation pnc-wanted",
        "open S-1 --reason escape --at yesterday",
        "open S-1 --reason escape --request-id 7",
    ] {
        assert!(refused(line), "{line}");
    }
}

#[test]
fn a_file_is_opened_again_by_its_id_alone() {
    let Command::Reopen(args) = words("reopen S-1 --file out-7 --at 2026-03-30T00:00:00Z --etag e --officer pc-3")
    else {
        panic!("must be reopen")
    };
    let expected = pb::OpenOutstandingRequest {
        request_id: "id".to_owned(),
        subject_ref: "S-1".to_owned(),
        outstanding_id: "out-7".to_owned(),
        opened_time: Some(london("2026-03-30T00:00:00Z")),
        reopen: true,
        officer: "pc-3".to_owned(),
        etag: "e".to_owned(),
        ..Default::default()
    };
    assert_eq!(args.request("id"), expected);
    assert!(refused("reopen S-1"));
}

#[test]
fn only_the_fields_that_flags_name_are_amended() {
    let Command::Amend(args) = words(
        "amend S-1 --file out-7 --officer pc-3 --court Eastham --clear supervisor,offences \
         --overseas-asked 2026-03-20 --etag e",
    ) else {
        panic!("must be amend")
    };
    let request = args.request("id").unwrap();
    assert_eq!(request.fields, ["officer", "supervisor", "offence_ids", "warrant", "overseas_convictions"]);
    assert_eq!((request.outstanding_id.as_str(), request.etag.as_str()), ("out-7", "e"));
    let file = request.file.unwrap();
    assert_eq!((file.officer.as_str(), file.supervisor.as_str()), ("pc-3", ""));
    assert_eq!(file.warrant.unwrap().court, "Eastham");
    let check = pb::OverseasCheck { asked_on: "2026-03-20".to_owned(), answered_on: String::new() };
    assert_eq!(file.overseas_convictions, Some(check));
}

#[test]
fn an_amendment_of_nothing_or_of_both_ways_is_refused_before_it_is_sent() {
    for (line, said) in [
        ("amend S-1 --file out-7", "nothing is to be changed"),
        ("amend S-1 --file out-7 --area north --clear area", "area is both"),
    ] {
        let Command::Amend(args) = words(line) else { panic!("must be amend") };
        let error = args.request("id").unwrap_err();
        assert!(error.to_string().contains(said), "{error}");
    }
}

#[test]
fn a_step_of_circulation_reaches_the_request() {
    let Command::Circulate(args) = words(
        "circulate S-1 --file out-7 --circulation pnc-wanted --at 2026-03-30T08:00:00Z --officer pc-1 \
         --system-ref PNC/2 --etag e",
    ) else {
        panic!("must be circulate")
    };
    let expected = pb::UpdateCirculationRequest {
        request_id: "id".to_owned(),
        subject_ref: "S-1".to_owned(),
        outstanding_id: "out-7".to_owned(),
        step: Some(pb::CirculationStep {
            circulation: pb::Circulation::PncWanted.into(),
            changed_time: Some(london("2026-03-30T08:00:00Z")),
            officer: "pc-1".to_owned(),
            system_ref: "PNC/2".to_owned(),
        }),
        etag: "e".to_owned(),
    };
    assert_eq!(args.request("id"), expected);
}

#[test]
fn an_activity_reaches_the_request() {
    let Command::Activity(args) = parsed(&[
        "activity",
        "S-1",
        "--kind",
        "victim-updated",
        "--file",
        "out-7",
        "--outcome",
        "not-reached",
        "--officer",
        "pc-1",
        "--at",
        "2026-03-30T08:00:00Z",
        "--minutes",
        "45",
        "--target",
        "adr-1",
        "--victim",
        "v-1",
        "--note",
        "No reply at the door",
        "--id",
        "act-1",
        "--source",
        "niche",
    ]) else {
        panic!("must be activity")
    };
    let expected = pb::RecordActivityRequest {
        request_id: "id".to_owned(),
        subject_ref: "S-1".to_owned(),
        activity_id: "act-1".to_owned(),
        source_system: "niche".to_owned(),
        activity: Some(pb::Activity {
            activity_kind: pb::ActivityKind::VictimUpdated.into(),
            outcome: pb::ActivityOutcome::NotReached.into(),
            officer: "pc-1".to_owned(),
            done_time: Some(london("2026-03-30T08:00:00Z")),
            minutes: 45,
            target_ref: "adr-1".to_owned(),
            outstanding_id: "out-7".to_owned(),
            victim_ref: "v-1".to_owned(),
            note: "No reply at the door".to_owned(),
        }),
    };
    assert_eq!(args.request("id"), expected);
}

#[test]
fn a_review_reaches_the_request() {
    let Command::Review(args) = parsed(&[
        "review",
        "S-1",
        "--file",
        "out-7",
        "--officer",
        "ps-2",
        "--rank",
        "chief-inspector",
        "--findings",
        "Nobody has been to the address",
        "--instructions",
        "Go",
        "--next-review-on",
        "2026-04-02",
        "--at",
        "2026-03-30T08:00:00Z",
        "--id",
        "rev-1",
        "--source",
        "niche",
    ]) else {
        panic!("must be review")
    };
    let expected = pb::RecordReviewRequest {
        request_id: "id".to_owned(),
        subject_ref: "S-1".to_owned(),
        review_id: "rev-1".to_owned(),
        source_system: "niche".to_owned(),
        review: Some(pb::Review {
            outstanding_id: "out-7".to_owned(),
            officer: "ps-2".to_owned(),
            rank: pb::SupervisorRank::ChiefInspector.into(),
            reviewed_time: Some(london("2026-03-30T08:00:00Z")),
            findings: "Nobody has been to the address".to_owned(),
            instructions: "Go".to_owned(),
            next_review_on: "2026-04-02".to_owned(),
        }),
    };
    assert_eq!(args.request("id"), expected);
}

#[test]
fn a_close_reaches_the_request_and_needs_its_officer() {
    let Command::Close(args) =
        words("close S-1 --file out-7 --outcome arrested --officer pc-1 --at 2026-03-30T08:00:00Z --etag e")
    else {
        panic!("must be close")
    };
    let expected = pb::CloseOutstandingRequest {
        request_id: "id".to_owned(),
        subject_ref: "S-1".to_owned(),
        outstanding_id: "out-7".to_owned(),
        outcome: pb::CloseOutcome::Arrested.into(),
        closed_time: Some(london("2026-03-30T08:00:00Z")),
        officer: "pc-1".to_owned(),
        etag: "e".to_owned(),
    };
    assert_eq!(args.request("id"), expected);
    assert!(refused("close S-1 --file out-7 --outcome arrested"));
}

#[test]
fn show_asks_for_every_file_or_one() {
    let Command::Show(args) = words("show S-1") else { panic!("must be show") };
    assert_eq!((args.request().subject_ref.as_str(), args.request().outstanding_id.as_str()), ("S-1", ""));
    let Command::Show(args) = words("show S-1 --file out-7") else { panic!("must be show") };
    assert_eq!(args.request().outstanding_id, "out-7");
}

fn entry(kind: pb::TimelineKind, at: &str, description: &str) -> pb::TimelineEntry {
    pb::TimelineEntry {
        kind: kind.into(),
        event_time: Some(london(at)),
        recorded_time: Some(london(at)),
        description: description.to_owned(),
        ..Default::default()
    }
}

fn timeline() -> Vec<pb::TimelineEntry> {
    let visit = pb::TimelineEntry {
        record_id: "act-1".to_owned(),
        officer: "pc-1".to_owned(),
        counts: true,
        activity: Some(pb::Activity {
            minutes: 45,
            note: "A neighbour says the family has moved to the coast.".to_owned(),
            ..Default::default()
        }),
        ..entry(pb::TimelineKind::Activity, "2026-03-20T08:00:00Z", "Went to an address: information.")
    };
    let again = pb::TimelineEntry {
        record_id: "act-2".to_owned(),
        why_not: "the same address was visited within 7 days.".to_owned(),
        recorded_time: Some(london("2026-03-25T12:00:00Z")),
        activity: Some(pb::Activity::default()),
        ..visit.clone()
    };
    let again = pb::TimelineEntry { counts: false, event_time: Some(london("2026-03-21T08:00:00Z")), ..again };
    let review = pb::TimelineEntry {
        record_id: "rev-1".to_owned(),
        officer: "pc-1".to_owned(),
        why_not: "an officer does not review their own activity.".to_owned(),
        review: Some(pb::Review {
            rank: pb::SupervisorRank::Sergeant.into(),
            findings: "Two visits, nothing circulated.".to_owned(),
            instructions: "Circulate on PNC today.".to_owned(),
            next_review_on: "2026-04-01".to_owned(),
            ..Default::default()
        }),
        ..entry(pb::TimelineKind::Review, "2026-03-26T09:15:00Z", "Reviewed.")
    };
    vec![
        entry(pb::TimelineKind::Opened, "2026-03-19T10:30:00Z", "Did not attend court as bailed."),
        visit,
        again,
        review,
        entry(pb::TimelineKind::Band, "2026-03-28T02:00:00Z", "The band became VERY HIGH."),
    ]
}

fn answer() -> pb::GetOutstandingResponse {
    use pb::SupervisionClock::{Execution, Inspector, Review};
    let opened = "2026-03-19T10:30:00Z";
    let file = pb::OutstandingFile {
        outstanding_id: "out-7".to_owned(),
        etag: "20113-1".to_owned(),
        open: true,
        opened_time: Some(london(opened)),
        band: pb::Band::VeryHigh.into(),
        file: Some(pb::Outstanding {
            reason: pb::OutstandingReason::FailedToSurrenderCourtBail.into(),
            offence_ids: vec!["niche-off-4411".to_owned()],
            area: "north".to_owned(),
            officer: "pc-1".to_owned(),
            bail: Some(pb::BailTerms {
                surrender_on: "2026-03-18".to_owned(),
                place: "Northtown court".to_owned(),
                extended_to: vec!["2026-03-19".to_owned()],
                conditions: vec!["curfew from 21:00".to_owned()],
            }),
            warrant: Some(pb::WarrantTerms {
                category: pb::WarrantCategory::A.into(),
                court: "Northtown".to_owned(),
                target_on: "2026-04-02".to_owned(),
                ..Default::default()
            }),
            ..Default::default()
        }),
        clocks: vec![
            clock(Review, opened, "2026-03-20T10:30:00Z"),
            clock(Inspector, opened, "2026-03-31T13:00:00Z"),
            clock(Execution, opened, "2026-04-02T23:00:00Z"),
        ],
        victims: vec![
            pb::LinkedVictim {
                victim_ref: "v-1".to_owned(),
                vulnerable: true,
                repeat: true,
                updated_time: None,
                due_time: Some(london("2026-03-30T08:00:00Z")),
                overdue_seconds: 86_400,
            },
            pb::LinkedVictim { updated_time: Some(london(opened)), ..Default::default() },
        ],
        timeline: timeline(),
        prompts: vec!["Not circulated: no officer who checks the person would know.".to_owned()],
    };
    let closed = pb::OutstandingFile {
        outstanding_id: "out-2".to_owned(),
        etag: "900-1".to_owned(),
        file: Some(pb::Outstanding {
            reason: pb::OutstandingReason::RecallEmergency.into(),
            circulation: pb::Circulation::Cancelled.into(),
            periods: vec![pb::OpenPeriod {
                opened_on: "2025-01-02".to_owned(),
                closed_on: "2025-01-05".to_owned(),
                outcome: pb::CloseOutcome::Arrested.into(),
                closed_by: "pc-8".to_owned(),
                ..Default::default()
            }],
            recall: Some(pb::RecallTerms { notified_time: None, target_on: "2025-01-04".to_owned() }),
            ..Default::default()
        }),
        ..Default::default()
    };
    pb::GetOutstandingResponse {
        context: Some(context()),
        instant: Some(london("2026-03-31T09:00:00+01:00")),
        subject_ref: "S-000113".to_owned(),
        files: vec![file, closed],
    }
}

#[test]
fn a_file_shows_what_is_due_whom_to_tell_and_what_counts() {
    agrees_with("outstanding_show.txt", &screen(&answer(), Page::PLAIN));
}

#[test]
fn text_of_a_file_cannot_command_the_terminal() {
    let mut answer = answer();
    let file = &mut answer.files[0];
    file.timeline[1].activity.as_mut().unwrap().note = "a\u{1b}[2Jb".to_owned();
    file.timeline[1].description = "a\u{1b}[2Jb".to_owned();
    file.prompts[0] = "a\u{1b}[2Jb".to_owned();
    file.victims[0].victim_ref = "a\u{1b}[2Jb".to_owned();
    file.file.as_mut().unwrap().bail.as_mut().unwrap().place = "a\u{1b}[2Jb".to_owned();
    assert!(!screen(&answer, Page::PLAIN).contains('\u{1b}'));
}

#[test]
fn csv_has_a_row_a_thing_that_happened_under_stable_headers() {
    let mut answer = answer();
    answer.files[0].timeline[2].description = "=1+1".to_owned();
    let text = show::csv(&answer).unwrap();
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(lines[0], show::CSV_HEADER.join(","));
    assert_eq!(
        lines[3],
        "S-000113,out-7,failed to surrender court bail,true,activity,2026-03-21T08:00:00Z,2026-03-25T12:00:00Z,0,\
         act-2,pc-1,,false,the same address was visited within 7 days.,'=1+1"
    );
    assert_eq!(lines.len(), 6);
}
