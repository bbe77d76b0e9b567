//! Logs of the server, to standard error: a message that a person can read, and
//! dotted fields with units (`shutdown.grace_seconds`). Never in them: names,
//! dates of birth, references of victims, tokens, request bodies.

mod lines;
pub mod metrics;
pub mod trace;

use std::any::Any;
use std::panic::{self, PanicHookInfo};

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::TryInitError;

use crate::config::{Log, LogFormat};
use lines::Joined;

/// A library that is never heard, whatever is asked for: it asks other machines, and writes down all that it sends and is
/// sent, secrets and tokens too. Also the beginning of the name of its protocol's.
const SILENT: &str = "ureq";

/// Begins to log as settled, and logs panics from now on. Once in a process.
///
/// # Errors
/// Something else already logs in this process.
pub fn start(log: &Log) -> Result<(), TryInitError> {
    use tracing_subscriber::util::SubscriberInitExt;
    subscriber(log, std::io::stderr).try_init()?;
    panic::set_hook(Box::new(log_panic));
    Ok(())
}

fn subscriber<W>(log: &Log, writer: W) -> tracing::Dispatch
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let filter = EnvFilter::try_new(&log.level).expect("a level that was settled must be valid");
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(writer);
    let heard = filter_fn(|what| !what.target().starts_with(SILENT));
    match log.format {
        LogFormat::Text => {
            let lines = lines.with_ansi(false).map_event_format(|lines| Joined { lines, shape: LogFormat::Text });
            tracing::Dispatch::new(lines.finish().with(heard))
        }
        LogFormat::Json => {
            let lines = lines.json().flatten_event(true);
            let lines = lines.map_event_format(|lines| Joined { lines, shape: LogFormat::Json });
            tracing::Dispatch::new(lines.finish().with(heard))
        }
    }
}

fn log_panic(panic: &PanicHookInfo<'_>) {
    let place = panic.location().map(ToString::to_string).unwrap_or_default();
    let thread = std::thread::current();
    tracing::error!(
        panic.place = place,
        panic.thread = thread.name().unwrap_or("unnamed"),
        panic.message = literal(panic.payload()),
        "a part of the server failed; this is a fault in Steelyard"
    );
}

/// The message of a panic, where it is a literal of the program. A message made while running may hold what it
/// was made from, which may be about a person; the place says enough to find it.
fn literal(payload: &dyn Any) -> &'static str {
    payload.downcast_ref::<&'static str>().copied().unwrap_or("not shown: it may hold what was being worked on")
}

#[cfg(test)]
mod tests {
    use std::io::{self, Write};
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<u8>>>);

    impl Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    pub(super) fn logged(format: LogFormat, level: &str, act: impl FnOnce()) -> String {
        let kept = Kept::default();
        let writer = kept.clone();
        let dispatch = subscriber(&Log { format, level: level.to_owned() }, move || writer.clone());
        tracing::dispatcher::with_default(&dispatch, act);
        let bytes = kept.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn a_json_line_holds_message_and_dotted_fields() {
        let line = logged(LogFormat::Json, "info", || tracing::info!(store.cache_bytes = 16_u64, "opened"));
        let value: serde_json::Value = serde_json::from_str(line.trim_end()).unwrap();
        assert_eq!(value["message"], "opened");
        assert_eq!(value["store.cache_bytes"], 16);
        assert_eq!(value["level"], "INFO");
    }

    #[test]
    fn nobody_can_ask_to_have_what_other_machines_are_sent_written_down() {
        for level in ["trace", "ureq_proto=trace", "ureq_proto::util=trace,ureq=debug,info"] {
            let text = logged(LogFormat::Json, level, || {
                tracing::trace!(target: "ureq_proto::util", "client_secret=s3cret");
                tracing::debug!(target: "ureq::run", "s3cret");
                tracing::error!(target: "ureq_proto", "heard");
            });
            assert!(!text.contains("s3cret"), "{level}: {text}");
        }
    }

    #[test]
    fn a_text_line_has_no_colours_and_keeps_to_its_level() {
        let lines = logged(LogFormat::Text, "warn", || {
            tracing::info!("not this");
            tracing::warn!(disk.free_bytes = 5_u64, "disk is nearly full");
        });
        assert!(lines.contains("disk is nearly full disk.free_bytes=5"), "{lines}");
        assert!(!lines.contains("not this") && !lines.contains('\u{1b}'), "{lines}");
    }

    #[test]
    fn a_panic_made_from_data_shows_none_of_it() {
        let made: Box<dyn Any> = Box::new(format!("no such person: {}", "SMITH, John"));
        assert!(!literal(made.as_ref()).contains("SMITH"));
        let written: Box<dyn Any> = Box::new("must hold");
        assert_eq!(literal(written.as_ref()), "must hold");
    }
}
