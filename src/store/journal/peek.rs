//! Reads a journal that no store has open, such as one saved from a broken
//! machine. It changes nothing: what an interrupted write left at the end is
//! passed over and stays.

use std::fs::File;
use std::path::Path;
use std::sync::{Arc, Mutex};

use super::super::{Head, Identity};
use super::error::JournalError;
use super::files;
use super::read::{Held, Now, Reader, Shared};
use super::refusal;
use super::walk::{self, Verdict};

/// A journal that was checked whole.
#[derive(Clone, Debug)]
pub struct Peeked {
    /// Reads it.
    pub reader: Reader,
    /// Store that it is of.
    pub identity: Identity,
    /// Whether an interrupted write stands at its end, passed over.
    pub torn: bool,
}

/// Checks every segment in `directory`. `None`: there is no journal.
///
/// # Errors
/// As [`Journal::open`](super::Journal::open).
pub fn peek(directory: &Path) -> Result<Option<Peeked>, JournalError> {
    let found = files::segments(directory)?;
    let mut segments: Vec<Held> = Vec::new();
    let mut identity: Option<Identity> = None;
    let mut head: Option<Head> = None;
    let mut torn = false;
    for (number, (first, path)) in found.iter().enumerate() {
        let is_last = number + 1 == found.len();
        let checked = File::open(path)
            .and_then(|file| walk::check(file, *first, identity.as_ref(), head.as_ref(), is_last))
            .map_err(JournalError::io("reading a journal segment", path))?;
        match (&checked.verdict, &checked.header) {
            (Verdict::Unfinished(_), _) => torn = true,
            (verdict @ (Verdict::Sound | Verdict::Torn(_)), Some(header)) => {
                torn |= matches!(verdict, Verdict::Torn(_));
                identity = Some(header.identity);
                head = Some(checked.head);
                segments.push(Held { path: path.clone(), before: header.before, bytes: checked.length });
            }
            (verdict, _) => return Err(refusal(path, *first, verdict)),
        }
    }
    let (Some(identity), Some(head)) = (identity, head) else { return Ok(None) };
    let now = Mutex::new(Now { segments, head });
    let reader = Reader { shared: Arc::new(Shared { directory: directory.to_owned(), identity, now }) };
    Ok(Some(Peeked { reader, identity, torn }))
}
