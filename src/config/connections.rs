//! How many connections the server holds, and how long it waits for one that says
//! nothing. What one connection may ask is told under limits.

use std::time::Duration;

use super::Concern;
use super::key::{Key, Shape};
use super::reader::{Reader, whole};

/// How many connections are held, and for how long without a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Connections {
    /// Connections held at once.
    pub most: usize,
    /// Those among them that may be new: not through the handshake, or without a first byte.
    pub new: usize,
    /// How long one may stay new.
    pub handshake: Duration,
    /// How long one may say nothing and be told nothing.
    pub idle: Duration,
}

pub(super) const MOST: Key = Key {
    name: "connections.most",
    flag: "connections-most",
    variable: "STEELYARD_CONNECTIONS_MOST",
    shape: Shape::Value("COUNT"),
    takes: "2 to 65536, more than `connections.new`",
    default: Some("1024"),
    meaning: "Connections held at once. One more is closed as soon as it is made.",
};

pub(super) const NEW: Key = Key {
    name: "connections.new",
    flag: "connections-new",
    variable: "STEELYARD_CONNECTIONS_NEW",
    shape: Shape::Value("COUNT"),
    takes: "1 to 4096",
    default: Some("128"),
    meaning: "Connections that may be new at once: still in the handshake, or, without TLS, without a first byte. When \
              one more comes the oldest of them is closed, so that silence never keeps anybody out.",
};

pub(super) const HANDSHAKE_SECONDS: Key = Key {
    name: "connections.handshake_seconds",
    flag: "connections-handshake-seconds",
    variable: "STEELYARD_CONNECTIONS_HANDSHAKE_SECONDS",
    shape: Shape::Value("SECONDS"),
    takes: "1 to 120, seconds",
    default: Some("10"),
    meaning: "How long a connection may stay new before it is closed.",
};

pub(super) const IDLE_SECONDS: Key = Key {
    name: "connections.idle_seconds",
    flag: "connections-idle-seconds",
    variable: "STEELYARD_CONNECTIONS_IDLE_SECONDS",
    shape: Shape::Value("SECONDS"),
    takes: "10 to 86400, seconds",
    default: Some("300"),
    meaning: "How long a connection may say nothing before it is closed. The server asks for a sign of life three times \
              within that, which every gRPC client gives by itself, so that a stream on which nothing happens stays.",
};

pub(super) const CONCERN: Concern =
    Concern { title: "Connections", keys: &[&MOST, &NEW, &HANDSHAKE_SECONDS, &IDLE_SECONDS] };

pub(super) fn settle(reader: &mut Reader<'_>) -> Option<Connections> {
    let most = reader.value(&MOST, |text| whole(text, 2..=65_536));
    let new = reader.value(&NEW, |text| whole(text, 1..=4_096));
    let handshake = reader.value(&HANDSHAKE_SECONDS, |text| whole(text, 1..=120));
    let idle = reader.value(&IDLE_SECONDS, |text| whole(text, 10..=86_400));
    if let (Some(most), Some(new)) = (most, new)
        && new >= most
    {
        reader.refuse(&MOST, "must be more than `connections.new`: new ones must leave room for others");
        return None;
    }
    let fits = "a number within its range must fit";
    Some(Connections {
        most: usize::try_from(most?).expect(fits),
        new: usize::try_from(new?).expect(fits),
        handshake: Duration::from_secs(handshake?),
        idle: Duration::from_secs(idle?),
    })
}
