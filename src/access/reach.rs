//! How another machine is asked for something over HTTP: encrypted, vouched for by an
//! authority, within a time, and at the one address that was named. It follows no
//! answer that sends it elsewhere.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use ureq::tls::{Certificate, RootCerts, TlsConfig};

/// Longest wait for another machine, all in all.
const WITHIN: Duration = Duration::from_secs(10);
/// Most bytes of a file of authorities.
const AUTHORITY_BYTES: u64 = 256 << 10;

/// Why an authority cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum AuthorityFault {
    /// The file cannot be read.
    #[error("{} cannot be read: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It holds no certificate.
    #[error("{} holds no certificate in PEM", path.display())]
    Empty {
        /// The file.
        path: PathBuf,
    },
}

/// Whether what is said on the way can be read by others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// Encrypted, and nothing else.
    Https,
    /// As it is: to this machine alone, which the settings see to.
    Loopback,
}

/// Who asks. `authority` vouches for the other machine; `None`: the system's authorities.
///
/// # Errors
/// The authority cannot be used.
pub fn agent(authority: Option<&Path>, way: Way) -> Result<ureq::Agent, AuthorityFault> {
    let roots = authority.map_or(Ok(RootCerts::PlatformVerifier), roots)?;
    let tls = TlsConfig::builder()
        .root_certs(roots)
        .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
        .build();
    let config = ureq::Agent::config_builder()
        .tls_config(tls)
        .https_only(way == Way::Https)
        .http_status_as_error(false)
        .max_redirects(0)
        .timeout_global(Some(WITHIN));
    Ok(match way {
        Way::Https => config.build(),
        // Nobody in between is asked to bring it here.
        Way::Loopback => config.proxy(None).build(),
    }
    .new_agent())
}

fn roots(path: &Path) -> Result<RootCerts, AuthorityFault> {
    let mut pem = Vec::new();
    File::open(path)
        .and_then(|file| file.take(AUTHORITY_BYTES).read_to_end(&mut pem))
        .map_err(|source| AuthorityFault::Unreadable { path: path.to_owned(), source })?;
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    let certificates = certificates.ok().filter(|certificates| !certificates.is_empty());
    let certificates = certificates.ok_or_else(|| AuthorityFault::Empty { path: path.to_owned() })?;
    let owned: Vec<_> = certificates.iter().map(|der| Certificate::from_der(der).to_owned()).collect();
    Ok(RootCerts::from(owned))
}
