//! Tokens that were verified, so that a signature is checked once. Only what was
//! believed is kept: a flood of tokens that are not costs no memory and drives nobody
//! out. Tokens are kept by digest; the tokens themselves are kept nowhere.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;

use super::{TokenFault, Verified};

/// Two halves: whatever is asked for moves into the young one, and when that is full the old one is forgotten.
#[derive(Debug, Default)]
struct Halves {
    keys: [u8; 32],
    young: HashMap<[u8; 32], Verified>,
    old: HashMap<[u8; 32], Verified>,
}

/// Verified tokens, at most so many.
#[derive(Debug)]
pub(super) struct Remembered {
    half: usize,
    halves: Mutex<Halves>,
}

impl Remembered {
    pub(super) fn of(most: usize) -> Self {
        Self { half: most.div_ceil(2).max(1), halves: Mutex::default() }
    }

    /// What was found of a token under these keys. One that has run out since is expired, and is forgotten.
    pub(super) fn find(
        &self,
        token: &[u8; 32],
        keys: &[u8; 32],
        now: Timestamp,
    ) -> Option<Result<Verified, TokenFault>> {
        let mut halves = self.halves.lock().unwrap_or_else(PoisonError::into_inner);
        if halves.keys != *keys {
            return None;
        }
        let entry = if let Some(entry) = halves.young.get(token) {
            entry.clone()
        } else {
            let entry = halves.old.remove(token)?;
            self.put(&mut halves, *token, entry.clone());
            entry
        };
        if entry.until <= now {
            halves.young.remove(token);
            return Some(Err(TokenFault::Expired));
        }
        Some(Ok(entry))
    }

    /// Remembers a token that these keys vouch for. Those that others vouched for are forgotten.
    pub(super) fn keep(&self, token: [u8; 32], keys: [u8; 32], verified: &Verified, now: Timestamp) {
        let mut halves = self.halves.lock().unwrap_or_else(PoisonError::into_inner);
        if halves.keys != keys {
            *halves = Halves { keys, ..Halves::default() };
        }
        if halves.young.len() >= self.half {
            halves.young.retain(|_, entry| now < entry.until);
        }
        self.put(&mut halves, token, verified.clone());
    }

    fn put(&self, halves: &mut Halves, token: [u8; 32], entry: Verified) {
        if halves.young.len() >= self.half {
            halves.old = std::mem::take(&mut halves.young);
        }
        halves.young.insert(token, entry);
    }

    #[cfg(test)]
    pub(super) fn count(&self) -> usize {
        let halves = self.halves.lock().unwrap();
        halves.young.len() + halves.old.len()
    }
}
