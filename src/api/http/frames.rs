//! Messages of a call as frames: five bytes that say how long a message is, and the
//! message. A call over HTTP is made of lines or of one text, so frames are put on
//! where it goes in and taken off where it comes out.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, BufMut, Bytes, BytesMut};
use http_body::{Body as _, Frame};
use tokio::time::{Instant, Sleep, sleep_until};
use tokio_stream::Stream;
use tonic::body::Body;
use tonic::{Code, Status};

use crate::api::error;
use crate::service::fault::Fault;

/// Bytes before a message.
const HEAD: usize = 5;

/// One message in its frame.
pub fn framed(message: &[u8]) -> Bytes {
    let length = u32::try_from(message.len()).expect("a message must be below the limit of messages");
    let mut frame = BytesMut::with_capacity(HEAD + message.len());
    frame.put_u8(0);
    frame.put_u32(length);
    frame.put_slice(message);
    frame.freeze()
}

/// Length of the message whose frame begins here, once that is known.
fn length(frame: &[u8]) -> Option<usize> {
    let length = frame.get(1..HEAD)?;
    Some(u32::from_be_bytes(length.try_into().expect("four bytes must be four")) as usize)
}

/// Whether these bytes are a frame, no less and no more.
fn whole(frame: &[u8]) -> bool {
    length(frame).is_some_and(|length| frame.len() == HEAD + length)
}

/// The messages of an answer, as its frames hold them, and last of all why there are no more where that is a fault.
pub struct Messages {
    body: Body,
    held: BytesMut,
    ended: bool,
    /// When they end whatever there is, and how their call is known.
    ends: Option<(Pin<Box<Sleep>>, Box<str>)>,
}

impl Messages {
    /// The messages of a body.
    pub fn of(body: Body) -> Self {
        Self { body, held: BytesMut::new(), ended: false, ends: None }
    }

    /// No longer than until an instant, at which the time that the caller gave is over.
    #[must_use]
    pub fn until(self, ends: Option<Instant>, correlation_id: &str) -> Self {
        Self { ends: ends.map(|ends| (Box::pin(sleep_until(ends)), correlation_id.into())), ..self }
    }

    fn next_held(&mut self) -> Option<Bytes> {
        let length = length(&self.held).filter(|length| self.held.len() >= HEAD + length)?;
        self.held.advance(HEAD);
        Some(self.held.split_to(length).freeze())
    }
}

impl Stream for Messages {
    type Item = Result<Bytes, Status>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        if let Some((over, correlation_id)) = &mut this.ends
            && over.as_mut().poll(context).is_ready()
        {
            let status = error::status(&Fault::DeadlineExceeded, correlation_id);
            // Whoever makes the messages learns that nobody wants any more.
            *this = Self { ended: true, ..Self::of(Body::empty()) };
            return Poll::Ready(Some(Err(status)));
        }
        loop {
            if let Some(message) = self.next_held() {
                return Poll::Ready(Some(Ok(message)));
            }
            if self.ended {
                return Poll::Ready(None);
            }
            match ready!(Pin::new(&mut self.body).poll_frame(context)) {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => {
                        // Mostly a message comes whole and alone, and need not be put together.
                        if self.held.is_empty() && whole(&data) {
                            return Poll::Ready(Some(Ok(data.slice(HEAD..))));
                        }
                        self.held.extend_from_slice(&data);
                    }
                    Err(frame) => {
                        self.ended = true;
                        let trailers = frame.trailers_ref().and_then(Status::from_header_map);
                        if let Some(status) = trailers.filter(|status| status.code() != Code::Ok) {
                            return Poll::Ready(Some(Err(status)));
                        }
                    }
                },
                Some(Err(status)) => {
                    self.ended = true;
                    return Poll::Ready(Some(Err(status)));
                }
                None => self.ended = true,
            }
        }
    }
}

/// A body of lines, each of them a message, or one that is a message as a whole, as a body of frames. Empty lines are
/// passed over; a whole that is empty is the message that says nothing. It is read when it is asked for: whoever is
/// refused before that has made nobody hold anything.
pub struct Lines<B> {
    body: B,
    held: BytesMut,
    /// Bytes of `held` that hold no end of a line.
    searched: usize,
    most: usize,
    correlation_id: Box<str>,
    /// One message, and not yet told.
    whole: bool,
    ended: bool,
}

impl<B> Lines<B> {
    /// The lines of a body, each of at most so many bytes.
    pub fn of(body: B, most: usize, correlation_id: &str) -> Self {
        let correlation_id = correlation_id.into();
        Self { body, held: BytesMut::new(), searched: 0, most, correlation_id, whole: false, ended: false }
    }

    /// A body that is one message, of at most so many bytes.
    pub fn whole(body: B, most: usize, correlation_id: &str) -> Self {
        Self { whole: true, ..Self::of(body, most, correlation_id) }
    }

    /// The next message that is there whole.
    fn next_held(&mut self) -> Option<BytesMut> {
        if self.whole {
            if !self.ended {
                return None;
            }
            self.whole = false;
            let text = self.held.split();
            return Some(if text.trim_ascii().is_empty() { BytesMut::from(&b"{}"[..]) } else { text });
        }
        if let Some(at) = self.held[self.searched..].iter().position(|byte| *byte == b'\n') {
            let line = self.held.split_to(self.searched + at);
            self.held.advance(1);
            self.searched = 0;
            return Some(line);
        }
        self.searched = self.held.len();
        if self.ended && !self.held.is_empty() {
            self.searched = 0;
            return Some(self.held.split());
        }
        None
    }

    fn too_long(&mut self) -> Status {
        self.ended = true;
        self.whole = false;
        self.held.clear();
        self.searched = 0;
        error::status(&Fault::TooLarge, &self.correlation_id)
    }
}

impl<B> http_body::Body for Lines<B>
where
    B: http_body::Body<Data = Bytes> + Unpin,
{
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let this = self.get_mut();
        loop {
            while let Some(line) = this.next_held() {
                if line.len() > this.most {
                    return Poll::Ready(Some(Err(this.too_long())));
                }
                if !line.trim_ascii().is_empty() {
                    return Poll::Ready(Some(Ok(Frame::data(framed(&line)))));
                }
            }
            if this.ended {
                return Poll::Ready(None);
            }
            if this.held.len() > this.most {
                return Poll::Ready(Some(Err(this.too_long())));
            }
            match ready!(Pin::new(&mut this.body).poll_frame(context)) {
                Some(Ok(frame)) => {
                    if let Ok(data) = frame.into_data() {
                        this.held.extend_from_slice(&data);
                    }
                }
                // What broke off is no message: half a line is not taken for one.
                Some(Err(_)) => {
                    this.ended = true;
                    this.whole = false;
                    this.held.clear();
                    this.searched = 0;
                    return Poll::Ready(Some(Err(Status::cancelled("the request broke off"))));
                }
                None => this.ended = true,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::{BodyExt, StreamBody};
    use tokio_stream::StreamExt;

    use super::*;

    fn pieces(pieces: &[&'static str]) -> StreamBody<impl Stream<Item = Result<Frame<Bytes>, Status>> + use<>> {
        let frames: Vec<_> = pieces.iter().map(|piece| Ok(Frame::data(Bytes::from_static(piece.as_bytes())))).collect();
        StreamBody::new(tokio_stream::iter(frames))
    }

    async fn lines(given: &[&'static str], most: usize) -> Result<Vec<String>, Status> {
        let mut lines = Lines::of(pieces(given), most, "c");
        let mut told = Vec::new();
        while let Some(frame) = lines.frame().await {
            let data = frame?.into_data().expect("lines must be data");
            assert_eq!(data[0], 0);
            assert_eq!(u32::from_be_bytes(data[1..5].try_into().unwrap()) as usize, data.len() - 5);
            told.push(String::from_utf8(data[5..].to_vec()).unwrap());
        }
        Ok(told)
    }

    #[tokio::test]
    async fn lines_are_messages_however_they_arrive() {
        for given in [&["{1}\n\n{22}\r\n{3}"][..], &["{", "1}\n", "\n{2", "2}\r", "\n{3}\n"]] {
            assert_eq!(lines(given, 100).await.unwrap(), ["{1}", "{22}\r", "{3}"], "{given:?}");
        }
    }

    #[tokio::test]
    async fn a_line_without_end_is_refused_and_not_kept() {
        let refused = lines(&["{\n", "aaaaaaaa", "aaaaaaaa"], 10).await.unwrap_err();
        assert_eq!(refused.code(), Code::ResourceExhausted);
    }

    #[tokio::test]
    async fn messages_come_out_as_they_went_in_and_a_fault_comes_last() {
        let frames = [framed(b"one"), framed(b""), framed(b"three")].concat();
        let trailers = Status::aborted("so").into_http::<()>().headers().clone();
        let (first, rest) = frames.split_at(7);
        let parts = [
            Ok::<_, Status>(Frame::data(Bytes::copy_from_slice(first))),
            Ok(Frame::data(Bytes::copy_from_slice(rest))),
            Ok(Frame::trailers(trailers)),
        ];
        let mut messages = Messages::of(Body::new(StreamBody::new(tokio_stream::iter(parts))));
        for expected in ["one", "", "three"] {
            assert_eq!(messages.next().await.unwrap().unwrap(), expected);
        }
        assert_eq!(messages.next().await.unwrap().unwrap_err().code(), Code::Aborted);
        assert!(messages.next().await.is_none());
    }

    #[tokio::test]
    async fn messages_end_when_the_time_of_their_caller_is_over() {
        let one = tokio_stream::once(Ok::<_, Status>(Frame::data(framed(b"one"))));
        let endless = StreamBody::new(one.chain(tokio_stream::pending()));
        let ends = Instant::now() + std::time::Duration::from_millis(40);
        let mut messages = Messages::of(Body::new(endless)).until(Some(ends), "c");
        assert_eq!(messages.next().await.unwrap().unwrap(), "one");
        assert_eq!(messages.next().await.unwrap().unwrap_err().code(), Code::DeadlineExceeded);
        assert!(messages.next().await.is_none());
    }
}
