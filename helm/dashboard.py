"""Prints helm/steelyard/files/dashboard.json, the dashboard of Steelyard for Grafana. `just keep` writes it there."""

import json

SOURCE = {"type": "prometheus", "uid": "${datasource}"}
WIDTH, HEIGHT = 24, 8
MINE = 'instance=~"$instance"'


def rate(name: str, more: str = "") -> str:
    return f"rate({name}{{{MINE}{more}}}[$__rate_interval])"


def quantile(q: float, name: str, by: str = "", more: str = "") -> str:
    return f"histogram_quantile({q}, sum by (le{by}) ({rate(name + '_bucket', more)}))"


def is_(name: str, more: str = "") -> str:
    return f"{name}{{{MINE}{more}}}"


EVERYBODY = ', list="all"'
JOB = ', job=~".*steelyard.*"'
NOT_OK = ', code!="OK"'
FAULTS = ', code=~"INTERNAL|UNKNOWN|DATA_LOSS|UNAVAILABLE|DEADLINE_EXCEEDED"'
CALLS = "steelyard_rpc_duration_seconds"


def share(summed: str) -> str:
    """The share of calls that fail; 0 where none did."""
    every = f"{summed} ({rate(CALLS + '_count')})"
    return f"({summed} ({rate(CALLS + '_count', FAULTS)}) or 0 * {every}) / {every}"


def of(name: str, legend: str = "") -> list:
    """The median and the slow ends of a histogram."""
    return [(quantile(q, name), f"{legend}p{round(q * 100)}") for q in (0.5, 0.95, 0.99)]


# Each row: its title, and of each panel the kind, title, unit, width, what it says, and expressions with their legends.
ROWS = [
    ("At a glance", [
        ("stat", "Is there", "bool_yes_no", 3, "Whether the server answers.", [(is_("up", JOB), "{{instance}}")]),
        ("stat", "Takes writes", "bool_yes_no", 3, "Whether new reports are taken.", [(is_("steelyard_store_writable"), "{{instance}}")]),
        ("stat", "Age of the day", "s", 3, "Time since the beginning of the day on which everybody is weighed.",
         [(f"time() - {is_('steelyard_lists_as_of_timestamp_seconds')}", "{{instance}}")]),
        ("stat", "Since the last run", "s", 3, "Time since a run last published.",
         [(f"time() - {is_('steelyard_rescore_last_success_timestamp_seconds')}", "{{instance}}")]),
        ("stat", "Age of the backup", "s", 3, "Time since the newest verified backup was written.",
         [(f"time() - {is_('steelyard_backup_last_success_timestamp_seconds')}", "{{instance}}")]),
        ("stat", "Failing calls", "percentunit", 3, "Share of calls that fail by the server's fault.",
         [(share("sum"), "")]),
        ("stat", "People", "short", 3, "People on the list of everybody.", [(f"sum({is_('steelyard_list_people', EVERYBODY)})", "")]),
        ("stat", "Version", "short", 3, "The program that runs.", [(is_("steelyard_build_info"), "{{version}}")]),
    ]),
    ("Calls", [
        ("timeseries", "Calls by method", "reqps", 8, "How many calls of each method begin to be answered in a second.",
         [(f"sum by (method) ({rate(CALLS + '_count')}) > 0", "{{method}}")]),
        ("timeseries", "Calls that were not OK", "reqps", 8, "By code; refusals that the caller can mend are among them.",
         [(f"sum by (code) ({rate(CALLS + '_count', NOT_OK)})", "{{code}}")]),
        ("timeseries", "Share of calls that fail", "percentunit", 8, "By the server's fault; 0.1 % is what a month allows.",
         [(share("sum by (instance)"), "{{instance}}")]),
        *(
            ("timeseries", f"Time of calls, p{round(q * 100)}", "s", 8, "Until the answer begins, by method.",
             [(quantile(q, CALLS, ", method"), "{{method}}")])
            for q in (0.5, 0.95, 0.99)
        ),
        ("timeseries", "In flight", "short", 8, "Calls whose answer has not ended, and followers of lists among them.",
         [(is_("steelyard_rpc_in_flight"), "calls {{instance}}"), (is_("steelyard_watch_streams"), "followers {{instance}}")]),
        ("timeseries", "Streams that ended", "reqps", 8, "By code; CANCELLED is a reader who left.",
         [(f"sum by (code) ({rate('steelyard_rpc_streams_ended_total')})", "{{code}}")]),
        ("timeseries", "Followers behind", "short", 8, "Events by which the slowest follower is behind.",
         [(is_("steelyard_watch_lag_revisions"), "{{instance}}")]),
    ]),
    ("Writer and store", [
        ("timeseries", "Queue", "short", 8, "Requests that wait to be written; at 256 the next is refused.",
         [(is_("steelyard_writer_queue_requests"), "{{instance}}")]),
        ("timeseries", "Requests in a group", "short", 8, "How many were written together.", of("steelyard_writer_group_requests")),
        ("timeseries", "Commit", "s", 8, "From judging a group until its lists are published.", of("steelyard_writer_commit_duration_seconds")),
        ("timeseries", "Journal", "s", 8, "Writing to the journal and syncing it, before anything is acknowledged.",
         of("steelyard_store_journal_append_duration_seconds", "append ") + of("steelyard_store_journal_sync_duration_seconds", "sync ")),
        ("timeseries", "Engine", "s", 8, "Syncing the engine's files, for which nobody waits.", of("steelyard_store_engine_sync_duration_seconds")),
        ("timeseries", "Events", "cps", 8, "Events that the ledger grows by in a second.",
         [(f"deriv({is_('steelyard_ledger_revision')}[$__rate_interval])", "{{instance}}")]),
    ]),
    ("Lists and runs", [
        ("timeseries", "People by band", "short", 8, "Of the list of everybody.",
         [(f"sum by (band) ({is_('steelyard_list_people', EVERYBODY)})", "{{band}}")]),
        ("timeseries", "People by list", "short", 8, "Who is on two lists counts on both.",
         [(f"sum by (list) ({is_('steelyard_list_people')})", "{{list}}")]),
        ("timeseries", "Age of the lists", "s", 8, "Since the last write or start that published them, since the last run, and how stale they are.",
         [(f"time() - {is_('steelyard_snapshot_published_timestamp_seconds')}", "published"),
          (f"time() - {is_('steelyard_rescore_last_success_timestamp_seconds')}", "run"),
          (is_("steelyard_lists_stale_seconds"), "stale")]),
        ("timeseries", "People of the last run", "short", 8, "Failed are those that could not be weighed.",
         [(is_("steelyard_rescore_last_people"), "{{outcome}}")]),
        ("timeseries", "Runs", "short", 8, "How many ended within a day, by how.",
         [(f"sum by (outcome) (increase({is_('steelyard_rescore_runs_total')}[1d]))", "{{outcome}}"), (is_("steelyard_rescore_running"), "goes on")]),
        ("timeseries", "Time and size of a run", "s", 8, "How long the last run took that published.",
         [(is_("steelyard_rescore_duration_seconds"), "{{instance}}")]),
    ]),
    ("Keeping", [
        ("timeseries", "Free on the disk", "bytes", 8, "Under 256 MiB writes are refused.", [(is_("steelyard_disk_free_bytes"), "{{instance}}")]),
        ("timeseries", "Bytes kept", "bytes", 8, "Engine, journal and the newest generation.",
         [(is_("steelyard_store_bytes"), "engine"), (is_("steelyard_store_journal_bytes"), "journal"), (is_("steelyard_generation_bytes"), "generation")]),
        ("timeseries", "Age of the newest backup", "s", 8, "An hour, where anything is written.",
         [(f"time() - {is_('steelyard_backup_last_success_timestamp_seconds')}", "{{instance}}")]),
        ("timeseries", "Events in no backup", "short", 8, "What would be lost with the disk.",
         [(f"{is_('steelyard_ledger_revision')} - {is_('steelyard_backup_last_revision')}", "{{instance}}")]),
        ("timeseries", "Backups", "s", 8, "How long the last one took, with its check.", [(is_("steelyard_backup_duration_seconds"), "{{instance}}")]),
        ("timeseries", "Faults of the store", "short", 8, "Backups that failed within a day, starts that rebuilt, and damage that was met.",
         [(f"increase({is_('steelyard_backup_failures_total')}[1d])", "backups failed"), (is_("steelyard_store_recovered_total"), "rebuilt"),
          (is_("steelyard_store_suspect"), "suspect")]),
    ]),
    ("Access and audit", [
        ("timeseries", "Entries of the audit", "cps", 8, "Entries that are written in a second.", [(f"deriv({is_('steelyard_audit_entries')}[$__rate_interval])", "{{instance}}")]),
        ("timeseries", "Audit behind", "s", 8, "For how long the ledger has not vouched for its newest entries.", [(is_("steelyard_audit_lag_seconds"), "{{instance}}")]),
        ("timeseries", "Sync of the audit", "s", 8, "How long the last took; each answer waits for one.", [(is_("steelyard_audit_sync_duration_seconds"), "{{instance}}")]),
        ("timeseries", "Connections", "short", 8, "Held, and closed before they were served, by why.",
         [(is_("steelyard_connections"), "held"), (f"sum by (reason) (increase({is_('steelyard_connections_refused_total')}[$__rate_interval]))", "{{reason}}")]),
        ("timeseries", "Signed in", "short", 8, "Sessions of people in a browser.", [(is_("steelyard_signin_sessions"), "{{instance}}")]),
        ("timeseries", "Certificate and keys", "s", 8, "Until the certificate runs out, and since the keys of tokens were read.",
         [(f"{is_('steelyard_tls_certificate_expires_timestamp_seconds')} - time()", "certificate"),
          (f"time() - {is_('steelyard_token_keys_read_timestamp_seconds')}", "keys")]),
    ]),
    ("Process", [
        ("timeseries", "Memory", "bytes", 6, "Held by the process.", [(is_("process_resident_memory_bytes", JOB), "{{instance}}")]),
        ("timeseries", "Processors", "short", 6, "How many it uses.", [(rate("process_cpu_seconds_total", JOB), "{{instance}}")]),
        ("timeseries", "Open files", "short", 6, "Files and connections.", [(is_("process_open_fds", JOB), "{{instance}}")]),
        ("timeseries", "Since the start", "s", 6, "It falls to 0 at each start.",
         [(f"time() - {is_('process_start_time_seconds', JOB)}", "{{instance}}")]),
    ]),
]


def panel(number: int, kind: str, title: str, unit: str, says: str, asks: list, place: dict) -> dict:
    targets = [
        {"refId": chr(ord("A") + at), "datasource": SOURCE, "expr": expression, "legendFormat": legend or "__auto"}
        for at, (expression, legend) in enumerate(asks)
    ]
    made = {
        "id": number, "type": kind, "title": title, "description": says, "datasource": SOURCE, "gridPos": place, "targets": targets,
        "fieldConfig": {"defaults": {"unit": unit, "min": 0} if kind == "timeseries" else {"unit": unit}, "overrides": []},
    }
    if kind == "stat":
        made["options"] = {
            "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
            "textMode": "name" if title == "Version" else "auto", "colorMode": "none", "graphMode": "none",
        }
    else:
        made["options"] = {"legend": {"displayMode": "list", "placement": "bottom"}, "tooltip": {"mode": "multi", "sort": "desc"}}
    return made


def board() -> dict:
    panels, number, y = [], 0, 0
    for title, inside in ROWS:
        number += 1
        panels.append({"id": number, "type": "row", "title": title, "collapsed": False, "panels": [], "gridPos": {"x": 0, "y": y, "w": WIDTH, "h": 1}})
        y, x = y + 1, 0
        height = 4 if inside[0][0] == "stat" else HEIGHT
        for kind, name, unit, width, says, asks in inside:
            if x + width > WIDTH:
                x, y = 0, y + height
            number += 1
            panels.append(panel(number, kind, name, unit, says, asks, {"x": x, "y": y, "w": width, "h": height}))
            x += width
        y += height
    variables = [
        {"name": "datasource", "label": "Prometheus", "type": "datasource", "query": "prometheus", "current": {}, "hide": 0},
        {
            "name": "instance", "label": "Server", "type": "query", "datasource": SOURCE, "refresh": 2, "sort": 1, "multi": True,
            "includeAll": True, "allValue": ".*", "current": {"text": "All", "value": "$__all"}, "hide": 0,
            "definition": "label_values(steelyard_build_info, instance)",
            "query": {"query": "label_values(steelyard_build_info, instance)", "refId": "instance"},
        },
    ]
    return {
        "uid": "steelyard", "title": "Steelyard", "description": "How the server that ranks people stands. Nothing here is about a person.",
        "tags": ["steelyard"], "schemaVersion": 39, "version": 1, "editable": True, "graphTooltip": 1, "refresh": "30s",
        "time": {"from": "now-24h", "to": "now"}, "timezone": "browser", "templating": {"list": variables},
        "annotations": {"list": []}, "links": [], "panels": panels,
    }


if __name__ == "__main__":
    print(json.dumps(board(), indent=1))
