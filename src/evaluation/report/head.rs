//! Head of the report: what was evaluated, when, under which policy, and by what terms.

use maud::{Markup, html};

use super::words;
use crate::domain::Date;
use crate::pb;
use crate::telling::{count, day, plain};

/// The heading and the facts below it.
pub fn head(evaluation: &pb::Evaluation) -> Markup {
    html! {
        h1 { "Evaluation of policy " (plain(&evaluation.policy_version)) }
        p.lead {
            "How well the order that this policy puts people in agreed with what they went on to do, and whether it was fair. "
            "It names nobody."
        }
        p.quiet { @let made = made(evaluation);
            @if !made.is_empty() { "Made " (made) ". " } "Evaluation " code { (plain(&evaluation.id)) } "." }
    }
}

/// By what terms, and from what.
pub fn terms(evaluation: &pb::Evaluation) -> Markup {
    html! {
        dl.facts { @for (name, told) in facts(evaluation) { dt { (name) } dd { (told) } } }
    }
}

/// What was evaluated and how, as names and what is to be said of them.
pub fn facts(evaluation: &pb::Evaluation) -> Vec<(&'static str, String)> {
    let terms = evaluation.terms.clone().unwrap_or_default();
    let context = evaluation.context.clone().unwrap_or_default();
    let mut facts = vec![("Policy", plain(&evaluation.policy_version))];
    if !terms.compared_version.is_empty() {
        facts.push(("Compared with", plain(&terms.compared_version)));
    }
    facts.push(("Index dates", index_dates(&terms)));
    facts.push(("Known by then", format!("a record counts from {}", words::known_by(terms.known_by()))));
    facts.push(("Outcome", outcome(evaluation, &terms)));
    facts.push(("Followed for", format!("{} days after each index date", count(terms.follow_up_days))));
    facts.push(("List", list(&terms)));
    facts.push(("Capacity", format!("the first {} people", count(terms.capacity))));
    facts.push((
        "Outcomes read from",
        format!("what was known to {}, revision {}", day(&context.as_of), count(context.revision)),
    ));
    facts.push(("Intervals", format!("95 %, by {} samples, seed {}", count(terms.samples), terms.seed)));
    facts.push(("Program", format!("Steelyard {}", plain(&evaluation.engine_version))));
    facts.push(("Digest of the policy", plain(&evaluation.policy_digest)));
    facts.retain(|(_, told)| !told.is_empty());
    facts
}

/// The list, as headings name it.
pub fn list(terms: &pb::EvaluationTerms) -> String {
    terms.list().as_str_name().trim_start_matches("LIST_").to_owned()
}

/// Day and time at which the evaluation was made, in London.
pub fn made(evaluation: &pb::Evaluation) -> String {
    let instant = evaluation.time.as_ref().and_then(|time| jiff::Timestamp::from_second(time.seconds).ok());
    let zoned = instant.and_then(|instant| instant.in_tz("Europe/London").ok());
    zoned.map_or_else(String::new, |it| {
        format!("{} at {}", Date::in_london(it.timestamp()).spelt(), it.strftime("%H:%M"))
    })
}

/// The index dates in words.
pub fn index_dates(terms: &pb::EvaluationTerms) -> String {
    if terms.index_dates.is_empty() {
        return "each person's own, from the outcomes sent in".to_owned();
    }
    terms.index_dates.iter().map(|date| day(date)).collect::<Vec<_>>().join(", ")
}

/// What counted as having happened.
pub fn outcome(evaluation: &pb::Evaluation, terms: &pb::EvaluationTerms) -> String {
    let what = words::outcome(terms.outcome());
    if evaluation.outcomes_sent {
        return format!("{what}, by the outcomes sent in");
    }
    match terms.outcome() {
        pb::EvaluatedOutcome::FailedToSurrender => what.to_owned(),
        pb::EvaluatedOutcome::Unspecified
        | pb::EvaluatedOutcome::AnyOffence
        | pb::EvaluatedOutcome::ViolentOffence
        | pb::EvaluatedOutcome::SeriousViolentOffence => {
            format!("{what}, proved to {} % or more (arrested 50, charged 80, convicted 100)", terms.least_proof)
        }
    }
}
