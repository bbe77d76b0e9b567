//! Every call, counted and timed by method and code at the gate. What it takes of
//! a call is two looks at the clock: handles are kept, and made once for each
//! method and code. No caller and no argument is ever in a label.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use http::{HeaderMap, Response};
use metrics::{Counter, Gauge, Histogram, counter, gauge, histogram};
use tonic::body::Body;
use tonic::{Code, Status};

use crate::access::table::{RULES, Rule};
use crate::telemetry::metrics::{RPC_IN_FLIGHT, RPC_SECONDS, RPC_STREAMS_ENDED};
use crate::telemetry::trace::CallTrace;

/// gRPC's names of the codes, by number.
const CODES: [&str; 17] = [
    "OK",
    "CANCELLED",
    "UNKNOWN",
    "INVALID_ARGUMENT",
    "DEADLINE_EXCEEDED",
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "PERMISSION_DENIED",
    "RESOURCE_EXHAUSTED",
    "FAILED_PRECONDITION",
    "ABORTED",
    "OUT_OF_RANGE",
    "UNIMPLEMENTED",
    "INTERNAL",
    "UNAVAILABLE",
    "DATA_LOSS",
    "UNAUTHENTICATED",
];

/// gRPC's name of a code.
pub fn code_name(code: Code) -> &'static str {
    CODES[place(code)]
}

fn place(code: Code) -> usize {
    usize::try_from(i32::from(code)).ok().filter(|place| *place < CODES.len()).unwrap_or(2)
}

/// What is counted of every call.
pub struct Counts {
    methods: HashMap<&'static str, Arc<Method>>,
    unknown: Arc<Method>,
    in_flight: Gauge,
}

/// What is counted of the calls of one method.
pub struct Method {
    name: &'static str,
    streams: bool,
    taken: [OnceLock<Histogram>; CODES.len()],
    ended: [OnceLock<Counter>; CODES.len()],
}

impl Counts {
    /// What is counted of the methods of the contract. To be made after counting was begun, where it is.
    pub fn new() -> Self {
        let methods = RULES.iter().map(|rule| (rule.path, Arc::new(Method::of(rule)))).collect();
        Self { methods, unknown: Arc::new(Method::named("unknown", false)), in_flight: gauge!(RPC_IN_FLIGHT) }
    }

    /// Begins to time a call. `None`: of a method that there is not.
    pub fn begin(&self, rule: Option<&Rule>) -> Going {
        let method = rule.and_then(|rule| self.methods.get(rule.path)).unwrap_or(&self.unknown);
        Going {
            method: Some(Arc::clone(method)),
            begun: Instant::now(),
            in_flight: Some(InFlight::of(&self.in_flight)),
        }
    }
}

impl Default for Counts {
    fn default() -> Self {
        Self::new()
    }
}

impl Method {
    fn of(rule: &'static Rule) -> Self {
        let name = rule.path.strip_prefix("/steelyard.v1.").unwrap_or(rule.path);
        Self::named(name, rule.streams())
    }

    fn named(name: &'static str, streams: bool) -> Self {
        let method = Self { name, streams, taken: Default::default(), ended: Default::default() };
        if name != "unknown" {
            method.taken(Code::Ok);
        }
        if streams {
            (0..).take(CODES.len()).for_each(|code| method.ended(Code::from_i32(code)).absolute(0));
        }
        method
    }

    fn taken(&self, code: Code) -> &Histogram {
        let place = place(code);
        self.taken[place].get_or_init(|| histogram!(RPC_SECONDS, "method" => self.name, "code" => CODES[place]))
    }

    fn ended(&self, code: Code) -> &Counter {
        let place = place(code);
        self.ended[place].get_or_init(|| counter!(RPC_STREAMS_ENDED, "method" => self.name, "code" => CODES[place]))
    }
}

/// A call that was not answered yet.
pub struct Going {
    /// `None`: it was answered.
    method: Option<Arc<Method>>,
    begun: Instant,
    in_flight: Option<InFlight>,
}

impl Going {
    /// Its answer begins; what is left of it until the answer was sent.
    pub fn answered(mut self, answer: &Response<Body>, trace: Option<Arc<CallTrace>>) -> Sending {
        let code = code_of(answer);
        let method = self.timed(code);
        let stream = method.filter(|method| method.streams && code == Code::Ok);
        // The end of anything but a stream is known.
        let trace = match (trace, &stream) {
            (Some(call), None) => {
                call.end(code);
                None
            }
            (trace, _) => trace,
        };
        Sending { stream, trace, _in_flight: self.in_flight.take() }
    }

    fn timed(&mut self, code: Code) -> Option<Arc<Method>> {
        let method = self.method.take()?;
        method.taken(code).record(self.begun.elapsed().as_secs_f64());
        Some(method)
    }
}

impl Drop for Going {
    /// Its caller went away before there was an answer.
    fn drop(&mut self) {
        self.timed(Code::Cancelled);
    }
}

/// What an answer begins with: a fault that nothing was told before, or what goes well so far.
pub fn code_of(answer: &Response<Body>) -> Code {
    Status::from_header_map(answer.headers()).map_or(Code::Ok, |status| status.code())
}

/// An answer on its way.
pub struct Sending {
    /// `None`: of no stream, or of one whose end was counted.
    stream: Option<Arc<Method>>,
    trace: Option<Arc<CallTrace>>,
    _in_flight: Option<InFlight>,
}

impl Sending {
    /// It ended as its trailers say.
    pub fn trailed(&mut self, trailers: &HeaderMap) {
        if self.stream.is_some() {
            self.ended(Status::from_header_map(trailers).map_or(Code::Ok, |status| status.code()));
        }
    }

    /// It ended so.
    pub fn ended(&mut self, code: Code) {
        if let Some(method) = self.stream.take() {
            method.ended(code).increment(1);
        }
        if let Some(call) = self.trace.take() {
            call.end(code);
        }
    }
}

impl Drop for Sending {
    /// Nobody wanted the rest.
    fn drop(&mut self) {
        self.ended(Code::Cancelled);
    }
}

struct InFlight(Gauge);

impl InFlight {
    fn of(gauge: &Gauge) -> Self {
        gauge.increment(1.0);
        Self(gauge.clone())
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.decrement(1.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_have_the_names_that_grpc_gives_them() {
        for (number, name) in (0..).zip(CODES) {
            let code = Code::from_i32(number);
            assert_eq!(i32::from(code), number);
            assert_eq!(code_name(code), name);
            let squeezed = name.replace('_', "");
            let spelled = format!("{code:?}").to_uppercase();
            assert_eq!(spelled, squeezed, "{number}");
        }
    }
}
