//! Writes that were interrupted or refused: what was acknowledged is there, and nothing else is in its way.

use std::fs::OpenOptions;

use super::*;

/// How many events are held by the first `groups` groups.
fn events_of(kept: &Kept, groups: usize) -> Vec<StoredEvent> {
    kept.groups[..groups].concat()
}

/// Goes on after whatever was done to the journal.
fn goes_on(kept: &mut Kept, expected: &[StoredEvent]) {
    let head = kept.head();
    let more = group(&head, &[7]);
    kept.journal().append(&more).unwrap();
    assert_eq!(kept.open().unwrap(), None, "what was cut is gone for good");
    assert_eq!(kept.held(), [expected, &more].concat());
}

#[test]
fn a_last_segment_cut_off_anywhere_keeps_every_whole_group() {
    let mut kept = Kept::small();
    let image = kept.image();
    let (last, bytes) = image.last().unwrap();
    let frames = Kept::frames(last);
    assert!((bytes.len() as u64) > *frames.last().unwrap(), "there are zeros at the end");
    for length in 0..bytes.len() {
        let mut cut_off = image.clone();
        cut_off.last_mut().unwrap().1.truncate(length);
        kept.put_back(&cut_off);
        let whole = frames[1..].iter().filter(|end| **end <= length as u64).count();
        let cut = kept.open().unwrap();
        let expected = events_of(&kept, 4 + whole);
        assert_eq!(kept.held(), expected, "cut off at {length}");
        let at_an_end = length as u64 > *frames.last().unwrap() || frames.contains(&(length as u64));
        assert_eq!(cut.is_none(), at_an_end, "cut off at {length}: {cut:?}");
        goes_on(&mut kept, &expected);
    }
}

#[test]
fn an_earlier_segment_cut_off_anywhere_is_refused_by_name() {
    let mut kept = Kept::small();
    let image = kept.image();
    for segment in 0..2 {
        let frames = Kept::frames(&image[segment].0);
        for length in 0..image[segment].1.len() {
            let mut cut_off = image.clone();
            cut_off[segment].1.truncate(length);
            kept.put_back(&cut_off);
            let opened = kept.open();
            if length as u64 >= *frames.last().unwrap() {
                assert_eq!(opened.unwrap(), None, "only zeros are gone");
                continue;
            }
            match opened.unwrap_err() {
                JournalError::Damaged { segment: named, .. } => assert_eq!(named, image[segment].0),
                JournalError::Missing { segment: named, last, next } => {
                    assert!(frames.contains(&(length as u64)) && last < next);
                    assert_eq!(named, image[segment + 1].0);
                }
                other => panic!("cut off at {length}: {other}"),
            }
            assert_eq!(kept.image(), cut_off, "a refused journal is not touched");
        }
    }
}

#[test]
fn a_missing_segment_is_refused_with_both_revisions() {
    let mut kept = Kept::small();
    kept.close();
    fs::remove_file(&kept.segments()[1]).unwrap();
    let told = kept.open().unwrap_err().to_string();
    assert!(told.contains("begins with revision 7, and the segment before it ends with revision 3"), "{told}");
}

/// The sectors of a frame may reach the disk in any order, or not at all.
#[test]
fn a_last_frame_of_which_only_some_sectors_arrived_is_cut() {
    let mut kept = Kept::new(1 << 16);
    kept.append(&[100]);
    kept.append(&[2_000, 30]);
    let image = kept.image();
    let frames = Kept::frames(&image[0].0);
    let (begin, end) = (usize::try_from(frames[1]).unwrap(), usize::try_from(frames[2]).unwrap());
    let sectors: Vec<_> = (begin / 512..=end / 512).collect();
    for lost in 1..(1_u32 << sectors.len()) {
        let mut torn = image.clone();
        for (number, sector) in sectors.iter().enumerate() {
            if lost & (1 << number) == 0 {
                continue;
            }
            torn[0].1[(sector * 512).max(begin)..(sector * 512 + 512).min(end)].fill(0);
        }
        kept.put_back(&torn);
        let cut = kept.open().unwrap();
        let expected = events_of(&kept, 1);
        assert_eq!(kept.held(), expected);
        let none_arrived = torn[0].1[begin..].iter().all(|byte| *byte == 0);
        assert_eq!(cut.map(|cut| cut.offset), (!none_arrived).then_some(frames[1]));
        goes_on(&mut kept, &expected);
    }
}

#[test]
fn a_rotation_interrupted_anywhere_leaves_a_journal_that_goes_on() {
    let mut kept = Kept::small();
    let image = kept.image();
    let expected = kept.acknowledged();
    let head = kept.head();
    let next = kept.directory().join(files::name(head.revision.next()));
    let mut whole = frame::Header { identity: IDENTITY, before: head }.encode().to_vec();
    whole.resize(usize::try_from(SMALL).unwrap(), 0);
    let mut states: Vec<_> = (0..whole.len()).map(|length| whole[..length].to_vec()).collect();
    states.push(vec![0; whole.len()]);
    states.push([&whole[..40], &[0; 380][..]].concat());
    for state in states {
        kept.put_back(&image);
        fs::write(&next, &state).unwrap();
        let cut = kept.open().unwrap();
        assert_eq!(kept.held(), expected);
        if state.starts_with(&whole[..frame::HEADER]) {
            assert_eq!(cut, None);
        } else {
            let cut = cut.unwrap();
            assert_eq!((cut.segment, cut.offset, cut.bytes), (next.clone(), 0, state.len() as u64));
        }
        goes_on(&mut kept, &expected);
    }
}

#[test]
fn a_creation_that_was_interrupted_is_no_journal() {
    let mut kept = Kept::new(500);
    let mut image = kept.image();
    image[0].1.truncate(50);
    kept.put_back(&image);
    assert!(Journal::open(&kept.directory(), IDENTITY, 500).unwrap().is_none());
    Journal::create(&kept.directory(), IDENTITY, Head::EMPTY, 500).unwrap();
}

#[test]
fn a_full_disk_is_told_and_the_journal_takes_nothing_until_it_is_opened_again() {
    let mut kept = Kept::small();
    kept.segment_bytes = 1 << 20;
    kept.open().unwrap();
    let events = group(&kept.head(), &[10]);
    let image = kept.image();
    let before = kept.journal().extent();
    // The kernel's own refusal of every write.
    kept.journal().tail.file = OpenOptions::new().read(true).write(true).open("/dev/full").unwrap();
    for _ in 0..2 {
        assert_eq!(kept.journal().append(&events), Err(JournalFault::Full));
    }
    kept.journal().tail.file = OpenOptions::new().read(true).write(true).open(&image[2].0).unwrap();
    assert_eq!(kept.journal().append(&events), Err(JournalFault::Full), "not even when there is room again");
    assert_eq!(kept.journal().extent(), before);
    assert_eq!(kept.held(), kept.acknowledged(), "reads go on");
    assert_eq!(kept.image(), image);
    assert_eq!(kept.open().unwrap(), None);
    let acknowledged = kept.acknowledged();
    goes_on(&mut kept, &acknowledged);
}

#[test]
fn a_failed_sync_is_never_tried_again() {
    let mut kept = Kept::small();
    kept.segment_bytes = 1 << 20;
    kept.open().unwrap();
    let events = group(&kept.head(), &[10]);
    let segment = kept.segments().pop().unwrap();
    let before = kept.journal().extent();
    // Takes every write; the kernel refuses to sync it.
    kept.journal().tail.file = OpenOptions::new().read(true).write(true).open("/dev/null").unwrap();
    let Err(JournalFault::Failed { cause }) = kept.journal().append(&events) else { panic!("it cannot be durable") };
    assert!(cause.contains(segment.to_str().unwrap()) && cause.contains("syncing failed"), "{cause}");
    kept.journal().tail.file = OpenOptions::new().read(true).write(true).open(&segment).unwrap();
    assert_eq!(kept.journal().append(&events), Err(JournalFault::Failed { cause }), "the first cause");
    assert_eq!(kept.journal().extent(), before, "what is not durable is not published");
}

#[test]
fn want_of_room_is_full_when_writing_and_failed_when_syncing() {
    use std::io::{Error, ErrorKind};
    let path = PathBuf::from("segment");
    for kind in [ErrorKind::StorageFull, ErrorKind::QuotaExceeded, ErrorKind::FileTooLarge] {
        let written = JournalError::io("writing a group", &path)(Error::from(kind));
        assert_eq!(JournalFault::from(written), JournalFault::Full);
        let synced = JournalError::Sync { path: path.clone(), source: Error::from(kind) };
        assert!(matches!(JournalFault::from(synced), JournalFault::Failed { .. }));
    }
    let broken = JournalError::io("writing a group", &path)(Error::from_raw_os_error(5));
    assert!(matches!(JournalFault::from(broken), JournalFault::Failed { .. }));
}

#[test]
fn a_segment_that_cannot_be_made_stops_the_journal() {
    let mut kept = Kept::small();
    fs::remove_dir_all(kept.directory()).unwrap();
    let events = group(&kept.head(), &[600]);
    let Err(JournalFault::Failed { cause }) = kept.journal().append(&events) else { panic!("there is no directory") };
    assert!(cause.contains("00000000000000000010.log: creating a journal segment failed"), "{cause}");
    assert_eq!(kept.journal().append(&events), Err(JournalFault::Failed { cause }));
}
