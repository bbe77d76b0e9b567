//! One person on one list: where they stand, why, down to the record, what is missing,
//! how it came to be so, who stands beside them, and what was decided.

use axum::extract::State;
use axum::response::Response;
use maud::{Markup, html};
use tonic::{Code, Status};

use super::oversight::terms::told;
use super::shell::{self, Here, Page};
use super::what_if::{self, WhatIf};
use super::words::{self, band, band_word, capital, count, day, instant, ordinal, points, sentence, spoken};
use super::{Pages, Visit, asked, curve};
use crate::domain::word::{Circulation, List, OutstandingReason};
use crate::pb;
use crate::telling::factors;

/// Neighbours shown on either side.
const NEIGHBOURS: u32 = 3;
/// Reasons shown before the rest is folded away.
const REASONS: usize = 12;
/// Records of one reason that are named.
const RECORDS: usize = 4;
/// Generations of the history shown.
const GENERATIONS: u32 = 90;

/// What is read of a person.
struct Person {
    answer: pb::GetStandingResponse,
    listed: pb::ListedStanding,
    list: List,
    neighbourhood: pb::GetNeighbourhoodResponse,
    history: pb::ListStandingHistoryResponse,
    /// `None`: not the caller's to read.
    files: Option<pb::GetOutstandingResponse>,
    /// `None`: not the caller's to read.
    decisions: Option<pb::ListDecisionsResponse>,
    /// `None`: not asked for.
    what_if: Option<WhatIf>,
}

/// The page of a person.
pub async fn person(State(pages): State<Pages>, visit: Visit) -> Response {
    let subject_ref = visit.parameter("ref");
    let wanted = words::list_of_path(&visit.parameter("list"));
    let person = match read(&visit, &subject_ref, wanted).await {
        Ok(person) => person,
        Err(status) => return shell::refused(&pages, Here::Lists, &status),
    };
    let back = Some((words::list_title(person.list).to_owned(), format!("/lists/{}", words::list_path(person.list))));
    Page { title: &subject_ref, here: Here::Lists, back, content: person.content() }.respond(&pages)
}

async fn read(visit: &Visit, subject_ref: &str, wanted: Option<List>) -> Result<Person, Status> {
    let asked = pb::GetStandingRequest { subject_ref: subject_ref.to_owned(), ..Default::default() };
    let answer = visit.asker.ranking().get_standing(asked).await?.into_inner();
    let of_list = |list: List| answer.standings.iter().find(|listed| listed.list == i32::from(list.proto()));
    let listed = wanted.and_then(of_list).or_else(|| answer.standings.first()).cloned();
    let listed = listed.ok_or_else(|| Status::not_found("this person stands on no list that you may see"))?;
    let list = List::from_proto(listed.list).ok_or_else(|| Status::internal("an unknown list"))?;
    let around = pb::GetNeighbourhoodRequest {
        list: listed.list,
        subject_ref: answer.subject_ref.clone(),
        k: NEIGHBOURS,
        ..Default::default()
    };
    let history = pb::ListStandingHistoryRequest {
        subject_ref: answer.subject_ref.clone(),
        list: listed.list,
        page_size: GENERATIONS,
        ..Default::default()
    };
    let files = pb::GetOutstandingRequest { subject_ref: answer.subject_ref.clone(), ..Default::default() };
    let decisions = pb::ListDecisionsRequest {
        filter: Some(pb::DecisionFilter { subject_refs: vec![answer.subject_ref.clone()], ..Default::default() }),
        ..Default::default()
    };
    let (mut near, mut past) = (visit.asker.ranking(), visit.asker.ranking());
    let (mut sought, mut decided) = (visit.asker.outstanding(), visit.asker.cohort());
    let (near, past, files, decisions) = tokio::join!(
        near.get_neighbourhood(around),
        past.list_standing_history(history),
        sought.get_outstanding(files),
        decided.list_decisions(decisions),
    );
    Ok(Person {
        neighbourhood: near?.into_inner(),
        history: past?.into_inner(),
        files: theirs(files)?,
        decisions: theirs(decisions)?,
        what_if: if visit.asked.ticked("what_if") { Some(what_if(visit, &answer.subject_ref).await?) } else { None },
        answer,
        listed,
        list,
    })
}

/// What would change the band. Where ranks by other tables are worked out for somebody else, the rest is told.
async fn what_if(visit: &Visit, subject_ref: &str) -> Result<WhatIf, Status> {
    let asked = |with_harm_tables| pb::GetStandingRequest {
        subject_ref: subject_ref.to_owned(),
        with_counterfactuals: true,
        with_harm_tables,
        ..Default::default()
    };
    match visit.asker.ranking().get_standing(asked(true)).await {
        Ok(answer) => Ok(WhatIf { answer: answer.into_inner(), busy: false }),
        Err(status) if status.code() == Code::Aborted => {
            let answer = visit.asker.ranking().get_standing(asked(false)).await?.into_inner();
            Ok(WhatIf { answer, busy: true })
        }
        Err(status) => Err(status),
    }
}

/// What may be somebody else's to read: that is told, and is no reason to show nothing.
fn theirs<T>(answer: Result<tonic::Response<T>, Status>) -> Result<Option<T>, Status> {
    match answer {
        Ok(answer) => Ok(Some(answer.into_inner())),
        Err(status) if matches!(status.code(), Code::PermissionDenied | Code::NotFound) => Ok(None),
        Err(status) => Err(status),
    }
}

impl Person {
    fn content(&self) -> Markup {
        let standing = self.listed.standing.clone().unwrap_or_default();
        let detail = standing.detail.clone().unwrap_or_default();
        html! {
            (self.heading(&standing))
            (safeguarding(&detail))
            (self.in_short(&standing, &detail))
            (parts(self.listed.family(), &standing, &detail))
            (self.waterfall(&standing, &detail))
            (self.why_this_band(&standing, &detail))
            (what_if::section(&self.answer.subject_ref, self.list, self.what_if.as_ref(), |ids| self.evidence(ids)))
            (gaps(&standing, &detail))
            (predictors(&detail))
            (self.neighbours(&standing))
            (self.past())
            (self.files())
            (self.decisions())
        }
    }

    fn heading(&self, standing: &pb::Standing) -> Markup {
        let reference = &self.answer.subject_ref;
        html! {
            div.title {
                h1 { (reference) }
                p.standing {
                    (band(standing.effective_band())) " "
                    strong { (ordinal(standing.rank)) } " of " (count(self.listed.list_size)) " on " (words::list_title(self.list))
                    ", score " strong #score { (points(standing.composite)) } " of 100. "
                    (words::marks(standing))
                }
                dl.facts {
                    @if !self.answer.areas.is_empty() { div { dt { "Area" } dd { (self.answer.areas.join(", ")) } } }
                    @if !self.answer.offender_manager.is_empty() { div { dt { "Offender manager" } dd { (self.answer.offender_manager) } } }
                    @if standing.cohort_status != 0 {
                        div { dt { "Cohort" } dd { (capital(&spoken(standing.cohort_status().as_str_name(), "COHORT_STATUS_"))) } }
                    }
                    @if !standing.outstanding_since.is_empty() { div { dt { "Outstanding since" } dd { (day(&standing.outstanding_since)) } } }
                    @if standing.circulation != 0 {
                        div { dt { "Circulated" } dd { (capital(told::<Circulation>(standing.circulation))) } }
                    }
                }
            }
            (shell::told_from(self.answer.context.as_ref()))
            @if self.answer.standings.len() > 1 {
                nav.chips aria-label="Lists of this person" {
                    ul {
                        @for listed in &self.answer.standings {
                            @if let Some(list) = List::from_proto(listed.list) {
                                li {
                                    a href=(words::person_path(reference, Some(list))) aria-current=[(list == self.list).then_some("true")] {
                                        (words::list_title(list)) " "
                                        span.number { (ordinal(listed.standing.as_ref().map_or(0, |standing| standing.rank))) " of " (count(listed.list_size)) }
                                    }
                                }
                            }
                        }
                    }
                }
            }
            p.elsewhere { a href=(records_path(reference, None)) { "Everything held of this person" } }
        }
    }

    /// Two or three sentences that answer the question, for somebody who reads no further.
    fn in_short(&self, standing: &pb::Standing, detail: &pb::StandingDetail) -> Markup {
        let largest = shares(detail).into_iter().max_by_key(|(_, share)| *share).filter(|(_, share)| *share > 0);
        let above = self.neighbourhood.above.last();
        let below = self.neighbourhood.below.first();
        let compare = |other: &pb::Standing| compare_path(self.list, &self.answer.subject_ref, &other.subject_ref);
        html! {
            section.short aria-labelledby="short" {
                h2 #short { "Why, in short" }
                p {
                    @if let Some((component, share)) = largest {
                        (words::component(component)) " gives the largest part of the score: " (points(share)) " of "
                        (points(standing.composite)) " points. "
                    }
                    @if let Some(first) = detail.contributions.first() {
                        "The largest single reason gives " (points(first.milli_points)) ": " (sentence(&first.description)) " "
                    }
                    @if standing.overridden {
                        "An officer’s override decides the band. "
                    } @else if standing.effective_band != standing.computed_band {
                        "The score alone would give " (band_word(standing.computed_band()).to_lowercase())
                        "; a rule raises the band to " (band_word(standing.effective_band()).to_lowercase()) ". "
                    }
                    @if detail.escalating { "Escalating: more harm in the last 365 days than in the 365 before. This is shown and never scored. " }
                }
                p {
                    @match above {
                        Some(above) => { "Just above stands " a href=(words::person_path(&above.subject_ref, Some(self.list))) { (above.subject_ref) }
                            ": " a href=(compare(above)) { "why not higher?" } " " }
                        None => { "Nobody stands higher. " }
                    }
                    @if let Some(below) = below {
                        "Just below stands " a href=(words::person_path(&below.subject_ref, Some(self.list))) { (below.subject_ref) }
                        ": " a href=(compare(below)) { "why not lower?" }
                    }
                }
            }
        }
    }

    /// What the score is made of, the largest first, down to the records. It sums to the score exactly.
    fn waterfall(&self, standing: &pb::Standing, detail: &pb::StandingDetail) -> Markup {
        let sum = |shares: &[pb::Contribution]| shares.iter().map(|share| share.milli_points).sum::<u32>();
        let (shown, rest) = detail.contributions.split_at(detail.contributions.len().min(REASONS));
        html! {
            section {
                h2 #made-of { "What the score is made of" }
                @if shown.is_empty() {
                    p { "Nothing held adds to the score." }
                } @else {
                    div.scroll tabindex="0" role="region" aria-labelledby="made-of" {
                        table.waterfall {
                            caption.unseen { "Shares of the score, the largest first" }
                            (waterfall_head())
                            tbody { (self.shares_of(0, shown, standing.composite)) }
                            tfoot {
                                @if !rest.is_empty() {
                                    tr {
                                        td.figure.share data-label="Points" { (points(sum(rest))) }
                                        td.only-wide { (words::piece(sum(shown), sum(rest), standing.composite, "fill-plain")) }
                                        td colspan="2" { (words::counted(rest.len() as u64, "smaller reason", "smaller reasons")) ", told below" }
                                    }
                                }
                                tr {
                                    td.figure data-label="Sum" { strong #sum { (points(sum(&detail.contributions))) } }
                                    td.only-wide {}
                                    td colspan="2" { "the score, exactly" }
                                }
                            }
                        }
                    }
                    @if !rest.is_empty() {
                        details {
                            summary { (words::counted(rest.len() as u64, "smaller reason", "smaller reasons")) ", " (points(sum(rest))) " points together" }
                            div.scroll tabindex="0" role="region" aria-label="Smaller reasons" {
                                table.waterfall {
                                    caption.unseen { "Smaller shares of the score" }
                                    (waterfall_head())
                                    tbody { (self.shares_of(sum(shown), rest, standing.composite)) }
                                }
                            }
                        }
                    }
                }
            }
        }
    }

    /// Rows of shares, each bar from where the one before it ended.
    fn shares_of(&self, before: u32, shares: &[pb::Contribution], composite: u32) -> Markup {
        let begun = shares.iter().scan(before, |sum, share| {
            let begun = *sum;
            *sum += share.milli_points;
            Some(begun)
        });
        html! {
            @for (share, begun) in shares.iter().zip(begun) {
                tr {
                    td.figure.share data-label="Points" { (points(share.milli_points)) }
                    td.only-wide { (words::piece(begun, share.milli_points, composite, words::component_class(share.component()))) }
                    td data-label="Part" { (words::component(share.component())) }
                    td data-label="Why" { (self.reason(share)) }
                }
            }
        }
    }

    fn reason(&self, share: &pb::Contribution) -> Markup {
        html! {
            (sentence(&share.description))
            @if share.sensitive { " " span.mark { "Rests on sensitive intelligence" } }
            @if !share.factors.is_empty() {
                span.factors { (factors(&share.factors)) }
            }
            (self.evidence(&share.evidence_ids))
        }
    }

    fn evidence(&self, ids: &[String]) -> Markup {
        html! {
            @if !ids.is_empty() {
                span.records {
                    (if ids.len() == 1 { "Record " } else { "Records " })
                    @for (place, id) in ids.iter().take(RECORDS).enumerate() {
                        @if place > 0 { ", " }
                        a href=(records_path(&self.answer.subject_ref, Some(id))) { (id) }
                    }
                    @if ids.len() > RECORDS { " and " (words::count((ids.len() - RECORDS) as u64)) " more" }
                }
            }
        }
    }

    fn why_this_band(&self, standing: &pb::Standing, detail: &pb::StandingDetail) -> Markup {
        let word = |band: pb::Band| band_word(band).to_lowercase();
        html! {
            section aria-labelledby="band" {
                h2 #band { "Why this band" }
                ul {
                    li { "The score of " (points(standing.composite)) " alone is " (word(standing.computed_band())) "." }
                    @for floor in &detail.floors {
                        li {
                            "At least " (word(floor.band())) ", whatever the score"
                            @if floor.band() < standing.computed_band() { " (it is above that already)" }
                            ": " (sentence(&floor.description)) (self.evidence(&floor.evidence_ids))
                        }
                    }
                    @if let Some(it) = &detail.r#override {
                        li {
                            "Overridden to " (word(it.band())) " by " (it.officer)
                            @if !it.second_officer.is_empty() { ", with " (it.second_officer) }
                            ", until " (day(&it.expires_on)) ": " (sentence(&it.rationale))
                            (self.evidence(std::slice::from_ref(&it.record_id)))
                        }
                    } @else if detail.floors.is_empty() {
                        li { "No rule raises it and nobody overrides it." }
                    }
                }
            }
        }
    }

    fn neighbours(&self, standing: &pb::Standing) -> Markup {
        let around = &self.neighbourhood;
        let rows = || around.above.iter().chain(&around.subject).chain(&around.below);
        html! {
            section {
                h2 #neighbours { "Who stands beside them" }
                @if around.above.is_empty() && around.below.is_empty() {
                    p { "Nobody else whom you may see stands on this list." }
                } @else {
                    div.scroll tabindex="0" role="region" aria-labelledby="neighbours" {
                        table {
                            caption.unseen { "People just above and just below" }
                            thead { tr {
                                th.figure scope="col" { "Rank" } th scope="col" { "Person" } th scope="col" { "Band" }
                                th.figure scope="col" { "Score" } th.figure scope="col" { "Difference" } th scope="col" { "Compare" }
                            } }
                            tbody {
                                @for row in rows() {
                                    @let own = row.subject_ref == self.answer.subject_ref;
                                    tr.here[own] {
                                        td.figure data-label="Rank" { (count(row.rank)) }
                                        th scope="row" {
                                            @if own { (row.subject_ref) " (this person)" }
                                            @else { a href=(words::person_path(&row.subject_ref, Some(self.list))) { (row.subject_ref) } }
                                        }
                                        td data-label="Band" { (band(row.effective_band())) }
                                        td.figure data-label="Score" { (points(row.composite)) }
                                        td.figure data-label="Difference" { @if !own { (words::signed_points(row.composite.cast_signed() - standing.composite.cast_signed())) } }
                                        td data-label="Compare" { @if !own { a href=(compare_path(self.list, &self.answer.subject_ref, &row.subject_ref)) { "Why" span.unseen { " " (row.subject_ref) " stands there" } } } }
                                    }
                                }
                            }
                        }
                    }
                }
                form.inline method="get" action="/compare" {
                    input type="hidden" name="list" value=(words::list_path(self.list));
                    input type="hidden" name="a" value=(self.answer.subject_ref);
                    label for="b" { "Compare with" } " "
                    input type="text" name="b" id="b" autocomplete="off" spellcheck="false" required; " "
                    button.second type="submit" { "Compare" }
                }
            }
        }
    }

    fn past(&self) -> Markup {
        html! {
            section aria-labelledby="past" {
                h2 #past { "How it came to be so" }
                (curve::history(&self.history))
            }
        }
    }

    fn files(&self) -> Markup {
        html! {
            section aria-labelledby="files" {
                h2 #files { "Outstanding files" }
                @match &self.files {
                    None => { p { "Files are not yours to read, or there are none." } }
                    Some(files) if files.files.is_empty() => { p { "None." } }
                    Some(files) => {
                        ul {
                            @for file in &files.files {
                                li { a href=(file_path(&self.answer.subject_ref, &file.outstanding_id)) { (file.outstanding_id) } ": " (capital(told::<OutstandingReason>(file.file.as_ref().map_or(0, |file| file.reason)))) }
                            }
                        }
                    }
                }
            }
        }
    }

    fn decisions(&self) -> Markup {
        html! {
            section aria-labelledby="decisions" {
                h2 #decisions { "What was decided" }
                @match &self.decisions {
                    None => { p { "Decisions are not yours to read." } }
                    Some(decisions) if decisions.decisions.is_empty() => { p { "No decision is recorded." } }
                    Some(decisions) => {
                        ol.timeline {
                            @for told in &decisions.decisions {
                                @let decision = told.decision.clone().unwrap_or_default();
                                li {
                                    p.when { (instant(told.recorded_time.as_ref())) }
                                    p { strong { (capital(&spoken(decision.decision().as_str_name(), "DECISION_KIND_"))) } " by " (decision.officer) ": " (sentence(&decision.rationale)) }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn waterfall_head() -> Markup {
    html! {
        thead { tr {
            th.figure scope="col" { "Points" }
            th.only-wide scope="col" { span.unseen { "As a bar" } }
            th scope="col" { "Part" }
            th scope="col" { "Why" }
        } }
    }
}

/// What must be read before anything else.
fn safeguarding(detail: &pb::StandingDetail) -> Markup {
    html! {
        @if !detail.safeguarding.is_empty() {
            div.notice.notice-warning role="region" aria-labelledby="safeguarding" {
                h2 #safeguarding { "Safeguarding first" }
                ul { @for reason in &detail.safeguarding { li { (sentence(reason)) } } }
            }
        }
    }
}

/// Points of the composite by component, from the contributions, which sum to it exactly.
fn shares(detail: &pb::StandingDetail) -> [(pb::Component, u32); 3] {
    [pb::Component::Threat, pb::Component::Risk, pb::Component::Harm].map(|part| {
        let of_part = detail.contributions.iter().filter(|it| it.component() == part);
        (part, of_part.map(|it| it.milli_points).sum())
    })
}

/// Threat, risk and harm as bars, each with its weight and the points that it gives.
fn parts(family: pb::Family, standing: &pb::Standing, detail: &pb::StandingDetail) -> Markup {
    let scores = [standing.threat, standing.risk, standing.harm];
    let meaning = |part: pb::Component| match part {
        pb::Component::Threat => "what could come next, and how soon",
        pb::Component::Risk => "how likely to offend again",
        pb::Component::Harm => "harm done, weighed to today",
        pb::Component::Unspecified => "",
    };
    html! {
        section aria-labelledby="parts" {
            h2 #parts { "Threat, risk and harm" }
            dl.parts {
                @for (place, ((part, share), score)) in shares(detail).into_iter().zip(scores).enumerate() {
                    div {
                        dt { (words::component(part)) " " span.quiet { (meaning(part)) } }
                        dd {
                            (words::bar(score, words::component_class(part)))
                            span.points { (points(score)) " of 100" }
                            span.quiet {
                                @if let Some(weight) = detail.weights.get(place) { " counts " (weight) " %" }
                                " and gives " (points(share)) " points"
                            }
                        }
                    }
                }
            }
            @if family == pb::Family::Cohort && detail.custody_factor < 10_000 && !detail.weights.is_empty() {
                p { "All of it counts × " (format!("{}.{:04}", detail.custody_factor / 10_000, detail.custody_factor % 10_000).trim_end_matches('0').trim_end_matches('.')) ", for time still to serve." }
            }
        }
    }
}

/// What is missing, and what would settle it.
fn gaps(standing: &pb::Standing, detail: &pb::StandingDetail) -> Markup {
    let interval = detail.interval.unwrap_or_default();
    html! {
        section aria-labelledby="missing" {
            h2 #missing { "What is missing, and what would settle it" }
            @if detail.gaps.is_empty() {
                p { "Nothing is missing: the score is what it is." }
            } @else {
                @if interval.low != interval.high {
                    p {
                        "The score may lie anywhere from " (points(interval.low)) " to " (points(interval.high))
                        @if interval.low_band == interval.high_band { ", " (band_word(interval.low_band()).to_lowercase()) " either way." }
                        @else { ": " (band_word(interval.low_band()).to_lowercase()) " at one end, " (band_word(interval.high_band()).to_lowercase()) " at the other." }
                    }
                }
                @if standing.provisional { p { strong { "The standing is provisional: settle this before relying on the band." } } }
                ul { @for gap in &detail.gaps { li { (sentence(&gap.description)) " " code.quiet { (gap.reason) } } } }
            }
        }
    }
}

fn predictors(detail: &pb::StandingDetail) -> Markup {
    html! {
        @if !detail.predictors.is_empty() {
            section {
                h2 #predictors { "Published predictors" }
                div.scroll tabindex="0" role="region" aria-labelledby="predictors" {
                    table {
                        caption.unseen { "Predictors, as published" }
                        thead { tr { th scope="col" { "Predictor" } th.figure scope="col" { "In two years" } th scope="col" { "Band" } th scope="col" { "From" } th scope="col" { "Use" } } }
                        tbody {
                            @for predictor in &detail.predictors {
                                @let known = predictor.source() != pb::PredictorSource::Unspecified;
                                tr {
                                    th scope="row" { (predictor.instrument) }
                                    td.figure data-label="In two years" { @if known { (format!("{:.2} %", predictor.probability * 100.0)) } }
                                    td data-label="Band" { (capital(&spoken(predictor.band().as_str_name(), "PREDICTOR_BAND_"))) }
                                    td data-label="From" {
                                        @match predictor.source() {
                                            pb::PredictorSource::Computed => { "computed here" }
                                            pb::PredictorSource::Probation => { "probation, record " (predictor.evidence_id) }
                                            pb::PredictorSource::Unspecified => { "not computed: " (predictor.missing) }
                                        }
                                    }
                                    td data-label="Use" { (if predictor.scored { "part of risk" } else { "shown, not scored" }) }
                                }
                            }
                        }
                    }
                }
                p.quiet { "Likelihood of reoffending: ARP of any kind, VRP violently, SVRP with serious violence. OGRS3 is older." }
            }
        }
    }
}

/// The address of what is held of a person, at one record.
pub fn records_path(subject_ref: &str, id: Option<&str>) -> String {
    asked::to("/people/records", &[("ref", subject_ref), ("record", id.unwrap_or_default())])
}

/// The address of an outstanding file.
fn file_path(subject_ref: &str, outstanding_id: &str) -> String {
    asked::to("/outstanding/file", &[("ref", subject_ref), ("id", outstanding_id)])
}

/// The address of two people compared.
pub fn compare_path(list: List, one: &str, other: &str) -> String {
    asked::to("/compare", &[("list", &words::list_path(list)), ("a", one), ("b", other)])
}
