//! `/metrics` of a real server: every figure of the contract with alerts and
//! dashboards is there and moves as it says.
#![expect(clippy::float_cmp, reason = "counts are whole numbers")]

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use serde_json::json;
use steelyard::pb;
use steelyard::telemetry::metrics::{FIGURES, Kind};

use crate::harness::{Client, Server, new_id, within};
use crate::people::{AS_OF, Somebody};
use crate::web::Web;

const PATIENCE: Duration = Duration::from_mins(1);
/// The day after [`AS_OF`].
const NEXT: &str = "2026-04-01";

/// Figures that are told from the start of any server with a directory.
const ALWAYS: &[&str] = &[
    "steelyard_build_info{version=\"0.1.0\"}",
    "steelyard_rpc_in_flight",
    "steelyard_writer_queue_requests",
    "steelyard_writer_group_requests_count",
    "steelyard_writer_commit_duration_seconds_count",
    "steelyard_store_journal_append_duration_seconds_count",
    "steelyard_store_journal_sync_duration_seconds_count",
    "steelyard_store_engine_sync_duration_seconds_count",
    "steelyard_snapshot_published_timestamp_seconds",
    "steelyard_list_people{list=\"cohort\",band=\"low\"}",
    "steelyard_list_people{list=\"outstanding\",band=\"very_high\"}",
    "steelyard_lists_stale_seconds",
    "steelyard_lists_stale",
    "steelyard_audit_lag_seconds",
    "steelyard_watch_streams",
    "steelyard_watch_lag_revisions",
    "steelyard_store_bytes",
    "steelyard_store_journal_bytes",
    "steelyard_disk_free_bytes",
    "steelyard_store_writable",
    "steelyard_ledger_revision",
    "steelyard_backup_failures_total",
    "steelyard_audit_writable",
    "steelyard_rescore_running",
    "steelyard_rescore_runs_total{outcome=\"published\"}",
    "steelyard_rescore_runs_total{outcome=\"failed\"}",
    "steelyard_rescore_runs_total{outcome=\"cancelled\"}",
    "steelyard_rpc_duration_seconds_count{method=\"RankingService/ListStandings\",code=\"OK\"}",
    "steelyard_rpc_duration_seconds_count{method=\"EvidenceService/WriteEvidence\",code=\"OK\"}",
    "steelyard_rpc_streams_ended_total{method=\"RankingService/WatchStandings\",code=\"OK\"}",
    "steelyard_rpc_streams_ended_total{method=\"RankingService/ExportStandings\",code=\"INTERNAL\"}",
];

/// What a server tells, by name and labels.
struct Scraped(BTreeMap<String, f64>, String);

impl Scraped {
    fn of(server: &Server) -> Self {
        let (code, text) = server.http("/metrics");
        assert_eq!(code, 200);
        let told = text.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
        let told = told.map(|line| {
            let (name, value) = line.rsplit_once(' ').expect("a line has a name and a value");
            (name.to_owned(), value.parse().expect("a value is a number"))
        });
        Self(told.collect(), text)
    }

    fn get(&self, name: &str) -> Option<f64> {
        self.0.get(name).copied()
    }

    #[track_caller]
    fn at(&self, name: &str) -> f64 {
        self.get(name).unwrap_or_else(|| panic!("{name} is not in:\n{}", self.1))
    }

    #[track_caller]
    fn calls(&self, method: &str, code: &str) -> f64 {
        self.at(&format!("steelyard_rpc_duration_seconds_count{{method=\"{method}\",code=\"{code}\"}}"))
    }
}

/// What a server tells once it tells so.
#[track_caller]
fn until(server: &Server, so: impl Fn(&Scraped) -> bool) -> Scraped {
    let found = within(PATIENCE, || Some(Scraped::of(server)).filter(&so));
    found.unwrap_or_else(|| panic!("it is never told so:\n{}", Scraped::of(server).1))
}

fn served(directory: &Path) -> Server {
    Server::on(directory, &["--as-of", AS_OF, "--health-listen", "127.0.0.1:0", "--http-listen", "127.0.0.1:0"])
}

async fn list(client: &mut Client, list: pb::List) -> Result<u32, tonic::Status> {
    let request = pb::ListStandingsRequest { list: list.into(), ..Default::default() };
    client.ranking.list_standings(request).await.map(|answer| answer.into_inner().list_size)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_alerts_rest_on_is_there_from_the_start_with_its_meaning() {
    let directory = tempfile::tempdir().unwrap();
    let server = served(directory.path());
    let scraped = Scraped::of(&server);
    for name in ALWAYS {
        scraped.at(name);
    }
    if cfg!(target_os = "linux") {
        assert!(scraped.at("process_resident_memory_bytes") > 1e6);
        assert!(scraped.at("process_cpu_seconds_total") > 0.0);
        assert!(scraped.at("process_open_fds") > 3.0);
        let now = jiff::Timestamp::now().as_second() as f64;
        let started = scraped.at("process_start_time_seconds");
        assert!((now - 600.0..=now + 2.0).contains(&started), "{started} {now}");
    }
    assert_eq!(scraped.get("steelyard_backup_last_success_timestamp_seconds"), None);
    assert_eq!(scraped.get("steelyard_rescore_last_success_timestamp_seconds"), None);
    let typed: Vec<&str> = scraped.1.lines().filter_map(|line| line.strip_prefix("# TYPE ")).collect();
    for line in &typed {
        let (name, kind) = line.split_once(' ').unwrap();
        let figure =
            FIGURES.iter().find(|figure| figure.name == name).unwrap_or_else(|| panic!("{name} is in no table"));
        assert_eq!(figure.kind.word(), kind, "{name}");
        assert!(scraped.1.contains(&format!("# HELP {name} {}", figure.meaning)), "{name} has no meaning");
    }
    for name in scraped.0.keys() {
        let bare = name.split('{').next().unwrap();
        let labels: Vec<&str> = match name.split_once('{') {
            Some((_, labels)) => labels.split(',').filter_map(|label| label.split('=').next()).collect(),
            None => Vec::new(),
        };
        let of = |figure: &&steelyard::telemetry::metrics::Figure| match figure.kind {
            Kind::Histogram => {
                ["_bucket", "_sum", "_count"].iter().any(|end| bare.strip_suffix(end) == Some(figure.name))
            }
            Kind::Counter | Kind::Gauge => bare == figure.name,
        };
        let figure = FIGURES.iter().find(of).unwrap_or_else(|| panic!("{name} is in no table"));
        let told: Vec<&str> = labels.into_iter().filter(|label| *label != "le").collect();
        assert_eq!(told, figure.labels, "{name}");
    }
    assert!(server.stop().await.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_are_counted_by_method_and_code_whichever_way_they_come() {
    let directory = tempfile::tempdir().unwrap();
    let server = served(directory.path());
    let mut client = server.client().await;
    for _ in 0..3 {
        list(&mut client, pb::List::Cohort).await.unwrap();
    }
    list(&mut client, pb::List::Unspecified).await.unwrap_err();
    client.standing("S-nobody").await.unwrap_err();
    let web = Web::of(&server);
    let over_http = web.post("/v1/RankingService/ListStandings", &[], &json!({ "list": "LIST_COHORT" }));
    assert_eq!(over_http.status, 200, "{}", String::from_utf8_lossy(&over_http.body));
    let channel = tonic::transport::Channel::from_shared(server.url()).unwrap().connect().await.unwrap();
    let mut unknown = tonic::client::Grpc::new(channel);
    unknown.ready().await.unwrap();
    let codec = tonic_prost::ProstCodec::<pb::GetStandingRequest, pb::GetStandingResponse>::default();
    let path = http::uri::PathAndQuery::from_static("/steelyard.v1.RankingService/S-secret");
    unknown.unary(tonic::Request::new(pb::GetStandingRequest::default()), path, codec).await.unwrap_err();

    let scraped = Scraped::of(&server);
    assert_eq!(scraped.calls("RankingService/ListStandings", "OK"), 4.0);
    assert_eq!(scraped.calls("RankingService/ListStandings", "INVALID_ARGUMENT"), 1.0);
    assert_eq!(scraped.calls("RankingService/GetStanding", "NOT_FOUND"), 1.0);
    assert_eq!(scraped.calls("RankingService/GetStanding", "OK"), 0.0);
    assert_eq!(scraped.calls("unknown", "UNIMPLEMENTED"), 1.0);
    until(&server, |scraped| scraped.at("steelyard_rpc_in_flight") == 0.0);
    assert!(!scraped.1.contains("S-nobody") && !scraped.1.contains("S-secret"), "{}", scraped.1);
    assert!(server.stop().await.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_moves_the_figures_of_writer_store_and_lists() {
    let directory = tempfile::tempdir().unwrap();
    let server = served(directory.path());
    let mut client = server.client().await;
    let before = Scraped::of(&server);
    for number in 0..3 {
        let somebody = Somebody::man(&format!("S-{number}"), "1990-05-01").wanted("2026-03-01");
        client.write(somebody.records()).await;
    }
    let after = until(&server, |scraped| scraped.at("steelyard_store_engine_sync_duration_seconds_count") > 0.0);
    let moved = |name: &str| after.at(name) - before.at(name);
    assert_eq!(moved("steelyard_writer_group_requests_count"), 3.0);
    assert_eq!(moved("steelyard_writer_group_requests_sum"), 3.0);
    assert_eq!(moved("steelyard_writer_commit_duration_seconds_count"), 3.0);
    assert!(moved("steelyard_store_journal_append_duration_seconds_count") >= 3.0);
    assert_eq!(
        after.at("steelyard_store_journal_append_duration_seconds_count"),
        after.at("steelyard_store_journal_sync_duration_seconds_count")
    );
    assert!(moved("steelyard_snapshot_published_timestamp_seconds") > 0.0);
    assert!(after.at("steelyard_store_bytes") > 0.0);
    for name in ["outstanding", "wanted", "all"] {
        let bands = ["low", "medium", "high", "very_high"];
        let count = |band| after.at(&format!("steelyard_list_people{{list=\"{name}\",band=\"{band}\"}}"));
        assert_eq!(bands.into_iter().map(count).sum::<f64>(), 3.0, "{name}");
    }
    // The day of these lists is long over.
    assert_eq!(after.at("steelyard_lists_stale"), 1.0);
    let age = jiff::Timestamp::now().as_second() as f64 - after.at("steelyard_lists_as_of_timestamp_seconds");
    let stale = after.at("steelyard_lists_stale_seconds");
    assert!((age - 26.0 * 3_600.0 - stale).abs() < 60.0, "{age} {stale}");
    assert!(server.stop().await.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn streams_are_counted_while_they_go_on_and_by_how_they_ended() {
    let directory = tempfile::tempdir().unwrap();
    let server = served(directory.path());
    let mut client = server.client().await;
    client.write(Somebody::man("S-1", "1990-05-01").records()).await;
    let request = pb::WatchStandingsRequest { list: pb::List::All.into(), ..Default::default() };
    let mut stream = client.ranking.watch_standings(request).await.unwrap().into_inner();
    stream.message().await.unwrap();
    let scraped = Scraped::of(&server);
    assert_eq!(scraped.at("steelyard_watch_streams"), 1.0);
    assert!(scraped.at("steelyard_rpc_in_flight") >= 1.0);
    assert_eq!(scraped.calls("RankingService/WatchStandings", "OK"), 1.0);
    let ended = |scraped: &Scraped, method: &str, code: &str| {
        scraped.at(&format!("steelyard_rpc_streams_ended_total{{method=\"RankingService/{method}\",code=\"{code}\"}}"))
    };
    assert_eq!(ended(&scraped, "WatchStandings", "CANCELLED"), 0.0);
    drop(stream);
    until(&server, |scraped| {
        ended(scraped, "WatchStandings", "CANCELLED") == 1.0 && scraped.at("steelyard_watch_streams") == 0.0
    });
    let request = pb::ExportStandingsRequest { list: pb::List::All.into(), ..Default::default() };
    let mut export = client.ranking.export_standings(request).await.unwrap().into_inner();
    while export.message().await.unwrap().is_some() {}
    let scraped = until(&server, |scraped| ended(scraped, "ExportStandings", "OK") == 1.0);
    assert_eq!(ended(&scraped, "ExportStandings", "CANCELLED"), 0.0);
    // The time of a stream is not the time of its call.
    let sum = "steelyard_rpc_duration_seconds_sum{method=\"RankingService/WatchStandings\",code=\"OK\"}";
    assert!(scraped.at(sum) < 5.0);
    assert!(server.stop().await.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_knows_of_the_last_run_and_the_last_backup() {
    let directory = tempfile::tempdir().unwrap();
    let server = served(directory.path());
    let mut client = server.client().await;
    client.write(Somebody::man("S-1", "1990-05-01").wanted("2026-03-01").records()).await;
    client.weigh_on(NEXT).await;
    let request = pb::CreateBackupRequest { request_id: new_id(), kind: pb::BackupKind::Full.into() };
    let mut made = client.maintenance.create_backup(request).await.unwrap().into_inner();
    while made.message().await.unwrap().is_some() {}
    let before = until(&server, |scraped| scraped.get("steelyard_backup_last_success_timestamp_seconds").is_some());
    assert_eq!(before.at("steelyard_rescore_runs_total{outcome=\"published\"}"), 1.0);
    assert!(server.stop().await.success());

    let again = Server::on(directory.path(), &["--health-listen", "127.0.0.1:0"]);
    let after = until(&again, |scraped| scraped.get("steelyard_backup_last_success_timestamp_seconds").is_some());
    assert_eq!(after.at("steelyard_rescore_runs_total{outcome=\"published\"}"), 0.0);
    for name in ["steelyard_backup_last_success_timestamp_seconds", "steelyard_rescore_last_success_timestamp_seconds"]
    {
        assert_eq!(before.at(name), after.at(name), "{name}");
        assert!((jiff::Timestamp::now().as_second() as f64 - after.at(name)).abs() < 600.0, "{name}");
    }
    let people = [("universe", 1.0), ("scored", 1.0), ("failed", 0.0), ("resumed", 0.0), ("skipped", 0.0)];
    for (outcome, count) in people {
        for scraped in [&before, &after] {
            assert_eq!(
                scraped.at(&format!("steelyard_rescore_last_people{{outcome=\"{outcome}\"}}")),
                count,
                "{outcome}"
            );
        }
    }
    assert!(again.stop().await.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_ledger_catches_up_with_the_audit_and_until_then_it_is_told() {
    let directory = tempfile::tempdir().unwrap();
    let server = served(directory.path());
    let mut client = server.client().await;
    client.write(Somebody::man("S-1", "1990-05-01").records()).await;
    // A read moves the audit and nothing else.
    list(&mut client, pb::List::All).await.unwrap();
    until(&server, |scraped| scraped.at("steelyard_audit_lag_seconds") > 0.5);
    client.write(Somebody::man("S-2", "1990-05-01").records()).await;
    until(&server, |scraped| scraped.at("steelyard_audit_lag_seconds") < 0.5);
    assert!(server.stop().await.success());
}
