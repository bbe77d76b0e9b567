//! How connections reach the service: over TLS 1.3 or, on this machine alone, in the
//! clear; bounded in number either way. What is known of the other end travels with
//! every request as a [`Peer`]. Whom a certificate speaks for is not decided here.

pub mod connection;
pub mod credentials;
#[cfg(test)]
pub(crate) mod fixture;
pub mod incoming;
#[cfg(test)]
mod tests;

use std::net::SocketAddr;
use std::sync::Arc;

pub use connection::Connection;
pub use credentials::{Credentials, CredentialsFault};
pub use incoming::Incoming;
use x509_parser::extensions::GeneralName;

/// The other end of a connection. In the extensions of every request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Peer {
    /// Its address. `None`: the request did not come over a connection of this service.
    pub address: Option<SocketAddr>,
    /// The certificate it showed, verified against the authorities for clients.
    pub certificate: Option<Arc<ClientCertificate>>,
}

/// What names the holder of a verified certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientCertificate {
    /// SHA-256 of the certificate as it was sent.
    pub sha256: [u8; 32],
    /// URIs among its alternative names, as written.
    pub uris: Box<[Box<str>]>,
    /// DNS names among them, in small letters.
    pub dns: Box<[Box<str>]>,
    /// Common name of its subject, where there is exactly one.
    pub common_name: Option<Box<str>>,
}

impl ClientCertificate {
    /// Reads a certificate. `None`: it cannot be read as one.
    pub fn read(der: &[u8]) -> Option<Self> {
        let (rest, parsed) = x509_parser::parse_x509_certificate(der).ok()?;
        if !rest.is_empty() {
            return None;
        }
        let (mut uris, mut dns) = (Vec::new(), Vec::new());
        let names = parsed.subject_alternative_name().ok()?;
        for name in names.iter().flat_map(|names| &names.value.general_names) {
            match name {
                GeneralName::URI(uri) => uris.push(Box::from(*uri)),
                GeneralName::DNSName(name) => dns.push(name.to_ascii_lowercase().into()),
                // A foreign enum, which grows: no other kind names anybody here.
                _ => {}
            }
        }
        let mut common_names = parsed.subject().iter_common_name();
        let common_name = match (common_names.next(), common_names.next()) {
            (Some(name), None) => name.as_str().ok().map(Box::from),
            (None, None) | (_, Some(_)) => None,
        };
        let sha256 = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, der);
        let sha256 = sha256.as_ref().try_into().expect("a SHA-256 digest must have 32 bytes");
        Some(Self { sha256, uris: uris.into(), dns: dns.into(), common_name })
    }
}
