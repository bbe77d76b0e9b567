//! A section of a policy file, read key by key. Reading goes on past every
//! fault: what is wrong is noted with its path and a harmless value stands in,
//! so that one look shows a force everything it has to mend. The stand-ins
//! never reach a policy, because a file with any fault gives none.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use toml::{Table, Value};

use super::PolicyViolation;
use crate::domain::Date;

/// Faults found so far.
pub(super) type Faults = RefCell<Vec<PolicyViolation>>;

/// One table of the file and the keys asked of it. When it is dropped, keys that nobody asked for
/// are faults: a misspelt key must not pass for a missing one that has a default.
pub(super) struct Section<'f> {
    /// `None` where the section itself is missing or no table; its keys are then not reported one by one.
    table: Option<&'f Table>,
    path: String,
    asked: RefCell<BTreeSet<String>>,
    faults: &'f Faults,
}

impl Drop for Section<'_> {
    fn drop(&mut self) {
        let asked = self.asked.borrow();
        for key in self.keys().filter(|key| !asked.contains(*key)) {
            self.fault(key, "UNKNOWN_KEY", "is not a key that a policy has here");
        }
    }
}

impl<'f> Section<'f> {
    pub(super) fn root(table: &'f Table, faults: &'f Faults) -> Self {
        Self { table: Some(table), path: String::new(), asked: RefCell::default(), faults }
    }

    /// A section inside this one.
    pub(super) fn section(&self, key: &str) -> Section<'f> {
        let table = self.value(key).and_then(|value| {
            let table = value.as_table();
            if table.is_none() {
                self.wrong_type(key, "a table", value);
            }
            table
        });
        Section { table, path: self.path_of(key), asked: RefCell::default(), faults: self.faults }
    }

    /// A section of the root that came after the first policies: one without it has the reference policy's.
    pub(super) fn section_or_reference(&self, key: &str) -> Section<'f> {
        if self.table.is_some_and(|table| !table.contains_key(key)) {
            let table = super::file::reference().get(key).and_then(Value::as_table);
            return Section { table, path: self.path_of(key), asked: RefCell::default(), faults: self.faults };
        }
        self.section(key)
    }

    /// The sections of an array of tables, each with its place.
    pub(super) fn sections(&self, key: &str) -> Vec<Section<'f>> {
        let Some(value) = self.value(key) else { return Vec::new() };
        let Some(array) = value.as_array() else {
            self.wrong_type(key, "an array of tables", value);
            return Vec::new();
        };
        let part = |(at, value): (usize, &'f Value)| {
            let key = format!("{key}[{at}]");
            if value.as_table().is_none() {
                self.wrong_type(&key, "a table", value);
            }
            Section {
                table: value.as_table(),
                path: self.path_of(&key),
                asked: RefCell::default(),
                faults: self.faults,
            }
        };
        array.iter().enumerate().map(part).collect()
    }

    /// Keys in the file, in order.
    pub(super) fn keys(&self) -> impl Iterator<Item = &'f String> + use<'f> {
        self.table.into_iter().flat_map(Table::keys)
    }

    /// A number within a range. Not a number where it was refused: no comparison finds a second fault in that.
    pub(super) fn number(&self, key: &str, range: RangeInclusive<f64>) -> f64 {
        let Some(value) = self.value(key) else { return f64::NAN };
        let Some(number) = as_number(value) else {
            self.wrong_type(key, "a number", value);
            return f64::NAN;
        };
        if range.contains(&number) {
            number
        } else {
            let message = format!("is {number}; it must be from {} to {}", range.start(), range.end());
            self.fault(key, "OUT_OF_RANGE", &message);
            f64::NAN
        }
    }

    /// A number within a range with at most so many decimals, as a whole count of its last decimal's unit.
    pub(super) fn fixed(&self, key: &str, range: RangeInclusive<f64>, decimals: u8) -> u32 {
        let unit = libm::pow(10.0, f64::from(decimals));
        let scaled = self.number(key, range.clone()) * unit;
        let whole = libm::round(scaled);
        if (scaled - whole).abs() > 1e-6 {
            self.fault(key, "TOO_PRECISE", &format!("may have at most {decimals} decimals"));
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "casts saturate; the range was judged above"
        )]
        let count = whole as u32;
        count
    }

    /// A whole number within a range.
    pub(super) fn whole<N: TryFrom<i64> + Default>(&self, key: &str, range: RangeInclusive<i64>) -> N {
        let Some(value) = self.value(key) else { return N::default() };
        let Some(number) = value.as_integer() else {
            self.wrong_type(key, "a whole number", value);
            return N::default();
        };
        match N::try_from(number) {
            Ok(whole) if range.contains(&number) => whole,
            Ok(_) | Err(_) => {
                let message = format!("is {number}; it must be from {} to {}", range.start(), range.end());
                self.fault(key, "OUT_OF_RANGE", &message);
                N::default()
            }
        }
    }

    /// A whole number within a range, if the key is there.
    pub(super) fn optional_whole<N: TryFrom<i64> + Default>(&self, key: &str, range: RangeInclusive<i64>) -> Option<N> {
        let there = self.table.is_some_and(|table| table.contains_key(key));
        self.asked.borrow_mut().insert(key.to_owned());
        there.then(|| self.whole(key, range))
    }

    /// True or false.
    pub(super) fn flag(&self, key: &str) -> bool {
        let Some(value) = self.value(key) else { return false };
        value.as_bool().unwrap_or_else(|| {
            self.wrong_type(key, "true or false", value);
            false
        })
    }

    /// A text that is not empty, without control characters.
    pub(super) fn text(&self, key: &str, most: usize) -> String {
        let Some(value) = self.value(key) else { return String::new() };
        let Some(text) = value.as_str() else {
            self.wrong_type(key, "a text", value);
            return String::new();
        };
        if text.trim().is_empty() {
            self.fault(key, "EMPTY", "must not be empty");
        } else if text.chars().count() > most {
            self.fault(key, "TOO_LONG", &format!("may have at most {most} characters"));
        } else if text.chars().any(char::is_control) {
            self.fault(key, "UNPRINTABLE", "must not hold control characters");
        }
        text.to_owned()
    }

    /// Words of a list that is not empty, none twice.
    pub(super) fn words<W: PartialEq>(&self, key: &str, read: impl Fn(&str) -> Option<W>) -> Vec<W> {
        let Some(value) = self.value(key) else { return Vec::new() };
        let Some(array) = value.as_array() else {
            self.wrong_type(key, "an array of texts", value);
            return Vec::new();
        };
        let mut words = Vec::with_capacity(array.len());
        for (at, value) in array.iter().enumerate() {
            let key = format!("{key}[{at}]");
            match value.as_str().map(&read) {
                Some(Some(word)) if words.contains(&word) => self.fault(&key, "DUPLICATE", "stands there twice"),
                Some(Some(word)) => words.push(word),
                Some(None) => self.fault(&key, "UNKNOWN_WORD", "is no word of the contract that may stand here"),
                None => self.wrong_type(&key, "a text", value),
            }
        }
        if array.is_empty() {
            self.fault(key, "EMPTY", "must not be empty");
        }
        words
    }

    /// A calendar date, written without quotes.
    pub(super) fn date(&self, key: &str) -> Date {
        let stand_in = Date::from_days(0);
        let Some(value) = self.value(key) else { return stand_in };
        let Some(written) = value.as_datetime() else {
            self.wrong_type(key, "a date such as 2026-11-01, without quotes", value);
            return stand_in;
        };
        written.to_string().parse().unwrap_or_else(|_| {
            self.fault(key, "NOT_A_DATE", "must be a date between 1900-01-01 and 2199-12-31, without a time");
            stand_in
        })
    }

    /// Notes a fault of a key.
    pub(super) fn fault(&self, key: &str, reason: &'static str, message: &str) {
        let violation = PolicyViolation { path: self.path_of(key), reason, message: message.to_owned() };
        self.faults.borrow_mut().push(violation);
    }

    /// Notes a fault unless these numbers ascend strictly. Says nothing where one is missing or no
    /// number: that has been said.
    pub(super) fn ascending(&self, keys: &[&str]) {
        for pair in keys.windows(2) {
            if let (Some(lower), Some(upper)) = (self.raw(pair[0]), self.raw(pair[1]))
                && lower >= upper
            {
                self.fault(pair[1], "NOT_ASCENDING", &format!("is {upper}; it must be above {}, {lower}", pair[0]));
            }
        }
    }

    /// Notes a fault unless these whole numbers sum to 100. `at` tells the way to each below this section.
    pub(super) fn sums_to_100(&self, at: &[&[&str]]) {
        let weights: Option<Vec<i64>> = at
            .iter()
            .map(|way| {
                let (last, tables) = way.split_last()?;
                let table = tables.iter().try_fold(self.table?, |table, key| table.get(*key)?.as_table())?;
                table.get(*last)?.as_integer()
            })
            .collect();
        let Some(weights) = weights else { return };
        let sum = weights.iter().fold(0_i64, |sum, weight| sum.saturating_add(*weight));
        if sum != 100 {
            let names: Vec<String> = at.iter().map(|way| way.join(".")).collect();
            let path = if self.path.is_empty() { names.join(", ") } else { self.path.clone() };
            self.faults.borrow_mut().push(PolicyViolation {
                path,
                reason: "WEIGHTS_DO_NOT_SUM",
                message: format!("the weights {} sum to {sum}; they must sum to 100", names.join(", ")),
            });
        }
    }

    fn raw(&self, key: &str) -> Option<f64> {
        as_number(self.table?.get(key)?)
    }

    fn value(&self, key: &str) -> Option<&'f Value> {
        self.asked.borrow_mut().insert(key.to_owned());
        let table = self.table?;
        let value = table.get(key);
        if value.is_none() {
            self.fault(key, "MISSING_KEY", "is missing");
        }
        value
    }

    fn wrong_type(&self, key: &str, wanted: &str, found: &Value) {
        self.fault(key, "WRONG_TYPE", &format!("must be {wanted}, not {}", article(found)));
    }

    fn path_of(&self, key: &str) -> String {
        let bare = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '[' | ']');
        let shown: String = key.chars().take(64).flat_map(char::escape_debug).collect();
        let shown = if !key.is_empty() && key.chars().all(bare) { shown } else { format!("\"{shown}\"") };
        if self.path.is_empty() { shown } else { format!("{}.{shown}", self.path) }
    }
}

fn article(value: &Value) -> &'static str {
    match value {
        Value::String(_) => "a text",
        Value::Integer(_) => "a whole number",
        Value::Float(_) => "a number with decimals",
        Value::Boolean(_) => "true or false",
        Value::Datetime(_) => "a date or time",
        Value::Array(_) => "an array",
        Value::Table(_) => "a table",
    }
}

/// An integer or a float, as a float.
fn as_number(value: &Value) -> Option<f64> {
    match value {
        #[expect(clippy::cast_precision_loss, reason = "every range that a policy allows lies far below 2^53")]
        Value::Integer(whole) => Some(*whole as f64),
        Value::Float(number) => Some(*number),
        Value::String(_) | Value::Boolean(_) | Value::Datetime(_) | Value::Array(_) | Value::Table(_) => None,
    }
}
