//! What stands in the ledger where an event of an erased person lay open: the
//! envelope, without a body, and before it the hash of the bytes that stood there.
//! The next event was written after those, so the chain goes on from that hash.
//!
//! A stub proves nothing of itself: it counts only where the ledger says later
//! that its subject was erased, which `steelyard verify` looks for.

use prost::Message;

use super::error::StoreError;
use super::pb::event::Body;
use super::{EventHash, StoredEvent, pb};

/// Field 79, length-delimited, of 32 bytes: what the stored bytes of a stub, and of nothing else, begin with.
const MARK: [u8; 3] = [0xfa, 0x04, 32];

/// The link in the chain of an event with these stored bytes.
pub fn link(bytes: &[u8]) -> EventHash {
    let told = bytes.strip_prefix(&MARK).and_then(|rest| rest.first_chunk::<32>());
    told.copied().unwrap_or_else(|| *blake3::hash(bytes).as_bytes())
}

impl StoredEvent {
    /// Whether it stands in for an event of an erased person.
    pub fn is_stub(&self) -> bool {
        self.bytes.starts_with(&MARK)
    }

    /// What is to stand in its place once its subject is erased; `kind` as in the index by kind, 0 for none. An answer
    /// that it carries stays, without what it told of refused records.
    ///
    /// # Errors
    /// As [`decode`](Self::decode).
    pub fn stub(&self, kind: u8) -> Result<Self, StoreError> {
        let event = self.decode_sealed()?;
        let answer = event.answer.map(|answer| pb::RequestAnswer {
            refused: Vec::new(),
            refused_positions: Vec::new(),
            remarks: Vec::new(),
            ..answer
        });
        let left = pb::Event { kind: kind.into(), body: Some(Body::Erased(pb::Erased {})), answer, ..event };
        let left = pb::Event { erased_hash: Vec::new(), ..left };
        let bytes = [&MARK[..], &self.hash(), &left.encode_to_vec()].concat();
        Ok(Self { revision: self.revision, schema_version: self.schema_version, bytes })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Revision;

    #[test]
    fn a_stub_keeps_its_place_in_the_chain_and_nothing_of_what_happened() {
        let written = pb::EvidenceWithdrawn { subject_ref: "S-1".to_owned(), ..Default::default() };
        let event = pb::Event {
            revision: 7,
            has_subject: true,
            subject_id: 3,
            schema_version: 3,
            previous_hash: vec![9; 32],
            body: Some(Body::EvidenceWithdrawn(written)),
            ..pb::Event::default()
        };
        let stored = StoredEvent::new(Revision(7), 3, event.encode_to_vec());
        assert!(stored.bytes().windows(3).any(|part| part == b"S-1"));
        let stub = stored.stub(3).unwrap();
        assert_eq!(stub.hash(), stored.hash());
        assert!(stub.is_stub() && !stored.is_stub());
        assert!(!stub.bytes().windows(3).any(|part| part == b"S-1"));
        let read = stub.decode().unwrap();
        assert_eq!(read.erased_hash, stored.hash());
        assert_eq!((read.previous_hash, read.subject_id, read.kind), (vec![9; 32], 3, 3));
        assert_eq!(read.body, Some(Body::Erased(pb::Erased {})));
        assert_eq!(stub.stub(3).unwrap(), stub, "done again it is the same");
        assert_eq!(stub.envelope().unwrap().previous_hash, [9; 32]);
    }
}
