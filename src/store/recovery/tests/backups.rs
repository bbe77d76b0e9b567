//! What a rebuild takes from backups, and what it must not.

use super::*;
use crate::store::backup::{self, Catalogue, Incarnation, Until};
use crate::store::pace::Unpaced;

/// A verified full backup of the whole ledger, inside the data directory.
fn back_up(store: &SledStore, home: &Path, created: i64) -> Head {
    let elsewhere = tempfile::tempdir().unwrap();
    let head = store.head().unwrap();
    let created = Timestamp::from_second(created).unwrap();
    let unverified = backup::write(store, Head::EMPTY, head, &home.join("backups"), created, &mut Unpaced).unwrap();
    backup::check(unverified, store, elsewhere.path(), &mut Unpaced).unwrap();
    head
}

fn remove_engine(home: &Path) {
    fs::remove_dir_all(home.join("sled")).unwrap();
}

#[test]
fn without_a_journal_backups_do_not_pass_for_the_whole_ledger() {
    let home = tempfile::tempdir().unwrap();
    let store = open(&options(home.path())).unwrap();
    write(&store, 3, "a");
    let covered = back_up(&store, home.path(), 0);
    let whole = killed(home.path());
    let head = write(&store, 2, "b");
    let killed = killed(home.path());
    drop(store);
    for home in [killed.path(), home.path()] {
        fs::remove_dir_all(home.join("journal")).unwrap();
        fs::File::options().write(true).open(home.join("sled/db")).unwrap().set_len(0).unwrap();
    }
    let refused = refusal(killed.path());
    assert!(matches!(refused, RecoveryError::NoJournal { .. }), "{refused}");
    let refused = refusal(home.path());
    assert!(
        matches!(refused, RecoveryError::Unreachable { missing, .. } if missing == (covered.revision.next(), head.revision)),
        "closed in order, so that the end is known: {refused}"
    );
    fs::remove_file(killed.path().join("checkpoint")).unwrap();
    let refused = refusal(killed.path());
    assert!(matches!(refused, RecoveryError::NoJournal { .. }), "{refused}");
    assert!(killed.path().join("sled/db").exists(), "nothing was moved");

    drop(open(&options(whole.path())).unwrap());
    fs::remove_dir_all(whole.path().join("journal")).unwrap();
    remove_engine(whole.path());
    check_rebuilt(&open(&options(whole.path())).unwrap(), covered);
}

#[test]
fn a_journal_that_is_gone_after_a_kill_stops_the_start() {
    let home = tempfile::tempdir().unwrap();
    closed(home.path(), 3);
    let store = open(&options(home.path())).unwrap();
    write(&store, 2, "b");
    let killed = killed(home.path());
    fs::remove_dir_all(killed.path().join("journal")).unwrap();
    let refused = refusal(killed.path());
    assert!(matches!(refused, RecoveryError::NoJournal { .. }), "what only it held would be lost: {refused}");
    // Who has none to bring back says so.
    fs::remove_file(killed.path().join("checkpoint")).unwrap();
    open(&options(killed.path())).unwrap();
}

#[test]
fn engine_and_journal_that_end_before_the_checkpoint_stop_the_start() {
    let home = tempfile::tempdir().unwrap();
    let head = closed(home.path(), 4);
    let older = killed(home.path());
    let store = open(&options(home.path())).unwrap();
    let last = write(&store, 3, "b");
    drop(store);
    fs::copy(home.path().join("checkpoint"), older.path().join("checkpoint")).unwrap();
    let refused = refusal(older.path());
    let RecoveryError::Unreachable { missing, .. } = &refused else { panic!("{refused}") };
    assert_eq!(*missing, (head.revision.next(), last.revision));
    assert!(older.path().join("sled/db").exists(), "nothing was moved");
    // A backup of the same history brings it back.
    let store = open(&options(home.path())).unwrap();
    back_up(&store, older.path(), 0);
    drop(store);
    check_rebuilt(&open(&options(older.path())).unwrap(), last);
}

#[test]
fn a_rebuild_after_a_restore_takes_nothing_of_the_future_that_was_dropped() {
    let home = tempfile::tempdir().unwrap();
    let store = open(&options(home.path())).unwrap();
    write(&store, 5, "a");
    back_up(&store, home.path(), 1_000);
    let dropped = store.identity();
    drop(store);
    for groups in [0, 1, 9] {
        let restored = tempfile::tempdir().unwrap();
        let until = Until::Revision(Revision(20));
        let plan = Catalogue::read(&home.path().join("backups")).unwrap().plan(until).unwrap();
        let target = restored.path().join("store");
        backup::restore(&plan, None, until, &target, Incarnation::New, &mut Unpaced).unwrap();
        let options = Options { backups: home.path().join("backups"), ..options(&target) };
        let store = open(&options).unwrap();
        let head = write(&store, groups, "b");
        let identity = store.identity();
        assert_ne!(identity.incarnation, dropped.incarnation);
        drop(store);
        remove_engine(&target);
        let store = open(&options).unwrap();
        assert_eq!(store.identity(), identity);
        check_rebuilt(&store, head);
    }
}

#[test]
fn no_store_is_made_where_only_its_backups_are_wherever_they_are() {
    let (home, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let store = open(&options(home.path())).unwrap();
    write(&store, 1, "a");
    back_up(&store, elsewhere.path(), 0);
    let unmounted = tempfile::tempdir().unwrap();
    let beside = |backups: PathBuf| open(&Options { backups, ..options(unmounted.path()) }).map(drop);
    let refused = beside(elsewhere.path().join("backups")).unwrap_err();
    assert!(matches!(refused, RecoveryError::OnlyBackups { .. }), "{refused}");
    // Where it cannot be told whether there are any.
    fs::write(elsewhere.path().join("file"), b"").unwrap();
    beside(elsewhere.path().join("file")).unwrap_err();
    assert!(!unmounted.path().join("sled").exists());
    beside(elsewhere.path().join("none")).unwrap();
}
