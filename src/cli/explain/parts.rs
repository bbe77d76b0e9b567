//! The parts of the explanation that are about one standing alone.

use std::fmt::Write;

use crate::cli::output::{Page, band_word, day, drawn, indented, left, plain, points, right};
use crate::cli::word::component;
use crate::pb;
use crate::telling::factors;

/// Characters of a bar.
const BAR: usize = 24;
/// Reasons shown unless all are asked for.
const REASONS: usize = 10;
/// Record ids shown of one reason unless all are asked for.
const IDS: usize = 4;

/// What must be read before anything else.
pub(super) fn safeguarding(detail: &pb::StandingDetail, page: Page) -> String {
    if detail.safeguarding.is_empty() {
        return String::new();
    }
    let reasons = detail.safeguarding.iter().map(|reason| bullet(reason, page));
    page.heading("SAFEGUARDING FIRST") + &reasons.collect::<String>()
}

pub(super) fn bullet(text: &str, page: Page) -> String {
    let body = indented(text, 4, page.width);
    format!("  - {}", &body[4..])
}

pub(super) fn records(ids: &[String], most: usize) -> String {
    if ids.is_empty() {
        return String::new();
    }
    let shown: Vec<_> = ids.iter().take(most).map(|id| plain(id)).collect();
    let more = ids.len().saturating_sub(most);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("[{}{more}]", shown.join(" "))
}

/// Why the band is what it is: the score's own band, what raised it, what overrides it.
pub(super) fn band(standing: &pb::Standing, detail: &pb::StandingDetail, page: Page) -> String {
    let mut text = page.heading("WHY THIS BAND");
    let computed = band_word(standing.computed_band());
    text.push_str(&bullet(&format!("The score of {} alone is {computed}.", points(standing.composite)), page));
    for floor in &detail.floors {
        let already = if floor.band() < standing.computed_band() { " (it is above that already)" } else { "" };
        let floor_text = format!(
            "At least {}, whatever the score{already}: {} ({}) {}",
            band_word(floor.band()),
            floor.description,
            floor.rule,
            records(&floor.evidence_ids, IDS)
        );
        text.push_str(&bullet(&floor_text, page));
    }
    match &detail.r#override {
        Some(it) => {
            let second =
                if it.second_officer.is_empty() { String::new() } else { format!(", with {}", it.second_officer) };
            let override_text = format!(
                "Overridden to {} by {}{second}, until {}: {} [{}]",
                band_word(it.band()),
                it.officer,
                day(&it.expires_on),
                it.rationale,
                it.record_id
            );
            text.push_str(&bullet(&override_text, page));
        }
        None if detail.floors.is_empty() => text.push_str(&bullet("No rule raises it and nobody overrides it.", page)),
        None => {}
    }
    text
}

/// Points of the composite by component, from the contributions, which sum to it exactly.
pub(super) fn shares(detail: &pb::StandingDetail) -> [(pb::Component, u32); 3] {
    [pb::Component::Threat, pb::Component::Risk, pb::Component::Harm].map(|part| {
        let of_part = detail.contributions.iter().filter(|it| it.component() == part);
        (part, of_part.map(|it| it.milli_points).sum())
    })
}

const fn meaning(part: pb::Component) -> &'static str {
    match part {
        pb::Component::Threat => "what could come next, and how soon",
        pb::Component::Risk => "how likely to offend again",
        pb::Component::Harm => "harm done, weighed to today",
        pb::Component::Unspecified => "",
    }
}

/// The three components as bars, each with its weight and the points that it gives.
pub(super) fn components(
    family: pb::Family,
    standing: &pb::Standing,
    detail: &pb::StandingDetail,
    page: Page,
) -> String {
    let mut text = page.heading("THE THREE PARTS");
    let scores = [standing.threat, standing.risk, standing.harm];
    for (place, ((part, share), score)) in shares(detail).into_iter().zip(scores).enumerate() {
        let weight = detail.weights.get(place).map_or_else(String::new, |weight| format!("x {weight:>2} %"));
        let _ = writeln!(
            text,
            "  {:<7} {}  {:>7} {weight} gives {:>6}   {}",
            component(part),
            bar(score, 100_000),
            points(score),
            points(share),
            page.faint(meaning(part))
        );
    }
    let custody = match family {
        pb::Family::Cohort if detail.custody_factor < 10_000 && !detail.weights.is_empty() => {
            format!("  (all x {}, for time still to serve)", ten_thousandths(detail.custody_factor))
        }
        pb::Family::Cohort | pb::Family::Outstanding | pb::Family::Unspecified => String::new(),
    };
    let _ =
        writeln!(text, "  {:<7} {:BAR$}  {:>7}         score {:>6}{custody}", "", "", "", points(standing.composite));
    if detail.escalating {
        text.push_str(&bullet(
            "Escalating: more harm in the last 365 days than in the 365 before. Shown, never scored.",
            page,
        ));
    }
    text
}

fn ten_thousandths(number: u32) -> String {
    format!("{}.{:04}", number / 10_000, number % 10_000).trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn cells(milli: u64, of: u64) -> usize {
    let most = u64::try_from(BAR).expect("a bar must be short");
    usize::try_from((milli * most + of / 2).checked_div(of).unwrap_or(0).min(most)).expect("a bar must be short")
}

fn bar(milli: u32, of: u32) -> String {
    let full = cells(milli.into(), of.into());
    "█".repeat(full) + &"·".repeat(BAR - full)
}

/// The piece of a bar that begins where the pieces before it ended.
fn piece(before: u64, milli: u32, of: u32) -> String {
    let start = cells(before, of.into()).min(BAR - 1);
    let end = cells(before + u64::from(milli), of.into()).max(start + 1);
    " ".repeat(start) + &"█".repeat(end - start) + &" ".repeat(BAR - end)
}

/// What the score is made of, the largest first, each with its numbers and records.
pub(super) fn waterfall(standing: &pb::Standing, detail: &pb::StandingDetail, everything: bool, page: Page) -> String {
    let mut text = page.heading("WHAT THE SCORE IS MADE OF");
    if detail.contributions.is_empty() {
        text.push_str("  Nothing held adds to the score.\n");
        return text;
    }
    let shown = if everything { detail.contributions.len() } else { REASONS };
    let ids = if everything { usize::MAX } else { IDS };
    let margin = 2 + 7 + 2 + BAR + 2;
    let mut before = 0;
    for it in detail.contributions.iter().take(shown) {
        let lead =
            format!("  {:>7}  {}  ", points(it.milli_points), piece(before, it.milli_points, standing.composite));
        let body = indented(&format!("{}: {}", component(it.component()), it.description), margin, page.width);
        text.push_str(&lead);
        text.push_str(&body[margin..]);
        let numbers = [factors(&it.factors), records(&it.evidence_ids, ids)];
        let numbers = numbers.iter().filter(|part| !part.is_empty()).cloned().collect::<Vec<_>>().join("  ");
        if !numbers.is_empty() {
            let lines = indented(&numbers, margin, page.width);
            text.extend(lines.lines().map(|line| page.faint(line) + "\n"));
        }
        before += u64::from(it.milli_points);
    }
    let rest = &detail.contributions[shown.min(detail.contributions.len())..];
    if !rest.is_empty() {
        let sum: u32 = rest.iter().map(|it| it.milli_points).sum();
        let smaller = format!("{} smaller ones together; --all shows each", rest.len());
        let _ = writeln!(text, "  {:>7}  {}  {smaller}", points(sum), piece(before, sum, standing.composite));
    }
    let _ = writeln!(text, "  -------\n  {:>7}  the score, exactly", points(standing.composite));
    text
}

/// What is missing or doubtful, what it could change, and what would settle it.
pub(super) fn gaps(standing: &pb::Standing, detail: &pb::StandingDetail, page: Page) -> String {
    let mut text = page.heading("WHAT IS MISSING OR DOUBTFUL");
    let interval = detail.interval.unwrap_or_default();
    if interval.low != interval.high {
        let ends = if interval.low_band == interval.high_band {
            format!("{} at either end", band_word(interval.low_band()))
        } else {
            format!("{} at one end, {} at the other", band_word(interval.low_band()), band_word(interval.high_band()))
        };
        let range =
            format!("The score may lie anywhere from {} to {}: {ends}.", points(interval.low), points(interval.high));
        text.push_str(&bullet(&range, page));
    }
    if standing.provisional {
        text.push_str(&bullet("The standing is provisional: settle what follows before relying on the band.", page));
    }
    for gap in &detail.gaps {
        let weight = if gap.widens_interval { "" } else { " Does not change the score." };
        let told = format!("{}{weight} ({}) {}", gap.description, gap.reason, records(&gap.evidence_ids, IDS));
        text.push_str(&bullet(&told, page));
    }
    if interval.low == interval.high && !standing.provisional && detail.gaps.is_empty() {
        text.push_str(&bullet("Nothing that would change the score.", page));
    }
    text
}

const fn predictor_band(band: pb::PredictorBand) -> &'static str {
    match band {
        pb::PredictorBand::VeryHigh => "VERY HIGH",
        pb::PredictorBand::High => "HIGH",
        pb::PredictorBand::Medium => "MEDIUM",
        pb::PredictorBand::Low => "LOW",
        pb::PredictorBand::Unspecified => "",
    }
}

fn percent(probability: f64) -> String {
    format!("{:.2} %", probability * 100.0)
}

/// The published predictors behind risk, as published.
pub(super) fn predictors(detail: &pb::StandingDetail, page: Page) -> String {
    if detail.predictors.is_empty() {
        return String::new();
    }
    let mut table = page.table();
    table.set_header([left("predictor"), right("in two years"), left("band"), left("from"), left("use")]);
    for it in &detail.predictors {
        let (probability, from) = match it.source() {
            pb::PredictorSource::Computed => (percent(it.probability), "computed here".to_owned()),
            pb::PredictorSource::Probation => {
                (percent(it.probability), format!("probation [{}]", plain(&it.evidence_id)))
            }
            pb::PredictorSource::Unspecified => (String::new(), format!("not computed: {}", plain(&it.missing))),
        };
        table.add_row([
            left(&it.instrument),
            right(probability),
            left(predictor_band(it.band())),
            left(from),
            left(if it.scored { "part of risk" } else { "shown, not scored" }),
        ]);
    }
    let scale =
        "  Likelihood of reoffending: ARP of any kind, VRP violently, SVRP with serious violence. OGRS3 is older.";
    format!("{}{}{}\n", page.heading("PREDICTORS"), drawn(&mut table, 2), page.faint(scale))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_of_a_waterfall_follow_one_another_and_the_smallest_is_seen() {
        let pieces = [piece(0, 50, 100), piece(50, 49, 100), piece(99, 1, 100)];
        for (place, piece) in pieces.iter().enumerate() {
            assert_eq!(piece.chars().count(), BAR, "{place}");
            assert!(piece.contains('█'), "{place}");
        }
        assert_eq!(pieces[0].trim_end().chars().count(), BAR / 2);
        assert!(pieces[1].starts_with(&" ".repeat(BAR / 2)) && pieces[2].ends_with('█'));
        assert_eq!(piece(0, 0, 0).chars().count(), BAR);
    }

    #[test]
    fn a_custody_factor_reads_as_a_fraction() {
        assert_eq!(ten_thousandths(3_000), "0.3");
        assert_eq!(ten_thousandths(10_000), "1");
    }
}
