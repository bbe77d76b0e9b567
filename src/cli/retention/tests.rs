//! What each subcommand asks for, and the screen on an answer made by hand.

use clap::Parser;

use super::*;
use crate::cli::output::Page;
use crate::cli::test_screens::{agrees_with, context};
use crate::pb;

#[derive(Debug, Parser)]
#[command(no_binary_name = true)]
struct Line {
    #[command(flatten)]
    args: Args,
}

fn parsed(line: &str) -> Command {
    // Underscores stand for spaces within a word.
    let words = line.split_whitespace().map(|word| word.replace('_', " "));
    Line::try_parse_from(words).unwrap_or_else(|error| panic!("{error}")).args.command
}

fn reason(ground: pb::RetentionGround, record_id: &str, date: &str) -> pb::RetentionReason {
    pb::RetentionReason { ground: ground.into(), record_id: record_id.to_owned(), date: date.to_owned() }
}

fn answer() -> pb::ListRetentionDueResponse {
    let disposed = pb::RetentionReview {
        outcome: pb::RetentionOutcome::Dispose.into(),
        officer: "rm-2".to_owned(),
        reason: "nothing since a caution as a boy".to_owned(),
        reviewed_on: "2026-02-02".to_owned(),
        ..Default::default()
    };
    let due = vec![
        pb::RetentionDue {
            subject_ref: "S-000871".to_owned(),
            group: pb::RetentionGroup::One.into(),
            reasons: vec![
                reason(pb::RetentionGround::SeriousSpecifiedOffence, "off-19", "2009-05-17"),
                reason(pb::RetentionGround::Mappa, "map-2", "2014-01-10"),
            ],
            further_reasons: 3,
            last_event_date: "2021-11-30".to_owned(),
            counted_from: "2009-05-17".to_owned(),
            due_on: "2019-05-17".to_owned(),
            days_overdue: 2_510,
            ..Default::default()
        },
        pb::RetentionDue {
            subject_ref: "S-000042".to_owned(),
            group: pb::RetentionGroup::Three.into(),
            reasons: vec![reason(pb::RetentionGround::OtherOffence, "off-7", "2016-08-01")],
            last_event_date: "2016-08-01".to_owned(),
            counted_from: "2016-08-01".to_owned(),
            last_review: Some(disposed),
            due_on: "2026-02-02".to_owned(),
            days_overdue: 57,
            restricted: true,
            ..Default::default()
        },
        pb::RetentionDue {
            subject_ref: "S-001900".to_owned(),
            group: pb::RetentionGroup::Four.into(),
            counted_from: "2020-04-01".to_owned(),
            due_on: "2026-04-01".to_owned(),
            days_overdue: -1,
            child: true,
            ..Default::default()
        },
    ];
    let next_page_token = "t".to_owned();
    pb::ListRetentionDueResponse { context: Some(context()), due, next_page_token, total: 1_204 }
}

#[test]
fn a_group_and_a_day_reach_the_request() {
    let Command::Due(args) = parsed("due --group 2 --by 2026-12-31 --limit 7") else { panic!("must be due") };
    let asked = args.request();
    assert_eq!((asked.group(), &*asked.due_on_or_before, asked.page_size), (pb::RetentionGroup::Two, "2026-12-31", 7));
    let Command::Due(args) = parsed("due") else { panic!("must be due") };
    assert_eq!((args.request().group, &*args.request().due_on_or_before), (0, ""));
    for group in ["0", "5", "one"] {
        assert!(Line::try_parse_from(["due", "--group", group]).is_err(), "{group}");
    }
}

#[test]
fn a_review_reaches_the_request_with_its_officer_and_reason() {
    let Command::Review(args) = parsed(
        "review S-1 --outcome retain --officer rm-1 --reason still_a_risk_to_children --on 2026-03-30 --next 2027-03-30 --etag 7",
    ) else {
        panic!("must be review")
    };
    let expected = pb::RecordRetentionReviewRequest {
        request_id: "id".to_owned(),
        subject_ref: "S-1".to_owned(),
        outcome: pb::RetentionOutcome::Retain.into(),
        officer: "rm-1".to_owned(),
        reason: "still a risk to children".to_owned(),
        reviewed_on: "2026-03-30".to_owned(),
        next_review_on: "2027-03-30".to_owned(),
        etag: "7".to_owned(),
    };
    assert_eq!(args.request("id"), expected);
    for line in ["review S-1 --outcome retain --officer rm-1", "review S-1 --officer rm-1 --reason none_is_given"] {
        assert!(Line::try_parse_from(line.split_whitespace()).is_err(), "{line}");
    }
}

#[test]
fn the_longest_due_stand_first_with_what_put_them_in_their_group() {
    agrees_with("retention_due.txt", &due::screen(&answer(), Page::PLAIN));
    let none = pb::ListRetentionDueResponse { context: Some(context()), ..Default::default() };
    assert!(due::screen(&none, Page::PLAIN).contains("Nobody is due."));
}

#[test]
fn a_row_a_person_under_stable_headers() {
    let text = due::csv(&answer()).unwrap();
    let mut lines = text.lines();
    assert_eq!(
        lines.next(),
        Some(
            "subject_ref,group,record_ids,further_reasons,last_event_date,counted_from,reviewed_on,outcome,officer,due_on,\
             days_overdue,child,restricted"
        )
    );
    assert_eq!(
        lines.nth(1),
        Some("S-000042,3,off-7,0,2016-08-01,2016-08-01,2026-02-02,dispose,rm-2,2026-02-02,57,false,true")
    );
}

#[test]
fn a_receipt_says_by_when_to_review_again() {
    let answer = pb::RecordRetentionReviewResponse {
        revision: 20_115,
        next_review_on: "2031-03-31".to_owned(),
        remarks: Vec::new(),
    };
    assert_eq!(
        review::receipt("S-1", &answer).done,
        "Records of S-1 reviewed and kept until a review by 31 March 2031, written"
    );
    let disposed = pb::RecordRetentionReviewResponse { next_review_on: String::new(), ..answer };
    assert!(review::receipt("S-1", &disposed).done.contains("no longer needed"));
}
