//! Page tokens: where a page ended, of which snapshot, for which arguments, in
//! a form that a client can carry and cannot alter. A token holds no name, no
//! reference and no score; it proves that this server made it.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::pins::PinId;
use super::query::Cursor;
use crate::domain::SubjectId;

/// Which store a token is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoreIdentity {
    /// Given to the store when it was made.
    pub store: [u8; 16],
    /// Given anew after every restore that may have dropped revisions.
    pub incarnation: u64,
}

/// 16 bytes that stand for the arguments of a request and the scope of its caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Digest([u8; 16]);

impl Digest {
    /// Of these parts, in order; parts never run into one another.
    pub fn of(parts: &[&[u8]]) -> Self {
        let mut hasher = blake3::Hasher::new();
        for part in parts {
            hasher.update(&(part.len() as u64).to_be_bytes());
            hasher.update(part);
        }
        Self(front(hasher.finalize().as_bytes()))
    }
}

/// What a token says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ticket {
    /// The snapshot.
    pub pin: PinId,
    /// Where the page ended.
    pub cursor: Cursor,
    /// Arguments and scope that it was made for.
    pub digest: Digest,
}

/// Why a token is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Not one that this server made.
    #[error("the page token is not one that this server made")]
    Invalid,
    /// Made for other arguments, or for a caller of another scope.
    #[error("the page token was made for other arguments")]
    OtherArguments,
    /// Made by another store.
    #[error("the page token was made by another store")]
    AnotherStore,
    /// Made by another incarnation of this store.
    #[error("the page token was made before the store was restored")]
    Restored,
    /// Its snapshot is no longer held.
    #[error("the page token's snapshot is no longer held: ask again from the first page")]
    Expired,
}

/// Makes page tokens and reads them back.
///
/// The key outlives the process and belongs to one store; `process` is drawn anew at each start, so that
/// a token from before a restart is known as expired and not taken for a forgery.
pub struct Tokens {
    key: [u8; 32],
    identity: StoreIdentity,
    process: u64,
}

/// Stands for the process in a token that outlives it. Random numbers of processes are never this one.
const LASTING: u64 = 0;

const VERSION: u8 = 1;
const SIGNED: usize = 69;
const LENGTH: usize = SIGNED + 16;

/// A token's fields, in order, each of fixed width and big-endian.
struct Fields {
    identity: StoreIdentity,
    process: u64,
    ticket: Ticket,
}

impl Tokens {
    /// Tokens under a key.
    pub const fn new(key: [u8; 32], identity: StoreIdentity, process: u64) -> Self {
        Self { key, identity, process }
    }

    /// The token of a ticket: 114 characters that need no escaping in a URL.
    pub fn seal(&self, ticket: &Ticket) -> String {
        self.sealed(ticket, self.process)
    }

    fn sealed(&self, ticket: &Ticket, process: u64) -> String {
        let fields = Fields { identity: self.identity, process, ticket: *ticket };
        let mut bytes = [0; LENGTH];
        let (signed, mac) = bytes.split_at_mut(SIGNED);
        signed.copy_from_slice(&fields.to_bytes());
        mac.copy_from_slice(&self.mac(signed));
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Reads a token made for the arguments and scope of `digest`. That its snapshot is still held is
    /// for [`Pins::get`](super::pins::Pins::get) to say.
    ///
    /// # Errors
    /// In this order: not a whole token; of another store; of another incarnation of this one; not of this
    /// server's making; of other arguments; of an earlier process.
    ///
    /// The key of another store or incarnation is not known here, so these two are told by the plain fields and are
    /// not proven. It does not matter: either way the token is refused, and whoever alters one only deceives themselves.
    pub fn open(&self, token: &str, digest: Digest) -> Result<Ticket, TokenError> {
        let fields = self.opened(token, digest)?;
        if fields.process == self.process { Ok(fields.ticket) } else { Err(TokenError::Expired) }
    }

    fn opened(&self, token: &str, digest: Digest) -> Result<Fields, TokenError> {
        let mut bytes = [0; LENGTH.next_multiple_of(3)];
        if URL_SAFE_NO_PAD.decode_slice(token, &mut bytes) != Ok(LENGTH) {
            return Err(TokenError::Invalid);
        }
        let (signed, mac) = bytes[..LENGTH].split_at(SIGNED);
        let fields = Fields::from_bytes(signed.try_into().expect("split at this length above"))?;
        if fields.identity.store != self.identity.store {
            return Err(TokenError::AnotherStore);
        }
        if fields.identity.incarnation != self.identity.incarnation {
            return Err(TokenError::Restored);
        }
        if !equal(&self.mac(signed), mac) {
            return Err(TokenError::Invalid);
        }
        if fields.ticket.digest != digest {
            return Err(TokenError::OtherArguments);
        }
        Ok(fields)
    }

    /// As [`seal`](Self::seal), for pages of what outlives this process: the pin is a number that keeps its meaning.
    pub fn seal_lasting(&self, ticket: &Ticket) -> String {
        self.sealed(ticket, LASTING)
    }

    /// Opens what [`seal_lasting`](Self::seal_lasting) made.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_lasting(&self, token: &str, digest: Digest) -> Result<Ticket, TokenError> {
        let fields = self.opened(token, digest)?;
        if fields.process == LASTING { Ok(fields.ticket) } else { Err(TokenError::OtherArguments) }
    }

    fn mac(&self, signed: &[u8]) -> [u8; 16] {
        front(blake3::keyed_hash(&self.key, signed).as_bytes())
    }
}

impl Fields {
    fn to_bytes(&self) -> [u8; SIGNED] {
        let Ticket { pin, cursor, digest } = self.ticket;
        let mut bytes = [0; SIGNED];
        let mut rest = &mut bytes[..];
        let mut put = |field: &[u8]| {
            let (own, after) = std::mem::take(&mut rest).split_at_mut(field.len());
            own.copy_from_slice(field);
            rest = after;
        };
        put(&[VERSION]);
        put(&self.identity.store);
        put(&self.identity.incarnation.to_be_bytes());
        put(&self.process.to_be_bytes());
        put(&pin.0.to_be_bytes());
        put(&digest.0);
        put(&cursor.last.0.to_be_bytes());
        put(&cursor.matched.to_be_bytes());
        let (fields, sum) = bytes.split_at_mut(SIGNED - 4);
        sum.copy_from_slice(&crc32c::crc32c(fields).to_be_bytes());
        bytes
    }

    /// The sum tells a damaged token from one of another store, whose key is not known here.
    fn from_bytes(bytes: &[u8; SIGNED]) -> Result<Self, TokenError> {
        let mut rest = &bytes[..];
        let version: [u8; 1] = take(&mut rest);
        let store = take(&mut rest);
        let incarnation = u64::from_be_bytes(take(&mut rest));
        let process = u64::from_be_bytes(take(&mut rest));
        let pin = PinId(u64::from_be_bytes(take(&mut rest)));
        let digest = Digest(take(&mut rest));
        let last = SubjectId(u32::from_be_bytes(take(&mut rest)));
        let matched = u32::from_be_bytes(take(&mut rest));
        let sum = u32::from_be_bytes(take(&mut rest));
        if version != [VERSION] || sum != crc32c::crc32c(&bytes[..SIGNED - 4]) {
            return Err(TokenError::Invalid);
        }
        Ok(Self {
            identity: StoreIdentity { store, incarnation },
            process,
            ticket: Ticket { pin, cursor: Cursor { last, matched }, digest },
        })
    }
}

fn take<const N: usize>(rest: &mut &[u8]) -> [u8; N] {
    let (own, after) = rest.split_first_chunk().expect("fields must sum to the length signed");
    *rest = after;
    *own
}

fn front(hash: &[u8; 32]) -> [u8; 16] {
    *hash.first_chunk().expect("16 must be at most 32")
}

/// In a time that does not depend on where they differ.
fn equal(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len() && a.iter().zip(b).fold(0, |differing, (a, b)| differing | (a ^ b)) == 0
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const HERE: StoreIdentity = StoreIdentity { store: [7; 16], incarnation: 3 };

    fn tokens() -> Tokens {
        Tokens::new([9; 32], HERE, 40)
    }

    fn ticket(pin: u64, last: u32, matched: u32) -> Ticket {
        let cursor = Cursor { last: SubjectId(last), matched };
        Ticket { pin: PinId(pin), cursor, digest: Digest::of(&[b"OUTSTANDING", b"50"]) }
    }

    proptest! {
        #[test]
        fn a_token_reads_as_it_was_made(pin: u64, last: u32, matched: u32) {
            let ticket = ticket(pin, last, matched);
            let token = tokens().seal(&ticket);
            prop_assert!(token.len() < 512);
            prop_assert_eq!(tokens().open(&token, ticket.digest), Ok(ticket));
        }

        #[test]
        fn no_text_makes_the_reader_panic(text in ".{0,300}") {
            prop_assert_eq!(tokens().open(&text, Digest::of(&[])), Err(TokenError::Invalid));
        }

        #[test]
        fn no_bytes_make_the_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let text = URL_SAFE_NO_PAD.encode(bytes);
            prop_assert_eq!(tokens().open(&text, Digest::of(&[])), Err(TokenError::Invalid));
        }
    }

    #[test]
    fn any_flipped_bit_is_refused_as_invalid() {
        let ticket = ticket(12, 34, 56);
        let bytes = URL_SAFE_NO_PAD.decode(tokens().seal(&ticket)).unwrap();
        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            let token = URL_SAFE_NO_PAD.encode(&flipped);
            assert_eq!(tokens().open(&token, ticket.digest), Err(TokenError::Invalid), "bit {bit}");
        }
    }

    #[test]
    fn any_changed_character_is_refused_as_invalid() {
        let ticket = ticket(12, 34, 56);
        let token = tokens().seal(&ticket);
        for place in 0..token.len() {
            for other in ["A", "B", "_", "=", " ", "\u{e9}"] {
                let changed = format!("{}{other}{}", &token[..place], &token[place + 1..]);
                if changed != token {
                    assert_eq!(tokens().open(&changed, ticket.digest), Err(TokenError::Invalid), "{place} {other}");
                }
            }
        }
    }

    #[test]
    fn a_forged_sum_does_not_pass_for_a_signature() {
        let ticket = ticket(12, 34, 56);
        let mut bytes = URL_SAFE_NO_PAD.decode(tokens().seal(&ticket)).unwrap();
        bytes[SIGNED - 5] ^= 1;
        let sum = crc32c::crc32c(&bytes[..SIGNED - 4]);
        bytes[SIGNED - 4..SIGNED].copy_from_slice(&sum.to_be_bytes());
        assert_eq!(tokens().open(&URL_SAFE_NO_PAD.encode(bytes), ticket.digest), Err(TokenError::Invalid));
        let other_key = Tokens::new([8; 32], HERE, 40).seal(&ticket);
        assert_eq!(tokens().open(&other_key, ticket.digest), Err(TokenError::Invalid));
    }

    #[test]
    fn each_refusal_has_its_own_reason() {
        let ticket = ticket(1, 2, 3);
        let open = |by: Tokens, digest| tokens().open(&by.seal(&ticket), digest);
        let other_store = StoreIdentity { store: [6; 16], ..HERE };
        let restored = StoreIdentity { incarnation: 4, ..HERE };
        let other_digest = Digest::of(&[b"OUTSTANDING5", b"0"]);
        assert_eq!(open(Tokens::new([1; 32], other_store, 40), ticket.digest), Err(TokenError::AnotherStore));
        assert_eq!(open(Tokens::new([9; 32], restored, 40), ticket.digest), Err(TokenError::Restored));
        assert_eq!(open(tokens(), other_digest), Err(TokenError::OtherArguments));
        assert_eq!(open(Tokens::new([9; 32], HERE, 41), ticket.digest), Err(TokenError::Expired));
    }
}
