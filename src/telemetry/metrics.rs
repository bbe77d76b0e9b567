//! Figures of the machine and the store as Prometheus reads them: their names,
//! what they mean, and the text. Names begin with `steelyard_` and carry their
//! unit; labels hold names of files and instants, and never anything about a
//! person. Whoever knows a figure sets it.

use std::sync::OnceLock;

use metrics::{Unit, counter, describe_counter, describe_gauge};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};

/// Revision of the last event of the ledger.
pub const LEDGER_REVISION: &str = "steelyard_ledger_revision";
/// Whether writes are taken: 1 or 0.
pub const STORE_WRITABLE: &str = "steelyard_store_writable";
/// Size of the recovery journal.
pub const JOURNAL_BYTES: &str = "steelyard_store_journal_bytes";
/// Segments of the recovery journal.
pub const JOURNAL_SEGMENTS: &str = "steelyard_store_journal_segments";
/// Last event that the engine has on the disk itself.
pub const ENGINE_SYNCED_REVISION: &str = "steelyard_store_engine_synced_revision";
/// Starts of this process that rebuilt the engine's files.
pub const RECOVERED: &str = "steelyard_store_recovered_total";
/// What the last start rebuilt.
pub const RECOVERED_INFO: &str = "steelyard_store_recovered_info";
/// Whether a read met damage since the start: 1 or 0.
pub const SUSPECT: &str = "steelyard_store_suspect";
/// Whether lists are weighed on a day older than allowed: 1 or 0.
pub const LISTS_STALE: &str = "steelyard_lists_stale";
/// Space free on the disk of the store.
pub const DISK_FREE_BYTES: &str = "steelyard_disk_free_bytes";
/// When the newest verified backup was written.
pub const BACKUP_LAST_SUCCESS: &str = "steelyard_backup_last_success_timestamp_seconds";
/// Last event in the newest verified backup.
pub const BACKUP_LAST_REVISION: &str = "steelyard_backup_last_revision";
/// Backups that failed.
pub const BACKUP_FAILURES: &str = "steelyard_backup_failures_total";
/// Day on which lists are weighed.
pub const LISTS_AS_OF: &str = "steelyard_lists_as_of_timestamp_seconds";
/// Number of the newest published generation.
pub const GENERATION: &str = "steelyard_generation";
/// Bytes of the newest published generation.
pub const GENERATION_BYTES: &str = "steelyard_generation_bytes";
/// Whether a run goes on: 1 or 0.
pub const RESCORE_RUNNING: &str = "steelyard_rescore_running";
/// Runs, by how they ended.
pub const RESCORE_RUNS: &str = "steelyard_rescore_runs_total";
/// How long runs that published took.
pub const RESCORE_SECONDS: &str = "steelyard_rescore_duration_seconds";
/// How long the last backup took, with its check.
pub const BACKUP_DURATION: &str = "steelyard_backup_duration_seconds";
/// When the server's certificate runs out.
pub const CERTIFICATE_EXPIRES: &str = "steelyard_tls_certificate_expires_timestamp_seconds";
/// Whether a new certificate, key or authority was found and could not be used: 1 or 0.
pub const CERTIFICATE_REFUSED: &str = "steelyard_tls_reload_refused";
/// Connections held.
pub const CONNECTIONS: &str = "steelyard_connections";
/// Connections closed before they were served, by why.
pub const CONNECTIONS_REFUSED: &str = "steelyard_connections_refused_total";
/// When the keys of tokens were last read.
pub const TOKEN_KEYS_READ: &str = "steelyard_token_keys_read_timestamp_seconds";
/// Whether the file that maps certificates was changed and could not be used: 1 or 0.
pub const CERTIFICATES_FILE_REFUSED: &str = "steelyard_certificates_file_refused";
/// Sessions of people who signed in from a browser.
pub const SIGNIN_SESSIONS: &str = "steelyard_signin_sessions";

/// Entries of the audit.
pub const AUDIT_ENTRIES: &str = "steelyard_audit_entries";
/// Entries of the audit up to the head that the ledger holds.
pub const AUDIT_ANCHORED_ENTRIES: &str = "steelyard_audit_anchored_entries";
/// Entries that wait to be written.
pub const AUDIT_WAITING: &str = "steelyard_audit_waiting_entries";
/// Entries of the last group.
pub const AUDIT_GROUP_ENTRIES: &str = "steelyard_audit_group_entries";
/// Groups that were written and synced.
pub const AUDIT_SYNCS: &str = "steelyard_audit_syncs_total";
/// How long writing and syncing the last group took.
pub const AUDIT_SYNC_SECONDS: &str = "steelyard_audit_sync_duration_seconds";
/// Whether the audit can be written: 1 or 0.
pub const AUDIT_WRITABLE: &str = "steelyard_audit_writable";

/// The metrics of this process, to be rendered.
#[derive(Clone)]
pub struct Metrics(PrometheusHandle);

/// Begins to count. Once in a process; later calls give the same metrics.
pub fn start() -> Metrics {
    static STARTED: OnceLock<PrometheusHandle> = OnceLock::new();
    let handle = STARTED.get_or_init(|| {
        let recorder = PrometheusBuilder::new().build_recorder();
        let handle = recorder.handle();
        metrics::set_global_recorder(recorder).expect("nothing else of this process must set a recorder");
        describe();
        counter!(BACKUP_FAILURES).absolute(0);
        for outcome in ["published", "failed", "cancelled"] {
            counter!(RESCORE_RUNS, "outcome" => outcome).absolute(0);
        }
        handle
    });
    Metrics(handle.clone())
}

impl Metrics {
    /// The text that Prometheus reads.
    pub fn render(&self) -> String {
        self.0.run_upkeep();
        self.0.render()
    }
}

fn describe() {
    describe_gauge!(LEDGER_REVISION, "Revision of the last event of the ledger");
    describe_gauge!(STORE_WRITABLE, "Whether writes are taken: 1 or 0");
    describe_gauge!(JOURNAL_BYTES, Unit::Bytes, "Size of the recovery journal");
    describe_gauge!(JOURNAL_SEGMENTS, "Segments of the recovery journal");
    describe_gauge!(ENGINE_SYNCED_REVISION, "Last event that the engine has on the disk itself");
    describe_counter!(RECOVERED, "Starts of this process that rebuilt the engine's files");
    describe_gauge!(RECOVERED_INFO, "What the last start rebuilt: where the old files are, and when");
    describe_gauge!(SUSPECT, "Whether a read met damage since the start: 1 or 0");
    describe_gauge!(LISTS_STALE, "Whether lists are weighed on a day older than allowed: 1 or 0");
    describe_gauge!(DISK_FREE_BYTES, Unit::Bytes, "Space free on the disk of the store");
    describe_gauge!(BACKUP_LAST_SUCCESS, Unit::Seconds, "When the newest verified backup was written");
    describe_gauge!(BACKUP_LAST_REVISION, "Last event in the newest verified backup");
    describe_counter!(BACKUP_FAILURES, "Backups that failed");
    describe_gauge!(LISTS_AS_OF, Unit::Seconds, "Beginning of the day on which lists are weighed");
    describe_gauge!(GENERATION, "Number of the newest published generation");
    describe_gauge!(GENERATION_BYTES, Unit::Bytes, "Bytes of the newest published generation");
    describe_gauge!(RESCORE_RUNNING, "Whether a run goes on: 1 or 0");
    describe_counter!(RESCORE_RUNS, "Runs, by how they ended: published, failed or cancelled");
    describe_gauge!(RESCORE_SECONDS, Unit::Seconds, "How long the last run that published took");
    describe_gauge!(AUDIT_ENTRIES, "Entries of the audit");
    describe_gauge!(AUDIT_ANCHORED_ENTRIES, "Entries of the audit up to the head that the ledger holds");
    describe_gauge!(AUDIT_WAITING, "Entries of the audit that wait to be written");
    describe_gauge!(AUDIT_GROUP_ENTRIES, "Entries of the audit written by the last sync");
    describe_counter!(AUDIT_SYNCS, "Groups of entries of the audit that were written and synced");
    describe_gauge!(AUDIT_SYNC_SECONDS, Unit::Seconds, "How long writing and syncing the last group took");
    describe_gauge!(AUDIT_WRITABLE, "Whether the audit can be written: 1 or 0");
    describe_gauge!(BACKUP_DURATION, Unit::Seconds, "How long the last backup took, with its check");
    describe_gauge!(CERTIFICATE_EXPIRES, Unit::Seconds, "When the server's certificate runs out");
    describe_gauge!(CERTIFICATE_REFUSED, "Whether a new certificate, key or authority could not be used: 1 or 0");
    describe_gauge!(CONNECTIONS, "Connections held when the last one came");
    describe_counter!(CONNECTIONS_REFUSED, "Connections closed before they were served: full, silent or handshake");
    describe_gauge!(TOKEN_KEYS_READ, Unit::Seconds, "When the keys of tokens were last read");
    describe_gauge!(CERTIFICATES_FILE_REFUSED, "Whether a new file of certificates could not be used: 1 or 0");
    describe_gauge!(SIGNIN_SESSIONS, "Sessions of people who signed in from a browser");
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
        assert!(metrics.render().contains("# TYPE steelyard_backup_failures_total counter"));
    }
}
