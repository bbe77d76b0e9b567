//! Frames of a generation, and records of a run's file, sealed under the store's
//! key where there is one: compressed first, as what is sealed compresses no more.
//! What was kept before anything was sealed is read as it is.

use crate::store::StoreError;
use crate::store::keyring::{Bound, KeyId, KeyRing, KeyRingError, Unopened};

/// What everything sealed here begins with. What is not sealed does not: the first byte of a frame is its version, and those of a
/// record are a subject's number, which no force reaches.
const MAGIC: &[u8; 8] = b"SYSEALED";
const RECORD: &str = "record of a run";
const LEVEL: i32 = 3;
/// Longest frame, uncompressed: more is damage.
const MOST_BYTES: usize = 64 << 20;

/// A frame as it is kept, by its number.
///
/// # Errors
/// The ring's.
pub fn kept(keys: Option<&KeyRing>, number: usize, frame: Vec<u8>) -> Result<Vec<u8>, StoreError> {
    sealed(keys, &name(number), frame)
}

/// A record of a run's file as it is kept.
///
/// # Errors
/// The ring's.
pub fn record(keys: Option<&KeyRing>, record: Vec<u8>) -> Result<Vec<u8>, StoreError> {
    sealed(keys, RECORD, record)
}

fn sealed(keys: Option<&KeyRing>, name: &str, bytes: Vec<u8>) -> Result<Vec<u8>, StoreError> {
    let Some(keys) = keys else { return Ok(bytes) };
    let packed = zstd::bulk::compress(&bytes, LEVEL).expect("memory must take what is compressed");
    let length = u32::try_from(bytes.len()).expect("frames and records must be shorter than 4 GiB");
    let packed = [&length.to_be_bytes()[..], &packed].concat();
    let sealed = keys.seal(KeyId::STORE, &Bound::File(name), &packed)?;
    Ok([&MAGIC[..], &sealed].concat())
}

/// A frame as it was, by its number.
///
/// # Errors
/// [`StoreError::Keys`]: no keys are given, or it is not what was sealed here.
pub fn opened(keys: Option<&KeyRing>, number: usize, bytes: Vec<u8>) -> Result<Vec<u8>, StoreError> {
    unsealed(keys, &name(number), bytes)
}

/// A record of a run's file as it was.
///
/// # Errors
/// As [`opened`].
pub fn opened_record(keys: Option<&KeyRing>, bytes: Vec<u8>) -> Result<Vec<u8>, StoreError> {
    unsealed(keys, RECORD, bytes)
}

fn unsealed(keys: Option<&KeyRing>, name: &str, bytes: Vec<u8>) -> Result<Vec<u8>, StoreError> {
    let Some(sealed) = bytes.strip_prefix(MAGIC) else { return Ok(bytes) };
    let what = || name.to_owned();
    let keys = keys.ok_or_else(|| KeyRingError::NotGiven { what: what() })?;
    let broken = |unopened| StoreError::from(KeyRingError::Unopened { what: what(), unopened });
    let packed = keys.unseal(KeyId::STORE, &Bound::File(name), sealed).map_err(broken)?;
    let (length, packed) = packed.split_first_chunk::<4>().ok_or_else(|| broken(Unopened::Broken))?;
    let length = usize::try_from(u32::from_be_bytes(*length)).ok().filter(|length| *length <= MOST_BYTES);
    let length = length.ok_or_else(|| broken(Unopened::Broken))?;
    zstd::bulk::decompress(packed, length).map_err(|_| broken(Unopened::Broken))
}

fn name(number: usize) -> String {
    format!("generation frame {number}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::keyring::Site;

    #[test]
    fn frames_and_records_of_a_run_are_sealed_each_in_its_place() {
        let home = tempfile::tempdir().unwrap();
        let keys = KeyRing::open(&Site::within(home.path())).unwrap();
        keys.bind([7; 16], false).unwrap();
        let plain = b"points of somebody".repeat(9);
        let (frame, record) =
            (kept(Some(&keys), 3, plain.clone()).unwrap(), record(Some(&keys), plain.clone()).unwrap());
        for sealed in [&frame, &record] {
            assert!(!sealed.windows(6).any(|part| part == b"points"));
        }
        assert_eq!(opened(Some(&keys), 3, frame.clone()).unwrap(), plain);
        assert_eq!(opened_record(Some(&keys), record.clone()).unwrap(), plain);
        // Not in another place, and not without the keys; what was kept open before is read as it is.
        assert!(opened(Some(&keys), 4, frame.clone()).is_err() && opened_record(Some(&keys), frame).is_err());
        assert!(opened_record(None, record).is_err());
        assert_eq!(opened_record(None, plain.clone()).unwrap(), plain);
    }
}
