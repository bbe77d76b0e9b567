//! How the order holds when a weight, a table of harm or an input is another.

use maud::{Markup, html};

use super::figures::Form;
use super::table::{Column, framed};
use crate::pb;
use crate::telling::{count, plain};

/// The section.
pub fn section(evaluation: &pb::Evaluation) -> Markup {
    if evaluation.stability.is_empty() {
        return html! { p { "It was not tried." } };
    }
    let capacity = evaluation.terms.as_ref().map_or(0, |terms| terms.capacity);
    let kept = format!("Still among the first {}", count(capacity));
    html! {
        p {
            "The weights are judgement. Here each is moved, and inputs are left out one after another, on the last index date. "
            "Kendall's tau-b (Kendall 1945) is 1 where the two orders are the same and 0 where they have nothing in common."
        }
        (framed("stability", "The order when something is another", &[
            Column::Words("What is another"), Column::Figure("Kendall's tau-b"), Column::Figure(&kept),
            Column::Figure("People whose band changes"),
        ], evaluation.stability.iter().map(|it| [
            plain(&it.change), Form::Plain(3).number(it.kendall_tau), Form::PerCent(1).value(it.overlap), count(it.bands_changed),
        ])))
    }
}
