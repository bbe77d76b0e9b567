//! The briefing on one screen of fifty lines: a heading says what its rows are, a row
//! is one line, and what does not fit is cut where it shows.

use std::fmt::Write as _;

use comfy_table::ColumnConstraint;

use super::{Listed, Morning, Moved};
use crate::cli::list::{notes, told_from};
use crate::cli::movements::{bands, change, counted as counted_kinds, reason};
use crate::cli::output::{
    Page, band_cell, band_word, count, day, drawn, left, plain, right, short_points, signed_points,
};
use crate::cli::outstanding::{clock_word, last_told, victim_ref, victim_word};
use crate::cli::when;
use crate::cli::word::{Typed, spoken_number};
use crate::domain::Date;
use crate::domain::word::{
    Circulation, CloseOutcome, CohortStatus, Family, List, MovementKind, OutstandingReason, Rag,
};
use crate::pb;

/// Said of a part that the caller may not see.
const NOT_PERMITTED: &str = "not permitted to this caller";

/// The briefing.
pub fn screen(morning: &Morning, page: Page) -> String {
    let areas = if morning.areas.is_empty() { "whole force".to_owned() } else { plain(&morning.areas.join(", ")) };
    let context = morning.lists.iter().find_map(|(_, listed)| listed.as_ref()?.summary.context.as_ref());
    let title = format!("BRIEFING  {} in London, {areas}", when::told(Some(&morning.now)));
    let mut text = format!("{}\n{}\n", page.bold(&title), page.faint(&told_from(context)));
    for (place, (list, listed)) in morning.lists.iter().enumerate() {
        text.push_str(&if place < 2 {
            leading(*list, listed.as_ref(), page)
        } else {
            line(*list, listed.as_ref(), page)
        });
    }
    for (list, answer) in &morning.moved {
        text.push_str(&moved(*list, answer, page));
    }
    text.push_str(&gaps(morning.gaps.as_ref(), page));
    text.push_str(&victims(morning.victims.as_ref(), page));
    text.push_str(&reviews(morning.reviews.as_ref(), page));
    text.push_str(&yesterday(morning.yesterday.as_ref(), page));
    let hint = "In full: steelyard list, movements, gaps, victims, cohort reviews, return. Why: steelyard explain";
    text + &format!("\n{}\n", page.faint(&cut(hint, page.width)))
}

/// At most so many characters; one that ends what was cut.
fn cut(text: &str, most: usize) -> String {
    let text = plain(text);
    if text.chars().count() <= most {
        return text;
    }
    text.chars().take(most.saturating_sub(1)).chain(['…']).collect()
}

fn part(title: &str, said: &str, page: Page) -> String {
    let said = cut(said, page.width.saturating_sub(title.chars().count() + 2));
    format!("\n{}  {said}\n", page.bold(title))
}

/// What stands in one place of a row.
enum Piece {
    /// Gives way where there is no room.
    Text(String),
    /// Is never cut.
    Whole(String),
    Number(String),
    Band(pb::Band),
}

impl Piece {
    fn text(text: &str) -> Self {
        Self::Text(plain(text))
    }

    fn width(&self) -> usize {
        match self {
            Self::Text(text) | Self::Whole(text) | Self::Number(text) => text.chars().count(),
            Self::Band(band) => band_word(*band).len(),
        }
    }
}

/// Rows of one line each. Where they are too wide, the widest column of text gives way first.
fn rows<const COLUMNS: usize>(rows: &[[Piece; COLUMNS]], page: Page) -> String {
    let Some(first) = rows.first() else { return String::new() };
    let widest = |column: usize| rows.iter().map(|row| row[column].width()).max().unwrap_or_default();
    let mut widths: [usize; COLUMNS] = std::array::from_fn(widest);
    // Two columns of margin, and two after each but the last.
    while widths.iter().sum::<usize>() + 2 * COLUMNS > page.width {
        let texts = (0..COLUMNS).filter(|column| matches!(first[*column], Piece::Text(_)) && widths[*column] > 1);
        let Some(column) = texts.max_by_key(|column| widths[*column]) else { break };
        widths[column] -= 1;
    }
    let mut table = page.table();
    for row in rows {
        table.add_row(row.iter().zip(widths).map(|(piece, width)| match piece {
            Piece::Text(text) => left(cut(text, width)),
            Piece::Whole(text) => left(text),
            Piece::Number(number) => right(number),
            Piece::Band(band) => band_cell(*band),
        }));
    }
    for column in table.column_iter_mut() {
        column.set_constraint(ColumnConstraint::ContentWidth);
    }
    drawn(&mut table, 2)
}

fn counted(number: u32, one: &str, more: &str) -> String {
    format!("{} {}", count(number), if number == 1 { one } else { more })
}

/// How many stand on a list, by band.
fn size(listed: &Listed) -> String {
    let bands = listed.summary.by_band.iter().filter(|band| band.count > 0).map(|band| {
        let word = band.name.strip_prefix("BAND_").unwrap_or(&band.name).replace('_', " ");
        format!("{} {word}", count(band.count))
    });
    let bands = bands.collect::<Vec<_>>().join(", ");
    let people = counted(listed.summary.size, "person", "people");
    if bands.is_empty() { people } else { format!("{people}: {bands}") }
}

/// A list with a row a person.
fn leading(list: List, listed: Option<&Listed>, page: Page) -> String {
    let Some(listed) = listed else { return part(list.contract_name(), NOT_PERMITTED, page) };
    let today = listed.first.context.as_ref().and_then(|context| context.as_of.parse().ok());
    let people = listed.first.standings.iter().map(|standing| {
        let about = match list.family() {
            Family::Cohort => managed(standing),
            Family::Outstanding => wanted(standing, today),
        };
        [
            Piece::Number(count(standing.rank)),
            Piece::text(&standing.subject_ref),
            Piece::Band(standing.effective_band()),
            Piece::Number(short_points(standing.composite)),
            Piece::text(&joined([about, notes(standing)], "; ")),
        ]
    });
    part(list.contract_name(), &size(listed), page) + &rows(&people.collect::<Vec<_>>(), page)
}

/// The words that are not empty, with something between them.
fn joined<const WORDS: usize>(words: [String; WORDS], between: &str) -> String {
    words.into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>().join(between)
}

fn managed(standing: &pb::Standing) -> String {
    let place = match standing.custody() {
        pb::CustodyState::Remand => "on remand",
        pb::CustodyState::Sentence => "serving a sentence",
        pb::CustodyState::AtLiberty | pb::CustodyState::Unspecified => "",
    };
    let status = spoken_number::<CohortStatus>(standing.cohort_status);
    joined([status, spoken_number::<Rag>(standing.rag), place.to_owned()], ", ")
}

fn wanted(standing: &pb::Standing, today: Option<Date>) -> String {
    let since = standing.outstanding_since.parse::<Date>().ok();
    let days = since.zip(today).map(|(since, today)| match today - since {
        1 => "1 day".to_owned(),
        days => format!("{days} days"),
    });
    joined([days.unwrap_or_default(), spoken_number::<Circulation>(standing.circulation)], ", ")
}

/// A list with one line, naming as many as it holds; none where nobody stands on it.
fn line(list: List, listed: Option<&Listed>, page: Page) -> String {
    let title = list.contract_name();
    let Some(listed) = listed else { return format!("{}  {NOT_PERMITTED}\n", page.bold(title)) };
    if listed.summary.size == 0 {
        return String::new();
    }
    let room = page.width.saturating_sub(title.len() + 2);
    let mut said = format!("{}. First: ", size(listed));
    for (place, standing) in listed.first.standings.iter().enumerate() {
        let name = format!("{}{}", if place == 0 { "" } else { ", " }, plain(&standing.subject_ref));
        if place > 0 && said.chars().count() + name.chars().count() > room {
            break;
        }
        said.push_str(&name);
    }
    format!("{}  {}\n", page.bold(title), cut(&said, room))
}

/// Who moved on a list since the day before, those who moved most first, and why.
fn moved(list: List, answer: &Moved, page: Page) -> String {
    let title = format!("MOVED ON {}", list.contract_name());
    let answer = match answer {
        Moved::Told(answer) => answer,
        Moved::NotPermitted => return part(&title, NOT_PERMITTED, page),
        Moved::Nothing(why) => return part(&title, why, page),
    };
    let since = answer.from.as_ref().map_or_else(String::new, |end| day(&end.as_of));
    let first = answer.movements.iter().map(|it| {
        [
            Piece::text(&it.subject_ref),
            Piece::text(&spoken_number::<MovementKind>(it.kind)),
            Piece::Whole(bands(it)),
            Piece::Number(signed_points(change(it))),
            Piece::text(&reason(it)),
        ]
    });
    part(&title, &format!("since {since}: {}", counted_kinds(&answer.counts)), page)
        + &rows(&first.collect::<Vec<_>>(), page)
}

/// Who looks for a person, and who looks at that.
fn who(officer: &str, supervisor: &str) -> String {
    format!("{}, then {}", or_nobody(officer), or_nobody(supervisor))
}

fn or_nobody(name: &str) -> &str {
    if name.is_empty() { "nobody" } else { name }
}

fn by(overdue_seconds: i64) -> String {
    when::length(u64::try_from(overdue_seconds).unwrap_or_default())
}

fn gaps(answer: Option<&pb::ListSupervisionGapsResponse>, page: Page) -> String {
    let title = "WHAT IS OVERDUE";
    let Some(answer) = answer else { return part(title, NOT_PERMITTED, page) };
    let said = format!(
        "{} of {}; {} never reviewed. Worst first, and who looks:",
        count(answer.overdue_files),
        counted(answer.open_files, "open file", "open files"),
        count(answer.never_reviewed)
    );
    let worst = answer.gaps.iter().map(|gap| {
        let overdue = |clock: &pb::ClockReading| format!("{} {}", clock_word(clock.clock), by(clock.overdue_seconds));
        [
            Piece::text(&gap.subject_ref),
            Piece::Band(gap.band()),
            Piece::text(&spoken_number::<OutstandingReason>(gap.reason)),
            Piece::Whole(gap.clocks.first().map_or_else(String::new, overdue)),
            Piece::text(&who(&gap.officer, &gap.supervisor)),
        ]
    });
    part(title, &said, page) + &rows(&worst.collect::<Vec<_>>(), page)
}

fn victims(answer: Option<&pb::ListVictimUpdatesResponse>, page: Page) -> String {
    let title = "VICTIMS TO TELL";
    let Some(answer) = answer else { return part(title, NOT_PERMITTED, page) };
    if answer.updates.is_empty() {
        return part(title, "nobody's update is overdue", page);
    }
    let said = format!("overdue on {}. First, and who tells:", counted(answer.files, "file", "files"));
    let none = pb::LinkedVictim::default();
    let first = answer.updates.iter().map(|update| {
        let victim = update.victim.as_ref().unwrap_or(&none);
        let told =
            if victim.updated_time.is_none() { "never told".to_owned() } else { format!("last {}", last_told(victim)) };
        [
            Piece::text(&victim_ref(victim)),
            Piece::text(&victim_word(victim)),
            Piece::Whole(format!("{} overdue", by(victim.overdue_seconds))),
            Piece::text(&told),
            Piece::text(&format!("of {}", update.subject_ref)),
            Piece::text(or_nobody(&update.officer)),
        ]
    });
    part(title, &said, page) + &rows(&first.collect::<Vec<_>>(), page)
}

fn reviews(answer: Option<&pb::ListCohortReviewsResponse>, page: Page) -> String {
    let title = "COHORT REVIEWS";
    let Some(answer) = answer else { return part(title, NOT_PERMITTED, page) };
    if answer.reviews.is_empty() {
        return part(title, "none is overdue", page);
    }
    let said = format!("{} overdue. First, and whose they are:", counted(answer.overdue, "is", "are"));
    let first = answer.reviews.iter().map(|review| {
        let grade = [spoken_number::<CohortStatus>(review.status), spoken_number::<Rag>(review.rag)];
        [
            Piece::text(&review.subject_ref),
            Piece::Band(review.band()),
            Piece::text(&joined(grade, ", ")),
            Piece::Whole(format!("{} overdue", by(review.overdue_seconds))),
            Piece::text(or_nobody(&review.offender_manager)),
        ]
    });
    part(title, &said, page) + &rows(&first.collect::<Vec<_>>(), page)
}

fn yesterday(answer: Option<&pb::GetOutstandingReturnResponse>, page: Page) -> String {
    let Some(answer) = answer else { return part("YESTERDAY", NOT_PERMITTED, page) };
    let total = answer.total.unwrap_or_default();
    let closed = answer.closed.iter().map(|it| it.files).fold(0, u32::saturating_add);
    let outcomes = answer.closed.iter().filter(|it| it.files > 0);
    let outcomes = outcomes.map(|it| format!("{} {}", count(it.files), spoken_number::<CloseOutcome>(it.outcome)));
    let outcomes = outcomes.collect::<Vec<_>>().join(", ");
    let outcomes = if outcomes.is_empty() { outcomes } else { format!(": {outcomes}") };
    let said = format!("{} opened, {} closed{outcomes}", counted(answer.opened, "file", "files"), count(closed));
    let state = format!(
        "  At its end {} open, {} never circulated, {} linked to a vulnerable victim.",
        counted(total.open, "file was", "files were"),
        count(total.never_circulated),
        count(total.with_vulnerable_victim)
    );
    let left_over = format!(
        "  {} and still circulated as wanted: the person could be arrested again.",
        counted(answer.closed_still_circulated, "file is closed", "files are closed")
    );
    let mut text = part(&format!("YESTERDAY, {}", day(&answer.as_at)), &said, page);
    let _ = writeln!(text, "{}", cut(&state, page.width));
    if answer.closed_still_circulated > 0 {
        let _ = writeln!(text, "{}", cut(&left_over, page.width));
    }
    text
}
