//! The supervisors' pages: what is overdue is found and followed to its file, a
//! review and an activity are recorded there, and nobody sees or does more than the
//! calls behind the pages allow.

use jiff::Timestamp;
use steelyard::domain::Date;
use steelyard::pb;

use super::{Answer, Visitor};
use crate::harness::{Client, Server, new_id};
use crate::issuer::Issuer;
use crate::people::{AS_OF, Somebody};
use crate::raw::{Means, call};

/// Every page of the supervisors that needs no file.
const PAGES: [&str; 7] = [
    "/supervision",
    "/supervision/victims",
    "/return",
    "/cohort/alignment",
    "/cohort/reviews",
    "/cohort/decisions",
    "/runs",
];

const IN_MEMORY: [&str; 5] = ["--memory", "--as-of", AS_OF, "--http-listen", "127.0.0.1:0"];

fn ago(days: i64) -> pbjson_types::Timestamp {
    pbjson_types::Timestamp { seconds: Timestamp::now().as_second() - days * 86_400, nanos: 0 }
}

fn opening(subject_ref: &str, file: &str, area: &str) -> pb::OpenOutstandingRequest {
    pb::OpenOutstandingRequest {
        request_id: new_id(),
        subject_ref: subject_ref.to_owned(),
        outstanding_id: file.to_owned(),
        reason: pb::OutstandingReason::FailedToSurrenderCourtBail.into(),
        opened_time: Some(ago(40)),
        area: area.to_owned(),
        officer: "PC-1".to_owned(),
        supervisor: "PS-9".to_owned(),
        ..Default::default()
    }
}

/// A server on which one person of the highest band failed to surrender forty days ago, and nothing was done since.
async fn neglected() -> (Server, Client, Visitor) {
    let server = Server::with(&IN_MEMORY);
    let mut client = server.client().await;
    let person =
        Somebody::man("S-1", "1992-04-01").mappa(2, 3, "2026-03-01").managed(pb::CohortStatus::Fixed, "2026-01-05");
    client.write(person.records()).await;
    client.outstanding.open_outstanding(opening("S-1", "W-1", "Northgate")).await.expect("must open");
    let visitor = Visitor::of(&server);
    (server, client, visitor)
}

/// What a page has whatever it is about.
#[track_caller]
fn is_a_page(answer: &Answer) {
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(answer.body.matches("<h1").count(), 1, "{}", answer.body);
    assert!(
        answer.header("content-security-policy").contains("default-src 'none'"),
        "{:?}",
        answer.header("content-security-policy")
    );
    assert!(!answer.body.contains("style=\"") && !answer.body.contains(" onclick"), "{}", answer.body);
    assert_eq!(answer.body.matches("<script").count(), 1, "the one script is the server's own: {}", answer.body);
    for id in answer.body.split(" id=\"").skip(1).filter_map(|rest| rest.split('"').next()) {
        assert_eq!(answer.body.matches(&format!(" id=\"{id}\"")).count(), 1, "{id} is there twice: {}", answer.body);
    }
}

fn filled<'a>(form: &'a Answer, id: &'a str, fields: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    assert_eq!(form.status, 200, "{}", form.body);
    [&[("request_id", id), ("ref", "S-1"), ("id", "W-1")], fields].concat()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_page_of_an_empty_force_and_of_a_neglected_one_is_whole() {
    let empty = Server::with(&IN_MEMORY);
    let visitor = Visitor::of(&empty);
    for path in PAGES {
        is_a_page(&visitor.get(path));
    }
    visitor.get("/runs").says(&["There has been no run.", "None has been published."]);
    let (_server, _client, visitor) = neglected().await;
    for path in PAGES {
        is_a_page(&visitor.get(path));
    }
    for path in ["/outstanding/file", "/outstanding/file/review", "/outstanding/file/activity"] {
        is_a_page(&visitor.get(&format!("{path}?ref=S-1&id=W-1")));
    }
    visitor.get("/cohort/alignment").says(&["100.00%", "1 of 1."]);
    visitor.get("/cohort/reviews").says(&["/people?ref=S-1", "Overdue by"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_overdue_is_followed_to_its_file_reviewed_and_gone_from_the_list() {
    let (_server, _client, visitor) = neglected().await;
    let list = visitor.get("/supervision?filter.supervisors=PS-9&filter.clocks=review");
    list.says(&[
        "1 of 1 open file",
        "No activity for 40 days; 1 is allowed",
        "No supervisor’s review for 40 days; 1 is allowed",
        "Not circulated as wanted for 40 days; 1 is allowed",
        r#"href="/outstanding/file?ref=S-1&amp;id=W-1""#,
        r#"value="PS-9""#,
    ]);
    visitor.get("/supervision?filter.supervisors=PS-8").says(&["No file matches"]);
    assert_eq!(visitor.get("/supervision?filter.clocks=sundial").status, 400);

    // An activity first, so that there is something to review.
    let form = visitor.get("/outstanding/file/activity?ref=S-1&id=W-1");
    let id = form.field("request_id");
    let done =
        [("activity.activity_kind", "address-visited"), ("activity.officer", "PC-2"), ("activity.minutes", "45")];
    let answer = visitor.send("/outstanding/file/activity", &filled(&form, &id, &done));
    assert_eq!(answer.status, 303, "{}", answer.body);
    visitor.get(answer.header("location")).says(&["The activity is recorded.", "It counts.", "(45 min)"]);

    let form = visitor.get("/outstanding/file/review?ref=S-1&id=W-1");
    let id = form.field("request_id");
    let review = [
        ("review.officer", "PS-9"),
        ("review.rank", "inspector"),
        ("review.findings", "Two addresses <b>are</b> not tried.\r\nBoth are known."),
    ];
    let first = visitor.send("/outstanding/file/review", &filled(&form, &id, &review));
    assert_eq!(first.status, 303, "{}", first.body);
    let again = visitor.send("/outstanding/file/review", &filled(&form, &id, &review));
    assert_eq!((again.status, again.header("location")), (303, first.header("location")));
    let file = visitor.get(first.header("location"));
    is_a_page(&file);
    file.says(&[
        "The review is recorded.",
        "It counts.",
        "Two addresses &lt;b&gt;are&lt;/b&gt; not tried.\nBoth are known.",
        "40 days without activity",
    ]);
    assert_eq!(file.body.matches("Two addresses").count(), 1, "sent twice it is recorded once: {}", file.body);
    let list = visitor.get("/supervision");
    assert!(!list.body.contains("supervisor’s review for"), "{}", list.body);
    list.says(&["Not circulated as wanted for 40 days"]);

    // What is sent with the same id says something else: it is told, and can be sent as another.
    let other = [("review.officer", "PS-9"), ("review.rank", "inspector"), ("review.findings", "Something else now.")];
    let reused = visitor.send("/outstanding/file/review", &filled(&form, &id, &other));
    assert_eq!(reused.status, 409, "{}", reused.body);
    reused.says(&["This form was sent before", "Something else now.</textarea>"]);
    assert_ne!(reused.field("request_id"), id);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_is_told_at_every_field_at_once_and_nothing_that_was_said_is_lost() {
    let (_server, _client, visitor) = neglected().await;
    let form = visitor.get("/outstanding/file/activity?ref=S-1&id=W-1");
    let id = form.field("request_id");
    let wrong = [
        ("activity.officer", "PC-2"),
        ("activity.minutes", "an hour"),
        ("activity.done_time", "yesterday"),
        ("activity.note", "\"><script>alert(1)</script>"),
        ("activity.victim_ref", "V-1"),
    ];
    let answer = visitor.send("/outstanding/file/activity", &filled(&form, &id, &wrong));
    assert_eq!(answer.status, 400, "{}", answer.body);
    answer.says(&[
        "There is a problem",
        "<title>Error: Record an activity",
        r##"<a href="#activity.activity_kind">Choose what was done</a>"##,
        r##"<a href="#activity.minutes">Minutes spent: From 0 to 1,440. May be empty.</a>"##,
        r##"<a href="#activity.done_time">Day on which it was done: enter a day and a time"##,
        r#"value="an hour""#,
        r#"value="PC-2""#,
        "&lt;script&gt;alert(1)&lt;/script&gt;</textarea>",
    ]);
    assert_eq!(answer.field("request_id"), id, "it was not done, so it is the same form still");
    let nothing = visitor.get("/outstanding/file?ref=S-1&id=W-1");
    assert!(!nothing.body.contains("Activity: "), "{}", nothing.body);

    // The officer in the case reviews his own file: it is kept, and the page says that it does not count.
    let form = visitor.get("/outstanding/file/review?ref=S-1&id=W-1");
    let id = form.field("request_id");
    let own = [("review.officer", "PC-1"), ("review.rank", "sergeant"), ("review.findings", "All is well here.")];
    let answer = visitor.send("/outstanding/file/review", &filled(&form, &id, &own));
    visitor.get(answer.header("location")).says(&[
        "The review is recorded.",
        "It does not count: ",
        "officer in the case",
    ]);
    // No address can say that something is recorded which is not.
    let file = visitor.get("/outstanding/file?ref=S-1&id=W-1&recorded=review-7");
    assert!(!file.body.contains("is recorded."), "{}", file.body);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_form_of_another_site_does_nothing() {
    let (_server, _client, visitor) = neglected().await;
    let form = visitor.get("/outstanding/file/review?ref=S-1&id=W-1");
    let id = form.field("request_id");
    let review = [("review.officer", "PS-9"), ("review.rank", "inspector"), ("review.findings", "Written by a thief.")];
    for (name, value) in [("Origin", "https://evil.example"), ("Sec-Fetch-Site", "cross-site"), ("Origin", "null")] {
        let foreign = visitor.clone().with(name, value);
        assert_eq!(
            foreign.send("/outstanding/file/review", &filled(&form, &id, &review)).status,
            403,
            "{name}: {value}"
        );
    }
    let file = visitor.get("/outstanding/file?ref=S-1&id=W-1");
    assert!(!file.body.contains("Written by a thief."), "{}", file.body);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_of_another_area_is_told_of_as_one_who_is_not_held() {
    let issuer = Issuer::new();
    let mut arguments: Vec<String> = IN_MEMORY.map(str::to_owned).to_vec();
    arguments.extend(issuer.arguments());
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let server = Server::with(&arguments);
    let channel = tonic::transport::Channel::from_shared(server.url()).expect("a URI");
    let channel = channel.connect().await.expect("must be served");
    let writer = ["reader", "detective", "evidence_writer", "supervisor"];
    for (person, file, area) in [("S-1", "W-1", "Southgate"), ("N-1", "W-2", "Northgate")] {
        let mut somebody = Somebody::man(person, "1992-04-01");
        if let Some(pb::record::Kind::Person(person)) = &mut somebody.last().kind {
            person.areas = vec![area.to_owned()];
        }
        let written =
            pb::WriteEvidenceRequest { request_id: new_id(), records: somebody.records(), ..Default::default() };
        let means = || Means { token: Some(issuer.token("chief", &writer, &["*"])), ..Means::default() };
        let path = |call: &str| format!("/steelyard.v1.{call}");
        let written = prost::Message::encode_to_vec(&written);
        call(&channel, &path("EvidenceService/WriteEvidence"), written, &means()).await.expect("must be taken");
        let opened = prost::Message::encode_to_vec(&opening(person, file, area));
        call(&channel, &path("OutstandingService/OpenOutstanding"), opened, &means()).await.expect("must open");
    }
    let signed = |roles: &[&str]| {
        let token = issuer.token("sergeant", roles, &["Northgate"]);
        let visitor = Visitor::of(&server).with("Authorization", &format!("Bearer {token}"));
        visitor.with("X-Correlation-Id", "c-1")
    };
    let sergeant = signed(&["supervisor"]);
    let list = sergeant.get("/supervision");
    list.says(&["N-1", "1 of 1 open file"]);
    assert!(!list.body.contains("S-1") && !list.body.contains("Southgate"), "{}", list.body);
    sergeant.get("/outstanding/file?ref=N-1&id=W-2").says(&["Outstanding file of N-1"]);

    for path in ["/outstanding/file", "/outstanding/file/review", "/outstanding/file/activity"] {
        let hidden = sergeant.get(&format!("{path}?ref=S-1&id=W-1"));
        let unknown = sergeant.get(&format!("{path}?ref=X-1&id=W-1"));
        assert_eq!((hidden.status, &hidden.body), (unknown.status, &unknown.body), "{path}");
        assert!(hidden.status >= 400 && !hidden.body.contains("W-1"), "{}", hidden.body);
    }
    let review = |reference: &'static str| {
        let id = new_id();
        let fields = [
            ("request_id", id.as_str()),
            ("ref", reference),
            ("id", "W-1"),
            ("review.officer", "PS-9"),
            ("review.rank", "inspector"),
            ("review.findings", "Written blind."),
        ];
        sergeant.send("/outstanding/file/review", &fields)
    };
    let (hidden, unknown) = (review("S-1"), review("X-1"));
    assert_eq!((hidden.status, &hidden.body), (unknown.status, &unknown.body));
    assert!(hidden.status >= 400, "{}", hidden.body);

    // Somebody who may read files and not review them is told so with everything still in the form.
    let detective = signed(&["detective"]);
    let form = detective.get("/outstanding/file/review?ref=N-1&id=W-2");
    let id = form.field("request_id");
    let fields =
        [("request_id", id.as_str()), ("ref", "N-1"), ("id", "W-2"), ("review.findings", "I may not say this.")];
    let answer = detective.send("/outstanding/file/review", &fields);
    assert_eq!(answer.status, 403, "{}", answer.body);
    answer.says(&["There is a problem", "I may not say this.</textarea>"]);
    let reader = signed(&["reader"]);
    for path in PAGES.into_iter().filter(|path| *path != "/runs") {
        let answer = reader.get(path);
        assert!(answer.status == 403 && answer.body.matches("<h1").count() == 1, "{path}: {}", answer.body);
    }
    let administrator = signed(&["administrator"]);
    administrator.get("/runs").says(&["There has been no run."]);
    assert!(!administrator.get("/runs").body.contains("Weighed as of"), "lists are not theirs to see");
    assert_eq!(Visitor::of(&server).get("/supervision").status, 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_return_is_as_at_a_day_that_is_over_and_is_the_same_as_json() {
    let (_server, _client, visitor) = neglected().await;
    let yesterday = Date::in_london(Timestamp::now()) + -1;
    let page = visitor.get("/return");
    is_a_page(&page);
    // It was documented today, forty days late: as known now, it was open yesterday.
    page.says(&[&format!("<time datetime=\"{yesterday}\">{}</time>", yesterday.spelt()), "1 open file"]);
    let page = visitor.get(&format!("/return?as_at={yesterday}"));
    is_a_page(&page);
    page.says(&["0 open files", "Nothing had reached the server by then"]);

    let now = Timestamp::now();
    let page = visitor.get(&format!("/return?as_at={yesterday}&known_at={now}&areas=Northgate"));
    is_a_page(&page);
    page.says(&[
        "1 open file",
        "Failed to surrender to court bail",
        "29 to 90 days",
        &now.to_zoned(jiff::tz::TimeZone::get("Europe/London").expect("known"))
            .strftime("value=\"%Y-%m-%dT%H:%M:%S\"")
            .to_string(),
        "1 record of what happened reached the server more than a day later",
        "<td class=\"figure\" data-label=\"Not circulated\">1</td>",
    ]);
    let json = page.body.split("href=\"/v1/OutstandingService/GetOutstandingReturn?").nth(1).expect("a link to JSON");
    let query = json.split('"').next().expect("it ends").replace("&amp;", "&");
    let json = visitor.get(&format!("/v1/OutstandingService/GetOutstandingReturn?{query}"));
    let json: serde_json::Value = serde_json::from_str(&json.body).expect("must be JSON");
    assert_eq!((&json["total"]["open"], &json["asAt"]), (&1.into(), &yesterday.to_string().into()));

    let wrong = visitor.get("/return?as_at=2199-01-01&from=soon&known_at=never");
    assert_eq!(wrong.status, 400, "{}", wrong.body);
    wrong.says(&[r##"href="#as_at""##, r##"href="#from""##, r##"href="#known_at""##, r#"value="2199-01-01""#]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_is_told_once_it_has_published() {
    let (_server, mut client, visitor) = neglected().await;
    let run = client.rescore("2026-04-01").await.expect("a run must begin");
    client.ended(&run.run_id).await.expect("it must end");
    let page = visitor.get("/runs");
    is_a_page(&page);
    page.says(&[
        "Everybody was weighed as of 1 April 2026 and the lists were published",
        "1 of 1 person weighed",
        "Everybody could be weighed",
        "These lists are old.",
        &format!("/runs/run?id={}", run.run_id),
    ]);
    let one = visitor.get(&format!("/runs/run?id={}", run.run_id));
    is_a_page(&one);
    one.says(&["Run of 1 April 2026", &run.run_id]);
    let unknown = visitor.get(&format!("/runs/run?id={}", new_id()));
    assert_eq!(unknown.status, 404, "{}", unknown.body);
}
