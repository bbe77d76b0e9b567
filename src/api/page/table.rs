//! Tables as pages have them: with a caption, with a heading to each
//! row and column, and in a frame of their own that scrolls, by keyboard too, where
//! the screen is narrower than they are.

use maud::{Markup, html};

use super::asked::Asked;
use super::words::count;

/// A column, by its heading.
#[derive(Clone, Copy, Debug)]
pub enum Column {
    /// Of words.
    Words(&'static str),
    /// Of figures, which stand to the right.
    Figure(&'static str),
    /// Of bars, as wide as there is room.
    Bar(&'static str),
}

impl Column {
    const fn heading(self) -> &'static str {
        match self {
            Self::Words(name) | Self::Figure(name) | Self::Bar(name) => name,
        }
    }

    const fn class(self) -> Option<&'static str> {
        match self {
            Self::Words(_) => None,
            Self::Figure(_) => Some("figure"),
            Self::Bar(_) => Some("bars"),
        }
    }
}

/// A table; `id` begins the ids of its own on the page. The first cell of a row is its heading.
pub fn framed(
    id: &str,
    caption: &str,
    columns: &[Column],
    rows: impl IntoIterator<Item = impl IntoIterator<Item = Markup>>,
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
                                @else { td class=[column.class()] data-label=(column.heading()) { (cell) } }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// A cell of a figure.
pub fn figure(number: impl Into<u64>) -> Markup {
    html! { (count(number)) }
}

/// A cell of words.
pub fn words(text: &str) -> Markup {
    html! { (text) }
}

/// A text of a record, or that there is none.
pub fn or_not_recorded(text: &str) -> Markup {
    html! {
        @if text.is_empty() { span.quiet { "not recorded" } } @else { (text) }
    }
}

/// The way to the next rows and back to the first.
pub fn pages(next: Option<&str>, first: Option<&str>) -> Markup {
    html! {
        @if next.is_some() || first.is_some() {
            nav.pages aria-label="Pages of the list" {
                @if let Some(first) = first { a href=(first) { "From the top" } " " }
                @if let Some(next) = next { a rel="next" href=(next) { "Next page" } }
            }
        }
    }
}

/// The ways from one page of a list to the others, where the address of the page holds a token.
pub fn paged(asked: &Asked, path: &str, next_page_token: &str) -> Markup {
    let next = (!next_page_token.is_empty()).then(|| asked.with(path, "page_token", next_page_token));
    let first = (!asked.one("page_token").is_empty()).then(|| asked.with(path, "page_token", ""));
    pages(next.as_deref(), first.as_deref())
}

/// A part of a whole in per cent with two decimals, rounded down. Empty of nothing.
pub fn share(part: u32, whole: u32) -> String {
    let share = u64::from(part).saturating_mul(10_000).checked_div(u64::from(whole));
    share.map_or_else(String::new, |share| format!("{}.{:02}%", share / 100, share % 100))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_has_a_caption_headings_and_a_frame_that_a_keyboard_reaches() {
        let columns = [Column::Words("Reason"), Column::Figure("Files")];
        let told = framed("t", "Files & more", &columns, [[words("<b>"), figure(1_207_u32)]]).0;
        for part in [
            r#"<div class="scroll" role="region" aria-labelledby="t-caption" tabindex="0">"#,
            r#"<caption id="t-caption">Files &amp; more</caption>"#,
            r#"<th scope="col">Reason</th><th scope="col" class="figure">Files</th>"#,
            r#"<th scope="row">&lt;b&gt;</th><td class="figure" data-label="Files">1,207</td>"#,
        ] {
            assert!(told.contains(part), "{part} is not in {told}");
        }
        assert_eq!(pages(None, None).0, "");
    }

    #[test]
    fn a_share_is_rounded_down_and_of_nothing_there_is_none() {
        assert_eq!((share(2, 3), share(3, 3), share(0, 0)), ("66.66%".to_owned(), "100.00%".to_owned(), String::new()));
    }
}
