//! A first opening of the engine's files in a process of its own. sled may hang
//! or crash on damaged files, and a thread that hangs cannot be ended: a child can.
//! It opens the files, reads what every store has and the last event, and says
//! how that went by its exit code. It holds no lock of ours; its parent does.

use std::io::Read;
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use crate::store::keyed::Facts;
use crate::store::sled_store::{SledEngine, SledStore};
use crate::store::{SledStore as Opened, Store, StoreError};

/// Opens the engine's files in a directory, with a cache of so many bytes, within a time.
pub type Probe = dyn Fn(&Path, u64, Duration) -> Verdict + Send + Sync;

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// They open.
    Sound,
    /// They are damaged.
    Damaged {
        /// How it showed.
        why: String,
    },
    /// They ended the process that opened them.
    Crashed {
        /// How.
        why: String,
    },
    /// They had not opened in time.
    TimedOut,
    /// Something else stood in the way: whoever opens them next is told what.
    Unclear {
        /// What.
        why: String,
    },
}

/// How the child ends. Told apart from what a crash ends with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Code {
    /// They open.
    Sound = 0,
    /// They are damaged.
    Damaged = 10,
    /// Somebody else has them open.
    InUse = 11,
    /// The disk is full.
    Full = 12,
    /// The file system refused, or a newer build wrote them.
    Refused = 13,
}

const BETWEEN_LOOKS: Duration = Duration::from_millis(2);
/// Most bytes of the child's explanation that are read.
const EXPLANATION: u64 = 4096;

/// Opens the engine's files and reads the last event: what the child does. Gives its exit code and an explanation.
pub fn inspect(engine: &Path, cache_bytes: u64) -> (Code, String) {
    let looked = catch_unwind(|| -> Result<(), StoreError> {
        let engine = SledEngine::open_existing(engine, cache_bytes)?;
        let facts = Facts::read(&engine)?;
        let store: Opened = SledStore::over(engine, facts.identity, facts.head);
        store.stored_event(facts.head.revision).map(drop)
    });
    match looked {
        Ok(Ok(())) => (Code::Sound, String::new()),
        Ok(Err(error)) => {
            // The end of the ledger may be missing after a cut, and is about to be filled from the journal.
            let code = match &error {
                StoreError::MissingEvent { .. } | StoreError::BrokenChain { .. } => Code::Sound,
                StoreError::InUse { .. } => Code::InUse,
                StoreError::Full => Code::Full,
                error if error.is_damage() => Code::Damaged,
                StoreError::Corrupt { .. }
                | StoreError::NewerSchema { .. }
                | StoreError::NotAStore { .. }
                | StoreError::Io { .. }
                | StoreError::Engine { .. }
                | StoreError::Sealed { .. }
                | StoreError::NoKeys { .. }
                | StoreError::Keys(_)
                | StoreError::Stopped { .. } => Code::Refused,
            };
            (code, error.to_string())
        }
        Err(_) => (Code::Damaged, "the engine panicked on its files".to_owned()),
    }
}

/// A probe that runs `executable probe-store`.
pub fn in_child(executable: PathBuf) -> Arc<Probe> {
    Arc::new(move |engine, cache_bytes, within| {
        let mut command = Command::new(&executable);
        command.arg("probe-store").arg(engine).arg(cache_bytes.to_string());
        run(&mut command, within)
    })
}

/// Runs a probe and judges how it ended.
pub fn run(command: &mut Command, within: Duration) -> Verdict {
    let unclear = |why: String| Verdict::Unclear { why };
    let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
    let mut child = match child {
        Ok(child) => child,
        Err(error) => return unclear(format!("the probe could not be started: {error}")),
    };
    let deadline = Instant::now() + within;
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return judge(status, &explanation(&mut child)),
            Ok(None) if Instant::now() < deadline => thread::sleep(BETWEEN_LOOKS),
            Ok(None) => {
                end(&mut child);
                return Verdict::TimedOut;
            }
            Err(error) => {
                end(&mut child);
                return unclear(format!("the probe could not be waited for: {error}"));
            }
        }
    }
}

fn end(child: &mut Child) {
    // It may have ended by itself meanwhile.
    drop(child.kill());
    drop(child.wait());
}

fn explanation(child: &mut Child) -> String {
    let mut text = String::new();
    if let Some(output) = child.stdout.take() {
        drop(output.take(EXPLANATION).read_to_string(&mut text));
    }
    text.trim().to_owned()
}

fn judge(status: ExitStatus, explanation: &str) -> Verdict {
    let is = |code: Code| status.code() == Some(i32::from(code as u8));
    if is(Code::Sound) {
        Verdict::Sound
    } else if is(Code::Damaged) {
        Verdict::Damaged { why: explanation.to_owned() }
    } else if [Code::InUse, Code::Full, Code::Refused].into_iter().any(is) {
        Verdict::Unclear { why: explanation.to_owned() }
    } else if crashed(status) {
        Verdict::Crashed { why: format!("opening them ended a process with {status}") }
    } else {
        Verdict::Unclear { why: format!("the probe ended with {status}") }
    }
}

/// Whether a process was ended by what it did itself, as against by somebody.
fn crashed(status: ExitStatus) -> bool {
    use std::os::unix::process::ExitStatusExt;
    const BY_ITSELF: [i32; 5] = [4, 6, 7, 8, 11];
    const PANICKED: i32 = 101;
    status.code() == Some(PANICKED) || status.signal().is_some_and(|signal| BY_ITSELF.contains(&signal))
}
