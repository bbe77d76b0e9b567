//! What requests that write under supervision share at the edge: ids that the
//! server makes, times that default to now, and the record around what is said.

use jiff::Timestamp;
use prost::Message;

use super::Edge;
use super::filter::Arguments;
use crate::access::Caller;
use crate::domain::Date;
use crate::domain::id::check_reference;
use crate::pb;
use crate::reference;
use crate::service::Service;
use crate::service::etag;
use crate::service::fault::Fault;
use crate::service::moves::Move;
use crate::service::mutation::{Answer, Mutation, MutationBody, content_digest, request_id};
use crate::service::record;

/// The system that a record comes from unless a request says otherwise.
const OWN_SYSTEM: &str = "steelyard";

/// The id of the record that a request writes: the caller's, or one that follows from the request's own, so that a request
/// sent again names the same record.
pub fn own_id(
    arguments: &mut Arguments,
    field: &str,
    stated: &str,
    prefix: &str,
    request_id: &str,
    most: usize,
) -> String {
    if stated.is_empty() {
        return format!("{prefix}-{}", request_id.to_lowercase());
    }
    if let Err(why) = check_reference(stated, most) {
        arguments.wrong(field, "INVALID_REFERENCE", format!("{field} {why}"));
    }
    stated.to_owned()
}

/// When something happened: as stated, or now.
pub fn moment(
    arguments: &mut Arguments,
    field: &str,
    stated: Option<&pbjson_types::Timestamp>,
    service: &Service,
) -> Timestamp {
    let Some(stated) = stated else { return service.now() };
    Timestamp::new(stated.seconds, stated.nanos).unwrap_or_else(|_| {
        arguments.wrong(field, "INVALID_TIME", format!("{field} is not an instant between years 1 and 9999"));
        service.now()
    })
}

/// A record of something that happened at an instant.
pub fn record(id: &str, subject_ref: &str, system: &str, at: Timestamp, kind: pb::record::Kind) -> pb::Record {
    pb::Record {
        id: id.to_owned(),
        subject_ref: subject_ref.to_owned(),
        source_system: if system.is_empty() { OWN_SYSTEM.to_owned() } else { system.to_owned() },
        event_date: Date::in_london(at).to_string(),
        kind: Some(kind),
        ..pb::Record::default()
    }
}

/// Notes everything that is wrong with the record that a request is to write, as far as the record itself tells: so that all
/// of it is heard at once, beside what is wrong with the request.
pub fn judged(arguments: &mut Arguments, record: &pb::Record, service: &Service) {
    let Err(violations) = record::take_in(record, reference::tables(), service.now()) else { return };
    for violation in violations {
        // What the request says of these has been told in its own words.
        let own = ["id", "subject_ref", "event_date"].contains(&violation.field.as_str());
        if !own && !arguments.has(&violation.field) {
            arguments.wrong(&violation.field, &violation.reason, violation.description);
        }
    }
}

/// A move as the writer takes it.
pub fn moved(caller: &Caller, id: &str, digest: [u8; 32], made: Move) -> Result<Mutation, Fault> {
    let request_id = request_id(id).map_err(|violation| Fault::Invalid(vec![violation]))?;
    Ok(Mutation { caller: caller.clone(), request_id, digest, body: MutationBody::Move(made) })
}

/// Makes a move, unless something is wrong with its arguments: then everything is told, the request's id included.
///
/// # Errors
/// What is wrong with them, or what the writer found.
pub async fn change(
    edge: &Edge,
    mut arguments: Arguments,
    (method, content): (&str, &impl Message),
    made: impl FnOnce([u8; 32]) -> Result<Mutation, Fault>,
) -> Result<Answer, Fault> {
    let mutation = made(content_digest(method, content));
    if let Err(Fault::Invalid(violations)) = &mutation {
        for violation in violations {
            arguments.wrong(&violation.field, &violation.reason, violation.description.clone());
        }
    }
    arguments.finish()?;
    edge.service.change(mutation?).await
}

/// The etag of the record that a move wrote.
pub fn etag_of(answer: &Answer) -> String {
    answer.verdicts.first().map(|verdict| etag(crate::domain::Revision(verdict.revision))).unwrap_or_default()
}
