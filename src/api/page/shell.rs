//! What every page has around what it is about: head, navigation, the state that it
//! was read from, and how a refusal is told. And the headers that let a page load
//! nothing but what this server sends, and be framed by nobody who is not named.

use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use maud::{DOCTYPE, Markup, html};
use tonic::{Code, Status};

use super::words::{count, day, plain};
use super::{Pages, assets};
use crate::api::http::problem;
use crate::pb;

/// Where a page stands in the navigation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Here {
    /// The first page.
    Home,
    /// A list, or somebody on it.
    Lists,
    /// Supervision.
    Supervision,
    /// The outstanding return.
    Return,
    /// The cohort's alignment.
    Cohort,
    /// Runs.
    Runs,
    /// Elsewhere.
    Nowhere,
}

const PLACES: [(Here, &str, &str); 6] = [
    (Here::Home, "/", "Today"),
    (Here::Lists, "/lists", "Lists"),
    (Here::Supervision, "/supervision", "What is overdue"),
    (Here::Return, "/return", "Return"),
    (Here::Cohort, "/cohort/alignment", "Cohort"),
    (Here::Runs, "/runs", "Runs"),
];

/// A page before it is sent.
pub struct Page<'a> {
    /// What it is about, for the title of the window.
    pub title: &'a str,
    /// Where it stands.
    pub here: Here,
    /// What stands before the content for whoever comes to it by links: "Lists", "/lists".
    pub back: Option<(String, String)>,
    /// What it is about. Holds the one heading of the first level.
    pub content: Markup,
}

impl Page<'_> {
    /// The whole page.
    pub fn respond(self, pages: &Pages) -> Response {
        self.respond_with(StatusCode::OK, pages)
    }

    /// The whole page, with a status.
    pub fn respond_with(self, status: StatusCode, pages: &Pages) -> Response {
        let markup = html! {
            (head(self.title))
            body {
                a.skip href="#main" { "Skip to the content" }
                header.top role="banner" {
                    div.wide {
                        a.product href="/" { "Steelyard" }
                        nav aria-label="Pages" {
                            ul {
                                @for (here, path, name) in PLACES {
                                    li { a href=(path) aria-current=[(here == self.here).then_some("page")] { (name) } }
                                }
                            }
                        }
                        (pages.signed_in())
                    }
                }
                div.wide {
                    @if let Some((name, path)) = &self.back {
                        nav aria-label="Back" { a.back href=(path) { (name) } }
                    }
                    main #main tabindex="-1" { (self.content) }
                }
                footer role="contentinfo" {
                    div.wide {
                        p { "A score ranks. It decides nothing: that is for a named officer." }
                        p { a href="/openapi.json" { "For programs: the calls behind these pages" } }
                    }
                }
            }
        };
        send(status, &markup, "'self'")
    }
}

/// A panel for a frame of another page: the content and nothing around it.
pub fn panel(title: &str, content: &Markup, ancestors: &str) -> Response {
    let markup = html! {
        (head(title))
        body.panel { main #main { (content) } }
    };
    send(StatusCode::OK, &markup, ancestors)
}

fn head(title: &str) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en-GB";
        head {
            meta charset="utf-8";
            meta name="viewport" content="width=device-width, initial-scale=1";
            meta name="color-scheme" content="light dark";
            title { (title) " – Steelyard" }
            link rel="icon" href=(assets::path("icon.svg")) type="image/svg+xml";
            link rel="stylesheet" href=(assets::path("steelyard.css"));
            script src=(assets::path("steelyard.js")) defer {}
        }
    }
}

fn send(status: StatusCode, markup: &Markup, ancestors: &str) -> Response {
    let mut headers = HeaderMap::new();
    let policy = format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
         form-action 'self'; base-uri 'none'; frame-ancestors {ancestors}"
    );
    for (name, value) in [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        // What a page says of people is kept by no cache, and not on a shared machine's disk.
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "same-origin"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    let policy = HeaderValue::from_str(&policy).expect("origins that the settings took must make a header");
    headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    (status, headers, markup.0.clone()).into_response()
}

/// What narrows a list, as a form that needs no script. Folded away while nothing does.
pub fn filter(path: &str, narrowed: bool, fields: &Markup) -> Markup {
    html! {
        details.filter open[narrowed] {
            summary { "Filter" @if narrowed { " (in use)" } }
            form method="get" action=(path) {
                div.fields { (fields) }
                p.actions { button type="submit" { "Apply" } " " a href=(path) { "Clear all" } }
            }
        }
    }
}

/// What a page was read from, in a sentence, and plainly if it is old.
pub fn told_from(context: Option<&pb::ReadContext>) -> Markup {
    html! {
        @if let Some(context) = context {
            @if context.stale {
                div.notice.notice-warning role="note" {
                    strong { "These lists are old. " }
                    "They were weighed as of " (day(&context.as_of)) ", which is longer ago than the force allows: "
                    a href="/runs" { "see the runs" } "."
                }
            }
            p.from {
                "Weighed as of " time datetime=(context.as_of) { (day(&context.as_of)) }
                " by policy " (plain(&context.policy_version)) ", at revision " (count(context.revision)) "."
            }
        }
    }
}

/// A call that was refused, as a page of its own.
pub fn refused(pages: &Pages, here: Here, status: &Status) -> Response {
    let told = problem::told(status);
    let reason = told["reason"].as_str().unwrap_or_default();
    if status.code() == Code::Unauthenticated
        && let Some(elsewhere) = pages.sign_in()
    {
        return elsewhere;
    }
    let (title, help) = match (status.code(), reason) {
        (Code::Unauthenticated, _) => ("Sign in to see this", ""),
        (Code::PermissionDenied, _) => (
            "You cannot see this",
            "It may not exist, or it is not yours to see. If you think you should see it, ask whoever gives roles in your force.",
        ),
        (Code::NotFound, _) => ("There is nothing here", ""),
        (Code::FailedPrecondition, "PAGE_TOKEN_EXPIRED" | "PAGE_TOKEN_OF_ANOTHER_STORE" | "STORE_RESTORED") => {
            ("This page of the list is gone", "The list has changed since. Go back and start from the top.")
        }
        (Code::InvalidArgument, _) => ("That cannot be asked", ""),
        (Code::Unavailable | Code::ResourceExhausted | Code::DeadlineExceeded, _) => {
            ("Not just now", "The service is busy or stopping. Nothing was lost. Try again in a minute.")
        }
        _ => ("This did not work", ""),
    };
    let content = html! {
        h1 { (title) }
        p { (super::words::capital(&super::words::sentence(status.message()))) }
        @if !help.is_empty() { p { (help) } }
        p.quiet { "Reason " code { (reason) }
            @if let Some(id) = told["metadata"]["correlation_id"].as_str() { ", call " code { (id) } }
            "."
        }
    };
    let code = problem::http_status(status.code(), reason);
    Page { title, here, back: None, content }.respond_with(code, pages)
}

/// There is no such page.
pub fn missing(pages: &Pages) -> Response {
    let content = html! {
        h1 { "There is no such page" }
        p { "If you typed the address, check it. " a href="/" { "Go to today" } "." }
    };
    Page { title: "No such page", here: Here::Nowhere, back: None, content }.respond_with(StatusCode::NOT_FOUND, pages)
}
