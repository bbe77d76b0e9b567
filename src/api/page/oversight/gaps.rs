//! Open files on which something is overdue, the worst first: the list that a
//! supervisor works down. Neglect stands beside the score, never in it.

use axum::extract::State;
use axum::response::Response;
use maud::{Markup, html};

use super::fields::{Field, Filled};
use super::terms::{Term, told};
use super::{answered, overdue, supervision};
use crate::api::page::asked::{self, Asked};
use crate::api::page::shell::{self, Here};
use crate::api::page::table::{self, Column, or_not_recorded, words};
use crate::api::page::words::{band, capital, count, counted, instant, person_path};
use crate::api::page::{Pages, Visit};
use crate::domain::word::{Band, Circulation, OutstandingReason, SupervisionClock};
use crate::pb;

/// The page's path.
pub const PATH: &str = "/supervision";
const REQUEST: &str = "steelyard.v1.ListSupervisionGapsRequest";

const COLUMNS: [Column; 7] = [
    Column::Words("Person and file"),
    Column::Words("Band"),
    Column::Words("What is overdue"),
    Column::Words("Reason"),
    Column::Words("Area"),
    Column::Words("Officer"),
    Column::Words("Supervisor"),
];

/// What is overdue.
pub async fn page(State(pages): State<Pages>, visit: Visit) -> Response {
    let answer = async {
        let asked: pb::ListSupervisionGapsRequest = visit.message(REQUEST, &[])?;
        visit.asker.outstanding().list_supervision_gaps(asked).await
    };
    answered((&pages, &visit), ("What is overdue", Here::Supervision), answer, content).await
}

/// What the page is about.
pub fn content(asked: &Asked, answer: &pb::ListSupervisionGapsResponse) -> Markup {
    html! {
        div.title {
            h1 { "What is overdue" }
            p.lead { "Open files on outstanding suspects: the highest band first, and within it whatever is longest overdue for the time allowed." }
        }
        (supervision(PATH))
        (shell::told_from(answer.context.as_ref()))
        (counts(answer))
        (filter(asked))
        @if answer.gaps.is_empty() {
            p { "No file matches. Nothing that you may see and asked for is overdue." }
        } @else {
            (rows(&answer.gaps))
        }
        (table::paged(asked, PATH, &answer.next_page_token))
    }
}

/// How many files there are and how many are neglected, each a way to see those alone.
fn counts(answer: &pb::ListSupervisionGapsResponse) -> Markup {
    html! {
        p {
            strong { (count(answer.overdue_files)) " of " (counted(answer.open_files, "open file", "open files")) }
            " have something overdue"
            @if answer.instant.is_some() { ", as read on " (instant(answer.instant.as_ref())) }
            "."
        }
        ul.counts {
            li { a href=(asked::to(PATH, &[("filter.never_reviewed_only", "true")])) { (count(answer.never_reviewed)) " never reviewed" } }
            li { a href=(asked::to(PATH, &[("filter.never_circulated_only", "true")])) { (count(answer.never_circulated)) " never circulated" } }
        }
    }
}

fn filter(asked: &Asked) -> Markup {
    let form = Filled { asked, faults: &[] };
    let line = |name, label| form.line(Field { name, label, hint: "" }, "text", "");
    let narrowed = asked.begins("filter.");
    let fields = html! {
            (form.boxes("filter.clocks", "What is overdue", SupervisionClock::WORDS))
            (form.boxes("filter.bands", "Band", &[Band::VeryHigh, Band::High, Band::Medium, Band::Low]))
            div {
                (line("filter.areas", "Area"))
                (line("filter.officers", "Officer in the case"))
                (line("filter.supervisors", "Supervisor"))
                (form.choice(Field { name: "filter.reasons", label: "Why they are outstanding", hint: "" }, "Any", OutstandingReason::WORDS))
            }
            fieldset {
                legend { "Only files" }
                (form.tick("filter.never_reviewed_only", "never reviewed"))
                (form.tick("filter.never_circulated_only", "never circulated"))
            }
    };
    shell::filter(PATH, narrowed, &fields)
}

fn rows(gaps: &[pb::SupervisionGap]) -> Markup {
    table::framed("gaps", "Files, the worst first", &COLUMNS, gaps.iter().map(row))
}

fn row(gap: &pb::SupervisionGap) -> [Markup; 7] {
    [
        subject_and_file(&gap.subject_ref, &gap.outstanding_id),
        band(gap.band()),
        overdue_of(gap),
        words(&capital(told::<OutstandingReason>(gap.reason))),
        or_not_recorded(&gap.area),
        or_not_recorded(&gap.officer),
        or_not_recorded(&gap.supervisor),
    ]
}

/// A person, and one of their files.
pub fn subject_and_file(subject_ref: &str, outstanding_id: &str) -> Markup {
    html! {
        span {
            a href=(person_path(subject_ref, None)) { (subject_ref) }
            br;
            a.quiet href=(file_path(subject_ref, outstanding_id)) { "File " (outstanding_id) }
        }
    }
}

/// The address of a file.
pub fn file_path(subject_ref: &str, outstanding_id: &str) -> String {
    asked::to("/outstanding/file", &[("ref", subject_ref), ("id", outstanding_id)])
}

/// Everything that is overdue, or what is due next; and how the person is circulated, where that is not as it should be.
fn overdue_of(gap: &pb::SupervisionGap) -> Markup {
    let circulated = gap.circulation.max(Circulation::NotCirculated.number());
    let nowhere = [Circulation::NotCirculated, Circulation::Cancelled].map(Term::number).contains(&circulated);
    let clock = gap.clocks.iter().any(|reading| reading.clock() == pb::SupervisionClock::Circulation);
    html! {
        ul.overdue {
            @for reading in &gap.clocks { li { (capital(&overdue::standing(reading))) } }
            @if gap.clocks.is_empty() { li { "Nothing is due" } }
            @if gap.last_review_time.is_none() { li { "Never reviewed" } }
            @if clock || nowhere { li.quiet { "Now " (told::<Circulation>(circulated)) } }
        }
    }
}
