//! Codes, each good once, for a minute, for the one who asked for it; and refresh
//! tokens, each good once. Both are held by a digest.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::people::Person;

/// How long a code is good.
pub const CODE_LASTS: Duration = Duration::from_mins(1);
/// Most codes and most refresh tokens.
const MOST: usize = 10_000;

/// What a code was given for.
#[derive(Clone, Debug)]
pub struct Code {
    /// Who chose to sign in.
    pub person: &'static Person,
    /// Who asked.
    pub client: String,
    /// Where it was sent.
    pub redirect: String,
    /// SHA-256 of the proof key.
    pub challenge: String,
    /// Goes into the ID token.
    pub nonce: Option<String>,
}

impl Code {
    /// Whether whoever shows it is whoever asked for it.
    pub fn is_of(&self, client: &str, redirect: &str, verifier: &str) -> bool {
        let challenge = URL_SAFE_NO_PAD.encode(digest(&SHA256, verifier.as_bytes()));
        self.client == client && self.redirect == redirect && self.challenge == challenge && verifier.len() >= 43
    }
}

/// What was given out and not yet brought back.
pub struct Given<T> {
    lasts: Duration,
    held: Mutex<HashMap<[u8; 32], (T, Instant)>>,
}

impl<T> Given<T> {
    /// Nothing yet; each thing is good for so long.
    pub fn lasting(lasts: Duration) -> Self {
        Self { lasts, held: Mutex::default() }
    }

    /// Gives something out: the text that brings it back. `None`: too much is out already.
    pub fn give(&self, thing: T) -> Option<String> {
        let mut bytes = [0; 32];
        aws_lc_rs::rand::fill(&mut bytes).expect("the machine must give random bytes");
        let text = URL_SAFE_NO_PAD.encode(bytes);
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.retain(|_, (_, at)| at.elapsed() < self.lasts);
        if held.len() >= MOST {
            return None;
        }
        held.insert(key(&text), (thing, Instant::now()));
        Some(text)
    }

    /// What a text brings back, once.
    pub fn take(&self, text: &str) -> Option<T> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.remove(&key(text)).filter(|(_, at)| at.elapsed() < self.lasts).map(|(thing, _)| thing)
    }
}

fn key(text: &str) -> [u8; 32] {
    *blake3::hash(text.as_bytes()).as_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_given_is_taken_once_and_in_time() {
        let given = Given::lasting(Duration::from_mins(1));
        let text = given.give(7).unwrap();
        assert_eq!((given.take("other"), given.take(&text), given.take(&text)), (None, Some(7), None));
        let late = Given::lasting(Duration::ZERO);
        let text = late.give(7).unwrap();
        assert_eq!(late.take(&text), None);
    }

    #[test]
    fn a_code_is_of_its_client_its_redirect_and_its_proof_key() {
        // RFC 7636, appendix B.
        let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
        let code = Code {
            person: &super::super::people::PEOPLE[0],
            client: "c".to_owned(),
            redirect: "r".to_owned(),
            challenge: "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM".to_owned(),
            nonce: None,
        };
        assert!(code.is_of("c", "r", verifier));
        assert!(!code.is_of("d", "r", verifier) && !code.is_of("c", "s", verifier) && !code.is_of("c", "r", "v"));
    }
}
