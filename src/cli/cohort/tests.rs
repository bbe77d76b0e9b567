//! What each subcommand asks for, and the screens on answers made by hand.

use clap::Parser;

use super::*;
use crate::cli::output::Page;
use crate::cli::test_screens::{agrees_with, cohort_review, context, london, standing};
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

fn words(line: &str) -> Command {
    parsed(&line.split_whitespace().collect::<Vec<_>>())
}

fn refused(words: &[&str]) -> bool {
    Line::try_parse_from(words).is_err()
}

#[test]
fn a_decision_reaches_the_request() {
    let mut line: Vec<_> =
        "decide S-1 --decision change-status --status flex --rag amber --officer insp-1 --panel p-7 \
         --representations-received --offender-manager om-2 --area north --minutes 30 --id dec-1 --source iom"
            .split_whitespace()
            .collect();
    line.extend(["--rationale", "Burglary has stopped"]);
    let Command::Decide(args) = parsed(&line) else { panic!("must be decide") };
    let expected = pb::RecordDecisionRequest {
        request_id: "id".to_owned(),
        subject_ref: "S-1".to_owned(),
        decision_id: "dec-1".to_owned(),
        source_system: "iom".to_owned(),
        decision: pb::DecisionKind::ChangeStatus.into(),
        status: pb::CohortStatus::Flex.into(),
        rag: pb::Rag::Amber.into(),
        officer: "insp-1".to_owned(),
        rationale: "Burglary has stopped".to_owned(),
        panel: "p-7".to_owned(),
        representations_received: true,
        offender_manager: "om-2".to_owned(),
        area: "north".to_owned(),
        minutes: 30,
    };
    assert_eq!(args.request("id"), expected);
}

#[test]
fn nobody_decides_without_a_name_and_a_rationale() {
    assert!(refused(&["decide", "S-1", "--decision", "retain", "--officer", "insp-1"]));
    assert!(refused(&["decide", "S-1", "--decision", "retain", "--rationale", "Still offending"]));
    assert!(refused(&["override", "S-1", "--band", "high", "--officer", "insp-1", "--rationale", "New threats made"]));
}

#[test]
fn an_override_and_its_end_reach_their_requests() {
    let mut line: Vec<_> =
        "override S-1 --band very-high --scope outstanding --officer insp-1 --expires-on 2026-04-14 \
         --second-officer ci-1 --id ovr-1 --source iom --etag e"
            .split_whitespace()
            .collect();
    line.extend(["--rationale", "New threats made"]);
    let Command::Override(args) = parsed(&line) else { panic!("must be override") };
    let expected = pb::OverrideBandRequest {
        request_id: "id".to_owned(),
        subject_ref: "S-1".to_owned(),
        override_id: "ovr-1".to_owned(),
        source_system: "iom".to_owned(),
        r#override: Some(pb::BandOverride {
            band: pb::Band::VeryHigh.into(),
            scope: pb::OverrideScope::Outstanding.into(),
            rationale: "New threats made".to_owned(),
            officer: "insp-1".to_owned(),
            expires_on: "2026-04-14".to_owned(),
            second_officer: "ci-1".to_owned(),
        }),
        etag: "e".to_owned(),
    };
    assert_eq!(args.request("id"), expected);
    let line = ["withdraw-override", "S-1", "--id", "ovr-1", "--reason", "Threats withdrawn", "--etag", "e"];
    let Command::WithdrawOverride(args) = parsed(&line) else { panic!("must be withdraw-override") };
    let expected = pb::WithdrawOverrideRequest {
        request_id: "id".to_owned(),
        subject_ref: "S-1".to_owned(),
        override_id: "ovr-1".to_owned(),
        reason: "Threats withdrawn".to_owned(),
        etag: "e".to_owned(),
    };
    assert_eq!(args.request("id"), expected);
}

#[test]
fn every_filter_of_decisions_reaches_the_request() {
    let Command::Decisions(args) = words(
        "decisions --subject S-1,S-2 --decision select --decision decline --status fixed --officer insp-1 --area north \
         --from 2026-03-01 --to 2026-03-30 --identical-rationale --limit 7 --page-token t",
    ) else {
        panic!("must be decisions")
    };
    let expected = pb::DecisionFilter {
        subject_refs: vec!["S-1".to_owned(), "S-2".to_owned()],
        decisions: vec![pb::DecisionKind::Select.into(), pb::DecisionKind::Decline.into()],
        statuses: vec![pb::CohortStatus::Fixed.into()],
        officers: vec!["insp-1".to_owned()],
        areas: vec!["north".to_owned()],
        from: "2026-03-01".to_owned(),
        to: "2026-03-30".to_owned(),
        identical_rationale_only: true,
    };
    let request = args.request();
    assert_eq!((request.filter, request.page_size, request.page_token.as_str()), (Some(expected), 7, "t"));
}

#[test]
fn with_explanations_pages_are_as_large_as_the_server_allows() {
    let Command::Decisions(args) = words("decisions --with-detail --all") else { panic!("must be decisions") };
    assert_eq!((args.request().with_detail, args.request().page_size), (true, 100));
    let Command::Decisions(args) = words("decisions --all") else { panic!("must be decisions") };
    assert_eq!((args.request().with_detail, args.request().page_size), (false, 1_000));
}

fn recorded(id: &str, identical_rationales: u32) -> pb::RecordedDecision {
    pb::RecordedDecision {
        decision_id: id.to_owned(),
        subject_ref: "S-000113".to_owned(),
        revision: 20_113,
        recorded_time: Some(london("2026-03-30T10:00:00Z")),
        actor: "iom-console".to_owned(),
        decision: Some(pb::CohortDecision {
            decision: pb::DecisionKind::Select.into(),
            status: pb::CohortStatus::Fixed.into(),
            rag: pb::Rag::Red.into(),
            officer: "insp-1".to_owned(),
            rationale: "Burglary of dwellings every week since release, and no engagement.".to_owned(),
            panel: "panel-north".to_owned(),
            representations_received: true,
            decided_time: Some(london("2026-03-30T10:00:00Z")),
            minutes: 30,
            offender_manager: "om-1".to_owned(),
            area: "north".to_owned(),
            standing: Some(standing("S-000113", 3, pb::Band::High, 59_960)),
            list: pb::List::Candidates.into(),
            list_size: 1_412,
            policy_version: "thr-2026.1".to_owned(),
            ..Default::default()
        }),
        identical_rationales,
    }
}

fn decided() -> pb::ListDecisionsResponse {
    let mut alone = recorded("dec-2", 0);
    let decision = alone.decision.as_mut().unwrap();
    decision.panel = String::new();
    decision.standing = None;
    decision.representations_received = false;
    pb::ListDecisionsResponse {
        context: Some(context()),
        decisions: vec![recorded("dec-1", 2), alone],
        next_page_token: "more".to_owned(),
        total: 88,
        with_identical_rationale: 3,
    }
}

#[tokio::test]
async fn all_follows_the_tokens_to_the_end_and_one_page_does_not() {
    let mut client = crate::cli::client::cohort(crate::cli::test_services::supervised().await);
    let page = decisions::fetch(&mut client, pb::ListDecisionsRequest::default(), false).await.unwrap();
    assert_eq!((page.decisions.len(), page.next_page_token.is_empty()), (1, false));
    let all = decisions::fetch(&mut client, pb::ListDecisionsRequest::default(), true).await.unwrap();
    let ids: Vec<_> = all.decisions.iter().map(|recorded| recorded.decision_id.as_str()).collect();
    assert_eq!((ids, all.next_page_token.is_empty()), (vec!["dec-1", "dec-2", "dec-3"], true));
}

#[test]
fn decisions_show_why_and_where_the_person_stood() {
    agrees_with("cohort_decisions.txt", &decisions::screen(&decided(), Page::PLAIN));
    let none = pb::ListDecisionsResponse::default();
    assert!(decisions::screen(&none, Page::PLAIN).ends_with("No decision matches.\n"));
}

#[test]
fn csv_of_decisions_has_a_row_each_under_stable_headers() {
    let mut answer = decided();
    answer.decisions[0].decision.as_mut().unwrap().rationale = "=1+1 is why".to_owned();
    let text = decisions::csv(&answer).unwrap();
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(lines[0], decisions::CSV_HEADER.join(","));
    assert_eq!(
        lines[1],
        "dec-1,S-000113,20113,2026-03-30T10:00:00Z,2026-03-30T10:00:00Z,iom-console,select,fixed,red,insp-1,\
         panel-north,true,om-1,north,30,CANDIDATES,3,1412,HIGH,59960,thr-2026.1,2,'=1+1 is why"
    );
    assert_eq!(lines.len(), 3);
}

#[test]
fn every_filter_of_reviews_reaches_the_request() {
    let Command::Reviews(args) = words("reviews --area north,east --officer om-1 --overdue --limit 7") else {
        panic!("must be reviews")
    };
    let expected = pb::ListCohortReviewsRequest {
        areas: vec!["north".to_owned(), "east".to_owned()],
        offender_managers: vec!["om-1".to_owned()],
        overdue_only: true,
        most: 7,
        ..Default::default()
    };
    assert_eq!(args.request(), expected);
}

fn due() -> pb::ListCohortReviewsResponse {
    let mut blue = cohort_review("S-000042", 0);
    blue.rag = pb::Rag::Blue.into();
    blue.reviewed_time = None;
    blue.due_time = None;
    pb::ListCohortReviewsResponse {
        context: Some(context()),
        instant: Some(london("2026-03-31T09:00:00+01:00")),
        reviews: vec![cohort_review("S-000113", 273_600), blue],
        members: 412,
        overdue: 31,
    }
}

#[test]
fn reviews_show_the_most_overdue_and_whom_none_is_due_of() {
    agrees_with("cohort_reviews.txt", &reviews::screen(&due(), Page::PLAIN));
    let none = pb::ListCohortReviewsResponse::default();
    assert!(reviews::screen(&none, Page::PLAIN).ends_with("Nobody matches.\n"));
}

#[test]
fn csv_of_reviews_has_a_row_each_under_stable_headers() {
    let mut answer = due();
    answer.reviews[0].offender_manager = "=cmd".to_owned();
    let text = reviews::csv(&answer).unwrap();
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(lines[0], reviews::CSV_HEADER.join(","));
    assert_eq!(lines[1], "S-000113,fixed,red,VERY HIGH,'=cmd,north,2026-02-28T10:00:00Z,2026-03-28T04:00:00Z,273600");
}
