//! How one person stood from day to day, as a curve and as a table: whoever cannot
//! see the one reads the other.

use maud::{Markup, html};

use super::words::{band, count, day, points};
use crate::domain::Date;
use crate::pb;

/// Width and height of the drawing, in its own units.
const WIDTH: f64 = 640.0;
const HEIGHT: f64 = 160.0;
/// Room at the left for figures, and below for days.
const LEFT: f64 = 34.0;
const BELOW: f64 = 20.0;

/// One day of the curve.
struct Point {
    day: Date,
    composite: u32,
}

/// The curve and the table of a history.
pub fn history(history: &pb::ListStandingHistoryResponse) -> Markup {
    let known: Vec<Point> = history
        .entries
        .iter()
        .rev()
        .filter_map(|entry| {
            let standing = entry.standing.as_ref()?;
            Some(Point { day: entry.as_of.parse().ok()?, composite: standing.composite })
        })
        .collect();
    html! {
        @if known.len() < 2 {
            p { "There is no curve yet: a point is added each time that everybody is weighed anew." }
        } @else {
            (drawn(&known))
        }
        @if !history.entries.is_empty() {
            details {
                summary { "The same as a table" }
                div.scroll tabindex="0" role="region" aria-label="History as a table" {
                    table {
                        caption.unseen { "How this person stood, the newest day first" }
                        thead { tr {
                            th scope="col" { "Weighed as of" } th.figure scope="col" { "Rank" } th scope="col" { "Band" }
                            th.figure scope="col" { "Score" } th scope="col" { "Policy" }
                        } }
                        tbody {
                            @for entry in &history.entries {
                                tr {
                                    th scope="row" { (day(&entry.as_of)) }
                                    @match &entry.standing {
                                        Some(standing) => {
                                            td.figure data-label="Rank" { @if standing.rank > 0 { (count(standing.rank)) } @else { "not on it" } }
                                            td data-label="Band" { (band(standing.effective_band())) }
                                            td.figure data-label="Score" { (points(standing.composite)) }
                                        }
                                        None => {
                                            td data-label="Rank" {}
                                            td data-label="Band" { (if entry.kept { "not held then" } else { "not kept any more" }) }
                                            td data-label="Score" {}
                                        }
                                    }
                                    td data-label="Policy" { (entry.policy_version) }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn drawn(known: &[Point]) -> Markup {
    let (Some(first), Some(last)) = (known.first(), known.last()) else { return html! {} };
    let days = f64::from((last.day.days() - first.day.days()).max(1));
    let x = |point: &Point| LEFT + f64::from(point.day.days() - first.day.days()) * (WIDTH - LEFT - 6.0) / days;
    let y = |composite: u32| (HEIGHT - BELOW) * (1.0 - f64::from(composite) / 100_000.0) + 4.0;
    let line: Vec<_> = known.iter().map(|point| format!("{:.1},{:.1}", x(point), y(point.composite))).collect();
    let (least, most) = known
        .iter()
        .fold((u32::MAX, 0), |(least, most), point| (least.min(point.composite), most.max(point.composite)));
    let told = format!(
        "The score lay between {} and {} from {} to {}, and was {} at the end.",
        points(least),
        points(most),
        first.day.spelt(),
        last.day.spelt(),
        points(last.composite)
    );
    html! {
        figure {
            svg.curve viewBox=(format!("0 0 {WIDTH} {}", HEIGHT + 8.0)) role="img" aria-label=(told) {
                @for step in [0_u32, 25_000, 50_000, 75_000, 100_000] {
                    line.grid x1=(LEFT) x2=(WIDTH) y1=(y(step)) y2=(y(step)) {}
                    text.tick x=(LEFT - 6.0) y=(y(step) + 4.0) text-anchor="end" { (step / 1_000) }
                }
                polyline.line points=(line.join(" ")) {}
                @for point in known { circle.dot cx=(format!("{:.1}", x(point))) cy=(format!("{:.1}", y(point.composite))) r="2.5" {} }
                text.tick x=(LEFT) y=(HEIGHT + 4.0) { (first.day.spelt()) }
                text.tick x=(WIDTH) y=(HEIGHT + 4.0) text-anchor="end" { (last.day.spelt()) }
            }
            figcaption { (told) }
        }
    }
}
