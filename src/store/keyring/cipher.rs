//! AES-256-GCM as the ring uses it: a random nonce before the ciphertext, the
//! tag behind it, and what it is bound to beside it. It decides nothing of who
//! may open what.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::rand::{SecureRandom, SystemRandom};

use super::error::{KeyRingError, Unopened};

/// Bytes of a key.
pub const KEY: usize = 32;
/// Bytes that sealing adds.
pub const OVERHEAD: usize = NONCE_LEN + 16;

/// Random bytes of the operating system.
///
/// # Errors
/// It gave none.
pub fn random<const N: usize>() -> Result<[u8; N], KeyRingError> {
    let mut bytes = [0; N];
    SystemRandom::new().fill(&mut bytes).map_err(|_| KeyRingError::Cipher { doing: "drawing random bytes" })?;
    Ok(bytes)
}

/// Seals `plain`, bound to `bound`.
///
/// # Errors
/// The library refused.
pub fn seal(key: &[u8; KEY], bound: &[u8], plain: &[u8]) -> Result<Vec<u8>, KeyRingError> {
    let refused = |_| KeyRingError::Cipher { doing: "sealing" };
    let nonce: [u8; NONCE_LEN] = random()?;
    let mut sealed = Vec::with_capacity(plain.len() + OVERHEAD);
    sealed.extend_from_slice(&nonce);
    sealed.extend_from_slice(plain);
    let (_, text) = sealed.split_at_mut(NONCE_LEN);
    let tag = of(key)
        .map_err(refused)?
        .seal_in_place_separate_tag(Nonce::assume_unique_for_key(nonce), Aad::from(bound), text)
        .map_err(refused)?;
    sealed.extend_from_slice(tag.as_ref());
    Ok(sealed)
}

/// Opens what [`seal`] made.
///
/// # Errors
/// [`Unopened::Broken`].
pub fn open(key: &[u8; KEY], bound: &[u8], sealed: &[u8]) -> Result<Vec<u8>, Unopened> {
    let (nonce, text) = sealed.split_first_chunk::<NONCE_LEN>().ok_or(Unopened::Broken)?;
    let mut text = text.to_vec();
    let key = of(key).map_err(|_| Unopened::Broken)?;
    let opened = key.open_in_place(Nonce::assume_unique_for_key(*nonce), Aad::from(bound), &mut text);
    let length = opened.map_err(|_| Unopened::Broken)?.len();
    text.truncate(length);
    Ok(text)
}

fn of(key: &[u8; KEY]) -> Result<LessSafeKey, aws_lc_rs::error::Unspecified> {
    Ok(LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_sealed_opens_only_whole_under_its_key_and_in_its_place() {
        let (key, other) = ([7; KEY], [8; KEY]);
        let sealed = seal(&key, b"here", b"evidence").unwrap();
        assert_eq!(sealed.len(), b"evidence".len() + OVERHEAD);
        assert!(!sealed.windows(8).any(|part| part == b"evidence"));
        assert_eq!(open(&key, b"here", &sealed).as_deref(), Ok(&b"evidence"[..]));
        assert_eq!(open(&other, b"here", &sealed), Err(Unopened::Broken));
        assert_eq!(open(&key, b"there", &sealed), Err(Unopened::Broken));
        for byte in 0..sealed.len() {
            let mut flipped = sealed.clone();
            flipped[byte] ^= 1;
            assert_eq!(open(&key, b"here", &flipped), Err(Unopened::Broken), "byte {byte}");
            assert_eq!(open(&key, b"here", &sealed[..byte]), Err(Unopened::Broken), "{byte} bytes");
        }
    }

    #[test]
    fn the_same_text_is_never_sealed_into_the_same_bytes() {
        let key = [7; KEY];
        assert_ne!(seal(&key, b"", b"evidence").unwrap(), seal(&key, b"", b"evidence").unwrap());
    }
}
