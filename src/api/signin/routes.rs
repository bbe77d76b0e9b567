//! The ways in and out: a browser is sent to the issuer, comes back with a code, and
//! has a session; or leaves, and has none. Looking at any of them changes nothing
//! but what the browser that looks was sent here to finish.

use axum::Router;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use jiff::Timestamp;
use maud::{Markup, html};
use serde_json::json;
use tracing::{info, warn};

use super::fault::Unsigned;
use super::provider::{ProviderFault, known};
use super::visitor::{Standing, visitor};
use super::{SigningIn, UnderWay, cookie, proof, return_to, riding};
use crate::access::token::Asked;
use crate::api::http::problem::Refused;
use crate::api::page::Pages;
use crate::api::page::shell::{Here, Page};
use crate::api::page::words::spoken;

/// Where the issuer sends browsers back to.
pub const CALLBACK: &str = "/sign-in/callback";
/// Signings in that one browser may have under way.
const TABS: usize = 8;
/// Most bytes of what an issuer sends back in an address.
const ANSWER: usize = 4 << 10;

/// Signing in, and the pages on which it is told.
#[derive(Clone)]
pub struct Desk {
    /// Signing in.
    pub signing: SigningIn,
    /// What pages are made with.
    pub pages: Pages,
}

/// The ways in and out.
pub fn router(desk: Desk) -> Router {
    Router::new()
        .route("/sign-in", get(begin))
        .route(CALLBACK, get(finish))
        .route("/sign-in/who", get(who))
        .route("/sign-out", post(leave).get(left))
        .with_state(desk)
}

/// Sends a browser to the issuer.
async fn begin(State(desk): State<Desk>, request: Request) -> Response {
    let query = request.uri().query().unwrap_or_default();
    let stated = parameter(query, "return_to").ok().flatten().unwrap_or_default();
    let after = return_to::path(&stated);
    let another = parameter(query, "as").ok().flatten().as_deref() == Some("another");
    match desk.signing.begun(request.headers(), after, another).await {
        Ok(response) => response,
        Err(fault) => desk.told(&fault, after),
    }
}

/// What an issuer sends back.
struct Answered {
    state: String,
    outcome: Result<String, &'static str>,
    issuer: Option<String>,
}

/// Ends what was begun: the browser has a session, or is told why not.
async fn finish(State(desk): State<Desk>, request: Request) -> Response {
    let now = Timestamp::now();
    let (signing, headers) = (&desk.signing, request.headers());
    let answered = match Answered::read(request.uri().query().unwrap_or_default()) {
        Ok(answered) => answered,
        Err(problem) => return desk.told(&Unsigned::Malformed(problem), "/"),
    };
    let cookies = signing.0.cookies;
    let name = cookies.under_way_name(&answered.state);
    let mut opened = cookie::values(headers, &name).filter_map(|sealed| signing.0.seal.open(sealed, now));
    let Some(under_way) = opened.find(|under_way| under_way.is_answered_by(&answered.state)) else {
        return desk.told(&Unsigned::NotBegun, "/");
    };
    let mut response = match signing.finished(&under_way, answered, headers).await {
        Ok(id) => {
            info!("somebody signed in");
            let mut response = elsewhere(&under_way.return_to);
            response.headers_mut().append(header::SET_COOKIE, cookies.session(&id));
            response
        }
        Err(fault) => {
            info!(reason = fault.reason(), "somebody was not signed in");
            desk.told(&fault, &under_way.return_to)
        }
    };
    response.headers_mut().append(header::SET_COOKIE, cookies.ended(&name));
    response
}

impl SigningIn {
    async fn begun(&self, headers: &HeaderMap, after: &str, another: bool) -> Result<Response, Unsigned> {
        let origin = self.origin(headers).ok_or(Unsigned::NoName)?;
        let described = self.0.provider.described().await?;
        let under_way = UnderWay::begin(format!("{origin}{CALLBACK}"), after, Timestamp::now());
        let mut query = form_urlencoded::Serializer::new(String::new());
        query
            .append_pair("response_type", "code")
            .append_pair("client_id", &self.0.settings.client_id)
            .append_pair("redirect_uri", &under_way.redirect)
            .append_pair("scope", &self.0.settings.scopes)
            .append_pair("state", &under_way.state)
            .append_pair("nonce", &under_way.nonce)
            .append_pair("code_challenge", &proof::challenge(&under_way.verifier))
            .append_pair("code_challenge_method", "S256");
        if another {
            query.append_pair("prompt", "login");
        }
        let end = &described.authorization_endpoint;
        let joint = if end.contains('?') { '&' } else { '?' };
        let mut response = elsewhere(&format!("{end}{joint}{}", query.finish()));
        let set = response.headers_mut();
        let cookies = self.0.cookies;
        let held = cookies.under_way(headers);
        for name in held.iter().take((held.len() + 1).saturating_sub(TABS)) {
            set.append(header::SET_COOKIE, cookies.ended(name));
        }
        set.append(header::SET_COOKIE, cookies.begun(&under_way.state, &self.0.seal.seal(&under_way)));
        Ok(response)
    }

    /// Has the issuer give a token for the code, and begins a session with it: its name.
    async fn finished(
        &self,
        under_way: &UnderWay,
        answered: Answered,
        headers: &HeaderMap,
    ) -> Result<String, Unsigned> {
        if !self.0.used.first(&under_way.state, Timestamp::now()) {
            return Err(Unsigned::Replayed);
        }
        let described = self.0.provider.described().await?;
        let named = answered.issuer.as_deref();
        let missing = described.authorization_response_iss_parameter_supported && named.is_none();
        if missing || named.is_some_and(|named| named != described.issuer) {
            return Err(ProviderFault::Wrong("its answer names another issuer, or none").into());
        }
        let code = answered.outcome.map_err(ProviderFault::Refused)?;
        let granted = self.0.provider.exchange(&code, &under_way.verifier, &under_way.redirect).await?;
        let asked = Asked { issuer: &described.issuer, client: &self.0.settings.client_id, nonce: &under_way.nonce };
        let (held, called) = self.believed(&granted, &asked).await?;
        let now = Timestamp::now();
        // Whoever was signed in here before is not any more, and nothing that a browser brought is ever a session's name.
        if let Some(before) = self.session(headers, now) {
            self.0.sessions.end(&before);
        }
        self.0.sessions.begin(held, called, granted.refresh, now).ok_or_else(|| {
            warn!(signin.sessions = self.0.settings.sessions, "as many people are signed in as may be");
            Unsigned::Full
        })
    }
}

impl Answered {
    fn read(query: &str) -> Result<Self, &'static str> {
        if query.len() > ANSWER {
            return Err("it is too long");
        }
        let one = |name| parameter(query, name).map_err(|()| "a parameter is there twice");
        let state = one("state")?.ok_or("it has no state")?;
        let outcome = match (one("code")?, one("error")?) {
            (Some(code), None) if !code.is_empty() => Ok(code),
            (None, Some(error)) => Err(known(&error)),
            (Some(_) | None, None) | (Some(_), Some(_)) => return Err("it has neither a code nor an error"),
        };
        Ok(Self { state, outcome, issuer: one("iss")? })
    }
}

/// The value of a parameter that may be there once.
fn parameter(query: &str, name: &str) -> Result<Option<String>, ()> {
    let mut found = form_urlencoded::parse(query.as_bytes()).filter(|(known, _)| known == name);
    let first = found.next().map(|(_, value)| value.into_owned());
    if found.next().is_some() { Err(()) } else { Ok(first) }
}

/// Ends a session at once, here and, where it can be, at the issuer.
async fn leave(State(desk): State<Desk>, request: Request) -> Response {
    let (signing, headers) = (&desk.signing, request.headers());
    if !signing.is_own(headers) {
        return riding::foreign().into_response();
    }
    if let Some(session) = signing.session(headers, Timestamp::now()) {
        signing.0.sessions.end(&session);
        info!("somebody signed out");
    }
    let end = signing.end_at_the_issuer(headers).await;
    let mut response = desk.signed_out(end.as_deref());
    let set = response.headers_mut();
    set.append(header::SET_COOKIE, signing.0.cookies.no_session());
    // Nothing that was shown stays on a machine that others use.
    set.insert("clear-site-data", HeaderValue::from_static("\"cache\""));
    if let Some(refresh) = end.and_then(|end| HeaderValue::from_str(&format!("0; url={end}")).ok()) {
        set.insert(header::REFRESH, refresh);
    }
    response
}

impl SigningIn {
    /// Where the issuer is told that somebody signs out. No token goes there: it would stand in an address.
    async fn end_at_the_issuer(&self, headers: &HeaderMap) -> Option<String> {
        let described = self.0.provider.described().await.ok()?;
        let end = described.end_session_endpoint.as_ref()?;
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.append_pair("client_id", &self.0.settings.client_id);
        if let Some(origin) = self.origin(headers) {
            query.append_pair("post_logout_redirect_uri", &format!("{origin}/sign-out"));
        }
        let joint = if end.contains('?') { '&' } else { '?' };
        Some(format!("{end}{joint}{}", query.finish()))
    }
}

/// Says that somebody is signed out. Ends nothing.
async fn left(State(desk): State<Desk>) -> Response {
    if let Some(Standing::SignedIn(_)) = visitor().map(|visitor| visitor.standing) {
        return elsewhere("/sign-in/who");
    }
    desk.signed_out(None)
}

/// As whom somebody is signed in: a page, or JSON for scripts.
async fn who(State(desk): State<Desk>, headers: HeaderMap) -> Response {
    let accepted = headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or_default();
    let page = accepted.contains("text/html");
    let Some(Standing::SignedIn(signed)) = visitor().map(|visitor| visitor.standing) else {
        if page {
            return elsewhere("/sign-in");
        }
        let problem = "nobody is signed in, or the session is over: /sign-in begins one";
        return Refused::new(StatusCode::UNAUTHORIZED, "UNAUTHENTICATED", problem).into_response();
    };
    let roles: Vec<_> = signed.identity.roles.iter().map(|role| role.name()).collect();
    let areas: Option<Vec<&str>> =
        signed.identity.scope.areas().map(|areas| areas.iter().map(|area| &**area).collect());
    if !page {
        let told = json!({
            "actor": signed.identity.actor,
            "called": &*signed.called,
            "roles": roles,
            "areas": areas.unwrap_or_else(|| vec!["*"]),
            "until": signed.until.to_string(),
        });
        let headers = [(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "no-store")];
        return (headers, told.to_string()).into_response();
    }
    let until = signed.until.to_zoned(jiff::tz::TimeZone::get("Europe/London").unwrap_or(jiff::tz::TimeZone::UTC));
    let content = html! {
        h1 { "Who you are signed in as" }
        dl {
            dt { "Name" } dd { (signed.called) }
            dt { "Known to this service as" } dd { code { (signed.identity.actor) } }
            dt { "Roles" } dd { @for (nth, role) in roles.iter().enumerate() { @if nth > 0 { ", " } (spoken(role, "")) } }
            dt { "Areas" } dd {
                @match &areas {
                    None => { "the whole force" }
                    Some(areas) if areas.is_empty() => { "none: you see nobody" }
                    Some(areas) => { (areas.join(", ")) }
                }
            }
            dt { "Signed in until" } dd { time datetime=(signed.until) { (until.strftime("%H:%M on %-d %B %Y")) } " at the latest" }
        }
        (sign_out())
    };
    Page { title: "Who you are signed in as", here: Here::Nowhere, back: None, content }.respond(&desk.pages)
}

/// The button that signs out.
pub fn sign_out() -> Markup {
    html! { form.sign-out method="post" action="/sign-out" { button type="submit" { "Sign out" } } }
}

impl Desk {
    /// Tells somebody why they are not signed in, and how to try again.
    pub fn told(&self, fault: &Unsigned, after: &str) -> Response {
        let query = form_urlencoded::Serializer::new(String::new()).append_pair("return_to", after).finish();
        let (again, another) = (format!("/sign-in?{query}"), format!("/sign-in?as=another&{query}"));
        let passes = fault.passes();
        let title = if fault.status() == StatusCode::SERVICE_UNAVAILABLE {
            "You cannot sign in just now"
        } else {
            "You are not signed in"
        };
        let content = html! {
            h1 { (title) }
            p { (crate::api::page::words::capital(&crate::api::page::words::sentence(&fault.to_string()))) }
            @if matches!(fault, Unsigned::Token(_)) {
                p { "Your account may have no role in this service. Whoever gives roles in your force can tell." }
            }
            p { a.button href=(again) { "Try again" } }
            @if !passes { p { a href=(another) { "Sign in as somebody else" } } }
            p.quiet { "Reason " code { (fault.reason()) } "." }
        };
        let page = Page { title, here: Here::Nowhere, back: None, content };
        let mut response = page.respond_with(fault.status(), &self.pages);
        if fault.status() == StatusCode::SERVICE_UNAVAILABLE {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("10"));
        }
        response
    }

    fn signed_out(&self, end: Option<&str>) -> Response {
        let content = html! {
            h1 { "You are signed out" }
            @if let Some(end) = end {
                p { "You are being signed out of your force's sign-in as well. If nothing happens, " a href=(end) { "go there yourself" } "." }
            } @else {
                p { "On a machine that others use, close the browser." }
                p { a.button href="/sign-in" { "Sign in" } }
                p { a href="/sign-in?as=another" { "Sign in as somebody else" } }
            }
        };
        Page { title: "You are signed out", here: Here::Nowhere, back: None, content }.respond(&self.pages)
    }
}

/// Sends a browser on. Nothing keeps the answer.
fn elsewhere(location: &str) -> Response {
    let Ok(location) = HeaderValue::from_str(location) else {
        return StatusCode::BAD_GATEWAY.into_response();
    };
    let headers = [
        (header::LOCATION, location),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    ];
    (StatusCode::SEE_OTHER, headers).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_has_one_state_and_either_a_code_or_an_error() {
        let read =
            |query: &str| Answered::read(query).map(|answered| (answered.state, answered.outcome, answered.issuer));
        let (state, outcome, issuer) = read("state=s&code=c&iss=https%3A%2F%2Fi").unwrap();
        assert_eq!((state.as_str(), outcome, issuer.as_deref()), ("s", Ok("c".to_owned()), Some("https://i")));
        assert!(read("state=s&error=access_denied").unwrap().1.is_err());
        for query in [
            "",
            "code=c",
            "state=s",
            "state=s&code=",
            "state=s&state=s&code=c",
            "state=s&code=c&error=e",
            "state=s&code=c&code=d",
        ] {
            assert!(read(query).is_err(), "{query}");
        }
        assert!(read(&format!("state=s&code={}", "c".repeat(ANSWER))).is_err());
    }

    #[test]
    fn what_an_issuer_writes_about_an_error_is_shown_to_nobody() {
        let outcome = Answered::read("state=s&error=%3Cscript%3E&error_description=%3Cscript%3E").unwrap().outcome;
        assert!(!outcome.unwrap_err().contains("script"));
    }
}
