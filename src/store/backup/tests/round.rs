//! What goes into a backup comes out of it, and only a proved file counts.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::SystemTime;

use super::super::{Incarnation, Kind, Trailer, Until, restore, sweep};
use super::*;
use crate::store::load::LoadError;
use crate::store::{Stage, Step, verify_chain};

const SIZES: [usize; 8] = [40, 0, 10_000, 40, 4_000, 4_100, 300_000, 40];

/// Backs up in three pieces, restores, and compares every byte.
fn comes_back_whole(store: &dyn Store) {
    let place = Place::new();
    append(store, &SIZES);
    append(store, &[7; 1_500]);
    let head = append(store, &SIZES);
    let made = [(0, 5), (5, 1_200), (1_200, head.revision.0)].map(|(from, to)| place.between(store, from, to));
    assert_eq!(made.each_ref().map(|file| file.header.kind), [Kind::Full, Kind::Incremental, Kind::Incremental]);

    let plan = place.catalogue().plan(Until::End).unwrap();
    assert_eq!(plan.reaches(), head);
    let target = place.path("restored");
    let kept = Incarnation::Kept(store.identity());
    let restored = restore(&plan, None, Until::End, &target, kept, &mut Unpaced).unwrap();
    assert_eq!((restored.head, restored.reaches, restored.identity), (head, head, store.identity()));
    let opened = open(&target);
    assert_eq!(opened.identity(), store.identity());
    assert_eq!(opened.head().unwrap(), head);
    assert!(all(&opened) == all(store), "every stored byte must be the same");
    assert_eq!(verify_chain(&opened, Revision(1)).unwrap(), head);
    append(&opened, &[3]);
}

#[test]
fn what_is_backed_up_comes_back_to_the_byte_from_memory() {
    comes_back_whole(&memory());
}

#[test]
fn what_is_backed_up_comes_back_to_the_byte_from_disk() {
    let home = tempfile::tempdir().unwrap();
    comes_back_whole(&open(home.path()));
}

#[test]
fn an_empty_ledger_can_be_backed_up_and_restored() {
    let (place, store) = (Place::new(), memory());
    place.between(&store, 0, 0);
    let plan = place.catalogue().plan(Until::End).unwrap();
    let target = place.path("restored");
    let restored = restore(&plan, None, Until::End, &target, Incarnation::New, &mut Unpaced).unwrap();
    assert_eq!((restored.head, restored.recorded_micros), (Head::EMPTY, None));
    append(&open(&target), &[1]);
}

#[test]
fn an_incremental_backup_of_nothing_is_not_made() {
    let (place, store) = (Place::new(), memory());
    let head = append(&store, &[1, 2]);
    for (before, through) in [(head, head), (head, head_at(&store, 1))] {
        let refused = write(&store, before, through, &place.backups(), recorded(1), &mut Unpaced).unwrap_err();
        assert!(matches!(refused, BackupError::NothingNew { .. }), "{refused}");
    }
    assert_eq!(place.names("backups"), [""; 0]);
}

#[test]
fn a_backup_made_while_the_store_is_written_holds_what_was_acknowledged_when_it_began() {
    let home = tempfile::tempdir().unwrap();
    let store = Arc::new(open(home.path()));
    append(&*store, &[200; 600]);
    let done = Arc::new(AtomicBool::new(false));
    let writer = std::thread::spawn({
        let (store, done) = (Arc::clone(&store), Arc::clone(&done));
        move || {
            let mut groups = 0;
            while !done.load(Ordering::Relaxed) {
                append(&*store, &[50, 5_000, 50]);
                groups += 1;
            }
            groups
        }
    });
    let place = Place::new();
    let mut before = Head::EMPTY;
    for _ in 0..4 {
        let through = store.head().unwrap();
        if through != before {
            let file = place.checked(place.written(&*store, before, through, recorded(1)), &*store).unwrap();
            assert_eq!(file.trailer.head, through);
            before = through;
        }
    }
    done.store(true, Ordering::Relaxed);
    assert!(writer.join().unwrap() > 0, "it must have been written meanwhile");
    let plan = place.catalogue().plan(Until::End).unwrap();
    let events: Vec<StoredEvent> = plan.events().map(Result::unwrap).collect();
    assert!(events[..] == all(&*store)[..events.len()]);
    assert_eq!(plan.reaches(), before);
}

#[test]
fn a_backup_does_not_count_before_it_has_been_restored_once() {
    let (place, store) = (Place::new(), memory());
    let head = append(&store, &[1, 2, 3]);
    let unverified = place.written(&store, Head::EMPTY, head, recorded(1));
    assert_eq!(place.catalogue().latest(), None);
    assert!(place.catalogue().misfits.is_empty());
    let file = place.checked(unverified, &store).unwrap();
    assert_eq!(place.catalogue().latest(), Some(head));
    assert_eq!(place.catalogue().files, [file]);
    assert_eq!(place.names("backups").len(), 1);
    assert_eq!(place.names("scratch"), [""; 0], "nothing of the proof is left");
}

#[test]
fn a_backup_can_be_made_at_any_instant() {
    let (place, store) = (Place::new(), memory());
    let head = append(&store, &[1]);
    for nanoseconds in [-1_234_567_891, 0, 1, 1_700_000_000_123_456_789] {
        let instant = Timestamp::from_nanosecond(nanoseconds).unwrap();
        let file = place.checked(place.written(&store, Head::EMPTY, head, instant), &store).unwrap();
        assert_eq!(file.header.created.as_microsecond(), instant.as_microsecond());
        assert_eq!(place.catalogue().files, [file]);
    }
}

#[test]
fn an_interrupted_backup_leaves_nothing_that_counts() {
    let (place, store) = (Place::new(), memory());
    let head = append(&store, &vec![1_000; 6_000]);
    for stop_at in [Stage::Write, Stage::Load, Stage::Compare] {
        let mut pace = |step: Step| {
            if step.stage == stop_at { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        let made = write(&store, Head::EMPTY, head, &place.backups(), recorded(1), &mut pace)
            .and_then(|unverified| check(unverified, &store, &place.path("scratch"), &mut pace));
        assert!(matches!(made, Err(BackupError::Stopped)), "{stop_at:?}");
        assert_eq!(place.names("backups"), [""; 0], "{stop_at:?}");
        assert_eq!(place.names("scratch"), [""; 0], "{stop_at:?}");
    }
}

#[test]
fn what_a_killed_backup_left_is_ignored_and_swept() {
    let (place, store) = (Place::new(), memory());
    let head = append(&store, &[1, 2, 3]);
    let file = place.between(&store, 0, 3);
    let unverified = place.written(&store, head_at(&store, 1), head, recorded(9));
    let partial = file.path.with_extension("steelyard.partial");
    std::fs::copy(&file.path, &partial).unwrap();
    let catalogue = place.catalogue();
    assert_eq!(catalogue.files.len(), 1);
    assert!(catalogue.misfits.is_empty());

    assert_eq!(sweep(&place.backups(), SystemTime::UNIX_EPOCH).unwrap(), [""; 0].map(PathBuf::from), "too young");
    let later = SystemTime::now() + std::time::Duration::from_hours(1);
    let mut left = [partial, unverified.path];
    left.sort();
    assert_eq!(sweep(&place.backups(), later).unwrap(), left);
    assert_eq!(place.catalogue().files, [file]);
}

#[test]
fn the_pace_hears_of_every_event() {
    let (place, store) = (Place::new(), memory());
    let head = append(&store, &vec![100; 5_000]);
    let mut heard = std::collections::BTreeMap::new();
    let mut pace = |step: Step| {
        *heard.entry(format!("{:?}", step.stage)).or_insert(0) += step.events;
        ControlFlow::Continue(())
    };
    let unverified = write(&store, Head::EMPTY, head, &place.backups(), recorded(1), &mut pace).unwrap();
    check(unverified, &store, &place.path("scratch"), &mut pace).unwrap();
    assert_eq!(
        heard.into_iter().collect::<Vec<_>>(),
        ["Compare", "Load", "Write"].map(|name| (name.to_owned(), 5_000))
    );
}

#[test]
fn a_file_that_is_not_the_live_ledger_is_refused_and_set_aside() {
    let (place, store, other) = (Place::new(), memory(), memory());
    let head = append(&store, &[1, 2, 3]);
    append(&other, &[1, 2, 4]);
    // A schedule tries again and again: the last one refused is kept, and no more.
    let earlier = place.written(&store, Head::EMPTY, head_at(&store, 2), recorded(1));
    place.checked(Unverified { trailer: Trailer { events: 9, ..earlier.trailer }, ..earlier }, &store).unwrap_err();
    assert_eq!(place.names("backups").len(), 1);
    let unverified = place.written(&store, Head::EMPTY, head, recorded(1));
    let refused = place.checked(unverified, &other).unwrap_err();
    assert!(matches!(refused, BackupError::Differs { .. }), "{refused}");
    assert!(refused.to_string().contains(&head.to_string()), "{refused}");
    let names = place.names("backups");
    let name = format!("{:020}-{:020}-", 1, 3);
    assert!(names.len() == 1 && names[0].starts_with(&name), "{names:?}");
    assert!(names[0].ends_with(".full.steelyard.refused"), "{names:?}");
    assert!(place.catalogue().files.is_empty());
    assert_eq!(place.names("scratch"), [""; 0]);
}

#[test]
fn a_store_is_only_ever_filled_where_there_is_none() {
    let (place, store) = (Place::new(), memory());
    append(&store, &[1, 2]);
    let target = place.path("store");
    drop(open(&target));
    let events = || all(&store).into_iter().map(Ok::<_, LoadError>);
    let refused = SledStore::load(&target, Identity::fresh(), events(), &mut Unpaced).unwrap_err();
    assert!(matches!(&refused, LoadError::Occupied { path } if path.ends_with("store/sled")), "{refused}");
    assert_eq!(open(&target).head().unwrap(), Head::EMPTY);

    let gap = all(&store).into_iter().skip(1).map(Ok::<_, LoadError>);
    let fresh = place.path("fresh");
    let refused = SledStore::load(&fresh, Identity::fresh(), gap, &mut Unpaced).unwrap_err();
    assert_eq!(refused.to_string(), "e/ revision 1: missing from the ledger");
    assert_eq!(place.names("fresh"), ["lock"], "nothing is left of a failed filling");
    SledStore::load(&fresh, Identity::fresh(), events(), &mut Unpaced).unwrap();
    assert!(all(&open(&fresh)) == all(&store));
}
