//! An evaluation as people read it on a terminal: what was evaluated, the order beside
//! every other, chances, stability, groups, before and after, and what bears on whether
//! any of it may be relied on. Every difference is told with its interval or as
//! inconclusive, and no number that is withheld is told.

mod checks;
mod groups;
mod orders;

use std::fmt::Write as _;

use comfy_table::{Cell, Table};

use crate::cli::output::{Page, count, drawn, indented, left, plain, right};
use crate::evaluation::report::figures::{Form, NOT_COMPUTABLE, share, whole};
use crate::evaluation::report::{head, short, words};
use crate::pb;
use crate::telling::day;

/// Columns before every table.
const MARGIN: usize = 2;

/// The whole screen.
pub fn screen(evaluation: &pb::Evaluation, page: Page) -> String {
    let mut text = summary(evaluation, page);
    text.push_str(&who(evaluation, page));
    text.push_str(&orders::agreement(evaluation, page));
    text.push_str(&orders::harm(evaluation, page));
    text.push_str(&predictors(&evaluation.calibrations, page));
    text.push_str(&stability(&evaluation.stability, page));
    text.push_str(&groups::groups(evaluation, page));
    if let Some(found) = &evaluation.before_after {
        text.push_str(&checks::before_after(found, page));
    }
    text.push_str(&checks::drift(&evaluation.drift, page));
    text.push_str(&checks::leakage(evaluation.leakage.as_ref(), page));
    text.push_str(&checks::limits(&evaluation.limits, page));
    text
}

/// What was evaluated, and what the numbers say in a few sentences; also what an approver is shown.
pub fn summary(evaluation: &pb::Evaluation, page: Page) -> String {
    let heading = format!("EVALUATION OF {}", plain(&evaluation.policy_version));
    let made = head::made(evaluation);
    let mut text =
        format!("{}  made {}\n", page.bold(&heading), if made.is_empty() { "at no known time" } else { &made });
    text.push_str(&page.faint(&format!("id {}", plain(&evaluation.id))));
    text.push('\n');
    text.push_str(&faint(&terms(evaluation), page));
    for sentence in short::sentences(evaluation) {
        text.push_str(&indented(&format!("- {sentence}"), 2, page.width));
    }
    text
}

/// The terms in a sentence or two.
fn terms(evaluation: &pb::Evaluation) -> String {
    let terms = evaluation.terms.clone().unwrap_or_default();
    let context = evaluation.context.clone().unwrap_or_default();
    format!(
        "List {} on {}; a record counts from {}. Outcome: {}, in {} days. First {} people count as selected. Intervals of 95 % \
         by {} samples, seed {}. Read from revision {}, known to {}.",
        head::list(&terms),
        head::index_dates(&terms),
        words::known_by(terms.known_by()),
        head::outcome(evaluation, &terms),
        count(terms.follow_up_days),
        count(terms.capacity),
        count(terms.samples),
        terms.seed,
        count(context.revision),
        day(&context.as_of)
    )
}

/// Lines that stand back, broken to the page.
fn faint(text: &str, page: Page) -> String {
    indented(text, 0, page.width).lines().map(|line| page.faint(line) + "\n").collect()
}

fn who(evaluation: &pb::Evaluation, page: Page) -> String {
    let mut table = headed(
        page,
        &["index date"],
        &["people", "outcome", "share", "harm days", "custody", "not listed", "erased", "not known yet"],
    );
    for date in &evaluation.dates {
        let day = if date.index_date.is_empty() { "each one's own".to_owned() } else { date.index_date.clone() };
        let numbers = [
            count(date.people),
            count(date.with_outcome),
            share(date.with_outcome, date.people),
            whole(date.harm_days),
            count(date.in_custody),
            count(date.people_not_listed),
            count(date.people_erased),
            count(date.records_not_known_yet),
        ];
        table.add_row(std::iter::once(left(day)).chain(numbers.map(right)));
    }
    let mut text = page.heading("WHO") + &drawn(&mut table, MARGIN);
    if evaluation.rows_unused > 0 {
        let _ = writeln!(text, "  {} rows sent in name nobody evaluated", count(evaluation.rows_unused));
    }
    text
}

fn predictors(calibrations: &[pb::Calibration], page: Page) -> String {
    if calibrations.is_empty() {
        return String::new();
    }
    let mut table = headed(page, &["predictor"], &["people", "expected", "observed", "observed / expected", "slope"]);
    for it in calibrations {
        let expected = if it.people == 0 { NOT_COMPUTABLE.to_owned() } else { Form::PerCent(1).value(it.expected) };
        let numbers = [
            count(it.people),
            expected,
            Form::PerCent(1).estimate(it.observed.as_ref()),
            Form::Plain(2).estimate(it.ratio.as_ref()),
            Form::Plain(2).estimate(it.slope.as_ref()),
        ];
        table.add_row(std::iter::once(left(&it.instrument)).chain(numbers.map(right)));
    }
    page.heading("WHETHER PREDICTED CHANCES CAME TRUE") + &drawn(&mut table, MARGIN)
}

fn stability(found: &[pb::Stability], page: Page) -> String {
    if found.is_empty() {
        return String::new();
    }
    let mut table = headed(page, &["what is another"], &["Kendall's tau-b", "still in the first", "bands changed"]);
    for it in found {
        let numbers =
            [Form::Plain(3).number(it.kendall_tau), Form::PerCent(1).value(it.overlap), count(it.bands_changed)];
        table.add_row(std::iter::once(left(&it.change)).chain(numbers.map(right)));
    }
    page.heading("WHETHER THE ORDER HOLDS") + &drawn(&mut table, MARGIN)
}

/// A table with columns of words, then columns of figures.
fn headed(page: Page, of_words: &[&str], of_figures: &[&str]) -> Table {
    let mut table = page.table();
    // They are drawn after a margin.
    table.set_width(u16::try_from(page.width.saturating_sub(MARGIN)).unwrap_or(u16::MAX));
    let words = of_words.iter().map(left);
    table.set_header(words.chain(of_figures.iter().map(right)).collect::<Vec<Cell>>());
    table
}
