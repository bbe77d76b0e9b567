//! Calls by path and bytes, as a client without our code would make them: any
//! call of the contract, and every byte of its answer.

use std::time::Duration;

use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::metadata::MetadataValue;
use tonic::transport::Channel;
use tonic::{Request, Status};

use prost::Message;
use prost::bytes::{Buf, BufMut};
use serde::Serialize;
use serde_json::Value;

/// Messages of a stream that are looked at.
const MESSAGES: usize = 8;
/// How long the next message of a stream is waited for before it counts as silent.
const SILENCE: Duration = Duration::from_millis(400);

/// Messages as they are.
#[derive(Clone, Copy, Default)]
struct Bytes;

impl Codec for Bytes {
    type Encode = Vec<u8>;
    type Decode = Vec<u8>;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for Bytes {
    type Item = Vec<u8>;
    type Error = Status;

    fn encode(&mut self, item: Vec<u8>, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        buffer.put_slice(&item);
        Ok(())
    }
}

impl Decoder for Bytes {
    type Item = Vec<u8>;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<Vec<u8>>, Status> {
        let bytes = buffer.remaining();
        Ok(Some(buffer.copy_to_bytes(bytes).to_vec()))
    }
}

/// A request in both of its forms.
#[derive(Clone, Debug)]
pub struct Asked {
    /// As gRPC sends it.
    pub bytes: Vec<u8>,
    /// As HTTP does.
    pub json: Value,
}

/// What can be asked in both forms.
pub trait Ask {
    /// Both forms of it.
    fn ask(&self) -> Asked;
}

impl<T: Message + Serialize> Ask for T {
    fn ask(&self) -> Asked {
        Asked { bytes: self.encode_to_vec(), json: serde_json::to_value(self).expect("a request must be sayable") }
    }
}

/// How a call is made.
#[derive(Clone, Debug, Default)]
pub struct Means {
    /// The token. `None`: none.
    pub token: Option<String>,
    /// Joins it with the audit.
    pub correlation_id: String,
}

/// Makes a call: the first messages of its answer, or its status.
pub async fn call(channel: &Channel, path: &str, message: Vec<u8>, means: &Means) -> Result<Vec<Vec<u8>>, Status> {
    let mut client = tonic::client::Grpc::new(channel.clone());
    client.ready().await.map_err(|error| Status::unavailable(error.to_string()))?;
    let mut request = Request::new(tokio_stream::once(message));
    let metadata = request.metadata_mut();
    if let Some(token) = &means.token {
        let value = format!("Bearer {token}").parse::<MetadataValue<_>>().expect("a token is ASCII");
        metadata.insert("authorization", value);
    }
    if !means.correlation_id.is_empty() {
        metadata.insert("x-correlation-id", means.correlation_id.parse().expect("an id is ASCII"));
    }
    let path = path.parse().expect("a path");
    let mut answer = client.streaming(request, path, Bytes).await?.into_inner();
    let mut messages = Vec::new();
    while messages.len() < MESSAGES {
        match tokio::time::timeout(SILENCE, answer.message()).await {
            Ok(Ok(Some(message))) => messages.push(message),
            Ok(Ok(None)) | Err(_) => break,
            Ok(Err(status)) => return Err(status),
        }
    }
    Ok(messages)
}
