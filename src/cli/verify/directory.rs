//! The data directory of a stopped server. What lies in it is read before the
//! engine's files are opened, as opening them tidies up. Files that do not open, or
//! that the engine breaks off on, are a finding; journal and backups are checked
//! all the same.

use std::fs::{File, TryLockError};
use std::mem::ManuallyDrop;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;

use super::super::exit::{Exit, Failure};
use crate::api::verification as message;
use crate::pb;
use crate::reference;
use crate::service::verify::files::Survey;
use crate::service::verify::{self, Asked, FullSpeed, Outcome, StandingsAsked, StepOutcome, Told};
use crate::store::{Head, SledStore, Store, StoreError};

/// Cache of the engine, bytes: everything is read once.
const CACHE_BYTES: u64 = 64 << 20;

/// Verifies a directory. `tell` gets the messages that a server would send.
///
/// # Errors
/// There is no store in the directory, a server is at work in it, or it cannot be read.
pub fn verify(
    data: &Path,
    backups: &Path,
    standings: bool,
    tell: &mut dyn FnMut(pb::VerifyStoreResponse),
) -> anyhow::Result<()> {
    let holds = |name| data.join(name).exists();
    if !holds("sled") && !holds("journal") {
        let problem = format!("{}: no store is there", data.display());
        return Err(Failure::new(Exit::InputMissing, problem).into());
    }
    at_rest(data)?;
    let survey = Survey::of(data, backups);
    let mut told = |told| tell(message::told(told));
    let outcome = match open(data) {
        Ok(store) => read(store, &survey, standings, &mut told),
        // Nothing is known of the store then.
        Err(error @ (StoreError::InUse { .. } | StoreError::NewerSchema { .. } | StoreError::Full)) => {
            return Err(error.into());
        }
        Err(error) => unopened(&survey, &error.to_string(), &mut told),
    };
    tell(message::outcome(&outcome));
    Ok(())
}

/// That no server is at work in the directory. It cannot begin to be while the engine's files are open.
fn at_rest(data: &Path) -> anyhow::Result<()> {
    let path = data.join("lock");
    let Ok(lock) = File::open(&path) else { return Ok(()) };
    match lock.try_lock() {
        Ok(()) => Ok(()),
        Err(TryLockError::WouldBlock) => {
            let problem = format!(
                "{}: a server is at work here; ask it instead: steelyard verify --server URL",
                data.display()
            );
            Err(Failure::new(Exit::Unavailable, problem).into())
        }
        Err(TryLockError::Error(error)) => Err(StoreError::io("locking", &path)(error).into()),
    }
}

fn open(data: &Path) -> Result<SledStore, StoreError> {
    let engine = data.join("sled");
    if !engine.is_dir() {
        return Err(StoreError::io("opening the engine's files", &engine)(std::io::ErrorKind::NotFound.into()));
    }
    quietly(|| SledStore::open(data, CACHE_BYTES)).unwrap_or_else(|()| {
        let source = "it broke off on them".into();
        Err(StoreError::Engine { doing: "opening the engine's files", source })
    })
}

fn read(store: SledStore, survey: &Survey, standings: bool, tell: &mut dyn FnMut(Told)) -> Outcome {
    // An engine that broke off is not asked to close: it could break off again.
    let store = ManuallyDrop::new(store);
    let read = quietly(|| {
        let store: &SledStore = &store;
        let head = store.head()?;
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
            read.unwrap_or_else(|error| unopened(survey, &error.to_string(), tell))
        }
        Err(()) => unopened(survey, "the engine broke off while they were read", tell),
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
