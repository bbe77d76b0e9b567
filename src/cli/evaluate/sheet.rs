//! A CSV file that is sent in: its header, its rows, and everything wrong with it,
//! told by file, line and column. A row is never mended, and while anything is wrong
//! nothing of any file is sent.

use std::fmt::{Display, Write as _};
use std::fs::File;
use std::io::{BufReader, Read as _};
use std::path::{Path, PathBuf};

use csv::{ErrorKind, Reader, ReaderBuilder, StringRecord, Terminator};

use crate::cli::exit::{Exit, Failure};
use crate::cli::output::{count, plain};

/// Most faults shown; all are counted.
const SHOWN: usize = 100;
/// Most rows of one kind in an evaluation.
const MOST_ROWS: usize = 5_000_000;

/// Everything wrong with the files of a command.
#[derive(Debug, Default)]
pub struct Faults {
    shown: Vec<String>,
    all: u64,
}

impl Faults {
    /// One more. An empty column: the line as a whole.
    pub fn add(&mut self, path: &Path, line: u64, column: &str, reason: impl Display) {
        self.all += 1;
        if self.shown.len() < SHOWN {
            let column = if column.is_empty() { String::new() } else { format!(", column {}", plain(column)) };
            self.shown.push(format!("{} line {line}{column}: {}", path.display(), plain(&reason.to_string())));
        }
    }

    /// Nothing is wrong, or everything is told.
    ///
    /// # Errors
    /// With what is wrong, the first of them, and how many there are.
    pub fn settled(self) -> Result<(), Failure> {
        if self.all == 0 {
            return Ok(());
        }
        let faults = if self.all == 1 { "1 fault".to_owned() } else { format!("{} faults", count(self.all)) };
        let mut text = format!("{faults} in what was to be sent; nothing was sent");
        for fault in &self.shown {
            text.push_str("\n  ");
            text.push_str(fault);
        }
        let rest = self.all - self.shown.len() as u64;
        if rest > 0 {
            let _ = write!(text, "\n  and {} more", count(rest));
        }
        Err(Failure::new(Exit::DataRefused, text))
    }

    #[cfg(test)]
    pub fn told(self) -> String {
        self.settled().map_or_else(|failure| failure.to_string(), |()| String::new())
    }
}

/// What is read: the file, and a line feed after it, so that every line ends with one.
type Bytes = std::io::Chain<BufReader<File>, &'static [u8]>;

/// A file being read.
pub struct Sheet {
    /// Where it is.
    pub path: PathBuf,
    reader: Reader<Bytes>,
    columns: Vec<String>,
    rows: usize,
}

/// One row: as many cells as there are columns.
pub struct Row {
    /// Line that it begins on.
    pub line: u64,
    cells: StringRecord,
}

impl Row {
    /// The cell in a column.
    pub fn cell(&self, column: usize) -> &str {
        let cell = self.cells.get(column).unwrap_or_default();
        if column + 1 == self.cells.len() { without_return(cell) } else { cell }
    }
}

impl Sheet {
    /// Opens a file and reads its header; `None` where the header is wrong, which is told. With no list of
    /// allowed columns, a column may have any name.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn open(
        path: &Path,
        required: &[&str],
        allowed: Option<&[&str]>,
        faults: &mut Faults,
    ) -> Result<Option<Self>, Failure> {
        let file = File::open(path).map_err(|error| unreadable(path, &error))?;
        // A line ends with a line feed and nothing else: a carriage return before it is taken off below. So lines can be
        // counted, which the reader's own positions do not do where they end with both.
        let mut builder = ReaderBuilder::new();
        builder.has_headers(false).flexible(true).terminator(Terminator::Any(b'\n'));
        let mut reader = builder.from_reader(BufReader::new(file).chain(b"\n".as_slice()));
        let mut header = StringRecord::new();
        let before = faults.all;
        match reader.read_record(&mut header) {
            Ok(true) => {}
            Ok(false) => faults.add(path, 1, "", "the file is empty; a header line is required"),
            Err(error) => match error.kind() {
                ErrorKind::Utf8 { .. } => faults.add(path, 1, "", "is not UTF-8 text"),
                _ => return Err(unreadable(path, &error)),
            },
        }
        let columns: Vec<String> = header.iter().map(|name| without_return(name).to_owned()).collect();
        if !columns.is_empty() {
            for (at, column) in columns.iter().enumerate() {
                if column.is_empty() {
                    faults.add(path, 1, "", format!("column {} has no name", at + 1));
                } else if columns[..at].contains(column) {
                    faults.add(path, 1, column, "stands there twice");
                } else if let Some(allowed) = allowed
                    && !required.contains(&column.as_str())
                    && !allowed.contains(&column.as_str())
                {
                    let known = required.iter().chain(allowed).copied().collect::<Vec<_>>().join(", ");
                    faults.add(path, 1, column, format!("is not known here; columns are {known}"));
                }
            }
            for missing in required.iter().filter(|name| !columns.iter().any(|column| column == *name)) {
                faults.add(path, 1, missing, "is missing");
            }
        }
        let right = faults.all == before;
        Ok(right.then(|| Self { path: path.to_owned(), reader, columns, rows: 0 }))
    }

    /// Names of the columns, in order.
    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    /// Where a column stands.
    pub fn place(&self, column: &str) -> Option<usize> {
        self.columns.iter().position(|name| name == column)
    }

    /// The next row that has a cell for each column; those that have not are told and passed over.
    ///
    /// # Errors
    /// The file cannot be read on.
    pub fn next_row(&mut self, faults: &mut Faults) -> Result<Option<Row>, Failure> {
        loop {
            let mut cells = StringRecord::new();
            match self.reader.read_record(&mut cells) {
                Ok(false) => return Ok(None),
                Ok(true) => {}
                Err(error) => match error.kind() {
                    ErrorKind::Utf8 { .. } => {
                        let line = self.reader.position().line() - 1;
                        faults.add(&self.path, line, "", "is not UTF-8 text");
                        continue;
                    }
                    _ => return Err(unreadable(&self.path, &error)),
                },
            }
            if cells.len() == 1 && &cells[0] == "\r" {
                continue;
            }
            let within = cells.iter().flat_map(str::bytes).filter(|byte| *byte == b'\n').count() as u64;
            let line = (self.reader.position().line() - 1).saturating_sub(within);
            self.rows += 1;
            if self.rows > MOST_ROWS {
                let most = count(MOST_ROWS as u64);
                faults.add(&self.path, line, "", format!("is row {most} and one more; at most {most} are taken"));
                return Ok(None);
            }
            if cells.len() != self.columns.len() {
                let (has, wants) = (cells.len(), self.columns.len());
                faults.add(&self.path, line, "", format!("has {has} cells where the header has {wants}"));
                continue;
            }
            return Ok(Some(Row { line, cells }));
        }
    }
}

fn without_return(cell: &str) -> &str {
    cell.strip_suffix('\r').unwrap_or(cell)
}

fn unreadable(path: &Path, error: &dyn Display) -> Failure {
    Failure::new(Exit::InputMissing, format!("{} cannot be read: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(bytes: &[u8]) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("it.csv");
        std::fs::write(&path, bytes).unwrap();
        (folder, path)
    }

    #[test]
    fn every_fault_of_a_header_is_told_at_once() {
        let (_folder, path) = written(b"a,a,,x\n");
        let mut faults = Faults::default();
        assert!(Sheet::open(&path, &["a", "b"], Some(&["c"]), &mut faults).unwrap().is_none());
        let told = faults.told();
        for part in [
            "4 faults",
            "it.csv line 1, column a: stands there twice",
            "column 3 has no name",
            "column x: is not known here; columns are a, b, c",
            "column b: is missing",
        ] {
            assert!(told.contains(part), "{part} is not in {told}");
        }
    }

    #[test]
    fn rows_are_told_by_the_line_that_they_begin_on() {
        for end in ["\r\n", "\n"] {
            rows_ended_by(end);
        }
    }

    fn rows_ended_by(end: &str) {
        let text = "a,b|1,2|3|\"4\n5\",\"6\"||?,8|9,10".replace('|', end);
        let bytes: Vec<u8> = text.bytes().map(|byte| if byte == b'?' { 0xff } else { byte }).collect();
        let (_folder, path) = written(&[b"\xef\xbb\xbf", bytes.as_slice()].concat());
        let mut faults = Faults::default();
        let mut sheet = Sheet::open(&path, &["a", "b"], Some(&[]), &mut faults).unwrap().unwrap();
        let mut read = Vec::new();
        while let Some(row) = sheet.next_row(&mut faults).unwrap() {
            read.push(format!("{} {:?} {:?}", row.line, row.cell(0), row.cell(1)));
        }
        assert_eq!(read, [r#"2 "1" "2""#, r#"4 "4\n5" "6""#, r#"8 "9" "10""#]);
        let told = faults.told();
        assert!(told.contains("line 3: has 1 cells where the header has 2"), "{told}");
        assert!(told.contains("line 7: is not UTF-8 text"), "{told}");
    }

    #[test]
    fn a_hundred_faults_are_shown_and_all_are_counted() {
        let mut faults = Faults::default();
        (1..=1_234).for_each(|line| faults.add(Path::new("x.csv"), line, "any", "is wrong"));
        let told = faults.told();
        assert!(told.starts_with("1,234 faults in what was to be sent; nothing was sent\n"), "{told}");
        assert_eq!(told.lines().count(), 102);
        assert!(told.ends_with("and 1,134 more"), "{told}");
    }

    #[test]
    fn an_empty_file_and_a_missing_one_are_told_apart() {
        let (folder, path) = written(b"");
        let mut faults = Faults::default();
        assert!(Sheet::open(&path, &["a"], None, &mut faults).unwrap().is_none());
        assert!(faults.told().contains("the file is empty"));
        assert!(Sheet::open(&folder.path().join("none"), &["a"], None, &mut Faults::default()).is_err());
    }
}
