//! Random names that nobody guesses, and the proof key (PKCE, RFC 7636): whoever ends
//! a signing in shows what only whoever began it knows.

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// A random text of 256 bits: 43 letters, digits, `-` and `_`.
pub fn random() -> String {
    let mut bytes = [0; 32];
    aws_lc_rs::rand::fill(&mut bytes).expect("the machine must give random bytes");
    URL_SAFE_NO_PAD.encode(bytes)
}

/// What is shown of a proof key before it is shown itself: its SHA-256 (`S256`).
pub fn challenge(verifier: &str) -> String {
    URL_SAFE_NO_PAD.encode(digest(&SHA256, verifier.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_challenge_is_that_of_the_standard() {
        // RFC 7636, appendix B.
        let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
        assert_eq!(challenge(verifier), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
    }

    #[test]
    fn a_proof_key_has_the_letters_and_the_length_of_the_standard_and_is_never_the_same() {
        let (one, another) = (random(), random());
        assert_ne!(one, another);
        assert_eq!(one.len(), 43);
        assert!(one.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_'), "{one}");
    }
}
