//! A ranked list: who stands where and what moved, narrowed by the filters of the
//! contract, a page at a time. The same as a panel for a frame of another page.

use std::collections::HashMap;

use axum::extract::{Path, State};
use axum::response::Response;
use maud::{Markup, html};
use tonic::Status;

use super::oversight::terms::{Term, told};
use super::shell::{self, Here, Page};
use super::words::{self, band, band_word, capital, count, counted, day, marks, points, spoken};
use super::{Pages, Visit, asked, table};
use crate::domain::Date;
use crate::domain::word::{Band, Circulation, CustodyState, Family, List, OutstandingReason};
use crate::pb;

const REQUEST: &str = "steelyard.v1.ListStandingsRequest";

/// A list and what is told beside it.
struct Told {
    list: List,
    asked: pb::ListStandingsRequest,
    answer: pb::ListStandingsResponse,
    summary: pb::GetListSummaryResponse,
    /// How each of the page stood on an earlier day, and which day; `None`: none is kept.
    before: Option<(String, HashMap<String, Option<pb::HistoryPoint>>)>,
}

/// The page of a list.
pub async fn list(State(pages): State<Pages>, Path(path): Path<String>, visit: Visit) -> Response {
    let Some(list) = words::list_of_path(&path) else { return shell::missing(&pages) };
    let told = match read(&visit, list).await {
        Ok(told) => told,
        Err(status) => return shell::refused(&pages, Here::Lists, &status),
    };
    let content = html! {
        div.title {
            h1 { (words::list_title(list)) }
            p.lead { (words::list_meaning(list)) }
        }
        (told.live())
        div #state { (shell::told_from(told.answer.context.as_ref())) }
        (told.chips(&visit))
        (told.form(&visit))
        div #rows { (told.rows(&visit, true)) }
        (told.elsewhere(&visit))
    };
    Page { title: words::list_title(list), here: Here::Lists, back: None, content }.respond(&pages)
}

/// A list as a panel, for a frame.
pub async fn embedded(State(pages): State<Pages>, Path(path): Path<String>, visit: Visit) -> Response {
    let Some(list) = words::list_of_path(&path) else { return shell::missing(&pages) };
    let told = match read(&visit, list).await {
        Ok(told) => told,
        Err(status) => return shell::refused(&pages, Here::Nowhere, &status),
    };
    let areas = told.asked.filter.as_ref().map(|filter| filter.areas.join(", ")).unwrap_or_default();
    let content = html! {
        h1.panel-title {
            a href={ "/lists/" (words::list_path(list)) } target="_blank" rel="noopener" { (words::list_title(list)) }
            @if !areas.is_empty() { " in " (areas) }
        }
        (told.live())
        div #state { (shell::told_from(told.answer.context.as_ref())) }
        div #rows { (told.rows(&visit, false)) }
    };
    shell::panel(words::list_title(list), &content, &pages.ancestors)
}

async fn read(visit: &Visit, list: List) -> Result<Told, Status> {
    let mut asked: pb::ListStandingsRequest = visit.message(REQUEST, &["area"])?;
    asked.list = list.proto().into();
    // As an embedded panel's address says it in short.
    let area = visit.parameter("area");
    if !area.is_empty() {
        asked.filter.get_or_insert_default().areas.push(area);
    }
    let of_all_bands = asked.filter.clone().map(|filter| pb::StandingFilter { bands: Vec::new(), ..filter });
    let summary = pb::GetListSummaryRequest { list: asked.list, filter: of_all_bands, ..Default::default() };
    let (mut ranking, mut beside) = (visit.asker.ranking(), visit.asker.ranking());
    let (answer, summary) = tokio::try_join!(ranking.list_standings(asked.clone()), beside.get_list_summary(summary))?;
    let (answer, summary) = (answer.into_inner(), summary.into_inner());
    let before = if asked.generation == 0 && !answer.standings.is_empty() {
        let request = pb::BatchGetStandingsRequest {
            list: asked.list,
            subject_refs: answer.standings.iter().map(|standing| standing.subject_ref.clone()).collect(),
            with_before: true,
            ..Default::default()
        };
        let stood = ranking.batch_get_standings(request).await?.into_inner();
        stood.before.map(|before| {
            let stood = stood.results.into_iter().map(|result| (result.subject_ref, result.before));
            (before.as_of, stood.collect())
        })
    } else {
        None
    };
    Ok(Told { list, asked, answer, summary, before })
}

impl Told {
    /// Where the script follows the list, and tells what it does.
    fn live(&self) -> Markup {
        let revision = self.answer.context.as_ref().map_or(0, |context| context.revision);
        let first = self.asked.page_token.is_empty() && self.asked.generation == 0;
        html! {
            div.live data-list=[first.then(|| words::list_path(self.list))] data-revision=(revision) hidden {
                p role="status" aria-live="polite" {}
                button type="button" aria-pressed="false" { "Pause updates" }
            }
        }
    }

    fn filter(&self) -> pb::StandingFilter {
        self.asked.filter.clone().unwrap_or_default()
    }

    /// How many of each band, each a way to see only those.
    fn chips(&self, visit: &Visit) -> Markup {
        let filter = self.filter();
        html! {
            nav.chips aria-label="By band" #chips {
                ul {
                    li {
                        a href=(visit.only("filter.bands", "")) aria-current=[filter.bands.is_empty().then_some("true")] {
                            "All " span.number { (count(self.summary.size)) }
                        }
                    }
                    @for named in &self.summary.by_band {
                        @if let Some(known) = words::band_of_name(&named.name) {
                            @let only = filter.bands == [i32::from(known)];
                            li {
                                a href=(visit.only("filter.bands", &named.name)) aria-current=[only.then_some("true")] {
                                    (band(known)) " " span.number { (count(named.count)) }
                                }
                            }
                        }
                    }
                }
            }
        }
    }

    /// The filters of the contract, as a form that needs no script.
    fn form(&self, visit: &Visit) -> Markup {
        let filter = self.filter();
        let narrowed = visit.asked.begins("filter.");
        let outstanding = self.list.family() == Family::Outstanding;
        let fields = html! {
            fieldset {
                legend { "Band" }
                @for known in Band::ALL.iter().rev() {
                    @let proto = known.proto();
                    @let word = spoken(proto.as_str_name(), "BAND_");
                    (checkbox("filter.bands", &word.to_uppercase().replace(' ', "_"), &capital(&word), filter.bands.contains(&proto.into())))
                }
            }
            @if self.summary.by_area.len() <= 24 && !self.summary.by_area.is_empty() {
                fieldset {
                    legend { "Area" }
                    @for area in &self.summary.by_area {
                        (checkbox("filter.areas", &area.name, &area.name, filter.areas.contains(&area.name)))
                    }
                }
            } @else {
                (text("filter.areas", "Area", filter.areas.first().map_or("", String::as_str)))
            }
            @if outstanding {
                (select("filter.reasons", "Reason", OutstandingReason::ALL.iter().map(|it| (it.proto().as_str_name(), it.told().to_owned())),
                    filter.reasons().next().map(|it| it.as_str_name())))
                (select("filter.circulation_states", "Circulation", Circulation::ALL.iter().map(|it| (it.proto().as_str_name(), it.told().to_owned())),
                    filter.circulation_states().next().map(|it| it.as_str_name())))
                (number("filter.min_days_outstanding", "Days outstanding, at least", filter.min_days_outstanding))
            }
            (text("filter.offender_managers", "Offender manager", filter.offender_managers.first().map_or("", String::as_str)))
            (select("filter.custody", "Custody", CustodyState::ALL.iter().map(|it| it.proto().as_str_name()).map(|name| (name, spoken(name, "CUSTODY_STATE_"))),
                (filter.custody != 0).then(|| filter.custody().as_str_name())))
            fieldset {
                legend { "Only" }
                (checkbox("filter.provisional_only", "true", "Provisional", filter.provisional_only))
                (checkbox("filter.overridden_only", "true", "Overridden", filter.overridden_only))
            }
        };
        shell::filter(&visit.path, narrowed, &fields)
    }

    /// The rows of this page, and the ways to the others.
    fn rows(&self, visit: &Visit, linked: bool) -> Markup {
        let matching: u32 = if self.filter().bands.is_empty() {
            self.summary.size
        } else {
            let wanted: Vec<_> = self.filter().bands().map(Some).collect();
            let of_bands =
                self.summary.by_band.iter().filter(|named| wanted.contains(&words::band_of_name(&named.name)));
            of_bands.map(|named| named.count).sum()
        };
        let (first, last) = (self.answer.standings.first(), self.answer.standings.last());
        html! {
            @if let (Some(first), Some(last)) = (first, last) {
                div.scroll tabindex="0" role="region" aria-labelledby="caption" {
                    table.list {
                        caption #caption {
                            (count(first.filtered_position)) " to " (count(last.filtered_position)) " of "
                            (counted(matching, "person", "people"))
                            @if matching != self.answer.list_size { ", of " (count(self.answer.list_size)) " on the list" }
                        }
                        (self.head())
                        tbody {
                            @for standing in &self.answer.standings { (self.row(standing, linked)) }
                        }
                    }
                }
                @if linked { (table::paged(&visit.asked, &visit.path, &self.answer.next_page_token)) }
            } @else if self.answer.list_size == 0 {
                p { "Nobody whom you may see stands on this list." }
            } @else {
                p { "Nobody on this list matches the filter. " a href=(visit.path) { "Clear the filter" } "." }
            }
        }
    }

    fn head(&self) -> Markup {
        html! {
            thead {
                tr {
                    th.figure scope="col" { "Rank" }
                    th scope="col" { "Person" }
                    th scope="col" { "Band" }
                    th.figure scope="col" { "Score" }
                    th.figure.part scope="col" { "Threat" }
                    th.figure.part scope="col" { "Risk" }
                    th.figure.part scope="col" { "Harm" }
                    @match self.list.family() {
                        Family::Cohort => { th scope="col" { "Managed" } }
                        Family::Outstanding => {
                            th.figure scope="col" { "Days out" }
                            th scope="col" { "Circulated" }
                        }
                    }
                    th scope="col" {
                        @match &self.before {
                            Some((as_of, _)) => { "Since " (day(as_of)) }
                            None => { "Moved" }
                        }
                    }
                    th scope="col" { "Marks" }
                }
            }
        }
    }

    fn row(&self, standing: &pb::Standing, linked: bool) -> Markup {
        let as_of = self.answer.context.as_ref().and_then(|context| context.as_of.parse::<Date>().ok());
        let days = standing
            .outstanding_since
            .parse::<Date>()
            .ok()
            .zip(as_of)
            .map(|(since, as_of)| as_of.days() - since.days());
        html! {
            tr data-ref=(standing.subject_ref) {
                td.figure data-label="Rank" { (count(standing.rank)) }
                th scope="row" {
                    a href=(words::person_path(&standing.subject_ref, Some(self.list))) target=[(!linked).then_some("_blank")] rel=[(!linked).then_some("noopener")] { (standing.subject_ref) }
                }
                td data-label="Band" { (band(standing.effective_band())) }
                td.figure data-label="Score" { span.points { (points(standing.composite)) } (words::bar(standing.composite, "fill-plain")) }
                td.figure.part data-label="Threat" { (words::short_points(standing.threat)) }
                td.figure.part data-label="Risk" { (words::short_points(standing.risk)) }
                td.figure.part data-label="Harm" { (words::short_points(standing.harm)) }
                @match self.list.family() {
                    Family::Cohort => {
                        td data-label="Managed" {
                            @if standing.cohort_status != 0 { (capital(&spoken(standing.cohort_status().as_str_name(), "COHORT_STATUS_"))) }
                            @if standing.rag != 0 { " " span.rag { (spoken(standing.rag().as_str_name(), "RAG_")) } }
                        }
                    }
                    Family::Outstanding => {
                        td.figure data-label="Days out" { @if let Some(days) = days { (count(u64::try_from(days).unwrap_or(0))) } }
                        td data-label="Circulated" {
                            @match standing.circulation() {
                                pb::Circulation::Unspecified => {}
                                pb::Circulation::NotCirculated => { strong { "Not circulated" } }
                                circulation => { (capital(told::<Circulation>(circulation.into()))) }
                            }
                        }
                    }
                }
                td data-label="Moved" { (self.moved(standing)) }
                td data-label="Marks" { (marks(standing)) }
            }
        }
    }

    /// How somebody stood before: an arrow, and the same in words.
    fn moved(&self, standing: &pb::Standing) -> Markup {
        let Some(before) = self.before.as_ref().and_then(|(_, stood)| stood.get(&standing.subject_ref)) else {
            return html! {};
        };
        html! {
            @match before.filter(|before| before.rank > 0) {
                None => { span.moved.moved-new { "New" } }
                Some(before) if before.rank > standing.rank => {
                    span.moved.moved-up { span aria-hidden="true" { "▲ " } "up " (count(before.rank - standing.rank)) }
                }
                Some(before) if before.rank < standing.rank => {
                    span.moved.moved-down { span aria-hidden="true" { "▼ " } "down " (count(standing.rank - before.rank)) }
                }
                Some(_) => { span.moved { span aria-hidden="true" { "–" } span.unseen { "same rank" } } }
            }
            @if let Some(before) = before.filter(|before| before.rank > 0 && before.effective_band != standing.effective_band) {
                " " span.moved-band { "was " (band_word(before.effective_band()).to_lowercase()) }
            }
        }
    }

    /// The same list in other forms.
    fn elsewhere(&self, visit: &Visit) -> Markup {
        let name = words::list_path(self.list);
        let call = |method: &str, format: &str| {
            let said: Vec<_> = [("list", name.as_str()), ("format", format)]
                .into_iter()
                .chain(visit.asked.beginning("filter."))
                .collect();
            asked::to(&format!("/v1/RankingService/{method}"), &said)
        };
        let narrowed = visit.asked.beginning("filter.").next().is_some();
        let all = if narrowed { "All who match the filter" } else { "The whole list" };
        html! {
            aside.elsewhere aria-label="The same list elsewhere" {
                ul {
                    li { a href={ "/lists/" (name) "/changed" } { "What changed" } }
                    li { a href=(call("ExportStandings", "csv")) { (all) " for a spreadsheet (CSV)" } }
                    li { a href=(call("ExportStandings", "parquet")) { (all) " as Parquet" } }
                    li { a href=(call("ListStandings", "")) { "This page as JSON" } }
                }
            }
        }
    }
}

fn checkbox(name: &str, value: &str, label: &str, checked: bool) -> Markup {
    let id = format!("{name}-{value}");
    html! {
        div.check {
            input type="checkbox" name=(name) value=(value) id=(id) checked[checked];
            label for=(id) { (label) }
        }
    }
}

pub(super) fn text(name: &str, label: &str, value: &str) -> Markup {
    html! {
        div.field {
            label for=(name) { (label) }
            input type="text" name=(name) id=(name) value=(value) autocomplete="off" spellcheck="false";
        }
    }
}

fn number(name: &str, label: &str, value: u32) -> Markup {
    html! {
        div.field {
            label for=(name) { (label) }
            input.narrow type="text" inputmode="numeric" pattern="[0-9]*" name=(name) id=(name) value=[(value > 0).then_some(value)] autocomplete="off";
        }
    }
}

fn select<'a>(name: &str, label: &str, words: impl Iterator<Item = (&'a str, String)>, chosen: Option<&str>) -> Markup {
    html! {
        div.field {
            label for=(name) { (label) }
            select name=(name) id=(name) {
                option value="" { "Any" }
                @for (value, word) in words {
                    option value=(value) selected[chosen == Some(value)] { (capital(&word)) }
                }
            }
        }
    }
}

/// Who moved on a list, and why.
pub async fn changed(State(pages): State<Pages>, Path(path): Path<String>, visit: Visit) -> Response {
    let Some(list) = words::list_of_path(&path) else { return shell::missing(&pages) };
    let moved = async {
        let mut asked: pb::ListMovementsRequest = visit.message("steelyard.v1.ListMovementsRequest", &[])?;
        asked.list = list.proto().into();
        Ok::<_, Status>(visit.asker.ranking().list_movements(asked).await?.into_inner())
    };
    let title = format!("What changed: {}", words::list_title(list));
    let content = match moved.await {
        Ok(answer) => movements(list, &answer, &visit),
        Err(status) if super::super::http::problem::told(&status)["reason"] == "UNKNOWN_GENERATION" => html! {
            h1 { (title) }
            p { "Nothing to compare with yet: no run of an earlier day has been published. " a href="/runs" { "See the runs" } "." }
        },
        Err(status) => return shell::refused(&pages, Here::Lists, &status),
    };
    let back = Some((words::list_title(list).to_owned(), format!("/lists/{}", words::list_path(list))));
    Page { title: &title, here: Here::Lists, back, content }.respond(&pages)
}

fn movements(list: List, answer: &pb::ListMovementsResponse, visit: &Visit) -> Markup {
    let end = |end: &Option<pb::MovementEnd>| end.as_ref().map(|end| day(&end.as_of)).unwrap_or_default();
    let now = answer.to.as_ref().is_some_and(|to| to.generation == 0);
    html! {
        h1 { "What changed: " (words::list_title(list)) }
        (shell::told_from(answer.context.as_ref()))
        p { "Between " (end(&answer.from)) " and " @if now { "now" } @else { (end(&answer.to)) } ":" }
        ul.counts {
            @for counted in &answer.counts {
                li { strong { (count(counted.people)) } " " (spoken(counted.kind().as_str_name(), "MOVEMENT_KIND_")) }
            }
        }
        @if answer.movements.is_empty() {
            p { "Nobody moved." }
        } @else {
            div.scroll tabindex="0" role="region" aria-labelledby="caption" {
                table {
                    caption #caption { "Who moved, changes of band first" }
                    thead { tr {
                        th scope="col" { "Person" } th scope="col" { "What" } th scope="col" { "Before" } th scope="col" { "After" }
                        th.figure scope="col" { "Change" } th scope="col" { "Why" }
                    } }
                    tbody {
                        @for moved in &answer.movements {
                            @let change = moved.composite_after.cast_signed() - moved.composite_before.cast_signed();
                            tr {
                                th scope="row" { a href=(words::person_path(&moved.subject_ref, Some(list))) { (moved.subject_ref) } }
                                td data-label="What" { (capital(&spoken(moved.kind().as_str_name(), "MOVEMENT_KIND_"))) }
                                td data-label="Before" { (place(moved.before.as_ref())) }
                                td data-label="After" { (place(moved.after.as_ref())) }
                                td.figure data-label="Change" { (words::signed_points(change)) }
                                td data-label="Why" { @if let Some(causes) = &moved.causes { (words::sentence(&causes.explanation)) } }
                            }
                        }
                    }
                }
            }
            (table::paged(&visit.asked, &visit.path, &answer.next_page_token))
        }
    }
}

fn place(place: Option<&pb::MovementPlace>) -> Markup {
    html! {
        @match place {
            Some(place) => { (band(place.effective_band())) " " (words::ordinal(place.rank)) ", " (points(place.composite)) }
            None => { "Not on the list" }
        }
    }
}
