//! That a run merged everybody's records into scores, for the audit: written
//! down before the run is published, or it is not published.

use hashbrown::HashSet;
use tracing::error;

use super::publish::Publication;
use super::text;
use crate::access::Caller;
use crate::access::audit::{AuditFault, Entry, EntryKind, SubjectSet};
use crate::domain::SubjectId;
use crate::service::Service;

/// Records it. Blocks.
///
/// # Errors
/// It could not be.
pub(super) fn record(service: &Service, publication: &Publication) -> Result<(), AuditFault> {
    let Some(audit) = service.audit() else { return Ok(()) };
    let standings = &publication.standings;
    let failed: HashSet<u32> = publication.failures.iter().map(|failure| failure.subject_id).collect();
    let everybody = (0..u32::try_from(standings.subjects()).unwrap_or(u32::MAX)).map(SubjectId);
    let weighed: SubjectSet = everybody.filter(|subject| !failed.contains(&subject.0)).collect();
    let caller = Caller::service().correlated(&text(&publication.run));
    let mut entry = Entry::of(&caller, EntryKind::Combination, "", service.now());
    entry.rows = weighed.len() as u64;
    entry.subjects = weighed;
    entry.revision = standings.revision().0;
    entry.revisions = (1, standings.revision().0);
    entry.policy_version = standings.rules().policy.version.as_str().into();
    audit.record_blocking(entry).map(drop).inspect_err(|fault| {
        error!(fault = %fault, "a run was not published: what it merged could not be written into the audit");
    })
}
