//! The command against a service of a few lines, over a real socket.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};
use tokio_stream::wrappers::{ReceiverStream, TcpListenerStream};
use tokio_stream::{Stream, StreamExt as _};
use tonic::transport::Endpoint;
use tonic::{Request, Response, Status, Streaming};

use super::*;
use crate::cli::stated::Stated;
use crate::pb;
use crate::pb::evidence_service_server::{EvidenceService, EvidenceServiceServer};

/// What the service has seen and holds.
#[derive(Default)]
struct Held {
    records: BTreeMap<String, pb::Record>,
    /// Request ids in the order of arrival, answered or not.
    requests: Vec<String>,
    answers: BTreeMap<String, pb::ImportEvidenceResponse>,
    validate_only: usize,
    most_waiting: usize,
    connections: usize,
}

/// How the service misbehaves.
#[derive(Clone, Copy, Default)]
struct Faults {
    /// Connections that break, each after writing this many batches and answering all but the last.
    broken_connections: usize,
    batches_before_break: usize,
    /// Status that the first connection is refused with.
    refuse_first_with: Option<tonic::Code>,
    /// Answers only once this many batches wait.
    answer_when_waiting: usize,
    /// Accounts for one record too few.
    miscounts: bool,
}

#[derive(Clone)]
struct Service {
    held: Arc<Mutex<Held>>,
    faults: Faults,
}

impl Service {
    fn judge(&self, request: pb::ImportEvidenceRequest) -> pb::ImportEvidenceResponse {
        let mut held = self.held.lock().expect("must lock");
        held.requests.push(request.request_id.clone());
        if let Some(answer) = held.answers.get(&request.request_id) {
            return pb::ImportEvidenceResponse { sequence: request.sequence, ..answer.clone() };
        }
        let mut answer = pb::ImportEvidenceResponse { sequence: request.sequence, ..Default::default() };
        held.validate_only += usize::from(request.validate_only);
        for (place, record) in request.records.into_iter().enumerate() {
            if record.subject_ref.starts_with("BAD") {
                let violation = |field: &str| pb::Violation {
                    field: format!("records[{place}].{field}"),
                    reason: "OUT_OF_RANGE".to_owned(),
                    description: "is out of range".to_owned(),
                };
                answer.refused_positions.push(u32::try_from(place).expect("must fit"));
                answer.refused.push(pb::RecordVerdict {
                    record_id: record.id,
                    violations: vec![violation("event_date"), violation("person.birth_date")],
                    ..Default::default()
                });
                continue;
            }
            match held.records.get(&record.id) {
                None => answer.created += 1,
                Some(other) if *other == record => answer.unchanged += 1,
                Some(_) => answer.superseded += 1,
            }
            if !request.validate_only {
                held.records.insert(record.id.clone(), record);
            }
        }
        if self.faults.miscounts {
            answer.created = answer.created.saturating_sub(1);
        }
        held.answers.insert(request.request_id, answer.clone());
        answer
    }
}

type Answers = Pin<Box<dyn Stream<Item = Result<pb::ImportEvidenceResponse, Status>> + Send>>;

#[tonic::async_trait]
impl EvidenceService for Service {
    type ImportEvidenceStream = Answers;
    type ExportSubjectStream = Pin<Box<dyn Stream<Item = Result<pb::ExportSubjectResponse, Status>> + Send>>;

    async fn export_subject(
        &self,
        _: Request<pb::ExportSubjectRequest>,
    ) -> Result<Response<Self::ExportSubjectStream>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn import_evidence(
        &self,
        request: Request<Streaming<pb::ImportEvidenceRequest>>,
    ) -> Result<Response<Answers>, Status> {
        let service = self.clone();
        let faults = self.faults;
        let connection = {
            let mut held = self.held.lock().expect("must lock");
            held.connections += 1;
            held.connections
        };
        if let Some(code) = faults.refuse_first_with.filter(|_| connection == 1) {
            return Err(Status::new(code, "not now"));
        }
        let mut inbound = request.into_inner();
        let (sender, receiver) = mpsc::channel(1);
        tokio::spawn(async move {
            let mut waiting = Vec::new();
            let mut batches = 0;
            loop {
                let Ok(next) = inbound.message().await else { return };
                let ended = next.is_none();
                if let Some(request) = next {
                    batches += 1;
                    waiting.push(service.judge(request));
                    let mut held = service.held.lock().expect("must lock");
                    held.most_waiting = held.most_waiting.max(waiting.len());
                }
                if connection <= faults.broken_connections && batches > faults.batches_before_break {
                    // Written, and the answer lost.
                    let _ = sender.send(Err(Status::unavailable("the connection broke"))).await;
                    return;
                }
                if ended || waiting.len() >= faults.answer_when_waiting {
                    for answer in waiting.drain(..) {
                        if sender.send(Ok(answer)).await.is_err() {
                            return;
                        }
                    }
                }
                if ended {
                    return;
                }
            }
        });
        Ok(Response::new(Box::pin(ReceiverStream::new(receiver))))
    }

    async fn write_evidence(
        &self,
        _: Request<pb::WriteEvidenceRequest>,
    ) -> Result<Response<pb::WriteEvidenceResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn erase_subject(
        &self,
        _: Request<pb::EraseSubjectRequest>,
    ) -> Result<Response<pb::EraseSubjectResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn get_subject(&self, _: Request<pb::GetSubjectRequest>) -> Result<Response<pb::GetSubjectResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn list_evidence(
        &self,
        _: Request<pb::ListEvidenceRequest>,
    ) -> Result<Response<pb::ListEvidenceResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn withdraw_evidence(
        &self,
        _: Request<pb::WithdrawEvidenceRequest>,
    ) -> Result<Response<pb::WithdrawEvidenceResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn merge_subjects(
        &self,
        _: Request<pb::MergeSubjectsRequest>,
    ) -> Result<Response<pb::MergeSubjectsResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn unmerge_subjects(
        &self,
        _: Request<pb::UnmergeSubjectsRequest>,
    ) -> Result<Response<pb::UnmergeSubjectsResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn restrict_processing(
        &self,
        _: Request<pb::RestrictProcessingRequest>,
    ) -> Result<Response<pb::RestrictProcessingResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn lift_restriction(
        &self,
        _: Request<pb::LiftRestrictionRequest>,
    ) -> Result<Response<pb::LiftRestrictionResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn record_disclosure(
        &self,
        _: Request<pb::RecordDisclosureRequest>,
    ) -> Result<Response<pb::RecordDisclosureResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn list_retention_due(
        &self,
        _: Request<pb::ListRetentionDueRequest>,
    ) -> Result<Response<pb::ListRetentionDueResponse>, Status> {
        Err(Status::unimplemented("not of this test"))
    }

    async fn record_retention_review(
        &self,
        _: Request<pb::RecordRetentionReviewRequest>,
    ) -> Result<Response<pb::RecordRetentionReviewResponse>, Status> {
        Err(Status::unimplemented("not of this test"))
    }

    async fn list_disclosures(
        &self,
        _: Request<pb::ListDisclosuresRequest>,
    ) -> Result<Response<pb::ListDisclosuresResponse>, Status> {
        Err(Status::unimplemented(""))
    }
}

/// A service on a port of its own, and a folder to import from.
struct Harness {
    folder: TempDir,
    held: Arc<Mutex<Held>>,
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
}

impl Harness {
    async fn new(faults: Faults) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("must bind");
        let address = listener.local_addr().expect("must have an address");
        let held = Arc::new(Mutex::new(Held::default()));
        let service = Service { held: Arc::clone(&held), faults };
        let (stop, stopped) = oneshot::channel::<()>();
        let incoming = TcpListenerStream::new(listener).take_while(Result::is_ok);
        tokio::spawn(
            tonic::transport::Server::builder()
                .add_service(EvidenceServiceServer::new(service))
                .serve_with_incoming_shutdown(incoming, async move {
                    let _ = stopped.await;
                }),
        );
        Self { folder: tempfile::tempdir().expect("must make a folder"), held, address, stop: Some(stop) }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, text: impl AsRef<[u8]>) -> String {
        std::fs::write(self.path(name), text).expect("must write");
        self.path(name).display().to_string()
    }

    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).expect("must read")
    }

    fn args(&self, args: &[&str]) -> Args {
        let rejects = self.path("rejects.csv").display().to_string();
        let server = format!("http://{}", self.address);
        let given = ["import", "--quiet", "--server", &server, "--rejects", &rejects];
        Args::try_parse_from(given.into_iter().chain(args.iter().copied())).expect("must parse")
    }

    async fn import(&self, args: &[&str]) -> End {
        self.import_with(args, 8).await
    }

    async fn import_with(&self, args: &[&str], attempts: u32) -> End {
        let endpoint = Endpoint::from_shared(format!("http://{}", self.address)).expect("must be a URL");
        let settings = Settings {
            attempts,
            pause: Duration::from_millis(1),
            longest_pause: Duration::from_millis(5),
            ..Settings::new(endpoint, Stated::default())
        };
        import(&self.args(args), Some(settings)).await.expect("must run")
    }

    fn held<T>(&self, look: impl FnOnce(&Held) -> T) -> T {
        look(&self.held.lock().expect("must lock"))
    }
}

impl Drop for Harness {
    fn drop(&mut self) {
        let _ = self.stop.take().map(|stop| stop.send(()));
    }
}

fn line(id: usize, subject: &str) -> String {
    format!("{{\"id\":\"r{id}\",\"subjectRef\":\"{subject}\",\"sourceSystem\":\"t\",\"person\":{{}}}}\n")
}

fn lines(number: usize) -> String {
    (0..number).map(|id| line(id, "S")).collect()
}

fn rejects(text: &str) -> Vec<Vec<String>> {
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    reader.records().map(|row| row.expect("must read").iter().map(str::to_owned).collect()).collect()
}

#[tokio::test]
async fn every_record_is_written_and_nothing_is_left_behind() {
    let harness = Harness::new(Faults::default()).await;
    let file = harness.write("a.ndjson", lines(25));
    assert_eq!(harness.import(&[&file, "--batch", "4"]).await, End::Written);
    assert_eq!(harness.held(|held| (held.records.len(), held.requests.len())), (25, 7));
    assert_eq!(rejects(&harness.read("rejects.csv")).len(), 0, "a rejects file that was asked for is there, and empty");
    assert!(!harness.path("a.ndjson.steelyard-import").exists(), "a finished import leaves no checkpoint");
}

#[tokio::test]
async fn refusals_of_both_sides_stand_in_the_rejects_with_their_row() {
    let harness = Harness::new(Faults::default()).await;
    let text = format!("{}{{\"id\":\"x\",\"colour\":1}}\n{}nonsense\n{}", line(0, "S"), line(1, "BAD1"), line(2, "S"));
    let file = harness.write("a.ndjson", &text);
    assert_eq!(harness.import(&[&file]).await, End::Refused);
    assert_eq!(harness.held(|held| held.records.keys().cloned().collect::<Vec<_>>()), ["r0", "r2"]);
    let found = rejects(&harness.read("rejects.csv"));
    let brief: Vec<_> =
        found.iter().map(|row| (row[0].as_str(), row[1].as_str(), row[2].as_str(), row[3].as_str())).collect();
    assert_eq!(
        brief,
        [
            ("2", "x", "colour", "UNKNOWN_FIELD"),
            ("2", "x", "kind", "REQUIRED"),
            ("3", "r1", "event_date", "OUT_OF_RANGE"),
            ("3", "r1", "person.birth_date", "OUT_OF_RANGE"),
            ("4", "", "", "NOT_JSON"),
        ]
    );
    assert_eq!(found[2][6], line(1, "BAD1").trim_end(), "the raw line is kept");
}

const MAPPING: &str = r#"
source_system = "x"
[[record]]
kind = "person"
id = "{id}-p"
subject_ref = "{subject}"
[record.fields]
person.birth_date = { column = "born", date = "%d/%m/%Y" }
[[record]]
kind = "marker"
id = "{id}-m"
subject_ref = "S{id}"
[record.fields]
marker.marker_kind = { column = "marker", values = { V = "MARKER_KIND_VIOLENT" }, required = true }
"#;

#[tokio::test]
async fn a_row_refused_in_part_says_which_of_its_records_were_written() {
    let harness = Harness::new(Faults::default()).await;
    let mapping = harness.write("map.toml", MAPPING);
    let file =
        harness.write("a.csv", "id,subject,born,marker\n1,S1,01/02/1990,V\n2,BAD,01/02/1990,V\n3,S3,01/02/1990,X\n");
    assert_eq!(harness.import(&[&file, "--mapping", &mapping]).await, End::Refused);
    let found = rejects(&harness.read("rejects.csv"));
    let brief: Vec<_> =
        found.iter().map(|row| (row[0].as_str(), row[1].as_str(), row[3].as_str(), row[5].as_str())).collect();
    assert_eq!(
        brief,
        [("3", "2-p", "OUT_OF_RANGE", "2-m"), ("3", "2-p", "OUT_OF_RANGE", "2-m"), ("4", "3-m", "NOT_IN_TABLE", "3-p"),]
    );
    assert_eq!(found[2][6], "\"3,S3,01/02/1990,X\"", "the raw row is kept, as a JSON text");
}

#[tokio::test]
async fn a_dry_run_writes_no_record_and_all_rejects() {
    let harness = Harness::new(Faults::default()).await;
    let file = harness.write("a.ndjson", line(0, "S") + &line(1, "BAD"));
    assert_eq!(harness.import(&[&file, "--dry-run"]).await, End::Refused);
    assert_eq!(harness.held(|held| (held.records.len(), held.validate_only)), (0, 1));
    let found = rejects(&harness.read("rejects.csv"));
    assert_eq!((found.len(), found[0][5].as_str()), (2, ""), "nothing was written, and nothing is said to be");
    assert_eq!(harness.import(&[&file]).await, End::Refused);
    assert_eq!(harness.held(|held| held.records.len()), 1, "a dry run is no answer to a real one");
}

#[tokio::test]
async fn a_broken_connection_is_taken_up_again_with_the_same_requests() {
    let faults = Faults { broken_connections: 3, batches_before_break: 2, ..Faults::default() };
    let harness = Harness::new(faults).await;
    let file = harness.write("a.ndjson", lines(40));
    assert_eq!(harness.import(&[&file, "--batch", "2"]).await, End::Written);
    harness.held(|held| {
        assert_eq!((held.connections, held.records.len()), (4, 40));
        assert!(held.requests.len() > held.answers.len(), "what was not answered was sent again");
        assert_eq!(held.answers.len(), 20, "under the same request id each time");
    });
}

#[tokio::test]
async fn a_server_that_is_busy_is_asked_again_and_one_that_refuses_is_not() {
    for (code, end, connections) in [
        (tonic::Code::ResourceExhausted, End::Written, 2),
        (tonic::Code::Unavailable, End::Written, 2),
        (tonic::Code::PermissionDenied, End::Unavailable, 1),
        (tonic::Code::FailedPrecondition, End::Unavailable, 1),
    ] {
        let harness = Harness::new(Faults { refuse_first_with: Some(code), ..Faults::default() }).await;
        let file = harness.write("a.ndjson", lines(3));
        assert_eq!(harness.import(&[&file]).await, end, "{code:?}");
        assert_eq!(harness.held(|held| held.connections), connections, "{code:?}");
    }
}

#[tokio::test]
async fn an_import_that_stopped_goes_on_where_it_was() {
    let faults = Faults { broken_connections: 1, batches_before_break: 3, ..Faults::default() };
    let harness = Harness::new(faults).await;
    let mut text = lines(2) + &line(2, "BAD");
    text += &lines(20);
    let file = harness.write("a.ndjson", &text);
    assert_eq!(harness.import_with(&[&file, "--batch", "2"], 1).await, End::Unavailable);
    let checkpoint = harness.read("rejects.csv").len();
    assert!(harness.path("a.ndjson.steelyard-import").exists());
    let before = harness.held(|held| held.requests.clone());

    assert_eq!(harness.import(&[&file, "--batch", "2"]).await, End::Refused);
    let after = harness.held(|held| held.requests[before.len()..].to_vec());
    assert!(!after.contains(&before[0]), "what was answered is not sent again");
    assert!(after.contains(before.last().expect("must be there")), "what was not answered is, under the same id");
    assert_eq!(harness.held(|held| held.records.len()), 20);
    let found = rejects(&harness.read("rejects.csv"));
    assert_eq!(found.len(), 2, "each refusal stands once: {checkpoint} bytes were there before");
    assert!(!harness.path("a.ndjson.steelyard-import").exists());
}

#[tokio::test]
async fn another_file_of_the_same_name_begins_anew() {
    let faults = Faults { broken_connections: 1, batches_before_break: 3, ..Faults::default() };
    let harness = Harness::new(faults).await;
    let file = harness.write("a.ndjson", lines(20));
    assert_eq!(harness.import_with(&[&file, "--batch", "2"], 1).await, End::Unavailable);
    harness.write("a.ndjson", lines(20).replace("\"S\"", "\"T\""));
    assert_eq!(harness.import(&[&file]).await, End::Written);
    assert!(harness.held(|held| held.records.values().all(|record| record.subject_ref == "T")));
}

#[tokio::test]
async fn no_resume_begins_anew_and_writes_nothing_twice() {
    let harness = Harness::new(Faults { broken_connections: 1, batches_before_break: 3, ..Faults::default() }).await;
    let file = harness.write("a.ndjson", lines(20));
    assert_eq!(harness.import_with(&[&file, "--batch", "2"], 1).await, End::Unavailable);
    let first = harness.held(|held| held.requests[0].clone());
    assert_eq!(harness.import(&[&file, "--batch", "2", "--no-resume"]).await, End::Written);
    let times = harness.held(|held| held.requests.iter().filter(|id| **id == first).count());
    assert_eq!(times, 1, "what begins anew is judged anew");
    assert_eq!(harness.held(|held| held.records.len()), 20);
}

#[tokio::test]
async fn batches_are_sent_on_while_answers_are_awaited() {
    // A service that answers nothing before eight batches wait is answered by a client that sends eight ahead.
    let harness = Harness::new(Faults { answer_when_waiting: 8, ..Faults::default() }).await;
    let file = harness.write("a.ndjson", lines(24));
    assert_eq!(harness.import(&[&file, "--batch", "1"]).await, End::Written);
    assert_eq!(harness.held(|held| held.most_waiting), 8);
}

#[tokio::test]
async fn an_answer_that_does_not_account_for_every_record_is_not_believed() {
    let harness = Harness::new(Faults { miscounts: true, ..Faults::default() }).await;
    let file = harness.write("a.ndjson", lines(3));
    assert_eq!(harness.import(&[&file]).await, End::Unavailable);
}

#[tokio::test]
async fn no_server_is_told_as_unavailable() {
    let harness = Harness::new(Faults::default()).await;
    let file = harness.write("a.ndjson", lines(3));
    let closed = TcpListener::bind("127.0.0.1:0").await.expect("must bind").local_addr().expect("must have an address");
    let endpoint = Endpoint::from_shared(format!("http://{closed}")).expect("must be a URL");
    let settings =
        Settings { attempts: 2, pause: Duration::from_millis(1), ..Settings::new(endpoint, Stated::default()) };
    assert_eq!(import(&harness.args(&[&file]), Some(settings)).await.expect("must run"), End::Unavailable);
}

#[tokio::test]
async fn each_failure_has_its_exit_code_and_sends_nothing() {
    let harness = Harness::new(Faults::default()).await;
    let good = harness.write("good.ndjson", lines(1));
    let empty = harness.write("empty.ndjson", "");
    let csv = harness.write("a.csv", "id,subject\n1,S\n");
    let mapping = harness.write("map.toml", MAPPING);
    let broken = harness.write("broken.toml", "source_system = 7\n");
    let missing = harness.path("missing.ndjson").display().to_string();
    let rejects = harness.path("rejects.csv").display().to_string();
    for (args, end) in [
        (vec![missing.as_str()], End::NoInput),
        (vec![empty.as_str()], End::Refused),
        (vec![csv.as_str()], End::Usage),
        (vec![good.as_str(), "--mapping", &mapping], End::Usage),
        (vec![csv.as_str(), "--mapping", &broken], End::Usage),
        (vec![csv.as_str(), "--mapping", &missing], End::Usage),
        (vec![csv.as_str(), "--mapping", &mapping], End::Usage),
        (vec![good.as_str(), empty.as_str()], End::Usage),
        (vec![good.as_str(), "--checkpoint", &good], End::Usage),
        (vec![good.as_str(), "--checkpoint", &rejects], End::Usage),
    ] {
        assert_eq!(harness.import(&args).await, end, "{args:?}");
    }
    assert_eq!(harness.held(|held| held.connections), 0);
    assert_eq!(harness.read("good.ndjson"), lines(1), "what is read is never written over");
}

#[test]
fn the_server_must_be_a_url_and_a_batch_within_its_ends() {
    let parse = |args: &[&str]| Args::try_parse_from(["import", "x.ndjson"].iter().chain(args));
    for batch in ["0", "1001", "x"] {
        assert!(parse(&["--batch", batch]).is_err(), "{batch}");
    }
    let args = parse(&["--server", "nowhere"]).expect("must parse");
    assert!(prepare(&args, None).is_err());
    assert!(prepare(&parse(&[]).expect("must parse"), None).is_ok());
}

#[test]
fn rejects_and_checkpoint_stand_side_by_side() {
    let args = Args::try_parse_from(["import", "/in/a.csv", "--rejects", "/out/r.csv"]).expect("must parse");
    assert_eq!(checkpoint_path(&args, Path::new("/in/a.csv")), Path::new("/out/a.csv.steelyard-import"));
    let args = Args::try_parse_from(["import", "/in/a.csv"]).expect("must parse");
    assert_eq!(rejects_path(&args, Path::new("/in/a.csv")), Path::new("a.csv.rejects.csv"));
    assert_eq!(checkpoint_path(&args, Path::new("/in/a.csv")), Path::new("a.csv.steelyard-import"));
}
