//! How messages become the bytes of a frame. A message is written into memory
//! of its exact size first: the buffer of the connection checks its room at
//! every byte, and a list is a thousand small fields.

use std::marker::PhantomData;

use bytes::BufMut;
use prost::Message;
use tonic::Status;
use tonic::codec::{Codec, EncodeBuf, Encoder};
use tonic_prost::ProstDecoder;

/// `application/grpc+proto`, as generated clients and servers use it.
#[derive(Clone, Copy, Debug)]
pub struct WholeMessages<T, U>(PhantomData<(T, U)>);

impl<T, U> Default for WholeMessages<T, U> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

impl<T, U> Codec for WholeMessages<T, U>
where
    T: Message + Send + 'static,
    U: Message + Default + Send + 'static,
{
    type Encode = T;
    type Decode = U;
    type Encoder = WholeMessage<T>;
    type Decoder = ProstDecoder<U>;

    fn encoder(&mut self) -> Self::Encoder {
        WholeMessage(PhantomData)
    }

    fn decoder(&mut self) -> Self::Decoder {
        ProstDecoder::default()
    }
}

/// Writes a message whole.
#[derive(Clone, Copy, Debug)]
pub struct WholeMessage<T>(PhantomData<T>);

impl<T: Message> Encoder for WholeMessage<T> {
    type Item = T;
    type Error = Status;

    fn encode(&mut self, item: T, frame: &mut EncodeBuf<'_>) -> Result<(), Status> {
        frame.put_slice(&item.encode_to_vec());
        Ok(())
    }
}
