//! Why signing in does not come about: at the start, and for somebody who tries.

use std::io;
use std::path::PathBuf;

use http::StatusCode;

use super::provider::ProviderFault;
use crate::access::reach::AuthorityFault;
use crate::access::token::TokenFault;
use crate::guarded;

/// Why nobody could sign in: the server does not start.
#[derive(Debug, thiserror::Error)]
pub enum SigningInFault {
    /// The secret cannot be read.
    #[error("signin.client_secret_file: {} cannot be read: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Others can read it.
    #[error("signin.client_secret_file: {} may be read by others (mode {mode:o}): {}", path.display(), guarded::WANTED)]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// It holds no secret.
    #[error("signin.client_secret_file: {} holds no secret: one line of visible ASCII", path.display())]
    NoSecret {
        /// The file.
        path: PathBuf,
    },
    /// The issuer's authority cannot be used.
    #[error("signin.issuer_ca: {0}")]
    Authority(#[from] AuthorityFault),
}

/// Why somebody is not signed in.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unsigned {
    /// It was not begun here, or too long ago.
    #[error("this signing in was not begun in this browser, or more than ten minutes ago")]
    NotBegun,
    /// It has been finished already.
    #[error("this signing in has been finished already, and cannot be finished twice")]
    Replayed,
    /// The answer is none that an issuer gives.
    #[error("this is no answer of an issuer: {0}")]
    Malformed(&'static str),
    /// The issuer refuses, does not answer, or answers what it may not.
    #[error("{0}")]
    Provider(#[from] ProviderFault),
    /// What it gave is not believed.
    #[error("the issuer gave a token that is not believed here: {0}")]
    Token(#[from] TokenFault),
    /// There are as many sessions as there may be.
    #[error("as many people are signed in as may be")]
    Full,
    /// The session is over.
    #[error("the session is over")]
    Over,
    /// The name under which the server was asked cannot be read.
    #[error("the server was asked under a name that cannot be read")]
    NoName,
}

impl Unsigned {
    /// The status of the answer.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::NotBegun | Self::Replayed | Self::Malformed(_) | Self::NoName => StatusCode::BAD_REQUEST,
            Self::Provider(fault) => match fault {
                ProviderFault::Unreachable | ProviderFault::Busy => StatusCode::SERVICE_UNAVAILABLE,
                ProviderFault::Wrong(_) => StatusCode::BAD_GATEWAY,
                ProviderFault::Refused(_) => StatusCode::FORBIDDEN,
            },
            Self::Token(_) => StatusCode::FORBIDDEN,
            Self::Full => StatusCode::SERVICE_UNAVAILABLE,
            Self::Over => StatusCode::UNAUTHORIZED,
        }
    }

    /// The reason, in UPPER_SNAKE.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::NotBegun => "SIGN_IN_NOT_BEGUN",
            Self::Replayed => "SIGN_IN_REPLAYED",
            Self::Malformed(_) | Self::NoName => "SIGN_IN_MALFORMED",
            Self::Provider(fault) => match fault {
                ProviderFault::Unreachable => "ISSUER_UNAVAILABLE",
                ProviderFault::Busy => "OVERLOADED",
                ProviderFault::Wrong(_) => "ISSUER_WRONG",
                ProviderFault::Refused(_) => "ISSUER_REFUSED",
            },
            Self::Token(_) => "TOKEN_NOT_BELIEVED",
            Self::Full => "TOO_MANY_SESSIONS",
            Self::Over => "SESSION_OVER",
        }
    }

    /// Whether it is worth trying again as it is.
    pub fn passes(&self) -> bool {
        matches!(
            self,
            Self::Full
                | Self::Provider(ProviderFault::Unreachable | ProviderFault::Busy)
                | Self::NotBegun
                | Self::Replayed
        )
    }
}
