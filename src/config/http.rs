//! Where HTTP is served, and to whose pages. As for gRPC, an address that other
//! machines can reach needs TLS, and callers who say who they are.

use std::net::SocketAddr;
use std::sync::Arc;

use super::Concern;
use super::key::{Key, Shape};
use super::reader::Reader;

/// Where HTTP is served, and to whose pages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Http {
    /// An address and port. `None`: nowhere. Port 0: one that the system chooses.
    pub listen: Option<SocketAddr>,
    /// Origins of other sites whose pages may call.
    pub origins: Arc<[String]>,
    /// Origins of other sites whose pages may hold panels in frames.
    pub frame_ancestors: Arc<[String]>,
}

pub(super) const LISTEN: Key = Key {
    name: "http.listen",
    flag: "http-listen",
    variable: "STEELYARD_HTTP_LISTEN",
    shape: Shape::Value("ADDRESS"),
    takes: "an IP address and a port, such as `127.0.0.1:8080` or `0.0.0.0:8443`, or `off`",
    default: Some("127.0.0.1:8080"),
    meaning: "Where the pages, JSON and gRPC-web are served over HTTP, with the certificate of gRPC where there is one. \
              Port 0 lets the system choose one. An address that other machines can reach needs `tls.certificate` and \
              `tls.key`, and tokens or mapped certificates.",
};

pub(super) const ORIGINS: Key = Key {
    name: "http.origins",
    flag: "http-origins",
    variable: "STEELYARD_HTTP_ORIGINS",
    shape: Shape::Value("ORIGINS"),
    takes: "origins with commas between them, such as `https://intranet.example`",
    default: Some(""),
    meaning: "Other sites whose pages may call this server from a browser (CORS), each with its scheme and without a \
              path. Cookies of this server are never sent along: such a page brings a token of its own.",
};

pub(super) const FRAME_ANCESTORS: Key = Key {
    name: "http.frame_ancestors",
    flag: "http-frame-ancestors",
    variable: "STEELYARD_HTTP_FRAME_ANCESTORS",
    shape: Shape::Value("ORIGINS"),
    takes: "origins with commas between them, such as `https://intranet.example`",
    default: Some(""),
    meaning: "Other sites whose pages may hold the panels under `/embed/` in frames. Nobody may hold the other pages.",
};

pub(super) const CONCERN: Concern = Concern { title: "HTTP", keys: &[&LISTEN, &ORIGINS, &FRAME_ANCESTORS] };

pub(super) fn settle(reader: &mut Reader<'_>) -> Option<Http> {
    let listen = reader.value(&LISTEN, address);
    let allowed = reader.value(&ORIGINS, origins);
    let frame_ancestors = reader.value(&FRAME_ANCESTORS, origins);
    Some(Http { listen: listen?, origins: allowed?, frame_ancestors: frame_ancestors? })
}

fn address(text: &str) -> Result<Option<SocketAddr>, String> {
    if text == "off" {
        return Ok(None);
    }
    text.parse().map(Some).map_err(|_| "is neither off nor an IP address and port, such as 127.0.0.1:8080".to_owned())
}

/// Origins with commas between them.
pub(super) fn origins(text: &str) -> Result<Arc<[String]>, String> {
    text.split(',').map(str::trim).filter(|named| !named.is_empty()).map(origin).collect()
}

/// One origin, as browsers write it.
pub(super) fn origin(text: &str) -> Result<String, String> {
    let uri: http::Uri = text.parse().map_err(|_| not_one(text))?;
    let plain = matches!(uri.scheme_str(), Some("http" | "https"))
        && uri.authority().is_some_and(|authority| !authority.as_str().contains('@'))
        && format!("{}://{}", uri.scheme_str().unwrap_or_default(), uri.authority().map_or("", |it| it.as_str()))
            == text;
    if plain { Ok(text.to_owned()) } else { Err(not_one(text)) }
}

fn not_one(origin: &str) -> String {
    format!("names {origin:?}, which is not an origin such as https://intranet.example: a scheme, a name, no path")
}
