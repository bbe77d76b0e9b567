//! The conversation with the server: several batches in flight, answers taken
//! in the order of the file, and a broken connection taken up again with the
//! same request ids, so that nothing is done twice.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::Endpoint;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use super::batch::Batch;
use crate::cli::stated::Stated;
use crate::intake::Unreadable;
use crate::pb;
use crate::pb::evidence_service_client::EvidenceServiceClient;

/// Largest answer taken, in bytes: a thousand refusals with their sentences.
const LARGEST_ANSWER: usize = 16 << 20;

/// How the server is reached.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The server.
    pub endpoint: Endpoint,
    /// What every call states of who asks.
    pub stated: Stated,
    /// Batches sent and not yet answered, at most.
    pub in_flight: usize,
    /// Attempts without any answer between them before giving up.
    pub attempts: u32,
    /// Pause before the second attempt; doubles with each further one.
    pub pause: Duration,
    /// Longest pause.
    pub longest_pause: Duration,
}

impl Settings {
    /// The settings that the command uses: eight batches in flight, eight attempts within about half a minute.
    pub fn new(endpoint: Endpoint, stated: Stated) -> Self {
        Self {
            endpoint: endpoint
                .connect_timeout(Duration::from_secs(10))
                .http2_keep_alive_interval(Duration::from_secs(20))
                .keep_alive_timeout(Duration::from_secs(20))
                .keep_alive_while_idle(true),
            stated,
            in_flight: 8,
            attempts: 8,
            pause: Duration::from_millis(250),
            longest_pause: Duration::from_secs(10),
        }
    }
}

/// Why sending stopped before the last batch.
#[derive(Debug, thiserror::Error)]
pub enum Stopped {
    /// The server could not be reached, or would not take more, in as many attempts as allowed.
    #[error("the server is unavailable: {0}")]
    Unavailable(String),
    /// The server refused the import as a whole.
    #[error("the server refused the import: {0}")]
    Refused(String),
    /// The server's answer does not fit what was sent.
    #[error("the server's answer does not fit what was sent: {0}")]
    Answer(&'static str),
    /// The file could not be read on.
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
    /// The rejects or the checkpoint could not be written.
    #[error(transparent)]
    Local(#[from] anyhow::Error),
}

/// What ended one connection.
enum Broken {
    /// Worth another attempt, after this long where the server says so.
    Again { reason: String, after: Option<Duration>, answered: bool },
    /// Not worth one.
    For(Stopped),
}

/// Sends every batch and hands each to `settle` with its answer, in order.
///
/// # Errors
/// Why it stopped; what was settled before is settled.
pub async fn send(
    settings: &Settings,
    mut batches: mpsc::Receiver<Result<Batch, Unreadable>>,
    mut settle: impl FnMut(Batch, pb::ImportEvidenceResponse) -> anyhow::Result<()>,
) -> Result<(), Stopped> {
    let mut flight = Flight { waiting: VecDeque::new(), answers: BTreeMap::new(), read_all: false };
    let mut failures = 0;
    loop {
        let broken = match flight.connect(settings, &mut batches, &mut settle).await {
            Ok(()) => return Ok(()),
            Err(broken) => broken,
        };
        let (reason, after, answered) = match broken {
            Broken::Again { reason, after, answered } => (reason, after, answered),
            Broken::For(stopped) => return Err(stopped),
        };
        failures = if answered { 1 } else { failures + 1 };
        if failures >= settings.attempts {
            return Err(Stopped::Unavailable(format!("{}: {reason}", settings.endpoint.uri())));
        }
        let doubled = settings.pause.saturating_mul(1 << (failures - 1).min(16));
        tokio::time::sleep(after.unwrap_or(doubled).min(settings.longest_pause)).await;
    }
}

/// Batches that are not settled yet.
struct Flight {
    /// In the order of the file.
    waiting: VecDeque<Batch>,
    /// Answers that came before those of earlier batches, by sequence.
    answers: BTreeMap<u64, pb::ImportEvidenceResponse>,
    read_all: bool,
}

impl Flight {
    async fn connect(
        &mut self,
        settings: &Settings,
        batches: &mut mpsc::Receiver<Result<Batch, Unreadable>>,
        settle: &mut impl FnMut(Batch, pb::ImportEvidenceResponse) -> anyhow::Result<()>,
    ) -> Result<(), Broken> {
        // Nothing to send means nothing to connect for.
        while !self.read_all && !self.waiting.iter().any(|batch| !batch.request.records.is_empty()) {
            self.take(batches.recv().await)?;
            self.settle_ready(settle)?;
        }
        if self.done() {
            return Ok(());
        }
        let (sender, outbound) = mpsc::channel(settings.in_flight.max(1));
        for batch in self.unanswered() {
            sender.try_send(batch.request.clone()).expect("what is in flight must fit the channel");
        }
        let channel = settings.endpoint.connect().await.map_err(|error| Broken::again(causes(&error), false))?;
        let channel = InterceptedService::new(channel, settings.stated.clone());
        let mut client = EvidenceServiceClient::new(channel).max_decoding_message_size(LARGEST_ANSWER);
        let mut inbound = match client.import_evidence(ReceiverStream::new(outbound)).await {
            Ok(response) => response.into_inner(),
            Err(status) => return Err(Broken::by(&status, false)),
        };
        let mut answered = false;
        while !self.done() {
            // Rows of which nothing is sent wait too, so what waits is bounded beside what is in flight.
            let in_flight = self.unanswered().count();
            let room = in_flight < settings.in_flight && self.waiting.len() < 2 * settings.in_flight;
            tokio::select! {
                batch = batches.recv(), if room && !self.read_all => {
                    let before = self.waiting.len();
                    self.take(batch)?;
                    if let Some(batch) = self.waiting.get(before).filter(|batch| !batch.request.records.is_empty()) {
                        // A closed channel means a broken stream, of which the answer side tells the reason.
                        let _ = sender.send(batch.request.clone()).await;
                    }
                }
                answer = inbound.message() => {
                    let answer = answer.map_err(|status| Broken::by(&status, answered))?;
                    let Some(answer) = answer else {
                        return Err(Broken::again("the stream ended before every batch was answered".to_owned(), answered));
                    };
                    self.answer(answer)?;
                    answered = true;
                }
            }
            self.settle_ready(settle)?;
        }
        Ok(())
    }

    fn unanswered(&self) -> impl Iterator<Item = &Batch> {
        self.waiting
            .iter()
            .filter(|batch| !batch.request.records.is_empty() && !self.answers.contains_key(&batch.request.sequence))
    }

    fn done(&self) -> bool {
        self.read_all && self.waiting.is_empty()
    }

    fn take(&mut self, batch: Option<Result<Batch, Unreadable>>) -> Result<(), Broken> {
        match batch {
            Some(Ok(batch)) => self.waiting.push_back(batch),
            Some(Err(error)) => return Err(Broken::For(Stopped::Unreadable(error))),
            None => self.read_all = true,
        }
        Ok(())
    }

    fn answer(&mut self, answer: pb::ImportEvidenceResponse) -> Result<(), Broken> {
        let wrong = |what| Err(Broken::For(Stopped::Answer(what)));
        let Some(batch) = self.unanswered().find(|batch| batch.request.sequence == answer.sequence) else {
            return wrong("it is of a batch that is not waiting for one");
        };
        let sent = batch.request.records.len();
        if answer.refused.len() != answer.refused_positions.len() {
            return wrong("refusals and their positions differ in number");
        }
        if answer.refused_positions.iter().any(|place| usize::try_from(*place).is_ok_and(|place| place >= sent)) {
            return wrong("it refuses a record that was not sent");
        }
        let told = u64::from(answer.created) + u64::from(answer.superseded) + u64::from(answer.unchanged);
        if !batch.request.validate_only && told + answer.refused.len() as u64 != sent as u64 {
            return wrong("it does not account for every record");
        }
        self.answers.insert(answer.sequence, answer);
        Ok(())
    }

    fn settle_ready(
        &mut self,
        settle: &mut impl FnMut(Batch, pb::ImportEvidenceResponse) -> anyhow::Result<()>,
    ) -> Result<(), Broken> {
        while let Some(batch) = self.waiting.pop_front() {
            let answer = if batch.request.records.is_empty() {
                Some(pb::ImportEvidenceResponse::default())
            } else {
                self.answers.remove(&batch.request.sequence)
            };
            let Some(answer) = answer else {
                self.waiting.push_front(batch);
                break;
            };
            settle(batch, answer).map_err(|error| Broken::For(Stopped::Local(error)))?;
        }
        Ok(())
    }
}

impl Broken {
    fn again(reason: String, answered: bool) -> Self {
        Self::Again { reason, after: None, answered }
    }

    fn by(status: &Status, answered: bool) -> Self {
        let details = status.get_error_details();
        let too_large = details.error_info().is_some_and(|info| info.reason.ends_with("TOO_LARGE"));
        // A status that the transport made up itself has a source; one that the server sent has none.
        let transport = std::error::Error::source(status).is_some();
        let busy = matches!(status.code(), Code::Unavailable | Code::ResourceExhausted) && !too_large;
        let reason = describe(status);
        if transport || busy {
            let after = details.retry_info().and_then(|retry| retry.retry_delay);
            Self::Again { reason, after, answered }
        } else {
            Self::For(Stopped::Refused(reason))
        }
    }
}

fn describe(status: &Status) -> String {
    let mut text = format!("{:?}", status.code());
    if !status.message().is_empty() {
        text = format!("{text}: {}", status.message());
    }
    let details = status.get_error_details();
    if let Some(info) = details.error_info() {
        text = format!("{text} ({})", info.reason);
    }
    for violation in details.bad_request().map(|bad| bad.field_violations.as_slice()).unwrap_or_default() {
        text = format!("{text}; {}: {}", violation.field, violation.description);
    }
    text
}

/// An error and what caused it: the transport's own words say little.
fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let told = error.to_string();
        // The network library says the same of a connection twice.
        if !text.ends_with(&told) {
            text = format!("{text}: {told}");
        }
        cause = error.source();
    }
    text
}
