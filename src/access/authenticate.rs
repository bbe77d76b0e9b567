//! Who calls: the one place that tells it, from the token that a call carries and the
//! certificate of its connection. Whoever cannot be told is refused; nothing that was
//! sent to say who somebody is, is ever passed over. What they may is judged elsewhere.

use std::net::IpAddr;
use std::sync::Arc;

use http::HeaderMap;
use http::header::AUTHORIZATION;
use jiff::Timestamp;

use super::Identity;
use super::certificate::{Certificates, CertificatesFault, Holder};
use super::renewal::Renewal;
use super::token::{KeysFault, TokenFault, Verified, Verifier};
use super::transport::Peer;
use crate::config::Settings;

/// Why it cannot be told who calls.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IdentityFault {
    /// Nothing says who calls.
    #[error(
        "nobody is known by this call: it needs a token in `authorization: Bearer …`, or a certificate that is mapped"
    )]
    Unauthenticated,
    /// The token is not believed.
    #[error("{0}")]
    Token(#[from] TokenFault),
    /// A token was sent to a server that believes nobody's.
    #[error("this server has no issuer whose tokens it could believe: call it without a token")]
    NoIssuer,
    /// The certificate speaks for nobody, and there is no token.
    #[error("the certificate of this connection speaks for nobody, and the call carries no token")]
    CertificateUnknown,
    /// What was sent says different things.
    #[error("the call says in two ways who makes it, and they do not agree: {0}")]
    Contradictory(&'static str),
}

/// Why identities cannot be told at all: the server does not start.
#[derive(Debug, thiserror::Error)]
pub enum AuthenticatorFault {
    /// The keys of tokens.
    #[error(transparent)]
    Keys(#[from] KeysFault),
    /// The table of certificates.
    #[error(transparent)]
    Certificates(#[from] CertificatesFault),
    /// The system gives no thread.
    #[error("no thread to look at files with: {0}")]
    Thread(std::io::Error),
}

/// Tells who calls.
#[derive(Debug)]
pub struct Authenticator {
    verifier: Option<Verifier>,
    certificates: Option<Arc<Certificates>>,
    _renewal: Option<Renewal>,
}

impl Authenticator {
    /// Reads keys and certificates as the settings name them, and keeps them up to date. May wait for another machine:
    /// not for a thread that serves calls.
    ///
    /// # Errors
    /// One of them cannot be read or used.
    pub fn open(settings: &Settings) -> Result<Self, AuthenticatorFault> {
        let certificates = match &settings.access.certificates {
            Some(path) => Some(Arc::new(Certificates::open(path)?)),
            None => None,
        };
        let verifier = match &settings.access.tokens {
            Some(tokens) => Some(Verifier::open(tokens, Timestamp::now())?),
            None => None,
        };
        let renewal = match &certificates {
            Some(certificates) => {
                let renewed = Arc::clone(certificates);
                let renew = move || {
                    renewed.renew();
                };
                let renewal = Renewal::start("steelyard-certs", settings.tls.reload, renew);
                Some(renewal.map_err(AuthenticatorFault::Thread)?)
            }
            None => None,
        };
        Ok(Self { verifier, certificates, _renewal: renewal })
    }

    /// Whether callers have to say who they are.
    pub fn asks(&self) -> bool {
        self.verifier.is_some() || self.certificates.is_some()
    }

    /// What tells which tokens are believed. `None`: nobody's are.
    pub fn verifier(&self) -> Option<&Verifier> {
        self.verifier.as_ref()
    }

    /// Who makes a call with these headers over a connection from `peer`.
    ///
    /// # Errors
    /// Why it cannot be told.
    pub fn identify(&self, headers: &HeaderMap, peer: &Peer) -> Result<Identified, IdentityFault> {
        let bearer = bearer(headers)?;
        if !self.asks() {
            // Settings keep such a server on this machine; whoever reaches it from elsewhere is refused all the same.
            return match (bearer, peer.address) {
                (Some(_), _) => Err(IdentityFault::NoIssuer),
                (None, Some(address)) if !is_of_this_machine(address.ip()) => Err(IdentityFault::Unauthenticated),
                (None, Some(_) | None) => Ok(Identified { identity: Identity::loopback(), until: None }),
            };
        }
        let told = match (bearer, &self.verifier) {
            (Some(token), Some(verifier)) => Some(verifier.read(token, Timestamp::now())?),
            (Some(_), None) => return Err(IdentityFault::NoIssuer),
            (None, _) => None,
        };
        let shown = match (&peer.certificate, &self.certificates) {
            (Some(certificate), Some(certificates)) => certificates.find(certificate),
            (Some(_), None) | (None, _) => Holder::Unknown,
        };
        let held = peer.certificate.as_ref().map(|certificate| certificate.sha256);
        let until = told.as_ref().map(|token| token.until);
        agreed(told, shown, held).map(|identity| Identified { identity, until })
    }
}

/// Who makes a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identified {
    /// Who it is.
    pub identity: Arc<Identity>,
    /// When the token that says so is over, if one does.
    pub until: Option<Timestamp>,
}

/// Who it is by token and certificate together.
fn agreed(told: Option<Verified>, shown: Holder, held: Option<[u8; 32]>) -> Result<Arc<Identity>, IdentityFault> {
    let Some(Verified { identity, bound_to, .. }) = told else {
        return match (shown, held) {
            (Holder::Known(identity), _) => Ok(identity),
            (Holder::Several, _) => Err(SEVERAL),
            (Holder::Unknown, Some(_)) => Err(IdentityFault::CertificateUnknown),
            (Holder::Unknown, None) => Err(IdentityFault::Unauthenticated),
        };
    };
    match (bound_to, shown) {
        // Bound to this very certificate, by the issuer: the token decides.
        (Some(bound), _) if held == Some(bound) => Ok(identity),
        (Some(_), _) => {
            Err(IdentityFault::Contradictory("the token is bound to another certificate than this connection's"))
        }
        (None, Holder::Unknown) => Ok(identity),
        (None, Holder::Known(known)) if known == identity => Ok(identity),
        (None, Holder::Known(_)) => {
            Err(IdentityFault::Contradictory("the certificate speaks for one and the token for another"))
        }
        (None, Holder::Several) => Err(SEVERAL),
    }
}

const SEVERAL: IdentityFault = IdentityFault::Contradictory("the certificate is mapped to several identities");

fn is_of_this_machine(address: IpAddr) -> bool {
    address.to_canonical().is_loopback()
}

/// The token that a call carries. Another scheme, two headers, or a text that is none: refused, not passed over.
fn bearer(headers: &HeaderMap) -> Result<Option<&str>, IdentityFault> {
    let mut stated = headers.get_all(AUTHORIZATION).iter();
    let (first, second) = (stated.next(), stated.next());
    let Some(value) = first else { return Ok(None) };
    if second.is_some() {
        return Err(TokenFault::Malformed("`authorization` is there twice").into());
    }
    let form = || TokenFault::Malformed("`authorization` holds the word Bearer, a space and the token");
    let (scheme, token) = value.to_str().ok().and_then(|text| text.split_once(' ')).ok_or_else(form)?;
    if !scheme.eq_ignore_ascii_case("Bearer") || token.is_empty() {
        return Err(form().into());
    }
    Ok(Some(token))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::grant::Grant;

    const MINE: [u8; 32] = [1; 32];

    fn somebody(actor: &str) -> Arc<Identity> {
        let grant = Grant { roles: Some(vec!["reader".to_owned()]), ..Grant::default() };
        Arc::new(grant.identity(actor).unwrap())
    }

    #[expect(clippy::unnecessary_wraps, reason = "as a call has it")]
    fn token(actor: &str, bound_to: Option<[u8; 32]>) -> Option<Verified> {
        Some(Verified { identity: somebody(actor), bound_to, until: Timestamp::MAX })
    }

    fn open() -> Authenticator {
        Authenticator { verifier: None, certificates: None, _renewal: None }
    }

    fn headers(values: &[&str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(AUTHORIZATION, value.parse().unwrap());
        }
        headers
    }

    #[test]
    fn a_token_decides_only_if_the_certificate_says_nothing_else() {
        let (known, nobody) = (|| Holder::Known(somebody("system")), || Holder::Unknown);
        let contradicts = |outcome| matches!(outcome, Err(IdentityFault::Contradictory(_)));
        assert_eq!(agreed(token("officer", None), nobody(), Some(MINE)).unwrap().actor.as_ref(), "officer");
        assert_eq!(agreed(token("officer", None), nobody(), None).unwrap().actor.as_ref(), "officer");
        assert_eq!(agreed(token("officer", Some(MINE)), known(), Some(MINE)).unwrap().actor.as_ref(), "officer");
        assert_eq!(agreed(token("system", None), known(), Some(MINE)).unwrap().actor.as_ref(), "system");
        assert!(contradicts(agreed(token("officer", None), known(), Some(MINE))));
        assert!(contradicts(agreed(token("system", None), Holder::Several, Some(MINE))));
    }

    #[test]
    fn a_token_bound_to_a_certificate_is_of_no_use_without_it() {
        for held in [None, Some([2; 32])] {
            let outcome = agreed(token("officer", Some(MINE)), Holder::Unknown, held);
            assert!(matches!(outcome, Err(IdentityFault::Contradictory(_))), "{held:?}");
        }
    }

    #[test]
    fn without_a_token_the_certificate_decides() {
        assert_eq!(agreed(None, Holder::Known(somebody("system")), Some(MINE)).unwrap().actor.as_ref(), "system");
        assert_eq!(agreed(None, Holder::Unknown, Some(MINE)), Err(IdentityFault::CertificateUnknown));
        assert_eq!(agreed(None, Holder::Unknown, None), Err(IdentityFault::Unauthenticated));
        assert_eq!(agreed(None, Holder::Several, Some(MINE)), Err(SEVERAL));
    }

    #[test]
    fn a_server_that_asks_for_nothing_serves_this_machine_and_refuses_tokens() {
        let here = Peer { address: Some("[::ffff:127.0.0.1]:1".parse().unwrap()), certificate: None };
        let there = Peer { address: Some("192.0.2.7:1".parse().unwrap()), certificate: None };
        assert_eq!(open().identify(&headers(&[]), &here).unwrap().identity, Identity::loopback());
        assert_eq!(open().identify(&headers(&[]), &there), Err(IdentityFault::Unauthenticated));
        assert_eq!(open().identify(&headers(&["Bearer a.b.c"]), &here), Err(IdentityFault::NoIssuer));
    }

    #[test]
    fn an_authorization_that_is_no_bearer_token_is_refused_and_not_passed_over() {
        for values in [&["Basic abc"][..], &["Bearer"], &["Bearer "], &["Bearer a", "Bearer b"], &[""]] {
            let outcome = open().identify(&headers(values), &Peer::default());
            assert!(matches!(outcome, Err(IdentityFault::Token(TokenFault::Malformed(_)))), "{values:?}");
        }
    }
}
