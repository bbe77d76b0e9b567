//! What a call came to, as entries of the audit. Who looked is written down
//! before what they looked at leaves; where it cannot be, nothing leaves.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use smallvec::SmallVec;
use tonic::{Code, Status};
use tracing::error;

use super::error;
use crate::access::audit::{AuditCondition, AuditLog, Entry, EntryKind, Outcome as Ended, SubjectSet};
use crate::access::look::{Notes, Written};
use crate::access::table::{Does, Rule};
use crate::access::{Caller, Permission};
use crate::domain::SubjectId;
use crate::service::fault::Fault;

/// How long calls that are turned away are counted before they are told together.
const TOLD_TOGETHER: Duration = Duration::from_secs(10);
/// Most identities and addresses of which that is remembered.
const REMEMBERED: usize = 4_096;

/// What became of a call.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// It was answered, with what it says of these people.
    Allowed(Arc<[SubjectId]>),
    /// Its caller may not make it, or may not see what it asks for.
    Refused(Code),
    /// It went wrong.
    Failed(Code),
}

/// Writes what calls came to into the audit.
#[derive(Clone)]
pub struct Auditor(Arc<Inner>);

struct Inner {
    /// `None`: a trial server on this machine alone, which keeps none.
    log: Option<AuditLog>,
    now: fn() -> Timestamp,
    shed: Mutex<HashMap<Box<str>, Shed>>,
}

/// Calls of one identity, or from one address, that were turned away since a moment.
struct Shed {
    since: Instant,
    /// Told one by one.
    told: u64,
    /// To be told together.
    more: u64,
    /// Who, and what the last of them was.
    caller: Caller,
    rule: &'static Rule,
    code: Code,
}

impl Auditor {
    /// Writes into a log.
    pub fn new(log: Option<AuditLog>) -> Self {
        Self(Arc::new(Inner { log, now: Timestamp::now, shed: Mutex::default() }))
    }

    /// Whether the audit takes entries: if not, nothing is begun that could not be recorded.
    ///
    /// # Errors
    /// [`Fault::AuditUnavailable`].
    pub fn ready(&self) -> Result<(), Fault> {
        match self.0.log.as_ref().map(AuditLog::condition) {
            // Whether a full disk has room again is found out by writing.
            None | Some(AuditCondition::Open | AuditCondition::Full) => Ok(()),
            Some(AuditCondition::Failed | AuditCondition::Stopped) => Err(Fault::AuditUnavailable),
        }
    }

    /// Records a call. Once this returns, it is on the disk itself.
    ///
    /// # Errors
    /// It is not, so nothing may leave.
    pub async fn call(&self, caller: &Caller, rule: &'static Rule, outcome: &Outcome) -> Result<(), Status> {
        let Some(log) = &self.0.log else { return Ok(()) };
        let notes = caller.look.taken();
        let mut entries: SmallVec<[Entry; 1]> = SmallVec::new();
        let mut entry = self.entry(caller, rule, &notes);
        match outcome {
            Outcome::Allowed(subjects) => {
                entry.rows = subjects.len() as u64;
                entry.subjects = subjects.iter().chain(&notes.written.concerned).copied().collect();
                let attempted = notes.attempted.iter().map(|subject| Entry {
                    outcome: Ended::Refused,
                    code: Code::PermissionDenied as u32,
                    attempted: Some(*subject),
                    ..self.entry(caller, rule, &notes)
                });
                entries.extend(attempted);
                entries.extend(self.combination(caller, rule, &notes));
            }
            Outcome::Refused(code) | Outcome::Failed(code) => {
                entry.outcome = if let Outcome::Refused(_) = outcome { Ended::Refused } else { Ended::Failed };
                entry.code = *code as u32;
                entry.reason = notes.reason.map_or(0, i32::from);
                entry.attempted = notes.attempted.first().copied();
            }
        }
        entries.push(entry);
        record(log, caller, entries).await
    }

    /// Records a message of a stream, which may acknowledge something written.
    ///
    /// # Errors
    /// It is not recorded, so nothing may leave.
    pub async fn message(
        &self,
        caller: &Caller,
        rule: &'static Rule,
        number: u64,
        subjects: &[SubjectId],
        written: Option<Written>,
    ) -> Result<(), Status> {
        let Some(log) = &self.0.log else { return Ok(()) };
        let notes = Notes { written: written.unwrap_or_default(), ..caller.look.taken() };
        let mut entry = self.entry(caller, rule, &notes);
        entry.rows = subjects.len() as u64;
        entry.subjects = subjects.iter().copied().collect();
        entry.stream_message = number;
        let combination = self.combination(caller, rule, &notes);
        record(log, caller, std::iter::once(entry).chain(combination)).await
    }

    /// Records that a call was turned away, of those that may come in a flood: the first few of an identity, or from an
    /// address, at once, the others that follow within some seconds together, so that a flood of them is not one of entries.
    ///
    /// # Errors
    /// It is not recorded.
    pub async fn turned_away(
        &self,
        (whose, few): (&str, u64),
        caller: &Caller,
        rule: &'static Rule,
        code: Code,
    ) -> Result<(), Status> {
        {
            let mut shed = self.shed();
            // Where too many are remembered, further ones count as one.
            let known = shed.len() < REMEMBERED || shed.contains_key(whose);
            let whose = if known { whose } else { "" };
            match shed.get_mut(whose) {
                Some(held) if held.told >= few => {
                    held.more += 1;
                    (held.caller, held.rule, held.code) = (caller.clone(), rule, code);
                    return Ok(());
                }
                Some(held) => held.told += 1,
                None => {
                    let since = Instant::now();
                    shed.insert(whose.into(), Shed { since, told: 1, more: 0, caller: caller.clone(), rule, code });
                }
            }
        }
        self.call(caller, rule, &Outcome::Refused(code)).await
    }

    /// Tells of those who were turned away a while ago. To be called now and then.
    pub async fn tend(&self) {
        self.tell(|held| held.since.elapsed() >= TOLD_TOGETHER).await;
    }

    /// Tells of everybody who was turned away. To be called once no call comes any more, before the log is stopped.
    pub async fn close(&self) {
        self.tell(|_| true).await;
    }

    async fn tell(&self, over: impl Fn(&Shed) -> bool) {
        let Some(log) = &self.0.log else { return };
        let over: Vec<Shed> = self.shed().extract_if(|_, held| over(held)).map(|(_, held)| held).collect();
        let entries = over.into_iter().filter(|held| held.more > 0).map(|held| {
            let notes = held.caller.look.taken();
            Entry {
                outcome: Ended::Refused,
                code: held.code as u32,
                reason: notes.reason.map_or(0, i32::from),
                rows: held.more,
                ..self.entry(&held.caller, held.rule, &notes)
            }
        });
        // All at once: whoever gives up waiting has lost none. That it failed has been logged by the log itself; the next
        // calls are told.
        let _ = log.record_all(entries).await;
    }

    /// An entry of a call about nobody yet.
    fn entry(&self, caller: &Caller, rule: &Rule, notes: &Notes) -> Entry {
        let kind = match (rule.does, rule.permission) {
            (
                _,
                Permission::MergeSubjects
                | Permission::RestrictSubjects
                | Permission::ExportSubjects
                | Permission::RecordDisclosures
                | Permission::EraseSubjects,
            ) => EntryKind::Lifecycle,
            (Does::Writes, _) => EntryKind::Write,
            (Does::Reads, _) => EntryKind::Access,
        };
        let mut entry = Entry::of(caller, kind, rule.rpc(), (self.0.now)());
        entry.list = notes.list.map_or(0, |list| list.proto().into());
        entry.filter.clone_from(&notes.filter);
        (entry.revision, entry.generation) =
            notes.read.map_or((0, 0), |(revision, generation)| (revision.0, generation));
        if let Some(written) = notes.written.revision {
            entry.revisions = (written.0, written.0);
        }
        entry
    }

    /// That what was written was merged with what was held into a score, where it was.
    fn combination(&self, caller: &Caller, rule: &Rule, notes: &Notes) -> Option<Entry> {
        let Written { concerned, policy: Some(policy), .. } = &notes.written else { return None };
        (!concerned.is_empty()).then(|| Entry {
            kind: EntryKind::Combination,
            subjects: concerned.iter().copied().collect::<SubjectSet>(),
            policy_version: policy.clone(),
            ..self.entry(caller, rule, notes)
        })
    }

    fn shed(&self) -> MutexGuard<'_, HashMap<Box<str>, Shed>> {
        // Whole after each step.
        self.0.shed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Records entries together.
async fn record(log: &AuditLog, caller: &Caller, entries: impl IntoIterator<Item = Entry>) -> Result<(), Status> {
    if let Err(fault) = log.record_all(entries).await {
        error!(fault = %fault, correlation_id = %caller.correlation_id, "an answer was held back: the audit was not written");
        return Err(error::status(&Fault::AuditUnavailable, &caller.correlation_id));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::audit::AuditLog;
    use crate::access::table;

    #[tokio::test]
    async fn a_flood_of_calls_that_are_turned_away_is_a_few_entries() {
        let log = AuditLog::in_passing().unwrap();
        let auditor = Auditor::new(Some(log.clone()));
        let rule = table::rule("/steelyard.v1.RankingService/ListStandings").unwrap();
        let caller = Caller::nobody();
        for _ in 0..500 {
            auditor.turned_away(("from 192.0.2.1", 3), &caller, rule, Code::Unauthenticated).await.unwrap();
        }
        assert_eq!(log.head().entries, 3, "told one by one");
        assert_eq!(auditor.shed()["from 192.0.2.1"].more, 497, "to be told together");
        auditor.turned_away(("from 192.0.2.2", 3), &caller, rule, Code::Unauthenticated).await.unwrap();
        assert_eq!(log.head().entries, 4, "another address has its own");
        for held in auditor.shed().values_mut() {
            held.since -= TOLD_TOGETHER;
        }
        auditor.tend().await;
        assert_eq!(log.head().entries, 5, "those of one address are told together, and of the other none are left");
        assert!(auditor.shed().is_empty());
        for _ in 0..5 {
            auditor.turned_away(("from 192.0.2.1", 3), &caller, rule, Code::Unauthenticated).await.unwrap();
        }
        auditor.tend().await;
        assert_eq!(log.head().entries, 8, "two are still to be told");
        auditor.close().await;
        assert_eq!(log.head().entries, 9, "nobody comes any more, so they are told");
        log.stop();
    }
}
