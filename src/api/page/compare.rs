//! Why one person stands above another: the gap, component by component, to the
//! thousandth of a point, and the largest reasons of each.

use axum::extract::State;
use axum::response::Response;
use maud::{Markup, html};
use tonic::Status;

use super::lists::text;
use super::shell::{self, Here, Page};
use super::words::{self, band, count, plain, points, sentence, signed_points};
use super::{Pages, Visit};
use crate::domain::word::List;
use crate::pb;

/// Reasons shown of each.
const REASONS: usize = 6;

/// Two people compared.
pub async fn compare(State(pages): State<Pages>, visit: Visit) -> Response {
    let list = words::list_of_path(&visit.parameter("list")).unwrap_or(List::All);
    let (one, other) = (visit.parameter("a"), visit.parameter("b"));
    if one.is_empty() || other.is_empty() || one == other {
        let content = which(list, &one, &other);
        return Page { title: "Compare two people", here: Here::Lists, back: None, content }.respond(&pages);
    }
    let compared = async {
        let asked = pb::CompareStandingsRequest {
            list: list.proto().into(),
            subject_ref_a: one,
            subject_ref_b: other,
            ..Default::default()
        };
        Ok::<_, Status>(visit.asker.ranking().compare_standings(asked).await?.into_inner())
    };
    match compared.await {
        Ok(answer) => {
            let back = Some((words::list_title(list).to_owned(), format!("/lists/{}", words::list_path(list))));
            let content = content(list, &answer);
            Page { title: "Two people compared", here: Here::Lists, back, content }.respond(&pages)
        }
        Err(status) => shell::refused(&pages, Here::Lists, &status),
    }
}

/// Asks which two.
fn which(list: List, one: &str, other: &str) -> Markup {
    html! {
        h1 { "Compare two people" }
        @if !one.is_empty() && one == other {
            div.notice.notice-warning role="note" { p { "That is the same person twice: enter another reference." } }
        }
        form.inline method="get" action="/compare" {
            input type="hidden" name="list" value=(words::list_path(list));
            div.fields {
                (text("a", "One reference", one))
                (text("b", "Another", other))
            }
            p.actions { button type="submit" { "Compare" } }
        }
    }
}

fn content(list: List, answer: &pb::CompareStandingsResponse) -> Markup {
    let above = answer.above.clone().unwrap_or_default();
    let below = answer.below.clone().unwrap_or_default();
    let link = |standing: &pb::Standing| {
        html! { a href=(words::person_path(&standing.subject_ref, Some(list))) { (standing.subject_ref) } }
    };
    html! {
        h1 { "Why " (above.subject_ref) " stands above " (below.subject_ref) }
        (shell::told_from(answer.context.as_ref()))
        p.lead { (sentence(&answer.explanation)) }
        div.scroll tabindex="0" role="region" aria-labelledby="gap" {
            table {
                caption #gap { "The difference, part by part, on " (words::list_title(list)) }
                thead { tr {
                    th scope="col" { "Points from" }
                    th.figure scope="col" { (link(&above)) }
                    th.figure scope="col" { (link(&below)) }
                    th.figure scope="col" { "Difference" }
                } }
                tbody {
                    @for part in &answer.differences {
                        tr {
                            th scope="row" { (words::component(part.component())) }
                            td.figure data-label=(plain(&above.subject_ref)) { (points(part.above)) }
                            td.figure data-label=(plain(&below.subject_ref)) { (points(part.below)) }
                            td.figure data-label="Difference" { (signed_points(part.difference)) }
                        }
                    }
                }
                tfoot {
                    tr {
                        th scope="row" { "Score" }
                        td.figure data-label=(plain(&above.subject_ref)) { strong { (points(above.composite)) } }
                        td.figure data-label=(plain(&below.subject_ref)) { strong { (points(below.composite)) } }
                        td.figure data-label="Difference" { strong { (signed_points(answer.gap)) } }
                    }
                    tr {
                        th scope="row" { "Band" }
                        td.figure data-label=(plain(&above.subject_ref)) { (band(above.effective_band())) }
                        td.figure data-label=(plain(&below.subject_ref)) { (band(below.effective_band())) }
                        td {}
                    }
                    tr {
                        th scope="row" { "Rank" }
                        td.figure data-label=(plain(&above.subject_ref)) { (count(above.rank)) }
                        td.figure data-label=(plain(&below.subject_ref)) { (count(below.rank)) }
                        td {}
                    }
                }
            }
        }
        div.pair { (reasons(&above)) (reasons(&below)) }
    }
}

fn reasons(standing: &pb::Standing) -> Markup {
    let contributions = standing.detail.as_ref().map_or(&[][..], |detail| &detail.contributions);
    html! {
        section {
            h2 { "Largest reasons for " (standing.subject_ref) }
            @if contributions.is_empty() {
                p { "Nothing held adds to the score." }
            } @else {
                ol.reasons {
                    @for share in contributions.iter().take(REASONS) {
                        li { strong { (points(share.milli_points)) } " " (words::component(share.component()).to_lowercase()) ": " (sentence(&share.description)) }
                    }
                }
            }
        }
    }
}
