//! How the store stands, with its backups: what health, metrics and
//! `GetStoreStatus` tell. Nothing here is about a person.

use std::path::Path;

use jiff::Timestamp;

use super::Keeping;
use super::vault::Backup;
use crate::access::audit::{AuditCondition, AuditHead};
use crate::domain::Date;
use crate::service::Service;
use crate::service::board::Condition;
use crate::service::rescore::{self, runs::RunState};
use crate::store::{Head, Status};

/// How the store stands.
#[derive(Clone, Debug)]
pub struct Detail {
    /// When this was read.
    pub at: Timestamp,
    /// The end of the ledger, as read from the store. `None`: it cannot be read.
    pub head: Option<Head>,
    /// Mark of the store.
    pub mark: String,
    /// Why writes are not taken. `None`: they are.
    pub refusal: Option<String>,
    /// The store in figures.
    pub status: Status,
    /// Backups.
    pub backup: BackupDetail,
    /// Whether lists are weighed on a day older than allowed.
    pub stale: bool,
    /// The day on which they are. `None`: nobody is weighed yet.
    pub as_of: Option<Date>,
    /// The generation that they rest on; 0: none.
    pub generation: u64,
    /// The run that goes on.
    pub rescore_run: Option<String>,
    /// Why the newest run ended without publishing. `None`: it did not.
    pub rescore_problem: Option<String>,
    /// The audit. `None`: it is not open yet.
    pub audit: Option<AuditDetail>,
}

/// How the audit stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AuditDetail {
    /// Whether entries are taken.
    pub condition: AuditCondition,
    /// Where it ends on the disk itself.
    pub head: AuditHead,
    /// Entries up to the head that the ledger holds. 0: it holds none.
    pub anchored: u64,
}

/// How backups stand.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BackupDetail {
    /// The newest verified one.
    pub last: Option<Backup>,
    /// Whether one is being made.
    pub running: bool,
    /// How many failed since the start.
    pub failures: u64,
    /// Why the last one failed. `None`: it did not.
    pub problem: Option<String>,
}

impl Detail {
    /// Whether writes are taken.
    pub const fn writable(&self) -> bool {
        self.refusal.is_none()
    }

    /// Name of the folder that a recovery put the old files in.
    pub fn quarantine(&self) -> Option<String> {
        self.status.recovered.as_ref().map(|recovered| name(&recovered.quarantine))
    }
}

/// The last part of a path, such as may be told to others.
pub fn name(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

impl Service {
    /// How the store stands. Asks the file system: blocks.
    pub fn detail(&self, keeping: &Keeping) -> Detail {
        let condition = *self.board.conditions().borrow();
        let refusal = match condition {
            Condition::Open | Condition::Low => self.store.room().err().map(|short| short.to_string()),
            Condition::ReadOnly => {
                Some("a write found the disk full; writes are taken again once there is room".to_owned())
            }
            Condition::Stopped => Some("a write failed and the server stops; the log says why".to_owned()),
        };
        let (runs, standings) = (self.board.runs(), self.board.standings());
        let newest = runs.newest_first().first().map(|run| run.state.clone());
        Detail {
            at: (self.now)(),
            head: self.store.head().ok(),
            mark: self.mark.to_string(),
            refusal,
            status: self.store.status(),
            backup: keeping.detail(),
            stale: standings.as_ref().is_some_and(|standings| self.stale(standings.as_of())),
            as_of: standings.as_ref().map(|standings| standings.as_of()),
            generation: standings.as_ref().map_or(0, |standings| standings.meta().generation),
            rescore_run: runs.running().map(|run| rescore::text(&run.id)),
            rescore_problem: match newest {
                Some(RunState::Ended { reason, .. }) => Some(reason),
                Some(RunState::Running | RunState::Published(_)) | None => None,
            },
            audit: self.audit().map(|audit| AuditDetail {
                condition: audit.condition(),
                head: audit.head(),
                anchored: self.audit_anchored().map_or(0, |head| head.entries),
            }),
        }
    }

    /// Begins to keep this service's store backed up.
    ///
    /// # Errors
    /// The thread could not be started.
    pub fn keep(
        &self,
        vault: Option<Box<dyn super::Vault>>,
        settings: crate::config::Backup,
    ) -> std::io::Result<Keeping> {
        Keeping::start(std::sync::Arc::clone(&self.store), vault, settings, std::sync::Arc::clone(&self.now))
    }
}
