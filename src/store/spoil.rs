//! Damage beneath a store, for tests that must find it. Never part of a build.

use super::codec::{self, Encoder};
use super::engine::{Batch, Engine};
use super::keyed::KeyedStore;
use super::keys::Key;
use super::{SCHEMA_VERSION, ViewKey};

impl<E: Engine> KeyedStore<E> {
    /// The stored bytes under a key.
    pub fn raw(&self, key: &[u8]) -> Option<Vec<u8>> {
        self.engine().get(key).expect("the engine must read").map(|bytes| bytes.as_ref().to_vec())
    }

    /// Sets or removes the stored bytes under a key, whatever they are.
    pub fn spoil(&self, key: &[u8], bytes: Option<&[u8]>) {
        let mut batch = E::Batch::default();
        match bytes {
            Some(bytes) => batch.put(key, bytes),
            None => batch.remove(key),
        }
        assert!(self.engine().commit(batch).is_ok(), "the engine must write");
    }

    /// Keeps a value under a key in sound frames.
    pub fn forge(&self, key: &Key, payload: &[u8]) {
        let mut batch = E::Batch::default();
        Encoder::default()
            .encode(key, SCHEMA_VERSION, payload, |key, frame| batch.put(key.as_ref(), frame))
            .expect("the value must fit");
        assert!(self.engine().commit(batch).is_ok(), "the engine must write");
    }

    /// Flips a bit in the middle of what is stored under a key.
    pub fn flip(&self, key: &[u8]) {
        let mut bytes = self.raw(key).expect("there must be a value to damage");
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        self.spoil(key, Some(&bytes));
    }
}

/// The key of an entry.
pub fn key_of(entry: &ViewKey) -> Key {
    *entry.key()
}

/// The value in a frame.
pub fn payload(key: &Key, frame: &[u8]) -> Vec<u8> {
    codec::decode(key.as_ref(), frame).expect("the frame must be sound").payload.to_vec()
}
