//! Who calls, asked before anything else of a call, and how it is told that they
//! cannot be known: one reason for each way in which that may be, so that whoever runs
//! the calling system can mend it. Nothing told quotes what was sent.

use std::collections::HashMap;
use std::sync::Arc;

use tonic::{Request, Status};
use tonic_types::{ErrorDetails, StatusExt};

use crate::access::authenticate::{Authenticator, IdentityFault};
use crate::access::token::TokenFault;
use crate::access::transport::Peer;
use crate::pb::ErrorReason;

/// The reason of a fault. The table in SECURITY.md says the same.
pub const fn reason(fault: &IdentityFault) -> ErrorReason {
    match fault {
        IdentityFault::Unauthenticated => ErrorReason::Unauthenticated,
        IdentityFault::NoIssuer => ErrorReason::TokenKeyUnknown,
        IdentityFault::CertificateUnknown => ErrorReason::CertificateUnknown,
        IdentityFault::Contradictory(_) => ErrorReason::IdentityContradictory,
        IdentityFault::Token(fault) => match fault {
            TokenFault::TooLong | TokenFault::Malformed(_) => ErrorReason::TokenMalformed,
            TokenFault::Algorithm => ErrorReason::TokenAlgorithmRefused,
            TokenFault::UnknownKey | TokenFault::KeysTooOld => ErrorReason::TokenKeyUnknown,
            TokenFault::Signature => ErrorReason::TokenSignatureInvalid,
            TokenFault::Expired => ErrorReason::TokenExpired,
            TokenFault::NotYetValid => ErrorReason::TokenNotYetValid,
            TokenFault::Issuer => ErrorReason::TokenWrongIssuer,
            TokenFault::Audience => ErrorReason::TokenWrongAudience,
            TokenFault::Missing(_) | TokenFault::Claims(_) => ErrorReason::TokenClaimsInvalid,
        },
    }
}

/// A fault as a status: always UNAUTHENTICATED, with its reason.
pub fn status(fault: &IdentityFault, correlation_id: &str) -> Status {
    let reason = reason(fault).as_str_name().trim_start_matches("ERROR_REASON_");
    let metadata = HashMap::from([("correlation_id".to_owned(), correlation_id.to_owned())]);
    let details = ErrorDetails::with_error_info(reason, super::error::DOMAIN, metadata);
    Status::with_error_details(tonic::Code::Unauthenticated, fault.to_string(), details)
}

/// Tells who makes each call, and puts that into its extensions; refuses those who cannot be told.
#[derive(Clone, Debug)]
pub struct Identify(pub Arc<Authenticator>);

impl tonic::service::Interceptor for Identify {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        let peer = request.extensions().get::<Peer>().cloned().unwrap_or_default();
        let identified = self.0.identify(request.metadata().as_ref(), &peer);
        let correlation_id = super::correlation_id(&request);
        let identity = identified.map_err(|fault| {
            let reason = reason(&fault).as_str_name();
            tracing::debug!(rpc.reason = reason, correlation_id = %correlation_id, "refused: it cannot be told who calls");
            status(&fault, &correlation_id)
        })?;
        request.extensions_mut().insert(identity);
        Ok(request)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_has_the_reason_that_the_page_says_and_quotes_nothing_long() {
        let page = include_str!("../../docs/SECURITY.md");
        let faults = [
            IdentityFault::Unauthenticated,
            IdentityFault::NoIssuer,
            IdentityFault::CertificateUnknown,
            IdentityFault::Contradictory("so"),
            TokenFault::TooLong.into(),
            TokenFault::Malformed("so").into(),
            TokenFault::Algorithm.into(),
            TokenFault::UnknownKey.into(),
            TokenFault::KeysTooOld.into(),
            TokenFault::Signature.into(),
            TokenFault::Expired.into(),
            TokenFault::NotYetValid.into(),
            TokenFault::Issuer.into(),
            TokenFault::Audience.into(),
            TokenFault::Missing("sub").into(),
            TokenFault::Claims("so".to_owned()).into(),
        ];
        for fault in faults {
            let status = status(&fault, "c");
            let info = status.get_details_error_info().unwrap();
            assert!(page.contains(&format!("`{}`", info.reason)), "{} is not in SECURITY.md", info.reason);
            assert_eq!(status.code(), tonic::Code::Unauthenticated);
        }
    }
}
