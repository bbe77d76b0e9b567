//! Everything held of a person, version by version: what each reason leads down to.

use axum::extract::State;
use axum::response::Response;
use maud::{Markup, html};
use serde_json::Value;
use tonic::Status;

use super::shell::{self, Here, Page};
use super::words::{self, capital, day, instant, spoken};
use super::{Pages, Visit, table};
use crate::pb;

/// The records of a person.
pub async fn records(State(pages): State<Pages>, visit: Visit) -> Response {
    let (subject_ref, wanted) = (visit.parameter("ref"), visit.parameter("record"));
    let history = visit.parameter("history") == "true";
    let held = async {
        let asked = pb::ListEvidenceRequest {
            subject_ref: subject_ref.clone(),
            include_history: history,
            page_size: 200,
            page_token: visit.parameter("page_token"),
            ..Default::default()
        };
        Ok::<_, Status>(visit.asker.evidence().list_evidence(asked).await?.into_inner())
    };
    let answer = match held.await {
        Ok(answer) => answer,
        Err(status) => return shell::refused(&pages, Here::Lists, &status),
    };
    let is_wanted = |held: &&pb::HeldRecord| held.record.as_ref().is_some_and(|record| record.id == wanted);
    let (first, rest): (Vec<_>, Vec<_>) = answer.records.iter().partition(is_wanted);
    let title = format!("Held of {subject_ref}");
    let content = html! {
        h1 { "What is held of " (subject_ref) }
        (shell::told_from(answer.context.as_ref()))
        p {
            @if history { a href=(visit.with("history", "")) { "Only what is in force" } }
            @else { a href=(visit.with("history", "true")) { "Also what was superseded or withdrawn" } }
        }
        @if !wanted.is_empty() {
            h2 { "The record asked for" }
            @if first.is_empty() { p { "It is not on this page of what is held." } }
            @for held in &first { (record(held)) }
            h2 { "Everything else" }
        } @else {
            h2.unseen { "Records" }
        }
        @if rest.is_empty() { p { "Nothing" @if !wanted.is_empty() { " else" } " is held." } }
        @for held in &rest { (record(held)) }
        (table::paged(&visit.asked, &visit.path, &answer.next_page_token))
    };
    let back = Some((subject_ref.clone(), words::person_path(&subject_ref, None)));
    Page { title: &title, here: Here::Lists, back, content }.respond(&pages)
}

fn record(held: &pb::HeldRecord) -> Markup {
    let record = held.record.clone().unwrap_or_default();
    let value = serde_json::to_value(&record).unwrap_or_default();
    let common = ["id", "subjectRef", "sourceSystem", "basis", "category", "eventDate", "recordedTime"];
    let kind = value.as_object().and_then(|members| members.iter().find(|(name, _)| !common.contains(&name.as_str())));
    let name = kind.map_or_else(|| "Record".to_owned(), |(name, _)| capital(&parted(name)));
    html! {
        article.record id=(format!("record-{}", record.id)) {
            h3 { (name) " " code { (record.id) } }
            @match held.state() {
                pb::RecordState::Superseded => { p { span.mark { "Superseded" } } }
                pb::RecordState::Withdrawn => { p { span.mark { "Withdrawn" } " " (held.withdrawal_reason) } }
                pb::RecordState::InForce | pb::RecordState::Unspecified => {}
            }
            @if held.content_withheld { p { "Intelligence under handling code C: what it says is withheld from you." } }
            dl.facts {
                div { dt { "From" } dd { (record.source_system) } }
                @if !record.event_date.is_empty() { div { dt { "Of" } dd { (day(&record.event_date)) } } }
                div { dt { "Basis" } dd { (capital(&spoken(record.basis().as_str_name(), "BASIS_"))) } }
                div { dt { "As" } dd { (capital(&spoken(record.category().as_str_name(), "PERSON_CATEGORY_"))) } }
                div { dt { "Taken in" } dd { (instant(held.ingested_time.as_ref())) ", at revision " (held.revision) } }
                @if !held.actor.is_empty() { div { dt { "Written by" } dd { (held.actor) } } }
            }
            @if let Some((_, content)) = kind { (members(content)) }
        }
    }
}

/// What a record says, as a list of names and values.
fn members(value: &Value) -> Markup {
    member("", value)
}

/// What a member of that name says.
fn member(name: &str, value: &Value) -> Markup {
    html! {
        @match value {
            Value::Object(members) => {
                dl.facts { @for (name, value) in members { div { dt { (capital(&parted(name))) } dd { (member(name, value)) } } } }
            }
            Value::Array(items) => { ul { @for item in items { li { (member(name, item)) } } } }
            Value::String(text) => { (said(name, text)) }
            Value::Bool(true) => { "yes" }
            Value::Bool(false) => { "no" }
            Value::Number(number) => { (number) }
            Value::Null => {}
        }
    }
}

/// `eventDate` as "event date".
fn parted(name: &str) -> String {
    let mut words = String::new();
    for letter in name.chars() {
        if letter.is_uppercase() {
            words.push(' ');
        }
        words.extend(letter.to_lowercase());
    }
    words
}

/// A text of a record: a name of the contract without its shouting and without what its member is called already, a day as a
/// day.
fn said(name: &str, text: &str) -> String {
    let shouted = text.contains('_')
        && text.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_');
    if !shouted {
        return day(text);
    }
    let vocabulary = parted(name).to_uppercase().replace(' ', "_") + "_";
    text.strip_prefix(&vocabulary).unwrap_or(text).to_lowercase().replace('_', " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_does_not_say_again_what_it_is() {
        assert_eq!(said("sex", "SEX_MALE"), "male");
        assert_eq!(said("custodyState", "CUSTODY_STATE_AT_LIBERTY"), "at liberty");
        assert_eq!(said("basis", "BASIS_FACT"), "fact");
        assert_eq!(said("other", "SEX_MALE"), "sex male");
    }

    #[test]
    fn a_record_is_told_in_words_and_nothing_of_it_is_markup() {
        let offence = pb::Offence { ho_code: "<script>alert(1)</script>".to_owned(), ..Default::default() };
        let record_of = pb::Record {
            id: "niche-1\"><img src=x onerror=alert(1)>".to_owned(),
            event_date: "2026-01-03".to_owned(),
            kind: Some(pb::record::Kind::Offence(offence)),
            ..Default::default()
        };
        let told = record(&pb::HeldRecord { record: Some(record_of), ..Default::default() }).0;
        assert!(told.contains("Offence") && told.contains("3 January 2026"), "{told}");
        assert!(told.contains("&lt;script&gt;") && !told.contains("<script") && !told.contains("<img"), "{told}");
    }
}
