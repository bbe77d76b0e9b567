use proptest::prelude::*;

use super::*;

const MAPPING: &str = r#"
source_system = "x"
[[record]]
kind = "person"
id = "x-{id}"
subject_ref = "{id}"
[record.fields]
person.name = { column = "name" }
person.birth_date = { column = "born", date = "%Y-%m-%d" }
"#;

fn csv_form() -> Form {
    Form::Csv(Arc::new(Mapping::parse(MAPPING, Path::new("")).expect("must parse")))
}

fn open(bytes: &[u8], form: &Form) -> Result<Rows, Unreadable> {
    Rows::read(Path::new("x"), Box::new(io::Cursor::new(bytes.to_vec())), form)
}

/// Line, ids of the records, reasons of the refusals.
fn told(bytes: &[u8], form: &Form) -> Vec<(u64, Vec<String>, Vec<&'static str>)> {
    open(bytes, form)
        .expect("must open")
        .map(|row| {
            let row = row.expect("must read");
            let ids = row.records.into_iter().map(|record| record.id).collect();
            let reasons = row.refused.iter().flat_map(|refused| &refused.faults).map(|fault| fault.reason).collect();
            (row.line, ids, reasons)
        })
        .collect()
}

fn good(line: u64, id: &str) -> (u64, Vec<String>, Vec<&'static str>) {
    (line, vec![id.to_owned()], vec![])
}

fn bad(line: u64, reason: &'static str) -> (u64, Vec<String>, Vec<&'static str>) {
    (line, vec![], vec![reason])
}

#[test]
fn a_bad_csv_row_costs_itself_alone() {
    let mut bytes = b"\xEF\xBB\xBFid,name,born\r\n1,\"A,\nB\",1980-01-02\r\n2,b\n".to_vec();
    bytes.extend_from_slice(
        b"3,\xff,1980-01-02\n4,c,1980-01-02\n5,\"d\"e,1980-01-02\n\n6,f,02/01/1980\n7,\"g,1980-01-02\n",
    );
    bytes.extend_from_slice(b"8,h,1980-01-02\n9,i");
    assert_eq!(
        told(&bytes, &csv_form()),
        [
            good(2, "x-1"),
            bad(4, "COLUMN_COUNT"),
            bad(5, "NOT_UTF8"),
            good(6, "x-4"),
            bad(7, "MISPLACED_QUOTE"),
            bad(9, "INVALID_DATE"),
            bad(10, "OPEN_QUOTE"),
            good(11, "x-8"),
            bad(12, "TRUNCATED"),
        ]
    );
}

#[test]
fn a_last_row_without_line_feed_is_taken_when_it_is_whole() {
    assert_eq!(told(b"id,name,born\n1,a,1980-01-02", &csv_form()), [good(2, "x-1")]);
}

#[test]
fn a_bad_line_of_json_costs_itself_alone() {
    let line = |id: &str| format!(r#"{{"id":"{id}","subjectRef":"s","sourceSystem":"t","person":{{}}}}"#);
    let mut bytes = format!("{}\nnonsense\n\n{}\n", line("a"), line("b")).into_bytes();
    bytes.extend_from_slice(b"{\"id\":\"\xff\"}\n");
    bytes.extend(vec![b' '; LONGEST + 2]);
    bytes.extend_from_slice(format!("\n{}\n{}", line("c"), &line("d")[..20]).as_bytes());
    assert_eq!(
        told(&bytes, &Form::Ndjson),
        [
            good(1, "a"),
            bad(2, "NOT_JSON"),
            good(4, "b"),
            bad(5, "NOT_UTF8"),
            bad(6, "TOO_LONG"),
            good(7, "c"),
            bad(8, "TRUNCATED"),
        ]
    );
}

#[test]
fn a_file_that_cannot_be_read_at_all_says_why() {
    let header = |bytes: &[u8]| open(bytes, &csv_form()).err();
    assert!(matches!(header(b""), Some(Unreadable::Empty { .. })));
    assert!(matches!(header(b"id,\"name\n"), Some(Unreadable::Header { .. })));
    assert!(matches!(header(b"id,\xff\n"), Some(Unreadable::Header { .. })));
    assert!(matches!(header(b"\xFF\xFEi\0d\0"), Some(Unreadable::Io { .. })));
    let Some(Unreadable::Columns { violations, .. }) = header(b"id,Name\n1,a\n") else { panic!("must lack columns") };
    assert_eq!(violations.len(), 2);
    assert!(matches!(Rows::open(Path::new("/nowhere/at/all.csv"), &csv_form(), None), Err(Unreadable::Io { .. })));
}

#[test]
fn reading_goes_on_from_any_row_as_if_it_had_never_stopped() {
    let folder = tempfile::tempdir().expect("must make a folder");
    let path = folder.path().join("x.csv");
    let text = "id,name,born\n1,\"a\nb\",\n2,b,\nbad\n4,d,\n";
    std::fs::write(&path, text).expect("must write");
    let form = csv_form();
    let read = |from| -> Vec<Row> {
        Rows::open(&path, &form, from).expect("must open").map(|row| row.expect("must read")).collect()
    };
    let whole = read(None);
    assert_eq!(whole.len(), 4);
    for (place, row) in whole.iter().enumerate() {
        let rest: Vec<_> = read(Some(row.after)).iter().map(|row| (row.line, row.raw.clone(), row.after)).collect();
        let expected: Vec<_> = whole[place + 1..].iter().map(|row| (row.line, row.raw.clone(), row.after)).collect();
        assert_eq!(rest, expected);
    }
}

#[test]
fn the_raw_row_is_as_it_stands_in_the_file() {
    let mut rows = open(b"id,name,born\r\n1,\"a\nb\",\r\n", &csv_form()).expect("must open");
    let row = rows.next_row().expect("must read").expect("must be there");
    assert_eq!(&*row.raw, "1,\"a\nb\",");
}

proptest! {
    #[test]
    fn no_bytes_make_reading_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400), csv in any::<bool>()) {
        let form = if csv { csv_form() } else { Form::Ndjson };
        if let Ok(rows) = open(&bytes, &form) {
            for row in rows {
                let row = row.expect("memory must read");
                prop_assert!(row.records.len() + row.refused.len() <= 1);
            }
        }
    }

    #[test]
    fn no_bytes_after_a_good_header_make_reading_panic(bytes in proptest::collection::vec(proptest::sample::select(&b"1a,\"\n\r \xff-"[..]), 0..200)) {
        let text = [b"id,name,born\n", bytes.as_slice()].concat();
        let mut last = 1;
        for row in open(&text, &csv_form()).expect("the header must fit") {
            let row = row.expect("memory must read");
            prop_assert!(row.line > last, "lines must rise");
            prop_assert_eq!(row.records.len() + row.refused.len(), 1);
            last = row.line;
        }
    }
}
