//! Crashes, full disks, and callers who go away.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64};

use super::*;

/// A disk that can be told to refuse, and counts its syncs.
#[derive(Default)]
struct Moody {
    full: AtomicBool,
    broken: AtomicBool,
    syncs: AtomicU64,
}

impl Medium for Moody {
    fn write(&self, file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
        if self.full.load(Ordering::Relaxed) {
            // Some of it is written, as on a real disk.
            Disk.write(file, &bytes[..bytes.len() / 2], offset)?;
            return Err(io::ErrorKind::StorageFull.into());
        }
        Disk.write(file, bytes, offset)
    }

    fn sync(&self, file: &File) -> io::Result<()> {
        self.syncs.fetch_add(1, Ordering::Relaxed);
        if self.broken.load(Ordering::Relaxed) { Err(io::Error::other("rehearsed")) } else { Disk.sync(file) }
    }
}

fn moody(segment_bytes: u64) -> (Arc<Moody>, Options) {
    let moody = Arc::new(Moody::default());
    (Arc::clone(&moody), Options { segment_bytes, medium: moody })
}

#[test]
fn a_log_cut_at_any_byte_of_its_last_entry_opens_with_everything_acknowledged_before() {
    let home = tempfile::tempdir().unwrap();
    let (whole, cut) = (home.path().join("a"), home.path().join("b"));
    let log = AuditLog::open(&whole, Options::default()).unwrap();
    log.record_blocking(entry("ann", &[1], 1)).unwrap();
    let (acknowledged, begin) = (log.head(), log.0.shared.durable.load().end);
    log.record_blocking(entry("ann", &[2], 2)).unwrap();
    let (after, end) = (log.head(), log.0.shared.durable.load().end);
    drop(log);
    let name = files::name(1);
    let sound = fs::read(whole.join(&name)).unwrap();
    let (begin, end) = (usize::try_from(begin).unwrap(), usize::try_from(end).unwrap());
    for written in begin..end {
        // The file ends there; or it is as long as it was to be, and the rest never reached the disk.
        for zeros in [0, sound.len() - written] {
            copied(&whole, &cut);
            let mut bytes = sound[..written].to_vec();
            bytes.resize(written + zeros, 0);
            fs::write(cut.join(&name), bytes).unwrap();
            let log = AuditLog::open(&cut, Options::default()).unwrap();
            // All bytes that follow may be zeros already.
            assert!(log.head() == acknowledged || log.head() == after, "{written} bytes");
            log.record_blocking(entry("ann", &[3], 3)).unwrap();
            assert_eq!(log.verify(None, Some(acknowledged)).unwrap().fault, None, "{written} bytes");
        }
    }
}

#[test]
fn a_segment_cut_at_any_byte_of_its_header_was_never_begun() {
    let home = tempfile::tempdir().unwrap();
    let (whole, cut) = (home.path().join("a"), home.path().join("b"));
    let mut count = 0;
    let head = loop {
        count += 1;
        drop(fs::remove_dir_all(&whole));
        let head = filled(&whole, count);
        if segments(&whole).len() == 2 {
            break head;
        }
    };
    let (last, path) = segments(&whole)[1].clone();
    let header = fs::read(&path).unwrap();
    for written in 0..frame::HEADER {
        copied(&whole, &cut);
        fs::write(cut.join(files::name(last)), &header[..written]).unwrap();
        let log = AuditLog::open(&cut, small()).unwrap();
        assert_eq!(log.head().entries, last - 1);
        assert_eq!(log.record_blocking(entry("ann", &[], 9)).unwrap().number, last);
        assert_eq!(log.verify(None, None).unwrap().fault, None);
    }
    assert_eq!(head.entries, last);
}

#[test]
fn a_full_disk_refuses_until_it_has_room_and_leaves_nothing_behind() {
    for segment_bytes in [1_200, 16 << 20] {
        let home = tempfile::tempdir().unwrap();
        let (disk, options) = moody(segment_bytes);
        let log = AuditLog::open(home.path(), options).unwrap();
        for number in 0..12 {
            log.record_blocking(entry("ann", &[number], 1)).unwrap();
            disk.full.store(true, Ordering::Relaxed);
            let before = log.head();
            assert_eq!(log.record_blocking(entry("lost", &[number], 1)), Err(AuditFault::Full));
            assert_eq!((log.head(), log.condition()), (before, AuditCondition::Full));
            disk.full.store(false, Ordering::Relaxed);
        }
        let recorded = log.record_blocking(entry("ann", &[], 2)).unwrap();
        assert_eq!((recorded.number, log.condition()), (13, AuditCondition::Open));
        let head = log.head();
        drop(log);
        assert_eq!(verify(home.path(), Some(head)).unwrap().fault, None);
    }
}

#[test]
fn a_failed_sync_is_never_tried_again() {
    let home = tempfile::tempdir().unwrap();
    let (disk, options) = moody(16 << 20);
    let log = AuditLog::open(home.path(), options).unwrap();
    log.record_blocking(entry("ann", &[], 1)).unwrap();
    disk.broken.store(true, Ordering::Relaxed);
    assert!(matches!(log.record_blocking(entry("ann", &[], 1)), Err(AuditFault::Failed { .. })));
    disk.broken.store(false, Ordering::Relaxed);
    assert!(matches!(log.record_blocking(entry("ann", &[], 1)), Err(AuditFault::Failed { .. })));
    assert_eq!((log.condition(), log.head().entries), (AuditCondition::Failed, 1));
    drop(log);
    let log = AuditLog::open(home.path(), Options::default()).unwrap();
    assert!(log.head().entries >= 1, "everything acknowledged is there");
    assert!(log.record_blocking(entry("ann", &[], 1)).is_ok());
}

#[tokio::test]
async fn the_entries_of_one_call_are_one_group_and_one_sync() {
    let home = tempfile::tempdir().unwrap();
    let (disk, options) = moody(16 << 20);
    let log = AuditLog::open(home.path(), options).unwrap();
    log.record(entry("ann", &[], 1)).await.unwrap();
    let before = disk.syncs.load(Ordering::Relaxed);
    let last = log.record_all((1..=1_000).map(|number| entry("ann", &[number], 1))).await.unwrap();
    assert_eq!((last.number, log.head().entries), (1_001, 1_001));
    assert_eq!(disk.syncs.load(Ordering::Relaxed) - before, 1, "a thousand people were refused in one answer");
    assert_eq!(log.verify(None, None).unwrap().fault, None);
}

#[tokio::test]
async fn calls_with_more_entries_than_there_are_places_get_their_turn() {
    let home = tempfile::tempdir().unwrap();
    let log = AuditLog::open(home.path(), Options::default()).unwrap();
    let many = u32::try_from(QUEUE).unwrap() + 100;
    let recording: Vec<_> = (0..3)
        .map(|_| {
            let log = log.clone();
            tokio::spawn(async move { log.record_all((0..many).map(|number| entry("ann", &[number], 1))).await })
        })
        .collect();
    for recording in recording {
        let recorded = tokio::time::timeout(std::time::Duration::from_mins(1), recording).await;
        recorded.expect("nobody waits for ever").unwrap().unwrap();
    }
    assert_eq!(log.head().entries, 3 * u64::from(many));
    assert_eq!(log.0.places.available_permits(), QUEUE, "every place was given back");
}

#[tokio::test]
async fn entries_of_a_caller_who_went_away_are_recorded_all_the_same() {
    let home = tempfile::tempdir().unwrap();
    let log = AuditLog::open(home.path(), Options::default()).unwrap();
    let places = Arc::clone(&log.0.places).acquire_many_owned(u32::try_from(QUEUE).unwrap()).await.unwrap();
    {
        let mut waiting = Box::pin(log.record_all(["gone", "gone too"].map(|actor| entry(actor, &[4], 1))));
        let polled = std::future::poll_fn(|context| std::task::Poll::Ready(waiting.as_mut().poll(context))).await;
        assert!(polled.is_pending(), "every place is taken");
    }
    drop(places);
    log.record(entry("ann", &[], 2)).await.unwrap();
    let page = log.read(&Query { way: Way::Oldest, ..Query::default() }).unwrap();
    let actors: Vec<_> = page.events.iter().map(|event| &*event.entry.actor).collect();
    assert_eq!(actors, ["gone", "gone too", "ann"]);
}

#[tokio::test]
async fn a_log_that_is_stopped_writes_what_waits_and_refuses_what_comes() {
    let home = tempfile::tempdir().unwrap();
    let log = AuditLog::open(home.path(), Options::default()).unwrap();
    let recording: Vec<_> = (0..100)
        .map(|number| {
            let log = log.clone();
            tokio::spawn(async move { log.record(entry("ann", &[number], 1)).await })
        })
        .collect();
    let stopping = log.clone();
    tokio::task::spawn_blocking(move || stopping.stop()).await.unwrap();
    let mut recorded = 0;
    for recording in recording {
        match recording.await.unwrap() {
            Ok(_) => recorded += 1,
            Err(fault) => assert_eq!(fault, AuditFault::Stopped),
        }
    }
    assert_eq!(log.head().entries, recorded);
    assert_eq!(log.record(entry("ann", &[], 1)).await, Err(AuditFault::Stopped));
    assert_eq!(log.condition(), AuditCondition::Stopped);
}

/// Run as a process of its own by the test below, and killed there.
#[test]
#[ignore = "is the child of another test"]
fn child_that_records_until_it_is_killed() {
    use std::io::Write;
    let Some(directory) = std::env::var_os("STEELYARD_AUDIT_CHILD") else { return };
    let log = AuditLog::open(Path::new(&directory), small()).unwrap();
    loop {
        let recorded = log.record_blocking(entry("ann", &[1, 2, 3], 1)).unwrap();
        let mut out = io::stderr().lock();
        writeln!(out, "recorded {}", recorded.number).unwrap();
    }
}

#[test]
fn a_kill_never_loses_an_acknowledged_entry() {
    use std::io::BufRead;
    use std::process::{Command, Stdio};
    let home = tempfile::tempdir().unwrap();
    let name = "access::audit::tests::drill::child_that_records_until_it_is_killed";
    for round in 1..=5 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", name, "--ignored", "--nocapture"])
            .env("STEELYARD_AUDIT_CHILD", home.path())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut told = io::BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
        let number = |line: String| line.strip_prefix("recorded ").and_then(|it| it.parse::<u64>().ok());
        let mut last = told.by_ref().filter_map(number).nth(round * 7).expect("the child records");
        child.kill().unwrap();
        last = told.filter_map(number).last().unwrap_or(last);
        child.wait().unwrap();
        let log = AuditLog::open(home.path(), small()).unwrap();
        assert!(log.head().entries >= last, "entry {last} was acknowledged");
        assert_eq!(log.verify(None, None).unwrap().fault, None);
    }
}
