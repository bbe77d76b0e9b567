//! Settings of the server, validated once before any port is bound. Sources, the
//! weakest first: defaults, the TOML file, the environment, flags. Every violation
//! is told at once. Nothing outside this module reads an environment variable or a
//! file for a setting, and no setting changes while the server runs.

mod access;
mod audit;
mod backup;
mod connections;
mod encryption;
mod evaluation;
mod flags;
mod grpc;
mod health;
mod http;
mod key;
mod limits;
mod lists;
mod log;
mod reader;
mod reference;
mod rescore;
mod retention;
mod shutdown;
mod signin;
mod sources;
mod store;
mod tls;
mod tracing;

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;

pub use access::{Access, KeySource, Tokens};
pub use audit::Audit;
pub use backup::Backup;
pub use connections::Connections;
pub use encryption::{Encryption, Keys};
pub use evaluation::{Evaluation, HarmTableFile};
pub use flags::Flags;
pub use grpc::Grpc;
pub use health::Health;
pub use http::Http;
pub use key::{Key, Shape};
pub use limits::Limits;
pub use lists::{Lists, PolicyFile};
pub use log::{Log, LogFormat};
pub use reader::Effective;
pub use reference::page as reference_page;
pub use rescore::{Rescore, Retention};
pub use shutdown::Shutdown;
pub use signin::{Bearer, Frames, SignIn};
pub use store::{Home, Store};
pub use tls::{Clients, Pair, Tls};
pub use tracing::{Receiver, Tracing, WHOLE};

use crate::domain::retention::Periods;
use reader::Reader;
use sources::Sources;

/// Every key, grouped by concern, in the order of the reference page.
pub const CONCERNS: &[Concern] = &[
    grpc::CONCERN,
    http::CONCERN,
    tls::CONCERN,
    access::CONCERN,
    signin::CONCERN,
    connections::CONCERN,
    store::CONCERN,
    backup::CONCERN,
    encryption::CONCERN,
    lists::CONCERN,
    evaluation::CONCERN,
    rescore::CONCERN,
    retention::CONCERN,
    limits::CONCERN,
    audit::CONCERN,
    health::CONCERN,
    log::CONCERN,
    tracing::CONCERN,
    shutdown::CONCERN,
];

/// Keys that belong together.
#[derive(Debug)]
pub struct Concern {
    /// Heading on the reference page.
    pub title: &'static str,
    /// Its keys.
    pub keys: &'static [&'static Key],
}

/// What the server runs by. Each part was checked; parts that contradict each other were refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Where gRPC is served.
    pub grpc: Grpc,
    /// Where HTTP is served, and to whose pages.
    pub http: Http,
    /// How connections are protected.
    pub tls: Tls,
    /// Whom it believes about who calls.
    pub access: Access,
    /// How people sign in from a browser. `None`: they do not.
    pub signin: Option<SignIn>,
    /// How many connections are held.
    pub connections: Connections,
    /// Where the ledger is kept.
    pub store: Store,
    /// When it is backed up, where to, and what is kept.
    pub backup: Backup,
    /// Whether what is kept is sealed, and where the keys are.
    pub encryption: Encryption,
    /// What lists are weighed by, and when they are stale.
    pub lists: Lists,
    /// What lists are compared with.
    pub evaluation: Evaluation,
    /// When everybody is weighed anew, and how long what was published is kept.
    pub rescore: Rescore,
    /// When the records of a person are to be reviewed.
    pub retention: Periods,
    /// How much one caller may ask.
    pub limits: Limits,
    /// Whether who looked is written down.
    pub audit: Audit,
    /// Where liveness, readiness and metrics are served.
    pub health: Health,
    /// How logs are written.
    pub log: Log,
    /// Where traces are sent, and how many there are.
    pub tracing: Tracing,
    /// How long stopping may take.
    pub shutdown: Shutdown,
}

impl Settings {
    /// Settings of a trial server: everything by default, but kept in `directory`, served at `listen`
    /// (a loopback address), and weighed as of `as_of`. It serves no metrics and makes no backups by itself: it may
    /// run beside the real one, and what is invented can be invented again.
    pub fn trial(listen: SocketAddr, directory: PathBuf, as_of: crate::domain::Date) -> Self {
        let sources = Sources {
            file: None,
            environment: Vec::new(),
            flags: vec![
                (&grpc::LISTEN, listen.to_string()),
                (&backup::EVERY_MINUTES, "0".to_owned()),
                (&health::LISTEN, "off".to_owned()),
                (&http::LISTEN, "off".to_owned()),
                (&lists::AS_OF, as_of.to_string()),
                (&log::LEVEL, "warn".to_owned()),
                (&store::MEMORY, "true".to_owned()),
            ],
        };
        let (settings, _) = settle(&sources).expect("the defaults and a loopback address must be valid");
        let backup = Backup { directory: Some(Backup::default_directory(&directory)), ..settings.backup };
        Self { store: Store { home: Home::Directory(directory), ..settings.store }, backup, ..settings }
    }
}

/// Everything wrong with the settings, told at once.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct Invalid {
    /// Every violation, in the order of the reference page; what names no key comes first.
    pub violations: Vec<Violation>,
}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.violations.len();
        write!(f, "the settings are wrong in {count} {}:", if count == 1 { "place" } else { "places" })?;
        self.violations.iter().try_for_each(|violation| write!(f, "\n  {violation}"))
    }
}

/// One thing wrong with one setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Key, such as `grpc.listen`; as written, where there is no such key.
    pub key: String,
    /// Value given. `None`: none was.
    pub value: Option<String>,
    /// Where it was given, such as `flag --grpc-listen`. `None`: nowhere.
    pub source: Option<String>,
    /// What is wrong, and what would be right.
    pub problem: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.key)?;
        if let Some(value) = &self.value {
            write!(f, " = {value:?}")?;
        }
        if let Some(source) = &self.source {
            write!(f, " ({source})")?;
        }
        write!(f, ": {}", self.problem)
    }
}

/// Settings from the flags given, the process's environment, and the file that either names.
///
/// # Errors
/// Every violation at once.
pub fn load(flags: &Flags) -> Result<Settings, Invalid> {
    settle(&Sources::of_process(flags)).map(|(settings, _)| settings)
}

/// The value in force of every key and where it comes from, for `steelyard config show`.
///
/// # Errors
/// Every violation at once, as [`load`] would tell them.
pub fn effective(flags: &Flags) -> Result<Vec<Effective>, Invalid> {
    settle(&Sources::of_process(flags)).map(|(_, effective)| effective)
}

fn settle(sources: &Sources) -> Result<(Settings, Vec<Effective>), Invalid> {
    let (figment, violations) = sources.merge();
    let mut reader = Reader::new(&figment, violations);
    let grpc = grpc::settle(&mut reader);
    let http = http::settle(&mut reader);
    let tls = tls::settle(&mut reader);
    let access = access::settle(&mut reader, tls.as_ref());
    let connections = connections::settle(&mut reader);
    if let (Some(grpc), Some(tls), Some(access)) = (&grpc, &tls, &access) {
        access::guard(&mut reader, &grpc::LISTEN, grpc.listen, tls, access);
    }
    if let (Some(Http { listen: Some(listen), .. }), Some(tls), Some(access)) = (&http, &tls, &access) {
        access::guard(&mut reader, &http::LISTEN, *listen, tls, access);
    }
    let beside = signin::Beside { http: http.as_ref(), tls: tls.as_ref(), access: access.as_ref() };
    let signin = signin::settle(&mut reader, &beside);
    let store = store::settle(&mut reader);
    let backup = backup::settle(&mut reader, store.as_ref());
    let encryption = encryption::settle(&mut reader, store.as_ref(), backup.as_ref());
    let lists = lists::settle(&mut reader);
    let evaluation = evaluation::settle(&mut reader);
    let rescore = rescore::settle(&mut reader);
    let retention = retention::settle(&mut reader);
    let limits = limits::settle(&mut reader);
    let audit = audit::settle(&mut reader, access.as_ref());
    let health = health::settle(&mut reader);
    let log = log::settle(&mut reader);
    let tracing = tracing::settle(&mut reader);
    let shutdown = shutdown::settle(&mut reader);
    let effective = reader.finish()?;
    let agreed = "a setting without a violation must have a value";
    let settings = Settings {
        grpc: grpc.expect(agreed),
        http: http.expect(agreed),
        tls: tls.expect(agreed),
        access: access.expect(agreed),
        signin: signin.expect(agreed),
        connections: connections.expect(agreed),
        store: store.expect(agreed),
        backup: backup.expect(agreed),
        encryption: encryption.expect(agreed),
        lists: lists.expect(agreed),
        evaluation: evaluation.expect(agreed),
        rescore: rescore.expect(agreed),
        retention: retention.expect(agreed),
        limits: limits.expect(agreed),
        audit: audit.expect(agreed),
        health: health.expect(agreed),
        log: log.expect(agreed),
        tracing: tracing.expect(agreed),
        shutdown: shutdown.expect(agreed),
    };
    Ok((settings, effective))
}

#[cfg(test)]
mod tests;
