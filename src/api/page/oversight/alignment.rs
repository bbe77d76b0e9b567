//! Whether selection for the managed cohort follows threat, risk and harm, with a
//! number first. Whoever does not stand where the scores would put them is named with
//! the recorded reason, or as having none: a reason makes the difference, not the number.

use axum::extract::State;
use axum::response::Response;
use maud::{Markup, html};

use super::charts::{Look, Point, bar, curve, legend};
use super::fields::{Field, Filled};
use super::terms::{Term, told};
use super::{answered, cohort};
use crate::api::page::asked::Asked;
use crate::api::page::shell::{self, Here};
use crate::api::page::table::{self, Column, figure, or_not_recorded, share, words};
use crate::api::page::words::{band, capital, count, counted, day, person_path, points};
use crate::api::page::{Pages, Visit};
use crate::domain::Date;
use crate::domain::word::{CohortStatus, DecisionKind};
use crate::pb;

const PATH: &str = "/cohort/alignment";
const REQUEST: &str = "steelyard.v1.GetAlignmentRequest";

/// Alignment.
pub async fn page(State(pages): State<Pages>, visit: Visit) -> Response {
    let answer = async {
        let asked: pb::GetAlignmentRequest = visit.message(REQUEST, &[])?;
        visit.asker.cohort().get_alignment(asked).await
    };
    answered((&pages, &visit), ("Alignment of the cohort", Here::Cohort), answer, content).await
}

/// What the page is about.
pub fn content(asked: &Asked, answer: &pb::GetAlignmentResponse) -> Markup {
    html! {
        div.title {
            h1 { "Does the cohort follow threat, risk and harm?" }
            p.lead { "Each status is compared with its own: the line stands where there are as many people above it as there are members." }
        }
        (cohort(PATH))
        (shell::told_from(answer.context.as_ref()))
        @if answer.members == 0 {
            p { strong { "Nobody whom you may see is managed." } }
        } @else {
            p {
                strong.size { (percent(answer.aligned_share)) } " of members stand where threat, risk and harm would put them: "
                (count(answer.aligned)) " of " (count(answer.members)) "."
            }
        }
        (filter(asked))
        @if answer.members > 0 {
            (by_status(&answer.statuses))
            @for status in &answer.statuses { (people(status)) }
            (by_area(&answer.by_area))
            (over_time(&answer.over_time))
        }
    }
}

/// Ten-thousandths in per cent.
fn percent(ten_thousandths: u32) -> String {
    share(ten_thousandths, 10_000)
}

fn filter(asked: &Asked) -> Markup {
    let form = Filled { asked, faults: &[] };
    let narrowed = asked.ticked("areas") || asked.ticked("most");
    let fields = html! {
            (form.line(Field { name: "areas", label: "Area", hint: "Only its people are named and counted." }, "text", ""))
            (form.line(Field { name: "most", label: "People named", hint: "On each side of each line, 1 to 1,000." }, "text", "narrow"))
    };
    shell::filter(PATH, narrowed, &fields)
}

fn by_status(statuses: &[pb::StatusAlignment]) -> Markup {
    let columns = [
        Column::Words("Status"),
        Column::Bar("Share above the line"),
        Column::Figure("Members"),
        Column::Figure("Above the line"),
        Column::Figure("Share"),
        Column::Figure("Passed over"),
        Column::Figure("Passed over, no reason recorded"),
        Column::Figure("Below the line"),
        Column::Figure("Below, no reason recorded"),
    ];
    let rows = statuses.iter().map(|it| {
        [
            words(&capital(told::<CohortStatus>(it.status))),
            parts(it.aligned, it.members),
            figure(it.members),
            figure(it.aligned),
            words(&share(it.aligned, it.members)),
            figure(it.passed_over),
            figure(it.passed_over.saturating_sub(it.passed_over_with_reason)),
            figure(it.below),
            figure(it.below.saturating_sub(it.below_with_reason)),
        ]
    });
    html! {
        section aria-labelledby="by-status" {
            h2 #by-status { "By status" }
            (legend(&[("members above the line", Look::Filled), ("members below it", Look::Hollow)]))
            (table::framed("statuses", "Members and candidates by status", &columns, rows))
        }
    }
}

/// Members above the line and below it, each row as long as any other: it is the share that is looked at.
fn parts(aligned: u32, members: u32) -> Markup {
    bar(&[(aligned, Look::Filled), (members.saturating_sub(aligned), Look::Hollow)], members)
}

/// Those above the line who were passed over, and those below it who are managed.
fn people(status: &pb::StatusAlignment) -> Markup {
    let (name, number) = (told::<CohortStatus>(status.status), status.status);
    let sides = [
        (
            "over",
            "passed over: above the line and not managed",
            &status.passed_over_people,
            status.passed_over,
            status.passed_over_with_reason,
        ),
        ("below", "managed below the line", &status.below_people, status.below, status.below_with_reason),
    ];
    html! {
        @for (side, what, named, all, with_reason) in sides {
            @if all > 0 {
                @let id = format!("{side}-{number}");
                section aria-labelledby=(id) {
                    h2 id=(id) { (capital(name)) ", " (what) }
                    p {
                        (counted(all, "person", "people")) ": " (count(with_reason)) " with a recorded reason, "
                        strong { (count(all.saturating_sub(with_reason))) " with no reason recorded" } "."
                        @if usize::try_from(all).is_ok_and(|all| all > named.len()) { " The first " (named.len()) " are named here." }
                    }
                    (named_people(&format!("{id}-people"), name, what, named))
                }
            }
        }
    }
}

/// People, those without a reason first.
fn named_people(id: &str, status: &str, what: &str, people: &[pb::Misalignment]) -> Markup {
    let columns = [
        Column::Words("Person"),
        Column::Words("Reason recorded"),
        Column::Figure("Place"),
        Column::Words("Band"),
        Column::Figure("Score"),
        Column::Words("Areas"),
    ];
    let (reasoned, bare): (Vec<_>, Vec<_>) = people.iter().partition(|person| !person.rationale.is_empty());
    let rows = bare.into_iter().chain(reasoned).map(|person| {
        [
            html! { a href=(person_path(&person.subject_ref, None)) { (person.subject_ref) } },
            reason(person),
            figure(person.position),
            band(person.band()),
            words(&points(person.composite)),
            or_not_recorded(&person.areas.join(", ")),
        ]
    });
    html! {
        @if !people.is_empty() {
            (table::framed(id, &format!("People of {status}, {what}; without a recorded reason first"), &columns, rows))
        }
    }
}

fn reason(person: &pb::Misalignment) -> Markup {
    html! {
        @if person.rationale.is_empty() {
            strong { "No reason recorded" }
        } @else {
            span {
                (capital(told::<DecisionKind>(person.decision)))
                @if !person.decided_on.is_empty() { " on " (day(&person.decided_on)) }
                ": " (person.rationale)
            }
        }
    }
}

fn by_area(areas: &[pb::AreaAlignment]) -> Markup {
    let columns = [
        Column::Words("Area"),
        Column::Bar("Share above the line"),
        Column::Figure("Members"),
        Column::Figure("Above the line"),
        Column::Figure("Share"),
        Column::Figure("Passed over"),
    ];
    let rows = areas.iter().map(|it| {
        [
            or_not_recorded(&it.area),
            parts(it.aligned, it.members),
            figure(it.members),
            figure(it.aligned),
            words(&share(it.aligned, it.members)),
            figure(it.passed_over),
        ]
    });
    html! {
        @if !areas.is_empty() {
            section aria-labelledby="by-area" {
                h2 #by-area { "By area" }
                (table::framed("areas", "Members by area; a person of two areas counts in both", &columns, rows))
            }
        }
    }
}

/// How it was on earlier days, a curve for each status so that none hides another.
fn over_time(all: &[pb::AlignmentPoint]) -> Markup {
    let columns = [
        Column::Words("Weighed as of"),
        Column::Words("Status"),
        Column::Figure("Members"),
        Column::Figure("Above the line"),
        Column::Figure("Share"),
        Column::Figure("Passed over"),
        Column::Figure("Passed over, no reason recorded"),
    ];
    let rows = all.iter().rev().map(|it| {
        [
            words(&day(&it.as_of)),
            words(&capital(told::<CohortStatus>(it.status))),
            figure(it.members),
            figure(it.aligned),
            words(&share(it.aligned, it.members)),
            figure(it.passed_over),
            figure(it.passed_over.saturating_sub(it.passed_over_with_reason)),
        ]
    });
    html! {
        @if !all.is_empty() {
            section aria-labelledby="over-time" {
                h2 #over-time { "Over time, the whole force" }
                div.pair { @for status in CohortStatus::WORDS { (status_over_time(*status, all)) } }
                details {
                    summary { "The same as a table" }
                    (table::framed("points", "Alignment each time that everybody was weighed on another day, the newest first", &columns, rows))
                }
            }
        }
    }
}

fn status_over_time(status: CohortStatus, all: &[pb::AlignmentPoint]) -> Markup {
    let of_status = all.iter().filter(|point| point.status == status.number() && point.members > 0);
    let known: Vec<_> = of_status.filter_map(|point| Some((point.as_of.parse::<Date>().ok()?, point))).collect();
    let drawn: Vec<Point> = known
        .iter()
        .map(|(date, point)| Point { day: date.days(), share: ten_thousandths(point.aligned, point.members) })
        .collect();
    html! {
        @if let (Some((begin, _)), Some((end, last))) = (known.first(), known.last())
            && begin < end
        {
            @let title = format!(
                "{}: share of members above the line, from {} to {}; {} at the end",
                capital(status.told()), begin.spelt(), end.spelt(), share(last.aligned, last.members)
            );
            figure {
                (curve(&format!("curve-{}", status.typed()), &title, &drawn, (&begin.spelt(), &end.spelt())))
                figcaption { (title) }
            }
        }
    }
}

fn ten_thousandths(part: u32, whole: u32) -> u32 {
    let share = u64::from(part).saturating_mul(10_000).checked_div(u64::from(whole)).unwrap_or(0);
    u32::try_from(share).unwrap_or(u32::MAX)
}
