//! One call measured against its echo.

use std::path::{Path, PathBuf};

use bytes::Bytes;
use prost::Message;
use tonic::client::Grpc;
use tonic::transport::Endpoint;

use super::Options;
use super::bytes::{AsBytes, keep};
use super::echo::Echo;
use super::load::{Load, Outcome, Secure};
use super::server::Server;
use super::verdict::note;

/// A method of a service, and requests to it.
pub struct Calls {
    method: &'static str,
    requests: PathBuf,
}

impl Calls {
    /// Requests to a method, sent one after another.
    pub fn new(directory: &Path, name: &str, method: &'static str, requests: &[impl Message]) -> anyhow::Result<Self> {
        let path = directory.join(format!("{name}.requests"));
        let encoded: Vec<Bytes> = requests.iter().map(|request| request.encode_to_vec().into()).collect();
        keep(&path, &encoded)?;
        Ok(Self { method, requests: path })
    }

    /// Calls a server.
    pub fn at(&self, address: &str, seconds: f64) -> anyhow::Result<Outcome> {
        Load::usual(address, self.method, &self.requests, seconds).run()
    }

    /// Asks a server for a path over HTTP as often as can be, with the same connections and as many in flight.
    pub fn asking(address: &str, path: &str, seconds: f64) -> anyhow::Result<Outcome> {
        Load { get: true, ..Load::usual(address, path, Path::new(""), seconds) }.run()
    }

    /// Calls a server over TLS, saying who calls.
    pub fn secured(&self, address: &str, seconds: f64, secure: &Secure) -> anyhow::Result<Outcome> {
        Load { secure: Some(secure.clone()), ..Load::usual(address, self.method, &self.requests, seconds) }.run()
    }

    /// An echo of what a server answers to each request.
    pub fn echo(&self, server: &Server) -> anyhow::Result<Echo> {
        let requests = super::bytes::kept(&self.requests)?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let replies = runtime.block_on(async {
            let channel = Endpoint::from_shared(format!("http://{}", server.address))?.connect().await?;
            let mut client = Grpc::new(channel);
            let mut replies: Vec<Bytes> = Vec::with_capacity(requests.len());
            for request in requests {
                client.ready().await?;
                let path = http::uri::PathAndQuery::from_static(self.method);
                replies.push(client.unary(tonic::Request::new(request), path, AsBytes).await?.into_inner());
            }
            anyhow::Ok(replies)
        })?;
        let path = self.requests.with_extension("replies");
        keep(&path, &replies)?;
        Echo::of(&path)
    }
}

/// Two sides of pairs that were measured in turn.
#[derive(Default)]
pub struct Pairs {
    /// Calls a second, as a part of the echo's.
    pub rate: Vec<f64>,
    /// 99th percentile, as a multiple of the echo's.
    pub p99: Vec<f64>,
    last: Option<(Outcome, Outcome)>,
}

impl Pairs {
    /// Calls echo and server in turn.
    pub fn measure(calls: &Calls, echo: &Echo, server: &Server, options: &Options) -> anyhow::Result<Self> {
        let mut pairs = Self::default();
        for _ in 0..options.pairs {
            let echoed = calls.at(&echo.address, options.seconds)?;
            let served = calls.at(&server.address, options.seconds)?;
            pairs.rate.push(served.rate() / echoed.rate());
            pairs.p99.push(served.p99 as f64 / echoed.p99 as f64);
            pairs.last = Some((echoed, served));
        }
        Ok(pairs)
    }

    /// Prints figures of the last pair, for scale.
    pub fn note(&self) {
        if let Some((echoed, served)) = &self.last {
            note(&format!(
                "last pair: {:.0} calls/s (p50 {} us, p99 {} us) of the echo's {:.0} (p50 {} us, p99 {} us); {} bytes a reply",
                served.rate(),
                served.p50,
                served.p99,
                echoed.rate(),
                echoed.p50,
                echoed.p99,
                served.bytes / served.calls.max(1),
            ));
        }
    }
}
