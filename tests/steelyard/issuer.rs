//! An issuer of tokens for tests: its keys, its tokens, and tokens as a thief or
//! a careless issuer would make them.

use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

/// The issuer as its tokens name it.
pub const ISSUER: &str = "https://issuer.test";
/// The service as its tokens name it.
pub const AUDIENCE: &str = "steelyard-test";

/// An issuer with one key.
pub struct Issuer {
    folder: tempfile::TempDir,
    key: Ed25519KeyPair,
}

impl Issuer {
    /// An issuer whose public key lies in a file.
    pub fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary directory");
        let key = Ed25519KeyPair::generate().expect("a key can be made");
        let public = URL_SAFE_NO_PAD.encode(key.public_key().as_ref());
        let keys = json!({ "keys": [
            { "kty": "OKP", "crv": "Ed25519", "kid": "test", "use": "sig", "alg": "EdDSA", "x": public },
        ] });
        let issuer = Self { folder, key };
        std::fs::write(issuer.keys(), keys.to_string()).expect("a key set can be written");
        issuer
    }

    /// The key set.
    pub fn keys(&self) -> PathBuf {
        self.folder.path().join("jwks.json")
    }

    /// Arguments of a server that believes it.
    pub fn arguments(&self) -> Vec<String> {
        let keys = self.keys().to_str().expect("a temporary path must be text").to_owned();
        ["--access-jwks-file", &keys, "--access-issuer", ISSUER, "--access-audience", AUDIENCE]
            .map(str::to_owned)
            .to_vec()
    }

    /// What a token claims unless a test says otherwise: a minute ago, for ten minutes.
    pub fn claims(actor: &str, roles: &[&str], areas: &[&str], more: &Value) -> Value {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs();
        let mut claims = json!({
            "iss": ISSUER, "aud": AUDIENCE, "sub": actor, "iat": now - 60, "nbf": now - 60, "exp": now + 600,
            "roles": roles, "areas": areas,
        });
        let stated = claims.as_object_mut().expect("claims are an object");
        for (name, value) in more.as_object().into_iter().flatten() {
            stated.insert(name.clone(), value.clone());
        }
        claims
    }

    /// A token of somebody.
    pub fn token(&self, actor: &str, roles: &[&str], areas: &[&str]) -> String {
        self.of(&Self::claims(actor, roles, areas, &json!({})))
    }

    /// A token of these claims.
    pub fn of(&self, claims: &Value) -> String {
        let (header, body) = (json!({ "alg": "EdDSA", "typ": "JWT", "kid": "test" }), claims);
        let signed = format!("{}.{}", part(&header), part(body));
        let signature = URL_SAFE_NO_PAD.encode(self.key.sign(signed.as_bytes()).as_ref());
        format!("{signed}.{signature}")
    }

    /// A token that says of itself that it needs no signature.
    pub fn unsigned(claims: &Value) -> String {
        format!("{}.{}.", part(&json!({ "alg": "none", "typ": "JWT", "kid": "test" })), part(claims))
    }
}

fn part(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}
