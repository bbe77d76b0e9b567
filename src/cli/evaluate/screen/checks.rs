//! Before and after selection, drift, the check for leakage, and what cannot be said.

use super::headed;
use crate::cli::output::{Page, count, drawn, indented, left, right};
use crate::cli::write::bullets;
use crate::evaluation::report::checks::bound;
use crate::evaluation::report::figures::Form;
use crate::evaluation::report::{before_after as told, words};
use crate::pb;

/// Offending before and after selection.
pub fn before_after(found: &pb::BeforeAfter, page: Page) -> String {
    let mut table = headed(
        page,
        &["a year at liberty"],
        &["selected", "after", "matched", "after", "difference in differences", ""],
    );
    for rate in &found.rates {
        let [measure, numbers @ ..] = told::cells(rate);
        table.add_row(std::iter::once(left(measure)).chain(numbers.map(right)));
    }
    let reasons = found.reasons.iter().map(|reason| words::reason(reason)).collect::<Vec<_>>().join("; ");
    let mut verdict = format!(
        "{} selected, {} of them matched among {} candidates, {} days: {}",
        count(found.selected),
        count(found.matched),
        count(found.pool),
        count(found.window_days),
        words::after_selection(found.verdict())
    );
    if !reasons.is_empty() {
        verdict.push_str(": ");
        verdict.push_str(&reasons);
    }
    page.heading("BEFORE AND AFTER SELECTION") + &indented(&(verdict + "."), 2, page.width) + &drawn(&mut table, 2)
}

/// Bounds set at approval.
pub fn drift(found: &[pb::Drift], page: Page) -> String {
    if found.is_empty() {
        return String::new();
    }
    let mut table = headed(page, &["number"], &["bounds at approval", "now", "it is"]);
    for it in found {
        let [measure, numbers @ ..] = bound(it);
        table.add_row(std::iter::once(left(measure)).chain(numbers.map(right)));
    }
    page.heading("WHETHER IT IS AS IT WAS APPROVED") + &drawn(&mut table, 2)
}

/// The check for leakage.
pub fn leakage(check: Option<&pb::LeakageCheck>, page: Page) -> String {
    let told = match check {
        None => "no check was made: do not rely on this evaluation".to_owned(),
        Some(check) => format!(
            "{}: AUC against outcomes dealt out at random {}; {} people weighed again, {} with another score; {} versions of \
             records left out",
            if check.passed { "held" } else { "did NOT hold, do not rely on this evaluation" },
            Form::Plain(3).estimate(check.shuffled_auc.as_ref()),
            count(check.people_weighed_again),
            count(check.differed),
            count(check.records_left_out)
        ),
    };
    page.heading("WHETHER NOTHING LATER WAS USED") + &indented(&told, 2, page.width)
}

/// What the evaluation cannot say.
pub fn limits(limits: &[String], page: Page) -> String {
    if limits.is_empty() {
        return String::new();
    }
    page.heading("WHAT IT CANNOT SAY") + &bullets(limits, page)
}
