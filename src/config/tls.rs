//! How connections to the server are protected: certificate, key, and who may
//! connect with a certificate of their own. Files are named here and read where the
//! server opens its port; nothing here holds a key.

use std::path::PathBuf;
use std::time::Duration;

use super::Concern;
use super::key::{Key, Shape};
use super::reader::{Reader, whole};

/// How connections are protected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tls {
    /// Certificate and key. `None`: connections are not encrypted, and stay on this machine.
    pub pair: Option<Pair>,
    /// Who may connect with a certificate of their own.
    pub clients: Clients,
    /// How often the files are looked at.
    pub reload: Duration,
}

/// Where a certificate and its key are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pair {
    /// PEM: the server's certificate, then those that lead to its authority.
    pub certificate: PathBuf,
    /// PEM: its private key.
    pub key: PathBuf,
}

/// Whether clients show certificates of their own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Clients {
    /// They are not asked for one.
    Off,
    /// They may: it must be of the authority in this file.
    Optional(PathBuf),
    /// They must: nobody without one of the authority in this file gets past the handshake.
    Required(PathBuf),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Asked {
    Off,
    Optional,
    Required,
}

pub(super) const CERTIFICATE: Key = Key {
    name: "tls.certificate",
    flag: "tls-certificate",
    variable: "STEELYARD_TLS_CERTIFICATE",
    shape: Shape::Value("FILE"),
    takes: "the path of a PEM file",
    default: None,
    meaning: "Certificate of the server, followed by those that lead to its authority. With it and `tls.key` gRPC is \
              served over TLS 1.3 and no other version. The file is read again while the server runs.",
};

pub(super) const KEY: Key = Key {
    name: "tls.key",
    flag: "tls-key",
    variable: "STEELYARD_TLS_KEY",
    shape: Shape::Value("FILE"),
    takes: "the path of a PEM file that others may not read",
    default: None,
    meaning: "Private key of the certificate. A file that others may read is refused: see SECURITY.md.",
};

pub(super) const CLIENT_CA: Key = Key {
    name: "tls.client_ca",
    flag: "tls-client-ca",
    variable: "STEELYARD_TLS_CLIENT_CA",
    shape: Shape::Value("FILE"),
    takes: "the path of a PEM file",
    default: None,
    meaning: "Certificates of the authorities that issue certificates to clients. The system's own are never used.",
};

pub(super) const CLIENT_CERTIFICATES: Key = Key {
    name: "tls.client_certificates",
    flag: "tls-client-certificates",
    variable: "STEELYARD_TLS_CLIENT_CERTIFICATES",
    shape: Shape::Value("WHETHER"),
    takes: "`off`, `optional` or `required`",
    default: Some("off"),
    meaning: "Whether clients show a certificate of their own. Optional: whoever shows none needs a token. Required: \
              whoever shows none is refused in the handshake.",
};

pub(super) const RELOAD_SECONDS: Key = Key {
    name: "tls.reload_seconds",
    flag: "tls-reload-seconds",
    variable: "STEELYARD_TLS_RELOAD_SECONDS",
    shape: Shape::Value("SECONDS"),
    takes: "1 to 3600, seconds",
    default: Some("5"),
    meaning: "How often certificate, key, client authorities and mapped certificates are looked at. New ones are taken \
              if they can be read and belong together; otherwise the old ones stay.",
};

pub(super) const CONCERN: Concern =
    Concern { title: "Transport", keys: &[&CERTIFICATE, &KEY, &CLIENT_CA, &CLIENT_CERTIFICATES, &RELOAD_SECONDS] };

pub(super) fn settle(reader: &mut Reader<'_>) -> Option<Tls> {
    let certificate = reader.optional(&CERTIFICATE, file);
    let key = reader.optional(&KEY, file);
    let authority = reader.optional(&CLIENT_CA, file);
    let asked = reader.value(&CLIENT_CERTIFICATES, asked);
    let reload = reader.value(&RELOAD_SECONDS, |text| whole(text, 1..=3_600));
    let pair = match (certificate?, key?) {
        (Some(certificate), Some(key)) => Some(Some(Pair { certificate, key })),
        (None, None) => Some(None),
        (Some(_), None) => {
            reader.refuse(&CERTIFICATE, "needs `tls.key`, its private key");
            None
        }
        (None, Some(_)) => {
            reader.refuse(&KEY, "needs `tls.certificate`, the certificate that it belongs to");
            None
        }
    };
    let clients = match (asked?, authority?) {
        (Asked::Off, None) => Some(Clients::Off),
        (Asked::Off, Some(_)) => {
            reader
                .refuse(&CLIENT_CA, "is not used while `tls.client_certificates` is off; make it optional or required");
            None
        }
        (Asked::Optional | Asked::Required, None) => {
            reader.refuse(&CLIENT_CERTIFICATES, "needs `tls.client_ca`, the authority that issues them");
            None
        }
        (Asked::Optional, Some(authority)) => Some(Clients::Optional(authority)),
        (Asked::Required, Some(authority)) => Some(Clients::Required(authority)),
    };
    if matches!(pair, Some(None)) && !matches!(clients, None | Some(Clients::Off)) {
        reader.refuse(&CLIENT_CERTIFICATES, "needs `tls.certificate` and `tls.key`: without TLS nobody shows one");
        return None;
    }
    Some(Tls { pair: pair?, clients: clients?, reload: Duration::from_secs(reload?) })
}

fn asked(text: &str) -> Result<Asked, String> {
    match text {
        "off" => Ok(Asked::Off),
        "optional" => Ok(Asked::Optional),
        "required" => Ok(Asked::Required),
        _ => Err("must be off, optional or required".to_owned()),
    }
}

/// A path with a name in it.
pub(super) fn file(text: &str) -> Result<PathBuf, String> {
    if text.is_empty() { Err("is empty; name a file".to_owned()) } else { Ok(PathBuf::from(text)) }
}
