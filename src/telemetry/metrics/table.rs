//! Every figure of this process in one table: its name, what it counts in, by what
//! it is told apart, and what it means. The text for Prometheus and the page of
//! operations both come from it, so that neither can drift. Nothing is counted here.

/// How a figure moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Up alone, from 0 at the start.
    Counter,
    /// Up and down.
    Gauge,
    /// Observations, counted by size.
    Histogram,
}

impl Kind {
    /// The word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }
}

/// One figure.
#[derive(Clone, Copy, Debug)]
pub struct Figure {
    /// Its name.
    pub name: &'static str,
    /// How it moves.
    pub kind: Kind,
    /// What it counts in.
    pub unit: &'static str,
    /// Its labels.
    pub labels: &'static [&'static str],
    /// What it means.
    pub meaning: &'static str,
}

macro_rules! figures {
    ($($constant:ident $name:literal $kind:ident $unit:literal [$($label:literal),*] $meaning:literal)+) => {
        $(
            #[doc = $meaning]
            pub const $constant: &str = $name;
        )+

        /// Every figure, in the order of the page of operations.
        pub const FIGURES: &[Figure] = &[$(
            Figure { name: $name, kind: Kind::$kind, unit: $unit, labels: &[$($label),*], meaning: $meaning },
        )+];
    };
}

figures! {
    BUILD_INFO "steelyard_build_info" Gauge "always 1" ["version"] "The program that runs, by version"

    RPC_SECONDS "steelyard_rpc_duration_seconds" Histogram "seconds" ["method", "code"] "From the arrival of a call to the beginning of its answer, whichever way it came; of the methods of the contract those that ended OK are there from the start, every other code from its first call on, and whatever is no method is `unknown`"
    RPC_IN_FLIGHT "steelyard_rpc_in_flight" Gauge "calls" [] "Calls whose answer has not been sent to its end, streams among them"
    RPC_STREAMS_ENDED "steelyard_rpc_streams_ended_total" Counter "streams" ["method", "code"] "Streams that ended after their answer had begun, by how: OK, what they failed with, or CANCELLED where the caller went away"
    CONNECTIONS "steelyard_connections" Gauge "connections" [] "Connections held when the last one came"
    CONNECTIONS_REFUSED "steelyard_connections_refused_total" Counter "connections" ["reason"] "Connections closed before they were served: full, silent or handshake"

    WRITER_QUEUE "steelyard_writer_queue_requests" Gauge "requests" [] "Requests that wait for the writer and were not taken up yet; at 256 further ones are refused"
    WRITER_GROUP "steelyard_writer_group_requests" Histogram "requests" [] "Requests that the writer judged together, those among them that it refused"
    WRITER_COMMIT_SECONDS "steelyard_writer_commit_duration_seconds" Histogram "seconds" [] "From the moment when a group was judged until it was kept and its standings were published"
    SNAPSHOT_PUBLISHED "steelyard_snapshot_published_timestamp_seconds" Gauge "seconds since 1970" [] "When the newest lists were published: at the last write that changed anything, or at the start"
    LIST_PEOPLE "steelyard_list_people" Gauge "people" ["list", "band"] "People on each list, by effective band; who is on two lists counts on both"
    LISTS_AS_OF "steelyard_lists_as_of_timestamp_seconds" Gauge "seconds since 1970" [] "Beginning of the day on which lists are weighed"
    LISTS_STALE "steelyard_lists_stale" Gauge "1 or 0" [] "Whether lists are weighed on a day older than allowed"
    LISTS_STALE_SECONDS "steelyard_lists_stale_seconds" Gauge "seconds" [] "By how much the day of the lists is older than `freshness.stale_after_hours` allows; 0 while it is not"
    GENERATION "steelyard_generation" Gauge "number" [] "Number of the generation that the lists rest on; 0 for none"
    GENERATION_BYTES "steelyard_generation_bytes" Gauge "bytes" [] "Bytes of the newest generation that this process made"

    RESCORE_RUNNING "steelyard_rescore_running" Gauge "1 or 0" [] "Whether a run goes on"
    RESCORE_RUNS "steelyard_rescore_runs_total" Counter "runs" ["outcome"] "Runs since the start, by how they ended: published, failed or cancelled"
    RESCORE_SECONDS "steelyard_rescore_duration_seconds" Gauge "seconds" [] "How long the last run that published took"
    RESCORE_LAST_SUCCESS "steelyard_rescore_last_success_timestamp_seconds" Gauge "seconds since 1970" [] "When the newest generation was published, as the ledger tells; absent where there is none"
    RESCORE_LAST_PEOPLE "steelyard_rescore_last_people" Gauge "people" ["outcome"] "People of the run that ended last and was not dry, as the ledger tells: universe, scored, changed, failed, resumed and skipped"

    LEDGER_REVISION "steelyard_ledger_revision" Gauge "events" [] "Revision of the last event of the ledger"
    STORE_WRITABLE "steelyard_store_writable" Gauge "1 or 0" [] "Whether writes are taken"
    STORE_BYTES "steelyard_store_bytes" Gauge "bytes" [] "Bytes on the disk of the engine's files, without journal, audit and generations; looked at every 15 seconds at most"
    JOURNAL_BYTES "steelyard_store_journal_bytes" Gauge "bytes" [] "Size of the recovery journal"
    JOURNAL_SEGMENTS "steelyard_store_journal_segments" Gauge "files" [] "Segments of the recovery journal"
    JOURNAL_APPEND_SECONDS "steelyard_store_journal_append_duration_seconds" Histogram "seconds" [] "Writing a group to the journal, without the sync that follows"
    JOURNAL_SYNC_SECONDS "steelyard_store_journal_sync_duration_seconds" Histogram "seconds" [] "The sync after it, before which nothing is acknowledged"
    ENGINE_SYNC_SECONDS "steelyard_store_engine_sync_duration_seconds" Histogram "seconds" [] "Syncing the engine's files, which nobody waits for while they are close behind the journal"
    ENGINE_SYNCED_REVISION "steelyard_store_engine_synced_revision" Gauge "events" [] "Last event that the engine has on the disk itself"
    RECOVERED "steelyard_store_recovered_total" Counter "starts" [] "1 where the last start rebuilt the engine's files"
    RECOVERED_INFO "steelyard_store_recovered_info" Gauge "always 1" ["quarantine", "at"] "What the last start rebuilt: where the old files are, and when"
    SUSPECT "steelyard_store_suspect" Gauge "1 or 0" [] "Whether a read met damage since the start"
    DISK_FREE_BYTES "steelyard_disk_free_bytes" Gauge "bytes" [] "Space free on the disk of the store"

    BACKUP_LAST_SUCCESS "steelyard_backup_last_success_timestamp_seconds" Gauge "seconds since 1970" [] "When the newest verified backup was written; absent where there is none"
    BACKUP_LAST_REVISION "steelyard_backup_last_revision" Gauge "events" [] "Last event in the newest verified backup; absent where there is none"
    BACKUP_FAILURES "steelyard_backup_failures_total" Counter "backups" [] "Backups that failed"
    BACKUP_DURATION "steelyard_backup_duration_seconds" Gauge "seconds" [] "How long the last backup took, with its check"

    AUDIT_ENTRIES "steelyard_audit_entries" Gauge "entries" [] "Entries of the audit"
    AUDIT_ANCHORED_ENTRIES "steelyard_audit_anchored_entries" Gauge "entries" [] "Entries of the audit up to the head that the ledger holds"
    AUDIT_LAG_SECONDS "steelyard_audit_lag_seconds" Gauge "seconds" [] "For how long the audit is known to have held entries that the head in the ledger does not cover; 0 while it covers all. It is looked at after every write, every second while none comes, and when this is read, so that the oldest such entry is older by a second at most"
    AUDIT_WAITING "steelyard_audit_waiting_entries" Gauge "entries" [] "Entries of the audit that wait to be written"
    AUDIT_GROUP_ENTRIES "steelyard_audit_group_entries" Gauge "entries" [] "Entries of the audit written by the last sync"
    AUDIT_SYNCS "steelyard_audit_syncs_total" Counter "syncs" [] "Groups of entries of the audit that were written and synced"
    AUDIT_SYNC_SECONDS "steelyard_audit_sync_duration_seconds" Gauge "seconds" [] "How long writing and syncing the last group took"
    AUDIT_WRITABLE "steelyard_audit_writable" Gauge "1 or 0" [] "Whether the audit can be written"

    WATCH_STREAMS "steelyard_watch_streams" Gauge "streams" [] "Streams that follow a list"
    WATCH_LAG "steelyard_watch_lag_revisions" Gauge "events" [] "Events by which the stream that is furthest behind is behind the lists; 0 where there is none"

    TRACE_SPANS "steelyard_trace_spans_total" Counter "spans" ["outcome"] "Spans of traces that the receiver took, `exported`, and that it did not, `lost`; absent where nothing is traced"

    CERTIFICATE_EXPIRES "steelyard_tls_certificate_expires_timestamp_seconds" Gauge "seconds since 1970" [] "When the server's certificate runs out"
    CERTIFICATE_REFUSED "steelyard_tls_reload_refused" Gauge "1 or 0" [] "Whether a new certificate, key or authority was found and could not be used"
    CERTIFICATES_FILE_REFUSED "steelyard_certificates_file_refused" Gauge "1 or 0" [] "Whether the file that maps certificates was changed and could not be used"
    TOKEN_KEYS_READ "steelyard_token_keys_read_timestamp_seconds" Gauge "seconds since 1970" [] "When the keys of tokens were last read"
    SIGNIN_SESSIONS "steelyard_signin_sessions" Gauge "sessions" [] "Sessions of people who signed in from a browser"

    PROCESS_MEMORY "process_resident_memory_bytes" Gauge "bytes" [] "Memory that the process holds; on Linux alone, as the three below"
    PROCESS_CPU "process_cpu_seconds_total" Counter "seconds" [] "Time of processors that it has used, its own and the system's for it"
    PROCESS_FILES "process_open_fds" Gauge "files" [] "Files and connections that it holds open"
    PROCESS_START "process_start_time_seconds" Gauge "seconds since 1970" [] "When it was started"
}
