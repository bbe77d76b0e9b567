//! One line about a person: its cells, and everything wrong with them.

use std::collections::HashMap;
use std::path::Path;

use super::sheet::{Faults, Row};
use crate::domain::Date;
use crate::domain::id::check_reference;
use crate::pb;

/// Longest name or value of a characteristic, characters.
pub const LONGEST_VALUE: usize = 64;
/// Longest reference of a person, characters.
pub const LONGEST_REFERENCE: usize = 64;
/// Column of the reference of a person.
pub const SUBJECT: &str = "subject_ref";

/// Who was read already, and on which line.
#[derive(Default)]
pub struct Seen(HashMap<String, u64>);

impl Seen {
    /// The person of the first line, which was read as a header.
    pub fn first(&mut self, key: String) {
        self.0.insert(key, 1);
    }

    /// Tells a person who stands on an earlier line too.
    pub fn once(&mut self, key: String, line: &mut Line<'_>) {
        if let Some(before) = self.0.insert(key, line.row.line) {
            line.wrong(SUBJECT, format!("stands on line {before} already"));
        }
    }
}

/// A line whose cells are read, each fault told.
pub struct Line<'a> {
    /// The file.
    pub path: &'a Path,
    /// The row.
    pub row: &'a Row,
    /// Where faults are told.
    pub faults: &'a mut Faults,
}

impl Line<'_> {
    fn wrong(&mut self, column: &str, reason: String) {
        self.faults.add(self.path, self.row.line, column, reason);
    }

    /// The reference of a person.
    pub fn reference(&mut self, column: usize) -> String {
        let text = self.row.cell(column);
        if let Err(why) = check_reference(text, LONGEST_REFERENCE) {
            self.wrong(SUBJECT, why.to_string());
        }
        text.to_owned()
    }

    /// A day.
    pub fn date(&mut self, column: usize) -> String {
        let text = self.row.cell(column);
        match text.parse::<Date>() {
            Ok(date) => date.to_string(),
            Err(why) => {
                self.wrong("index_date", format!("is {text:?}: {why}"));
                String::new()
            }
        }
    }

    /// True or false.
    pub fn truth(&mut self, column: usize, name: &str) -> bool {
        match self.row.cell(column) {
            "1" | "true" => true,
            "0" | "false" => false,
            text => {
                self.wrong(name, format!("is {text:?}; 0, 1, true or false is taken"));
                false
            }
        }
    }

    /// Harm days; an empty cell is none.
    pub fn harm(&mut self, column: usize) -> Option<f64> {
        let text = self.row.cell(column);
        if text.is_empty() {
            return None;
        }
        let days = not_negative(text);
        if days.is_none() {
            self.wrong("harm_days", format!("is {text:?}; a number of 0 or more is taken"));
        }
        days
    }

    /// A value of a characteristic; an empty cell is not stated.
    pub fn group(&mut self, column: usize, name: &str) -> Option<String> {
        let text = self.row.cell(column);
        if text.is_empty() {
            return None;
        }
        if let Err(why) = check_reference(text, LONGEST_VALUE) {
            self.wrong(name, why.to_string());
        }
        Some(text.to_owned())
    }

    /// What a row says must not contradict itself.
    pub fn agree(&mut self, row: &pb::OutcomeRow) {
        if !row.any && row.violent == Some(true) {
            self.wrong("violent", "is true where any is false".to_owned());
        }
        if row.violent == Some(false) && row.serious_violent == Some(true) {
            self.wrong("serious_violent", "is true where violent is false".to_owned());
        } else if !row.any && row.violent.is_none() && row.serious_violent == Some(true) {
            self.wrong("serious_violent", "is true where any is false".to_owned());
        }
        if !row.any && row.harm_days.is_some_and(|days| days > 0.0) {
            self.wrong("harm_days", "is above 0 where any is false".to_owned());
        }
    }
}

/// A finite number of 0 or more.
pub fn not_negative(text: &str) -> Option<f64> {
    text.parse::<f64>().ok().filter(|number| number.is_finite() && *number >= 0.0)
}
