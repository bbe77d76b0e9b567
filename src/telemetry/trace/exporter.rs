//! The way of spans to their receiver. That it does not take them is logged once,
//! and that it does again once; nothing is kept for it, and nobody waits.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use metrics::{Counter, counter};
use opentelemetry_otlp::{ExporterBuildError, RetryPolicy, SpanExporter as Otlp, WithExportConfig, WithTonicConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{SpanData, SpanExporter};
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint};
use tracing::{info, warn};

use crate::config::Receiver;
use crate::telemetry::metrics::TRACE_SPANS;

/// Longest wait for a connection, and for an answer.
const CONNECTED: Duration = Duration::from_secs(2);
pub(super) const TAKEN: Duration = Duration::from_secs(3);

/// An exporter that says once what goes wrong.
#[derive(Debug)]
pub(super) struct Exporter {
    otlp: Otlp,
    endpoint: String,
    lost: AtomicBool,
    counts: Arc<Counts>,
}

struct Counts {
    exported: Counter,
    lost: Counter,
}

impl std::fmt::Debug for Counts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Counts")
    }
}

impl Exporter {
    /// An exporter to a receiver, which need not be there yet. Within a runtime.
    ///
    /// # Errors
    /// The authority's certificates are none.
    pub(super) fn to(receiver: &Receiver) -> anyhow::Result<Self> {
        let exporter = Otlp::builder()
            .with_tonic()
            .with_channel(channel(receiver)?)
            .with_timeout(TAKEN)
            // What is lost is lost: the next spans come soon.
            .with_retry_policy(RetryPolicy::disabled())
            .build()
            .map_err(|error: ExporterBuildError| anyhow::anyhow!("traces cannot be exported: {error}"))?;
        let counts = Counts {
            exported: counter!(TRACE_SPANS, "outcome" => "exported"),
            lost: counter!(TRACE_SPANS, "outcome" => "lost"),
        };
        let (endpoint, lost) = (receiver.endpoint.to_string(), AtomicBool::new(false));
        Ok(Self { otlp: exporter, endpoint, lost, counts: Arc::new(counts) })
    }

    fn told(&self, spans: u64, outcome: &OTelSdkResult) {
        match outcome {
            Ok(()) => {
                self.counts.exported.increment(spans);
                if self.lost.swap(false, Ordering::Relaxed) {
                    info!(tracing.endpoint = self.endpoint, "traces are taken again");
                }
            }
            Err(error) => {
                self.counts.lost.increment(spans);
                if !self.lost.swap(true, Ordering::Relaxed) {
                    warn!(
                        tracing.endpoint = self.endpoint, error = %error,
                        "traces are not taken and are let go of: it is said again when they are taken"
                    );
                }
            }
        }
    }
}

impl SpanExporter for Exporter {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let spans = batch.len() as u64;
        let outcome = self.otlp.export(batch).await;
        self.told(spans, &outcome);
        outcome
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.otlp.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.otlp.set_resource(resource);
    }
}

fn channel(receiver: &Receiver) -> anyhow::Result<Channel> {
    let endpoint = Endpoint::from(receiver.endpoint.clone()).connect_timeout(CONNECTED).timeout(TAKEN);
    Ok(match &receiver.authority {
        None => endpoint,
        Some(authority) => {
            endpoint.tls_config(ClientTlsConfig::new().ca_certificate(Certificate::from_pem(authority)))?
        }
    }
    .connect_lazy())
}
