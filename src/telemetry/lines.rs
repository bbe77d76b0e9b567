//! Lines of the log with the ids of the call that they are about, so that logs and
//! traces can be joined. Only lines of calls that are part of a trace have them;
//! every other line is as it was.

use std::fmt::{self, Write};

use tracing::{Event, Subscriber};
use tracing_subscriber::fmt::FmtContext;
use tracing_subscriber::fmt::format::{FormatEvent, FormatFields, Writer};
use tracing_subscriber::registry::LookupSpan;

use super::trace::{self, CallTrace};
use crate::config::LogFormat;

/// A shape of lines, and the ids in it.
pub(super) struct Joined<F> {
    pub(super) lines: F,
    pub(super) shape: LogFormat,
}

impl<S, N, F> FormatEvent<S, N> for Joined<F>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
    F: FormatEvent<S, N>,
{
    fn format_event(&self, context: &FmtContext<'_, S, N>, mut writer: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let Some(call) = trace::current() else { return self.lines.format_event(context, writer, event) };
        let mut line = String::new();
        self.lines.format_event(context, Writer::new(&mut line), event)?;
        let told = event.metadata().fields().field("correlation_id").is_some();
        let correlation_id = call.correlation_id().filter(|_| !told);
        match self.shape {
            LogFormat::Json => json(&mut line, &call, correlation_id)?,
            LogFormat::Text => text(&mut line, &call, correlation_id)?,
        }
        writer.write_str(&line)
    }
}

fn json(line: &mut String, call: &CallTrace, correlation_id: Option<&str>) -> fmt::Result {
    let whole = line.trim_end().strip_suffix('}').map(str::len);
    // An object that does not end as one is left alone.
    let Some(end) = whole else { return Ok(()) };
    line.truncate(end);
    write!(line, ",\"trace_id\":\"{}\"", call.trace_id())?;
    if let Some(span_id) = call.span_id() {
        write!(line, ",\"span_id\":\"{span_id}\"")?;
    }
    if let Some(id) = correlation_id {
        write!(line, ",\"correlation_id\":{}", serde_json::Value::from(id))?;
    }
    line.push_str("}\n");
    Ok(())
}

fn text(line: &mut String, call: &CallTrace, correlation_id: Option<&str>) -> fmt::Result {
    line.truncate(line.trim_end().len());
    write!(line, " trace_id={}", call.trace_id())?;
    if let Some(span_id) = call.span_id() {
        write!(line, " span_id={span_id}")?;
    }
    if let Some(id) = correlation_id {
        write!(line, " correlation_id={id}")?;
    }
    line.push('\n');
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::tests::logged;
    use super::*;
    use crate::telemetry::trace::{Tracing, within};

    const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa01a902b7-00";

    fn said(shape: LogFormat, say: fn()) -> String {
        let headers = [("traceparent".parse().unwrap(), PARENT.parse().unwrap())].into_iter().collect();
        let call = Tracing::default().begin("steelyard.v1.A/B", &headers);
        let known = call.as_ref().expect("a caller's trace is known though nothing is traced");
        known.correlated("an \"id\"");
        logged(shape, "info", || {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            runtime.block_on(within(call.as_ref(), async { say() }));
        })
    }

    #[test]
    fn a_line_of_a_call_says_of_which_trace_and_call_it_is() {
        let line = said(LogFormat::Json, || tracing::info!(store.cache_bytes = 16_u64, "opened"));
        let value: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert_eq!(value["trace_id"], "4bf92f3577b34da6a3ce929d0e0e4736");
        assert_eq!(value["correlation_id"], "an \"id\"");
        assert_eq!((&value["message"], &value["store.cache_bytes"]), (&"opened".into(), &16.into()));
        assert!(value.get("span_id").is_none(), "it has no span of its own: {line}");
        let line = said(LogFormat::Text, || tracing::info!("opened"));
        assert!(
            line.ends_with("opened trace_id=4bf92f3577b34da6a3ce929d0e0e4736 correlation_id=an \"id\"\n"),
            "{line}"
        );
    }

    #[test]
    fn what_a_line_says_itself_is_not_said_twice_and_other_lines_say_nothing() {
        let line = said(LogFormat::Json, || tracing::info!(correlation_id = "its own", "refused"));
        assert_eq!(line.matches("correlation_id").count(), 1, "{line}");
        let line = logged(LogFormat::Json, "info", || tracing::info!("opened"));
        assert!(!line.contains("trace_id"), "{line}");
    }
}
