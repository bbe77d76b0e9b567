//! `RescoreService` at the edge: parse, call, map.

use std::sync::Arc;
use std::time::Duration;

use tokio_stream::StreamExt;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status};

use super::answer::Answers;
use super::filter::Arguments;
use super::{Edge, correlated, error};
use crate::access::{Caller, Disclosure, Permission};
use crate::domain::Date;
use crate::pb;
use crate::pb::rescore_service_server::RescoreService;
use crate::service::fault::Fault;
use crate::service::mutation::request_id;
use crate::service::rescore::replay::Replayed;
use crate::service::rescore::runs::{Generation, RunId, RunState};
use crate::service::rescore::{Told, text};
use crate::service::{Service, timestamp};

/// How often a watched run is told.
const TELL_EVERY: Duration = Duration::from_millis(500);
/// Items of a page, unless asked otherwise, and at most.
const PAGE: u32 = 50;
const MOST: u32 = 1_000;
/// Most characters of a reason.
const REASON: usize = 500;

/// The service.
pub struct Rescore(pub Arc<Edge>);

#[tonic::async_trait]
impl RescoreService for Rescore {
    async fn start_rescore(
        &self,
        request: Request<pb::StartRescoreRequest>,
    ) -> Result<Response<pb::StartRescoreResponse>, Status> {
        let caller = correlated(&request);
        let asked = request.into_inner();
        let answer = async {
            let mut arguments = Arguments::default();
            let id = arguments.run_id("request_id", &asked.request_id);
            let as_of = arguments.day("as_of", &asked.as_of);
            arguments.finish()?;
            let (told, revision) = self.0.rescoring.begin(&caller, id, as_of, asked.dry_run).await?;
            let Disclosure { answer, subjects } = self.seen(&caller, &told);
            Ok(Disclosure { answer: pb::StartRescoreResponse { run: Some(answer), revision: revision.0 }, subjects })
        };
        self.0.answer("StartRescore", &caller, answer.await)
    }

    async fn get_rescore_run(
        &self,
        request: Request<pb::GetRescoreRunRequest>,
    ) -> Result<Response<pb::GetRescoreRunResponse>, Status> {
        let caller = correlated(&request);
        let told = self.told(&request.into_inner().run_id);
        let seen = told.map(|told| self.seen(&caller, &told));
        let answer = seen.map(|seen| seen.map(|run| pb::GetRescoreRunResponse { run: Some(run) }));
        self.0.answer("GetRescoreRun", &caller, answer)
    }

    async fn list_rescore_runs(
        &self,
        request: Request<pb::ListRescoreRunsRequest>,
    ) -> Result<Response<pb::ListRescoreRunsResponse>, Status> {
        let caller = correlated(&request);
        let asked = request.into_inner();
        let answer = || {
            let size = page_size(asked.page_size)?;
            let (runs, next_page_token) = self.0.rescoring.page_of_runs(&caller, &asked.page_token, size)?;
            let mut subjects = Vec::new();
            let runs = runs.iter().map(|told| self.seen(&caller, told)).map(|seen| {
                subjects.extend(seen.subjects);
                seen.answer
            });
            let answer = pb::ListRescoreRunsResponse { runs: runs.collect(), next_page_token };
            Ok(Disclosure { answer, subjects })
        };
        self.0.answer("ListRescoreRuns", &caller, answer())
    }

    async fn cancel_rescore_run(
        &self,
        request: Request<pb::CancelRescoreRunRequest>,
    ) -> Result<Response<pb::CancelRescoreRunResponse>, Status> {
        let caller = correlated(&request);
        let asked = request.into_inner();
        let answer = || {
            let mut arguments = Arguments::default();
            let id = arguments.run_id("run_id", &asked.run_id);
            if asked.reason.trim().is_empty() || asked.reason.chars().count() > REASON {
                let what = format!("reason says in 1 to {REASON} characters why, without personal data");
                arguments.wrong("reason", "INVALID_LENGTH", what);
            }
            arguments.finish()?;
            let cancelled = self.seen(&caller, &self.0.rescoring.cancel(&id, &asked.reason)?);
            Ok(cancelled.map(|run| pb::CancelRescoreRunResponse { run: Some(run) }))
        };
        self.0.answer("CancelRescoreRun", &caller, answer())
    }

    type WatchRescoreRunStream = Answers<pb::WatchRescoreRunResponse>;

    async fn watch_rescore_run(
        &self,
        request: Request<pb::WatchRescoreRunRequest>,
    ) -> Result<Response<Self::WatchRescoreRunStream>, Status> {
        let caller = correlated(&request);
        let id = request.into_inner().run_id;
        self.told(&id).map_err(|fault| self.0.refuse("WatchRescoreRun", &caller, &fault))?;
        let (sender, answers) = tokio::sync::mpsc::channel(1);
        // Not the edge itself: a watcher must not hold the service when it stops.
        let (edge, streams, of) = (Arc::downgrade(&self.0), self.0.service.streams(), caller.clone());
        tokio::spawn(async move {
            loop {
                let edge = edge.upgrade().filter(|edge| !edge.rescoring.stopping());
                let told = edge.map(Self).and_then(|it| it.told(&id).ok().map(|told| (it.seen(&of, &told), told)));
                let Some((seen, told)) = told else {
                    let _ = sender.send(Err(error::status(&Fault::ShuttingDown, &of.correlation_id))).await;
                    return;
                };
                let over = told.run.state != RunState::Running || told.completed;
                let answer = seen.map(|run| pb::WatchRescoreRunResponse { run: Some(run) });
                if sender.send(Ok(answer)).await.is_err() || over {
                    return;
                }
                tokio::select! {
                    () = tokio::time::sleep(TELL_EVERY) => {}
                    // At once: a watcher must not hold up a stop.
                    () = streams.ended() => {}
                }
            }
        });
        Ok(self.0.stream(&caller, ReceiverStream::new(answers)))
    }

    async fn list_generations(
        &self,
        request: Request<pb::ListGenerationsRequest>,
    ) -> Result<Response<pb::ListGenerationsResponse>, Status> {
        let caller = correlated(&request);
        let asked = request.into_inner();
        let answer = async {
            let size = page_size(asked.page_size)?;
            let (rescoring, of) = (self.0.rescoring.clone(), caller.clone());
            let read = tokio::task::spawn_blocking(move || rescoring.page_of_generations(&of, &asked.page_token, size));
            let (page, next_page_token) = read.await.map_err(|_| Fault::Internal)??;
            let generations = page.iter().map(|(told, kept)| generation(told, *kept)).collect();
            Ok(pb::ListGenerationsResponse { generations, next_page_token })
        };
        self.0.done("ListGenerations", &caller, answer.await)
    }

    type ReplayGenerationStream = Answers<pb::ReplayGenerationResponse>;

    async fn replay_generation(
        &self,
        request: Request<pb::ReplayGenerationRequest>,
    ) -> Result<Response<Self::ReplayGenerationStream>, Status> {
        let caller = correlated(&request);
        let told = self.0.rescoring.replay(request.into_inner().generation);
        let told = told.map_err(|fault| self.0.refuse("ReplayGeneration", &caller, &fault))?;
        let correlation_id = caller.correlation_id.clone();
        let answers = ReceiverStream::new(told).map(move |told| match told {
            Replayed::Progress(events, of_events) => {
                Ok(Disclosure::of_nobody(pb::ReplayGenerationResponse { events, of_events, outcome: None }))
            }
            Replayed::Done(again) => Ok(Disclosure::of_nobody(pb::ReplayGenerationResponse {
                events: again.told.weighed.0,
                of_events: again.told.weighed.0,
                outcome: Some(pb::ReplayOutcome {
                    same: again.told.digest == again.digest,
                    digest: hex(&again.digest),
                    // Whether it is still kept has nothing to do with whether it can be weighed again.
                    generation: Some(generation(&again.told, false)),
                    subjects: again.people,
                    rows_blanked: u32::try_from(again.told.erased.len()).unwrap_or(u32::MAX),
                    repeats_as_published: again.repeats_as_published,
                }),
            })),
            Replayed::Failed(fault) => Err(error::status(&fault, &correlation_id)),
        });
        Ok(self.0.stream(&caller, answers))
    }
}

impl Rescore {
    /// A run as a caller may see it: people who could not be weighed are named to those alone who may read of them.
    fn seen(&self, caller: &Caller, told: &Told) -> Disclosure<pb::RescoreRun> {
        let mut run = run(told);
        let mut subjects = Vec::new();
        if let Some(standings) = self.0.service.newest() {
            let sight = Service::sight(caller, &standings);
            run.failures.retain(|failure| {
                let subject = standings.find(&failure.subject_ref);
                let seen = subject.filter(|subject| standings.row(*subject).is_some_and(|row| sight.knows(row)));
                subjects.extend(seen);
                caller.may(Permission::ReadLists) && (seen.is_some() || sight.is_whole())
            });
        } else {
            run.failures.clear();
        }
        Disclosure { answer: run, subjects }
    }

    fn told(&self, id: &str) -> Result<Told, Fault> {
        let mut arguments = Arguments::default();
        let id = arguments.run_id("run_id", id);
        arguments.finish()?;
        self.0.rescoring.get(&id).ok_or(Fault::UnknownRun)
    }
}

impl Arguments {
    fn run_id(&mut self, field: &str, text: &str) -> RunId {
        request_id(text).unwrap_or_else(|violation| {
            self.wrong(field, &violation.reason, violation.description.replace("request_id", field));
            RunId::default()
        })
    }

    /// A day; `None` where none is given.
    fn day(&mut self, field: &str, text: &str) -> Option<Date> {
        if text.is_empty() { None } else { self.date(field, text) }
    }
}

fn page_size(asked: u32) -> Result<usize, Fault> {
    let mut arguments = Arguments::default();
    let size = arguments.size("page_size", asked, PAGE, MOST);
    arguments.finish()?;
    Ok(size)
}

fn hex(digest: &[u8; 32]) -> String {
    blake3::Hash::from_bytes(*digest).to_hex().to_string()
}

fn instant(micros: i64) -> Option<pbjson_types::Timestamp> {
    (micros != 0).then(|| jiff::Timestamp::from_microsecond(micros).map(timestamp).ok()).flatten()
}

fn run(told: &Told) -> pb::RescoreRun {
    let run = &told.run;
    let (state, generation, reason) = match &run.state {
        RunState::Running if told.completed => (pb::RescoreState::Completed, 0, String::new()),
        RunState::Running => (pb::RescoreState::Running, 0, String::new()),
        RunState::Published(generation) => (pb::RescoreState::Published, *generation, String::new()),
        RunState::Ended { cancelled: true, reason } => (pb::RescoreState::Cancelled, 0, reason.clone()),
        RunState::Ended { cancelled: false, reason } => (pb::RescoreState::Failed, 0, reason.clone()),
    };
    let counters = &run.counters;
    pb::RescoreRun {
        run_id: text(&run.id),
        attempt: run.attempt,
        as_of: run.as_of.to_string(),
        state: state.into(),
        dry_run: told.dry,
        counters: Some(pb::RescoreCounters {
            universe: counters.universe,
            scored: counters.scored,
            changed: counters.changed,
            failed: counters.failed,
            resumed: counters.resumed,
            skipped: 0,
        }),
        failures: told
            .failures
            .iter()
            .map(|(subject_ref, reason)| pb::RescoreFailure {
                subject_ref: subject_ref.clone(),
                reason: reason.clone(),
            })
            .collect(),
        generation,
        reason,
        start_time: instant(run.started_micros),
        end_time: instant(run.ended_micros),
        actor: run.actor.to_string(),
    }
}

fn generation(told: &Generation, kept: bool) -> pb::Generation {
    pb::Generation {
        generation: told.number,
        as_of: told.as_of.to_string(),
        policy_version: told.policy_version.to_string(),
        weighed_revision: told.weighed.0,
        published_revision: told.published.0,
        published_time: instant(told.published_micros),
        run_id: text(&told.run),
        digest: hex(&told.digest),
        subjects: told.subjects,
        kept,
        engine_version: told.engine_version.to_string(),
    }
}
