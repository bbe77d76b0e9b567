//! The real server, in a process of its own, as a force would run it.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};

use super::process::{self, Owned, Usage};

/// Longest wait for a server to be ready or to end: a million people take a while.
const PATIENCE: Duration = Duration::from_mins(30);

/// A server process.
pub struct Server {
    process: Owned,
    /// Where it listens.
    pub address: String,
    /// Where it serves HTTP.
    pub http: String,
    /// From its start until it was ready.
    pub started_in: Duration,
}

impl Server {
    /// A server on a data directory, with further arguments.
    pub fn on(directory: &Path, more: &[&str]) -> anyhow::Result<Self> {
        let started = Instant::now();
        let mut child = Command::new(env!("CARGO_BIN_EXE_steelyard"))
            .args([
                "serve",
                "--grpc-listen",
                "127.0.0.1:0",
                "--http-listen",
                "127.0.0.1:0",
                "--log-format",
                "json",
                "--data-dir",
            ])
            .arg(directory)
            .args(health(more))
            .args(audit(more))
            .args(more)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .context("the server could not be started")?;
        let log = child.stderr.take().context("its log is piped")?;
        let process = Owned(child);
        let (ready, addresses) = mpsc::channel();
        std::thread::spawn(move || {
            for line in BufReader::new(log).lines().map_while(Result::ok) {
                match ready_at(&line) {
                    // Nobody listens any more once the server is known to be ready.
                    Some(addresses) => drop(ready.send(addresses)),
                    None if line.contains("\"ERROR\"") => eprintln!("server: {line}"),
                    None => {}
                }
            }
        });
        let (address, http) = addresses.recv_timeout(PATIENCE).context("the server did not become ready")?;
        Ok(Self { process, address, http, started_in: started.elapsed() })
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.process.0.id()
    }

    /// What it uses.
    pub fn usage(&self) -> anyhow::Result<Usage> {
        process::usage(self.process.0.id())
    }

    /// Asks it to stop, and waits.
    pub fn stop(mut self) -> anyhow::Result<()> {
        let asked = Command::new("kill").arg(self.process.0.id().to_string()).status()?;
        ensure!(asked.success(), "the server had ended by itself");
        ensure!(self.process.0.wait()?.success(), "the server did not stop in order");
        Ok(())
    }
}

/// Who looks is written down only where callers say who they are: what other benchmarks compare, an echo or an engine alone,
/// writes nothing of the kind. What it costs is measured by `secured`.
fn audit(more: &[&str]) -> &'static [&'static str] {
    if more.iter().any(|argument| argument.starts_with("--access-")) { &[] } else { &["--audit-enabled", "false"] }
}

/// Nothing is counted unless it is asked for.
fn health(more: &[&str]) -> &'static [&'static str] {
    if more.contains(&"--health-listen") { &[] } else { &["--health-listen", "off"] }
}

fn ready_at(line: &str) -> Option<(String, String)> {
    let line: serde_json::Value = serde_json::from_str(line).ok()?;
    let fields = line.get("fields").unwrap_or(&line);
    let ready = fields.get("message").is_some_and(|message| message == "ready");
    let address = |name: &str| fields.get(name).filter(|_| ready)?.as_str().map(str::to_owned);
    Some((address("grpc.address")?, address("http.address")?))
}
