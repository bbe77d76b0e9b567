//! Verification of a store while it is served: no false word under load, the
//! right word with what to do about it where something is damaged, and a start
//! afterwards that mends what was found.

use std::fs;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use steelyard::pb;
use steelyard::pb::verify_store_response::Told;

use crate::harness::{Client, Server, new_id, steelyard};
use crate::people::{AS_OF, Somebody};

/// A server with small segments that keeps one full backup.
fn served(directory: &Path) -> Server {
    Server::on(directory, &["--as-of", AS_OF, "--store-segment-mb", "1", "--backup-keep-full", "1"])
}

/// The same again, which writes nothing as it starts.
fn served_again(directory: &Path) -> Server {
    Server::on(directory, &["--store-segment-mb", "1", "--backup-keep-full", "1"])
}

/// What was told of a verification.
#[derive(Debug, Default)]
struct Verified {
    findings: Vec<pb::VerificationFinding>,
    steps: Vec<pb::VerificationStepOutcome>,
    outcome: pb::VerificationOutcome,
}

impl Verified {
    /// The findings of a step, as `place | description`.
    fn of(&self, step: pb::VerificationStep) -> Vec<String> {
        let of_step = self.findings.iter().filter(|finding| finding.step() == step);
        of_step.map(|finding| format!("{} | {}", finding.place, finding.description)).collect()
    }

    fn skipped(&self, step: pb::VerificationStep) -> Option<&str> {
        let outcome = self.steps.iter().find(|outcome| outcome.step() == step).expect("every step must be told");
        Some(&*outcome.skipped).filter(|why| !why.is_empty())
    }
}

async fn verified(client: &mut Client, standings: bool) -> Verified {
    let request = pb::VerifyStoreRequest { standings, full_speed: true };
    let mut stream = client.maintenance.verify_store(request).await.expect("it must begin").into_inner();
    let mut verified = Verified::default();
    while let Some(message) = stream.message().await.expect("it must go on to its end") {
        match message.told {
            Some(Told::Finding(finding)) => verified.findings.push(finding),
            Some(Told::Step(step)) => verified.steps.push(step),
            Some(Told::Outcome(outcome)) => verified.outcome = outcome,
            Some(Told::Progress(_)) | None => {}
        }
    }
    assert_ne!(verified.outcome, pb::VerificationOutcome::default(), "the last message must be the outcome");
    verified
}

async fn back_up(client: &mut Client, kind: pb::BackupKind) -> pb::Backup {
    let request = pb::CreateBackupRequest { request_id: new_id(), kind: kind.into() };
    let mut stream = client.maintenance.create_backup(request).await.expect("a backup must begin").into_inner();
    let mut made = None;
    while let Some(message) = stream.message().await.expect("a backup must be made") {
        made = message.backup.or(made);
    }
    made.expect("the last message must carry the backup")
}

async fn status(client: &mut Client) -> pb::GetStoreStatusResponse {
    client.maintenance.get_store_status(pb::GetStoreStatusRequest {}).await.expect("a status must come").into_inner()
}

/// Batches written while it is verified.
const MOST_BATCHES: usize = 24;

/// About so many MiB of the ledger for each four batches; more than 250 events each.
async fn write_batch(client: &mut Client, batch: usize) {
    let people = (0..250)
        .flat_map(|person| Somebody::man(&format!("S-{batch}-{person}-{}", "x".repeat(45)), "1990-05-01").records());
    client.write(people.collect()).await;
}

fn flip(path: &Path, at: u64) {
    let mut file = fs::File::options().read(true).write(true).open(path).expect("a drill must reach its files");
    let mut byte = [0];
    file.seek(SeekFrom::Start(at)).expect("a drill must reach its files");
    file.read_exact(&mut byte).expect("a drill must reach its files");
    file.seek(SeekFrom::Start(at)).expect("a drill must reach its files");
    file.write_all(&[byte[0] ^ 1]).expect("a drill must reach its files");
}

fn files(directory: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = fs::read_dir(directory)
        .expect("a drill must reach its files")
        .map(|entry| entry.expect("a drill must reach its files").path())
        .collect();
    files.sort();
    files
}

fn name(path: &Path) -> String {
    path.file_name().expect("a drill must reach its files").to_str().expect("a drill must reach its files").to_owned()
}

/// `steelyard verify --server`: its exit code and what it printed.
fn command(server: &Server) -> (Option<i32>, String) {
    let mut command: Command = steelyard();
    let output = command
        .args(["verify", "--full-speed", "--server", &server.url()])
        .output()
        .expect("a drill must reach its files");
    (output.status.code(), String::from_utf8(output.stdout).expect("a drill must reach its files"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_is_sound_while_it_is_written_backed_up_and_its_journal_let_go() {
    let directory = tempfile::tempdir().expect("a drill must reach its files");
    let server = served(directory.path());
    let mut client = server.client().await;
    write_batch(&mut client, 0).await;
    back_up(&mut client, pb::BackupKind::Full).await;
    let stop = Arc::new(AtomicBool::new(false));
    let (written, backed_up) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (writes, backups) = (Arc::clone(&written), Arc::clone(&backed_up));
    let (mut writer, stopped) = (server.client().await, Arc::clone(&stop));
    let writing = tokio::spawn(async move {
        let mut batch = 0;
        // On a machine that is slow, more would come to be verified than is verified.
        while batch < MOST_BATCHES && !stopped.load(Ordering::Relaxed) {
            batch += 1;
            write_batch(&mut writer, batch).await;
            // The same long dossier again and again: it is kept in several parts.
            let mut long = Somebody::man("S-long", "1970-05-01").convictions("TH68001", 900, 7, "2025-06-01").records();
            for record in &mut long {
                record.source_system = format!("{batch}-{}", "y".repeat(20));
            }
            writer.write(long).await;
            writes.fetch_add(1, Ordering::Relaxed);
        }
    });
    let (mut keeper, stopped) = (server.client().await, Arc::clone(&stop));
    let keeping = tokio::spawn(async move {
        let mut made = 0;
        while !stopped.load(Ordering::Relaxed) {
            back_up(&mut keeper, if made % 3 == 0 { pb::BackupKind::Full } else { pb::BackupKind::Incremental }).await;
            made += 1;
            backups.fetch_add(1, Ordering::Relaxed);
        }
    });
    let mut compared = 0;
    let enough = || written.load(Ordering::Relaxed) > 4 && backed_up.load(Ordering::Relaxed) > 2;
    for round in (0..200).take_while(|round| *round < 5 || !enough()) {
        let verified = verified(&mut client, round % 4 == 0).await;
        assert!(verified.outcome.sound && verified.findings.is_empty(), "round {round}: {verified:#?}");
        compared += usize::from(verified.skipped(pb::VerificationStep::Journal).is_none());
    }
    stop.store(true, Ordering::Relaxed);
    writing.await.expect("a writer must not fail");
    keeping.await.expect("a backup must not fail");
    assert!(enough(), "it must have been written and backed up meanwhile");
    assert!(compared > 0, "the journal must have been read to its end at least once");
    let status = status(&mut client).await;
    assert_eq!(status.suspect, "", "a value that changes while it is read is not damaged");
    let first = &files(&directory.path().join("journal"))[0];
    assert_ne!(name(first), "00000000000000000001.log", "the journal must have let go of segments meanwhile");
    assert!(server.stop().await.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flipped_byte_in_backup_and_journal_is_told_and_the_remedy_mends_it() {
    let directory = tempfile::tempdir().expect("a drill must reach its files");
    let server = served(directory.path());
    let mut client = server.client().await;
    write_batch(&mut client, 0).await;
    let backup = back_up(&mut client, pb::BackupKind::Full).await;
    for batch in 1..40 {
        write_batch(&mut client, batch).await;
    }
    let segments = files(&directory.path().join("journal"));
    assert!(segments.len() > 2, "{segments:?}");
    flip(&segments[0], 5_000);
    flip(&directory.path().join("backups").join(&backup.name), backup.bytes / 2);

    let told = verified(&mut client, false).await;
    assert_eq!((told.outcome.sound, told.outcome.damage), (false, 2), "{told:#?}");
    let journal = told.of(pb::VerificationStep::Journal);
    let place = format!("journal/{} | damaged at offset ", name(&segments[0]));
    assert!(journal.len() == 1 && journal[0].starts_with(&place), "{journal:?}");
    let backups = told.of(pb::VerificationStep::Backups);
    assert!(backups[0].starts_with(&format!("{} | ", backup.name)), "{backups:?}");
    let home = directory.path().to_str().expect("a drill must reach its files");
    assert!(!format!("{told:?}").contains(home), "files are named, and not where they lie: {told:#?}");
    let (code, screen) = command(&server);
    assert_eq!(code, Some(65), "{screen}");
    assert!(screen.contains(&format!("  DAMAGE: journal/{}\n", name(&segments[0]))), "{screen}");
    assert!(screen.contains(&format!("  DAMAGE: {}\n", backup.name)), "{screen}");
    assert!(screen.contains("do: do not stop the server"), "{screen}");
    assert_eq!(status(&mut client).await.suspect, "", "what the engine's files hold is not in doubt");

    // What the findings say to do.
    back_up(&mut client, pb::BackupKind::Full).await;
    write_batch(&mut client, 40).await;
    back_up(&mut client, pb::BackupKind::Full).await;
    let (code, screen) = command(&server);
    assert_eq!(code, Some(0), "{screen}");
    assert!(server.stop().await.success());
    assert!(served(directory.path()).stop().await.success(), "and it starts again");
}

#[tokio::test(flavor = "multi_thread")]
async fn damage_that_a_verification_meets_is_mended_by_the_next_start() {
    let directory = tempfile::tempdir().expect("a drill must reach its files");
    let server = served(directory.path());
    let mut client = server.client().await;
    for batch in 0..41 {
        write_batch(&mut client, batch).await;
    }
    client.write(Somebody::man("S-known", "1990-05-01").convictions("TH68001", 9, 90, "2025-06-01").records()).await;
    let before = verified(&mut client, true).await.outcome;
    assert!(before.sound);
    let head = status(&mut client).await;
    assert!(head.revision > 10_100, "event 5 must lie before what every start checks: {}", head.revision);
    assert!(server.stop().await.success());

    // An old event, and an entry of an index: neither is read at a start.
    let engine = sled::open(directory.path().join("sled")).expect("a drill must reach its files");
    let event = [b"e/".as_slice(), &5_u64.to_be_bytes()].concat();
    let mut bytes = engine.get(&event).expect("a drill must reach its files").expect("event 5 must be there").to_vec();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    engine.insert(&event, bytes).expect("a drill must reach its files");
    let (entry, _) =
        engine.scan_prefix(b"i/").next().expect("there must be an index").expect("a drill must reach its files");
    engine.remove(&entry).expect("a drill must reach its files");
    engine.flush().expect("a drill must reach its files");
    drop(engine);

    let server = served_again(directory.path());
    let mut client = server.client().await;
    let told = verified(&mut client, true).await;
    assert!(!told.outcome.sound, "{told:#?}");
    assert!(told.of(pb::VerificationStep::Values)[0].starts_with("e/ revision 5 | "), "{told:#?}");
    assert!(told.of(pb::VerificationStep::SubjectIndex)[0].contains(" | missing from the index"), "{told:#?}");
    assert!(told.findings[0].remedy.starts_with("restart the server: it then checks everything"), "{told:#?}");
    assert!(status(&mut client).await.suspect.starts_with("e/ revision 5"));
    assert!(
        fs::read_to_string(directory.path().join("suspect"))
            .expect("a drill must reach its files")
            .starts_with("e/ revision 5")
    );
    assert!(server.stop().await.success());

    let server = served_again(directory.path());
    let mut client = server.client().await;
    let told = verified(&mut client, true).await;
    assert!(told.outcome.sound, "{told:#?}");
    assert_eq!(told.outcome, before, "the same ledger, and the same standings");
    assert_eq!((told.outcome.revision, &told.outcome.head_hash), (head.revision, &head.head_hash));
    let quarantined = files(&directory.path().join("quarantine"));
    assert_eq!(told.of(pb::VerificationStep::Directory).len(), quarantined.len(), "{told:#?}");
    assert_eq!(quarantined.len(), 1, "nothing was removed");
    assert!(!directory.path().join("suspect").exists());
    assert!(server.stop().await.success());
}

#[test]
fn a_server_named_by_the_environment_does_not_stand_against_a_directory() {
    let directory = tempfile::tempdir().expect("a drill must reach its files");
    let run = |arguments: &[&str]| {
        let mut command = steelyard();
        command
            .env("STEELYARD_SERVER", "http://127.0.0.1:1")
            .arg("verify")
            .args(arguments)
            .output()
            .expect("a drill must reach its files")
    };
    let home = directory.path().to_str().expect("a drill must reach its files");
    assert_eq!(run(&["--data-dir", home, "--server", "http://127.0.0.1:1"]).status.code(), Some(64));
    let output = run(&["--data-dir", home]);
    assert_eq!(output.status.code(), Some(66), "no store is there: {}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(run(&[]).status.code(), Some(69), "the environment names the server that is asked");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopped_directory_is_verified_through_a_child_and_stays_as_it_was_for_the_next_start() {
    let directory = tempfile::tempdir().expect("a drill must reach its files");
    let server = served(directory.path());
    let mut client = server.client().await;
    write_batch(&mut client, 0).await;
    back_up(&mut client, pb::BackupKind::Full).await;
    let live = verified(&mut client, true).await.outcome;
    assert!(server.stop().await.success());
    let output = steelyard()
        .args(["verify", "--standings", "-o", "json", "--data-dir"])
        .arg(directory.path())
        .output()
        .expect("a drill must reach its files");
    let told: serde_json::Value = serde_json::from_slice(&output.stdout).expect("a drill must reach its files");
    assert_eq!(output.status.code(), Some(0), "{told:#}");
    assert_eq!(told["outcome"]["headHash"], live.head_hash, "{told:#}");
    assert_eq!(told["outcome"]["standingsDigest"], live.standings_digest, "{told:#}");
    // The engine's files cut in the middle.
    let db = directory.path().join("sled/db");
    let bytes = fs::read(&db).expect("a drill must reach its files");
    fs::write(&db, &bytes[..bytes.len() / 2]).expect("a drill must reach its files");
    let output = steelyard()
        .args(["verify", "--data-dir"])
        .arg(directory.path())
        .output()
        .expect("a drill must reach its files");
    assert_eq!(output.status.code(), Some(65), "{}", String::from_utf8_lossy(&output.stdout));
}
