//! One outstanding file: what it is, what is overdue on it, whom to tell, what to do
//! next, everything that happened, and the ways to a review and to an activity.

use std::fmt::Write as _;

use axum::extract::State;
use axum::response::Response;
use maud::{Markup, html};
use tonic::Status;

use super::terms::told;
use super::timeline::timeline;
use super::{overdue, victims};
use crate::api::page::asked;
use crate::api::page::shell::{self, Here, Page};
use crate::api::page::table::{self, Column, or_not_recorded, words};
use crate::api::page::words::{band, capital, day, instant, person_path};
use crate::api::page::{Pages, Visit};
use crate::domain::word::{Circulation, CloseOutcome, OutstandingReason, SupervisionClock, WarrantCategory};
use crate::pb;
use crate::telling::bail_terms;

/// One file, or every file of a person.
pub async fn page(State(pages): State<Pages>, visit: Visit) -> Response {
    let revision = visit.parameter("revision").parse().unwrap_or_default();
    let (subject_ref, id) = (visit.parameter("ref"), visit.parameter("id"));
    match read(&visit, &subject_ref, &id, revision).await {
        Ok(answer) => {
            let title = format!("Outstanding file of {}", answer.subject_ref);
            let back = Some(("What is overdue".to_owned(), "/supervision".to_owned()));
            let content = content(&answer, &visit.parameter("recorded"));
            Page { title: &title, here: Here::Supervision, back, content }.respond(&pages)
        }
        Err(status) => shell::refused(&pages, Here::Supervision, &status),
    }
}

/// A person's file, or every one of theirs, as of a revision at least.
///
/// # Errors
/// As the call.
pub async fn read(
    visit: &Visit,
    subject_ref: &str,
    outstanding_id: &str,
    min_revision: u64,
) -> Result<pb::GetOutstandingResponse, Status> {
    let asked = pb::GetOutstandingRequest {
        subject_ref: subject_ref.to_owned(),
        outstanding_id: outstanding_id.to_owned(),
        min_revision,
        ..Default::default()
    };
    Ok(visit.asker.outstanding().get_outstanding(asked).await?.into_inner())
}

/// What the page is about. `recorded`: id of a record that was just written.
pub fn content(answer: &pb::GetOutstandingResponse, recorded: &str) -> Markup {
    let subject_ref = &answer.subject_ref;
    html! {
        (confirmed(answer, recorded))
        div.title {
            h1 {
                @if answer.files.len() > 1 { "Outstanding files of " } @else { "Outstanding file of " }
                (subject_ref)
            }
            p { a href=(person_path(subject_ref, None)) { "Why " (subject_ref) " stands where they do" } }
        }
        (shell::told_from(answer.context.as_ref()))
        @if answer.files.is_empty() { p { "No outstanding file of this person is held." } }
        @for (number, file) in answer.files.iter().enumerate() {
            section aria-labelledby=(format!("file-{number}")) {
                h2 id=(format!("file-{number}")) { "File " (file.outstanding_id) }
                (one(answer, file, number))
            }
        }
    }
}

/// That what was sent is recorded, and whether it counts: as the file itself tells it, so that no address can say it falsely.
fn confirmed(answer: &pb::GetOutstandingResponse, recorded: &str) -> Markup {
    let entries = answer.files.iter().flat_map(|file| &file.timeline);
    let entry = entries.filter(|_| !recorded.is_empty()).find(|entry| entry.record_id == recorded);
    let Some(entry) = entry else { return html! {} };
    let what = if entry.kind() == pb::TimelineKind::Review { "The review" } else { "The activity" };
    html! {
        div.notice.notice-good[entry.counts || entry.why_not.is_empty()].notice-warning[!entry.why_not.is_empty()] role="status" {
            p { strong { (what) " is recorded." } }
            p {
                @if entry.counts { "It counts." }
                @else if entry.why_not.is_empty() { "It is kept with the file. What is of its kind resets no clock." }
                @else { "It does not count: " (entry.why_not) }
            }
        }
    }
}

fn one(answer: &pb::GetOutstandingResponse, file: &pb::OutstandingFile, number: usize) -> Markup {
    let record = file.file.clone().unwrap_or_default();
    html! {
        (facts(answer, file, &record))
        @if file.open {
            p.actions {
                a.button href=(form_path("review", &answer.subject_ref, &file.outstanding_id)) { "Record a review" } " "
                a.button href=(form_path("activity", &answer.subject_ref, &file.outstanding_id)) { "Record an activity" }
            }
        }
        @if !file.prompts.is_empty() {
            h3 { "What to do next" }
            ul { @for prompt in &file.prompts { li { (prompt) } } }
        }
        (due(&file.clocks, number))
        (linked(&file.victims, number))
        h3 { "What happened, newest first" }
        @if file.timeline.is_empty() { p { "Nothing is recorded." } } @else { (timeline(file, number)) }
    }
}

/// The address of a form for a file.
pub fn form_path(form: &str, subject_ref: &str, outstanding_id: &str) -> String {
    asked::to(&format!("/outstanding/file/{form}"), &[("ref", subject_ref), ("id", outstanding_id)])
}

/// What the file is, in a list of facts.
pub fn facts(answer: &pb::GetOutstandingResponse, file: &pb::OutstandingFile, record: &pb::Outstanding) -> Markup {
    let circulated = told::<Circulation>(record.circulation);
    html! {
        dl.facts {
            (fact("Why outstanding", &words(&capital(told::<OutstandingReason>(record.reason)))))
            (fact("State", &state(answer, file, record)))
            (fact("Band", &html! { @if file.band == 0 { "On no outstanding list now" } @else { (band(file.band())) } }))
            (fact("Circulation", &words(&capital(if circulated.is_empty() { "not circulated" } else { circulated }))))
            (fact("Area", &or_not_recorded(&record.area)))
            (fact("Officer", &or_not_recorded(&record.officer)))
            (fact("Supervisor", &or_not_recorded(&record.supervisor)))
            (fact("Wanted for", &words(&record.offence_ids.join(", "))))
            @if let Some(bail) = &record.bail { (fact("Bail", &words(&bail_terms(bail)))) }
            @if let Some(warrant) = &record.warrant { (fact("Warrant", &words(&warrant_words(warrant)))) }
            @if let Some(recall) = &record.recall { (fact("Recall", &words(&recall_words(recall)))) }
        }
    }
}

/// A fact with its name; nothing where it is not known.
fn fact(name: &str, known: &Markup) -> Markup {
    html! { @if !known.0.is_empty() { div { dt { (name) } dd { (known) } } } }
}

fn state(answer: &pb::GetOutstandingResponse, file: &pb::OutstandingFile, record: &pb::Outstanding) -> Markup {
    let seconds = |time: Option<&pbjson_types::Timestamp>| time.map_or(0, |time| time.seconds);
    let open = seconds(answer.instant.as_ref()) - seconds(file.opened_time.as_ref());
    let last = record.periods.last().cloned().unwrap_or_default();
    html! {
        @if file.open {
            "Open for " (overdue::length(u64::try_from(open).unwrap_or(0))) ", since " (instant(file.opened_time.as_ref()))
        } @else {
            "Closed on " (day(&last.closed_on)) ": " (told::<CloseOutcome>(last.outcome))
            @if !last.closed_by.is_empty() { ", by " (last.closed_by) }
        }
    }
}

fn warrant_words(warrant: &pb::WarrantTerms) -> String {
    let category = told::<WarrantCategory>(warrant.category);
    let mut parts = Vec::new();
    if !category.is_empty() {
        parts.push(format!("category {category}"));
    }
    if !warrant.court.is_empty() {
        parts.push(format!("of {}", warrant.court));
    }
    if !warrant.issued_on.is_empty() {
        parts.push(format!("issued on {}", day(&warrant.issued_on)));
    }
    if !warrant.target_on.is_empty() {
        parts.push(format!("to be executed by {}", day(&warrant.target_on)));
    }
    parts.join(", ")
}

fn recall_words(recall: &pb::RecallTerms) -> String {
    let notified = instant(recall.notified_time.as_ref());
    let mut text = if notified.is_empty() {
        "the force was told when the file opened".to_owned()
    } else {
        format!("the force was told on {notified}")
    };
    if !recall.target_on.is_empty() {
        let _ = write!(text, ", to be back in custody by {}", day(&recall.target_on));
    }
    text
}

/// What has to happen by when.
pub fn due(clocks: &[pb::ClockReading], number: usize) -> Markup {
    let columns = [Column::Words("What"), Column::Words("How it stands"), Column::Words("Since"), Column::Words("Due")];
    html! {
        @if !clocks.is_empty() {
            (table::framed(&format!("due-{number}"), "What is overdue, and what is due next", &columns, clocks.iter().map(|reading| [
                words(&capital(told::<SupervisionClock>(reading.clock))),
                html! {
                    @if reading.overdue_seconds > 0 { strong { "Overdue: " } }
                    (capital(&overdue::standing(reading)))
                },
                words(&instant(reading.since_time.as_ref())),
                words(&instant(reading.due_time.as_ref())),
            ])))
        }
    }
}

fn linked(linked: &[pb::LinkedVictim], number: usize) -> Markup {
    let columns = [
        Column::Words("Victim"),
        Column::Words("Recorded as"),
        Column::Words("Last told"),
        Column::Words("To be told"),
    ];
    html! {
        @if !linked.is_empty() {
            (table::framed(&format!("victims-{number}"), "Victims linked to this file", &columns, linked.iter().map(|victim| [
                victims::reference(victim),
                words(victims::recorded_as(victim)),
                victims::last_told(victim),
                victims::to_be_told(victim),
            ])))
        }
    }
}
