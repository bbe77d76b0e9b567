//! Gathers everything wrong with one record, so that its sender can mend it in one go.

use jiff::Timestamp;

use crate::domain::id::check_reference;
use crate::domain::{Date, Moment};
use crate::pb;

/// Most seconds that the clock of whoever did something may be ahead of that of whoever recorded it.
const CLOCK_AHEAD: i64 = 300;

/// Reads fields, notes what is wrong with them, and goes on.
#[derive(Debug)]
pub struct Check {
    /// The last day that a fact may bear: the day the record was made, in London.
    pub recorded: Date,
    /// The moment it was made.
    pub moment: Moment,
    /// The last moment that a fact may bear.
    latest: Moment,
    violations: Vec<pb::Violation>,
}

impl Check {
    /// Nothing wrong so far, of a record made at `recorded` and judged at `now`.
    pub fn new(recorded: Timestamp, now: Timestamp) -> Self {
        let moment = Moment::of(recorded);
        // A source whose clock is ahead must not date what was done into the future.
        let latest = moment.min(Moment::of(now)) + CLOCK_AHEAD;
        Self { recorded: Date::in_london(recorded), moment, latest, violations: Vec::new() }
    }

    /// Notes a violation of a field of the record.
    pub fn wrong(&mut self, field: &str, reason: &str, description: impl Into<String>) {
        self.violations.push(pb::Violation {
            field: field.to_owned(),
            reason: reason.to_owned(),
            description: description.into(),
        });
    }

    /// Notes a violation unless `holds`.
    pub fn must(&mut self, holds: bool, field: &str, reason: &str, description: &str) {
        if !holds {
            self.wrong(field, reason, description);
        }
    }

    /// What was found.
    pub fn finish<T>(self, value: Option<T>) -> Result<T, Vec<pb::Violation>> {
        match value {
            Some(value) if self.violations.is_empty() => Ok(value),
            Some(_) | None => {
                debug_assert!(!self.violations.is_empty(), "a record without a value must have a violation");
                Err(self.violations)
            }
        }
    }

    /// A reference that must be there.
    pub fn reference(&mut self, field: &str, text: &str, most: usize) -> Box<str> {
        if let Err(why) = check_reference(text, most) {
            self.wrong(field, "INVALID_REFERENCE", format!("{field} {why}"));
        }
        text.into()
    }

    /// A reference that may be empty.
    pub fn optional_reference(&mut self, field: &str, text: &str, most: usize) -> Option<Box<str>> {
        (!text.is_empty()).then(|| self.reference(field, text, most))
    }

    /// References of a list, at most `most` of them, none twice.
    pub fn references(&mut self, field: &str, texts: &[String], most: usize, length: usize) -> Vec<Box<str>> {
        if texts.len() > most {
            self.wrong(field, "TOO_MANY", format!("{field} holds {}; at most {most} are allowed", texts.len()));
        }
        let mut read: Vec<Box<str>> = Vec::with_capacity(texts.len().min(most));
        for (place, text) in texts.iter().take(most).enumerate() {
            let text = self.reference(&format!("{field}[{place}]"), text, length);
            if read.contains(&text) {
                self.wrong(&format!("{field}[{place}]"), "DUPLICATE", format!("{field} names the same one twice"));
            } else {
                read.push(text);
            }
        }
        read
    }

    /// Free text of at most `most` characters without control characters other than line feeds.
    pub fn text(&mut self, field: &str, text: &str, least: usize, most: usize) {
        let found = text.chars().count();
        if found < least || found > most {
            self.wrong(
                field,
                "LENGTH_OUT_OF_RANGE",
                format!("{field} has {found} characters; {least} to {most} are allowed"),
            );
        }
        if text.chars().any(|sign| sign.is_control() && sign != '\n') {
            self.wrong(field, "INVALID_TEXT", format!("{field} holds a control character"));
        }
    }

    /// A date that may be empty and may lie in the future: planned, or an expiry.
    pub fn planned(&mut self, field: &str, text: &str) -> Option<Date> {
        if text.is_empty() {
            return None;
        }
        match text.parse() {
            Ok(date) => Some(date),
            Err(why) => {
                self.wrong(field, "INVALID_DATE", format!("{field} is {why}"));
                None
            }
        }
    }

    /// A date of a fact, that may be empty: not after the day the record was made.
    pub fn fact(&mut self, field: &str, text: &str) -> Option<Date> {
        let date = self.planned(field, text)?;
        if date > self.recorded {
            let recorded = self.recorded;
            self.wrong(
                field,
                "AFTER_RECORDED",
                format!("{field} is {date}, later than the day it was recorded, {recorded}"),
            );
        }
        Some(date)
    }

    /// A date of a fact that must be there. A stand-in is returned where it is not; a violation then keeps it from use.
    pub fn required_fact(&mut self, field: &str, text: &str) -> Date {
        if text.is_empty() {
            self.wrong(field, "REQUIRED", format!("{field} is required for this kind of record"));
        }
        self.fact(field, text).unwrap_or(self.recorded)
    }

    /// A moment of a fact, that may be left out: not after the record was made.
    pub fn moment(&mut self, field: &str, stated: Option<&pbjson_types::Timestamp>) -> Option<Moment> {
        let stated = stated?;
        let Ok(instant) = Timestamp::new(stated.seconds, stated.nanos) else {
            self.wrong(field, "INVALID_TIME", format!("{field} is not an instant between years 1 and 9999"));
            return None;
        };
        let moment = Moment::of(instant);
        if moment > self.latest {
            self.wrong(field, "AFTER_RECORDED", format!("{field} is later than the record was made, or than now"));
        }
        Some(moment)
    }

    /// A moment of a fact that must be there, on the day that the record says. A stand-in is returned where it is wrong.
    pub fn moment_on(&mut self, field: &str, stated: Option<&pbjson_types::Timestamp>, day: Date) -> Moment {
        let Some(moment) = self.moment(field, stated) else {
            self.must(stated.is_some(), field, "REQUIRED", &format!("{field} is required"));
            return self.moment;
        };
        self.must(
            moment.day() == day,
            field,
            "CONTRADICTION",
            &format!("{field} does not lie on the day in London that the record says, {day}"),
        );
        moment
    }

    /// Notes a violation where `later` lies before `earlier`.
    pub fn order(&mut self, field: &str, earlier: Option<Date>, later: Option<Date>, earlier_name: &str) {
        if let (Some(earlier), Some(later)) = (earlier, later)
            && later < earlier
        {
            self.wrong(field, "DATES_OUT_OF_ORDER", format!("{field} is {later}, before {earlier_name} on {earlier}"));
        }
    }

    /// A word that must be said.
    pub fn word<T>(&mut self, field: &str, number: i32, read: impl Fn(i32) -> Option<T>) -> Option<T> {
        let word = read(number);
        if word.is_none() {
            let (reason, what) = if number == 0 {
                ("REQUIRED", "must be stated")
            } else {
                ("UNKNOWN_VALUE", "holds a number that this version does not know")
            };
            self.wrong(field, reason, format!("{field} {what}"));
        }
        word
    }

    /// A word that may be left unsaid.
    pub fn word_or<T>(&mut self, field: &str, number: i32, default: T, read: impl Fn(i32) -> Option<T>) -> T {
        if number == 0 { default } else { self.word(field, number, read).unwrap_or(default) }
    }

    /// A whole number within bounds.
    pub fn number(&mut self, field: &str, value: u32, least: u32, most: u32) {
        if !(least..=most).contains(&value) {
            self.wrong(field, "OUT_OF_RANGE", format!("{field} is {value}; {least} to {most} are allowed"));
        }
    }
}
