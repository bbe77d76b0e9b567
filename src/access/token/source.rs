//! Where keys come from: a file, or an address that the issuer publishes them at.
//! They are read again and again by a thread of their own. What cannot be read or
//! used leaves those held as they are, for as long as the settings allow.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use arc_swap::ArcSwap;
use jiff::Timestamp;
use metrics::gauge;
use tracing::{info, warn};

use super::keys::{KeySet, KeySetFault};
use crate::access::reach::{self, AuthorityFault, Way};
use crate::access::renewal::Renewal;
use crate::config::{KeySource, Tokens};
use crate::telemetry::metrics as figures;

/// Most bytes of a key set.
const SET_BYTES: u64 = 256 << 10;
/// Least seconds between two readings that tokens of unknown keys ask for.
const ASKED_EVERY: i64 = 10;

/// Why keys cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum KeysFault {
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
    /// The issuer does not answer with a key set.
    #[error("access.jwks_url: {url} gives no keys: {problem}")]
    Unfetched {
        /// The address.
        url: String,
        /// Why.
        problem: String,
    },
    /// What was read is no key set that can be used.
    #[error("the keys of {from}: the set {fault}")]
    Set {
        /// File or address.
        from: String,
        /// What is wrong with it.
        fault: KeySetFault,
    },
    /// The authority of the address cannot be used.
    #[error("access.jwks_ca: {0}")]
    Authority(#[from] AuthorityFault),
    /// The system gives no thread to read keys with.
    #[error("no thread to read keys with: {0}")]
    Thread(io::Error),
}

/// What the thread that reads and those who verify share.
#[derive(Debug)]
struct Shared {
    source: KeySource,
    set: ArcSwap<KeySet>,
    /// Second in which keys were last read.
    read_at: AtomicI64,
    /// Second in which an unknown key was last asked for.
    asked_at: AtomicI64,
}

/// Keys that are kept up to date.
#[derive(Debug)]
pub(super) struct Keys {
    shared: Arc<Shared>,
    keep: Duration,
    renewal: Renewal,
}

impl Keys {
    pub(super) fn open(tokens: &Tokens, now: Timestamp) -> Result<Self, KeysFault> {
        let set = read(&tokens.keys)?;
        if set.is_empty() {
            return Err(KeysFault::Set { from: named(&tokens.keys), fault: KeySetFault::Empty });
        }
        let shared = Arc::new(Shared {
            source: tokens.keys.clone(),
            set: ArcSwap::from_pointee(set),
            read_at: AtomicI64::new(now.as_second()),
            asked_at: AtomicI64::new(i64::MIN),
        });
        told(now);
        let renewed = Arc::clone(&shared);
        let renewal = Renewal::start("steelyard-keys", tokens.refresh, move || renewed.renew(Timestamp::now()))
            .map_err(KeysFault::Thread)?;
        Ok(Self { shared, keep: tokens.keep, renewal })
    }

    /// The keys in use.
    pub(super) fn current(&self) -> Arc<KeySet> {
        self.shared.set.load_full()
    }

    /// Whether they were last read longer ago than is allowed.
    pub(super) fn are_too_old(&self, now: Timestamp) -> bool {
        let age = now.as_second().saturating_sub(self.shared.read_at.load(Ordering::Relaxed));
        u64::try_from(age).is_ok_and(|age| age > self.keep.as_secs())
    }

    /// Has the keys read again, for a token of an unknown one: at most every ten seconds, and never by the caller.
    pub(super) fn ask(&self, now: Timestamp) {
        let (last, second) = (self.shared.asked_at.load(Ordering::Relaxed), now.as_second());
        if second.saturating_sub(last) < ASKED_EVERY {
            return;
        }
        if self.shared.asked_at.compare_exchange(last, second, Ordering::Relaxed, Ordering::Relaxed).is_ok() {
            self.renewal.ring();
        }
    }
}

impl Shared {
    fn renew(&self, now: Timestamp) {
        match read(&self.source) {
            Ok(set) => {
                self.read_at.store(now.as_second(), Ordering::Relaxed);
                told(now);
                if set.digest() != self.set.load().digest() {
                    if set.is_empty() {
                        warn!("the issuer has no keys any more: no token is believed");
                    } else {
                        info!("took new keys of tokens; tokens of keys that are gone are not believed any more");
                    }
                    self.set.store(Arc::new(set));
                }
            }
            Err(fault) => warn!(fault = %fault, "the keys of tokens could not be read: those held stay for a while"),
        }
    }
}

fn told(now: Timestamp) {
    gauge!(figures::TOKEN_KEYS_READ).set(figures::float(u64::try_from(now.as_second()).unwrap_or(0)));
}

fn named(source: &KeySource) -> String {
    match source {
        KeySource::File(path) => path.display().to_string(),
        KeySource::Url { url, .. } => url.clone(),
    }
}

fn read(source: &KeySource) -> Result<KeySet, KeysFault> {
    let text = match source {
        KeySource::File(path) => file("access.jwks_file", path)?,
        KeySource::Url { url, authority } => fetched(url, authority.as_deref())?,
    };
    KeySet::read(&text).map_err(|fault| KeysFault::Set { from: named(source), fault })
}

fn file(key: &'static str, path: &Path) -> Result<Vec<u8>, KeysFault> {
    let mut text = Vec::new();
    File::open(path)
        .and_then(|file| file.take(SET_BYTES).read_to_end(&mut text))
        .map_err(|source| KeysFault::Unreadable { key, path: path.to_owned(), source })?;
    Ok(text)
}

/// Fetches what an address holds. Nowhere else is gone to, whatever the answer says.
fn fetched(url: &str, authority: Option<&Path>) -> Result<Vec<u8>, KeysFault> {
    let failed = |error: ureq::Error| KeysFault::Unfetched { url: url.to_owned(), problem: error.to_string() };
    let agent = reach::agent(authority, Way::Https)?;
    let mut answer = agent.get(url).call().map_err(failed)?;
    if answer.status() != 200 {
        let problem = format!("it answers with status {}", answer.status().as_u16());
        return Err(KeysFault::Unfetched { url: url.to_owned(), problem });
    }
    answer.body_mut().with_config().limit(SET_BYTES).read_to_vec().map_err(failed)
}
