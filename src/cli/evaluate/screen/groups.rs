//! Groups of each characteristic, with what is withheld left out.

use super::{faint, headed};
use crate::cli::output::{Page, drawn, indented, left, plain, right};
use crate::evaluation::report::fairness::{cells, verdict};
use crate::evaluation::report::figures::WITHHELD_MEANS;
use crate::evaluation::report::words;
use crate::pb;

/// Every characteristic.
pub fn groups(evaluation: &pb::Evaluation, page: Page) -> String {
    if evaluation.fairness.is_empty() {
        return String::new();
    }
    let declared =
        evaluation.terms.as_ref().map_or(pb::FairnessStandard::Unspecified, pb::EvaluationTerms::declared_fairness);
    let mut text = page.heading("WHETHER IT WAS FAIR");
    text.push_str(&indented(&format!("Declared: {}.", words::standard(declared)), 2, page.width));
    text.push_str(&indented(
        "Calibration and equal error rates cannot all hold at once where groups differ in how often the outcome comes about \
         (Chouldechova 2017; Kleinberg, Mullainathan and Raghavan 2016).",
        2,
        page.width,
    ));
    for it in &evaluation.fairness {
        text.push_str(&page.heading(&format!("BY {}", plain(&it.characteristic).to_uppercase())));
        if it.suppressed {
            text.push_str("  withheld as a whole\n");
        } else {
            text.push_str(&characteristic(it, page));
        }
    }
    text.push_str(&faint(&format!("  {WITHHELD_MEANS}"), page));
    text
}

/// Rates without their intervals and ratios, which the page and JSON have: they do not fit a screen.
fn characteristic(it: &pb::Fairness, page: Page) -> String {
    let figures = ["people", "selected", "false positive", "false negative", "who did", "obs - exp", "standard"];
    let mut table = headed(page, &["group"], &figures);
    for group in &it.groups {
        let [people, selected, _ratio, rest @ ..] = cells(group);
        let cells = [people, selected].into_iter().chain(rest).map(|cell| right(short(&cell)));
        table.add_row(std::iter::once(left(&group.group)).chain(cells).chain([right(verdict(group))]));
    }
    drawn(&mut table, 2)
}

/// A cell without interval, unit of a difference and denominator.
fn short(cell: &str) -> &str {
    cell.split(" (").next().unwrap_or(cell).split(" of ").next().unwrap_or(cell).trim_end_matches(" points")
}
