//! How logs are written. Logs go to standard error and never hold personal data.

use tracing_subscriber::EnvFilter;

use super::Concern;
use super::key::{Key, Shape};
use super::reader::Reader;

/// How logs are written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Log {
    /// Shape of a line.
    pub format: LogFormat,
    /// Directives of the filter, known to be valid.
    pub level: String,
}

/// Shape of a log line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// For machines: one JSON object a line.
    Json,
}

pub(super) const FORMAT: Key = Key {
    name: "log.format",
    flag: "log-format",
    variable: "STEELYARD_LOG_FORMAT",
    shape: Shape::Value("FORMAT"),
    takes: "`text` or `json`",
    default: Some("text"),
    meaning: "Shape of a log line: for people, or one JSON object a line.",
};

pub(super) const LEVEL: Key = Key {
    name: "log.level",
    flag: "log-level",
    variable: "STEELYARD_LOG_LEVEL",
    shape: Shape::Value("LEVEL"),
    takes: "`error`, `warn`, `info`, `debug` or `trace`, or a list such as `info,steelyard::store=debug`",
    default: Some("info"),
    meaning: "What is logged.",
};

pub(super) const CONCERN: Concern = Concern { title: "Logs", keys: &[&FORMAT, &LEVEL] };

pub(super) fn settle(reader: &mut Reader<'_>) -> Option<Log> {
    let format = reader.value(&FORMAT, |text| match text {
        "text" => Ok(LogFormat::Text),
        "json" => Ok(LogFormat::Json),
        _ => Err("is neither `text` nor `json`".to_owned()),
    });
    let level = reader.value(&LEVEL, directives);
    Some(Log { format: format?, level: level? })
}

/// A word that is no level would be taken by the filter for the name of a target, and silence everything else.
fn directives(text: &str) -> Result<String, String> {
    const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];
    let wrong = || "is no level; give error, warn, info, debug or trace, or a list such as info,steelyard::store=debug";
    for directive in text.split(',') {
        let level = directive.rsplit_once('=').map_or(directive, |(_, level)| level);
        if !LEVELS.contains(&level.trim()) {
            return Err(wrong().to_owned());
        }
    }
    EnvFilter::try_new(text).map_err(|_| wrong().to_owned())?;
    Ok(text.to_owned())
}
