use std::path::Path;
use std::sync::Arc;

use super::super::exit;
use super::super::test_screens::agrees_with;
use super::*;
use crate::service::verify::tests::{Clock, fill};
use crate::store::keys::Key;
use crate::store::recovery::probe::{Probe, Verdict};
use crate::store::{SledStore, Store};

/// What `verify --data-dir` tells of a directory, times left out.
fn verified(data: &Path, standings: bool) -> anyhow::Result<Vec<Told>> {
    tried(data, standings, None)
}

fn tried(data: &Path, standings: bool, trial: Option<&Trial>) -> anyhow::Result<Vec<Told>> {
    let mut told = Vec::new();
    let mut tell = |message: pb::VerifyStoreResponse| {
        let mut message = message.told.expect("a message must tell something");
        if let Told::Step(step) = &mut message {
            step.took = None;
        }
        if !matches!(message, Told::Progress(_)) {
            told.push(message);
        }
    };
    directory::verify((data, &data.join("backups")), None, standings, trial, &mut tell)?;
    Ok(told)
}

fn screen(told: &[Told]) -> String {
    told.iter().filter_map(|told| screen::told(told, Page::PLAIN)).collect()
}

fn filled() -> tempfile::TempDir {
    let home = tempfile::tempdir().unwrap();
    let store = Arc::new(SledStore::open(home.path(), 16 << 20).unwrap());
    fill(Arc::clone(&store) as Arc<dyn Store>, &Clock::new());
    home
}

fn outcome(told: &[Told]) -> &pb::VerificationOutcome {
    match told.last() {
        Some(Told::Outcome(outcome)) => outcome,
        other => panic!("the outcome must come last: {other:?}"),
    }
}

#[test]
fn a_stopped_store_is_told_step_by_step() {
    let home = filled();
    let told = verified(home.path(), true).unwrap();
    let screen = screen(&told);
    assert!(screen.starts_with("values "), "{screen}");
    assert!(screen.ends_with("\nsound, 2 warnings\n"), "neither a journal nor a backup: {screen}");
    for step in ["chain ", "subject index ", "kind index ", "request answers ", "dossiers ", "standings ", "backups "] {
        assert!(screen.lines().any(|line| line.starts_with(step)), "{step}: {screen}");
    }
    let outcome = outcome(&told);
    assert!(outcome.sound);
    assert_eq!(outcome.standings_digest.len(), 64);
    assert!(screen.contains(&format!("\nhead {}:{}\n", outcome.revision, outcome.head_hash)), "{screen}");
    assert!(screen.contains(&format!("\nstandings {}\n", outcome.standings_digest)), "{screen}");
}

#[test]
fn a_damaged_store_is_told_with_what_to_do() {
    let home = filled();
    let store = SledStore::open(home.path(), 16 << 20).unwrap();
    store.flip(Key::event(crate::domain::Revision(9)).as_ref());
    drop(store);
    let told = verified(home.path(), false).unwrap();
    assert!(!outcome(&told).sound);
    let screen = screen(&told);
    assert!(screen.contains("  DAMAGE: e/ revision 9\n    checksum differs"), "{screen}");
    assert!(screen.contains("\n    do: keep the data directory as it is"), "{screen}");
    assert!(screen.ends_with("\n1 finding, 2 warnings\n"), "{screen}");
}

#[test]
fn engine_files_that_do_not_open_are_a_finding_and_the_rest_is_checked() {
    for damage in [0, 1] {
        let home = filled();
        let data = home.path().join("sled/db");
        let length = std::fs::metadata(&data).unwrap().len();
        match damage {
            0 => std::fs::write(&data, vec![0xA5; usize::try_from(length).unwrap()]).unwrap(),
            _ => std::fs::remove_file(&data).unwrap(),
        }
        let told = verified(home.path(), false).unwrap();
        let screen = screen(&told);
        assert!(screen.starts_with("  DAMAGE: sled/\n    the engine's files do not open: "), "{screen}");
        assert!(screen.contains("\njournal "), "{screen}");
        assert!(screen.contains("\nbackups "), "{screen}");
        assert!(screen.ends_with("\n1 finding, 2 warnings\n"), "{screen}");
        assert!(!outcome(&told).sound);
    }
}

#[test]
fn engine_files_that_hang_or_crash_are_a_finding_and_are_not_opened_here() {
    let home = filled();
    for (verdict, why) in [
        (Verdict::TimedOut, "they had not opened within 7 s"),
        (
            Verdict::Crashed { why: "opening them ended a process with signal 6".to_owned() },
            "opening them ended a process with signal 6",
        ),
    ] {
        let probe: Arc<Probe> = Arc::new(move |engine: &Path, _, within| {
            assert!(engine.ends_with("sled") && within == Duration::from_secs(7));
            let lock = std::fs::File::open(engine.with_file_name("lock"));
            assert!(lock.unwrap().try_lock().is_err(), "no server may start meanwhile");
            verdict.clone()
        });
        let trial = Trial { probe, within: Duration::from_secs(7) };
        // Made by a server, and not by the store alone.
        std::fs::write(home.path().join("lock"), []).unwrap();
        let told = tried(home.path(), false, Some(&trial)).unwrap();
        let screen = screen(&told);
        assert!(screen.starts_with("  DAMAGE: sled/\n    the engine's files do not open: "), "{screen}");
        let words = screen.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(words.contains(&format!("the engine's files do not open: {why} do: ")), "{screen}");
        assert!(screen.contains("\njournal "), "{screen}");
        assert!(!outcome(&told).sound);
    }
}

#[test]
fn damage_that_the_child_outlived_is_told_where_it_is() {
    let home = filled();
    let probe: Arc<Probe> = Arc::new(|_: &Path, _, _| Verdict::Damaged { why: "somewhere".to_owned() });
    let trial = Trial { probe, within: Duration::from_secs(7) };
    let told = tried(home.path(), false, Some(&trial)).unwrap();
    assert!(outcome(&told).sound, "each value was read here: {told:?}");
}

#[test]
fn a_directory_and_a_server_contradict_each_other_as_flags_alone() {
    #[derive(Debug, clap::Parser)]
    struct Line {
        #[command(flatten)]
        args: Args,
    }
    let parsed = |arguments: &[&str]| <Line as clap::Parser>::try_parse_from([&["verify"], arguments].concat());
    let refused = parsed(&["--data-dir", "d", "--server", "http://127.0.0.1:1"]).unwrap_err();
    assert_eq!(refused.kind(), clap::error::ErrorKind::ArgumentConflict);
    assert!(parsed(&["--data-dir", "d"]).unwrap().args.server.is_none());
    assert_eq!(parsed(&["--server", "u"]).unwrap().args.server.as_deref(), Some("u"));
}

#[test]
fn a_directory_in_use_or_without_a_store_is_refused_and_left_as_it_is() {
    let home = filled();
    let held = SledStore::open(home.path(), 16 << 20).unwrap();
    let error = verified(home.path(), false).unwrap_err();
    assert_eq!(exit::of(&error), Exit::Unavailable, "{error}");
    assert!(error.to_string().ends_with("ask it instead: steelyard verify --server URL"), "{error}");
    drop(held);

    let nothing = tempfile::tempdir().unwrap();
    for directory in [nothing.path().to_owned(), nothing.path().join("absent")] {
        let error = verified(&directory, false).unwrap_err();
        assert_eq!(exit::of(&error), Exit::InputMissing, "{error}");
    }
    assert_eq!(std::fs::read_dir(nothing.path()).unwrap().count(), 0, "nothing is made there");
}

/// Messages as a server sends them.
fn messages() -> Vec<Told> {
    let step = |step: pb::VerificationStep, checked, damage, warnings, skipped: &str| {
        Told::Step(pb::VerificationStepOutcome {
            step: step.into(),
            checked,
            damage,
            warnings,
            skipped: skipped.to_owned(),
            took: Some(pbjson_types::Duration { seconds: 1, nanos: 290_000_000 }),
        })
    };
    let found = |severity: pb::FindingSeverity, place: &str, description: &str, remedy: &str| {
        Told::Finding(pb::VerificationFinding {
            step: pb::VerificationStep::Chain.into(),
            severity: severity.into(),
            place: place.to_owned(),
            description: description.to_owned(),
            remedy: remedy.to_owned(),
        })
    };
    let rebuild = "stop the server, move `sled/` out of the data directory and keep it, start again: the store is \
                   rebuilt from backup 1-17 and the journal";
    vec![
        step(pb::VerificationStep::Values, 401_220, 0, 0, ""),
        found(pb::FindingSeverity::Damage, "e/ revision 9", "missing from the ledger", rebuild),
        step(pb::VerificationStep::Chain, 100_003, 1, 0, ""),
        step(pb::VerificationStep::KindIndex, 0, 0, 1, "the view is not complete"),
        step(pb::VerificationStep::Dossiers, 0, 0, 0, "given up"),
        found(pb::FindingSeverity::Warning, "backups", "no verified backup is here", "run `steelyard backup`"),
        found(pb::FindingSeverity::Information, "quarantine/1", "set aside (30 bytes)", "look at it"),
        Told::Outcome(pb::VerificationOutcome {
            revision: 100_003,
            head_hash: "ab".repeat(32),
            sound: false,
            damage: 1,
            warnings: 2,
            standings_digest: "cd".repeat(32),
        }),
    ]
}

#[test]
fn the_screen_of_a_verification() {
    agrees_with("verify.txt", &screen(&messages()));
}

#[test]
fn as_json_it_is_one_object_in_the_words_of_the_contract() {
    let mut verified = Verified::default();
    for message in messages() {
        verified.take(message);
    }
    let json: serde_json::Value = serde_json::from_str(&output::json(&verified).unwrap()).unwrap();
    assert_eq!(json["findings"][0]["severity"], "FINDING_SEVERITY_DAMAGE");
    assert_eq!(json["steps"][0]["checked"], "401220");
    assert_eq!(json["outcome"]["damage"], "1");
}
