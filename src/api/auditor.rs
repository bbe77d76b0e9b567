//! What a call came to, as entries of the audit. Who looked is written down
//! before what they looked at leaves; where it cannot be, nothing leaves.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use tonic::{Code, Status};
use tracing::error;

use super::error;
use crate::access::audit::{AuditCondition, AuditLog, Entry, EntryKind, Outcome as Ended, SubjectSet};
use crate::access::look::Notes;
use crate::access::table::{Does, Rule};
use crate::access::{Caller, Permission};
use crate::domain::SubjectId;
use crate::service::fault::Fault;

/// How long calls turned away for asking too much are counted before they are told together.
const TOLD_TOGETHER: Duration = Duration::from_secs(10);
/// Most identities of whom that is remembered.
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

/// Calls of one identity that were turned away since somebody was told.
struct Shed {
    since: Instant,
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

    /// The log.
    pub fn log(&self) -> Option<&AuditLog> {
        self.0.log.as_ref()
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
        let mut entries = Vec::with_capacity(1);
        let mut entry = self.entry(caller, rule, &notes);
        match outcome {
            Outcome::Allowed(subjects) => {
                entry.rows = subjects.len() as u64;
                entry.subjects = subjects.iter().chain(&notes.concerned).copied().collect();
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

    /// Records a message of a stream.
    ///
    /// # Errors
    /// It is not recorded, so nothing may leave.
    pub async fn message(
        &self,
        caller: &Caller,
        rule: &'static Rule,
        number: u64,
        subjects: &[SubjectId],
    ) -> Result<(), Status> {
        let Some(log) = &self.0.log else { return Ok(()) };
        let mut entry = self.entry(caller, rule, &caller.look.taken());
        entry.rows = subjects.len() as u64;
        entry.subjects = subjects.iter().copied().collect();
        entry.stream_message = number;
        let mut entries = vec![entry];
        if rule.does == Does::Writes {
            let notes = Notes { concerned: subjects.to_vec(), ..caller.look.taken() };
            entries.extend(self.combination(caller, rule, &notes));
        }
        record(log, caller, entries).await
    }

    /// Records that a call was turned away for asking too much: the first of an identity at once, the others that follow
    /// within some seconds together, so that a flood of them is not one of entries.
    ///
    /// # Errors
    /// It is not recorded.
    pub async fn turned_away(&self, caller: &Caller, rule: &'static Rule, code: Code) -> Result<(), Status> {
        {
            let mut shed = self.shed();
            if let Some(held) = shed.get_mut(&caller.actor) {
                held.more += 1;
                (held.caller, held.rule, held.code) = (caller.clone(), rule, code);
                return Ok(());
            }
            if shed.len() < REMEMBERED {
                let since = Instant::now();
                shed.insert(caller.actor.clone(), Shed { since, more: 0, caller: caller.clone(), rule, code });
            }
        }
        self.call(caller, rule, &Outcome::Refused(code)).await
    }

    /// Tells of those who were turned away a while ago. To be called now and then.
    pub async fn tend(&self) {
        let over: Vec<Shed> = {
            let mut shed = self.shed();
            let over = |held: &Shed| held.since.elapsed() >= TOLD_TOGETHER;
            shed.extract_if(|_, held| over(held)).map(|(_, held)| held).collect()
        };
        for held in over.into_iter().filter(|held| held.more > 0) {
            let Some(log) = &self.0.log else { return };
            let notes = held.caller.look.taken();
            let mut entry = self.entry(&held.caller, held.rule, &notes);
            entry.outcome = Ended::Refused;
            entry.code = held.code as u32;
            entry.reason = notes.reason.map_or(0, i32::from);
            entry.rows = held.more;
            // That it failed has been logged by the log itself; the next calls are told.
            let _ = record(log, &held.caller, vec![entry]).await;
        }
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
        if let Some(written) = notes.written {
            entry.revisions = (written.0, written.0);
        }
        entry
    }

    /// That what was written was merged with what was held into a score.
    fn combination(&self, caller: &Caller, rule: &Rule, notes: &Notes) -> Option<Entry> {
        (!notes.concerned.is_empty()).then(|| Entry {
            kind: EntryKind::Combination,
            subjects: notes.concerned.iter().copied().collect::<SubjectSet>(),
            policy_version: notes.policy.clone(),
            ..self.entry(caller, rule, notes)
        })
    }

    fn shed(&self) -> MutexGuard<'_, HashMap<Box<str>, Shed>> {
        // Whole after each step.
        self.0.shed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Records entries together.
async fn record(log: &AuditLog, caller: &Caller, entries: Vec<Entry>) -> Result<(), Status> {
    // Sent one behind the other, so they are written as one group or a few; the last is awaited with all before it.
    let mut waiting: Vec<_> = entries.into_iter().map(|entry| Box::pin(log.record(entry))).collect();
    for recorded in &mut waiting {
        if let Err(fault) = recorded.await {
            error!(fault = %fault, correlation_id = %caller.correlation_id, "an answer was held back: the audit was not written");
            return Err(error::status(&Fault::AuditUnavailable, &caller.correlation_id));
        }
    }
    Ok(())
}
