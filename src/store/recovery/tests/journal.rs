//! The engine's files and the journal, one ahead of the other, or apart.

use super::*;
use crate::store::backup;
use crate::store::engine::Engine;
use crate::store::pace::Unpaced;
use crate::store::sled_store::SledEngine;

#[test]
fn a_killed_store_is_filled_from_its_journal() {
    let home = tempfile::tempdir().unwrap();
    closed(home.path(), 6);
    let store = open(&options(home.path())).unwrap();
    let head = write(&store, 9, "b");
    assert!(store.status().engine_synced < head.revision, "the keeper must not have synced");
    let killed = killed(home.path());
    let unfilled = SledStore::open(killed.path(), CACHE_BYTES).unwrap().head().unwrap();
    assert!(unfilled.revision < head.revision, "there must be something to fill");
    let filled = open(&options(killed.path())).unwrap();
    check(&filled, head);
    assert_eq!(filled.identity(), store.identity());
    assert_eq!(filled.status().engine_synced, head.revision);
    assert_eq!(filled.view_version(View::Dossier).unwrap(), Some(1), "views are brought up, not rebuilt");
    check(&filled, head);
    let next = write(&filled, 1, "c");
    drop(filled);
    check(&open(&options(killed.path())).unwrap(), next);
}

#[test]
fn what_was_written_after_the_checkpoint_is_written_again() {
    let home = tempfile::tempdir().unwrap();
    closed(home.path(), 6);
    let store = open(&options(home.path())).unwrap();
    let head = write(&store, 3, "b");
    store.engine().sync().unwrap();
    let killed = killed(home.path());
    // A cut may leave the engine's head with a hole before it: an event, an entry and a dossier are not what was written.
    {
        let engine = SledEngine::open_existing(&killed.path().join("sled"), CACHE_BYTES).unwrap();
        let lost = Revision(head.revision.0 - 4);
        let subject = SubjectId(u32::try_from(lost.0 % SUBJECTS).unwrap());
        let tree = engine.tree();
        tree.remove(crate::store::keys::Key::event(lost)).unwrap().unwrap();
        tree.remove(ViewKey::subject_index(subject, lost).key()).unwrap().unwrap();
        tree.remove(ViewKey::dossier(subject).key()).unwrap().unwrap();
        engine.sync().unwrap();
    }
    check(&open(&options(killed.path())).unwrap(), head);
}

#[test]
fn an_engine_ahead_of_a_missing_journal_goes_on_with_a_new_one() {
    let home = tempfile::tempdir().unwrap();
    let head = closed(home.path(), 6);
    fs::remove_dir_all(home.path().join("journal")).unwrap();
    let store = open(&options(home.path())).unwrap();
    check(&store, head);
    let journal = store.status().journal.unwrap();
    assert_eq!((journal.before, journal.head), (head, head), "what is before it must be backed up");
    let next = write(&store, 2, "b");
    drop(store);
    check(&open(&options(home.path())).unwrap(), next);
}

#[test]
fn an_engine_ahead_of_an_older_journal_gives_the_journal_what_it_lacks() {
    let home = tempfile::tempdir().unwrap();
    closed(home.path(), 4);
    let older = killed(home.path());
    let store = open(&options(home.path())).unwrap();
    let head = write(&store, 4, "b");
    drop(store);
    fs::remove_dir_all(home.path().join("journal")).unwrap();
    fs::create_dir(home.path().join("journal")).unwrap();
    copy_into(&older.path().join("journal"), &home.path().join("journal"));
    let store = open(&options(home.path())).unwrap();
    check(&store, head);
    let journal = store.status().journal.unwrap();
    assert_eq!((journal.before, journal.head), (Head::EMPTY, head));
    drop(store);
    fs::remove_dir_all(home.path().join("sled")).unwrap();
    check_rebuilt(&open(&options(home.path())).unwrap(), head);
}

#[test]
fn two_events_at_one_revision_stop_the_start_with_both_hashes() {
    let home = tempfile::tempdir().unwrap();
    closed(home.path(), 3);
    let other = killed(home.path());
    let first = Revision(3 * 7 + 1);
    let of = |home: &Path, word| {
        let store = open(&options(home)).unwrap();
        write(&store, 2, word);
        store.stored_event(first).unwrap().unwrap().hash()
    };
    let (ours, theirs) = (of(home.path(), "b"), of(other.path(), "c"));
    // Their journal beside our engine, which is known to be synced only up to where both agree.
    let mixed = killed(home.path());
    fs::remove_dir_all(mixed.path().join("journal")).unwrap();
    fs::create_dir(mixed.path().join("journal")).unwrap();
    copy_into(&other.path().join("journal"), &mixed.path().join("journal"));
    for checkpoint in [true, false] {
        if !checkpoint {
            fs::remove_file(mixed.path().join("checkpoint")).unwrap();
        }
        let refused = refusal(mixed.path());
        let RecoveryError::Conflict { revision, engine, journal } = refused else { panic!("{refused}") };
        if checkpoint {
            assert_eq!(revision, Revision(5 * 7), "where the checkpoint says that both are the same");
        } else {
            assert_eq!((revision, engine, journal), (first, ours, theirs));
        }
    }
    assert!(refusal(mixed.path()).to_string().contains(blake3::Hash::from_bytes(theirs).to_hex().as_str()));
}

#[test]
fn a_journal_with_a_damaged_middle_stops_the_start_by_segment_and_offset() {
    let home = tempfile::tempdir().unwrap();
    closed(home.path(), 6);
    let mut segments: Vec<_> =
        fs::read_dir(home.path().join("journal")).unwrap().map(|entry| entry.unwrap().path()).collect();
    segments.sort();
    assert!(segments.len() > 2);
    let mut bytes = fs::read(&segments[1]).unwrap();
    bytes[200] ^= 1;
    fs::write(&segments[1], bytes).unwrap();
    let refused = refusal(home.path());
    assert!(matches!(refused, RecoveryError::Journal(_)), "{refused}");
    assert!(refused.to_string().contains(segments[1].to_str().unwrap()), "{refused}");
    assert!(refused.to_string().contains("offset"), "{refused}");
}

#[test]
fn a_journal_that_let_go_needs_the_backup_for_a_rebuild() {
    let home = tempfile::tempdir().unwrap();
    let store = open(&options(home.path())).unwrap();
    let covered = write(&store, 5, "a");
    drop(store);
    let store = open(&options(home.path())).unwrap();
    let elsewhere = tempfile::tempdir().unwrap();
    let backups = home.path().join("backups");
    let unverified =
        backup::write(&store, Head::EMPTY, covered, &backups, Timestamp::UNIX_EPOCH, &mut Unpaced).unwrap();
    backup::check(unverified, &store, elsewhere.path(), &mut Unpaced).unwrap();
    assert!(store.release_journal(&covered).unwrap() > 0);
    let head = write(&store, 4, "b");
    let before = store.status().journal.unwrap().before;
    assert!(before.revision > Revision(0));
    let identity = store.identity();
    drop(store);
    fs::remove_dir_all(home.path().join("sled")).unwrap();

    fs::rename(&backups, elsewhere.path().join("away")).unwrap();
    let refused = refusal(home.path());
    let RecoveryError::Unreachable { missing, .. } = &refused else { panic!("{refused}") };
    assert_eq!(*missing, (Revision(1), before.revision));

    fs::rename(elsewhere.path().join("away"), &backups).unwrap();
    let store = open(&options(home.path())).unwrap();
    assert_eq!(store.identity(), identity, "tokens and positions stay good");
    let recovered = store.status().recovered.unwrap();
    assert_eq!((recovered.from_backup, recovered.head), (covered.revision, head));
    check_rebuilt(&store, head);
}

#[test]
fn no_new_store_is_begun_beside_the_backups_of_another() {
    let home = tempfile::tempdir().unwrap();
    let store = open(&options(home.path())).unwrap();
    let head = write(&store, 2, "a");
    let empty = tempfile::tempdir().unwrap();
    let backups = empty.path().join("backups");
    let unverified = backup::write(&store, Head::EMPTY, head, &backups, Timestamp::UNIX_EPOCH, &mut Unpaced).unwrap();
    backup::check(unverified, &store, home.path(), &mut Unpaced).unwrap();
    let refused = refusal(empty.path());
    assert!(matches!(&refused, RecoveryError::OnlyBackups { directory } if *directory == backups), "{refused}");
    fs::remove_dir_all(&backups).unwrap();
    assert_eq!(open(&options(empty.path())).unwrap().head().unwrap(), Head::EMPTY);
}

#[test]
fn nothing_is_let_go_of_that_the_engine_has_not_on_the_disk() {
    let home = tempfile::tempdir().unwrap();
    let store = open(&options(home.path())).unwrap();
    let head = write(&store, 5, "a");
    assert!(store.status().journal.unwrap().segments > 2);
    assert_eq!(store.release_journal(&head).unwrap(), 0, "backed up, but not synced");
    let forged = Head { hash: [7; 32], ..head };
    assert!(store.release_journal(&forged).is_err(), "a backup of another history covers nothing");
}
