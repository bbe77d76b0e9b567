//! An export as comma-separated values (RFC 4180): UTF-8, a row of names first, lines
//! that end in CR and LF. Spreadsheets take some texts for formulas; no text that
//! somebody stored is let out as one.

use bytes::{Buf, Bytes};
use tokio_stream::{Stream, StreamExt};
use tonic::Status;

use super::columns::{COLUMNS, Cell, Part, Take};
use crate::api::error;
use crate::api::http::frames::Messages;
use crate::pb;
use crate::service::fault::Fault;
use crate::telling::spreadsheet::harmless;

/// Its media type.
pub const MEDIA: &str = "text/csv; charset=utf-8; header=present";

/// Bytes of a row, mostly.
const ROW: usize = 192;

/// What ends a row.
const END: &[u8] = b"\r\n";

/// A part as a message of its own: a line with a name for the file, and its rows. `None`: it is no part.
pub fn message(part: pb::ExportStandingsResponse) -> Option<Vec<u8>> {
    let part = Part::of(part)?;
    let mut text = part.file_name().into_bytes();
    text.push(b'\n');
    write(&mut text, &part);
    Some(text)
}

/// The name and the rows of a message.
pub fn taken(mut message: Bytes) -> Option<(String, Bytes)> {
    let end = message.iter().position(|byte| *byte == b'\n')?;
    let name = String::from_utf8(message.split_to(end).into()).ok()?;
    message.advance(1);
    Some((name, message))
}

/// The file, a piece for each part.
pub fn stream(
    first: Bytes,
    messages: Messages,
    correlation_id: &str,
) -> impl Stream<Item = Result<Bytes, Status>> + Send + 'static {
    let broken = error::status(&Fault::Internal, correlation_id);
    let rest = messages.map(move |message| taken(message?).map(|(_, rows)| rows).ok_or_else(|| broken.clone()));
    tokio_stream::iter([Ok(head().into()), Ok(first)]).chain(rest)
}

/// The names of the columns.
fn head() -> Vec<u8> {
    let names: Vec<_> = COLUMNS.iter().map(|column| column.name).collect();
    [names.join(",").as_bytes(), END].concat()
}

/// What rows are written from.
enum Piece {
    /// What stands between most cells.
    Comma,
    /// The same in each of them, with the commas about it.
    Same(Vec<u8>),
    /// A cell of its own.
    Own(for<'a> fn(&'a pb::Standing) -> Cell<'a>),
}

fn pieces(part: &Part) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut same = Vec::new();
    let mut digits = itoa::Buffer::new();
    for (number, column) in COLUMNS.iter().enumerate() {
        if number > 0 {
            same.push(b',');
        }
        match column.take {
            Take::Part(take) => put(&mut same, take(part), &mut digits),
            Take::Row(take) => {
                let before = if same == b"," { Piece::Comma } else { Piece::Same(std::mem::take(&mut same)) };
                same.clear();
                pieces.extend([before, Piece::Own(take)]);
            }
        }
    }
    same.extend_from_slice(END);
    pieces.push(Piece::Same(same));
    pieces
}

/// Writes the rows of a part.
fn write(text: &mut Vec<u8>, part: &Part) {
    text.reserve(part.standings.len() * ROW);
    let pieces = pieces(part);
    let mut digits = itoa::Buffer::new();
    for standing in &part.standings {
        for piece in &pieces {
            match piece {
                Piece::Comma => text.push(b','),
                Piece::Same(same) => text.extend_from_slice(same),
                Piece::Own(take) => put(text, take(standing), &mut digits),
            }
        }
    }
}

/// Writes a cell. Only what somebody stored can hold what has to be quoted.
fn put(text: &mut Vec<u8>, cell: Cell<'_>, digits: &mut itoa::Buffer) {
    match cell {
        Cell::Text(stored) if is_plain(stored) => text.extend_from_slice(stored.as_bytes()),
        Cell::Text(stored) => put_quoted(text, &harmless(stored)),
        Cell::Word(word) | Cell::Date(word) => text.extend_from_slice(word.as_bytes()),
        Cell::Whole(number) => text.extend_from_slice(digits.format(number).as_bytes()),
        Cell::Truth(true) => text.extend_from_slice(b"true"),
        Cell::Truth(false) => text.extend_from_slice(b"false"),
        Cell::Nothing => {}
    }
}

/// Whether a text is of what references mostly are: neither a formula nor to be quoted, whoever reads it.
fn is_plain(text: &str) -> bool {
    !text.starts_with('-')
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_'))
}

/// Writes a text, in quotes where it would end its cell or its row otherwise.
fn put_quoted(text: &mut Vec<u8>, cell: &str) {
    if !cell.contains([',', '"', '\r', '\n']) {
        text.extend_from_slice(cell.as_bytes());
        return;
    }
    text.push(b'"');
    for byte in cell.bytes() {
        if byte == b'"' {
            text.push(b'"');
        }
        text.push(byte);
    }
    text.push(b'"');
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::columns::tests::{context, standing};
    use super::*;
    use crate::telling::spreadsheet::{CELL_ENDS, is_unseen};

    fn text(standings: Vec<pb::Standing>) -> String {
        let part = Part { list: pb::List::Wanted, context: context(), standings };
        let mut text = head();
        write(&mut text, &part);
        String::from_utf8(text).unwrap()
    }

    #[test]
    fn a_list_is_a_row_of_names_and_a_row_for_each_person() {
        let bare = pb::Standing {
            subject_ref: "a,\"b\"".to_owned(),
            effective_band: 1,
            computed_band: 1,
            ..Default::default()
        };
        assert_eq!(
            text(vec![standing("S-1", 1), bare]),
            "list,subject_ref,rank,position,filtered_position,percentile,effective_band,computed_band,composite,threat,\
             risk,harm,provisional,overridden,child,outstanding_since,cohort_status,rag,custody,circulation,as_of,\
             revision,generation,policy_version,stale\r\n\
             WANTED,S-1,1,1,1,9900,VERY_HIGH,HIGH,59960,48000,61000,72000,true,false,false,2026-02-10,FLEX,AMBER,\
             AT_LIBERTY,PNC_WANTED,2026-03-31,20114,4,thr-2026.1,false\r\n\
             WANTED,\"a,\"\"b\"\"\",0,0,0,0,LOW,LOW,0,0,0,0,false,false,false,,,,,,2026-03-31,20114,4,thr-2026.1,false\r\n"
        );
    }

    #[test]
    fn an_empty_list_is_a_row_of_names() {
        assert_eq!(text(Vec::new()).lines().count(), 1);
    }

    #[test]
    fn whatever_a_spreadsheet_would_compute_is_told_as_text() {
        for (stored, told) in [
            ("S-1", "S-1"),
            ("a=1", "a=1"),
            ("O'Neil", "O'Neil"),
            ("", ""),
            ("=1+1", "'=1+1"),
            ("+44", "'+44"),
            ("-1", "'-1"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("  =1", "'  =1"),
            ("\u{3000}\u{200B}\u{FEFF}=1", "'\u{3000}\u{200B}\u{FEFF}=1"),
            ("\u{FF1D}1", "'\u{FF1D}1"),
            ("\u{FF20}x", "'\u{FF20}x"),
            ("\tx", "'\tx"),
            ("\rx", "'\rx"),
            ("\t=1", "'\t'=1"),
            ("a;=cmd|' /C calc'!A0;b", "a;'=cmd|' /C calc'!A0;b"),
            ("a; b", "a; b"),
        ] {
            assert_eq!(harmless(stored), told, "{stored:?}");
        }
    }

    proptest! {
        #[test]
        fn a_cell_is_never_a_formula_and_loses_nothing_but_to_apostrophes(
            stored in "[ \t\r\n;=+@\u{FF1D}\u{200B}a'\",-]{0,12}",
        ) {
            let told = text(vec![standing(&stored, 1)]);
            let mut reader = csv::ReaderBuilder::new().from_reader(told.as_bytes());
            let row = reader.records().next().unwrap().unwrap();
            let cell = &row[1];
            prop_assert!(!cell.starts_with(char::is_control));
            for piece in cell.split(CELL_ENDS) {
                let shown = piece.trim_start_matches(|letter: char| letter.is_whitespace() || is_unseen(letter));
                prop_assert!(!shown.starts_with(['=', '+', '-', '@', '\u{FF1D}']), "{cell:?}");
            }
            prop_assert_eq!(cell.replace('\'', ""), stored.replace('\'', ""));
        }
    }
}
