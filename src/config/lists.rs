//! What lists are weighed by, and from when on they count as stale.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::Concern;
use super::key::{Key, Shape};
use super::reader::{Reader, whole};
use crate::domain::Date;
use crate::policy::Policy;

/// What lists are weighed by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lists {
    /// Day to weigh everyone on from now on. `None`: the day that the ledger holds.
    pub as_of: Option<Date>,
    /// Policy file to activate. `None`: the policy that the ledger holds, or the one compiled in.
    pub policy: Option<PolicyFile>,
    /// How long after the start of `as_of` (London) answers are marked stale.
    pub stale_after: Duration,
}

pub(super) const AS_OF: Key = Key {
    name: "as_of",
    flag: "as-of",
    variable: "STEELYARD_AS_OF",
    shape: Shape::Value("DATE"),
    takes: "a date, YYYY-MM-DD",
    default: None,
    meaning: "Day on which everyone is weighed. Written to the ledger at start, so that a restart without it keeps \
              the day. A new store without it takes today in London.",
};

pub(super) const POLICY: Key = Key {
    name: "policy",
    flag: "policy",
    variable: "STEELYARD_POLICY",
    shape: Shape::Value("FILE"),
    takes: "a policy file in TOML",
    default: None,
    meaning: "Policy to weigh by. Checked, then written to the ledger at start, so that a restart without it keeps \
              the policy. A new store without it takes the reference policy that is compiled in.",
};

pub(super) const STALE_AFTER_HOURS: Key = Key {
    name: "freshness.stale_after_hours",
    flag: "freshness-stale-after-hours",
    variable: "STEELYARD_FRESHNESS_STALE_AFTER_HOURS",
    shape: Shape::Value("HOURS"),
    takes: "1 to 8760, hours",
    default: Some("26"),
    meaning: "How long after the start of `as_of` in London answers are marked stale. The default allows a nightly \
              move of the day to be two hours late.",
};

pub(super) const CONCERN: Concern = Concern { title: "Lists", keys: &[&AS_OF, &POLICY, &STALE_AFTER_HOURS] };

pub(super) fn settle(reader: &mut Reader<'_>) -> Option<Lists> {
    let as_of = reader.optional(&AS_OF, |text| text.parse::<Date>().map_err(|not| format!("is {not}")));
    let policy = reader.optional(&POLICY, file);
    let hours = reader.value(&STALE_AFTER_HOURS, |text| whole(text, 1..=8_760));
    Some(Lists { as_of: as_of?, policy: policy?, stale_after: Duration::from_secs(hours? * 3_600) })
}

/// A policy file that validates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyFile {
    /// Where it is.
    pub path: PathBuf,
    /// What it says.
    pub text: String,
}

fn file(text: &str) -> Result<PolicyFile, String> {
    let path = Path::new(text);
    let found = std::fs::read_to_string(path).map_err(|error| format!("is a file that cannot be read: {error}"))?;
    match Policy::parse(&found) {
        Ok(_) => Ok(PolicyFile { path: path.to_owned(), text: found }),
        Err(violations) => {
            let listed: Vec<String> = violations.iter().map(ToString::to_string).collect();
            Err(format!("is a policy that does not validate:\n    {}", listed.join("\n    ")))
        }
    }
}
