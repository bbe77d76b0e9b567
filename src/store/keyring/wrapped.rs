//! The two files of the ring as bytes. The key-encryption key's is its id and the
//! key; the ring's is wrapped under that key, whole, and names its id.
//!
//! | bytes | the ring's file |
//! |---|---|
//! | 8 | magic `SYRING01` |
//! | 16 | id of the key-encryption key |
//! | 8 | number of this writing, from 1 |
//! | 12, n, 16 | nonce, AES-256-GCM of what follows, tag; bound to all of the above |
//! | 1, 16 | whether the ring is a store's, and the store's id |
//! | 32 | the store key |
//! | 4 | subjects that have a key, or had one |
//! | 1, 32 each | whether the key is there, and the key; zeros where it was destroyed |
//!
//! Nothing here reads or writes files.

use super::cipher::{self, KEY};
use super::error::KeyRingError;

const RING: &[u8; 8] = b"SYRING01";
const KEK: &[u8; 8] = b"SYKEK001";
/// Bytes before the wrapped part.
const HEADER: usize = 8 + 16 + 8;

/// A key-encryption key.
#[derive(Clone, PartialEq, Eq)]
pub struct Kek {
    /// Tells it apart; says nothing of the key.
    pub id: [u8; 16],
    key: [u8; KEY],
}

impl Kek {
    /// A new one.
    ///
    /// # Errors
    /// The machine gave no random bytes.
    pub fn fresh() -> Result<Self, KeyRingError> {
        Ok(Self { id: cipher::random()?, key: cipher::random()? })
    }

    /// Its file.
    pub fn to_bytes(&self) -> Vec<u8> {
        [&KEK[..], &self.id, &self.key].concat()
    }

    /// The key in a file; `None` where it is none.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (id, key) = bytes.strip_prefix(KEK)?.split_first_chunk::<16>()?;
        Some(Self { id: *id, key: key.try_into().ok()? })
    }
}

/// A subject's key, while it is there.
pub type Slot = Option<[u8; KEY]>;

/// What the ring holds.
#[derive(Clone, PartialEq, Eq)]
pub struct Keys {
    /// The store that it belongs to, once it has been used with one.
    pub store_id: Option<[u8; 16]>,
    /// For what concerns no subject.
    pub store_key: [u8; KEY],
    /// By subject.
    pub subjects: Vec<Slot>,
}

/// What the ring's file says without a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Id of the key that it is wrapped under.
    pub kek: [u8; 16],
    /// Number of this writing.
    pub sequence: u64,
}

/// The ring's file.
///
/// # Errors
/// The library refused.
pub fn wrap(keys: &Keys, kek: &Kek, sequence: u64) -> Result<Vec<u8>, KeyRingError> {
    let mut plain = Vec::with_capacity(64 + keys.subjects.len() * (KEY + 1));
    plain.push(u8::from(keys.store_id.is_some()));
    plain.extend_from_slice(&keys.store_id.unwrap_or_default());
    plain.extend_from_slice(&keys.store_key);
    let count = u32::try_from(keys.subjects.len()).map_err(|_| KeyRingError::TooMany(u32::MAX))?;
    plain.extend_from_slice(&count.to_be_bytes());
    for slot in &keys.subjects {
        plain.push(u8::from(slot.is_some()));
        plain.extend_from_slice(&slot.unwrap_or_default());
    }
    let mut bytes = [&RING[..], &kek.id, &sequence.to_be_bytes()].concat();
    let sealed = cipher::seal(&kek.key, &bytes, &plain)?;
    plain.fill(0);
    bytes.extend_from_slice(&sealed);
    Ok(bytes)
}

/// What a ring's file says without a key; `None` where it is none.
pub fn header(bytes: &[u8]) -> Option<Header> {
    let (header, _) = bytes.split_first_chunk::<HEADER>()?;
    let (kek, sequence) = header.strip_prefix(RING)?.split_first_chunk::<16>()?;
    Some(Header { kek: *kek, sequence: u64::from_be_bytes(sequence.try_into().ok()?) })
}

/// The keys in a ring's file; `None` where it is none, or not of this key.
pub fn unwrap(bytes: &[u8], kek: &Kek) -> Option<Keys> {
    header(bytes)?;
    let (bound, sealed) = bytes.split_at_checked(HEADER)?;
    let mut plain = cipher::open(&kek.key, bound, sealed).ok()?;
    let keys = keys(&plain);
    plain.fill(0);
    keys
}

fn keys(plain: &[u8]) -> Option<Keys> {
    let (bound, rest) = plain.split_first()?;
    let (store_id, rest) = rest.split_first_chunk::<16>()?;
    let (store_key, rest) = rest.split_first_chunk::<KEY>()?;
    let (count, rest) = rest.split_first_chunk::<4>()?;
    let (slots, left) = rest.as_chunks::<{ KEY + 1 }>();
    if !left.is_empty() || u32::try_from(slots.len()).ok()? != u32::from_be_bytes(*count) {
        return None;
    }
    let slot = |slot: &[u8; KEY + 1]| {
        let (there, key) = slot.split_first()?;
        let key: [u8; KEY] = key.try_into().ok()?;
        Some((*there == 1).then_some(key))
    };
    let subjects = slots.iter().map(slot).collect::<Option<_>>()?;
    Some(Keys { store_id: (*bound == 1).then_some(*store_id), store_key: *store_key, subjects })
}
