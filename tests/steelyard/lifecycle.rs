//! The life of a person's records as a whole, by a real server: two references
//! that are one person and are taken apart again, a person whose processing is
//! restricted, and what readers of lists, generations and files see of it.

use steelyard::pb;
use steelyard::pb::verify_store_response::Told;
use tonic::Code;

use crate::harness::{Client, Server, new_id, reason, told};
use crate::people::{AS_OF, Somebody};

fn burglar() -> Somebody {
    Somebody::man("BURGLAR", "1990-01-01").convictions("TH68010", 3, 60, "2026-01-10")
}

/// The same man under another reference, wanted there.
fn alias() -> Somebody {
    let somebody = Somebody::man("ALIAS", "1990-01-01").charged("OF61102", "2026-02-20").domestic("V-1", true);
    let offence = somebody.last_id();
    somebody.outstanding(pb::OutstandingReason::NamedSuspectNotArrested, "2026-03-01", &[&offence])
}

async fn filled(server: &Server) -> Client {
    let mut client = server.client().await;
    client.write(burglar().records()).await;
    client.write(alias().records()).await;
    client.write(Somebody::man("OTHER", "1985-05-05").charged("TH68010", "2026-03-01").records()).await;
    client
}

fn merging(merged: &str, survivor: &str) -> pb::MergeSubjectsRequest {
    pb::MergeSubjectsRequest {
        request_id: new_id(),
        survivor_ref: survivor.to_owned(),
        merged_ref: merged.to_owned(),
        officer: "DC-1".to_owned(),
        reason: "the same prints and photograph".to_owned(),
        ..Default::default()
    }
}

fn unmerging(merged: &str) -> pb::UnmergeSubjectsRequest {
    pb::UnmergeSubjectsRequest {
        request_id: new_id(),
        merged_ref: merged.to_owned(),
        officer: "DI-1".to_owned(),
        reason: "the prints were his brother's".to_owned(),
        etag: String::new(),
    }
}

fn restricting(subject: &str) -> pb::RestrictProcessingRequest {
    pb::RestrictProcessingRequest {
        request_id: new_id(),
        subject_ref: subject.to_owned(),
        ground: pb::RestrictionGround::AccuracyContested.into(),
        officer: "DPO-1".to_owned(),
        reason: "contests that the conviction is his".to_owned(),
        ..Default::default()
    }
}

/// Every list as it stands, without what depends on the clock.
async fn lists(client: &mut Client) -> Vec<(i32, Vec<String>)> {
    let mut lists = Vec::new();
    for list in [pb::List::All, pb::List::Candidates, pb::List::Outstanding, pb::List::Wanted] {
        let rows = client.whole(list, 50).await.into_iter();
        let rows = rows.map(|row| {
            format!("{} {} {} {} {} {}", row.subject_ref, row.rank, row.threat, row.risk, row.harm, row.composite)
        });
        lists.push((list.into(), rows.collect()));
    }
    lists
}

async fn outline(client: &mut Client, subject_ref: &str) -> Result<pb::GetSubjectResponse, tonic::Status> {
    let request = pb::GetSubjectRequest { subject_ref: subject_ref.to_owned(), ..Default::default() };
    client.evidence.get_subject(request).await.map(tonic::Response::into_inner)
}

/// Findings of a verification, which must come to its end.
async fn findings(client: &mut Client) -> Vec<pb::VerificationFinding> {
    let request = pb::VerifyStoreRequest { standings: true, full_speed: true };
    let mut stream = client.maintenance.verify_store(request).await.expect("it must begin").into_inner();
    let (mut findings, mut ended) = (Vec::new(), false);
    while let Some(message) = stream.message().await.expect("it must go on to its end") {
        match message.told {
            Some(Told::Finding(finding)) => findings.push(finding),
            Some(Told::Outcome(_)) => ended = true,
            Some(Told::Step(_) | Told::Progress(_)) | None => {}
        }
    }
    assert!(ended);
    findings.retain(|finding| finding.severity() == pb::FindingSeverity::Damage);
    findings
}

#[tokio::test]
async fn two_references_become_one_person_and_come_apart_again() {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let server = Server::on(folder.path(), &["--as-of", AS_OF]);
    let mut client = filled(&server).await;
    client.weigh_on(AS_OF).await;
    let apart = lists(&mut client).await;
    let (one, other) = (client.on_list("BURGLAR", pb::List::All).await, client.on_list("ALIAS", pb::List::All).await);

    let request = merging("ALIAS", "BURGLAR");
    let merged = client.evidence.merge_subjects(request.clone()).await.expect("must merge").into_inner();
    let again = client.evidence.merge_subjects(request.clone()).await.expect("must be answered").into_inner();
    assert_eq!(merged, again, "the same request is answered the same");
    let reused = pb::MergeSubjectsRequest { merged_ref: "OTHER".to_owned(), ..request };
    let reused = client.evidence.merge_subjects(reused).await.expect_err("must be refused");
    assert_eq!(reason(&reused).as_deref(), Some("REQUEST_ID_REUSED"));

    let person = client.on_list("ALIAS", pb::List::Outstanding).await;
    assert_eq!(person.subject_ref, "BURGLAR", "both references lead to the person");
    assert_eq!(client.whole(pb::List::All, 50).await.len(), 2);
    let whole = client.on_list("BURGLAR", pb::List::All).await;
    assert!(whole.harm > one.harm && whole.harm > other.harm, "weighed on both histories");
    let held = client.try_held("ALIAS", true, 2).await.expect("must be listed");
    assert_eq!(held, client.try_held("BURGLAR", true, 3).await.expect("must be listed"));
    let under = |subject_ref: &str| {
        held.iter().filter(|held| held.record.as_ref().is_some_and(|record| record.subject_ref == subject_ref)).count()
    };
    assert_eq!((under("BURGLAR"), under("ALIAS")), (burglar().records().len(), alias().records().len()));
    let told_of = outline(&mut client, "ALIAS").await.expect("must be told");
    assert_eq!(told_of.standing_ref, "BURGLAR");
    let [reference] = &*told_of.merged else { panic!("one reference was merged: {:?}", told_of.merged) };
    assert_eq!(
        (&*reference.merged_ref, &*reference.into_ref, &*reference.officer, &*reference.reason, reference.revision + 1),
        ("ALIAS", "BURGLAR", "DC-1", "the same prints and photograph", merged.revision)
    );

    // A list published before shows both, as they were.
    let before = pb::ListStandingsRequest { list: pb::List::All.into(), generation: 1, ..Default::default() };
    let before = client.ranking.list_standings(before).await.expect("must be kept").into_inner().standings;
    assert_eq!(before.len(), 3);
    client.weigh_on("2026-04-01").await;
    let moves = pb::ListMovementsRequest { list: pb::List::All.into(), ..Default::default() };
    let moves = client.ranking.list_movements(moves).await.expect("must be told").into_inner().movements;
    let gone = moves.iter().find(|moved| moved.subject_ref == "ALIAS").expect("who left is told of");
    assert_eq!(gone.kind(), pb::MovementKind::Left);
    assert_eq!(findings(&mut client).await, []);

    let stood = lists(&mut client).await;
    assert!(server.stop().await.success());
    let server = Server::on(folder.path(), &[]);
    let mut client = server.client().await;
    assert_eq!(lists(&mut client).await, stood, "a restart changes nothing");

    let taken = client.evidence.unmerge_subjects(unmerging("ALIAS")).await.expect("must come apart").into_inner();
    // Another day has come meanwhile, so that scores are others.
    let names = |lists: Vec<(i32, Vec<String>)>| {
        let name = |row: &String| row.split(' ').next().map(str::to_owned);
        let named = |(list, rows): (i32, Vec<String>)| {
            let mut names: Vec<_> = rows.iter().map(name).collect();
            names.sort();
            (list, names)
        };
        lists.into_iter().map(named).collect::<Vec<_>>()
    };
    assert_eq!(names(lists(&mut client).await), names(apart));
    assert_eq!(outline(&mut client, "BURGLAR").await.expect("must be told").etag, taken.revision.to_string());
    assert!(outline(&mut client, "ALIAS").await.expect("must be told").merged.is_empty());
    assert_eq!(client.on_list("ALIAS", pb::List::All).await.subject_ref, "ALIAS");
    assert_eq!(client.try_held("ALIAS", true, 50).await.expect("must be listed").len(), alias().records().len());
    assert_eq!(findings(&mut client).await, []);
    let twice = client.evidence.unmerge_subjects(unmerging("ALIAS")).await.expect_err("must be refused");
    assert_eq!((twice.code(), reason(&twice).as_deref()), (Code::FailedPrecondition, Some("NOT_MERGED")));
}

#[tokio::test]
async fn what_cannot_be_merged_is_refused_by_name_with_everything_wrong() {
    let server = Server::in_memory();
    let mut client = filled(&server).await;
    let wrong = pb::MergeSubjectsRequest {
        request_id: "x".to_owned(),
        survivor_ref: "ALIAS".to_owned(),
        merged_ref: "ALIAS".to_owned(),
        officer: String::new(),
        reason: "short".to_owned(),
        ..Default::default()
    };
    let refused = client.evidence.merge_subjects(wrong).await.expect_err("must be refused");
    for part in ["INVALID_REQUEST_ID", "SAME_SUBJECT", "officer: INVALID_REFERENCE", "reason: LENGTH_OUT_OF_RANGE"] {
        assert!(told(&refused).contains(part), "{part}: {}", told(&refused));
    }
    let unknown = client.evidence.merge_subjects(merging("NOBODY", "BURGLAR")).await.expect_err("must be refused");
    assert_eq!(reason(&unknown).as_deref(), Some("UNKNOWN_SUBJECT"));
    let stale = pb::MergeSubjectsRequest { merged_etag: "1".to_owned(), ..merging("ALIAS", "BURGLAR") };
    let stale = client.evidence.merge_subjects(stale).await.expect_err("must be refused");
    assert_eq!(reason(&stale).as_deref(), Some("ETAG_MISMATCH"));
    let infant = pb::Person { birth_date: "2026-03-20".to_owned(), ..Default::default() };
    client.write(Somebody::new("INFANT").record("2026-03-25", pb::record::Kind::Person(infant)).records()).await;
    let impossible = client.evidence.merge_subjects(merging("INFANT", "OTHER")).await.expect_err("must be refused");
    assert!(told(&impossible).contains("merged_ref: BORN_AFTER_OFFENCE"), "{}", told(&impossible));
    client.evidence.merge_subjects(merging("ALIAS", "BURGLAR")).await.expect("must merge");
    for (merged, survivor) in [("ALIAS", "OTHER"), ("OTHER", "ALIAS"), ("BURGLAR", "ALIAS"), ("ALIAS", "BURGLAR")] {
        let refused = client.evidence.merge_subjects(merging(merged, survivor)).await.expect_err("must be refused");
        assert_eq!(reason(&refused).as_deref(), Some("ALREADY_MERGED"), "{merged} into {survivor}");
    }
}

#[tokio::test]
async fn a_file_of_either_history_is_worked_on_by_either_reference() {
    let server = Server::in_memory();
    let mut client = filled(&server).await;
    let file = alias().last_id();
    client.evidence.merge_subjects(merging("ALIAS", "BURGLAR")).await.expect("must merge");
    let now = jiff::Timestamp::now().as_second();
    let at = |back: i64| Some(pbjson_types::Timestamp { seconds: now - back, nanos: 0 });
    let activity = pb::Activity {
        activity_kind: pb::ActivityKind::AddressVisited.into(),
        outcome: pb::ActivityOutcome::NoTrace.into(),
        officer: "PC-1".to_owned(),
        done_time: at(7_200),
        outstanding_id: file.clone(),
        ..Default::default()
    };
    let request = pb::RecordActivityRequest {
        request_id: new_id(),
        subject_ref: "BURGLAR".to_owned(),
        activity_id: "act-1".to_owned(),
        activity: Some(activity),
        ..Default::default()
    };
    client.outstanding.record_activity(request).await.expect("must be recorded");
    let held = client.try_held("BURGLAR", false, 50).await.expect("must be listed");
    let record = held.iter().filter_map(|held| held.record.as_ref()).find(|record| record.id == "act-1");
    assert_eq!(record.map(|record| &*record.subject_ref), Some("ALIAS"), "it goes to the history that the file is in");
    let request = pb::GetOutstandingRequest { subject_ref: "BURGLAR".to_owned(), ..Default::default() };
    let files = client.outstanding.get_outstanding(request).await.expect("must be told").into_inner().files;
    assert_eq!(files.iter().map(|file| &*file.outstanding_id).collect::<Vec<_>>(), [&*file]);
    assert!(files[0].timeline.iter().any(|entry| entry.record_id == "act-1"), "{:?}", files[0].timeline);
    let close = pb::CloseOutstandingRequest {
        request_id: new_id(),
        subject_ref: "BURGLAR".to_owned(),
        outstanding_id: file.clone(),
        outcome: pb::CloseOutcome::Arrested.into(),
        closed_time: at(3_600),
        officer: "PC-1".to_owned(),
        ..Default::default()
    };
    client.outstanding.close_outstanding(close).await.expect("must be closed");
    assert!(client.whole(pb::List::Outstanding, 50).await.is_empty());
    let withdrawal = pb::WithdrawEvidenceRequest {
        request_id: new_id(),
        subject_ref: "BURGLAR".to_owned(),
        record_id: file,
        reason: "opened against the wrong man".to_owned(),
        etag: String::new(),
    };
    client.evidence.withdraw_evidence(withdrawal).await.expect("must be withdrawn by either reference");
}

#[tokio::test]
async fn who_is_restricted_stands_nowhere_until_it_is_lifted() {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let server = Server::on(folder.path(), &["--as-of", AS_OF]);
    let mut client = filled(&server).await;
    client.weigh_on(AS_OF).await;
    let before = lists(&mut client).await;
    let open = client.evidence.restrict_processing(restricting("ALIAS")).await.expect_err("must be refused");
    assert!(told(&open).contains("open_files_reason: REQUIRED"), "{}", told(&open));
    let asked = pb::RestrictProcessingRequest {
        open_files_reason: "in custody of another force".to_owned(),
        ..restricting("ALIAS")
    };
    let answer = client.evidence.restrict_processing(asked).await.expect("must be restricted").into_inner();
    assert_eq!(answer.remarks.len(), 1, "{:?}", answer.remarks);
    for list in [pb::List::All, pb::List::Outstanding] {
        assert!(client.whole(list, 50).await.iter().all(|row| row.subject_ref != "ALIAS"), "{list:?}");
    }
    let standing = client.standing("ALIAS").await.expect_err("must be refused");
    assert_eq!(
        (standing.code(), reason(&standing).as_deref()),
        (Code::FailedPrecondition, Some("PROCESSING_RESTRICTED"))
    );
    let past = pb::ListStandingsRequest { list: pb::List::All.into(), generation: 1, ..Default::default() };
    let past = client.ranking.list_standings(past).await.expect("must be kept").into_inner().standings;
    assert!(
        past.len() == 2 && past.iter().all(|row| row.subject_ref != "ALIAS"),
        "what was published does not show them"
    );
    // Records still arrive, and who may restrict may look.
    let late = Somebody::new("ALIAS").charged("TH68010", "2026-03-05").records();
    let late = late.into_iter().map(|record| pb::Record { id: "late-1".to_owned(), ..record }).collect();
    client.write(late).await;
    let told_of = outline(&mut client, "ALIAS").await.expect("must be told to who may restrict");
    assert_eq!(told_of.restrictions.len(), 1);
    assert_eq!((told_of.restrictions[0].ground(), told_of.lists.len()), (pb::RestrictionGround::AccuracyContested, 0));
    let held = client.try_held("ALIAS", false, 50).await.expect("must be listed");
    assert_eq!(held.len(), alias().records().len() + 1);
    let twice = client.evidence.restrict_processing(restricting("ALIAS")).await.expect_err("must be refused");
    assert_eq!(reason(&twice).as_deref(), Some("ALREADY_RESTRICTED"));
    assert_eq!(findings(&mut client).await, []);

    assert!(server.stop().await.success());
    let server = Server::on(folder.path(), &[]);
    let mut client = server.client().await;
    assert_eq!(
        reason(&client.standing("ALIAS").await.expect_err("must be refused")).as_deref(),
        Some("PROCESSING_RESTRICTED")
    );
    let withdrawal = pb::WithdrawEvidenceRequest {
        request_id: new_id(),
        subject_ref: "ALIAS".to_owned(),
        record_id: "late-1".to_owned(),
        reason: "sent against the wrong man".to_owned(),
        etag: String::new(),
    };
    client.evidence.withdraw_evidence(withdrawal).await.expect("must be withdrawn");
    let lift = pb::LiftRestrictionRequest {
        request_id: new_id(),
        subject_ref: "ALIAS".to_owned(),
        officer: "DPO-1".to_owned(),
        reason: "the conviction was confirmed".to_owned(),
        etag: String::new(),
    };
    client.evidence.lift_restriction(lift.clone()).await.expect("must be lifted");
    assert_eq!(lists(&mut client).await, before, "as if it had never been restricted");
    let twice = pb::LiftRestrictionRequest { request_id: new_id(), ..lift };
    let twice = client.evidence.lift_restriction(twice).await.expect_err("must be refused");
    assert_eq!(reason(&twice).as_deref(), Some("NOT_RESTRICTED"));
}

fn disclosing(subject: &str, recipient: &str, days_ago: i64) -> pb::RecordDisclosureRequest {
    let seconds = jiff::Timestamp::now().as_second() - days_ago * 86_400;
    pb::RecordDisclosureRequest {
        request_id: new_id(),
        subject_ref: subject.to_owned(),
        recipient: recipient.to_owned(),
        purpose: "supervision after release".to_owned(),
        what: "the standing of today and two convictions".to_owned(),
        legal_basis: "Crime and Disorder Act 1998, section 115".to_owned(),
        officer: "DC-1".to_owned(),
        disclosed_time: Some(pbjson_types::Timestamp { seconds, nanos: 0 }),
        case_ref: String::new(),
    }
}

async fn recipients(client: &mut Client, asked: pb::ListDisclosuresRequest) -> Vec<String> {
    let (mut asked, mut found) = (asked, Vec::new());
    loop {
        let page = client.evidence.list_disclosures(asked.clone()).await.expect("must be listed").into_inner();
        found.extend(page.disclosures.into_iter().map(|one| format!("{} {}", one.subject_ref, one.recipient)));
        if page.next_page_token.is_empty() {
            return found;
        }
        asked.page_token = page.next_page_token;
    }
}

#[tokio::test]
async fn what_was_disclosed_to_whom_is_on_record_of_the_person_and_of_all() {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let server = Server::on(folder.path(), &["--as-of", AS_OF]);
    let mut client = filled(&server).await;
    let stood = lists(&mut client).await;
    for (subject, recipient, ago) in
        [("BURGLAR", "Probation North", 3), ("ALIAS", "City Council", 2), ("OTHER", "Probation South", 1)]
    {
        client.evidence.record_disclosure(disclosing(subject, recipient, ago)).await.expect("must be recorded");
    }
    let wrong = pb::RecordDisclosureRequest { recipient: String::new(), ..disclosing("OTHER", "x", -1) };
    let wrong = client.evidence.record_disclosure(wrong).await.expect_err("must be refused");
    for part in ["recipient: LENGTH_OUT_OF_RANGE", "disclosed_time: IN_THE_FUTURE"] {
        assert!(told(&wrong).contains(part), "{part}: {}", told(&wrong));
    }
    client.evidence.merge_subjects(merging("ALIAS", "BURGLAR")).await.expect("must merge");
    assert!(server.stop().await.success());
    let server = Server::on(folder.path(), &[]);
    let mut client = server.client().await;
    let of = |subject: &str, recipient: &str| pb::ListDisclosuresRequest {
        subject_ref: subject.to_owned(),
        recipient: recipient.to_owned(),
        page_size: 1,
        ..Default::default()
    };
    let all = recipients(&mut client, of("", "")).await;
    assert_eq!(all, ["OTHER Probation South", "ALIAS City Council", "BURGLAR Probation North"]);
    assert_eq!(recipients(&mut client, of("", "PROBATION")).await, [&*all[0], &*all[2]]);
    assert_eq!(recipients(&mut client, of("ALIAS", "")).await, [&*all[1], &*all[2]], "of both histories");
    client.evidence.unmerge_subjects(unmerging("ALIAS")).await.expect("must come apart");
    assert_eq!(recipients(&mut client, of("ALIAS", "")).await, [&*all[1]]);
    assert_eq!(lists(&mut client).await, stood, "a disclosure weighs nothing");
    assert_eq!(findings(&mut client).await, []);
}

#[tokio::test]
async fn a_person_is_given_everything_held_and_nobody_elses_name() {
    use steelyard::pb::export_subject_response::Part;

    let folder = tempfile::tempdir().expect("a temporary directory");
    let server = Server::on(folder.path(), &["--as-of", AS_OF]);
    let mut client = filled(&server).await;
    client.weigh_on(AS_OF).await;
    client.evidence.record_disclosure(disclosing("BURGLAR", "Probation North", 1)).await.expect("must be recorded");
    client.evidence.merge_subjects(merging("ALIAS", "BURGLAR")).await.expect("must merge");
    let withdrawal = pb::WithdrawEvidenceRequest {
        request_id: new_id(),
        subject_ref: "ALIAS".to_owned(),
        record_id: "BURGLAR-002".to_owned(),
        reason: "recorded against the wrong man".to_owned(),
        etag: String::new(),
    };
    client.evidence.withdraw_evidence(withdrawal).await.expect("must be withdrawn");
    let asked = pb::ExportSubjectRequest { subject_ref: "ALIAS".to_owned(), ..Default::default() };
    let mut stream = client.evidence.export_subject(asked).await.expect("must be exported").into_inner();
    let mut parts = Vec::new();
    while let Some(message) = stream.message().await.expect("must come to its end") {
        parts.extend(message.part);
    }
    let Some(Part::Head(head)) = parts.first() else { panic!("the head comes first: {parts:?}") };
    assert_eq!(head.references, ["BURGLAR", "ALIAS"]);
    let Some(Part::Sum(sum)) = parts.last() else { panic!("the sum comes last: {parts:?}") };
    let count = |is: fn(&Part) -> bool| parts.iter().filter(|part| is(part)).count();
    let records = burglar().records().len() + alias().records().len();
    assert_eq!(count(|part| matches!(part, Part::Record(_))), records, "what was withdrawn is given too");
    assert_eq!(usize::try_from(sum.records).ok(), Some(records));
    assert_eq!((sum.events, count(|part| matches!(part, Part::Event(_)))), (2, 2), "a disclosure and a merge");
    assert!(count(|part| matches!(part, Part::Standing(_))) > 0 && count(|part| matches!(part, Part::History(_))) > 0);
    assert_eq!(sum.third_party_references_withheld, 1);
    let text = format!("{parts:?}");
    assert!(!text.contains("V-1") && !text.contains("DC-1") && text.contains("Probation North"), "{text}");
}
