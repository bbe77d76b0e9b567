//! One entry: who did what, why, with what outcome, and about whom. By number
//! alone: no name and no reference of a person is ever in it, so that it can
//! outlive the erasure of everybody that it is about.

use jiff::Timestamp;
use prost::Message;

use super::subjects::SubjectSet;
use crate::access::Caller;
use crate::domain::SubjectId;
use crate::store::pb;

/// What an entry tells of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryKind {
    /// A read.
    Access,
    /// A write.
    Write,
    /// Records of several sources were merged into a score.
    Combination,
    /// A person's records were merged, restricted, exported, disclosed outside or erased.
    Lifecycle,
}

/// How it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Answered.
    Allowed,
    /// Turned away for want of identity, permission or scope.
    Refused,
    /// Allowed, and not answered for another reason.
    Failed,
}

/// What the caller might see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeenScope {
    /// Digest of it, as in page tokens.
    pub digest: [u8; 32],
    /// Areas; `None`: the whole force.
    pub areas: Option<Vec<Box<str>>>,
    /// Numbers of `steelyard.v1.List`; `None`: every list.
    pub lists: Option<Vec<i32>>,
}

/// One entry of the audit log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// When it was decided what to answer, microseconds since 1970.
    pub micros: i64,
    /// What it tells of.
    pub kind: EntryKind,
    /// How it ended.
    pub outcome: Outcome,
    /// Who acted.
    pub actor: Box<str>,
    /// Numbers of the roles held, in order.
    pub roles: Vec<u8>,
    /// On whose behalf; empty: the actor's own.
    pub on_behalf_of: Box<str>,
    /// Purpose code; empty: none given.
    pub purpose: Box<str>,
    /// Full name of the method; empty: none was called.
    pub rpc: Box<str>,
    /// gRPC status code answered. 0: OK.
    pub code: u32,
    /// Number of `steelyard.v1.ErrorReason`. 0: none.
    pub reason: i32,
    /// Number of `steelyard.v1.List`. 0: no single list.
    pub list: i32,
    /// The typed filter, encoded. No free text, and never a reference of a person.
    pub filter: Vec<u8>,
    /// Revision of the snapshot disclosed from. 0: none.
    pub revision: u64,
    /// Generation disclosed from. 0: none.
    pub generation: u64,
    /// What the caller might see; `None`: not known, as before authentication.
    pub scope: Option<SeenScope>,
    /// Rows or messages disclosed.
    pub rows: u64,
    /// People disclosed.
    pub subjects: SubjectSet,
    /// Known person whose look-up was refused.
    pub attempted: Option<SubjectId>,
    /// Joins the entry with logs and events.
    pub correlation_id: Box<str>,
    /// Number of the message in a stream, from 1. 0: not a stream.
    pub stream_message: u64,
    /// First and last revision of what was written or merged; zeros: nothing.
    pub revisions: (u64, u64),
    /// Policy under which records were merged; empty: none were.
    pub policy_version: Box<str>,
}

/// Why an entry cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadEntry {
    /// It is not a message of this layout.
    #[error("is not laid out as an entry is")]
    Layout,
    /// Something in it is not a word of this version.
    #[error("its {0} is none that this version knows")]
    Word(&'static str),
    /// Its subjects are not a set.
    #[error("its set of subjects is not one")]
    Subjects,
}

impl Entry {
    /// An entry about nobody yet, allowed, of what a caller did at a moment.
    pub fn of(caller: &Caller, kind: EntryKind, rpc: &str, now: Timestamp) -> Self {
        let scope = caller.scope();
        Self {
            micros: now.as_microsecond(),
            kind,
            outcome: Outcome::Allowed,
            actor: caller.actor.clone(),
            roles: caller.identity.roles.iter().map(|role| *role as u8).collect(),
            on_behalf_of: caller.on_behalf_of.clone(),
            purpose: caller.purpose.clone(),
            rpc: rpc.into(),
            code: 0,
            reason: 0,
            list: 0,
            filter: Vec::new(),
            revision: 0,
            generation: 0,
            scope: Some(SeenScope {
                digest: caller.scope_digest(),
                areas: scope.areas().map(|areas| areas.iter().cloned().collect()),
                lists: scope.lists().map(|lists| lists.iter().map(|list| list.proto().into()).collect()),
            }),
            rows: 0,
            subjects: SubjectSet::default(),
            attempted: None,
            correlation_id: caller.correlation_id.clone(),
            stream_message: 0,
            revisions: (0, 0),
            policy_version: "".into(),
        }
    }

    /// Whether the entry says of somebody that they were seen, or that somebody tried to.
    pub fn concerns(&self, subject: SubjectId) -> bool {
        self.attempted == Some(subject) || self.subjects.contains(subject)
    }

    /// Its bytes.
    pub fn encode(self) -> Vec<u8> {
        let kind = match self.kind {
            EntryKind::Access => pb::AuditKind::Access,
            EntryKind::Write => pb::AuditKind::Write,
            EntryKind::Combination => pb::AuditKind::Combination,
            EntryKind::Lifecycle => pb::AuditKind::Lifecycle,
        };
        let outcome = match self.outcome {
            Outcome::Allowed => pb::AuditOutcome::Allowed,
            Outcome::Refused => pb::AuditOutcome::Refused,
            Outcome::Failed => pb::AuditOutcome::Failed,
        };
        pb::AuditEntry {
            instant_micros: self.micros,
            kind: kind.into(),
            outcome: outcome.into(),
            actor: self.actor.into(),
            roles: self.roles.into_iter().map(u32::from).collect(),
            on_behalf_of: self.on_behalf_of.into(),
            purpose: self.purpose.into(),
            rpc: self.rpc.into(),
            code: self.code,
            reason: self.reason,
            list: self.list,
            filter: self.filter,
            revision: self.revision,
            generation: self.generation,
            scope: self.scope.map(|scope| pb::AuditScope {
                digest: scope.digest.to_vec(),
                by_area: scope.areas.is_some(),
                areas: scope.areas.into_iter().flatten().map(String::from).collect(),
                by_list: scope.lists.is_some(),
                lists: scope.lists.unwrap_or_default(),
            }),
            rows: self.rows,
            subjects: self.subjects.encode(),
            attempted: self.attempted.map(|subject| subject.0),
            correlation_id: self.correlation_id.into(),
            stream_message: self.stream_message,
            first_revision: self.revisions.0,
            last_revision: self.revisions.1,
            policy_version: self.policy_version.into(),
        }
        .encode_to_vec()
    }

    /// The entry that bytes hold.
    ///
    /// # Errors
    /// The first thing wrong with them.
    pub fn decode(bytes: &[u8]) -> Result<Self, BadEntry> {
        let kept = pb::AuditEntry::decode(bytes).map_err(|_| BadEntry::Layout)?;
        let kind = match kept.kind() {
            pb::AuditKind::Access => EntryKind::Access,
            pb::AuditKind::Write => EntryKind::Write,
            pb::AuditKind::Combination => EntryKind::Combination,
            pb::AuditKind::Lifecycle => EntryKind::Lifecycle,
            pb::AuditKind::Unspecified => return Err(BadEntry::Word("kind")),
        };
        let outcome = match kept.outcome() {
            pb::AuditOutcome::Allowed => Outcome::Allowed,
            pb::AuditOutcome::Refused => Outcome::Refused,
            pb::AuditOutcome::Failed => Outcome::Failed,
            pb::AuditOutcome::Unspecified => return Err(BadEntry::Word("outcome")),
        };
        let scope = match kept.scope {
            None => None,
            Some(scope) => Some(SeenScope {
                digest: scope.digest.try_into().map_err(|_| BadEntry::Layout)?,
                areas: scope.by_area.then(|| scope.areas.into_iter().map(String::into_boxed_str).collect()),
                lists: scope.by_list.then_some(scope.lists),
            }),
        };
        let roles = kept.roles.iter().map(|role| u8::try_from(*role).map_err(|_| BadEntry::Word("role")));
        Ok(Self {
            micros: kept.instant_micros,
            kind,
            outcome,
            actor: kept.actor.into(),
            roles: roles.collect::<Result<_, _>>()?,
            on_behalf_of: kept.on_behalf_of.into(),
            purpose: kept.purpose.into(),
            rpc: kept.rpc.into(),
            code: kept.code,
            reason: kept.reason,
            list: kept.list,
            filter: kept.filter,
            revision: kept.revision,
            generation: kept.generation,
            scope,
            rows: kept.rows,
            subjects: SubjectSet::decode(&kept.subjects).map_err(|_| BadEntry::Subjects)?,
            attempted: kept.attempted.map(SubjectId),
            correlation_id: kept.correlation_id.into(),
            stream_message: kept.stream_message,
            revisions: (kept.first_revision, kept.last_revision),
            policy_version: kept.policy_version.into(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_comes_back_as_it_was() {
        let now = "2026-03-31T11:00:00Z".parse().unwrap();
        let mut entry = Entry::of(&Caller::loopback().correlated("c-1"), EntryKind::Combination, "a.B/C", now);
        entry.subjects = [SubjectId(7), SubjectId(3)].into_iter().collect();
        entry.attempted = Some(SubjectId(0));
        entry.revisions = (4, 9);
        entry.filter = vec![1, 2];
        entry.scope = Some(SeenScope { digest: [5; 32], areas: Some(Vec::new()), lists: Some(vec![4]) });
        assert!(entry.concerns(SubjectId(0)) && entry.concerns(SubjectId(7)) && !entry.concerns(SubjectId(4)));
        assert_eq!(Entry::decode(&entry.clone().encode()), Ok(entry));
    }

    #[test]
    fn an_entry_without_kind_or_outcome_is_refused() {
        assert_eq!(Entry::decode(&[]), Err(BadEntry::Word("kind")));
        let bare = pb::AuditEntry { kind: pb::AuditKind::Write.into(), ..pb::AuditEntry::default() };
        assert_eq!(Entry::decode(&bare.encode_to_vec()), Err(BadEntry::Word("outcome")));
    }
}
