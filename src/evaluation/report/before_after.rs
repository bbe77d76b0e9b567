//! Offending before and after selection into the cohort, held against candidates who
//! were like those selected and were not.

use maud::{Markup, html};

use super::figures::Form;
use super::table::{Column, framed};
use super::words;
use crate::pb;
use crate::telling::{count, plain};

/// The section.
pub fn section(found: &pb::BeforeAfter) -> Markup {
    let columns = [
        Column::Words("A year at liberty"),
        Column::Figure("Selected, before"),
        Column::Figure("Selected, after"),
        Column::Figure("Matched, before"),
        Column::Figure("Matched, after"),
        Column::Figure("Difference in differences"),
        Column::Words("Among those selected it"),
    ];
    html! {
        p {
            "People are selected when they offend most, and would have offended less afterwards in any case. So the fall of "
            "those selected is shown beside that of candidates who stood alike and were not selected; what counts is the "
            "difference between the two falls."
        }
        (verdict(found))
        (framed("after", "A year at liberty, before selection and after", &columns, found.rates.iter().map(cells)))
        p {
            (count(found.selected)) " people were selected in the time looked at; " (count(found.matched)) " of them have a match among "
            (count(found.pool)) " candidates. " (count(found.window_days)) " days before and after were compared. "
            "The largest standardised difference between selected and matched was "
            (Form::Plain(2).number(found.imbalance_before)) " before matching and "
            (Form::Plain(2).number(found.imbalance_after)) " after."
        }
        @if !found.cost_source.is_empty() {
            p.quiet { "Costs: " (plain(&found.cost_source)) ". " (count(found.unpriced)) " offences have no price in it and cost nothing here." }
        }
    }
}

fn verdict(found: &pb::BeforeAfter) -> Markup {
    let inconclusive = matches!(found.verdict(), pb::Conclusion::Inconclusive | pb::Conclusion::Unspecified);
    html! {
        div.notice {
            p { strong {
                @if inconclusive { "Inconclusive." } @else { "Among those selected, offending " (words::after_selection(found.verdict())) " than among their matches." }
            } }
            @if !found.reasons.is_empty() {
                ul { @for reason in &found.reasons { li { (words::reason(reason)) } } }
            }
        }
    }
}

/// Cells of a kind of number.
pub fn cells(rate: &pb::BeforeAfterRate) -> [String; 7] {
    let places = if rate.measure == "offences" { 2 } else { 0 };
    let form = Form::Plain(places);
    let difference = rate.difference_in_differences.as_ref();
    [
        words::measure(&rate.measure),
        form.number(rate.selected_before),
        form.number(rate.selected_after),
        form.number(rate.matched_before),
        form.number(rate.matched_after),
        Form::Signed(places).difference(difference),
        words::after_selection(difference.map_or(pb::Conclusion::Unspecified, pb::Difference::verdict)).to_owned(),
    ]
}
