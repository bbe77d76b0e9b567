//! The engine's files beside the journal: which goes further, whether the two
//! tell one history, and the filling of the shorter from the longer. Nothing
//! here replaces the engine's files; it says when they have to be.

use std::sync::Arc;

use super::error::{Halt, RecoveryError};
use super::{Site, open_journal};
use crate::domain::Revision;
use crate::store::checkpoint::Checkpoint;
use crate::store::engine::Engine;
use crate::store::journal::{Journal, JournalFault};
use crate::store::journalled::FillError;
use crate::store::keyed::{Facts, stored};
use crate::store::sled_store::{SledEngine, SledStore};
use crate::store::{Head, SCHEMA_VERSION, Store, StoreError, StoredEvent, View, chain, verify_chain};

/// Events at the end of the ledger whose chain is checked at every start.
const CHECKED: u64 = 10_000;
/// Events after which the views are rebuilt whole rather than brought up entry by entry.
const BROUGHT_UP: u64 = 100_000;
/// Events that are journalled together.
const TOGETHER: usize = 1_000;

/// A store that stands where the ledger stands, on the disk itself.
pub(super) struct Attached {
    pub store: SledStore,
    pub journal: Journal,
    pub checkpoint: Checkpoint,
    pub head: Head,
    /// Events that the engine was filled with.
    pub filled: u64,
    /// Whether the whole chain was checked.
    pub checked: bool,
}

/// Opens the engine's files and brings them to where the journal stands. `rebuilt`: they were just made.
pub(super) fn attach(site: &Site<'_>, rebuilt: bool) -> Result<Attached, Halt> {
    let root = site.home.root();
    let mut engine = SledEngine::open_existing(&site.home.engine(), site.options.cache_bytes)?;
    engine.hold(Arc::clone(&site.home));
    let facts = Facts::read(&engine)?;
    site.knows(facts.head.revision);
    if site.kept.as_ref().is_some_and(|kept| kept.identity != facts.identity) {
        return Err(RecoveryError::OtherIdentity { path: root.join("checkpoint") }.into());
    }
    let store = SledStore::over(engine, facts.identity, facts.head);
    let store = match &site.options.keys {
        Some(keys) => store.with_keys(Arc::clone(keys))?,
        None => store,
    };
    let mut whole = !rebuilt && (site.suspect.is_some() || machine_went_down(site));
    let journal = open_journal(site, facts.identity)?;
    let (journal, from) = if let Some(mut journal) = journal {
        let from = common(site, &store, &facts, &journal, &mut whole)?;
        extend(&store, &facts, &mut journal)?;
        // What was just made is on the disk as far as it goes.
        let from = if rebuilt { journal.extent().head } else { from };
        (journal, from)
    } else {
        begin_after_head(site, &store, facts.head)?;
        let segment_bytes = site.options.segment_bytes;
        (Journal::create(&site.journal(), facts.identity, facts.head, segment_bytes)?, facts.head)
    };
    let head = journal.extent().head;
    if let Some(kept) = site.kept.as_ref().filter(|kept| kept.synced.revision > head.revision) {
        let (ends, had) = (head.revision, kept.synced.revision);
        let reason = format!("they and the journal end with revision {ends}, and revision {had} was on the disk");
        return Err(Halt::Damage(super::Damage::new(&reason)));
    }
    let filled = head.revision.0 - from.revision.0;
    if filled > 0 {
        fill(site, &store, &journal, from)?;
    }
    store.publish(head);
    store.check_head()?;
    if whole {
        tracing::info!(ledger.revision = head.revision.0, "checking the whole ledger");
        verify_chain(&store, Revision(1))?;
        store.forget_versions(&View::ALL)?;
    } else if !rebuilt {
        verify_chain(&store, chain::last(CHECKED, &head).min(from.revision))?;
    }
    if facts.schema < u32::from(SCHEMA_VERSION) {
        // After the journal is there: a crash in between leaves a store that either build opens.
        SledStore::raise_schema(&*store.engine)?;
        tracing::info!(schema.from = facts.schema, schema.to = SCHEMA_VERSION, "raised the store's schema");
    }
    store.engine.sync().map_err(StoreError::from)?;
    let mut checkpoint = Checkpoint::open(root, facts.identity, site.options.run)?;
    checkpoint.write(head, false)?;
    if whole || rebuilt {
        site.suspicion.lift()?;
    }
    Ok(Attached { store, journal, checkpoint, head, filled, checked: whole })
}

/// Whether the machine stopped while the store was open: then any page that was not synced may be missing, and with it
/// what the engine had moved there.
fn machine_went_down(site: &Site<'_>) -> bool {
    site.kept.as_ref().is_some_and(|kept| !kept.closed && (kept.run.is_none() || kept.run != site.options.run))
}

/// The last event that engine and journal surely have in common, both on the disk: the filling begins after it.
fn common(
    site: &Site<'_>,
    store: &SledStore,
    facts: &Facts,
    journal: &Journal,
    whole: &mut bool,
) -> Result<Head, Halt> {
    let held = journal.extent();
    let ends = facts.head.revision;
    if ends < held.before.revision {
        let reason = format!("they end with revision {ends}, the journal begins after {}", held.before.revision);
        return Err(Halt::Damage(super::Damage::new(&reason)));
    }
    same(store, held.before)?;
    let mut from = match &site.kept {
        Some(kept) => kept.synced.revision,
        None => held.before.revision,
    };
    if from < held.before.revision || ends < from {
        // The engine's files are older than they were known to be, or the journal younger: trust neither's word.
        *whole = true;
        from = from.max(held.before.revision).min(ends);
    }
    let from = from.min(held.head.revision);
    if from == held.before.revision {
        return Ok(held.before);
    }
    let event = journal.events(from).next().ok_or(StoreError::MissingEvent { revision: from })??;
    let common = Head { revision: from, hash: event.hash() };
    same(store, common)?;
    Ok(common)
}

/// Whether the engine has the event that the journal has.
fn same(store: &SledStore, journal: Head) -> Result<(), Halt> {
    if journal == Head::EMPTY {
        return Ok(());
    }
    let revision = journal.revision;
    let event = stored(&*store.engine, revision)?.ok_or(StoreError::MissingEvent { revision })?;
    if event.hash() == journal.hash {
        return Ok(());
    }
    Err(RecoveryError::Conflict { revision, engine: event.hash(), journal: journal.hash }.into())
}

/// Journals what the engine has beyond the journal: an older build wrote it, or the journal lost its end.
fn extend(store: &SledStore, facts: &Facts, journal: &mut Journal) -> Result<(), Halt> {
    let held = journal.extent().head;
    if facts.head.revision <= held.revision {
        return Ok(());
    }
    same(store, held)?;
    let mut at = held;
    let mut events = store.stored_events(held.revision.next(), facts.head.revision).peekable();
    let mut journalled = 0;
    while events.peek().is_some() {
        let group: Vec<StoredEvent> = events.by_ref().take(TOGETHER).collect::<Result<_, _>>()?;
        for event in &group {
            at = at.followed_by(event)?;
        }
        journal.append(&group).map_err(unjournalled)?;
        journalled += group.len();
    }
    if at != facts.head {
        return Err(StoreError::BrokenChain { revision: facts.head.revision }.into());
    }
    tracing::warn!(
        journal.events = journalled,
        journal.head = held.revision.0,
        "the engine had acknowledged events that the journal lacks: they were journalled; make a full backup"
    );
    Ok(())
}

fn unjournalled(fault: JournalFault) -> StoreError {
    match fault {
        JournalFault::Full => StoreError::Full,
        fault @ (JournalFault::Failed { .. } | JournalFault::Unfit { .. }) => {
            StoreError::Engine { doing: "journalling what the engine has", source: fault.into() }
        }
    }
}

/// A store whose journal is missing goes on with one that begins at its head.
fn begin_after_head(site: &Site<'_>, store: &SledStore, head: Head) -> Result<(), Halt> {
    store.check_head()?;
    if let Some(kept) = &site.kept {
        if kept.synced.revision > head.revision {
            let reason = format!("they end with revision {}, and had revision {}", head.revision, kept.synced.revision);
            return Err(Halt::Damage(super::Damage::new(&reason)));
        }
        same(store, kept.synced)?;
        if !kept.closed {
            return Err(RecoveryError::NoJournal {
                directory: site.journal(),
                reason: format!("the engine's files end with revision {}", head.revision),
                instead: "remove the file `checkpoint` to go on without it, and with a new journal",
            }
            .into());
        }
        tracing::warn!(
            ledger.revision = head.revision.0,
            "the recovery journal is not there: it begins anew, make a full backup"
        );
    }
    Ok(())
}

fn fill(site: &Site<'_>, store: &SledStore, journal: &Journal, from: Head) -> Result<(), Halt> {
    let pending = journal.extent().head.revision.0 - from.revision.0;
    let brought_up = pending <= BROUGHT_UP;
    if !brought_up {
        store.forget_versions(&View::ALL)?;
    }
    store.publish(from);
    let derive = brought_up.then_some(&*site.options.derive);
    let mut writer = store.writer.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let mut events = journal.events(from.revision.next());
    match store.fill(&mut writer, from, &mut events, derive) {
        Ok(_) => Ok(()),
        Err(FillError::Store(error)) => Err(error.into()),
        Err(FillError::Source(error)) => Err(error.into()),
        Err(FillError::Conflict { revision, engine, source }) => {
            Err(RecoveryError::Conflict { revision, engine, journal: source }.into())
        }
    }
}
