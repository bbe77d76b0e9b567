//! Whether the chances that each predictor gave came true: a plot of what was predicted
//! against what happened, with exact intervals, and its numbers.

use maud::{Markup, html};

use super::figures::{Form, interval, value};
use super::plot::{self, Scale};
use super::table::{Column, folded, framed};
use super::words;
use crate::pb;
use crate::telling::{count, plain};

/// The section.
pub fn section(evaluation: &pb::Evaluation) -> Markup {
    if evaluation.calibrations.is_empty() {
        return html! { p { "No predictor was held against what happened." } };
    }
    html! {
        p {
            "A predictor that says 40 % of ten people should be right about four of them. Observed over expected is 1 where it "
            "is right on the whole; the slope is 1 where it sets people apart rightly, and less where it sets them too far "
            "apart. The Brier score is the mean squared error of the chance: 0 is perfect (Brier 1950)."
        }
        (framed("predictors", "Predictors, people at liberty on their index date", &[
            Column::Words("Predictor"), Column::Words("Offences"), Column::Figure("People"), Column::Figure("Without a value"),
            Column::Figure("Expected"), Column::Figure("Observed"), Column::Figure("Observed over expected"),
            Column::Figure("Slope"), Column::Figure("Brier score"), Column::Figure("AUC"),
        ], evaluation.calibrations.iter().map(row)))
        p {
            "In the plots each dot is a part of the people, from the least predicted chance to the most; its upright line is the "
            "exact 95 % interval (Clopper and Pearson 1934). On the dotted line what was predicted came true; above it, more happened."
        }
        div.plots { @for (at, it) in evaluation.calibrations.iter().enumerate() { (plotted(at, it)) } }
    }
}

fn row(it: &pb::Calibration) -> [String; 10] {
    [
        plain(&it.instrument),
        words::kind(it.outcome()).to_owned(),
        count(it.people),
        count(it.without),
        if it.people == 0 { super::figures::NOT_COMPUTABLE.to_owned() } else { Form::PerCent(1).value(it.expected) },
        Form::PerCent(1).estimate(it.observed.as_ref()),
        Form::Plain(2).estimate(it.ratio.as_ref()),
        Form::Plain(2).estimate(it.slope.as_ref()),
        Form::Plain(3).estimate(it.brier.as_ref()),
        Form::Plain(3).estimate(it.auc.as_ref()),
    ]
}

fn plotted(at: usize, it: &pb::Calibration) -> Markup {
    let name = plain(&it.instrument);
    if it.bins.is_empty() {
        return html! { p { "There is no plot of " (name) ": nobody has a value." } };
    }
    let most = it.bins.iter().fold(0.0_f64, |most, bin| {
        let high = interval(bin.observed.as_ref()).map(|(_, high)| high).or(value(bin.observed.as_ref()));
        most.max(bin.expected).max(high.unwrap_or_default())
    });
    let end = plot::round_up(most);
    let scale = Scale { across: end, up: end };
    let title = format!(
        "{name}: what was predicted against what happened, in {} parts of people from the least chance to the most.",
        it.bins.len()
    );
    let drawn = html! {
        line.reference x1=(scale.x(0.0)) y1=(scale.y(0.0)) x2=(scale.x(end)) y2=(scale.y(end)) {}
        @for bin in &it.bins {
            @if let Some(observed) = value(bin.observed.as_ref()) {
                @if let Some((low, high)) = interval(bin.observed.as_ref()) {
                    line.whisker x1=(scale.x(bin.expected)) x2=(scale.x(bin.expected)) y1=(scale.y(low)) y2=(scale.y(high)) {}
                }
                circle.dot cx=(scale.x(bin.expected)) cy=(scale.y(observed)) r="4.5" {}
            }
        }
    };
    let rows = it.bins.iter().enumerate().map(|(part, bin)| {
        [
            (part + 1).to_string(),
            count(bin.observed.as_ref().map_or(0, |observed| observed.n)),
            Form::PerCent(1).value(bin.expected),
            Form::PerCent(1).estimate(bin.observed.as_ref()),
        ]
    });
    let columns =
        [Column::Words("Part"), Column::Figure("People"), Column::Figure("Predicted"), Column::Figure("Observed")];
    html! {
        figure {
            h3 { (name) }
            (plot::framed(&format!("calibration-{at}"), &title, scale, ("predicted", "observed"), &drawn))
            (folded(&framed(&format!("bins-{at}"), &format!("{name} in parts"), &columns, rows)))
        }
    }
}
