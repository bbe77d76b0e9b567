//! Whether who looked is written down.

use super::Concern;
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

pub(super) fn settle(reader: &mut Reader<'_>) -> Option<Audit> {
    reader
        .value(&ENABLED, |text| text.parse().map_err(|_| "is neither true nor false".to_owned()))
        .map(|enabled| Audit { enabled })
}
