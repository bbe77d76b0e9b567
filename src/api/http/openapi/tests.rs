//! What the document has to say whatever the contract becomes.

use std::collections::BTreeSet;

use http::header::IF_NONE_MATCH;
use tonic::Code;

use super::*;
use crate::api::http::problem::http_status;

/// Every reference in a value.
fn references(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                match (name.as_str(), member) {
                    ("$ref", Value::String(to)) => drop(found.insert(to.clone())),
                    _ => references(member, found),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| references(item, found)),
        _ => {}
    }
}

#[test]
fn every_call_is_told_and_what_it_refers_to_is_there_and_nothing_else() {
    let told = told();
    assert_eq!(
        told["paths"].as_object().unwrap().len(),
        RULES.len() + 1,
        "the calls, and what describes their columns"
    );
    let mut found = BTreeSet::new();
    references(&told, &mut found);
    for reference in &found {
        assert!(told.pointer(reference.trim_start_matches('#')).is_some(), "{reference} is not there");
    }
    for part in ["schemas", "responses", "parameters"] {
        for name in told["components"][part].as_object().unwrap().keys() {
            let reference = format!("#/components/{part}/{name}");
            assert!(found.contains(&reference), "{reference} is there for nothing");
        }
    }
    let ids: Vec<_> = told["paths"]
        .as_object()
        .unwrap()
        .values()
        .flat_map(|path| ["get", "post"].into_iter().filter_map(|method| path.get(method)))
        .map(|operation| operation["operationId"].as_str().unwrap())
        .collect();
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len(), "an operation's id is its own");
}

#[test]
fn what_writes_is_never_made_by_a_link() {
    for rule in RULES {
        let path = &told()["paths"][&rule.path.replacen("/steelyard.v1.", "/v1/", 1)];
        // What takes a stream of messages takes them in a body, also where it only reads.
        let by_link = rule.does == Does::Reads && !contract().calls[rule.path].many_in;
        assert_eq!(path.get("get").is_some(), by_link, "{}", rule.name());
        assert!(path["post"]["description"].as_str().unwrap().contains(rule.permission.name()));
    }
}

#[test]
fn every_status_that_a_fault_can_have_is_told() {
    let known: BTreeSet<u16> = PROBLEMS.iter().map(|(status, ..)| *status).collect();
    let reasons = ["", "TOO_LARGE", "DISK_LOW", "REVISION_NOT_REACHED", "REVISION_COMPACTED", "PAGE_TOKEN_EXPIRED"];
    for code in (1..=16).map(Code::from) {
        for reason in reasons {
            let status = http_status(code, reason).as_u16();
            assert!(known.contains(&status), "{code:?} {reason} is {status}");
        }
    }
}

#[test]
fn schemas_say_what_is_taken_in_and_what_is_given_out() {
    let told = told();
    let schemas = &told["components"]["schemas"];
    let asked = &schemas["ListStandingsRequest"];
    assert_eq!(asked["additionalProperties"], false);
    assert_eq!(asked["required"], json!(["list"]));
    assert_eq!(asked["properties"]["pageSize"]["maximum"], 1_000);
    let revision = &asked["properties"]["minRevision"]["anyOf"];
    assert_eq!(revision[0]["maximum"], u64::MAX);
    assert_eq!(revision[1]["pattern"], "^(0|[1-9][0-9]{0,18})$");
    assert_eq!(schemas["ReadContext"]["properties"]["revision"]["type"], "string");
    assert_eq!(schemas["ReadContext"]["properties"]["asOf"]["format"], "date");
    assert_eq!(schemas["ReadContext"].get("additionalProperties"), None, "an answer may come to say more");
    assert_eq!(schemas["WriteEvidenceRequest"]["properties"]["requestId"]["format"], "uuid");
    assert_eq!(
        schemas["GetSubjectResponse"]["properties"]["recordsInForce"]["additionalProperties"]["type"],
        "integer"
    );
    let record = &schemas["RecordInput"];
    assert!(record["properties"].get("cohortDecision").is_none(), "a decision is refused as a record");
    assert!(schemas["Record"]["properties"].get("cohortDecision").is_some());
    let kinds = record["oneOf"].as_array().unwrap();
    assert!(kinds.contains(&json!({ "required": ["offence"] })));
}

#[test]
fn a_query_has_dots_and_lists() {
    let told = told();
    let parameters = told["paths"]["/v1/RankingService/ListStandings"]["get"]["parameters"].as_array().unwrap().clone();
    let named = |name: &str| parameters.iter().find(|parameter| parameter["name"] == name).cloned();
    let areas = named("filter.areas").unwrap();
    assert_eq!((&areas["schema"]["type"], &areas["explode"]), (&json!("array"), &json!(true)));
    assert_eq!(named("list").unwrap()["required"], true);
    assert_eq!(named("minRevision").unwrap()["schema"]["type"], "integer");
    assert!(named("filter").is_none());
}

#[tokio::test]
async fn the_document_is_kept_until_it_is_another() {
    let first = serve(Method::GET, HeaderMap::new()).await;
    assert_eq!(first.status(), StatusCode::OK);
    let etag = first.headers()[header::ETAG].clone();
    let mut headers = HeaderMap::new();
    headers.insert(IF_NONE_MATCH, etag);
    assert_eq!(serve(Method::GET, headers.clone()).await.status(), StatusCode::NOT_MODIFIED);
    headers.insert(IF_NONE_MATCH, HeaderValue::from_static("W/\"another\""));
    assert_eq!(serve(Method::GET, headers).await.status(), StatusCode::OK);
    assert_eq!(serve(Method::POST, HeaderMap::new()).await.status(), StatusCode::METHOD_NOT_ALLOWED);
}
