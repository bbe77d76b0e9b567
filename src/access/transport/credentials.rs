//! The server's certificate and key, and the authorities for clients, as files that
//! may be replaced while the server runs. New ones are taken whole, and only where
//! they can be read and belong together; otherwise those held stay, which is logged
//! and shown as a figure. Nothing here ever shows a key.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;
use jiff::Timestamp;
use metrics::gauge;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};
use rustls::{RootCertStore, ServerConfig};
use tracing::{info, warn};

use crate::config::{Clients, Pair, Tls};
use crate::guarded;
use crate::telemetry::metrics as figures;

/// Most bytes of a file of certificates: a store of authorities is some hundred KiB.
const FILE_BYTES: u64 = 4 << 20;

/// Why certificate, key or authorities cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CredentialsFault {
    /// A file cannot be read.
    #[error("{key}: {} cannot be read: {source}", path.display())]
    Unreadable {
        /// The setting that names it.
        key: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Others may read the private key.
    #[error("tls.key: {} may be read by others (mode {mode:o}): {}", path.display(), guarded::WANTED)]
    KeyReadable {
        /// The file.
        path: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// A file holds nothing that can be used.
    #[error("{key}: {} {problem}", path.display())]
    Unusable {
        /// The setting that names it.
        key: &'static str,
        /// The file.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
    /// The certificate is another key's.
    #[error("tls.key: {} is not the key of the certificate in tls.certificate, {}: {source}", key.display(), certificate.display())]
    Mismatch {
        /// The file of the certificate.
        certificate: PathBuf,
        /// The file of the key.
        key: PathBuf,
        /// What TLS says of it.
        source: rustls::Error,
    },
    /// The certificate has run out.
    #[error("tls.certificate: {} ran out at {at}", path.display())]
    Expired {
        /// The file.
        path: PathBuf,
        /// When.
        at: Timestamp,
    },
}

/// What a handshake goes by.
#[derive(Debug)]
struct Held {
    server: Arc<ServerConfig>,
    /// When the certificate runs out.
    expires: Timestamp,
}

/// Certificate, key and authorities in use.
#[derive(Debug)]
pub struct Credentials {
    pair: Pair,
    clients: Clients,
    held: ArcSwap<Held>,
    /// Digest of the files last looked at, so that each state of them is judged, and told of, once.
    seen: Mutex<[u8; 32]>,
}

/// The files as they are.
struct Files {
    certificate: Vec<u8>,
    key: Vec<u8>,
    authority: Option<Vec<u8>>,
}

impl Credentials {
    /// Reads the files of these settings. `None`: connections are not to be encrypted.
    ///
    /// # Errors
    /// A file is missing, does not hold what it should, or may be read by others.
    pub fn open(tls: &Tls, now: Timestamp) -> Result<Option<Self>, CredentialsFault> {
        let Some(pair) = tls.pair.clone() else { return Ok(None) };
        let clients = tls.clients.clone();
        let files = Files::read(&pair, &clients)?;
        let held = settle(&pair, &clients, &files, now)?;
        tell(&held, false);
        Ok(Some(Self { held: ArcSwap::from_pointee(held), seen: Mutex::new(files.digest()), pair, clients }))
    }

    /// What the next handshake goes by.
    pub fn current(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.held.load().server)
    }

    /// When the certificate in use runs out.
    pub fn expires(&self) -> Timestamp {
        self.held.load().expires
    }

    /// Looks at the files, and takes what is new if it can be used. Says whether it did.
    pub fn renew(&self, now: Timestamp) -> bool {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let outcome = match Files::read(&self.pair, &self.clients) {
            Ok(files) if files.digest() == *seen => return false,
            Ok(files) => {
                *seen = files.digest();
                settle(&self.pair, &self.clients, &files, now)
            }
            Err(fault) => {
                let digest = *blake3::hash(fault.to_string().as_bytes()).as_bytes();
                if digest == *seen {
                    return false;
                }
                *seen = digest;
                Err(fault)
            }
        };
        match outcome {
            Ok(held) => {
                tell(&held, false);
                info!(tls.certificate_expires = %held.expires, "took a new certificate: handshakes from now on use it");
                self.held.store(Arc::new(held));
                true
            }
            Err(fault) => {
                gauge!(figures::CERTIFICATE_REFUSED).set(figures::flag(true));
                warn!(fault = %fault, "the new certificate, key or authorities cannot be used: the old ones stay");
                false
            }
        }
    }
}

fn tell(held: &Held, refused: bool) {
    let second = u64::try_from(held.expires.as_second()).unwrap_or(0);
    gauge!(figures::CERTIFICATE_EXPIRES).set(figures::float(second));
    gauge!(figures::CERTIFICATE_REFUSED).set(figures::flag(refused));
}

impl Files {
    fn read(pair: &Pair, clients: &Clients) -> Result<Self, CredentialsFault> {
        Ok(Self {
            certificate: whole("tls.certificate", &pair.certificate, false)?,
            key: whole("tls.key", &pair.key, true)?,
            authority: match clients {
                Clients::Off => None,
                Clients::Optional(path) | Clients::Required(path) => Some(whole("tls.client_ca", path, false)?),
            },
        })
    }

    fn digest(&self) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new();
        for part in [Some(&self.certificate), Some(&self.key), self.authority.as_ref()].into_iter().flatten() {
            hasher.update(blake3::hash(part).as_bytes());
        }
        *hasher.finalize().as_bytes()
    }
}

/// Reads a file; a secret one only where it is guarded. The file that is judged is the one that is read.
fn whole(key: &'static str, path: &Path, secret: bool) -> Result<Vec<u8>, CredentialsFault> {
    let unreadable = |source| CredentialsFault::Unreadable { key, path: path.to_owned(), source };
    let file = File::open(path).map_err(unreadable)?;
    if secret && let Some(mode) = guarded::exposed(&file.metadata().map_err(unreadable)?) {
        return Err(CredentialsFault::KeyReadable { path: path.to_owned(), mode });
    }
    let mut bytes = Vec::new();
    file.take(FILE_BYTES + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > FILE_BYTES {
        let problem = format!("is larger than {} MiB", FILE_BYTES >> 20);
        return Err(CredentialsFault::Unusable { key, path: path.to_owned(), problem });
    }
    Ok(bytes)
}

fn settle(pair: &Pair, clients: &Clients, files: &Files, now: Timestamp) -> Result<Held, CredentialsFault> {
    let unusable = |problem: String| CredentialsFault::Unusable {
        key: "tls.certificate",
        path: pair.certificate.clone(),
        problem,
    };
    let chain = certificates("tls.certificate", &pair.certificate, &files.certificate)?;
    let (_, parsed) = chain
        .first()
        .and_then(|first| x509_parser::parse_x509_certificate(first).ok())
        .ok_or_else(|| unusable("does not begin with a certificate that can be read".to_owned()))?;
    let expires = Timestamp::from_second(parsed.validity().not_after.timestamp())
        .map_err(|_| unusable("runs out at a time that cannot be told".to_owned()))?;
    if expires <= now {
        return Err(CredentialsFault::Expired { path: pair.certificate.clone(), at: expires });
    }
    let key = PrivateKeyDer::from_pem_slice(&files.key).map_err(|_| CredentialsFault::Unusable {
        key: "tls.key",
        path: pair.key.clone(),
        problem: "holds no private key in PEM".to_owned(),
    })?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(&[&rustls::version::TLS13])
        .expect("the provider must know TLS 1.3");
    let builder = match (clients, &files.authority) {
        (Clients::Optional(path) | Clients::Required(path), Some(authority)) => {
            let refused =
                |problem: String| CredentialsFault::Unusable { key: "tls.client_ca", path: path.clone(), problem };
            let mut roots = RootCertStore::empty();
            for certificate in certificates("tls.client_ca", path, authority)? {
                roots.add(certificate).map_err(|error| refused(format!("holds no authority: {error}")))?;
            }
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
            let verifier = match clients {
                Clients::Required(_) => verifier,
                Clients::Optional(_) | Clients::Off => verifier.allow_unauthenticated(),
            };
            builder.with_client_cert_verifier(verifier.build().map_err(|error| refused(error.to_string()))?)
        }
        (Clients::Off, _) | (Clients::Optional(_) | Clients::Required(_), None) => builder.with_no_client_auth(),
    };
    let mut server = builder.with_single_cert(chain, key).map_err(|source| CredentialsFault::Mismatch {
        certificate: pair.certificate.clone(),
        key: pair.key.clone(),
        source,
    })?;
    server.alpn_protocols = vec![b"h2".to_vec()];
    // A resumed session would go by the certificate and the authorities of its first handshake.
    server.session_storage = Arc::new(NoServerSessionStorage {});
    server.send_tls13_tickets = 0;
    Ok(Held { server: Arc::new(server), expires })
}

fn certificates(key: &'static str, path: &Path, pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, CredentialsFault> {
    let unusable =
        |problem: &str| CredentialsFault::Unusable { key, path: path.to_owned(), problem: problem.to_owned() };
    let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    match read {
        Ok(chain) if !chain.is_empty() => Ok(chain),
        Ok(_) => Err(unusable("holds no certificate in PEM")),
        Err(_) => Err(unusable("is not PEM throughout")),
    }
}
