//! Vulnerable and repeat victims of outstanding suspects, and when each is to be told
//! next. A row is of one suspect's own file and names no other.

use axum::extract::State;
use axum::response::Response;
use maud::{Markup, html};

use super::fields::{Field, Filled};
use super::gaps::subject_and_file;
use super::{answered, overdue, supervision};
use crate::api::page::asked::Asked;
use crate::api::page::shell::{self, Here};
use crate::api::page::table::{self, Column, or_not_recorded, words};
use crate::api::page::words::{band, capital, counted, instant};
use crate::api::page::{Pages, Visit};
use crate::pb;

const PATH: &str = "/supervision/victims";
const OTHERS: &str = "/supervision?filter.clocks=victim-update";
const REQUEST: &str = "steelyard.v1.ListVictimUpdatesRequest";

const COLUMNS: [Column; 8] = [
    Column::Words("Victim"),
    Column::Words("Recorded as"),
    Column::Words("Last told"),
    Column::Words("To be told"),
    Column::Words("Suspect and file"),
    Column::Words("Band of the suspect"),
    Column::Words("Area"),
    Column::Words("Who tells"),
];

/// Vulnerable and repeat victims to tell.
pub async fn page(State(pages): State<Pages>, visit: Visit) -> Response {
    let answer = async {
        let asked: pb::ListVictimUpdatesRequest = visit.message(REQUEST, &[])?;
        visit.asker.outstanding().list_victim_updates(asked).await
    };
    answered((&pages, &visit), ("Vulnerable and repeat victims", Here::Supervision), answer, content).await
}

/// What the page is about.
pub fn content(asked: &Asked, answer: &pb::ListVictimUpdatesResponse) -> Markup {
    html! {
        div.title {
            h1 { "Vulnerable and repeat victims to tell" }
            p.lead { "Those whose suspect is outstanding. Whoever has waited longest past the day stands first." }
            p.lead {
                "Other victims are not here: see "
                a href=(OTHERS) { "every file with a victim to be told" } "."
            }
        }
        (supervision(PATH))
        (shell::told_from(answer.context.as_ref()))
        p {
            "Victims linked to " strong { (counted(answer.files, "outstanding file", "outstanding files")) }
            @if answer.instant.is_some() { ", as read on " (instant(answer.instant.as_ref())) }
            "."
        }
        (filter(asked))
        @if answer.updates.is_empty() {
            p { "Nobody whom you may see and asked for is to be told." }
        } @else {
            (table::framed("victims", "Victims, the most overdue first", &COLUMNS, answer.updates.iter().map(row)))
        }
        (table::paged(asked, PATH, &answer.next_page_token))
    }
}

fn filter(asked: &Asked) -> Markup {
    let form = Filled { asked, faults: &[] };
    let line = |name, label| form.line(Field { name, label, hint: "" }, "text", "");
    let narrowed = ["areas", "officers", "supervisors", "overdue_only"].iter().any(|name| asked.ticked(name));
    let fields = html! {
            (line("areas", "Area"))
            (line("officers", "Officer in the case"))
            (line("supervisors", "Supervisor"))
            fieldset { legend { "Only" } (form.tick("overdue_only", "overdue")) }
    };
    shell::filter(PATH, narrowed, &fields)
}

fn row(update: &pb::VictimUpdate) -> [Markup; 8] {
    let victim = update.victim.clone().unwrap_or_default();
    [
        reference(&victim),
        words(recorded_as(&victim)),
        last_told(&victim),
        to_be_told(&victim),
        subject_and_file(&update.subject_ref, &update.outstanding_id),
        band(update.band()),
        or_not_recorded(&update.area),
        or_not_recorded(&update.officer),
    ]
}

/// A victim's reference, or that there is none.
pub fn reference(victim: &pb::LinkedVictim) -> Markup {
    html! { @if victim.victim_ref.is_empty() { "Not known who" } @else { (victim.victim_ref) } }
}

/// What is known of a victim.
pub const fn recorded_as(victim: &pb::LinkedVictim) -> &'static str {
    match (victim.vulnerable, victim.repeat) {
        (true, true) => "Vulnerable, and a victim before",
        (true, false) => "Vulnerable",
        (false, true) => "A victim before",
        (false, false) => "",
    }
}

/// When a victim was last told how the search stands.
pub fn last_told(victim: &pb::LinkedVictim) -> Markup {
    html! { @if victim.updated_time.is_none() { "Never" } @else { (instant(victim.updated_time.as_ref())) } }
}

/// When a victim is to be told next.
pub fn to_be_told(victim: &pb::LinkedVictim) -> Markup {
    html! {
        @if victim.due_time.is_none() { span.quiet { "Nothing is due" } }
        @else { (capital(&overdue::by(victim.overdue_seconds))) }
    }
}
