//! What a message of the contract looks like in JSON, as its descriptor says it,
//! and everything in which a text differs from it. A reader of JSON stops at the
//! first fault; whoever sent the text is told of all of them.

use std::collections::{BTreeMap, HashMap};
use std::sync::LazyLock;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use jiff::Timestamp;
use prost::Message;
use prost_types::field_descriptor_proto::Type;
use prost_types::{DescriptorProto, FieldDescriptorProto, FileDescriptorSet};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde::de::IntoDeserializer;
use serde_json::Value;

use crate::pb;
use crate::service::fault::Fault;

/// Faults told of one text.
const MOST_TOLD: usize = 100;

/// A message of the contract.
#[derive(Debug)]
pub struct Shape {
    /// Full name, such as `steelyard.v1.ListStandingsRequest`.
    pub name: String,
    /// What its comment says.
    pub meaning: String,
    /// Its fields, in the order of the contract.
    pub fields: Vec<Field>,
    /// Its choices: names of `oneof`.
    pub choices: Vec<String>,
    by_name: HashMap<String, usize>,
}

/// A field of a message.
#[derive(Debug)]
pub struct Field {
    /// Name in JSON, such as `pageSize`.
    pub json: String,
    /// Name in the contract, such as `page_size`, which is taken in too.
    pub name: String,
    /// What its comment says.
    pub meaning: String,
    /// What one value of it is.
    pub kind: Kind,
    /// How many there are.
    pub many: Many,
    /// The choice that it belongs to, by its place among the message's.
    pub choice: Option<usize>,
}

/// How many values a field has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Many {
    /// One, or none.
    One,
    /// A list.
    List,
    /// One for each of many keys, which are texts.
    Map,
}

/// What a value is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `true` or `false`.
    Bool,
    /// A whole number, at least and at most.
    Whole(i128, i128),
    /// A number.
    Float,
    /// A text.
    Text,
    /// Bytes, written in base64.
    Bytes,
    /// An instant, as RFC 3339 writes it.
    Instant,
    /// A time, in seconds with the letter s.
    Span,
    /// One of an enum's names.
    Enum(String),
    /// A message.
    Message(String),
}

/// A value of an enum.
#[derive(Debug)]
pub struct EnumValue {
    /// Name, such as `LIST_WANTED`.
    pub name: String,
    /// Number.
    pub number: i32,
    /// What its comment says.
    pub meaning: String,
}

/// Every message and enum of the contract, and every call.
#[derive(Debug)]
pub struct Contract {
    /// Messages by full name.
    pub messages: BTreeMap<String, Shape>,
    /// Enums by full name, with their comment.
    pub enums: BTreeMap<String, (String, Vec<EnumValue>)>,
    /// Calls by path, such as `/steelyard.v1.RankingService/ListStandings`.
    pub calls: BTreeMap<String, Call>,
    /// Services by full name, and what their comment says.
    pub services: BTreeMap<String, String>,
}

/// A call of the contract.
#[derive(Debug)]
pub struct Call {
    /// Message that it takes.
    pub takes: String,
    /// Message that it gives.
    pub gives: String,
    /// Whether it takes many messages.
    pub many_in: bool,
    /// Whether it gives many messages.
    pub many_out: bool,
    /// What its comment says.
    pub meaning: String,
}

/// The contract that this build serves.
pub fn contract() -> &'static Contract {
    static CONTRACT: LazyLock<Contract> = LazyLock::new(Contract::read);
    &CONTRACT
}

impl Contract {
    /// The shape of a message that there is.
    pub fn message(&self, name: &str) -> &Shape {
        self.messages.get(name).expect("a message that the contract names must be in it")
    }

    fn read() -> Self {
        let set = FileDescriptorSet::decode(crate::DESCRIPTORS).expect("the build's own descriptors must decode");
        let mut contract = Self {
            messages: BTreeMap::new(),
            enums: BTreeMap::new(),
            calls: BTreeMap::new(),
            services: BTreeMap::new(),
        };
        for file in set.file.iter().filter(|file| file.package() == "steelyard.v1") {
            let comments = Comments::of(file);
            for (place, message) in (0..).zip(&file.message_type) {
                contract.take_message("steelyard.v1", message, &comments, &[4, place]);
            }
            for (place, declared) in (0..).zip(&file.enum_type) {
                let values = (0..).zip(&declared.value).map(|(at, value)| EnumValue {
                    name: value.name().to_owned(),
                    number: value.number(),
                    meaning: comments.at(&[5, place, 2, at]),
                });
                let name = format!("steelyard.v1.{}", declared.name());
                contract.enums.insert(name, (comments.at(&[5, place]), values.collect()));
            }
            for (place, service) in (0..).zip(&file.service) {
                let name = format!("steelyard.v1.{}", service.name());
                for (at, method) in (0..).zip(&service.method) {
                    let call = Call {
                        takes: method.input_type().trim_start_matches('.').to_owned(),
                        gives: method.output_type().trim_start_matches('.').to_owned(),
                        many_in: method.client_streaming(),
                        many_out: method.server_streaming(),
                        meaning: comments.at(&[6, place, 2, at]),
                    };
                    contract.calls.insert(format!("/{name}/{}", method.name()), call);
                }
                contract.services.insert(name, comments.at(&[6, place]));
            }
        }
        contract
    }

    fn take_message(&mut self, within: &str, message: &DescriptorProto, comments: &Comments, path: &[i32]) {
        let name = format!("{within}.{}", message.name());
        for (at, nested) in (0..).zip(&message.nested_type) {
            if !nested.options.as_ref().is_some_and(prost_types::MessageOptions::map_entry) {
                self.take_message(&name, nested, comments, &[path, &[3, at]].concat());
            }
        }
        let fields: Vec<_> = (0..)
            .zip(&message.field)
            .map(|(at, field)| Field::read(message, field, comments.at(&[path, &[2, at]].concat())))
            .collect();
        let mut by_name = HashMap::new();
        for (at, field) in fields.iter().enumerate() {
            by_name.insert(field.json.clone(), at);
            by_name.insert(field.name.clone(), at);
        }
        let choices = message.oneof_decl.iter().map(|choice| choice.name().to_owned()).collect();
        let shape = Shape { name: name.clone(), meaning: comments.at(path), fields, choices, by_name };
        self.messages.insert(name, shape);
    }
}

impl Field {
    fn read(message: &DescriptorProto, field: &FieldDescriptorProto, meaning: String) -> Self {
        let type_name = field.type_name().trim_start_matches('.');
        let entry = message.nested_type.iter().find(|nested| {
            nested.options.as_ref().is_some_and(prost_types::MessageOptions::map_entry)
                && type_name.rsplit('.').next() == Some(nested.name())
        });
        let (kind, many) = match entry {
            Some(entry) => (kind(entry.field.get(1).expect("an entry must have a value")), Many::Map),
            None if field.label() == prost_types::field_descriptor_proto::Label::Repeated => (kind(field), Many::List),
            None => (kind(field), Many::One),
        };
        // What proto3 calls optional is a choice of one.
        let choice = field.oneof_index.filter(|_| !field.proto3_optional());
        Self {
            json: field.json_name().to_owned(),
            name: field.name().to_owned(),
            meaning,
            kind,
            many,
            choice: choice.and_then(|choice| usize::try_from(choice).ok()),
        }
    }
}

fn kind(field: &FieldDescriptorProto) -> Kind {
    let named = || field.type_name().trim_start_matches('.').to_owned();
    match field.r#type() {
        Type::Bool => Kind::Bool,
        Type::Int32 | Type::Sint32 | Type::Sfixed32 => Kind::Whole(i32::MIN.into(), i32::MAX.into()),
        Type::Int64 | Type::Sint64 | Type::Sfixed64 => Kind::Whole(i64::MIN.into(), i64::MAX.into()),
        Type::Uint32 | Type::Fixed32 => Kind::Whole(0, u32::MAX.into()),
        Type::Uint64 | Type::Fixed64 => Kind::Whole(0, u64::MAX.into()),
        Type::Double | Type::Float => Kind::Float,
        Type::String => Kind::Text,
        Type::Bytes => Kind::Bytes,
        Type::Enum => Kind::Enum(named()),
        Type::Message | Type::Group => match field.type_name() {
            ".google.protobuf.Timestamp" => Kind::Instant,
            ".google.protobuf.Duration" => Kind::Span,
            _ => Kind::Message(named()),
        },
    }
}

/// Comments of one file, by their place in it.
struct Comments(HashMap<Vec<i32>, String>);

impl Comments {
    fn of(file: &prost_types::FileDescriptorProto) -> Self {
        let locations = file.source_code_info.iter().flat_map(|info| &info.location);
        let comments = locations.filter_map(|location| {
            let comment = location.leading_comments.as_deref()?;
            let lines: Vec<_> = comment.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
            Some((location.path.clone(), lines.join(" ")))
        });
        Self(comments.collect())
    }

    fn at(&self, path: &[i32]) -> String {
        self.0.get(path).cloned().unwrap_or_default()
    }
}

impl Shape {
    /// The field of a name, in JSON or in the contract.
    pub fn field(&self, name: &str) -> Option<&Field> {
        self.by_name.get(name).map(|at| &self.fields[*at])
    }

    /// Reads a message of a value. `more`: what else is wrong with it, of which this shape knows nothing.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn read<T: DeserializeOwned>(&self, mut value: Value, more: Vec<pb::Violation>) -> Result<T, Fault> {
        let mut faults = self.faults(&value);
        faults.extend(more);
        if !faults.is_empty() {
            return Err(Fault::Invalid(faults));
        }
        self.settle(&mut value);
        // What sounds wrong to the reader alone is told in its words, which name a place and no more.
        T::deserialize(value).map_err(|_| Fault::field("", "INVALID_JSON", "the body is not a message of this call"))
    }

    /// Everything in which a value is not this message; empty: nothing.
    pub fn faults(&self, value: &Value) -> Vec<pb::Violation> {
        let mut faults = Faults(Vec::new());
        faults.message(self, value, "");
        faults.0
    }

    /// Makes a value without faults what the reader of JSON takes: without what is null, which is not given, with whole
    /// numbers and instants written in one way.
    pub fn settle(&self, value: &mut Value) {
        let Value::Object(members) = value else { return };
        members.retain(|_, member| !member.is_null());
        for (name, member) in members {
            let Some(field) = self.field(name) else { continue };
            match (field.many, member) {
                (Many::One, one) => settle(&field.kind, one),
                (Many::List, Value::Array(items)) => items.iter_mut().for_each(|item| settle(&field.kind, item)),
                (Many::Map, Value::Object(held)) => held.values_mut().for_each(|item| settle(&field.kind, item)),
                (Many::List | Many::Map, _) => {}
            }
        }
    }
}

fn settle(kind: &Kind, value: &mut Value) {
    match kind {
        Kind::Whole(..) => {
            if let Some(number) = value.as_f64().filter(|_| value.is_f64()).and_then(exact) {
                *value = number.into();
            }
        }
        Kind::Instant => {
            if let Some(instant) = value.as_str().and_then(|text| text.parse::<Timestamp>().ok()) {
                *value = instant.to_string().into();
            }
        }
        Kind::Message(name) => contract().message(name).settle(value),
        Kind::Bool | Kind::Float | Kind::Text | Kind::Bytes | Kind::Span | Kind::Enum(_) => {}
    }
}

/// What was found so far.
struct Faults(Vec<pb::Violation>);

impl Faults {
    fn tell(&mut self, path: &str, reason: &str, description: impl Into<String>) {
        if self.0.len() < MOST_TOLD {
            let described = description.into();
            let named = if path.is_empty() { "the body" } else { path };
            self.0.push(pb::Violation {
                field: path.to_owned(),
                reason: reason.to_owned(),
                description: format!("{named} {described}"),
            });
        }
    }

    fn message(&mut self, shape: &Shape, value: &Value, path: &str) {
        let Value::Object(members) = value else {
            return self.tell(path, "WRONG_TYPE", "must be a JSON object");
        };
        let mut chosen: BTreeMap<usize, &str> = BTreeMap::new();
        let mut given: BTreeMap<&str, &str> = BTreeMap::new();
        for (name, member) in members {
            let Some(field) = shape.field(name) else {
                self.tell(&joined(path, &printable(name)), "UNKNOWN_FIELD", "is not a field of this message");
                continue;
            };
            let place = joined(path, &field.name);
            if let Some(before) = given.insert(&field.name, name) {
                self.tell(&place, "CONTRADICTION", format!("is given twice, as {before} and as {name}"));
            }
            if member.is_null() {
                continue;
            }
            if let Some(choice) = field.choice
                && let Some(before) = chosen.insert(choice, &field.name)
                && before != field.name
            {
                let choice = shape.choices.get(choice).map_or("", String::as_str);
                self.tell(&place, "CONTRADICTION", format!("cannot be given beside {before}: both are a {choice}"));
            }
            self.field(field, member, &place);
        }
    }

    fn field(&mut self, field: &Field, value: &Value, path: &str) {
        match (field.many, value) {
            (Many::One, value) => self.one(&field.kind, value, path),
            (Many::List, Value::Array(items)) => {
                for (at, item) in items.iter().enumerate() {
                    self.one(&field.kind, item, &format!("{path}[{at}]"));
                }
            }
            (Many::List, _) => self.tell(path, "WRONG_TYPE", "must be a JSON array"),
            (Many::Map, Value::Object(members)) => {
                for (key, member) in members {
                    self.one(&field.kind, member, &format!("{path}[{}]", printable(key)));
                }
            }
            (Many::Map, _) => self.tell(path, "WRONG_TYPE", "must be a JSON object"),
        }
    }

    fn one(&mut self, kind: &Kind, value: &Value, path: &str) {
        match kind {
            Kind::Bool if value.is_boolean() => {}
            Kind::Bool => self.tell(path, "WRONG_TYPE", "must be true or false"),
            Kind::Whole(least, most) => {
                if !whole(value, *most > i128::from(u32::MAX)).is_some_and(|number| (*least..=*most).contains(&number))
                {
                    self.tell(path, "WRONG_TYPE", format!("must be a whole number from {least} to {most}"));
                }
            }
            Kind::Float if float(value) => {}
            Kind::Float => self.tell(path, "WRONG_TYPE", "must be a number"),
            Kind::Text if value.is_string() => {}
            Kind::Text => self.tell(path, "WRONG_TYPE", "must be a text"),
            Kind::Bytes if value.as_str().is_some_and(base64) => {}
            Kind::Bytes => self.tell(path, "WRONG_TYPE", "must be a text in base64"),
            Kind::Instant if value.as_str().is_some_and(instant) => {}
            Kind::Instant => {
                self.tell(path, "WRONG_TYPE", "must be an instant from year 1 to 9999, such as 2026-01-31T09:30:00Z");
            }
            Kind::Span if value.as_str().is_some_and(span) => {}
            Kind::Span => self.tell(path, "WRONG_TYPE", "must be a time in seconds, such as 1.5s"),
            Kind::Enum(name) => {
                let values = contract().enums.get(name).map_or(&[][..], |(_, values)| values);
                if !values.iter().any(|known| value.as_str().is_some_and(|text| text == known.name)) {
                    let names: Vec<_> = values.iter().map(|known| known.name.as_str()).collect();
                    self.tell(path, "UNKNOWN_VALUE", format!("must be one of {}", names.join(", ")));
                }
            }
            Kind::Message(name) => self.message(contract().message(name), value, path),
        }
    }
}

fn joined(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

/// A name that somebody sent, short and without what a screen would obey.
fn printable(name: &str) -> String {
    name.chars().filter(|letter| !letter.is_control()).take(64).collect()
}

fn whole(value: &Value, long: bool) -> Option<i128> {
    match value {
        Value::Number(number) => number
            .as_i64()
            .map(i128::from)
            .or_else(|| number.as_u64().map(i128::from))
            .or_else(|| number.as_f64().and_then(exact).map(i128::from)),
        // As the contract's JSON writes what has 64 bits: not every reader of JSON has numbers of that size.
        Value::String(text) if long && text.len() <= 20 => {
            let digits = text.strip_prefix('-').unwrap_or(text);
            let written = digits == "0" || !digits.starts_with(['0', '+', '-']);
            text.parse().ok().filter(|_| written)
        }
        _ => None,
    }
}

/// A number with a fraction of nothing, such as `1.0` or `1e3`, which is a whole number too.
fn exact(number: f64) -> Option<i64> {
    // Beyond that not every whole number is one of these.
    const MOST: f64 = 9_007_199_254_740_992.0;
    if number.fract() != 0.0 || number.abs() > MOST {
        return None;
    }
    #[expect(clippy::cast_possible_truncation, reason = "it is whole, and within 53 bits")]
    Some(number as i64)
}

fn float(value: &Value) -> bool {
    match value {
        Value::Number(_) => true,
        Value::String(text) => {
            matches!(text.as_str(), "NaN" | "Infinity" | "-Infinity") || text.parse().is_ok_and(f64::is_finite)
        }
        _ => false,
    }
}

fn base64(text: &str) -> bool {
    STANDARD.decode(text).is_ok() || URL_SAFE.decode(text).is_ok()
}

/// Only as RFC 3339 writes it: what else is readable is not read by everybody.
fn instant(text: &str) -> bool {
    let read: Result<pbjson_types::Timestamp, serde::de::value::Error> =
        pbjson_types::Timestamp::deserialize(text.into_deserializer());
    read.is_ok()
        && text.parse::<Timestamp>().is_ok_and(|instant| {
            let year = instant.to_zoned(jiff::tz::TimeZone::UTC).year();
            (1..=9999).contains(&year)
        })
}

fn span(text: &str) -> bool {
    text.strip_suffix('s').is_some_and(|number| {
        !number.is_empty()
            && number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.' || byte == b'-')
            && number.parse::<f64>().is_ok_and(|seconds| seconds.abs() <= 315_576_000_000.0)
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn told(message: &str, value: &Value) -> Vec<String> {
        let faults = contract().message(&format!("steelyard.v1.{message}")).faults(value);
        faults.into_iter().map(|fault| format!("{}: {}", fault.field, fault.reason)).collect()
    }

    #[test]
    fn every_fault_of_a_text_is_told_with_its_place() {
        let text = json!({
            "list": "LIST_NOWHERE", "pageSize": -1, "minRevision": "x", "nonsense": 1,
            "filter": { "areas": "N", "bands": ["BAND_HIGH", 7], "provisionalOnly": "yes", "nothing": null },
        });
        assert_eq!(
            told("ListStandingsRequest", &text),
            [
                "list: UNKNOWN_VALUE",
                "page_size: WRONG_TYPE",
                "min_revision: WRONG_TYPE",
                "nonsense: UNKNOWN_FIELD",
                "filter.areas: WRONG_TYPE",
                "filter.bands[1]: UNKNOWN_VALUE",
                "filter.provisional_only: WRONG_TYPE",
                "filter.nothing: UNKNOWN_FIELD",
            ]
        );
    }

    #[test]
    fn what_the_contract_writes_is_taken_in_by_either_name_of_a_field() {
        let text = json!({ "list": "LIST_WANTED", "page_size": 5, "minRevision": "12", "filter": null });
        assert_eq!(told("ListStandingsRequest", &text), Vec::<String>::new());
        let twice = json!({ "page_size": 5, "pageSize": 6 });
        assert_eq!(told("ListStandingsRequest", &twice), ["page_size: CONTRADICTION"]);
    }

    #[test]
    fn two_of_one_choice_are_told() {
        let record = json!({ "id": "r", "offence": {}, "marker": {} });
        assert_eq!(told("Record", &record), ["marker: CONTRADICTION"]);
    }

    #[test]
    fn the_contract_is_known_with_its_comments() {
        let contract = contract();
        assert_eq!(contract.calls.len(), crate::access::table::RULES.len());
        assert!(contract.calls.values().all(|call| !call.meaning.is_empty()));
        assert!(contract.messages.values().all(|shape| !shape.meaning.is_empty()));
        assert!(contract.messages.values().flat_map(|shape| &shape.fields).all(|field| !field.meaning.is_empty()));
    }
}
