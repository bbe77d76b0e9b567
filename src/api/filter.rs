//! Arguments of ranking calls as typed values, or everything wrong with them.

use crate::domain::Date;
use crate::domain::id::check_reference;
use crate::domain::word::{Band, Circulation, CohortStatus, CustodyState, List, OffenceGroup, OutstandingReason};
use crate::pb;
use crate::ranking::Filter;
use crate::service::fault::Fault;
use crate::service::life;

/// Most areas or officers in one filter.
const MOST_REFERENCES: usize = 32;

/// Gathers what is wrong with a request's arguments.
#[derive(Debug, Default)]
pub struct Arguments {
    violations: Vec<pb::Violation>,
}

/// References of a filter, judged.
pub fn most_references(arguments: &mut Arguments, field: &str, texts: &[String], length: usize) -> Vec<String> {
    arguments.references(field, texts, length)
}

impl Arguments {
    /// Notes a violation.
    pub fn wrong(&mut self, field: &str, reason: &str, description: impl Into<String>) {
        self.violations.push(pb::Violation {
            field: field.to_owned(),
            reason: reason.to_owned(),
            description: description.into(),
        });
    }

    /// Whether something is wrong with a field already.
    pub fn has(&self, field: &str) -> bool {
        self.violations.iter().any(|violation| violation.field == field)
    }

    /// Whether nothing is wrong so far.
    pub fn sound(&self) -> bool {
        self.violations.is_empty()
    }

    /// Done: everything wrong, or nothing.
    ///
    /// # Errors
    /// Everything wrong.
    pub fn finish(self) -> Result<(), Fault> {
        if self.violations.is_empty() { Ok(()) } else { Err(Fault::Invalid(self.violations)) }
    }

    /// The list asked for; ALL stands in where it is wrong.
    pub fn list(&mut self, number: i32) -> List {
        List::from_proto(number).unwrap_or_else(|| {
            self.wrong("list", "REQUIRED", "list names one of COHORT, CHILDREN, CANDIDATES, OUTSTANDING, WANTED, BAIL_FAILED, WARRANTS, RECALLS, ALL");
            List::All
        })
    }

    /// Whether the FULL view is asked for.
    pub fn full(&mut self, number: i32) -> bool {
        match pb::View::try_from(number) {
            Ok(pb::View::Unspecified | pb::View::Basic) => false,
            Ok(pb::View::Full) => true,
            Err(_) => {
                self.wrong("view", "UNKNOWN_VALUE", "view holds a number that this version does not know");
                false
            }
        }
    }

    /// A size within bounds; 0 is the default.
    pub fn size(&mut self, field: &str, asked: u32, default: u32, most: u32) -> usize {
        if asked > most {
            self.wrong(field, "OUT_OF_RANGE", format!("{field} is {asked}; at most {most} is allowed here"));
        }
        let size = if asked == 0 { default.min(most) } else { asked.min(most) };
        size as usize
    }

    /// A subject's reference.
    pub fn subject_ref(&mut self, field: &str, text: &str) {
        if let Err(why) = check_reference(text, 64) {
            self.wrong(field, "INVALID_REFERENCE", format!("{field} {why}"));
        }
    }

    /// A word that must be said.
    pub fn one<T>(&mut self, field: &str, number: i32, read: impl Fn(i32) -> Option<T>) -> Option<T> {
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

    /// A text of so many characters.
    pub fn text(&mut self, field: &str, text: &str, least: usize, most: usize) {
        let found = text.chars().count();
        if found < least || found > most {
            let description = format!("{field} has {found} characters; {least} to {most} are allowed");
            self.wrong(field, "LENGTH_OUT_OF_RANGE", description);
        }
    }

    /// A text that stays when the people are erased whom its request is about: it must not have their references in it.
    pub fn nameless(&mut self, field: &str, text: &str, references: &[&str]) {
        if references.iter().any(|reference| life::names(text, reference)) {
            let description = format!("{field} names a person by reference, and stays when that person is erased");
            self.wrong(field, "NAMES_THE_PERSON", description);
        }
    }

    /// A date that must be there.
    pub fn date(&mut self, field: &str, text: &str) -> Option<Date> {
        match text.parse() {
            Ok(date) => Some(date),
            Err(_) if text.is_empty() => {
                self.wrong(field, "REQUIRED", format!("{field} is required: a day such as 2026-03-31"));
                None
            }
            Err(why) => {
                self.wrong(field, "INVALID_DATE", format!("{field} is {why}"));
                None
            }
        }
    }

    /// A filter.
    pub fn filter(&mut self, stated: Option<&pb::StandingFilter>) -> Filter {
        let Some(stated) = stated else { return Filter::default() };
        Filter {
            areas: self.references("filter.areas", &stated.areas, 32),
            bands: self.words("filter.bands", &stated.bands, Band::from_proto),
            offender_managers: self.references("filter.offender_managers", &stated.offender_managers, 64),
            cohort_statuses: self.words("filter.cohort_statuses", &stated.cohort_statuses, CohortStatus::from_proto),
            reasons: self.words("filter.reasons", &stated.reasons, OutstandingReason::from_proto),
            circulation_states: self.words(
                "filter.circulation_states",
                &stated.circulation_states,
                Circulation::from_proto,
            ),
            offence_groups: self.words("filter.offence_groups", &stated.offence_groups, OffenceGroup::from_proto),
            custody: if stated.custody == 0 {
                None
            } else {
                self.words("filter.custody", &[stated.custody], CustodyState::from_proto).first().copied()
            },
            min_days_outstanding: stated.min_days_outstanding,
            provisional_only: stated.provisional_only,
            overridden_only: stated.overridden_only,
        }
    }

    fn references(&mut self, field: &str, texts: &[String], length: usize) -> Vec<String> {
        if texts.len() > MOST_REFERENCES {
            self.wrong(
                field,
                "TOO_MANY",
                format!("{field} holds {}; at most {MOST_REFERENCES} are allowed", texts.len()),
            );
        }
        for (place, text) in texts.iter().take(MOST_REFERENCES).enumerate() {
            if let Err(why) = check_reference(text, length) {
                self.wrong(&format!("{field}[{place}]"), "INVALID_REFERENCE", format!("{field}[{place}] {why}"));
            }
        }
        texts.to_vec()
    }

    /// Words of a list, each said and known.
    pub fn words<T>(&mut self, field: &str, numbers: &[i32], read: impl Fn(i32) -> Option<T>) -> Vec<T> {
        let mut words = Vec::with_capacity(numbers.len());
        for (place, number) in numbers.iter().enumerate() {
            match read(*number) {
                Some(word) => words.push(word),
                None => self.wrong(
                    &format!("{field}[{place}]"),
                    "UNKNOWN_VALUE",
                    format!("{field}[{place}] is unspecified, or a number that this version does not know"),
                ),
            }
        }
        words
    }
}
