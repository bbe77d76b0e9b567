//! Members of the cohort whose review is due by their grade, the most overdue first.

use axum::extract::State;
use axum::response::Response;
use maud::{Markup, html};

use super::fields::{Field, Filled};
use super::terms::told;
use super::{answered, cohort, overdue};
use crate::api::page::asked::Asked;
use crate::api::page::shell::{self, Here};
use crate::api::page::table::{self, Column, or_not_recorded, words};
use crate::api::page::words::{band, capital, count, counted, instant, person_path};
use crate::api::page::{Pages, Visit};
use crate::domain::word::{CohortStatus, Rag};
use crate::pb;

const PATH: &str = "/cohort/reviews";
const REQUEST: &str = "steelyard.v1.ListCohortReviewsRequest";

const COLUMNS: [Column; 8] = [
    Column::Words("Person"),
    Column::Words("Review"),
    Column::Words("Band"),
    Column::Words("Status"),
    Column::Words("Grade"),
    Column::Words("Last reviewed"),
    Column::Words("Offender manager"),
    Column::Words("Area"),
];

/// Reviews due.
pub async fn page(State(pages): State<Pages>, visit: Visit) -> Response {
    let answer = async {
        let asked: pb::ListCohortReviewsRequest = visit.message(REQUEST, &[])?;
        visit.asker.cohort().list_cohort_reviews(asked).await
    };
    answered((&pages, &visit), ("Cohort reviews due", Here::Cohort), answer, content).await
}

/// What the page is about.
pub fn content(asked: &Asked, answer: &pb::ListCohortReviewsResponse) -> Markup {
    html! {
        div.title {
            h1 { "Cohort reviews due" }
            p.lead { "When each member is to be looked at again goes by their grade." }
        }
        (cohort(PATH))
        (shell::told_from(answer.context.as_ref()))
        p {
            strong { (count(answer.overdue)) " of " (counted(answer.members, "member", "members")) " overdue" }
            @if answer.instant.is_some() { ", as read on " (instant(answer.instant.as_ref())) }
            "."
        }
        (filter(asked))
        @if answer.reviews.is_empty() {
            p { "Nobody whom you may see and asked for is to be reviewed." }
        } @else {
            (table::framed("reviews", "Members, the most overdue first", &COLUMNS, answer.reviews.iter().map(row)))
            @if usize::try_from(answer.members).is_ok_and(|members| members > answer.reviews.len()) && !asked.ticked("overdue_only") {
                p { "The first " (answer.reviews.len()) " of " (count(answer.members)) " are shown. " a href=(asked.with(PATH, "most", "1000")) { "Show up to 1,000" } }
            }
        }
    }
}

fn filter(asked: &Asked) -> Markup {
    let form = Filled { asked, faults: &[] };
    let line = |name, label| form.line(Field { name, label, hint: "" }, "text", "");
    let narrowed = ["areas", "offender_managers", "overdue_only"].iter().any(|name| asked.ticked(name));
    let fields = html! {
            (line("areas", "Area"))
            (line("offender_managers", "Offender manager"))
            fieldset { legend { "Only" } (form.tick("overdue_only", "overdue")) }
    };
    shell::filter(PATH, narrowed, &fields)
}

fn row(review: &pb::CohortReview) -> [Markup; 8] {
    [
        html! { a href=(person_path(&review.subject_ref, None)) { (review.subject_ref) } },
        html! {
            @if review.due_time.is_none() { span.quiet { "None is due" } }
            @else if review.overdue_seconds > 0 { strong { (capital(&overdue::by(review.overdue_seconds))) } }
            @else { (capital(&overdue::by(review.overdue_seconds))) }
        },
        band(review.band()),
        words(&capital(told::<CohortStatus>(review.status))),
        html! { @if review.rag == 0 { span.quiet { "not graded" } } @else { (capital(told::<Rag>(review.rag))) } },
        html! { @if review.reviewed_time.is_none() { "Never since selected" } @else { (instant(review.reviewed_time.as_ref())) } },
        or_not_recorded(&review.offender_manager),
        or_not_recorded(&review.area),
    ]
}
