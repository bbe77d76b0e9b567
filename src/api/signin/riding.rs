//! A request that rides on a session: it goes on with the session's token, as if its
//! sender had put it there. A browser sends its cookies along whoever's page asks; so
//! only what this server's own pages ask rides, and what they change they must say
//! that they ask.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::body::Body;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use http_body::{Frame, SizeHint};
use jiff::Timestamp;

use super::fault::Unsigned;
use super::routes::Desk;
use super::session::Session;
use super::visitor::{Standing, Visitor, for_visitor};
use super::{SigningIn, return_to};
use crate::api::http::problem::Refused;

/// Whose page asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Whose {
    /// This server's, or somebody typed the address.
    Own,
    /// The browser does not say.
    Unsaid,
    /// Another's, as where a link is followed: a page is gone to.
    Link,
    /// Another's.
    Others,
}

/// Puts the token of a session on a request that rides on it.
pub async fn ride(State(desk): State<Desk>, mut request: Request, next: Next) -> Response {
    let signing = &desk.signing;
    let looks = is_safe(request.method());
    let address = request.uri().path_and_query().map_or("/", |asked| asked.as_str());
    let address = if *request.method() == Method::GET { address.to_owned() } else { "/".to_owned() };
    if request.headers().contains_key(header::AUTHORIZATION) {
        // Whoever sends a token is whom it speaks for, whatever cookies go with it.
        return for_visitor(Visitor { address, standing: Standing::Bearer }, next.run(request)).await;
    }
    let now = Timestamp::now();
    let Some(session) = signing.session(request.headers(), now) else {
        return for_visitor(Visitor { address, standing: Standing::Stranger }, next.run(request)).await;
    };
    match (signing.whose(request.headers()), looks) {
        (Whose::Own, _) | (Whose::Unsaid | Whose::Link, true) => {}
        (Whose::Unsaid | Whose::Link | Whose::Others, false) => return foreign().into_response(),
        // It may look as anybody may, and sees nothing of whoever is signed in.
        (Whose::Others, true) => {
            return for_visitor(Visitor { address, standing: Standing::Stranger }, next.run(request)).await;
        }
    }
    if does_something(request.headers(), looks) {
        session.touch(now);
    }
    let standing = match signing.token(&session).await {
        Ok(token) => {
            request.headers_mut().insert(header::AUTHORIZATION, token);
            Standing::SignedIn(session.signed_in())
        }
        Err(Unsigned::Over) => {
            signing.0.sessions.end(&session);
            return for_visitor(Visitor { address, standing: Standing::Stranger }, next.run(request)).await;
        }
        Err(fault) if wants_page(request.headers()) => return desk.told(&fault, return_to::path(&address)),
        Err(fault) => return unavailable(&fault),
    };
    let is_call = request.uri().path().starts_with("/v1/");
    let answer = for_visitor(Visitor { address, standing }, next.run(request)).await;
    let (mut parts, body) = answer.into_parts();
    if is_call {
        // As with the pages: what somebody who is signed in was shown stays on no disk of a shared machine.
        parts.headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    // What one is shown is not shown to the next who signs in on the same machine.
    parts.headers.append(header::VARY, HeaderValue::from_static("Cookie"));
    Response::from_parts(parts, Body::new(Riding::on(body, session)))
}

impl SigningIn {
    fn whose(&self, headers: &HeaderMap) -> Whose {
        if let Some(origin) = headers.get(header::ORIGIN) {
            let own = self.origin(headers).is_some_and(|own| origin.as_bytes() == own.as_bytes());
            return if own { Whose::Own } else { Whose::Others };
        }
        let said = |name| headers.get(name).map(HeaderValue::as_bytes);
        match said("sec-fetch-site") {
            Some(b"same-origin" | b"none") => Whose::Own,
            Some(_) if said("sec-fetch-mode") == Some(b"navigate") => Whose::Link,
            Some(_) => Whose::Others,
            None => Whose::Unsaid,
        }
    }

    /// Whether a request that changes something is asked for by this server's own page.
    pub(super) fn is_own(&self, headers: &HeaderMap) -> bool {
        self.whose(headers) == Whose::Own
    }
}

/// What a page of another site is told.
pub(super) fn foreign() -> Refused {
    let problem = "who is signed in changes something from this server's own pages alone: the browser must say so with \
                   Origin or Sec-Fetch-Site";
    Refused::new(StatusCode::FORBIDDEN, "FOREIGN_ORIGIN", problem)
}

fn unavailable(fault: &Unsigned) -> Response {
    let problem = format!("{fault}: what was asked can be asked again in a minute");
    Refused::new(fault.status(), fault.reason(), problem).with(header::RETRY_AFTER, "10").into_response()
}

fn wants_page(headers: &HeaderMap) -> bool {
    headers.get(header::ACCEPT).and_then(|accepted| accepted.to_str().ok()).is_some_and(|it| it.contains("text/html"))
}

fn is_safe(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}

/// Whether somebody does something, and not the page that they have open.
fn does_something(headers: &HeaderMap, looks: bool) -> bool {
    let mode = headers.get("sec-fetch-mode").map(HeaderValue::as_bytes);
    !looks || matches!(mode, None | Some(b"navigate"))
}

/// An answer that ends with the session it rides on.
struct Riding {
    body: Body,
    /// `None`: it has ended.
    ended: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
}

impl Riding {
    fn on(body: Body, session: Arc<Session>) -> Self {
        Self { body, ended: Some(Box::pin(session.ended())) }
    }
}

impl http_body::Body for Riding {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let this = self.get_mut();
        let Some(ended) = &mut this.ended else { return Poll::Ready(None) };
        // What is there goes, as the answer to whoever signs out does; what is waited for does not come any more.
        let answered = Pin::new(&mut this.body).poll_frame(context);
        if answered.is_pending() && ended.as_mut().poll(context).is_ready() {
            this.ended = None;
            return Poll::Ready(None);
        }
        answered
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
