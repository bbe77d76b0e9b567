//! A process that writes through the library, and says on its standard output
//! what it is about to do and what it was told is durable.
//!
//! | line | |
//! |---|---|
//! | `opening`, `serving`, `backing up`, `retiring`, `closing` | what comes next |
//! | `trying R` | a group that would end at revision R |
//! | `acknowledged W N` | the N-th request of writer W is durable |

use std::env;
use std::io::{self, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::thread;
use std::time::Duration;

use jiff::Timestamp;
use steelyard::domain::Revision;
use steelyard::store::backup::{self, Catalogue};
use steelyard::store::recovery::{self, Bounds, Options, RecoveryError};
use steelyard::store::{Head, SledStore, Store, Unpaced, pb};

use super::drill::Life;
use super::history::{self, Request};
use super::log::CUT_EXIT;
use super::shim::{self, Cut};

const STORE: &str = "STEELYARD_POWERCUT_STORE";
const WRITERS: &str = "STEELYARD_POWERCUT_WRITERS";
const GROUPS: &str = "STEELYARD_POWERCUT_GROUPS";
const RETIRE: &str = "STEELYARD_POWERCUT_RETIRE";

/// Enough for any drill, little enough to have pages evicted.
const CACHE_BYTES: u64 = 4 << 20;

/// Bytes of a segment of the journal: a few groups, so that cuts fall into the making of segments.
const SEGMENT_BYTES: u64 = 64 << 10;

/// The engine's files follow the journal so closely that cuts fall into their syncs, and not always.
const BOUNDS: Bounds = Bounds { time: Duration::from_millis(20), events: 40, most: 160 };

/// The store that is drilled, as the server opens it.
pub fn open(path: &Path) -> Result<SledStore, RecoveryError> {
    let derive = |_: &dyn Store, events: &[pb::Event]| Ok(events.iter().flat_map(history::derive).collect());
    let options = Options::new(path, CACHE_BYTES, Arc::new(derive));
    recovery::open(&Options { segment_bytes: SEGMENT_BYTES, bounds: BOUNDS, ..options })
}

fn tell(line: std::fmt::Arguments) {
    let mut out = io::stdout().lock();
    writeln!(out, "{line}").and_then(|()| out.flush()).expect("the parent must listen");
}

fn number(name: &str) -> u64 {
    env::var(name).ok().and_then(|number| number.parse().ok()).expect("the parent must give a number")
}

/// Opens, writes so many groups, closes, and begins again, until its power goes.
#[test]
fn writing_child() {
    let Some(path) = env::var_os(STORE) else { return };
    let writers = u32::try_from(number(WRITERS)).unwrap();
    // The test runner has begun a line.
    println!();
    loop {
        tell(format_args!("opening"));
        let store = open(Path::new(&path)).unwrap();
        history::make_views(&store);
        tell(format_args!("serving"));
        serve(&store, Path::new(&path), writers);
        tell(format_args!("closing"));
        drop(store);
    }
}

/// Writers that each wait for their answer, and one thread that writes what is waiting as one group, as the service
/// does.
fn serve(store: &SledStore, home: &Path, writers: u32) {
    let (ask, asked) = sync_channel(usize::try_from(writers).unwrap());
    thread::scope(|scope| {
        for writer in 0..writers {
            let first = Request::next(store, writer);
            let ask = ask.clone();
            scope.spawn(move || write(first, &ask));
        }
        drop(ask);
        commit(store, home, asked);
    });
}

/// What the service does on its schedule. A backup that does not count covers nothing: the engine's files may lose what
/// they had synced (sled overwrites a segment once its flush has moved what was live in it, which a power cut undoes).
fn back_up_and_retire(store: &SledStore, home: &Path) {
    tell(format_args!("backing up"));
    let backups = home.join("backups");
    let before = Catalogue::read(&backups).unwrap().base_for(store).unwrap().unwrap_or(Head::EMPTY);
    let through = store.head().unwrap();
    if before != through {
        let written = backup::write(store, before, through, &backups, Timestamp::now(), &mut Unpaced).unwrap();
        backup::check(written, store, &home.join("scratch-drill"), &mut Unpaced).unwrap();
    }
    tell(format_args!("retiring"));
    store.release_journal(&through).unwrap();
}

type Asked = (Request, Sender<()>);

fn write(mut request: Request, ask: &SyncSender<Asked>) {
    loop {
        // One for each request: where nobody takes it, both ends are gone and the wait ends.
        let (answer, answered) = channel();
        if ask.send((request, answer)).is_err() || answered.recv().is_err() {
            return;
        }
        request.number += 1;
    }
}

fn commit(store: &SledStore, home: &Path, asked: Receiver<Asked>) {
    let (groups, retire) = (number(GROUPS), number(RETIRE));
    let mut head = store.head().unwrap();
    for turn in 1..=groups {
        let mut waiting = vec![asked.recv().expect("writers must write")];
        waiting.extend(asked.try_iter());
        let requests: Vec<_> = waiting.iter().map(|(request, _)| *request).collect();
        let group = history::group(head.revision, &requests);
        tell(format_args!("trying {}", group.events.last().unwrap().revision));
        head = store.append(&head, &group).unwrap();
        for Request { writer, number } in requests {
            tell(format_args!("acknowledged {writer} {number}"));
        }
        if retire > 0 && turn % retire == 0 {
            back_up_and_retire(store, home);
            tell(format_args!("serving"));
        }
        for (_, answer) in waiting {
            answer.send(()).expect("a writer must wait for its answer");
        }
    }
    // Dropping what was asked ends the writers.
    drop(asked);
}

/// Runs a child on the disk of `life` until the cut, and notes what it was told. Gives the phase that it was cut in.
pub fn run(life: &mut Life, cut: Cut, groups: u64, retire: u64) -> String {
    let store = history::place(&life.root());
    let mut command = Command::new(env::current_exe().unwrap());
    command
        .args(["powercut::child::writing_child", "--exact", "--nocapture", "--test-threads=1"])
        .env(STORE, store)
        .env(WRITERS, life.writers.to_string())
        .env(GROUPS, groups.to_string())
        .env(RETIRE, retire.to_string())
        .stdin(Stdio::null());
    let output = shim::under(&mut command, &life.root(), &life.log(), cut).output().unwrap();
    let told = String::from_utf8(output.stdout).unwrap();
    let mut phase = String::new();
    for line in told.lines() {
        let words: Vec<_> = line.split(' ').collect();
        match *words {
            ["opening" | "serving" | "retiring" | "closing"] | ["backing", "up"] => line.clone_into(&mut phase),
            ["trying", revision] => life.known.ends.push(Revision(revision.parse().unwrap())),
            ["acknowledged", writer, number] => {
                life.known.requests.insert(writer.parse().unwrap(), number.parse().unwrap());
            }
            // What the test runner says.
            _ => {}
        }
    }
    let ended = output.status.code();
    assert_eq!(ended, Some(CUT_EXIT), "{phase}: the child ended: {}", String::from_utf8_lossy(&output.stderr));
    phase
}
