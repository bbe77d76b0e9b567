//! How messages become the bytes of a frame, and bytes become messages: in the
//! contract's binary form or, for a call that came in over HTTP, as the JSON of the
//! same messages, or as rows. A handler knows of none of them, so that all are the same
//! call.

use std::any::Any;
use std::marker::PhantomData;
use std::sync::Arc;

use bytes::{Buf, BufMut};
use prost::Message;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tonic::Status;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic_prost::ProstDecoder;

use super::error;
use super::http::accept::Form;
use super::http::export;
use super::http::shape::Shape;
use crate::service::fault::Fault;

tokio::task_local! {
    static JSON: Json;
}

/// That a call came in over HTTP: it is asked in JSON.
#[derive(Clone, Debug)]
pub struct Json {
    /// What the messages taken in look like.
    pub takes: &'static Shape,
    /// Joins the call with what is logged of it.
    pub correlation_id: Arc<str>,
    /// How it is answered.
    pub form: Form,
}

impl Json {
    /// Makes a call whose messages are in JSON.
    pub async fn spoken_in<F: Future>(self, call: F) -> F::Output {
        JSON.scope(self, call).await
    }

    /// Reads a message, or tells everything that is wrong with it.
    fn read<T: DeserializeOwned>(&self, text: &[u8]) -> Result<T, Fault> {
        let value: Value = serde_json::from_slice(text).map_err(|error| {
            let place = format!("the body is not JSON: line {}, column {}", error.line(), error.column());
            Fault::field("", "INVALID_JSON", place)
        })?;
        let more = if self.form.has_rows() { export::faults(&value) } else { Vec::new() };
        self.takes.read(value, more)
    }
}

/// `application/grpc+proto`, as generated clients and servers use it; or JSON, see [`Json`].
#[derive(Clone, Copy, Debug)]
pub struct WholeMessages<T, U>(PhantomData<(T, U)>);

impl<T, U> Default for WholeMessages<T, U> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

impl<T, U> Codec for WholeMessages<T, U>
where
    T: Message + Serialize + Send + 'static,
    U: Message + DeserializeOwned + Default + Send + 'static,
{
    type Encode = T;
    type Decode = U;
    type Encoder = WholeMessage<T>;
    type Decoder = Reader<U>;

    // Asked for where the call is made, though a stream is written and read elsewhere.
    fn encoder(&mut self) -> Self::Encoder {
        let written = JSON.try_with(|json| Written::of(json.form)).unwrap_or(Written::Proto);
        WholeMessage { written, of: PhantomData }
    }

    fn decoder(&mut self) -> Self::Decoder {
        match JSON.try_with(Json::clone) {
            Ok(json) => Reader::Json(json),
            Err(_) => Reader::Proto(ProstDecoder::default()),
        }
    }
}

/// How answers are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Written {
    /// In the binary form: for gRPC, and where columns are gathered from many messages.
    Proto,
    Json,
    /// As the rows of a table in text.
    Csv,
}

impl Written {
    const fn of(form: Form) -> Self {
        match form {
            Form::Json | Form::Ndjson | Form::Events => Self::Json,
            Form::Csv => Self::Csv,
            Form::Parquet => Self::Proto,
        }
    }
}

/// Writes a message whole. It is written into memory first: the buffer of the connection checks its room at every
/// byte, and a list is a thousand small fields.
#[derive(Clone, Copy, Debug)]
pub struct WholeMessage<T> {
    written: Written,
    of: PhantomData<T>,
}

impl<T: Message + Serialize + 'static> Encoder for WholeMessage<T> {
    type Item = T;
    type Error = Status;

    fn encode(&mut self, item: T, frame: &mut EncodeBuf<'_>) -> Result<(), Status> {
        let text = match self.written {
            Written::Proto => item.encode_to_vec(),
            Written::Json => {
                // Names of fields, mostly: several times what the binary form takes.
                let mut text = Vec::with_capacity(item.encoded_len() * 5);
                serde_json::to_writer(&mut text, &item).map_err(|_| Status::internal("an answer cannot be written"))?;
                text
            }
            Written::Csv => {
                let mut item = Some(item);
                let part = (&mut item as &mut dyn Any).downcast_mut().and_then(Option::take);
                part.and_then(export::csv::message).ok_or_else(|| Status::internal("an answer has no rows"))?
            }
        };
        frame.put_slice(&text);
        Ok(())
    }
}

/// Reads a message.
#[derive(Debug)]
pub enum Reader<U> {
    /// In its binary form.
    Proto(ProstDecoder<U>),
    /// In JSON.
    Json(Json),
}

impl<U: Message + DeserializeOwned + Default> Decoder for Reader<U> {
    type Item = U;
    type Error = Status;

    fn decode(&mut self, frame: &mut DecodeBuf<'_>) -> Result<Option<U>, Status> {
        match self {
            Self::Proto(binary) => binary.decode(frame),
            Self::Json(json) => {
                let text = frame.copy_to_bytes(frame.remaining());
                json.read(&text).map(Some).map_err(|fault| error::status(&fault, &json.correlation_id))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::http::shape::contract;
    use crate::pb;

    fn read(text: &str) -> Result<pb::ListStandingsRequest, Fault> {
        let takes = contract().message("steelyard.v1.ListStandingsRequest");
        Json { takes, correlation_id: "c".into(), form: Form::Json }.read(text.as_bytes())
    }

    #[test]
    fn a_text_is_the_message_that_it_says() {
        let asked = read(r#"{"list":"LIST_WANTED","pageSize":3,"minRevision":"7","filter":{"areas":["N"]}}"#).unwrap();
        assert_eq!((asked.list(), asked.page_size, asked.min_revision), (pb::List::Wanted, 3, 7));
        assert_eq!(asked.filter.unwrap().areas, ["N"]);
    }

    #[test]
    fn what_is_null_is_not_given_and_a_number_is_whole_however_it_is_written() {
        let asked =
            read(r#"{"list":"LIST_WANTED","pageSize":3.0,"pageToken":null,"store":null,"filter":null}"#).unwrap();
        let expected = pb::ListStandingsRequest { list: pb::List::Wanted.into(), page_size: 3, ..Default::default() };
        assert_eq!(asked, expected);
    }

    #[test]
    fn an_instant_is_taken_in_however_rfc_3339_lets_it_be_written() {
        let takes = contract().message("steelyard.v1.Record");
        let json = Json { takes, correlation_id: "c".into(), form: Form::Json };
        let read = |instant: &str| {
            let text = serde_json::json!({ "id": "r", "recordedTime": instant }).to_string();
            json.read::<pb::Record>(text.as_bytes()).map(|record| record.recorded_time.unwrap())
        };
        for (instant, seconds, nanos) in [
            ("2026-01-31T09:30:00Z", 1_769_851_800, 0),
            ("2026-01-31t10:30:00.5+01:00", 1_769_851_800, 500_000_000),
            ("2016-12-31T23:59:60Z", 1_483_228_799, 0),
        ] {
            let held = read(instant).unwrap();
            assert_eq!((held.seconds, held.nanos), (seconds, nanos), "{instant}");
        }
        for instant in [
            "2026-01-31",
            "20260131T093000Z",
            "2026-01-31T09:30:00",
            "2026-01-31T09:30:00Z[UTC]",
            "0000-01-01T00:00:00Z",
        ] {
            assert!(matches!(read(instant), Err(Fault::Invalid(_))), "{instant}");
        }
    }

    #[test]
    fn a_text_that_is_no_json_is_told_by_its_place_and_not_quoted() {
        let Err(Fault::Invalid(faults)) = read("{\"list\": secret}") else { panic!("must be refused") };
        assert_eq!(faults.len(), 1);
        assert_eq!(faults[0].description, "the body is not JSON: line 1, column 10");
    }

    #[test]
    fn a_call_without_json_is_in_the_binary_form() {
        let mut codec = WholeMessages::<pb::ListStandingsResponse, pb::ListStandingsRequest>::default();
        assert!(matches!(codec.decoder(), Reader::Proto(_)));
        assert_eq!(codec.encoder().written, Written::Proto);
    }

    #[tokio::test]
    async fn a_call_that_is_answered_in_rows_is_asked_in_json() {
        let takes = contract().message("steelyard.v1.ExportStandingsRequest");
        for (form, written) in
            [(Form::Ndjson, Written::Json), (Form::Csv, Written::Csv), (Form::Parquet, Written::Proto)]
        {
            let json = Json { takes, correlation_id: "c".into(), form };
            let full = json.read::<pb::ExportStandingsRequest>(br#"{"list":"LIST_ALL","view":"VIEW_FULL"}"#);
            assert_eq!(full.is_err(), form.has_rows());
            let mut codec = WholeMessages::<pb::ExportStandingsResponse, pb::ExportStandingsRequest>::default();
            let asked = async { (matches!(codec.decoder(), Reader::Json(_)), codec.encoder().written) };
            assert_eq!(json.spoken_in(asked).await, (true, written));
        }
    }
}
