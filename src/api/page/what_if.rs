//! What would change the band of a person, and where they would stand by other tables
//! of harm. It takes longer than the rest of the page, so it is made when asked for.

use maud::{Markup, html};

use super::asked;
use super::table::{Column, figure, framed, words as cell};
use super::words::{self, band, points, sentence};
use crate::domain::word::List;
use crate::pb;

/// What was found out.
pub struct WhatIf {
    /// The person, with both asked for.
    pub answer: pb::GetStandingResponse,
    /// Ranks by other tables are being worked out for somebody else.
    pub busy: bool,
}

/// The address of a person's page with this section.
fn path(subject_ref: &str, list: List) -> String {
    let path = asked::to("/people", &[("ref", subject_ref), ("list", &words::list_path(list)), ("what_if", "on")]);
    path + "#what-if"
}

/// The section; `None`: how to ask for it.
pub fn section(
    subject_ref: &str,
    list: List,
    found: Option<&WhatIf>,
    evidence: impl Fn(&[String]) -> Markup,
) -> Markup {
    html! {
        section aria-labelledby="what-if" {
            h2 #what-if { "What would change the band" }
            @match found {
                None => p {
                    a href=(path(subject_ref, list)) { "Work out what would change it" }
                    ", and where this person would stand by other tables of harm. It takes a moment."
                }
                Some(found) => {
                    @let listed = found.answer.standings.iter().find(|listed| listed.list == i32::from(list.proto()));
                    @if let Some(listed) = listed { (changes(listed, &evidence)) }
                    (tables(found))
                }
            }
        }
    }
}

fn changes(listed: &pb::ListedStanding, evidence: &impl Fn(&[String]) -> Markup) -> Markup {
    let ways = [(pb::BandDirection::Up, "To a higher band"), (pb::BandDirection::Down, "To a lower band")];
    html! {
        @for note in &listed.counterfactual_notes { p { (sentence(note)) } }
        @for (direction, title) in ways {
            @let told: Vec<_> = listed.counterfactuals.iter().filter(|it| it.direction() == direction).collect();
            @if !told.is_empty() {
                h3 { (title) }
                ul {
                    @for it in told {
                        li {
                            strong { (kind(it.kind())) } ": " (sentence(&it.description))
                            @if it.sensitive { " " span.mark { "Rests on sensitive intelligence" } }
                            (evidence(&it.evidence_ids))
                        }
                    }
                }
            }
        }
    }
}

const fn kind(kind: pb::CounterfactualKind) -> &'static str {
    match kind {
        pb::CounterfactualKind::OffenceFreeTime => "Time",
        pb::CounterfactualKind::AssessmentRenewed => "Assessment",
        pb::CounterfactualKind::IntelligenceRegraded => "Intelligence",
        pb::CounterfactualKind::RecordCleared => "Allegation cleared",
        pb::CounterfactualKind::AllegationProved => "Allegation proved",
        pb::CounterfactualKind::FileClosed => "File closed",
        pb::CounterfactualKind::Unspecified => "Change",
    }
}

fn tables(found: &WhatIf) -> Markup {
    let columns = [
        Column::Words("Table"),
        Column::Words("List"),
        Column::Figure("Rank"),
        Column::Figure("Of"),
        Column::Words("Band"),
        Column::Figure("Score"),
        Column::Figure("Harm"),
    ];
    let row = |it: &pb::HarmRank| {
        [
            cell(&words::capital(&it.table.replace('_', " "))),
            cell(List::from_proto(it.list).map_or("", words::list_title)),
            figure(it.rank),
            figure(it.list_size),
            band(it.effective_band()),
            html! { (points(it.composite)) },
            html! { (points(it.harm)) },
        ]
    };
    let mut sources: Vec<&str> = found.answer.harm_ranks.iter().map(|it| it.source.as_str()).collect();
    sources.dedup();
    html! {
        h3 { "Rank by each table of harm" }
        @if found.busy {
            p { "Somebody else has ranks worked out just now. Load this page again in a moment." }
        } @else {
            (framed("harm-tables", "Where this person would stand", &columns, found.answer.harm_ranks.iter().map(row)))
            ul.quiet { @for source in sources { li { (source) } } }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(found: Option<&WhatIf>) -> String {
        section("S&1", List::All, found, |ids| html! { (ids.join(" ")) }).0
    }

    #[test]
    fn the_page_asks_for_it_by_a_link() {
        let told = told(None);
        assert!(told.contains(r#"href="/people?ref=S%261&amp;list=all&amp;what_if=on#what-if""#), "{told}");
    }

    #[test]
    fn it_is_told_before_anything_else_that_it_is_no_advice_and_texts_are_escaped() {
        let listed = pb::ListedStanding {
            list: pb::List::All.into(),
            counterfactual_notes: vec!["No advice.".to_owned()],
            counterfactuals: vec![pb::Counterfactual {
                direction: pb::BandDirection::Down.into(),
                description: "<b>".to_owned(),
                ..Default::default()
            }],
            ..Default::default()
        };
        let answer = pb::GetStandingResponse { standings: vec![listed], ..Default::default() };
        let told = told(Some(&WhatIf { answer, busy: true }));
        assert!(told.contains("&lt;b&gt;") && told.contains("Load this page again"));
        assert!(told.find("No advice.").unwrap() < told.find("To a lower band").unwrap());
    }
}
