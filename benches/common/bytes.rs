//! Messages that are bytes already: a codec that neither encodes nor decodes,
//! and files of many of them.

use std::io::{BufReader, BufWriter, Read, Write};
use std::path::Path;

use bytes::{Buf, BufMut, Bytes};
use tonic::Status;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};

/// Takes bytes for messages.
#[derive(Clone, Copy, Debug, Default)]
pub struct AsBytes;

impl Codec for AsBytes {
    type Encode = Bytes;
    type Decode = Bytes;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        *self
    }

    fn decoder(&mut self) -> Self {
        *self
    }
}

impl Encoder for AsBytes {
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, item: Bytes, target: &mut EncodeBuf<'_>) -> Result<(), Status> {
        target.put(item);
        Ok(())
    }
}

impl Decoder for AsBytes {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, source: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        Ok(Some(source.copy_to_bytes(source.remaining())))
    }
}

/// Writes messages to a file, each after its length.
pub fn keep(path: &Path, messages: &[Bytes]) -> anyhow::Result<()> {
    let mut file = BufWriter::new(std::fs::File::create(path)?);
    for message in messages {
        file.write_all(&u32::try_from(message.len())?.to_be_bytes())?;
        file.write_all(message)?;
    }
    file.flush()?;
    Ok(())
}

/// Reads what [`keep`] wrote.
pub fn kept(path: &Path) -> anyhow::Result<Vec<Bytes>> {
    let mut bytes = Vec::new();
    BufReader::new(std::fs::File::open(path)?).read_to_end(&mut bytes)?;
    let mut rest = Bytes::from(bytes);
    let mut messages = Vec::new();
    while rest.remaining() >= 4 {
        let length = usize::try_from(rest.get_u32())?;
        messages.push(rest.split_to(length));
    }
    Ok(messages)
}
