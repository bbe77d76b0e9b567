//! Tokens: who signed them, for whom, until when, and what they grant. Only what a
//! key of the issuer signed is read as anything. Three algorithms are known, and
//! which one a key is for is said by the key and never by the token. No token is
//! ever logged or told.

mod claims;
#[cfg(test)]
pub(crate) mod fixture;
mod keys;
mod parts;
mod remembered;
mod source;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use jiff::Timestamp;

use super::Identity;
use crate::config::Tokens;
pub use keys::{KeySet, KeySetFault};
pub use parts::{Algorithm, MOST_BYTES};
use remembered::Remembered;
use source::Keys;
pub use source::KeysFault;

/// Why a token is not believed. Told to whoever sent it: none of these quotes the token.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenFault {
    /// It is longer than any token that is taken.
    #[error("the token is longer than {MOST_BYTES} bytes")]
    TooLong,
    /// It is not a signed JSON Web Token.
    #[error("the token is not a signed JSON Web Token: {0}")]
    Malformed(&'static str),
    /// Its algorithm is not taken, or is not that of the key it names.
    #[error("the token's algorithm is not taken: RS256, ES256 and EdDSA are, each with keys of its own kind")]
    Algorithm,
    /// The issuer has no such key.
    #[error(
        "the token is signed with a key that is not known; if the issuer has only just begun to use it, try again in ten seconds"
    )]
    UnknownKey,
    /// The issuer's keys could not be read for longer than is allowed.
    #[error("the issuer's keys could not be read for too long, so that no token is believed")]
    KeysTooOld,
    /// The signature is not the key's.
    #[error("the token's signature is not that of its key")]
    Signature,
    /// It has run out.
    #[error("the token has expired")]
    Expired,
    /// It is not yet in force.
    #[error("the token is not valid yet")]
    NotYetValid,
    /// Somebody else issued it.
    #[error("the token is of another issuer than this service believes")]
    Issuer,
    /// It is meant for somebody else.
    #[error("the token is meant for another service")]
    Audience,
    /// A claim is missing.
    #[error("the token lacks the claim {0}")]
    Missing(&'static str),
    /// Claims say what they cannot: everything wrong with them.
    #[error("the token's claims are wrong: {0}")]
    Claims(String),
}

/// A token that is believed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// Whom it speaks for.
    pub identity: Arc<Identity>,
    /// SHA-256 of the one certificate with which it may be used. `None`: with any, and with none.
    pub bound_to: Option<[u8; 32]>,
    /// Until when it is believed, with the time that clocks may be apart.
    pub until: Timestamp,
}

/// What an ID token answers: one signing in.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// The issuer, as its description of itself names it.
    pub issuer: &'a str,
    /// Who asked: the id of this service at the issuer.
    pub client: &'a str,
    /// What was sent along, once.
    pub nonce: &'a str,
}

/// Tells which tokens are believed.
#[derive(Debug)]
pub struct Verifier {
    tokens: Tokens,
    keys: Keys,
    remembered: Remembered,
}

impl Verifier {
    /// Reads the keys, and keeps reading them. May wait for another machine: not for a thread that serves calls.
    ///
    /// # Errors
    /// The keys cannot be read, or none of them can be used.
    pub fn open(tokens: &Tokens, now: Timestamp) -> Result<Self, KeysFault> {
        let keys = Keys::open(tokens, now)?;
        Ok(Self { remembered: Remembered::of(tokens.remembered), tokens: tokens.clone(), keys })
    }

    /// Whom a token speaks for, whatever certificate it is bound to.
    ///
    /// # Errors
    /// Why it is not believed.
    pub fn verify(&self, token: &str, now: Timestamp) -> Result<Arc<Identity>, TokenFault> {
        self.read(token, now).map(|verified| verified.identity)
    }

    /// What a token says. Never waits: an unknown key is asked for behind, and the token refused meanwhile.
    ///
    /// # Errors
    /// Why it is not believed.
    pub fn read(&self, token: &str, now: Timestamp) -> Result<Verified, TokenFault> {
        if token.len() > MOST_BYTES {
            return Err(TokenFault::TooLong);
        }
        let set = self.keys.current();
        if self.keys.are_too_old(now) {
            return Err(TokenFault::KeysTooOld);
        }
        let digest = *blake3::hash(token.as_bytes()).as_bytes();
        if let Some(verified) = self.remembered.find(&digest, set.digest(), now) {
            return verified;
        }
        let payload = self.payload(&set, token, now)?;
        let verified = claims::Claims::read(&payload)?.judge(&self.tokens, now)?;
        self.remembered.keep(digest, *set.digest(), &verified, now);
        Ok(verified)
    }

    /// What whoever signed in is called, if an ID token of the issuer answers what was asked. It lets nobody in by itself:
    /// it may be meant for a client alone, and then grants nothing here.
    ///
    /// # Errors
    /// Why it is not believed.
    pub fn answers(&self, token: &str, asked: &Asked<'_>, now: Timestamp) -> Result<Option<String>, TokenFault> {
        if self.keys.are_too_old(now) {
            return Err(TokenFault::KeysTooOld);
        }
        let payload = self.payload(&self.keys.current(), token, now)?;
        claims::IdClaims::read(&payload)?.judge(asked, &self.tokens, now)
    }

    /// What a key of the issuer signed.
    fn payload(&self, set: &KeySet, token: &str, now: Timestamp) -> Result<Vec<u8>, TokenFault> {
        let parts = parts::Parts::split(token)?;
        let header = parts.header()?;
        let algorithm = header.algorithm()?;
        let Some(key) = set.find(header.kid.as_deref()) else {
            self.keys.ask(now);
            return Err(TokenFault::UnknownKey);
        };
        if key.algorithm() != algorithm {
            return Err(TokenFault::Algorithm);
        }
        key.verify(parts.signed, &parts.signature)?;
        parts.payload()
    }
}
