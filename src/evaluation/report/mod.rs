//! The report of an evaluation: one page that can be kept, printed and sent, read
//! without anything outside itself, and readable by whoever cannot see its drawings.
//! It names nobody, says what is inconclusive, and tells no number that is withheld.
//! One file a section; figures, words and cells serve the screen of the command line too.

pub mod before_after;
mod calibration;
mod capture;
pub mod checks;
pub mod fairness;
pub mod figures;
#[cfg(test)]
pub mod fixture;
pub mod head;
mod orders;
mod plot;
pub mod short;
mod stability;
mod table;
#[cfg(test)]
mod tests;
mod who;
pub mod words;

use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::pb;
use crate::telling::plain;

const STYLE: &str = include_str!("style.css");
/// The page may run nothing and ask nobody for anything, whatever stands in a group's name.
const MAY: &str = "default-src 'none'; style-src 'unsafe-inline'";

/// The whole page.
pub fn html(evaluation: &pb::Evaluation) -> String {
    let title = format!("Evaluation of policy {}", plain(&evaluation.policy_version));
    let sections = sections(evaluation);
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(MAY);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) " – Steelyard" }
                style { (PreEscaped(STYLE)) }
            }
            body {
                a.skip href="#main" { "Skip to the content" }
                header.top { div.wide { p { span.product { "Steelyard" } "Report of an evaluation" } } }
                main #main tabindex="-1" {
                    div.wide {
                        (head::head(evaluation))
                        (checks::alarm(evaluation))
                        (short::short(evaluation))
                        nav.contents aria-label="Contents" {
                            ul { @for section in &sections { li { a href=(format!("#{}", section.id)) { (section.title) } } } }
                        }
                        @for section in &sections {
                            section aria-labelledby=(section.id) { h2 id=(section.id) { (section.title) } (section.content) }
                        }
                    }
                }
                footer {
                    div.wide {
                        p { "A score ranks. It decides nothing: that is for a named officer." }
                        p { "Evaluation " code { (plain(&evaluation.id)) } }
                    }
                }
            }
        }
    };
    page.into_string()
}

/// One part of the page, below its heading.
struct Section {
    id: &'static str,
    title: &'static str,
    content: Markup,
}

fn sections(evaluation: &pb::Evaluation) -> Vec<Section> {
    let section = |id, title, content| Section { id, title, content };
    let mut sections = vec![
        section("terms", "By what terms", head::terms(evaluation)),
        section("who", "Who was evaluated", who::section(evaluation)),
        section("orders", "How well the order agreed with what happened", orders::section(evaluation)),
        section("capture", "How much of the harm stands near the top", capture::section(evaluation)),
        section("calibration", "Whether predicted chances came true", calibration::section(evaluation)),
        section("stability", "Whether the order holds", stability::section(evaluation)),
        section("fairness", "Whether it was fair", fairness::section(evaluation)),
    ];
    if let Some(found) = &evaluation.before_after {
        sections.push(section("after", "Offending before and after selection", before_after::section(found)));
    }
    sections.push(section("drift", "Whether it is still as it was approved", checks::drift(evaluation)));
    sections.push(section("leakage", "Whether nothing later was used", checks::leakage(evaluation)));
    sections.push(section("limits", "What it cannot say", checks::limits(evaluation)));
    sections
}

/// Measures of an order over all dates.
pub fn overall(order: &pb::EvaluatedOrder) -> Option<&pb::OrderMeasures> {
    order.measures.iter().find(|measures| measures.date.is_none())
}

/// Measures over all dates of the order of that name.
pub fn measured<'a>(evaluation: &'a pb::Evaluation, name: &str) -> Option<&'a pb::OrderMeasures> {
    overall(evaluation.orders.iter().find(|order| order.name == name)?)
}
