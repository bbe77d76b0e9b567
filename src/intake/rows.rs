//! The rows of one file, in order, whatever is wrong with some of them.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::cells::Cells;
use super::contract::Fault;
use super::splitter::{End, LONGEST, Piece, Place, Splitter};
use super::{Mapping, Refused, Row, Unreadable, records};

/// How a file is to be read.
#[derive(Clone, Debug)]
pub enum Form {
    /// One record a line, in the contract's JSON.
    Ndjson,
    /// CSV through a mapping.
    Csv(Arc<Mapping>),
}

/// The rows of one file.
pub struct Rows {
    path: PathBuf,
    splitter: Splitter<Box<dyn Read + Send>>,
    reader: Reader,
}

enum Reader {
    Ndjson,
    Csv(Box<CsvReader>),
}

struct CsvReader {
    mapping: Arc<Mapping>,
    places: Vec<usize>,
    width: usize,
    cells: Cells,
}

impl Rows {
    /// Opens a file at its first row, or at a place that an earlier reading of the same file came to.
    ///
    /// # Errors
    /// When the file cannot be read at all, holds nothing, or does not fit the mapping.
    pub fn open(path: &Path, form: &Form, from: Option<Place>) -> Result<Self, Unreadable> {
        let io = |error| Unreadable::Io { path: path.to_owned(), error };
        let file = File::open(path).map_err(io)?;
        let mut rows = Self::read(path, Box::new(file), form)?;
        if let Some(place) = from.filter(|place| *place > rows.splitter.place()) {
            let mut file = File::open(path).map_err(io)?;
            file.seek(SeekFrom::Start(place.offset)).map_err(io)?;
            rows.splitter = Splitter::new(Box::new(file), place);
        }
        Ok(rows)
    }

    /// Reads a stream; `path` is what messages call it.
    ///
    /// # Errors
    /// As [`Rows::open`].
    pub fn read(path: &Path, input: Box<dyn Read + Send>, form: &Form) -> Result<Self, Unreadable> {
        let io = |error| Unreadable::Io { path: path.to_owned(), error };
        let mut splitter = Splitter::new(input, Place::default());
        splitter.pass_byte_order_mark().map_err(io)?;
        let reader = match form {
            Form::Ndjson => Reader::Ndjson,
            Form::Csv(mapping) => Reader::Csv(Box::new(CsvReader::begin(path, &mut splitter, mapping)?)),
        };
        Ok(Self { path: path.to_owned(), splitter, reader })
    }

    /// The next row, or `None` at the end of the file.
    ///
    /// # Errors
    /// When reading fails.
    pub fn next_row(&mut self) -> Result<Option<Row>, Unreadable> {
        let result = match &mut self.reader {
            Reader::Ndjson => ndjson(&mut self.splitter),
            Reader::Csv(reader) => reader.row(&mut self.splitter),
        };
        result.map_err(|error| Unreadable::Io { path: self.path.clone(), error })
    }
}

/// Ends after a failure to read.
impl Iterator for Rows {
    type Item = Result<Row, Unreadable>;

    fn next(&mut self) -> Option<Self::Item> {
        self.next_row().transpose()
    }
}

fn ndjson(splitter: &mut Splitter<Box<dyn Read + Send>>) -> io::Result<Option<Row>> {
    loop {
        let Some(piece) = splitter.line()? else { return Ok(None) };
        if piece.end != End::TooLong && piece.bytes.trim_ascii().is_empty() {
            continue;
        }
        let mut row = begin(&piece);
        let whole = match piece.end {
            End::LineFeed => true,
            End::File => false,
            End::TooLong | End::OpenQuote => {
                refuse(&mut row, too_long());
                return Ok(Some(row));
            }
        };
        match str::from_utf8(piece.bytes) {
            Ok(text) => match records::from_line(text, whole) {
                Ok(record) => row.records.push(record),
                Err(refused) => row.refused.push(refused),
            },
            Err(error) => refuse(&mut row, not_utf8(error)),
        }
        return Ok(Some(row));
    }
}

impl CsvReader {
    fn begin(
        path: &Path,
        splitter: &mut Splitter<Box<dyn Read + Send>>,
        mapping: &Arc<Mapping>,
    ) -> Result<Self, Unreadable> {
        let header = |message: String| Unreadable::Header { path: path.to_owned(), message };
        let delimiter = mapping.delimiter();
        let piece = splitter.row(delimiter_byte(delimiter));
        let Some(piece) = piece.map_err(|error| Unreadable::Io { path: path.to_owned(), error })? else {
            return Err(Unreadable::Empty { path: path.to_owned(), expected: "a CSV file begins with its header" });
        };
        match piece.end {
            End::LineFeed | End::File => {}
            End::TooLong => return Err(header(too_long().message)),
            End::OpenQuote => return Err(header(open_quote().message)),
        }
        let text = str::from_utf8(piece.bytes).map_err(|error| header(not_utf8(error).message))?;
        let mut cells = Cells::default();
        cells.read(text, delimiter).map_err(|error| header(error.to_string()))?;
        let places =
            mapping.bind(&cells).map_err(|violations| Unreadable::Columns { path: path.to_owned(), violations })?;
        Ok(Self { mapping: Arc::clone(mapping), places, width: cells.len(), cells })
    }

    fn row(&mut self, splitter: &mut Splitter<Box<dyn Read + Send>>) -> io::Result<Option<Row>> {
        loop {
            let delimiter = self.mapping.delimiter();
            let Some(piece) = splitter.row(delimiter_byte(delimiter))? else { return Ok(None) };
            if piece.bytes.is_empty() && self.width > 1 {
                continue;
            }
            let mut row = begin(&piece);
            if let Err(fault) = self.take_apart(&piece, delimiter) {
                refuse(&mut row, fault);
            } else {
                self.mapping.read(&self.cells, &self.places, &mut row);
            }
            return Ok(Some(row));
        }
    }

    fn take_apart(&mut self, piece: &Piece<'_>, delimiter: char) -> Result<(), Fault> {
        match piece.end {
            End::LineFeed | End::File => {}
            End::TooLong => return Err(too_long()),
            End::OpenQuote => return Err(open_quote()),
        }
        let text = str::from_utf8(piece.bytes).map_err(not_utf8)?;
        self.cells.read(text, delimiter).map_err(|error| Fault::new("", "MISPLACED_QUOTE", error.to_string()))?;
        if self.cells.len() == self.width {
            return Ok(());
        }
        let (found, expected) = (self.cells.len(), self.width);
        Err(if piece.end == End::File && found < expected {
            let message = format!("is cut off: the file ends after {found} of {expected} cells");
            Fault::new("", "TRUNCATED", message)
        } else {
            Fault::new("", "COLUMN_COUNT", format!("has {found} cells where the header has {expected}"))
        })
    }
}

fn delimiter_byte(delimiter: char) -> u8 {
    u8::try_from(delimiter).expect("a checked delimiter must be ASCII")
}

fn begin(piece: &Piece<'_>) -> Row {
    Row { line: piece.line, raw: String::from_utf8_lossy(piece.bytes).into(), after: piece.after, ..Row::default() }
}

fn refuse(row: &mut Row, fault: Fault) {
    row.refused.push(Refused { record_id: String::new(), faults: vec![fault] });
}

fn too_long() -> Fault {
    Fault::new("", "TOO_LONG", format!("is longer than {LONGEST} bytes"))
}

fn open_quote() -> Fault {
    Fault::new("", "OPEN_QUOTE", "opens a quote that never closes; reading went on with the next line")
}

fn not_utf8(error: std::str::Utf8Error) -> Fault {
    Fault::new("", "NOT_UTF8", format!("is not UTF-8 after byte {} of the row", error.valid_up_to()))
}

#[cfg(test)]
mod tests;
