//! Charts, drawn by the server. A bar stands in a row of the table whose number it
//! shows, so that the table is the chart for whoever cannot see it; parts are told
//! apart by whether they are filled, never by colour alone. A curve stands above its
//! own table.

use std::fmt::Write as _;

use maud::{Markup, html};

/// Units that a whole bar is long.
const WHOLE: f64 = 1_000.0;
/// Where a curve is drawn: from here,
const LEFT: f64 = 44.0;
/// to here,
const RIGHT: f64 = 312.0;
/// from the top of all,
const TOP: f64 = 10.0;
/// to the bottom of nothing.
const BOTTOM: f64 = 126.0;

/// How a part of a bar looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    /// Filled.
    Filled,
    /// An outline.
    Hollow,
}

impl Look {
    const fn class(self) -> &'static str {
        match self {
            Self::Filled => "part-filled",
            Self::Hollow => "part-hollow",
        }
    }
}

/// A bar of parts, of which `most` would fill the whole width. For the eye alone: the numbers stand beside it.
pub fn bar(parts: &[(u32, Look)], most: u32) -> Markup {
    let length = |number: u32| f64::from(number) * WHOLE / f64::from(most.max(1));
    let mut from = 0.0;
    let drawn = parts.iter().filter(|(number, _)| *number > 0).map(|(number, look)| {
        let (start, length) = (from, length(*number));
        from += length;
        (start, length, look.class())
    });
    html! {
        svg.chart-bar viewBox="0 0 1000 10" preserveAspectRatio="none" aria-hidden="true" focusable="false" {
            @for (start, length, class) in drawn {
                rect class=(class) x=(format!("{start:.3}")) y="1" width=(format!("{length:.3}")) height="8" {}
            }
        }
    }
}

/// What the parts of the bars are.
pub fn legend(parts: &[(&str, Look)]) -> Markup {
    html! {
        ul.legend {
            @for (name, look) in parts {
                li { (bar(&[(1, *look)], 1)) " " (name) }
            }
        }
    }
}

/// One point of a curve: days from any beginning, and ten-thousandths of the whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Point {
    /// Days.
    pub day: i32,
    /// Ten-thousandths.
    pub share: u32,
}

/// A curve of shares over days, with the words for its first and last day. Nothing where there are no two days.
pub fn curve(id: &str, title: &str, points: &[Point], ends: (&str, &str)) -> Markup {
    let (Some(first), Some(last)) = (points.first(), points.last()) else { return html! {} };
    if first.day >= last.day {
        return html! {};
    }
    let across = |day: i32| {
        let part = f64::from(day - first.day) / f64::from(last.day - first.day);
        LEFT + part * (RIGHT - LEFT)
    };
    let up = |share: u32| BOTTOM - f64::from(share.min(10_000)) / 10_000.0 * (BOTTOM - TOP);
    let mut line = String::new();
    for point in points {
        let _ = write!(line, "{:.2},{:.2} ", across(point.day), up(point.share));
    }
    let named = format!("{id}-title");
    html! {
        svg.curve viewBox="0 0 320 150" role="img" aria-labelledby=(named) {
            title id=(named) { (title) }
            @for (share, told) in [(0, "0%"), (5_000, "50%"), (10_000, "100%")] {
                line.grid x1=(LEFT) x2=(RIGHT) y1=(format!("{:.2}", up(share))) y2=(format!("{:.2}", up(share))) {}
                text.tick x=(LEFT - 4.0) y=(format!("{:.2}", up(share) + 4.0)) text-anchor="end" { (told) }
            }
            polyline.line points=(line.trim_end()) {}
            @for point in [first, last] {
                circle.dot cx=(format!("{:.2}", across(point.day))) cy=(format!("{:.2}", up(point.share))) r="3" {}
            }
            text.tick x=(LEFT) y="144" { (ends.0) }
            text.tick x=(RIGHT) y="144" text-anchor="end" { (ends.1) }
        }
    }
}

/// Numbers that the parts of bars stand for, read back from what is drawn.
#[cfg(test)]
pub fn read_back(markup: &str, most: u32) -> Vec<u32> {
    let widths = markup.split("<rect ").skip(1).filter_map(|rect| {
        let width = rect.split("width=\"").nth(1)?.split('"').next()?;
        width.parse::<f64>().ok()
    });
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a rounded count that was one before")]
    widths.map(|width| (width * f64::from(most) / WHOLE).round() as u32).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_is_as_long_as_its_numbers_and_told_apart_without_colour() {
        let drawn = bar(&[(7, Look::Filled), (0, Look::Filled), (5, Look::Hollow)], 24).0;
        assert_eq!(read_back(&drawn, 24), [7, 5]);
        assert!(
            drawn.contains(r#"class="part-hollow" x="291.667""#),
            "the second begins where the first ends: {drawn}"
        );
        assert!(drawn.contains(r#"aria-hidden="true""#) && !drawn.contains("style="), "{drawn}");
        assert_eq!(read_back(&bar(&[(0, Look::Filled)], 0).0, 0), [0_u32; 0]);
    }

    #[test]
    fn a_curve_goes_from_its_first_day_to_its_last_and_is_named() {
        let points = [(100, 0), (110, 5_000), (120, 10_000)].map(|(day, share)| Point { day, share });
        let drawn = curve("c", "Share <aligned>", &points, ("1 May", "21 May")).0;
        assert!(drawn.contains(r#"points="44.00,126.00 178.00,68.00 312.00,10.00""#), "{drawn}");
        assert!(
            drawn.contains(r#"aria-labelledby="c-title"><title id="c-title">Share &lt;aligned&gt;</title>"#),
            "{drawn}"
        );
        assert_eq!(curve("c", "t", &points[..1], ("", "")).0, "");
        assert_eq!(curve("c", "t", &[], ("", "")).0, "");
    }
}
