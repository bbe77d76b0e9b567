//! Whether the order treats groups alike, by every standard at once, with what may not
//! be told left out, and the plain statement that all standards cannot be met together.

use maud::{Markup, html};

use super::figures::{Form, NOT_COMPUTABLE, WITHHELD, WITHHELD_MEANS};
use super::table::{Column, framed};
use super::words;
use crate::pb;
use crate::telling::{count, plain};

/// The section.
pub fn section(evaluation: &pb::Evaluation) -> Markup {
    let terms = evaluation.terms.clone().unwrap_or_default();
    html! {
        div.notice {
            p {
                "Calibration and equal error rates cannot all hold at once where groups differ in how often the outcome comes "
                "about, unless prediction were perfect (Chouldechova 2017; Kleinberg, Mullainathan and Raghavan 2016). Which of "
                "them should hold is for the force to decide and to answer for. "
            }
            p {
                @if evaluation.fairness.is_empty() {
                    "No groups were sent, so nothing is known of fairness. That is not the same as fair."
                } @else {
                    "This force declared " strong { (words::standard(terms.declared_fairness())) } ". "
                    "The false positive rates are told whatever was declared: they are of people who did nothing and were selected."
                }
            }
        }
        @for (at, it) in evaluation.fairness.iter().enumerate() { (characteristic(at, it, &terms)) }
        @if !evaluation.fairness.is_empty() {
            p.quiet {
                (capital(WITHHELD_MEANS)) ". Differences of recorded offending between groups are also differences of how "
                "groups are policed; no table of records can part the two."
            }
            details {
                summary { "Sources" }
                ul {
                    li { "Chouldechova, A. (2017) Fair prediction with disparate impact: a study of bias in recidivism prediction instruments. Big Data 5(2), 153–163." }
                    li { "Kleinberg, J., Mullainathan, S. and Raghavan, M. (2016) Inherent trade-offs in the fair determination of risk scores. Innovations in Theoretical Computer Science, LIPIcs 67, 43." }
                }
            }
        }
    }
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

fn characteristic(at: usize, it: &pb::Fairness, terms: &pb::EvaluationTerms) -> Markup {
    let name = plain(&it.characteristic);
    let caption = format!("Rates by {name}, the largest group first");
    let columns = [
        Column::Words("Group"),
        Column::Figure("People"),
        Column::Figure("Selected"),
        Column::Figure("Over the reference group"),
        Column::Figure("False positive rate"),
        Column::Figure("False negative rate"),
        Column::Figure("Of those selected, who did"),
        Column::Figure("Observed less expected"),
        Column::Words("By the standard declared"),
    ];
    html! {
        h3 { "By " (name) }
        @if it.suppressed {
            p { "Withheld as a whole: its groups are so few or so small that any number would give others away." }
        } @else {
            (framed(&format!("group-{at}"), &caption, &columns, it.groups.iter().map(row)))
            @if !terms.without.is_empty() { (shifts(at, it, terms)) }
        }
    }
}

/// Cells of a group; where its size is withheld, so is everything.
pub fn cells(group: &pb::EvaluatedGroup) -> [String; 7] {
    let Some(people) = group.people else { return std::array::from_fn(|_| WITHHELD.to_owned()) };
    let rate = |number: Option<&pb::GroupNumber>| Form::PerCent(1).of_group(number);
    let ratio = if group.reference { "1 (reference)".to_owned() } else { ratio(group.selection_ratio.as_ref()) };
    [
        count(people),
        rate(group.selection_rate.as_ref()),
        ratio,
        rate(group.false_positive_rate.as_ref()),
        rate(group.false_negative_rate.as_ref()),
        rate(group.positive_predictive_value.as_ref()),
        Form::Points(1).of_group(group.calibration.as_ref()),
    ]
}

fn ratio(number: Option<&pb::GroupNumber>) -> String {
    // What a ratio is of would be the two groups together, which is no denominator.
    number.map_or_else(
        || NOT_COMPUTABLE.to_owned(),
        |number| Form::Plain(2).of_group(Some(&pb::GroupNumber { of: 0, ..*number })),
    )
}

/// What may be said of a group by the declared standard.
pub fn verdict(group: &pb::EvaluatedGroup) -> &'static str {
    match (group.people, group.reference) {
        (None, _) => WITHHELD,
        (Some(_), true) => "reference",
        (Some(_), false) => words::than_reference(group.declared_verdict()),
    }
}

fn row(group: &pb::EvaluatedGroup) -> Vec<String> {
    let mut row = vec![plain(&group.group)];
    row.extend(cells(group));
    row.push(verdict(group).to_owned());
    row
}

fn shifts(at: usize, it: &pb::Fairness, terms: &pb::EvaluationTerms) -> Markup {
    let left_out: Vec<_> = terms.without().map(|input| format!("Without {}", words::input(input))).collect();
    let columns: Vec<_> =
        std::iter::once(Column::Words("Group")).chain(left_out.iter().map(|name| Column::Figure(name))).collect();
    let rows = it.groups.iter().map(|group| {
        let shifts = (0..left_out.len()).map(|place| match group.people {
            None => WITHHELD.to_owned(),
            Some(_) => Form::Signed(1).of_group(group.rank_shifts.get(place)),
        });
        std::iter::once(plain(&group.group)).chain(shifts).collect::<Vec<_>>()
    });
    let name = plain(&it.characteristic);
    let caption =
        format!("Mean places by which ranks shift by {name} when an input is left out; above 0 is further down");
    framed(&format!("shifts-{at}"), &caption, &columns, rows)
}
