//! `EraseSubject` at the edge: parse, call, map; and the key ring that a server is
//! started with. Nothing is destroyed here.

use std::sync::Arc;

use tonic::{Request, Response, Status};

use super::evidence::read_request_id;
use super::filter::Arguments;
use super::{Edge, correlated};
use crate::access::Caller;
use crate::config::{self, Encryption};
use crate::pb;
use crate::service::erasure::Erasure;
use crate::service::fault::Fault;
use crate::service::mutation::{Mutation, MutationBody, content_digest};
use crate::store::keyring::{KeyRing, KeyRingError, Site};

/// Erases a person, and then what published generations hold of them.
///
/// # Errors
/// Everything wrong with the request, or what became of it.
pub async fn erase_subject(
    edge: &Edge,
    request: Request<pb::EraseSubjectRequest>,
) -> Result<Response<pb::EraseSubjectResponse>, Status> {
    let caller = correlated(&request);
    let answer = async {
        let erased = edge.service.erase(mutation(request.into_inner(), &caller)?).await?;
        let generations_blanked = edge.rescoring.blank().await?;
        Ok(pb::EraseSubjectResponse {
            revision: erased.revision.0,
            events_erased: erased.events,
            records_erased: erased.records,
            events_unsealed: erased.unsealed,
            generations_blanked,
            people_weighed_anew: u32::try_from(erased.weighed_anew.len()).unwrap_or(u32::MAX),
            key_destroyed: edge.service.seals(),
        })
    };
    edge.done("EraseSubject", &caller, answer.await)
}

fn mutation(mut request: pb::EraseSubjectRequest, caller: &Caller) -> Result<Mutation, Fault> {
    let mut arguments = Arguments::default();
    let request_id = read_request_id(&mut arguments, &std::mem::take(&mut request.request_id));
    arguments.subject_ref("subject_ref", &request.subject_ref);
    arguments.subject_ref("officer", &request.officer);
    arguments.subject_ref("second_officer", &request.second_officer);
    arguments.text("reason", &request.reason, 10, 500);
    arguments.text("legal_ground", &request.legal_ground, 3, 200);
    arguments.nameless("reason", &request.reason, &[&request.subject_ref]);
    arguments.nameless("legal_ground", &request.legal_ground, &[&request.subject_ref]);
    arguments.finish()?;
    let digest = content_digest("EraseSubject", &request);
    let pb::EraseSubjectRequest { subject_ref, officer, second_officer, reason, legal_ground, .. } = request;
    let body = MutationBody::Erase(Erasure { subject_ref, officer, second_officer, reason, legal_ground });
    Ok(Mutation { caller: caller.clone(), request_id, digest, body })
}

/// The key ring of the settings; `None`: nothing is sealed.
///
/// # Errors
/// See [`KeyRingError`].
pub fn keys(encryption: &Encryption) -> Result<Option<Arc<KeyRing>>, KeyRingError> {
    encryption.keys.as_ref().map(|keys| KeyRing::open(&site(keys)).map(Arc::new)).transpose()
}

/// Where the keys of the settings are.
pub fn site(keys: &config::Keys) -> Site {
    Site {
        directory: keys.directory.clone(),
        kek_file: keys.kek_file.clone(),
        backups: keys.backup_directory.clone(),
        keep: keys.backup_kept,
    }
}
