use jiff::Timestamp;
use tokio::sync::mpsc::Receiver;
use tonic::Request;
use tonic_types::StatusExt;

use super::*;
use crate::access::audit::AuditLog;
use crate::api::evidence::Evidence;
use crate::config::Settings;
use crate::pb::evidence_service_server::EvidenceService;
use crate::service::rescore::Rescoring;
use crate::service::{Options, Service};
use crate::store::archive::Archive;
use crate::store::{Identity, MemoryStore};

/// Longest wait for anything here.
const PATIENCE: Duration = Duration::from_mins(1);

type Message = Result<pb::WatchStandingsResponse, Status>;

async fn edge() -> Arc<Edge> {
    let as_of = "2026-03-20".parse().unwrap();
    let options = Options {
        as_of: Some(as_of),
        policy: None,
        stale_after: Duration::from_hours(24),
        page_pins: 1,
        now: Arc::new(Timestamp::now),
    };
    let store = Arc::new(MemoryStore::new(Identity::fresh()));
    let started = tokio::task::spawn_blocking(move || Service::start(store, options).unwrap()).await.unwrap();
    let settings = Settings::trial("127.0.0.1:0".parse().unwrap(), "nowhere".into(), as_of);
    let keeping = started.service.keep(None, settings.backup).unwrap();
    let archive = Arc::new(Archive::in_memory());
    let rescoring = Rescoring::start(started.service.clone(), archive, settings.rescore).unwrap();
    let audit = AuditLog::in_passing().unwrap();
    let auditor = crate::api::Auditor::new(Some(audit.clone()));
    Arc::new(Edge { service: started.service, keeping, rescoring, audit, auditor })
}

/// Writes about one person; the revision.
async fn write(edge: &Arc<Edge>, number: u32) -> u64 {
    let person = pb::Person { birth_date: "1990-05-01".to_owned(), ..pb::Person::default() };
    let record = pb::Record {
        id: format!("r-{number}"),
        subject_ref: format!("S-{number}"),
        source_system: "test".to_owned(),
        event_date: "2026-01-01".to_owned(),
        kind: Some(pb::record::Kind::Person(person)),
        ..pb::Record::default()
    };
    let request = pb::WriteEvidenceRequest {
        request_id: uuid::Uuid::from_u128(u128::from(number)).to_string(),
        records: vec![record],
        ..Default::default()
    };
    let mut request = Request::new(request);
    request.extensions_mut().insert(Caller::loopback());
    Evidence(Arc::clone(edge)).write_evidence(request).await.unwrap().into_inner().revision
}

/// A stream of everybody that is silent for so long at most.
async fn watching(edge: &Arc<Edge>, silence: Duration) -> Receiver<Result<Part, Status>> {
    let (list, caller) = (List::All, Caller::loopback());
    let follower = edge.service.follow(&caller, list, "", Revision(0), Seen::default()).await.unwrap();
    let (sender, messages) = mpsc::channel(IN_FLIGHT);
    let watch = edge.service.watched();
    tokio::spawn(Watching { edge: Arc::clone(edge), caller, list, follower, watch, silence }.run(sender));
    messages
}

async fn next(messages: &mut Receiver<Result<Part, Status>>) -> Message {
    let message = tokio::time::timeout(PATIENCE, messages.recv()).await;
    message.expect("something must come in time").expect("a stream ends with a word").map(|part| part.answer)
}

#[tokio::test]
async fn an_idle_stream_sends_a_checkpoint_after_each_silence() {
    let edge = edge().await;
    let mut messages = watching(&edge, Duration::from_millis(5)).await;
    let boundary = next(&mut messages).await.unwrap();
    assert_eq!((boundary.resume_token.as_str(), boundary.complete_revision), ("", 0), "it is begun again");
    for _ in 0..4 {
        let message = next(&mut messages).await.unwrap();
        assert!(matches!(message.event, Some(super::Message::Checkpoint(_))), "{message:?}");
        assert_eq!(message.complete_revision, message.context.unwrap().revision);
        assert!(!message.resume_token.is_empty());
    }
}

#[tokio::test]
async fn a_reader_that_slept_is_told_at_once_how_everybody_stands_now() {
    let edge = edge().await;
    let mut messages = watching(&edge, PATIENCE).await;
    let mut last = 0;
    for number in 0..60 {
        last = write(&edge, number).await;
    }
    let (mut told, mut people) = (0, std::collections::BTreeSet::new());
    loop {
        let message = next(&mut messages).await.unwrap();
        told += 1;
        if let Some(super::Message::Changes(set)) = message.event {
            people.extend(set.changes.into_iter().map(|change| change.subject_ref));
        }
        if message.complete_revision == last {
            break;
        }
    }
    assert_eq!(people.len(), 60);
    // Two lay in the channel and one waited for a place in it; what came after is one.
    assert!(told <= IN_FLIGHT + 2, "{told} messages");
}

#[tokio::test]
async fn a_client_that_takes_nothing_holds_nothing_of_a_server_that_stops() {
    let edge = edge().await;
    let mut messages = watching(&edge, Duration::from_millis(1)).await;
    let full = async {
        while messages.len() < IN_FLIGHT {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, full).await.expect("the channel must fill");
    edge.service.streams().end();
    let free = async {
        while Arc::strong_count(&edge) > 1 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, free).await.expect("the stream must let go");
    let ended = loop {
        if let Err(status) = next(&mut messages).await {
            break status;
        }
    };
    assert_eq!(ended.get_details_error_info().map(|info| info.reason).as_deref(), Some("SHUTTING_DOWN"));
    assert!(messages.recv().await.is_none());
}

#[tokio::test]
async fn a_stream_whose_client_goes_away_ends() {
    let edge = edge().await;
    let messages = watching(&edge, PATIENCE).await;
    drop(messages);
    let free = async {
        while Arc::strong_count(&edge) > 1 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, free).await.expect("the stream must let go");
}
