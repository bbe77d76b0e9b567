//! What the edge says of a store that cannot take writes: health, and how the process ends.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::Channel;
use tonic::{Code, Status};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use tonic_types::StatusExt;

use super::health_http::Probes;
use super::serving::{Guard, anchored, serve};
use crate::access::audit::AuditLog;
use crate::cli::exit::{self, Exit};
use crate::config::Settings;
use crate::pb;
use crate::pb::evidence_service_client::EvidenceServiceClient;
use crate::pb::ranking_service_client::RankingServiceClient;
use crate::service::faulty::{Disk, FaultyStore};
use crate::service::outage::Pace;
use crate::service::{Options, Service};
use crate::store::Store;
use crate::store::archive::Archive;

/// Longest wait for anything here.
const PATIENCE: Duration = Duration::from_mins(1);
const EVIDENCE: &str = "steelyard.v1.EvidenceService";
const RANKING: &str = "steelyard.v1.RankingService";

struct Served {
    store: Arc<FaultyStore>,
    channel: Channel,
    ended: JoinHandle<anyhow::Result<()>>,
    stop: oneshot::Sender<()>,
}

async fn served() -> Served {
    let store = Arc::new(FaultyStore::default());
    let as_of = "2026-03-20".parse().unwrap();
    let options = Options {
        as_of: Some(as_of),
        policy: None,
        stale_after: Duration::from_hours(24),
        page_pins: 1,
        now: Arc::new(Timestamp::now),
    };
    let milli = Duration::from_millis;
    let pace = Pace { look: milli(2), first: milli(2), most: milli(8), anchor: Duration::from_mins(1) };
    let held = Arc::clone(&store) as Arc<dyn Store>;
    let started =
        tokio::task::spawn_blocking(move || Service::start_paced(held, options, pace).unwrap()).await.unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let settings = Settings::trial(address, "nowhere".into(), as_of);
    let (stop, stopped) = oneshot::channel::<()>();
    let ended = tokio::spawn(async move {
        let stopped = async { drop(stopped.await) };
        let keeping = started.service.keep(None, settings.backup.clone()).unwrap();
        let audit = anchored(&started.service, AuditLog::in_passing).await?;
        let (kept, guard) = ((keeping, Archive::in_memory(), audit), Guard::open(&settings).await?);
        serve(started, kept, guard, &settings, (listener, None), Probes::opening(false), stopped).await
    });
    let channel = Channel::from_shared(format!("http://{address}")).unwrap().connect().await.unwrap();
    Served { store, channel, ended, stop }
}

impl Served {
    async fn write(&self, number: u8) -> Result<pb::WriteEvidenceResponse, Status> {
        let request = pb::WriteEvidenceRequest {
            request_id: uuid::Uuid::from_bytes([number; 16]).to_string(),
            records: vec![record(number)],
            ..Default::default()
        };
        let mut client = EvidenceServiceClient::new(self.channel.clone());
        client.write_evidence(request).await.map(tonic::Response::into_inner)
    }

    async fn people(&self) -> u32 {
        let request = pb::ListStandingsRequest { list: pb::List::All.into(), ..Default::default() };
        RankingServiceClient::new(self.channel.clone()).list_standings(request).await.unwrap().into_inner().list_size
    }

    /// Follows one service's health until it is as wanted.
    async fn health(&self, service: &str, wanted: ServingStatus) {
        let request = HealthCheckRequest { service: service.to_owned() };
        let mut told = HealthClient::new(self.channel.clone()).watch(request).await.unwrap().into_inner();
        let reached =
            async { while told.message().await.unwrap().expect("the stream must go on").status() != wanted {} };
        tokio::time::timeout(PATIENCE, reached).await.unwrap_or_else(|_| panic!("{service} must become {wanted:?}"));
    }

    async fn ended(self) -> anyhow::Result<()> {
        drop(self.channel);
        tokio::time::timeout(PATIENCE, self.ended).await.expect("it must end by itself").unwrap()
    }
}

fn record(number: u8) -> pb::Record {
    let person = pb::Person { birth_date: "1990-05-01".to_owned(), ..pb::Person::default() };
    pb::Record {
        id: format!("r-{number}"),
        subject_ref: format!("S-{number}"),
        source_system: "test".to_owned(),
        event_date: "2026-01-01".to_owned(),
        kind: Some(pb::record::Kind::Person(person)),
        ..pb::Record::default()
    }
}

fn batch(number: u8) -> pb::ImportEvidenceRequest {
    pb::ImportEvidenceRequest {
        request_id: uuid::Uuid::from_bytes([number; 16]).to_string(),
        sequence: number.into(),
        records: vec![record(number)],
        validate_only: false,
    }
}

fn reason(status: &Status) -> String {
    status.get_error_details().error_info().expect("must have a reason").reason.clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn health_of_writing_follows_the_room_on_the_disk_and_reads_go_on() {
    let served = served().await;
    served.write(1).await.unwrap();
    served.health(EVIDENCE, ServingStatus::Serving).await;

    served.store.room_left(Some(100 << 20));
    served.health(EVIDENCE, ServingStatus::NotServing).await;
    served.health(RANKING, ServingStatus::Serving).await;
    let refused = served.write(2).await.unwrap_err();
    assert_eq!((refused.code(), reason(&refused).as_str()), (Code::ResourceExhausted, "DISK_LOW"));
    assert!(refused.get_error_details().retry_info().is_some());
    assert_eq!(served.people().await, 1);
    served.store.room_left(None);
    served.health(EVIDENCE, ServingStatus::Serving).await;
    served.write(2).await.unwrap();

    served.store.disk(Disk::FullOnceJournalled);
    let refused = served.write(3).await.unwrap_err();
    assert_eq!((refused.code(), reason(&refused).as_str()), (Code::Unavailable, "STORE_READ_ONLY"));
    served.health(EVIDENCE, ServingStatus::NotServing).await;
    served.health(RANKING, ServingStatus::Serving).await;
    assert_eq!(served.people().await, 2);
    served.store.disk(Disk::Sound);
    served.health(EVIDENCE, ServingStatus::Serving).await;
    served.write(3).await.unwrap();
    assert_eq!(served.people().await, 3);

    let Served { channel, ended, stop, .. } = served;
    drop(channel);
    stop.send(()).unwrap();
    tokio::time::timeout(PATIENCE, ended).await.expect("must stop when told").unwrap().expect("must end well");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_import_ends_with_the_status_of_the_batch_refused_and_goes_on_from_there_in_another_stream() {
    let served = served().await;
    let mut client = EvidenceServiceClient::new(served.channel.clone());
    let (batches, sent) = tokio::sync::mpsc::channel(4);
    let mut answers = client.import_evidence(ReceiverStream::new(sent)).await.unwrap().into_inner();
    batches.send(batch(1)).await.unwrap();
    assert_eq!(answers.message().await.unwrap().unwrap().sequence, 1);
    served.store.room_left(Some(0));
    served.health(EVIDENCE, ServingStatus::NotServing).await;
    batches.send(batch(2)).await.unwrap();
    let refused = answers.message().await.unwrap_err();
    assert_eq!((refused.code(), reason(&refused).as_str()), (Code::ResourceExhausted, "DISK_LOW"));
    served.store.room_left(None);
    served.health(EVIDENCE, ServingStatus::Serving).await;
    // Taken by the transport or not: it is behind the one refused.
    drop(batches.send(batch(3)).await);
    drop(batches);

    let again = tokio_stream::iter([batch(2), batch(4)]);
    let mut answers = client.import_evidence(again).await.unwrap().into_inner();
    for sequence in [2, 4] {
        assert_eq!(answers.message().await.unwrap().unwrap().sequence, sequence);
    }
    assert!(answers.message().await.unwrap().is_none());
    assert_eq!(served.people().await, 3, "the third batch was never sent again");
    drop((answers, client));
    let Served { channel, ended, stop, .. } = served;
    drop(channel);
    stop.send(()).unwrap();
    tokio::time::timeout(PATIENCE, ended).await.expect("must stop when told").unwrap().expect("must end well");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_writer_that_cannot_go_on_ends_the_process_with_its_own_exit_code() {
    for (disk, code, told) in [
        (Disk::Failing, Exit::InputOutput, "no answer from the disk"),
        (Disk::FailedBehind, Exit::InputOutput, "no answer from the disk"),
        (Disk::Panicking, Exit::Internal, "the writer ended in a panic"),
    ] {
        let served = served().await;
        served.write(1).await.unwrap();
        let followed = ["", EVIDENCE, RANKING].map(|service| {
            let request = HealthCheckRequest { service: service.to_owned() };
            let mut client = HealthClient::new(served.channel.clone());
            async move { client.watch(request).await.unwrap().into_inner() }
        });
        let mut streams = Vec::new();
        for followed in followed {
            streams.push(followed.await);
        }
        served.store.disk(disk);
        // What failed behind the last write is learnt without another.
        if disk != Disk::FailedBehind {
            let refused = served.write(2).await.unwrap_err();
            assert_eq!(refused.code(), Code::Unavailable, "{refused}");
        }
        for mut stream in streams {
            let gone = async {
                while stream.message().await.unwrap().expect("the stream must go on").status()
                    != ServingStatus::NotServing
                {}
            };
            tokio::time::timeout(PATIENCE, gone).await.expect("every service must say that it is going");
        }
        let error = served.ended().await.unwrap_err();
        assert_eq!(exit::of(&error), code);
        let text = exit::told(&error);
        assert!(text.contains(told) && text.contains("start again"), "{text}");
    }
}
