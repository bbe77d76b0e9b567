//! The state of every segment of a journal, for people. Needs no store, changes
//! nothing, and takes any bytes at all.

use std::fmt;
use std::fs::File;
use std::path::{Path, PathBuf};

use super::super::{Head, Identity};
use super::error::JournalError;
use super::files;
use super::frame::Why;
use super::walk::{self, Checked, Verdict};
use crate::domain::Revision;

/// What was found of one segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SegmentReport {
    /// The file.
    pub segment: PathBuf,
    /// Its first revision, by its name.
    pub first: Revision,
    /// Its last sound event; `None`: there is none.
    pub last: Option<Head>,
    /// Which store its header names, where that can be read.
    pub identity: Option<Identity>,
    /// Length of the file, bytes.
    pub bytes: u64,
    /// In which state it is.
    pub state: SegmentState,
}

/// In which state a segment is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SegmentState {
    /// As it was written.
    Sound,
    /// An interrupted write stands at its end: the next start cuts it. Nothing acknowledged is lost.
    Torn {
        /// Where it begins, bytes.
        offset: u64,
        /// How it shows.
        why: Why,
    },
    /// It was being created and holds nothing: the next start removes it.
    Unfinished,
    /// Damaged. The store does not start with it.
    Damaged {
        /// Where, bytes.
        offset: u64,
        /// What is wrong there.
        why: Why,
    },
    /// It belongs to another store than the first segment: this part of the identity differs.
    OtherStore {
        /// Which part.
        field: &'static str,
    },
    /// Events between the segment before and this one are missing.
    AfterGap {
        /// The last revision before the gap.
        last: Revision,
    },
}

impl SegmentState {
    /// Whether a store starts with a segment in this state.
    pub const fn is_usable(&self) -> bool {
        match self {
            Self::Sound | Self::Torn { .. } | Self::Unfinished => true,
            Self::Damaged { .. } | Self::OtherStore { .. } | Self::AfterGap { .. } => false,
        }
    }
}

/// Such as `damaged at offset 4711: the checksum of a frame differs`.
impl fmt::Display for SegmentState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sound => f.write_str("sound"),
            Self::Torn { offset, why } => {
                write!(f, "an interrupted write at offset {offset}, to be cut at the next start: {why}")
            }
            Self::Unfinished => f.write_str("not created completely, to be removed at the next start"),
            Self::Damaged { offset, why } => write!(f, "damaged at offset {offset}: {why}"),
            Self::OtherStore { field } => write!(f, "belongs to another store: its {field} differs"),
            Self::AfterGap { last } => {
                write!(f, "the segment before ends with revision {last}: what was between them is missing")
            }
        }
    }
}

/// Checks every segment of a directory, each as far as it can be read, and whether they follow one another. Changes
/// nothing. While the journal is written, a group that is just being written may look torn.
///
/// # Errors
/// What the file system refused.
pub fn inspect(directory: &Path) -> Result<Vec<SegmentReport>, JournalError> {
    let segments = files::segments(directory)?;
    let mut reports = Vec::with_capacity(segments.len());
    let mut identity = None;
    let mut before: Option<Head> = None;
    let count = segments.len();
    for (number, (first, path)) in segments.into_iter().enumerate() {
        let checked = File::open(&path)
            .and_then(|file| walk::check(file, first, identity.as_ref(), before.as_ref(), number + 1 == count));
        let checked = checked.map_err(JournalError::io("reading a journal segment", &path))?;
        identity = identity.or(checked.header.map(|header| header.identity));
        // What follows damage cannot be compared with it.
        before = (checked.verdict == Verdict::Sound).then_some(checked.head);
        reports.push(report(path, first, checked));
    }
    Ok(reports)
}

/// As [`inspect`], of the bytes of one segment, the last, that is named after `first`.
pub fn inspect_bytes(first: Revision, bytes: &[u8]) -> SegmentReport {
    let checked = walk::check(bytes, first, None, None, true).expect("memory must be readable");
    report(PathBuf::from(files::name(first)), first, checked)
}

fn report(segment: PathBuf, first: Revision, checked: Checked) -> SegmentReport {
    let Checked { header, head, last_frame, end, length, verdict } = checked;
    SegmentReport {
        segment,
        first,
        last: (last_frame > 0).then_some(head),
        identity: header.map(|header| header.identity),
        bytes: length,
        state: match verdict {
            Verdict::Sound => SegmentState::Sound,
            Verdict::Torn(why) => SegmentState::Torn { offset: end, why },
            Verdict::Unfinished(_) => SegmentState::Unfinished,
            Verdict::Damaged(offset, why) => SegmentState::Damaged { offset, why },
            Verdict::OtherStore(field) => SegmentState::OtherStore { field },
            Verdict::AfterGap(last) => SegmentState::AfterGap { last },
        },
    }
}
