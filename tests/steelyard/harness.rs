//! A real server process on a real socket, called through [`Client`]. Whatever
//! a test leaves running is killed when it goes out of scope.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tonic::transport::Channel;

pub use crate::client::{Client, new_id, reason, told};
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
    log: Log,
}

/// What a server process has said so far.
pub type Log = Arc<Mutex<String>>;

/// A server that ended instead of becoming ready.
#[derive(Debug)]
pub struct Ended {
    /// Its exit code; `None`: a signal ended it.
    pub code: Option<i32>,
    /// What it said.
    pub log: String,
}

impl Server {
    /// A server that keeps everything in memory, weighing on [`AS_OF`].
    pub fn in_memory() -> Self {
        Self::with(&["--memory", "--as-of", AS_OF])
    }

    /// A server on a data directory, weighing on the day that its ledger says.
    pub fn on(directory: &Path, more: &[&str]) -> Self {
        Self::with(&on_directory(directory, more))
    }

    /// A server with these arguments, ready to be called.
    pub fn with(arguments: &[&str]) -> Self {
        match Starting::with(arguments).ready() {
            Ok(server) => server,
            Err(ended) => panic!("the server must become ready, it ended with {:?}:\n{}", ended.code, ended.log),
        }
    }

    /// As [`on`](Self::on), unable to let any file grow past so many blocks of 512 bytes: the refusal of a full disk,
    /// without a file system of our own.
    pub fn on_a_disk_of(blocks: u32, directory: &Path, more: &[&str]) -> Self {
        let server = serving(&on_directory(directory, more));
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
        Starting::run(limited).ready().expect("the server must become ready")
    }

    /// Starts a server that must refuse to; its exit code and what it said.
    pub fn refused(arguments: &[&str]) -> (Option<i32>, String) {
        let output = serving(arguments).output().expect("the server must start");
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    }

    /// What it has said so far.
    pub fn log(&self) -> String {
        self.log.lock().expect("nobody panics while reading a log").clone()
    }

    /// Its log, also for when it has ended.
    pub fn kept_log(&self) -> Log {
        Arc::clone(&self.log)
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// Asks it to stop, as an operator would, and does not wait.
    pub fn ask_to_stop(&self) {
        let asked = Command::new("kill").arg(self.process.id().to_string()).status();
        assert!(asked.is_ok_and(|status| status.success()), "the server must still run");
    }

    /// Where it listens, as the command line takes it.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Where it serves pages and JSON, if it was told to.
    pub fn http_address(&self) -> String {
        let log = self.log();
        let address = log.lines().find_map(|line| said(line, "ready", "http.address"));
        address.filter(|address| address != "off").expect("the server must log where HTTP is served")
    }

    /// What it answers to an HTTP request on the port of health and metrics: status and body.
    pub fn http(&self, path: &str) -> (u16, String) {
        let log = self.log();
        let health = log.lines().find_map(|line| said(line, "starting", "health.address"));
        let health = health.expect("the server must log where health is served");
        let mut stream = TcpStream::connect(&health).expect("health must be served");
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
        Client::over(channel)
    }

    /// Asks it to stop, and waits. Clients that are idle must not hold it up.
    pub async fn stop(mut self) -> ExitStatus {
        let killed = Command::new("kill").arg(self.process.id().to_string()).status();
        assert!(killed.is_ok_and(|status| status.success()), "the server must still run");
        let waited = tokio::task::spawn_blocking(move || self.process.wait());
        let waited = tokio::time::timeout(PATIENCE, waited).await.expect("the server must stop when asked");
        waited.expect("waiting must not panic").expect("a child can be waited for")
    }

    /// Kills it after a while, unless it has ended by then; waits until it is gone.
    pub fn kill_unless_ended_within(mut self, patience: Duration) {
        let ended = within(patience, || self.process.try_wait().expect("a child can be waited for"));
        if ended.is_none() {
            // It may have ended since it was asked.
            drop(self.process.kill());
            self.process.wait().expect("a child can be waited for");
        }
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

/// Arguments of a server on a data directory.
pub fn on_directory<'a>(directory: &'a Path, more: &[&'a str]) -> Vec<&'a str> {
    let mut arguments = vec!["--data-dir", directory.to_str().expect("a temporary path must be text")];
    arguments.extend(more);
    arguments
}

/// The command that serves with these arguments, on a port that the system chooses unless they name one.
fn serving(arguments: &[&str]) -> Command {
    let mut command = steelyard();
    command.arg("serve");
    if !arguments.contains(&"--grpc-listen") {
        command.args(["--grpc-listen", "127.0.0.1:0"]);
    }
    for door in ["--health-listen", "--http-listen"] {
        if !arguments.contains(&door) {
            command.args([door, "off"]);
        }
    }
    command.args(["--log-format", "json"]).args(arguments).stderr(Stdio::piped()).stdout(Stdio::null());
    command
}

/// A server process that is not known to be ready.
pub struct Starting {
    // Always there, but for the moment in which it becomes a server.
    process: Option<Child>,
    log: Log,
    said: Receiver<String>,
}

impl Starting {
    /// Starts a process with these arguments.
    pub fn with(arguments: &[&str]) -> Self {
        Self::run(serving(arguments))
    }

    fn run(mut command: Command) -> Self {
        let mut process = command.spawn().expect("the server must start");
        let stream = process.stderr.take().expect("the log is piped");
        let log = Log::default();
        let (tell, said) = mpsc::channel();
        let kept = Arc::clone(&log);
        std::thread::spawn(move || {
            for line in BufReader::new(stream).lines().map_while(Result::ok) {
                kept.lock().expect("nobody panics while reading a log").extend([line.as_str(), "\n"]);
                // Nobody listens any more once the server is known to be ready.
                drop(tell.send(line));
            }
        });
        Self { process: Some(process), log, said }
    }

    /// The server, once it is ready, or how it ended.
    pub fn ready(self) -> Result<Server, Ended> {
        match self.ready_within(PATIENCE) {
            Ok(outcome) => outcome,
            Err(hung) => panic!("the server neither became ready nor ended:\n{}", hung.log.lock().expect("as above")),
        }
    }

    /// The server or how it ended, or itself when it is neither ready nor ended after `patience`.
    pub fn ready_within(mut self, patience: Duration) -> Result<Result<Server, Ended>, Self> {
        let deadline = Instant::now() + patience;
        loop {
            match self.said.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(line) => {
                    if let Some(address) = address_in(&line) {
                        let process = self.process.take().expect("a starting server must have a process");
                        return Ok(Ok(Server { process, address, log: Arc::clone(&self.log) }));
                    }
                }
                Err(RecvTimeoutError::Timeout) => return Err(self),
                Err(RecvTimeoutError::Disconnected) => {
                    let process = self.process.as_mut().expect("a starting server must have a process");
                    let code = process.wait().expect("a child can be waited for").code();
                    return Ok(Err(Ended { code, log: self.log.lock().expect("as above").clone() }));
                }
            }
        }
    }
}

impl Drop for Starting {
    /// Kills it as a power cut would, and waits until it is gone.
    fn drop(&mut self) {
        if let Some(process) = &mut self.process {
            drop(process.kill());
            drop(process.wait());
        }
    }
}

/// Asks again and again until there is an answer, but not for ever.
pub fn within<T>(patience: Duration, mut ask: impl FnMut() -> Option<T>) -> Option<T> {
    let deadline = Instant::now() + patience;
    loop {
        if let Some(answer) = ask() {
            return Some(answer);
        }
        if Instant::now() > deadline {
            return None;
        }
        std::thread::park_timeout(Duration::from_millis(5));
    }
}

fn address_in(line: &str) -> Option<String> {
    said(line, "ready", "grpc.address")
}

/// A field of a line of the log with this message.
fn said(line: &str, message: &str, field: &str) -> Option<String> {
    let line: serde_json::Value = serde_json::from_str(line).ok()?;
    let meant = line.get("message")?.as_str()? == message;
    line.get(field).filter(|_| meant)?.as_str().map(str::to_owned)
}
