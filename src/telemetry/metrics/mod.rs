//! Figures of the machine and the store as Prometheus reads them. Names begin with
//! `steelyard_` and carry their unit; labels hold names of methods, lists, files and
//! instants, and never anything about a person. Whoever knows a figure sets it.
//! Where nothing was started, setting one does nothing and costs next to nothing.

mod process;
mod table;

use std::sync::OnceLock;

use metrics::{Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

pub use table::*;

/// Bounds of the time that calls take, seconds.
const CALLS: &[f64] = &[0.000_5, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0];
/// Bounds of the time that writing and syncing take, seconds.
const DISK: &[f64] =
    &[0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0];
/// Bounds of the size of a group of requests.
const GROUPS: &[f64] = &[1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0];

/// Every histogram, with its bounds.
const HISTOGRAMS: &[(&str, &[f64])] = &[
    (RPC_SECONDS, CALLS),
    (WRITER_GROUP, GROUPS),
    (WRITER_COMMIT_SECONDS, DISK),
    (JOURNAL_APPEND_SECONDS, DISK),
    (JOURNAL_SYNC_SECONDS, DISK),
    (ENGINE_SYNC_SECONDS, DISK),
];

/// The metrics of this process, to be rendered.
#[derive(Clone)]
pub struct Metrics(PrometheusHandle);

/// Begins to count. Once in a process; later calls give the same metrics.
pub fn start() -> Metrics {
    static STARTED: OnceLock<PrometheusHandle> = OnceLock::new();
    let handle = STARTED.get_or_init(|| {
        let recorder = HISTOGRAMS.iter().fold(PrometheusBuilder::new(), |builder, (name, bounds)| {
            let bounded = builder.set_buckets_for_metric(Matcher::Full((*name).to_owned()), bounds);
            bounded.expect("the bounds of a histogram must be some numbers")
        });
        let recorder = recorder.build_recorder();
        let handle = recorder.handle();
        metrics::set_global_recorder(recorder).expect("nothing else of this process must set a recorder");
        describe();
        begin();
        handle
    });
    Metrics(handle.clone())
}

impl Metrics {
    /// The text that Prometheus reads.
    pub fn render(&self) -> String {
        let mut text = self.0.render();
        process::tell(&mut text);
        text
    }

    /// Gathers what was observed since it was last called, or rendered. To be called every few seconds: until then every
    /// single observation is held.
    pub fn tend(&self) {
        self.0.run_upkeep();
    }
}

fn describe() {
    for figure in FIGURES {
        let unit = match figure.unit {
            "seconds" | "seconds since 1970" => Unit::Seconds,
            "bytes" => Unit::Bytes,
            _ => Unit::Count,
        };
        match figure.kind {
            Kind::Counter => describe_counter!(figure.name, unit, figure.meaning),
            Kind::Gauge => describe_gauge!(figure.name, unit, figure.meaning),
            Kind::Histogram => describe_histogram!(figure.name, unit, figure.meaning),
        }
    }
}

/// What is known from the beginning is there from the beginning: a rate has to see a counter at 0.
fn begin() {
    gauge!(BUILD_INFO, "version" => env!("CARGO_PKG_VERSION")).set(1.0);
    for name in [BACKUP_FAILURES, RECOVERED, AUDIT_SYNCS] {
        counter!(name).absolute(0);
    }
    for outcome in ["published", "failed", "cancelled"] {
        counter!(RESCORE_RUNS, "outcome" => outcome).absolute(0);
    }
    for reason in ["full", "silent", "handshake"] {
        counter!(CONNECTIONS_REFUSED, "reason" => reason).absolute(0);
    }
    for (name, _) in HISTOGRAMS.iter().filter(|(name, _)| *name != RPC_SECONDS) {
        drop(histogram!(*name));
    }
}

/// Prometheus counts in floating point: exact up to 2 to the power of 53.
pub fn float(number: u64) -> f64 {
    number as f64
}

/// 1 or 0.
pub fn flag(is: bool) -> f64 {
    f64::from(u8::from(is))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_is_told_with_its_meaning_and_starting_twice_changes_nothing() {
        let metrics = start();
        metrics::gauge!(DISK_FREE_BYTES).set(float(4096));
        let text = start().render();
        assert!(text.contains("# HELP steelyard_disk_free_bytes Space free on the disk of the store"), "{text}");
        assert!(text.contains("steelyard_disk_free_bytes 4096"), "{text}");
        assert!(text.contains("steelyard_build_info{version=\"0.1.0\"} 1"), "{text}");
        assert!(metrics.render().contains("# TYPE steelyard_backup_failures_total counter"));
    }

    #[test]
    fn every_histogram_is_bounded_and_there_from_the_start() {
        let text = start().render();
        for figure in FIGURES.iter().filter(|figure| figure.kind == Kind::Histogram) {
            assert!(HISTOGRAMS.iter().any(|(name, _)| *name == figure.name), "{} has no bounds", figure.name);
            if figure.labels.is_empty() {
                assert!(text.contains(&format!("# TYPE {} histogram", figure.name)), "{}: {text}", figure.name);
                assert!(text.contains(&format!("{}_count 0", figure.name)), "{}: {text}", figure.name);
            }
        }
    }

    #[test]
    fn names_are_told_once_and_no_meaning_breaks_its_line() {
        for (place, figure) in FIGURES.iter().enumerate() {
            assert!(!FIGURES[..place].iter().any(|other| other.name == figure.name), "{} twice", figure.name);
            assert!(!figure.meaning.contains(['\n', '|']) && !figure.meaning.ends_with('.'), "{}", figure.name);
        }
    }
}
