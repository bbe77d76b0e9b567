//! What can be asked over HTTP, as an OpenAPI document: made once from the contract's
//! own descriptors and from the table of what calls need, so that it says what the
//! edge does and cannot fall behind. It tells of calls alone and names nobody.

mod limits;
mod refusals;
mod schema;

use std::sync::LazyLock;

use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use serde_json::{Map, Value, json};

use super::accept::Form;
use super::export::DICTIONARY;
use super::problem::Refused;
use super::shape::{Call, Kind, Many, Shape, contract};
use crate::access::table::{Does, RULES, Rule};
use crate::api::gate::{CORRELATION, ON_BEHALF_OF, PURPOSE, TIMEOUT};
use refusals::{PROBLEMS, problem, refusal};
use schema::{Schemas, Way};

/// What is said before anything else.
const INTRODUCTION: &str = include_str!("introduction.md");

/// The document, and the digest that tells one build's from another's.
struct Document {
    text: Bytes,
    etag: HeaderValue,
}

fn document() -> &'static Document {
    static DOCUMENT: LazyLock<Document> = LazyLock::new(|| {
        let text = Bytes::from(told().to_string());
        let digest = blake3::hash(&text).to_hex();
        let etag = format!("W/\"{}\"", &digest[..32]).parse().expect("a digest must be a value");
        Document { text, etag }
    });
    &DOCUMENT
}

/// Serves the document, to anybody: it names no person.
pub async fn serve(method: Method, headers: HeaderMap) -> Response {
    if method != Method::GET && method != Method::HEAD {
        let refused = Refused::new(StatusCode::METHOD_NOT_ALLOWED, "METHOD_NOT_ALLOWED", "this can only be read");
        return refused.with(header::ALLOW, "GET, HEAD").into_response();
    }
    let Document { text, etag } = document();
    let held = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    let held = held.flat_map(|value| value.split(',')).map(str::trim).any(|held| held == "*" || *etag == held);
    let kept = [(header::ETAG, etag.clone()), (header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=300"))];
    if held {
        return (StatusCode::NOT_MODIFIED, kept).into_response();
    }
    let media = [(header::CONTENT_TYPE, HeaderValue::from_static(Form::Json.media()))];
    (kept, media, text.clone()).into_response()
}

/// The document.
pub fn told() -> Value {
    let schemas = Schemas::of_contract();
    let mut paths = Map::new();
    for rule in RULES {
        let call = contract().calls.get(rule.path).expect("a call of the table must be in the contract");
        paths.insert(rule.path.replacen("/steelyard.v1.", "/v1/", 1), path(&schemas, rule, call));
    }
    paths.insert(DICTIONARY.to_owned(), dictionary());
    let tags: Vec<_> = contract()
        .services
        .iter()
        .map(|(name, meaning)| json!({ "name": short(name), "description": meaning }))
        .collect();
    let mut all = schemas.all();
    all.insert("Problem".to_owned(), problem());
    let mut responses: Map<_, _> =
        PROBLEMS.iter().map(|(status, name, when, _)| ((*name).to_owned(), refusal(*status, when))).collect();
    responses.insert("NotModified".to_owned(), json!({ "description": "What the caller holds is the answer still." }));
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Steelyard",
            "version": env!("CARGO_PKG_VERSION"),
            "summary": env!("CARGO_PKG_DESCRIPTION"),
            "description": INTRODUCTION,
            "license": { "name": "MIT", "identifier": "MIT" },
        },
        "jsonSchemaDialect": "https://json-schema.org/draft/2020-12/schema",
        "servers": [{ "url": "/" }],
        "security": [{ "token": [] }, { "certificate": [] }],
        "tags": tags,
        "paths": paths,
        "components": {
            "schemas": all,
            "responses": responses,
            "parameters": headers(),
            "securitySchemes": {
                "token": {
                    "type": "http", "scheme": "bearer", "bearerFormat": "JWT",
                    "description": "A signed token of the issuer that the server is told to believe.",
                },
                "certificate": {
                    "type": "mutualTLS",
                    "description": "A client certificate that the server is told to believe speaks for somebody.",
                },
            },
        },
    })
}

fn short(name: &str) -> &str {
    name.trim_start_matches("steelyard.v1.")
}

/// One path: with the message as a body and, where it reads, as a query.
fn path(schemas: &Schemas, rule: &Rule, call: &Call) -> Value {
    let name = rule.name();
    let (service, method) = name.split_once('.').expect("a call must have a service");
    let mut parameters = vec![parameter(CORRELATION), parameter(ON_BEHALF_OF), parameter(PURPOSE), parameter(TIMEOUT)];
    if let offered @ [_, _, ..] = Form::offered(call) {
        let words: Vec<_> =
            Form::ALL.iter().filter(|(_, form)| offered.contains(form)).map(|(word, _)| *word).collect();
        parameters.push(json!({
            "name": "format", "in": "query", "schema": { "type": "string", "enum": words },
            "description": "The form of the answer, for a link that cannot set the header Accept, which it goes before.",
        }));
    }
    let takes = if call.many_in { Form::Ndjson } else { Form::Json };
    let common = |id: String, with_body: bool| {
        let mut operation = Map::new();
        operation.insert("tags".to_owned(), json!([service]));
        operation.insert("operationId".to_owned(), id.into());
        operation.insert("summary".to_owned(), first_sentence(&call.meaning).into());
        operation.insert("description".to_owned(), described(rule, call).into());
        operation.insert("x-permission".to_owned(), rule.permission.name().into());
        operation.insert("responses".to_owned(), responses(schemas, rule, call, with_body));
        operation
    };
    let mut posted = common(method.to_owned(), true);
    let body = json!({
        "required": true,
        "content": { takes.media(): { "schema": schemas.message(&call.takes, Way::In) } },
    });
    posted.insert("requestBody".to_owned(), body);
    let mut path = Map::new();
    path.insert("parameters".to_owned(), parameters.into());
    path.insert("post".to_owned(), posted.into());
    if rule.does == Does::Reads && !call.many_in {
        let shape = contract().message(&call.takes);
        let mut asked = Vec::new();
        query(schemas, shape, "", &mut asked);
        if call.many_out && shape.field("resume_token").is_some() {
            asked.push(parameter(LAST_EVENT));
        }
        if !call.many_out {
            asked.push(parameter(HELD));
        }
        let mut got = common(format!("{method}ByQuery"), false);
        got.insert("parameters".to_owned(), asked.into());
        path.insert("get".to_owned(), got.into());
    }
    path.into()
}

/// The fields of a message as parameters, those of messages in it with dots.
fn query(schemas: &Schemas, shape: &Shape, within: &str, asked: &mut Vec<Value>) {
    for field in &shape.fields {
        let name = format!("{within}{}", field.json);
        if let (Kind::Message(inner), Many::One) = (&field.kind, field.many) {
            query(schemas, contract().message(inner), &format!("{name}."), asked);
        } else if let Some(schema) = schemas.of_parameter(field) {
            let mut parameter = json!({ "name": name, "in": "query", "description": field.meaning, "schema": schema });
            let members = parameter.as_object_mut().expect("a parameter must be an object");
            if within.is_empty() && limits::Limits::of(field).required {
                members.insert("required".to_owned(), true.into());
            }
            if field.many == Many::List {
                members.insert("style".to_owned(), "form".into());
                members.insert("explode".to_owned(), true.into());
            }
            asked.push(parameter);
        }
    }
}

fn described(rule: &Rule, call: &Call) -> String {
    let roles: Vec<_> = rule.roles().map(crate::access::Role::name).collect();
    let does = match rule.does {
        Does::Reads => "It reads.",
        Does::Writes => "It writes.",
    };
    format!(
        "{}\n\n{does} Needs the permission `{}`, which these roles have: {}.",
        call.meaning,
        rule.permission.name(),
        roles.join(", "),
    )
}

/// The first sentence of a comment, which may have numbers with points in it.
fn first_sentence(text: &str) -> &str {
    text.split_once(". ").map_or(text, |(first, _)| first).trim_end_matches('.')
}

fn responses(schemas: &Schemas, rule: &Rule, call: &Call, with_body: bool) -> Value {
    let gives = schemas.message(&call.gives, Way::Out);
    let problem = json!({ "$ref": "#/components/schemas/Problem" });
    let forms = Form::offered(call).iter().map(|form| {
        let schema = match form {
            Form::Json => gives.clone(),
            Form::Ndjson => {
                let last = json!({ "type": "object", "required": ["problem"], "properties": { "problem": problem } });
                json!({ "anyOf": [last, gives] })
            }
            Form::Events => json!({ "type": "object", "required": ["data"], "properties": {
                "id": { "type": "string", "description": "The token to go on from." },
                "event": { "type": "string", "description": "`problem` where the stream ends in a fault." },
                "data": { "type": "string", "contentMediaType": Form::Json.media(), "contentSchema": {
                    "anyOf": [problem, gives],
                } },
            } }),
            Form::Csv => json!({ "type": "string", "description": "Rows under names of columns, as /data-dictionary.json describes them." }),
            Form::Parquet => json!({ "description": "The same rows and columns, as an Apache Parquet file." }),
        };
        (form.media().to_owned(), json!({ "schema": schema }))
    });
    let content: Map<String, Value> = forms.collect();
    let meaning = if call.many_out {
        "A JSON object in each line, or in each event. Where the stream ends in a fault, the last says `problem`."
    } else {
        "The answer."
    };
    let header = |meaning: &str| json!({ "description": meaning, "schema": { "type": "string" } });
    let mut told = json!({ CORRELATION: header("Id of the call in log and audit.") });
    let mut all = Map::new();
    if !with_body && !call.many_out {
        told["ETag"] = header("What the answer is known by, where it can be held and asked for again.");
        all.insert("304".to_owned(), json!({ "$ref": "#/components/responses/NotModified" }));
    }
    all.insert("200".to_owned(), json!({ "description": meaning, "headers": told, "content": content }));
    for (status, name, _, when) in PROBLEMS {
        if when.of(rule, with_body) {
            all.insert(status.to_string(), json!({ "$ref": format!("#/components/responses/{name}") }));
        }
    }
    all.into()
}

/// What describes the columns of exports.
fn dictionary() -> Value {
    json!({ "get": {
        "operationId": "DescribeColumns",
        "summary": "The columns of exports as CSV and Parquet",
        "security": [],
        "responses": { "200": { "description": "What each column is.", "content": {
            Form::Json.media(): { "schema": { "type": "object" } },
        } } },
    } })
}

const LAST_EVENT: &str = "last-event-id";
const HELD: &str = "if-none-match";

fn parameter(name: &str) -> Value {
    json!({ "$ref": format!("#/components/parameters/{name}") })
}

/// Headers and parameters that go with many calls.
fn headers() -> Value {
    let header = |name: &str, meaning: &str, schema: Value| json!({ "name": name, "in": "header", "description": meaning, "schema": schema });
    let stated = || json!({ "type": "string", "maxLength": 64, "pattern": "^([!-~]([ -~]*[!-~])?)?$" });
    json!({
        CORRELATION: header(
            CORRELATION,
            "Joins the call with what is logged and audited of it: up to 64 visible ASCII characters. Whatever else it \
             is, the server makes one of its own.",
            json!({ "type": "string" }),
        ),
        ON_BEHALF_OF: header(ON_BEHALF_OF, "On whose behalf a system calls, for the audit.", stated()),
        PURPOSE: header(PURPOSE, "For what purpose, for the audit.", stated()),
        TIMEOUT: header(
            TIMEOUT,
            "The time that the call may take, and a stream may go on for: up to eight digits and a unit, H, M, S, m, u \
             or n from hours to nanoseconds, and at least 100 milliseconds. Example: 10S.",
            json!({ "type": "string", "pattern": "^([1-9][0-9]{0,7}[HMS]|[1-9][0-9]{2,7}m)$" }),
        ),
        LAST_EVENT: header(
            LAST_EVENT,
            "As a browser sends it when it connects again: the id of the last event, which is the token to go on from.",
            json!({ "type": "string" }),
        ),
        HELD: header(
            HELD,
            "Marks of answers that the caller holds, as `ETag` told them: where one of them is the answer still, it is \
             not sent again.",
            json!({ "type": "string" }),
        ),
    })
}

#[cfg(test)]
mod tests;
