//! Makes a data directory from backups. It is made beside its place, under a name
//! that no server starts from, and gets its own when everything is on the disk:
//! a restore that is cut short leaves nothing that could be taken for a store. A
//! directory that holds anything is never touched.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::error::BackupError;
use super::plan::{Plan, Until};
use crate::domain::Revision;
use crate::store::load::fill;
use crate::store::pace::Steps;
use crate::store::sled_files::{Home, sync};
use crate::store::{Head, Identity, Pace, Stage, StoredEvent};

/// Which incarnation the new store is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Incarnation {
    /// The same: only where it is certain that nothing acknowledged is missing.
    Kept(Identity),
    /// A new one: what the store handed out since the backup is void.
    New,
}

/// Events after the backups', such as a journal's.
pub trait Tail {
    /// What they are read from, for people.
    fn place(&self) -> &Path;

    /// The end of the ledger before its first event.
    fn before(&self) -> Head;

    /// Its last event.
    fn head(&self) -> Head;

    /// Its events from `from` on, in order.
    fn events(&self, from: Revision) -> Box<dyn Iterator<Item = Result<StoredEvent, BackupError>> + '_>;
}

/// What was restored, or would be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restored {
    /// The store as it is now.
    pub identity: Identity,
    /// The end of its ledger.
    pub head: Head,
    /// When its last event was recorded, microseconds since 1970. `None`: the ledger is empty.
    pub recorded_micros: Option<i64>,
    /// The end of what the sources hold. Events between `head` and this were left out because they were asked to be.
    pub reaches: Head,
    /// The last event that came from a backup, as against the tail.
    pub from_backups: Revision,
}

/// Reads the whole of plan and tail, changing nothing, and says what [`restore`] would give.
///
/// # Errors
/// A file or the tail is damaged, they do not fit together, or `until` is outside of them.
pub fn examine(
    plan: &Plan,
    tail: Option<&dyn Tail>,
    until: Until,
    incarnation: Incarnation,
    pace: &mut dyn Pace,
) -> Result<Restored, BackupError> {
    let source = Source { plan, tail };
    let mut steps = Steps::new(pace, Stage::Read);
    let (mut walked, mut cut, mut recorded_micros) = (Head::EMPTY, Head::EMPTY, None);
    for event in source.events()? {
        let event = event?;
        walked = walked.followed_by(&event)?;
        let micros = event.envelope()?.recorded_micros;
        let wanted = match until {
            Until::End => true,
            Until::Revision(revision) => event.revision <= revision,
            // A clock may have been set back: the last such event counts, and all before it come with it.
            Until::Moment(moment) => micros <= moment.as_microsecond(),
        };
        if wanted {
            (cut, recorded_micros) = (walked, Some(micros));
        }
        if steps.event(event.bytes().len()).is_break() {
            return Err(BackupError::Stopped);
        }
    }
    if steps.end().is_break() {
        return Err(BackupError::Stopped);
    }
    let found = match until {
        Until::End => true,
        Until::Revision(revision) => cut.revision == revision && revision > Head::EMPTY.revision,
        Until::Moment(_) => cut != Head::EMPTY,
    };
    if !found {
        return Err(BackupError::OutOfReach { asked: until.to_string(), reaches: walked });
    }
    let identity = match incarnation {
        Incarnation::Kept(identity) => identity,
        Incarnation::New => Identity { store_id: plan.identity().store_id, ..Identity::fresh() },
    };
    let from_backups = plan.reaches().revision.min(cut.revision);
    Ok(Restored { identity, head: cut, recorded_micros, reaches: walked, from_backups })
}

/// Makes the store in `directory`, which must be empty or missing. The sources are read twice: once to see that they
/// hold what is asked for, whole, and once to fill the store.
///
/// # Errors
/// As [`examine`], [`BackupError::NotEmpty`], or engine or file system refused. Nothing is there then.
pub fn restore(
    plan: &Plan,
    tail: Option<&dyn Tail>,
    until: Until,
    directory: &Path,
    incarnation: Incarnation,
    pace: &mut dyn Pace,
) -> Result<Restored, BackupError> {
    let target = Target::of(directory)?;
    let restored = examine(plan, tail, until, incarnation, pace)?;
    let source = Source { plan, tail };
    let wanted = usize::try_from(restored.head.revision.0).unwrap_or(usize::MAX);
    let home = target.enter()?;
    let filled = fill(&home, restored.identity, &Head::EMPTY, source.events()?.take(wanted), pace);
    drop(home);
    match filled.and_then(|head| {
        if head == restored.head { target.put_in_place() } else { Err(changed(plan, &restored, head)) }
    }) {
        Ok(()) => Ok(restored),
        Err(error) => {
            target.clear();
            Err(error)
        }
    }
}

fn changed(plan: &Plan, restored: &Restored, head: Head) -> BackupError {
    let path = plan.files().last().map(|file| file.path.clone()).unwrap_or_default();
    let (restored, live) = (head.to_string(), restored.head.to_string());
    BackupError::Differs { path, what: "changed while it was read: head", restored, live }
}

/// Backups and what follows them.
struct Source<'a> {
    plan: &'a Plan,
    tail: Option<&'a dyn Tail>,
}

impl<'a> Source<'a> {
    fn events(&self) -> Result<Box<dyn Iterator<Item = Result<StoredEvent, BackupError>> + 'a>, BackupError> {
        let backups = self.plan.events();
        let Some(tail) = self.tail else { return Ok(Box::new(backups)) };
        let ends = self.plan.reaches();
        let begins = tail.before();
        if begins.revision > ends.revision {
            return Err(BackupError::Gap { path: tail.place().to_owned(), begins, ends });
        }
        let rest = (tail.head().revision > ends.revision).then(|| tail.events(ends.revision.next()));
        Ok(Box::new(backups.chain(rest.into_iter().flatten())))
    }
}

/// Where the new data directory is made and where it is to be.
struct Target {
    directory: PathBuf,
    making: PathBuf,
}

impl Target {
    /// # Errors
    /// [`BackupError::NotEmpty`], or the file system's.
    fn of(directory: &Path) -> Result<Self, BackupError> {
        must_be_empty(directory, &["lost+found"])?;
        // A mounted disk cannot be replaced by a directory from beside it: there it is made in place, where the
        // engine's files still get their name only at the end.
        let making = if is_mounted(directory)? { directory.to_owned() } else { beside(directory)? };
        let target = Self { directory: directory.to_owned(), making };
        if !target.in_place() {
            // What an earlier attempt left behind, and nothing else.
            must_be_empty(&target.making, &["lock", "sled", "sled.new"])?;
        }
        Ok(target)
    }

    fn in_place(&self) -> bool {
        self.making == self.directory
    }

    fn enter(&self) -> Result<Home, BackupError> {
        let home = Home::enter(&self.making)?;
        let earlier = home.engine();
        if !self.in_place() && earlier.exists() {
            fs::remove_dir_all(&earlier).map_err(BackupError::io("removing an earlier attempt", &earlier))?;
        }
        Ok(home)
    }

    fn put_in_place(&self) -> Result<(), BackupError> {
        if self.in_place() {
            return Ok(());
        }
        let (making, directory) = (&self.making, &self.directory);
        // Takes the place of an empty directory, and of none other.
        fs::rename(making, directory).map_err(BackupError::io("putting the restored store in its place", directory))?;
        let whole = directory.canonicalize().map_err(BackupError::io("resolving", directory))?;
        Ok(whole.parent().map_or(Ok(()), sync)?)
    }

    /// Removes what a failed attempt made. Failing to is only told, as nothing takes it for a store.
    fn clear(&self) {
        let cleared = if self.in_place() {
            ["sled.new", "lock"].iter().try_for_each(|name| {
                let path = self.making.join(name);
                if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) }.or_else(if_there)
            })
        } else {
            fs::remove_dir_all(&self.making).or_else(if_there)
        };
        if let Err(error) = cleared {
            let place = self.making.display();
            tracing::warn!(restore.directory = %place, error = %error, "could not remove an unfinished restore");
        }
    }
}

fn if_there(error: io::Error) -> io::Result<()> {
    if error.kind() == io::ErrorKind::NotFound { Ok(()) } else { Err(error) }
}

/// `data.restoring` beside `data`.
fn beside(directory: &Path) -> Result<PathBuf, BackupError> {
    let nameless = || BackupError::io("finding a name beside", directory)(io::ErrorKind::InvalidInput.into());
    let mut name: OsString = directory.file_name().ok_or_else(nameless)?.to_owned();
    name.push(".restoring");
    Ok(directory.with_file_name(name))
}

fn must_be_empty(directory: &Path, but_for: &[&str]) -> Result<(), BackupError> {
    let entries = match fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(BackupError::io("listing", directory)(error)),
    };
    for entry in entries {
        let name = entry.map_err(BackupError::io("listing", directory))?.file_name();
        let found = name.to_string_lossy();
        if !but_for.contains(&&*found) {
            return Err(BackupError::NotEmpty { path: directory.to_owned(), found: found.into_owned() });
        }
    }
    Ok(())
}

/// Whether a directory is on another file system than the one that it is in.
#[cfg(unix)]
fn is_mounted(directory: &Path) -> Result<bool, BackupError> {
    use std::os::unix::fs::MetadataExt;
    if !directory.exists() {
        return Ok(false);
    }
    let whole = directory.canonicalize().map_err(BackupError::io("resolving", directory))?;
    let device = |path: &Path| fs::metadata(path).map(|at| at.dev()).map_err(BackupError::io("looking at", path));
    match whole.parent() {
        Some(parent) => Ok(device(&whole)? != device(parent)?),
        None => Ok(true),
    }
}

/// Whether a directory is on another file system than the one that it is in: not known here.
#[cfg(not(unix))]
fn is_mounted(_: &Path) -> Result<bool, BackupError> {
    Ok(false)
}
