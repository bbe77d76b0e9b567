//! Reads the journal while it is being written: with file handles of its own,
//! up to what was durable when it began. It never sees a group that is being
//! written, and everything it gives was checked again.

use std::fs::File;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::vec;

use super::super::{Head, Identity, JournalStatus, StoredEvent};
use super::error::JournalError;
use super::frame::Why;
use super::walk::{Step, Walk};
use crate::domain::Revision;

/// What writer and readers share.
#[derive(Debug)]
pub struct Shared {
    pub directory: PathBuf,
    pub identity: Identity,
    pub now: Mutex<Now>,
}

/// The journal as it stands.
#[derive(Clone, Debug, Default)]
pub struct Now {
    /// The segments, in order; never empty.
    pub segments: Vec<Held>,
    /// The last event that is durable.
    pub head: Head,
}

/// One segment of a journal.
#[derive(Clone, Debug)]
pub struct Held {
    pub path: PathBuf,
    /// The end of the ledger before its first event.
    pub before: Head,
    /// Length of the file.
    pub bytes: u64,
}

impl Shared {
    pub fn now(&self) -> MutexGuard<'_, Now> {
        // Only changed by single assignments, so that a poisoned lock still guards a whole state.
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Now {
    pub fn status(&self) -> JournalStatus {
        JournalStatus {
            before: self.segments.first().map_or(self.head, |segment| segment.before),
            head: self.head,
            bytes: self.segments.iter().map(|segment| segment.bytes).sum(),
            segments: self.segments.len(),
        }
    }
}

/// Reads a journal, on any thread, while it is written. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Reader {
    pub(super) shared: Arc<Shared>,
}

impl Reader {
    /// What the journal holds now.
    pub fn extent(&self) -> JournalStatus {
        self.shared.now().status()
    }

    /// The events from `from` (0: the first held) to what is durable now, in order. After its first error it ends.
    /// Segments may be retired meanwhile; one that was still to be read gives [`JournalError::NotHeld`].
    pub fn events(&self, from: Revision) -> Events {
        let now = self.shared.now();
        let before = now.status().before.revision;
        let from = if from.0 == 0 { before.next() } else { from };
        let head = now.head;
        let begin = now.segments.partition_point(|segment| segment.before.revision < from).saturating_sub(1);
        let segments = now.segments[begin..].to_vec();
        drop(now);
        let refused = (from <= before).then(|| JournalError::NotHeld { asked: from, first: before.next() });
        Events {
            shared: Arc::clone(&self.shared),
            from,
            head,
            segments: segments.into_iter(),
            walk: None,
            group: Vec::new().into_iter(),
            refused,
            done: false,
        }
    }
}

/// Events of a journal, in order.
#[derive(Debug)]
pub struct Events {
    shared: Arc<Shared>,
    from: Revision,
    head: Head,
    segments: vec::IntoIter<Held>,
    walk: Option<(PathBuf, Walk<File>)>,
    group: vec::IntoIter<StoredEvent>,
    refused: Option<JournalError>,
    done: bool,
}

impl Events {
    /// Reads one more group into `group`; false: there is none.
    fn advance(&mut self) -> Result<bool, JournalError> {
        if let Some(refused) = self.refused.take() {
            return Err(refused);
        }
        loop {
            let walked = self.walk.as_ref().map(|(_, walk)| walk.walked);
            if walked.is_some_and(|walked| walked.revision >= self.head.revision) || self.from > self.head.revision {
                return Ok(false);
            }
            let Some((path, walk)) = &mut self.walk else {
                let Some(segment) = self.segments.next() else { return Ok(false) };
                self.walk = Some(self.open(segment)?);
                continue;
            };
            let offset = walk.offset;
            match walk.step().map_err(JournalError::io("reading a journal segment", path))? {
                Step::Group(group) => {
                    self.group = group.into_iter();
                    return Ok(true);
                }
                Step::Bad(why) => return Err(JournalError::Damaged { segment: path.clone(), offset, why }),
                Step::End => {
                    let walked = walk.walked;
                    let Some(segment) = self.segments.next() else {
                        return Err(JournalError::Damaged { segment: path.clone(), offset, why: Why::CutShort });
                    };
                    if segment.before != walked {
                        let why = Why::DoesNotFollow { before: walked };
                        return Err(JournalError::Damaged { segment: segment.path, offset: 0, why });
                    }
                    self.walk = Some(self.open(segment)?);
                }
            }
        }
    }

    fn open(&self, segment: Held) -> Result<(PathBuf, Walk<File>), JournalError> {
        let opened = match File::open(&segment.path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let first = self.shared.now().status().before.revision.next();
                let asked = segment.before.revision.next();
                if asked < first {
                    return Err(JournalError::NotHeld { asked, first });
                }
                Err(error)
            }
            opened => opened,
        };
        let file = opened.map_err(JournalError::io("opening a journal segment", &segment.path))?;
        let damaged = |why| JournalError::Damaged { segment: segment.path.clone(), offset: 0, why };
        let walk = Walk::begin(file).map_err(JournalError::io("reading a journal segment", &segment.path))?;
        let walk = walk.map_err(|(_, _, why)| damaged(why))?;
        if walk.header.before != segment.before || walk.header.identity != self.shared.identity {
            return Err(damaged(Why::DoesNotFollow { before: segment.before }));
        }
        Ok((segment.path, walk))
    }
}

impl Iterator for Events {
    type Item = Result<StoredEvent, JournalError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(event) = self.group.find(|event| event.revision >= self.from) {
                return Some(Ok(event));
            }
            if self.done {
                return None;
            }
            match self.advance() {
                Ok(true) => {}
                Ok(false) => self.done = true,
                Err(error) => {
                    self.done = true;
                    return Some(Err(error));
                }
            }
        }
    }
}
