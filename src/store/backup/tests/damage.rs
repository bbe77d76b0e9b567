//! A damaged file is refused by name, whatever was damaged in it.

use std::fs;

use super::super::{Reader, Until, format};
use super::*;

/// Reads everything, as a restore does.
fn read(path: &Path, bytes: &[u8]) -> Result<usize, BackupError> {
    Reader::new(path, bytes)?.try_fold(0, |count, event| event.map(|_| count + 1))
}

fn small() -> (Place, MemoryStore, BackupFile) {
    let (place, store) = (Place::new(), memory());
    append(&store, &[1, 60, 4]);
    let file = place.between(&store, 0, 3);
    (place, store, file)
}

#[test]
fn every_flipped_bit_is_refused_with_file_and_offset() {
    let (_place, _store, file) = small();
    let sound = fs::read(&file.path).unwrap();
    assert_eq!(read(&file.path, &sound).unwrap(), 3);
    let mut tried = 0;
    for bit in 0..sound.len() * 8 {
        let mut bytes = sound.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        let refused = read(&file.path, &bytes).expect_err("a flipped bit must be found");
        let BackupError::Damaged { path, offset, .. } = &refused else { panic!("bit {bit}: {refused}") };
        assert_eq!(*path, file.path);
        assert!(*offset <= bytes.len() as u64);
        assert!(refused.to_string().starts_with(&format!("{}: at byte {offset}: ", file.path.display())));
        tried += 1;
    }
    assert!(tried > 2_000, "{tried}");
}

#[test]
fn every_truncation_and_anything_appended_is_refused() {
    let (_place, _store, file) = small();
    let sound = fs::read(&file.path).unwrap();
    for length in 0..sound.len() {
        let refused = read(&file.path, &sound[..length]).expect_err("a truncation must be found");
        assert!(matches!(refused, BackupError::Damaged { .. }), "{length}: {refused}");
    }
    for more in [&b"\0"[..], &sound] {
        let refused = read(&file.path, &[&sound[..], more].concat()).unwrap_err();
        assert!(refused.to_string().ends_with("something follows its end"), "{refused}");
    }
}

#[test]
fn a_damaged_file_is_never_proved_and_its_damage_is_told() {
    for byte in [3, 60, 130, 200, 300] {
        let (place, store) = (Place::new(), memory());
        let head = append(&store, &[1, 60, 4, 30]);
        let unverified = place.written(&store, Head::EMPTY, head, recorded(1));
        let mut bytes = fs::read(&unverified.path).unwrap();
        bytes[byte] ^= 0x10;
        fs::write(&unverified.path, bytes).unwrap();
        let refused = place.checked(unverified.clone(), &store).unwrap_err();
        let told = refused.to_string();
        assert!(told.contains(&*unverified.path.to_string_lossy()) && told.contains("at byte"), "{told}");
        let names = place.names("backups");
        assert!(names.len() == 1 && names[0].ends_with(".refused"), "{names:?}");
        assert_eq!(place.names("scratch"), [""; 0]);
    }
}

#[test]
fn a_damaged_length_allots_no_more_than_the_file_has() {
    let (_place, _store, file) = small();
    let sound = fs::read(&file.path).unwrap();
    let frame = file.header.encode().len();
    for (length, told) in [(u32::MAX, "cannot be 4294967295"), (16 << 20, "the file ends inside its frame")] {
        let mut bytes = sound.clone();
        bytes[frame + 1..frame + 5].copy_from_slice(&length.to_be_bytes());
        let refused = read(&file.path, &bytes).unwrap_err();
        assert!(refused.to_string().contains(told), "{refused}");
    }
}

/// A checksum proves nothing against a writer gone wrong: sealed nonsense must be refused too.
#[test]
fn sealed_nonsense_is_refused() {
    let (_place, store, file) = small();
    let header = file.header.encode();
    let event = store.stored_event(Revision(1)).unwrap().unwrap();
    let length = u32::try_from(event.bytes().len()).unwrap();
    let sound = [&SCHEMA_VERSION.to_be_bytes()[..], &length.to_be_bytes(), event.bytes()].concat();
    let newer = [&(SCHEMA_VERSION + 1).to_be_bytes()[..], &length.to_be_bytes(), event.bytes()].concat();
    let cases: [(&[u8], u32, &str); 8] = [
        (&sound, 0, "number of events cannot be 0"),
        (&sound, 2, "revision 2 does not end with it"),
        (&[&sound[..], b"x"].concat(), 1, "revision 1 does not end with it"),
        (&sound[..sound.len() - 1], 1, "revision 1 does not end with it"),
        (&[&sound[..], &sound].concat(), 2, "its envelope says revision 1, its place says 2"),
        (b"", 1, "revision 1 does not end with it"),
        (&newer, 1, "this build reads schemas up to"),
        (&[&SCHEMA_VERSION.to_be_bytes()[..], &[0; 4]].concat(), 1, "its envelope says revision 0"),
    ];
    for (raw, events, told) in cases {
        let bytes = [&header[..], &format::frame(raw, events).unwrap()].concat();
        let refused = read(&file.path, &bytes).unwrap_err();
        assert!(refused.to_string().contains(told), "{refused} should say {told}");
    }
}

#[test]
fn a_newer_format_is_refused_by_name() {
    let (_place, _store, file) = small();
    let mut bytes = fs::read(&file.path).unwrap();
    bytes[9] = 2;
    let refused = read(&file.path, &bytes).unwrap_err();
    assert!(refused.to_string().ends_with("written in format 2; this build reads formats up to 1"), "{refused}");
    assert!(read(&file.path, b"PK\x03\x04").unwrap_err().to_string().ends_with("does not begin as a backup does"));
    assert!(read(&file.path, &[b'x'; 500]).unwrap_err().to_string().ends_with("does not begin as a backup does"));
}

#[test]
fn a_catalogue_tells_of_misfits_and_goes_on_with_the_rest() {
    let (place, store) = (Place::new(), memory());
    append(&store, &[30; 9]);
    let kept = place.between(&store, 0, 4);
    let damaged = [place.between(&store, 4, 6), place.between(&store, 6, 7), place.between(&store, 0, 9)];
    let renamed = place.between(&store, 0, 8);
    for (file, at) in damaged.iter().zip([20, 30, file_end(&damaged[2]) - 5]) {
        let mut bytes = fs::read(&file.path).unwrap();
        bytes[at] ^= 1;
        fs::write(&file.path, bytes).unwrap();
    }
    let other_name = renamed.path.with_file_name("00000000000000000001-other.full.steelyard");
    fs::rename(&renamed.path, &other_name).unwrap();
    fs::write(place.backups().join("empty.steelyard"), b"").unwrap();
    fs::write(place.backups().join("README"), b"not a backup").unwrap();

    let catalogue = place.catalogue();
    assert_eq!(catalogue.files, std::slice::from_ref(&kept));
    assert_eq!(catalogue.latest(), Some(kept.trailer.head));
    let mut expected: Vec<PathBuf> = damaged.iter().map(|file| file.path.clone()).collect();
    expected.extend([other_name, place.backups().join("empty.steelyard")]);
    expected.sort();
    let misfits: Vec<PathBuf> = catalogue.misfits.iter().map(|misfit| misfit.path.clone()).collect();
    assert_eq!(misfits, expected);
    for misfit in &catalogue.misfits {
        let told = misfit.reason.to_string();
        assert!(told.starts_with(&*misfit.path.to_string_lossy()), "{told}");
    }
}

fn file_end(file: &BackupFile) -> usize {
    usize::try_from(file.bytes).unwrap()
}

#[test]
fn damage_in_the_middle_of_a_file_ends_the_events_of_its_plan() {
    let (place, store) = (Place::new(), memory());
    append(&store, &[30; 9]);
    place.between(&store, 0, 4);
    let damaged = place.between(&store, 4, 9);
    let mut bytes = fs::read(&damaged.path).unwrap();
    let middle = damaged.header.encode().len() + 40;
    bytes[middle] ^= 1;
    fs::write(&damaged.path, bytes).unwrap();
    let plan = place.catalogue().plan(Until::End).unwrap();
    let mut events = plan.events();
    assert_eq!(events.by_ref().take(4).map(Result::unwrap).count(), 4);
    let refused = events.next().unwrap().unwrap_err();
    assert!(refused.to_string().contains("checksum of the frame differs"), "{refused}");
    assert!(events.next().is_none());
}
