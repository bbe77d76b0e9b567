//! HTTP as a client without our code speaks it: a request over a socket of its own,
//! and what comes back, whole or piece by piece as it comes.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::Value;

use crate::harness::Server;

/// Longest wait for something that must come.
const PATIENCE: Duration = Duration::from_mins(1);

/// Headers, by name and value.
pub type Headers<'a> = &'a [(&'a str, &'a str)];

/// Where a server speaks HTTP.
#[derive(Clone, Debug)]
pub struct Web {
    address: String,
}

/// An answer that is whole.
#[derive(Debug)]
pub struct Told {
    /// Its status.
    pub status: u16,
    headers: Vec<(String, String)>,
    /// Its body, as it was sent.
    pub body: Vec<u8>,
}

/// An answer that comes line by line.
pub struct Going {
    /// Its status.
    pub status: u16,
    headers: Vec<(String, String)>,
    body: BufReader<Body>,
}

impl Web {
    /// Where a server says that it speaks HTTP.
    pub fn of(server: &Server) -> Self {
        Self { address: server.http_address() }
    }

    /// Where another than a server of ours speaks it.
    pub fn at(address: &str) -> Self {
        Self { address: address.to_owned() }
    }

    /// Name and port, as a browser would send them.
    pub fn host(&self) -> &str {
        &self.address
    }

    /// Asks for a path.
    pub fn get(&self, path: &str, headers: Headers<'_>) -> Told {
        self.ask("GET", path, headers, b"")
    }

    /// Sends a JSON body.
    pub fn post(&self, path: &str, headers: Headers<'_>, body: &Value) -> Told {
        let headers = [headers, &[("content-type", "application/json")]].concat();
        self.ask("POST", path, &headers, body.to_string().as_bytes())
    }

    /// Asks, and waits for the whole answer.
    pub fn ask(&self, method: &str, path: &str, headers: Headers<'_>, body: &[u8]) -> Told {
        let Going { status, headers, body: mut rest } = self.begin(method, path, headers, body);
        let mut body = Vec::new();
        rest.read_to_end(&mut body).expect("an answer must come to its end");
        Told { status, headers, body }
    }

    /// Asks, and waits for the head of the answer alone.
    pub fn begin(&self, method: &str, path: &str, headers: Headers<'_>, body: &[u8]) -> Going {
        let mut stream = TcpStream::connect(&self.address).expect("HTTP must be served");
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout can be set");
        let mut request = format!("{method} {path} HTTP/1.1\r\nconnection: close\r\n");
        let given = |wanted: &str| headers.iter().any(|(name, _)| name.eq_ignore_ascii_case(wanted));
        if !given("host") {
            request.extend(["host: ", &self.address, "\r\n"]);
        }
        if method == "POST" || !body.is_empty() {
            request.extend(["content-length: ", &body.len().to_string(), "\r\n"]);
        }
        for (name, value) in headers {
            request.extend([*name, ": ", *value, "\r\n"]);
        }
        request += "\r\n";
        stream.write_all(request.as_bytes()).expect("a request must be taken");
        // A server that refuses by the head alone need not read the body.
        drop(stream.write_all(body));
        let mut stream = BufReader::new(stream);
        let line = line(&mut stream);
        let status = line.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("an answer has a status");
        let mut told: Vec<(String, String)> = Vec::new();
        loop {
            let line = self::line(&mut stream);
            let Some((name, value)) = line.split_once(':') else { break };
            let (name, value) = (name.trim().to_ascii_lowercase(), value.trim());
            // What is there twice is one list.
            match told.iter_mut().find(|(known, _)| *known == name) {
                Some((_, before)) => before.extend([", ", value]),
                None => told.push((name, value.to_owned())),
            }
        }
        let left = match header(&told, "content-length") {
            _ if method == "HEAD" || status == 304 || status == 204 => Left::Bytes(0),
            Some(length) => Left::Bytes(length.parse().expect("a length is a number")),
            None if header(&told, "transfer-encoding") == Some("chunked") => Left::Chunk(0),
            None => Left::All,
        };
        Going { status, headers: told, body: BufReader::new(Body { stream, left }) }
    }
}

impl Told {
    /// A header.
    pub fn header(&self, name: &str) -> Option<&str> {
        header(&self.headers, name)
    }

    /// Names of its headers, in order.
    pub fn names(&self) -> Vec<&str> {
        let mut names: Vec<_> = self.headers.iter().map(|(name, _)| name.as_str()).collect();
        names.sort_unstable();
        names
    }

    /// Its body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error}: {} {}", self.status, String::from_utf8_lossy(&self.body)))
    }

    /// The reason of a problem.
    pub fn reason(&self) -> String {
        assert_eq!(self.header("content-type"), Some("application/problem+json"), "{}", self.json());
        let told = self.json();
        assert_eq!(told["status"], self.status, "a problem must say the status that it is sent with");
        told["reason"].as_str().expect("a problem must say its reason").to_owned()
    }
}

impl Going {
    /// A header.
    pub fn header(&self, name: &str) -> Option<&str> {
        header(&self.headers, name)
    }

    /// The next line. `None`: there is no more.
    pub fn line(&mut self) -> Option<String> {
        let mut line = String::new();
        let read = self.body.read_line(&mut line).expect("a line must come, or the end");
        (read > 0).then(|| line.trim_end_matches('\n').to_owned())
    }

    /// The next line as JSON.
    pub fn next(&mut self) -> Option<Value> {
        self.line().map(|line| serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}")))
    }

    /// The next server-sent event, by the names of its fields.
    pub fn event(&mut self) -> Option<Vec<(String, String)>> {
        let mut fields = Vec::new();
        while let Some(line) = self.line() {
            if line.is_empty() {
                return Some(fields);
            }
            let (name, value) = line.split_once(": ").expect("a field has a name and a value");
            fields.push((name.to_owned(), value.to_owned()));
        }
        assert!(fields.is_empty(), "an event must not break off: {fields:?}");
        None
    }
}

fn header<'a>(headers: &'a [(String, String)], name: &str) -> Option<&'a str> {
    headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
}

fn line(stream: &mut impl BufRead) -> String {
    let mut line = String::new();
    stream.read_line(&mut line).expect("a line must come");
    line.trim_end().to_owned()
}

/// What is still to come of a body.
enum Left {
    Bytes(u64),
    /// Bytes of the chunk that has begun.
    Chunk(u64),
    All,
}

struct Body {
    stream: BufReader<TcpStream>,
    left: Left,
}

impl Read for Body {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if let Left::Chunk(0) = self.left {
            let length = u64::from_str_radix(&line(&mut self.stream), 16).expect("a chunk has a length");
            if length == 0 {
                line(&mut self.stream);
                self.left = Left::Bytes(0);
            } else {
                self.left = Left::Chunk(length);
            }
        }
        let most = match self.left {
            Left::Bytes(left) | Left::Chunk(left) => usize::try_from(left).unwrap_or(usize::MAX).min(buffer.len()),
            Left::All => buffer.len(),
        };
        let read = self.stream.read(&mut buffer[..most])?;
        match &mut self.left {
            Left::Bytes(left) => *left -= read as u64,
            Left::Chunk(left) => {
                *left -= read as u64;
                if *left == 0 {
                    assert_eq!(line(&mut self.stream), "", "a chunk ends with its line");
                }
            }
            Left::All => {}
        }
        Ok(read)
    }
}
