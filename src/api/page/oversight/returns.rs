//! The return on outstanding suspects that an inspectorate asks for, as at the end of
//! any past day. Asked again with the same address it says the same, so that a number
//! once given out can be shown again.

mod counts;

use axum::extract::State;
use axum::response::Response;
use jiff::civil;
use maud::{Markup, html};
use tonic::{Code, Status};
use tonic_types::StatusExt;

use super::fields::{Fault, Field, Filled, summary};
use super::overdue::exact;
use super::terms::told;
use crate::api::http::problem;
use crate::api::page::asked::{self, Asked};
use crate::api::page::shell::{self, Here, Page};
use crate::api::page::table::{self, Column, figure, share, words};
use crate::api::page::words::{capital, count, counted, day, instant, sentence};
use crate::api::page::{Pages, Visit};
use crate::domain::Date;
use crate::domain::date::london;
use crate::domain::word::CloseOutcome;
use crate::pb;

const PATH: &str = "/return";
const AS_AT: Field =
    Field { name: "as_at", label: "As at the end of", hint: "A day that is over, such as 2026-11-27." };
const FROM: Field = Field { name: "from", label: "Opened and closed since", hint: "Empty: the first of that month." };
const KNOWN_AT: Field = Field {
    name: "known_at",
    label: "As known at",
    hint: "Only what was known by then counts. In London. Empty: the end of the day above.",
};
const AREAS: Field = Field { name: "areas", label: "Area", hint: "Empty: the whole force." };

/// The return.
pub async fn page(State(pages): State<Pages>, visit: Visit) -> Response {
    let mut asked = visit.asked.clone();
    if asked.one(AS_AT.name).is_empty() {
        let now = jiff::Timestamp::now();
        asked = asked.and(AS_AT.name, &(Date::in_london(now) + -1).to_string());
        // By what is known now: what was documented this morning belongs to yesterday's return.
        if asked.one(KNOWN_AT.name).is_empty() {
            asked = asked.and(KNOWN_AT.name, &now.to_string());
        }
    }
    let request = match request(&visit, &asked) {
        Ok(request) => request,
        Err(status) => return shell::refused(&pages, Here::Return, &status),
    };
    let page =
        |content, title: &str, code| Page { title, here: Here::Return, back: None, content }.respond_with(code, &pages);
    match visit.asker.outstanding().get_outstanding_return(request.clone()).await {
        Ok(answer) => page(content(&asked, &answer.into_inner()), "Outstanding return", http::StatusCode::OK),
        Err(status) if status.code() == Code::InvalidArgument => {
            let faults = faults(&status);
            page(wrong(&asked, &faults), "Error: Outstanding return", problem::http_status(status.code(), ""))
        }
        Err(status) => shell::refused(&pages, Here::Return, &status),
    }
}

/// What is asked for, with a moment said on the clock in London.
fn request(visit: &Visit, asked: &Asked) -> Result<pb::GetOutstandingReturnRequest, Status> {
    let stated: pb::GetOutstandingReturnRequest =
        visit.message("steelyard.v1.GetOutstandingReturnRequest", &[AS_AT.name, FROM.name, KNOWN_AT.name])?;
    Ok(pb::GetOutstandingReturnRequest {
        as_at: asked.one(AS_AT.name).to_owned(),
        from: asked.one(FROM.name).to_owned(),
        known_at: known_at(asked.one(KNOWN_AT.name)),
        ..stated
    })
}

/// A moment as a form says it, on the clock in London, or as RFC 3339 writes it. What cannot be read is one that no call takes.
fn known_at(text: &str) -> Option<pbjson_types::Timestamp> {
    if text.is_empty() {
        return None;
    }
    let zoned = text.parse::<jiff::Timestamp>().ok();
    let in_london = || Some(text.parse::<civil::DateTime>().ok()?.to_zoned(london()).ok()?.timestamp());
    let at = zoned.or_else(in_london).map(|at| (at.as_second(), at.subsec_nanosecond()));
    let (seconds, nanos) = at.unwrap_or((i64::MAX, 0));
    Some(pbjson_types::Timestamp { seconds, nanos })
}

/// A moment of an answer.
fn moment(at: Option<&pbjson_types::Timestamp>) -> Option<jiff::Timestamp> {
    at.and_then(|at| jiff::Timestamp::new(at.seconds, at.nanos).ok())
}

fn faults(status: &Status) -> Vec<Fault> {
    let details = status.get_error_details();
    let violations = details.bad_request().map(|bad| bad.field_violations.clone()).unwrap_or_default();
    let told = violations.into_iter().map(|violation| {
        let known = [AS_AT, FROM, KNOWN_AT, AREAS];
        let field = known.iter().find(|field| violation.field.split('[').next() == Some(field.name));
        match field {
            Some(field) => {
                let text = match violation.reason.as_str() {
                    "REQUIRED" | "INVALID_DATE" => format!("{}: enter a day, such as 2026-11-27", field.label),
                    "INVALID_TIME" => format!("{}: enter a day and a time, or leave it empty", field.label),
                    _ => violation.description.replacen(&violation.field, &format!("“{}”", field.label), 1),
                };
                Fault { field: field.name, text: sentence(&text) }
            }
            None => Fault { field: "", text: capital(&sentence(&violation.description)) },
        }
    });
    let told: Vec<_> = told.collect();
    if told.is_empty() { vec![Fault { field: "", text: capital(&sentence(status.message())) }] } else { told }
}

fn form(filled: &Filled<'_>) -> Markup {
    html! {
        form.inline method="get" action=(PATH) novalidate {
            div.fields {
                (filled.line(AS_AT, "date", ""))
                (filled.line(FROM, "date", ""))
                (filled.line(KNOWN_AT, "datetime-local", ""))
                (filled.line(AREAS, "text", ""))
            }
            p.actions { button type="submit" { "Show the return" } }
        }
    }
}

fn wrong(asked: &Asked, faults: &[Fault]) -> Markup {
    html! {
        (summary(faults))
        h1 { "Outstanding return" }
        (form(&Filled { asked, faults }))
    }
}

/// What the page is about.
pub fn content(asked: &Asked, answer: &pb::GetOutstandingReturnResponse) -> Markup {
    let stated = moment(answer.known_at.as_ref()).filter(|_| asked.ticked(KNOWN_AT.name));
    // As the field of a form takes it, whatever the address said.
    let stated = stated.map(|at| at.to_zoned(london()).strftime("%Y-%m-%dT%H:%M:%S").to_string());
    let asked = asked.and(KNOWN_AT.name, &stated.unwrap_or_default());
    html! {
        div.title {
            h1 { "Outstanding return" }
            p.as-at {
                "As at the end of " strong { time datetime=(answer.as_at) { (day(&answer.as_at)) } } ", "
                @if answer.areas.is_empty() { "the whole force" } @else { (answer.areas.join(", ")) }
                "."
            }
            p.from {
                "What was known by " (instant(answer.known_at.as_ref())) ", to revision " (count(answer.revision))
                ", by policy " (answer.policy_version) ", of store " (answer.store)
                ". "
                @if answer.revision == 0 { "Nothing had reached the server by then: “As known at” takes a later time. " }
                "Asked again it says the same: " a href=(json_path(answer)) { "the same as JSON" } "."
            }
        }
        (form(&Filled { asked: &asked, faults: &[] }))
        (totals(answer))
        (period(answer))
        (counts::sections(&answer.cells))
    }
}

/// The call that gives the same.
fn json_path(answer: &pb::GetOutstandingReturnResponse) -> String {
    let known = moment(answer.known_at.as_ref()).map(|at| at.to_string()).unwrap_or_default();
    let mut said = vec![("as_at", answer.as_at.as_str()), ("known_at", &known), ("from", &answer.from)];
    said.extend(answer.areas.iter().map(|area| ("areas", area.as_str())));
    asked::to("/v1/OutstandingService/GetOutstandingReturn", &said)
}

fn totals(answer: &pb::GetOutstandingReturnResponse) -> Markup {
    let total = answer.total.unwrap_or_default();
    let of = |part: u32, whole: u32, what: &str| [words(what), figure(part), words(&share(part, whole))];
    let open = total.open;
    let rows = [
        of(total.active_in_time, open, "with no activity overdue"),
        of(total.reviewed_in_time, open, "with no review overdue"),
        of(total.never_circulated, open, "never circulated since they opened"),
        of(total.never_reviewed, open, "never reviewed since they opened"),
        of(total.with_vulnerable_victim, open, "linked to a vulnerable victim"),
        of(total.with_repeat_victim, open, "linked to a repeat victim"),
        of(total.with_victim_to_update, open, "linked to a victim to be told"),
        of(total.victims_updated_in_time, open, "with no victim’s update overdue"),
    ];
    let columns = [Column::Words("Of these"), Column::Figure("Files"), Column::Figure("Share")];
    html! {
        section aria-labelledby="totals" {
            h2 #totals { "At the end of the day" }
            p {
                strong.size { (counted(open, "open file", "open files")) } " of " (counted(answer.people, "person", "people"))
                ". " (count(answer.people_failed_repeatedly)) " of them failed to surrender twice or more, on different days."
            }
            (table::framed("totals-table", "Open files", &columns, rows))
        }
    }
}

fn period(answer: &pb::GetOutstandingReturnResponse) -> Markup {
    let closed = answer.closed.iter().map(|closed| closed.files).fold(0, u32::saturating_add);
    let outcomes = answer.closed.iter().filter(|closed| closed.files > 0);
    let outcomes: Vec<_> =
        outcomes.map(|closed| format!("{} {}", count(closed.files), told::<CloseOutcome>(closed.outcome))).collect();
    let medians = [
        ("To be circulated", answer.to_circulate),
        ("To the first activity that counts", answer.to_first_activity),
        ("To the close", answer.to_close),
    ];
    let columns =
        [Column::Words("From becoming outstanding"), Column::Words("Half took at most"), Column::Figure("Files")];
    let rows = medians.map(|(what, median)| {
        let median = median.unwrap_or_default();
        let took = if median.files == 0 { "no such file".to_owned() } else { exact(median.seconds) };
        [words(what), words(&took), figure(median.files)]
    });
    html! {
        section aria-labelledby="period" {
            h2 #period { "From " (day(&answer.from)) " to " (day(&answer.as_at)) }
            p {
                (counted(answer.opened, "file", "files")) " opened, or opened again. " (counted(closed, "file", "files")) " closed"
                @if !outcomes.is_empty() { ": " (outcomes.join(", ")) }
                "."
            }
            @if answer.closed_still_circulated > 0 {
                div.notice.notice-warning role="note" {
                    p {
                        strong { (counted(answer.closed_still_circulated, "file is closed", "files are closed")) }
                        " and still circulated as wanted: the person could be arrested again."
                    }
                }
            }
            p { (counted(answer.documented_late, "record", "records")) " of what happened reached the server more than a day later." }
            (table::framed("medians", "How long it took", &columns, rows))
        }
    }
}
