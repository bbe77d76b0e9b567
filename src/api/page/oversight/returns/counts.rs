//! Where the open files of a return lie: by reason, by age and by band, each row with
//! its bar, and every count as it was given.

use std::collections::BTreeMap;

use maud::{Markup, html};

use super::super::charts::{Look, bar, legend};
use super::super::terms::{Term, told};
use crate::api::page::table::{self, Column, figure, share, words};
use crate::api::page::words::{band, capital};
use crate::domain::word::{Band, CaseAge, OutstandingReason};
use crate::pb;

/// Counts of the files of one row, those that are circulated apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Row {
    circulated: u32,
    not: u32,
    active: u32,
    reviewed: u32,
}

impl Row {
    const fn open(self) -> u32 {
        self.circulated.saturating_add(self.not)
    }

    fn add(&mut self, cell: &pb::ReturnCell) {
        let counts = cell.counts.unwrap_or_default();
        let open = if cell.circulated { &mut self.circulated } else { &mut self.not };
        *open = open.saturating_add(counts.open);
        self.active = self.active.saturating_add(counts.active_in_time);
        self.reviewed = self.reviewed.saturating_add(counts.reviewed_in_time);
    }
}

/// Every section; none where no file is open.
pub fn sections(cells: &[pb::ReturnCell]) -> Markup {
    let reasons = OutstandingReason::WORDS.iter().map(|word| (word.number(), capital(word.told())));
    let ages = CaseAge::WORDS.iter().map(|word| (word.number(), capital(word.told())));
    let bands = Band::WORDS.iter().rev().map(|word| (word.number(), capital(word.told())));
    let bands = bands.chain([(0, "None noted by then".to_owned())]);
    html! {
        @if !cells.is_empty() {
            section aria-labelledby="where" {
                h2 #where { "Where they lie" }
                p { "Each bar is of the open files of its row." }
                (legend(&[("circulated", Look::Filled), ("not circulated", Look::Hollow)]))
                (by("by-reason", "Open files by reason", "Reason", &rows(cells, |cell| cell.reason, reasons)))
                (by("by-age", "Open files by age of the case", "Open for", &rows(cells, |cell| cell.age, ages)))
                (by("by-band", "Open files by band", "Band", &rows(cells, |cell| cell.band, bands)))
            }
            section aria-labelledby="every" {
                h2 #every { "Every count" }
                (every(cells))
            }
        }
    }
}

/// Rows in order, those without a file left out.
fn rows(
    cells: &[pb::ReturnCell],
    of: impl Fn(&pb::ReturnCell) -> i32,
    names: impl Iterator<Item = (i32, String)>,
) -> Vec<(String, Row)> {
    let mut sums: BTreeMap<i32, Row> = BTreeMap::new();
    for cell in cells {
        sums.entry(of(cell)).or_default().add(cell);
    }
    let mut told: Vec<_> = names.filter_map(|(number, name)| Some((name, sums.remove(&number)?))).collect();
    // A word that this version does not know is no reason to hide its files.
    told.extend(sums.into_values().map(|row| ("Another".to_owned(), row)));
    told
}

fn by(id: &str, caption: &str, name: &'static str, rows: &[(String, Row)]) -> Markup {
    let most = rows.iter().map(|(_, row)| row.open()).max().unwrap_or_default();
    let columns = [
        Column::Words(name),
        Column::Bar("Share of the largest"),
        Column::Figure("Open"),
        Column::Figure("Circulated"),
        Column::Figure("Not circulated"),
        Column::Figure("Active in time"),
        Column::Figure("Reviewed in time"),
    ];
    table::framed(
        id,
        caption,
        &columns,
        rows.iter().map(|(name, row)| {
            [
                words(name),
                bar(&[(row.circulated, Look::Filled), (row.not, Look::Hollow)], most),
                figure(row.open()),
                figure(row.circulated),
                figure(row.not),
                in_time(row.active, row.open()),
                in_time(row.reviewed, row.open()),
            ]
        }),
    )
}

fn in_time(part: u32, whole: u32) -> Markup {
    html! { (figure(part)) " " span.quiet { "(" (share(part, whole)) ")" } }
}

fn every(cells: &[pb::ReturnCell]) -> Markup {
    let columns = [
        Column::Words("Reason"),
        Column::Words("Open for"),
        Column::Words("Band"),
        Column::Words("Circulated"),
        Column::Figure("Open"),
        Column::Figure("Active in time"),
        Column::Figure("Reviewed in time"),
        Column::Figure("Never circulated"),
        Column::Figure("Never reviewed"),
        Column::Figure("Vulnerable victim"),
        Column::Figure("Repeat victim"),
        Column::Figure("Victim to tell"),
        Column::Figure("Told in time"),
    ];
    let rows = cells.iter().map(|cell| {
        let counts = cell.counts.unwrap_or_default();
        [
            words(&capital(told::<OutstandingReason>(cell.reason))),
            words(&capital(told::<CaseAge>(cell.age))),
            html! { @if cell.band == 0 { "None noted" } @else { (band(cell.band())) } },
            words(if cell.circulated { "Yes" } else { "No" }),
            figure(counts.open),
            figure(counts.active_in_time),
            figure(counts.reviewed_in_time),
            figure(counts.never_circulated),
            figure(counts.never_reviewed),
            figure(counts.with_vulnerable_victim),
            figure(counts.with_repeat_victim),
            figure(counts.with_victim_to_update),
            figure(counts.victims_updated_in_time),
        ]
    });
    table::framed("every-count", "Files of one reason, age, band and circulation", &columns, rows)
}

#[cfg(test)]
mod tests {
    use super::super::super::charts::read_back;
    use super::*;

    fn cell(reason: OutstandingReason, age: CaseAge, band: pb::Band, circulated: bool, open: u32) -> pb::ReturnCell {
        let counts = pb::ReturnCounts { open, active_in_time: open - 1, reviewed_in_time: 1, ..Default::default() };
        pb::ReturnCell {
            reason: reason.number(),
            age: age.number(),
            band: band.into(),
            circulated,
            counts: Some(counts),
        }
    }

    fn cells() -> Vec<pb::ReturnCell> {
        let (escape, warrant) = (OutstandingReason::Escape, OutstandingReason::CourtWarrantBacked);
        vec![
            cell(warrant, CaseAge::To7Days, pb::Band::Low, true, 31),
            cell(warrant, CaseAge::Over365Days, pb::Band::Low, false, 12),
            cell(escape, CaseAge::To7Days, pb::Band::VeryHigh, true, 3),
            cell(escape, CaseAge::To7Days, pb::Band::Unspecified, false, 2),
        ]
    }

    /// Figures of a table, row by row.
    fn figures(markup: &str) -> Vec<Vec<String>> {
        let body = markup.split("<tbody>").nth(1).unwrap();
        let of = |row: &str, name: &str| {
            let cell = row.split(&format!("data-label=\"{name}\">")).nth(1).unwrap();
            cell.split("</td>").next().unwrap().to_owned()
        };
        let rows = body.split("<tr>").skip(1);
        rows.map(|row| ["Open", "Circulated", "Not circulated"].map(|name| of(row, name)).to_vec()).collect()
    }

    #[test]
    fn the_numbers_of_a_chart_are_those_of_its_table() {
        let of_reason = rows(&cells(), |cell| cell.reason, names::<OutstandingReason>());
        let of_age = rows(&cells(), |cell| cell.age, names::<CaseAge>());
        for (sums, expected) in
            [(of_reason, [["43", "31", "12"], ["5", "3", "2"]]), (of_age, [["36", "34", "2"], ["12", "0", "12"]])]
        {
            let drawn = by("t", "T", "Of", &sums).0;
            assert_eq!(figures(&drawn), expected);
            let most = expected.iter().map(|row| row[0].parse::<u32>().unwrap()).max().unwrap();
            for (row, expected) in drawn.split("<tr>").skip(2).zip(expected) {
                let parts: Vec<u32> = expected[1..].iter().map(|number| number.parse().unwrap()).collect();
                let parts: Vec<u32> = parts.into_iter().filter(|number| *number > 0).collect();
                assert_eq!(read_back(row, most), parts, "a part of nothing is not drawn");
            }
        }
    }

    fn names<T: Term>() -> impl Iterator<Item = (i32, String)> {
        T::WORDS.iter().map(|word| (word.number(), word.told().to_owned()))
    }

    #[test]
    fn every_way_of_looking_has_all_files_and_every_count_is_there() {
        let told = sections(&cells()).0;
        for said in ["Escaped from custody", "Over 365 days", "None noted by then", "41 <span", "Not circulated"] {
            assert!(told.contains(said), "{said} is not in {told}");
        }
        let whole: u32 = cells().iter().filter_map(|cell| cell.counts).map(|counts| counts.open).sum();
        for of in
            [|cell: &pb::ReturnCell| cell.reason, |cell: &pb::ReturnCell| cell.age, |cell: &pb::ReturnCell| cell.band]
        {
            let sums = rows(&cells(), of, std::iter::empty());
            assert_eq!(sums.iter().map(|(_, row)| row.open()).sum::<u32>(), whole);
        }
        assert_eq!(sections(&[]).0, "");
    }
}
