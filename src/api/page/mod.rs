//! The pages that the server shows by itself: lists, people, supervision and runs, in
//! the words of the field and in HTML that needs no script to be read. Every page asks
//! the contract's calls as whoever looks at it; no rule of the field lives here.

mod asked;
pub mod asker;
mod assets;
mod compare;
mod curve;
mod home;
mod lists;
mod oversight;
mod person;
mod records;
pub mod shell;
mod table;
mod what_if;
pub mod words;

use std::sync::Arc;

use axum::Router;
use axum::extract::FromRequestParts;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use http::{StatusCode, header, request};
use maud::{Markup, html};
use serde::de::DeserializeOwned;
use tonic::Status;

use super::error;
use super::http::call::Calls;
use super::http::query;
use super::http::shape::contract;
use super::signin::{self, Standing, visitor};
use crate::service::fault::Fault;
use asked::Asked;
use asker::Asker;

/// What pages are made with.
#[derive(Clone)]
pub struct Pages {
    calls: Calls,
    /// Who may put panels into frames, as a content security policy writes it.
    ancestors: Arc<str>,
}

impl Pages {
    /// Pages that ask these calls.
    pub fn new(calls: Calls, frame_ancestors: &[String]) -> Self {
        let ancestors = std::iter::once("'self'").chain(frame_ancestors.iter().map(String::as_str));
        Self { calls, ancestors: ancestors.collect::<Vec<_>>().join(" ").into() }
    }

    /// Who is signed in, and how to end that.
    #[expect(clippy::unused_self, reason = "a page has nothing else around it either but what it was made with")]
    fn signed_in(&self) -> Markup {
        html! {
            @match visitor().map(|visitor| visitor.standing) {
                Some(Standing::SignedIn(signed)) => div.who {
                    a href="/sign-in/who" { span.unseen { "Signed in as " } (signed.called) }
                    (signin::sign_out())
                }
                Some(Standing::Stranger) => div.who { a href="/sign-in" { "Sign in" } },
                Some(Standing::Bearer) | None => {}
            }
        }
    }

    /// Where somebody who is not known goes to sign in; `None`: nobody can, or they are known and it does not help.
    fn sign_in(&self) -> Option<Response> {
        let visitor = visitor().filter(|visitor| matches!(visitor.standing, Standing::Stranger))?;
        let query = form_urlencoded::Serializer::new(String::new()).append_pair("return_to", &visitor.address).finish();
        let path = format!("/sign-in?{query}");
        if !visitor.address.starts_with("/embed/") {
            let headers = [(header::LOCATION, path.as_str()), (header::CACHE_CONTROL, "no-store")];
            return Some((StatusCode::SEE_OTHER, headers).into_response());
        }
        // Issuers do not let themselves be put into frames.
        let content = html! {
            h1 { "Sign in to see this" }
            p { a href=(path) target="_blank" rel="noopener" { "Sign in in a window of its own" } ", and then load this page again." }
        };
        let mut panel = shell::panel("Sign in", &content, &self.ancestors);
        *panel.status_mut() = StatusCode::UNAUTHORIZED;
        Some(panel)
    }
}

/// Every page.
pub fn router(pages: Pages) -> Router {
    Router::new()
        .route("/", get(home::home))
        .route("/lists", get(async || Redirect::to("/")))
        .route("/lists/{list}", get(lists::list))
        .route("/lists/{list}/changed", get(lists::changed))
        .route("/embed/list/{list}", get(lists::embedded))
        .route("/people", get(person::person))
        .route("/people/records", get(records::records))
        .route("/compare", get(compare::compare))
        .route("/assets/{file}", get(assets::file))
        .merge(oversight::routes())
        .with_state(pages)
}

/// A request for a page: who asks, and what the address says besides the path.
pub struct Visit {
    /// Who asks.
    pub asker: Asker,
    /// What the query says, without parameters that say nothing: an empty field of a form.
    pub asked: Asked,
    /// The path.
    pub path: String,
}

impl FromRequestParts<Pages> for Visit {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut request::Parts, pages: &Pages) -> Result<Self, Self::Rejection> {
        let asker = Asker::of(pages.calls.gated(), parts);
        let asked = Asked::of(parts.uri.query().unwrap_or_default().as_bytes()).stated();
        Ok(Self { asker, asked, path: parts.uri.path().to_owned() })
    }
}

impl Visit {
    /// The value of a parameter; empty where there is none.
    pub fn parameter(&self, name: &str) -> String {
        self.asked.one(name).to_owned()
    }

    /// The query as a message of the contract, as a call over HTTP reads it, without the parameters of the page itself.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn message<T: DeserializeOwned>(&self, name: &str, own: &[&str]) -> Result<T, Status> {
        let shape = contract().message(name);
        let said = self.asked.beginning("").filter(|(name, _)| !own.contains(name));
        let rest = form_urlencoded::Serializer::new(String::new()).extend_pairs(said).finish();
        let value = query::message(shape, &rest).map_err(Fault::Invalid);
        value.and_then(|value| shape.read(value, Vec::new())).map_err(|fault| error::status(&fault, ""))
    }

    /// The address of this page with one parameter set to another value; an empty one takes it away.
    pub fn with(&self, name: &str, value: &str) -> String {
        self.asked.with(&self.path, name, value)
    }

    /// The address of the first page with one value alone of a parameter; an empty one takes it away.
    pub fn only(&self, name: &str, value: &str) -> String {
        self.asked.and("page_token", "").with(&self.path, name, value)
    }
}
