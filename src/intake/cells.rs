//! One CSV row taken apart: quoted cells, doubled quotes, bare cells.

/// The cells of a row. Kept from row to row, so that reading a file allocates nothing for each.
#[derive(Debug, Default)]
pub struct Cells {
    text: String,
    ends: Vec<usize>,
}

/// A quoted cell goes on after its closing quote.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("cell {cell} goes on after its closing quote; double a quote that belongs to the text")]
pub struct MisplacedQuote {
    /// The cell, from 1.
    pub cell: usize,
}

impl Cells {
    /// Number of cells.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there is no cell.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The cell at a place, from 0; empty where there is none.
    pub fn get(&self, place: usize) -> &str {
        let Some(end) = self.ends.get(place) else { return "" };
        let start = place.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.text[start..*end]
    }

    /// All cells, in order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        (0..self.len()).map(|place| self.get(place))
    }

    /// Takes a row apart in place of the one held.
    ///
    /// # Errors
    /// When a quoted cell goes on after its closing quote.
    pub fn read(&mut self, row: &str, delimiter: char) -> Result<(), MisplacedQuote> {
        self.text.clear();
        self.ends.clear();
        let mut rest = row;
        loop {
            rest = if let Some(quoted) = rest.strip_prefix('"') {
                self.quoted(quoted)
            } else {
                let end = rest.find(delimiter).unwrap_or(rest.len());
                self.text.push_str(&rest[..end]);
                &rest[end..]
            };
            self.ends.push(self.text.len());
            match rest.strip_prefix(delimiter) {
                Some(next) => rest = next,
                None if rest.is_empty() => return Ok(()),
                None => return Err(MisplacedQuote { cell: self.ends.len() }),
            }
        }
    }

    fn quoted<'a>(&mut self, mut rest: &'a str) -> &'a str {
        while let Some(end) = rest.find('"') {
            self.text.push_str(&rest[..end]);
            rest = &rest[end + 1..];
            let Some(doubled) = rest.strip_prefix('"') else { return rest };
            self.text.push('"');
            rest = doubled;
        }
        self.text.push_str(rest);
        ""
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn cells(row: &str) -> Vec<String> {
        let mut cells = Cells::default();
        cells.read(row, ',').expect("must read");
        cells.iter().map(str::to_owned).collect()
    }

    #[test]
    fn quotes_guard_delimiters_and_double_themselves() {
        assert_eq!(cells(r#"a,"b,""c""",,d"e,"#), ["a", r#"b,"c""#, "", "d\"e", ""]);
        assert_eq!(cells(""), [""]);
    }

    #[test]
    fn text_after_a_closing_quote_is_refused() {
        assert_eq!(Cells::default().read(r#"a,"b"c"#, ','), Err(MisplacedQuote { cell: 2 }));
    }

    proptest! {
        #[test]
        fn what_a_csv_writer_writes_reads_as_it_was(row in proptest::collection::vec("[a,\"\u{e9} ]{0,5}", 1..6)) {
            let mut writer = csv::WriterBuilder::new().quote_style(csv::QuoteStyle::Always).from_writer(Vec::new());
            writer.write_record(&row).expect("must write");
            let bytes = writer.into_inner().expect("must flush");
            let text = String::from_utf8(bytes).expect("must be text");
            prop_assert_eq!(cells(text.trim_end_matches('\n')), row);
        }

        #[test]
        fn no_row_panics(row in ".*") {
            let _ = Cells::default().read(&row, ',');
        }
    }
}
