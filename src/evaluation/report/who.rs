//! Who was evaluated, by index date, and who was left out and why.

use maud::{Markup, html};

use super::figures::{share, whole};
use super::table::{Column, framed};
use super::words;
use crate::domain::Date;
use crate::pb;
use crate::telling::{count, day};

/// The section.
pub fn section(evaluation: &pb::Evaluation) -> Markup {
    let did = evaluation.terms.as_ref().map_or(pb::EvaluatedOutcome::Unspecified, pb::EvaluationTerms::outcome);
    let with = format!("Who {}", words::did(did));
    let columns = [
        Column::Words("Index date"),
        Column::Words("Known by"),
        Column::Figure("People"),
        Column::Figure(&with),
        Column::Figure("Share"),
        Column::Figure("Harm days that followed"),
        Column::Figure("In custody on the day"),
        Column::Figure("Not on the list"),
        Column::Figure("Erased since"),
        Column::Figure("Records not known yet"),
    ];
    let rows = evaluation.dates.iter().map(|date| {
        [
            if date.index_date.is_empty() { "each person's own".to_owned() } else { day(&date.index_date) },
            known_at(date),
            count(date.people),
            count(date.with_outcome),
            share(date.with_outcome, date.people),
            whole(date.harm_days),
            count(date.in_custody),
            count(date.people_not_listed),
            count(date.people_erased),
            count(date.records_not_known_yet),
        ]
    });
    html! {
        p {
            "Everybody was scored as at the index date, by what was known by then alone. Records that came later were left out "
            "of the score and counted only as what followed. People in custody keep their rank; they are left out where "
            "predicted chances are held against what happened."
        }
        (framed("who", "People on the list on each index date", &columns, rows))
        @if evaluation.rows_unused > 0 {
            p { (count(evaluation.rows_unused)) " rows that were sent in name nobody who was evaluated." }
        }
    }
}

/// Instant by which records had to be known, in London.
pub fn known_at(date: &pb::EvaluatedDate) -> String {
    let instant = date.known_at.as_ref().and_then(|at| jiff::Timestamp::from_second(at.seconds).ok());
    let Some(zoned) = instant.and_then(|instant| instant.in_tz("Europe/London").ok()) else {
        return "the end of that day".to_owned();
    };
    format!("{} at {}", Date::in_london(zoned.timestamp()).spelt(), zoned.strftime("%H:%M"))
}
