//! Rounds: a process writes, its power goes at a random operation, the disk is
//! rebuilt as it may then be, and a copy of it is opened and checked. The next
//! round goes on with the disk itself, which nobody has repaired meanwhile: so
//! cuts fall into repairs too.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::{env, fmt, fs};

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use steelyard::store::Store;

use super::child;
use super::disk::Disk;
use super::history::{self, Finding, Known};
use super::log::{self, Record};
use super::shim::Cut;
use super::survival::{MODES, Mode, Survival};

/// Rounds on one disk. The first finds it empty.
const ROUNDS_A_LIFE: u64 = 5;

/// Operations of the longest round. A store opens in some tens, and repairs itself in some hundreds.
const MOST_OPERATIONS: u64 = 2_048;

/// A disk, from its first write to its last.
pub struct Life {
    home: tempfile::TempDir,
    generation: usize,
    pub writers: u32,
    pub known: Known,
}

impl Life {
    fn begin(writers: u32) -> Self {
        let home = tempfile::tempdir().unwrap();
        let life = Self { home, generation: 0, writers, known: Known::default() };
        fs::create_dir(life.root()).unwrap();
        life
    }

    /// The disk.
    pub fn root(&self) -> PathBuf {
        self.home.path().join(format!("disk-{}", self.generation))
    }

    /// What was done to it since the last cut.
    pub fn log(&self) -> PathBuf {
        self.home.path().join(format!("log-{}", self.generation))
    }

    /// Puts in the place of the disk what the cut left of it.
    fn cut(&mut self, mut disk: Disk, mode: Mode, random: &mut StdRng) -> Record {
        let mut records = log::read(&self.log());
        disk.replay(&records);
        assert_eq!(disk.difference(&self.root()), None, "something passed the shim by");
        let (before, log) = (self.root(), self.log());
        self.generation += 1;
        fs::create_dir(self.root()).unwrap();
        disk.after_the_cut(&mut Survival::new(mode, random), &self.root());
        fs::remove_dir_all(before).unwrap();
        fs::remove_file(log).unwrap();
        records.pop().expect("a cut must be recorded")
    }

    /// Opens a copy of the disk, and checks it. Whether the engine's files had to be rebuilt.
    fn check(&mut self) -> Result<bool, Finding> {
        let copy = self.home.path().join("copy");
        copy_tree(&self.root(), &copy);
        // sled panics over some damage: that, too, is a refusal.
        let checked = catch_unwind(AssertUnwindSafe(|| {
            let store = child::open(&history::place(&copy)).map_err(|error| Finding::Refused(error.to_string()))?;
            let rebuilt = store.status().recovered.is_some();
            let known = history::check(&store, &self.known)?;
            history::make_views(&store);
            history::check(&store, &known)?;
            drop(store);
            // What a repair made must itself be whole.
            let store = child::open(&history::place(&copy)).map_err(|error| Finding::Refused(error.to_string()))?;
            history::check(&store, &known)?;
            Ok((known, rebuilt))
        }));
        let rebuilt;
        (self.known, rebuilt) = checked.unwrap_or_else(|panic| {
            let told = panic.downcast_ref::<String>().cloned();
            Err(Finding::Refused(format!("a panic: {}", told.unwrap_or_default())))
        })?;
        fs::remove_dir_all(copy).unwrap();
        Ok(rebuilt)
    }
}

fn copy_tree(from: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_dir() {
            copy_tree(&entry.path(), &to.join(entry.file_name()));
        } else {
            fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
        }
    }
}

/// What a drill came to.
#[derive(Default)]
pub struct Report {
    rounds: u64,
    clean: u64,
    refusals: Vec<String>,
    losses: Vec<String>,
    counts: BTreeMap<String, u64>,
}

impl Report {
    fn count(&mut self, what: String) {
        *self.counts.entry(what).or_default() += 1;
    }

    /// Rounds in which something was wrong.
    fn found(&self) -> u64 {
        self.rounds - self.clean
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (what, count) in &self.counts {
            writeln!(f, "{count:6}  {what}")?;
        }
        for wrong in self.refusals.iter().chain(&self.losses) {
            writeln!(f, "{wrong}")?;
        }
        writeln!(f, "{} refusals, {} losses", self.refusals.len(), self.losses.len())?;
        write!(f, "{} rounds, {} clean", self.rounds, self.clean)
    }
}

/// Which drill.
#[derive(Clone, Copy)]
struct Plan {
    /// Number of the first round, which everything random follows from.
    first: u64,
    rounds: u64,
    /// As [`Cut::deaf`].
    deaf: &'static str,
    /// Whether to make backups now and then and let the journal go.
    retire: bool,
}

/// The same numbers give the same rounds, but for what threads make of them.
fn drill(plan: Plan) -> Report {
    let mut report = Report::default();
    let mut life: Option<Life> = None;
    for round in plan.first..plan.first + plan.rounds {
        if round % ROUNDS_A_LIFE == 0 {
            life = None;
        }
        let mut random = StdRng::seed_from_u64(round);
        let mode = MODES[usize::try_from(round % 3).unwrap()];
        let writers = if (round / ROUNDS_A_LIFE).is_multiple_of(2) { 1 } else { 8 };
        let age = if life.is_some() { "warm" } else { "fresh" };
        let mut living = life.take().unwrap_or_else(|| Life::begin(writers));
        // Half of the cuts fall evenly, and half more often early, where a store opens and repairs.
        let halved = if random.random() { 0 } else { random.random_range(1..10) };
        let at = random.random_range(1..=MOST_OPERATIONS >> halved);
        let groups = random.random_range(5..60);
        let retire = if plan.retire { random.random_range(5..30) } else { 0 };
        let disk = Disk::of(&living.root());
        let phase = child::run(&mut living, Cut { at, deaf: plan.deaf }, groups, retire);
        let last = living.cut(disk, mode, &mut random);
        let Record::Cut { before } = last else { panic!("a cut must be the last thing recorded") };
        let before = kind_of(&String::from_utf8_lossy(&before));
        report.rounds += 1;
        report.count(format!("cut while {phase}"));
        report.count(format!("cut before: {before}"));
        report.count(format!("{age}, {writers} writers, {mode:?}"));
        let told = |what| {
            format!("round {round}: {age}, {writers} writers, {mode:?}, {phase}, operation {at} ({before}): {what}")
        };
        match living.check() {
            Ok(rebuilt) => {
                report.clean += 1;
                if rebuilt {
                    report.count("found after it: engine rebuilt from backup and journal".to_owned());
                } else if living.known.head.revision.0 > 0 {
                    let views = if living.known.views { "kept" } else { "to be made" };
                    report.count(format!("found after it: engine kept, views {views}"));
                }
                life = Some(living);
            }
            Err(Finding::Refused(what)) => report.refusals.push(told(what)),
            Err(Finding::Lost(what)) => report.losses.push(told(what)),
        }
    }
    report
}

/// An operation and the part of the store that it concerns, without numbers.
fn kind_of(before: &str) -> String {
    let short: String = before.chars().map(|letter| if letter.is_ascii_digit() { '0' } else { letter }).collect();
    let mut short = short.replace("store/", "");
    while short.contains("00") {
        short = short.replace("00", "0");
    }
    short
}

fn number(name: &str, otherwise: u64) -> u64 {
    env::var(name).map_or(otherwise, |number| number.parse().expect("a number of rounds must be a number"))
}

#[test]
fn a_power_cut_at_any_moment_loses_nothing_acknowledged() {
    let (first, rounds) = (number("STEELYARD_POWERCUT_FIRST", 0), number("STEELYARD_POWERCUT_ROUNDS", 12));
    let report = drill(Plan { first, rounds, deaf: "", retire: true });
    println!("every sync honest:\n{report}");
    assert_eq!(report.found(), 0, "\n{report}");
}

/// The commit point is the journal's sync alone: the engine's may all be lies.
#[test]
fn the_journal_covers_what_the_engine_never_synced() {
    let (first, rounds) = (number("STEELYARD_POWERCUT_FIRST", 0), number("STEELYARD_POWERCUT_ROUNDS", 12));
    let report = drill(Plan { first, rounds, deaf: "sled/db", retire: false });
    println!("the engine's syncs cover nothing:\n{report}");
    assert_eq!(report.found(), 0, "\n{report}");
}

#[test]
fn without_the_syncs_of_the_journal_a_power_cut_loses_what_was_acknowledged() {
    let rounds = number("STEELYARD_POWERCUT_ROUNDS", 12).min(60);
    let report = drill(Plan { first: 0, rounds, deaf: "journal/", retire: false });
    println!("the journal's syncs cover nothing:\n{report}");
    assert!(report.found() > 0, "a drill that finds nothing without the guard proves nothing with it");
}
