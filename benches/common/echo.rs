//! What a list call is compared with: a service that answers every call with a
//! reply prepared beforehand, of the same bytes, through the same stack. It
//! shows what transport alone costs.

use std::convert::Infallible;
use std::future::Future;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use anyhow::Context as _;
use bytes::Bytes;
use tonic::body::Body;
use tonic::server::{Grpc, NamedService, UnaryService};
use tonic::transport::server::TcpIncoming;
use tonic::{Request, Response, Status};

use super::bytes::{AsBytes, kept};
use super::process::{self, Owned};

/// Name of this part.
pub const PART: &str = "echo";

/// An echo in a process of its own.
pub struct Echo {
    _process: Owned,
    /// Where it listens.
    pub address: String,
}

impl Echo {
    /// Starts an echo of the replies in a file, which it gives one after another.
    pub fn of(replies: &Path) -> anyhow::Result<Self> {
        let mut process = process::part(&[PART, &replies.display().to_string()])?;
        let mut address = String::new();
        let out = process.0.stdout.take().context("its output is piped")?;
        BufReader::new(out).read_line(&mut address)?;
        anyhow::ensure!(!address.trim().is_empty(), "the echo did not start");
        Ok(Self { _process: process, address: address.trim().to_owned() })
    }
}

/// Serves until killed.
pub fn serve(arguments: &[String]) -> anyhow::Result<()> {
    let path = arguments.first().context("the echo is told a file of replies")?;
    let replies = Replies(Arc::new((kept(Path::new(path))?, AtomicUsize::new(0))));
    // As the server itself is run.
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(async {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        println!("{}", listener.local_addr()?);
        tonic::transport::Server::builder()
            .timeout(Duration::from_secs(30))
            .max_concurrent_streams(256)
            .add_service(OfOutstanding(replies.clone()))
            .add_service(replies)
            .serve_with_incoming(TcpIncoming::from(listener).with_nodelay(Some(true)))
            .await?;
        Ok(())
    })
}

#[derive(Clone)]
struct Replies(Arc<(Vec<Bytes>, AtomicUsize)>);

impl NamedService for Replies {
    const NAME: &'static str = "steelyard.v1.RankingService";
}

/// The same replies under the name of the other service.
#[derive(Clone)]
struct OfOutstanding(Replies);

impl NamedService for OfOutstanding {
    const NAME: &'static str = "steelyard.v1.OutstandingService";
}

impl tower::Service<http::Request<Body>> for OfOutstanding {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = Answer<Self::Response, Infallible>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        tower::Service::call(&mut self.0, request)
    }
}

type Answer<T, E> = Pin<Box<dyn Future<Output = Result<T, E>> + Send>>;

impl UnaryService<Bytes> for Replies {
    type Response = Bytes;
    type Future = Answer<Response<Bytes>, Status>;

    fn call(&mut self, _: Request<Bytes>) -> Self::Future {
        let (replies, next) = &*self.0;
        let reply = replies[next.fetch_add(1, Ordering::Relaxed) % replies.len()].clone();
        Box::pin(async move { Ok(Response::new(reply)) })
    }
}

impl tower::Service<http::Request<Body>> for Replies {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = Answer<Self::Response, Infallible>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let replies = self.clone();
        Box::pin(async move { Ok(Grpc::new(AsBytes).unary(replies, request).await) })
    }
}
