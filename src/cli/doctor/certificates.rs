//! Certificates, keys and whoever vouches for callers, read as a server reads them
//! when it starts: what it would refuse is told here first. An issuer is another
//! machine and is asked; no key is shown.

use std::sync::Arc;

use jiff::Timestamp;

use super::finding::{Area, Finding};
use crate::access::authenticate::{Authenticator, AuthenticatorFault};
use crate::access::transport::Credentials;
use crate::api::erasure::site;
use crate::api::signin::SigningIn;
use crate::config::{KeySource, Keys, Settings};
use crate::domain::Date;
use crate::store::keyring::{KeyRing, KeyRingError};

/// Days before its end in which a certificate should be replaced, and in which it must be.
const SOON: i64 = 30;
const NOW: i64 = 7;

/// What is found.
pub async fn examine(settings: &Settings, now: Timestamp) -> Vec<Finding> {
    let mut findings = vec![certificate(settings, now)];
    let callers = settings.clone();
    let authenticator = tokio::task::spawn_blocking(move || Authenticator::open(&callers)).await;
    match authenticator {
        Ok(Ok(authenticator)) => {
            findings.extend(callers_are_known(settings));
            findings.extend(signing_in(settings, &Arc::new(authenticator)).await);
        }
        Ok(Err(fault)) => findings.push(callers_are_unknown(&fault)),
        Err(panicked) => findings.push(Finding::unknown(
            Area::Certificates,
            format!("Whether callers can be told: {panicked}"),
            "This is a fault in Steelyard; please report it.",
        )),
    }
    findings.extend(settings.encryption.keys.as_ref().map(ring));
    findings
}

fn certificate(settings: &Settings, now: Timestamp) -> Finding {
    let held = match Credentials::open(&settings.tls, now) {
        Ok(Some(held)) => held,
        Ok(None) => {
            return Finding::note(
                Area::Certificates,
                "There is no certificate: the server can be called from this machine alone.",
                "For other machines set `tls.certificate` and `tls.key`.",
            );
        }
        Err(fault) => {
            let todo = "Put it right: a server that runs goes on with what it has, and none starts with this.";
            return Finding::wrong(Area::Certificates, sentence(&fault.to_string()), todo);
        }
    };
    runs_out(held.expires(), now)
}

fn runs_out(at: Timestamp, now: Timestamp) -> Finding {
    let days = at.duration_since(now).as_hours() / 24;
    let seen = format!("The certificate and its key belong together; it runs out on {}, in {days} days.", on(at));
    let todo = "Write the new certificate and key over the old files: a running server takes them by itself within \
                `tls.reload_seconds`.";
    match days {
        ..NOW => Finding::wrong(Area::Certificates, seen, todo),
        NOW..SOON => Finding::note(Area::Certificates, seen, todo),
        SOON.. => Finding::well(Area::Certificates, seen),
    }
}

fn callers_are_known(settings: &Settings) -> Vec<Finding> {
    let mut findings = Vec::new();
    if let Some(tokens) = &settings.access.tokens {
        let from = match &tokens.keys {
            KeySource::File(path) => path.display().to_string(),
            KeySource::Url { url, .. } => url.clone(),
        };
        let (issuer, audience) = (&tokens.issuer, &tokens.audience);
        let seen = format!("Keys of tokens were read from {from}; believed are tokens of {issuer} for {audience}.");
        findings.push(Finding::well(Area::Certificates, seen));
    }
    if let Some(path) = &settings.access.certificates {
        let seen = format!("{} says whom certificates speak for.", path.display());
        findings.push(Finding::well(Area::Certificates, seen));
    }
    findings
}

fn callers_are_unknown(fault: &AuthenticatorFault) -> Finding {
    let todo = match fault {
        AuthenticatorFault::Keys(_) => {
            "Is the issuer up, can this machine reach it, and is it vouched for (`access.jwks_ca`)? No server starts before \
             the keys can be read once."
        }
        AuthenticatorFault::Certificates(_) => "Correct the file; no server starts with it as it is.",
        AuthenticatorFault::Thread(_) => "Let this user have more threads (`ulimit -u`).",
    };
    Finding::wrong(Area::Certificates, sentence(&fault.to_string()), todo)
}

async fn signing_in(settings: &Settings, authenticator: &Arc<Authenticator>) -> Option<Finding> {
    let signin = settings.signin.as_ref()?;
    let opened = match SigningIn::open(settings, authenticator) {
        Ok(opened) => opened?,
        Err(fault) => {
            let todo = "Put it right; no server starts with it as it is.";
            return Some(Finding::wrong(Area::Certificates, sentence(&fault.to_string()), todo));
        }
    };
    Some(match opened.issuer_answers().await {
        Ok(()) => Finding::well(Area::Certificates, format!("{} says how people sign in.", signin.issuer)),
        Err(fault) => Finding::wrong(
            Area::Certificates,
            format!("Nobody can sign in from a browser: {fault} ({}).", signin.issuer),
            "Is the issuer up, can this machine reach it, and is it vouched for (`signin.issuer_ca`)? The server starts \
             without it.",
        ),
    })
}

fn ring(keys: &Keys) -> Finding {
    match KeyRing::look(&site(keys)) {
        Ok(status) => Finding::well(
            Area::Certificates,
            format!("The key ring can be opened: {} keys, {} destroyed.", status.keys, status.destroyed),
        ),
        Err(KeyRingError::NoRing { path }) => Finding::note(
            Area::Certificates,
            format!("{} is not there.", path.display()),
            "The first start makes it. If this store was sealed before, put the ring back: without it the store is lost.",
        ),
        Err(fault) => Finding::wrong(
            Area::Certificates,
            sentence(&fault.to_string()),
            "Put ring and key back from `encryption.backup_directory`: docs/OPERATIONS.md, Keys and erasure.",
        ),
    }
}

/// The day, in London.
fn on(at: Timestamp) -> String {
    Date::in_london(at).to_string()
}

/// What is said of a setting, ended as a sentence; it begins with the key as it is written.
fn sentence(text: &str) -> String {
    format!("{text}.")
}

#[cfg(test)]
mod tests {
    use super::super::finding::Verdict;
    use super::*;

    #[test]
    fn a_certificate_is_well_then_a_note_and_in_its_last_week_wrong() {
        let now: Timestamp = "2026-11-28T12:00:00Z".parse().unwrap();
        let in_days = |days: i64| runs_out(now + jiff::SignedDuration::from_hours(days * 24), now).verdict;
        assert_eq!([in_days(31), in_days(29), in_days(8)], [Verdict::Well, Verdict::Note, Verdict::Note]);
        assert_eq!([in_days(6), in_days(0)], [Verdict::Wrong, Verdict::Wrong]);
    }
}
