//! Runs that weigh everybody anew, and what they published: whether last night's came
//! to its end, whom it could not weigh and why, and how old the lists are.

use axum::extract::State;
use axum::response::Response;
use maud::{Markup, html};
use tonic::Status;

use crate::api::page::asked;
use crate::api::page::shell::{self, Here, Page};
use crate::api::page::table::{self, Column, figure, words};
use crate::api::page::words::{capital, count, counted, day, instant, person_path, sentence};
use crate::api::page::{Pages, Visit};
use crate::pb;

const PATH: &str = "/runs";
/// Rows of each table.
const ROWS: u32 = 20;

/// What is read of runs.
#[derive(Debug, Default)]
pub struct Told {
    /// How old the lists are, where the reader may know.
    pub context: Option<pb::ReadContext>,
    /// Runs, the newest first.
    pub newest: pb::ListRescoreRunsResponse,
    /// Published generations, the newest first.
    pub published: pb::ListGenerationsResponse,
}

/// Runs and generations.
pub async fn page(State(pages): State<Pages>, visit: Visit) -> Response {
    match read(&visit).await {
        Ok(read) => {
            let next = |token: &str, name: &str| (!token.is_empty()).then(|| visit.with(name, token));
            let first = |name: &str| (!visit.parameter(name).is_empty()).then(|| visit.with(name, ""));
            let content = html! {
                div.title { h1 { "Runs" } p.lead { "Scores fade with time, so everybody is weighed anew each night." } }
                (state(&read))
                (runs(&read.newest.runs))
                (table::pages(next(&read.newest.next_page_token, "page_token").as_deref(), first("page_token").as_deref()))
                (generations(&read.published.generations))
                (table::pages(next(&read.published.next_page_token, "older").as_deref(), first("older").as_deref()))
            };
            Page { title: "Runs", here: Here::Runs, back: None, content }.respond(&pages)
        }
        Err(status) => shell::refused(&pages, Here::Runs, &status),
    }
}

async fn read(visit: &Visit) -> Result<Told, Status> {
    let summary = pb::GetListSummaryRequest { list: pb::List::Cohort.into(), ..Default::default() };
    let runs = pb::ListRescoreRunsRequest { page_size: ROWS, page_token: visit.parameter("page_token") };
    let generations = pb::ListGenerationsRequest { page_size: ROWS, page_token: visit.parameter("older") };
    let (mut ranking, mut rescore, mut beside) = (visit.asker.ranking(), visit.asker.rescore(), visit.asker.rescore());
    let (summary, runs, generations) = tokio::join!(
        ranking.get_list_summary(summary),
        rescore.list_rescore_runs(runs),
        beside.list_generations(generations),
    );
    Ok(Told {
        // Whoever looks after runs may be nobody who sees lists.
        context: summary.ok().and_then(|summary| summary.into_inner().context),
        newest: runs?.into_inner(),
        published: generations?.into_inner(),
    })
}

/// One run.
pub async fn one(State(pages): State<Pages>, visit: Visit) -> Response {
    let asked = pb::GetRescoreRunRequest { run_id: visit.parameter("id") };
    match visit.asker.rescore().get_rescore_run(asked).await {
        Ok(answer) => {
            let run = answer.into_inner().run.unwrap_or_default();
            let title = format!("Run of {}", day(&run.as_of));
            let content = html! { h1 { (title) } (told(&run)) (failures(&run)) };
            let back = Some(("Runs".to_owned(), PATH.to_owned()));
            Page { title: &title, here: Here::Runs, back, content }.respond(&pages)
        }
        Err(status) => shell::refused(&pages, Here::Runs, &status),
    }
}

/// How old the lists are and how the last run went, before any table.
pub fn state(read: &Told) -> Markup {
    let newest = read.published.generations.first();
    html! {
        (shell::told_from(read.context.as_ref()))
        @if read.context.is_none() && let Some(newest) = newest {
            p { "The newest lists published are those weighed as of " strong { (day(&newest.as_of)) } "." }
        }
        @match read.newest.runs.first() {
            None => { p { "There has been no run." } }
            Some(run) => {
                section aria-labelledby="last" {
                    h2 #last { "The last run" }
                    (told(run))
                    (failures(run))
                }
            }
        }
    }
}

/// The state of a run in a word.
const fn state_word(state: pb::RescoreState) -> &'static str {
    match state {
        pb::RescoreState::Unspecified => "not known",
        pb::RescoreState::Running => "going on",
        pb::RescoreState::Published => "published",
        pb::RescoreState::Failed => "failed",
        pb::RescoreState::Cancelled => "cancelled",
        pb::RescoreState::Completed => "ended, nothing published: a dry run",
    }
}

/// A run in sentences.
pub fn told(run: &pb::RescoreRun) -> Markup {
    let counters = run.counters.unwrap_or_default();
    html! {
        @match run.state() {
            pb::RescoreState::Running => { (going_on(run)) }
            pb::RescoreState::Published => {
                p { strong { "Everybody was weighed as of " (day(&run.as_of)) " and the lists were published" } " as generation " (count(run.generation)) "." }
            }
            pb::RescoreState::Failed | pb::RescoreState::Cancelled => {
                div.notice.notice-warning role="note" {
                    p {
                        strong { "The run of " (day(&run.as_of)) " " @if run.state() == pb::RescoreState::Failed { "failed" } @else { "was cancelled" } ". " }
                        (capital(&sentence(if run.reason.is_empty() { "no reason is given" } else { &run.reason })))
                        " The lists stay as they were before."
                    }
                }
            }
            pb::RescoreState::Completed => { p { "A dry run of " (day(&run.as_of)) ": everybody was weighed and nothing was published." } }
            pb::RescoreState::Unspecified => { p { "How the run of " (day(&run.as_of)) " stands is not known." } }
        }
        ul {
            li { (count(counters.scored)) " of " (counted(counters.universe, "person", "people")) " weighed" }
            @if run.state() != pb::RescoreState::Running { li { (counted(counters.changed, "person stands", "people stand")) " otherwise than before" } }
            @if counters.resumed > 0 { li { (count(counters.resumed)) " of them by an attempt that was interrupted" } }
            @if counters.failed > 0 {
                li { strong { (counted(counters.failed, "person", "people")) " could not be weighed" } }
            } @else if run.state() == pb::RescoreState::Published {
                li { "Everybody could be weighed" }
            }
        }
        dl.facts {
            div { dt { "Begun" } dd { (instant(run.start_time.as_ref())) } }
            @if run.end_time.is_some() { div { dt { "Ended" } dd { (instant(run.end_time.as_ref())) } } }
            @if run.attempt > 1 { div { dt { "Attempt" } dd { (count(run.attempt)) } } }
            @if !run.actor.is_empty() { div { dt { "Asked for by" } dd { (run.actor) } } }
            div { dt { "Run" } dd { code { (run.run_id) } } }
        }
    }
}

/// How far a run is. A script follows it where there is one; a link reads it anew where there is none.
fn going_on(run: &pb::RescoreRun) -> Markup {
    let counters = run.counters.unwrap_or_default();
    html! {
        div.run data-run=(run.run_id) {
            p {
                strong { "A run goes on: everybody is weighed as of " (day(&run.as_of)) ". " }
                "Lists stay as they are until it is published."
            }
            p {
                label for="progress" { "People weighed" } br;
                progress #progress max=(counters.universe.max(1)) value=(counters.scored) {}
            }
            p #run-told role="status" { (count(counters.scored)) " of " (count(counters.universe)) " weighed." }
            p { a href=(run_path(&run.run_id)) { "See how it stands now" } }
        }
    }
}

fn run_path(run_id: &str) -> String {
    asked::to("/runs/run", &[("id", run_id)])
}

/// Whom a run could not weigh, and why.
pub fn failures(run: &pb::RescoreRun) -> Markup {
    let columns = [Column::Words("Person"), Column::Words("Why not")];
    let all = run.counters.unwrap_or_default().failed;
    html! {
        @if !run.failures.is_empty() {
            p { "Whoever could not be weighed stands with 0 points, an interval from 0 to 100, and provisional." }
            (table::framed("failures", "People who could not be weighed", &columns, run.failures.iter().map(|failure| [
                html! { a href=(person_path(&failure.subject_ref, None)) { (failure.subject_ref) } },
                words(&capital(&failure.reason)),
            ])))
            @if usize::try_from(all).is_ok_and(|all| all > run.failures.len()) {
                p { "The first " (run.failures.len()) " of " (count(all)) " are named." }
            }
        }
    }
}

fn runs(runs: &[pb::RescoreRun]) -> Markup {
    let columns = [
        Column::Words("Weighed as of"),
        Column::Words("State"),
        Column::Figure("Generation"),
        Column::Figure("People"),
        Column::Figure("Not weighed"),
        Column::Words("Begun"),
        Column::Words("Ended"),
    ];
    let rows = runs.iter().map(|run| {
        let counters = run.counters.unwrap_or_default();
        [
            html! { a href=(run_path(&run.run_id)) { (day(&run.as_of)) } },
            html! {
                span {
                    (capital(state_word(run.state())))
                    @if !run.reason.is_empty() { ": " (sentence(&run.reason)) }
                }
            },
            html! { @if run.generation > 0 { (count(run.generation)) } @else { "none" } },
            figure(counters.scored),
            figure(counters.failed),
            words(&instant(run.start_time.as_ref())),
            words(&instant(run.end_time.as_ref())),
        ]
    });
    html! {
        @if !runs.is_empty() {
            section aria-labelledby="runs-heading" {
                h2 #runs-heading { "Runs" }
                (table::framed("runs", "Runs, the newest first", &columns, rows))
            }
        }
    }
}

fn generations(generations: &[pb::Generation]) -> Markup {
    let columns = [
        Column::Words("Generation"),
        Column::Words("Weighed as of"),
        Column::Words("Policy"),
        Column::Figure("People"),
        Column::Figure("Revision"),
        Column::Words("Published"),
        Column::Words("Can be read back"),
        Column::Words("Digest"),
    ];
    let rows = generations.iter().map(|it| {
        [
            html! { (count(it.generation)) },
            words(&day(&it.as_of)),
            words(&it.policy_version),
            figure(it.subjects),
            figure(it.weighed_revision),
            words(&instant(it.published_time.as_ref())),
            words(if it.kept { "Yes" } else { "No, it is not kept any more" }),
            html! { code { (it.digest.get(..16).unwrap_or(&it.digest)) } },
        ]
    });
    html! {
        section aria-labelledby="generations-heading" {
            h2 #generations-heading { "Published generations" }
            @if generations.is_empty() { p { "None has been published." } }
            @else { (table::framed("generations", "Generations, the newest first", &columns, rows)) }
        }
    }
}
