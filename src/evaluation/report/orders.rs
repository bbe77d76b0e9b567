//! The order of the policy beside every order that it is held against: how often each
//! places those who offended above those who did not, and how far they differ.

use maud::{Markup, html};

use super::figures::Form;
use super::table::{Column, framed};
use super::{overall, words};
use crate::pb;
use crate::telling::{count, day, plain};

/// The section.
pub fn section(evaluation: &pb::Evaluation) -> Markup {
    let terms = evaluation.terms.clone().unwrap_or_default();
    let first = format!("Of the first {}, who did", count(terms.capacity));
    let found = format!("Of those who did, among the first {}", count(terms.capacity));
    html! {
        p {
            "The area under the curve (AUC) is the chance that of one person who did and one who did not, the first stands "
            "higher: 0.5 is a random order, 1 is perfect. A difference is taken on the same people and the same samples; where "
            "its interval holds 0 it is inconclusive, whatever the two numbers look like."
        }
        (framed("orders", "Orders, over all index dates", &[
            Column::Words("Order"), Column::Figure("AUC"), Column::Figure("Policy less it"),
            Column::Words("The policy is"), Column::Figure(&first), Column::Figure(&found),
        ], evaluation.orders.iter().map(|order| row(order, evaluation))))
        @if evaluation.dates.len() > 1 {
            (framed("orders-dates", "The policy, by index date", &[
                Column::Words("Index date"), Column::Figure("AUC"), Column::Figure(&first), Column::Figure(&found),
                Column::Figure("Of all the harm, theirs"),
            ], by_date(evaluation)))
        }
        details {
            summary { "What each order is" }
            ul { @for order in &evaluation.orders {
                li { strong { (words::order(&order.name, evaluation)) } ": " (plain(&order.description)) }
            } }
        }
    }
}

fn row(order: &pb::EvaluatedOrder, evaluation: &pb::Evaluation) -> [String; 6] {
    let measures = overall(order);
    let of = |part: fn(&pb::OrderMeasures) -> Option<&pb::Estimate>, form: Form| form.estimate(measures.and_then(part));
    let difference = order.auc_difference.as_ref();
    [
        words::order(&order.name, evaluation),
        of(|it| it.auc.as_ref(), Form::Plain(3)),
        difference.map_or_else(String::new, |it| Form::Signed(3).difference(Some(it))),
        difference.map_or_else(String::new, |it| words::than_it(it.verdict()).to_owned()),
        of(|it| it.precision.as_ref(), Form::PerCent(1)),
        of(|it| it.recall.as_ref(), Form::PerCent(1)),
    ]
}

fn by_date(evaluation: &pb::Evaluation) -> impl Iterator<Item = [String; 5]> {
    let policy = evaluation.orders.iter().find(|order| order.name == "policy");
    policy.into_iter().flat_map(|order| &order.measures).filter_map(|measures| {
        let date = evaluation.dates.get(usize::try_from(measures.date?).ok()?)?;
        Some([
            day(&date.index_date),
            Form::Plain(3).estimate(measures.auc.as_ref()),
            Form::PerCent(1).estimate(measures.precision.as_ref()),
            Form::PerCent(1).estimate(measures.recall.as_ref()),
            Form::PerCent(1).estimate(measures.harm_captured.as_ref()),
        ])
    })
}
