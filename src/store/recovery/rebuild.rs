//! New files for the engine, from the latest backup and the journal. They are
//! made beside the old ones, which are then moved into quarantine, whole: a crash
//! at any moment leaves either the old ones in their place, or none, and both
//! lead here again.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

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
    let anchor = anchor(site, damage, held)?;
    let backed_up = backups.latest().map_or(Revision(0), |head| head.revision);
    let known = site.known.get().max(anchor.head.revision);
    let mut ways: Vec<Way> = Vec::new();
    if anchor.before == Head::EMPTY {
        ways.push(Way { plan: None, through: Revision(0) });
    }
    let plans = backups.plans(Until::End).unwrap_or_default();
    ways.extend(plans.into_iter().filter_map(|plan| Way::of(plan, identity, &anchor)));
    // Those of a journal that lost its end reach further than it does.
    ways.sort_by_key(|way| std::cmp::Reverse(way.through.max(anchor.head.revision)));
    let Some(furthest) = ways.first().map(|way| way.through.max(anchor.head.revision)) else {
        return Err(unreachable(damage, backed_up.next(), anchor.before.revision, backups));
    };
    if furthest < known {
        return Err(unreachable(damage, furthest.next(), known, backups));
    }
    let scratch = site.home.root().join(format!("{SCRATCH}rebuild"));
    let mut refusal = None;
    for way in &ways {
        if scratch.exists() {
            fs::remove_dir_all(&scratch).map_err(StoreError::io("removing a scratch directory", &scratch))?;
        }
        match SledStore::load(&scratch, identity, way.events(journal, &anchor), &mut Unpaced) {
            Ok(head) if head.revision >= known => return Ok((head, way.through, scratch)),
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

/// What the ledger must agree with: the end of the ledger before the journal's first event, and the journal's last.
struct Anchor {
    before: Head,
    head: Head,
}

/// What backups must lead to. Without a journal nobody knows what was acknowledged after them, unless the store was
/// closed in order since.
fn anchor(site: &Site<'_>, damage: &Damage, held: Option<JournalStatus>) -> Result<Anchor, RecoveryError> {
    match (held, &site.kept) {
        (Some(held), _) => Ok(Anchor { before: held.before, head: held.head }),
        (None, Some(kept)) if kept.closed => Ok(Anchor { before: kept.synced, head: kept.synced }),
        (None, Some(_) | None) => Err(RecoveryError::NoJournal {
            directory: site.journal(),
            reason: format!("the engine's files cannot be used either: {}", damage.reason),
            instead: "restore from the backups into an empty directory",
        }),
    }
}

/// One way to the whole ledger.
struct Way {
    plan: Option<Plan>,
    /// The last event that is taken from the backups.
    through: Revision,
}

impl Way {
    /// `None`: it does not reach what it must lead to.
    fn of(plan: Plan, identity: Identity, anchor: &Anchor) -> Option<Self> {
        let reaches = plan.reaches().revision;
        // Another incarnation may have gone on elsewhere from there: a restore dropped that.
        let of_this = plan.identity().incarnation == identity.incarnation;
        let through = if of_this { reaches } else { reaches.min(anchor.before.revision) };
        (reaches >= anchor.before.revision).then_some(Self { plan: Some(plan), through })
    }

    /// Every event: those of the backups, then those of the journal.
    fn events<'a>(
        &'a self,
        journal: Option<&'a Journal>,
        anchor: &'a Anchor,
    ) -> impl Iterator<Item = Result<StoredEvent, Unread>> + 'a {
        let through = self.through;
        let backups = self.plan.iter().flat_map(move |plan| {
            // Read to the end, which proves the files, unless something is left out there.
            let all = plan.reaches().revision == through;
            let count = if all { usize::MAX } else { usize::try_from(through.0).unwrap_or(usize::MAX) };
            plan.events().take(count).map(|event| event.map_err(Unread::Backup))
        });
        let rest = journal.into_iter().filter(move |journal| journal.extent().head.revision > through);
        let rest = rest.flat_map(move |journal| journal.events(through.next()));
        backups.chain(rest.map(|event| event.map_err(Unread::Journal))).map(|event| {
            let event = event?;
            let revision = event.revision;
            let met = [anchor.before, anchor.head].into_iter().find(|head| head.revision == revision);
            if met.is_some_and(|head| head.hash != event.hash()) {
                return Err(LoadError::from(StoreError::BrokenChain { revision }).into());
            }
            Ok(event)
        })
    }
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
            Err(error) if error.kind() == ErrorKind::AlreadyExists => number += 1,
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

/// Why the engine's files were last rebuilt.
pub(super) fn last_reason(directory: &Path) -> Result<Option<String>, RecoveryError> {
    let all = directory.join("quarantine");
    let places = match fs::read_dir(&all) {
        Ok(places) => places.collect::<Result<Vec<_>, _>>(),
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => Err(error),
    };
    let places = places.map_err(StoreError::io("listing", &all))?;
    // One that cannot be read, or is not there, tells nothing.
    let told = places.iter().filter_map(|place| {
        let why = place.path().join("why");
        let at = fs::metadata(&why).and_then(|file| file.modified()).ok()?;
        Some((at, why))
    });
    let last = told.max();
    Ok(last.and_then(|(_, why)| fs::read_to_string(why).ok()).map(|reason| reason.trim_end().to_owned()))
}

/// Where the backups of a store are, and it is not, its disk may not be mounted: a new one would be served as if it
/// were theirs.
pub(super) fn refuse_beside_backups(site: &Site<'_>) -> Result<(), RecoveryError> {
    let directory = &site.options.backups;
    let backups = Catalogue::read(directory).map_err(|source| RecoveryError::Backup {
        reason: "they are not there".to_owned(),
        source: Box::new(source),
    })?;
    if backups.files.is_empty() && backups.misfits.is_empty() {
        return Ok(());
    }
    Err(RecoveryError::OnlyBackups { directory: directory.clone() })
}

fn unreachable(damage: &Damage, first: Revision, last: Revision, backups: &Catalogue) -> RecoveryError {
    let misfits = backups.misfits.iter().map(|misfit| misfit.reason.to_string()).collect();
    RecoveryError::Unreachable { reason: damage.reason.clone(), missing: (first, last.max(first)), misfits }
}
