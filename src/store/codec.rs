//! The frame around every stored value, so that a value is read back exactly
//! as it was written or not at all.
//!
//! | bytes | what |
//! |---|---|
//! | 2 | magic `SY` |
//! | 1 | codec version |
//! | 1 | flags: encrypted, compressed (reserved, refused), first part, further part |
//! | 4 | key id (0: not encrypted) |
//! | 2 | schema version of the payload |
//! | 2 | length of what follows, without the checksum |
//! | 10 | first part only: number of parts, length of the whole, crc32c of the whole |
//! | n | payload |
//! | 4 | crc32c over the *key*, then all of the above |
//!
//! Numbers are big-endian. The checksum takes in the key, so that a sound value
//! under a wrong key is found out. A frame is at most 4 KiB: sled moves tree
//! nodes over 128 KiB to files that it never syncs. A longer value continues
//! under `<key>/<number>`; the first part holds the checksum of the whole, so
//! that parts of two versions never pass for one value.
//!
//! A value that is encrypted is sealed whole before it is framed, and names its
//! key in every part: what is damaged is told without the key.
//!
//! Nothing here panics on stored bytes, and nothing here reads or writes them.

use super::error::{Fault, Unfit};
use super::keys::Key;
use super::place::Place;

/// Longest frame, bytes.
pub const MAX_FRAME: usize = 4096;
/// Longest value, bytes. Bounds what a damaged length can make a reader allocate.
pub const MAX_VALUE: usize = 16 << 20;
/// Longest value that is one frame, bytes.
pub const MAX_WHOLE: usize = MAX_FRAME - HEADER - CHECKSUM;

const MAGIC: [u8; 2] = *b"SY";
const CODEC_VERSION: u8 = 1;
const HEADER: usize = 12;
const FIRST_HEADER: usize = 10;
const CHECKSUM: usize = 4;
const MAX_FIRST: usize = MAX_WHOLE - FIRST_HEADER;

const ENCRYPTED: u8 = 1;
const COMPRESSED: u8 = 1 << 1;
const FIRST: u8 = 1 << 2;
const FURTHER: u8 = 1 << 3;

/// A frame that has been checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame<'a> {
    /// Version of the payload's schema.
    pub schema_version: u16,
    /// Key that the value is sealed under; 0: it is not.
    pub key_id: u32,
    /// Whether it is all of the value.
    pub part: Part,
    /// The value, or this part of it.
    pub payload: &'a [u8],
}

/// What a frame is of its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// All of it.
    Whole,
    /// The first of several parts.
    First {
        /// How many parts there are, at least 2.
        frames: u16,
        /// Length of the whole, bytes.
        total: usize,
        /// crc32c of the whole.
        checksum: u32,
    },
    /// One of the parts after the first.
    Further,
}

impl Part {
    /// Frames that the value takes, as told by its first.
    pub const fn frames(self) -> u16 {
        match self {
            Self::Whole | Self::Further => 1,
            Self::First { frames, .. } => frames,
        }
    }
}

/// Frames values; keeps its buffer between them.
#[derive(Debug, Default)]
pub struct Encoder {
    frame: Vec<u8>,
}

impl Encoder {
    /// Hands `put` each key and frame that keep `payload` under `key`, in order, and says how many there were.
    ///
    /// # Errors
    /// The value is longer than the store keeps; nothing was handed over.
    pub fn encode(
        &mut self,
        key: &Key,
        schema_version: u16,
        payload: &[u8],
        put: impl FnMut(&Key, &[u8]),
    ) -> Result<u16, Unfit> {
        self.encode_under(key, 0, schema_version, payload, put)
    }

    /// As [`encode`](Self::encode), of a payload that was sealed under a key. 0: it was not.
    ///
    /// # Errors
    /// As [`encode`](Self::encode).
    pub fn encode_under(
        &mut self,
        key: &Key,
        key_id: u32,
        schema_version: u16,
        payload: &[u8],
        mut put: impl FnMut(&Key, &[u8]),
    ) -> Result<u16, Unfit> {
        let sealed = if key_id == 0 { 0 } else { ENCRYPTED };
        if payload.len() <= MAX_WHOLE {
            self.frame(key, (sealed, key_id), schema_version, &[], payload);
            put(key, &self.frame);
            return Ok(1);
        }
        let too_long = || Unfit::TooLong { place: Place::of(key.as_ref()), bytes: payload.len(), most: MAX_VALUE };
        if payload.len() > MAX_VALUE {
            return Err(too_long());
        }
        let frames = u16::try_from(frames_of(payload.len())).map_err(|_| too_long())?;
        let total = u32::try_from(payload.len()).map_err(|_| too_long())?;
        let mut whole = [0; FIRST_HEADER];
        whole[..2].copy_from_slice(&frames.to_be_bytes());
        whole[2..6].copy_from_slice(&total.to_be_bytes());
        whole[6..].copy_from_slice(&crc32c::crc32c(payload).to_be_bytes());

        let (first, rest) = payload.split_at(MAX_FIRST);
        self.frame(key, (sealed | FIRST, key_id), schema_version, &whole, first);
        put(key, &self.frame);
        for (number, piece) in (1_u16..).zip(rest.chunks(MAX_WHOLE)) {
            let key = key.chunk(number);
            self.frame(&key, (sealed | FURTHER, key_id), schema_version, &[], piece);
            put(&key, &self.frame);
        }
        Ok(frames)
    }

    fn frame(&mut self, key: &Key, (flags, key_id): (u8, u32), schema_version: u16, extra: &[u8], payload: &[u8]) {
        let length = u16::try_from(extra.len() + payload.len()).expect("a frame must be at most 4 KiB");
        let frame = &mut self.frame;
        frame.clear();
        frame.extend_from_slice(&MAGIC);
        frame.extend_from_slice(&[CODEC_VERSION, flags]);
        frame.extend_from_slice(&key_id.to_be_bytes());
        frame.extend_from_slice(&schema_version.to_be_bytes());
        frame.extend_from_slice(&length.to_be_bytes());
        frame.extend_from_slice(extra);
        frame.extend_from_slice(payload);
        let checksum = checksum(key.as_ref(), frame);
        frame.extend_from_slice(&checksum.to_be_bytes());
    }
}

/// Checks one frame found under `key`.
///
/// # Errors
/// The first thing wrong with it.
pub fn decode<'a>(key: &[u8], bytes: &'a [u8]) -> Result<Frame<'a>, Fault> {
    let size = Fault::Size { found: bytes.len() };
    if bytes.len() > MAX_FRAME {
        return Err(size);
    }
    let (sealed, trailer) = bytes.split_last_chunk::<CHECKSUM>().ok_or(size.clone())?;
    let (header, body) = sealed.split_first_chunk::<HEADER>().ok_or(size)?;
    let [m0, m1, codec, flags, k0, k1, k2, k3, s0, s1, l0, l1] = *header;
    if [m0, m1] != MAGIC {
        return Err(Fault::Magic);
    }
    if codec != CODEC_VERSION {
        return Err(Fault::Codec { found: codec });
    }
    if u32::from_be_bytes(*trailer) != checksum(key, sealed) {
        return Err(Fault::Checksum);
    }
    let key_id = u32::from_be_bytes([k0, k1, k2, k3]);
    if flags & COMPRESSED != 0 {
        return Err(Fault::Compressed);
    }
    if (flags & ENCRYPTED != 0) != (key_id != 0) {
        return Err(Fault::KeyId { key_id });
    }
    let says = usize::from(u16::from_be_bytes([l0, l1]));
    if says != body.len() {
        return Err(Fault::Length { says, found: body.len() });
    }
    let (part, payload) = match flags & !ENCRYPTED {
        0 => (Part::Whole, body),
        FURTHER => (Part::Further, body),
        FIRST => first_part(body)?,
        found => return Err(Fault::Flags { found }),
    };
    Ok(Frame { schema_version: u16::from_be_bytes([s0, s1]), key_id, part, payload })
}

fn first_part(body: &[u8]) -> Result<(Part, &[u8]), Fault> {
    let (whole, payload) = body.split_first_chunk::<FIRST_HEADER>().ok_or(Fault::Size { found: body.len() })?;
    let [f0, f1, t0, t1, t2, t3, c0, c1, c2, c3] = *whole;
    let frames = u16::from_be_bytes([f0, f1]);
    let total = usize::try_from(u32::from_be_bytes([t0, t1, t2, t3])).unwrap_or(usize::MAX);
    if total <= MAX_WHOLE || total > MAX_VALUE || frames_of(total) != usize::from(frames) || payload.len() != MAX_FIRST
    {
        return Err(Fault::Parts { frames, total });
    }
    Ok((Part::First { frames, total, checksum: u32::from_be_bytes([c0, c1, c2, c3]) }, payload))
}

/// A whole value, put together from all its frames.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Value {
    /// Version of the payload's schema.
    pub schema_version: u16,
    /// Key that the payload is sealed under; 0: it is not.
    pub key_id: u32,
    /// The value.
    pub payload: Vec<u8>,
}

/// Puts together the value whose first frame is `first`; `fetch` reads the further parts.
///
/// # Errors
/// The key that is at fault, with its fault, through `corrupt`; or what `fetch` fails with.
pub fn assemble<V: AsRef<[u8]>, E>(
    key: &Key,
    first: &[u8],
    mut fetch: impl FnMut(&Key) -> Result<Option<V>, E>,
    corrupt: impl Fn(&Key, Fault) -> E,
) -> Result<Value, E> {
    let frame = decode(key.as_ref(), first).map_err(|fault| corrupt(key, fault))?;
    let (schema_version, key_id) = (frame.schema_version, frame.key_id);
    let (frames, total, checksum) = match frame.part {
        Part::Whole => return Ok(Value { schema_version, key_id, payload: frame.payload.to_vec() }),
        Part::Further => return Err(corrupt(key, Fault::PartMisplaced)),
        Part::First { frames, total, checksum } => (frames, total, checksum),
    };
    let mut payload = Vec::with_capacity(total);
    payload.extend_from_slice(frame.payload);
    for number in 1..frames {
        let place = key.chunk(number);
        let bytes = fetch(&place)?.ok_or_else(|| corrupt(key, Fault::PartMissing { chunk: number }))?;
        let piece = decode(place.as_ref(), bytes.as_ref()).map_err(|fault| corrupt(&place, fault))?;
        match piece.part {
            Part::Further if (piece.schema_version, piece.key_id) == (schema_version, key_id) => {
                payload.extend_from_slice(piece.payload);
            }
            Part::Further => return Err(corrupt(key, Fault::PartsDiffer)),
            Part::Whole | Part::First { .. } => return Err(corrupt(&place, Fault::PartMisplaced)),
        }
    }
    if payload.len() == total && crc32c::crc32c(&payload) == checksum {
        Ok(Value { schema_version, key_id, payload })
    } else {
        Err(corrupt(key, Fault::PartsDiffer))
    }
}

/// Frames that a value of more than one takes.
const fn frames_of(total: usize) -> usize {
    1 + total.saturating_sub(MAX_FIRST).div_ceil(MAX_WHOLE)
}

fn checksum(key: &[u8], sealed: &[u8]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c(key), sealed)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;
    use crate::domain::Revision;

    type Frames = BTreeMap<Vec<u8>, Vec<u8>>;

    fn key() -> Key {
        Key::event(Revision(17))
    }

    fn frames(payload: &[u8]) -> Frames {
        let mut frames = Frames::new();
        let put = |key: &Key, frame: &[u8]| assert!(frames.insert(key.as_ref().to_vec(), frame.to_vec()).is_none());
        let count = Encoder::default().encode(&key(), 1, payload, put).unwrap();
        assert_eq!(usize::from(count), frames.len());
        frames
    }

    fn read(frames: &Frames) -> Result<Vec<u8>, Fault> {
        let first = frames.get(key().as_ref()).ok_or(Fault::PartMissing { chunk: 0 })?;
        let fetch = |part: &Key| Ok(frames.get(part.as_ref()));
        assemble(&key(), first, fetch, |_, fault| fault).map(|value| value.payload)
    }

    /// Lengths on both sides of every limit.
    fn payload() -> impl Strategy<Value = Vec<u8>> {
        let length = prop_oneof![
            0_usize..64,
            MAX_WHOLE - 3..MAX_WHOLE + 3,
            MAX_FIRST + MAX_WHOLE - 3..MAX_FIRST + MAX_WHOLE + 3,
            0_usize..20_000
        ];
        (length, any::<u64>()).prop_map(|(length, seed)| {
            let mut bytes = vec![0; length];
            blake3::Hasher::new().update(&seed.to_be_bytes()).finalize_xof().fill(&mut bytes);
            bytes
        })
    }

    proptest! {
        #[test]
        fn a_value_is_read_as_written_and_no_frame_is_too_long(payload in payload()) {
            let frames = frames(&payload);
            prop_assert!(frames.values().all(|frame| frame.len() <= MAX_FRAME));
            prop_assert_eq!(frames.len() == 1, payload.len() <= MAX_WHOLE);
            prop_assert_eq!(read(&frames), Ok(payload));
        }

        #[test]
        fn a_flipped_bit_is_an_error(payload in payload(), frame: prop::sample::Index, bit: prop::sample::Index) {
            let mut frames = frames(&payload);
            let frame = frame.index(frames.len());
            let bytes = frames.values_mut().nth(frame).unwrap();
            let bit = bit.index(bytes.len() * 8);
            bytes[bit / 8] ^= 1 << (bit % 8);
            prop_assert!(read(&frames).is_err());
        }

        #[test]
        fn a_truncated_or_lengthened_frame_is_an_error(
            payload in payload(),
            frame: prop::sample::Index,
            length: prop::sample::Index,
            more in vec(any::<u8>(), 1..20),
        ) {
            let (mut short, mut long) = (frames(&payload), frames(&payload));
            let frame = frame.index(short.len());
            let bytes = short.values_mut().nth(frame).unwrap();
            bytes.truncate(length.index(bytes.len()));
            long.values_mut().nth(frame).unwrap().extend(more);
            prop_assert!(read(&short).is_err());
            prop_assert!(read(&long).is_err());
        }

        #[test]
        fn a_missing_frame_is_an_error(payload in payload(), frame: prop::sample::Index) {
            let mut frames = frames(&payload);
            let gone = frames.keys().nth(frame.index(frames.len())).unwrap().clone();
            frames.remove(&gone);
            prop_assert!(read(&frames).is_err());
        }

        #[test]
        fn arbitrary_bytes_are_an_error(bytes in vec(any::<u8>(), 0..200), magic: bool) {
            let header: &[u8] = if magic { b"SY\x01" } else { b"" };
            prop_assert!(decode(key().as_ref(), &[header, &bytes].concat()).is_err());
        }

        /// A checksum proves nothing against a writer gone wrong: sealed nonsense must not be trusted either.
        #[test]
        fn sealed_nonsense_never_panics(
            flags in prop::sample::select(&[0, FIRST, FURTHER, FIRST | FURTHER, ENCRYPTED, COMPRESSED, 0x80][..]),
            key_id in 0_u32..2,
            says in prop::option::of(any::<u16>()),
            body in vec(any::<u8>(), 0..200),
        ) {
            let says = says.unwrap_or(u16::try_from(body.len()).unwrap());
            let mut bytes = [&b"SY\x01"[..], &[flags], &key_id.to_be_bytes(), &[0, 1], &says.to_be_bytes(), &body].concat();
            let sum = checksum(key().as_ref(), &bytes);
            bytes.extend(sum.to_be_bytes());
            let named = key_id == u32::from(flags & ENCRYPTED != 0);
            let sound = matches!(flags, 0 | FURTHER | ENCRYPTED) && named && usize::from(says) == body.len();
            prop_assert_eq!(decode(key().as_ref(), &bytes).is_ok(), sound);
            let whole = read(&Frames::from([(key().as_ref().to_vec(), bytes)]));
            prop_assert_eq!(whole.ok(), (sound && flags != FURTHER).then_some(body));
        }
    }

    #[test]
    fn a_sound_value_under_another_key_is_an_error() {
        let frames = frames(b"evidence");
        let frame = &frames[key().as_ref()];
        assert!(decode(key().as_ref(), frame).is_ok());
        assert_eq!(decode(Key::event(Revision(18)).as_ref(), frame), Err(Fault::Checksum));
    }

    #[test]
    fn a_frame_of_a_newer_codec_is_refused_by_name() {
        let mut frame = frames(b"evidence").remove(key().as_ref()).unwrap();
        frame[2] = CODEC_VERSION + 1;
        assert_eq!(decode(key().as_ref(), &frame), Err(Fault::Codec { found: CODEC_VERSION + 1 }));
    }

    #[test]
    fn the_longest_value_is_kept_and_a_longer_one_refused() {
        let longest = vec![7; MAX_VALUE];
        assert_eq!(read(&frames(&longest)).as_deref(), Ok(&*longest));
        let refused = Encoder::default().encode(&key(), 1, &vec![7; MAX_VALUE + 1], |_, _| panic!("nothing is put"));
        assert!(matches!(refused, Err(Unfit::TooLong { .. })));
    }
}
