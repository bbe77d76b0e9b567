//! `AuditService` at the edge: parse, call, map. References of people are put to
//! their numbers here, from the newest standings: the audit itself holds none.

use std::sync::Arc;

use jiff::Timestamp;
use tokio::sync::Semaphore;
use tonic::{Request, Response, Status};
use tracing::warn;

use super::filter::Arguments;
use super::{Edge, correlated};
use crate::access::audit::{AuditError, AuditHead, Entry, EntryKind, Event, Outcome, Page, Query};
use crate::access::{Caller, Disclosure, Role};
use crate::domain::SubjectId;
use crate::pb;
use crate::pb::audit_service_server::AuditService;
use crate::ranking::{Sight, Standings};
use crate::service::fault::Fault;
use crate::service::mutation::content_digest;
use crate::service::{Seen, Service, timestamp};

/// Entries of a page unless asked otherwise.
const PAGE: u32 = 50;
/// Most entries of a page.
const MOST: u32 = 1_000;
/// Most actors or methods in one filter.
const MOST_NAMES: usize = 100;
/// Most references told of one entry.
const MOST_REFERENCES: usize = 100;
/// Questions that read the audit at once; others wait.
static READS: Semaphore = Semaphore::const_new(2);

/// The service.
#[derive(Clone)]
pub struct Audit(pub Arc<Edge>);

#[tonic::async_trait]
impl AuditService for Audit {
    async fn list_audit_events(
        &self,
        request: Request<pb::ListAuditEventsRequest>,
    ) -> Result<Response<pb::ListAuditEventsResponse>, Status> {
        let caller = correlated(&request);
        let asked = request.into_inner();
        let answer = async {
            let standings = self.0.service.standings(Seen::default()).await?;
            let sight = Service::sight(&caller, &standings);
            let mut arguments = Arguments::default();
            let stated = asked.filter.clone().unwrap_or_default();
            let mut query = Query {
                actors: names(&mut arguments, "filter.actors", &stated.actors),
                rpcs: names(&mut arguments, "filter.rpcs", &stated.rpcs),
                outcomes: arguments.words("filter.outcomes", &stated.outcomes, outcome_of),
                limit: arguments.size("page_size", asked.page_size, PAGE, MOST),
                ..Query::default()
            };
            (query.from, query.to) = times(&mut arguments, "filter.", stated.from.as_ref(), stated.to.as_ref());
            if !stated.subject_ref.is_empty() {
                arguments.subject_ref("filter.subject_ref", &stated.subject_ref);
            }
            arguments.finish()?;
            if !stated.subject_ref.is_empty() {
                query.subject = Some(Service::person_in(&caller, &sight, &standings, &stated.subject_ref)?);
            }
            let arguments = pb::ListAuditEventsRequest { page_token: String::new(), page_size: 0, ..asked.clone() };
            let arguments = content_digest("ListAuditEvents", &arguments);
            let (page, next_page_token) = self.page(query, &asked.page_token, &caller, &arguments).await?;
            let of = Told { standings: &standings, sight: &sight };
            let mut subjects = Vec::new();
            let events = page.events.into_iter().map(|event| of.told(event, &mut subjects)).collect();
            subjects.sort_unstable();
            subjects.dedup();
            let answer = pb::ListAuditEventsResponse { events, next_page_token, head: Some(head(page.head)) };
            Ok(Disclosure { answer, subjects })
        };
        self.0.answer("ListAuditEvents", &caller, answer.await)
    }

    async fn list_subject_access(
        &self,
        request: Request<pb::ListSubjectAccessRequest>,
    ) -> Result<Response<pb::ListSubjectAccessResponse>, Status> {
        let caller = correlated(&request);
        let asked = request.into_inner();
        let answer = async {
            let mut arguments = Arguments::default();
            arguments.subject_ref("subject_ref", &asked.subject_ref);
            let (from, to) = times(&mut arguments, "", asked.from.as_ref(), asked.to.as_ref());
            let limit = arguments.size("page_size", asked.page_size, PAGE, MOST);
            arguments.finish()?;
            let standings = self.0.service.standings(Seen::default()).await?;
            let subject = Service::person(&caller, &standings, &asked.subject_ref)?;
            let query = Query { from, to, limit, subject: Some(subject), ..Query::default() };
            let arguments = pb::ListSubjectAccessRequest { page_token: String::new(), page_size: 0, ..asked.clone() };
            let arguments = content_digest("ListSubjectAccess", &arguments);
            let (page, next_page_token) = self.page(query, &asked.page_token, &caller, &arguments).await?;
            let accesses = page.events.into_iter().map(|event| access(event, subject)).collect();
            let answer = pb::ListSubjectAccessResponse { accesses, next_page_token, head: Some(head(page.head)) };
            Ok(Disclosure { answer, subjects: vec![subject] })
        };
        self.0.answer("ListSubjectAccess", &caller, answer.await)
    }

    async fn verify_audit(
        &self,
        request: Request<pb::VerifyAuditRequest>,
    ) -> Result<Response<pb::VerifyAuditResponse>, Status> {
        let caller = correlated(&request);
        let newest = Some(request.into_inner().newest).filter(|newest| *newest > 0);
        let edge = Arc::clone(&self.0);
        let answer = async {
            let begun = edge.audit.head();
            let anchored = edge.service.audit_anchored();
            let verified = Arc::clone(&edge);
            let report = reading(&caller, move || verified.service.verify_audit(&verified.audit, newest)).await?;
            Ok(pb::VerifyAuditResponse {
                sound: report.fault.is_none(),
                first_entry: report.from,
                entries: report.head.entries.saturating_sub(report.from.saturating_sub(1)),
                segments: report.segments,
                head: Some(head(begun)),
                anchored: anchored.map(head),
                anchor_compared: report.compared,
                flaw: report.fault.map(|fault| pb::AuditFlaw {
                    segment: fault.segment,
                    offset: fault.offset,
                    entry: fault.entry,
                    why: fault.why.to_string(),
                }),
            })
        };
        self.0.done("VerifyAudit", &caller, answer.await)
    }
}

impl Audit {
    /// A page of the audit, and the token of the next.
    async fn page(
        &self,
        mut query: Query,
        token: &str,
        caller: &Caller,
        arguments: &[u8; 32],
    ) -> Result<(Page, String), Fault> {
        query.start = self.0.service.audit_page(token, caller, arguments)?;
        let audit = self.0.audit.clone();
        let page = reading(caller, move || audit.read(&query)).await?;
        let next = page.next.map(|next| self.0.service.audit_token(next, caller, arguments));
        Ok((page, next.unwrap_or_default()))
    }
}

/// Reads on a thread that may block. What is wrong with the audit is logged, and told by `VerifyAudit`.
async fn reading<T: Send + 'static>(
    caller: &Caller,
    read: impl FnOnce() -> Result<T, AuditError> + Send + 'static,
) -> Result<T, Fault> {
    let place = READS.acquire().await.map_err(|_| Fault::ShuttingDown)?;
    let read = tokio::task::spawn_blocking(read).await;
    drop(place);
    read.map_err(|_| Fault::Internal)?.map_err(|error| {
        warn!(error = %error, correlation_id = %caller.correlation_id, "the audit could not be read");
        Fault::Internal
    })
}

fn names(arguments: &mut Arguments, field: &str, names: &[String]) -> Vec<String> {
    if names.len() > MOST_NAMES {
        let description = format!("{field} holds {}; at most {MOST_NAMES} are allowed", names.len());
        arguments.wrong(field, "TOO_MANY", description);
    }
    for (place, name) in names.iter().take(MOST_NAMES).enumerate() {
        arguments.text(&format!("{field}[{place}]"), name, 1, 128);
    }
    names.to_vec()
}

/// Both ends of a stretch of time, microseconds since 1970.
fn times(
    arguments: &mut Arguments,
    within: &str,
    from: Option<&pbjson_types::Timestamp>,
    to: Option<&pbjson_types::Timestamp>,
) -> (Option<i64>, Option<i64>) {
    let mut time = |name: &str, stated: Option<&pbjson_types::Timestamp>| {
        let stated = stated?;
        let instant = Timestamp::new(stated.seconds, stated.nanos);
        if instant.is_err() {
            let field = format!("{within}{name}");
            arguments.wrong(&field, "INVALID_INSTANT", format!("{field} is not an instant from -9999 to 9999"));
        }
        instant.ok().map(Timestamp::as_microsecond)
    };
    let (from, to) = (time("from", from), time("to", to));
    if let (Some(begin), Some(end)) = (from, to)
        && begin >= end
    {
        let field = format!("{within}to");
        arguments.wrong(&field, "OUT_OF_RANGE", format!("{field} is not after {within}from"));
    }
    (from, to)
}

fn outcome_of(number: i32) -> Option<Outcome> {
    match pb::AuditOutcome::try_from(number) {
        Ok(pb::AuditOutcome::Allowed) => Some(Outcome::Allowed),
        Ok(pb::AuditOutcome::Refused) => Some(Outcome::Refused),
        Ok(pb::AuditOutcome::Failed) => Some(Outcome::Failed),
        Ok(pb::AuditOutcome::Unspecified) | Err(_) => None,
    }
}

fn outcome(outcome: Outcome) -> i32 {
    match outcome {
        Outcome::Allowed => pb::AuditOutcome::Allowed,
        Outcome::Refused => pb::AuditOutcome::Refused,
        Outcome::Failed => pb::AuditOutcome::Failed,
    }
    .into()
}

fn kind(kind: EntryKind) -> i32 {
    match kind {
        EntryKind::Access => pb::AuditKind::Access,
        EntryKind::Write => pb::AuditKind::Write,
        EntryKind::Combination => pb::AuditKind::Combination,
        EntryKind::Lifecycle => pb::AuditKind::Lifecycle,
    }
    .into()
}

fn roles(numbers: &[u8]) -> Vec<String> {
    let name = |number: &u8| match Role::ALL.get(usize::from(*number)) {
        Some(role) => role.name().to_owned(),
        None => format!("role {number}"),
    };
    numbers.iter().map(name).collect()
}

/// Where the audit ends, in the contract.
pub fn head(head: AuditHead) -> pb::AuditHead {
    pb::AuditHead { entries: head.entries, hash: head.hex() }
}

fn instant(micros: i64) -> Option<pbjson_types::Timestamp> {
    Timestamp::from_microsecond(micros).ok().map(timestamp)
}

/// Tells of people whom a reader of the audit may see; others, and those who were erased, are counted and not named.
struct Told<'a> {
    standings: &'a Standings,
    sight: &'a Sight,
}

impl Told<'_> {
    fn reference(&self, subject: SubjectId) -> Option<String> {
        let (row, dossier) = self.standings.person(subject)?;
        (self.sight.knows(row) && !dossier.is_erased()).then(|| dossier.subject_ref().to_owned())
    }

    fn told(&self, event: Event, named: &mut Vec<SubjectId>) -> pb::AuditEvent {
        let first = event.entry.subjects.iter().take(MOST_REFERENCES);
        let seen = first.filter_map(|subject| Some((subject, self.reference(subject)?)));
        let (subjects, refs): (Vec<SubjectId>, Vec<String>) = seen.unzip();
        named.extend(subjects);
        let attempted = event.entry.attempted.and_then(|subject| Some((subject, self.reference(subject)?)));
        named.extend(attempted.as_ref().map(|(subject, _)| *subject));
        let attempted_ref = attempted.map(|(_, reference)| reference).unwrap_or_default();
        told(event, refs, attempted_ref)
    }
}

fn told(Event { number, entry }: Event, subject_refs: Vec<String>, attempted_ref: String) -> pb::AuditEvent {
    pb::AuditEvent {
        number,
        instant: instant(entry.micros),
        kind: kind(entry.kind),
        outcome: outcome(entry.outcome),
        subject_count: entry.subjects.len() as u64,
        subject_refs,
        attempted_ref,
        actor: entry.actor.into(),
        roles: roles(&entry.roles),
        on_behalf_of: entry.on_behalf_of.into(),
        purpose: entry.purpose.into(),
        rpc: entry.rpc.into(),
        code: entry.code,
        reason: entry.reason,
        list: entry.list,
        revision: entry.revision,
        generation: entry.generation,
        scope: entry.scope.map(|scope| pb::AuditScope {
            by_area: scope.areas.is_some(),
            areas: scope.areas.into_iter().flatten().map(String::from).collect(),
            by_list: scope.lists.is_some(),
            lists: scope.lists.unwrap_or_default(),
        }),
        rows: entry.rows,
        correlation_id: entry.correlation_id.into(),
        stream_message: entry.stream_message,
        first_revision: entry.revisions.0,
        last_revision: entry.revisions.1,
        policy_version: entry.policy_version.into(),
    }
}

fn access(Event { number, entry }: Event, subject: SubjectId) -> pb::SubjectAccess {
    let others = |entry: &Entry| entry.subjects.len() - usize::from(entry.subjects.contains(subject));
    pb::SubjectAccess {
        number,
        instant: instant(entry.micros),
        kind: kind(entry.kind),
        outcome: outcome(entry.outcome),
        other_subjects: others(&entry) as u64,
        actor: entry.actor.into(),
        roles: roles(&entry.roles),
        on_behalf_of: entry.on_behalf_of.into(),
        purpose: entry.purpose.into(),
        rpc: entry.rpc.into(),
        list: entry.list,
        correlation_id: entry.correlation_id.into(),
    }
}
