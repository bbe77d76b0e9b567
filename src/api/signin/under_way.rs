//! What is known of a signing in that is under way. It is kept in the browser that
//! began it, sealed: nobody can read or change it there, the server holds nothing for
//! whoever never comes back, and no flood of beginnings drives anybody out.

use std::collections::{HashSet, VecDeque};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use aws_lc_rs::aead::{AES_256_GCM, Aad, Nonce, RandomizedNonceKey};
use aws_lc_rs::constant_time::verify_slices_are_equal;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::proof;

/// How long a signing in may take.
pub const LASTS: Duration = Duration::from_mins(10);
/// Most states remembered as used.
const USED: usize = 10_000;
/// Bytes of a nonce.
const NONCE: usize = 12;
/// What is sealed here is of no use anywhere else.
const FOR: &[u8] = b"steelyard signing in 1";

/// A signing in that was begun.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnderWay {
    /// Comes back with the answer: whoever brings it was sent by us.
    pub state: String,
    /// Comes back in the ID token.
    pub nonce: String,
    /// The proof key.
    pub verifier: String,
    /// Where the issuer sends the browser back to.
    pub redirect: String,
    /// Where it goes on after that.
    pub return_to: String,
    /// When it was begun, in seconds.
    begun: i64,
}

impl UnderWay {
    /// Begins.
    pub fn begin(redirect: String, return_to: &str, now: Timestamp) -> Self {
        Self {
            state: proof::random(),
            nonce: proof::random(),
            verifier: proof::random(),
            redirect,
            return_to: return_to.to_owned(),
            begun: now.as_second(),
        }
    }

    /// Whether an answer with this state belongs to it.
    pub fn is_answered_by(&self, state: &str) -> bool {
        verify_slices_are_equal(self.state.as_bytes(), state.as_bytes()).is_ok()
    }
}

/// Seals what is under way. The key lives as long as the process.
pub struct Seal(RandomizedNonceKey);

impl Seal {
    /// A new key.
    pub fn fresh() -> Self {
        let mut key = [0; 32];
        aws_lc_rs::rand::fill(&mut key).expect("the machine must give random bytes");
        Self(RandomizedNonceKey::new(&AES_256_GCM, &key).expect("a key of 256 bits must be one"))
    }

    /// As it goes into a cookie.
    pub fn seal(&self, under_way: &UnderWay) -> String {
        let mut text = serde_json::to_vec(under_way).expect("texts and a number must make JSON");
        let nonce = self.0.seal_in_place_append_tag(Aad::from(FOR), &mut text).expect("so little must be sealed");
        URL_SAFE_NO_PAD.encode([nonce.as_ref().as_slice(), &text].concat())
    }

    /// What was sealed, if it is ours and not too old.
    pub fn open(&self, sealed: &str, now: Timestamp) -> Option<UnderWay> {
        let mut bytes = URL_SAFE_NO_PAD.decode(sealed).ok()?;
        let (nonce, text) = bytes.split_at_mut_checked(NONCE)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let text = self.0.open_in_place(nonce, Aad::from(FOR), text).ok()?;
        let under_way: UnderWay = serde_json::from_slice(text).ok()?;
        let age = now.as_second().checked_sub(under_way.begun)?;
        u64::try_from(age).is_ok_and(|age| age <= LASTS.as_secs()).then_some(under_way)
    }
}

/// States that were brought back once.
#[derive(Default)]
pub struct Used(Mutex<Remembered>);

#[derive(Default)]
struct Remembered {
    states: HashSet<[u8; 32]>,
    order: VecDeque<(Timestamp, [u8; 32])>,
}

impl Used {
    /// Whether a state is brought back for the first time. Of a flood the oldest are forgotten: the issuer takes no code
    /// twice either.
    pub fn first(&self, state: &str, now: Timestamp) -> bool {
        let mut used = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        while let Some((at, oldest)) = used.order.front().copied()
            && (used.order.len() >= USED || at + LASTS < now)
        {
            used.order.pop_front();
            used.states.remove(&oldest);
        }
        let state = *blake3::hash(state.as_bytes()).as_bytes();
        let first = used.states.insert(state);
        if first {
            used.order.push_back((now, state));
        }
        first
    }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;

    fn now() -> Timestamp {
        "2026-11-28T09:00:00Z".parse().unwrap()
    }

    fn begun() -> UnderWay {
        UnderWay::begin("http://localhost/sign-in/callback".to_owned(), "/lists", now())
    }

    #[test]
    fn what_is_under_way_is_read_by_the_process_that_sealed_it_for_ten_minutes() {
        let (seal, begun) = (Seal::fresh(), begun());
        let sealed = seal.seal(&begun);
        assert_eq!(seal.open(&sealed, now() + SignedDuration::from_mins(10)), Some(begun.clone()));
        assert_eq!(seal.open(&sealed, now() + SignedDuration::from_secs(601)), None);
        assert_eq!(seal.open(&sealed, now() - SignedDuration::from_secs(1)), None);
        assert_eq!(Seal::fresh().open(&sealed, now()), None);
        assert!(!sealed.contains(&begun.verifier));
    }

    #[test]
    fn a_seal_that_was_touched_anywhere_does_not_open() {
        let seal = Seal::fresh();
        let sealed = seal.seal(&begun());
        for place in 0..sealed.len() {
            let mut touched = sealed.clone().into_bytes();
            touched[place] = if touched[place] == b'A' { b'B' } else { b'A' };
            assert_eq!(seal.open(std::str::from_utf8(&touched).unwrap(), now()), None, "{place}");
        }
        for text in ["", "AAAA", "not base64!"] {
            assert_eq!(seal.open(text, now()), None);
        }
    }

    #[test]
    fn a_state_is_good_once_and_belongs_to_one_signing_in() {
        let (used, one, another) = (Used::default(), begun(), begun());
        assert!(one.is_answered_by(&one.state) && !one.is_answered_by(&another.state) && !one.is_answered_by(""));
        assert!(used.first(&one.state, now()));
        assert!(!used.first(&one.state, now()));
        assert!(used.first(&another.state, now()));
        assert!(used.first(&one.state, now() + SignedDuration::from_mins(11)), "nothing opens any more by then");
    }

    #[test]
    fn a_flood_of_states_is_not_remembered_for_ever() {
        let used = Used::default();
        for number in 0..USED * 2 {
            assert!(used.first(&number.to_string(), now()));
        }
        let held = used.0.lock().unwrap();
        assert!(held.states.len() <= USED && held.order.len() == held.states.len());
    }
}
