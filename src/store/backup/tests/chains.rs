//! Which files belong together, and which may go.

use super::super::{Kind, Plan, Until};
use super::*;

fn ranges(plan: &Plan) -> Vec<(u64, u64)> {
    plan.files().iter().map(range).collect()
}

fn range(file: &BackupFile) -> (u64, u64) {
    (file.header.before.revision.0, file.trailer.head.revision.0)
}

fn held(place: &Place) -> Vec<(u64, u64)> {
    place.catalogue().files.iter().map(range).collect()
}

fn store_of(events: usize) -> MemoryStore {
    let store = memory();
    append(&store, &vec![20; events]);
    store
}

#[test]
fn a_plan_takes_the_chain_that_reaches_furthest_and_no_more_files_than_needed() {
    let (place, store) = (Place::new(), store_of(30));
    for (before, through) in [(0, 10), (10, 15), (15, 22), (0, 20), (20, 21), (23, 30)] {
        place.between(&store, before, through);
    }
    let catalogue = place.catalogue();
    assert_eq!(ranges(&catalogue.plan(Until::End).unwrap()), [(0, 10), (10, 15), (15, 22)]);
    assert_eq!(catalogue.latest(), Some(head_at(&store, 22)), "what follows a gap is not reached");
    assert_eq!(ranges(&catalogue.plan(Until::Revision(Revision(11))).unwrap()), [(0, 10), (10, 15)]);
    assert_eq!(ranges(&catalogue.plan(Until::Revision(Revision(10))).unwrap()), [(0, 10)]);
    let others: Vec<_> = catalogue.plans(Until::Revision(Revision(21))).unwrap().iter().map(ranges).collect();
    assert_eq!(others, [vec![(0, 10), (10, 15), (15, 22)], vec![(0, 20), (20, 21)]]);
    let refused = catalogue.plan(Until::Revision(Revision(23))).unwrap_err();
    assert!(matches!(&refused, BackupError::OutOfReach { reaches, .. } if reaches.revision.0 == 22), "{refused}");
}

#[test]
fn incremental_backups_alone_restore_nothing() {
    let (place, store) = (Place::new(), store_of(5));
    place.between(&store, 2, 5);
    let refused = place.catalogue().plan(Until::End).unwrap_err();
    assert!(matches!(refused, BackupError::NoFull { incrementals: 1 }), "{refused}");
    assert!(matches!(Catalogue::default().plan(Until::End), Err(BackupError::NoFull { incrementals: 0 })));
    assert_eq!(Catalogue::read(&place.path("nowhere")).unwrap().latest(), None);
}

#[test]
fn files_of_another_store_or_after_a_gap_are_refused_by_name() {
    let (place, store, other) = (Place::new(), store_of(9), store_of(9));
    let full = place.between(&store, 0, 3);
    let gap = place.between(&store, 5, 9);
    let foreign = place.between(&other, 0, 8);
    let refused = Plan::exactly(vec![full.clone(), gap.clone()]).unwrap_err().to_string();
    assert!(refused.starts_with(&*gap.path.to_string_lossy()), "{refused}");
    assert!(refused.contains(&head_at(&store, 5).to_string()), "{refused}");
    let refused = Plan::exactly(vec![full, foreign.clone()]).unwrap_err();
    assert!(refused.to_string().starts_with(&*foreign.path.to_string_lossy()), "{refused}");
    assert!(matches!(refused, BackupError::OtherStore { .. }));
    assert!(matches!(Plan::exactly(vec![gap]), Err(BackupError::NoFull { .. })));

    assert!(
        matches!(place.catalogue().plan(Until::End), Err(BackupError::SeveralStores { stores }) if stores.len() == 2)
    );
    let own = place.catalogue().of_store(store.identity().store_id);
    assert_eq!(ranges(&own.plan(Until::End).unwrap()), [(0, 3)]);
    assert_eq!(own.misfits.len(), 1);
    assert_eq!(own.misfits[0].path, foreign.path);
}

#[test]
fn the_next_incremental_begins_after_what_the_live_ledger_has_of_the_backups() {
    let (place, store) = (Place::new(), store_of(12));
    assert_eq!(place.catalogue().base_for(&store).unwrap(), None);
    place.between(&store, 0, 6);
    place.between(&store, 6, 9);
    assert_eq!(place.catalogue().base_for(&store).unwrap(), Some(head_at(&store, 9)));
    // Restored to revision 7 and gone on from there: another ledger from 8 on.
    let forked = MemoryStore::new(Identity { store_id: store.identity().store_id, ..Identity::fresh() });
    append(&forked, &[20; 7]);
    append(&forked, &[21; 7]);
    assert_eq!(place.catalogue().base_for(&forked).unwrap(), Some(head_at(&store, 6)));
    assert_eq!(place.catalogue().base_for(&store_of(12)).unwrap(), None, "another store");
}

#[test]
fn after_a_restore_the_history_written_to_last_is_followed() {
    let (place, store) = (Place::new(), store_of(20));
    place.between(&store, 0, 6);
    place.between(&store, 6, 15);
    let forked = MemoryStore::new(Identity { store_id: store.identity().store_id, ..Identity::fresh() });
    append(&forked, &[20; 8]);
    append(&forked, &[21; 2]);
    let unverified = place.written(&forked, head_at(&forked, 6), head_at(&forked, 10), recorded(100));
    place.checked(unverified, &forked).unwrap();
    let catalogue = place.catalogue();
    assert_eq!(catalogue.latest(), Some(head_at(&forked, 10)), "though the other reaches further");
    assert_eq!(catalogue.chains().len(), 2);
    assert_eq!(ranges(&catalogue.plan(Until::Revision(Revision(14))).unwrap()), [(0, 6), (6, 15)]);
}

#[test]
fn what_is_older_than_the_full_backups_kept_goes_with_its_incrementals() {
    let (place, store) = (Place::new(), store_of(40));
    for (before, through) in [(0, 5), (5, 8), (0, 10), (10, 14), (14, 18), (0, 20), (20, 30), (0, 31), (31, 40)] {
        place.between(&store, before, through);
    }
    let removed = place.catalogue().prune(3, &Head::EMPTY).unwrap();
    assert_eq!(removed.len(), 2);
    assert!(removed[0].to_string_lossy().ends_with(".incremental.steelyard"), "never an incremental without its full");
    assert_eq!(held(&place), [(0, 10), (0, 20), (0, 31), (10, 14), (14, 18), (20, 30), (31, 40)]);
    let mut catalogue = place.catalogue();
    catalogue.prune(1, &Head::EMPTY).unwrap();
    assert_eq!(held(&place), [(0, 31), (31, 40)]);
    assert_eq!(catalogue.files, place.catalogue().files);
}

#[test]
fn a_clock_set_back_does_not_make_the_newest_backup_the_oldest() {
    let (place, store) = (Place::new(), store_of(40));
    for through in [10, 20, 30] {
        place.between(&store, 0, through);
    }
    let head = head_at(&store, 40);
    let written = place.written(&store, Head::EMPTY, head, recorded(1));
    place.checked(written, &store).unwrap();
    place.catalogue().prune(3, &head).unwrap();
    assert!(held(&place).contains(&(0, 40)), "the journal was let go of up to there: {:?}", held(&place));
}

#[test]
fn the_last_chain_is_never_removed() {
    let (place, store) = (Place::new(), store_of(12));
    place.between(&store, 0, 5);
    place.between(&store, 5, 8);
    for keep_full in [0, 1, 3] {
        assert_eq!(place.catalogue().prune(keep_full, &Head::EMPTY).unwrap(), [""; 0].map(PathBuf::from));
        assert_eq!(held(&place), [(0, 5), (5, 8)]);
    }
    // A newer full backup whose header is gone does not count: what is there besides stays.
    let newer = place.between(&store, 0, 12);
    std::fs::write(&newer.path, b"damaged").unwrap();
    assert_eq!(place.catalogue().prune(1, &Head::EMPTY).unwrap(), [""; 0].map(PathBuf::from));
    assert!(newer.path.exists(), "a misfit is not removed either");
    // Another store in the same directory keeps its own.
    let other = store_of(30);
    place.between(&other, 0, 30);
    assert_eq!(place.catalogue().prune(1, &Head::EMPTY).unwrap(), [""; 0].map(PathBuf::from));
    let kinds = place.catalogue().files.iter().filter(|file| file.header.kind == Kind::Full).count();
    assert_eq!(kinds, 2);
}
