//! Today: how many stand on each list that the reader may see, and how old that is.

use axum::extract::State;
use axum::response::Response;
use maud::html;
use tonic::Code;

use super::shell::{self, Here, Page};
use super::words::{self, band, count, counted};
use super::{Pages, Visit};
use crate::domain::word::List;
use crate::pb;

/// The first page.
pub async fn home(State(pages): State<Pages>, visit: Visit) -> Response {
    let asked = List::ALL.iter().map(|list| {
        let mut ranking = visit.asker.ranking();
        let request = pb::GetListSummaryRequest { list: list.proto().into(), ..Default::default() };
        async move { (*list, ranking.get_list_summary(request).await) }
    });
    let mut told = Vec::new();
    for asked in asked {
        match asked.await {
            (list, Ok(answer)) => told.push((list, answer.into_inner())),
            // A list that is not this reader's is not on their page.
            (_, Err(status)) if status.code() == Code::PermissionDenied => {}
            (_, Err(status)) => return shell::refused(&pages, Here::Home, &status),
        }
    }
    let content = html! {
        h1 { "Today" }
        (shell::told_from(told.first().and_then(|(_, summary)| summary.context.as_ref())))
        @if told.is_empty() { p { "No list is yours to see. Ask whoever gives roles in your force." } }
        ul.tiles {
            @for (list, summary) in &told {
                li {
                    h2 { a href={ "/lists/" (words::list_path(*list)) } { (words::list_title(*list)) } }
                    p.size { (counted(summary.size, "person", "people")) }
                    p.tile-bands {
                        @for named in &summary.by_band {
                            @if let Some(known) = words::band_of_name(&named.name).filter(|_| named.count > 0) {
                                span { (band(known)) " " (count(named.count)) } " "
                            }
                        }
                    }
                    @if summary.provisional > 0 { p.quiet { (count(summary.provisional)) " provisional" } }
                }
            }
        }
        p { a href="/supervision" { "What is overdue" } }
    };
    Page { title: "Today", here: Here::Home, back: None, content }.respond(&pages)
}
