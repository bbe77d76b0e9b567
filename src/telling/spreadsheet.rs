//! Texts in files that spreadsheets open. They take some for formulas; nothing that
//! somebody stored is let out as one.

use std::borrow::Cow;

/// Where a spreadsheet may begin another cell, whatever quotes say: some take the semicolon of their country for the comma.
pub const CELL_ENDS: [char; 4] = [';', '\t', '\r', '\n'];

/// A text with an apostrophe before whatever a spreadsheet would take for a formula.
pub fn harmless(text: &str) -> Cow<'_, str> {
    if !text.starts_with(char::is_control) && !text.split(CELL_ENDS).any(is_formula) {
        return Cow::Borrowed(text);
    }
    let mut told = String::with_capacity(text.len() + 2);
    if text.starts_with(char::is_control) {
        told.push('\'');
    }
    for part in text.split_inclusive(CELL_ENDS) {
        if is_formula(part) {
            told.push('\'');
        }
        told.push_str(part);
    }
    Cow::Owned(told)
}

/// Whether a cell that begins so would be computed: the first letter that shows is a sign of formulas, in whatever width.
fn is_formula(text: &str) -> bool {
    let first = text.chars().find(|letter| !letter.is_whitespace() && !letter.is_control() && !is_unseen(*letter));
    first.is_some_and(|letter| {
        matches!(
            letter,
            '=' | '+'
                | '-'
                | '@'
                | '\u{FF1D}'
                | '\u{FF0B}'
                | '\u{FF0D}'
                | '\u{FF20}'
                | '\u{FE66}'
                | '\u{FE62}'
                | '\u{FE63}'
                | '\u{FE6B}'
                | '\u{2212}'
        )
    })
}

/// Letters that take no room and that spreadsheets pass over.
pub const fn is_unseen(letter: char) -> bool {
    matches!(letter, '\u{AD}' | '\u{180E}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{FEFF}')
}
