//! The columns that a mapping names, and where they stand in one file.

use crate::intake::cells::Cells;

/// A column that the mapping names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Column(usize);

/// Every column that the mapping names, once each.
#[derive(Clone, Debug, Default)]
pub struct Columns {
    names: Vec<String>,
}

impl Columns {
    /// The column of this name.
    pub fn named(&mut self, name: &str) -> Column {
        let place = self.names.iter().position(|held| held == name).unwrap_or_else(|| {
            self.names.push(name.to_owned());
            self.names.len() - 1
        });
        Column(place)
    }

    /// The name of a column.
    pub fn name(&self, column: Column) -> &str {
        &self.names[column.0]
    }

    /// Names in the order first mentioned.
    pub fn names(&self) -> &[String] {
        &self.names
    }
}

/// One row of a file, read by the mapping's columns.
#[derive(Clone, Copy)]
pub struct Row<'a> {
    /// Its cells.
    pub cells: &'a Cells,
    /// Where each column of the mapping stands among them.
    pub places: &'a [usize],
    /// Texts that mean that a cell is empty.
    pub empty: &'a [String],
}

impl<'a> Row<'a> {
    /// The text of a cell without white space at its ends; `None` where it is empty.
    pub fn get(self, column: Column) -> Option<&'a str> {
        let text = self.cells.get(*self.places.get(column.0)?).trim();
        let empty = text.is_empty() || self.empty.iter().any(|empty| empty == text);
        (!empty).then_some(text)
    }
}
