//! Strict reading of a TOML table: every key that nobody asked for is a
//! violation, and so is every value of the wrong type. Nothing stops at the
//! first fault.

use toml::{Table, Value};

/// One thing wrong with a mapping.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Where, such as `record[2].fields.offence.ho_code`. Empty: the file as a whole.
    pub at: String,
    /// Reason in UPPER_SNAKE.
    pub reason: &'static str,
    /// What is wrong and what would be right.
    pub message: String,
}

impl std::fmt::Display for Violation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.at.is_empty() {
            write!(f, "{} ({})", self.message, self.reason)
        } else {
            write!(f, "{}: {} ({})", self.at, self.message, self.reason)
        }
    }
}

/// Violations found so far.
#[derive(Debug, Default)]
pub struct Violations(pub Vec<Violation>);

impl Violations {
    /// Notes a violation.
    pub fn note(&mut self, at: impl Into<String>, reason: &'static str, message: impl Into<String>) {
        self.0.push(Violation { at: at.into(), reason, message: message.into() });
    }
}

/// A TOML table being read key by key.
pub struct Section<'a> {
    path: String,
    table: &'a Table,
    asked: Vec<&'static str>,
}

impl<'a> Section<'a> {
    /// A table that stands at `path`.
    pub fn new(path: impl Into<String>, table: &'a Table) -> Self {
        Self { path: path.into(), table, asked: Vec::new() }
    }

    /// Where a key of this table stands.
    pub fn at(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    /// Where the table stands.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Whether a key is there.
    pub fn has(&self, key: &str) -> bool {
        self.table.contains_key(key)
    }

    /// The value of a key, of any type.
    pub fn any(&mut self, key: &'static str) -> Option<&'a Value> {
        self.asked.push(key);
        self.table.get(key)
    }

    /// A text.
    pub fn text(&mut self, key: &'static str, violations: &mut Violations) -> Option<&'a str> {
        let value = self.any(key)?;
        self.typed(key, value.as_str(), "a text in quotes", violations)
    }

    /// A truth.
    pub fn truth(&mut self, key: &'static str, violations: &mut Violations) -> Option<bool> {
        let value = self.any(key)?;
        self.typed(key, value.as_bool(), "true or false", violations)
    }

    /// A whole number.
    pub fn whole(&mut self, key: &'static str, violations: &mut Violations) -> Option<i64> {
        let value = self.any(key)?;
        self.typed(key, value.as_integer(), "a whole number", violations)
    }

    /// A table.
    pub fn table(&mut self, key: &'static str, violations: &mut Violations) -> Option<&'a Table> {
        let value = self.any(key)?;
        self.typed(key, value.as_table(), "a table", violations)
    }

    /// A list of texts; one text alone stands for a list of one.
    pub fn texts(&mut self, key: &'static str, violations: &mut Violations) -> Option<Vec<&'a str>> {
        let value = self.any(key)?;
        let texts = match value {
            Value::String(text) => Some(vec![text.as_str()]),
            Value::Array(items) => items.iter().map(Value::as_str).collect(),
            Value::Integer(_) | Value::Float(_) | Value::Boolean(_) | Value::Datetime(_) | Value::Table(_) => None,
        };
        self.typed(key, texts, "a list of texts in quotes", violations)
    }

    /// A list.
    pub fn list(&mut self, key: &'static str, violations: &mut Violations) -> Option<&'a [Value]> {
        let value = self.any(key)?;
        self.typed(key, value.as_array().map(Vec::as_slice), "a list", violations)
    }

    fn typed<T>(&self, key: &str, value: Option<T>, expected: &str, violations: &mut Violations) -> Option<T> {
        if value.is_none() {
            violations.note(self.at(key), "WRONG_TYPE", format!("must be {expected}"));
        }
        value
    }

    /// Every key that nobody asked for is a violation.
    pub fn finish(self, violations: &mut Violations) {
        for key in self.table.keys().filter(|key| !self.asked.contains(&key.as_str())) {
            let message = format!("is not a key here; the keys are {}", self.asked.join(", "));
            violations.note(self.at(key), "UNKNOWN_KEY", message);
        }
    }
}

/// A TOML scalar as text; `None` for lists, tables and TOML dates.
pub fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Integer(number) => Some(number.to_string()),
        Value::Float(number) => Some(number.to_string()),
        Value::Boolean(truth) => Some(truth.to_string()),
        Value::Datetime(_) | Value::Array(_) | Value::Table(_) => None,
    }
}
