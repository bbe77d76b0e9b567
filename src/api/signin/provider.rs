//! The issuer: what it says of itself, and the two things asked of it, a token for a
//! code and a new one for an old. It is another machine: everything has a time and a
//! size, on threads that serve no calls, and what it answers is not believed here.

use std::fmt;
use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{Uri, header};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tokio::sync::{Mutex, Semaphore};
use tokio::time::Instant;
use tracing::warn;

use super::fault::SigningInFault;
use crate::access::reach::{self, Way};
use crate::config::SignIn;
use crate::guarded;

/// Most bytes of an answer.
const ANSWER_BYTES: u64 = 256 << 10;
/// Most bytes of the file of the secret.
const SECRET_BYTES: u64 = 4 << 10;
/// How long what the issuer says of itself is kept.
const KEPT: Duration = Duration::from_mins(10);
/// How long it is not asked again after it did not answer.
const PAUSE: Duration = Duration::from_secs(2);
/// Questions to it at the same time.
const AT_ONCE: usize = 16;

/// What nobody is to read: it prints as nothing.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// Keeps a text.
    pub fn of(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// The text, for whoever has to send it.
    pub fn text(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

/// Why the issuer gives nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProviderFault {
    /// It does not answer.
    #[error("the issuer does not answer")]
    Unreachable,
    /// Too many questions to it are under way.
    #[error("too many people are signing in at once")]
    Busy,
    /// It answers what an issuer may not.
    #[error("the issuer answers what it should not: {0}")]
    Wrong(&'static str),
    /// It refuses.
    #[error("the issuer refuses: {0}")]
    Refused(&'static str),
}

/// What an issuer says of itself.
#[derive(Clone, Debug, Deserialize)]
pub struct Described {
    /// Its name for itself.
    pub issuer: String,
    /// Where people sign in.
    pub authorization_endpoint: String,
    token_endpoint: String,
    /// Where they sign out of it.
    pub end_session_endpoint: Option<String>,
    token_endpoint_auth_methods_supported: Option<Vec<String>>,
    code_challenge_methods_supported: Option<Vec<String>>,
    /// Whether it names itself in its answers.
    #[serde(default)]
    pub authorization_response_iss_parameter_supported: bool,
}

/// What the issuer gives.
#[derive(Debug, Deserialize)]
pub struct Granted {
    token_type: Option<String>,
    /// For this service.
    #[serde(rename = "access_token")]
    pub access: Option<Secret>,
    /// Who signed in.
    #[serde(rename = "id_token")]
    pub id: Option<Secret>,
    /// For new ones.
    #[serde(rename = "refresh_token")]
    pub refresh: Option<Secret>,
}

/// The issuer at which people sign in.
pub struct Provider {
    settings: SignIn,
    secret: Option<Secret>,
    known: Mutex<Known>,
    at_once: Arc<Semaphore>,
}

/// What is known of it.
#[derive(Default)]
struct Known {
    described: Option<(Arc<Described>, Instant)>,
    failed: Option<(ProviderFault, Instant)>,
}

impl Provider {
    /// Reads the secret. The issuer itself is asked when somebody signs in: it may start later than we do.
    ///
    /// # Errors
    /// A file cannot be used.
    pub fn open(settings: &SignIn) -> Result<Self, SigningInFault> {
        reach::agent(settings.authority.as_deref(), way(settings))?;
        let secret = settings.client_secret.as_deref().map(secret).transpose()?;
        let at_once = Arc::new(Semaphore::new(AT_ONCE));
        Ok(Self { settings: settings.clone(), secret, known: Mutex::default(), at_once })
    }

    /// What the issuer says of itself.
    ///
    /// # Errors
    /// It does not, or not as it may.
    pub async fn described(&self) -> Result<Arc<Described>, ProviderFault> {
        let mut known = self.known.lock().await;
        let held = known.described.clone();
        if let Some((described, at)) = &held
            && at.elapsed() < KEPT
        {
            return Ok(Arc::clone(described));
        }
        if let Some((fault, at)) = known.failed
            && at.elapsed() < PAUSE
        {
            return held.map(|(described, _)| described).ok_or(fault);
        }
        let address = format!("{}/.well-known/openid-configuration", self.settings.issuer.trim_end_matches('/'));
        let asked = self.ask(move |agent| agent.get(&address).call()).await;
        let outcome = asked.and_then(|answer| match answer {
            Answer { status: 200, body } => self.agreed(read(&body)?),
            Answer { .. } => Err(ProviderFault::Wrong("it does not describe itself")),
        });
        match outcome {
            Ok(described) => {
                let described = Arc::new(described);
                *known = Known { described: Some((Arc::clone(&described), Instant::now())), failed: None };
                Ok(described)
            }
            Err(fault) => {
                warn!(reason = %fault, "the issuer at which people sign in was asked what it is in vain");
                known.failed = Some((fault, Instant::now()));
                // Addresses seldom change: better the old ones than none.
                held.map(|(described, _)| described).ok_or(fault)
            }
        }
    }

    /// What it says of itself, where we can go by it.
    fn agreed(&self, described: Described) -> Result<Described, ProviderFault> {
        if described.issuer != self.settings.issuer {
            return Err(ProviderFault::Wrong("it names itself otherwise than signin.issuer does"));
        }
        let ends = [&described.authorization_endpoint, &described.token_endpoint];
        let way = way(&self.settings);
        if !ends.into_iter().chain(&described.end_session_endpoint).all(|end| may_be_gone_to(end, way)) {
            return Err(ProviderFault::Wrong("it names an address that is not encrypted"));
        }
        if described.code_challenge_methods_supported.as_ref().is_some_and(|known| !known.iter().any(|it| it == "S256"))
        {
            return Err(ProviderFault::Wrong("it does not know the proof key S256"));
        }
        Ok(described)
    }

    /// What it gives for a code.
    ///
    /// # Errors
    /// It gives nothing.
    pub async fn exchange(&self, code: &str, verifier: &str, redirect: &str) -> Result<Granted, ProviderFault> {
        self.granted(&[
            ("grant_type", "authorization_code"),
            ("code", code),
            ("code_verifier", verifier),
            ("redirect_uri", redirect),
        ])
        .await
    }

    /// What it gives for a refresh token.
    ///
    /// # Errors
    /// It gives nothing.
    pub async fn refresh(&self, token: &Secret) -> Result<Granted, ProviderFault> {
        self.granted(&[("grant_type", "refresh_token"), ("refresh_token", token.text())]).await
    }

    async fn granted(&self, asked: &[(&str, &str)]) -> Result<Granted, ProviderFault> {
        let described = self.described().await?;
        let mut form: Vec<(String, String)> =
            asked.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let client = self.settings.client_id.clone();
        let mut basic = None;
        match &self.secret {
            None => form.push(("client_id".to_owned(), client)),
            Some(secret) if in_the_form(&described) => {
                form.push(("client_id".to_owned(), client));
                form.push(("client_secret".to_owned(), secret.text().to_owned()));
            }
            Some(secret) => {
                let encoded = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
                let pair = format!("{}:{}", encoded(&client), encoded(secret.text()));
                basic = Some(format!("Basic {}", STANDARD.encode(pair)));
            }
        }
        let address = described.token_endpoint.clone();
        let answer = self
            .ask(move |agent| {
                let mut request = agent.post(&address).header(header::ACCEPT, "application/json");
                if let Some(basic) = basic {
                    request = request.header(header::AUTHORIZATION, basic);
                }
                request.send_form(form)
            })
            .await?;
        let granted: Granted = match answer.status {
            200 => read(&answer.body)?,
            400 | 401 | 403 => return Err(ProviderFault::Refused(word(&answer.body))),
            500..=599 | 429 => return Err(ProviderFault::Unreachable),
            _ => return Err(ProviderFault::Wrong("its answer to a code has another status than 200")),
        };
        if granted.token_type.as_ref().is_some_and(|kind| kind.eq_ignore_ascii_case("bearer")) {
            Ok(granted)
        } else {
            Err(ProviderFault::Wrong("it gives a token that is no bearer token"))
        }
    }

    async fn ask(
        &self,
        question: impl FnOnce(&ureq::Agent) -> Result<http::Response<ureq::Body>, ureq::Error> + Send + 'static,
    ) -> Result<Answer, ProviderFault> {
        let place = Arc::clone(&self.at_once).try_acquire_owned().map_err(|_| ProviderFault::Busy)?;
        let (authority, way) = (self.settings.authority.clone(), way(&self.settings));
        let asking = tokio::task::spawn_blocking(move || {
            let _place = place;
            let failed = |error: ureq::Error| {
                warn!(error = %error, "the issuer at which people sign in does not answer");
                ProviderFault::Unreachable
            };
            let agent = reach::agent(authority.as_deref(), way).map_err(|fault| {
                warn!(fault = %fault, "the authority of the issuer cannot be used");
                ProviderFault::Unreachable
            })?;
            let mut answer = question(&agent).map_err(failed)?;
            let body = answer.body_mut().with_config().limit(ANSWER_BYTES).read_to_vec().map_err(failed)?;
            Ok(Answer { status: answer.status().as_u16(), body })
        });
        asking.await.unwrap_or(Err(ProviderFault::Unreachable))
    }
}

/// What came back.
struct Answer {
    status: u16,
    body: Vec<u8>,
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, ProviderFault> {
    serde_json::from_slice(body).map_err(|_| ProviderFault::Wrong("its answer is not the JSON that it should be"))
}

/// Whether the secret goes into the form: where the issuer knows that way alone.
fn in_the_form(described: &Described) -> bool {
    described.token_endpoint_auth_methods_supported.as_ref().is_some_and(|known| {
        known.iter().any(|way| way == "client_secret_post") && !known.iter().any(|way| way == "client_secret_basic")
    })
}

/// The standard's word for a refusal. Whatever else an issuer writes is not passed on.
fn word(body: &[u8]) -> &'static str {
    #[derive(Deserialize)]
    struct Refusal {
        error: String,
    }
    let refusal: Option<Refusal> = serde_json::from_slice(body).ok();
    refusal.map_or(UNSAID, |refusal| known(&refusal.error))
}

const UNSAID: &str = "it does not say why";

/// A word of the standard, as it is told to people.
pub fn known(error: &str) -> &'static str {
    match error {
        "access_denied" => "access denied (access_denied)",
        "invalid_grant" => "the code or token is used, expired or another's (invalid_grant)",
        "invalid_client" => "it does not know this service, or its secret is wrong (invalid_client)",
        "unauthorized_client" => "this service may not ask for it (unauthorized_client)",
        "invalid_scope" => "a scope is unknown to it (invalid_scope)",
        "invalid_request" => "the question is wrong (invalid_request)",
        "unsupported_response_type" => "it gives no codes (unsupported_response_type)",
        "server_error" => "it has an error of its own (server_error)",
        "temporarily_unavailable" => "it is not available just now (temporarily_unavailable)",
        "login_required" => "somebody has to sign in there (login_required)",
        "interaction_required" => "it has to ask something (interaction_required)",
        "consent_required" => "it has to ask for consent (consent_required)",
        _ => UNSAID,
    }
}

fn way(settings: &SignIn) -> Way {
    // An issuer without encryption is on this machine: the settings see to that.
    if settings.issuer.starts_with("https:") { Way::Https } else { Way::Loopback }
}

/// Whether people, or secrets, may be sent to an address.
fn may_be_gone_to(address: &str, way: Way) -> bool {
    let Ok(uri) = address.parse::<Uri>() else { return false };
    let host = uri.host().unwrap_or_default().trim_matches(['[', ']']);
    let here = host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback());
    let scheme = uri.scheme_str();
    !host.is_empty()
        && !address.contains('#')
        && (scheme == Some("https") || way == Way::Loopback && scheme == Some("http") && here)
}

fn secret(path: &Path) -> Result<Secret, SigningInFault> {
    let unreadable = |source| SigningInFault::Unreadable { path: path.to_owned(), source };
    let file = File::open(path).map_err(unreadable)?;
    if let Some(mode) = guarded::exposed(&file.metadata().map_err(unreadable)?) {
        return Err(SigningInFault::Exposed { path: path.to_owned(), mode });
    }
    let mut text = String::new();
    file.take(SECRET_BYTES).read_to_string(&mut text).map_err(unreadable)?;
    let text = text.trim();
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(SigningInFault::NoSecret { path: path.to_owned() });
    }
    Ok(Secret::of(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_issuer_that_is_reached_encrypted_sends_nobody_where_it_is_not() {
        for (address, over_https, on_loopback) in [
            ("https://issuer.example/token", true, true),
            ("http://issuer.example/token", false, false),
            ("http://127.0.0.1:8090/token", false, true),
            ("javascript:alert(1)", false, false),
            ("https://issuer.example/#a", false, false),
            ("//issuer.example", false, false),
            ("", false, false),
        ] {
            assert_eq!(may_be_gone_to(address, Way::Https), over_https, "{address}");
            assert_eq!(may_be_gone_to(address, Way::Loopback), on_loopback, "{address}");
        }
    }

    #[test]
    fn a_refusal_is_told_in_words_of_the_standard_alone() {
        assert!(word(br#"{"error":"invalid_grant","error_description":"<b>x</b>"}"#).contains("(invalid_grant)"));
        assert_eq!(word(br#"{"error":"<script>"}"#), UNSAID);
        assert_eq!(word(b"<html>"), UNSAID);
    }

    #[cfg(unix)]
    #[test]
    fn a_secret_that_others_may_read_stops_the_start() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        std::fs::write(&path, "s3cret\n").unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
        assert!(matches!(secret(&path), Err(SigningInFault::Exposed { mode: 0o640, .. })));
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        assert_eq!(secret(&path).unwrap().text(), "s3cret");
        std::fs::write(&path, " \n").unwrap();
        assert!(matches!(secret(&path), Err(SigningInFault::NoSecret { .. })));
    }
}
