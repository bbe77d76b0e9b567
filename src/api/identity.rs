//! Who calls, asked before anything else of a call, and how it is told that they
//! cannot be known: one reason for each way in which that may be, so that whoever runs
//! the calling system can mend it. Nothing told quotes what was sent.

use crate::access::authenticate::IdentityFault;
use crate::access::token::TokenFault;
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

#[cfg(test)]
mod tests {
    use tonic_types::StatusExt;

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
            let status = crate::api::error::status(&fault.into(), "c");
            let info = status.get_details_error_info().unwrap();
            assert!(page.contains(&format!("`{}`", info.reason)), "{} is not in SECURITY.md", info.reason);
            assert_eq!(status.code(), tonic::Code::Unauthenticated);
        }
    }
}
