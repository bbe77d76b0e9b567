//! What a call came to, as an entry of the audit.

use std::sync::Arc;

use tonic::{Code, Status};

use crate::access::Caller;
use crate::access::table::Rule;
use crate::domain::SubjectId;
use crate::service::fault::Fault;

/// What became of a call.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// It was answered, with what it says of these people.
    Allowed(Arc<[SubjectId]>),
    /// Its caller may not make it, or may not see what it asks for.
    Refused(Code),
    /// It went wrong.
    Failed(Code),
}

/// Writes what calls came to into the audit.
#[derive(Clone, Default)]
pub struct Auditor {}

#[expect(clippy::unused_async, reason = "until there is an audit")]
impl Auditor {
    /// Whether the audit takes entries: if not, nothing is begun that could not be recorded.
    ///
    /// # Errors
    /// Why not.
    pub fn ready(&self) -> Result<(), Fault> {
        Ok(())
    }

    /// Records a call. Once this returns, it is on disk.
    ///
    /// # Errors
    /// It could not be, so nothing may leave.
    pub async fn call(&self, _caller: &Caller, _rule: &Rule, _outcome: &Outcome) -> Result<(), Status> {
        Ok(())
    }

    /// Records a message of a stream.
    ///
    /// # Errors
    /// It could not be, so nothing may leave.
    pub async fn message(&self, _caller: &Caller, _number: u64, _subjects: &[SubjectId]) -> Result<(), Status> {
        Ok(())
    }
}
