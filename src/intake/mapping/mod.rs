//! Mapping files: how the columns of somebody else's CSV become records of
//! the contract.
//!
//! A mapping is TOML and strict. It is read whole before any row is, and
//! everything wrong with it is told at once: unknown keys, fields that the
//! contract does not have, values that it would refuse, formats that do not
//! determine a day. A mapping moves and renames; it never guesses, and what a
//! row does not say it leaves out. `docs/IMPORT.md` is its reference.

use std::collections::BTreeMap;
use std::path::Path;

use toml::Table;

use crate::domain::id::check_reference;
use crate::intake::cells::Cells;
use crate::intake::contract::Fault;
use crate::intake::{Refused, Row as RowRead};
use columns::{Columns, Row};
use record::RecordRule;
use section::{Section, Violations};
use table::ValueTable;
use value::Reader;

mod columns;
mod condition;
mod dates;
mod record;
mod section;
mod source;
mod table;
mod template;
mod value;

pub use section::Violation;

/// Most `[[record]]` blocks in a mapping: what one row gives must fit in one batch.
const MOST_RECORDS: usize = 64;

/// A mapping that has been checked.
#[derive(Debug)]
pub struct Mapping {
    source_system: String,
    delimiter: char,
    empty: Vec<String>,
    columns: Columns,
    records: Vec<RecordRule>,
    digest: [u8; 32],
}

impl Mapping {
    /// Reads and checks a mapping file and the tables that it names.
    ///
    /// # Errors
    /// Everything wrong with it.
    pub fn load(path: &Path) -> Result<Self, Vec<Violation>> {
        let whole = |reason, message: String| vec![Violation { at: String::new(), reason, message }];
        let bytes = std::fs::read(path).map_err(|error| whole("UNREADABLE", format!("cannot be read: {error}")))?;
        let text = str::from_utf8(&bytes)
            .map_err(|error| whole("NOT_UTF8", format!("is not UTF-8 after byte {}", error.valid_up_to())))?;
        Self::parse(text, path.parent().unwrap_or(Path::new("")))
    }

    /// Checks the text of a mapping whose table files stand relative to `folder`.
    ///
    /// # Errors
    /// Everything wrong with it.
    pub fn parse(text: &str, folder: &Path) -> Result<Self, Vec<Violation>> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let table: Table = text.parse().map_err(|error: toml::de::Error| {
            vec![Violation { at: String::new(), reason: "NOT_TOML", message: error.to_string().trim_end().to_owned() }]
        })?;
        let mut digest = blake3::Hasher::new();
        digest.update(text.as_bytes());
        let mut violations = Violations::default();
        let mapping = Self::compile(&table, folder, digest, &mut violations);
        match mapping {
            Some(mapping) if violations.0.is_empty() => Ok(mapping),
            Some(_) | None => Err(violations.0),
        }
    }

    fn compile(table: &Table, folder: &Path, mut digest: blake3::Hasher, violations: &mut Violations) -> Option<Self> {
        let mut section = Section::new("", table);
        let source_system = section.text("source_system", violations);
        match source_system.map(|source| check_reference(source, 32)) {
            Some(Ok(())) => {}
            Some(Err(error)) => violations.note("source_system", "INVALID_REFERENCE", error.to_string()),
            None if section.has("source_system") => {}
            None => violations.note("source_system", "REQUIRED", "is missing"),
        }
        let delimiter = delimiter(section.text("delimiter", violations), violations);
        if section.text("encoding", violations).is_some_and(|encoding| !encoding.eq_ignore_ascii_case("utf-8")) {
            violations.note("encoding", "UNKNOWN_VALUE", "must be utf-8; convert the file first");
        }
        let empty = section.texts("empty", violations).unwrap_or_default();
        let tables = tables(section.table("tables", violations), folder, &mut digest, violations);

        let mut columns = Columns::default();
        let mut used = Vec::new();
        let mut reader = Reader { columns: &mut columns, tables: &tables, used: &mut used, violations };
        let records = records(&mut section, &mut reader);
        for name in tables.keys().filter(|name| !used.contains(name)) {
            violations.note(format!("tables.{name}"), "UNUSED_TABLE", "no field uses it");
        }
        section.finish(violations);
        Some(Self {
            source_system: source_system?.to_owned(),
            delimiter: delimiter?,
            empty: empty.into_iter().map(|text| text.trim().to_owned()).collect(),
            columns,
            records,
            digest: *digest.finalize().as_bytes(),
        })
    }

    /// The character between two cells.
    pub fn delimiter(&self) -> char {
        self.delimiter
    }

    /// BLAKE3 of the mapping and of the table files that it names.
    pub fn digest(&self) -> [u8; 32] {
        self.digest
    }

    /// Names of the columns that it reads.
    pub fn columns(&self) -> &[String] {
        self.columns.names()
    }

    /// Finds the mapping's columns in the header of a file.
    ///
    /// # Errors
    /// Every column that the header lacks or holds twice.
    pub fn bind(&self, header: &Cells) -> Result<Vec<usize>, Vec<Violation>> {
        let mut violations = Violations::default();
        let mut places = Vec::new();
        for name in self.columns.names() {
            let mut found = header.iter().enumerate().filter(|(_, column)| column.trim() == name);
            match (found.next(), found.next()) {
                (Some((place, _)), None) => places.push(place),
                (None, _) => {
                    violations.note(
                        "",
                        "MISSING_COLUMN",
                        format!("the file has no column {name:?}, which the mapping reads"),
                    );
                }
                (Some(_), Some(_)) => {
                    violations.note("", "AMBIGUOUS_COLUMN", format!("the file has several columns {name:?}"));
                }
            }
        }
        if violations.0.is_empty() { Ok(places) } else { Err(violations.0) }
    }

    /// Adds what one row gives: records, and what was refused, each with everything wrong with it.
    pub fn read(&self, cells: &Cells, places: &[usize], row: &mut RowRead) {
        let view = Row { cells, places, empty: &self.empty };
        for rule in &self.records {
            match rule.record(view, &self.columns, &self.source_system) {
                None => {}
                Some(Err(refused)) => row.refused.push(refused),
                Some(Ok(record)) if row.records.iter().any(|other| other.id == record.id) => {
                    let message = "two records of this row have the same id; the first was kept";
                    let faults = vec![Fault::new("id", "DUPLICATE_ID", message)];
                    row.refused.push(Refused { record_id: record.id, faults });
                }
                Some(Ok(record)) => row.records.push(record),
            }
        }
    }
}

fn delimiter(text: Option<&str>, violations: &mut Violations) -> Option<char> {
    let text = text.unwrap_or(",");
    match text.as_bytes() {
        [byte] if *byte != b'"' && (byte.is_ascii_graphic() || matches!(byte, b'\t' | b' ')) => Some(char::from(*byte)),
        _ => {
            violations.note("delimiter", "UNKNOWN_VALUE", r#"must be one character, such as ",", ";", "|" or "\t""#);
            None
        }
    }
}

fn tables(
    table: Option<&Table>,
    folder: &Path,
    digest: &mut blake3::Hasher,
    violations: &mut Violations,
) -> BTreeMap<String, ValueTable> {
    let mut tables = BTreeMap::new();
    for (name, value) in table.into_iter().flatten() {
        let at = format!("tables.{name}");
        match value.as_table() {
            Some(table) => {
                tables.insert(name.clone(), ValueTable::declared(at, table, folder, digest, violations));
            }
            None => violations.note(at, "WRONG_TYPE", "must be a table"),
        }
    }
    tables
}

fn records(section: &mut Section<'_>, reader: &mut Reader<'_>) -> Vec<RecordRule> {
    let list = section.list("record", reader.violations).unwrap_or_default();
    if list.is_empty() {
        reader.violations.note("record", "NO_RECORD", "the mapping gives no record: at least one [[record]] is wanted");
    }
    if list.len() > MOST_RECORDS {
        let message = format!("a mapping has at most {MOST_RECORDS} [[record]] blocks");
        reader.violations.note("record", "TOO_MANY", message);
    }
    let mut records: Vec<RecordRule> = Vec::new();
    for (place, value) in list.iter().enumerate() {
        let at = format!("record[{}]", place + 1);
        let Some(table) = value.as_table() else {
            reader.violations.note(at, "WRONG_TYPE", "must be a table");
            continue;
        };
        if let Some(rule) = RecordRule::parse(Section::new(at.clone(), table), reader) {
            if records.iter().any(|other| other.collides(&rule)) {
                let message = "another record of the mapping has the same id, and both are always written";
                reader.violations.note(format!("{at}.id"), "DUPLICATE_ID", message);
            }
            records.push(rule);
        }
    }
    records
}

#[cfg(test)]
mod tests;
