//! How a row becomes one record.

use serde_json::{Map, Value};
use toml::Table;

use super::columns::{Columns, Row};
use super::condition::Condition;
use super::section::Section;
use super::template::Template;
use super::value::{Reader, ValueRule};
use crate::intake::contract::{self, Fault, Field, Kind, Shape};
use crate::intake::{Refused, records};
use crate::pb;

/// One `[[record]]` of a mapping.
#[derive(Debug)]
pub struct RecordRule {
    kind: String,
    id: Template,
    /// The id as the mapping writes it, to find blocks that would write the same record.
    id_text: String,
    subject_ref: Template,
    when: Vec<Condition>,
    targets: Vec<Target>,
}

/// A field and how it gets its value.
#[derive(Debug)]
struct Target {
    path: Vec<String>,
    node: Node,
}

#[derive(Debug)]
enum Node {
    Value(ValueRule),
    List(Vec<Item>),
}

#[derive(Debug)]
enum Item {
    Value(ValueRule),
    Message(Vec<Target>),
}

impl RecordRule {
    /// Reads one `[[record]]`.
    pub fn parse(mut section: Section<'_>, reader: &mut Reader<'_>) -> Option<Self> {
        let kind = section.text("kind", reader.violations);
        let kind = required(&section, "kind", kind, reader).and_then(|kind| {
            let found = contract::record().field(kind).filter(|field| field.choice);
            if found.is_none() {
                let kinds: Vec<_> =
                    contract::record().fields.iter().filter(|field| field.choice).map(|f| f.name.as_str()).collect();
                let message = format!("must be one of {}", kinds.join(", "));
                reader.violations.note(section.at("kind"), "UNKNOWN_VALUE", message);
            }
            found
        });
        let id_text = section.text("id", reader.violations);
        let id_text = required(&section, "id", id_text, reader);
        let id = id_text.and_then(|text| reference(&section, "id", text, reader));
        let subject_ref = section.text("subject_ref", reader.violations);
        let subject_ref = required(&section, "subject_ref", subject_ref, reader);
        let subject_ref = subject_ref.and_then(|text| reference(&section, "subject_ref", text, reader));
        let when = conditions(&mut section, reader);
        let mut targets = Vec::new();
        match section.table("fields", reader.violations) {
            Some(table) => fields(contract::record(), table, &section.at("fields"), &[], &mut targets, reader),
            None if section.has("fields") => {}
            None => reader.violations.note(section.at("fields"), "NO_FIELD", "the record names no field"),
        }
        if let Some(kind) = kind {
            belong(&section, kind, &targets, reader);
        }
        section.finish(reader.violations);
        let kind = kind?.name.clone();
        Some(Self { kind, id: id?, id_text: id_text?.to_owned(), subject_ref: subject_ref?, when, targets })
    }

    /// Whether both would write a record of the same id in every row.
    pub fn collides(&self, other: &Self) -> bool {
        self.id_text == other.id_text && self.when.is_empty() && other.when.is_empty()
    }

    /// The record of one row; `None` where its conditions do not hold.
    pub fn record(&self, row: Row<'_>, columns: &Columns, source: &str) -> Option<Result<pb::Record, Refused>> {
        let mut faults = Vec::new();
        for condition in &self.when {
            match condition.holds(row, columns) {
                Ok(true) => {}
                Ok(false) => return None,
                Err(fault) => faults.push(fault),
            }
        }
        let mut fill = |template: &Template, field: &str| {
            template.fill(|column| row.get(column)).unwrap_or_else(|column| {
                let message = format!("column {} is empty", columns.name(column));
                faults.push(Fault::new(field, "REQUIRED", message));
                String::new()
            })
        };
        let id = fill(&self.id, "id");
        let subject_ref = fill(&self.subject_ref, "subject_ref");
        let mut members = Map::new();
        members.insert(self.kind.clone(), Value::Object(Map::new()));
        write(&self.targets, row, columns, "", &mut members, &mut faults);
        if !faults.is_empty() {
            return Some(Err(Refused { record_id: id, faults }));
        }
        members.insert("id".to_owned(), Value::from(id));
        members.insert("subject_ref".to_owned(), Value::from(subject_ref));
        members.insert("source_system".to_owned(), Value::from(source));
        Some(records::from_value(&Value::Object(members)))
    }
}

fn required<'a>(section: &Section<'_>, key: &str, text: Option<&'a str>, reader: &mut Reader<'_>) -> Option<&'a str> {
    if text.is_none() && !section.has(key) {
        reader.violations.note(section.at(key), "REQUIRED", "is missing");
    }
    text
}

/// A template that names a column: without one, every row would give the same.
fn reference(section: &Section<'_>, key: &str, text: &str, reader: &mut Reader<'_>) -> Option<Template> {
    match Template::parse(text, reader.columns) {
        Ok(template) if template.names_a_column() => Some(template),
        Ok(_) => {
            let message = "names no column: every row would give the same";
            reader.violations.note(section.at(key), "BAD_TEMPLATE", message);
            None
        }
        Err(message) => {
            reader.violations.note(section.at(key), "BAD_TEMPLATE", message);
            None
        }
    }
}

fn conditions(section: &mut Section<'_>, reader: &mut Reader<'_>) -> Vec<Condition> {
    let at = section.at("when");
    let mut found = Vec::new();
    for (place, item) in section.list("when", reader.violations).unwrap_or_default().iter().enumerate() {
        let at = format!("{at}[{}]", place + 1);
        if let Some(table) = item.as_table() {
            found.extend(Condition::parse(Section::new(at, table), reader.columns, reader.violations));
        } else {
            let message = "must be a table such as { column = \"…\", present = true }";
            reader.violations.note(at, "WRONG_TYPE", message);
        }
    }
    found
}

/// Every field is of the record's own kind or of every record, and at least one is of its kind.
fn belong(section: &Section<'_>, kind: &Field, targets: &[Target], reader: &mut Reader<'_>) {
    for target in targets {
        let first = &target.path[0];
        let at = format!("{}.{}", section.at("fields"), target.path.join("."));
        let field = contract::record().field(first).expect("a target must be a field of the contract");
        if field.choice && field.name != kind.name {
            reader.violations.note(at, "OTHER_KIND", format!("is not a field of a record of kind {}", kind.name));
        } else if ["id", "subject_ref", "source_system"].contains(&first.as_str()) {
            reader.violations.note(at, "CONTRADICTION", "is set beside the fields, not among them");
        }
    }
    if section.has("fields") && !targets.iter().any(|target| target.path[0] == kind.name) {
        let message = format!("the record names no field of {}", kind.name);
        reader.violations.note(section.at("fields"), "NO_FIELD", message);
    }
}

/// Reads a table of fields. Keys may hold dots, and messages may be tables: `offence.ho_code = {…}`,
/// `"offence.ho_code" = {…}` and `offence = { ho_code = {…} }` say the same.
fn fields(
    shape: &Shape,
    table: &Table,
    at: &str,
    above: &[String],
    targets: &mut Vec<Target>,
    reader: &mut Reader<'_>,
) {
    for (key, value) in table {
        let at = format!("{at}.{key}");
        let mut path = above.to_vec();
        let mut shape = shape;
        let mut segments = key.split('.').peekable();
        while let Some(segment) = segments.next() {
            let Some(field) = shape.field(segment) else {
                let message = format!("{segment:?} is not in the contract; the fields here are {}", shape.names());
                reader.violations.note(&at, "UNKNOWN_FIELD", message);
                break;
            };
            path.push(field.name.clone());
            match &field.kind {
                Kind::Message(inner) if !field.repeated => match (segments.peek(), value.as_table()) {
                    (Some(_), _) => shape = inner,
                    (None, Some(table)) => fields(inner, table, &at, &path, targets, reader),
                    (None, None) => reader.violations.note(&at, "WRONG_TYPE", "must be a table of fields"),
                },
                _ if segments.peek().is_some() => {
                    reader.violations.note(&at, "UNKNOWN_FIELD", format!("{segment:?} holds no fields"));
                    break;
                }
                _ => {
                    if targets.iter().any(|target| target.path == path) {
                        reader.violations.note(&at, "DUPLICATE_FIELD", "is set twice");
                    }
                    if let Some(node) = node(field, value, &at, reader) {
                        targets.push(Target { path: path.clone(), node });
                    }
                }
            }
        }
    }
}

fn node(field: &Field, value: &toml::Value, at: &str, reader: &mut Reader<'_>) -> Option<Node> {
    if !field.repeated {
        let Some(table) = value.as_table() else {
            let message = "must be a table such as { column = \"…\" } or { constant = … }";
            reader.violations.note(at, "WRONG_TYPE", message);
            return None;
        };
        return ValueRule::parse(Section::new(at, table), &field.kind, reader).map(Node::Value);
    }
    let Some(list) = value.as_array() else {
        reader.violations.note(at, "WRONG_TYPE", "the field holds a list: must be a list of tables");
        return None;
    };
    let mut items = Vec::new();
    for (place, item) in list.iter().enumerate() {
        let at = format!("{at}[{}]", place + 1);
        let Some(table) = item.as_table() else {
            reader.violations.note(at, "WRONG_TYPE", "must be a table");
            continue;
        };
        if let Kind::Message(shape) = &field.kind {
            let mut members = Vec::new();
            fields(shape, table, &at, &[], &mut members, reader);
            if table.is_empty() {
                reader.violations.note(at, "NO_FIELD", "names no field");
            }
            items.push(Item::Message(members));
        } else {
            items.extend(ValueRule::parse(Section::new(at, table), &field.kind, reader).map(Item::Value));
        }
    }
    Some(Node::List(items))
}

/// Writes the values of one row into a JSON object. Messages of which nothing is known are left out.
fn write(
    targets: &[Target],
    row: Row<'_>,
    columns: &Columns,
    above: &str,
    members: &mut Map<String, Value>,
    faults: &mut Vec<Fault>,
) {
    for target in targets {
        let path = format!("{above}{}", target.path.join("."));
        let value = match &target.node {
            Node::Value(rule) => rule.value(row, columns, &path).unwrap_or_else(|fault| {
                faults.push(fault);
                None
            }),
            Node::List(items) => list(items, row, columns, &path, faults),
        };
        let Some(value) = value else { continue };
        let (last, parents) = target.path.split_last().expect("a target must have a path");
        let mut place = &mut *members;
        for parent in parents {
            place = place
                .entry(parent)
                .or_insert_with(|| Value::Object(Map::new()))
                .as_object_mut()
                .expect("a message must be written as an object");
        }
        place.insert(last.clone(), value);
    }
}

fn list(items: &[Item], row: Row<'_>, columns: &Columns, path: &str, faults: &mut Vec<Fault>) -> Option<Value> {
    let mut written = Vec::new();
    for (place, item) in items.iter().enumerate() {
        let path = format!("{path}[{place}]");
        match item {
            Item::Value(rule) => match rule.value(row, columns, &path) {
                Ok(value) => written.extend(value),
                Err(fault) => faults.push(fault),
            },
            Item::Message(targets) => {
                let mut members = Map::new();
                write(targets, row, columns, &format!("{path}."), &mut members, faults);
                if !members.is_empty() {
                    written.push(Value::Object(members));
                }
            }
        }
    }
    (!written.is_empty()).then_some(Value::Array(written))
}
