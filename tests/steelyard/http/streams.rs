//! Streams over HTTP: followed line by line or event by event, taken up again where
//! they broke off, and ended when the time that the caller gave is over.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use steelyard::pb;

use crate::authorisation::{Guarded, person};
use crate::harness::{Server, new_id};
use crate::issuer::Issuer;
use crate::people::{AS_OF, Somebody};
use crate::web::{Going, Headers, Web};

const WATCH: &str = "/v1/RankingService/WatchStandings";
const AS_JSON: (&str, &str) = ("content-type", "application/json");

fn in_memory() -> (Server, Web) {
    let server = Server::with(&["--memory", "--as-of", AS_OF, "--http-listen", "127.0.0.1:0"]);
    let web = Web::of(&server);
    (server, web)
}

fn write(web: &Web, records: Vec<pb::Record>) -> u64 {
    let request = pb::WriteEvidenceRequest { request_id: new_id(), records, ..Default::default() };
    let told = web.post("/v1/EvidenceService/WriteEvidence", &[], &serde_json::to_value(request).expect("sayable"));
    assert_eq!(told.status, 200, "{}", told.json());
    told.json()["revision"].as_str().and_then(|text| text.parse().ok()).expect("64 bits are a text")
}

/// References told of until the client holds every change up to a revision, and the last token.
fn until(stream: &mut Going, revision: u64, next: impl Fn(&mut Going) -> Value) -> (Vec<String>, String) {
    let mut told = Vec::new();
    loop {
        let message = next(stream);
        assert!(message.get("problem").is_none(), "{message}");
        for change in message["changes"]["changes"].as_array().into_iter().flatten() {
            told.push(change["subjectRef"].as_str().expect("whose").to_owned());
        }
        let complete = message["completeRevision"].as_str().and_then(|text| text.parse::<u64>().ok());
        if complete.is_some_and(|complete| complete >= revision) {
            return (told, message["resumeToken"].as_str().expect("a token").to_owned());
        }
    }
}

fn of_line(stream: &mut Going) -> Value {
    stream.next().expect("a line must come")
}

fn of_event(stream: &mut Going) -> Value {
    let event = stream.event().expect("an event must come");
    let field = |wanted: &str| event.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.as_str());
    let told: Value = serde_json::from_str(field("data").expect("data")).expect("JSON");
    // The id is what a browser says when it connects again.
    assert_eq!(field("id"), told["resumeToken"].as_str());
    told
}

#[test]
fn a_list_can_be_followed_line_by_line_also_by_who_takes_gzip() {
    let (server, web) = in_memory();
    let first = write(&web, person("N", "Northgate", 1));
    let headers: Headers<'_> = &[AS_JSON, ("accept-encoding", "gzip, br")];
    let mut stream = web.begin("POST", WATCH, headers, br#"{"list":"LIST_WANTED"}"#);
    assert_eq!((stream.status, stream.header("content-type")), (200, Some("application/x-ndjson")));
    assert_eq!(stream.header("content-encoding"), None, "what goes on is not held back to be compressed");
    let begun = of_line(&mut stream);
    assert_eq!(begun["boundary"]["kind"], "BOUNDARY_KIND_INITIAL");
    let (told, _) = until(&mut stream, first, of_line);
    assert_eq!(told, ["N-01"]);
    let second = write(&web, person("N", "Northgate", 2));
    let (told, _) = until(&mut stream, second, of_line);
    assert_eq!(told, ["N-02"]);
    server.kill();
}

#[test]
fn events_are_taken_up_again_where_a_browser_had_them_last() {
    let (server, web) = in_memory();
    let first = write(&web, person("N", "Northgate", 1));
    let link = format!("{WATCH}?list=wanted");
    let accept = ("accept", "text/event-stream");
    let mut stream = web.begin("GET", &link, &[accept], b"");
    assert_eq!((stream.status, stream.header("content-type")), (200, Some("text/event-stream")));
    let (told, token) = until(&mut stream, first, of_event);
    assert_eq!(told, ["N-01"]);
    drop(stream);
    let second = write(&web, person("N", "Northgate", 2));
    let mut again = web.begin("GET", &link, &[accept, ("last-event-id", &token)], b"");
    let (told, _) = until(&mut again, second, of_event);
    assert_eq!(told, ["N-02"], "not the whole list");
    // The form may be in the link, for whoever cannot set a header.
    let mut linked = web.begin("GET", &format!("{link}&format=events&resumeToken={token}"), &[], b"");
    assert_eq!(linked.header("content-type"), Some("text/event-stream"));
    assert_eq!(until(&mut linked, second, of_event).0, ["N-02"]);
    server.kill();
}

#[test]
fn a_stream_ends_when_its_callers_time_is_over_and_says_so() {
    let (server, web) = in_memory();
    write(&web, person("N", "Northgate", 1));
    let begun = Instant::now();
    let mut stream = web.begin("POST", WATCH, &[AS_JSON, ("grpc-timeout", "1500m")], br#"{"list":"LIST_ALL"}"#);
    let mut last = None;
    while let Some(line) = stream.next() {
        last = Some(line);
    }
    assert_eq!(last.expect("a last line")["problem"]["reason"], "DEADLINE_EXCEEDED");
    assert!((1_000..20_000).contains(&begun.elapsed().as_millis()), "{:?}", begun.elapsed());
    let mut events = web.begin(
        "GET",
        &format!("{WATCH}?list=all"),
        &[("accept", "text/event-stream"), ("grpc-timeout", "1500m")],
        b"",
    );
    let mut last = None;
    while let Some(event) = events.event() {
        last = Some(event);
    }
    assert_eq!(last.expect("a last event")[0], ("event".to_owned(), "problem".to_owned()));
    // A call that waits for what nobody writes is over then, too.
    let begun = Instant::now();
    let asked = json!({ "list": "LIST_ALL", "minRevision": "999" });
    let told = web.post("/v1/RankingService/ListStandings", &[("grpc-timeout", "300m")], &asked);
    assert_eq!((told.status, told.reason().as_str()), (504, "DEADLINE_EXCEEDED"));
    assert!(begun.elapsed() < Duration::from_secs(4), "{:?}", begun.elapsed());
    for timeout in ["soon", "5", "-1S", "123456789S", "1.5S", "99m"] {
        let told = web.post("/v1/RankingService/ListStandings", &[("grpc-timeout", timeout)], &asked);
        assert_eq!(
            (told.status, told.json()["violations"][0]["field"].as_str()),
            (400, Some("grpc-timeout")),
            "{timeout}"
        );
    }
    server.kill();
}

#[test]
fn a_stream_that_cannot_go_on_is_refused_before_it_begins() {
    let (server, web) = in_memory();
    for (asked, reason) in [
        (json!({ "list": "LIST_ALL", "resumeToken": "nonsense" }), "PAGE_TOKEN_INVALID"),
        (json!({}), "INVALID_ARGUMENT"),
        (json!({ "list": "LIST_ALL", "nothing": 1 }), "INVALID_ARGUMENT"),
    ] {
        let told = web.post(WATCH, &[], &asked);
        assert_eq!(told.reason(), reason, "{asked}");
    }
    server.kill();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_shows_over_http_only_those_in_scope() {
    let guarded = Guarded::new().await;
    guarded.populate().await;
    let north = guarded.granted("north", &["Northgate"], &["see_children"]);
    let bearer = format!("Bearer {}", north.token.expect("a token"));
    let link = format!("{WATCH}?list=wanted");
    let mut stream = guarded.web.begin("GET", &link, &[("authorization", &bearer)], b"");
    let (told, _) = until(&mut stream, 1, of_line);
    assert_eq!(told.len(), 20);
    assert!(told.iter().all(|person| person.starts_with("N-")), "{told:?}");
    guarded.server.kill();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_more_is_told_once_the_token_that_a_stream_began_with_is_over() {
    let guarded = Guarded::with(&["--access-leeway-seconds", "0"]).await;
    guarded.populate().await;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs();
    let soon = Issuer::claims(
        "north",
        &["reader"],
        &["Northgate"],
        &json!({ "exp": now + 3, "permissions": ["see_children"] }),
    );
    let bearer = format!("Bearer {}", guarded.issuer.of(&soon));
    let mut stream = guarded.web.begin("GET", &format!("{WATCH}?list=wanted"), &[("authorization", &bearer)], b"");
    assert_eq!(until(&mut stream, 1, of_line).0.len(), 20);
    tokio::time::sleep(Duration::from_secs(4)).await;
    guarded.write(person("N", "Northgate", 77)).await;
    let mut told = Vec::new();
    while let Some(line) = stream.next() {
        told.push(line);
    }
    assert_eq!(told.last().expect("a last line")["problem"]["reason"], "TOKEN_EXPIRED", "{told:?}");
    assert!(!told.iter().any(|line| line.to_string().contains("N-77")), "{told:?}");
    guarded.server.kill();
}

#[test]
fn records_are_imported_line_by_line_each_batch_on_its_own() {
    let (server, web) = in_memory();
    let batch = |sequence: u64, records: Vec<pb::Record>| {
        let batch = pb::ImportEvidenceRequest { request_id: new_id(), sequence, records, ..Default::default() };
        serde_json::to_string(&batch).expect("sayable")
    };
    let wrong = pb::Record { id: "r-1".to_owned(), event_date: "yesterday".to_owned(), ..pb::Record::default() };
    let lines = [
        batch(1, Somebody::man("I-1", "1990-01-01").records()),
        String::new(),
        batch(2, [vec![wrong], Somebody::man("I-2", "1990-01-01").records()].concat()),
    ]
    .join("\n");
    let media = ("content-type", "application/x-ndjson");
    let mut told = web.begin("POST", "/v1/EvidenceService/ImportEvidence", &[media], lines.as_bytes());
    assert_eq!(told.status, 200);
    let (first, second) = (of_line(&mut told), of_line(&mut told));
    assert_eq!((first["sequence"].as_str(), first["created"].as_u64()), (Some("1"), Some(1)), "{first}");
    assert_eq!((second["sequence"].as_str(), second["created"].as_u64()), (Some("2"), Some(1)), "{second}");
    // What has its default is left out: the first of them is in the list all the same.
    assert_eq!(second["refusedPositions"], json!([0]));
    assert_eq!(second["refused"].as_array().map(Vec::len), Some(1));
    assert_eq!(told.next(), None);
    // A line that is no message ends it, and what came before it is kept.
    let lines = format!("{}\n{{\"records\":\n", batch(3, Somebody::man("I-3", "1990-01-01").records()));
    let mut told = web.begin("POST", "/v1/EvidenceService/ImportEvidence", &[media], lines.as_bytes());
    let mut all = Vec::new();
    while let Some(line) = told.next() {
        all.push(line);
    }
    let last = all.last().expect("a last line");
    assert_eq!(last["problem"]["violations"][0]["reason"], "INVALID_JSON", "{all:?}");
    let standing = web.get("/v1/RankingService/GetStanding?subjectRef=I-3", &[]);
    assert_eq!((all.len(), standing.status), (2, 200), "{all:?}");
    server.kill();
}
