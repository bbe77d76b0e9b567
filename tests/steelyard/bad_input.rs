//! What must be refused: each with a precise reason, all violations at once,
//! nothing half-applied, the server unharmed.

use steelyard::pb;
use steelyard::pb::record::Kind;
use tonic::Code;

use crate::harness::{Client, Server, new_id, told};
use crate::people::{AS_OF, Somebody};

fn somebody() -> Somebody {
    Somebody::man("BAD", "1990-01-01").charged("TH68036", "2026-03-01")
}

/// Writes one bad record among good ones; nothing may be written. What was told.
async fn refused(client: &mut Client, records: Vec<pb::Record>) -> String {
    let status = client.try_write(records).await.expect_err("must be refused");
    assert_eq!(status.code(), Code::InvalidArgument, "{}", told(&status));
    let unknown = client.standing("BAD").await.expect_err("nothing may be half-applied");
    assert_eq!(unknown.code(), Code::NotFound);
    told(&status)
}

fn with(change: impl FnOnce(&mut pb::Record)) -> Vec<pb::Record> {
    let mut somebody = somebody();
    change(somebody.last());
    somebody.records()
}

fn offence(change: impl FnOnce(&mut pb::Offence)) -> Vec<pb::Record> {
    somebody().with(change).records()
}

#[tokio::test]
async fn each_fault_has_its_field_and_its_reason() {
    let server = Server::in_memory();
    let mut client = server.client().await;
    let cases: Vec<(Vec<pb::Record>, &str, &str)> = vec![
        (with(|record| record.event_date = "1989-12-31".into()), "records[1].event_date", "BORN_AFTER_OFFENCE"),
        (with(|record| record.event_date = "2026-02-29".into()), "records[1].event_date", "INVALID_DATE"),
        (with(|record| record.event_date = "2026-03-02".into()), "records[1].event_date", "AFTER_RECORDED"),
        (with(|record| record.id = "a\u{7}b".into()), "records[1].id", "INVALID_REFERENCE"),
        (with(|record| record.subject_ref = "x".repeat(65)), "records[1].subject_ref", "INVALID_REFERENCE"),
        (with(|record| record.id.clone_from(&"BAD-001".to_owned())), "records[1].id", "DUPLICATE_RECORD_ID"),
        (with(|record| record.kind = None), "records[1].kind", "REQUIRED"),
        (with(|record| record.category = 99), "records[1].category", "UNKNOWN_VALUE"),
        (offence(|offence| offence.cjs_code = "ZZ99999".into()), "records[1].offence.cjs_code", "UNKNOWN_OFFENCE_CODE"),
        (
            offence(|offence| offence.report_date = "2026-02-01".into()),
            "records[1].offence.report_date",
            "DATES_OUT_OF_ORDER",
        ),
        (
            offence(|offence| {
                offence.outcome = pb::Outcome::Convicted.into();
                offence.outcome_date = String::new();
            }),
            "records[1].offence.outcome_date",
            "REQUIRED",
        ),
        (
            somebody().totals("2026-01-01", 4_000_000_000, 0, "").records(),
            "records[2].sanction_summary.sanction_occasions",
            "OUT_OF_RANGE",
        ),
        (
            somebody().totals("2026-01-01", 2, 3, "").records(),
            "records[2].sanction_summary.violent_sanction_occasions",
            "OUT_OF_RANGE",
        ),
        (
            somebody().intelligence(pb::ThreatIndicator::AccessToWeapon, "2026-03-01", (9, "Z"), "").records(),
            "records[2].intelligence.assessment",
            "INVALID_GRADE",
        ),
        (somebody().mappa(9, 9, "2026-03-01").records(), "records[2].assessment.mappa_category", "OUT_OF_RANGE"),
        (
            somebody().custody(pb::CustodyKind::Sentence, "2026-03-01", "2026-02-01", "", &[]).records(),
            "records[2].custody.planned_release",
            "DATES_OUT_OF_ORDER",
        ),
    ];
    for (records, field, reason) in cases {
        let told = refused(&mut client, records).await;
        assert!(told.contains(&format!("{field}: {reason}")), "{field}: {reason} must be told: {told}");
    }
    // The server is unharmed.
    client.write(somebody().records()).await;
}

#[tokio::test]
async fn all_violations_of_all_records_come_at_once() {
    let server = Server::in_memory();
    let mut client = server.client().await;
    let mut records = somebody().totals("2026-03-01", 2_000, 3_000, "soon").records();
    records[1].event_date = "never".to_owned();
    records[2].event_date = "2026-13-01".to_owned();
    let told = refused(&mut client, records).await;
    for field in [
        "records[1].event_date: INVALID_DATE",
        "records[2].event_date: INVALID_DATE",
        "records[2].sanction_summary.sanction_occasions: OUT_OF_RANGE",
        "records[2].sanction_summary.violent_sanction_occasions: OUT_OF_RANGE",
        "records[2].sanction_summary.first_sanction_date: INVALID_DATE",
    ] {
        assert!(told.contains(field), "{field}: {told}");
    }
}

#[tokio::test]
async fn outstanding_periods_must_follow_one_another() {
    let server = Server::in_memory();
    let mut client = server.client().await;
    let mut file = somebody().wanted("2026-03-02").updated("2026-03-30");
    let Some(Kind::Outstanding(outstanding)) = &mut file.last().kind else { panic!("must be a file") };
    outstanding.periods.push(pb::OpenPeriod { opened_on: "2026-03-10".into(), ..Default::default() });
    outstanding.periods.push(pb::OpenPeriod {
        opened_on: "2026-03-20".into(),
        closed_on: "2026-03-15".into(),
        ..Default::default()
    });
    let told = refused(&mut client, file.records()).await;
    for fault in [
        "outstanding.periods[1].opened_on: CONTRADICTION",
        "outstanding.periods[2].closed_on: DATES_OUT_OF_ORDER",
        "outstanding.periods[2].outcome: REQUIRED",
    ] {
        assert!(told.contains(fault), "{fault}: {told}");
    }
}

#[tokio::test]
async fn a_record_of_another_subject_is_refused() {
    let server = Server::in_memory();
    let mut client = server.client().await;
    client.write(Somebody::man("OWNER", "1990-01-01").records()).await;
    let mut stolen = Somebody::man("BAD", "1990-01-01").records();
    stolen[0].id = "OWNER-001".to_owned();
    let told = refused(&mut client, stolen).await;
    assert!(told.contains("RECORD_OF_ANOTHER_SUBJECT"), "{told}");
}

#[tokio::test]
async fn an_override_below_a_floor_needs_a_second_officer_and_a_near_end() {
    let server = Server::in_memory();
    let mut client = server.client().await;
    client.write(Somebody::man("FLOORED", "1980-01-01").mappa(2, 3, "2026-03-01").records()).await;
    let decision = |band: pb::Band, second: &str, expires: &str| {
        let decision = pb::BandOverride {
            band: band.into(),
            scope: pb::OverrideScope::Both.into(),
            rationale: "moved to another force's area".to_owned(),
            officer: "PS-1".to_owned(),
            expires_on: expires.to_owned(),
            second_officer: second.to_owned(),
        };
        let mut record =
            Somebody::new("FLOORED").record("2026-03-30", Kind::BandOverride(decision)).records().remove(0);
        record.id = format!("FLOORED-{band:?}-{second}-{expires}");
        vec![record]
    };
    let unlawful = client.try_write(decision(pb::Band::Low, "", "2026-09-30")).await.expect_err("must be refused");
    for fault in ["SECOND_OFFICER_REQUIRED", "OVERRIDE_TOO_LONG"] {
        assert!(told(&unlawful).contains(fault), "{}", told(&unlawful));
    }
    client.write(decision(pb::Band::Medium, "INSP-2", "2026-04-20")).await;
    let standing = client.on_list("FLOORED", pb::List::All).await;
    assert_eq!((standing.effective_band, standing.overridden), (pb::Band::Medium.into(), true));
}

#[tokio::test]
async fn arguments_of_reads_are_judged_all_at_once() {
    let server = Server::in_memory();
    let mut client = server.client().await;
    let filter = pb::StandingFilter { bands: vec![0, 77], areas: vec!["a\nb".into()], ..Default::default() };
    let request =
        pb::ListStandingsRequest { list: 0, filter: Some(filter), view: 9, page_size: 5_000, ..Default::default() };
    let status = client.ranking.list_standings(request).await.expect_err("must be refused");
    for field in ["list: ", "view: ", "page_size: ", "filter.bands[0]: ", "filter.bands[1]: ", "filter.areas[0]: "] {
        assert!(told(&status).contains(field), "{field}{}", told(&status));
    }
    let full = pb::ListStandingsRequest {
        list: pb::List::All.into(),
        view: pb::View::Full.into(),
        page_size: 101,
        ..Default::default()
    };
    let status = client.ranking.list_standings(full).await.expect_err("must be refused");
    assert_eq!(status.code(), Code::InvalidArgument);
}

#[tokio::test]
async fn page_tokens_are_refused_each_for_its_own_reason() {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let server = Server::on(folder.path(), &["--as-of", AS_OF]);
    let mut client = server.client().await;
    for person in 0..5 {
        client.write(Somebody::man(&format!("P-{person}"), "1990-01-01").records()).await;
    }
    let ask = |list: pb::List, page_token: &str| pb::ListStandingsRequest {
        list: list.into(),
        page_size: 2,
        page_token: page_token.to_owned(),
        ..Default::default()
    };
    let first = client.ranking.list_standings(ask(pb::List::All, "")).await.expect("a page must come").into_inner();
    let token = first.next_page_token;
    assert!(!token.is_empty() && token.len() < 512);
    let mut altered = token.clone().into_bytes();
    altered[40] = if altered[40] == b'A' { b'B' } else { b'A' };
    let altered = String::from_utf8(altered).expect("must be text");
    let other = Server::in_memory();
    let mut other_client = other.client().await;
    let foreign = other_client.ranking.list_standings(ask(pb::List::All, &token)).await.expect_err("must be refused");
    assert!(told(&foreign).contains("PAGE_TOKEN_OF_ANOTHER_STORE"), "{}", told(&foreign));
    for (list, token, reason) in [
        (pb::List::All, altered.as_str(), "PAGE_TOKEN_INVALID"),
        (pb::List::All, "not a token", "PAGE_TOKEN_INVALID"),
        (pb::List::Children, token.as_str(), "PAGE_TOKEN_OF_OTHER_ARGUMENTS"),
    ] {
        let status = client.ranking.list_standings(ask(list, token)).await.expect_err("must be refused");
        assert!(told(&status).contains(reason), "{reason}: {}", told(&status));
    }
    assert!(server.stop().await.success());
    let server = Server::on(folder.path(), &[]);
    let mut client = server.client().await;
    let expired = client.ranking.list_standings(ask(pb::List::All, &token)).await.expect_err("must be refused");
    assert!(told(&expired).contains("PAGE_TOKEN_EXPIRED"), "{}", told(&expired));
}

#[tokio::test]
async fn oversized_messages_and_batches_leave_the_server_unharmed() {
    let server = Server::in_memory();
    let mut client = server.client().await;
    let mut huge = somebody().records();
    if let Some(Kind::Person(person)) = &mut huge[0].kind {
        person.name = "x".repeat(5 * 1024 * 1024);
    }
    let status = client.try_write(huge).await.expect_err("must be refused");
    assert!(matches!(status.code(), Code::OutOfRange | Code::ResourceExhausted), "{status:?}");
    let many = (0..1_001).flat_map(|person| Somebody::man(&format!("P-{person}"), "1990-01-01").records()).collect();
    let status = client.try_write(many).await.expect_err("must be refused");
    assert!(told(&status).contains("records: OUT_OF_RANGE"), "{}", told(&status));
    let id = pb::WriteEvidenceRequest {
        request_id: "yesterday".into(),
        records: somebody().records(),
        ..Default::default()
    };
    let status = client.evidence.write_evidence(id).await.expect_err("must be refused");
    assert!(told(&status).contains("INVALID_REQUEST_ID"), "{}", told(&status));
    client.write(somebody().records()).await;
}

#[test]
fn a_policy_that_contradicts_itself_refuses_the_start_and_tells_everything() {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let path = folder.path().join("policy.toml");
    let text = include_str!("../../policies/thr-2026.1.toml");
    let broken = format!("surprise = 1\n{}", text.replace("very_high = 60", "very_high = 20"));
    std::fs::write(&path, broken).expect("a file can be written");
    let path = path.to_str().expect("a temporary path must be text");
    let (code, said) = Server::refused(&["--memory", "--policy", path]);
    assert_eq!(code, Some(64), "{said}");
    assert!(said.contains("surprise"), "{said}");
    assert!(said.contains("bands"), "{said}");
}

#[tokio::test]
async fn a_changed_policy_needs_a_version_of_its_own() {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let store = folder.path().join("store");
    assert!(Server::on(&store, &["--as-of", AS_OF]).stop().await.success());
    let text = include_str!("../../policies/thr-2026.1.toml");
    let path = folder.path().join("policy.toml");
    let path_text = path.to_str().expect("a temporary path must be text").to_owned();
    let changed = text.replace("very_high = 60", "very_high = 61");
    assert_ne!(changed, text);
    std::fs::write(&path, &changed).expect("a file can be written");
    let data = store.to_str().expect("a temporary path must be text");
    let (code, said) = Server::refused(&["--data-dir", data, "--policy", &path_text]);
    assert_eq!(code, Some(64), "{said}");
    assert!(said.contains("a version of its own"), "{said}");
    std::fs::write(&path, changed.replace("thr-2026.1", "force-2026.1")).expect("a file can be written");
    let server = Server::on(&store, &["--policy", &path_text]);
    let mut client = server.client().await;
    let page =
        client.ranking.list_standings(pb::ListStandingsRequest { list: pb::List::All.into(), ..Default::default() });
    let context = page.await.expect("a page must come").into_inner().context.expect("every read says what it is of");
    assert_eq!(context.policy_version, "force-2026.1");
}

#[test]
fn a_wider_address_without_protection_refuses_the_start() {
    let (code, said) = Server::refused(&["--memory", "--grpc-listen", "0.0.0.0:0"]);
    assert_eq!(code, Some(64), "{said}");
    assert!(said.contains("grpc.listen"), "{said}");
}

#[tokio::test]
async fn validating_only_writes_nothing() {
    let server = Server::in_memory();
    let mut client = server.client().await;
    let request = pb::WriteEvidenceRequest {
        request_id: new_id(),
        records: somebody().records(),
        validate_only: true,
        ..Default::default()
    };
    let answer = client.evidence.write_evidence(request).await.expect("must be judged").into_inner();
    assert!(
        answer
            .verdicts
            .iter()
            .all(|verdict| verdict.verdict == i32::from(pb::Verdict::Created) && verdict.revision == 0)
    );
    assert_eq!(client.standing("BAD").await.expect_err("nothing was written").code(), Code::NotFound);
}
