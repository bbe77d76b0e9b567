//! Whoever holds a list is told that it has not changed, until it has: by the list
//! and not by whatever else is written; and being told so is a look like any other.

use serde_json::Value;

use crate::harness::{Client, Server};
use crate::people::{AS_OF, Somebody};
use crate::web::{Told, Web};

const WANTED: &str = "/v1/RankingService/ListStandings?list=wanted";

fn held(web: &Web, path: &str, tag: &str) -> Told {
    web.get(path, &[("if-none-match", tag)])
}

fn tag(told: &Told) -> String {
    assert_eq!(told.status, 200, "{}", told.json());
    told.header("etag").expect("a list must have a tag").to_owned()
}

async fn wanted(client: &mut Client, subject_ref: &str, burglaries: u32) {
    let records = (1..=burglaries)
        .fold(Somebody::man(subject_ref, "1990-05-01").wanted("2026-03-01"), |somebody, month| {
            somebody.convicted("TH68036", &format!("2025-{month:02}-03"), "2025-12-01")
        });
    client.write(records.records()).await;
}

#[tokio::test]
async fn a_list_that_nobody_touched_is_not_sent_again() {
    let server = Server::with(&["--memory", "--as-of", AS_OF, "--http-listen", "127.0.0.1:0"]);
    let (mut client, web) = (server.client().await, Web::of(&server));
    for (place, subject_ref) in ["W-1", "W-2", "W-3"].into_iter().enumerate() {
        wanted(&mut client, subject_ref, u32::try_from(place).expect("few")).await;
    }
    let first = tag(&web.get(WANTED, &[]));
    let unchanged = held(&web, WANTED, &first);
    assert_eq!((unchanged.status, unchanged.body.len()), (304, 0));
    assert_eq!(unchanged.header("etag"), Some(first.as_str()));
    assert_eq!(held(&web, WANTED, &format!("\"other\", {first}")).status, 304);
    assert_eq!(held(&web, &format!("{WANTED}&page_size=2"), &first).status, 200, "something else was asked");

    client.write(Somebody::woman("M-1", "1985-01-01").records()).await;
    assert_eq!(held(&web, WANTED, &first).status, 304, "somebody was written who does not stand on the list");
    let everybody = "/v1/RankingService/GetListSummary?list=all";
    let all = tag(&web.get(everybody, &[]));

    wanted(&mut client, "W-2", 6).await;
    let second = tag(&held(&web, WANTED, &first));
    assert_ne!(second, first, "somebody on the list was written");
    assert_eq!(held(&web, everybody, &all).status, 200, "they stand on the list of everybody too");

    client.weigh_on("2026-04-01").await;
    assert_eq!(held(&web, WANTED, &second).status, 200, "everybody was weighed anew");
    server.kill();
}

#[tokio::test]
async fn a_page_that_is_held_leads_on_to_the_next_and_each_look_is_told() {
    let server = Server::with(&["--memory", "--as-of", AS_OF, "--http-listen", "127.0.0.1:0"]);
    let (mut client, web) = (server.client().await, Web::of(&server));
    for subject_ref in ["W-1", "W-2", "W-3"] {
        wanted(&mut client, subject_ref, 1).await;
    }
    let path = format!("{WANTED}&page_size=2");
    let page = web.get(&path, &[]);
    let next = page.json()["nextPageToken"].as_str().expect("there must be a next page").to_owned();
    client.write(Somebody::woman("M-1", "1985-01-01").records()).await;
    let held = held(&web, &path, &tag(&page));
    assert_eq!(held.status, 304, "the newest lists are others, and this one is the same in them");
    let rest = web.get(&format!("{path}&page_token={next}"), &[]);
    assert_eq!(rest.json()["standings"].as_array().map(Vec::len), Some(1), "{}", rest.json());

    let audit = web.get("/v1/AuditService/ListAuditEvents?page_size=100", &[]).json();
    let looks = audit["events"].as_array().expect("there must be events").iter();
    let looks: Vec<&Value> =
        looks.filter(|event| event.to_string().contains("steelyard.v1.RankingService/ListStandings")).collect();
    assert_eq!(looks.len(), 3, "what was not sent again was looked at all the same: {audit}");
    server.kill();
}
