//! The life of a file, oldest first, and of each thing whether it counts.

use std::fmt::Write as _;

use crate::cli::output::{Page, day, indented, plain};
use crate::cli::when;
use crate::cli::word::spoken_number;
use crate::domain::word::SupervisorRank;
use crate::pb;

/// Characters before what happened: margin, instant, gap.
const MARGIN: usize = 21;
/// Told later than this, it was documented late, seconds.
const LATE: u64 = 86_400;

/// The word for a kind of entry.
pub fn kind_word(kind: pb::TimelineKind) -> &'static str {
    match kind {
        pb::TimelineKind::Unspecified => "",
        pb::TimelineKind::Opened => "opened",
        pb::TimelineKind::Closed => "closed",
        pb::TimelineKind::Circulation => "circulation",
        pb::TimelineKind::Activity => "activity",
        pb::TimelineKind::Review => "review",
        pb::TimelineKind::Band => "band",
    }
}

/// The entries, each with its instant before it.
pub fn timeline(entries: &[pb::TimelineEntry], page: Page) -> String {
    entries.iter().map(|entry| told(entry, page)).collect()
}

fn told(entry: &pb::TimelineEntry, page: Page) -> String {
    let mut said = vec![what(entry)];
    if entry.counts {
        said.push("counts".to_owned());
    } else if !entry.why_not.is_empty() {
        said.push(format!("does not count: {}", entry.why_not));
    }
    if let Some(late) = when::between(entry.event_time.as_ref(), entry.recorded_time.as_ref()).filter(|it| *it > LATE) {
        said.push(format!("documented {} later, on {}", when::length(late), when::told(entry.recorded_time.as_ref())));
    }
    said.extend(words_of(entry));
    let text: String = said.iter().map(|text| indented(text, MARGIN, page.width)).collect();
    // The first line's margin holds the instant.
    let instant = format!("  {:<width$}", when::told(entry.event_time.as_ref()), width = MARGIN - 2);
    instant + text.get(MARGIN..).unwrap_or_default()
}

fn what(entry: &pb::TimelineEntry) -> String {
    let mut text = format!("{}: {}", kind_word(entry.kind()), entry.description);
    if let Some(minutes) = entry.activity.as_ref().map(|activity| activity.minutes).filter(|minutes| *minutes > 0) {
        let _ = write!(text, " {minutes} min.");
    }
    let rank = entry.review.as_ref().map(|review| spoken_number::<SupervisorRank>(review.rank)).unwrap_or_default();
    let who = [&*rank, &*entry.officer].into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
    let record = if entry.record_id.is_empty() { String::new() } else { format!(" [{}]", entry.record_id) };
    if who.is_empty() { format!("{text}{record}") } else { format!("{text} ({who}){record}") }
}

/// What its writer wrote.
fn words_of(entry: &pb::TimelineEntry) -> Vec<String> {
    let mut words = Vec::new();
    let mut say = |word: &str, text: &str| {
        if !text.is_empty() {
            words.push(format!("{word}: {}", plain(text)));
        }
    };
    if let Some(activity) = &entry.activity {
        say("note", &activity.note);
    }
    if let Some(review) = &entry.review {
        say("found", &review.findings);
        say("to do", &review.instructions);
        say("review again by", &day(&review.next_review_on));
    }
    words
}
