//! A token taken apart: three parts in base64url with two dots between. Of what
//! nobody has vouched for yet only the algorithm and the name of the key are looked
//! at; whatever else a header may say, such as where to fetch a key, is never
//! followed.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::TokenFault;

/// Most bytes of a token: the most that servers and balancers commonly take as one header.
pub const MOST_BYTES: usize = 8 << 10;

/// Most characters of a key's name.
const KEY_NAME: usize = 256;

/// A way to sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// RSA, 2,048 to 8,192 bits, PKCS#1 padding, SHA-256.
    Rs256,
    /// ECDSA on P-256 with SHA-256.
    Es256,
    /// Ed25519.
    EdDsa,
}

impl Algorithm {
    /// The algorithm by its name in tokens and key sets. Nothing symmetric, and not `none`.
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "RS256" => Some(Self::Rs256),
            "ES256" => Some(Self::Es256),
            "EdDSA" => Some(Self::EdDsa),
            _ => None,
        }
    }
}

/// What a token says of how it is signed.
#[derive(Debug, Deserialize)]
pub(super) struct Header {
    alg: String,
    pub(super) kid: Option<String>,
    typ: Option<String>,
    #[serde(default)]
    crit: Option<IgnoredAny>,
}

impl Header {
    /// The algorithm, where it is one that is taken.
    pub(super) fn algorithm(&self) -> Result<Algorithm, TokenFault> {
        Algorithm::named(&self.alg).ok_or(TokenFault::Algorithm)
    }
}

/// The parts of a token.
pub(super) struct Parts<'a> {
    header: &'a str,
    payload: &'a str,
    /// What is signed: header and payload as sent.
    pub(super) signed: &'a [u8],
    /// The signature.
    pub(super) signature: Vec<u8>,
}

impl<'a> Parts<'a> {
    pub(super) fn split(token: &'a str) -> Result<Self, TokenFault> {
        if token.len() > MOST_BYTES {
            return Err(TokenFault::TooLong);
        }
        let shape = TokenFault::Malformed("it has three parts with two dots between");
        let (signed, signature) = token.rsplit_once('.').ok_or_else(|| shape.clone())?;
        let (header, payload) = signed.split_once('.').ok_or_else(|| shape.clone())?;
        if payload.contains('.') || header.is_empty() || payload.is_empty() {
            return Err(shape);
        }
        Ok(Self { header, payload, signed: signed.as_bytes(), signature: decoded(signature)? })
    }

    /// The header, which nobody has vouched for yet.
    pub(super) fn header(&self) -> Result<Header, TokenFault> {
        let header: Header = serde_json::from_slice(&decoded(self.header)?)
            .map_err(|_| TokenFault::Malformed("its header is a JSON object with `alg`, and names nothing twice"))?;
        if header.crit.is_some() {
            return Err(TokenFault::Malformed("its header asks for extensions (`crit`), and none is known"));
        }
        if header.kid.as_ref().is_some_and(|kid| kid.len() > KEY_NAME) {
            return Err(TokenFault::Malformed("the name of its key (`kid`) has at most 256 characters"));
        }
        let typed = header.typ.as_deref().unwrap_or("JWT");
        let typed =
            typed.get(..12).filter(|start| start.eq_ignore_ascii_case("application/")).map_or(typed, |_| &typed[12..]);
        if !(typed.eq_ignore_ascii_case("JWT") || typed.eq_ignore_ascii_case("at+jwt")) {
            return Err(TokenFault::Malformed("its type (`typ`) is JWT or at+jwt"));
        }
        Ok(header)
    }

    /// The claims as text. Only for a token whose signature is right.
    pub(super) fn payload(&self) -> Result<Vec<u8>, TokenFault> {
        decoded(self.payload)
    }
}

fn decoded(part: &str) -> Result<Vec<u8>, TokenFault> {
    URL_SAFE_NO_PAD.decode(part).map_err(|_| TokenFault::Malformed("its parts are base64url without padding"))
}
