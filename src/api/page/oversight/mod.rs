//! The supervisors' pages: what is overdue and on whose desk, one outstanding file
//! with what is recorded on it, the return, the cohort's alignment, and runs. They
//! show what the calls answer; a review or an activity goes in as a call too.

mod activity;
mod alignment;
mod charts;
mod decisions;
mod fields;
mod file;
mod gaps;
mod overdue;
mod recording;
mod returns;
mod review;
mod reviews;
mod runs;
pub(super) mod terms;
#[cfg(test)]
mod tests;
mod timeline;
mod victims;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::response::Response;
use axum::routing::get;
use maud::{Markup, html};
use tonic::Status;

use super::asked::Asked;
use super::shell::{self, Here, Page};
use super::{Pages, Visit};

/// Every supervisors' page.
pub fn routes() -> Router<Pages> {
    Router::new()
        .route("/supervision", get(gaps::page))
        .route("/supervision/victims", get(victims::page))
        .route("/outstanding/file", get(file::page))
        .route("/outstanding/file/review", get(review::page).post(review::recorded))
        .route("/outstanding/file/activity", get(activity::page).post(activity::recorded))
        .route("/return", get(returns::page))
        .route("/cohort/alignment", get(alignment::page))
        .route("/cohort/reviews", get(reviews::page))
        .route("/cohort/decisions", get(decisions::page))
        .route("/runs", get(runs::page))
        .route("/runs/run", get(runs::one))
        .layer(DefaultBodyLimit::max(recording::LARGEST))
}

/// A page of what a call answers, or of why it does not.
async fn answered<T>(
    (pages, visit): (&Pages, &Visit),
    (title, here): (&str, Here),
    answer: impl Future<Output = Result<tonic::Response<T>, Status>>,
    content: impl FnOnce(&Asked, &T) -> Markup,
) -> Response {
    match answer.await {
        Ok(answer) => {
            let content = content(&visit.asked, &answer.into_inner());
            Page { title, here, back: None, content }.respond(pages)
        }
        Err(status) => shell::refused(pages, here, &status),
    }
}

/// Pages that belong together, and which of them this is.
fn beside(name: &str, pages: &[(&str, &str)], here: &str) -> Markup {
    html! {
        nav.chips aria-label=(name) {
            ul {
                @for (path, name) in pages {
                    li { a href=(path) aria-current=[(*path == here).then_some("page")] { (name) } }
                }
            }
        }
    }
}

/// Pages of what is overdue.
fn supervision(here: &str) -> Markup {
    beside(
        "What is overdue",
        &[("/supervision", "Files"), ("/supervision/victims", "Vulnerable and repeat victims")],
        here,
    )
}

/// Pages of the cohort.
fn cohort(here: &str) -> Markup {
    let pages = [
        ("/cohort/alignment", "Alignment"),
        ("/cohort/reviews", "Reviews due"),
        ("/cohort/decisions", "Recent decisions"),
    ];
    beside("The managed cohort", &pages, here)
}
