//! Reads the fields of one case and gathers everything wrong with them.
//! Messages name the field and what would be right; they never repeat a value.

use std::fmt::Display;

use serde::Deserialize;
use serde::de::{MapAccess, Visitor};
use serde_json::Value;

use super::answer::Violation;
use crate::domain::Date;
use crate::domain::word::Sex;

/// Longest field name that a message repeats, in characters.
const SHOWN: usize = 64;

/// The members of a JSON object in their order, a name that comes twice included.
#[derive(Debug)]
pub struct Members(Vec<(String, Value)>);

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;
        impl<'de> Visitor<'de> for Object {
            type Value = Members;
            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Object)
    }
}

impl Members {
    /// How many of these names are among the members.
    pub fn count_of(&self, names: &[&str]) -> usize {
        names.iter().filter(|name| self.0.iter().any(|(held, _)| held == *name)).count()
    }
}

/// Reads fields, notes what is wrong, and goes on.
#[derive(Debug)]
pub struct Check {
    members: Members,
    violations: Vec<Violation>,
}

impl Check {
    /// Checks that no member comes twice and that each is among those known.
    pub fn new(members: Members, known: &[&[&str]]) -> Self {
        let mut check = Self { members: Members(Vec::new()), violations: Vec::new() };
        for (name, value) in members.0 {
            let shown: String = name.chars().take(SHOWN).collect();
            if check.members.0.iter().any(|(held, _)| *held == name) {
                check.wrong(&shown, "DUPLICATE_FIELD", "comes twice in one case".to_owned());
                continue;
            }
            if !known.iter().any(|names| names.contains(&name.as_str())) {
                let fields = known[0].join(", ");
                check.wrong(&shown, "UNKNOWN_FIELD", format!("is not a field of this form of case: {fields}"));
            }
            check.members.0.push((name, value));
        }
        check
    }

    /// Notes a violation; the message continues the field's name.
    pub fn wrong(&mut self, field: &str, reason: &'static str, message: impl Display) {
        self.violations.push(Violation { field: field.to_owned(), reason, message: format!("{field} {message}") });
    }

    /// Notes a violation where `is_wrong` holds.
    pub fn wrong_if(&mut self, is_wrong: bool, field: &str, reason: &'static str, message: &str) {
        if is_wrong {
            self.wrong(field, reason, message);
        }
    }

    /// The value, if everything was right.
    pub fn finish<T>(self, value: Option<T>) -> Result<T, Vec<Violation>> {
        match value {
            Some(value) if self.violations.is_empty() => Ok(value),
            Some(_) | None => {
                debug_assert!(!self.violations.is_empty(), "a case without a value must have a violation");
                Err(self.violations)
            }
        }
    }

    /// Whether the field is there and not null.
    pub fn has(&self, field: &str) -> bool {
        self.members.0.iter().any(|(name, value)| name == field && !value.is_null())
    }

    fn value(&mut self, field: &str) -> Option<Value> {
        let value = self.members.0.iter().find(|(name, value)| name == field && !value.is_null());
        let value = value.map(|(_, value)| value.clone());
        if value.is_none() {
            self.wrong(field, "REQUIRED", "is required");
        }
        value
    }

    /// A text that must be there.
    pub fn text(&mut self, field: &str) -> Option<String> {
        match self.value(field)? {
            Value::String(text) => Some(text),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
                self.wrong(field, "WRONG_TYPE", "must be a text in quotes");
                None
            }
        }
    }

    /// A date that must be there.
    pub fn date(&mut self, field: &str) -> Option<Date> {
        let read = self.text(field)?.parse();
        if let Err(why) = &read {
            self.wrong(field, "INVALID_DATE", format_args!("is {why}"));
        }
        read.ok()
    }

    /// A whole number that must be there, however it is spelt: 2, 2.0 and 2e0 are one.
    pub fn whole(&mut self, field: &str, least: u32, most: u32) -> Option<u32> {
        let Value::Number(number) = self.value(field)? else {
            self.wrong(field, "WRONG_TYPE", format_args!("must be a whole number from {least} to {most}"));
            return None;
        };
        let value = number.as_f64().unwrap_or(f64::NAN);
        if value % 1.0 != 0.0 {
            self.wrong(field, "NOT_A_WHOLE_NUMBER", format_args!("must be a whole number from {least} to {most}"));
            return None;
        }
        if !(f64::from(least)..=f64::from(most)).contains(&value) {
            self.wrong(field, "OUT_OF_RANGE", format_args!("must lie between {least} and {most}"));
            return None;
        }
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a whole number within u32 bounds")]
        Some(value as u32)
    }

    /// The sex, M or F.
    pub fn sex(&mut self) -> Option<Sex> {
        match self.text("sex")?.as_str() {
            "F" => Some(Sex::Female),
            "M" => Some(Sex::Male),
            _ => {
                self.wrong("sex", "UNKNOWN_VALUE", "must be M or F; the instruments are defined for no other value");
                None
            }
        }
    }

    /// Notes a violation where a date lies before another.
    pub fn not_before(&mut self, field: &str, date: Option<Date>, earlier: Option<Date>, earlier_field: &str) {
        let wrong = date.zip(earlier).is_some_and(|(date, earlier)| date < earlier);
        self.wrong_if(wrong, field, "DATES_OUT_OF_ORDER", &format!("is before {earlier_field}"));
    }

    /// Notes a violation where a date lies after another.
    pub fn not_after(&mut self, field: &str, date: Option<Date>, later: Option<Date>, later_field: &str) {
        let wrong = date.zip(later).is_some_and(|(date, later)| date > later);
        self.wrong_if(wrong, field, "DATES_OUT_OF_ORDER", &format!("is after {later_field}"));
    }

    /// Notes a violation where the person is younger or older on a date than allowed.
    pub fn age(&mut self, birth: Option<Date>, on: Option<Date>, field: &str, least: i32, most: i32) {
        if let (Some(birth), Some(on)) = (birth, on) {
            let age = birth.completed_years(on);
            let message = format!("must lie between the person's ages of {least} and {most}");
            self.wrong_if(!(least..=most).contains(&age), field, "AGE_OUT_OF_RANGE", &message);
        }
    }
}
