//! Whether who looked is written down.

use super::Concern;
use super::access::Access;
use super::key::{Key, Shape};
use super::reader::Reader;

/// Whether who looked is written down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Audit {
    /// It is.
    pub enabled: bool,
}

pub(super) const ENABLED: Key = Key {
    name: "audit.enabled",
    flag: "audit-enabled",
    variable: "STEELYARD_AUDIT_ENABLED",
    shape: Shape::Value("WHETHER"),
    takes: "`true` or `false`",
    default: Some("true"),
    meaning: "Whether every call is written into the audit before its answer leaves. Without it nobody can say who looked \
              at whom: false is for trials on this machine, and refused where callers have to say who they are.",
};

pub(super) const CONCERN: Concern = Concern { title: "Audit", keys: &[&ENABLED] };

pub(super) fn settle(reader: &mut Reader<'_>, access: Option<&Access>) -> Option<Audit> {
    let enabled: bool =
        reader.value(&ENABLED, |text| text.parse().map_err(|_| "is neither true nor false".to_owned()))?;
    if !enabled && access.is_some_and(Access::is_asked_for) {
        reader.refuse(&ENABLED, "must be true where callers have to say who they are: who looked has to be told");
        return None;
    }
    Some(Audit { enabled })
}
