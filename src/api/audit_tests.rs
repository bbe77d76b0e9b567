//! Asking the audit through its service.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tonic::{Code, Request};
use tonic_types::StatusExt;

use super::Edge;
use super::audit::Audit;
use super::serving::anchored;
use crate::access::Caller;
use crate::access::audit::{AuditLog, Entry, EntryKind, Outcome};
use crate::config::Settings;
use crate::domain::SubjectId;
use crate::pb;
use crate::pb::audit_service_server::AuditService;
use crate::service::mutation::{Mutation, MutationBody, Records};
use crate::service::rescore::Rescoring;
use crate::service::{Options, Service};
use crate::store::archive::Archive;
use crate::store::{Identity, MemoryStore};

const RPC: &str = "steelyard.v1.RankingService/ListStandings";

/// A server's edge with S-0 and S-1, and an audit in which "ann" saw both five times and "bob" was turned away from S-1.
async fn edge() -> Arc<Edge> {
    let as_of = "2026-03-20".parse().unwrap();
    let options = Options {
        as_of: Some(as_of),
        policy: None,
        stale_after: Duration::from_hours(24),
        page_pins: 1,
        now: Arc::new(Timestamp::now),
    };
    let store = Arc::new(MemoryStore::new(Identity::fresh()));
    let started = tokio::task::spawn_blocking(move || Service::start(store, options).unwrap()).await.unwrap();
    let service = started.service;
    let settings = Settings::trial("127.0.0.1:0".parse().unwrap(), "nowhere".into(), as_of);
    let keeping = service.keep(None, settings.backup).unwrap();
    let rescoring = Rescoring::start(service.clone(), Arc::new(Archive::in_memory()), settings.rescore).unwrap();
    let audit = anchored(&service, AuditLog::in_passing).await.unwrap();
    for number in 0..5 {
        let mut entry = Entry::of(&Caller::loopback().correlated("c-1"), EntryKind::Access, RPC, at(number));
        entry.actor = "ann".into();
        entry.subjects = [SubjectId(0), SubjectId(1)].into_iter().collect();
        entry.rows = 2;
        audit.record(entry).await.unwrap();
    }
    let mut entry = Entry::of(&Caller::loopback().correlated("c-2"), EntryKind::Access, RPC, at(5));
    entry.actor = "bob".into();
    entry.outcome = Outcome::Refused;
    entry.attempted = Some(SubjectId(1));
    audit.record(entry).await.unwrap();
    let offence =
        pb::Offence { ho_code: "005/01".to_owned(), outcome: pb::Outcome::Charged.into(), ..pb::Offence::default() };
    let record = |number: u8| pb::Record {
        id: format!("r-{number}"),
        subject_ref: format!("S-{number}"),
        source_system: "test".to_owned(),
        event_date: "2026-01-01".to_owned(),
        kind: Some(pb::record::Kind::Offence(offence.clone())),
        ..pb::Record::default()
    };
    let records = Records {
        records: vec![record(0), record(1)],
        etags: [].into(),
        all_or_none: true,
        validate_only: false,
        decisions: false,
    };
    let body = MutationBody::Write(records);
    service.change(Mutation { caller: Caller::loopback(), request_id: [1; 16], digest: [1; 32], body }).await.unwrap();
    let auditor = crate::api::Auditor::new(Some(audit.clone()));
    Arc::new(Edge { service, keeping, rescoring, audit, auditor })
}

/// A request as the gate lets it in.
fn asking<T>(message: T) -> Request<T> {
    let mut request = Request::new(message);
    request.extensions_mut().insert(Caller::loopback());
    request
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_700_000_000 + second).unwrap()
}

#[tokio::test]
async fn pages_of_the_audit_hold_every_entry_once_the_newest_first() {
    let audit = Audit(edge().await);
    let mut request = pb::ListAuditEventsRequest { page_size: 2, ..Default::default() };
    let mut numbers = Vec::new();
    loop {
        let page = audit.list_audit_events(asking(request.clone())).await.unwrap().into_inner();
        assert_eq!(page.head.unwrap().entries, 6);
        numbers.extend(page.events.iter().map(|event| event.number));
        if page.next_page_token.is_empty() {
            break;
        }
        request.page_token = page.next_page_token;
    }
    assert_eq!(numbers, [6, 5, 4, 3, 2, 1]);
    let other = pb::ListAuditEventsRequest {
        filter: Some(pb::AuditFilter { actors: vec!["ann".to_owned()], ..Default::default() }),
        ..request
    };
    let refused = audit.list_audit_events(asking(other)).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument, "a token is of the arguments that it was made for");
}

#[tokio::test]
async fn a_person_is_told_who_saw_them_and_who_was_turned_away() {
    let audit = Audit(edge().await);
    let ask = |subject_ref: &str| {
        let subject_ref = subject_ref.to_owned();
        audit.list_subject_access(asking(pb::ListSubjectAccessRequest { subject_ref, ..Default::default() }))
    };
    let seen = ask("S-0").await.unwrap().into_inner().accesses;
    assert_eq!(seen.iter().map(|access| access.number).collect::<Vec<_>>(), [5, 4, 3, 2, 1]);
    assert!(seen.iter().all(|access| access.actor == "ann" && access.other_subjects == 1 && access.rpc == RPC));
    let seen = ask("S-1").await.unwrap().into_inner().accesses;
    assert_eq!((seen.len(), seen[0].actor.as_str(), seen[0].outcome()), (6, "bob", pb::AuditOutcome::Refused));
    assert_eq!(ask("S-7").await.unwrap_err().code(), Code::NotFound);
}

#[tokio::test]
async fn everything_wrong_with_a_question_is_told_at_once() {
    let audit = Audit(edge().await);
    let time = |seconds| Some(pbjson_types::Timestamp { seconds, nanos: 0 });
    let filter = pb::AuditFilter {
        actors: vec![String::new()],
        outcomes: vec![0],
        from: time(10),
        to: time(10),
        subject_ref: " ".to_owned(),
        ..Default::default()
    };
    let request = pb::ListAuditEventsRequest { filter: Some(filter), page_size: 1_001, ..Default::default() };
    let refused = audit.list_audit_events(asking(request)).await.unwrap_err();
    let fields = refused.get_details_bad_request().unwrap().field_violations;
    let fields: Vec<_> = fields.iter().map(|violation| violation.field.as_str()).collect();
    assert_eq!(fields, ["filter.actors[0]", "filter.outcomes[0]", "page_size", "filter.to", "filter.subject_ref"]);
}

#[tokio::test]
async fn the_audit_is_verified_against_the_head_in_the_ledger() {
    let audit = Audit(edge().await);
    let ask = |newest| audit.verify_audit(asking(pb::VerifyAuditRequest { newest }));
    let verified = ask(0).await.unwrap().into_inner();
    assert!(verified.sound && verified.anchor_compared, "{verified:?}");
    assert_eq!((verified.entries, verified.first_entry), (6, 1));
    assert_eq!(verified.anchored, verified.head, "the commit wrote it down");
    let path = audit.0.audit.directory().join("00000000000000000001.audit");
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[200] ^= 4;
    std::fs::write(&path, bytes).unwrap();
    let verified = ask(0).await.unwrap().into_inner();
    assert_eq!((verified.sound, verified.flaw.unwrap().entry), (false, 1));
}
