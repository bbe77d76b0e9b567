//! The form with which a supervisor records a review of a file.

use axum::body::Bytes;
use axum::extract::State;
use axum::response::Response;
use maud::{Markup, html};

use super::fields::{Field, Filled};
use super::recording::{self, Form};
use super::terms::Term;
use crate::api::page::asked::Asked;
use crate::api::page::{Pages, Visit};
use crate::domain::word::SupervisorRank;
use crate::pb;

const OFFICER: Field = Field {
    name: "review.officer",
    label: "Who reviews",
    hint: "Your reference. A review by the officer in the case is kept, and does not count.",
};
const RANK: Field = Field { name: "review.rank", label: "Rank in which you review", hint: "" };
const FINDINGS: Field =
    Field { name: "review.findings", label: "What you found", hint: "From 10 to 2,000 characters." };
const INSTRUCTIONS: Field =
    Field { name: "review.instructions", label: "What is to be done", hint: "Up to 2,000 characters. May be empty." };
const NEXT: Field = Field {
    name: "review.next_review_on",
    label: "To be reviewed again by",
    hint: "A day sooner than policy asks for binds. Empty: as policy asks.",
};
const DAY: Field =
    Field { name: "review.reviewed_time", label: "Day of the review", hint: "Leave day and time empty if it is now." };
const TIME: Field = Field { name: "time", label: "Time of the review", hint: "In London, such as 14:30." };

/// The form.
pub const FORM: Form = Form {
    path: "review",
    title: "Record a review",
    button: "Record the review",
    fields: &[
        (OFFICER, "Enter who reviews"),
        (RANK, "Choose the rank in which you review"),
        (FINDINGS, "Enter what you found"),
        (INSTRUCTIONS, "Enter what is to be done"),
        (NEXT, "Enter a day"),
        (DAY, "Enter the day of the review"),
    ],
    markup,
};

fn markup(filled: &Filled<'_>) -> Markup {
    html! {
        (filled.line(OFFICER, "text", ""))
        (filled.choice(RANK, "Choose", SupervisorRank::WORDS))
        (filled.lines(FINDINGS))
        (filled.lines(INSTRUCTIONS))
        (filled.line(NEXT, "date", ""))
        (filled.line(DAY, "date", ""))
        (filled.line(TIME, "time", ""))
    }
}

/// The form, to be filled in.
pub async fn page(State(pages): State<Pages>, visit: Visit) -> Response {
    FORM.empty(&pages, &visit).await
}

/// The form, filled in.
pub async fn recorded(State(pages): State<Pages>, visit: Visit, body: Bytes) -> Response {
    let asked = Asked::of(&body);
    let request = request(&asked);
    match visit.asker.outstanding().record_review(request).await {
        Ok(answer) => {
            let answer = answer.into_inner();
            recording::done(asked.one("ref"), asked.one("id"), &answer.review_id, answer.revision)
        }
        Err(status) => FORM.refused(&pages, &visit, &asked, &status).await,
    }
}

fn request(asked: &Asked) -> pb::RecordReviewRequest {
    let text = |name| asked.one(name).to_owned();
    let review = pb::Review {
        outstanding_id: text("id"),
        officer: text(OFFICER.name),
        rank: asked.term::<SupervisorRank>(RANK.name),
        reviewed_time: recording::moment(asked, DAY.name, TIME.name),
        findings: text(FINDINGS.name),
        instructions: text(INSTRUCTIONS.name),
        next_review_on: text(NEXT.name),
    };
    pb::RecordReviewRequest {
        request_id: text("request_id"),
        subject_ref: text("ref"),
        review: Some(review),
        ..Default::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_filled_in_reaches_the_call() {
        let form = "request_id=r&ref=S-1&id=W-1&review.officer=PS-9&review.rank=chief-inspector&review.findings=a%0D%0Ab\
                    &review.instructions=c&review.next_review_on=2026-12-01&review.reviewed_time=2026-11-28&time=09:00";
        let request = request(&Asked::of(form.as_bytes()));
        assert_eq!((request.request_id.as_str(), request.subject_ref.as_str()), ("r", "S-1"));
        let at = "2026-11-28T09:00:00Z".parse::<jiff::Timestamp>().unwrap().as_second();
        let expected = pb::Review {
            outstanding_id: "W-1".to_owned(),
            officer: "PS-9".to_owned(),
            rank: pb::SupervisorRank::ChiefInspector.into(),
            reviewed_time: Some(pbjson_types::Timestamp { seconds: at, nanos: 0 }),
            findings: "a\nb".to_owned(),
            instructions: "c".to_owned(),
            next_review_on: "2026-12-01".to_owned(),
        };
        assert_eq!(request.review, Some(expected));
    }
}
