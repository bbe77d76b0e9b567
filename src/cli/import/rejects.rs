//! The rejects file: every refused record, with its line and everything wrong
//! with it, so that the source can be mended and the rows sent again.
//!
//! It repeats whole rows, so it is as sensitive as the file that it came from
//! and is readable by its owner alone.

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use crate::intake::contract::Fault;

const COLUMNS: [&str; 7] = ["line", "record_id", "field", "reason", "message", "written", "raw"];

/// A rejects file being written.
pub struct Rejects {
    path: PathBuf,
    file: BufWriter<File>,
    length: u64,
    json_rows: bool,
}

/// One refused record of one row.
pub struct Reject<'a> {
    /// Line that the row begins on.
    pub line: u64,
    /// The record's id; may be empty.
    pub record_id: &'a str,
    /// Everything wrong with it: one row of the file each.
    pub wrongs: Vec<Wrong<'a>>,
    /// Ids of the records of the same row that were written.
    pub written: &'a [&'a str],
    /// The row as it stands in the file.
    pub raw: &'a str,
}

/// One thing wrong with one field, found here or by the server.
#[derive(Clone, Copy, Debug)]
pub struct Wrong<'a> {
    /// Path of the field in the record; empty: the record or row as a whole.
    pub field: &'a str,
    /// Reason in UPPER_SNAKE.
    pub reason: &'a str,
    /// What is wrong and what would be right.
    pub message: &'a str,
}

impl<'a> From<&'a Fault> for Wrong<'a> {
    fn from(fault: &'a Fault) -> Self {
        Self { field: &fault.field, reason: fault.reason, message: &fault.message }
    }
}

impl Rejects {
    /// Begins a rejects file anew. `json_rows`: the rows are JSON already and stand as they are; others are escaped as
    /// a JSON text, so that each takes one line.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn create(path: &Path, json_rows: bool) -> io::Result<Self> {
        let file = open(path, true)?;
        let mut rejects = Self { path: path.to_owned(), file: BufWriter::new(file), length: 0, json_rows };
        rejects.row(COLUMNS)?;
        Ok(rejects)
    }

    /// Goes on with a rejects file that was `length` bytes long at the checkpoint; what came after is written again.
    ///
    /// # Errors
    /// When the file cannot be written, or is shorter than it was: `InvalidData`.
    pub fn resume(path: &Path, length: u64, json_rows: bool) -> io::Result<Self> {
        let mut file = open(path, false)?;
        if file.metadata()?.len() < length {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "is shorter than it was at the checkpoint"));
        }
        file.set_len(length)?;
        file.seek(SeekFrom::End(0))?;
        Ok(Self { path: path.to_owned(), file: BufWriter::new(file), length, json_rows })
    }

    /// Writes one refused record: a row for each fault.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write(&mut self, reject: &Reject<'_>) -> io::Result<()> {
        let line = reject.line.to_string();
        let written = reject.written.join("|");
        let escaped;
        let raw = if self.json_rows {
            reject.raw
        } else {
            escaped = serde_json::to_string(reject.raw).map_err(io::Error::other)?;
            &escaped
        };
        for wrong in &reject.wrongs {
            self.row([&line, reject.record_id, wrong.field, wrong.reason, wrong.message, &written, raw])?;
        }
        Ok(())
    }

    /// Makes what was written durable.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn sync(&mut self) -> io::Result<u64> {
        self.file.flush()?;
        self.file.get_ref().sync_data()?;
        Ok(self.length)
    }

    /// Where it stands.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn row(&mut self, cells: [&str; 7]) -> io::Result<()> {
        let mut writer = csv::Writer::from_writer(Vec::with_capacity(256));
        writer.write_record(cells)?;
        let bytes = writer.into_inner().map_err(|error| io::Error::other(error.to_string()))?;
        self.length += bytes.len() as u64;
        self.file.write_all(&bytes)
    }
}

fn open(path: &Path, anew: bool) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create(anew).truncate(anew);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reject<'a>(faults: &'a [Fault], raw: &'a str) -> Reject<'a> {
        Reject {
            line: 7,
            record_id: "a-1",
            wrongs: faults.iter().map(Wrong::from).collect(),
            written: &["a-2", "a-3"],
            raw,
        }
    }

    #[test]
    fn a_refused_record_has_a_row_for_each_fault() {
        let folder = tempfile::tempdir().expect("must make a folder");
        let path = folder.path().join("rejects.csv");
        let mut rejects = Rejects::create(&path, false).expect("must create");
        let faults = [Fault::new("a.b", "REQUIRED", "is empty"), Fault::new("", "TOO_LONG", "is, too long")];
        rejects.write(&reject(&faults, "x,\"y\nz\"")).expect("must write");
        let length = rejects.sync().expect("must sync");
        let text = std::fs::read_to_string(&path).expect("must read");
        assert_eq!(length, text.len() as u64);
        assert_eq!(
            text,
            "line,record_id,field,reason,message,written,raw\n\
             7,a-1,a.b,REQUIRED,is empty,a-2|a-3,\"\"\"x,\\\"\"y\\nz\\\"\"\"\"\"\n\
             7,a-1,,TOO_LONG,\"is, too long\",a-2|a-3,\"\"\"x,\\\"\"y\\nz\\\"\"\"\"\"\n"
        );
    }

    #[test]
    fn going_on_writes_over_what_came_after_the_checkpoint() {
        let folder = tempfile::tempdir().expect("must make a folder");
        let path = folder.path().join("rejects.csv");
        let faults = [Fault::new("a", "REQUIRED", "is empty")];
        let mut rejects = Rejects::create(&path, true).expect("must create");
        rejects.write(&reject(&faults, "{}")).expect("must write");
        let length = rejects.sync().expect("must sync");
        let once = std::fs::read_to_string(&path).expect("must read");
        rejects.write(&reject(&faults, "{1}")).expect("must write");
        rejects.sync().expect("must sync");
        drop(rejects);
        Rejects::resume(&path, length, true).expect("must resume").sync().expect("must sync");
        assert_eq!(std::fs::read_to_string(&path).expect("must read"), once);
        assert!(Rejects::resume(&path, length + 1, true).is_err());
    }

    #[cfg(unix)]
    #[test]
    fn the_rejects_are_readable_by_their_owner_alone() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().expect("must make a folder");
        let path = folder.path().join("rejects.csv");
        Rejects::create(&path, true).expect("must create");
        let mode = std::fs::metadata(&path).expect("must be there").permissions().mode();
        assert_eq!(mode & 0o077, 0);
    }
}
