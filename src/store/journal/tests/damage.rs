//! Damage is found and named, or was never acknowledged; no bytes at all make a wrong event or a panic.

use proptest::prelude::*;

use super::*;

/// Opens, and gives what is held, after checking it against what was acknowledged.
fn opened(kept: &mut Kept) -> Result<(Option<Cut>, usize), JournalError> {
    let cut = kept.open()?;
    let held = kept.held();
    assert!(kept.acknowledged().starts_with(&held), "a wrong event was read");
    Ok((cut, held.len()))
}

/// Every bit of every segment: header, frame headers, events, hashes, checksums, zeros.
#[test]
fn every_flipped_bit_is_refused_by_place_or_was_in_the_last_group() {
    let mut kept = Kept::small();
    let image = kept.image();
    let all = kept.acknowledged().len();
    let (last, _) = image.last().unwrap();
    let frames = Kept::frames(last);
    let (last_frame, end) = (frames[frames.len() - 2], frames[frames.len() - 1]);
    for (number, (path, bytes)) in image.iter().enumerate() {
        for bit in 0..bytes.len() * 8 {
            let mut flipped = image.clone();
            flipped[number].1[bit / 8] ^= 1 << (bit % 8);
            kept.put_back(&flipped);
            let offset = (bit / 8) as u64;
            let reports = inspect(&kept.directory()).unwrap();
            assert!(
                reports.iter().enumerate().all(|(at, report)| (report.state == SegmentState::Sound) != (at == number))
            );
            match opened(&mut kept) {
                Err(JournalError::Damaged { segment, offset: at, .. }) => {
                    assert!(path != last || offset < last_frame, "bit {bit} of {} was refused", path.display());
                    assert_eq!(segment, *path);
                    assert!(at <= offset, "damage at {offset} was said to be at {at}");
                    assert_eq!(kept.image(), flipped, "a refused journal is not touched");
                }
                Ok((Some(cut), held)) => {
                    assert!(path == last && offset >= last_frame, "bit {bit} of {} was cut", path.display());
                    assert_eq!(cut.segment, *path);
                    let whole = offset >= end;
                    assert_eq!(cut.offset, if whole { end } else { last_frame });
                    assert_eq!(held, if whole { all } else { all - 2 });
                }
                other => panic!("bit {bit} of {}: {other:?}", path.display()),
            }
        }
    }
}

/// A header of a segment that holds nothing yet is on the disk before anything is acknowledged after it.
#[test]
fn a_flipped_bit_in_a_segment_that_holds_nothing_loses_nothing() {
    let mut kept = Kept::small();
    let head = kept.head();
    let mut image = kept.image();
    let header = frame::Header { identity: IDENTITY, before: head }.encode();
    image.push((kept.directory().join(files::name(head.revision.next())), header.to_vec()));
    for bit in 0..header.len() * 8 {
        let mut flipped = image.clone();
        flipped[3].1[bit / 8] ^= 1 << (bit % 8);
        kept.put_back(&flipped);
        let (cut, held) = opened(&mut kept).unwrap();
        assert_eq!((cut.unwrap().segment, held), (image[3].0.clone(), 9));
    }
}

/// Puts a frame with a right checksum after the journal's last, and tells how opening goes.
fn with_sealed(seal: impl FnOnce(&frame::Header, u64, &Head, &mut Vec<u8>)) -> String {
    let mut kept = Kept::small();
    let head = kept.head();
    let mut image = kept.image();
    let (path, bytes) = image.last_mut().unwrap();
    let header = frame::Header::decode(bytes).unwrap();
    let end = *Kept::frames(path).last().unwrap();
    bytes.truncate(usize::try_from(end).unwrap());
    seal(&header, end, &head, bytes);
    kept.put_back(&image);
    let told = kept.open().unwrap_err().to_string();
    let place = format!("journal segment {}: damaged at offset {end}: ", image[2].0.display());
    told.strip_prefix(&place).unwrap_or_else(|| panic!("{told}")).to_owned()
}

#[test]
fn what_is_wrong_under_a_right_checksum_is_never_taken_for_an_interrupted_write() {
    let sealed = |events: Vec<StoredEvent>| {
        with_sealed(|header, at, _, bytes| frame::encode(header, at, &events, &events.last().unwrap().hash(), bytes))
    };
    let head = Kept::small().head();
    let skips = group(&Head { revision: head.revision.next(), ..head }, &[1]);
    assert_eq!(sealed(skips), "a frame begins with revision 11 where 10 is due");
    let forks = group(&Head { hash: [8; 32], ..head }, &[1]);
    assert_eq!(sealed(forks), "revision 10 was not written after the event before it");
    let nonsense = vec![StoredEvent::new(Revision(10), 1, vec![0xff; 40])];
    assert!(sealed(nonsense).starts_with("e/ revision 10: does not decode"));
    let told = with_sealed(|header, at, head, bytes| frame::encode(header, at, &group(head, &[1]), &[5; 32], bytes));
    assert_eq!(told, Why::Layout.to_string());
    for (count, length) in [(0, 100), (1, 10), (9, 100), (u32::MAX, 100)] {
        let told = with_sealed(|header, at, head, bytes| {
            frame::seal(header, at, count, head.revision.next(), bytes, |body| body.extend(vec![0; length]));
        });
        assert_eq!(told, Why::Layout.to_string(), "{count} events in {length} bytes");
    }
}

#[test]
fn a_sound_frame_in_another_place_is_no_frame() {
    let mut kept = Kept::small();
    let image = kept.image();
    let frames = Kept::frames(&image[2].0);
    let [first, second, end] = [0, 1, 2].map(|at| usize::try_from(frames[at]).unwrap());
    let repeated = [&image[2].1[..end], &image[2].1[first..second]].concat();
    let elsewhere = [&image[2].1[..end], &image[1].1[first..second]].concat();
    for bytes in [repeated, elsewhere] {
        let mut misplaced = image.clone();
        misplaced[2].1 = bytes;
        kept.put_back(&misplaced);
        let (cut, held) = opened(&mut kept).unwrap();
        assert_eq!((cut.unwrap().why, held), (Why::NotAFrame, 9));
    }
    let mut swapped = image.clone();
    swapped[1].1.clone_from(&image[0].1);
    kept.put_back(&swapped);
    let refused = kept.open().unwrap_err();
    assert!(matches!(&refused, JournalError::Damaged { offset: 0, why: Why::Name { .. }, .. }), "{refused}");
}

#[test]
fn a_segment_that_belongs_to_another_history_is_refused() {
    let mut kept = Kept::small();
    let mut image = kept.image();
    let (path, bytes) = &mut image[1];
    let before = Head { revision: Revision(3), hash: [8; 32] };
    bytes[..frame::HEADER].copy_from_slice(&frame::Header { identity: IDENTITY, before }.encode());
    let path = path.clone();
    kept.put_back(&image);
    let refused = kept.open().unwrap_err();
    assert!(
        matches!(&refused, JournalError::Damaged { segment, offset: 0, why: Why::DoesNotFollow { .. } } if *segment == path),
        "{refused}"
    );
}

#[test]
fn a_journal_of_a_newer_format_is_refused_by_name() {
    let mut kept = Kept::small();
    let mut image = kept.image();
    let header = &mut image[0].1[..frame::HEADER];
    header[8..10].copy_from_slice(&(frame::FORMAT + 1).to_be_bytes());
    let checksum = crc32c::crc32c(&header[..frame::HEADER - 4]);
    header[frame::HEADER - 4..].copy_from_slice(&checksum.to_be_bytes());
    kept.put_back(&image);
    let told = kept.open().unwrap_err().to_string();
    assert!(told.contains("written in journal format 2, this build reads up to 1: start the newer build"), "{told}");
}

#[test]
fn an_inspection_names_every_bad_segment_and_changes_nothing() {
    let mut kept = Kept::small();
    let mut image = kept.image();
    image[0].1[120] ^= 1;
    let frames = Kept::frames(&image[2].0);
    let end = usize::try_from(frames[2]).unwrap();
    image[2].1[end - 1] ^= 1;
    kept.put_back(&image);
    let reports = inspect(&kept.directory()).unwrap();
    let told: Vec<_> = reports.iter().map(|report| report.state.to_string()).collect();
    assert_eq!(told[0], "damaged at offset 88: the checksum of a frame differs");
    assert_eq!(told[1], "sound");
    assert!(told[2].starts_with("an interrupted write at offset"), "{}", told[2]);
    let lasts: Vec<_> = reports.iter().map(|report| report.last.map(|last| last.revision.0)).collect();
    assert_eq!(lasts, [None, Some(6), Some(7)]);
    assert_eq!(kept.image(), image);
    fs::remove_file(&image[1].0).unwrap();
    image[0].1[120] ^= 1;
    fs::write(&image[0].0, &image[0].1).unwrap();
    let reports = inspect(&kept.directory()).unwrap();
    assert_eq!(reports[1].state, SegmentState::AfterGap { last: Revision(3) });
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(600) })]

    /// Several changes at once: bytes put in, taken out, overwritten, in one segment or more.
    #[test]
    fn no_bytes_make_a_wrong_event(
        changes in prop::collection::vec((0_usize..3, 0_usize..420, 0_usize..60, prop::collection::vec(any::<u8>(), 0..60)), 1..5),
    ) {
        let mut kept = Kept::small();
        let mut image = kept.image();
        for (segment, at, taken, put) in changes {
            let bytes = &mut image[segment].1;
            let at = at.min(bytes.len());
            bytes.splice(at..(at + taken).min(bytes.len()), put);
        }
        kept.put_back(&image);
        let reports = inspect(&kept.directory()).unwrap();
        prop_assert_eq!(&kept.image(), &image);
        let usable = reports.iter().all(|report| report.state.is_usable());
        prop_assert_eq!(opened(&mut kept).is_ok(), usable);
    }

    #[test]
    fn arbitrary_bytes_are_no_journal(bytes in prop::collection::vec(any::<u8>(), 0..400), magic: bool) {
        let bytes = if magic { [&b"SYJOURNL\0\x01"[..], &bytes].concat() } else { bytes };
        let report = inspect_bytes(Revision(1), &bytes);
        prop_assert_eq!((report.last, report.bytes), (None, bytes.len() as u64));
        prop_assert_ne!(report.state, SegmentState::Sound);
    }
}

/// The fuzzer begins with a segment that is sound, or it would only ever try refusals.
#[test]
fn the_fuzzers_seed_is_a_sound_segment() {
    let report = inspect_bytes(Revision(1), include_bytes!("../../../../fuzz/seeds/journal_segment/group"));
    assert_eq!((report.state, report.last.map(|last| last.revision)), (SegmentState::Sound, Some(Revision(2))));
}
