//! The few fields of a stored event that say where it stands in the ledger,
//! read without its body. Every schema has them under the same numbers, so that
//! a ledger can be carried from store to store whatever its events tell of.

use prost::Message;

use super::error::{Fault, StoreError};
use super::keys::Key;
use super::{EventHash, Head, StoredEvent};

/// Where a stored event stands in the ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Envelope {
    /// Instant of its commit, microseconds since 1970.
    pub recorded_micros: i64,
    /// Hash of the stored bytes of the event before.
    pub previous_hash: EventHash,
}

/// Numbers as in `proto/steelyard/store/v1`; all other fields are passed over.
#[derive(Clone, PartialEq, Message)]
struct Fields {
    #[prost(uint64, tag = "1")]
    revision: u64,
    #[prost(int64, tag = "2")]
    recorded_micros: i64,
    #[prost(uint32, tag = "11")]
    schema_version: u32,
    #[prost(bytes = "vec", tag = "12")]
    previous_hash: Vec<u8>,
}

impl StoredEvent {
    /// Its envelope.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] where the bytes are not a message, or contradict the event's place.
    pub fn envelope(&self) -> Result<Envelope, StoreError> {
        let corrupt = |fault| StoreError::corrupt(Key::event(self.revision).as_ref(), fault);
        let fields =
            Fields::decode(self.bytes()).map_err(|error| corrupt(Fault::Undecodable { reason: error.to_string() }))?;
        let differs = |field, says, place| corrupt(Fault::Envelope { field, says, place });
        if fields.revision != self.revision.0 {
            return Err(differs("revision", fields.revision, self.revision.0));
        }
        if fields.schema_version != u32::from(self.schema_version()) {
            return Err(differs("schema version", fields.schema_version.into(), self.schema_version().into()));
        }
        let bytes = fields.previous_hash.len() as u64;
        let previous_hash =
            fields.previous_hash.try_into().map_err(|_| differs("bytes of previous hash", bytes, 32))?;
        Ok(Envelope { recorded_micros: fields.recorded_micros, previous_hash })
    }
}

impl Head {
    /// The head after `event`, if it is the one that follows this head.
    ///
    /// # Errors
    /// [`StoreError::MissingEvent`], [`StoreError::BrokenChain`] naming the event that it was not written after, or as
    /// [`StoredEvent::envelope`].
    pub fn followed_by(&self, event: &StoredEvent) -> Result<Self, StoreError> {
        let due = self.revision.next();
        if event.revision != due {
            return Err(StoreError::MissingEvent { revision: due });
        }
        if event.envelope()?.previous_hash != self.hash {
            return Err(StoreError::BrokenChain { revision: self.revision });
        }
        Ok(Self { revision: event.revision, hash: event.hash() })
    }
}
