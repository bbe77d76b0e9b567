//! A receiver of traces, as a collector is one: a tonic server that keeps what it is
//! sent, and what can be asked of that.

use std::fmt::Write as _;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{TraceService, TraceServiceServer};
use opentelemetry_proto::tonic::collector::trace::v1::{ExportTraceServiceRequest, ExportTraceServiceResponse};
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1::Span;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::transport::{Identity, ServerTlsConfig};
use tonic::{Request, Response, Status};

use crate::harness::within;

const PATIENCE: Duration = Duration::from_mins(1);

#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<ExportTraceServiceRequest>>>);

#[tonic::async_trait]
impl TraceService for Kept {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        self.0.lock().expect("nobody panics with it").push(request.into_inner());
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}

/// A receiver that keeps what it is sent until it is dropped.
pub struct Receiver {
    kept: Kept,
    scheme: &'static str,
    address: String,
    serving: JoinHandle<()>,
}

impl Receiver {
    pub async fn new() -> Self {
        Self::serving(tonic::transport::Server::builder(), "http").await
    }

    /// One that shows a certificate of its own, which is its own authority; that as PEM.
    pub async fn over_tls() -> (Self, String) {
        let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).expect("a certificate can be made");
        let identity = Identity::from_pem(made.cert.pem(), made.signing_key.serialize_pem());
        let server = tonic::transport::Server::builder().tls_config(ServerTlsConfig::new().identity(identity));
        (Self::serving(server.expect("it is one"), "https").await, made.cert.pem())
    }

    async fn serving(mut server: tonic::transport::Server, scheme: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port must be free");
        let address = listener.local_addr().expect("it is bound").to_string();
        let kept = Kept::default();
        let service = TraceServiceServer::new(kept.clone());
        let serving = tokio::spawn(async move {
            let served = server.add_service(service);
            served.serve_with_incoming(TcpListenerStream::new(listener)).await.expect("it must serve");
        });
        Self { kept, scheme, address, serving }
    }

    pub fn url(&self) -> String {
        format!("{}://{}", self.scheme, self.address)
    }

    /// Every span so far.
    pub fn spans(&self) -> Vec<Span> {
        let kept = self.kept.0.lock().expect("nobody panics with it");
        let scopes = kept.iter().flat_map(|request| &request.resource_spans).flat_map(|spans| &spans.scope_spans);
        scopes.flat_map(|scope| scope.spans.clone()).collect()
    }

    /// What the spans say they come from.
    pub fn resources(&self) -> Vec<(String, String)> {
        let kept = self.kept.0.lock().expect("nobody panics with it");
        let spans = kept.iter().flat_map(|request| &request.resource_spans);
        let told = spans.filter_map(|spans| spans.resource.as_ref()).flat_map(|resource| &resource.attributes);
        told.map(|told| (told.key.clone(), text(told))).collect()
    }

    /// The spans of a trace, once the call of it is among them.
    pub fn trace(&self, trace_id: &str) -> Vec<Span> {
        let whole = within(PATIENCE, || {
            let of_it = |span: &Span| hex(&span.trace_id) == trace_id;
            let spans: Vec<Span> = self.spans().into_iter().filter(of_it).collect();
            spans.iter().any(|span| span.name.starts_with("steelyard.v1.")).then_some(spans)
        });
        whole.unwrap_or_else(|| panic!("no call of trace {trace_id} came; there are {:?}", self.spans()))
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// What a span says under a name.
pub fn told(span: &Span, key: &str) -> Option<String> {
    span.attributes.iter().find(|told| told.key == key).map(text)
}

fn text(told: &KeyValue) -> String {
    match told.value.as_ref().and_then(|value| value.value.clone()) {
        Some(Value::StringValue(text)) => text,
        Some(Value::IntValue(number)) => number.to_string(),
        other => panic!("{} is neither text nor number: {other:?}", told.key),
    }
}

pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a text takes everything");
        text
    })
}
