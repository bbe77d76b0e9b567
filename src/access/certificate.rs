//! Whom client certificates speak for: a table in a file of its own, which may be
//! changed while the server runs. An entry names a certificate in exactly one way. A
//! certificate that several entries name is a contradiction, and speaks for nobody.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;
use metrics::gauge;
use serde::Deserialize;
use tracing::{info, warn};

use super::Identity;
use super::grant::Grant;
use super::transport::ClientCertificate;
use crate::telemetry::metrics as figures;

/// Most bytes of the file.
const FILE_BYTES: usize = 4 << 20;

/// Why the file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CertificatesFault {
    /// It cannot be read.
    #[error("access.certificates_file: {} cannot be read: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It says what it cannot.
    #[error("access.certificates_file: {} is wrong:\n  {}", path.display(), problems.join("\n  "))]
    Wrong {
        /// The file.
        path: PathBuf,
        /// Everything that is wrong.
        problems: Vec<String>,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Page {
    #[serde(default)]
    certificate: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    sha256: Option<String>,
    uri: Option<String>,
    dns: Option<String>,
    common_name: Option<String>,
    actor: String,
    roles: Option<Vec<String>>,
    areas: Option<Vec<String>>,
    lists: Option<Vec<String>>,
    permissions: Option<Vec<String>>,
}

/// What an entry goes by.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Mark {
    Sha256([u8; 32]),
    Uri(Box<str>),
    Dns(Box<str>),
    CommonName(Box<str>),
}

/// Whom a certificate speaks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Holder {
    /// Nobody: no entry names it.
    Unknown,
    /// This one.
    Known(Arc<Identity>),
    /// Several entries name it, with different identities.
    Several,
}

/// The table.
#[derive(Debug, Default)]
pub struct Table(HashMap<Mark, Arc<Identity>>);

impl Table {
    /// Reads the table.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn read(text: &str) -> Result<Self, Vec<String>> {
        let page: Page = toml::from_str(text).map_err(|error| vec![error.to_string().trim_end().replace('\n', " ")])?;
        let (mut table, mut problems) = (HashMap::new(), Vec::new());
        for (place, entry) in page.certificate.iter().enumerate() {
            let mark = entry.mark();
            let identity = entry.grant().identity(&entry.actor);
            let mut tell = |problem: String| problems.push(format!("certificate[{place}]: {problem}"));
            match (mark, identity) {
                (Ok(mark), Ok(identity)) => {
                    if table.insert(mark, Arc::new(identity)).is_some() {
                        tell("names a certificate that an entry before it names".to_owned());
                    }
                }
                (mark, identity) => {
                    mark.err().into_iter().for_each(&mut tell);
                    identity.err().into_iter().flatten().map(|fault| fault.to_string()).for_each(tell);
                }
            }
        }
        if page.certificate.is_empty() {
            problems.push("it has no [[certificate]]".to_owned());
        }
        if problems.is_empty() { Ok(Self(table)) } else { Err(problems) }
    }

    /// Whom a certificate speaks for.
    pub fn find(&self, certificate: &ClientCertificate) -> Holder {
        let marks = std::iter::once(Mark::Sha256(certificate.sha256))
            .chain(certificate.uris.iter().cloned().map(Mark::Uri))
            .chain(certificate.dns.iter().cloned().map(Mark::Dns))
            .chain(certificate.common_name.iter().cloned().map(Mark::CommonName));
        marks.filter_map(|mark| self.0.get(&mark)).fold(Holder::Unknown, |holder, found| match holder {
            Holder::Unknown => Holder::Known(Arc::clone(found)),
            Holder::Known(known) if known == *found => Holder::Known(known),
            Holder::Known(_) | Holder::Several => Holder::Several,
        })
    }
}

impl Entry {
    fn mark(&self) -> Result<Mark, String> {
        let one = "give exactly one of sha256, uri, dns and common_name".to_owned();
        let given = [&self.sha256, &self.uri, &self.dns, &self.common_name];
        if given.iter().filter(|mark| mark.is_some()).count() != 1
            || given.iter().any(|mark| mark.as_deref() == Some(""))
        {
            return Err(one);
        }
        if let Some(text) = &self.sha256 {
            let digits: String = text.chars().filter(|digit| *digit != ':').collect();
            let digest = blake3::Hash::from_hex(digits.to_ascii_lowercase());
            return digest
                .map(|digest| Mark::Sha256(*digest.as_bytes()))
                .map_err(|_| "sha256 must be 64 hexadecimal digits".to_owned());
        }
        let uri = self.uri.as_deref().map(|uri| Mark::Uri(uri.into()));
        let dns = self.dns.as_deref().map(|name| Mark::Dns(name.to_ascii_lowercase().into()));
        let common_name = self.common_name.as_deref().map(|name| Mark::CommonName(name.into()));
        uri.or(dns).or(common_name).ok_or(one)
    }

    fn grant(&self) -> Grant {
        Grant {
            roles: self.roles.clone(),
            areas: self.areas.clone(),
            lists: self.lists.clone(),
            permissions: self.permissions.clone(),
        }
    }
}

/// The table as a file holds it now.
#[derive(Debug)]
pub struct Certificates {
    path: PathBuf,
    table: ArcSwap<Table>,
    seen: Mutex<[u8; 32]>,
}

impl Certificates {
    /// Reads the file.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn open(path: &Path) -> Result<Self, CertificatesFault> {
        let (table, digest) = table(path);
        gauge!(figures::CERTIFICATES_FILE_REFUSED).set(figures::flag(false));
        Ok(Self { path: path.to_owned(), table: ArcSwap::from_pointee(table?), seen: Mutex::new(digest) })
    }

    /// Whom a certificate speaks for now.
    pub fn find(&self, certificate: &ClientCertificate) -> Holder {
        self.table.load().find(certificate)
    }

    /// Looks at the file, and takes what is new if it can be used. Says whether it did.
    pub fn renew(&self) -> bool {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let (outcome, digest) = table(&self.path);
        if digest == *seen {
            return false;
        }
        *seen = digest;
        gauge!(figures::CERTIFICATES_FILE_REFUSED).set(figures::flag(outcome.is_err()));
        match outcome {
            Ok(table) => {
                info!(certificates.entries = table.0.len(), "took a new table of certificates");
                self.table.store(Arc::new(table));
                true
            }
            Err(fault) => {
                warn!(fault = %fault, "the new table of certificates cannot be used: the old one stays");
                false
            }
        }
    }
}

/// The table in a file, or what is wrong with it; and a digest of what was found.
fn table(path: &Path) -> (Result<Table, CertificatesFault>, [u8; 32]) {
    match std::fs::read_to_string(path) {
        Ok(text) => {
            let digest = *blake3::hash(text.as_bytes()).as_bytes();
            let table = if text.len() > FILE_BYTES {
                Err(vec![format!("it is larger than {} MiB", FILE_BYTES >> 20)])
            } else {
                Table::read(&text)
            };
            (table.map_err(|problems| CertificatesFault::Wrong { path: path.to_owned(), problems }), digest)
        }
        Err(source) => {
            let digest = *blake3::hash(source.to_string().as_bytes()).as_bytes();
            (Err(CertificatesFault::Unreadable { path: path.to_owned(), source }), digest)
        }
    }
}
