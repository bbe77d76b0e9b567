//! `EvaluatePolicy` at the edge: gathers the parts of what is asked, tells how far
//! it is, and answers with the evaluation.

use std::sync::Arc;

use tokio::sync::mpsc;
use tokio_stream::StreamExt;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status, Streaming};

use super::answer::Answers;
use super::{Edge, correlated, error};
use crate::access::{Caller, Disclosure};
use crate::pb;
use crate::pb::evaluate_policy_request::Part;
use crate::service::evaluating::Evaluating;
use crate::service::evaluating::terms::{Asked, MOST_IN_MESSAGE, MOST_ROWS};
use crate::service::fault::Fault;

/// Answers that may wait to be sent.
const WAITING: usize = 4;
/// Most tables of harm.
const MOST_TABLES: usize = 8;

type Told = Result<Disclosure<pb::EvaluatePolicyResponse>, Status>;

/// Evaluates a policy. What is wrong is told as the last word of the stream.
pub fn evaluate(
    edge: &Arc<Edge>,
    request: Request<Streaming<pb::EvaluatePolicyRequest>>,
) -> Response<Answers<pb::EvaluatePolicyResponse>> {
    let caller = correlated(&request);
    let (tell, told) = mpsc::channel(WAITING);
    let (edge_of, asked_by) = (Arc::clone(edge), caller.clone());
    tokio::spawn(async move {
        let outcome = carried_out(&edge_of, &asked_by, request.into_inner(), &tell).await;
        if let Err(status) = outcome {
            let _ = tell.send(Err(status)).await;
        }
    });
    edge.stream(&caller, ReceiverStream::new(told))
}

async fn carried_out(
    edge: &Edge,
    caller: &Caller,
    parts: Streaming<pb::EvaluatePolicyRequest>,
    tell: &mpsc::Sender<Told>,
) -> Result<(), Status> {
    let refuse = |fault: Fault| edge.refuse("EvaluatePolicy", caller, &fault);
    let asked = gathered(parts, refuse).await?;
    // What is sent in may be as many as the force has people: looking each of them up is no work for a thread that waits.
    let (service, of) = (edge.service.clone(), caller.clone());
    let begun = tokio::task::spawn_blocking(move || service.evaluate(&of, &asked)).await;
    let mut heard = begun.unwrap_or(Err(Fault::Internal)).map_err(refuse)?;
    while let Some(told) = heard.recv().await {
        let answer = match told {
            Evaluating::Progress(phase, done, of) => {
                pb::EvaluatePolicyResponse { phase: phase.to_owned(), done, of, evaluation: None }
            }
            Evaluating::Done(evaluation) => {
                pb::EvaluatePolicyResponse { phase: "done".to_owned(), done: 1, of: 1, evaluation: Some(*evaluation) }
            }
            Evaluating::Failed(fault) => return Err(error::status(&fault, &caller.correlation_id)),
        };
        if tell.send(Ok(Disclosure::of_nobody(answer))).await.is_err() {
            return Ok(());
        }
    }
    Ok(())
}

/// Everything that was sent.
async fn gathered(
    mut parts: Streaming<pb::EvaluatePolicyRequest>,
    refuse: impl Fn(Fault) -> Status,
) -> Result<Asked, Status> {
    let mut asked = Asked::default();
    let mut number = 0;
    while let Some(part) = parts.next().await {
        let part = part?.part;
        let first = number == 0;
        let wrong =
            |reason: &str, told: &str| refuse(Fault::field(&format!("messages[{number}]"), reason, told.to_owned()));
        let fits = |held: usize, more: usize| {
            if more > MOST_IN_MESSAGE {
                return Err(wrong("TOO_MANY", &format!("{more} rows; at most {MOST_IN_MESSAGE} in a message")));
            }
            if held + more > MOST_ROWS {
                return Err(wrong("TOO_MANY", &format!("more than {MOST_ROWS} rows in all")));
            }
            Ok(())
        };
        match part {
            Some(Part::Terms(terms)) if first => asked.terms = terms,
            Some(Part::Terms(_)) => return Err(wrong("REPEATED", "the terms are the first message, and that alone")),
            Some(_) if first => return Err(wrong("REQUIRED", "the first message states the terms")),
            Some(Part::Outcomes(pb::OutcomeRows { rows })) => {
                fits(asked.outcomes.len(), rows.len())?;
                asked.outcomes.extend(rows);
            }
            Some(Part::Groups(pb::GroupRows { rows })) => {
                fits(asked.groups.len(), rows.len())?;
                asked.groups.extend(rows);
            }
            Some(Part::ForceList(pb::ForceListRows { subject_refs, scores })) => {
                fits(asked.force_list.len(), subject_refs.len().max(scores.len()))?;
                asked.force_list.extend(subject_refs);
                asked.force_scores.extend(scores);
            }
            Some(Part::HarmTable(table)) => {
                if asked.harm_tables.len() == MOST_TABLES {
                    return Err(wrong("TOO_MANY", "at most eight tables of harm"));
                }
                asked.harm_tables.push(table);
            }
            Some(Part::Costs(costs)) => {
                if asked.costs.replace(costs).is_some() {
                    return Err(wrong("REPEATED", "there is one table of costs"));
                }
            }
            None => return Err(wrong("REQUIRED", "a message has a part")),
        }
        number += 1;
    }
    if number == 0 {
        return Err(refuse(Fault::field("terms", "REQUIRED", "the first message states the terms".to_owned())));
    }
    Ok(asked)
}
