//! What an issuer gives is believed as what any caller sends is, and shown to nobody.

use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use serde_json::{Value, json};

use super::browser::{ASKS, Browser};
use super::provider::Provider;
use super::{CLIENT, LIST, serving_with};
use crate::harness::{Server, within};
use crate::issuer::{ISSUER, Issuer};
use crate::web::Web;

/// Whoever signs in.
const ACTOR: &str = "pc-6e1f";
const SECRET: &str = "7Qx1vN0pW3kZt8Lr5Yb2mD";

/// A server that believes the tokens of a test's issuer, and people sign in at an issuer that says anything.
struct Ground {
    issuer: Issuer,
    provider: Provider,
    server: Server,
    _folder: tempfile::TempDir,
}

impl Ground {
    fn new() -> Self {
        let (issuer, provider) = (Issuer::new(), Provider::start());
        let folder = tempfile::tempdir().expect("a temporary directory");
        let secret = folder.path().join("secret");
        std::fs::write(&secret, SECRET).expect("a secret can be written");
        std::fs::set_permissions(&secret, std::fs::Permissions::from_mode(0o600)).expect("it can be closed");
        let believed = issuer.arguments();
        let believed: Vec<_> = believed.iter().map(String::as_str).collect();
        let signing = [
            ("--signin-issuer", provider.address()),
            ("--signin-client-id", CLIENT),
            ("--signin-client-secret-file", secret.to_str().expect("a temporary path must be text")),
            ("--access-leeway-seconds", "0"),
        ];
        let server = serving_with(&signing, &believed);
        Self { issuer, provider, server, _folder: folder }
    }

    /// Signs in with what the issuer gives: `given` may spoil it, and is told the nonce.
    fn tried(&self, spoil: impl FnOnce(&mut Value, &Issuer)) -> (Browser, u16, String) {
        let mut browser = Browser::new(&Web::of(&self.server));
        let (state, nonce) = begun(&mut browser);
        let mut given = self.right(&nonce);
        spoil(&mut given, &self.issuer);
        self.provider.gives(&given);
        let told = browser.go(&format!("/sign-in/callback?code=c&state={state}"));
        let text = String::from_utf8_lossy(&told.body).into_owned();
        let reason = text.split("Reason <code>").nth(1).and_then(|rest| rest.split('<').next()).unwrap_or_default();
        (browser, told.status, reason.to_owned())
    }

    fn right(&self, nonce: &str) -> Value {
        json!({
            "token_type": "Bearer",
            "access_token": self.issuer.token(ACTOR, &["reader"], &["North"]),
            "id_token": self.issuer.of(&self.id_claims(nonce)),
            "refresh_token": "rT9f2cQw8Zk1Xv4Hs6",
        })
    }

    fn id_claims(&self, nonce: &str) -> Value {
        let mut claims =
            Issuer::claims(ACTOR, &[], &[], &json!({ "aud": CLIENT, "nonce": nonce, "name": "PC Example" }));
        claims["iss"] = json!(self.provider.address());
        claims
    }
}

/// Spoils the claims of an ID token.
type Spoil = fn(&mut Value);

/// Begins to sign in: the state and the nonce that the issuer was sent.
fn begun(browser: &mut Browser) -> (String, String) {
    let told = browser.go("/sign-in");
    let sent = told.header("location").unwrap_or_else(|| panic!("{} {}", told.status, browser.seen)).to_owned();
    let query = sent.split('?').nth(1).expect("it has a query");
    let of = |name: &str| {
        let mut pairs = form_urlencoded::parse(query.as_bytes());
        pairs.find(|(known, _)| known == name).map(|(_, value)| value.into_owned()).expect("it is sent along")
    };
    assert_eq!((of("code_challenge_method").as_str(), of("response_type").as_str()), ("S256", "code"));
    (of("state"), of("nonce"))
}

#[test]
fn a_token_that_the_gate_would_not_believe_signs_nobody_in() {
    let ground = Ground::new();
    let claims = |more: Value| Issuer::claims(ACTOR, &["reader"], &["North"], &more);
    let access = |token: String| move |given: &mut Value, _: &Issuer| given["access_token"] = json!(token);
    let cases: Vec<(&str, String)> = vec![
        ("alg none", Issuer::unsigned(&claims(json!({})))),
        ("another audience", ground.issuer.of(&claims(json!({ "aud": "another" })))),
        ("another issuer", ground.issuer.of(&claims(json!({ "iss": "https://another.test" })))),
        ("expired", ground.issuer.of(&claims(json!({ "exp": 1 })))),
        ("another's key", Issuer::new().of(&claims(json!({})))),
        ("no token", "opaque".to_owned()),
        ("no role", ground.issuer.of(&claims(json!({ "roles": ["king"] })))),
        ("too long", "a".repeat(9_000)),
    ];
    for (name, token) in cases {
        let (mut browser, status, reason) = ground.tried(access(token));
        assert_eq!((status, reason.as_str()), (403, "TOKEN_NOT_BELIEVED"), "{name}");
        assert_eq!((browser.actor(), browser.cookie("steelyard")), (None, None), "{name}");
    }
    let (mut browser, status, _) = ground.tried(|_, _| {});
    assert_eq!((status, browser.actor().as_deref()), (303, Some(ACTOR)), "otherwise it does");
}

#[test]
fn an_id_token_answers_this_signing_in_or_nobody_is_signed_in() {
    let ground = Ground::new();
    let cases: &[(&str, Spoil)] = &[
        ("another nonce", |claims| claims["nonce"] = json!("another")),
        ("no nonce", |claims| drop(claims.as_object_mut().unwrap().remove("nonce"))),
        ("another client", |claims| claims["aud"] = json!("another")),
        ("another party", |claims| claims["azp"] = json!("another")),
        ("the issuer of access tokens", |claims| claims["iss"] = json!(ISSUER)),
        ("expired", |claims| claims["exp"] = json!(1)),
    ];
    for (name, spoil) in cases {
        let mut browser = Browser::new(&Web::of(&ground.server));
        let (state, nonce) = begun(&mut browser);
        let mut claims = ground.id_claims(&nonce);
        spoil(&mut claims);
        let mut given = ground.right(&nonce);
        given["id_token"] = json!(ground.issuer.of(&claims));
        ground.provider.gives(&given);
        let told = browser.go(&format!("/sign-in/callback?code=c&state={state}"));
        assert_eq!((told.status, browser.cookie("steelyard")), (403, None), "{name}");
    }
    let unsigned = |given: &mut Value, _: &Issuer| given["id_token"] = json!(Issuer::unsigned(&json!({})));
    assert_eq!(ground.tried(unsigned).1, 403);
    assert_eq!(ground.tried(|given, _| given["id_token"] = Value::Null).1, 502);
    assert_eq!(ground.tried(|given, _| given["token_type"] = json!("mac")).1, 502);
    assert_eq!(ground.tried(|given, _| given["access_token"] = Value::Null).1, 502);
}

#[test]
fn nothing_of_a_token_or_a_secret_is_shown_logged_or_put_into_an_address() {
    let ground = Ground::new();
    let mut browser = Browser::new(&Web::of(&ground.server));
    let (state, nonce) = begun(&mut browser);
    let given = ground.right(&nonce);
    ground.provider.gives(&given);
    browser.go(&format!("/sign-in/callback?code=c0De4b1dK7&state={state}"));
    for path in ["/", "/lists/wanted", "/sign-in/who", "/sign-in", "/nowhere"] {
        browser.go(path);
    }
    assert_eq!(browser.reads(LIST), 200);
    browser.reads(super::DECISIONS);
    ground.tried(|given, _| given["access_token"] = json!("refused.token.nB77x0Kq2W"));
    let origin = browser.origin();
    browser.ask("POST", "/sign-out", &[("origin", &origin)], b"");
    let asked = ground.provider.asked();
    let verifier = asked[0].split("code_verifier=").nth(1).unwrap().split('&').next().unwrap().to_owned();
    let part = |name: &str| given[name].as_str().unwrap().rsplit('.').next().unwrap().to_owned();
    let secrets = [
        part("access_token"),
        part("id_token"),
        part("refresh_token"),
        verifier,
        SECRET.to_owned(),
        "c0De4b1dK7".to_owned(),
        "nB77x0Kq2W".to_owned(),
    ];
    let session = browser.seen.split("steelyard=").nth(1).unwrap().split(';').next().unwrap().to_owned();
    let log = ground.server.log();
    assert!(log.contains("somebody signed in") && log.contains("somebody signed out"), "{log}");
    let shown = browser.seen.replace(&format!("/sign-in/callback?code=c0De4b1dK7&state={state}"), "");
    for secret in &secrets {
        // Some write bytes down in rows: a part of a secret is one.
        for part in secret.as_bytes().windows(8).map(|part| std::str::from_utf8(part).unwrap()) {
            assert!(!log.contains(part), "{secret} is in the log");
            assert!(!shown.contains(part), "{secret} was shown");
        }
    }
    assert!(!log.contains(&session), "a session's name is in the log");
    assert!(!log.contains(ACTOR) && !log.contains("PC Example"), "whoever signed in is in the log");
}

#[test]
fn an_issuer_that_does_not_answer_is_told_with_a_way_to_try_again() {
    let ground = Ground::new();
    let mut browser = Browser::new(&Web::of(&ground.server));
    let (state, _) = begun(&mut browser);
    ground.provider.says(|said| said.status = 500);
    let told = browser.go(&format!("/sign-in/callback?code=c&state={state}"));
    assert_eq!((told.status, told.header("retry-after")), (503, Some("10")));
    let text = String::from_utf8_lossy(&told.body);
    assert!(text.contains("The issuer does not answer") && text.contains("href=\"/sign-in?return_to=%2F\""), "{text}");
    for (status, given, expected) in [
        (200, "<html>".to_owned(), 502),
        (200, format!("{{\"x\":\"{}\"}}", "a".repeat(300_000)), 503),
        (302, String::new(), 502),
        (400, json!({ "error": "invalid_client", "error_description": "<script>alert(1)</script>" }).to_string(), 403),
    ] {
        let (state, _) = begun(&mut browser);
        ground.provider.says(|said| {
            said.status = status;
            said.given = given;
        });
        let told = browser.go(&format!("/sign-in/callback?code=c&state={state}"));
        assert_eq!((told.status, browser.cookie("steelyard")), (expected, None), "{status}");
        assert!(!String::from_utf8_lossy(&told.body).contains("<script>alert"));
    }
}

#[test]
fn an_issuer_that_names_itself_or_its_addresses_wrongly_is_not_gone_to() {
    for (name, value) in [
        ("issuer", json!("https://another.example")),
        ("authorization_endpoint", json!("http://elsewhere.example/authorize")),
        ("token_endpoint", json!("http://elsewhere.example/token")),
        ("authorization_endpoint", json!("javascript:alert(1)")),
        ("code_challenge_methods_supported", json!(["plain"])),
    ] {
        let ground = Ground::new();
        ground.provider.says(|said| said.described[name] = value);
        let told = Browser::new(&Web::of(&ground.server)).go("/sign-in");
        assert_eq!((told.status, told.header("location")), (502, None), "{name}");
    }
    // It may name itself in its answers, and then rightly.
    let ground = Ground::new();
    ground.provider.says(|said| said.described["authorization_response_iss_parameter_supported"] = json!(true));
    for named in ["", "&iss=https%3A%2F%2Fanother.example"] {
        let mut browser = Browser::new(&Web::of(&ground.server));
        let (state, nonce) = begun(&mut browser);
        ground.provider.gives(&ground.right(&nonce));
        let told = browser.go(&format!("/sign-in/callback?code=c&state={state}{named}"));
        assert_eq!((told.status, browser.cookie("steelyard")), (502, None), "{named}");
    }
}

#[test]
fn a_token_that_ran_out_while_the_issuer_is_down_can_be_asked_with_again() {
    let ground = Ground::new();
    let mut browser = Browser::new(&Web::of(&ground.server));
    let (state, nonce) = begun(&mut browser);
    let short = |seconds: u64| {
        let mut claims = Issuer::claims(ACTOR, &["reader"], &["North"], &json!({}));
        claims["exp"] = json!(claims["iat"].as_u64().unwrap() + 60 + seconds);
        claims
    };
    let mut given = ground.right(&nonce);
    given["access_token"] = json!(ground.issuer.of(&short(3)));
    ground.provider.gives(&given);
    browser.go(&format!("/sign-in/callback?code=c&state={state}"));
    ground.provider.says(|said| said.status = 503);
    let down = within(Duration::from_secs(30), || (browser.reads(LIST) == 503).then_some(()));
    assert!(down.is_some(), "{}", browser.seen);
    let told = browser.ask("GET", &format!("/v1/{LIST}"), ASKS, b"");
    assert_eq!((told.reason().as_str(), told.header("retry-after")), ("ISSUER_UNAVAILABLE", Some("10")));
    let page = browser.go("/lists/wanted");
    assert_eq!(page.status, 503);
    assert!(String::from_utf8_lossy(&page.body).contains("return_to=%2Flists%2Fwanted"));
    // Nothing was lost meanwhile.
    ground
        .provider
        .gives(&json!({ "token_type": "Bearer", "access_token": ground.issuer.token(ACTOR, &["reader"], &["North"]) }));
    assert_eq!(browser.reads(LIST), 200);
}

#[test]
fn a_token_that_is_renewed_as_somebody_elses_ends_the_session() {
    let ground = Ground::new();
    let mut browser = Browser::new(&Web::of(&ground.server));
    let (state, nonce) = begun(&mut browser);
    let mut given = ground.right(&nonce);
    let mut claims = Issuer::claims(ACTOR, &["reader"], &["North"], &json!({}));
    // Good for less than a minute: it is renewed when it is next used.
    claims["exp"] = json!(claims["iat"].as_u64().unwrap() + 60 + 40);
    given["access_token"] = json!(ground.issuer.of(&claims));
    ground.provider.gives(&given);
    browser.go(&format!("/sign-in/callback?code=c&state={state}"));
    ground.provider.gives(
        &json!({ "token_type": "Bearer", "access_token": ground.issuer.token("another", &["administrator"], &["*"]) }),
    );
    assert_eq!((browser.reads(LIST), browser.actor()), (401, None));
    assert!(ground.provider.asked().last().unwrap().contains("grant_type=refresh_token"));
}

#[test]
fn a_secret_that_others_may_read_stops_the_start() {
    let issuer = Issuer::new();
    let folder = tempfile::tempdir().unwrap();
    let secret = folder.path().join("secret");
    std::fs::write(&secret, SECRET).unwrap();
    std::fs::set_permissions(&secret, std::fs::Permissions::from_mode(0o644)).unwrap();
    let mut arguments = issuer.arguments();
    let signing = [
        "--memory",
        "--http-listen",
        "127.0.0.1:0",
        "--signin-issuer",
        "https://issuer.test",
        "--signin-client-id",
        CLIENT,
        "--signin-client-secret-file",
        secret.to_str().unwrap(),
    ];
    arguments.extend(signing.map(str::to_owned));
    let (code, told) = Server::refused(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!(code, Some(64), "{told}");
    assert!(told.contains("signin.client_secret_file") && !told.contains(SECRET), "{told}");
}
