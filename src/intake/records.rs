//! One record in JSON becomes one record of the contract, or everything that
//! keeps it from being one.

use serde::Deserialize as _;
use serde_json::Value;

use super::Refused;
use super::contract::{self, Fault};
use crate::domain::id::check_reference;
use crate::pb;

/// Reads one line of NDJSON. `whole` tells whether its line was ended.
pub fn from_line(line: &str, whole: bool) -> Result<pb::Record, Refused> {
    if let Ok(record) = serde_json::from_str::<pb::Record>(line) {
        return checked(record);
    }
    match serde_json::from_str::<Value>(line) {
        Ok(value) => why_not(line, &value),
        Err(error) => Err(Refused { record_id: String::new(), faults: vec![not_json(&error, whole)] }),
    }
}

/// Reads one record from a JSON value.
pub fn from_value(value: &Value) -> Result<pb::Record, Refused> {
    let record_id = id_of(value);
    // A value that the contract's own reader refuses is walked for everything wrong with it, but only then.
    match pb::Record::deserialize(value) {
        Ok(record) => checked(record),
        Err(_) => Err(Refused { record_id, faults: faults_or(value, "is not as the contract wants it") }),
    }
}

/// What keeps well-formed JSON from being a record. Names that stand twice are seen only in the text.
fn why_not(line: &str, value: &Value) -> Result<pb::Record, Refused> {
    let record_id = id_of(value);
    let faults = contract::faults_of(value);
    if !faults.is_empty() {
        return Err(Refused { record_id, faults });
    }
    let error = serde_json::from_str::<pb::Record>(line).err().map(|error| error.to_string()).unwrap_or_default();
    // Field names in this error come from the contract, never from the line.
    let fault = match error.strip_prefix("duplicate field `").and_then(|rest| rest.split_once('`')) {
        Some((field, _)) => Fault::new(field, "DUPLICATE_FIELD", "stands twice"),
        None => Fault::new("", "NOT_A_RECORD", "is not as the contract wants it"),
    };
    Err(Refused { record_id, faults: vec![fault] })
}

fn faults_or(value: &Value, message: &str) -> Vec<Fault> {
    let faults = contract::faults_of(value);
    if faults.is_empty() { vec![Fault::new("", "NOT_A_RECORD", message)] } else { faults }
}

fn id_of(value: &Value) -> String {
    value.get("id").and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn not_json(error: &serde_json::Error, whole: bool) -> Fault {
    if error.is_eof() {
        let message = if whole {
            "ends before its JSON does".to_owned()
        } else {
            "is cut off: the file ends in the middle of it".to_owned()
        };
        return Fault::new("", if whole { "NOT_JSON" } else { "TRUNCATED" }, message);
    }
    Fault::new("", "NOT_JSON", format!("is not JSON from character {} on", error.column()))
}

/// Checks what every record must have whatever its kind; the rest is for the service to judge.
fn checked(record: pb::Record) -> Result<pb::Record, Refused> {
    let mut faults = Vec::new();
    for (field, text, most) in
        [("id", &record.id, 64), ("subject_ref", &record.subject_ref, 64), ("source_system", &record.source_system, 32)]
    {
        if let Err(error) = check_reference(text, most) {
            let reason = if text.is_empty() { "REQUIRED" } else { "INVALID_REFERENCE" };
            faults.push(Fault::new(field, reason, error.to_string()));
        }
    }
    if record.kind.is_none() {
        faults.push(contract::no_kind());
    }
    if faults.is_empty() { Ok(record) } else { Err(Refused { record_id: record.id, faults }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(line: &str) -> Vec<(String, &'static str)> {
        let refused = from_line(line, true).expect_err("must be refused");
        refused.faults.into_iter().map(|fault| (fault.field, fault.reason)).collect()
    }

    #[test]
    fn a_line_of_the_contract_becomes_its_record() {
        let line = r#"{"id":"a","subjectRef":"S1","source_system":"niche","eventDate":"2026-01-02","offence":{"hoCode":"028/03"}}"#;
        let record = from_line(line, true).expect("must read");
        assert_eq!((record.id.as_str(), record.event_date.as_str()), ("a", "2026-01-02"));
    }

    #[test]
    fn an_unknown_field_is_named() {
        let line = r#"{"id":"a","subject_ref":"S1","source_system":"niche","offence":{"race":"x"},"colour":1}"#;
        assert_eq!(
            faults(line),
            [("offence.race".to_owned(), "UNKNOWN_FIELD"), ("colour".to_owned(), "UNKNOWN_FIELD")]
        );
    }

    #[test]
    fn a_record_without_references_or_kind_is_refused_for_all_of_them() {
        let found = faults(r#"{"id":"a b ","source_system":"x"}"#);
        let expected = [("id", "INVALID_REFERENCE"), ("subject_ref", "REQUIRED"), ("kind", "REQUIRED")];
        assert_eq!(found, expected.map(|(field, reason)| (field.to_owned(), reason)));
    }

    #[test]
    fn names_that_stand_twice_are_refused() {
        let line = r#"{"id":"a","id":"b","subject_ref":"s","source_system":"t","person":{}}"#;
        assert_eq!(faults(line), [("id".to_owned(), "DUPLICATE_FIELD")]);
        let line = r#"{"id":"a","subject_ref":"s","subjectRef":"s","source_system":"t","person":{}}"#;
        assert_eq!(faults(line), [("subjectRef".to_owned(), "DUPLICATE_FIELD")]);
    }

    #[test]
    fn what_is_no_json_is_refused_without_repeating_it() {
        let refused = from_line(r#"{"id":"a", "name": Smith}"#, true).expect_err("must be refused");
        assert_eq!(refused.faults[0].reason, "NOT_JSON");
        assert!(!refused.faults[0].message.contains("Smith"));
        assert_eq!(from_line(r#"{"id":"a","#, false).expect_err("must be refused").faults[0].reason, "TRUNCATED");
        assert_eq!(from_line(r#"{"id":"a","#, true).expect_err("must be refused").faults[0].reason, "NOT_JSON");
    }

    proptest::proptest! {
        #[test]
        fn no_line_panics(line in ".*") {
            let _ = from_line(&line, false);
        }
    }
}
