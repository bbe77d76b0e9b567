//! The frame of a plot: a square of shares with a grid, figures at the lines and words
//! at the axes. Every plot has a title for whoever cannot see it, and its numbers stand
//! in a table below it.

use maud::{Markup, html};

/// Width of a whole plot, in its own units.
const WIDTH: f64 = 360.0;
/// Height of a whole plot.
const HEIGHT: f64 = 300.0;
/// Left edge of the square.
const LEFT: f64 = 62.0;
/// Right edge of the square.
const RIGHT: f64 = 338.0;
/// Upper edge of the square.
const TOP: f64 = 12.0;
/// Lower edge of the square.
const BOTTOM: f64 = 252.0;
/// Steps between lines of the grid.
const STEPS: u8 = 5;

/// How far the axes of a plot go, both from 0; shares, 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scale {
    /// End of the horizontal axis.
    pub across: f64,
    /// End of the vertical axis.
    pub up: f64,
}

impl Scale {
    /// Where a share stands from the left, held to the square.
    pub fn x(self, share: f64) -> String {
        let part = (share / self.across).clamp(0.0, 1.0);
        place(LEFT + part * (RIGHT - LEFT))
    }

    /// Where a share stands from above, held to the square.
    pub fn y(self, share: f64) -> String {
        let part = (share / self.up).clamp(0.0, 1.0);
        place(BOTTOM - part * (BOTTOM - TOP))
    }

    /// Points of a line through shares, as SVG takes them.
    pub fn points(self, shares: impl IntoIterator<Item = (f64, f64)>) -> String {
        let points = shares.into_iter().map(|(across, up)| format!("{},{}", self.x(across), self.y(up)));
        points.collect::<Vec<_>>().join(" ")
    }
}

/// The least share at which an axis can end that holds a share, so that its fifths are round.
pub fn round_up(share: f64) -> f64 {
    let steps = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.25, 0.5, 0.75];
    steps.into_iter().find(|step| share <= *step).unwrap_or(1.0)
}

/// A plot: its frame, and what is drawn in it.
pub fn framed(id: &str, title: &str, scale: Scale, (across, up): (&str, &str), drawn: &Markup) -> Markup {
    let named = format!("{id}-title");
    let steps = || (0..=STEPS).map(|step| f64::from(step) / f64::from(STEPS));
    let end = |shares: f64| per_cent(shares);
    html! {
        svg.plot viewBox=(format!("0 0 {WIDTH} {HEIGHT}")) role="img" aria-labelledby=(named) {
            title id=(named) { (title) }
            @for step in steps() {
                @let at = scale.y(step * scale.up);
                line.grid x1=(LEFT) x2=(RIGHT) y1=(at) y2=(at) {}
                text.tick x=(LEFT - 5.0) y=(at) dy="4" text-anchor="end" { (end(step * scale.up)) }
                @let at = scale.x(step * scale.across);
                line.grid x1=(at) x2=(at) y1=(TOP) y2=(BOTTOM) {}
                text.tick x=(at) y=(BOTTOM + 15.0) text-anchor="middle" { (end(step * scale.across)) }
            }
            line.axis x1=(LEFT) x2=(RIGHT) y1=(BOTTOM) y2=(BOTTOM) {}
            line.axis x1=(LEFT) x2=(LEFT) y1=(TOP) y2=(BOTTOM) {}
            text.label x=(f64::midpoint(LEFT, RIGHT)) y=(HEIGHT - 12.0) text-anchor="middle" { (across) }
            text.label x="0" y="0" text-anchor="middle" transform=(format!("translate(11 {}) rotate(-90)", f64::midpoint(TOP, BOTTOM))) { (up) }
            (drawn)
        }
    }
}

fn place(at: f64) -> String {
    format!("{at:.1}")
}

/// A share at an axis: "40 %", "0.4 %".
fn per_cent(share: f64) -> String {
    let text = format!("{:.2}", share * 100.0);
    format!("{} %", text.trim_end_matches('0').trim_end_matches('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_beyond_the_axes_stands_at_their_edge() {
        let scale = Scale { across: 0.5, up: 1.0 };
        assert_eq!(scale.points([(0.0, 0.0), (0.5, 1.0), (0.9, -0.1)]), "62.0,252.0 338.0,12.0 338.0,252.0");
    }

    #[test]
    fn axes_end_at_round_shares() {
        let ends = [0.0004, 0.013, 0.05, 0.051, 0.3, 0.7, 3.0].map(|share| per_cent(round_up(share)));
        assert_eq!(ends.join(", "), "0.1 %, 2 %, 5 %, 10 %, 50 %, 75 %, 100 %");
        assert_eq!([0.0, 0.004, 0.4, 1.0].map(per_cent).join(" "), "0 % 0.4 % 40 % 100 %");
    }
}
