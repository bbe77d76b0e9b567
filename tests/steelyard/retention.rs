//! Review of retention, by a real server: who is due by group and date and by
//! which record, what an officer's decision does, and that nothing is disposed of.

use steelyard::pb;
use tonic::Code;

use crate::harness::{Client, Server, new_id, reason, told};
use crate::people::{AS_OF, Somebody};

fn thief() -> Somebody {
    Somebody::man("THIEF", "1990-01-01").convicted("TH68010", "2015-02-01", "2015-03-02")
}

async fn filled(server: &Server) -> Client {
    let mut client = server.client().await;
    client.write(thief().records()).await;
    client
        .write(Somebody::man("ROBBER", "1931-05-01").convicted("TH68023", "2020-01-01", "2020-06-01").records())
        .await;
    client.write(Somebody::man("FIGHTER", "1985-05-05").charged("OF61102", "2012-07-01").records()).await;
    let wanted = Somebody::man("WANTED", "1985-05-05").charged("TH68010", "2010-01-01").wanted("2010-02-01");
    client.write(wanted.records()).await;
    client
}

fn reviewing(subject: &str, outcome: pb::RetentionOutcome) -> pb::RecordRetentionReviewRequest {
    pb::RecordRetentionReviewRequest {
        request_id: new_id(),
        subject_ref: subject.to_owned(),
        outcome: outcome.into(),
        officer: "RM-1".to_owned(),
        reason: "nothing held since tells of a risk".to_owned(),
        ..Default::default()
    }
}

async fn page(client: &mut Client, asked: pb::ListRetentionDueRequest) -> pb::ListRetentionDueResponse {
    match client.evidence.list_retention_due(asked).await {
        Ok(answer) => answer.into_inner(),
        Err(status) => panic!("a page must come: {}", told(&status)),
    }
}

/// Who is due by a day, in order, in pages of one.
async fn due(client: &mut Client, by: &str) -> Vec<(String, String)> {
    let (mut due, mut page_token) = (Vec::new(), String::new());
    loop {
        let asked = pb::ListRetentionDueRequest {
            due_on_or_before: by.to_owned(),
            page_size: 1,
            page_token,
            ..Default::default()
        };
        let page = page(client, asked).await;
        due.extend(page.due.into_iter().map(|row| (row.subject_ref, row.due_on)));
        if page.next_page_token.is_empty() {
            return due;
        }
        page_token = page.next_page_token;
    }
}

fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(one, other)| ((*one).to_owned(), (*other).to_owned())).collect()
}

#[tokio::test]
async fn who_is_due_is_told_by_group_and_date_with_the_record_behind_it() {
    let server = Server::in_memory();
    let mut client = filled(&server).await;
    assert_eq!(due(&mut client, "").await, pairs(&[("THIEF", "2021-03-02"), ("FIGHTER", "2022-07-01")]));
    assert_eq!(
        due(&mut client, "2040-01-01").await,
        pairs(&[
            ("THIEF", "2021-03-02"),
            ("FIGHTER", "2022-07-01"),
            ("ROBBER", "2030-01-01"),
            // Wanted still: the clear period has not begun.
            ("WANTED", "2032-03-31"),
        ])
    );
    let asked = pb::ListRetentionDueRequest {
        group: pb::RetentionGroup::One.into(),
        due_on_or_before: "2040-01-01".to_owned(),
        ..Default::default()
    };
    let grave = page(&mut client, asked).await;
    let [row] = &*grave.due else { panic!("one person is in group 1: {grave:?}") };
    let [because] = &*row.reasons else { panic!("by one record: {row:?}") };
    assert_eq!((because.ground(), &*because.record_id), (pb::RetentionGround::SeriousSpecifiedOffence, "ROBBER-002"));
    assert_eq!((&*row.counted_from, &*row.last_event_date, row.days_overdue), ("2020-01-01", "2020-06-01", -1_372));
    assert_eq!(grave.context.map(|context| context.as_of).as_deref(), Some(AS_OF));
}

#[tokio::test]
async fn a_force_has_its_own_schedule() {
    let server = Server::with(&["--memory", "--as-of", AS_OF, "--retention-group-3-clear-years", "12"]);
    let mut client = filled(&server).await;
    assert_eq!(due(&mut client, "").await, pairs(&[("FIGHTER", "2022-07-01")]));
    let (code, said) = Server::refused(&["--memory", "--retention-group-1-until-age", "20"]);
    assert_eq!(code, Some(64), "{said}");
    assert!(said.contains("retention.group_1_until_age"), "{said}");
}

#[tokio::test]
async fn a_review_is_recorded_once_sets_the_next_and_disposes_of_nothing() {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let server = Server::on(folder.path(), &["--as-of", AS_OF]);
    let mut client = filled(&server).await;
    let request = reviewing("THIEF", pb::RetentionOutcome::Retain);
    let kept = client.evidence.record_retention_review(request.clone()).await.expect("must be recorded").into_inner();
    assert_eq!((&*kept.next_review_on, kept.remarks.len()), ("2031-03-31", 0));
    let again = client.evidence.record_retention_review(request.clone()).await.expect("must be answered").into_inner();
    assert_eq!(kept, again, "the same request is answered the same");
    let reused = pb::RecordRetentionReviewRequest { officer: "RM-2".to_owned(), ..request };
    let reused = client.evidence.record_retention_review(reused).await.expect_err("must be refused");
    assert_eq!(reason(&reused).as_deref(), Some("REQUEST_ID_REUSED"));

    let sooner = pb::RecordRetentionReviewRequest {
        reviewed_on: "2026-03-30".to_owned(),
        next_review_on: "2027-01-01".to_owned(),
        ..reviewing("ROBBER", pb::RetentionOutcome::Retain)
    };
    let sooner = client.evidence.record_retention_review(sooner).await.expect("must be recorded").into_inner();
    assert_eq!(sooner.next_review_on, "2027-01-01");
    // Would be 100 in 2031: no review may be put off beyond that.
    let later = pb::RecordRetentionReviewRequest {
        next_review_on: "2031-05-02".to_owned(),
        ..reviewing("ROBBER", pb::RetentionOutcome::Retain)
    };
    let later = client.evidence.record_retention_review(later).await.expect_err("must be refused");
    assert!(told(&later).contains("next_review_on: LATER_THAN_SCHEDULED"), "{}", told(&later));
    assert!(told(&later).contains("2031-05-01"), "{}", told(&later));

    let asked = reviewing("WANTED", pb::RetentionOutcome::Dispose);
    let disposed = client.evidence.record_retention_review(asked).await.expect("must be recorded").into_inner();
    assert_eq!(disposed.next_review_on, "");
    let remarks = disposed.remarks.join(" ");
    assert!(remarks.contains("Nothing was disposed of") && remarks.contains("outstanding file is open"), "{remarks}");
    let expected = pairs(&[("FIGHTER", "2022-07-01"), ("WANTED", AS_OF)]);
    assert_eq!(due(&mut client, "").await, expected, "due at once, and the person is there");
    assert_eq!(client.try_held("WANTED", false, 50).await.expect("must be listed").len(), 3);
    assert!(client.standing("WANTED").await.is_ok());

    let row = page(&mut client, pb::ListRetentionDueRequest::default()).await.due.pop().expect("WANTED is due");
    let review = row.last_review.expect("it is on record");
    assert_eq!(
        (review.outcome(), &*review.officer, &*review.reviewed_on, review.revision),
        (pb::RetentionOutcome::Dispose, "RM-1", AS_OF, disposed.revision)
    );
    assert!(server.stop().await.success());
    let server = Server::on(folder.path(), &[]);
    let mut client = server.client().await;
    assert_eq!(due(&mut client, "").await, expected, "a restart changes nothing");
}

#[tokio::test]
async fn everything_wrong_with_a_review_or_a_list_is_told_at_once() {
    let server = Server::in_memory();
    let mut client = filled(&server).await;
    let wrong = pb::RecordRetentionReviewRequest {
        request_id: "x".to_owned(),
        subject_ref: "a\nb".to_owned(),
        outcome: 0,
        officer: String::new(),
        reason: "short".to_owned(),
        reviewed_on: "2199-01-01".to_owned(),
        next_review_on: "2026-02-30".to_owned(),
        etag: String::new(),
    };
    let refused = client.evidence.record_retention_review(wrong).await.expect_err("must be refused");
    for part in [
        "INVALID_REQUEST_ID",
        "subject_ref: INVALID_REFERENCE",
        "outcome: REQUIRED",
        "officer: INVALID_REFERENCE",
        "reason: LENGTH_OUT_OF_RANGE",
        "reviewed_on: IN_THE_FUTURE",
        "next_review_on: INVALID_DATE",
    ] {
        assert!(told(&refused).contains(part), "{part}: {}", told(&refused));
    }
    for (outcome, next, part) in [
        (pb::RetentionOutcome::Retain, AS_OF, "next_review_on: DATES_OUT_OF_ORDER"),
        (pb::RetentionOutcome::Dispose, "2030-01-01", "next_review_on: CONTRADICTION"),
    ] {
        let asked = pb::RecordRetentionReviewRequest { next_review_on: next.to_owned(), ..reviewing("THIEF", outcome) };
        let refused = client.evidence.record_retention_review(asked).await.expect_err("must be refused");
        assert!(told(&refused).contains(part), "{part}: {}", told(&refused));
    }
    let unknown = reviewing("NOBODY", pb::RetentionOutcome::Retain);
    let unknown = client.evidence.record_retention_review(unknown).await.expect_err("must be refused");
    assert_eq!((unknown.code(), reason(&unknown).as_deref()), (Code::NotFound, Some("UNKNOWN_SUBJECT")));
    let stale =
        pb::RecordRetentionReviewRequest { etag: "1".to_owned(), ..reviewing("THIEF", pb::RetentionOutcome::Retain) };
    let stale = client.evidence.record_retention_review(stale).await.expect_err("must be refused");
    assert_eq!(reason(&stale).as_deref(), Some("ETAG_MISMATCH"));
    let asked = pb::ListRetentionDueRequest {
        group: 9,
        due_on_or_before: "soon".to_owned(),
        page_size: 5_000,
        ..Default::default()
    };
    let refused = client.evidence.list_retention_due(asked).await.expect_err("must be refused");
    for part in ["group: UNKNOWN_VALUE", "due_on_or_before: INVALID_DATE", "page_size: OUT_OF_RANGE"] {
        assert!(told(&refused).contains(part), "{part}: {}", told(&refused));
    }
}

#[tokio::test]
async fn a_merged_person_is_due_once_and_an_export_tells_of_their_review() {
    let server = Server::in_memory();
    let mut client = filled(&server).await;
    let merge = pb::MergeSubjectsRequest {
        request_id: new_id(),
        survivor_ref: "THIEF".to_owned(),
        merged_ref: "FIGHTER".to_owned(),
        officer: "DC-1".to_owned(),
        reason: "the same prints and photograph".to_owned(),
        ..Default::default()
    };
    client.evidence.merge_subjects(merge).await.expect("must merge");
    assert_eq!(due(&mut client, "").await, pairs(&[("THIEF", "2025-03-02")]), "group 2, clear since 2015");
    let asked = reviewing("FIGHTER", pb::RetentionOutcome::Retain);
    let kept = client.evidence.record_retention_review(asked).await.expect("by either reference").into_inner();
    assert_eq!(kept.next_review_on, "2036-03-31", "of the person, not of the reference");
    assert_eq!(due(&mut client, "").await, []);
    let request = pb::ExportSubjectRequest { subject_ref: "THIEF".to_owned(), ..Default::default() };
    let mut parts = client.evidence.export_subject(request).await.expect("must begin").into_inner();
    let mut reviews = Vec::new();
    while let Some(message) = parts.message().await.expect("must go on") {
        if let Some(pb::export_subject_response::Part::Event(event)) = message.part
            && let Some(pb::exported_event::Event::Reviewed(review)) = event.event
        {
            reviews.push((event.subject_ref, review.next_review_on, review.officer));
        }
    }
    reviews.sort();
    let told = |subject: &str| (subject.to_owned(), "2036-03-31".to_owned(), String::new());
    assert_eq!(reviews, [told("FIGHTER"), told("THIEF")], "of both histories; officers are withheld");
}
