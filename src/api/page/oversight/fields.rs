//! Fields of a form: each with its label, what may be said in it, what was said, and
//! what is wrong with it beside it and once more at the top, where a link leads to it.

use maud::{Markup, html};

use super::terms::Term;
use crate::api::page::asked::Asked;
use crate::api::page::words::capital;

/// Something that is wrong with a form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The field. Empty: the whole.
    pub field: &'static str,
    /// What is wrong, in a sentence.
    pub text: String,
}

/// A form as it was filled in, with what is wrong with it.
pub struct Filled<'a> {
    /// What was said.
    pub asked: &'a Asked,
    /// What is wrong.
    pub faults: &'a [Fault],
}

/// A field.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    /// Its name, and its id on the page.
    pub name: &'static str,
    /// Its label.
    pub label: &'static str,
    /// What may be said in it. Empty: the label says it.
    pub hint: &'static str,
}

/// Everything that is wrong, at the top of the page.
pub fn summary(faults: &[Fault]) -> Markup {
    html! {
        @if !faults.is_empty() {
            div.error-summary role="alert" tabindex="-1" aria-labelledby="problems" {
                h2 #problems { "There is a problem" }
                ul {
                    @for fault in faults {
                        li {
                            @if fault.field.is_empty() { (fault.text) }
                            @else { a href={ "#" (fault.field) } { (fault.text) } }
                        }
                    }
                }
            }
        }
    }
}

impl Filled<'_> {
    fn fault(&self, name: &str) -> Option<&str> {
        self.faults.iter().find(|fault| fault.field == name).map(|fault| fault.text.as_str())
    }

    /// Ids of what describes a field.
    fn described(&self, field: Field) -> Option<String> {
        let hint = (!field.hint.is_empty()).then(|| format!("{}-hint", field.name));
        let error = self.fault(field.name).map(|_| format!("{}-error", field.name));
        let ids: Vec<_> = hint.into_iter().chain(error).collect();
        (!ids.is_empty()).then(|| ids.join(" "))
    }

    /// Label, hint and error around an input.
    fn around(&self, field: Field, input: &Markup) -> Markup {
        let fault = self.fault(field.name);
        html! {
            div.field.field-wrong[fault.is_some()] {
                label for=(field.name) { (field.label) }
                @if !field.hint.is_empty() { div.hint id={ (field.name) "-hint" } { (field.hint) } }
                @if let Some(fault) = fault {
                    p.error id={ (field.name) "-error" } { span.unseen { "Error: " } (fault) }
                }
                (input)
            }
        }
    }

    /// A line of text.
    pub fn line(&self, field: Field, kind: &str, class: &str) -> Markup {
        let wrong = self.fault(field.name).map(|_| "true");
        self.around(
            field,
            &html! {
                input id=(field.name) name=(field.name) type=(kind) class=(class) value=(self.asked.one(field.name))
                    autocomplete="off" spellcheck="false"
                    aria-describedby=[self.described(field)] aria-invalid=[wrong];
            },
        )
    }

    /// Several lines of text.
    pub fn lines(&self, field: Field) -> Markup {
        let wrong = self.fault(field.name).map(|_| "true");
        self.around(
            field,
            &html! {
                // The first line's end after the tag is the browser's own.
                textarea id=(field.name) name=(field.name) rows="5"
                    aria-describedby=[self.described(field)] aria-invalid=[wrong] { "\n" (self.asked.one(field.name)) }
            },
        )
    }

    /// One of several words, or none.
    pub fn choice<T: Term>(&self, field: Field, none: &str, offered: &[T]) -> Markup {
        let wrong = self.fault(field.name).map(|_| "true");
        let said = self.asked.one(field.name);
        self.around(
            field,
            &html! {
                select id=(field.name) name=(field.name)
                    aria-describedby=[self.described(field)] aria-invalid=[wrong] {
                    option value="" selected[said.is_empty()] { (none) }
                    @for word in offered {
                        option value=(word.typed()) selected[said == word.typed()] {
                            (capital(word.told()))
                        }
                    }
                }
            },
        )
    }

    /// Any of several words.
    pub fn boxes<T: Term>(&self, name: &str, legend: &str, offered: &[T]) -> Markup {
        html! {
            fieldset {
                legend { (legend) }
                @for word in offered {
                    @let typed = word.typed();
                    @let id = format!("{name}-{typed}");
                    div.check {
                        input type="checkbox" id=(id) name=(name) value=(typed) checked[self.asked.holds(name, &typed)];
                        label for=(id) { (capital(word.told())) }
                    }
                }
            }
        }
    }

    /// A box to tick.
    pub fn tick(&self, name: &str, label: &str) -> Markup {
        html! {
            div.check {
                input type="checkbox" id=(name) name=(name) value="true" checked[self.asked.ticked(name)];
                label for=(name) { (label) }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::word::SupervisorRank;

    const OFFICER: Field = Field { name: "officer", label: "Officer", hint: "A reference" };

    #[test]
    fn what_is_wrong_stands_at_the_field_and_at_the_top_and_what_was_said_is_kept() {
        let asked = Asked::of(b"officer=%22%3E%3Cscript%3E&rank=inspector&note=%3C/textarea%3E");
        let faults = [
            Fault { field: "officer", text: "Enter <who>".to_owned() },
            Fault { field: "", text: "The file is closed".to_owned() },
        ];
        let form = Filled { asked: &asked, faults: &faults };
        let top = summary(&faults).0;
        assert!(top.contains(r##"<a href="#officer">Enter &lt;who&gt;</a>"##), "{top}");
        assert!(top.contains("<li>The file is closed</li>"), "{top}");
        let line = form.line(OFFICER, "text", "short").0;
        assert!(line.contains(r#"value="&quot;&gt;&lt;script&gt;""#), "{line}");
        assert!(line.contains(r#"aria-describedby="officer-hint officer-error" aria-invalid="true""#), "{line}");
        assert!(line.contains(r#"<label for="officer">"#) && line.contains("Enter &lt;who&gt;"), "{line}");
        let rank = Field { name: "rank", label: "Rank", hint: "" };
        let choice = form.choice(rank, "Choose", SupervisorRank::ALL).0;
        assert!(choice.contains(r#"<option value="inspector" selected>Inspector</option>"#), "{choice}");
        assert!(!choice.contains("aria-describedby") && !choice.contains("aria-invalid"), "{choice}");
        let note = form.lines(Field { name: "note", label: "Note", hint: "" }).0;
        assert!(note.contains("&lt;/textarea&gt;</textarea>"), "{note}");
        assert_eq!(summary(&[]).0, "");
    }

    #[test]
    fn boxes_that_were_ticked_are_ticked() {
        let asked = Asked::of(b"rank=inspector&rank=sergeant&never=true");
        let form = Filled { asked: &asked, faults: &[] };
        let boxes = form.boxes("rank", "Rank", SupervisorRank::ALL).0;
        assert_eq!(boxes.matches(" checked").count(), 2, "{boxes}");
        assert!(form.tick("never", "Never").0.contains(" checked") && !form.tick("other", "O").0.contains(" checked"));
    }
}
