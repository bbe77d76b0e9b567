//! The server of this machine, asked on the port of its probes, which needs no token
//! and tells of no person. Where none runs, whether its ports are free for it.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};

use serde::Deserialize;

use super::finding::{Area, Finding};
use crate::access::reach::{self, Way};
use crate::config::Settings;

/// Most bytes of an answer.
const ANSWER_BYTES: u64 = 64 << 10;

/// The server.
#[derive(Debug)]
pub enum Server {
    /// None has the store open.
    Stopped,
    /// One has, and says how it stands.
    Answering(Box<Ready>),
    /// One has, and is opening it, or stopping.
    Busy(String),
    /// One has, and does not answer.
    Silent(String),
    /// One has, and serves no probes.
    Unasked,
}

/// What `/readyz` says, as far as it is judged here.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Ready {
    /// How far it has come.
    pub stage: String,
    /// Last revision.
    pub revision: Option<u64>,
    /// Whether writes are taken.
    pub writable: bool,
    /// Why not.
    pub refusal: Option<String>,
    /// Lists are of a day older than allowed.
    pub stale: bool,
    /// The day that lists are of.
    pub as_of: Option<String>,
    /// Why the newest run did not publish.
    pub rescore_problem: Option<String>,
    /// Damage that a read met.
    pub suspect: Option<String>,
    /// Backups.
    pub backup: Backups,
    /// The audit.
    pub audit: Option<Audit>,
}

/// Backups, as the server tells of them.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Backups {
    /// The newest verified one.
    pub last: Option<Backup>,
    /// Failures since the start.
    pub failures: u64,
    /// Why the last one failed.
    pub problem: Option<String>,
}

/// A verified backup.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Backup {
    /// Its last revision.
    pub revision: u64,
    /// Seconds since it was made.
    pub age_seconds: i64,
}

/// The audit, as the server tells of it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Audit {
    /// Whether it can be written.
    pub writable: bool,
    /// Why not.
    pub refusal: Option<String>,
}

impl Server {
    /// Asks the server, if one has the store open or nothing is kept in a directory.
    pub async fn ask(settings: &Settings, in_use: bool) -> Self {
        let in_memory = settings.store.home == crate::config::Home::Memory;
        if !in_use && !in_memory {
            return Self::Stopped;
        }
        let Some(listen) = settings.health.listen else {
            return if in_use { Self::Unasked } else { Self::Stopped };
        };
        let at = here(listen);
        let answer = tokio::task::spawn_blocking(move || fetched(at)).await;
        match answer.unwrap_or_else(|panicked| Err(panicked.to_string())) {
            Ok(ready) if ready.stage == "serving" => Self::Answering(Box::new(ready)),
            Ok(Ready { stage, .. }) => Self::Busy(stage),
            Err(_) if !in_use => Self::Stopped,
            Err(problem) => Self::Silent(format!("http://{at}/readyz: {problem}")),
        }
    }

    /// What is found of it.
    pub fn findings(&self, settings: &Settings) -> Vec<Finding> {
        match self {
            Self::Stopped => ports(settings),
            Self::Busy(stage) => vec![Finding::note(
                Area::Server,
                format!("The server is not ready: {stage}."),
                "A start after a loss may take long; look at its log. It answers `/livez` meanwhile.",
            )],
            Self::Silent(problem) => vec![Finding::wrong(
                Area::Server,
                format!("A server has the store open and does not answer: {problem}."),
                "Does it run by other settings than these? If not, look at its log, and restart it.",
            )],
            Self::Unasked => vec![Finding::unknown(
                Area::Server,
                "A server has the store open; `health.listen` is off, so it cannot be asked here.",
                "`steelyard health --detail` asks it over gRPC.",
            )],
            Self::Answering(ready) => answering(ready),
        }
    }
}

fn answering(ready: &Ready) -> Vec<Finding> {
    let revision = ready.revision.unwrap_or_default();
    let mut findings = vec![if ready.writable {
        Finding::well(
            Area::Server,
            format!("The server serves lists and takes writes; the ledger is at revision {revision}."),
        )
    } else {
        let refusal = ready.refusal.as_deref().unwrap_or("it does not say why");
        let todo = "Make room on the disk; it takes writes again by itself. After another failure restart it.";
        Finding::wrong(Area::Server, format!("The server refuses writes: {refusal}."), todo)
    }];
    if let Some(suspect) = &ready.suspect {
        let todo = "Restart it soon: the start then checks everything, and rebuilds what is damaged.";
        findings.push(Finding::wrong(Area::Server, format!("A read met damage: {suspect}."), todo));
    }
    if let Some(Audit { writable: false, refusal }) = &ready.audit {
        let refusal = refusal.as_deref().unwrap_or("it does not say why");
        let todo = "Make room on the disk, or restart the server: until then nothing is disclosed to anybody.";
        findings.push(Finding::wrong(Area::Server, format!("The audit cannot be written: {refusal}."), todo));
    }
    findings
}

/// Whether a server that starts gets its ports.
fn ports(settings: &Settings) -> Vec<Finding> {
    let listens = [
        ("grpc.listen", Some(settings.grpc.listen)),
        ("http.listen", settings.http.listen),
        ("health.listen", settings.health.listen),
    ];
    let refused: Vec<Finding> = listens.into_iter().filter_map(|(key, at)| port(key, at?)).collect();
    if refused.is_empty() {
        return vec![Finding::well(Area::Server, "No server runs by these settings, and its ports are free.")];
    }
    refused
}

fn port(key: &str, at: SocketAddr) -> Option<Finding> {
    // Let go of at once.
    let error = TcpListener::bind(at).err()?;
    let (problem, todo) = match error.kind() {
        io::ErrorKind::AddrInUse => (
            "somebody else listens there".to_owned(),
            "Stop that one, perhaps a server by other settings, or choose another port.",
        ),
        io::ErrorKind::PermissionDenied => {
            ("this user may not".to_owned(), "Choose a port above 1023, or let the user bind it.")
        }
        io::ErrorKind::AddrNotAvailable => {
            ("this machine has no such address".to_owned(), "Name an address of this machine, or 0.0.0.0.")
        }
        _ => (error.to_string(), "See that the address is this machine's."),
    };
    Some(Finding::wrong(Area::Server, format!("`{key}` cannot be bound, {at}: {problem}."), todo))
}

/// The same port on this machine.
fn here(listen: SocketAddr) -> SocketAddr {
    let ip = match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    SocketAddr::new(ip, listen.port())
}

fn fetched(at: SocketAddr) -> Result<Ready, String> {
    let agent = reach::agent(None, Way::Loopback).map_err(|fault| fault.to_string())?;
    let mut answer = agent.get(format!("http://{at}/readyz")).call().map_err(|error| error.to_string())?;
    let body =
        answer.body_mut().with_config().limit(ANSWER_BYTES).read_to_string().map_err(|error| error.to_string())?;
    serde_json::from_str(&body).map_err(|_| "what answers there is no Steelyard".to_owned())
}

#[cfg(test)]
mod tests {
    use super::super::finding::Verdict;
    use super::*;

    #[test]
    fn a_port_that_somebody_else_has_is_told_by_its_setting() {
        let held = TcpListener::bind("127.0.0.1:0").unwrap();
        let found = port("grpc.listen", held.local_addr().unwrap()).unwrap();
        assert!(
            found.seen.starts_with("`grpc.listen` cannot be bound") && found.seen.contains("somebody else"),
            "{}",
            found.seen
        );
        assert_eq!(port("grpc.listen", "127.0.0.1:0".parse().unwrap()), None);
    }

    #[test]
    fn what_a_server_says_is_wrong_with_it_is_told() {
        let sick = Ready {
            refusal: Some("the disk is low".to_owned()),
            suspect: Some("event 7".to_owned()),
            audit: Some(Audit { writable: false, refusal: Some("the disk is full".to_owned()) }),
            ..Ready::default()
        };
        let found = answering(&sick);
        assert_eq!(found.len(), 3);
        assert!(found.iter().all(|it| it.verdict == Verdict::Wrong && it.todo.is_some()));
        assert_eq!(answering(&Ready { writable: true, ..Ready::default() })[0].verdict, Verdict::Well);
    }

    #[test]
    fn a_server_that_listens_everywhere_is_asked_here() {
        assert_eq!(here("0.0.0.0:9090".parse().unwrap()).to_string(), "127.0.0.1:9090");
        assert_eq!(here("[::]:9090".parse().unwrap()).to_string(), "[::1]:9090");
        assert_eq!(here("10.0.0.7:9090".parse().unwrap()).to_string(), "10.0.0.7:9090");
    }
}
