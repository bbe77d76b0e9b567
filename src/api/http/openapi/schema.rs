//! Messages and enums of the contract as JSON Schemas: what is taken in, as the edge
//! judges it, and what is given out, as it is written. The two differ where JSON may
//! be written in more ways than one.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::limits::Limits;
use crate::api::http::shape::{Field, Kind, Many, Shape, contract};

/// A way that a message goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// To the server.
    In,
    /// From it.
    Out,
}

/// The schemas of everything that calls take and give.
pub struct Schemas {
    taken: BTreeSet<String>,
    given: BTreeSet<String>,
}

impl Schemas {
    /// Of every call.
    pub fn of_contract() -> Self {
        let (mut taken, mut given) = (BTreeSet::new(), BTreeSet::new());
        for call in contract().calls.values() {
            reach(&call.takes, Way::In, &mut taken);
            reach(&call.gives, Way::Out, &mut given);
        }
        Self { taken, given }
    }

    /// A reference to the schema of a message.
    pub fn message(&self, name: &str, way: Way) -> Value {
        json!({ "$ref": format!("#/components/schemas/{}", self.key(name, way)) })
    }

    /// The name of a schema: of the message, and apart where it goes both ways.
    fn key(&self, name: &str, way: Way) -> String {
        let short = short(name);
        if way == Way::In && self.given.contains(name) { format!("{short}Input") } else { short.to_owned() }
    }

    /// Every schema by its name.
    pub fn all(&self) -> Map<String, Value> {
        let mut all = Map::new();
        for (way, names) in [(Way::In, &self.taken), (Way::Out, &self.given)] {
            for name in names {
                all.insert(self.key(name, way), self.of_message(contract().message(name), way));
            }
        }
        for (name, (meaning, values)) in &contract().enums {
            let told = values.iter().map(|value| format!("- `{}`: {}", value.name, value.meaning));
            let description = format!("{meaning}\n\n{}", told.collect::<Vec<_>>().join("\n"));
            let names: Vec<_> = values.iter().map(|value| value.name.as_str()).collect();
            all.insert(short(name).to_owned(), json!({ "type": "string", "description": description, "enum": names }));
        }
        all.sort_keys();
        all
    }

    fn of_message(&self, shape: &Shape, way: Way) -> Value {
        let mut schema = Map::new();
        schema.insert("type".to_owned(), "object".into());
        schema.insert("description".to_owned(), described(shape).into());
        let fields = || shape.fields.iter().filter(|field| way == Way::Out || !refused(field));
        let properties: Map<_, _> = fields().map(|field| (field.json.clone(), self.of_field(field, way))).collect();
        schema.insert("properties".to_owned(), properties.into());
        if way == Way::In {
            let required: Vec<_> =
                fields().filter(|field| Limits::of(field).required).map(|field| field.json.as_str()).collect();
            if !required.is_empty() {
                schema.insert("required".to_owned(), required.into());
            }
            schema.insert("additionalProperties".to_owned(), false.into());
            // No message has two choices, and none of its fields stands beside another of the same.
            if !shape.choices.is_empty() {
                let chosen: Vec<_> = fields()
                    .filter(|field| field.choice.is_some())
                    .map(|field| json!({ "required": [field.json] }))
                    .collect();
                if !chosen.is_empty() {
                    let none = json!({ "not": { "anyOf": chosen } });
                    schema.insert("oneOf".to_owned(), chosen.into_iter().chain([none]).collect());
                }
            }
        }
        schema.into()
    }

    /// The schema of a field with its comment.
    pub fn of_field(&self, field: &Field, way: Way) -> Value {
        let limits = Limits::of(field);
        let one = self.one(field, limits, way);
        let schema = match field.many {
            Many::One => one,
            Many::List => {
                let mut list = json!({ "type": "array", "items": one });
                put(&mut list, "minItems", limits.least);
                put(&mut list, "maxItems", limits.most);
                list
            }
            Many::Map => json!({ "type": "object", "additionalProperties": one }),
        };
        // What is null is not given; a choice of which two are null is not told from one that is made twice.
        let nullable = way == Way::In && !limits.required && limits.least.is_none() && field.choice.is_none();
        let mut schema = if nullable { or_null(schema) } else { schema };
        put(&mut schema, "description", Some(field.meaning.as_str()));
        schema
    }

    /// The schema of a field as a parameter of a query. `None`: it cannot be one.
    pub fn of_parameter(&self, field: &Field) -> Option<Value> {
        let mut limits = Limits::of(field);
        let schema = match (&field.kind, field.many) {
            (Kind::Message(_), _) | (_, Many::Map) => return None,
            // Every text is one there, so that nothing is gained by a second way.
            (Kind::Whole(least, most), Many::One) => number(*least, limits.most.map_or(*most, i128::from)),
            (_, Many::One) => self.one(field, limits, Way::In),
            (_, Many::List) => {
                let one = match &field.kind {
                    Kind::Whole(least, most) => number(*least, *most),
                    _ => self.one(field, limits, Way::In),
                };
                let mut list = json!({ "type": "array", "items": one });
                put(&mut list, "minItems", limits.least.take());
                put(&mut list, "maxItems", limits.most);
                list
            }
        };
        Some(schema)
    }

    /// The schema of one value.
    fn one(&self, field: &Field, limits: Limits, way: Way) -> Value {
        let most_of = |most: i128| limits.most.filter(|_| field.many == Many::One).map_or(most, i128::from);
        match &field.kind {
            Kind::Bool => json!({ "type": "boolean" }),
            Kind::Whole(least, most) if *most <= i128::from(u32::MAX) => number(*least, most_of(*most)),
            Kind::Whole(least, most) => {
                let text = json!({ "type": "string", "pattern": digits(*least, *most) });
                match way {
                    Way::Out => text,
                    Way::In => json!({ "anyOf": [number(*least, most_of(*most)), text] }),
                }
            }
            Kind::Float => match way {
                Way::Out => json!({ "type": "number" }),
                Way::In => json!({ "anyOf": [{ "type": "number" }, { "type": "string", "pattern": FLOAT }] }),
            },
            Kind::Text => text(field, limits, way),
            Kind::Bytes => json!({ "type": "string", "contentEncoding": "base64" }),
            Kind::Instant => json!({ "type": "string", "format": "date-time" }),
            Kind::Span => json!({ "type": "string", "pattern": SPAN }),
            Kind::Enum(name) => json!({ "$ref": format!("#/components/schemas/{}", short(name)) }),
            Kind::Message(name) => self.message(name, way),
        }
    }
}

/// Numbers that a text may be.
const FLOAT: &str = "^(NaN|-?Infinity|-?[0-9]{1,15}(\\.[0-9]{1,15})?([eE][-+]?[0-9]{1,2})?)$";
/// Seconds, with the letter s.
const SPAN: &str = "^-?[0-9]{1,12}(\\.[0-9]{1,9})?s$";

/// Names of messages that are reached from one.
fn reach(name: &str, way: Way, reached: &mut BTreeSet<String>) {
    if !reached.insert(name.to_owned()) {
        return;
    }
    for field in contract().message(name).fields.iter().filter(|field| way == Way::Out || !refused(field)) {
        if let Kind::Message(inner) = &field.kind {
            reach(inner, way, reached);
        }
    }
}

/// Whether the contract says of a field that it is never taken in.
fn refused(field: &Field) -> bool {
    field.meaning.contains("Refused here:")
}

fn short(name: &str) -> &str {
    name.trim_start_matches("steelyard.v1.")
}

/// The comment of a message, and what it says of its choices.
fn described(shape: &Shape) -> String {
    let mut told = shape.meaning.clone();
    for (at, choice) in shape.choices.iter().enumerate() {
        let fields = shape.fields.iter().filter(|field| field.choice == Some(at));
        let names: Vec<_> = fields.map(|field| format!("`{}`", field.json)).collect();
        if !names.is_empty() {
            told = format!("{told}\n\nAt most one of {} ({choice}).", names.join(", "));
        }
    }
    told
}

fn text(field: &Field, limits: Limits, way: Way) -> Value {
    let mut schema = json!({ "type": "string" });
    if limits.uuid {
        put(&mut schema, "format", Some("uuid"));
    } else if limits.date {
        put(&mut schema, "format", Some("date"));
        // Empty, it is not given.
        if way == Way::In && !limits.required && field.many == Many::One {
            schema = json!({ "anyOf": [schema, { "const": "" }] });
        }
    } else {
        put(&mut schema, "minLength", limits.shortest.filter(|_| way == Way::In));
        put(&mut schema, "maxLength", limits.longest);
    }
    schema
}

fn number(least: i128, most: i128) -> Value {
    let bound = |bound: i128| -> Value {
        i64::try_from(bound).map_or_else(|_| u64::try_from(bound).map_or(Value::Null, Value::from), Value::from)
    };
    json!({ "type": "integer", "minimum": bound(least), "maximum": bound(most) })
}

/// The texts of whole numbers: up to as many digits as none of them is too large with.
fn digits(least: i128, most: i128) -> String {
    let safe = most.to_string().len() - 1;
    let sign = if least < 0 { "-?" } else { "" };
    format!("^{sign}(0|[1-9][0-9]{{0,{}}})$", safe - 1)
}

fn or_null(schema: Value) -> Value {
    match schema {
        Value::Object(mut members) if members.get("type").is_some_and(Value::is_string) => {
            let stated = members.insert("type".to_owned(), Value::Null);
            members.insert("type".to_owned(), json!([stated, "null"]));
            members.into()
        }
        Value::Object(mut members) if members.contains_key("anyOf") => {
            if let Some(Value::Array(ways)) = members.get_mut("anyOf") {
                ways.push(json!({ "type": "null" }));
            }
            members.into()
        }
        schema => json!({ "anyOf": [schema, { "type": "null" }] }),
    }
}

fn put<T: Into<Value>>(schema: &mut Value, name: &str, value: Option<T>) {
    if let (Some(members), Some(value)) = (schema.as_object_mut(), value) {
        members.insert(name.to_owned(), value.into());
    }
}
