//! A ranked list as a table that a person enjoys reading.

use comfy_table::{Cell, ColumnConstraint};

use crate::cli::output::{
    Page, band_cell, band_word, count, day, indented, left, lines, plain, points, right, short_points,
};
use crate::cli::word::{Typed, component, spoken_number, typed};
use crate::domain::Date;
use crate::domain::word::{Circulation, CohortStatus, Family, List, Rag};
use crate::pb;

/// The list: what it is, its rows, and how to go on.
pub fn screen(list: List, answer: &pb::ListStandingsResponse, filtered: bool, page: Page) -> String {
    let mut text = headline(list, answer, page);
    if answer.standings.is_empty() {
        text.push_str(if filtered { "Nobody on it matches the filter.\n" } else { "Nobody stands on it.\n" });
        return text;
    }
    text.push('\n');
    text.push_str(&rows(list, answer, page));
    text.push_str(&footer(list, answer, filtered, page));
    text
}

/// What a read answers from, in a sentence.
pub(in crate::cli) fn told_from(context: Option<&pb::ReadContext>) -> String {
    context.map_or_else(String::new, |context| {
        let stale = if context.stale { " STALE: this day is older than the force allows." } else { "" };
        format!(
            "Weighed as of {} by policy {} at revision {}.{stale}",
            day(&context.as_of),
            plain(&context.policy_version),
            count(context.revision)
        )
    })
}

fn headline(list: List, answer: &pb::ListStandingsResponse, page: Page) -> String {
    let people = if answer.list_size == 1 { "person" } else { "people" };
    format!(
        "{}  {} {people}. {}\n",
        page.bold(list.contract_name()),
        count(answer.list_size),
        told_from(answer.context.as_ref())
    )
}

/// A row a person. Where contributions were sent, the largest follow on a line of their own.
fn rows(list: List, answer: &pb::ListStandingsResponse, page: Page) -> String {
    let mut table = page.table();
    let mut header = vec![right("#"), left("subject"), left("band"), right("score")];
    header.extend(["threat", "risk", "harm"].map(right));
    match list.family() {
        Family::Cohort => header.push(left("managed")),
        Family::Outstanding => header.extend([left("since"), right("days"), left("circulated")]),
    }
    header.push(left("notes"));
    table.set_header(header);
    let today = answer.context.as_ref().and_then(|context| context.as_of.parse().ok());
    for standing in &answer.standings {
        let mut row = vec![
            right(count(standing.rank)),
            left(&standing.subject_ref),
            band_cell(standing.effective_band()),
            right(points(standing.composite)),
        ];
        row.extend([standing.threat, standing.risk, standing.harm].map(|milli| right(short_points(milli))));
        match list.family() {
            Family::Cohort => row.push(managed(standing)),
            Family::Outstanding => row.extend(wanted(standing, today)),
        }
        row.push(left(whereabouts(standing)));
        table.add_row(row);
    }
    // A row is one line, so that what follows a row can follow its line.
    for column in table.column_iter_mut() {
        column.set_constraint(ColumnConstraint::ContentWidth);
    }
    let mut text = String::new();
    let reasons = [None, None].into_iter().chain(answer.standings.iter().map(mainly));
    for (line, reasons) in lines(&mut table).zip(reasons) {
        text.push_str(&line);
        text.push('\n');
        if let Some(reasons) = reasons {
            text.extend(indented(&reasons, 6, page.width).lines().map(|line| page.faint(line) + "\n"));
        }
    }
    text
}

fn managed(standing: &pb::Standing) -> Cell {
    let words = [spoken_number::<CohortStatus>(standing.cohort_status), spoken_number::<Rag>(standing.rag)];
    left(words.into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>().join(", "))
}

fn wanted(standing: &pb::Standing, today: Option<Date>) -> [Cell; 3] {
    let since = standing.outstanding_since.parse::<Date>().ok();
    let days = since.zip(today).map_or_else(String::new, |(since, today)| (today - since).to_string());
    [left(&standing.outstanding_since), right(days), left(spoken_number::<Circulation>(standing.circulation))]
}

fn whereabouts(standing: &pb::Standing) -> String {
    let place = match standing.custody() {
        pb::CustodyState::Remand => "on remand",
        pb::CustodyState::Sentence => "serving a sentence",
        pb::CustodyState::AtLiberty | pb::CustodyState::Unspecified => "",
    };
    let notes = notes(standing);
    [place, &notes].into_iter().filter(|note| !note.is_empty()).collect::<Vec<_>>().join(", ")
}

/// What a reader must know before trusting the band.
pub(in crate::cli) fn notes(standing: &pb::Standing) -> String {
    let mut notes = Vec::new();
    if standing.child {
        notes.push("under 18".to_owned());
    }
    if standing.provisional {
        notes.push("provisional".to_owned());
    }
    if standing.overridden {
        notes.push(format!("override, computed {}", band_word(standing.computed_band())));
    } else if standing.effective_band != standing.computed_band {
        notes.push(format!("raised from {}", band_word(standing.computed_band())));
    }
    notes.join(", ")
}

/// The three largest reasons. `None`: none were sent.
fn mainly(standing: &pb::Standing) -> Option<String> {
    let contributions = &standing.detail.as_ref()?.contributions;
    let largest = contributions.iter().take(3).map(|it| {
        let rule = plain(&it.rule.to_lowercase().replace('_', " "));
        format!("{} {}: {rule}", short_points(it.milli_points), component(it.component()))
    });
    Some(largest.collect::<Vec<_>>().join("; ")).filter(|text| !text.is_empty())
}

fn footer(list: List, answer: &pb::ListStandingsResponse, filtered: bool, page: Page) -> String {
    let shown = u64::try_from(answer.standings.len()).expect("a length must fit in 64 bits");
    let first = &answer.standings[0];
    let matching = if filtered {
        format!(" of those that match, from a list of {}", count(answer.list_size))
    } else {
        String::new()
    };
    let more = if answer.next_page_token.is_empty() { "" } else { " More follow: --all shows them." };
    let command = format!("steelyard explain {} --list {}", plain(&first.subject_ref), typed(list));
    let hint = format!("Why somebody stands where they do: {command}");
    format!("\n{}\n{}\n", page.faint(&format!("{} shown{matching}.{more}", count(shown))), page.faint(&hint))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::test_screens::{agrees_with, context, standing};

    #[test]
    fn the_cohort_reads_well() {
        let mut child = standing("S-000007", 3, pb::Band::Medium, 41_500);
        child.computed_band = pb::Band::High.into();
        child.overridden = true;
        child.provisional = true;
        child.child = true;
        child.custody = pb::CustodyState::Remand.into();
        let answer = pb::ListStandingsResponse {
            context: Some(context()),
            standings: vec![
                standing("S-000113", 1, pb::Band::VeryHigh, 62_150),
                standing("S-000042", 2, pb::Band::High, 59_960),
                child,
            ],
            next_page_token: "more".to_owned(),
            list_size: 1_412,
        };
        agrees_with("list_cohort.txt", &screen(List::Cohort, &answer, false, Page::PLAIN));
    }

    #[test]
    fn outstanding_shows_since_when_and_where_circulated() {
        let mut raised = standing("S-000900", 1, pb::Band::VeryHigh, 38_004);
        raised.computed_band = pb::Band::Medium.into();
        raised.outstanding_since = "2025-12-31".to_owned();
        raised.circulation = pb::Circulation::PncWanted.into();
        let answer = pb::ListStandingsResponse {
            context: Some(pb::ReadContext { stale: true, ..context() }),
            standings: vec![raised],
            next_page_token: String::new(),
            list_size: 1,
        };
        agrees_with("list_outstanding.txt", &screen(List::Outstanding, &answer, true, Page::PLAIN));
    }

    #[test]
    fn with_contributions_the_largest_reasons_follow_each_person() {
        let mut first = standing("S-000113", 1, pb::Band::VeryHigh, 62_150);
        let reason = |rule: &str, milli_points| pb::Contribution {
            component: pb::Component::Harm.into(),
            rule: rule.to_owned(),
            milli_points,
            ..Default::default()
        };
        let contributions =
            vec![reason("OFFENCE", 40_000), reason("ARP", 20_000), reason("VRP", 2_000), reason("SVRP", 150)];
        first.detail = Some(pb::StandingDetail { contributions, ..Default::default() });
        let answer = pb::ListStandingsResponse {
            standings: vec![first, standing("S-000042", 2, pb::Band::High, 59_960)],
            list_size: 2,
            ..Default::default()
        };
        let text = screen(List::All, &answer, false, Page::PLAIN);
        let lines: Vec<_> = text.lines().collect();
        let row = lines.iter().position(|line| line.contains("VERY HIGH")).unwrap();
        assert_eq!(lines[row + 1], "      40.0 harm: offence; 20.0 harm: arp; 2.0 harm: vrp");
        assert!(lines[row + 2].contains("S-000042"), "{text}");
    }

    #[test]
    fn an_empty_answer_says_whether_list_or_filter_is_empty() {
        let answer = pb::ListStandingsResponse { context: Some(context()), ..Default::default() };
        assert!(screen(List::Recalls, &answer, false, Page::PLAIN).contains("Nobody stands on it."));
        assert!(screen(List::Recalls, &answer, true, Page::PLAIN).contains("Nobody on it matches the filter."));
    }
}
