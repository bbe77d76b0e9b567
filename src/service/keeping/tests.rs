//! The rules of keeping: when and how often with a vault of the test's own, and
//! the files with a real store.

use std::sync::atomic::AtomicI64;
use std::sync::{Barrier, mpsc as std_mpsc};

use super::due::FIRST_AFTER;
use super::files::Files;
use super::*;
use crate::domain::{Revision, SubjectId};
use crate::store::{Group, Head, Identity, MemoryStore, SCHEMA_VERSION, SledStore, pb};

const HOUR: i64 = 3_600;

/// Appends so many events.
fn write(store: &dyn Store, events: u64) -> Head {
    let head = store.head().unwrap();
    let event = |revision| pb::Event {
        revision,
        actor: "test".to_owned(),
        request_id: vec![7; 16],
        subject_id: SubjectId(0).0,
        has_subject: true,
        schema_version: SCHEMA_VERSION.into(),
        body: Some(pb::event::Body::EvidenceWithdrawn(pb::EvidenceWithdrawn::default())),
        ..Default::default()
    };
    let events = (head.revision.0 + 1..).map(event).take(usize::try_from(events).unwrap()).collect();
    store.append(&head, &Group { events, views: Vec::new() }).unwrap()
}

fn memory(events: u64) -> Arc<dyn Store> {
    let store = Arc::new(MemoryStore::new(Identity::fresh()));
    write(&*store, events);
    store
}

fn settings() -> config::Backup {
    config::Backup {
        directory: None,
        every: Some(Duration::from_hours(1)),
        full_every: Duration::from_hours(24),
        journal_bytes: 512 << 20,
        keep_full: 3,
    }
}

/// A clock that stands where it is put, in seconds.
#[derive(Clone, Default)]
struct Clock(Arc<AtomicI64>);

impl Clock {
    fn now(&self) -> Now {
        let at = Arc::clone(&self.0);
        Arc::new(move || Timestamp::from_second(1_780_000_000 + at.load(Ordering::Relaxed)).unwrap())
    }

    fn set(&self, seconds: i64) {
        self.0.store(seconds, Ordering::Relaxed);
    }
}

/// A vault in memory that can be held up and made to fail.
#[derive(Clone, Default)]
struct Shelf {
    made: Arc<Mutex<Vec<Backup>>>,
    pruned: Arc<Mutex<Vec<usize>>>,
    fails: Arc<AtomicBool>,
    /// Met at the beginning and the end of each backup.
    gate: Option<Arc<Barrier>>,
    /// Portions of work in a backup; `None`: goes on until told to stop.
    portions: Option<u64>,
}

impl Shelf {
    fn quick() -> Self {
        Self { portions: Some(3), ..Self::default() }
    }

    fn kinds(&self) -> Vec<Kind> {
        self.made.lock().unwrap().iter().map(|backup| backup.kind).collect()
    }
}

impl Vault for Shelf {
    fn survey(&self, _: &dyn Store) -> Result<Survey, VaultFault> {
        let backups = self.made.lock().unwrap().clone();
        Ok(Survey { newest: backups.last().cloned(), backups, unusable: Vec::new() })
    }

    fn back_up(
        &self,
        store: &dyn Store,
        kind: Kind,
        created: Timestamp,
        pace: &mut dyn FnMut(Progress) -> bool,
    ) -> Result<Backup, VaultFault> {
        let head = store.head().unwrap();
        if let Some(gate) = &self.gate {
            gate.wait();
        }
        for portion in 1..=self.portions.unwrap_or(u64::MAX) {
            let phase = Phase::Writing;
            if !pace(Progress { phase, bytes: 0, events: portion, revision: Revision(portion), through: head.revision })
            {
                return Err(VaultFault::GivenUp);
            }
        }
        if let Some(gate) = &self.gate {
            gate.wait();
        }
        if self.fails.load(Ordering::Relaxed) {
            return Err(VaultFault::Failed("the disk is gone".to_owned()));
        }
        let before = Revision(0);
        let backup = Backup { name: head.revision.to_string(), kind, before, head, bytes: 1, events: 1, created };
        self.made.lock().unwrap().push(backup.clone());
        Ok(backup)
    }

    fn prune(&self, keep_full: usize, _: &Head) -> Result<usize, VaultFault> {
        self.pruned.lock().unwrap().push(keep_full);
        Ok(0)
    }
}

fn start(store: &Arc<dyn Store>, shelf: &Shelf) -> Keeping {
    Keeping::start(Arc::clone(store), Some(Box::new(shelf.clone())), settings(), Clock::default().now()).unwrap()
}

/// How a backup ended.
fn end(mut told: mpsc::Receiver<Told>) -> Result<Backup, Fault> {
    let (tell, ended) = std_mpsc::channel();
    thread::spawn(move || {
        while let Some(message) = told.blocking_recv() {
            match message {
                Told::Progress(_) => {}
                Told::Done(backup) => drop(tell.send(Ok(backup))),
                Told::Failed(fault) => drop(tell.send(Err(fault))),
            }
        }
    });
    ended.recv_timeout(Duration::from_mins(1)).expect("a backup must end with a word")
}

#[test]
fn a_backup_asked_for_is_made_and_told_to_its_end() {
    let (store, shelf) = (memory(5), Shelf::quick());
    let keeping = start(&store, &shelf);
    let made = end(keeping.back_up(None, [1; 16]).unwrap()).unwrap();
    assert_eq!((made.kind, made.head.revision), (Kind::Full, Revision(5)));
    assert_eq!(*shelf.pruned.lock().unwrap(), [3], "what is older than is kept goes after each backup");
    write(&*store, 2);
    let next = end(keeping.back_up(None, [2; 16]).unwrap()).unwrap();
    assert_eq!((next.kind, next.head.revision), (Kind::Incremental, Revision(7)));
    assert_eq!(keeping.detail().last, Some(next));
    keeping.stop();
}

#[test]
fn the_same_request_gives_its_result_again_and_makes_nothing() {
    let (store, shelf) = (memory(5), Shelf::quick());
    let keeping = start(&store, &shelf);
    let first = end(keeping.back_up(Some(Kind::Full), [1; 16]).unwrap()).unwrap();
    write(&*store, 1);
    assert_eq!(end(keeping.back_up(Some(Kind::Full), [1; 16]).unwrap()).unwrap(), first);
    assert_eq!(shelf.kinds().len(), 1);
    keeping.stop();
}

#[test]
fn where_nothing_is_new_the_newest_backup_is_the_answer() {
    let (store, shelf) = (memory(5), Shelf::quick());
    let keeping = start(&store, &shelf);
    let first = end(keeping.back_up(None, [1; 16]).unwrap()).unwrap();
    assert_eq!(end(keeping.back_up(None, [2; 16]).unwrap()).unwrap(), first);
    assert_eq!(shelf.kinds().len(), 1);
    keeping.stop();
}

#[test]
fn one_backup_is_made_at_a_time() {
    let gate = Arc::new(Barrier::new(2));
    let shelf = Shelf { gate: Some(Arc::clone(&gate)), ..Shelf::quick() };
    let keeping = start(&memory(5), &shelf);
    let first = keeping.back_up(None, [1; 16]).unwrap();
    gate.wait();
    assert!(keeping.detail().running);
    assert_eq!(keeping.back_up(None, [2; 16]).unwrap_err(), Fault::BackupRunning);
    gate.wait();
    end(first).unwrap();
    assert!(!keeping.detail().running, "whoever hears of the end may ask again");
    keeping.stop();
}

#[test]
fn a_caller_who_reads_slowly_misses_progress_and_never_the_end() {
    let shelf = Shelf { portions: Some(200), ..Shelf::default() };
    let keeping = start(&memory(5), &shelf);
    let mut told = keeping.back_up(None, [1; 16]).unwrap();
    while keeping.detail().running {
        thread::yield_now();
    }
    let messages: Vec<Told> = std::iter::from_fn(|| told.blocking_recv()).collect();
    assert!(messages.len() <= WAITING, "{}", messages.len());
    assert!(matches!(messages.last(), Some(Told::Done(_))), "{messages:?}");
    keeping.stop();
}

#[test]
fn a_server_that_stops_does_not_wait_for_a_backup() {
    let shelf = Shelf::default();
    let keeping = start(&memory(5), &shelf);
    let told = keeping.back_up(None, [1; 16]).unwrap();
    keeping.stop();
    assert_eq!(end(told), Err(Fault::ShuttingDown));
    assert_eq!(shelf.kinds(), []);
    assert_eq!(keeping.back_up(None, [2; 16]).unwrap_err(), Fault::ShuttingDown);
}

#[test]
fn a_store_in_memory_has_nothing_to_back_up() {
    let keeping = Keeping::start(memory(5), None, settings(), Clock::default().now()).unwrap();
    assert_eq!(keeping.back_up(None, [1; 16]).unwrap_err(), Fault::NoDataDirectory);
    assert_eq!(keeping.survey(), Err(Fault::NoDataDirectory));
    keeping.stop();
}

#[test]
fn backups_are_made_when_due_and_one_that_failed_is_tried_again_later() {
    let (store, shelf, clock) = (memory(5), Shelf::quick(), Clock::default());
    let keeping = Keeping::idle(Arc::clone(&store), Some(Box::new(shelf.clone())), settings(), clock.now());
    let tend_at = |seconds: i64| {
        clock.set(seconds);
        run::tend(&keeping.0, &*store, &shelf);
        shelf.kinds().len()
    };
    let first = i64::try_from(FIRST_AFTER.as_secs()).unwrap();
    shelf.fails.store(true, Ordering::Relaxed);
    assert_eq!((tend_at(0), tend_at(first)), (0, 0));
    let detail = keeping.detail();
    assert_eq!((detail.failures, detail.problem.as_deref()), (1, Some("the disk is gone")));
    shelf.fails.store(false, Ordering::Relaxed);
    assert_eq!(tend_at(first + 59), 0, "not before a minute has passed");
    assert_eq!(tend_at(first + 60), 1);
    assert_eq!(keeping.detail().problem, None);
    write(&*store, 1);
    assert_eq!(tend_at(first + 60 + HOUR - 1), 1);
    assert_eq!(tend_at(first + 60 + HOUR), 2);
    assert_eq!(tend_at(first + 60 + 48 * HOUR), 2, "nothing was written since");
    write(&*store, 1);
    tend_at(first + 60 + 48 * HOUR);
    assert_eq!(shelf.kinds(), [Kind::Full, Kind::Incremental, Kind::Full]);
}

#[test]
fn backups_in_files_follow_each_other_and_strangers_are_told_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path().join("store");
    let store: Arc<dyn Store> = Arc::new(SledStore::open(&home, 16 << 20).unwrap());
    write(&*store, 5);
    let files = Files::new(folder.path().join("backups"), home.clone(), 0);
    let keeping =
        Keeping::start(Arc::clone(&store), Some(Box::new(files)), settings(), Clock::default().now()).unwrap();
    let full = end(keeping.back_up(None, [1; 16]).unwrap()).unwrap();
    assert_eq!((full.kind, full.before, full.events), (Kind::Full, Revision(0), 5));
    let head = write(&*store, 3);
    let next = end(keeping.back_up(None, [2; 16]).unwrap()).unwrap();
    assert_eq!((next.kind, next.before, next.head), (Kind::Incremental, Revision(5), head));
    std::fs::write(folder.path().join("backups/9-9-aaaaaaaa.full.steelyard"), b"no backup").unwrap();
    let survey = keeping.survey().unwrap();
    assert_eq!(survey.backups, [full, next.clone()]);
    assert_eq!(survey.newest, Some(next));
    assert_eq!(survey.unusable.len(), 1);
    assert_eq!(survey.unusable[0].name, "9-9-aaaaaaaa.full.steelyard");
    assert!(!survey.unusable[0].problem.contains(folder.path().to_str().unwrap()), "{}", survey.unusable[0].problem);
    keeping.stop();
}

#[test]
fn a_proof_never_takes_the_room_that_writes_need() {
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path().join("store");
    let store = SledStore::open(&home, 16 << 20).unwrap();
    write(&store, 5);
    let files = Files::new(folder.path().join("backups"), home, u64::MAX / 2);
    let refused = files.back_up(&store, Kind::Full, Clock::default().now()(), &mut |_| true).unwrap_err();
    assert!(refused.to_string().starts_with("restoring it for proof needs about "), "{refused}");
    assert_eq!(std::fs::read_dir(folder.path().join("backups")).unwrap().count(), 0);
}
