//! Whose page makes a request. A browser sends what it knows of its user to whoever
//! is asked, on behalf of any page; so a page of another site may ask nothing unless
//! the settings name it, and a server that asks nobody who they are answers to its
//! own name alone.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::uri::Authority;
use http::{HeaderMap, Method, StatusCode, header};

use super::problem::Refused;

/// Which pages may ask.
#[derive(Clone, Debug)]
pub struct Origins {
    /// Origins of other sites, such as `https://intranet.example`.
    pub others: Arc<[String]>,
    /// Whether anybody on this machine is served without saying who they are.
    pub open: bool,
}

impl Origins {
    /// Whether a request may be made by the page that makes it.
    ///
    /// # Errors
    /// It may not.
    pub fn judge(&self, method: &Method, path: &str, headers: &HeaderMap) -> Result<(), Refused> {
        let host = headers.get(header::HOST).and_then(|value| value.to_str().ok());
        self.judge_host(host)?;
        let foreign = || {
            let problem = "a page of another site may not ask this: the setting http.origins names those that may";
            Err(Refused::new(StatusCode::FORBIDDEN, "FOREIGN_ORIGIN", problem))
        };
        if let Some(origin) = headers.get(header::ORIGIN) {
            let Ok(origin) = origin.to_str() else { return foreign() };
            let own = host.is_some_and(|host| origin.split_once("://").is_some_and(|(_, authority)| authority == host));
            return if own || self.others.iter().any(|other| other == origin) { Ok(()) } else { foreign() };
        }
        // A browser that sends no origin says at least from how far it asks. To look at a page is allowed from anywhere.
        let site = headers.get("sec-fetch-site").and_then(|value| value.to_str().ok());
        let looks = *method == Method::GET && !path.starts_with("/v1/") && !path.starts_with("/steelyard.");
        match site {
            Some("cross-site") if !looks => foreign(),
            // Another port of this machine is of the same site, and not of this server.
            Some("same-site") if !looks && self.open => foreign(),
            Some(_) | None => Ok(()),
        }
    }

    fn judge_host(&self, host: Option<&str>) -> Result<(), Refused> {
        if !self.open {
            return Ok(());
        }
        let name = host.and_then(|host| host.parse::<Authority>().ok());
        let name = name.as_ref().map(|authority| authority.host().trim_matches(['[', ']']));
        let own = name.is_some_and(|name| {
            name.eq_ignore_ascii_case("localhost") || name.parse().is_ok_and(|address: IpAddr| address.is_loopback())
        });
        if own {
            return Ok(());
        }
        let problem = "without tokens this server answers to localhost alone";
        Err(Refused::new(StatusCode::MISDIRECTED_REQUEST, "FOREIGN_HOST", problem))
    }
}

/// Lets a request on, or refuses it.
pub async fn guard(State(origins): State<Origins>, mut request: Request, next: Next) -> Response {
    // With HTTP/2 the name of the server is part of the address.
    if !request.headers().contains_key(header::HOST)
        && let Some(value) = request.uri().authority().and_then(|authority| authority.as_str().parse().ok())
    {
        request.headers_mut().insert(header::HOST, value);
    }
    match origins.judge(request.method(), request.uri().path(), request.headers()) {
        Ok(()) => next.run(request).await,
        Err(refused) => refused.into_response(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(open: bool, method: &Method, path: &str, headers: &[(&'static str, &str)]) -> Result<(), &'static str> {
        let origins = Origins { others: ["https://intranet.example".to_owned()].into(), open };
        let headers = headers
            .iter()
            .map(|(name, value)| (header::HeaderName::from_static(name), value.parse().unwrap()))
            .collect();
        origins.judge(method, path, &headers).map_err(|refused| refused.reason)
    }

    const CALL: &str = "/v1/RankingService/ListStandings";

    #[test]
    fn a_page_of_another_site_may_ask_nothing_unless_it_is_named() {
        let host = ("host", "steelyard.example");
        for (origin, expected) in [
            ("https://steelyard.example", Ok(())),
            ("https://intranet.example", Ok(())),
            ("https://evil.example", Err("FOREIGN_ORIGIN")),
            ("https://steelyard.example.evil.example", Err("FOREIGN_ORIGIN")),
            ("null", Err("FOREIGN_ORIGIN")),
        ] {
            for (method, path) in [(Method::POST, CALL), (Method::GET, CALL), (Method::POST, "/sign-out")] {
                assert_eq!(judged(false, &method, path, &[host, ("origin", origin)]), expected, "{origin} {path}");
            }
        }
        let site = |site| judged(false, &Method::GET, CALL, &[host, ("sec-fetch-site", site)]);
        assert_eq!(site("cross-site"), Err("FOREIGN_ORIGIN"));
        assert_eq!(site("same-origin"), Ok(()));
        assert_eq!(site("same-site"), Ok(()));
        let another_port = [("host", "localhost:8080"), ("sec-fetch-site", "same-site")];
        assert_eq!(judged(true, &Method::GET, CALL, &another_port), Err("FOREIGN_ORIGIN"));
        assert_eq!(judged(true, &Method::GET, "/", &another_port), Ok(()));
        assert_eq!(judged(false, &Method::GET, "/", &[host, ("sec-fetch-site", "cross-site")]), Ok(()));
        assert_eq!(judged(false, &Method::POST, "/", &[host, ("sec-fetch-site", "cross-site")]), Err("FOREIGN_ORIGIN"));
    }

    #[test]
    fn a_server_that_asks_nobody_who_they_are_answers_to_its_own_name_alone() {
        for (host, expected) in [
            ("localhost:8080", Ok(())),
            ("127.0.0.1:8080", Ok(())),
            ("[::1]:8080", Ok(())),
            ("evil.example:8080", Err("FOREIGN_HOST")),
            ("127.0.0.1.evil.example", Err("FOREIGN_HOST")),
        ] {
            assert_eq!(judged(true, &Method::GET, CALL, &[("host", host)]), expected, "{host}");
        }
        assert_eq!(judged(true, &Method::GET, CALL, &[]), Err("FOREIGN_HOST"));
        assert_eq!(judged(false, &Method::GET, CALL, &[("host", "steelyard.example")]), Ok(()));
    }
}
