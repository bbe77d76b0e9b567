//! Who asks, what they may, and whom an answer says something about. Every use
//! case takes a [`Caller`] and says whom it disclosed. Nothing here reads a
//! record, and no rule of the field lives here.

pub mod audit;
pub mod authenticate;
pub mod certificate;
pub mod grant;
pub mod limit;
pub mod look;
pub mod reach;
mod renewal;
pub mod role;
pub mod scope;
pub mod table;
pub mod token;
pub mod transport;

use std::collections::BTreeSet;
use std::sync::{Arc, LazyLock};

use jiff::Timestamp;

use crate::domain::SubjectId;
use crate::telemetry::trace::CallTrace;
pub use look::Look;
pub use role::{Permission, Permissions, Role};
pub use scope::Scope;

/// Whom a token or a certificate speaks for, and what they may.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Who acts: the issuer's name for them. Never empty, printable, at most 128 characters.
    pub actor: Box<str>,
    /// Roles, in the order of the vocabulary, each once.
    pub roles: Box<[Role]>,
    /// What they may: of all their roles together, and what was granted by name.
    pub permissions: Permissions,
    /// Of whom they may see anything.
    pub scope: Scope,
}

impl Identity {
    /// An identity with the permissions of its roles and those granted by name.
    pub fn new(actor: &str, roles: &[Role], granted: Permissions, scope: Scope) -> Self {
        let mut roles = roles.to_vec();
        roles.sort_unstable();
        roles.dedup();
        let permissions = roles.iter().fold(granted, |all, role| all.union(role.permissions()));
        Self { actor: actor.into(), roles: roles.into(), permissions, scope }
    }

    /// The caller on the loopback address of a server without tokens: may everything, sees everybody.
    pub fn loopback() -> Arc<Self> {
        static LOOPBACK: LazyLock<Arc<Identity>> = LazyLock::new(|| Arc::new(Identity::whole("loopback")));
        Arc::clone(&LOOPBACK)
    }

    fn whole(actor: &str) -> Self {
        Self::new(actor, Role::ALL, Permissions::ALL, Scope::whole())
    }
}

/// The one who asks, and why.
#[derive(Clone, Debug)]
pub struct Caller {
    /// Who acts.
    pub actor: Box<str>,
    /// On whose behalf; empty: their own.
    pub on_behalf_of: Box<str>,
    /// Purpose code; empty: none given.
    pub purpose: Box<str>,
    /// Joins what is done with what is logged.
    pub correlation_id: Box<str>,
    /// What they may.
    pub identity: Arc<Identity>,
    /// When the token that says so is over; `None`: nothing ends by itself.
    pub until: Option<Timestamp>,
    /// What this call asked for.
    pub look: Arc<Look>,
    /// What is noted of this call, where it is traced.
    pub trace: Option<Arc<CallTrace>>,
}

impl Caller {
    /// A caller of an identity, with nothing said of the call yet.
    pub fn of(identity: Arc<Identity>) -> Self {
        Self {
            actor: identity.actor.clone(),
            on_behalf_of: "".into(),
            purpose: "".into(),
            correlation_id: "".into(),
            identity,
            until: None,
            look: Arc::default(),
            trace: None,
        }
    }

    /// Whether the time of the caller's token is over.
    pub fn is_over(&self, now: Timestamp) -> bool {
        self.until.is_some_and(|until| until <= now)
    }

    /// The caller on the loopback address.
    pub fn loopback() -> Self {
        Self::of(Identity::loopback())
    }

    /// Somebody who was not told who they are: may nothing.
    pub fn nobody() -> Self {
        static NOBODY: LazyLock<Arc<Identity>> = LazyLock::new(|| {
            Arc::new(Identity::new("", &[], Permissions::NONE, Scope::new(Some(BTreeSet::new()), None)))
        });
        Self::of(Arc::clone(&NOBODY))
    }

    /// The service itself, at start.
    pub fn service() -> Self {
        static SERVICE: LazyLock<Arc<Identity>> = LazyLock::new(|| Arc::new(Identity::whole("steelyard")));
        Self::of(Arc::clone(&SERVICE))
    }

    /// This caller with the id that joins one call's log lines and events.
    #[must_use]
    pub fn correlated(mut self, correlation_id: &str) -> Self {
        self.correlation_id = correlation_id.into();
        self
    }

    /// Who decides: the one on whose behalf the call is made, or else whoever makes it. Empty where callers are not told
    /// apart: then only what a request says of its officer tells two people apart.
    pub fn person(&self) -> &str {
        if !self.on_behalf_of.is_empty() {
            &self.on_behalf_of
        } else if *self.identity == *Identity::loopback() {
            ""
        } else {
            &self.actor
        }
    }

    /// Whether the caller may do something.
    pub fn may(&self, permission: Permission) -> bool {
        self.identity.permissions.hold(permission)
    }

    /// Of whom the caller may see anything.
    pub fn scope(&self) -> &Scope {
        &self.identity.scope
    }

    /// Digest of what this caller may see: part of every page token.
    pub fn scope_digest(&self) -> [u8; 32] {
        self.identity.scope.digest(self.may(Permission::SeeChildren), self.may(Permission::SeeSensitiveIntelligence))
    }
}

/// An answer, and the subjects about whom it says something.
#[derive(Debug)]
pub struct Disclosure<T> {
    /// The answer.
    pub answer: T,
    /// Subjects disclosed, in the order of the answer.
    pub subjects: Vec<SubjectId>,
}

impl<T> Disclosure<T> {
    /// An answer about nobody.
    pub const fn of_nobody(answer: T) -> Self {
        Self { answer, subjects: Vec::new() }
    }

    /// Another answer about the same subjects.
    pub fn map<U>(self, answer: impl FnOnce(T) -> U) -> Disclosure<U> {
        Disclosure { answer: answer(self.answer), subjects: self.subjects }
    }
}
