//! `ExportSubject`: everything held of a person as a stream of parts, the head
//! first and the sum last, so that whoever reads it knows that it is whole.

use std::sync::Arc;

use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status};

use super::answer::Answers;
use super::filter::Arguments;
use super::movement::entry;
use super::standing::listed;
use super::{Edge, correlated};
use crate::access::{Caller, Disclosure};
use crate::domain::SubjectId;
use crate::pb;
use crate::pb::export_subject_response::Part;
use crate::service::fault::Fault;
use crate::service::life::Exported;
use crate::service::rescore::history::Entry;
use crate::service::{SPECIFIC_FIRST, Service};

/// Parts that may wait for a slow reader.
const IN_FLIGHT: usize = 64;

/// The stream.
pub type Parts = Answers<pb::ExportSubjectResponse>;

/// Exports a person.
///
/// # Errors
/// The fault as a status.
pub async fn export(edge: &Arc<Edge>, request: Request<pb::ExportSubjectRequest>) -> Result<Response<Parts>, Status> {
    let caller = correlated(&request);
    let asked = request.into_inner();
    let gathered = gathered(edge, &caller, &asked).await;
    let Disclosure { answer: parts, subjects } =
        gathered.map_err(|fault| edge.refuse("ExportSubject", &caller, &fault))?;
    let (sender, waiting) = mpsc::channel(IN_FLIGHT);
    tokio::spawn(async move {
        // That the person is disclosed is audited with the first part, before it and all others leave.
        let mut subjects = subjects;
        for part in parts {
            let answer = pb::ExportSubjectResponse { part: Some(part) };
            let part = Disclosure { answer, subjects: std::mem::take(&mut subjects) };
            if sender.send(Ok(part)).await.is_err() {
                // Whoever asked went away: without the sum they know that it is not whole.
                return;
            }
        }
    });
    Ok(edge.stream(&caller, ReceiverStream::new(waiting)))
}

async fn gathered(
    edge: &Arc<Edge>,
    caller: &Caller,
    asked: &pb::ExportSubjectRequest,
) -> Result<Disclosure<Vec<Part>>, Fault> {
    let mut arguments = Arguments::default();
    arguments.subject_ref("subject_ref", &asked.subject_ref);
    arguments.finish()?;
    let Disclosure { answer, subjects } = edge.service.export_subject(caller, asked).await?;
    let Exported { standings, subject, histories, records, events, places, mut withholding } = answer;
    let references: Vec<String> = histories.iter().map(|(_, reference)| reference.clone()).collect();
    let mut parts = vec![Part::Head(pb::ExportHead {
        context: Some(edge.service.context(&standings)),
        subject_ref: asked.subject_ref.clone(),
        standing_ref: references.first().cloned().unwrap_or_default(),
        references,
        exported_time: Some(edge.service.instant()),
    })];
    parts.extend(records.into_iter().map(Part::Record));
    parts.extend(events.into_iter().map(Part::Event));
    let sight = Service::sight_of_life(caller, &standings);
    for mut one in listed(&standings, subject, &places, caller, &sight) {
        if let Some(standing) = &mut one.standing {
            withholding.standing(standing);
        }
        parts.push(Part::Standing(one));
    }
    for (history, reference) in histories {
        parts.extend(published(edge, history, &reference).await?);
    }
    parts.push(Part::Sum(withholding.sum));
    Ok(Disclosure { answer: parts, subjects })
}

/// How a history stood in each generation that is kept, list by list.
async fn published(edge: &Arc<Edge>, history: SubjectId, subject_ref: &str) -> Result<Vec<Part>, Fault> {
    let stood = edge.rescoring.stood(history).await?;
    let of_list = |list: crate::domain::word::List| {
        let of = stood.iter().filter(|(found, _)| *found == list);
        let entries: Vec<pb::HistoryEntry> = of.map(|(_, one): &(_, Entry)| entry(one)).collect();
        let subject_ref = subject_ref.to_owned();
        (!entries.is_empty())
            .then(|| Part::History(pb::ExportedHistory { list: list.proto().into(), entries, subject_ref }))
    };
    Ok(SPECIFIC_FIRST.into_iter().filter_map(of_list).collect())
}
