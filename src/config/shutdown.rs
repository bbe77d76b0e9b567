//! How long stopping may take.

use std::time::Duration;

use super::Concern;
use super::key::{Key, Shape};
use super::reader::{Reader, whole};

/// How long stopping may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shutdown {
    /// Time for calls in flight to end after the signal to stop.
    pub grace: Duration,
}

pub(super) const GRACE_SECONDS: Key = Key {
    name: "shutdown.grace_seconds",
    flag: "shutdown-grace-seconds",
    variable: "STEELYARD_SHUTDOWN_GRACE_SECONDS",
    shape: Shape::Value("SECONDS"),
    takes: "0 to 3600, seconds",
    default: Some("20"),
    meaning: "How long calls in flight may go on after the signal to stop. Then they are cut off and the server ends. \
              What was acknowledged is safe either way.",
};

pub(super) const CONCERN: Concern = Concern { title: "Stopping", keys: &[&GRACE_SECONDS] };

pub(super) fn settle(reader: &mut Reader<'_>) -> Option<Shutdown> {
    let seconds = reader.value(&GRACE_SECONDS, |text| whole(text, 0..=3_600))?;
    Some(Shutdown { grace: Duration::from_secs(seconds) })
}
