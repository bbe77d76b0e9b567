//! From a store to a state: views where they are whole, the ledger where they
//! are not. Ends with what the ledger said last about the day and the policy.

use std::collections::BTreeMap;

use prost::Message;
use rayon::prelude::*;
use tracing::info;

use super::group::{BuildError, DOSSIER_VERSION, event_kind, fold_dossier, kind_of};
use super::record;
use super::state::{State, Touched};
use crate::domain::dossier::Dossier;
use crate::domain::{Revision, SubjectId};
use crate::reference::Tables;
use crate::store::pb::StoredDossier;
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
    /// The view of dossiers has a gap.
    #[error("the view of dossiers lacks subject {0}: rebuild the views")]
    Gap(u32),
}

/// Version of each view that this build writes.
pub(super) const fn version(view: View) -> u32 {
    match view {
        View::Dossier => DOSSIER_VERSION,
        View::SubjectIndex | View::KindIndex | View::Request => 1,
    }
}

/// Reads a store: its head, and the state that its ledger folds to.
///
/// # Errors
/// See [`StartError`]. Nothing is changed but views, and those only from the ledger.
pub fn read(store: &dyn Store, tables: &'static Tables) -> Result<(Head, State), StartError> {
    let head = store.head()?;
    verify_chain(store, chain::last(VERIFIED_AT_START, &head))?;
    rebuild_views(store, head.revision)?;
    let state = from_views(store, &head, tables)?;
    Ok((head, state))
}

/// The state that the views hold, which must be whole. Changes nothing. Exact only while nobody writes.
///
/// # Errors
/// See [`StartError`].
pub(super) fn from_views(store: &dyn Store, head: &Head, tables: &'static Tables) -> Result<State, StartError> {
    let mut state = State::new(tables);
    for kind in [event_kind::POLICY_ACTIVATED, event_kind::AS_OF_MOVED] {
        if let Some(event) = last_of_kind(store, kind, head.revision)? {
            state.apply(&event, &mut Touched::default()).map_err(BuildError::from)?;
        }
    }
    let dossiers = dossiers(store, tables)?;
    state.admit(head.revision, dossiers);
    Ok(state)
}

fn last_of_kind(store: &dyn Store, kind: u8, head: Revision) -> Result<Option<crate::store::pb::Event>, StartError> {
    let mut last = None;
    for entry in store.scan(&KeySpan::kind_index(kind, Revision(0), head)) {
        last = entry?.0.revision();
    }
    Ok(match last {
        Some(revision) => store.event(revision)?,
        None => None,
    })
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
    let evidence = stored.evidence.iter().map(|held| {
        let record = held.record.as_ref()?;
        record::from_stored(record, held.recorded_micros, Revision(held.revision), tables)
    });
    let evidence: Option<Vec<_>> = evidence.collect();
    let evidence = evidence.ok_or(BuildError::View(subject))?;
    Ok(Dossier::from_evidence(&stored.subject_ref, Revision(stored.revision), evidence))
}

/// Rebuilds from the ledger every view that is missing or of another version.
fn rebuild_views(store: &dyn Store, head: Revision) -> Result<(), StartError> {
    for view in View::ALL {
        if store.view_version(view)? == Some(version(view)) {
            continue;
        }
        info!(view = view.name(), ledger.revision = head.0, "building a view from the ledger");
        let events = store.events(Revision(1), head);
        match view {
            View::Dossier => {
                let mut dossiers: BTreeMap<SubjectId, StoredDossier> = BTreeMap::new();
                for event in events {
                    let event = event?;
                    if event.has_subject {
                        fold_dossier(dossiers.entry(SubjectId(event.subject_id)).or_default(), &event);
                    }
                }
                let mut entries = dossiers
                    .into_iter()
                    .map(|(subject, dossier)| Ok((ViewKey::dossier(subject), dossier.encode_to_vec())));
                store.replace_view(view, version(view), &mut entries)?;
            }
            View::SubjectIndex => {
                let mut entries = events.filter_map(|event| match event {
                    Ok(event) if event.has_subject => {
                        let key = ViewKey::subject_index(SubjectId(event.subject_id), Revision(event.revision));
                        Some(Ok((key, Vec::new())))
                    }
                    Ok(_) => None,
                    Err(fault) => Some(Err(fault)),
                });
                store.replace_view(view, version(view), &mut entries)?;
            }
            View::KindIndex => {
                let mut entries = events.filter_map(|event| match event {
                    Ok(event) => kind_of(&event)
                        .map(|kind| Ok((ViewKey::kind_index(kind, Revision(event.revision)), Vec::new()))),
                    Err(fault) => Some(Err(fault)),
                });
                store.replace_view(view, version(view), &mut entries)?;
            }
            View::Request => {
                let mut entries = events.filter_map(|event| match event {
                    Ok(event) => event.answer.as_ref().map(|answer| {
                        let id = <[u8; 16]>::try_from(&*event.request_id).unwrap_or_default();
                        Ok((ViewKey::request(&event.actor, &id), answer.encode_to_vec()))
                    }),
                    Err(fault) => Some(Err(fault)),
                });
                store.replace_view(view, version(view), &mut entries)?;
            }
        }
    }
    Ok(())
}
