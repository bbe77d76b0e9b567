//! Start-up recovery: from whatever a kill, a power cut or a failing disk left
//! behind to a store that serves, or to a refusal that says what is missing.
//!
//! In order: the directory's lock; what interrupted work left is removed; the
//! engine's files are opened in a child process under a deadline ([`probe`]); they
//! are opened, compared with the journal, and filled from it ([`attach`]). The
//! filling begins where the engine is last known to have been synced, not where
//! its head is: after a power cut a page in between may be missing without a sign.
//! Where the machine itself went down while the store was open the whole chain is
//! checked and the views are rebuilt; so they are after damage was met while
//! serving. Engine files that will not open or fail a check are moved into
//! `quarantine/`, whole, and made anew from the latest backup and the journal
//! ([`rebuild`]), with the same identity.
//!
//! But for what lay open of erased people ([`mod@forget`]), nothing here removes
//! what was quarantined, drops an event, or goes on where two records of the ledger
//! differ.

mod attach;
pub mod backups;
mod error;
mod forget;
pub mod probe;
mod rebuild;
#[cfg(test)]
mod tests;

use std::cell::Cell;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::Timestamp;

use super::checkpoint::{Checkpoint, Kept};
use super::error::Panicked;
use super::journal::Journal;
use super::journalled::Journalled;
use super::keeper::Keeper;
use super::sled_files::Home;
use super::sled_store::{SledStore, create};
use super::space::{Limits, Space};
use super::status::Recovered;
use super::suspicion::Suspicion;
use super::{Derive, Identity, KeyRing, Store, StoreError};
use crate::domain::Revision;
use attach::{Attached, attach};
use error::Halt;
pub use error::{Damage, RecoveryError};
pub use forget::forget;
use probe::{Probe, Verdict};

pub use super::checkpoint::Run;
pub use super::keeper::Bounds;

/// What a store is opened with.
#[derive(Clone)]
pub struct Options {
    /// The data directory.
    pub directory: PathBuf,
    /// Bounds the engine's page cache, which it overruns about twofold.
    pub cache_bytes: u64,
    /// Bytes of a journal segment.
    pub segment_bytes: u64,
    /// How long the engine's files may take to open.
    pub open_within: Duration,
    /// Opens them elsewhere first; `None`: not tried.
    pub probe: Option<Arc<Probe>>,
    /// Where verified backups are.
    pub backups: PathBuf,
    /// Room that is kept on the disk.
    pub space: Limits,
    /// What the views follow from.
    pub derive: Arc<Derive>,
    /// How close the engine's files follow the journal.
    pub bounds: Bounds,
    /// What values are sealed under. `None`: they are kept open, and what is sealed cannot be read.
    pub keys: Option<Arc<KeyRing>>,
    /// The run of the machine; `None`: not known, and every start after a kill checks everything.
    pub run: Option<Run>,
    /// The time.
    pub now: fn() -> Timestamp,
}

impl Options {
    /// Bytes of a journal segment, unless told otherwise.
    pub const SEGMENT_BYTES: u64 = 64 << 20;

    /// For the store in `directory`: backups inside it, no probe, no watch on the disk.
    pub fn new(directory: &Path, cache_bytes: u64, derive: Arc<Derive>) -> Self {
        Self {
            directory: directory.to_owned(),
            cache_bytes,
            segment_bytes: Self::SEGMENT_BYTES,
            open_within: Duration::from_mins(2),
            probe: None,
            backups: directory.join("backups"),
            space: Limits::NONE,
            derive,
            bounds: Bounds::default(),
            keys: None,
            run: Run::now(),
            now: Timestamp::now,
        }
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options").field("directory", &self.directory).finish_non_exhaustive()
    }
}

/// A start under way: what is known of the store before it is opened.
struct Site<'a> {
    options: &'a Options,
    home: Arc<Home>,
    kept: Option<Kept>,
    suspicion: Suspicion,
    /// What an earlier process met.
    suspect: Option<String>,
    /// The highest revision that anything here tells of.
    known: Cell<Revision>,
}

impl Site<'_> {
    fn journal(&self) -> PathBuf {
        self.home.root().join("journal")
    }

    fn knows(&self, revision: Revision) {
        self.known.set(self.known.get().max(revision));
    }
}

/// Opens the store, or makes one where there is none, and brings it to where the ledger stands.
///
/// # Errors
/// See [`RecoveryError`]: each says what stands in the way, and nothing was removed.
pub fn open(options: &Options) -> Result<SledStore, RecoveryError> {
    start(options, None)
}

/// As [`open`], without trusting the engine's files: they are quarantined and rebuilt. Where the last rebuild was made
/// for the same reason another would not help: it would be made at every start, and each leaves a copy behind.
///
/// # Errors
/// As [`open`]; [`RecoveryError::StillDamaged`].
pub fn rebuild(options: &Options, damage: Damage) -> Result<SledStore, RecoveryError> {
    if rebuild::last_reason(&options.directory)?.is_some_and(|reason| reason == damage.reason) {
        return Err(RecoveryError::StillDamaged { reason: damage.reason });
    }
    start(options, Some(damage))
}

fn start(options: &Options, damage: Option<Damage>) -> Result<SledStore, RecoveryError> {
    match recover(options, damage.clone()) {
        // A full disk is no damage, and sled will not open on one.
        Err(error) if error.is_full() => {
            let space = Space::new(&options.directory, options.space);
            if space.status().ballast_bytes == 0 {
                return Err(error);
            }
            space.give_up();
            recover(options, damage)
        }
        started => started,
    }
}

fn recover(options: &Options, mut damage: Option<Damage>) -> Result<SledStore, RecoveryError> {
    let home = Arc::new(Home::enter(&options.directory)?);
    home.remove_scratch()?;
    forget::complete(&home)?;
    let suspicion = Suspicion::of(home.root());
    let kept = Checkpoint::read(home.root())?;
    let suspect = suspicion.earlier()?;
    let site = Site { options, home, kept, suspicion, suspect, known: Cell::new(Revision(0)) };
    if let Some(kept) = &site.kept {
        site.knows(kept.synced.revision);
    }
    if let Some(damage) = &damage {
        site.knows(damage.known);
    }
    if !site.home.engine().exists() {
        let traces = ["checkpoint", "quarantine", "suspect"];
        let was_there = traces.iter().any(|name| site.home.root().join(name).symlink_metadata().is_ok());
        if was_there || !super::journal::inspect(&site.journal())?.is_empty() {
            damage.get_or_insert_with(|| Damage::new("the engine's files are not there"));
        } else {
            rebuild::refuse_beside_backups(&site)?;
            create(&site.home, options.cache_bytes, Identity::fresh())?;
        }
    } else if damage.is_none() {
        damage = probe_first(&site);
    }
    let mut recovered: Option<Recovered> = None;
    loop {
        if let Some(damage) = damage.take() {
            if recovered.is_some() {
                return Err(RecoveryError::StillDamaged { reason: damage.reason });
            }
            recovered = Some(rebuild::rebuild(&site, &damage)?);
        }
        let attached = catch_unwind(AssertUnwindSafe(|| attach(&site, recovered.is_some())));
        match attached.unwrap_or_else(|_| Err(Halt::Damage(Damage::new(&Panicked.to_string())))) {
            Ok(attached) => return finish(site, attached, recovered),
            Err(Halt::Refuse(error)) => return Err(error),
            Err(Halt::Damage(met)) => damage = Some(met),
        }
    }
}

fn probe_first(site: &Site<'_>) -> Option<Damage> {
    let Options { probe, cache_bytes, open_within, .. } = site.options;
    let probe = probe.as_ref()?;
    let verdict = probe(&site.home.engine(), *cache_bytes, *open_within);
    // What a killed probe left.
    if let Err(error) = super::sled_files::remove_half_written_snapshots(&site.home.engine()) {
        tracing::warn!(error = %error, "what the probe left could not be removed");
    }
    match verdict {
        Verdict::Sound => None,
        Verdict::Unclear { why } => {
            tracing::warn!(reason = %why, "the engine's files could not be tried in a process of their own");
            None
        }
        Verdict::Damaged { why } | Verdict::Crashed { why } => Some(Damage::new(&why)),
        Verdict::TimedOut => {
            let seconds = open_within.as_secs();
            Some(Damage::new(&format!("the engine's files did not open within {seconds} s")))
        }
    }
}

/// Makes a store of what was opened, and says what was done.
fn finish(site: Site<'_>, attached: Attached, recovered: Option<Recovered>) -> Result<SledStore, RecoveryError> {
    let Site { options, home, suspicion, .. } = site;
    let Attached { mut store, journal, checkpoint, head, filled, checked } = attached;
    let space = Space::new(home.root(), options.space);
    space.take_ballast();
    let extent = journal.extent();
    let recovered = recovered.map(|recovered| Recovered { head, ..recovered });
    tracing::info!(
        ledger.revision = head.revision.0,
        ledger.head = %head,
        recovery.filled_events = filled,
        recovery.checked_whole = checked,
        recovery.rebuilt = recovered.is_some(),
        journal.before = extent.before.revision.0,
        journal.bytes = extent.bytes,
        journal.segments = extent.segments,
        "the store is open"
    );
    let keeper = Keeper::start(Arc::clone(&store.engine), checkpoint, head, options.bounds)?;
    store.journalled = Some(Journalled {
        keeper,
        space,
        suspicion,
        derive: Arc::clone(&options.derive),
        directory: home.root().join("journal"),
        segment_bytes: options.segment_bytes,
        reader: Mutex::new(journal.reader()),
        refills: AtomicU64::new(0),
        recovered,
    });
    store.writer.get_mut().unwrap_or_else(std::sync::PoisonError::into_inner).journal = Some(journal);
    debug_assert_eq!(store.head().ok(), Some(head), "the head published must be the one recovered");
    Ok(store)
}

/// A journal under the site's directory, if there is one.
fn open_journal(site: &Site<'_>, identity: Identity) -> Result<Option<Journal>, RecoveryError> {
    let opened = Journal::open(&site.journal(), identity, site.options.segment_bytes)?;
    Ok(opened.map(|opened| {
        if let Some(cut) = &opened.cut {
            tracing::info!(
                journal.segment = %cut.segment.display(),
                journal.offset = cut.offset,
                journal.bytes = cut.bytes,
                reason = %cut.why,
                "cut what an interrupted write had left at the end of the journal: it was never acknowledged"
            );
        }
        site.knows(opened.journal.extent().head.revision);
        opened.journal
    }))
}

/// Whether what stops a start is damage to the engine's files.
impl From<StoreError> for Halt {
    fn from(error: StoreError) -> Self {
        if error.is_damage() { Self::Damage(Damage::new(&error.to_string())) } else { Self::Refuse(error.into()) }
    }
}
