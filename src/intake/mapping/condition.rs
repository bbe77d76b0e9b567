//! Conditions under which a row gives a record.

use super::columns::{Columns, Row};
use super::section::{Section, Violations};
use super::source::Source;
use crate::intake::contract::Fault;

/// One condition on one row.
#[derive(Clone, Debug)]
pub struct Condition {
    source: Source,
    test: Test,
}

#[derive(Clone, Debug)]
enum Test {
    /// It is there (or is not).
    Present(bool),
    /// It is one of these texts.
    OneOf(Vec<String>),
    /// It is none of these texts; what is empty is none of them.
    NotOneOf(Vec<String>),
}

impl Condition {
    /// Reads `{ column = "…", equals = "…" }` and its like.
    pub fn parse(mut section: Section<'_>, columns: &mut Columns, violations: &mut Violations) -> Option<Self> {
        let source = Source::parse(&mut section, 0, columns, violations);
        let present = section.truth("present", violations).map(Test::Present);
        let equals = section.text("equals", violations).map(|text| Test::OneOf(vec![text.to_owned()]));
        let owned = |texts: Vec<&str>| texts.into_iter().map(str::to_owned).collect();
        let one_of = section.texts("one_of", violations).map(|texts| Test::OneOf(owned(texts)));
        let not_one_of = section.texts("not_one_of", violations).map(|texts| Test::NotOneOf(owned(texts)));
        let mut tests: Vec<_> = [present, equals, one_of, not_one_of].into_iter().flatten().collect();
        if tests.len() != 1 {
            let message = "needs exactly one of present, equals, one_of and not_one_of";
            violations.note(section.path(), "BAD_CONDITION", message);
        }
        section.finish(violations);
        Some(Self { source: source?, test: tests.pop()? })
    }

    /// Whether it holds for a row.
    ///
    /// # Errors
    /// A fault when it cannot be judged.
    pub fn holds(&self, row: Row<'_>, columns: &Columns) -> Result<bool, Fault> {
        let text = self.source.read(row, columns, "when")?;
        Ok(match &self.test {
            Test::Present(wanted) => text.is_some() == *wanted,
            Test::OneOf(texts) => text.is_some_and(|text| texts.iter().any(|one| *one == text)),
            Test::NotOneOf(texts) => text.is_none_or(|text| texts.iter().all(|one| *one != text)),
        })
    }
}
