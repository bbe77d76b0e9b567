//! Where gRPC is served. An address that other machines can reach needs TLS, and
//! callers who say who they are: whether it has both is judged in `access`.

use std::net::SocketAddr;

use super::Concern;
use super::key::{Key, Shape};
use super::reader::Reader;

/// Where gRPC is served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grpc {
    /// An address and port. Port 0: one that the system chooses.
    pub listen: SocketAddr,
}

pub(super) const LISTEN: Key = Key {
    name: "grpc.listen",
    flag: "grpc-listen",
    variable: "STEELYARD_GRPC_LISTEN",
    shape: Shape::Value("ADDRESS"),
    takes: "an IP address and a port, such as `127.0.0.1:50051`, `[::1]:50051` or `0.0.0.0:50051`",
    default: Some("127.0.0.1:50051"),
    meaning: "Where gRPC is served. Port 0 lets the system choose one. An address that other machines can reach \
              needs `tls.certificate` and `tls.key`, and tokens or mapped certificates.",
};

pub(super) const CONCERN: Concern = Concern { title: "Serving", keys: &[&LISTEN] };

pub(super) fn settle(reader: &mut Reader<'_>) -> Option<Grpc> {
    reader.value(&LISTEN, address).map(|listen| Grpc { listen })
}

fn address(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| "is not an IP address and port, such as 127.0.0.1:50051".to_owned())
}
