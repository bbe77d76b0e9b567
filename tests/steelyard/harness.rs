//! A real server process on a real socket, with a client generated from the
//! contract. Whatever a test leaves running is killed when it goes out of scope.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use steelyard::pb;
use steelyard::pb::evidence_service_client::EvidenceServiceClient;
use steelyard::pb::maintenance_service_client::MaintenanceServiceClient;
use steelyard::pb::ranking_service_client::RankingServiceClient;
use tonic::transport::Channel;
use uuid::Uuid;

use crate::people::AS_OF;

/// Longest wait for a server to be ready or to end.
const PATIENCE: Duration = Duration::from_mins(2);

/// The command with no settings but those that a test gives it: neither a developer's own nor the variables of the
/// tests themselves, which the server would refuse as misspelt settings.
pub fn steelyard() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_steelyard"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("STEELYARD_") {
            command.env_remove(name);
        }
    }
    command
}

/// A server process.
pub struct Server {
    process: Child,
    address: String,
    health: Option<String>,
}

impl Server {
    /// A server that keeps everything in memory, weighing on [`AS_OF`].
    pub fn in_memory() -> Self {
        Self::with(&["--memory", "--as-of", AS_OF])
    }

    /// A server on a data directory, weighing on the day that its ledger says.
    pub fn on(directory: &Path, more: &[&str]) -> Self {
        let directory = directory.to_str().expect("a temporary path must be text");
        let mut arguments = vec!["--data-dir", directory];
        arguments.extend(more);
        Self::with(&arguments)
    }

    /// A server with these arguments, ready to be called.
    pub fn with(arguments: &[&str]) -> Self {
        Self::ready(Self::command(arguments))
    }

    /// As [`on`](Self::on), unable to let any file grow past so many blocks of 512 bytes: the refusal of a full disk,
    /// without a file system of our own.
    pub fn on_a_disk_of(blocks: u32, directory: &Path, more: &[&str]) -> Self {
        let directory = directory.to_str().expect("a temporary path must be text");
        let server = Self::command(&[&["--data-dir", directory], more].concat());
        let mut limited = Command::new("sh");
        limited.args(["-c", &format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" \"$@\"")]);
        limited.arg(server.get_program()).args(server.get_args());
        for (name, value) in server.get_envs() {
            match value {
                Some(value) => limited.env(name, value),
                None => limited.env_remove(name),
            };
        }
        limited.stderr(Stdio::piped()).stdout(Stdio::null());
        Self::ready(limited)
    }

    fn ready(mut command: Command) -> Self {
        let mut process = command.spawn().expect("the server must start");
        let log = process.stderr.take().expect("the log is piped");
        let (ready, addresses) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            let mut health = None;
            for line in BufReader::new(log).lines().map_while(Result::ok) {
                health = field_in(&line, "starting", "health.address").or(health);
                if let Some(address) = field_in(&line, "ready", "grpc.address") {
                    // Nobody listens any more once the server is known to be ready.
                    drop(ready.send((address, health.take())));
                }
            }
        });
        let (address, health) = addresses.recv_timeout(PATIENCE).expect("the server must become ready");
        Self { process, address, health }
    }

    fn command(arguments: &[&str]) -> Command {
        let mut command = steelyard();
        if arguments.contains(&"--grpc-listen") {
            command.arg("serve");
        } else {
            command.args(["serve", "--grpc-listen", "127.0.0.1:0"]);
        }
        if !arguments.contains(&"--health-listen") {
            command.args(["--health-listen", "off"]);
        }
        command.args(["--log-format", "json"]).args(arguments).stderr(Stdio::piped()).stdout(Stdio::null());
        command
    }

    /// Starts a server that must refuse to; its exit code and what it said.
    pub fn refused(arguments: &[&str]) -> (Option<i32>, String) {
        let output = Self::command(arguments).output().expect("the server must start");
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    }

    /// Where it listens, as the command line takes it.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What it answers to an HTTP request on the port of health and metrics: status and body.
    pub fn http(&self, path: &str) -> (u16, String) {
        let health = self.health.as_deref().expect("the server must log where health is served");
        let mut stream = TcpStream::connect(health).expect("health must be served");
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout can be set");
        let request = format!("GET {path} HTTP/1.1\r\nHost: {health}\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).expect("a request must be taken");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer must come");
        let (head, body) = answer.split_once("\r\n\r\n").expect("an answer has a head and a body");
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
        (status.expect("an answer has a status"), body.to_owned())
    }

    /// A client of it.
    pub async fn client(&self) -> Client {
        let channel = Channel::from_shared(self.url())
            .expect("an address must be a URI")
            .connect()
            .await
            .expect("a ready server must take connections");
        Client {
            evidence: EvidenceServiceClient::new(channel.clone()),
            maintenance: MaintenanceServiceClient::new(channel.clone()),
            ranking: RankingServiceClient::new(channel),
        }
    }

    /// Asks it to stop, and waits. Clients that are idle must not hold it up.
    pub async fn stop(mut self) -> ExitStatus {
        let killed = Command::new("kill").arg(self.process.id().to_string()).status();
        assert!(killed.is_ok_and(|status| status.success()), "the server must still run");
        let waited = tokio::task::spawn_blocking(move || self.process.wait());
        let waited = tokio::time::timeout(PATIENCE, waited).await.expect("the server must stop when asked");
        waited.expect("waiting must not panic").expect("a child can be waited for")
    }

    /// Kills it as a power cut would, and waits until it is gone.
    pub fn kill(mut self) {
        self.process.kill().expect("the server must still run");
        self.process.wait().expect("a child can be waited for");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Already gone after `stop` and `kill`.
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

fn field_in(line: &str, message: &str, field: &str) -> Option<String> {
    let line: serde_json::Value = serde_json::from_str(line).ok()?;
    let told = line.get("message")?.as_str()? == message;
    line.get(field).filter(|_| told)?.as_str().map(str::to_owned)
}

/// Clients of every service.
#[derive(Clone)]
pub struct Client {
    /// Of evidence.
    pub evidence: EvidenceServiceClient<Channel>,
    /// Of maintenance.
    pub maintenance: MaintenanceServiceClient<Channel>,
    /// Of ranking.
    pub ranking: RankingServiceClient<Channel>,
}

impl Client {
    /// Writes records, all or none.
    pub async fn try_write(&mut self, records: Vec<pb::Record>) -> Result<pb::WriteEvidenceResponse, tonic::Status> {
        let request = pb::WriteEvidenceRequest { request_id: new_id(), records, ..Default::default() };
        self.evidence.write_evidence(request).await.map(tonic::Response::into_inner)
    }

    /// Writes records that must be taken.
    pub async fn write(&mut self, records: Vec<pb::Record>) -> pb::WriteEvidenceResponse {
        match self.try_write(records).await {
            Ok(response) => response,
            Err(status) => panic!("records must be taken: {}", told(&status)),
        }
    }

    /// A whole list, in pages of `size`.
    pub async fn whole(&mut self, list: pb::List, size: u32) -> Vec<pb::Standing> {
        let mut whole = Vec::new();
        let mut page_token = String::new();
        loop {
            let request =
                pb::ListStandingsRequest { list: list.into(), page_size: size, page_token, ..Default::default() };
            let page = self.ranking.list_standings(request).await.expect("a page must come").into_inner();
            whole.extend(page.standings);
            if page.next_page_token.is_empty() {
                return whole;
            }
            page_token = page.next_page_token;
        }
    }

    /// A person's standing on every list.
    pub async fn standing(&mut self, subject_ref: &str) -> Result<pb::GetStandingResponse, tonic::Status> {
        let request = pb::GetStandingRequest { subject_ref: subject_ref.to_owned(), ..Default::default() };
        self.ranking.get_standing(request).await.map(tonic::Response::into_inner)
    }

    /// A person's standing on one list, which they must stand on.
    pub async fn on_list(&mut self, subject_ref: &str, list: pb::List) -> pb::Standing {
        let answer = self.standing(subject_ref).await.expect("the person must be known");
        let listed = answer.standings.into_iter().find(|listed| listed.list == i32::from(list));
        listed.and_then(|listed| listed.standing).unwrap_or_else(|| panic!("{subject_ref} must stand on {list:?}"))
    }
}

/// A new request id.
pub fn new_id() -> String {
    Uuid::new_v4().to_string()
}

/// A status with its reason and every violation, as `field: REASON: description`.
pub fn told(status: &tonic::Status) -> String {
    use tonic_types::StatusExt;
    let details = status.get_error_details();
    let reason = details.error_info().map(|info| info.reason.clone()).unwrap_or_default();
    let violations = details.bad_request().map(|bad| bad.field_violations.clone()).unwrap_or_default();
    let violations: Vec<String> = violations
        .into_iter()
        .map(|violation| format!("{}: {}: {}", violation.field, violation.reason, violation.description))
        .collect();
    format!("{:?} {reason} {} {}", status.code(), status.message(), violations.join(" | "))
}
