//! Where liveness, readiness and metrics are served over HTTP. They name no person,
//! so that a probe on another machine may read them.

use std::net::SocketAddr;

use super::Concern;
use super::key::{Key, Shape};
use super::reader::Reader;

/// Where liveness, readiness and metrics are served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Health {
    /// Any address and port. `None`: nowhere. Port 0: one that the system chooses.
    pub listen: Option<SocketAddr>,
}

pub(super) const LISTEN: Key = Key {
    name: "health.listen",
    flag: "health-listen",
    variable: "STEELYARD_HEALTH_LISTEN",
    shape: Shape::Value("ADDRESS"),
    takes: "an IP address and a port, such as `127.0.0.1:9090` or `0.0.0.0:9090`, or `off`",
    default: Some("127.0.0.1:9090"),
    meaning: "Where `/livez`, `/readyz` and `/metrics` are served over HTTP. They hold figures of the machine and the \
              store and nothing about a person, so that an address which probes on other machines can reach is \
              allowed. Port 0 lets the system choose one.",
};

pub(super) const CONCERN: Concern = Concern { title: "Health and metrics", keys: &[&LISTEN] };

pub(super) fn settle(reader: &mut Reader<'_>) -> Option<Health> {
    reader.value(&LISTEN, address).map(|listen| Health { listen })
}

fn address(text: &str) -> Result<Option<SocketAddr>, String> {
    if text == "off" {
        return Ok(None);
    }
    text.parse().map(Some).map_err(|_| "is neither off nor an IP address and port, such as 127.0.0.1:9090".to_owned())
}
