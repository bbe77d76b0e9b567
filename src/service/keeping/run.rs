//! The thread that makes backups.

use std::thread;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use metrics::{counter, gauge};
use tracing::{info, warn};

use super::due::{Known, due, retry_after};
use super::vault::{Backup, Kind, Progress, Survey, Vault, VaultFault};
use super::{Asked, Inner, Told};
use crate::domain::Revision;
use crate::service::fault::Fault;
use crate::store::{Head, Store};
use crate::telemetry::metrics as figures;

/// How often it looks whether a backup is due.
const LOOK_EVERY: Duration = Duration::from_secs(10);
/// How often it looks at the files of the backups: somebody may have removed them.
pub(super) const SURVEY_EVERY: Duration = Duration::from_mins(10);
/// Nice value of the thread: others come first, and it still gets on.
#[cfg(target_os = "linux")]
const NICE: i32 = 15;
/// Longest rest after one portion of work.
const REST_AT_MOST: Duration = Duration::from_millis(200);

/// Looks and works until told to stop.
pub(super) fn run(inner: &Inner) {
    let store = &*inner.store;
    step_back();
    let vault = inner.vault.as_deref().expect("the thread must only be started with a vault");
    match vault.survey(store) {
        Ok(survey) => begin(inner, &survey),
        // The first backup will then be a full one.
        Err(fault) => warn!(fault = %fault, "the backups that there are could not be read"),
    }
    loop {
        let asked = inner.wait(LOOK_EVERY);
        match asked {
            Some(asked) if inner.stopping() => turn_away(&asked),
            Some(asked) => serve(inner, store, vault, asked),
            None if inner.stopping() => break,
            None => tend(inner, store, vault),
        }
    }
    let mut state = inner.state();
    state.running = false;
    if let Some(asked) = state.asked.take() {
        turn_away(&asked);
    }
}

fn turn_away(asked: &Asked) {
    // The caller may have gone away.
    let _ = asked.tell.try_send(Told::Failed(Fault::ShuttingDown));
}

/// Gives everybody else the first claim on the processor.
pub(in crate::service) fn step_back() {
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::setpriority_process(Some(rustix::thread::gettid()), NICE) {
        info!(error = %error, "work in the background has the same claim on the processor as everything else");
    }
}

fn begin(inner: &Inner, survey: &Survey) {
    for file in &survey.unusable {
        warn!(backup.file = %file.name, problem = %file.problem, "a file among the backups does not count");
    }
    survey.newest.iter().for_each(figure);
    note(inner, survey);
}

fn note(inner: &Inner, survey: &Survey) {
    let now = (inner.now)();
    let mut state = inner.state();
    state.newest.clone_from(&survey.newest);
    state.newest_full = survey.newest_full();
    state.surveyed = Some(now);
}

/// Looks at the files again: one that was removed since holds nothing.
fn look_again(inner: &Inner, store: &dyn Store, vault: &dyn Vault) {
    match vault.survey(store) {
        Ok(survey) => {
            let known = inner.state().newest.as_ref().map(|newest| newest.head);
            if known.is_some() && survey.newest.as_ref().map(|newest| newest.head) != known {
                warn!("the newest backup is not where it was made: another is due");
            }
            note(inner, &survey);
        }
        Err(fault) => warn!(fault = %fault, "the backups that there are could not be read"),
    }
}

/// Makes a backup if one is due.
pub(super) fn tend(inner: &Inner, store: &dyn Store, vault: &dyn Vault) {
    let now = (inner.now)();
    let surveyed = inner.state().surveyed;
    // A clock that was set back has it look again too.
    if surveyed.is_none_or(|at| now.duration_since(at).unsigned_abs() >= SURVEY_EVERY) {
        look_again(inner, store, vault);
    }
    // A store that cannot be read is told of by whoever serves it.
    let Ok(head) = store.head() else { return };
    let known = known(inner, store, head, now);
    let Some(kind) = due(now, &known, &inner.settings) else { return };
    {
        let mut state = inner.state();
        // Somebody asked meanwhile, or the last attempt failed not long ago.
        if state.running || state.retry_at.is_some_and(|at| now < at) {
            return;
        }
        state.running = true;
    }
    // What failed was told where it failed.
    let _ = make(inner, store, vault, kind, &mut |_| {});
    inner.state().running = false;
}

/// Makes the backup that somebody asked for.
fn serve(inner: &Inner, store: &dyn Store, vault: &dyn Vault, asked: Asked) {
    let Asked { kind, request_id, tell } = asked;
    let mut progress = |progress: Progress| {
        // One place is kept for the end.
        if tell.capacity() > 1 {
            let _ = tell.try_send(Told::Progress(progress));
        }
    };
    let outcome = answer(inner, store, vault, kind, &mut progress);
    {
        let mut state = inner.state();
        state.running = false;
        if let Ok(backup) = &outcome {
            state.answered = Some((request_id, backup.clone()));
        }
    }
    // The caller may have gone away.
    let _ = tell.try_send(outcome.map_or_else(Told::Failed, Told::Done));
}

fn answer(
    inner: &Inner,
    store: &dyn Store,
    vault: &dyn Vault,
    kind: Option<Kind>,
    progress: &mut dyn FnMut(Progress),
) -> Result<Backup, Fault> {
    look_again(inner, store, vault);
    let now = (inner.now)();
    let head = store.head().map_err(|fault| {
        warn!(fault = %fault, "a backup was asked for and the store cannot be read");
        Fault::BackupFailed("the store cannot be read".to_owned())
    })?;
    let known = known(inner, store, head, now);
    let kind = known.kind_asked(kind, now, &inner.settings);
    match &known.newest {
        // There is nothing that it does not hold.
        Some(newest) if kind == Kind::Incremental && newest.head.revision == head.revision => Ok(newest.clone()),
        Some(_) | None => make(inner, store, vault, kind, progress),
    }
}

fn known(inner: &Inner, store: &dyn Store, head: Head, now: Timestamp) -> Known {
    let journal = store.status().journal.map(|journal| (journal.before.revision, journal.bytes));
    let mut state = inner.state();
    let covered = state.newest.as_ref().map_or(Revision(0), |newest| newest.head.revision);
    state.uncovered_since = if head.revision > covered { Some(state.uncovered_since.unwrap_or(now)) } else { None };
    Known {
        head: head.revision,
        uncovered_since: state.uncovered_since,
        newest: state.newest.clone(),
        newest_full: state.newest_full,
        journal,
    }
}

/// Makes one backup and lets go of what it covers.
fn make(
    inner: &Inner,
    store: &dyn Store,
    vault: &dyn Vault,
    kind: Kind,
    tell: &mut dyn FnMut(Progress),
) -> Result<Backup, Fault> {
    let began = Instant::now();
    let mut portion = Instant::now();
    let mut short = None;
    let mut pace = |progress: Progress| {
        tell(progress);
        // Rather no backup than writes refused because of one.
        short = store.room().err();
        if short.is_some() {
            return false;
        }
        // As long as the work took, so that at most half of a processor and of the disk is asked for.
        thread::sleep(portion.elapsed().min(REST_AT_MOST));
        portion = Instant::now();
        !inner.stopping()
    };
    let outcome = vault.back_up(store, kind, (inner.now)(), &mut pace);
    match outcome.map_err(|fault| short.map_or(fault, |short| VaultFault::Failed(short.to_string()))) {
        Ok(backup) => {
            made(inner, store, vault, &backup, began.elapsed());
            Ok(backup)
        }
        Err(VaultFault::GivenUp) => Err(Fault::ShuttingDown),
        Err(VaultFault::Failed(problem)) => {
            failed(inner, kind, &problem);
            Err(Fault::BackupFailed(problem))
        }
    }
}

fn made(inner: &Inner, store: &dyn Store, vault: &dyn Vault, backup: &Backup, took: Duration) {
    let released = release(store, vault, backup);
    let removed = vault.prune(inner.settings.keep_full, &backup.head).unwrap_or_else(|fault| {
        warn!(fault = %fault, "old backups could not be removed; it is tried again after the next one");
        0
    });
    // The head is the chain's anchor outside the store: whoever keeps logs elsewhere can tell a ledger that was cut.
    info!(
        backup.file = %backup.name,
        backup.kind = backup.kind.name(),
        backup.revision = backup.head.revision.0,
        backup.events = backup.events,
        backup.bytes = backup.bytes,
        backup.duration_seconds = took.as_secs_f64(),
        backup.removed_files = removed,
        journal.released_bytes = released,
        ledger.head = %backup.head,
        "backed up and verified"
    );
    figure(backup);
    gauge!(figures::BACKUP_DURATION).set(took.as_secs_f64());
    let mut state = inner.state();
    state.newest = Some(backup.clone());
    if backup.kind == Kind::Full {
        state.newest_full = Some(backup.created);
    }
    state.uncovered_since = None;
    state.failures_in_a_row = 0;
    state.problem = None;
    state.retry_at = None;
}

/// Has the journal let go of what the backup covers, if the files that it continues are still there.
fn release(store: &dyn Store, vault: &dyn Vault, backup: &Backup) -> u64 {
    let reaches = vault.survey(store).ok().and_then(|survey| survey.newest).map(|newest| newest.head.revision);
    if reaches < Some(backup.head.revision) {
        warn!(
            backup.file = %backup.name,
            "backups that this one continues are gone: the journal is not shortened before there is a full one"
        );
        return 0;
    }
    store.release_journal(&backup.head).unwrap_or_else(|fault| {
        warn!(fault = %fault, "the journal could not be shortened; it is tried again after the next backup");
        0
    })
}

/// Sets the figures of the newest backup.
fn figure(backup: &Backup) {
    gauge!(figures::BACKUP_LAST_SUCCESS).set(backup.created.as_second() as f64);
    gauge!(figures::BACKUP_LAST_REVISION).set(figures::float(backup.head.revision.0));
}

fn failed(inner: &Inner, kind: Kind, problem: &str) {
    counter!(figures::BACKUP_FAILURES).increment(1);
    let now = (inner.now)();
    let mut state = inner.state();
    state.failures += 1;
    state.failures_in_a_row += 1;
    state.problem = Some(problem.to_owned());
    let again = retry_after(state.failures_in_a_row);
    state.retry_at = now.checked_add(again).ok();
    warn!(
        backup.kind = kind.name(),
        backup.failures = state.failures,
        backup.retry_seconds = again.as_secs(),
        problem,
        "a backup failed and does not count; the journal keeps what it would have held"
    );
}
