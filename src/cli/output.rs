//! What every reading command shares in what it prints: tables for people, JSON in
//! the contract's canonical form, CSV that a spreadsheet cannot be tricked by.
//! Colours only on a terminal, and never the only carrier of meaning.

use std::io::{self, IsTerminal, Write};

use comfy_table::{Cell, CellAlignment, Color, ContentArrangement, LineStyle, Table, TableStyle};
use serde::Serialize;

use crate::pb;
use crate::telling::spreadsheet;
pub use crate::telling::{band_word, count, day, ordinal, plain, points, short_points, signed_points};

/// How to print.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// For people.
    #[default]
    Table,
    /// The answer in canonical proto JSON.
    Json,
    /// One line a row, with stable headers.
    Csv,
}

/// How to print, as a flag.
#[derive(Clone, Copy, Debug, clap::Args)]
pub struct OutputArgs {
    /// How to print
    #[arg(long, short, value_enum, value_name = "FORMAT", default_value_t)]
    pub output: Format,
}

/// What tables are printed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page {
    /// Whether colours may be used.
    pub colour: bool,
    /// Columns.
    pub width: usize,
}

impl Page {
    /// Paper: no colours, 100 columns.
    pub const PLAIN: Self = Self { colour: false, width: 100 };

    /// Standard output: its width and colours if it is a terminal and `NO_COLOR` is not set; paper otherwise.
    pub fn of_stdout() -> Self {
        if !io::stdout().is_terminal() {
            return Self::PLAIN;
        }
        let colour = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        let width = Table::new().width().map_or(Self::PLAIN.width, usize::from);
        Self { colour, width: width.clamp(60, 140) }
    }

    /// Bold, where colours may be used.
    pub fn bold(self, text: &str) -> String {
        self.escape("1", text)
    }

    /// Faint, where colours may be used.
    pub fn faint(self, text: &str) -> String {
        self.escape("2", text)
    }

    /// A band's word in its colour.
    pub fn band(self, band: pb::Band) -> String {
        let code = match band {
            pb::Band::VeryHigh => "1;31",
            pb::Band::High => "33",
            pb::Band::Medium => "36",
            pb::Band::Low | pb::Band::Unspecified => "2",
        };
        self.escape(code, band_word(band))
    }

    fn escape(self, code: &str, text: &str) -> String {
        if self.colour { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }

    /// An empty table of this page's width: one light line under the header, none elsewhere.
    pub fn table(self) -> Table {
        let mut table = Table::new();
        table
            .load_style(TableStyle::new().header_separator(LineStyle::new('─', '─', '─', '─')))
            .set_content_arrangement(ContentArrangement::Dynamic)
            .set_width(u16::try_from(self.width).unwrap_or(u16::MAX));
        if self.colour {
            table.enforce_styling();
        } else {
            table.force_no_tty();
        }
        table
    }

    /// Heading of a part of a screen.
    pub fn heading(self, text: &str) -> String {
        format!("\n{}\n", self.bold(text))
    }
}

/// Lines of a table, its columns two spaces apart, without white space at their ends.
pub fn lines(table: &mut Table) -> impl Iterator<Item = String> {
    for column in table.column_iter_mut() {
        column.set_padding((0, 1));
    }
    // Each begins with the place of a border that is not drawn.
    table.lines().map(|line| line.chars().skip(1).collect::<String>().trim_end().to_owned())
}

/// A table as text, each line after a margin and ended by a line feed.
pub fn drawn(table: &mut Table, margin: usize) -> String {
    after_margin(lines(table), margin)
}

/// A cell of text.
pub fn left(text: impl AsRef<str>) -> Cell {
    Cell::new(plain(text.as_ref()))
}

/// A cell whose digits line up.
pub fn right(text: impl ToString) -> Cell {
    Cell::new(text).set_alignment(CellAlignment::Right)
}

/// A cell with a band's word in its colour.
pub fn band_cell(band: pb::Band) -> Cell {
    let cell = Cell::new(band_word(band));
    match band {
        pb::Band::VeryHigh => cell.fg(Color::Red),
        pb::Band::High => cell.fg(Color::DarkYellow),
        pb::Band::Medium => cell.fg(Color::DarkCyan),
        pb::Band::Low | pb::Band::Unspecified => cell,
    }
}

/// Text broken into lines of at most `width` characters, between words where it can be.
pub fn wrapped(text: &str, width: usize) -> Vec<String> {
    let width = width.max(20);
    let mut lines = vec![String::new()];
    for word in plain(text).split_whitespace() {
        let mut rest: Vec<char> = word.chars().collect();
        while !rest.is_empty() {
            let line = lines.last_mut().expect("there must be a line");
            let used = line.chars().count();
            let room = width.saturating_sub(used + usize::from(used > 0));
            if rest.len() > room && used > 0 {
                lines.push(String::new());
                continue;
            }
            if used > 0 {
                line.push(' ');
            }
            line.extend(rest.drain(..rest.len().min(room)));
        }
    }
    lines
}

/// Text broken into lines, each after the same margin, ended by line feeds.
pub fn indented(text: &str, margin: usize, width: usize) -> String {
    after_margin(wrapped(text, width.saturating_sub(margin)), margin)
}

fn after_margin(lines: impl IntoIterator<Item = String>, margin: usize) -> String {
    lines.into_iter().fold(String::new(), |text, line| text + &" ".repeat(margin) + &line + "\n")
}

/// The answer in canonical proto JSON, indented.
///
/// # Errors
/// A number of an enum that this release does not know.
pub fn json(answer: &impl Serialize) -> anyhow::Result<String> {
    Ok(serde_json::to_string_pretty(answer)? + "\n")
}

/// Rows as CSV under a header, every cell made harmless to spreadsheets.
///
/// # Errors
/// None that memory does not give.
pub fn csv<const COLUMNS: usize>(
    header: [&str; COLUMNS],
    rows: impl IntoIterator<Item = [String; COLUMNS]>,
) -> anyhow::Result<String> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(header)?;
    for row in rows {
        writer.write_record(row.map(harmless))?;
    }
    Ok(String::from_utf8(writer.into_inner().map_err(csv::IntoInnerError::into_error)?)?)
}

/// A cell that a spreadsheet would run as a formula gets an apostrophe before it. Numbers stay as they are.
fn harmless(cell: String) -> String {
    if is_number(&cell) { cell } else { spreadsheet::harmless(&cell).into_owned() }
}

fn is_number(cell: &str) -> bool {
    let digits = cell.strip_prefix('-').unwrap_or(cell);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    [whole, fraction].iter().all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Prints to standard output. A reader that stops reading, such as `head`, is no error.
///
/// # Errors
/// Standard output cannot be written.
pub fn print(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        outcome => outcome,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_that_could_be_a_formula_is_made_harmless_and_numbers_are_kept() {
        let row = ["=1+1", "+44", "-5", "-5.250", "@x", "-x", "plain, with comma"].map(str::to_owned);
        let text = csv(["a", "b", "c", "d", "e", "f", "g"], [row]).unwrap();
        assert_eq!(text, "a,b,c,d,e,f,g\n'=1+1,'+44,-5,-5.250,'@x,'-x,\"plain, with comma\"\n");
    }

    #[test]
    fn short_points_never_reach_the_next_band() {
        assert_eq!(short_points(59_960), "59.9");
        assert_eq!(points(59_960), "59.960");
        assert_eq!(signed_points(-6), "-0.006");
        assert_eq!(signed_points(1_250), "+1.250");
        assert_eq!(signed_points(0), "0.000");
    }

    #[test]
    fn numbers_read_as_a_person_writes_them() {
        assert_eq!(
            [1, 2, 3, 4, 11, 12, 13, 21, 102, 111, 1_003].map(ordinal).join(" "),
            "1st 2nd 3rd 4th 11th 12th 13th 21st 102nd 111th 1,003rd"
        );
        assert_eq!([0_u64, 999, 1_000, 20_114, 1_000_000].map(count).join(" "), "0 999 1,000 20,114 1,000,000");
        assert_eq!(day("2026-03-31"), "31 March 2026");
        assert_eq!(day("soon"), "soon");
    }

    #[test]
    fn text_is_broken_between_words_and_a_long_word_within() {
        assert_eq!(wrapped("one two three four five six", 20), ["one two three four", "five six"]);
        assert_eq!(wrapped(&"x".repeat(45), 20), ["x".repeat(20), "x".repeat(20), "x".repeat(5)]);
        assert_eq!(wrapped("", 20), [""]);
    }

    #[test]
    fn text_of_a_record_cannot_command_the_terminal() {
        assert_eq!(plain("a\u{1b}[2Jb\nc"), "a [2Jb c");
    }

    #[test]
    fn paper_has_no_colours() {
        assert_eq!(Page::PLAIN.band(pb::Band::VeryHigh), "VERY HIGH");
        let page = Page { colour: true, width: 80 };
        assert!(page.band(pb::Band::VeryHigh).contains("\u{1b}["));
        let mut table = Page::PLAIN.table();
        table.set_header(["band"]).add_row([band_cell(pb::Band::VeryHigh)]);
        assert!(!drawn(&mut table, 0).contains('\u{1b}'));
    }
}
