//! New files for the engine, from the latest backup and the journal. They are
//! made beside the old ones, which are then moved into quarantine, whole: a crash
//! at any moment leaves either the old ones in their place, or none, and both
//! lead here again.

use std::fs;
use std::path::PathBuf;

use super::attach::holds;
use super::error::{Damage, RecoveryError, Unread};
use super::{Site, open_journal};
use crate::domain::Revision;
use crate::store::backup::{Catalogue, Plan, Until};
use crate::store::checkpoint::Checkpoint;
use crate::store::journal::{self, Journal};
use crate::store::sled_files::{SCRATCH, sync};
use crate::store::{Head, Identity, JournalStatus, LoadError, Recovered, SledStore, StoreError, StoredEvent, Unpaced};

/// Makes the engine's files anew and puts the old ones into quarantine.
pub(super) fn rebuild(site: &Site<'_>, damage: &Damage) -> Result<Recovered, RecoveryError> {
    site.knows(damage.known);
    tracing::warn!(reason = %damage.reason, "the engine's files cannot be used: rebuilding them");
    let backups = Catalogue::read(&site.options.backups);
    let backups =
        backups.map_err(|source| RecoveryError::Backup { reason: damage.reason.clone(), source: Box::new(source) })?;
    let Some(identity) = identity(site, &backups)? else {
        return Err(unreachable(damage, Revision(1), site.known.get(), &backups));
    };
    let backups = backups.of_store(identity.store_id);
    let journal = open_journal(site, identity)?;
    let held = journal.as_ref().map(Journal::extent);
    let (head, from_backup, scratch) = fill(site, damage, identity, &backups, journal.as_ref(), held)?;

    let quarantine = quarantine(site, &damage.reason)?;
    site.home.adopt(&scratch.join("sled"))?;
    fs::remove_dir_all(&scratch).map_err(StoreError::io("removing a scratch directory", &scratch))?;
    Checkpoint::open(site.home.root(), identity, site.options.run)?.write(head, false)?;
    tracing::warn!(
        reason = %damage.reason,
        store.quarantine = %quarantine.display(),
        recovery.from_backup = from_backup.0,
        ledger.revision = head.revision.0,
        ledger.head = %head,
        "the engine's files were rebuilt from backup and journal; the old ones are in quarantine"
    );
    let at = (site.options.now)();
    Ok(Recovered { at, reason: damage.reason.clone(), quarantine, from_backup, head })
}

/// Fills a scratch directory; tries each way that the backups offer.
fn fill(
    site: &Site<'_>,
    damage: &Damage,
    identity: Identity,
    backups: &Catalogue,
    journal: Option<&Journal>,
    held: Option<JournalStatus>,
) -> Result<(Head, Revision, PathBuf), RecoveryError> {
    let before = held.map(|held| held.before);
    let mut plans: Vec<Option<Plan>> = Vec::new();
    if before == Some(Head::EMPTY) {
        plans.push(None);
    } else {
        let reaching = |plan: &Plan| before.is_none_or(|before| plan.reaches().revision >= before.revision);
        plans.extend(backups.plans(Until::End).unwrap_or_default().into_iter().filter(reaching).map(Some));
    }
    let backed_up = backups.latest().map_or(Revision(0), |head| head.revision);
    let reached = held.map_or(backed_up, |held| held.head.revision);
    let known = site.known.get().max(reached);
    if plans.is_empty() {
        let through = before.map_or(known, |before| before.revision);
        return Err(unreachable(damage, backed_up.next(), through, backups));
    }
    if reached < known {
        return Err(unreachable(damage, reached.next(), known, backups));
    }
    let scratch = site.home.root().join(format!("{SCRATCH}rebuild"));
    let mut refusal = None;
    for plan in plans {
        let from_backup = plan.as_ref().map_or(Head::EMPTY, Plan::reaches);
        if scratch.exists() {
            fs::remove_dir_all(&scratch).map_err(StoreError::io("removing a scratch directory", &scratch))?;
        }
        match SledStore::load(&scratch, identity, events(plan.as_ref(), journal), &mut Unpaced) {
            Ok(head) if head.revision >= known => return Ok((head, from_backup.revision, scratch)),
            Ok(head) => refusal = Some(unreachable(damage, head.revision.next(), known, backups)),
            Err(Unread::Journal(error)) => return Err(error.into()),
            Err(Unread::Backup(source)) => {
                tracing::warn!(reason = %source, "a backup cannot be used");
                refusal = Some(RecoveryError::Backup { reason: damage.reason.clone(), source: Box::new(source) });
            }
            // The events do not follow one another: this backup is of another history than the journal.
            Err(Unread::Load(LoadError::Store(
                error @ (StoreError::BrokenChain { .. } | StoreError::MissingEvent { .. }),
            ))) => refusal = Some(error.into()),
            Err(Unread::Load(LoadError::Store(error))) => return Err(error.into()),
            Err(Unread::Load(error @ (LoadError::Occupied { .. } | LoadError::Stopped))) => {
                return Err(RecoveryError::StillDamaged { reason: error.to_string() });
            }
        }
    }
    Err(refusal.unwrap_or_else(|| unreachable(damage, Revision(1), known, backups)))
}

/// Every event: those of the backups, then those of the journal.
fn events<'a>(
    plan: Option<&'a Plan>,
    journal: Option<&'a Journal>,
) -> impl Iterator<Item = Result<StoredEvent, Unread>> + 'a {
    let reached = plan.map_or(Head::EMPTY, Plan::reaches).revision;
    let backups = plan.into_iter().flat_map(|plan| plan.events().map(|event| event.map_err(Unread::Backup)));
    let rest = journal.into_iter().filter(move |journal| journal.extent().head.revision > reached);
    let rest = rest.flat_map(move |journal| journal.events(reached.next()));
    backups.chain(rest.map(|event| event.map_err(Unread::Journal)))
}

/// Which store this is, by whatever still says so.
fn identity(site: &Site<'_>, backups: &Catalogue) -> Result<Option<Identity>, RecoveryError> {
    if let Some(kept) = &site.kept {
        return Ok(Some(kept.identity));
    }
    let segments = journal::inspect(&site.journal())?;
    if let Some(identity) = segments.iter().find_map(|segment| segment.identity) {
        return Ok(Some(identity));
    }
    Ok(backups.plan(Until::End).ok().map(|plan| plan.identity()))
}

/// Moves the engine's files aside, whole.
fn quarantine(site: &Site<'_>, reason: &str) -> Result<PathBuf, RecoveryError> {
    let all = site.home.root().join("quarantine");
    let moment = (site.options.now)().strftime("%Y%m%dT%H%M%SZ").to_string();
    fs::create_dir_all(&all).map_err(StoreError::io("creating the directory", &all))?;
    let mut number = 1;
    let place = loop {
        let place = all.join(format!("{moment}-{number}"));
        match fs::create_dir(&place) {
            Ok(()) => break place,
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => number += 1,
            Err(error) => return Err(StoreError::io("creating the directory", &place)(error).into()),
        }
    };
    let why = place.join("why");
    fs::write(&why, format!("{reason}\n")).map_err(StoreError::io("writing", &why))?;
    let engine = site.home.engine();
    if engine.exists() {
        fs::rename(&engine, place.join("sled")).map_err(StoreError::io("quarantining", &engine))?;
    }
    for directory in [&why, &place, &all, site.home.root()] {
        sync(directory)?;
    }
    Ok(place)
}

/// Backups alone are no store, and a new one beside them would be taken for theirs.
pub(super) fn refuse_beside_backups(site: &Site<'_>) -> Result<(), RecoveryError> {
    let directory = &site.options.backups;
    let inside = directory.starts_with(site.home.root()) && holds(directory);
    let backups = if inside { Catalogue::read(directory).ok() } else { None };
    if backups.is_some_and(|backups| !backups.files.is_empty()) {
        return Err(RecoveryError::OnlyBackups { directory: directory.clone() });
    }
    Ok(())
}

fn unreachable(damage: &Damage, first: Revision, last: Revision, backups: &Catalogue) -> RecoveryError {
    let misfits = backups.misfits.iter().map(|misfit| misfit.reason.to_string()).collect();
    RecoveryError::Unreachable { reason: damage.reason.clone(), missing: (first, last.max(first)), misfits }
}
