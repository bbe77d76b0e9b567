//! To be written.

/// What the ledger keeps, as generated from `proto/steelyard/store/v1`.
pub use crate::generated::store::v1 as pb;
