//! The form with which an officer records what was done about a file.

use axum::body::Bytes;
use axum::extract::State;
use axum::response::Response;
use maud::{Markup, html};

use super::fields::{Field, Filled};
use super::recording::{self, Form};
use super::terms::Term;
use crate::api::page::asked::Asked;
use crate::api::page::{Pages, Visit};
use crate::domain::word::{ActivityKind, ActivityOutcome};
use crate::pb;

const KIND: Field = Field { name: "activity.activity_kind", label: "What was done", hint: "" };
const OUTCOME: Field = Field { name: "activity.outcome", label: "What came of it", hint: "" };
const OFFICER: Field = Field { name: "activity.officer", label: "Who did it", hint: "The reference of the officer." };
const DAY: Field = Field {
    name: "activity.done_time",
    label: "Day on which it was done",
    hint: "Leave day and time empty if it is now.",
};
const TIME: Field = Field { name: "time", label: "Time at which it was done", hint: "In London, such as 14:30." };
const MINUTES: Field =
    Field { name: "activity.minutes", label: "Minutes spent", hint: "From 0 to 1,440. May be empty." };
const TARGET: Field = Field {
    name: "activity.target_ref",
    label: "Address, person or agency",
    hint: "A reference. The same again within some days counts once.",
};
const VICTIM: Field = Field {
    name: "activity.victim_ref",
    label: "Victim",
    hint: "The victim’s reference. Only where a victim was told, or tried to be.",
};
const NOTE: Field =
    Field { name: "activity.note", label: "What happened", hint: "Up to 2,000 characters. May be empty." };

/// The form.
pub const FORM: Form = Form {
    path: "activity",
    title: "Record an activity",
    button: "Record the activity",
    fields: &[
        (KIND, "Choose what was done"),
        (OUTCOME, "Choose what came of it"),
        (OFFICER, "Enter who did it"),
        (DAY, "Enter the day on which it was done"),
        (MINUTES, "Enter the minutes spent"),
        (TARGET, "Enter the address, person or agency"),
        (VICTIM, "Enter the victim who was told"),
        (NOTE, "Enter what happened"),
    ],
    markup,
};

fn markup(filled: &Filled<'_>) -> Markup {
    // What is done with a managed nominal belongs to no file.
    let of_files: Vec<_> = ActivityKind::WORDS.iter().copied().filter(|kind| !kind.is_for_cohort()).collect();
    html! {
        (filled.choice(KIND, "Choose", &of_files))
        (filled.choice(OUTCOME, "Not stated", ActivityOutcome::WORDS))
        (filled.line(OFFICER, "text", ""))
        (filled.line(DAY, "date", ""))
        (filled.line(TIME, "time", ""))
        (filled.line(MINUTES, "text", "narrow"))
        (filled.line(TARGET, "text", ""))
        (filled.line(VICTIM, "text", ""))
        (filled.lines(NOTE))
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
    match visit.asker.outstanding().record_activity(request).await {
        Ok(answer) => {
            let answer = answer.into_inner();
            recording::done(asked.one("ref"), asked.one("id"), &answer.activity_id, answer.revision)
        }
        Err(status) => FORM.refused(&pages, &visit, &asked, &status).await,
    }
}

fn request(asked: &Asked) -> pb::RecordActivityRequest {
    let text = |name| asked.one(name).to_owned();
    let minutes = match asked.one(MINUTES.name) {
        "" => 0,
        // More than any call takes: it tells of it with everything else.
        said => said.parse().unwrap_or(u32::MAX),
    };
    let activity = pb::Activity {
        activity_kind: asked.term::<ActivityKind>(KIND.name),
        outcome: asked.term::<ActivityOutcome>(OUTCOME.name),
        officer: text(OFFICER.name),
        done_time: recording::moment(asked, DAY.name, TIME.name),
        minutes,
        target_ref: text(TARGET.name),
        outstanding_id: text("id"),
        victim_ref: text(VICTIM.name),
        note: text(NOTE.name),
    };
    pb::RecordActivityRequest {
        request_id: text("request_id"),
        subject_ref: text("ref"),
        activity: Some(activity),
        ..Default::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_filled_in_reaches_the_call_and_what_is_no_number_goes_on_to_be_refused() {
        let form = "request_id=r&ref=S-1&id=W-1&activity.activity_kind=address-visited&activity.outcome=no-trace\
                    &activity.officer=PC-2&activity.minutes=45&activity.target_ref=ADDR-1&activity.note=Nobody+in.";
        let expected = pb::Activity {
            activity_kind: pb::ActivityKind::AddressVisited.into(),
            outcome: pb::ActivityOutcome::NoTrace.into(),
            officer: "PC-2".to_owned(),
            done_time: None,
            minutes: 45,
            target_ref: "ADDR-1".to_owned(),
            outstanding_id: "W-1".to_owned(),
            victim_ref: String::new(),
            note: "Nobody in.".to_owned(),
        };
        let asked = Asked::of(form.as_bytes());
        assert_eq!(request(&asked).activity, Some(expected));
        let wrong = request(&Asked::of(b"activity.minutes=an+hour&activity.activity_kind=walked"));
        let wrong = wrong.activity.unwrap();
        assert_eq!((wrong.minutes, wrong.activity_kind), (u32::MAX, -1));
    }

    #[test]
    fn what_is_done_with_a_managed_nominal_is_not_offered_for_a_file() {
        let shown = markup(&Filled { asked: &Asked::default(), faults: &[] }).0;
        assert!(shown.contains("address-visited") && !shown.contains("nominal-seen"), "{shown}");
    }
}
