//! Where gRPC is served. Only on this machine: an address that others can reach
//! needs TLS and tokens.

use std::net::SocketAddr;

use super::Concern;
use super::key::{Key, Shape};
use super::reader::Reader;

/// Where gRPC is served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grpc {
    /// A loopback address and port. Port 0: one that the system chooses.
    pub listen: SocketAddr,
}

pub(super) const LISTEN: Key = Key {
    name: "grpc.listen",
    flag: "grpc-listen",
    variable: "STEELYARD_GRPC_LISTEN",
    shape: Shape::Value("ADDRESS"),
    takes: "a loopback IP address and a port, such as `127.0.0.1:50051` or `[::1]:50051`",
    default: Some("127.0.0.1:50051"),
    meaning: "Where gRPC is served. Port 0 lets the system choose one. An address that other machines can reach is \
              refused: it needs TLS and tokens, which this release does not have.",
};

pub(super) const CONCERN: Concern = Concern { title: "Serving", keys: &[&LISTEN] };

pub(super) fn settle(reader: &mut Reader<'_>) -> Option<Grpc> {
    reader.value(&LISTEN, loopback).map(|listen| Grpc { listen })
}

fn loopback(text: &str) -> Result<SocketAddr, String> {
    let address: SocketAddr =
        text.parse().map_err(|_| "is not an IP address and port, such as 127.0.0.1:50051".to_owned())?;
    if address.ip().is_loopback() {
        Ok(address)
    } else {
        Err("listening where other machines can reach it needs TLS and tokens, which this release does not have; give \
             a loopback address, such as 127.0.0.1:50051"
            .to_owned())
    }
}
