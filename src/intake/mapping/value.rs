//! How one field gets its value: a source, a conversion, and what to do when
//! the source is empty.

use std::collections::{BTreeMap, HashMap};

use jiff::tz::TimeZone;
use serde_json::Value;

use super::columns::{Columns, Row};
use super::dates::Formats;
use super::section::{Section, Violations, scalar};
use super::source::Source;
use super::table::ValueTable;
use crate::intake::contract::{self, Fault, Kind};

/// How one field gets its value.
#[derive(Debug)]
pub enum ValueRule {
    /// The same in every row.
    Constant(Value),
    /// Read from the row.
    Read(Box<Reading>),
}

/// A value read from a row.
#[derive(Debug)]
pub struct Reading {
    source: Source,
    conversion: Conversion,
    kind: Kind,
    default: Option<Value>,
    required: bool,
}

#[derive(Debug)]
enum Conversion {
    /// The text itself, read as the field's own type.
    Plain,
    /// A day, moved by so many days.
    Day(Formats, i32),
    /// An instant.
    Instant(Formats, TimeZone),
    /// What a table says, or otherwise this.
    Table(HashMap<String, Value>, Option<Value>),
}

/// What every part of a mapping is read with.
pub struct Reader<'a> {
    /// Columns named so far.
    pub columns: &'a mut Columns,
    /// Tables declared, by name.
    pub tables: &'a BTreeMap<String, ValueTable>,
    /// Names of the tables used so far.
    pub used: &'a mut Vec<String>,
    /// Violations found so far.
    pub violations: &'a mut Violations,
}

impl ValueRule {
    /// Reads the rule of a field of this kind.
    pub fn parse(mut section: Section<'_>, kind: &Kind, reader: &mut Reader<'_>) -> Option<Self> {
        let constant = section.any("constant");
        let source = Source::parse(&mut section, usize::from(constant.is_some()), reader.columns, reader.violations);
        let conversion = Conversion::parse(&mut section, kind, reader);
        let default = section.any("default").and_then(|value| typed(&section.at("default"), value, kind, reader));
        let required = section.truth("required", reader.violations).unwrap_or(false);
        if required && section.has("default") {
            reader.violations.note(
                section.path(),
                "CONTRADICTION",
                "what has a default is never missing: not required",
            );
        }
        if constant.is_some() && ["default", "required"].into_iter().any(|key| section.has(key)) {
            reader.violations.note(
                section.path(),
                "CONTRADICTION",
                "a constant is never missing: no default, not required",
            );
        }
        if constant.is_some() && !matches!(conversion, Some(Conversion::Plain) | None) {
            reader.violations.note(section.path(), "CONTRADICTION", "a constant is written as the contract wants it");
        }
        let constant = constant.and_then(|value| typed(&section.at("constant"), value, kind, reader));
        section.finish(reader.violations);
        if let Some(constant) = constant {
            return Some(Self::Constant(constant));
        }
        Some(Self::Read(Box::new(Reading {
            source: source?,
            conversion: conversion?,
            kind: kind.clone(),
            default,
            required,
        })))
    }

    /// The value for one row; `None` leaves the field out.
    ///
    /// # Errors
    /// What is wrong with the row, as a fault of the field at `path`.
    pub fn value(&self, row: Row<'_>, columns: &Columns, path: &str) -> Result<Option<Value>, Fault> {
        match self {
            Self::Constant(value) => Ok(Some(value.clone())),
            Self::Read(reading) => reading.value(row, columns, path),
        }
    }
}

impl Reading {
    fn value(&self, row: Row<'_>, columns: &Columns, path: &str) -> Result<Option<Value>, Fault> {
        let Some(text) = self.source.read(row, columns, path)? else {
            if self.required {
                let message = format!("{} is empty", self.source.describe(columns));
                return Err(Fault::new(path, "REQUIRED", message));
            }
            return Ok(self.default.clone());
        };
        let fault =
            |reason, wrong: &str| Fault::new(path, reason, format!("{} {wrong}", self.source.describe(columns)));
        match &self.conversion {
            Conversion::Plain => match contract::read(&self.kind, &text) {
                Ok(value) => Ok(Some(value)),
                Err((reason, wrong)) => Err(fault(reason, &wrong)),
            },
            Conversion::Day(formats, shift) => match formats.day(&text) {
                Some(day) => Ok(Some(Value::from((day + *shift).to_string()))),
                None => Err(fault("INVALID_DATE", "is not a day between 1900 and 2199 in the format of the mapping")),
            },
            Conversion::Instant(formats, zone) => match formats.instant(&text, zone) {
                Some(instant) => Ok(Some(Value::from(instant.to_string()))),
                None => Err(fault("INVALID_TIME", "is not a time in the format of the mapping")),
            },
            Conversion::Table(entries, otherwise) => match entries.get(&*text).or(otherwise.as_ref()) {
                Some(value) => Ok(Some(value.clone())),
                None => Err(fault("NOT_IN_TABLE", "holds a value that the table of the mapping does not list")),
            },
        }
    }
}

impl Conversion {
    fn parse(section: &mut Section<'_>, kind: &Kind, reader: &mut Reader<'_>) -> Option<Self> {
        let given: Vec<_> =
            ["date", "date_time", "table", "values", "boolean"].into_iter().filter(|key| section.has(key)).collect();
        if given.len() > 1 {
            reader.violations.note(
                section.path(),
                "CONTRADICTION",
                format!("names several conversions ({}); at most one is wanted", given.join(", ")),
            );
        }
        let shift = section.whole("shift_days", reader.violations);
        let zone = section.text("zone", reader.violations);
        let otherwise = section.any("otherwise");
        let belongs = |key: &str, to: &[&str], reader: &mut Reader<'_>| {
            if section.has(key) && !given.iter().any(|one| to.contains(one)) {
                reader.violations.note(section.at(key), "CONTRADICTION", format!("belongs to {}", to.join(" or ")));
            }
        };
        belongs("shift_days", &["date"], reader);
        belongs("zone", &["date_time"], reader);
        belongs("otherwise", &["table", "values"], reader);

        let date = section.texts("date", reader.violations);
        let date_time = section.texts("date_time", reader.violations);
        let inline = section.table("values", reader.violations);
        let named = section.text("table", reader.violations);
        let boolean = section.table("boolean", reader.violations);
        if let Some(formats) = date {
            return Self::day(section, &formats, shift, kind, reader);
        }
        if let Some(formats) = date_time {
            return Self::instant(section, &formats, zone, kind, reader);
        }
        let (at, table) = if let Some(inline) = inline {
            let at = section.at("values");
            let table = ValueTable::inline(&at, inline, reader.violations);
            (at, table.entries)
        } else if let Some(name) = named {
            let Some(table) = reader.tables.get(name) else {
                reader.violations.note(section.at("table"), "UNKNOWN_TABLE", format!("[tables.{name}] is not there"));
                return None;
            };
            reader.used.push(name.to_owned());
            (section.at("table"), table.entries.clone())
        } else if let Some(boolean) = boolean {
            let at = section.at("boolean");
            (at.clone(), truths(&at, boolean, reader))
        } else if given.is_empty() {
            if matches!(kind, Kind::Instant) && !section.has("constant") {
                reader.violations.note(section.path(), "REQUIRED", "an instant needs date_time: its format");
            }
            return Some(Self::Plain);
        } else {
            return None;
        };
        let otherwise = otherwise.and_then(|value| typed(&section.at("otherwise"), value, kind, reader));
        let mut entries = HashMap::with_capacity(table.len());
        let mut keys: Vec<_> = table.into_iter().collect();
        keys.sort();
        for (key, text) in keys {
            match contract::read(kind, &text) {
                Ok(value) => {
                    entries.insert(key, value);
                }
                Err((reason, wrong)) => reader.violations.note(format!("{at}.{key}"), reason, wrong),
            }
        }
        Some(Self::Table(entries, otherwise))
    }

    fn day(
        section: &Section<'_>,
        formats: &[&str],
        shift: Option<i64>,
        kind: &Kind,
        reader: &mut Reader<'_>,
    ) -> Option<Self> {
        if !matches!(kind, Kind::Text) {
            reader.violations.note(section.at("date"), "WRONG_TYPE", "the field does not hold a date");
        }
        let shift = match i32::try_from(shift.unwrap_or(0)) {
            Ok(shift) if shift.abs() <= 36_600 => shift,
            Ok(_) | Err(_) => {
                reader.violations.note(section.at("shift_days"), "OUT_OF_RANGE", "must be within 36,600 days");
                0
            }
        };
        match Formats::of_dates(formats) {
            Ok(formats) => Some(Self::Day(formats, shift)),
            Err(faults) => {
                for fault in faults {
                    reader.violations.note(section.at("date"), "BAD_DATE_FORMAT", fault);
                }
                None
            }
        }
    }

    fn instant(
        section: &Section<'_>,
        formats: &[&str],
        zone: Option<&str>,
        kind: &Kind,
        reader: &mut Reader<'_>,
    ) -> Option<Self> {
        if !matches!(kind, Kind::Instant) {
            reader.violations.note(section.at("date_time"), "WRONG_TYPE", "the field does not hold an instant");
        }
        let zone = TimeZone::get(zone.unwrap_or("Europe/London"));
        if zone.is_err() {
            reader.violations.note(section.at("zone"), "UNKNOWN_VALUE", "must be a zone such as Europe/London");
        }
        match Formats::of_instants(formats) {
            Ok(formats) => Some(Self::Instant(formats, zone.ok()?)),
            Err(faults) => {
                for fault in faults {
                    reader.violations.note(section.at("date_time"), "BAD_DATE_FORMAT", fault);
                }
                None
            }
        }
    }
}

/// `{ true = ["Y"], false = ["N", "U"] }` as a table.
fn truths(at: &str, table: &toml::Table, reader: &mut Reader<'_>) -> HashMap<String, String> {
    let mut section = Section::new(at, table);
    let mut entries = HashMap::new();
    for truth in ["true", "false"] {
        for text in section.texts(truth, reader.violations).unwrap_or_default() {
            if entries.insert(text.to_owned(), truth.to_owned()).is_some() {
                reader.violations.note(at, "CONTRADICTION", format!("{text:?} stands twice"));
            }
        }
    }
    section.finish(reader.violations);
    if entries.is_empty() {
        reader.violations.note(at, "EMPTY_TABLE", "names no text for true or false");
    }
    entries
}

/// A TOML scalar as the field holds it.
fn typed(at: &str, value: &toml::Value, kind: &Kind, reader: &mut Reader<'_>) -> Option<Value> {
    let Some(text) = scalar(value) else {
        reader.violations.note(at, "WRONG_TYPE", "must be a text, number or truth");
        return None;
    };
    match contract::read(kind, &text) {
        Ok(value) => Some(value),
        Err((reason, wrong)) => {
            reader.violations.note(at, reason, wrong);
            None
        }
    }
}
