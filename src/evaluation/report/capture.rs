//! How much of all the harm that followed was done by those near the top: as curves of
//! every order, with what a random order would show and with the line of capacity, and
//! as tables. Orders are told apart by dashes and marks as well as by colour.

use maud::{Markup, html};

use super::figures::Form;
use super::plot::{self, Scale};
use super::table::{Column, folded, framed};
use super::{overall, words};
use crate::pb;
use crate::telling::count;

/// Shares of people at which a curve is told, in the order of the contract.
const SHARES: [f64; 13] = [0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0];
/// Dashes of lines that follow the first, which is whole.
const DASHES: [&str; 10] = ["9 4", "3 3", "12 3 3 3", "6 6", "2 5", "14 5", "9 3 2 3 2 3", "5 2", "1 3", "16 3 6 3"];
/// Marks of lines, around 0, 0.
const MARKS: [&str; 5] = [
    "M-4 0A4 4 0 1 0 4 0A4 4 0 1 0 -4 0Z",
    "M-3.5 -3.5H3.5V3.5H-3.5Z",
    "M0 -4.5L4.5 3.5H-4.5Z",
    "M0 -5L5 0L0 5L-5 0Z",
    "M0 4.5L4.5 -3.5H-4.5Z",
];
/// Colours there are.
const COLOURS: usize = 8;

/// The section.
pub fn section(evaluation: &pb::Evaluation) -> Markup {
    let capacity = evaluation.terms.as_ref().map_or(0, |terms| terms.capacity);
    let theirs = format!("Of all the harm, that of the first {}", count(capacity));
    // A curve of another length is one that this page does not know how to read.
    let curves: Vec<_> = evaluation.orders.iter().filter(|order| order.harm_curve.len() == SHARES.len()).collect();
    html! {
        p {
            "If only so many people can be managed, how much of the harm that followed was theirs? A random order would show "
            "the same share of harm as of people. "
            @if evaluation.outcomes_sent { "Harm is what the outcomes sent in state." }
            @else { "Harm is counted in days of imprisonment at the sentencing starting point (Cambridge Crime Harm Index)." }
        }
        (framed("captured", "Harm captured, over all index dates", &[
            Column::Words("Order"), Column::Figure(&theirs), Column::Figure("Policy less it"), Column::Words("The policy is"),
            Column::Figure("Times a random order"), Column::Figure("Of the most possible"),
        ], evaluation.orders.iter().map(|order| row(order, evaluation))))
        @if curves.is_empty() {
            p { "There is no curve: no harm followed, or nobody was evaluated." }
        } @else {
            (drawn(&curves, evaluation))
        }
    }
}

fn row(order: &pb::EvaluatedOrder, evaluation: &pb::Evaluation) -> [String; 6] {
    let measures = overall(order);
    let of = |part: fn(&pb::OrderMeasures) -> Option<&pb::Estimate>, form: Form| form.estimate(measures.and_then(part));
    let difference = order.harm_captured_difference.as_ref();
    [
        words::order(&order.name, evaluation),
        of(|it| it.harm_captured.as_ref(), Form::PerCent(1)),
        difference.map_or_else(String::new, |it| Form::Points(1).difference(Some(it))),
        difference.map_or_else(String::new, |it| words::than_it(it.verdict()).to_owned()),
        of(|it| it.harm_lift.as_ref(), Form::Plain(1)),
        of(|it| it.harm_of_best.as_ref(), Form::PerCent(1)),
    ]
}

fn drawn(curves: &[&pb::EvaluatedOrder], evaluation: &pb::Evaluation) -> Markup {
    let near = Scale { across: 0.1, up: plot::round_up(highest(curves, 0.1)) };
    let whole = Scale { across: 1.0, up: 1.0 };
    let axes = ("share of people, from the top", "share of the harm that followed");
    let line = capacity_share(evaluation);
    let title =
        |part: &str| format!("Share of the harm that followed, by share of people from the top of each order: {part}.");
    let columns: Vec<_> = std::iter::once("First".to_owned())
        .chain(curves.iter().map(|order| words::order(&order.name, evaluation)))
        .collect();
    let heads: Vec<_> = columns
        .iter()
        .enumerate()
        .map(|(at, name)| if at == 0 { Column::Words(name) } else { Column::Figure(name) })
        .collect();
    let rows = SHARES.iter().enumerate().map(|(at, share)| {
        let shares =
            curves.iter().filter_map(move |order| order.harm_curve.get(at)).map(|it| Form::PerCent(1).value(*it));
        std::iter::once(Form::PerCent(0).value(*share)).chain(shares).collect::<Vec<_>>()
    });
    html! {
        figure {
            div.plots {
                (plot::framed("capture-near", &title("the first tenth of people"), near, axes, &lines(curves, near, line)))
                (plot::framed("capture-whole", &title("everybody"), whole, axes, &lines(curves, whole, line)))
            }
            ul.legend {
                @for (at, order) in curves.iter().enumerate() { li { (sample(at)) " " (words::order(&order.name, evaluation)) } }
                li { svg viewBox="0 0 48 14" aria-hidden="true" focusable="false" { line.reference x1="0" x2="48" y1="7" y2="7" {} }
                    " what a random order would show" }
                @if line.is_some() {
                    li { svg viewBox="0 0 48 14" aria-hidden="true" focusable="false" { line.capacity x1="0" x2="48" y1="7" y2="7" {} }
                        " capacity (upright line)" }
                }
            }
            figcaption {
                "The first drawing is of the first tenth of people, the second of everybody. The higher a line, the more of the harm stands near the top."
                @if let Some(share) = line { " Capacity is the first " (Form::PerCent(1).value(share)) " of people." }
            }
        }
        (folded(&framed("curves", "Share of the harm that followed done by the first so many per cent of people", &heads, rows)))
    }
}

/// Line of capacity: k over the people of a date, over all dates.
fn capacity_share(evaluation: &pb::Evaluation) -> Option<f64> {
    let (capacity, people) = evaluation.dates.iter().fold((0.0, 0.0), |(capacity, people), date| {
        (capacity + f64::from(date.capacity.min(date.people)), people + f64::from(date.people))
    });
    (capacity > 0.0).then(|| capacity / people)
}

/// The highest share that any curve comes to within so much of the people.
fn highest(curves: &[&pb::EvaluatedOrder], within: f64) -> f64 {
    let shares = curves.iter().flat_map(|order| SHARES.iter().zip(&order.harm_curve));
    shares.filter(|(share, _)| **share <= within).fold(within, |most, (_, harm)| most.max(*harm))
}

fn lines(curves: &[&pb::EvaluatedOrder], scale: Scale, capacity: Option<f64>) -> Markup {
    let shown = |order: &pb::EvaluatedOrder| -> Vec<(f64, f64)> {
        let known =
            SHARES.into_iter().zip(order.harm_curve.iter().copied()).filter(|(share, _)| *share <= scale.across);
        std::iter::once((0.0, 0.0)).chain(known).collect()
    };
    let end = scale.across.min(scale.up);
    html! {
        line.reference x1=(scale.x(0.0)) y1=(scale.y(0.0)) x2=(scale.x(end)) y2=(scale.y(end)) {}
        @if let Some(share) = capacity.filter(|share| *share <= scale.across) {
            line.capacity x1=(scale.x(share)) x2=(scale.x(share)) y1=(scale.y(0.0)) y2=(scale.y(scale.up)) {}
        }
        // The policy last, so that nothing lies over it.
        @for (at, order) in curves.iter().enumerate().rev() {
            @let points = shown(order);
            polyline class=(class(at)) stroke-dasharray=[dashes(at)] points=(scale.points(points.iter().copied())) {}
            @for (share, harm) in points.iter().skip(1) {
                path class=(format!("mark {}", colour(at))) d=(MARKS[at % MARKS.len()])
                    transform=(format!("translate({} {}) scale(.7)", scale.x(*share), scale.y(*harm))) {}
            }
        }
    }
}

/// A piece of a line, as the legend shows it.
fn sample(at: usize) -> Markup {
    html! {
        svg viewBox="0 0 48 14" aria-hidden="true" focusable="false" {
            line class=(class(at)) stroke-dasharray=[dashes(at)] x1="0" x2="48" y1="7" y2="7" {}
            path class=(format!("mark {}", colour(at))) d=(MARKS[at % MARKS.len()]) transform="translate(24 7)" {}
        }
    }
}

fn colour(at: usize) -> String {
    format!("s{}", at % COLOURS)
}

fn class(at: usize) -> String {
    format!("series {}{}", colour(at), if at == 0 { " bold" } else { "" })
}

fn dashes(at: usize) -> Option<&'static str> {
    at.checked_sub(1).map(|at| DASHES[at % DASHES.len()])
}
