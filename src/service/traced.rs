//! What the writer notes of a group for the calls in it that are traced: times, and
//! nothing else. Where none is traced nothing is noted and no clock is looked at.

use std::sync::Arc;
use std::time::Instant;

use super::mutation::Queued;
use crate::domain::Revision;
use crate::telemetry::trace::{self, CallTrace, GroupTrace, Write};

/// The calls of one group that are traced.
#[derive(Default)]
pub(super) struct Following {
    from: Option<Instant>,
    calls: Vec<(Arc<CallTrace>, Times)>,
}

struct Times {
    queued: Instant,
    taken: Instant,
    judged: Instant,
}

impl Following {
    /// The writer takes a request up. `None`: it is not traced.
    pub(super) fn taken(&mut self, queued: &Queued) -> Option<(Instant, Instant)> {
        let since = queued.since?;
        let now = Instant::now();
        if self.from.is_none() {
            self.from = Some(now);
            trace::gather();
        }
        Some((since, now))
    }

    /// It has judged it.
    pub(super) fn judged(&mut self, queued: &Queued, taken: Option<(Instant, Instant)>) {
        if let (Some((since, taken)), Some(call)) = (taken, &queued.mutation.caller.trace) {
            self.calls.push((Arc::clone(call), Times { queued: since, taken, judged: Instant::now() }));
        }
    }

    /// The group is at its end, and whoever waited is about to be told.
    pub(super) fn end(self, requests: usize, revision: Revision) {
        let Some(from) = self.from else { return };
        let steps = trace::gathered();
        let group = Arc::new(GroupTrace { from, until: Instant::now(), requests, revision: revision.0, steps });
        for (call, Times { queued, taken, judged }) in self.calls {
            call.wrote(Write { queued, taken, judged, group: Arc::clone(&group) });
        }
    }
}
