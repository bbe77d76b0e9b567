//! Who asks. Until callers are told apart, everyone on the loopback address is
//! one caller who may do everything; every use case takes a caller all the same,
//! and says whom it disclosed, so that nothing has to be rewritten when they are.

use std::sync::LazyLock;

use crate::domain::SubjectId;

/// The one who asks, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// Who acts.
    pub actor: Box<str>,
    /// On whose behalf; empty: their own.
    pub on_behalf_of: Box<str>,
    /// Purpose code; empty: none given.
    pub purpose: Box<str>,
    /// Joins what is done with what is logged.
    pub correlation_id: Box<str>,
}

impl Caller {
    /// The caller on the loopback address.
    pub fn loopback() -> Self {
        Self { actor: "loopback".into(), on_behalf_of: "".into(), purpose: "".into(), correlation_id: "".into() }
    }

    /// The service itself, at start.
    pub fn service() -> Self {
        Self { actor: "steelyard".into(), ..Self::loopback() }
    }

    /// This caller with the id that joins one call's log lines and events.
    #[must_use]
    pub fn correlated(mut self, correlation_id: &str) -> Self {
        self.correlation_id = correlation_id.into();
        self
    }

    /// Digest of what this caller may see: part of every page token.
    pub fn scope_digest(&self) -> [u8; 32] {
        // Everything: the loopback caller is not scoped.
        static WHOLE_FORCE: LazyLock<[u8; 32]> = LazyLock::new(|| *blake3::hash(b"scope: whole force").as_bytes());
        *WHOLE_FORCE
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
