//! What each subcommand asks for, and the screens on answers made by hand.

use clap::Parser;

use super::*;
use crate::cli::output::Page;
use crate::cli::test_screens::{agrees_with, london};

#[derive(Debug, Parser)]
#[command(no_binary_name = true)]
struct Line {
    #[command(flatten)]
    args: Args,
}

fn words(line: &str) -> Command {
    Line::try_parse_from(line.split_whitespace()).unwrap_or_else(|error| panic!("{error}")).args.command
}

fn head() -> pb::AuditHead {
    pb::AuditHead { entries: 41_207, hash: "5e".repeat(32) }
}

#[test]
fn every_filter_reaches_the_request() {
    let line = "list --actor ann,bob --rpc a.B/C --outcome refused,failed --from 2026-03-01T00:00:00Z \
                --to 2026-03-02T00:00:00Z --subject S-1 --limit 7 --page-token t";
    let Command::List(args) = words(line) else { panic!("must be list") };
    let expected = pb::ListAuditEventsRequest {
        filter: Some(pb::AuditFilter {
            actors: vec!["ann".to_owned(), "bob".to_owned()],
            rpcs: vec!["a.B/C".to_owned()],
            outcomes: vec![pb::AuditOutcome::Refused.into(), pb::AuditOutcome::Failed.into()],
            from: Some(london("2026-03-01T00:00:00Z")),
            to: Some(london("2026-03-02T00:00:00Z")),
            subject_ref: "S-1".to_owned(),
        }),
        page_size: 7,
        page_token: "t".to_owned(),
    };
    assert_eq!(args.request(), expected);
    let Command::Access(args) = words("access S-1 --from 2026-03-01T00:00:00Z") else { panic!("must be access") };
    let expected = pb::ListSubjectAccessRequest {
        subject_ref: "S-1".to_owned(),
        from: Some(london("2026-03-01T00:00:00Z")),
        page_size: 50,
        ..Default::default()
    };
    assert_eq!(args.request(), expected);
    let Command::Verify(args) = words("verify --newest 10") else { panic!("must be verify") };
    assert_eq!(args.request(), pb::VerifyAuditRequest { newest: 10 });
    assert!(Line::try_parse_from(["verify", "--newest", "0"]).is_err());
}

#[test]
fn the_screens_of_the_audit() {
    let event = pb::AuditEvent {
        number: 41_207,
        instant: Some(london("2026-03-31T08:12:00Z")),
        kind: pb::AuditKind::Access.into(),
        outcome: pb::AuditOutcome::Allowed.into(),
        actor: "ann".to_owned(),
        on_behalf_of: "sgt-4".to_owned(),
        purpose: "BRIEFING".to_owned(),
        rpc: "steelyard.v1.RankingService/ListStandings".to_owned(),
        list: pb::List::Cohort.into(),
        subject_count: 50,
        ..Default::default()
    };
    let refused = pb::AuditEvent {
        number: 41_206,
        outcome: pb::AuditOutcome::Refused.into(),
        actor: "bob".to_owned(),
        on_behalf_of: String::new(),
        rpc: "steelyard.v1.RankingService/GetStanding".to_owned(),
        list: 0,
        subject_count: 0,
        attempted_ref: "S-000113".to_owned(),
        ..event.clone()
    };
    let combined = pb::AuditEvent {
        number: 41_205,
        kind: pb::AuditKind::Combination.into(),
        actor: "steelyard".to_owned(),
        on_behalf_of: String::new(),
        purpose: String::new(),
        rpc: String::new(),
        list: 0,
        subject_count: 1,
        subject_refs: vec!["S-000042".to_owned()],
        ..event.clone()
    };
    let answer = pb::ListAuditEventsResponse {
        events: vec![event, refused, combined],
        next_page_token: "more".to_owned(),
        head: Some(head()),
    };
    agrees_with("audit_list.txt", &list::screen(&answer, Page::PLAIN));

    let access = pb::SubjectAccess {
        number: 41_207,
        instant: Some(london("2026-03-31T08:12:00Z")),
        kind: pb::AuditKind::Access.into(),
        outcome: pb::AuditOutcome::Allowed.into(),
        actor: "ann".to_owned(),
        roles: vec!["analyst".to_owned()],
        purpose: "BRIEFING".to_owned(),
        rpc: "steelyard.v1.RankingService/ListStandings".to_owned(),
        list: pb::List::Cohort.into(),
        other_subjects: 49,
        ..Default::default()
    };
    let answer =
        pb::ListSubjectAccessResponse { accesses: vec![access], next_page_token: String::new(), head: Some(head()) };
    agrees_with("audit_access.txt", &access::screen("S-000113", &answer, Page::PLAIN));
}

#[test]
fn the_screens_of_a_verification() {
    let sound = pb::VerifyAuditResponse {
        sound: true,
        first_entry: 1,
        entries: 41_207,
        segments: 3,
        head: Some(head()),
        anchored: Some(pb::AuditHead { entries: 41_200, hash: "7a".repeat(32) }),
        anchor_compared: true,
        flaw: None,
    };
    let flaw = pb::AuditFlaw {
        segment: "00000000000000020001.audit".to_owned(),
        offset: 1_824,
        entry: 20_006,
        why: "entry 20006 was not written after the entry before it".to_owned(),
    };
    let damaged = pb::VerifyAuditResponse { sound: false, anchor_compared: false, flaw: Some(flaw), ..sound.clone() };
    let page = Page::PLAIN;
    agrees_with("audit_verify.txt", &(verify::screen(&sound, page) + "\n" + &verify::screen(&damaged, page)));
}
