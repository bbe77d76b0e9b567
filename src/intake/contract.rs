//! The shape of a record as the contract declares it, read from the same
//! descriptors that reflection serves. Mappings are checked against it before a
//! file is opened, and a record in JSON that the contract refuses is walked
//! against it, so that every fault is named and not the first alone.
//!
//! It knows types and names, never rules of the field: whether a date is
//! possible or a code is known is for the service to say.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use prost::Message as _;
use prost_types::field_descriptor_proto::{Label, Type};
use prost_types::{DescriptorProto, FieldDescriptorProto, FileDescriptorSet};
use serde_json::Value;

/// What a field holds.
#[derive(Clone, Debug)]
pub enum Kind {
    /// Text.
    Text,
    /// A whole number within these ends.
    Whole {
        /// Least number that fits.
        least: i64,
        /// Greatest number that fits.
        most: i64,
    },
    /// A finite number.
    Number,
    /// True or false.
    Truth,
    /// One of these words.
    Word(Arc<[String]>),
    /// An instant, RFC 3339 in JSON.
    Instant,
    /// Another message.
    Message(Arc<Shape>),
}

/// One field of a message.
#[derive(Clone, Debug)]
pub struct Field {
    /// Name as the contract writes it, such as `ho_code`.
    pub name: String,
    /// Name as JSON writes it, such as `hoCode`; both are read.
    pub json_name: String,
    /// Whether it holds a list.
    pub repeated: bool,
    /// Whether it is one of the kinds of a record.
    pub choice: bool,
    /// What it holds, or what its list holds.
    pub kind: Kind,
}

/// A message: its fields in the order of their numbers.
#[derive(Debug, Default)]
pub struct Shape {
    /// Fields.
    pub fields: Vec<Field>,
}

impl Shape {
    /// The field of this name, in either spelling.
    pub fn field(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.name == name || field.json_name == name)
    }

    /// Names of all fields, joined by commas.
    pub fn names(&self) -> String {
        self.fields.iter().map(|field| field.name.as_str()).collect::<Vec<_>>().join(", ")
    }
}

/// One thing wrong with one field, found without asking the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Path of the field, such as `offence.victim.vulnerable`. Empty: the record as a whole.
    pub field: String,
    /// Reason in UPPER_SNAKE.
    pub reason: &'static str,
    /// What is wrong and what would be right. Never the value itself, which may be about a person.
    pub message: String,
}

impl Fault {
    /// A fault of one field.
    pub fn new(field: impl Into<String>, reason: &'static str, message: impl Into<String>) -> Self {
        Self { field: field.into(), reason, message: message.into() }
    }
}

/// The shape of `steelyard.v1.Record`.
pub fn record() -> &'static Shape {
    static RECORD: LazyLock<Arc<Shape>> = LazyLock::new(|| {
        let files =
            FileDescriptorSet::decode(crate::DESCRIPTORS).expect("the descriptors compiled in must be descriptors");
        Reader::new(&files).shape(".steelyard.v1.Record")
    });
    &RECORD
}

struct Reader<'a> {
    messages: BTreeMap<String, &'a DescriptorProto>,
    words: BTreeMap<String, Arc<[String]>>,
}

impl<'a> Reader<'a> {
    fn new(files: &'a FileDescriptorSet) -> Self {
        let mut reader = Self { messages: BTreeMap::new(), words: BTreeMap::new() };
        for file in &files.file {
            for message in &file.message_type {
                reader.messages.insert(format!(".{}.{}", file.package(), message.name()), message);
            }
            for word in &file.enum_type {
                let names = word.value.iter().map(|value| value.name().to_owned()).collect();
                reader.words.insert(format!(".{}.{}", file.package(), word.name()), names);
            }
        }
        reader
    }

    fn shape(&self, name: &str) -> Arc<Shape> {
        let message = self.messages.get(name).expect("every message that a record reaches must be described");
        Arc::new(Shape { fields: message.field.iter().map(|field| self.field(field)).collect() })
    }

    fn field(&self, field: &FieldDescriptorProto) -> Field {
        Field {
            name: field.name().to_owned(),
            json_name: lower_camel(field.name()),
            repeated: field.label() == Label::Repeated,
            choice: field.oneof_index.is_some() && !field.proto3_optional(),
            kind: self.kind(field),
        }
    }

    fn kind(&self, field: &FieldDescriptorProto) -> Kind {
        match field.r#type() {
            Type::String | Type::Bytes => Kind::Text,
            Type::Uint32 | Type::Fixed32 => Kind::Whole { least: 0, most: i64::from(u32::MAX) },
            Type::Uint64 | Type::Fixed64 => Kind::Whole { least: 0, most: i64::MAX },
            Type::Int32 | Type::Sint32 | Type::Sfixed32 => {
                Kind::Whole { least: i64::from(i32::MIN), most: i64::from(i32::MAX) }
            }
            Type::Int64 | Type::Sint64 | Type::Sfixed64 => Kind::Whole { least: i64::MIN, most: i64::MAX },
            Type::Double | Type::Float => Kind::Number,
            Type::Bool => Kind::Truth,
            Type::Enum => {
                Kind::Word(Arc::clone(self.words.get(field.type_name()).expect("every enum must be described")))
            }
            Type::Message | Type::Group if field.type_name() == ".google.protobuf.Timestamp" => Kind::Instant,
            Type::Message | Type::Group => Kind::Message(self.shape(field.type_name())),
        }
    }
}

fn lower_camel(name: &str) -> String {
    let mut camel = String::with_capacity(name.len());
    let mut raise = false;
    for letter in name.chars() {
        if letter == '_' {
            raise = true;
        } else if raise {
            camel.push(letter.to_ascii_uppercase());
            raise = false;
        } else {
            camel.push(letter);
        }
    }
    camel
}

/// Reads a text as what a field of this kind holds.
///
/// # Errors
/// The reason in UPPER_SNAKE and what would be right.
pub fn read(kind: &Kind, text: &str) -> Result<Value, (&'static str, String)> {
    match kind {
        Kind::Text | Kind::Instant => Ok(Value::from(text)),
        Kind::Whole { least, most } => match text.parse::<i64>() {
            Ok(number) if (*least..=*most).contains(&number) => Ok(Value::from(number)),
            Ok(_) => Err(("OUT_OF_RANGE", format!("must be from {least} to {most}"))),
            Err(_) => Err(("NOT_A_WHOLE_NUMBER", "must be a whole number in plain digits".to_owned())),
        },
        Kind::Number => match text.parse::<f64>() {
            Ok(number) if number.is_finite() => Ok(Value::from(number)),
            Ok(_) | Err(_) => Err(("NOT_A_NUMBER", "must be a number such as 0.125".to_owned())),
        },
        Kind::Truth => match text {
            "true" => Ok(Value::Bool(true)),
            "false" => Ok(Value::Bool(false)),
            _ => Err(("NOT_A_TRUTH", "must be true or false".to_owned())),
        },
        Kind::Word(words) if words.iter().any(|word| word == text) => Ok(Value::from(text)),
        Kind::Word(words) => Err(("UNKNOWN_VALUE", format!("must be one of {}", words.join(", ")))),
        Kind::Message(shape) => Err(("WRONG_TYPE", format!("must be a message of {}", shape.names()))),
    }
}

/// Everything in a record in JSON that the contract refuses.
pub fn faults_of(value: &Value) -> Vec<Fault> {
    let mut faults = Vec::new();
    walk(record(), value, "", &mut faults);
    let kinds = |field: &&Field| field.choice && (present(value, &field.name) || present(value, &field.json_name));
    match record().fields.iter().filter(kinds).count() {
        0 if value.is_object() => faults.push(no_kind()),
        0 | 1 => {}
        2.. => faults.push(Fault::new("kind", "SEVERAL_KINDS", "a record tells of exactly one kind")),
    }
    faults
}

/// The fault of a record that tells nothing.
pub fn no_kind() -> Fault {
    let kinds: Vec<_> = record().fields.iter().filter(|field| field.choice).map(|field| field.name.as_str()).collect();
    Fault::new("kind", "REQUIRED", format!("must hold exactly one of {}", kinds.join(", ")))
}

fn present(value: &Value, name: &str) -> bool {
    value.get(name).is_some()
}

fn walk(shape: &Shape, value: &Value, path: &str, faults: &mut Vec<Fault>) {
    let Value::Object(members) = value else {
        faults.push(Fault::new(path, "WRONG_TYPE", "must be a JSON object"));
        return;
    };
    for (name, member) in members {
        let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        let Some(field) = shape.field(name) else {
            let message = format!("is not in the contract; the fields here are {}", shape.names());
            faults.push(Fault::new(path, "UNKNOWN_FIELD", message));
            continue;
        };
        if name == &field.json_name && name != &field.name && present(value, &field.name) {
            faults.push(Fault::new(path, "DUPLICATE_FIELD", "stands twice, in both of its spellings"));
            continue;
        }
        match member {
            Value::Array(items) if field.repeated => {
                for (place, item) in items.iter().enumerate() {
                    judge(&field.kind, item, &format!("{path}[{place}]"), faults);
                }
            }
            Value::Array(_) | Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_)
                if field.repeated =>
            {
                faults.push(Fault::new(path, "WRONG_TYPE", "must be a list"));
            }
            member => judge(&field.kind, member, &path, faults),
        }
    }
}

fn judge(kind: &Kind, value: &Value, path: &str, faults: &mut Vec<Fault>) {
    let expected = match (kind, value) {
        (Kind::Message(shape), value) => return walk(shape, value, path, faults),
        (Kind::Text, Value::String(_)) | (Kind::Truth, Value::Bool(_)) | (Kind::Number, Value::Number(_)) => return,
        (Kind::Instant, Value::String(text)) => {
            if text.parse::<jiff::Timestamp>().is_err() {
                let message = "must be an instant such as 2026-03-01T09:30:00Z";
                faults.push(Fault::new(path, "INVALID_TIME", message));
            }
            return;
        }
        (Kind::Whole { .. } | Kind::Number | Kind::Word(_), Value::String(text)) => {
            if let Err((reason, message)) = read(kind, text) {
                faults.push(Fault::new(path, reason, message));
            }
            return;
        }
        (Kind::Whole { .. }, Value::Number(number)) => {
            if let Err((reason, message)) = read(kind, &number.to_string()) {
                faults.push(Fault::new(path, reason, message));
            }
            return;
        }
        (Kind::Word(words), Value::Number(number)) => {
            if number.as_u64().is_none_or(|number| number >= words.len() as u64) {
                faults.push(Fault::new(path, "UNKNOWN_VALUE", format!("must be one of {}", words.join(", "))));
            }
            return;
        }
        (Kind::Text, _) => "text",
        (Kind::Truth, _) => "true or false",
        (Kind::Number, _) => "a number",
        (Kind::Whole { .. }, _) => "a whole number",
        (Kind::Word(_), _) => "a word in quotes",
        (Kind::Instant, _) => "an instant in quotes",
    };
    faults.push(Fault::new(path, "WRONG_TYPE", format!("must be {expected}")));
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_shape_is_that_of_the_contract() {
        let offence = record().field("offence").expect("must be there");
        assert!(offence.choice);
        let Kind::Message(offence) = &offence.kind else { panic!("must be a message") };
        assert!(matches!(offence.field("ho_code").map(|field| &field.kind), Some(Kind::Text)));
        assert!(matches!(offence.field("hoCode").map(|field| &field.kind), Some(Kind::Text)));
        let Some(Kind::Word(words)) = offence.field("outcome").map(|field| field.kind.clone()) else {
            panic!("must be words")
        };
        assert!(words.contains(&"OUTCOME_CONVICTED".to_owned()));
        assert!(matches!(record().field("recorded_time").map(|field| &field.kind), Some(Kind::Instant)));
        assert!(!record().field("id").expect("must be there").choice);
    }

    #[test]
    fn every_fault_of_a_record_is_named_at_once() {
        let faults = faults_of(&json!({
            "id": 7,
            "subject_ref": "S1",
            "offence": {"hocode": "028/03", "outcome": "CONVICTED", "victim": {"vulnerable": "yes"}},
            "sanction_summary": {"sanction_occasions": -1},
        }));
        let found: Vec<_> = faults.iter().map(|fault| (fault.field.as_str(), fault.reason)).collect();
        assert_eq!(
            found,
            [
                ("id", "WRONG_TYPE"),
                ("offence.hocode", "UNKNOWN_FIELD"),
                ("offence.outcome", "UNKNOWN_VALUE"),
                ("offence.victim.vulnerable", "WRONG_TYPE"),
                ("sanction_summary.sanction_occasions", "OUT_OF_RANGE"),
                ("kind", "SEVERAL_KINDS"),
            ]
        );
    }

    #[test]
    fn a_record_without_fault_reads_as_the_contract_does() {
        let value = json!({
            "id": "a", "subjectRef": "S1", "recorded_time": "2026-03-01T09:30:00Z",
            "custody": {"custodyKind": "CUSTODY_KIND_REMAND", "offence_ids": ["b"]},
        });
        assert_eq!(faults_of(&value), []);
        serde_json::from_value::<crate::pb::Record>(value).expect("must read");
    }
}
