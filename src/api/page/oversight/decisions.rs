//! Recent decisions about the cohort, the newest first, each with the rationale and
//! what its maker had before them; and how many say word for word what another says.

use axum::extract::State;
use axum::response::Response;
use maud::{Markup, html};

use super::fields::{Field, Filled};
use super::terms::{Term, told};
use super::{answered, cohort};
use crate::api::page::asked::Asked;
use crate::api::page::shell::{self, Here};
use crate::api::page::table::{self, Column, or_not_recorded};
use crate::api::page::words::{band, capital, count, counted, day, instant, list_title, ordinal, person_path, points};
use crate::api::page::{Pages, Visit};
use crate::domain::word::{CohortStatus, DecisionKind, List, Rag};
use crate::pb;

const PATH: &str = "/cohort/decisions";
const REQUEST: &str = "steelyard.v1.ListDecisionsRequest";

/// Decisions.
pub async fn page(State(pages): State<Pages>, visit: Visit) -> Response {
    let answer = async {
        let asked: pb::ListDecisionsRequest = visit.message(REQUEST, &[])?;
        visit.asker.cohort().list_decisions(asked).await
    };
    answered((&pages, &visit), ("Recent decisions", Here::Cohort), answer, content).await
}

/// What the page is about.
pub fn content(asked: &Asked, answer: &pb::ListDecisionsResponse) -> Markup {
    html! {
        div.title {
            h1 { "Recent decisions" }
            p.lead { "Who was taken in, kept, passed over or taken out, by whom and why, and where the person stood then." }
        }
        (cohort(PATH))
        (shell::told_from(answer.context.as_ref()))
        p {
            (counted(answer.total, "decision", "decisions")) ". "
            @if answer.with_identical_rationale > 0 {
                a href=(asked.with(PATH, "filter.identical_rationale_only", "true")) {
                    (count(answer.with_identical_rationale)) " say word for word what is said of somebody else"
                }
                "."
            }
        }
        (filter(asked))
        @if answer.decisions.is_empty() {
            p { "No decision that you may see and asked for is recorded." }
        } @else {
            (table::framed("decisions", "Decisions, the newest first", &COLUMNS, answer.decisions.iter().map(row)))
        }
        (table::paged(asked, PATH, &answer.next_page_token))
    }
}

fn filter(asked: &Asked) -> Markup {
    let form = Filled { asked, faults: &[] };
    let line = |name, label, kind| form.line(Field { name, label, hint: "" }, kind, "");
    let narrowed = asked.begins("filter.");
    let fields = html! {
            (form.boxes("filter.decisions", "What was decided", DecisionKind::WORDS))
            (form.boxes("filter.statuses", "Status", CohortStatus::WORDS))
            div {
                (line("filter.areas", "Area", "text"))
                (line("filter.officers", "Who decided", "text"))
                (line("filter.subject_refs", "Person", "text"))
            }
            div {
                (line("filter.from", "From", "date"))
                (line("filter.to", "To", "date"))
                (form.tick("filter.identical_rationale_only", "Only where another says the same word for word"))
            }
    };
    shell::filter(PATH, narrowed, &fields)
}

const COLUMNS: [Column; 6] = [
    Column::Words("Person"),
    Column::Words("Decided"),
    Column::Words("Why"),
    Column::Words("Stood then"),
    Column::Words("By whom"),
    Column::Words("When"),
];

fn row(told: &pb::RecordedDecision) -> [Markup; 6] {
    let decision = told.decision.clone().unwrap_or_default();
    [
        html! { a href=(person_path(&told.subject_ref, None)) { (told.subject_ref) } },
        what(&decision),
        html! {
            span {
                (decision.rationale)
                @if told.identical_rationales > 0 {
                    " " span.mark { "Word for word as of " (counted(told.identical_rationales, "other decision", "other decisions")) }
                }
            }
        },
        stood(&decision),
        html! {
            span {
                (or_not_recorded(&decision.officer))
                @if !decision.panel.is_empty() { ", panel " (decision.panel) }
                @if decision.representations_received { "; the person’s own words were read" }
            }
        },
        html! { (instant(decision.decided_time.as_ref())) },
    ]
}

fn what(decision: &pb::CohortDecision) -> Markup {
    let parts = [told::<CohortStatus>(decision.status), told::<Rag>(decision.rag)];
    let parts: Vec<_> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    html! {
        span {
            (capital(told::<DecisionKind>(decision.decision)))
            @if !parts.is_empty() { ": " (parts.join(", ")) }
        }
    }
}

/// Where the person stood when it was decided, as frozen then.
fn stood(decision: &pb::CohortDecision) -> Markup {
    html! {
        @if let Some(standing) = &decision.standing {
            span {
                (band(standing.effective_band())) " " (points(standing.composite))
                @if standing.rank > 0 {
                    ", " (ordinal(standing.rank)) " of " (count(decision.list_size))
                    @if let Some(list) = List::from_proto(decision.list) { " on " (list_title(list)) }
                }
                @if !decision.as_of.is_empty() { ", weighed as of " (day(&decision.as_of)) }
            }
        } @else {
            span.quiet { "not kept" }
        }
    }
}
