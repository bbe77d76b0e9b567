//! An issuer for development: a small OpenID provider, on this machine alone, at which
//! nobody shows who they are. It lets anybody be anybody, so it listens on a loopback
//! address and refuses every other, and its key is gone when it ends. It speaks the
//! protocol as a force's own does, and no server ever sees anything else of it.

mod codes;
pub mod people;
mod ways;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use aws_lc_rs::signature::Ed25519KeyPair;
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tracing::warn;

use super::signer::Signer;
use codes::{CODE_LASTS, Code, Given};
use people::Person;

/// How long a refresh token is good.
const REFRESH_LASTS: Duration = Duration::from_hours(12);

/// What an issuer is for.
#[derive(Clone, Debug)]
pub struct For {
    /// The one client that may ask.
    pub client_id: String,
    /// The addresses to which it may be answered.
    pub redirects: Vec<String>,
    /// For whom access tokens are meant.
    pub audience: String,
    /// How long they are good.
    pub lasts: Duration,
    /// Whether they can be renewed.
    pub renews: bool,
}

/// An issuer for development.
#[derive(Clone)]
pub struct Issuer(Arc<Inner>);

struct Inner {
    address: String,
    given_for: For,
    signer: Signer,
    codes: Given<Code>,
    refresh: Given<&'static Person>,
}

impl Issuer {
    /// An issuer that will listen at an address of this machine.
    ///
    /// # Errors
    /// The address is not this machine's alone, or there is no key to be had.
    pub fn at(address: SocketAddr, given_for: For) -> anyhow::Result<Self> {
        if !address.ip().is_loopback() {
            bail!(
                "the issuer for development lets anybody be anybody: it listens on this machine alone, not at {address}"
            );
        }
        Ok(Self(Arc::new(Inner {
            address: format!("http://{address}"),
            given_for,
            signer: Signer::of(Ed25519KeyPair::generate().context("cannot make a key")?),
            codes: Given::lasting(CODE_LASTS),
            refresh: Given::lasting(REFRESH_LASTS),
        })))
    }

    /// Its address, which is its name.
    pub fn address(&self) -> &str {
        &self.0.address
    }

    /// Its public key, as a server reads it.
    pub fn keys(&self) -> String {
        self.0.signer.set()
    }

    /// A token of somebody, for whoever does not come with a browser.
    pub fn token(&self, person: &Person, lasts: Duration) -> String {
        self.access(person, lasts)
    }

    /// Serves until it is dropped.
    ///
    /// # Errors
    /// The listener is not where it was said to be, or fails.
    pub async fn serve(self, listener: TcpListener) -> anyhow::Result<()> {
        let address = listener.local_addr()?;
        if format!("http://{address}") != self.0.address {
            bail!("the issuer for development was to listen at {}", self.0.address);
        }
        warn!(issuer.address = %self.0.address, "an issuer for development serves: anybody on this machine can be anybody");
        Ok(axum::serve(listener, ways::router(self)).await?)
    }

    fn access(&self, person: &Person, lasts: Duration) -> String {
        let mut claims = person.claims();
        claims["aud"] = json!(self.0.given_for.audience);
        self.signed(claims, lasts)
    }

    fn id(&self, person: &Person, nonce: Option<&str>) -> String {
        let mut claims = json!({ "sub": person.name, "aud": self.0.given_for.client_id, "name": person.called });
        if let Some(nonce) = nonce {
            claims["nonce"] = json!(nonce);
        }
        self.signed(claims, self.0.given_for.lasts)
    }

    fn signed(&self, mut claims: Value, lasts: Duration) -> String {
        let now = Timestamp::now().as_second();
        claims["iss"] = json!(self.0.address);
        claims["iat"] = json!(now);
        claims["nbf"] = json!(now);
        claims["exp"] = json!(now.saturating_add_unsigned(lasts.as_secs()));
        // Two tokens of one second are two tokens.
        claims["jti"] = json!(uuid::Uuid::new_v4().to_string());
        self.0.signer.sign(&claims)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_elsewhere_reaches_an_issuer_at_which_anybody_is_anybody() {
        let given_for = || For {
            client_id: "c".to_owned(),
            redirects: Vec::new(),
            audience: "a".to_owned(),
            lasts: Duration::from_mins(1),
            renews: false,
        };
        for address in ["0.0.0.0:8090", "192.0.2.7:8090", "[::]:8090"] {
            assert!(Issuer::at(address.parse().unwrap(), given_for()).is_err(), "{address}");
        }
        let one = Issuer::at("127.0.0.1:8090".parse().unwrap(), given_for()).unwrap();
        let another = Issuer::at("[::1]:8090".parse().unwrap(), given_for()).unwrap();
        assert_ne!(one.keys(), another.keys());
    }
}
