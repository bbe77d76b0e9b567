//! Backups over the API, and what health and metrics say of them.

use std::process::Command;

use steelyard::pb;

use crate::harness::{Client, Server, new_id, steelyard, told};
use crate::people::{AS_OF, Somebody};

/// A server with a directory that shows its health.
fn served(directory: &std::path::Path) -> Server {
    Server::on(directory, &["--as-of", AS_OF, "--health-listen", "127.0.0.1:0", "--store-segment-mb", "1"])
}

async fn write(client: &mut Client, subject_ref: &str) -> u64 {
    client.write(Somebody::man(subject_ref, "1990-05-01").records()).await.revision
}

/// Asks for a backup: every message.
async fn back_up(client: &mut Client, kind: pb::BackupKind) -> Vec<pb::CreateBackupResponse> {
    let request = pb::CreateBackupRequest { request_id: new_id(), kind: kind.into() };
    let mut stream = client.maintenance.create_backup(request).await.expect("a backup must begin").into_inner();
    let mut messages = Vec::new();
    while let Some(message) = stream.message().await.expect("a backup must be made") {
        messages.push(message);
    }
    messages
}

async fn made(client: &mut Client, kind: pb::BackupKind) -> pb::Backup {
    let messages = back_up(client, kind).await;
    let last = messages.into_iter().last().expect("the last message must come");
    assert_eq!(last.phase(), pb::BackupPhase::Done);
    last.backup.expect("the last message must carry the backup")
}

async fn status(client: &mut Client) -> pb::GetStoreStatusResponse {
    client.maintenance.get_store_status(pb::GetStoreStatusRequest {}).await.expect("a status must come").into_inner()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_is_made_while_serving_listed_and_followed_by_the_next() {
    let directory = tempfile::tempdir().unwrap();
    let server = served(directory.path());
    let mut client = server.client().await;
    let written = write(&mut client, "S-1").await;
    let messages = back_up(&mut client, pb::BackupKind::Unspecified).await;
    let phases: Vec<_> = messages.iter().map(pb::CreateBackupResponse::phase).collect();
    assert!(phases.contains(&pb::BackupPhase::Checking), "{phases:?}");
    let full = messages.last().and_then(|last| last.backup.clone()).unwrap();
    assert_eq!((full.kind(), full.before_revision, full.revision), (pb::BackupKind::Full, 0, written));
    let file = directory.path().join("backups").join(&full.name);
    assert_eq!(std::fs::metadata(file).unwrap().len(), full.bytes);

    let later = write(&mut client, "S-2").await;
    let next = made(&mut client, pb::BackupKind::Unspecified).await;
    assert_eq!((next.kind(), next.before_revision, next.revision), (pb::BackupKind::Incremental, written, later));

    let listed = client.maintenance.list_backups(pb::ListBackupsRequest {}).await.unwrap().into_inner();
    assert_eq!(listed.backups, [full, next.clone()]);
    assert_eq!(listed.unusable, []);
    let status = status(&mut client).await;
    assert_eq!((status.revision, &status.head_hash), (later, &next.head_hash));
    assert_eq!(status.last_backup, Some(next));
    assert!(status.writable && status.refusal.is_empty() && status.backup_problem.is_empty(), "{status:?}");
    assert!(server.stop().await.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_verified_backup_lets_the_journal_go() {
    let directory = tempfile::tempdir().unwrap();
    let server = served(directory.path());
    let mut client = server.client().await;
    // More than two segments of 1 MiB.
    for batch in 0..40 {
        let people = (0..250).flat_map(|person| {
            Somebody::man(&format!("S-{batch}-{person}-{}", "x".repeat(60)), "1990-05-01").records()
        });
        client.write(people.collect()).await;
    }
    let before = status(&mut client).await.journal.expect("a store on disk must have a journal");
    assert!(before.segments > 2, "{before:?}");
    made(&mut client, pb::BackupKind::Full).await;
    // The engine is synced a moment after; what it lacked at the first backup goes with the second.
    write(&mut client, "S-last").await;
    made(&mut client, pb::BackupKind::Incremental).await;
    let after = status(&mut client).await.journal.unwrap();
    assert!(after.bytes < before.bytes && after.before_revision > before.before_revision, "{before:?} {after:?}");
    assert!(server.stop().await.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn readiness_and_metrics_tell_of_ledger_and_backup() {
    let directory = tempfile::tempdir().unwrap();
    let server = served(directory.path());
    let mut client = server.client().await;
    let written = write(&mut client, "S-1").await;
    assert_eq!(server.http("/livez"), (200, "alive\n".to_owned()));
    let (code, body) = server.http("/readyz");
    let ready: serde_json::Value = serde_json::from_str(&body).unwrap();
    assert_eq!((code, &ready["ready"], &ready["revision"]), (200, &true.into(), &written.into()), "{body}");
    assert!(ready["writable"] == true && ready["backup"]["last"].is_null() && ready["recovered"].is_null(), "{body}");

    let backup = made(&mut client, pb::BackupKind::Full).await;
    let (_, body) = server.http("/readyz");
    let ready: serde_json::Value = serde_json::from_str(&body).unwrap();
    assert_eq!(ready["backup"]["last"]["name"], backup.name, "{body}");
    let (code, metrics) = server.http("/metrics");
    assert_eq!(code, 200);
    for line in [
        format!("steelyard_ledger_revision {written}"),
        format!("steelyard_backup_last_revision {written}"),
        "steelyard_backup_failures_total 0".to_owned(),
        "steelyard_store_writable 1".to_owned(),
    ] {
        assert!(metrics.lines().any(|told| told == line), "{line} is not in:\n{metrics}");
    }
    assert!(!metrics.contains("S-1"), "{metrics}");
    assert!(server.stop().await.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_in_memory_says_that_it_has_nothing_to_back_up() {
    let server = Server::in_memory();
    let mut client = server.client().await;
    let request = pb::CreateBackupRequest { request_id: new_id(), kind: 0 };
    let refused = client.maintenance.create_backup(request).await.unwrap_err();
    assert!(told(&refused).starts_with("FailedPrecondition NO_DATA_DIRECTORY"), "{}", told(&refused));
    let refused = client.maintenance.list_backups(pb::ListBackupsRequest {}).await.unwrap_err();
    assert!(told(&refused).starts_with("FailedPrecondition NO_DATA_DIRECTORY"), "{}", told(&refused));
    let status = status(&mut client).await;
    assert!(status.writable && status.journal.is_none() && status.last_backup.is_none(), "{status:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_fault_of_a_request_for_a_backup_is_told_at_once() {
    let directory = tempfile::tempdir().unwrap();
    let server = served(directory.path());
    let mut client = server.client().await;
    let request = pb::CreateBackupRequest { request_id: "again".to_owned(), kind: 9 };
    let told = told(&client.maintenance.create_backup(request).await.unwrap_err());
    assert!(told.contains("request_id: INVALID_REQUEST_ID") && told.contains("kind: UNKNOWN_VALUE"), "{told}");
    assert_eq!(status(&mut client).await.last_backup, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_served_store_verifies_sound_with_its_standings() {
    let directory = tempfile::tempdir().unwrap();
    let server = served(directory.path());
    let mut client = server.client().await;
    let written = write(&mut client, "S-1").await;
    made(&mut client, pb::BackupKind::Full).await;
    let request = pb::VerifyStoreRequest { standings: true, full_speed: true };
    let mut stream = client.maintenance.verify_store(request).await.unwrap().into_inner();
    let mut outcome = None;
    let mut findings = Vec::new();
    while let Some(message) = stream.message().await.unwrap() {
        match message.told {
            Some(pb::verify_store_response::Told::Outcome(ended)) => outcome = Some(ended),
            Some(pb::verify_store_response::Told::Finding(finding)) => findings.push(finding),
            Some(pb::verify_store_response::Told::Progress(_) | pb::verify_store_response::Told::Step(_)) | None => {}
        }
    }
    let outcome = outcome.expect("the last message must be the outcome");
    assert!(outcome.sound && outcome.revision == written, "{outcome:?} {findings:?}");
    assert_eq!(outcome.standings_digest.len(), 64);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_commands_make_list_and_tell() {
    let directory = tempfile::tempdir().unwrap();
    let server = served(directory.path());
    let run = |arguments: &[&str]| {
        let mut command: Command = steelyard();
        let output = command.args(arguments).args(["--server", &server.url()]).output().unwrap();
        (output.status.code(), String::from_utf8(output.stdout).unwrap())
    };
    assert_eq!(run(&["backup", "--list"]).0, Some(1), "there are none yet");
    let (code, text) = run(&["backup", "--full"]);
    assert!(code == Some(0) && text.contains("full, revisions 1 to "), "{text}");
    let (code, json) = run(&["backup", "--list", "-o", "json"]);
    let listed: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!((code, &listed["backups"][0]["kind"]), (Some(0), &"BACKUP_KIND_FULL".into()), "{json}");
    let (code, text) = run(&["health", "--detail"]);
    assert!(code == Some(0) && text.starts_with("SERVING\n") && text.contains("writes    taken"), "{text}");
    let (_, json) = run(&["health", "--detail", "-o", "json"]);
    let detail: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(detail["lastBackup"]["name"], listed["backups"][0]["name"], "{json}");
    assert!(server.stop().await.success());
}
