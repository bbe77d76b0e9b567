//! Following a list at the edge: [`Follower`] says what comes next; here it
//! becomes messages of a stream, or a page.
//!
//! A stream waits in one place for whichever comes first: something new, the
//! time for a checkpoint, the client's going away, the server's end. What is
//! new is only hinted at; what there is, the follower finds.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc::{self, Sender};
use tokio::time::{Instant, sleep_until};
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;

use super::filter::Arguments;
use super::ranking::size;
use super::{Edge, detail};
use crate::access::{Caller, Disclosure};
use crate::domain::Revision;
use crate::domain::word::List;
use crate::pb;
use crate::pb::watch_standings_response::Event as Message;
use crate::ranking::Standings;
use crate::service::fault::Fault;
use crate::service::ranked::Reading;
use crate::service::watch::{Event, Follower, Kind, Outcome, Told};
use crate::service::watched::Watch;
use crate::service::{Seen, Service};
use crate::telemetry::trace;

/// Most changes in one message, and in a page unless asked otherwise.
const CHANGES: u32 = 500;
/// Most changes in a page.
const MOST_CHANGES: u32 = 1_000;
/// Messages that may wait for the client.
const IN_FLIGHT: usize = 2;
/// Longest silence: a checkpoint is sent after it.
const SILENCE: Duration = Duration::from_secs(15);

type Part = Disclosure<pb::WatchStandingsResponse>;
type Parts = ReceiverStream<Result<Part, Status>>;

/// Begins a stream.
///
/// # Errors
/// What is wrong with the request, or with its token.
pub async fn watch(edge: &Arc<Edge>, caller: &Caller, asked: pb::WatchStandingsRequest) -> Result<Parts, Fault> {
    let mut arguments = Arguments::default();
    let list = arguments.list(asked.list);
    arguments.finish()?;
    let seen = Seen::new(asked.min_revision, &asked.store);
    let since = Revision(asked.since_revision);
    let follower = edge.service.follow(caller, list, &asked.resume_token, since, seen).await?;
    let (sender, parts) = mpsc::channel(IN_FLIGHT);
    let watch = edge.service.watched();
    let caller = caller.clone();
    let watching = Watching { edge: Arc::clone(edge), caller, list, follower, watch, silence: SILENCE };
    tokio::spawn(async move {
        let trace = watching.caller.trace.clone();
        trace::within(trace.as_ref(), watching.run(sender)).await;
    });
    Ok(ReceiverStream::new(parts))
}

/// A stream at work.
struct Watching {
    edge: Arc<Edge>,
    caller: Caller,
    list: List,
    follower: Follower,
    watch: Watch,
    silence: Duration,
}

impl Watching {
    /// Tells until the client goes away, and until then why not any further.
    async fn run(mut self, sender: Sender<Result<Part, Status>>) {
        let streams = self.edge.service.streams();
        let fault = tokio::select! {
            biased;
            () = streams.ended() => Fault::ShuttingDown,
            () = sender.closed() => return,
            fault = tell(&mut self, &sender) => fault,
        };
        let refused = self.edge.refuse("WatchStandings", &self.caller, &fault);
        // Nothing of the service may be held by a client who does not take the last word.
        drop(self);
        // A client that went away has nobody to tell.
        let _ = sender.send(Err(refused)).await;
    }

    /// The next message, if there is one.
    fn message(
        &mut self,
        context: pb::ReadContext,
        event: Message,
        complete: Option<Revision>,
    ) -> pb::WatchStandingsResponse {
        pb::WatchStandingsResponse {
            context: Some(context),
            event: Some(event),
            resume_token: self.edge.service.follow_token(&self.caller, &self.follower),
            complete_revision: complete.map_or(0, |revision| revision.0),
        }
    }

    /// What comes next: a message; or whether to ask again at once, or to wait.
    fn next(&mut self) -> Result<Next, Fault> {
        let Disclosure { answer: Reading { standings, found }, subjects } =
            self.edge.service.advance(&self.caller, &mut self.follower, CHANGES as usize)?;
        self.watch.brought(self.follower.brought());
        let (event, complete) = match found {
            Outcome::Again => return Ok(Next::Again),
            Outcome::Idle => return Ok(Next::Idle(self.edge.service.context(&standings))),
            Outcome::Tell(Event::Changes { told, complete }) if told.is_empty() => {
                (Message::Checkpoint(pb::ChangeCheckpoint {}), complete)
            }
            Outcome::Tell(Event::Changes { told, complete }) => {
                (Message::Changes(pb::ChangeSet { changes: changes(&standings, self.list, &told) }), complete)
            }
            Outcome::Tell(Event::Initial(expected)) => (Message::Boundary(initial(expected)), None),
            Outcome::Tell(Event::Publication(expected)) => {
                (Message::Boundary(publication(self.size(&standings), expected)), None)
            }
        };
        let context = self.edge.service.context(&standings);
        let answer = self.message(context, event, complete);
        Ok(Next::Message(Box::new(Disclosure { answer, subjects })))
    }

    fn size(&self, standings: &Standings) -> usize {
        standings.size_in(self.list, &Service::sight(&self.caller, standings))
    }
}

/// What a stream does next.
enum Next {
    Message(Box<Part>),
    Again,
    /// Nothing to tell; what a checkpoint would say of itself.
    Idle(pb::ReadContext),
}

/// Tells what there is until something is wrong. Holds no standings while it waits.
async fn tell(watching: &mut Watching, sender: &Sender<Result<Part, Status>>) -> Fault {
    let mut revisions = watching.edge.service.revisions();
    // A stream that begins with nothing to tell says so at once.
    let mut silent_until = Instant::now();
    loop {
        // Before looking: what comes after is hinted at again.
        revisions.mark_unchanged();
        let message = match watching.next() {
            Err(fault) => return fault,
            Ok(Next::Message(message)) => *message,
            Ok(Next::Again) => {
                tokio::task::yield_now().await;
                continue;
            }
            Ok(Next::Idle(context)) if Instant::now() >= silent_until => {
                let checkpoint = Message::Checkpoint(pb::ChangeCheckpoint {});
                let complete = watching.follower.settled();
                Disclosure::of_nobody(watching.message(context, checkpoint, complete))
            }
            Ok(Next::Idle(_)) => {
                tokio::select! {
                    changed = revisions.changed() => if changed.is_err() { return Fault::ShuttingDown },
                    () = sleep_until(silent_until) => {}
                }
                continue;
            }
        };
        if sender.send(Ok(message)).await.is_err() {
            return Fault::ShuttingDown;
        }
        silent_until = Instant::now() + watching.silence;
    }
}

/// One page of changes.
///
/// # Errors
/// What is wrong with the request, or with its token.
pub async fn page(
    service: &Service,
    caller: &Caller,
    asked: &pb::ListChangesRequest,
) -> Result<Disclosure<pb::ListChangesResponse>, Fault> {
    let mut arguments = Arguments::default();
    let list = arguments.list(asked.list);
    let most = arguments.size("page_size", asked.page_size, CHANGES, MOST_CHANGES);
    arguments.finish()?;
    let seen = Seen::new(asked.min_revision, &asked.store);
    let mut follower = service.follow(caller, list, &asked.change_token, Revision(0), seen).await?;
    let mut boundary = None;
    loop {
        let advanced = service.advance(caller, &mut follower, most)?;
        let Disclosure { answer: Reading { standings, found }, subjects } = advanced;
        let told = match found {
            Outcome::Again => {
                drop(standings);
                tokio::task::yield_now().await;
                continue;
            }
            Outcome::Tell(Event::Initial(expected)) => {
                boundary = Some(initial(expected));
                continue;
            }
            Outcome::Tell(Event::Publication(expected)) => {
                let size = standings.size_in(list, &Service::sight(caller, &standings));
                boundary = Some(publication(size, expected));
                continue;
            }
            Outcome::Tell(Event::Changes { told, complete: _ }) => told,
            Outcome::Idle => Vec::new(),
        };
        let answer = pb::ListChangesResponse {
            context: Some(service.context(&standings)),
            boundary,
            changes: changes(&standings, list, &told),
            next_change_token: service.follow_token(caller, &follower),
            up_to_date: follower.settled() == Some(standings.revision()),
        };
        return Ok(Disclosure { answer, subjects });
    }
}

fn initial(list_size: usize) -> pb::ChangeBoundary {
    let list_size = size(list_size);
    pb::ChangeBoundary { kind: pb::BoundaryKind::Initial.into(), expected_changes: list_size, list_size }
}

fn publication(list_size: usize, expected: usize) -> pb::ChangeBoundary {
    pb::ChangeBoundary {
        kind: pb::BoundaryKind::Publication.into(),
        expected_changes: size(expected),
        list_size: size(list_size),
    }
}

fn changes(standings: &Standings, list: List, told: &[Told]) -> Vec<pb::StandingChange> {
    told.iter().filter_map(|told| change(standings, list, *told)).collect()
}

/// A person as they stand now; of whoever left only the reference.
fn change(standings: &Standings, list: List, Told { subject, kind }: Told) -> Option<pb::StandingChange> {
    let (row, dossier) = standings.person(subject)?;
    let subject_ref = dossier.subject_ref().to_owned();
    let kind = match kind {
        Kind::Entered => pb::ChangeKind::Entered,
        Kind::Changed => pb::ChangeKind::Changed,
        Kind::Left => {
            return Some(pb::StandingChange { kind: pb::ChangeKind::Left.into(), subject_ref, ..Default::default() });
        }
    };
    let composed = row.composed(list.family());
    Some(pb::StandingChange {
        kind: kind.into(),
        subject_ref,
        effective_band: composed.effective.proto().into(),
        composite: composed.point.get(),
        harm: row.harm.get(),
        threat: row.threat.get(),
        risk: row.risk.get(),
        outstanding_since: detail::date(row.outstanding_since()),
    })
}

#[cfg(test)]
#[path = "watching_tests.rs"]
mod tests;
