//! Pages as a browser asks for them, from a real server: what they say, what a form
//! of theirs does, and what they refuse.

mod supervision;

use crate::harness::Server;
use crate::web::{Told, Web};

/// What a server answered.
#[derive(Debug)]
pub struct Answer {
    /// Status.
    pub status: u16,
    /// Body.
    pub body: String,
    told: Told,
}

impl Answer {
    /// The value of a header. Empty: it was not sent.
    pub fn header(&self, name: &str) -> &str {
        self.told.header(name).unwrap_or_default()
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
    web: Web,
    headers: Vec<(String, String)>,
}

impl Visitor {
    /// Somebody without a name.
    pub fn of(server: &Server) -> Self {
        Self { web: Web::of(server), headers: Vec::new() }
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
        let form = ("content-type".to_owned(), "application/x-www-form-urlencoded".to_owned());
        let sent = self.headers.iter().chain(Some(&form).filter(|_| method == "POST"));
        let headers: Vec<_> = sent.map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let told = self.web.ask(method, path, &headers, body.as_bytes());
        let body = String::from_utf8(told.body.clone()).expect("a page must be text");
        Answer { status: told.status, body, told }
    }
}
