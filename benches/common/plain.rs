//! The real service over sled alone, without the journal, in a process of its
//! own: what the journal is compared with.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use steelyard::api;
use steelyard::config::Settings;
use steelyard::store::SledStore;

use tonic::transport::Endpoint;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;

use super::process::{self, Owned};
use super::{AS_OF, raw};

/// Name of this part.
pub const PART: &str = "plain";

/// A server without a journal.
pub struct Plain {
    process: Owned,
    /// Where it listens.
    pub address: String,
}

impl Plain {
    /// A server on the directory of a store that has no journal.
    pub fn on(directory: &Path) -> anyhow::Result<Self> {
        let mut process = process::part(&[PART, &directory.display().to_string()])?;
        let mut address = String::new();
        let out = process.0.stdout.take().context("its output is piped")?;
        BufReader::new(out).read_line(&mut address)?;
        let address = address.trim().to_owned();
        anyhow::ensure!(!address.is_empty(), "the server without a journal did not start");
        // It is bound before it has read its store: an answer says that it is ready, as the real one's log does.
        tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
            let channel = Endpoint::from_shared(format!("http://{address}"))?.connect().await?;
            anyhow::Ok(HealthClient::new(channel).check(HealthCheckRequest::default()).await?)
        })?;
        Ok(Self { process, address })
    }

    /// Ends it, and waits.
    pub fn stop(mut self) -> anyhow::Result<()> {
        self.process.0.kill()?;
        self.process.0.wait()?;
        Ok(())
    }
}

/// Serves until killed.
pub fn serve(arguments: &[String]) -> anyhow::Result<()> {
    let directory = Path::new(arguments.first().context("it is told a directory")?);
    let as_of = AS_OF.parse().map_err(|_| anyhow::anyhow!("the day is no date"))?;
    let store = Arc::new(SledStore::open(directory, raw::CACHE_BYTES)?);
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(async {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        println!("{}", listener.local_addr()?);
        let settings = Settings::trial(listener.local_addr()?, directory.to_owned(), as_of);
        api::run_on(store, &settings, listener, std::future::pending()).await
    })
}
