//! What would move the band, and which rank each table of harm gives.

use std::fmt::Write as _;

use super::parts::{bullet, records};
use crate::cli::output::{Page, band_cell, band_word, count, drawn, indented, left, plain, points, right};
use crate::cli::word::list_name;
use crate::pb;

/// Record ids shown of one change.
const IDS: usize = 4;

/// Both, of one list and of all of them.
pub(super) fn screen(standing: &pb::GetStandingResponse, listed: &pb::ListedStanding, page: Page) -> String {
    changes(listed, page) + &tables(standing, page)
}

fn changes(listed: &pb::ListedStanding, page: Page) -> String {
    let mut text = page.heading("WHAT WOULD CHANGE THE BAND");
    text.extend(listed.counterfactual_notes.iter().map(|note| indented(&plain(note), 2, page.width)));
    for (direction, title) in
        [(pb::BandDirection::Up, "To a higher band"), (pb::BandDirection::Down, "To a lower band")]
    {
        let told: Vec<_> = listed.counterfactuals.iter().filter(|it| it.direction() == direction).collect();
        if told.is_empty() {
            continue;
        }
        let _ = writeln!(text, "  {}", page.bold(title));
        text.extend(told.into_iter().map(|it| bullet(&change(it), page)));
    }
    text
}

fn change(it: &pb::Counterfactual) -> String {
    let description = plain(&it.description);
    if !it.found {
        return format!("{}: {description}", kind(it.kind()));
    }
    let size = match it.kind() {
        pb::CounterfactualKind::AssessmentRenewed | pb::CounterfactualKind::IntelligenceRegraded => {
            let unit = plain(&it.unit);
            format!(", {} {}", it.size, if it.size == 1 { unit.trim_end_matches('s') } else { &unit })
        }
        pb::CounterfactualKind::OffenceFreeTime
        | pb::CounterfactualKind::RecordCleared
        | pb::CounterfactualKind::AllegationProved
        | pb::CounterfactualKind::FileClosed
        | pb::CounterfactualKind::Unspecified => String::new(),
    };
    let held =
        if it.shown_band == it.band { String::new() } else { format!(" Shown: {}.", band_word(it.shown_band())) };
    let told = format!("{}{size}: {description}{held} {}", kind(it.kind()), records(&it.evidence_ids, IDS));
    told.trim_end().to_owned()
}

const fn kind(kind: pb::CounterfactualKind) -> &'static str {
    match kind {
        pb::CounterfactualKind::OffenceFreeTime => "Time",
        pb::CounterfactualKind::AssessmentRenewed => "Assessment",
        pb::CounterfactualKind::IntelligenceRegraded => "Intelligence",
        pb::CounterfactualKind::RecordCleared => "Allegation cleared",
        pb::CounterfactualKind::AllegationProved => "Allegation proved",
        pb::CounterfactualKind::FileClosed => "File closed",
        pb::CounterfactualKind::Unspecified => "Change",
    }
}

fn tables(standing: &pb::GetStandingResponse, page: Page) -> String {
    let heading = page.heading("RANK BY EACH TABLE OF HARM");
    if standing.harm_ranks.is_empty() {
        return format!("{heading}  The person stands on no list that you may see.\n");
    }
    let mut table = page.table();
    table.set_header([
        left("table"),
        left("list"),
        right("rank"),
        right("of"),
        left("band"),
        right("score"),
        right("harm"),
        right("revision"),
    ]);
    for it in &standing.harm_ranks {
        table.add_row([
            left(plain(&it.table)),
            left(list_name(it.list)),
            right(count(it.rank)),
            right(count(it.list_size)),
            band_cell(it.effective_band()),
            right(points(it.composite)),
            right(points(it.harm)),
            right(count(it.revision)),
        ]);
    }
    let mut told: Vec<(&str, &str)> =
        standing.harm_ranks.iter().map(|it| (it.table.as_str(), it.source.as_str())).collect();
    told.dedup();
    let sources = told.into_iter().map(|(name, source)| indented(&plain(&format!("{name}: {source}")), 2, page.width));
    format!("{heading}{}{}", drawn(&mut table, 2), sources.collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::test_screens::agrees_with;

    fn rank(table: &str, source: &str, list: pb::List, rank: u32, harm: u32) -> pb::HarmRank {
        pb::HarmRank {
            table: table.to_owned(),
            source: source.to_owned(),
            list: list.into(),
            rank,
            position: rank,
            list_size: 1_412,
            effective_band: pb::Band::High.into(),
            composite: 41_017,
            harm,
            revision: 20_114,
        }
    }

    fn moved(kind: pb::CounterfactualKind, direction: pb::BandDirection, size: u32, unit: &str) -> pb::Counterfactual {
        pb::Counterfactual {
            kind: kind.into(),
            direction: direction.into(),
            found: true,
            size,
            unit: unit.to_owned(),
            band: pb::Band::Medium.into(),
            shown_band: pb::Band::Medium.into(),
            ..Default::default()
        }
    }

    fn listed() -> pb::ListedStanding {
        use pb::BandDirection::{Down, Up};
        use pb::CounterfactualKind::{AllegationProved, IntelligenceRegraded, OffenceFreeTime};
        let time = pb::Counterfactual {
            description: "With nothing new for 7 months, until 30 October 2026: the band would be MEDIUM at 39.871 \
                          points; it is HIGH at 41.017."
                .to_owned(),
            ..moved(OffenceFreeTime, Down, 7, "months")
        };
        let report = pb::Counterfactual {
            description: "Were the report of 1 March 2026, graded 1A, graded 1B instead: the band would be MEDIUM at \
                          39.990 points; it is HIGH at 41.017."
                .to_owned(),
            evidence_ids: vec!["intel-9".to_owned()],
            shown_band: pb::Band::High.into(),
            ..moved(IntelligenceRegraded, Down, 1, "steps")
        };
        let none = pb::Counterfactual {
            found: false,
            reason: "NOTHING_HELD".to_owned(),
            description: "No allegation is held that is still undecided.".to_owned(),
            ..moved(AllegationProved, Up, 0, "records")
        };
        pb::ListedStanding {
            counterfactuals: vec![report, time, none],
            counterfactual_notes: vec![crate::scoring::counterfactual::NOT_ADVICE.to_owned()],
            ..Default::default()
        }
    }

    #[test]
    fn what_would_move_the_band_and_the_rank_by_each_table() {
        let index = "The Cambridge Crime Harm Index with the policy's overrides, by which lists are made.";
        let maximum =
            "The longest sentence that the law allows, from the list of CJS offence codes; life counts as 30 years.";
        let standing = pb::GetStandingResponse {
            harm_ranks: vec![
                rank("cambridge_harm_index", index, pb::List::Cohort, 3, 72_000),
                rank("cambridge_harm_index", index, pb::List::All, 12, 72_000),
                rank("maximum_sentence", maximum, pb::List::Cohort, 9, 65_119),
                rank("maximum_sentence", maximum, pb::List::All, 31, 65_119),
            ],
            ..Default::default()
        };
        agrees_with("explain-what-if.txt", &screen(&standing, &listed(), Page::PLAIN));
    }

    #[test]
    fn a_record_s_text_cannot_command_the_terminal() {
        let mut listed = listed();
        listed.counterfactuals[0].description.push('\u{1b}');
        listed.counterfactual_notes.push("\u{1b}[2J".to_owned());
        assert!(!screen(&pb::GetStandingResponse::default(), &listed, Page::PLAIN).contains('\u{1b}'));
    }
}
