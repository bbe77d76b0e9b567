use std::fs;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;

use super::super::tests::{Clock, at_rest, fill, told};
use super::super::{Finding, FullSpeed, Severity, verify};
use super::*;
use crate::reference::tables;
use crate::store::backup;
use crate::store::journal::Journal;
use crate::store::{SledStore, StoredEvent, Unpaced};

/// A data directory with a filled store, a journal of all but the first events, and a backup.
struct Site {
    home: tempfile::TempDir,
    clock: Clock,
    store: Arc<SledStore>,
}

impl Site {
    /// The journal begins after `before` and holds all but the last `behind` events; the backup holds everything through
    /// `backed_up`. 0: there is none.
    fn new(before: u64, behind: u64, backed_up: u64) -> Self {
        let (home, clock) = (tempfile::tempdir().unwrap(), Clock::new());
        let store = Arc::new(SledStore::open(home.path(), 16 << 20).unwrap());
        fill(Arc::clone(&store) as Arc<dyn Store>, &clock);
        let site = Self { home, clock, store };
        let head = site.store.head().unwrap();
        let mut journal =
            Journal::create(&site.path("journal"), site.store.identity(), site.head_at(before), 64 << 10).unwrap();
        let events = site.store.stored_events(Revision(before + 1), Revision(head.revision.0 - behind));
        let events: Vec<StoredEvent> = events.map(Result::unwrap).collect();
        for group in events.chunks(7) {
            journal.append(group).unwrap();
        }
        if backed_up > 0 {
            let (through, now) = (site.head_at(backed_up), Timestamp::UNIX_EPOCH);
            let written =
                backup::write(&*site.store, Head::EMPTY, through, &site.path("backups"), now, &mut Unpaced).unwrap();
            let scratch = tempfile::tempdir().unwrap();
            backup::check(written, &*site.store, scratch.path(), &mut Unpaced).unwrap();
        }
        site
    }

    fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    fn head_at(&self, revision: u64) -> Head {
        let event = self.store.stored_event(Revision(revision)).unwrap();
        event.map_or(Head::EMPTY, |event| Head { revision: event.revision, hash: event.hash() })
    }

    fn survey(&self) -> Survey {
        Survey::of(self.home.path(), &self.path("backups"))
    }

    /// What is found, and the ledger's own findings with it.
    fn findings(&self) -> Vec<Finding> {
        let survey = self.survey();
        let mut findings = Vec::new();
        let mut tell = |told| match told {
            Told::Finding(finding) => findings.push(finding),
            Told::Progress { .. } | Told::Done(_) => {}
        };
        let anchors = survey.anchors(self.store.head().unwrap().revision);
        let asked = super::super::Asked { anchors, ..at_rest(&self.clock) };
        verify(&*self.store, tables(), &asked, &FullSpeed, &mut tell).unwrap();
        survey.verify(Some(&*self.store), false, &FullSpeed, &mut tell);
        findings
    }

    fn told(&self) -> Vec<String> {
        told(&self.findings())
    }

    fn file(&self, directory: &str) -> PathBuf {
        let mut files: Vec<PathBuf> =
            fs::read_dir(self.path(directory)).unwrap().map(|entry| entry.unwrap().path()).collect();
        files.sort();
        files.swap_remove(0)
    }

    fn flip(path: &Path, at: u64) {
        let mut file = fs::File::options().read(true).write(true).open(path).unwrap();
        let mut byte = [0];
        file.seek(SeekFrom::Start(at)).unwrap();
        file.read_exact(&mut byte).unwrap();
        file.seek(SeekFrom::Start(at)).unwrap();
        file.write_all(&[byte[0] ^ 1]).unwrap();
    }
}

#[test]
fn journal_and_backup_that_reach_the_head_without_a_gap_are_sound() {
    let site = Site::new(20, 0, 30);
    assert_eq!(site.findings(), []);
    let rebuilt_from = site.survey().rebuilt_from().unwrap();
    assert!(rebuilt_from.starts_with("backup 00000000000000000001-00000000000000000030-"), "{rebuilt_from}");
    assert!(rebuilt_from.ends_with(".full.steelyard and the journal"), "{rebuilt_from}");
    assert_eq!(Site::new(0, 0, 0).survey().rebuilt_from().as_deref(), Some("the journal"));
}

#[test]
fn a_gap_between_backup_and_journal_is_told() {
    let site = Site::new(20, 0, 15);
    let findings = site.told();
    assert_eq!(findings.len(), 1, "{findings:?}");
    assert!(findings[0].contains("the backups end at revision 15, and the journal begins after 20"), "{findings:?}");
    assert_eq!(site.survey().rebuilt_from(), None);
}

#[test]
fn that_there_is_no_backup_or_no_journal_is_a_warning() {
    let site = Site::new(0, 0, 0);
    let findings = site.findings();
    assert_eq!(findings.len(), 1, "{findings:?}");
    assert_eq!((findings[0].severity, &*findings[0].what), (Severity::Warning, "no verified backup is here"));
    assert_eq!(findings[0].remedy, "run `steelyard backup` against the running server");

    let site = Site::new(0, 0, 30);
    fs::remove_dir_all(site.path("journal")).unwrap();
    let findings = site.told();
    assert_eq!(findings.len(), 2, "{findings:?}");
    assert!(findings[0].starts_with("journal | journal/ | there is none"), "{findings:?}");
    assert!(findings[1].contains("it ends at revision 30, the ledger at"), "{findings:?}");
}

#[test]
fn a_journal_that_ends_before_the_engine_is_damage() {
    let site = Site::new(0, 5, 30);
    let findings = site.findings();
    assert_eq!(findings.len(), 1, "{findings:?}");
    assert_eq!((findings[0].severity, &*findings[0].place), (Severity::Damage, "journal/"));
    assert!(findings[0].what.starts_with("it ends at revision "), "{findings:?}");
}

#[test]
fn an_engine_behind_the_journal_is_no_damage() {
    let site = Site::new(0, 0, 30);
    let behind = tempfile::tempdir().unwrap();
    let identity = site.store.identity();
    let store = SledStore::load::<crate::store::LoadError>(
        behind.path(),
        identity,
        site.store.stored_events(Revision(1), Revision(25)).map(|event| event.map_err(Into::into)),
        &mut Unpaced,
    );
    store.unwrap();
    let store = SledStore::open(behind.path(), 16 << 20).unwrap();
    let survey = site.survey();
    assert!(survey.anchors(Revision(25)).iter().all(|anchor| anchor.head.revision.0 <= 25), "the next start fills it");
    let mut findings = Vec::new();
    let mut tell = |told| match told {
        Told::Finding(finding) => findings.push(finding),
        Told::Progress { .. } | Told::Done(_) => {}
    };
    survey.verify(Some(&store), false, &FullSpeed, &mut tell);
    assert_eq!(findings.len(), 1, "{findings:?}");
    assert_eq!(findings[0].severity, Severity::Information);
    assert!(findings[0].what.contains("events ahead of the engine's files, which end at revision 25"), "{findings:?}");
}

#[test]
fn two_different_events_at_one_revision_are_told_on_both_sides() {
    let site = Site::new(0, 0, 0);
    let key = crate::store::keys::Key::event(Revision(9));
    let mut event = site.store.event(Revision(9)).unwrap().unwrap();
    event.actor = "another".to_owned();
    site.store.forge(&key, &prost::Message::encode_to_vec(&event));
    let findings = site.told();
    assert!(findings[0].starts_with("chain | e/ revision 9 | "), "{findings:?}");
    assert_eq!(
        findings[1],
        "journal | journal/ revision 9 | the journal and the engine's files hold two different events"
    );
}

#[test]
fn a_damaged_segment_is_told_with_its_offset_and_what_is_then_without_a_copy() {
    let site = Site::new(0, 0, 30);
    let segment = site.file("journal");
    Site::flip(&segment, 300);
    let findings = site.told();
    assert_eq!(findings.len(), 2, "{findings:?}");
    assert!(findings[0].starts_with("journal | journal/00000000000000000001.log | damaged at offset "), "{findings:?}");
    assert!(findings[1].contains("it ends at revision 30, the ledger at 151: without a whole journal"), "{findings:?}");
    assert_eq!(site.survey().rebuilt_from(), None);
}

#[test]
fn a_damaged_backup_is_told_by_name() {
    let site = Site::new(0, 0, 30);
    let file = site.file("backups");
    Site::flip(&file, fs::metadata(&file).unwrap().len() / 2);
    let findings = site.told();
    assert_eq!(findings.len(), 1, "{findings:?}");
    assert!(findings[0].starts_with(&format!("backups | {} | ", name(&file))), "{findings:?}");
}

#[test]
fn what_else_lies_in_the_directory_is_told_with_its_size() {
    let site = Site::new(0, 0, 30);
    for directory in ["scratch-7", "quarantine/20260320T120000Z-1/sled", "sled/blobs"] {
        fs::create_dir_all(site.path(directory)).unwrap();
    }
    for (file, bytes) in [
        ("notes.txt", 10),
        ("scratch-7/db", 20),
        ("quarantine/20260320T120000Z-1/sled/db", 30),
        ("sled/blobs/17", 40),
        ("suspect", 50),
        ("backups/x.full.steelyard.partial", 60),
        ("backups/y.full.steelyard.refused", 70),
        ("journal/copy.log", 80),
    ] {
        fs::write(site.path(file), vec![0; bytes]).unwrap();
    }
    let findings = site.findings();
    let mut seen: Vec<(Severity, String, bool)> =
        findings.iter().map(|found| (found.severity, found.place.clone(), found.what.ends_with(" bytes)"))).collect();
    seen.sort();
    let expected = |severity, place: &str| (severity, place.to_owned(), true);
    assert_eq!(
        seen,
        [
            expected(Severity::Information, "journal/copy.log"),
            expected(Severity::Information, "notes.txt"),
            expected(Severity::Information, "quarantine/20260320T120000Z-1"),
            expected(Severity::Information, "scratch-7"),
            expected(Severity::Information, "x.full.steelyard.partial"),
            expected(Severity::Warning, "sled/blobs/17"),
            expected(Severity::Warning, "suspect"),
            expected(Severity::Warning, "y.full.steelyard.refused"),
        ]
    );
    assert!(findings.iter().any(|found| found.what.ends_with("(30 bytes)")), "{findings:?}");
}
