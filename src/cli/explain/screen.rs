//! The one screen: where the person stands, in short why, then each step of the way
//! down to the records.

use std::fmt::Write;

use super::Story;
use super::parts;
use crate::cli::list::{notes, told_from};
use crate::cli::output::{
    Page, band_cell, band_word, count, drawn, indented, left, ordinal, plain, points, right, signed_points,
};
use crate::cli::word::{component, list_name, typed};
use crate::domain::word::List;
use crate::pb;

/// The explanation. With `everything`, every reason is shown, however small.
pub fn screen(story: &Story, everything: bool, page: Page) -> String {
    let standing = story.listed.standing.clone().unwrap_or_default();
    let detail = standing.detail.clone().unwrap_or_default();
    let mut text = header(story, &standing, page);
    text.push_str(&parts::safeguarding(&detail, page));
    text.push_str(&in_short(story, &standing, &detail, page));
    text.push_str(&parts::band(&standing, &detail, page));
    text.push_str(&parts::components(story.listed.family(), &standing, &detail, page));
    text.push_str(&parts::waterfall(&standing, &detail, everything, page));
    text.push_str(&parts::gaps(&standing, &detail, page));
    text.push_str(&parts::predictors(&detail, page));
    text.push_str(&neighbours(story, &standing, page));
    text.push_str(&elsewhere(story, page));
    text
}

fn header(story: &Story, standing: &pb::Standing, page: Page) -> String {
    let title = format!(
        "{} is {} of {} on {}",
        plain(&story.standing.subject_ref),
        ordinal(standing.rank),
        count(story.listed.list_size),
        list_name(story.listed.list)
    );
    let mut facts = vec![format!("score {} of 100", points(standing.composite))];
    let notes = notes(standing);
    if !notes.is_empty() {
        facts.push(notes);
    }
    if !story.standing.areas.is_empty() {
        facts.push(format!("area {}", plain(&story.standing.areas.join(", "))));
    }
    if !story.standing.offender_manager.is_empty() {
        facts.push(format!("offender manager {}", plain(&story.standing.offender_manager)));
    }
    format!(
        "{}\nBand {}, {}.\n{}\n",
        page.bold(&title),
        page.band(standing.effective_band()),
        facts.join(", "),
        page.faint(&told_from(story.standing.context.as_ref()))
    )
}

/// Two or three sentences that answer the question, for somebody who reads no further.
fn in_short(story: &Story, standing: &pb::Standing, detail: &pb::StandingDetail, page: Page) -> String {
    let mut sentences = Vec::new();
    let shares = parts::shares(detail);
    if let Some((part, share)) = shares.iter().copied().max_by_key(|(_, share)| *share).filter(|(_, share)| *share > 0)
    {
        sentences.push(format!(
            "{} gives the largest part of the score, {} of {} points.",
            capital(component(part)),
            points(share),
            points(standing.composite)
        ));
    }
    if let Some(first) = detail.contributions.first() {
        sentences.push(format!(
            "The largest single reason, {} points: {}",
            points(first.milli_points),
            sentence(&first.description)
        ));
    }
    if standing.overridden {
        sentences.push("An officer's override decides the band.".to_owned());
    } else if standing.effective_band != standing.computed_band {
        let floors: Vec<_> = detail.floors.iter().filter(|floor| floor.band == standing.effective_band).collect();
        let rules: Vec<_> = floors.iter().map(|floor| floor.rule.as_str()).collect();
        sentences.push(format!(
            "The score alone would give {}; {} raises the band to {}.",
            band_word(standing.computed_band()),
            plain(&rules.join(" and ")),
            band_word(standing.effective_band())
        ));
    }
    match &story.above {
        Some(above) => sentences.push(format!("Not higher because: {}", sentence(&above.explanation))),
        None => sentences.push("Nobody stands higher.".to_owned()),
    }
    if let Some(below) = &story.below {
        sentences.push(format!("Not lower because: {}", sentence(&below.explanation)));
    }
    format!("{}{}", page.heading("IN SHORT"), indented(&sentences.join(" "), 2, page.width))
}

fn sentence(text: &str) -> String {
    let text = plain(text);
    if text.ends_with('.') { text } else { text + "." }
}

fn capital(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

fn neighbours(story: &Story, standing: &pb::Standing, page: Page) -> String {
    let around = &story.neighbourhood;
    if around.above.is_empty() && around.below.is_empty() {
        return format!("{}  Nobody else stands on this list.\n", page.heading("NEIGHBOURS"));
    }
    let mut table = page.table();
    table.set_header([
        left(""),
        right("#"),
        left("subject"),
        left("band"),
        right("score"),
        right("difference"),
        left("notes"),
    ]);
    let own = signed(standing.composite);
    let subject = around.subject.as_ref().unwrap_or(standing);
    let above = around.above.iter().map(|row| (row, Side::Above));
    let below = around.below.iter().map(|row| (row, Side::Below));
    for (row, side) in above.chain([(subject, Side::Here)]).chain(below) {
        let difference = signed(row.composite) - own;
        let mut told = vec![notes(row)];
        told.extend(against_score(side, difference).map(str::to_owned));
        told.retain(|note| !note.is_empty());
        table.add_row([
            left(if side == Side::Here { "->" } else { "" }),
            right(count(row.rank)),
            left(&row.subject_ref),
            band_cell(row.effective_band()),
            right(points(row.composite)),
            right(if side == Side::Here { String::new() } else { signed_points(difference) }),
            left(told.join(", ")),
        ]);
    }
    format!("{}{}", page.heading("NEIGHBOURS"), drawn(&mut table, 2))
}

/// Where a neighbour stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Above,
    Here,
    Below,
}

/// What keeps a neighbour in place against the scores, which alone would put them the other way round.
fn against_score(side: Side, difference: i32) -> Option<&'static str> {
    match side {
        Side::Above if difference < 0 => Some("above by band"),
        Side::Below if difference > 0 => Some("below by band"),
        Side::Above | Side::Here | Side::Below => None,
    }
}

fn signed(milli: u32) -> i32 {
    i32::try_from(milli).expect("milli-points must be at most 100,000")
}

/// The other lists that the person stands on.
fn elsewhere(story: &Story, page: Page) -> String {
    let others: Vec<_> = story.standing.standings.iter().filter(|listed| listed.list != story.listed.list).collect();
    if others.is_empty() {
        return String::new();
    }
    let mut text = page.heading("ALSO STANDS ON");
    for listed in others {
        let standing = listed.standing.clone().unwrap_or_default();
        let flag = List::from_proto(listed.list).map_or_else(String::new, typed);
        let place = format!("{} of {}", ordinal(standing.rank), count(listed.list_size));
        let _ = writeln!(
            text,
            "  {:<12} {place:<20} {:<10} {}   {}",
            list_name(listed.list),
            band_word(standing.effective_band()),
            points(standing.composite),
            page.faint(&format!("--list {flag}"))
        );
    }
    text
}
