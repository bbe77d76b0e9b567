use std::path::PathBuf;

use super::super::engine::{Batch, Engine};
use super::super::sled_store::SledEngine;
use super::*;

const CACHE_BYTES: u64 = 4 << 20;
const SEGMENT: usize = 512 * 1024;

/// Engine files of several segments, closed in order, none of which a snapshot tells of.
fn filled(home: &Path) -> PathBuf {
    let directory = home.join("sled");
    let engine = SledEngine::open(&directory, CACHE_BYTES).unwrap();
    for group in 0..2_000_u32 {
        let mut batch = <SledEngine as Engine>::Batch::default();
        for key in 0..4 {
            batch.put(&(group * 4 + key).to_be_bytes(), &[7; 300]);
        }
        batch.put(b"head", &group.to_be_bytes());
        engine.apply(batch).unwrap();
        if group % 100 == 0 {
            engine.sync().unwrap();
        }
    }
    drop(engine);
    directory
}

fn data(directory: &Path) -> Vec<u8> {
    fs::read(directory.join("db")).unwrap()
}

fn check_files(directory: &Path) -> Result<(), StoreError> {
    check(directory, &File::open(directory.join("db")).unwrap())
}

/// What is found in these files with this data.
fn found(directory: &Path, data: &[u8]) -> Option<u64> {
    fs::write(directory.join("db"), data).unwrap();
    match check_files(directory) {
        Ok(()) => None,
        Err(error) => {
            assert!(error.is_damage(), "{error}");
            let StoreError::Engine { source, .. } = error else { panic!("{error}") };
            Some(source.downcast_ref::<LogDamage>().unwrap().offset)
        }
    }
}

/// The segments of these files, by place in the log, and how far the log surely was on the disk.
fn segments(data: &[u8]) -> (Vec<(i64, usize)>, i64) {
    let headers = (0..data.len()).step_by(SEGMENT).filter_map(|offset| {
        let (at, stable) = segment(data[offset..].first_chunk()?)?;
        Some((at, offset, stable))
    });
    let headers: Vec<_> = headers.collect();
    let stable = headers.iter().map(|(_, _, stable)| *stable).max().unwrap();
    (headers.iter().map(|(at, offset, _)| (*at, *offset)).collect(), stable)
}

#[test]
fn a_log_that_nobody_harmed_holds_whenever_it_is_looked_at() {
    let home = tempfile::tempdir().unwrap();
    let directory = filled(home.path());
    for _ in 0..3 {
        check_files(&directory).unwrap();
        let engine = SledEngine::open_existing(&directory, CACHE_BYTES).unwrap();
        for group in 0..300_u32 {
            let mut batch = <SledEngine as Engine>::Batch::default();
            batch.put(&(group * 7).to_be_bytes(), &[9; 700]);
            batch.remove(&(group * 11).to_be_bytes());
            engine.commit(batch).unwrap();
            // A kill now would leave this.
            if group % 50 == 0 {
                let (killed, files) = (tempfile::tempdir().unwrap(), ["conf", "db"]);
                for name in files {
                    fs::copy(directory.join(name), killed.path().join(name)).unwrap();
                }
                check_files(killed.path()).unwrap();
            }
        }
    }
}

#[test]
fn a_flipped_bit_in_what_is_replayed_is_told_before_sled_passes_it_over() {
    let home = tempfile::tempdir().unwrap();
    let directory = filled(home.path());
    let sound = data(&directory);
    let (segments, stable) = segments(&sound);
    assert!(segments.len() > 3, "{}", segments.len());
    let mut tried = 0;
    for (at, offset) in segments {
        for within in [0, 3, 9, 19, 20, 24, 25, 40, 5_000, 100_003, 300_001] {
            let place = offset + within;
            if at + i64::try_from(within).unwrap() > stable || place >= sound.len() {
                continue;
            }
            let mut damaged = sound.clone();
            damaged[place] ^= 1 << (within % 8);
            let told = found(&directory, &damaged);
            // A header that does not hold may hide a mark that reaches further.
            assert!(told.is_some_and(|told| told <= place as u64), "byte {place}: {told:?}");
            tried += 1;
        }
    }
    assert!(tried > 30, "{tried}");
    assert_eq!(found(&directory, &sound), None);
}

#[test]
fn sled_is_not_opened_on_a_damaged_log() {
    let home = tempfile::tempdir().unwrap();
    let directory = filled(home.path());
    let sound = data(&directory);
    let files = fs::read_dir(&directory).unwrap().count();
    // The engine lays out its segments as its threads come to it: a byte that it wrote and must have synced.
    let (segments, stable) = segments(&sound);
    let (_, offset) = segments.into_iter().find(|(at, _)| at + i64::try_from(SEGMENT).unwrap() < stable).unwrap();
    let mut damaged = sound.clone();
    damaged[offset + 100_001] ^= 4;
    fs::write(directory.join("db"), &damaged).unwrap();
    let refused = SledEngine::open_existing(&directory, CACHE_BYTES).map(drop).unwrap_err();
    assert!(refused.to_string().contains("the engine's log is damaged at byte "), "{refused}");
    assert!(refused.is_damage());
    assert!(data(&directory) == damaged, "what is damaged stays as it is");
    assert_eq!(fs::read_dir(&directory).unwrap().count(), files);
    fs::write(directory.join("db"), &sound).unwrap();
    drop(SledEngine::open_existing(&directory, CACHE_BYTES).unwrap());
}

#[test]
fn what_a_snapshot_tells_of_is_left_to_sled() {
    let home = tempfile::tempdir().unwrap();
    let directory = filled(home.path());
    drop(SledEngine::open_existing(&directory, CACHE_BYTES).unwrap());
    assert!(replayed_from(&directory).unwrap() > 0, "opening writes a snapshot");
    let mut damaged = data(&directory);
    let (segments, _) = segments(&damaged);
    let (_, oldest) = segments.into_iter().min().unwrap();
    damaged[oldest + 5_000] ^= 1;
    assert_eq!(found(&directory, &damaged), None);
}

#[test]
fn a_segment_that_was_being_used_again_is_no_damage() {
    let home = tempfile::tempdir().unwrap();
    let directory = filled(home.path());
    let sound = data(&directory);
    let (mut segments, _) = segments(&sound);
    segments.sort_unstable();
    let ((_, old), (_, new)) = (segments[1], segments[3]);
    // The end of a later segment over the end of an earlier one, whose header is still there.
    let mut reused = sound.clone();
    let place = (100_000..SEGMENT).find(|place| message(&sound[new + place..new + SEGMENT]).is_some()).unwrap();
    reused[old + place..old + SEGMENT].copy_from_slice(&sound[new + place..new + SEGMENT]);
    assert_eq!(found(&directory, &reused), None);
    // Bytes that are nothing are damage.
    reused[old + place..old + SEGMENT].fill(0x55);
    assert!(found(&directory, &reused).is_some_and(|told| told <= (old + place) as u64));
}

#[test]
fn numbers_are_read_as_they_are_written() {
    for (bytes, value) in [
        (&[0][..], 0),
        (&[240], 240),
        (&[241, 0], 240),
        (&[241, 1], 241),
        (&[248, 255], 2_287),
        (&[249, 0, 0], 2_288),
        (&[249, 255, 255], 67_823),
        (&[250, 1, 2, 3], 0x03_02_01),
        (&[251, 1, 2, 3, 4], 0x04_03_02_01),
        (&[255, 1, 2, 3, 4, 5, 6, 7, 8], 0x08_07_06_05_04_03_02_01),
    ] {
        assert_eq!(number(bytes), Some((value, &[][..])), "{bytes:?}");
        assert!(number(&bytes[..bytes.len() - 1]).is_none());
    }
}
