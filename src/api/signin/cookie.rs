//! The cookies: the name of a session, and what is under way between its beginning and
//! its end. No script reads them; over TLS no other host, and nobody on the way, can
//! set them.

use http::{HeaderMap, HeaderValue, header};

use super::under_way;
use crate::config::Frames;

/// Letters of a state by which cookies of several signings in are told apart.
const TOLD_APART: usize = 8;

/// How cookies are written.
#[derive(Clone, Copy, Debug)]
pub struct Cookies {
    /// Whether browsers reach the server over TLS.
    pub secure: bool,
    /// Whose frames they go into.
    pub frames: Frames,
}

impl Cookies {
    /// What the cookie of a session is called.
    pub const fn session_name(self) -> &'static str {
        if self.secure { "__Host-steelyard" } else { "steelyard" }
    }

    const fn under_way_prefix(self) -> &'static str {
        if self.secure { "__Host-steelyard-in-" } else { "steelyard-in-" }
    }

    /// What the cookie of a signing in is called: several may be under way, each in a tab of its own.
    pub fn under_way_name(self, state: &str) -> String {
        let apart: String = state.chars().filter(char::is_ascii_alphanumeric).take(TOLD_APART).collect();
        format!("{}{apart}", self.under_way_prefix())
    }

    /// Names of cookies of signings in that a request brings.
    pub fn under_way(self, headers: &HeaderMap) -> Vec<&str> {
        pairs(headers).map(|(name, _)| name).filter(|name| name.starts_with(self.under_way_prefix())).collect()
    }

    /// Sets the cookie of a session. It goes when the browser is closed; how long it is good for the server knows.
    pub fn session(self, id: &str) -> HeaderValue {
        self.set(self.session_name(), id, "")
    }

    /// Takes the cookie of a session away.
    pub fn no_session(self) -> HeaderValue {
        self.set(self.session_name(), "", "; Max-Age=0")
    }

    /// Sets the cookie of a signing in.
    pub fn begun(self, state: &str, sealed: &str) -> HeaderValue {
        let name = self.under_way_name(state);
        self.set(&name, sealed, &format!("; Max-Age={}", under_way::LASTS.as_secs()))
    }

    /// Takes the cookie of a signing in away.
    pub fn ended(self, name: &str) -> HeaderValue {
        self.set(name, "", "; Max-Age=0")
    }

    fn set(self, name: &str, value: &str, more: &str) -> HeaderValue {
        let site = match (self.frames, self.secure) {
            (Frames::OwnSite, true) => "; Secure; SameSite=Lax",
            (Frames::OwnSite | Frames::Partitioned | Frames::AnySite, false) => "; SameSite=Lax",
            (Frames::Partitioned, true) => "; Secure; SameSite=None; Partitioned",
            (Frames::AnySite, true) => "; Secure; SameSite=None",
        };
        let text = format!("{name}={value}; Path=/; HttpOnly{site}{more}");
        let mut set = HeaderValue::from_str(&text).expect("a cookie of visible letters must make a header");
        set.set_sensitive(true);
        set
    }
}

/// The values of every cookie of a name.
pub fn values<'a>(headers: &'a HeaderMap, name: &'a str) -> impl Iterator<Item = &'a str> {
    pairs(headers).filter(move |(known, _)| *known == name).map(|(_, value)| value)
}

/// Every cookie. With HTTP/2 each may be a header of its own.
fn pairs(headers: &HeaderMap) -> impl Iterator<Item = (&str, &str)> {
    let texts = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    texts.flat_map(|text| text.split(';')).filter_map(|pair| pair.trim().split_once('='))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(secure: bool, frames: Frames) -> String {
        Cookies { secure, frames }.session("ID").to_str().unwrap().to_owned()
    }

    #[test]
    fn a_cookie_is_for_this_host_alone_and_for_no_script() {
        assert_eq!(written(true, Frames::OwnSite), "__Host-steelyard=ID; Path=/; HttpOnly; Secure; SameSite=Lax");
        assert_eq!(
            written(true, Frames::Partitioned),
            "__Host-steelyard=ID; Path=/; HttpOnly; Secure; SameSite=None; Partitioned"
        );
        assert_eq!(written(true, Frames::AnySite), "__Host-steelyard=ID; Path=/; HttpOnly; Secure; SameSite=None");
        assert_eq!(written(false, Frames::OwnSite), "steelyard=ID; Path=/; HttpOnly; SameSite=Lax");
    }

    #[test]
    fn cookies_are_found_by_their_whole_name_in_every_header() {
        let mut headers = HeaderMap::new();
        headers.append(header::COOKIE, "a=1; steelyard=one;steelyard-in-x=y".parse().unwrap());
        headers.append(header::COOKIE, "xsteelyard=two; steelyard=three; broken".parse().unwrap());
        assert_eq!(values(&headers, "steelyard").collect::<Vec<_>>(), ["one", "three"]);
        assert_eq!(Cookies { secure: false, frames: Frames::OwnSite }.under_way(&headers), ["steelyard-in-x"]);
    }

    #[test]
    fn the_cookies_of_two_signings_in_have_two_names_whatever_a_state_holds() {
        let cookies = Cookies { secure: true, frames: Frames::OwnSite };
        assert_eq!(cookies.under_way_name("abcdefghij"), "__Host-steelyard-in-abcdefgh");
        assert_ne!(cookies.under_way_name("abcdefghij"), cookies.under_way_name("bcdefghij"));
        assert_eq!(cookies.under_way_name("a=;\r\n b"), "__Host-steelyard-in-ab");
    }
}
