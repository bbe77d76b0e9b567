//! An issuer that answers whatever a test has it answer: what a broken or a hostile
//! one might.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::running;

/// What it says.
#[derive(Clone)]
pub struct Said {
    /// Of itself.
    pub described: Value,
    /// Its status to a code or a refresh token.
    pub status: u16,
    /// Its body to them.
    pub given: String,
}

/// The issuer.
#[derive(Clone)]
pub struct Provider {
    address: String,
    said: Arc<Mutex<Said>>,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Provider {
    /// An issuer that describes itself rightly and gives nothing yet.
    pub fn start() -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("there must be a port");
        let address = format!("http://{}", listener.local_addr().expect("it listens"));
        let described = json!({
            "issuer": address,
            "authorization_endpoint": format!("{address}/authorize"),
            "token_endpoint": format!("{address}/token"),
        });
        let said = Said { described, status: 500, given: String::new() };
        let provider = Self { address, said: Arc::new(Mutex::new(said)), asked: Arc::default() };
        let router = Router::new()
            .route("/.well-known/openid-configuration", get(describe))
            .route("/token", post(give))
            .with_state(provider.clone());
        running(async move {
            listener.set_nonblocking(true).expect("it can wait for several");
            let listener = TcpListener::from_std(listener).expect("it listens");
            axum::serve(listener, router).await.expect("it must serve");
        });
        provider
    }

    /// Its address, which is its name.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Has it say something else from now on.
    pub fn says(&self, change: impl FnOnce(&mut Said)) {
        change(&mut self.said.lock().expect("nobody panics while it speaks"));
    }

    /// Has it give this to a code.
    pub fn gives(&self, given: &Value) {
        self.says(|said| {
            said.status = 200;
            said.given = given.to_string();
        });
    }

    /// What it was asked for with a code or a refresh token, the bodies of forms.
    pub fn asked(&self) -> Vec<String> {
        self.asked.lock().expect("as above").clone()
    }
}

async fn describe(State(provider): State<Provider>) -> String {
    provider.said.lock().expect("as above").described.to_string()
}

async fn give(State(provider): State<Provider>, form: String) -> Response {
    provider.asked.lock().expect("as above").push(form);
    let said = provider.said.lock().expect("as above").clone();
    (StatusCode::from_u16(said.status).expect("a status"), said.given).into_response()
}
