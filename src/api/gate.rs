//! The one way to every call: who asks, whether they may, and what it came to,
//! written into the audit before the answer leaves. No handler is reached past
//! it, and an answer that does not say whom it discloses is not let out.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use http::{HeaderMap, Request, Response};
use tonic::body::Body;
use tonic::{Code, Status};
use tower::{Layer, Service};
use tracing::{debug, error};
use uuid::Uuid;

use super::answer::Disclosed;
use super::auditor::{Auditor, Outcome};
use super::counted::{Counts, Sending};
use super::error::{self, reason};
use crate::access::Caller;
use crate::access::authenticate::{Authenticator, Identified};
use crate::access::limit::{Limiter, Own, Place};
use crate::access::look::Look;
use crate::access::table::{self, Rule};
use crate::access::transport::Peer;
use crate::config;
use crate::pb;
use crate::service::fault::Fault;
use crate::telemetry::trace::{self, CallTrace, Step, Tracing};

/// Metadata that joins a call with what is logged of it.
pub const CORRELATION: &str = "x-correlation-id";
/// Metadata that says on whose behalf a call is made.
pub const ON_BEHALF_OF: &str = "x-on-behalf-of";
/// Metadata that says for what purpose.
pub const PURPOSE: &str = "x-purpose-code";
/// Metadata that says how long a call may take.
pub const TIMEOUT: &str = "grpc-timeout";

/// Most characters of each.
const MOST: usize = 64;

/// Calls by nobody known, from one address within some seconds, that are told one by one in the audit.
const UNIDENTIFIED: u64 = 1_000;

/// What stands before every handler.
#[derive(Clone)]
pub struct Gate(Arc<Inner>);

struct Inner {
    authenticator: Arc<Authenticator>,
    auditor: Auditor,
    limiter: Arc<Limiter>,
    longest: Duration,
    counts: Counts,
    tracing: Tracing,
}

impl Gate {
    /// A gate that knows callers, writes into an audit and holds callers to limits.
    pub fn new(authenticator: Arc<Authenticator>, auditor: Auditor, limits: config::Limits, tracing: Tracing) -> Self {
        let (limiter, longest) = (Limiter::new(limits), limits.request_timeout);
        Self(Arc::new(Inner { authenticator, auditor, limiter, longest, counts: Counts::new(), tracing }))
    }

    /// Forgets what no call needs any more, and tells the audit of calls that were turned away. To be called now and then.
    pub async fn tend(&self) {
        self.0.limiter.tend();
        self.0.auditor.tend().await;
    }

    /// Answers a call of the contract; with the places that it keeps until the answer was sent, where it had any.
    async fn let_through<S>(
        &self,
        rule: &'static Rule,
        mut inner: S,
        mut request: Request<Body>,
        trace: Option<&Arc<CallTrace>>,
    ) -> Result<(Response<Body>, Option<(Place, Own)>), Infallible>
    where
        S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>,
    {
        let turned_away = |fault| {
            let correlation_id = correlation(request.headers());
            if let Some(call) = trace {
                call.correlated(&correlation_id);
            }
            error::status(&fault, &correlation_id).into_http()
        };
        let place = match self.0.limiter.begin() {
            Ok(place) => place,
            Err(limited) => return Ok((turned_away(limited.into()), None)),
        };
        if let Err(fault) = self.0.auditor.ready() {
            return Ok((turned_away(fault), None));
        }
        let admitted = self.admit(rule, request.headers(), request.extensions(), trace);
        let entered = admitted.and_then(|caller| match self.0.limiter.enter(&caller.actor, rule.streams()) {
            Ok(own) => Ok((caller, own)),
            Err(limited) => Err(Refusal { caller, fault: Box::new(limited.into()) }),
        });
        let (caller, own) = match entered {
            Ok(entered) => entered,
            Err(refusal) => {
                let peer = request.extensions().get::<Peer>().and_then(|peer| peer.address);
                let from = peer.map_or_else(String::new, |address| format!("from {}", address.ip()));
                return Ok((self.refuse(rule, refusal, from).await.into_http(), None));
            }
        };
        let time = deadline(request.headers()).map_or(self.0.longest, |stated| stated.min(self.0.longest));
        request.extensions_mut().insert(caller.clone());
        let answer = if let Ok(answer) = tokio::time::timeout(time, inner.call(request)).await {
            answer?
        } else {
            caller.look.failed(pb::ErrorReason::DeadlineExceeded);
            error::status(&Fault::DeadlineExceeded, &caller.correlation_id).into_http()
        };
        Ok((self.let_out(&caller, rule, answer).await, Some((place, own))))
    }

    /// The caller of a request, allowed to make it.
    fn admit(
        &self,
        rule: &'static Rule,
        headers: &HeaderMap,
        extensions: &http::Extensions,
        trace: Option<&Arc<CallTrace>>,
    ) -> Result<Caller, Refusal> {
        let correlation_id = correlation(headers);
        if let Some(call) = trace {
            call.correlated(&correlation_id);
        }
        let look = Arc::new(Look::of(rule));
        let unknown = |fault| {
            let caller = Caller::nobody().correlated(&correlation_id);
            Refusal { caller: Caller { look: Arc::clone(&look), ..caller }, fault: Box::new(fault) }
        };
        let peer = extensions.get::<Peer>().cloned().unwrap_or_default();
        let Identified { identity, until } =
            self.0.authenticator.identify(headers, &peer).map_err(|fault| unknown(fault.into()))?;
        let caller = Caller::of(identity).correlated(&correlation_id);
        let mut caller = Caller { look: Arc::clone(&look), until, trace: trace.cloned(), ..caller };
        let refused = |caller: &Caller, fault| Refusal { caller: caller.clone(), fault: Box::new(fault) };
        caller.on_behalf_of = stated(headers, ON_BEHALF_OF).map_err(|fault| refused(&caller, fault))?;
        caller.purpose = stated(headers, PURPOSE).map_err(|fault| refused(&caller, fault))?;
        if !caller.may(rule.permission) {
            return Err(refused(&caller, Fault::NotPermitted(rule.permission)));
        }
        Ok(caller)
    }

    async fn refuse(&self, rule: &'static Rule, Refusal { caller, fault }: Refusal, from: String) -> Status {
        debug!(rpc.method = rule.path, rpc.reason = reason(&fault).as_str_name(), correlation_id = %caller.correlation_id, "refused");
        caller.look.failed(reason(&fault));
        let status = error::status(&fault, &caller.correlation_id);
        let (auditor, code) = (&self.0.auditor, status.code());
        let audited = if let Fault::Limited(_) = *fault {
            auditor.turned_away((&caller.actor, 1), &caller, rule, code).await
        } else if let Fault::Unidentified(_) = *fault {
            // Nobody is known by it: what floods, floods from an address.
            auditor.turned_away((&from, UNIDENTIFIED), &caller, rule, code).await
        } else {
            auditor.call(&caller, rule, &Outcome::Refused(code)).await
        };
        match audited {
            Ok(()) => status,
            Err(unaudited) => unaudited,
        }
    }

    /// What a handler answered, once it is audited.
    async fn let_out(&self, caller: &Caller, rule: &'static Rule, mut answer: Response<Body>) -> Response<Body> {
        let mut status = Status::from_header_map(answer.headers());
        // The library's own word for a message over the limit names no reason.
        if status.as_ref().is_some_and(|status| status.code() == Code::OutOfRange && status.details().is_empty()) {
            caller.look.failed(pb::ErrorReason::TooLarge);
            let told = error::status(&Fault::TooLarge, &caller.correlation_id);
            answer = told.clone().into_http();
            status = Some(told);
        }
        let outcome = match status {
            Some(status) if status.code() == Code::PermissionDenied => Outcome::Refused(status.code()),
            Some(status) if status.code() != Code::Ok => Outcome::Failed(status.code()),
            Some(_) | None => match answer.extensions_mut().remove::<Disclosed>() {
                Some(Disclosed::People(subjects)) => Outcome::Allowed(subjects),
                Some(Disclosed::Stream) => Outcome::Allowed(Arc::default()),
                None => {
                    error!(rpc.method = rule.path, correlation_id = %caller.correlation_id, "an answer does not say whom it discloses and was held back");
                    return error::status(&Fault::Internal, &caller.correlation_id).into_http();
                }
            },
        };
        let from = caller.trace.as_ref().map(|_| Instant::now());
        let audited = self.0.auditor.call(caller, rule, &outcome).await;
        if let (Some(call), Some(from)) = (&caller.trace, from) {
            call.did(Step { name: "audit.write", from, until: Instant::now() });
        }
        match audited {
            Ok(()) => answer,
            Err(unaudited) => unaudited.into_http(),
        }
    }
}

/// Who was refused, and why.
struct Refusal {
    caller: Caller,
    fault: Box<Fault>,
}

/// The caller's own id for the call, where it sent a usable one.
pub fn correlation(headers: &HeaderMap) -> String {
    let stated = headers.get(CORRELATION).and_then(|value| value.to_str().ok());
    match stated {
        Some(id) if usable(id) && !id.is_empty() => id.to_owned(),
        Some(_) | None => Uuid::new_v4().to_string(),
    }
}

fn usable(text: &str) -> bool {
    text.len() <= MOST && text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// What a header states; empty where there is none.
fn stated(headers: &HeaderMap, name: &'static str) -> Result<Box<str>, Fault> {
    let Some(value) = headers.get(name) else { return Ok("".into()) };
    match value.to_str() {
        // A tab is no character of a name, though a header may hold one.
        Ok(text) if text.len() <= MOST && text.trim() == text && !text.contains('\t') => Ok(text.into()),
        Ok(_) | Err(_) => {
            let description = format!("{name} has up to {MOST} printable ASCII characters and no space at either end");
            Err(Fault::field(name, "INVALID_METADATA", description))
        }
    }
}

/// The time that a caller gives a call, a moment less: it is to hear of the end, and not to miss it.
pub fn deadline(headers: &HeaderMap) -> Option<Duration> {
    const MOMENT: Duration = Duration::from_millis(2);
    let stated = headers.get(TIMEOUT)?.to_str().ok()?;
    let (number, unit) = stated.split_at_checked(stated.len().checked_sub(1)?)?;
    let number: u64 = number.parse().ok().filter(|_| number.len() <= 8 && !number.starts_with('+'))?;
    let stated = match unit {
        "H" => Duration::from_secs(number.saturating_mul(3_600)),
        "M" => Duration::from_secs(number.saturating_mul(60)),
        "S" => Duration::from_secs(number),
        "m" => Duration::from_millis(number),
        "u" => Duration::from_micros(number),
        "n" => Duration::from_nanos(number),
        _ => return None,
    };
    Some(stated.saturating_sub(MOMENT))
}

/// An answer that keeps its call's places until it has been sent, and tells how it ended.
struct Held {
    body: Body,
    sending: Sending,
    _places: Option<(Place, Own)>,
}

impl http_body::Body for Held {
    type Data = bytes::Bytes;
    type Error = Status;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<http_body::Frame<Self::Data>, Status>>> {
        let held = self.get_mut();
        let polled = Pin::new(&mut held.body).poll_frame(context);
        match &polled {
            Poll::Ready(Some(Ok(frame))) => frame.trailers_ref().into_iter().for_each(|it| held.sending.trailed(it)),
            Poll::Ready(Some(Err(status))) => held.sending.ended(status.code()),
            Poll::Ready(None) => held.sending.ended(Code::Ok),
            Poll::Pending => {}
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> http_body::SizeHint {
        self.body.size_hint()
    }
}

impl<S> Layer<S> for Gate {
    type Service = Guarded<S>;

    fn layer(&self, inner: S) -> Guarded<S> {
        Guarded { gate: self.clone(), inner }
    }
}

/// Handlers behind the gate.
#[derive(Clone)]
pub struct Guarded<S> {
    gate: Gate,
    inner: S,
}

impl<S> Service<Request<Body>> for Guarded<S>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        // The one that is ready goes with the call.
        let waiting = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, waiting);
        let rule = table::rule(request.uri().path());
        let Some(rule) = rule else {
            if request.uri().path().starts_with("/grpc.") {
                // Health and reflection tell nothing of anybody, and are asked all day long.
                return Box::pin(inner.call(request));
            }
            // Whatever else there is not is told so.
            let going = self.gate.0.counts.begin(None);
            return Box::pin(async move {
                let answer = inner.call(request).await?;
                let sending = going.answered(&answer, None);
                Ok(answer.map(|body| Body::new(Held { body, sending, _places: None })))
            });
        };
        let gate = self.gate.clone();
        Box::pin(async move {
            let going = gate.0.counts.begin(Some(rule));
            let trace = gate.0.tracing.begin(rule.rpc(), request.headers());
            let through = gate.let_through(rule, inner, request, trace.as_ref());
            let (answer, places) = trace::within(trace.as_ref(), through).await?;
            let sending = going.answered(&answer, trace);
            // A stream goes on after its answer has begun.
            Ok(answer.map(|body| Body::new(Held { body, sending, _places: places })))
        })
    }
}
