//! Whether people sign in from a browser, at whose address, and for how long. Signing
//! in brings a token such as every other client sends: without an issuer of tokens in
//! `access.*` there is nothing to sign in with.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use super::key::{Key, Shape};
use super::reader::{Reader, whole};
use super::{Access, Concern, Http, Tls, access, http as http_settings, tls};

/// How people sign in from a browser.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignIn {
    /// The issuer's address, as its description of itself names it.
    pub issuer: String,
    /// PEM file of the authority that vouches for it. `None`: the system's.
    pub authority: Option<PathBuf>,
    /// This service at the issuer.
    pub client_id: String,
    /// File of the secret that goes with it. `None`: the proof key alone shows who asks.
    pub client_secret: Option<PathBuf>,
    /// What is asked for, with spaces between.
    pub scopes: String,
    /// Which token goes with the calls.
    pub bearer: Bearer,
    /// This server as browsers name it, such as `https://steelyard.force.example`. `None`: as they do.
    pub public: Option<String>,
    /// How long somebody is signed in at most.
    pub session: Duration,
    /// How long without anything being asked.
    pub idle: Duration,
    /// Whether cookies go into frames of other sites.
    pub frames: Frames,
    /// Most sessions.
    pub sessions: usize,
    /// Most sessions of one identity.
    pub sessions_per_identity: usize,
}

/// Which token of the issuer goes with the calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bearer {
    /// The access token.
    Access,
    /// The ID token.
    Id,
}

/// Whose frames cookies go into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Frames {
    /// Frames of this site alone.
    OwnSite,
    /// Those of other sites too, for each site apart.
    Partitioned,
    /// Those of any site.
    AnySite,
}

pub(super) const ISSUER: Key = Key {
    name: "signin.issuer",
    flag: "signin-issuer",
    variable: "STEELYARD_SIGNIN_ISSUER",
    shape: Shape::Value("URL"),
    takes: "an address that begins with `https://`, or with `http://` on this machine",
    default: None,
    meaning: "Where people sign in from a browser: an OpenID Connect issuer, exactly as its own description names it. \
              Without it nobody signs in, and pages are for whoever sends a token. Needs the issuer's tokens in `access.*`.",
};

pub(super) const ISSUER_CA: Key = Key {
    name: "signin.issuer_ca",
    flag: "signin-issuer-ca",
    variable: "STEELYARD_SIGNIN_ISSUER_CA",
    shape: Shape::Value("FILE"),
    takes: "the path of a PEM file",
    default: None,
    meaning: "Authority that vouches for `signin.issuer`, where it is not one of the system's.",
};

pub(super) const CLIENT_ID: Key = Key {
    name: "signin.client_id",
    flag: "signin-client-id",
    variable: "STEELYARD_SIGNIN_CLIENT_ID",
    shape: Shape::Value("NAME"),
    takes: "1 to 512 characters",
    default: None,
    meaning: "This service as it is registered at the issuer.",
};

pub(super) const CLIENT_SECRET_FILE: Key = Key {
    name: "signin.client_secret_file",
    flag: "signin-client-secret-file",
    variable: "STEELYARD_SIGNIN_CLIENT_SECRET_FILE",
    shape: Shape::Value("FILE"),
    takes: "the path of a file that others may not read",
    default: None,
    meaning: "The secret of the registration. Without it the service is a public client, which PKCE alone protects. Read \
              once, at the start.",
};

pub(super) const SCOPES: Key = Key {
    name: "signin.scopes",
    flag: "signin-scopes",
    variable: "STEELYARD_SIGNIN_SCOPES",
    shape: Shape::Value("SCOPES"),
    takes: "words with spaces between them, `openid` among them",
    default: Some("openid"),
    meaning: "What is asked for. Most issuers give an access token for `access.audience` only where a scope of it is \
              asked for, and a refresh token only with `offline_access`.",
};

pub(super) const TOKEN: Key = Key {
    name: "signin.token",
    flag: "signin-token",
    variable: "STEELYARD_SIGNIN_TOKEN",
    shape: Shape::Value("WHICH"),
    takes: "`access` or `id`",
    default: Some("access"),
    meaning: "Which token goes with the calls of whoever signed in. It is verified like every other. The ID token only \
              where `access.audience` is `signin.client_id`.",
};

pub(super) const PUBLIC_ADDRESS: Key = Key {
    name: "signin.public_address",
    flag: "signin-public-address",
    variable: "STEELYARD_SIGNIN_PUBLIC_ADDRESS",
    shape: Shape::Value("ORIGIN"),
    takes: "an origin such as `https://steelyard.force.example`; `http://` on this machine alone",
    default: None,
    meaning: "This server as browsers name it, where the issuer sends them back to `/sign-in/callback`. Needed behind a \
              proxy that ends TLS. Without it: the name that the browser asked for.",
};

pub(super) const SESSION_MINUTES: Key = Key {
    name: "signin.session_minutes",
    flag: "signin-session-minutes",
    variable: "STEELYARD_SIGNIN_SESSION_MINUTES",
    shape: Shape::Value("MINUTES"),
    takes: "1 to 1440, minutes",
    default: Some("600"),
    meaning: "How long somebody stays signed in at most, renewed tokens or not: a shift.",
};

pub(super) const IDLE_MINUTES: Key = Key {
    name: "signin.idle_minutes",
    flag: "signin-idle-minutes",
    variable: "STEELYARD_SIGNIN_IDLE_MINUTES",
    shape: Shape::Value("MINUTES"),
    takes: "1 to 1440, minutes, at most `signin.session_minutes`",
    default: Some("60"),
    meaning: "How long somebody stays signed in who opens no page and sends no form. What a page asks for by itself does \
              not count.",
};

pub(super) const FRAMES: Key = Key {
    name: "signin.frames",
    flag: "signin-frames",
    variable: "STEELYARD_SIGNIN_FRAMES",
    shape: Shape::Value("WHOSE"),
    takes: "`own_site`, `partitioned` or `any_site`",
    default: Some("own_site"),
    meaning: "Whose frames the session's cookie goes into: see SECURITY.md. `partitioned` and `any_site` need TLS.",
};

pub(super) const SESSIONS: Key = Key {
    name: "signin.sessions",
    flag: "signin-sessions",
    variable: "STEELYARD_SIGNIN_SESSIONS",
    shape: Shape::Value("COUNT"),
    takes: "16 to 1000000",
    default: Some("10000"),
    meaning: "How many sessions there may be. They are held in memory, about 10 KiB each, and end with the process.",
};

pub(super) const SESSIONS_PER_IDENTITY: Key = Key {
    name: "signin.sessions_per_identity",
    flag: "signin-sessions-per-identity",
    variable: "STEELYARD_SIGNIN_SESSIONS_PER_IDENTITY",
    shape: Shape::Value("COUNT"),
    takes: "1 to 100",
    default: Some("8"),
    meaning: "How many of them one identity may have: the one that was not used for the longest gives way to a new one.",
};

pub(super) const CONCERN: Concern = Concern {
    title: "Signing in",
    keys: &[
        &ISSUER,
        &ISSUER_CA,
        &CLIENT_ID,
        &CLIENT_SECRET_FILE,
        &SCOPES,
        &TOKEN,
        &PUBLIC_ADDRESS,
        &SESSION_MINUTES,
        &IDLE_MINUTES,
        &FRAMES,
        &SESSIONS,
        &SESSIONS_PER_IDENTITY,
    ],
};

/// What signing in has to agree with. `None`: wrong itself, and told so already.
pub(super) struct Beside<'a> {
    pub(super) http: Option<&'a Http>,
    pub(super) tls: Option<&'a Tls>,
    pub(super) access: Option<&'a Access>,
}

#[expect(clippy::option_option, reason = "not asked for and wrong are different answers")]
pub(super) fn settle(reader: &mut Reader<'_>, beside: &Beside<'_>) -> Option<Option<SignIn>> {
    let issuer = reader.optional(&ISSUER, address);
    let authority = reader.optional(&ISSUER_CA, tls::file);
    let client_id = reader.optional(&CLIENT_ID, access::name);
    let client_secret = reader.optional(&CLIENT_SECRET_FILE, tls::file);
    let scopes = reader.value(&SCOPES, scopes);
    let bearer = reader.value(&TOKEN, bearer);
    let public = reader.optional(&PUBLIC_ADDRESS, origin);
    let session = reader.value(&SESSION_MINUTES, |text| whole(text, 1..=1_440));
    let idle = reader.value(&IDLE_MINUTES, |text| whole(text, 1..=1_440));
    let frames = reader.value(&FRAMES, frames);
    let sessions = reader.value(&SESSIONS, |text| whole(text, 16..=1_000_000));
    let of_one = reader.value(&SESSIONS_PER_IDENTITY, |text| whole(text, 1..=100));
    let (issuer, authority, client_id, client_secret) = (issuer?, authority?, client_id?, client_secret?);
    let public = public?;
    let Some(issuer) = issuer else {
        let needless = [
            (&ISSUER_CA, authority.is_some()),
            (&CLIENT_ID, client_id.is_some()),
            (&CLIENT_SECRET_FILE, client_secret.is_some()),
            (&PUBLIC_ADDRESS, public.is_some()),
        ];
        let given: Vec<_> = needless.into_iter().filter(|(_, given)| *given).collect();
        for (key, _) in &given {
            reader.refuse(key, "`signin.issuer` is not set, so nobody signs in; set it too");
        }
        return given.is_empty().then_some(None);
    };
    if client_id.is_none() {
        reader.refuse(&CLIENT_ID, "is not set, but `signin.issuer` is: say what this service is called there");
    }
    let settled = SignIn {
        issuer,
        authority,
        client_id: client_id?,
        client_secret,
        scopes: scopes?,
        bearer: bearer?,
        public,
        session: minutes(session?),
        idle: minutes(idle?),
        frames: frames?,
        sessions: usize::try_from(sessions?).expect("a number within its range must fit"),
        sessions_per_identity: usize::try_from(of_one?).expect("a number within its range must fit"),
    };
    agrees(reader, &settled, beside).then_some(Some(settled))
}

/// Refuses whatever contradicts the rest of the settings.
fn agrees(reader: &mut Reader<'_>, settled: &SignIn, beside: &Beside<'_>) -> bool {
    let mut wrong: Vec<(&'static Key, &str)> = Vec::new();
    if let Some(access) = beside.access {
        match &access.tokens {
            None => wrong.push((
                &ISSUER,
                "needs the issuer's tokens: `access.jwks_url` or `access.jwks_file`, `access.issuer`, `access.audience`",
            )),
            Some(tokens) if settled.bearer == Bearer::Id && tokens.audience != settled.client_id => wrong.push((
                &TOKEN,
                "an ID token is meant for `signin.client_id`, which `access.audience` is not: none would be believed",
            )),
            Some(_) => {}
        }
    }
    if beside.http.is_some_and(|http| http.listen.is_none()) {
        wrong.push((&ISSUER, "is for pages, but `http.listen` is off"));
    }
    let encrypted = beside.tls.map(|tls| tls.pair.is_some());
    let named = settled.public.as_ref().map(|public| public.starts_with("https:"));
    if encrypted == Some(true) && named == Some(false) {
        wrong.push((&PUBLIC_ADDRESS, "must begin with https://: the server has a certificate"));
    }
    if settled.frames != Frames::OwnSite && encrypted == Some(false) && named != Some(true) {
        wrong.push((&FRAMES, "needs TLS: a browser sends such a cookie over https:// alone"));
    }
    if settled.idle > settled.session {
        wrong.push((&IDLE_MINUTES, "must be at most `signin.session_minutes`"));
    }
    for (key, problem) in &wrong {
        reader.refuse(key, problem);
    }
    wrong.is_empty()
}

const fn minutes(count: u64) -> Duration {
    Duration::from_secs(count * 60)
}

/// An address that what is said to can be said to: encrypted, or on this machine.
fn reached(text: &str) -> Result<http::Uri, String> {
    let uri: http::Uri = text.parse().map_err(|_| "is not an address, such as https://issuer.example".to_owned())?;
    let host = uri.host().unwrap_or_default();
    let at = uri.authority().is_some_and(|authority| authority.as_str().contains('@'));
    match uri.scheme_str() {
        _ if host.is_empty() || at => Err("must name a host, and nobody who signs in there".to_owned()),
        Some("https") => Ok(uri),
        Some("http") if is_here(host) => Ok(uri),
        Some("http") => Err("must begin with https://: http:// is for this machine alone".to_owned()),
        Some(_) | None => Err("must begin with https://".to_owned()),
    }
}

fn is_here(host: &str) -> bool {
    let host = host.trim_matches(['[', ']']);
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn address(text: &str) -> Result<String, String> {
    let uri = reached(text)?;
    if uri.query().is_some() || text.contains('#') {
        return Err("is an address without a query".to_owned());
    }
    Ok(text.to_owned())
}

fn origin(text: &str) -> Result<String, String> {
    reached(text)?;
    http_settings::origin(text)
}

fn scopes(text: &str) -> Result<String, String> {
    let words: Vec<_> = text.split_ascii_whitespace().collect();
    let plain = |word: &&str| word.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'"' && byte != b'\\');
    if !words.iter().all(plain) || text.len() > 1_024 {
        return Err("must be words of visible ASCII with spaces between them".to_owned());
    }
    if !words.contains(&"openid") {
        return Err("must name openid".to_owned());
    }
    Ok(words.join(" "))
}

fn bearer(text: &str) -> Result<Bearer, String> {
    match text {
        "access" => Ok(Bearer::Access),
        "id" => Ok(Bearer::Id),
        _ => Err("must be access or id".to_owned()),
    }
}

fn frames(text: &str) -> Result<Frames, String> {
    match text {
        "own_site" => Ok(Frames::OwnSite),
        "partitioned" => Ok(Frames::Partitioned),
        "any_site" => Ok(Frames::AnySite),
        _ => Err("must be own_site, partitioned or any_site".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_in_the_clear_is_said_to_this_machine_alone() {
        for (text, right) in [
            ("https://issuer.example/realms/force", true),
            ("http://127.0.0.1:8090", true),
            ("http://[::1]:8090", true),
            ("http://localhost:8090", true),
            ("http://issuer.example", false),
            ("http://127.0.0.1.evil.example", false),
            ("https://somebody@issuer.example", false),
            ("https://issuer.example/?realm=force", false),
            ("ftp://issuer.example", false),
            ("issuer.example", false),
            ("", false),
        ] {
            assert_eq!(address(text).is_ok(), right, "{text}");
        }
        assert!(origin("https://steelyard.example").is_ok());
        assert!(origin("https://steelyard.example/").is_err());
        assert!(origin("http://steelyard.example").is_err());
    }

    #[test]
    fn nobody_signs_in_without_asking_for_openid() {
        assert_eq!(scopes("  openid   api://steelyard/read "), Ok("openid api://steelyard/read".to_owned()));
        assert!(scopes("profile").is_err());
        assert!(scopes("openid pro\"file").is_err());
    }
}
