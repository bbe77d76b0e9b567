//! A restore gives a prefix of the ledger in a directory that held nothing, or nothing at all.

use std::fs;
use std::ops::ControlFlow;

use jiff::ToSpan;

use super::super::{Incarnation, JournalTail, Restored, Tail, Until, examine, restore};
use super::*;
use crate::store::journal::Journal;
use crate::store::{Stage, Step};

/// Ten events, five of them in a full backup and three in an incremental one, and the rest in a journal from the 7th on.
struct Lost {
    place: Place,
    store: MemoryStore,
}

impl Lost {
    fn new() -> Self {
        let (place, store) = (Place::new(), memory());
        append(&store, &[30, 9_000, 30, 30, 30, 30, 30, 30, 30, 30]);
        place.between(&store, 0, 5);
        place.between(&store, 5, 8);
        Self { place, store }
    }

    fn journal(&self, before: u64) -> JournalTail {
        self.journal_of(self.store.identity(), &self.store, before)
    }

    fn journal_of(&self, identity: Identity, store: &dyn Store, before: u64) -> JournalTail {
        let directory = self.place.path("journal");
        let mut journal = Journal::create(&directory, identity, head_at(store, before), 1 << 16).unwrap();
        for event in all(store).into_iter().filter(|event| event.revision.0 > before) {
            journal.append(&[event]).unwrap();
        }
        drop(journal);
        JournalTail::open(&directory).unwrap().unwrap()
    }

    fn restore(&self, tail: Option<&JournalTail>, until: Until, name: &str) -> Result<Restored, BackupError> {
        let plan = self.place.catalogue().plan(if tail.is_some() { Until::End } else { until })?;
        let tail = tail.map(|tail| tail as &dyn Tail);
        restore(&plan, tail, until, &self.place.path(name), Incarnation::New, &mut Unpaced)
    }

    /// The restored store holds exactly the first `events`.
    fn holds(&self, name: &str, events: usize) {
        let opened = open(&self.place.path(name));
        assert!(all(&opened) == all(&self.store)[..events]);
        assert_eq!(opened.head().unwrap(), head_at(&self.store, events as u64));
        append(&opened, &[5]);
    }
}

#[test]
fn a_restore_goes_to_the_end_to_a_revision_and_to_a_moment() {
    let lost = Lost::new();
    let between = recorded(4).checked_add(500.milliseconds()).unwrap();
    let cases = [
        (Until::End, 8),
        (Until::Revision(Revision(7)), 7),
        (Until::Revision(Revision(5)), 5),
        (Until::Revision(Revision(1)), 1),
        (Until::Moment(recorded(4)), 4),
        (Until::Moment(between), 4),
        (Until::Moment(recorded(1_000)), 8),
    ];
    for (number, (until, events)) in cases.into_iter().enumerate() {
        let name = format!("restored-{number}");
        let restored = lost.restore(None, until, &name).unwrap();
        assert_eq!(restored.head, head_at(&lost.store, events as u64), "{until}");
        assert_eq!(restored.recorded_micros, Some(recorded(events as u64).as_microsecond()));
        lost.holds(&name, events);
    }
}

#[test]
fn what_lies_outside_of_the_backups_is_refused_with_how_far_they_reach() {
    let lost = Lost::new();
    for until in [Until::Revision(Revision(9)), Until::Revision(Revision(0)), Until::Moment(recorded(0))] {
        let refused = lost.restore(None, until, "restored").unwrap_err();
        assert!(matches!(refused, BackupError::OutOfReach { .. }), "{until}: {refused}");
        assert!(!lost.place.path("restored").exists());
    }
}

#[test]
fn a_restore_is_another_incarnation_of_the_same_store() {
    let lost = Lost::new();
    let restored = lost.restore(None, Until::End, "restored").unwrap();
    let before = lost.store.identity();
    assert_eq!(restored.identity.store_id, before.store_id);
    assert_ne!(restored.identity.incarnation, before.incarnation);
    assert_eq!(open(&lost.place.path("restored")).identity(), restored.identity);
}

#[test]
fn a_journal_gives_what_came_after_the_last_backup() {
    for before in [0, 6, 8] {
        let lost = Lost::new();
        let journal = lost.journal(before);
        let restored = lost.restore(Some(&journal), Until::End, "restored").unwrap();
        assert_eq!((restored.head.revision, restored.from_backups), (Revision(10), Revision(8)));
        lost.holds("restored", 10);
        lost.restore(Some(&journal), Until::Revision(Revision(9)), "nine").unwrap();
        lost.holds("nine", 9);
        lost.restore(Some(&journal), Until::Moment(recorded(3)), "three").unwrap();
        lost.holds("three", 3);
    }
}

#[test]
fn a_journal_that_does_not_follow_the_backups_is_refused_by_name() {
    let lost = Lost::new();
    let refused = lost.restore(Some(&lost.journal(9)), Until::End, "restored").unwrap_err();
    assert!(matches!(&refused, BackupError::Gap { path, .. } if path.ends_with("journal")), "{refused}");

    let lost = Lost::new();
    let foreign = lost.journal_of(Identity::fresh(), &lost.store, 6);
    let refused = lost.restore(Some(&foreign), Until::End, "restored").unwrap_err();
    assert!(matches!(&refused, BackupError::OtherStore { path, .. } if path.ends_with("journal")), "{refused}");

    let lost = Lost::new();
    let forked = memory();
    append(&forked, &[31; 10]);
    let journal = lost.journal_of(lost.store.identity(), &forked, 6);
    let refused = lost.restore(Some(&journal), Until::End, "restored").unwrap_err();
    assert_eq!(refused.to_string(), "e/ revision 8: its bytes are not those that the chain was built on");
    assert_eq!(lost.place.names("restored"), [""; 0]);
    assert!(!lost.place.path("restored.restoring").exists());
}

#[test]
fn a_journal_is_only_read() {
    let lost = Lost::new();
    drop(lost.journal(6));
    let segment = lost.place.path("journal").join(&lost.place.names("journal")[0]);
    let mut bytes = fs::read(&segment).unwrap();
    let last = bytes.iter().rposition(|byte| *byte != 0).unwrap();
    bytes[last] ^= 1;
    fs::write(&segment, &bytes).unwrap();
    let journal = JournalTail::open(&lost.place.path("journal")).unwrap().unwrap();
    assert!(journal.is_torn());
    let restored = lost.restore(Some(&journal), Until::End, "restored").unwrap();
    assert_eq!(restored.head.revision, Revision(9), "the group that was not written whole is not there");
    assert!(fs::read(&segment).unwrap() == bytes);
}

#[test]
fn a_directory_that_holds_anything_is_never_touched() {
    let lost = Lost::new();
    let target = lost.place.path("restored");
    fs::create_dir(&target).unwrap();
    fs::write(target.join("minutes.txt"), "of the meeting").unwrap();
    let refused = lost.restore(None, Until::End, "restored").unwrap_err();
    assert!(matches!(&refused, BackupError::NotEmpty { path, found } if *path == target && found == "minutes.txt"));
    assert_eq!(lost.place.names("restored"), ["minutes.txt"]);

    let beside = lost.place.path("other.restoring");
    fs::create_dir(&beside).unwrap();
    fs::write(beside.join("minutes.txt"), "of the meeting").unwrap();
    let refused = lost.restore(None, Until::End, "other").unwrap_err();
    assert!(matches!(&refused, BackupError::NotEmpty { path, .. } if *path == beside), "{refused}");
    assert_eq!(lost.place.names("other.restoring"), ["minutes.txt"]);

    fs::create_dir(lost.place.path("empty")).unwrap();
    lost.restore(None, Until::End, "empty").unwrap();
    lost.holds("empty", 8);
}

#[cfg(unix)]
#[test]
fn an_empty_directory_keeps_its_place_and_its_permissions() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let lost = Lost::new();
    let behind = lost.place.path("disk");
    fs::create_dir(&behind).unwrap();
    fs::set_permissions(&behind, fs::Permissions::from_mode(0o700)).unwrap();
    symlink(&behind, lost.place.path("link")).unwrap();
    lost.restore(None, Until::End, "link").unwrap();
    assert!(lost.place.path("link").is_symlink());
    assert_eq!(fs::metadata(&behind).unwrap().permissions().mode() & 0o777, 0o700);
    lost.holds("disk", 8);
}

#[test]
fn a_restore_that_is_cut_short_leaves_nothing_under_the_name() {
    let lost = Lost::new();
    let target = lost.place.path("restored");
    // More than one step of the pace, which is a megabyte.
    let end = append(&lost.store, &[9_000; 300]);
    lost.place.between(&lost.store, 8, end.revision.0);
    let mut pace = |step: Step| match step.stage {
        Stage::Load => ControlFlow::Break(()),
        Stage::Read | Stage::Write | Stage::Compare => ControlFlow::Continue(()),
    };
    let plan = lost.place.catalogue().plan(Until::End).unwrap();
    let stopped = restore(&plan, None, Until::End, &target, Incarnation::New, &mut pace);
    assert!(matches!(stopped, Err(BackupError::Stopped)), "{stopped:?}");
    assert!(!target.exists());
    assert!(!lost.place.path("restored.restoring").exists());

    // As a kill leaves it: the engine half written, the lock let go of.
    let making = lost.place.path("restored.restoring");
    fs::create_dir_all(making.join("sled.new")).unwrap();
    fs::create_dir_all(making.join("sled")).unwrap();
    fs::write(making.join("sled/db"), b"half").unwrap();
    restore(&plan, None, Until::End, &target, Incarnation::New, &mut Unpaced).unwrap();
    assert_eq!(open(&target).head().unwrap(), end);
    assert!(!making.exists());
}

#[test]
fn looking_first_says_the_same_and_writes_nothing() {
    let lost = Lost::new();
    let plan = lost.place.catalogue().plan(Until::End).unwrap();
    let before = lost.place.names(".");
    let looked = examine(&plan, None, Until::Revision(Revision(6)), Incarnation::New, &mut Unpaced).unwrap();
    assert_eq!((looked.head, looked.reaches), (head_at(&lost.store, 6), head_at(&lost.store, 8)));
    assert_eq!(lost.place.names("."), before);
}
