//! The data directory of a stopped server. What lies in it is read before the
//! engine's files are opened, as opening them tidies up. They are opened in a child
//! process first, under a deadline: the engine may hang or crash on damaged files.
//! Files that do not open, or that the engine breaks off on, are a finding; journal
//! and backups are checked all the same. No value that is stored is ever changed.

use std::fs::{File, TryLockError};
use std::mem::ManuallyDrop;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::super::exit::{Exit, Failure};
use crate::api::verification as message;
use crate::pb;
use crate::reference;
use crate::service::verify::files::Survey;
use crate::service::verify::{self, Asked, FullSpeed, Outcome, StandingsAsked, StepOutcome, Told};
use crate::store::recovery::probe::{self, Probe, Verdict};
use crate::store::{Head, KeyRing, SledStore, Store, StoreError};

/// Cache of the engine, bytes: everything is read once.
const CACHE_BYTES: u64 = 64 << 20;

/// How the engine's files are tried before they are opened.
pub struct Trial {
    /// Opens them elsewhere.
    pub probe: Arc<Probe>,
    /// How long that may take.
    pub within: Duration,
}

impl Trial {
    /// In a child process of this command; `None`: it does not know where it lies.
    pub fn in_child(within: Duration) -> Option<Self> {
        Some(Self { probe: probe::in_child(std::env::current_exe().ok()?), within })
    }

    /// Why the files are not to be opened here. Damage that the child told of and outlived is told in more detail by
    /// who reads them here.
    fn refusal(&self, data: &Path) -> Option<Unopened> {
        match (self.probe)(&data.join("sled"), CACHE_BYTES, self.within) {
            Verdict::Sound | Verdict::Damaged { .. } | Verdict::Unclear { .. } => None,
            Verdict::Crashed { why } => Some(Unopened::Damaged(why)),
            Verdict::TimedOut => {
                Some(Unopened::Damaged(format!("they had not opened within {} s", self.within.as_secs())))
            }
        }
    }
}

/// Verifies a directory, with the keys that it is sealed under if it is. `tell` gets the messages that a server would send.
///
/// # Errors
/// There is no store in the directory, a server is at work in it, or it cannot be read.
pub fn verify(
    (data, backups): (&Path, &Path),
    keys: Option<Arc<KeyRing>>,
    standings: bool,
    trial: Option<&Trial>,
    tell: &mut dyn FnMut(pb::VerifyStoreResponse),
) -> anyhow::Result<()> {
    let holds = |name| data.join(name).exists();
    if !holds("sled") && !holds("journal") {
        let problem = format!("{}: no store is there", data.display());
        return Err(Failure::new(Exit::InputMissing, problem).into());
    }
    let lock = at_rest(data)?;
    let survey = Survey::of(data, backups);
    let mut told = |told| tell(message::told(told));
    let refusal = trial.filter(|_| data.join("sled").is_dir()).and_then(|trial| trial.refusal(data));
    // Taken by the engine's own files from here on.
    drop(lock);
    let outcome = match refusal.map_or_else(|| open(data, keys), Err) {
        Ok(store) => read(store, survey, standings, &mut told),
        Err(Unopened::Refused(error)) => return Err(error.into()),
        Err(Unopened::Damaged(why)) => unopened(&survey, &why, &mut told),
    };
    tell(message::outcome(&outcome));
    Ok(())
}

/// That no server is at work in the directory. It cannot begin to be while what is given is held, or the engine's files
/// are open.
fn at_rest(data: &Path) -> anyhow::Result<Option<File>> {
    let path = data.join("lock");
    let Ok(lock) = File::open(&path) else { return Ok(None) };
    match lock.try_lock() {
        Ok(()) => Ok(Some(lock)),
        Err(TryLockError::WouldBlock) => {
            let problem =
                format!("{}: a server is at work here; ask it instead: steelyard verify --server URL", data.display());
            Err(Failure::new(Exit::Unavailable, problem).into())
        }
        Err(TryLockError::Error(error)) => Err(StoreError::io("locking", &path)(error).into()),
    }
}

/// Why the engine's files were not opened.
enum Unopened {
    /// Nothing is known of the store then.
    Refused(StoreError),
    /// They do not open.
    Damaged(String),
}

fn open(data: &Path, keys: Option<Arc<KeyRing>>) -> Result<SledStore, Unopened> {
    if !data.join("sled").is_dir() {
        return Err(Unopened::Damaged("they are not there".to_owned()));
    }
    match quietly(|| SledStore::open(data, CACHE_BYTES)) {
        Ok(Ok(store)) => match keys {
            Some(keys) => store.with_keys(keys).map_err(Unopened::Refused),
            None => Ok(store),
        },
        Ok(Err(error @ (StoreError::InUse { .. } | StoreError::NewerSchema { .. } | StoreError::Full))) => {
            Err(Unopened::Refused(error))
        }
        Ok(Err(error)) => Err(Unopened::Damaged(error.to_string())),
        Err(()) => Err(Unopened::Damaged("the engine broke off on them".to_owned())),
    }
}

fn read(store: SledStore, survey: Survey, standings: bool, tell: &mut dyn FnMut(Told)) -> Outcome {
    // An engine that broke off is not asked to close: it could break off again.
    let store = ManuallyDrop::new(store);
    let mut survey = survey;
    let read = quietly(|| {
        let store: &SledStore = &store;
        let head = store.head()?;
        survey.keep_those_of(store);
        let asked = Asked {
            serving: false,
            now: Arc::new(Timestamp::now),
            anchors: survey.anchors(head.revision),
            rebuilt_from: survey.rebuilt_from(),
            standings: if standings { StandingsAsked::Views } else { StandingsAsked::No },
        };
        let mut outcome = verify::verify(store, reference::tables(), &asked, &FullSpeed, tell)?;
        outcome.steps.extend(survey.verify(Some(store), false, &FullSpeed, tell));
        Ok::<_, StoreError>(outcome)
    });
    match read {
        Ok(read) => {
            drop(ManuallyDrop::into_inner(store));
            read.unwrap_or_else(|error| unopened(&survey, &error.to_string(), tell))
        }
        Err(()) => unopened(&survey, "the engine broke off while they were read", tell),
    }
}

fn unopened(survey: &Survey, why: &str, tell: &mut dyn FnMut(Told)) -> Outcome {
    let mut steps: Vec<StepOutcome> = survey.unopened(why, tell);
    steps.extend(survey.verify(None, false, &FullSpeed, tell));
    Outcome { head: Head::EMPTY, steps, standings: None, given_up: false }
}

/// Runs what may panic inside the engine, without its words on the terminal: they are not about what to do.
fn quietly<T>(body: impl FnOnce() -> T) -> Result<T, ()> {
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| ()));
    let outcome = catch_unwind(AssertUnwindSafe(body));
    std::panic::set_hook(hook);
    outcome.map_err(drop)
}
