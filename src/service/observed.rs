//! Figures of lists, runs and the writer's queue that are not set when they change
//! but looked at when they are asked for. Nothing here walks over people: lists
//! are in order of bands, and say by their places how many there are.

use std::sync::LazyLock;

use metrics::gauge;

use super::Service;
use super::rescore::runs::{Run, RunState};
use crate::domain::word::{Band, List};
use crate::telemetry::metrics::{
    AUDIT_LAG_SECONDS, LIST_PEOPLE, LISTS_STALE_SECONDS, RESCORE_LAST_PEOPLE, RESCORE_LAST_SUCCESS, SNAPSHOT_PUBLISHED,
    WATCH_LAG, WATCH_STREAMS, WRITER_QUEUE, float,
};

/// Names of lists and bands as labels: those of the contract, in lower case.
static WORDS: LazyLock<(Vec<String>, Vec<String>)> = LazyLock::new(|| {
    let label = |name: &str, prefix: &str| name.trim_start_matches(prefix).to_lowercase();
    let lists = List::ALL.iter().map(|list| label(list.proto().as_str_name(), "LIST_"));
    let bands = Band::ALL.iter().map(|band| label(band.proto().as_str_name(), "BAND_"));
    (lists.collect(), bands.collect())
});

impl Service {
    /// Sets the figures of lists, runs and queue, as they are now.
    pub fn observe(&self) {
        gauge!(WRITER_QUEUE).set(float((self.queue.max_capacity() - self.queue.capacity()) as u64));
        gauge!(AUDIT_LAG_SECONDS).set(self.audit_lag().as_secs_f64());
        gauge!(WATCH_STREAMS).set(float(self.watched.count() as u64));
        let runs = self.board.runs();
        if let Some(newest) = runs.generations().last() {
            gauge!(RESCORE_LAST_SUCCESS).set(newest.published_micros as f64 / 1e6);
        }
        if let Some(run) = runs.ended_last() {
            people(run);
        }
        let Some(standings) = self.board.standings() else { return };
        gauge!(WATCH_LAG).set(float(self.watched.lag(standings.revision())));
        gauge!(SNAPSHOT_PUBLISHED).set(standings.meta().published.as_microsecond() as f64 / 1e6);
        gauge!(LISTS_STALE_SECONDS).set(self.stale_by(standings.as_of()).as_secs_f64());
        let (lists, bands) = &*WORDS;
        for list in List::ALL {
            for (band, count) in standings.in_bands(*list) {
                let (list, band) = (&*lists[*list as usize], &*bands[band as usize]);
                gauge!(LIST_PEOPLE, "list" => list, "band" => band).set(float(count as u64));
            }
        }
    }
}

fn people(run: &Run) {
    debug_assert!(run.state != RunState::Running, "a run that goes on has not ended");
    let of = run.counters;
    for (outcome, count) in [
        ("universe", of.universe),
        ("scored", of.scored),
        ("changed", of.changed),
        ("failed", of.failed),
        ("resumed", of.resumed),
        // Nobody is left out on purpose so far.
        ("skipped", 0),
    ] {
        gauge!(RESCORE_LAST_PEOPLE, "outcome" => outcome).set(f64::from(count));
    }
}
