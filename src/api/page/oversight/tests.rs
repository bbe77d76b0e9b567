//! What the pages say of answers made by hand: in plain words, and with nothing of a
//! record taken for a part of the page.

use std::collections::HashMap;

use maud::Markup;
use tonic_types::{ErrorDetails, FieldViolation, StatusExt};

use super::fields::Filled;
use super::{activity, alignment, decisions, file, gaps, returns, review, reviews, runs, victims};
use crate::api::page::asked::Asked;
use crate::pb;

const SCRIPT: &str = "\"><script>alert(1)</script>";
const NOON: i64 = 1_780_000_000;
const DAY: i64 = 86_400;

fn at(days: i64) -> Option<pbjson_types::Timestamp> {
    (days < i64::MAX).then_some(pbjson_types::Timestamp { seconds: NOON + days * DAY, nanos: 0 })
}

fn clock(clock: pb::SupervisionClock, since: i64, due: i64) -> pb::ClockReading {
    pb::ClockReading { clock: clock.into(), since_time: at(since), due_time: at(due), overdue_seconds: -due * DAY }
}

fn gap(subject_ref: &str) -> pb::SupervisionGap {
    pb::SupervisionGap {
        subject_ref: subject_ref.to_owned(),
        outstanding_id: "W-1".to_owned(),
        reason: pb::OutstandingReason::FailedToSurrenderCourtBail.into(),
        band: pb::Band::VeryHigh.into(),
        position: 1,
        area: "north".to_owned(),
        clocks: vec![clock(pb::SupervisionClock::Activity, -9, -2), clock(pb::SupervisionClock::Circulation, -9, -8)],
        ..Default::default()
    }
}

fn a_file(text: &str) -> pb::GetOutstandingResponse {
    let record = pb::Outstanding {
        reason: pb::OutstandingReason::Escape.into(),
        officer: text.to_owned(),
        area: text.to_owned(),
        bail: Some(pb::BailTerms { place: text.to_owned(), conditions: vec![text.to_owned()], ..Default::default() }),
        ..Default::default()
    };
    let review = pb::TimelineEntry {
        kind: pb::TimelineKind::Review.into(),
        event_time: at(-1),
        recorded_time: at(-1),
        record_id: "review-1".to_owned(),
        officer: text.to_owned(),
        description: text.to_owned(),
        why_not: "the reviewer is the officer in the case".to_owned(),
        review: Some(pb::Review { findings: text.to_owned(), instructions: text.to_owned(), ..Default::default() }),
        ..Default::default()
    };
    let victim = pb::LinkedVictim { victim_ref: text.to_owned(), vulnerable: true, ..Default::default() };
    let file = pb::OutstandingFile {
        outstanding_id: format!("W-1{text}"),
        file: Some(record),
        open: true,
        opened_time: at(-12),
        clocks: vec![clock(pb::SupervisionClock::Review, -12, -4)],
        victims: vec![victim],
        timeline: vec![review],
        prompts: vec![text.to_owned()],
        ..Default::default()
    };
    pb::GetOutstandingResponse {
        instant: at(0),
        subject_ref: format!("S-1{text}"),
        files: vec![file],
        ..Default::default()
    }
}

fn decision(text: &str) -> pb::RecordedDecision {
    let decision = pb::CohortDecision {
        decision: pb::DecisionKind::Decline.into(),
        status: pb::CohortStatus::Fixed.into(),
        officer: text.to_owned(),
        rationale: text.to_owned(),
        panel: text.to_owned(),
        decided_time: at(0),
        standing: Some(pb::Standing { rank: 3, composite: 59_960, ..Default::default() }),
        list_size: 1_204,
        list: pb::List::Candidates.into(),
        ..Default::default()
    };
    pb::RecordedDecision {
        subject_ref: text.to_owned(),
        decision: Some(decision),
        identical_rationales: 2,
        ..Default::default()
    }
}

fn misaligned(subject_ref: &str, rationale: &str) -> pb::Misalignment {
    let decision = if rationale.is_empty() { pb::DecisionKind::Unspecified } else { pb::DecisionKind::Decline };
    pb::Misalignment {
        subject_ref: subject_ref.to_owned(),
        position: 17,
        composite: 59_960,
        band: pb::Band::High.into(),
        areas: vec![rationale.to_owned()],
        decision: decision.into(),
        rationale: rationale.to_owned(),
        decided_on: "2026-03-02".to_owned(),
        ..Default::default()
    }
}

fn aligned(text: &str) -> pb::GetAlignmentResponse {
    let fixed = pb::StatusAlignment {
        status: pb::CohortStatus::Fixed.into(),
        members: 300,
        aligned: 250,
        passed_over: 50,
        passed_over_with_reason: 12,
        below: 1,
        below_with_reason: 1,
        passed_over_people: vec![misaligned("S-113", text), misaligned("S-42", "")],
        below_people: vec![misaligned("S-7", "Kept for his own safety.")],
        ..Default::default()
    };
    let point = |as_of: &str, aligned| pb::AlignmentPoint {
        as_of: as_of.to_owned(),
        status: pb::CohortStatus::Fixed.into(),
        members: 300,
        aligned,
        ..Default::default()
    };
    let area = pb::AreaAlignment { area: text.to_owned(), members: 8, aligned: 7, passed_over: 1 };
    pb::GetAlignmentResponse {
        statuses: vec![fixed],
        members: 412,
        aligned: 362,
        aligned_share: 8_786,
        by_area: vec![area],
        over_time: vec![point("2026-03-30", 240), point("2026-03-31", 250)],
        ..Default::default()
    }
}

fn a_run(state: pb::RescoreState, text: &str) -> pb::RescoreRun {
    pb::RescoreRun {
        run_id: "f0e1".to_owned(),
        as_of: "2026-11-28".to_owned(),
        state: state.into(),
        counters: Some(pb::RescoreCounters { universe: 1_205, scored: 1_204, failed: 21, ..Default::default() }),
        failures: vec![pb::RescoreFailure { subject_ref: text.to_owned(), reason: text.to_owned() }],
        reason: text.to_owned(),
        actor: text.to_owned(),
        ..Default::default()
    }
}

fn a_return(area: &str) -> pb::GetOutstandingReturnResponse {
    pb::GetOutstandingReturnResponse {
        as_at: "2026-11-27".to_owned(),
        known_at: at(0),
        from: "2026-11-01".to_owned(),
        areas: vec![area.to_owned()],
        total: Some(pb::ReturnCounts { open: 3, active_in_time: 2, ..Default::default() }),
        closed: vec![pb::ClosedCount { outcome: pb::CloseOutcome::Arrested.into(), files: 7 }],
        closed_still_circulated: 1,
        to_close: Some(pb::Median { files: 7, seconds: 90_000 }),
        ..Default::default()
    }
}

fn has(markup: &Markup, said: &[&str]) {
    for said in said {
        assert!(markup.0.contains(said), "{said} is not in {}", markup.0);
    }
}

#[test]
fn nothing_that_a_record_says_is_a_part_of_the_page() {
    let asked = Asked::of(
        b"filter.areas=%22%3E%3Cscript%3Ealert(1)%3C/script%3E&areas=%22%3E%3Cscript%3E&page_token=%3Cscript%3E",
    );
    let one_gap = pb::SupervisionGap { officer: SCRIPT.to_owned(), area: SCRIPT.to_owned(), ..gap(SCRIPT) };
    let gaps_answer = pb::ListSupervisionGapsResponse {
        gaps: vec![one_gap],
        next_page_token: SCRIPT.to_owned(),
        ..Default::default()
    };
    let victim = pb::LinkedVictim { victim_ref: SCRIPT.to_owned(), ..Default::default() };
    let update = pb::VictimUpdate { subject_ref: SCRIPT.to_owned(), victim: Some(victim), ..Default::default() };
    let updates = pb::ListVictimUpdatesResponse { updates: vec![update], ..Default::default() };
    let file_answer = a_file(SCRIPT);
    let decided = pb::ListDecisionsResponse { decisions: vec![decision(SCRIPT)], ..Default::default() };
    let due = pb::CohortReview { subject_ref: SCRIPT.to_owned(), area: SCRIPT.to_owned(), ..Default::default() };
    let due = pb::ListCohortReviewsResponse { reviews: vec![due], members: 1, ..Default::default() };
    let run = a_run(pb::RescoreState::Failed, SCRIPT);
    let filled = Filled { asked: &asked, faults: &[] };
    let pages = [
        gaps::content(&asked, &gaps_answer),
        victims::content(&asked, &updates),
        file::content(&file_answer, "review-1"),
        review::FORM.content(&file_answer, &file_answer.files[0], &filled, SCRIPT),
        activity::FORM.content(&file_answer, &file_answer.files[0], &filled, SCRIPT),
        returns::content(&asked, &a_return(SCRIPT)),
        alignment::content(&asked, &aligned(SCRIPT)),
        decisions::content(&asked, &decided),
        reviews::content(&asked, &due),
        runs::told(&run),
        runs::failures(&run),
    ];
    for page in &pages {
        assert!(!page.0.contains("<script") && !page.0.contains("style="), "{}", page.0);
    }
    let told = pages.iter().filter(|page| page.0.contains("script&gt;") || page.0.contains("%3Cscript%3E")).count();
    assert_eq!(told, pages.len(), "what the records say is on every page, as a text");
}

#[test]
fn what_is_overdue_stands_in_plain_words_with_ways_to_the_person_and_the_file() {
    let answer = pb::ListSupervisionGapsResponse {
        instant: at(0),
        gaps: vec![gap("S&1")],
        open_files: 1_412,
        overdue_files: 57,
        never_reviewed: 12,
        next_page_token: "t=1".to_owned(),
        ..Default::default()
    };
    let told = gaps::content(&Asked::of(b"filter.areas=north&page_token=old"), &answer);
    has(
        &told,
        &[
            "No activity for 9 days; 7 are allowed",
            "Not circulated as wanted for 9 days; 1 is allowed",
            "Never reviewed",
            "Failed to surrender to court bail",
            "57 of 1,412 open files",
            r#"href="/people?ref=S%261""#,
            r#"href="/outstanding/file?ref=S%261&amp;id=W-1""#,
            r#"href="/supervision?filter.areas=north&amp;page_token=t%3D1""#,
            r#"href="/supervision?filter.areas=north">From the top"#,
            r#"<details class="filter" open>"#,
        ],
    );
    assert_eq!(told.0.matches("<h1").count(), 1);
    let none = gaps::content(&Asked::default(), &pb::ListSupervisionGapsResponse::default());
    has(&none, &["No file matches"]);
    assert!(!none.0.contains("Next page") && !none.0.contains(" open>"), "{}", none.0);
}

#[test]
fn a_record_just_written_is_confirmed_from_the_file_and_never_from_the_address() {
    let answer = a_file("");
    has(
        &file::content(&answer, "review-1"),
        &["The review is recorded.", "It does not count: the reviewer is the officer in the case"],
    );
    for other in ["", "review-2"] {
        assert!(!file::content(&answer, other).0.contains("is recorded."), "{other}");
    }
}

#[test]
fn a_file_says_what_is_due_and_offers_what_can_be_recorded_while_it_is_open() {
    let mut answer = a_file("");
    let told = file::content(&answer, "");
    has(
        &told,
        &[
            "Open for 12 days",
            "No supervisor’s review for 12 days; 8 are allowed",
            r#"href="/outstanding/file/review?ref=S-1&amp;id=W-1""#,
            "Escaped from custody",
        ],
    );
    answer.files[0].open = false;
    assert!(!file::content(&answer, "").0.contains("Record a review"));
}

fn refused(reason: &str, violations: &[(&str, &str, &str)]) -> tonic::Status {
    let mut details = ErrorDetails::new();
    details.set_error_info(reason, "steelyard", HashMap::new());
    let fields = violations.iter().map(|(field, reason, description)| {
        let mut violation = FieldViolation::new(*field, *description);
        (*reason).clone_into(&mut violation.reason);
        violation
    });
    details.set_bad_request(fields.collect::<Vec<_>>());
    tonic::Status::with_error_details(tonic::Code::InvalidArgument, "2 fields are wrong", details)
}

#[test]
fn what_a_call_refuses_is_told_at_the_field_in_the_forms_own_words() {
    let status = refused(
        "INVALID_ARGUMENT",
        &[
            ("review.officer", "INVALID_REFERENCE", "review.officer is empty"),
            ("review.findings", "LENGTH_OUT_OF_RANGE", "review.findings has 3 characters; 10 to 2000 are allowed"),
            ("review.reviewed_time", "INVALID_TIME", "review.reviewed_time is not an instant"),
            ("review.outstanding_id", "FILE_CLOSED", "the file was closed by then"),
        ],
    );
    let asked = Asked::of(b"review.findings=abc");
    let faults = review::FORM.faults(&status, "INVALID_ARGUMENT", &asked);
    let told: Vec<_> = faults.iter().map(|fault| (fault.field, fault.text.as_str())).collect();
    assert_eq!(
        told,
        [
            ("review.officer", "Enter who reviews"),
            ("review.findings", "“What you found” has 3 characters; 10 to 2000 are allowed"),
            ("review.reviewed_time", "Day of the review: enter a day and a time, or leave both empty for now"),
            ("", "The file was closed by then."),
        ]
    );
    let reused = review::FORM.faults(&refused("REQUEST_ID_REUSED", &[]), "REQUEST_ID_REUSED", &asked);
    assert!(reused[0].text.starts_with("This form was sent before"), "{reused:?}");
    let filled = Filled { asked: &asked, faults: &faults };
    let answer = a_file("");
    let form = review::FORM.content(&answer, &answer.files[0], &filled, "id-7");
    has(
        &form,
        &[
            r##"<a href="#review.officer">Enter who reviews</a>"##,
            r#"name="request_id" value="id-7""#,
            r#"method="post" action="/outstanding/file/review""#,
            ">\nabc</textarea>",
        ],
    );
}

#[test]
fn the_return_says_as_at_which_day_and_leads_to_the_same_as_json() {
    let told = returns::content(&Asked::of(b"as_at=2026-11-27"), &a_return("N & S"));
    has(
        &told,
        &[
            r#"<time datetime="2026-11-27">27 November 2026</time>"#,
            "3 open files",
            "66.66%",
            "7 arrested",
            "1 file is closed",
            "1 day 1 hour",
            "as_at=2026-11-27&amp;known_at=2026-05-28T20%3A26%3A40Z&amp;from=2026-11-01&amp;areas=N+%26+S",
            r#"name="as_at" type="date" class="" value="2026-11-27""#,
        ],
    );
}

#[test]
fn whoever_has_no_reason_recorded_is_named_so_and_first() {
    let told = alignment::content(&Asked::default(), &aligned("Serving four years."));
    has(&told, &["87.86%", "No reason recorded", "12 with a recorded reason", "38 with no reason recorded"]);
    has(
        &told,
        &["Considered and not taken in on 2 March 2026: Serving four years.", "from 30 March 2026 to 31 March 2026"],
    );
    let (bare, reasoned) = (told.0.find("ref=S-42").unwrap(), told.0.find("ref=S-113").unwrap());
    assert!(bare < reasoned, "whoever has no reason stands first");
    has(
        &alignment::content(&Asked::default(), &pb::GetAlignmentResponse::default()),
        &["Nobody whom you may see is managed."],
    );
}

#[test]
fn a_run_is_told_by_how_it_ended_and_lists_that_are_old_are_said_to_be() {
    has(
        &runs::told(&a_run(pb::RescoreState::Failed, "the disk is full")),
        &["failed. </strong>The disk is full.", "The lists stay as they were"],
    );
    let going_on = runs::told(&a_run(pb::RescoreState::Running, ""));
    has(
        &going_on,
        &[
            r#"<progress id="progress" max="1205" value="1204">"#,
            "1,204 of 1,205 weighed.",
            r#"href="/runs/run?id=f0e1""#,
        ],
    );
    has(&runs::failures(&a_run(pb::RescoreState::Published, "")), &["The first 1 of 21 are named."]);
    let context = pb::ReadContext { stale: true, as_of: "2026-11-26".to_owned(), ..Default::default() };
    let read = runs::Told { context: Some(context), ..Default::default() };
    has(&runs::state(&read), &["These lists are old.", "26 November 2026", "There has been no run."]);
}
