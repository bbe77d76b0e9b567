//! A key with which tokens for development are signed: one Ed25519 pair, and the set
//! in which a server finds its public half.

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

/// What signs tokens.
pub struct Signer(Ed25519KeyPair);

impl Signer {
    /// Signs with a key.
    pub const fn of(pair: Ed25519KeyPair) -> Self {
        Self(pair)
    }

    /// The name of the key: digits of its digest.
    pub fn kid(&self) -> String {
        blake3::hash(self.0.public_key().as_ref()).to_hex()[..16].to_owned()
    }

    /// The set with the public key.
    pub fn set(&self) -> String {
        let public = URL_SAFE_NO_PAD.encode(self.0.public_key());
        let key = json!({
            "kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA", "kid": self.kid(), "x": public,
        });
        format!("{}\n", json!({ "keys": [key] }))
    }

    /// A token of these claims.
    pub fn sign(&self, claims: &Value) -> String {
        let header = json!({ "alg": "EdDSA", "typ": "JWT", "kid": self.kid() });
        let signed = [header.to_string(), claims.to_string()].map(|part| URL_SAFE_NO_PAD.encode(part)).join(".");
        let signature = URL_SAFE_NO_PAD.encode(self.0.sign(signed.as_bytes()));
        format!("{signed}.{signature}")
    }
}
