//! Traces of a real server, as a receiver has them: who asks for a trace has the
//! whole way of a write, who does not has nothing, and nobody is named.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::{Duration, Instant};

use opentelemetry_proto::tonic::trace::v1::Span;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use serde_json::{Value, json};
use steelyard::pb;
use tonic::metadata::MetadataValue;

use super::receiver::{Receiver, hex, told};
use crate::harness::{Client, Server, new_id, within};
use crate::people::{AS_OF, Somebody};
use crate::web::Web;

const PATIENCE: Duration = Duration::from_mins(1);
const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT: &str = "00f067aa01a902b7";

/// Every key that an attribute may have: whatever is added has to be added here, and be nobody's.
const KEYS: [&str; 7] = [
    "rpc.system",
    "rpc.service",
    "rpc.method",
    "rpc.grpc.status_code",
    "correlation_id",
    "writer.group.requests",
    "ledger.revision",
];

fn server(directory: &Path, endpoint: &str, ratio: &str, more: &[&str]) -> Server {
    let tracing = ["--as-of", AS_OF, "--tracing-endpoint", endpoint, "--tracing-sample-ratio", ratio];
    Server::on(directory, &[&tracing, more].concat())
}

/// A request with a trace of its caller's.
fn traced<T>(message: T, trace_id: &str, flags: &str) -> tonic::Request<T> {
    let mut request = tonic::Request::new(message);
    let parent = format!("00-{trace_id}-{PARENT}-{flags}");
    request.metadata_mut().insert("traceparent", MetadataValue::try_from(parent).expect("it is ASCII"));
    request.metadata_mut().insert("x-correlation-id", MetadataValue::from_static("joined-1"));
    request.metadata_mut().insert("x-on-behalf-of", MetadataValue::from_static("PC-Jones-4711"));
    request
}

fn written(subject_ref: &str) -> pb::WriteEvidenceRequest {
    let records = Somebody::man(subject_ref, "1990-05-01").wanted("2026-03-01").records();
    pb::WriteEvidenceRequest { request_id: new_id(), records, ..Default::default() }
}

async fn list(client: &mut Client) {
    let request = pb::ListStandingsRequest { list: pb::List::All.into(), ..Default::default() };
    client.ranking.list_standings(request).await.expect("a list must come");
}

/// Name of each span with that of its parent; of the call, which has its caller's, with the caller's id.
fn shape(spans: &[Span]) -> BTreeMap<String, String> {
    let names: BTreeMap<&[u8], &str> = spans.iter().map(|span| (&*span.span_id, &*span.name)).collect();
    let parent =
        |span: &Span| names.get(&*span.parent_span_id).map_or_else(|| hex(&span.parent_span_id), |it| (*it).to_owned());
    spans.iter().map(|span| (span.name.clone(), parent(span))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_is_followed_under_its_callers_trace_through_writer_and_store() {
    let (directory, receiver) = (tempfile::tempdir().unwrap(), Receiver::new().await);
    // Nothing is traced but what a caller traces.
    let server = server(directory.path(), &receiver.url(), "0", &["--tracing-instance", "cell-7"]);
    let mut client = server.client().await;
    client.evidence.write_evidence(traced(written("S-4711"), TRACE, "01")).await.unwrap();
    let spans = receiver.trace(TRACE);
    let call = "steelyard.v1.EvidenceService/WriteEvidence";
    let expected = [
        (call, PARENT),
        ("audit.write", call),
        ("store.engine.apply", "writer.group"),
        ("store.journal.append", "writer.group"),
        ("store.journal.sync", "writer.group"),
        ("writer.group", call),
        ("writer.judge", call),
        ("writer.publish", "writer.group"),
        ("writer.queue", call),
        ("writer.weigh", "writer.group"),
    ];
    assert_eq!(shape(&spans), expected.map(|(name, parent)| (name.to_owned(), parent.to_owned())).into());
    let found = |name: &str| spans.iter().find(|span| span.name == name).unwrap();
    let root = found(call);
    assert_eq!(root.kind(), SpanKind::Server);
    let said = |key| told(root, key).unwrap_or_else(|| panic!("{key} is not said: {root:?}"));
    assert_eq!(
        ["rpc.system", "rpc.service", "rpc.method", "rpc.grpc.status_code", "correlation_id"].map(said),
        ["grpc", "steelyard.v1.EvidenceService", "WriteEvidence", "0", "joined-1"]
    );
    assert_eq!(told(found("writer.group"), "writer.group.requests").as_deref(), Some("1"));
    for span in &spans {
        let within = root.start_time_unix_nano <= span.start_time_unix_nano
            && span.end_time_unix_nano <= root.end_time_unix_nano;
        assert!(within && span.start_time_unix_nano <= span.end_time_unix_nano, "{span:?} is not within {root:?}");
    }
    let order = [
        "writer.queue",
        "writer.judge",
        "store.journal.append",
        "store.journal.sync",
        "store.engine.apply",
        "writer.publish",
    ];
    let began = order.map(|name| found(name).start_time_unix_nano);
    assert!(began.is_sorted(), "{order:?} began at {began:?}");
    for (key, value) in [("service.name", "steelyard"), ("service.version", "0.1.0"), ("service.instance.id", "cell-7")]
    {
        assert!(receiver.resources().contains(&(key.to_owned(), value.to_owned())), "{:?}", receiver.resources());
    }
    assert!(server.stop().await.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_is_refused_says_so_and_one_over_http_is_traced_too() {
    let (directory, receiver) = (tempfile::tempdir().unwrap(), Receiver::new().await);
    let server = server(directory.path(), &receiver.url(), "0", &["--http-listen", "127.0.0.1:0"]);
    let mut client = server.client().await;
    let asked = pb::GetStandingRequest { subject_ref: "S-nobody".to_owned(), ..Default::default() };
    client.ranking.get_standing(traced(asked, TRACE, "01")).await.unwrap_err();
    let spans = receiver.trace(TRACE);
    let call = spans.iter().find(|span| span.name == "steelyard.v1.RankingService/GetStanding").unwrap();
    assert_eq!(told(call, "rpc.grpc.status_code").as_deref(), Some("5"), "{call:?}");

    let other = TRACE.replace("4bf9", "aaaa");
    let parent = format!("00-{other}-{PARENT}-01");
    let web = Web::of(&server);
    let answer =
        web.post("/v1/RankingService/ListStandings", &[("traceparent", &parent)], &json!({ "list": "LIST_ALL" }));
    assert_eq!(answer.status, 200);
    let spans = receiver.trace(&other);
    let call = spans.iter().find(|span| span.name == "steelyard.v1.RankingService/ListStandings").unwrap();
    assert_eq!(hex(&call.parent_span_id), PARENT);
    assert!(server.stop().await.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_is_not_sampled_leaves_no_span() {
    let (directory, receiver) = (tempfile::tempdir().unwrap(), Receiver::new().await);
    let server = server(directory.path(), &receiver.url(), "0", &[]);
    let mut client = server.client().await;
    client.evidence.write_evidence(traced(written("S-1"), TRACE, "00")).await.unwrap();
    client.write(Somebody::man("S-2", "1990-05-01").records()).await;
    list(&mut client).await;
    // Whatever there is has been sent when the server has ended.
    assert!(server.stop().await.success());
    assert_eq!(receiver.spans(), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_call_begins_a_trace_of_its_own_where_all_are_sampled_and_the_end_sends_the_last() {
    let (directory, receiver) = (tempfile::tempdir().unwrap(), Receiver::new().await);
    let server = server(directory.path(), &receiver.url(), "1", &[]);
    let mut client = server.client().await;
    for _ in 0..5 {
        list(&mut client).await;
    }
    let request = pb::ExportStandingsRequest { list: pb::List::All.into(), ..Default::default() };
    let mut export = client.ranking.export_standings(request).await.unwrap().into_inner();
    while export.message().await.unwrap().is_some() {}
    assert!(server.stop().await.success());
    let spans = receiver.spans();
    let calls =
        |name: &str| spans.iter().filter(|span| span.name == format!("steelyard.v1.RankingService/{name}")).count();
    assert_eq!((calls("ListStandings"), calls("ExportStandings")), (5, 1), "{spans:?}");
    let traces: BTreeSet<String> = spans.iter().map(|span| hex(&span.trace_id)).collect();
    assert_eq!(traces.len(), 6);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_in_a_trace_says_who_it_is_about_or_who_asked() {
    let (directory, receiver) = (tempfile::tempdir().unwrap(), Receiver::new().await);
    let server = server(directory.path(), &receiver.url(), "1", &[]);
    let mut client = server.client().await;
    client.evidence.write_evidence(traced(written("S-4711"), TRACE, "01")).await.unwrap();
    let asked = pb::GetStandingRequest { subject_ref: "S-4711".to_owned(), ..Default::default() };
    let other = TRACE.replace("4bf9", "bbbb");
    client.ranking.get_standing(traced(asked, &other, "01")).await.unwrap();
    receiver.trace(TRACE);
    receiver.trace(&other);
    assert!(server.stop().await.success());
    let spans = receiver.spans();
    assert!(!format!("{spans:?} {:?}", receiver.resources()).contains("4711"), "{spans:?}");
    for span in &spans {
        for told in &span.attributes {
            assert!(KEYS.contains(&&*told.key), "{} is no attribute that was thought about", told.key);
        }
        assert!(span.events.is_empty() && span.links.is_empty() && span.trace_state.is_empty(), "{span:?}");
        assert!(span.status.as_ref().is_none_or(|status| status.message.is_empty()), "{span:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_that_is_not_there_hurts_nobody_and_is_told_once() {
    let directory = tempfile::tempdir().unwrap();
    // Takes connections and never says a word: worse than one that refuses.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", silent.local_addr().unwrap());
    let server = server(directory.path(), &endpoint, "1", &["--health-listen", "127.0.0.1:0"]);
    let mut client = server.client().await;
    let untaken = |log: &str| log.lines().filter(|line| line.contains("traces are not taken")).count();
    let begun = Instant::now();
    let lost = || {
        let (_, metrics) = server.http("/metrics");
        let lost = metrics
            .lines()
            .find_map(|line| line.strip_prefix("steelyard_trace_spans_total{outcome=\"lost\"} ")?.parse::<u64>().ok());
        lost.unwrap_or(0)
    };
    let mut slowest = Duration::ZERO;
    let mut failures = BTreeSet::new();
    // Until two exports have failed.
    while failures.len() < 3 {
        let asked = Instant::now();
        list(&mut client).await;
        slowest = slowest.max(asked.elapsed());
        failures.insert(lost());
        assert!(begun.elapsed() < PATIENCE, "spans must be let go of: {failures:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(slowest < Duration::from_secs(2), "a call took {slowest:?}");
    assert_eq!(untaken(&server.log()), 1, "{}", server.log());
    let log = server.kept_log();
    let stopping = Instant::now();
    assert!(server.stop().await.success());
    assert!(stopping.elapsed() < Duration::from_secs(15), "the end took {:?}", stopping.elapsed());
    assert_eq!(untaken(&log.lock().unwrap()), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn log_lines_of_a_call_carry_the_ids_of_its_trace() {
    let (directory, receiver) = (tempfile::tempdir().unwrap(), Receiver::new().await);
    let server = server(directory.path(), &receiver.url(), "0", &["--log-level", "info,steelyard=debug"]);
    let mut client = server.client().await;
    let asked = || pb::GetStandingRequest { subject_ref: "S-nobody".to_owned(), ..Default::default() };
    client.ranking.get_standing(traced(asked(), TRACE, "01")).await.unwrap_err();
    let spans = receiver.trace(TRACE);
    let call = spans.iter().find(|span| span.name.starts_with("steelyard.v1.")).unwrap();
    let line = within(PATIENCE, || {
        let log = server.log();
        let lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        lines.into_iter().find(|line| line["message"] == "refused")
    });
    let line = line.expect("a refusal must be logged");
    assert_eq!((&line["trace_id"], &line["span_id"]), (&json!(TRACE), &json!(hex(&call.span_id))), "{line}");
    assert_eq!(line["correlation_id"], "joined-1", "{line}");
    // A call whose caller traces it without wanting it told: which trace it is of can still be found.
    let other = TRACE.replace("4bf9", "cccc");
    client.ranking.get_standing(traced(asked(), &other, "00")).await.unwrap_err();
    assert!(within(PATIENCE, || server.log().contains(&other).then_some(())).is_some());
    assert!(server.stop().await.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_over_tls_is_believed_if_its_authority_vouches_for_it_and_not_otherwise() {
    let (directory, (receiver, authority)) = (tempfile::tempdir().unwrap(), Receiver::over_tls().await);
    let (_other, strange) = Receiver::over_tls().await;
    for (place, (pem, taken)) in [(authority, true), (strange, false)].into_iter().enumerate() {
        let home = directory.path().join(place.to_string());
        let file = directory.path().join(format!("{place}.pem"));
        std::fs::write(&file, pem).unwrap();
        let before = receiver.spans().len();
        let server = server(&home, &receiver.url(), "1", &["--tracing-ca-file", file.to_str().unwrap()]);
        list(&mut server.client().await).await;
        assert!(server.stop().await.success());
        assert_eq!(receiver.spans().len() > before, taken, "{place}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn writes_that_are_committed_together_have_the_same_group_each_in_its_own_trace() {
    let (directory, receiver) = (tempfile::tempdir().unwrap(), Receiver::new().await);
    let server = server(directory.path(), &receiver.url(), "1", &[]);
    let client = server.client().await;
    let writes = (0..64).map(|number| {
        let mut client = client.clone();
        async move { client.evidence.write_evidence(written(&format!("S-{number}"))).await.unwrap() }
    });
    let writing: Vec<_> = writes.map(tokio::spawn).collect();
    for write in writing {
        write.await.unwrap();
    }
    assert!(server.stop().await.success());
    let spans = receiver.spans();
    let groups: Vec<&Span> = spans.iter().filter(|span| span.name == "writer.group").collect();
    assert_eq!(groups.len(), 64, "one under each write");
    let mut by_revision: BTreeMap<String, (u64, BTreeSet<String>)> = BTreeMap::new();
    for group in groups {
        let [revision, requests] = ["ledger.revision", "writer.group.requests"].map(|key| told(group, key).unwrap());
        let held = by_revision.entry(revision).or_insert_with(|| (requests.parse().unwrap(), BTreeSet::new()));
        assert!(held.1.insert(hex(&group.trace_id)), "twice in one trace");
    }
    for (revision, (requests, traces)) in &by_revision {
        assert_eq!(traces.len() as u64, *requests, "the group at {revision}");
    }
}
