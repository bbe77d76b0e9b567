//! What the edge itself decides, before there is a call: forms, methods, sizes, pages
//! of other sites, and what describes it all.

use serde_json::json;

use crate::authorisation::person;
use crate::harness::{Server, new_id};
use crate::people::AS_OF;
use crate::web::{Headers, Web};

const LIST: &str = "/v1/RankingService/ListStandings";
const AS_JSON: (&str, &str) = ("content-type", "application/json");

fn open(more: &[&str]) -> (Server, Web) {
    let server = Server::with(&[&["--memory", "--as-of", AS_OF, "--http-listen", "127.0.0.1:0"], more].concat());
    let web = Web::of(&server);
    (server, web)
}

/// Method, path, headers, body; and the status and reason that it is refused with.
type Case<'a> = (&'a str, &'a str, Headers<'a>, &'a [u8], u16, &'a str);

#[test]
fn what_is_asked_in_another_way_than_it_is_meant_is_told_the_way() {
    let (server, web) = open(&["--limits-message-bytes", "65536"]);
    let body = br#"{"list":"LIST_ALL"}"#;
    let large = format!(r#"{{"list":"LIST_ALL","pageToken":"{}"}}"#, "x".repeat(70_000));
    let write = "/v1/EvidenceService/WriteEvidence";
    let cases: &[Case<'_>] = &[
        ("POST", "/v1/RankingService/Nothing", &[AS_JSON], body, 404, "UNKNOWN_CALL"),
        ("GET", "/v1/NothingService/ListStandings", &[], b"", 404, "UNKNOWN_CALL"),
        ("GET", "/v1/", &[], b"", 404, "NOT_FOUND"),
        ("GET", "/nothing", &[], b"", 404, "NOT_FOUND"),
        ("GET", write, &[], b"", 405, "METHOD_NOT_ALLOWED"),
        ("HEAD", write, &[], b"", 405, ""),
        ("PUT", LIST, &[AS_JSON], body, 405, "METHOD_NOT_ALLOWED"),
        ("DELETE", LIST, &[], b"", 405, "METHOD_NOT_ALLOWED"),
        ("POST", "/openapi.json", &[AS_JSON], b"{}", 405, "METHOD_NOT_ALLOWED"),
        ("POST", LIST, &[AS_JSON, ("accept", "image/png")], body, 406, "NOT_ACCEPTABLE"),
        ("GET", "/v1/RankingService/ListStandings?list=all&format=events", &[], b"", 406, "NOT_ACCEPTABLE"),
        ("POST", LIST, &[], body, 415, "UNSUPPORTED_MEDIA_TYPE"),
        ("POST", LIST, &[("content-type", "text/plain")], body, 415, "UNSUPPORTED_MEDIA_TYPE"),
        (
            "POST",
            LIST,
            &[("content-type", "application/x-www-form-urlencoded")],
            b"list=all",
            415,
            "UNSUPPORTED_MEDIA_TYPE",
        ),
        ("POST", "/v1/EvidenceService/ImportEvidence", &[AS_JSON], b"{}", 415, "UNSUPPORTED_MEDIA_TYPE"),
        ("POST", LIST, &[AS_JSON], large.as_bytes(), 413, "TOO_LARGE"),
        ("POST", LIST, &[AS_JSON], b"{\"list\":", 400, "INVALID_ARGUMENT"),
        ("POST", LIST, &[AS_JSON], b"[]", 400, "INVALID_ARGUMENT"),
        ("POST", "/v1/RankingService/ListStandings?list=all", &[AS_JSON], b"{}", 400, "INVALID_ARGUMENT"),
        ("GET", "/v1/RankingService/ListStandings?list=all&list=all", &[], b"", 400, "INVALID_ARGUMENT"),
        ("GET", LIST, &[("x-purpose-code", " spaces at its ends ")], b"", 400, "INVALID_ARGUMENT"),
    ];
    for (method, path, headers, body, status, reason) in cases {
        let told = web.ask(method, path, headers, body);
        assert_eq!(told.status, *status, "{method} {path} {headers:?}");
        if *method == "HEAD" {
            assert!(told.body.is_empty());
        } else {
            assert_eq!(told.reason(), *reason, "{method} {path} {headers:?}");
        }
        assert_eq!(told.header("allow").is_some(), *status == 405, "{method} {path}");
    }
    let allowed = |path: &str| web.ask("PUT", path, &[], b"").header("allow").map(str::to_owned);
    assert_eq!(allowed(LIST).as_deref(), Some("GET, HEAD, POST"));
    assert_eq!(allowed(write).as_deref(), Some("POST"));
    // The way that is meant is answered, and a HEAD says what a GET would.
    assert_eq!(web.ask("POST", LIST, &[("content-type", "application/json; charset=utf-8")], body).status, 200);
    let head = web.ask("HEAD", "/v1/RankingService/ListStandings?list=all", &[], b"");
    assert_eq!((head.status, head.body.len()), (200, 0));
    server.kill();
}

#[test]
fn everything_wrong_with_a_text_is_told_at_once_with_its_place() {
    let (server, web) = open(&[]);
    let wrong = json!({ "list": "LIST_NOWHERE", "page_size": -1, "filter": { "areas": [7], "nothing": null } });
    let told = web.post(LIST, &[("x-correlation-id", "web-7")], &wrong).json();
    let fields: Vec<&str> =
        told["violations"].as_array().into_iter().flatten().filter_map(|it| it["field"].as_str()).collect();
    assert_eq!(fields, ["list", "page_size", "filter.areas[0]", "filter.nothing"]);
    assert_eq!(told["metadata"]["correlation_id"], "web-7");
    assert_eq!(told["type"], "urn:steelyard:problem:invalid-argument");
    // An id that cannot be one is replaced, and what somebody sent is not said again.
    let told = web.post(LIST, &[("x-correlation-id", "secret secret")], &json!({ "list": "LIST_NOWHERE" }));
    assert!(!String::from_utf8_lossy(&told.body).contains("secret"));
    assert!(told.header("x-correlation-id").is_some_and(|id| id.len() == 36));
    server.kill();
}

#[test]
fn a_page_of_another_site_may_ask_nothing_unless_it_is_named() {
    let named = "https://intranet.example";
    let (server, web) = open(&["--http-origins", named]);
    let own = format!("http://{}", web.host());
    let link = format!("{LIST}?list=all");
    for (origin, status) in [(own.as_str(), 200), (named, 200), ("https://evil.example", 403), ("null", 403)] {
        let got = web.get(&link, &[("origin", origin)]);
        let posted = web.post(LIST, &[("origin", origin)], &json!({ "list": "LIST_ALL" }));
        assert_eq!((got.status, posted.status), (status, status), "{origin}");
        if status == 403 {
            assert_eq!(got.reason(), "FOREIGN_ORIGIN");
        }
        let allowed = got.header("access-control-allow-origin");
        assert_eq!(allowed, (origin == named).then_some(named), "{origin}");
    }
    assert_eq!(web.get(&link, &[("sec-fetch-site", "cross-site")]).reason(), "FOREIGN_ORIGIN");
    // A browser asks beforehand whether it may.
    let asks = |origin| {
        let headers = [
            ("origin", origin),
            ("access-control-request-method", "POST"),
            ("access-control-request-headers", "authorization, content-type, x-grpc-web"),
        ];
        web.ask("OPTIONS", LIST, &headers, b"")
    };
    let told = asks(named);
    assert_eq!((told.status, told.header("access-control-allow-origin")), (200, Some(named)));
    let may = |name: &str| told.header(name).unwrap_or_default().to_ascii_lowercase();
    assert!(may("access-control-allow-methods").contains("post"));
    for header in ["authorization", "content-type", "x-grpc-web", "if-none-match", "x-purpose-code"] {
        assert!(may("access-control-allow-headers").contains(header), "{header}");
    }
    assert_eq!(told.header("access-control-allow-credentials"), None, "no cookie of ours is sent along");
    assert_eq!(asks("https://evil.example").header("access-control-allow-origin"), None);
    server.kill();
    let (server, web) = open(&[]);
    let told = web.ask("OPTIONS", LIST, &[("origin", named), ("access-control-request-method", "POST")], b"");
    assert_eq!((told.status, told.header("access-control-allow-origin")), (403, None), "nobody is named");
    server.kill();
}

#[test]
fn a_server_that_asks_nobody_who_they_are_answers_to_its_own_name_alone() {
    let (server, web) = open(&[]);
    let link = format!("{LIST}?list=all");
    for host in ["evil.example", "evil.example:8080", "127.0.0.1.evil.example"] {
        let told = web.get(&link, &[("host", host)]);
        assert_eq!((told.status, told.reason().as_str()), (421, "FOREIGN_HOST"), "{host}");
        // Not gRPC-web either, and nothing else that is served.
        let told = web.ask("POST", "/steelyard.v1.RankingService/ListStandings", &[("host", host)], b"");
        assert_eq!(told.status, 421, "{host}");
        assert_eq!(web.get("/openapi.json", &[("host", host)]).status, 421, "{host}");
    }
    for host in ["localhost", "127.0.0.1:1", "[::1]"] {
        assert_eq!(web.get(&link, &[("host", host)]).status, 200, "{host}");
    }
    server.kill();
}

#[test]
fn what_is_large_is_compressed_for_whoever_takes_it() {
    let (server, web) = open(&[]);
    let records: Vec<_> = (0..40).flat_map(|number| person("N", "Northgate", number)).collect();
    let write = json!({ "requestId": new_id(), "records": records });
    assert_eq!(web.post("/v1/EvidenceService/WriteEvidence", &[], &write).status, 200);
    let link = format!("{LIST}?list=all&pageSize=100");
    let plain = web.get(&link, &[]);
    assert_eq!(plain.header("content-encoding"), None);
    for coding in ["gzip", "br"] {
        let told = web.get(&link, &[("accept-encoding", coding)]);
        assert_eq!(told.header("content-encoding"), Some(coding));
        assert!(told.header("vary").is_some_and(|vary| vary.contains("accept-encoding")), "{coding}");
        assert!(told.body.len() * 4 < plain.body.len(), "{coding}: {} of {}", told.body.len(), plain.body.len());
        assert_eq!(decoded(coding, &told.body), plain.body, "{coding}");
    }
    let export = web.get("/v1/RankingService/ExportStandings?list=all", &[("accept-encoding", "gzip")]);
    assert_eq!(export.header("content-encoding"), Some("gzip"), "an export ends by itself, and is large");
    let lines = decoded("gzip", &export.body);
    assert_eq!(lines.split(|byte| *byte == b'\n').count(), 2, "one line and its end");
    server.kill();
}

#[test]
fn what_a_caller_holds_still_is_not_sent_again_until_it_changes() {
    let (server, web) = open(&[]);
    let write = |records: Vec<steelyard::pb::Record>| {
        let request = json!({ "requestId": new_id(), "records": records });
        assert_eq!(web.post("/v1/EvidenceService/WriteEvidence", &[], &request).status, 200);
    };
    write(person("N", "Northgate", 1));
    for link in [format!("{LIST}?list=wanted"), "/v1/RankingService/GetStanding?subjectRef=N-01".to_owned()] {
        let first = web.get(&link, &[]);
        let etag = first.header("etag").expect("a mark").to_owned();
        let held: Headers<'_> = &[("if-none-match", &etag)];
        let again = web.get(&link, held);
        assert_eq!((again.status, again.body.len(), again.header("etag")), (304, 0, Some(etag.as_str())), "{link}");
        assert_eq!(web.get(&link, &[("if-none-match", "W/\"1.0.another\"")]).status, 200, "{link}");
        write(person("N", "Northgate", u32::try_from(link.len()).expect("short")));
        let told = web.get(&link, held);
        assert_eq!((told.status, told.header("etag") == Some(&etag)), (200, false), "{link}");
    }
    // Somebody who is on no such list changes nothing of it.
    let link = format!("{LIST}?list=wanted");
    let etag = web.get(&link, &[]).header("etag").expect("a mark").to_owned();
    write(crate::people::Somebody::man("X-1", "1980-01-01").records());
    assert_eq!(web.get(&link, &[("if-none-match", &etag)]).status, 304);
    server.kill();
}

fn decoded(coding: &str, body: &[u8]) -> Vec<u8> {
    use std::io::Read;
    let mut plain = Vec::new();
    let read = match coding {
        "gzip" => flate2::read::GzDecoder::new(body).read_to_end(&mut plain),
        _ => brotli::Decompressor::new(body, 4_096).read_to_end(&mut plain),
    };
    read.unwrap_or_else(|error| panic!("{coding}: {error}"));
    plain
}

#[test]
fn the_calls_are_described_to_anybody_and_kept_until_they_are_others() {
    let issuer = crate::issuer::Issuer::new();
    let arguments = issuer.arguments();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let (server, web) = open(&arguments);
    let told = web.get("/openapi.json", &[]);
    assert_eq!((told.status, told.header("content-type")), (200, Some("application/json")));
    assert!(told.json()["paths"][LIST]["get"].is_object());
    let etag = told.header("etag").expect("a mark").to_owned();
    let again = web.get("/openapi.json", &[("if-none-match", &etag)]);
    assert_eq!((again.status, again.body.len()), (304, 0));
    let packed = web.get("/openapi.json", &[("accept-encoding", "gzip")]);
    assert_eq!(decoded("gzip", &packed.body), told.body);
    assert_eq!(web.get(&format!("{LIST}?list=all"), &[]).status, 401, "what it describes is not for anybody");
    server.kill();
}
