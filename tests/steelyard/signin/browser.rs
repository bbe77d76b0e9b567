//! A browser as far as signing in needs one: it keeps cookies, follows where it is
//! sent, and remembers everything that the server ever showed it.

use crate::web::{Going, Headers, Told, Web};

/// What a browser says where somebody follows a link or types an address.
pub const GOES: Headers<'static> =
    &[("sec-fetch-site", "none"), ("sec-fetch-mode", "navigate"), ("accept", "text/html,application/xhtml+xml")];
/// What it says where a page's own script asks.
pub const ASKS: Headers<'static> = &[("sec-fetch-site", "same-origin"), ("sec-fetch-mode", "cors")];

/// A browser.
#[derive(Clone, Debug)]
pub struct Browser {
    server: Web,
    jar: Vec<(String, String)>,
    /// Addresses, heads and bodies of everything that came from the server.
    pub seen: String,
}

impl Browser {
    /// A browser that nobody has used.
    pub fn new(server: &Web) -> Self {
        Self { server: server.clone(), jar: Vec::new(), seen: String::new() }
    }

    /// The server's own origin.
    pub fn origin(&self) -> String {
        format!("http://{}", self.server.host())
    }

    /// The value of a cookie.
    pub fn cookie(&self, name: &str) -> Option<&str> {
        self.jar.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Sets a cookie, as whoever has the machine can.
    pub fn plant(&mut self, name: &str, value: &str) {
        self.jar.retain(|(known, _)| known != name);
        self.jar.push((name.to_owned(), value.to_owned()));
    }

    /// Every cookie, as it is sent.
    pub fn cookies(&self) -> String {
        self.jar.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ")
    }

    /// Goes to an address of the server or of the issuer, and no further.
    pub fn go(&mut self, address: &str) -> Told {
        self.ask("GET", address, GOES, b"")
    }

    /// Goes on for as long as it is sent on; where it ends, and what is there.
    pub fn follow(&mut self, address: &str) -> (String, Told) {
        let mut address = address.to_owned();
        for _ in 0..10 {
            let told = self.go(&address);
            if told.status != 303 {
                return (address, told);
            }
            address = told.header("location").map(str::to_owned).expect("whoever is sent on is told where");
        }
        panic!("nobody is sent around for ever: {address}");
    }

    /// Signs in as somebody at the issuer for development, on the way to a page; where it ends, and what is there.
    pub fn sign_in(&mut self, path: &str, person: &str) -> (String, Told) {
        let back = self.chosen(path, person);
        self.follow(&back)
    }

    /// As far as the address to which the issuer sends back.
    pub fn chosen(&mut self, path: &str, person: &str) -> String {
        let (asked, told) = self.follow(path);
        assert_eq!(told.status, 200, "{asked}");
        let told = self.go(&format!("{asked}&person={person}"));
        told.header("location").expect("the issuer sends back").to_owned()
    }

    /// Asks with headers and a body.
    pub fn ask(&mut self, method: &str, address: &str, headers: Headers<'_>, body: &[u8]) -> Told {
        let (web, path) = self.reached(address);
        let cookies = self.cookies();
        let told = web.ask(method, &path, &with(&cookies, headers), body);
        if web.host() == self.server.host() {
            let heads = told.names().into_iter().filter_map(|name| Some(format!("{name}: {}\n", told.header(name)?)));
            let (heads, body) = (heads.collect::<String>(), String::from_utf8_lossy(&told.body));
            self.seen.extend([path.as_str(), "\n", &heads, &body, "\n"]);
        }
        self.keep(&told);
        told
    }

    /// Asks the server, and waits for the head of the answer alone.
    pub fn begin(&self, path: &str, headers: Headers<'_>) -> Going {
        self.server.begin("GET", path, &with(&self.cookies(), headers), b"")
    }

    /// Makes a call that reads, as a page's script does; its status.
    pub fn reads(&mut self, call: &str) -> u16 {
        self.ask("GET", &format!("/v1/{call}"), ASKS, b"").status
    }

    /// Whose the session is. `None`: nobody's.
    pub fn actor(&mut self) -> Option<String> {
        let told = self.ask("GET", "/sign-in/who", ASKS, b"");
        (told.status == 200).then(|| told.json()["actor"].as_str().expect("a name").to_owned())
    }

    fn reached(&self, address: &str) -> (Web, String) {
        match address.strip_prefix("http://") {
            Some(rest) => {
                let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
                (Web::at(host), format!("/{path}"))
            }
            None => (self.server.clone(), address.to_owned()),
        }
    }

    fn keep(&mut self, told: &Told) {
        for set in told.header("set-cookie").unwrap_or_default().split(", ").filter(|set| !set.is_empty()) {
            let (pair, attributes) = set.split_once(';').unwrap_or((set, ""));
            let (name, value) = pair.split_once('=').expect("a cookie has a name and a value");
            self.jar.retain(|(known, _)| known != name);
            if !attributes.contains("Max-Age=0") {
                self.jar.push((name.to_owned(), value.to_owned()));
            }
        }
    }
}

fn with<'a>(cookies: &'a str, headers: Headers<'a>) -> Vec<(&'a str, &'a str)> {
    let cookie = (!cookies.is_empty()).then_some(("cookie", cookies));
    headers.iter().copied().chain(cookie).collect()
}
