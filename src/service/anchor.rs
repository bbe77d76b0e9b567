//! Where the audit stands, written down in the ledger: on the last event of every
//! commit since which the audit moved, and, when a minute passed with nothing else
//! to write, in an event of its own. Whoever cuts the audit off or writes it anew
//! is told by it. Nothing here writes to the audit.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use arc_swap::ArcSwapOption;
use jiff::Timestamp;
use tracing::{error, info, warn};

use super::Service;
use super::fault::Fault;
use super::group::Building;
use super::state::Touched;
use super::writer::Writer;
use crate::access::Caller;
use crate::access::audit::{AuditError, AuditHead, AuditLog, Report};
use crate::domain::Revision;
use crate::store::pb::AuditAnchored;
use crate::store::pb::event::Body;
use crate::store::{Store, StoreError};

/// Events from the end of the ledger on among which the last head is looked for: as many as every start checks.
const SEARCHED: u64 = 10_000;
/// Events after which a head is written again though it did not move, so that a start finds it.
const REPEATED: u64 = 5_000;

/// The audit, and what of it the ledger holds.
#[derive(Default)]
pub struct Anchoring {
    log: OnceLock<AuditLog>,
    written: ArcSwapOption<AuditHead>,
    /// Revision of the event that holds it.
    written_at: AtomicU64,
    /// A head of the ledger that the audit did not have at the start: told until the process ends, whatever is written
    /// down meanwhile.
    missing: OnceLock<AuditHead>,
    /// Since when the ledger is known to be behind the audit, microseconds since 1970; 0: it is not.
    behind: AtomicI64,
}

impl Anchoring {
    /// Where the audit stands, if the ledger does not say so yet.
    pub(super) fn moved(&self) -> Option<AuditHead> {
        let head = self.log.get()?.head();
        let written = self.written.load().as_ref().map_or(AuditHead::EMPTY, |written| **written);
        (head != written).then_some(head)
    }

    /// Where the audit stands, if the commit after `head` is to say so: it moved, or it was long ago that one did.
    pub(super) fn due(&self, head: Revision) -> Option<AuditHead> {
        let long_ago = head.0.saturating_sub(self.written_at.load(Ordering::Relaxed)) >= REPEATED;
        self.moved().or_else(|| if long_ago { self.written.load().as_ref().map(|written| **written) } else { None })
    }

    /// The ledger says, at a revision, where the audit stands.
    pub(super) fn written(&self, head: AuditHead, revision: Revision) {
        self.written.store(Some(head.into()));
        self.written_at.store(revision.0, Ordering::Relaxed);
        // Whatever came since is seen at the next look.
        self.behind.store(0, Ordering::Relaxed);
    }

    /// For how long the ledger is known to have been behind the audit. Who looks for the first time since they differ begins
    /// to count.
    pub(super) fn look(&self, now: Timestamp) -> Duration {
        if self.moved().is_none() {
            self.behind.store(0, Ordering::Relaxed);
            return Duration::ZERO;
        }
        let now = now.as_microsecond();
        let since = match self.behind.compare_exchange(0, now, Ordering::Relaxed, Ordering::Relaxed) {
            Ok(_) => now,
            Err(since) => since,
        };
        Duration::from_micros(u64::try_from(now - since).unwrap_or(0))
    }
}

impl Writer {
    /// Writes down where the audit stands, if it moved and nothing was written for a while.
    pub(super) fn anchor(&mut self) {
        if self.anchored.elapsed() < self.pace.anchor {
            return;
        }
        self.anchored = Instant::now();
        if self.closed().is_some() || self.low.is_some() || self.anchoring.moved().is_none() {
            return;
        }
        let store = std::sync::Arc::clone(&self.store);
        let now = self.stamp();
        let mut group = Building::new(&*store, self.head.revision, self.state.next_subject(), now.as_microsecond());
        let mut touched = Touched::default();
        let body = Body::AuditAnchored(AuditAnchored {});
        let pushed = self.push(&mut group, &mut touched, &Caller::service(), &[], None, body);
        if let Err(fault) = pushed.and_then(|()| self.commit(group, touched, now)) {
            warn!(fault = %fault, "where the audit stands could not be written into the ledger");
        }
    }
}

impl Service {
    /// Has the head of an audit written into the ledger from now on. First compares the audit with what the ledger holds:
    /// an audit that was cut off or written anew is told, loudly, and served from all the same; `VerifyAudit` tells it until
    /// the process ends. Blocks. Once for each service.
    ///
    /// # Errors
    /// When the ledger or the audit cannot be read.
    pub fn anchor(&self, audit: &AuditLog) -> Result<(), AnchorError> {
        let head = audit.head();
        if let Some((held, revision)) = last(&*self.store)? {
            self.anchoring.written(held, revision);
            let newest = head.entries.saturating_sub(held.entries).saturating_add(1);
            match audit.verify(Some(newest), Some(held))?.fault {
                None => {}
                Some(fault) => {
                    error!(
                        audit.segment = fault.segment, audit.entries = head.entries,
                        audit.anchored_entries = held.entries, why = %fault.why,
                        "the audit is not the one that the ledger tells of: keep its directory as it is"
                    );
                    let _only_the_first_counts = self.anchoring.missing.set(held);
                }
            }
        }
        info!(audit.entries = head.entries, audit.head = %head.hex(), "the audit is open");
        let _only_the_first_counts = self.anchoring.log.set(audit.clone());
        Ok(())
    }

    /// Head of the audit that the ledger holds; `None`: none yet.
    pub fn audit_anchored(&self) -> Option<AuditHead> {
        self.anchoring.written.load().as_ref().map(|written| **written)
    }

    /// For how long the ledger is known to have been behind the audit.
    pub(super) fn audit_lag(&self) -> Duration {
        self.anchoring.look((self.now)())
    }

    /// The audit, once it is open.
    pub fn audit(&self) -> Option<&AuditLog> {
        self.anchoring.log.get()
    }

    /// Checks the audit, and that the head in the ledger is among what was checked: the one that was missing at the start,
    /// or else the newest. Blocks.
    ///
    /// # Errors
    /// When its files cannot be read.
    pub fn verify_audit(&self, audit: &AuditLog, newest: Option<u64>) -> Result<Report, AuditError> {
        let missing = self.anchoring.missing.get().copied();
        audit.verify(newest, missing.or_else(|| self.audit_anchored()))
    }

    /// The entry that a page of the audit begins with; `None`: the first page.
    ///
    /// # Errors
    /// Faults of the token.
    pub fn audit_page(&self, token: &str, caller: &Caller, arguments: &[u8; 32]) -> Result<Option<u64>, Fault> {
        Ok(self.paging.read_lasting_pair(token, caller, arguments)?.map(|(entry, _)| entry))
    }

    /// The token of the page of the audit that begins with an entry. It outlives a restart.
    pub fn audit_token(&self, entry: u64, caller: &Caller, arguments: &[u8; 32]) -> String {
        self.paging.lasting_pair_token((entry, 0), caller, arguments)
    }
}

/// Why the audit could not be compared with the ledger.
#[derive(Debug, thiserror::Error)]
pub enum AnchorError {
    /// The ledger cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The audit cannot be read.
    #[error(transparent)]
    Audit(#[from] AuditError),
}

/// The last head of the audit in the ledger, and where it stands.
fn last(store: &dyn Store) -> Result<Option<(AuditHead, Revision)>, StoreError> {
    let newest = store.head()?.revision.0;
    for revision in (newest.saturating_sub(SEARCHED) + 1..=newest).rev() {
        let held = store.event(Revision(revision))?.and_then(|event| event.audit_head);
        if let Some(held) = held
            && let Ok(hash) = held.hash.try_into()
        {
            return Ok(Some((AuditHead { entries: held.entries, hash }, Revision(revision))));
        }
    }
    Ok(None)
}
