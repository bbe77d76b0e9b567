//! Signing in from a browser. Whoever signs in at the force's issuer gets a session,
//! and their token stays here: the browser holds a random name of the session and
//! nothing else. A request with that name goes on with the token, to the same gate
//! that judges every other; nothing here says what anybody may.

mod cookie;
mod fault;
mod proof;
mod provider;
mod return_to;
mod riding;
mod routes;
mod session;
mod under_way;
mod visitor;

use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, HeaderValue, header};
use jiff::Timestamp;
use tracing::{debug, warn};

use crate::access::authenticate::Authenticator;
use crate::access::token::{Asked, TokenFault, Verified, Verifier};
use crate::config::{Bearer, Settings, SignIn};
use cookie::Cookies;
pub use fault::{SigningInFault, Unsigned};
use provider::{Granted, Provider, ProviderFault};
pub use riding::ride;
pub use routes::{CALLBACK, Desk, router, sign_out};
use session::{Held, Session, Sessions};
use under_way::{Seal, UnderWay, Used};
pub use visitor::{Standing, Visitor, visitor};

/// How long a token of a key that the issuer has only just begun to use is tried again.
const NEW_KEY: Duration = Duration::from_secs(5);
/// A token is renewed when it is good for no longer than this.
const EARLY: Duration = Duration::from_mins(1);

/// Signing in, as every request that needs it shares it.
#[derive(Clone)]
pub struct SigningIn(Arc<Inner>);

struct Inner {
    settings: SignIn,
    authenticator: Arc<Authenticator>,
    cookies: Cookies,
    provider: Provider,
    seal: Seal,
    used: Used,
    sessions: Sessions,
    scheme: &'static str,
}

impl SigningIn {
    /// Signing in as the settings have it. `None`: they do not.
    ///
    /// # Errors
    /// A file that they name cannot be used.
    pub fn open(settings: &Settings, authenticator: &Arc<Authenticator>) -> Result<Option<Self>, SigningInFault> {
        let Some(signin) = settings.signin.clone() else { return Ok(None) };
        let public = signin.public.as_ref().map(|public| public.starts_with("https:"));
        let secure = public.unwrap_or(settings.tls.pair.is_some());
        Ok(Some(Self(Arc::new(Inner {
            authenticator: Arc::clone(authenticator),
            cookies: Cookies { secure, frames: signin.frames },
            provider: Provider::open(&signin)?,
            seal: Seal::fresh(),
            used: Used::default(),
            sessions: Sessions::of(&signin),
            scheme: if secure { "https" } else { "http" },
            settings: signin,
        }))))
    }

    /// Whether the issuer says of itself what signing in needs.
    ///
    /// # Errors
    /// Why it does not.
    pub async fn issuer_answers(&self) -> Result<(), String> {
        self.0.provider.described().await.map(drop).map_err(|fault| fault.to_string())
    }

    /// This server as browsers name it, where the settings say so.
    pub fn public(&self) -> Option<&str> {
        self.0.settings.public.as_deref()
    }

    /// Forgets sessions that are over. To be called now and then.
    pub fn tend(&self) {
        self.0.sessions.tend(Timestamp::now());
    }

    /// This server as the browser that asks names it.
    fn origin(&self, headers: &HeaderMap) -> Option<String> {
        if let Some(public) = &self.0.settings.public {
            return Some(public.clone());
        }
        let host = headers.get(header::HOST)?.to_str().ok()?;
        let named: http::uri::Authority = host.parse().ok()?;
        (!host.contains('@')).then(|| format!("{}://{named}", self.0.scheme))
    }

    /// The session that a request names, if it goes on.
    fn session(&self, headers: &HeaderMap, now: Timestamp) -> Option<Arc<Session>> {
        let mut named = cookie::values(headers, self.0.cookies.session_name());
        match (named.next(), named.next()) {
            // Two of one name: one of them is not ours.
            (Some(id), None) => self.0.sessions.find(id, now),
            (None | Some(_), _) => None,
        }
    }

    /// What the verifier says, also of a key that the issuer has only just begun to use: the keys are read anew meanwhile.
    async fn verified<T>(&self, ask: impl Fn(&Verifier, Timestamp) -> Result<T, TokenFault>) -> Result<T, TokenFault> {
        // The settings want an issuer of tokens wherever people sign in.
        let verifier = self.0.authenticator.verifier().ok_or(TokenFault::UnknownKey)?;
        let until = tokio::time::Instant::now() + NEW_KEY;
        loop {
            match ask(verifier, Timestamp::now()) {
                Err(TokenFault::UnknownKey) if tokio::time::Instant::now() < until => {
                    tokio::time::sleep(NEW_KEY / 50).await;
                }
                answer => return answer,
            }
        }
    }

    /// What the issuer gave for a code, believed: its token with what it says, and what whoever signed in is called.
    async fn believed(&self, granted: &Granted, asked: &Asked<'_>) -> Result<(Held, Option<String>), Unsigned> {
        let id = granted.id.as_ref().ok_or(ProviderFault::Wrong("it gives no ID token"))?;
        let called = self.verified(|verifier, now| verifier.answers(id.text(), asked, now)).await?;
        Ok((self.held(granted).await?, called))
    }

    /// The token that goes with the calls, if the gate would believe it.
    async fn held(&self, granted: &Granted) -> Result<Held, Unsigned> {
        let (bearer, missing) = match self.0.settings.bearer {
            Bearer::Access => (&granted.access, "it gives no access token"),
            Bearer::Id => (&granted.id, "it gives no ID token"),
        };
        let bearer = bearer.as_ref().ok_or(ProviderFault::Wrong(missing))?;
        let read = self.verified(|verifier, now| verifier.read(bearer.text(), now)).await?;
        let Verified { identity, until, .. } = read;
        let mut text = HeaderValue::from_str(&format!("Bearer {}", bearer.text()))
            .map_err(|_| TokenFault::Malformed("it holds what no header may"))?;
        text.set_sensitive(true);
        Ok(Held { text, identity, until })
    }

    /// The token of a session, renewed if it has nearly run out.
    ///
    /// # Errors
    /// The session is over, or its token has run out and the issuer does not answer.
    async fn token(&self, session: &Arc<Session>) -> Result<HeaderValue, Unsigned> {
        let now = Timestamp::now();
        let held = session.held();
        if now + EARLY < held.until || (now < held.until && !session.wants_renewal(now)) {
            return Ok(held.text.clone());
        }
        let (signing, renewed) = (self.clone(), Arc::clone(session));
        // Goes on if the browser goes away: the issuer may take back the old token when it gives a new one.
        let outcome = tokio::spawn(async move { signing.renew(&renewed, &held).await }).await;
        let outcome = outcome.unwrap_or(Err(Unsigned::Over));
        let (now, held) = (Timestamp::now(), session.held());
        match outcome {
            _ if now < held.until && !session.is_over(now) => Ok(held.text.clone()),
            Ok(()) => Err(Unsigned::Over),
            Err(fault) => Err(fault),
        }
    }

    /// Has the issuer renew the token that a session was seen with: one at a time, and whoever waited finds it done.
    async fn renew(&self, session: &Session, seen: &Arc<Held>) -> Result<(), Unsigned> {
        let mut refresh = session.refresh.lock().await;
        let now = Timestamp::now();
        if !Arc::ptr_eq(&session.held(), seen) {
            return Ok(());
        }
        let token = refresh.clone().ok_or(Unsigned::Over)?;
        let renewed = match self.0.provider.refresh(&token).await {
            Ok(granted) => {
                *refresh = Some(granted.refresh.clone().unwrap_or(token));
                self.held(&granted).await
            }
            Err(fault) => Err(fault.into()),
        };
        match renewed {
            Ok(held) if held.identity.actor == session.held().identity.actor => {
                session.renewed(held);
                Ok(())
            }
            Ok(_) => {
                warn!("the issuer renewed a token as somebody else's: the session is ended");
                self.0.sessions.end(session);
                Err(Unsigned::Over)
            }
            Err(fault @ Unsigned::Provider(ProviderFault::Unreachable | ProviderFault::Busy)) => {
                session.not_before(now);
                Err(fault)
            }
            Err(fault) => {
                debug!(reason = fault.reason(), "a token was not renewed");
                *refresh = None;
                session.not_renewable();
                Err(Unsigned::Over)
            }
        }
    }
}
