//! What a start makes of a data directory as a kill, a failing disk or an older release left it: the same standings,
//! to the bit, or a refusal that names what is missing.

use std::fs;
use std::path::Path;

use serde_json::Value;
use steelyard::pb;

use crate::harness::{Server, steelyard};
use crate::people::Somebody;

/// The fields of a standing that a release may never change by itself.
const FIELDS: [&str; 7] = ["subjectRef", "rank", "composite", "threat", "risk", "harm", "effectiveBand"];

fn told(standings: &[Value]) -> Vec<Vec<Value>> {
    standings.iter().map(|standing| FIELDS.map(|field| standing[field].clone()).to_vec()).collect()
}

async fn standings(server: &Server) -> Vec<Vec<Value>> {
    let whole = server.client().await.whole(pb::List::All, 1_000).await;
    let whole: Vec<Value> =
        whole.iter().map(|standing| serde_json::to_value(standing).expect("a standing must be told")).collect();
    told(&whole)
}

/// The store that release 0.1.0 left.
fn of_schema_1(home: &Path) {
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/store-schema-1");
    let engine = home.join("sled");
    fs::create_dir_all(&engine).expect("must make a directory");
    for name in ["conf", "snap.0000000000000155"] {
        fs::copy(fixture.join(name), engine.join(name)).expect("the fixture must be there");
    }
    let data = fs::File::open(fixture.join("db.zst")).expect("the fixture must be there");
    let mut out = fs::File::create(engine.join("db")).expect("must make a file");
    zstd::stream::copy_decode(data, &mut out).expect("the fixture must decompress");
}

/// The store that the last build without supervision left, with its journal.
fn of_schema_2(home: &Path) {
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/store-schema-2");
    let (engine, journal) = (home.join("sled"), home.join("journal"));
    for directory in [&engine, &journal] {
        fs::create_dir_all(directory).expect("must make a directory");
    }
    for name in ["conf", "snap.0000000000000155"] {
        fs::copy(fixture.join(name), engine.join(name)).expect("the fixture must be there");
    }
    let places = [
        ("db.zst", engine.join("db")),
        ("journal.zst", journal.join("00000000000000000001.log")),
        ("checkpoint.zst", home.join("checkpoint")),
    ];
    for (name, place) in places {
        let data = fs::File::open(fixture.join(name)).expect("the fixture must be there");
        let mut out = fs::File::create(place).expect("must make a file");
        zstd::stream::copy_decode(data, &mut out).expect("the fixture must decompress");
    }
}

fn expected() -> Vec<Vec<Value>> {
    expected_of(include_str!("../fixtures/store-schema-1/standings.json"))
}

fn expected_of(fixture: &str) -> Vec<Vec<Value>> {
    let fixture: Value = serde_json::from_str(fixture).expect("the fixture must be JSON");
    told(fixture["standings"].as_array().expect("standings must be a list"))
}

#[tokio::test]
async fn a_store_of_schema_1_opens_stands_as_it_stood_and_takes_writes() {
    let home = tempfile::tempdir().expect("must make a directory");
    of_schema_1(home.path());
    let server = Server::on(home.path(), &[]);
    assert_eq!(standings(&server).await, expected());
    assert!(home.path().join("journal").is_dir(), "it has a journal from now on");
    server.client().await.write(Somebody::man("NEW-1", "1990-01-01").mappa(2, 3, "2026-03-01").records()).await;
    let after = standings(&server).await;
    assert_eq!(after.len(), expected().len() + 1);
    server.kill();
    let server = Server::on(home.path(), &[]);
    assert_eq!(standings(&server).await, after, "events of both schemas");
    assert!(server.stop().await.success());
}

#[tokio::test]
async fn a_store_of_schema_2_opens_stands_as_it_stood_and_its_files_are_under_supervision() {
    let home = tempfile::tempdir().expect("must make a directory");
    of_schema_2(home.path());
    let server = Server::on(home.path(), &[]);
    let expected = expected_of(include_str!("../fixtures/store-schema-2/standings.json"));
    assert_eq!(standings(&server).await, expected);
    let outstanding = server.client().await.whole(pb::List::Outstanding, 1_000).await;
    assert!(!outstanding.is_empty(), "the fixture must hold somebody outstanding");
    let verified = steelyard().args(["verify", "--standings", "--server", &server.url()]).output().expect("must run");
    assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stdout));
    server.kill();
    let server = Server::on(home.path(), &[]);
    assert_eq!(standings(&server).await, expected, "events of both schemas");
    assert!(server.stop().await.success());
}

#[tokio::test]
async fn engine_files_that_are_lost_or_damaged_are_rebuilt_to_the_same_standings() {
    let home = tempfile::tempdir().expect("must make a directory");
    let server = Server::on(home.path(), &["--as-of", "2026-11-22"]);
    let mut client = server.client().await;
    for number in 0..40 {
        let name = format!("P-{number}");
        client.write(Somebody::man(&name, "1990-01-01").mappa(1 + number % 3, 3, "2026-03-01").records()).await;
    }
    let stood = standings(&server).await;
    server.kill();
    let engine = home.path().join("sled");
    let data = engine.join("db");
    let spoil: [&dyn Fn(); 4] = [
        &|| fs::remove_dir_all(&engine).expect("must remove"),
        &|| fs::remove_file(&data).expect("must remove"),
        &|| fs::write(&data, vec![0x5A; 70_000]).expect("must write"),
        &|| {
            let file = fs::File::options().write(true).open(&data).expect("must open");
            file.set_len(100).expect("must cut");
        },
    ];
    for (number, spoil) in spoil.iter().enumerate() {
        spoil();
        let server = Server::on(home.path(), &[]);
        assert_eq!(standings(&server).await, stood, "case {number}");
        let quarantined = fs::read_dir(home.path().join("quarantine")).expect("must be there").count();
        assert_eq!(quarantined, number + 1, "each was put aside, and none removed");
        assert!(server.stop().await.success());
    }
}

#[test]
fn the_probe_is_not_in_the_help_and_says_how_it_went_by_its_exit_code() {
    let help = steelyard().arg("--help").output().expect("must run");
    assert!(!String::from_utf8_lossy(&help.stdout).contains("probe"));
    let home = tempfile::tempdir().expect("must make a directory");
    of_schema_1(home.path());
    let probe = |engine: &Path| {
        let output = steelyard().arg("probe-store").arg(engine).arg("16777216").output().expect("must run");
        (output.status.code(), String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    let engine = home.path().join("sled");
    assert_eq!(probe(&engine), (Some(0), String::new()));
    fs::write(engine.join("db"), vec![0x5A; 70_000]).expect("must write");
    let (code, why) = probe(&engine);
    assert_eq!(code, Some(10), "{why}");
    assert!(!why.is_empty());
}

#[test]
fn a_ledger_that_cannot_be_made_whole_is_refused_with_what_is_missing() {
    let home = tempfile::tempdir().expect("must make a directory");
    of_schema_1(home.path());
    // The journal of this store begins where release 0.1.0 had ended, and no backup was made since.
    let server = Server::on(home.path(), &[]);
    drop(server);
    fs::remove_dir_all(home.path().join("sled")).expect("must remove");
    let directory = home.path().to_str().expect("a temporary path must be text");
    let (code, said) = Server::refused(&["--data-dir", directory]);
    assert_eq!(code, Some(65), "{said}");
    assert!(said.contains("revisions 1 to 739 are missing"), "{said}");
}
