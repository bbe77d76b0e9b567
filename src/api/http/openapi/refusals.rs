//! Refusals as the document tells of them: which statuses there are, of which calls,
//! and what a problem says. It decides no status; a test holds it against what does.

use serde_json::{Value, json};

use crate::access::table::{Does, Rule};
use crate::api::error::DOMAIN;
use crate::api::http::problem::PROBLEM;

/// Statuses of problems, and when each is answered.
pub const PROBLEMS: [(u16, &str, &str, When); 19] = [
    (400, "BadRequest", "Something of the request is wrong; `violations` says everything.", When::Always),
    (401, "Unauthorized", "Nobody known calls.", When::Always),
    (
        403,
        "Forbidden",
        "The caller may not, or the person is out of scope, or a page of another site asks.",
        When::Always,
    ),
    (404, "NotFound", "There is no such person, file, run, generation or policy.", When::Always),
    (406, "NotAcceptable", "The answer has no form that is wanted.", When::Always),
    (409, "Conflict", "Somebody else was first, or a revision that is waited for does not come.", When::Always),
    (410, "Gone", "What a token stands for is no longer kept: begin again.", When::Reading),
    (413, "ContentTooLarge", "The body, or the answer, is larger than the server allows.", When::Always),
    (
        414,
        "UriTooLong",
        "The query is longer than the server reads: send it as a body. The answer has no body.",
        When::ByQuery,
    ),
    (415, "UnsupportedMediaType", "The body is not what the call takes.", When::WithBody),
    (
        421,
        "MisdirectedRequest",
        "A server that asks nobody who they are was called by a name that is not its own.",
        When::Always,
    ),
    (
        422,
        "UnprocessableContent",
        "The request is sound, and not now: what it is about is in another state.",
        When::Always,
    ),
    (
        429,
        "TooManyRequests",
        "The caller asks too fast, or too much at once; `Retry-After` says when to ask again.",
        When::Always,
    ),
    (
        431,
        "RequestHeaderFieldsTooLarge",
        "The headers are larger than the server reads; the answer has no body.",
        When::Always,
    ),
    (500, "InternalServerError", "Something failed inside; the correlation id finds it in the log.", When::Always),
    (501, "NotImplemented", "The server does not know the call.", When::Always),
    (
        503,
        "ServiceUnavailable",
        "The server cannot answer just now; `Retry-After` says when to ask again.",
        When::Always,
    ),
    (504, "GatewayTimeout", "The time that the caller gave, or that a call may take, is over.", When::Always),
    (507, "InsufficientStorage", "The disk has less room than the server keeps free.", When::Writing),
];

/// Of which calls a status is an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// Of every one.
    Always,
    /// Of those that read.
    Reading,
    /// Of those that write.
    Writing,
    /// Of those that are made with a body.
    WithBody,
    /// Of those that are made with a query.
    ByQuery,
}

impl When {
    /// Whether it is an answer to a call that is made so.
    pub fn of(self, rule: &Rule, with_body: bool) -> bool {
        match self {
            Self::Always => true,
            Self::Reading => rule.does == Does::Reads,
            Self::Writing => rule.does == Does::Writes,
            Self::WithBody => with_body,
            Self::ByQuery => !with_body,
        }
    }
}

/// How one of them is answered.
pub fn refusal(status: u16, when: &str) -> Value {
    let mut response = json!({ "description": when });
    let members = response.as_object_mut().expect("a response must be an object");
    // What cannot be read is refused before there is anybody to answer in JSON.
    if !matches!(status, 414 | 431) {
        members
            .insert("content".to_owned(), json!({ PROBLEM: { "schema": { "$ref": "#/components/schemas/Problem" } } }));
    }
    let header = |meaning: &str, schema: &Value| json!({ "description": meaning, "schema": schema });
    match status {
        401 => {
            let how = header("How to say who calls.", &json!({ "type": "string" }));
            members.insert("headers".to_owned(), json!({ "WWW-Authenticate": how }));
        }
        429 | 503 | 507 => {
            let wait = header("Seconds after which to ask again.", &json!({ "type": "integer", "minimum": 1 }));
            members.insert("headers".to_owned(), json!({ "Retry-After": wait }));
        }
        _ => {}
    }
    response
}

/// What a refusal says (RFC 9457).
pub fn problem() -> Value {
    let text = |meaning: &str| json!({ "type": "string", "description": meaning });
    let violation = json!({
        "type": "object",
        "required": ["field", "reason", "description"],
        "properties": {
            "field": text("The field, by its name in the contract: `records[3].offence.cjs_code`. Empty: the whole."),
            "reason": text("Reason in UPPER_SNAKE."),
            "description": text("What is wrong, in a sentence."),
        },
    });
    json!({
        "type": "object",
        "description": "Why a request was refused (RFC 9457), with what the gRPC status of the same call says.",
        "required": ["type", "title", "status", "detail", "reason", "domain"],
        "properties": {
            "type": { "type": "string", "format": "uri", "pattern": "^urn:steelyard:problem:[a-z0-9-]+$",
                "description": "The reason as a name of its own." },
            "title": text("What the HTTP status is called."),
            "status": { "type": "integer", "minimum": 400, "maximum": 599, "description": "The HTTP status." },
            "detail": text("What is wrong, in a sentence or more."),
            "reason": { "type": "string", "pattern": "^[A-Z0-9_]+$",
                "description": "Reason in UPPER_SNAKE: an `ErrorReason` without its prefix, or one of the HTTP edge's own." },
            "domain": { "type": "string", "const": DOMAIN, "description": "Whose reasons these are." },
            "code": text("The code of the gRPC status. Left out where there was no call."),
            "metadata": { "type": "object", "additionalProperties": { "type": "string" },
                "description": "More of the reason, such as `correlation_id` and `oldest_revision`." },
            "violations": { "type": "array", "items": violation, "description": "Everything wrong with the request." },
        },
    })
}
