//! The same rules over HTTP: whoever may not make a call may not make it there, is
//! told so in the same words, and is in the audit.

use steelyard::access::table::{Does, RULES, Rule};
use steelyard::api::http::problem::http_status;

use super::{CANARY, Guarded, Wrong, about, assert_refused, holds, of_many, reference, wrong};
use crate::raw::{Asked, Means};
use crate::web::{Headers, Told};

/// The path of a call over HTTP.
pub fn path_of(rpc: &str) -> String {
    format!("/v1/{}", rpc.trim_start_matches("/steelyard.v1."))
}

/// The rule of a call such as `RankingService/GetStanding`.
pub fn rule_of(method: &str) -> &'static Rule {
    let found = RULES.iter().find(|rule| rule.path.ends_with(&format!(".{method}")));
    found.unwrap_or_else(|| panic!("{method} must be a call"))
}

/// Whether a call takes many messages, one a line.
fn takes_lines(method: &str) -> bool {
    ["ImportEvidence", "EvaluatePolicy"].iter().any(|name| method.ends_with(name))
}

impl Guarded {
    /// Sends a request as the body of a POST.
    pub fn post(&self, method: &str, asked: &Asked, means: &Means) -> Told {
        let media = if takes_lines(method) { "application/x-ndjson" } else { "application/json" };
        let bearer = means.token.as_ref().map(|token| format!("Bearer {token}"));
        let mut headers = vec![("content-type", media), ("grpc-timeout", "20S")];
        headers.extend(bearer.as_deref().map(|bearer| ("authorization", bearer)));
        if !means.correlation_id.is_empty() {
            headers.push(("x-correlation-id", &means.correlation_id));
        }
        self.web.ask("POST", &path_of(method), &headers, asked.json.to_string().as_bytes())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_call_over_http_refuses_whoever_may_not_make_it_and_the_audit_says_so() {
    let guarded = Guarded::new().await;
    let mut expected: Vec<(String, &Rule, &str)> = Vec::new();
    for rule in RULES {
        for (place, Wrong { name, token, code, because }) in wrong(&guarded, rule).into_iter().enumerate() {
            let bearer = token.map(|token| format!("Bearer {token}"));
            for method in ["POST", "GET"] {
                if method == "GET" && (rule.does == Does::Writes || takes_lines(rule.path)) {
                    continue;
                }
                let correlation_id = format!("{}-{method}-{place}", rule.name());
                let mut headers = vec![("x-correlation-id", correlation_id.as_str())];
                headers.extend(bearer.as_deref().map(|bearer| ("authorization", bearer)));
                let media = if takes_lines(rule.path) { "application/x-ndjson" } else { "application/json" };
                if method == "POST" {
                    headers.push(("content-type", media));
                }
                let told = guarded.web.ask(method, &path_of(rule.path), &headers, b"");
                assert_eq!(
                    (told.status, told.reason().as_str()),
                    (http_status(code, because).as_u16(), because),
                    "{method} {} {name}",
                    rule.name()
                );
                assert_eq!(told.json()["code"], format!("{code:?}"));
                assert_eq!(told.json()["metadata"]["correlation_id"], correlation_id);
                assert_eq!(told.header("x-correlation-id"), Some(correlation_id.as_str()));
                assert_eq!(told.header("www-authenticate").is_some(), told.status == 401);
                expected.push((correlation_id, rule, because));
            }
        }
    }
    assert_refused(&guarded.audit().await, expected);
    guarded.server.kill();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn unknown_and_out_of_scope_are_refused_over_http_byte_for_byte_alike() {
    let guarded = Guarded::new().await;
    guarded.populate().await;
    let (outside, nobody) = (reference(CANARY, 0), reference(CANARY, 99));
    let north = guarded.granted("d-north", &["Northgate"], &["see_children"]);
    for ((method, of_outsider), (_, of_nobody)) in about(&outside).into_iter().zip(about(&nobody)) {
        let means = Means { correlation_id: format!("alike-{method}").replace('/', "-"), ..north.clone() };
        let refused = guarded.post(method, &of_outsider, &means);
        let unknown = guarded.post(method, &of_nobody, &means);
        assert_eq!((refused.status, refused.reason().as_str()), (403, "PERMISSION_DENIED"), "{method}");
        assert_eq!(refused.body, unknown.body, "{method}");
        assert_eq!(refused.names(), unknown.names(), "{method}");
    }
    // The same requests reach those in scope: not everything is refused.
    for (method, asked) in about(&reference("N", 1)) {
        let told = guarded.post(method, &asked, &north);
        assert_ne!(told.status, 403, "{method}: {}", String::from_utf8_lossy(&told.body));
    }
    guarded.server.kill();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_byte_of_anybody_out_of_scope_leaves_over_http() {
    let guarded = Guarded::new().await;
    guarded.populate().await;
    let everybody = guarded.granted("chief", &["*"], &["see_children", "see_sensitive_intelligence"]);
    let north = guarded.granted("north", &["Northgate"], &["see_children", "see_sensitive_intelligence"]);
    let mut shown = 0;
    for (method, asked) in of_many() {
        // What goes on for ever is looked at where streams are.
        if method.ends_with("WatchStandings") {
            continue;
        }
        let (of_all, of_north) = (guarded.post(method, &asked, &everybody), guarded.post(method, &asked, &north));
        assert!(!holds(&of_north.body, CANARY), "{method} lets out {}", String::from_utf8_lossy(&of_north.body));
        shown += usize::from(holds(&of_all.body, CANARY) && of_north.status == 200 && holds(&of_north.body, "N-0"));
    }
    assert!(shown >= 30, "the search must be able to fail: {shown}");
    guarded.server.kill();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_looked_over_http_for_whom_and_why_is_in_the_audit() {
    let guarded = Guarded::new().await;
    guarded.populate().await;
    let means = guarded.granted("d-north", &["Northgate"], &["see_children"]);
    let bearer = format!("Bearer {}", means.token.expect("a token"));
    let headers: Headers<'_> = &[
        ("authorization", &bearer),
        ("x-correlation-id", "web-1"),
        ("x-on-behalf-of", "PC 1234"),
        ("x-purpose-code", "MORNING-MEETING"),
    ];
    let told = guarded.web.get("/v1/RankingService/ListStandings?list=wanted&pageSize=100", headers);
    assert_eq!(told.status, 200);
    let people = told.json()["standings"].as_array().map_or(0, Vec::len);
    let audit = guarded.audit().await;
    let [event] = audit["web-1"].as_slice() else { panic!("one call, one entry: {:?}", audit["web-1"]) };
    assert_eq!((event.on_behalf_of.as_str(), event.purpose.as_str()), ("PC 1234", "MORNING-MEETING"));
    assert_eq!((event.actor.as_str(), event.subject_count), ("d-north", people as u64));
    assert!(people > 0);
    guarded.server.kill();
}
