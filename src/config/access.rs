//! Whom the server believes about who calls: the issuer of tokens and its keys, and
//! the file that says whom certificates speak for. Settings take one value each, so
//! the table of certificates is a file of its own: it can be changed without a
//! restart, and be somebody else's to change.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use super::Concern;
use super::key::{Key, Shape};
use super::reader::{Reader, whole};
use super::tls::{self, Clients, Tls};

/// Whom the server believes about who calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Access {
    /// Whose tokens are believed. `None`: nobody's.
    pub tokens: Option<Tokens>,
    /// The file that says whom certificates speak for. `None`: no certificate speaks for anybody.
    pub certificates: Option<PathBuf>,
}

impl Access {
    /// Whether callers have to say who they are.
    pub fn is_asked_for(&self) -> bool {
        self.tokens.is_some() || self.certificates.is_some()
    }
}

/// Whose tokens are believed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tokens {
    /// Where the keys are.
    pub keys: KeySource,
    /// The issuer, as its tokens name it.
    pub issuer: String,
    /// This service, as the tokens name it.
    pub audience: String,
    /// How far the clocks may be apart.
    pub leeway: Duration,
    /// How often keys are looked at.
    pub refresh: Duration,
    /// How long keys are used that could not be looked at again.
    pub keep: Duration,
    /// Verified tokens remembered.
    pub remembered: usize,
}

/// Where the keys of an issuer are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeySource {
    /// In a file.
    File(PathBuf),
    /// Behind an `https` address; the authority that vouches for it, `None`: the system's.
    Url {
        /// The address.
        url: String,
        /// PEM file of its authority.
        authority: Option<PathBuf>,
    },
}

pub(super) const JWKS_FILE: Key = Key {
    name: "access.jwks_file",
    flag: "access-jwks-file",
    variable: "STEELYARD_ACCESS_JWKS_FILE",
    shape: Shape::Value("FILE"),
    takes: "the path of a JSON Web Key Set",
    default: None,
    meaning: "Public keys that tokens are signed with: RSA (RS256), P-256 (ES256) or Ed25519 (EdDSA). With it every \
              call needs a token or a mapped certificate, on this machine too. Give this or `access.jwks_url`.",
};

pub(super) const JWKS_URL: Key = Key {
    name: "access.jwks_url",
    flag: "access-jwks-url",
    variable: "STEELYARD_ACCESS_JWKS_URL",
    shape: Shape::Value("URL"),
    takes: "an address that begins with `https://`",
    default: None,
    meaning: "Where the issuer publishes its JSON Web Key Set. It must answer when the server starts.",
};

pub(super) const JWKS_CA: Key = Key {
    name: "access.jwks_ca",
    flag: "access-jwks-ca",
    variable: "STEELYARD_ACCESS_JWKS_CA",
    shape: Shape::Value("FILE"),
    takes: "the path of a PEM file",
    default: None,
    meaning: "Authority that vouches for `access.jwks_url`, where it is not one of the system's.",
};

pub(super) const ISSUER: Key = Key {
    name: "access.issuer",
    flag: "access-issuer",
    variable: "STEELYARD_ACCESS_ISSUER",
    shape: Shape::Value("NAME"),
    takes: "1 to 512 characters",
    default: None,
    meaning: "The issuer whose tokens are believed, exactly as their claim `iss` names it.",
};

pub(super) const AUDIENCE: Key = Key {
    name: "access.audience",
    flag: "access-audience",
    variable: "STEELYARD_ACCESS_AUDIENCE",
    shape: Shape::Value("NAME"),
    takes: "1 to 512 characters",
    default: None,
    meaning: "This service as tokens name it: their claim `aud` must be it or hold it.",
};

pub(super) const LEEWAY_SECONDS: Key = Key {
    name: "access.leeway_seconds",
    flag: "access-leeway-seconds",
    variable: "STEELYARD_ACCESS_LEEWAY_SECONDS",
    shape: Shape::Value("SECONDS"),
    takes: "0 to 120, seconds",
    default: Some("30"),
    meaning: "How far the issuer's clock and this machine's may be apart.",
};

pub(super) const REFRESH_SECONDS: Key = Key {
    name: "access.refresh_seconds",
    flag: "access-refresh-seconds",
    variable: "STEELYARD_ACCESS_REFRESH_SECONDS",
    shape: Shape::Value("SECONDS"),
    takes: "1 to 86400, seconds",
    default: Some("60"),
    meaning: "How often the keys are read again. A token of an unknown key has them read at once, at most every ten \
              seconds.",
};

pub(super) const KEEP_KEYS_SECONDS: Key = Key {
    name: "access.keep_keys_seconds",
    flag: "access-keep-keys-seconds",
    variable: "STEELYARD_ACCESS_KEEP_KEYS_SECONDS",
    shape: Shape::Value("SECONDS"),
    takes: "60 to 604800, seconds, at least `access.refresh_seconds`",
    default: Some("86400"),
    meaning: "How long keys are used that could not be read again. After that no token is believed until they can.",
};

pub(super) const REMEMBERED_TOKENS: Key = Key {
    name: "access.remembered_tokens",
    flag: "access-remembered-tokens",
    variable: "STEELYARD_ACCESS_REMEMBERED_TOKENS",
    shape: Shape::Value("COUNT"),
    takes: "16 to 1000000",
    default: Some("10000"),
    meaning: "Verified tokens that are remembered, by a digest, until they expire or the keys change, so that a signature is \
              checked once. About 500 bytes each.",
};

pub(super) const CERTIFICATES_FILE: Key = Key {
    name: "access.certificates_file",
    flag: "access-certificates-file",
    variable: "STEELYARD_ACCESS_CERTIFICATES_FILE",
    shape: Shape::Value("FILE"),
    takes: "the path of a TOML file",
    default: None,
    meaning: "Whom client certificates speak for, and what they may: see SECURITY.md. Read again while the server runs.",
};

pub(super) const CONCERN: Concern = Concern {
    title: "Identity",
    keys: &[
        &JWKS_FILE,
        &JWKS_URL,
        &JWKS_CA,
        &ISSUER,
        &AUDIENCE,
        &LEEWAY_SECONDS,
        &REFRESH_SECONDS,
        &KEEP_KEYS_SECONDS,
        &REMEMBERED_TOKENS,
        &CERTIFICATES_FILE,
    ],
};

pub(super) fn settle(reader: &mut Reader<'_>, tls: Option<&Tls>) -> Option<Access> {
    let tokens = tokens(reader);
    let certificates = reader.optional(&CERTIFICATES_FILE, tls::file);
    let Some(tls) = tls else {
        // What is wrong there has been told; whether it agrees with this cannot be.
        return Some(Access { tokens: tokens?, certificates: certificates? });
    };
    match (&tls.clients, &certificates, &tokens) {
        (Clients::Off, Some(Some(_)), _) => {
            let problem = "needs `tls.client_certificates` and `tls.client_ca`: nobody is asked for a certificate";
            reader.refuse(&CERTIFICATES_FILE, problem);
            return None;
        }
        (Clients::Optional(_) | Clients::Required(_), Some(None), Some(None)) => {
            let problem = "needs `access.certificates_file`, which says whom they speak for, or tokens \
                           (`access.jwks_file` or `access.jwks_url`)";
            reader.refuse(&tls::CLIENT_CERTIFICATES, problem);
            return None;
        }
        (Clients::Off | Clients::Optional(_) | Clients::Required(_), _, _) => {}
    }
    Some(Access { tokens: tokens?, certificates: certificates? })
}

#[expect(clippy::option_option, reason = "not asked for and wrong are different answers")]
fn tokens(reader: &mut Reader<'_>) -> Option<Option<Tokens>> {
    let file = reader.optional(&JWKS_FILE, tls::file);
    let url = reader.optional(&JWKS_URL, https);
    let authority = reader.optional(&JWKS_CA, tls::file);
    let issuer = reader.optional(&ISSUER, name);
    let audience = reader.optional(&AUDIENCE, name);
    let leeway = reader.value(&LEEWAY_SECONDS, |text| whole(text, 0..=120));
    let refresh = reader.value(&REFRESH_SECONDS, |text| whole(text, 1..=86_400));
    let keep = reader.value(&KEEP_KEYS_SECONDS, |text| whole(text, 60..=604_800));
    let remembered = reader.value(&REMEMBERED_TOKENS, |text| whole(text, 16..=1_000_000));
    let mut agreed = true;
    if let (Some(refresh), Some(keep)) = (refresh, keep)
        && keep < refresh
    {
        reader.refuse(&KEEP_KEYS_SECONDS, "must be at least `access.refresh_seconds`");
        agreed = false;
    }
    let (file, url, authority) = (file?, url?, authority?);
    if authority.is_some() && url.is_none() {
        reader.refuse(&JWKS_CA, "vouches for `access.jwks_url`, which is not set");
        agreed = false;
    }
    let keys = match (file, url) {
        (Some(_), Some(_)) => {
            reader.refuse(&JWKS_FILE, "`access.jwks_url` is set as well; give one of the two");
            return None;
        }
        (Some(file), None) => Some(KeySource::File(file)),
        (None, Some(url)) => Some(KeySource::Url { url, authority }),
        (None, None) => None,
    };
    for (key, given) in [(&ISSUER, &issuer), (&AUDIENCE, &audience)] {
        match (&keys, given) {
            (Some(_), Some(None)) => {
                reader
                    .refuse(key, "is not set, but the keys of tokens are: say whose tokens are believed, and for whom");
                agreed = false;
            }
            (None, Some(Some(_))) => {
                reader.refuse(key, "needs the keys of tokens: `access.jwks_file` or `access.jwks_url`");
                agreed = false;
            }
            (Some(_), Some(Some(_))) | (None, Some(None)) | (_, None) => {}
        }
    }
    let (issuer, audience) = (issuer?, audience?);
    if !agreed {
        return None;
    }
    let (Some(keys), Some(issuer), Some(audience)) = (keys, issuer, audience) else { return Some(None) };
    Some(Some(Tokens {
        keys,
        issuer,
        audience,
        leeway: Duration::from_secs(leeway?),
        refresh: Duration::from_secs(refresh?),
        keep: Duration::from_secs(keep?),
        remembered: usize::try_from(remembered?).expect("a number within its range must fit"),
    }))
}

/// Refuses an address that other machines can reach unless connections are encrypted and callers say who they are.
/// For every port that serves records.
pub(super) fn guard(
    reader: &mut Reader<'_>,
    key: &'static Key,
    listen: SocketAddr,
    tls: &Tls,
    access: &Access,
) -> Option<()> {
    if listen.ip().is_loopback() {
        return Some(());
    }
    let mut needed = Vec::new();
    if tls.pair.is_none() {
        needed.push("TLS (`tls.certificate` and `tls.key`)");
    }
    if !access.is_asked_for() {
        needed
            .push("callers who say who they are (`access.jwks_file`, `access.jwks_url` or `access.certificates_file`)");
    }
    if needed.is_empty() {
        return Some(());
    }
    let problem = format!(
        "listening where other machines can reach it needs {}; or give a loopback address, such as 127.0.0.1:50051",
        needed.join(", and ")
    );
    reader.refuse(key, &problem);
    None
}

fn https(text: &str) -> Result<String, String> {
    let uri: http::Uri = text.parse().map_err(|_| "is not an address, such as https://issuer/keys".to_owned())?;
    if uri.scheme_str() != Some("https") || uri.host().is_none_or(str::is_empty) {
        return Err("must begin with https:// and name a host".to_owned());
    }
    Ok(text.to_owned())
}

/// A name of 1 to 512 printable characters.
pub(super) fn name(text: &str) -> Result<String, String> {
    if (1..=512).contains(&text.chars().count()) && !text.chars().any(char::is_control) {
        Ok(text.to_owned())
    } else {
        Err("must be 1 to 512 printable characters".to_owned())
    }
}
