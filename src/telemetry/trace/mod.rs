//! Traces: one call in a hundred or so, followed from its arrival through the
//! writer and the store to its answer, and sent to a receiver over OTLP. Spans are
//! made of times that were noted, after the call has been answered: the writer
//! knows nothing of spans, and nobody waits for the receiver. See decision 0022.
//!
//! A span names methods, codes, counts and the correlation id, and never a person,
//! a caller or a reference. Spans of libraries are not exported, so that exporting
//! never makes more to export.

mod call;
mod exporter;
mod parent;
mod steps;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use http::HeaderMap;
use opentelemetry::KeyValue;
use opentelemetry::trace::{SpanContext, TracerProvider};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{BatchConfigBuilder, BatchSpanProcessor, SdkTracer, SdkTracerProvider};
use tracing::{info, warn};

pub use call::{CallTrace, GroupTrace, Write, current, within};
use exporter::Exporter;
pub use parent::TRACEPARENT;
pub use steps::{Step, did, gather, gathered, timed};

use crate::config;

/// Spans that wait for the receiver; further ones are let go of.
const WAITING: usize = 4_096;
/// Spans that are sent together.
const TOGETHER: usize = 512;
/// Longest time that a span waits for others.
const DELAY: Duration = Duration::from_secs(1);
/// Longest wait for what is left to be sent when the server ends.
const FLUSH: Duration = Duration::from_secs(3);

/// What decides which calls are traced, and sends what was seen of them. Cheap to clone.
#[derive(Clone, Default)]
pub struct Tracing(Option<Arc<Inner>>);

struct Inner {
    provider: SdkTracerProvider,
    tracer: SdkTracer,
    /// Of a million calls.
    sampled: u32,
    drawn: AtomicU64,
}

impl Tracing {
    /// Begins to trace as settled. Within a runtime, which the receiver is asked on.
    ///
    /// # Errors
    /// The certificates of the receiver's authority are none.
    pub fn start(settings: &config::Tracing) -> anyhow::Result<Self> {
        let Some(receiver) = &settings.receiver else { return Ok(Self::default()) };
        let batches = BatchConfigBuilder::default()
            .with_max_queue_size(WAITING)
            .with_max_export_batch_size(TOGETHER)
            .with_scheduled_delay(DELAY)
            .build();
        let processor = BatchSpanProcessor::builder(Exporter::to(receiver)?).with_batch_config(batches).build();
        let instance = settings.instance.clone().map(|instance| KeyValue::new("service.instance.id", instance));
        let resource = Resource::builder_empty()
            .with_service_name("steelyard")
            .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
            .with_attributes(instance);
        let provider =
            SdkTracerProvider::builder().with_span_processor(processor).with_resource(resource.build()).build();
        info!(tracing.endpoint = %receiver.endpoint, tracing.sampled_of_a_million = settings.sampled, "calls are traced");
        let tracer = provider.tracer("steelyard");
        let seed = u64::from_le_bytes(*uuid::Uuid::new_v4().as_bytes().first_chunk().expect("16 bytes hold 8"));
        Ok(Self(Some(Arc::new(Inner { provider, tracer, sampled: settings.sampled, drawn: AtomicU64::new(seed) }))))
    }

    /// What is to be noted of a call of a method: `None` where it is not traced and its caller says nothing of a trace.
    pub fn begin(&self, rpc: &'static str, headers: &HeaderMap) -> Option<Arc<CallTrace>> {
        let parent = headers.get(TRACEPARENT).and_then(|value| value.to_str().ok()).and_then(parent::read);
        let Some(inner) = self.0.as_ref().filter(|inner| inner.wants(parent.as_ref())) else {
            return parent.map(|parent| Arc::new(CallTrace::told(parent)));
        };
        Some(Arc::new(CallTrace::begun(&inner.tracer, rpc, parent)))
    }

    /// Sends what is left, for as long as that may take, and traces nothing more.
    pub async fn stop(&self) {
        let Some(inner) = self.0.clone() else { return };
        let stopped = tokio::task::spawn_blocking(move || inner.provider.shutdown_with_timeout(FLUSH));
        let stopped = tokio::time::timeout(FLUSH + DELAY, stopped).await;
        if !matches!(stopped, Ok(Ok(Ok(())))) {
            warn!("the last traces were not taken and are let go of");
        }
    }
}

impl Inner {
    fn wants(&self, parent: Option<&SpanContext>) -> bool {
        match parent {
            Some(parent) => parent.is_sampled(),
            None => self.sampled > 0 && self.draw() % u64::from(config::WHOLE) < u64::from(self.sampled),
        }
    }

    /// A number that nobody foresees who does not know the first: SplitMix64.
    fn draw(&self) -> u64 {
        let mut drawn = self.drawn.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed);
        drawn = (drawn ^ drawn >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        drawn = (drawn ^ drawn >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        drawn ^ drawn >> 31
    }
}
