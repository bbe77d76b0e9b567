//! One call that is traced: what was noted of it on its way, and the spans that
//! are made of that once it has been answered.

use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Instant, SystemTime};

use opentelemetry::trace::{Span as _, SpanBuilder, SpanContext, SpanKind, Status, TraceContextExt, TraceId, Tracer};
use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::trace::{SdkTracer, Span};
use tonic::Code;

use super::steps::Step;

/// Most writes of one call that are told one by one: an import makes thousands.
const WRITES: usize = 32;
/// Most steps of a call itself.
const STEPS: usize = 32;

tokio::task_local! {
    static CURRENT: Arc<CallTrace>;
}

/// The call that this task answers, where it is traced or part of a trace.
pub fn current() -> Option<Arc<CallTrace>> {
    CURRENT.try_with(Arc::clone).ok()
}

/// Does something as part of a call.
pub async fn within<F: Future>(call: Option<&Arc<CallTrace>>, work: F) -> F::Output {
    match call {
        Some(call) => CURRENT.scope(Arc::clone(call), work).await,
        None => work.await,
    }
}

/// What the writer did of one call, and with others.
#[derive(Clone, Debug)]
pub struct Write {
    /// When it began to wait for the writer.
    pub queued: Instant,
    /// When the writer took it up.
    pub taken: Instant,
    /// When it was judged.
    pub judged: Instant,
    /// The group that it was committed with.
    pub group: Arc<GroupTrace>,
}

/// What the writer did of a group.
#[derive(Debug)]
pub struct GroupTrace {
    /// When the group was begun.
    pub from: Instant,
    /// When whoever waited was told.
    pub until: Instant,
    /// Requests in it.
    pub requests: usize,
    /// Where the ledger stood after it.
    pub revision: u64,
    /// What was done of it.
    pub steps: Vec<Step>,
}

/// One call that is traced, or whose caller traces it without wanting it told.
#[derive(Debug)]
pub struct CallTrace {
    /// Its own span where it is traced, and otherwise its caller's.
    context: SpanContext,
    correlation_id: OnceLock<Box<str>>,
    traced: Option<Traced>,
}

#[derive(Debug)]
struct Traced {
    tracer: SdkTracer,
    noted: Mutex<Noted>,
}

#[derive(Debug, Default)]
struct Noted {
    /// `None`: it was ended.
    span: Option<Span>,
    steps: Vec<Step>,
    writes: Vec<Write>,
    /// Writes beyond those.
    more: u32,
}

impl CallTrace {
    /// A call whose caller traces it without wanting it told: its log lines say of which trace it is.
    pub(super) fn told(parent: SpanContext) -> Self {
        Self { context: parent, correlation_id: OnceLock::new(), traced: None }
    }

    /// A call that is traced from now on.
    pub(super) fn begun(tracer: &SdkTracer, rpc: &'static str, parent: Option<SpanContext>) -> Self {
        let (service, method) = rpc.split_once('/').unwrap_or((rpc, ""));
        let built = SpanBuilder::from_name(rpc).with_kind(SpanKind::Server).with_attributes([
            KeyValue::new("rpc.system", "grpc"),
            KeyValue::new("rpc.service", service),
            KeyValue::new("rpc.method", method),
        ]);
        let parent = parent.map_or_else(Context::new, |parent| Context::new().with_remote_span_context(parent));
        let span = tracer.build_with_context(built, &parent);
        let context = span.span_context().clone();
        let noted = Mutex::new(Noted { span: Some(span), ..Noted::default() });
        Self { context, correlation_id: OnceLock::new(), traced: Some(Traced { tracer: tracer.clone(), noted }) }
    }

    /// The trace that it is part of.
    pub fn trace_id(&self) -> TraceId {
        self.context.trace_id()
    }

    /// Its own span; `None`: it has none.
    pub fn span_id(&self) -> Option<opentelemetry::trace::SpanId> {
        self.traced.is_some().then(|| self.context.span_id())
    }

    /// The id that joins it with what is logged of it, once that is known.
    pub fn correlation_id(&self) -> Option<&str> {
        self.correlation_id.get().map(|id| &**id)
    }

    /// The id that joins it with what is logged of it.
    pub fn correlated(&self, id: &str) {
        self.correlation_id.get_or_init(|| id.into());
    }

    /// Whether spans are made of it.
    pub const fn is_traced(&self) -> bool {
        self.traced.is_some()
    }

    /// It did this.
    pub fn did(&self, step: Step) {
        if let Some(traced) = &self.traced {
            let mut noted = traced.noted();
            if noted.span.is_some() && noted.steps.len() < STEPS {
                noted.steps.push(step);
            }
        }
    }

    /// The writer did this for it.
    pub fn wrote(&self, write: Write) {
        if let Some(traced) = &self.traced {
            let mut noted = traced.noted();
            if noted.span.is_none() || noted.writes.len() >= WRITES {
                noted.more += 1;
            } else {
                noted.writes.push(write);
            }
        }
    }

    /// It was answered so. Only the first end counts.
    pub fn end(&self, code: Code) {
        let Some(traced) = &self.traced else { return };
        let Noted { span, steps, writes, more } = std::mem::take(&mut *traced.noted());
        let Some(mut span) = span else { return };
        let family = Family::of(&traced.tracer, &span);
        for step in &steps {
            drop(family.child(step.name, (step.from, step.until), Vec::new()));
        }
        for write in &writes {
            family.write(write);
        }
        span.set_attribute(KeyValue::new("rpc.grpc.status_code", i64::from(i32::from(code))));
        if let Some(id) = self.correlation_id.get() {
            span.set_attribute(KeyValue::new("correlation_id", id.to_string()));
        }
        if more > 0 {
            span.set_attribute(KeyValue::new("writer.writes_left_out", i64::from(more)));
        }
        if is_ours(code) {
            span.set_status(Status::error(""));
        }
        span.end();
    }
}

impl Drop for CallTrace {
    /// Nobody wanted the answer.
    fn drop(&mut self) {
        self.end(Code::Cancelled);
    }
}

impl Traced {
    fn noted(&self) -> MutexGuard<'_, Noted> {
        // Taken as a whole, so that a poisoned lock still guards whole notes.
        self.noted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a server is to blame for, as the conventions for spans have it.
const fn is_ours(code: Code) -> bool {
    matches!(
        code,
        Code::Unknown
            | Code::DeadlineExceeded
            | Code::Unimplemented
            | Code::Internal
            | Code::Unavailable
            | Code::DataLoss
    )
}

/// A span's children, made of times that have passed.
struct Family<'a> {
    tracer: &'a SdkTracer,
    parent: Context,
    /// The same moment on both clocks.
    now: (Instant, SystemTime),
}

impl<'a> Family<'a> {
    fn of(tracer: &'a SdkTracer, span: &Span) -> Self {
        Self::under(tracer, span, (Instant::now(), SystemTime::now()))
    }

    fn under(tracer: &'a SdkTracer, span: &Span, now: (Instant, SystemTime)) -> Self {
        Self { tracer, parent: Context::new().with_remote_span_context(span.span_context().clone()), now }
    }

    fn child(&self, name: &'static str, (from, until): (Instant, Instant), told: Vec<KeyValue>) -> Span {
        let built = SpanBuilder::from_name(name).with_start_time(self.at(from)).with_attributes(told);
        let mut span = self.tracer.build_with_context(built, &self.parent);
        span.end_with_timestamp(self.at(until));
        span
    }

    fn write(&self, Write { queued, taken, judged, group }: &Write) {
        drop(self.child("writer.queue", (*queued, *taken), Vec::new()));
        drop(self.child("writer.judge", (*taken, *judged), Vec::new()));
        let told = vec![
            KeyValue::new("writer.group.requests", i64::try_from(group.requests).unwrap_or(i64::MAX)),
            KeyValue::new("ledger.revision", i64::try_from(group.revision).unwrap_or(i64::MAX)),
        ];
        let span = self.child("writer.group", (group.from, group.until), told);
        let within = Family::under(self.tracer, &span, self.now);
        for step in &group.steps {
            drop(within.child(step.name, (step.from, step.until), Vec::new()));
        }
    }

    fn at(&self, moment: Instant) -> SystemTime {
        self.now.1 - self.now.0.saturating_duration_since(moment)
    }
}
