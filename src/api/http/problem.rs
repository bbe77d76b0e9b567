//! Refusals over HTTP: problem details (RFC 9457) that carry the reason, the
//! violations and the id of the call exactly as the gRPC status does.

use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde_json::{Map, Value, json};
use tonic::{Code, Status};
use tonic_types::StatusExt;

use crate::api::error::{self, DOMAIN};
use crate::service::fault::Fault;

/// Media type of a problem.
pub const PROBLEM: &str = "application/problem+json";

/// The HTTP status of a gRPC status. Where a code stands for several, the reason decides.
pub fn http_status(code: Code, reason: &str) -> StatusCode {
    match (code, reason) {
        (Code::Ok, _) => StatusCode::OK,
        (Code::ResourceExhausted, "TOO_LARGE") => StatusCode::PAYLOAD_TOO_LARGE,
        (Code::ResourceExhausted, "DISK_LOW") => StatusCode::INSUFFICIENT_STORAGE,
        // The server is well: the caller waits for a revision that nobody has written.
        (Code::DeadlineExceeded, "REVISION_NOT_REACHED") | (Code::AlreadyExists | Code::Aborted, _) => {
            StatusCode::CONFLICT
        }
        (Code::FailedPrecondition, "REVISION_COMPACTED" | "PAGE_TOKEN_EXPIRED") => StatusCode::GONE,
        (Code::InvalidArgument | Code::OutOfRange, _) => StatusCode::BAD_REQUEST,
        (Code::FailedPrecondition, _) => StatusCode::UNPROCESSABLE_ENTITY,
        (Code::Unauthenticated, _) => StatusCode::UNAUTHORIZED,
        (Code::PermissionDenied, _) => StatusCode::FORBIDDEN,
        (Code::NotFound, _) => StatusCode::NOT_FOUND,
        (Code::ResourceExhausted, _) => StatusCode::TOO_MANY_REQUESTS,
        (Code::Unimplemented, _) => StatusCode::NOT_IMPLEMENTED,
        (Code::Unavailable, _) => StatusCode::SERVICE_UNAVAILABLE,
        (Code::DeadlineExceeded, _) => StatusCode::GATEWAY_TIMEOUT,
        (Code::Cancelled | Code::Unknown | Code::Internal | Code::DataLoss, _) => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// A refusal of the HTTP edge itself, before there is a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// Status.
    pub status: StatusCode,
    /// Reason in UPPER_SNAKE.
    pub reason: &'static str,
    /// What is wrong, in a sentence.
    pub detail: String,
    /// Headers that go with it.
    pub headers: Vec<(header::HeaderName, HeaderValue)>,
}

impl Refused {
    /// A refusal.
    pub fn new(status: StatusCode, reason: &'static str, detail: impl Into<String>) -> Self {
        Self { status, reason, detail: detail.into(), headers: Vec::new() }
    }

    /// With a header.
    #[must_use]
    pub fn with(mut self, name: header::HeaderName, value: &'static str) -> Self {
        self.headers.push((name, HeaderValue::from_static(value)));
        self
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let told = json!({
            "type": kind(self.reason),
            "title": title(self.status),
            "status": self.status.as_u16(),
            "detail": self.detail,
            "reason": self.reason,
            "domain": DOMAIN,
        });
        let mut response = respond(self.status, &told);
        for (name, value) in self.headers {
            response.headers_mut().insert(name, value);
        }
        response
    }
}

/// A gRPC status as a problem.
pub fn of_status(status: &Status) -> Response {
    let told = told(status);
    let reason = told.get("reason").and_then(Value::as_str).unwrap_or_default();
    let code = http_status(status.code(), reason);
    let mut response = respond(code, &told);
    let headers = response.headers_mut();
    if code == StatusCode::UNAUTHORIZED {
        headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"steelyard\""));
    }
    if let Some(wait) = status.get_error_details().retry_info().and_then(|retry| retry.retry_delay) {
        // Whole seconds, and never at once.
        let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
        headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds.max(1)));
    }
    response
}

/// A fault as a problem.
pub fn of_fault(fault: &Fault, correlation_id: &str) -> Response {
    of_status(&error::status(fault, correlation_id))
}

/// What a problem says.
pub fn told(status: &Status) -> Value {
    let details = status.get_error_details();
    let info = details.error_info();
    let reason = info.map_or_else(|| unnamed(status.code()), |info| info.reason.as_str());
    let code = http_status(status.code(), reason);
    let mut told = Map::new();
    told.insert("type".to_owned(), kind(reason).into());
    told.insert("title".to_owned(), title(code).into());
    told.insert("status".to_owned(), code.as_u16().into());
    told.insert("detail".to_owned(), status.message().into());
    told.insert("reason".to_owned(), reason.into());
    told.insert("domain".to_owned(), DOMAIN.into());
    told.insert("code".to_owned(), format!("{:?}", status.code()).into());
    if let Some(info) = info {
        let metadata: Map<_, _> =
            info.metadata.iter().map(|(name, value)| (name.clone(), value.clone().into())).collect();
        told.insert("metadata".to_owned(), metadata.into());
    }
    if let Some(bad) = details.bad_request() {
        let violations = bad.field_violations.iter().map(|violation| {
            json!({
                "field": violation.field,
                "reason": violation.reason,
                "description": violation.description,
            })
        });
        told.insert("violations".to_owned(), violations.collect());
    }
    told.into()
}

/// The reason of a status that names none: the library's own.
fn unnamed(code: Code) -> &'static str {
    match code {
        Code::Unimplemented => "UNKNOWN_CALL",
        Code::InvalidArgument | Code::OutOfRange => "INVALID_ARGUMENT",
        Code::ResourceExhausted => "TOO_LARGE",
        Code::DeadlineExceeded => "DEADLINE_EXCEEDED",
        Code::Unavailable => "SHUTTING_DOWN",
        Code::Ok
        | Code::Cancelled
        | Code::Unknown
        | Code::NotFound
        | Code::AlreadyExists
        | Code::PermissionDenied
        | Code::FailedPrecondition
        | Code::Aborted
        | Code::Internal
        | Code::DataLoss
        | Code::Unauthenticated => "INTERNAL",
    }
}

fn kind(reason: &str) -> String {
    format!("urn:steelyard:problem:{}", reason.to_ascii_lowercase().replace('_', "-"))
}

fn title(status: StatusCode) -> &'static str {
    status.canonical_reason().unwrap_or("Refused")
}

fn respond(status: StatusCode, told: &Value) -> Response {
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(PROBLEM));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    (status, headers, told.to_string()).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn body(response: Response) -> Value {
        let bytes = axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
        serde_json::from_slice(&bytes).unwrap()
    }

    #[tokio::test]
    async fn a_problem_says_what_the_status_says() {
        let faults = [("page_size", "most 1,000"), ("list", "unknown")];
        let violations = faults.map(|(field, description)| crate::pb::Violation {
            field: field.to_owned(),
            reason: "OUT_OF_RANGE".to_owned(),
            description: description.to_owned(),
        });
        let response = of_fault(&Fault::Invalid(violations.to_vec()), "c-7");
        assert_eq!(response.status(), StatusCode::BAD_REQUEST);
        assert_eq!(response.headers()[header::CONTENT_TYPE], PROBLEM);
        let told = body(response).await;
        assert_eq!(told["reason"], "INVALID_ARGUMENT");
        assert_eq!(told["type"], "urn:steelyard:problem:invalid-argument");
        assert_eq!(told["metadata"]["correlation_id"], "c-7");
        assert_eq!(told["violations"][1]["field"], "list");
    }

    #[test]
    fn who_is_not_known_is_told_how_to_say_who_they_are_and_who_must_wait_for_how_long() {
        let unknown = of_status(&error::status(
            &Fault::Unidentified(crate::access::authenticate::IdentityFault::Unauthenticated),
            "c",
        ));
        assert_eq!(unknown.status(), StatusCode::UNAUTHORIZED);
        assert!(unknown.headers().contains_key(header::WWW_AUTHENTICATE));
        let full = of_fault(&Fault::QueueFull, "c");
        assert_eq!(full.status(), StatusCode::TOO_MANY_REQUESTS);
        assert_eq!(full.headers()[header::RETRY_AFTER], "1");
    }
}
