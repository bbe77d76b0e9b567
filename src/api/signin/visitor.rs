//! Who looks at the page that is being made: known to whatever makes a page without
//! being handed through every part of it. It decides nothing; the gate does.

use std::future::Future;
use std::sync::Arc;

use jiff::Timestamp;

use crate::access::Identity;

tokio::task_local! {
    static VISITOR: Visitor;
}

/// Who looks at a page.
#[derive(Clone, Debug)]
pub struct Visitor {
    /// Path and query of what was asked for, where it can be asked for again.
    pub address: String,
    /// How they are known.
    pub standing: Standing,
}

/// How a visitor is known.
#[derive(Clone, Debug)]
pub enum Standing {
    /// By nothing that a browser remembers.
    Stranger,
    /// By a token of the request itself.
    Bearer,
    /// By a session.
    SignedIn(SignedIn),
}

/// Somebody who signed in.
#[derive(Clone, Debug)]
pub struct SignedIn {
    /// What they are called, for them to see: the issuer's word, or their identity's name.
    pub called: Arc<str>,
    /// As whom.
    pub identity: Arc<Identity>,
    /// Until when at most.
    pub until: Timestamp,
}

/// Whoever looks at the page that is being made. `None`: nobody signs in here.
pub fn visitor() -> Option<Visitor> {
    VISITOR.try_with(Clone::clone).ok()
}

/// Makes what is made for a visitor.
pub async fn for_visitor<T>(visitor: Visitor, making: impl Future<Output = T>) -> T {
    VISITOR.scope(visitor, making).await
}
