//! Tables of the report: with a caption, with a heading to each row and column, and in
//! a frame of their own that scrolls, by keyboard too, where the page is narrower than
//! they are.

use maud::{Markup, html};

/// A column, by its heading.
#[derive(Clone, Copy, Debug)]
pub enum Column<'a> {
    /// Of words.
    Words(&'a str),
    /// Of figures, which stand to the right.
    Figure(&'a str),
}

impl Column<'_> {
    const fn heading(&self) -> &str {
        match self {
            Self::Words(name) | Self::Figure(name) => name,
        }
    }

    const fn class(&self) -> Option<&'static str> {
        match self {
            Self::Words(_) => None,
            Self::Figure(_) => Some("figure"),
        }
    }
}

/// A table; `id` begins the ids of its own on the page. The first cell of a row is its heading.
pub fn framed(
    id: &str,
    caption: &str,
    columns: &[Column<'_>],
    rows: impl IntoIterator<Item = impl IntoIterator<Item = String>>,
) -> Markup {
    let named = format!("{id}-caption");
    html! {
        div.scroll role="region" aria-labelledby=(named) tabindex="0" {
            table {
                caption id=(named) { (caption) }
                thead {
                    tr {
                        @for column in columns { th scope="col" class=[column.class()] { (column.heading()) } }
                    }
                }
                tbody {
                    @for row in rows {
                        tr {
                            @for (at, (cell, column)) in row.into_iter().zip(columns).enumerate() {
                                @if at == 0 { th scope="row" { (cell) } }
                                @else { td class=[column.class()] data-label=(column.heading()) { (unbroken(&cell)) } }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// A cell that may be broken between a value, its interval and what it is of, and nowhere else.
fn unbroken(cell: &str) -> String {
    let mut within = false;
    let mut text = String::with_capacity(cell.len());
    for (at, letter) in cell.char_indices() {
        within = match letter {
            '(' => true,
            ')' => false,
            _ => within,
        };
        let rest = &cell[at..];
        let binds =
            within || [" %", " points"].iter().any(|unit| rest.starts_with(unit)) || cell[..at].ends_with(" of");
        text.push(if letter == ' ' && binds { '\u{a0}' } else { letter });
    }
    text
}

/// The same numbers as a drawing above, folded away: whoever cannot see the one reads the other.
pub fn folded(table: &Markup) -> Markup {
    html! {
        details { summary { "The same as a table" } (table) }
    }
}

#[cfg(test)]
mod tests {
    use super::unbroken;

    #[test]
    fn a_cell_is_broken_only_between_its_parts() {
        assert_eq!(unbroken("31.2 % (27.0 to 35.9) of 1,240"), "31.2\u{a0}% (27.0\u{a0}to\u{a0}35.9) of\u{a0}1,240");
        assert_eq!(unbroken("an offence of any kind"), "an offence of\u{a0}any kind");
    }
}
