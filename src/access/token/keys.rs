//! The public keys of an issuer, as a JSON Web Key Set gives them. Keys of kinds that
//! are not taken are passed over. A set that holds a private key, or two keys of one
//! name, is refused whole: whoever made it did not mean it.

use std::collections::BTreeMap;
use std::fmt;

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ED25519, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents,
};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::TokenFault;
use super::parts::Algorithm;

/// Most keys of a set.
const KEYS: usize = 64;

/// Why a key set cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeySetFault {
    /// It is none.
    #[error("is not a JSON Web Key Set")]
    Malformed,
    /// It holds more keys than any issuer has.
    #[error("holds more than {KEYS} keys")]
    TooMany,
    /// It holds a private or secret key.
    #[error("holds a private or secret key, in place {0}: publish the public keys alone, and replace that one")]
    Private(usize),
    /// Two keys have one name, or one without a name is not alone.
    #[error(
        "holds two keys that tokens could not tell apart: every `kid` is there once, and only a single key has none"
    )]
    Ambiguous,
    /// A key of a kind that is taken cannot be read.
    #[error("holds a key that cannot be read, in place {0}")]
    Key(usize),
    /// None is of a kind that is taken.
    #[error("holds no key for RS256 (2048 bits or more), ES256 or EdDSA")]
    Empty,
}

#[derive(Deserialize)]
struct Set {
    keys: Vec<Jwk>,
}

#[derive(Deserialize)]
struct Jwk {
    kty: String,
    kid: Option<String>,
    #[serde(rename = "use")]
    usage: Option<String>,
    alg: Option<String>,
    crv: Option<String>,
    n: Option<String>,
    e: Option<String>,
    x: Option<String>,
    y: Option<String>,
    d: Option<IgnoredAny>,
    k: Option<IgnoredAny>,
}

/// One public key, for one algorithm.
pub(super) enum PublicKey {
    /// RSA: modulus and exponent.
    Rs256(RsaPublicKeyComponents<Vec<u8>>),
    /// A point on P-256.
    Es256(Box<ParsedPublicKey>),
    /// A point on Curve25519.
    EdDsa(Box<ParsedPublicKey>),
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.algorithm().fmt(f)
    }
}

impl PublicKey {
    /// The one algorithm that it is for.
    pub(super) const fn algorithm(&self) -> Algorithm {
        match self {
            Self::Rs256(_) => Algorithm::Rs256,
            Self::Es256(_) => Algorithm::Es256,
            Self::EdDsa(_) => Algorithm::EdDsa,
        }
    }

    /// Whether the key signed this.
    pub(super) fn verify(&self, signed: &[u8], signature: &[u8]) -> Result<(), TokenFault> {
        let outcome = match self {
            Self::Rs256(key) => key.verify(&RSA_PKCS1_2048_8192_SHA256, signed, signature),
            Self::Es256(key) | Self::EdDsa(key) => key.verify_sig(signed, signature),
        };
        outcome.map_err(|_| TokenFault::Signature)
    }

    /// A key of the set. `None`: of a kind that is not taken, or not for signatures.
    fn read(jwk: &Jwk) -> Result<Option<Self>, ()> {
        if jwk.usage.as_deref().is_some_and(|usage| usage != "sig") {
            return Ok(None);
        }
        let algorithm = match (jwk.kty.as_str(), jwk.crv.as_deref()) {
            ("RSA", _) => Algorithm::Rs256,
            ("EC", Some("P-256")) => Algorithm::Es256,
            ("OKP", Some("Ed25519")) => Algorithm::EdDsa,
            _ => return Ok(None),
        };
        if jwk.alg.as_deref().is_some_and(|alg| Algorithm::named(alg) != Some(algorithm)) {
            return Ok(None);
        }
        Ok(match algorithm {
            Algorithm::Rs256 => {
                let (n, e) = (number(jwk.n.as_ref())?, number(jwk.e.as_ref())?);
                if !(256..=1024).contains(&n.len()) || e.len() > 4 {
                    return Ok(None);
                }
                Some(Self::Rs256(RsaPublicKeyComponents { n, e }))
            }
            Algorithm::Es256 => {
                let (x, y) = (bytes(jwk.x.as_ref())?, bytes(jwk.y.as_ref())?);
                if x.len() != 32 || y.len() != 32 {
                    return Err(());
                }
                let point = [&[4], x.as_slice(), y.as_slice()].concat();
                Some(Self::Es256(Box::new(ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).map_err(|_| ())?)))
            }
            Algorithm::EdDsa => {
                let x = bytes(jwk.x.as_ref())?;
                Some(Self::EdDsa(Box::new(ParsedPublicKey::new(&ED25519, x).map_err(|_| ())?)))
            }
        })
    }
}

fn bytes(text: Option<&String>) -> Result<Vec<u8>, ()> {
    URL_SAFE_NO_PAD.decode(text.ok_or(())?).map_err(|_| ())
}

/// A number without leading zeros, which some issuers write.
fn number(text: Option<&String>) -> Result<Vec<u8>, ()> {
    let bytes = bytes(text)?;
    let first = bytes.iter().position(|byte| *byte != 0).ok_or(())?;
    Ok(bytes[first..].to_vec())
}

/// The keys of an issuer.
#[derive(Debug)]
pub struct KeySet {
    named: BTreeMap<String, PublicKey>,
    only: Option<PublicKey>,
    digest: [u8; 32],
}

impl KeySet {
    /// Reads a key set.
    ///
    /// # Errors
    /// Why it cannot be used. One without any key that is taken can: with it no token is believed.
    pub fn read(text: &[u8]) -> Result<Self, KeySetFault> {
        let set: Set = serde_json::from_slice(text).map_err(|_| KeySetFault::Malformed)?;
        if set.keys.len() > KEYS {
            return Err(KeySetFault::TooMany);
        }
        let (mut named, mut unnamed) = (BTreeMap::new(), Vec::new());
        for (place, jwk) in set.keys.iter().enumerate() {
            if jwk.d.is_some() || jwk.k.is_some() {
                return Err(KeySetFault::Private(place));
            }
            let Some(key) = PublicKey::read(jwk).map_err(|()| KeySetFault::Key(place))? else { continue };
            match &jwk.kid {
                Some(kid) => {
                    if named.insert(kid.clone(), key).is_some() {
                        return Err(KeySetFault::Ambiguous);
                    }
                }
                None => unnamed.push(key),
            }
        }
        let only = unnamed.pop();
        if !unnamed.is_empty() || (only.is_some() && !named.is_empty()) {
            return Err(KeySetFault::Ambiguous);
        }
        Ok(Self { named, only, digest: *blake3::hash(text).as_bytes() })
    }

    /// Whether it has no key at all that is taken.
    pub fn is_empty(&self) -> bool {
        self.named.is_empty() && self.only.is_none()
    }

    /// The key of that name. A token that names none is tried with the only key there is, and with no other.
    pub(super) fn find(&self, kid: Option<&str>) -> Option<&PublicKey> {
        match (kid, &self.only) {
            (Some(kid), _) => self.named.get(kid),
            (None, Some(only)) => Some(only),
            (None, None) if self.named.len() == 1 => self.named.values().next(),
            (None, None) => None,
        }
    }

    /// Digest of the text of the set.
    pub(super) fn digest(&self) -> &[u8; 32] {
        &self.digest
    }
}
