//! The return as people read it: totals first, then the period, then where they lie.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use comfy_table::{Cell, ColumnConstraint};

use crate::cli::output::{Page, band_cell, count, day, drawn, indented, left, lines, plain, right};
use crate::cli::when;
use crate::cli::word::spoken_number;
use crate::domain::word::{CaseAge, CloseOutcome, OutstandingReason};
use crate::pb;

/// The return.
pub fn screen(answer: &pb::GetOutstandingReturnResponse, page: Page) -> String {
    let areas = if answer.areas.is_empty() { "whole force".to_owned() } else { plain(&answer.areas.join(", ")) };
    let title = format!("OUTSTANDING RETURN  as at the end of {}, {areas}", day(&answer.as_at));
    let from = format!(
        "What was known by {} in London, to revision {}, by policy {}, of store {}.",
        when::told(answer.known_at.as_ref()),
        count(answer.revision),
        plain(&answer.policy_version),
        plain(&answer.store)
    );
    let mut text = format!("{}\n{}", page.bold(&title), indented(&from, 0, page.width));
    text.push_str(&totals(answer, page));
    text.push_str(&period(answer, page));
    if !answer.cells.is_empty() {
        text.push_str(&by_reason(&answer.cells, page));
        text.push_str(&by_age(&answer.cells, page));
    }
    text
}

/// A part of a whole in per cent with two decimals, rounded down. Empty of nothing.
fn share(part: u32, whole: u32) -> String {
    if whole == 0 {
        return String::new();
    }
    let share = u64::from(part) * 10_000 / u64::from(whole);
    format!("{}.{:02} %", share / 100, share % 100)
}

fn totals(answer: &pb::GetOutstandingReturnResponse, page: Page) -> String {
    let total = answer.total.unwrap_or_default();
    let mut table = page.table();
    let mut say = |number: u32, of: Option<u32>, what: &str| {
        let share = of.map(|of| share(number, of)).unwrap_or_default();
        table.add_row([right(count(number)), left(what), right(share)]);
    };
    say(total.open, None, "open files");
    say(answer.people, None, "people with an open file");
    say(answer.people_failed_repeatedly, Some(answer.people), "of these, failed to surrender twice or more");
    let of_files = Some(total.open);
    say(total.active_in_time, of_files, "files with no activity overdue");
    say(total.reviewed_in_time, of_files, "files with no review overdue");
    say(total.never_circulated, of_files, "files never circulated");
    say(total.never_reviewed, of_files, "files never reviewed");
    say(total.with_vulnerable_victim, of_files, "files linked to a vulnerable victim");
    say(total.with_repeat_victim, of_files, "files linked to a repeat victim");
    say(total.with_victim_to_update, of_files, "files linked to a victim to be told");
    say(total.victims_updated_in_time, of_files, "files with no victim's update overdue");
    page.heading("AT THE END OF THE DAY") + &drawn(&mut table, 2)
}

fn period(answer: &pb::GetOutstandingReturnResponse, page: Page) -> String {
    let mut table = page.table();
    let mut say = |number: u32, what: &str| {
        table.add_row([right(count(number)), left(what)]);
    };
    say(answer.opened, "files opened, or opened again");
    say(answer.closed.iter().map(|closed| closed.files).fold(0, u32::saturating_add), "files closed");
    for closed in &answer.closed {
        say(closed.files, &format!("  as {}", spoken_number::<CloseOutcome>(closed.outcome)));
    }
    say(answer.closed_still_circulated, "files closed by then and still circulated as wanted: could be arrested again");
    say(answer.documented_late, "records that were documented more than a day late");
    let medians = [
        ("to be circulated", answer.to_circulate),
        ("to the first activity that counts", answer.to_first_activity),
        ("to the close", answer.to_close),
    ];
    let mut halves = page.table();
    halves.set_header([left("from becoming outstanding"), left("half took at most"), right("files")]);
    for (what, median) in medians {
        let median = median.unwrap_or_default();
        let took = if median.files == 0 { "no such file".to_owned() } else { when::length(median.seconds) };
        halves.add_row([left(what), left(took), right(count(median.files))]);
    }
    let title = format!("FROM {} TO {}", day(&answer.from), day(&answer.as_at));
    format!("{}{}\n{}", page.heading(&title), drawn(&mut table, 2), drawn(&mut halves, 2))
}

fn add(sum: &mut pb::ReturnCounts, more: &pb::ReturnCounts) {
    sum.open += more.open;
    sum.active_in_time += more.active_in_time;
    sum.reviewed_in_time += more.reviewed_in_time;
    sum.never_circulated += more.never_circulated;
    sum.never_reviewed += more.never_reviewed;
    sum.with_vulnerable_victim += more.with_vulnerable_victim;
    sum.with_repeat_victim += more.with_repeat_victim;
    sum.with_victim_to_update += more.with_victim_to_update;
    sum.victims_updated_in_time += more.victims_updated_in_time;
}

fn cells(counts: &pb::ReturnCounts) -> [Cell; 9] {
    [
        counts.open,
        counts.active_in_time,
        counts.reviewed_in_time,
        counts.never_circulated,
        counts.never_reviewed,
        counts.with_vulnerable_victim,
        counts.with_repeat_victim,
        counts.with_victim_to_update,
        counts.victims_updated_in_time,
    ]
    .map(|number| right(count(number)))
}

/// A row a band, under a line a reason.
fn by_reason(all: &[pb::ReturnCell], page: Page) -> String {
    // Bands from the highest down; not noted last.
    let mut sums: BTreeMap<(i32, i32), pb::ReturnCounts> = BTreeMap::new();
    for cell in all {
        add(sums.entry((cell.reason, -cell.band)).or_default(), &cell.counts.unwrap_or_default());
    }
    let mut table = page.table();
    let numbers = [
        "\nopen",
        "active\nin time",
        "reviewed\nin time",
        "never\ncirculated",
        "never\nreviewed",
        "vulnerable\nvictim",
        "repeat\nvictim",
        "victim\nto tell",
        "told\nin time",
    ];
    table.set_header(std::iter::once(Cell::new("\nband")).chain(numbers.map(right)));
    for ((_, band), counts) in &sums {
        let band = pb::Band::try_from(-band).unwrap_or_default();
        table.add_row(std::iter::once(band_cell(band)).chain(cells(counts)));
    }
    // A row is one line, so that a reason can stand before the line of its first.
    for column in table.column_iter_mut() {
        column.set_constraint(ColumnConstraint::ContentWidth);
    }
    let mut text = page.heading("BY REASON AND BAND");
    let mut last = None;
    let reasons = [None; 3].into_iter().chain(sums.keys().map(|(reason, _)| Some(*reason)));
    for (line, reason) in lines(&mut table).zip(reasons) {
        if reason.is_some() && reason != last {
            let word = spoken_number::<OutstandingReason>(reason.unwrap_or_default());
            let _ = writeln!(text, "  {}", page.bold(&format!("{word}:")));
        }
        last = reason;
        let _ = writeln!(text, "  {line}");
    }
    text
}

fn by_age(all: &[pb::ReturnCell], page: Page) -> String {
    let mut sums: BTreeMap<i32, (u32, u32)> = BTreeMap::new();
    for cell in all {
        let open = cell.counts.unwrap_or_default().open;
        let (files, circulated) = sums.entry(cell.age).or_default();
        *files += open;
        *circulated += if cell.circulated { open } else { 0 };
    }
    let mut table = page.table();
    table.set_header([left("open for"), right("files"), right("circulated now"), right("not circulated")]);
    for (age, (files, circulated)) in &sums {
        table.add_row([
            left(spoken_number::<CaseAge>(*age)),
            right(count(*files)),
            right(count(*circulated)),
            right(count(files - circulated)),
        ]);
    }
    page.heading("BY AGE OF THE CASE") + &drawn(&mut table, 2)
}
