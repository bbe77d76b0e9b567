//! A query string as the message that it stands for: `list=LIST_WANTED&filter.areas=N`.
//! Values become what their field is; whether they may be that, the shape says.

use serde_json::{Map, Value};

use super::shape::{Field, Kind, Many, Shape, contract};
use crate::pb;

/// The message of a query. A name with dots goes into messages; a name that is there several times is a list, and so
/// are values with commas between them where they are names of an enum. Names of an enum may be without their prefix.
///
/// # Errors
/// Every parameter that has no place in the message.
pub fn message(shape: &'static Shape, query: &str) -> Result<Value, Vec<pb::Violation>> {
    let mut whole = Map::new();
    let mut faults = Vec::new();
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        if let Err(problem) = put(shape, &mut whole, &name, &value) {
            let field: String = name.chars().filter(|letter| !letter.is_control()).take(64).collect();
            let (reason, text) = problem;
            faults.push(pb::Violation { description: format!("{field} {text}"), field, reason: reason.to_owned() });
        }
    }
    if faults.is_empty() { Ok(whole.into()) } else { Err(faults) }
}

type Problem = (&'static str, &'static str);

fn put(shape: &'static Shape, into: &mut Map<String, Value>, name: &str, value: &str) -> Result<(), Problem> {
    let (first, rest) = name.split_once('.').map_or((name, None), |(first, rest)| (first, Some(rest)));
    let field = shape.field(first).ok_or(("UNKNOWN_FIELD", "is not a parameter of this call"))?;
    match (rest, &field.kind, field.many) {
        (Some(rest), Kind::Message(inner), Many::One) => {
            let held = into.entry(field.json.clone()).or_insert_with(|| Value::Object(Map::new()));
            let held = held.as_object_mut().expect("a message must have been begun as one");
            put(contract().message(inner), held, rest, value)
        }
        (None, Kind::Message(_), _) | (_, _, Many::Map) => {
            Err(("WRONG_TYPE", "cannot be written in a query: send the message as the body of a POST"))
        }
        (Some(_), _, _) => Err(("UNKNOWN_FIELD", "is not a parameter of this call")),
        (None, _, Many::List) => {
            let items = into.entry(field.json.clone()).or_insert_with(|| Value::Array(Vec::new()));
            let items = items.as_array_mut().expect("a list must have been begun as one");
            if let Kind::Enum(_) = field.kind {
                items.extend(value.split(',').map(|value| typed(field, value)));
            } else {
                items.push(typed(field, value));
            }
            Ok(())
        }
        (None, _, Many::One) => match into.insert(field.json.clone(), typed(field, value)) {
            None => Ok(()),
            Some(_) => Err(("CONTRADICTION", "is given twice")),
        },
    }
}

/// A text as a value of its field; what cannot be one stays a text, and is told as wrong with the others.
fn typed(field: &Field, value: &str) -> Value {
    match &field.kind {
        Kind::Bool => match value {
            "true" => true.into(),
            "false" => false.into(),
            _ => value.into(),
        },
        Kind::Whole(..) => match value.parse::<u64>() {
            Ok(number) => number.into(),
            Err(_) => value.parse::<i64>().map_or_else(|_| Value::Null, Value::from),
        }
        .or_text(value),
        Kind::Float => {
            value.parse::<f64>().ok().and_then(serde_json::Number::from_f64).map_or(value.into(), Value::Number)
        }
        Kind::Enum(name) => named(name, value).into(),
        Kind::Text | Kind::Bytes | Kind::Instant | Kind::Span | Kind::Message(_) => value.into(),
    }
}

trait OrText {
    fn or_text(self, text: &str) -> Value;
}

impl OrText for Value {
    fn or_text(self, text: &str) -> Value {
        if self.is_null() { text.into() } else { self }
    }
}

/// The whole name of a value that may be without its prefix, in whatever letters: `wanted` is `LIST_WANTED`.
fn named(of: &str, value: &str) -> String {
    let values = contract().enums.get(of).map_or(&[][..], |(_, values)| values);
    let short = value.to_ascii_uppercase().replace('-', "_");
    let prefix = values.first().and_then(|first| first.name.strip_suffix("UNSPECIFIED")).unwrap_or_default();
    let known = |name: &str| values.iter().any(|known| known.name == name);
    let long = format!("{prefix}{short}");
    if known(value) || !known(&long) { value.to_owned() } else { long }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(query: &str) -> Result<Value, Vec<String>> {
        let shape = contract().message("steelyard.v1.ListStandingsRequest");
        message(shape, query).map_err(|faults| faults.into_iter().map(|fault| fault.description).collect())
    }

    #[test]
    fn a_query_is_the_message_that_it_says() {
        let query = "list=wanted&page_size=5&filter.areas=N%20Tyne&filter.areas=S,W&filter.bands=HIGH,very-high\
                     &filter.provisionalOnly=true&minRevision=18446744073709551615";
        let value = read(query).unwrap();
        assert_eq!(
            value,
            json!({
                "list": "LIST_WANTED", "pageSize": 5,
                "filter": {
                    "areas": ["N Tyne", "S,W"], "bands": ["BAND_HIGH", "BAND_VERY_HIGH"], "provisionalOnly": true,
                },
                "minRevision": 18_446_744_073_709_551_615_u64,
            })
        );
        assert_eq!(contract().message("steelyard.v1.ListStandingsRequest").faults(&value), []);
    }

    #[test]
    fn what_has_no_place_is_told_all_at_once_and_what_is_wrong_stays_to_be_told() {
        assert_eq!(
            read("nothing=1&page_size=1&page_size=2&filter=x&list.of=1").unwrap_err(),
            [
                "nothing is not a parameter of this call",
                "page_size is given twice",
                "filter cannot be written in a query: send the message as the body of a POST",
                "list.of is not a parameter of this call",
            ]
        );
        let value = read("page_size=many&list=nowhere").unwrap();
        assert_eq!(contract().message("steelyard.v1.ListStandingsRequest").faults(&value).len(), 2);
    }
}
