//! How much one caller, or all together, may ask of the server.

use std::time::Duration;

use super::Concern;
use super::key::{Key, Shape};
use super::reader::{Reader, whole};

/// How much may be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Largest message taken in or sent, in bytes.
    pub message_bytes: usize,
    /// Calls in flight on one connection.
    pub concurrent_streams: u32,
    /// Snapshots kept for page tokens.
    pub page_pins: usize,
    /// Longest time that a call other than a stream may take.
    pub request_timeout: Duration,
    /// Calls in flight of all callers together.
    pub calls: usize,
    /// Calls in flight of one identity.
    pub calls_per_identity: usize,
    /// Of these, streams.
    pub streams_per_identity: usize,
    /// Calls a second of one identity; 0: as many as it can.
    pub calls_per_second: u32,
}

pub(super) const MESSAGE_BYTES: Key = Key {
    name: "limits.message_bytes",
    flag: "limits-message-bytes",
    variable: "STEELYARD_LIMITS_MESSAGE_BYTES",
    shape: Shape::Value("BYTES"),
    takes: "65536 to 67108864, bytes",
    default: Some("4194304"),
    meaning: "Largest message that is taken in or sent. Most gRPC clients refuse more than the default, 4 MiB, \
              unless told otherwise.",
};

pub(super) const CONCURRENT_STREAMS: Key = Key {
    name: "limits.concurrent_streams",
    flag: "limits-concurrent-streams",
    variable: "STEELYARD_LIMITS_CONCURRENT_STREAMS",
    shape: Shape::Value("COUNT"),
    takes: "1 to 10000",
    default: Some("256"),
    meaning: "Calls that one connection may have in flight. More wait in the client.",
};

pub(super) const PAGE_PINS: Key = Key {
    name: "limits.page_pins",
    flag: "limits-page-pins",
    variable: "STEELYARD_LIMITS_PAGE_PINS",
    shape: Shape::Value("COUNT"),
    takes: "1 to 256",
    default: Some("16"),
    meaning: "Snapshots kept for callers who are in the middle of a list. When one more is needed the oldest goes, \
              and its page tokens answer PAGE_TOKEN_EXPIRED.",
};

pub(super) const REQUEST_TIMEOUT_SECONDS: Key = Key {
    name: "limits.request_timeout_seconds",
    flag: "limits-request-timeout-seconds",
    variable: "STEELYARD_LIMITS_REQUEST_TIMEOUT_SECONDS",
    shape: Shape::Value("SECONDS"),
    takes: "1 to 3600, seconds",
    default: Some("30"),
    meaning: "Longest time that a call may take before its answer begins. Streams may then run for longer.",
};

pub(super) const CALLS: Key = Key {
    name: "limits.calls",
    flag: "limits-calls",
    variable: "STEELYARD_LIMITS_CALLS",
    shape: Shape::Value("COUNT"),
    takes: "1 to 100000",
    default: Some("2048"),
    meaning: "Calls in flight of all callers together, streams among them. One more is refused as OVERLOADED, with a \
              time to try again.",
};

pub(super) const CALLS_PER_IDENTITY: Key = Key {
    name: "limits.calls_per_identity",
    flag: "limits-calls-per-identity",
    variable: "STEELYARD_LIMITS_CALLS_PER_IDENTITY",
    shape: Shape::Value("COUNT"),
    takes: "1 to 100000",
    default: Some("512"),
    meaning: "Calls in flight of one identity, streams among them. One more is refused as TOO_MANY_CALLS, with a time \
              to try again.",
};

pub(super) const STREAMS_PER_IDENTITY: Key = Key {
    name: "limits.streams_per_identity",
    flag: "limits-streams-per-identity",
    variable: "STEELYARD_LIMITS_STREAMS_PER_IDENTITY",
    shape: Shape::Value("COUNT"),
    takes: "1 to 100000",
    default: Some("64"),
    meaning: "Streams in flight of one identity: exports, imports, lists and runs that are followed. One more is \
              refused as TOO_MANY_CALLS, with a time to try again.",
};

pub(super) const CALLS_PER_SECOND: Key = Key {
    name: "limits.calls_per_second",
    flag: "limits-calls-per-second",
    variable: "STEELYARD_LIMITS_CALLS_PER_SECOND",
    shape: Shape::Value("COUNT"),
    takes: "0 to 1000000; 0: as many as it can",
    default: Some("0"),
    meaning: "Calls that one identity may begin in a second; twice as many may come at once after a quiet while. One \
              more is refused as RATE_LIMITED, with the time after which to try again.",
};

pub(super) const CONCERN: Concern = Concern {
    title: "Limits",
    keys: &[
        &MESSAGE_BYTES,
        &CONCURRENT_STREAMS,
        &PAGE_PINS,
        &REQUEST_TIMEOUT_SECONDS,
        &CALLS,
        &CALLS_PER_IDENTITY,
        &STREAMS_PER_IDENTITY,
        &CALLS_PER_SECOND,
    ],
};

pub(super) fn settle(reader: &mut Reader<'_>) -> Option<Limits> {
    let message_bytes = reader.value(&MESSAGE_BYTES, |text| whole(text, 65_536..=67_108_864));
    let concurrent_streams = reader.value(&CONCURRENT_STREAMS, |text| whole(text, 1..=10_000));
    let page_pins = reader.value(&PAGE_PINS, |text| whole(text, 1..=256));
    let seconds = reader.value(&REQUEST_TIMEOUT_SECONDS, |text| whole(text, 1..=3_600));
    let calls = reader.value(&CALLS, |text| whole(text, 1..=100_000));
    let calls_per_identity = reader.value(&CALLS_PER_IDENTITY, |text| whole(text, 1..=100_000));
    let streams_per_identity = reader.value(&STREAMS_PER_IDENTITY, |text| whole(text, 1..=100_000));
    let calls_per_second = reader.value(&CALLS_PER_SECOND, |text| whole(text, 0..=1_000_000));
    let fits = "a number within its range must fit";
    Some(Limits {
        message_bytes: usize::try_from(message_bytes?).expect(fits),
        concurrent_streams: u32::try_from(concurrent_streams?).expect(fits),
        page_pins: usize::try_from(page_pins?).expect(fits),
        request_timeout: Duration::from_secs(seconds?),
        calls: usize::try_from(calls?).expect(fits),
        calls_per_identity: usize::try_from(calls_per_identity?).expect(fits),
        streams_per_identity: usize::try_from(streams_per_identity?).expect(fits),
        calls_per_second: u32::try_from(calls_per_second?).expect(fits),
    })
}
