//! Records to write, and a writer that keeps a pace.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::Context;
use steelyard::pb;
use steelyard::pb::evidence_service_client::EvidenceServiceClient;
use steelyard::pb::record::Kind;
use tonic::transport::Endpoint;
use uuid::Uuid;

use super::force::reference;

/// Codes that are reported every day: criminal damage, theft from a shop, assault.
const CODES: [&str; 3] = ["CD71039", "TH68010", "OF61102"];

/// A write of one new offence of one person.
pub fn write(number: u64, subjects: u32) -> pb::WriteEvidenceRequest {
    // Multiplying by an odd number visits everybody before anybody twice, and neighbours seldom in turn.
    let subject = u32::try_from(number.wrapping_mul(2_654_435_761) % u64::from(subjects)).expect("below a u32") + 1;
    let id = Uuid::new_v4();
    let offence = pb::Offence {
        cjs_code: CODES[usize::try_from(number % 3).expect("below 3")].to_owned(),
        report_date: "2026-03-30".to_owned(),
        outcome: pb::Outcome::Suspected.into(),
        incident_ref: format!("INC-{}", id.simple()),
        victim: Some(pb::Victim {
            victim_ref: format!("V-{}", id.simple()),
            natural_person: true,
            ..Default::default()
        }),
        ..Default::default()
    };
    let record = pb::Record {
        id: format!("BENCH-{}", id.simple()),
        subject_ref: reference(subject),
        source_system: "bench".to_owned(),
        event_date: "2026-03-30".to_owned(),
        kind: Some(Kind::Offence(offence)),
        ..Default::default()
    };
    pb::WriteEvidenceRequest { request_id: Uuid::new_v4().to_string(), records: vec![record], ..Default::default() }
}

/// Writes one record at a time, so many a second, until dropped.
pub struct Pace {
    stop: Arc<AtomicBool>,
    written: Arc<AtomicU64>,
    since: Instant,
    thread: Option<JoinHandle<anyhow::Result<()>>>,
}

impl Pace {
    /// Starts writing.
    pub fn keep(address: &str, subjects: u32, per_second: u32) -> Self {
        let (stop, written) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let (stopping, counting, address) = (Arc::clone(&stop), Arc::clone(&written), address.to_owned());
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(async move {
                let channel = Endpoint::from_shared(format!("http://{address}"))?.connect().await?;
                let client = EvidenceServiceClient::new(channel);
                let mut ticks = tokio::time::interval(Duration::from_secs(1) / per_second);
                ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Burst);
                let mut writes = tokio::task::JoinSet::new();
                let mut number = 0;
                while !stopping.load(Ordering::Relaxed) {
                    ticks.tick().await;
                    number += 1;
                    let (mut client, counting) = (client.clone(), Arc::clone(&counting));
                    writes.spawn(async move {
                        client.write_evidence(write(number, subjects)).await?;
                        counting.fetch_add(1, Ordering::Relaxed);
                        Ok::<(), tonic::Status>(())
                    });
                    while let Some(done) = writes.try_join_next() {
                        done??;
                    }
                }
                while let Some(done) = writes.join_next().await {
                    done??;
                }
                Ok(())
            })
        });
        Self { stop, written, since: Instant::now(), thread: Some(thread) }
    }

    /// Stops; how many a second were acknowledged.
    ///
    /// # Errors
    /// When a write was refused.
    pub fn stop(mut self) -> anyhow::Result<f64> {
        let rate = self.written.load(Ordering::Relaxed) as f64 / self.since.elapsed().as_secs_f64();
        self.stop.store(true, Ordering::Relaxed);
        let thread = self.thread.take().context("it is stopped once")?;
        thread.join().map_err(|_| anyhow::anyhow!("the writer of the benchmark panicked"))??;
        Ok(rate)
    }
}
