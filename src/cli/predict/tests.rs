use std::collections::BTreeSet;
use std::io::Cursor;

use serde_json::{Value, json};

use super::*;

use crate::reference::{OGRS3_CASES, PREDICTOR_CASES as TWO_YEAR_CASES};

fn cases(text: &str) -> Vec<Value> {
    serde_json::from_str(text).expect("must be a JSON array")
}

fn run_on(input: &[u8]) -> (Tally, Vec<Value>) {
    let mut output = Vec::new();
    let tally = answer_all(&mut BufReader::new(Cursor::new(input)), &mut output).expect("must read and write");
    let text = String::from_utf8(output).expect("must be UTF-8");
    (tally, text.lines().map(|line| serde_json::from_str(line).expect("must be JSON")).collect())
}

fn answer_to(case: &Value) -> Value {
    let (tally, mut answers) = run_on(case.to_string().as_bytes());
    assert_eq!(tally.lines, 1);
    answers.remove(0)
}

/// `(field, reason)` of every violation.
fn violations(answer: &Value) -> BTreeSet<(&str, &str)> {
    let violations = answer["error"]["violations"].as_array().expect("must be refused");
    assert!(!violations.is_empty());
    let text = |value: &'static str, violation| -> &str {
        let violation: &Value = violation;
        violation[value].as_str().expect("must be a text")
    };
    violations.iter().map(|violation| (text("field", violation), text("reason", violation))).collect()
}

fn two_year() -> Value {
    cases(TWO_YEAR_CASES).remove(0)
}

fn ogrs3() -> Value {
    cases(OGRS3_CASES).remove(0)
}

fn with(mut case: Value, field: &str, value: Value) -> Value {
    case[field] = value;
    case
}

fn without(mut case: Value, field: &str) -> Value {
    case.as_object_mut().expect("must be an object").remove(field);
    case
}

fn close(found: &Value, published: &Value) -> bool {
    let number = |value: &Value| value.as_f64().expect("must be a number");
    (number(found) - number(published)).abs() < 1e-9
}

#[test]
fn every_published_case_is_answered_as_published() {
    for case in cases(TWO_YEAR_CASES) {
        let answer = answer_to(&case);
        assert_eq!(answer.as_object().expect("must be an object").keys().collect::<Vec<_>>(), ["ARP", "VRP", "SVRP"]);
        for instrument in ["ARP", "VRP", "SVRP"] {
            assert!(close(&answer[instrument]["probability"], &case[instrument]), "{instrument}");
        }
    }
    let published = cases(OGRS3_CASES);
    assert_eq!(published.len(), 100);
    for case in published {
        let answer = answer_to(&case);
        assert!(close(&answer["OGRS3"]["one_year"], &case["one_year"]), "{case}");
        assert!(close(&answer["OGRS3"]["two_year"], &case["two_year"]), "{case}");
    }
}

#[test]
fn an_answer_has_these_fields_and_its_contributions_sum_to_the_logit() {
    let answer = answer_to(&two_year());
    for instrument in ["ARP", "VRP", "SVRP"] {
        let fields = answer[instrument].as_object().expect("must be an object");
        assert_eq!(fields.keys().collect::<Vec<_>>(), ["logit", "probability", "band", "contributions"]);
        let parts = fields["contributions"].as_object().expect("must be an object").values();
        let sum = parts.fold(0.0, |sum, part| sum + part.as_f64().expect("must be a number"));
        let logit = fields["logit"].as_f64().expect("must be a number");
        assert!((sum - logit).abs() < 1e-12, "{instrument}: {sum} is not {logit}");
        assert_eq!(fields["band"], "LOW");
    }
    let answer = answer_to(&ogrs3());
    let fields = answer["OGRS3"].as_object().expect("must be an object");
    assert_eq!(fields.keys().collect::<Vec<_>>(), ["one_year", "two_year", "band"]);
    assert_eq!(fields["band"], "LOW");
}

#[test]
fn as_of_stands_in_for_whole_months_since_follow_up() {
    let months = |months: u32| answer_to(&with(two_year(), "offence_free_months", json!(months)));
    let as_of = |date: &str| answer_to(&with(without(two_year(), "offence_free_months"), "as_of", json!(date)));
    assert_eq!(as_of("1998-05-18"), months(0));
    assert_eq!(as_of("1998-06-17"), months(0));
    assert_eq!(as_of("1998-06-18"), months(1));
    assert_eq!(as_of("2001-05-17"), months(35));
    assert_eq!(as_of("2001-05-18"), months(36));
    assert_ne!(months(35), months(36));
    assert_eq!(as_of("2019-01-01"), months(36));
    assert_eq!(months(1_200), months(36));
}

#[test]
fn months_or_as_of_but_not_both_and_not_neither() {
    let both = with(two_year(), "as_of", json!("2001-05-18"));
    assert_eq!(violations(&answer_to(&both)), [("as_of", "CONTRADICTION")].into());
    let neither = without(two_year(), "offence_free_months");
    assert_eq!(violations(&answer_to(&neither)), [("offence_free_months", "REQUIRED")].into());
    let one_is_null = with(two_year(), "as_of", Value::Null);
    assert_eq!(answer_to(&one_is_null), answer_to(&two_year()));
}

#[test]
fn a_whole_number_may_be_spelt_as_json_allows() {
    let text = two_year().to_string();
    for spelling in ["2.0", "2e0", "20e-1", "0.2E1"] {
        let line = text.replace("\"sanctions\":2,", &format!("\"sanctions\":{spelling},"));
        assert_ne!(line, text);
        assert_eq!(run_on(line.as_bytes()).1, [answer_to(&two_year())], "{spelling}");
    }
}

#[test]
fn each_wrong_value_is_refused_for_its_reason() {
    let of_two_year = [
        ("sex", json!("X"), "UNKNOWN_VALUE"),
        ("sex", json!("m"), "UNKNOWN_VALUE"),
        ("sex", json!(1), "WRONG_TYPE"),
        ("date_of_birth", json!("1970-02-30"), "INVALID_DATE"),
        ("date_of_birth", json!("07/06/1970"), "INVALID_DATE"),
        ("date_of_birth", json!(19_700_607), "WRONG_TYPE"),
        ("ho_code", json!("999/98"), "UNKNOWN_OFFENCE_CODE"),
        ("ho_code", json!("71/11"), "UNKNOWN_OFFENCE_CODE"),
        ("ho_code", json!("000/00"), "NO_COEFFICIENT"),
        ("sanctions", json!(-1), "OUT_OF_RANGE"),
        ("sanctions", json!(1001), "OUT_OF_RANGE"),
        ("sanctions", json!(1e300), "OUT_OF_RANGE"),
        ("sanctions", json!(2.5), "NOT_A_WHOLE_NUMBER"),
        ("sanctions", json!("2"), "WRONG_TYPE"),
        ("sanctions", json!(true), "WRONG_TYPE"),
        ("violent_sanctions", json!(3), "OUT_OF_RANGE"),
        ("violent_sanctions", json!(-1), "OUT_OF_RANGE"),
        ("first_sanction_date", json!("1980-06-06"), "AGE_OUT_OF_RANGE"),
        ("first_sanction_date", json!("1997-06-08"), "DATES_OUT_OF_ORDER"),
        ("current_conviction_date", json!("1998-05-19"), "followup_start_date"),
        ("followup_start_date", json!("1997-06-06"), "DATES_OUT_OF_ORDER"),
        ("followup_start_date", json!("2091-06-07"), "AGE_OUT_OF_RANGE"),
        ("offence_free_months", json!(-1), "OUT_OF_RANGE"),
        ("offence_free_months", json!(1201), "OUT_OF_RANGE"),
        ("offence_free_months", json!(0.5), "NOT_A_WHOLE_NUMBER"),
        ("shoe_size", json!(9), "UNKNOWN_FIELD"),
    ];
    for (field, value, reason) in of_two_year {
        let answer = answer_to(&with(two_year(), field, value.clone()));
        let found = violations(&answer);
        let expected = if reason == "followup_start_date" { (reason, "DATES_OUT_OF_ORDER") } else { (field, reason) };
        assert!(found.contains(&expected), "{field} {value}: {found:?}");
        assert_eq!(answer["error"]["reason"], "INVALID_CASE");
    }
    let of_ogrs3 = [
        ("current_offence", json!("robbery"), "UNKNOWN_VALUE"),
        ("previous_sanctions", json!(-1), "OUT_OF_RANGE"),
        ("previous_sanctions", json!(0), "first_sanction_date"),
        ("first_sanction_date", json!("2012-01-28"), "DATES_OUT_OF_ORDER"),
        ("assessment_date", json!("2012-01-26"), "DATES_OUT_OF_ORDER"),
        ("assessment_date", json!("1997-06-22"), "AGE_OUT_OF_RANGE"),
        ("ho_code", json!("034/01"), "UNKNOWN_FIELD"),
    ];
    for (field, value, reason) in of_ogrs3 {
        let answer = answer_to(&with(ogrs3(), field, value.clone()));
        let found = violations(&answer);
        let expected = if reason == "first_sanction_date" { (reason, "CONTRADICTION") } else { (field, reason) };
        assert!(found.contains(&expected), "{field} {value}: {found:?}");
    }
    let unknown = answer_to(&with(ogrs3(), "current_offence", json!("Piracy")));
    let message = unknown["error"]["violations"][0]["message"].as_str().expect("must be a text");
    assert!(message.contains("Burglary (domestic)") && message.contains("Other offence"), "{message}");
}

#[test]
fn nobody_is_born_after_a_conviction_or_sanctioned_before_ten() {
    let unborn = with(two_year(), "date_of_birth", json!("1997-06-08"));
    let expected = [
        ("date_of_birth", "DATES_OUT_OF_ORDER"),
        ("first_sanction_date", "AGE_OUT_OF_RANGE"),
        ("followup_start_date", "AGE_OUT_OF_RANGE"),
    ];
    assert_eq!(violations(&answer_to(&unborn)), expected.into());
    let leapling = |first: &str| {
        let case = with(two_year(), "date_of_birth", json!("1972-02-29"));
        answer_to(&with(case, "first_sanction_date", json!(first)))
    };
    // Ten on 28 February of a common year is not yet reached; on the leap day it is.
    assert_eq!(violations(&leapling("1982-02-28")), [("first_sanction_date", "AGE_OUT_OF_RANGE")].into());
    assert!(leapling("1982-03-01").get("error").is_none());
}

#[test]
fn one_sanction_is_the_first_and_the_current() {
    let differing = with(with(two_year(), "sanctions", json!(1)), "violent_sanctions", json!(1));
    assert_eq!(violations(&answer_to(&differing)), [("first_sanction_date", "CONTRADICTION")].into());
    let same = with(differing, "first_sanction_date", json!("1997-06-07"));
    assert!(answer_to(&same).get("error").is_none());
    let none = with(two_year(), "sanctions", json!(0));
    assert!(violations(&answer_to(&none)).contains(&("sanctions", "OUT_OF_RANGE")));
}

#[test]
fn everything_wrong_with_a_case_is_said_at_once() {
    let line = r#"{"sex":"?","date_of_birth":"1970-13-01","ho_code":"x","sanctions":-2,"violent_sanctions":1.5,
        "first_sanction_date":"2001-02-29","current_conviction_date":7,"offence_free_months":"six","sanctions":2,"x":1}"#;
    let (_, answers) = run_on(line.replace('\n', " ").as_bytes());
    let expected = [
        ("sex", "UNKNOWN_VALUE"),
        ("date_of_birth", "INVALID_DATE"),
        ("ho_code", "UNKNOWN_OFFENCE_CODE"),
        ("sanctions", "OUT_OF_RANGE"),
        ("sanctions", "DUPLICATE_FIELD"),
        ("violent_sanctions", "NOT_A_WHOLE_NUMBER"),
        ("first_sanction_date", "INVALID_DATE"),
        ("current_conviction_date", "WRONG_TYPE"),
        ("followup_start_date", "REQUIRED"),
        ("offence_free_months", "WRONG_TYPE"),
        ("x", "UNKNOWN_FIELD"),
    ];
    assert_eq!(violations(&answers[0]), expected.into());
    let (_, answers) = run_on(b"{}");
    assert_eq!(violations(&answers[0]).len(), 9, "every field of the form is asked for");
}

#[test]
fn a_refusal_never_repeats_a_value() {
    let case = with(with(two_year(), "date_of_birth", json!("1998-12-25")), "ho_code", json!("secret"));
    let answer = answer_to(&case).to_string();
    assert!(answer.contains("error") && !answer.contains("1998-12-25") && !answer.contains("secret"), "{answer}");
}

#[test]
fn a_line_that_is_no_case_is_refused_and_the_rest_go_on() {
    let good = two_year().to_string();
    let deep = format!("{{\"sex\":{}{}}}", "[".repeat(5_000), "]".repeat(5_000));
    let bad: [(&[u8], &str); 9] = [
        (b"[{\"sex\":\"M\"}]", "NOT_AN_OBJECT"),
        (b"[", "NOT_AN_OBJECT"),
        (b"42", "NOT_AN_OBJECT"),
        (b"{\"sex\":", "NOT_JSON"),
        (b"{} {}", "NOT_JSON"),
        (b"sex,ho_code", "NOT_JSON"),
        (b"{\"sanctions\":1e999}", "NOT_JSON"),
        (b"{\"sex\":\"\xff\"}", "NOT_UTF8"),
        (deep.as_bytes(), "NOT_JSON"),
    ];
    for (line, reason) in bad {
        let input = [good.as_bytes(), b"\n", line, b"\n", good.as_bytes()].concat();
        let (tally, answers) = run_on(&input);
        assert_eq!(tally, Tally { lines: 3, refused: 1 }, "{reason}");
        assert_eq!(answers[1]["error"]["reason"], reason);
        assert_eq!(violations(&answers[1]).len(), 1);
        assert_eq!(answers[0], answers[2]);
        assert!(answers[0].get("ARP").is_some());
    }
}

#[test]
fn a_line_too_long_is_passed_over_whole() {
    let good = ogrs3().to_string();
    let padded = |length: usize| format!("{good}{}", " ".repeat(length - good.len()));
    let input = format!("{}\n{}\r\n{good}", padded(LONGEST_LINE), padded(3 * LONGEST_LINE));
    let (tally, answers) = run_on(input.as_bytes());
    assert_eq!(tally, Tally { lines: 3, refused: 1 });
    assert_eq!(answers[1]["error"]["reason"], "LINE_TOO_LONG");
    assert_eq!(answers[0], answers[2]);
    let endless = run_on(padded(LONGEST_LINE + 1).as_bytes());
    assert_eq!(endless.1[0]["error"]["reason"], "LINE_TOO_LONG");
}

#[test]
fn blank_lines_a_byte_order_mark_and_carriage_returns_are_no_cases() {
    let good = two_year().to_string();
    let input = format!("\u{feff}{good}\r\n\r\n   \n\n{good}\r\n");
    let (tally, answers) = run_on(input.as_bytes());
    assert_eq!(tally, Tally { lines: 2, refused: 0 });
    assert_eq!(answers[0], answers[1]);
    assert_eq!(run_on("\u{feff}\n".as_bytes()).0, Tally::default());
    assert_eq!(run_on(b"").0, Tally::default());
}

/// Gives its lines one read at a time, and notes what had been written by then.
struct Slow<'a> {
    lines: Vec<Vec<u8>>,
    written: &'a std::cell::Cell<usize>,
    seen: &'a std::cell::RefCell<Vec<usize>>,
}

impl Read for Slow<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.seen.borrow_mut().push(self.written.get());
        let line = if self.lines.is_empty() { Vec::new() } else { self.lines.remove(0) };
        buffer[..line.len()].copy_from_slice(&line);
        Ok(line.len())
    }
}

/// Counts whole lines that reach it.
struct Pipe<'a>(&'a std::cell::Cell<usize>);

impl Write for Pipe<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.set(self.0.get() + bytes.split(|byte| *byte == b'\n').count() - 1);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn every_answer_is_out_before_more_input_is_awaited() {
    let (written, seen) = (std::cell::Cell::new(0), std::cell::RefCell::new(Vec::new()));
    let line = format!("{}\n", two_year()).into_bytes();
    let half = line[..20].to_vec();
    let lines = vec![line.clone(), [line.clone(), line.clone(), half].concat(), line[20..].to_vec()];
    let slow = Slow { lines, written: &written, seen: &seen };
    let mut output = BufWriter::new(Pipe(&written));
    let tally = answer_all(&mut BufReader::new(slow), &mut output).expect("must read and write");
    assert_eq!(tally.lines, 4);
    assert_eq!(seen.borrow()[..4], [0, 1, 3, 4]);
}

#[test]
fn a_file_that_cannot_be_read_exits_66() {
    let folder = tempfile::tempdir().expect("must make a folder");
    for file in [folder.path().join("none.ndjson"), folder.path().to_owned()] {
        let code = run(&Args { file }).expect("must run");
        assert_eq!(format!("{code:?}"), format!("{:?}", ExitCode::from(66)));
    }
}
