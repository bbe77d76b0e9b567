//! What is appended is kept, found again from any revision, and let go of a segment at a time.

use proptest::prelude::*;

use super::*;

#[derive(Clone, Debug)]
enum Deed {
    Append(Vec<usize>),
    Reopen,
    Retire(u64),
}

fn deeds() -> impl Strategy<Value = Vec<Deed>> {
    let size = prop_oneof![8 => 0_usize..300, 1 => 5_000_usize..20_000];
    prop::collection::vec(
        prop_oneof![
            6 => prop::collection::vec(size, 1..6).prop_map(Deed::Append),
            1 => Just(Deed::Reopen),
            1 => (0_u64..40).prop_map(Deed::Retire),
        ],
        1..16,
    )
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(48) })]

    #[test]
    fn what_was_appended_is_there_after_any_history(deeds in deeds(), segment_bytes in 1_u64..6_000) {
        let mut kept = Kept::new(segment_bytes);
        for deed in deeds {
            match deed {
                Deed::Append(sizes) => drop(kept.append(&sizes)),
                Deed::Reopen => prop_assert_eq!(kept.open().unwrap(), None),
                Deed::Retire(through) => {
                    let bytes = kept.journal().extent().bytes;
                    let gone = kept.journal().retire(Revision(through)).unwrap();
                    prop_assert_eq!(kept.journal().extent().bytes, bytes - gone);
                }
            }
            let extent = kept.journal().extent();
            let on_disk: u64 = kept.segments().iter().map(|path| fs::metadata(path).unwrap().len()).sum();
            prop_assert_eq!((extent.bytes, extent.segments), (on_disk, kept.segments().len()));
            let acknowledged = kept.acknowledged();
            let begin = usize::try_from(extent.before.revision.0).unwrap();
            prop_assert_eq!(kept.held(), &acknowledged[begin..]);
            let last = acknowledged.last().map_or(Head::EMPTY, |event| Head { revision: event.revision, hash: event.hash() });
            prop_assert_eq!(extent.head, last);
        }
    }
}

#[test]
fn reading_begins_where_it_is_asked_to() {
    let mut kept = Kept::small();
    let acknowledged = kept.acknowledged();
    for from in 1..=acknowledged.len() + 2 {
        let read: Vec<_> = kept.journal().events(Revision(from as u64)).map(Result::unwrap).collect();
        assert_eq!(read, acknowledged.get(from - 1..).unwrap_or_default(), "from {from}");
    }
}

#[test]
fn a_journal_begins_after_the_head_it_was_given() {
    let home = tempfile::tempdir().unwrap();
    let before = Head { revision: Revision(41), hash: [9; 32] };
    let mut journal = Journal::create(home.path(), IDENTITY, before, 1 << 20).unwrap();
    let head = journal.append(&group(&before, &[5, 6])).unwrap();
    let opened = Journal::open(home.path(), IDENTITY, 1 << 20).unwrap().unwrap();
    let extent = opened.journal.extent();
    assert_eq!((extent.before, extent.head), (before, head));
    assert_eq!(opened.journal.events(Revision(43)).count(), 1);
    let refused = opened.journal.events(Revision(41)).next().unwrap().unwrap_err();
    assert_eq!(refused.to_string(), "the journal does not hold revision 41: it begins with 42");
}

#[test]
fn where_there_is_a_journal_none_is_created_and_where_there_is_none_none_is_opened() {
    let kept = Kept::new(1 << 20);
    let again = Journal::create(&kept.directory(), IDENTITY, Head::EMPTY, 1 << 20);
    assert!(matches!(again, Err(JournalError::Exists { .. })));
    for nothing in [kept.home.path().to_owned(), kept.home.path().join("not there")] {
        assert!(Journal::open(&nothing, IDENTITY, 1 << 20).unwrap().is_none());
        assert_eq!(inspect(&nothing).unwrap(), []);
    }
}

#[test]
fn another_stores_journal_is_refused_by_name() {
    let kept = Kept::small();
    for (identity, field) in [
        (Identity { store_id: [7; 16], ..IDENTITY }, "store id"),
        (Identity { incarnation: [7; 16], ..IDENTITY }, "incarnation"),
    ] {
        let refused = Journal::open(&kept.directory(), identity, 1 << 20).unwrap_err();
        assert!(refused.to_string().ends_with(&format!("belongs to another store: its {field} differs")), "{refused}");
    }
}

#[test]
fn a_group_longer_than_a_segment_gets_one_of_its_own() {
    let mut kept = Kept::new(1_000);
    kept.append(&[10]);
    kept.append(&[3 << 20, 10]);
    kept.append(&[10]);
    assert_eq!(kept.journal().extent().segments, 3);
    assert_eq!(kept.open().unwrap(), None);
    assert_eq!(kept.held(), kept.acknowledged());
}

#[test]
fn a_group_that_does_not_follow_is_refused_and_the_journal_goes_on() {
    let mut kept = Kept::small();
    let head = kept.head();
    let skips = group(&Head { revision: head.revision.next(), ..head }, &[1]);
    let forks = group(&Head { hash: [8; 32], ..head }, &[1]);
    let mut breaks = group(&head, &[1, 1]);
    breaks[1] = group(&Head { revision: head.revision.next(), hash: [8; 32] }, &[1]).remove(0);
    let image = kept.image();
    for unfit in [Vec::new(), skips, forks, breaks] {
        assert!(matches!(kept.journal().append(&unfit), Err(JournalFault::Unfit { .. })));
    }
    assert_eq!(kept.image(), image, "nothing was written");
    kept.append(&[1]);
    assert_eq!(kept.open().unwrap(), None);
    assert_eq!(kept.held(), kept.acknowledged());
}

#[test]
fn segments_are_let_go_of_whole_and_the_last_never() {
    let mut kept = Kept::small();
    let bytes: Vec<_> = kept.image().iter().map(|(_, bytes)| bytes.len() as u64).collect();
    assert_eq!(kept.journal().retire(Revision(2)).unwrap(), 0, "revision 3 is in the first segment too");
    assert_eq!(kept.journal().retire(Revision(3)).unwrap(), bytes[0]);
    assert_eq!(kept.journal().extent().before.revision, Revision(3));
    assert_eq!(kept.journal().retire(Revision(u64::MAX)).unwrap(), bytes[1]);
    assert_eq!(kept.journal().retire(Revision(u64::MAX)).unwrap(), 0);
    kept.append(&[1]);
    assert_eq!(kept.open().unwrap(), None);
    assert_eq!(kept.held(), &kept.acknowledged()[6..]);
}

#[test]
fn a_retirement_that_was_interrupted_leaves_a_whole_journal() {
    let mut kept = Kept::small();
    kept.close();
    fs::remove_file(&kept.segments()[0]).unwrap();
    assert_eq!(kept.open().unwrap(), None);
    assert_eq!(kept.journal().extent().before.revision, Revision(3));
    assert_eq!(kept.held(), &kept.acknowledged()[3..]);
}

#[test]
fn a_reader_outlives_what_is_let_go_of_behind_it_and_is_told_of_what_is_before_it() {
    let mut kept = Kept::small();
    let acknowledged = kept.acknowledged();
    let mut behind = kept.journal().events(Revision(1));
    let mut within = kept.journal().events(Revision(4));
    behind.next().unwrap().unwrap();
    within.next().unwrap().unwrap();
    kept.journal().retire(Revision(6)).unwrap();
    let read: Vec<_> = within.map(Result::unwrap).collect();
    assert_eq!(read, acknowledged[4..]);
    let read: Vec<_> = behind.collect();
    assert_eq!(read.len(), 3, "two more of its segment, and an error");
    let told = read.last().unwrap().as_ref().unwrap_err().to_string();
    assert_eq!(told, "the journal does not hold revision 4: it begins with 7");
}

#[test]
fn readers_on_other_threads_see_whole_groups_up_to_what_is_durable() {
    let mut kept = Kept::new(20_000);
    let reader = kept.journal().reader();
    std::thread::scope(|scope| {
        let reads = scope.spawn(move || {
            let mut reads = 0;
            loop {
                let durable = reader.extent().head;
                let events: Vec<_> = reader.events(Revision(1)).map(Result::unwrap).collect();
                assert!(events.len() as u64 >= durable.revision.0, "all that was durable before is read");
                assert_eq!(events.len() % 3, 0, "a group is read whole");
                if let Some(event) = events.get(usize::try_from(durable.revision.0).unwrap().wrapping_sub(1)) {
                    assert_eq!(event.hash(), durable.hash);
                }
                reads += 1;
                if events.len() >= 900 {
                    return reads;
                }
            }
        });
        for _ in 0..300 {
            kept.append(&[50, 500, 5]);
        }
        assert!(reads.join().unwrap() >= 1);
    });
    assert!(kept.journal().extent().segments > 5);
    assert_eq!(kept.held(), kept.acknowledged());
}
