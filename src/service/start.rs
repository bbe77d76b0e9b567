//! From a store to a state: views where they are whole, the ledger where they
//! are not. Ends with what the ledger said last about the day and the policy.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use prost::Message;
use rayon::prelude::*;

use super::erasure;
use super::group::{BuildError, event_kind};
use super::life;
use super::note;
use super::record;
use super::state::{State, Touched, Unreadable};
use super::views;
use crate::domain::dossier::Dossier;
use crate::domain::{Moment, Revision, SubjectId};
use crate::reference::Tables;
use crate::store::pb::{NotedBand, StoredDossier};
use crate::store::recovery::{self, Damage, RecoveryError};
use crate::store::{AppendError, Entry, Head, KeySpan, Store, StoreError, View, ViewKey, chain, verify_chain};

/// Events at the end of the ledger whose chain is verified at every start.
const VERIFIED_AT_START: u64 = 10_000;
/// Dossiers decoded at a time, on every core.
const DECODED_TOGETHER: usize = 16_384;

/// Why a store cannot be started from.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The store cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A view cannot be rebuilt.
    #[error("a view could not be rebuilt from the ledger: {0}")]
    Rebuild(#[from] AppendError),
    /// The ledger or a view cannot be understood.
    #[error(transparent)]
    Unreadable(#[from] BuildError),
    /// A view was just written anew, and a walk through it meets something else: what is beneath is damaged.
    #[error("the view {view} was built with {written} entries, and {found} are found in it")]
    Astray {
        /// The view.
        view: &'static str,
        /// Entries written.
        written: u64,
        /// Entries met.
        found: u64,
    },
    /// The view of dossiers has a gap.
    #[error("the view of dossiers lacks subject {0}: rebuild the views")]
    Gap(u32),
}

impl StartError {
    /// Whether stored bytes are damaged or missing: then what is beneath the store may be rebuilt and read again.
    pub fn is_damage(&self) -> bool {
        match self {
            Self::Store(error)
            | Self::Unreadable(BuildError::Store(error))
            | Self::Rebuild(AppendError::Failed(error)) => error.is_damage(),
            Self::Gap(_) | Self::Astray { .. } | Self::Unreadable(BuildError::View(_)) => true,
            // Another version wrote it: its bytes are as they should be.
            Self::Unreadable(BuildError::Unreadable(_))
            | Self::Rebuild(
                AppendError::Full | AppendError::ReadOnly | AppendError::Conflict { .. } | AppendError::Unfit(_),
            ) => false,
        }
    }
}

/// Why no store was opened, or none could be started from.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// What is kept could not be recovered.
    #[error(transparent)]
    Recovery(#[from] RecoveryError),
    /// It cannot be read.
    #[error(transparent)]
    Start(#[from] StartError),
}

/// A store that was opened and read.
pub struct Opened {
    /// The store.
    pub store: Arc<dyn Store>,
    /// Where its ledger stands.
    pub head: Head,
    /// What the ledger folds to.
    pub state: State,
}

/// What a store on disk is opened with, unless told otherwise.
pub fn options(directory: &Path, cache_bytes: u64) -> recovery::Options {
    recovery::Options::new(directory, cache_bytes, Arc::new(views::derive))
}

/// Opens the store on disk and reads it. Where the reading meets damage, what is beneath the store is put into
/// quarantine and rebuilt, and read once more.
///
/// # Errors
/// See [`OpenError`].
pub fn open(options: &recovery::Options, tables: &'static Tables) -> Result<Opened, OpenError> {
    let store = recovery::open(options)?;
    let fault = match read(&store, tables) {
        Ok((head, state)) => {
            let open = erasure::lying_open(&store).map_err(StartError::from)?;
            if open.is_empty() {
                return Ok(Opened { store: Arc::new(store), head, state });
            }
            drop(state);
            recovery::forget(options, store, &open)?;
            let store = recovery::open(options)?;
            let (head, state) = read(&store, tables)?;
            return Ok(Opened { store: Arc::new(store), head, state });
        }
        Err(fault) if fault.is_damage() && store.status().recovered.is_none() => fault,
        Err(fault) => return Err(fault.into()),
    };
    let damage = Damage { reason: fault.to_string(), known: store.head().map_err(StartError::from)?.revision };
    drop(store);
    let store: Arc<dyn Store> = Arc::new(recovery::rebuild(options, damage)?);
    let (head, state) = read(&*store, tables)?;
    Ok(Opened { store, head, state })
}

/// Reads a store: its head, and the state that its ledger folds to.
///
/// # Errors
/// See [`StartError`]. Nothing is changed but views, and those only from the ledger.
pub fn read(store: &dyn Store, tables: &'static Tables) -> Result<(Head, State), StartError> {
    let head = store.head()?;
    verify_chain(store, chain::last(VERIFIED_AT_START, &head))?;
    views::rebuild(store, &head)?;
    let state = from_views(store, &head, tables)?;
    Ok((head, state))
}

/// The state that the views hold, which must be whole. Changes nothing. Exact only while nobody writes.
///
/// # Errors
/// See [`StartError`].
pub(super) fn from_views(store: &dyn Store, head: &Head, tables: &'static Tables) -> Result<State, StartError> {
    let mut state = State::new(tables);
    for (revision, told) in told(store, head.revision)? {
        let Some(event) = store.event(revision)? else { continue };
        match told {
            Told::Applied => state.apply(&event, &mut Touched::default()).map_err(BuildError::from)?,
            // A policy of long ago need not validate any more to be remembered.
            Told::Recalled => state.recall(&event).map_err(|why| BuildError::from(Unreadable { revision, why }))?,
        }
    }
    let dossiers = dossiers(store, tables)?;
    state.admit(head.revision, dossiers);
    Ok(state)
}

/// What becomes of an event of no subject at a start.
#[derive(Clone, Copy, Debug)]
enum Told {
    /// It holds.
    Applied,
    /// It is remembered; a later one holds.
    Recalled,
}

/// Events that say what holds for everybody, in their order: of days set at a start the last, of policies and runs all.
fn told(store: &dyn Store, head: Revision) -> Result<BTreeMap<Revision, Told>, StartError> {
    let last_day = of_kind(store, event_kind::AS_OF_MOVED, head)?.pop();
    let mut in_force = of_kind(store, event_kind::POLICY_ACTIVATED, head)?;
    let last_in_force = in_force.pop();
    let steps = of_kind(store, event_kind::POLICY_STEP, head)?;
    let recalled = in_force.into_iter().chain(steps).map(|revision| (revision, Told::Recalled));
    let mut runs = Vec::new();
    for kind in [
        event_kind::RESCORE_STARTED,
        event_kind::RESCORE_ENDED,
        event_kind::GENERATION_PUBLISHED,
        event_kind::GENERATION_BLANKED,
    ] {
        runs.extend(of_kind(store, kind, head)?);
    }
    let applied = last_day.into_iter().chain(last_in_force).chain(runs).map(|revision| (revision, Told::Applied));
    Ok(recalled.chain(applied).collect())
}

/// Revisions of a kind, in order.
fn of_kind(store: &dyn Store, kind: u8, head: Revision) -> Result<Vec<Revision>, StartError> {
    let mut found = Vec::new();
    for entry in store.scan(&KeySpan::kind_index(kind, Revision(0), head)) {
        found.extend(entry?.0.revision());
    }
    Ok(found)
}

fn dossiers(store: &dyn Store, tables: &'static Tables) -> Result<Vec<Dossier>, StartError> {
    let mut dossiers = Vec::new();
    let mut entries = store.scan(&KeySpan::all(View::Dossier)).peekable();
    while entries.peek().is_some() {
        let raw: Vec<Entry> = entries.by_ref().take(DECODED_TOGETHER).collect::<Result<_, _>>()?;
        let decoded: Vec<Dossier> =
            raw.par_iter().map(|(key, bytes)| decode(key, bytes, tables)).collect::<Result<_, BuildError>>()?;
        for ((key, _), expected) in raw.iter().zip(dossiers.len()..) {
            if key.subject().map(SubjectId::index) != Some(expected) {
                return Err(StartError::Gap(u32::try_from(expected).unwrap_or(u32::MAX)));
            }
        }
        dossiers.extend(decoded);
    }
    Ok(dossiers)
}

/// A dossier as the view holds it.
///
/// # Errors
/// [`BuildError::View`] when it cannot be read.
pub fn decode(key: &ViewKey, bytes: &[u8], tables: &Tables) -> Result<Dossier, BuildError> {
    let subject = key.subject().unwrap_or(SubjectId(u32::MAX));
    let stored = StoredDossier::decode(bytes).map_err(|_| BuildError::View(subject))?;
    dossier(subject, &stored, tables)
}

/// A dossier as it was folded.
///
/// # Errors
/// [`BuildError::View`] when it cannot be read.
pub fn dossier(subject: SubjectId, stored: &StoredDossier, tables: &Tables) -> Result<Dossier, BuildError> {
    let evidence = stored.evidence.iter().map(|held| {
        let record = held.record.as_ref()?;
        record::from_stored(record, held.recorded_micros, Revision(held.revision), tables)
    });
    let evidence: Option<Vec<_>> = evidence.collect();
    let evidence = evidence.ok_or(BuildError::View(subject))?;
    let band = |noted: &NotedBand| {
        let band = if noted.band == 0 { None } else { Some(note::band(noted.band)?) };
        Some((Moment::of_micros(noted.micros), band))
    };
    let bands: Option<Vec<_>> = stored.bands.iter().map(band).collect();
    let bands = bands.ok_or(BuildError::View(subject))?;
    let dossier = Dossier::from_evidence(&stored.subject_ref, Revision(stored.revision), evidence);
    Ok(dossier.with_notes(bands, stored.noted).with_life(life::read(stored)))
}
