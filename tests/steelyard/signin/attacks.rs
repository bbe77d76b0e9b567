//! What somebody tries who wants another's session, or wants another to have theirs.

use std::time::Duration;

use super::browser::{ASKS, Browser, GOES};
use super::{CLIENT, Ground, LIST};
use crate::web::Headers;

const WRITE: &str = "/v1/OutstandingService/RecordReview";
const JSON: (&str, &str) = ("content-type", "application/json");

fn reason(browser: &Browser) -> &str {
    let told = browser.seen.rsplit("Reason <code>").next().expect("an end");
    told.split('<').next().expect("a beginning")
}

#[test]
fn nobody_finishes_what_another_browser_began() {
    let ground = Ground::new();
    let (mut thief, mut victim) = (ground.browser(), ground.browser());
    // The thief's own code, brought to the victim: they would act as the thief and not know it.
    let back = thief.chosen("/", "DEMO-SUPERVISOR");
    let told = victim.go(&back);
    assert_eq!((told.status, reason(&victim)), (400, "SIGN_IN_NOT_BEGUN"));
    // Nor with a signing in of their own under way, and nor with the state of that one.
    victim.go("/sign-in");
    assert_eq!(victim.go(&back).status, 400);
    let own = victim.chosen("/", "DEMO-READER");
    // Nor with a state that begins as theirs does, by which its cookie is found.
    let state = own.split("state=").nth(1).unwrap().split('&').next().unwrap();
    let forged = own.replace(state, &format!("{}forged", &state[..30]));
    assert_eq!((victim.go(&forged).status, reason(&victim)), (400, "SIGN_IN_NOT_BEGUN"));
    let code = |address: &str| address.split("code=").nth(1).unwrap().split('&').next().unwrap().to_owned();
    let mixed = own.replace(&code(&own), &code(&back));
    let told = victim.go(&mixed);
    assert_eq!((told.status, reason(&victim)), (403, "ISSUER_REFUSED"), "the proof key is another's");
    assert_eq!((victim.actor(), victim.cookie("steelyard")), (None, None));
    for state in ["", "x", "%00", "a&state=b"] {
        let told = victim.go(&format!("/sign-in/callback?code=c&state={state}"));
        assert_eq!(told.status, 400, "{state}");
    }
}

#[test]
fn what_was_finished_is_not_finished_twice() {
    let ground = Ground::new();
    let mut browser = ground.browser();
    let back = browser.chosen("/", "DEMO-READER");
    let mut before = browser.clone();
    assert_eq!(browser.go(&back).status, 303);
    // With the cookie that went with it the first time.
    let told = before.go(&back);
    assert_eq!((told.status, reason(&before)), (400, "SIGN_IN_REPLAYED"));
    assert_eq!(before.cookie("steelyard"), None);
    assert_eq!(browser.actor().as_deref(), Some("DEMO-READER"));
}

#[test]
fn a_code_is_good_once_for_its_client_its_address_and_its_proof_key() {
    let ground = Ground::new();
    let issuer = crate::web::Web::at(ground.issuer.address().trim_start_matches("http://"));
    let redirect = format!("http://{}/sign-in/callback", ground.web.host());
    let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    let code = || {
        let query = form_urlencoded::Serializer::new(String::new())
            .extend_pairs([
                ("client_id", CLIENT),
                ("redirect_uri", &redirect),
                ("response_type", "code"),
                ("scope", "openid"),
                ("state", "s"),
                ("code_challenge", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"),
                ("code_challenge_method", "S256"),
                ("person", "DEMO-READER"),
            ])
            .finish();
        let told = issuer.get(&format!("/authorize?{query}"), &[]);
        let back = told.header("location").unwrap_or_else(|| panic!("{}", told.status)).to_owned();
        back.split("code=").nth(1).unwrap().split('&').next().unwrap().to_owned()
    };
    let shown = |code: &str, client: &str, redirect: &str, verifier: &str| {
        let form = form_urlencoded::Serializer::new(String::new())
            .extend_pairs([
                ("grant_type", "authorization_code"),
                ("code", code),
                ("client_id", client),
                ("redirect_uri", redirect),
                ("code_verifier", verifier),
            ])
            .finish();
        let told = issuer.ask("POST", "/token", &[], form.as_bytes());
        (told.status, told.json()["error"].as_str().unwrap_or_default().to_owned())
    };
    let invalid = (400, "invalid_grant".to_owned());
    let good = code();
    assert_eq!(shown(&good, CLIENT, &redirect, verifier).0, 200);
    assert_eq!(shown(&good, CLIENT, &redirect, verifier), invalid);
    let other = "aBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    let spoilt = code();
    assert_eq!(shown(&spoilt, CLIENT, &redirect, other), invalid);
    assert_eq!(shown(&spoilt, CLIENT, &redirect, verifier), invalid, "a code that was shown is used");
    assert_eq!(shown(&code(), CLIENT, &redirect.replace("/sign-in", "/elsewhere"), verifier), invalid);
    assert_eq!(shown(&code(), "another", &redirect, verifier), (400, "invalid_client".to_owned()));
    // And it sends nobody to an address that it was not told of.
    for wrong in ["redirect_uri=https%3A%2F%2Fevil.example%2F&client_id=steelyard-test-client", "client_id=another"] {
        let told = issuer.get(&format!("/authorize?{wrong}&response_type=code"), &[]);
        assert_eq!((told.status, told.header("location")), (400, None));
    }
    let told = issuer.get("/authorize", &[("host", "evil.example")]);
    assert_eq!(told.status, 421);
}

#[test]
fn a_name_that_was_there_before_is_never_a_session_after() {
    let ground = Ground::new();
    let mut thief = ground.signed_in("DEMO-READER");
    let planted = thief.cookie("steelyard").unwrap().to_owned();
    for name in [planted.as_str(), "chosen", ""] {
        let mut victim = ground.browser();
        victim.plant("steelyard", name);
        // Somebody who is signed in already signs in as another.
        victim.sign_in("/sign-in", "DEMO-SUPERVISOR");
        assert_ne!(victim.cookie("steelyard"), Some(name));
        assert_eq!(victim.actor().as_deref(), Some("DEMO-SUPERVISOR"));
    }
    assert_eq!(thief.actor(), None, "the session that was in the victim's browser is over");
    // Two of one name: neither counts.
    let mut twice = ground.signed_in("DEMO-READER");
    let held = twice.cookie("steelyard").unwrap().to_owned();
    let told = twice.ask("GET", &format!("/v1/{LIST}"), &[("cookie", &format!("steelyard={held}"))], b"");
    assert_eq!(told.status, 401);
}

#[test]
fn another_sessions_cookie_is_another_session_and_a_guessed_one_is_none() {
    let ground = Ground::new();
    let held = ground.signed_in("DEMO-READER").cookie("steelyard").unwrap().to_owned();
    let mut guessed = ground.browser();
    for name in [held.to_lowercase(), format!("{held}A"), held[..42].to_owned(), "A".repeat(43), "A".repeat(4_000)] {
        guessed.plant("steelyard", &name);
        assert_eq!((guessed.reads(LIST), guessed.actor()), (401, None), "{name}");
    }
}

#[test]
fn nobody_is_sent_to_another_server_after_signing_in() {
    let ground = Ground::new();
    for (wished, there) in [
        ("https%3A%2F%2Fevil.example", "/"),
        ("%2F%2Fevil.example", "/"),
        ("%2F%5Cevil.example", "/"),
        ("%2F%09%2Fevil.example", "/"),
        ("%2F.%2F%2Fevil.example", "/"),
        ("%2Flists%0d%0aSet-Cookie%3A%20a%3Db", "/"),
        ("%2Fsign-in%3Freturn_to%3D%2F", "/"),
        ("%2Flists%2Fwanted&return_to=%2F%2Fevil.example", "/"),
        ("%2Flists%2Fwanted", "/lists/wanted"),
    ] {
        let mut browser = ground.browser();
        let back = browser.chosen(&format!("/sign-in?return_to={wished}"), "DEMO-READER");
        let told = browser.go(&back);
        assert_eq!((told.status, told.header("location")), (303, Some(there)), "{wished}");
        assert!(!told.header("set-cookie").unwrap().contains("a=b"));
    }
}

#[test]
fn whoever_is_signed_in_changes_something_from_this_servers_own_pages_alone() {
    let ground = Ground::lasting(Duration::from_mins(5), true, &["--http-origins", "https://intranet.example"]);
    let mut browser = ground.signed_in("DEMO-SUPERVISOR");
    let own = browser.origin();
    let foreign: &[Headers<'_>] = &[
        &[],
        &[("origin", "https://evil.example")],
        &[("origin", "null")],
        // Named for pages that bring a token of their own.
        &[("origin", "https://intranet.example")],
        &[("sec-fetch-site", "same-site"), ("sec-fetch-mode", "navigate")],
        &[("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "navigate")],
        &[("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "no-cors")],
        // What it says of the site does not mend a foreign origin.
        &[("origin", "https://evil.example"), ("sec-fetch-site", "same-origin")],
    ];
    for headers in foreign {
        for (path, media) in [
            (WRITE, JSON),
            ("/steelyard.v1.OutstandingService/RecordReview", ("content-type", "application/grpc-web+proto")),
        ] {
            let told = browser.ask("POST", path, &[*headers, &[media]].concat(), b"{}");
            assert_eq!((told.status, told.reason().as_str()), (403, "FOREIGN_ORIGIN"), "{headers:?} {path}");
        }
        let told = browser.ask("POST", "/sign-out", headers, b"");
        assert_eq!((told.status, told.reason().as_str()), (403, "FOREIGN_ORIGIN"), "{headers:?}");
    }
    assert_eq!(browser.actor().as_deref(), Some("DEMO-SUPERVISOR"), "nobody was signed out");
    let own: &[Headers<'_>] = &[
        &[("origin", &own)],
        &[("origin", &own), ("sec-fetch-site", "same-origin")],
        &[("sec-fetch-site", "same-origin")],
    ];
    for headers in own {
        let told = browser.ask("POST", WRITE, &[*headers, &[JSON]].concat(), b"{}");
        assert_eq!(
            (told.status, told.reason().as_str()),
            (400, "INVALID_ARGUMENT"),
            "it comes to the call: {headers:?}"
        );
    }
}

#[test]
fn what_another_sites_page_puts_into_its_own_sees_nothing_of_whoever_is_signed_in() {
    let ground = Ground::lasting(Duration::from_mins(5), true, &["--http-origins", "https://intranet.example"]);
    let mut browser = ground.signed_in("DEMO-SUPERVISOR");
    let mut status = |path: &str, headers: Headers<'_>| browser.ask("GET", path, headers, b"").status;
    let call = format!("/v1/{LIST}");
    assert_eq!(status(&call, &[("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "no-cors")]), 403);
    assert_eq!(status(&call, &[("sec-fetch-site", "same-site"), ("sec-fetch-mode", "no-cors")]), 401);
    assert_eq!(status(&call, &[("origin", "https://intranet.example"), ("sec-fetch-site", "cross-site")]), 401);
    assert_eq!(status("/lists/wanted", &[("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "no-cors")]), 303);
    // A link is followed as whoever follows it.
    assert_eq!(status("/lists/wanted", &[("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "navigate")]), 200);
    assert_eq!(status(&call, ASKS), 200);
}

#[test]
fn to_look_changes_nothing() {
    let ground = Ground::new();
    let mut browser = ground.signed_in("DEMO-SUPERVISOR");
    let told = browser.ask("GET", "/sign-out", GOES, b"");
    assert_eq!((told.status, told.header("set-cookie")), (303, None));
    assert_eq!(browser.actor().as_deref(), Some("DEMO-SUPERVISOR"));
    for rule in steelyard::access::table::RULES {
        if rule.does == steelyard::access::table::Does::Writes {
            let path = rule.path.replace("/steelyard.v1.", "/v1/");
            let told = browser.ask("GET", &path, GOES, b"");
            assert_eq!((told.status, told.reason().as_str()), (405, "METHOD_NOT_ALLOWED"), "{path}");
        }
    }
}
