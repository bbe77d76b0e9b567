//! `traceparent`, by which a caller says that a call is part of its own trace, as
//! the W3C has it. What is malformed is as good as not there. `tracestate` is not
//! read: whatever others put there would be told on.

use opentelemetry::trace::{SpanContext, SpanId, TraceFlags, TraceId, TraceState};

/// The header.
pub const TRACEPARENT: &str = "traceparent";

/// Length of the header in its first version.
const LENGTH: usize = 55;

/// What a header says.
pub fn read(header: &str) -> Option<SpanContext> {
    let (known, rest) = header.split_at_checked(LENGTH)?;
    let mut parts = known.split('-');
    let (version, trace, span, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    // A later version may say more behind what is known.
    let whole = if version == "00" { rest.is_empty() } else { rest.is_empty() || rest.starts_with('-') };
    let lower = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
    let shaped = [(version, 2), (trace, 32), (span, 16), (flags, 2)];
    if version == "ff"
        || !whole
        || parts.next().is_some()
        || !shaped.iter().all(|(it, len)| it.len() == *len && lower(it))
    {
        return None;
    }
    let trace = TraceId::from_hex(trace).ok()?;
    let span = SpanId::from_hex(span).ok()?;
    let flags = u8::from_str_radix(flags, 16).ok()? & TraceFlags::SAMPLED.to_u8();
    let context = SpanContext::new(trace, span, TraceFlags::new(flags), true, TraceState::NONE);
    context.is_valid().then_some(context)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa01a902b7-01";

    #[test]
    fn the_example_of_the_standard_is_read() {
        let parent = read(GOOD).unwrap();
        assert_eq!(parent.trace_id().to_string(), "4bf92f3577b34da6a3ce929d0e0e4736");
        assert_eq!(parent.span_id().to_string(), "00f067aa01a902b7");
        assert!(parent.is_sampled() && parent.is_remote());
        assert!(!read(&GOOD.replace("-01", "-00")).unwrap().is_sampled());
        assert!(read(&format!("cc{}-later", &GOOD[2..])).is_some(), "a later version");
    }

    #[test]
    fn what_is_malformed_is_not_there() {
        for header in [
            "",
            "00",
            &GOOD.replace("00-4", "ff-4"),
            &GOOD.to_uppercase(),
            &format!("{GOOD}-more"),
            &format!("{GOOD} "),
            &GOOD.replace("4bf92f3577b34da6a3ce929d0e0e4736", "00000000000000000000000000000000"),
            &GOOD.replace("00f067aa01a902b7", "0000000000000000"),
            &GOOD.replace("00f067aa01a902b7", "00f067aa01a902bg"),
            &GOOD.replace('-', "_"),
            &"ä".repeat(40),
        ] {
            assert!(read(header).is_none(), "{header}");
        }
    }
}
