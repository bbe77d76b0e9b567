//! The order of the policy beside every other.

use super::headed;
use crate::cli::output::{Page, count, drawn, left, right};
use crate::evaluation::report::figures::Form;
use crate::evaluation::report::{overall, words};
use crate::pb;

/// How often each order places those who did above those who did not.
pub fn agreement(evaluation: &pb::Evaluation, page: Page) -> String {
    let mut table = headed(page, &["order"], &["AUC", "policy less it", "the policy is"]);
    for order in &evaluation.orders {
        let auc = Form::Plain(3).estimate(overall(order).and_then(|it| it.auc.as_ref()));
        table.add_row(row(order, evaluation, auc, order.auc_difference.as_ref(), Form::Signed(3)));
    }
    page.heading("HOW WELL THE ORDER AGREED WITH WHAT HAPPENED") + &drawn(&mut table, 2)
}

/// How much of the harm the first k did.
pub fn harm(evaluation: &pb::Evaluation, page: Page) -> String {
    let capacity = evaluation.terms.as_ref().map_or(0, |terms| terms.capacity);
    let mut table = headed(page, &["order"], &["harm captured", "policy less it", "the policy is"]);
    for order in &evaluation.orders {
        let captured = Form::PerCent(1).estimate(overall(order).and_then(|it| it.harm_captured.as_ref()));
        table.add_row(row(order, evaluation, captured, order.harm_captured_difference.as_ref(), Form::Points(1)));
    }
    page.heading(&format!("HOW MUCH OF THE HARM THE FIRST {} DID", count(capacity))) + &drawn(&mut table, 2)
}

fn row(
    order: &pb::EvaluatedOrder,
    evaluation: &pb::Evaluation,
    measure: String,
    difference: Option<&pb::Difference>,
    form: Form,
) -> [comfy_table::Cell; 4] {
    let less = difference.map_or_else(String::new, |it| form.difference(Some(it)));
    let verdict = difference.map_or("", |it| words::than_it(it.verdict()));
    [left(words::order(&order.name, evaluation)), right(measure), right(less), right(verdict)]
}
