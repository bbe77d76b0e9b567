//! What a signed token claims, and whether this service believes it now: the issuer,
//! the audience, the time, and what is granted. Read only once the signature is
//! right. A claim that is there twice makes the whole token wrong.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde::Deserialize;

use super::{Asked, TokenFault, Verified};
use crate::access::grant::Grant;
use crate::config::Tokens;

/// Most bytes of claims told as wrong: they travel in a header.
const TOLD: usize = 1_000;

#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Many(Vec<String>),
}

impl Audience {
    fn names(&self, one: &str) -> bool {
        match self {
            Self::One(audience) => audience == one,
            Self::Many(audiences) => audiences.iter().any(|audience| audience == one),
        }
    }
}

#[derive(Deserialize)]
struct Confirmation {
    #[serde(rename = "x5t#S256")]
    certificate: Option<String>,
}

/// The claims that are looked at. Others are passed over.
#[derive(Deserialize)]
pub(super) struct Claims {
    iss: Option<String>,
    sub: Option<String>,
    aud: Option<Audience>,
    exp: Option<i64>,
    nbf: Option<i64>,
    roles: Option<Vec<String>>,
    areas: Option<Vec<String>>,
    lists: Option<Vec<String>>,
    permissions: Option<Vec<String>>,
    cnf: Option<Confirmation>,
}

impl Claims {
    pub(super) fn read(payload: &[u8]) -> Result<Self, TokenFault> {
        serde_json::from_slice(payload).map_err(|error| {
            // The parser's own sentence would quote what it found.
            let twice = error.to_string().starts_with("duplicate field");
            let problem = if twice {
                "a claim is there twice"
            } else {
                "they are one JSON object; `exp` and `nbf` are whole seconds, `sub` and `iss` texts, `aud` a text or a \
                 list of them, `roles`, `areas`, `lists` and `permissions` lists of texts"
            };
            TokenFault::Claims(problem.to_owned())
        })
    }

    /// What is believed of the claims.
    pub(super) fn judge(self, tokens: &Tokens, now: Timestamp) -> Result<Verified, TokenFault> {
        if self.iss.ok_or(TokenFault::Missing("iss"))? != tokens.issuer {
            return Err(TokenFault::Issuer);
        }
        if !self.aud.ok_or(TokenFault::Missing("aud"))?.names(&tokens.audience) {
            return Err(TokenFault::Audience);
        }
        let until = in_force(self.exp, tokens, now)?;
        if let Some(from) = self.nbf {
            let from = instant("nbf", from)?.saturating_sub(tokens.leeway).map_err(|_| impossible("nbf"))?;
            if now < from {
                return Err(TokenFault::NotYetValid);
            }
        }
        let actor = self.sub.ok_or(TokenFault::Missing("sub"))?;
        if self.roles.is_none() {
            return Err(TokenFault::Missing("roles"));
        }
        let bound_to = self.cnf.map(|confirmation| fingerprint(&confirmation)).transpose()?;
        let grant = Grant { roles: self.roles, areas: self.areas, lists: self.lists, permissions: self.permissions };
        let identity = grant.identity(&actor).map_err(|faults| {
            let told: Vec<_> = faults
                .iter()
                .map(|fault| format!("{} {}", if fault.claim == "actor" { "sub" } else { fault.claim }, fault.problem))
                .collect();
            TokenFault::Claims(told.join("; ").chars().take(TOLD).collect())
        })?;
        Ok(Verified { identity: identity.into(), bound_to, until })
    }
}

/// What of an ID token says that it is the answer to one signing in.
#[derive(Deserialize)]
pub(super) struct IdClaims {
    iss: Option<String>,
    aud: Option<Audience>,
    azp: Option<String>,
    exp: Option<i64>,
    nonce: Option<String>,
    name: Option<String>,
    preferred_username: Option<String>,
}

/// Most characters of what somebody is called.
const CALLED: usize = 64;

impl IdClaims {
    pub(super) fn read(payload: &[u8]) -> Result<Self, TokenFault> {
        serde_json::from_slice(payload)
            .map_err(|_| TokenFault::Claims("those of the ID token cannot be read, or one is there twice".to_owned()))
    }

    /// What whoever signed in is called, if the claims answer what was asked.
    pub(super) fn judge(
        self,
        asked: &Asked<'_>,
        tokens: &Tokens,
        now: Timestamp,
    ) -> Result<Option<String>, TokenFault> {
        if self.iss.ok_or(TokenFault::Missing("iss"))? != asked.issuer {
            return Err(TokenFault::Issuer);
        }
        let meant = self.aud.ok_or(TokenFault::Missing("aud"))?.names(asked.client);
        if !meant || self.azp.is_some_and(|azp| azp != asked.client) {
            return Err(TokenFault::Audience);
        }
        in_force(self.exp, tokens, now)?;
        if self.nonce.ok_or(TokenFault::Missing("nonce"))? != asked.nonce {
            return Err(TokenFault::Claims("nonce is that of another signing in".to_owned()));
        }
        let printable =
            |name: &String| (1..=CALLED).contains(&name.chars().count()) && !name.chars().any(char::is_control);
        Ok(self.name.filter(printable).or(self.preferred_username.filter(printable)))
    }
}

/// Until when a token is believed; that is not over yet.
fn in_force(exp: Option<i64>, tokens: &Tokens, now: Timestamp) -> Result<Timestamp, TokenFault> {
    let until = instant("exp", exp.ok_or(TokenFault::Missing("exp"))?)?;
    let until = until.saturating_add(tokens.leeway).map_err(|_| impossible("exp"))?;
    if until <= now { Err(TokenFault::Expired) } else { Ok(until) }
}

fn impossible(claim: &str) -> TokenFault {
    TokenFault::Claims(format!("{claim} is no time that can be told"))
}

fn instant(claim: &str, seconds: i64) -> Result<Timestamp, TokenFault> {
    Timestamp::from_second(seconds).map_err(|_| impossible(claim))
}

/// The certificate that a token is bound to. One bound to anything else cannot be proved here, and is not believed.
fn fingerprint(confirmation: &Confirmation) -> Result<[u8; 32], TokenFault> {
    let wrong =
        || TokenFault::Claims("cnf binds the token to something other than a certificate by `x5t#S256`".to_owned());
    let text = confirmation.certificate.as_ref().ok_or_else(wrong)?;
    URL_SAFE_NO_PAD.decode(text).ok().and_then(|digest| digest.try_into().ok()).ok_or_else(wrong)
}
