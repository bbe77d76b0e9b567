//! Frames of a generation, and records of a run's file, sealed under the store's
//! key where there is one: compressed first, as what is sealed compresses no more.
//! What was kept before anything was sealed is read as it is.

use crate::store::StoreError;
use crate::store::keyring::{Bound, KeyId, KeyRing, KeyRingError, Unopened};

/// What a sealed frame begins with. No frame does that is not: the first byte of one is its version.
const MAGIC: &[u8; 8] = b"SYSEALED";
const LEVEL: i32 = 3;
/// Longest frame, uncompressed: more is damage.
const MOST_BYTES: usize = 64 << 20;

/// A frame as it is kept, by its number.
///
/// # Errors
/// The ring's.
pub fn kept(keys: Option<&KeyRing>, number: usize, frame: Vec<u8>) -> Result<Vec<u8>, StoreError> {
    let Some(keys) = keys else { return Ok(frame) };
    let packed = zstd::bulk::compress(&frame, LEVEL).expect("memory must take a compressed frame");
    let length = u32::try_from(frame.len()).expect("a frame must be shorter than 4 GiB");
    let packed = [&length.to_be_bytes()[..], &packed].concat();
    let sealed = keys.seal(KeyId::STORE, &Bound::File(&name(number)), &packed)?;
    Ok([&MAGIC[..], &sealed].concat())
}

/// A frame as it was, by its number.
///
/// # Errors
/// [`StoreError::Keys`]: no keys are given, or it is not what was sealed here.
pub fn opened(keys: Option<&KeyRing>, number: usize, bytes: Vec<u8>) -> Result<Vec<u8>, StoreError> {
    let Some(sealed) = bytes.strip_prefix(MAGIC) else { return Ok(bytes) };
    let what = || name(number);
    let keys = keys.ok_or_else(|| KeyRingError::NotGiven { what: what() })?;
    let broken = |unopened| StoreError::from(KeyRingError::Unopened { what: what(), unopened });
    let packed = keys.unseal(KeyId::STORE, &Bound::File(&name(number)), sealed).map_err(broken)?;
    let (length, packed) = packed.split_first_chunk::<4>().ok_or_else(|| broken(Unopened::Broken))?;
    let length = usize::try_from(u32::from_be_bytes(*length)).ok().filter(|length| *length <= MOST_BYTES);
    let length = length.ok_or_else(|| broken(Unopened::Broken))?;
    zstd::bulk::decompress(packed, length).map_err(|_| broken(Unopened::Broken))
}

fn name(number: usize) -> String {
    format!("generation frame {number}")
}
