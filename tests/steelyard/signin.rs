//! Signing in from a browser: a real server, the real issuer for development and a
//! hostile one, over sockets, with a jar of cookies kept by hand.

mod attacks;
mod believing;
mod browser;
mod demo;
mod flow;
mod provider;

use std::net::TcpListener;
use std::time::Duration;

use steelyard::cli::issuer::{For, Issuer};

use crate::harness::Server;
use crate::people::AS_OF;
use crate::web::Web;
use browser::Browser;

/// The server as the issuer knows it.
const CLIENT: &str = "steelyard-test-client";
/// The server as tokens name it.
const AUDIENCE: &str = "steelyard-test";
/// A call that every role reads with, but those who keep the store.
const LIST: &str = "RankingService/ListStandings?list=LIST_WANTED";
/// A call that a supervisor may make and a reader may not.
const DECISIONS: &str = "CohortService/ListDecisions";

/// Runs something beside the test until it ends with the process.
fn running(task: impl Future<Output = ()> + Send + 'static) {
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(task);
    });
}

/// An issuer for development and a server that believes it.
struct Ground {
    issuer: Issuer,
    server: Server,
    web: Web,
    _keys: tempfile::TempDir,
}

impl Ground {
    /// Tokens are good for five minutes and can be renewed.
    fn new() -> Self {
        Self::lasting(Duration::from_mins(5), true, &[])
    }

    fn lasting(lasts: Duration, renews: bool, more: &[&str]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("there must be a port");
        let given_for = For { client_id: CLIENT.to_owned(), audience: AUDIENCE.to_owned(), lasts, renews };
        let issuer = Issuer::at(listener.local_addr().expect("it listens"), given_for).expect("this machine");
        let keys = tempfile::tempdir().expect("a temporary directory");
        let jwks = keys.path().join("jwks.json");
        std::fs::write(&jwks, issuer.keys()).expect("keys can be written");
        let serving = issuer.clone();
        running(async move {
            listener.set_nonblocking(true).expect("it can wait for several");
            let listener = tokio::net::TcpListener::from_std(listener).expect("it listens");
            serving.serve(listener).await.expect("it must serve");
        });
        let jwks = jwks.to_str().expect("a temporary path must be text");
        let believed = [
            ("--access-jwks-file", jwks),
            ("--access-issuer", issuer.address()),
            ("--access-audience", AUDIENCE),
            ("--access-leeway-seconds", "0"),
            ("--signin-issuer", issuer.address()),
            ("--signin-client-id", CLIENT),
        ];
        let server = serving_with(&believed, more);
        let web = Web::of(&server);
        issuer.answers_to(web.host().parse().expect("an address"));
        Self { issuer, server, web, _keys: keys }
    }

    fn browser(&self) -> Browser {
        Browser::new(&self.web)
    }

    /// A browser in which somebody is signed in.
    fn signed_in(&self, person: &str) -> Browser {
        let mut browser = self.browser();
        let (_, told) = browser.sign_in("/lists/wanted", person);
        assert_eq!(told.status, 200, "{}", browser.seen);
        browser
    }
}

/// A server in memory with these settings, that logs everything it ever would.
fn serving_with(settings: &[(&str, &str)], more: &[&str]) -> Server {
    let mut arguments = vec!["--memory", "--as-of", AS_OF, "--http-listen", "127.0.0.1:0", "--log-level", "trace"];
    arguments.extend(settings.iter().flat_map(|(flag, value)| [*flag, *value]));
    arguments.extend(more);
    Server::with(&arguments)
}
