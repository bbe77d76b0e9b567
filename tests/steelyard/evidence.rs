//! What becomes of records: written once, superseded never overwritten, kept over restarts and kills.

use steelyard::pb;
use tonic::Code;

use crate::harness::{Client, Server, new_id, told};
use crate::people::{AS_OF, Somebody};

fn thief() -> Vec<pb::Record> {
    Somebody::man("THIEF", "1990-01-01").convicted("TH68010", "2026-01-10", "2026-02-01").records()
}

async fn held(client: &mut Client, subject_ref: &str, include_history: bool) -> Vec<pb::HeldRecord> {
    client.try_held(subject_ref, include_history, 2).await.expect("evidence must be listed")
}

#[tokio::test]
async fn the_same_request_is_answered_the_same_and_done_once() {
    let server = Server::in_memory();
    let mut client = server.client().await;
    let request = pb::WriteEvidenceRequest { request_id: new_id(), records: thief(), ..Default::default() };
    let first = client.evidence.write_evidence(request.clone()).await.expect("must be taken").into_inner();
    // Another caller's later version must not be undone by the retry.
    let mut later = thief();
    later.truncate(2);
    later[1].event_date = "2026-01-09".to_owned();
    later[1].recorded_time = None;
    client.write(later).await;
    let again = client.evidence.write_evidence(request.clone()).await.expect("must be answered").into_inner();
    assert_eq!(first, again);
    let versions = held(&mut client, "THIEF", true).await;
    assert_eq!(
        versions.iter().filter(|held| held.record.as_ref().is_some_and(|record| record.id == "THIEF-002")).count(),
        2
    );
    let other = pb::WriteEvidenceRequest { records: thief().split_off(1), ..request };
    let refused = client.evidence.write_evidence(other).await.expect_err("must be refused");
    assert!(told(&refused).contains("REQUEST_ID_REUSED"), "{}", told(&refused));
}

#[tokio::test]
async fn a_later_version_supersedes_and_both_are_kept() {
    let server = Server::in_memory();
    let mut client = server.client().await;
    client.write(thief()).await;
    let mut later = thief().remove(1);
    later.recorded_time = None;
    if let Some(pb::record::Kind::Offence(offence)) = &mut later.kind {
        offence.outcome = pb::Outcome::Acquitted.into();
    }
    let answer = client.write(vec![later.clone(), thief().remove(0)]).await;
    let verdicts: Vec<i32> = answer.verdicts.iter().map(|verdict| verdict.verdict).collect();
    assert_eq!(verdicts, [i32::from(pb::Verdict::Superseded), i32::from(pb::Verdict::Unchanged)]);
    let all = held(&mut client, "THIEF", true).await;
    let states: Vec<i32> = all.iter().map(|held| held.state).collect();
    let (in_force, superseded) = (i32::from(pb::RecordState::InForce), i32::from(pb::RecordState::Superseded));
    assert_eq!(states, [in_force, superseded, in_force]);
    assert_eq!(all[2].record.as_ref(), Some(&later));
    assert_eq!(held(&mut client, "THIEF", false).await.len(), 2);
    let older = client.try_write(vec![thief().remove(1)]).await.expect_err("an older version must be refused");
    assert!(told(&older).contains("OLDER_THAN_HELD"), "{}", told(&older));
}

#[tokio::test]
async fn a_withdrawn_record_stops_counting_and_stays_on_record() {
    let server = Server::in_memory();
    let mut client = server.client().await;
    client.write(thief()).await;
    let before = client.on_list("THIEF", pb::List::All).await;
    assert!(before.harm > 0);
    let etag = held(&mut client, "THIEF", false).await[1].etag.clone();
    let mut request = pb::WithdrawEvidenceRequest {
        request_id: new_id(),
        subject_ref: "THIEF".to_owned(),
        record_id: "THIEF-002".to_owned(),
        reason: "recorded against the wrong person".to_owned(),
        etag: "1".to_owned(),
    };
    let stale = client.evidence.withdraw_evidence(request.clone()).await.expect_err("a stale etag must be refused");
    assert_eq!((stale.code(), told(&stale).contains("ETAG_MISMATCH")), (Code::Aborted, true));
    request.etag = etag;
    request.request_id = new_id();
    client.evidence.withdraw_evidence(request.clone()).await.expect("must be withdrawn");
    assert_eq!(client.on_list("THIEF", pb::List::All).await.harm, 0);
    let all = held(&mut client, "THIEF", true).await;
    assert_eq!(all[1].state, i32::from(pb::RecordState::Withdrawn));
    assert_eq!(all[1].withdrawal_reason, "recorded against the wrong person");
    request.request_id = new_id();
    let twice = client.evidence.withdraw_evidence(request).await.expect_err("cannot be withdrawn twice");
    assert_eq!(twice.code(), Code::NotFound);
    // The id is free again: the record was another person's all along.
    let mut moved = thief().remove(1);
    moved.subject_ref = "RIGHT-PERSON".to_owned();
    client.write(vec![moved]).await;
}

#[tokio::test]
async fn a_repeat_victim_raises_everyone_linked_in_the_same_commit() {
    let server = Server::in_memory();
    let mut client = server.client().await;
    let assault = |who: &str, date: &str| {
        Somebody::man(who, "1990-01-01").charged("OF61102", date).domestic("VICTIM-1", false).records()
    };
    client.write(assault("FIRST", "2026-01-10")).await;
    let alone = client.on_list("FIRST", pb::List::All).await.harm;
    let linked = client.write(assault("SECOND", "2026-02-20")).await;
    let standing = client.standing("FIRST").await.expect("must be known");
    assert_eq!(standing.context.map(|context| context.revision), Some(linked.revision));
    let first = client.on_list("FIRST", pb::List::All).await;
    assert!(first.harm > alone, "{} must exceed {alone}", first.harm);
    let text = serde_json::to_string(&first).expect("must be JSON");
    assert!(!text.contains("SECOND"), "another suspect is never named: {text}");
    let withdraw = pb::WithdrawEvidenceRequest {
        request_id: new_id(),
        subject_ref: "SECOND".to_owned(),
        record_id: "SECOND-002".to_owned(),
        reason: "was not the same victim".to_owned(),
        etag: String::new(),
    };
    client.evidence.withdraw_evidence(withdraw).await.expect("must be withdrawn");
    assert_eq!(client.on_list("FIRST", pb::List::All).await.harm, alone);
}

#[tokio::test]
async fn a_restart_changes_nothing_and_a_kill_loses_nothing() {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let server = Server::on(folder.path(), &["--as-of", AS_OF]);
    let mut client = server.client().await;
    for persona in crate::personas::everybody() {
        let records = persona.somebody.records();
        for records in records.chunks(500) {
            client.write(records.to_vec()).await;
        }
    }
    let before = client.whole(pb::List::All, 7).await;
    let outstanding = client.whole(pb::List::Outstanding, 7).await;
    let explained = client.standing("ABUSER").await.expect("must be known");
    assert!(server.stop().await.success(), "a server asked to stop must end well");
    let server = Server::on(folder.path(), &[]);
    let mut client = server.client().await;
    assert_eq!(client.whole(pb::List::All, 1_000).await, before);
    let after = client.standing("ABUSER").await.expect("must be known");
    assert_eq!(after.standings, explained.standings);
    assert_eq!(
        after.context.as_ref().map(|context| (context.as_of.as_str(), context.revision)),
        explained.context.as_ref().map(|context| (context.as_of.as_str(), context.revision)),
    );
    let request = pb::WriteEvidenceRequest { request_id: new_id(), records: thief(), ..Default::default() };
    let acknowledged = client.evidence.write_evidence(request.clone()).await.expect("must be taken").into_inner();
    server.kill();
    let server = Server::on(folder.path(), &[]);
    let mut client = server.client().await;
    assert_eq!(held(&mut client, "THIEF", false).await.len(), 2);
    let again = client.evidence.write_evidence(request).await.expect("must be answered").into_inner();
    assert_eq!(again, acknowledged, "a retry after a crash gets the answer that was lost");
    assert_eq!(client.whole(pb::List::Outstanding, 1_000).await, outstanding);
}

#[tokio::test]
async fn an_import_judges_each_record_on_its_own() {
    let server = Server::in_memory();
    let mut client = server.client().await;
    let mut records = thief();
    records[1].event_date = "1980-01-01".to_owned();
    let more = Somebody::woman("OTHER", "1992-02-02").charged("TH68036", "2026-03-01").records();
    records.extend(more);
    let batch = pb::ImportEvidenceRequest { request_id: new_id(), sequence: 7, records, validate_only: false };
    let answers = client.evidence.import_evidence(tokio_stream::iter([batch.clone(), batch])).await;
    let mut answers = answers.expect("must be taken").into_inner();
    let first = answers.message().await.expect("must be answered").expect("one for each batch");
    assert_eq!((first.sequence, first.created, first.refused_positions.as_slice()), (7, 3, &[1][..]));
    assert_eq!(first.refused[0].violations[0].reason, "BORN_AFTER_OFFENCE");
    let second = answers.message().await.expect("must be answered").expect("one for each batch");
    assert_eq!(second, first, "the same batch again is the same answer");
    assert_eq!(answers.message().await.expect("must end"), None);
}
