//! Alignment as people read it: the number, the people, the areas, the days.

use std::fmt::Write as _;

use comfy_table::ColumnConstraint;

use crate::cli::list::told_from;
use crate::cli::output::{Page, band_cell, count, drawn, indented, left, lines, plain, points, right};
use crate::cli::word::spoken_number;
use crate::domain::word::{CohortStatus, DecisionKind};
use crate::pb;

/// The alignment.
pub fn screen(answer: &pb::GetAlignmentResponse, page: Page) -> String {
    let from = page.faint(&told_from(answer.context.as_ref()));
    if answer.members == 0 {
        return format!("{}  Nobody is managed.\n{from}\n", page.bold("ALIGNMENT"));
    }
    let number = format!("ALIGNMENT  {}", share(answer.aligned_share));
    let mut text = format!(
        "{} of members stand where threat, risk and harm would put them: {} of {}.\n{from}\n",
        page.bold(&number),
        count(answer.aligned),
        count(answer.members)
    );
    text.push_str(&by_status(&answer.statuses, page));
    for status in &answer.statuses {
        text.push_str(&people(status, page));
    }
    text.push_str(&by_area(&answer.by_area, page));
    text.push_str(&over_time(&answer.over_time, page));
    text
}

/// Ten-thousandths in per cent.
fn share(ten_thousandths: u32) -> String {
    format!("{}.{:02} %", ten_thousandths / 100, ten_thousandths % 100)
}

/// A part of a whole in per cent, rounded down. Empty of nothing.
fn share_of(part: u32, whole: u32) -> String {
    let ten_thousandths = u64::from(part).saturating_mul(10_000).checked_div(u64::from(whole));
    ten_thousandths.map_or_else(String::new, |it| share(u32::try_from(it).unwrap_or(u32::MAX)))
}

fn by_status(statuses: &[pb::StatusAlignment], page: Page) -> String {
    let mut table = page.table();
    let numbers = [
        "members",
        "aligned",
        "share",
        "passed over",
        "with a reason",
        "without",
        "below the line",
        "with a reason",
        "without",
    ];
    table.set_header(std::iter::once(left("status")).chain(numbers.map(right)));
    for it in statuses {
        let numbers = [
            count(it.members),
            count(it.aligned),
            if it.members == 0 { String::new() } else { share(it.aligned_share) },
            count(it.passed_over),
            count(it.passed_over_with_reason),
            count(it.passed_over.saturating_sub(it.passed_over_with_reason)),
            count(it.below),
            count(it.below_with_reason),
            count(it.below.saturating_sub(it.below_with_reason)),
        ];
        table.add_row(std::iter::once(left(spoken_number::<CohortStatus>(it.status))).chain(numbers.map(right)));
    }
    page.heading("BY STATUS: EACH COMPARED WITH ITS OWN") + &drawn(&mut table, 2)
}

/// Those above the line who were passed over and those below it who are managed, without a reason first.
fn people(status: &pb::StatusAlignment, page: Page) -> String {
    let word = spoken_number::<CohortStatus>(status.status).to_uppercase();
    let sides = [
        ("PASSED OVER", &status.passed_over_people, status.passed_over, status.passed_over_with_reason),
        ("MANAGED BELOW THE LINE", &status.below_people, status.below, status.below_with_reason),
    ];
    let mut text = String::new();
    for (side, named, all, with_reason) in sides {
        let (reasoned, bare): (Vec<_>, Vec<_>) = named.iter().partition(|person| !person.rationale.is_empty());
        for (title, group, number) in [
            ("NO REASON IS RECORDED", bare, all.saturating_sub(with_reason)),
            ("WITH A RECORDED REASON", reasoned, with_reason),
        ] {
            if number > 0 || !group.is_empty() {
                let title = format!("{word}, {side}, {title}: {} ({} named)", count(number), group.len());
                text.push_str(&page.heading(&title));
                text.push_str(&group_of(&group, page));
            }
        }
    }
    text
}

fn group_of(people: &[&pb::Misalignment], page: Page) -> String {
    if people.is_empty() {
        return String::new();
    }
    let mut table = page.table();
    table.set_header([right("place"), left("subject"), left("band"), right("score"), left("areas"), left("decided")]);
    for person in people {
        let decided = [spoken_number::<DecisionKind>(person.decision), person.decided_on.clone()];
        table.add_row([
            right(count(person.position)),
            left(&person.subject_ref),
            band_cell(person.band()),
            right(points(person.composite)),
            left(person.areas.join(", ")),
            left(decided.into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")),
        ]);
    }
    // A row is one line, so that what follows a row can follow its line.
    for column in table.column_iter_mut() {
        column.set_constraint(ColumnConstraint::ContentWidth);
    }
    let mut text = String::new();
    let reasons = [None, None].into_iter().chain(people.iter().map(|person| Some(&person.rationale)));
    for (line, reason) in lines(&mut table).zip(reasons) {
        let _ = writeln!(text, "  {line}");
        if let Some(reason) = reason.filter(|reason| !reason.is_empty()) {
            text.extend(indented(reason, 9, page.width).lines().map(|line| page.faint(line) + "\n"));
        }
    }
    text
}

fn by_area(areas: &[pb::AreaAlignment], page: Page) -> String {
    if areas.is_empty() {
        return String::new();
    }
    let mut table = page.table();
    table.set_header([left("area"), right("members"), right("aligned"), right("share"), right("passed over")]);
    for it in areas {
        table.add_row([
            left(if it.area.is_empty() { "not recorded".to_owned() } else { plain(&it.area) }),
            right(count(it.members)),
            right(count(it.aligned)),
            right(share_of(it.aligned, it.members)),
            right(count(it.passed_over)),
        ]);
    }
    page.heading("BY AREA") + &drawn(&mut table, 2)
}

fn over_time(points: &[pb::AlignmentPoint], page: Page) -> String {
    if points.is_empty() {
        return String::new();
    }
    let mut table = page.table();
    let numbers = ["members", "aligned", "share", "passed over", "no reason"];
    table.set_header(["day", "status"].map(left).into_iter().chain(numbers.map(right)));
    for it in points {
        let numbers = [
            count(it.members),
            count(it.aligned),
            share_of(it.aligned, it.members),
            count(it.passed_over),
            count(it.passed_over.saturating_sub(it.passed_over_with_reason)),
        ];
        let which = [left(&it.as_of), left(spoken_number::<CohortStatus>(it.status))];
        table.add_row(which.into_iter().chain(numbers.map(right)));
    }
    page.heading("OVER TIME, THE WHOLE FORCE") + &drawn(&mut table, 2)
}
