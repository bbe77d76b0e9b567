//! What the forms of a file have in common. A form is sent as a call with the id that
//! it was made with, so that sent twice it is done once; what the call refuses is told
//! at the fields, with all that was filled in kept; what it takes leads back to the
//! file. Nothing is judged here that the call judges.

use axum::response::{IntoResponse, Redirect, Response};
use jiff::civil;
use maud::{Markup, html};
use tonic::{Code, Status};
use tonic_types::StatusExt;
use uuid::Uuid;

use super::fields::{Fault, Field, Filled, summary};
use super::{file, gaps};
use crate::api::http::problem;
use crate::api::page::asked::{self, Asked};
use crate::api::page::shell::{self, Here, Page};
use crate::api::page::words::{capital, sentence};
use crate::api::page::{Pages, Visit};
use crate::domain::date::london;
use crate::pb;

/// Largest form, in bytes: two texts of 2,000 characters, each letter written as twelve, and the rest.
pub const LARGEST: usize = 64 * 1024;

/// An instant that no call takes: stands for what cannot be read, so that the call tells of it with everything else.
const UNREADABLE: pbjson_types::Timestamp = pbjson_types::Timestamp { seconds: i64::MAX, nanos: 0 };

/// A form of a file.
pub struct Form {
    /// Its path after that of the file.
    pub path: &'static str,
    /// Its title.
    pub title: &'static str,
    /// What its button says.
    pub button: &'static str,
    /// Its fields, each with what to say where it is empty and must not be.
    pub fields: &'static [(Field, &'static str)],
    /// The fields, filled in.
    pub markup: fn(&Filled<'_>) -> Markup,
}

impl Form {
    /// The form, to be filled in.
    pub async fn empty(&self, pages: &Pages, visit: &Visit) -> Response {
        let asked = visit.asked.clone();
        self.shown(pages, visit, &asked, &[], http::StatusCode::OK, Uuid::new_v4().to_string()).await
    }

    /// The form, refused by its call.
    pub async fn refused(&self, pages: &Pages, visit: &Visit, asked: &Asked, status: &Status) -> Response {
        if status.code() == Code::Unauthenticated {
            return shell::refused(pages, Here::Supervision, status);
        }
        let told = problem::told(status);
        let reason = told["reason"].as_str().unwrap_or_default();
        // What was sent with the id before is done; what is sent now is something else.
        let id = match (reason, asked.one("request_id")) {
            ("REQUEST_ID_REUSED", _) | (_, "") => Uuid::new_v4().to_string(),
            (_, id) => id.to_owned(),
        };
        let code = problem::http_status(status.code(), reason);
        self.shown(pages, visit, asked, &self.faults(status, reason, asked), code, id).await
    }

    async fn shown(
        &self,
        pages: &Pages,
        visit: &Visit,
        asked: &Asked,
        faults: &[Fault],
        code: http::StatusCode,
        request_id: String,
    ) -> Response {
        let answer = match file::read(visit, asked.one("ref"), asked.one("id"), 0).await {
            Ok(answer) => answer,
            Err(status) => return shell::refused(pages, Here::Supervision, &status),
        };
        let Some(file) = answer.files.first() else { return shell::missing(pages) };
        let path = gaps::file_path(&answer.subject_ref, &file.outstanding_id);
        let back = Some((format!("File {}", file.outstanding_id), path));
        let title = if faults.is_empty() { self.title.to_owned() } else { format!("Error: {}", self.title) };
        let content = self.content(&answer, file, &Filled { asked, faults }, &request_id);
        Page { title: &title, here: Here::Supervision, back, content }.respond_with(code, pages)
    }

    /// The form with what it is about before it.
    pub fn content(
        &self,
        answer: &pb::GetOutstandingResponse,
        file: &pb::OutstandingFile,
        filled: &Filled<'_>,
        request_id: &str,
    ) -> Markup {
        let record = file.file.clone().unwrap_or_default();
        html! {
            (summary(filled.faults))
            h1 { (self.title) }
            p.lead { "File " (file.outstanding_id) " of " (answer.subject_ref) "." }
            (file::facts(answer, file, &record))
            (file::due(&file.clocks, 0))
            form method="post" action=(format!("/outstanding/file/{}", self.path)) novalidate {
                input type="hidden" name="request_id" value=(request_id);
                input type="hidden" name="ref" value=(answer.subject_ref);
                input type="hidden" name="id" value=(file.outstanding_id);
                ((self.markup)(filled))
                p.actions {
                    button type="submit" { (self.button) } " "
                    a href=(gaps::file_path(&answer.subject_ref, &file.outstanding_id)) { "Back without recording" }
                }
            }
        }
    }

    /// What a call found wrong, in the form's own words where it has them.
    pub fn faults(&self, status: &Status, reason: &str, asked: &Asked) -> Vec<Fault> {
        let whole = |text: String| Fault { field: "", text };
        let details = status.get_error_details();
        let violations = details.bad_request().map(|bad| bad.field_violations.as_slice()).unwrap_or_default();
        if violations.is_empty() {
            return vec![whole(match reason {
                "REQUEST_ID_REUSED" => {
                    "This form was sent before, and what it said then is recorded. To record this as \
                                        well, send it again."
                        .to_owned()
                }
                _ => capital(&sentence(status.message())),
            })];
        }
        let told = violations.iter().map(|violation| {
            let known = self.fields.iter().find(|(field, _)| field.name == violation.field);
            let Some((field, missing)) = known else {
                let name = violation.field.rsplit('.').next().unwrap_or_default();
                let text = violation.description.replacen(&violation.field, &name.replace('_', " "), 1);
                return whole(capital(&sentence(&text)));
            };
            let empty = asked.one(field.name).is_empty();
            let text = match violation.reason.as_str() {
                "REQUIRED" | "UNKNOWN_VALUE" => (*missing).to_owned(),
                "INVALID_REFERENCE" | "LENGTH_OUT_OF_RANGE" if empty => (*missing).to_owned(),
                "INVALID_TIME" => format!("{}: enter a day and a time, or leave both empty for now", field.label),
                "INVALID_DATE" => format!("{}: enter a day, such as 2026-11-28, or leave it empty", field.label),
                "OUT_OF_RANGE" | "CONTRADICTION" => format!("{}: {}", field.label, field.hint),
                "AFTER_RECORDED" => format!("{}: this must not lie in the future", field.label),
                _ => violation.description.replacen(&violation.field, &format!("“{}”", field.label), 1),
            };
            Fault { field: field.name, text }
        });
        let mut faults: Vec<Fault> = Vec::new();
        for fault in told {
            if !faults.contains(&fault) {
                faults.push(fault);
            }
        }
        faults
    }
}

/// An instant said as a day and a time of day in London. `None`: neither was said.
pub fn moment(asked: &Asked, day: &str, time: &str) -> Option<pbjson_types::Timestamp> {
    let read = match (asked.one(day), asked.one(time)) {
        ("", "") => return None,
        (day, time) => day.parse::<civil::Date>().ok().zip(time.parse::<civil::Time>().ok()),
    };
    let at = read.and_then(|(day, time)| day.to_datetime(time).to_zoned(london()).ok());
    let at = at.map(|at| pbjson_types::Timestamp { seconds: at.timestamp().as_second(), nanos: 0 });
    Some(at.unwrap_or(UNREADABLE))
}

/// The file again, with what was just recorded.
pub fn done(subject_ref: &str, outstanding_id: &str, record_id: &str, revision: u64) -> Response {
    let path = asked::to(
        "/outstanding/file",
        &[("ref", subject_ref), ("id", outstanding_id), ("recorded", record_id), ("revision", &revision.to_string())],
    );
    Redirect::to(&path).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_and_a_time_are_those_of_london_and_what_cannot_be_read_is_for_the_call_to_refuse() {
        let said = |text: &str| moment(&Asked::of(text.as_bytes()), "day", "time").map(|at| at.seconds);
        let utc = |text: &str| Some(text.parse::<jiff::Timestamp>().unwrap().as_second());
        assert_eq!(said("day=2026-07-01&time=14:30"), utc("2026-07-01T13:30:00Z"));
        assert_eq!(said("day=2026-11-28&time=09:05"), utc("2026-11-28T09:05:00Z"));
        assert_eq!(said("day=&time="), None);
        for wrong in ["day=2026-07-01", "time=14:30", "day=yesterday&time=14:30", "day=2026-02-30&time=10:00"] {
            assert_eq!(said(wrong), Some(i64::MAX), "{wrong}");
            let refused = jiff::Timestamp::new(UNREADABLE.seconds, 0);
            assert!(refused.is_err(), "no call takes it");
        }
    }
}
