//! Reads the merged values one key at a time and gathers what is wrong with each,
//! so that the first fault never hides the second.

use std::ops::RangeInclusive;

use figment::value::{Num, Value};
use figment::{Figment, Metadata};

use super::key::Key;
use super::sources::DATE_IN_TOML;
use super::{CONCERNS, Invalid, Violation};

/// The value in force of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Effective {
    /// The key.
    pub key: &'static str,
    /// Its value. `None`: not set, and it has no default.
    pub value: Option<String>,
    /// Where it comes from, such as `file /etc/steelyard.toml`.
    pub source: String,
}

pub(super) struct Reader<'a> {
    figment: &'a Figment,
    violations: Vec<Violation>,
    effective: Vec<Effective>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(figment: &'a Figment, violations: Vec<Violation>) -> Self {
        Self { figment, violations, effective: Vec::new() }
    }

    /// The parsed value of a key that has a default; `None` after a violation.
    pub(super) fn value<T>(&mut self, key: &'static Key, parse: impl Fn(&str) -> Result<T, String>) -> Option<T> {
        debug_assert!(key.default.is_some(), "{} must have a default", key.name);
        self.optional(key, parse).flatten()
    }

    /// The parsed value of a key that may be left out: `Some(None)` when it was, `None` after a violation.
    #[expect(clippy::option_option, reason = "left out and wrong are different answers")]
    pub(super) fn optional<T>(
        &mut self,
        key: &'static Key,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Option<Option<T>> {
        let found = self.found(key);
        let source = found.as_ref().map_or_else(|| "not set".to_owned(), |(_, source)| source.clone());
        let Some((value, _)) = found else {
            self.effective.push(Effective { key: key.name, value: None, source });
            return Some(None);
        };
        let parsed = match text(&value) {
            Some(text) => parse(&text).map_err(|problem| (Some(text.clone()), problem)).map(|parsed| (text, parsed)),
            None => Err((None, format!("must be {}, not a list or a table", key.takes))),
        };
        match parsed {
            Ok((text, parsed)) => {
                self.effective.push(Effective { key: key.name, value: Some(text), source });
                Some(Some(parsed))
            }
            Err((value, problem)) => {
                self.violations.push(Violation { key: key.name.to_owned(), value, source: Some(source), problem });
                None
            }
        }
    }

    /// Refuses a key for what it says together with another.
    pub(super) fn refuse(&mut self, key: &'static Key, problem: &str) {
        let (value, source) = self.found(key).map_or((None, None), |(value, source)| (text(&value), Some(source)));
        self.violations.push(Violation { key: key.name.to_owned(), value, source, problem: problem.to_owned() });
    }

    /// What is in force, in the order of the reference page.
    pub(super) fn finish(self) -> Result<Vec<Effective>, Invalid> {
        if self.violations.is_empty() {
            return Ok(self.effective);
        }
        let place = |violation: &Violation| {
            CONCERNS.iter().flat_map(|concern| concern.keys).position(|key| key.name == violation.key)
        };
        let mut violations = self.violations;
        violations.sort_by_key(place);
        Err(Invalid { violations })
    }

    fn found(&self, key: &Key) -> Option<(Value, String)> {
        let value = self.figment.find_value(key.name).ok()?;
        let source =
            self.figment.get_metadata(value.tag()).map_or_else(|| "default".to_owned(), |from| told(from, key));
        Some((value, source))
    }
}

fn told(from: &Metadata, key: &Key) -> String {
    match from.name.as_ref() {
        "environment" => format!("environment {}", key.variable),
        "flags" => format!("flag --{}", key.flag),
        "defaults" => "default".to_owned(),
        name => from
            .source
            .as_ref()
            .and_then(figment::Source::file_path)
            .map_or_else(|| name.to_owned(), |path| format!("file {}", path.display())),
    }
}

/// A scalar as it would be written. `None`: a list or a table.
fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(_, text) => Some(text.clone()),
        Value::Char(_, character) => Some(character.to_string()),
        Value::Bool(_, answer) => Some(answer.to_string()),
        Value::Num(_, Num::F32(number)) => Some(number.to_string()),
        Value::Num(_, Num::F64(number)) => Some(number.to_string()),
        Value::Num(_, number) => {
            number.to_i128().map(|whole| whole.to_string()).or_else(|| number.to_u128().map(|whole| whole.to_string()))
        }
        Value::Dict(_, dict) => dict.get(DATE_IN_TOML).and_then(text),
        Value::Empty(..) | Value::Array(..) => None,
    }
}

/// A whole number within `range`.
pub(super) fn whole(text: &str, range: RangeInclusive<u64>) -> Result<u64, String> {
    text.parse()
        .ok()
        .filter(|number| range.contains(number))
        .ok_or_else(|| format!("must be a whole number from {} to {}", range.start(), range.end()))
}

/// A whole number of MiB within `range`, in bytes.
pub(super) fn mebibytes(text: &str, range: RangeInclusive<u64>) -> Result<u64, String> {
    whole(text, range).map(|count| count * 1024 * 1024)
}

/// `true` or `false`.
pub(super) fn switch(text: &str) -> Result<bool, String> {
    text.parse().map_err(|_| "must be true or false".to_owned())
}
