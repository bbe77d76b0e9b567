use proptest::prelude::*;

use super::*;
use crate::pb;

const GOOD: &str = r#"
source_system = "custody"
delimiter = ";"
empty = ["NULL"]

[tables.outcomes]
entries = { C = "OUTCOME_CONVICTED", N = "OUTCOME_NO_FURTHER_ACTION" }

[[record]]
kind = "offence"
id = "cus-{ref}"
subject_ref = "{nominal}"
when = [{ column = "code", present = true }, { column = "kind", one_of = ["crime", "incident"] }]

[record.fields]
event_date = { first_of = ["from", "to"], date = ["%d/%m/%Y", "%Y-%m-%d"], shift_days = 1 }
"offence.ho_code" = { column = "code" }
offence.outcome = { column = "result", table = "outcomes" }
offence.victim = { natural_person = { constant = true }, vulnerable = { column = "vuln", boolean = { true = "Y", false = ["N", "U"] } } }
offence.domestic_abuse = { column = "da", default = false, boolean = { true = "Y", false = "N" } }

[[record]]
kind = "outstanding"
id = "cus-{ref}-wanted"
subject_ref = "{nominal}"
when = [{ column = "wanted", equals = "Y" }]

[record.fields]
event_date = { column = "from", date = "%d/%m/%Y" }
recorded_time = { column = "updated", date_time = "%d/%m/%Y %H:%M" }
outstanding.reason = { constant = "OUTSTANDING_REASON_NAMED_SUSPECT_NOT_ARRESTED" }
outstanding.offence_ids = [{ template = "cus-{ref}" }, { column = "second" }]
outstanding.periods = [{ opened_on = { column = "from", date = "%d/%m/%Y" } }, { opened_on = { column = "reopened", date = "%d/%m/%Y" } }]
"#;

const HEADER: &str = "ref;nominal;code;kind;from;to;result;vuln;da;wanted;updated;second;reopened";

fn mapping() -> Mapping {
    Mapping::parse(GOOD, Path::new("")).unwrap_or_else(|violations| panic!("{violations:?}"))
}

fn read(row: &str) -> RowRead {
    let mapping = mapping();
    let mut cells = Cells::default();
    cells.read(HEADER, ';').expect("must read");
    let places = mapping.bind(&cells).expect("must fit");
    cells.read(row, ';').expect("must read");
    let mut read = RowRead::default();
    mapping.read(&cells, &places, &mut read);
    read
}

fn violations(text: &str) -> Vec<(String, &'static str)> {
    let found = Mapping::parse(text, Path::new("")).expect_err("must be refused");
    found.into_iter().map(|violation| (violation.at, violation.reason)).collect()
}

/// A mapping with these lines as the fields of one Person record.
fn person(fields: &str) -> String {
    format!(
        "source_system = \"x\"\n[[record]]\nkind = \"person\"\nid = \"x-{{id}}\"\nsubject_ref = \"{{id}}\"\n[record.fields]\n{fields}\n"
    )
}

#[test]
fn one_row_gives_every_record_whose_conditions_hold() {
    let row = read("7;N1;028/03;crime;31/12/2025;;C;Y;;Y;01/07/2026 10:00; X2 ;");
    assert_eq!(row.refused, []);
    let [offence, wanted] = row.records.as_slice() else { panic!("must be two: {row:?}") };
    assert_eq!((offence.id.as_str(), offence.subject_ref.as_str()), ("cus-7", "N1"));
    assert_eq!((offence.source_system.as_str(), offence.event_date.as_str()), ("custody", "2026-01-01"));
    let Some(pb::record::Kind::Offence(kind)) = &offence.kind else { panic!("must be an offence") };
    assert_eq!((kind.ho_code.as_str(), kind.outcome()), ("028/03", pb::Outcome::Convicted));
    let victim = kind.victim.as_ref().expect("must be there");
    assert!(victim.natural_person && victim.vulnerable && !kind.domestic_abuse);

    assert_eq!(wanted.recorded_time.map(|time| time.seconds), Some(1_782_896_400), "ten in London is nine in UTC");
    let Some(pb::record::Kind::Outstanding(kind)) = &wanted.kind else { panic!("must be outstanding") };
    assert_eq!(kind.offence_ids, ["cus-7", "X2"]);
    assert_eq!(kind.periods.len(), 1, "a period of which nothing is known is left out");
}

#[test]
fn a_row_whose_conditions_fail_gives_nothing() {
    for row in ["7;N1;;crime;;;;;;;;;", "7;N1;NULL;crime;;;;;;;;;", "7;N1;028/03;other;;;;;;;;;"] {
        let row = read(row);
        assert!(row.records.is_empty() && row.refused.is_empty(), "{row:?}");
    }
}

#[test]
fn a_refused_record_tells_everything_wrong_and_leaves_the_others() {
    let row = read("7;N1;028/03;crime;31/02/2026;;Z;maybe;;Y;;;");
    assert!(row.records.is_empty());
    let [offence, wanted] = row.refused.as_slice() else { panic!("must be two: {row:?}") };
    assert_eq!(offence.record_id, "cus-7");
    let found: Vec<_> = offence.faults.iter().map(|fault| (fault.field.as_str(), fault.reason)).collect();
    let expected = [
        ("event_date", "INVALID_DATE"),
        ("offence.outcome", "NOT_IN_TABLE"),
        ("offence.victim.vulnerable", "NOT_IN_TABLE"),
    ];
    assert_eq!(found, expected);
    assert_eq!(wanted.faults[0].field, "event_date");

    let row = read("7;N1;028/03;crime;31/12/2025;;Z;;;Y;;;");
    assert_eq!((row.records.len(), row.refused.len()), (1, 1), "one bad record does not refuse its neighbour");
}

#[test]
fn a_message_never_repeats_what_a_row_says() {
    let row = read("7;N1;028/03;crime;Smith;;Smith;Smith;Smith;;;;");
    for fault in row.refused.iter().flat_map(|refused| &refused.faults) {
        assert!(!fault.message.contains("Smith"), "{fault:?}");
    }
    assert_eq!(row.refused[0].faults.len(), 4);
}

#[test]
fn a_record_without_its_reference_is_refused() {
    let row = read(";N1;028/03;crime;;;;;;;;;");
    assert_eq!(row.refused[0].faults[0].field, "id");
    let row = read("7;;028/03;crime;;;;;;;;;");
    assert_eq!(row.refused[0].faults[0].field, "subject_ref");
}

#[test]
fn a_sum_with_a_gap_is_not_a_smaller_sum() {
    let text = person(r#"person.apparent_age_from = { sum = ["a", "b"], required = true }"#);
    let mapping = Mapping::parse(&text, Path::new("")).expect("must parse");
    let mut cells = Cells::default();
    cells.read("id,a,b", ',').expect("must read");
    let places = mapping.bind(&cells).expect("must fit");
    let mut outcome = |row: &str| {
        cells.read(row, ',').expect("must read");
        let mut read = RowRead::default();
        mapping.read(&cells, &places, &mut read);
        match (read.records.pop(), read.refused.pop()) {
            (Some(record), None) => match record.kind {
                Some(pb::record::Kind::Person(person)) => Ok(person.apparent_age_from),
                _ => panic!("must be a person"),
            },
            (None, Some(refused)) => Err(refused.faults[0].reason),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(outcome("1,20,3"), Ok(23));
    assert_eq!(outcome("1,20,"), Err("REQUIRED"));
    assert_eq!(outcome("1,20,x"), Err("NOT_A_WHOLE_NUMBER"));
    assert_eq!(outcome("1,2,-3"), Err("OUT_OF_RANGE"));
}

#[test]
fn everything_wrong_with_a_mapping_is_told_at_once() {
    let found = violations(
        r#"
source_system = ""
delimiter = ",,"
encoding = "latin-1"
colour = "red"

[tables.t]
file = "nowhere.csv"
key = "a"

[tables.unused]
entries = { a = "b" }

[[record]]
kind = "offense"
id = "x"
subject_ref = "{id"

[[record]]
kind = "person"
id = "{id}"
subject_ref = "{id}"
when = [{ column = "a", present = true, equals = "b" }]

[record.fields]
"#,
    );
    let expected = [
        ("source_system", "INVALID_REFERENCE"),
        ("delimiter", "UNKNOWN_VALUE"),
        ("encoding", "UNKNOWN_VALUE"),
        ("tables.t", "REQUIRED"),
        ("record[1].kind", "UNKNOWN_VALUE"),
        ("record[1].id", "BAD_TEMPLATE"),
        ("record[1].subject_ref", "BAD_TEMPLATE"),
        ("record[1].fields", "NO_FIELD"),
        ("record[2].when[1]", "BAD_CONDITION"),
        ("record[2].fields", "NO_FIELD"),
        ("tables.t", "UNUSED_TABLE"),
        ("tables.unused", "UNUSED_TABLE"),
        ("colour", "UNKNOWN_KEY"),
    ];
    assert_eq!(found, expected.map(|(at, reason)| (at.to_owned(), reason)));
}

#[test]
fn a_mapping_without_records_is_refused() {
    assert_eq!(violations("source_system = \"x\""), [("record".to_owned(), "NO_RECORD")]);
    assert_eq!(violations("source_system =")[0].1, "NOT_TOML");
}

#[test]
fn a_field_is_of_the_contract_and_of_the_kind_of_its_record() {
    for (field, reason) in [
        (r#"person.race = { column = "race" }"#, "UNKNOWN_FIELD"),
        (r#""person.birth_date.year" = { column = "a" }"#, "UNKNOWN_FIELD"),
        (r#"offence.ho_code = { column = "a" }"#, "OTHER_KIND"),
        (r#"id = { column = "a" }"#, "CONTRADICTION"),
        (r#"person.areas = { column = "a" }"#, "WRONG_TYPE"),
        (r#"person.birth_date = "a""#, "WRONG_TYPE"),
        ("person.birth_date = { column = \"a\" }\n\"person.birthDate\" = { column = \"b\" }", "DUPLICATE_FIELD"),
        (r#"event_date = { column = "a" }"#, "NO_FIELD"),
    ] {
        let text = person(&format!("person.name = {{ column = \"n\" }}\n{field}"));
        let text = if reason == "NO_FIELD" { person(field) } else { text };
        let found = violations(&text);
        assert_eq!(found.len(), 1, "{field}: {found:?}");
        assert_eq!(found[0].1, reason, "{field}");
    }
    let whole = violations(&person(r#"person = { column = "a" }"#));
    assert_eq!(whole[0].1, "UNKNOWN_FIELD", "a message is filled field by field");
}

#[test]
fn a_value_that_the_contract_would_refuse_is_refused_in_the_mapping() {
    for (rule, reason) in [
        (r#"person.sex = { constant = "MALE" }"#, "UNKNOWN_VALUE"),
        (r#"person.sex = { column = "a", values = { M = "MALE" } }"#, "UNKNOWN_VALUE"),
        (r#"person.sex = { column = "a", values = { M = "SEX_MALE" }, otherwise = "F" }"#, "UNKNOWN_VALUE"),
        (r#"person.sex = { column = "a", table = "sexes" }"#, "UNKNOWN_TABLE"),
        (r"person.apparent_age_from = { constant = -1 }", "OUT_OF_RANGE"),
        (r#"person.apparent_age_from = { column = "a", default = "ten" }"#, "NOT_A_WHOLE_NUMBER"),
        (r#"person.apparent_age_from = { column = "a", date = "%Y-%m-%d" }"#, "WRONG_TYPE"),
        (r#"person.birth_date = { column = "a", date = "%Y-%q" }"#, "BAD_DATE_FORMAT"),
        (r#"person.birth_date = { column = "a", date = "%d/%m/%y" }"#, "BAD_DATE_FORMAT"),
        (r#"person.birth_date = { column = "a", format = "%Y" }"#, "UNKNOWN_KEY"),
        (r#"person.birth_date = { column = "a", constant = "b" }"#, "CONTRADICTION"),
        (r#"person.birth_date = { column = "a", sum = ["b"] }"#, "CONTRADICTION"),
        (r#"person.birth_date = { date = "%Y-%m-%d" }"#, "NO_SOURCE"),
        (r#"person.birth_date = { column = "a", default = "x", required = true }"#, "CONTRADICTION"),
        (r#"person.birth_date = { column = "a", shift_days = 1 }"#, "CONTRADICTION"),
        (r#"person.birth_date = { column = "a", date = "%Y-%m-%d", values = { a = "b" } }"#, "CONTRADICTION"),
        (r"person.birth_date = { column = 7 }", "WRONG_TYPE"),
    ] {
        let found = violations(&person(&format!("person.name = {{ column = \"n\" }}\n{rule}")));
        assert_eq!(found.len(), 1, "{rule}: {found:?}");
        assert_eq!(found[0].1, reason, "{rule}");
    }
}

#[test]
fn two_records_that_would_overwrite_each_other_are_refused() {
    let one = "[[record]]\nkind = \"person\"\nid = \"{id}\"\nsubject_ref = \"{id}\"\n[record.fields]\nperson.name = { column = \"n\" }\n";
    let found = violations(&format!("source_system = \"x\"\n{one}{one}"));
    assert_eq!(found, [("record[2].id".to_owned(), "DUPLICATE_ID")]);
}

#[test]
fn a_table_file_is_read_whole_or_every_fault_of_it_told() {
    let folder = tempfile::tempdir().expect("must make a folder");
    let text = |key: &str| {
        let fields = "person.sex = { column = \"s\", table = \"sexes\" }";
        person(fields) + &format!("[tables.sexes]\nfile = \"sexes.csv\"\nkey = \"{key}\"\nvalue = \"word\"\n")
    };
    let reasons = |text: &str| match Mapping::parse(text, folder.path()) {
        Ok(_) => Vec::new(),
        Err(found) => found.into_iter().map(|violation| violation.reason).collect(),
    };
    assert_eq!(reasons(&text("letter")), ["TABLE_FILE"], "it is not there");
    let file = folder.path().join("sexes.csv");
    std::fs::write(&file, "\u{feff}letter,word,remark\nM,SEX_MALE,\n\"F\",SEX_FEMALE,x\n").expect("must write");
    assert_eq!(reasons(&text("letter")), Vec::<&str>::new());
    assert_eq!(reasons(&text("code")), ["TABLE_FILE"], "it has no such column");
    std::fs::write(&file, "letter,word\nM,SEX_MALE\nM,SEX_MALE\nF\n,SEX_MALE\nX,OTHER\n").expect("must write");
    assert_eq!(reasons(&text("letter")), ["TABLE_FILE", "TABLE_FILE", "TABLE_FILE", "UNKNOWN_VALUE"]);
    std::fs::write(&file, b"letter,word\nM,\xff\n").expect("must write");
    assert_eq!(reasons(&text("letter"))[0], "TABLE_FILE");
}

#[test]
fn another_table_is_another_digest() {
    let folder = tempfile::tempdir().expect("must make a folder");
    let text = person("person.sex = { column = \"s\", table = \"t\" }")
        + "[tables.t]\nfile = \"t.csv\"\nkey = \"a\"\nvalue = \"b\"\n";
    let digest = |table: &str| {
        std::fs::write(folder.path().join("t.csv"), table).expect("must write");
        Mapping::parse(&text, folder.path()).expect("must parse").digest()
    };
    assert_eq!(digest("a,b\nM,SEX_MALE\n"), digest("a,b\nM,SEX_MALE\n"));
    assert_ne!(digest("a,b\nM,SEX_MALE\n"), digest("a,b\nF,SEX_FEMALE\n"));
}

#[test]
fn a_header_that_lacks_columns_is_refused_for_all_of_them() {
    let mut cells = Cells::default();
    cells.read("ref;nominal;code;kind;from;from;result;vuln;da;wanted;updated", ';').expect("must read");
    let found = mapping().bind(&cells).expect_err("must be refused");
    let reasons: Vec<_> = found.iter().map(|violation| violation.reason).collect();
    assert_eq!(reasons, ["AMBIGUOUS_COLUMN", "MISSING_COLUMN", "MISSING_COLUMN", "MISSING_COLUMN"]);
}

proptest! {
    #[test]
    fn no_text_makes_the_parser_panic(text in ".{0,300}") {
        let _ = Mapping::parse(&text, Path::new(""));
    }

    #[test]
    fn no_mangled_mapping_makes_the_parser_panic(at in 0..GOOD.len(), length in 0..40_usize, with in "[\\[\\]{}=\"a-z%.\n0-9]{0,8}") {
        prop_assume!(GOOD.is_char_boundary(at));
        let end = (at + length).min(GOOD.len());
        prop_assume!(GOOD.is_char_boundary(end));
        let mangled = format!("{}{with}{}", &GOOD[..at], &GOOD[end..]);
        if let Err(violations) = Mapping::parse(&mangled, Path::new("")) {
            prop_assert!(!violations.is_empty(), "a refusal must say why");
        }
    }

    #[test]
    fn no_row_makes_the_mapping_panic(cells in proptest::collection::vec("[0-9/:. A-ZYN]{0,12}|.{0,6}", 13)) {
        let row = cells.iter().map(|cell| format!("\"{}\"", cell.replace('"', "\"\""))).collect::<Vec<_>>().join(";");
        let row = read(&row);
        prop_assert!(row.records.len() + row.refused.len() <= 2);
    }
}
