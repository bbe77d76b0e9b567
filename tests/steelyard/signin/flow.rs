//! What happens to somebody who signs in, looks, and signs out.

use std::time::Duration;

use super::browser::{ASKS, Browser, GOES};
use super::{DECISIONS, Ground, LIST};
use crate::harness::within;

const PATIENCE: Duration = Duration::from_secs(30);

#[test]
fn whoever_signs_in_comes_to_where_they_were_going_and_asks_as_themselves() {
    let ground = Ground::new();
    let mut browser = ground.browser();
    let page = browser.go("/lists/wanted?page_size=10");
    assert_eq!(page.status, 303);
    assert_eq!(page.header("location"), Some("/sign-in?return_to=%2Flists%2Fwanted%3Fpage_size%3D10"));
    let (asked, chosen) = browser.follow("/lists/wanted?page_size=10");
    assert!(asked.starts_with(&format!("{}/authorize?", ground.issuer.address())), "{asked}");
    let text = String::from_utf8_lossy(&chosen.body);
    assert!(text.contains("This issuer is for development.") && text.contains("A reader in Northgate"), "{text}");
    let (ended, told) = browser.sign_in("/lists/wanted?page_size=10", "DEMO-READER");
    assert_eq!((ended.as_str(), told.status), ("/lists/wanted?page_size=10", 200));
    let text = String::from_utf8_lossy(&told.body);
    assert!(text.contains("A reader in Northgate") && text.contains("action=\"/sign-out\""), "{text}");
    assert!(told.header("vary").is_some_and(|vary| vary.contains("Cookie")), "{:?}", told.header("vary"));

    assert_eq!((browser.reads(LIST), browser.reads(DECISIONS)), (200, 403));
    let who = browser.ask("GET", "/sign-in/who", ASKS, b"").json();
    assert_eq!((who["actor"].as_str(), who["roles"][0].as_str()), (Some("DEMO-READER"), Some("reader")));
    assert_eq!(who["areas"], serde_json::json!(["Northgate"]));
    let page = browser.go("/sign-in/who");
    assert!(String::from_utf8_lossy(&page.body).contains("Signed in until"));
}

#[test]
fn cookies_are_for_no_script_no_other_host_and_no_other_site() {
    let ground = Ground::new();
    let mut browser = ground.browser();
    let begun = browser.go("/sign-in");
    let set = begun.header("set-cookie").unwrap().to_owned();
    assert!(set.starts_with("steelyard-in-"), "{set}");
    assert!(set.ends_with("; Path=/; HttpOnly; SameSite=Lax; Max-Age=600"), "{set}");
    let back = browser.chosen("/", "DEMO-READER");
    let ended = browser.go(&back);
    let sets: Vec<_> = ended.header("set-cookie").unwrap().split(", ").collect();
    let session = sets.iter().find(|set| set.starts_with("steelyard=")).unwrap();
    assert!(session.ends_with("; Path=/; HttpOnly; SameSite=Lax"), "{session}");
    assert_eq!(session.split(['=', ';']).nth(1).unwrap().len(), 43, "256 bits");
    assert!(sets.iter().any(|set| set.starts_with("steelyard-in-") && set.ends_with("Max-Age=0")), "{sets:?}");
    assert_eq!(ended.header("cache-control"), Some("no-store"));

    let behind = ["--signin-public-address", "https://steelyard.example"];
    let ground = Ground::lasting(Duration::from_mins(5), true, &behind);
    let begun = ground.browser().go("/sign-in");
    let set = begun.header("set-cookie").unwrap();
    assert!(set.starts_with("__Host-steelyard-in-"), "{set}");
    assert!(set.ends_with("; Path=/; HttpOnly; Secure; SameSite=Lax; Max-Age=600") && !set.contains("Domain"), "{set}");
    let sent = begun.header("location").unwrap();
    assert!(sent.contains("redirect_uri=https%3A%2F%2Fsteelyard.example%2Fsign-in%2Fcallback"), "{sent}");
}

#[test]
fn whoever_signs_out_is_out_at_once_and_nobody_else_is() {
    let ground = Ground::new();
    let (mut browser, mut other) = (ground.signed_in("DEMO-SUPERVISOR"), ground.signed_in("DEMO-SUPERVISOR"));
    let kept = browser.clone();
    let stream = "/v1/RankingService/WatchStandings?list=LIST_WANTED&format=events";
    let mut watching = browser.begin(stream, ASKS);
    assert_eq!(watching.status, 200);
    let others = other.begin(stream, ASKS);

    let origin = browser.origin();
    let out = browser.ask("POST", "/sign-out", &[GOES, &[("origin", origin.as_str())]].concat(), b"");
    assert_eq!(out.status, 200);
    assert_eq!(out.header("clear-site-data"), Some("\"cache\""));
    let onwards = out.header("refresh").unwrap().strip_prefix("0; url=").unwrap().to_owned();
    assert!(onwards.starts_with(&format!("{}/end-session?", ground.issuer.address())), "{onwards}");
    assert!(!onwards.contains("id_token_hint"), "a token in an address is seen by whoever sees addresses");
    assert_eq!(browser.cookie("steelyard"), None);
    let (ended, told) = browser.follow(&onwards);
    assert_eq!((ended, told.status), (format!("{origin}/sign-out"), 200));

    // A thief of the cookie has nothing either, and what went on under it has ended.
    let mut thief = kept;
    assert_eq!((thief.reads(LIST), thief.go("/lists/wanted").status), (401, 303));
    while watching.event().is_some() {}
    assert_eq!((other.reads(LIST), other.actor().as_deref()), (200, Some("DEMO-SUPERVISOR")));
    assert_eq!(others.status, 200);
}

#[test]
fn a_session_ends_with_its_token_where_none_is_given_anew() {
    let ground = Ground::lasting(Duration::from_secs(2), false, &[]);
    let mut browser = ground.browser();
    browser.sign_in("/lists/wanted", "DEMO-READER");
    assert!(browser.cookie("steelyard").is_some(), "{}", browser.seen);
    let ended = within(PATIENCE, || (browser.reads(LIST) == 401).then_some(()));
    assert!(ended.is_some(), "{}", browser.seen);
    let page = browser.go("/lists/wanted");
    assert_eq!(page.header("location"), Some("/sign-in?return_to=%2Flists%2Fwanted"));
    let call = browser.ask("GET", &format!("/v1/{LIST}"), ASKS, b"");
    assert_eq!((call.status, call.reason()), (401, "UNAUTHENTICATED".to_owned()));
}

#[test]
fn a_token_is_renewed_once_for_everybody_who_waits_for_it() {
    let ground = Ground::lasting(Duration::from_secs(3), true, &[]);
    let browser = ground.signed_in("DEMO-SUPERVISOR");
    // Every refresh token is good once: two renewals with one of them would end the session.
    let until = std::time::Instant::now() + Duration::from_secs(6);
    let asking: Vec<_> = (0..4)
        .map(|_| {
            let mut browser: Browser = browser.clone();
            std::thread::spawn(move || {
                let mut statuses = Vec::new();
                while std::time::Instant::now() < until {
                    statuses.push(browser.reads(LIST));
                }
                statuses
            })
        })
        .collect();
    for asking in asking {
        let statuses = asking.join().unwrap();
        assert!(!statuses.is_empty() && statuses.iter().all(|status| *status == 200), "{statuses:?}");
    }
}

#[test]
fn several_tabs_sign_in_side_by_side() {
    let ground = Ground::new();
    let mut browser = ground.browser();
    let (first, second) = (browser.chosen("/lists/wanted", "DEMO-READER"), browser.chosen("/", "DEMO-READER"));
    assert_eq!(browser.go(&first).header("location"), Some("/lists/wanted"));
    assert_eq!(browser.go(&second).header("location"), Some("/"));
    // However far each of them goes on to: a browser sends all of them with every request, of 16 KiB at most over HTTP/2.
    let far = format!("/sign-in?return_to=/{}", "a".repeat(599));
    for _ in 0..20 {
        browser.go(&far);
    }
    let under_way = browser.cookies().matches("steelyard-in-").count();
    assert_eq!(under_way, 8);
    assert!((8 * 600..12 << 10).contains(&browser.cookies().len()), "{}", browser.cookies().len());
}

#[test]
fn a_token_that_is_sent_counts_whatever_cookie_goes_with_it() {
    let ground = Ground::new();
    let mut browser = ground.signed_in("DEMO-SUPERVISOR");
    assert_eq!(browser.reads(DECISIONS), 200);
    let reader = steelyard::cli::issuer::people::Person::named("DEMO-READER").unwrap();
    let bearer = format!("Bearer {}", ground.issuer.token(reader, Duration::from_mins(1)));
    let told = browser.ask("GET", &format!("/v1/{DECISIONS}"), &[("authorization", &bearer)], b"");
    assert_eq!((told.status, told.reason()), (403, "PERMISSION_DENIED".to_owned()));
    // A program that sends one needs to say nothing of whose page it is.
    let bare = crate::web::Web::of(&ground.server);
    let body = serde_json::json!({ "list": "LIST_WANTED" });
    assert_eq!(bare.post("/v1/RankingService/ListStandings", &[("authorization", &bearer)], &body).status, 200);
}

#[test]
fn a_panel_in_a_frame_sends_nobody_to_an_issuer_inside_it() {
    let ground = Ground::new();
    let told = ground.browser().go("/embed/list/wanted");
    assert_eq!(told.status, 401);
    let text = String::from_utf8_lossy(&told.body);
    assert!(text.contains("/sign-in?return_to=%2Fembed%2Flist%2Fwanted") && text.contains("_blank"), "{text}");
}

#[test]
fn whoever_has_no_role_here_or_changes_their_mind_is_told_so() {
    let ground = Ground::new();
    let mut browser = ground.browser();
    let (_, told) = browser.sign_in("/", "DEMO-NOBODY");
    assert_eq!(told.status, 403);
    assert!(String::from_utf8_lossy(&told.body).contains("at least one role"));
    let (_, told) = browser.sign_in("/", "nobody");
    assert_eq!(told.status, 403);
    let text = String::from_utf8_lossy(&told.body);
    assert!(text.contains("access_denied") && text.contains("Try again"), "{text}");
    assert_eq!((browser.actor(), browser.cookie("steelyard")), (None, None));
}
