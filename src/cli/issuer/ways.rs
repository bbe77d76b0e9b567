//! What is asked of the issuer for development: what it is, who somebody is, and
//! tokens. It answers to its own name alone, so that no page of another site has it
//! answer.

use std::borrow::Cow;
use std::collections::HashMap;

use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, StatusCode, header};
use maud::{DOCTYPE, Markup, html};
use serde_json::json;

use super::Issuer;
use super::codes::Code;
use super::people::{PEOPLE, Person};

/// Most bytes of a question.
const QUESTION: usize = 16 << 10;

/// The parameters of a question, each once.
type Parameters = HashMap<String, String>;

pub(super) fn router(issuer: Issuer) -> Router {
    Router::new()
        .route("/.well-known/openid-configuration", get(described))
        .route(
            "/jwks",
            get(async |State(issuer): State<Issuer>| ([(header::CONTENT_TYPE, "application/json")], issuer.keys())),
        )
        .route("/authorize", get(authorize))
        .route("/token", post(token))
        .route("/end-session", get(end))
        .layer(from_fn_with_state(issuer.clone(), own_name))
        .with_state(issuer)
}

/// Answers to the name alone that the issuer was given.
async fn own_name(State(issuer): State<Issuer>, request: Request, next: Next) -> Response {
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    if issuer.address().strip_prefix("http://") == Some(host) {
        return next.run(request).await;
    }
    (StatusCode::MISDIRECTED_REQUEST, "the issuer for development answers to its own name alone\n").into_response()
}

async fn described(State(issuer): State<Issuer>) -> Response {
    let at = |path: &str| format!("{}{path}", issuer.address());
    Json(json!({
        "issuer": issuer.address(),
        "authorization_endpoint": at("/authorize"),
        "token_endpoint": at("/token"),
        "jwks_uri": at("/jwks"),
        "end_session_endpoint": at("/end-session"),
        "response_types_supported": ["code"],
        "grant_types_supported": ["authorization_code", "refresh_token"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["EdDSA"],
        "code_challenge_methods_supported": ["S256"],
        "token_endpoint_auth_methods_supported": ["none"],
        "authorization_response_iss_parameter_supported": true,
        "scopes_supported": ["openid"],
    }))
    .into_response()
}

/// Shows who one can be, and sends whoever chose back with a code.
async fn authorize(State(issuer): State<Issuer>, request: Request) -> Response {
    let Some(asked) = parameters(request.uri().query().unwrap_or_default().as_bytes()) else {
        return wrong("a parameter is there twice");
    };
    let given_for = &issuer.0.given_for;
    let said = |name: &str| asked.get(name).map_or("", String::as_str);
    let redirect = said("redirect_uri");
    // Before these two are right nobody is sent anywhere.
    if said("client_id") != given_for.client_id {
        return wrong("client_id is not that of the server that was started with this issuer");
    }
    if !given_for.redirects.iter().any(|known| known == redirect) {
        return wrong("redirect_uri is not one of the server that was started with this issuer");
    }
    let state = said("state");
    let back = |outcome: (&str, &str)| {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.append_pair(outcome.0, outcome.1).append_pair("state", state).append_pair("iss", issuer.address());
        elsewhere(&format!("{redirect}?{}", query.finish()))
    };
    if said("response_type") != "code" {
        return back(("error", "unsupported_response_type"));
    }
    if !said("scope").split(' ').any(|scope| scope == "openid") {
        return back(("error", "invalid_scope"));
    }
    if said("code_challenge_method") != "S256" || said("code_challenge").len() != 43 {
        return back(("error", "invalid_request"));
    }
    match said("person") {
        "" => choice(&asked).into_response(),
        "nobody" => back(("error", "access_denied")),
        name => {
            let Some(person) = Person::named(name) else { return wrong("there is no such person") };
            let code = Code {
                person,
                client: given_for.client_id.clone(),
                redirect: redirect.to_owned(),
                challenge: said("code_challenge").to_owned(),
                nonce: asked.get("nonce").cloned(),
            };
            match issuer.0.codes.give(code) {
                Some(code) => back(("code", &code)),
                None => back(("error", "temporarily_unavailable")),
            }
        }
    }
}

async fn token(State(issuer): State<Issuer>, headers: HeaderMap, request: Request) -> Response {
    let Ok(body) = axum::body::to_bytes(request.into_body(), QUESTION).await else {
        return refused("invalid_request");
    };
    let Some(asked) = parameters(&body) else { return refused("invalid_request") };
    let said = |name: &str| asked.get(name).map_or("", String::as_str);
    let client = client(&headers).unwrap_or_else(|| said("client_id").to_owned());
    if client != issuer.0.given_for.client_id {
        return refused("invalid_client");
    }
    let (person, nonce) = match said("grant_type") {
        "authorization_code" => {
            // Whatever comes of it, a code that was shown is used.
            let code = issuer.0.codes.take(said("code"));
            match code.filter(|code| code.is_of(&client, said("redirect_uri"), said("code_verifier"))) {
                Some(code) => (code.person, code.nonce),
                None => return refused("invalid_grant"),
            }
        }
        "refresh_token" => match issuer.0.refresh.take(said("refresh_token")) {
            Some(person) => (person, None),
            None => return refused("invalid_grant"),
        },
        _ => return refused("unsupported_grant_type"),
    };
    let given_for = &issuer.0.given_for;
    let mut answer = json!({
        "token_type": "Bearer",
        "access_token": issuer.access(person, given_for.lasts),
        "id_token": issuer.id(person, nonce.as_deref()),
        "expires_in": given_for.lasts.as_secs(),
        "scope": "openid",
    });
    if given_for.renews {
        let Some(refresh) = issuer.0.refresh.give(person) else { return refused("temporarily_unavailable") };
        answer["refresh_token"] = json!(refresh);
    }
    ([(header::CACHE_CONTROL, "no-store")], Json(answer)).into_response()
}

/// Somebody signs out. Nobody was remembered here; they go back where they came from.
async fn end(State(issuer): State<Issuer>, request: Request) -> Response {
    let asked = parameters(request.uri().query().unwrap_or_default().as_bytes()).unwrap_or_default();
    let back = asked.get("post_logout_redirect_uri").map_or("", String::as_str);
    let origin = |address: &str| address.parse::<http::Uri>().ok().and_then(|uri| uri.authority().cloned());
    let known =
        issuer.0.given_for.redirects.iter().any(|known| origin(known).is_some() && origin(known) == origin(back));
    if known { elsewhere(back) } else { wrong("post_logout_redirect_uri is not one of the server's") }
}

/// Parameters, unless one is there twice.
fn parameters(text: &[u8]) -> Option<Parameters> {
    let mut all = Parameters::new();
    for (name, value) in form_urlencoded::parse(text) {
        if all.insert(name.into_owned(), value.into_owned()).is_some() {
            return None;
        }
    }
    Some(all)
}

/// The client that a header names. Its secret is not looked at: it has none.
fn client(headers: &HeaderMap) -> Option<String> {
    let encoded = headers.get(header::AUTHORIZATION)?.to_str().ok()?.strip_prefix("Basic ")?;
    let pair = String::from_utf8(STANDARD.decode(encoded).ok()?).ok()?;
    let (name, _) = pair.split_once(':')?;
    form_urlencoded::parse(format!("name={name}").as_bytes())
        .next()
        .map(|(_, name): (_, Cow<'_, str>)| name.into_owned())
}

fn refused(error: &str) -> Response {
    (StatusCode::BAD_REQUEST, [(header::CACHE_CONTROL, "no-store")], Json(json!({ "error": error }))).into_response()
}

fn elsewhere(location: &str) -> Response {
    (StatusCode::SEE_OTHER, [(header::LOCATION, location), (header::CACHE_CONTROL, "no-store")]).into_response()
}

fn choice(asked: &Parameters) -> Response {
    let mut held: Vec<_> = asked.iter().filter(|(name, _)| *name != "person").collect();
    held.sort();
    let content = html! {
        h1 { "Who do you want to be?" }
        p { "The people below are invented. Choose one to sign in to the demonstration." }
        form method="get" action="/authorize" {
            @for (name, value) in held { input type="hidden" name=(name) value=(value); }
            ul {
                @for person in PEOPLE {
                    li {
                        button type="submit" name="person" value=(person.name) { (person.called) }
                        p { (person.does) }
                    }
                }
                li {
                    button type="submit" name="person" value="nobody" { "Nobody" }
                    p { "Goes back without signing in." }
                }
            }
        }
    };
    page(StatusCode::OK, "Who do you want to be?", &content)
}

fn wrong(problem: &str) -> Response {
    let content = html! { h1 { "Nobody can sign in like this" } p { (problem) "." } };
    page(StatusCode::BAD_REQUEST, "Nobody can sign in like this", &content)
}

const STYLE: &str = "body{font:1.1rem/1.5 system-ui,sans-serif;max-width:40rem;margin:2rem auto;padding:0 1rem;\
    color:#101820;background:#fff}ul{list-style:none;padding:0}li{margin:0 0 1rem}p{margin:.2rem 0}\
    button{font:inherit;font-weight:600;padding:.5rem 1rem;min-height:2.75rem}\
    .notice{border-left:.5rem solid #b3261e;padding:.5rem 1rem;margin-bottom:1.5rem}\
    :focus-visible{outline:3px solid #101820;outline-offset:3px}\
    @media (prefers-color-scheme:dark){body{color:#f0f2f5;background:#14181d}:focus-visible{outline-color:#ffd65c}}";

fn page(status: StatusCode, title: &str, content: &Markup) -> Response {
    let markup = html! {
        (DOCTYPE)
        html lang="en-GB" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) " – an issuer for development" }
                style { (maud::PreEscaped(STYLE)) }
            }
            body {
                main {
                    p.notice { strong { "This issuer is for development." } " Nobody is asked to show who they are, so it must never be near real records. A force has its own." }
                    (content)
                }
            }
        }
    };
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CACHE_CONTROL, "no-store"),
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'",
        ),
        (header::REFERRER_POLICY, "no-referrer"),
    ];
    (status, headers, markup.into_string()).into_response()
}
