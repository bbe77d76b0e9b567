//! Cuts a stream of bytes into lines or CSV rows, remembering where each began.
//!
//! Nothing here is believed: a line may be longer than memory, a quote may
//! never close, a file may stop in the middle of a word. Whatever a row turns
//! out to be, the next row is still found, and no more than [`LONGEST`] bytes
//! of one are ever held.

use std::io::{self, Read};

/// Longest row taken, in bytes: 1 MiB.
pub const LONGEST: usize = 1 << 20;

const CHUNK: usize = 1 << 16;

/// A place between two rows of a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// Bytes before it.
    pub offset: u64,
    /// Line feeds before it.
    pub lines: u64,
}

/// How a row came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// At a line feed.
    LineFeed,
    /// At the end of the file, without a line feed.
    File,
    /// It was longer than [`LONGEST`]: the rest of its line was passed over.
    TooLong,
    /// A quote that it opened never closed: its first line alone was taken.
    OpenQuote,
}

/// A row as it stands in the file, without its line feed.
#[derive(Clone, Copy, Debug)]
pub struct Piece<'a> {
    /// Line that it begins on, from 1.
    pub line: u64,
    /// Its bytes; of one that is too long, the beginning.
    pub bytes: &'a [u8],
    /// How it ended.
    pub end: End,
    /// The place after it.
    pub after: Place,
}

/// Cuts a stream into rows.
pub struct Splitter<R> {
    input: R,
    held: Vec<u8>,
    start: usize,
    at: Place,
    ended: bool,
}

impl<R: Read> Splitter<R> {
    /// A splitter of a stream whose first byte stands at `at`.
    pub fn new(input: R, at: Place) -> Self {
        Self { input, held: Vec::with_capacity(CHUNK), start: 0, at, ended: false }
    }

    /// The place before the next row.
    pub fn place(&self) -> Place {
        self.at
    }

    /// Passes over a UTF-8 byte order mark, and tells of a UTF-16 one.
    ///
    /// # Errors
    /// `InvalidData` for UTF-16; whatever reading gives.
    pub fn pass_byte_order_mark(&mut self) -> io::Result<()> {
        while self.held.len() - self.start < 3 && self.fill()? {}
        let head = &self.held[self.start..];
        if head.starts_with(b"\xEF\xBB\xBF") {
            self.start += 3;
            self.at.offset += 3;
        } else if head.starts_with(b"\xFF\xFE") || head.starts_with(b"\xFE\xFF") {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "is UTF-16; save it as UTF-8"));
        }
        Ok(())
    }

    /// The next line, or `None` at the end.
    ///
    /// # Errors
    /// Whatever reading gives.
    pub fn line(&mut self) -> io::Result<Option<Piece<'_>>> {
        let mut seen = 0;
        loop {
            let rest = &self.held[self.start + seen..];
            if let Some(found) = rest.iter().position(|byte| *byte == b'\n') {
                let length = seen + found;
                return if length > LONGEST { self.too_long() } else { Ok(Some(self.take(length, End::LineFeed))) };
            }
            seen += rest.len();
            if seen > LONGEST {
                return self.too_long();
            }
            if !self.fill()? {
                return Ok((seen > 0).then(|| self.take(seen, End::File)));
            }
        }
    }

    /// The next CSV row, whose quoted cells may hold line feeds, or `None` at the end.
    ///
    /// # Errors
    /// Whatever reading gives.
    pub fn row(&mut self, delimiter: u8) -> io::Result<Option<Piece<'_>>> {
        let mut seen = 0;
        let mut quotes = Quotes::default();
        loop {
            let rest = &self.held[self.start + seen..];
            if let Some(found) = rest.iter().position(|byte| quotes.ends_row(*byte, delimiter)) {
                let length = seen + found;
                return if length > LONGEST {
                    self.first_line_alone()
                } else {
                    Ok(Some(self.take(length, End::LineFeed)))
                };
            }
            seen += rest.len();
            if seen > LONGEST {
                return if quotes.open() { self.first_line_alone() } else { self.too_long() };
            }
            if !self.fill()? {
                return match seen {
                    0 => Ok(None),
                    1.. if quotes.open() => self.first_line_alone(),
                    1.. => Ok(Some(self.take(seen, End::File))),
                };
            }
        }
    }

    /// Gives up a row whose quote never closed: its first line is the row, and the next line begins a new one.
    fn first_line_alone(&mut self) -> io::Result<Option<Piece<'_>>> {
        let found = self.held[self.start..].iter().position(|byte| *byte == b'\n');
        match found {
            Some(length) if length <= LONGEST => Ok(Some(self.take(length, End::OpenQuote))),
            Some(_) => self.too_long(),
            None if self.held.len() - self.start > LONGEST => self.too_long(),
            None => Ok(Some(self.take(self.held.len() - self.start, End::OpenQuote))),
        }
    }

    /// Passes over the rest of a line that is too long, keeping its beginning.
    fn too_long(&mut self) -> io::Result<Option<Piece<'_>>> {
        const KEPT: usize = 4096;
        let head: Vec<u8> = self.held[self.start..].iter().take(KEPT).copied().collect();
        let line = self.at.lines + 1;
        loop {
            let rest = &self.held[self.start..];
            if let Some(found) = rest.iter().position(|byte| *byte == b'\n') {
                self.advance(found + 1);
                break;
            }
            let length = rest.len();
            self.advance(length);
            if !self.fill()? {
                break;
            }
        }
        // The head goes back in front of what is still unread, so that it can be lent out.
        let kept = head.len();
        self.held.splice(..self.start, head);
        self.start = kept;
        Ok(Some(Piece { line, bytes: &self.held[..kept], end: End::TooLong, after: self.at }))
    }

    fn take(&mut self, length: usize, end: End) -> Piece<'_> {
        let line = self.at.lines + 1;
        let from = self.start;
        let feed = usize::from(self.held.get(from + length) == Some(&b'\n'));
        self.advance(length + feed);
        let bytes = &self.held[from..from + length];
        let bytes = bytes.strip_suffix(b"\r").unwrap_or(bytes);
        Piece { line, bytes, end, after: self.at }
    }

    fn advance(&mut self, length: usize) {
        let passed = &self.held[self.start..self.start + length];
        self.at.lines += passed.split(|byte| *byte == b'\n').skip(1).count() as u64;
        self.at.offset += length as u64;
        self.start += length;
    }

    /// Reads on. `false` at the end.
    fn fill(&mut self) -> io::Result<bool> {
        if self.ended {
            return Ok(false);
        }
        if self.start > 0 {
            self.held.drain(..self.start);
            self.start = 0;
        }
        let length = self.held.len();
        self.held.resize(length + CHUNK, 0);
        let read = loop {
            match self.input.read(&mut self.held[length..]) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                read => break read,
            }
        };
        self.held.truncate(length + *read.as_ref().unwrap_or(&0));
        self.ended = read? == 0;
        Ok(!self.ended)
    }
}

/// Where a row stands between its quotes. A quote opens only at the beginning of a cell.
#[derive(Default)]
enum Quotes {
    #[default]
    CellBegins,
    Bare,
    Inside,
    /// A quote inside quotes: it closes, or doubles.
    Closing,
}

impl Quotes {
    fn open(&self) -> bool {
        matches!(self, Self::Inside)
    }

    fn ends_row(&mut self, byte: u8, delimiter: u8) -> bool {
        *self = match (&*self, byte) {
            (Self::Inside, b'"') => Self::Closing,
            (Self::Inside, _) | (Self::CellBegins | Self::Closing, b'"') => Self::Inside,
            (_, b'\n') => return true,
            (_, byte) if byte == delimiter => Self::CellBegins,
            (_, _) => Self::Bare,
        };
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(bytes: &[u8]) -> Vec<(u64, Vec<u8>, End)> {
        let mut splitter = Splitter::new(bytes, Place::default());
        let mut found = Vec::new();
        while let Some(piece) = splitter.row(b',').expect("must read") {
            found.push((piece.line, piece.bytes.to_vec(), piece.end));
        }
        assert_eq!(splitter.place().offset, bytes.len() as u64, "every byte must be accounted for");
        found
    }

    #[test]
    fn a_quoted_line_feed_does_not_end_a_row() {
        assert_eq!(
            rows(b"a,\"b\nc\"\r\nd,e\"f\nlast"),
            [
                (1, b"a,\"b\nc\"".to_vec(), End::LineFeed),
                (3, b"d,e\"f".to_vec(), End::LineFeed),
                (4, b"last".to_vec(), End::File)
            ]
        );
    }

    #[test]
    fn a_quote_that_never_closes_costs_its_own_line_alone() {
        assert_eq!(
            rows(b"a,\"b\nc,d\ne,f\n"),
            [
                (1, b"a,\"b".to_vec(), End::OpenQuote),
                (2, b"c,d".to_vec(), End::LineFeed),
                (3, b"e,f".to_vec(), End::LineFeed)
            ]
        );
    }

    #[test]
    fn a_line_too_long_is_passed_over_and_the_next_one_found() {
        let mut bytes = vec![b'x'; 3 * LONGEST];
        bytes.extend_from_slice(b"\nnext\n");
        let found = rows(&bytes);
        assert_eq!(found[0].2, End::TooLong);
        assert!(found[0].1.len() <= 4096, "no more than the beginning is kept");
        assert_eq!(found[1], (2, b"next".to_vec(), End::LineFeed));

        let mut splitter = Splitter::new(bytes.as_slice(), Place::default());
        assert_eq!(splitter.line().expect("must read").expect("must be there").end, End::TooLong);
        assert_eq!(splitter.line().expect("must read").expect("must be there").bytes, b"next");
        assert!(splitter.line().expect("must read").is_none());
    }

    #[test]
    fn a_row_of_exactly_the_longest_length_is_taken() {
        for (length, end) in [(LONGEST, End::LineFeed), (LONGEST + 1, End::TooLong)] {
            let mut bytes = vec![b'x'; length];
            bytes.push(b'\n');
            assert_eq!(rows(&bytes)[0].2, end, "{length}");
        }
    }

    #[test]
    fn a_byte_order_mark_is_passed_over_and_utf16_told_of() {
        let mut splitter = Splitter::new(&b"\xEF\xBB\xBFa\n"[..], Place::default());
        splitter.pass_byte_order_mark().expect("must pass");
        assert_eq!(splitter.line().expect("must read").expect("must be there").bytes, b"a");
        assert!(Splitter::new(&b"\xFF\xFEa\0"[..], Place::default()).pass_byte_order_mark().is_err());
    }

    proptest::proptest! {
        #[test]
        fn every_byte_is_in_one_row_whatever_the_bytes(bytes in proptest::collection::vec(proptest::sample::select(&b"a,\"\n\r\xff"[..]), 0..200)) {
            let found = rows(&bytes);
            #[expect(clippy::naive_bytecount, reason = "a test on short inputs")]
            let feeds = bytes.iter().filter(|byte| **byte == b'\n').count();
            proptest::prop_assert!(found.len() <= feeds + 1);
        }
    }
}
