//! Whole lists as tables, for spreadsheets and for tools of analysis: CSV and Parquet.
//! A part of an export is turned into rows as it comes, so that the longest list takes
//! no more memory than a short one. What the rows say was decided and audited behind
//! the gate; here it is only written.

pub mod columns;
pub mod csv;
pub mod dictionary;
pub mod parquet;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::{HeaderName, HeaderValue, header};
use serde_json::Value;
use tokio_stream::StreamExt;
use tonic::Status;

use super::accept::Form;
use super::frames::Messages;
use crate::api::error;
use crate::pb;
use crate::service::fault::Fault;
use columns::Part;

/// Where the columns are described.
pub const DICTIONARY: &str = "/data-dictionary.json";

/// What an export as rows cannot be asked for, though the message allows it.
pub fn faults(asked: &Value) -> Vec<pb::Violation> {
    let full = asked.get("view").is_some_and(|view| view == "VIEW_FULL");
    let told = full.then(|| pb::Violation {
        field: "view".to_owned(),
        reason: "CONTRADICTION".to_owned(),
        description: "view is FULL, whose detail has no columns: ask for it as application/x-ndjson".to_owned(),
    });
    told.into_iter().collect()
}

/// The answer with the parts of an export as rows.
///
/// # Errors
/// Why there is no export. What goes wrong once it has begun breaks the body off, so that nobody takes half a list for
/// a whole one.
pub async fn answer(form: Form, mut messages: Messages, correlation_id: &str) -> Result<Response, Status> {
    let broken = || error::status(&Fault::Internal, correlation_id);
    let first = messages.next().await.ok_or_else(broken)??;
    let (media, ending, name, body) = match form {
        Form::Parquet => {
            let first = Part::read(first, correlation_id)?;
            (form.media(), "parquet", first.file_name(), parquet::body(first, messages, correlation_id))
        }
        Form::Json | Form::Ndjson | Form::Events | Form::Csv => {
            let (name, rows) = csv::taken(first).ok_or_else(broken)?;
            (csv::MEDIA, "csv", name, Body::from_stream(csv::stream(rows, messages, correlation_id)))
        }
    };
    let disposition = HeaderValue::try_from(format!("attachment; filename=\"{name}.{ending}\""));
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(media)),
        (header::CONTENT_DISPOSITION, disposition.expect("the name of a list and a day must be a value")),
        (header::LINK, HeaderValue::try_from(described_by()).expect("a path must be a value")),
    ];
    let mut response = body.into_response();
    for (name, value) in headers {
        let _: Option<HeaderValue> = response.headers_mut().insert::<HeaderName>(name, value);
    }
    Ok(response)
}

fn described_by() -> String {
    format!("<{DICTIONARY}>; rel=\"describedby\"; type=\"application/json\"")
}

/// The columns, for programs.
pub async fn described() -> Response {
    ([(header::CACHE_CONTROL, "no-cache")], axum::Json(dictionary::schema())).into_response()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use axum::routing::get;
    use http_body_util::{BodyExt, StreamBody};
    use prost::Message;
    use serde_json::json;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::sync::Notify;
    use tonic::Code;
    use tonic::service::Routes;
    use tonic::transport::server::TcpIncoming;

    use super::super::frames::framed;
    use super::*;

    /// A part in its frame, as the codec writes it.
    fn written(part: pb::ExportStandingsResponse, form: Form) -> http_body::Frame<bytes::Bytes> {
        let message = if form == Form::Csv { csv::message(part).unwrap() } else { part.encode_to_vec() };
        http_body::Frame::data(framed(&message))
    }

    /// Messages of a call that sends these parts and then ends, well or with a fault.
    fn messages(form: Form, parts: &[pb::ExportStandingsResponse], end: Option<Status>) -> Messages {
        let frames = parts.iter().map(|part| Ok(written(part.clone(), form)));
        let frames: Vec<Result<_, Status>> = frames.chain(end.map(Err)).collect();
        Messages::of(tonic::body::Body::new(StreamBody::new(tokio_stream::iter(frames))))
    }

    fn part(people: std::ops::Range<u32>) -> pb::ExportStandingsResponse {
        let standings = people.map(|number| columns::tests::standing(&format!("S-{number}"), number + 1));
        pb::ExportStandingsResponse {
            context: Some(columns::tests::context()),
            list: pb::List::BailFailed.into(),
            standings: standings.collect(),
            ..Default::default()
        }
    }

    #[tokio::test]
    async fn an_export_is_a_file_named_by_its_list_and_day() {
        for (form, media, name) in [
            (Form::Csv, csv::MEDIA, "attachment; filename=\"steelyard-bail-failed-2026-03-31.csv\""),
            (Form::Parquet, Form::Parquet.media(), "attachment; filename=\"steelyard-bail-failed-2026-03-31.parquet\""),
        ] {
            let response = answer(form, messages(form, &[part(0..2)], None), "c").await.unwrap();
            assert_eq!(response.headers()[header::CONTENT_TYPE], media);
            assert_eq!(response.headers()[header::CONTENT_DISPOSITION], name);
            assert!(response.into_body().collect().await.is_ok());
        }
    }

    #[tokio::test]
    async fn a_fault_before_the_first_row_is_told_and_one_after_it_breaks_the_body_off() {
        for form in [Form::Csv, Form::Parquet] {
            let told = answer(form, messages(form, &[], Some(Status::aborted("so"))), "c").await;
            assert_eq!(told.unwrap_err().code(), Code::Aborted);
            assert_eq!(answer(form, messages(form, &[], None), "c").await.unwrap_err().code(), Code::Internal);
            let begun = answer(form, messages(form, &[part(0..2)], Some(Status::aborted("so"))), "c").await.unwrap();
            assert!(begun.into_body().collect().await.is_err(), "{form:?}");
        }
    }

    /// A server of a list that breaks off once its client has had the rows, or ends well.
    async fn over_a_socket(end: Option<Status>) -> String {
        let had = Arc::new(Notify::new());
        let waited = Arc::clone(&had);
        let serve = || async move {
            let rows = Ok(written(part(0..2), Form::Csv));
            let end = tokio_stream::once(end).then(move |end| {
                let waited = Arc::clone(&waited);
                async move {
                    waited.notified().await;
                    end.map_or_else(|| Ok(written(part(2..3), Form::Csv)), Err)
                }
            });
            let messages = StreamBody::new(tokio_stream::once(rows).chain(end));
            answer(Form::Csv, Messages::of(tonic::body::Body::new(messages)), "c").await.unwrap()
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut socket = tokio::net::TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let routes = Routes::from(axum::Router::new().route("/", get(serve)));
        let server = tonic::transport::Server::builder().accept_http1(true);
        tokio::spawn(server.serve_with_incoming(routes, TcpIncoming::from(listener)));
        socket.write_all(b"GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").await.unwrap();
        let mut told = Vec::new();
        while !String::from_utf8_lossy(&told).contains("S-1") {
            assert_ne!(socket.read_buf(&mut told).await.unwrap(), 0);
        }
        had.notify_one();
        // A connection that is broken off may end in an error, too.
        let _ = socket.read_to_end(&mut told).await;
        String::from_utf8(told).unwrap()
    }

    #[tokio::test]
    async fn a_list_that_broke_off_does_not_look_whole_over_a_socket() {
        const LAST_CHUNK: &str = "\r\n0\r\n\r\n";
        assert!(over_a_socket(None).await.ends_with(LAST_CHUNK));
        assert!(!over_a_socket(Some(Status::aborted("so"))).await.ends_with(LAST_CHUNK));
    }

    #[test]
    fn the_full_view_is_refused_where_it_has_no_columns() {
        assert_eq!(faults(&json!({ "view": "VIEW_FULL" }))[0].field, "view");
        assert_eq!(faults(&json!({ "view": "VIEW_BASIC" })), []);
        assert_eq!(faults(&json!({})), []);
    }
}
