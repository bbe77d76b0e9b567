//! What a store is known by outside. A client that remembers a revision keeps
//! the mark beside it, so that after a restore, which may have dropped revisions,
//! it is told so and does not wait for one that will never come, or take another
//! event for the one it meant. A mark tells stores apart and nothing else of them.

use std::fmt;

use super::fault::Fault;
use crate::store::Identity;

/// Hexadecimal digits of each part.
const DIGITS: usize = 8;

/// The mark of a store: such as `1f0c3a9b-77d2e410`, the store and its incarnation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    store: String,
    incarnation: String,
}

impl Mark {
    /// The mark of a store.
    pub fn of(identity: Identity) -> Self {
        // Page-token keys derive from the incarnation, so only a hash under a context of its own may be shown.
        let part = |incarnation: &[u8]| {
            let mut hasher = blake3::Hasher::new_derive_key("steelyard 2026 store mark");
            hasher.update(&identity.store_id).update(incarnation);
            hasher.finalize().to_hex()[..DIGITS].to_owned()
        };
        Self { store: part(&[]), incarnation: part(&identity.incarnation) }
    }

    /// The part that tells the store, whatever its incarnation.
    pub fn store(&self) -> &str {
        &self.store
    }

    /// Whether something remembered under the mark `given` still holds here. Empty: nobody asks.
    ///
    /// # Errors
    /// [`Fault::StoreRestored`], [`Fault::AnotherStore`], or [`Fault::Invalid`] where it is no mark.
    pub fn admits(&self, given: &str) -> Result<(), Fault> {
        if given.is_empty() {
            return Ok(());
        }
        let is_part = |part: &str| {
            part.len() == DIGITS && part.bytes().all(|digit| digit.is_ascii_digit() || (b'a'..=b'f').contains(&digit))
        };
        let parts = given.split_once('-').filter(|(store, incarnation)| is_part(store) && is_part(incarnation));
        let Some((store, incarnation)) = parts else {
            return Err(Fault::field("store", "INVALID_STORE_MARK", "store is a mark such as 1f0c3a9b-77d2e410"));
        };
        if store != self.store {
            return Err(Fault::AnotherStore);
        }
        if incarnation != self.incarnation {
            return Err(Fault::StoreRestored);
        }
        Ok(())
    }
}

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.store, self.incarnation)
    }
}

/// What a reader has seen before, and wants to find in the answer.
#[derive(Clone, Copy, Debug, Default)]
pub struct Seen<'a> {
    /// The answer is of this revision or a later one.
    pub revision: u64,
    /// Mark of the store that it was seen in; empty: not compared.
    pub store: &'a str,
}

impl<'a> Seen<'a> {
    /// A revision and the mark it was read under.
    pub const fn new(revision: u64, store: &'a str) -> Self {
        Self { revision, store }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_tells_a_restored_store_from_another_one() {
        let here = Identity { store_id: [1; 16], incarnation: [2; 16] };
        let mark = Mark::of(here);
        let restored = Mark::of(Identity { incarnation: [3; 16], ..here });
        let other = Mark::of(Identity { store_id: [4; 16], ..here });
        assert_eq!(mark.admits(&mark.to_string()), Ok(()));
        assert_eq!(mark.admits(""), Ok(()));
        assert_eq!(mark.admits(&restored.to_string()), Err(Fault::StoreRestored));
        assert_eq!(mark.admits(&other.to_string()), Err(Fault::AnotherStore));
    }

    #[test]
    fn what_is_no_mark_is_an_invalid_argument() {
        let mark = Mark::of(Identity::fresh());
        for given in ["x", "0123456789abcdef", "01234567-89ABCDEF", "01234567-", "-", "01234567-89abcdef-"] {
            let fault = mark.admits(given).expect_err("must be refused");
            assert!(matches!(&fault, Fault::Invalid(violations) if violations[0].field == "store"), "{given}: {fault}");
        }
    }
}
