//! In what form an answer is wanted, by the header `Accept` or, for a link that
//! cannot set one, by the parameter `format`.

use http::HeaderMap;
use http::header::ACCEPT;

use super::shape::Call;

/// A form of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// One JSON object.
    Json,
    /// A JSON object in each line.
    Ndjson,
    /// Server-sent events, with a JSON object in each.
    Events,
    /// Comma-separated values.
    Csv,
    /// Apache Parquet.
    Parquet,
}

impl Form {
    /// Forms by the word of the parameter `format`.
    pub const ALL: [(&'static str, Self); 5] = [
        ("json", Self::Json),
        ("ndjson", Self::Ndjson),
        ("events", Self::Events),
        ("csv", Self::Csv),
        ("parquet", Self::Parquet),
    ];

    /// Its media type.
    pub const fn media(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Ndjson => "application/x-ndjson",
            Self::Events => "text/event-stream",
            Self::Csv => "text/csv",
            Self::Parquet => "application/vnd.apache.parquet",
        }
    }

    /// Whether it is a table: rows under the names of columns.
    pub const fn has_rows(self) -> bool {
        match self {
            Self::Csv | Self::Parquet => true,
            Self::Json | Self::Ndjson | Self::Events => false,
        }
    }

    /// Forms in which a call answers, the usual one first.
    pub fn offered(call: &Call) -> &'static [Self] {
        match (call.many_out, call.gives.as_str()) {
            (_, "steelyard.v1.ExportStandingsResponse") => &[Self::Ndjson, Self::Events, Self::Csv, Self::Parquet],
            (true, _) => &[Self::Ndjson, Self::Events],
            (false, _) => &[Self::Json],
        }
    }

    /// The form of a word.
    pub fn of_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|(known, _)| *known == word).map(|(_, form)| form)
    }
}

/// The form wanted most among those offered, of which the first is the usual one. `None`: none of them is wanted.
pub fn wanted(headers: &HeaderMap, offered: &[Form]) -> Option<Form> {
    let ranges: Vec<(&str, u32)> = headers
        .get_all(ACCEPT)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(range)
        .collect();
    if ranges.is_empty() {
        return offered.first().copied();
    }
    let mut best: Option<(Form, u32)> = None;
    for form in offered {
        let weight = weight(form.media(), &ranges);
        if weight > best.map_or(0, |(_, weight)| weight) {
            best = Some((*form, weight));
        }
    }
    best.map(|(form, _)| form)
}

/// A media range and its weight in thousandths.
fn range(text: &str) -> Option<(&str, u32)> {
    let mut parts = text.split(';').map(str::trim);
    let range = parts.next().filter(|range| range.contains('/'))?;
    let stated = parts.find_map(|part| part.strip_prefix("q=").or_else(|| part.strip_prefix("Q=")));
    let weight = match stated {
        None => 1_000,
        Some(stated) => {
            let (whole, rest) = stated.split_once('.').unwrap_or((stated, ""));
            let thousandths: u32 = format!("{rest:0<3}").get(..3)?.parse().ok()?;
            whole.parse::<u32>().ok()?.saturating_mul(1_000).saturating_add(thousandths).min(1_000)
        }
    };
    Some((range, weight))
}

/// The weight of the most specific range that a media type is in.
fn weight(media: &str, ranges: &[(&str, u32)]) -> u32 {
    let kind = media.split('/').next().unwrap_or_default();
    let specific = |(range, weight): &(&str, u32)| {
        let rank = if range.eq_ignore_ascii_case(media) {
            3
        } else if range.strip_suffix("/*").is_some_and(|range| range.eq_ignore_ascii_case(kind)) {
            2
        } else if *range == "*/*" {
            1
        } else {
            return None;
        };
        Some((rank, *weight))
    };
    ranges.iter().filter_map(specific).max_by_key(|(rank, _)| *rank).map_or(0, |(_, weight)| weight)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(accept: &str, offered: &[Form]) -> Option<Form> {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, accept.parse().unwrap());
        wanted(&headers, offered)
    }

    #[test]
    fn the_form_wanted_most_is_given_and_the_usual_one_where_nothing_is_said() {
        let offered = [Form::Ndjson, Form::Events, Form::Csv];
        assert_eq!(wanted(&HeaderMap::new(), &offered), Some(Form::Ndjson));
        assert_eq!(asked("*/*", &offered), Some(Form::Ndjson));
        assert_eq!(asked("text/event-stream", &offered), Some(Form::Events));
        assert_eq!(asked("text/*;q=0.5, text/csv", &offered), Some(Form::Csv));
        assert_eq!(asked("text/csv;q=0.1, application/x-ndjson;q=0.2", &offered), Some(Form::Ndjson));
        assert_eq!(asked("application/x-ndjson;q=0, */*", &offered), Some(Form::Events));
        assert_eq!(asked("image/png", &offered), None);
    }
}
