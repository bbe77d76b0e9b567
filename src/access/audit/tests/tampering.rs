//! Whoever alters the log is found out.

use proptest::prelude::*;
use proptest::sample::Index;

use super::*;
use crate::access::audit::walk::{Step, Walk};

/// What somebody does to the entries of a log, with right checksums and, where they can, right hashes within an entry.
#[derive(Clone, Debug)]
enum Forgery {
    Delete(Index),
    Duplicate(Index),
    Swap(Index, Index),
    Insert(Index),
    Alter(Index),
    CutOff(Index),
}

fn forgery() -> impl Strategy<Value = Forgery> {
    let place = any::<Index>;
    prop_oneof![
        place().prop_map(Forgery::Delete),
        place().prop_map(Forgery::Duplicate),
        (place(), place()).prop_map(|(one, other)| Forgery::Swap(one, other)),
        place().prop_map(Forgery::Insert),
        place().prop_map(Forgery::Alter),
        place().prop_map(Forgery::CutOff),
    ]
}

/// Number, hash of the entry before, and message.
type Plain = (u64, [u8; 32], Vec<u8>);

/// The header and the entries of a segment.
fn plain(path: &Path) -> (frame::Header, Vec<Plain>) {
    let mut walk = Walk::begin(File::open(path).unwrap(), None).unwrap().unwrap();
    let mut entries = Vec::new();
    while let Step::Group(_, kept) = walk.step().unwrap() {
        entries.extend(kept.iter().map(|kept| (kept.number, *kept.previous, kept.message.to_vec())));
    }
    (walk.header, entries)
}

/// A segment of these entries, each in a frame of its own with a right checksum.
fn sealed(header: &frame::Header, entries: &[Plain]) -> Vec<u8> {
    let mut bytes = header.encode().to_vec();
    for (number, previous, message) in entries {
        let before = AuditHead { entries: number.saturating_sub(1), hash: *previous };
        let mut group = frame::Group::after(before, Vec::new());
        group.push(message);
        let frame = group.seal(header, bytes.len() as u64);
        bytes.extend_from_slice(&frame);
    }
    bytes
}

fn forged(entries: &mut Vec<Plain>, forgery: &Forgery) {
    let at = |place: &Index, length: usize| place.index(length);
    match forgery {
        Forgery::Delete(place) => drop(entries.remove(at(place, entries.len()))),
        Forgery::CutOff(place) => entries.truncate(at(place, entries.len())),
        Forgery::Duplicate(place) => {
            let place = at(place, entries.len());
            entries.insert(place, entries[place].clone());
        }
        Forgery::Swap(one, other) => {
            let (one, other) = (at(one, entries.len()), at(other, entries.len()));
            entries.swap(one, other);
        }
        Forgery::Insert(place) => {
            let place = at(place, entries.len());
            let (number, previous, _) = entries[place];
            entries.insert(place, (number, previous, entry("mallory", &[7], 5).encode()));
        }
        Forgery::Alter(place) => {
            let place = at(place, entries.len());
            entries[place].2 = entry("mallory", &[7], 5).encode();
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn any_forged_entry_is_found_though_every_checksum_is_right(segment in any::<Index>(), forgery in forgery()) {
        let home = tempfile::tempdir().unwrap();
        let head = filled(home.path(), 12);
        let segments = segments(home.path());
        let (_, path) = &segments[segment.index(segments.len())];
        let (header, entries) = plain(path);
        prop_assert_eq!(fs::read(path).unwrap().starts_with(&sealed(&header, &entries)), true, "as it was written");
        let mut after = entries.clone();
        forged(&mut after, &forgery);
        prop_assume!(after != entries);
        fs::write(path, sealed(&header, &after)).unwrap();
        // What is derived from a segment must not be what finds it out.
        for (first, _) in &segments {
            drop(fs::remove_file(home.path().join(files::index_name(*first))));
        }
        prop_assert!(verify(home.path(), Some(head)).unwrap().fault.is_some());
    }

    #[test]
    fn any_single_bit_that_is_turned_is_found(segment in any::<Index>(), bit in any::<Index>()) {
        let home = tempfile::tempdir().unwrap();
        let head = filled(home.path(), 12);
        let segments = segments(home.path());
        let (_, path) = &segments[segment.index(segments.len())];
        let mut bytes = fs::read(path).unwrap();
        let bit = bit.index(bytes.len() * 8);
        bytes[bit / 8] ^= 1 << (bit % 8);
        fs::write(path, bytes).unwrap();
        prop_assert!(verify(home.path(), Some(head)).unwrap().fault.is_some());
    }
}

#[test]
fn every_bit_of_a_small_log_counts() {
    let home = tempfile::tempdir().unwrap();
    let head = filled(home.path(), 4);
    let (_, path) = segments(home.path())[0].clone();
    let mut sound = fs::read(&path).unwrap();
    // The zeros behind the last frame count as well; these few stand for all of them.
    sound.truncate(sound.iter().rposition(|byte| *byte != 0).unwrap() + 40);
    for bit in 0..sound.len() * 8 {
        let mut bytes = sound.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        fs::write(&path, bytes).unwrap();
        assert!(verify(home.path(), Some(head)).unwrap().fault.is_some(), "bit {bit}");
    }
    fs::write(&path, sound).unwrap();
    assert_eq!(verify(home.path(), Some(head)).unwrap().fault, None);
}

#[test]
fn a_segment_that_is_gone_exchanged_or_of_another_log_is_found() {
    let home = tempfile::tempdir().unwrap();
    let (sound, other, tried) = (home.path().join("a"), home.path().join("b"), home.path().join("c"));
    let head = filled(&sound, 20);
    filled(&other, 20);
    let names: Vec<_> = segments(&sound).into_iter().map(|(first, _)| files::name(first)).collect();
    for name in &names {
        copied(&sound, &tried);
        fs::remove_file(tried.join(name)).unwrap();
        assert!(verify(&tried, Some(head)).unwrap().fault.is_some(), "{name} is gone");
        copied(&sound, &tried);
        fs::copy(other.join(name), tried.join(name)).unwrap();
        assert!(verify(&tried, Some(head)).unwrap().fault.is_some(), "{name} is another log's");
    }
    copied(&sound, &tried);
    fs::rename(tried.join(&names[0]), tried.join("x")).unwrap();
    fs::rename(tried.join(&names[1]), tried.join(&names[0])).unwrap();
    fs::rename(tried.join("x"), tried.join(&names[1])).unwrap();
    assert!(verify(&tried, Some(head)).unwrap().fault.is_some(), "two are exchanged");
}

#[test]
fn a_log_that_was_written_anew_from_some_entry_on_is_found_by_the_head_outside() {
    let home = tempfile::tempdir().unwrap();
    let (sound, anew) = (home.path().join("a"), home.path().join("b"));
    let head = filled(&sound, 20);
    copied(&sound, &anew);
    for (_, path) in segments(&anew).into_iter().skip(1) {
        fs::remove_file(path).unwrap();
    }
    for held in fs::read_dir(&anew).unwrap().map(Result::unwrap) {
        if held.path().extension().is_some_and(|it| it == "subjects") {
            fs::remove_file(held.path()).unwrap();
        }
    }
    let log = AuditLog::open(&anew, small()).unwrap();
    while log.head().entries < 25 {
        log.record_blocking(entry("mallory", &[], 1)).unwrap();
    }
    drop(log);
    assert_eq!(verify(&anew, None).unwrap().fault, None, "the chain itself holds");
    let fault = verify(&anew, Some(head)).unwrap().fault.unwrap();
    assert_eq!(fault.why, Why::NotAnchored { number: head.entries });
}

#[test]
fn an_index_that_hides_somebody_is_found() {
    let home = tempfile::tempdir().unwrap();
    let head = filled(home.path(), 20);
    let (first, _) = segments(home.path())[0];
    let nobody = index::Indexing::after(AuditHead::EMPTY).encode();
    fs::write(home.path().join(files::index_name(first)), nobody).unwrap();
    assert_eq!(verify(home.path(), Some(head)).unwrap().fault.unwrap().why, Why::Index);
}

#[test]
fn damage_in_an_earlier_segment_is_told_and_does_not_keep_the_log_from_being_written() {
    let home = tempfile::tempdir().unwrap();
    filled(home.path(), 20);
    let (_, path) = segments(home.path())[0].clone();
    let mut bytes = fs::read(&path).unwrap();
    bytes[200] ^= 1;
    fs::write(&path, bytes).unwrap();
    let log = AuditLog::open(home.path(), small()).unwrap();
    assert_eq!(log.record_blocking(entry("ann", &[], 1)), Ok(Recorded { number: 21 }));
    let fault = log.verify(None, None).unwrap().fault.unwrap();
    assert_eq!((fault.segment, fault.why), (files::name(1), Why::NotAFrame));
    assert_eq!(log.verify(Some(3), None).unwrap().fault, None);
    assert!(log.read(&Query { limit: 1, ..Query::default() }).is_ok());
    assert!(matches!(log.read(&Query { limit: 100, ..Query::default() }), Err(AuditError::Damaged { .. })));
}

#[test]
fn damage_in_the_last_segment_that_no_interrupted_write_explains_refuses_the_start() {
    let home = tempfile::tempdir().unwrap();
    let log = AuditLog::open(home.path(), Options::default()).unwrap();
    for number in 0..5 {
        log.record_blocking(entry("ann", &[number], 1)).unwrap();
    }
    drop(log);
    let (_, path) = segments(home.path())[0].clone();
    let mut bytes = fs::read(&path).unwrap();
    bytes[frame::HEADER + 40] ^= 1;
    fs::write(&path, bytes).unwrap();
    assert!(matches!(AuditLog::open(home.path(), Options::default()), Err(AuditError::Damaged { .. })));
}
