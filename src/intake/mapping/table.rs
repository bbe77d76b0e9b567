//! Value tables: what the source writes, and what the contract calls it.

use std::collections::HashMap;
use std::path::Path;

use super::section::{Section, Violations, scalar};

/// A value table.
#[derive(Clone, Debug, Default)]
pub struct ValueTable {
    /// From what the source writes, without white space at its ends, to what the contract calls it.
    pub entries: HashMap<String, String>,
}

impl ValueTable {
    /// An inline table, `{ Male = "SEX_MALE", Female = "SEX_FEMALE" }`.
    pub fn inline(path: &str, table: &toml::Table, violations: &mut Violations) -> Self {
        let mut entries = HashMap::new();
        for (key, value) in table {
            match scalar(value) {
                Some(value) => {
                    entries.insert(key.trim().to_owned(), value);
                }
                None => violations.note(format!("{path}.{key}"), "WRONG_TYPE", "must be a text, number or truth"),
            }
        }
        if entries.is_empty() {
            violations.note(path, "EMPTY_TABLE", "names no value");
        }
        Self { entries }
    }

    /// A table of the mapping: either `entries`, or `file` with the columns `key` and `value`.
    /// A file stands relative to the folder of the mapping; what was read goes into `digest`.
    pub fn declared(
        path: String,
        table: &toml::Table,
        folder: &Path,
        digest: &mut blake3::Hasher,
        violations: &mut Violations,
    ) -> Self {
        let mut section = Section::new(path, table);
        let entries = section.table("entries", violations);
        let file = section.text("file", violations);
        let key = section.text("key", violations);
        let value = section.text("value", violations);
        let read = match (entries, file) {
            (Some(entries), None) => {
                if key.is_some() || value.is_some() {
                    violations.note(section.path(), "CONTRADICTION", "key and value belong to a file, not to entries");
                }
                Self::inline(&section.at("entries"), entries, violations)
            }
            (None, Some(file)) => {
                if let (Some(key), Some(value)) = (key, value) {
                    let at = section.at("file");
                    Self::from_file(&at, &folder.join(file), (key, value), digest, violations)
                } else {
                    let message = "a table file needs key and value: the names of its columns";
                    violations.note(section.path(), "REQUIRED", message);
                    Self::default()
                }
            }
            (_, _) => {
                if !section.has("entries") && !section.has("file") || entries.is_some() && file.is_some() {
                    violations.note(section.path(), "REQUIRED", "needs either entries or file");
                }
                Self::default()
            }
        };
        section.finish(violations);
        read
    }

    fn from_file(
        at: &str,
        file: &Path,
        (key, value): (&str, &str),
        digest: &mut blake3::Hasher,
        violations: &mut Violations,
    ) -> Self {
        let name = file.display();
        let bytes = match std::fs::read(file) {
            Ok(bytes) => bytes,
            Err(error) => {
                violations.note(at, "TABLE_FILE", format!("{name} cannot be read: {error}"));
                return Self::default();
            }
        };
        digest.update(&(bytes.len() as u64).to_le_bytes());
        digest.update(&bytes);
        let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(&bytes);
        let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(bytes);
        let header = match reader.headers() {
            Ok(header) => header.clone(),
            Err(error) => {
                violations.note(at, "TABLE_FILE", format!("{name} has no header that reads as UTF-8 CSV: {error}"));
                return Self::default();
            }
        };
        let mut place = |wanted: &str| {
            let found = header.iter().position(|column| column == wanted);
            if found.is_none() {
                violations.note(at, "TABLE_FILE", format!("{name} has no column {wanted}"));
            }
            found
        };
        let (Some(key), Some(value)) = (place(key), place(value)) else { return Self::default() };
        Self::from_rows(at, &name.to_string(), &mut reader, (key, value), violations)
    }

    fn from_rows(
        at: &str,
        name: &str,
        reader: &mut csv::Reader<&[u8]>,
        (key, value): (usize, usize),
        violations: &mut Violations,
    ) -> Self {
        let mut entries = HashMap::new();
        for record in reader.records() {
            let record = match record {
                Ok(record) => record,
                Err(error) => {
                    violations.note(at, "TABLE_FILE", format!("{name}: {error}"));
                    continue;
                }
            };
            let line = record.position().map_or(0, csv::Position::line);
            let (Some(key), Some(value)) = (record.get(key), record.get(value)) else { continue };
            if key.is_empty() || value.is_empty() {
                violations.note(at, "TABLE_FILE", format!("{name} line {line}: key or value is empty"));
                continue;
            }
            if entries.insert(key.to_owned(), value.to_owned()).is_some() {
                violations.note(at, "TABLE_FILE", format!("{name} line {line}: its key stands on an earlier line too"));
            }
        }
        if entries.is_empty() {
            violations.note(at, "EMPTY_TABLE", format!("{name} holds no value"));
        }
        Self { entries }
    }
}
