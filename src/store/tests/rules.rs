//! Rules that hold for every store.

use std::path::Path;

use super::super::keys::Key;
use super::super::{AppendError, Identity, KeySpan, MemoryStore, SledStore, StoreError, StoredEvent, Unfit, View};
use super::super::{chain, codec, verify_chain};
use super::*;

/// Runs a rule against both stores.
fn for_each_store(rule: impl Fn(&dyn Store)) {
    rule(&MemoryStore::new(Identity::fresh()));
    let home = tempfile::tempdir().unwrap();
    rule(&open(home.path()));
}

fn open(home: &Path) -> SledStore {
    SledStore::open(home, CACHE_BYTES).unwrap()
}

#[test]
fn an_empty_store_has_an_empty_head_and_no_views() {
    for_each_store(|store| {
        assert_eq!(store.head().unwrap(), Head::EMPTY);
        assert_eq!(store.event(Revision(0)).unwrap(), None);
        assert_eq!(store.event(Revision(1)).unwrap(), None);
        assert_eq!(store.events(ALL.0, ALL.1).count(), 0);
        for view in View::ALL {
            assert_eq!(store.view_version(view).unwrap(), None);
            assert_eq!(store.scan(&KeySpan::all(view)).count(), 0);
        }
        assert_eq!(verify_chain(store, Revision(1)).unwrap(), Head::EMPTY);
    });
}

#[test]
fn each_event_carries_the_hash_of_the_stored_bytes_before_it() {
    for_each_store(|store| {
        append(store, &[10]);
        let head = append(store, &[5_000, 0]);
        let stored: Vec<StoredEvent> = store.stored_events(ALL.0, ALL.1).map(Result::unwrap).collect();
        let mut previous = [0; 32];
        for stored in &stored {
            assert_eq!(stored.decode().unwrap().previous_hash, previous);
            previous = *blake3::hash(stored.bytes()).as_bytes();
        }
        assert_eq!((head.revision, head.hash), (Revision(3), previous));
        assert_eq!(store.head().unwrap(), head);
    });
}

#[test]
fn the_ledger_does_not_depend_on_the_engine() {
    let home = tempfile::tempdir().unwrap();
    let (disk, memory) = (open(home.path()), MemoryStore::new(Identity::fresh()));
    assert_eq!(append(&disk, &[3, 9_000, 80]), append(&memory, &[3, 9_000, 80]));
}

#[test]
fn a_write_prepared_at_another_head_changes_nothing() {
    for_each_store(|store| {
        let stale = append(store, &[1]);
        let head = append(store, &[1]);
        let forged = Head { revision: head.revision, hash: [1; 32] };
        for expected in [Head::EMPTY, stale, forged] {
            let views = vec![(dossier(1), Some(vec![1]))];
            let group = Group { events: events_after(&expected, &[1]), views };
            match store.append(&expected, &group) {
                Err(AppendError::Conflict { expected: told, found }) => {
                    assert_eq!((told, found), (expected, head));
                }
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(store.head().unwrap(), head);
        assert_eq!(store.get(&dossier(1)).unwrap(), None);
    });
}

#[test]
fn a_group_that_breaks_a_rule_is_refused_whole_and_the_next_is_taken() {
    for_each_store(|store| {
        let head = append(store, &[1]);
        let fit = event(2, 1);
        let spoil = |change: fn(&mut pb::Event)| {
            let mut event = event(3, 1);
            change(&mut event);
            event
        };
        let revision = Revision(3);
        let cases = [
            (spoil(|event| event.revision = 4), Unfit::Revision { found: Revision(4), expected: revision }),
            (spoil(|event| event.revision = 2), Unfit::Revision { found: Revision(2), expected: revision }),
            (spoil(|event| event.previous_hash = vec![0; 32]), Unfit::Sealed { revision }),
            (spoil(|event| event.body = None), Unfit::NoBody { revision }),
            (
                spoil(|event| event.schema_version += 1),
                Unfit::Schema { revision, found: u32::from(SCHEMA_VERSION) + 1, writes: SCHEMA_VERSION.into() },
            ),
            (spoil(|event| event.key_id = 9), Unfit::Encrypted { revision, key_id: 9 }),
        ];
        for (unfit, reason) in cases {
            let group = Group { events: vec![fit.clone(), unfit], views: vec![(dossier(1), Some(vec![1]))] };
            match store.append(&head, &group) {
                Err(AppendError::Unfit(told)) => assert_eq!(told, reason),
                other => panic!("{other:?}"),
            }
        }
        let long = Group { events: vec![fit.clone()], views: vec![(dossier(1), Some(vec![0; codec::MAX_VALUE + 1]))] };
        assert!(matches!(store.append(&head, &long), Err(AppendError::Unfit(Unfit::TooLong { .. }))));
        let index = ViewKey::subject_index(SubjectId(1), Revision(2));
        let long = Group { events: vec![fit], views: vec![(index, Some(vec![0; codec::MAX_WHOLE + 1]))] };
        assert!(matches!(store.append(&head, &long), Err(AppendError::Unfit(Unfit::TooLong { .. }))));

        assert_eq!(store.head().unwrap(), head);
        assert_eq!(store.get(&dossier(1)).unwrap(), None);
        append(store, &[1]);
    });
}

#[test]
fn of_several_changes_to_one_entry_the_last_counts() {
    let (long, short, longer) = (vec![1; 9_000], vec![2; 10], vec![3; 20_000]);
    for_each_store(|store| {
        let (one, two) = (dossier(1), dossier(2));
        set(store, &[(one, Some(&longer)), (two, Some(&longer))]);
        set(store, &[(one, Some(&long)), (two, Some(&short)), (one, Some(&short)), (two, Some(&long))]);
        assert_eq!(store.get(&one).unwrap().as_deref(), Some(&*short));
        assert_eq!(store.get(&two).unwrap().as_deref(), Some(&*long));
        set(store, &[(one, None), (one, Some(&longer)), (two, Some(&longer)), (two, None)]);
        assert_eq!(store.get(&one).unwrap().as_deref(), Some(&*longer));
        assert_eq!(store.get(&two).unwrap(), None);
    });
}

#[test]
fn a_shorter_value_leaves_no_part_of_a_longer_one_behind() {
    let home = tempfile::tempdir().unwrap();
    let store = open(home.path());
    let rows = || store.engine().tree().scan_prefix(b"s/").count();
    set(&store, &[(dossier(1), Some(&vec![1; 20_000]))]);
    assert_eq!(rows(), 5);
    set(&store, &[(dossier(1), Some(&[2; 9_000]))]);
    assert_eq!(rows(), 3);
    set(&store, &[(dossier(1), Some(&vec![3; 20_000])), (dossier(1), Some(&[3; 5_000]))]);
    assert_eq!(rows(), 2);
    set(&store, &[(dossier(1), None)]);
    assert_eq!(rows(), 0);
}

#[test]
fn no_frame_is_longer_than_the_engine_takes_well() {
    let home = tempfile::tempdir().unwrap();
    let store = open(home.path());
    append(&store, &[3_900, 4_000, 4_096, 60_000]);
    set(&store, &[(dossier(1), Some(&vec![7; 1 << 20]))]);
    let longest = store.engine().tree().iter().map(|row| row.unwrap().1.len()).max();
    assert_eq!(longest, Some(codec::MAX_FRAME));
    assert_eq!(std::fs::read_dir(home.path().join("sled/blobs")).unwrap().count(), 0);
}

#[test]
fn spans_stop_at_their_subject_kind_and_revision() {
    for_each_store(|store| {
        let index = |subject, revision| ViewKey::subject_index(SubjectId(subject), Revision(revision));
        let mut entries: Vec<_> = (1..=600).map(|revision| index(7, revision)).collect();
        entries.extend([index(6, 5), index(8, 5), ViewKey::kind_index(7, Revision(5))]);
        let changes: Vec<_> = entries.iter().map(|key| (*key, Some(&b""[..]))).collect();
        set(store, &changes);
        let found = |from, through| -> Vec<u64> {
            let entries = store.scan_subject(SubjectId(7), Revision(from), Revision(through));
            entries.map(|entry| entry.unwrap().0.revision().unwrap().0).collect()
        };
        assert_eq!(found(0, u64::MAX), (1..=600).collect::<Vec<_>>());
        assert_eq!(found(200, 300), (200..=300).collect::<Vec<_>>());
        assert_eq!(found(9, 8), Vec::<u64>::new());
        assert_eq!(store.scan(&KeySpan::kind_index(7, ALL.0, ALL.1)).count(), 1);
        assert_eq!(store.scan(&KeySpan::all(View::SubjectIndex)).count(), 602);
    });
}

#[test]
fn a_replaced_view_holds_the_new_entries_alone_in_its_new_version() {
    for_each_store(|store| {
        let before: Vec<_> = (0..700).map(dossier).collect();
        let long = vec![9; 9_000];
        set(store, &before.iter().map(|key| (*key, Some(&*long))).collect::<Vec<_>>());
        let after = || (350..5_350).map(|subject| (dossier(subject), vec![1; 300]));
        store.replace_view(View::Dossier, 4, &mut after().map(Ok)).unwrap();
        assert_eq!(store.view_version(View::Dossier).unwrap(), Some(4));
        let held: Vec<_> = store.scan(&KeySpan::all(View::Dossier)).map(Result::unwrap).collect();
        assert_eq!(held, after().collect::<Vec<_>>());
        assert_eq!(store.view_version(View::Request).unwrap(), None);
    });
}

#[test]
fn an_interrupted_rebuild_is_seen_as_a_missing_view() {
    for_each_store(|store| {
        store.replace_view(View::Dossier, 4, &mut std::iter::empty()).unwrap();
        let cut = Err(StoreError::MissingEvent { revision: Revision(3) });
        let mut entries = (0..5_000).map(|subject| Ok((dossier(subject), vec![1]))).chain([cut]);
        let error = store.replace_view(View::Dossier, 5, &mut entries).unwrap_err();
        assert!(matches!(error, AppendError::Failed(StoreError::MissingEvent { .. })), "{error}");
        assert_eq!(store.view_version(View::Dossier).unwrap(), None);

        let mut foreign = [Ok((ViewKey::kind_index(1, Revision(1)), vec![]))].into_iter();
        let error = store.replace_view(View::Dossier, 5, &mut foreign).unwrap_err();
        assert!(matches!(error, AppendError::Unfit(Unfit::OtherView { .. })), "{error}");

        store.replace_view(View::Dossier, 5, &mut std::iter::empty()).unwrap();
        assert_eq!(store.view_version(View::Dossier).unwrap(), Some(5));
    });
}

#[test]
fn a_rebuild_may_read_the_ledger_that_it_is_made_from() {
    for_each_store(|store| {
        append(store, &[10; 300]);
        let mut entries = store.events(ALL.0, ALL.1).map(|event| {
            let event = event?;
            Ok((ViewKey::subject_index(SubjectId(event.subject_id), Revision(event.revision)), vec![]))
        });
        store.replace_view(View::SubjectIndex, 1, &mut entries).unwrap();
        assert_eq!(store.scan(&KeySpan::all(View::SubjectIndex)).count(), 300);
    });
}

#[test]
fn the_chain_can_be_checked_from_any_event() {
    for_each_store(|store| {
        let head = append(store, &[5; 20]);
        for events in [0, 1, 7, 20, 50] {
            assert_eq!(verify_chain(store, chain::last(events, &head)).unwrap(), head);
        }
        assert_eq!(chain::last(7, &head), Revision(14));
    });
}

#[test]
fn a_store_keeps_its_identity_and_admits_one_opener() {
    let home = tempfile::tempdir().unwrap();
    let store = open(home.path());
    let (identity, head) = (store.identity(), append(&store, &[1, 5_000]));
    assert!(matches!(SledStore::open(home.path(), CACHE_BYTES), Err(StoreError::InUse { .. })));
    drop(store);
    let store = open(home.path());
    assert_eq!((store.identity(), store.head().unwrap()), (identity, head));
    let other = tempfile::tempdir().unwrap();
    assert_ne!(open(other.path()).identity(), identity);
}

#[test]
fn a_half_written_snapshot_does_not_stop_the_store_from_opening() {
    let home = tempfile::tempdir().unwrap();
    let head = append(&open(home.path()), &[1, 2, 3]);
    let left = home.path().join("sled/snap.FFFFFFFFFFFFFFFF.generating");
    std::fs::write(&left, b"torn").unwrap();
    let copy = tempfile::tempdir().unwrap();
    for name in ["db", "conf", "snap.FFFFFFFFFFFFFFFF.generating"] {
        std::fs::copy(home.path().join("sled").join(name), copy.path().join(name)).unwrap();
    }
    let unguarded = sled::open(copy.path());
    assert!(matches!(unguarded, Err(sled::Error::Corruption { .. })), "is the guard still needed?");
    assert_eq!(open(home.path()).head().unwrap(), head);
    assert!(!left.exists());
}

#[test]
fn a_creation_that_was_cut_short_begins_again() {
    let home = tempfile::tempdir().unwrap();
    let unfinished = home.path().join("sled.new");
    std::fs::create_dir(&unfinished).unwrap();
    std::fs::write(unfinished.join("conf"), b"segment_").unwrap();
    append(&open(home.path()), &[1]);
    assert!(!unfinished.exists());
}

#[test]
fn a_store_without_its_data_is_not_made_anew() {
    let home = tempfile::tempdir().unwrap();
    drop(open(home.path()));
    let data = home.path().join("sled/db");
    std::fs::remove_file(&data).unwrap();
    assert!(matches!(SledStore::open(home.path(), CACHE_BYTES), Err(StoreError::Io { .. })));
    assert!(!data.exists());

    let foreign = tempfile::tempdir().unwrap();
    sled::open(foreign.path().join("sled")).unwrap().insert("their", "key").unwrap();
    assert!(matches!(SledStore::open(foreign.path(), CACHE_BYTES), Err(StoreError::NotAStore { .. })));
}

#[test]
fn a_store_of_a_newer_schema_is_refused_by_name() {
    let home = tempfile::tempdir().unwrap();
    {
        let store = open(home.path());
        let tree = store.engine().tree();
        codec::Encoder::default()
            .encode(&Key::schema(), SCHEMA_VERSION, &7_u32.to_be_bytes(), |key, frame| {
                tree.insert(key, frame).unwrap();
            })
            .unwrap();
    }
    let error = SledStore::open(home.path(), CACHE_BYTES).unwrap_err();
    assert!(
        matches!(error, StoreError::NewerSchema { found: 7, known } if known == u32::from(SCHEMA_VERSION)),
        "{error}"
    );
}
