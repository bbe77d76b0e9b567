//! Words, figures and marks as every page writes them. Colour never says anything
//! that a word does not say too.

use maud::{Markup, html};

use super::asked;
use crate::domain::Date;
use crate::domain::word::List;
use crate::pb;
pub use crate::telling::{band_word, count, day, ordinal, plain, points, short_points, signed_points};

/// A list as a heading names it: "Failed to surrender or broke bail".
pub const fn list_title(list: List) -> &'static str {
    match list {
        List::Cohort => "Managed cohort",
        List::Children => "Children",
        List::Candidates => "Candidates",
        List::Outstanding => "Outstanding suspects",
        List::Wanted => "Wanted",
        List::BailFailed => "Failed to surrender or broke bail",
        List::Warrants => "Warrants",
        List::Recalls => "Recalls to prison",
        List::All => "Everybody",
    }
}

/// Who stands on a list, in a sentence.
pub const fn list_meaning(list: List) -> &'static str {
    match list {
        List::Cohort => "People of 18 and over who are managed under Integrated Offender Management.",
        List::Children => "Everybody under 18. A child is a child first: read what safeguards them before the score.",
        List::Candidates => "Adults who are not managed and stand at medium or above.",
        List::Outstanding => {
            "Everybody who is wanted and not yet arrested, or failed to surrender, whatever the reason."
        }
        List::Wanted => "Wanted for an offence, escaped, absconded, or untraced and under investigation.",
        List::BailFailed => "Failed to surrender to police or court bail, or broke conditions of police bail.",
        List::Warrants => "Subject of a court, fine-default, breach or extradition warrant.",
        List::Recalls => "Recalled to prison and not yet returned.",
        List::All => "Everybody of whom anything is held.",
    }
}

/// A list as an address names it: `bail-failed`.
pub fn list_path(list: List) -> String {
    crate::api::standing::ended(list.proto().as_str_name(), "LIST_").to_lowercase().replace('_', "-")
}

/// The list of an address.
pub fn list_of_path(path: &str) -> Option<List> {
    List::ALL.iter().copied().find(|list| list_path(*list) == path)
}

/// A name of the contract as it is spoken: `OUTSTANDING_REASON_ESCAPE` without its prefix is "escape". Empty for what is
/// not stated.
pub fn spoken(name: &str, prefix: &str) -> String {
    let word = crate::api::standing::ended(name, prefix);
    if word == "UNSPECIFIED" { String::new() } else { word.to_lowercase().replace('_', " ").replace("pnc", "PNC") }
}

/// With a capital at the beginning.
pub fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// A count and what is counted: "1 person", "12 people".
pub fn counted(number: impl Into<u64>, one: &str, many: &str) -> String {
    let number = number.into();
    format!("{} {}", count(number), if number == 1 { one } else { many })
}

/// A text as a sentence that ends.
pub fn sentence(text: &str) -> String {
    let text = plain(text);
    if text.ends_with('.') { text } else { text + "." }
}

/// A band in its chip.
pub fn band(band: pb::Band) -> Markup {
    let class = match band {
        pb::Band::VeryHigh => "band band-very-high",
        pb::Band::High => "band band-high",
        pb::Band::Medium => "band band-medium",
        pb::Band::Low => "band band-low",
        pb::Band::Unspecified => "band",
    };
    html! { span class=(class) { (capital(&band_word(band).to_lowercase())) } }
}

/// The band that a summary names: `VERY_HIGH`.
pub fn band_of_name(name: &str) -> Option<pb::Band> {
    pb::Band::from_str_name(&format!("BAND_{name}"))
}

/// What has to be known of a standing besides its figures.
pub fn marks(standing: &pb::Standing) -> Markup {
    let provisional = "The score is an interval: something is missing that could change the band";
    html! {
        @if standing.child { span.mark.mark-child { "Child" } " " }
        @if standing.provisional { span.mark.mark-provisional title=(provisional) { "Provisional" } " " }
        @if standing.overridden { span.mark { "Overridden" } " " }
        @else if standing.effective_band != standing.computed_band {
            span.mark { "Raised from " (band_word(standing.computed_band()).to_lowercase()) } " "
        }
        @match standing.custody() {
            pb::CustodyState::Remand => { span.mark { "On remand" } " " }
            pb::CustodyState::Sentence => { span.mark { "In prison" } " " }
            pb::CustodyState::AtLiberty | pb::CustodyState::Unspecified => {}
        }
    }
}

/// An officer's or a record's day and time in London: "28 November 2026 at 09:30".
pub fn instant(instant: Option<&pbjson_types::Timestamp>) -> String {
    let at = instant.and_then(|instant| {
        jiff::Timestamp::new(instant.seconds, instant.nanos).ok().and_then(|at| at.in_tz("Europe/London").ok())
    });
    at.map_or_else(String::new, |at| format!("{} at {}", Date::in_london(at.timestamp()).spelt(), at.strftime("%H:%M")))
}

/// How far into its list a score reaches, as a bar. For the eye alone: the figure stands beside it.
pub fn bar(milli: u32, class: &str) -> Markup {
    piece(0, milli, 100_000, class)
}

/// A piece of a bar, from where the pieces before it ended.
pub fn piece(before: u32, milli: u32, of: u32, class: &str) -> Markup {
    let share = |milli: u32| f64::from(milli) * 100.0 / f64::from(of.max(1));
    let width = share(milli).max(0.6);
    let start = share(before).min(100.0 - width).max(0.0);
    html! {
        svg.bar viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true" focusable="false" {
            rect.bar-ground width="100" height="8" {}
            rect class=(class) x=(format!("{start:.2}")) width=(format!("{width:.2}")) height="8" {}
        }
    }
}

/// The colour of a component, by its class.
pub const fn component_class(component: pb::Component) -> &'static str {
    match component {
        pb::Component::Threat => "fill-threat",
        pb::Component::Risk => "fill-risk",
        pb::Component::Harm => "fill-harm",
        pb::Component::Unspecified => "fill-plain",
    }
}

/// Which component, spoken.
pub const fn component(component: pb::Component) -> &'static str {
    match component {
        pb::Component::Threat => "Threat",
        pb::Component::Risk => "Risk",
        pb::Component::Harm => "Harm",
        pb::Component::Unspecified => "",
    }
}

/// The address of a person's page. A reference may hold any letter.
pub fn person_path(subject_ref: &str, list: Option<List>) -> String {
    asked::to("/people", &[("ref", subject_ref), ("list", &list.map(list_path).unwrap_or_default())])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_found_by_the_address_that_names_them() {
        for list in List::ALL {
            assert_eq!(list_of_path(&list_path(*list)), Some(*list));
        }
        assert_eq!(list_path(List::BailFailed), "bail-failed");
        assert_eq!(list_of_path("WANTED"), None);
    }

    #[test]
    fn a_reference_in_an_address_is_nothing_but_a_reference() {
        assert_eq!(person_path("A&list=x\"<é", Some(List::Wanted)), "/people?ref=A%26list%3Dx%22%3C%C3%A9&list=wanted");
    }

    #[test]
    fn an_instant_is_told_in_london() {
        let at = pbjson_types::Timestamp { seconds: 1_780_000_000, nanos: 0 };
        assert_eq!(instant(Some(&at)), "28 May 2026 at 21:26");
        assert_eq!(instant(None), "");
    }
}
