//! Rules of the audit log, on real files.

mod drill;
mod reading;
mod tampering;

use std::fs;
use std::path::Path;

use jiff::Timestamp;

use super::*;
use crate::access::Caller;
use crate::domain::SubjectId;

const RPC: &str = "steelyard.v1.RankingService/ListStandings";

/// An entry of `actor` that discloses `subjects`, `micros` after the beginning of 2026.
fn entry(actor: &str, subjects: &[u32], micros: i64) -> Entry {
    let begin: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
    let mut entry = Entry::of(&Caller::loopback().correlated("c-1"), EntryKind::Access, RPC, begin);
    entry.micros += micros;
    entry.actor = actor.into();
    entry.subjects = subjects.iter().copied().map(SubjectId).collect();
    entry
}

/// Segments that are sealed after a few entries.
fn small() -> Options {
    Options { segment_bytes: 1_200, ..Options::default() }
}

/// A log of `count` entries by "ann", each about its own number and each synced alone. Its head.
fn filled(directory: &Path, count: u32) -> AuditHead {
    let log = AuditLog::open(directory, small()).unwrap();
    for number in 1..=count {
        log.record_blocking(entry("ann", &[number], i64::from(number))).unwrap();
    }
    log.head()
}

fn segments(directory: &Path) -> Vec<(u64, PathBuf)> {
    files::segments(directory).unwrap()
}

/// A copy of a log in a place of its own.
fn copied(from: &Path, to: &Path) {
    drop(fs::remove_dir_all(to));
    fs::create_dir(to).unwrap();
    for held in fs::read_dir(from).unwrap().map(Result::unwrap) {
        fs::copy(held.path(), to.join(held.file_name())).unwrap();
    }
}

#[test]
fn a_log_goes_on_where_it_ended() {
    let home = tempfile::tempdir().unwrap();
    let directory = home.path().join("audit");
    let before = filled(&directory, 20);
    assert!(segments(&directory).len() > 2, "segments are sealed as they grow");
    let log = AuditLog::open(&directory, small()).unwrap();
    assert_eq!(log.head(), before);
    assert_eq!(log.record_blocking(entry("ann", &[], 21)), Ok(Recorded { number: 21 }));
    let report = log.verify(None, Some(before)).unwrap();
    assert_eq!((report.fault, report.compared, report.head), (None, true, log.head()));
}

#[test]
fn a_log_is_open_in_one_place_at_a_time() {
    let home = tempfile::tempdir().unwrap();
    let log = AuditLog::open(home.path(), small()).unwrap();
    assert!(matches!(AuditLog::open(home.path(), small()), Err(AuditError::InUse { .. })));
    drop(log);
    assert!(AuditLog::open(home.path(), small()).is_ok());
}

#[test]
fn a_day_has_segments_of_its_own() {
    let home = tempfile::tempdir().unwrap();
    let log = AuditLog::open(home.path(), Options::default()).unwrap();
    for micros in [1, 2, 86_400_000_001, 86_400_000_002] {
        log.record_blocking(entry("ann", &[], micros)).unwrap();
    }
    let firsts: Vec<_> = segments(home.path()).into_iter().map(|(first, _)| first).collect();
    assert_eq!(firsts, [1, 3]);
}

#[tokio::test]
async fn entries_that_come_together_share_a_sync_and_each_is_answered_with_its_own_number() {
    let home = tempfile::tempdir().unwrap();
    let log = AuditLog::open(home.path(), Options::default()).unwrap();
    let recorded = (0..500).map(|number| {
        let log = log.clone();
        tokio::spawn(async move { log.record(entry("ann", &[number], 1)).await.unwrap().number })
    });
    let mut numbers = Vec::new();
    for recorded in recorded.collect::<Vec<_>>() {
        numbers.push(recorded.await.unwrap());
    }
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=500).collect::<Vec<_>>());
    assert_eq!(log.head().entries, 500);
    assert_eq!(log.verify(None, None).unwrap().fault, None);
}
