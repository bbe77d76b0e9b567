//! An export as comma-separated values (RFC 4180): UTF-8, a row of names first, lines
//! that end in CR and LF. Spreadsheets take some texts for formulas; no text that
//! somebody stored is let out as one.

use std::borrow::Cow;

use bytes::Bytes;
use tokio_stream::{Stream, StreamExt};
use tonic::Status;

use super::columns::{COLUMNS, Cell, Part, Take};
use crate::api::http::frames::Messages;
use crate::telling::spreadsheet::harmless;

/// Its media type.
pub const MEDIA: &str = "text/csv; charset=utf-8; header=present";

/// Bytes of a row, mostly.
const ROW: usize = 256;

/// The file, a piece for each part.
pub fn stream(
    first: Part,
    messages: Messages,
    correlation_id: &str,
) -> impl Stream<Item = Result<Bytes, Status>> + Send + 'static {
    let correlation_id = correlation_id.to_owned();
    let mut head = Some(head());
    let rest = messages.map(move |message| Part::read(message?, &correlation_id));
    tokio_stream::once(Ok(first)).chain(rest).map(move |part| {
        let mut text = head.take().unwrap_or_default();
        write(&mut text, &part?);
        Ok(text.into())
    })
}

fn writer(into: &mut Vec<u8>) -> csv::Writer<&mut Vec<u8>> {
    csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(into)
}

/// What becomes of anything written to memory.
const TAKEN: &str = "memory must take what is written";

/// The names of the columns.
fn head() -> Vec<u8> {
    let mut text = Vec::new();
    writer(&mut text).write_record(COLUMNS.iter().map(|column| column.name)).expect(TAKEN);
    text
}

/// Writes the rows of a part.
fn write(text: &mut Vec<u8>, part: &Part) {
    text.reserve(part.standings.len() * ROW);
    let mut rows = writer(text);
    let mut digits = itoa::Buffer::new();
    let shared: Vec<Option<String>> = COLUMNS
        .iter()
        .map(|column| match column.take {
            Take::Part(take) => Some(field(take(part), &mut digits).into_owned()),
            Take::Row(_) => None,
        })
        .collect();
    for standing in &part.standings {
        for (column, shared) in COLUMNS.iter().zip(&shared) {
            match (shared, column.take) {
                (Some(shared), _) => rows.write_field(shared),
                (None, Take::Row(take)) => rows.write_field(&*field(take(standing), &mut digits)),
                (None, Take::Part(_)) => unreachable!("what a part says must have been written already"),
            }
            .expect(TAKEN);
        }
        rows.write_record(None::<&[u8]>).expect(TAKEN);
    }
    rows.flush().expect(TAKEN);
}

/// The text of a cell, before what it holds is quoted.
fn field<'a>(cell: Cell<'a>, digits: &'a mut itoa::Buffer) -> Cow<'a, str> {
    match cell {
        Cell::Text(text) => harmless(text),
        Cell::Word(text) | Cell::Date(text) => Cow::Borrowed(text),
        Cell::Whole(number) => Cow::Borrowed(digits.format(number)),
        Cell::Truth(true) => Cow::Borrowed("true"),
        Cell::Truth(false) => Cow::Borrowed("false"),
        Cell::Nothing => Cow::Borrowed(""),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::columns::tests::{context, standing};
    use super::*;
    use crate::pb;
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
