//! Where a value or a condition takes its text from: a column, the first of
//! several that is not empty, the sum of several, or a template.

use std::borrow::Cow;

use super::columns::{Column, Columns, Row};
use super::section::{Section, Violations};
use super::template::Template;
use crate::intake::contract::Fault;

/// Where a text is taken from.
#[derive(Clone, Debug)]
pub enum Source {
    /// The text of one column.
    Column(Column),
    /// The first of these columns that is not empty.
    FirstOf(Vec<Column>),
    /// The sum of whole numbers in these columns. Absent when one of them is empty: a gap is not a nought.
    Sum(Vec<Column>),
    /// A text with columns in it. Absent when one of them is empty.
    Template(Template),
}

impl Source {
    /// Reads the source keys of a table: at most one of `column`, `first_of`, `sum` and `template`. `others` counts
    /// further sources that the caller knows.
    pub fn parse(
        section: &mut Section<'_>,
        others: usize,
        columns: &mut Columns,
        violations: &mut Violations,
    ) -> Option<Self> {
        let column = section.text("column", violations).map(|name| Self::Column(columns.named(name)));
        let first_of = section.texts("first_of", violations);
        let sum = section.texts("sum", violations);
        let template = section.text("template", violations);
        let given =
            others + ["column", "first_of", "sum", "template"].into_iter().filter(|key| section.has(key)).count();
        if given != 1 {
            let message = if given == 0 { "names no source" } else { "names several sources" };
            violations.note(
                section.path(),
                if given == 0 { "NO_SOURCE" } else { "CONTRADICTION" },
                format!("{message}; exactly one of column, first_of, sum, template and constant is wanted"),
            );
            return None;
        }
        let mut several = |key: &str, names: Vec<&str>| -> Vec<Column> {
            if names.is_empty() {
                violations.note(format!("{}.{key}", section.path()), "REQUIRED", "names no column");
            }
            names.into_iter().map(|name| columns.named(name)).collect()
        };
        if let Some(names) = first_of {
            return Some(Self::FirstOf(several("first_of", names)));
        }
        if let Some(names) = sum {
            return Some(Self::Sum(several("sum", names)));
        }
        if let Some(text) = template {
            return match Template::parse(text, columns) {
                Ok(template) => Some(Self::Template(template)),
                Err(message) => {
                    violations.note(section.at("template"), "BAD_TEMPLATE", message);
                    None
                }
            };
        }
        column
    }

    /// The text for one row; `None` where it is empty.
    ///
    /// # Errors
    /// A fault at `field` when a column to be summed does not hold a whole number.
    pub fn read<'r>(&self, row: Row<'r>, columns: &Columns, field: &str) -> Result<Option<Cow<'r, str>>, Fault> {
        Ok(match self {
            Self::Column(column) => row.get(*column).map(Cow::Borrowed),
            Self::FirstOf(several) => several.iter().find_map(|column| row.get(*column)).map(Cow::Borrowed),
            Self::Template(template) => template.fill(|column| row.get(column)).ok().map(Cow::Owned),
            Self::Sum(several) => {
                let mut sum = 0_i64;
                for column in several {
                    let Some(text) = row.get(*column) else { return Ok(None) };
                    let number = text.parse::<i32>().map_err(|_| {
                        let message = format!("column {} must hold a whole number", columns.name(*column));
                        Fault::new(field, "NOT_A_WHOLE_NUMBER", message)
                    })?;
                    sum += i64::from(number);
                }
                Some(Cow::Owned(sum.to_string()))
            }
        })
    }

    /// The columns it reads, for messages.
    pub fn describe(&self, columns: &Columns) -> String {
        let join = |several: &[Column], word: &str| {
            several.iter().map(|column| columns.name(*column)).collect::<Vec<_>>().join(word)
        };
        match self {
            Self::Column(column) => format!("column {}", columns.name(*column)),
            Self::FirstOf(several) => format!("columns {}", join(several, " or ")),
            Self::Sum(several) => format!("the sum of columns {}", join(several, " + ")),
            Self::Template(_) => "the template".to_owned(),
        }
    }
}
