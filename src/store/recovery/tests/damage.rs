//! Engine files that are damaged, gone or merely out of reach.

use std::io;

use super::*;
use crate::store::engine::Engine;
use crate::store::keys::Key;
use crate::store::sled_store::SledEngine;

fn quarantined(home: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(home.join("quarantine")) else { return Vec::new() };
    let mut places: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    places.sort();
    places
}

#[test]
fn engine_files_that_are_gone_are_rebuilt_from_the_journal() {
    let home = tempfile::tempdir().unwrap();
    let head = closed(home.path(), 6);
    let identity = open(&options(home.path())).unwrap().identity();
    fs::remove_dir_all(home.path().join("sled")).unwrap();
    fs::remove_file(home.path().join("checkpoint")).unwrap();
    let store = open(&options(home.path())).unwrap();
    assert_eq!(store.identity(), identity);
    let recovered = store.status().recovered.unwrap();
    assert_eq!((recovered.head, recovered.from_backup), (head, Revision(0)));
    assert!(fs::read_to_string(recovered.quarantine.join("why")).unwrap().contains("not there"));
    check_rebuilt(&store, head);
    drop(store);
    let store = open(&options(home.path())).unwrap();
    assert_eq!(store.status().recovered, None, "a later start is an ordinary one");
    check(&store, head);
}

#[test]
fn truncated_engine_files_are_quarantined_whole_and_rebuilt() {
    let home = tempfile::tempdir().unwrap();
    let head = closed(home.path(), 12);
    let length = fs::metadata(home.path().join("sled/db")).unwrap().len();
    let mut rebuilt = 0;
    for kept in [0, 1, 511, length / 3, length / 2, length - 1] {
        let cut = killed(home.path());
        let data = cut.path().join("sled/db");
        fs::File::options().write(true).open(&data).unwrap().set_len(kept).unwrap();
        let store = open(&options(cut.path())).unwrap();
        if let Some(recovered) = store.status().recovered {
            rebuilt += 1;
            let old = recovered.quarantine.join("sled/db");
            assert!(fs::metadata(old).unwrap().len() >= kept.min(1), "{kept}");
            check_rebuilt(&store, head);
        } else {
            check(&store, head);
        }
    }
    assert!(rebuilt >= 2, "{rebuilt}");
}

#[test]
fn a_bit_flipped_anywhere_in_what_the_engine_replays_never_gives_another_answer() {
    let home = tempfile::tempdir().unwrap();
    let head = closed(home.path(), 400);
    let length = fs::metadata(home.path().join("sled/db")).unwrap().len();
    assert!(length > 4 << 20, "several segments: {length}");
    let mut rebuilt = 0;
    for place in (0..40).map(|part| part * length / 40 + 4_711) {
        let flipped = killed(home.path());
        let data = flipped.path().join("sled/db");
        let mut bytes = fs::read(&data).unwrap();
        bytes[usize::try_from(place).unwrap()] ^= 1 << (place % 8);
        fs::write(&data, bytes).unwrap();
        let store = open(&options(flipped.path())).unwrap();
        // The engine itself would have opened most of these, and some with pages missing.
        if store.status().recovered.is_some_and(|recovered| recovered.reason.contains("log is damaged")) {
            rebuilt += 1;
        }
        if store.view_version(View::Dossier).unwrap().is_some() {
            check(&store, head);
        } else {
            check_rebuilt(&store, head);
        }
    }
    assert!(rebuilt >= 20, "{rebuilt}");
}

#[test]
fn an_altered_event_is_rebuilt_and_what_a_read_met_is_checked_at_the_next_start() {
    let home = tempfile::tempdir().unwrap();
    let head = closed(home.path(), 6);
    let altered = Key::event(Revision(3));
    {
        let engine = SledEngine::open_existing(&home.path().join("sled"), CACHE_BYTES).unwrap();
        let mut bytes = engine.tree().get(altered).unwrap().unwrap().to_vec();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        engine.tree().insert(altered, bytes).unwrap();
        engine.sync().unwrap();
    }
    let met = killed(home.path());
    let store = open(&options(home.path())).unwrap();
    assert!(
        store.status().recovered.unwrap().reason.contains("e/ revision 3"),
        "found by the chain of the last events"
    );
    check_rebuilt(&store, head);

    // Out of the window that every start checks, a read meets it.
    fs::write(met.path().join("suspect"), "a read met damage\n").unwrap();
    let store = open(&options(met.path())).unwrap();
    assert!(store.status().recovered.is_some());
    assert!(!met.path().join("suspect").exists(), "what was made anew is not suspected");
}

#[test]
fn damage_that_a_read_meets_while_serving_is_marked_for_the_next_start() {
    let home = tempfile::tempdir().unwrap();
    let head = closed(home.path(), 2);
    let store = open(&options(home.path())).unwrap();
    store.engine().tree().insert(Key::event(Revision(3)), b"nothing that was written").unwrap();
    assert_eq!(store.status().suspect, None);
    assert!(store.event(Revision(3)).is_err());
    assert!(store.status().suspect.unwrap().starts_with("e/ revision 3"));
    drop(store);
    assert!(fs::read_to_string(home.path().join("suspect")).unwrap().starts_with("e/ revision 3"));
    let store = open(&options(home.path())).unwrap();
    assert!(store.status().recovered.is_some());
    check_rebuilt(&store, head);
}

#[test]
fn after_the_machine_went_down_everything_is_checked_and_views_are_rebuilt() {
    let home = tempfile::tempdir().unwrap();
    closed(home.path(), 6);
    let store = open(&options(home.path())).unwrap();
    let head = write(&store, 1, "b");
    let version = |home: &Path, run: &str| {
        let store = open(&Options { run: Some(Run::named(run)), ..options(home) }).unwrap();
        assert_eq!(store.head().unwrap(), head);
        assert_eq!(store.status().recovered, None);
        store.view_version(View::Dossier).unwrap()
    };
    let left = killed(home.path());
    assert_eq!(version(left.path(), "one"), Some(1), "after a kill, what was not synced is still with the kernel");
    let left = killed(home.path());
    assert_eq!(version(left.path(), "two"), None, "after a power cut, it may be anywhere");
    assert_eq!(version(left.path(), "two"), None, "until the service has rebuilt them");
    drop(store);
    assert_eq!(version(home.path(), "two"), Some(1), "a store closed in order has everything on the disk");
}

#[test]
fn a_probe_that_fails_or_hangs_has_the_files_rebuilt_and_one_that_cannot_tell_does_not() {
    let with = |verdict: Verdict| {
        let home = tempfile::tempdir().unwrap();
        let head = closed(home.path(), 2);
        let probe: Arc<Probe> = Arc::new(move |engine: &Path, _, _| {
            assert!(engine.ends_with("sled"));
            verdict.clone()
        });
        let store = open(&Options { probe: Some(probe), ..options(home.path()) }).unwrap();
        assert_eq!(store.head().unwrap(), head);
        (quarantined(home.path()).len(), store.status().recovered.map(|recovered| recovered.reason))
    };
    assert_eq!(with(Verdict::Sound), (0, None));
    assert_eq!(with(Verdict::Unclear { why: "no room for a process".to_owned() }), (0, None));
    let (places, reason) = with(Verdict::TimedOut);
    assert_eq!((places, reason.unwrap().contains("did not open within 120 s")), (1, true));
    let (places, reason) = with(Verdict::Damaged { why: "it crashed".to_owned() });
    assert_eq!((places, reason.as_deref()), (1, Some("it crashed")));
}

#[test]
fn a_probe_is_ended_at_its_deadline_and_judged_by_how_it_ends() {
    let run = |script: &str, within| {
        let mut command = std::process::Command::new("sh");
        probe::run(command.args(["-c", script]), within)
    };
    let long = Duration::from_mins(1);
    assert_eq!(run("exit 0", long), Verdict::Sound);
    assert_eq!(run("echo broken; exit 10", long), Verdict::Damaged { why: "broken".to_owned() });
    for code in [11, 12, 13, 2] {
        assert!(matches!(run(&format!("exit {code}"), long), Verdict::Unclear { .. }), "{code}");
    }
    assert!(matches!(run("kill -ABRT $$", long), Verdict::Crashed { .. }));
    assert!(matches!(run("kill -KILL $$", long), Verdict::Unclear { .. }), "somebody ended it: that says nothing");
    assert_eq!(run("exec tail -f /dev/null", Duration::from_millis(50)), Verdict::TimedOut);
    let missing = probe::run(&mut std::process::Command::new("/no/such/command"), long);
    assert!(matches!(missing, Verdict::Unclear { .. }));
}

#[test]
fn the_probe_tells_sound_from_damaged_and_held() {
    let home = tempfile::tempdir().unwrap();
    closed(home.path(), 2);
    let engine = home.path().join("sled");
    assert_eq!(probe::inspect(&engine, CACHE_BYTES).0, probe::Code::Sound);
    let held = SledEngine::open_existing(&engine, CACHE_BYTES).unwrap();
    assert_eq!(probe::inspect(&engine, CACHE_BYTES).0, probe::Code::InUse);
    drop(held);
    fs::File::options().write(true).open(engine.join("db")).unwrap().set_len(0).unwrap();
    assert_eq!(probe::inspect(&engine, CACHE_BYTES).0, probe::Code::Damaged);
}

#[test]
fn a_full_disk_a_held_lock_or_a_refusal_is_no_damage() {
    const EMFILE: i32 = 24;
    const EIO: i32 = 5;
    let engine = |error: io::Error| StoreError::Engine { doing: "opening", source: sled::Error::Io(error).into() };
    let kind = |kind: io::ErrorKind| engine(kind.into());
    for passing in [
        engine(io::Error::from_raw_os_error(EMFILE)),
        engine(io::Error::from_raw_os_error(28)),
        engine(io::Error::from_raw_os_error(13)),
        StoreError::Full,
        StoreError::InUse { path: PathBuf::new() },
        StoreError::NewerSchema { found: 3, known: 2 },
        StoreError::io("opening", Path::new("db"))(io::ErrorKind::PermissionDenied.into()),
    ] {
        assert!(!passing.is_damage(), "{passing}");
    }
    for damage in [
        engine(io::Error::from_raw_os_error(EIO)),
        kind(io::ErrorKind::UnexpectedEof),
        StoreError::Engine { doing: "opening", source: sled::Error::Corruption { at: None, bt: () }.into() },
        StoreError::Engine { doing: "opening", source: Panicked.into() },
        StoreError::MissingEvent { revision: Revision(1) },
        StoreError::io("opening", Path::new("db"))(io::ErrorKind::NotFound.into()),
    ] {
        assert!(damage.is_damage(), "{damage}");
    }
}

#[test]
fn a_refused_file_leaves_the_engine_where_it_is() {
    let home = tempfile::tempdir().unwrap();
    closed(home.path(), 2);
    // A directory where a file should be: the file system refuses, whoever asks.
    fs::rename(home.path().join("checkpoint"), home.path().join("kept")).unwrap();
    fs::create_dir(home.path().join("checkpoint")).unwrap();
    assert!(matches!(refusal(home.path()), RecoveryError::Store(StoreError::Io { .. })));
    assert!(home.path().join("sled/db").exists());
    assert_eq!(quarantined(home.path()), Vec::<PathBuf>::new());
}

#[test]
fn parts_of_two_stores_are_refused() {
    let (home, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    closed(home.path(), 2);
    closed(other.path(), 2);
    fs::copy(other.path().join("checkpoint"), home.path().join("checkpoint")).unwrap();
    assert!(matches!(refusal(home.path()), RecoveryError::OtherIdentity { .. }));
    fs::remove_file(home.path().join("checkpoint")).unwrap();
    fs::remove_dir_all(home.path().join("journal")).unwrap();
    fs::create_dir(home.path().join("journal")).unwrap();
    copy_into(&other.path().join("journal"), &home.path().join("journal"));
    assert!(matches!(refusal(home.path()), RecoveryError::Journal(_)));
}

#[test]
fn what_interrupted_work_left_is_removed_and_nothing_else() {
    let home = tempfile::tempdir().unwrap();
    let head = closed(home.path(), 2);
    for directory in ["scratch-rebuild/sled", "quarantine/20260101T000000Z-1/sled", "backups"] {
        fs::create_dir_all(home.path().join(directory)).unwrap();
    }
    assert_eq!(open(&options(home.path())).unwrap().head().unwrap(), head);
    assert!(!home.path().join("scratch-rebuild").exists());
    assert!(home.path().join("quarantine/20260101T000000Z-1/sled").exists());
}

#[test]
fn a_crash_between_quarantine_and_the_new_files_is_recovered_from() {
    let home = tempfile::tempdir().unwrap();
    let head = closed(home.path(), 3);
    let place = home.path().join("quarantine/20260101T000000Z-1");
    fs::create_dir_all(&place).unwrap();
    fs::rename(home.path().join("sled"), place.join("sled")).unwrap();
    fs::create_dir_all(home.path().join("scratch-rebuild/sled")).unwrap();
    let store = open(&options(home.path())).unwrap();
    assert!(place.join("sled/db").exists(), "what was quarantined stays");
    check_rebuilt(&store, head);
}

#[test]
fn a_rebuild_that_did_not_help_is_not_made_again_and_again() {
    let home = tempfile::tempdir().unwrap();
    closed(home.path(), 2);
    let damage = || Damage::new("the dossier of subject 3 cannot be read");
    drop(rebuild(&options(home.path()), damage()).unwrap());
    // The next process meets the same, and so would every later one: each would leave another copy behind.
    let refused = rebuild(&options(home.path()), damage()).map(drop).unwrap_err();
    assert!(matches!(refused, RecoveryError::StillDamaged { .. }), "{refused}");
    assert_eq!(quarantined(home.path()).len(), 1);
    drop(rebuild(&options(home.path()), Damage::new("something else")).unwrap());
    assert_eq!(quarantined(home.path()).len(), 2);
}

#[test]
fn no_store_is_made_where_anything_tells_of_one() {
    for trace in ["checkpoint", "quarantine", "suspect"] {
        let home = tempfile::tempdir().unwrap();
        fs::create_dir(home.path().join("backups")).unwrap();
        fs::write(home.path().join("ballast"), b"").unwrap();
        if trace == "quarantine" {
            fs::create_dir(home.path().join(trace)).unwrap();
        } else {
            fs::write(home.path().join(trace), b"").unwrap();
        }
        refusal(home.path());
        assert!(!home.path().join("sled").exists(), "{trace}");
        fs::remove_dir(home.path().join(trace)).or_else(|_| fs::remove_file(home.path().join(trace))).unwrap();
        open(&options(home.path())).unwrap();
    }
}
