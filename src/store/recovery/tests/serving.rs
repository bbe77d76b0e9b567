//! The commit point while serving: a journal, an engine behind it, and a disk that fails either.

use std::ops::Bound;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Condvar, mpsc};
use std::thread;
use std::time::Instant;

use super::*;
use crate::store::engine::{Batch, CommitError, Engine, Row};
use crate::store::keyed::KeyedStore;
use crate::store::keys::Key;
use crate::store::memory::{MemoryBatch, MemoryEngine};
use crate::store::{AppendError, EventHash};

/// Memory that fails as a disk does, and whose sync can be held.
#[derive(Default)]
struct Disk {
    memory: MemoryEngine,
    full: AtomicBool,
    reads_fail: AtomicBool,
    sync_fails: AtomicBool,
    syncs: AtomicUsize,
    held: Mutex<bool>,
    let_go: Condvar,
    /// Applied after the next value was read.
    meanwhile: Mutex<Option<MemoryBatch>>,
}

impl Engine for Disk {
    type Bytes = <MemoryEngine as Engine>::Bytes;
    type Batch = MemoryBatch;

    fn get(&self, key: &[u8]) -> Result<Option<Self::Bytes>, StoreError> {
        if self.reads_fail.load(Ordering::SeqCst) {
            return Err(StoreError::Full);
        }
        let read = self.memory.get(key);
        if let Some(batch) = self.meanwhile.lock().unwrap().take() {
            self.memory.apply(batch).unwrap();
        }
        read
    }

    fn rows(&self, from: Bound<&[u8]>, until: &[u8], most: usize) -> Result<Vec<Row<Self::Bytes>>, StoreError> {
        self.memory.rows(from, until, most)
    }

    fn apply(&self, batch: MemoryBatch) -> Result<(), CommitError> {
        if self.full.load(Ordering::SeqCst) {
            return Err(CommitError::Full);
        }
        self.memory.apply(batch)
    }

    fn sync(&self) -> Result<(), CommitError> {
        self.syncs.fetch_add(1, Ordering::SeqCst);
        let mut held = self.held.lock().unwrap();
        while *held {
            held = self.let_go.wait(held).unwrap();
        }
        if self.sync_fails.load(Ordering::SeqCst) {
            let source = "no answer from the disk".into();
            return Err(CommitError::Failed(StoreError::Engine { doing: "syncing", source }));
        }
        Ok(())
    }

    fn reopen(&self) -> Result<(), StoreError> {
        Ok(())
    }
}

fn journalled(home: &Path, bounds: Bounds) -> KeyedStore<Disk> {
    let identity = Identity { store_id: [1; 16], incarnation: [2; 16] };
    let disk = Disk::default();
    KeyedStore::create(&disk, identity).unwrap();
    disk.syncs.store(0, Ordering::SeqCst);
    let mut store = KeyedStore::over(disk, identity, Head::EMPTY);
    let journal = Journal::create(&home.join("journal"), identity, Head::EMPTY, 1 << 20).unwrap();
    let checkpoint = Checkpoint::open(home, identity, None).unwrap();
    store.journalled = Some(Journalled {
        keeper: Keeper::start(Arc::clone(&store.engine), checkpoint, Head::EMPTY, bounds).unwrap(),
        space: Space::new(home, Limits::NONE),
        suspicion: Suspicion::of(home),
        derive: Arc::new(derived),
        directory: home.join("journal"),
        segment_bytes: 1 << 20,
        reader: Mutex::new(journal.reader()),
        refills: AtomicU64::new(0),
        recovered: None,
    });
    store.writer.get_mut().unwrap().journal = Some(journal);
    store
}

fn try_write(store: &dyn Store) -> Result<Head, AppendError> {
    let head = store.head().unwrap();
    let events = vec![event(head.revision.0 + 1, "a")];
    let views = derived(store, &events)?;
    store.append(&head, &Group { events, views })
}

const AT_ONCE: Bounds = Bounds { time: Duration::from_secs(1), events: 1, most: 4 };

#[test]
fn a_group_is_durable_in_the_journal_before_the_engine_has_it() {
    let home = tempfile::tempdir().unwrap();
    let store = journalled(home.path(), NEVER);
    let head = try_write(&store).unwrap();
    assert_eq!(store.status().journal.unwrap().head, head);
    assert_eq!(store.engine().syncs.load(Ordering::SeqCst), 0, "the journal's sync is the commit point");
    store.engine().full.store(true, Ordering::SeqCst);
    assert!(matches!(try_write(&store), Err(AppendError::Full)));
    assert_eq!(store.status().journal.unwrap().head.revision, head.revision.next());
    assert_eq!(store.head().unwrap(), head, "what was not answered with success is not published");
}

#[test]
fn a_full_disk_takes_no_writes_until_reopened_and_then_has_the_group() {
    let home = tempfile::tempdir().unwrap();
    let store = journalled(home.path(), NEVER);
    let head = try_write(&store).unwrap();
    store.engine().full.store(true, Ordering::SeqCst);
    assert!(matches!(try_write(&store), Err(AppendError::Full)));
    assert!(matches!(try_write(&store), Err(AppendError::ReadOnly)));
    assert!(store.event(head.revision).unwrap().is_some(), "reads go on");
    assert!(matches!(store.reopen(), Err(StoreError::Full)), "while there is no room");
    assert!(matches!(try_write(&store), Err(AppendError::ReadOnly)));
    store.engine().full.store(false, Ordering::SeqCst);
    let reopened = store.reopen().unwrap();
    assert_eq!(reopened.revision, head.revision.next(), "journalled, answered with an error, and part of the ledger");
    assert_eq!(store.head().unwrap(), reopened);
    assert_eq!(store.reopen().unwrap(), reopened, "asked again, nothing changes");
    assert_eq!(try_write(&store).unwrap().revision, reopened.revision.next());
    assert_eq!(verify_chain(&store, Revision(1)).unwrap().revision, reopened.revision.next());
}

#[test]
fn a_full_disk_met_by_what_a_write_reads_is_a_full_disk_and_no_end() {
    let home = tempfile::tempdir().unwrap();
    let store = journalled(home.path(), NEVER);
    let head = try_write(&store).unwrap();
    store.engine().reads_fail.store(true, Ordering::SeqCst);
    assert!(matches!(try_write(&store), Err(AppendError::Full)), "met by the value that it replaces");
    assert!(matches!(try_write(&store), Err(AppendError::ReadOnly)));
    assert!(matches!(store.reopen(), Err(StoreError::Full)), "while there is no room");
    store.engine().reads_fail.store(false, Ordering::SeqCst);
    assert_eq!(store.reopen().unwrap(), head, "nothing was begun");

    store.engine().reads_fail.store(true, Ordering::SeqCst);
    let dossier = (ViewKey::dossier(SubjectId(1)), vec![1]);
    let replaced = store.replace_view(View::Dossier, 1, &mut std::iter::once(Ok(dossier)));
    assert!(matches!(replaced, Err(AppendError::Full)), "so is it by a view that is made anew");
    store.engine().reads_fail.store(false, Ordering::SeqCst);
    assert_eq!(store.reopen().unwrap(), head);
    assert_eq!(try_write(&store).unwrap().revision, head.revision.next());
    assert_eq!(store.status().suspect, None);
}

#[test]
fn a_failed_sync_is_never_tried_again_and_stops_the_writer() {
    let home = tempfile::tempdir().unwrap();
    let store = journalled(home.path(), AT_ONCE);
    store.engine().sync_fails.store(true, Ordering::SeqCst);
    // The keeper syncs beside the writer: some writes are still taken until it has failed.
    let refused = (0..1_000).find_map(|_| try_write(&store).err()).expect("the writer must stop");
    assert!(matches!(refused, AppendError::Failed(StoreError::Stopped { .. })), "{refused}");
    assert!(refused.to_string().contains("no answer from the disk"), "{refused}");
    store.engine().sync_fails.store(false, Ordering::SeqCst);
    assert!(matches!(try_write(&store), Err(AppendError::Failed(StoreError::Stopped { .. }))));
    assert!(matches!(store.reopen(), Err(StoreError::Stopped { .. })), "nor by a reopening");
    let engine = Arc::clone(&store.engine);
    drop(store);
    assert_eq!(engine.syncs.load(Ordering::SeqCst), 1);
    assert_eq!(Checkpoint::read(home.path()).unwrap(), None, "nothing is known to be synced");
}

#[test]
fn a_sync_that_failed_behind_the_last_write_is_told_without_another() {
    let home = tempfile::tempdir().unwrap();
    let store = journalled(home.path(), AT_ONCE);
    store.writable().unwrap();
    store.engine().sync_fails.store(true, Ordering::SeqCst);
    let head = try_write(&store).unwrap();
    let deadline = Instant::now() + Duration::from_mins(1);
    let refused = loop {
        match store.writable() {
            Err(refused) => break refused,
            Ok(()) => assert!(Instant::now() < deadline, "it must be told in time"),
        }
        thread::yield_now();
    };
    assert!(matches!(refused, AppendError::Failed(StoreError::Stopped { .. })), "{refused}");
    assert!(refused.to_string().contains("no answer from the disk"), "{refused}");
    assert_eq!((store.head().unwrap(), store.status().journal.unwrap().head), (head, head));
}

#[test]
fn the_writer_waits_for_an_engine_that_is_far_behind() {
    let home = tempfile::tempdir().unwrap();
    let store = Arc::new(journalled(home.path(), AT_ONCE));
    *store.engine().held.lock().unwrap() = true;
    let (told, heard) = mpsc::channel();
    let writer = thread::spawn({
        let store = Arc::clone(&store);
        move || {
            for _ in 0..20 {
                told.send(try_write(&*store).unwrap().revision.0).unwrap();
            }
        }
    });
    let mut last = 0;
    while let Ok(revision) = heard.recv_timeout(Duration::from_millis(300)) {
        last = revision;
    }
    assert!((1..=AT_ONCE.most + 1).contains(&last), "{last} events ahead");
    *store.engine().held.lock().unwrap() = false;
    store.engine().let_go.notify_all();
    writer.join().unwrap();
    assert_eq!(heard.iter().last(), Some(20));
}

#[test]
fn the_engine_follows_within_its_bounds_and_a_close_leaves_nothing_behind() {
    let home = tempfile::tempdir().unwrap();
    let store = journalled(home.path(), Bounds { time: Duration::from_millis(1), events: u64::MAX, most: u64::MAX });
    let head = try_write(&store).unwrap();
    let deadline = std::time::Instant::now() + Duration::from_mins(1);
    while store.status().engine_synced < head.revision {
        assert!(std::time::Instant::now() < deadline, "a quiet engine must be synced too");
        thread::yield_now();
    }
    let kept = Checkpoint::read(home.path()).unwrap().unwrap();
    assert_eq!((kept.synced, kept.closed), (head, false));
    drop(store);
    assert!(Checkpoint::read(home.path()).unwrap().unwrap().closed);

    let home = tempfile::tempdir().unwrap();
    let store = journalled(home.path(), NEVER);
    let head = try_write(&store).unwrap();
    drop(store);
    let kept = Checkpoint::read(home.path()).unwrap().unwrap();
    assert_eq!((kept.synced, kept.closed), (head, true));
}

#[test]
fn the_ledger_is_the_same_with_a_journal_and_without() {
    let home = tempfile::tempdir().unwrap();
    let with = journalled(home.path(), NEVER);
    let without = crate::store::MemoryStore::new(with.identity());
    let of = |store: &dyn Store| -> EventHash { (0..20).map(|_| try_write(store).unwrap().hash).last().unwrap() };
    assert_eq!(of(&with), of(&without));
}

#[test]
fn a_long_value_that_changes_while_it_is_read_is_not_taken_for_damaged() {
    let home = tempfile::tempdir().unwrap();
    let store = journalled(home.path(), NEVER);
    let dossier = ViewKey::dossier(crate::domain::SubjectId(1));
    let long = |byte| vec![byte; 20_000];
    let mut written = MemoryBatch::default();
    let put = |batch: &mut MemoryBatch, byte| {
        let mut encoder = crate::store::codec::Encoder::default();
        let put = |key: &Key, frame: &[u8]| batch.put(key.as_ref(), frame);
        encoder.encode(dossier.key(), SCHEMA_VERSION, &long(byte), put).unwrap();
    };
    put(&mut written, 1);
    store.engine().apply(written).unwrap();
    let mut next = MemoryBatch::default();
    put(&mut next, 2);
    *store.engine().meanwhile.lock().unwrap() = Some(next);
    assert_eq!(store.get(&dossier).unwrap(), Some(long(2)));
    assert_eq!(store.status().suspect, None);
    assert!(!home.path().join("suspect").exists());
}
