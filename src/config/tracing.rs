//! Where traces are sent, and how many calls are traced. A trace names a call, its
//! times and its correlation id, and never a person.

use http::Uri;
use http::uri::Scheme;

use super::Concern;
use super::key::{Key, Shape};
use super::reader::Reader;

/// Parts that a ratio is counted in.
pub const WHOLE: u32 = 1_000_000;
/// Longest name of an instance.
const LONGEST: usize = 64;

/// Where traces are sent, and how many there are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tracing {
    /// The receiver. `None`: nothing is traced.
    pub receiver: Option<Receiver>,
    /// Of a million calls that say nothing of a trace, so many are traced.
    pub sampled: u32,
    /// Name of this process among others of the service. `None`: none.
    pub instance: Option<String>,
}

/// A receiver of traces over OTLP/gRPC.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receiver {
    /// Its address.
    pub endpoint: Uri,
    /// The authority that vouches for it, in PEM. `None`: it is asked in the clear.
    pub authority: Option<Vec<u8>>,
}

pub(super) const ENDPOINT: Key = Key {
    name: "tracing.endpoint",
    flag: "tracing-endpoint",
    variable: "STEELYARD_TRACING_ENDPOINT",
    shape: Shape::Value("URL"),
    takes: "an address such as `http://127.0.0.1:4317`, or `off`",
    default: Some("off"),
    meaning: "Receiver of traces, over OTLP/gRPC. Calls never wait for it: what it does not take is let go of. An `https://` \
              receiver needs `tracing.ca_file`.",
};

pub(super) const SAMPLE_RATIO: Key = Key {
    name: "tracing.sample_ratio",
    flag: "tracing-sample-ratio",
    variable: "STEELYARD_TRACING_SAMPLE_RATIO",
    shape: Shape::Value("RATIO"),
    takes: "0 to 1, with up to six digits behind the point",
    default: Some("0.01"),
    meaning: "Part of the calls that is traced. A call that brings a `traceparent` is traced where its caller traces it, and \
              otherwise not.",
};

pub(super) const CA_FILE: Key = Key {
    name: "tracing.ca_file",
    flag: "tracing-ca-file",
    variable: "STEELYARD_TRACING_CA_FILE",
    shape: Shape::Value("FILE"),
    takes: "a PEM file",
    default: None,
    meaning: "Certificates of the authority that vouches for an `https://` receiver of traces. Read at the start.",
};

pub(super) const INSTANCE: Key = Key {
    name: "tracing.instance",
    flag: "tracing-instance",
    variable: "STEELYARD_TRACING_INSTANCE",
    shape: Shape::Value("NAME"),
    takes: "up to 64 printable ASCII characters without spaces",
    default: None,
    meaning: "Name of this process in traces, `service.instance.id`, such as that of its machine.",
};

pub(super) const CONCERN: Concern = Concern { title: "Traces", keys: &[&ENDPOINT, &SAMPLE_RATIO, &CA_FILE, &INSTANCE] };

pub(super) fn settle(reader: &mut Reader<'_>) -> Option<Tracing> {
    let endpoint = reader.value(&ENDPOINT, endpoint);
    let sampled = reader.value(&SAMPLE_RATIO, ratio);
    let authority = reader.optional(&CA_FILE, certificates);
    let instance = reader.optional(&INSTANCE, name);
    let (endpoint, sampled, authority, instance) = (endpoint?, sampled?, authority?, instance?);
    let secure = endpoint.as_ref().is_some_and(|endpoint| endpoint.scheme() == Some(&Scheme::HTTPS));
    match (secure, &authority) {
        (true, None) => {
            reader
                .refuse(&ENDPOINT, "begins with https:// and `tracing.ca_file` is not set: nobody could vouch for it");
            return None;
        }
        (false, Some(_)) => {
            reader.refuse(&CA_FILE, "`tracing.endpoint` does not begin with https://, so that nothing is vouched for");
            return None;
        }
        (true, Some(_)) | (false, None) => {}
    }
    Some(Tracing { receiver: endpoint.map(|endpoint| Receiver { endpoint, authority }), sampled, instance })
}

fn endpoint(text: &str) -> Result<Option<Uri>, String> {
    if text == "off" {
        return Ok(None);
    }
    let wrong = || "is neither off nor an address such as http://127.0.0.1:4317".to_owned();
    let uri: Uri = text.parse().map_err(|_| wrong())?;
    let known = uri.scheme() == Some(&Scheme::HTTP) || uri.scheme() == Some(&Scheme::HTTPS);
    let bare = matches!(uri.path(), "" | "/") && uri.query().is_none();
    let named = uri.authority().is_some_and(|authority| !authority.as_str().contains('@'));
    if known && bare && named { Ok(Some(uri)) } else { Err(wrong()) }
}

fn certificates(text: &str) -> Result<Vec<u8>, String> {
    let found = std::fs::read(text).map_err(|error| format!("is a file that cannot be read: {error}"))?;
    let begin = b"-----BEGIN CERTIFICATE-----";
    let any = found.windows(begin.len()).any(|part| part == begin);
    if any { Ok(found) } else { Err("holds no certificate in PEM".to_owned()) }
}

fn ratio(text: &str) -> Result<u32, String> {
    let wrong = || "must be from 0 to 1, with up to six digits behind the point".to_owned();
    let (before, behind) = text.split_once('.').unwrap_or((text, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if before.is_empty() || behind.len() > 6 || !digits(before) || !digits(behind) {
        return Err(wrong());
    }
    let parts: u64 = format!("{before}{behind:0<6}").parse().map_err(|_| wrong())?;
    u32::try_from(parts).ok().filter(|parts| *parts <= WHOLE).ok_or_else(wrong)
}

fn name(text: &str) -> Result<String, String> {
    if !text.is_empty() && text.len() <= LONGEST && text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Ok(text.to_owned());
    }
    Err(format!("must have up to {LONGEST} printable ASCII characters and no spaces"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ratio_is_read_to_a_millionth_and_nothing_beyond_1_is_one() {
        for (text, parts) in [("0", 0), ("1", WHOLE), ("1.000000", WHOLE), ("0.01", 10_000), ("0.000001", 1)] {
            assert_eq!(ratio(text), Ok(parts), "{text}");
        }
        for text in ["", ".5", "-0", "1.1", "2", "0.0000001", "1e-2", "0,5", "NaN", "99999999999999999999"] {
            ratio(text).expect_err(text);
        }
    }

    #[test]
    fn a_receiver_is_an_address_and_nothing_more() {
        assert_eq!(endpoint("off"), Ok(None));
        assert!(endpoint("http://127.0.0.1:4317").is_ok_and(|uri| uri.is_some()));
        assert!(endpoint("https://collector.example:4317/").is_ok_and(|uri| uri.is_some()));
        for text in
            ["127.0.0.1:4317", "ftp://a:1", "http://user:secret@a:1", "http://a:1/v1/traces", "http://a:1/?b", ""]
        {
            endpoint(text).expect_err(text);
        }
    }
}
