//! Every read says over HTTP what it says over gRPC, whether asked by a body or by a
//! link; and a refusal there is the refusal here.

use std::collections::{BTreeMap, BTreeSet};

use prost::Message;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use steelyard::access::table::{Does, RULES};
use steelyard::api::http::problem::http_status;
use steelyard::pb;
use tonic::Status;
use tonic_types::StatusExt;

use crate::authorisation::over_http::{path_of, rule_of};
use crate::authorisation::{Guarded, about, of_many, reference};
use crate::people::AS_OF;
use crate::raw::{Ask, Asked, Means, call};
use crate::web::Told;

/// An answer in JSON, from the bytes of gRPC or through the contract's own types from what HTTP said.
struct Form {
    of_bytes: fn(&[u8]) -> Value,
    of_json: fn(&[u8]) -> Value,
}

fn of_bytes<T: Message + Default + Serialize>(bytes: &[u8]) -> Value {
    serde_json::to_value(T::decode(bytes).expect("an answer of the contract")).expect("must be sayable")
}

fn of_json<T: DeserializeOwned + Serialize>(text: &[u8]) -> Value {
    let answer: T = serde_json::from_slice(text)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&text[..text.len().min(2_000)])));
    serde_json::to_value(answer).expect("must be sayable")
}

macro_rules! forms {
    ($($method:literal $answer:ident),+ $(,)?) => {
        /// Answers of reads that are one message.
        fn forms() -> BTreeMap<&'static str, Form> {
            BTreeMap::from([$(
                ($method, Form { of_bytes: of_bytes::<pb::$answer>, of_json: of_json::<pb::$answer> }),
            )+])
        }
    };
}

forms! {
    "RankingService/ListStandings" ListStandingsResponse,
    "RankingService/GetStanding" GetStandingResponse,
    "RankingService/BatchGetStandings" BatchGetStandingsResponse,
    "RankingService/GetNeighbourhood" GetNeighbourhoodResponse,
    "RankingService/CompareStandings" CompareStandingsResponse,
    "RankingService/GetListSummary" GetListSummaryResponse,
    "RankingService/ListMovements" ListMovementsResponse,
    "RankingService/ListStandingHistory" ListStandingHistoryResponse,
    "RankingService/ListChanges" ListChangesResponse,
    "EvidenceService/GetSubject" GetSubjectResponse,
    "EvidenceService/ListEvidence" ListEvidenceResponse,
    "EvidenceService/ListDisclosures" ListDisclosuresResponse,
    "EvidenceService/ListRetentionDue" ListRetentionDueResponse,
    "OutstandingService/GetOutstanding" GetOutstandingResponse,
    "OutstandingService/ListSupervisionGaps" ListSupervisionGapsResponse,
    "OutstandingService/ListVictimUpdates" ListVictimUpdatesResponse,
    "OutstandingService/GetOutstandingReturn" GetOutstandingReturnResponse,
    "OutstandingService/GetDemand" GetDemandResponse,
    "CohortService/ListDecisions" ListDecisionsResponse,
    "CohortService/GetAlignment" GetAlignmentResponse,
    "CohortService/ListCohortReviews" ListCohortReviewsResponse,
    "RescoreService/GetRescoreRun" GetRescoreRunResponse,
    "RescoreService/ListRescoreRuns" ListRescoreRunsResponse,
    "RescoreService/ListGenerations" ListGenerationsResponse,
    "PolicyService/ValidatePolicy" ValidatePolicyResponse,
    "PolicyService/SimulatePolicy" SimulatePolicyResponse,
    "PolicyService/GetPolicy" GetPolicyResponse,
    "PolicyService/ListPolicies" ListPoliciesResponse,
    "AuditService/ListAuditEvents" ListAuditEventsResponse,
    "AuditService/ListSubjectAccess" ListSubjectAccessResponse,
    "AuditService/VerifyAudit" VerifyAuditResponse,
    "MaintenanceService/GetStoreStatus" GetStoreStatusResponse,
    "MaintenanceService/ListBackups" ListBackupsResponse,
}

/// What is another at every call: clocks, and the audit, which each call lengthens.
const MOVING: [&str; 6] = ["readTime", "head", "audit", "anchored", "overdueSeconds", "entries"];

fn without_moving(mut value: Value) -> Value {
    fn strip(value: &mut Value) {
        match value {
            Value::Object(members) => {
                // How many entries the audit has moves; what a history's entries are does not.
                members.retain(|name, held| !MOVING.contains(&name.as_str()) || (name == "entries" && held.is_array()));
                members.values_mut().for_each(strip);
            }
            Value::Array(items) => items.iter_mut().for_each(strip),
            _ => {}
        }
    }
    strip(&mut value);
    value
}

/// Reads that no other table has.
fn more(run_id: &str) -> Vec<(&'static str, Asked)> {
    let person = || reference("N", 0);
    let text = include_str!("../../../policies/thr-2026.1.toml").to_owned();
    let moment = pbjson_of_2020();
    vec![
        (
            "RankingService/BatchGetStandings",
            pb::BatchGetStandingsRequest {
                list: pb::List::All.into(),
                subject_refs: vec![person(), "nobody".to_owned()],
                ..Default::default()
            }
            .ask(),
        ),
        (
            "RankingService/CompareStandings",
            pb::CompareStandingsRequest {
                list: pb::List::Wanted.into(),
                subject_ref_a: person(),
                subject_ref_b: reference("N", 1),
                ..Default::default()
            }
            .ask(),
        ),
        ("RescoreService/GetRescoreRun", pb::GetRescoreRunRequest { run_id: run_id.to_owned() }.ask()),
        ("RescoreService/ListGenerations", pb::ListGenerationsRequest::default().ask()),
        ("PolicyService/ValidatePolicy", pb::ValidatePolicyRequest { text, ..Default::default() }.ask()),
        (
            "PolicyService/GetPolicy",
            pb::GetPolicyRequest { version: "thr-2026.1".to_owned(), ..Default::default() }.ask(),
        ),
        ("PolicyService/ListPolicies", pb::ListPoliciesRequest::default().ask()),
        (
            "AuditService/ListAuditEvents",
            pb::ListAuditEventsRequest {
                filter: Some(pb::AuditFilter { actors: vec!["nobody".to_owned()], ..Default::default() }),
                ..Default::default()
            }
            .ask(),
        ),
        (
            "AuditService/ListSubjectAccess",
            pb::ListSubjectAccessRequest { subject_ref: person(), to: Some(moment), ..Default::default() }.ask(),
        ),
        ("AuditService/VerifyAudit", pb::VerifyAuditRequest::default().ask()),
        (
            "OutstandingService/GetOutstandingReturn",
            pb::GetOutstandingReturnRequest {
                as_at: "2026-03-30".to_owned(),
                // Of before the time that instants are counted from.
                known_at: Some(pbjson_types::Timestamp { seconds: -315_619_200, nanos: 500_000_000 }),
                ..Default::default()
            }
            .ask(),
        ),
        ("MaintenanceService/GetStoreStatus", pb::GetStoreStatusRequest::default().ask()),
        ("MaintenanceService/ListBackups", pb::ListBackupsRequest::default().ask()),
    ]
}

/// An instant before anything was looked at.
fn pbjson_of_2020() -> pbjson_types::Timestamp {
    pbjson_types::Timestamp { seconds: 1_577_836_800, nanos: 0 }
}

/// A request as a query. `None`: it cannot be one.
fn query_of(asked: &Value) -> Option<String> {
    fn put(name: &str, value: &Value, query: &mut Vec<(String, String)>) -> Option<()> {
        match value {
            Value::Object(members) => {
                for (inner, value) in members {
                    let name = if name.is_empty() { inner.clone() } else { format!("{name}.{inner}") };
                    put(&name, value, query)?;
                }
            }
            Value::Array(items) if items.iter().all(|item| !item.is_object()) => {
                for item in items {
                    put(name, item, query)?;
                }
            }
            Value::Array(_) => return None,
            Value::String(text) => query.push((name.to_owned(), text.clone())),
            other => query.push((name.to_owned(), other.to_string())),
        }
        Some(())
    }
    let mut pairs = Vec::new();
    put("", asked, &mut pairs)?;
    let coded = |text: &str| text.bytes().fold(String::new(), |coded, byte| coded + &format!("%{byte:02X}"));
    let pairs: Vec<_> = pairs.iter().map(|(name, value)| format!("{}={}", coded(name), coded(value))).collect();
    Some(pairs.join("&"))
}

/// A refusal over HTTP says what the status over gRPC says.
fn assert_same_refusal(status: &Status, told: &Told, what: &str) {
    let details = status.get_error_details();
    let info = details.error_info().unwrap_or_else(|| panic!("{what}: {status:?}"));
    assert_eq!((told.reason(), told.status), (info.reason.clone(), http_status(status.code(), &info.reason).as_u16()));
    let problem = told.json();
    assert_eq!(problem["code"], format!("{:?}", status.code()), "{what}");
    assert_eq!(problem["detail"], status.message(), "{what}");
    let violations = details.bad_request().map(|bad| {
        let told = bad.field_violations.iter();
        told.map(|it| json!({ "field": it.field, "reason": it.reason, "description": it.description })).collect()
    });
    assert_eq!(problem.get("violations").cloned(), violations.map(Value::Array), "{what}");
    assert_eq!(told.header("retry-after").is_some(), details.retry_info().is_some(), "{what}");
}

async fn with_history() -> (Guarded, Means, String) {
    let guarded = Guarded::new().await;
    guarded.populate().await;
    let start =
        pb::StartRescoreRequest { request_id: crate::harness::new_id(), as_of: AS_OF.to_owned(), ..Default::default() };
    let path = "/steelyard.v1.RescoreService/StartRescore";
    let run: pb::StartRescoreResponse = guarded.call(path, &start, &guarded.whole()).await;
    let run_id = run.run.expect("a run").run_id;
    let watch = pb::WatchRescoreRunRequest { run_id: run_id.clone() };
    let path = "/steelyard.v1.RescoreService/WatchRescoreRun";
    call(&guarded.channel, path, watch.encode_to_vec(), &guarded.whole()).await.expect("a run can be followed");
    let means = guarded.granted("chief", &["*"], &["see_children", "see_sensitive_intelligence"]);
    (guarded, means, run_id)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_read_says_over_http_what_it_says_over_grpc() {
    let (guarded, means, run_id) = with_history().await;
    let forms = forms();
    let (mut answered, mut linked) = (BTreeSet::new(), BTreeSet::new());
    let bearer = format!("Bearer {}", means.token.as_ref().expect("a token"));
    let asked = of_many().into_iter().chain(about(&reference("N", 0))).chain(about("nobody")).chain(more(&run_id));
    for (method, asked) in asked.filter(|(method, _)| forms.contains_key(method)) {
        let form = &forms[method];
        let what = format!("{method} {}", asked.json);
        let over_grpc = call(&guarded.channel, rule_of(method).path, asked.bytes.clone(), &means).await;
        let posted = guarded.post(method, &asked, &means);
        match over_grpc {
            Ok(messages) => {
                assert_eq!(posted.status, 200, "{what}: {}", String::from_utf8_lossy(&posted.body));
                assert_eq!(posted.header("content-type"), Some("application/json"), "{what}");
                assert!(posted.header("cache-control").is_some_and(|told| told.contains("private")), "{what}");
                let expected = without_moving((form.of_bytes)(messages.first().map_or(&[][..], Vec::as_slice)));
                assert_eq!(without_moving((form.of_json)(&posted.body)), expected, "{what}");
                // Nothing of it is lost or added on the way through the types.
                assert_eq!(without_moving(posted.json()), expected, "{what}");
                answered.insert(method);
            }
            Err(status) => assert_same_refusal(&status, &posted, &what),
        }
        let Some(query) = query_of(&asked.json) else { continue };
        let got = guarded.web.get(&format!("{}?{query}", path_of(method)), &[("authorization", &bearer)]);
        assert_eq!((got.status, got.header("content-type")), (posted.status, posted.header("content-type")), "{what}");
        if got.status == 200 {
            assert_eq!(without_moving(got.json()), without_moving(posted.json()), "{what}");
            linked.insert(method);
        } else {
            assert_eq!(got.reason(), posted.reason(), "{what}");
        }
    }
    let refused = BTreeSet::from(["MaintenanceService/ListBackups"]);
    let every: BTreeSet<&str> = forms.keys().copied().filter(|method| !refused.contains(method)).collect();
    assert_eq!(answered, every, "each must be answered at least once");
    assert_eq!(linked, every, "each must be answered by a link at least once");
    guarded.server.kill();
}

#[test]
fn every_read_of_one_message_is_compared() {
    let contract = steelyard::api::http::shape::contract();
    let reads = RULES.iter().filter(|rule| rule.does == Does::Reads && !contract.calls[rule.path].many_out);
    let reads: BTreeSet<&str> = reads.map(|rule| rule.path.trim_start_matches("/steelyard.v1.")).collect();
    assert_eq!(forms().keys().copied().collect::<BTreeSet<_>>(), reads);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refusal_over_http_says_everything_that_it_says_over_grpc() {
    let (guarded, means, _) = with_history().await;
    let wrong_person = pb::Record { id: "r".to_owned(), event_date: "yesterday".to_owned(), ..pb::Record::default() };
    let asked = [
        (
            "RankingService/ListStandings",
            pb::ListStandingsRequest { page_size: 5_000, page_token: "x".to_owned(), ..Default::default() }.ask(),
        ),
        (
            "RankingService/ListStandings",
            pb::ListStandingsRequest { list: 9, page_token: "x".to_owned(), ..Default::default() }.ask(),
        ),
        (
            "RankingService/ListStandings",
            pb::ListStandingsRequest { list: 9, min_revision: 1, store: "0-0".to_owned(), ..Default::default() }.ask(),
        ),
        (
            "RankingService/ListStandings",
            pb::ListStandingsRequest { list: 9, generation: 99, ..Default::default() }.ask(),
        ),
        (
            "RankingService/ExportStandings",
            pb::ExportStandingsRequest { list: 9, resume_token: "x".to_owned(), ..Default::default() }.ask(),
        ),
        (
            "EvidenceService/WriteEvidence",
            pb::WriteEvidenceRequest { records: vec![wrong_person; 3], ..Default::default() }.ask(),
        ),
        ("OutstandingService/GetOutstandingReturn", pb::GetOutstandingReturnRequest::default().ask()),
        ("MaintenanceService/ListBackups", pb::ListBackupsRequest::default().ask()),
        ("RescoreService/GetRescoreRun", pb::GetRescoreRunRequest { run_id: "none".to_owned() }.ask()),
        ("PolicyService/GetPolicy", pb::GetPolicyRequest { version: "none".to_owned(), ..Default::default() }.ask()),
    ];
    for (method, asked) in asked {
        let what = format!("{method} {}", asked.json);
        let status = call(&guarded.channel, rule_of(method).path, asked.bytes.clone(), &means).await;
        assert_same_refusal(&status.expect_err("must be refused"), &guarded.post(method, &asked, &means), &what);
    }
    guarded.server.kill();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_written_over_http_is_read_over_grpc() {
    let guarded = Guarded::new().await;
    let means = guarded.whole();
    let records = crate::people::Somebody::man("W-1", "1990-02-03").charged("OF61102", "2026-02-01").records();
    let write = pb::WriteEvidenceRequest { request_id: crate::harness::new_id(), records, ..Default::default() };
    let told = guarded.post("EvidenceService/WriteEvidence", &write.ask(), &means);
    assert_eq!(told.status, 200, "{}", told.json());
    assert_eq!(told.header("cache-control"), Some("no-store"));
    let again = guarded.post("EvidenceService/WriteEvidence", &write.ask(), &means);
    assert_eq!(again.json(), told.json(), "the same id gives the same answer");
    let asked = pb::GetSubjectRequest { subject_ref: "W-1".to_owned(), ..Default::default() };
    let held: pb::GetSubjectResponse = guarded.call("/steelyard.v1.EvidenceService/GetSubject", &asked, &means).await;
    assert_eq!(held.records_in_force.values().sum::<u32>() as usize, write.records.len());
    guarded.server.kill();
}
