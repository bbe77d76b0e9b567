//! What the shim and the disk rebuilt from its record promise. A drill proves
//! nothing unless these lose what they must.

use std::fs::{self, File, OpenOptions};
use std::io::{Seek, SeekFrom, Write};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;
use std::{env, thread};

use rand::SeedableRng;
use rand::rngs::StdRng;

use super::disk::Disk;
use super::log::{self, CUT_EXIT, Record};
use super::shim::{self, Cut};
use super::survival::{Mode, Survival};

const BOOT_ID: &str = "/proc/sys/kernel/random/boot_id";
const SCRIPT: &str = "STEELYARD_POWERCUT_SCRIPT";
const ROOT: &str = "STEELYARD_POWERCUT_ROOT";

/// Runs in a process of its own, which the shim watches.
#[test]
fn scripted_child() {
    let (Ok(script), Some(root)) = (env::var(SCRIPT), env::var_os(ROOT)) else { return };
    let root = Path::new(&root);
    let file = root.join("file");
    let sync_directory = || File::open(root).unwrap().sync_all().unwrap();
    match script.as_str() {
        "synced" => {
            fs::write(&file, "kept").unwrap();
            File::open(&file).unwrap().sync_all().unwrap();
            sync_directory();
        }
        "unsynced" => {
            fs::write(&file, "lost").unwrap();
            sync_directory();
        }
        "unnamed" => {
            let mut made = File::create(&file).unwrap();
            made.write_all(b"kept, and nowhere to be found").unwrap();
            made.sync_all().unwrap();
        }
        "renamed" => {
            fs::rename(root.join("old"), root.join("new")).unwrap();
        }
        "moved" => {
            fs::create_dir(root.join("other")).unwrap();
            sync_directory();
            fs::rename(root.join("old"), root.join("other/new")).unwrap();
            // One of the two directories is not enough.
            sync_directory();
        }
        "moved and synced" => {
            fs::create_dir(root.join("other")).unwrap();
            fs::rename(root.join("old"), root.join("other/new")).unwrap();
            sync_directory();
            File::open(root.join("other")).unwrap().sync_all().unwrap();
        }
        "removed" => fs::remove_file(root.join("old")).unwrap(),
        "grown" => {
            let old = OpenOptions::new().write(true).open(root.join("old")).unwrap();
            old.write_all_at(&[7; 5_000], 10_000).unwrap();
            old.sync_data().unwrap();
            old.set_len(3).unwrap();
        }
        "torn" => {
            let old = OpenOptions::new().write(true).open(root.join("old")).unwrap();
            old.write_all_at(&vec![1; 64 * 512], 0).unwrap();
            old.sync_data().unwrap();
            old.write_all_at(&vec![2; 64 * 512], 0).unwrap();
        }
        "appended" => {
            let mut log = OpenOptions::new().append(true).open(root.join("old")).unwrap();
            log.write_all(b", and more").unwrap();
            let mut copy = log.try_clone().unwrap();
            assert_eq!(copy.write_vectored(&[io_slice(b", and"), io_slice(b" yet more")]).unwrap(), 14);
            copy.seek(SeekFrom::Start(0)).unwrap();
            copy.write_all(b".").unwrap();
            fs::copy(root.join("old"), root.join("copy")).unwrap();
            copy.sync_all().unwrap();
            File::open(root.join("copy")).unwrap().sync_all().unwrap();
            sync_directory();
        }
        "threads" => {
            thread::scope(|scope| {
                for name in ["a", "b", "c", "d"] {
                    scope.spawn(move || {
                        let path = root.join(name);
                        for turn in 0..50 {
                            fs::write(&path, format!("{name} {turn}")).unwrap();
                            fs::rename(&path, root.join(format!("{name}.named"))).unwrap();
                        }
                    });
                }
            });
        }
        "run" => {
            fs::write(&file, fs::read(BOOT_ID).unwrap()).unwrap();
            File::open(&file).unwrap().sync_all().unwrap();
            sync_directory();
        }
        "sled" => {
            // Its own thread flushes too, twice a second, and where nothing was left to flush it syncs the file.
            let db = sled::Config::new().path(root.join("sled")).flush_every_ms(None).open().unwrap();
            for path in [&root.join("sled/db"), &root.join("sled"), root] {
                File::open(path).unwrap().sync_all().unwrap();
            }
            db.insert("key", "value").unwrap();
            db.flush().unwrap();
            // Its destructor would write more.
            std::process::exit(0);
        }
        script => panic!("{script} is no script"),
    }
}

fn io_slice(bytes: &[u8]) -> std::io::IoSlice<'_> {
    std::io::IoSlice::new(bytes)
}

/// A directory with one file that is on the disk, and what a child did there.
struct Played {
    home: tempfile::TempDir,
    disk: Disk,
    records: Vec<Record>,
}

impl Played {
    fn new(script: &str, cut: Cut) -> Self {
        let home = tempfile::tempdir().unwrap();
        let root = home.path().join("root");
        fs::create_dir(&root).unwrap();
        fs::write(root.join("old"), "old").unwrap();
        let mut disk = Disk::of(&root);
        let log = home.path().join("log");
        let mut command = Command::new(env::current_exe().unwrap());
        command
            .args(["powercut::rules::scripted_child", "--exact", "--test-threads=1"])
            .env(SCRIPT, script)
            .env(ROOT, &root)
            .stdout(Stdio::null());
        let ended = shim::under(&mut command, &root, &log, cut).status().unwrap();
        assert_eq!(ended.code(), Some(if cut.at == 0 { 0 } else { CUT_EXIT }), "{script}");
        let records = log::read(&log);
        disk.replay(&records);
        assert_eq!(disk.difference(&root), None, "{script}");
        Self { home, disk, records }
    }

    /// The disk after a cut.
    fn after(&self, mode: Mode, seed: u64) -> tempfile::TempDir {
        let after = tempfile::tempdir_in(self.home.path()).unwrap();
        let mut random = StdRng::seed_from_u64(seed);
        self.disk.after_the_cut(&mut Survival::new(mode, &mut random), after.path());
        after
    }

    /// What a file holds after a cut that leaves nothing uncertain.
    fn strictly(&self, name: &str) -> Option<String> {
        fs::read_to_string(self.after(Mode::Strict, 0).path().join(name)).ok()
    }

    /// How many of a hundred cuts of this mode leave a file with content that `holds`.
    fn of_a_hundred(&self, mode: Mode, name: &str, holds: impl Fn(Option<Vec<u8>>) -> bool) -> usize {
        (0..100).filter(|seed| holds(fs::read(self.after(mode, *seed).path().join(name)).ok())).count()
    }
}

fn played(script: &str) -> Played {
    Played::new(script, Cut::default())
}

#[test]
fn what_was_synced_survives() {
    let played = played("synced");
    for mode in super::survival::MODES {
        assert_eq!(played.of_a_hundred(mode, "file", |content| content.is_some_and(|content| content == b"kept")), 100);
    }
}

#[test]
fn what_was_not_synced_is_lost() {
    let played = played("unsynced");
    assert_eq!(played.strictly("file").as_deref(), Some(""));
    for mode in [Mode::Subset, Mode::Prefix] {
        let lost = played.of_a_hundred(mode, "file", |content| content.is_none_or(|content| content != b"lost"));
        assert!((1..100).contains(&lost), "{mode:?}: it may survive and may not: {lost} of 100 lost");
    }
}

#[test]
fn a_file_is_lost_with_its_name() {
    assert_eq!(played("unnamed").strictly("file"), None);
}

#[test]
fn a_rename_is_undone_unless_its_directories_were_synced() {
    let renamed = played("renamed");
    assert_eq!((renamed.strictly("old").as_deref(), renamed.strictly("new")), (Some("old"), None));
    let moved = played("moved");
    assert_eq!((moved.strictly("old").as_deref(), moved.strictly("other/new")), (Some("old"), None));
    let moved = played("moved and synced");
    assert_eq!((moved.strictly("old"), moved.strictly("other/new").as_deref()), (None, Some("old")));
}

#[test]
fn a_removal_is_undone_unless_its_directory_was_synced() {
    assert_eq!(played("removed").strictly("old").as_deref(), Some("old"));
}

#[test]
fn fdatasync_covers_the_length_and_nothing_later() {
    let content = fs::read(played("grown").after(Mode::Strict, 0).path().join("old")).unwrap();
    let expected = [b"old".to_vec(), vec![0; 9_997], vec![7; 5_000]].concat();
    assert!(content == expected, "{} bytes", content.len());
}

#[test]
fn a_write_in_flight_may_be_torn_between_sectors_and_nowhere_else() {
    let played = played("torn");
    assert_eq!(played.of_a_hundred(Mode::Strict, "old", |content| content == Some(vec![1; 64 * 512])), 100);
    for mode in [Mode::Subset, Mode::Prefix] {
        let torn = played.of_a_hundred(mode, "old", |content| {
            let content = content.expect("the file must be there");
            assert_eq!(content.len(), 64 * 512);
            assert!(content.chunks(512).all(|sector| sector == [1; 512] || sector == [2; 512]));
            content.contains(&1) && content.contains(&2)
        });
        assert!(torn > 20, "{mode:?}: {torn} of 100 torn");
    }
}

#[test]
fn appends_duplicates_vectors_and_copies_are_recorded() {
    let played = played("appended");
    assert_eq!(played.strictly("old").as_deref(), Some("old, and more, and yet more."));
    assert_eq!(played.strictly("copy").as_deref(), Some("old, and more, and yet more."));
}

#[test]
fn threads_are_recorded_in_the_order_performed() {
    // `Played::new` compares the record with the directory.
    let played = played("threads");
    assert!(played.records.len() >= 4 * 50 * 3, "{} recorded", played.records.len());
}

#[test]
fn a_deaf_sync_covers_nothing() {
    let deaf = Cut { deaf: "file", ..Cut::default() };
    assert_eq!(Played::new("synced", deaf).strictly("file").as_deref(), Some(""));
}

#[test]
fn the_power_goes_before_the_operation_chosen() {
    // 1: the file is made. 2: written. 3: synced. 4: its directory is synced.
    for (at, before, left) in
        [(1, "create file", None), (2, "write file", None), (3, "sync file", None), (4, "sync ", None)]
    {
        let played = Played::new("synced", Cut { at, ..Cut::default() });
        assert_eq!(played.records.last(), Some(&Record::Cut { before: before.into() }));
        assert_eq!(played.strictly("file").as_deref(), left);
    }
}

#[test]
fn the_machine_runs_anew_after_a_cut() {
    let run = played("run").strictly("file").expect("a run must have a name");
    assert_ne!(run, fs::read_to_string(BOOT_ID).unwrap());
    assert_ne!(Some(run), played("run").strictly("file"));
}

#[test]
fn a_flush_of_sled_alone_is_lost() {
    let played = played("sled");
    let held = |root: &Path| sled::open(root.join("sled")).ok().and_then(|db| db.get("key").ok().flatten());
    let root = played.home.path().join("root");
    // The lock of the process that wrote it may outlive it by a moment.
    let written = crate::harness::within(Duration::from_secs(5), || held(&root));
    assert_eq!(written.as_deref(), Some(&b"value"[..]), "the process itself wrote it");
    assert_eq!(held(played.after(Mode::Strict, 0).path()), None);
}

#[test]
fn what_passes_the_shim_by_is_found() {
    let played = played("synced");
    let root = played.home.path().join("root");
    fs::write(root.join("file"), "kelp").unwrap();
    assert!(played.disk.difference(&root).is_some_and(|told| told.contains("file")));
    fs::write(root.join("file"), "kept").unwrap();
    assert_eq!(played.disk.difference(&root), None);
    fs::write(root.join("another"), "").unwrap();
    assert!(played.disk.difference(&root).is_some_and(|told| told.contains("other names")));
}
