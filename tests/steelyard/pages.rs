//! Pages as a browser asks for them, from a real server: what they say, what a form
//! of theirs does, and what they refuse.

mod supervision;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use crate::harness::Server;

/// What a server answered.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Status.
    pub status: u16,
    /// Head, as it was sent.
    pub head: String,
    /// Body.
    pub body: String,
}

impl Answer {
    /// The value of a header. Empty: it was not sent.
    pub fn header(&self, name: &str) -> &str {
        let mut headers = self.head.lines().filter_map(|line| line.split_once(": "));
        headers.find(|(known, _)| known.eq_ignore_ascii_case(name)).map_or("", |(_, value)| value)
    }

    /// That the body says all of this.
    #[track_caller]
    pub fn says(&self, texts: &[&str]) {
        for text in texts {
            assert!(self.body.contains(text), "{text} is not in {} {}", self.status, self.body);
        }
    }

    /// The value of a field of its form.
    pub fn field(&self, name: &str) -> String {
        let field = self.body.split(&format!("name=\"{name}\"")).nth(1).and_then(|rest| rest.split('>').next());
        let value = field.and_then(|field| field.split("value=\"").nth(1)).and_then(|rest| rest.split('"').next());
        value.unwrap_or_else(|| panic!("there must be a field {name} in {}", self.body)).to_owned()
    }
}

/// Somebody who looks at pages.
#[derive(Clone, Debug)]
pub struct Visitor {
    address: String,
    headers: Vec<(String, String)>,
}

impl Visitor {
    /// Somebody without a name.
    pub fn of(server: &Server) -> Self {
        Self { address: server.http_address(), headers: Vec::new() }
    }

    /// With a header in every request.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Asks for a page.
    pub fn get(&self, path: &str) -> Answer {
        self.ask("GET", path, "")
    }

    /// Sends a form.
    pub fn send(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let mut body = form_urlencoded::Serializer::new(String::new());
        body.extend_pairs(fields);
        self.ask("POST", path, &body.finish())
    }

    fn ask(&self, method: &str, path: &str, body: &str) -> Answer {
        let mut stream = TcpStream::connect(&self.address).expect("pages must be served");
        stream.set_read_timeout(Some(Duration::from_mins(1))).expect("a timeout can be set");
        let kind = ("Content-Type".to_owned(), "application/x-www-form-urlencoded".to_owned());
        let length = ("Content-Length".to_owned(), body.len().to_string());
        let headers = self.headers.iter().chain([&kind, &length].into_iter().filter(|_| method == "POST"));
        let headers: Vec<_> = headers.map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let (address, headers) = (&self.address, headers.concat());
        let request =
            format!("{method} {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n{headers}\r\n{body}");
        stream.write_all(request.as_bytes()).expect("a request must be taken");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer must come");
        let (head, body) = answer.split_once("\r\n\r\n").expect("an answer has a head and a body");
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("an answer has a status");
        Answer { status, head: head.to_owned(), body: body.to_owned() }
    }
}
