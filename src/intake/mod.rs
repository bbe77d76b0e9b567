//! Files into records: NDJSON in the contract's own JSON, and CSV through a
//! mapping file. A file gives rows, a row gives records and refusals, and every
//! byte of the file belongs to one row.
//!
//! Nothing here talks to a server, writes a file or knows a rule of the field.
//! A bad row never stops the rows after it; a bad mapping stops everything
//! before the first row is read. Messages name columns, fields and reasons,
//! never what a row says of a person.

use std::path::PathBuf;

use crate::pb;
use contract::Fault;
pub use mapping::{Mapping, Violation};
pub use rows::{Form, Rows};
pub use splitter::Place;

mod cells;
pub mod contract;
mod mapping;
mod records;
mod rows;
mod splitter;
#[cfg(test)]
mod tests;

/// What one row of a file gave.
#[derive(Debug, Default)]
pub struct Row {
    /// Line that the row begins on, from 1; the header of a CSV file is line 1.
    pub line: u64,
    /// The row as it stands in the file; what is not UTF-8 is shown as U+FFFD, and of a row longer than 1 MiB only
    /// the beginning is kept.
    pub raw: Box<str>,
    /// The place after the row: reading can go on from there.
    pub after: Place,
    /// Records that the contract takes.
    pub records: Vec<pb::Record>,
    /// Records that it does not, or the row as a whole.
    pub refused: Vec<Refused>,
}

/// A record of a row that was refused, with everything wrong with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// The record's id, as far as it could be told; empty where it could not, or where the row as a whole is refused.
    pub record_id: String,
    /// Everything wrong with it; at least one.
    pub faults: Vec<Fault>,
}

/// Why a file cannot be read at all.
#[derive(Debug, thiserror::Error)]
pub enum Unreadable {
    /// It is not there, or reading it failed.
    #[error("{} cannot be read: {error}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system says.
        error: std::io::Error,
    },
    /// It holds nothing.
    #[error("{} is empty: {expected}", path.display())]
    Empty {
        /// The file.
        path: PathBuf,
        /// What was expected.
        expected: &'static str,
    },
    /// It has no header that can be read.
    #[error("{} has no header that can be read: {message}", path.display())]
    Header {
        /// The file.
        path: PathBuf,
        /// What is wrong with its first row.
        message: String,
    },
    /// Its header does not hold what the mapping reads.
    #[error("{} does not fit the mapping: {} columns are missing or ambiguous", path.display(), violations.len())]
    Columns {
        /// The file.
        path: PathBuf,
        /// Every column missing or ambiguous.
        violations: Vec<Violation>,
    },
}
