//! One caller among several: writes about people of its own, keeps every
//! acknowledgement, and asks again under the same id whatever was not answered.

use std::collections::VecDeque;
use std::fmt;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use steelyard::pb;
use steelyard::pb::record::Kind;
use tokio::sync::mpsc::UnboundedSender;
use uuid::Uuid;

use super::book::{Body, Book, Listed, Request};
use crate::harness::{Client, reason, told};
use crate::people::Somebody;

/// People that one caller writes about.
const PEOPLE: usize = 5;
/// Victims that all callers' people share, so that a write of one changes the standing of another.
const VICTIMS: usize = 12;

/// Why a caller stops.
#[derive(Debug)]
pub enum Halt {
    /// The server went away, or was going: what became of the requests in flight is not known.
    Gone,
    /// The server refused, in its own words.
    Refused(Box<tonic::Status>),
    /// The server answered otherwise than it must.
    Wrong(String),
}

impl fmt::Display for Halt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Gone => f.write_str("the server went away"),
            Self::Refused(status) => write!(f, "refused: {}", told(status)),
            Self::Wrong(fault) => f.write_str(fault),
        }
    }
}

impl From<tonic::Status> for Halt {
    /// What carries no reason of the contract is the transport's word, not the server's.
    fn from(status: tonic::Status) -> Self {
        match reason(&status).as_deref() {
            None | Some("SHUTTING_DOWN") => Self::Gone,
            Some(_) => Self::Refused(Box::new(status)),
        }
    }
}

/// An answer: the revision of its last event, and the verdicts where there are any.
type Answer = (u64, Vec<pb::RecordVerdict>);

/// A caller.
#[derive(Clone)]
pub struct Caller {
    name: String,
    dice: StdRng,
    /// What it was told.
    pub book: Book,
    /// What it sent and was not answered, in that order.
    unanswered: VecDeque<Request>,
    /// As the book will be once everything sent is carried out.
    intended: Book,
    written: u32,
    /// Most records in a batch of an import.
    pub most_in_batch: usize,
    /// More than the most records in a write.
    pub most_in_write: usize,
    /// Whether it imports as well.
    pub imports: bool,
}

/// What a caller found after a crash.
#[derive(Clone, Copy, Debug, Default)]
pub struct Found {
    /// Requests that were not answered.
    pub unanswered: usize,
    /// Of these, those that had been carried out.
    pub applied: usize,
}

impl Caller {
    /// A caller whose decisions follow from `seed`.
    pub fn new(name: String, seed: u64) -> Self {
        Self {
            name,
            dice: StdRng::seed_from_u64(seed),
            book: Book::default(),
            unanswered: VecDeque::new(),
            intended: Book::default(),
            written: 0,
            most_in_batch: 8,
            most_in_write: 12,
            imports: true,
        }
    }

    /// What it is called by.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Works until the server is gone or refuses, telling of every acknowledgement.
    pub async fn work(&mut self, client: &mut Client, acknowledged: &UnboundedSender<()>) -> Halt {
        loop {
            if let Err(halt) = self.drain(client, acknowledged).await {
                return halt;
            }
            let requests = if self.imports && self.dice.random_ratio(1, 8) {
                (0..self.dice.random_range(2..6)).map(|_| self.import()).collect()
            } else if self.dice.random_ratio(1, 8) {
                self.withdrawal().into_iter().collect()
            } else {
                vec![self.write()]
            };
            self.unanswered.extend(requests);
        }
    }

    /// Sends what was refused again.
    pub async fn ask_again(&mut self, client: &mut Client) -> Result<(), Halt> {
        let (acknowledged, _) = tokio::sync::mpsc::unbounded_channel();
        self.drain(client, &acknowledged).await
    }

    /// Sends what is unanswered until all of it is answered.
    async fn drain(&mut self, client: &mut Client, acknowledged: &UnboundedSender<()>) -> Result<(), Halt> {
        while let Some(request) = self.unanswered.front().cloned() {
            if matches!(request.body, Body::Import(_)) {
                self.stream(client, acknowledged).await?;
                continue;
            }
            let answer = send(client, &request).await?;
            self.judged(&request, &answer).map_err(Halt::Wrong)?;
            self.answered(&request, answer.0, acknowledged);
            if self.dice.random_ratio(1, 10) {
                let again = send(client, &request).await?;
                if again != answer {
                    return Err(Halt::Wrong(format!("{} was answered with {answer:?}, then {again:?}", request.id)));
                }
            }
        }
        Ok(())
    }

    fn answered(&mut self, request: &Request, revision: u64, acknowledged: &UnboundedSender<()>) {
        self.book.enter(request, Some(revision));
        self.unanswered.pop_front();
        // Nobody counts any more once the kill is decided.
        let _ = acknowledged.send(());
    }

    /// Each record has the verdict that the book expects, and the revisions follow each other.
    fn judged(&self, request: &Request, (last, verdicts): &Answer) -> Result<(), String> {
        let Body::Write(records) = &request.body else { return Ok(()) };
        let first = last + 1 - records.len() as u64;
        let due: Vec<_> = (first..)
            .zip(records)
            .map(|(revision, record)| {
                let held = self.book.in_force(&record.subject_ref, &record.id);
                (if held { pb::Verdict::Superseded } else { pb::Verdict::Created }, revision)
            })
            .collect();
        let found: Vec<_> = verdicts.iter().map(|verdict| (verdict.verdict(), verdict.revision)).collect();
        (found == due).then_some(()).ok_or_else(|| format!("{}: {found:?} where {due:?} is due", request.id))
    }

    /// Sends the imports at the front of what is unanswered in one stream, without waiting between them.
    async fn stream(&mut self, client: &mut Client, acknowledged: &UnboundedSender<()>) -> Result<(), Halt> {
        let imports = self.unanswered.iter().map_while(|request| match &request.body {
            Body::Import(records) => Some((request.clone(), records.clone())),
            Body::Write(_) | Body::Withdraw { .. } => None,
        });
        let (requests, batches): (Vec<Request>, Vec<Vec<pb::Record>>) = imports.unzip();
        let batches: Vec<_> = (1..)
            .zip(requests.iter().zip(batches))
            .map(|(sequence, (request, records))| pb::ImportEvidenceRequest {
                request_id: request.id.clone(),
                sequence,
                records,
                validate_only: false,
            })
            .collect();
        let answers = client.evidence.import_evidence(tokio_stream::iter(batches.clone())).await;
        let mut answers = answers?.into_inner();
        for (request, batch) in requests.iter().zip(&batches) {
            let Some(answer) = answers.message().await? else {
                return Err(Halt::Wrong("an import ended before all its batches were answered".to_owned()));
            };
            let written = answer.created + answer.superseded;
            if answer.sequence != batch.sequence || written as usize != batch.records.len() {
                let fault = format!("batch {} of {} records: {answer:?}", batch.sequence, batch.records.len());
                return Err(Halt::Wrong(fault));
            }
            self.answered(request, answer.revision, acknowledged);
        }
        Ok(())
    }

    /// After a crash: compares what is listed with what was acknowledged, asks again for what was not answered, and
    /// compares again.
    ///
    /// # Errors
    /// Something acknowledged is missing, a group is torn, or a request was carried out twice.
    pub async fn settle(&mut self, client: &mut Client) -> Result<Found, String> {
        let listed = self.listed(client).await?;
        let unanswered: Vec<Request> = self.unanswered.iter().cloned().collect();
        let applied = self.book.applied(&unanswered, &listed)?;
        self.ask_again(client).await.map_err(|halt| format!("while nobody harmed it: {halt}"))?;
        let listed = self.listed(client).await?;
        match self.book.contradicted(&listed) {
            Some(contradiction) => Err(format!("after asking again: {contradiction}")),
            None => Ok(Found { unanswered: unanswered.len(), applied }),
        }
    }

    async fn listed(&self, client: &mut Client) -> Result<Listed, String> {
        let mut listed = Listed::new();
        for subject_ref in self.intended.people() {
            let request = pb::GetSubjectRequest { subject_ref: subject_ref.to_owned(), ..Default::default() };
            let rows = match client.evidence.get_subject(request).await {
                Ok(_) => client.try_held(subject_ref, true, 1_000).await.map_err(|status| told(&status))?,
                Err(status) if told(&status).contains("UNKNOWN_SUBJECT") => Vec::new(),
                Err(status) => return Err(format!("{subject_ref}: {}", told(&status))),
            };
            listed.insert(subject_ref.to_owned(), rows);
        }
        Ok(listed)
    }

    fn write(&mut self) -> Request {
        let count = if self.dice.random() { 1 } else { self.dice.random_range(2..self.most_in_write) };
        let records = self.records(count);
        self.intend(Body::Write(records))
    }

    fn import(&mut self) -> Request {
        let count = self.dice.random_range(1..=self.most_in_batch);
        let records = self.records(count);
        self.intend(Body::Import(records))
    }

    fn withdrawal(&mut self) -> Option<Request> {
        let in_force: Vec<_> =
            self.intended.records_in_force().map(|record| (&record.subject_ref, &record.id)).collect();
        let (subject_ref, record_id) = in_force.get(self.dice.random_range(0..in_force.len().max(1)))?;
        let body = Body::Withdraw { subject_ref: (*subject_ref).clone(), record_id: (*record_id).clone() };
        Some(self.intend(body))
    }

    fn intend(&mut self, body: Body) -> Request {
        let id = Uuid::from_u128(self.dice.random()).to_string();
        let request = Request { id, body };
        self.intended.enter(&request, None);
        request
    }

    /// Records, each of another id: new ones and later versions of those in force.
    fn records(&mut self, count: usize) -> Vec<pb::Record> {
        let mut records: Vec<pb::Record> = Vec::with_capacity(count);
        while records.len() < count {
            self.written += 1;
            let place = self.dice.random_range(0..4 * PEOPLE);
            // Few ids, so that most records are later versions and the lists stay quick to weigh.
            let copy = self.dice.random_range(0..3 + self.most_in_batch.max(self.most_in_write) / 20);
            let record = self.record(place, copy);
            if records.iter().all(|other| other.id != record.id) {
                records.push(record);
            }
        }
        records
    }

    fn record(&mut self, place: usize, copy: usize) -> pb::Record {
        let subject_ref = format!("{}-P{}", self.name, place % PEOPLE);
        let day = format!("2026-{:02}-{:02}", self.dice.random_range(1..=3), self.dice.random_range(1..=28));
        let victim = format!("V-{}", self.dice.random_range(0..VICTIMS));
        let somebody = Somebody::new(&subject_ref);
        let somebody = match place / PEOPLE {
            0 => somebody.charged("OF61102", &day).domestic(&victim, self.dice.random()),
            1 => somebody.convicted("TH68010", &day, &day),
            2 => somebody.suspected("TH68036", &day),
            _ => somebody.marker(pb::MarkerKind::Weapons, &day, ""),
        };
        let mut record = somebody.records().remove(0);
        record.id = format!("{subject_ref}-R{}-{copy}", place / PEOPLE);
        // Each version is recorded after the one before, and none is the same.
        let seconds = 1_774_900_000 + i64::from(self.written);
        record.recorded_time = Some(pbjson_types::Timestamp { seconds, nanos: 0 });
        if let Some(Kind::Offence(offence)) = &mut record.kind {
            offence.incident_ref = format!("{}-I{}", self.name, self.written % 40);
        }
        record
    }
}

async fn send(client: &mut Client, request: &Request) -> Result<Answer, Halt> {
    let request_id = request.id.clone();
    match &request.body {
        Body::Write(records) => {
            let call = pb::WriteEvidenceRequest { request_id, records: records.clone(), ..Default::default() };
            let answer = client.evidence.write_evidence(call).await?.into_inner();
            Ok((answer.revision, answer.verdicts))
        }
        Body::Withdraw { subject_ref, record_id } => {
            let call = pb::WithdrawEvidenceRequest {
                request_id,
                subject_ref: subject_ref.clone(),
                record_id: record_id.clone(),
                reason: "recorded against the wrong person".to_owned(),
                etag: String::new(),
            };
            Ok((client.evidence.withdraw_evidence(call).await?.into_inner().revision, Vec::new()))
        }
        Body::Import(_) => unreachable!("imports go by stream"),
    }
}
