//! How a handler answers: with whom the answer says something about. The gate
//! lets nothing out that does not say so, and audits it first.

use std::pin::Pin;
use std::sync::Arc;

use jiff::Timestamp;
use tokio_stream::{Stream, StreamExt};
use tonic::{Response, Status};

use super::auditor::Auditor;
use super::http::etag::Known;
use super::{Edge, error};
use crate::access::look::Written;
use crate::access::token::TokenFault;
use crate::access::{Caller, Disclosure};
use crate::domain::SubjectId;
use crate::domain::word::List;
use crate::ranking::Standings;
use crate::service::fault::Fault;

/// Messages of a stream, each audited before it leaves.
pub type Answers<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

/// What an answer discloses, for the gate.
#[derive(Clone, Debug)]
pub enum Disclosed {
    /// These people.
    People(Arc<[SubjectId]>),
    /// Whatever its messages say, each of which is audited by itself.
    Stream,
}

impl Edge {
    /// Answers with what says something about people.
    ///
    /// # Errors
    /// The fault, as a status.
    pub fn answer<T>(
        &self,
        method: &'static str,
        caller: &Caller,
        answer: Result<Disclosure<T>, Fault>,
    ) -> Result<Response<T>, Status> {
        let Disclosure { answer, subjects } = answer.map_err(|fault| self.refuse(method, caller, &fault))?;
        Ok(disclosing(answer, Disclosed::People(subjects.into())))
    }

    /// Answers with what says something about people, and with what the answer is known by to whoever holds it.
    ///
    /// # Errors
    /// The fault, as a status.
    pub fn answer_known<T>(
        &self,
        method: &'static str,
        caller: &Caller,
        answer: Result<(Disclosure<T>, Option<Known>), Fault>,
    ) -> Result<Response<T>, Status> {
        let (answer, known) = match answer {
            Ok((answer, known)) => (Ok(answer), known),
            Err(fault) => (Err(fault), None),
        };
        let mut response = self.answer(method, caller, answer)?;
        if let Some(known) = known {
            response.extensions_mut().insert(known);
        }
        Ok(response)
    }

    /// What an answer about lists is known by: when one of them last changed.
    pub fn known(&self, caller: &Caller, standings: &Standings, lists: impl IntoIterator<Item = List>) -> Known {
        let changed = lists.into_iter().map(|list| standings.changed(list)).max().unwrap_or(standings.revision());
        let context = self.service.context(standings);
        Known::of(caller, &context.store, context.stale, changed)
    }

    /// Answers with what says nothing of anybody, or only that what was asked for was done.
    ///
    /// # Errors
    /// The fault, as a status.
    pub fn done<T>(
        &self,
        method: &'static str,
        caller: &Caller,
        answer: Result<T, Fault>,
    ) -> Result<Response<T>, Status> {
        self.answer(method, caller, answer.map(Disclosure::of_nobody))
    }

    /// Answers with a stream. A message is audited, with whom it discloses, before it leaves; and none leaves once the
    /// caller's token is over: whoever asks again is asked again who they are and what they may.
    pub fn stream<T: Send + 'static>(
        &self,
        caller: &Caller,
        messages: impl Stream<Item = Result<Disclosure<T>, Status>> + Send + 'static,
    ) -> Response<Answers<T>> {
        let asked_by = caller.clone();
        let messages = messages.map(move |message| {
            let message = message?;
            if asked_by.is_over(Timestamp::now()) {
                let fault = Fault::Unidentified(TokenFault::Expired.into());
                return Err(error::status(&fault, &asked_by.correlation_id));
            }
            Ok((message, None))
        });
        self.audited(caller, messages)
    }

    /// Answers with a stream of what became of changes. A message is audited, with whom it was written about, before it
    /// leaves.
    pub fn acknowledging<T: Send + 'static>(
        &self,
        caller: &Caller,
        messages: impl Stream<Item = Result<(T, Written), Status>> + Send + 'static,
    ) -> Response<Answers<T>> {
        let messages = messages.map(|message| {
            let (answer, written) = message?;
            Ok((Disclosure { answer, subjects: written.concerned.clone() }, Some(written)))
        });
        self.audited(caller, messages)
    }

    fn audited<T: Send + 'static>(
        &self,
        caller: &Caller,
        messages: impl Stream<Item = Result<Message<T>, Status>> + Send + 'static,
    ) -> Response<Answers<T>> {
        let (auditor, caller) = (self.auditor.clone(), caller.clone());
        let mut number = 0;
        let audited = messages.then(move |message| {
            number += 1;
            audited(auditor.clone(), caller.clone(), number, message)
        });
        disclosing(Box::pin(audited), Disclosed::Stream)
    }
}

/// A message of a stream, and what was written, where it acknowledges that.
type Message<T> = (Disclosure<T>, Option<Written>);

async fn audited<T>(
    auditor: Auditor,
    caller: Caller,
    number: u64,
    message: Result<Message<T>, Status>,
) -> Result<T, Status> {
    let (Disclosure { answer, subjects }, written) = message?;
    if !subjects.is_empty() {
        let rule = caller.look.rule().expect("a call that is answered must have a rule");
        auditor.message(&caller, rule, number, &subjects, written).await?;
    }
    Ok(answer)
}

fn disclosing<T>(answer: T, disclosed: Disclosed) -> Response<T> {
    let mut response = Response::new(answer);
    response.extensions_mut().insert(disclosed);
    response
}
