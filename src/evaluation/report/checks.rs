//! What bears on whether the numbers may be relied on: the check for leakage, the bounds
//! set at approval, and what the evaluation cannot say.

use maud::{Markup, html};

use super::figures::Form;
use super::table::{Column, framed};
use crate::pb;
use crate::telling::{count, plain};

/// What must be seen before any number.
pub fn alarm(evaluation: &pb::Evaluation) -> Markup {
    let passed = evaluation.leakage.as_ref().is_some_and(|check| check.passed);
    let left: Vec<_> = evaluation.drift.iter().filter(|drift| drift.left).collect();
    html! {
        @if !passed {
            div.notice.notice-bad role="note" {
                p { strong { "Do not rely on this evaluation." } " The check that nothing of what came later was used did not hold." }
            }
        }
        @if !left.is_empty() {
            div.notice.notice-warning role="note" {
                p { strong { "It is not as it was when the policy was approved." } " Outside their bounds:" }
                ul { @for drift in left { li { (plain(&drift.measure)) } } }
            }
        }
    }
}

/// Bounds set at approval and where the numbers are now.
pub fn drift(evaluation: &pb::Evaluation) -> Markup {
    if evaluation.drift.is_empty() {
        return html! { p { "There are no bounds: the policy was not approved with an evaluation." } };
    }
    let columns = [
        Column::Words("Number"),
        Column::Figure("Bounds set at approval"),
        Column::Figure("Now"),
        Column::Words("It is"),
    ];
    framed("drift", "Bounds set at approval, and the numbers now", &columns, evaluation.drift.iter().map(bound))
}

/// Cells of a bound.
pub fn bound(drift: &pb::Drift) -> [String; 4] {
    let form = Form::Plain(3);
    [
        plain(&drift.measure),
        format!("{} to {}", form.number(drift.low), form.number(drift.high)),
        form.estimate(drift.now.as_ref()),
        if drift.left { "outside" } else { "not shown to be outside" }.to_owned(),
    ]
}

/// The check for leakage.
pub fn leakage(evaluation: &pb::Evaluation) -> Markup {
    let Some(check) = &evaluation.leakage else {
        return html! { p { "No check was made." } };
    };
    let (class, told) =
        if check.passed { ("notice notice-good", "It held.") } else { ("notice notice-bad", "It did NOT hold.") };
    html! {
        p { "An order that has seen the future looks good and is worth nothing. Two checks guard against it." }
        div class=(class) { p { strong { (told) } } }
        ul {
            li {
                "Against outcomes dealt out at random the policy must do no better than chance. Its AUC was then "
                (Form::Plain(3).estimate(check.shuffled_auc.as_ref())) "; 0.5 should lie in the interval."
            }
            li {
                (count(check.people_weighed_again)) " people were weighed again from their own records as they stood by the index date; "
                "the score of " (count(check.differed)) " was another."
            }
            li { (count(check.records_left_out)) " versions of records were left out as not known yet." }
        }
    }
}

/// What the evaluation cannot say.
pub fn limits(evaluation: &pb::Evaluation) -> Markup {
    html! {
        @if evaluation.limits.is_empty() { p { "Nothing was stated." } }
        @else { ul { @for limit in &evaluation.limits { li { (plain(limit)) } } } }
    }
}
