//! An invented force in a store: made once through the real import, kept under
//! `target/` for later runs, and told how the making went.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, ensure};
use bytes::Bytes;
use prost::Message;
use serde::{Deserialize, Serialize};
use steelyard::demonstration::{self, Config, USUAL_RECORDS_PER_SUBJECT};
use steelyard::pb;
use steelyard::pb::record::Kind;
use tokio_stream::StreamExt;
use tokio_stream::wrappers::ReceiverStream;
use tonic::client::Grpc;
use tonic::transport::Endpoint;
use uuid::Uuid;

use super::bytes::AsBytes;
use super::server::Server;
use super::{AS_OF, Options};

/// Seed of every force.
const SEED: u64 = 7;
/// Records in one batch of an import.
const BATCH: usize = 1_000;
/// Batches that may wait for the import's flow control.
const AHEAD: usize = 4;
/// People whom one offender manager has.
const CASELOAD: usize = 60;

/// A force in a store, and how it got there.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Force {
    /// Number of subjects.
    pub subjects: u32,
    /// Number of records.
    pub records: u64,
    /// Seconds that the import took.
    pub seconds: f64,
    /// Most bytes of memory that the server had resident during it.
    pub peak: u64,
    #[serde(skip)]
    path: PathBuf,
}

impl Force {
    /// A force of some size, imported now unless an earlier run has kept it.
    pub fn of(options: &Options, subjects: u32) -> anyhow::Result<Self> {
        let path = options.directory().join(format!("force-{subjects}"));
        let note = path.join("force.json");
        if let Ok(text) = std::fs::read_to_string(&note) {
            return Ok(Self { path, ..serde_json::from_str(&text)? });
        }
        eprintln!("making a force of {subjects} subjects in {}; it is kept for later runs", path.display());
        if path.exists() {
            std::fs::remove_dir_all(&path)?;
        }
        std::fs::create_dir_all(&path)?;
        let force = Self::import(subjects, &path, batches(subjects)?)?;
        std::fs::write(&note, serde_json::to_string_pretty(&force)?)?;
        Ok(force)
    }

    /// Imports batches into a new store, whose server has ended when this returns.
    pub fn import(
        subjects: u32,
        path: &Path,
        batches: impl Iterator<Item = Bytes> + Send + 'static,
    ) -> anyhow::Result<Self> {
        let server = Server::on(&path.join("data"), &["--as-of", AS_OF])?;
        let started = Instant::now();
        let records = import(&server.address, batches)?;
        let seconds = started.elapsed().as_secs_f64();
        let peak = server.usage()?.peak;
        server.stop()?;
        Ok(Self { subjects, records, seconds, peak, path: path.to_owned() })
    }

    /// Imports further batches into a store; seconds that took, and how many records were new.
    pub fn add(data: &Path, batches: impl Iterator<Item = Bytes> + Send + 'static) -> anyhow::Result<(f64, u64)> {
        let server = Server::on(data, &[])?;
        let started = Instant::now();
        let records = import(&server.address, batches)?;
        let seconds = started.elapsed().as_secs_f64();
        server.stop()?;
        Ok((seconds, records))
    }

    /// The server's data directory.
    pub fn data(&self) -> PathBuf {
        self.path.join("data")
    }

    /// References of up to `most` subjects, spread evenly over all.
    pub fn references(&self, most: u32) -> Vec<String> {
        let step = (self.subjects / most).max(1);
        (1..=self.subjects).step_by(step as usize).map(reference).collect()
    }
}

/// Reference of a subject by number, from 1.
pub fn reference(number: u32) -> String {
    format!("DEMO-{number:06}")
}

/// Every record of a force. Offender managers get caseloads as people have them: a demonstration
/// force has few managers, however large it is.
pub fn records(subjects: u32) -> anyhow::Result<impl Iterator<Item = pb::Record>> {
    let as_of = AS_OF.parse().map_err(|_| anyhow::anyhow!("the day is no date"))?;
    let config = Config::new(subjects, SEED, as_of, USUAL_RECORDS_PER_SUBJECT)
        .map_err(|refused| anyhow::anyhow!("no such force: {refused:?}"))?;
    let mut managed: HashMap<String, usize> = HashMap::new();
    Ok(demonstration::records(config).map(move |mut record| {
        if let Some(Kind::CohortMembership(membership)) = &mut record.kind
            && !membership.offender_manager.is_empty()
        {
            let count = managed.entry(membership.offender_manager.clone()).or_default();
            membership.offender_manager = format!("{}-{}", membership.offender_manager, *count / CASELOAD);
            *count += 1;
        }
        record
    }))
}

/// Requests that import a whole force, encoded.
pub fn batches(subjects: u32) -> anyhow::Result<impl Iterator<Item = Bytes> + Send> {
    let mut records = records(subjects)?.peekable();
    let mut sequence = 0;
    Ok(std::iter::from_fn(move || {
        records.peek()?;
        let batch = pb::ImportEvidenceRequest {
            request_id: Uuid::new_v4().to_string(),
            sequence,
            records: records.by_ref().take(BATCH).collect(),
            validate_only: false,
        };
        sequence += 1;
        Some(batch.encode_to_vec().into())
    }))
}

/// Sends batches through ImportEvidence; how many records were new.
fn import(address: &str, batches: impl Iterator<Item = Bytes> + Send + 'static) -> anyhow::Result<u64> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let address = address.to_owned();
    runtime.block_on(async move {
        let channel = Endpoint::from_shared(format!("http://{address}"))?.connect().await?;
        let (send, receive) = tokio::sync::mpsc::channel(AHEAD);
        let inventing = tokio::task::spawn_blocking(move || {
            for batch in batches {
                if send.blocking_send(batch).is_err() {
                    return;
                }
            }
        });
        let mut client = Grpc::new(channel);
        client.ready().await?;
        let path = http::uri::PathAndQuery::from_static("/steelyard.v1.EvidenceService/ImportEvidence");
        let mut answers =
            client.streaming(tonic::Request::new(ReceiverStream::new(receive)), path, AsBytes).await?.into_inner();
        let mut created = 0;
        while let Some(answer) = answers.next().await {
            let answer = pb::ImportEvidenceResponse::decode(answer?)?;
            ensure!(answer.refused.is_empty(), "a record was refused: {:?}", answer.refused.first());
            created += u64::from(answer.created);
        }
        inventing.await.context("inventing failed")?;
        Ok(created)
    })
}
