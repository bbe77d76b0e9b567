//! A call over HTTP: the same call, put into the form in which gRPC makes it and
//! sent through the same gate to the same handler. Only the writing differs.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Path, Request, State};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use serde::Deserialize;
use serde_json::Value;
use tokio::time::Instant;
use tokio_stream::{Stream, StreamExt};
use tonic::body::Body;
use tonic::service::Routes;
use tonic::{Code, Status};
use tower::ServiceExt;

use super::Live;
use super::accept::{self, Form};
use super::etag::Known;
use super::export;
use super::frames::{self, Lines, Messages};
use super::problem::{self, Refused};
use super::query;
use super::shape::{Call, contract};
use crate::access::table::{self, Does, Rule};
use crate::api::codec::Json;
use crate::api::gate::{self, CORRELATION, Guarded, ON_BEHALF_OF, PURPOSE, TIMEOUT};
use crate::service::Service;
use crate::service::fault::Fault;
use crate::telemetry::trace::TRACEPARENT;

/// How long the first message of a stream is waited for, so that a fault is told as one.
const FIRST: Duration = Duration::from_secs(1);

/// The least time that a caller can give a call, but for the moment that it is less.
const LEAST_TIME: Duration = Duration::from_millis(98);
/// The most that is taken off it for telling that it is over.
const MOST_TO_TELL: Duration = Duration::from_millis(250);

/// What of a request goes with its call.
const CARRIED: [&str; 5] = ["authorization", CORRELATION, ON_BEHALF_OF, PURPOSE, TRACEPARENT];

/// What calls over HTTP go to.
#[derive(Clone)]
pub struct Calls {
    gated: Guarded<Routes>,
    service: Service,
    /// Largest message, in bytes.
    most: usize,
}

/// A call that was found in the contract.
struct Asked {
    rule: &'static Rule,
    call: &'static Call,
    form: Form,
    correlation_id: Arc<str>,
    /// When it is over, if its caller says so.
    ends: Option<Instant>,
}

impl Calls {
    /// Calls of services behind a gate.
    pub const fn new(gated: Guarded<Routes>, service: Service, most: usize) -> Self {
        Self { gated, service, most }
    }

    /// The services behind the gate, as gRPC calls them.
    pub fn gated(&self) -> Guarded<Routes> {
        self.gated.clone()
    }

    async fn answer(&self, path: &str, request: Request) -> Result<Response, Response> {
        let (parts, body) = request.into_parts();
        let (Some(rule), Some(call)) = (table::rule(path), contract().calls.get(path)) else {
            let problem = "there is no such call: /openapi.json lists them";
            return Err(Refused::new(StatusCode::NOT_FOUND, "UNKNOWN_CALL", problem).into_response());
        };
        let by_query = by_query(rule, call, &parts.method).map_err(IntoResponse::into_response)?;
        let (form, query) =
            form(&parts.headers, parts.uri.query().unwrap_or_default(), call).map_err(IntoResponse::into_response)?;
        let correlation_id: Arc<str> = gate::correlation(&parts.headers).into();
        let time = time(&parts.headers).map_err(|fault| problem::of_fault(&fault, &correlation_id))?;
        let ends = time.map(|time| Instant::now() + time);
        let asked = Asked { rule, call, form, correlation_id, ends };
        let body = if by_query {
            let mut message = query::message(contract().message(&call.takes), &query)
                .map_err(|faults| problem::of_fault(&Fault::Invalid(faults), &asked.correlation_id))?;
            resume(&mut message, call, &parts.headers);
            Body::new(http_body_util::Full::new(frames::framed(message.to_string().as_bytes())))
        } else {
            if !query.is_empty() {
                let problem = "a call with a body takes no parameters but format";
                return Err(Refused::new(StatusCode::BAD_REQUEST, "INVALID_ARGUMENT", problem).into_response());
            }
            stated_type(call, &parts.headers).map_err(IntoResponse::into_response)?;
            let lines = if call.many_in { Lines::of } else { Lines::whole };
            Body::new(lines(body, self.most, &asked.correlation_id))
        };
        let mut made = http::Request::new(body);
        *made.uri_mut() = http::Uri::from_static(rule.path);
        *made.method_mut() = Method::POST;
        *made.version_mut() = http::Version::HTTP_2;
        *made.extensions_mut() = parts.extensions;
        let headers = made.headers_mut();
        for name in CARRIED {
            for value in parts.headers.get_all(name) {
                headers.append(name, value.clone());
            }
        }
        if let Some(time) = time {
            // Eight digits hold a day in milliseconds, and no call takes as long.
            let milliseconds = time.as_millis().min(99_999_999);
            headers.insert(TIMEOUT, format!("{milliseconds}m").parse().expect("digits and a letter must be a value"));
        }
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
        headers.insert(header::TE, HeaderValue::from_static("trailers"));
        let json =
            Json { takes: contract().message(&call.takes), correlation_id: Arc::clone(&asked.correlation_id), form };
        let Ok(answer) = json.spoken_in(self.gated.clone().oneshot(made)).await;
        let mut answer = answer;
        let known = answer.extensions_mut().remove::<Known>().filter(|_| by_query);
        let Some(known) = known else { return asked.told(answer).await };
        let words = format!("{path}?{query} {}", form.media());
        if let Some(held) = known.held(&words, &parts.headers, |pin| self.service.pages_on(pin, known.holder)) {
            let unchanged = [(header::ETAG, held), (header::VARY, HeaderValue::from_static("accept"))];
            return Ok(asked.marked((StatusCode::NOT_MODIFIED, unchanged).into_response()));
        }
        let mut told = asked.told(answer).await?;
        if let Ok(tag) = HeaderValue::from_str(&known.tag(&words)) {
            told.headers_mut().insert(header::ETAG, tag);
            told.headers_mut().append(header::VARY, HeaderValue::from_static("accept"));
        }
        Ok(told)
    }
}

/// Makes a call.
pub async fn call(
    State(calls): State<Calls>,
    Path((service, method)): Path<(String, String)>,
    mut request: Request,
) -> Response {
    let correlation_id = HeaderValue::from_str(&gate::correlation(request.headers()));
    let correlation_id = correlation_id.expect("an id of visible letters must be a value");
    // One that was made up goes with the call, too.
    request.headers_mut().insert(CORRELATION, correlation_id.clone());
    let answer = calls.answer(&format!("/steelyard.v1.{service}/{method}"), request).await;
    let mut answer = answer.unwrap_or_else(|refused| refused);
    answer.headers_mut().insert(CORRELATION, correlation_id);
    answer
}

/// Whether the message is in the query: calls that read may be made so.
fn by_query(rule: &Rule, call: &Call, method: &Method) -> Result<bool, Refused> {
    let readable = rule.does == Does::Reads && !call.many_in;
    match *method {
        Method::POST => Ok(false),
        Method::GET | Method::HEAD if readable => Ok(true),
        _ => {
            let allowed = if readable { "GET, HEAD, POST" } else { "POST" };
            let problem = format!("this call is made with {allowed}");
            let refused = Refused::new(StatusCode::METHOD_NOT_ALLOWED, "METHOD_NOT_ALLOWED", problem);
            Err(refused.with(header::ALLOW, allowed))
        }
    }
}

/// The form wanted, and the query without it.
fn form(headers: &HeaderMap, query: &str, call: &Call) -> Result<(Form, String), Refused> {
    let offered = Form::offered(call);
    let mut stated = None;
    let mut rest = form_urlencoded::Serializer::new(String::new());
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        if name == "format" {
            stated = Some(value);
        } else {
            rest.append_pair(&name, &value);
        }
    }
    let form = match stated {
        Some(word) => Form::of_word(&word).filter(|form| offered.contains(form)),
        None => accept::wanted(headers, offered),
    };
    let form = form.ok_or_else(|| {
        let media: Vec<_> = offered.iter().map(|form| form.media()).collect();
        let problem = format!("this call answers with {}", media.join(", "));
        Refused::new(StatusCode::NOT_ACCEPTABLE, "NOT_ACCEPTABLE", problem)
    })?;
    Ok((form, rest.finish()))
}

/// The time that a caller gives the call, less what it takes to write down and tell that it is over: the server beneath
/// cuts off with an answer of gRPC whoever is late.
fn time(headers: &HeaderMap) -> Result<Option<Duration>, Fault> {
    if !headers.contains_key(TIMEOUT) {
        return Ok(None);
    }
    let wrong = "grpc-timeout is up to eight digits and a unit, H, M, S, m, u or n, and at least 100 milliseconds: 10S";
    let stated = gate::deadline(headers).filter(|time| *time >= LEAST_TIME);
    let stated = stated.ok_or_else(|| Fault::field(TIMEOUT, "INVALID_METADATA", wrong))?;
    Ok(Some(stated.saturating_sub((stated / 4).min(MOST_TO_TELL))))
}

/// Whether an answer goes on while things happen; an export ends by itself, and is large.
fn goes_on(rule: &Rule, call: &Call) -> bool {
    call.many_out && !rule.path.contains("/Export")
}

/// A body says what it is: a page of another site cannot say so without being asked whether it may call.
fn stated_type(call: &Call, headers: &HeaderMap) -> Result<(), Refused> {
    let wanted = if call.many_in { Form::Ndjson } else { Form::Json };
    let stated = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let media = stated.split(';').next().unwrap_or_default().trim();
    if media.eq_ignore_ascii_case(wanted.media()) {
        return Ok(());
    }
    let problem = format!("the body of this call is {}", wanted.media());
    Err(Refused::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "UNSUPPORTED_MEDIA_TYPE", problem))
}

/// Where a browser connects again to a stream, it says the id of the last event that it had: the token to go on from.
fn resume(message: &mut Value, call: &Call, headers: &HeaderMap) {
    let had = headers.get("last-event-id").and_then(|id| id.to_str().ok()).filter(|id| !id.is_empty());
    if let (Some(id), Some(field), Some(members)) =
        (had, contract().message(&call.takes).field("resume_token"), message.as_object_mut())
    {
        members.entry(field.json.clone()).or_insert_with(|| id.into());
    }
}

impl Asked {
    async fn told(&self, answer: http::Response<Body>) -> Result<Response, Response> {
        let (parts, body) = answer.into_parts();
        if let Some(status) = Status::from_header_map(&parts.headers).filter(|status| status.code() != Code::Ok) {
            return Err(self.marked(problem::of_status(&status)));
        }
        let mut messages = Messages::of(body).until(self.ends, &self.correlation_id);
        if self.form.has_rows() {
            let answer = export::answer(self.form, messages, &self.correlation_id).await;
            return answer.map(|answer| self.marked(answer)).map_err(|status| self.marked(problem::of_status(&status)));
        }
        if !self.call.many_out {
            return match messages.next().await {
                Some(Ok(text)) => Ok(self.marked(([(header::CONTENT_TYPE, Form::Json.media())], text).into_response())),
                Some(Err(status)) => Err(self.marked(problem::of_status(&status))),
                None => Err(self.marked(problem::of_fault(&Fault::Internal, &self.correlation_id))),
            };
        }
        let first = match tokio::time::timeout(FIRST, messages.next()).await {
            Ok(Some(Err(status))) => return Err(self.marked(problem::of_status(&status))),
            Ok(first) => first,
            Err(_) => None,
        };
        let messages = tokio_stream::iter(first).chain(messages);
        let body = match self.form {
            Form::Events => axum::body::Body::from_stream(events(messages)),
            Form::Json | Form::Ndjson | Form::Csv | Form::Parquet => axum::body::Body::from_stream(lines(messages)),
        };
        let mut response = ([(header::CONTENT_TYPE, self.form.media())], body).into_response();
        if goes_on(self.rule, self.call) {
            response.extensions_mut().insert(Live);
        }
        Ok(self.marked(response))
    }

    /// An answer with what goes with every one.
    fn marked(&self, mut response: Response) -> Response {
        let headers = response.headers_mut();
        // A whole list is left on no disk by the way.
        let kept = self.rule.does == Does::Reads && !self.form.has_rows();
        let caching = HeaderValue::from_static(if kept { "private, no-cache" } else { "no-store" });
        headers.entry(header::CACHE_CONTROL).or_insert(caching);
        headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        response
    }
}

type Told = Result<Bytes, Infallible>;

/// A JSON object in each line; a fault is the last, as the member `problem`.
fn lines(messages: impl Stream<Item = Result<Bytes, Status>> + Send + 'static) -> impl Stream<Item = Told> + Send {
    messages.map(|message| {
        let mut line = match message {
            Ok(message) => Vec::from(message),
            Err(status) => serde_json::json!({ "problem": problem::told(&status) }).to_string().into_bytes(),
        };
        line.push(b'\n');
        Ok(Bytes::from(line))
    })
}

/// An event for each message, with the token to go on from as its id; a fault is the last, of the type `problem`.
fn events(messages: impl Stream<Item = Result<Bytes, Status>> + Send + 'static) -> impl Stream<Item = Told> + Send {
    #[derive(Deserialize)]
    struct Resumable {
        #[serde(default, rename = "resumeToken")]
        resume_token: String,
    }

    messages.map(|message| {
        let mut event = Vec::new();
        match message {
            Ok(message) => {
                if let Ok(Resumable { resume_token }) = serde_json::from_slice(&message)
                    && !resume_token.is_empty()
                {
                    event.extend_from_slice(format!("id: {resume_token}\n").as_bytes());
                }
                event.extend_from_slice(b"data: ");
                event.extend_from_slice(&message);
            }
            Err(status) => {
                event.extend_from_slice(format!("event: problem\ndata: {}", problem::told(&status)).as_bytes());
            }
        }
        event.extend_from_slice(b"\n\n");
        Ok(Bytes::from(event))
    })
}
