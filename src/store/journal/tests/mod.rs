//! What the journal promises: what was appended is there, whole, in order, or
//! the segment and place that are damaged are named.

mod damage;
mod interrupted;
mod keeping;

use std::fs;
use std::path::{Path, PathBuf};

use prost::Message;
use tempfile::TempDir;

use super::super::{Head, Identity, SCHEMA_VERSION, StoredEvent, pb};
use super::*;
use crate::domain::Revision;

const IDENTITY: Identity = Identity { store_id: [1; 16], incarnation: [2; 16] };

/// Holds two groups of [`Kept::small`] and some zeros.
const SMALL: u64 = 420;

/// An event after `head`, sealed, with a text of `size` bytes.
fn event(head: &Head, size: usize) -> StoredEvent {
    let revision = head.revision.next();
    let letter = char::from(b'a' + u8::try_from(revision.0 % 26).unwrap());
    let event = pb::Event {
        revision: revision.0,
        schema_version: SCHEMA_VERSION.into(),
        previous_hash: head.hash.to_vec(),
        body: Some(pb::event::Body::EvidenceWithdrawn(pb::EvidenceWithdrawn {
            reason: letter.to_string().repeat(size),
            ..Default::default()
        })),
        ..Default::default()
    };
    StoredEvent::new(revision, SCHEMA_VERSION, event.encode_to_vec())
}

/// The events after `head`, one for each size.
fn group(head: &Head, sizes: &[usize]) -> Vec<StoredEvent> {
    let mut head = *head;
    let mut next = |size: &usize| {
        let event = event(&head, *size);
        head = Head { revision: event.revision, hash: event.hash() };
        event
    };
    sizes.iter().map(&mut next).collect()
}

/// A journal in a directory of its own, and what was acknowledged.
struct Kept {
    home: TempDir,
    segment_bytes: u64,
    journal: Option<Journal>,
    /// By group.
    groups: Vec<Vec<StoredEvent>>,
}

impl Kept {
    fn new(segment_bytes: u64) -> Self {
        // In memory where that can be had: what is tested here is bytes, and the tests open thousands of journals.
        let memory = Path::new("/dev/shm");
        let home = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }.unwrap();
        let journal = Journal::create(&home.path().join("journal"), IDENTITY, Head::EMPTY, segment_bytes).unwrap();
        Self { home, segment_bytes, journal: Some(journal), groups: Vec::new() }
    }

    /// Three segments of two groups each, of one and two events; the last with some zeros at its end.
    fn small() -> Self {
        let mut kept = Self::new(SMALL);
        for _ in 0..3 {
            kept.append(&[10]);
            kept.append(&[3, 4]);
        }
        assert_eq!(kept.journal().extent().segments, 3);
        kept
    }

    fn directory(&self) -> PathBuf {
        self.home.path().join("journal")
    }

    fn journal(&mut self) -> &mut Journal {
        self.journal.as_mut().unwrap()
    }

    fn head(&mut self) -> Head {
        self.journal().extent().head
    }

    fn append(&mut self, sizes: &[usize]) -> Head {
        let events = group(&self.head(), sizes);
        let head = self.journal().append(&events).unwrap();
        assert_eq!(head, self.head());
        self.groups.push(events);
        head
    }

    /// Closes, as a kill does: nothing is written at the end.
    fn close(&mut self) {
        self.journal = None;
    }

    fn open(&mut self) -> Result<Option<Cut>, JournalError> {
        self.close();
        let opened = Journal::open(&self.directory(), IDENTITY, self.segment_bytes)?.expect("there must be a journal");
        self.journal = Some(opened.journal);
        Ok(opened.cut)
    }

    fn acknowledged(&self) -> Vec<StoredEvent> {
        self.groups.concat()
    }

    fn held(&mut self) -> Vec<StoredEvent> {
        self.journal().events(Revision(0)).map(Result::unwrap).collect()
    }

    fn segments(&self) -> Vec<PathBuf> {
        files::segments(&self.directory()).unwrap().into_iter().map(|(_, path)| path).collect()
    }

    /// The bytes of every segment.
    fn image(&self) -> Vec<(PathBuf, Vec<u8>)> {
        self.segments().into_iter().map(|path| (path.clone(), fs::read(&path).unwrap())).collect()
    }

    /// Replaces the journal by an image of it.
    fn put_back(&mut self, image: &[(PathBuf, Vec<u8>)]) {
        self.close();
        for path in self.segments() {
            fs::remove_file(path).unwrap();
        }
        for (path, bytes) in image {
            fs::write(path, bytes).unwrap();
        }
    }

    /// Where each frame of a segment begins, and where the last ends.
    fn frames(path: &Path) -> Vec<u64> {
        let mut walk = walk::Walk::begin(fs::File::open(path).unwrap()).unwrap().unwrap();
        let mut offsets = vec![walk.offset];
        while let walk::Step::Group(_) = walk.step().unwrap() {
            offsets.push(walk.offset);
        }
        offsets
    }
}
