//! The life of one outstanding file, newest first: what was done, whether it counts
//! and why not, what was documented late, and how long nothing was done.

use maud::{Markup, html};

use super::overdue::{allowance, exact, length};
use crate::api::page::words::{capital, day, instant};
use crate::pb;

/// Told later than this, it was documented late, seconds.
const LATE: i64 = 86_400;

/// Something to tell of, between what happened.
enum Told<'a> {
    /// What happened.
    Entry(&'a pb::TimelineEntry),
    /// So many seconds without activity that counts.
    Pause(i64),
}

/// Everything that happened to a file. `number` is its place on the page.
pub fn timeline(file: &pb::OutstandingFile, number: usize) -> Markup {
    let told = with_pauses(&file.timeline, allowed(file));
    let allowed = allowed(file).and_then(|seconds| u64::try_from(seconds).ok()).map(|it| length(allowance(it)));
    html! {
        ol.timeline {
            @for told in told.iter().rev() {
                @match told {
                    Told::Entry(entry) => (entry_of(entry, number)),
                    Told::Pause(seconds) => {
                        li.pause {
                            p {
                                strong { (pause(seconds.unsigned_abs(), allowed.as_deref())) " without activity" }
                                @if let Some(allowed) = &allowed { ": " (allowed) " would be allowed now" }
                                "."
                            }
                        }
                    }
                }
            }
        }
    }
}

/// How long nothing was done, in words that are other than those for what is allowed.
fn pause(seconds: u64, allowed: Option<&str>) -> String {
    let told = length(seconds);
    if allowed == Some(told.as_str()) { exact(seconds) } else { told }
}

/// Seconds that may pass without activity, as the file's clock says now. `None`: no such clock runs.
fn allowed(file: &pb::OutstandingFile) -> Option<i64> {
    let clock = file.clocks.iter().find(|reading| reading.clock() == pb::SupervisionClock::Activity)?;
    Some(clock.due_time.as_ref()?.seconds - clock.since_time.as_ref()?.seconds)
}

/// What happened, oldest first, with what is longer than allowed between one activity that counts and the next.
fn with_pauses(entries: &[pb::TimelineEntry], allowed: Option<i64>) -> Vec<Told<'_>> {
    let mut told = Vec::new();
    let mut since = None;
    for entry in entries {
        let at = entry.event_time.as_ref().map(|time| time.seconds);
        let done = entry.kind() == pb::TimelineKind::Activity && entry.counts;
        if let (true, Some(since), Some(at), Some(allowed)) = (done, since, at, allowed)
            && at - since > allowed
        {
            told.push(Told::Pause(at - since));
        }
        if done || entry.kind() == pb::TimelineKind::Opened {
            since = at.or(since);
        }
        told.push(Told::Entry(entry));
    }
    told
}

/// The word for a kind of entry.
const fn kind_word(kind: pb::TimelineKind) -> &'static str {
    match kind {
        pb::TimelineKind::Unspecified => "",
        pb::TimelineKind::Opened => "Opened",
        pb::TimelineKind::Closed => "Closed",
        pb::TimelineKind::Circulation => "Circulation",
        pb::TimelineKind::Activity => "Activity",
        pb::TimelineKind::Review => "Review",
        pb::TimelineKind::Band => "Band",
    }
}

fn entry_of(entry: &pb::TimelineEntry, number: usize) -> Markup {
    let id = (!entry.record_id.is_empty()).then(|| format!("record-{number}-{}-{}", entry.revision, entry.kind));
    html! {
        li id=[id] {
            p.when { (instant(entry.event_time.as_ref())) }
            p {
                strong { (kind_word(entry.kind())) ": " } (entry.description)
                @if !entry.officer.is_empty() { " By " (entry.officer) "." }
                @if let Some(activity) = &entry.activity && !activity.target_ref.is_empty() {
                    " About " (activity.target_ref) "."
                }
                " " (counts(entry))
                @if let Some(late) = late(entry) {
                    " " span.mark { "Documented " (exact(late)) " later" }
                }
            }
            (written(entry))
        }
    }
}

/// Whether it counts, in words. Nothing of what never could.
fn counts(entry: &pb::TimelineEntry) -> Markup {
    html! {
        // A band is no work that could count or not.
        @if entry.kind() == pb::TimelineKind::Band {}
        @else if entry.counts { span.mark { "Counts" } }
        @else if !entry.why_not.is_empty() { span.mark { "Does not count" } " " (capital(&entry.why_not)) }
    }
}

/// By how much later it was documented than it happened, where that is late.
fn late(entry: &pb::TimelineEntry) -> Option<u64> {
    let late = entry.recorded_time.as_ref()?.seconds - entry.event_time.as_ref()?.seconds;
    (late > LATE).then_some(late.unsigned_abs())
}

/// What its writer wrote.
fn written(entry: &pb::TimelineEntry) -> Markup {
    let mut texts: Vec<(&str, String)> = Vec::new();
    if let Some(activity) = &entry.activity {
        texts.push(("Note", activity.note.clone()));
    }
    if let Some(review) = &entry.review {
        texts.push(("Found", review.findings.clone()));
        texts.push(("To do", review.instructions.clone()));
        texts.push(("Review again by", day(&review.next_review_on)));
    }
    texts.retain(|(_, text)| !text.is_empty());
    html! {
        @if !texts.is_empty() {
            dl.written {
                @for (name, text) in texts { div { dt { (name) } dd { (text) } } }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: i64 = 86_400;

    fn at(days: i64) -> Option<pbjson_types::Timestamp> {
        (days >= 0).then_some(pbjson_types::Timestamp { seconds: 1_780_000_000 + days * DAY, nanos: 0 })
    }

    fn entry(kind: pb::TimelineKind, day: i64, counts: bool) -> pb::TimelineEntry {
        pb::TimelineEntry {
            kind: kind.into(),
            event_time: at(day),
            recorded_time: at(day),
            counts,
            record_id: format!("r-{day}"),
            ..Default::default()
        }
    }

    fn file(timeline: Vec<pb::TimelineEntry>) -> pb::OutstandingFile {
        let clock = pb::ClockReading {
            clock: pb::SupervisionClock::Activity.into(),
            since_time: at(0),
            due_time: at(7),
            overdue_seconds: 0,
        };
        pb::OutstandingFile { timeline, clocks: vec![clock], ..Default::default() }
    }

    #[test]
    fn what_happened_is_told_newest_first_with_the_time_in_which_nothing_was_done() {
        use pb::TimelineKind::{Activity, Opened};
        let did =
            [entry(Opened, 0, false), entry(Activity, 3, true), entry(Activity, 9, false), entry(Activity, 12, true)];
        let told = timeline(&file(did.to_vec()), 0).0;
        let pause = told.find("9 days without activity").expect("what does not count ends no pause");
        let newest = told.find("9 June 2026").expect("the last must be told");
        assert!(newest < pause && pause < told.find("Opened").unwrap(), "{told}");
        assert!(
            told.contains("7 days would be allowed now") && told.matches("without activity").count() == 1,
            "{told}"
        );
        let closed = pb::OutstandingFile { clocks: Vec::new(), ..file(did.to_vec()) };
        assert!(!timeline(&closed, 0).0.contains("without activity"), "no clock runs");
    }

    #[test]
    fn what_does_not_count_is_told_with_why_and_what_is_documented_late_with_how_late() {
        let mut own = entry(pb::TimelineKind::Review, 5, false);
        own.why_not = "the reviewer is the officer in the case".to_owned();
        own.recorded_time = at(8);
        own.review = Some(pb::Review {
            findings: "<script>alert(1)</script>".to_owned(),
            rank: pb::SupervisorRank::Inspector.into(),
            next_review_on: "2026-07-01".to_owned(),
            ..Default::default()
        });
        own.officer = "PS-\"9".to_owned();
        let told = timeline(&file(vec![own]), 0).0;
        for said in [
            "Does not count</span> The reviewer is the officer in the case",
            "Documented 3 days later",
            "By PS-&quot;9.",
            "<dt>Found</dt><dd>&lt;script&gt;alert(1)&lt;/script&gt;</dd>",
            "<dt>Review again by</dt><dd>1 July 2026</dd>",
        ] {
            assert!(told.contains(said), "{said} is not in {told}");
        }
        assert!(!told.contains("To do"), "what was not written is not told");
    }
}
