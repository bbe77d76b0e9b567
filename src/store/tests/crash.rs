//! kill -9 at any moment, or a disk that fills up, loses nothing that was acknowledged and leaves no half of a group.
//!
//! The child is this test binary, run again for one test function that returns
//! at once unless the environment names a store.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::{env, io};

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use super::super::{AppendError, Changes, KeySpan, SledStore, StoreError, View, recovery, verify_chain};
use super::*;

const STORE: &str = "STEELYARD_CRASH_STORE";
const ROUNDS: &str = "STEELYARD_CRASH_ROUNDS";
const SUBJECTS: u64 = 5;

/// Sizes of the events of the group that begins at `revision`: known to parent and child alike.
fn sizes(revision: u64) -> Vec<usize> {
    match revision % 4 {
        0 => vec![30, 9_000, 30],
        1 => vec![200],
        2 => vec![4_080, 10],
        _ => vec![60; 20],
    }
}

/// Every group sets each dossier to its own last revision, in a value of ever another length.
fn dossier_value(revision: u64, subject: u64) -> Vec<u8> {
    let length = usize::try_from((revision * 977 + subject * 3_001) % 13_000).unwrap();
    let mut value = revision.to_be_bytes().to_vec();
    value.resize(8 + length, u8::try_from(subject).unwrap());
    value
}

fn next_group(head: &Head) -> Group {
    let events = events_after(head, &sizes(head.revision.0 + 1));
    let last = events.last().unwrap().revision;
    let views = (0..SUBJECTS)
        .map(|subject| (dossier(u32::try_from(subject).unwrap()), Some(dossier_value(last, subject))))
        .collect();
    Group { events, views }
}

#[expect(clippy::unnecessary_wraps, reason = "the store asks for a function that can fail")]
/// The views that a tail of events leads to: a replay ends with the last event of a group.
fn derive(_: &dyn Store, events: &[pb::Event]) -> Result<Changes, StoreError> {
    let last = events.last().unwrap().revision;
    Ok((0..SUBJECTS)
        .map(|subject| (dossier(u32::try_from(subject).unwrap()), Some(dossier_value(last, subject))))
        .collect())
}

fn open(home: &Path) -> SledStore {
    recovery::open(&recovery::Options::new(home, CACHE_BYTES, Arc::new(derive))).unwrap()
}

#[test]
fn child() {
    let Some(home) = env::var_os(STORE) else { return };
    let mut out = io::stdout().lock();
    let mut tell = |word: &str, revision: Revision| {
        writeln!(out, "{word} {revision}").and_then(|()| out.flush()).expect("the parent must listen");
    };
    tell("opening", Revision(0));
    let store = open(Path::new(&home));
    let mut head = store.head().unwrap();
    loop {
        head = match store.append(&head, &next_group(&head)) {
            Ok(head) => head,
            Err(AppendError::Full) => break,
            Err(error) => panic!("{error}"),
        };
        tell("acknowledged", head.revision);
    }
    assert!(matches!(store.append(&head, &next_group(&head)), Err(AppendError::ReadOnly)));
    // sled reads by writing: it splits nodes that it passes and waits for their log to be stable. Where the refused
    // group touched a node, be it the root, a read fails until the store is reopened. It must give nothing else.
    for revision in (1..=head.revision.0).map(Revision) {
        match store.event(revision) {
            Ok(event) => assert_eq!(event.map(|event| event.revision), Some(revision.0)),
            Err(StoreError::Engine { .. }) => {}
            Err(error) => panic!("{error}"),
        }
    }
    tell("full", head.revision);
}

fn arguments() -> [&'static str; 4] {
    ["store::tests::crash::child", "--exact", "--nocapture", "--test-threads=1"]
}

/// Runs a child until it has acknowledged `groups` groups (0: until it begins to open), and kills it some loop turns
/// later. Gives the last revision that it acknowledged, which may be one that it reached while being killed.
fn run_and_kill(home: &Path, groups: usize, turns: u32) -> Option<u64> {
    let mut child = Command::new(env::current_exe().unwrap())
        .args(arguments())
        .env(STORE, home)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let word = if groups == 0 { "opening" } else { "acknowledged" };
    let mut last = None;
    let mut note = |line: &str| {
        if let Some(revision) = line.strip_prefix("acknowledged ") {
            last = Some(revision.parse().expect("a whole line must hold a revision"));
        }
    };
    let mut left = groups.max(1);
    while left > 0 {
        let line = lines.next().expect("the child must not end by itself").unwrap();
        note(&line);
        left -= usize::from(line.contains(word));
    }
    for _ in 0..turns {
        std::hint::spin_loop();
    }
    child.kill().unwrap();
    child.wait().unwrap();
    // A line cut by the kill was never acknowledged: `writeln!` on a line-buffered stdout writes whole lines.
    lines.map_while(Result::ok).for_each(|line| note(&line));
    last
}

#[test]
fn a_kill_at_any_moment_loses_nothing_acknowledged() {
    let rounds = env::var(ROUNDS).map_or(6, |rounds| rounds.parse::<u64>().unwrap());
    let home = tempfile::tempdir().unwrap();
    let mut acknowledged = 0;
    for round in 0..rounds {
        let mut random = StdRng::seed_from_u64(round);
        let groups = if round % 3 == 0 { 0 } else { random.random_range(1..40) };
        let turns = random.random_range(0..2_000_000);
        if let Some(last) = run_and_kill(home.path(), groups, turns) {
            acknowledged = last;
        }
        let store = open(home.path());
        let head = verify_chain(&store, Revision(1)).unwrap();
        assert!(head.revision.0 >= acknowledged, "round {round}: {acknowledged} acknowledged, {head} found");
        acknowledged = head.revision.0;
        check(&store, &head);
    }
    assert!(acknowledged > 0 || rounds < 2);
}

/// A limit on the size of files stands in for a full disk: the same refusal, without a file system of our own.
#[test]
fn a_disk_that_fills_up_loses_nothing_acknowledged() {
    let home = tempfile::tempdir().unwrap();
    let limited = Command::new("sh")
        .args(["-c", "trap '' XFSZ; ulimit -f 8192; exec \"$0\" \"$@\""])
        .arg(env::current_exe().unwrap())
        .args(arguments())
        .env(STORE, home.path())
        .output()
        .unwrap();
    let told = String::from_utf8(limited.stdout).unwrap();
    let full: u64 = told
        .lines()
        .find_map(|line| line.strip_prefix("full "))
        .unwrap_or_else(|| panic!("{}", String::from_utf8_lossy(&limited.stderr)))
        .parse()
        .unwrap();
    let store = open(home.path());
    let head = verify_chain(&store, Revision(1)).unwrap();
    assert!(full > 0 && head.revision.0 >= full, "{full} acknowledged, {head} found");
    check(&store, &head);
    store.append(&head, &next_group(&head)).expect("a reopened store must take writes once there is room");
}

/// Everything up to the head is as some whole number of groups left it.
fn check(store: &SledStore, head: &Head) {
    let mut expected = Vec::new();
    let mut walked = Head::EMPTY;
    while walked.revision < head.revision {
        expected.extend(events_after(&walked, &sizes(walked.revision.0 + 1)));
        walked.revision = Revision(expected.last().unwrap().revision);
    }
    assert_eq!(walked.revision, head.revision, "a group is there whole or not at all");
    let found: Vec<_> =
        store.events(ALL.0, ALL.1).map(|event| pb::Event { previous_hash: Vec::new(), ..event.unwrap() }).collect();
    assert!(found == expected, "an event differs from what was written");
    let dossiers: Vec<_> = store.scan(&KeySpan::all(View::Dossier)).map(Result::unwrap).collect();
    let subjects = if head.revision.0 == 0 { 0 } else { SUBJECTS };
    let expected: Vec<_> = (0..subjects)
        .map(|subject| (dossier(u32::try_from(subject).unwrap()), dossier_value(head.revision.0, subject)))
        .collect();
    assert!(dossiers == expected, "the views are not those of the head");
}
