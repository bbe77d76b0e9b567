//! Signing in to the demonstration: an issuer for development beside the server, the
//! settings with which the server believes it, and a token for the commands that run
//! without a browser.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;
use tokio::net::TcpListener;

use crate::cli::issuer::people::Person;
use crate::cli::issuer::{For, Issuer};
use crate::cli::{serve, token};
use crate::config::{Access, Bearer, Frames, KeySource, Settings, SignIn, Tokens};

/// The server as the issuer knows it.
const CLIENT: &str = "steelyard-demo";
/// How long a token of somebody who signed in is good; then it is renewed.
const LASTS: Duration = Duration::from_mins(5);
/// How long the token of commands is good: a day of showing.
const SHOWN: Duration = Duration::from_hours(12);

/// An issuer, and what it gave.
pub struct Signing {
    /// The issuer.
    pub issuer: Issuer,
    /// File with a token that may everything.
    pub token: PathBuf,
    keys: PathBuf,
}

impl Signing {
    /// An issuer whose keys lie in a directory, for the server whose pages are at an address; and where it will listen.
    ///
    /// # Errors
    /// There is no port for it, or the directory cannot be written.
    pub async fn begin(directory: &Path, pages: SocketAddr) -> anyhow::Result<(Self, TcpListener)> {
        let listener = serve::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await?;
        let back = |host: &str| format!("http://{host}:{}/sign-in/callback", pages.port());
        let issuer = Issuer::at(
            listener.local_addr()?,
            For {
                client_id: CLIENT.to_owned(),
                redirects: vec![back("127.0.0.1"), back("localhost")],
                audience: token::AUDIENCE.to_owned(),
                lasts: LASTS,
                renews: true,
            },
        )?;
        let (keys, token) = (directory.join("issuer-jwks.json"), directory.join("token"));
        std::fs::write(&keys, issuer.keys()).context("cannot write the keys of the issuer")?;
        let everything = Person::named("DEMO-FORCE").expect("the demonstration must have somebody who may everything");
        token::private_file(&token, issuer.token(everything, SHOWN).as_bytes()).context("cannot write a token")?;
        Ok((Self { issuer, token, keys }, listener))
    }

    /// Settings with which a server believes the issuer and has people sign in there.
    pub fn settle(&self, settings: Settings) -> Settings {
        let tokens = Tokens {
            keys: KeySource::File(self.keys.clone()),
            issuer: self.issuer.address().to_owned(),
            audience: token::AUDIENCE.to_owned(),
            leeway: Duration::from_secs(30),
            refresh: Duration::from_mins(1),
            keep: Duration::from_hours(24),
            remembered: 1_000,
        };
        let signin = SignIn {
            issuer: self.issuer.address().to_owned(),
            authority: None,
            client_id: CLIENT.to_owned(),
            client_secret: None,
            scopes: "openid".to_owned(),
            bearer: Bearer::Access,
            public: None,
            session: Duration::from_hours(12),
            idle: Duration::from_hours(2),
            frames: Frames::OwnSite,
            sessions: 1_000,
            sessions_per_identity: 100,
        };
        Settings { access: Access { tokens: Some(tokens), certificates: None }, signin: Some(signin), ..settings }
    }
}
